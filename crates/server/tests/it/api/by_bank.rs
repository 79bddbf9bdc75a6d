//! Subscriptions that Tochka charges by a schedule of its own: nothing is sent, everything is asked,
//! and each charge of the bank's pays one period. And the door of the recipe for such.

use kopeck_banks::emulator::Control;
use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

async fn plan(app: &TestApp, more: Value) {
    let mut body = json!({"code": "start", "name": "Подписка START", "amount": "2450.00"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/v1/plans", body).await.expect(201);
}

fn wanted(more: Value) -> Value {
    let mut body = json!({
        "plan": "start", "customer_id": "client-17", "charged_by": "bank",
        "consent": {"text_version": "offer-1"},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn path(subscription: &Value, action: &str) -> String {
    format!("/v1/subscriptions/{}{action}", subscription["id"].as_str().unwrap())
}

async fn shown(app: &TestApp, subscription: &Value) -> Value {
    app.get(&path(subscription, "")).await.expect(200)
}

async fn minutes(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(MINUTE).await;
    }
}

async fn days(app: &TestApp, count: i64) {
    for _ in 0..count {
        app.advance(DAY - 4 * MINUTE).await;
        minutes(app, 4).await;
    }
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    let row: Result<_, kopeck::kit::db::DbError> =
        app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    row.unwrap().expect("a count").int(0).unwrap()
}

async fn events(app: &TestApp, kind: &str) -> usize {
    let listed = app.get(&format!("/v1/events?type={kind}&limit=100")).await.expect(200);
    listed["data"].as_array().expect("a list").len()
}

async fn paid_of(app: &TestApp, subscription: &Value) -> Value {
    let now = shown(app, subscription).await;
    let tries = now["period"]["payments"].as_array().expect("payments");
    app.payment(&tries.last().expect("one")["payment_id"]).await
}

/// The payment of the link, once it is open at the bank: a database may be slower than a caller
/// likes to wait.
async fn opened(app: &TestApp, subscription: &Value) -> Value {
    for _ in 0..200 {
        app.advance(MINUTE / 60).await;
        let payment = paid_of(app, subscription).await;
        if payment["bank_payment_id"].is_string() {
            return payment;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it was never opened");
}

/// What the bank keeps, by the operation that opened it.
async fn begun(app: &TestApp, more: Value) -> (Value, String) {
    let made = app.post("/v1/subscriptions", wanted(more)).await.expect(201);
    let payment = opened(app, &made).await;
    app.pay(&payment);
    minutes(app, 3).await;
    let now = shown(app, &made).await;
    assert_eq!((&now["status"], &now["charged_by"]), (&json!("active"), &json!("bank")), "{now}");
    (now, payment["bank_payment_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_bank_charges_and_each_approval_pays_its_period_once() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        plan(&app, json!({})).await;
        let (subscription, _) = begun(&app, json!({"bank_charges": 6})).await;
        assert_eq!(subscription["bank_charges"], 6);
        let codes: Vec<&str> = subscription["limits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes.len(), 7, "{codes:?}");
        assert!(
            codes.contains(&"fixed_receipt")
                && codes.contains(&"no_pause")
                && codes.contains(&"failures_not_told"),
            "{codes:?}"
        );
        for period in 2..=6 {
            days(&app, 31).await;
            let now = shown(&app, &subscription).await;
            assert_eq!(
                (&now["status"], &now["period"]["status"]),
                (&json!("active"), &json!("paid")),
                "{now}"
            );
            assert_eq!(now["period"]["number"], period, "{now}");
        }
        assert_eq!(app.bank.count("/charge"), 0, "nothing is sent");
        let sum = "select cast(sum(paid_kopecks) as bigint) from payments";
        assert_eq!(count(&app, sum).await, 6 * 245_000);
        assert_eq!(count(&app, "select count(distinct approval) from payments").await, 6);
        assert_eq!(events(&app, "payment.paid").await, 6);
        // The schedule is over: from now on the customer pays by a link.
        days(&app, 31).await;
        let now = shown(&app, &subscription).await;
        assert!(now["pay_url"].is_string(), "{now}");
    })
    .await;
}

#[tokio::test]
async fn a_missed_charge_is_found_by_asking_and_made_good_when_the_bank_tries_again() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({"interval": "week"})).await;
    let (subscription, token) = begun(&app, json!({})).await;
    let state = |state: &str| Control::Token { token: token.clone(), state: state.to_owned() };
    app.bank.control(&state("insufficient_funds"));
    days(&app, 7).await;
    assert_eq!(shown(&app, &subscription).await["status"], "active", "a day is the bank's");
    days(&app, 1).await;
    app.advance(HOUR).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "past_due", "{now}");
    assert_eq!(events(&app, "subscription.past_due").await, 1);
    app.bank.control(&state("valid"));
    days(&app, 2).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(app.bank.count("/charge"), 0);
    // The bank gives up after three tries; so do we in the end, and it is ended there.
    app.bank.control(&state("revoked"));
    days(&app, 30).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["end_reason"]),
        (&json!("canceled"), &json!("unpaid")),
        "{now}"
    );
    let failed = paid_of(&app, &subscription).await;
    assert_eq!(
        (&failed["status"], &failed["failure"]["code"]),
        (&json!("failed"), &json!("bank_did_not_charge"))
    );
}

#[tokio::test]
async fn a_cancellation_ends_it_at_the_bank_at_once() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    let (subscription, id) = begun(&app, json!({})).await;
    for (action, body) in [
        ("/pause", json!({})),
        ("/change", json!({"quantity": 2})),
        ("/preview", json!({"quantity": 2})),
    ] {
        let refused = app.post(&path(&subscription, action), body).await;
        refused.expect_error(422, "bank_schedule_impossible");
    }
    let ending = app.post(&path(&subscription, "/cancel"), json!({})).await.expect(200);
    assert_eq!(ending["cancel_at_period_end"], true);
    minutes(&app, 1).await;
    let told = app.bank.control(&Control::Show { id });
    assert!(told.to_string().contains("Cancelled"), "{told}");
    let back = app.post(&path(&subscription, "/reactivate"), json!({})).await;
    back.expect_error(422, "bank_schedule_impossible");
    days(&app, 40).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["number"]),
        (&json!("canceled"), &json!(1)),
        "{now}"
    );
    let sum = "select cast(sum(paid_kopecks) as bigint) from payments";
    assert_eq!(count(&app, sum).await, 245_000);
}

#[tokio::test]
async fn what_the_banks_schedule_cannot_do_is_refused_before_anything_is_made() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    for (code, more) in [
        ("quarterly", json!({"interval": "quarter"})),
        ("two-months", json!({"interval_count": 2})),
        ("trial", json!({"trial_days": 7})),
        ("fee", json!({"setup_fee": "100.00"})),
    ] {
        let mut body = json!({"code": code, "name": "x", "amount": "100.00"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.post("/v1/plans", body).await.expect(201);
        let asked = app.post("/v1/subscriptions", wanted(json!({"plan": code}))).await;
        let error = asked.expect_error(422, "bank_schedule_impossible");
        assert_eq!(error["param"], "charged_by", "{code}");
    }
    for (more, code) in [
        (json!({"bank_charges": 85}), "bank_schedule_impossible"),
        (json!({"save": "account"}), "bank_schedule_impossible"),
        (json!({"charged_by": "us", "bank_charges": 3}), "param_invalid"),
        (json!({"charged_by": "nobody"}), "param_invalid"),
        (json!({"collection": "link"}), "bank_schedule_impossible"),
    ] {
        app.post("/v1/subscriptions", wanted(more)).await.expect_error(422, code);
    }
    let other = TestApp::at("tbank").await;
    plan(&other, json!({})).await;
    let asked = other.post("/v1/subscriptions", wanted(json!({}))).await;
    asked.expect_error(422, "bank_schedule_impossible");
    assert_eq!(app.rows("subscriptions").await + app.rows("payments").await, 0);
    // What the bank charges by itself nobody else charges.
    let (subscription, _) = begun(&app, json!({})).await;
    let said = json!({"customer": {"email": "b@example.ru"}});
    let receipt = app.post(&path(&subscription, "/receipt"), said).await;
    receipt.expect_error(422, "bank_schedule_impossible");
    let own = json!({"amount": "5.00", "purpose": "x", "card_id": subscription["card_id"]});
    app.post("/v1/payments", own).await.expect_error(409, "card_not_active");
}

#[tokio::test]
async fn a_charge_that_the_bank_makes_after_the_end_goes_back_and_is_told() {
    let app = TestApp::with_notices().await;
    plan(&app, json!({})).await;
    let (subscription, id) = begun(&app, json!({})).await;
    app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    // As if the bank had charged once more before it heard of the end.
    app.bank.edit(|memory| {
        let orders = memory["operations"][&id]["orders"].as_array_mut().expect("orders");
        let mut more = orders[0].clone();
        more["id"] = json!("900000001");
        orders.push(more);
    });
    let since_ms = app.ctx.now_ms() - DAY;
    kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
    assert_eq!(events(&app, "charge.unwanted").await, 1);
    assert_eq!(events(&app, "refund.failed").await, 1, "a person gives it back in the cabinet");
}

#[tokio::test]
async fn the_recipes_door_charges_the_kept_card_where_the_customer_agreed() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    let body = json!({"plan_code": "start", "consent": {"text_version": "offer-1"}});
    let mut request =
        app.request(axum::http::Method::POST, "/compat/tochka-subscription", body.to_string());
    request.headers_mut().insert("x-user-id", "17".parse().unwrap());
    let answer = app.send(request).await.expect(200);
    let made = json!({"id": answer["subscriptionId"]});
    app.pay(&opened(&app, &made).await);
    days(&app, 32).await;
    let now = shown(&app, &made).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(
        (app.bank.count("/charge"), app.bank.count("/acquiring/v1.0/subscriptions")),
        (1, 2)
    );
}
