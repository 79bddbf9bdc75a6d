//! The headers of every page.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};

/// Only our own files: a text that slips through the escaping still cannot run.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// An HTML page; `cache` is its Cache-Control.
pub fn page(status: StatusCode, html: String, cache: &'static str) -> Response {
    secure((status, Html(html)).into_response(), cache)
}

pub fn secure(mut response: Response, cache: &'static str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// A page within the frames of one portal, and of nobody else. `script` is one more place that its
/// scripts may come from.
pub fn framed(mut response: Response, origin: &str, script: Option<&str>) -> Response {
    // An origin that is none would let others in by what it says next.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.:/".contains(c);
    let origin = if origin.chars().all(is_plain) { origin } else { "" };
    let ancestors =
        if origin.is_empty() { "'none'".to_owned() } else { format!("'self' {origin}") };
    let script = script.map_or(String::new(), |script| format!(" {script}"));
    let policy = POLICY
        .replace("frame-ancestors 'none'", &format!("frame-ancestors {ancestors}"))
        .replace("script-src 'self'", &format!("script-src 'self'{script}"));
    let headers = response.headers_mut();
    headers.remove(header::X_FRAME_OPTIONS);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
