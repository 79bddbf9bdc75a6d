//! The route that changes what a subscription's receipts say.

use axum::extract::Path;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    flow::{Problem, receipt},
    replies::Touched,
    request::ChangeReceipt,
    view::SubscriptionView,
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
    OpenApiRouter::new().routes(routes!(change_receipt))
}

/// Change what a subscription's receipts say
///
/// The lines of the charges to come, and the address to which their receipts go. A charge that was
/// asked for already keeps the receipt that it has; nothing else of the subscription changes.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/receipt", tag = "subscriptions",
    request_body = ChangeReceipt,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "It is over, or the bank was told its receipts once for all",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn change_receipt(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let wish = json::read::<ChangeReceipt>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let (inner, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
        receipt::check(&inner, &shop_id, &id, &wish).await?;
        let subject = id.clone();
        let save = move |tx: &mut dyn Tx| receipt::change(tx, &inner, (&shop_id, &subject), wish);
        let work = Touched::Subscription { id };
        let wake = || async { ask.server.nudge.notify_one() };
        once::<_, Problem, _, _, _>(&ask, &work, save, wake).await
    })
    .await
}
