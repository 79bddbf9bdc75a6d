//! How fast requests leave for a service that counts those of several integrations together: a
//! bucket that drains evenly, kept in the database, so that all processes fill the same one.

use kopeck_integrations::{Integration, Settings};

use super::store::shared;
use crate::kit::db::{DbError, Tx};

/// How full a bucket may be after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// No faster than it drains: what nobody waits for.
    One,
    /// A few at once, for somebody who waits, or for work that is begun and must not begin anew;
    /// far below what services take.
    Some,
}

/// Requests that may leave at once.
const ONE: i64 = 2;
const SOME: i64 = 12;

/// Takes a place in the bucket; else the earliest moment when there is one.
pub fn take(
    tx: &mut dyn Tx,
    word: &str,
    (gap_ms, room): (i64, Room),
    now_ms: i64,
) -> Result<Option<i64>, DbError> {
    let empty_ms = shared::lock_pace(tx, word)?.max(now_ms);
    let room_ms = match room {
        Room::One => gap_ms * ONE,
        Room::Some => gap_ms * SOME,
    };
    let free_ms = empty_ms + gap_ms - room_ms;
    if free_ms > now_ms {
        return Ok(Some(free_ms));
    }
    shared::update_pace(tx, word, empty_ms + gap_ms)?;
    Ok(None)
}

/// The service asked for a pause: nobody who shares its count sends before it ends.
pub fn rest(
    tx: &mut dyn Tx,
    service: &dyn Integration,
    settings: &Settings,
    (now_ms, after_ms): (i64, u64),
) -> Result<(), DbError> {
    let Some(word) = service.shared_pace(settings) else { return Ok(()) };
    let until_ms = now_ms.saturating_add(i64::try_from(after_ms).unwrap_or(i64::MAX));
    let empty_ms = shared::lock_pace(tx, &word)?;
    shared::update_pace(tx, &word, empty_ms.max(until_ms))
}

/// When work of several requests may begin, if not now: it ends in one go, so it begins only where
/// nearly nothing waits. Takes nothing yet.
pub fn when_ready(
    tx: &mut dyn Tx,
    service: &dyn Integration,
    settings: &Settings,
    now_ms: i64,
) -> Result<Option<i64>, DbError> {
    let Some(word) = service.shared_pace(settings) else { return Ok(None) };
    let empty_ms = shared::lock_pace(tx, &word)?;
    let ready_ms = empty_ms - gap_of(service) * (ONE - 1);
    Ok((ready_ms > now_ms).then_some(ready_ms))
}

fn gap_of(service: &dyn Integration) -> i64 {
    i64::try_from(service.limits().gap_ms).unwrap_or_default()
}

/// [`take`] for a message that nobody waits for; always granted where each integration keeps a pace
/// of its own.
pub fn take_turn(
    tx: &mut dyn Tx,
    service: &dyn Integration,
    settings: &Settings,
    now_ms: i64,
) -> Result<Option<i64>, DbError> {
    match service.shared_pace(settings) {
        Some(word) => take(tx, &word, (gap_of(service), Room::One), now_ms),
        None => Ok(None),
    }
}
