//! Why a use case did nothing, in the API's words.

use super::{flow::Problem, model::Sale};
use crate::{
    http::{ApiError, codes},
    kit::clock::iso,
};

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::Place(problem) => problem.into(),
            Problem::NoSuchDesk => ApiError::of(codes::DESK_NOT_FOUND),
            Problem::Busy(sale) => ApiError::new(codes::DESK_BUSY, busy(&sale)),
            Problem::Idle => ApiError::of(codes::DESK_IDLE),
            Problem::NoSuchLink => ApiError::of(codes::DESK_LINK_NOT_FOUND),
        }
    }
}

/// Who has the desk, with what and until when.
pub fn busy(sale: &Sale) -> String {
    let clerk = sale.clerk.as_deref().unwrap_or("Somebody");
    let (sum, until) = (sale.amount.to_human(), iso(sale.until_ms));
    format!("{clerk} charges {sum} at this desk, until {until} at the latest.")
}
