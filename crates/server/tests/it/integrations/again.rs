//! News in the order of what happened, and what did not arrive sent again by a person.

use kopeck_integrations::{
    sms::SmsStandIn,
    stand_in::Fault,
    telegram::{Chat, TelegramStandIn},
};
use serde_json::{Value, json};

use super::host::Host;
use crate::harness::{app::TestApp, databases::on_each};

const CHAT: i64 = 700_100_200;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

fn telegram(app: &TestApp) -> Host<TelegramStandIn> {
    Host::start(TelegramStandIn::default(), app.clock.clone())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

async fn all(app: &TestApp, filter: &str) -> Vec<Value> {
    let path = format!("/v1/sendings?limit=100{filter}");
    app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

async fn refund(app: &TestApp, payment: &Value) {
    let path = format!("/v1/payments/{}/refunds", text(payment, "id"));
    app.post(&path, json!({ "amount": "1200.50" })).await.expect(201);
}

/// What arrived, by its first word.
fn heard(host: &Host<TelegramStandIn>) -> Vec<String> {
    let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    host.arrived().iter().map(|one| first(&one.text)).collect()
}

async fn seconds(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(SECOND).await;
    }
}

/// A chat that hears of money, in which nothing arrives for a day, and a payment that was paid.
async fn given_up(app: &TestApp, host: &Host<TelegramStandIn>) -> Value {
    host.fail(Fault::Status(502), 1_000);
    let payment = app.create_paid(json!({ "order_id": "A-17" })).await;
    for _ in 0..50 {
        app.advance(HOUR / 2).await;
    }
    host.heal();
    payment
}

#[tokio::test]
async fn a_refund_is_never_told_before_the_payment_that_it_is_of() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let host = telegram(&app);
        host.connect(&app, json!({ "news_to": "700100200" })).await;
        // Told a minute after the fourth refusal.
        host.fail(Fault::Status(502), 4);
        let payment = app.create_paid(json!({ "order_id": "A-17" })).await;
        seconds(&app, 20).await;
        refund(&app, &payment).await;
        let other = app.create_paid(json!({ "order_id": "B-18" })).await;
        seconds(&app, 30).await;
        let list = all(&app, "&status=pending").await;
        let kinds: Vec<&str> = list.iter().map(|it| text(it, "kind")).collect();
        assert_eq!(kinds, ["refunded", "paid"], "the first waits to be tried again: {list:?}");
        assert_eq!(heard(&host), ["Оплачено"], "another payment's news do not wait");
        assert!(host.arrived()[0].text.contains(text(&other, "order_id")));
        for _ in 0..20 {
            app.advance(20 * SECOND).await;
        }
        assert_eq!(heard(&host), ["Оплачено", "Оплачено", "Возвращено"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_by_a_person() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let host = telegram(&app);
        let linked = host.connect(&app, json!({ "news_to": "700100200" })).await;
        let payment = given_up(&app, &host).await;
        let failed = all(&app, "&status=failed").await;
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0]["integration_id"], linked["id"]);
        let by_payment = format!("&payment_id={}", text(&payment, "id"));
        assert_eq!(all(&app, &by_payment).await, failed);
        assert!(all(&app, "&integration_id=int_0").await.is_empty());
        let path = format!("/v1/sendings/{}", text(&failed[0], "id"));
        let shown = app.get(&path).await.expect(200);
        let history = shown["history"].as_array().unwrap();
        assert!(history.len() > 10 && history[0]["status"] == 502, "{shown}");
        assert!(!shown.to_string().contains("700100200"), "{shown}");
        let retried = app.post(&format!("{path}/retry"), json!({})).await.expect(200);
        assert_eq!((&retried["status"], &retried["code"]), (&json!("pending"), &Value::Null));
        app.advance(SECOND).await;
        assert_eq!(heard(&host), ["Оплачено"]);
        let again = app.post(&format!("{path}/retry"), json!({})).await;
        again.expect_error(409, "sending_not_failed");
        assert_eq!(host.arrived().len(), 1);
        app.get("/v1/sendings/msg_0").await.expect_error(404, "sending_not_found");
        let nobody = app.post("/v1/sendings/msg_0/retry", json!({})).await;
        nobody.expect_error(404, "sending_not_found");
        app.get("/v1/sendings?status=lost").await.expect_error(422, "param_invalid");
    })
    .await;
}

#[tokio::test]
async fn a_message_of_which_nobody_knows_goes_again_only_when_somebody_says_so() {
    let app = TestApp::new().await;
    let host = Host::start(SmsStandIn::default(), app.clock.clone());
    host.connect(&app, json!({})).await;
    let payment = app.create(json!({ "ttl_minutes": 10_000 })).await;
    host.fail(Fault::ReplyLost, 1);
    let send = format!("/v1/payments/{}/send", text(&payment, "id"));
    let sent = app.post(&send, json!({ "to": "sms:+79001234567" })).await.expect(202);
    app.advance(SECOND).await;
    let path = format!("/v1/sendings/{}", text(&sent, "id"));
    assert_eq!(app.get(&path).await.expect(200)["status"], "unknown");
    let bulk = format!("/v1/integrations/{}/retry", text(&sent, "integration_id"));
    assert_eq!(app.post(&bulk, json!({})).await.expect(200)["sendings"], 0, "only what failed");
    app.post(&format!("{path}/retry"), json!({})).await.expect(200);
    app.advance(HOUR).await;
    assert_eq!(app.get(&path).await.expect(200)["status"], "delivered");
    assert_eq!(host.arrived().len(), 2);
    // Nobody needs a link that is paid.
    host.fail(Fault::ReplyLost, 1);
    let late = app.post(&send, json!({ "to": "sms:+79001234567" })).await.expect(202);
    app.advance(HOUR).await;
    app.pay(&payment);
    app.advance(HOUR).await;
    let path = format!("/v1/sendings/{}/retry", text(&late, "id"));
    app.post(&path, json!({})).await.expect_error(409, "sending_not_needed");
}

#[tokio::test]
async fn an_older_outcome_is_not_told_after_a_newer_one() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    let linked = host.connect(&app, json!({ "news_to": "700100200" })).await;
    let old = given_up(&app, &host).await;
    refund(&app, &old).await;
    seconds(&app, 10).await;
    assert_eq!(heard(&host), ["Возвращено"]);
    let other = given_up(&app, &host).await;
    let failed = all(&app, "&status=failed").await;
    assert_eq!(failed.len(), 2, "{failed:?}");
    let of_old = failed.iter().find(|it| it["payment_id"] == old["id"]).unwrap();
    let path = format!("/v1/sendings/{}/retry", text(of_old, "id"));
    app.post(&path, json!({})).await.expect_error(409, "sending_overtaken");
    let bulk = format!("/v1/integrations/{}/retry", text(&linked, "id"));
    let count = app.post(&bulk, json!({})).await.expect(200);
    assert_eq!((&count["sendings"], &count["skipped"]), (&json!(1), &json!(1)), "{count}");
    seconds(&app, 10).await;
    assert_eq!(heard(&host), ["Возвращено", "Оплачено"]);
    let told = all(&app, &format!("&payment_id={}", text(&other, "id"))).await;
    assert_eq!(told[0]["status"], "delivered");
    let count = app.post(&bulk, json!({})).await.expect(200);
    assert_eq!((&count["sendings"], &count["skipped"]), (&json!(0), &json!(1)), "{count}");
    let gone = app.post("/v1/integrations/int_0/retry", json!({})).await;
    gone.expect_error(404, "integration_not_found");
}

#[tokio::test]
async fn an_ended_address_is_tried_again_by_its_own_message_only() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    let linked = host.connect(&app, json!({ "news_to": "700100200" })).await;
    host.service().chats.insert(CHAT, Chat::Blocked);
    app.create_paid(json!({})).await;
    app.advance(SECOND).await;
    let failed = all(&app, "&status=failed").await;
    assert_eq!(failed[0]["code"], "telegram_blocked", "{failed:?}");
    let bulk = format!("/v1/integrations/{}/retry", text(&linked, "id"));
    let count = app.post(&bulk, json!({})).await.expect(200);
    assert_eq!((&count["sendings"], &count["skipped"]), (&json!(0), &json!(0)), "{count}");
    host.service().chats.insert(CHAT, Chat::Open);
    let path = format!("/v1/sendings/{}/retry", text(&failed[0], "id"));
    app.post(&path, json!({})).await.expect(200);
    app.advance(SECOND).await;
    assert_eq!(host.arrived().len(), 1);
}

#[tokio::test]
async fn a_refused_key_is_a_todo_until_it_works_again() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let host = Host::start(SmsStandIn::default(), app.clock.clone());
        let linked = host.connect(&app, json!({})).await;
        let path = format!("/v1/integrations/{}", text(&linked, "id"));
        let open = async || app.get("/v1/todos").await.expect(200)["data"].clone();
        let send = async || {
            let payment = app.create(json!({})).await;
            let to = json!({ "to": "sms:+79001234567" });
            app.post(&format!("/v1/payments/{}/send", text(&payment, "id")), to).await.expect(202);
            app.advance(HOUR).await;
        };
        assert_eq!(open().await, json!([]));
        host.service().balance = 0;
        send().await;
        let todos = open().await;
        let todo = &todos[0];
        assert_eq!(
            (&todo["kind"], &todo["integration_id"], &todo["payment_id"]),
            (&json!("integration_stopped"), &linked["id"], &Value::Null),
            "{todos}"
        );
        assert_eq!(todo["why"]["code"], "sms_no_money");
        assert!(text(todo, "ru").contains("kopeck integration test"), "{todo}");
        let told = app.get("/v1/events?type=integration.stopped").await.expect(200)["data"].clone();
        assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
        assert_eq!(told[0]["integration_id"], linked["id"]);
        assert_eq!(told[0]["integration"]["stopped_code"], "sms_no_money");
        // A change of settings is no proof.
        app.patch(&path, json!({ "news": ["paid"] })).await.expect(200);
        app.advance(SECOND).await;
        assert_eq!(open().await.as_array().unwrap().len(), 1, "stopped anew, told once more");
        host.service().balance = 100_000;
        app.post(&format!("{path}/test"), json!({})).await.expect(200);
        assert_eq!(open().await, json!([]), "a good test settles it");
        // It dies again, and a message that arrives settles it too.
        host.service().balance = 0;
        send().await;
        assert_eq!(open().await.as_array().unwrap().len(), 1);
        host.service().balance = 100_000;
        app.patch(&path, json!({ "news": ["paid"] })).await.expect(200);
        assert_eq!(open().await.as_array().unwrap().len(), 1);
        app.advance(SECOND).await;
        assert_eq!(open().await, json!([]));
        host.service().balance = 0;
        send().await;
        app.delete(&path).await.expect(200);
        assert_eq!(open().await, json!([]), "of what is gone nothing is to be done");
    })
    .await;
}
