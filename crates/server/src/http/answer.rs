//! An answer as bytes, so that the same answer can be given again.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::ApiError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &impl Serialize) -> Result<Answer, ApiError> {
        let body = serde_json::to_vec(body).map_err(|e| ApiError::internal(&e.into()))?;
        Ok(Answer { status, body })
    }

    /// A refusal as bytes.
    pub fn refused(error: &ApiError, request_id: &str) -> Answer {
        Answer { status: error.status, body: error.render(request_id) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
