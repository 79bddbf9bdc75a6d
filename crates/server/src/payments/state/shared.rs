//! Payments that share one operation at their bank: the one that opened it, and each charge of the
//! card that it keeps. What the bank says of the operation is never taken for one of them: each has
//! its own approval. Pure.

use std::collections::BTreeMap;

use kopeck_banks::{
    Money,
    op::{BankStatus, Observation},
};

use super::{
    super::model::{Facts, Payment},
    join_refunds,
};

/// What the bank says of one payment's part of the operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Shared {
    /// It took the charge; its approval may be shown later.
    Taken,
    /// This approval is the payment's money.
    Approved {
        approval: String,
        amount: Money,
        paid_ms: Option<i64>,
    },
    /// Some of it was given back.
    PartGivenBack {
        refunds: BTreeMap<String, Money>,
    },
    AllGivenBack,
}

pub(super) fn hear(next: &mut Payment, news: &Shared) {
    match news {
        Shared::Taken => next.intents.is_charge_taken = next.is_kept_charge(),
        Shared::Approved { approval, amount, paid_ms } => {
            approve(&mut next.facts, approval, *amount, *paid_ms);
        }
        Shared::PartGivenBack { refunds } => join_refunds(&mut next.facts, refunds),
        Shared::AllGivenBack => next.facts.fully_refunded |= !next.facts.paid.is_zero(),
    }
}

/// What of an observation of the shared operation is the opening payment's own; `None`: all of it.
/// Sums and refunds come to it by its approval, unless nothing else can have been paid yet.
pub(super) fn own_part(payment: &Payment, seen: &Observation) -> Option<Observation> {
    if !payment.opens_kept() {
        return None;
    }
    let is_first = payment.facts.paid.is_zero() && seen.approvals.is_empty();
    let status = seen.status.filter(|status| is_first || !is_of_money(*status));
    Some(Observation {
        status,
        paid: seen.paid.filter(|_| is_first),
        is_paid_whole: seen.is_paid_whole && is_first,
        paid_at: seen.paid_at.filter(|_| is_first),
        left: None,
        refunds: BTreeMap::new(),
        ..seen.clone()
    })
}

/// Whether it speaks of all the money that the operation ever had.
const fn is_of_money(status: BankStatus) -> bool {
    match status {
        BankStatus::Refunding | BankStatus::PartiallyRefunded | BankStatus::Refunded => true,
        BankStatus::Created
        | BankStatus::InProgress
        | BankStatus::Authorized
        | BankStatus::Paid
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => false,
    }
}

/// Its own approval, once: whichever it has, it keeps.
fn approve(facts: &mut Facts, approval: &str, amount: Money, paid_ms: Option<i64>) {
    if facts.approval.as_ref().is_some_and(|own| own != approval) {
        return;
    }
    facts.approval = Some(approval.to_owned());
    facts.paid = facts.paid.max(amount);
    facts.paid_ms = facts.paid_ms.max(paid_ms);
}
