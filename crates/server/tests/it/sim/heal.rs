//! The end of a seed: nothing goes wrong any more, everything comes to rest, the books are compared.

use kopeck::{
    kit::{db::DbError, jobs},
    payments::{
        self, flow,
        model::{Origin, Payment, RefundState, Status},
    },
};
use kopeck_banks::emulator::Control;

use super::{
    truth::Operation,
    wire::Stage,
    world::{DAY_MS, HOUR_MS, World},
};

/// Rounds until everything has come to rest: far more than any seed needs.
const MAX_ROUNDS: usize = 4_000;
/// Rounds between two checks: hardly anything happens in one.
const CHECK_EVERY: usize = 10;
/// After the last payment came to rest: longer than a bank's refund runs, and then daily sweeps.
const QUIET_MS: i64 = 5 * DAY_MS + HOUR_MS;

impl World {
    pub fn heal(&mut self) -> Result<(), String> {
        let now = self.now();
        self.say(|| "nothing goes wrong from here".to_owned());
        for bank in &mut self.banks {
            bank.emulator.control(now, &Control::ClearFaults).unwrap();
        }
        // Most links nobody is going to pay end now: looking at them for days tells nothing new.
        for order in self.orders.clone() {
            let is_over = self.chance.percent(75);
            if let Some(id) = self.id_at_bank(&order).filter(|_| is_over) {
                self.control_of(&order, &Control::Expire { id });
            }
        }
        // In half of the worlds no notice ever arrives again: asking must be enough.
        let has_notices = self.chance.percent(50);
        self.is_deaf = !has_notices;
        let mut quiet_since_ms = self.now_ms();
        for round in 0..MAX_ROUNDS {
            self.wake_all();
            self.carry_all();
            self.collect();
            for mail in std::mem::take(&mut self.mail) {
                if has_notices {
                    self.take_notice(0, mail);
                } else {
                    self.banks[mail.bank].emulator.delivered(now, mail.delivery, Some(200));
                }
            }
            let started = self.claim(1, 16, u32::MAX);
            self.carry_all();
            if round % CHECK_EVERY == 0 {
                self.check()?;
            }
            if started > 0 || self.tasks.len() > 0 {
                continue;
            }
            let is_busy = self.jobs().iter().any(|(kind, ..)| kind == payments::flow::JOB);
            if is_busy {
                quiet_since_ms = self.now_ms();
            } else if self.now_ms() - quiet_since_ms > QUIET_MS {
                self.check()?;
                return self.compare();
            }
            self.release_holds();
            let due: Result<Option<i64>, DbError> = self.write(jobs::find_next_due);
            let due_ms = due.unwrap().ok_or("even the sweeps are gone")?;
            self.advance_by((due_ms - self.now_ms()).clamp(1, DAY_MS));
        }
        Err(format!("it does not come to rest: {:?}", self.jobs()))
    }

    /// A hold that nobody wants runs out, or the shop releases it where it would not.
    fn release_holds(&mut self) {
        for order in self.orders.clone() {
            let bank = &self.banks[order.bank];
            if !bank.is_tbank() {
                continue;
            }
            let (ctx, shop_id) = (self.ctx(0), bank.connection.shop_id.clone());
            let id = order.payment_id;
            // Refused where there is no hold.
            let _ = self.write(move |tx| flow::request_void(tx, &ctx, &shop_id, &id));
        }
    }

    /// Every request on the network arrives and is answered, in order.
    pub fn carry_all(&mut self) {
        loop {
            let next = self
                .wire
                .network()
                .flights
                .first_key_value()
                .map(|(id, flight)| (*id, matches!(flight.stage, Stage::Answered(_))));
            let Some((id, is_answered)) = next else { return };
            let task = if is_answered { self.bring_reply(id) } else { self.arrive(id) };
            if let Some(task) = task {
                self.tasks.poll(&self.wire, task);
            }
        }
    }

    /// Kopeck by kopeck: what the banks hold against what Kopeck says.
    fn compare(&mut self) -> Result<(), String> {
        let mut known = 0;
        for at in 0..self.banks.len() {
            let truth = self.banks[at].truth.clone();
            let payments = self.payments(at);
            for operation in &truth {
                let is_ours = payments.iter().any(|own| own.reference == operation.reference);
                if !is_ours {
                    return Err(format!("the bank has a payment that we do not: {operation:#?}"));
                }
            }
            for payment in &payments {
                let operation = truth.iter().find(|own| own.reference == payment.reference);
                self.compare_one(payment, operation).map_err(|why| {
                    format!("{why}\nours: {payment:#?}\nthe bank's: {operation:#?}")
                })?;
                if self.has_receipts {
                    self.compare_receipts(payment)?;
                }
                self.count(status_seen(payment.status()));
                known += 1;
            }
            if self.saves {
                self.compare_saved(at, &payments)?;
            }
        }
        if known == self.orders.len() { Ok(()) } else { Err("payments are missing".into()) }
    }

    fn compare_one(
        &mut self,
        payment: &Payment,
        operation: Option<&Operation>,
    ) -> Result<(), String> {
        let status = payment.status();
        let expected = match operation.map(|own| own.status.as_str()) {
            None => Status::Failed,
            Some("EXPIRED") if payment.is_charge() => Status::Failed,
            Some("EXPIRED") => Status::Expired,
            Some("CANCELED") => Status::Canceled,
            Some("REJECTED") => Status::Failed,
            Some("APPROVED") => Status::Paid,
            Some("REFUNDED") => Status::Refunded,
            Some("REFUNDED_PARTIALLY") => Status::PartiallyRefunded,
            Some(other) => return Err(format!("still {other} at the bank")),
        };
        let paid = operation.map_or(0, |own| own.paid);
        let refunded = operation.map_or(0, Operation::refunded);
        let ours = (payment.facts.paid.kopecks(), payment.refunded().kopecks());
        if status != expected || ours != (paid, refunded) {
            return Err(format!("we say {status:?} {ours:?}, the bank {expected:?}"));
        }
        self.compare_refunds(payment, operation)?;
        let mut events = vec![("payment.created", true), ("payment.paid", paid > 0)];
        events.push(("payment.refunded", paid > 0 && refunded == paid));
        events.push(("payment.opened", operation.is_some()));
        events.push(("payment.amount_mismatch", false));
        for (kind, is_due) in events {
            if self.was_announced(payment, kind, None) != is_due {
                return Err(format!("{kind} should be announced: {is_due}"));
            }
        }
        Ok(())
    }

    /// Each refund that succeeded has its own at the bank, and each at the bank has one of ours.
    fn compare_refunds(
        &mut self,
        payment: &Payment,
        operation: Option<&Operation>,
    ) -> Result<(), String> {
        if payment.bank == "tbank" || payment.is_code() {
            return self.compare_total(payment, operation);
        }
        let mut left = operation.map(|own| own.refunds.clone()).unwrap_or_default();
        for refund in &payment.refunds {
            let id = Some(refund.id.clone());
            match &refund.state {
                RefundState::Succeeded => {
                    let at_bank = refund.bank_refund_id.as_ref().and_then(|id| left.remove(id));
                    if at_bank != Some(refund.amount.kopecks()) {
                        return Err(format!("the bank has no such refund: {refund:?}"));
                    }
                    self.count("refund succeeded");
                }
                RefundState::Failed(failure) => match failure.code.as_str() {
                    "refund_not_found" => self.count("refund given up"),
                    "refund_too_large" => self.count("refund too large"),
                    _ => self.count("refund refused"),
                },
                RefundState::Requested | RefundState::Asked { .. } => {
                    return Err(format!("never settled: {refund:?}"));
                }
            }
            let kind = match refund.state {
                RefundState::Succeeded => "refund.succeeded",
                RefundState::Requested | RefundState::Asked { .. } | RefundState::Failed(_) => {
                    "refund.failed"
                }
            };
            let was_created = self.was_announced(payment, "refund.created", id.clone());
            if was_created != (refund.origin == Origin::Shop)
                || !self.was_announced(payment, kind, id)
            {
                return Err(format!("not announced: {refund:?}"));
            }
        }
        if left.is_empty() { Ok(()) } else { Err(format!("refunds we do not know: {left:?}")) }
    }

    /// Where the bank lists no refunds: what we say was done, the cabinet's found by what is left,
    /// is what is gone.
    fn compare_total(
        &mut self,
        payment: &Payment,
        operation: Option<&Operation>,
    ) -> Result<(), String> {
        let mut sum = 0;
        self.count_tbank(payment, operation);
        for refund in &payment.refunds {
            let kind = match &refund.state {
                RefundState::Succeeded => {
                    sum += refund.amount.kopecks();
                    self.count("refund succeeded");
                    if refund.bank_refund_id.as_ref() == Some(&refund.id) && payment.is_code() {
                        self.count("refund found in the statement");
                    }
                    "refund.succeeded"
                }
                RefundState::Failed(failure) => {
                    self.count(match failure.code.as_str() {
                        "refund_not_found" => "refund given up",
                        "refund_transfer_failed" => "refund failed after it was taken",
                        _ => "refund refused",
                    });
                    "refund.failed"
                }
                RefundState::Requested | RefundState::Asked { .. } => {
                    return Err(format!("never settled: {refund:?}"));
                }
            };
            let id = Some(refund.id.clone());
            let was_created = self.was_announced(payment, "refund.created", id.clone());
            if was_created != (refund.origin == Origin::Shop)
                || !self.was_announced(payment, kind, id)
            {
                return Err(format!("not announced: {refund:?}"));
            }
        }
        let gone = operation.map_or(0, Operation::refunded);
        if sum == gone { Ok(()) } else { Err(format!("we say {sum} went back, the bank {gone}")) }
    }

    fn count_tbank(&mut self, payment: &Payment, operation: Option<&Operation>) {
        let Some(operation) = operation else { return };
        let is_sbp = payment.facts.method.as_deref() == Some("sbp");
        if is_sbp && operation.refunded() > 0 {
            self.count("refunded by sbp");
        }
        if operation.paid > 0 && operation.has_declines {
            self.count("paid after a decline");
        }
        if (1..operation.amount).contains(&operation.paid) {
            self.count("part captured");
            if self.cabinet_total(payment) > 0 {
                self.count("part captured, refunded in the cabinet");
            }
        }
        if operation.status == "CANCELED" && payment.intents.void_requested_ms.is_some() {
            self.count("hold released");
        }
    }

    fn was_announced(&self, payment: &Payment, kind: &str, refund_id: Option<String>) -> bool {
        let key = (payment.id.clone(), kind.to_owned(), refund_id);
        self.books.announced.contains(&key)
    }
}

fn status_seen(status: Status) -> &'static str {
    match status {
        Status::Paid => "ended paid",
        Status::PartiallyRefunded => "ended partially refunded",
        Status::Refunded => "ended refunded",
        Status::Expired => "ended expired",
        Status::Failed => "ended failed",
        Status::Canceled => "ended canceled",
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Refunding
        | Status::AmountMismatch => "ended otherwise",
    }
}
