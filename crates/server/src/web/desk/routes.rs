//! Routes of the clerk's page.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use kopeck_banks::{Money, http::parse_query};
use serde::Serialize;

use super::page::{self, Seen, Trouble};
use crate::{
    desks::{
        flow::{NewSale, Problem},
        links,
        model::{ClerkLink, Sale},
        request::DEFAULT_TTL_MINUTES,
        store,
        submit::{Charged, cancel, charge_once},
    },
    http::{ApiError, Server, codes, query::RawQuery, text},
    kit::{db::DbError, secret},
    payments::{self, idempotency::Key, model::Payment},
    places::{api::file, model::Place, poster},
    web::{
        brand::{Look, find_look},
        headers,
        lang::Lang,
    },
};

/// It tells of money: no cache keeps it.
const CACHE: &str = "no-store";
const MAX_PURPOSE_CHARS: usize = 132;
/// 16 letters of five bits: no two forms share a number.
const FORM_LETTERS: usize = 16;

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/desk/{token}", get(show))
        .route("/desk/{token}/state", get(state))
        .route("/desk/{token}/code.svg", get(code))
        .route("/desk/{token}/charge", post(arm))
        .route("/desk/{token}/cancel", post(disarm))
}

/// What a link leads to.
struct Found {
    desk: Place,
    link: ClerkLink,
    look: Look,
    sale: Option<Sale>,
    payment: Option<Payment>,
}

async fn find(server: &Server, token: &str) -> Result<Option<Found>, ApiError> {
    let Some((desk, link)) = links::find(&server.ctx, token).await? else { return Ok(None) };
    let found: Result<Found, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let look = find_look(tx, &desk.shop_id)?;
            let sale = store::find_last(tx, &desk.id)?;
            let paid = sale.as_ref().and_then(|sale| sale.payment_id.as_deref());
            let payment = match paid {
                Some(id) => payments::store::find_payment_by_id(tx, id)?,
                None => None,
            };
            Ok(Found { desk, link, look, sale, payment })
        })
        .await;
    Ok(Some(found?))
}

fn draw(
    server: &Server,
    token: &str,
    found: &Found,
    (lang, trouble): (Lang, Option<&Trouble>),
) -> Result<Response, ApiError> {
    let seen = Seen {
        token,
        look: &found.look,
        desk: &found.desk,
        clerk: &found.link.name,
        sale: found.sale.as_ref(),
        payment: found.payment.as_ref(),
        now_ms: server.ctx.now_ms(),
        form: &server.ctx.mint.code(FORM_LETTERS),
    };
    let status = trouble.map_or(StatusCode::OK, |it| {
        StatusCode::from_u16(it.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    });
    render(status, page::desk(&seen, lang, trouble))
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}

async fn show(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    match find(&server, &token).await? {
        Some(found) => draw(&server, &token, &found, (lang, None)),
        None => page::not_found(lang),
    }
}

/// What the page's script asks for.
#[derive(Serialize)]
struct StateView {
    status: &'static str,
    /// Another one means that the page looks different now.
    version: String,
}

async fn state(
    State(server): State<Server>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let Some(found) = find(&server, &token).await? else {
        return Ok(headers::secure(StatusCode::NOT_FOUND.into_response(), CACHE));
    };
    let sale = found.sale.as_ref();
    let now_ms = server.ctx.now_ms();
    let view =
        StateView { status: page::status(sale, now_ms), version: page::version(sale, now_ms) };
    Ok(headers::secure(Json(view).into_response(), CACHE))
}

/// The same code that stands on the counter, for a screen that the payer can see.
async fn code(
    State(server): State<Server>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let found = find(&server, &token).await?;
    let found = found.ok_or_else(|| ApiError::of(codes::DESK_LINK_NOT_FOUND))?;
    let svg = poster::code(&found.desk)?.to_svg(&found.desk.name);
    Ok(headers::secure(file("image/svg+xml", svg.into_bytes()), CACHE))
}

async fn arm(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some(found) = find(&server, &token).await? else {
        return page::not_found(lang);
    };
    let fields = parse_query(&String::from_utf8_lossy(&body));
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim()).to_owned()
    };
    let (amount, purpose) = (field("amount"), field("purpose"));
    let done = async {
        let key = form_key(&found.link, &field("form"), &amount, &purpose)?;
        let new = NewSale {
            amount: parse_amount(&amount, lang)?,
            purpose: (!purpose.is_empty()).then(|| purpose.clone()),
            ttl_minutes: DEFAULT_TTL_MINUTES,
            clerk: Some(found.link.name.clone()),
        };
        text::check("purpose", &purpose, MAX_PURPOSE_CHARS)?;
        let wait = server.limits.bank_wait;
        match charge_once(&server.ctx, &found.desk, new, key, wait).await? {
            Charged::Before(sale) if sale.is_over() => Err(ApiError::of(codes::DESK_REPEATED)),
            Charged::New(_) | Charged::Before(_) => Ok(()),
        }
    };
    let error = done.await.err();
    server.nudge.notify_one();
    after(&server, &token, lang, error.map(|error| Trouble { error, amount, purpose })).await
}

/// Sent again after a lost answer, or by a second touch, the form of one page is one sale; the same
/// page with another sum is another.
fn form_key(
    link: &ClerkLink,
    form: &str,
    amount: &str,
    purpose: &str,
) -> Result<Option<Key>, ApiError> {
    if form.is_empty() {
        return Ok(None);
    }
    let said = secret::hash_bytes(&[amount.as_bytes(), purpose.as_bytes()].join(&b"\n"[..]));
    let key = format!("{} {form} {said}", link.id);
    Key::of(&key, &[said.as_bytes()]).map(Some)
}

/// A clerk types a sum as people do: 1 500,50.
fn parse_amount(typed: &str, lang: Lang) -> Result<Money, ApiError> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let amount = Money::parse_rubles(&digits.replace(',', ".")).ok();
    amount.filter(|amount| !amount.is_zero()).ok_or_else(|| {
        let message = lang.pick("Сумма не читается", "The amount cannot be read");
        let hint = lang.pick("Например: 1500 или 349,90", "Such as 1500 or 349.90");
        ApiError::new(codes::AMOUNT_INVALID, message).hint(hint)
    })
}

async fn disarm(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some(found) = find(&server, &token).await? else {
        return page::not_found(lang);
    };
    let done = cancel(&server.ctx, &found.desk, server.limits.bank_wait).await;
    server.nudge.notify_one();
    let error = match done {
        // It is over already: the page says how.
        Ok(_) | Err(Problem::Idle) => None,
        Err(
            problem @ (Problem::Place(_)
            | Problem::NoSuchDesk
            | Problem::Busy(_)
            | Problem::NoSuchLink),
        ) => {
            let (amount, purpose) = (String::new(), String::new());
            Some(Trouble { error: problem.into(), amount, purpose })
        }
    };
    after(&server, &token, lang, error).await
}

/// Back to the page, so that a reload sends nothing again; with an error, the page that says it.
async fn after(
    server: &Server,
    token: &str,
    lang: Lang,
    trouble: Option<Trouble>,
) -> Result<Response, ApiError> {
    let Some(trouble) = trouble else {
        let back = Redirect::to(&format!("/desk/{token}?lang={}", lang.as_str()));
        return Ok(headers::secure(back.into_response(), CACHE));
    };
    let Some(found) = find(server, token).await? else {
        return page::not_found(lang);
    };
    let trouble = Trouble { error: page::translate(trouble.error, lang), ..trouble };
    draw(server, token, &found, (lang, Some(&trouble)))
}
