//! How a payment's values lie in their columns.

use std::collections::BTreeMap;

use kopeck_banks::{
    Money,
    op::{CaptureMode, PayMethod, SbpTransfer, Schedule, SchedulePeriod},
};
use serde::{Deserialize, Serialize};

use crate::{
    instruments::model::Kind,
    kit::db::{DbError, Row},
    payments::{
        model::{Failure, Means, Origin},
        route::Route,
    },
};

pub(super) fn opt_money(row: &Row, at: usize) -> Result<Option<Money>, DbError> {
    let money = row.opt_int(at)?.map(Money::from_kopecks).transpose();
    money.map_err(|e| DbError::Decode(format!("column {at}: {e}")))
}

pub(super) fn count(row: &Row, at: usize) -> Result<u32, DbError> {
    u32::try_from(row.int(at)?).map_err(|_| DbError::Decode(format!("column {at} is no count")))
}

pub(super) const fn capture_word(capture: CaptureMode) -> &'static str {
    match capture {
        CaptureMode::Automatic => "automatic",
        CaptureMode::Manual => "manual",
    }
}

pub(super) fn parse_capture(text: &str) -> Result<CaptureMode, DbError> {
    match text {
        "automatic" => Ok(CaptureMode::Automatic),
        "manual" => Ok(CaptureMode::Manual),
        _ => Err(DbError::Decode(format!("capture {text}"))),
    }
}

pub(super) const fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Shop => "shop",
        Origin::Bank => "bank",
    }
}

pub(super) fn parse_origin(text: &str) -> Result<Origin, DbError> {
    match text {
        "shop" => Ok(Origin::Shop),
        "bank" => Ok(Origin::Bank),
        _ => Err(DbError::Decode(format!("origin {text}"))),
    }
}

/// Whether the card that is charged or to be saved is kept by its bank as a subscription.
pub(super) const fn is_kept(means: &Means) -> bool {
    matches!(means, Means::Save { kind: Kind::Kept, .. } | Means::Saved { kind: Kind::Kept, .. })
}

/// Such as `month 12`, or `days:7 100`.
pub(super) fn encode_schedule(schedule: Schedule) -> String {
    let period = match schedule.period {
        SchedulePeriod::Days(days) => format!("days:{days}"),
        SchedulePeriod::Month => "month".to_owned(),
        SchedulePeriod::Quarter => "quarter".to_owned(),
        SchedulePeriod::Year => "year".to_owned(),
    };
    format!("{period} {}", schedule.count)
}

pub(super) fn decode_schedule(text: &str) -> Result<Schedule, DbError> {
    let read = || {
        let (period, count) = text.split_once(' ')?;
        let period = match (period, period.strip_prefix("days:")) {
            (_, Some(days)) => SchedulePeriod::Days(days.parse().ok()?),
            ("month", None) => SchedulePeriod::Month,
            ("quarter", None) => SchedulePeriod::Quarter,
            ("year", None) => SchedulePeriod::Year,
            (_, None) => return None,
        };
        Some(Schedule { period, count: count.parse().ok()? })
    };
    read().ok_or_else(|| DbError::Decode(format!("schedule {text}")))
}

pub(super) fn encode_ids(ids: &[String]) -> Option<String> {
    (!ids.is_empty()).then(|| serde_json::to_string(ids).unwrap_or_default())
}

pub(super) fn decode_ids(text: Option<&str>) -> Result<Vec<String>, DbError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|e| DbError::Decode(format!("ids: {e}")))
}

/// How a [`Failure`] lies in its column.
#[derive(Serialize, Deserialize)]
struct StoredFailure {
    code: String,
    message: String,
    hint: String,
}

pub fn encode_failure(failure: &Failure) -> String {
    let Failure { code, message, hint } = failure.clone();
    serde_json::to_string(&StoredFailure { code, message, hint }).unwrap_or_default()
}

pub fn decode_failure(text: &str) -> Result<Failure, DbError> {
    let stored: StoredFailure =
        serde_json::from_str(text).map_err(|e| DbError::Decode(format!("failure: {e}")))?;
    Ok(Failure { code: stored.code, message: stored.message, hint: stored.hint })
}

pub(super) fn encode_refunds(refunds: &BTreeMap<String, Money>) -> String {
    let map: BTreeMap<&str, i64> =
        refunds.iter().map(|(id, amount)| (id.as_str(), amount.kopecks())).collect();
    serde_json::to_string(&map).unwrap_or_default()
}

pub(super) fn decode_refunds(text: &str) -> Result<BTreeMap<String, Money>, DbError> {
    let map: BTreeMap<String, i64> =
        serde_json::from_str(text).map_err(|e| DbError::Decode(format!("bank_refunds: {e}")))?;
    let money = |(id, kopecks)| match Money::from_kopecks(kopecks) {
        Ok(amount) => Ok((id, amount)),
        Err(e) => Err(DbError::Decode(format!("bank_refunds: {e}"))),
    };
    map.into_iter().map(money).collect()
}

/// Two columns, one for each id.
pub(super) fn decode_transfer(row: &Row, at: usize) -> Result<Option<SbpTransfer>, DbError> {
    let (trx_id, ref_id) = (row.opt_text(at)?, row.opt_text(at + 1)?);
    let is_told = trx_id.is_some() || ref_id.is_some();
    Ok(is_told.then_some(SbpTransfer { trx_id, ref_id }))
}

/// Two columns for each kind: what was saved, and for whom it is. A card may be kept by its bank.
pub(super) fn decode_means(row: &Row, at: [usize; 5]) -> Result<Means, DbError> {
    let card = if row.flag(at[4])? { Kind::Kept } else { Kind::Card };
    for (kind, at) in [(Kind::Account, &at[..2]), (card, &at[2..4])] {
        match (row.opt_text(at[0])?, row.opt_text(at[1])?) {
            (id, Some(customer_id)) => return Ok(Means::Save { kind, customer_id, id }),
            (Some(id), None) => return Ok(Means::Saved { kind, id }),
            (None, None) => {}
        }
    }
    Ok(Means::Payer)
}

pub(super) fn saves_for(means: &Means, kind: Kind) -> Option<&str> {
    match means {
        Means::Save { kind: own, customer_id, .. } if kind.means(*own) => Some(customer_id),
        Means::Payer | Means::Save { .. } | Means::Saved { .. } => None,
    }
}

pub(super) fn join_methods(methods: &[PayMethod]) -> String {
    let words: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    words.join(",")
}

pub(super) fn parse_methods(text: &str) -> Result<Vec<PayMethod>, DbError> {
    let method = |word: &str| {
        PayMethod::parse(word).ok_or_else(|| DbError::Decode(format!("method {word}")))
    };
    text.split(',').filter(|word| !word.is_empty()).map(method).collect()
}

/// How a [`Route`] lies in its column.
#[derive(Serialize, Deserialize)]
struct StoredRoute {
    connection: String,
    bank: String,
    methods: String,
    first_for: String,
    is_out: bool,
}

pub(super) fn encode_routes(routes: &[Route]) -> String {
    let stored = routes.iter().map(|route| StoredRoute {
        connection: route.connection_id.clone(),
        bank: route.bank.clone(),
        methods: join_methods(&route.methods),
        first_for: join_methods(&route.first_for),
        is_out: route.is_out,
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).unwrap_or_default()
}

pub(super) fn decode_routes(text: &str) -> Result<Vec<Route>, DbError> {
    let stored: Vec<StoredRoute> =
        serde_json::from_str(text).map_err(|e| DbError::Decode(format!("routes: {e}")))?;
    let route = |stored: StoredRoute| {
        Ok(Route {
            methods: parse_methods(&stored.methods)?,
            first_for: parse_methods(&stored.first_for)?,
            connection_id: stored.connection,
            bank: stored.bank,
            is_out: stored.is_out,
        })
    };
    stored.into_iter().map(route).collect()
}
