//! Receipts that nobody may take, each with what is wrong: for the API and for the command alike.

use serde_json::{Value, json};

fn item(change: &Value) -> Value {
    let mut item = json!({"name": "Курс", "price": "5000.00", "vat": "none"});
    for (name, value) in change.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

/// Receipts over 5000 rubles of 2026-11-21, at T-Bank by the newer format, with the finding's code.
pub fn bad() -> Vec<(&'static str, Value)> {
    let with = |change: Value| json!({"email": "a@example.ru", "items": [item(&change)]});
    let many: Vec<Value> = (0..101).map(|_| item(&json!({"price": "49.50"}))).collect();
    let marked = json!({"price": "2500", "quantity": 2, "subject": "goods_with_marking_code",
        "measure": "piece", "mark": {"kind": "gs1m", "value": "010460043993125621JgXJ5.T"}});
    vec![
        ("receipt_total_mismatch", with(json!({"price": "4999.99"}))),
        ("receipt_vat_date_mismatch", with(json!({"vat": "vat20"}))),
        ("receipt_vat_unknown", with(json!({"vat": "vat18"}))),
        ("receipt_lines_many", json!({"email": "a@example.ru", "items": many})),
        ("receipt_name_invalid", with(json!({"name": "я".repeat(300)}))),
        ("receipt_name_invalid", with(json!({"name": ""}))),
        ("receipt_quantity_unreadable", with(json!({"quantity": "0.0001"}))),
        ("receipt_quantity_unreadable", with(json!({"quantity": 0}))),
        ("receipt_mark_quantity", with(marked)),
        ("receipt_phone_invalid", json!({"phone": "позвоните", "items": [item(&json!({}))]})),
        ("receipt_contact_missing", json!({"items": [item(&json!({}))]})),
        (
            "receipt_taxation_abolished",
            json!({"email": "a@example.ru", "taxation": "envd", "items": [item(&json!({}))]}),
        ),
        ("receipt_word_unknown", with(json!({"method": "in_kind"}))),
        ("receipt_number_invalid", with(json!({"price": "5000,00"}))),
        ("receipt_lines_empty", json!({"email": "a@example.ru", "items": []})),
    ]
}
