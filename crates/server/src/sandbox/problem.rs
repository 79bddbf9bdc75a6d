//! What the controls answer when they cannot do something, and what the client reads back.

use serde::{Deserialize, Serialize};

/// A refusal of the controls: `code` for programs, `message` and `hint` for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status; 0 when the sandbox was not reached at all.
    #[serde(skip)]
    pub status: u16,
    /// `noun_problem`, stable.
    pub code: String,
    pub message: String,
    /// What to do next; may be empty.
    #[serde(default)]
    pub hint: String,
}

impl Problem {
    pub fn new(status: u16, code: &str, message: impl Into<String>, hint: &str) -> Problem {
        Problem { status, code: code.to_owned(), message: message.into(), hint: hint.to_owned() }
    }

    pub fn invalid(message: impl Into<String>, hint: &str) -> Problem {
        Problem::new(400, "request_invalid", message, hint)
    }
}

/// One sentence, then `hint:` on a line of its own, as the CLI prints errors.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\nhint: {}", self.hint) }
    }
}

impl std::error::Error for Problem {}
