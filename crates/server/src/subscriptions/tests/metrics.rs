//! The numbers of months against a model that looks at every month anew, over random histories.

use jiff::tz::TimeZone;

use crate::{
    kit::clock::{DAY_MS, HOUR_MS},
    subscriptions::{
        metrics::{Fact, Month, Numbers, Paid, Tally, month_of, monthly_kopecks, months},
        schedule::{Interval, Unit, find_zone},
        state::Status,
    },
};

fn moscow() -> TimeZone {
    find_zone("Europe/Moscow").expect("a zone")
}

/// Small, fast and the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn signed(&mut self, limit: u64) -> i64 {
        i64::try_from(self.below(limit)).expect("small")
    }
}

fn pays(status: Status) -> bool {
    [Status::Active, Status::PastDue].contains(&status)
}

/// Where a subscription stood just before a moment, looked up from its whole history.
fn stood<'a>(facts: &'a [Fact], id: &str, before_ms: i64) -> Option<&'a Fact> {
    facts.iter().rfind(|fact| fact.subscription_id == id && fact.at_ms < before_ms)
}

fn brute(facts: &[Fact], paid: &[Paid], month: &Month) -> Numbers {
    let ids: std::collections::BTreeSet<&str> =
        facts.iter().map(|fact| fact.subscription_id.as_str()).collect();
    let mut numbers = Numbers::default();
    for id in ids {
        if let Some(last) = stood(facts, id, month.end_ms).filter(|fact| pays(fact.status)) {
            numbers.active += 1;
            numbers.mrr_kopecks += last.monthly_kopecks;
        }
        let own: Vec<&Fact> = facts.iter().filter(|fact| fact.subscription_id == id).collect();
        for (at, fact) in own.iter().enumerate() {
            if !(month.start_ms..month.end_ms).contains(&fact.at_ms) {
                continue;
            }
            let before = own[..at].last().is_some_and(|before| pays(before.status));
            let ever = own[..at].iter().any(|before| pays(before.status));
            match (before, pays(fact.status)) {
                (false, true) if ever => numbers.returned += 1,
                (false, true) => numbers.new += 1,
                (true, false) if fact.status == Status::Paused => numbers.paused += 1,
                (true, false) => numbers.churned += 1,
                (true, true) | (false, false) => {}
            }
        }
    }
    for it in paid.iter().filter(|it| (month.start_ms..month.end_ms).contains(&it.at_ms)) {
        numbers.paid_kopecks += it.kopecks;
        if it.is_recovered {
            numbers.recovered += 1;
            numbers.recovered_kopecks += it.kopecks;
        }
    }
    numbers
}

#[test]
fn every_month_counts_what_a_look_at_the_whole_history_counts() {
    let zone = moscow();
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let all = months(&zone, (2026, 3), (2027, 2)).expect("months");
        // From two months before the first to two after the last.
        let (start_ms, end_ms) = (all[0].start_ms - 60 * DAY_MS, all[11].end_ms + 60 * DAY_MS);
        let mut at_ms = start_ms;
        let mut facts = Vec::new();
        while at_ms < end_ms {
            // Often in the very hour of a month's turn.
            let near = all[usize::try_from(dice.below(12)).unwrap()].end_ms - at_ms;
            at_ms += match dice.below(20) {
                0 if near > 0 && near < 20 * DAY_MS => near,
                1 if near > 1 && near < 20 * DAY_MS => near - 1,
                _ => dice.signed(4 * 24) * HOUR_MS,
            };
            facts.push(Fact {
                subscription_id: format!("sub_{}", dice.below(9)),
                at_ms,
                status: Status::ALL[usize::try_from(dice.below(7)).unwrap()],
                monthly_kopecks: 100 * dice.signed(50_000),
            });
        }
        let paid: Vec<Paid> = (0..60)
            .map(|_| Paid {
                at_ms: start_ms + dice.signed(480) * DAY_MS + dice.signed(24) * HOUR_MS,
                kopecks: dice.signed(1_000_000),
                is_recovered: dice.below(3) == 0,
            })
            .collect();
        let mut tally = Tally::new(all.clone());
        facts.iter().for_each(|fact| tally.hear(fact));
        paid.iter().for_each(|it| tally.hear_paid(*it));
        let told = tally.finish();
        let mut active = facts
            .iter()
            .map(|fact| fact.subscription_id.as_str())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .filter(|id| stood(&facts, id, all[0].start_ms).is_some_and(|fact| pays(fact.status)))
            .count() as i64;
        for (month, numbers) in told {
            assert_eq!(numbers, brute(&facts, &paid, &month), "seed {seed}, {}", month.name);
            active += numbers.new + numbers.returned - numbers.churned - numbers.paused;
            assert_eq!(numbers.active, active, "seed {seed}, {}", month.name);
        }
    }
}

#[test]
fn months_begin_at_midnight_where_the_shop_is() {
    let all = months(&moscow(), (2026, 11), (2027, 1)).expect("months");
    let names: Vec<&str> = all.iter().map(|month| month.name.as_str()).collect();
    assert_eq!(names, ["2026-11", "2026-12", "2027-01"]);
    assert_eq!(crate::kit::clock::iso(all[0].start_ms), "2026-10-31T21:00:00Z");
    assert!(all.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
    assert_eq!(month_of(&moscow(), all[1].start_ms), Some((2026, 12)));
    assert_eq!(month_of(&moscow(), all[1].start_ms - 1), Some((2026, 11)));
    // Where clocks are changed, a month is an hour shorter or longer.
    let berlin = find_zone("Europe/Berlin").expect("a zone");
    let march = months(&berlin, (2026, 3), (2026, 3)).expect("a month");
    assert_eq!(march[0].end_ms - march[0].start_ms, 31 * DAY_MS - HOUR_MS);
    assert_eq!(months(&berlin, (2027, 1), (2026, 12)), None);
    assert_eq!(months(&berlin, (2000, 1), (2026, 12)), None, "too many");
    assert_eq!(months(&berlin, (2026, 13), (2026, 14)), None);
}

#[test]
fn a_price_is_a_month_whatever_its_interval() {
    let of = |kopecks, unit, count| monthly_kopecks(kopecks, Interval::new(unit, count).unwrap());
    assert_eq!(of(245_000, Unit::Month, 1), 245_000);
    assert_eq!(of(245_000, Unit::Month, 2), 122_500);
    assert_eq!(of(1_200_000, Unit::Year, 1), 100_000);
    assert_eq!(of(100_000, Unit::Quarter, 1), 33_333);
    assert_eq!(of(200_000, Unit::Quarter, 1), 66_667, "to the nearest kopeck");
    assert_eq!(of(1_000, Unit::Day, 1), 30_417);
    assert_eq!(of(7_000, Unit::Week, 1), 30_417);
    assert_eq!(of(0, Unit::Week, 1), 0);
}
