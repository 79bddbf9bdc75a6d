//! Fiscal receipts (54-FZ): the model both banks share.
//!
//! A receipt's lines add up to its amount to the kopeck; [`Receipt::total`] is how that is asked.
//! What a bank cannot carry is refused in that bank's folder, before a request leaves.

mod model;

pub use model::{Line, Measure, PaymentMethod, Receipt, Subject, Supplier, Taxation, Vat};
