//! Receipts of payments: what a payment's own receipt is, and what it asks of the bank.

use anyhow::anyhow;
use kopeck_banks::{op::Refusal, receipt::Receipt};
use serde_json::Value;

use super::{flow::NewPayment, model::Payment};
use crate::{
    kit::Ctx,
    receipts::{
        check,
        flow::{self, ComposeProblem, Stored, Wish},
    },
};

/// Makes the receipt that the shop wants: from here on the payment carries our own form.
pub async fn fill(ctx: &Ctx, shop_id: &str, new: NewPayment) -> Result<NewPayment, ComposeProblem> {
    let customer: Value = new
        .customer
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let field = |name: &str| customer.get(name).and_then(Value::as_str).map(str::to_owned);
    let email = field("email").filter(|email| !email.trim().is_empty());
    let wish = Wish { text: new.receipt, email, phone: field("phone") };
    let receipt = flow::compose(ctx, shop_id, wish, new.amount).await?;
    Ok(NewPayment { receipt, ..new })
}

/// The receipt that the bank is to make.
pub fn for_bank(payment: &Payment) -> anyhow::Result<Option<Receipt>> {
    let Some(text) = &payment.receipt else { return Ok(None) };
    match flow::stored(text).map_err(|e| anyhow!("stored receipt: {}", e.message))? {
        Stored::Bank(receipt) => Ok(Some(*receipt)),
        Stored::Npd(_) => Ok(None),
    }
}

/// VAT that the law does not have on the day of the sale.
pub fn find_wrong_day(payment: &Payment) -> Option<Refusal> {
    let receipt = for_bank(payment).ok().flatten()?;
    let day = check::moscow_day(payment.created_ms);
    check::find_wrong_day(&receipt, day).map(|finding| finding.refusal())
}
