//! Routes of webhooks and of deliveries.

mod deliveries;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow::{self, Problem},
    model::Webhook,
    replay::replay,
    replies::Made,
    request::{self, CreateWebhook, EditWebhook, ReplayEvents, RotateSecret},
    store,
    view::{RemovedView, ReplayView, TestView, WebhookView, WebhookWithSecret},
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, json, page::Page,
        query::RawQuery,
    },
    kit::{Ctx, db::DbError},
    payments::{
        idempotency::{Work as _, find_work},
        submit::{self, Ask},
    },
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_webhook, list_webhooks))
        .routes(routes!(get_webhook, edit_webhook, remove_webhook))
        .routes(routes!(rotate_secret))
        .routes(routes!(test_webhook))
        .routes(routes!(replay_events))
        .merge(deliveries::routes())
}

/// The webhook as it is shown.
pub fn view(ctx: &Ctx, webhook: &Webhook) -> anyhow::Result<WebhookView> {
    Ok(WebhookView::new(webhook, &flow::open(ctx, webhook)?, ctx.now_ms()))
}

/// Create a webhook
///
/// An address that is told of what happens from now on, signed by Standard Webhooks. The secret
/// is in this answer and never again, but to the same request with the same `Idempotency-Key`.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = CreateWebhook,
    responses(
        (status = 201, description = "The webhook with its secret", body = WebhookWithSecret),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "The shop has 200 webhooks already", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_webhook(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, create_once).await
}

async fn create_once(ask: Ask) -> Result<Answer, ApiError> {
    if let Some(answer) = made_before(&ask).await? {
        return Ok(answer);
    }
    let (ctx, shop_id) = (&ask.server.ctx, ask.caller.shop_id.as_str());
    let new = json::read::<CreateWebhook>(&ask.body)?.read(&*ctx.courier)?;
    request::look_up(&*ctx.courier, &new.url).await?;
    match flow::create(ctx, shop_id, new, ask.key.clone()).await {
        Ok((webhook, key)) => {
            Answer::json(201, &WebhookWithSecret::new(view(ctx, &webhook)?, &key))
        }
        Err(Problem::Twin) => {
            let told = made_before(&ask).await?;
            told.ok_or_else(|| ApiError::of(codes::INTERNAL))
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn made_before(ask: &Ask) -> Result<Option<Answer>, ApiError> {
    let Some(key) = &ask.key else { return Ok(None) };
    let found = find_work::<Made>(&ask.server.ctx, &ask.caller.shop_id, key).await?;
    match found {
        Some(made) => made.compose(ask).await.map(Some),
        None => Ok(None),
    }
}

/// List webhooks
///
/// The shop's webhooks, newest first.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<WebhookView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_webhooks(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&["limit", "starting_after"])?;
    let limit = query.limit()?;
    let before = query.id("starting_after", "wh_")?;
    let found: Result<Vec<Webhook>, DbError> = server
        .ctx
        .db
        .read(move |tx| store::list_webhooks(tx, &caller.shop_id, before.as_deref(), limit + 1))
        .await;
    let views: Result<Vec<_>, _> = found?.iter().map(|it| view(&server.ctx, it)).collect();
    Answer::json(200, &Page::new(views?, limit, |webhook| webhook.id.clone()))
}

/// Get a webhook
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook", body = ErrorBody)))]
async fn get_webhook(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let webhook = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    Answer::json(200, &view(&server.ctx, &webhook)?)
}

/// Change a webhook
///
/// What is left out stays. A webhook that is enabled again goes on where it stopped.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", request_body = EditWebhook,
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn edit_webhook(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let changes = json::read::<EditWebhook>(&body)?.read(&*server.ctx.courier)?;
    if let Some(url) = &changes.url {
        request::look_up(&*server.ctx.courier, url).await?;
    }
    let webhook = flow::edit(&server.ctx, &caller.shop_id, &id, changes).await?;
    server.nudge.notify_one();
    Answer::json(200, &view(&server.ctx, &webhook)?)
}

/// Remove a webhook
///
/// Nothing more is sent there, not even what waits. What was sent stays in the list of deliveries.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "It is removed", body = RemovedView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook", body = ErrorBody)))]
async fn remove_webhook(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let webhook = flow::remove(&server.ctx, &caller.shop_id, &id).await?;
    Answer::json(200, &RemovedView { id: webhook.id, object: "webhook", removed: true })
}

/// Rotate a webhook's secret
///
/// Makes a new secret. For the overlap both sign every request, so that a receiver can be changed
/// without losing anything.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate", tag = "webhooks",
    request_body = Option<RotateSecret>,
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook with its new secret", body = WebhookWithSecret),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn rotate_secret(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let hours = json::read::<RotateSecret>(&body)?.read()?;
    let (webhook, key) = flow::rotate(&server.ctx, &caller.shop_id, &id, hours).await?;
    Answer::json(200, &WebhookWithSecret::new(view(&server.ctx, &webhook)?, &key))
}

/// Test a webhook
///
/// Sends a signed event of the type `webhook.test` now, and tells what was answered. It works on a
/// disabled webhook too, and is no delivery.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "What the receiver answered", body = TestView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook", body = ErrorBody)))]
async fn test_webhook(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let webhook = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    let trial = flow::test(&server.ctx, &webhook).await?;
    Answer::json(200, &TestView::new(&trial))
}

/// Replay events
///
/// Sends events to the webhook again, with the same ids: all that were given up, a range by time
/// or by number, or one. A range holds only events that the webhook asks for, also those from
/// before it was made.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "webhooks",
    request_body = ReplayEvents,
    params(("id" = String, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "How many are on their way", body = ReplayView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such webhook or event", body = ErrorBody),
        (status = 409, description = "The webhook is disabled", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn replay_events(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let wanted = json::read::<ReplayEvents>(&body)?.read()?;
    let count = replay(&server.ctx, &caller.shop_id, &id, wanted).await?;
    server.nudge.notify_one();
    Answer::json(200, &ReplayView { object: "replay", webhook_id: id, deliveries: count })
}
