//! Routes of a customer's pages.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use super::{
    change, page,
    page::Said,
    plans,
    read::{self, Seen},
    words,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    subscriptions::{
        drive,
        flow::{self, Problem, rebind},
        links::{Visit, Visitor, read_visit},
        model::Subscription,
        state::Event,
        store,
    },
    web::{headers, lang::Lang, message},
};

/// It tells of a customer: no cache keeps it.
pub const CACHE: &str = "no-store";

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/portal", get(no_link))
        .route("/portal/{token}", get(show))
        .route("/portal/{token}/plans", get(plans::choose).post(plans::subscribe))
        .route("/portal/{token}/{id}/change", get(change::show).post(change::make))
        .route("/portal/{token}/{id}/rebind", post(replace_card))
        .route("/portal/{token}/{id}/consent.txt", get(consent_text))
        .route("/portal/{token}/{id}/{action}", post(act))
}

/// Who came, in which language; or the page that says why nobody did.
pub struct Guest {
    pub visitor: Visitor,
    pub token: String,
    pub lang: Lang,
}

impl Guest {
    pub fn of(server: &Server, token: String, lang: Lang) -> Result<Guest, Response> {
        let page = match read_visit(&server.ctx, &token) {
            Visit::Good(visitor) => return Ok(Guest { visitor, token, lang }),
            Visit::Over => message::show(
                StatusCode::GONE,
                lang,
                lang.pick("Ссылка больше не действует", "The link is no longer good"),
                lang.pick(
                    "Откройте подписку на сайте магазина ещё раз: он даст новую ссылку.",
                    "Open your subscription at the shop's site again: it gives you a new link.",
                ),
            ),
            Visit::Unknown => {
                message::not_found(lang, lang.pick("Такой страницы нет", "There is no such page"))
            }
        };
        Err(page.unwrap_or_else(axum::response::IntoResponse::into_response))
    }

    pub fn home(&self) -> String {
        format!("/portal/{}", self.token)
    }

    /// Back to the page, so that reloading it sends nothing again.
    pub fn back(&self, done: &str) -> Response {
        let to = format!("{}?lang={}&done={done}", self.home(), self.lang.as_str());
        headers::secure(Redirect::to(&to).into_response(), CACHE)
    }
}

async fn no_link(query: RawQuery, headers: HeaderMap) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    message::show(
        StatusCode::OK,
        lang,
        lang.pick("Мои подписки", "My subscriptions"),
        lang.pick(
            "Откройте их по ссылке с сайта магазина или из его письма: она ведёт только к вам.",
            "Open them by the link at the shop's site or in its letter: it leads to yours only.",
        ),
    )
}

async fn show(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let done = query.find_any("done").and_then(|word| words::done(&word, guest.lang));
    let said = done.map(|headline| Said {
        tone: "good",
        headline: headline.to_owned(),
        detail: String::new(),
        status: StatusCode::OK,
    });
    home(&server, &guest, said).await
}

pub async fn home(
    server: &Server,
    guest: &Guest,
    said: Option<Said>,
) -> Result<Response, ApiError> {
    let (ctx, visitor) = (server.ctx.clone(), guest.visitor.clone());
    let seen: Result<Seen, DbError> =
        server.ctx.db.read(move |tx| read::read(tx, &ctx, &visitor)).await;
    let (status, html) = page::home(&seen?, guest.home(), said, guest.lang);
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}

/// The page again, with what was refused and why.
pub async fn refuse(
    server: &Server,
    guest: &Guest,
    problem: Problem,
) -> Result<Response, ApiError> {
    let error = ApiError::from(problem);
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (headline, detail) = words::refusal(&error, guest.lang);
    home(server, guest, Some(Said { tone: "bad", headline, detail, status })).await
}

/// The guest's own subscription of this id, and nobody else's.
pub async fn find_own(
    server: &Server,
    guest: &Guest,
    id: &str,
) -> Result<Option<Subscription>, DbError> {
    let (visitor, id) = (guest.visitor.clone(), id.to_owned());
    let found: Result<Option<Subscription>, DbError> =
        server.ctx.db.read(move |tx| store::find_subscription(tx, &visitor.shop_id, &id)).await;
    Ok(found?.filter(|own| own.customer_id == guest.visitor.customer_id))
}

/// Lets the bank be asked, and waits for it as long as somebody before a page likes to wait.
pub async fn settle(server: &Server, id: &str) {
    let (ctx, subject) = (server.ctx.clone(), id.to_owned());
    let driving = server.spawn(async move { drive::settle_now(&ctx, &subject).await });
    // The time is over: the page tells what is known, the task goes on.
    let _ = tokio::time::timeout(server.limits.bank_wait, driving).await;
    server.nudge.notify_one();
}

async fn act(
    State(server): State<Server>,
    Path((token, id, action)): Path<(String, String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let at_ms = server.ctx.now_ms();
    let event = match action.as_str() {
        "cancel" => Event::CancelAtEnd { at_ms },
        "reactivate" => Event::Reactivate { at_ms },
        "pause" => Event::Pause { at_ms, resumes_ms: None },
        "resume" => Event::Resume { at_ms },
        _ => return not_there(guest.lang),
    };
    if find_own(&server, &guest, &id).await?.is_none() {
        return not_there(guest.lang);
    }
    let (ctx, shop_id) = (server.ctx.clone(), guest.visitor.shop_id.clone());
    let done: Result<Subscription, Problem> =
        server.ctx.db.write(move |tx| flow::request(tx, &ctx, (&shop_id, &id), &event)).await;
    server.nudge.notify_one();
    match done {
        Ok(_) => Ok(guest.back(&action)),
        Err(problem) => refuse(&server, &guest, problem).await,
    }
}

pub fn not_there(lang: Lang) -> Result<Response, ApiError> {
    message::not_found(lang, lang.pick("Такой страницы нет", "There is no such page"))
}

/// To the page on which another card is saved.
async fn replace_card(
    State(server): State<Server>,
    Path((token, id)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let Some(own) = find_own(&server, &guest, &id).await? else { return not_there(guest.lang) };
    let shop_id = guest.visitor.shop_id.clone();
    // The same kind at the same bank: the customer wants another card, not another way to pay.
    let wish = rebind::Wish {
        bank: Some(own.connection_id.clone()),
        saves: Some(own.saves),
        ..rebind::Wish::default()
    };
    let planned = match rebind::plan(&server.ctx, &shop_id, &id, wish).await {
        Ok(planned) => planned,
        Err(problem) => return refuse(&server, &guest, problem).await,
    };
    let ctx = server.ctx.clone();
    let made: Result<(), Problem> =
        server.ctx.db.write(move |tx| rebind::create(tx, &ctx, &shop_id, planned)).await;
    if let Err(problem) = made {
        return refuse(&server, &guest, problem).await;
    }
    settle(&server, &id).await;
    let found = drive::find(&server.ctx, &guest.visitor.shop_id, &id).await?;
    let rebind = found.and_then(|described| described.rebind);
    let Some(rebind) = rebind else { return Ok(guest.back("")) };
    Ok(to_payment(&rebind.payment_id, guest.lang))
}

pub fn to_payment(payment_id: &str, lang: Lang) -> Response {
    let to = format!("/pay/{payment_id}?lang={}", lang.as_str());
    headers::secure(Redirect::to(&to).into_response(), CACHE)
}

/// What the customer agreed to, word for word, as a file of his own.
async fn consent_text(
    State(server): State<Server>,
    Path((token, id)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let Some(own) = find_own(&server, &guest, &id).await? else { return not_there(guest.lang) };
    let consents: Result<Vec<_>, DbError> =
        server.ctx.db.read(move |tx| store::list_consents(tx, &own.id)).await;
    let text = consents?.into_iter().next().and_then(|consent| consent.text);
    let Some(text) = text else { return not_there(guest.lang) };
    let named = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"consent.txt\""),
    ];
    Ok(headers::secure((named, text).into_response(), CACHE))
}
