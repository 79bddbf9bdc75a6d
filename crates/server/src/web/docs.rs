//! The description of the API.
use crate::http::Server;
use axum::Router;
use utoipa::openapi::OpenApi;
pub fn base() -> OpenApi {
    utoipa::openapi::OpenApiBuilder::new().build()
}
pub fn routes(_document: &OpenApi) -> Router<Server> {
    Router::new()
}
