//! Times as the bank reads and prints them.

use jiff::{Timestamp, tz};

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// Times beyond jiff's range (the year 9999) become the epoch; nothing real gets there.
pub(super) fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

/// `2026-11-21T10:00:00+00:00`, for the controls.
pub(super) fn print(ms: i64) -> String {
    from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Moscow's wall clock, as receipts have it. Russia has kept UTC+3 all year since 2014.
pub(super) fn print_moscow(ms: i64) -> String {
    tz::offset(3).to_datetime(from_ms(ms)).strftime("%Y-%m-%dT%H:%M:%S+03:00").to_string()
}

/// `YYYY-MM-DDTHH:MM:SS±HH:MM` and nothing else: fractions and `Z` break the bank (code 9999).
pub(super) fn parse_due(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00+00:00";
    let fits = |(have, want): (&u8, &u8)| match want {
        b'0' => have.is_ascii_digit(),
        b'+' => matches!(have, b'+' | b'-'),
        _ => have == want,
    };
    if bytes.len() != shape.len() || !bytes.iter().zip(shape).all(fits) {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
