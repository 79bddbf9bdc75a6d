//! Where messengers send their updates, and routes of customers' chats with the shop's bots.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    api::tested,
    chats::{self, Heard, Invitation},
    flow,
    model::Chat,
    request::service,
    store,
    view::TestedView,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, body,
        error::ErrorBody,
        json::{self, Raw, missing},
        page::Page,
    },
    kit::{clock::iso, db::DbError},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(invite_chat, list_chats))
        .routes(routes!(unbind_chat))
        .routes(routes!(register_updates))
}

/// Without a key: the service's own secret header opens it.
pub fn update_routes() -> Router<Server> {
    Router::new().route("/updates/{id}", post(take_update))
}

async fn take_update(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    content: Body,
) -> Result<StatusCode, ApiError> {
    let limits = &server.limits;
    let bytes = body::read(content, limits.notice_body_bytes, limits.body_wait).await?;
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let heard = chats::hear(&server.ctx, &id, (header, &bytes)).await?;
    if heard == Heard::Done {
        server.nudge.notify_one();
    }
    Ok(match heard {
        Heard::Done => StatusCode::OK,
        Heard::Forged => StatusCode::FORBIDDEN,
        Heard::Nobody => StatusCode::NOT_FOUND,
    })
}

/// With which bot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteChat {
    /// telegram or max.
    #[schema(value_type = String, example = "telegram")]
    pub service: Raw,
}

/// A link by which a customer ties his chat to himself.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationView {
    #[schema(value_type = String, example = "chat_invitation")]
    pub object: &'static str,
    pub customer_id: String,
    pub integration_id: String,
    pub service: String,
    /// What the customer opens; good once. There he presses Start.
    #[schema(example = "https://t.me/shop_bot?start=str_019a7a3e5c7d…")]
    pub url: String,
    pub expires_at: String,
}

impl InvitationView {
    pub fn new(customer_id: &str, invitation: Invitation) -> InvitationView {
        InvitationView {
            object: "chat_invitation",
            customer_id: customer_id.to_owned(),
            integration_id: invitation.integration_id,
            service: invitation.service,
            url: invitation.url,
            expires_at: iso(invitation.until_ms),
        }
    }
}

/// A customer's chat with one of the shop's bots; never its number.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatView {
    #[schema(value_type = String, example = "chat")]
    pub object: &'static str,
    pub customer_id: String,
    pub integration_id: String,
    pub service: String,
    /// bound, or ended: nothing goes there.
    #[schema(value_type = String, example = "bound")]
    pub status: &'static str,
    /// chat_stopped (the customer stopped the bot), chat_unbound (the shop untied it), or the
    /// service's own problem.
    pub ended_code: Option<String>,
    pub bound_at: String,
    pub ended_at: Option<String>,
}

impl ChatView {
    pub fn new((chat, service): &(Chat, String)) -> ChatView {
        ChatView {
            object: "chat",
            customer_id: chat.customer_id.clone(),
            integration_id: chat.integration_id.clone(),
            service: service.clone(),
            status: if chat.ended.is_some() { "ended" } else { "bound" },
            ended_code: chat.ended.as_ref().map(|(_, code)| code.clone()),
            bound_at: iso(chat.bound_ms),
            ended_at: chat.ended.as_ref().map(|(at_ms, _)| iso(*at_ms)),
        }
    }
}

/// Invite a customer into a chat
///
/// A link that opens the shop's bot in Telegram or MAX. When the customer presses Start there, his
/// chat is tied to him, and links and news of his subscriptions go there. Good for one chat.
#[utoipa::path(post, path = "/v1/customers/{id}/chats", tag = "customers",
    request_body = InviteChat,
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 201, description = "The link", body = InvitationView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "The bot is not set up, or has no name", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn invite_chat(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Answer, ApiError> {
    let input: InviteChat = json::read(&bytes)?;
    let name = json::string("service", &input.service)?.ok_or_else(|| missing("service"))?;
    let name = service(&name)?.name();
    let invitation = chats::invite(&server.ctx, &caller.shop_id, &id, name).await?;
    Answer::json(201, &InvitationView::new(&id, invitation))
}

/// List a customer's chats
#[utoipa::path(get, path = "/v1/customers/{id}/chats", tag = "customers",
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "The newest first, at most 100", body = Page<ChatView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_chats(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Vec<(Chat, String)>, DbError> =
        server.ctx.db.read(move |tx| store::chats::list(tx, &caller.shop_id, &id)).await;
    Answer::json(200, &Page::whole(found?.iter().map(ChatView::new).collect()))
}

/// Untie a customer's chats
///
/// Nothing more goes to his chats with this service, until he starts by a new link.
#[utoipa::path(delete, path = "/v1/customers/{id}/chats/{service}", tag = "customers",
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("service" = String, Path, description = "telegram or max")),
    responses(
        (status = 200, description = "His chats now", body = Page<ChatView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn unbind_chat(
    State(server): State<Server>,
    caller: Caller,
    Path((id, service)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let all = chats::unbind(&server.ctx, &caller.shop_id, &id, &service).await?;
    Answer::json(200, &Page::whole(all.iter().map(ChatView::new).collect()))
}

/// Register the address for updates
///
/// Tells Telegram or MAX to send what happens in the bot's chats to this server, so that customers'
/// chats can be tied to them. The server needs a public `https` address. Again after a new token.
#[utoipa::path(post, path = "/v1/integrations/{id}/updates", tag = "integrations",
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "What the service says", body = TestedView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody),
        (status = 422, description = "The service sends no updates", body = ErrorBody)))]
async fn register_updates(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let linked = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    let view = tested(&linked, chats::register(&server.ctx, &linked).await)?;
    Answer::json(200, &view)
}
