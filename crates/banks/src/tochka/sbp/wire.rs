//! The bank's JSON about SBP as structs; the rules are those of the folder's `wire`. Amounts of
//! codes are whole kopecks, of refunds and notices rubles as text.

use serde::{Deserialize, Serialize};

use crate::tochka::wire::{Raw, text};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterCompany<'a> {
    pub customer_code: &'a str,
    pub bank_code: &'a str,
}

#[derive(Serialize)]
pub struct SetStatus {
    pub status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterPoint<'a> {
    pub address: &'a str,
    pub city: &'a str,
    pub country_code: &'static str,
    pub country_sub_division_code: &'a str,
    pub zip_code: &'a str,
    pub brand_name: &'a str,
    pub capabilities: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_phone_number: Option<&'a str>,
    pub mcc: &'a str,
    pub scenario: &'static str,
    pub sales_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterCode<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    pub currency: &'static str,
    pub payment_purpose: &'a str,
    pub qrc_type: &'static str,
    pub source_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterInvoice<'a> {
    pub amount: i64,
    pub payment_purpose: &'a str,
    pub source_name: &'static str,
    pub take_tax: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tax_amount: Option<i64>,
    pub ttl: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uip: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterDesk<'a> {
    pub merchant_id: &'a str,
    pub account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Activate<'a> {
    pub amount: i64,
    pub currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_purpose: Option<&'a str>,
    pub ttl: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MoveDesk<'a> {
    pub account_id: &'a str,
}

/// Rubles as text here, unlike anywhere else in SBP.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartRefund<'a> {
    pub bank_code: &'a str,
    pub account_code: &'a str,
    pub amount: String,
    pub currency: &'static str,
    pub qrc_id: &'a str,
    pub purpose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ref_transaction_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trx_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompanyId {
    pub legal_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    pub legal_id: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub inn: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub customer_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(rename = "MerchantList", default)]
    pub points: Option<Vec<Point>>,
    #[serde(rename = "AccountList", default)]
    pub accounts: Option<Vec<Account>>,
}

#[derive(Deserialize)]
pub struct Points {
    #[serde(rename = "MerchantList")]
    pub points: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PointId {
    pub merchant_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    pub merchant_id: String,
    #[serde(default, deserialize_with = "text")]
    pub legal_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub brand_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub address: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub city: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub mcc: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub capabilities: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
}

#[derive(Deserialize)]
pub struct Accounts {
    #[serde(rename = "AccountList")]
    pub accounts: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub account_id: String,
    #[serde(default, deserialize_with = "text")]
    pub legal_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
}

/// A code of any kind, just registered or read later: each source tells a part of this.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Code {
    pub qrc_id: String,
    pub payload: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub qrc_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub merchant_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub legal_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub account_id: Option<String>,
    pub amount: Option<Raw>,
    pub take_tax: Option<bool>,
    pub total_tax_amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub payment_purpose: Option<String>,
    /// Text of minutes in one kind, a number in another.
    #[serde(default, deserialize_with = "text")]
    pub ttl: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub created_at: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub params_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub uip: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub redirect_url: Option<String>,
}

#[derive(Deserialize)]
pub struct Codes {
    #[serde(rename = "qrCodeList")]
    pub codes: Vec<Code>,
}

#[derive(Deserialize)]
pub struct Desks {
    #[serde(rename = "qrCodes")]
    pub codes: Vec<Code>,
}

#[derive(Deserialize)]
pub struct States {
    #[serde(rename = "paymentList")]
    pub states: Vec<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    pub qrc_id: String,
    #[serde(default, deserialize_with = "text")]
    pub code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub message: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub trx_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activated {
    pub params_id: String,
    pub amount: Raw,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedDesk {
    pub account_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeskState {
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub params_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeskPayment {
    #[serde(default, deserialize_with = "text")]
    pub qr_code_status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub trx_status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub trx_id: Option<String>,
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub date_time: Option<String>,
    /// The payer's phone, its beginning hidden by the bank.
    #[serde(default, deserialize_with = "text")]
    pub payer_id: Option<String>,
}

#[derive(Deserialize)]
pub struct Payments {
    #[serde(rename = "Payments")]
    pub payments: Vec<Payment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub qrc_id: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub message: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub ref_transaction_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    pub request_id: String,
    #[serde(default, deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub status_description: Option<String>,
}

/// `incomingSbpPayment` and `incomingSbpB2BPayment`; the latter has no ids but the code's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    #[serde(default, deserialize_with = "text")]
    pub qrc_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub operation_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub ref_transaction_id: Option<String>,
    /// Rubles as text.
    pub amount: Option<Raw>,
    #[serde(default, deserialize_with = "text")]
    pub payer_mobile_number: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub payer_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub merchant_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub purpose: Option<String>,
}

/// The operator's list of banks.
#[derive(Deserialize)]
pub struct Members {
    pub dictionary: Vec<Member>,
}

#[derive(Deserialize)]
pub struct Member {
    #[serde(rename = "bankName")]
    pub bank_name: Option<String>,
    #[serde(rename = "logoURL")]
    pub logo_url: Option<String>,
    pub schema: Option<String>,
}
