//! Receipts of payments: what a payment's own receipt is, what follows from what becomes of its
//! money, and what a cash register says of it.
//!
//! A receipt's row changes in the transaction that changes its payment; it never changes the
//! payment.

pub mod api;
pub mod close;
pub mod hand;
mod mirror;
mod word;

use anyhow::anyhow;
use kopeck_banks::{
    Money,
    bank::find_bank,
    op::Refusal,
    receipt::{
        Line, PaymentMethod, Receipt,
        preset::ShopDefaults,
        vat::{VatPlan, changes_on, own_plan},
    },
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
        db::{DbError, Tx},
        jobs,
    },
    receipts::{
        check,
        flow::{self, ComposeProblem, Renewal, Stored, Wish},
        model::{Kind, News, Reason, Record, State, step},
        schedule::{WORD_AFTER_MS, closing_due},
        store as rows,
    },
    shops::model::Connection,
};

pub use mirror::{
    Back, find_capture_problem, find_refusal, for_bank, for_capture, for_refund, plan_goods,
};
pub use word::take_fiscal;

/// The kind of the job that sends closing receipts, sends them anew, and reminds of what is due;
/// its subject is the receipt's id.
pub const JOB: &str = "receipt";

/// Where a receipt goes, and whether each bank that may make it takes a phone alone.
struct Buyer {
    email: Option<String>,
    phone: Option<String>,
    is_phone_enough: bool,
}

fn find_buyer(new: &NewPayment, banks: &[Connection]) -> Buyer {
    let limits = |it: &Connection| find_bank(&it.bank).map(|bank| bank.capabilities().receipts);
    let is_phone_enough = !banks.is_empty()
        && banks.iter().all(|it| limits(it).is_some_and(|limits| !limits.needs_email));
    let customer = new.customer.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let customer: Value = customer.unwrap_or_default();
    let field = |name: &str| customer.get(name).and_then(Value::as_str).map(str::to_owned);
    let email = field("email").filter(|email| !email.trim().is_empty());
    Buyer { email, phone: field("phone"), is_phone_enough }
}

/// How many lines this bank takes.
fn max_lines(connection: &Connection) -> Option<usize> {
    find_bank(&connection.bank)?.capabilities().receipts.max_lines
}

/// Makes the receipt that the shop wants: from here on the payment carries our own form.
/// `banks`: where it may be paid.
pub async fn fill(
    ctx: &Ctx,
    shop_id: &str,
    new: NewPayment,
    banks: &[Connection],
) -> Result<NewPayment, ComposeProblem> {
    let Buyer { email, phone, is_phone_enough } = find_buyer(&new, banks);
    let wish = Wish { text: new.receipt.clone(), email, phone, is_phone_enough };
    let receipt = flow::compose(ctx, shop_id, wish, new.amount).await?;
    keep(ctx, shop_id, new, receipt).await
}

/// The same of money that came by a code on a wall or at a desk: no bank makes a receipt of it, so
/// that it is one to make by hand; none where the counter has a cash register of its own.
pub fn for_code(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    amount: Money,
) -> Result<Option<String>, DbError> {
    let saved = rows::find_defaults(tx, shop_id)?;
    if saved.is_none_or(|saved| saved.counter_register == Some(true)) {
        return Ok(None);
    }
    let shop = flow::read_defaults(tx, shop_id)?;
    compose_by_hand(shop, ctx, shop_id, amount)
}

/// The same of money that a bank took of a kept card unasked: whatever becomes of it, a sale that
/// has to be shown or given back.
pub fn for_unasked(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    amount: Money,
) -> Result<Option<String>, DbError> {
    let shop = flow::read_defaults(tx, shop_id)?;
    compose_by_hand(shop, ctx, shop_id, amount)
}

fn compose_by_hand(
    shop: Option<ShopDefaults>,
    ctx: &Ctx,
    shop_id: &str,
    amount: Money,
) -> Result<Option<String>, DbError> {
    let day = check::moscow_day(ctx.now_ms());
    match flow::compose_on(shop, Wish::default(), amount, day) {
        Ok(text) => Ok(text),
        Err(ComposeProblem::Internal(error)) => Err(error),
        Err(problem) => {
            // The money is here whatever is known of its VAT.
            tracing::error!(shop_id, ?problem, "no receipt can be made of a transfer");
            Ok(None)
        }
    }
}

/// The same of what is sold again and again: what was said of its receipt at `said_ms` is brought
/// to the sum that is charged now, at the rates of today.
pub async fn fill_again(
    ctx: &Ctx,
    shop_id: &str,
    new: NewPayment,
    banks: &[Connection],
    said_ms: i64,
) -> Result<NewPayment, ComposeProblem> {
    let Buyer { email, phone, is_phone_enough } = find_buyer(&new, banks);
    let renewal = Renewal {
        first: new.receipt.clone(),
        first_ms: said_ms,
        amount: new.amount,
        charge_ms: ctx.now_ms(),
        email,
        phone,
        is_phone_enough,
        max_lines: banks.iter().filter_map(max_lines).min(),
    };
    let receipt = flow::compose_renewal(ctx, shop_id, renewal).await?;
    keep(ctx, shop_id, new, receipt).await
}

async fn keep(
    ctx: &Ctx,
    shop_id: &str,
    new: NewPayment,
    receipt: Option<String>,
) -> Result<NewPayment, ComposeProblem> {
    let plan = flow::find_defaults(ctx, shop_id).await?.map(|shop| shop.vat);
    let rates_until_ms =
        receipt.as_deref().and_then(|text| rates_until(text, plan.as_ref(), ctx.now_ms()));
    Ok(NewPayment { receipt, rates_until_ms, ..new })
}

/// When the receipt, made now, would have other rates: a bank makes it of what it was told with the
/// link, so that no link outlives them.
fn rates_until(text: &str, plan: Option<&VatPlan>, now_ms: i64) -> Option<i64> {
    let Ok(Stored::Bank(receipt)) = flow::stored(text) else { return None };
    let today = check::moscow_day(now_ms);
    let is_sold_now = |line: &&Line| line.method != PaymentMethod::CreditPayment;
    let lines = receipt.lines.iter().filter(is_sold_now);
    let changes = |line: &Line| changes_on(line.vat, own_plan(&receipt, line, plan), today);
    let day = lines.filter_map(changes).min()?;
    check::moscow_midnight(day)
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
    if payment.receipt.is_none() {
        return Ok(());
    }
    let what = stored(payment).map_err(|e| DbError::Decode(format!("{e:#}")))?;
    let Some(what) = what else { return Ok(()) };
    let known = rows::list_of_payment(tx, &payment.id)?;
    // What a link left behind at another bank has receipts once it is paid there; of money that
    // came twice the self-employed make none.
    let is_idle = payment.facts.paid.is_zero() && known.is_empty();
    let is_npd = matches!(what, Stored::Npd(_));
    if payment.attempt_of.is_some() && (is_idle || is_npd) {
        return Ok(());
    }
    let income = known.iter().find(|record| record.kind == Kind::Income);
    let next = follow_income(tx, ctx, payment, &what, income)?;
    let income = save(tx, ctx, payment, income, next)?;
    let mut all: Vec<Record> =
        known.into_iter().filter(|record| record.kind != Kind::Income).collect();
    all.push(income);
    // What goes back in the bank's cabinet the bank mirrors, where the first receipt is its own.
    let is_foreign = all.iter().any(|it| it.kind == Kind::Income && it.is_foreign());
    let is_ours = |refund: &&Refund| refund.origin == Origin::Shop || is_foreign;
    for refund in payment.refunds.iter().filter(is_ours) {
        let before = all.iter().find(|it| it.refund_id.as_ref() == Some(&refund.id)).cloned();
        let record = match (&before, &what) {
            (Some(record), _) => record.clone(),
            (None, Stored::Bank(_)) if carries_none(payment) => {
                let record = mirror::of_refund(tx, ctx, payment, &all, refund)?;
                backed_by_hand(record, Reason::KeptCharge)
            }
            (None, Stored::Bank(_)) => mirror::of_refund(tx, ctx, payment, &all, refund)?,
            (None, Stored::ByHand(_)) => {
                let record = mirror::of_refund(tx, ctx, payment, &all, refund)?;
                backed_by_hand(record, Reason::NoContact)
            }
            (None, Stored::Npd(_)) => {
                let new = new_record(ctx, payment, Kind::Refund, refund.amount);
                by_hand(new, Reason::NpdBack)
            }
        };
        let record = Record { refund_id: Some(refund.id.clone()), ..record };
        let next = follow_refund(ctx, refund, record);
        let saved = save(tx, ctx, payment, before.as_ref(), next)?;
        all.retain(|record| record.id != saved.id);
        all.push(saved);
    }
    Ok(())
}

fn new_record(ctx: &Ctx, payment: &Payment, kind: Kind, amount: Money) -> Record {
    let of = [payment.shop_id.as_str(), &payment.id, &payment.bank];
    Record::new(ctx.mint.id("rcp"), of, kind, amount)
}

fn follow_income(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    what: &Stored,
    known: Option<&Record>,
) -> Result<Record, DbError> {
    let is_paid = !payment.facts.paid.is_zero();
    let is_over = payment.facts.expired || payment.facts.canceled || payment.facts.declined;
    let is_over = is_over || payment.intents.failure.is_some();
    let new = || new_record(ctx, payment, Kind::Income, payment.amount);
    let mut next = known.cloned().unwrap_or_else(new);
    let paid_ms = payment.facts.paid_at_ms().unwrap_or(ctx.now_ms());
    match what {
        Stored::Npd(name) => {
            next = by_hand(next, Reason::Npd);
            if is_paid && next.state == State::None && next.body.is_none() {
                next.body = Some(serde_json::json!({ "name": name }).to_string());
                next.look_ms = Some(paid_ms);
                next.amount = payment.facts.paid;
            }
        }
        Stored::Bank(receipt) if carries_none(payment) => {
            let row = by_hand(next, Reason::KeptCharge);
            next = made_by_hand(tx, payment, receipt, row, paid_ms)?;
        }
        Stored::ByHand(receipt) => {
            let row = by_hand(next, Reason::NoContact);
            next = made_by_hand(tx, payment, receipt, row, paid_ms)?;
        }
        Stored::Bank(receipt) if next.sold_ms.is_none() => {
            let plan = mirror::read_plan(tx, payment)?;
            let delivered = mirror::delivered(payment, receipt.as_ref().clone(), plan.as_ref());
            if is_paid && mirror::is_of_other_day(payment, &delivered, plan.as_ref(), paid_ms) {
                next.reason = Some(Reason::OldVat);
                next.look_ms = Some(paid_ms);
            }
            next.body = Some(crate::receipts::form::write(&delivered));
            next.state = match (is_paid, is_over) {
                (true, _) => step(next.state, News::Moved),
                (false, true) => step(next.state, News::Dropped),
                (false, false) => step(next.state, News::Waits),
            };
            // The cash register may speak before we hear of the money: the row is of its lines.
            next.amount = payment.expected();
            if is_paid {
                next.amount = payment.facts.paid;
                next.sold_ms = Some(paid_ms);
            }
            if is_paid {
                next.closes_ms = find_closing_day(tx, payment, receipt, paid_ms)?;
            }
        }
        // All of it went back: nothing will be delivered.
        Stored::Bank(_) if payment.refunded() >= payment.facts.paid => next.closes_ms = None,
        Stored::Bank(_) => {}
    }
    Ok(next)
}

/// One that a person makes, and why the bank does not.
fn by_hand(record: Record, reason: Reason) -> Record {
    let state = if record.state == State::Queued { State::None } else { record.state };
    Record { is_by_hand: true, reason: Some(reason), state, ..record }
}

/// The same of a refund, of which no bank's cash register knows; where its lines cannot be told,
/// that is what a person has to know.
fn backed_by_hand(record: Record, reason: Reason) -> Record {
    match record.reason {
        Some(_) => record,
        None => by_hand(Record { note: None, ..record }, reason),
    }
}

/// The row of a receipt that a person makes, once its money is there.
fn made_by_hand(
    tx: &mut dyn Tx,
    payment: &Payment,
    receipt: &Receipt,
    record: Record,
    paid_ms: i64,
) -> Result<Record, DbError> {
    // All of it went back: nothing will be delivered.
    let is_gone = !payment.facts.paid.is_zero() && payment.refunded() >= payment.facts.paid;
    // Once: a row that a person changed since stays as it is.
    if payment.facts.paid.is_zero() || record.sold_ms.is_some() {
        let closes_ms = record.closes_ms.filter(|_| !is_gone);
        return Ok(Record { closes_ms, ..record });
    }
    let plan = mirror::read_plan(tx, payment)?;
    let made = mirror::made_on(payment, receipt, plan.as_ref(), paid_ms);
    let made = mirror::cut_down(payment, made, payment.facts.paid);
    Ok(Record {
        body: Some(crate::receipts::form::write(&made)),
        amount: payment.facts.paid,
        sold_ms: Some(paid_ms),
        look_ms: Some(paid_ms),
        closes_ms: find_closing_day(tx, payment, receipt, paid_ms)?,
        ..record
    })
}

/// When what is prepaid has to be closed; what was paid twice is never delivered.
fn find_closing_day(
    tx: &mut dyn Tx,
    payment: &Payment,
    receipt: &Receipt,
    paid_ms: i64,
) -> Result<Option<i64>, DbError> {
    if !receipt.is_prepaid() || payment.attempt_of.is_some() {
        return Ok(None);
    }
    let days = rows::find_defaults(tx, &payment.shop_id)?;
    let days = days.and_then(|defaults| defaults.close_after_days);
    Ok(Some(closing_due(receipt.closes_on, days, paid_ms)))
}

/// Whether the bank takes no receipt for this payment, whatever the shop wants.
fn carries_none(payment: &Payment) -> bool {
    let can = find_bank(&payment.bank).and_then(|bank| bank.capabilities().subscriptions);
    payment.is_kept_charge() && can.is_some_and(|limits| !limits.charge_receipts)
}

fn follow_refund(ctx: &Ctx, refund: &Refund, record: Record) -> Record {
    let (state, now_ms) = (record.state, ctx.now_ms());
    match (&refund.state, record.is_by_hand) {
        // Once: a row that a person changed since stays as it is.
        (RefundState::Succeeded, true)
            if state == State::None && record.changed_ms == record.created_ms =>
        {
            Record { look_ms: Some(record.look_ms.unwrap_or(now_ms)), ..record }
        }
        (_, true) => record,
        (RefundState::Succeeded, false) => Record { state: step(state, News::Moved), ..record },
        (RefundState::Failed(_), false) => Record { state: step(state, News::Dropped), ..record },
        (RefundState::Requested | RefundState::Asked { .. }, false) => {
            Record { state: step(state, News::Waits), ..record }
        }
    }
}

/// What failed, asked for once more. The last failure stays in the row's steps.
fn again(record: Record, reason: String) -> Record {
    Record {
        state: step(record.state, News::Again),
        asked_ms: None,
        failure: None,
        note: None,
        look_ms: None,
        retry_ms: None,
        retry_reason: Some(reason),
        ..record
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
    let now_ms = ctx.now_ms();
    let was = before.map(|before| before.state);
    let expected_ms = match (was == Some(next.state), next.state) {
        (true, _) => next.expected_ms,
        (false, State::Sent) => next.limits().filter(|it| it.tells).map(|_| now_ms + WORD_AFTER_MS),
        (false, State::None | State::Queued | State::Registered | State::Failed) => None,
    };
    let due_ms = next.due_ms();
    let is_due_new = before.and_then(Record::due_ms) != due_ms;
    let reminders = if is_due_new { 0 } else { next.reminders };
    let next = Record { expected_ms, reminders, ..next };
    if before == Some(&next) {
        return Ok(next);
    }
    let created_ms = before.map_or(now_ms, |before| before.created_ms);
    let next = Record { created_ms, changed_ms: now_ms, ..next };
    rows::upsert(tx, &next)?;
    tell(tx, ctx, payment, before, &next)?;
    // A try and a reminder come at their time, by a job of their own.
    let reminder_ms = due_ms.filter(|_| is_due_new);
    let late_ms = next.expected_ms.filter(|_| was != Some(next.state));
    if let Some(at_ms) = [next.retry_ms, reminder_ms, late_ms].into_iter().flatten().min() {
        jobs::nudge(tx, &ctx.mint, JOB, &next.id, at_ms)?;
    }
    Ok(next)
}

/// Writes down what became of a receipt, and announces it: each failure, not only the first.
fn tell(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    before: Option<&Record>,
    next: &Record,
) -> Result<(), DbError> {
    let was = before.map(|before| before.state);
    let is_failure = before.map_or(0, |before| before.failures) < next.failures;
    if was == Some(next.state) && !is_failure {
        return Ok(());
    }
    let failure = next.failure.as_ref();
    let why = match next.state {
        State::Failed => failure.map(|failure| failure.message.as_str()),
        State::Queued => next.retry_reason.as_deref(),
        State::None | State::Sent | State::Registered => next.note.as_deref(),
    };
    rows::insert_step(tx, &ctx.mint.id("rs"), next, why)?;
    let kind = match next.state {
        State::Sent => EventKind::ReceiptSent,
        State::Registered => EventKind::ReceiptRegistered,
        State::Failed => EventKind::ReceiptFailed,
        State::None | State::Queued => return Ok(()),
    };
    // The first failure is the first of its kind; what follows it is the second.
    let nth = if next.state == State::Failed { next.failures } else { next.failures + 1 };
    announce_receipt(tx, ctx, payment, kind, (&next.id, &nth_of(nth)))?;
    if next.state == State::Failed {
        let code = failure.map_or("", |failure| failure.code.as_str());
        let (payment_id, receipt_id, failures) = (&payment.id, &next.id, next.failures);
        tracing::error!(payment_id, receipt_id, failures, code, "a receipt was not made");
    }
    Ok(())
}

/// What became of a receipt of money that came twice, at another bank, is its link's event. What
/// happens to a receipt again (a failure, a reminder) is told again, by its number.
fn announce_receipt(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    kind: EventKind,
    (receipt_id, nth): (&str, &str),
) -> Result<(), DbError> {
    let about = format!("{receipt_id} {nth}");
    let about = about.trim_end().to_owned();
    let Some(link_id) = &payment.attempt_of else {
        return announce(tx, ctx, payment, kind, Some(&about));
    };
    let link = store::find_payment(tx, &payment.shop_id, link_id)?;
    link.map_or(Ok(()), |link| announce(tx, ctx, &link, kind, Some(&about)))
}

/// What tells an event from the earlier ones of its kind; nothing for the first.
fn nth_of(nth: u32) -> String {
    if nth > 1 { nth.to_string() } else { String::new() }
}

/// All receipts of a payment, those of its attempts at other banks after its own.
pub fn list_all(tx: &mut dyn Tx, payment: &Payment) -> Result<Vec<Record>, DbError> {
    let mut all = rows::list_of_payment(tx, &payment.id)?;
    for attempt in &payment.attempts {
        all.extend(rows::list_of_payment(tx, &attempt.id)?);
    }
    Ok(all)
}

/// Nothing is left to close; nothing is to be done about earlier tries but the one that is `kept`.
fn settle_due(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    known: &[Record],
    kept: Option<&str>,
) -> Result<(), DbError> {
    let others = known.iter().filter(|record| Some(record.id.as_str()) != kept);
    for record in others.filter(|record| record.due_ms().is_some()) {
        let next = match record.kind {
            Kind::Income => Record { closes_ms: None, ..record.clone() },
            Kind::Closing => Record { look_ms: None, retry_ms: None, ..record.clone() },
            Kind::Refund | Kind::Correction => continue,
        };
        save(tx, ctx, payment, Some(record), next)?;
    }
    Ok(())
}

/// The first receipt of a payment, as it was made.
fn first_receipt(records: &[Record]) -> Option<(&Record, Receipt)> {
    let record = records.iter().find(|record| record.kind == Kind::Income)?;
    let receipt = crate::receipts::form::parse_any(record.body.as_deref()?).ok()?;
    Some((record, receipt))
}
