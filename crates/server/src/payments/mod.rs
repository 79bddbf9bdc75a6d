//! Payments: an order on its way to a final state, refunds included. The heart.
//!
//! ```text
//!   opening ─► open ─► paid ─► refunding ─► partially_refunded ─► refunded
//!      │        │ └─► authorized ─► capturing ─► paid
//!      ▼        ▼          ▼
//!   failed   expired   expired, canceled                 amount_mismatch
//! ```
//!
//! * **Observation**: what a bank said, by whatever way it reached us; all ways end in
//!   [`flow::observe`].
//! * **Intent**: what we are about to ask of the bank, saved before the request leaves.
//! * **Attempt**: what a link left behind at a bank when it went on to another ([`attempts`]).
//! * **Receipts** ([`receipts`]): their rows follow the payment's money, and never lead it.
//! * **Drive**: the one procedure ([`drive::drive`]) that moves a payment on: it reads what is
//!   stored, takes the next step ([`schedule`]) and does it; one driver per payment at a time.
//!
//! Invariants:
//! * Facts only grow; a status is derived from them and never set.
//! * Refunds paid out and under way never exceed what was paid.
//! * The bank is called between transactions, never inside one; what it was asked is saved before.
//! * A link has one bank's money: what comes to it at a second bank goes back.
//! * A request without an answer is asked about, never repeated blindly.
//! * An event is announced in the transaction that makes it true, once.

pub mod answer;
pub mod api;
pub mod attempts;
pub mod consent;
pub mod drive;
pub mod flow;
pub mod idempotency;
pub mod model;
pub mod notices;
pub mod problem;
pub mod receipts;
pub mod request;
pub mod route;
pub mod schedule;
pub mod state;
pub mod store;
pub mod submit;
pub mod timeline;
pub mod view;

#[cfg(test)]
mod tests;
