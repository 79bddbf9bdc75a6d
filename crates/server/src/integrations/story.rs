//! Sendings and errands in the story of a payment.

use super::{
    bitrix24::{
        model::{Errand, State, What},
        store::errands::list_of_payment as list_errands_of,
    },
    model::SendingState,
    store::{
        find_any_integration,
        sendings::{list_attempts, list_of_payment},
    },
};
use crate::{
    kit::{
        clock::iso,
        db::{DbError, Tx},
    },
    payments::timeline::TimelineEntry,
};

/// Sendings and attempts of each that a story shows.
const MAX_SENDINGS: i64 = 200;
const MAX_ATTEMPTS: i64 = 50;

/// What was sent about the payment, and what was answered.
pub fn entries(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Vec<TimelineEntry>, DbError> {
    let mut entries = Vec::new();
    for sending in list_of_payment(tx, shop_id, payment_id, MAX_SENDINGS)? {
        let linked = find_any_integration(tx, &sending.integration_id)?;
        let service = linked.map_or_else(String::new, |linked| linked.service);
        let (kind, name) = (sending.kind.as_str(), format!("{service}.{}", sending.kind.as_str()));
        for attempt in list_attempts(tx, &sending.id, MAX_ATTEMPTS)? {
            let answer = match attempt.status {
                Some(status) => format!("it answered {status} in {} ms", attempt.took_ms),
                None => format!("no answer: {}", attempt.reply),
            };
            entries.push(TimelineEntry {
                at: iso(attempt.at_ms),
                at_ms: attempt.at_ms,
                kind: "webhook",
                name: name.clone(),
                text: format!("Kopeck told {service} ({kind}); {answer}"),
                request: Some(attempt.request),
                reply: attempt.status.map(|_| attempt.reply).filter(|reply| !reply.is_empty()),
            });
        }
        let ended = match sending.state {
            SendingState::Pending | SendingState::Delivered => None,
            SendingState::Unknown => Some("it is not known whether it came"),
            SendingState::Failed => Some("it was not sent"),
            SendingState::Dropped => Some("nobody needs it any more"),
        };
        if let Some((at_ms, what)) = sending.ended_ms.zip(ended) {
            let code = sending.code.map(|code| format!(" ({code})")).unwrap_or_default();
            entries.push(TimelineEntry {
                at: iso(at_ms),
                at_ms,
                kind: "webhook",
                name: name.clone(),
                text: format!("The message to {service} ({kind}): {what}{code}"),
                request: None,
                reply: sending.why,
            });
        }
    }
    for errand in list_errands_of(tx, payment_id)? {
        entries.extend(told(&errand));
    }
    Ok(entries)
}

/// What a portal asked for about the payment, and what became of it.
fn told(errand: &Errand) -> Vec<TimelineEntry> {
    let what = match &errand.what {
        What::Paid { portal_payment_id, .. } => {
            format!("its payment {portal_payment_id} is to be marked as paid")
        }
        What::Robot { deal_id, .. } => format!("its robot waits for a link for the deal {deal_id}"),
        What::Deal { id } => format!("the deal {id} is to have a link"),
        What::Register | What::Prove | What::Forgotten => String::new(),
    };
    let what = if what.is_empty() { errand.word.clone() } else { what };
    let entry = |at_ms: i64, text: String| TimelineEntry {
        at: iso(at_ms),
        at_ms,
        kind: "webhook",
        name: "bitrix24.errand".to_owned(),
        text,
        request: None,
        reply: errand.why.clone(),
    };
    let asked = (errand.created_ms, format!("The portal: {what} ({})", errand.id));
    let ended = match (errand.state, errand.ended_ms) {
        (State::Done, Some(at_ms)) => Some((at_ms, format!("Done at the portal ({})", errand.id))),
        (State::Failed, Some(at_ms)) => {
            let code = errand.code.as_deref().map(|code| format!(": {code}")).unwrap_or_default();
            Some((at_ms, format!("Given up at the portal ({}){code}", errand.id)))
        }
        (State::Pending | State::Done | State::Failed, _) => None,
    };
    let pending = errand.state == State::Pending && errand.why.is_some();
    let waits = pending.then(|| {
        let text = format!("The portal does not answer yet; asked again by {}", iso(errand.due_ms));
        (errand.created_ms, text)
    });
    let all = [Some(asked), ended, waits];
    all.into_iter().flatten().map(|(at_ms, text)| entry(at_ms, text)).collect()
}
