//! When a sending is tried again, and when it is given up.

use kopeck_integrations::Limits;

use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// How long a message is worth sending: news of yesterday is no news.
pub const PATIENCE_MS: i64 = DAY_MS;
/// Waits after the first try, the second, …; the last one again and again.
const WAITS_MS: [i64; 7] = [
    2 * SECOND_MS,
    10 * SECOND_MS,
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
];

/// When to try again after `tries` tries; `None` when the message is given up. What the service
/// asked for itself counts as it is.
pub fn next_try(
    created_ms: i64,
    tries: i64,
    after_ms: Option<u64>,
    now_ms: i64,
    chance: u64,
) -> Option<i64> {
    let at = usize::try_from(tries.max(1) - 1).unwrap_or_default().min(WAITS_MS.len() - 1);
    let asked = after_ms.map(|ms| i64::try_from(ms).unwrap_or(PATIENCE_MS));
    let due_ms = now_ms + asked.unwrap_or_else(|| jitter(WAITS_MS[at], chance));
    (!is_stale(created_ms, due_ms)).then_some(due_ms)
}

/// Whether a message is too old to be sent.
pub fn is_stale(created_ms: i64, at_ms: i64) -> bool {
    at_ms >= created_ms + PATIENCE_MS
}

/// Four to six fifths, so that what failed together does not come together again.
fn jitter(ms: i64, chance: u64) -> i64 {
    let percent = 80 + i64::try_from(chance % 41).unwrap_or_default();
    ms / 100 * percent
}

/// The earliest moment of the integration's next request.
pub fn next_request(limits: &Limits, sent_ms: i64) -> i64 {
    sent_ms + i64::try_from(limits.gap_ms).unwrap_or_default()
}

/// The same for one address.
pub fn next_to_address(limits: &Limits, now_ms: i64) -> i64 {
    now_ms + i64::try_from(limits.address_gap_ms).unwrap_or_default()
}
