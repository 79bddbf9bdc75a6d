//! What customers saved, as the outside sees it: never a token.

use serde::Serialize;
use utoipa::ToSchema;

use super::flow::Shown;
use crate::{
    instruments::model::InstrumentStatus, kit::clock::iso, payments::consent::ConsentView,
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
    /// What he agreed to, where the shop said it.
    pub consent: Option<ConsentView>,
    /// When he took it back.
    pub withdrawn_at: Option<String>,
    pub created_at: String,
}

impl AccountView {
    pub fn new((own, consent): &Shown) -> AccountView {
        let is_pending = own.status == InstrumentStatus::Pending;
        AccountView {
            id: own.id.clone(),
            object: "saved_account",
            customer_id: own.customer_id.clone(),
            status: own.status.as_str(),
            bank: own.bank.clone(),
            purpose: own.purpose.clone(),
            payment_id: own.payment_id.clone(),
            link: is_pending.then(|| own.link.clone()),
            payer_bank: own.member_name.clone(),
            consent: consent.as_ref().map(ConsentView::new),
            withdrawn_at: own.withdrawn_ms.map(iso),
            created_at: iso(own.created_ms),
        }
    }
}

/// A card that a customer saved, to be charged again.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardView {
    #[schema(example = "card_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "saved_card")]
    pub object: &'static str,
    /// The shop's own number of the customer.
    #[schema(example = "client-17")]
    pub customer_id: String,
    /// pending, active, inactive.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    pub bank: String,
    /// What the payment that saved it was for.
    pub purpose: String,
    /// The payment that saved it.
    pub payment_id: Option<String>,
    /// The number with its middle hidden.
    #[schema(example = "430000******0777")]
    pub masked: Option<String>,
    /// Month and year, MMYY.
    #[schema(example = "1230")]
    pub expires: Option<String>,
    pub consent: Option<ConsentView>,
    /// When the payer took it back.
    pub withdrawn_at: Option<String>,
    /// When the bank forgot it, too.
    pub removed_at: Option<String>,
    pub created_at: String,
}

impl CardView {
    pub fn new((own, consent): &Shown) -> CardView {
        CardView {
            id: own.id.clone(),
            object: "saved_card",
            customer_id: own.customer_id.clone(),
            status: own.status.as_str(),
            bank: own.bank.clone(),
            purpose: own.purpose.clone(),
            payment_id: own.payment_id.clone(),
            masked: own.member_name.clone(),
            expires: own.expires.clone(),
            consent: consent.as_ref().map(ConsentView::new),
            withdrawn_at: own.withdrawn_ms.map(iso),
            removed_at: own.removed_ms.map(iso),
            created_at: iso(own.created_ms),
        }
    }
}
