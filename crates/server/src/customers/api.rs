//! Routes of customers.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    drive::{ask_about, bind},
    flow::{self, Shown, connection_for, get_saved},
    request::{BindAccount, ChargeAccount, customer_id},
    view::{AccountView, CardView},
};
use crate::{
    http::{Answer, ApiError, Caller, Server, error::ErrorBody, json, page::Page},
    instruments::model::{InstrumentStatus, Kind},
    kit::db::DbError,
    payments::{
        flow::charge::{self, Saved},
        submit::{self, Ask},
        view::PaymentView,
    },
};

/// A customer's accounts all stand on one page.
const MANY: i64 = 100;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(bind_account, list_accounts))
        .routes(routes!(get_saved_account, withdraw_account))
        .routes(routes!(list_cards))
        .routes(routes!(get_saved_card, withdraw_card))
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
        Answer::json(201, &AccountView::new(&(account, None)))
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
    let data = list(&server, &caller, &id, Kind::Account).await?;
    let data: Vec<AccountView> = data.iter().map(AccountView::new).collect();
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
    let shown = get(&server, &caller, &id, (Kind::Account, account_id)).await?;
    Answer::json(200, &AccountView::new(&shown))
}

/// Take back a customer's account
///
/// The payer's consent ends at once and for ever: nothing is charged any more. What is not sent yet
/// fails; a charge that is on its way is given back when it is taken, with the event
/// `charge.unwanted`. Again is no error.
#[utoipa::path(delete, path = "/v1/customers/{id}/accounts/{account_id}", tag = "customers",
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("account_id" = String, Path, description = "The account's id")),
    responses(
        (status = 200, description = "The account, inactive for good", body = AccountView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The customer has no such account", body = ErrorBody)))]
async fn withdraw_account(
    State(server): State<Server>,
    caller: Caller,
    Path((id, account_id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let shown = take_back(&server, &caller, id, (Kind::Account, account_id)).await?;
    Answer::json(200, &AccountView::new(&shown))
}

/// List a customer's cards
#[utoipa::path(get, path = "/v1/customers/{id}/cards", tag = "customers",
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "The cards, newest first", body = Page<CardView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_cards(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let data = list(&server, &caller, &id, Kind::Card).await?;
    let data: Vec<CardView> = data.iter().map(CardView::new).collect();
    Answer::json(200, &Page::new(data, MANY, |card| card.id.clone()))
}

/// Get a customer's card
///
/// It is charged by `POST /v1/payments` with `card_id`.
#[utoipa::path(get, path = "/v1/customers/{id}/cards/{card_id}", tag = "customers",
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("card_id" = String, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card", body = CardView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The customer has no such card", body = ErrorBody)))]
async fn get_saved_card(
    State(server): State<Server>,
    caller: Caller,
    Path((id, card_id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let shown = get(&server, &caller, &id, (Kind::Card, card_id)).await?;
    Answer::json(200, &CardView::new(&shown))
}

/// Take back a customer's card
///
/// The payer's consent ends at once and for ever: nothing is charged any more, and the bank is told
/// to forget the card. What is not sent yet fails; a charge that is on its way is given back when
/// it is taken, with the event `charge.unwanted`. Again is no error.
#[utoipa::path(delete, path = "/v1/customers/{id}/cards/{card_id}", tag = "customers",
    params(
        ("id" = String, Path, description = "The shop's own number of the customer"),
        ("card_id" = String, Path, description = "The card's id")),
    responses(
        (status = 200, description = "The card, inactive for good", body = CardView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The customer has no such card", body = ErrorBody)))]
async fn withdraw_card(
    State(server): State<Server>,
    caller: Caller,
    Path((id, card_id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let shown = take_back(&server, &caller, id, (Kind::Card, card_id)).await?;
    Answer::json(200, &CardView::new(&shown))
}

async fn list(
    server: &Server,
    caller: &Caller,
    customer_id: &str,
    kind: Kind,
) -> Result<Vec<Shown>, ApiError> {
    let (shop_id, customer_id) = (caller.shop_id.clone(), customer_id.to_owned());
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| flow::list_saved(tx, (&shop_id, &customer_id), kind)).await;
    Ok(found?)
}

/// One that is pending is asked about at the bank first, as long as a caller likes to wait.
async fn get(
    server: &Server,
    caller: &Caller,
    customer_id: &str,
    (kind, id): (Kind, String),
) -> Result<Shown, ApiError> {
    let (shop_id, customer_id) = (caller.shop_id.clone(), customer_id.to_owned());
    let found: Result<_, flow::Problem> =
        server.ctx.db.read(move |tx| get_saved(tx, (&shop_id, &customer_id), (kind, &id))).await;
    let (mut own, consent) = found?;
    if own.status == InstrumentStatus::Pending {
        let (ctx, known) = (server.ctx.clone(), own.clone());
        let asking = server.spawn(async move { ask_about(&ctx, known).await });
        if let Ok(Ok(asked)) = tokio::time::timeout(server.limits.bank_wait, asking).await {
            own = asked?;
        }
    }
    Ok((own, consent))
}

async fn take_back(
    server: &Server,
    caller: &Caller,
    customer_id: String,
    (kind, id): (Kind, String),
) -> Result<Shown, ApiError> {
    let (ctx, shop_id) = (server.ctx.clone(), caller.shop_id.clone());
    let done: Result<_, flow::Problem> = server
        .ctx
        .db
        .write(move |tx| {
            charge::withdraw(tx, &ctx, (&shop_id, &customer_id), (kind, &id))
                .map_err(flow::Problem::Payment)?;
            get_saved(tx, (&shop_id, &customer_id), (kind, &id))
        })
        .await;
    server.nudge.notify_one();
    Ok(done?)
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
        let customer_id = Some(id);
        let from = Saved { kind: Kind::Account, id: account_id, customer_id, bank: None };
        submit::charge(ask, from, new).await
    })
    .await
}
