//! Links and news on their way: once, again where nobody minds, never twice where somebody does.

use kopeck::kit::db::DbError;
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
const DAY: i64 = 24 * HOUR;

fn telegram(app: &TestApp) -> Host<TelegramStandIn> {
    Host::start(TelegramStandIn::default(), app.clock.clone())
}

fn sms(app: &TestApp) -> Host<SmsStandIn> {
    Host::start(SmsStandIn::default(), app.clock.clone())
}

async fn send(app: &TestApp, payment: &Value, to: &str) -> Value {
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "to": to })).await.expect(202)
}

async fn sendings(app: &TestApp, payment: &Value) -> Vec<Value> {
    let path = format!("/v1/payments/{}/sendings", payment["id"].as_str().unwrap());
    app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

async fn story(app: &TestApp, payment: &Value) -> String {
    let path = format!("/v1/payments/{}/timeline", payment["id"].as_str().unwrap());
    app.get(&path).await.expect(200).to_string()
}

#[tokio::test]
async fn a_link_is_sent_once_and_its_story_holds_neither_secret_nor_address() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let host = telegram(&app);
        host.connect(&app, json!({})).await;
        let payment = app.create(json!({ "order_id": "A-17" })).await;
        let sending = send(&app, &payment, "telegram:700100200").await;
        assert_eq!(sending["status"], "pending");
        // The same wish again while it is on its way.
        assert_eq!(send(&app, &payment, "telegram:700100200").await["id"], sending["id"]);
        app.advance(HOUR).await;
        let arrived = host.arrived();
        assert_eq!(arrived.len(), 1, "{arrived:?}");
        let link = payment["pay_url"].as_str();
        assert_eq!(arrived[0].link.as_deref(), link);
        let list = sendings(&app, &payment).await;
        assert_eq!((list.len(), &list[0]["status"]), (1, &json!("delivered")), "{list:?}");
        assert_eq!(list[0]["remote_id"], "1");
        let story = story(&app, &payment).await;
        assert!(story.contains("Kopeck told telegram (link); it answered 200"), "{story}");
        let token = host.settings().get("token").to_owned();
        assert!(!story.contains(&token) && !story.contains("700100200"), "{story}");
    })
    .await;
}

#[tokio::test]
async fn the_shop_hears_of_money_in_its_chat_and_of_nothing_else() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({ "news_to": "700100200" })).await;
    let payment = app.create_paid(json!({ "order_id": "A-17" })).await;
    app.advance(HOUR).await;
    let arrived = host.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    let text = arrived[0].text.replace('\u{a0}', " ");
    assert!(text.starts_with("Оплачено 5 000,00 ₽") && text.contains("A-17"), "{text}");
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "amount": "1200.50" })).await.expect(201);
    app.advance(HOUR).await;
    let text = host.arrived()[1].text.replace('\u{a0}', " ");
    assert!(text.starts_with("Возвращено 1 200,50 ₽"), "{text}");
}

#[tokio::test]
async fn a_blocked_chat_ends_until_somebody_gives_it_again() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({ "news_to": "700100200", "news": ["paid"] })).await;
    host.service().chats.insert(CHAT, Chat::Blocked);
    let payment = app.create(json!({})).await;
    send(&app, &payment, "telegram:700100200").await;
    app.advance(SECOND).await;
    let list = sendings(&app, &payment).await;
    assert_eq!(
        (&list[0]["status"], &list[0]["code"]),
        (&json!("failed"), &json!("telegram_blocked"))
    );
    // News for the same chat do not even try.
    app.pay(&payment);
    app.advance(HOUR).await;
    let list = sendings(&app, &payment).await;
    assert_eq!((&list[1]["kind"], &list[1]["code"]), (&json!("paid"), &json!("telegram_blocked")));
    assert_eq!(list[1]["tries"], 0, "{list:?}");
    host.service().chats.insert(CHAT, Chat::Open);
    let other = app.create(json!({})).await;
    send(&app, &other, "telegram:700100200").await;
    app.advance(SECOND).await;
    assert_eq!(host.arrived().len(), 1);
}

#[tokio::test]
async fn a_link_without_an_answer_comes_again_and_an_sms_does_not() {
    let app = TestApp::new().await;
    let (chat, phone) = (telegram(&app), sms(&app));
    let by_chat = chat.connect(&app, json!({})).await;
    let by_phone = phone.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    chat.fail(Fault::Hang, 1);
    phone.fail(Fault::ReplyLost, 1);
    send(&app, &payment, "telegram:700100200").await;
    send(&app, &payment, "sms:8 900 123-45-67").await;
    app.advance(SECOND).await;
    for _ in 0..4 {
        app.advance(HOUR).await;
    }
    assert_eq!(chat.arrived().len(), 1);
    assert_eq!(phone.arrived().len(), 1, "a second SMS costs a second time");
    let list = sendings(&app, &payment).await;
    let of = |linked: &Value| {
        list.iter().find(|one| one["integration_id"] == linked["id"]).unwrap().clone()
    };
    assert_eq!(of(&by_chat)["status"], "delivered");
    assert_eq!(of(&by_phone)["status"], "unknown");
    assert!(of(&by_phone)["why"].as_str().unwrap().contains("paid for too"), "{list:?}");
    // A person decides, and that is another message.
    send(&app, &payment, "sms:8 900 123-45-67").await;
    app.advance(HOUR).await;
    assert_eq!(phone.arrived().len(), 2);
}

#[tokio::test]
async fn a_process_that_died_after_its_request_left_does_not_send_it_again() {
    let app = TestApp::new().await;
    let host = sms(&app);
    host.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    send(&app, &payment, "sms:+79001234567").await;
    // As the rows stand between the intent and the answer.
    let sql = "update sendings set asked_ms = $1, step_ms = $1, tries = 1";
    let at = app.ctx.now_ms();
    let done: Result<_, DbError> = app.ctx.db.write(move |tx| tx.execute(sql, &[at.into()])).await;
    assert_eq!(done.unwrap(), 1);
    app.advance(DAY).await;
    assert!(host.arrived().is_empty());
    let list = sendings(&app, &payment).await;
    assert_eq!(list[0]["status"], "unknown", "{list:?}");
    assert!(list[0]["why"].as_str().unwrap().starts_with("Kopeck stopped"), "{list:?}");
}

#[tokio::test]
async fn a_stopped_service_keeps_what_waits_until_it_is_mended() {
    let app = TestApp::new().await;
    let host = sms(&app);
    let linked = host.connect(&app, json!({})).await;
    host.service().balance = 0;
    let payment = app.create(json!({})).await;
    send(&app, &payment, "sms:+79001234567").await;
    app.advance(HOUR).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let shown = app.get(&path).await.expect(200);
    assert_eq!(
        (&shown["status"], &shown["stopped_code"]),
        (&json!("stopped"), &json!("sms_no_money"))
    );
    assert_eq!(sendings(&app, &payment).await[0]["status"], "pending");
    host.service().balance = 100_000;
    let tested = app.post(&format!("{path}/test"), json!({})).await.expect(200);
    assert_eq!(tested["ok"], true, "{tested}");
    app.advance(SECOND).await;
    assert_eq!(host.arrived().len(), 1);
    assert_eq!(app.get(&path).await.expect(200)["status"], "active");
}

#[tokio::test]
async fn nobody_is_asked_for_money_that_came_meanwhile() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    host.fail(Fault::Status(502), 3);
    send(&app, &payment, "telegram:700100200").await;
    app.advance(SECOND).await;
    app.pay(&payment);
    app.advance(61 * SECOND).await;
    app.advance(HOUR).await;
    app.advance(HOUR).await;
    let list = sendings(&app, &payment).await;
    assert_eq!(list[0]["status"], "dropped", "{list:?}");
    assert!(host.arrived().is_empty());
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    let late = app.post(&path, json!({ "to": "telegram:700100200" })).await;
    late.expect_error(409, "payment_not_payable");
}

#[tokio::test]
async fn a_service_that_is_down_for_a_day_is_given_up() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({})).await;
    host.fail(Fault::Status(502), 1_000);
    let payment = app.create(json!({ "ttl_minutes": 10_000 })).await;
    send(&app, &payment, "telegram:700100200").await;
    for _ in 0..60 {
        app.advance(HOUR / 2).await;
    }
    let list = sendings(&app, &payment).await;
    assert_eq!(list[0]["status"], "failed", "{list:?}");
    assert_eq!(list[0]["code"], "integration_gave_up");
}

#[tokio::test]
async fn many_messages_keep_the_pace_of_the_service() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({})).await;
    for _ in 0..4 {
        let payment = app.create(json!({})).await;
        send(&app, &payment, "telegram:700100200").await;
    }
    for _ in 0..40 {
        app.advance(200).await;
    }
    let at: Vec<u64> = host.arrived().iter().map(|one| one.at_ms).collect();
    assert_eq!(at.len(), 4, "{at:?}");
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "one a second: {at:?}");
}

#[tokio::test]
async fn a_group_with_a_new_number_is_followed() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({ "news_to": "-500600" })).await;
    for _ in 0..2 {
        app.create_paid(json!({})).await;
        app.advance(HOUR).await;
    }
    let to: Vec<String> = host.arrived().into_iter().map(|one| one.to).collect();
    assert_eq!(to, ["-1001234567890", "-1001234567890"]);
}

#[tokio::test]
async fn requests_are_forgotten_after_ninety_days() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    host.connect(&app, json!({})).await;
    let old = app.create(json!({})).await;
    send(&app, &old, "telegram:700100200").await;
    app.advance(SECOND).await;
    assert!(story(&app, &old).await.contains("it answered 200"));
    for _ in 0..91 {
        app.advance(DAY).await;
    }
    let fresh = app.create(json!({})).await;
    send(&app, &fresh, "telegram:700100200").await;
    app.advance(SECOND).await;
    assert!(!story(&app, &old).await.contains("it answered 200"), "the request is forgotten");
    assert_eq!(sendings(&app, &old).await[0]["status"], "delivered", "the message is not");
    assert!(story(&app, &fresh).await.contains("it answered 200"));
}

#[tokio::test]
async fn what_waited_for_days_is_not_told_as_news() {
    let app = TestApp::new().await;
    let host = telegram(&app);
    let linked = host.connect(&app, json!({ "news_to": "700100200" })).await;
    let path = format!("/v1/integrations/{}/test", linked["id"].as_str().unwrap());
    let stop = "update integrations set stopped_ms = 1, stopped_code = 'telegram_token_refused'";
    let done: Result<_, DbError> = app.ctx.db.write(move |tx| tx.execute(stop, &[])).await;
    assert_eq!(done.unwrap(), 1);
    let old = app.create_paid(json!({})).await;
    for _ in 0..3 {
        app.advance(DAY).await;
    }
    let fresh = app.create_paid(json!({ "order_id": "B-2" })).await;
    assert!(host.arrived().is_empty(), "nothing is sent while it is stopped");
    assert_eq!(app.post(&path, json!({})).await.expect(200)["ok"], true);
    app.advance(HOUR).await;
    assert_eq!(sendings(&app, &old).await[0]["code"], "integration_gave_up");
    assert_eq!(sendings(&app, &fresh).await[0]["status"], "delivered");
    assert_eq!(host.arrived().len(), 1);
}
