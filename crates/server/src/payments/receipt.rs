//! The receipt a shop sends with a payment, from JSON to [`Receipt`].

use kopeck_banks::{
    Money,
    receipt::{Line, Measure, PaymentMethod, Receipt, Subject, Supplier, Taxation, Vat},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A plain receipt: who gets it and what was sold. Its lines must add up to the payment's amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptInput {
    /// Where the receipt goes; Tochka needs it.
    pub email: Option<String>,
    pub phone: Option<String>,
    pub name: Option<String>,
    /// osn, usn_income, usn_income_outcome, esn, patent.
    pub taxation: Option<String>,
    pub items: Vec<ItemInput>,
    pub supplier: Option<SupplierInput>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemInput {
    pub name: String,
    /// Price of one unit in rubles: "4900.00".
    #[schema(value_type = String, example = "4900.00")]
    pub price: Box<RawValue>,
    /// At most three decimals; 1 when absent.
    #[schema(value_type = Option<String>, example = "1")]
    pub quantity: Option<Box<RawValue>>,
    /// none, vat0, vat5, vat7, vat10, vat22, vat105, vat107, vat110, vat122.
    pub vat: String,
    /// full_payment (when absent) or full_prepayment.
    pub method: Option<String>,
    /// goods, service (when absent), work.
    pub subject: Option<String>,
    /// piece, kilogram, hour …
    pub measure: Option<String>,
    pub supplier: Option<SupplierInput>,
}

/// On whose behalf something is sold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierInput {
    pub phone: String,
    pub name: String,
    pub inn: String,
}

/// What is wrong with a receipt.
#[derive(Debug, PartialEq, Eq)]
pub struct ReceiptProblem {
    pub message: String,
    pub hint: String,
}

/// Reads the JSON text of a receipt.
pub fn parse_receipt(text: &str) -> Result<Receipt, ReceiptProblem> {
    let input: ReceiptInput = serde_json::from_str(text).map_err(|e| {
        problem(format!("The receipt cannot be read: {e}"), "Compare it with the example in /docs")
    })?;
    let lines = input.items.iter().map(parse_line).collect::<Result<Vec<_>, _>>()?;
    Ok(Receipt {
        email: input.email,
        phone: input.phone,
        buyer_name: input.name,
        taxation: word(
            input.taxation.as_deref(),
            "taxation",
            Taxation::parse,
            Taxation::ALL.iter().map(|w| w.as_str()),
        )?,
        lines,
        supplier: input.supplier.as_ref().map(supplier),
    })
}

fn parse_line(item: &ItemInput) -> Result<Line, ReceiptProblem> {
    let price = Money::parse_json(&item.price)
        .map_err(|e| problem(format!("`price` of «{}»: {e}", item.name), "Rubles: \"4900.00\""))?;
    let quantity = item.quantity.as_ref().map_or("1", |raw| raw.get().trim().trim_matches('"'));
    let quantity_milli = parse_milli(quantity).ok_or_else(|| {
        problem(
            format!("`quantity` of «{}» is not a positive number with three decimals", item.name),
            "For example 1, 2 or 1.500",
        )
    })?;
    let vat = word(Some(&item.vat), "vat", Vat::parse, Vat::ALL.iter().map(|w| w.as_str()))?;
    let method = word(
        item.method.as_deref(),
        "method",
        PaymentMethod::parse,
        PaymentMethod::ALL.iter().map(|w| w.as_str()),
    )?;
    let subject = word(
        item.subject.as_deref(),
        "subject",
        Subject::parse,
        Subject::ALL.iter().map(|w| w.as_str()),
    )?;
    let measure = word(
        item.measure.as_deref(),
        "measure",
        Measure::parse,
        Measure::ALL.iter().map(|w| w.as_str()),
    )?;
    Ok(Line {
        name: item.name.clone(),
        price,
        quantity_milli,
        vat: vat.unwrap_or(Vat::None),
        method: method.unwrap_or(PaymentMethod::FullPayment),
        subject: subject.unwrap_or(Subject::Service),
        measure,
        supplier: item.supplier.as_ref().map(supplier),
    })
}

/// Thousandths from text such as `1.5`; `None` when it is zero, negative or finer.
fn parse_milli(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<3}").parse().ok()?;
    let milli = whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(fraction)?;
    (milli > 0).then_some(milli)
}

fn supplier(input: &SupplierInput) -> Supplier {
    let SupplierInput { phone, name, inn } = input;
    Supplier { phone: phone.clone(), name: name.clone(), tax_code: inn.clone() }
}

fn word<T>(
    text: Option<&str>,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl Iterator<Item = &'static str>,
) -> Result<Option<T>, ReceiptProblem> {
    let Some(text) = text else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let words: Vec<&str> = words.collect();
        problem(format!("`{field}` cannot be `{text}`"), &format!("One of: {}", words.join(", ")))
    })
}

fn problem(message: String, hint: &str) -> ReceiptProblem {
    ReceiptProblem { message, hint: hint.to_owned() }
}
