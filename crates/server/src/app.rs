//! The server put together: routes, layers, jobs, start and end.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use kopeck_banks::bank::NoticeNews;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    claims, customers, desks, events,
    http::{ApiError, Limits, Server, codes, listen, request_id},
    integrations,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        self,
        notices::RefusedCount,
        timeline::{Teller, TimelineEntry},
    },
    places, receipts, reconcile,
    runner::{self, Nudge},
    shops::{self, model::Connection},
    subscriptions, todos,
    web::{
        admin, assets, bitrix24, brand, checkout, desk, docs, place, portal, status, unsubscribe,
        withdrawal,
    },
    webhooks,
};

/// How long running requests may go on after the order to stop: longer than a request waits for
/// the bank, shorter than service managers wait before they kill.
const DRAIN: Duration = Duration::from_secs(20);

/// What the process serves: made once, cloned into routes.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
    pub nudge: Nudge,
    pub refused: Arc<RefusedCount>,
    pub limits: Limits,
}

impl App {
    pub fn new(ctx: Ctx) -> App {
        App {
            ctx,
            nudge: Arc::new(Notify::new()),
            refused: Arc::new(RefusedCount::default()),
            limits: Limits::default(),
        }
    }
}

/// The shop's API with its description.
fn api() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(docs::base())
        .merge(payments::api::routes())
        .merge(places::api::routes())
        .merge(desks::api::routes())
        .merge(customers::api::routes())
        .merge(claims::api::routes())
        .merge(events::api::routes())
        .merge(todos::api::routes())
        .merge(webhooks::api::routes())
        .merge(integrations::api::routes())
        .merge(integrations::api::sendings::routes())
        .merge(integrations::api::errands::routes())
        .merge(integrations::updates::routes())
        .merge(shops::api::routes())
        .merge(receipts::api::routes())
        .merge(subscriptions::api::routes())
}

/// The OpenAPI document, as served and as committed.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// Every route of the server.
pub fn router(ctx: Ctx, nudge: Nudge, refused: Arc<RefusedCount>, limits: Limits) -> Router {
    router_of(&Server::new(ctx, nudge, limits), refused)
}

fn router_of(server: &Server, refused: Arc<RefusedCount>) -> Router {
    let (api, document) = api().split_for_parts();
    // The dashboard calls the same routes, with who is in for the key.
    let inner = api.clone().layer(Extension(tell as Teller));
    let inner = inner
        .layer(CatchPanicLayer::custom(|_| ApiError::of(codes::INTERNAL).into_response()))
        .with_state(server.clone());
    let authenticate = from_fn_with_state(server.clone(), shops::api::authenticate);
    Router::new()
        .merge(api.route_layer(authenticate))
        .layer(Extension(tell as Teller))
        .merge(payments::api::notice_routes(Arc::clone(&refused), take_news))
        .merge(integrations::updates::update_routes())
        .merge(admin::routes(server, inner).layer(Extension(tell as Teller)))
        .merge(checkout::routes())
        .merge(place::routes())
        .merge(desk::routes())
        .merge(withdrawal::routes())
        .merge(unsubscribe::routes())
        .merge(bitrix24::routes())
        .merge(brand::routes())
        .merge(portal::routes())
        .merge(portal::pricing_routes())
        .merge(status::routes())
        .merge(assets::routes())
        .merge(docs::routes(&document, &server.ctx.public_url))
        .route("/healthz", get(healthz).layer(Extension(Arc::clone(&refused))))
        .fallback(async || ApiError::of(codes::ROUTE_NOT_FOUND))
        .method_not_allowed_fallback(async || ApiError::of(codes::METHOD_NOT_ALLOWED))
        .layer(CatchPanicLayer::custom(|_| ApiError::of(codes::INTERNAL).into_response()))
        .layer(from_fn(plain_errors))
        .layer(from_fn_with_state(server.clone(), keep_to_tls))
        .layer(from_fn_with_state(server.clone(), request_id::layer))
        .with_state(server.clone())
}

/// What others were told of a payment.
pub fn tell(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Vec<TimelineEntry>, DbError> {
    let mut entries = webhooks::story::entries(tx, shop_id, id)?;
    entries.extend(integrations::story::entries(tx, shop_id, id)?);
    Ok(entries)
}

/// What a notice tells besides a payment's state: perhaps a desk was paid, perhaps a place.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<Option<String>, DbError> {
    if let Some(account) = customers::flow::take_news(tx, ctx, connection, news)? {
        return Ok(account.payment_id);
    }
    match desks::flow::take_news(tx, ctx, connection, news)? {
        Some(payment_id) => Ok(Some(payment_id)),
        None => places::flow::take_news(tx, ctx, connection, news),
    }
}

/// A browser that came over TLS once comes over nothing else for a year. Said only where TLS is.
async fn keep_to_tls(
    State(server): State<Server>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let mut response = next.run(request).await;
    if server.ctx.public_url.starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// What axum itself refuses, such as a path that is not UTF-8, becomes an error of ours.
async fn plain_errors(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let response = next.run(request).await;
    let is_ours = response.extensions().get::<ApiError>().is_some();
    let is_plain = response.status() == StatusCode::BAD_REQUEST;
    if is_plain && !is_ours {
        let message = "The address cannot be read.";
        return ApiError::new(codes::ROUTE_NOT_FOUND, message).into_response();
    }
    response
}

/// Whether the database answers, how many forged or broken notices this process refused, and how
/// many receipts failed, are late or wait for a person.
async fn healthz(
    State(server): State<Server>,
    Extension(refused): Extension<Arc<RefusedCount>>,
) -> Result<Response, ApiError> {
    let standing = receipts::flow::stand_all(&server.ctx).await?;
    let receipts::store::Standing { due, failed, late, .. } = standing;
    let body = serde_json::json!({
        "status": "ok", "refused_notices": refused.total(),
        "receipts": { "due": due, "failed": failed, "late": late },
    });
    Ok(axum::Json(body).into_response())
}

impl App {
    /// Serves until `shutdown` resolves; then takes no more connections, lets running requests and
    /// jobs end, and returns.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let App { ctx, nudge, refused, limits } = self;
        schedule_sweeps(&ctx).await?;
        let server = Server::new(ctx.clone(), Arc::clone(&nudge), limits);
        let router = router_of(&server, refused);
        let (stop, stopped) = watch::channel(false);
        let jobs = tokio::spawn(runner::run_both(ctx, nudge, stopped.clone()));
        let mut serving = tokio::spawn(listen::serve(listener, router, limits.head_wait, stopped));
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = shutdown => None,
        };
        // Nobody left to hear it is as good as heard.
        let _ = stop.send(true);
        server.close();
        let draining = async {
            if ended.is_none() {
                let _ = (&mut serving).await;
            }
            server.idle().await;
            let _ = jobs.await;
        };
        if tokio::time::timeout(DRAIN, draining).await.is_err() {
            tracing::warn!("stopped with work unfinished; the next start takes it up");
        }
        match ended {
            Some(ended) => ended.context("the server's task broke"),
            None => Ok(()),
        }
    }
}

/// Every connection has its daily sweep; the first one is due at once, to catch up after a pause.
async fn schedule_sweeps(ctx: &Ctx) -> anyhow::Result<()> {
    let inner = ctx.clone();
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let (all, now_ms) = (shops::store::list_all_connections(tx)?, inner.now_ms());
            let schedule = |id: &str| reconcile::flow::schedule(tx, &inner.mint, id, now_ms);
            all.iter().map(|connection| connection.id.as_str()).try_for_each(schedule)?;
            places::flow::schedule(tx, &inner)
        })
        .await;
    done.context("scheduling the daily sweeps")
}
