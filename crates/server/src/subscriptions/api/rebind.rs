//! The route by which a subscription goes on to another card or account.

use axum::extract::Path;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        flow::{Problem, rebind},
        replies::Touched,
        request::RebindSubscription,
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
    OpenApiRouter::new().routes(routes!(rebind_subscription))
}

/// Move a subscription to another card or bank
///
/// Makes a link (`rebind_url`) by which the customer saves another card or account, at another bank
/// or the same one. The link takes ten rubles, which count for the next period. Once it is saved it
/// is what is charged, and what was charged before is charged no more; until then nothing changes.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/rebind", tag = "subscriptions",
    request_body = RebindSubscription,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription, with `rebind_url`",
            body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "It is over, or no bank is connected", body = ErrorBody),
        (status = 422, description = "A field is wrong, no bank fits, or a consent is needed",
            body = ErrorBody)))]
async fn rebind_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let wish = json::read::<RebindSubscription>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let (inner, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
        let planned = rebind::plan(&inner, &shop_id, &id, wish).await?;
        let save = move |tx: &mut dyn Tx| rebind::create(tx, &inner, &shop_id, planned);
        let work = Touched::Subscription { id: id.clone() };
        once::<_, Problem, _, _, _>(&ask, &work, save, || settle(&ask, &id)).await
    })
    .await
}
