//! Customers: the shop's payers and the bank accounts that they saved, to be charged again.
//!
//! * **Customer**: the shop's own number of a payer. Kopeck keeps nothing else of him.
//! * What he saved lies in [`crate::instruments`]: with a payment, or without one, by a code that
//!   is asked for here.
//! * A charge is a payment: [`crate::payments::flow::charge`].
//!
//! Invariant: whatever way the bank's word on an account comes, it ends in one door, and what a
//! lost notice would have told is asked.

pub mod api;
pub mod drive;
pub mod flow;
pub mod problem;
pub mod request;
pub mod view;
