//! Which bank's app shall open the code: the list of the SBP's operator, as the payment's bank
//! hands it on, and the way from a choice to that app. Kept in memory for a day.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use anyhow::anyhow;
use kopeck_banks::op::{Answer, BankOp, Device, Outcome, QrAsked, QrForm, SbpBank, SbpOp};

use super::page;
use crate::{
    gateway::flow::{ask_now, refusal_of},
    instruments::model::Kind,
    kit::{Ctx, clock::DAY_MS},
    payments::model::{Means, Payment},
    shops,
};

/// Banks come and go by months; a day is soon enough.
const KEPT_MS: i64 = DAY_MS;

/// The lists by connection, with the time of each.
#[derive(Debug, Default)]
pub struct Banks(Mutex<BTreeMap<String, (i64, Vec<SbpBank>)>>);

impl Banks {
    /// The list as it was within the last day, else as it is now; an old one is better than none.
    pub async fn list(&self, ctx: &Ctx, payment: &Payment) -> anyhow::Result<Vec<SbpBank>> {
        // Not every bank that pays by codes also saves accounts by them.
        let for_binding = is_saving(payment);
        let id = payment.connection_id.clone();
        let place = format!("{id} {for_binding}");
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        let now_ms = ctx.now_ms();
        let old = match kept {
            Some((at_ms, list)) if now_ms - at_ms < KEPT_MS => return Ok(list),
            Some((_, list)) => list,
            None => Vec::new(),
        };
        let connection = shops::flow::get_connection(ctx, &id).await?;
        let op = BankOp::Sbp(SbpOp::Banks { for_binding, device: Device::Mobile });
        let outcome = ask_now(ctx, &connection, &op).await?;
        let Outcome::Done(Answer::SbpBanks(list)) = outcome else {
            tracing::warn!(id, "no list of SBP's banks: {}", refusal_of(outcome).message);
            return Ok(old);
        };
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.insert(place, (now_ms, list.clone()));
        Ok(list)
    }

    /// The link that opens the code in this bank's app; `None` for a bank that is not in the list
    /// or a code that cannot be paid now.
    pub async fn link(
        &self,
        ctx: &Ctx,
        payment: &Payment,
        bank: &str,
    ) -> anyhow::Result<Option<String>> {
        let list = self.list(ctx, payment).await?;
        let is_listed = list.iter().any(|own| own.id == bank);
        let Some(payload) = page::payload(payment).filter(|_| is_listed) else { return Ok(None) };
        if payment.is_code() {
            return Ok(payload.strip_prefix("https").map(|rest| format!("{bank}{rest}")));
        }
        if is_saving(payment) {
            // A link made anew might stand for another saving than the one that we ask about.
            return Ok(Some(payload.to_owned()));
        }
        // The bank that keeps the payment makes such links itself.
        let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
        let bank_id = payment.facts.bank_id.clone().ok_or_else(|| anyhow!("it is not open"))?;
        let asked = QrAsked { form: QrForm::Link, bank: Some(bank.to_owned()) };
        let op = BankOp::Sbp(SbpOp::Qr { bank_id, asked });
        let outcome = ask_now(ctx, &connection, &op).await?;
        let Outcome::Done(Answer::Qr(qr)) = outcome else {
            tracing::warn!("{}: no link: {}", payment.id, refusal_of(outcome).message);
            // The code itself opens the app that the phone chooses.
            return Ok(Some(payload.to_owned()));
        };
        Ok(Some(qr.content))
    }
}

fn is_saving(payment: &Payment) -> bool {
    matches!(payment.means, Means::Save { kind: Kind::Account, .. })
}
