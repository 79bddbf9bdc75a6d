//! The HTTP API, as a shop sees it.

mod bad_input;
mod cards;
mod checkout;
pub mod codes;
mod customers;
mod desks;
mod docs;
mod idempotency;
mod lists;
mod money;
mod notices;
mod outages;
mod places;
mod receipts;
mod routing;
mod saving;
mod serving;
mod tbank;
mod tbank_sums;
mod tbank_waits;
