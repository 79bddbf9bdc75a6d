//! Error codes of refunds that are looked for.

use super::{Code, code};

pub const REFUND_UNKNOWN: Code = code(
    "refund_unknown",
    404,
    "The shop has no such refund.",
    "List the payment's: GET /v1/payments/{id}.",
);

/// Rows of the one table.
pub const REFUNDS: &[Code] = &[REFUND_UNKNOWN];
