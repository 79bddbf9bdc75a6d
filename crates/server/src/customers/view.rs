//! A saved account as the outside sees it: never its token.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    instruments::model::{AccountStatus, SavedAccount},
    kit::clock::iso,
};

/// A bank account that a customer saved, to be charged again.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    #[schema(example = "acc_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "saved_account")]
    pub object: &'static str,
    /// The shop's own number of the customer.
    #[schema(example = "client-17")]
    pub customer_id: String,
    /// pending, active, inactive.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    pub bank: String,
    /// What the payer agrees to.
    #[schema(example = "Подписка на кофе")]
    pub purpose: String,
    /// The payment that saved it; null when it was saved without paying.
    pub payment_id: Option<String>,
    /// What the payer opens on a phone or scans; null once it is decided.
    pub link: Option<String>,
    /// The payer's bank.
    pub payer_bank: Option<String>,
    pub created_at: String,
}

impl AccountView {
    pub fn new(account: &SavedAccount) -> AccountView {
        let is_pending = account.status == AccountStatus::Pending;
        AccountView {
            id: account.id.clone(),
            object: "saved_account",
            customer_id: account.customer_id.clone(),
            status: account.status.as_str(),
            bank: account.bank.clone(),
            purpose: account.purpose.clone(),
            payment_id: account.payment_id.clone(),
            link: is_pending.then(|| account.link.clone()),
            payer_bank: account.member_name.clone(),
            created_at: iso(account.created_ms),
        }
    }
}
