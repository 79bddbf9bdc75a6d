//! The same API over T-Bank, whose ways are its own: it tells what is left in place of a list of
//! refunds, captures parts and releases holds, and is told its notice address with each payment.

use std::time::Duration;

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

pub(super) fn path(payment: &Value, action: &str) -> String {
    format!("/v1/payments/{}/{action}", payment["id"].as_str().unwrap())
}

pub(super) async fn kinds(app: &TestApp) -> Vec<String> {
    let events = app.get("/v1/events?limit=100").await.expect(200);
    let list = events["data"].as_array().unwrap().iter();
    list.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// Origin, kopecks and status of each refund.
pub(super) fn rows(payment: &Value) -> Vec<(&str, i64, &str)> {
    let list = payment["refunds"].as_array().unwrap().iter();
    list.map(|it| {
        let kopecks = it["amount_kopecks"].as_i64().unwrap();
        (it["origin"].as_str().unwrap(), kopecks, it["status"].as_str().unwrap())
    })
    .collect()
}

fn lose_replies(app: &TestApp, path: &str) {
    let (kind, path) = (FaultKind::ReplyLost, path.to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path }));
}

pub(super) async fn settle(app: &TestApp, ms: i64) {
    tokio::time::sleep(Duration::from_millis(250)).await;
    app.advance(ms).await;
}

#[tokio::test]
async fn a_notice_tells_that_it_is_paid_and_nobody_announces_a_hold() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"order_id": "4711"})).await;
    assert_eq!((&payment["status"], &payment["bank"]), (&json!("open"), &json!("tbank")));
    app.pay(&payment);
    // Less than a minute: it was the notice.
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    let kinds = kinds(&app).await;
    assert!(!kinds.contains(&"payment.authorized".to_owned()), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment.paid").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn without_notices_asking_is_enough() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({})).await;
    app.bank.control(&Control::Fault(Fault {
        kind: FaultKind::NoticeLost,
        times: 5,
        path: String::new(),
    }));
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn refunds_by_parts_and_one_in_the_cabinet() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(json!({"methods": ["card"]})).await;
    let refund = app.post(&path(&payment, "refunds"), json!({"amount": "1000.00"})).await;
    let refund = refund.expect(201);
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunds"][0]["status"], "succeeded", "{refund}");
    assert_eq!(
        (&after["status"], &after["refunded_kopecks"]),
        (&json!("partially_refunded"), &json!(100_000))
    );
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let amount = kopeck_banks::Money::parse_rubles("500").ok();
    app.bank.control(&Control::Refund { id, amount });
    app.advance(61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(
        (&after["refunded_kopecks"], &after["refundable_kopecks"]),
        (&json!(150_000), &json!(350_000))
    );
    assert_eq!(rows(&after), [("bank", 50_000, "succeeded"), ("shop", 100_000, "succeeded")]);
    let told = kinds(&app).await;
    assert_eq!(told.iter().filter(|kind| *kind == "refund.succeeded").count(), 2, "{told:?}");
    app.post(&path(&payment, "refunds"), json!({})).await.expect(201);
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["refundable_kopecks"]), (&json!("refunded"), &json!(0)));
}

#[tokio::test]
async fn a_lost_answer_to_a_refund_is_told_by_what_is_left() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(json!({"methods": ["card"]})).await;
    lose_replies(&app, "/Cancel");
    app.post(&path(&payment, "refunds"), json!({"amount": "10.00"})).await.expect(201);
    settle(&app, 120_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(rows(&after), [("shop", 1_000, "succeeded")]);
    assert_eq!(after["refunded_kopecks"], 1_000);
    assert_eq!(app.bank.count("/v2/Cancel"), 1);
}

#[tokio::test]
async fn in_doubt_a_refund_by_card_is_asked_for_by_the_same_id() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(json!({"methods": ["card"]})).await;
    // It hangs, and meanwhile somebody gives back another sum in the cabinet.
    let (kind, path_of) = (FaultKind::Hang { ms: 1 }, "/Cancel".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_of }));
    app.post(&path(&payment, "refunds"), json!({"amount": "10.00"})).await.expect(201);
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let amount = kopeck_banks::Money::parse_rubles("70").ok();
    app.bank.control(&Control::Refund { id, amount });
    settle(&app, 120_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(rows(&after), [("bank", 7_000, "succeeded"), ("shop", 1_000, "succeeded")]);
    assert_eq!((app.bank.count("/v2/Cancel"), &after["refunded_kopecks"]), (2, &json!(8_000)));
}

#[tokio::test]
async fn a_refund_by_sbp_is_never_sent_twice() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"methods": ["sbp"]})).await;
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Pay { id, method: Some("sbp".into()), card: None });
    app.advance(61_000).await;
    lose_replies(&app, "/Cancel");
    app.post(&path(&payment, "refunds"), json!({"amount": "10.00"})).await.expect(201);
    settle(&app, 120_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunds"][0]["status"], "succeeded", "{after}");
    assert_eq!(after["refunded_kopecks"], 1_000);
    assert_eq!(app.bank.count("/v2/Cancel"), 1);
}

#[tokio::test]
async fn a_part_of_a_hold_is_captured_and_is_what_was_expected() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"capture": "manual"})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "authorized");
    let large = app.post(&path(&payment, "capture"), json!({"amount": "5000.01"})).await;
    large.expect_error(422, "capture_too_large");
    app.post(&path(&payment, "capture"), json!({"amount": "2000.00"})).await.expect(200);
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["paid_kopecks"]), (&json!("paid"), &json!(200_000)));
    assert_eq!(after["refunded_kopecks"], 0);
    let kinds = kinds(&app).await;
    assert!(!kinds.contains(&"payment.amount_mismatch".to_owned()), "{kinds:?}");
    app.post(&path(&payment, "refunds"), json!({})).await.expect(201);
    settle(&app, 61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "refunded");
}

#[tokio::test]
async fn a_hold_is_released() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"capture": "manual"})).await;
    let early = app.post(&path(&payment, "cancel"), json!({})).await;
    early.expect_error(409, "payment_not_cancelable");
    app.pay(&payment);
    app.advance(61_000).await;
    lose_replies(&app, "/Cancel");
    app.post(&path(&payment, "cancel"), json!({})).await.expect(200);
    settle(&app, 120_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["paid_kopecks"]), (&json!("canceled"), &json!(0)));
    app.post(&path(&payment, "cancel"), json!({})).await.expect(200);
}

#[tokio::test]
async fn a_link_whose_answer_was_lost_is_replaced_by_one_that_can_be_paid() {
    let app = TestApp::at("tbank").await;
    lose_replies(&app, "/Init");
    let payment = app.create(json!({})).await;
    settle(&app, 10_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["status"], "open");
    assert!(after["bank_url"].is_string());
    assert_ne!(after["reference"], payment["reference"]);
    app.pay(&after);
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn the_sweep_asks_about_each_payment_and_finds_the_cabinet_s_refund() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(json!({"methods": ["card"]})).await;
    app.advance(3 * 24 * 3_600_000).await;
    app.bank.control(&Control::Fault(Fault {
        kind: FaultKind::NoticeLost,
        times: 5,
        path: String::new(),
    }));
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Refund { id, amount: None });
    app.advance(1_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    let since_ms = app.ctx.now_ms() - 31 * 24 * 60 * 60 * 1_000;
    let report =
        kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
    assert_eq!((report.listed, report.healed.len()), (1, 1), "{report:?}");
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["status"], "refunded");
    assert_eq!(rows(&after), [("bank", 500_000, "succeeded")]);
    let told = kinds(&app).await;
    assert!(told.contains(&"refund.succeeded".to_owned()), "{told:?}");
}
