//! Fiscal receipts (54-FZ): which receipt was made for what, and what became of it.
//!
//! | file | what it holds |
//! |---|---|
//! | `request`, `form` | a receipt's JSON, ours and older systems', read and written |
//! | `check` | what is wrong with a text, by the rules of `kopeck_banks::receipt::lint` |
//! | `model` | one receipt and its states |
//! | `schedule` | when one is tried again, and when a person is reminded |
//! | `todo` | what a person has to do about one, in two languages |
//! | `defaults`, `flow` | what a shop says once, and receipts made of it |
//!
//! Invariants:
//! * What is stored is our own form, whatever form came in.
//! * What became of a receipt never changes what became of a payment.
//! * A cash register's "made" is final; what comes late changes nothing.
//! * No number is guessed: a text whose units are in doubt is refused.

pub mod api;
pub mod check;
pub mod defaults;
pub mod flow;
pub mod form;
pub mod model;
pub mod request;
pub mod schedule;
pub mod store;
pub mod todo;
pub mod view;

#[cfg(test)]
mod tests;
