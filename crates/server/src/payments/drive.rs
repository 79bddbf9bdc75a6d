//! Driving a payment: read what is stored, take the next step, do it; again until there is nothing
//! to do now. This is also the recovery: after a crash the next run reads the same rows.
//!
//! Before the attempt its intent is saved; after the attempt nothing is rolled back, the bank is
//! asked. One driver per payment at a time holds by the job's lease.

use kopeck_banks::{
    bank::Bank,
    op::{Answer, BankOp, BankStatus, Observation, Outcome, Refusal, RefusalClass},
};

use super::{
    flow,
    model::{Failure, Payment, RefundState, Status},
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
                let wait_ms = wait_ms(&outcome);
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
            let reference = payment.reference.clone();
            let op = BankOp::FindPayment { reference, from, to, page };
            let Told { outcome, exchanges } = self.ask(&op).await?;
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
        let Told { outcome, exchanges } = self.ask(&BankOp::GetPayment { bank_id }).await?;
        if let Outcome::Done(Answer::Payment(seen)) = outcome {
            let event = Event::Observed(seen.clone());
            let next = flow::record(self.ctx, payment, vec![event], exchanges, true).await?;
            return Ok(Look::Seen(Box::new(next), seen));
        }
        flow::record(self.ctx, payment, vec![], exchanges, true).await?;
        Ok(Look::Nothing)
    }

    /// Captures the hold. Sending it again is safe, a hold is captured once; so after silence we
    /// look, and send again only while the bank still says "held".
    async fn capture(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let payment = match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Capturing => *next,
            Look::Seen(next, _) => return Ok(Stepped::On(next)),
            Look::Nothing => return Ok(self.pause(TRY_AGAIN_MS)),
        };
        let Some(bank_id) = payment.facts.bank_id.clone() else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let held = payment.facts.authorized;
        let op = BankOp::Capture { bank_id, amount: held, authorized: held, receipt: None };
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
                self.capture_refused(payment, &refusal).await
            }
            // Whatever it said, what counts is what the payment says now.
            Outcome::Done(_) | Outcome::Unknown { .. } => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                match self.look(&payment).await? {
                    Look::Seen(next, _) if next.status() == Status::Capturing => {
                        Ok(self.pause(TRY_AGAIN_MS))
                    }
                    Look::Seen(next, _) => Ok(Stepped::On(next)),
                    Look::Nothing => Ok(self.pause(TRY_AGAIN_MS)),
                }
            }
        }
    }

    /// A refusal may mean "captured already" after a lost answer: only a payment that is still
    /// held was really refused.
    async fn capture_refused(
        &self,
        payment: Payment,
        refusal: &Refusal,
    ) -> anyhow::Result<Stepped> {
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Capturing => {
                let event = Event::CaptureRefused(Failure::from(refusal));
                Ok(Stepped::On(Box::new(self.record(&next, vec![event], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::Nothing => Ok(self.pause(TRY_AGAIN_MS)),
        }
    }

    /// Sends a refund. The bank's list is read first, so that a refund it shows afterwards can
    /// only be new.
    async fn send_refund(&self, payment: Payment, id: String) -> anyhow::Result<Stepped> {
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            Look::Nothing => return Ok(self.pause(TRY_AGAIN_MS)),
        };
        let refund = payment.refunds.iter().find(|refund| refund.id == id);
        let Some(refund) = refund.filter(|refund| refund.state == RefundState::Requested) else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        if !seen.lists_refunds || seen.status == Some(BankStatus::Refunding) {
            return Ok(self.pause(self.running_wait_ms(refund.created_ms)));
        }
        let left = payment.facts.paid.minus_or_zero(payment.refunded());
        let Some(bank_id) = payment.facts.bank_id.clone().filter(|_| refund.amount <= left) else {
            let event = Event::RefundRefused { id, failure: too_large(left) };
            let next = self.record(&payment, vec![event], vec![]).await?;
            return Ok(Stepped::On(Box::new(next)));
        };
        let op = BankOp::Refund {
            bank_id,
            amount: refund.amount,
            request_id: id.clone(),
            receipt: None,
            sbp_member: None,
        };
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

    /// Asks whether a refund without an answer is in the bank's list.
    async fn settle_refund(&self, payment: Payment, id: String) -> anyhow::Result<Stepped> {
        // What the bank did after it wrote its answer, the answer cannot tell.
        let looked_ms = self.ctx.now_ms();
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            Look::Nothing => return Ok(self.pause(TRY_AGAIN_MS)),
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
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Open => {
                Ok(Stepped::On(Box::new(self.record(&next, vec![Event::Lapsed], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::Nothing => Ok(self.pause(5 * MINUTE_MS)),
        }
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
