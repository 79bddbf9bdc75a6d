//! Routes of the shop's rules: when a charge that was declined is tried again, and when customers
//! are told of one.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    dunning::{NoticeFirst, Rules},
    store,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server,
        error::ErrorBody,
        json::{self, Raw, invalid},
    },
    kit::db::DbError,
    payments::submit::Ask,
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(get_rules, set_rules))
}

/// The shop's rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesView {
    #[schema(value_type = String, example = "subscription_rules")]
    pub object: &'static str,
    /// Charges of one period, the first one included.
    pub max_tries: u32,
    /// Days of the month on which people have money.
    pub paydays: Vec<i8>,
    /// The hour of a try, where the subscription is.
    pub hour: i8,
    /// How many days a subscription waits for its money.
    pub keep_days: u32,
    /// How many hours before a charge its customer is told; 0: never.
    pub notice_hours: u32,
    /// no, announced, delivered: whether a charge waits for that.
    #[schema(value_type = String, example = "no")]
    pub notice_first: &'static str,
    /// How many hours a notice that a charge waits for may be taken by nobody before you are told.
    pub notice_wait_hours: u32,
    /// How many hours it may be used on while money is awaited.
    pub grace_hours: u32,
}

impl RulesView {
    pub fn new(rules: &Rules) -> RulesView {
        RulesView {
            object: "subscription_rules",
            max_tries: rules.max_tries,
            paydays: rules.paydays.clone(),
            hour: rules.hour,
            keep_days: rules.keep_days,
            notice_hours: rules.notice_hours,
            notice_first: rules.notice_first.as_str(),
            notice_wait_hours: rules.notice_wait_hours,
            grace_hours: rules.grace_hours,
        }
    }
}

/// What of the rules changes; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesInput {
    /// 1 to 4.
    #[schema(value_type = Option<i64>, example = 4)]
    max_tries: Raw,
    /// 1 to 31 days of the month.
    #[schema(value_type = Option<Vec<i64>>)]
    paydays: Raw,
    /// 0 to 23.
    #[schema(value_type = Option<i64>, example = 10)]
    hour: Raw,
    /// 1 to 90.
    #[schema(value_type = Option<i64>, example = 14)]
    keep_days: Raw,
    /// 0 to 720.
    #[schema(value_type = Option<i64>, example = 72)]
    notice_hours: Raw,
    #[schema(value_type = Option<String>, example = "announced")]
    notice_first: Raw,
    /// 1 to 720.
    #[schema(value_type = Option<i64>, example = 24)]
    notice_wait_hours: Raw,
    /// 0 to 720.
    #[schema(value_type = Option<i64>, example = 72)]
    grace_hours: Raw,
}

/// A whole number of this range, or what was known.
fn number<T: TryFrom<i64>>(
    param: &str,
    raw: &Raw,
    (min, max): (i64, i64),
    known: T,
) -> Result<T, ApiError> {
    let Some(found) = json::whole(param, raw)? else { return Ok(known) };
    let fits = (min..=max).contains(&found);
    let read = T::try_from(found).ok().filter(|_| fits);
    read.ok_or_else(|| invalid(param, &format!("takes {min} to {max}")))
}

fn paydays(raw: &Raw, known: Vec<i8>) -> Result<Vec<i8>, ApiError> {
    let Some(raw) = raw else { return Ok(known) };
    let read: Option<Vec<i8>> = serde_json::from_str(raw.get()).ok();
    let is_day = |day: &i8| (1..=31).contains(day);
    let fits = |days: &Vec<i8>| (1..=31).contains(&days.len()) && days.iter().all(is_day);
    read.filter(fits).ok_or_else(|| invalid("paydays", "takes days of the month such as [5, 20]"))
}

impl RulesInput {
    fn over(&self, known: Rules) -> Result<Rules, ApiError> {
        let notice_first = match json::string("notice_first", &self.notice_first)? {
            None => known.notice_first,
            Some(word) => NoticeFirst::parse(&word).ok_or_else(|| {
                let all = NoticeFirst::ALL.map(NoticeFirst::as_str).join(", ");
                invalid("notice_first", &format!("takes one of: {all}"))
            })?,
        };
        let hours = (0, 720);
        let wait = (1, 720);
        Ok(Rules {
            max_tries: number("max_tries", &self.max_tries, (1, 4), known.max_tries)?,
            paydays: paydays(&self.paydays, known.paydays)?,
            hour: number("hour", &self.hour, (0, 23), known.hour)?,
            keep_days: number("keep_days", &self.keep_days, (1, 90), known.keep_days)?,
            notice_hours: number("notice_hours", &self.notice_hours, hours, known.notice_hours)?,
            notice_first,
            notice_wait_hours: number(
                "notice_wait_hours",
                &self.notice_wait_hours,
                wait,
                known.notice_wait_hours,
            )?,
            grace_hours: number("grace_hours", &self.grace_hours, hours, known.grace_hours)?,
        })
    }
}

/// Get the rules of asking again
///
/// When a charge that was declined is tried again, when customers are told of one, how long a
/// subscription waits. `kopeck dunning simulate` plays them.
#[utoipa::path(get, path = "/v1/subscriptions/rules", tag = "subscriptions",
    responses(
        (status = 200, description = "The shop's rules", body = RulesView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_rules(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<Rules, DbError> =
        server.ctx.db.read(move |tx| store::get_rules(tx, &caller.shop_id)).await;
    Answer::json(200, &RulesView::new(&found?))
}

/// Change the rules of asking again
///
/// What is absent stays. They hold from the next step of every subscription on.
#[utoipa::path(put, path = "/v1/subscriptions/rules", tag = "subscriptions",
    request_body = RulesInput,
    responses(
        (status = 200, description = "The rules as they are now", body = RulesView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn set_rules(ask: Ask) -> Result<Answer, ApiError> {
    let input = json::read::<RulesInput>(&ask.body)?;
    let shop_id = ask.caller.shop_id.clone();
    let known: Result<Rules, DbError> =
        ask.server.ctx.db.read(move |tx| store::get_rules(tx, &shop_id)).await;
    let rules = input.over(known?)?;
    let (shop_id, row) = (ask.caller.shop_id.clone(), rules.clone());
    let saved: Result<(), DbError> =
        ask.server.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &row)).await;
    saved?;
    Answer::json(200, &RulesView::new(&rules))
}
