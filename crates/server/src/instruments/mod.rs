//! What payers left to be charged again: bank accounts saved through SBP.
//!
//! ```text
//!   pending ─► active ─► inactive
//!      └──────────────────►┘
//! ```
//!
//! * **Saved account**: what a payer agreed to in his bank's app, by a code, with a payment or
//!   without. It belongs to a customer: the shop's own number of the payer.
//!
//! Invariants:
//! * The bank's token of an account is money: it is sealed as credentials are, bound to its row,
//!   and leaves only towards the bank.
//! * An account that became inactive stays so, whatever an old notice says.
//! * Nothing is charged here: a charge is a payment, and `payments` sends it.

pub mod flow;
pub mod model;
pub mod store;
