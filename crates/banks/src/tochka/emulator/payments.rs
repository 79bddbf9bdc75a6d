//! The only code that moves money: pay, hold, capture, refund, expire. Each change of an
//! operation's status happens here; refusals are sentences.

use super::{
    TochkaEmulator,
    state::{Mode, Operation, Order, OrderKind, RunningRefund, Status},
};
use crate::money::Money;

/// Order ids are decimal numbers at the bank (its sandbox answers "20").
pub(super) const ORDER_BASE: u64 = 10_000_000;
/// Processing ids of cards have eight digits (the sandbox answers "12965545").
const PAYMENT_BASE: u64 = 12_000_000;

impl TochkaEmulator {
    /// What time alone changes, each in its order: links and holds expire, running refunds become
    /// final, schedules charge.
    pub(super) fn ring_alarms(&mut self, now_ms: i64) {
        loop {
            let [link, charge] = [&self.state.alarms, &self.state.charges]
                .map(|due| due.first().filter(|(at_ms, _)| *at_ms <= now_ms).cloned());
            let is_charge = match (&link, &charge) {
                (None, None) => break,
                (Some((link_ms, _)), Some((charge_ms, _))) => charge_ms < link_ms,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            if is_charge {
                if let Some((at_ms, id)) = self.state.charges.pop_first() {
                    self.ring_charge(at_ms, &id);
                }
                continue;
            }
            let Some((_, id)) = self.state.alarms.pop_first() else { break };
            let Some(operation) = self.state.operations.get_mut(&id) else { continue };
            let finished = operation.running_refund.take_if(|refund| refund.until_ms <= now_ms);
            if let Some(refund) = finished {
                finish_refund(operation, refund);
            }
            if operation.expires_ms <= now_ms {
                expire(operation);
            }
        }
    }

    /// The payer paid. A card's money is only held when the link says so.
    pub(super) fn pay(&mut self, now_ms: i64, id: &str, mode: Mode) -> Result<(), String> {
        let operation = self.state.operations.get(id).ok_or("There is no such payment.")?;
        if operation.status != Status::Created {
            let status = operation.status.as_str();
            return Err(format!("A payment can be paid while CREATED; this one is {status}."));
        }
        if !operation.modes.contains(&mode) {
            return Err(format!("The link does not allow the method {}.", mode.as_str()));
        }
        let mint = &mut self.state.mint;
        let payment_id = match mode {
            Mode::Sbp => mint.sbp("A2"),
            Mode::Card | Mode::Tinkoff | Mode::Dolyame => mint.number(PAYMENT_BASE),
        };
        let transaction_id = (mode == Mode::Sbp).then(|| mint.uuid("transaction"));
        let qrc_id = (mode == Mode::Sbp).then(|| mint.sbp("AD"));
        let order_id = mint.number(ORDER_BASE);
        let Some(operation) = self.state.operations.get_mut(id) else { return Ok(()) };
        let is_hold = operation.pre_authorization && mode == Mode::Card;
        let kind = if is_hold { OrderKind::Authorized } else { OrderKind::Approval };
        operation.status = if is_hold { Status::Authorized } else { Status::Approved };
        operation.paid_by = Some(mode);
        operation.paid_ms = (!is_hold).then_some(now_ms);
        operation.payment_id = Some(payment_id);
        operation.transaction_id = transaction_id;
        operation.qrc_id = qrc_id;
        let amount = operation.amount;
        operation.orders.push(Order { id: order_id, kind, amount, at_ms: now_ms });
        if operation.subscription.is_some() {
            self.keep_card(now_ms, id);
        }
        self.announce(now_ms, id, amount);
        Ok(())
    }

    /// Takes the whole hold: the bank has no partial capture.
    pub(super) fn capture(&mut self, now_ms: i64, id: &str) -> Result<(), String> {
        let order_id = self.state.mint.number(ORDER_BASE);
        let operation =
            self.state.operations.get_mut(id).ok_or("Operation not found. Операция не найдена")?;
        if operation.status != Status::Authorized {
            let status = operation.status.as_str();
            return Err(format!("Операция в статусе {status} не может быть подтверждена"));
        }
        operation.status = Status::Approved;
        operation.paid_ms = Some(now_ms);
        let (kind, amount) = (OrderKind::Approval, operation.amount);
        operation.orders.push(Order { id: order_id, kind, amount, at_ms: now_ms });
        self.announce(now_ms, id, amount);
        Ok(())
    }

    /// Gives money back; the answer is the id of the new item of `Order[]`. Nothing is announced.
    pub(super) fn refund(
        &mut self,
        now_ms: i64,
        id: &str,
        amount: Money,
    ) -> Result<String, String> {
        let order_id = self.state.mint.number(ORDER_BASE);
        let lock_ms = self.state.timing.refund_lock_ms;
        let operation =
            self.state.operations.get_mut(id).ok_or("Operation not found. Операция не найдена")?;
        match operation.status {
            Status::Approved | Status::RefundedPartially => {}
            Status::Created
            | Status::Authorized
            | Status::OnRefund
            | Status::Refunded
            | Status::Expired
            | Status::WaitFullPayment => {
                let status = operation.status.as_str();
                return Err(format!("Возврат невозможен: операция в статусе {status}"));
            }
        }
        if amount.is_zero() || amount > operation.rest() {
            let rest = operation.rest();
            return Err(format!("Сумма возврата больше остатка по операции: {rest}"));
        }
        let until_ms = now_ms.saturating_add(lock_ms.max(0));
        let refund = RunningRefund { amount, order_id: order_id.clone(), until_ms };
        if lock_ms > 0 {
            operation.status = Status::OnRefund;
            operation.running_refund = Some(refund);
            self.state.alarms.insert((until_ms, id.to_owned()));
        } else {
            finish_refund(operation, refund);
        }
        Ok(order_id)
    }

    pub(super) fn expire_now(&mut self, now_ms: i64, id: &str) -> Result<(), String> {
        let operation = self.state.operations.get_mut(id).ok_or("There is no such payment.")?;
        match operation.status {
            Status::Created | Status::Authorized => {
                operation.expires_ms = operation.expires_ms.min(now_ms);
                expire(operation);
                Ok(())
            }
            Status::Approved
            | Status::OnRefund
            | Status::Refunded
            | Status::RefundedPartially
            | Status::Expired
            | Status::WaitFullPayment => {
                let status = operation.status.as_str();
                Err(format!("Only CREATED and AUTHORIZED payments expire; this one is {status}."))
            }
        }
    }

    /// The attempt failed; the link lives on and nothing is announced.
    pub(super) fn decline(&mut self, id: &str, reason: &str) -> Result<(), String> {
        let operation = self.state.operations.get_mut(id).ok_or("There is no such payment.")?;
        if operation.status != Status::Created {
            let status = operation.status.as_str();
            return Err(format!("A payment can be declined while CREATED; this one is {status}."));
        }
        operation.declines.push(reason.to_owned());
        Ok(())
    }
}

fn expire(operation: &mut Operation) {
    match operation.status {
        Status::Created | Status::Authorized => operation.status = Status::Expired,
        Status::Approved
        | Status::OnRefund
        | Status::Refunded
        | Status::RefundedPartially
        | Status::Expired
        | Status::WaitFullPayment => {}
    }
}

fn finish_refund(operation: &mut Operation, refund: RunningRefund) {
    let RunningRefund { amount, order_id: id, until_ms: at_ms } = refund;
    operation.orders.push(Order { id, kind: OrderKind::Refund, amount, at_ms });
    let is_full = operation.rest().is_zero();
    operation.status = if is_full { Status::Refunded } else { Status::RefundedPartially };
}
