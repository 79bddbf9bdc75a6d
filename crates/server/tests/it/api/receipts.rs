//! Receipts: checked, made by the shop's defaults, and followed.

use serde_json::{Value, json};

use crate::harness::app::TestApp;

fn item(change: Value) -> Value {
    let mut item = json!({"name": "Курс", "price": "5000.00", "vat": "none"});
    for (name, value) in change.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

fn found(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_check_names_everything_in_two_languages() {
    let app = TestApp::new().await;
    let lines: Vec<Value> = (0..101).map(|_| item(json!({"price": "1"}))).collect();
    let marked = json!({"quantity": 2, "subject": "goods_with_marking_code",
        "mark": {"kind": "gs1m", "value": "4111111111111111"}});
    for (receipt, code) in [
        (json!({"email": "a@example.ru", "items": lines}), "receipt_lines_many"),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"name": "я".repeat(300)}))]}),
            "receipt_name_invalid",
        ),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"quantity": 0.0001}))]}),
            "receipt_quantity_unreadable",
        ),
        (json!({"email": "a@example.ru", "items": [item(marked)]}), "receipt_mark_quantity"),
        (json!({"phone": "позвоните", "items": [item(json!({}))]}), "receipt_phone_invalid"),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"vat": "vat20"}))]}),
            "receipt_vat_date_mismatch",
        ),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"price": 1}))]}),
            "receipt_total_mismatch",
        ),
        (
            json!({"email": "a@example.ru", "taxation": "envd", "items": []}),
            "receipt_taxation_abolished",
        ),
    ] {
        let body = json!({"receipt": receipt, "bank": "tbank", "amount": "5000", "ffd": "1.2",
            "taxation": "usn_income"});
        let report = app.post("/v1/receipts/check", body).await.expect(200);
        assert_eq!(report["ok"], false, "{report}");
        assert!(found(&report).contains(&code), "{code} in {report}");
        for finding in report["findings"].as_array().unwrap() {
            for text in [&finding["ru"]["problem"], &finding["en"]["fix"], &finding["basis"]] {
                assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{finding}");
            }
        }
    }
    let salebot = json!([{"name": "Курс", "quantity": 1, "price": 4900, "vat_code": 1}]);
    let report = app.post("/v1/receipts/check", json!({"receipt": salebot})).await.expect(200);
    assert_eq!((&report["form"], &report["total"]), (&json!("salebot"), &json!("4900.00")));
    for (body, param) in [
        (json!({}), "receipt"),
        (json!({"receipt": {}, "bank": "sber"}), "bank"),
        (json!({"receipt": {}, "on": "вчера"}), "on"),
        (json!({"receipt": {}, "ffd": "2"}), "ffd"),
    ] {
        let error = app.post("/v1/receipts/check", body).await.expect(422);
        assert_eq!(error["error"]["param"], param, "{error}");
    }
    let card = json!({"receipt": {"email": "4111 1111 1111 1111", "items": []}});
    let refused = app.post("/v1/receipts/check", card).await;
    refused.expect_error(422, "card_number_refused");
}

#[tokio::test]
async fn vat_is_judged_by_the_day_of_the_payment() {
    let app = TestApp::at("tbank").await;
    let body = |vat: &str| {
        json!({"amount": "5000.00", "purpose": "Курс", "receipt": {"email": "a@example.ru",
            "taxation": "osn", "items": [item(json!({"vat": vat}))]}})
    };
    let refused = app.post("/v1/payments", body("vat20")).await;
    refused.expect_error(422, "receipt_vat_date_mismatch");
    app.post("/v1/payments", body("vat22")).await.expect(201);
}

#[tokio::test]
async fn one_field_makes_a_receipt_once_the_shop_said_its_vat() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        let body = json!({"amount": "5000.00", "purpose": "Курс",
            "receipt": {"preset": "online_course", "email": "a@example.ru"}});
        let error = app.post("/v1/payments", body.clone()).await;
        error.expect_error(422, "receipt_defaults_missing");
        let shown = app.get("/v1/receipts/defaults").await.expect(200);
        assert_eq!(shown["saved"], false);
        let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let shown = app.get("/v1/receipts/defaults").await.expect(200);
        assert_eq!((&shown["saved"], &shown["vat"][0]["vat"]), (&json!(true), &json!("none")));
        app.post("/v1/payments", body).await.expect(201);
        let bare = json!({"amount": "5000.00", "purpose": "Курс",
            "customer": {"email": "b@example.ru"}});
        app.post("/v1/payments", bare).await.expect(201);
        let plain = json!({"amount": "5000.00", "purpose": "Курс"});
        app.post("/v1/payments", plain).await.expect(201);
        let sent: i64 = match bank {
            "tochka" => 2,
            _ => 0,
        };
        let with_receipt = app.bank.count("POST /uapi/acquiring/v1.0/payments_with_receipt");
        assert_eq!(i64::try_from(with_receipt).unwrap(), sent);
        let wrong = json!({"amount": "5000.00", "purpose": "Курс",
            "receipt": {"preset": "tea", "email": "a@example.ru"}});
        let error = app.post("/v1/payments", wrong).await.expect_error(422, "receipt_invalid");
        assert_eq!(error["param"], "receipt.preset");
    }
}
