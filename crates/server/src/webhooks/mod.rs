//! Webhooks: telling a shop's own systems of its events, by the Standard Webhooks specification.
//!
//! ```text
//!   events ─► fan_out ─► deliveries: pending ─► delivered
//!                                      │  ▲ ─► failed      (seven days of refusals)
//!                                      └──┘ ─► dropped     (the webhook was removed)
//! ```
//!
//! * **Webhook**: an address that wants to hear of some events, with secrets to sign them.
//! * **Delivery**: one event on its way to one webhook; sent until a 2xx says that it was taken.
//!
//! Invariants:
//! * Each event reaches each enabled webhook that wants it at least once, whatever dies when: a
//!   delivery is written in the transaction that moves the webhook's place in the list of events,
//!   and ends only in the transaction that knows the answer.
//! * One job per webhook, so one driver among all processes; webhooks run in a lane of their own,
//!   and one that fails again and again is tried with one delivery at a time, after a rest.
//! * Of an ordered webhook's events about one payment, the next leaves after the one before ended.
//! * Addresses come from people: only the guarded courier calls them. Secrets are sealed, and shown
//!   once.

pub mod api;
pub mod drive;
pub mod flow;
pub mod model;
pub mod payload;
pub mod problem;
pub mod replay;
pub mod replies;
pub mod request;
pub mod sign;
pub mod state;
pub mod store;
pub mod story;
pub mod view;

#[cfg(test)]
mod tests;
