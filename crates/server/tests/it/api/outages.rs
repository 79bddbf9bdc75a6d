//! What a shop hears while the bank does not accept our key, and what the journal keeps of looks.

use serde_json::json;

use crate::harness::app::TestApp;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn path(payment: &serde_json::Value, what: &str) -> String {
    format!("/v1/payments/{}/{what}", payment["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_refund_with_a_dead_bank_key_is_refused_plainly_and_may_come_again() {
    let app = TestApp::new().await;
    let payment = app.create_paid(json!({})).await;
    app.set_credentials(|credentials| credentials.set("access_token", "wrong-token")).await;
    let body = json!({"amount": "10.00"});
    let refused = app.post_with_key(&path(&payment, "refunds"), "r", body.clone()).await;
    refused.expect_error(502, "bank_permission_missing");
    assert_eq!(app.bank.count("/refund"), 0, "nothing was sent");
    let shown = app.payment(&payment["id"]).await;
    assert_eq!(shown["status"], "paid");
    assert_eq!(shown["refunds"][0]["status"], "failed");

    app.set_credentials(|_| {}).await;
    let refund = app.post_with_key(&path(&payment, "refunds"), "r", body).await.expect(201);
    assert_eq!(refund["status"], "succeeded");
    assert_eq!(refund["payment"]["refunded_kopecks"], 1_000);
    assert_eq!(app.bank.count("/refund"), 1);
}

#[tokio::test]
async fn a_capture_with_a_dead_bank_key_leaves_the_hold_to_be_captured_later() {
    let app = TestApp::new().await;
    let payment = app.create(json!({"capture": "manual"})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    app.set_credentials(|credentials| credentials.set("access_token", "wrong-token")).await;
    let refused = app.post(&path(&payment, "capture"), json!({})).await;
    refused.expect_error(502, "bank_permission_missing");
    assert_eq!(app.payment(&payment["id"]).await["status"], "authorized");
    assert_eq!(app.bank.count("/capture"), 0);

    app.set_credentials(|_| {}).await;
    let captured = app.post(&path(&payment, "capture"), json!({})).await.expect(200);
    assert_eq!(captured["status"], "paid");
}

#[tokio::test]
async fn looks_that_tell_nothing_new_leave_little_and_not_for_ever() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    for _ in 0..5 {
        app.advance(61_000).await;
    }
    let looks = async || {
        let story = app.get(&path(&payment, "timeline")).await.expect(200);
        let entries = story["data"].as_array().or(story["timeline"].as_array()).unwrap().clone();
        entries.into_iter().filter(|entry| entry["name"] == "get_payment").collect::<Vec<_>>()
    };
    let found = looks().await;
    assert!(found.len() >= 4, "{found:?}");
    assert!(found.iter().skip(1).all(|look| look["reply"] == "(nothing new)"), "{found:?}");

    // The link's week, another week, and the daily sweep that tidies up.
    let id = app.connection.id.clone();
    let now_ms = app.ctx.now_ms();
    let mint = app.ctx.mint.clone();
    app.ctx
        .db
        .write(move |tx| kopeck::reconcile::flow::schedule(tx, &mint, &id, now_ms))
        .await
        .unwrap();
    for _ in 0..16 {
        app.advance(DAY_MS).await;
    }
    assert_eq!(app.payment(&payment["id"]).await["status"], "expired");
    assert!(looks().await.is_empty(), "{:?}", looks().await);
}
