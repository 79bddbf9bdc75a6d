//! The shape of the numbers by months.

use serde::Serialize;
use utoipa::ToSchema;

use crate::subscriptions::metrics::{Month, Numbers};

/// What one month came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthView {
    #[schema(example = "2026-11")]
    pub month: String,
    /// Who pays, at the month's end: active, or past_due while the money is awaited. Not trials.
    pub active: i64,
    /// What those pay a month at list price, at the month's end.
    pub mrr_kopecks: i64,
    /// Paid for the first time.
    pub new: i64,
    /// Came back after a pause or an end.
    pub returned: i64,
    /// Ended.
    pub churned: i64,
    pub paused: i64,
    /// Periods whose money came after a charge of it was declined.
    pub recovered: i64,
    pub recovered_kopecks: i64,
    /// Money of periods that came.
    pub paid_kopecks: i64,
}

/// Numbers by months.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricsView {
    #[schema(value_type = String, example = "subscription_metrics")]
    pub object: &'static str,
    /// Where the months begin at midnight.
    pub time_zone: String,
    pub months: Vec<MonthView>,
}

impl MetricsView {
    pub fn new(time_zone: &str, months: &[(Month, Numbers)]) -> MetricsView {
        let month = |(month, numbers): &(Month, Numbers)| MonthView {
            month: month.name.clone(),
            active: numbers.active,
            mrr_kopecks: numbers.mrr_kopecks,
            new: numbers.new,
            returned: numbers.returned,
            churned: numbers.churned,
            paused: numbers.paused,
            recovered: numbers.recovered,
            recovered_kopecks: numbers.recovered_kopecks,
            paid_kopecks: numbers.paid_kopecks,
        };
        MetricsView {
            object: "subscription_metrics",
            time_zone: time_zone.to_owned(),
            months: months.iter().map(month).collect(),
        }
    }
}
