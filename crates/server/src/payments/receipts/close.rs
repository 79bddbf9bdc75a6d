//! The closing receipt of a prepayment: asked for once, sent by a job, never sent again on a guess.

use kopeck_banks::{
    bank::Step,
    op::{BankOp, Outcome, Refusal, TerminalOp},
    receipt::{
        Line, Receipt,
        closing::{ClosingProblem, close},
        refund::{Return, refund},
        vat::VatPlan,
    },
};

use super::{JOB, first_receipt, mirror::left_of, save, settle_due};
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
        db::DbError,
        jobs::{self, After, Job},
    },
    payments::{flow::announce, model::Payment, store},
    receipts::{
        self,
        check::moscow_day,
        form::write,
        model::{Failure, Kind, News, Record, State, step},
        store as rows,
    },
    shops::{self, model::Connection},
};

/// After a bank that is busy or out of reach.
const TRY_AGAIN_MS: i64 = 30 * SECOND_MS;

/// How a bank says that it has no such request.
const NO_SUCH_OPERATION: &str = "operation_unsupported";

/// Why nothing is closed.
#[derive(Debug)]
pub enum CloseProblem {
    NoSuchPayment,
    /// Nothing is paid yet, or it had no receipt.
    NothingPaid,
    /// The bank has no such request: a person makes it.
    ByHand {
        bank: &'static str,
    },
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
    /// After a look at the cash register: the one whose answer was lost was not made.
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
            let is_lost = |record: &Record| record.state == State::Sent && asked.again;
            if let Some(earlier) =
                earlier.filter(|record| record.state != State::Failed && !is_lost(record))
            {
                return Ok(earlier.clone());
            }
            let body = compose(&inner, &payment, &connection, &known, &asked, plan.as_ref())?;
            settle_due(tx, &inner, &payment, &known)?;
            let amount = body.total().unwrap_or_default();
            let id = inner.mint.id("rcp");
            let new = Record::new(id, &payment.shop_id, &payment.id, Kind::Closing, amount);
            let state = State::Queued;
            let record = Record { state, body: Some(write(&body)), ..new };
            let record = save(tx, &inner, &payment, None, record)?;
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
    let rest = what_stays(&first, known)?;
    let day = moscow_day(ctx.now_ms());
    let closing = close(&rest, asked.delivered.as_deref(), plan, day);
    let receipt = closing.map_err(CloseProblem::Receipt)?;
    let bank = get_bank(&payment.bank).map_err(CloseProblem::Internal)?;
    let op = closing_op(payment, receipt.clone());
    match bank.start(&connection.credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) if refusal.code == NO_SUCH_OPERATION => {
            Err(CloseProblem::ByHand { bank: bank.title() })
        }
        Step::Done(Outcome::Refused(refusal)) => Err(CloseProblem::Bank(refusal)),
        Step::Done(_) | Step::Send(_) => Ok(receipt),
    }
}

/// The first receipt without what went back of it.
fn what_stays(first: &Receipt, known: &[Record]) -> Result<Receipt, CloseProblem> {
    let is_refund = |record: &Record| record.kind == Kind::Refund && record.state != State::None;
    if !known.iter().any(is_refund) {
        return Ok(first.clone());
    }
    let books = |problem: &dyn std::fmt::Display| CloseProblem::Books(problem.to_string());
    let left = left_of(first, known).map_err(|e| books(&e))?;
    let sum = kopeck_banks::Money::checked_sum(left.iter().map(|left| left.sum));
    let share = Return::Share(sum.unwrap_or_default());
    refund(first, &left, share, None).map(|rest| rest.receipt).map_err(|e| books(&e))
}

fn closing_op(payment: &Payment, receipt: Receipt) -> BankOp {
    let bank_id = payment.facts.bank_id.clone().unwrap_or_default();
    BankOp::Terminal(TerminalOp::ClosingReceipt { bank_id, receipt })
}

/// The receipt's job: sends a closing receipt, or reminds of what is due.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let (id, inner) = (job.subject.clone(), ctx.clone());
    let found: Result<Option<(Record, Payment)>, DbError> = ctx
        .db
        .write(move |tx| {
            let Some(record) = rows::find(tx, &id)? else { return Ok(None) };
            let payment = store::lock_payment(tx, &record.shop_id, &record.payment_id)?;
            let Some(payment) = payment else { return Ok(None) };
            // Saved before the request leaves: a run that died leaves "perhaps sent".
            let is_first = record.asked_ms.is_none() && is_to_send(&record);
            if is_first {
                let asked_ms = Some(inner.now_ms());
                rows::upsert(tx, &Record { asked_ms, ..record.clone() })?;
            }
            Ok(Some((record, payment)))
        })
        .await;
    let Some((record, payment)) = found? else { return Ok(After::Done) };
    match (is_to_send(&record), record.asked_ms) {
        (true, None) => send(ctx, record, payment).await,
        (true, Some(_)) => settle(ctx, record, payment, Sent::Unknown, vec![]).await,
        (false, _) => remind(ctx, record, payment).await,
    }
}

fn is_to_send(record: &Record) -> bool {
    record.kind == Kind::Closing && record.state == State::Queued
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
    settle(ctx, record, payment, sent, exchanges).await
}

/// Saves how it went. Silence is not "failed", and nothing asks a bank about a receipt: a person
/// looks, and says so.
async fn settle(
    ctx: &Ctx,
    seen: Record,
    payment: Payment,
    sent: Sent,
    exchanges: Vec<gateway::store::Exchange>,
) -> anyhow::Result<After> {
    let inner = ctx.clone();
    let after: Result<After, DbError> = ctx
        .db
        .write(move |tx| {
            exchanges.iter().try_for_each(|it| insert_exchange(tx, it, Some(&payment.id)))?;
            let Some(record) = rows::find(tx, &seen.id)? else { return Ok(After::Done) };
            let (state, failure, note) = match sent {
                // The cash register's word may have come first.
                Sent::Taken => (step(record.state, News::Moved), None, None),
                Sent::Unknown => (step(record.state, News::Moved), None, Some(UNKNOWN.to_owned())),
                Sent::Refused(refusal) => {
                    let Refusal { code, message, hint, .. } = refusal;
                    let failure = Failure { code: code.to_owned(), message, hint };
                    (step(record.state, News::Failed), Some(failure), None)
                }
                Sent::Kept => {
                    rows::upsert(tx, &Record { asked_ms: None, ..record })?;
                    return Ok(After::At(inner.now_ms() + TRY_AGAIN_MS));
                }
            };
            let due_ms = (state == State::Failed).then(|| inner.now_ms());
            let next = Record { state, failure, note, due_ms, ..record.clone() };
            save(tx, &inner, &payment, Some(&record), next)?;
            Ok(After::Done)
        })
        .await;
    Ok(after?)
}

const UNKNOWN: &str = "The bank did not answer, so it is not known whether the receipt is made, \
                       and it is not sent again. The bank's notice may still tell; else look at \
                       the cash register, then note it or close again with `again`";

/// Announces, once, that a person has to do something, when its time has come.
async fn remind(ctx: &Ctx, record: Record, payment: Payment) -> anyhow::Result<After> {
    let Some(due_ms) = record.due_ms else { return Ok(After::Done) };
    if due_ms > ctx.now_ms() {
        return Ok(After::At(due_ms));
    }
    let inner = ctx.clone();
    let told: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let (kind, id) = (EventKind::ReceiptDue, record.id.as_str());
            tracing::warn!(receipt_id = id, "somebody has to make a receipt: {id}");
            announce(tx, &inner, &payment, kind, Some(id))
        })
        .await;
    told?;
    Ok(After::Done)
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
