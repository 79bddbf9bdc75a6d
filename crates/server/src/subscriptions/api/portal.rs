//! The route by which a shop sends a customer to his own pages.

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::links::{Visitor, portal_url};
use crate::{
    customers::request::customer_id,
    http::{
        Answer, ApiError, Caller, Server,
        error::ErrorBody,
        json::{self, Raw},
    },
    kit::clock::{HOUR_MS, iso},
};

/// A day: the customer comes from the shop's own site, where he is logged in.
pub const DEFAULT_HOURS: i64 = 24;
/// A letter may lie for a month.
pub const MAX_HOURS: i64 = 24 * 31;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(create_portal_link))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePortalLink {
    /// How long the link is good; 24 if absent, 744 at most.
    #[schema(value_type = Option<i64>, example = 24)]
    ttl_hours: Raw,
}

/// A link to a customer's own pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct PortalLinkView {
    #[schema(value_type = String, example = "portal_link")]
    pub object: &'static str,
    pub customer_id: String,
    /// Whoever has it may change the customer's subscriptions: for the customer alone.
    pub url: String,
    pub expires_at: String,
}

/// Send a customer to his own pages
///
/// Where he sees what he pays for and what he paid, changes his plan, pauses, cancels, takes
/// another card, takes his consent back and subscribes. Call it when he is logged in at your site,
/// and send him there. A customer without a subscription sees what there is to subscribe to.
#[utoipa::path(post, path = "/v1/customers/{id}/portal", tag = "customers",
    request_body = CreatePortalLink,
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 201, description = "The link", body = PortalLinkView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_portal_link(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked = json::read::<CreatePortalLink>(&body)?;
    let hours = json::whole("ttl_hours", &asked.ttl_hours)?.unwrap_or(DEFAULT_HOURS);
    if !(1..=MAX_HOURS).contains(&hours) {
        return Err(json::invalid("ttl_hours", &format!("takes 1 to {MAX_HOURS}")));
    }
    let until_ms = server.ctx.now_ms() + hours * HOUR_MS;
    let customer_id = customer_id(&id)?;
    let visitor = Visitor { shop_id: caller.shop_id, customer_id, until_ms };
    let view = PortalLinkView {
        object: "portal_link",
        url: portal_url(&server.ctx, &visitor),
        customer_id: visitor.customer_id,
        expires_at: iso(until_ms),
    };
    Answer::json(201, &view)
}
