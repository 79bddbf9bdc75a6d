//! Routes of what portals asked for: listed, tried anew.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, page::Page, query::RawQuery,
    },
    integrations::{
        bitrix24::{
            model::{Errand, State as ErrandState},
            redo,
            store::errands::{ErrandFilter, list_errands as list},
            view::ErrandView,
        },
        flow,
    },
    kit::db::DbError,
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(list_errands))
        .routes(routes!(get_errand))
        .routes(routes!(retry_errand))
}

/// List what a portal asked for
///
/// Of a CRM with an application: links for deals, runs of its robot, orders that are to be marked
/// as paid, newest first. What is done is remembered for thirty days, without what it was about.
#[utoipa::path(get, path = "/v1/integrations/{id}/errands", tag = "integrations",
    params(
        ("id" = String, Path, description = "The integration's id"),
        ("status" = Option<String>, Query, description = "`pending`, `done` or `failed`"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<ErrandView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_errands(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&["status", "limit", "starting_after"])?;
    let limit = query.limit()?;
    let words = ErrandState::ALL.map(ErrandState::as_str);
    let filter = ErrandFilter {
        state: query.word("status", ErrandState::parse, &words)?,
        before_id: query.id("starting_after", "err_")?,
    };
    let linked = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    let found: Result<Vec<Errand>, DbError> =
        server.ctx.db.read(move |tx| list(tx, &linked.id, &filter, limit + 1)).await;
    let views: Vec<ErrandView> = found?.iter().map(ErrandView::new).collect();
    Answer::json(200, &Page::new(views, limit, |errand| errand.id.clone()))
}

/// Get what a portal asked for
#[utoipa::path(get, path = "/v1/errands/{id}", tag = "integrations",
    params(("id" = String, Path, description = "The errand's id")),
    responses(
        (status = 200, description = "The errand", body = ErrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such errand", body = ErrorBody)))]
async fn get_errand(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Option<Errand>, DbError> =
        server.ctx.db.read(move |tx| redo::find(tx, &caller.shop_id, &id)).await;
    let errand = found?.ok_or_else(|| ApiError::of(codes::ERRAND_NOT_FOUND))?;
    Answer::json(200, &ErrandView::new(&errand))
}

/// Try what a portal asked for anew
///
/// One that was given up. It has a day anew; what the portal did not take for a day is tried again
/// by itself each hour for two weeks.
#[utoipa::path(post, path = "/v1/errands/{id}/retry", tag = "integrations",
    params(("id" = String, Path, description = "The errand's id")),
    responses(
        (status = 200, description = "The errand, pending", body = ErrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such errand", body = ErrorBody),
        (status = 409, description = "It waits or is done", body = ErrorBody)))]
async fn retry_errand(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let errand = redo::retry(&server.ctx, &caller.shop_id, &id).await?;
    server.nudge.notify_one();
    Answer::json(200, &ErrandView::new(&errand))
}
