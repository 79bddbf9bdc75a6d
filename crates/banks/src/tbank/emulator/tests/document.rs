//! Answers against the bank's own document: the fields that it promises, of the types it names.

use serde_json::{Value, json};

use super::Bench;
use crate::tbank::emulator::directory;

fn document() -> Value {
    serde_json::from_str(include_str!("../../fixtures/openapi.json")).unwrap()
}

fn follow<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => follow(document, document.pointer(path.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// What the document says otherwise than the bank does: numbers that live banks send as text.
const LIVE_TEXTS: [&str; 3] = ["RequestKey", "PaymentId", "AccountToken"];

#[track_caller]
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = follow(document, schema);
    if let Some(items) = value.as_array() {
        assert_eq!(schema["type"], "array", "{place}");
        return items.iter().for_each(|item| fits(document, &schema["items"], item, place));
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        let key = key.as_str().unwrap();
        // It writes one object with a dot in its fields' names, and asks for fields of inner
        // objects at the root.
        let is_odd = key.contains('.') || schema["properties"][key].is_null();
        assert!(is_odd || !value[key].is_null(), "{place} lacks {key}: {value}");
    }
    for (key, own) in schema["properties"].as_object().into_iter().flatten() {
        let (own, value) = (follow(document, own), &value[key]);
        if value.is_null() || LIVE_TEXTS.contains(&key.as_str()) {
            continue;
        }
        let is_right = match own["type"].as_str() {
            Some("string") => value.is_string(),
            Some("number" | "integer") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            _ => true,
        };
        assert!(is_right, "{place}.{key} is {value}");
        if value.is_array() {
            fits(document, own, value, &format!("{place}.{key}"));
        }
    }
}

fn check(document: &Value, method: &str, reply: &Value) {
    let path = match method {
        "SendClosingReceipt" => "/cashbox/SendClosingReceipt".to_owned(),
        _ => format!("/v2/{method}"),
    };
    let reply_of = &document["paths"][&path]["post"]["responses"]["200"];
    let schema = &reply_of["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path}");
    fits(document, schema, reply, method);
}

#[test]
fn answers_hold_what_the_document_promises() {
    let document = document();
    let mut bench = Bench::at(directory::TWO_STAGE_KEY);
    let reply = bench.init_reply(json!({ "CustomerKey": "c", "Recurrent": "Y" }));
    check(&document, "Init", &reply);
    let id = reply["PaymentId"].clone();
    bench.pay(id.as_str().unwrap(), "card");
    let cards = bench.call("GetCardList", json!({ "CustomerKey": "c" }));
    check(&document, "GetCardList", &cards);
    let (card, rebill) = (cards[0]["CardId"].clone(), cards[0]["RebillId"].clone());
    let child = bench.init(json!({}));
    let fresh = bench.init(json!({}));
    let account =
        bench.init(json!({ "Recurrent": "Y", "DATA": { "QR": "true" }, "Description": "x" }));
    let own = json!({ "PaymentId": id });
    for (method, body) in [
        ("GetState", own.clone()),
        ("Confirm", own.clone()),
        ("CheckOrder", json!({ "OrderId": "A-1" })),
        ("Cancel", json!({ "PaymentId": id, "Amount": 100, "ExternalRequestId": "1" })),
        ("Charge", json!({ "PaymentId": child, "RebillId": rebill })),
        ("AddCustomer", json!({ "CustomerKey": "c" })),
        ("GetCustomer", json!({ "CustomerKey": "c" })),
        ("AddCard", json!({ "CustomerKey": "c" })),
        ("RemoveCard", json!({ "CustomerKey": "c", "CardId": card })),
        ("GetQr", json!({ "PaymentId": account })),
        ("SbpPayTest", json!({ "PaymentId": account })),
        ("QrMembersList", json!({ "PaymentId": account })),
        ("AddAccountQr", json!({ "Description": "x" })),
        ("GetAccountQrList", json!({})),
        ("GetQrState", json!({ "PaymentId": account })),
        ("GetQrBankList", json!({ "Device": { "Type": "desktop" } })),
        ("MirPay/GetDeepLink", json!({ "PaymentId": fresh })),
        ("RemoveCustomer", json!({ "CustomerKey": "c" })),
    ] {
        let reply = bench.ok(method, body);
        if method != "GetQr" {
            check(&document, method, &reply);
        }
    }
}
