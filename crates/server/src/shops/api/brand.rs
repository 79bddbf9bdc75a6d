//! How a shop looks to its payers: read and changed by the shop's own programs.

use axum::{body::Bytes, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{
        Answer, ApiError, Caller, Server,
        error::ErrorBody,
        json::{self, Raw},
    },
    shops::{
        brand::{Color, Logo, LogoProblem, MAX_LOGO_BYTES, logo_path},
        flow,
    },
};

/// How payers' pages look. The shop's name stands on them too.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandView {
    #[schema(value_type = String, example = "brand")]
    pub object: &'static str,
    /// The colour of buttons and links; what is written on it is black or white, and where it could
    /// not be read it becomes darker or lighter by itself.
    #[schema(example = "#0a7a3d")]
    pub accent: Option<String>,
    /// Where payers' browsers fetch the logo.
    pub logo_url: Option<String>,
}

/// What is left out is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutBrand {
    /// Six hexadecimal digits after a `#`.
    #[schema(value_type = Option<String>, example = "#0a7a3d")]
    accent: Raw,
}

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(get_brand, put_brand))
        .routes(routes!(put_logo, delete_logo))
}

async fn show(server: &Server, shop_id: &str) -> Result<Answer, ApiError> {
    let brand = flow::get_brand(&server.ctx, shop_id).await?;
    let url = |hash: &str| format!("{}{}", server.ctx.public_url, logo_path(shop_id, hash));
    let view = BrandView {
        object: "brand",
        accent: brand.accent.map(Color::to_css),
        logo_url: brand.logo.map(|(_, hash)| url(&hash)),
    };
    Answer::json(200, &view)
}

/// Get the looks
///
/// The colour and the logo on payers' pages.
#[utoipa::path(get, path = "/v1/brand", tag = "shop",
    responses(
        (status = 200, description = "The looks", body = BrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_brand(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    show(&server, &caller.shop_id).await
}

/// Replace the colour
///
/// The logo stays as it is.
#[utoipa::path(put, path = "/v1/brand", tag = "shop", request_body = PutBrand,
    responses(
        (status = 200, description = "The looks", body = BrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "It is no colour", body = ErrorBody)))]
async fn put_brand(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked = json::read::<PutBrand>(&body)?;
    let accent = json::string("accent", &asked.accent)?;
    let accent = accent.map(|text| {
        Color::parse(&text).ok_or_else(|| json::invalid("accent", "is not a colour like #0a7a3d"))
    });
    flow::save_accent(&server.ctx, &caller.shop_id, accent.transpose()?).await?;
    show(&server, &caller.shop_id).await
}

/// Replace the logo
///
/// The body is the picture itself: a PNG, JPEG or WebP of at most 64 KiB. It is shown 40 pixels
/// high.
#[utoipa::path(put, path = "/v1/brand/logo", tag = "shop",
    request_body(content = String, content_type = "image/png"),
    responses(
        (status = 200, description = "The looks", body = BrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "It is no such picture", body = ErrorBody)))]
async fn put_logo(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let logo = Logo::read(body.to_vec()).map_err(|problem| refuse_logo("logo", problem))?;
    flow::save_logo(&server.ctx, &caller.shop_id, Some(logo)).await?;
    show(&server, &caller.shop_id).await
}

/// What to say of a picture that is not taken.
pub fn refuse_logo(param: &str, problem: LogoProblem) -> ApiError {
    match problem {
        LogoProblem::Large => {
            json::invalid(param, &format!("is larger than {} KiB", MAX_LOGO_BYTES / 1024))
        }
        LogoProblem::Unknown => json::invalid(param, "is neither a PNG nor a JPEG nor a WebP"),
    }
}

/// Take the logo away
///
/// The shop's name stands alone again.
#[utoipa::path(delete, path = "/v1/brand/logo", tag = "shop",
    responses(
        (status = 200, description = "The looks", body = BrandView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn delete_logo(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    flow::save_logo(&server.ctx, &caller.shop_id, None).await?;
    show(&server, &caller.shop_id).await
}
