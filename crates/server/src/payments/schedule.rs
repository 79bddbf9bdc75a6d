//! What a payment needs next, and when: pure. The whole recovery after a crash is this table,
//! since it looks only at what is stored.

use kopeck_banks::op::BankStatus;

use super::{
    model::{Intents, Means, Payment, RefundState, Status},
    state::MAX_QR_TRIES,
};
use crate::instruments::model::Kind;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How often an open payment is asked about while it is young: the promise is that whatever the
/// bank believes is known within a minute, at one call per payment and minute.
pub const DENSE_EVERY_MS: i64 = MINUTE_MS;
/// How long it is young: most people pay within a quarter of an hour.
pub const DENSE_FOR_MS: i64 = 15 * MINUTE_MS;
/// After that the gaps grow with age, but never beyond this; a hold is money on somebody's card.
const SPARSE_MAX_MS: i64 = 30 * MINUTE_MS;
/// The longest gap while the bank has accepted a refund and does not list it yet …
const UNLISTED_MAX_MS: i64 = 6 * HOUR_MS;
/// … which for cards may take 30 days, and some margin.
const UNLISTED_FOR_MS: i64 = 45 * 24 * HOUR_MS;
/// A code of SBP ends when it ends: only a transfer that was on its way may still arrive.
const CODE_GRACE_MINUTES: u32 = 5;
/// Longer than any payer may take after the link's end.
const PAYING_MAX_MS: i64 = 72 * HOUR_MS;
/// Tries to get a code that also saves an account: once in five minutes, for a week.
const MAX_SAVING_QR_TRIES: u32 = 2_000;
/// A charge of a kept card without a word for longer is looked at seldom.
const UNANSWERED_MS: i64 = 3 * 24 * HOUR_MS;
/// Waits between the tries to open a payment, or to ask about a request that got no answer.
const RETRY_MS: [i64; 6] =
    [2 * SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS];

/// The next thing to do for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the link; the bank has certainly not heard of it.
    Open,
    /// Look whether the link exists, then make it if it does not.
    LookUp,
    Ask,
    /// Ask for the QR code of a payment that can be paid by SBP alone.
    FetchQr,
    /// Charge what the payer saved: sent once, then asked about.
    Charge,
    /// Capture the hold: safe to send again, since a hold can be captured once.
    Capture,
    /// Release the hold: what is released cannot be released again.
    Void,
    /// Go on to the bank that the payer asked for.
    Move,
    /// Close a link that its payer left for another bank, or that nobody shall pay any more.
    Close,
    /// Ask first, so that the bank's list of refunds is known, then send this one.
    SendRefund {
        id: String,
    },
    /// Ask whether a refund without an answer happened.
    SettleRefund {
        id: String,
    },
    /// The bank's grace is over: ask a last time, then let it lapse.
    Lapse,
    /// Nothing until then.
    Wait {
        until_ms: i64,
    },
    /// Nothing any more; the daily sweep still looks.
    Rest,
}

/// `grace_minutes` is how long after its end a link may still be paid.
pub fn next_step(payment: &Payment, grace_minutes: u32, now_ms: i64) -> Step {
    let at = |due_ms: i64, step: Step| {
        if due_ms <= now_ms { step } else { Step::Wait { until_ms: due_ms } }
    };
    // One at a time, and first the one whose answer is not known: while it may still appear in the
    // bank's list, another of the same sum could not be told from it.
    let pending = payment.refunds.iter().filter(|refund| refund.state.is_pending());
    if let Some(refund) = pending.min_by_key(|refund| refund.state == RefundState::Requested) {
        let id = refund.id.clone();
        return match refund.state {
            RefundState::Asked { at_ms, asks } => {
                at(at_ms.max(payment.asked_ms) + backoff_ms(asks), Step::SettleRefund { id })
            }
            RefundState::Requested | RefundState::Succeeded | RefundState::Failed(_) => {
                Step::SendRefund { id }
            }
        };
    }
    if payment.intents.move_to.is_some() && is_movable(payment) {
        return Step::Move;
    }
    match payment.status() {
        Status::Opening => match payment.intents.open_asked_ms {
            // Nothing of it is at the bank, and nobody wants it there any more.
            None if payment.attempt_of.is_some() => Step::Rest,
            None if now_ms >= payment.expires_ms => Step::Lapse,
            None => Step::Open,
            Some(asked_ms) => {
                let wait = backoff_ms(payment.intents.open_tries.saturating_sub(1));
                at(asked_ms.max(payment.asked_ms) + wait, Step::LookUp)
            }
        },
        Status::Capturing => match payment.intents.capture_asked_ms {
            None => Step::Capture,
            Some(asked_ms) => at(asked_ms + MINUTE_MS, Step::Capture),
        },
        Status::Open => open_step(payment, grace_minutes, now_ms),
        // It was being closed when the money came: first what became of that.
        Status::Authorized if payment.may_close() && payment.intents.void_asked_ms.is_some() => {
            at(close_ms(payment), Step::Close)
        }
        Status::Authorized | Status::AmountMismatch
            if payment.is_held() && payment.is_voiding() =>
        {
            match payment.intents.void_asked_ms {
                None => Step::Void,
                Some(asked_ms) => at(asked_ms + MINUTE_MS, Step::Void),
            }
        }
        Status::Authorized => at(next_look_ms(payment), Step::Ask),
        Status::AmountMismatch if payment.is_held() => at(next_look_ms(payment), Step::Ask),
        Status::Paid
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Refunding
        | Status::AmountMismatch => {
            // It was being closed when the money came: first what became of that.
            if payment.may_close() && payment.intents.void_asked_ms.is_some() {
                return at(close_ms(payment), Step::Close);
            }
            if now_ms < payment.dense_until_ms && !is_settled(payment) {
                return at(next_look_ms(payment), Step::Ask);
            }
            if now_ms < unlisted_until_ms(payment) {
                return at(look_ms(payment, UNLISTED_MAX_MS), Step::Ask);
            }
            Step::Rest
        }
        Status::Expired | Status::Canceled | Status::Failed => Step::Rest,
    }
}

/// A charge that was paid, and of which nothing goes back: no payer is at a page of it, so there is
/// nothing to be known of it within the minute, and a thousand renewals come in one hour.
fn is_settled(payment: &Payment) -> bool {
    payment.is_charge() && payment.status() == Status::Paid && payment.refunds.is_empty()
}

/// What a link that nobody has paid yet needs.
fn open_step(payment: &Payment, grace_minutes: u32, now_ms: i64) -> Step {
    let at = |due_ms: i64, step: Step| {
        if due_ms <= now_ms { step } else { Step::Wait { until_ms: due_ms } }
    };
    // Nobody can be at the page of what is paid without its payer.
    let is_short = payment.is_code() || payment.is_charge();
    let grace_minutes = if is_short { CODE_GRACE_MINUTES } else { grace_minutes };
    let grace_ms = i64::from(grace_minutes) * MINUTE_MS;
    let dead_ms = payment.link_end_ms() + grace_ms;
    // The bank has no word for a charge of a kept card that was not made: what it does not show may
    // have been taken, and it is asked about until it tells, or until a person does.
    if payment.is_silent() {
        return at(silent_look_ms(payment), Step::Ask);
    }
    if now_ms >= dead_ms {
        return Step::Lapse;
    }
    if payment.may_close() && payment.is_voiding() {
        return at(close_ms(payment), Step::Close);
    }
    if payment.is_charge() {
        return match payment.intents.charge_asked_ms {
            None if now_ms < payment.link_end_ms() => Step::Charge,
            None => at(dead_ms, Step::Lapse),
            Some(asked_ms) => at(charge_look_ms(payment, asked_ms).min(dead_ms), Step::Ask),
        };
    }
    let due_ms = next_look_ms(payment).min(dead_ms);
    match qr_ms(payment) {
        Some(qr_due_ms) if qr_due_ms <= due_ms => at(qr_due_ms, Step::FetchQr),
        Some(_) | None => at(due_ms, Step::Ask),
    }
}

/// Whether the first bank is known to have nothing in flight, or can be asked what it has.
fn is_movable(payment: &Payment) -> bool {
    let is_unknown = payment.intents.open_asked_ms.is_some() && payment.facts.bank_id.is_none();
    match payment.status() {
        Status::Opening => !is_unknown,
        Status::Open => true,
        Status::Canceled
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Failed
        | Status::AmountMismatch => false,
    }
}

/// A charge takes seconds: it is asked about after two of them, and less and less often for a
/// minute.
fn charge_look_ms(payment: &Payment, asked_ms: i64) -> i64 {
    let dense = RETRY_MS.iter().map(|wait_ms| asked_ms + wait_ms);
    let next = dense.filter(|due_ms| *due_ms <= asked_ms + MINUTE_MS && *due_ms > payment.asked_ms);
    next.min().unwrap_or_else(|| next_look_ms(payment))
}

/// The same, and later so seldom that years of it are no flood.
fn silent_look_ms(payment: &Payment) -> i64 {
    let asked_ms = payment.intents.charge_asked_ms.unwrap_or(payment.created_ms);
    if payment.asked_ms > asked_ms + UNANSWERED_MS {
        return look_ms(payment, UNLISTED_MAX_MS);
    }
    charge_look_ms(payment, asked_ms)
}

/// When the QR code of an open payment is to be asked for.
fn qr_ms(payment: &Payment) -> Option<i64> {
    let Intents { qr_asked_ms, qr_tries, .. } = payment.intents;
    // Without its code the payment can be paid, but saves no account.
    let saves = matches!(payment.means, Means::Save { kind: Kind::Account, .. });
    let max_tries = if saves { MAX_SAVING_QR_TRIES } else { MAX_QR_TRIES };
    let is_due = payment.wants_qr() && qr_tries < max_tries && payment.attempt_of.is_none();
    let due_ms =
        qr_asked_ms.map_or(0, |asked_ms| asked_ms + backoff_ms(qr_tries.saturating_sub(1)));
    is_due.then_some(due_ms)
}

/// A minute after the last request to close it, which may still be on its way.
fn close_ms(payment: &Payment) -> i64 {
    payment.intents.void_asked_ms.map_or(0, |asked_ms| asked_ms + MINUTE_MS)
}

/// Whether an unpaid link that ended so long ago is dead. A payer may be at it still: a bank waits
/// a day and a half for the answer to a 3-D Secure question, whatever the link's time.
pub fn may_lapse(seen: Option<BankStatus>, over_ms: i64) -> bool {
    seen != Some(BankStatus::InProgress) || over_ms > PAYING_MAX_MS
}

/// Whether an open payment is to be looked at before then.
pub fn is_look_due(payment: &Payment, before_ms: i64) -> bool {
    next_look_ms(payment) <= before_ms
}

fn next_look_ms(payment: &Payment) -> i64 {
    look_ms(payment, SPARSE_MAX_MS)
}

/// Dense until `dense_until_ms`; then the gap is a quarter of the time since.
fn look_ms(payment: &Payment, max_ms: i64) -> i64 {
    let last_ms = payment.asked_ms.max(payment.created_ms);
    let age_ms = last_ms - payment.dense_until_ms;
    last_ms + (age_ms / 4).clamp(DENSE_EVERY_MS, max_ms)
}

/// Until when the bank's list must show every refund that it accepted; the daily sweep does not
/// reach payments older than a month.
fn unlisted_until_ms(payment: &Payment) -> i64 {
    let created = payment
        .refunds
        .iter()
        .filter(|refund| refund.is_unlisted())
        .map(|refund| refund.created_ms);
    created.max().map_or(0, |created_ms| created_ms + UNLISTED_FOR_MS)
}

/// How long to wait after so many tries.
pub fn backoff_ms(tries: u32) -> i64 {
    let last = RETRY_MS.len() - 1;
    RETRY_MS[usize::try_from(tries).map_or(last, |tries| tries.min(last))]
}

const _: () = assert!(SPARSE_MAX_MS < HOUR_MS, "a hold is looked at within the hour");
