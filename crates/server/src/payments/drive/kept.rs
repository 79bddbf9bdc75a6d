//! Charging a card that its bank keeps as a subscription. The bank has no id of a charge and
//! answers yes or no: what is there is read first, the charge is marked, sent once, and from then
//! on the operation is asked until it shows an approval more.

use kopeck_banks::op::{Answer, BankOp, Observation, Outcome, SubscriptionOp, SubscriptionWord};

use super::{Driver, KEY_WAIT_MS, Look, Stepped, unseen, wait_ms};
use crate::{
    gateway::flow::Told,
    instruments::flow::open_token,
    kit::clock::SECOND_MS,
    payments::{
        flow::{
            charge::{Asked, mark},
            kept,
        },
        model::{Failure, Payment, Status},
        state::{Event, Shared},
    },
};

/// While another charge of the same card is under way, at least.
const TURN_MS: i64 = 20 * SECOND_MS;

impl Driver<'_> {
    pub(super) async fn charge_kept(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let since_ms = payment.created_ms;
        let (payment, seen) = match self.look_at_operation(&payment).await? {
            Look::Seen(next, seen) => (*next, seen),
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(since_ms))),
        };
        if payment.status() != Status::Open || payment.intents.charge_asked_ms.is_some() {
            return Ok(Stepped::On(Box::new(payment)));
        }
        let known = seen.approvals.into_keys().collect();
        let (payment, from) = match mark(self.ctx, &payment, known).await? {
            Asked::Send { payment, from } => (*payment, from),
            Asked::Later => return Ok(self.pause(self.running_wait_ms(since_ms).max(TURN_MS))),
            Asked::Nothing(payment) => return Ok(Stepped::On(payment)),
        };
        let bank_id = open_token(self.ctx, &from)?;
        let op = SubscriptionOp::Charge { bank_id, amount: payment.amount };
        let Told { outcome, exchanges } = self.ask(&BankOp::Subscription(op)).await?;
        let wait_ms = wait_ms(&outcome);
        let (event, is_sent) = match outcome {
            Outcome::Done(Answer::Subscription(SubscriptionWord::Charged)) => {
                (Some(Event::Shared(Shared::Taken)), true)
            }
            Outcome::Done(Answer::Subscription(SubscriptionWord::Declined(decline))) => {
                (Some(Event::ChargeRefused(Failure::from(&*decline))), true)
            }
            Outcome::Refused(refusal) => {
                (Some(Event::ChargeRefused(Failure::from(&refusal))), true)
            }
            Outcome::Busy { .. } | Outcome::NotSent { .. } => (Some(Event::ChargeNotSent), false),
            Outcome::Done(_) | Outcome::Unknown { .. } => (None, true),
        };
        let events = event.into_iter().collect();
        let next = self.record(&payment, events, exchanges).await?;
        if !is_sent {
            return Ok(self.pause(wait_ms));
        }
        // What was taken is usually there at once.
        if next.intents.is_charge_taken
            && let Look::Seen(next, _) = self.look_at_operation(&next).await?
        {
            return Ok(Stepped::On(next));
        }
        Ok(Stepped::On(Box::new(next)))
    }

    /// Reads the operation that holds the charges of the card, and shares out what came in.
    pub(super) async fn look_at_operation(&self, charge: &Payment) -> anyhow::Result<Look> {
        let Some(bank_id) = kept::find_operation(self.ctx, charge).await? else {
            return Ok(Look::Nothing);
        };
        let Told { outcome, exchanges } = self.ask(&BankOp::GetPayment { bank_id }).await?;
        // A list of which a part could not be read tells nothing.
        let whole = |seen: &Observation| seen.lists_approvals && !seen.approvals.is_empty();
        match outcome {
            Outcome::Done(Answer::Payment(seen)) if whole(&seen) => {
                let next = kept::record_look(self.ctx, charge, Some(&seen), exchanges).await?;
                Ok(Look::Seen(Box::new(next), seen))
            }
            outcome @ (Outcome::Done(_)
            | Outcome::Refused(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. }) => {
                kept::record_look(self.ctx, charge, None, exchanges).await?;
                Ok(unseen(outcome))
            }
        }
    }
}
