//! Routes of customers.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    drive::{ask_about, bind},
    flow::{self, connection_for, get_account},
    request::{BindAccount, ChargeAccount, customer_id},
    view::AccountView,
};
use crate::{
    http::{Answer, ApiError, Caller, Server, error::ErrorBody, json, page::Page},
    instruments::{model::AccountStatus, store},
    kit::db::DbError,
    payments::{
        flow::charge::Saved,
        submit::{self, Ask},
        view::PaymentView,
    },
};

/// A customer's accounts all stand on one page.
const MANY: i64 = 100;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(bind_account, list_accounts))
        .routes(routes!(get_saved_account))
        .routes(routes!(charge_account))
}

/// Save an account
///
/// A link (or a code to scan) by which the payer agrees in his bank's app that later payments are
/// taken from his account, without paying now. `pending` until he does.
#[utoipa::path(post, path = "/v1/customers/{id}/accounts", tag = "customers",
    request_body = BindAccount,
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 201, description = "The account", body = AccountView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "No bank is connected, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody),
        (status = 503, description = "The bank did not answer: ask again", body = ErrorBody)))]
async fn bind_account(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let input: BindAccount = json::read(&ask.body)?;
    let (customer, purpose) = (customer_id(&id)?, input.purpose()?);
    let bank = json::string("bank", &input.bank)?;
    submit::run(ask, |ask| async move {
        let ctx = &ask.server.ctx;
        let connection = connection_for(ctx, &ask.caller.shop_id, bank.as_deref()).await?;
        let account = bind(ctx, &connection, &customer, &purpose).await?;
        ask.server.nudge.notify_one();
        Answer::json(201, &AccountView::new(&account))
    })
    .await
}

/// List a customer's accounts
#[utoipa::path(get, path = "/v1/customers/{id}/accounts", tag = "customers",
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "The accounts, newest first", body = Page<AccountView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_accounts(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Vec<_>, DbError> =
        server.ctx.db.read(move |tx| store::list_accounts(tx, &caller.shop_id, &id)).await;
    let data: Vec<AccountView> = found?.iter().map(AccountView::new).collect();
    Answer::json(200, &Page::new(data, MANY, |account| account.id.clone()))
}

/// Get a customer's account
///
/// One that is pending is asked about at the bank first.
#[utoipa::path(get, path = "/v1/customers/{id}/accounts/{account_id}", tag = "customers",
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("account_id" = String, Path, description = "The account's id")),
    responses(
        (status = 200, description = "The account", body = AccountView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The customer has no such account", body = ErrorBody)))]
async fn get_saved_account(
    State(server): State<Server>,
    caller: Caller,
    Path((id, account_id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let found: Result<_, flow::Problem> =
        server.ctx.db.read(move |tx| get_account(tx, &caller.shop_id, &id, &account_id)).await;
    let mut account = found?;
    if account.status == AccountStatus::Pending {
        let (ctx, known) = (server.ctx.clone(), account.clone());
        let asking = server.spawn(async move { ask_about(&ctx, known).await });
        if let Ok(Ok(asked)) = tokio::time::timeout(server.limits.bank_wait, asking).await {
            account = asked?;
        }
    }
    Answer::json(200, &AccountView::new(&account))
}

/// Charge a customer's account
///
/// Takes a payment from a saved account without the payer. The charge is sent once: if the bank's
/// answer is lost, the payment stays `open` until asking tells what became of it. With an
/// Idempotency-Key the same request repeated is the same charge; without one it is another.
#[utoipa::path(post, path = "/v1/customers/{id}/accounts/{account_id}/charge",
    tag = "customers", request_body = ChargeAccount,
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("account_id" = String, Path, description = "The account's id"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Remembered for ever; see Create a payment")),
    responses(
        (status = 201, description = "The payment; `open` if the bank is slow",
            body = PaymentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The customer has no such account", body = ErrorBody),
        (status = 409, description = "The account is not active, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn charge_account(
    Path((id, account_id)): Path<(String, String)>,
    ask: Ask,
) -> Result<Answer, ApiError> {
    let new = json::read::<ChargeAccount>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        submit::charge(ask, Saved { account_id, customer_id: Some(id), bank: None }, new).await
    })
    .await
}
