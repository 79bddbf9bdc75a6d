//! Cards that the bank keeps as subscriptions: opened by a link, charged by us or by the bank's own
//! schedule. The same roles as in the folder above; see `docs/banks/tochka.md`.
//!
//! The bank's ways to remember: `charge` has no id and answers only yes or no, so that it must
//! never be sent again on silence; what happened stands in `Order[]` of the operation. Without a
//! schedule it cannot be ended at the bank; its payments are refunded in the internet bank only; a
//! failure is announced to nobody.

pub mod errors;
pub mod quirks;
pub mod reply;
pub mod request;
mod wire;

use crate::op::{SchedulePeriod, SubscriptionLimits, SubscriptionOp, SubscriptionStatus};

/// What the bank documents; where it says nothing, what is safe to rely on.
pub static LIMITS: SubscriptionLimits = SubscriptionLimits {
    link_minutes: 168 * 60,
    max_by_days: Some(100),
    max_by_months: Some(84),
    max_by_quarters: None,
    max_by_years: Some(10),
    cancels_unscheduled: false,
    refunds: false,
    charge_receipts: false,
    tells_failures: false,
};

/// `AcquiringSubscriptionStatus`. `None` for a word we do not know.
pub fn parse_status(word: &str) -> Option<SubscriptionStatus> {
    SubscriptionStatus::ALL.into_iter().find(|status| status_word(*status) == word)
}

pub const fn status_word(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Preparing => "Preparing",
        SubscriptionStatus::Trial => "Trial",
        SubscriptionStatus::Active => "Active",
        SubscriptionStatus::PastDue => "PastDue",
        SubscriptionStatus::Suspended => "Suspended",
        SubscriptionStatus::Canceled => "Cancelled",
        SubscriptionStatus::Completed => "Completed",
        SubscriptionStatus::Expired => "Expired",
        SubscriptionStatus::Failed => "Failed",
        SubscriptionStatus::Refused => "Refused",
        SubscriptionStatus::Rejected => "Rejected",
    }
}

/// `AcquiringSubscriptionPeriodInput`; `Quarter` is only ever read.
pub const fn period_word(period: SchedulePeriod) -> &'static str {
    match period {
        SchedulePeriod::Days(_) => "Day",
        SchedulePeriod::Month => "Month",
        SchedulePeriod::Quarter => "Quarter",
        SchedulePeriod::Year => "Year",
    }
}

/// A word and the number of days that goes with `Day`.
pub fn parse_period(word: &str, days: Option<u32>) -> Option<SchedulePeriod> {
    Some(match word {
        "Day" => SchedulePeriod::Days(days.unwrap_or(1)),
        "Month" => SchedulePeriod::Month,
        "Quarter" => SchedulePeriod::Quarter,
        "Year" => SchedulePeriod::Year,
        _ => return None,
    })
}

/// The key's permission that an operation needs.
pub const fn permission(op: &SubscriptionOp) -> &'static str {
    if is_change(op) { "MakeAcquiringOperation" } else { "ReadAcquiringData" }
}

pub const fn is_change(op: &SubscriptionOp) -> bool {
    match op {
        SubscriptionOp::Open(_) | SubscriptionOp::Cancel { .. } | SubscriptionOp::Charge { .. } => {
            true
        }
        SubscriptionOp::List { .. } | SubscriptionOp::Status { .. } => false,
    }
}

/// The subscription that an operation is about.
pub fn find_id(op: &SubscriptionOp) -> Option<&str> {
    match op {
        SubscriptionOp::Status { bank_id }
        | SubscriptionOp::Cancel { bank_id }
        | SubscriptionOp::Charge { bank_id, .. } => Some(bank_id),
        SubscriptionOp::Open(_) | SubscriptionOp::List { .. } => None,
    }
}
