//! Customers: the shop's payers and the bank accounts that they saved, to be charged again.
//!
//! ```text
//!   pending ─► active ─► inactive
//!      └──────────────────►┘
//! ```
//!
//! * **Customer**: the shop's own number of a payer. Kopeck keeps nothing else of him.
//! * **Saved account**: what a payer agreed to in his bank's app, by a code, without paying.
//!
//! Invariants:
//! * The bank's token of an account is money: it is sealed as credentials are, bound to its row,
//!   and leaves only towards the bank.
//! * A charge is marked as asked before it leaves and is sent once. Silence is no failure: what
//!   became of it is asked with the payment.
//! * An account that became inactive stays so, whatever an old notice says.

pub mod api;
pub mod drive;
pub mod flow;
pub mod model;
pub mod problem;
pub mod request;
pub mod store;
pub mod view;
