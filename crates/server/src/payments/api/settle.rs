//! The route by which a shop says what a bank does not: that a charge was not made.

use axum::extract::Path;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    flow::{Problem, doubt},
    model::Payment,
    submit::Ask,
    view::PaymentView,
};
use crate::http::{
    Answer, ApiError, Server,
    error::ErrorBody,
    json::{self, Raw, invalid},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(settle_charge))
}

/// What the bank's cabinet shows of a charge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleCharge {
    /// false: nothing was taken. A charge that was made Kopeck sees by itself.
    #[schema(value_type = bool, example = false)]
    charged: Raw,
}

impl SettleCharge {
    fn read(&self) -> Result<(), ApiError> {
        if self.charged.is_none() {
            return Err(json::missing("charged"));
        }
        if json::flag("charged", &self.charged)? {
            return Err(invalid(
                "charged",
                "can only be false: a charge that was made shows itself",
            ));
        }
        Ok(())
    }
}

/// Settle a charge by hand
///
/// Of a card that Tochka keeps the bank has no word for a charge that was not made. One without a
/// word for a day (`charge.unanswered`) is asked about on and on, and nothing else is charged for
/// its period. Whoever looked in the bank's cabinet and found nothing says so here: then the charge
/// has failed, and the next may follow. Again is no error.
#[utoipa::path(post, path = "/v1/payments/{id}/settle", tag = "payments",
    request_body = SettleCharge,
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "The payment, failed", body = PaymentView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "Its fate is known, or the bank may still tell",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn settle_charge(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    json::read::<SettleCharge>(&ask.body)?.read()?;
    let (inner, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let settled: Result<Payment, Problem> = ask
        .server
        .ctx
        .db
        .write(move |tx| doubt::settle_not_charged(tx, &inner, (&shop_id, &id)))
        .await;
    let payment = settled?;
    ask.server.nudge.notify_one();
    Answer::json(200, &PaymentView::new(&payment, &ask.server.ctx.public_url))
}
