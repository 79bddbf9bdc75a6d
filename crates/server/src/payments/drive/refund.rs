//! Refunds: sent once, and asked about until it is known what became of them.

use kopeck_banks::{
    Money,
    op::{Answer, BankOp, BankStatus, Observation, Outcome, PayMethod},
};

use super::{Driver, KEY_WAIT_MS, LIST_WAIT_MS, Look, Stepped, TRY_AGAIN_MS, wait_ms};
use crate::{
    gateway::flow::Told,
    payments::{
        model::{Failure, Payment, Refund, RefundState},
        receipts,
        state::Event,
    },
};

impl Driver<'_> {
    /// Sends a refund. The bank's list is read first, so that a refund it shows afterwards can
    /// only be new.
    pub(super) async fn send_refund(
        &self,
        payment: Payment,
        id: String,
    ) -> anyhow::Result<Stepped> {
        if payment.is_code() {
            return self.send_back(payment, id).await;
        }
        let since_ms = wanted_since(&payment, &id);
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            // Money that came twice goes back as soon as there is a key again: nobody asks anew.
            Look::KeyRefused(_) if payment.attempt_of.is_some() => {
                return Ok(self.pause(KEY_WAIT_MS));
            }
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
        if self.is_busy(&seen) {
            if !is_moving(&seen) && self.ctx.now_ms() - since_ms > LIST_WAIT_MS {
                return self.refuse_refund(&payment, id, list_unreadable()).await;
            }
            return Ok(self.pause(self.running_wait_ms(since_ms)));
        }
        let left = payment.facts.paid.minus_or_zero(payment.refunded());
        if refund.amount > left {
            return self.refuse_refund(&payment, id, too_large(left)).await;
        }
        let asked = Event::RefundAsked { id: id.clone(), at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        self.ask_refund(payment, id, true).await
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

    /// The request, for the first time or, where the bank knows it by its id, again.
    async fn ask_refund(
        &self,
        payment: Payment,
        id: String,
        is_first: bool,
    ) -> anyhow::Result<Stepped> {
        let refund = payment.refunds.iter().find(|refund| refund.id == id).cloned();
        let Some((bank_id, refund)) = payment.facts.bank_id.clone().zip(refund) else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let op = BankOp::Refund {
            bank_id,
            amount: refund.amount,
            request_id: id.clone(),
            receipt: receipts::for_refund(self.ctx, &payment, &refund).await?,
            sbp_member: None,
            transfer: None,
        };
        let asked_ms = self.ctx.now_ms();
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let wait_ms = wait_ms(&outcome);
        let is_repeated = !is_first && matches!(outcome, Outcome::Done(Answer::Refunded { .. }));
        let payment = if is_repeated { self.look_again(payment).await? } else { payment };
        let events = match outcome {
            Outcome::Done(Answer::Refunded { amount: done, refund_id })
                if done == refund.amount =>
            {
                self.accepted(&payment, &id, &refund, refund_id)
            }
            // An earlier one may still be on its way: only the first is refused for certain.
            Outcome::Refused(_) if !is_first => {
                let event = Event::RefundNotSeen { id, at_ms: asked_ms };
                self.record(&payment, vec![event], exchanges).await?;
                return Ok(self.pause(TRY_AGAIN_MS));
            }
            Outcome::Refused(refusal) => {
                vec![Event::RefundRefused { id, failure: Failure::from(&refusal) }]
            }
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                // An earlier one may have arrived: only the first is certainly not sent.
                let event = Some(Event::RefundNotSent { id }).filter(|_| is_first);
                self.record(&payment, event.into_iter().collect(), exchanges).await?;
                return Ok(self.pause(wait_ms));
            }
            // Under way; or back where it was, and then it did not happen.
            Outcome::Done(Answer::Payment(seen)) => {
                let is_back = seen.status == Some(BankStatus::Paid);
                let not_seen = Event::RefundNotSeen { id, at_ms: asked_ms };
                let events = Some(not_seen).filter(|_| is_back).into_iter();
                let events = [Event::Observed(seen)].into_iter().chain(events).collect();
                self.record(&payment, events, exchanges).await?;
                return Ok(self.pause(TRY_AGAIN_MS));
            }
            Outcome::Done(_) | Outcome::Unknown { .. } => {
                let payment = self.record(&payment, vec![], exchanges).await?;
                return Ok(Stepped::On(Box::new(payment)));
            }
        };
        Ok(Stepped::On(Box::new(self.record(&payment, events, exchanges).await?)))
    }

    /// After a repeated request: what is gone by now includes it, and only then is the rest known
    /// that somebody gave back in the cabinet.
    async fn look_again(&self, payment: Payment) -> anyhow::Result<Payment> {
        Ok(match self.look(&payment).await? {
            Look::Seen(next, _) => *next,
            Look::KeyRefused(_) | Look::Nothing => payment,
        })
    }

    /// The bank did it. One that lists no refunds will never show it: its word is the listing.
    fn accepted(
        &self,
        payment: &Payment,
        id: &str,
        refund: &Refund,
        bank_refund_id: String,
    ) -> Vec<Event> {
        let mut events = vec![Event::RefundAccepted { id: id.to_owned() }];
        if self.bank.capabilities().refund_by_request_id {
            events.push(Event::Observed(Observation {
                bank_id: payment.facts.bank_id.clone(),
                refunds: [(bank_refund_id, refund.amount)].into(),
                ..Observation::default()
            }));
        }
        events
    }

    /// Whether no refund can be sent or judged now.
    fn is_busy(&self, seen: &Observation) -> bool {
        let is_blind = !seen.lists_refunds && !self.bank.capabilities().refund_by_request_id;
        is_blind || is_moving(seen)
    }

    /// Finds out about a refund without an answer: by the bank's list; or by what is left; or, in
    /// doubt, by sending the same request again, where the bank does it once.
    pub(super) async fn settle_refund(
        &self,
        payment: Payment,
        id: String,
    ) -> anyhow::Result<Stepped> {
        if payment.is_code() {
            return self.settle_back(payment, id).await;
        }
        // What the bank did after it wrote its answer, the answer cannot tell.
        let looked_ms = self.ctx.now_ms();
        let since_ms = wanted_since(&payment, &id);
        let (payment, seen) = match self.look(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(since_ms))),
        };
        let refund = payment.refunds.iter().find(|refund| refund.id == id).cloned();
        let Some(refund) = refund.filter(|refund| refund.state.is_pending()) else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        if self.is_busy(&seen) {
            return Ok(self.pause(self.running_wait_ms(refund.created_ms)));
        }
        if self.bank.capabilities().refund_by_request_id {
            let (gone, is_by_sbp) = (gone_since(&payment, &refund), is_by_sbp(&payment));
            if gone == refund.amount || (is_by_sbp && gone > refund.amount) {
                let events = self.accepted(&payment, &id, &refund, id.clone());
                let next = self.record(&payment, events, vec![]).await?;
                return Ok(Stepped::On(Box::new(next)));
            }
            if !is_by_sbp {
                return self.ask_refund(payment, id, false).await;
            }
        }
        let event = Event::RefundNotSeen { id, at_ms: looked_ms };
        Ok(Stepped::On(Box::new(self.record(&payment, vec![event], vec![]).await?)))
    }
}

fn wanted_since(payment: &Payment, id: &str) -> i64 {
    let wanted = payment.refunds.iter().find(|refund| refund.id == id);
    wanted.map_or(payment.created_ms, |refund| refund.created_ms)
}

/// Whether the bank is at it just now.
const fn is_moving(seen: &Observation) -> bool {
    matches!(seen.status, Some(BankStatus::Refunding | BankStatus::InProgress))
}

/// How much is missing since the request left. Somebody may have given it back in the cabinet
/// meanwhile: then that was this refund, which cannot be told apart.
fn gone_since(payment: &Payment, refund: &Refund) -> Money {
    let Some(left) = payment.facts.left else { return Money::ZERO };
    let before = refund.left_before.unwrap_or(payment.facts.paid);
    before.minus_or_zero(left)
}

/// SBP knows no ids of requests, so there the same request may happen twice. In doubt it is SBP.
fn is_by_sbp(payment: &Payment) -> bool {
    match &payment.facts.method {
        Some(method) => method == PayMethod::Sbp.as_str(),
        None => payment.methods.contains(&PayMethod::Sbp),
    }
}

fn too_large(left: Money) -> Failure {
    Failure {
        code: "refund_too_large".into(),
        message: format!("Only {left} rubles are left to refund at the bank"),
        hint: "Part of it was refunded in the bank's cabinet meanwhile; ask for what is left"
            .into(),
    }
}

fn list_unreadable() -> Failure {
    Failure {
        code: "bank_refused".into(),
        message: "The bank's list of this payment's refunds could not be read for a day".into(),
        hint: "Nothing was sent. Refund in the bank's cabinet; Kopeck will see it there".into(),
    }
}
