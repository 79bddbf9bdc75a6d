//! What a payer agreed to, read from a request and shown again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{amount, free_text};
use crate::{
    http::{
        ApiError, codes,
        json::{self, Raw, invalid, missing},
    },
    instruments::model::{Consent, Terms},
    kit::clock::iso,
};

const MAX_WORD_CHARS: usize = 100;
const MAX_AGENT_CHARS: usize = 500;

/// What the payer agreed to, as he was shown it. Kept as it is and never changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentInput {
    /// Which text he was shown, by the shop's own name of it.
    #[schema(value_type = String, example = "offer-2026-11")]
    text_version: Raw,
    /// Where he agreed: web, bot, phone.
    #[schema(value_type = String, example = "web")]
    channel: Raw,
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    ip: Raw,
    #[schema(value_type = Option<String>)]
    user_agent: Raw,
    /// The sum of each charge in rubles: none may take more.
    #[schema(value_type = Option<String>, example = "499.00")]
    amount: Raw,
    /// The most that one charge may take, where the sum differs.
    #[schema(value_type = Option<String>, example = "3000.00")]
    max_amount: Raw,
    /// How often, in the words he was shown.
    #[schema(value_type = Option<String>, example = "month")]
    period: Raw,
}

/// A consent as it was given.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    pub id: String,
    pub text_version: String,
    pub channel: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The most that one charge may take.
    #[schema(example = "499.00")]
    pub max_amount: Option<String>,
    pub period: Option<String>,
    pub given_at: String,
}

impl ConsentView {
    pub fn new(consent: &Consent) -> ConsentView {
        let terms = &consent.terms;
        ConsentView {
            id: consent.id.clone(),
            text_version: terms.text_version.clone(),
            channel: terms.channel.clone(),
            ip: terms.ip.clone(),
            user_agent: terms.user_agent.clone(),
            max_amount: terms.max.map(|max| max.to_rubles()),
            period: terms.period.clone(),
            given_at: iso(consent.given_ms),
        }
    }
}

/// Reads it; every error names the field inside.
pub fn read(raw: &Raw) -> Result<Option<Terms>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let inner = |error: ApiError| {
        let name = error.param.as_deref().map(|name| format!("consent.{name}"));
        ApiError { param: Some(name.unwrap_or_else(|| "consent".into())), ..error }
    };
    let input: ConsentInput = json::read(raw.get().as_bytes()).map_err(|error| {
        if error.code == codes::MALFORMED_JSON.code {
            return invalid("consent", "is not an object");
        }
        inner(error)
    })?;
    let text = |param: &str, raw: &Raw, max| free_text(param, raw, max).map_err(inner);
    let needed = |param: &str, raw: &Raw| {
        text(param, raw, MAX_WORD_CHARS)?.ok_or_else(|| inner(missing(param)))
    };
    let sum = |param: &str, raw: &Raw| {
        amount(raw, &None)
            .map_err(|error| ApiError { param: Some(format!("consent.{param}")), ..error })
    };
    let (fixed, most) = (sum("amount", &input.amount)?, sum("max_amount", &input.max_amount)?);
    if fixed.is_some() && most.is_some() {
        return Err(invalid("consent.max_amount", "does not go with consent.amount"));
    }
    Ok(Some(Terms {
        text_version: needed("text_version", &input.text_version)?,
        channel: needed("channel", &input.channel)?,
        ip: text("ip", &input.ip, MAX_WORD_CHARS)?,
        user_agent: text("user_agent", &input.user_agent, MAX_AGENT_CHARS)?,
        max: fixed.or(most),
        period: text("period", &input.period, MAX_WORD_CHARS)?,
    }))
}
