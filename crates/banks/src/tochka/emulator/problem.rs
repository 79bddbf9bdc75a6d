//! The bank's refusals, in its exact shape.

use super::json::{Obj, array};
use crate::http::HttpReply;

/// Longer messages are cut, as the bank cuts them (the document says 600 and 603).
const MAX_MESSAGE_CHARS: usize = 600;
const HELP_URL: &str = "http://enter.tochka.com/open-banking/docs";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    error_code: &'static str,
    message: String,
}

impl Problem {
    /// A field that breaks the schema.
    pub(super) fn invalid(field: &str, what: &str) -> Problem {
        Problem {
            status: 400,
            error_code: "Validation Error",
            message: format!("Field {field} : {what}"),
        }
    }

    /// A request that the bank understood and does not want: its 424.
    pub(super) fn refused(message: impl Into<String>) -> Problem {
        Problem { status: 424, error_code: "Something going wrong", message: message.into() }
    }

    pub(super) fn unregistered(message: impl Into<String>) -> Problem {
        Problem { status: 400, error_code: "Something going wrong", message: message.into() }
    }

    pub(super) fn forbidden() -> Problem {
        let message = "Forbidden by consent".to_owned();
        Problem { status: 403, error_code: "Something going wrong", message }
    }

    pub(super) fn expired_token() -> Problem {
        let message = "Token has expired".to_owned();
        Problem { status: 401, error_code: "HTTPUnauthorized", message }
    }

    pub(super) fn absent(message: &str) -> Problem {
        Problem { status: 404, error_code: "Something going wrong", message: message.to_owned() }
    }

    pub(super) fn unknown_route() -> Problem {
        let message = "Not Implemented".to_owned();
        Problem { status: 501, error_code: "HTTPNotImplemented", message }
    }

    pub(super) fn of_status(status: u16) -> Problem {
        let error_code = match status {
            400 => "HTTPBadRequest",
            401 => "HTTPUnauthorized",
            404 => "HTTPNotFound",
            500 => "HTTPInternalError",
            501 => "HTTPNotImplemented",
            _ => "Something going wrong",
        };
        Problem { status, error_code, message: "Fault set by the emulator's controls".to_owned() }
    }

    pub(super) fn reply(&self, id: &str) -> HttpReply {
        let message: String = self.message.chars().take(MAX_MESSAGE_CHARS).collect();
        let error = Obj::new()
            .text("errorCode", self.error_code)
            .text("message", &message)
            .text("url", HELP_URL);
        let body = Obj::new()
            .text("code", &self.status.to_string())
            .text("id", id)
            .text("message", "Что-то пошло не так")
            .raw("Errors", &array([error.end()]));
        HttpReply::new(self.status, "application/json", body.end())
    }
}
