//! Sendings in the story of a payment.

use super::{
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
    Ok(entries)
}
