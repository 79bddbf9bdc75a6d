//! The virtual clock: the machine's time plus an offset that only grows.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::kit::clock::{Clock, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, SharedClock};

/// Ten years: more than any payment, token or subscription lives, and far from jiff's limits.
pub const MAX_ADVANCE_MS: i64 = 3_660 * DAY_MS;

/// Another clock, moved forwards. Over a manual clock it moves only when told.
#[derive(Debug)]
pub struct SandboxClock {
    base: SharedClock,
    offset_ms: AtomicI64,
}

impl SandboxClock {
    pub fn new(base: SharedClock) -> SandboxClock {
        SandboxClock { base, offset_ms: AtomicI64::new(0) }
    }

    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    /// Whether it may stand so far ahead.
    pub fn may_reach(&self, offset_ms: i64) -> bool {
        (self.offset_ms()..=MAX_ADVANCE_MS).contains(&offset_ms)
    }

    /// Forwards only, and never past ten years ahead in all; refuses otherwise.
    pub fn advance_ms(&self, ms: i64) -> Result<(), String> {
        let moved =
            |offset: i64| offset.checked_add(ms).filter(|sum| ms >= 0 && *sum <= MAX_ADVANCE_MS);
        self.offset_ms
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved)
            .map(drop)
            .map_err(|_| "the clock moves only forwards, ten years in all".to_owned())
    }
}

impl Clock for SandboxClock {
    fn now_ms(&self) -> i64 {
        self.base.now_ms().saturating_add(self.offset_ms())
    }
}

/// Reads `90s`, `15m`, `2h`, `3d` and sums of them such as `1d12h`, as milliseconds.
///
/// Whole numbers only; a number without a unit is refused, since nobody remembers which it is.
pub fn parse_duration_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a duration: write 90s, 15m, 2h, 3d or 1d12h");
    let mut total: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let unit_ms = match tail.as_bytes().first() {
            Some(b's') => SECOND_MS,
            Some(b'm') => MINUTE_MS,
            Some(b'h') => HOUR_MS,
            Some(b'd') => DAY_MS,
            Some(_) | None => return Err(wrong()),
        };
        let part = number.checked_mul(unit_ms).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = &tail[1..];
    }
    Ok(total)
}
