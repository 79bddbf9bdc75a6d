//! The forms of a receipt's text: any of them read, ours written. A form is told by its members,
//! never by the size of a value.

use kopeck_banks::receipt::{
    Agent, Line, Mark, Receipt, Settlement, Supplier, legacy, quantity_text,
};
use serde_json::{Map, Value, json};

use super::request::{Reading, ReceiptProblem, read_receipt};

/// Which form a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Kopeck,
    /// A list of lines: Salebot's function or variable.
    Salebot,
    /// A bank's own, with `Items`.
    Bank,
}

impl Form {
    pub const fn as_str(self) -> &'static str {
        match self {
            Form::Kopeck => "kopeck",
            Form::Salebot => "salebot",
            Form::Bank => "bank",
        }
    }
}

/// Reads a receipt in any form.
pub fn read_any(text: &str) -> (Form, Reading) {
    let value: Option<Value> = serde_json::from_str(text).ok();
    let form = match &value {
        Some(Value::Array(_)) => Form::Salebot,
        Some(Value::Object(fields)) if fields.contains_key("Items") => Form::Bank,
        Some(_) | None => Form::Kopeck,
    };
    let reading = match form {
        Form::Kopeck => read_receipt(text),
        Form::Salebot | Form::Bank => {
            let legacy::Reading { receipt, places, findings } = legacy::read_all(text);
            let problems = findings.into_iter().map(ReceiptProblem::from).collect();
            Reading { receipt, places, problems }
        }
    };
    (form, reading)
}

/// A whole receipt in any form, or what is wrong first.
pub fn parse_any(text: &str) -> Result<Receipt, ReceiptProblem> {
    let (_, reading) = read_any(text);
    reading.problems.into_iter().next().map_or(Ok(reading.receipt), Err)
}

/// The text without the codes of marked goods, for a look at everything else: such a code may hold
/// digits that look like a card's number.
pub fn without_marks(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_marks).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().map(|(name, item)| match name.as_str() {
                "mark" | "MarkCode" if item.is_object() => (name.clone(), Value::Null),
                _ => (name.clone(), without_marks(item)),
            });
            Value::Object(kept.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The receipt in our own form; reading it gives the same receipt.
pub fn write(receipt: &Receipt) -> String {
    let Receipt { email, phone, buyer_name, taxation, lines, supplier, .. } = receipt;
    let Receipt { ffd, settlement, closes_on, .. } = receipt;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("email", email.as_ref().map(|email| json!(email)));
    put("phone", phone.as_ref().map(|phone| json!(phone)));
    put("name", buyer_name.as_ref().map(|name| json!(name)));
    put("taxation", taxation.map(|taxation| json!(taxation.as_str())));
    put("items", Some(lines.iter().map(item).collect()));
    put("supplier", supplier.as_ref().map(supplier_json));
    put("ffd", ffd.map(|ffd| json!(ffd.as_str())));
    put("settlement", settlement.as_ref().map(settlement_json));
    put("closes_on", closes_on.map(|day| json!(day.to_string())));
    Value::Object(fields).to_string()
}

fn item(line: &Line) -> Value {
    let mut fields = json!({
        "name": line.name, "price": line.price.to_rubles(),
        "quantity": quantity_text(line.quantity_milli), "vat": line.vat.as_str(),
        "method": line.method.as_str(), "subject": line.subject.as_str(),
    });
    let more = [
        ("measure", line.measure.map(|measure| json!(measure.as_str()))),
        ("supplier", line.supplier.as_ref().map(supplier_json)),
        ("agent", line.agent.as_ref().map(agent)),
        ("mark", line.mark.as_ref().map(mark)),
    ];
    for (name, value) in more {
        if let (Some(value), Some(fields)) = (value, fields.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

pub fn supplier_json(supplier: &Supplier) -> Value {
    json!({ "phone": supplier.phone, "name": supplier.name, "inn": supplier.tax_code })
}

fn agent(agent: &Agent) -> Value {
    json!({
        "kind": agent.kind.as_str(), "phones": agent.phones,
        "receiver_phones": agent.receiver_phones, "operation": agent.operation,
        "operator": agent.operator.as_ref().map(|operator| json!({
            "name": operator.name, "address": operator.address, "inn": operator.tax_code,
            "phones": operator.phones,
        })),
    })
}

fn mark(mark: &Mark) -> Value {
    json!({ "kind": mark.kind.as_str(), "value": mark.value })
}

fn settlement_json(paid: &Settlement) -> Value {
    json!({
        "electronic": paid.electronic.to_rubles(), "advance": paid.advance.to_rubles(),
        "credit": paid.credit.to_rubles(), "cash": paid.cash.to_rubles(),
        "provision": paid.provision.to_rubles(),
    })
}
