//! While T-Bank is busy with a payment nothing is sent to it again: what was asked waits, is looked
//! at, and settles by one request.

use kopeck_banks::emulator::Control;
use serde_json::{Value, json};

use super::tbank::{kinds, path, rows, settle};
use crate::harness::app::TestApp;

/// How long the bank is busy with each thing here.
const BUSY_MS: i64 = 90_000;

fn make_slow(app: &TestApp) {
    app.bank.edit(|memory| {
        memory["timing"]["transient_ms"] = BUSY_MS.into();
        memory["timing"]["sbp_ms"] = BUSY_MS.into();
    });
}

/// The bank's own word for where the payment is.
fn at_bank(app: &TestApp, payment: &Value) -> String {
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let shown = app.bank.control(&Control::Show { id });
    shown["status"].as_str().unwrap().to_owned()
}

/// Long enough for anything to be over, in steps that are looks.
async fn wait(app: &TestApp) {
    for _ in 0..4 {
        app.advance(61_000).await;
    }
}

async fn count(app: &TestApp, kind: &str) -> usize {
    kinds(app).await.iter().filter(|own| *own == kind).count()
}

#[tokio::test]
async fn a_payment_under_way_is_not_paid_yet() {
    let app = TestApp::at("tbank").await;
    make_slow(&app);
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(at_bank(&app, &payment), "AUTHORIZING");
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
    app.advance(61_000).await;
    assert_eq!(at_bank(&app, &payment), "CONFIRMING");
    let during = app.payment(&payment["id"]).await;
    assert_eq!((&during["status"], &during["paid_kopecks"]), (&json!("authorized"), &json!(0)));
    wait(&app).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!(app.bank.count("/v2/Confirm"), 0);
    assert_eq!(count(&app, "payment.authorized").await, 0);
}

#[tokio::test]
async fn a_capture_waits_and_is_asked_once() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"capture": "manual"})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    make_slow(&app);
    let captured = app.post(&path(&payment, "capture"), json!({"amount": "2000.00"})).await;
    assert_eq!(captured.expect(200)["status"], "capturing");
    settle(&app, 61_000).await;
    assert_eq!(at_bank(&app, &payment), "CONFIRMING");
    assert_eq!(app.payment(&payment["id"]).await["status"], "capturing");
    wait(&app).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["paid_kopecks"]), (&json!("paid"), &json!(200_000)));
    assert_eq!(app.bank.count("/v2/Confirm"), 1);
    assert_eq!(count(&app, "payment.amount_mismatch").await, 0);
}

#[tokio::test]
async fn a_release_waits_and_is_asked_once() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"capture": "manual"})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    make_slow(&app);
    app.post(&path(&payment, "cancel"), json!({})).await.expect(200);
    settle(&app, 61_000).await;
    assert_eq!(at_bank(&app, &payment), "REVERSING");
    wait(&app).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "canceled");
    assert_eq!(app.bank.count("/v2/Cancel"), 1);
}

async fn refund_slowly(method: &str, word: &str) {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"methods": [method]})).await;
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Pay { id, method: Some(method.into()), card: None });
    app.advance(61_000).await;
    make_slow(&app);
    let refund = app.post(&path(&payment, "refunds"), json!({"amount": "10.00"})).await;
    assert_eq!(refund.expect(201)["status"], "asked");
    settle(&app, 61_000).await;
    assert_eq!(at_bank(&app, &payment), word);
    let during = app.payment(&payment["id"]).await;
    assert_eq!((&during["status"], &during["refunded_kopecks"]), (&json!("refunding"), &json!(0)));
    assert_eq!(rows(&during), [("shop", 1_000, "asked")]);
    assert_eq!(count(&app, "refund.succeeded").await, 0);
    wait(&app).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(rows(&after), [("shop", 1_000, "succeeded")], "{after}");
    assert_eq!(
        (&after["status"], &after["refunded_kopecks"]),
        (&json!("partially_refunded"), &json!(1_000))
    );
    assert_eq!(app.bank.count("/v2/Cancel"), 1);
    assert_eq!(count(&app, "refund.succeeded").await, 1);
}

#[tokio::test]
async fn a_refund_by_card_waits_and_is_asked_once() {
    refund_slowly("card", "REFUNDING").await;
}

#[tokio::test]
async fn a_refund_by_sbp_waits_and_is_asked_once() {
    refund_slowly("sbp", "ASYNC_REFUNDING").await;
}

#[tokio::test]
async fn a_refund_waits_for_the_cabinet_s_and_for_another_of_the_shop() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(json!({"methods": ["card"]})).await;
    make_slow(&app);
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let amount = kopeck_banks::Money::parse_rubles("70").ok();
    app.bank.control(&Control::Refund { id, amount });
    for rubles in ["10.00", "20.00"] {
        app.post(&path(&payment, "refunds"), json!({"amount": rubles})).await.expect(201);
    }
    settle(&app, 61_000).await;
    assert_eq!(app.bank.count("/v2/Cancel"), 0, "the bank is busy with the cabinet's");
    wait(&app).await;
    wait(&app).await;
    let after = app.payment(&payment["id"]).await;
    let wanted =
        [("bank", 7_000, "succeeded"), ("shop", 1_000, "succeeded"), ("shop", 2_000, "succeeded")];
    // Two of one moment stand in the order of their ids.
    let mut found = rows(&after);
    found.sort_unstable();
    assert_eq!((found, app.bank.count("/v2/Cancel")), (wanted.to_vec(), 2));
    assert_eq!(after["refunded_kopecks"], 10_000);
}
