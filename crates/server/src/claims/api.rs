//! The route of claims.

use axum::{body::Bytes, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow::{self, Problem},
    model::Claim,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::{self, Raw, invalid, missing},
        text,
    },
    kit::clock::iso,
};

const MAX_WORD_CHARS: usize = 100;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(create_claim))
}

/// What is to be handed out, and to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateClaim {
    #[schema(value_type = String, example = "pay_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    payment_id: Raw,
    /// What is handed out: 1 to 100 characters.
    #[schema(value_type = String, example = "access")]
    purpose: Raw,
    /// Who hands it out: 1 to 100 characters; the API key if absent.
    #[schema(value_type = Option<String>, example = "bot-1")]
    claimer: Raw,
}

/// A grant: whoever holds it hands out, and nobody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimView {
    #[schema(value_type = String, example = "claim")]
    pub object: &'static str,
    pub payment_id: String,
    #[schema(example = "access")]
    pub purpose: String,
    #[schema(example = "bot-1")]
    pub claimer: String,
    /// When it was first granted; the same in every repetition.
    pub claimed_at: String,
}

impl ClaimView {
    fn new(claim: &Claim) -> ClaimView {
        ClaimView {
            object: "claim",
            payment_id: claim.payment_id.clone(),
            purpose: claim.purpose.clone(),
            claimer: claim.claimer.clone(),
            claimed_at: iso(claim.claimed_ms),
        }
    }
}

fn word(param: &str, raw: &Raw) -> Result<Option<String>, ApiError> {
    let Some(word) = json::string(param, raw)? else { return Ok(None) };
    if word.trim().is_empty() {
        return Err(invalid(param, "is empty"));
    }
    text::check(param, &word, MAX_WORD_CHARS)?;
    Ok(Some(word))
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> ApiError {
        match problem {
            Problem::NoSuchPayment => ApiError::of(codes::PAYMENT_NOT_FOUND).param("payment_id"),
            Problem::NotPaid(status) => {
                let message = format!("The payment is `{}`, not paid.", status.as_str());
                ApiError::new(codes::PAYMENT_NOT_PAID, message).param("payment_id")
            }
            Problem::Claimed(earlier) => {
                let (purpose, claimer, at) =
                    (&earlier.purpose, &earlier.claimer, iso(earlier.claimed_ms));
                let message = format!("`{purpose}` went to `{claimer}` at {at}.");
                ApiError::new(codes::ALREADY_CLAIMED, message)
            }
            Problem::Db(error) => error.into(),
        }
    }
}

/// Claim what a payment entitles to
///
/// Ask before you hand out: of all claimers of one payment and purpose one is told yes. The same
/// claimer gets the same answer again, so a request whose answer was lost is simply repeated;
/// another one gets `already_claimed`. A payment that is not paid cannot be claimed; a grant stays
/// when the money goes back later.
#[utoipa::path(post, path = "/v1/claims", tag = "payments", request_body = CreateClaim,
    responses(
        (status = 200, description = "Granted, now or before: hand it out", body = ClaimView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "Somebody else has it, or the payment is not paid",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_claim(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let input: CreateClaim = json::read(&body)?;
    let payment_id =
        json::string("payment_id", &input.payment_id)?.ok_or_else(|| missing("payment_id"))?;
    let purpose = word("purpose", &input.purpose)?.ok_or_else(|| missing("purpose"))?;
    let claimer = word("claimer", &input.claimer)?.unwrap_or_else(|| caller.key_id.clone());
    let ctx = server.ctx.clone();
    let claim: Result<Claim, Problem> = server
        .ctx
        .db
        .write(move |tx| flow::claim(tx, &ctx, &caller.shop_id, (&payment_id, &purpose), &claimer))
        .await;
    Answer::json(200, &ClaimView::new(&claim?))
}
