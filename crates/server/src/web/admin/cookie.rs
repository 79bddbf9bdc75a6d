//! The session's cookie: out of reach of scripts, of other sites and, over TLS, of the network.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};

use crate::staff::model::LONGEST_MS;

/// Over TLS the prefix makes browsers refuse what a neighbouring host would set.
fn name(public_url: &str) -> &'static str {
    if public_url.starts_with("https://") { "__Host-kopeck" } else { "kopeck" }
}

pub fn read(headers: &HeaderMap, public_url: &str) -> Option<String> {
    let name = name(public_url);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut own = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value.to_owned());
    own.next()
}

pub fn set(response: &mut Response, token: &str, public_url: &str) {
    add(response, token, LONGEST_MS / 1000, public_url);
}

pub fn forget(response: &mut Response, public_url: &str) {
    add(response, "", 0, public_url);
}

fn add(response: &mut Response, token: &str, seconds: i64, public_url: &str) {
    let name = name(public_url);
    let secure = if public_url.starts_with("https://") { "; Secure" } else { "" };
    let text = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
