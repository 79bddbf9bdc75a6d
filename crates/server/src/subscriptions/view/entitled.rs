//! What a customer may use, all subscriptions together.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Described, EntitlementView};
use crate::{
    http::page::Page,
    kit::clock::{HOUR_MS, iso},
};

/// The rows, and the one answer that follows from them.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntitlementsView {
    #[serde(flatten)]
    pub rows: Page<EntitlementView>,
    pub merged: MergedView,
}

/// In one row: what the customer may use, until when.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergedView {
    pub customer_id: String,
    /// Whether anything may be used now.
    pub active: bool,
    /// How long the last of all that is active lasts, with the grace of what waits for its money.
    pub until: Option<String>,
    /// By its name each feature of what is active, the best of several: the larger number, yes
    /// rather than no, else the newest subscription's.
    pub features: BTreeMap<String, FeatureView>,
}

/// A feature or a limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureView {
    #[schema(value_type = Object, example = 3)]
    pub value: Value,
    /// How long it lasts as it is.
    pub until: Option<String>,
    /// The plan that gives it.
    #[schema(example = "start")]
    pub plan: String,
}

struct Best {
    value: Value,
    until_ms: i64,
    plan: String,
}

/// Whether the second is more than the first; what cannot be compared is not.
fn is_more(known: &Value, other: &Value) -> bool {
    match (known, other) {
        (Value::Number(known), Value::Number(other)) => {
            known.as_i64().zip(other.as_i64()).is_some_and(|(known, other)| other > known)
        }
        (Value::Bool(known), Value::Bool(other)) => !known && *other,
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
        ) => false,
    }
}

impl MergedView {
    /// From the customer's subscriptions, the newest first.
    pub fn new(customer_id: String, all: &[Described], now_ms: i64) -> MergedView {
        let mut best: BTreeMap<String, Best> = BTreeMap::new();
        let mut last_ms: Option<i64> = None;
        for described in all {
            let state = &described.book.subscription.state;
            let grace_ms = i64::from(described.rules.grace_hours) * HOUR_MS;
            let until_ms = state.usable_until_ms(grace_ms, now_ms);
            let Some(until_ms) = until_ms.filter(|it| now_ms < *it) else { continue };
            last_ms = last_ms.max(Some(until_ms));
            let plan = described.plan.as_ref().map(|it| it.code.clone()).unwrap_or_default();
            let features: BTreeMap<String, Value> =
                serde_json::from_str(&described.version.terms.features).unwrap_or_default();
            for (name, value) in features {
                let known = best.get(&name);
                let is_same = known.is_some_and(|it| it.value == value && it.until_ms < until_ms);
                if known.is_none_or(|it| is_same || is_more(&it.value, &value)) {
                    best.insert(name, Best { value, until_ms, plan: plan.clone() });
                }
            }
        }
        let feature = |it: Best| FeatureView {
            value: it.value,
            until: Some(iso(it.until_ms)),
            plan: it.plan,
        };
        MergedView {
            customer_id,
            active: last_ms.is_some(),
            until: last_ms.map(iso),
            features: best.into_iter().map(|(name, it)| (name, feature(it))).collect(),
        }
    }
}
