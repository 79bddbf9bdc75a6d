//! When a receipt that failed is tried again by itself, and when a person is reminded of one.

use jiff::{civil::Date, tz::TimeZone};

use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Waits before a closing receipt that was not made is sent anew. The first is long enough for the
/// cash register's own second try to be heard of, which nothing documents and nothing excludes;
/// after the last a person looks.
const RETRY_AFTER_MS: [i64; 3] = [15 * MINUTE_MS, 2 * HOUR_MS, 12 * HOUR_MS];

/// Reminders after something became due, then every week until it is done.
const REMIND_AFTER_MS: [i64; 4] = [0, DAY_MS, 3 * DAY_MS, 7 * DAY_MS];
const REMIND_EVERY_MS: i64 = 7 * DAY_MS;

/// When to remind of a prepayment of whose delivery the shop said nothing: the law says "at
/// delivery", and that day only the shop knows.
const CLOSE_AFTER_DAYS: u16 = 30;

/// How long the cash register may take before its word is missed.
pub const WORD_AFTER_MS: i64 = DAY_MS;

/// How long a lost answer may yet be made good by a notice before a person looks.
pub const LOST_AFTER_MS: i64 = DAY_MS;

/// How long a request that cannot leave is tried before a person hears of it.
pub const UNSENT_AFTER_MS: i64 = HOUR_MS;

/// The next try after so many failures, `None` after the last.
pub fn next_retry(failures: u32, now_ms: i64) -> Option<i64> {
    let failed = usize::try_from(failures.saturating_sub(1)).ok()?;
    RETRY_AFTER_MS.get(failed).map(|wait_ms| now_ms.saturating_add(*wait_ms))
}

/// The next reminder after `given` of them.
pub fn reminder_at(due_ms: i64, given: u32) -> i64 {
    let given = usize::try_from(given).unwrap_or(usize::MAX);
    let wait_ms = REMIND_AFTER_MS.get(given).copied().unwrap_or_else(|| {
        let more = given.saturating_sub(REMIND_AFTER_MS.len() - 1);
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        REMIND_AFTER_MS[REMIND_AFTER_MS.len() - 1]
            .saturating_add(more.saturating_mul(REMIND_EVERY_MS))
    });
    due_ms.saturating_add(wait_ms)
}

/// How many reminders count as given once one is given now: those that nobody was there to give
/// are not made up for.
pub fn reminders_by(due_ms: i64, given: u32, now_ms: i64) -> u32 {
    let mut count = given;
    while reminder_at(due_ms, count) <= now_ms && count < u32::MAX {
        count += 1;
    }
    count
}

/// When a prepayment has to be closed: in the morning of the day that the shop named, or so many
/// days after it was paid.
pub fn closing_due(closes_on: Option<Date>, after_days: Option<u16>, paid_ms: i64) -> i64 {
    let by_days =
        || paid_ms.saturating_add(i64::from(after_days.unwrap_or(CLOSE_AFTER_DAYS)) * DAY_MS);
    closes_on.and_then(morning).unwrap_or_else(by_days)
}

/// Nine o'clock in Moscow.
fn morning(day: Date) -> Option<i64> {
    let zone = TimeZone::fixed(jiff::tz::offset(3));
    let at = day.at(9, 0, 0, 0).to_zoned(zone).ok()?;
    Some(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn reminders_go_on_until_it_is_done() {
        let days: Vec<i64> = (0..7).map(|given| reminder_at(0, given) / DAY_MS).collect();
        assert_eq!(days, [0, 1, 3, 7, 14, 21, 28]);
        // A server that slept for a month gives one, not seven.
        assert_eq!(reminders_by(0, 0, 0), 1);
        assert_eq!(reminders_by(0, 0, 28 * DAY_MS), 7);
        assert!(reminder_at(0, reminders_by(0, 3, 9 * DAY_MS)) > 9 * DAY_MS);
    }

    #[test]
    fn tries_end() {
        let waits: Vec<Option<i64>> = (1..5).map(|failures| next_retry(failures, 0)).collect();
        let minutes = |n: i64| Some(n * MINUTE_MS);
        assert_eq!(waits, [minutes(15), minutes(120), minutes(720), None]);
    }

    #[test]
    fn the_shops_day_begins_at_nine_in_moscow() {
        let due = closing_due(Some(date(2026, 12, 31)), Some(5), 0);
        assert_eq!(crate::kit::clock::iso(due), "2026-12-31T06:00:00Z");
        assert_eq!(closing_due(None, Some(5), 0), 5 * DAY_MS);
        assert_eq!(closing_due(None, None, 0), 30 * DAY_MS);
    }
}
