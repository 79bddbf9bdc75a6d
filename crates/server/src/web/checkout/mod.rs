//! The page at `pay_url`: what is paid for, how much, what became of it, and the way to the bank.
//!
//! It never asks for a card: the payer types it on the bank's page only.

mod banks;
mod events;
mod page;
mod routes;
mod words;

pub use routes::routes;
