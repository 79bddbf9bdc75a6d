//! Why something cannot be drawn.

/// What is wrong with a payload, a text, a logo or a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// `noun_problem`, stable.
    pub code: &'static str,
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Which of the things given is at fault.
    pub param: &'static str,
}

impl Problem {
    pub fn new(
        code: &'static str,
        param: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem { code, message: message.into(), hint: hint.into(), param }
    }
}
