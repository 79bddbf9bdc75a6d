//! The page on which a reader says that he wants no more letters that nobody sends him by hand: by
//! a signed link, without a login and without scripts. Looking at it changes nothing, since mail
//! scanners follow links; a mail program's own button posts to it at once (RFC 8058).

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};

use super::{
    base::Base,
    brand::{Look, find_look},
    headers,
    lang::Lang,
    message,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    integrations::payers::{self, Reader},
    kit::db::DbError,
};

/// It tells of a reader: no cache keeps it.
const CACHE: &str = "no-store";

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    base: Base,
    title: &'static str,
    is_out: bool,
    headline: &'static str,
    detail: &'static str,
    button: &'static str,
}

pub fn routes() -> Router<Server> {
    Router::new().route("/unsubscribe/{id}/{signature}", get(show).post(leave))
}

async fn find(
    server: &Server,
    id: String,
    signature: String,
) -> Result<Option<(Reader, Look)>, DbError> {
    let ctx = server.ctx.clone();
    server
        .ctx
        .db
        .read(move |tx| {
            let found = payers::find_reader(tx, &ctx, (&id, &signature))?;
            let Some(reader) = found else { return Ok(None) };
            let look = find_look(tx, &reader.sending.shop_id)?;
            Ok(Some((reader, look)))
        })
        .await
}

async fn show(
    State(server): State<Server>,
    Path((id, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    match find(&server, id, signature).await? {
        Some((reader, look)) => render(StatusCode::OK, page(&reader, lang, &look).render()),
        None => not_found(lang),
    }
}

/// Leaves, or with `again` comes back, and shows what is so now. It leads nowhere else: mail
/// programs that leave by one click take an answer that redirects for a failure (RFC 8058).
async fn leave(
    State(server): State<Server>,
    Path((id, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some((reader, _)) = find(&server, id.clone(), signature.clone()).await? else {
        return not_found(lang);
    };
    let is_out = query.find_any("again").is_none();
    let ctx = server.ctx.clone();
    let done: Result<(), DbError> =
        server.ctx.db.write(move |tx| payers::set_out(tx, &ctx, &reader, is_out)).await;
    done?;
    match find(&server, id, signature).await? {
        Some((reader, look)) => render(StatusCode::OK, page(&reader, lang, &look).render()),
        None => not_found(lang),
    }
}

fn not_found(lang: Lang) -> Result<Response, ApiError> {
    message::not_found(lang, lang.pick("Такой страницы нет", "There is no such page"))
}

fn page(reader: &Reader, lang: Lang, look: &Look) -> Page {
    let (detail, button) = if reader.is_out {
        (
            lang.pick(
                "Списания от этого не прекращаются: от них отказываются по другой ссылке из \
                 письма.",
                "Charges go on all the same: another link of the letter stops those.",
            ),
            lang.pick("Снова получать", "Receive them again"),
        )
    } else {
        (
            lang.pick(
                "Больше не присылать письма о предстоящих и неудавшихся списаниях на этот адрес? \
                 Чеки и ссылки, о которых вы просите, приходить будут.",
                "No more letters to this address about charges that are near or failed? Receipts \
                 and links that you ask for will still come.",
            ),
            lang.pick("Не присылать", "Send no more"),
        )
    };
    Page {
        base: Base::of(lang, look),
        title: lang.pick("Письма о списаниях", "Letters about charges"),
        is_out: reader.is_out,
        headline: lang.pick("Писем больше не будет", "No more letters will come"),
        detail,
        button,
    }
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
