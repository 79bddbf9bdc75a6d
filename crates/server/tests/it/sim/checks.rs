//! What must hold after every step, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use kopeck::{
    events::{EventFilter, StoredEvent, list_events},
    kit::{db::DbError, jobs::LEASE_MS},
    payments::{
        model::{Facts, Origin, Payment, RefundState},
        schedule::{Step, next_step},
        store::{PaymentFilter, list_payments},
    },
};

use super::{
    truth::{self, Operation},
    world::{Planted, World},
};

/// The bank's grace, as its capabilities say.
const GRACE_MINUTES: u32 = 60;

/// What was seen at earlier steps.
#[derive(Default)]
pub struct Books {
    facts: BTreeMap<String, Facts>,
    /// The last line printed of each payment, in a replay.
    told: BTreeMap<String, String>,
    /// Kinds of events with their payment and refund, by shop the last number.
    pub announced: BTreeSet<(String, String, Option<String>)>,
    seqs: BTreeMap<String, i64>,
}

type Checked = Result<(), String>;

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

impl World {
    pub fn payments(&self, bank: usize) -> Vec<Payment> {
        let shop_id = self.banks[bank].connection.shop_id.clone();
        let all: Result<_, DbError> =
            self.write(move |tx| list_payments(tx, &shop_id, &PaymentFilter::default(), 1_000));
        all.unwrap()
    }

    pub fn check(&mut self) -> Checked {
        let now_ms = self.now_ms();
        let jobs = self.jobs();
        let is_leased = |(_, _, until_ms): &&(String, String, i64)| *until_ms > now_ms + LEASE_MS;
        ensure(!jobs.iter().any(|job| is_leased(&job)), || "a job is leased too long".into())?;
        for at in 0..self.banks.len() {
            let bank = &mut self.banks[at];
            if std::mem::take(&mut bank.is_changed) || bank.is_tbank() || bank.has_codes() {
                bank.truth = truth::read(bank.emulator.as_mut(), now_ms);
                if bank.is_tbank() {
                    self.know_own(at)?;
                }
                self.know_codes(at)?;
                check_bank(&self.banks[at].truth)?;
            }
            for payment in self.payments(at) {
                self.check_payment(at, &payment)?;
                if self.has_receipts {
                    self.check_receipts(&payment)?;
                }
                let rests = next_step(&payment, GRACE_MINUTES, now_ms) == Step::Rest;
                let has_job = jobs.iter().any(|(_, subject, _)| *subject == payment.id);
                ensure(rests || has_job, || format!("nobody drives {payment:#?}"))?;
            }
            self.check_events(at)?;
        }
        Ok(())
    }

    /// Where a reference may have several payments, ours are those whose id we know; nobody may
    /// have paid for another.
    fn know_own(&mut self, at: usize) -> Checked {
        let payments = self.payments(at);
        for payment in &payments {
            let mut orders = self.orders.iter_mut();
            if let Some(order) = orders.find(|order| order.payment_id == payment.id) {
                order.reference.clone_from(&payment.reference);
                order.bank_id.clone_from(&payment.facts.bank_id);
            }
        }
        let is_ours = |own: &Operation| {
            payments.iter().any(|payment| payment.facts.bank_id.as_ref() == Some(&own.id))
        };
        let (ours, strange): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.banks[at].truth).into_iter().partition(is_ours);
        for own in &ours {
            if let Some(seen) = moment_seen(&own.status) {
                self.count(seen);
            }
        }
        self.banks[at].truth = ours;
        let is_empty = strange.iter().all(|own| own.paid == 0 && own.held == 0);
        ensure(is_empty, || format!("an orphan was paid: {strange:#?}"))
    }

    fn check_payment(&mut self, at: usize, payment: &Payment) -> Checked {
        let id = &payment.id;
        self.tell(payment);
        let (paid, refunded) = (payment.facts.paid, payment.refunded());
        ensure(refunded <= paid, || format!("{id}: refunded {refunded} of {paid}"))?;
        let known = self.books.facts.insert(id.clone(), payment.facts.clone());
        if let Some(known) = known {
            ensure(grew(&known, &payment.facts), || {
                format!("{id}: facts shrank from {known:#?} to {:#?}", payment.facts)
            })?;
        }
        let mut ids = BTreeSet::new();
        let unique = payment.refunds.iter().filter_map(|refund| refund.bank_refund_id.as_ref());
        ensure(unique.into_iter().all(|own| ids.insert(own)), || {
            format!("{id}: two refunds claim one of the bank's: {:#?}", payment.refunds)
        })?;
        let operation = self.banks[at].truth.iter().find(|op| op.reference == payment.reference);
        let Some(operation) = operation else { return Ok(()) };
        ensure(paid.kopecks() <= operation.paid, || format!("{id}: more paid than at the bank"))?;
        if self.banks[at].is_tbank() || payment.is_code() {
            let by_us = payment.refunds.iter().filter(|refund| match refund.state {
                RefundState::Asked { .. } | RefundState::Succeeded => refund.origin == Origin::Shop,
                RefundState::Requested | RefundState::Failed(_) => false,
            });
            let by_us = by_us.filter(|refund| refund.origin == Origin::Shop);
            let by_us: i64 = by_us.map(|refund| refund.amount.kopecks()).sum();
            let most = by_us + self.cabinet_total(payment);
            return ensure(operation.refunded() <= most, || {
                format!("the bank refunded more than {most}: {operation:#?} {payment:#?}")
            });
        }
        let amounts: BTreeSet<i64> = operation.refunds.values().copied().collect();
        amounts.into_iter().try_for_each(|amount| self.check_refunds(payment, operation, amount))
    }

    /// In a replay, prints what changed about the payment.
    fn tell(&mut self, payment: &Payment) {
        if !self.is_traced {
            return;
        }
        let refunds = payment.refunds.iter().map(|refund| {
            let at_bank = refund.bank_refund_id.as_deref().unwrap_or("-");
            let tail = &refund.id[refund.id.len() - 4..];
            format!(" {tail}:{}={:?}:{at_bank}", refund.amount.kopecks(), refund.state)
        });
        let refunds: String = refunds.collect();
        let (status, reference) = (payment.status().as_str(), &payment.reference);
        let line = format!("        {reference} {status}{refunds}");
        let told = self.books.told.insert(payment.id.clone(), line.clone());
        if told.as_ref() != Some(&line) {
            self.say(|| line);
        }
    }

    /// All that was refunded in the cabinet.
    pub fn cabinet_total(&self, payment: &Payment) -> i64 {
        let own = self.cabinet.iter().filter(|((of, _), _)| *of == payment.reference);
        own.map(|((_, amount), count)| amount * i64::try_from(*count).unwrap()).sum()
    }

    /// Of one sum, the bank never gives back more often than its cabinet and the shop wanted; and
    /// what we count as refused or not sent, it did not do.
    fn check_refunds(&self, payment: &Payment, operation: &Operation, amount: i64) -> Checked {
        let by_cabinet = self.cabinet.get(&(operation.reference.clone(), amount)).copied();
        let by_us = operation.count_refunds(amount).saturating_sub(by_cabinet.unwrap_or(0));
        let wanted = payment.refunds.iter().filter(|refund| {
            let is_sent = match refund.state {
                RefundState::Asked { .. } | RefundState::Succeeded => true,
                RefundState::Requested | RefundState::Failed(_) => false,
            };
            is_sent && refund.origin == Origin::Shop && refund.amount.kopecks() == amount
        });
        ensure(by_us <= wanted.count(), || {
            format!("the bank refunded {amount} {by_us} times: {operation:#?} {payment:#?}")
        })
    }

    fn check_events(&mut self, at: usize) -> Checked {
        let shop_id = self.banks[at].connection.shop_id.clone();
        let seen_seq = self.books.seqs.entry(shop_id.clone()).or_default();
        let filter = EventFilter { after_seq: *seen_seq, ..EventFilter::default() };
        let ctx = &self.processes[0].ctx;
        let events: Result<Vec<StoredEvent>, DbError> =
            super::tasks::now(ctx.db.read(move |tx| list_events(tx, &shop_id, &filter, 1_000)));
        for event in events.unwrap() {
            *seen_seq += 1;
            ensure(event.seq == *seen_seq, || format!("a gap before event {}", event.seq))?;
            let key = (event.subject_id, event.kind, event.about);
            if self.planted == Planted::EventDeleted && key.1 == "payment.paid" {
                continue;
            }
            // Each failure, each try and each reminder of a receipt is told.
            let may_repeat = ["receipt.sent", "receipt.failed", "receipt.due"];
            let may_repeat = may_repeat.contains(&key.1.as_str());
            ensure(self.books.announced.insert(key.clone()) || may_repeat, || {
                format!("announced twice: {key:?}")
            })?;
        }
        Ok(())
    }

    /// Kind, subject and end of lease of every job.
    pub fn jobs(&self) -> Vec<(String, String, i64)> {
        let jobs: Result<_, DbError> = self.write(|tx| {
            let rows = tx.query("select kind, subject, lease_until_ms from jobs", &[])?;
            rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.int(2)?))).collect()
        });
        jobs.unwrap()
    }
}

/// What passes by itself at the bank.
fn moment_seen(status: &str) -> Option<&'static str> {
    let all = ["seen CONFIRMING", "seen REVERSING", "seen REFUNDING", "seen ASYNC_REFUNDING"];
    all.into_iter().find(|seen| seen.strip_prefix("seen ") == Some(status))
}

fn check_bank(operations: &[Operation]) -> Checked {
    let mut references = BTreeSet::new();
    operations.iter().try_for_each(|own| {
        ensure(references.insert(&own.reference), || format!("{} exists twice", own.reference))?;
        ensure(own.refunded() <= own.paid && own.paid <= own.amount, || format!("{own:#?}"))
    })
}

fn grew(old: &Facts, new: &Facts) -> bool {
    (old.bank_id.is_none() || old.bank_id == new.bank_id)
        && old.authorized <= new.authorized
        && old.paid <= new.paid
        && old.refunds.iter().all(|(id, amount)| new.refunds.get(id) == Some(amount))
        && old.fully_refunded <= new.fully_refunded
        && old.expired <= new.expired
        && old.canceled <= new.canceled
        && old.declined <= new.declined
}
