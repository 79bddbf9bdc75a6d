//! The person at the controls: pays, declines, expires, refunds, spoils tokens, sets faults, looks.

use serde_json::{Value, json};

use super::{
    TochkaEmulator,
    cards::{CardFate, find_test_card},
    directory,
    state::{Mode, Notice, Operation, Status, TokenState},
    time,
};
use crate::{emulator::Control, money::Money};

impl TochkaEmulator {
    pub(super) fn apply_control(
        &mut self,
        now_ms: i64,
        control: &Control,
    ) -> Result<Value, String> {
        if let Some(done) = self.control_sbp(now_ms, control) {
            return done;
        }
        match control {
            Control::Pay { id, method, card } => {
                let id = self.resolve(id)?;
                self.pay_by_control(now_ms, &id, method.as_deref(), card.as_deref())?;
                self.show(&id)
            }
            Control::PayCode { .. } => Err("There is no such code.".to_owned()),
            Control::Decline { id, reason } => {
                let id = self.resolve(id)?;
                let reason = reason.as_deref().unwrap_or(CardFate::Decline.as_str());
                self.decline(&id, reason)?;
                self.show(&id)
            }
            Control::Expire { id } => {
                let id = self.resolve(id)?;
                self.expire_now(now_ms, &id)?;
                self.show(&id)
            }
            Control::Refund { id, amount } => {
                let id = self.resolve(id)?;
                self.refund_by_control(now_ms, &id, *amount)?;
                self.show(&id)
            }
            Control::Token { token, state } => self.set_token(token, state),
            Control::Fault(fault) => {
                self.state.faults.add(fault);
                Ok(self.state.faults.show())
            }
            Control::ClearFaults => {
                self.state.faults.clear();
                Ok(self.state.faults.show())
            }
            Control::Show { id } => {
                let id = self.resolve(id)?;
                self.show(&id)
            }
            Control::List => Ok(self.show_all(now_ms)),
        }
    }

    /// The operation's id, from itself or from the merchant's reference.
    fn resolve(&self, text: &str) -> Result<String, String> {
        if self.state.operations.contains_key(text) {
            return Ok(text.to_owned());
        }
        let known = self.state.references.get(text).cloned();
        known.ok_or_else(|| format!("There is no payment with the id or reference {text}."))
    }

    /// A card that does not pay makes the attempt fail: that is the answer, not an error.
    fn pay_by_control(
        &mut self,
        now_ms: i64,
        id: &str,
        method: Option<&str>,
        card: Option<&str>,
    ) -> Result<(), String> {
        let allowed = self.state.operations.get(id).and_then(|operation| {
            let has_card = operation.modes.contains(&Mode::Card);
            if card.is_some() && has_card {
                Some(Mode::Card)
            } else {
                operation.modes.first().copied()
            }
        });
        let mode = match method {
            None => allowed,
            Some(word) => parse_method(word),
        };
        let mode = mode.ok_or("The method is none of card, sbp, tpay and dolyame.")?;
        let card = match card {
            None => None,
            Some(_) if mode != Mode::Card => {
                return Err(format!("The method {} takes no card.", mode.as_str()));
            }
            Some(number) => Some(find_test_card(number).ok_or("This is not a test card.")?),
        };
        match card.map_or(CardFate::Approve, |card| card.fate) {
            CardFate::Approve => self.pay(now_ms, id, mode),
            fate @ (CardFate::Decline
            | CardFate::InsufficientFunds
            | CardFate::Expired
            | CardFate::ThreeDsFailed) => self.decline(id, fate.as_str()),
        }
    }

    fn refund_by_control(
        &mut self,
        now_ms: i64,
        id: &str,
        amount: Option<Money>,
    ) -> Result<(), String> {
        let operation = self.state.operations.get(id).ok_or("There is no such payment.")?;
        let rest = operation.rest();
        let status = operation.status.as_str();
        let amount = amount.unwrap_or(rest);
        if amount.is_zero() {
            return Err(format!("There is nothing to refund: the payment is {status}."));
        }
        self.refund(now_ms, id, amount).map(|_| ()).map_err(|_| {
            format!("The refund of {amount} is refused: the payment is {status}, {rest} is left.")
        })
    }

    fn set_token(&mut self, name: &str, state: &str) -> Result<Value, String> {
        if name == directory::SANDBOX_TOKEN {
            return Err("The token sandbox.jwt.token is always valid.".to_owned());
        }
        // A payment's id or reference stands for the card that it keeps.
        if let Ok(id) = self.resolve(name) {
            self.set_card_fate(&id, state)?;
            return self.show(&id);
        }
        let new_state = match state {
            "valid" => TokenState::Valid,
            "expired" => TokenState::Expired,
            "revoked" => TokenState::Revoked,
            _ => return Err("The state is none of valid, expired and revoked.".to_owned()),
        };
        let token = self.state.tokens.get_mut(name).ok_or("There is no such token.")?;
        token.state = new_state;
        Ok(json!({ "state": state }))
    }

    fn show(&self, id: &str) -> Result<Value, String> {
        let operation = self.state.operations.get(id).ok_or("There is no such payment.")?;
        let notices = operation.notices.iter().filter_map(|id| self.state.notices.get(id));
        let notices: Vec<Value> = notices.map(print_notice).collect();
        Ok(self.print_payment(operation, &notices))
    }

    fn show_all(&self, now_ms: i64) -> Value {
        let ids = self.state.sequence.iter();
        let payments: Vec<Value> = ids.filter_map(|id| self.show(id).ok()).collect();
        let notices: Vec<Value> = self.state.notices.values().map(print_notice).collect();
        json!({ "payments": payments, "codes": self.show_codes(now_ms), "notices": notices })
    }

    fn print_payment(&self, operation: &Operation, notices: &[Value]) -> Value {
        let orders: Vec<Value> = operation
            .orders
            .iter()
            .map(|order| {
                json!({
                    "id": order.id,
                    "type": order.kind.as_str(),
                    "amount_kopecks": order.amount.kopecks(),
                    "time": time::print(order.at_ms),
                })
            })
            .collect();
        json!({
            "id": operation.id,
            "reference": operation.reference,
            "url": self.payment_link(&operation.id),
            "amount_kopecks": operation.amount.kopecks(),
            "status": operation.status.as_str(),
            "purpose": operation.purpose,
            "method": operation.paid_by.map(Mode::as_str),
            "paid_kopecks": operation.paid().kopecks(),
            "refunded_kopecks": operation.refunded().kopecks(),
            "created_at": time::print(operation.created_ms),
            "expires_at": time::print(operation.expires_ms),
            "paid_at": operation.paid_ms.map(time::print),
            "orders": orders,
            "declines": operation.declines,
            "notices": notices,
            "subscription": print_subscription(operation),
        })
    }
}

fn print_subscription(operation: &Operation) -> Option<Value> {
    let own = operation.subscription.as_deref()?;
    Some(json!({
        "kind": if own.schedule.is_some() { "scheduled" } else { "recurring" },
        "status": own.life.word(operation.status == Status::Expired),
        "period": own.schedule.map(|schedule| schedule.period.as_str()),
        "days_in_period": own.schedule.and_then(|schedule| schedule.days),
        "count": own.schedule.map(|schedule| schedule.count),
        "charged": own.charged,
        "next_charge_at": own.next_ms.map(time::print),
        "card": own.card.as_ref().map(|card| card.masked.as_str()),
        "card_state": own.card.as_ref().map(|card| card.fate.as_str()),
    }))
}

/// The bank's words and the merchant's.
fn parse_method(word: &str) -> Option<Mode> {
    if word == "tpay" { Some(Mode::Tinkoff) } else { Mode::parse(word) }
}

pub(super) fn print_notice(notice: &Notice) -> Value {
    let tries: Vec<Value> = notice
        .tries
        .iter()
        .map(|own| {
            json!({
                "at": time::from_ms(own.at_ms).to_string(),
                "answered": own.answered,
                "status": own.status,
            })
        })
        .collect();
    json!({
        "id": notice.id,
        "kind": notice.kind,
        "payment": notice.operation_id,
        "is_test": notice.ticket.is_some(),
        "url": notice.url,
        "state": notice.state.as_str(),
        "due_at": time::from_ms(notice.due_ms).to_string(),
        "tries": tries,
    })
}
