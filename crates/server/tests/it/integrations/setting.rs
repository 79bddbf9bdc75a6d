//! Setting up, looking at and removing; what is refused, and with which words.

use kopeck::{
    integrations::catalog::{self, Applied},
    kit::db::DbError,
};
use kopeck_integrations::{sms::SmsStandIn, telegram::TelegramStandIn};
use serde_json::json;

use super::host::Host;
use crate::harness::app::TestApp;

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let app = TestApp::new().await;
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let made = host.connect(&app, json!({ "news_to": "700100200" })).await;
    let token = host.settings().get("token").to_owned();
    assert_eq!(made["settings"]["token"], "***");
    assert_eq!(made["settings"]["api_url"], host.url);
    assert_eq!(made["news"], json!(["paid", "mismatch", "refunded"]));
    let list = app.get("/v1/integrations").await.expect(200).to_string();
    assert!(!list.contains(&token) && !list.contains("700100200"), "{list}");
    let row: Result<_, DbError> =
        app.ctx.db.read(|tx| tx.find("select sealed, news_to from integrations", &[])).await;
    let row = row.unwrap().unwrap();
    for at in 0..2 {
        let bytes = row.bytes(at).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("AAEhBP0av28") && !text.contains("700100200"), "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    let made = |body| app.post("/v1/integrations", body);
    made(json!({ "service": "icq", "settings": {} }))
        .await
        .expect_error(422, "integration_unknown");
    made(json!({ "service": "sms" })).await.expect_error(422, "param_missing");
    let error = made(json!({ "service": "sms", "settings": { "token": "x" } })).await;
    assert_eq!(error.expect_error(422, "param_unknown")["param"], "token");
    let error = made(json!({ "service": "sms", "settings": {}, "news_to": "+375291234567" })).await;
    let error = error.expect_error(422, "sms_number_foreign");
    assert_eq!(error["param"], "news_to");
    assert!(!error.to_string().contains("375291234567"), "{error}");
    let error = made(json!({ "service": "sms", "settings": {}, "news": ["link", "dance"] })).await;
    assert_eq!(error.expect_error(422, "param_invalid")["param"], "news");

    let payment = app.create(json!({})).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    let sent = |body| app.post(&path, body);
    sent(json!({})).await.expect_error(422, "param_missing");
    sent(json!({ "to": "sms" })).await.expect_error(422, "param_invalid");
    sent(json!({ "to": "icq:1" })).await.expect_error(422, "integration_unknown");
    sent(json!({ "to": "telegram:@" })).await.expect_error(422, "telegram_address_invalid");
    sent(json!({ "to": "sms:+79001234567" })).await.expect_error(409, "integration_not_connected");
    let kind = json!({ "to": "sms:+79001234567", "kind": "paid" });
    sent(kind).await.expect_error(422, "param_invalid");
    let host = Host::start(SmsStandIn::default(), app.clock.clone());
    host.connect(&app, json!({})).await;
    let nobody = app.post("/v1/payments/pay_0/send", json!({ "to": "sms:+79001234567" })).await;
    nobody.expect_error(404, "payment_not_found");
    app.get("/v1/integrations/int_0").await.expect_error(404, "integration_not_found");
}

#[tokio::test]
async fn a_test_says_what_the_service_says() {
    let app = TestApp::new().await;
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let token = "123456789:AAEhBP0av28fT3Dh-2mFlXcq0d8Xv1JkXXX";
    let more = json!({ "settings": { "token": token, "api_url": host.url } });
    let made = host.connect(&app, more).await;
    let path = format!("/v1/integrations/{}/test", made["id"].as_str().unwrap());
    let tested = app.post(&path, json!({})).await.expect(200);
    assert_eq!((&tested["ok"], &tested["code"]), (&json!(false), &json!("telegram_token_refused")));
    assert!(tested["hint"].as_str().unwrap().contains("BotFather"), "{tested}");
    // A better token mends it, and nothing else of it changes.
    let good = json!({ "settings": { "token": host.settings().get("token") } });
    let path = path.trim_end_matches("/test");
    let mended = app.patch(path, good).await.expect(200);
    assert_eq!((&mended["id"], &mended["settings"]["api_url"]), (&made["id"], &json!(host.url)));
    let tested = app.post(&format!("{path}/test"), json!({})).await.expect(200);
    assert_eq!(tested["ok"], true, "{tested}");
    let bad = app.patch(path, json!({ "settings": { "color": "red" } })).await;
    bad.expect_error(422, "param_unknown");
    let nowhere = json!({ "service": "telegram", "settings": {
        "token": token, "api_url": "http://127.0.0.1:9" } });
    let made = app.post("/v1/integrations", nowhere).await.expect(201);
    let path = format!("/v1/integrations/{}/test", made["id"].as_str().unwrap());
    let tested = app.post(&path, json!({})).await.expect(200);
    assert_eq!(tested["code"], "integration_unanswered", "{tested}");
}

#[tokio::test]
async fn what_is_null_in_a_change_is_taken_away() {
    let app = TestApp::new().await;
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let made = host.connect(&app, json!({ "news_to": "700100200" })).await;
    let path = format!("/v1/integrations/{}", made["id"].as_str().unwrap());
    let named = json!({ "settings": { "bot": "kopeck_test_bot", "updates": "poll" } });
    let named = app.patch(&path, named).await.expect(200);
    assert_eq!(
        (&named["settings"]["bot"], &named["tells_shop"]),
        (&json!("kopeck_test_bot"), &json!(true))
    );
    let cleared = json!({ "settings": { "bot": null, "updates": "" } });
    let cleared = app.patch(&path, cleared).await.expect(200);
    assert_eq!(cleared["settings"].get("bot"), None, "{cleared}");
    assert_eq!(cleared["settings"].get("updates"), None, "{cleared}");
    assert_eq!(
        (&cleared["settings"]["token"], &cleared["tells_shop"]),
        (&json!("***"), &json!(true))
    );
    let silent = app.patch(&path, json!({ "news_to": null })).await.expect(200);
    assert_eq!(silent["tells_shop"], false, "{silent}");
    app.create_paid(json!({})).await;
    app.advance(60_000).await;
    assert!(host.arrived().is_empty(), "the shop hears nothing by it any more");
    let unknown = app.patch(&path, json!({ "settings": { "color": null } })).await;
    unknown.expect_error(422, "param_unknown");
}

#[tokio::test]
async fn a_working_account_is_sent_by_rather_than_a_newer_one_that_is_stopped() {
    let app = TestApp::new().await;
    let old = Host::start(TelegramStandIn::default(), app.clock.clone());
    old.connect(&app, json!({})).await;
    app.clock.advance_ms(1);
    let new = Host::start(TelegramStandIn::default(), app.clock.clone());
    let newer = new.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    let send = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&send, json!({ "to": "telegram:700100200" })).await.expect(202);
    app.advance(1_000).await;
    assert_eq!((old.arrived().len(), new.arrived().len()), (0, 1), "the newest, while it works");
    let id = newer["id"].as_str().unwrap().to_owned();
    let stop = "update integrations set stopped_ms = 1, stopped_code = 'telegram_token_refused' \
                where id = $1";
    let stopped: Result<u64, DbError> =
        app.ctx.db.write(move |tx| tx.execute(stop, &[id.into()])).await;
    assert_eq!(stopped.unwrap(), 1);
    app.post(&send, json!({ "to": "telegram:700100200" })).await.expect(202);
    app.advance(1_000).await;
    assert_eq!((old.arrived().len(), new.arrived().len()), (1, 1));
}

#[tokio::test]
async fn a_removed_one_sends_nothing_and_forgets_its_secrets() {
    let app = TestApp::new().await;
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let made = host.connect(&app, json!({ "news_to": "700100200" })).await;
    let payment = app.create(json!({})).await;
    let send = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&send, json!({ "to": "telegram:700100200" })).await.expect(202);
    let path = format!("/v1/integrations/{}", made["id"].as_str().unwrap());
    assert_eq!(app.delete(&path).await.expect(200)["removed"], true);
    app.pay(&payment);
    app.advance(3_600_000).await;
    assert!(host.arrived().is_empty());
    app.get(&path).await.expect_error(404, "integration_not_found");
    let row: Result<_, DbError> =
        app.ctx.db.read(|tx| tx.find("select sealed from integrations", &[])).await;
    assert!(row.unwrap().unwrap().bytes(0).unwrap().is_empty());
}

#[tokio::test]
async fn another_shop_sees_and_sends_nothing() {
    let app = TestApp::new().await;
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let made = host.connect(&app, json!({})).await;
    let path = format!("/v1/integrations/{}", made["id"].as_str().unwrap());
    let mut request = app.request(axum::http::Method::GET, &path, axum::body::Body::empty());
    request.headers_mut().insert("authorization", "Bearer nobody".parse().unwrap());
    assert_eq!(app.send(request).await.status, 401);
}

fn listed(text: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    file.as_array().unwrap().iter().map(|one| one.as_object().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_settings_file_makes_integrations_so_and_again_changes_nothing() {
    let app = TestApp::new().await;
    let variable =
        |name: &str| (name == "KOPECK_EMAIL_PASSWORD").then(|| "from the world".to_owned());
    let read = |text: &str| catalog::read(listed(text), variable);
    let apply = async |text: &str| {
        let wanted = read(text).unwrap().pop().unwrap();
        catalog::apply(&app.ctx, &app.shop.id, wanted).await.unwrap()
    };
    let mail = r#"[{"service": "email", "news_to": "boss@example.ru", "payer_news": ["renewal"],
        "settings": {"host": "smtp.example.ru", "user": "u", "from": "pay@example.ru"}}]"#;
    assert_eq!(apply(mail).await, Applied::New);
    assert_eq!(apply(mail).await, Applied::Same);
    let other = mail.replace("smtp.example.ru", "mail.example.ru");
    assert_eq!(apply(&other).await, Applied::Changed);
    let all = app.get("/v1/integrations").await.expect(200)["data"].clone();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    let shown = &all[0];
    assert_eq!(shown["settings"]["host"], "mail.example.ru");
    assert_eq!(shown["settings"]["password"], "***", "it came from the environment");
    assert_eq!((&shown["tells_shop"], &shown["payer_news"]), (&json!(true), &json!(["renewal"])));
    for (text, code, part) in [
        (r#"[{"settings": {}}]"#, "param_missing", "number 1"),
        (r#"[{"service": "icq"}]"#, "integration_unknown", "`icq`"),
        (r#"[{"service": "sms", "color": "red"}]"#, "param_invalid", "`sms`"),
        (r#"[{"service": "sms"}, {"service": "sms"}]"#, "param_invalid", "twice"),
        (r#"[{"service": "sms", "settings": {"pin": "1"}}]"#, "param_unknown", "[[integrations]]"),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.code, code, "{text}: {error:?}");
        assert!(error.message.contains(part), "{text}: {error:?}");
    }
}
