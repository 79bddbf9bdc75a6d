//! Who calls, and what that caller has.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow::{self, KeyProblem},
    store,
};
use crate::{
    http::{Answer, ApiError, Caller, Server, codes, error::ErrorBody},
    kit::{clock::iso, db::DbError},
};

/// Lets only requests with a good key through, and tells the handlers whose they are.
pub async fn authenticate(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(AUTHORIZATION).cloned();
    match find_caller(&server, header).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

async fn find_caller(server: &Server, header: Option<HeaderValue>) -> Result<Caller, ApiError> {
    let header = header.ok_or_else(|| ApiError::of(codes::API_KEY_MISSING))?;
    let (scheme, key) = header.to_str().unwrap_or("").split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        let message = "The header Authorization is not `Bearer kpk_…`.";
        return Err(ApiError::new(codes::API_KEY_MISSING, message));
    }
    match flow::authenticate(&server.ctx, key.trim()).await? {
        Ok(key) => Ok(Caller { shop_id: key.shop_id, key_id: key.id }),
        Err(KeyProblem::Unknown) => Err(ApiError::of(codes::API_KEY_INVALID)),
        Err(KeyProblem::Revoked) => Err(ApiError::of(codes::API_KEY_REVOKED)),
    }
}

/// The shop behind the key.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    #[schema(example = "shop_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "shop")]
    pub object: &'static str,
    pub name: String,
    pub key: KeyView,
    /// The first one is used when a payment names no bank.
    pub connections: Vec<ConnectionView>,
}

/// The key of this request.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    pub id: String,
    pub name: String,
    /// The key's first characters.
    #[schema(example = "kpk_A2B3")]
    pub prefix: String,
    pub created_at: String,
}

/// A bank's account, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionView {
    pub id: String,
    #[schema(example = "tochka")]
    pub bank: String,
    pub name: String,
    /// Where the bank sends its notices.
    #[schema(example = "https://pay.example.ru/notices/tochka/con_019a7a3e")]
    pub notice_url: String,
    /// When the bank's access token ends, if that is known.
    pub token_expires_at: Option<String>,
    /// When the daily sweep last finished.
    pub swept_at: Option<String>,
    pub created_at: String,
}

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(get_me))
}

/// Get the shop
///
/// The shop that the key belongs to, and its banks.
#[utoipa::path(get, path = "/v1/me", tag = "shop",
    responses(
        (status = 200, description = "The shop", body = MeView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_me(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let shop = store::find_shop(tx, &caller.shop_id)?;
            let keys = store::list_keys(tx, &caller.shop_id)?;
            let key = keys.into_iter().find(|key| key.id == caller.key_id);
            Ok((shop.zip(key), store::list_connections(tx, &caller.shop_id)?))
        })
        .await;
    let (Some((shop, key)), connections) = found? else {
        return Err(ApiError::of(codes::API_KEY_INVALID));
    };
    let public_url = &server.ctx.public_url;
    let view = |connection: store::SealedConnection| ConnectionView {
        notice_url: format!("{public_url}/notices/{}/{}", connection.bank, connection.id),
        id: connection.id,
        bank: connection.bank,
        name: connection.name,
        token_expires_at: connection.token_expires_ms.map(iso),
        swept_at: Some(connection.swept_ms).filter(|ms| *ms > 0).map(iso),
        created_at: iso(connection.created_ms),
    };
    let key =
        KeyView { id: key.id, name: key.name, prefix: key.prefix, created_at: iso(key.created_ms) };
    let connections = connections.into_iter().map(view).collect();
    Answer::json(200, &MeView { id: shop.id, object: "shop", name: shop.name, key, connections })
}
