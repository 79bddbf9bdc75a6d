//! Routes of the checkout.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde::Serialize;

use super::{
    banks::Banks,
    events::Streams,
    page::{self, Shown},
};
use crate::{
    http::{ApiError, Server, codes, query::RawQuery},
    integrations::{letter::is_payable, store::replaced::find_newer},
    kit::db::{DbError, Tx},
    payments::{
        flow::{attempts::request_move, payer_left},
        model::Payment,
        store,
    },
    qr,
    receipts::{self, model::Kind},
    web::{
        brand::{Look, find_look},
        headers,
        lang::Lang,
    },
};

/// A payer's page tells of money: no cache keeps it.
const CACHE: &str = "no-store";
/// A payment's code never changes, and tells no more than who has its address knows.
const CACHE_PICTURE: &str = "public, max-age=31536000, immutable";
/// Pixels at the least: sharp on a phone, small in a mail.
const PNG_SIDE: u32 = 512;

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/pay/{id}", get(show))
        // The same, for where every letter counts.
        .route("/p/{id}", get(show))
        .route("/pay/{id}/go", get(go))
        .route("/pay/{id}/elsewhere/{route}", post(elsewhere))
        .route("/pay/{id}/banks", get(choose))
        .route("/pay/{id}/banks/{bank}", get(open))
        .route("/pay/{id}/qr.svg", get(svg))
        .route("/pay/{id}/qr.png", get(png))
        .route("/pay/{id}/state", get(state))
        .route("/pay/{id}/events", get(events))
        .layer(Extension(Streams::default()))
        .layer(Extension(Arc::new(Banks::default())))
}

async fn show(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some(shown) = find_shown(&server, id).await? else {
        return page::not_found(lang);
    };
    let payment = &shown.payment;
    if let Some(newer) = newer(&server, payment).await? {
        return Ok(newer);
    }
    // Whoever sees the code may be paying by it: watched as one who left for the bank.
    if page::payload(payment).is_some() && payment.dense_until_ms < server.ctx.now_ms() {
        note_payer(&server, payment).await;
    }
    render(StatusCode::OK, page::checkout(&shown, lang, server.ctx.now_ms()))
}

/// Off to the bank. From now on the payment is looked at every minute.
async fn go(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Some(payment) = find(&server, id).await? else {
        return page::not_found(Lang::Ru);
    };
    if let Some(newer) = newer(&server, &payment).await? {
        return Ok(newer);
    }
    let Some(url) = page::bank_url(&payment) else {
        return Ok(back_to(&payment));
    };
    note_payer(&server, &payment).await;
    Ok(headers::secure(Redirect::to(url).into_response(), CACHE))
}

/// The payer wants to pay at another bank. Back to the page, which waits until that bank has it.
async fn elsewhere(
    State(server): State<Server>,
    Path((id, route)): Path<(String, usize)>,
) -> Result<Response, ApiError> {
    let Some(payment) = find(&server, id).await? else {
        return page::not_found(Lang::Ru);
    };
    request_move(&server.ctx, &payment, route).await?;
    server.nudge.notify_one();
    Ok(back_to(&payment))
}

/// Which bank's app shall open the code.
async fn choose(
    State(server): State<Server>,
    Extension(banks): Extension<Arc<Banks>>,
    Path(id): Path<String>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let lang = Lang::choose(query.find_any("lang").as_deref(), "");
    let Some(payment) = find(&server, id).await? else {
        return page::not_found(lang);
    };
    if page::payload(&payment).is_none() || newer(&server, &payment).await?.is_some() {
        return Ok(back_to(&payment));
    }
    let list = banks.list(&server.ctx, &payment).await?;
    let look = look_of(&server, &payment).await?;
    render(StatusCode::OK, page::banks(&payment, &list, lang, &look))
}

/// Off to the app of that bank.
async fn open(
    State(server): State<Server>,
    Extension(banks): Extension<Arc<Banks>>,
    Path((id, bank)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let Some(payment) = find(&server, id).await? else {
        return page::not_found(Lang::Ru);
    };
    if let Some(newer) = newer(&server, &payment).await? {
        return Ok(newer);
    }
    let link = banks.link(&server.ctx, &payment, &bank).await?;
    // Only into an app, or to the operator: whatever else a bank might send.
    let is_safe = |url: &String| url.starts_with("bank") || url.starts_with("https://");
    let Some(url) = link.filter(is_safe) else { return Ok(back_to(&payment)) };
    note_payer(&server, &payment).await;
    Ok(headers::secure(Redirect::to(&url).into_response(), CACHE))
}

/// Where a link leads that gave way to one of the sum that is due now.
async fn newer(server: &Server, payment: &Payment) -> Result<Option<Response>, DbError> {
    if !is_payable(payment) {
        return Ok(None);
    }
    let id = payment.id.clone();
    let found: Result<Option<String>, DbError> =
        server.ctx.db.read(move |tx| find_newer(tx, &id)).await;
    let to = |id| Redirect::to(&format!("/pay/{id}")).into_response();
    Ok(found?.map(|id| headers::secure(to(id), CACHE)))
}

fn back_to(payment: &Payment) -> Response {
    headers::secure(Redirect::to(&format!("/pay/{}", payment.id)).into_response(), CACHE)
}

/// Looking more often is a comfort; the way to the bank is the point.
async fn note_payer(server: &Server, payment: &Payment) {
    if let Err(error) = payer_left(&server.ctx, payment).await {
        tracing::error!("{}: not noted that the payer left: {error}", payment.id);
    }
}

/// The picture of the code that pays it: for the page, for a shop's own site, for a messenger.
async fn svg(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    picture(&server, id, "image/svg+xml", |code| Ok(code.to_svg("СБП").into_bytes())).await
}

async fn png(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    picture(&server, id, "image/png", |code| code.to_png(PNG_SIDE)).await
}

async fn picture(
    server: &Server,
    id: String,
    kind: &'static str,
    draw: impl FnOnce(&qr::Code) -> Result<Vec<u8>, qr::Problem>,
) -> Result<Response, ApiError> {
    let payment = find(server, id).await?;
    let payment = payment.filter(|payment| payment.facts.qr_payload.is_some());
    let payment = payment.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    let payload = payment.facts.qr_payload.as_deref().unwrap_or_default();
    let drawn = qr::Code::new(payload).and_then(|code| draw(&code));
    let bytes = drawn.map_err(|problem| anyhow::anyhow!("{}: {}", payment.id, problem.message))?;
    // A link that may go on to another bank gets another code there.
    let cache = if payment.routes.is_empty() { CACHE_PICTURE } else { CACHE };
    Ok(headers::secure(([(header::CONTENT_TYPE, kind)], bytes).into_response(), cache))
}

/// What the page's script asks for.
#[derive(Serialize)]
struct StateView {
    status: &'static str,
    /// Another one means that the page looks different now.
    version: String,
}

async fn state(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Some(payment) = find(&server, id).await? else {
        return Ok(headers::secure(StatusCode::NOT_FOUND.into_response(), CACHE));
    };
    let mut version = page::version(&payment);
    if newer(&server, &payment).await?.is_some() {
        // The page looks for itself where it leads now.
        version.push_str(" replaced");
    }
    let view = StateView { status: payment.status().as_str(), version };
    Ok(headers::secure(Json(view).into_response(), CACHE))
}

/// News of the payment as they come: for a page that shows an older version than `v` names.
async fn events(
    State(server): State<Server>,
    Extension(streams): Extension<Streams>,
    Path(id): Path<String>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    if find(&server, id.clone()).await?.is_none() {
        return Ok(headers::secure(StatusCode::NOT_FOUND.into_response(), CACHE));
    }
    let shown = query.find_any("v").unwrap_or_default();
    Ok(headers::secure(streams.open(server, id, shown), CACHE))
}

/// What the page would say that it shows.
pub async fn current_version(server: &Server, id: &str) -> Result<Option<String>, DbError> {
    let payment = find(server, id.to_owned()).await?;
    Ok(payment.as_ref().map(page::version))
}

async fn look_of(server: &Server, payment: &Payment) -> Result<Look, DbError> {
    let shop_id = payment.shop_id.clone();
    server.ctx.db.read(move |tx| find_look(tx, &shop_id)).await
}

async fn find(server: &Server, id: String) -> Result<Option<Payment>, DbError> {
    server.ctx.db.read(move |tx| find_link(tx, &id)).await
}

/// An attempt is a part of its link, not a page of its own.
fn find_link(tx: &mut dyn Tx, id: &str) -> Result<Option<Payment>, DbError> {
    let found = store::find_payment_by_id(tx, id)?;
    Ok(found.filter(|payment| payment.attempt_of.is_none()))
}

/// With what else the page tells.
async fn find_shown(server: &Server, id: String) -> Result<Option<Shown>, DbError> {
    server
        .ctx
        .db
        .read(move |tx| {
            let Some(payment) = find_link(tx, &id)? else { return Ok(None) };
            let look = find_look(tx, &payment.shop_id)?;
            let receipts = receipts::store::list_of_payment(tx, &payment.id)?;
            let receipt = receipts.into_iter().find(|receipt| receipt.kind == Kind::Income);
            Ok(Some(Shown { payment, look, receipt }))
        })
        .await
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
