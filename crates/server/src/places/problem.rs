//! Why a use case did nothing, in the API's words.

use super::flow::Problem;
use crate::{
    http::{ApiError, codes},
    qr,
};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::Bank(refusal) => refusal.into(),
            Problem::NoSuchPlace => ApiError::of(codes::PLACE_NOT_FOUND),
            Problem::NoCode => ApiError::of(codes::PLACE_NOT_READY),
            Problem::Suspended => ApiError::of(codes::PLACE_SUSPENDED),
            Problem::NotConnected => ApiError::of(codes::BANK_NOT_CONNECTED).param("bank"),
            Problem::UnknownBank(banks) => {
                let message = format!("The shop is connected to: {}.", banks.join(", "));
                ApiError::new(codes::BANK_UNKNOWN, message).param("bank")
            }
            Problem::Drawing(problem) => problem.into(),
            Problem::Internal(error) => ApiError::internal(&error),
        }
    }
}

/// Most often a name that no letters of the poster's can draw, or one that does not fit.
impl From<qr::Problem> for ApiError {
    fn from(problem: qr::Problem) -> ApiError {
        let error = ApiError::new(codes::POSTER_INVALID, problem.message);
        error.hint(problem.hint).param(problem.param)
    }
}

impl From<qr::Problem> for Problem {
    fn from(problem: qr::Problem) -> Problem {
        Problem::Drawing(problem)
    }
}
