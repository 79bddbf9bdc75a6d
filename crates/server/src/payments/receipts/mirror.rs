//! The receipts that go with a payment's requests: its own, a part of it that is taken, and what
//! goes back of it, line by line.

use kopeck_banks::{
    Money,
    receipt::{
        Receipt, Settlement,
        balance::spread,
        refund::{Left, RefundProblem, Return, Returned, all_left, refund},
    },
};

use super::{first_receipt, rows, stored};
use crate::{
    gateway::flow::get_bank,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::model::{Payment, Refund},
    receipts::{
        flow::Stored,
        form::{self, write},
        model::{Kind, Record, State, Taken},
    },
};

/// The receipt that the bank is to make of the payment.
pub fn for_bank(payment: &Payment) -> anyhow::Result<Option<Receipt>> {
    Ok(match stored(payment)? {
        Some(Stored::Bank(receipt)) => Some(*receipt),
        Some(Stored::Npd(_)) | None => None,
    })
}

fn max_lines(payment: &Payment) -> Option<usize> {
    get_bank(&payment.bank).ok().and_then(|bank| bank.capabilities().receipts.max_lines)
}

/// What is delivered of the receipt: all of it, or the part that is taken of a hold, spread over
/// its lines.
pub fn delivered(payment: &Payment, receipt: Receipt) -> Receipt {
    let cut = payment.amount.minus_or_zero(payment.expected());
    let total = receipt.total().unwrap_or_default();
    if cut.is_zero() {
        return receipt;
    }
    let lines = match spread(&receipt.lines, total.minus_or_zero(cut), max_lines(payment)) {
        Ok(lines) => lines,
        Err(problem) => {
            let payment_id = &payment.id;
            tracing::error!(payment_id, "the part taken has no receipt: {problem}");
            return receipt;
        }
    };
    let settlement = receipt
        .settlement
        .map(|paid| Settlement { electronic: paid.electronic.minus_or_zero(cut), ..paid });
    Receipt { lines, settlement, ..receipt }
}

/// The receipt of a capture, where it is another one than the payment's.
pub fn for_capture(payment: &Payment) -> Option<Receipt> {
    let receipt = for_bank(payment).ok().flatten()?;
    (payment.expected() < payment.amount).then(|| delivered(payment, receipt))
}

/// The receipt that goes with a refund. One of the whole sum is mirrored by the bank itself.
pub async fn for_refund(
    ctx: &Ctx,
    payment: &Payment,
    wanted: &Refund,
) -> Result<Option<Receipt>, DbError> {
    if payment.receipt.is_none() || wanted.amount == payment.facts.paid {
        return Ok(None);
    }
    let id = wanted.id.clone();
    let found: Result<Option<Record>, DbError> =
        ctx.db.read(move |tx| rows::find_of_refund(tx, &id)).await;
    let body = found?.and_then(|record| record.body);
    Ok(body.and_then(|body| form::parse_any(&body).ok()))
}

/// What of the first receipt has not gone back yet.
pub(super) fn left_of(original: &Receipt, refunds: &[Record]) -> Result<Vec<Left>, RefundProblem> {
    let mut left = all_left(original)?;
    // One that did not happen took nothing; one that a person mirrors is in no books.
    let is_live = |record: &&Record| record.kind == Kind::Refund && record.state != State::None;
    for record in refunds.iter().filter(is_live) {
        for (left, taken) in left.iter_mut().zip(&record.taken) {
            left.sum = left.sum.minus_or_zero(taken.sum);
            left.quantity_milli = left.quantity_milli.saturating_sub(taken.quantity_milli);
        }
    }
    Ok(left)
}

/// The receipt of a refund: what it takes by its share of all that is left.
pub(super) fn of_refund(
    ctx: &Ctx,
    payment: &Payment,
    income: &Record,
    refunds: &[Record],
    wanted: &Refund,
) -> Record {
    let id = ctx.mint.id("rcp");
    let new = Record::new(id, &payment.shop_id, &payment.id, Kind::Refund, wanted.amount);
    let new = Record { refund_id: Some(wanted.id.clone()), ..new };
    match mirrored(payment, income, refunds, Return::Share(wanted.amount)) {
        Ok((receipt, taken)) => Record { body: Some(write(&receipt)), taken, ..new },
        // The refund goes on without it: a receipt never stops money.
        Err(problem) => {
            let note = format!("Make the receipt of this refund by hand: {problem}");
            Record { note: Some(note), is_by_hand: true, ..new }
        }
    }
}

fn mirrored(
    payment: &Payment,
    income: &Record,
    refunds: &[Record],
    what: Return<'_>,
) -> Result<(Receipt, Vec<Taken>), RefundProblem> {
    let first = first_receipt(std::slice::from_ref(income)).ok_or(RefundProblem::OtherBooks)?.1;
    let left = left_of(&first, refunds)?;
    let done = refund(&first, &left, what, max_lines(payment))?;
    let taken = left.iter().zip(&done.left).map(|(before, after)| Taken {
        quantity_milli: before.quantity_milli.saturating_sub(after.quantity_milli),
        sum: before.sum.minus_or_zero(after.sum),
    });
    Ok((done.receipt, taken.collect()))
}

/// Writes down which goods a coming refund gives back, and tells what they come to.
pub fn plan_goods(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    refund_id: &str,
    goods: &[Returned],
) -> Result<Result<Money, RefundProblem>, DbError> {
    let known = rows::list_of_payment(tx, &payment.id)?;
    let Some(income) = known.iter().find(|record| record.kind == Kind::Income) else {
        return Ok(Err(RefundProblem::OtherBooks));
    };
    let (receipt, taken) = match mirrored(payment, income, &known, Return::Goods(goods)) {
        Ok(made) => made,
        Err(problem) => return Ok(Err(problem)),
    };
    let amount = receipt.total().unwrap_or_default();
    let id = ctx.mint.id("rcp");
    let now_ms = ctx.now_ms();
    let new = Record::new(id, &payment.shop_id, &payment.id, Kind::Refund, amount);
    let record = Record {
        refund_id: Some(refund_id.to_owned()),
        body: Some(write(&receipt)),
        state: State::Queued,
        taken,
        created_ms: now_ms,
        changed_ms: now_ms,
        ..new
    };
    rows::upsert(tx, &record)?;
    Ok(Ok(amount))
}
