//! Driving a payment: read what is stored, take the next step, do it; again until there is nothing
//! to do now. This is also the recovery: after a crash the next run reads the same rows.
//!
//! Before the attempt its intent is saved; after the attempt nothing is rolled back, the bank is
//! asked. One driver per payment at a time holds by the job's lease.

mod hold;
mod open;
mod refund;

use kopeck_banks::{
    bank::Bank,
    op::{Answer, BankOp, Observation, Outcome},
};

use super::{
    flow,
    model::{Payment, Status},
    schedule::{Step, next_step},
    state::Event,
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
        clock::{MINUTE_MS, SECOND_MS},
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
/// The longest that one request may take; no request starts when the lease ends sooner.
const REQUEST_MAX_MS: i64 = 35 * SECOND_MS;
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
    /// No answer, or no such payment there; it was noted that we asked.
    Nothing,
}

/// Moves the payment on as far as it goes now. No request starts after `until_ms`, when the lease
/// may pass to somebody else.
pub async fn drive(ctx: &Ctx, payment_id: &str, until_ms: i64) -> anyhow::Result<After> {
    let id = payment_id.to_owned();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_payment_by_id(tx, &id)).await;
    let Some(mut payment) = found? else { return Ok(After::Done) };
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
    let driver = Driver { ctx, connection: &connection, bank: get_bank(&payment.bank)? };
    for _ in 0..MAX_STEPS {
        let grace = driver.bank.capabilities().grace_minutes;
        let step = next_step(&payment, grace, ctx.now_ms());
        match step {
            Step::Wait { until_ms } => return Ok(After::At(until_ms)),
            Step::Rest => return Ok(After::Done),
            Step::Open
            | Step::LookUp
            | Step::Ask
            | Step::Capture
            | Step::Void
            | Step::SendRefund { .. }
            | Step::SettleRefund { .. }
            | Step::Lapse => {}
        }
        if ctx.now_ms() + REQUEST_MAX_MS > until_ms {
            break;
        }
        match driver.take(payment, step).await? {
            Stepped::On(next) => payment = *next,
            Stepped::Pause { until_ms } => return Ok(After::At(until_ms)),
        }
    }
    Ok(After::At(ctx.now_ms()))
}

/// Drives one payment now and confirms its job, unless somebody is at it (`false`): for a request
/// that wants to hear what the bank says before it answers.
pub async fn drive_now(ctx: &Ctx, payment_id: &str) -> Result<bool, DbError> {
    let (inner, id) = (ctx.clone(), payment_id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, flow::JOB, &id, inner.now_ms())).await;
    let Some(job) = claimed? else { return Ok(false) };
    let after = drive(ctx, payment_id, job.lease_until_ms).await.unwrap_or_else(|error| {
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
}

impl Driver<'_> {
    async fn take(&self, payment: Payment, step: Step) -> anyhow::Result<Stepped> {
        match step {
            Step::Open => self.open(payment).await,
            Step::LookUp => self.look_up(payment, false).await,
            Step::Ask => Ok(match self.look(&payment).await? {
                Look::Seen(next, _) => Stepped::On(next),
                Look::Nothing => self.pause(MINUTE_MS),
            }),
            Step::Capture => self.capture(payment).await,
            Step::Void => self.void(payment).await,
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

    /// Until the next look while the bank is busy with a refund: seconds for SBP, days for some
    /// cards, so the gap grows with the time that it took so far.
    fn running_wait_ms(&self, since_ms: i64) -> i64 {
        ((self.ctx.now_ms() - since_ms) / 4).clamp(TRY_AGAIN_MS, RUNNING_MAX_MS)
    }

    async fn ask(&self, op: &BankOp) -> anyhow::Result<Told> {
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
        let Some(bank_id) = payment.facts.bank_id.clone() else { return Ok(Look::Nothing) };
        let Told { outcome, exchanges } = self.ask(&BankOp::GetPayment { bank_id }).await?;
        if let Outcome::Done(Answer::Payment(seen)) = outcome {
            let event = Event::Observed(seen.clone());
            let next = flow::record(self.ctx, payment, vec![event], exchanges, true).await?;
            return Ok(Look::Seen(Box::new(next), seen));
        }
        flow::record(self.ctx, payment, vec![], exchanges, true).await?;
        Ok(Look::Nothing)
    }

    /// The link's time is over. What the bank says last decides; if it still says "unpaid", the
    /// link is dead by the bank's own rules.
    async fn lapse(&self, payment: Payment) -> anyhow::Result<Stepped> {
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Open => {
                Ok(Stepped::On(Box::new(self.record(&next, vec![Event::Lapsed], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::Nothing => Ok(self.pause(5 * MINUTE_MS)),
        }
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
