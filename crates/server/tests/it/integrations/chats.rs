//! Customers' chats: tied by a link that is good once, stopped and started by their owners, written
//! to by their customer's number.

use axum::http::{Method, Request};
use kopeck::{
    integrations::{keys::opt_out_keys, store},
    kit::{db::DbError, secret::hash_bytes},
};
use kopeck_integrations::{
    max::{self, MaxStandIn},
    telegram::{self, Chat, TelegramStandIn},
};
use serde_json::{Value, json};

use super::host::Host;
use crate::{
    api::subscriptions::{consent, days, minutes, pay, plan, shown, subscribe},
    harness::{
        app::{PUBLIC_URL, TestApp},
        databases::on_each,
    },
};

const CHAT: i64 = 700_100_200;
const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;
const CHATS: &str = "/v1/customers/client-17/chats";

async fn bot(app: &TestApp) -> (Host<TelegramStandIn>, Value) {
    let host = Host::start(TelegramStandIn::default(), app.clock.clone());
    let linked = host.connect(app, json!({})).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let named = json!({ "settings": { "bot": "kopeck_test_bot" } });
    (host, app.patch(&path, named).await.expect(200))
}

/// As the service sends it.
async fn update(app: &TestApp, linked: &Value, header: (&str, &str), body: Value) -> u16 {
    let path = format!("/updates/{}", linked["id"].as_str().unwrap());
    let request = Request::builder().method(Method::POST).uri(path).header(header.0, header.1);
    app.send(request.body(body.to_string().into()).unwrap()).await.status
}

async fn telegram_update(
    app: &TestApp,
    (host, linked): &(Host<TelegramStandIn>, Value),
    more: Value,
) {
    let secret = telegram::update::webhook_secret(&host.settings());
    let mut body = json!({ "update_id": 7 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header = (telegram::update::SECRET_HEADER, secret.as_str());
    assert_eq!(update(app, linked, header, body).await, 200);
    app.advance(2 * SECOND).await;
}

fn start(chat: i64, payload: &str) -> Value {
    let chat = json!({ "id": chat, "type": "private" });
    json!({ "message": { "chat": chat, "text": format!("/start {payload}") } })
}

fn member(status: &str) -> Value {
    let chat = json!({ "id": CHAT, "type": "private" });
    json!({ "my_chat_member": { "chat": chat, "new_chat_member": { "status": status } } })
}

/// The payload of a new start link.
async fn invited(app: &TestApp, service: &str) -> String {
    let made = app.post(CHATS, json!({ "service": service })).await.expect(201);
    let (_, payload) = made["url"].as_str().unwrap().split_once("?start=").unwrap();
    assert!(payload.len() <= 64, "{made}");
    payload.to_owned()
}

async fn chats(app: &TestApp) -> Vec<Value> {
    let page = app.get(CHATS).await.expect(200);
    assert!(!page.to_string().contains(&CHAT.to_string()), "an address is shown: {page}");
    page["data"].as_array().unwrap().clone()
}

async fn send(app: &TestApp, to: &str) -> crate::harness::app::Reply {
    let payment = app.create(json!({})).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "to": to })).await
}

#[tokio::test]
async fn a_customer_ties_his_chat_by_a_link_that_is_good_once() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    send(&app, "customer:client-17").await.expect_error(409, "chat_not_bound");
    let payload = invited(&app, "telegram").await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    let arrived = bot.0.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert!(arrived[0].text.contains("готово"), "{arrived:?}");
    // The same update again, and the same link in somebody else's hands.
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    telegram_update(&app, &bot, start(CHAT + 1, &payload)).await;
    assert_eq!(bot.0.arrived().len(), 1);
    let all = chats(&app).await;
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("bound")), "{all:?}");
    assert_eq!(send(&app, "customer:client-17").await.expect(202)["audience"], "payer");
    app.advance(2 * SECOND).await;
    let last = bot.0.arrived().pop().unwrap();
    assert!(last.to == CHAT.to_string() && last.has_picture, "{last:?}");
    send(&app, "customer:client-18").await.expect_error(409, "chat_not_bound");
    let story: Result<_, DbError> =
        app.ctx.db.read(|tx| tx.query("select address, address_key from chats", &[])).await;
    for row in story.unwrap() {
        let bytes = row.bytes(0).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("700100200"), "sealed");
    }
}

#[tokio::test]
async fn who_stops_the_bot_hears_nothing_until_he_starts_it_again() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    let payload = invited(&app, "telegram").await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    telegram_update(&app, &bot, member("kicked")).await;
    assert_eq!(chats(&app).await[0]["ended_code"], "chat_stopped");
    let error = send(&app, "customer:client-17").await.expect_error(409, "chat_not_bound");
    assert!(error["message"].as_str().unwrap().contains("chat_stopped"), "{error}");
    telegram_update(&app, &bot, member("member")).await;
    assert_eq!(chats(&app).await[0]["status"], "bound");
    // Nobody told us: the refusal does.
    bot.0.service().chats.insert(CHAT, Chat::Blocked);
    send(&app, "customer:client-17").await.expect(202);
    app.advance(2 * SECOND).await;
    assert_eq!(chats(&app).await[0]["ended_code"], "telegram_blocked");
    bot.0.service().chats.insert(CHAT, Chat::Open);
    telegram_update(&app, &bot, start(CHAT, "")).await;
    assert_eq!(chats(&app).await[0]["status"], "bound", "he came back by himself");
    // What the shop untied stays untied, whatever the chat does.
    let gone = app.delete(&format!("{CHATS}/telegram")).await.expect(200);
    assert_eq!(gone["data"][0]["ended_code"], "chat_unbound");
    telegram_update(&app, &bot, member("member")).await;
    telegram_update(&app, &bot, start(CHAT, "")).await;
    assert_eq!(chats(&app).await[0]["ended_code"], "chat_unbound");
    let payload = invited(&app, "telegram").await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    assert_eq!(chats(&app).await[0]["status"], "bound", "a new link ties it anew");
}

#[tokio::test]
async fn what_does_not_come_from_the_service_is_refused() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    let payload = invited(&app, "telegram").await;
    let secret = telegram::update::webhook_secret(&bot.0.settings());
    let (name, body) = (telegram::update::SECRET_HEADER, start(CHAT, &payload));
    for given in ["", "wrong", &secret[1..]] {
        assert_eq!(update(&app, &bot.1, (name, given), body.clone()).await, 403);
    }
    let nobody = json!({ "id": "int_0" });
    assert_eq!(update(&app, &nobody, (name, &secret), body.clone()).await, 404);
    assert!(chats(&app).await.is_empty());
    // A link that is old, and one of another bot's.
    app.advance(4 * DAY).await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    let foreign = format!("{}x", &payload[..payload.len() - 1]);
    telegram_update(&app, &bot, start(CHAT, &foreign)).await;
    assert!(chats(&app).await.is_empty());
    let sms = app.post(CHATS, json!({ "service": "sms" })).await;
    assert_eq!(sms.expect_error(422, "chat_unsupported")["param"], "service");
    app.post(CHATS, json!({ "service": "max" }))
        .await
        .expect_error(409, "integration_not_connected");
    let nameless = Host::start(TelegramStandIn::default(), app.clock.clone());
    nameless.connect(&app, json!({})).await;
    app.post(CHATS, json!({ "service": "telegram" })).await.expect_error(409, "bot_name_missing");
}

#[tokio::test]
async fn the_service_is_told_where_its_updates_go() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    let id = bot.1["id"].as_str().unwrap().to_owned();
    let done = app.post(&format!("/v1/integrations/{id}/updates"), json!({})).await.expect(200);
    assert_eq!(done["ok"], true, "{done}");
    let told = bot.0.service().webhook.clone().unwrap();
    assert_eq!(told.0, format!("{PUBLIC_URL}/updates/{id}"));
    assert_eq!(told.1, telegram::update::webhook_secret(&bot.0.settings()));
    let max = Host::start(MaxStandIn::default(), app.clock.clone());
    let linked = max.connect(&app, json!({})).await;
    let max_id = linked["id"].as_str().unwrap();
    let done = app.post(&format!("/v1/integrations/{max_id}/updates"), json!({})).await.expect(200);
    assert_eq!(done["ok"], true, "{done}");
    // MAX's own form of a start.
    let path = format!("/v1/integrations/{max_id}");
    app.patch(&path, json!({ "settings": { "bot": "shop_bot" } })).await.expect(200);
    let payload = invited(&app, "max").await;
    let secret = max::update::webhook_secret(&max.settings());
    let header = (max::update::SECRET_HEADER, secret.as_str());
    let user = json!({ "user_id": 228_532_008, "name": "Анна" });
    let body = json!({ "update_type": "bot_started", "user": user, "payload": payload });
    assert_eq!(update(&app, &linked, header, body).await, 200);
    app.advance(2 * SECOND).await;
    assert_eq!(max.arrived().len(), 1);
    assert_eq!(chats(&app).await[0]["service"], "max");
}

#[tokio::test]
async fn a_shop_that_nobody_reaches_asks_for_its_updates() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let (host, linked) = bot(&app).await;
        let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
        let payload = invited(&app, "telegram").await;
        let told = |id: i64, more: Value| {
            let mut update = json!({ "update_id": id });
            update.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            update
        };
        let chatter = json!({ "message": { "chat": { "id": CHAT, "type": "private" },
            "text": "Ж".repeat(4_000) } });
        host.service().updates =
            vec![told(70, chatter), told(71, start(CHAT, &payload)), told(73, member("kicked"))];
        app.advance(60 * SECOND).await;
        assert!(chats(&app).await.is_empty(), "off until it is set");
        app.patch(&path, json!({ "settings": { "updates": "poll" } })).await.expect(200);
        for _ in 0..5 {
            app.advance(2 * SECOND).await;
        }
        let all = chats(&app).await;
        assert_eq!((all.len(), &all[0]["ended_code"]), (1, &json!("chat_stopped")), "{all:?}");
        assert!(host.service().updates.is_empty(), "each is confirmed");
        // A registered address stands in the way; registering anew takes it away.
        host.service().webhook = Some(("https://old.example.ru".into(), "x".into()));
        host.service().updates = vec![told(74, member("member"))];
        app.advance(10 * SECOND).await;
        assert_eq!(chats(&app).await[0]["status"], "ended");
        let done = app.post(&format!("{path}/updates"), json!({})).await.expect(200);
        assert_eq!((&done["ok"], host.service().webhook.is_none()), (&json!(true), true), "{done}");
        for _ in 0..3 {
            app.advance(60 * SECOND).await;
        }
        assert_eq!(chats(&app).await[0]["status"], "bound");
        // Switched off, nobody asks any more.
        app.patch(&path, json!({ "settings": { "updates": "push" } })).await.expect(200);
        app.advance(60 * SECOND).await;
        let sql = "select 1 from jobs where kind = 'integration_poll'";
        let jobs: Result<_, DbError> = app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
        assert!(jobs.unwrap().is_none(), "nobody asks any more");
        host.service().updates = vec![told(75, member("kicked"))];
        app.advance(60 * SECOND).await;
        let all = chats(&app).await;
        assert_eq!(all[0]["status"], "bound", "{all:?}");
    })
    .await;
}

#[tokio::test]
async fn another_bots_updates_are_heard_after_its_token_is_given() {
    let app = TestApp::new().await;
    let (host, linked) = bot(&app).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    app.patch(&path, json!({ "settings": { "updates": "poll" } })).await.expect(200);
    let hello = |id: i64| {
        json!({ "update_id": id, "message": { "chat": { "id": CHAT, "type": "private" },
            "text": "привет" } })
    };
    host.service().updates = vec![hello(900_000_001)];
    app.advance(2 * SECOND).await;
    // Asked once, so that its number is remembered, and not again before the token changes.
    let remember = "update integrations set updates_marker = 900000002";
    let done: Result<u64, DbError> = app.ctx.db.write(move |tx| tx.execute(remember, &[])).await;
    assert_eq!(done.unwrap(), 1);
    let other = Host::start(TelegramStandIn::default(), app.clock.clone());
    let payload = invited(&app, "telegram").await;
    let mut started = start(CHAT, &payload);
    started["update_id"] = json!(17);
    other.service().updates = vec![started];
    let moved = json!({ "settings": { "api_url": other.url } });
    app.patch(&path, moved).await.expect(200);
    for _ in 0..3 {
        app.advance(2 * SECOND).await;
    }
    let all = chats(&app).await;
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("bound")), "{all:?}");
    // Any other change leaves the place where it was.
    let set = "update integrations set updates_marker = 55";
    let done: Result<u64, DbError> = app.ctx.db.write(move |tx| tx.execute(set, &[])).await;
    assert_eq!(done.unwrap(), 1);
    app.patch(&path, json!({ "lang": "en" })).await.expect(200);
    assert_eq!(app.rows("integrations where updates_marker = 55").await, 1);
}

#[tokio::test]
async fn max_is_asked_by_its_marker() {
    let app = TestApp::new().await;
    let max = Host::start(MaxStandIn::default(), app.clock.clone());
    let linked = max.connect(&app, json!({})).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let set = json!({ "settings": { "bot": "shop_bot", "updates": "poll" } });
    app.patch(&path, set).await.expect(200);
    let payload = invited(&app, "max").await;
    let user = json!({ "user_id": 228_532_008, "name": "Анна" });
    let began = json!({ "update_type": "bot_started", "user": user, "payload": payload });
    max.service().updates = vec![began];
    for _ in 0..3 {
        app.advance(2 * SECOND).await;
    }
    assert_eq!(chats(&app).await[0]["status"], "bound");
    assert_eq!(max.arrived().len(), 1, "a welcome");
    max.service().updates.push(json!({ "update_type": "bot_stopped", "user": user }));
    app.advance(2 * SECOND).await;
    assert_eq!(chats(&app).await[0]["ended_code"], "chat_stopped");
}

/// As a version before left its rows: keys were plain hashes.
#[tokio::test]
async fn keys_of_an_older_version_are_made_anew_and_nothing_is_forgotten() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let app = TestApp::over(db).await;
        let bot = bot(&app).await;
        let payload = invited(&app, "telegram").await;
        telegram_update(&app, &bot, start(CHAT, &payload)).await;
        send(&app, "customer:client-17").await.expect(202);
        app.advance(2 * SECOND).await;
        let id = bot.1["id"].as_str().unwrap().to_owned();
        let (shop, int) = (app.shop.id.clone(), id.clone());
        let old = hash_bytes(format!("{id}/{CHAT}").as_bytes());
        let old_out = hash_bytes(format!("{shop}/telegram/{CHAT}").as_bytes());
        let write = app.ctx.db.write(move |tx| {
            for table in ["chats", "sendings"] {
                let sql = format!("update {table} set address_key = $1");
                tx.execute(&sql, &[old.as_str().into()])?;
            }
            store::insert_ended_address(tx, &int, &old, "telegram_blocked", 1)?;
            store::insert_opt_out(tx, &shop, "telegram", &old_out, 1)?;
            tx.execute(
                "insert into jobs (id, kind, subject, due_ms) values ('j', 'integration_rekey', \
                 'all', 0)",
                &[],
            )
        });
        let done: Result<u64, DbError> = write.await;
        done.unwrap();
        let (ctx, shop) = (app.ctx.clone(), app.shop.id.clone());
        let is_out = async || {
            let keys = opt_out_keys(&ctx, &shop, "telegram", &CHAT.to_string());
            let shop = shop.clone();
            let read = ctx.db.read(move |tx| store::is_opted_out(tx, &shop, "telegram", &keys));
            let read: Result<bool, DbError> = read.await;
            read.unwrap()
        };
        assert!(is_out().await, "known before its key is made anew");
        app.advance(SECOND).await;
        assert!(is_out().await, "and after");
        for (table, rows) in
            [("chats", 1), ("sendings", 2), ("ended_addresses", 1), ("opt_outs", 1)]
        {
            let sql = format!(
                "select count(*), count(case when length(address_key) = 32 then 1 \
                end), count(distinct address_key) from {table}"
            );
            let read: Result<_, DbError> = app.ctx.db.read(move |tx| tx.find(&sql, &[])).await;
            let row = read.unwrap().unwrap();
            let counts = [0, 1, 2].map(|at| row.int(at).unwrap());
            assert_eq!(counts, [rows, rows, 1], "{table}");
        }
        // The same chat is known under its new key: Start ends what had ended it.
        telegram_update(&app, &bot, member("kicked")).await;
        assert_eq!(chats(&app).await.len(), 1);
        assert_eq!(chats(&app).await[0]["ended_code"], "chat_stopped");
        telegram_update(&app, &bot, member("member")).await;
        assert_eq!(app.rows("ended_addresses").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_forged_update_is_refused_without_waiting_for_the_database() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    // As long as this transaction lasts, nothing else can be written.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let db = app.ctx.db.clone();
    let writing = tokio::spawn(async move {
        let done: Result<(), DbError> = db
            .write(move |_| {
                let _ = held.recv();
                Ok(())
            })
            .await;
        done
    });
    let header = (telegram::update::SECRET_HEADER, "guessed");
    let asked = update(&app, &bot.1, header, json!({ "update_id": 7 }));
    let status = tokio::time::timeout(std::time::Duration::from_secs(5), asked).await;
    release.send(()).unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(status.expect("answered while another writes"), 403);
}

#[tokio::test]
async fn news_of_a_payment_reach_its_customers_chat_in_his_language() {
    let app = TestApp::new().await;
    let bot = bot(&app).await;
    let path = format!("/v1/integrations/{}", bot.1["id"].as_str().unwrap());
    let news = json!({ "payer_news": ["paid", "link", "refunded"], "lang": "en" });
    assert_eq!(app.patch(&path, news).await.expect(200)["lang"], "en");
    let payload = invited(&app, "telegram").await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    let welcome = bot.0.arrived().pop().unwrap().text;
    assert!(!welcome.contains("готово"), "{welcome}");
    let heard = async |customer: Value| {
        let before = bot.0.arrived().len();
        let payment = app.create(json!({ "customer": customer })).await;
        app.advance(2 * SECOND).await;
        app.pay(&payment);
        app.advance(61 * SECOND).await;
        app.advance(2 * SECOND).await;
        bot.0.arrived().split_off(before)
    };
    let mine = heard(json!({ "id": "client-17" })).await;
    assert_eq!(mine.len(), 2, "the link, then that it is paid: {mine:?}");
    assert!(mine[0].has_picture && mine[0].link.is_some(), "{mine:?}");
    assert!(mine[1].text.contains("paid, thank you"), "the integration's language: {mine:?}");
    let russian = heard(json!({ "id": "client-17", "lang": "ru" })).await;
    assert!(russian[1].text.contains("спасибо"), "his own language: {russian:?}");
    assert!(heard(json!({ "id": "client-18" })).await.is_empty(), "another's");
    assert!(heard(json!({ "email": "anna@example.com" })).await.is_empty());
    let bad = json!({ "amount": "5", "purpose": "x", "customer": { "id": "a", "lang": "fr" } });
    let error = app.post("/v1/payments", bad).await.expect_error(422, "param_invalid");
    assert_eq!(error["param"], "customer.lang");
}

#[tokio::test]
async fn charges_that_are_near_are_told_in_the_chat() {
    let app = TestApp::at("tbank").await;
    let bot = bot(&app).await;
    let payload = invited(&app, "telegram").await;
    telegram_update(&app, &bot, start(CHAT, &payload)).await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({ "consent": consent() })).await;
    minutes(&app, 1).await;
    let link = bot.0.arrived().pop().unwrap();
    assert_eq!(link.link.as_deref(), shown(&app, &subscription).await["pay_url"].as_str());
    pay(&app, &subscription).await;
    days(&app, 29).await;
    let notice = bot.0.arrived().pop().unwrap();
    assert!(notice.text.replace('\u{a0}', " ").contains("21.12.2026 спишется 2 450,00 ₽"));
    let withdraw = shown(&app, &subscription).await["withdraw_url"].clone();
    assert_eq!(notice.link.as_deref(), withdraw.as_str(), "by which the consent is taken back");
    assert!(!notice.text.contains("START"), "nothing but sums and links goes abroad: {notice:?}");
}
