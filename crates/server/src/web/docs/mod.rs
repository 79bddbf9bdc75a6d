//! The description of the API: the OpenAPI document at /openapi.json and a readable page at /docs,
//! which is made from that document and the tables of the code, so it cannot say anything else.

mod base;
mod page;
mod read;
mod samples;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use utoipa::openapi::OpenApi;

pub use base::base;

use super::headers;
use crate::http::{ApiError, Server};

/// It changes with an upgrade only.
const CACHE: &str = "public, max-age=300";

/// The document as text, as committed in `openapi.json`.
pub fn json(document: &OpenApi) -> String {
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    format!("{text}\n")
}

/// Both pages, made once.
pub fn routes(document: &OpenApi, public_url: &str) -> Router<Server> {
    let text: Arc<str> = json(document).into();
    let read = serde_json::from_str(&text).unwrap_or_default();
    let page = Arc::new(page::render(&read, public_url).map_err(|e| tracing::error!("docs: {e}")));
    let openapi = move || {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let reply = (kind, text.to_string()).into_response();
        std::future::ready(headers::secure(reply, CACHE))
    };
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(move || std::future::ready(show(&page))))
}

fn show(page: &Result<String, ()>) -> Result<Response, ApiError> {
    match page {
        Ok(html) => Ok(headers::page(StatusCode::OK, html.clone(), CACHE)),
        Err(()) => Err(ApiError::of(crate::http::codes::INTERNAL)),
    }
}
