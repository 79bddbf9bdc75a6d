//! The page at `/` and `/sandbox`: what this is, the payments with their buttons, the notices,
//! cards, variables.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};

use super::{
    banks::{CardRow, test_cards},
    host::Sandbox,
    view::{Notice, Payment, merge, notices_of, payments_of},
};
use crate::kit::clock::{Clock as _, iso};

/// Older ones are still in `GET /_control/payments`; nobody reads that far on a page.
const MAX_ROWS: usize = 100;

/// The page has only our own files, and speaks only to itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page {
    now: String,
    origin: String,
    payments: Vec<Payment>,
    notices: Vec<Notice>,
    cards: Vec<CardRow>,
    env: Vec<(&'static str, String)>,
}

pub async fn show(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let list = merge(&sandbox.list());
    let (mut payments, mut notices) = (payments_of(&list), notices_of(&list));
    // The emulators list the oldest first.
    payments.reverse();
    payments.truncate(MAX_ROWS);
    notices.reverse();
    notices.truncate(MAX_ROWS);
    let page = Page {
        now: iso(sandbox.clock().now_ms()),
        origin: sandbox.options.origin.clone(),
        payments,
        notices,
        cards: test_cards(),
        env: sandbox.env(),
    };
    match page.render() {
        Ok(html) => {
            let headers =
                [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
            (headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the sandbox page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
