//! The only code that moves a subscription's money after its first payment: charges by call and by
//! schedule, and what ends them. Failures are kept for the controls and announced to nobody.

use jiff::{Span, tz};

use crate::{
    money::Money,
    tochka::emulator::{
        TochkaEmulator,
        payments::ORDER_BASE,
        state::{Operation, Order, OrderKind, Status},
        time::{self, DAY_MS},
    },
};

use super::state::{ChargeFate, KeptCard, Life, Period, RunningCharge, Schedule};

/// A charge by schedule is tried so often, a day apart, before the bank gives up.
const MAX_TRIES: u32 = 3;
/// The one test card that pays.
const MASKED: &str = "220000******0004";

/// The first time of a schedule after `after_ms`, as periods count from the first payment.
fn next_time(schedule: Schedule, first_ms: i64, after_ms: i64) -> Option<i64> {
    let first = time::from_ms(first_ms).to_zoned(tz::TimeZone::fixed(tz::offset(3)));
    // A failed charge may have been tried past the next times.
    (1..=i64::from(schedule.count) * i64::from(MAX_TRIES)).find_map(|nth| {
        let span = match schedule.period {
            Period::Day => Span::new().try_days(nth * i64::from(schedule.days.unwrap_or(1))),
            Period::Month => Span::new().try_months(nth),
            Period::Year => Span::new().try_years(nth),
        };
        let at_ms = first.checked_add(span.ok()?).ok()?.timestamp().as_millisecond();
        (at_ms > after_ms).then_some(at_ms)
    })
}

impl TochkaEmulator {
    /// The link was paid: the card is kept, and the schedule begins.
    pub(in crate::tochka::emulator) fn keep_card(&mut self, now_ms: i64, id: &str) {
        let card_id = self.state.mint.uuid("card");
        let Some(operation) = self.state.operations.get_mut(id) else { return };
        let Some(own) = operation.subscription.as_mut() else { return };
        let fate = if own.is_spoiled { ChargeFate::Revoked } else { ChargeFate::Valid };
        own.card = Some(KeptCard { id: card_id, masked: MASKED.to_owned(), fate });
        own.life = Life::Active;
        own.charged = 1;
        self.plan_next(now_ms, id);
    }

    /// `Ok(false)`: the card's bank said no.
    pub(super) fn charge(
        &mut self,
        now_ms: i64,
        id: &str,
        amount: Money,
    ) -> Result<bool, &'static str> {
        let operation = self.state.operations.get_mut(id).ok_or("Subscription not found")?;
        let sum = operation.paid().checked_add(amount).ok_or("Сумма списаний слишком велика")?;
        let own = operation.subscription.as_mut().ok_or("Subscription not found")?;
        let running = own.running.iter().map(|running| running.amount);
        let most = Money::checked_sum(running.chain([sum]));
        most.ok_or("Сумма списаний слишком велика")?;
        let fate = own.card.as_ref().map(|card| card.fate).ok_or("Подписка не оплачена")?;
        if fate != ChargeFate::Valid {
            operation.declines.push(fate.as_str().to_owned());
            return Ok(false);
        }
        let order_id = self.state.mint.number(ORDER_BASE);
        let until_ms = now_ms.saturating_add(self.state.timing.charge_ms.max(0));
        let running = RunningCharge { amount, order_id, until_ms };
        if until_ms > now_ms {
            own.running.push(running);
            self.state.charges.insert((until_ms, id.to_owned()));
        } else {
            self.show_charge(id, running);
        }
        Ok(true)
    }

    /// From now on it stands in `Order[]`, and the merchant is told.
    fn show_charge(&mut self, id: &str, charge: RunningCharge) {
        let RunningCharge { amount, order_id, until_ms: at_ms } = charge;
        let Some(operation) = self.state.operations.get_mut(id) else { return };
        operation.orders.push(Order { id: order_id, kind: OrderKind::Approval, amount, at_ms });
        if let Some(own) = operation.subscription.as_mut() {
            own.charged += 1;
        }
        // What was given back of it before stays said.
        if operation.status == Status::Refunded {
            operation.status = Status::RefundedPartially;
        }
        self.announce(at_ms, id, amount);
    }

    /// What a subscription waited for: a charge comes to be shown, or its time has come.
    pub(in crate::tochka::emulator) fn ring_charge(&mut self, at_ms: i64, id: &str) {
        let Some(operation) = self.state.operations.get_mut(id) else { return };
        let amount = operation.amount;
        let Some(own) = operation.subscription.as_mut() else { return };
        let (shown, waiting): (Vec<_>, Vec<_>) =
            own.running.drain(..).partition(|running| running.until_ms <= at_ms);
        own.running = waiting;
        let is_due = own.next_ms.is_some_and(|due_ms| due_ms <= at_ms);
        for charge in shown {
            self.show_charge(id, charge);
        }
        if is_due {
            self.charge_by_schedule(at_ms, id, amount);
        }
    }

    fn charge_by_schedule(&mut self, at_ms: i64, id: &str, amount: Money) {
        let order_id = self.state.mint.number(ORDER_BASE);
        let Some(operation) = self.state.operations.get_mut(id) else { return };
        let is_in_range = operation.paid().checked_add(amount).is_some();
        let Some(own) = operation.subscription.as_mut() else { return };
        own.next_ms = None;
        let fate = own.card.as_ref().map_or(ChargeFate::Revoked, |card| card.fate);
        if fate == ChargeFate::Valid && is_in_range {
            own.failures = 0;
            own.life = Life::Active;
            self.show_charge(id, RunningCharge { amount, order_id, until_ms: at_ms });
            self.plan_next(at_ms, id);
            return;
        }
        operation.declines.push(fate.as_str().to_owned());
        own.failures += 1;
        if own.failures >= MAX_TRIES {
            own.life = Life::Failed;
            return;
        }
        own.life = Life::PastDue;
        self.wait_until(at_ms.saturating_add(DAY_MS), id);
    }

    /// When a scheduled one is charged next, or that it was charged for the last time.
    fn plan_next(&mut self, now_ms: i64, id: &str) {
        let Some(operation) = self.state.operations.get_mut(id) else { return };
        let first_ms = operation.paid_ms.unwrap_or(now_ms);
        let Some(own) = operation.subscription.as_mut() else { return };
        let Some(schedule) = own.schedule else { return };
        let next_ms = next_time(schedule, first_ms, now_ms);
        match next_ms.filter(|_| own.charged < schedule.count) {
            Some(next_ms) => self.wait_until(next_ms, id),
            None => own.life = Life::Completed,
        }
    }

    fn wait_until(&mut self, next_ms: i64, id: &str) {
        let operation = self.state.operations.get_mut(id);
        if let Some(own) = operation.and_then(|operation| operation.subscription.as_mut()) {
            own.next_ms = Some(next_ms);
            self.state.charges.insert((next_ms, id.to_owned()));
        }
    }

    pub(super) fn cancel_subscription(
        &mut self,
        now_ms: i64,
        id: &str,
    ) -> Result<(), &'static str> {
        let operation = self.state.operations.get_mut(id).ok_or("Subscription not found")?;
        let is_over = operation.status == Status::Expired;
        let own = operation.subscription.as_mut().ok_or("Subscription not found")?;
        match own.life {
            Life::Preparing if is_over => return Err("Подписка уже завершена"),
            Life::Cancelled | Life::Completed | Life::Failed => {
                return Err("Подписка уже завершена");
            }
            Life::Preparing => close_link(operation, now_ms),
            Life::Active | Life::PastDue => {
                own.life = Life::Cancelled;
                own.next_ms = None;
            }
        }
        Ok(())
    }

    /// What happens when the kept card is charged next, by the controls.
    pub(in crate::tochka::emulator) fn set_card_fate(
        &mut self,
        id: &str,
        state: &str,
    ) -> Result<(), &'static str> {
        let operation = self.state.operations.get_mut(id);
        let own = operation.and_then(|operation| operation.subscription.as_mut());
        let card = own.and_then(|own| own.card.as_mut());
        let card = card.ok_or("This payment keeps no card to be charged again.")?;
        card.fate = ChargeFate::parse(state)
            .ok_or("The state is none of valid, expired, revoked and insufficient_funds.")?;
        Ok(())
    }
}

fn close_link(operation: &mut Operation, now_ms: i64) {
    operation.status = Status::Expired;
    operation.expires_ms = operation.expires_ms.min(now_ms);
    if let Some(own) = operation.subscription.as_mut() {
        own.life = Life::Cancelled;
    }
}
