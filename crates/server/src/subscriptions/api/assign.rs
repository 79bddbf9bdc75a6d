//! The route by which money that nobody expected pays a period.

use axum::extract::Path;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        flow::{Problem, assign},
        replies::Touched,
        request::AssignPayment,
        view::SubscriptionView,
    },
    settle,
};
use crate::{
    http::{Answer, ApiError, Server, error::ErrorBody, json},
    kit::db::Tx,
    payments::{
        idempotency::{once, replay_of},
        submit::{self, Ask},
    },
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(assign_payment))
}

/// Let an unexpected payment pay the period
///
/// A kept card was charged and nobody waited for the money (`charge.unexpected`): it pays the
/// period that waits, if it is its sum and its customer's. Where none waits yet, it stands on the
/// balance for the next one.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/assign", tag = "subscriptions",
    request_body = AssignPayment,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "No such subscription or payment", body = ErrorBody),
        (status = 409, description = "The payment cannot pay the period", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn assign_payment(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let payment_id = json::read::<AssignPayment>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let (inner, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
        let subject = id.clone();
        let save = move |tx: &mut dyn Tx| {
            assign::assign(tx, &inner, (&shop_id, &subject), (&payment_id, "api"))
        };
        let work = Touched::Subscription { id: id.clone() };
        once::<_, Problem, _, _, _>(&ask, &work, save, || settle(&ask, &id)).await
    })
    .await
}
