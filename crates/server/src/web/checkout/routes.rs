//! Routes of the checkout.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde::Serialize;

use super::{page, words::Lang};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    payments::{
        flow::{attempts::request_move, payer_left},
        model::Payment,
        store,
    },
    shops,
    web::headers,
};

/// A payer's page tells of money: no cache keeps it.
const CACHE: &str = "no-store";

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/pay/{id}", get(show))
        .route("/pay/{id}/go", get(go))
        .route("/pay/{id}/elsewhere/{route}", post(elsewhere))
        .route("/pay/{id}/state", get(state))
}

async fn show(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    // Banks and mail programs add parameters of their own to a link: they do not matter here.
    let asked = query.find_any("lang");
    let lang = Lang::choose(asked.as_deref(), accepted.unwrap_or(""));
    let Some((payment, shop)) = find(&server, id).await? else {
        return render(StatusCode::NOT_FOUND, page::not_found(lang));
    };
    render(StatusCode::OK, page::checkout(&payment, &shop, lang, server.ctx.now_ms()))
}

/// Off to the bank. From now on the payment is looked at every minute.
async fn go(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Some((payment, _)) = find(&server, id).await? else {
        return render(StatusCode::NOT_FOUND, page::not_found(Lang::Ru));
    };
    let Some(url) = page::bank_url(&payment) else {
        let back = Redirect::to(&format!("/pay/{}", payment.id));
        return Ok(headers::secure(back.into_response(), CACHE));
    };
    if let Err(error) = payer_left(&server.ctx, &payment).await {
        // Looking more often is a comfort; the way to the bank is the point.
        tracing::error!("{}: not noted that the payer left: {error}", payment.id);
    }
    Ok(headers::secure(Redirect::to(url).into_response(), CACHE))
}

/// The payer wants to pay at another bank. Back to the page, which waits until that bank has it.
async fn elsewhere(
    State(server): State<Server>,
    Path((id, route)): Path<(String, usize)>,
) -> Result<Response, ApiError> {
    let Some((payment, _)) = find(&server, id).await? else {
        return render(StatusCode::NOT_FOUND, page::not_found(Lang::Ru));
    };
    request_move(&server.ctx, &payment, route).await?;
    server.nudge.notify_one();
    let back = Redirect::to(&format!("/pay/{}", payment.id));
    Ok(headers::secure(back.into_response(), CACHE))
}

/// What the page's script asks for.
#[derive(Serialize)]
struct StateView {
    status: &'static str,
    /// Another one means that the page looks different now.
    version: String,
}

async fn state(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Some((payment, _)) = find(&server, id).await? else {
        return Ok(headers::secure(StatusCode::NOT_FOUND.into_response(), CACHE));
    };
    let view = StateView { status: payment.status().as_str(), version: page::version(&payment) };
    Ok(headers::secure(Json(view).into_response(), CACHE))
}

/// The payment and the name of its shop.
async fn find(server: &Server, id: String) -> Result<Option<(Payment, String)>, DbError> {
    server
        .ctx
        .db
        .read(move |tx| {
            let found = store::find_payment_by_id(tx, &id)?;
            // An attempt is a part of its link, not a page of its own.
            let Some(payment) = found.filter(|it| it.attempt_of.is_none()) else {
                return Ok(None);
            };
            let shop = shops::store::find_shop(tx, &payment.shop_id)?;
            Ok(Some((payment, shop.map_or_else(String::new, |shop| shop.name))))
        })
        .await
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
