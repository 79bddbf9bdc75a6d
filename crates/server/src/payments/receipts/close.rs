//! The closing receipt of a prepayment: asked for once, sent by a job, never sent again on a guess.

use kopeck_banks::{
    bank::Step,
    op::{BankOp, Outcome, Refusal, RefusalClass, TerminalOp},
    receipt::{
        Line, Receipt,
        closing::{ClosingProblem, Days, close},
        quantity_text,
        refund::{Return, refund},
        vat::VatPlan,
    },
};

use super::{
    JOB, again, announce_receipt, first_receipt,
    mirror::{is_live, left_of},
    new_record, save, settle_due,
    word::{NOT_MADE, failed},
};
use crate::{
    events::EventKind,
    gateway::{
        self,
        flow::{Told, get_bank},
        store::insert_exchange,
    },
    kit::{
        Ctx,
        clock::SECOND_MS,
        db::{DbError, Tx},
        jobs::{self, After, Job},
    },
    payments::{model::Payment, store},
    receipts::{
        self,
        check::{find_wrong_day, moscow_day},
        form::{self, write},
        model::{Failure, Kind, News, Record, State, step},
        schedule::{LOST_AFTER_MS, UNSENT_AFTER_MS, reminder_at, reminders_by},
        store as rows,
        todo::find_todo,
    },
    shops::{self, model::Connection},
};

/// After a bank that is busy or out of reach.
const TRY_AGAIN_MS: i64 = 30 * SECOND_MS;

/// Why nothing is closed.
#[derive(Debug)]
pub enum CloseProblem {
    NoSuchPayment,
    /// Nothing is paid yet, or it had no receipt.
    NothingPaid,
    /// The bank makes none, or none of a payment of which a part went back: a person does, with
    /// these lines.
    ByHand {
        message: String,
        lines: String,
    },
    /// One failed, and a person said what became of it.
    Settled,
    /// The cash register did not make it, as it said.
    Unmade(String),
    /// A refund is under way: what stays is not known yet.
    RefundUnderWay,
    /// What is delivered does not fit what was prepaid.
    Receipt(ClosingProblem),
    /// Its refunds left nothing to close, or no way to tell what.
    Books(String),
    Bank(Refusal),
    Internal(anyhow::Error),
}

impl From<DbError> for CloseProblem {
    fn from(error: DbError) -> CloseProblem {
        CloseProblem::Internal(error.into())
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    /// The goods, where the first receipt took an advance for none in particular.
    pub delivered: Option<Vec<Line>>,
    /// After a look at the cash register: the one whose answer was lost, or that was settled, was
    /// not made.
    pub again: bool,
}

/// Asks for the closing receipt. Asking again is no error and no second receipt.
pub async fn request(
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
    asked: Closing,
) -> Result<Record, CloseProblem> {
    let (shop, id) = (shop_id.to_owned(), payment_id.to_owned());
    let found: Result<Option<Payment>, DbError> =
        ctx.db.read(move |tx| store::find_payment(tx, &shop, &id)).await;
    let payment = found?.ok_or(CloseProblem::NoSuchPayment)?;
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await;
    let connection = connection.map_err(CloseProblem::Internal)?;
    let plan = receipts::flow::find_defaults(ctx, shop_id).await?.map(|shop| shop.vat);
    let inner = ctx.clone();
    ctx.db
        .write(move |tx| {
            let locked = store::lock_payment(tx, &payment.shop_id, &payment.id)?;
            let payment = locked.ok_or(CloseProblem::NoSuchPayment)?;
            let known = rows::list_of_payment(tx, &payment.id)?;
            let earlier = known.iter().rev().find(|record| record.kind == Kind::Closing);
            let now_ms = inner.now_ms();
            let is_lost = |record: &Record| {
                let is_missed = record.is_lost() || record.is_late(now_ms);
                record.state == State::Sent && asked.again && is_missed
            };
            if let Some(earlier) =
                earlier.filter(|record| record.state != State::Failed && !is_lost(record))
            {
                return Ok(earlier.clone());
            }
            if earlier.is_some_and(Record::is_settled) && !asked.again {
                return Err(CloseProblem::Settled);
            }
            // The register may yet make it of its own queue, and with ours there would be two.
            let is_unmade = |record: &Record| {
                record.failure.as_ref().is_some_and(|failure| failure.code == NOT_MADE)
            };
            if let Some(earlier) = earlier.filter(|it| is_unmade(it) && !asked.again) {
                let why = earlier.failure.as_ref().map(|failure| failure.message.clone());
                return Err(CloseProblem::Unmade(why.unwrap_or_default()));
            }
            let body = compose(&inner, &payment, &connection, &known, &asked, plan.as_ref())?;
            if let Some(finding) = find_wrong_day(&body, moscow_day(now_ms)) {
                return Err(CloseProblem::Bank(finding.refusal()));
            }
            // One that failed is tried again; one that was lost may yet be told of.
            let failed = earlier.filter(|record| record.state == State::Failed);
            settle_due(tx, &inner, &payment, &known, failed.map(|record| record.id.as_str()))?;
            let amount = body.total().unwrap_or_default();
            let base = match failed {
                Some(failed) => again(failed.clone(), "Closed again".to_owned()),
                None => Record {
                    state: State::Queued,
                    ..new_record(&inner, &payment, Kind::Closing, amount)
                },
            };
            let record = Record { amount, body: Some(write(&body)), ..base };
            let record = save(tx, &inner, &payment, failed, record)?;
            jobs::nudge(tx, &inner.mint, JOB, &record.id, inner.now_ms())?;
            Ok(record)
        })
        .await
}

fn compose(
    ctx: &Ctx,
    payment: &Payment,
    connection: &Connection,
    known: &[Record],
    asked: &Closing,
    plan: Option<&VatPlan>,
) -> Result<Receipt, CloseProblem> {
    if payment.facts.paid.is_zero() {
        return Err(CloseProblem::NothingPaid);
    }
    let (_, first) = first_receipt(known).ok_or(CloseProblem::NothingPaid)?;
    if payment.refunds.iter().any(|refund| refund.state.is_pending()) {
        return Err(CloseProblem::RefundUnderWay);
    }
    let rest = what_stays(payment, &first, known)?;
    let sold = moscow_day(payment.created_ms);
    let days = Days { sold, delivered: moscow_day(ctx.now_ms()) };
    let closing = close(&rest, asked.delivered.as_deref(), plan, days);
    let bank = get_bank(&payment.bank).map_err(CloseProblem::Internal)?;
    let by_hand = |message: String| {
        let lines = closing.as_ref().map_or(String::new(), |receipt| lines_of(payment, receipt));
        Err(CloseProblem::ByHand { message, lines })
    };
    if known.iter().any(|it| it.kind == Kind::Income && it.is_foreign()) {
        return by_hand("The bank made no first receipt, so it closes none.".to_owned());
    }
    if !bank.capabilities().receipts.closes {
        return by_hand(format!("{} has no request for a closing receipt.", bank.title()));
    }
    if !payment.refunded().is_zero() {
        let title = bank.title();
        return by_hand(format!("{title} closes only a payment of which nothing went back."));
    }
    let receipt = closing.map_err(CloseProblem::Receipt)?;
    let op = closing_op(payment, receipt.clone());
    match bank.start(&connection.credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) => Err(CloseProblem::Bank(refusal)),
        Step::Done(_) | Step::Send(_) => Ok(receipt),
    }
}

/// The lines for whoever makes the receipt; nothing where refunds of the bank's cabinet, whose
/// lines nobody told us, make them unknown.
fn lines_of(payment: &Payment, receipt: &Receipt) -> String {
    let total = receipt.total().unwrap_or_default();
    if payment.facts.paid.minus_or_zero(payment.refunded()) != total {
        return String::new();
    }
    let line = |line: &Line| {
        let (name, vat) = (&line.name, line.vat.as_str());
        let (quantity, price) = (quantity_text(line.quantity_milli), line.price.to_rubles());
        format!("«{name}» {quantity} × {price}, {vat}")
    };
    let lines: Vec<String> = receipt.lines.iter().map(line).collect();
    format!("{}; full_payment, {} by the advance", lines.join("; "), total.to_rubles())
}

/// The first receipt without what went back of it.
fn what_stays(
    payment: &Payment,
    first: &Receipt,
    known: &[Record],
) -> Result<Receipt, CloseProblem> {
    let is_refund = |record: &Record| record.kind == Kind::Refund && is_live(payment, record);
    if !known.iter().any(is_refund) {
        return Ok(first.clone());
    }
    let books = |problem: &dyn std::fmt::Display| CloseProblem::Books(problem.to_string());
    let left = left_of(payment, first, known).map_err(|e| books(&e))?;
    let sum = kopeck_banks::Money::checked_sum(left.iter().map(|left| left.sum));
    let share = Return::Share(sum.unwrap_or_default());
    refund(first, &left, share, None).map(|rest| rest.receipt).map_err(|e| books(&e))
}

fn closing_op(payment: &Payment, receipt: Receipt) -> BankOp {
    let bank_id = payment.facts.bank_id.clone().unwrap_or_default();
    BankOp::Terminal(TerminalOp::ClosingReceipt { bank_id, receipt })
}

/// What the job's run is for.
enum Run {
    Send,
    /// An earlier run died after it asked.
    Lost,
    Remind,
}

/// The receipt's job: sends a closing receipt, sends it anew when its time has come, or reminds of
/// what is due.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let (id, inner) = (job.subject.clone(), ctx.clone());
    let found: Result<Option<(Record, Payment, Run)>, DbError> = ctx
        .db
        .write(move |tx| {
            let Some((mut record, payment)) = lock(tx, &id)? else { return Ok(None) };
            let is_failed = record.state == State::Failed;
            let is_again =
                is_failed && record.retry_ms.is_some_and(|at_ms| at_ms <= inner.now_ms());
            let is_fresh = is_to_send(&record) && record.asked_ms.is_none();
            if (is_again || is_fresh) && went_back(&payment) {
                let now_ms = inner.now_ms();
                let next = failed(record.clone(), BY_HAND, WENT_BACK.to_owned(), now_ms, false);
                record = save(tx, &inner, &payment, Some(&record), next)?;
                return Ok(Some((record, payment, Run::Remind)));
            }
            let record_before = record.clone();
            if is_again || is_fresh {
                record = of_today(tx, &inner, &payment, record)?;
                let today = moscow_day(inner.now_ms());
                if body_of(&record).is_some_and(|it| find_wrong_day(&it, today).is_some()) {
                    let now_ms = inner.now_ms();
                    let next = failed(record, WRONG_DAY, OTHER_DAY.to_owned(), now_ms, false);
                    record = save(tx, &inner, &payment, Some(&record_before), next)?;
                    return Ok(Some((record, payment, Run::Remind)));
                }
            }
            if is_again {
                let failure = record.failure.as_ref();
                let why = failure.map_or("", |failure| failure.message.as_str());
                let next = again(record.clone(), format!("By itself, after: {why}"));
                record = save(tx, &inner, &payment, Some(&record_before), next)?;
            }
            if !is_to_send(&record) {
                return Ok(Some((record, payment, Run::Remind)));
            }
            if record.asked_ms.is_some() {
                return Ok(Some((record, payment, Run::Lost)));
            }
            // Saved before the request leaves: a run that died leaves "perhaps sent".
            let asks = record.asks.saturating_add(1);
            let record = Record { asked_ms: Some(inner.now_ms()), asks, ..record };
            rows::upsert(tx, &record)?;
            Ok(Some((record, payment, Run::Send)))
        })
        .await;
    let Some((record, payment, run)) = found? else { return Ok(After::Done) };
    match run {
        Run::Send => send(ctx, record, payment).await,
        Run::Lost => settle(ctx, record, Sent::Unknown, vec![]).await,
        Run::Remind => remind(ctx, record).await,
    }
}

fn body_of(record: &Record) -> Option<Receipt> {
    form::parse_any(record.body.as_deref()?).ok()
}

/// The closing as it is made today: it may have been asked for on a day of other rates. Goods that
/// the shop named itself keep the rates that it named.
pub(super) fn of_today(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    record: Record,
) -> Result<Record, DbError> {
    let known = rows::list_of_payment(tx, &payment.id)?;
    let plan = receipts::flow::read_defaults(tx, &payment.shop_id)?.map(|shop| shop.vat);
    let Some((before, (_, first))) = body_of(&record).zip(first_receipt(&known)) else {
        return Ok(record);
    };
    let at = |ms: i64| {
        let days = Days { sold: moscow_day(payment.created_ms), delivered: moscow_day(ms) };
        close(&first, None, plan.as_ref(), days).ok()
    };
    let is_ours = |ms: i64| at(ms).is_some_and(|ours| ours.lines == before.lines);
    let is_ours = is_ours(record.created_ms) || is_ours(record.changed_ms);
    let now = at(ctx.now_ms()).filter(|_| is_ours);
    Ok(now.map_or(record.clone(), |now| Record { body: Some(write(&now)), ..record }))
}

const WRONG_DAY: &str = "receipt_vat_date_mismatch";
const OTHER_DAY: &str = "Its VAT is of another day than today: close the payment again, with what \
                         was delivered at the rates of today";
const BY_HAND: &str = "receipt_by_hand";
const WENT_BACK: &str = "A refund was asked for since, so that its lines are no more what is \
                         delivered: make the closing receipt of the rest at your cash register";

/// Whether the closing that waits says more than what stays.
fn went_back(payment: &Payment) -> bool {
    let is_pending = payment.refunds.iter().any(|refund| refund.state.is_pending());
    is_pending || !payment.refunded().is_zero()
}

/// The receipt and its payment, as they are now that the payment is locked: the cash register's
/// word and a person's change the same row.
fn lock(tx: &mut dyn Tx, id: &str) -> Result<Option<(Record, Payment)>, DbError> {
    let Some(record) = rows::find(tx, id)? else { return Ok(None) };
    let payment = store::lock_payment(tx, &record.shop_id, &record.payment_id)?;
    Ok(rows::find(tx, id)?.zip(payment))
}

fn is_to_send(record: &Record) -> bool {
    record.kind == Kind::Closing && record.state == State::Queued
}

/// When the job has something to do about the receipt again.
fn rest(record: &Record, now_ms: i64) -> After {
    let reminder_ms = record.due_ms().map(|due_ms| reminder_at(due_ms, record.reminders));
    let late_ms = record.expected_ms.filter(|at_ms| *at_ms > now_ms);
    match [record.retry_ms, reminder_ms, late_ms].into_iter().flatten().min() {
        Some(at_ms) => After::At(at_ms),
        None => After::Done,
    }
}

/// How the request went.
enum Sent {
    Taken,
    Refused(Refusal),
    /// It never left.
    Kept,
    Unknown,
}

async fn send(ctx: &Ctx, record: Record, payment: Payment) -> anyhow::Result<After> {
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
    let body = record.body.as_deref().unwrap_or_default();
    let receipt = receipts::request::parse_receipt(body)
        .map_err(|e| anyhow::anyhow!("stored receipt: {}", e.message))?;
    let op = closing_op(&payment, receipt);
    let Told { outcome, exchanges } = gateway::flow::ask(ctx, &connection, &op).await?;
    let sent = match outcome {
        Outcome::Done(_) => Sent::Taken,
        Outcome::Refused(refusal) => Sent::Refused(refusal),
        Outcome::Busy { .. } | Outcome::NotSent { .. } => Sent::Kept,
        Outcome::Unknown { .. } => Sent::Unknown,
    };
    settle(ctx, record, sent, exchanges).await
}

/// Saves how it went. Silence is not "failed", and nothing asks a bank about a receipt: a person
/// looks, and says so.
async fn settle(
    ctx: &Ctx,
    seen: Record,
    sent: Sent,
    exchanges: Vec<gateway::store::Exchange>,
) -> anyhow::Result<After> {
    let inner = ctx.clone();
    let after: Result<After, DbError> = ctx
        .db
        .write(move |tx| {
            let locked = lock(tx, &seen.id)?;
            exchanges.iter().try_for_each(|it| insert_exchange(tx, it, Some(&seen.payment_id)))?;
            let Some((record, payment)) = locked else { return Ok(After::Done) };
            let now_ms = inner.now_ms();
            if matches!(sent, Sent::Kept) && is_to_send(&record) {
                let kept = give_reminder(tx, &inner, &payment, kept(record, now_ms))?;
                rows::upsert(tx, &kept)?;
                return Ok(After::At(now_ms + TRY_AGAIN_MS));
            }
            let next = after_asking(&record, sent, now_ms);
            let saved = save(tx, &inner, &payment, Some(&record), next)?;
            Ok(rest(&saved, now_ms))
        })
        .await;
    Ok(after?)
}

/// The request never left and is tried again; before long a person is told that it waits.
fn kept(record: Record, now_ms: i64) -> Record {
    let reminders = if record.look_ms.is_some() { record.reminders } else { 0 };
    let look_ms = record.look_ms.or(Some(now_ms + UNSENT_AFTER_MS));
    let asks = record.asks.saturating_sub(1);
    Record { asked_ms: None, asks, look_ms, reminders, ..record }
}

/// What the receipt is now; the cash register's word or a person's may have come first.
fn after_asking(record: &Record, sent: Sent, now_ms: i64) -> Record {
    let state = step(record.state, News::Moved);
    let is_open = state == State::Sent;
    match sent {
        Sent::Taken if is_open => Record { state, note: None, look_ms: None, ..record.clone() },
        Sent::Unknown if is_open => {
            let look_ms = Some(now_ms + LOST_AFTER_MS);
            Record { state, look_ms, note: Some(UNKNOWN.to_owned()), ..record.clone() }
        }
        Sent::Refused(refusal) if record.state != State::Registered => {
            // A payment may be on its way from one state to another; nothing else passes.
            let may_pass = refusal.class == RefusalClass::Conflict;
            let Refusal { code, message, hint, .. } = refusal;
            let next = failed(record.clone(), code, message.clone(), now_ms, may_pass);
            let failure = Failure { code: code.to_owned(), message, hint };
            Record { failure: Some(failure), ..next }
        }
        Sent::Taken | Sent::Unknown | Sent::Refused(_) | Sent::Kept => record.clone(),
    }
}

const UNKNOWN: &str = "The bank did not answer, so it is not known whether the receipt is made, \
                       and it is not sent again. The bank's notice may still tell; else look at \
                       the cash register, then settle it or close again with `again`";

/// Announces that a person has to do something, when its time has come, and again at each further
/// reminder until it is done.
async fn remind(ctx: &Ctx, record: Record) -> anyhow::Result<After> {
    let inner = ctx.clone();
    let told: Result<After, DbError> = ctx
        .db
        .write(move |tx| {
            // It may have been settled, or tried again, since it was read.
            let Some((record, payment)) = lock(tx, &record.id)? else { return Ok(After::Done) };
            Ok(rest(&give_reminder(tx, &inner, &payment, record)?, inner.now_ms()))
        })
        .await;
    Ok(told?)
}

fn give_reminder(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    record: Record,
) -> Result<Record, DbError> {
    let (due_ms, now_ms) = (record.due_ms(), ctx.now_ms());
    if record.is_late(now_ms) {
        // Told once: the same words again are no event.
        let nth = record.expected_ms.unwrap_or_default().to_string();
        announce_receipt(tx, ctx, payment, EventKind::ReceiptLate, (&record.id, &nth))?;
    }
    let is_time = |due_ms: &i64| reminder_at(*due_ms, record.reminders) <= now_ms;
    let Some(due_ms) = due_ms.filter(is_time) else { return Ok(record) };
    let next = Record { reminders: reminders_by(due_ms, record.reminders, now_ms), ..record };
    rows::upsert(tx, &next)?;
    let id = next.id.as_str();
    let todo = find_todo(&next).map_or("", |todo| todo.code);
    tracing::warn!(receipt_id = id, todo, "somebody has to do something about a receipt");
    // Each thing that becomes due has reminders of its own.
    let nth = format!("{due_ms} {}", next.reminders);
    announce_receipt(tx, ctx, payment, EventKind::ReceiptDue, (id, &nth))?;
    Ok(next)
}

/// Sends the closing receipt now, unless somebody is at it: for a command that wants to hear what
/// the bank says.
pub async fn drive_now(ctx: &Ctx, receipt_id: &str) -> anyhow::Result<Option<Record>> {
    let (inner, id) = (ctx.clone(), receipt_id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, JOB, &id, inner.now_ms())).await;
    if let Some(job) = claimed? {
        let after = drive(ctx, &job).await?;
        let now_ms = ctx.now_ms();
        let done: Result<(), DbError> =
            ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await;
        done?;
    }
    let id = receipt_id.to_owned();
    let found: Result<Option<Record>, DbError> = ctx.db.read(move |tx| rows::find(tx, &id)).await;
    Ok(found?)
}

#[cfg(test)]
mod tests {
    use kopeck_banks::Money;

    use super::*;

    #[test]
    fn a_word_that_came_before_the_banks_answer_stays() {
        let of = ["shop_1", "pay_1", "tbank"];
        let new = Record::new("rcp_1".into(), of, Kind::Closing, Money::ZERO);
        for state in [State::Failed, State::Registered] {
            let told = Record { state, look_ms: Some(5), ..new.clone() };
            assert_eq!(after_asking(&told, Sent::Unknown, 9), told);
            assert_eq!(after_asking(&told, Sent::Taken, 9), told);
        }
        let asked = Record { state: State::Queued, ..new };
        let lost = after_asking(&asked, Sent::Unknown, 9);
        assert_eq!((lost.state, lost.look_ms), (State::Sent, Some(9 + LOST_AFTER_MS)));
        // The answer of a run that was taken for dead came after all.
        let taken = after_asking(&lost, Sent::Taken, 9);
        assert_eq!((taken.state, taken.look_ms, taken.note), (State::Sent, None, None));
    }
}
