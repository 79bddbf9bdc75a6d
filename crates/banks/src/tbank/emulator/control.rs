//! The person at the controls: pays, declines, expires, refunds, spoils tokens, sets faults, looks.
//!
//! An id is a `PaymentId`, an `OrderId` (its latest payment) or the `RequestKey` of a binding.

use serde_json::{Value, json};

use super::{
    TbankEmulator,
    cards::{CardFate, TestCard, find_test_card, mask},
    directory,
    state::{ChargeFate, Notice, Payment, Target},
    status::{Source, Status},
    time,
};
use crate::{emulator::Control, money::Money};

/// The bank's code for a word of ours, or for its own code.
fn decline_code(reason: &str, source: Source) -> Result<String, String> {
    Ok(match reason {
        "declined" if source == Source::Sbp => "5043".to_owned(),
        "declined" => "99".to_owned(),
        "insufficient_funds" if source == Source::Sbp => "5060".to_owned(),
        "insufficient_funds" => "1051".to_owned(),
        "card_expired" => "1054".to_owned(),
        "3ds_failed" => "101".to_owned(),
        code if code.parse::<u32>().is_ok_and(|n| n > 0 && n.to_string() == code) => {
            code.to_owned()
        }
        _ => {
            return Err("The reason is none of declined, insufficient_funds, card_expired, \
                        3ds_failed and the bank's codes."
                .to_owned());
        }
    })
}

/// The SBP's code of a refund that failed: `I05043` when none is named.
fn refund_code(reason: Option<&str>) -> Result<&str, String> {
    let reason = reason.unwrap_or("I05043");
    let digits = reason.strip_prefix('I').unwrap_or("");
    if digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(reason);
    }
    Err("A refund runs: it fails for a reason of the SBP's, such as I05043.".to_owned())
}

impl CardFate {
    /// The bank's code for a card that does not pay.
    pub(super) const fn error_code(self) -> Option<&'static str> {
        match self {
            CardFate::Approve | CardFate::Challenge => None,
            CardFate::Decline => Some("99"),
            CardFate::InsufficientFunds => Some("1051"),
            CardFate::ThreeDsFailed => Some("101"),
        }
    }
}

impl TbankEmulator {
    pub(super) fn apply_control(
        &mut self,
        now_ms: i64,
        control: &Control,
    ) -> Result<Value, String> {
        match control {
            Control::Pay { id, method, card } => {
                let target = self.resolve(id)?;
                self.pay_by_control(now_ms, &target, method.as_deref(), card.as_deref())?;
                self.show(&target)
            }
            Control::PayCode { .. } => {
                Err("This bank has no codes that live by themselves: pay the payment.".to_owned())
            }
            Control::Decline { id, reason } => {
                let target = self.resolve(id)?;
                self.decline_by_control(now_ms, &target, reason.as_deref())?;
                self.show(&target)
            }
            Control::Expire { id } => {
                let target = self.resolve(id)?;
                match &target {
                    Target::Payment(id) => self.expire_now(now_ms, *id)?,
                    Target::Binding(key) => self.reject_binding(now_ms, key, "262"),
                    Target::Account(key) => self.settle_account(now_ms, key, false)?,
                }
                self.show(&target)
            }
            Control::Refund { id, amount } => {
                let Target::Payment(id) = self.resolve(id)? else {
                    return Err("A binding has nothing to refund.".to_owned());
                };
                self.refund_by_control(now_ms, id, *amount)?;
                self.show(&Target::Payment(id))
            }
            Control::Token { token, state } => self.set_token_state(token, state),
            Control::Fault(fault) => {
                self.state.faults.add(fault);
                Ok(self.state.faults.show())
            }
            Control::ClearFaults => {
                self.state.faults.clear();
                Ok(self.state.faults.show())
            }
            Control::Show { id } => {
                let target = self.resolve(id)?;
                self.show(&target)
            }
            Control::List => Ok(self.show_all()),
        }
    }

    fn resolve(&self, text: &str) -> Result<Target, String> {
        if let Some(id) = text.parse().ok().filter(|id| self.state.payments.contains_key(id)) {
            return Ok(Target::Payment(id));
        }
        if self.state.bindings.contains_key(text) {
            return Ok(Target::Binding(text.to_owned()));
        }
        if self.state.accounts.contains_key(text) {
            return Ok(Target::Account(text.to_owned()));
        }
        let payments = self.state.payments.values().rev();
        let latest = payments.filter(|payment| payment.order_id == text).map(|p| p.id).next();
        latest
            .map(Target::Payment)
            .ok_or_else(|| format!("There is no payment with the id or order {text}."))
    }

    /// A card that does not pay makes the attempt fail: that is the answer, not an error.
    fn pay_by_control(
        &mut self,
        now_ms: i64,
        target: &Target,
        method: Option<&str>,
        card: Option<&str>,
    ) -> Result<(), String> {
        let card = match card {
            Some(number) => Some(find_test_card(number).ok_or("This is not a test card.")?),
            None => None,
        };
        match target {
            Target::Payment(id) => {
                let source = match method {
                    Some(word) => Source::parse(word).ok_or(
                        "The method is none of card, sbp, tpay, sberpay, mirpay and dolyame.",
                    )?,
                    None => self.usual_source(*id, card.is_some()),
                };
                if card.is_some() && source != Source::Cards {
                    return Err(format!("The method {} takes no card.", source.method()));
                }
                self.pay_with(now_ms, *id, source, card.or_else(|| find_test_card(USUAL_CARD)))
            }
            Target::Binding(key) => {
                let card = card.or_else(|| find_test_card(USUAL_CARD));
                let card = card.ok_or("There is no test card.")?;
                match card.fate.error_code() {
                    Some(code) => self.reject_binding(now_ms, key, code),
                    None => self.complete_binding(now_ms, key, (mask(card.number), expiry())),
                }
                Ok(())
            }
            Target::Account(key) => self.settle_account(now_ms, key, true),
        }
    }

    /// What the payer would use: the QR when one was made.
    fn usual_source(&self, id: u64, has_card: bool) -> Source {
        let payment = self.state.payments.get(&id);
        let has_qr = payment.is_some_and(|payment| payment.qr_link.is_some());
        if has_qr && !has_card { Source::Sbp } else { Source::Cards }
    }

    /// The payer pays with this; the page and the controls end here.
    pub(super) fn pay_with(
        &mut self,
        now_ms: i64,
        id: u64,
        source: Source,
        card: Option<&TestCard>,
    ) -> Result<(), String> {
        let payment = self.state.payments.get(&id).ok_or("There is no such payment.")?;
        if !payment.status.is_open() || payment.expires_ms <= now_ms {
            let status = payment.status.as_str();
            return Err(format!("A payment can be paid while NEW or FORM_SHOWED, not {status}."));
        }
        let terminal = directory::find_terminal(&payment.terminal);
        if source == Source::Sbp && !terminal.is_some_and(|terminal| terminal.sbp) {
            return Err("The terminal takes no SBP payments.".to_owned());
        }
        let challenged = payment.challenged.clone();
        self.open_form(now_ms, id);
        let Some(card) = card.filter(|_| source == Source::Cards) else {
            return self.approve(now_ms, id, source, None);
        };
        let face = challenged.unwrap_or_else(|| (mask(card.number), expiry()));
        let is_demo = terminal.is_none_or(directory::Terminal::is_demo);
        let is_asked =
            self.state.payments.get(&id).map(|p| p.status) == Some(Status::ThreeDsChecking);
        match card.fate {
            // DEMO terminals do no 3-D Secure; a second press answers the question.
            CardFate::Challenge if !is_demo && !is_asked => self.challenge(now_ms, id, face),
            CardFate::Approve | CardFate::Challenge => {
                return self.approve(now_ms, id, source, Some(face));
            }
            CardFate::Decline | CardFate::InsufficientFunds | CardFate::ThreeDsFailed => {
                let code = card.fate.error_code().unwrap_or("99");
                self.decline(now_ms, id, code, false);
            }
        }
        Ok(())
    }

    fn decline_by_control(
        &mut self,
        now_ms: i64,
        target: &Target,
        reason: Option<&str>,
    ) -> Result<(), String> {
        let refund_reason = reason;
        let reason = reason.unwrap_or("declined");
        match target {
            Target::Payment(id) => {
                let payment = self.state.payments.get(id).ok_or("There is no such payment.")?;
                let status = payment.status;
                if status.is_refunding() {
                    self.fail_refund(now_ms, *id, refund_code(refund_reason)?);
                } else if status.is_open() {
                    let code = decline_code(reason, self.usual_source(*id, false))?;
                    self.decline(now_ms, *id, &code, false);
                } else {
                    return Err(format!(
                        "A payment can be declined before it is paid, and a refund while it \
                         runs; this one is {}.",
                        status.as_str()
                    ));
                }
                Ok(())
            }
            Target::Binding(key) => {
                let code = decline_code(reason, Source::Cards)?;
                self.reject_binding(now_ms, key, &code);
                Ok(())
            }
            Target::Account(key) => self.settle_account(now_ms, key, false),
        }
    }

    fn refund_by_control(
        &mut self,
        now_ms: i64,
        id: u64,
        amount: Option<Money>,
    ) -> Result<(), String> {
        let payment = self.state.payments.get(&id).ok_or("There is no such payment.")?;
        let (status, rest) = (payment.status.as_str(), payment.rest());
        if rest.is_zero() {
            return Err(format!("There is nothing to refund: the payment is {status}."));
        }
        let done = self.cancel_with(now_ms, id, (amount, None), false);
        done.map(|_| ())
            .map_err(|_| format!("The refund is refused: the payment is {status}, {rest} is left."))
    }

    /// A `TerminalKey`, which the bank may block.
    fn set_token_state(&mut self, token: &str, state: &str) -> Result<Value, String> {
        if directory::find_terminal(token).is_none() {
            return self.set_charge_fate(token, state);
        }
        match state {
            "blocked" => self.state.blocked_terminals.insert(token.to_owned()),
            "valid" => self.state.blocked_terminals.remove(token),
            _ => return Err("A terminal is valid or blocked.".to_owned()),
        };
        Ok(json!({ "state": state }))
    }

    /// A `RebillId` or an `AccountToken`: what happens when it is charged next.
    fn set_charge_fate(&mut self, token: &str, state: &str) -> Result<Value, String> {
        let fate = ChargeFate::parse(state)
            .ok_or("The state is none of valid, expired, revoked and insufficient_funds.")?;
        let own = Some(token);
        let cards = self.state.cards.values_mut();
        let cards = cards.filter(|card| card.rebill_id.as_deref() == own).map(|c| &mut c.fate);
        let accounts = self.state.accounts.values_mut();
        let accounts = accounts.filter(|a| a.token.as_deref() == own).map(|a| &mut a.fate);
        let mut count = 0;
        for known in cards.chain(accounts) {
            *known = fate;
            count += 1;
        }
        if count == 0 {
            return Err("There is no such RebillId, AccountToken or TerminalKey.".to_owned());
        }
        Ok(json!({ "state": state }))
    }

    fn show(&self, target: &Target) -> Result<Value, String> {
        match target {
            Target::Payment(id) => {
                let payment = self.state.payments.get(id).ok_or("There is no such payment.")?;
                Ok(self.print_payment(payment))
            }
            Target::Binding(key) => {
                let binding = self.state.bindings.get(key).ok_or("There is no such binding.")?;
                Ok(json!({
                    "id": binding.request_key,
                    "kind": "card",
                    "reference": binding.customer_key,
                    "url": self.page_url(&binding.code),
                    "status": binding.status.as_str(),
                    "card_id": binding.card_id,
                    "rebill_id": binding.rebill_id,
                }))
            }
            Target::Account(key) => {
                let account = self.state.accounts.get(key).ok_or("There is no such binding.")?;
                Ok(json!({
                    "id": account.request_key,
                    "kind": "account",
                    "reference": account.description,
                    "url": account.code.as_ref().map(|code| self.page_url(code)),
                    "link": account.link,
                    "status": account.status.as_str(),
                    "account_token": account.token,
                }))
            }
        }
    }

    fn show_all(&self) -> Value {
        let payments = self.state.payments.values().map(|own| self.print_payment(own));
        let bindings = self.state.bindings.keys().cloned().map(Target::Binding);
        let accounts = self.state.accounts.keys().cloned().map(Target::Account);
        let bindings = bindings.chain(accounts).filter_map(|own| self.show(&own).ok());
        json!({
            "payments": payments.collect::<Vec<_>>(),
            "bindings": bindings.collect::<Vec<_>>(),
            "notices": self.state.notices.values().map(print_notice).collect::<Vec<_>>(),
        })
    }

    fn print_payment(&self, payment: &Payment) -> Value {
        let notices = payment.notices.iter().filter_map(|id| self.state.notices.get(id));
        let history: Vec<Value> = payment
            .history
            .iter()
            .map(|(at_ms, status)| json!({ "status": status.as_str(), "at": time::print(*at_ms) }))
            .collect();
        let card = payment.card.as_ref();
        json!({
            "id": payment.id.to_string(),
            "reference": payment.order_id,
            "terminal": payment.terminal,
            "url": self.page_url(&payment.code),
            "amount_kopecks": payment.amount.kopecks(),
            "status": payment.status.as_str(),
            "purpose": payment.description,
            "method": payment.source.map(Source::method),
            "held_kopecks": payment.held.kopecks(),
            "paid_kopecks": payment.captured.kopecks(),
            "refunded_kopecks": payment.refunded.kopecks(),
            "card_id": card.map(|card| card.card_id.clone()),
            "rebill_id": card.and_then(|card| card.rebill_id.clone()),
            "request_key": payment.qr_request_key,
            "created_at": time::print(payment.created_ms),
            "expires_at": time::print(payment.expires_ms),
            "paid_at": payment.paid_ms.map(time::print),
            "declines": payment.declines,
            "history": history,
            "documents": self.print_documents(payment),
            "notices": notices.map(print_notice).collect::<Vec<_>>(),
        })
    }
}

/// The card of a payer who was not told which one to use.
pub(super) const USUAL_CARD: &str = "4300000000000777";

/// The expiry of every test card, `MMYY`: the bank takes any.
pub(super) fn expiry() -> String {
    "1230".to_owned()
}

fn print_notice(notice: &Notice) -> Value {
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
        "payment": notice.payment_id.map(|id| id.to_string()),
        "is_test": false,
        "url": notice.url,
        "state": notice.state.as_str(),
        "due_at": time::from_ms(notice.due_ms).to_string(),
        "tries": tries,
    })
}
