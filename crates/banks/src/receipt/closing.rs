//! The closing receipt: what was prepaid is delivered.

use jiff::civil::Date;

use super::{
    model::{Line, Receipt, Settlement},
    vat::{VatPlan, at_closing, own_plan},
    words::PaymentMethod,
};
use crate::money::Money;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClosingProblem {
    #[error("no line of the receipt was prepaid")]
    NotPrepaid,
    #[error("an advance names no goods: say what was delivered")]
    GoodsUnknown,
    #[error("what was delivered comes to {delivered}, what was prepaid to {prepaid}")]
    OtherSum { delivered: Money, prepaid: Money },
    #[error("a sum leaves the range of money")]
    TooLarge,
}

/// The days of a prepayment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// When its receipt was made, which tells which of its rates were the shop's own.
    pub sold: Date,
    pub delivered: Date,
}

/// The receipt at the delivery of all that was prepaid: its prepaid lines as full payments at the
/// rates of the day (an advance of 2025 closes in 2026 at 22 %), settled by the advance and not
/// by new money. `delivered` names the goods where the first receipt took an advance for no goods
/// in particular; its VAT is taken as it is.
pub fn close(
    first: &Receipt,
    delivered: Option<&[Line]>,
    plan: Option<&VatPlan>,
    days: Days,
) -> Result<Receipt, ClosingProblem> {
    let prepaid: Vec<&Line> = first.lines.iter().filter(|line| line.method.is_prepaid()).collect();
    let prepaid_sum = prepaid.iter().map(|line| line.sum().ok_or(ClosingProblem::TooLarge));
    let prepaid_sum = prepaid_sum.collect::<Result<Vec<_>, _>>()?;
    let prepaid_sum = Money::checked_sum(prepaid_sum).ok_or(ClosingProblem::TooLarge)?;
    if prepaid.is_empty() || prepaid_sum.is_zero() {
        return Err(ClosingProblem::NotPrepaid);
    }
    let is_unnamed = |line: &&Line| match line.method {
        PaymentMethod::Advance => true,
        PaymentMethod::FullPrepayment
        | PaymentMethod::Prepayment
        | PaymentMethod::FullPayment
        | PaymentMethod::PartialPayment
        | PaymentMethod::Credit
        | PaymentMethod::CreditPayment => false,
    };
    let method = PaymentMethod::FullPayment;
    let vat = |line: &Line| {
        let own = own_plan(first, line, plan);
        at_closing(line.vat, own, days.sold, days.delivered)
    };
    let lines: Vec<Line> = match delivered {
        Some(lines) => lines.iter().map(|line| Line { method, ..line.clone() }).collect(),
        None if prepaid.iter().any(is_unnamed) => return Err(ClosingProblem::GoodsUnknown),
        None => prepaid
            .into_iter()
            .map(|line| Line { method, vat: vat(line), ..line.clone() })
            .collect(),
    };
    let settlement = Settlement { advance: prepaid_sum, ..Settlement::default() };
    let closing = Receipt { lines, settlement: Some(settlement), closes_on: None, ..first.clone() };
    let sum = closing.total().ok_or(ClosingProblem::TooLarge)?;
    if sum != prepaid_sum {
        return Err(ClosingProblem::OtherSum { delivered: sum, prepaid: prepaid_sum });
    }
    Ok(closing)
}
