//! Requests that our client never makes, but other people's code does: whether the document
//! approves of each, and what the emulator answers. The reply is judged in any case.

use kopeck_banks::{
    http::{HttpRequest, Method},
    op::PayMethod,
    tbank::{
        emulator::directory,
        token::{self, Scope},
    },
};
use serde_json::{Value, json};

use super::{Court, Place};

const YES: (u16, Place) = (200, Place::Answer);
const NO: (u16, Place) = (200, Place::Refusal);

/// A signed call; the terminal is ours unless the body names another.
fn signed(path: &str, body: &Value) -> HttpRequest {
    let mut fields = json!({ "TerminalKey": directory::DEMO_KEY });
    let ours = fields.as_object_mut().unwrap();
    ours.extend(body.as_object().unwrap().clone());
    let body = token::sign(&fields.to_string(), directory::DEMO_PASSWORD, Scope::All);
    raw(path, &body)
}

fn raw(path: &str, body: &str) -> HttpRequest {
    let url = format!("{}{path}", super::ORIGIN);
    let request = HttpRequest::new(Method::Post, url).header("content-type", "application/json");
    HttpRequest { body: body.as_bytes().to_vec(), ..request }
}

pub fn exercise(court: &mut Court) {
    openings(court);
    identifiers(court);
    look_alikes(court);
    addresses(court);
    tokens(court);
}

/// `Init` with these over the required fields; `null` takes one away.
fn openings(court: &mut Court) {
    let shop = json!([{ "ShopCode": "700456", "Amount": 10_000, "Name": "Чай" }]);
    let cases = [
        (json!({}), true, YES),
        (json!({ "Amount": 10_000.0 }), true, NO),
        (json!({ "Amount": "10000" }), false, YES),
        (json!({ "Amount": -1 }), true, NO),
        (json!({ "Amount": null }), false, NO),
        (json!({ "OrderId": null }), false, NO),
        (json!({ "OrderId": "x".repeat(37) }), false, NO),
        (json!({ "Description": "щ".repeat(140) }), true, YES),
        (json!({ "Description": "щ".repeat(141) }), false, NO),
        (json!({ "PayType": "T", "Language": "en", "Recurrent": "Y" }), true, NO),
        (json!({ "PayType": "X" }), false, NO),
        (json!({ "DATA": { "Phone": "+79991234567", "Email": "b@example.ru" } }), true, YES),
        (json!({ "DATA": { "TinkoffPayWeb": "true", "Device": "Desktop" } }), true, YES),
        (json!({ "Shops": shop }), true, YES),
        // Of the older documents, which many shops still follow.
        (json!({ "IP": "192.0.2.1" }), false, YES),
        (json!({ "RedirectDueDate": "2026-11-22T10:00:00+03:00" }), true, YES),
        (json!({ "RedirectDueDate": "2026-11-22T10:00:00Z" }), true, NO),
        (json!({ "RedirectDueDate": "soon" }), false, NO),
        (json!({ "NotificationURL": "shop" }), false, NO),
    ];
    for (at, (over, approves, wanted)) in cases.iter().enumerate() {
        let mut body = json!({ "Amount": 10_000, "OrderId": format!("stranger-{at}") });
        let fields = body.as_object_mut().unwrap();
        fields.extend(over.as_object().unwrap().clone());
        fields.retain(|_, value| !value.is_null());
        court.check(&signed("/v2/Init", &body), Some(*approves), *wanted);
    }
}

/// A payment is named by text in most calls and by a number in some; the bank takes both.
fn identifiers(court: &mut Court) {
    let order = json!({ "Amount": 10_000, "OrderId": "by-id" });
    court.check(&signed("/v2/Init", &order), Some(true), YES);
    let id = court.pay("by-id", PayMethod::Card)["id"].as_str().unwrap().to_owned();
    let number: u64 = id.parse().unwrap();
    let cases = [
        ("GetState", true, YES),
        ("Confirm", true, NO),
        ("QrMembersList", true, YES),
        ("GetQrState", true, YES),
        ("GetQr", true, NO),
        ("MirPay/GetDeepLink", true, NO),
        ("Cancel", true, YES),
    ];
    for (name, as_text, wanted) in cases {
        let path = format!("/v2/{name}");
        let is_last = name == "Cancel";
        let half = |id: Value| match is_last {
            true => json!({ "PaymentId": id, "Amount": 5_000 }),
            false => json!({ "PaymentId": id }),
        };
        court.check(&signed(&path, &half(json!(id))), Some(as_text), wanted);
        let is_number = name == "GetQr";
        court.check(&signed(&path, &half(json!(number))), Some(is_number), wanted);
    }
    for name in ["GetState", "Confirm", "Cancel", "Charge"] {
        let nobody = json!({ "PaymentId": "1", "RebillId": "1" });
        court.check(&signed(&format!("/v2/{name}"), &nobody), Some(name == "Charge"), NO);
    }
}

/// The document's examples have a Cyrillic letter in a Latin name; its schemas do not.
fn look_alikes(court: &mut Court) {
    for (name, approves) in [("DocumentCode", true), ("Document\u{421}ode", false)] {
        let item = json!({
            "Name": "Чай", "Price": 10_000, "Quantity": 1, "Amount": 10_000, "Tax": "none",
            "PaymentMethod": "full_payment", "PaymentObject": "commodity",
            "MeasurementUnit": "шт",
        });
        let receipt = json!({
            "FfdVersion": "1.2", "Taxation": "osn", "Email": "buyer@example.ru",
            "ClientInfo": { name: "21" }, "Items": [item],
        });
        let body = json!({ "Amount": 10_000, "OrderId": "look-alike", "Receipt": receipt });
        court.check(&signed("/v2/Init", &body), Some(approves), YES);
    }
}

fn addresses(court: &mut Court) {
    let order = json!({ "OrderId": "by-id" });
    for (path, approves) in
        [("/v2/CheckOrder", Some(true)), ("/v2/CheckOrder/", None), ("/v2/v2/CheckOrder", None)]
    {
        court.check(&signed(path, &order), approves, YES);
    }
    court.check(&signed("/v2/Nothing", &order), None, (404, Place::Refusal));
}

fn tokens(court: &mut Court) {
    let key = directory::DEMO_KEY;
    let wrong = "0".repeat(64);
    let cases = [
        (json!({ "TerminalKey": key, "OrderId": "by-id", "Token": wrong }), true),
        (json!({ "TerminalKey": key, "OrderId": "by-id" }), false),
        (json!({ "TerminalKey": "Nobody", "OrderId": "by-id", "Token": wrong }), true),
        (json!({}), false),
    ];
    for (body, approves) in cases {
        court.check(&raw("/v2/CheckOrder", &body.to_string()), Some(approves), NO);
    }
    for broken in ["{", "[]", "null", "\"\""] {
        court.check(&raw("/v2/CheckOrder", broken), Some(false), NO);
    }
}
