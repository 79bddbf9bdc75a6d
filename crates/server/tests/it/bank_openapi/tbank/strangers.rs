//! Requests that our client never makes, but other people's code does: whether the document
//! approves of each, and what the emulator answers. The reply is judged in any case.

use super::Court;

pub fn exercise(court: &mut Court) {
    let _ = court;
}
