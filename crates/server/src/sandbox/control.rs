//! The controls over HTTP, under `/_control`: what a person or a test does to the banks' side.
//!
//! | method and path | body |
//! |---|---|
//! | `GET /_control/payments` | |
//! | `GET /_control/payments/{id}` | |
//! | `POST /_control/payments/{id}/pay` | `{"method"?: "sbp", "card"?: "2200…"}` |
//! | `POST /_control/payments/{id}/decline` | `{"reason"?}` |
//! | `POST /_control/payments/{id}/expire` | |
//! | `POST /_control/payments/{id}/refund` | `{"amount"?: "100.00"}` |
//! | `GET`, `POST /_control/clock` | `{"advance": "3d"}` or `{"advance_ms": 1000}` |
//! | `POST /_control/clock/rest` | `{"name", "offset_ms", "next_due_ms"?}`: a server that follows |
//! | `POST`, `DELETE /_control/faults` | `{"fault": "status:503", "times"?: 1, "path"?: ""}` |
//! | `POST /_control/tokens` | `{"token", "state": "valid" \| "expired" \| …}` |
//! | `GET /_control/env` | |
//! | `GET /_control/messages` | |
//! | `GET /_control/cards` | |
//!
//! `id` is the bank's id of the payment or the merchant's reference; `?bank=tochka` narrows it.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, Path, Query, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::{banks::test_cards, clock::parse_duration_ms, cut::Peer, host::Sandbox, view};
use crate::sandbox::problem::Problem;

/// More is a fault for ever: nobody clears it by using it up.
const MAX_TIMES: u32 = 100_000;
/// The faults' words, for hints.
pub const FAULT_WORDS: &str = "lose-notice, delay-notice:5000, double-notice, reorder-notice, \
    corrupt-notice, status:503, lose-reply, hang:30000, fail-receipt";

type Shared = State<Arc<Sandbox>>;
type Reply = Result<Json<Value>, Problem>;

pub fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/_control/payments", get(list))
        .route("/_control/payments/{id}", get(show))
        .route("/_control/payments/{id}/pay", post(pay))
        .route("/_control/codes/{id}/pay", post(pay_code))
        .route("/_control/payments/{id}/decline", post(decline))
        .route("/_control/payments/{id}/expire", post(expire))
        .route("/_control/payments/{id}/refund", post(refund))
        .route("/_control/clock", get(show_clock).post(move_clock))
        .route("/_control/clock/rest", post(rest))
        .route("/_control/faults", post(add_fault).delete(clear_faults))
        .route("/_control/tokens", post(set_token))
        .route("/_control/env", get(env))
        .route("/_control/messages", get(messages))
        .route("/_control/cards", get(cards))
        .route("/_control", get(unknown))
        .route("/_control/{*rest}", axum::routing::any(unknown))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(self)).into_response()
    }
}

/// Lets in this machine only, and no web page of somebody else open in its browser.
pub async fn guard(
    State(sandbox): Shared,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let anywhere = sandbox.options.control_from_anywhere;
    match check(request.method(), request.headers(), peer.addr.ip(), anywhere) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(
    method: &Method,
    headers: &HeaderMap,
    peer: IpAddr,
    anywhere: bool,
) -> Result<(), Problem> {
    let text = |name: header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let host = text(header::HOST).unwrap_or_default();
    // Behind a proxy everybody comes from this machine; a name in `Host` may be a stranger's that
    // points here (DNS rebinding).
    let is_local = peer.to_canonical().is_loopback()
        && !headers.contains_key("x-forwarded-for")
        && !headers.contains_key(header::FORWARDED)
        && is_local_host(&host);
    if !anywhere && !is_local {
        return Err(Problem::new(
            403,
            "control_forbidden",
            "The controls of the sandbox are open to its own machine only.",
            "use http://127.0.0.1, or start it with --control-from-anywhere",
        ));
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let is_ours = match text(header::ORIGIN) {
        Some(origin) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        None => text(header::CONTENT_TYPE).is_none_or(|kind| is_json(&kind)),
    };
    let site = headers.get("sec-fetch-site").map_or(&b"none"[..], |value| value.as_bytes());
    if is_ours && matches!(site, b"none" | b"same-origin") {
        return Ok(());
    }
    Err(Problem::new(
        403,
        "control_cross_site",
        "This request may come from a web page of somebody else.",
        "send `content-type: application/json`",
    ))
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// `localhost`, or an address as digits: no DNS answer can change what these mean.
fn is_local_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[derive(Deserialize)]
struct Which {
    bank: Option<String>,
}

impl Which {
    async fn apply(&self, sandbox: &Arc<Sandbox>, control: &Control) -> Reply {
        sandbox.control(self.bank.as_deref(), control).await.map(Json)
    }
}

/// An empty body is an empty object; unknown fields are refused, since they are mostly typos.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body = if body.trim_ascii().is_empty() { &b"{}"[..] } else { body };
    serde_json::from_slice(body).map_err(|error| {
        Problem::invalid(format!("The body is not what this call takes: {error}."), "")
    })
}

async fn list(State(sandbox): Shared) -> Json<Value> {
    Json(view::merge(&sandbox.list()))
}

async fn show(State(sandbox): Shared, Path(id): Path<String>, Query(at): Query<Which>) -> Reply {
    at.apply(&sandbox, &Control::Show { id }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayBody {
    method: Option<String>,
    card: Option<String>,
}

async fn pay(
    State(sandbox): Shared,
    Path(id): Path<String>,
    Query(at): Query<Which>,
    body: Bytes,
) -> Reply {
    let PayBody { method, card } = parse(&body)?;
    at.apply(&sandbox, &Control::Pay { id, method, card }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayCodeBody {
    /// Rubles, for a code whose payer enters the sum.
    amount: Option<Box<RawValue>>,
    payer_name: Option<String>,
    payer_phone: Option<String>,
}

async fn pay_code(
    State(sandbox): Shared,
    Path(id): Path<String>,
    Query(at): Query<Which>,
    body: Bytes,
) -> Reply {
    let PayCodeBody { amount, payer_name, payer_phone } = parse(&body)?;
    let amount = parse_amount(amount)?;
    at.apply(&sandbox, &Control::PayCode { id, amount, payer_name, payer_phone }).await
}

fn parse_amount(raw: Option<Box<RawValue>>) -> Result<Option<Money>, Problem> {
    raw.map(|raw| Money::parse_json(&raw)).transpose().map_err(|error| {
        Problem::invalid(format!("The amount is wrong: {error}."), r#"{"amount":"100.00"}"#)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclineBody {
    reason: Option<String>,
}

async fn decline(
    State(sandbox): Shared,
    Path(id): Path<String>,
    Query(at): Query<Which>,
    body: Bytes,
) -> Reply {
    let DeclineBody { reason } = parse(&body)?;
    at.apply(&sandbox, &Control::Decline { id, reason }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

async fn expire(
    State(sandbox): Shared,
    Path(id): Path<String>,
    Query(at): Query<Which>,
    body: Bytes,
) -> Reply {
    let NoBody {} = parse(&body)?;
    at.apply(&sandbox, &Control::Expire { id }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    /// Rubles, as text or as a number: read from its digits.
    amount: Option<Box<RawValue>>,
}

async fn refund(
    State(sandbox): Shared,
    Path(id): Path<String>,
    Query(at): Query<Which>,
    body: Bytes,
) -> Reply {
    let RefundBody { amount } = parse(&body)?;
    let amount = parse_amount(amount)?;
    at.apply(&sandbox, &Control::Refund { id, amount }).await
}

async fn show_clock(State(sandbox): Shared) -> Reply {
    sandbox.walk_on().await?;
    Ok(Json(sandbox.show_clock()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestBody {
    name: String,
    offset_ms: i64,
    next_due_ms: Option<i64>,
}

/// A server that follows the clock has nothing more to do at this time.
async fn rest(State(sandbox): Shared, body: Bytes) -> Reply {
    let RestBody { name, offset_ms, next_due_ms } = parse(&body)?;
    sandbox.rest(name, offset_ms, next_due_ms).await?;
    Ok(Json(sandbox.show_clock()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    advance: Option<String>,
    advance_ms: Option<i64>,
}

async fn move_clock(State(sandbox): Shared, body: Bytes) -> Reply {
    let hint = r#"{"advance":"3d"} or {"advance_ms":1000}"#;
    let ms = match parse(&body)? {
        ClockBody { advance: Some(text), advance_ms: None } => {
            parse_duration_ms(&text).map_err(|message| Problem::invalid(message, hint))?
        }
        ClockBody { advance: None, advance_ms: Some(ms) } => ms,
        ClockBody { .. } => {
            return Err(Problem::invalid("Say once how far the clock moves.", hint));
        }
    };
    sandbox.advance_ms(ms).await?;
    Ok(Json(sandbox.show_clock()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    fault: String,
    times: Option<u32>,
    path: Option<String>,
}

async fn add_fault(State(sandbox): Shared, Query(at): Query<Which>, body: Bytes) -> Reply {
    let FaultBody { fault, times, path } = parse(&body)?;
    let hint = format!("one of {FAULT_WORDS}");
    let kind = FaultKind::parse(&fault)
        .ok_or_else(|| Problem::invalid(format!("There is no fault {fault:?}."), &hint))?;
    let times = times.unwrap_or(1);
    if !(1..=MAX_TIMES).contains(&times) {
        let message = format!("`times` is between 1 and {MAX_TIMES}.");
        return Err(Problem::invalid(message, ""));
    }
    let fault = Fault { kind, times, path: path.unwrap_or_default() };
    at.apply(&sandbox, &Control::Fault(fault)).await
}

async fn clear_faults(State(sandbox): Shared, Query(at): Query<Which>) -> Reply {
    at.apply(&sandbox, &Control::ClearFaults).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    token: String,
    state: String,
}

async fn set_token(State(sandbox): Shared, Query(at): Query<Which>, body: Bytes) -> Reply {
    let TokenBody { token, state } = parse(&body)?;
    at.apply(&sandbox, &Control::Token { token, state }).await
}

async fn env(State(sandbox): Shared) -> Json<Value> {
    let env = sandbox.env().into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    Json(Value::Object(env.collect()))
}

async fn messages(State(sandbox): Shared) -> Json<Value> {
    Json(sandbox.messages())
}

async fn cards() -> Json<Value> {
    Json(json!({ "cards": test_cards() }))
}

async fn unknown() -> Problem {
    Problem::new(404, "path_unknown", "The controls have no such path.", "see /_control/payments")
}
