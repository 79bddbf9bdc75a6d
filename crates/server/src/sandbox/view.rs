//! The emulators' lists as rows, for the page and the CLI. Reads leniently: a bank may tell more,
//! or less.

use kopeck_banks::Money;
use serde_json::{Map, Value, json};

/// A payment as people see it. What a bank does not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    pub bank: String,
    pub id: String,
    pub reference: String,
    /// Rubles: `5000.00`.
    pub amount: String,
    /// Rubles; empty when nothing was refunded.
    pub refunded: String,
    /// Why the last attempt to pay failed.
    pub decline: String,
    /// The bank's word.
    pub status: String,
    pub method: String,
    pub purpose: String,
    /// The hosted pay page.
    pub url: String,
    pub created_at: String,
}

/// A notice and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    pub bank: String,
    pub id: String,
    pub kind: String,
    pub payment: String,
    pub url: String,
    pub state: String,
    pub tries: usize,
    /// The receiver's last status; `no answer` when it did not answer; empty before the first try.
    pub last: String,
    /// When it is tried next, while it waits.
    pub next_try_at: String,
}

/// All banks' lists as one: `{"payments": […], "codes": […], "notices": […]}`, each with its
/// `bank`.
pub fn merge(lists: &Map<String, Value>) -> Value {
    let all = |key: &str| {
        let per_bank = lists.iter().flat_map(|(bank, list)| {
            let items = list.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            items.into_iter().map(move |mut item| {
                if let Some(fields) = item.as_object_mut() {
                    fields.insert("bank".to_owned(), json!(bank));
                }
                item
            })
        });
        Value::Array(per_bank.collect())
    };
    json!({
        "payments": all("payments"),
        "codes": all("codes"),
        "bindings": all("bindings"),
        "notices": all("notices"),
    })
}

/// A code of SBP as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    pub id: String,
    pub kind: String,
    /// Rubles; empty when the payer enters the sum, and of a desk that is not armed.
    pub amount: String,
    /// Whether it can be paid now.
    pub is_payable: bool,
    /// How often it was paid, and how much came.
    pub times: usize,
    pub paid: String,
    pub purpose: String,
}

/// The codes of a merged list, or a single code as `show` gives it.
pub fn codes_of(list: &Value) -> Vec<Code> {
    let one = std::slice::from_ref(list);
    let is_code = list.get("kind").is_some() && list.get("paid_kopecks").is_some();
    let all = list.get("codes").and_then(Value::as_array).map_or(&[][..], |all| all);
    let row = |item: &Value| {
        let paid = item["payments"].as_array().map_or(&[][..], |all| all).iter();
        let is_armed = item["arming"].is_string() || text(item, "kind") != "desk";
        Code {
            id: text(item, "id"),
            kind: text(item, "kind"),
            amount: rubles(item, "amount_kopecks"),
            is_payable: is_armed && item["is_active"] == true,
            times: paid.filter(|own| own["rejected"].is_null()).count(),
            paid: rubles(item, "paid_kopecks"),
            purpose: text(item, "purpose"),
        }
    };
    if is_code { one } else { all }.iter().map(row).collect()
}

/// The payments of a merged list, or a single payment as `show` gives it.
pub fn payments_of(list: &Value) -> Vec<Payment> {
    if list.get("kind").is_some() {
        return Vec::new();
    }
    let one = std::slice::from_ref(list);
    let items = list.get("payments").map_or(one, |items| items.as_array().map_or(&[], |all| all));
    let row = |item: &Value| Payment {
        bank: text(item, "bank"),
        id: text(item, "id"),
        reference: text(item, "reference"),
        amount: rubles(item, "amount_kopecks"),
        refunded: Some(rubles(item, "refunded_kopecks"))
            .filter(|sum| sum != "0.00")
            .unwrap_or_default(),
        decline: item["declines"]
            .as_array()
            .and_then(|all| all.last()?.as_str())
            .unwrap_or_default()
            .to_owned(),
        status: text(item, "status"),
        method: text(item, "method"),
        purpose: text(item, "purpose"),
        url: text(item, "url"),
        created_at: text(item, "created_at"),
    };
    items.iter().map(row).collect()
}

/// The notices of a merged list, or of a single payment.
pub fn notices_of(list: &Value) -> Vec<Notice> {
    let items = list.get("notices").and_then(Value::as_array);
    let row = |item: &Value| {
        let tries = item.get("tries").and_then(Value::as_array).map_or(&[][..], |all| all);
        let last = tries.last().map(|last| match text(last, "status") {
            status if status.is_empty() => "no answer".to_owned(),
            status => status,
        });
        let is_waiting = text(item, "state") == "waiting";
        Notice {
            bank: text(item, "bank"),
            id: text(item, "id"),
            kind: text(item, "kind"),
            payment: text(item, "payment"),
            url: text(item, "url"),
            state: text(item, "state"),
            tries: tries.len(),
            last: last.unwrap_or_default(),
            next_try_at: if is_waiting { text(item, "due_at") } else { String::new() },
        }
    };
    items.map_or(&[][..], |all| all).iter().map(row).collect()
}

fn rubles(item: &Value, key: &str) -> String {
    let kopecks = item.get(key).and_then(Value::as_i64);
    let money = kopecks.and_then(|kopecks| Money::from_kopecks(kopecks).ok());
    money.map(Money::to_rubles).unwrap_or_default()
}

fn text(item: &Value, key: &str) -> String {
    match item.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    }
}
