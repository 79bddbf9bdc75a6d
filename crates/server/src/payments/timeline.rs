//! The story of one payment in plain language: events, notices and bank calls in their order.

use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::{
    events::{EventKind, list_events_of_payment},
    gateway::store::{StoredExchange, list_exchanges, list_notices},
    kit::{
        clock::iso,
        db::{DbError, Tx},
    },
    receipts::{
        model::State,
        store::{Change, list_steps},
    },
};

/// Exchanges shown. A payment that is asked about every minute for a day makes some hundreds.
const MAX_EXCHANGES: i64 = 500;

/// What comes first within one millisecond.
const WITHIN: [&str; 5] = ["call", "notice", "receipt", "event", "webhook"];

/// One line of the story.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    #[schema(example = "2026-11-21T19:47:00Z")]
    pub at: String,
    #[serde(skip)]
    pub at_ms: i64,
    /// event (something happened), notice (the bank told us), call (we asked the bank), receipt
    /// (one that failed is tried again), webhook (we told somebody).
    #[schema(value_type = String, example = "event")]
    pub kind: &'static str,
    /// The event's, notice's or operation's word.
    #[schema(example = "payment.paid")]
    pub name: String,
    /// What it means, in a sentence.
    pub text: String,
    /// The masked request and reply of a call.
    pub request: Option<String>,
    pub reply: Option<String>,
}

/// Tells what others did about a payment of the shop: whoever is above payments and has a part in
/// their story.
pub type Teller = fn(&mut dyn Tx, &str, &str) -> Result<Vec<TimelineEntry>, DbError>;

/// `None` when the shop has no such payment.
pub fn timeline(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
    more: Teller,
) -> Result<Option<Vec<TimelineEntry>>, DbError> {
    let Some(payment) = store::find_payment(tx, shop_id, payment_id)? else { return Ok(None) };
    let mut entries = Vec::new();
    let mut steps = list_steps(tx, payment_id)?;
    for attempt in &payment.attempts {
        steps.extend(list_steps(tx, &attempt.id)?);
    }
    for event in list_events_of_payment(tx, shop_id, payment_id)? {
        let about = EventKind::parse(&event.kind).map_or("", EventKind::about);
        // Each change of a receipt tells once of what it was; two may be of one millisecond.
        let is_own = |step: &Change| {
            Some(&step.receipt_id) == event.about.as_ref()
                && step.at_ms == event.at_ms
                && event.kind.strip_prefix("receipt.") == Some(step.state.as_str())
        };
        let step = steps.iter().position(is_own).map(|at| steps.remove(at));
        let refund = match (&event.about, &step) {
            (Some(id), Some(Change { kind, why: Some(why), .. })) => {
                format!(" ({kind}, {id}): {why}")
            }
            (Some(id), Some(Change { kind, .. })) => format!(" ({kind}, {id})"),
            (Some(id), None) => format!(" ({id})"),
            (None, _) => String::new(),
        };
        entries.push(TimelineEntry {
            at: iso(event.at_ms),
            at_ms: event.at_ms,
            kind: "event",
            name: event.kind,
            text: format!("{about}{refund}"),
            request: None,
            reply: None,
        });
    }
    entries.extend(steps.into_iter().filter_map(again));
    entries.extend(talk(tx, payment_id)?);
    for attempt in &payment.attempts {
        entries.extend(talk(tx, &attempt.id)?);
    }
    entries.extend(more(tx, shop_id, payment_id)?);
    // Within one millisecond the cause comes first: our question, the bank's word, the event.
    let rank = |kind| WITHIN.iter().position(|other| *other == kind);
    entries.sort_by_key(|entry| (entry.at_ms, rank(entry.kind)));
    Ok(Some(entries))
}

/// A receipt that was asked for once more, with the reason.
fn again(step: Change) -> Option<TimelineEntry> {
    let why = step.why.filter(|_| step.state == State::Queued.as_str())?;
    Some(TimelineEntry {
        at: iso(step.at_ms),
        at_ms: step.at_ms,
        kind: "receipt",
        name: "receipt.retried".to_owned(),
        text: format!("The {} receipt is asked for again ({}): {why}", step.kind, step.receipt_id),
        request: None,
        reply: None,
    })
}

/// What the bank and we said to each other about one row.
fn talk(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<TimelineEntry>, DbError> {
    let mut entries: Vec<TimelineEntry> = Vec::new();
    for notice in list_notices(tx, payment_id)? {
        let times = if notice.times > 1 { format!(", {} times", notice.times) } else { "".into() };
        entries.push(TimelineEntry {
            at: iso(notice.received_ms),
            at_ms: notice.received_ms,
            kind: "notice",
            text: format!("The bank's signed notice came{times}; its signature is good"),
            name: notice.kind,
            request: None,
            reply: None,
        });
    }
    entries.extend(list_exchanges(tx, payment_id, MAX_EXCHANGES)?.into_iter().map(call));
    Ok(entries)
}

fn call(exchange: StoredExchange) -> TimelineEntry {
    let what = match exchange.op.as_str() {
        "create_link" => "Kopeck asked the bank for a payment link",
        "get_payment" => "Kopeck asked the bank about the payment",
        "list_payments" => "Kopeck looked for the payment in the bank's list",
        "capture" => "Kopeck asked the bank to capture the hold",
        "closing_receipt" => "Kopeck sent the bank a closing receipt",
        "refund" => "Kopeck asked the bank for a refund",
        "void" => "Kopeck asked the bank to release the hold or to close the link",
        "subscription_open" => "Kopeck asked the bank for a link that keeps the card",
        "subscription_charge" => "Kopeck asked the bank to charge the kept card",
        "subscription_cancel" => "Kopeck asked the bank to end the subscription",
        "find_payment" => "Kopeck looked for the payment at the bank",
        _ => "Kopeck asked the bank",
    };
    let answer = match exchange.status {
        Some(status) => format!("the bank answered {status} in {} ms", exchange.took_ms),
        None => format!("the bank did not answer within {} ms", exchange.took_ms),
    };
    TimelineEntry {
        at: iso(exchange.at_ms),
        at_ms: exchange.at_ms,
        kind: "call",
        name: exchange.op,
        text: format!("{what}; {answer}"),
        request: Some(exchange.request),
        reply: Some(exchange.reply),
    }
}
