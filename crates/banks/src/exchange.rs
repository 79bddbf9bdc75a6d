//! One operation from start to outcome, without sending anything: the server (or a test) carries
//! the messages. Here lives the rule that silence is `Unknown`.

use crate::{
    bank::{Bank, Credentials, Step},
    http::HttpReply,
    op::{BankOp, Outcome},
};

/// How many requests one operation may take. The longest today takes two.
pub const MAX_STEPS: usize = 8;

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The connection was never made, so the bank has not seen the request.
    NotSent(String),
    /// Sent, or perhaps sent, and nothing heard: a timeout, a cut connection.
    Lost(String),
}

/// What was heard after a request.
pub type Heard = Result<HttpReply, Silence>;

/// The step after what was heard. No reply never reaches the bank's own code, so no bank can turn
/// silence into a failure.
pub fn after(bank: &dyn Bank, credentials: &Credentials, op: &BankOp, heard: &Heard) -> Step {
    match heard {
        Ok(reply) => bank.next(credentials, op, reply),
        Err(Silence::NotSent(why)) => Step::Done(Outcome::NotSent { why: why.clone() }),
        Err(Silence::Lost(why)) => Step::Done(Outcome::Unknown { why: why.clone() }),
    }
}

/// Runs an operation over a synchronous carrier, such as an emulator in memory.
pub fn run(
    bank: &dyn Bank,
    credentials: &Credentials,
    op: &BankOp,
    mut carry: impl FnMut(crate::http::HttpRequest) -> Heard,
) -> Outcome {
    let mut step = bank.start(credentials, op);
    for _ in 0..MAX_STEPS {
        match step {
            Step::Done(outcome) => return outcome,
            Step::Send(request) => step = after(bank, credentials, op, &carry(request)),
        }
    }
    Outcome::Unknown { why: format!("no outcome after {MAX_STEPS} requests") }
}
