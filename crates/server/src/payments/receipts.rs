//! Receipts of payments: what a payment's own receipt is, what follows from what becomes of its
//! money, and what a cash register says of it.
//!
//! A receipt's row changes in the transaction that changes its payment; it never changes the
//! payment.

pub mod api;
pub mod close;
mod mirror;

use anyhow::anyhow;
use kopeck_banks::{
    op::{FiscalRecord, Refusal},
    receipt::Receipt,
};
use serde_json::Value;

use super::{
    flow::{NewPayment, announce},
    model::{Origin, Payment, Refund, RefundState},
    store,
};
use crate::{
    events::EventKind,
    kit::{
        Ctx,
        clock::DAY_MS,
        db::{DbError, Tx},
        jobs,
    },
    receipts::{
        check,
        flow::{self, ComposeProblem, Stored, Wish},
        model::{Failure, Kind, News, Record, State, find_meant, step},
        store as rows,
    },
};

pub use mirror::{for_bank, for_capture, for_refund, plan_goods};

/// The kind of the job that sends closing receipts and reminds of what is due; its subject is the
/// receipt's id.
pub const JOB: &str = "receipt";
/// When to remind of a prepayment that is not closed. The law says "at delivery", and that day only
/// the shop knows.
const CLOSE_REMIND_MS: i64 = 30 * DAY_MS;

/// Makes the receipt that the shop wants: from here on the payment carries our own form.
pub async fn fill(ctx: &Ctx, shop_id: &str, new: NewPayment) -> Result<NewPayment, ComposeProblem> {
    let customer = new.customer.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let customer: Value = customer.unwrap_or_default();
    let field = |name: &str| customer.get(name).and_then(Value::as_str).map(str::to_owned);
    let email = field("email").filter(|email| !email.trim().is_empty());
    let wish = Wish { text: new.receipt, email, phone: field("phone") };
    let receipt = flow::compose(ctx, shop_id, wish, new.amount).await?;
    Ok(NewPayment { receipt, ..new })
}

/// VAT that the law does not have on the day of the sale.
pub fn find_wrong_day(payment: &Payment) -> Option<Refusal> {
    let receipt = for_bank(payment).ok().flatten()?;
    let day = check::moscow_day(payment.created_ms);
    check::find_wrong_day(&receipt, day).map(|finding| finding.refusal())
}

fn stored(payment: &Payment) -> anyhow::Result<Option<Stored>> {
    let Some(text) = &payment.receipt else { return Ok(None) };
    flow::stored(text).map(Some).map_err(|e| anyhow!("stored receipt: {}", e.message))
}

/// Brings the payment's receipts to what the payment is now.
pub fn follow(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment) -> Result<(), DbError> {
    // What a link left behind at another bank goes back whole, and that bank mirrors it itself.
    if payment.receipt.is_none() || payment.attempt_of.is_some() {
        return Ok(());
    }
    let what = stored(payment).map_err(|e| DbError::Decode(format!("{e:#}")))?;
    let Some(what) = what else { return Ok(()) };
    let known = rows::list_of_payment(tx, &payment.id)?;
    let income = known.iter().find(|record| record.kind == Kind::Income);
    let next = follow_income(ctx, payment, &what, income);
    let income = save(tx, ctx, payment, income, next)?;
    let mut refunds: Vec<Record> =
        known.into_iter().filter(|record| record.kind == Kind::Refund).collect();
    for refund in payment.refunds.iter().filter(|refund| refund.origin == Origin::Shop) {
        let before = refunds.iter().find(|it| it.refund_id.as_ref() == Some(&refund.id)).cloned();
        let record = match (&before, &what) {
            (Some(record), _) => record.clone(),
            (None, Stored::Bank(_)) => mirror::of_refund(ctx, payment, &income, &refunds, refund),
            (None, Stored::Npd(_)) => {
                let id = ctx.mint.id("rcp");
                let new =
                    Record::new(id, &payment.shop_id, &payment.id, Kind::Refund, refund.amount);
                let note = "Annul the receipt in «Мой налог»".to_owned();
                Record { note: Some(note), is_by_hand: true, ..new }
            }
        };
        let next = follow_refund(ctx, refund, record);
        let saved = save(tx, ctx, payment, before.as_ref(), next)?;
        refunds.retain(|record| record.id != saved.id);
        refunds.push(saved);
    }
    Ok(())
}

fn follow_income(ctx: &Ctx, payment: &Payment, what: &Stored, known: Option<&Record>) -> Record {
    let is_paid = !payment.facts.paid.is_zero();
    let is_over = payment.facts.expired || payment.facts.canceled || payment.facts.declined;
    let is_over = is_over || payment.intents.failure.is_some();
    let mut next = known.cloned().unwrap_or_else(|| {
        let id = ctx.mint.id("rcp");
        Record::new(id, &payment.shop_id, &payment.id, Kind::Income, payment.amount)
    });
    let was_paid = matches!(next.state, State::Sent | State::Registered | State::Failed);
    let now_ms = ctx.now_ms();
    match what {
        Stored::Npd(name) => {
            next.is_by_hand = true;
            if is_paid && next.state == State::None && next.due_ms.is_none() {
                next.body = Some(serde_json::json!({ "name": name }).to_string());
                next.due_ms = Some(payment.facts.paid_at_ms().unwrap_or(now_ms));
                next.note =
                    Some("Make it in «Мой налог», https://lknpd.nalog.ru, on this day".to_owned());
            }
        }
        Stored::Bank(receipt) if !was_paid => {
            let delivered = mirror::delivered(payment, receipt.as_ref().clone());
            next.body = Some(crate::receipts::form::write(&delivered));
            next.state = match (is_paid, is_over) {
                (true, _) => step(next.state, News::Moved),
                (false, true) => step(next.state, News::Dropped),
                (false, false) => step(next.state, News::Waits),
            };
            if is_paid {
                next.amount = payment.facts.paid;
                let is_prepaid = receipt.is_prepaid();
                next.due_ms = is_prepaid.then_some(now_ms + CLOSE_REMIND_MS);
            }
        }
        // All of it went back: nothing will be delivered.
        Stored::Bank(_) if payment.refunded() >= payment.facts.paid => next.due_ms = None,
        Stored::Bank(_) => {}
    }
    next
}

fn follow_refund(ctx: &Ctx, refund: &Refund, record: Record) -> Record {
    let (state, now_ms) = (record.state, ctx.now_ms());
    match (&refund.state, record.is_by_hand) {
        (RefundState::Succeeded, true) if state == State::None && record.due_ms.is_none() => {
            Record { due_ms: Some(now_ms), ..record }
        }
        (_, true) => record,
        (RefundState::Succeeded, false) => Record { state: step(state, News::Moved), ..record },
        (RefundState::Failed(_), false) => Record { state: step(state, News::Dropped), ..record },
        (RefundState::Requested | RefundState::Asked { .. }, false) => {
            Record { state: step(state, News::Waits), ..record }
        }
    }
}

/// Saves what changed, and announces it.
fn save(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    before: Option<&Record>,
    next: Record,
) -> Result<Record, DbError> {
    if before == Some(&next) {
        return Ok(next);
    }
    let now_ms = ctx.now_ms();
    let created_ms = before.map_or(now_ms, |before| before.created_ms);
    let next = Record { created_ms, changed_ms: now_ms, ..next };
    rows::upsert(tx, &next)?;
    let was = before.map(|before| before.state);
    let kind = match next.state {
        State::Sent => Some(EventKind::ReceiptSent),
        State::Registered => Some(EventKind::ReceiptRegistered),
        State::Failed => Some(EventKind::ReceiptFailed),
        State::None | State::Queued => None,
    };
    if let Some(kind) = kind.filter(|_| was != Some(next.state)) {
        announce(tx, ctx, payment, kind, Some(&next.id))?;
    }
    if next.state == State::Failed && was != Some(State::Failed) {
        let why = next.failure.as_ref().map_or("", |failure| failure.code.as_str());
        let (payment_id, receipt_id) = (&payment.id, &next.id);
        tracing::error!(payment_id, receipt_id, why, "a receipt was not made: {receipt_id}");
    }
    // A reminder comes at its time, by a job of its own.
    if let Some(due_ms) = next.due_ms.filter(|due| before.and_then(|it| it.due_ms) != Some(*due)) {
        jobs::nudge(tx, &ctx.mint, JOB, &next.id, due_ms)?;
    }
    Ok(next)
}

/// Takes a cash register's word. Returns the payment that it is about, if it is ours.
pub fn take_fiscal(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection_id: &str,
    word: &FiscalRecord,
) -> Result<Option<String>, DbError> {
    let (bank_id, reference) = (word.bank_id.as_deref(), word.reference.as_deref());
    let Some(payment) = store::lock_payment_of_bank(tx, connection_id, bank_id, reference)? else {
        return Ok(None);
    };
    if payment.attempt_of.is_some() {
        return Ok(Some(payment.id));
    }
    let known = rows::list_of_payment(tx, &payment.id)?;
    let meant = find_meant(&known, word);
    // "Made" is the last word about a document.
    if meant.is_some_and(|record| record.state == State::Registered) {
        return Ok(Some(payment.id));
    }
    let is_return = word.kind.as_deref().is_some_and(|kind| kind.contains("Return"));
    let mut next = meant.cloned().unwrap_or_else(|| {
        let kind = if is_return { Kind::Refund } else { Kind::Income };
        let amount = word.amount.unwrap_or_default();
        Record::new(ctx.mint.id("rcp"), &payment.shop_id, &payment.id, kind, amount)
    });
    let news = if word.is_done { News::Registered } else { News::Failed };
    next.state = step(next.state, news);
    next.fiscal = Some(word.clone());
    next.failure = (!word.is_done).then(|| Failure {
        code: "receipt_not_made".to_owned(),
        message: word.problem.clone().unwrap_or_default(),
        hint: "The payment stands. Look at the cash register; it tries again by itself, or make \
               the receipt by hand and note it: `kopeck receipt note`"
            .to_owned(),
    });
    save(tx, ctx, &payment, meant, next)?;
    Ok(Some(payment.id))
}

/// What was made by hand: it closes the matter that it answers, or is a receipt of its own.
pub struct ByHand {
    pub kind: Kind,
    pub document_number: Option<String>,
    pub url: Option<String>,
    pub note: Option<String>,
}

/// Notes a receipt that a person made.
pub fn note(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    made: ByHand,
) -> Result<Record, DbError> {
    let known = rows::list_of_payment(tx, &payment.id)?;
    let is_open = |record: &&Record| record.kind == made.kind && record.state != State::Registered;
    // The closing receipt ends the reminder of the first one.
    if made.kind == Kind::Closing {
        settle_due(tx, ctx, payment, &known)?;
    }
    let known = rows::list_of_payment(tx, &payment.id)?;
    let open = known.iter().rev().find(is_open).filter(|_| made.kind != Kind::Correction);
    let fresh = || {
        let amount = payment.facts.paid;
        Record::new(ctx.mint.id("rcp"), &payment.shop_id, &payment.id, made.kind, amount)
    };
    let fiscal = FiscalRecord {
        is_done: true,
        document_number: made.document_number,
        url: made.url,
        ..FiscalRecord::default()
    };
    let next = Record {
        state: State::Registered,
        fiscal: Some(fiscal),
        failure: None,
        is_by_hand: true,
        due_ms: None,
        ..open.cloned().unwrap_or_else(fresh)
    };
    let note = made.note.or_else(|| next.note.clone());
    save(tx, ctx, payment, open, Record { note, ..next })
}

/// Nothing is left to close.
fn settle_due(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    known: &[Record],
) -> Result<(), DbError> {
    let is_waiting = |record: &&Record| {
        let is_closable = matches!(record.kind, Kind::Income | Kind::Closing);
        is_closable && !record.is_by_hand && record.due_ms.is_some()
    };
    for record in known.iter().filter(is_waiting) {
        save(tx, ctx, payment, Some(record), Record { due_ms: None, ..record.clone() })?;
    }
    Ok(())
}

/// The first receipt of a payment, as it was made.
fn first_receipt(records: &[Record]) -> Option<(&Record, Receipt)> {
    let record = records.iter().find(|record| record.kind == Kind::Income)?;
    let receipt = crate::receipts::form::parse_any(record.body.as_deref()?).ok()?;
    Some((record, receipt))
}
