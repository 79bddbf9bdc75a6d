//! A claim as plain data.

/// Who was handed out what of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub payment_id: String,
    /// What is handed out: `access`, `goods`, a course's name.
    pub purpose: String,
    pub shop_id: String,
    pub claimer: String,
    pub claimed_ms: i64,
}
