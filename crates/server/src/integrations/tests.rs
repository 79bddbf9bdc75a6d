//! When a sending is tried again, as a table.

use super::{letter::moscow, schedule::next_try};
use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

#[track_caller]
fn check(tries: i64, after_ms: Option<u64>, age_ms: i64, expect: Option<i64>) {
    // The chance of twenty leaves every wait as it is.
    let due_ms = next_try(1_000_000, tries, after_ms, 1_000_000 + age_ms, 20);
    assert_eq!(due_ms.map(|due_ms| due_ms - 1_000_000 - age_ms), expect, "{tries} {after_ms:?}");
}

#[test]
fn waits_grow_and_what_the_service_asks_for_counts() {
    check(1, None, 0, Some(2 * SECOND_MS));
    check(2, None, 0, Some(10 * SECOND_MS));
    check(3, None, 0, Some(MINUTE_MS));
    check(7, None, 0, Some(HOUR_MS));
    check(70, None, 0, Some(HOUR_MS));
    check(70, Some(0), 0, Some(0));
    check(1, Some(5_000), 0, Some(5_000));
}

#[test]
fn news_of_yesterday_is_given_up() {
    check(1, None, DAY_MS - SECOND_MS, None);
    check(1, Some(500), DAY_MS - SECOND_MS, Some(500));
    check(1, Some(u64::MAX), 0, None);
}

#[test]
fn people_read_moscow_time() {
    assert_eq!(moscow(1_795_262_400_000), "21.11.2026 15:00");
}
