//! Where a customer comes back to after the first payment of a subscription: what the bank says of
//! it, never what the address says, and then on to the shop. Only who has the subscription's id,
//! which nobody guesses, sees its plan and its state; and nothing else of the customer.

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Serialize;

use super::{
    base::Base,
    brand::{Look, find_look},
    headers,
    lang::Lang,
    message,
    terms::{day, price},
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    payments::{self, model::Status as PaymentStatus},
    subscriptions::{
        flow::describe,
        state::State as Stage,
        store,
        view::{Described, open_link},
    },
};

const CACHE: &str = "no-store";
/// The recipe's name of it in an address.
const PARAM: &str = "subscriptionId";

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    base: Base,
    id: &'a str,
    version: String,
    /// Whether something may still happen while the customer looks on.
    watch: bool,
    name: &'a str,
    price: String,
    tone: &'static str,
    headline: &'static str,
    detail: String,
    pay_url: String,
    /// Where the shop wants its customer, once all is well.
    go_on: String,
}

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/subscription-status", get(show_named))
        .route("/subscription-status/{id}", get(show))
        .route("/subscription-status/{id}/state", get(state))
}

struct Found {
    described: Described,
    look: Look,
    /// The payment that is waited for, and whether it failed.
    payment: Option<(String, bool)>,
}

async fn find(server: &Server, id: String) -> Result<Option<Found>, DbError> {
    server
        .ctx
        .db
        .read(move |tx| {
            let Some(own) = store::find_by_id(tx, &id)? else { return Ok(None) };
            let described = describe(tx, &own)?;
            let payment = match open_link(&described.book) {
                Some(id) => payments::store::find_payment_by_id(tx, id)?,
                None => None,
            };
            let payment = payment.map(|it| {
                let is_over = matches!(it.status(), PaymentStatus::Failed | PaymentStatus::Expired);
                (it.id, is_over)
            });
            Ok(Some(Found { look: find_look(tx, &own.shop_id)?, described, payment }))
        })
        .await
}

async fn show_named(
    State(server): State<Server>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = query.find_any(PARAM).unwrap_or_default();
    draw(&server, id, Lang::of(&query, &headers)).await
}

async fn show(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    draw(&server, id, Lang::of(&query, &headers)).await
}

async fn draw(server: &Server, id: String, lang: Lang) -> Result<Response, ApiError> {
    let Some(found) = find(server, id).await? else {
        let headline = lang.pick("Такой подписки нет", "There is no such subscription");
        return message::not_found(lang, headline);
    };
    let html = page(&found, &server.ctx.public_url, lang);
    Ok(headers::page(StatusCode::OK, html.map_err(anyhow::Error::from)?, CACHE))
}

fn page(found: &Found, public_url: &str, lang: Lang) -> askama::Result<String> {
    let described = &found.described;
    let own = &described.book.subscription;
    let on = |ms: i64| day(&own.zone, ms);
    let until = |ms: i64| match lang {
        Lang::Ru => format!("Оплачено до {}.", on(ms)),
        Lang::En => format!("Paid until {}.", on(ms)),
    };
    let (tone, headline, detail) = match &own.state {
        Stage::Pending { .. } => (
            "wait",
            lang.pick("Ждём подтверждения банка", "Waiting for the bank"),
            lang.pick(
                "Если вы уже заплатили, подписка начнётся через несколько секунд.",
                "If you have paid, the subscription begins within seconds.",
            )
            .to_owned(),
        ),
        Stage::Trialing { until_ms, .. } => (
            "good",
            lang.pick("Пробный период начался", "Your trial has begun"),
            match lang {
                Lang::Ru => format!("Он длится до {}.", on(*until_ms)),
                Lang::En => format!("It lasts until {}.", on(*until_ms)),
            },
        ),
        Stage::Active { until_ms, .. } => {
            ("good", lang.pick("Подписка оформлена", "You are subscribed"), until(*until_ms))
        }
        Stage::PastDue { until_ms } => {
            ("bad", lang.pick("Новый период не оплачен", "Not paid"), until(*until_ms))
        }
        Stage::Paused { .. } => {
            ("wait", lang.pick("Подписка приостановлена", "Paused"), String::new())
        }
        Stage::Canceled { access_ms, .. } => {
            ("bad", lang.pick("Подписка завершена", "The subscription is over"), until(*access_ms))
        }
        Stage::Expired => (
            "bad",
            lang.pick("Оплата не пришла", "The payment did not come"),
            lang.pick("Подписка не началась.", "The subscription did not begin.").to_owned(),
        ),
    };
    let is_well = matches!(own.state, Stage::Active { .. } | Stage::Trialing { .. });
    let pay_url = found
        .payment
        .as_ref()
        .map_or_else(String::new, |(id, _)| format!("/pay/{id}?lang={}", lang.as_str()));
    StatusPage {
        base: Base::of(lang, &found.look),
        id: &own.id,
        version: version(found),
        watch: matches!(own.state, Stage::Pending { .. }),
        name: &described.version.terms.name,
        price: price(&described.version.terms, own.quantity, lang),
        tone,
        headline,
        detail,
        pay_url,
        go_on: go_on(own.success_url.as_deref().filter(|_| is_well), public_url),
    }
    .render()
}

/// The shop's page; this one again would lead round in circles.
fn go_on(url: Option<&str>, public_url: &str) -> String {
    let is_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    let is_ours = |url: &str| {
        let rest = url.strip_prefix(public_url).filter(|_| !public_url.is_empty());
        rest.is_some_and(|rest| rest.starts_with("/subscription-status"))
    };
    let found = url.filter(is_web).filter(|url| !is_ours(url));
    found.unwrap_or_default().to_owned()
}

fn version(found: &Found) -> String {
    let status = found.described.book.subscription.state.status().as_str();
    let link =
        found.payment.as_ref().map_or("", |(_, is_over)| if *is_over { "over" } else { "open" });
    format!("{status}-{link}")
}

/// What the page's script asks for.
#[derive(Serialize)]
struct StateView {
    status: &'static str,
    /// Another one means that the page looks different now.
    version: String,
}

async fn state(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Some(found) = find(&server, id).await? else {
        return Ok(headers::secure(StatusCode::NOT_FOUND.into_response(), CACHE));
    };
    let status = found.described.book.subscription.state.status().as_str();
    let view = StateView { status, version: version(&found) };
    Ok(headers::secure(Json(view).into_response(), CACHE))
}
