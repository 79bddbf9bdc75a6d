//! Driving a payment: read what is stored, take the next step, do it; again until there is nothing
//! to do now. This is also the recovery: after a crash the next run reads the same rows.
//!
//! Before the attempt its intent is saved; after the attempt nothing is rolled back, the bank is
//! asked. One driver per payment at a time holds by the job's lease.

mod charge;
mod code;
mod elsewhere;
mod hold;
mod kept;
mod open;
mod refund;

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::ensure;
use kopeck_banks::{
    bank::Bank,
    op::{Answer, BankOp, Observation, Outcome, Refusal, RefusalClass},
};

use super::{
    flow,
    model::{Failure, Payment, Status},
    schedule::{self, Step, next_step},
    state::{self, Event},
    store,
};
use crate::{
    gateway::{
        self,
        flow::{Told, get_bank},
        store::Exchange,
    },
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS, SECOND_MS},
        db::DbError,
        jobs::{self, After, Job},
    },
    shops::{self, model::Connection},
};

/// Steps of one run. A run that needs more goes on in the next one.
const MAX_STEPS: usize = 12;
/// After a bank that is busy or out of reach.
const TRY_AGAIN_MS: i64 = 5 * SECOND_MS;
/// The longest wait while the bank is busy with a refund.
const RUNNING_MAX_MS: i64 = 30 * MINUTE_MS;
/// The longest that one request may take; none starts while the lease may end before its answer.
const REQUEST_MAX_MS: i64 = 35 * SECOND_MS;
/// While the bank does not accept our key: a person has to act.
const KEY_WAIT_MS: i64 = 5 * MINUTE_MS;
/// How long a refund that was never sent waits for a list of refunds that can be read.
const LIST_WAIT_MS: i64 = DAY_MS;
/// In place of a reply that told nothing new: most looks, and the journal must not fill with them.
pub const NOTHING_NEW: &str = "(nothing new)";
/// Pages of a day's list that a look-up reads: a hundred thousand payments.
const LOOKUP_MAX_PAGES: u32 = 100;

/// What one step came to.
enum Stepped {
    /// Go on with the payment as it is now.
    On(Box<Payment>),
    /// Nothing more can be done before then.
    Pause { until_ms: i64 },
}

/// What a look at the bank brought.
enum Look {
    Seen(Box<Payment>, Observation),
    /// The bank does not accept our key.
    KeyRefused(Refusal),
    /// No answer, or no such payment there; it was noted that we asked.
    Nothing,
}

/// Moves the job's payment on as far as it goes now. The lease is renewed before a request that
/// could outlast it, so that nobody else drives the payment meanwhile.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let mut steps = MAX_STEPS;
    while steps > 0 {
        if let Some(after) = drive_here(ctx, job, &mut steps).await? {
            return Ok(after);
        }
    }
    Ok(After::At(ctx.now_ms()))
}

/// Drives the payment as long as it stays at its bank; `None` when it went on to another one.
async fn drive_here(ctx: &Ctx, job: &Job, steps: &mut usize) -> anyhow::Result<Option<After>> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_payment_by_id(tx, &id)).await;
    let Some(mut payment) = found? else { return Ok(Some(After::Done)) };
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
    let driver = Driver {
        ctx,
        connection: &connection,
        bank: get_bank(&payment.bank)?,
        job,
        until_ms: AtomicI64::new(job.lease_until_ms),
    };
    while *steps > 0 {
        *steps -= 1;
        if payment.id != job.subject || payment.connection_id != connection.id {
            return Ok(None);
        }
        let grace = driver.bank.capabilities().grace_minutes;
        let step = next_step(&payment, grace, ctx.now_ms());
        match step {
            Step::Wait { until_ms } => return Ok(Some(After::At(until_ms))),
            Step::Rest => return Ok(Some(After::Done)),
            Step::Open
            | Step::LookUp
            | Step::Ask
            | Step::FetchQr
            | Step::Charge
            | Step::Capture
            | Step::Void
            | Step::Move
            | Step::Close
            | Step::SendRefund { .. }
            | Step::SettleRefund { .. }
            | Step::Lapse => {}
        }
        match driver.take(payment, step).await? {
            Stepped::On(next) => payment = *next,
            Stepped::Pause { until_ms } => return Ok(Some(After::At(until_ms))),
        }
    }
    Ok(Some(After::At(ctx.now_ms())))
}

/// Drives one payment now and confirms its job, unless somebody is at it (`false`): for a request
/// that wants to hear what the bank says before it answers.
pub async fn drive_now(ctx: &Ctx, payment_id: &str) -> Result<bool, DbError> {
    let (inner, id) = (ctx.clone(), payment_id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, flow::JOB, &id, inner.now_ms())).await;
    let Some(job) = claimed? else { return Ok(false) };
    let after = drive(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(payment_id, "driving failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + TRY_AGAIN_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await;
    saved.map(|()| true)
}

struct Driver<'a> {
    ctx: &'a Ctx,
    connection: &'a Connection,
    bank: &'static dyn Bank,
    job: &'a Job,
    /// When the job's lease ends.
    until_ms: AtomicI64,
}

impl Driver<'_> {
    async fn take(&self, payment: Payment, step: Step) -> anyhow::Result<Stepped> {
        match step {
            Step::Open => self.open(payment).await,
            Step::LookUp => self.look_up(payment, false).await,
            Step::Ask => Ok(match self.look(&payment).await? {
                Look::Seen(next, _) => Stepped::On(next),
                Look::KeyRefused(_) => self.pause(KEY_WAIT_MS),
                Look::Nothing => self.pause(MINUTE_MS),
            }),
            Step::FetchQr => self.fetch_qr(payment).await,
            Step::Charge => self.charge(payment).await,
            Step::Capture => self.capture(payment).await,
            Step::Void => self.void(payment).await,
            Step::Move => self.move_on(payment).await,
            Step::Close => self.close(payment).await,
            Step::SendRefund { id } => self.send_refund(payment, id).await,
            Step::SettleRefund { id } => self.settle_refund(payment, id).await,
            Step::Lapse => self.lapse(payment).await,
            Step::Wait { until_ms } => Ok(Stepped::Pause { until_ms }),
            Step::Rest => Ok(self.pause(MINUTE_MS)),
        }
    }

    fn pause(&self, ms: i64) -> Stepped {
        Stepped::Pause { until_ms: self.ctx.now_ms() + ms }
    }

    /// Until the next look while the bank is busy with something (a refund takes seconds by SBP and
    /// days by some cards) or out of reach: the gap grows with the time that it took so far.
    fn running_wait_ms(&self, since_ms: i64) -> i64 {
        ((self.ctx.now_ms() - since_ms) / 4).clamp(TRY_AGAIN_MS, RUNNING_MAX_MS)
    }

    async fn ask(&self, op: &BankOp) -> anyhow::Result<Told> {
        let now_ms = self.ctx.now_ms();
        if now_ms + REQUEST_MAX_MS > self.until_ms.load(Ordering::Relaxed) {
            let job = self.job.clone();
            let renewed: Result<bool, DbError> =
                self.ctx.db.write(move |tx| jobs::renew(tx, &job, now_ms)).await;
            ensure!(renewed?, "the lease passed to somebody else");
            self.until_ms.store(now_ms + jobs::LEASE_MS, Ordering::Relaxed);
        }
        gateway::flow::ask(self.ctx, self.connection, op).await
    }

    async fn record(
        &self,
        payment: &Payment,
        events: Vec<Event>,
        exchanges: Vec<Exchange>,
    ) -> anyhow::Result<Payment> {
        flow::record(self.ctx, payment, events, exchanges, false).await
    }

    /// Reads the payment at the bank and joins what it says.
    async fn look(&self, payment: &Payment) -> anyhow::Result<Look> {
        if payment.is_kept_charge() {
            return self.look_at_operation(payment).await;
        }
        let Some(bank_id) = payment.facts.bank_id.clone() else { return Ok(Look::Nothing) };
        let Told { outcome, mut exchanges } = if payment.is_code() {
            self.look_at_codes(payment, bank_id).await?
        } else {
            self.ask(&BankOp::GetPayment { bank_id }).await?
        };
        if let Outcome::Done(Answer::Payment(mut seen)) = outcome {
            if seen.status.is_none() && payment.is_code() && payment.facts.paid.is_zero() {
                let Some(listed) = self.look_in_list(payment, seen, &mut exchanges).await? else {
                    flow::record(self.ctx, payment, vec![], exchanges, true).await?;
                    return Ok(Look::Nothing);
                };
                seen = listed;
            }
            let event = Event::Observed(seen.clone());
            let applied = state::apply(payment, &event);
            if applied.is_ok_and(|applied| applied.next == *payment) {
                exchanges.iter_mut().for_each(|exchange| exchange.reply = NOTHING_NEW.to_owned());
            }
            let next = flow::record(self.ctx, payment, vec![event], exchanges, true).await?;
            return Ok(Look::Seen(Box::new(next), seen));
        }
        flow::record(self.ctx, payment, vec![], exchanges, true).await?;
        Ok(unseen(outcome))
    }

    /// The link's time is over. What the bank says last decides; if it still says "unpaid", the
    /// link is dead by the bank's own rules.
    async fn lapse(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let is_unsent = payment.intents.charge_asked_ms.is_none();
        if payment.is_kept_charge() && is_unsent {
            let event = Event::Lapsed;
            return Ok(Stepped::On(Box::new(self.record(&payment, vec![event], vec![]).await?)));
        }
        if payment.facts.bank_id.is_none() && !payment.is_kept_charge() {
            let event = Event::OpenRefused(never_opened());
            return Ok(Stepped::On(Box::new(self.record(&payment, vec![event], vec![]).await?)));
        }
        match self.look(&payment).await? {
            Look::Seen(next, seen) if next.status() == Status::Open => {
                let end_ms = next.link_end_ms();
                if !schedule::may_lapse(seen.status, self.ctx.now_ms() - end_ms) {
                    return Ok(self.pause(self.running_wait_ms(end_ms)));
                }
                Ok(Stepped::On(Box::new(self.record(&next, vec![Event::Lapsed], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::KeyRefused(_) | Look::Nothing => Ok(self.pause(KEY_WAIT_MS)),
        }
    }
}

/// A look that showed no payment.
fn unseen(outcome: Outcome) -> Look {
    match outcome {
        Outcome::Refused(refusal) if refusal.class == RefusalClass::Credentials => {
            Look::KeyRefused(refusal)
        }
        Outcome::Refused(_)
        | Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => Look::Nothing,
    }
}

fn never_opened() -> Failure {
    Failure {
        code: "bank_unavailable".into(),
        message: "The bank could not be reached before the payment's time was over".into(),
        hint: "Nothing exists at the bank; make the payment again".into(),
    }
}

fn wait_ms(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Busy { retry_after_s: Some(seconds) } => {
            i64::from(*seconds).clamp(1, 300) * SECOND_MS
        }
        Outcome::Busy { retry_after_s: None }
        | Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => TRY_AGAIN_MS,
    }
}
