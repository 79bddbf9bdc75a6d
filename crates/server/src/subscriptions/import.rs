//! Taking over from another system: plans, what customers saved, subscriptions. What would be done
//! is decided line by line, with the reason where it is refused, and decided anew when it is done;
//! a file may come again as often as it likes.
//!
//! Invariant: what was taken back once is not brought to life by importing it again, and a bank's
//! token is sealed before anything is written and never printed.

pub mod saved;
pub mod subscribed;
pub mod table;

/// What becomes, or would become, of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    New,
    /// A plan with other terms than before.
    Changed,
    /// It is so already.
    Same,
    Refused(String),
}

impl Verdict {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Verdict::New => "new",
            Verdict::Changed => "changed",
            Verdict::Same => "same",
            Verdict::Refused(_) => "refused",
        }
    }
}

/// Whether a line is only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    DryRun,
    Write,
}
