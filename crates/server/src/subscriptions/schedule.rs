//! The calendar of a subscription: when each of its periods begins. Nothing else.
//!
//! Every boundary is counted from the anchor, never from the boundary before it: a subscription
//! made on the 31st pays on the 28th of February and on the 31st of March, and ten years later at
//! the same hour of the same day.

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// The zone of a shop that says none.
pub const DEFAULT_ZONE: &str = "Europe/Moscow";
/// Boundaries looked through for one moment: a day's subscription over far more than ten years.
const MAX_CYCLES: u32 = 20_000;
/// Boundaries looked through for a day that not every month has: the 29th of February comes back
/// after eight years at the latest, and an interval may be three years.
const MOST_BACK: u32 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    pub const ALL: [Unit; 5] = [Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];

    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Quarter => "quarter",
            Unit::Year => "year",
        }
    }

    pub fn parse(text: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// The longest interval: about three years. Nobody agrees to a debit further away.
    pub const fn max_count(self) -> u32 {
        match self {
            Unit::Day => 1_096,
            Unit::Week => 156,
            Unit::Month => 36,
            Unit::Quarter => 12,
            Unit::Year => 3,
        }
    }
}

/// How long a period is: every `count` units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub unit: Unit,
    pub count: u32,
}

impl Interval {
    /// `None` for a count of 0 or beyond [`Unit::max_count`].
    pub fn new(unit: Unit, count: u32) -> Option<Interval> {
        (1..=unit.max_count()).contains(&count).then_some(Interval { unit, count })
    }

    /// The time from an anchor to its `cycle`-th boundary; `None` beyond the calendar's range.
    fn span(self, cycle: u32) -> Option<Span> {
        let count = i64::from(self.count).checked_mul(i64::from(cycle))?;
        match self.unit {
            Unit::Day => Span::new().try_days(count),
            Unit::Week => Span::new().try_weeks(count),
            Unit::Month => Span::new().try_months(count),
            Unit::Quarter => Span::new().try_months(count.checked_mul(3)?),
            Unit::Year => Span::new().try_years(count),
        }
        .ok()
    }
}

/// Boundaries of one subscription.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    anchor_ms: i64,
    anchor: DateTime,
    interval: Interval,
}

/// A zone by its name in the tz database, such as `Asia/Yekaterinburg`.
pub fn find_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

impl Calendar {
    /// `None` for a zone that does not exist or a moment out of range.
    pub fn new(zone: &str, anchor_ms: i64, interval: Interval) -> Option<Calendar> {
        let zone = find_zone(zone)?;
        let anchor = Timestamp::from_millisecond(anchor_ms).ok()?;
        let anchor = zone.to_datetime(anchor);
        Some(Calendar { zone, anchor_ms, anchor, interval })
    }

    /// When period `cycle` begins; 0 is the anchor itself. `None` beyond the year 9999.
    ///
    /// An hour that a change of clocks skips becomes the next one that exists; of an hour that
    /// comes twice it is the first.
    pub fn boundary_ms(&self, cycle: u32) -> Option<i64> {
        // Which of two like hours it was, the wall clock does not tell.
        if cycle == 0 {
            return Some(self.anchor_ms);
        }
        let local = self.anchor.checked_add(self.interval.span(cycle)?).ok()?;
        let zoned = local.to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_millisecond())
    }

    /// The calendar of a period that ends at `end_ms` on a shorter month's last day: counted from
    /// the `day` that its boundaries really have, and the number of the boundary at `end_ms`.
    /// `None`: no boundary of that day falls there.
    pub fn through(
        zone: &str,
        end_ms: i64,
        day: i8,
        interval: Interval,
    ) -> Option<(Calendar, u32)> {
        let end = Calendar::new(zone, end_ms, interval)?;
        for cycle in 0..=MOST_BACK {
            let before = end.anchor.checked_sub(interval.span(cycle)?).ok()?;
            let Ok(date) = Date::new(before.year(), before.month(), day) else { continue };
            let anchor = date.to_datetime(before.time()).to_zoned(end.zone.clone()).ok()?;
            let anchor_ms = anchor.timestamp().as_millisecond();
            let calendar = Calendar::new(zone, anchor_ms, interval)?;
            return (calendar.boundary_ms(cycle)? == end_ms).then_some((calendar, cycle));
        }
        None
    }

    /// Where it is counted from.
    pub const fn anchor_ms(&self) -> i64 {
        self.anchor_ms
    }

    /// The day of the month of its anchor.
    pub fn day(&self) -> i8 {
        self.anchor.day()
    }

    /// One interval before the anchor: where a whole period that ends there begins.
    pub fn before_anchor_ms(&self) -> Option<i64> {
        let local = self.anchor.checked_sub(self.interval.span(1)?).ok()?;
        let zoned = local.to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_millisecond())
    }

    /// The period that holds `at_ms`, if it is `from` or a later one.
    pub fn cycle_at(&self, from: u32, at_ms: i64) -> Option<u32> {
        if self.boundary_ms(from)? > at_ms {
            return None;
        }
        // The last boundary that is not later than the moment.
        let (mut low, mut high) = (from, from.saturating_add(MAX_CYCLES));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.boundary_ms(middle).is_some_and(|ms| ms <= at_ms) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }
}
