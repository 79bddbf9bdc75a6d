//! Routes that a portal posts to, except its tab: no key opens them, the portal's own token does.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use kopeck_banks::http::HttpReply;
use kopeck_integrations::{
    Settings,
    bitrix24::{
        funnels::{self, Funnel},
        inbound::{self, Form},
        settings::{ACCESS_TOKEN, FAILED_STAGES, LINK_STAGES, PAID_STAGES, REFUNDED_STAGES},
    },
};

use super::page::{self, Origin};
use crate::{
    http::{ApiError, Server, body, query::RawQuery},
    integrations::{
        bitrix24::{
            checkout,
            flow::{self, Heard},
            install,
            model::{App, Errand, State as ErrandState},
            portal::{self, As, Trouble, find},
            store::{
                errands::{ErrandFilter, list_errands},
                find_app,
            },
        },
        flow::open_settings,
        model::Linked,
    },
    kit::db::DbError,
    web::lang::Lang,
};

/// Settings that name stages.
const MAPPINGS: [&str; 4] = [PAID_STAGES, REFUNDED_STAGES, FAILED_STAGES, LINK_STAGES];
/// Failures that the application's page shows.
const SHOWN: i64 = 10;

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/bitrix24/{id}/install", post(install_page))
        .route("/bitrix24/{id}/app", post(app_page))
        .route("/bitrix24/{id}/events", post(take_event))
        .route("/bitrix24/{id}/robot", post(take_robot))
        .route("/bitrix24/{id}/checkout/{secret}", post(take_checkout))
}

/// The form that a portal posts, with what stands in the address beside it.
pub async fn read_form(server: &Server, query: &RawQuery, content: Body) -> Result<Form, ApiError> {
    let limits = &server.limits;
    let bytes = body::read(content, limits.notice_body_bytes, limits.body_wait).await?;
    Ok(Form::read(&bytes, query.text()))
}

/// The employee's language at the portal.
pub fn language(form: &Form) -> Lang {
    Lang::choose(form.find("LANG"), "")
}

fn status_of(heard: Heard) -> StatusCode {
    match heard {
        Heard::Done => StatusCode::OK,
        Heard::Forged => StatusCode::FORBIDDEN,
        Heard::Nobody => StatusCode::NOT_FOUND,
    }
}

/// The portal opens it in a frame while the application is installed, or posts it as an event.
async fn install_page(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    do_install(&server, id, form).await
}

async fn do_install(server: &Server, id: String, form: Form) -> Result<Response, ApiError> {
    let (ctx, posted) = (server.ctx.clone(), form.clone());
    let own = id.clone();
    // Whoever closes the page has installed it all the same.
    let done = server.finish(async move { install::install(&ctx, &own, &posted).await }).await;
    server.nudge.notify_one();
    let done = done.unwrap_or_else(|| Err(Trouble::Unclear("it broke".to_owned())));
    if form.find("event").is_some() {
        // Nobody looks; the portal wants a status.
        return Ok(match done {
            Ok(_) | Err(Trouble::Later { .. } | Trouble::Unclear(_)) => StatusCode::OK,
            Err(Trouble::Broken(broken)) => {
                tracing::warn!(integration_id = id, code = broken.code(), "not installed");
                StatusCode::FORBIDDEN
            }
            Err(Trouble::Internal(error)) => return Err(error.into()),
        }
        .into_response());
    }
    let linked = find(&server.ctx, &id).await?;
    let origin = match &linked {
        Some(linked) => Origin::of(&open_settings(&server.ctx, linked)?, &form),
        None => Origin::claimed(&form),
    };
    let lang = language(&form);
    match done {
        Ok(all) => {
            let told = all.into_iter().map(|one| (one.title.to_owned(), one.refused));
            let all: Vec<(String, Option<String>)> = told.collect();
            page::installed(&page::Told::of(&all), true, lang, &origin)
        }
        Err(trouble) => page::trouble(&trouble, lang, &origin),
    }
}

/// The application's own page in the portal's menu: what was registered. An installation that is
/// not in order is made anew by opening it.
async fn app_page(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    let Some(linked) = find(&server.ctx, &id).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let settings = open_settings(&server.ctx, &linked)?;
    let own = id.clone();
    let failed = ErrandFilter { state: Some(ErrandState::Failed), before_id: None };
    let seen: Result<(_, Vec<Errand>), DbError> = (server.ctx.db)
        .read(move |tx| Ok((find_app(tx, &own)?, list_errands(tx, &own, &failed, SHOWN)?)))
        .await;
    let (app, failed) = seen?;
    let app = app.filter(|app| is_in_order(&linked, &settings, app, &form));
    let Some(app) = app else { return do_install(&server, id, form).await };
    let origin = Origin::of(&settings, &form);
    if !inbound::is_genuine(&settings, &form) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let funnels = list_funnels(&server, &id).await;
    let mappings = MAPPINGS.map(|name| (name, settings.find(name).unwrap_or("").to_owned()));
    let told = page::Told {
        registered: &app.registered,
        failed: &failed,
        funnels: &funnels,
        mappings: &mappings,
        integration_id: &id,
    };
    page::installed(&told, false, language(&form), &origin)
}

/// What the portal refused stays refused until the application is given another right: a right that
/// is left out on purpose is no reason to install it anew each time somebody looks.
fn is_in_order(linked: &Linked, settings: &Settings, app: &App, form: &Form) -> bool {
    let has_all = app.registered.iter().all(|(_, why)| why.is_none());
    let has_same_rights = form.find("APPLICATION_SCOPE") == app.scopes.as_deref();
    let is_connected = linked.is_live() && settings.find(ACCESS_TOKEN).is_some();
    is_connected && !app.registered.is_empty() && (has_all || has_same_rights)
}

/// The portal's stages, to choose from; a portal that does not tell them now is shown without.
async fn list_funnels(server: &Server, id: &str) -> Vec<Funnel> {
    let (ctx, who) = (&server.ctx, As::App);
    let bare = portal::call(ctx, id, who, funnels::funnels, funnels::read_funnels).await;
    let Ok(bare) = bare else { return Vec::new() };
    let make = |settings: &Settings| funnels::stages(settings, &bare);
    let read = |reply: &HttpReply| funnels::read_stages(reply, &bare);
    portal::call(ctx, id, who, make, read).await.unwrap_or_default()
}

/// What is not the portal's is refused after a look.
async fn refusal(server: &Server, id: &str, form: &Form) -> Result<Option<Response>, DbError> {
    let (ctx, id, form) = (server.ctx.clone(), id.to_owned(), form.clone());
    let heard: Result<Heard, DbError> =
        server.ctx.db.read(move |tx| flow::check(tx, &ctx, &id, &form)).await;
    Ok(match heard? {
        Heard::Done => None,
        refused @ (Heard::Forged | Heard::Nobody) => Some(status_of(refused).into_response()),
    })
}

async fn take_event(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    if form.find("event") == Some("ONAPPINSTALL") {
        return do_install(&server, id, form).await;
    }
    if let Some(refused) = refusal(&server, &id, &form).await? {
        return Ok(refused);
    }
    let ctx = server.ctx.clone();
    let heard: Result<Heard, DbError> =
        server.ctx.db.write(move |tx| flow::hear(tx, &ctx, &id, &form)).await;
    server.nudge.notify_one();
    Ok(status_of(heard?).into_response())
}

async fn take_robot(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    if let Some(refused) = refusal(&server, &id, &form).await? {
        return Ok(refused);
    }
    let ctx = server.ctx.clone();
    let heard: Result<Heard, DbError> =
        server.ctx.db.write(move |tx| flow::hear_robot(tx, &ctx, &id, &form)).await;
    server.nudge.notify_one();
    Ok(status_of(heard?).into_response())
}

/// The secret in the address is all that a checkout proves.
async fn take_checkout(
    State(server): State<Server>,
    Path((id, secret)): Path<(String, String)>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    let linked = find(&server.ctx, &id).await?;
    let is_own = install::is_checkout(&server.ctx, &id, &secret);
    let Some(linked) = linked.filter(|linked| is_own && linked.is_live()) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let ctx = server.ctx.clone();
    let done = server.finish(async move { checkout::answer(&ctx, &linked, &form).await }).await;
    server.nudge.notify_one();
    let answer = done.ok_or_else(|| anyhow::anyhow!("a checkout broke"))??;
    Ok(Json(answer).into_response())
}
