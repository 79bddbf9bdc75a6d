//! What a period costs and why: lines that come to exactly the sum that is charged.

use kopeck_banks::Money;

/// The least that is charged: both banks take no less than ten rubles by SBP. What is less waits
/// for the next period on the subscription's balance.
pub const MIN_CHARGE_KOPECKS: i64 = 1_000;
/// A larger discount in percent is a gift, and that is said with 100.
pub const MAX_PERCENT: u32 = 100;

/// What a coupon takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// Of the price; 1 to 100.
    Percent(u32),
    /// Never more than the price.
    Amount(Money),
}

impl Discount {
    /// Half a kopeck goes to the payer.
    pub fn of(self, price: Money) -> Money {
        match self {
            Discount::Percent(percent) => {
                let percent = i128::from(percent.min(MAX_PERCENT));
                let off = (i128::from(price.kopecks()) * percent + 50) / 100;
                let off = i64::try_from(off).ok().and_then(|off| Money::from_kopecks(off).ok());
                off.map_or(price, |off| off.min(price))
            }
            Discount::Amount(amount) => amount.min(price),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Price,
    SetupFee,
    Discount,
    /// Time that was paid and will not be used, after a change.
    Unused,
    /// From or to the subscription's balance.
    Balance,
}

impl LineKind {
    pub const ALL: [LineKind; 5] = [
        LineKind::Price,
        LineKind::SetupFee,
        LineKind::Discount,
        LineKind::Unused,
        LineKind::Balance,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            LineKind::Price => "price",
            LineKind::SetupFee => "setup_fee",
            LineKind::Discount => "discount",
            LineKind::Unused => "unused",
            LineKind::Balance => "balance",
        }
    }

    pub fn parse(text: &str) -> Option<LineKind> {
        LineKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One reason for the sum; taken off when negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    pub kopecks: i64,
}

/// What goes into a period's sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    /// The price of the period, or of the rest of it, for all that was taken.
    pub price: Money,
    pub setup_fee: Money,
    pub discount: Option<Discount>,
    /// Given back for what a change leaves unused.
    pub unused: Money,
    /// Of the subscription: positive is the payer's, negative is owed.
    pub balance_kopecks: i64,
}

/// A period's sum. `Σ lines = due`, and `balance after = balance before + the balance's line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub lines: Vec<Line>,
    pub due: Money,
    pub balance_kopecks: i64,
}

/// `None` when the sum leaves the range of money.
pub fn quote(costs: &Costs) -> Option<Quote> {
    let off = costs.discount.map_or(Money::ZERO, |discount| discount.of(costs.price));
    let mut lines = Vec::new();
    let mut add = |kind, kopecks: i64| {
        if kopecks != 0 {
            lines.push(Line { kind, kopecks });
        }
        kopecks
    };
    let total = add(LineKind::Price, costs.price.kopecks())
        + add(LineKind::SetupFee, costs.setup_fee.kopecks())
        + add(LineKind::Discount, -off.kopecks())
        + add(LineKind::Unused, -costs.unused.kopecks());
    let wanted = total.checked_sub(costs.balance_kopecks)?;
    let due = if wanted < MIN_CHARGE_KOPECKS { 0 } else { wanted };
    let moved = add(LineKind::Balance, due - total);
    Some(Quote {
        lines,
        due: Money::from_kopecks(due).ok()?,
        balance_kopecks: costs.balance_kopecks.checked_add(moved)?,
    })
}
