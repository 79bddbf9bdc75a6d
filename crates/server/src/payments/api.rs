//! Routes of payments.

mod settle;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::RefundReply,
    model::Status,
    notices::{NewsReader, RefusedCount, Taken, take},
    request::{CancelPayment, CapturePayment, CreatePayment, CreateRefund},
    store::{self, PaymentFilter},
    submit::{self, Ask},
    timeline::{Teller, TimelineEntry, timeline},
    view::PaymentView,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, body, codes,
        error::ErrorBody,
        page::Page,
        query::{Query, RawQuery},
    },
    kit::db::DbError,
};

/// What a list of payments may be asked.
const FILTERS: [&str; 10] = [
    "status",
    "search",
    "customer_id",
    "order_id",
    "bank",
    "place_id",
    "created_from",
    "created_to",
    "limit",
    "starting_after",
];

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_payment, list_payments))
        .routes(routes!(get_payment))
        .routes(routes!(capture_payment))
        .routes(routes!(cancel_payment))
        .routes(routes!(create_refund))
        .routes(routes!(get_refund))
        .routes(routes!(get_timeline))
        .merge(settle::routes())
        .merge(super::receipts::api::routes())
}

/// Create a payment
///
/// Makes a payment and asks the bank for its link. Waits up to 4 seconds for the bank: then
/// `bank_url` is there; if the bank is slower, `pay_url`, our own page, works all the same and
/// `bank_url` comes with the event `payment.opened`.
#[utoipa::path(post, path = "/v1/payments", tag = "payments",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 printable ASCII characters, remembered for ever: the same key \
                       and body give the same answer and one payment.")),
    request_body = CreatePayment,
    responses(
        (status = 201, description = "The payment", body = PaymentView),
        (status = 400, description = "The body or the key cannot be read", body = ErrorBody),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "No bank is connected, or the bank refused",
            body = ErrorBody),
        (status = 413, description = "The body is larger than 256 KiB", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody),
        (status = 502, description = "The bank does not accept our token", body = ErrorBody),
        (status = 503, description = "Try again in a few seconds", body = ErrorBody)))]
async fn create_payment(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, submit::create).await
}

/// List payments
///
/// The shop's payments, newest first.
#[utoipa::path(get, path = "/v1/payments", tag = "payments",
    params(
        ("status" = Option<String>, Query, description = "One state, such as `paid`"),
        ("search" = Option<String>, Query,
            description = "Whatever is remembered of it: an id, an order's beginning, a sum, four \
                or more digits of the payer's phone, words of the purpose"),
        ("order_id" = Option<String>, Query, description = "The shop's own number"),
        ("customer_id" = Option<String>, Query,
            description = "The shop's own number of the customer: payments of his subscriptions, \
                those that saved a card or an account of his, and those taken from it"),
        ("bank" = Option<String>, Query, description = "The bank's word, such as `tochka`"),
        ("place_id" = Option<String>, Query, description = "The place whose code was paid"),
        ("created_from" = Option<String>, Query,
            description = "From this time on: 2026-11-21T19:47:00Z, or a day in Moscow"),
        ("created_to" = Option<String>, Query, description = "Before this time"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<PaymentView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_payments(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let (limit, filter) = (query.limit()?, read_filter(&query)?);
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| store::list_payments(tx, &caller.shop_id, &filter, limit + 1))
        .await;
    let view = |payment| PaymentView::new(payment, &server.ctx.public_url);
    let data: Vec<PaymentView> = found?.iter().map(view).collect();
    Answer::json(200, &Page::new(data, limit, |payment| payment.id.clone()))
}

fn read_filter(query: &Query) -> Result<PaymentFilter, ApiError> {
    let owned = |name: &str| query.find(name).map(str::to_owned);
    Ok(PaymentFilter {
        status: query.word("status", Status::parse, &Status::ALL.map(Status::as_str))?,
        search: owned("search"),
        order_id: owned("order_id"),
        customer_id: owned("customer_id"),
        bank: owned("bank"),
        place_id: owned("place_id"),
        created_from_ms: query.time_ms("created_from")?,
        created_to_ms: query.time_ms("created_to")?,
        before_id: query.id("starting_after", "pay_")?,
    })
}

/// Get a payment
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments",
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "The payment", body = PaymentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody)))]
async fn get_payment(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| store::find_payment(tx, &caller.shop_id, &id)).await;
    let payment = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    Answer::json(200, &PaymentView::new(&payment, &server.ctx.public_url))
}

/// Capture a hold
///
/// Takes the money that is held: all of it, or a part where the bank can, and then the rest is
/// released. Asking again is no error and no second capture.
#[utoipa::path(post, path = "/v1/payments/{id}/capture", tag = "payments",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Remembered for ever; see Create a payment")),
    request_body = Option<CapturePayment>,
    responses(
        (status = 200, description = "The payment; `capturing` if the bank is slow",
            body = PaymentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "There is no hold, or the bank refused", body = ErrorBody),
        (status = 422, description = "A field is wrong, or the bank takes holds only whole",
            body = ErrorBody)))]
async fn capture_payment(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| submit::capture(ask, id)).await
}

/// Cancel a hold
///
/// Releases the money that is held, where the bank can. Asking again is no error. What was paid is
/// given back by a refund.
#[utoipa::path(post, path = "/v1/payments/{id}/cancel", tag = "payments",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Remembered for ever; see Create a payment")),
    request_body = Option<CancelPayment>,
    responses(
        (status = 200, description = "The payment; still `authorized` if the bank is slow",
            body = PaymentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "There is no hold, or the bank refused", body = ErrorBody),
        (status = 422, description = "The bank cannot release a hold", body = ErrorBody)))]
async fn cancel_payment(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| submit::cancel(ask, id)).await
}

/// Refund a payment
///
/// Gives a part back, or all that is left when there is no amount. Refunds under way count as
/// gone: the sum never exceeds what was paid.
#[utoipa::path(post, path = "/v1/payments/{id}/refunds", tag = "payments",
    params(
        ("id" = String, Path, description = "The payment's id"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Remembered for ever; see Create a payment")),
    request_body = Option<CreateRefund>,
    responses(
        (status = 201, description = "The refund", body = RefundReply),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "Nothing is left, or the bank refused", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_refund(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| submit::refund(ask, id)).await
}

/// Get a refund
///
/// How it stands, with its payment. A refund that the bank's cabinet made has an id, too.
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "payments",
    params(("id" = String, Path, description = "The refund's id")),
    responses(
        (status = 200, description = "The refund", body = RefundReply),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such refund", body = ErrorBody)))]
async fn get_refund(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let refund_id = id.clone();
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| store::find_payment_of_refund(tx, &caller.shop_id, &refund_id))
        .await;
    let payment = found?.ok_or_else(|| ApiError::of(codes::REFUND_UNKNOWN))?;
    Answer::json(200, &RefundReply::new(payment, &id, &server.ctx.public_url)?)
}

/// Get a payment's timeline
///
/// The payment's story: events, the bank's notices, and every call to the bank with its masked
/// request and reply.
#[utoipa::path(get, path = "/v1/payments/{id}/timeline", tag = "payments",
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "The story in its order", body = Page<TimelineEntry>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody)))]
async fn get_timeline(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    Extension(more): Extension<Teller>,
) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| timeline(tx, &caller.shop_id, &id, more)).await;
    let entries = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    Answer::json(200, &Page::whole(entries))
}

/// Where banks send their notices. Not part of the shop's API: no key, the signature counts.
pub fn notice_routes(refused: Arc<RefusedCount>, news: NewsReader) -> Router<Server> {
    Router::new()
        .route("/notices/{bank}/{connection}", post(receive_notice))
        .layer(Extension(refused))
        .layer(Extension(news))
}

async fn receive_notice(
    State(server): State<Server>,
    Path((bank, connection)): Path<(String, String)>,
    Extension(refused): Extension<Arc<RefusedCount>>,
    Extension(news): Extension<NewsReader>,
    content: Body,
) -> Result<(StatusCode, &'static str), ApiError> {
    let limits = &server.limits;
    let body = body::read(content, limits.notice_body_bytes, limits.body_wait).await?;
    let ctx = server.ctx.clone();
    // Taken to its end even if the bank hangs up.
    let taking = async move { take(&ctx, (&refused, news), &bank, &connection, body).await };
    let taken = match server.finish(taking).await {
        Some(Ok(taken)) => taken,
        Some(Err(error)) => {
            tracing::error!("a notice was not taken: {error:#}");
            Taken::TryAgain
        }
        None => Taken::TryAgain,
    };
    server.nudge.notify_one();
    server.news.notify_waiters();
    Ok(match taken {
        Taken::Kept => (StatusCode::OK, "OK"),
        Taken::Refused => (StatusCode::FORBIDDEN, "not signed by the bank"),
        Taken::NoSuchConnection => (StatusCode::NOT_FOUND, "no such connection"),
        Taken::TryAgain => (StatusCode::SERVICE_UNAVAILABLE, "try again"),
    })
}
