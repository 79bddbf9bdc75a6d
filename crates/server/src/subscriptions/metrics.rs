//! The numbers that people ask of subscriptions, counted from their whole history: pure.
//!
//! Counted is whoever pays: `active`, and `past_due` while the money is awaited. A trial is not,
//! nor is a pause. For every month: active at its end = active at its beginning + new + returned
//! − churned − paused, and nothing is counted twice however often it is asked for.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    schedule::{Interval, Unit},
    state::Status,
};

/// Months looked at in one question: ten years.
pub const MAX_MONTHS: usize = 120;
const MONTHS_A_YEAR: i64 = 12;
const DAYS_A_YEAR: i64 = 365;

/// A month of the calendar of some zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `2026-11`.
    pub name: String,
    pub start_ms: i64,
    pub end_ms: i64,
}

/// What one month came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// At the month's end.
    pub active: i64,
    /// What those pay a month, at list price, at the month's end.
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
    /// Money of periods.
    pub paid_kopecks: i64,
}

/// What a subscription was, by something that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub subscription_id: String,
    pub at_ms: i64,
    pub status: Status,
    /// What it pays a month from then on.
    pub monthly_kopecks: i64,
}

/// A period whose money came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    pub at_ms: i64,
    pub kopecks: i64,
    /// After a charge of it was declined.
    pub is_recovered: bool,
}

const fn is_counted(status: Status) -> bool {
    match status {
        Status::Active | Status::PastDue => true,
        Status::Pending
        | Status::Trialing
        | Status::Paused
        | Status::Canceled
        | Status::Expired => false,
    }
}

/// What a price comes to in a month, to the nearest kopeck.
pub fn monthly_kopecks(price_kopecks: i64, interval: Interval) -> i64 {
    let (times, months) = match interval.unit {
        Unit::Day => (DAYS_A_YEAR, MONTHS_A_YEAR),
        Unit::Week => (DAYS_A_YEAR, MONTHS_A_YEAR * 7),
        Unit::Month => (1, 1),
        Unit::Quarter => (1, 3),
        Unit::Year => (1, MONTHS_A_YEAR),
    };
    let (sum, parts) = (
        i128::from(price_kopecks) * i128::from(times),
        i128::from(months) * i128::from(interval.count),
    );
    i64::try_from((2 * sum + parts) / (2 * parts)).unwrap_or(i64::MAX)
}

/// The months from one to another, both included; `None` when that is no order or too many.
pub fn months(zone: &TimeZone, from: (i16, i8), to: (i16, i8)) -> Option<Vec<Month>> {
    let start_ms = |day: Date| {
        let zoned = day.at(0, 0, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(zoned.timestamp().as_millisecond())
    };
    let last = Date::new(to.0, to.1, 1).ok()?;
    let mut day = Date::new(from.0, from.1, 1).ok()?;
    let mut all = Vec::new();
    while day <= last {
        if all.len() == MAX_MONTHS {
            return None;
        }
        let next = day.checked_add(jiff::Span::new().months(1)).ok()?;
        let name = format!("{:04}-{:02}", day.year(), day.month());
        all.push(Month { name, start_ms: start_ms(day)?, end_ms: start_ms(next)? });
        day = next;
    }
    (!all.is_empty()).then_some(all)
}

/// The month that holds the moment.
pub fn month_of(zone: &TimeZone, at_ms: i64) -> Option<(i16, i8)> {
    let day = zone.to_datetime(Timestamp::from_millisecond(at_ms).ok()?).date();
    Some((day.year(), day.month()))
}

/// What is known of one subscription so far.
#[derive(Clone, Copy)]
struct Seen {
    is_counted: bool,
    was_counted: bool,
    monthly_kopecks: i64,
}

/// Takes the history in, a fact at a time in the order in which it was written, and holds no more
/// of it than where each subscription stands.
pub struct Tally {
    months: Vec<Month>,
    numbers: Vec<Numbers>,
    /// Changes of what is active before the first month.
    before: (i64, i64),
    seen: BTreeMap<String, Seen>,
}

/// Where in time something lies.
enum Slot {
    Before,
    Month(usize),
    After,
}

impl Tally {
    pub fn new(months: Vec<Month>) -> Tally {
        let numbers = vec![Numbers::default(); months.len()];
        Tally { months, numbers, before: (0, 0), seen: BTreeMap::new() }
    }

    fn slot(&self, at_ms: i64) -> Slot {
        let over = self.months.partition_point(|month| month.end_ms <= at_ms);
        match self.months.get(over) {
            None => Slot::After,
            Some(month) if over == 0 && at_ms < month.start_ms => Slot::Before,
            Some(_) => Slot::Month(over),
        }
    }

    /// What is after the last month changes none of them.
    pub fn hear(&mut self, fact: &Fact) {
        let slot = self.slot(fact.at_ms);
        if matches!(slot, Slot::After) {
            return;
        }
        let nothing = Seen { is_counted: false, was_counted: false, monthly_kopecks: 0 };
        let known = self.seen.get(&fact.subscription_id).copied().unwrap_or(nothing);
        let is_counted = is_counted(fact.status);
        let monthly_kopecks = if is_counted { fact.monthly_kopecks } else { 0 };
        let change = (
            i64::from(is_counted) - i64::from(known.is_counted),
            monthly_kopecks - known.monthly_kopecks,
        );
        match slot {
            Slot::Before => self.before = (self.before.0 + change.0, self.before.1 + change.1),
            Slot::Month(at) => {
                if let Some(numbers) = self.numbers.get_mut(at) {
                    numbers.active += change.0;
                    numbers.mrr_kopecks += change.1;
                    match (known.is_counted, is_counted) {
                        (false, true) if known.was_counted => numbers.returned += 1,
                        (false, true) => numbers.new += 1,
                        (true, false) if fact.status == Status::Paused => numbers.paused += 1,
                        (true, false) => numbers.churned += 1,
                        (true, true) | (false, false) => {}
                    }
                }
            }
            Slot::After => {}
        }
        let was_counted = known.was_counted || is_counted;
        let seen = Seen { is_counted, was_counted, monthly_kopecks };
        self.seen.insert(fact.subscription_id.clone(), seen);
    }

    pub fn hear_paid(&mut self, paid: Paid) {
        let Slot::Month(at) = self.slot(paid.at_ms) else { return };
        let Some(numbers) = self.numbers.get_mut(at) else { return };
        numbers.paid_kopecks += paid.kopecks;
        if paid.is_recovered {
            numbers.recovered += 1;
            numbers.recovered_kopecks += paid.kopecks;
        }
    }

    /// Each month with its numbers, in order.
    pub fn finish(self) -> Vec<(Month, Numbers)> {
        let (mut active, mut mrr_kopecks) = self.before;
        let sum = |(month, mut numbers): (Month, Numbers)| {
            active += numbers.active;
            mrr_kopecks += numbers.mrr_kopecks;
            (numbers.active, numbers.mrr_kopecks) = (active, mrr_kopecks);
            (month, numbers)
        };
        self.months.into_iter().zip(self.numbers).map(sum).collect()
    }
}
