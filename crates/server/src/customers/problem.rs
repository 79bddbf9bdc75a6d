//! Why a use case did nothing, in the API's words.

use super::flow::Problem;
use crate::{
    http::{ApiError, codes},
    instruments::flow::Unusable,
};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::Payment(problem) => problem.into(),
            Problem::Bank(refusal) => refusal.into(),
            Problem::Missing(kind) => Unusable::Missing(kind).into(),
            Problem::NotConnected => ApiError::of(codes::BANK_NOT_CONNECTED).param("bank"),
            Problem::NoBank => {
                let message = "None of the shop's banks saves accounts: T-Bank does.";
                ApiError::new(codes::BANK_UNKNOWN, message).param("bank")
            }
        }
    }
}
