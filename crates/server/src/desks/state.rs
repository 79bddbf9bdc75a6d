//! Which sale a transfer by a desk's code paid, as far as a notice tells it. Pure.

use kopeck_banks::op::SbpPayment;

use super::model::Sale;

/// What a notice can mean, which names the code but no arming of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant<'a> {
    /// Its purpose bears this sale's number, and the sum is the sale's.
    One(&'a Sale),
    /// It may be one of these sales: only the bank tells, asked about each arming.
    Unsure,
    /// No sale waits for such a sum.
    Nobody,
}

/// A sum and a moment prove nothing: two clerks' sales of one sum may end within a second, and a
/// code may be armed in the bank's cabinet. Only the number in the purpose, which is one sale's
/// alone, settles a sale by itself.
pub fn meant<'a>(sales: &'a [Sale], seen: &SbpPayment) -> Meant<'a> {
    let purpose = seen.purpose.as_deref().unwrap_or("");
    let named = sales.iter().find(|sale| purpose.contains(sale.number()));
    match named {
        Some(sale) if fits(sale, seen) => Meant::One(sale),
        // It says one sale and the sum of another: neither is believed.
        Some(_) => Meant::Unsure,
        None if sales.iter().any(|sale| fits(sale, seen)) => Meant::Unsure,
        None => Meant::Nobody,
    }
}

/// Whether the sum is the sale's, or is not told.
pub fn fits(sale: &Sale, seen: &SbpPayment) -> bool {
    seen.amount.is_none_or(|amount| amount == sale.amount)
}
