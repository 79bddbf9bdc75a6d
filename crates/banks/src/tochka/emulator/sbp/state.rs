//! What the mirror remembers of SBP. Times are milliseconds UTC, amounts whole kopecks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How long the bank goes on telling the state of a code that was paid.
const TOLD_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) struct Sbp {
    pub(super) companies: BTreeMap<String, Company>,
    pub(super) points: BTreeMap<String, Point>,
    pub(super) codes: BTreeMap<String, Code>,
    /// Ids of codes in the order of their making.
    pub(super) sequence: Vec<String>,
    /// Oldest first.
    pub(super) transfers: Vec<Transfer>,
    pub(super) refunds: BTreeMap<String, Refund>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Company {
    pub(super) id: String,
    pub(super) customer_code: String,
    pub(super) is_active: bool,
    pub(super) created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) id: String,
    pub(super) company_id: String,
    pub(super) is_active: bool,
    pub(super) created_ms: i64,
    pub(super) address: String,
    pub(super) city: String,
    pub(super) region: String,
    pub(super) postcode: String,
    pub(super) brand: String,
    pub(super) capabilities: String,
    pub(super) mcc: String,
    pub(super) phone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Static,
    Dynamic,
    Desk,
    Invoice,
}

impl Kind {
    /// For the controls.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Kind::Static => "static",
            Kind::Dynamic => "dynamic",
            Kind::Desk => "desk",
            Kind::Invoice => "invoice",
        }
    }

    pub(super) const fn is_paid_once(self) -> bool {
        match self {
            Kind::Dynamic | Kind::Invoice => true,
            Kind::Static | Kind::Desk => false,
        }
    }
}

/// A sum that a desk's code waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arming {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) purpose: Option<String>,
    pub(super) ttl_minutes: u32,
    pub(super) until_ms: i64,
    pub(super) is_over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) point_id: String,
    pub(super) company_id: String,
    pub(super) account_id: String,
    pub(super) amount: Option<i64>,
    /// Of an invoice with VAT.
    pub(super) vat: Option<i64>,
    pub(super) purpose: Option<String>,
    pub(super) ttl_minutes: Option<u32>,
    pub(super) uip: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) source: Option<String>,
    pub(super) payload: String,
    pub(super) created_ms: i64,
    pub(super) expires_ms: Option<i64>,
    pub(super) armings: Vec<Arming>,
    /// Why the next refund will fail after it was taken.
    pub(super) spoiled: Option<String>,
    pub(super) notices: Vec<u64>,
}

impl Code {
    pub(super) fn is_ended(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }

    /// What a desk's code waits for now.
    pub(super) fn armed(&self, now_ms: i64) -> Option<&Arming> {
        self.armings.last().filter(|arming| !arming.is_over && now_ms < arming.until_ms)
    }
}

/// One attempt to pay by a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    /// The bank's own id, a UUID.
    pub(super) ref_id: String,
    /// The id in SBP, 32 characters.
    pub(super) trx_id: String,
    pub(super) code_id: String,
    pub(super) arming_id: Option<String>,
    pub(super) amount: i64,
    pub(super) at_ms: i64,
    /// The rest were rejected, for this reason.
    pub(super) rejected: Option<String>,
    pub(super) payer_name: String,
    pub(super) payer_phone: String,
}

impl Transfer {
    pub(super) const fn is_paid(&self) -> bool {
        self.rejected.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) ref_id: String,
    pub(super) amount: i64,
    pub(super) purpose: String,
    /// When it becomes final.
    pub(super) final_ms: i64,
    pub(super) failure: Option<String>,
}

impl Refund {
    /// The bank's word and its description.
    pub(super) fn status(&self, now_ms: i64) -> (&'static str, Option<&str>) {
        match (&self.failure, now_ms >= self.final_ms) {
            (Some(why), true) => ("Rejected", Some(why)),
            (None, true) => ("Accepted", Some("Возврат выполнен")),
            (_, false) => ("WaitingForAccept", None),
        }
    }

    fn is_failed(&self, now_ms: i64) -> bool {
        self.failure.is_some() && now_ms >= self.final_ms
    }
}

impl Sbp {
    pub(super) fn paid<'a>(&'a self, code_id: &'a str) -> impl Iterator<Item = &'a Transfer> {
        self.transfers.iter().filter(move |own| own.code_id == code_id && own.is_paid())
    }

    /// Whether payments by it are taken: its point and its company are active.
    pub(super) fn is_active(&self, code: &Code) -> bool {
        let point = self.points.get(&code.point_id).is_some_and(|point| point.is_active);
        let company = self.companies.get(&code.company_id).is_some_and(|own| own.is_active);
        point && company
    }

    /// What may still be sent back. A refund under way counts as gone.
    pub(super) fn rest(&self, transfer: &Transfer, now_ms: i64) -> i64 {
        let own = self.refunds.values().filter(|refund| refund.ref_id == transfer.ref_id);
        let gone: i64 =
            own.filter(|refund| !refund.is_failed(now_ms)).map(|refund| refund.amount).sum();
        transfer.amount.saturating_sub(gone)
    }

    /// The bank's word for a dynamic code, with the transfer it speaks of; `None` when it does not
    /// tell any more.
    pub(super) fn state<'a>(
        &'a self,
        code: &'a Code,
        now_ms: i64,
    ) -> Option<(&'static str, Option<&'a Transfer>)> {
        if let Some(paid) = self.paid(&code.id).last() {
            let is_told = now_ms < paid.at_ms.saturating_add(TOLD_MS);
            return is_told.then_some(("Accepted", Some(paid)));
        }
        if code.is_ended(now_ms) {
            return None;
        }
        let last = self.transfers.iter().rev().find(|own| own.code_id == code.id);
        Some(last.map_or(("NotStarted", None), |own| ("Rejected", Some(own))))
    }
}
