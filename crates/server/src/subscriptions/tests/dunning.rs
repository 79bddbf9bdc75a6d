//! Dunning: the days of tries by class, and the limits that no rule may break.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kopeck_banks::op::DeclineReason;
use proptest::prelude::*;

use crate::{
    kit::clock::DAY_MS,
    subscriptions::dunning::{Class, Rules, Verdict},
};

fn moscow() -> TimeZone {
    TimeZone::get("Europe/Moscow").unwrap()
}

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn day(at_ms: i64) -> Date {
    moscow().to_datetime(Timestamp::from_millisecond(at_ms).unwrap()).date()
}

fn next(class: Class, tries: u32, last: &str, give_up: &str) -> Verdict {
    Rules::default().next(&moscow(), class, (tries, ms(last)), ms(give_up))
}

#[test]
fn no_money_waits_for_the_next_payday() {
    let give_up = "2026-12-20T12:00:00+03:00";
    let try_at = |text: &str| Verdict::TryAt(ms(text));
    assert_eq!(
        next(Class::NoMoney, 1, "2026-12-06T12:00:00+03:00", give_up),
        try_at("2026-12-10T10:00:00+03:00")
    );
    // The evening before a payday: a whole day later, which is still that day.
    assert_eq!(
        next(Class::NoMoney, 1, "2026-12-09T22:00:00+03:00", give_up),
        try_at("2026-12-10T22:00:00+03:00")
    );
    // On a payday itself: the next one.
    assert_eq!(
        next(Class::NoMoney, 2, "2026-12-05T10:00:00+03:00", give_up),
        try_at("2026-12-10T10:00:00+03:00")
    );
    // None is left before the time is over.
    let late = next(Class::NoMoney, 2, "2026-12-10T13:00:00+03:00", "2026-12-20T10:00:00+03:00");
    assert_eq!(late, Verdict::Ask);
}

#[test]
fn machinery_is_tried_tomorrow_and_a_dead_card_never() {
    let give_up = "2026-12-20T12:00:00+03:00";
    let tomorrow = next(Class::Later, 1, "2026-12-06T08:00:00+03:00", give_up);
    assert_eq!(tomorrow, Verdict::TryAt(ms("2026-12-07T10:00:00+03:00")));
    for class in [Class::NewInstrument, Class::Hard] {
        assert_eq!(next(class, 1, "2026-12-06T08:00:00+03:00", give_up), Verdict::Ask);
    }
    assert_eq!(next(Class::Later, 4, "2026-12-06T08:00:00+03:00", give_up), Verdict::Ask);
}

#[test]
fn every_reason_has_its_class() {
    let class = |reason| Class::of(reason).as_str();
    let table: Vec<String> = DeclineReason::ALL
        .into_iter()
        .map(|reason| format!("{}: {}", reason.as_str(), class(reason)))
        .collect();
    let expected = [
        "insufficient_funds: no_money",
        "card_expired: new_instrument",
        "card_details: new_instrument",
        "card_blocked: new_instrument",
        "limit_exceeded: no_money",
        "three_ds_failed: hard",
        "suspicion: hard",
        "issuer_declined: later",
        "foreign_card: hard",
        "not_permitted: hard",
        "saved_gone: new_instrument",
        "technical: later",
        "shop: later",
        "unknown: later",
    ];
    assert_eq!(table, expected);
}

proptest! {
    #[test]
    fn never_more_than_one_try_a_day_nor_four_a_period(
        start in 1_700_000_000i64..2_000_000_000,
        delays in prop::collection::vec(0i64..200_000, 0..12),
        classes in prop::collection::vec(0usize..4, 12),
        length_days in 1i64..400,
        keep_days in 1u32..60,
    ) {
        let rules = Rules { keep_days, ..Rules::default() };
        let start_ms = start * 1_000;
        let give_up_ms = rules.give_up_ms(start_ms, start_ms + length_days * DAY_MS);
        let (mut at_ms, mut tries) = (start_ms, 1);
        let mut days = vec![day(at_ms)];
        for (delay, class) in delays.iter().zip(&classes) {
            // A decline may come hours after the try.
            let heard_ms = at_ms + delay * 1_000;
            let class = Class::ALL[*class];
            let verdict = rules.next(&moscow(), class, (tries, heard_ms), give_up_ms);
            let Verdict::TryAt(next_ms) = verdict else { break };
            prop_assert!(next_ms >= heard_ms + DAY_MS && next_ms < give_up_ms);
            prop_assert!(matches!(class, Class::NoMoney | Class::Later), "{:?}", class);
            if class == Class::NoMoney {
                prop_assert!(rules.paydays.contains(&day(next_ms).day()));
            }
            prop_assert!(!days.contains(&day(next_ms)), "twice on one day");
            days.push(day(next_ms));
            (at_ms, tries) = (next_ms, tries + 1);
        }
        prop_assert!(tries <= rules.max_tries);
    }
}
