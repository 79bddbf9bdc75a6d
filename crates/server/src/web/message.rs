//! A page that says one thing and nothing else: that what a link leads to is not there, say.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{base::Base, headers, lang::Lang};
use crate::http::ApiError;

/// It may be there the next time.
const CACHE: &str = "no-store";

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    base: Base,
    headline: &'static str,
    detail: &'static str,
}

/// A page with status 404. A wrong link and one of somebody else look the same.
pub fn not_found(lang: Lang, headline: &'static str) -> Result<Response, ApiError> {
    let detail = lang.pick(
        "Проверьте ссылку: возможно, она скопирована не целиком.",
        "Check the link: perhaps it was not copied whole.",
    );
    show(StatusCode::NOT_FOUND, lang, headline, detail)
}

pub fn show(
    status: StatusCode,
    lang: Lang,
    headline: &'static str,
    detail: &'static str,
) -> Result<Response, ApiError> {
    let html = MessagePage { base: Base::new(lang), headline, detail }.render();
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
