//! The one error of the API.
//!
//! A handler returns it; the outermost layer ([`super::request_id`]) renders it, since only that
//! layer knows the request's id. What is stored for an Idempotency-Key is rendered by hand.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kopeck_banks::op::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::{self, Code};
use crate::kit::db::DbError;

/// What went wrong, whose fault it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub code: String,
    pub status: u16,
    pub message: String,
    pub hint: String,
    /// The field at fault.
    pub param: Option<String>,
    /// The payment that the error is about, when it was stored before the bank refused it.
    pub payment_id: Option<String>,
    pub refund_id: Option<String>,
}

impl ApiError {
    /// With the table's own words.
    pub fn of(code: Code) -> ApiError {
        ApiError::new(code, code.about)
    }

    pub fn new(code: Code, message: impl Into<String>) -> ApiError {
        ApiError {
            code: code.code.to_owned(),
            status: code.status,
            message: message.into(),
            hint: code.action.to_owned(),
            param: None,
            payment_id: None,
            refund_id: None,
        }
    }

    #[must_use]
    pub fn param(self, param: impl Into<String>) -> ApiError {
        ApiError { param: Some(param.into()), ..self }
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> ApiError {
        ApiError { hint: hint.into(), ..self }
    }

    /// A refusal that was stored: code, message, hint.
    pub fn stored(code: &str, message: &str, hint: &str) -> ApiError {
        ApiError {
            code: code.to_owned(),
            status: codes::status_of(code),
            message: message.to_owned(),
            hint: hint.to_owned(),
            param: None,
            payment_id: None,
            refund_id: None,
        }
    }

    /// Something of ours failed: told to the log with all causes, to the caller without.
    pub fn internal(error: &anyhow::Error) -> ApiError {
        tracing::error!("request failed: {error:#}");
        match error.downcast_ref::<DbError>() {
            Some(DbError::Unavailable(_)) => ApiError::of(codes::DATABASE_UNAVAILABLE),
            Some(DbError::Taken(_) | DbError::Decode(_) | DbError::Other(_)) | None => {
                ApiError::of(codes::INTERNAL)
            }
        }
    }

    /// The body as JSON.
    pub fn render(&self, request_id: &str) -> Vec<u8> {
        let body = ErrorBody {
            error: ErrorView {
                code: &self.code,
                message: &self.message,
                hint: &self.hint,
                param: self.param.as_deref(),
                request_id,
                payment_id: self.payment_id.as_deref(),
                refund_id: self.refund_id.as_deref(),
            },
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> ApiError {
        ApiError::internal(&error.into())
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> ApiError {
        ApiError::internal(&error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        // The table's status for a code that it knows, else the class's.
        let status = codes::find_code(refusal.code)
            .map_or(codes::status_of_class(refusal.class), |row| row.status);
        ApiError {
            code: refusal.code.to_owned(),
            status,
            message: refusal.message,
            hint: refusal.hint,
            param: refusal.param.map(str::to_owned),
            payment_id: None,
            refund_id: None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = header::HeaderValue::from_static("5");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    pub error: ErrorView<'a>,
}

/// What is wrong and what to do.
#[derive(Serialize, ToSchema)]
pub struct ErrorView<'a> {
    /// Stable; programs branch on it. All codes: docs/reference/errors.md.
    #[schema(example = "amount_invalid")]
    pub code: &'a str,
    /// One sentence about what is wrong.
    pub message: &'a str,
    /// One sentence about what to do.
    pub hint: &'a str,
    /// The field at fault, if there is one.
    #[schema(example = "amount")]
    pub param: Option<&'a str>,
    /// The same as in the header `x-request-id` of the first answer; find it in the log.
    pub request_id: &'a str,
    /// The stored payment that the bank refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<&'a str>,
}
