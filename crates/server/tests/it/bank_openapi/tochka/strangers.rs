//! Requests that our client never makes, but other people's code does: whether the document
//! approves of each, and what the emulator answers. The reply is judged in any case.

use kopeck_banks::{
    emulator::{Control, Fault, FaultKind},
    http::{HttpRequest, Method},
    tochka::emulator::directory,
};
use serde_json::{Value, json};

use super::Court;
use crate::bank_openapi::court::Place;

const PAYMENTS: &str = "/acquiring/v1.0/payments";
const WITH_RECEIPT: &str = "/acquiring/v1.0/payments_with_receipt";
const BUSINESS: &str = directory::BUSINESS_CODE;

pub fn check(
    court: &mut Court,
    call: (Method, &str),
    body: &str,
    approves: Option<bool>,
    status: u16,
) {
    let (method, path) = call;
    let request = HttpRequest::new(method, format!("{}/uapi{path}", super::ORIGIN))
        .header("authorization", format!("Bearer {}", directory::access_token()));
    let request = match body {
        "" => request,
        body => HttpRequest {
            body: body.as_bytes().to_vec(),
            ..request.header("content-type", "application/json")
        },
    };
    let place = if status == 200 { Place::Answer } else { Place::Refusal };
    court.check(&request, approves, (status, place));
}

fn fault(court: &mut Court, status: u16) {
    let kind = FaultKind::Status { status };
    let fault = Fault { kind, times: 1, path: String::new() };
    court.bank.control(court.now, &Control::Fault(fault)).unwrap();
}

/// The required fields alone, with these over them; `null` takes one away.
pub fn body(base: &Value, over: &Value) -> String {
    let mut data = base.clone();
    let fields = data.as_object_mut().unwrap();
    for (key, value) in over.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    fields.retain(|_, value| !value.is_null());
    json!({ "Data": data }).to_string()
}

fn plain() -> Value {
    json!({ "customerCode": BUSINESS, "amount": 10.5, "purpose": "Чай", "paymentMode": ["card"] })
}

fn with_receipt() -> Value {
    json!({
        "customerCode": BUSINESS, "amount": 10.5, "purpose": "Чай", "paymentMode": ["card"],
        "Client": { "email": "buyer@example.ru" },
        "Items": [{ "name": "Чай", "amount": 10.5, "quantity": 1 }],
    })
}

pub fn exercise(court: &mut Court, consent_id: &str) {
    links(court);
    receipts(court);
    money(court);
    reading(court);
    webhooks(court);
    consents(court, consent_id);
    troubles(court);
}

fn links(court: &mut Court) {
    let post = (Method::Post, PAYMENTS);
    let text = "щ".repeat(141);
    let cases = [
        (json!({}), Some(true), 200),
        (json!({ "amount": 1 }), Some(true), 200),
        // The guides and the official PDF send amounts as text, and the bank takes them.
        (json!({ "amount": "10.50" }), Some(false), 200),
        (json!({ "amount": 0 }), Some(false), 400),
        (json!({ "amount": -1 }), Some(false), 400),
        (json!({ "amount": "ten" }), Some(false), 400),
        (json!({ "amount": null }), Some(false), 400),
        (json!({ "customerCode": null }), Some(false), 400),
        (json!({ "customerCode": "30000009" }), Some(false), 400),
        (json!({ "customerCode": "300999999" }), Some(true), 403),
        (json!({ "purpose": "" }), Some(false), 400),
        (json!({ "purpose": text }), Some(false), 400),
        (json!({ "paymentMode": [] }), Some(false), 400),
        (json!({ "paymentMode": ["cash"] }), Some(false), 400),
        (json!({ "paymentMode": ["card", "sbp", "tinkoff", "dolyame"] }), Some(true), 200),
        (json!({ "ttl": 0 }), Some(false), 400),
        (json!({ "ttl": 44_640 }), Some(true), 200),
        (json!({ "ttl": 44_641 }), Some(false), 400),
        (json!({ "merchantId": "20000000000105" }), Some(false), 400),
        (json!({ "merchantId": directory::MERCHANT_ID }), Some(true), 200),
        (json!({ "merchantId": directory::CLOSED_MERCHANT_ID }), Some(true), 424),
        (json!({ "paymentLinkId": "" }), Some(false), 400),
        (json!({ "paymentLinkId": "x".repeat(46) }), Some(false), 400),
        (json!({ "paymentLinkId": "stranger" }), Some(true), 200),
        (json!({ "paymentLinkId": "stranger" }), Some(true), 424),
        (json!({ "redirectUrl": "shop" }), Some(false), 400),
        (json!({ "saveCard": true, "preAuthorization": true }), Some(true), 200),
    ];
    for (over, approves, status) in &cases {
        check(court, post, &body(&plain(), over), *approves, *status);
    }
    for broken in ["{", "[]", "{}", r#"{"Data":null}"#, "null"] {
        check(court, post, broken, Some(false), 400);
    }
}

fn receipts(court: &mut Court) {
    let post = (Method::Post, WITH_RECEIPT);
    let item = |over: Value| {
        let mut item = json!({ "name": "Чай", "amount": 10.5, "quantity": 1 });
        let fields = item.as_object_mut().unwrap();
        fields.extend(over.as_object().unwrap().clone());
        fields.retain(|_, value| !value.is_null());
        json!({ "Items": [item] })
    };
    let supplier = |phone: &str| json!({ "phone": phone, "name": "ООО", "taxCode": "7707083893" });
    let cases = [
        (json!({}), Some(true), 200),
        (json!({ "Items": [] }), Some(false), 400),
        (json!({ "Items": null }), Some(false), 400),
        (json!({ "Client": null }), Some(false), 400),
        (json!({ "Client": {} }), Some(false), 400),
        (json!({ "taxSystemCode": "envd" }), Some(false), 400),
        (json!({ "Supplier": supplier("+79991234567") }), Some(true), 200),
        (json!({ "Supplier": supplier("phone 1234567") }), Some(false), 400),
        (item(json!({ "quantity": 0 })), Some(false), 400),
        (item(json!({ "quantity": 1.5, "measure": "кг." })), Some(true), 200),
        (item(json!({ "measure": "pud" })), Some(false), 400),
        (item(json!({ "vatType": "vat20" })), Some(false), 400),
        (item(json!({ "vatType": "vat22" })), Some(true), 200),
        (item(json!({ "name": "" })), Some(false), 400),
        (item(json!({ "name": null })), Some(false), 400),
        (item(json!({ "paymentMethod": "advance" })), Some(false), 400),
    ];
    for (over, approves, status) in &cases {
        check(court, post, &body(&with_receipt(), over), *approves, *status);
    }
}

/// A link of a stranger, paid; the answer is its id.
fn paid(court: &mut Court, reference: &str, is_hold: bool) -> String {
    let over = json!({ "paymentLinkId": reference, "preAuthorization": is_hold });
    check(court, (Method::Post, PAYMENTS), &body(&plain(), &over), Some(true), 200);
    let pay = Control::Pay { id: reference.to_owned(), method: None, card: None };
    let shown = court.bank.control(court.now, &pay).unwrap();
    shown["id"].as_str().unwrap().to_owned()
}

fn money(court: &mut Court) {
    for (reference, sent, approves) in
        [("bare", "", true), ("object", "{}", false), ("data", r#"{"Data":{}}"#, false)]
    {
        let id = paid(court, reference, true);
        let capture = format!("{PAYMENTS}/{id}/capture");
        check(court, (Method::Post, &capture), sent, Some(approves), 200);
        check(court, (Method::Post, &capture), sent, Some(approves), 424);
    }
    let id = paid(court, "refunds", false);
    let refund = format!("{PAYMENTS}/{id}/refund");
    let cases = [
        (r#"{"Data":{"amount":1}}"#, Some(true), 200),
        (r#"{"Data":{"amount":1.5}}"#, Some(true), 200),
        (r#"{"Data":{"amount":"1"}}"#, Some(false), 200),
        (r#"{"Data":{"amount":1000}}"#, Some(true), 424),
        (r#"{"Data":{"amount":0}}"#, Some(false), 400),
        (r#"{"Data":{}}"#, Some(false), 400),
        ("", Some(false), 400),
    ];
    for (sent, approves, status) in cases {
        check(court, (Method::Post, &refund), sent, approves, status);
    }
    check(court, (Method::Get, &format!("{PAYMENTS}/{id}")), "", Some(true), 200);
    let nobody = format!("{PAYMENTS}/nobody/refund");
    check(court, (Method::Post, &nobody), cases[0].0, Some(true), 424);
}

fn reading(court: &mut Court) {
    let account = directory::BUSINESS_ACCOUNT;
    let escaped = account.replace('/', "%2F");
    let accounts = "/open-banking/v1.0/accounts";
    let customers = "/open-banking/v1.0/customers";
    let list = format!("{PAYMENTS}?customerCode={BUSINESS}");
    let registry = "/acquiring/v1.0/registry";
    let all = format!("{registry}?customerCode={BUSINESS}&merchantId={}", directory::MERCHANT_ID);
    let cases = [
        (format!("{accounts}/{account}"), None, 200),
        (format!("{accounts}/{escaped}"), Some(true), 200),
        (format!("{accounts}/123"), Some(true), 400),
        (format!("{accounts}/40702810300000000000%2F044525104"), Some(true), 403),
        (format!("{customers}/{BUSINESS}"), Some(true), 200),
        (format!("{customers}/300999999"), Some(true), 403),
        (list.clone(), Some(true), 200),
        (format!("{list}&page=2&perPage=5"), Some(true), 200),
        (format!("{list}&page=x"), Some(false), 400),
        (format!("{list}&status=APPROVED&fromDate=2026-11-01&toDate=2026-12-01"), Some(true), 200),
        (format!("{list}&status=ON-REFUND"), Some(true), 200),
        (format!("{list}&status=PAID"), Some(false), 400),
        (PAYMENTS.to_owned(), Some(false), 400),
        (format!("{PAYMENTS}?customerCode=300999999"), Some(true), 403),
        (format!("{PAYMENTS}/nobody"), Some(true), 424),
        (format!("{all}&date=2026-11-21"), Some(true), 200),
        (format!("{all}&date=2026-11-21&paymentId=12000001"), Some(true), 200),
        (format!("{all}&date=2026-01-01"), Some(true), 200),
        (all, Some(false), 400),
        ("/acquiring/v1.0/retailers".to_owned(), Some(false), 400),
        ("/acquiring/v1/payments".to_owned(), None, 501),
    ];
    for (path, approves, status) in &cases {
        check(court, (Method::Get, path), "", *approves, *status);
    }
}

fn webhooks(court: &mut Court) {
    let path = format!("/webhook/v1.0/{}", directory::CLIENT_ID);
    let test = format!("{path}/test_send");
    let good = format!(r#"{{"webhooksList":["incomingPayment"],"url":"{}"}}"#, super::HOOK);
    let cases = [
        (Method::Get, &path, "", Some(true), 404),
        (Method::Post, &test, r#"{"webhookType":"incomingPayment"}"#, Some(true), 404),
        (Method::Put, &path, "{}", Some(false), 400),
        (Method::Put, &path, r#"{"webhooksList":["all"],"url":"https://a.ru"}"#, Some(false), 400),
        (Method::Put, &path, r#"{"webhooksList":[],"url":"ftp://a.ru"}"#, Some(true), 400),
        (Method::Put, &path, &good, Some(true), 200),
        (Method::Post, &path, &good, Some(true), 200),
        (Method::Get, &path, "", Some(true), 200),
        (Method::Post, &test, r#"{"webhookType":"all"}"#, Some(false), 400),
        (Method::Post, &test, r#"{"webhookType":"incomingPayment"}"#, Some(true), 200),
        (Method::Delete, &path, "", Some(true), 200),
        (Method::Delete, &path, "", Some(true), 404),
    ];
    for (method, path, sent, approves, status) in cases {
        check(court, (method, path), sent, approves, status);
    }
    check(court, (Method::Get, "/webhook/v1.0/somebody-else"), "", Some(true), 403);
}

fn consents(court: &mut Court, id: &str) {
    let all = "/consent/v1.0/consents";
    let cases = [
        (format!("{all}/{id}"), Some(true), 200),
        (format!("{all}/{id}/child"), Some(true), 200),
        (format!("{all}/nobody"), Some(true), 404),
        (format!("/v1.0/consents/{id}"), None, 200),
    ];
    for (path, approves, status) in &cases {
        check(court, (Method::Get, path), "", *approves, *status);
    }
    let ask = |data: Value| json!({ "Data": data }).to_string();
    let post = (Method::Post, all);
    check(court, post, &ask(json!({ "permissions": ["ReadBalances"] })), Some(true), 200);
    check(court, post, &ask(json!({ "permissions": ["ReadEverything"] })), Some(false), 400);
    check(court, post, &ask(json!({})), Some(false), 400);
    let past = json!({ "permissions": [], "expirationDateTime": "2020-01-01T00:00:00+00:00" });
    check(court, post, &ask(past), Some(true), 400);
    // Somebody who has no company's token at all.
    for path in [format!("{all}/{id}"), format!("{all}/{id}/child")] {
        let request = HttpRequest::new(Method::Get, format!("{}/uapi{path}", super::ORIGIN));
        assert_eq!(court.carry(&request).0.unwrap().status, 403);
    }
}

fn troubles(court: &mut Court) {
    for (status, approves) in [(500, true), (429, true), (503, true), (424, true), (404, true)] {
        fault(court, status);
        let list = format!("{PAYMENTS}?customerCode={BUSINESS}");
        check(court, (Method::Get, &list), "", Some(approves), status);
    }
    let (token, state) = (directory::access_token(), "expired".to_owned());
    court.bank.control(court.now, &Control::Token { token, state }).unwrap();
    check(court, (Method::Get, "/open-banking/v1.0/customers"), "", Some(true), 401);
}
