//! The receipt a shop sends with a payment, from JSON to [`Receipt`].

use kopeck_banks::{
    Money,
    receipt::{
        Agent, AgentKind, Ffd, Line, Mark, MarkKind, Measure, PaymentMethod, Receipt, Settlement,
        Subject, Supplier, Taxation, TransferOperator, Vat,
        contact::normal_phone,
        lint::{Finding, reading},
        parse_quantity,
    },
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
    /// The format of fiscal documents, 1.05 or 1.2, where it is not the connection's.
    pub ffd: Option<String>,
    /// How the sum was paid, where not all of it by this payment.
    pub settlement: Option<SettlementInput>,
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
    /// full_payment (when absent), full_prepayment, prepayment, advance, partial_payment, credit,
    /// credit_payment. Tochka has the first two.
    pub method: Option<String>,
    /// goods, service (when absent), work; T-Bank has many more.
    pub subject: Option<String>,
    /// piece, kilogram, hour …
    pub measure: Option<String>,
    pub supplier: Option<SupplierInput>,
    pub agent: Option<AgentInput>,
    pub mark: Option<MarkInput>,
}

/// On whose behalf something is sold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierInput {
    pub phone: String,
    pub name: String,
    pub inn: String,
}

/// In which role the shop sells for the supplier; T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentInput {
    /// bank_paying_agent, bank_paying_subagent, paying_agent, paying_subagent, attorney,
    /// commission_agent, another.
    pub kind: String,
    /// The paying agent's phones.
    #[serde(default)]
    pub phones: Vec<String>,
    /// The phones of the operator who takes the payments.
    #[serde(default)]
    pub receiver_phones: Vec<String>,
    /// What a bank's agent does.
    pub operation: Option<String>,
    pub operator: Option<OperatorInput>,
}

/// Who transfers the money of a bank's agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorInput {
    pub name: String,
    pub address: String,
    pub inn: String,
    pub phones: Vec<String>,
}

/// The code on one piece of marked goods; T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkInput {
    /// unknown, ean8, ean13, itf14, gs10, gs1m, short, fur, egais20, egais30, rawcode.
    pub kind: String,
    pub value: String,
}

/// Rubles by way of paying; together they make the sum of the items. T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementInput {
    /// What this payment pays.
    #[schema(value_type = String, example = "4900.00")]
    pub electronic: Box<RawValue>,
    /// Paid before: bonus points, a gift card, an advance.
    #[schema(value_type = Option<String>)]
    pub advance: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub credit: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub cash: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub provision: Option<Box<RawValue>>,
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
        // As people write it; what is no phone stays for the rules to name.
        phone: input.phone.map(|phone| normal_phone(&phone).unwrap_or(phone)),
        buyer_name: input.name,
        taxation: taxation(input.taxation.as_deref())?,
        lines,
        supplier: input.supplier.as_ref().map(supplier),
        ffd: word(input.ffd.as_deref(), "ffd", Ffd::parse, Ffd::ALL.iter().map(|w| w.as_str()))?,
        settlement: input.settlement.as_ref().map(settlement).transpose()?,
    })
}

fn parse_line(item: &ItemInput) -> Result<Line, ReceiptProblem> {
    let price = Money::parse_json(&item.price)
        .map_err(|e| problem(format!("`price` of «{}»: {e}", item.name), "Rubles: \"4900.00\""))?;
    let quantity = item.quantity.as_ref().map_or("1", |raw| raw.get().trim().trim_matches('"'));
    let quantity_milli = parse_quantity(quantity).map_err(|e| {
        problem(format!("`quantity` of «{}» is {e}", item.name), "For example 1, 2 or 1.500")
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
        Subject::read,
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
        agent: item.agent.as_ref().map(agent).transpose()?,
        mark: item.mark.as_ref().map(mark).transpose()?,
    })
}

/// Of the abolished system the reason is told.
fn taxation(text: Option<&str>) -> Result<Option<Taxation>, ReceiptProblem> {
    if text == Some("envd") {
        let finding = reading::finding(&reading::ENVD, None, "envd");
        return Err(named(&finding));
    }
    word(text, "taxation", Taxation::parse, Taxation::ALL.iter().map(|w| w.as_str()))
}

fn agent(input: &AgentInput) -> Result<Agent, ReceiptProblem> {
    let kinds = AgentKind::ALL.iter().map(|w| w.as_str());
    let kind = required(&input.kind, "agent.kind", AgentKind::parse, kinds)?;
    Ok(Agent {
        kind,
        phones: input.phones.clone(),
        receiver_phones: input.receiver_phones.clone(),
        operation: input.operation.clone(),
        operator: input.operator.as_ref().map(|operator| TransferOperator {
            name: operator.name.clone(),
            address: operator.address.clone(),
            tax_code: operator.inn.clone(),
            phones: operator.phones.clone(),
        }),
    })
}

fn mark(input: &MarkInput) -> Result<Mark, ReceiptProblem> {
    let kinds = MarkKind::ALL.iter().map(|w| w.as_str());
    let kind = required(&input.kind, "mark.kind", MarkKind::parse, kinds)?;
    Ok(Mark { kind, value: input.value.clone() })
}

fn settlement(input: &SettlementInput) -> Result<Settlement, ReceiptProblem> {
    let money = |raw: &RawValue, field: &str| {
        let wrong = |e| problem(format!("`settlement.{field}`: {e}"), "Rubles: \"4900.00\"");
        Money::parse_json(raw).map_err(wrong)
    };
    let optional = |raw: &Option<Box<RawValue>>, field: &str| {
        raw.as_ref().map_or(Ok(Money::ZERO), |raw| money(raw, field))
    };
    Ok(Settlement {
        electronic: money(&input.electronic, "electronic")?,
        advance: optional(&input.advance, "advance")?,
        credit: optional(&input.credit, "credit")?,
        cash: optional(&input.cash, "cash")?,
        provision: optional(&input.provision, "provision")?,
    })
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

fn required<T>(
    text: &str,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl Iterator<Item = &'static str>,
) -> Result<T, ReceiptProblem> {
    let word = word(Some(text), field, parse, words)?;
    word.ok_or_else(|| problem(format!("`{field}` is empty"), "Compare it with the docs"))
}

fn named(finding: &Finding) -> ReceiptProblem {
    problem(finding.en(), finding.rule.en.fix)
}

fn problem(message: String, hint: &str) -> ReceiptProblem {
    ReceiptProblem { message, hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read() {
        let text = r#"{"email": "a@example.ru", "phone": "8 900 123-45-67", "taxation": "osn",
            "ffd": "1.2", "settlement": {"electronic": "90", "advance": 10.5},
            "items": [{"name": "Пиво", "price": "100.50", "vat": "vat22",
                "method": "partial_payment", "subject": "excisable_goods_with_marking_code",
                "measure": "piece", "mark": {"kind": "gs1m", "value": "01"},
                "agent": {"kind": "bank_paying_agent", "phones": ["+79001234567"],
                    "operation": "Приём", "operator": {"name": "АО", "address": "Тольятти",
                        "inn": "7710140679", "phones": ["+79221210697"]}},
                "supplier": {"phone": "+79991234567", "name": "ООО", "inn": "7707083893"}}]}"#;
        let receipt = parse_receipt(text).unwrap();
        assert_eq!(receipt.phone.as_deref(), Some("+79001234567"));
        assert_eq!((receipt.ffd, receipt.lines.len()), (Some(Ffd::V12), 1));
        assert_eq!(receipt.settlement.unwrap().total(), receipt.total());
        let line = &receipt.lines[0];
        assert_eq!(line.method, PaymentMethod::PartialPayment);
        assert_eq!(line.subject, Subject::ExcisableMarked);
        assert_eq!(line.mark.as_ref().unwrap().kind, MarkKind::Gs1m);
        let agent = line.agent.as_ref().unwrap();
        assert_eq!(agent.kind, AgentKind::BankPayingAgent);
        assert_eq!(agent.operator.as_ref().unwrap().tax_code, "7710140679");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let with = |change: &str| {
            let text = format!(r#"{{"items": [{{"name": "a", "price": 1, "vat": "none"{change}"#);
            parse_receipt(&text).unwrap_err()
        };
        let quantity = with(r#", "quantity": 0.0001}]}"#);
        assert!(quantity.message.contains("thousandth"), "{quantity:?}");
        let envd = with(r#"}], "taxation": "envd"}"#);
        assert!(envd.message.contains("2021"), "{envd:?}");
        let mark = with(r#", "mark": {"kind": "x", "value": "1"}}]}"#);
        assert!(mark.hint.contains("gs1m"), "{mark:?}");
        let paid = with(r#"}], "settlement": {"electronic": "1,5"}}"#);
        assert!(paid.message.contains("settlement.electronic"), "{paid:?}");
    }
}
