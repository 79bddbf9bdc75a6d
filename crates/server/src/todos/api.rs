//! Routes of what a person has to look after.

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    model::{Subject, Todo, Why},
    store,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, page::Page, query::RawQuery,
    },
    kit::{clock::iso, db::DbError},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(list_todos)).routes(routes!(close_todo))
}

/// Why something cannot go on by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyView {
    /// Stable: one of the codes of errors, or of failures.
    #[schema(example = "receipt_invalid")]
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl WhyView {
    pub fn new(why: &Why) -> WhyView {
        WhyView { code: why.code.clone(), message: why.message.clone(), hint: why.hint.clone() }
    }
}

/// Something that a person has to look after.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoView {
    #[schema(example = "todo_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "todo")]
    pub object: &'static str,
    /// subscription_blocked, charge_unexpected, charge_unanswered, notice_undelivered,
    /// refund_needed, integration_stopped, errand_given_up, webhook_disabled.
    #[schema(value_type = String, example = "charge_unexpected")]
    pub kind: &'static str,
    pub subscription_id: Option<String>,
    pub payment_id: Option<String>,
    pub integration_id: Option<String>,
    pub webhook_id: Option<String>,
    pub why: WhyView,
    /// What to do, for people.
    pub ru: &'static str,
    pub en: &'static str,
    pub created_at: String,
    pub done_at: Option<String>,
    /// Who or what settled it.
    pub done_by: Option<String>,
}

impl TodoView {
    pub fn new(todo: &Todo) -> TodoView {
        let (ru, en) = todo.kind.action();
        let subject =
            |it: Subject| Some(todo.subject_id.clone()).filter(|_| todo.kind.subject() == it);
        TodoView {
            id: todo.id.clone(),
            object: "todo",
            kind: todo.kind.as_str(),
            subscription_id: subject(Subject::Subscription),
            payment_id: subject(Subject::Payment),
            integration_id: subject(Subject::Integration),
            webhook_id: subject(Subject::Webhook),
            why: WhyView::new(&todo.why),
            ru,
            en,
            created_at: iso(todo.created_ms),
            done_at: todo.done_ms.map(iso),
            done_by: todo.done_by.clone(),
        }
    }
}

/// List what needs a person
///
/// What no machine may decide: money that nobody expected or that nobody may keep, charges of which
/// the bank says nothing, subscriptions for which no payment can be made, services and webhooks by
/// which nothing is told any more. Most settle themselves once their reason is gone; what does not
/// is closed by hand.
#[utoipa::path(get, path = "/v1/todos", tag = "events",
    params(
        ("status" = Option<String>, Query, description = "open (when absent), or all"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page, the newest first", body = Page<TodoView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_todos(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&["status", "limit", "starting_after"])?;
    let limit = query.limit()?;
    let read = |word: &str| match word {
        "open" => Some(false),
        "all" => Some(true),
        _ => None,
    };
    let is_all = query.word("status", read, &["open", "all"])?.unwrap_or(false);
    let before = query.id("starting_after", "todo_")?;
    let found: Result<Vec<Todo>, DbError> = server
        .ctx
        .db
        .read(move |tx| store::list(tx, (&caller.shop_id, is_all), before.as_deref(), limit + 1))
        .await;
    let data: Vec<TodoView> = found?.iter().map(TodoView::new).collect();
    Answer::json(200, &Page::new(data, limit, |it| it.id.clone()))
}

/// Close what was looked after
///
/// Nothing else happens by it, except of `notice_undelivered`: it says that the customer was told
/// otherwise, and the charge follows as after a notice that was taken. Again is no error.
#[utoipa::path(post, path = "/v1/todos/{id}/done", tag = "events",
    params(("id" = String, Path, description = "The todo's id")),
    responses(
        (status = 200, description = "As it is now", body = TodoView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such todo", body = ErrorBody)))]
async fn close_todo(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let now_ms = server.ctx.now_ms();
    let closed: Result<Option<Todo>, DbError> = server
        .ctx
        .db
        .write(move |tx| store::close(tx, (&caller.shop_id, &id), (now_ms, "api")))
        .await;
    let closed = closed?.ok_or_else(|| ApiError::of(codes::TODO_NOT_FOUND))?;
    Answer::json(200, &TodoView::new(&closed))
}
