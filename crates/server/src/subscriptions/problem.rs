//! Why a use case did nothing, in the API's words.

use super::{
    flow::{Problem, assign::Unassignable},
    state::Refused,
};
use crate::{
    http::{ApiError, codes},
    todos::Why,
};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::Refused(refused) => of_refusal(refused),
            Problem::NoSuchPlan => ApiError::of(codes::PLAN_NOT_FOUND),
            Problem::PlanArchived(code) => {
                let message = format!("The plan `{code}` is archived.");
                ApiError::new(codes::PLAN_ARCHIVED, message).param("plan")
            }
            Problem::PlanExists(code) => {
                let message = format!("The shop has a plan `{code}` already.");
                ApiError::new(codes::PLAN_EXISTS, message).param("code")
            }
            Problem::NoSuchCoupon => {
                ApiError::new(codes::COUPON_INVALID, "The shop has no such coupon.").param("coupon")
            }
            Problem::CouponOver(_) => {
                let message = "The coupon is used up, or its time is over.";
                ApiError::new(codes::COUPON_INVALID, message).param("coupon")
            }
            Problem::CouponExists(code) => {
                let message = format!("The shop has a coupon `{code}` already.");
                ApiError::new(codes::COUPON_EXISTS, message).param("code")
            }
            Problem::NoSuchSubscription => ApiError::of(codes::SUBSCRIPTION_NOT_FOUND),
            Problem::Exists(other) => {
                let status = other.state.status().as_str();
                let message =
                    format!("The customer has {}, which is {status}, to this plan.", other.id);
                ApiError::new(codes::SUBSCRIPTION_EXISTS, message)
            }
            Problem::Busy => ApiError::of(codes::SUBSCRIPTION_BUSY),
            Problem::NotChangeable(status) => {
                let message = format!("A {} subscription cannot be changed.", status.as_str());
                ApiError::new(codes::SUBSCRIPTION_STATE, message)
            }
            Problem::PaidElsewhere => paid_elsewhere(),
            Problem::SameTerms => {
                let message = "The subscription has this plan and quantity already.";
                ApiError::new(codes::SUBSCRIPTION_STATE, message)
            }
            Problem::ConsentNeeded => ApiError::of(codes::CONSENT_MISSING).param("consent"),
            Problem::NoSuchZone => {
                let message = "`time_zone` is not a zone, or the time is out of range.";
                ApiError::new(codes::PARAM_INVALID, message).param("time_zone")
            }
            Problem::SumTooLarge => {
                let message = "The price times the quantity is too large.";
                ApiError::new(codes::AMOUNT_INVALID, message).param("quantity")
            }
            Problem::NotConnected => ApiError::of(codes::BANK_NOT_CONNECTED).param("bank"),
            Problem::NoBank => {
                let message = "None of the shop's banks fits: those that are connected save \
                               nothing that could be charged, or have another name.";
                ApiError::new(codes::BANK_UNKNOWN, message).param("bank")
            }
            Problem::CouponMissing => ApiError::of(codes::COUPON_NOT_FOUND),
            Problem::NotAssignable(why) => unassignable(why),
            Problem::ByBank(why) => {
                ApiError::new(codes::BANK_SCHEDULE_IMPOSSIBLE, why).param("charged_by")
            }
            Problem::Payment(problem) => problem.into(),
            Problem::Receipt(problem) => problem.into(),
            Problem::Bank(refusal) => refusal.into(),
            Problem::Internal(error) => ApiError::internal(&error),
        }
    }
}

fn unassignable(why: Unassignable) -> ApiError {
    let back = "Give it back in the bank's internet bank: Kopeck sees that.";
    let (message, hint) = match why {
        Unassignable::Over(status) => {
            let status = status.as_str();
            (format!("The subscription is {status}: no period of it waits for money."), back)
        }
        Unassignable::Ending => {
            let message = "The subscription ends with its present period: no other one begins.";
            (message.to_owned(), "Reactivate it, or give the money back in the internet bank.")
        }
        Unassignable::ByBank => {
            let message = "The bank charges each period by itself, and whole.";
            (message.to_owned(), back)
        }
        Unassignable::Taken => (
            "The payment is for something already, or was given back.".to_owned(),
            "`GET /v1/todos` has what came and was not expected.",
        ),
        Unassignable::NotHis => (
            "The payment is not of the subscription's customer, or is not paid.".to_owned(),
            "`GET /v1/todos` has what came and was not expected.",
        ),
        Unassignable::OtherSum { wanted, came } => {
            let (wanted, came) = (wanted.to_rubles(), came.to_rubles());
            let message = format!("The period that waits costs {wanted}, and {came} came.");
            let hint = "Give it back in the internet bank; or assign it once the period is paid \
                        otherwise: then it counts for the next.";
            (message, hint)
        }
    };
    ApiError::new(codes::PAYMENT_NOT_ASSIGNABLE, message).param("payment_id").hint(hint)
}

fn paid_elsewhere() -> ApiError {
    let message = "The present period was paid in another system, for a sum that is not known \
                   here: nothing of it could be credited.";
    let hint = "Let the change begin with the next period: when = period_end.";
    ApiError::new(codes::SUBSCRIPTION_STATE, message).param("when").hint(hint)
}

/// The reason in the words that a caller would be told.
impl From<Problem> for Why {
    fn from(problem: Problem) -> Why {
        let ApiError { code, message, hint, .. } = problem.into();
        Why { code, message, hint }
    }
}

fn of_refusal(refused: Refused) -> ApiError {
    let message = match refused {
        Refused::NotPausable(status) => {
            let status = status.as_str();
            format!("It is {status}; only an active one that does not end is paused.")
        }
        Refused::NotPaused(status) => {
            format!("A {} subscription cannot be resumed.", status.as_str())
        }
        Refused::NotReactivatable(status) => {
            format!("A {} subscription cannot be reactivated.", status.as_str())
        }
        Refused::Over(status) => format!("The subscription is {}.", status.as_str()),
        Refused::NotDue(status) => {
            format!("No period of a {} subscription can begin now.", status.as_str())
        }
    };
    ApiError::new(codes::SUBSCRIPTION_STATE, message)
}
