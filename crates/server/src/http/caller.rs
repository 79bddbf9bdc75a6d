//! Who is calling. A layer above (`shops::api::authenticate`) puts it into the request; a handler
//! that takes it cannot be reached without a key, and reads only this shop's rows.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{ApiError, codes};

/// The shop whose key came with the request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub shop_id: String,
    pub key_id: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, ApiError> {
        // Absent only if a route forgot the layer: closed, not open.
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::API_KEY_MISSING))
    }
}
