//! Telling of a charge before it, and charges that wait until it was told.

use std::sync::Arc;

use kopeck::{
    kit::db::DbError,
    subscriptions::{
        dunning::{NoticeFirst, Rules},
        store,
    },
};
use serde_json::{Value, json};

use super::subscriptions::{
    DAY, HOUR, MINUTE, charged, consent, count, days, kinds, minutes, path, pay, plan, shown,
    subscribe,
};
use crate::harness::app::TestApp;

async fn rules(app: &TestApp, notice_first: NoticeFirst) {
    let (shop_id, rules) = (app.shop.id.clone(), Rules { notice_first, ..Rules::default() });
    let saved: Result<(), DbError> =
        app.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &rules)).await;
    saved.unwrap();
}

/// When the newest notice went, and when the newest charge was made, both in milliseconds.
async fn told_and_charged(app: &TestApp) -> (i64, i64) {
    let read: Result<_, DbError> = app
        .ctx
        .db
        .read(|tx| {
            let sql = "select max(at_ms) from events where kind = 'subscription.renewal_upcoming'";
            let told = tx.find(sql, &[])?.expect("a row").int(0)?;
            let sql = "select max(created_ms) from subscription_attempts where how = 'charge'";
            let charged = tx.find(sql, &[])?.expect("a row").opt_int(0)?.unwrap_or(0);
            Ok((told, charged))
        })
        .await;
    read.unwrap()
}

#[tokio::test]
async fn a_plan_may_tell_of_its_charges_at_a_time_of_its_own() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({"notice_hours": 24})).await;
    let subscription = subscribe(&app, json!({"consent": consent()})).await;
    pay(&app, &subscription).await;
    let due = shown(&app, &subscription).await["next_charge_at"].clone();
    days(&app, 28).await;
    assert!(!kinds(&app, &subscription).await.contains(&"renewal_upcoming".to_owned()));
    days(&app, 4).await;
    let (told_ms, charged_ms) = told_and_charged(&app).await;
    let due_ms = due.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert!((due_ms - 24 * HOUR..due_ms - 23 * HOUR).contains(&told_ms), "{told_ms} {due_ms}");
    assert!((due_ms..due_ms + HOUR).contains(&charged_ms));
    app.post("/v1/plans", json!({"code": "x", "name": "X", "amount": "100", "notice_hours": 721}))
        .await
        .expect_error(422, "param_invalid");
}

#[tokio::test]
async fn a_charge_waits_until_it_was_told_of_for_long_enough() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    rules(&app, NoticeFirst::Announced).await;
    // The server is down over the notice's time and the boundary: nobody was told.
    app.advance(32 * DAY).await;
    minutes(&app, 5).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0, "told now, charged later");
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.last().unwrap(), "renewal_upcoming", "{told:?}");
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    app.advance(70 * HOUR).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    app.advance(3 * HOUR).await;
    minutes(&app, 5).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    let (told_ms, charged_ms) = told_and_charged(&app).await;
    assert!(charged_ms - told_ms >= 72 * HOUR, "{}", (charged_ms - told_ms) / HOUR);
    // From then on every charge is on its day: who was told in time waits for nothing.
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("active"), &json!(2)), "{now}");
    days(&app, 31).await;
    assert_eq!(app.bank.count("/ChargeQr"), 2);
}

#[tokio::test]
async fn another_sum_is_told_of_anew_and_needs_a_new_consent() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    rules(&app, NoticeFirst::Announced).await;
    days(&app, 29).await;
    let dearer = json!({"name": "Подписка START", "amount": "2990.00"});
    app.post("/v1/plans/start", dearer).await.expect(200);
    let mut wish = json!({"plan": "start", "when": "period_end"});
    let change = path(&subscription, "/change");
    app.post(&change, wish.clone()).await.expect_error(422, "consent_missing");
    wish["consent"] = json!({"text_version": "offer-2"});
    app.post(&change, wish).await.expect(200);
    minutes(&app, 2).await;
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "renewal_upcoming").count(), 2, "{told:?}");
    days(&app, 2).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0, "the new sum is known for two days only");
    days(&app, 1).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["period"]["amount"], &now["consent"]["text_version"]),
        (&json!("2990.00"), &json!("offer-2")),
        "{now}"
    );
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}

/// A receiver that answers what it is told to.
async fn receiver(app: &TestApp) -> Arc<std::sync::atomic::AtomicU16> {
    use std::sync::atomic::{AtomicU16, Ordering};
    let status = Arc::new(AtomicU16::new(503));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let answers = status.clone();
    let answer = move || {
        let status = answers.load(Ordering::SeqCst);
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    };
    let router = axum::Router::new().route("/hook", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let hook = json!({"url": url, "events": ["subscription.renewal_upcoming"]});
    app.post("/v1/webhooks", hook).await.expect(201);
    status
}

#[tokio::test]
async fn a_charge_may_wait_until_a_webhook_took_the_notice() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    rules(&app, NoticeFirst::Delivered).await;
    let status = receiver(&app).await;
    days(&app, 32).await;
    assert!(kinds(&app, &subscription).await.contains(&"renewal_upcoming".to_owned()));
    assert_eq!(app.bank.count("/ChargeQr"), 0, "nobody took the notice");
    status.store(200, std::sync::atomic::Ordering::SeqCst);
    let event: Value = app.get("/v1/events?type=subscription.renewal_upcoming").await.expect(200);
    assert_eq!(event["data"].as_array().unwrap().len(), 1, "{event}");
    let taken = "select count(*) from deliveries where state = 'delivered'";
    let mut hours = 0;
    while count(&app, taken).await == 0 {
        app.advance(HOUR).await;
        hours += 1;
        assert!(hours < 200, "it is never sent again");
    }
    app.advance(71 * HOUR).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0, "taken, but not for three days");
    app.advance(HOUR + 10 * MINUTE).await;
    minutes(&app, 5).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}
