//! The bank's JSON as structs. Requests are exact; replies are read leniently: unknown fields are
//! ignored and almost everything may be absent, so that a new field or a dropped one stops nothing.
//!
//! Amounts stay raw JSON text until [`crate::Money`] reads their digits: no float ever holds one.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// An amount or another number as the bank wrote it: `10`, `10.00` or `"10.00"`.
pub type Raw = Box<RawValue>;

/// The envelope of requests, webhook methods excepted.
#[derive(Serialize)]
pub struct Request<T> {
    #[serde(rename = "Data")]
    pub data: T,
}

/// `AcquiringCreatePaymentOperation(WithReceipt)RequestModel`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateLink<'a> {
    pub customer_code: &'a str,
    pub amount: Raw,
    pub purpose: &'a str,
    pub payment_mode: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_card: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_authorization: Option<bool>,
    pub ttl: u32,
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
pub struct Client<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    pub email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item<'a> {
    pub vat_type: &'static str,
    pub name: &'a str,
    /// The price of one unit, rubles.
    pub amount: Raw,
    pub quantity: Raw,
    pub payment_method: &'static str,
    pub payment_object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure: Option<&'static str>,
    #[serde(rename = "Supplier", skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Supplier<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Supplier<'a> {
    pub phone: &'a str,
    pub name: &'a str,
    pub tax_code: &'a str,
}

#[derive(Serialize)]
pub struct Refund {
    pub amount: Raw,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentRequest<'a> {
    pub permissions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date_time: Option<String>,
}

/// A webhook body: bare, without `Data`.
#[derive(Serialize)]
pub struct WebhookRequest<'a> {
    #[serde(rename = "webhooksList")]
    pub kinds: &'a [String],
    pub url: &'a str,
}

#[derive(Serialize)]
pub struct StatementRequest<'a> {
    #[serde(rename = "Statement")]
    pub statement: AskStatement<'a>,
}

/// Days, for all their names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskStatement<'a> {
    pub account_id: &'a str,
    pub start_date_time: String,
    pub end_date_time: String,
}

#[derive(Serialize)]
pub struct TestSend<'a> {
    #[serde(rename = "webhookType")]
    pub kind: &'a str,
}

/// The envelope of replies. `Meta.totalPages` is there even where nothing is paged.
#[derive(Deserialize)]
pub struct Reply<T> {
    #[serde(rename = "Data")]
    pub data: T,
    #[serde(rename = "Meta", default)]
    pub meta: Option<Meta>,
}

#[derive(Deserialize)]
pub struct Meta {
    #[serde(rename = "totalPages")]
    pub total_pages: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedLink {
    pub operation_id: String,
    pub payment_link: String,
}

#[derive(Deserialize)]
pub struct Operations {
    #[serde(rename = "Operation")]
    pub operations: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub operation_id: String,
    #[serde(default, deserialize_with = "text")]
    pub payment_link_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub payment_link: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub payment_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub paid_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub purpose: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub consumer_id: Option<String>,
    /// What happened to the money; absent means that the source does not tell.
    #[serde(rename = "Order")]
    pub orders: Option<Vec<Order>>,
    /// The card of a paid subscription without a schedule.
    #[serde(rename = "CofToken", default, deserialize_with = "lenient")]
    pub card: Option<CofToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CofToken {
    #[serde(default, deserialize_with = "text")]
    pub token_card_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub masked_pan: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    #[serde(default, deserialize_with = "text")]
    pub order_id: Option<String>,
    #[serde(rename = "type", default, deserialize_with = "text")]
    pub kind: Option<String>,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub time: Option<String>,
}

#[derive(Deserialize)]
pub struct BoolResult {
    pub result: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refunded {
    pub is_refund: bool,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub order_id: Option<String>,
}

#[derive(Deserialize)]
pub struct Registry {
    #[serde(rename = "Registry")]
    pub groups: Vec<RegistryGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryGroup {
    #[serde(default, deserialize_with = "text")]
    pub payment_type: Option<String>,
    pub payments: Vec<RegistryPayment>,
}

/// The register is bookkeeping: an amount that cannot be read makes it unreadable.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryPayment {
    pub operation_id: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    pub amount: Raw,
    pub commission: Raw,
    pub enrollment_amount: Raw,
}

#[derive(Deserialize)]
pub struct Retailers {
    #[serde(rename = "Retailer")]
    pub retailers: Vec<Retailer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retailer {
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    /// A boolean by the schema, the text "true" by the documentation.
    #[serde(default, deserialize_with = "text")]
    pub is_active: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub mcc: Option<String>,
    pub rate: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub merchant_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub terminal_id: Option<String>,
    #[serde(default)]
    pub payment_modes: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    pub cashbox: Option<String>,
}

#[derive(Deserialize)]
pub struct Customers {
    #[serde(rename = "Customer")]
    pub customers: Vec<Customer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    pub customer_code: String,
    #[serde(default, deserialize_with = "text")]
    pub customer_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub full_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub short_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub tax_code: Option<String>,
}

#[derive(Deserialize)]
pub struct Accounts {
    #[serde(rename = "Account")]
    pub accounts: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub account_id: String,
    #[serde(default, deserialize_with = "text")]
    pub customer_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub currency: Option<String>,
}

/// What is answered to asking for a statement.
#[derive(Deserialize)]
pub struct AskedStatement {
    #[serde(rename = "Statement")]
    pub statement: Statement,
}

/// What is answered to reading one: a list of it.
#[derive(Deserialize)]
pub struct Statements {
    #[serde(rename = "Statement")]
    pub statements: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(default, deserialize_with = "text")]
    pub statement_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(rename = "Transaction", default)]
    pub transactions: Option<Vec<Transaction>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    #[serde(default, deserialize_with = "text")]
    pub transaction_id: Option<String>,
    pub credit_debit_indicator: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub document_process_date: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub description: Option<String>,
    #[serde(rename = "Amount")]
    pub amount: TransactionAmount,
}

#[derive(Deserialize)]
pub struct TransactionAmount {
    pub amount: Raw,
}

#[derive(Deserialize)]
pub struct Webhook {
    #[serde(rename = "webhooksList", default)]
    pub kinds: Vec<String>,
    pub url: String,
}

/// OAuth's reply is bare.
#[derive(Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub expires_in: Option<String>,
}

/// The OpenAPI document types a created consent as a list, the documentation shows it bare.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Consents {
    List {
        #[serde(rename = "Consent")]
        consents: Vec<Consent>,
    },
    Bare(Vec<Consent>),
    One(Consent),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    pub consent_id: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default)]
    pub permissions: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    pub customer_code: Option<String>,
}

/// An error of the API, or of the OAuth server (RFC 6749 §5.2).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub message: Option<String>,
    #[serde(rename = "Errors")]
    pub errors: Option<Vec<ErrorItem>>,
    #[serde(deserialize_with = "text")]
    pub error: Option<String>,
    #[serde(deserialize_with = "text")]
    pub error_description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ErrorItem {
    #[serde(deserialize_with = "text")]
    pub message: Option<String>,
}

/// `acquiringInternetPayment`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentNotice {
    #[serde(default, deserialize_with = "text")]
    pub operation_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub payment_link_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub payment_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub purpose: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub consumer_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub token_card_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub masked_pan: Option<String>,
}

/// An object that may be something else one day: then it is absent.
pub fn lenient<'de, T: serde::de::DeserializeOwned, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(from)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Text where the bank wavers between a string, a number and a boolean; empty is absent, and so is
/// an object or a list. Never used for amounts.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    use serde_json::Value;
    let text = match Option::<Value>::deserialize(from)? {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => return Ok(None),
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}
