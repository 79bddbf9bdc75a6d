//! Requests about a hold: to take it, to release it.

use kopeck_banks::Money;

use super::{
    super::model::{Payment, Status},
    Refused,
};

/// Asking twice for the same capture is one capture.
pub(super) fn request_capture(
    next: &mut Payment,
    at_ms: i64,
    amount: Option<Money>,
) -> Result<bool, Refused> {
    let is_same = |next: &Payment| amount.is_none_or(|amount| amount == next.expected());
    match next.status() {
        // It is being released; or the bank takes it by itself in a moment, and all of it.
        status @ (Status::Authorized | Status::AmountMismatch)
            if next.is_voiding() || (!next.is_hold() && amount.is_some()) =>
        {
            Err(Refused::NotCapturable(status))
        }
        Status::Authorized | Status::AmountMismatch if next.is_held() => {
            let held = next.held();
            if amount.is_some_and(|amount| amount > held) {
                return Err(Refused::CaptureTooLarge { held });
            }
            let is_other = next.is_hold() && held != next.amount;
            if amount.is_none() && is_other {
                return Err(Refused::CaptureAmountNeeded { held });
            }
            next.intents.capture_amount =
                amount.filter(|amount| is_other || *amount != next.amount);
            next.intents.capture_requested_ms = Some(at_ms);
            next.intents.capture_asked_ms = None;
            next.intents.capture_failure = None;
            Ok(true)
        }
        Status::Capturing | Status::Paid if is_same(next) => Ok(false),
        status @ (Status::Opening
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Open
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch) => Err(Refused::NotCapturable(status)),
    }
}

/// Asking twice for the same release is one release.
pub(super) fn request_void(next: &mut Payment, at_ms: i64) -> Result<bool, Refused> {
    match next.status() {
        Status::Authorized | Status::AmountMismatch if next.is_held() && next.is_voiding() => {
            Ok(false)
        }
        Status::Authorized | Status::AmountMismatch if next.is_held() && next.is_hold() => {
            next.intents.void_requested_ms = Some(at_ms);
            next.intents.void_asked_ms = None;
            next.intents.void_failure = None;
            Ok(true)
        }
        Status::Canceled => Ok(false),
        status @ (Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Failed
        | Status::AmountMismatch) => Err(Refused::NotVoidable(status)),
    }
}
