//! Subscriptions charged from cards that Tochka keeps, and their way to the other bank.

use kopeck_banks::{
    emulator::{Control, Fault, FaultKind},
    tbank::emulator::directory,
};
use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

async fn plan(app: &TestApp) {
    let body = json!({"code": "start", "name": "Подписка START", "amount": "2450.00"});
    app.post("/v1/plans", body).await.expect(201);
}

fn wanted(more: Value) -> Value {
    let consent = json!({"text_version": "offer-1"});
    let mut body = json!({"plan": "start", "customer_id": "client-17", "consent": consent});
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

/// The payment of the link at this address.
async fn at(app: &TestApp, url: &Value) -> Value {
    let id = url.as_str().expect("a link").rsplit('/').next().unwrap();
    app.payment(&json!(id)).await
}

/// The same once it is open at the bank: a database may be slower than a caller likes to wait.
async fn opened(app: &TestApp, subscription: &Value, link: &str) -> Value {
    for _ in 0..200 {
        app.advance(MINUTE / 60).await;
        let now = shown(app, subscription).await;
        if now[link].is_string() {
            let payment = at(app, &now[link]).await;
            if payment["bank_payment_id"].is_string() {
                return payment;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it was never opened");
}

async fn begun(app: &TestApp, more: Value) -> Value {
    plan(app).await;
    let made = app.post("/v1/subscriptions", wanted(more)).await.expect(201);
    let payment = opened(app, &made, "pay_url").await;
    app.pay(&payment);
    minutes(app, 3).await;
    let now = shown(app, &made).await;
    assert_eq!(now["status"], "active", "{now}");
    assert!(now["card_id"].is_string(), "{now}");
    now
}

#[tokio::test]
async fn a_card_kept_by_tochka_renews_for_a_year_once_each_month() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let subscription = begun(&app, json!({})).await;
        let opening = &subscription["period"]["payments"][0]["payment_id"];
        days(&app, 366).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(
            (&now["status"], &now["period"]["number"]),
            (&json!("active"), &json!(13)),
            "{now}"
        );
        assert_eq!(app.bank.count("/charge"), 12, "one charge for each period");
        assert_eq!(
            count(&app, "select cast(sum(paid_kopecks) as bigint) from payments").await,
            13 * 245_000
        );
        assert_eq!(app.payment(opening).await["paid_kopecks"], 245_000);
        let ended = app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
        assert_eq!(ended["status"], "canceled");
        days(&app, 62).await;
        assert_eq!(app.bank.count("/charge"), 12);
    })
    .await;
}

#[tokio::test]
async fn the_fate_of_a_renewal_at_tochka_follows_from_the_bank_s_word_or_its_silence() {
    let app = TestApp::at("tochka").await;
    let subscription = begun(&app, json!({})).await;
    let opening = app.payment(&subscription["period"]["payments"][0]["payment_id"]).await;
    let token = opening["bank_payment_id"].as_str().unwrap().to_owned();
    let lost = Fault { kind: FaultKind::ReplyLost, times: 1, path: "/charge".to_owned() };
    app.bank.control(&Control::Fault(lost));
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    assert_eq!(app.bank.count("/charge"), 1, "asked about, not sent again");
    app.bank.control(&Control::Token { token: token.clone(), state: "expired".to_owned() });
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["number"]),
        (&json!("past_due"), &json!(3)),
        "{now}"
    );
    app.bank.control(&Control::Token { token, state: "valid".to_owned() });
    days(&app, 6).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "active", "tried again on its day: {now}");
}

#[tokio::test]
async fn a_period_is_charged_at_one_bank_alone_when_a_subscription_moves() {
    on_each(|db| async move {
        let app = TestApp::at_both_over(db).await;
        let subscription = begun(&app, json!({"bank": "tochka"})).await;
        let old = subscription["card_id"].clone();
        days(&app, 10).await;
        let wish = json!({"bank": "tbank", "save": "card"});
        let moving = app.post(&path(&subscription, "/rebind"), wish.clone()).await.expect(200);
        assert_eq!(moving["card_id"], old, "nothing changes until it is paid");
        let again = app.post(&path(&subscription, "/rebind"), wish).await.expect(200);
        assert_eq!(moving["rebind_url"], again["rebind_url"], "asked twice it is one link");
        let link = opened(&app, &subscription, "rebind_url").await;
        assert_eq!((&link["bank"], &link["amount"]), (&json!("tbank"), &json!("10.00")));
        // Not paid yet when the period ends: the old card is charged.
        days(&app, 21).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(
            (&now["period"]["number"], &now["status"]),
            (&json!(2), &json!("active")),
            "{now}"
        );
        assert_eq!((app.bank.count("/charge"), app.bank.count("/v2/Charge")), (1, 0));
        let moving = app.post(&path(&subscription, "/rebind"), json!({"save": "card"})).await;
        moving.expect(200);
        let link = opened(&app, &subscription, "rebind_url").await;
        assert_eq!(link["bank"], "tbank", "the other one, if none is named");
        let id = link["bank_payment_id"].as_str().unwrap().to_owned();
        app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
        minutes(&app, 5).await;
        let now = shown(&app, &subscription).await;
        assert_ne!(now["card_id"], old, "{now}");
        assert_eq!((&now["balance_kopecks"], &now["rebind_url"]), (&json!(1000), &Value::Null));
        assert_eq!(now["next_amount_kopecks"], 244_000);
        days(&app, 62).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(
            (&now["period"]["number"], &now["status"]),
            (&json!(4), &json!("active")),
            "{now}"
        );
        assert_eq!((app.bank.count("/charge"), app.bank.count("/v2/Charge")), (1, 2));
        assert_eq!(
            count(&app, "select cast(sum(paid_kopecks) as bigint) from payments").await,
            4 * 245_000
        );
    })
    .await;
}

#[tokio::test]
async fn a_period_that_waits_is_charged_from_what_the_link_saved() {
    let app = TestApp::at_both().await;
    let subscription = begun(&app, json!({"bank": "tochka"})).await;
    let opening = app.payment(&subscription["period"]["payments"][0]["payment_id"]).await;
    let token = opening["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Token { token, state: "revoked".to_owned() });
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "past_due", "{now}");
    let moving =
        app.post(&path(&subscription, "/rebind"), json!({"save": "card"})).await.expect(200);
    let link = at(&app, &moving["rebind_url"]).await;
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["status"]),
        (&json!("active"), &json!("paid")),
        "{now}"
    );
    assert_eq!(app.bank.count("/v2/Charge"), 1);
}

#[tokio::test]
async fn what_cannot_move_is_refused_and_money_that_comes_too_late_goes_back() {
    let app = TestApp::at_both().await;
    let subscription = begun(&app, json!({"bank": "tochka"})).await;
    let rebind = path(&subscription, "/rebind");
    app.post(&rebind, json!({"bank": "nobody"})).await.expect_error(422, "bank_unknown");
    app.post(&rebind, json!({"save": "wallet"})).await.expect_error(422, "param_invalid");
    let strange = "/v1/subscriptions/sub_0/rebind";
    app.post(strange, json!({})).await.expect_error(404, "subscription_not_found");
    let moving = app.post(&rebind, json!({"save": "card"})).await.expect(200);
    let link = at(&app, &moving["rebind_url"]).await;
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
    minutes(&app, 5).await;
    assert_eq!(app.payment(&link["id"]).await["status"], "refunded");
    app.post(&rebind, json!({})).await.expect_error(409, "subscription_state");
}

#[tokio::test]
async fn money_that_the_bank_does_not_give_back_is_asked_back_once() {
    let app = TestApp::at_both().await;
    let subscription = begun(&app, json!({"bank": "tochka"})).await;
    let rebind = path(&subscription, "/rebind");
    let moving = app.post(&rebind, json!({"save": "card"})).await.expect(200);
    let link = at(&app, &moving["rebind_url"]).await;
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
    let token = directory::DEMO_KEY.to_owned();
    app.bank.control_second(&Control::Token { token, state: "blocked".to_owned() });
    minutes(&app, 30).await;
    let now = app.payment(&link["id"]).await;
    assert_eq!(now["status"], "paid", "{now}");
    let refunds = "select count(*) from refunds";
    assert_eq!(count(&app, refunds).await, 1, "{now}");
    let told = "select count(*) from events where kind = 'subscription.given_back'";
    assert_eq!(count(&app, told).await, 1);
}
