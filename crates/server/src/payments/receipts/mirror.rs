//! The receipts that go with a payment's requests: its own, a part of it that is taken, and what
//! goes back of it, line by line.

use kopeck_banks::{
    Money,
    bank::{Credentials, Step, find_bank},
    op::{BankOp, Outcome, Refusal},
    receipt::{
        Line, PaymentMethod, Receipt, Settlement,
        balance::{BalanceProblem, spread},
        refund::{Left, RefundProblem, Return, Returned, all_left, named, refund},
        vat::{VatPlan, at_closing, on_day, own_plan},
    },
};

use super::{by_hand, carries_none, first_receipt, new_record, rows, save, stored};
use crate::{
    gateway::flow::get_bank,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::model::{Payment, Refund, RefundState},
    receipts::{
        check::moscow_day,
        flow::{self, Stored, read_defaults},
        form::{self, write},
        model::{Kind, Reason, Record, State, Taken},
    },
};

/// The receipt that the bank is to make of the payment.
pub fn for_bank(payment: &Payment) -> anyhow::Result<Option<Receipt>> {
    Ok(match stored(payment)? {
        Some(Stored::Bank(receipt)) => Some(*receipt),
        Some(Stored::Npd(_) | Stored::ByHand(_)) | None => None,
    })
}

fn max_lines(payment: &Payment) -> Option<usize> {
    get_bank(&payment.bank).ok().and_then(|bank| bank.capabilities().receipts.max_lines)
}

/// The same at the rates of the day on which it is made.
pub(super) fn made_on(
    payment: &Payment,
    receipt: &Receipt,
    plan: Option<&VatPlan>,
    at_ms: i64,
) -> Receipt {
    let (priced, on) = (moscow_day(payment.created_ms), moscow_day(at_ms));
    let now = |line: &Line| Line { vat: on_day(receipt, line, plan, priced, on), ..line.clone() };
    Receipt { lines: receipt.lines.iter().map(now).collect(), ..receipt.clone() }
}

/// Whether the bank was told other rates than those of the day on which it was paid; or may have
/// been: a capture that was wanted before midnight and asked for after it may have been asked for
/// twice, and which of the two the bank took it does not tell.
pub(super) fn is_of_other_day(
    payment: &Payment,
    told: &Receipt,
    plan: Option<&VatPlan>,
    paid_ms: i64,
) -> bool {
    let told_on = moscow_day(told_ms(payment));
    let differs =
        |line: &Line, on_ms| on_day(told, line, plan, told_on, moscow_day(on_ms)) != line.vat;
    let wanted_ms = capture_ms(payment, payment.intents.capture_requested_ms);
    told.lines.iter().any(|line| {
        differs(line, paid_ms) || wanted_ms.is_some_and(|wanted_ms| differs(line, wanted_ms))
    })
}

/// When the bank last took the receipt: with the link, or where it can with the capture.
fn told_ms(payment: &Payment) -> i64 {
    let captured_ms = payment.intents.capture_asked_ms.or(payment.intents.capture_requested_ms);
    capture_ms(payment, captured_ms).unwrap_or(payment.created_ms)
}

/// The time of a capture, where the bank takes a receipt with it.
fn capture_ms(payment: &Payment, at_ms: Option<i64>) -> Option<i64> {
    let limits = get_bank(&payment.bank).ok().map(|bank| bank.capabilities().receipts);
    at_ms.filter(|_| limits.is_some_and(|it| it.carries_at_capture))
}

/// Why the part cannot be taken: the receipt's lines cannot be cut down to it.
pub fn find_capture_problem(payment: &Payment, amount: Money) -> Option<BalanceProblem> {
    let receipt = for_bank(payment).ok().flatten()?;
    let cut = payment.amount.minus_or_zero(amount);
    let rest = receipt.total().unwrap_or_default().minus_or_zero(cut);
    let is_part = !cut.is_zero();
    is_part.then(|| spread(&receipt.lines, rest, max_lines(payment)).err()).flatten()
}

/// What is delivered of the receipt, as the bank is told: all of it, or the part that is taken of a
/// hold, spread over its lines, at the rates of the day on which it is taken.
pub fn delivered(payment: &Payment, receipt: Receipt, plan: Option<&VatPlan>) -> Receipt {
    cut_down(payment, made_on(payment, &receipt, plan, told_ms(payment)), payment.expected())
}

/// Whether not all of it was paid by this payment.
fn is_paid_otherwise(sale: &Receipt) -> bool {
    sale.settlement.as_ref().is_some_and(|paid| {
        [paid.advance, paid.credit, paid.cash, paid.provision].iter().any(|sum| !sum.is_zero())
    })
}

/// The part of it that is taken, spread over its lines.
pub(super) fn cut_down(payment: &Payment, receipt: Receipt, taken: Money) -> Receipt {
    let cut = payment.amount.minus_or_zero(taken);
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
pub async fn for_capture(ctx: &Ctx, payment: &Payment) -> Result<Option<Receipt>, DbError> {
    let Some(receipt) = for_bank(payment).ok().flatten() else { return Ok(None) };
    let plan = flow::find_defaults(ctx, &payment.shop_id).await?.map(|shop| shop.vat);
    let taken = delivered(payment, receipt.clone(), plan.as_ref());
    Ok(Some(taken).filter(|taken| *taken != receipt))
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
    let body = found?.filter(|record| !record.is_by_hand).and_then(|record| record.body);
    Ok(body.and_then(|body| form::parse_any(&body).ok()))
}

/// Why the bank would refuse the receipt of a planned refund: told before money is asked for, since
/// the refund would fail with it.
pub fn find_refusal(
    tx: &mut dyn Tx,
    credentials: &Credentials,
    payment: &Payment,
    (refund_id, amount): (&str, Money),
) -> Result<Option<Refusal>, DbError> {
    let found = rows::find_of_refund(tx, refund_id)?.filter(|record| !record.is_by_hand);
    let body = found.and_then(|record| record.body);
    let receipt = body.and_then(|body| form::parse_any(&body).ok());
    let (Some(receipt), Some(bank)) = (receipt, find_bank(&payment.bank)) else { return Ok(None) };
    if amount == payment.facts.paid {
        return Ok(None);
    }
    let op = BankOp::Refund {
        bank_id: payment.facts.bank_id.clone().unwrap_or_default(),
        amount,
        request_id: refund_id.to_owned(),
        receipt: Some(receipt),
        sbp_member: None,
        transfer: None,
    };
    Ok(match bank.start(credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) => {
            Some(refusal).filter(|refusal| refusal.param == Some("receipt"))
        }
        Step::Done(_) | Step::Send(_) => None,
    })
}

/// What of the first receipt has not gone back yet.
pub(super) fn left_of(
    payment: &Payment,
    original: &Receipt,
    refunds: &[Record],
) -> Result<Vec<Left>, RefundProblem> {
    let mut left = all_left(original)?;
    // One that did not happen took nothing; one that a person mirrors is in no books, unless its
    // lines are ours.
    let is_refund = |record: &&Record| record.kind == Kind::Refund;
    for record in refunds.iter().filter(is_refund).filter(|it| is_live(payment, it)) {
        for (left, taken) in left.iter_mut().zip(&record.taken) {
            left.sum = left.sum.minus_or_zero(taken.sum);
            left.quantity_milli = left.quantity_milli.saturating_sub(taken.quantity_milli);
        }
    }
    Ok(left)
}

/// Whether the refund's receipt takes something of the first one.
pub(super) fn is_live(payment: &Payment, record: &Record) -> bool {
    let is_its = |refund: &&Refund| record.refund_id.as_ref() == Some(&refund.id);
    let refund = payment.refunds.iter().find(is_its);
    let is_failed = refund.is_some_and(|it| matches!(it.state, RefundState::Failed(_)));
    let is_ours = record.is_by_hand && !record.taken.is_empty();
    record.state != State::None || is_ours && !is_failed
}

/// The receipt of a refund: what it takes by its share of all that is left.
pub(super) fn of_refund(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    known: &[Record],
    wanted: &Refund,
) -> Result<Record, DbError> {
    let new = new_record(ctx, payment, Kind::Refund, wanted.amount);
    let plan = read_plan(tx, payment)?;
    Ok(match mirrored(payment, known, plan.as_ref(), &Back::Share(wanted.amount)) {
        Ok((receipt, taken)) => {
            let note = note_of(payment, known, wanted.amount);
            Record { body: Some(write(&receipt)), taken, note, ..new }
        }
        // The refund goes on without it: a receipt never stops money.
        Err(problem) => {
            by_hand(Record { note: Some(format!("{problem}")), ..new }, Reason::Unmirrored)
        }
    })
}

pub(super) fn read_plan(tx: &mut dyn Tx, payment: &Payment) -> Result<Option<VatPlan>, DbError> {
    Ok(read_defaults(tx, &payment.shop_id)?.map(|shop| shop.vat))
}

/// What the bank is not told of a refund's receipt.
fn note_of(payment: &Payment, known: &[Record], amount: Money) -> Option<String> {
    let is_whole = amount == payment.facts.paid;
    let limits = get_bank(&payment.bank).ok().map(|bank| bank.capabilities().receipts)?;
    match is_whole {
        true => known.iter().any(is_closed_by).then(|| MIRRORED.to_owned()),
        false => (!limits.carries_refunds).then(|| NO_LINES.to_owned()),
    }
}

/// Whether what was prepaid was delivered by it.
fn is_closed_by(record: &Record) -> bool {
    record.kind == Kind::Closing && matches!(record.state, State::Sent | State::Registered)
}

const MIRRORED: &str = "The bank mirrors a refund of the whole sum by itself, and does not tell \
                        whether as prepaid or as delivered: these are the lines that it has to \
                        have. Compare it; put a difference right by a correction and note that";

const NO_LINES: &str = "The bank's request for a refund has no place for lines: these are what the \
                        receipt has to say, and the bank's cash register makes it without knowing \
                        them. Compare it; put a difference right by a correction and note that";

/// The sale that a refund mirrors: the first receipt, or what closed it, since goods that were
/// delivered come back as delivered, at the rates of that day.
fn find_sale(payment: &Payment, known: &[Record], plan: Option<&VatPlan>) -> Option<Receipt> {
    let (_, first) = first_receipt(known)?;
    let made = known.iter().rev().find(|record| is_closed_by(record));
    let Some(made) = made else { return Some(first) };
    let closing = made.body.as_deref().and_then(|body| form::parse_any(body).ok());
    let Some(closing) = closing else {
        return Some(closed_by_hand(payment, first, made, plan));
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

/// The first receipt as a person closed it, of whose lines we were told nothing: what was prepaid
/// is delivered, at the rates of that day. Which goods an advance became is not known.
fn closed_by_hand(
    payment: &Payment,
    first: Receipt,
    made: &Record,
    plan: Option<&VatPlan>,
) -> Receipt {
    let printed = made.fiscal.as_ref().and_then(|fiscal| fiscal.receipt_at.as_deref());
    let printed = printed.and_then(|text| text.get(..10)?.parse().ok());
    let (sold, on) = (moscow_day(payment.created_ms), moscow_day(made.changed_ms));
    let on = printed.unwrap_or(on);
    let is_goods = |line: &Line| line.method.is_prepaid() && line.method != PaymentMethod::Advance;
    let close = |line: &Line| match is_goods(line) {
        true => {
            let vat = at_closing(line.vat, own_plan(&first, line, plan), sold, on);
            Line { method: PaymentMethod::FullPayment, vat, ..line.clone() }
        }
        false => line.clone(),
    };
    Receipt { lines: first.lines.iter().map(close).collect(), ..first }
}

/// What comes back, as it was asked for.
#[derive(Clone, Debug)]
pub enum Back {
    /// This much, of every line its share.
    Share(Money),
    /// These pieces of the payment's lines.
    Goods(Vec<Returned>),
    /// What a receipt of the refund's own says, which must be what was sold.
    Receipt(Box<Receipt>),
}

impl Back {
    /// The API's field that names it.
    pub const fn param(&self) -> &'static str {
        match self {
            Back::Share(_) => "amount",
            Back::Goods(_) => "items",
            Back::Receipt(_) => "receipt",
        }
    }
}

fn mirrored(
    payment: &Payment,
    known: &[Record],
    plan: Option<&VatPlan>,
    back: &Back,
) -> Result<(Receipt, Vec<Taken>), RefundProblem> {
    let sale = find_sale(payment, known, plan).ok_or(RefundProblem::OtherBooks)?;
    let left = left_of(payment, &sale, known)?;
    let pieces: Vec<Returned>;
    let what = match back {
        Back::Share(amount) => Return::Share(*amount),
        // Which goods the points or the gift card paid for, nobody said.
        Back::Goods(_) | Back::Receipt(_) if is_paid_otherwise(&sale) => {
            return Err(RefundProblem::Settled);
        }
        Back::Goods(goods) => Return::Goods(goods),
        Back::Receipt(wanted) => {
            pieces = named(&sale, &left, wanted)?;
            Return::Goods(&pieces)
        }
    };
    let mut done = refund(&sale, &left, what, max_lines(payment))?;
    if let Back::Receipt(wanted) = back {
        let said = wanted.total().unwrap_or_default();
        if said != done.amount {
            return Err(RefundProblem::OtherSum { worth: done.amount, said });
        }
        if wanted.email.is_some() || wanted.phone.is_some() {
            let is_same = (&wanted.email, &wanted.phone) == (&sale.email, &sale.phone);
            if done.amount == payment.facts.paid && !is_same {
                return Err(RefundProblem::OtherBuyer);
            }
            done.receipt.email.clone_from(&wanted.email);
            done.receipt.phone.clone_from(&wanted.phone);
        }
    }
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
    back: &Back,
) -> Result<Result<Money, RefundProblem>, DbError> {
    let known = rows::list_of_payment(tx, &payment.id)?;
    let plan = read_plan(tx, payment)?;
    let (receipt, taken) = match mirrored(payment, &known, plan.as_ref(), back) {
        Ok(made) => made,
        Err(problem) => return Ok(Err(problem)),
    };
    let amount = receipt.total().unwrap_or_default();
    let why = match stored(payment) {
        Ok(Some(Stored::ByHand(_))) => Some(Reason::NoContact),
        Ok(Some(Stored::Bank(_))) if carries_none(payment) => Some(Reason::KeptCharge),
        Ok(Some(Stored::Bank(_) | Stored::Npd(_)) | None) | Err(_) => None,
    };
    let record = Record {
        refund_id: Some(refund_id.to_owned()),
        body: Some(write(&receipt)),
        state: State::Queued,
        taken,
        note: note_of(payment, &known, amount),
        ..new_record(ctx, payment, Kind::Refund, amount)
    };
    let record = match why {
        Some(reason) => by_hand(record, reason),
        None => record,
    };
    save(tx, ctx, payment, None, record)?;
    Ok(Ok(amount))
}
