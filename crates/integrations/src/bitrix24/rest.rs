//! The portal's REST: one call or a batch of them as a request, and a reply as a result or as what
//! to do about it.

use std::{collections::BTreeMap, fmt::Write as _};

use kopeck_banks::http::{HttpReply, HttpRequest, Method, percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{problems, settings, settings::Access};
use crate::{
    integration::{Reading, Settings},
    problem::Broken,
};

/// The longest wait that a portal's own words ask for.
const MAX_WAIT_MS: u64 = 3_600_000;
/// How the leaky bucket is waited out when it overflows.
const BUCKET_WAIT_MS: u64 = 5_000;

/// `POST {portal}/rest/…/{method}`.
pub fn call(settings: &Settings, method: &str, params: Value) -> Result<HttpRequest, Broken> {
    let mut body = match params {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    let base = match settings::access(settings)? {
        Access::Webhook { base } => base,
        Access::App { base, token } => {
            body.insert("auth".to_owned(), Value::String(token));
            base
        }
    };
    Ok(HttpRequest::new(Method::Post, format!("{base}/{method}")).json(&body))
}

/// Several calls for the price of one; none depends on another.
pub fn batch(settings: &Settings, calls: &[(&str, &str, Value)]) -> Result<HttpRequest, Broken> {
    let command = |method: &str, params: &Value| format!("{method}?{}", query(params));
    let commands: Map<String, Value> = calls
        .iter()
        .map(|(name, method, params)| ((*name).to_owned(), json!(command(method, params))))
        .collect();
    call(settings, "batch", json!({ "halt": 0, "cmd": commands }))
}

/// Parameters as PHP reads them from a query: `filter[ENTITY_ID]=57`.
pub(super) fn query(params: &Value) -> String {
    let mut out = String::new();
    write_query(&mut out, "", params);
    out
}

fn write_query(out: &mut String, name: &str, value: &Value) {
    let inner = |key: &str| {
        if name.is_empty() {
            percent_encode(key)
        } else {
            format!("{name}[{}]", percent_encode(key))
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            write_query(out, &inner(key), value);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| {
            write_query(out, &inner(&at.to_string()), value);
        }),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = if value.is_null() { String::new() } else { text };
            let and = if out.is_empty() { "" } else { "&" };
            // Writing to a String cannot fail.
            let _ = write!(out, "{and}{name}={}", percent_encode(&text));
        }
    }
}

/// A refusal of one call: a single one, or one within a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Old methods leave it empty, some write a number.
    pub code: String,
    pub words: String,
}

impl Refusal {
    fn has(&self, part: &str) -> bool {
        format!("{} {}", self.code, self.words).to_ascii_lowercase().contains(part)
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// The result's own JSON text, so that sums in it are read digit by digit.
    Result(String),
    /// Refused for what it asks; the connection itself is in order.
    Refused(Refusal),
    /// About the whole connection, or to be tried again.
    Other(Reading),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    error_description: Option<String>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Time<'a> {
    #[serde(borrow)]
    operating_reset_at: &'a RawValue,
    #[serde(borrow)]
    finish: &'a RawValue,
}

fn text_of(raw: &RawValue) -> String {
    raw.get().trim().trim_matches('"').to_owned()
}

fn refusal_of(error: &RawValue, description: Option<String>) -> Refusal {
    Refusal { code: text_of(error), words: description.unwrap_or_default() }
}

/// Reads a reply. Decided by the status and by whether there is an error at all, since its code may
/// be empty.
pub fn read(reply: &HttpReply) -> Called {
    let text = std::str::from_utf8(&reply.body).unwrap_or("");
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
        return Called::Other(Reading::unclear(format!("HTTP {} without JSON", reply.status)));
    };
    let Envelope { result, error, error_description, time } = envelope;
    match (reply.status, error, result) {
        (200..300, None, Some(result)) => Called::Result(result.get().to_owned()),
        (200..300, None, None) => Called::Other(Reading::unclear("an answer without a result")),
        (status, Some(error), _) => refused(status, refusal_of(error, error_description), time),
        (status, None, _) => {
            Called::Other(Reading::unclear(format!("HTTP {status} without an error")))
        }
    }
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    result_error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result_total: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BatchError<'a> {
    #[serde(borrow)]
    error: &'a RawValue,
    error_description: Option<String>,
}

/// A map; PHP writes an empty one as `[]`.
fn entry<'a>(map: Option<&'a RawValue>, name: &str) -> Option<&'a str> {
    let map: BTreeMap<String, &'a RawValue> = serde_json::from_str(map?.get()).ok()?;
    map.get(name).map(|raw| raw.get())
}

/// One call's part of a batch.
pub fn of_batch(result: &str, name: &str) -> Result<String, Refusal> {
    let missing = || Refusal { code: String::new(), words: format!("no answer to {name}") };
    let batch: Batch<'_> = serde_json::from_str(result).map_err(|_| missing())?;
    if let Some(error) = entry(batch.result_error, name) {
        let error: BatchError<'_> = serde_json::from_str(error).map_err(|_| missing())?;
        return Err(refusal_of(error.error, error.error_description));
    }
    entry(batch.result, name).map(str::to_owned).ok_or_else(missing)
}

/// How many there are of what one call of a batch lists, a page at a time.
pub fn total_of_batch(result: &str, name: &str) -> Option<usize> {
    let batch: Batch<'_> = serde_json::from_str(result).ok()?;
    entry(batch.result_total, name)?.trim().trim_matches('"').parse().ok()
}

fn refused(status: u16, refusal: Refusal, time: Option<&RawValue>) -> Called {
    let broken = |problem| {
        let broken = Broken::of(problem).because(&format!("{} {}", refusal.code, refusal.words));
        Called::Other(Reading::Broken(broken))
    };
    let wait = |after_ms| {
        let why = format!("Bitrix24 answered {}", refusal.code);
        Called::Other(Reading::Retry { after_ms: Some(after_ms), why })
    };
    match (status, refusal.code.as_str()) {
        (_, "QUERY_LIMIT_EXCEEDED") => wait(BUCKET_WAIT_MS),
        (_, "OPERATION_TIME_LIMIT") => wait(operating_wait_ms(time)),
        (_, "OVERLOAD_LIMIT") => broken(&problems::BLOCKED),
        (_, "expired_token") => Called::Other(Reading::Renew),
        (_, "PORTAL_DELETED") => broken(&problems::PORTAL_GONE),
        (401, _) => broken(&problems::ACCESS_LOST),
        (402, _) | (_, "PAYMENT_REQUIRED") => broken(&problems::PLAN),
        (403, _) if refusal.has("commercial") || refusal.has("subscription") => {
            broken(&problems::PLAN)
        }
        (_, "insufficient_scope") => broken(&problems::SCOPE_MISSING),
        (403, _) => broken(&problems::RIGHTS),
        (400, "INVALID_REQUEST") if refusal.has("https") => broken(&problems::WEBHOOK_MALFORMED),
        (404, _) | (_, "ERROR_METHOD_NOT_FOUND") => broken(&problems::METHOD_MISSING),
        (400..500, _) => Called::Refused(refusal),
        (status, _) => Called::Other(Reading::unclear(format!("Bitrix24 answered {status}"))),
    }
}

/// Until the portal counts the method's time anew, by the portal's own clock.
fn operating_wait_ms(time: Option<&RawValue>) -> u64 {
    let time: Option<Time<'_>> = time.and_then(|time| serde_json::from_str(time.get()).ok());
    // Seconds, with a fraction in one of them.
    let seconds = |raw: &RawValue| text_of(raw).split('.').next()?.parse::<u64>().ok();
    let wait = time.and_then(|time| {
        let (reset, now) = (seconds(time.operating_reset_at)?, seconds(time.finish)?);
        Some((reset.saturating_sub(now) + 1).saturating_mul(1_000))
    });
    wait.unwrap_or(60_000).min(MAX_WAIT_MS)
}
