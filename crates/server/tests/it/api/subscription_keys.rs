//! Idempotency keys on what plans, coupons and subscriptions take, and what each mistake is called.

use serde_json::{Value, json};

use super::subscriptions::{DAY, charged, consent, days, fate, path, pay, plan, shown, subscribe};
use crate::harness::app::TestApp;

/// The same request twice is one piece of work and the same bytes.
async fn once(app: &TestApp, at: &str, key: &str, body: Value) -> Value {
    let first = app.post_with_key(at, key, body.clone()).await;
    assert!(first.status < 300, "{at}: {}", first.text());
    let again = app.post_with_key(at, key, body).await;
    assert_eq!((first.status, &first.bytes), (again.status, &again.bytes), "{at}");
    first.json()
}

#[tokio::test]
async fn the_same_key_is_the_same_work_on_every_request_that_changes_something() {
    let app = TestApp::at("tbank").await;
    let start = json!({"code": "start", "name": "START", "amount": "2450.00"});
    once(&app, "/v1/plans", "plan-1", start.clone()).await;
    let reused = json!({"code": "other", "name": "START", "amount": "2450.00"});
    app.post_with_key("/v1/plans", "plan-1", reused)
        .await
        .expect_error(422, "idempotency_key_reused");
    let dearer = json!({"name": "START", "amount": "2990.00"});
    assert_eq!(once(&app, "/v1/plans/start", "plan-2", dearer).await["version"], 2);
    let cheaper = json!({"name": "START", "amount": "2450.00"});
    assert_eq!(once(&app, "/v1/plans/start", "plan-3", cheaper).await["version"], 3);
    once(&app, "/v1/plans/start/archive", "plan-4", json!({})).await;
    once(&app, "/v1/plans/start/restore", "plan-5", json!({})).await;
    assert_eq!(app.rows("plan_versions").await, 3);
    let coupon = json!({"code": "TEN", "amount": "10.00", "max_uses": 1});
    once(&app, "/v1/coupons", "coupon-1", coupon).await;
    let wanted =
        json!({"plan": "start", "customer_id": "c", "coupon": "TEN", "consent": consent()});
    let subscription = once(&app, "/v1/subscriptions", "sub-1", wanted).await;
    assert_eq!((app.rows("subscriptions").await, app.rows("payments").await), (1, 1));
    pay(&app, &subscription).await;
    // Each would be refused the second time without its key, or do its work twice.
    let change = json!({"quantity": 2, "consent": {"text_version": "o-2", "max_amount": "9000"}});
    once(&app, &path(&subscription, "/change"), "sub-2", change).await;
    super::subscriptions::minutes(&app, 5).await;
    once(&app, &path(&subscription, "/pause"), "sub-3", json!({})).await;
    once(&app, &path(&subscription, "/resume"), "sub-4", json!({})).await;
    once(&app, &path(&subscription, "/cancel"), "sub-5", json!({})).await;
    once(&app, &path(&subscription, "/reactivate"), "sub-6", json!({})).await;
    let back = once(&app, &path(&subscription, "/reactivate"), "sub-6", json!({})).await;
    assert_eq!(back["cancel_at_period_end"], false);
    once(&app, &path(&subscription, "/withdraw"), "sub-7", json!({})).await;
    assert_eq!(app.rows("subscription_periods").await, 2);
}

#[tokio::test]
async fn a_refused_request_may_come_again_with_its_key_once_it_is_mended() {
    let app = TestApp::at("tbank").await;
    let wanted = json!({"plan": "start", "customer_id": "c"});
    let refused = app.post_with_key("/v1/subscriptions", "k", wanted.clone()).await;
    refused.expect_error(404, "plan_not_found");
    plan(&app, json!({})).await;
    app.post_with_key("/v1/subscriptions", "k", wanted).await.expect(201);
}

#[tokio::test]
async fn every_mistake_has_its_own_name() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let subs = "/v1/subscriptions";
    let unknown = json!({"plan": "nope", "customer_id": "c"});
    app.post(subs, unknown).await.expect_error(404, "plan_not_found");
    // What is given away is a trial, not a plan without a price.
    let free = json!({"code": "free", "name": "X", "amount": "0"});
    app.post("/v1/plans", free).await.expect_error(422, "amount_invalid");
    let free = json!({"code": "free", "name": "X", "amount": "0", "trial_days": 14});
    app.post("/v1/plans", free).await.expect_error(422, "amount_invalid");
    let second = json!({"plan": "start", "customer_id": "client-17", "consent": consent()});
    app.post(subs, second).await.expect_error(409, "subscription_exists");
    // While a charge is on its way nothing can be changed.
    fate(&app, "insufficient_funds").await;
    days(&app, 31).await;
    assert_eq!(shown(&app, &subscription).await["status"], "past_due");
    app.post(&path(&subscription, "/change"), json!({"quantity": 2}))
        .await
        .expect_error(409, "subscription_busy");
    app.post(&path(&subscription, "/preview"), json!({"quantity": 2}))
        .await
        .expect_error(409, "subscription_busy");
    app.post(&path(&subscription, "/pause"), json!({}))
        .await
        .expect_error(409, "subscription_busy");
}

#[tokio::test]
async fn a_withdrawn_mandate_begins_and_takes_back_nothing() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let account = subscription["account_id"].clone();
    app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    app.post(&path(&subscription, "/reactivate"), json!({}))
        .await
        .expect_error(422, "consent_missing");
    let again = json!({"account_id": account, "consent": consent()});
    let again = super::subscriptions::wanted(again);
    app.post("/v1/subscriptions", again).await.expect_error(409, "account_not_active");
}

#[tokio::test]
async fn a_clock_that_jumps_a_year_gives_up_what_waited_and_asks_once() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let waiting = subscribe(&app, json!({})).await;
    let paid = subscribe(&app, json!({"customer_id": "b"})).await;
    pay(&app, &paid).await;
    app.advance(365 * DAY).await;
    super::subscriptions::minutes(&app, 5).await;
    assert_eq!(shown(&app, &waiting).await["status"], "expired");
    let now = shown(&app, &paid).await;
    assert_eq!(
        (&now["status"], &now["period"]["number"]),
        (&json!("past_due"), &json!(2)),
        "{now}"
    );
    assert!(now["pay_url"].is_string(), "one link, for the period that holds this moment: {now}");
    assert_eq!(app.rows("subscription_periods").await, 3);
}

/// What stands after `#` never reaches a server.
#[tokio::test]
async fn the_recipes_words_on_the_way_back_come_before_the_fragment() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    let body = json!({"plan_code": "start", "return_url": "https://shop.example.ru/a?b=1#top"});
    let mut request =
        app.request(axum::http::Method::POST, "/compat/tochka-subscription", body.to_string());
    request.headers_mut().insert("x-user-id", "1".parse().unwrap());
    let answer = app.send(request).await.expect(200);
    let subscription = json!({"id": answer["subscriptionId"]});
    let payment = super::subscriptions::asked(&app, &subscription).await;
    let id = answer["subscriptionId"].as_str().unwrap();
    for (url, word) in [("success_url", "success"), ("fail_url", "error")] {
        let wanted = format!("https://shop.example.ru/a?b=1&subscriptionId={id}&status={word}#top");
        assert_eq!(payment[url], json!(wanted));
    }
}

#[tokio::test]
async fn the_rules_of_asking_again_are_read_and_changed_within_the_law() {
    let app = TestApp::new().await;
    let at = "/v1/subscriptions/rules";
    let known = app.get(at).await.expect(200);
    assert_eq!((&known["max_tries"], &known["notice_first"]), (&json!(4), &json!("no")));
    let wish = json!({"paydays": [7, 22], "max_tries": 2, "notice_first": "announced"});
    let changed = app.put(at, wish).await.expect(200);
    assert_eq!((&changed["paydays"], &changed["keep_days"]), (&json!([7, 22]), &json!(14)));
    assert_eq!(app.get(at).await.expect(200), changed);
    for (wrong, param) in [
        (json!({"max_tries": 5}), "max_tries"),
        (json!({"paydays": [0]}), "paydays"),
        (json!({"paydays": []}), "paydays"),
        (json!({"hour": 24}), "hour"),
        (json!({"notice_first": "maybe"}), "notice_first"),
        (json!({"keep_days": 0}), "keep_days"),
    ] {
        let error = app.put(at, wrong).await.expect_error(422, "param_invalid");
        assert_eq!(error["param"], param);
    }
    assert_eq!(app.get(at).await.expect(200), changed, "nothing of it was kept");
}

#[tokio::test]
async fn one_row_says_what_a_customer_may_use_until_when() {
    let app = TestApp::new().await;
    let own = "/v1/entitlements?customer=client-17";
    let nothing = app.get(own).await.expect(200);
    assert_eq!(nothing["merged"]["active"], false, "{nothing}");
    assert_eq!(nothing["merged"]["features"], json!({}));
    plan(&app, json!({"features": {"seats": 3, "export": false, "tone": "calm"}})).await;
    let year = json!({"code": "year", "interval": "year",
        "features": {"seats": 2, "export": true, "api": true}});
    plan(&app, year).await;
    let month = super::subscriptions::subscribe(&app, json!({})).await;
    pay(&app, &month).await;
    let long = super::subscriptions::subscribe(&app, json!({"plan": "year"})).await;
    let told = app.get(own).await.expect(200);
    assert_eq!(told["merged"]["features"]["seats"]["value"], 3, "{told}");
    assert!(told["merged"]["features"]["api"].is_null(), "it is not paid yet: {told}");
    pay(&app, &long).await;
    let told = app.get(own).await.expect(200);
    assert_eq!(told["data"].as_array().unwrap().len(), 2, "the rows are as they were");
    let (merged, until) = (&told["merged"], |at: usize| told["data"][at]["until"].clone());
    assert_eq!((&merged["active"], &merged["until"]), (&json!(true), &until(0)), "{told}");
    let feature = |name: &str| {
        let it = &merged["features"][name];
        (it["value"].clone(), it["until"].clone(), it["plan"].clone())
    };
    assert_eq!(feature("seats"), (json!(3), until(1), json!("start")));
    assert_eq!(feature("export"), (json!(true), until(0), json!("year")));
    assert_eq!(feature("api"), (json!(true), until(0), json!("year")));
    assert_eq!(feature("tone"), (json!("calm"), until(1), json!("start")));
    // Canceled it stays until it is over, and then nothing is left of it.
    app.post(&path(&month, "/cancel"), json!({"when": "now"})).await.expect(200);
    assert_eq!(app.get(own).await.expect(200)["merged"], told["merged"]);
    days(&app, 31).await;
    let told = app.get(own).await.expect(200);
    assert_eq!(told["merged"]["features"]["seats"]["value"], 2, "{told}");
    let one = app.get(&format!("{own}&plan=start")).await.expect(200);
    assert_eq!(one["merged"]["active"], false, "{one}");
}

#[tokio::test]
async fn the_shops_own_zone_is_that_of_a_subscription_that_names_none() {
    let mut app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let before = subscribe(&app, json!({})).await;
    app.move_to("Asia/Vladivostok");
    let after = subscribe(&app, json!({"customer_id": "b"})).await;
    let own = subscribe(&app, json!({"customer_id": "c", "time_zone": "Asia/Omsk"})).await;
    let zones = [&before, &after, &own].map(|it| it["time_zone"].as_str().unwrap().to_owned());
    assert_eq!(zones, ["Europe/Moscow", "Asia/Vladivostok", "Asia/Omsk"]);
    let told = app.get("/v1/subscriptions/metrics").await.expect(200);
    assert_eq!(told["time_zone"], "Asia/Vladivostok");
}

/// The figures of a shop read the history of its subscriptions alone, in its order.
#[tokio::test]
async fn the_numbers_find_the_history_of_subscriptions_by_an_index() {
    let app = TestApp::new().await;
    let sql = "explain query plan select seq, subject_id, at_ms, body from events \
               where shop_id = 'x' and seq > 0 and kind like 'subscription.%' \
               order by seq limit 1000";
    let plan: Result<Vec<String>, kopeck::kit::db::DbError> = app
        .ctx
        .db
        .read(move |tx| tx.query(sql, &[])?.iter().map(|row| row.text(3)).collect())
        .await;
    let plan = plan.unwrap().join("; ");
    assert!(plan.contains("events_of_subscriptions"), "{plan}");
}
