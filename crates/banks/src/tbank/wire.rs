//! What we send, as JSON text: members in the order of writing, absent ones left out, since the
//! bank hashes every scalar that it receives, the empty ones included.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::money::Money;

/// A body in the making.
#[derive(Debug, Default)]
pub struct Body(Vec<(&'static str, Box<RawValue>)>);

impl Body {
    pub fn new(terminal_key: &str) -> Body {
        Body::default().text("TerminalKey", Some(terminal_key))
    }

    /// An absent text and an empty one are the same.
    #[must_use]
    pub fn text(self, name: &'static str, value: Option<&str>) -> Body {
        self.put(name, value.filter(|text| !text.is_empty()))
    }

    #[must_use]
    pub fn kopecks(self, name: &'static str, value: Option<Money>) -> Body {
        self.put(name, value.map(Money::kopecks))
    }

    #[must_use]
    pub fn put(mut self, name: &'static str, value: Option<impl Serialize>) -> Body {
        // Serialising our own plain values cannot fail: string keys only, no foreign Serialize.
        if let Some(raw) = value.and_then(|value| serde_json::value::to_raw_value(&value).ok()) {
            self.0.push((name, raw));
        }
        self
    }

    pub fn to_json(&self) -> String {
        let members = self.0.iter().map(|(name, raw)| format!("\"{name}\":{}", raw.get()));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receipt<'a> {
    pub ffd_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Cow<'a, str>>,
    pub taxation: &'static str,
    pub items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<Payments>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item<'a> {
    pub name: &'a str,
    pub price: i64,
    pub quantity: Box<RawValue>,
    pub amount: i64,
    pub tax: &'static str,
    pub payment_method: &'static str,
    pub payment_object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measurement_unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark_processing_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark_code: Option<MarkCode<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_data: Option<Agent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier_info: Option<Supplier<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MarkCode<'a> {
    pub mark_code_type: String,
    pub value: &'a str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Agent<'a> {
    pub agent_sign: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub phones: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub receiver_phones: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub transfer_phones: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_inn: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Supplier<'a> {
    pub phones: [&'a str; 1],
    pub name: &'a str,
    pub inn: &'a str,
}

/// `Receipt.Payments`, kopecks.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Payments {
    pub cash: i64,
    pub electronic: i64,
    pub advance_payment: i64,
    pub credit: i64,
    pub provision: i64,
}
