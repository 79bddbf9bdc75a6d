//! Places: codes of SBP that are put up somewhere and paid again and again, or sent to a company.
//!
//! ```text
//!   opening ─► active ◄─► suspended
//!      └─► failed
//! ```
//!
//! * **Place**: one code with a name («ресепшен, Тверская»), with a sum or without.
//! * **Transfer**: what somebody paid by it. A bank answers no status for such a code, so transfers
//!   are heard of by notice, by the bank's list and, for their sums, by the account's statement.
//!
//! Invariants:
//! * Each transfer becomes one payment of `payments`, once, whatever the number and the order of
//!   the sources. Transfers are told apart by the bank's ids alone, never by sum and time.
//! * No sum is guessed: a transfer that only the list told of waits until a notice or the statement
//!   tells how much it was ([`state::fresh_lines`]).
//! * A code is shown to nobody before it is stored. So a registration without an answer may be made
//!   again: what it may have left at the bank is a code that nobody can find and pay.
//! * A bank suspends no code by itself: suspending is ours. A suspended place gives no picture any
//!   more, and what still comes by the paper on the wall is recorded and flagged.

pub mod api;
pub mod drive;
pub mod flow;
pub mod listing;
pub mod model;
pub mod poster;
pub mod problem;
pub mod request;
pub mod state;
pub mod store;
pub mod submit;
pub mod view;

#[cfg(test)]
mod tests;
