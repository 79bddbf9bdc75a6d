//! Subscriptions: what a shop sells again and again, and the money that comes for it.
//!
//! ```text
//!   pending ─► active ◄──────► paused
//!      │        ▲   ▲ │
//!      │   trialing │ ▼
//!      ▼         past_due ─► canceled
//!   expired
//! ```
//!
//! * **Plan**: what is sold, under the shop's own code; its **versions** never change, so whoever
//!   subscribed at a price keeps it until moved.
//! * **Period**: a stretch of time with its sum, unique by its number; its row is there before any
//!   bank is asked for the money.
//! * **Attempt**: one payment by which a period's money is asked for: a charge of what the customer
//!   saved, or a link.
//! * **Consent**: what the customer agreed to; without one that stands, nothing is charged.
//!
//! Invariants:
//! * A period is charged once. While an attempt's outcome is not known there is no other; should
//!   two have been paid after all, the second is given back.
//! * An answer that was lost is asked about with its payment, never repeated.
//! * The consent is read in the transaction that writes the attempt.
//! * The calendar counts from its anchor, never from the period before.

pub mod api;
pub mod catalog;
pub mod drive;
pub mod dunning;
pub mod flow;
pub mod import;
pub mod links;
pub mod metrics;
pub mod model;
pub mod paper;
pub mod play;
pub mod pricing;
pub mod problem;
pub mod proration;
pub mod replies;
pub mod request;
pub mod schedule;
pub mod state;
pub mod steps;
pub mod store;
pub mod view;

#[cfg(test)]
mod tests;
