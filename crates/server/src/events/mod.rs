//! What can happen, as a closed list, and the outbox that remembers that it did.
//!
//! An event is written in the transaction that makes it true, once per payment and cause, and gets
//! the next number of its shop. Whoever tells others (webhooks, integrations, pages) reads them
//! here; whoever makes them knows no reader.

pub mod api;
mod model;
mod store;

pub use model::{EventKind, NewEvent, StoredEvent};
pub use store::{
    EventFilter, find_event, find_last_seq, insert_event, list_events, list_events_of_payment,
};
