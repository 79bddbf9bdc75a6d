//! Whatever T-Bank says is compared with the order: its sums, its terminal, its numbers.

use axum::{body::Body, http::Request};
use kopeck::gateway::flow::ask_now;
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
    op::{BankOp, Outcome},
    tbank::{
        emulator::directory,
        token::{self, Scope},
    },
};
use serde_json::{Value, json};

use super::tbank::{kinds, path, settle};
use crate::harness::app::TestApp;

/// A notice of a paid payment with these fields changed, signed with the terminal's password, is
/// delivered; returns the status of the answer.
async fn notify(app: &TestApp, payment: &Value, change: Value) -> u16 {
    let id: u64 = payment["bank_payment_id"].as_str().unwrap().parse().unwrap();
    let mut body = json!({
        "TerminalKey": directory::DEMO_KEY, "OrderId": payment["reference"], "Success": true,
        "Status": "CONFIRMED", "PaymentId": id, "ErrorCode": "0", "Amount": 500_000,
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let body = token::sign(&body.to_string(), directory::DEMO_PASSWORD, Scope::All);
    app.send(Request::post(app.notice_path()).body(Body::from(body)).unwrap()).await.status
}

async fn count(app: &TestApp, kind: &str) -> usize {
    kinds(app).await.iter().filter(|own| *own == kind).count()
}

/// Held for this sum, whatever the order says; we know.
async fn held(app: &TestApp, kopecks: i64) -> Value {
    let payment = app.create(json!({"capture": "manual"})).await;
    let id = payment["bank_payment_id"].as_str().unwrap();
    app.bank.edit(|memory| memory["payments"][id]["amount"] = kopecks.into());
    app.pay(&payment);
    app.advance(61_000).await;
    app.payment(&payment["id"]).await
}

#[tokio::test]
async fn a_hold_of_another_sum_is_announced_and_never_taken_silently() {
    for kopecks in [400_000, 600_000] {
        let app = TestApp::at("tbank").await;
        let payment = held(&app, kopecks).await;
        assert_eq!(
            (&payment["status"], &payment["authorized_kopecks"]),
            (&json!("amount_mismatch"), &json!(kopecks))
        );
        assert_eq!(count(&app, "payment.amount_mismatch").await, 1);
        assert_eq!(count(&app, "payment.authorized").await, 0);
        let silent = app.post(&path(&payment, "capture"), json!({})).await;
        let error = silent.expect_error(422, "capture_amount_needed");
        assert_eq!(error["param"], "amount");
        settle(&app, 61_000).await;
        assert_eq!(app.bank.count("/v2/Confirm"), 0);
        // Long after, the hold is still looked after.
        app.advance(24 * 3_600_000).await;
        assert_eq!(app.payment(&payment["id"]).await["status"], "amount_mismatch");
        app.post(&path(&payment, "capture"), json!({"amount": "4000.00"})).await.expect(200);
        settle(&app, 61_000).await;
        let after = app.payment(&payment["id"]).await;
        assert_eq!((&after["status"], &after["paid_kopecks"]), (&json!("paid"), &json!(400_000)));
        assert_eq!(count(&app, "payment.amount_mismatch").await, 1);
    }
}

#[tokio::test]
async fn a_hold_of_another_sum_is_released() {
    let app = TestApp::at("tbank").await;
    let payment = held(&app, 400_000).await;
    app.post(&path(&payment, "cancel"), json!({})).await.expect(200);
    settle(&app, 61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "canceled");
    assert_eq!(app.bank.count("/v2/Cancel"), 1);
}

#[tokio::test]
async fn a_hold_released_in_part_behind_our_back_is_not_taken_as_if_it_were_whole() {
    let app = TestApp::at("tbank").await;
    let payment = held(&app, 500_000).await;
    assert_eq!(payment["status"], "authorized");
    let fault = Fault { kind: FaultKind::NoticeLost, times: 1, path: String::new() };
    app.bank.control(&Control::Fault(fault));
    let bank_id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let (amount, request_id) = (Money::parse_rubles("1000").ok(), "cabinet".to_owned());
    let void = BankOp::Void { bank_id, amount, request_id };
    let outcome = ask_now(&app.ctx, &app.connection, &void).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let silent = app.post(&path(&payment, "capture"), json!({})).await;
    silent.expect_error(422, "capture_amount_needed");
    assert_eq!(app.bank.count("/v2/Confirm"), 0);
    app.post(&path(&payment, "capture"), json!({"amount": "4000.00"})).await.expect(200);
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["paid_kopecks"]), (&json!("paid"), &json!(400_000)));
    assert_eq!((&after["refunded_kopecks"], &after["refunds"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_genuine_notice_of_another_sum_is_a_mismatch_and_not_a_payment() {
    for kopecks in [1, 499_999, 500_001] {
        let app = TestApp::at("tbank").await;
        let payment = app.create(json!({})).await;
        assert_eq!(notify(&app, &payment, json!({"Amount": kopecks})).await, 200);
        let after = app.payment(&payment["id"]).await;
        assert_eq!(
            (&after["status"], &after["paid_kopecks"]),
            (&json!("amount_mismatch"), &json!(kopecks))
        );
        assert_eq!(count(&app, "payment.amount_mismatch").await, 1);
        assert_eq!(count(&app, "payment.paid").await, 0);
        assert_eq!(notify(&app, &payment, json!({"Amount": kopecks})).await, 200);
        assert_eq!(count(&app, "payment.amount_mismatch").await, 1);
    }
}

#[tokio::test]
async fn the_notice_of_another_terminal_with_the_same_password_is_refused() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({})).await;
    for terminal in [directory::WORKING_KEY, "", "1763720000001DEMO "] {
        let status = notify(&app, &payment, json!({"TerminalKey": terminal})).await;
        assert_eq!(status, 403, "{terminal}");
    }
    assert_eq!((app.refused.total(), app.rows("notices").await), (3, 0));
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
}

#[tokio::test]
async fn a_notice_whose_numbers_are_not_of_one_payment_is_kept_and_not_believed() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({})).await;
    let other = app.create(json!({})).await;
    for change in [
        json!({"OrderId": "4711-ANOTHER"}),
        json!({"OrderId": other["reference"]}),
        json!({"PaymentId": 1}),
    ] {
        assert_eq!(notify(&app, &payment, change.clone()).await, 200, "{change}");
        for payment in [&payment, &other] {
            assert_eq!(app.payment(&payment["id"]).await["status"], "open", "{change}");
        }
    }
    assert_eq!(app.rows("notices").await, 3);
    assert_eq!(notify(&app, &payment, json!({})).await, 200);
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}
