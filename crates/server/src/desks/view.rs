//! A desk and its sale as the outside sees them.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::Sale;
use crate::{kit::clock::iso, payments::view::FailureView, places::model::Place};

/// A cash desk: one printed code, armed with a sum for each sale.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskView {
    #[schema(example = "plc_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "desk")]
    pub object: &'static str,
    /// opening, active, suspended, failed.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    #[schema(example = "Касса 1")]
    pub name: String,
    pub bank: String,
    /// The code's id in SBP.
    pub code_id: Option<String>,
    /// What the picture holds and phones open; the same for ever.
    pub payload: Option<String>,
    /// The last sale, over or not.
    pub sale: Option<SaleView>,
    pub created_at: String,
}

/// One arming of a desk's code with a sum.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaleView {
    #[schema(example = "sale_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "sale")]
    pub object: &'static str,
    pub desk_id: String,
    /// arming, waiting, paying, paid, canceled, expired, failed.
    #[schema(value_type = String, example = "waiting")]
    pub status: &'static str,
    #[schema(example = "1500.00")]
    pub amount: String,
    pub amount_kopecks: i64,
    #[schema(value_type = String, example = "RUB")]
    pub currency: &'static str,
    /// What the payer reads; the number at its end is this sale's.
    #[schema(example = "Касса 1 №7Q2MKD")]
    pub purpose: String,
    /// Who charged.
    pub clerk: Option<String>,
    /// Whether it is being canceled.
    pub is_canceling: bool,
    /// The payment that it became.
    pub payment_id: Option<String>,
    /// Why the code was not armed.
    pub failure: Option<FailureView>,
    pub created_at: String,
    /// Until when it can be paid.
    pub expires_at: String,
    pub ended_at: Option<String>,
}

impl DeskView {
    pub fn new(desk: &Place, sale: Option<&Sale>) -> DeskView {
        DeskView {
            id: desk.id.clone(),
            object: "desk",
            status: desk.state().as_str(),
            name: desk.name.clone(),
            bank: desk.bank.clone(),
            code_id: desk.code_id.clone(),
            payload: desk.code_url.clone(),
            sale: sale.map(SaleView::new),
            created_at: iso(desk.created_ms),
        }
    }
}

impl SaleView {
    pub fn new(sale: &Sale) -> SaleView {
        SaleView {
            id: sale.id.clone(),
            object: "sale",
            desk_id: sale.place_id.clone(),
            status: sale.state().as_str(),
            amount: sale.amount.to_rubles(),
            amount_kopecks: sale.amount.kopecks(),
            currency: "RUB",
            purpose: sale.purpose.clone(),
            clerk: sale.clerk.clone(),
            is_canceling: sale.cancel_ms.is_some() && !sale.is_over(),
            payment_id: sale.payment_id.clone(),
            failure: sale.failure.as_ref().map(Into::into),
            created_at: iso(sale.created_ms),
            expires_at: iso(sale.until_ms),
            ended_at: sale.ended_ms.map(iso),
        }
    }
}
