//! What may be asked for in a body, with the name of the field at fault in every error.

use kopeck_banks::op::CodeKind;
use serde::Deserialize;
use utoipa::ToSchema;

use super::flow::NewSale;
use crate::{
    http::{
        ApiError,
        json::{self, Raw, invalid, missing},
    },
    payments::request::amount,
    places::{flow::NewPlace, request::words},
};

const MAX_NAME_CHARS: usize = 80;
/// The bank takes 140; the sale's number takes eight.
const MAX_PURPOSE_CHARS: usize = 132;
const MAX_CLERK_CHARS: usize = 40;
/// The bank's own times of an arming.
const TTL_MINUTES: std::ops::RangeInclusive<i64> = 5..=20;
pub const DEFAULT_TTL_MINUTES: u32 = 5;

/// A desk to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDesk {
    /// Which till it is: 1 to 80 characters.
    #[schema(value_type = String, example = "Касса 1")]
    pub name: Raw,
    /// The bank's word or a connection's id, when several are connected.
    #[schema(value_type = Option<String>)]
    pub bank: Raw,
}

/// A sum to be paid at a desk.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Rubles.
    #[schema(value_type = Option<String>, example = "1500.00")]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// What the payer reads; the desk's name if absent. At most 132 characters.
    #[schema(value_type = Option<String>)]
    pub purpose: Raw,
    /// How long the code waits: 5 to 20; 5 if absent.
    #[schema(value_type = Option<i64>)]
    pub ttl_minutes: Raw,
    /// Who charges: a second clerk is told.
    #[schema(value_type = Option<String>, example = "Анна")]
    pub clerk: Raw,
}

impl CreateDesk {
    pub fn read(&self) -> Result<NewPlace, ApiError> {
        let name = words("name", &self.name, MAX_NAME_CHARS)?.ok_or_else(|| missing("name"))?;
        Ok(NewPlace {
            kind: CodeKind::Desk,
            name,
            amount: None,
            vat: None,
            purpose: None,
            ttl_minutes: None,
        })
    }
}

impl Charge {
    pub fn read(&self) -> Result<NewSale, ApiError> {
        let sum = amount(&self.amount, &self.amount_kopecks)?;
        let ttl = json::whole("ttl_minutes", &self.ttl_minutes)?;
        if ttl.is_some_and(|ttl| !TTL_MINUTES.contains(&ttl)) {
            return Err(invalid("ttl_minutes", "takes 5 to 20"));
        }
        let ttl = ttl.and_then(|ttl| u32::try_from(ttl).ok());
        Ok(NewSale {
            amount: sum.ok_or_else(|| missing("amount"))?,
            purpose: words("purpose", &self.purpose, MAX_PURPOSE_CHARS)?,
            ttl_minutes: ttl.unwrap_or(DEFAULT_TTL_MINUTES),
            clerk: words("clerk", &self.clerk, MAX_CLERK_CHARS)?,
        })
    }
}
