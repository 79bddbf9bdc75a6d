//! What may be asked for in a body, with the name of the field at fault in every error.

use kopeck_banks::op::CodeKind;
use serde::Deserialize;
use utoipa::ToSchema;

use super::flow::NewPlace;
use crate::{
    http::{
        ApiError, codes,
        json::{self, Raw, invalid, missing},
        text,
    },
    payments::request::amount,
};

/// On a poster the name stands on two lines at most.
const MAX_NAME_CHARS: usize = 80;
/// The bank takes 140; the place's number takes eight.
const MAX_PURPOSE_CHARS: usize = 132;
/// The bank's own longest life: 90 days.
const MAX_TTL_MINUTES: i64 = 129_600;

/// A static code to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePlace {
    /// Where it will hang: 1 to 80 characters.
    #[schema(value_type = String, example = "ресепшен, Тверская")]
    pub name: Raw,
    /// Rubles; without it the payer enters the sum.
    #[schema(value_type = Option<String>, example = "350.00")]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// What the payer reads; the name if there is none. At most 132 characters.
    #[schema(value_type = Option<String>)]
    pub purpose: Raw,
    /// The bank's word or a connection's id, when several are connected.
    #[schema(value_type = Option<String>)]
    pub bank: Raw,
}

/// A code that one company pays once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvoice {
    /// Rubles, at most a million.
    #[schema(value_type = Option<String>, example = "120000.00")]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// The VAT within the amount, in rubles; null or absent: without VAT.
    #[schema(value_type = Option<String>, example = "21639.34")]
    pub vat: Raw,
    /// What it is for, as the company's accountants read it. At most 132 characters.
    #[schema(value_type = String)]
    pub purpose: Raw,
    /// How the list calls it; the purpose's beginning if absent.
    #[schema(value_type = Option<String>)]
    pub name: Raw,
    /// 1 to 129600; three days if absent.
    #[schema(value_type = Option<i64>)]
    pub ttl_minutes: Raw,
    #[schema(value_type = Option<String>)]
    pub bank: Raw,
}

impl CreatePlace {
    pub fn read(&self) -> Result<NewPlace, ApiError> {
        let name = words("name", &self.name, MAX_NAME_CHARS)?.ok_or_else(|| missing("name"))?;
        Ok(NewPlace {
            kind: CodeKind::Static,
            name,
            amount: amount(&self.amount, &self.amount_kopecks)?,
            vat: None,
            purpose: words("purpose", &self.purpose, MAX_PURPOSE_CHARS)?,
            ttl_minutes: None,
        })
    }
}

impl CreateInvoice {
    pub fn read(&self) -> Result<NewPlace, ApiError> {
        let sum = amount(&self.amount, &self.amount_kopecks)?;
        let purpose = words("purpose", &self.purpose, MAX_PURPOSE_CHARS)?;
        let purpose = purpose.ok_or_else(|| missing("purpose"))?;
        let name = words("name", &self.name, MAX_NAME_CHARS)?;
        let vat = amount(&self.vat, &None).map_err(|error| error.param("vat"))?;
        let sum = sum.ok_or_else(|| missing("amount"))?;
        if vat.is_some_and(|vat| vat >= sum) {
            let message = "The VAT is a part of the amount and must be less than it.";
            return Err(ApiError::new(codes::AMOUNT_INVALID, message).param("vat"));
        }
        let ttl = json::whole("ttl_minutes", &self.ttl_minutes)?;
        let is_good = |ttl: &i64| (1..=MAX_TTL_MINUTES).contains(ttl);
        if ttl.is_some_and(|ttl| !is_good(&ttl)) {
            return Err(invalid("ttl_minutes", &format!("takes 1 to {MAX_TTL_MINUTES}")));
        }
        Ok(NewPlace {
            kind: CodeKind::Invoice,
            name: name.unwrap_or_else(|| purpose.chars().take(MAX_NAME_CHARS).collect()),
            amount: Some(sum),
            vat,
            purpose: Some(purpose),
            ttl_minutes: ttl.and_then(|ttl| u32::try_from(ttl).ok()),
        })
    }
}

/// Text without the spaces around it; an empty one is none.
pub fn words(param: &str, raw: &Raw, max_chars: usize) -> Result<Option<String>, ApiError> {
    let found = json::string(param, raw)?.map(|text| text.trim().to_owned());
    let found = found.filter(|text| !text.is_empty());
    found.iter().try_for_each(|found| text::check(param, found, max_chars))?;
    Ok(found)
}
