//! What a part of a period is worth, to the kopeck. Integers only: what was used and what is
//! left always come to exactly what was paid.

use kopeck_banks::Money;

/// The part of `price` for the time from `at_ms` to the period's end, rounded to the nearest
/// kopeck; half a kopeck goes up. All of it at or before the start, nothing at or after the end.
pub fn rest_of(price: Money, (start_ms, end_ms): (i64, i64), at_ms: i64) -> Money {
    let whole = i128::from(end_ms.saturating_sub(start_ms));
    if whole <= 0 {
        return Money::ZERO;
    }
    let left = i128::from(end_ms.saturating_sub(at_ms)).clamp(0, whole);
    let twice = i128::from(price.kopecks()) * left * 2 + whole;
    let kopecks = i64::try_from(twice / (whole * 2)).unwrap_or(i64::MAX);
    Money::from_kopecks(kopecks).map_or(price, |rest| rest.min(price))
}

/// What a change in the middle of a period costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was paid for time that will not be used.
    pub credit: Money,
    /// The new price for the rest of the period.
    pub charge: Money,
}

impl Change {
    /// `paid` was given for the whole period, `price` would have been its new price.
    pub fn new(paid: Money, price: Money, period: (i64, i64), at_ms: i64) -> Change {
        Change { credit: rest_of(paid, period, at_ms), charge: rest_of(price, period, at_ms) }
    }
}
