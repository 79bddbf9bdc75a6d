//! What payers left to be charged again: bank accounts saved through SBP, and cards.
//!
//! ```text
//!   pending ─► active ─► inactive
//!      └──────────────────►┘
//! ```
//!
//! * **Instrument**: an account or a card that a payer saved, with a payment or (accounts) without.
//!   It belongs to a customer: the shop's own number of the payer.
//! * **Consent**: what he agreed to, as he was shown it; a row that nobody changes.
//!
//! A bank that keeps cards as subscriptions of its own ([`kopeck_banks::op::SubscriptionOp`]) saves
//! them here, too: [`model::Kind::Kept`]. One operation of the bank's holds the first payment and
//! every charge after it, so that there is one charge of it at a time, and each takes its own
//! approval.
//!
//! Invariants:
//! * The bank's token of an instrument is money: it is sealed as credentials are, bound to its row,
//!   and leaves only towards the bank.
//! * What became inactive stays so, whatever an old notice says. What was taken back has no token
//!   any more, and the bank is told to forget it.
//! * Whether it may be charged is looked at in the transaction that makes the charge, and again in
//!   the one that marks it as sent.
//! * Nothing is charged here: a charge is a payment, and `payments` sends it.

pub mod flow;
pub mod model;
pub mod store;
