//! How a subscription's state lies in its columns.

use super::word;
use crate::{
    kit::db::{DbError, Row},
    subscriptions::state::{EndReason, State, Status},
};

/// `until_ms` is the time that the state names: till when it holds, or what a pause keeps. `ends`
/// says of one that is canceled that all there was of it was its trial.
#[derive(Default)]
pub(super) struct Columns {
    pub status: &'static str,
    pub until_ms: Option<i64>,
    pub ends: bool,
    pub resumes_ms: Option<i64>,
    pub reason: Option<&'static str>,
}

pub(super) fn encode_state(state: &State) -> Columns {
    let base = Columns { status: state.status().as_str(), ..Columns::default() };
    match state {
        State::Pending { until_ms } | State::PastDue { until_ms } => {
            Columns { until_ms: Some(*until_ms), ..base }
        }
        State::Trialing { until_ms, ends } | State::Active { until_ms, ends } => {
            Columns { until_ms: Some(*until_ms), ends: *ends, ..base }
        }
        State::Paused { left_ms, resumes_ms } => {
            Columns { until_ms: Some(*left_ms), resumes_ms: *resumes_ms, ..base }
        }
        State::Canceled { access_ms, reason, in_trial } => Columns {
            until_ms: Some(*access_ms),
            ends: *in_trial,
            reason: Some(reason.as_str()),
            ..base
        },
        State::Expired => base,
    }
}

/// From five columns, the status first.
pub(super) fn decode_state(row: &Row, at: usize) -> Result<State, DbError> {
    let status = word(row, at, Status::parse)?;
    let ends = row.flag(at + 2)?;
    if status == Status::Expired {
        return Ok(State::Expired);
    }
    let until_ms = row.int(at + 1)?;
    Ok(match status {
        Status::Pending => State::Pending { until_ms },
        Status::Trialing => State::Trialing { until_ms, ends },
        Status::Active => State::Active { until_ms, ends },
        Status::PastDue => State::PastDue { until_ms },
        Status::Paused => State::Paused { left_ms: until_ms, resumes_ms: row.opt_int(at + 3)? },
        Status::Canceled => {
            let reason = word(row, at + 4, EndReason::parse)?;
            State::Canceled { access_ms: until_ms, reason, in_trial: ends }
        }
        Status::Expired => State::Expired,
    })
}
