//! Receivers that fail, and what that costs them and others.

use std::sync::Arc;

use kopeck::{
    app,
    kit::{
        jobs::LEASE_MS,
        net::{AddressPolicy, BoxFuture, NetSettings, NetWire, UrlProblem, Wire},
    },
    runner::{Nudge, claim_due, run_and_finish},
    webhooks::{
        flow::{self, NewWebhook},
        model::{Kinds, Payload},
        request,
    },
};
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::HttpRequest,
};
use serde_json::{Value, json};

use super::{
    deliveries::{deliveries, hook, id_of},
    receiver::{Behave, Receiver},
};
use crate::harness::app::TestApp;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_until_somebody_enables_it() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    receiver.then([Behave::status(410)]);
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    app.advance(0).await;
    let path = format!("/v1/webhooks/{}", id_of(&webhook));
    let shown = app.get(&path).await.expect(200);
    assert_eq!((&shown["status"], &shown["disabled_reason"]), (&json!("disabled"), &json!("gone")));
    let told = app.get("/v1/events?type=webhook.disabled").await.expect(200)["data"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told[0]["webhook_id"], webhook["id"]);
    assert_eq!(told[0]["webhook"]["disabled_reason"], "gone");
    assert_eq!((&told[0]["payment_id"], &told[0]["payment"]), (&Value::Null, &Value::Null));
    assert!(!told.to_string().contains("whsec_"), "{told}");
    let open = async || app.get("/v1/todos").await.expect(200)["data"].clone();
    let todo = open().await[0].clone();
    assert_eq!(
        (&todo["kind"], &todo["webhook_id"]),
        (&json!("webhook_disabled"), &webhook["id"]),
        "{todo}"
    );
    assert!(todo["why"]["message"].as_str().unwrap().contains("answered 410"), "{todo}");
    app.create(json!({})).await;
    app.advance(DAY).await;
    assert_eq!(receiver.count(), 1);
    let retry = format!("/v1/deliveries/{}/retry", id_of(&deliveries(&app, &webhook).await[0]));
    app.post(&retry, json!({})).await.expect_error(409, "webhook_disabled");

    let patched = app.patch(&path, json!({"enabled": true})).await.expect(200);
    assert_eq!(patched["status"], "enabled");
    assert_eq!(open().await, json!([]), "somebody has looked after it");
    app.advance(0).await;
    assert_eq!(receiver.count(), 3, "the one that was refused, and the one of the meantime");
    let list = deliveries(&app, &webhook).await;
    assert!(list.iter().all(|delivery| delivery["status"] == "delivered"), "{list:?}");

    app.patch(&path, json!({"enabled": false})).await.expect(200);
    app.create(json!({})).await;
    app.advance(MINUTE).await;
    app.patch(&path, json!({"enabled": true, "skip_missed": true})).await.expect(200);
    app.advance(MINUTE).await;
    assert_eq!(receiver.count(), 3, "what was missed is skipped when that is asked for");
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    receiver.then([Behave::Answer(429, "retry-after: 1800\r\n".into())]);
    hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    app.advance(0).await;
    app.create(json!({})).await;
    app.advance(29 * MINUTE).await;
    assert_eq!(receiver.count(), 1, "neither the same event nor another");
    app.advance(2 * MINUTE).await;
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_nobody_follows_it() {
    let app = TestApp::new().await;
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    receiver.then([Behave::Answer(307, format!("location: {}\r\n", elsewhere.url()))]);
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    app.advance(0).await;
    let list = deliveries(&app, &webhook).await;
    assert_eq!((&list[0]["status"], &list[0]["last_status"]), (&json!("pending"), &json!(307)));
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_receiver_that_is_away_for_a_day_gets_everything_soon_after_it_is_back() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    let port = receiver.stop();
    for _ in 0..12 {
        app.create(json!({})).await;
        for _ in 0..24 {
            app.advance(5 * MINUTE).await;
        }
    }
    let receiver = Receiver::at(port);
    for _ in 0..4 {
        app.advance(5 * MINUTE).await;
    }
    let mut ids: Vec<String> = receiver.seen().iter().map(|hook| hook.id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 12, "within minutes, whatever the waits had grown to");
    assert_eq!(receiver.count(), 12, "each once: nothing was taken twice");
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_for_a_week_is_disabled_and_told_of() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    let port = receiver.stop();
    app.create(json!({})).await;
    for _ in 0..8 * 12 {
        app.advance(2 * 60 * MINUTE).await;
    }
    let path = format!("/v1/webhooks/{}", id_of(&webhook));
    let shown = app.get(&path).await.expect(200);
    assert_eq!(shown["disabled_reason"], "failing", "{shown}");
    let attempts = deliveries(&app, &webhook).await[0]["attempts"].as_i64().unwrap();
    assert!((50..120).contains(&attempts), "{attempts} attempts in a week");

    let receiver = Receiver::at(port);
    app.advance(DAY).await;
    assert_eq!(receiver.count(), 0);
    app.patch(&path, json!({"enabled": true})).await.expect(200);
    let replay = format!("{path}/replay");
    app.post(&replay, json!({"failed": true})).await.expect(200);
    app.advance(0).await;
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn one_event_that_is_always_refused_stops_no_other() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    receiver.then([Behave::status(400)]);
    app.advance(0).await;
    let poison = receiver.seen()[0].id();
    receiver.refuse(&poison);
    for count in 1..=20 {
        app.create(json!({})).await;
        app.advance(0).await;
        let others = receiver.seen().into_iter().filter(|hook| hook.id() != poison).count();
        assert_eq!(others, count, "none waits for the one that is refused");
        app.advance(6 * 60 * MINUTE).await;
    }
    let list = deliveries(&app, &webhook).await;
    let mine = list.iter().find(|delivery| delivery["event_id"] == poison.as_str()).unwrap();
    assert!(mine["status"] == "pending" && mine["attempts"].as_i64().unwrap() > 10, "{mine}");
    let shown = app.get(&format!("/v1/webhooks/{}", id_of(&webhook))).await.expect(200);
    assert_eq!(shown["disabled_reason"], json!(null));
}

#[tokio::test]
async fn a_process_that_dies_while_it_sends_leaves_nothing_unsent() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    receiver.then([Behave::Hang]);
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    for job in claim_due(&app.ctx, 16).await.unwrap() {
        let dying = run_and_finish(&app.ctx, job);
        // Dropped while the receiver hangs: what a kill does.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(300), dying).await;
    }
    assert_eq!(receiver.count(), 1);
    assert_eq!(deliveries(&app, &webhook).await[0]["attempts"], 0);
    app.advance(LEASE_MS + 1).await;
    assert_eq!(receiver.count(), 2);
    assert_eq!(deliveries(&app, &webhook).await[0]["status"], "delivered");
}

fn guarded() -> NetWire {
    let settings = NetSettings {
        policy: AddressPolicy::PublicOnly,
        extra_ca_file: None,
        connect_timeout_ms: 500,
        timeout_ms: 500,
    };
    NetWire::courier(&settings).unwrap()
}

#[test]
fn addresses_inside_are_refused_by_name() {
    let wire = guarded();
    for url in [
        "http://127.0.0.1/hook",
        "http://127.1/hook",
        "http://2130706433/hook",
        "http://0x7f000001/hook",
        "http://[::1]:8080/",
        "http://[::ffff:10.0.0.1]/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest/meta-data/",
        "http://localhost:3000/hook",
        "http://api.localhost/hook",
    ] {
        let error = request::url(&wire, url).unwrap_err();
        assert_eq!((error.code.as_str(), error.status), ("webhook_url_private", 422), "{url}");
        assert!(error.hint.contains("kopeck listen"), "{}", error.hint);
    }
    for url in
        ["ftp://shop.ru/", "shop.ru/hook", "https://", "https://a:b@shop.ru/", "https://a b/"]
    {
        assert_eq!(request::url(&wire, url).unwrap_err().code, "webhook_url_invalid", "{url}");
    }
    for url in ["https://shop.example.ru/kopeck", "http://shop.ru:8080/a?b=c", "https://8.8.8.8/"] {
        assert_eq!(request::url(&wire, url).unwrap(), url);
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_caught_when_it_is_called() {
    let mut app = TestApp::new().await;
    app.ctx.courier = Arc::new(guarded());
    let receiver = Receiver::start();
    // As if the name had led to a public address when the webhook was made.
    let new = NewWebhook {
        url: format!("http://localhost:{}/hook", receiver.port),
        description: None,
        kinds: Kinds::all(),
        payload: Payload::Full,
        is_ordered: false,
        header: None,
    };
    let (webhook, _) = flow::create(&app.ctx, &app.shop.id, new, None).await.unwrap();
    app.create(json!({})).await;
    app.advance(0).await;
    assert_eq!(receiver.count(), 0);
    let list = deliveries(&app, &json!({ "id": webhook.id })).await;
    let why = list[0]["last_error"].as_str().unwrap();
    assert!(why.contains("private address"), "{why}");
    assert!(app.ctx.courier.refuse("http://192.168.0.1/").is_some());
}

/// A network in which one name leads inside.
struct Inside;

impl Wire for Inside {
    fn send(&self, _request: HttpRequest) -> BoxFuture<Heard> {
        Box::pin(async { Err(Silence::NotSent("no network".to_owned())) })
    }

    fn look_up(&self, url: &str) -> BoxFuture<Option<UrlProblem>> {
        let is_inside = url.contains("inside.example.ru");
        let problem = is_inside.then(|| UrlProblem::Private("`inside` is private".to_owned()));
        Box::pin(async move { problem })
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_a_webhook_is_made() {
    let wire = guarded();
    let problem = wire.look_up("http://localhost:8080/hook").await;
    assert!(matches!(problem, Some(UrlProblem::Private(_))), "{problem:?}");
    assert_eq!(wire.look_up("https://nobody.invalid/hook").await, None, "it may be made later");
    assert_eq!(wire.look_up("https://8.8.8.8/hook").await, None);
    let mut app = TestApp::new().await;
    app.ctx.courier = Arc::new(Inside);
    let router = app::router(app.ctx.clone(), Nudge::default(), app.refused.clone(), app.limits);
    let app = TestApp { router, ..app };
    let inside = json!({ "url": "https://inside.example.ru/hook" });
    let error = app.post("/v1/webhooks", inside.clone()).await;
    let error = error.expect_error(422, "webhook_url_private");
    assert_eq!(error["param"], "url");
    let good = json!({ "url": "https://shop.example.ru/hook" });
    let made = app.post("/v1/webhooks", good).await.expect(201);
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    app.patch(&path, inside).await.expect_error(422, "webhook_url_private");
}

#[tokio::test]
async fn attempts_are_forgotten_after_a_season() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    for _ in 0..3 {
        app.create(json!({})).await;
        app.advance(0).await;
    }
    let attempts = async || app.rows("delivery_attempts").await;
    assert_eq!(attempts().await, 3);
    app.advance(91 * DAY).await;
    app.create(json!({})).await;
    app.advance(0).await;
    assert_eq!(attempts().await, 1, "the old ones are gone");
    assert_eq!(deliveries(&app, &webhook).await.len(), 4, "what was delivered is still known");
}
