//! Integrations: telling messengers, SMS, bots and CRMs of payments, in their own words.
//!
//! ```text
//!   events ─► fan_out ─┐   (the shop's own addresses; payers, by what they are to hear)
//!   POST /send ────────┴► sendings: pending ─► delivered
//!                                     │  ▲ ─► unknown   (no answer, and it must not come twice)
//!                                     └──┘ ─► failed    (refused, or nothing for a day)
//!                                      ▲ ──── POST /retry, by a person
//! ```
//!
//! * **Integration**: a service that the shop has set up; its settings are sealed.
//! * **Sending**: one message on its way to one address; its requests are `kopeck_integrations`'.
//! * **Chat**: a customer's with one of the shop's bots, tied to him by a link that is good once.
//! * **Recipient**: an address that hears of all that becomes of one payment: a bot's client, a
//!   deal.
//!
//! Or nothing is sent at all: `sharing` gives addresses by which a person sends a link himself.
//!
//! Invariants:
//! * A sending, its progress and the moment of its request are saved before the request leaves.
//! * News of one payment reach one address in the order of its events.
//! * What had no answer is sent again only where `kopeck_integrations::exchange::after` allows it.
//! * One job per integration, so one driver among all processes: the service's limits are kept, and
//!   tokens are renewed one at a time.
//! * Addresses and settings are sealed; the journal of requests holds neither. What tells an
//!   address again is keyed: no list of phones can be tried against the database.

pub mod again;
pub mod alarm;
pub mod api;
pub mod bitrix24;
pub mod catalog;
pub mod chats;
pub mod compat;
pub mod drive;
pub mod flow;
pub mod keys;
pub mod letter;
pub mod model;
pub mod pace;
pub mod payers;
pub mod poll;
pub mod problem;
pub mod renewal;
pub mod request;
pub mod schedule;
pub mod sharing;
pub mod store;
pub mod story;
pub mod subject;
pub mod updates;
pub mod view;

#[cfg(test)]
mod tests;
