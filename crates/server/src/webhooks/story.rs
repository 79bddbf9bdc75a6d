//! Deliveries in the story of a payment.

use super::store::{
    self,
    deliveries::{list_attempts, list_of_subject},
};
use crate::{
    kit::{
        clock::iso,
        db::{DbError, Tx},
    },
    payments::timeline::TimelineEntry,
};

/// Deliveries and attempts of each that a story shows.
const MAX_DELIVERIES: i64 = 200;
const MAX_ATTEMPTS: i64 = 50;

/// What was sent about the payment, and what was answered.
pub fn entries(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Vec<TimelineEntry>, DbError> {
    let mut entries = Vec::new();
    for delivery in list_of_subject(tx, shop_id, payment_id, MAX_DELIVERIES)? {
        let webhook = store::find_any_webhook(tx, &delivery.webhook_id)?;
        let host = webhook.as_ref().map_or("a removed webhook", |webhook| webhook.host());
        for attempt in list_attempts(tx, &delivery.id, MAX_ATTEMPTS)? {
            let (took, kind) = (attempt.took_ms, &delivery.kind);
            let answer = match (attempt.status, attempt.error) {
                (Some(status), _) => format!("it answered {status} in {took} ms"),
                (None, Some(why)) => format!("no answer: {why}"),
                (None, None) => "no answer".to_owned(),
            };
            entries.push(TimelineEntry {
                at: iso(attempt.at_ms),
                at_ms: attempt.at_ms,
                kind: "webhook",
                name: delivery.kind.clone(),
                text: format!("Kopeck told {host} of {kind}; {answer}"),
                request: None,
                reply: Some(attempt.reply).filter(|reply| !reply.is_empty()),
            });
        }
    }
    Ok(entries)
}
