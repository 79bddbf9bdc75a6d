//! Embedded files at /assets/: styles, scripts and pictures of the pages, packed once.
//!
//! A page asks for a file by [`url`], which names its content, so browsers may keep it for good.

use std::{io::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};

use super::headers::secure;
use crate::{
    http::{ApiError, codes, query::RawQuery},
    kit::secret::hash_bytes,
};

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The name, what it is, and what it holds: one after another, so that a page asks for one file.
static FILES: &[(&str, &str, &[&str])] = &[
    (
        "page.css",
        CSS,
        &[
            include_str!("../../assets/tokens.css"),
            include_str!("../../assets/parts.css"),
            include_str!("../../assets/payer.css"),
            include_str!("../../assets/docs.css"),
            include_str!("../../assets/crm.css"),
        ],
    ),
    (
        "admin.css",
        CSS,
        &[
            include_str!("../../assets/tokens.css"),
            include_str!("../../assets/parts.css"),
            include_str!("../../assets/admin.css"),
        ],
    ),
    ("admin.js", SCRIPT, &[include_str!("../../assets/admin.js")]),
    ("icon.svg", "image/svg+xml", &[include_str!("../../assets/icon.svg")]),
    ("checkout.js", SCRIPT, &[include_str!("../../assets/checkout.js")]),
    ("bitrix24.js", SCRIPT, &[include_str!("../../assets/bitrix24.js")]),
    ("sandbox.css", CSS, &[include_str!("../../assets/sandbox.css")]),
    ("sandbox.js", SCRIPT, &[include_str!("../../assets/sandbox.js")]),
    ("desk.js", SCRIPT, &[include_str!("../../assets/desk.js")]),
];

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: String,
    packed: Vec<u8>,
    version: String,
    url: String,
}

/// Enough to tell two contents of one file apart.
const VERSION_CHARS: usize = 12;

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(name, kind, parts): &(&'static str, &'static str, &[&str])| {
        let plain = parts.concat();
        let version: String = hash_bytes(plain.as_bytes()).chars().take(VERSION_CHARS).collect();
        let url = format!("/assets/{name}?v={version}");
        Asset { name, kind, packed: pack(plain.as_bytes()), plain, version, url }
    };
    FILES.iter().map(asset).collect()
});

/// Into memory nothing fails; an empty one is never sent.
fn pack(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// The address of the file of this name; of one that is not there, an empty one.
pub fn url(name: &str) -> &'static str {
    find(name).map_or("", |asset| asset.url.as_str())
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(get_asset))
}

/// An hour: after an upgrade a page that asks without a version may look old that long.
const CACHE: &str = "public, max-age=3600";
/// Another content has another address.
const CACHE_VERSION: &str = "public, max-age=31536000, immutable";

async fn get_asset(
    Path(name): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asset = find(&name).ok_or_else(|| ApiError::of(codes::ROUTE_NOT_FOUND))?;
    let is_current = query.find_any("v").as_deref() == Some(asset.version.as_str());
    let cache = if is_current { CACHE_VERSION } else { CACHE };
    let mut reply = if !asset.packed.is_empty() && takes_gzip(&headers) {
        let packed = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        (packed, asset.packed.as_slice()).into_response()
    } else {
        (StatusCode::OK, asset.plain.as_str()).into_response()
    };
    let own = reply.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(secure(reply, cache))
}

/// Whether the browser unpacks; one that says `gzip;q=0` does not.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or("").split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}
