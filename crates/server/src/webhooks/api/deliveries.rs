//! Routes of deliveries.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, page::Page, query::RawQuery,
    },
    kit::db::DbError,
    webhooks::{
        model::{Delivery, DeliveryState},
        replay::retry,
        store::deliveries::{self, DeliveryFilter},
        view::DeliveryView,
    },
};

/// Attempts that one delivery shows.
pub const MAX_ATTEMPTS: i64 = 50;
const FILTERS: [&str; 6] =
    ["webhook_id", "event_id", "payment_id", "status", "limit", "starting_after"];

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(retry_delivery))
}

/// List deliveries
///
/// Which event went to which webhook and what became of it, newest first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "webhooks",
    params(
        ("webhook_id" = Option<String>, Query, description = "Of one webhook"),
        ("event_id" = Option<String>, Query, description = "Of one event"),
        ("payment_id" = Option<String>, Query, description = "Of one payment's events"),
        ("status" = Option<String>, Query,
            description = "`pending`, `delivered`, `failed` or `dropped`"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<DeliveryView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_deliveries(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let limit = query.limit()?;
    let owned = |name: &str| query.find(name).map(str::to_owned);
    let words = DeliveryState::ALL.map(DeliveryState::as_str);
    let filter = DeliveryFilter {
        webhook_id: owned("webhook_id"),
        event_id: owned("event_id"),
        subject: owned("payment_id"),
        state: query.word("status", DeliveryState::parse, &words)?,
        before_id: query.id("starting_after", "del_")?,
    };
    let found: Result<Vec<Delivery>, DbError> = server
        .ctx
        .db
        .read(move |tx| deliveries::list_deliveries(tx, &caller.shop_id, &filter, limit + 1))
        .await;
    let views: Vec<DeliveryView> = found?.iter().map(DeliveryView::new).collect();
    Answer::json(200, &Page::new(views, limit, |delivery| delivery.id.clone()))
}

/// Get a delivery
///
/// With its attempts: when, what was answered, how long it took.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "The delivery", body = DeliveryView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such delivery", body = ErrorBody)))]
async fn get_delivery(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let delivery = deliveries::find_delivery(tx, &caller.shop_id, &id)?;
            Ok((delivery, deliveries::list_attempts(tx, &id, MAX_ATTEMPTS)?))
        })
        .await;
    let (delivery, attempts) = found?;
    let delivery = delivery.ok_or_else(|| ApiError::of(codes::DELIVERY_NOT_FOUND))?;
    Answer::json(200, &DeliveryView::new(&delivery).with(&attempts))
}

/// Retry a delivery
///
/// Sends it again at once, whatever became of it, with the same id; the seven days begin anew.
#[utoipa::path(post, path = "/v1/deliveries/{id}/retry", tag = "webhooks",
    params(("id" = String, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "The delivery, pending", body = DeliveryView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such delivery", body = ErrorBody),
        (status = 409, description = "The webhook is disabled or removed", body = ErrorBody)))]
async fn retry_delivery(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let delivery = retry(&server.ctx, &caller.shop_id, &id).await?;
    server.nudge.notify_one();
    Answer::json(200, &DeliveryView::new(&delivery))
}
