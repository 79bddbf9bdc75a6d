//! What a webhook is sent: `{"type", "timestamp", "data"}`, as Standard Webhooks has it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::model::Payload;
use crate::events::{StoredEvent, api::EventView};

#[derive(Serialize)]
struct Message<'a, T: ?Sized> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: &'a str,
    data: &'a T,
}

/// The same event gives the same bytes, whenever it is sent.
pub fn render(event: StoredEvent, payload: Payload) -> anyhow::Result<Vec<u8>> {
    let mut view = EventView::from(event);
    if payload == Payload::Thin {
        view.payment = None;
        view.subscription = None;
        view.webhook = None;
    }
    render_view(&view)
}

/// An event as the API shows it.
pub fn render_view(view: &EventView) -> anyhow::Result<Vec<u8>> {
    let message = Message { kind: &view.kind, timestamp: &view.created_at, data: view };
    Ok(serde_json::to_vec(&message)?)
}

/// An event as a server's API gave it.
pub fn render_raw(kind: &str, timestamp: &str, data: &RawValue) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&Message { kind, timestamp, data })?)
}

/// What a trial sends: an event that did not happen.
pub fn render_test(webhook_id: &str, at: &str) -> anyhow::Result<Vec<u8>> {
    let data = serde_json::json!({ "object": "test", "webhook_id": webhook_id });
    Ok(serde_json::to_vec(&Message { kind: TEST_KIND, timestamp: at, data: &data })?)
}

pub const TEST_KIND: &str = "webhook.test";
