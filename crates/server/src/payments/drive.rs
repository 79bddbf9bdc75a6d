//! Driving a payment: read what is stored, take the next step, do it; again until there is nothing
//! to do now. This is also the recovery: after a crash the next run reads the same rows.
//!
//! Before the attempt its intent is saved; after the attempt nothing is rolled back, the bank is
//! asked. One driver per payment at a time holds by the job's lease.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::ensure;
use kopeck_banks::{
    bank::Bank,
    op::{Answer, BankOp, BankStatus, Observation, Outcome, Refusal, RefusalClass},
};

use super::{
    flow,
    model::{Failure, Payment, RefundState, Status},
    schedule::{Step, backoff_ms, next_step},
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
        clock::{DAY_MS, MINUTE_MS, SECOND_MS, timestamp},
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
const NOTHING_NEW: &str = "(nothing new)";
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
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_payment_by_id(tx, &id)).await;
    let Some(mut payment) = found? else { return Ok(After::Done) };
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
    let driver = Driver {
        ctx,
        connection: &connection,
        bank: get_bank(&payment.bank)?,
        job,
        until_ms: AtomicI64::new(job.lease_until_ms),
    };
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
            | Step::SendRefund { .. }
            | Step::SettleRefund { .. }
            | Step::Lapse => {}
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
            Step::Capture => self.capture(payment).await,
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

    /// Makes the link. Its reference is unique at the bank, so even a request sent twice makes one.
    async fn open(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let op = flow::create_op(&payment, &self.ctx.public_url)?;
        let asked = Event::OpenAsked { at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let event = match outcome {
            Outcome::Done(Answer::Link { bank_id, url }) => Event::Observed(Observation {
                bank_id: Some(bank_id),
                url: Some(url),
                ..Observation::default()
            }),
            Outcome::Done(Answer::Payment(seen)) => Event::Observed(seen),
            Outcome::Refused(refusal) if refusal.class == RefusalClass::Duplicate => {
                self.record(&payment, vec![], exchanges).await?;
                return self.look_up(payment, true).await;
            }
            Outcome::Refused(refusal) => Event::OpenRefused(Failure::from(&refusal)),
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                let wait_ms = wait_ms(&outcome).max(backoff_ms(payment.intents.open_tries));
                self.record(&payment, vec![Event::OpenNotSent], exchanges).await?;
                return Ok(self.pause(wait_ms));
            }
            Outcome::Done(_) | Outcome::Unknown { .. } => {
                // Not known whether it exists: the next step looks it up.
                let payment = self.record(&payment, vec![], exchanges).await?;
                return Ok(Stepped::On(Box::new(payment)));
            }
        };
        Ok(Stepped::On(Box::new(self.record(&payment, vec![event], exchanges).await?)))
    }

    /// Looks for our reference in the bank's list; makes the link when it is not there. `exists`:
    /// the bank says that it is, so a list without it is behind and is read again later.
    async fn look_up(&self, payment: Payment, exists: bool) -> anyhow::Result<Stepped> {
        // A day of margin on both sides: the bank's days are Moscow's, its clock is its own.
        let day = |ms: i64| timestamp(ms).to_zoned(jiff::tz::TimeZone::UTC).date();
        let (from, to) = (day(payment.created_ms - DAY_MS), day(self.ctx.now_ms() + DAY_MS));
        let mut journal = Vec::new();
        for page in 1..=LOOKUP_MAX_PAGES {
            let Told { outcome, exchanges } =
                self.ask(&BankOp::ListPayments { from, to, page }).await?;
            journal.extend(exchanges);
            let Outcome::Done(Answer::Payments(list)) = outcome else {
                flow::record(self.ctx, &payment, vec![], journal, true).await?;
                return Ok(self.pause(wait_ms(&outcome)));
            };
            let ours = |seen: &&Observation| seen.reference.as_ref() == Some(&payment.reference);
            if let Some(seen) = list.items.iter().find(ours) {
                let event = Event::Observed(seen.clone());
                let next = flow::record(self.ctx, &payment, vec![event], journal, true).await?;
                return Ok(Stepped::On(Box::new(next)));
            }
            if page >= list.total_pages {
                break;
            }
        }
        let event = Some(Event::OpenNotSent).filter(|_| !exists);
        let events = event.into_iter().collect();
        let next = flow::record(self.ctx, &payment, events, journal, true).await?;
        Ok(if exists { self.pause(MINUTE_MS) } else { Stepped::On(Box::new(next)) })
    }

    /// Reads the payment at the bank and joins what it says.
    async fn look(&self, payment: &Payment) -> anyhow::Result<Look> {
        let Some(bank_id) = payment.facts.bank_id.clone() else { return Ok(Look::Nothing) };
        let Told { outcome, mut exchanges } = self.ask(&BankOp::GetPayment { bank_id }).await?;
        if let Outcome::Done(Answer::Payment(seen)) = outcome {
            let event = Event::Observed(seen.clone());
            let applied = state::apply(payment, &event);
            if applied.is_ok_and(|applied| applied.next == *payment) {
                exchanges.iter_mut().for_each(|exchange| exchange.reply = NOTHING_NEW.to_owned());
            }
            let next = flow::record(self.ctx, payment, vec![event], exchanges, true).await?;
            return Ok(Look::Seen(Box::new(next), seen));
        }
        flow::record(self.ctx, payment, vec![], exchanges, true).await?;
        Ok(match outcome {
            Outcome::Refused(refusal) if refusal.class == RefusalClass::Credentials => {
                Look::KeyRefused(refusal)
            }
            Outcome::Refused(_)
            | Outcome::Done(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => Look::Nothing,
        })
    }

    /// Captures the hold. Sending it again is safe, a hold is captured once; so after silence we
    /// look, and send again only while the bank still says "held".
    async fn capture(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let since_ms = payment.intents.capture_requested_ms.unwrap_or(payment.created_ms);
        let payment = match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Capturing => *next,
            Look::Seen(next, _) => return Ok(Stepped::On(next)),
            // Nothing was sent yet, so this is a plain "no" that the shop can act on.
            Look::KeyRefused(refusal) if payment.intents.capture_asked_ms.is_none() => {
                let event = Event::CaptureRefused(Failure::from(&refusal));
                let next = self.record(&payment, vec![event], vec![]).await?;
                return Ok(Stepped::On(Box::new(next)));
            }
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(since_ms))),
        };
        let Some(bank_id) = payment.facts.bank_id.clone() else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let held = payment.facts.authorized;
        let op = BankOp::Capture { bank_id, amount: held, authorized: held };
        let asked = Event::CaptureAsked { at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let Told { outcome, exchanges } = self.ask(&op).await?;
        match outcome {
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                let wait_ms = wait_ms(&outcome);
                self.record(&payment, vec![Event::CaptureNotSent], exchanges).await?;
                Ok(self.pause(wait_ms))
            }
            Outcome::Refused(refusal) => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                self.capture_refused(payment, Failure::from(&refusal)).await
            }
            Outcome::Done(Answer::Accepted { done: false }) => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                self.capture_refused(payment, not_captured()).await
            }
            // Whatever it said, what counts is what the payment says now.
            Outcome::Done(_) | Outcome::Unknown { .. } => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                match self.look(&payment).await? {
                    Look::Seen(next, _) if next.status() != Status::Capturing => {
                        Ok(Stepped::On(next))
                    }
                    Look::Seen(..) | Look::KeyRefused(_) | Look::Nothing => {
                        Ok(self.pause(self.running_wait_ms(since_ms)))
                    }
                }
            }
        }
    }

    /// A refusal may mean "captured already" after a lost answer: only a payment that is still
    /// held was really refused.
    async fn capture_refused(&self, payment: Payment, why: Failure) -> anyhow::Result<Stepped> {
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Capturing => {
                let event = Event::CaptureRefused(why);
                Ok(Stepped::On(Box::new(self.record(&next, vec![event], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::KeyRefused(_) => Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => Ok(self.pause(TRY_AGAIN_MS)),
        }
    }

    /// Sends a refund. The bank's list is read first, so that a refund it shows afterwards can
    /// only be new.
    async fn send_refund(&self, payment: Payment, id: String) -> anyhow::Result<Stepped> {
        let wanted = payment.refunds.iter().find(|refund| refund.id == id);
        let since_ms = wanted.map_or(payment.created_ms, |refund| refund.created_ms);
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            // Nothing was sent yet, so this is a plain "no" that the shop can act on.
            Look::KeyRefused(refusal) => {
                return self.refuse_refund(&payment, id, Failure::from(&refusal)).await;
            }
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(since_ms))),
        };
        let refund = payment.refunds.iter().find(|refund| refund.id == id);
        let Some(refund) = refund.filter(|refund| refund.state == RefundState::Requested) else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        let is_running = seen.status == Some(BankStatus::Refunding);
        if is_running || !seen.lists_refunds {
            if !is_running && self.ctx.now_ms() - since_ms > LIST_WAIT_MS {
                return self.refuse_refund(&payment, id, list_unreadable()).await;
            }
            return Ok(self.pause(self.running_wait_ms(since_ms)));
        }
        let left = payment.facts.paid.minus_or_zero(payment.refunded());
        let Some(bank_id) = payment.facts.bank_id.clone().filter(|_| refund.amount <= left) else {
            return self.refuse_refund(&payment, id, too_large(left)).await;
        };
        let op = BankOp::Refund { bank_id, amount: refund.amount };
        let amount = refund.amount;
        let asked = Event::RefundAsked { id: id.clone(), at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let wait_ms = wait_ms(&outcome);
        let event = match outcome {
            Outcome::Done(Answer::Refunded { amount: done, .. }) if done == amount => {
                Event::RefundAccepted { id }
            }
            Outcome::Refused(refusal) => {
                Event::RefundRefused { id, failure: Failure::from(&refusal) }
            }
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                self.record(&payment, vec![Event::RefundNotSent { id }], exchanges).await?;
                return Ok(self.pause(wait_ms));
            }
            Outcome::Done(_) | Outcome::Unknown { .. } => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                return Ok(Stepped::On(Box::new(payment)));
            }
        };
        Ok(Stepped::On(Box::new(self.record(&payment, vec![event], exchanges).await?)))
    }

    async fn refuse_refund(
        &self,
        payment: &Payment,
        id: String,
        failure: Failure,
    ) -> anyhow::Result<Stepped> {
        let event = Event::RefundRefused { id, failure };
        Ok(Stepped::On(Box::new(self.record(payment, vec![event], vec![]).await?)))
    }

    /// Asks whether a refund without an answer is in the bank's list.
    async fn settle_refund(&self, payment: Payment, id: String) -> anyhow::Result<Stepped> {
        // What the bank did after it wrote its answer, the answer cannot tell.
        let looked_ms = self.ctx.now_ms();
        let wanted = payment.refunds.iter().find(|refund| refund.id == id);
        let since_ms = wanted.map_or(payment.created_ms, |refund| refund.created_ms);
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(since_ms))),
        };
        let refund = payment.refunds.iter().find(|refund| refund.id == id);
        let Some(refund) = refund.filter(|refund| refund.state.is_pending()) else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        if !seen.lists_refunds || seen.status == Some(BankStatus::Refunding) {
            return Ok(self.pause(self.running_wait_ms(refund.created_ms)));
        }
        let event = Event::RefundNotSeen { id, at_ms: looked_ms };
        Ok(Stepped::On(Box::new(self.record(&payment, vec![event], vec![]).await?)))
    }

    /// The link's time is over. What the bank says last decides; if it still says "unpaid", the
    /// link is dead by the bank's own rules.
    async fn lapse(&self, payment: Payment) -> anyhow::Result<Stepped> {
        if payment.facts.bank_id.is_none() {
            let event = Event::OpenRefused(never_opened());
            return Ok(Stepped::On(Box::new(self.record(&payment, vec![event], vec![]).await?)));
        }
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Open => {
                Ok(Stepped::On(Box::new(self.record(&next, vec![Event::Lapsed], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::KeyRefused(_) | Look::Nothing => Ok(self.pause(KEY_WAIT_MS)),
        }
    }
}

fn never_opened() -> Failure {
    Failure {
        code: "bank_unavailable".into(),
        message: "The bank could not be reached before the payment's time was over".into(),
        hint: "Nothing exists at the bank; make the payment again".into(),
    }
}

fn not_captured() -> Failure {
    Failure {
        code: "bank_refused".into(),
        message: "The bank did not capture the hold and gave no reason".into(),
        hint: "Look at the payment in the bank's cabinet, or ask for the capture again".into(),
    }
}

fn list_unreadable() -> Failure {
    Failure {
        code: "bank_refused".into(),
        message: "The bank's list of this payment's refunds could not be read for a day".into(),
        hint: "Nothing was sent. Refund in the bank's cabinet; Kopeck will see it there".into(),
    }
}

fn too_large(left: kopeck_banks::Money) -> Failure {
    Failure {
        code: "refund_too_large".into(),
        message: format!("Only {left} rubles are left to refund at the bank"),
        hint: "Part of it was refunded in the bank's cabinet meanwhile; ask for what is left"
            .into(),
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
