//! A shop's own looks on its payers' pages: its style sheet of a few lines and its logo. Whoever
//! sees a page of the shop may see them; they tell nothing else.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::headers::secure;
use crate::{
    http::{ApiError, Server, codes, query::RawQuery},
    kit::db::{DbError, Tx},
    shops::{
        brand::{Brand, Color, Shades, logo_path},
        flow, store,
    },
};

/// Whose page it is, and what it looks like.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub shop: String,
    /// The address of its style sheet, if it has one.
    pub style: Option<String>,
    pub logo: Option<String>,
}

pub fn find_look(tx: &mut dyn Tx, shop_id: &str) -> Result<Look, DbError> {
    let shop = store::find_shop(tx, shop_id)?.map_or_else(String::new, |shop| shop.name);
    let Brand { accent, logo } = store::get_brand(tx, shop_id)?;
    let style = accent.map(|accent| {
        format!("/brand/{shop_id}/style.css?v={}", accent.to_css().trim_start_matches('#'))
    });
    Ok(Look { shop, style, logo: logo.map(|(_, hash)| logo_path(shop_id, &hash)) })
}

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/brand/{shop}/style.css", get(style))
        .route("/brand/{shop}/logo", get(logo))
}

/// Asked for by its content, a file stays what it is.
fn cache(query: &RawQuery, is_current: impl Fn(&str) -> bool) -> &'static str {
    match query.find_any("v").is_some_and(|version| is_current(&version)) {
        true => "public, max-age=31536000, immutable",
        false => "public, max-age=300",
    }
}

fn not_found() -> ApiError {
    ApiError::of(codes::ROUTE_NOT_FOUND)
}

/// In the dark its rules weigh as much as those of `tokens.css`, and come after them.
async fn style(
    State(server): State<Server>,
    Path(shop): Path<String>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let accent = flow::get_brand(&server.ctx, &shop).await?.accent.ok_or_else(not_found)?;
    let rule = |shades: Shades| {
        let [fill, ink, link] = [shades.fill, shades.ink, shades.link].map(Color::to_css);
        format!("{{--accent:{fill};--accent-ink:{ink};--link:{link}}}")
    };
    let (light, dark) = (rule(Shades::light(accent)), rule(Shades::dark(accent)));
    let css = format!(
        ":root{light}@media(prefers-color-scheme:dark){{:root:not([data-theme=\"light\"]){dark}}}\n"
    );
    let cache = cache(&query, |version| format!("#{version}") == accent.to_css());
    Ok(secure(([kind("text/css; charset=utf-8")], css).into_response(), cache))
}

async fn logo(
    State(server): State<Server>,
    Path(shop): Path<String>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| Ok((store::find_logo(tx, &shop)?, store::get_brand(tx, &shop)?)))
        .await;
    let (logo, brand) = found?;
    let logo = logo.ok_or_else(not_found)?;
    let hash = brand.logo.map_or_else(String::new, |(_, hash)| hash);
    let cache = cache(&query, |version| version.len() >= 12 && hash.starts_with(version));
    Ok(secure(([kind(logo.kind.mime())], logo.bytes).into_response(), cache))
}

fn kind(mime: &'static str) -> (HeaderName, HeaderValue) {
    (header::CONTENT_TYPE, HeaderValue::from_static(mime))
}
