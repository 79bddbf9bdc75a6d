//! What an access token says about itself. Read without checking its signature: only to explain
//! and to warn, never to trust.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;

use crate::op::{Refusal, RefusalClass};

/// A longer text is no token: the bank's are below 3 KiB, and a header must stay small.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The claims of a JWT that we use; `None` where the token has no such claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the client id of a JWT key.
    pub issuer: Option<String>,
    /// `sub`: the customer code in an introspection.
    pub subject: Option<String>,
    /// `aud`: the client id in an introspection.
    pub audience: Option<String>,
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RawClaims {
    iss: Option<serde_json::Value>,
    sub: Option<serde_json::Value>,
    aud: Option<serde_json::Value>,
    exp: Option<Box<serde_json::value::RawValue>>,
}

/// The claims of a JWT, `None` for anything else, such as an opaque OAuth token or the bank's
/// `sandbox.jwt.token`.
pub fn find_claims(token: &str) -> Option<Claims> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut parts = token.trim().split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let raw: RawClaims = serde_json::from_slice(&payload).ok()?;
    let word = |value: Option<serde_json::Value>| {
        let first = value.and_then(|value| match value.as_array() {
            Some(list) => list.first().cloned(),
            None => Some(value),
        });
        let text = |v: serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        first.filter(|value| !value.is_null()).map(text)
    };
    // RFC 7519 lets `exp` have a fraction; whole seconds are enough, and no float is needed.
    let seconds = raw.exp.as_deref().and_then(|exp| {
        let text = exp.get().trim_matches('"');
        text.split('.').next().unwrap_or(text).parse::<i64>().ok()
    });
    Some(Claims {
        issuer: word(raw.iss),
        subject: word(raw.sub),
        audience: word(raw.aud),
        expires: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
    })
}

/// When the token ends, if it says so. OAuth tokens end after 24 hours, JWT keys as chosen.
pub fn find_expiry(token: &str) -> Option<Timestamp> {
    find_claims(token)?.expires
}

/// What can be said against a token before it is used: absent, misformed, or past its `exp`.
pub fn token_problem(token: &str, now: Timestamp) -> Option<Refusal> {
    if let Some(refusal) = shape_problem(token) {
        return Some(refusal);
    }
    let expires = find_expiry(token).filter(|expires| *expires <= now)?;
    Some(refusal("bank_token_expired", format!("The bank's access token ended at {expires}.")))
}

/// The part of [`token_problem`] that needs no clock.
pub fn shape_problem(token: &str) -> Option<Refusal> {
    let token = token.trim();
    if token.is_empty() {
        let message = "No access token of the bank is set.".to_owned();
        return Some(refusal("bank_token_expired", message));
    }
    let why = describe_damage(token)?;
    Some(refusal("bank_token_malformed", format!("The bank's access token {why}.")))
}

/// Only what is certain: an opaque token may look like anything printable.
fn describe_damage(token: &str) -> Option<&'static str> {
    if token.len() > MAX_TOKEN_BYTES {
        return Some("is longer than any token of the bank");
    }
    if token.to_ascii_lowercase().starts_with("bearer") {
        return Some("was copied together with the word Bearer");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("has spaces, line breaks or letters that no token has");
    }
    // `eyJ` is how every JWT begins: base64 of `{"`.
    if token.starts_with("eyJ") && find_claims(token).is_none() {
        return Some("looks like a JWT but is not a whole one: it was probably cut when copied");
    }
    None
}

fn refusal(code: &'static str, message: String) -> Refusal {
    Refusal {
        class: RefusalClass::Credentials,
        code,
        message,
        hint: "Make a JWT key in the internet bank, «Интеграции и API», and save it as the \
               connection's access_token; with OAuth, connect the bank again."
            .to_owned(),
        param: None,
    }
}
