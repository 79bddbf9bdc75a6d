//! Routes of events.

use std::time::Duration;

use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{EventFilter, EventKind, StoredEvent, find_event, find_last_seq, list_events};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::invalid,
        page::Page,
        query::{Query, RawQuery},
    },
    kit::{
        clock::iso,
        db::{DbError, Tx},
    },
};

/// The cursor of what is still to come.
const NOW: &str = "now";
/// The longest long poll: shorter than a stopping server waits for its requests.
const MAX_WAIT_S: u64 = 15;
/// How often a long poll looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    #[schema(example = "ev_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "event")]
    pub object: &'static str,
    /// What happened; see the list of events.
    #[serde(rename = "type")]
    #[schema(example = "payment.paid")]
    pub kind: String,
    /// The event's number in its shop: 1, 2, 3 … without gaps.
    pub seq: i64,
    /// The payment that it happened to; null for `subscription.*`, `webhook.*` and
    /// `integration.*`.
    pub payment_id: Option<String>,
    pub refund_id: Option<String>,
    pub receipt_id: Option<String>,
    /// The subscription that it happened to; null for all but `subscription.*`.
    pub subscription_id: Option<String>,
    /// The webhook that it happened to; null for all but `webhook.*`.
    pub webhook_id: Option<String>,
    /// The integration that it happened to; null for all but `integration.*`.
    pub integration_id: Option<String>,
    pub created_at: String,
    /// The payment as it was then.
    #[schema(value_type = Option<Object>)]
    pub payment: Option<Box<RawValue>>,
    /// The subscription as it was then.
    #[schema(value_type = Option<Object>)]
    pub subscription: Option<Box<RawValue>>,
    /// The webhook as it was then.
    #[schema(value_type = Option<Object>)]
    pub webhook: Option<Box<RawValue>>,
    /// The integration as it was then, without secrets.
    #[schema(value_type = Option<Object>)]
    pub integration: Option<Box<RawValue>>,
}

impl From<StoredEvent> for EventView {
    fn from(event: StoredEvent) -> EventView {
        let is_receipt = event.kind.starts_with("receipt.");
        let (is_subscription, is_webhook) = (event.is_of_subscription(), event.is_of_webhook());
        let is_integration = event.is_of_integration();
        let body = RawValue::from_string(event.body).ok();
        let shown = EventView {
            id: event.id,
            object: "event",
            kind: event.kind,
            seq: event.seq,
            payment_id: None,
            refund_id: None,
            receipt_id: None,
            subscription_id: None,
            webhook_id: None,
            integration_id: None,
            created_at: iso(event.at_ms),
            payment: None,
            subscription: None,
            webhook: None,
            integration: None,
        };
        if is_webhook {
            return EventView { webhook_id: Some(event.subject_id), webhook: body, ..shown };
        }
        if is_integration {
            let integration_id = Some(event.subject_id);
            return EventView { integration_id, integration: body, ..shown };
        }
        if is_subscription {
            return EventView {
                subscription_id: Some(event.subject_id),
                subscription: body,
                ..shown
            };
        }
        let (receipt_id, refund_id) =
            if is_receipt { (event.about, None) } else { (None, event.about) };
        EventView {
            payment_id: Some(event.subject_id),
            refund_id,
            receipt_id,
            payment: body,
            ..shown
        }
    }
}

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(get_events)).routes(routes!(list_event_types))
}

/// List events
///
/// What happened, in its order. `next_cursor` is always there: keep it, and ask again with it to
/// hear only what is new; none is ever skipped.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(
        ("type" = Option<String>, Query, description = "One type, such as `payment.paid`"),
        ("payment_id" = Option<String>, Query, description = "Events of one payment"),
        ("subscription_id" = Option<String>, Query,
            description = "Events of one subscription"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("wait" = Option<i64>, Query,
            description = "Long poll: if there is nothing, how many seconds to wait for it; 0 to \
                           15, 0 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before, or an event's id; `now` for what is \
                           still to come")),
    responses(
        (status = 200, description = "One page", body = Page<EventView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn get_events(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let known = ["type", "payment_id", "subscription_id", "limit", "wait", "starting_after"];
    let query = query.read(&known)?;
    let limit = query.limit()?;
    let kind = query.word("type", EventKind::parse, &EventKind::ALL.map(EventKind::as_str))?;
    let of_payment = query.find("payment_id");
    if of_payment.is_some() && query.find("subscription_id").is_some() {
        let message = "No event is of a payment and of a subscription: ask for one of them.";
        return Err(ApiError::new(codes::PARAM_INVALID, message).param("subscription_id"));
    }
    let subject_id = of_payment.or(query.find("subscription_id")).map(str::to_owned);
    let wait = read_wait(&query)?;
    let start = query.find("starting_after").map(str::to_owned);
    let shop_id = caller.shop_id.clone();
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| find_start(tx, &shop_id, start.as_deref())).await;
    let bad_cursor = || ApiError::of(codes::CURSOR_INVALID).param("starting_after");
    let (after_seq, cursor) = found?.ok_or_else(bad_cursor)?;
    let kind = kind.map(|kind| kind.as_str().to_owned());
    let filter = EventFilter { after_seq, kind, subject_id };
    let until = Instant::now() + wait;
    let events = loop {
        let (shop_id, filter) = (caller.shop_id.clone(), filter.clone());
        let found: Result<Vec<StoredEvent>, DbError> =
            server.ctx.db.read(move |tx| list_events(tx, &shop_id, &filter, limit + 1)).await;
        let events = found?;
        if !events.is_empty() || Instant::now() >= until {
            break events;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let data: Vec<EventView> = events.into_iter().map(EventView::from).collect();
    let mut page = Page::new(data, limit, |event| event.id.clone());
    page.next_cursor = page.data.last().map(|event| event.id.clone()).or(cursor);
    Answer::json(200, &page)
}

/// A word of the list of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTypeView {
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "payment.paid")]
    pub kind: &'static str,
    #[schema(value_type = String, example = "event_type")]
    pub object: &'static str,
}

/// List event types
///
/// Every word that `type` of an event and `events` of a webhook may be.
#[utoipa::path(get, path = "/v1/events/types", tag = "events",
    responses(
        (status = 200, description = "All of them", body = Page<EventTypeView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_event_types(_caller: Caller) -> Result<Answer, ApiError> {
    let view = |kind: EventKind| EventTypeView { kind: kind.as_str(), object: "event_type" };
    Answer::json(200, &Page::whole(EventKind::ALL.map(view).into()))
}

fn read_wait(query: &Query) -> Result<Duration, ApiError> {
    let Some(text) = query.find("wait") else { return Ok(Duration::ZERO) };
    let wait = text.parse().ok().filter(|seconds| *seconds <= MAX_WAIT_S);
    let wrong = || invalid("wait", &format!("takes 0 to {MAX_WAIT_S} seconds"));
    wait.map(Duration::from_secs).ok_or_else(wrong)
}

/// The number after which to read, and the cursor that stands for it; `None` when there is no such
/// event.
fn find_start(
    tx: &mut dyn Tx,
    shop_id: &str,
    start: Option<&str>,
) -> Result<Option<(i64, Option<String>)>, DbError> {
    match start {
        None => Ok(Some((0, None))),
        Some(NOW) => {
            let last_seq = find_last_seq(tx, shop_id)?;
            let filter = EventFilter { after_seq: last_seq - 1, ..Default::default() };
            let last = list_events(tx, shop_id, &filter, 1)?.pop();
            Ok(Some((last_seq, last.map(|event| event.id))))
        }
        Some(id) => {
            let found = find_event(tx, shop_id, id)?;
            Ok(found.map(|event| (event.seq, Some(event.id))))
        }
    }
}
