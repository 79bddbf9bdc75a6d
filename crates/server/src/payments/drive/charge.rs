//! Charging what a payer saved: marked, sent once, and from then on asked about.

use kopeck_banks::op::{Answer, BankOp, CardOp, Observation, Outcome, SbpOp};

use super::{Driver, Stepped, TRY_AGAIN_MS, wait_ms};
use crate::{
    gateway::flow::Told,
    instruments::{flow::open_token, model::Kind},
    payments::{
        flow::charge::{Asked, mark},
        model::{Failure, Payment},
        state::Event,
    },
};

impl Driver<'_> {
    /// Sends the charge. Only what the bank clearly says ends it: after silence, and after a crash
    /// between the mark and the request, the payment is asked about until its time is over.
    pub(super) async fn charge(&self, payment: Payment) -> anyhow::Result<Stepped> {
        if payment.is_kept_charge() {
            return self.charge_kept(payment).await;
        }
        let (payment, from) = match mark(self.ctx, &payment, Vec::new()).await? {
            Asked::Send { payment, from } => (*payment, from),
            Asked::Later => return Ok(self.pause(TRY_AGAIN_MS)),
            Asked::Nothing(payment) => return Ok(Stepped::On(payment)),
        };
        let bank_id = payment.facts.bank_id.clone().unwrap_or_default();
        let token = open_token(self.ctx, &from)?;
        let op = match from.kind {
            Kind::Account => BankOp::Sbp(SbpOp::Charge {
                bank_id,
                account_token: token,
                member_id: from.member_id.clone(),
                email: None,
            }),
            Kind::Card | Kind::Kept => {
                BankOp::Card(CardOp::Charge { bank_id, charge_id: token, email: None })
            }
        };
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let wait_ms = wait_ms(&outcome);
        let (event, is_sent) = match outcome {
            Outcome::Done(Answer::Payment(seen)) => (Some(became(seen)), true),
            Outcome::Refused(refusal) => {
                (Some(Event::ChargeRefused(Failure::from(&refusal))), true)
            }
            Outcome::Busy { .. } | Outcome::NotSent { .. } => (Some(Event::ChargeNotSent), false),
            Outcome::Done(_) | Outcome::Unknown { .. } => (None, true),
        };
        let events = event.into_iter().collect();
        let next = self.record(&payment, events, exchanges).await?;
        Ok(if is_sent { Stepped::On(Box::new(next)) } else { self.pause(wait_ms) })
    }
}

/// A bank that declines the charge itself says nothing of a payment's state: nothing was taken.
fn became(seen: Observation) -> Event {
    match (&seen.decline, seen.status) {
        (Some(decline), None) => Event::ChargeRefused(Failure::from(&**decline)),
        (Some(_), Some(_)) | (None, Some(_) | None) => Event::Observed(seen),
    }
}
