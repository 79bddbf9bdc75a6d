//! Making links: what is taken, what is refused and how the refusal reads.

use serde_json::{Value, json};

use super::{Bench, ORIGIN, error_message, link_body};
use crate::tochka::emulator::directory;

const PATH: &str = "/uapi/acquiring/v1.0/payments";

/// A link with these fields over the usual ones: its status and what names the fault.
#[track_caller]
fn check(over: Value, expect: u16, part: &str) {
    let (status, reply) = Bench::new().post(PATH, &link_body(over.clone()));
    assert_eq!(status, expect, "{over}: {reply}");
    if expect != 200 {
        let message = error_message(status, &reply);
        assert!(message.contains(part), "{over}: {message:?} lacks {part:?}");
    }
}

#[test]
fn a_link_answers_what_the_document_promises() {
    let mut bench = Bench::new();
    let (status, reply) = bench.post(PATH, &link_body(json!({ "ttl": null })));
    let data = &reply["Data"];
    assert_eq!(status, 200);
    assert_eq!(data["status"], "CREATED");
    assert_eq!(data["ttl"], 10_080);
    assert_eq!(data["preAuthorization"], false);
    assert_eq!(data["paymentLinkId"], "1");
    assert_eq!(data["merchantId"], directory::MERCHANT_ID);
    let id = data["operationId"].as_str().unwrap();
    assert_eq!(data["paymentLink"], format!("{ORIGIN}/order/?uuid={id}"));
    assert_eq!(reply["Links"]["self"], format!("{ORIGIN}{PATH}"));
    assert_eq!(reply["Meta"]["totalPages"], 1);
    let raw = bench.send(&bench.request(crate::http::Method::Post, PATH, &link_body(json!({}))));
    assert!(raw.text().contains(r#""amount":100.00,"#), "{}", raw.text());
    assert!(raw.text().contains(r#""paymentLinkId":"2""#), "{}", raw.text());
}

#[test]
fn all_that_the_document_allows_is_taken() {
    check(json!({ "amount": 100 }), 200, "");
    check(json!({ "amount": 0.01 }), 200, "");
    check(json!({ "amount": "1234.50" }), 200, "");
    check(json!({ "purpose": "я".repeat(140) }), 200, "");
    check(json!({ "paymentMode": ["sbp", "card", "tinkoff", "dolyame"] }), 200, "");
    check(json!({ "merchantId": directory::MERCHANT_ID }), 200, "");
    check(json!({ "ttl": 44_640, "saveCard": true, "consumerId": "c" }), 200, "");
    check(json!({ "paymentLinkId": "п".repeat(45) }), 200, "");
    check(json!({ "redirectUrl": "https://shop.example/ok?a=1" }), 200, "");
    check(json!({ "somethingNew": { "deep": [1.5] } }), 200, "");
}

#[test]
fn json_numbers_with_exponents_are_exact_too() {
    for (amount, expect) in [
        ("1e2", "100.00"),
        ("1.5E+3", "1500.00"),
        ("12.5e-1", "1.25"),
        ("1e-2", "0.01"),
        ("100e-2", "1.00"),
        ("0.00012e4", "1.20"),
    ] {
        let mut bench = Bench::new();
        let body = link_body(json!({})).replace("\"100.00\"", amount);
        let reply = bench.send(&bench.request(crate::http::Method::Post, PATH, &body));
        let text = reply.text();
        assert!(text.contains(&format!(r#""amount":{expect},"#)), "{amount}: {text}");
    }
    for amount in ["1e-3", "1e99", "-1e2", "0e5", "1e99999999999999999999"] {
        let body = link_body(json!({})).replace("\"100.00\"", amount);
        assert_eq!(Bench::new().post(PATH, &body).0, 400, "{amount}");
    }
}

#[test]
fn each_wrong_field_is_named() {
    check(json!({ "amount": null }), 400, "Field amount : field required");
    check(json!({ "amount": 0 }), 400, "Field amount : ");
    check(json!({ "amount": -1 }), 400, "Field amount : ");
    check(json!({ "amount": "0.001" }), 400, "Field amount : ");
    check(json!({ "amount": true }), 400, "Field amount : ");
    check(json!({ "customerCode": "12" }), 400, "Field customerCode : ");
    check(json!({ "purpose": "" }), 400, "Field purpose : ");
    check(json!({ "purpose": "я".repeat(141) }), 400, "Field purpose : ");
    check(json!({ "paymentMode": [] }), 400, "Field paymentMode : ");
    check(json!({ "paymentMode": ["cash"] }), 400, "Field paymentMode : ");
    check(json!({ "paymentMode": ["sbp", "sbp"] }), 400, "Field paymentMode : ");
    check(json!({ "paymentMode": "card" }), 400, "Field paymentMode : ");
    check(json!({ "merchantId": "1" }), 400, "Field merchantId : ");
    check(json!({ "merchantId": "200000000009999" }), 400, "Field merchantId : ");
    check(json!({ "ttl": 0 }), 400, "Field ttl : ");
    check(json!({ "ttl": 44_641 }), 400, "Field ttl : ");
    check(json!({ "ttl": "60" }), 400, "Field ttl : ");
    check(json!({ "preAuthorization": "yes" }), 400, "Field preAuthorization : ");
    check(json!({ "redirectUrl": "javascript://x" }), 400, "Field redirectUrl : ");
    check(json!({ "redirectUrl": "https://a b" }), 400, "Field redirectUrl : ");
    check(json!({ "paymentLinkId": "x".repeat(46) }), 400, "Field paymentLinkId : ");
}

#[test]
fn foreign_customers_and_closed_points_are_refused() {
    check(json!({ "customerCode": "300999999" }), 403, "Forbidden by consent");
    check(json!({ "customerCode": directory::PERSONAL_CODE }), 424, "не подключен");
    let closed = json!({ "merchantId": directory::CLOSED_MERCHANT_ID, "paymentMode": ["card"] });
    check(closed, 424, "не активна");
}

#[test]
fn a_body_that_is_no_object_is_a_validation_error() {
    let deep = "[".repeat(10_000);
    for body in ["", "[]", "null", "{", "{\"Data\":1}", "{}", "{\"Data\":{}}", &deep] {
        let (status, reply) = Bench::new().post(PATH, body);
        assert_eq!(status, 400, "{body:.20}");
        error_message(status, &reply);
        assert_eq!(reply["Errors"][0]["errorCode"], "Validation Error");
    }
}

#[test]
fn an_order_number_is_taken_once() {
    let mut bench = Bench::new();
    bench.link(json!({ "paymentLinkId": "1" }));
    let (status, reply) = bench.post(PATH, &link_body(json!({ "paymentLinkId": "1" })));
    assert_eq!(status, 424);
    assert_eq!(error_message(status, &reply), "Заказ с таким номером уже существует");
    // The bank's own numbering steps over numbers that are taken.
    let id = bench.link(json!({}));
    assert_eq!(bench.operation(&id)["paymentLinkId"], "2");
}

fn receipt(over: Value) -> Value {
    let mut item = json!({ "name": "Чай", "amount": "33.33", "quantity": 3 });
    for (key, value) in over.as_object().unwrap() {
        item[key] = value.clone();
    }
    json!({ "Client": { "email": "a@b.ru" }, "Items": [item], "taxSystemCode": "usn_income" })
}

#[test]
fn a_receipt_is_echoed_with_its_defaults() {
    let mut bench = Bench::new();
    let over = receipt(json!({ "vatType": "vat22", "quantity": "1.5" }));
    let path = "/sandbox/v2/acquiring/v1.0/payments_with_receipt";
    let (status, reply) = bench.post(path, &link_body(over));
    assert_eq!(status, 200, "{reply}");
    let item = &reply["Data"]["Items"][0];
    assert_eq!(item.to_string().matches("33.33").count(), 1);
    assert!(item["amount"].is_number() && item["quantity"].is_number());
    assert_eq!(item["measure"], "шт.");
    assert_eq!(item["vatType"], "vat22");
    assert_eq!(reply["Data"]["Client"], json!({ "email": "a@b.ru" }));
    let id = reply["Data"]["operationId"].as_str().unwrap();
    assert_eq!(bench.operation(id)["taxSystemCode"], "usn_income");
}

#[test]
fn each_wrong_part_of_a_receipt_is_named() {
    #[track_caller]
    fn check(over: Value, part: &str) {
        let path = "/uapi/acquiring/v1.0/payments_with_receipt";
        let (status, reply) = Bench::new().post(path, &link_body(over));
        assert_eq!(status, 400, "{reply}");
        assert!(error_message(400, &reply).contains(part), "{reply}");
    }
    check(json!({}), "Field Client : field required");
    check(json!({ "Client": { "email": "x" }, "Items": [] }), "Field Items : ");
    let mut over = receipt(json!({}));
    over["Client"] = json!({ "email": "no" });
    check(over, "Field Client.email : ");
    check(receipt(json!({ "vatType": "vat20" })), "Field Items.0.vatType : ");
    check(receipt(json!({ "quantity": 0 })), "Field Items.0.quantity : ");
    check(receipt(json!({ "amount": "free" })), "Field Items.0.amount : ");
    check(receipt(json!({ "measure": "pcs" })), "Field Items.0.measure : ");
    let supplier = json!({ "phone": "+7999", "name": "A", "taxCode": "6600000000" });
    check(receipt(json!({ "Supplier": supplier })), "Field Items.0.Supplier.phone : ");
}
