//! Reconciliation: reads the bank's list and register and closes the gap to our books.
//!
//! Open payments are asked about one by one by their own jobs; the sweep finds what those cannot:
//! refunds made in the bank's cabinet, payments whose notice was lost long ago, links that ended.
//! It has no memory of its own: it reads what is, compares with what we know, and whatever differs
//! goes through the one door, [`crate::payments::flow::observe`].

pub mod flow;
