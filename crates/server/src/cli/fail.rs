//! What went wrong, for a person at a terminal or for a program: one sentence, then a hint.

use kopeck_banks::op::Refusal;
use serde::Serialize;

use super::print::{BAD, HINT, err_line, paint};
use crate::{
    customers, desks,
    http::ApiError,
    integrations,
    kit::db::DbError,
    payments::{
        flow::Problem,
        model::{Failure, Status},
        state::Refused,
    },
    places, qr,
    receipts::{defaults::DefaultsProblem, flow::ComposeProblem, request::ReceiptProblem},
    sandbox, subscriptions, webhooks,
};

/// Exit code of a command that was understood and did not succeed.
const FAILED: u8 = 1;
/// Exit code of a command line that makes no sense, as clap's own.
pub const USAGE: u8 = 2;

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Fail {
    /// `noun_problem`, stable: scripts may branch on it.
    pub code: String,
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
    /// The flag or field at fault.
    pub param: Option<String>,
    #[serde(skip)]
    pub exit: u8,
}

impl Fail {
    pub fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Fail {
        Fail {
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
            param: None,
            exit: FAILED,
        }
    }

    #[must_use]
    pub fn param(self, param: &str) -> Fail {
        Fail { param: Some(param.to_owned()), ..self }
    }

    /// The command line itself is wrong.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Fail {
        Fail { exit: USAGE, ..Fail::new("usage_invalid", message, hint) }
    }

    /// To standard error, so that what a program reads from standard output stays clean.
    pub fn show(&self, json: bool) {
        if json {
            err_line(&serde_json::to_string_pretty(self).unwrap_or_default());
            return;
        }
        err_line(&format!("{} {}", paint(BAD, "error:"), self.message.trim_end()));
        if !self.hint.is_empty() {
            err_line(&format!("{} {}", paint(HINT, "hint:"), self.hint));
        }
    }
}

/// A message may carry its hint on a line of its own, as errors from below do.
impl From<anyhow::Error> for Fail {
    fn from(error: anyhow::Error) -> Fail {
        let text = format!("{error:#}");
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        Fail::new("internal_error", message, hint)
    }
}

impl From<DbError> for Fail {
    fn from(error: DbError) -> Fail {
        let hint = match error {
            DbError::Unavailable(_) => "Try again in a moment",
            DbError::Taken(_) | DbError::Decode(_) | DbError::Other(_) => "",
        };
        Fail::new("database_error", error.to_string(), hint)
    }
}

impl From<std::io::Error> for Fail {
    fn from(error: std::io::Error) -> Fail {
        Fail::new("io_error", error.to_string(), "")
    }
}

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Fail {
        let fail = Fail::new(refusal.code, refusal.message, refusal.hint);
        Fail { param: refusal.param.map(str::to_owned), ..fail }
    }
}

impl From<Failure> for Fail {
    fn from(failure: Failure) -> Fail {
        Fail::new(&failure.code, failure.message, failure.hint)
    }
}

impl From<ReceiptProblem> for Fail {
    fn from(problem: ReceiptProblem) -> Fail {
        Fail::new("receipt_invalid", problem.message, problem.hint).param("receipt")
    }
}

impl From<webhooks::flow::Problem> for Fail {
    fn from(problem: webhooks::flow::Problem) -> Fail {
        ApiError::from(problem).into()
    }
}

/// The same words as the API's.
impl From<ApiError> for Fail {
    fn from(error: ApiError) -> Fail {
        Fail { param: error.param, ..Fail::new(&error.code, error.message, error.hint) }
    }
}

impl From<integrations::flow::Problem> for Fail {
    fn from(problem: integrations::flow::Problem) -> Fail {
        if let integrations::flow::Problem::Internal(error) = problem {
            return error.into();
        }
        ApiError::from(problem).into()
    }
}

impl From<places::flow::Problem> for Fail {
    fn from(problem: places::flow::Problem) -> Fail {
        if let places::flow::Problem::Internal(error) = problem {
            return error.into();
        }
        ApiError::from(problem).into()
    }
}

impl From<desks::flow::Problem> for Fail {
    fn from(problem: desks::flow::Problem) -> Fail {
        match problem {
            desks::flow::Problem::Place(problem) => problem.into(),
            other @ (desks::flow::Problem::NoSuchDesk
            | desks::flow::Problem::Busy(_)
            | desks::flow::Problem::Idle
            | desks::flow::Problem::NoSuchLink) => ApiError::from(other).into(),
        }
    }
}

impl From<customers::flow::Problem> for Fail {
    fn from(problem: customers::flow::Problem) -> Fail {
        match problem {
            customers::flow::Problem::Payment(problem) => problem.into(),
            customers::flow::Problem::Bank(refusal) => refusal.into(),
            other @ (customers::flow::Problem::Missing(_)
            | customers::flow::Problem::NotConnected
            | customers::flow::Problem::NoBank) => ApiError::from(other).into(),
        }
    }
}

impl From<subscriptions::flow::Problem> for Fail {
    fn from(problem: subscriptions::flow::Problem) -> Fail {
        if let subscriptions::flow::Problem::Internal(error) = problem {
            return error.into();
        }
        ApiError::from(problem).into()
    }
}

impl From<DefaultsProblem> for Fail {
    fn from(problem: DefaultsProblem) -> Fail {
        Fail::new("receipt_invalid", problem.message, problem.hint).param(problem.param)
    }
}

impl From<ComposeProblem> for Fail {
    fn from(problem: ComposeProblem) -> Fail {
        match problem {
            ComposeProblem::Receipt(problem) => problem.into(),
            ComposeProblem::Renewal(problem) => {
                let hint = "Give the renewal a receipt of its own";
                Fail::new("receipt_invalid", format!("{problem}."), hint).param("receipt")
            }
            ComposeProblem::NoDefaults { hint } => {
                let message = "The shop's VAT is not known, so no receipt of one line can be made";
                Fail::new("receipt_defaults_missing", message, hint).param("receipt")
            }
            ComposeProblem::NoAmount => {
                Fail::usage("The receipt names no items", "Say for how much it is: --amount 4900")
            }
            ComposeProblem::Internal(error) => error.into(),
        }
    }
}

impl From<qr::Problem> for Fail {
    fn from(problem: qr::Problem) -> Fail {
        Fail::new(problem.code, problem.message, problem.hint).param(problem.param)
    }
}

impl From<sandbox::Problem> for Fail {
    fn from(problem: sandbox::Problem) -> Fail {
        Fail::new(&problem.code, problem.message, problem.hint)
    }
}

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Fail {
        match problem {
            Problem::Bank(refusal) => refusal.into(),
            Problem::Refused(refused) => refused.into(),
            Problem::NoSuchPayment => Fail::new(
                "payment_not_found",
                "There is no such payment",
                "`kopeck payment list` shows what there is",
            ),
            other @ (Problem::Saved(_) | Problem::NotSettleable(_) | Problem::Part { .. }) => {
                ApiError::from(other).into()
            }
            Problem::Goods { param, why } => {
                let hint = "`kopeck receipt list PAYMENT` shows what was sold, and what came back";
                Fail::new("param_invalid", why, hint).param(param)
            }
            Problem::Internal(error) => error.into(),
        }
    }
}

impl From<Refused> for Fail {
    fn from(refused: Refused) -> Fail {
        match refused {
            Refused::NotCapturable(status) => Fail::new(
                "payment_not_capturable",
                format!("Only a held payment can be captured; this one is {}", word(status)),
                "Holds are made with `kopeck link create --hold`",
            ),
            Refused::CaptureTooLarge { held } => Fail::new(
                "capture_too_large",
                format!("Only {} is held", held.to_human()),
                format!("Capture at most --amount {held}, or leave it out to capture all"),
            )
            .param("amount"),
            Refused::CaptureAmountNeeded { held } => Fail::new(
                "capture_amount_needed",
                format!("{} is held, which is not the order's sum", held.to_human()),
                format!("Look at the payment; then capture --amount {held} or less, or cancel it"),
            )
            .param("amount"),
            Refused::NotVoidable(status) => Fail::new(
                "payment_not_cancelable",
                format!("Only a hold can be canceled; the payment is {}", word(status)),
                "What was paid is given back with `kopeck payment refund ID`",
            ),
            Refused::NotRefundable(status) => Fail::new(
                "payment_not_refundable",
                format!("Nothing can be given back: the payment is {}", word(status)),
                "`kopeck payment timeline ID` tells what happened so far",
            ),
            Refused::RefundTooLarge { left } => Fail::new(
                "refund_too_large",
                format!("Only {} can still be refunded", left.to_human()),
                format!("Refund at most --amount {left}"),
            )
            .param("amount"),
            other @ Refused::NotChargeable(_) => ApiError::from(other).into(),
            Refused::RefundOfNothing => Fail::new(
                "amount_invalid",
                "A refund must be more than zero",
                "Give --amount in rubles, or leave it out to refund everything",
            )
            .param("amount"),
            Refused::NoSuchRefund => {
                Fail::new("refund_not_found", "The payment has no such refund", "")
            }
            Refused::TooManyRefunds => Fail::new(
                "refunds_too_many",
                "The payment has as many refunds as Kopeck keeps for one payment",
                "Refund the rest in the bank's cabinet; Kopeck will find it",
            ),
        }
    }
}

fn word(status: Status) -> String {
    status.as_str().replace('_', " ")
}
