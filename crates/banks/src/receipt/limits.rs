//! What a bank can carry of a receipt, as data: each bank's folder fills one in, and `lint` reads
//! it, so that what would be refused there is refused here with the reason.

use std::ops::RangeInclusive;

use super::words::{Measure, PaymentMethod, Subject, Vat};

#[derive(Debug)]
pub struct Limits {
    /// A phone alone is not enough.
    pub needs_email: bool,
    pub needs_taxation: bool,
    pub max_lines: Option<usize>,
    pub max_name_chars: usize,
    pub max_email_chars: usize,
    /// With the plus.
    pub phone_chars: RangeInclusive<usize>,
    pub supplier_phone_chars: RangeInclusive<usize>,
    pub max_quantity_milli: u64,
    pub max_line_kopecks: i64,
    pub vats: &'static [Vat],
    pub methods: &'static [PaymentMethod],
    pub subjects: &'static [Subject],
    pub measures: &'static [Measure],
    /// The request names a format, whose own rules then hold.
    pub has_formats: bool,
    pub carries_marks: bool,
    /// More of an agent than the supplier.
    pub carries_agents: bool,
    /// Ways of paying besides the payment itself.
    pub carries_settlement: bool,
    /// The request that captures a hold has a receipt of its own, which wins over the link's.
    pub carries_at_capture: bool,
    /// The buyer's name has a place.
    pub carries_name: bool,
    /// The request for a part's refund says which lines go back.
    pub carries_refunds: bool,
    /// The bank tells what its cash register says.
    pub tells: bool,
    /// A request closes a prepayment, as long as nothing of it went back.
    pub closes: bool,
}
