//! Cash desks: a place with one printed code that is armed with a sum for each sale.
//!
//! ```text
//!   arming ─► waiting ◄─► paying ─► paid
//!      │         ├─► canceled, expired   (money that comes all the same makes it paid)
//!      └─► failed
//! ```
//!
//! * **Desk**: a [place](crate::places) of the kind `desk`.
//! * **Sale**: one arming of its code with a sum. What is paid by it becomes a payment.
//!
//! Invariants:
//! * A desk has one sale at a time, by a unique row: of two clerks the second is told who, how much
//!   and until when.
//! * The arming is marked as asked before the request leaves, and is sent once. An answer that was
//!   lost is looked for: the sale's purpose ends in a number that the bank's code shows.
//! * A notice names the code but no arming. It settles a sale by the number in its purpose alone,
//!   never by sum and time; else it is kept in doubt, and each arming that it may mean is asked
//!   about ([`doubts`]).
//! * Money that belongs to no sale becomes a payment of the desk all the same.

pub mod api;
pub mod doubts;
pub mod drive;
pub mod flow;
pub mod links;
pub mod model;
pub mod problem;
pub mod request;
pub mod schedule;
pub mod state;
pub mod store;
pub mod submit;
pub mod view;

#[cfg(test)]
mod tests;
