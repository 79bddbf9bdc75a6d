//! The receipt of `payments_with_receipt`: checked against the document, echoed with its defaults.

use super::{
    fields::Fields,
    json::{Obj, array},
    problem::Problem,
    state::Receipt,
};

const TAX_SYSTEMS: [&str; 5] = ["osn", "usn_income", "usn_income_outcome", "esn", "patent"];
const VAT_TYPES: [&str; 10] =
    ["none", "vat0", "vat5", "vat7", "vat10", "vat22", "vat105", "vat107", "vat110", "vat122"];
const PAYMENT_METHODS: [&str; 2] = ["full_payment", "full_prepayment"];
const PAYMENT_OBJECTS: [&str; 3] = ["goods", "service", "work"];
const MEASURES: [&str; 23] = [
    "г.",
    "кг.",
    "т.",
    "см.",
    "дм.",
    "м.",
    "см2.",
    "дм2.",
    "м2.",
    "мл.",
    "л.",
    "м3",
    "кВт.ч.",
    "Гкал.",
    "дн.",
    "ч.",
    "мин.",
    "сек.",
    "Кб.",
    "Мб.",
    "Гб.",
    "Тб.",
    "шт.",
];

/// Whether the lines' sum must equal the amount is stated nowhere, so that it is not checked.
pub(super) fn parse_receipt(fields: &Fields) -> Result<Receipt, Problem> {
    let client = fields.required("Client", fields.object("Client")?)?;
    let items = fields.required("Items", fields.objects("Items")?)?;
    if items.is_empty() {
        return Err(fields.problem("Items", "ensure this value has at least 1 item"));
    }
    let items: Vec<String> = items.iter().map(parse_item).collect::<Result<_, _>>()?;
    Ok(Receipt {
        tax_system: fields.word("taxSystemCode", &TAX_SYSTEMS)?,
        client: parse_client(&client)?,
        items: array(items),
        supplier: parse_supplier(fields)?,
    })
}

/// What the emulator says of a request's receipt, for tests of receipts.
#[cfg(test)]
pub(crate) fn find_refusal(request: &[u8]) -> Option<String> {
    let receipt = Fields::of_data(request).and_then(|fields| parse_receipt(&fields));
    receipt.err().map(|problem| format!("{problem:?}"))
}

fn parse_client(fields: &Fields) -> Result<String, Problem> {
    let email = fields.required("email", fields.any_text("email")?)?;
    if !is_email(&email) {
        return Err(fields.problem("email", "value is not a valid email address"));
    }
    Ok(Obj::new()
        .text_if("name", fields.any_text("name")?.as_deref())
        .text("email", &email)
        .text_if("phone", fields.any_text("phone")?.as_deref())
        .end())
}

fn is_email(text: &str) -> bool {
    let (local, domain) = text.rsplit_once('@').unwrap_or(("", ""));
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_plain && !local.is_empty() && domain.split('.').all(|label| !label.is_empty())
}

fn parse_item(fields: &Fields) -> Result<String, Problem> {
    let name = fields.required("name", fields.text("name", 1..=256)?)?;
    let amount = fields.required("amount", fields.positive_decimal("amount")?)?;
    let quantity = fields.required("quantity", fields.positive_decimal("quantity")?)?;
    let measure = fields.word("measure", &MEASURES)?;
    Ok(Obj::new()
        .text_if("vatType", fields.word("vatType", &VAT_TYPES)?.as_deref())
        .text("name", &name)
        .raw("amount", &amount)
        .raw("quantity", &quantity)
        .text_if("paymentMethod", fields.word("paymentMethod", &PAYMENT_METHODS)?.as_deref())
        .text_if("paymentObject", fields.word("paymentObject", &PAYMENT_OBJECTS)?.as_deref())
        .text("measure", measure.as_deref().unwrap_or("шт."))
        .raw_if("Supplier", parse_supplier(fields)?.as_deref())
        .end())
}

fn parse_supplier(parent: &Fields) -> Result<Option<String>, Problem> {
    let Some(fields) = parent.object("Supplier")? else { return Ok(None) };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let phone = fields.required("phone", fields.text("phone", 11..=15)?)?;
    if !digits(phone.strip_prefix('+').unwrap_or(&phone)) {
        return Err(fields.problem("phone", "string does not match regex \"^\\+?\\d+$\""));
    }
    let name = fields.required("name", fields.any_text("name")?)?;
    let tax_code = fields.required("taxCode", fields.text("taxCode", 10..=12)?)?;
    if !digits(&tax_code) {
        return Err(fields.problem("taxCode", "string does not match regex \"^\\d+$\""));
    }
    let supplier = Obj::new().text("phone", &phone).text("name", &name).text("taxCode", &tax_code);
    Ok(Some(supplier.end()))
}
