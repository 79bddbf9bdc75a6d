//! Times and days as the bank prints them.

use jiff::{Timestamp, civil::Date, tz};

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Times beyond jiff's range (the year 9999) become the epoch; nothing real gets there.
pub(super) fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

/// `2022-10-18T08:28:59+00:00`.
pub(super) fn print(ms: i64) -> String {
    from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// The day in Moscow, where the bank is. Russia has kept UTC+3 all year since 2014.
pub(super) fn day(ms: i64) -> Date {
    tz::offset(3).to_datetime(from_ms(ms)).date()
}

/// `2026-11-21`, exactly.
pub(super) fn parse_day(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}
