//! Why a use case did nothing, in the API's words.

use kopeck_integrations::Broken;

use super::flow::Problem;
use crate::http::{ApiError, codes};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::NoSuchIntegration => ApiError::of(codes::INTEGRATION_NOT_FOUND),
            Problem::NoSuchPayment => ApiError::of(codes::PAYMENT_NOT_FOUND),
            Problem::NoSuchSending => ApiError::of(codes::SENDING_NOT_FOUND),
            Problem::NoSuchErrand => ApiError::of(codes::ERRAND_NOT_FOUND),
            Problem::ErrandNotFailed => ApiError::of(codes::ERRAND_NOT_FAILED),
            Problem::NotFailed(state) => {
                let message =
                    format!("The message is {}, so it is not sent again.", state.as_str());
                ApiError::new(codes::SENDING_NOT_FAILED, message)
            }
            Problem::Overtaken => ApiError::of(codes::SENDING_OVERTAKEN),
            Problem::NotNeeded => ApiError::of(codes::SENDING_NOT_NEEDED),
            Problem::NotConnected(service) => {
                let message = format!("The shop has not set up {service}.");
                ApiError::new(codes::INTEGRATION_NOT_CONNECTED, message)
            }
            Problem::NoChats(service) => {
                let message = format!("Chats with {service} cannot be tied to customers.");
                ApiError::new(codes::CHAT_UNSUPPORTED, message).param("service")
            }
            Problem::NoUpdates(service) => {
                ApiError::new(codes::CHAT_UNSUPPORTED, format!("{service} sends no updates."))
            }
            Problem::NoBotName => ApiError::of(codes::BOT_NAME_MISSING),
            Problem::NoChat(None) => ApiError::of(codes::CHAT_NOT_BOUND).param("to"),
            Problem::NoChat(Some(why)) => {
                let message = format!("Nothing goes to the customer's chat any more ({why}).");
                ApiError::new(codes::CHAT_NOT_BOUND, message).param("to")
            }
            Problem::NotPayable => ApiError::of(codes::PAYMENT_NOT_PAYABLE),
            Problem::Unsupported(kind) => {
                let message = format!("It tells nobody anything of the kind `{}`.", kind.as_str());
                ApiError::new(codes::SENDING_KIND_UNSUPPORTED, message).param("kind")
            }
            Problem::TooMany => ApiError::of(codes::INTEGRATION_LIMIT),
            Problem::Broken(broken) => error_of(&broken, None),
            Problem::Unanswered(why) => {
                ApiError::stored("integration_unanswered", &why, "Try again.")
            }
            Problem::Internal(error) => ApiError::internal(&error),
        }
    }
}

/// A problem of a service's own table as an error of the API.
pub fn error_of(broken: &Broken, param: Option<&str>) -> ApiError {
    let text = broken.problem.en;
    let message = match broken.detail.as_str() {
        "" => text.problem.to_owned(),
        detail => format!("{} ({detail})", text.problem.trim_end_matches('.')),
    };
    let error = ApiError::stored(broken.code(), &message, text.fix);
    ApiError { status: 422, param: param.map(str::to_owned), ..error }
}
