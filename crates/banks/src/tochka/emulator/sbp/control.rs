//! The person at the controls, before codes that live by themselves.

use serde_json::{Value, json};

use super::{
    state::{Code, Transfer},
    transfers::Payer,
};
use crate::{
    emulator::Control,
    money::Money,
    tochka::emulator::{TochkaEmulator, control::print_notice, time},
};

const PAYER: &str = "Иван Иванович И.";
const PHONE: &str = "+79991234567";

impl TochkaEmulator {
    /// `None` when the control is not about a code or a refund by one.
    pub(in crate::tochka::emulator) fn control_sbp(
        &mut self,
        now_ms: i64,
        control: &Control,
    ) -> Option<Result<Value, String>> {
        let knows = |id: &String| {
            self.state.sbp.codes.contains_key(id) || self.state.sbp.refunds.contains_key(id)
        };
        match control {
            Control::PayCode { id, amount, payer_name, payer_phone } => {
                let payer = Payer {
                    name: payer_name.clone().unwrap_or_else(|| PAYER.to_owned()),
                    phone: payer_phone.clone().unwrap_or_else(|| PHONE.to_owned()),
                };
                let paid = self.transfer(now_ms, id, *amount, payer, None);
                Some(paid.and_then(|()| self.show_sbp(now_ms, id)))
            }
            Control::Pay { id, method, card } if knows(id) => {
                if card.is_some() || method.as_deref().is_some_and(|word| word != "sbp") {
                    return Some(Err("A code is paid by sbp, without a card.".to_owned()));
                }
                let payer = Payer { name: PAYER.to_owned(), phone: PHONE.to_owned() };
                let paid = self.transfer(now_ms, id, None, payer, None);
                Some(paid.and_then(|()| self.show_sbp(now_ms, id)))
            }
            Control::Decline { id, reason } if knows(id) => {
                let reason = reason.clone().unwrap_or_else(|| "declined".to_owned());
                let done = self.spoil_sbp(now_ms, id, reason);
                Some(done.and_then(|()| self.show_sbp(now_ms, id)))
            }
            Control::Expire { id } if knows(id) => {
                let done = self.end_code(now_ms, id);
                Some(done.and_then(|()| self.show_sbp(now_ms, id)))
            }
            Control::Refund { id, .. } if knows(id) => Some(Err(
                "What came by a code goes back by the bank's API or in its real cabinet only."
                    .to_owned(),
            )),
            Control::Show { id } if knows(id) => Some(self.show_sbp(now_ms, id)),
            Control::Pay { .. }
            | Control::Decline { .. }
            | Control::Expire { .. }
            | Control::Refund { .. }
            | Control::Show { .. }
            | Control::Token { .. }
            | Control::Fault(_)
            | Control::ClearFaults
            | Control::List => None,
        }
    }

    /// An attempt to pay fails; of a paid code the next refund will; of a running refund, it does.
    fn spoil_sbp(&mut self, now_ms: i64, id: &str, reason: String) -> Result<(), String> {
        if let Some(refund) = self.state.sbp.refunds.get_mut(id) {
            if now_ms >= refund.final_ms {
                return Err("The refund is final already.".to_owned());
            }
            refund.final_ms = now_ms;
            refund.failure = Some(reason);
            return Ok(());
        }
        let is_paid = self.state.sbp.paid(id).next().is_some();
        let code = self.state.sbp.codes.get_mut(id).ok_or("There is no such code.")?;
        if is_paid && code.kind.is_paid_once() {
            code.spoiled = Some(reason);
            return Ok(());
        }
        let amount = match (code.armed(now_ms), code.amount) {
            (None, None) => Some(Money::from_kopecks(100).unwrap_or_default()),
            (Some(_), _) | (None, Some(_)) => None,
        };
        let payer = Payer { name: PAYER.to_owned(), phone: PHONE.to_owned() };
        self.transfer(now_ms, id, amount, payer, Some(reason))
    }

    fn end_code(&mut self, now_ms: i64, id: &str) -> Result<(), String> {
        let code = self.state.sbp.codes.get_mut(id).ok_or("A refund does not expire.")?;
        let arming = code.armings.last_mut().filter(|arming| !arming.is_over);
        if let Some(arming) = arming {
            arming.until_ms = arming.until_ms.min(now_ms);
            return Ok(());
        }
        let ends = code.expires_ms.as_mut().ok_or("This code lives without end.")?;
        *ends = (*ends).min(now_ms);
        Ok(())
    }

    fn show_sbp(&self, now_ms: i64, id: &str) -> Result<Value, String> {
        let sbp = &self.state.sbp;
        if let Some(refund) = sbp.refunds.get(id) {
            let (status, description) = refund.status(now_ms);
            return Ok(json!({
                "id": refund.id,
                "payment": refund.ref_id,
                "amount_kopecks": refund.amount,
                "purpose": refund.purpose,
                "status": status,
                "reason": description,
            }));
        }
        let code = sbp.codes.get(id).ok_or("There is no such code.")?;
        Ok(self.show_code(now_ms, code))
    }

    fn show_code(&self, now_ms: i64, code: &Code) -> Value {
        let sbp = &self.state.sbp;
        let transfers = sbp.transfers.iter().filter(|own| own.code_id == code.id);
        let payments: Vec<Value> =
            transfers.map(|transfer| self.show_transfer(now_ms, transfer)).collect();
        let notices = code.notices.iter().filter_map(|id| self.state.notices.get(id));
        let armed = code.armed(now_ms);
        json!({
            "id": code.id,
            "kind": code.kind.as_str(),
            "url": code.payload,
            "amount_kopecks": armed.map(|arming| arming.amount).or(code.amount),
            "purpose": armed.map_or(&code.purpose, |arming| &arming.purpose),
            "is_active": sbp.is_active(code) && !code.is_ended(now_ms),
            "arming": armed.map(|arming| &arming.id),
            "point": code.point_id,
            "created_at": time::print(code.created_ms),
            "expires_at": code.expires_ms.map(time::print),
            "paid_kopecks": sbp.paid(&code.id).map(|own| own.amount).sum::<i64>(),
            "payments": payments,
            "notices": notices.map(print_notice).collect::<Vec<Value>>(),
        })
    }

    fn show_transfer(&self, now_ms: i64, transfer: &Transfer) -> Value {
        let refunds = self.state.sbp.refunds.values();
        let own = refunds.filter(|refund| refund.ref_id == transfer.ref_id);
        let refunds: Vec<Value> = own
            .map(|refund| {
                let (status, _) = refund.status(now_ms);
                json!({ "id": refund.id, "amount_kopecks": refund.amount, "status": status })
            })
            .collect();
        json!({
            "trx_id": transfer.trx_id,
            "ref_id": transfer.ref_id,
            "amount_kopecks": transfer.amount,
            "time": time::print(transfer.at_ms),
            "payer": transfer.payer_name,
            "arming": transfer.arming_id,
            "rejected": transfer.rejected,
            "refunds": refunds,
        })
    }

    /// All codes, for the list of everything.
    pub(in crate::tochka::emulator) fn show_codes(&self, now_ms: i64) -> Vec<Value> {
        let sbp = &self.state.sbp;
        let codes = sbp.sequence.iter().filter_map(|id| sbp.codes.get(id));
        codes.map(|code| self.show_code(now_ms, code)).collect()
    }
}
