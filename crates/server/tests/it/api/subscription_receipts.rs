//! Receipts of renewals: of the sum that is charged, at the VAT of the day on which it is.

use serde_json::{Value, json};

use super::{
    receipts::receipts,
    subscriptions::{asked, days, minutes, path, pay, plan, shown, subscribe},
};
use crate::harness::app::TestApp;

/// The income receipt of the payment that the newest period waits for.
async fn receipt(app: &TestApp, subscription: &Value) -> Value {
    receipts(app, &asked(app, subscription).await).await[0]["receipt"].clone()
}

fn vats(receipt: &Value) -> Vec<&str> {
    let items = receipt["items"].as_array().unwrap().iter();
    items.map(|item| item["vat"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_renewal_is_of_its_own_sum_and_its_own_day() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        // No VAT until the end of November, 5 % from December on.
        let vat = json!([{"vat": "none"}, {"vat": "usn5", "valid_from": "2026-12-01"}]);
        let defaults = json!({"taxation": "usn_income", "vat": vat});
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let items = json!([{"name": "Доступ", "price": "2000", "vat": "none"},
            {"name": "Книга", "price": "450", "vat": "vat10"}]);
        plan(&app, json!({"setup_fee": "100.00", "receipt": {"items": items}})).await;
        let contact = json!({"email": "a@example.ru"});
        let new = json!({"quantity": 2, "customer": contact, "collection": "link"});
        let subscription = subscribe(&app, new).await;
        // Two of the plan and the fee, spread over its lines.
        let first = asked(&app, &subscription).await;
        assert_eq!(first["amount"], "5000.00");
        assert_eq!(vats(&receipt(&app, &subscription).await), ["none", "vat10"]);
        let income = receipts(&app, &first).await[0].clone();
        assert_eq!(income["amount"], "5000.00", "{income}");
        pay(&app, &subscription).await;
        assert_eq!(shown(&app, &subscription).await["status"], "active");
        days(&app, 31).await;
        minutes(&app, 5).await;
        let next = asked(&app, &subscription).await;
        assert_ne!(next["id"], first["id"]);
        assert_eq!(next["amount"], "4900.00");
        // What was the shop's own follows it; the book's own rate is the book's.
        let renewal = receipt(&app, &subscription).await;
        assert_eq!(vats(&renewal), ["vat5", "vat10"], "{renewal}");
        assert_eq!(receipts(&app, &next).await[0]["amount"], "4900.00");
    }
}

#[tokio::test]
async fn a_subscription_may_have_a_receipt_of_its_own() {
    let app = TestApp::at("tochka").await;
    let defaults = json!({"taxation": "usn_income", "vat": "none"});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(
        &app,
        json!({"receipt": {"items": [
        {"name": "Доступ", "price": "2450", "vat": "none"}]}}),
    )
    .await;
    let own = json!({"items": [{"name": "Доступ для ООО", "price": "2450", "vat": "none"}]});
    let new = json!({"customer": {"email": "a@example.ru"}, "collection": "link", "receipt": own});
    let subscription = subscribe(&app, new).await;
    assert_eq!(subscription["receipt"], own);
    let name = async || receipt(&app, &subscription).await["items"][0]["name"].clone();
    assert_eq!(name().await, "Доступ для ООО");
    pay(&app, &subscription).await;
    days(&app, 31).await;
    minutes(&app, 5).await;
    assert_eq!(name().await, "Доступ для ООО", "and of each renewal");
    let change = async |body: Value| app.post(&path(&subscription, "/receipt"), body).await;
    let other = json!({"items": [{"name": "Доступ, филиал", "price": "2450", "vat": "none"}]});
    let body = json!({"receipt": other, "customer": {"email": "b@example.ru"}});
    assert_eq!(change(body).await.expect(200)["receipt"], other);
    assert_eq!(name().await, "Доступ для ООО", "what was asked for keeps its receipt");
    pay(&app, &subscription).await;
    days(&app, 31).await;
    minutes(&app, 5).await;
    let next = receipt(&app, &subscription).await;
    assert_eq!(next["items"][0]["name"], "Доступ, филиал");
    assert_eq!(next["email"], "b@example.ru");
    assert_eq!(change(json!({"receipt": "plan"})).await.expect(200)["receipt"], Value::Null);
    pay(&app, &subscription).await;
    days(&app, 31).await;
    minutes(&app, 5).await;
    let next = receipt(&app, &subscription).await;
    assert_eq!(next["items"][0]["name"], "Доступ");
    assert_eq!(next["email"], "b@example.ru");
    // The address that a receipt named before goes where it is told otherwise.
    let named = json!({"email": "c@example.ru", "items": own["items"]});
    change(json!({"receipt": named})).await.expect(200);
    let moved = change(json!({"customer": {"email": "d@example.ru"}})).await.expect(200);
    assert_eq!(moved["receipt"], own);
    for nothing in [json!({}), json!({"customer": {}})] {
        assert_eq!(change(nothing).await.expect_error(422, "param_missing")["param"], "receipt");
    }
    // What the bank would refuse when nobody is there to mend it is refused now.
    let part = json!({"items": [
        {"name": "Доступ", "price": "2450", "vat": "none", "method": "partial_payment"}]});
    change(json!({"receipt": part})).await.expect_error(422, "receipt_method_unsupported");
    let phone = change(json!({"customer": {"phone": "+79001234567"}})).await.expect(200);
    assert_eq!(phone["receipt"], own, "the e-mail stays beside the phone");
    pay(&app, &subscription).await;
    days(&app, 31).await;
    minutes(&app, 5).await;
    assert_eq!(receipt(&app, &subscription).await["email"], "d@example.ru");
    let unread = change(json!({"receipt": {"items": [{"name": "Доступ"}]}})).await;
    assert_eq!(unread.expect_error(422, "receipt_invalid")["param"], "receipt");
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    let over = change(json!({"receipt": "plan"})).await;
    over.expect_error(409, "subscription_state");
    let wrong = json!({"plan": "start", "customer_id": "client-99", "collection": "link",
        "receipt": {"items": [{"name": "Доступ"}]}});
    let refused = app.post("/v1/subscriptions", wrong).await;
    assert_eq!(refused.expect_error(422, "receipt_invalid")["param"], "receipt");
}

#[tokio::test]
async fn an_own_receipt_said_while_a_plan_waits_is_of_that_plan() {
    let app = TestApp::at("tochka").await;
    let defaults = json!({"taxation": "usn_income", "vat": "none"});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(&app, json!({})).await;
    plan(&app, json!({"code": "pro", "name": "PRO", "amount": "4900.00"})).await;
    let new = json!({"customer": {"email": "a@example.ru"}, "collection": "link"});
    let subscription = subscribe(&app, new).await;
    pay(&app, &subscription).await;
    let later = json!({"plan": "pro", "when": "period_end"});
    app.post(&path(&subscription, "/change"), later).await.expect(200);
    let own = json!({"items": [{"name": "Доступ PRO", "price": "4900", "vat": "none"}]});
    app.post(&path(&subscription, "/receipt"), json!({"receipt": own})).await.expect(200);
    days(&app, 31).await;
    minutes(&app, 5).await;
    assert_eq!(receipt(&app, &subscription).await["items"][0]["name"], "Доступ PRO");
}

#[tokio::test]
async fn a_receipt_said_later_is_of_the_vat_of_that_day() {
    let app = TestApp::at("tbank").await;
    let vat = json!([{"vat": "none"}, {"vat": "usn5", "valid_from": "2026-12-01"},
        {"vat": "usn7", "valid_from": "2027-01-01"}]);
    let defaults = json!({"taxation": "usn_income", "vat": vat});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(&app, json!({})).await;
    let new = json!({"customer": {"email": "a@example.ru"}, "collection": "link"});
    let subscription = subscribe(&app, new).await;
    pay(&app, &subscription).await;
    days(&app, 15).await;
    // In December, of a shop that has 5 % by then: its own rate, which is 7 % in January.
    let own = json!({"items": [{"name": "Доступ", "price": "2450", "vat": "vat5"}]});
    app.post(&path(&subscription, "/receipt"), json!({"receipt": own})).await.expect(200);
    days(&app, 16).await;
    minutes(&app, 5).await;
    assert_eq!(vats(&receipt(&app, &subscription).await), ["vat5"]);
    pay(&app, &subscription).await;
    days(&app, 31).await;
    minutes(&app, 5).await;
    assert_eq!(vats(&receipt(&app, &subscription).await), ["vat7"]);
}
