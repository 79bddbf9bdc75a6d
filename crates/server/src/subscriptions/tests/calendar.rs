//! The calendar: anchors, short months, leap years, changes of clocks, ten years.

use jiff::{Timestamp, civil, tz::TimeZone};
use proptest::prelude::*;

use crate::subscriptions::schedule::{Calendar, DEFAULT_ZONE, Interval, Unit};

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn calendar(anchor: &str, unit: Unit, count: u32) -> Calendar {
    let interval = Interval::new(unit, count).unwrap();
    Calendar::new(DEFAULT_ZONE, ms(anchor), interval).unwrap()
}

#[track_caller]
fn check(calendar: &Calendar, cycle: u32, expected: &str) {
    assert_eq!(calendar.boundary_ms(cycle), Some(ms(expected)), "boundary {cycle}");
}

#[test]
fn the_thirty_first_is_clamped_and_comes_back() {
    let monthly = calendar("2026-01-31T12:00:00+03:00", Unit::Month, 1);
    check(&monthly, 0, "2026-01-31T12:00:00+03:00");
    check(&monthly, 1, "2026-02-28T12:00:00+03:00");
    check(&monthly, 2, "2026-03-31T12:00:00+03:00");
    check(&monthly, 3, "2026-04-30T12:00:00+03:00");
    check(&monthly, 25, "2028-02-29T12:00:00+03:00");
    check(&monthly, 120, "2036-01-31T12:00:00+03:00");
}

#[test]
fn a_leap_day_is_the_28th_of_other_years() {
    let yearly = calendar("2028-02-29T09:30:00+03:00", Unit::Year, 1);
    check(&yearly, 1, "2029-02-28T09:30:00+03:00");
    check(&yearly, 4, "2032-02-29T09:30:00+03:00");
}

#[test]
fn weeks_quarters_and_many_units_are_counted_from_the_anchor() {
    check(&calendar("2026-11-21T15:00:00+03:00", Unit::Week, 2), 3, "2027-01-02T15:00:00+03:00");
    check(&calendar("2026-11-30T15:00:00+03:00", Unit::Quarter, 1), 1, "2027-02-28T15:00:00+03:00");
    check(&calendar("2026-11-30T15:00:00+03:00", Unit::Quarter, 1), 2, "2027-05-30T15:00:00+03:00");
    check(&calendar("2026-11-21T15:00:00+03:00", Unit::Day, 10), 2, "2026-12-11T15:00:00+03:00");
    check(&calendar("2026-11-21T15:00:00+03:00", Unit::Month, 6), 1, "2027-05-21T15:00:00+03:00");
}

#[test]
fn the_local_day_counts_and_not_that_of_greenwich() {
    // Half past one on the 1st in Moscow is still the 30th in Greenwich.
    let monthly = calendar("2026-12-01T01:30:00+03:00", Unit::Month, 1);
    check(&monthly, 2, "2027-02-01T01:30:00+03:00");
    check(&monthly, 3, "2027-03-01T01:30:00+03:00");
}

#[test]
fn an_hour_that_a_change_of_clocks_skips_becomes_the_next_that_exists() {
    let interval = Interval::new(Unit::Month, 1).unwrap();
    let anchor = ms("2026-02-28T02:30:00+01:00");
    let berlin = Calendar::new("Europe/Berlin", anchor, interval).unwrap();
    check(&berlin, 1, "2026-03-28T02:30:00+01:00");
    let daily = Interval::new(Unit::Day, 1).unwrap();
    let berlin = Calendar::new("Europe/Berlin", ms("2026-03-28T02:30:00+01:00"), daily).unwrap();
    check(&berlin, 1, "2026-03-29T03:30:00+02:00");
    check(&berlin, 2, "2026-03-30T02:30:00+02:00");
}

/// Of an hour that comes twice the first boundary is the one that it was.
#[test]
fn a_subscription_begun_in_a_second_like_hour_begins_then() {
    let daily = Interval::new(Unit::Day, 1).unwrap();
    let begun = ms("2027-11-07T06:00:00Z");
    let calendar = Calendar::new("America/New_York", begun, daily).unwrap();
    assert_eq!(calendar.boundary_ms(0), Some(begun));
    check(&calendar, 1, "2027-11-08T01:00:00-05:00");
    assert_eq!(calendar.cycle_at(0, begun), Some(0));
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(Interval::new(Unit::Month, 0).is_none());
    assert!(Interval::new(Unit::Year, 4).is_none());
    let monthly = Interval::new(Unit::Month, 1).unwrap();
    assert!(Calendar::new("Europe/Mosсow", 0, monthly).is_none(), "a Russian letter");
    assert!(Calendar::new(DEFAULT_ZONE, i64::MAX, monthly).is_none());
    let far = calendar("2026-11-21T12:00:00Z", Unit::Year, 3);
    assert_eq!(far.boundary_ms(u32::MAX), None);
}

fn units() -> impl Strategy<Value = Interval> {
    (0..Unit::ALL.len(), 1u32..=36).prop_map(|(unit, count)| {
        let unit = Unit::ALL[unit];
        Interval::new(unit, count.min(unit.max_count())).unwrap()
    })
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Europe/Moscow",
        "Europe/Kaliningrad",
        "Asia/Yekaterinburg",
        "Asia/Kamchatka",
        "Europe/Berlin",
        "America/New_York",
        "UTC",
    ])
}

proptest! {
    #[test]
    fn periods_touch_never_overlap_and_keep_their_day_for_ten_years(
        anchor in 1_700_000_000i64..2_000_000_000,
        interval in units(),
        zone in zones(),
    ) {
        let calendar = Calendar::new(zone, anchor * 1_000, interval).unwrap();
        prop_assert_eq!(calendar.boundary_ms(0), Some(anchor * 1_000));
        let tz = TimeZone::get(zone).unwrap();
        let local = |ms: i64| tz.to_datetime(Timestamp::from_millisecond(ms).unwrap());
        let first = local(anchor * 1_000);
        let ten_years = anchor * 1_000 + 3_653 * 86_400_000;
        let mut last = anchor * 1_000;
        for cycle in 1..4_000u32 {
            let next = calendar.boundary_ms(cycle).unwrap();
            prop_assert!(next > last, "time goes on");
            let at = local(next);
            let is_skipped = at.time() != first.time();
            prop_assert!(!is_skipped || zone == "Europe/Berlin" || zone == "America/New_York");
            match interval.unit {
                Unit::Day | Unit::Week => {}
                Unit::Month | Unit::Quarter | Unit::Year => {
                    let kept = at.day() == first.day().min(at.days_in_month());
                    prop_assert!(kept, "{} became {}", first, at);
                }
            }
            last = next;
            if next > ten_years {
                break;
            }
        }
    }

    #[test]
    fn every_moment_is_in_the_one_period_that_holds_it(
        anchor in 1_700_000_000i64..2_000_000_000,
        later in 0i64..400_000_000,
        interval in units(),
        zone in zones(),
    ) {
        let calendar = Calendar::new(zone, anchor * 1_000, interval).unwrap();
        let at_ms = (anchor + later) * 1_000;
        let cycle = calendar.cycle_at(0, at_ms).unwrap();
        prop_assert!(calendar.boundary_ms(cycle).unwrap() <= at_ms);
        prop_assert!(calendar.boundary_ms(cycle + 1).unwrap() > at_ms);
        prop_assert_eq!(calendar.cycle_at(0, anchor * 1_000 - 1), None);
        prop_assert_eq!(calendar.cycle_at(cycle + 1, at_ms), None, "not before the asked one");
    }
}

#[test]
fn a_day_of_a_month_is_what_people_expect() {
    let monthly = calendar("2026-11-15T00:00:00+03:00", Unit::Month, 1);
    let tz = TimeZone::get(DEFAULT_ZONE).unwrap();
    let third = Timestamp::from_millisecond(monthly.boundary_ms(3).unwrap()).unwrap();
    assert_eq!(tz.to_datetime(third).date(), civil::date(2027, 2, 15));
}

#[test]
fn a_calendar_taken_over_on_a_short_months_last_day_comes_back_to_its_own() {
    let through = |end: &str, day, unit, count| {
        let interval = Interval::new(unit, count).unwrap();
        Calendar::through(DEFAULT_ZONE, ms(end), day, interval)
    };
    let february = "2027-02-28T12:00:00+03:00";
    let (monthly, cycle) = through(february, 31, Unit::Month, 1).unwrap();
    check(&monthly, cycle, february);
    check(&monthly, cycle + 1, "2027-03-31T12:00:00+03:00");
    check(&monthly, cycle + 2, "2027-04-30T12:00:00+03:00");
    let (quarterly, cycle) = through("2027-04-30T12:00:00+03:00", 31, Unit::Quarter, 1).unwrap();
    check(&quarterly, cycle + 1, "2027-07-31T12:00:00+03:00");
    let (yearly, cycle) = through(february, 29, Unit::Year, 1).unwrap();
    check(&yearly, cycle + 1, "2028-02-29T12:00:00+03:00");
    let (same, cycle) = through(february, 28, Unit::Month, 1).unwrap();
    assert_eq!(cycle, 0);
    check(&same, 1, "2027-03-28T12:00:00+03:00");
    assert!(through("2027-02-27T12:00:00+03:00", 31, Unit::Month, 1).is_none());
    // A year that ends on a 30th of April never had a 31st.
    assert!(through("2027-04-30T12:00:00+03:00", 31, Unit::Year, 1).is_none());
}
