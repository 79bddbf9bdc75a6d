//! A link at several banks: going on to another one, and closing what was left behind.

use kopeck_banks::op::{Answer, BankOp, Outcome};

use super::{Driver, KEY_WAIT_MS, Look, Stepped, wait_ms};
use crate::{
    gateway::{flow::Told, store::Exchange},
    kit::clock::SECOND_MS,
    payments::{
        attempts,
        flow::attempts::{drop_move, move_on},
        model::{Failure, Payment, Status},
        state::Event,
    },
};

/// After so long without a word of what the first bank made of our request the next one is tried:
/// nobody has the address of what it may have made.
const UNSEEN_MAX_MS: i64 = 10 * SECOND_MS;

impl Driver<'_> {
    pub(super) async fn go_to(
        &self,
        payment: Payment,
        to: usize,
        refusal: Option<Failure>,
        exchanges: Vec<Exchange>,
    ) -> anyhow::Result<Stepped> {
        let next = move_on(self.ctx, &payment, to, refusal, exchanges).await?;
        Ok(Stepped::On(Box::new(next)))
    }

    /// The next bank, while there is time to pay there.
    pub(super) fn next_route(&self, payment: &Payment) -> Option<usize> {
        attempts::next_route(payment).filter(|_| self.ctx.now_ms() < payment.expires_ms)
    }

    /// The next bank, until each was tried once; after that the waits between the tries grow.
    pub(super) fn fresh_route(&self, payment: &Payment) -> Option<usize> {
        let tries = usize::try_from(payment.intents.open_tries).unwrap_or(usize::MAX);
        self.next_route(payment).filter(|_| tries % payment.routes.len().max(1) != 0)
    }

    /// It is not known whether the link exists, and the bank does not say.
    pub(super) async fn unseen(&self, payment: Payment, wait_ms: i64) -> anyhow::Result<Stepped> {
        let since_ms = payment.intents.open_asked_ms.unwrap_or_default();
        let now_ms = self.ctx.now_ms();
        let is_long = now_ms - since_ms > UNSEEN_MAX_MS;
        match self.next_route(&payment).filter(|_| is_long) {
            Some(to) => self.go_to(payment, to, None, vec![]).await,
            None => Ok(self.pause(wait_ms)),
        }
    }

    /// Goes on to the bank that the payer asked for. The first bank is asked before; what is unpaid
    /// there becomes an attempt, which closes itself where that can be done.
    pub(super) async fn move_on(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let Some(to) = payment.intents.move_to else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        let payment = if payment.status() == Status::Open {
            match self.look(&payment).await? {
                Look::Seen(next, _) => *next,
                // The payer may be paying there right now.
                Look::KeyRefused(_) | Look::Nothing => return self.stay(payment).await,
            }
        } else {
            payment
        };
        if matches!(payment.status(), Status::Opening | Status::Open) {
            return self.go_to(payment, to, None, vec![]).await;
        }
        self.stay(payment).await
    }

    async fn stay(&self, payment: Payment) -> anyhow::Result<Stepped> {
        Ok(Stepped::On(Box::new(drop_move(self.ctx, &payment).await?)))
    }

    /// Closes what a link left behind. Looks first: closing what was paid would give it back before
    /// it is known whether the link needs it.
    pub(super) async fn close(&self, payment: Payment) -> anyhow::Result<Stepped> {
        if !self.bank.capabilities().closes_links {
            let event = vec![Event::VoidRefused(cannot_close())];
            return Ok(Stepped::On(Box::new(self.record(&payment, event, vec![]).await?)));
        }
        let payment = match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() == Status::Open => *next,
            Look::Seen(next, _) => {
                let event = vec![Event::VoidNotSent];
                return Ok(Stepped::On(Box::new(self.record(&next, event, vec![]).await?)));
            }
            Look::KeyRefused(_) => return Ok(self.pause(KEY_WAIT_MS)),
            Look::Nothing => return Ok(self.pause(self.running_wait_ms(payment.asked_ms))),
        };
        let asked = vec![Event::VoidAsked { at_ms: self.ctx.now_ms() }];
        let attempt_id = payment.id.clone();
        let payment = self.record(&payment, asked, vec![]).await?;
        if payment.id != attempt_id || payment.status() != Status::Open {
            // Paid since we looked: closing it now would give back what the link may need.
            let event = vec![Event::VoidNotSent];
            return Ok(Stepped::On(Box::new(self.record(&payment, event, vec![]).await?)));
        }
        let Told { outcome, exchanges } = self.ask(&close_op(&payment)).await?;
        let wait_ms = wait_ms(&outcome);
        let events = match outcome {
            Outcome::Done(Answer::Payment(seen)) => vec![Event::Observed(seen)],
            Outcome::Refused(refusal) => vec![Event::VoidRefused(Failure::from(&refusal))],
            Outcome::Busy { .. } | Outcome::NotSent { .. } => vec![Event::VoidNotSent],
            Outcome::Done(_) | Outcome::Unknown { .. } => vec![],
        };
        let payment = self.record(&payment, events, exchanges).await?;
        // Whatever it said, what counts is what the payment says now.
        match self.look(&payment).await? {
            Look::Seen(next, _) if next.status() != Status::Open => {
                let event = vec![Event::VoidNotSent];
                Ok(Stepped::On(Box::new(self.record(&next, event, vec![]).await?)))
            }
            Look::Seen(..) | Look::KeyRefused(_) | Look::Nothing => Ok(self.pause(wait_ms)),
        }
    }
}

fn close_op(payment: &Payment) -> BankOp {
    BankOp::Void {
        bank_id: payment.facts.bank_id.clone().unwrap_or_default(),
        amount: None,
        request_id: format!("{}-close", payment.id),
    }
}

fn cannot_close() -> Failure {
    Failure {
        code: attempts::CANNOT_CLOSE.into(),
        message: "The bank has no way to close an unpaid link".into(),
        hint: "It ends by itself; money that comes to it is given back".into(),
    }
}
