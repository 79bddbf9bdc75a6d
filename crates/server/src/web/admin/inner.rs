//! The dashboard as a client of the API: its forms call the API's own routes within the process,
//! so whatever can be done by a click can be done by a program, and its rules are written once.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{HeaderValue, Method, Request, header, request::Parts},
};
use serde_json::Value;
use tower::ServiceExt as _;

use super::guest::Guest;
use crate::{
    http::{ApiError, Caller, RequestId, codes},
    web::admin::door::form_escape,
};

/// The largest answer of the API: a page of a hundred payments is some 200 KiB.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// The API without its door of keys. Whoever is handed it has been let in by the guard.
#[derive(Clone, Debug)]
pub struct Inner(Router);

impl Inner {
    pub fn new(api: Router) -> Inner {
        Inner(api)
    }

    pub async fn get(&self, guest: &Guest, path: &str) -> Result<Value, ApiError> {
        self.call(guest, (Method::GET, path), None, None).await
    }

    /// `key` makes a second click the same request.
    pub async fn post(
        &self,
        guest: &Guest,
        path: &str,
        key: Option<&str>,
        body: Value,
    ) -> Result<Value, ApiError> {
        self.call(guest, (Method::POST, path), key, Some(body)).await
    }

    pub async fn call(
        &self,
        guest: &Guest,
        (method, path): (Method, &str),
        key: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, ApiError> {
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(path);
        let mut request = request.body(body).map_err(|_| ApiError::of(codes::ROUTE_NOT_FOUND))?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            request.headers_mut().insert("idempotency-key", key);
        }
        let caller = Caller { shop_id: guest.shop_id(), key_id: guest.member.id.clone() };
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(RequestId("req_dashboard".to_owned()));
        let mut response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            return Err(error);
        }
        let is_good = response.status().is_success();
        let bytes = to_bytes(response.into_body(), MAX_ANSWER).await;
        let bytes = bytes.map_err(anyhow::Error::from)?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if is_good { Ok(value) } else { Err(of_body(&value)) }
    }
}

/// An answer that was given before, and refused.
fn of_body(value: &Value) -> ApiError {
    let error = &value["error"];
    let text = |name: &str| error[name].as_str().unwrap_or("").to_owned();
    if text("code").is_empty() {
        return ApiError::of(codes::INTERNAL);
    }
    // A bank's own code is in no table of ours.
    let mut refused = ApiError::stored(&text("code"), &text("message"), &text("hint"));
    refused.param = error["param"].as_str().map(str::to_owned);
    refused
}

impl<S: Sync> FromRequestParts<S> for Inner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Inner, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::INTERNAL))
    }
}

/// One part of a path of the API.
pub fn part(text: &str) -> String {
    form_escape(text).replace('/', "%2F")
}
