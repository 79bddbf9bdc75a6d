//! What may be asked for in a body, with the name of the field at fault in every error.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    http::{
        ApiError,
        json::{Raw, invalid, missing},
        text,
    },
    payments::{
        flow::NewPayment,
        request::{MAX_CUSTOMER_ID_CHARS, amount},
    },
    places::request::words,
};

const MAX_PURPOSE_CHARS: usize = 140;
const MAX_ID_CHARS: usize = 100;

/// An account to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindAccount {
    /// What the payer agrees to, 1 to 140 characters.
    #[schema(value_type = String, example = "Подписка на кофе")]
    pub purpose: Raw,
    /// The bank's word or a connection's id, when several are connected.
    #[schema(value_type = Option<String>)]
    pub bank: Raw,
}

/// A sum to be taken from a saved account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeAccount {
    /// Rubles.
    #[schema(value_type = Option<String>, example = "499.00")]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// What is paid for; the payer sees it. At most 140 characters.
    #[schema(value_type = String, example = "Подписка, декабрь")]
    pub purpose: Raw,
    /// The shop's own number, up to 100 characters; need not be unique.
    #[schema(value_type = Option<String>)]
    pub order_id: Raw,
}

impl BindAccount {
    pub fn purpose(&self) -> Result<String, ApiError> {
        words("purpose", &self.purpose, MAX_PURPOSE_CHARS)?.ok_or_else(|| missing("purpose"))
    }
}

impl ChargeAccount {
    /// What is to be paid; how, follows from the account.
    pub fn read(&self) -> Result<NewPayment, ApiError> {
        let purpose = words("purpose", &self.purpose, MAX_PURPOSE_CHARS)?;
        Ok(NewPayment {
            amount: amount(&self.amount, &self.amount_kopecks)?.ok_or_else(|| missing("amount"))?,
            purpose: purpose.ok_or_else(|| missing("purpose"))?,
            order_id: words("order_id", &self.order_id, MAX_ID_CHARS)?,
            metadata: "{}".to_owned(),
            ..NewPayment::default()
        })
    }
}

/// The shop's number of a customer, as it stands in the address.
pub fn customer_id(text: &str) -> Result<String, ApiError> {
    if text.trim().is_empty() {
        return Err(invalid("customer_id", "is empty"));
    }
    text::check("customer_id", text, MAX_CUSTOMER_ID_CHARS)?;
    Ok(text.to_owned())
}
