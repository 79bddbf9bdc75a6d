//! A hold: taken, or released.

use kopeck_banks::{
    Money,
    op::{Answer, BankOp, BankStatus, Outcome},
};

use super::{Driver, KEY_WAIT_MS, Look, Stepped, TRY_AGAIN_MS, wait_ms};
use crate::{
    gateway::flow::Told,
    kit::clock::MINUTE_MS,
    payments::{
        model::{Failure, Payment, Status},
        receipts,
        state::Event,
    },
};

/// Longer than any request may wander about.
const WANDERING_MAX_MS: i64 = 20 * MINUTE_MS;

impl Driver<'_> {
    /// Captures the hold. Sending it again is safe, a hold is captured once; so after silence we
    /// look, and send again only while the bank still says "held".
    pub(super) async fn capture(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let since_ms = payment.intents.capture_requested_ms.unwrap_or(payment.created_ms);
        let payment = match self.look(&payment).await? {
            // It is at it already, or gives the hold back.
            Look::Seen(_, seen) if seen.status == Some(BankStatus::InProgress) => {
                return Ok(self.pause(self.running_wait_ms(since_ms)));
            }
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
        let (held, amount) = (payment.held(), payment.expected());
        // The shop asked for the order's sum, and the look just now told of another.
        if payment.is_hold() && payment.intents.capture_amount.is_none() && held != amount {
            let event = Event::CaptureRefused(other_sum(held));
            let next = self.record(&payment, vec![event], vec![]).await?;
            return Ok(Stepped::On(Box::new(next)));
        }
        let asked = Event::CaptureAsked { at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let receipt = receipts::for_capture(self.ctx, &payment).await?;
        let op = BankOp::Capture { bank_id, amount, authorized: held, receipt };
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
            Look::Seen(next, seen) if seen.status == Some(BankStatus::InProgress) => {
                let since_ms = next.intents.capture_requested_ms.unwrap_or(next.created_ms);
                Ok(self.pause(self.running_wait_ms(since_ms)))
            }
            Look::Seen(next, _) if next.status() == Status::Capturing => {
                let event = Event::CaptureRefused(why);
                Ok(Stepped::On(Box::new(self.record(&next, vec![event], vec![]).await?)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::KeyRefused(_) => Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => Ok(self.pause(TRY_AGAIN_MS)),
        }
    }

    /// Releases the hold. Looks first: what was captured meanwhile would be refunded by it.
    pub(super) async fn void(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let since_ms = payment.intents.void_requested_ms.unwrap_or(payment.created_ms);
        let payment = match self.look(&payment).await? {
            Look::Seen(_, seen) if seen.status == Some(BankStatus::InProgress) => {
                return Ok(self.pause(self.running_wait_ms(since_ms)));
            }
            Look::Seen(next, _) if next.is_held() && next.is_voiding() => *next,
            Look::Seen(next, _) => return Ok(Stepped::On(next)),
            Look::KeyRefused(refusal) if payment.intents.void_asked_ms.is_none() => {
                let event = Event::VoidRefused(Failure::from(&refusal));
                let next = self.record(&payment, vec![event], vec![]).await?;
                return Ok(Stepped::On(Box::new(next)));
            }
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(payment.asked_ms))),
        };
        let Some(bank_id) = payment.facts.bank_id.clone() else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let request_id = format!("{}-void", payment.id);
        let op = BankOp::Void { bank_id, amount: None, request_id };
        // An earlier one may still be on its way: then no refusal is the last word for a while.
        let is_first = payment.intents.void_asked_ms.is_none();
        let is_over = self.ctx.now_ms() - since_ms > WANDERING_MAX_MS;
        let asked = Event::VoidAsked { at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let wait_ms = wait_ms(&outcome);
        let (events, refusal) = match outcome {
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                let event = Some(Event::VoidNotSent).filter(|_| is_first);
                self.record(&payment, event.into_iter().collect(), exchanges).await?;
                return Ok(self.pause(wait_ms));
            }
            Outcome::Refused(refusal) => (vec![], Some(refusal).filter(|_| is_first || is_over)),
            Outcome::Done(Answer::Payment(seen)) => (vec![Event::Observed(seen)], None),
            Outcome::Done(_) | Outcome::Unknown { .. } => (vec![], None),
        };
        let payment = self.record(&payment, events, exchanges).await?;
        // Whatever it said, what counts is what the payment says now.
        match self.look(&payment).await? {
            Look::Seen(next, seen) if seen.status == Some(BankStatus::Authorized) => {
                let Some(refusal) = refusal else { return Ok(self.pause(TRY_AGAIN_MS)) };
                let event = Event::VoidRefused(Failure::from(&refusal));
                Ok(Stepped::On(Box::new(self.record(&next, vec![event], vec![]).await?)))
            }
            Look::Seen(_, seen) if seen.status == Some(BankStatus::InProgress) => {
                Ok(self.pause(self.running_wait_ms(since_ms)))
            }
            Look::Seen(next, _) => Ok(Stepped::On(next)),
            Look::KeyRefused(_) => Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => Ok(self.pause(TRY_AGAIN_MS)),
        }
    }
}

fn other_sum(held: Money) -> Failure {
    Failure {
        code: "capture_amount_needed".into(),
        message: format!("{held} rubles are held, which is not the order's sum"),
        hint: "Look at the payment; then send the amount to capture, or cancel the payment".into(),
    }
}

fn not_captured() -> Failure {
    Failure {
        code: "bank_refused".into(),
        message: "The bank did not capture the hold and gave no reason".into(),
        hint: "Look at the payment in the bank's cabinet, or ask for the capture again".into(),
    }
}
