//! The receipts that go with a payment's requests: its own, a part of it that is taken, and what
//! goes back of it, line by line.

use kopeck_banks::{
    Money,
    receipt::{
        Line, Receipt, Settlement,
        balance::spread,
        refund::{Left, RefundProblem, Return, Returned, all_left, refund},
    },
};

use super::{first_receipt, new_record, rows, save, stored};
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
pub(super) fn of_refund(ctx: &Ctx, payment: &Payment, known: &[Record], wanted: &Refund) -> Record {
    let new = new_record(ctx, payment, Kind::Refund, wanted.amount);
    match mirrored(payment, known, Return::Share(wanted.amount)) {
        Ok((receipt, taken)) => {
            let note = note_of(payment, wanted.amount);
            Record { body: Some(write(&receipt)), taken, note, ..new }
        }
        // The refund goes on without it: a receipt never stops money.
        Err(problem) => {
            let note = format!("Make the receipt of this refund by hand: {problem}");
            Record { note: Some(note), is_by_hand: true, ..new }
        }
    }
}

/// What the bank is not told of a refund's receipt.
fn note_of(payment: &Payment, amount: Money) -> Option<String> {
    let is_whole = amount == payment.facts.paid;
    let limits = get_bank(&payment.bank).ok().map(|bank| bank.capabilities().receipts)?;
    (!limits.carries_refunds && !is_whole).then(|| NO_LINES.to_owned())
}

const NO_LINES: &str = "The bank's request for a refund has no place for lines: these are what the \
                        receipt has to say, and the bank's cash register makes it without knowing \
                        them. Compare it; put a difference right by a correction and note that";

/// The sale that a refund mirrors: the first receipt, or what closed it, since goods that were
/// delivered come back as delivered, at the rates of that day.
fn find_sale(known: &[Record]) -> Option<Receipt> {
    let (_, first) = first_receipt(known)?;
    let is_made = |record: &&Record| {
        record.kind == Kind::Closing && matches!(record.state, State::Sent | State::Registered)
    };
    let closing = known.iter().rev().find(is_made).and_then(|record| record.body.as_deref());
    let Some(closing) = closing.and_then(|body| form::parse_any(body).ok()) else {
        return Some(first);
    };
    let prepaid = first.lines.iter().filter(|line| line.method.is_prepaid());
    let is_same = prepaid.clone().count() == closing.lines.len()
        && prepaid.zip(&closing.lines).all(|(before, after)| before.sum() == after.sum());
    if is_same {
        let mut closed = closing.lines.iter();
        let mut now = |line: &Line| match line.method.is_prepaid() {
            true => closed.next().unwrap_or(line).clone(),
            false => line.clone(),
        };
        let lines = first.lines.iter().map(&mut now).collect();
        return Some(Receipt { lines, ..first });
    }
    // An advance for no goods in particular is now the goods.
    let is_advance = first.lines.iter().all(|line| line.method.is_prepaid());
    Some(if is_advance { Receipt { lines: closing.lines, ..first } } else { first })
}

fn mirrored(
    payment: &Payment,
    known: &[Record],
    what: Return<'_>,
) -> Result<(Receipt, Vec<Taken>), RefundProblem> {
    let sale = find_sale(known).ok_or(RefundProblem::OtherBooks)?;
    let left = left_of(&sale, known)?;
    let done = refund(&sale, &left, what, max_lines(payment))?;
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
    let (receipt, taken) = match mirrored(payment, &known, Return::Goods(goods)) {
        Ok(made) => made,
        Err(problem) => return Ok(Err(problem)),
    };
    let amount = receipt.total().unwrap_or_default();
    let record = Record {
        refund_id: Some(refund_id.to_owned()),
        body: Some(write(&receipt)),
        state: State::Queued,
        taken,
        note: note_of(payment, amount),
        ..new_record(ctx, payment, Kind::Refund, amount)
    };
    save(tx, ctx, payment, None, record)?;
    Ok(Ok(amount))
}
