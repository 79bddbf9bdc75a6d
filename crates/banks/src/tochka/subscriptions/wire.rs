//! The bank's JSON about subscriptions as structs, exact in requests and lenient in replies.

use serde::{Deserialize, Serialize};

use crate::tochka::wire::{Client, CofToken, Item, Raw, Supplier, lenient, text};

/// `AcquiringCreateSubscription(WithReceipt)RequestModel`. Never `saveCard`: with `recurring` it
/// makes every charge after the first payment fail.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    pub customer_code: &'a str,
    pub amount: Raw,
    pub purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<&'a str>,
    /// One of these two, never both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurring: Option<bool>,
    #[serde(rename = "Options", skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    pub payment_link_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system_code: Option<&'static str>,
    #[serde(rename = "Client", skip_serializing_if = "Option::is_none")]
    pub client: Option<Client<'a>>,
    #[serde(rename = "Items", skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item<'a>>,
    #[serde(rename = "Supplier", skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Supplier<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    pub tranche_count: u32,
    pub period: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_in_period: Option<u32>,
}

#[derive(Serialize)]
pub struct SetStatus {
    pub status: &'static str,
}

#[derive(Serialize)]
pub struct Charge {
    pub amount: Raw,
}

#[derive(Deserialize)]
pub struct Status {
    pub status: String,
}

#[derive(Deserialize)]
pub struct Subscriptions {
    #[serde(rename = "Subscription")]
    pub subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub operation_id: String,
    #[serde(default, deserialize_with = "text")]
    pub payment_link_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub payment_link: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub purpose: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub consumer_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub recurring: Option<String>,
    #[serde(rename = "Options", default, deserialize_with = "lenient")]
    pub options: Option<ShownOptions>,
    #[serde(rename = "CofToken", default, deserialize_with = "lenient")]
    pub card: Option<CofToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownOptions {
    #[serde(default, deserialize_with = "text")]
    pub tranche_count: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub period: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub days_in_period: Option<String>,
}
