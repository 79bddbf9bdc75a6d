//! A place as the outside sees it.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Place, Totals};
use crate::{kit::clock::iso, payments::view::FailureView};

/// A code that lives by itself: on a wall, or sent to a company.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceView {
    #[schema(example = "plc_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "place")]
    pub object: &'static str,
    /// static, desk, invoice.
    #[schema(value_type = String, example = "static")]
    pub kind: &'static str,
    /// opening, active, suspended, failed.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    /// Where it hangs.
    #[schema(example = "ресепшен, Тверская")]
    pub name: String,
    /// Rubles with two decimals; null when the payer enters the sum.
    #[schema(example = "350.00")]
    pub amount: Option<String>,
    pub amount_kopecks: Option<i64>,
    /// The VAT within the amount of an invoice; null without VAT.
    pub vat_kopecks: Option<i64>,
    #[schema(value_type = String, example = "RUB")]
    pub currency: &'static str,
    /// What the payer reads; its number at the end is this place's.
    #[schema(example = "ресепшен, Тверская №7Q2MKD")]
    pub purpose: String,
    pub bank: String,
    /// The code's id in SBP, once the bank made it.
    pub code_id: Option<String>,
    /// What the picture holds and phones open.
    #[schema(example = "https://qr.nspk.ru/AS1000670LSS7DN18SJQDNP4B05KLJL2")]
    pub payload: Option<String>,
    /// Our page with the code, to show and to print.
    pub page_url: String,
    /// Payments by it with a known sum, and their sum before refunds.
    pub payments_count: i64,
    pub paid_kopecks: i64,
    /// Payments that the bank lists and whose sums are not told yet: they become payments when the
    /// statement tells.
    pub unsummed_count: i64,
    /// Payments that came while it was suspended: take the paper off the wall.
    pub late_count: i64,
    /// Why the bank refused to make it.
    pub failure: Option<FailureView>,
    /// Until when an invoice can be paid; null: without end.
    pub expires_at: Option<String>,
    pub suspended_at: Option<String>,
    pub created_at: String,
}

impl PlaceView {
    pub fn new(place: &Place, totals: Totals, public_url: &str) -> PlaceView {
        PlaceView {
            id: place.id.clone(),
            object: "place",
            kind: place.kind.as_str(),
            status: place.state().as_str(),
            name: place.name.clone(),
            amount: place.amount.map(|amount| amount.to_rubles()),
            amount_kopecks: place.amount.map(|amount| amount.kopecks()),
            vat_kopecks: place.vat.map(|vat| vat.kopecks()),
            currency: "RUB",
            purpose: place.purpose.clone(),
            bank: place.bank.clone(),
            code_id: place.code_id.clone(),
            payload: place.code_url.clone(),
            page_url: format!("{public_url}/places/{}", place.id),
            payments_count: totals.payments,
            paid_kopecks: totals.paid.kopecks(),
            unsummed_count: totals.unsummed,
            late_count: totals.late,
            failure: place.failure.as_ref().map(Into::into),
            expires_at: place.end_ms().map(iso),
            suspended_at: place.suspended_ms.map(iso),
            created_at: iso(place.created_ms),
        }
    }
}
