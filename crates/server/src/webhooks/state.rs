//! What an answer means for a delivery and for its webhook: pure.

use super::model::{Health, Reason};
use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// How long a delivery is tried, and how long a webhook may take nothing at all.
pub const PATIENCE_MS: i64 = 7 * DAY_MS;
/// Waits after the first refusal, the second, …; the last one again and again.
const WAITS_MS: [i64; 11] = [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
];
/// Attempts in a row without a good answer after which a webhook counts as down: then it is tried
/// with one delivery at a time and rests in between, so that neither it nor its neighbours feel a
/// flood.
const DOWN_AFTER: i64 = 5;
/// Rests of a webhook that is down: short enough to see it come back, whatever the waits of its
/// deliveries have grown to.
const RESTS_MS: [i64; 6] =
    [5 * SECOND_MS, 20 * SECOND_MS, MINUTE_MS, 3 * MINUTE_MS, 8 * MINUTE_MS, 15 * MINUTE_MS];
/// The longest `Retry-After` that is believed: for the delivery, and for all of its webhook.
const RETRY_AFTER_MAX_MS: i64 = DAY_MS;
const REST_MAX_MS: i64 = HOUR_MS;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// 2xx.
    Taken,
    /// Any other status.
    Refused { status: u16, retry_after_ms: Option<i64> },
    /// No answer: not reached, not in time, or an address that may not be called.
    Silence,
}

/// What becomes of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Again { due_ms: i64 },
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub fate: Fate,
    pub health: Health,
    pub disable: Option<Reason>,
    /// The webhook was down and is back: what waits for it may go at once.
    pub is_back: bool,
}

impl Health {
    pub fn is_down(self) -> bool {
        self.streak >= DOWN_AFTER
    }
}

/// `tries` counts this attempt; `begun_ms` is when the delivery was sent off; `chance` is any
/// random number.
pub fn settle(
    health: Health,
    (tries, begun_ms): (i64, i64),
    heard: &Heard,
    now_ms: i64,
    chance: u64,
) -> Settled {
    let (status, retry_after_ms) = match heard {
        Heard::Taken => {
            let is_back = health.is_down();
            let health = Health::default();
            return Settled { fate: Fate::Delivered, health, disable: None, is_back };
        }
        Heard::Refused { status, retry_after_ms } => (Some(*status), *retry_after_ms),
        Heard::Silence => (None, None),
    };
    let wait = jitter(nth(&WAITS_MS, tries - 1), chance);
    let asked = retry_after_ms.unwrap_or_default().clamp(0, RETRY_AFTER_MAX_MS);
    let until_ms = begun_ms + PATIENCE_MS;
    let fate = if now_ms >= until_ms {
        Fate::Failed
    } else {
        // The last attempt is made when the time is over, not before.
        Fate::Again { due_ms: (now_ms + wait.max(asked)).min(until_ms) }
    };
    let since_ms = health.failing_since_ms.unwrap_or(now_ms);
    // Whoever refuses one event with a reason is there, and may take the next.
    let is_there = status.is_some_and(|status| status != 429 && status < 500);
    let streak = if is_there { 0 } else { health.streak + 1 };
    let mut after = Health { streak, failing_since_ms: Some(since_ms), ..health };
    if after.is_down() {
        let rest = jitter(nth(&RESTS_MS, after.streak - DOWN_AFTER), chance);
        after.rest_until_ms = after.rest_until_ms.max(now_ms + rest);
    }
    // These two speak for the whole receiver; another status may be about this event only.
    if matches!(status, Some(429 | 503)) && asked > 0 {
        after.rest_until_ms = after.rest_until_ms.max(now_ms + asked.min(REST_MAX_MS));
    }
    let disable = match status {
        Some(410) => Some(Reason::Gone),
        _ if now_ms - since_ms >= PATIENCE_MS => Some(Reason::Failing),
        _ => None,
    };
    Settled { fate, health: after, disable, is_back: is_there && health.is_down() }
}

fn nth(list: &[i64], at: i64) -> i64 {
    let at = usize::try_from(at).unwrap_or_default().min(list.len() - 1);
    list[at]
}

/// Four to six fifths, so that what failed together does not come together again.
fn jitter(ms: i64, chance: u64) -> i64 {
    let percent = 80 + i64::try_from(chance % 41).unwrap_or_default();
    ms / 100 * percent
}
