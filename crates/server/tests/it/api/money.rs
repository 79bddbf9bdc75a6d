//! Payments, holds and refunds through the API.

use std::time::Duration;

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

fn path(payment: &Value, action: &str) -> String {
    format!("/v1/payments/{}/{action}", payment["id"].as_str().unwrap())
}

#[tokio::test]
async fn amounts_are_read_from_their_text() {
    let app = TestApp::new().await;
    let cases = [
        (r#""amount": "5000.00""#, 500_000),
        (r#""amount": 5000.00"#, 500_000),
        (r#""amount": 5000"#, 500_000),
        (r#""amount": 0.1"#, 10),
        (r#""amount": 1234567.89"#, 123_456_789),
        (r#""amount_kopecks": 1"#, 1),
        (r#""amount": "50.5", "amount_kopecks": 5050"#, 5_050),
    ];
    for (amount, kopecks) in cases {
        let text = format!("{{{amount}, \"purpose\": \"x\"}}");
        let payment = app.post_text("/v1/payments", &text).await.expect(201);
        assert_eq!(payment["amount_kopecks"], kopecks, "{amount}");
    }
}

#[tokio::test]
async fn a_payment_is_created_with_its_link_and_returned_as_it_came() {
    let app = TestApp::new().await;
    let body = json!({
        "amount": "5000.00", "purpose": "Торт «Прага»", "methods": ["card", "sbp", "card"],
        "order_id": "4711", "ttl_minutes": 60, "success_url": "https://shop.example.ru/ok",
        "fail_url": "https://shop.example.ru/no", "bank": "tochka",
        "customer": {"email": "buyer@example.ru", "id": "c1"},
        "metadata": {"cart": "c-17", "n": [1, 2.50]},
        "receipt": {"email": "buyer@example.ru", "items": [
            {"name": "Торт", "price": "2500.00", "quantity": 2, "vat": "none"}]},
    });
    let payment = app.post("/v1/payments", body.clone()).await.expect(201);
    assert_eq!(payment["status"], "open");
    assert_eq!(payment["methods"], json!(["card", "sbp"]));
    for field in ["order_id", "success_url", "fail_url", "customer", "metadata", "bank"] {
        assert_eq!(payment[field], body[field], "{field}");
    }
    assert!(payment["bank_url"].as_str().unwrap().starts_with("https://bank.test/"));
    assert!(payment["reference"].as_str().unwrap().starts_with("4711-"));
    assert_eq!(app.payment(&payment["id"]).await, payment);
    assert_eq!(app.bank.count("POST /uapi/acquiring/v1.0/payments_with_receipt"), 1);
}

#[tokio::test]
async fn the_payer_comes_back_to_our_page_when_the_shop_gives_none() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    let story = app.get(&path(&payment, "timeline")).await.expect(200).to_string();
    let page = format!("redirectUrl\\\\\\\":\\\\\\\"{}", payment["pay_url"].as_str().unwrap());
    assert!(story.contains(&page.replace("\\\\\\\"", "\\\"")), "{story}");
    assert_eq!(payment["success_url"], json!(null));
}

#[tokio::test]
async fn paid_refunded_in_part_then_whole() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    let early = app.post(&path(&payment, "refunds"), json!({})).await;
    early.expect_error(409, "payment_not_refundable");
    let early = app.post(&path(&payment, "capture"), json!({})).await;
    early.expect_error(409, "payment_not_capturable");
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");

    let part = json!({"amount": "1000.00", "reason": "Передумал"});
    let refund = app.post_with_key(&path(&payment, "refunds"), "r1", part.clone()).await;
    let again = app.post_with_key(&path(&payment, "refunds"), "r1", part).await;
    assert_eq!(refund.bytes, again.bytes);
    let refund = refund.expect(201);
    assert_eq!((&refund["status"], &refund["amount"]), (&json!("succeeded"), &json!("1000.00")));
    assert_eq!(refund["payment"]["status"], "partially_refunded");
    assert_eq!(refund["payment"]["refundable_kopecks"], 400_000);

    let large = app.post(&path(&payment, "refunds"), json!({"amount": "4000.01"})).await;
    assert_eq!(large.expect_error(422, "refund_too_large")["param"], "amount");
    for (wrong, code) in [
        (json!({"amount": 0}), "amount_invalid"),
        (json!({"amount": "0.001"}), "amount_invalid"),
        (json!({"reason": "5555 5555 5555 4444"}), "card_number_refused"),
        (json!({"reason": "x".repeat(201)}), "param_invalid"),
        (json!({"sum": 1}), "param_unknown"),
    ] {
        app.post(&path(&payment, "refunds"), wrong).await.expect_error(422, code);
    }
    let rest = app.post_text(&path(&payment, "refunds"), "").await.expect(201);
    assert_eq!(rest["amount_kopecks"], 400_000);
    assert_eq!(rest["payment"]["status"], "refunded");
    let none = app.post(&path(&payment, "refunds"), json!({})).await;
    none.expect_error(409, "refund_nothing_left");
    assert_eq!(app.bank.count("/refund"), 2);
}

#[tokio::test]
async fn a_hold_is_captured_once() {
    let app = TestApp::new().await;
    let payment = app.create(json!({"capture": "manual"})).await;
    assert_eq!(payment["methods"], json!(["card"]));
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "authorized");
    let wrong = app.post(&path(&payment, "capture"), json!({"amount": 1})).await;
    wrong.expect_error(422, "capture_partial_unsupported");
    let canceled = app.post(&path(&payment, "cancel"), json!({})).await;
    canceled.expect_error(422, "hold_void_unsupported");
    let captured = app.post_with_key(&path(&payment, "capture"), "c", json!({})).await;
    let again = app.post_with_key(&path(&payment, "capture"), "c", json!({})).await;
    assert_eq!(captured.bytes, again.bytes);
    assert_eq!(captured.expect(200)["status"], "paid");
    let other_key = app.post(&path(&payment, "capture"), json!({})).await.expect(200);
    assert_eq!(other_key["status"], "paid");
    assert_eq!(app.bank.count("/capture"), 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_refund_is_settled_by_asking() {
    let app = TestApp::impatient().await;
    let payment = app.create_paid(json!({})).await;
    app.bank.control(&Control::Fault(Fault {
        kind: FaultKind::ReplyLost,
        times: 1,
        path: "/refund".into(),
    }));
    let refund = app.post(&path(&payment, "refunds"), json!({"amount": "10.00"})).await;
    let refund = refund.expect(201);
    assert_eq!((&refund["object"], &refund["status"]), (&json!("refund"), &json!("asked")));
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.advance(10_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunds"][0]["status"], "succeeded");
    assert_eq!(app.bank.count("/refund"), 1);
}

#[tokio::test]
async fn a_link_with_a_lost_answer_is_looked_up_and_not_made_twice() {
    let app = TestApp::impatient().await;
    app.bank.control(&Control::Fault(Fault {
        kind: FaultKind::ReplyLost,
        times: 1,
        path: "/payments".into(),
    }));
    let payment = app.create(json!({})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
    assert_eq!(app.bank.count("POST /uapi/acquiring/v1.0/payments"), 1);
}
