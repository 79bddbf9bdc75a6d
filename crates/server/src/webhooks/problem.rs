//! Why a use case did nothing, in the API's words.

use super::flow::Problem;
use crate::http::{ApiError, codes};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::NoSuchWebhook => ApiError::of(codes::WEBHOOK_NOT_FOUND),
            Problem::NoSuchDelivery => ApiError::of(codes::DELIVERY_NOT_FOUND),
            Problem::NoSuchEvent => ApiError::of(codes::EVENT_NOT_FOUND),
            Problem::TooMany => ApiError::of(codes::WEBHOOK_LIMIT),
            Problem::Disabled(reason) => {
                let message = format!("The webhook is disabled ({}).", reason.as_str());
                ApiError::new(codes::WEBHOOK_DISABLED, message)
            }
            Problem::Removed => ApiError::of(codes::WEBHOOK_REMOVED),
            Problem::Twin => ApiError::of(codes::INTERNAL),
            Problem::Internal(error) => ApiError::internal(&error),
        }
    }
}
