//! What to do next for a sale. Pure: what is stored and the time decide.

use super::model::{Ending, Sale};
use crate::kit::clock::{MINUTE_MS, SECOND_MS};

/// Payer and clerk stand there and wait.
const LOOK_MS: i64 = 3 * SECOND_MS;
/// A bank ends an arming a little later than it says.
const GRACE_MS: i64 = 30 * SECOND_MS;
/// How long a request to disarm may take.
const DISARM_MS: i64 = 10 * SECOND_MS;
/// After so many looks that found nothing, and that long, a request without an answer did not arm
/// the code: no request is on its way longer.
const LOOKS: u32 = 3;
const UNANSWERED_MS: i64 = 45 * SECOND_MS;
/// So long a request may wander before it reaches the bank after all, and how often it is looked
/// for.
const WANDER_MS: i64 = 15 * MINUTE_MS;
const LATE_LOOK_MS: i64 = MINUTE_MS;
/// No arming lasts longer: one that wandered and then waits for twenty minutes.
const HOPELESS_MS: i64 = 40 * MINUTE_MS;
/// Longer than any payment takes that was begun in time.
const PAYING_MAX_MS: i64 = 15 * MINUTE_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Arm the code; the bank has not heard of it.
    Arm,
    /// Look whether a request without an answer armed it.
    LookUp,
    /// No look found it: it is taken for not armed.
    GiveUp,
    /// Nobody wants it any more and the bank never heard of it.
    Drop,
    Disarm,
    /// Ask what came of the arming.
    Ask,
    Wait {
        until_ms: i64,
    },
    Rest,
}

pub fn next_step(sale: &Sale, now_ms: i64) -> Step {
    let at = |due_ms: i64, step: Step| {
        if due_ms <= now_ms { step } else { Step::Wait { until_ms: due_ms } }
    };
    if sale.payment_id.is_some() {
        return Step::Rest;
    }
    if sale.ending == Some(Ending::Failed) && sale.asked_ms.is_some() {
        return next_step_late(sale, now_ms);
    }
    if sale.ending.is_some() {
        // Woken by news of the desk: perhaps it was paid at the last moment.
        let is_fresh = now_ms < sale.looked_ms + LOOK_MS;
        return if sale.arming_id.is_none() || is_fresh { Step::Rest } else { Step::Ask };
    }
    let Some(asked_ms) = sale.asked_ms else {
        return if sale.cancel_ms.is_some() { Step::Drop } else { Step::Arm };
    };
    let look_ms = sale.looked_ms.max(asked_ms) + LOOK_MS;
    if sale.arming_id.is_none() {
        let is_hopeless = sale.looks >= LOOKS && now_ms >= asked_ms + UNANSWERED_MS;
        return if is_hopeless { Step::GiveUp } else { at(look_ms, Step::LookUp) };
    }
    // A request that was slow armed the code later, and for longer, than the sale knows.
    let is_unwanted = sale.cancel_ms.is_some() || now_ms >= sale.until_ms + GRACE_MS;
    if is_unwanted && !sale.is_paying {
        return match sale.disarm_asked_ms {
            None => Step::Disarm,
            // A second request is no harm: the code is this sale's alone until it ends.
            Some(disarm_ms) if now_ms >= disarm_ms + DISARM_MS => Step::Disarm,
            Some(_) => at(sale.looked_ms + LOOK_MS, Step::Ask),
        };
    }
    at(sale.looked_ms + LOOK_MS, Step::Ask)
}

/// A sale that was given up without an answer: should its request arm the code after all, nobody
/// may pay it any more, and what was paid meanwhile is paid.
fn next_step_late(sale: &Sale, now_ms: i64) -> Step {
    let at = |step: Step| {
        let due_ms = sale.looked_ms + LATE_LOOK_MS;
        if due_ms <= now_ms { step } else { Step::Wait { until_ms: due_ms } }
    };
    let asked_ms = sale.asked_ms.unwrap_or_default();
    let arming_ms = i64::from(sale.ttl_minutes) * MINUTE_MS;
    // A look that was answered, after anything can change.
    let is_settled = |end_ms: i64| sale.looks > 0 && sale.looked_ms >= end_ms;
    match (&sale.arming_id, sale.disarm_asked_ms) {
        (None, _) if is_settled(asked_ms + WANDER_MS) => Step::Rest,
        (None, _) => at(Step::LookUp),
        (Some(_), None) => Step::Disarm,
        (Some(_), Some(disarm_ms)) if is_settled(disarm_ms + arming_ms + GRACE_MS) => Step::Rest,
        (Some(_), Some(_)) => at(Step::Ask),
    }
}

/// Whether the sale is over whatever the bank says of its code.
pub fn must_expire(sale: &Sale, now_ms: i64) -> bool {
    now_ms >= sale.until_ms + HOPELESS_MS
}

/// Whether somebody who began to pay can be paying still.
pub fn may_be_paying(sale: &Sale, now_ms: i64) -> bool {
    now_ms < sale.until_ms + PAYING_MAX_MS
}
