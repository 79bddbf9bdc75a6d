//! Routes of what was: a shop's numbers by months, a customer's evidence.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    flow::{Problem, evidence, metrics::measure},
    metrics::{MAX_MONTHS, Month, month_of, months},
    schedule::find_zone,
    view::{evidence::EvidenceView, metrics::MetricsView},
};
use crate::{
    customers::request::customer_id,
    http::{Answer, ApiError, Caller, Server, error::ErrorBody, json::invalid, query::RawQuery},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(get_metrics)).routes(routes!(get_evidence))
}

/// A month as people write it: `2026-11`.
pub fn read_month(param: &str, text: &str) -> Result<(i16, i8), ApiError> {
    let parts = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2);
    let read = parts.and_then(|(year, month)| year.parse().ok().zip(month.parse::<i8>().ok()));
    let found = read.filter(|(_, month)| (1..=12).contains(month));
    found.ok_or_else(|| invalid(param, "is no month such as 2026-11"))
}

/// The months asked for: the last twelve when nothing is said.
pub fn read_months(
    (from, to): (Option<&str>, Option<&str>),
    zone_name: &str,
    now_ms: i64,
) -> Result<Vec<Month>, ApiError> {
    let zone = find_zone(zone_name).ok_or(Problem::NoSuchZone)?;
    let to = match to {
        Some(text) => read_month("to", text)?,
        None => month_of(&zone, now_ms).ok_or(Problem::NoSuchZone)?,
    };
    let from = match from {
        Some(text) => read_month("from", text)?,
        // The month after this one a year ago.
        None if to.1 == 12 => (to.0, 1),
        None => (to.0 - 1, to.1 + 1),
    };
    let what = format!("comes after `to`, or is more than {MAX_MONTHS} months before it");
    months(&zone, from, to).ok_or_else(|| invalid("from", &what))
}

/// Numbers by months
///
/// Who pays, who came, who went, the monthly revenue and what asking again brought back: counted
/// from the whole history at each question, exact to the kopeck.
#[utoipa::path(get, path = "/v1/subscriptions/metrics", tag = "subscriptions",
    params(
        ("from" = Option<String>, Query, description = "The first month, such as 2026-01; eleven \
            months before the last if absent"),
        ("to" = Option<String>, Query, description = "The last month; this one if absent"),
        ("time_zone" = Option<String>, Query,
            description = "Where months begin at midnight; the shop's zone if absent")),
    responses(
        (status = 200, description = "The months in their order", body = MetricsView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn get_metrics(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&["from", "to", "time_zone"])?;
    let zone = query.find("time_zone").unwrap_or(&server.ctx.zone);
    let span = (query.find("from"), query.find("to"));
    let months = read_months(span, zone, server.ctx.now_ms())?;
    let measured = measure(&server.ctx, &caller.shop_id, months).await?;
    Answer::json(200, &MetricsView::new(zone, &measured))
}

/// A customer's evidence
///
/// All that is known of what a customer agreed to and what was taken: consents with their texts,
/// times, channels and ceilings, withdrawals, notices, charges with their outcomes, refunds,
/// events. For a dispute; `kopeck evidence` prints it.
#[utoipa::path(get, path = "/v1/customers/{id}/evidence", tag = "subscriptions",
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "The evidence; empty lists for a customer who is not known",
            body = EvidenceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_evidence(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let customer = customer_id(&id)?;
    let (shop_id, now_ms) = (caller.shop_id.clone(), server.ctx.now_ms());
    let found: Result<EvidenceView, Problem> =
        server.ctx.db.read(move |tx| evidence::gather(tx, (&shop_id, &customer), now_ms)).await;
    Answer::json(200, &found?)
}
