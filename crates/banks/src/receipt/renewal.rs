//! The receipt of a renewal: the first one again, at the rates of the day of the charge. What is
//! charged is a sale of its own, so it never mirrors an older rate as a refund does.

use jiff::civil::Date;

use super::{
    balance::{BalanceProblem, spread},
    model::{Line, Receipt},
    vat::{VatPlan, at_renewal, for_method, own_plan},
};
use crate::money::Money;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalProblem {
    #[error("line {0} names one marked piece, which is sold once")]
    Marked(usize),
    #[error(transparent)]
    Balance(#[from] BalanceProblem),
}

/// Between which days a subscription goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// When the first receipt was made, which tells which of its rates were the shop's own.
    pub first: Date,
    pub charge: Date,
}

/// The receipt of a charge of `amount`. Another amount than the first one's is spread over its
/// lines; a closing day keeps its distance from the sale.
pub fn renew(
    first: &Receipt,
    amount: Money,
    plan: Option<&VatPlan>,
    days: Days,
    max_lines: Option<usize>,
) -> Result<Receipt, RenewalProblem> {
    if let Some(at) = first.lines.iter().position(|line| line.mark.is_some()) {
        return Err(RenewalProblem::Marked(at.saturating_add(1)));
    }
    let vat = |line: &Line| {
        let plan = own_plan(first, line, plan);
        for_method(at_renewal(line.vat, plan, days.first, days.charge), line.method)
    };
    let lines: Vec<Line> =
        first.lines.iter().map(|line| Line { vat: vat(line), ..line.clone() }).collect();
    let is_same = first.total() == Some(amount);
    let lines = if is_same { lines } else { spread(&lines, amount, max_lines)? };
    let closes_on = first.closes_on.and_then(|day| {
        let distance = day.since(days.first).ok()?;
        days.charge.checked_add(distance).ok()
    });
    // Points and gift cards of the first sale are gone.
    Ok(Receipt { lines, settlement: None, closes_on, ..first.clone() })
}
