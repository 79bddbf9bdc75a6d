//! Routes of events.

use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{EventFilter, EventKind, StoredEvent, find_event, list_events};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, page::Page, query::RawQuery,
    },
    kit::{clock::iso, db::DbError},
};

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
    /// The payment that it happened to; null for `subscription.*`.
    pub payment_id: Option<String>,
    pub refund_id: Option<String>,
    pub receipt_id: Option<String>,
    /// The subscription that it happened to; null for all but `subscription.*`.
    pub subscription_id: Option<String>,
    pub created_at: String,
    /// The payment as it was then.
    #[schema(value_type = Option<Object>)]
    pub payment: Option<Box<RawValue>>,
    /// The subscription as it was then.
    #[schema(value_type = Option<Object>)]
    pub subscription: Option<Box<RawValue>>,
}

impl From<StoredEvent> for EventView {
    fn from(event: StoredEvent) -> EventView {
        let is_receipt = event.kind.starts_with("receipt.");
        let is_subscription = event.is_of_subscription();
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
            created_at: iso(event.at_ms),
            payment: None,
            subscription: None,
        };
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
    OpenApiRouter::new().routes(routes!(get_events))
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
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before, or an event's id")),
    responses(
        (status = 200, description = "One page", body = Page<EventView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn get_events(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let known = ["type", "payment_id", "subscription_id", "limit", "starting_after"];
    let query = query.read(&known)?;
    let limit = query.limit()?;
    let kind = query.word("type", EventKind::parse, &EventKind::ALL.map(EventKind::as_str))?;
    let of_payment = query.find("payment_id");
    if of_payment.is_some() && query.find("subscription_id").is_some() {
        let message = "No event is of a payment and of a subscription: ask for one of them.";
        return Err(ApiError::new(codes::PARAM_INVALID, message).param("subscription_id"));
    }
    let subject_id = of_payment.or(query.find("subscription_id")).map(str::to_owned);
    let cursor = query.find("starting_after").map(str::to_owned);
    let start = cursor.clone();
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let after = match start {
                None => Some(0),
                Some(id) => find_event(tx, &caller.shop_id, &id)?.map(|event| event.seq),
            };
            let Some(after_seq) = after else { return Ok(None) };
            let kind = kind.map(|kind| kind.as_str().to_owned());
            let filter = EventFilter { after_seq, kind, subject_id };
            list_events(tx, &caller.shop_id, &filter, limit + 1).map(Some)
        })
        .await;
    let bad_cursor = || ApiError::of(codes::CURSOR_INVALID).param("starting_after");
    let events = found?.ok_or_else(bad_cursor)?;
    let data: Vec<EventView> = events.into_iter().map(EventView::from).collect();
    let mut page = Page::new(data, limit, |event| event.id.clone());
    page.next_cursor = page.data.last().map(|event| event.id.clone()).or(cursor);
    Answer::json(200, &page)
}
