//! The request that changes what a subscription's receipts say.

use serde::Deserialize;
use utoipa::ToSchema;

use super::plan_receipt;
use crate::{
    http::{
        ApiError,
        json::{Raw, missing},
    },
    payments::request::customer,
    receipts::request::ReceiptWish,
    subscriptions::flow::receipt::{Said, Wish},
};

/// A customer of whom nothing is said.
const NOTHING: &str = "{}";
/// The word for the plan's own.
const PLAN: &str = "\"plan\"";

/// A receipt of its own, or the word plan.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ReceiptOrPlan {
    Own(ReceiptWish),
    #[schema(example = "plan")]
    Plan(String),
}

/// What the receipts of the charges to come say, and where they go; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeReceipt {
    /// As in a payment; or the word plan, for what the plan says.
    #[schema(value_type = Option<ReceiptOrPlan>)]
    pub receipt: Raw,
    /// Where receipts go: `email`, `phone`.
    #[schema(value_type = Option<crate::payments::request::Customer>)]
    pub customer: Raw,
}

impl ChangeReceipt {
    pub fn read(&self) -> Result<Wish, ApiError> {
        let is_plans = self.receipt.as_ref().is_some_and(|raw| raw.get() == PLAN);
        let receipt = match is_plans {
            true => Some(Said::ByPlan),
            false => plan_receipt(&self.receipt)?.map(Said::Own),
        };
        let contact = customer(&self.customer)?.filter(|text| text != NOTHING);
        if receipt.is_none() && contact.is_none() {
            return Err(missing("receipt").hint("Send `receipt`, or `customer` with an e-mail."));
        }
        Ok(Wish { contact, receipt })
    }
}
