//! Routes of what was sent: listed, shown, sent again.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, page::Page, query::RawQuery,
    },
    integrations::{
        again,
        model::{Sending, SendingState},
        store::sendings::{
            SendingFilter, find_sending, list_attempts, list_of_payment, list_sendings as list,
        },
        view::{ResentView, SendingView},
    },
    kit::db::DbError,
};

/// More than anybody sends about one payment.
const MAX_SENDINGS: i64 = 200;
/// Requests that one message shows.
pub const MAX_ATTEMPTS: i64 = 50;
const FILTERS: [&str; 6] =
    ["integration_id", "payment_id", "event_id", "status", "limit", "starting_after"];

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(list_sendings))
        .routes(routes!(list_all_sendings))
        .routes(routes!(get_sending))
        .routes(routes!(retry_sending))
        .routes(routes!(retry_failed))
}

/// List what was sent about a payment
#[utoipa::path(get, path = "/v1/payments/{id}/sendings", tag = "integrations",
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "In their order, at most 200", body = Page<SendingView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_sendings(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Vec<Sending>, DbError> =
        server.ctx.db.read(move |tx| list_of_payment(tx, &caller.shop_id, &id, MAX_SENDINGS)).await;
    Answer::json(200, &Page::whole(found?.iter().map(SendingView::new).collect()))
}

/// List sendings
///
/// What was told to whom by the shop's integrations and what became of it, newest first.
#[utoipa::path(get, path = "/v1/sendings", tag = "integrations",
    params(
        ("integration_id" = Option<String>, Query, description = "Of one integration"),
        ("payment_id" = Option<String>, Query, description = "About one payment"),
        ("event_id" = Option<String>, Query, description = "Of one event"),
        ("status" = Option<String>, Query,
            description = "`pending`, `delivered`, `unknown`, `failed` or `dropped`"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<SendingView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_all_sendings(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let limit = query.limit()?;
    let owned = |name: &str| query.find(name).map(str::to_owned);
    let words = SendingState::ALL.map(SendingState::as_str);
    let filter = SendingFilter {
        integration_id: owned("integration_id"),
        payment_id: owned("payment_id"),
        event_id: owned("event_id"),
        state: query.word("status", SendingState::parse, &words)?,
        before_id: query.id("starting_after", "msg_")?,
    };
    let found: Result<Vec<Sending>, DbError> =
        server.ctx.db.read(move |tx| list(tx, &caller.shop_id, &filter, limit + 1)).await;
    let views: Vec<SendingView> = found?.iter().map(SendingView::new).collect();
    Answer::json(200, &Page::new(views, limit, |sending| sending.id.clone()))
}

/// Get a sending
///
/// With its requests: when, what was answered, how long it took.
#[utoipa::path(get, path = "/v1/sendings/{id}", tag = "integrations",
    params(("id" = String, Path, description = "The sending's id")),
    responses(
        (status = 200, description = "The sending", body = SendingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such sending", body = ErrorBody)))]
async fn get_sending(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let sending = find_sending(tx, &caller.shop_id, &id)?;
            Ok((sending, list_attempts(tx, &id, MAX_ATTEMPTS)?))
        })
        .await;
    let (sending, attempts) = found?;
    let sending = sending.ok_or_else(|| ApiError::of(codes::SENDING_NOT_FOUND))?;
    Answer::json(200, &SendingView::new(&sending).with(&attempts))
}

/// Send a message again
///
/// One that failed, or of which it is not known whether it came: a person has looked and decided.
/// It has a day anew. What a later outcome of the same payment has overtaken is refused.
#[utoipa::path(post, path = "/v1/sendings/{id}/retry", tag = "integrations",
    params(("id" = String, Path, description = "The sending's id")),
    responses(
        (status = 200, description = "The sending, pending", body = SendingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such sending", body = ErrorBody),
        (status = 409, description = "It is on its way, has arrived, or is not true any more",
            body = ErrorBody)))]
async fn retry_sending(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let sending = again::retry(&server.ctx, &caller.shop_id, &id).await?;
    server.nudge.notify_one();
    Answer::json(200, &SendingView::new(&sending))
}

/// Send again all that failed
///
/// All that this integration gave up, in the order of its events; not to addresses that have
/// ended (somebody blocked the bot, there is no such mailbox), and not what is overtaken. What is
/// `unknown` is sent again one by one only.
#[utoipa::path(post, path = "/v1/integrations/{id}/retry", tag = "integrations",
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "How many are on their way", body = ResentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody)))]
async fn retry_failed(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let count = again::retry_failed(&server.ctx, &caller.shop_id, &id).await?;
    server.nudge.notify_one();
    Answer::json(200, &ResentView::new(&id, count))
}
