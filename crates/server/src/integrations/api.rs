//! Routes of integrations and of what is sent by them.

pub mod errands;
pub mod sendings;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    compat,
    flow::{self, Problem},
    model::Linked,
    problem::error_of,
    request::{CreateIntegration, EditIntegration, SendPayment, Wanted},
    sharing, store,
    view::{GoneView, IntegrationView, SendingView, SharesView, TestedView},
};
use crate::{
    http::{Answer, ApiError, Caller, Server, error::ErrorBody, json, page::Page},
    kit::{Ctx, db::DbError},
    payments::submit::{self, Ask},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_integration, list_integrations))
        .routes(routes!(get_integration, edit_integration, remove_integration))
        .routes(routes!(test_integration))
        .routes(routes!(send_payment))
        .routes(routes!(salebot_link))
        .routes(routes!(salebot_charge))
        .routes(routes!(bot_link))
        .routes(routes!(bot_charge))
        .routes(routes!(bot_status))
}

/// The integration as it is shown.
pub fn view(ctx: &Ctx, linked: &Linked) -> anyhow::Result<IntegrationView> {
    Ok(IntegrationView::new(linked, &flow::open_settings(ctx, linked)?))
}

/// Set up an integration
///
/// A messenger, SMS, a bot builder or a CRM that is told of payments. Settings are stored sealed
/// and never shown again.
#[utoipa::path(post, path = "/v1/integrations", tag = "integrations",
    request_body = CreateIntegration,
    responses(
        (status = 201, description = "The integration", body = IntegrationView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "The shop has 50 integrations already", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_integration(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let new = json::read::<CreateIntegration>(&body)?.read()?;
    let linked = flow::add(&server.ctx, &caller.shop_id, new).await?;
    Answer::json(201, &view(&server.ctx, &linked)?)
}

/// List integrations
///
/// All of the shop's, newest first.
#[utoipa::path(get, path = "/v1/integrations", tag = "integrations",
    responses(
        (status = 200, description = "All of them", body = Page<IntegrationView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_integrations(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Answer, ApiError> {
    let found: Result<Vec<Linked>, DbError> =
        server.ctx.db.read(move |tx| store::list_integrations(tx, &caller.shop_id)).await;
    let views: Result<Vec<_>, _> = found?.iter().map(|it| view(&server.ctx, it)).collect();
    Answer::json(200, &Page::whole(views?))
}

/// Get an integration
#[utoipa::path(get, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "The integration", body = IntegrationView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody)))]
async fn get_integration(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let linked = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    Answer::json(200, &view(&server.ctx, &linked)?)
}

/// Change an integration
///
/// What is left out stays, each setting too; `null` takes a setting, or the shop's own address,
/// away. What was stopped goes on.
#[utoipa::path(patch, path = "/v1/integrations/{id}", tag = "integrations",
    request_body = EditIntegration,
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "The integration", body = IntegrationView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn edit_integration(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let linked = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    let service = flow::service_of(&linked)?;
    let changes = json::read::<EditIntegration>(&body)?.read(service)?;
    let linked = flow::edit(&server.ctx, &caller.shop_id, &id, changes).await?;
    server.nudge.notify_one();
    Answer::json(200, &view(&server.ctx, &linked)?)
}

/// Remove an integration
///
/// Nothing more is sent by it, not even what waits; its settings are forgotten.
#[utoipa::path(delete, path = "/v1/integrations/{id}", tag = "integrations",
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "It is removed", body = GoneView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody)))]
async fn remove_integration(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let linked = flow::remove(&server.ctx, &caller.shop_id, &id).await?;
    Answer::json(200, &GoneView { id: linked.id, object: "integration", removed: true })
}

/// Test an integration
///
/// Asks the service whether the account is in order, and shows nobody anything. A good answer lets
/// a stopped integration go on.
#[utoipa::path(post, path = "/v1/integrations/{id}/test", tag = "integrations",
    params(("id" = String, Path, description = "The integration's id")),
    responses(
        (status = 200, description = "What the service says", body = TestedView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such integration", body = ErrorBody)))]
async fn test_integration(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let linked = flow::get(&server.ctx, &caller.shop_id, &id).await?;
    let view = tested(&linked, flow::test(&server.ctx, &linked).await)?;
    server.nudge.notify_one();
    Answer::json(200, &view)
}

/// What a test came to, for people and programs.
pub fn tested(linked: &Linked, result: Result<(), Problem>) -> Result<TestedView, ApiError> {
    let view = |error: Option<ApiError>| TestedView {
        integration_id: linked.id.clone(),
        object: "integration_test",
        ok: error.is_none(),
        code: error.as_ref().map(|error| error.code.clone()),
        message: error.as_ref().map(|error| error.message.clone()),
        hint: error.map(|error| error.hint),
    };
    match result {
        Ok(()) => Ok(view(None)),
        Err(Problem::Broken(broken)) => Ok(view(Some(error_of(&broken, None)))),
        Err(Problem::Unanswered(why)) => {
            let hint = "Try again; if it stays so, look at the address in the settings and at the \
                        server's way to the network.";
            Ok(view(Some(ApiError::stored("integration_unanswered", &why, hint))))
        }
        Err(other) => Err(other.into()),
    }
}

/// Send a payment's link
///
/// By a service that the shop has set up. A bot's client and a deal hear of all that becomes of the
/// payment from then on. The same link that is still on its way there is not sent twice.
#[utoipa::path(post, path = "/v1/payments/{id}/send", tag = "integrations",
    request_body = SendPayment,
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "To `share`: the addresses, nothing is sent",
            body = SharesView),
        (status = 202, description = "It is on its way", body = SendingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "The service is not set up, or the payment can no longer be \
            paid", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn send_payment(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let new = match json::read::<SendPayment>(&body)?.read(&id)? {
        Wanted::Send(new) => new,
        Wanted::Share(new) => {
            let links = sharing::links(&server.ctx, &caller.shop_id, new).await?;
            return Answer::json(200, &SharesView::new(&id, links));
        }
    };
    let sending = flow::send(&server.ctx, &caller.shop_id, new).await?;
    server.nudge.notify_one();
    Answer::json(202, &SendingView::new(&sending))
}

/// A link for Salebot
///
/// Takes the arguments of Salebot's `get_tinkoff_payment_url` by name, its order in `args`, or the
/// older variables beside `payment_sum`; as JSON or as a form. The answer is flat, has always the
/// same keys, and comes with 200 even for a refusal: look at `ok`. The client hears of the payment
/// by Salebot's own callbacks, if Salebot is set up.
#[utoipa::path(post, path = "/compat/salebot/link", tag = "integrations",
    responses(
        (status = 200, description = "The link, or why there is none", body = Object),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn salebot_link(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, compat::salebot_link).await
}

/// A charge for Salebot
///
/// `tinkoff_recurrent_payment(sum, description)` through our door: charges what the client saved by
/// a link with `recurrent`, named by `tinkoff_rebill_id`. Flat, as the link's answer; the client
/// hears of the money by the same callbacks. The same charge within ten minutes is one charge, and
/// with `external_id` for ever.
#[utoipa::path(post, path = "/compat/salebot/charge", tag = "integrations",
    responses(
        (status = 200, description = "The charge, or why there is none", body = Object),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn salebot_charge(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, compat::salebot_charge).await
}

/// A link for a bot of any builder
///
/// `client_id` (any text), `amount` in rubles or `amount_kopecks`, `description`, `customer_email`,
/// `customer_phone`, `products_for_receipt`, `taxation`, `language`, `external_id`, `success_url`,
/// `fail_url`, `save` with `consent_version` and `consent_max` (what is paid with is kept to be
/// charged again); as JSON or as a form. The answer is flat, has always the same keys, and comes
/// with 200 even for a refusal: look at `ok`. The same client asking for the same within ten
/// minutes gets the same link, with `external_id` for ever.
#[utoipa::path(post, path = "/compat/bot/link", tag = "integrations",
    responses(
        (status = 200, description = "The link, or why there is none", body = Object),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn bot_link(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, compat::flat::link).await
}

/// A charge for a bot of any builder
///
/// Charges what the client saved by a link with `save=1` and `consent_version`: `client_id`,
/// `amount` or `amount_kopecks`, `description`, `saved_id` (the newest of the client's if absent),
/// `external_id`, receipt as in the link. Flat, of the same keys. The same charge within ten
/// minutes is one charge, and with `external_id` for ever.
#[utoipa::path(post, path = "/compat/bot/charge", tag = "integrations",
    responses(
        (status = 200, description = "The charge, or why there is none", body = Object),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn bot_charge(ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, compat::flat::charge).await
}

/// How a bot's link stands
///
/// `payment_id`, as the link's answer named it. Flat, of the same keys; `status` is the payment's.
#[utoipa::path(post, path = "/compat/bot/status", tag = "integrations",
    responses(
        (status = 200, description = "The payment, or why there is none", body = Object),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn bot_status(ask: Ask) -> Result<Answer, ApiError> {
    compat::flat::status(ask).await
}
