//! Routes of desks.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    request::{Charge, CreateDesk},
    store,
    submit::{Done, cancel, charge, show},
    view::{DeskView, SaleView},
};
use crate::{
    http::{Answer, ApiError, Caller, Server, error::ErrorBody, json, page::Page, query::RawQuery},
    kit::db::Tx,
    payments::submit::{self, Ask},
    places::{
        model::Place,
        submit::{list, open},
    },
};
use kopeck_banks::op::CodeKind;

const FILTERS: [&str; 2] = ["limit", "starting_after"];

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_desk, list_desks))
        .routes(routes!(get_desk))
        .routes(routes!(charge_desk))
        .routes(routes!(cancel_desk))
}

/// Create a desk
///
/// A code to print and put on a counter. It takes money only while it is armed with a sum.
#[utoipa::path(post, path = "/v1/desks", tag = "desks", request_body = CreateDesk,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Remembered for ever; see Create a payment")),
    responses(
        (status = 201, description = "The desk; `opening` if the bank is slow", body = DeskView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "No bank is connected, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_desk(ask: Ask) -> Result<Answer, ApiError> {
    let input: CreateDesk = json::read(&ask.body)?;
    let (new, bank) = (input.read()?, json::string("bank", &input.bank)?);
    submit::run(ask, |ask| open(ask, new, bank, Done::Desk)).await
}

/// List desks
///
/// The shop's desks, newest first, each with its last sale.
#[utoipa::path(get, path = "/v1/desks", tag = "desks",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<DeskView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_desks(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let show = |tx: &mut dyn Tx, desk: &Place| {
        Ok(DeskView::new(desk, store::find_last(tx, &desk.id)?.as_ref()))
    };
    let desks = (caller.shop_id, Some(CodeKind::Desk));
    list(&server, desks, &query, show, |desk| desk.id.clone()).await
}

/// Get a desk
#[utoipa::path(get, path = "/v1/desks/{id}", tag = "desks",
    params(("id" = String, Path, description = "The desk's id")),
    responses(
        (status = 200, description = "The desk with its last sale", body = DeskView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such desk", body = ErrorBody)))]
async fn get_desk(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let (desk, sale) = show(&server.ctx, &caller.shop_id, &id).await?;
    Answer::json(200, &DeskView::new(&desk, sale.as_ref()))
}

/// Charge at a desk
///
/// Arms the desk's code with a sum; whoever scans it then pays that. One sale at a time: a second
/// one is refused with `desk_busy`, which says who charges, how much and until when. What is paid
/// becomes a payment with the desk's `place_id`, announced as `payment.paid`.
#[utoipa::path(post, path = "/v1/desks/{id}/charge", tag = "desks", request_body = Charge,
    params(("id" = String, Path, description = "The desk's id")),
    responses(
        (status = 201, description = "The sale: `waiting`, or `arming` if the bank is slow",
            body = SaleView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such desk", body = ErrorBody),
        (status = 409, description = "Another sale goes on, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn charge_desk(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let new = json::read::<Charge>(&ask.body)?.read()?;
    submit::run(ask, |ask| charge(ask, id, new)).await
}

/// Cancel the sale at a desk
///
/// Nobody can pay it any more, unless somebody is paying already: then the sale ends as the payment
/// does. Asking again is no error.
#[utoipa::path(post, path = "/v1/desks/{id}/cancel", tag = "desks",
    params(("id" = String, Path, description = "The desk's id")),
    responses(
        (status = 200, description = "The sale; `is_canceling` if the bank is slow",
            body = SaleView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such desk", body = ErrorBody),
        (status = 409, description = "No sale goes on there", body = ErrorBody)))]
async fn cancel_desk(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| async move {
        let (ctx, wait) = (&ask.server.ctx, ask.server.limits.bank_wait);
        let (desk, _) = show(ctx, &ask.caller.shop_id, &id).await?;
        let sale = cancel(ctx, &desk, wait).await?;
        ask.server.nudge.notify_one();
        Answer::json(200, &SaleView::new(&sale))
    })
    .await
}
