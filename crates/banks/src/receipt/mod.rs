//! Fiscal receipts (54-FZ): the model both banks share, and everything about it that is a pure
//! decision.
//!
//! | file | what it holds |
//! |---|---|
//! | `model`, `words`, `quantity`, `contact` | a receipt as data and its closed lists |
//! | `vat` | which rate is due when, with its law |
//! | `balance` | discounts and parts spread to the kopeck |
//! | `refund`, `closing`, `renewal` | the receipts that follow from a first one |
//! | `limits`, `lint` | what a bank carries; what is wrong, explained |
//! | `preset`, `npd` | a small shop fills one field; the self-employed get a reminder |
//! | `legacy`, `item` | older systems' forms and the command line's |
//!
//! A receipt's lines add up to its amount to the kopeck; [`Receipt::total`] is how that is asked.
//! The words on a bank's wire are in that bank's folder.

pub mod balance;
pub mod closing;
pub mod contact;
pub mod item;
pub mod legacy;
mod limits;
pub mod lint;
mod model;
pub mod npd;
pub mod preset;
mod quantity;
pub mod refund;
pub mod renewal;
pub mod vat;
mod words;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use model::{Agent, Line, Mark, Receipt, Settlement, Supplier, TransferOperator, line_sum};
pub use quantity::{ONE_MILLI, QuantityError, parse_quantity, quantity_text};
pub use words::{AgentKind, Ffd, MarkKind, Measure, PaymentMethod, Subject, Taxation, Vat};
