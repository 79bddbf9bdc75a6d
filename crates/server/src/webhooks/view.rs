//! Webhooks and deliveries as the outside sees them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    flow::Trial,
    model::{Attempt, Delivery, Webhook},
    sign::{Keyring, SigningKey},
};
use crate::kit::clock::iso;

/// An address that is told of what happens.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(example = "wh_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "webhook")]
    pub object: &'static str,
    #[schema(example = "https://shop.example.ru/kopeck")]
    pub url: String,
    pub description: Option<String>,
    #[schema(example = json!(["payment.paid", "refund.*"]))]
    pub events: Vec<String>,
    /// full, thin.
    #[schema(value_type = String, example = "full")]
    pub payload: &'static str,
    /// Whether events of one payment go one after the other.
    pub ordered: bool,
    /// The header that goes with every request; its value is never shown.
    pub header_name: Option<String>,
    /// enabled, failing (the last attempt failed), disabled.
    #[schema(value_type = String, example = "enabled")]
    pub status: &'static str,
    /// by_hand, gone (it answered 410), failing (nothing was taken for seven days).
    #[schema(value_type = Option<String>)]
    pub disabled_reason: Option<&'static str>,
    pub disabled_at: Option<String>,
    /// Since when nothing has been taken.
    pub failing_since: Option<String>,
    /// When something was last taken.
    pub delivered_at: Option<String>,
    /// Tells secrets apart without showing them: the beginning of the SHA-256 of `secret_text`.
    #[schema(example = "sha256:1f0c2a9be4d7")]
    pub secret_fingerprint: String,
    /// Until when the secret before this one signs too.
    pub old_secret_until: Option<String>,
    pub created_at: String,
}

impl WebhookView {
    pub fn new(webhook: &Webhook, keyring: &Keyring, now_ms: i64) -> WebhookView {
        let w = webhook;
        let status = match (w.disabled.is_some(), w.health.failing_since_ms.is_some()) {
            (true, _) => "disabled",
            (false, true) => "failing",
            (false, false) => "enabled",
        };
        WebhookView {
            id: w.id.clone(),
            object: "webhook",
            url: w.url.clone(),
            description: w.description.clone(),
            events: w.kinds.0.clone(),
            payload: w.payload.as_str(),
            ordered: w.is_ordered,
            header_name: w.header_name.clone(),
            status,
            disabled_reason: w.disabled.map(|(_, reason)| reason.as_str()),
            disabled_at: w.disabled.map(|(at_ms, _)| iso(at_ms)),
            failing_since: w.health.failing_since_ms.map(iso),
            delivered_at: w.delivered_ms.map(iso),
            secret_fingerprint: keyring.newest().map(SigningKey::fingerprint).unwrap_or_default(),
            old_secret_until: keyring.overlap_until_ms(now_ms).map(iso),
            created_at: iso(w.created_ms),
        }
    }
}

/// A webhook with its new secret, shown this once.
#[derive(Serialize, ToSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// For libraries of Standard Webhooks.
    #[schema(example = "whsec_bjhuRnJpZW5kbHlTZWNyZXQwMTIzNDU2Nzg5YWJjZGU=")]
    pub secret: String,
    /// The same secret decoded: the key of the HMAC, for receivers that take it as text.
    #[schema(example = "n8nFriendlySecret0123456789abcde")]
    pub secret_text: String,
}

impl WebhookWithSecret {
    pub fn new(webhook: WebhookView, key: &SigningKey) -> WebhookWithSecret {
        let (secret, secret_text) = (key.to_text().into_revealed(), key.key_text().into_revealed());
        WebhookWithSecret { webhook, secret, secret_text }
    }
}

/// A webhook that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedView {
    pub id: String,
    #[schema(value_type = String, example = "webhook")]
    pub object: &'static str,
    #[schema(value_type = bool, example = true)]
    pub removed: bool,
}

/// What a trial brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestView {
    #[schema(value_type = String, example = "webhook_test")]
    pub object: &'static str,
    /// Whether the receiver answered 2xx.
    pub ok: bool,
    /// What it answered; null if nothing.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// How the reply begins, masked.
    pub reply: String,
    pub took_ms: i64,
}

impl TestView {
    pub fn new(trial: &Trial) -> TestView {
        TestView {
            object: "webhook_test",
            ok: trial.status.is_some_and(|status| (200..300).contains(&status)),
            status: trial.status,
            error: trial.error.clone(),
            reply: trial.reply.clone(),
            took_ms: trial.took_ms,
        }
    }
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayView {
    #[schema(value_type = String, example = "replay")]
    pub object: &'static str,
    pub webhook_id: String,
    /// Deliveries that are on their way again.
    pub deliveries: i64,
}

/// One event on its way to one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    #[schema(example = "del_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "delivery")]
    pub object: &'static str,
    pub webhook_id: String,
    pub event_id: String,
    #[serde(rename = "type")]
    #[schema(example = "payment.paid")]
    pub kind: String,
    /// The event's number in its shop.
    pub seq: i64,
    /// pending (waiting, or to be tried again), delivered, failed (refused for seven days), dropped
    /// (its webhook was removed).
    #[schema(value_type = String, example = "delivered")]
    pub status: &'static str,
    pub attempts: i64,
    /// What the receiver answered last.
    pub last_status: Option<i64>,
    /// Why there was no answer.
    pub last_error: Option<String>,
    /// When it is tried next; null if it is over.
    pub next_attempt_at: Option<String>,
    pub delivered_at: Option<String>,
    pub created_at: String,
    /// What was sent and heard, oldest first; the last fifty. Only of one delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<AttemptView>>,
}

/// One request of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    pub at: String,
    pub took_ms: i64,
    pub status: Option<i64>,
    pub error: Option<String>,
    /// How the reply begins, masked.
    pub reply: String,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery) -> DeliveryView {
        let d = delivery;
        let is_pending = d.state == super::model::DeliveryState::Pending;
        DeliveryView {
            id: d.id.clone(),
            object: "delivery",
            webhook_id: d.webhook_id.clone(),
            event_id: d.event_id.clone(),
            kind: d.kind.clone(),
            seq: d.event_seq,
            status: d.state.as_str(),
            attempts: d.attempts,
            last_status: d.status,
            last_error: d.error.clone(),
            next_attempt_at: is_pending.then(|| iso(d.due_ms)),
            delivered_at: d.delivered_ms.map(iso),
            created_at: iso(d.created_ms),
            history: None,
        }
    }

    #[must_use]
    pub fn with(self, attempts: &[Attempt]) -> DeliveryView {
        let view = |attempt: &Attempt| AttemptView {
            at: iso(attempt.at_ms),
            took_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error.clone(),
            reply: attempt.reply.clone(),
        };
        DeliveryView { history: Some(attempts.iter().map(view).collect()), ..self }
    }
}
