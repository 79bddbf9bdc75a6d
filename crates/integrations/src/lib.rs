//! Kopeck's way to those it tells of payments: messengers, SMS, bot builders, CRMs. Pure: no
//! sockets, no clock, no database, no randomness, so that the same input gives the same bytes.
//!
//! # How to drive it
//!
//! 1. **Address.** What people typed goes through [`Integration::address`] once; its answer is
//!    stored and given to [`Message::to`].
//! 2. **Intent.** A delivery is a row before it is a request: its id ([`Message::id`]), its
//!    [`Progress`] as text, and when this step's request first left. Save all three, then send.
//! 3. **Request.** [`Integration::request`]; `Err` is a [`Broken`] of which nothing has left. Keep
//!    [`Limits::gap_ms`] between requests of one integration and [`Limits::address_gap_ms`] between
//!    those for one address.
//! 4. **Answer.** [`exchange::after`] takes what was heard, silence included, and says what becomes
//!    of the delivery: a [`exchange::Fate`].
//!
//! | fate | what the driver does |
//! |---|---|
//! | `Delivered` | ends the delivery |
//! | `More` | saves the progress, forgets when the last step left, goes on at 3 |
//! | `Retry` | the same step later: not before `after_ms`, else by its own backoff |
//! | `Moved` | saves the new address, the same step |
//! | `Renew` | gets new tokens as below, the same step |
//! | `Unknown` | ends the delivery as unknown; a person may send it anew |
//! | `Broken` | ends it; [`problem::Scope`] says what else ends |
//!
//! New tokens: [`Integration::renewal`], one at a time for an integration, under a lock, and what
//! [`Integration::read_renewal`] gives is saved in one transaction before anything else is sent.
//!
//! Nothing is ever sent again because nobody answered, unless that is harmless, recognised by the
//! service or can be asked about: [`Integration::duplicate`] says which, and
//! [`exchange::after`] obeys it. The journal keeps [`journal::describe_request`] and
//! [`journal::describe_reply`], which hold no secrets and no addresses.
//!
//! What comes in (a bot's wish for a link, a messenger's update) is read by functions of the
//! integration's own folder. Each has a stand-in ([`stand_in::StandIn`]) that checks what the real
//! service would; `contract` runs each against its own.

pub mod binding;
pub mod bitrix24;
#[cfg(test)]
mod contract;
pub mod email;
pub mod exchange;
pub mod flat;
pub mod greenapi;
pub mod integration;
pub mod journal;
mod keyed;
pub mod max;
pub mod message;
mod multipart;
pub mod problem;
mod repeats;
pub mod salebot;
pub mod share;
pub mod sms;
pub mod stand_in;
pub mod telegram;
#[cfg(test)]
mod tests;
pub mod wazzup;
pub mod wording;

pub use integration::{
    Duplicate, INTEGRATIONS, Integration, Limits, Progress, Reading, Renewal, Settings, Unheard,
    find_integration,
};
pub use message::{Audience, Kind, Lang, Message, Payment};
pub use problem::{Broken, Problem, Scope};
