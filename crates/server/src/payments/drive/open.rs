//! Opening a payment at the bank, and finding out whether it was opened.

use kopeck_banks::op::{Answer, BankOp, BankStatus, Observation, Outcome, RefusalClass};

use super::{super::schedule::backoff_ms, Driver, LOOKUP_MAX_PAGES, Stepped, wait_ms};
use crate::{
    gateway::{flow::Told, store::Exchange},
    kit::clock::{DAY_MS, MINUTE_MS, timestamp},
    payments::{
        flow,
        model::{Failure, Payment},
        state::Event,
    },
};

impl Driver<'_> {
    /// Makes the link. Its reference is unique at the bank, so even a request sent twice makes one.
    pub(super) async fn open(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let credentials = &self.connection.credentials;
        let op = flow::create_op(&payment, self.bank, credentials, &self.ctx.public_url)?;
        let asked = Event::OpenAsked { at_ms: self.ctx.now_ms() };
        let (id, reference) = (payment.id.clone(), payment.reference.clone());
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        if payment.reference != reference || payment.id != id {
            // Another process opened it anew since we read it; what we were to ask is void.
            return Ok(Stepped::On(Box::new(payment)));
        }
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let event = match outcome {
            Outcome::Done(Answer::Link { bank_id, url }) => Event::Observed(Observation {
                bank_id: Some(bank_id),
                url: Some(url),
                // Known by it if it comes after the payment was opened under another one.
                reference: Some(reference),
                ..Observation::default()
            }),
            Outcome::Done(Answer::Payment(seen)) => Event::Observed(seen),
            Outcome::Refused(refusal) if refusal.class == RefusalClass::Duplicate => {
                self.record(&payment, vec![], exchanges).await?;
                return self.look_up(payment, true).await;
            }
            Outcome::Refused(refusal) => match self.next_route(&payment) {
                Some(to) => {
                    let failure = Some(Failure::from(&refusal));
                    return self.go_to(payment, to, failure, exchanges).await;
                }
                None => Event::OpenRefused(Failure::from(&refusal)),
            },
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                let payment = self.record(&payment, vec![Event::OpenNotSent], vec![]).await?;
                if let Some(to) = self.fresh_route(&payment) {
                    return self.go_to(payment, to, None, exchanges).await;
                }
                let wait_ms = wait_ms(&outcome).max(backoff_ms(payment.intents.open_tries));
                self.record(&payment, vec![], exchanges).await?;
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
    pub(super) async fn look_up(&self, payment: Payment, exists: bool) -> anyhow::Result<Stepped> {
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
                let payment = flow::record(self.ctx, &payment, vec![], journal, true).await?;
                return self.unseen(payment, wait_ms(&outcome)).await;
            };
            let ours = |seen: &&Observation| seen.reference.as_ref() == Some(&payment.reference);
            if let Some(seen) = list.items.iter().find(ours) {
                let is_lost = seen.url.is_none() && !is_past_opening(seen.status);
                if is_lost && payment.attempt_of.is_none() {
                    return self.reopen(payment, seen.bank_id.clone(), journal).await;
                }
                let event = Event::Observed(seen.clone());
                let next = flow::record(self.ctx, &payment, vec![event], journal, true).await?;
                return Ok(Stepped::On(Box::new(next)));
            }
            if page >= list.total_pages {
                break;
            }
        }
        if exists && payment.attempt_of.is_none() && !self.bank.capabilities().find_gives_url {
            return self.reopen(payment, None, journal).await;
        }
        // The bank reads and does not write, or our request is still on its way: elsewhere, then.
        if let Some(to) = self.fresh_route(&payment).filter(|_| !exists) {
            return self.go_to(payment, to, None, journal).await;
        }
        let event = Some(Event::OpenNotSent).filter(|_| !exists);
        let events = event.into_iter().collect();
        let next = flow::record(self.ctx, &payment, events, journal, true).await?;
        Ok(if exists { self.pause(MINUTE_MS) } else { Stepped::On(Box::new(next)) })
    }

    /// The bank has our reference and does not say where to pay: nobody knows that page, so
    /// another payment takes its place. Its reference is saved before the old one is closed, so
    /// that the word of that closing is not taken for a word about this payment.
    async fn reopen(
        &self,
        payment: Payment,
        old_id: Option<String>,
        journal: Vec<Exchange>,
    ) -> anyhow::Result<Stepped> {
        let tail = self.ctx.mint.code(10);
        let reference = flow::reference(payment.order_id.as_deref(), &tail);
        let event = Event::Reopened { reference: reference.clone() };
        let next = flow::record(self.ctx, &payment, vec![event], journal, true).await?;
        // Its own answer may have come meanwhile: then it is not given up.
        let is_given_up = next.reference == reference;
        if let Some(bank_id) = old_id.filter(|_| is_given_up) {
            let request_id = format!("{}-close", payment.id);
            let op = BankOp::Void { bank_id, amount: None, request_id };
            // If it cannot be closed it ends by itself: nobody has its address.
            let Told { outcome: _, exchanges } = self.ask(&op).await?;
            self.record(&next, vec![], exchanges).await?;
        }
        Ok(Stepped::On(Box::new(next)))
    }
}

/// Whether something became of it that must be known, page or no page.
const fn is_past_opening(status: Option<BankStatus>) -> bool {
    match status {
        Some(
            BankStatus::Authorized
            | BankStatus::Paid
            | BankStatus::Refunding
            | BankStatus::PartiallyRefunded
            | BankStatus::Refunded,
        ) => true,
        Some(
            BankStatus::Created
            | BankStatus::InProgress
            | BankStatus::Expired
            | BankStatus::Canceled
            | BankStatus::Declined,
        )
        | None => false,
    }
}
