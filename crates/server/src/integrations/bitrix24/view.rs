//! Errands as the outside sees them: nothing of the portal's secrets, nothing of its people.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Errand, State, What};
use crate::kit::clock::iso;

/// Something that a portal asked for, on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrandView {
    #[schema(example = "err_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "errand")]
    pub object: &'static str,
    pub integration_id: String,
    /// register, prove (who installs the application), deal (a link for its stage), robot, paid (a
    /// payment of the portal's own is to be marked as paid), forgotten (what it was is not kept
    /// once it is done).
    #[schema(value_type = String, example = "paid")]
    pub kind: &'static str,
    /// The portal's number of the deal, or of its own payment.
    pub deal_id: Option<i64>,
    pub portal_payment_id: Option<String>,
    /// Ours, as soon as there is one.
    pub payment_id: Option<String>,
    /// pending, done, failed.
    #[schema(value_type = String, example = "pending")]
    pub status: &'static str,
    pub tries: i64,
    /// Why it was given up, and what was heard last.
    pub code: Option<String>,
    pub why: Option<String>,
    pub next_attempt_at: Option<String>,
    pub created_at: String,
    pub ended_at: Option<String>,
}

impl ErrandView {
    pub fn new(errand: &Errand) -> ErrandView {
        let deal_id = match &errand.what {
            What::Deal { id } | What::Robot { deal_id: id, .. } => Some(*id),
            What::Register | What::Prove | What::Paid { .. } | What::Forgotten => None,
        };
        let portal_payment_id = match &errand.what {
            What::Paid { portal_payment_id, .. } => Some(portal_payment_id.clone()),
            What::Register
            | What::Prove
            | What::Deal { .. }
            | What::Robot { .. }
            | What::Forgotten => None,
        };
        ErrandView {
            id: errand.id.clone(),
            object: "errand",
            integration_id: errand.integration_id.clone(),
            kind: errand.what.as_str(),
            deal_id,
            portal_payment_id,
            payment_id: errand.payment_id.clone(),
            status: errand.state.as_str(),
            tries: errand.tries,
            code: errand.code.clone(),
            why: errand.why.clone(),
            next_attempt_at: (errand.state == State::Pending).then(|| iso(errand.due_ms)),
            created_at: iso(errand.created_ms),
            ended_at: errand.ended_ms.map(iso),
        }
    }
}
