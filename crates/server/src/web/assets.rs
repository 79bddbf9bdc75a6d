//! Embedded files at /assets/: styles and scripts of the pages.

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::headers::secure;
use crate::http::{ApiError, Server, codes};

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

static ASSETS: &[Asset] = &[
    Asset {
        name: "page.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("../../assets/page.css"),
    },
    Asset {
        name: "checkout.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/checkout.js"),
    },
    Asset {
        name: "bitrix24.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/bitrix24.js"),
    },
    Asset {
        name: "desk.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/desk.js"),
    },
];

pub fn routes() -> Router<Server> {
    Router::new().route("/assets/{name}", get(get_asset))
}

/// An hour: after an upgrade a page may look old that long, and no longer.
const CACHE: &str = "public, max-age=3600";

async fn get_asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| ApiError::of(codes::ROUTE_NOT_FOUND))?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind))];
    Ok(secure((kind, asset.content).into_response(), CACHE))
}
