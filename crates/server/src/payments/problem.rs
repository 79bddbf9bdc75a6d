//! Why a use case did nothing, in the API's words.

use super::{flow::Problem, state::Refused};
use crate::{
    http::{ApiError, codes},
    instruments::{flow::Unusable, model::Kind},
};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::Bank(refusal) => refusal.into(),
            Problem::Refused(refused) => refused.into(),
            Problem::NoSuchPayment => ApiError::of(codes::PAYMENT_NOT_FOUND),
            Problem::Saved(unusable) => unusable.into(),
            Problem::NotSettleable(status) => {
                let message = format!(
                    "The payment is {}: only a charge of a kept card is settled by hand, after a \
                     day without a word.",
                    status.as_str()
                );
                ApiError::new(codes::CHARGE_NOT_SETTLEABLE, message)
            }
            Problem::Goods { param, why } => {
                let message = format!("The goods cannot come back so: {why}.");
                let hint =
                    "GET /v1/payments/{id}/receipts shows what was sold, and what came back.";
                ApiError::new(codes::PARAM_INVALID, message).param(param).hint(hint)
            }
            Problem::Part { why } => {
                let message = format!("The receipt cannot be cut down to this part: {why}.");
                let hint = "Take another sum, or all of the hold and give back the difference.";
                ApiError::new(codes::PARAM_INVALID, message).param("amount").hint(hint)
            }
            Problem::Internal(error) => ApiError::internal(&error),
        }
    }
}

impl From<Unusable> for ApiError {
    fn from(unusable: Unusable) -> ApiError {
        let param = |kind: Kind| format!("{}_id", kind.word());
        match unusable {
            Unusable::Missing(kind) => ApiError::of(match kind {
                Kind::Account => codes::ACCOUNT_NOT_FOUND,
                Kind::Card | Kind::Kept => codes::CARD_NOT_FOUND,
            })
            .param(param(kind)),
            Unusable::NotActive(kind, status) => {
                let (kind_word, status) = (kind.word(), status.as_str());
                let message = format!("The {kind_word} cannot be charged: it is {status}.");
                let code = match kind {
                    Kind::Account => codes::ACCOUNT_NOT_ACTIVE,
                    Kind::Card | Kind::Kept => codes::CARD_NOT_ACTIVE,
                };
                ApiError::new(code, message).param(param(kind))
            }
            Unusable::Scheduled(kind) => {
                let message = "The bank charges the card by its own schedule, and nobody else can.";
                ApiError::new(codes::CARD_NOT_ACTIVE, message).param(param(kind))
            }
            Unusable::TooMuch(_, max) => {
                let message = format!("The payer agreed to {max} rubles at most.");
                ApiError::new(codes::CONSENT_EXCEEDED, message).param("amount")
            }
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> ApiError {
        match refused {
            Refused::NotCapturable(status) => {
                let message = format!("The payment is {}: there is no hold.", status.as_str());
                ApiError::new(codes::PAYMENT_NOT_CAPTURABLE, message)
            }
            Refused::CaptureTooLarge { held } => {
                let message = format!("Only {held} rubles are held.");
                ApiError::new(codes::CAPTURE_TOO_LARGE, message).param("amount")
            }
            Refused::CaptureAmountNeeded { held } => {
                let message = format!("{held} rubles are held, which is not the order's sum.");
                ApiError::new(codes::CAPTURE_AMOUNT_NEEDED, message).param("amount")
            }
            Refused::NotVoidable(status) => {
                let message = format!("The payment is {}: there is no hold.", status.as_str());
                ApiError::new(codes::PAYMENT_NOT_CANCELABLE, message)
            }
            Refused::NotRefundable(status) => {
                let message = format!("The payment is {}: nothing was paid.", status.as_str());
                ApiError::new(codes::PAYMENT_NOT_REFUNDABLE, message)
            }
            Refused::RefundTooLarge { left } if left.is_zero() => {
                ApiError::of(codes::REFUND_NOTHING_LEFT)
            }
            Refused::RefundTooLarge { left } => {
                let message = format!("Only {left} rubles of the payment are left to refund.");
                ApiError::new(codes::REFUND_TOO_LARGE, message).param("amount")
            }
            Refused::NotChargeable(status) => {
                let message = format!("The payment is {}: it is charged once.", status.as_str());
                ApiError::new(codes::CHARGE_UNANSWERED, message)
            }
            Refused::RefundOfNothing => ApiError::of(codes::REFUND_NOTHING_LEFT),
            Refused::NoSuchRefund => ApiError::of(codes::REFUND_NOT_FOUND),
            Refused::TooManyRefunds => ApiError::of(codes::REFUND_LIMIT),
        }
    }
}
