//! Who calls, and what that caller has.

pub mod brand;

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use kopeck_banks::op::PayMethod;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow::{self, KeyProblem, RoutingProblem},
    model::Routing,
    store,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::{self, Raw},
    },
    kit::{clock::iso, db::DbError},
};

/// Bot builders have a field for a header's value, and some for no word before it.
const API_KEY_HEADER: &str = "x-api-key";
/// More connections than a shop has banks, twice over.
const MAX_BANKS: usize = 16;

/// Lets only requests with a good key through, and tells the handlers whose they are.
pub async fn authenticate(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = Given::of(request.headers());
    let path = request.uri().path().to_owned();
    match find_caller(&server, given, &path).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// The headers that may hold a key.
struct Given {
    bearer: Option<HeaderValue>,
    bare: Option<HeaderValue>,
}

impl Given {
    fn of(headers: &HeaderMap) -> Given {
        let named = |name: &str| headers.get(name).cloned();
        Given { bearer: named(AUTHORIZATION.as_str()), bare: named(API_KEY_HEADER) }
    }

    fn key(&self) -> Result<&str, ApiError> {
        // Whoever sends both means the one that the standard knows.
        let Some(header) = &self.bearer else {
            let bare = self.bare.as_ref().and_then(|bare| bare.to_str().ok());
            return bare.ok_or_else(|| ApiError::of(codes::API_KEY_MISSING));
        };
        let (scheme, key) = header.to_str().unwrap_or("").split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            let message = "The header Authorization is not `Bearer kpk_…`.";
            return Err(ApiError::new(codes::API_KEY_MISSING, message));
        }
        Ok(key)
    }
}

async fn find_caller(server: &Server, given: Given, path: &str) -> Result<Caller, ApiError> {
    match flow::authenticate(&server.ctx, given.key()?.trim()).await? {
        Ok(key) if !key.scope.opens(path) => Err(ApiError::of(codes::API_KEY_SCOPE)),
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
    /// The oldest first. Which one carries a payment that names no bank, the routing rule says.
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
    /// all, or bot: the flat doors of bots and nothing else.
    #[schema(value_type = String, example = "all")]
    pub scope: &'static str,
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
    OpenApiRouter::new()
        .routes(routes!(get_me))
        .routes(routes!(get_routing, put_routing))
        .merge(brand::routes())
}

/// Which bank carries a payment that names none. Banks are named by their words (`tochka`,
/// `tbank`) or by their connections' ids, the best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingView {
    #[schema(value_type = String, example = "routing")]
    pub object: &'static str,
    /// In general; banks that it does not name come after those that it does.
    #[schema(example = json!(["tochka", "tbank"]))]
    pub order: Vec<String>,
    /// For a way to pay, the only banks that may carry it.
    #[schema(example = json!({"sbp": ["tochka"]}))]
    pub methods: BTreeMap<String, Vec<String>>,
}

/// A new rule. What is left out is as if there were no rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRouting {
    #[schema(value_type = Option<Vec<String>>, example = json!(["tochka", "tbank"]))]
    order: Raw,
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>,
        example = json!({"sbp": ["tochka"]}))]
    methods: Raw,
}

impl PutRouting {
    fn read(&self) -> Result<Routing, ApiError> {
        let order = json::strings("order", &self.order, MAX_BANKS)?.unwrap_or_default();
        let mut by_method = BTreeMap::new();
        if let Some(raw) = &self.methods {
            let banks: BTreeMap<String, Raw> = serde_json::from_str(raw.get())
                .map_err(|_| json::invalid("methods", "takes an object of lists"))?;
            for (word, list) in banks {
                let param = format!("methods.{word}");
                let method = PayMethod::parse(&word).ok_or_else(|| {
                    let all = PayMethod::ALL.map(PayMethod::as_str).join(", ");
                    json::invalid(&param, &format!("is no way to pay; they are {all}"))
                })?;
                let banks = json::strings(&param, &list, MAX_BANKS)?.unwrap_or_default();
                if banks.is_empty() {
                    return Err(json::invalid(&param, "names no bank"));
                }
                by_method.insert(method, banks);
            }
        }
        Ok(Routing { order, by_method })
    }
}

/// Get the routing rule
///
/// Which bank carries a payment that names none.
#[utoipa::path(get, path = "/v1/routing", tag = "shop",
    responses(
        (status = 200, description = "The rule", body = RoutingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_routing(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    show_routing(&server, &caller.shop_id).await
}

async fn show_routing(server: &Server, shop_id: &str) -> Result<Answer, ApiError> {
    let shop_id = shop_id.to_owned();
    let rule: Result<Routing, DbError> =
        server.ctx.db.read(move |tx| store::get_routing(tx, &shop_id)).await;
    let Routing { order, by_method } = rule?;
    let by_method = by_method.into_iter().map(|(method, banks)| (method.as_str().into(), banks));
    Answer::json(200, &RoutingView { object: "routing", order, methods: by_method.collect() })
}

/// Replace the routing rule
///
/// Payments that exist keep the banks they were routed to. A bank that answers nothing or breaks
/// lately goes behind the healthy ones by itself; when a bank cannot open a link the next one is
/// tried, and what comes to a link at two banks is given back at the second.
#[utoipa::path(put, path = "/v1/routing", tag = "shop", request_body = PutRouting,
    responses(
        (status = 200, description = "The rule", body = RoutingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A bank or a way to pay is not known", body = ErrorBody)))]
async fn put_routing(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let rule = json::read::<PutRouting>(&body)?.read()?;
    match flow::save_routing(&server.ctx, &caller.shop_id, rule).await? {
        Ok(()) => show_routing(&server, &caller.shop_id).await,
        Err(RoutingProblem { param, word, known }) => {
            let shown: String = word.chars().take(60).collect();
            let message =
                format!("`{shown}` is not connected; the shop has: {}.", known.join(", "));
            Err(ApiError::new(codes::BANK_UNKNOWN, message).param(param))
        }
    }
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
    let key = KeyView {
        id: key.id,
        name: key.name,
        prefix: key.prefix,
        scope: key.scope.as_str(),
        created_at: iso(key.created_ms),
    };
    let connections = connections.into_iter().map(view).collect();
    Answer::json(200, &MeView { id: shop.id, object: "shop", name: shop.name, key, connections })
}
