//! Gives every request an id, a log line and, if it failed, the body of its error.

use axum::{
    body::Body,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::{ApiError, Server, codes};

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Ours alone: an id taken from the caller could be anything in our log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<RequestId, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::INTERNAL))
    }
}

/// The outermost layer. Logs the route's pattern, never the path or the query, which may name
/// people.
pub async fn layer(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let id = server.ctx.mint.id("req");
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "-".to_owned());
    let method = request.method().clone();
    let span = tracing::info_span!("request", request_id = id, %method, route);
    let started_ms = server.ctx.now_ms();
    let response = next.run(request).instrument(span.clone()).await;
    let response = finish(response, &id);
    let (status, took_ms) = (response.status().as_u16(), server.ctx.now_ms() - started_ms);
    span.in_scope(|| tracing::info!(status, took_ms, "{method} {route} {status}"));
    response
}

fn finish(mut response: Response, id: &str) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let body = error.render(id);
        tracing::debug!(code = error.code, "refused");
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
