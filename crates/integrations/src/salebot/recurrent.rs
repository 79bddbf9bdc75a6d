//! `tinkoff_recurrent_payment(sum, description)`: a charge of what the client saved before.

use kopeck_banks::Money;

use super::{
    fields::{Fields, Refused},
    link::{self, ReceiptFields, ReceiptPart},
    problems,
};

/// A charge to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentRequest {
    pub client_id: i64,
    pub amount: Money,
    pub description: String,
    /// What [`crate::message::Payment::instrument`] told the bot.
    pub rebill_id: String,
    pub receipt: ReceiptPart,
    pub external_id: Option<String>,
}

const RECEIPT_FIELDS: ReceiptFields =
    ReceiptFields { lines: "products_for_receipt_recurrent", email: "email", phone: "phone" };

/// Reads a request for a charge. The sum is rubles, under the name `sum` or `amount`.
pub fn parse(fields: &Fields) -> Result<RecurrentRequest, Refused> {
    let amount = match (fields.rubles("sum")?, fields.rubles("amount")?) {
        (Some(amount), None) | (None, Some(amount)) => amount,
        (Some(_), Some(_)) => return Err(Refused::of(&problems::TWO_AMOUNTS, "sum", "")),
        (None, None) => return Err(Refused::of(&problems::AMOUNT, "sum", fields.detail("sum"))),
    };
    let rebill_id = fields.find("tinkoff_rebill_id");
    let rebill_id =
        rebill_id.ok_or_else(|| Refused::of(&problems::REBILL, "tinkoff_rebill_id", ""))?;
    Ok(RecurrentRequest {
        client_id: link::client(fields)?,
        amount,
        description: fields.find("description").unwrap_or("").to_owned(),
        rebill_id: rebill_id.to_owned(),
        receipt: link::receipt(fields, &RECEIPT_FIELDS, amount)?,
        external_id: fields.find("external_id").map(str::to_owned),
    })
}
