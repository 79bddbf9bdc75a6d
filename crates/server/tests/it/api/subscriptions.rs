//! Subscriptions through the API, on a clock that moves: a year of renewals, declines, pauses,
//! changes, and what is refused.

use kopeck::{
    kit::db::DbError,
    subscriptions::{dunning::Rules, store},
};
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub async fn plan(app: &TestApp, extra: Value) -> Value {
    let mut body = json!({"code": "start", "name": "Подписка START", "amount": "2450.00"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    app.post("/v1/plans", body).await.expect(201)
}

pub fn consent() -> Value {
    json!({"text_version": "offer-1", "ip": "203.0.113.7"})
}

pub fn wanted(extra: Value) -> Value {
    let mut body = json!({"plan": "start", "customer_id": "client-17"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

pub async fn subscribe(app: &TestApp, extra: Value) -> Value {
    app.post("/v1/subscriptions", wanted(extra)).await.expect(201)
}

pub fn path(subscription: &Value, action: &str) -> String {
    format!("/v1/subscriptions/{}{action}", subscription["id"].as_str().unwrap())
}

pub async fn shown(app: &TestApp, subscription: &Value) -> Value {
    app.get(&path(subscription, "")).await.expect(200)
}

/// The payment that the newest period waits for.
pub async fn asked(app: &TestApp, subscription: &Value) -> Value {
    let now = shown(app, subscription).await;
    let tries = now["period"]["payments"].as_array().expect("payments");
    app.payment(&tries.last().expect("one")["payment_id"]).await
}

/// Its number at the bank, which a machine under load is still asking.
pub async fn at_bank(app: &TestApp, subscription: &Value) -> String {
    for _ in 0..40 {
        if let Some(id) = asked(app, subscription).await["bank_payment_id"].as_str() {
            return id.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        minutes(app, 1).await;
    }
    panic!("it never opens");
}

/// The customer pays the open link by SBP, and agrees to have his account saved.
pub async fn pay(app: &TestApp, subscription: &Value) {
    let id = at_bank(app, subscription).await;
    let method = if app.connection.bank == "tbank" { "sbp" } else { "card" };
    app.bank.control(&Control::Pay { id, method: Some(method.into()), card: None });
    minutes(app, 3).await;
}

pub async fn minutes(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(MINUTE).await;
    }
}

/// A day at a time, with a few minutes in which a bank settles what it was asked.
pub async fn days(app: &TestApp, count: i64) {
    for _ in 0..count {
        app.advance(DAY - 4 * MINUTE).await;
        minutes(app, 4).await;
    }
}

/// Charged each month from what the first payment saved.
pub async fn charged(app: &TestApp) -> Value {
    plan(app, json!({})).await;
    let subscription = subscribe(app, json!({"consent": consent()})).await;
    pay(app, &subscription).await;
    let now = shown(app, &subscription).await;
    assert_eq!(now["status"], "active", "{now}");
    assert!(now["account_id"].is_string(), "{now}");
    now
}

/// What becomes of the next charges of the saved account.
pub async fn fate(app: &TestApp, state: &str) {
    let sql = "select request_key from instruments order by id desc limit 1";
    let row: Result<_, DbError> = app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    let key = row.unwrap().expect("an account").text(0).unwrap();
    let account = app.bank.control(&Control::Show { id: key });
    let token = account["account_token"].as_str().expect("a token").to_owned();
    app.bank.control(&Control::Token { token, state: state.to_owned() });
}

pub async fn kinds(app: &TestApp, subscription: &Value) -> Vec<String> {
    let id = subscription["id"].as_str().unwrap();
    let listed = app.get(&format!("/v1/events?subscription_id={id}&limit=100")).await.expect(200);
    let all = listed["data"].as_array().unwrap().iter();
    all.map(|event| {
        assert_eq!(event["subscription_id"], id, "{event}");
        assert_eq!(event["payment_id"], Value::Null);
        event["type"].as_str().unwrap().trim_start_matches("subscription.").to_owned()
    })
    .collect()
}

pub async fn count(app: &TestApp, sql: &'static str) -> i64 {
    let row: Result<_, DbError> = app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    row.unwrap().expect("a count").int(0).unwrap()
}

#[tokio::test]
async fn the_first_payment_saves_the_account_and_a_year_renews_itself() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    assert_eq!(
        kinds(&app, &subscription).await,
        ["created", "payment_needed", "activated", "changed"]
    );
    days(&app, 366).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(13)), "{now}");
    assert_eq!(app.bank.count("/ChargeQr"), 12, "one charge for each period");
    assert_eq!(
        count(&app, "select count(*) from subscription_periods where status = 'paid'").await,
        13
    );
    assert_eq!(
        count(&app, "select sum(paid_kopecks) from payments").await,
        13 * 245_000,
        "not a kopeck more"
    );
    let told = kinds(&app, &subscription).await;
    let of = |kind: &str| told.iter().filter(|it| *it == kind).count();
    // The thirteenth period's end is told of three days before it.
    assert_eq!((of("renewed"), of("renewal_upcoming")), (12, 12), "{told:?}");
    let listed = app.get(&path(&subscription, "/periods")).await.expect(200);
    let starts: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|it| it["start"].as_str().unwrap()).collect();
    assert!(starts.iter().all(|start| start[8..10] == starts[0][8..10]), "{starts:?}");
}

#[tokio::test]
async fn the_first_payment_saves_a_card_and_the_card_renews() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({"consent": consent(), "save": "card"})).await;
    let payment = asked(&app, &subscription).await;
    assert_eq!(payment["methods"], json!(["card"]), "{payment}");
    let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
    app.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
    minutes(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["account_id"]), (&json!("active"), &Value::Null), "{now}");
    assert!(now["card_id"].is_string(), "{now}");
    days(&app, 32).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(app.bank.count("/Charge"), 1);
    // What the customer takes back of the card itself is as good: he is asked to pay.
    let card = format!("/v1/customers/client-17/cards/{}", now["card_id"].as_str().unwrap());
    let gone = app.send(app.request(axum::http::Method::DELETE, &card, "")).await;
    assert!(gone.status < 300, "{}", gone.text());
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert!(now["pay_url"].is_string(), "{now}");
    assert_eq!(app.bank.count("/Charge"), 1);
}

#[tokio::test]
async fn a_trial_costs_nothing_and_then_a_link_is_sent() {
    let app = TestApp::new().await;
    plan(&app, json!({"trial_days": 14, "setup_fee": "100.00"})).await;
    let subscription = subscribe(&app, json!({})).await;
    assert_eq!(
        (&subscription["status"], &subscription["pay_url"]),
        (&json!("trialing"), &Value::Null)
    );
    assert_eq!(app.rows("payments").await, 0);
    let used = app.get("/v1/entitlements?customer=client-17&plan=start").await.expect(200);
    assert_eq!(used["data"][0]["active"], true);
    days(&app, 14).await;
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert!(now["pay_url"].is_string(), "{now}");
    assert_eq!(now["period"]["amount"], "2550.00", "the fee comes with the first money: {now}");
    pay(&app, &subscription).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "active", "{now}");
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["amount"], "2450.00", "{now}");
    assert!(now["pay_url"].is_string(), "the next month's link: {now}");
}

#[tokio::test]
async fn without_money_it_is_tried_on_paydays_then_asked_for_then_over() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    fate(&app, "insufficient_funds").await;
    // From the 21st of November to the 21st of December, then through the 25th and on.
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "past_due", "{now}");
    assert_eq!(now["period"]["next_try_at"], "2026-12-25T07:00:00Z", "ten in Moscow: {now}");
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], true, "three days of grace");
    days(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(app.bank.count("/ChargeQr"), 2, "the day it was due, and the 25th: {now}");
    assert_eq!(now["status"], "past_due");
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], false);
    days(&app, 12).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["end_reason"]), (&json!("canceled"), &json!("unpaid")));
    assert!(app.bank.count("/ChargeQr") <= 4);
    let told = kinds(&app, &subscription).await;
    assert!(told.contains(&"past_due".to_owned()) && told.contains(&"canceled".to_owned()));
    assert!(told.iter().any(|kind| kind == "payment_needed"), "a link was offered: {told:?}");
}

#[tokio::test]
async fn a_dead_account_is_not_tried_again_and_a_link_saves_another() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    fate(&app, "revoked").await;
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "past_due", "{now}");
    assert!(now["pay_url"].is_string(), "asked for another at once: {now}");
    let charges = app.bank.count("/ChargeQr");
    assert!(charges <= 1);
    pay(&app, &subscription).await;
    let after = shown(&app, &subscription).await;
    assert_eq!(after["status"], "active", "{after}");
    assert_ne!(after["account_id"], now["account_id"], "the new one is charged from now on");
    days(&app, 31).await;
    assert_eq!(app.bank.count("/ChargeQr"), charges + 1);
    assert_eq!(shown(&app, &subscription).await["status"], "active");
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_asked_about_and_never_repeated() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let lost = Fault { kind: FaultKind::ReplyLost, times: 1, path: "/ChargeQr".to_owned() };
    app.bank.control(&Control::Fault(lost));
    days(&app, 33).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}

#[tokio::test]
async fn canceled_at_the_end_it_is_used_to_the_end_and_may_be_taken_back() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let ending = app.post(&path(&subscription, "/cancel"), json!({})).await.expect(200);
    assert_eq!(
        (&ending["status"], &ending["cancel_at_period_end"]),
        (&json!("active"), &json!(true))
    );
    let back = app.post(&path(&subscription, "/reactivate"), json!({})).await.expect(200);
    assert_eq!(back["cancel_at_period_end"], false);
    app.post(&path(&subscription, "/cancel"), json!({})).await.expect(200);
    days(&app, 29).await;
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], true);
    days(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["end_reason"]), (&json!("canceled"), &json!("asked")));
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], false);
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    let late = app.post(&path(&subscription, "/reactivate"), json!({})).await;
    late.expect_error(409, "subscription_state");
    // A new one may begin.
    subscribe(&app, json!({"consent": consent()})).await;
}

#[tokio::test]
async fn a_pause_keeps_what_was_paid() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    days(&app, 10).await;
    let until = app.ctx.now_ms() + 60 * DAY;
    let until = kopeck::kit::clock::iso(until);
    let paused = app.post(&path(&subscription, "/pause"), json!({"resumes_at": until})).await;
    assert_eq!(paused.expect(200)["status"], "paused");
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], false);
    days(&app, 59).await;
    assert_eq!(shown(&app, &subscription).await["status"], "paused");
    days(&app, 2).await;
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    days(&app, 18).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0, "the twenty days that were left are not over");
    days(&app, 3).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
}

#[tokio::test]
async fn a_withdrawn_consent_ends_all_charges_at_once() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let ended = app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    assert_eq!(
        (&ended["status"], &ended["end_reason"]),
        (&json!("canceled"), &json!("consent_withdrawn"))
    );
    assert!(ended["consent"]["withdrawn_at"].is_string(), "{ended}");
    let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
    assert_eq!(used["data"][0]["active"], true, "what was paid is used to its end");
    app.post(&path(&subscription, "/reactivate"), json!({}))
        .await
        .expect_error(422, "consent_missing");
    days(&app, 70).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0);
}

#[tokio::test]
async fn a_charge_in_flight_when_the_consent_ends_is_given_back() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    // Up to the moment of the renewal: the charge has left, its outcome is not known yet.
    days(&app, 29).await;
    let lost = Fault { kind: FaultKind::NoticeLost, times: 99, path: String::new() };
    app.bank.control(&Control::Fault(lost));
    while app.bank.count("/ChargeQr") == 0 {
        app.clock.advance_ms(HOUR);
        for job in kopeck::runner::claim_due(&app.ctx, 16).await.unwrap() {
            kopeck::runner::run_and_finish(&app.ctx, job).await.unwrap();
        }
        app.advance(1_000).await;
    }
    app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    minutes(&app, 10).await;
    let payment = asked(&app, &subscription).await;
    let told = kinds(&app, &subscription).await;
    let was_first = told.iter().any(|kind| kind == "renewed");
    assert!(was_first || payment["refunded_kopecks"] == 245_000, "{payment} {told:?}");
    assert_eq!(shown(&app, &subscription).await["status"], "canceled");
}

#[tokio::test]
async fn a_change_is_shown_then_paid_to_the_kopeck() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let pro = json!({"code": "pro", "name": "Подписка PRO", "amount": "4900.00"});
    app.post("/v1/plans", pro).await.expect(201);
    days(&app, 10).await;
    let wish = json!({"plan": "pro"});
    let preview = app.post(&path(&subscription, "/preview"), wish.clone()).await.expect(200);
    let due = preview["due_kopecks"].as_i64().unwrap();
    assert!((155_000..165_000).contains(&due), "two thirds of the difference: {preview}");
    let lines = preview["lines"].as_array().unwrap();
    let sum: i64 = lines.iter().map(|line| line["amount_kopecks"].as_i64().unwrap()).sum();
    assert_eq!(sum, due);
    let change = path(&subscription, "/change");
    app.post(&change, wish.clone()).await.expect_error(422, "consent_missing");
    let mut agreed = wish.clone();
    agreed["consent"] = consent();
    app.post(&change, agreed.clone()).await.expect(200);
    app.post(&change, agreed).await.expect_error(409, "subscription_busy");
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["plan"], &now["status"]), (&json!("pro"), &json!("active")), "{now}");
    assert_eq!(now["period"]["amount_kopecks"].as_i64().unwrap(), due);
    days(&app, 22).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["period"]["amount"], &now["period"]["cause"]),
        (&json!("4900.00"), &json!("renewal")),
        "{now}"
    );
    assert_eq!(app.bank.count("/ChargeQr"), 2);
}

#[tokio::test]
async fn an_old_subscriber_keeps_the_old_price() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({})).await;
    pay(&app, &subscription).await;
    let dearer = json!({"name": "Подписка START", "amount": "2990.00"});
    let changed = app.post("/v1/plans/start", dearer).await.expect(200);
    assert_eq!((&changed["version"], &changed["amount"]), (&json!(2), &json!("2990.00")));
    days(&app, 32).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["period"]["amount"], &now["plan_version"]), (&json!("2450.00"), &json!(1)));
    let other = app.post("/v1/subscriptions", json!({"plan": "start", "customer_id": "b"})).await;
    assert_eq!(other.expect(201)["period"]["amount"], "2990.00");
}

#[tokio::test]
async fn a_coupon_takes_off_what_it_says_for_as_long_as_it_says() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let coupon = json!({"code": "WINTER", "percent": 20, "periods": 1, "max_uses": 1});
    app.post("/v1/coupons", coupon).await.expect(201);
    let subscription = subscribe(&app, json!({"coupon": "WINTER"})).await;
    assert_eq!(subscription["period"]["amount"], "1960.00", "{subscription}");
    pay(&app, &subscription).await;
    days(&app, 31).await;
    assert_eq!(shown(&app, &subscription).await["period"]["amount"], "2450.00");
    let again = json!({"plan": "start", "customer_id": "b", "coupon": "WINTER"});
    app.post("/v1/subscriptions", again).await.expect_error(422, "coupon_invalid");
    // All of it: nothing is asked for.
    let gift = json!({"code": "GIFT", "percent": 100, "periods": 1});
    app.post("/v1/coupons", gift).await.expect(201);
    let free = json!({"plan": "start", "customer_id": "c", "coupon": "GIFT"});
    let free = app.post("/v1/subscriptions", free).await.expect(201);
    assert_eq!((&free["status"], &free["pay_url"]), (&json!("active"), &Value::Null), "{free}");
}

#[tokio::test]
async fn the_recipes_door_gives_the_recipes_answer() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let ask = || {
        let body = json!({"plan_code": "start", "return_url": "https://tourconnect.ru/status"});
        let mut request =
            app.request(axum::http::Method::POST, "/compat/tochka-subscription", body.to_string());
        request.headers_mut().insert("x-user-id", "1".parse().unwrap());
        request
    };
    let answer = app.send(ask()).await.expect(200);
    assert!(answer["paymentUrl"].as_str().unwrap().starts_with("https://"), "{answer}");
    assert_eq!(answer["amount"], json!(2450.00));
    assert_eq!(answer["purpose"], "Подписка START");
    let again = app.send(ask()).await.expect(200);
    assert_eq!(again["paymentUrl"], answer["paymentUrl"], "the same link");
    let subscription = json!({"id": answer["subscriptionId"]});
    let payment = asked(&app, &subscription).await;
    let back = payment["success_url"].as_str().unwrap();
    assert!(back.starts_with("https://tourconnect.ru/status?subscriptionId=sub_"), "{back}");
    assert!(back.ends_with("&status=success"), "{back}");
    pay(&app, &subscription).await;
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    app.send(ask()).await.expect_error(409, "subscription_exists");
    let nobody = app.post("/compat/tochka-subscription", json!({"plan_code": "start"})).await;
    nobody.expect_error(422, "param_missing");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let app = TestApp::at("tbank").await;
    let at = "/v1/plans";
    let named = |extra: Value| {
        let mut body = json!({"code": "x", "name": "X", "amount": "100"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    app.post(at, named(json!({"amount": "0"}))).await.expect_error(422, "amount_invalid");
    app.post(at, named(json!({"amount": "9.99"}))).await.expect_error(422, "amount_invalid");
    app.post(at, named(json!({"code": "a b"}))).await.expect_error(422, "param_invalid");
    app.post(at, named(json!({"interval": "moon"}))).await.expect_error(422, "param_invalid");
    app.post(at, named(json!({"interval_count": 0}))).await.expect_error(422, "param_invalid");
    app.post(at, named(json!({"trial_days": 999}))).await.expect_error(422, "param_invalid");
    app.post(at, named(json!({"features": []}))).await.expect_error(422, "param_invalid");
    app.post(at, named(json!({"colour": 1}))).await.expect_error(422, "param_unknown");
    app.post(at, json!({"code": "x", "amount": "100"})).await.expect_error(422, "param_missing");
    assert_eq!(app.rows("plans").await, 0);
    plan(&app, json!({})).await;
    let twice = json!({"code": "start", "name": "x", "amount": "100"});
    app.post(at, twice).await.expect_error(409, "plan_exists");
    let subs = "/v1/subscriptions";
    let unknown = json!({"plan": "nope", "customer_id": "c"});
    app.post(subs, unknown).await.expect_error(404, "plan_not_found");
    app.post(subs, wanted(json!({"quantity": 0}))).await.expect_error(422, "param_invalid");
    app.post(subs, wanted(json!({"coupon": "NO"}))).await.expect_error(422, "coupon_invalid");
    app.post(subs, wanted(json!({"time_zone": "Mars/Base"})))
        .await
        .expect_error(422, "param_invalid");
    app.post(subs, wanted(json!({"collection": "charge"})))
        .await
        .expect_error(422, "consent_missing");
    app.post(subs, wanted(json!({"account_id": "acc_x", "consent": consent()})))
        .await
        .expect_error(404, "account_not_found");
    assert_eq!(app.rows("subscriptions").await, 0);
    let subscription = subscribe(&app, json!({})).await;
    app.post(subs, wanted(json!({}))).await.expect_error(409, "subscription_exists");
    for action in ["/pause", "/resume", "/reactivate"] {
        let refused = app.post(&path(&subscription, action), json!({})).await;
        assert_eq!(refused.status, 409, "{action}");
    }
    let change = json!({"quantity": 2});
    app.post(&path(&subscription, "/change"), change).await.expect_error(409, "subscription_busy");
    app.post("/v1/subscriptions/sub_x/cancel", json!({}))
        .await
        .expect_error(404, "subscription_not_found");
    app.post("/v1/plans/start/archive", json!({})).await.expect(200);
    let archived = json!({"plan": "start", "customer_id": "d"});
    app.post(subs, archived).await.expect_error(409, "plan_archived");
    assert_eq!(app.rows("subscriptions").await, 1);
}

#[tokio::test]
async fn a_first_payment_that_never_comes_ends_it_and_one_that_comes_late_counts() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({})).await;
    days(&app, 4).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["pay_url"]), (&json!("expired"), &Value::Null), "{now}");
    assert!(kinds(&app, &subscription).await.contains(&"expired".to_owned()));
}

#[tokio::test]
async fn a_clock_that_jumps_a_year_charges_one_period_and_not_twelve() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    app.advance(400 * DAY).await;
    minutes(&app, 10).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    let start = now["period"]["start"].as_str().unwrap().to_owned();
    let end = now["period"]["end"].as_str().unwrap().to_owned();
    let at = kopeck::kit::clock::iso(app.ctx.now_ms());
    assert!(start < at && at < end, "the period that holds this moment: {start} {at} {end}");
}

/// All SQL of subscriptions, on every kind of database.
#[tokio::test]
async fn every_database_keeps_the_same_books() {
    on_each(|db| async move {
        let app = TestApp::at_both_over(db).await;
        plan(&app, json!({"setup_fee": "50.00"})).await;
        let coupon = json!({"code": "TEN", "amount": "10.00", "periods": 2, "max_uses": 5,
            "valid_until": "2027-01-01T00:00:00Z"});
        app.post("/v1/coupons", coupon).await.expect(201);
        let extra = json!({"consent": consent(), "bank": "tbank", "coupon": "TEN", "quantity": 2,
            "metadata": {"a": 1}});
        let subscription = subscribe(&app, extra).await;
        assert_eq!(subscription["period"]["amount"], "4940.00", "{subscription}");
        let id = at_bank(&app, &subscription).await;
        let pay = Control::Pay { id, method: Some("sbp".into()), card: None };
        app.bank.control_second(&pay);
        minutes(&app, 20).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(now["status"], "active", "{now}");
        assert!(now["account_id"].is_string(), "{now}");
        days(&app, 5).await;
        let less = json!({"quantity": 1});
        let preview = app.post(&path(&subscription, "/preview"), less.clone()).await.expect(200);
        assert_eq!(preview["due_kopecks"], 0, "{preview}");
        assert!(preview["balance_kopecks"].as_i64().unwrap() > 0, "{preview}");
        let changed = app.post(&path(&subscription, "/change"), less).await.expect(200);
        assert_eq!(changed["quantity"], 1, "nothing is due, so it is done: {changed}");
        assert_eq!(changed["balance_kopecks"], preview["balance_kopecks"]);
        let later = json!({"quantity": 3, "when": "period_end", "consent": consent()});
        let later = app.post(&path(&subscription, "/change"), later).await.expect(200);
        assert_eq!(later["next_quantity"], 3);
        app.post(&path(&subscription, "/pause"), json!({})).await.expect(200);
        app.post(&path(&subscription, "/resume"), json!({})).await.expect(200);
        days(&app, 28).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["quantity"]), (&json!("active"), &json!(3)), "{now}");
        assert_eq!(app.bank.count("/ChargeQr"), 1);
        let of = app.get("/v1/subscriptions?status=active&customer_id=client-17").await;
        assert_eq!(of.expect(200)["data"][0]["id"], subscription["id"]);
        let coupons = app.get("/v1/coupons").await.expect(200);
        assert_eq!(coupons["data"][0]["uses"], 1);
        app.post("/v1/plans/start/archive", json!({})).await.expect(200);
        app.post("/v1/plans/start/restore", json!({})).await.expect(200);
        assert_eq!(app.get("/v1/plans").await.expect(200)["data"][0]["archived"], false);
        let (shop_id, rules) = (app.shop.id.clone(), Rules { keep_days: 3, ..Rules::default() });
        let wanted = rules.clone();
        let kept: Result<Rules, DbError> = app
            .ctx
            .db
            .write(move |tx| {
                store::save_rules(tx, &shop_id, &Rules::default())?;
                store::save_rules(tx, &shop_id, &wanted)?;
                store::get_rules(tx, &shop_id)
            })
            .await;
        assert_eq!(kept.unwrap(), rules);
        app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
        assert_eq!(shown(&app, &subscription).await["status"], "canceled");
    })
    .await;
}
