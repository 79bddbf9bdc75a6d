//! What Tochka would refuse of a subscription and of nothing else. What it has in common with a
//! link (sum, purpose, reference, addresses, receipt) is checked by the folder's `quirks`.

use crate::{
    op::{
        BankOp,
        RefusalClass::{Invalid, Unsupported},
        Schedule, SchedulePeriod, SubscriptionOp,
    },
    tochka::quirks::{Quirk, quirk},
};

use super::LIMITS;

pub static QUIRKS: &[Quirk] = &[
    quirk(
        "schedule_period_unsupported",
        Unsupported,
        Some("schedule"),
        [
            "Tochka charges by itself every few days, every month or every year.",
            "Take another period, or charge without a schedule of the bank's.",
        ],
        |_, op| schedule(op).is_some_and(|schedule| LIMITS.most(schedule.period).is_none()),
    ),
    quirk(
        "schedule_days_invalid",
        Invalid,
        Some("schedule"),
        [
            "A schedule by days needs a number of days of at least 1.",
            "Send how many days lie between two charges.",
        ],
        |_, op| schedule(op).is_some_and(|schedule| schedule.period == SchedulePeriod::Days(0)),
    ),
    quirk(
        "schedule_count_invalid",
        Invalid,
        Some("schedule"),
        [
            "Tochka charges by itself at most 100 times by days, 84 times by months and 10 times \
             by years, and at least once.",
            "Send a number within that, the first payment counted; a subscription cannot be \
             prolonged, but a new one can be opened.",
        ],
        |_, op| {
            schedule(op).is_some_and(|schedule| {
                let most = LIMITS.most(schedule.period);
                most.is_some_and(|most| !(1..=most).contains(&schedule.count))
            })
        },
    ),
];

fn schedule(op: &BankOp) -> Option<Schedule> {
    let BankOp::Subscription(SubscriptionOp::Open(new)) = op else { return None };
    new.schedule
}
