//! What people do: payers at a bank's page, somebody in its cabinet, a shop with a paid or held
//! payment. What a bank or Kopeck does not allow is no step.

use kopeck::payments::{flow, model::Payment};
use kopeck_banks::{
    Money,
    emulator::Control,
    op::PayMethod,
    tbank::emulator::{CardFate, TEST_CARDS},
};

use super::world::{Bank, Order, World};

/// Few sums, so that refunds of the same sum are common.
const REFUNDS: [i64; 4] = [5_000, 5_000, 10_000, 25_000];
/// The bank's states in which it gives money back.
const PAID: [&str; 2] = ["APPROVED", "REFUNDED_PARTIALLY"];
/// Why a bank may decline, in the words of its controls, and how it is counted.
const REASONS: [(&str, &str); 4] = [
    ("declined", "declined: by the bank"),
    ("insufficient_funds", "declined: insufficient funds"),
    ("card_expired", "declined: card expired"),
    ("3ds_failed", "declined: 3-D Secure failed"),
];

impl World {
    /// Somebody at a bank's controls.
    fn control(&mut self, make: impl FnOnce(String) -> Control) -> Option<Order> {
        let order = self.pick_order_at(&["CREATED"])?;
        let id = self.id_at_bank(&order)?;
        self.control_of(&order, &make(id)).then_some(order)
    }

    /// What the payer or the cabinet calls it.
    pub fn id_at_bank(&self, order: &Order) -> Option<String> {
        if self.banks[order.bank].is_tbank() {
            return order.bank_id.clone();
        }
        let operations = &self.banks[order.bank].truth;
        let own = operations.iter().find(|own| own.reference == order.reference);
        own.map(|own| own.id.clone()).or_else(|| Some(order.reference.clone()))
    }

    pub fn control_of(&mut self, order: &Order, control: &Control) -> bool {
        let now = self.now();
        let bank = &mut self.banks[order.bank];
        let is_done = bank.emulator.control(now, control).is_ok();
        bank.is_changed = true;
        if is_done {
            self.say(|| format!("at the bank: {control:?}"));
        }
        is_done
    }

    pub fn expire(&mut self) {
        self.control(|id| Control::Expire { id });
    }

    pub fn decline(&mut self) {
        let has_codes = self.banks.iter().any(Bank::has_codes);
        let states: &[&str] = if has_codes { &["CREATED", "APPROVED"] } else { &["CREATED"] };
        let Some(order) = self.pick_order_at(states) else { return };
        let Some(id) = self.id_at_bank(&order) else { return };
        let mut reason = None;
        if self.banks[order.bank].is_tbank() {
            reason = Some(*self.chance.pick(&REASONS));
        }
        let word = reason.map(|(word, _)| word.to_owned());
        if self.banks[order.bank].has_codes() {
            let mut own = self.banks[order.bank].truth.iter();
            let is_paid = own.any(|own| own.id == id && own.paid > 0);
            if self.control_of(&order, &Control::Decline { id, reason: word }) {
                // Of a paid code the next refund will fail after it was taken.
                self.count(if is_paid { "refund spoiled" } else { "attempt failed" });
            }
            return;
        }
        if self.control_of(&order, &Control::Decline { id, reason: word })
            && let Some((_, seen)) = reason
        {
            self.count(seen);
        }
    }

    pub fn pay(&mut self) {
        let Some(order) = self.pick_order_at(&["CREATED"]) else { return };
        let Some(id) = self.id_at_bank(&order) else { return };
        if self.saves && !self.scan(&order) {
            return;
        }
        let (mut method, mut card) = (None, None);
        if self.banks[order.bank].is_tbank() {
            let own = *self.chance.pick(&order.methods);
            method = Some(own.as_str().to_owned());
            if own == PayMethod::Card && self.chance.percent(30) {
                card = Some(self.chance.pick(&TEST_CARDS));
            }
        }
        let is_sbp = method.as_deref() == Some(PayMethod::Sbp.as_str());
        let number = card.map(|card| card.number.to_owned());
        if !self.control_of(&order, &Control::Pay { id, method, card: number }) {
            return;
        }
        self.count(match card.map(|card| card.fate) {
            None | Some(CardFate::Approve) if is_sbp => "paid by sbp",
            None | Some(CardFate::Approve) => "paid or held",
            Some(CardFate::Challenge) => "challenged",
            Some(CardFate::Decline | CardFate::InsufficientFunds | CardFate::ThreeDsFailed) => {
                "card declined"
            }
        });
    }

    /// Whether a refund in the cabinet could be taken for one of the shop's. By SBP a refund whose
    /// answer was lost is told from the sum that is left, so that one in the cabinet at the same
    /// time, of the same sum or more, is not told apart: the API's tests say so.
    fn is_ambiguous(&self, order: &Order) -> bool {
        let is_sbp = order.methods.contains(&PayMethod::Sbp);
        let is_waiting = |payment: &Payment| {
            payment.id == order.payment_id
                && payment.refunds.iter().any(|refund| refund.state.is_pending())
        };
        self.banks[order.bank].is_tbank()
            && is_sbp
            && self.payments(order.bank).iter().any(is_waiting)
    }

    pub fn cabinet_refund(&mut self) {
        let Some(order) = self.pick_order_at(&PAID) else { return };
        let kopecks = *self.chance.pick(&REFUNDS);
        let amount = Some(Money::from_kopecks(kopecks).unwrap());
        let Some(id) = self.id_at_bank(&order) else { return };
        if self.is_ambiguous(&order) {
            return;
        }
        if self.control_of(&order, &Control::Refund { id, amount }) {
            *self.cabinet.entry((order.reference, kopecks)).or_default() += 1;
            self.count("cabinet refund");
        }
    }

    pub fn request_capture(&mut self) {
        let Some(order) = self.pick_order_at(&["AUTHORIZED"]) else { return };
        let ctx = self.ctx(0);
        let shop_id = self.banks[order.bank].connection.shop_id.clone();
        let id = order.payment_id;
        let mut amount = None;
        if self.banks[order.bank].is_tbank() {
            if self.chance.percent(30) {
                let asked = self.write(move |tx| flow::request_void(tx, &ctx, &shop_id, &id));
                if asked.is_ok() {
                    self.count("void requested");
                    self.say(|| format!("the shop releases {}", order.reference));
                }
                return;
            }
            if self.chance.percent(40) {
                let part = *self.chance.pick(&[2, 4]);
                amount = Money::from_kopecks(order.amount / part).ok();
            }
        }
        let asked = self.write(move |tx| flow::request_capture(tx, &ctx, &shop_id, &id, amount));
        if asked.is_ok() {
            self.count("capture requested");
            self.say(|| format!("the shop captures {amount:?} of {}", order.reference));
        }
    }

    pub fn request_refund(&mut self) {
        let Some(order) = self.pick_order_at(&PAID) else { return };
        let kopecks = match self.chance.below(8) {
            0 => order.amount,
            1 => order.amount + 1,
            _ => *self.chance.pick(&REFUNDS),
        };
        let process = self.chance.below(2);
        let ctx = self.ctx(process);
        let shop_id = self.banks[order.bank].connection.shop_id.clone();
        let refund_id = ctx.mint.id("rf");
        let (id, amount) = (order.payment_id, Money::from_kopecks(kopecks).unwrap());
        let asked = self.write(move |tx| {
            flow::request_refund(tx, &ctx, &shop_id, &id, (&refund_id, amount, None))
        });
        if asked.is_ok() {
            self.count("refund requested");
            self.say(|| format!("the shop refunds {kopecks} of {}", order.reference));
        }
    }
}
