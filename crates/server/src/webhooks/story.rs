//! Deliveries in the story of a payment.

use super::store::{
    self,
    deliveries::{DeliveryFilter, list_attempts, list_deliveries},
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
    let filter = DeliveryFilter { subject: Some(payment_id.to_owned()), ..Default::default() };
    let mut entries = Vec::new();
    for delivery in list_deliveries(tx, shop_id, &filter, MAX_DELIVERIES)? {
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
