//! Reading query parameters: known ones only, each once.

use std::collections::BTreeMap;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kopeck_banks::http::parse_query;

use super::{ApiError, codes, json::unknown_param, page};

/// Longer values are no filter of ours.
const MAX_VALUE_CHARS: usize = 300;

/// A request's query as it came.
#[derive(Clone, Debug)]
pub struct RawQuery(String);

impl<S: Sync> FromRequestParts<S> for RawQuery {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RawQuery, Self::Rejection> {
        let query = |uri: &Uri| uri.query().unwrap_or("").to_owned();
        Ok(RawQuery(query(&parts.uri)))
    }
}

impl RawQuery {
    /// As it came, without the question mark.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// One parameter, whatever else is there.
    pub fn find_any(&self, name: &str) -> Option<String> {
        parse_query(&self.0).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The parameters, refusing any that is not in `known` or comes twice. Empty ones count as
    /// absent.
    pub fn read(&self, known: &[&str]) -> Result<Query, ApiError> {
        let mut values = BTreeMap::new();
        for (name, value) in parse_query(&self.0) {
            if !known.contains(&name.as_str()) {
                return Err(unknown_param(&name, known.iter().copied()));
            }
            if value.chars().count() > MAX_VALUE_CHARS || value.contains('\0') {
                return Err(invalid(&name, "is too long or not text"));
            }
            if values.insert(name.clone(), value).is_some() {
                let message = format!("`{name}` is given twice.");
                return Err(ApiError::new(codes::PARAM_DUPLICATE, message).param(name));
            }
        }
        Ok(Query(values))
    }
}

/// Query parameters by name.
#[derive(Clone, Debug)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn limit(&self) -> Result<i64, ApiError> {
        let Some(text) = self.find("limit") else { return Ok(page::DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=page::MAX_LIMIT).contains(limit));
        let what = format!("takes 1 to {}", page::MAX_LIMIT);
        limit.ok_or_else(|| invalid("limit", &what))
    }

    /// A moment (`2026-11-21T19:47:00+03:00`) or a day in Moscow (`2026-11-21`), in milliseconds.
    pub fn time_ms(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.find(name) else { return Ok(None) };
        moment_ms(name, text).map(Some)
    }

    /// An id as a cursor.
    pub fn id(&self, name: &str, prefix: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.find(name) else { return Ok(None) };
        let is_id = text.strip_prefix(prefix).is_some_and(|tail| {
            tail.len() == 32 && tail.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_id { Ok(Some(text.to_owned())) } else { Err(bad_cursor(name)) }
    }

    /// A word of a closed list.
    pub fn word<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.find(name) else { return Ok(None) };
        let what = format!("takes one of: {}", words.join(", "));
        parse(text).map(Some).ok_or_else(|| invalid(name, &what))
    }
}

/// A moment (`2026-11-21T19:47:00+03:00`) or a day in Moscow (`2026-11-21`), in milliseconds.
pub fn moment_ms(name: &str, text: &str) -> Result<i64, ApiError> {
    // A plus that was not escaped arrives as a space.
    let text = text.trim().replace(' ', "+");
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        let moscow = TimeZone::get("Europe/Moscow").ok()?;
        Some(text.parse::<Date>().ok()?.to_zoned(moscow).ok()?.timestamp())
    });
    let what = "takes a time such as 2026-11-21T19:47:00Z, or a day such as 2026-11-21 (Moscow)";
    moment.map(|at| at.as_millisecond()).ok_or_else(|| invalid(name, what))
}

fn bad_cursor(name: &str) -> ApiError {
    ApiError::of(codes::CURSOR_INVALID).param(name)
}

fn invalid(name: &str, what: &str) -> ApiError {
    ApiError::new(codes::PARAM_INVALID, format!("`{name}` {what}.")).param(name)
}
