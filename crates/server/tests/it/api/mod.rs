//! The HTTP API, as a shop sees it.

mod bad_input;
mod cards;
mod checkout;
mod code_input;
mod code_keys;
pub mod codes;
mod customers;
mod desk_doubts;
pub mod desks;
mod docs;
mod idempotency;
mod lists;
mod money;
mod notices;
mod outages;
mod places;
mod receipt_closings;
mod receipt_goods;
mod receipt_tries;
mod receipts;
mod routing;
mod saving;
mod serving;
mod subscriptions;
mod tbank;
mod tbank_sums;
mod tbank_waits;
