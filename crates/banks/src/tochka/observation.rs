//! What the bank tells of one payment, as an [`Observation`]: facts only. Whatever cannot be
//! read is left out, so that one strange field in a list hides nothing else, and never becomes a
//! zero.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Money,
    op::{Approval, Approvals, BankStatus, Observation, SavedCard},
};

use super::{codes, wire};

/// One item of the bank's list, or the one operation of its info.
pub fn of_operation(operation: wire::Operation) -> Observation {
    let status = operation.status.as_deref().and_then(codes::parse_status);
    let amount = operation.amount.as_deref().and_then(|raw| Money::parse_json(raw).ok());
    let orders = Orders::read(operation.orders.as_deref());
    let known = status.unwrap_or(BankStatus::Created);
    Observation {
        status,
        amount,
        authorized: orders.authorized.or(amount.filter(|_| known == BankStatus::Authorized)),
        paid: orders.paid.or(amount.filter(|_| orders.may_be_silent && was_paid(known))),
        lists_refunds: orders.is_complete
            && (!orders.is_empty || status.is_some_and(implies_no_refund)),
        refunds: orders.refunds,
        // The bank's sandbox lists nothing of a paid operation.
        lists_approvals: orders.lists_approvals
            && (!orders.approvals.is_empty() || status.is_some_and(|status| !was_paid(status))),
        approvals: orders.approvals,
        url: operation.payment_link,
        method: operation.payment_type.as_deref().map(codes::method_text),
        paid_at: operation.paid_at.as_deref().and_then(parse_time).or(orders.paid_at),
        created_at: operation.created_at.as_deref().and_then(parse_time),
        purpose: operation.purpose,
        payer_id: operation.consumer_id,
        reference: operation.payment_link_id,
        saved_card: operation.card.and_then(saved_card),
        bank_id: Some(operation.operation_id),
        ..Observation::default()
    }
}

/// A notice of a payment; `None` when it names no payment at all. The bank announces success only,
/// so a notice without a status is one of a payment.
pub fn of_notice(notice: wire::PaymentNotice) -> Option<Observation> {
    if notice.operation_id.is_none() && notice.payment_link_id.is_none() {
        return None;
    }
    let status = match notice.status.as_deref() {
        Some(word) => codes::parse_status(word),
        None => Some(BankStatus::Paid),
    };
    let amount = notice.amount.as_deref().and_then(|raw| Money::parse_json(raw).ok());
    Some(Observation {
        status,
        amount,
        authorized: amount.filter(|_| status == Some(BankStatus::Authorized)),
        paid: amount.filter(|_| status == Some(BankStatus::Paid)),
        bank_id: notice.operation_id,
        reference: notice.payment_link_id,
        method: notice.payment_type.as_deref().map(codes::method_text),
        purpose: notice.purpose,
        payer_id: notice.consumer_id,
        saved_card: saved_card(wire::CofToken {
            token_card_id: notice.token_card_id,
            masked_pan: notice.masked_pan,
        }),
        ..Observation::default()
    })
}

/// The card that a payment left with the bank. It is charged by the subscription's id, not by its
/// own; what is not masked is nothing to keep.
pub fn saved_card(card: wire::CofToken) -> Option<SavedCard> {
    let masked = card.masked_pan.filter(|pan| pan.contains('*'));
    let is_told = card.token_card_id.is_some() || masked.is_some();
    is_told.then(|| SavedCard { card_id: card.token_card_id, masked, ..SavedCard::default() })
}

/// ISO 8601 with an offset; `None` for anything else.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

/// The `Order[]` of an operation, summed up.
struct Orders {
    authorized: Option<Money>,
    paid: Option<Money>,
    paid_at: Option<Timestamp>,
    refunds: BTreeMap<String, Money>,
    approvals: Approvals,
    /// The list was there and every approval of it was read.
    lists_approvals: bool,
    is_empty: bool,
    /// The list was there and every entry of it was read.
    is_complete: bool,
    /// No approval was seen, and none was unreadable: then the status alone tells of payment.
    may_be_silent: bool,
}

impl Orders {
    fn read(list: Option<&[wire::Order]>) -> Orders {
        let mut orders = Orders {
            authorized: None,
            paid: None,
            paid_at: None,
            refunds: BTreeMap::new(),
            approvals: Approvals::new(),
            lists_approvals: list.is_some(),
            is_empty: list.is_none_or(<[wire::Order]>::is_empty),
            is_complete: list.is_some(),
            may_be_silent: true,
        };
        for order in list.unwrap_or_default() {
            let kind = order.kind.as_deref().unwrap_or("");
            let amount = order.amount.as_deref().and_then(|raw| Money::parse_json(raw).ok());
            let (Some(id), Some(amount)) = (&order.order_id, amount) else {
                orders.is_complete = false;
                orders.may_be_silent &= kind != "approval";
                orders.lists_approvals &= matches!(kind, "authorized" | "refund");
                continue;
            };
            match kind {
                "authorized" => orders.authorized = orders.authorized.max(Some(amount)),
                "refund" => {
                    orders.refunds.entry(id.clone()).or_insert(amount);
                }
                "approval" => {
                    let at = order.time.as_deref().and_then(parse_time);
                    // The same order listed twice is one receipt of money.
                    orders.approvals.entry(id.clone()).or_insert(Approval { amount, at });
                    orders.paid_at = orders.paid_at.or(at);
                }
                // A kind that the bank added later could be anything, a refund included.
                _ => {
                    orders.is_complete = false;
                    orders.lists_approvals = false;
                }
            }
        }
        // A sum of which a part is unreadable is not a fact.
        if orders.may_be_silent && !orders.approvals.is_empty() {
            orders.may_be_silent = false;
            let sums = orders.approvals.values().map(|approval| approval.amount);
            orders.paid = Money::checked_sum(sums);
        }
        orders
    }
}

/// Statuses that an operation reaches only with the money received.
const fn was_paid(status: BankStatus) -> bool {
    match status {
        BankStatus::Paid
        | BankStatus::Refunding
        | BankStatus::PartiallyRefunded
        | BankStatus::Refunded => true,
        BankStatus::Created
        | BankStatus::InProgress
        | BankStatus::Authorized
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => false,
    }
}

/// Whether an empty `Order[]` is believable: the bank's sandbox sends one with a paid operation.
const fn implies_no_refund(status: BankStatus) -> bool {
    match status {
        BankStatus::Created
        | BankStatus::InProgress
        | BankStatus::Authorized
        | BankStatus::Paid
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => true,
        BankStatus::Refunding | BankStatus::PartiallyRefunded | BankStatus::Refunded => false,
    }
}
