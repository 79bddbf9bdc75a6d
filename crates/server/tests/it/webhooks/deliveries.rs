//! What a receiver gets, and how it is signed.

use serde_json::{Value, json};

use super::receiver::{Behave, Receiver};
use crate::harness::app::TestApp;

/// A webhook that wants these events, with its secret.
pub async fn hook(app: &TestApp, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({ "url": receiver.url() });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/v1/webhooks", body).await.expect(201)
}

pub fn id_of(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// Deliveries of one webhook, newest first.
pub async fn deliveries(app: &TestApp, webhook: &Value) -> Vec<Value> {
    let path = format!("/v1/deliveries?limit=100&webhook_id={}", id_of(webhook));
    app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_paid_payment_is_told_once_signed_and_in_full() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.paid"]})).await;
    let payment = app.create_paid(json!({"order_id": "A-17"})).await;
    app.advance(3_600_000).await;

    let seen = receiver.seen();
    assert_eq!(seen.len(), 1, "{:?}", receiver.kinds());
    assert!(seen[0].head.starts_with("POST /hook?from=kopeck HTTP/1.1"), "{}", seen[0].head);
    assert_eq!(seen[0].header("content-type"), "application/json");
    assert!(seen[0].is_signed_with(webhook["secret"].as_str().unwrap()));
    let said = seen[0].json();
    assert_eq!(said["type"], "payment.paid");
    assert_eq!(said["data"]["id"], seen[0].header("webhook-id"));
    assert_eq!(said["data"]["payment_id"], payment["id"]);
    assert_eq!(said["data"]["payment"]["order_id"], "A-17");
    assert_eq!(said["data"]["payment"]["paid_kopecks"], 500_000);
    let events = app.get("/v1/events?type=payment.paid").await.expect(200);
    assert_eq!(said["data"], events["data"][0]);

    let list = deliveries(&app, &webhook).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["status"], "delivered");
    let path = format!("/v1/deliveries/{}", id_of(&list[0]));
    let one = app.get(&path).await.expect(200);
    assert_eq!(one["history"][0]["status"], 200);
    let reply = one["history"][0]["reply"].as_str().unwrap();
    assert!(reply.starts_with("thanks") && !reply.contains("345"), "masked: {reply}");

    let path = format!("/v1/payments/{}/timeline", id_of(&payment));
    let story = app.get(&path).await.expect(200);
    let told = story["data"].as_array().unwrap().iter().find(|it| it["kind"] == "webhook");
    let text = told.expect("in the timeline")["text"].as_str().unwrap();
    assert!(text.contains("127.0.0.1") && text.contains("answered 200"), "{text}");
    assert!(!text.contains("/hook"), "a path may hold a secret: {text}");
}

#[tokio::test]
async fn a_thin_webhook_gets_ids_only_and_its_header_and_nobody_reads_the_header_back() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let header = json!({"name": "X-Api-Key", "value": "hush-hush"});
    let webhook = hook(&app, &receiver, json!({"payload": "thin", "header": header})).await;
    app.create_paid(json!({})).await;
    let seen = receiver.seen();
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["payment.created", "payment.opened", "payment.paid"]);
    for hook in &seen {
        assert!(hook.is_signed_with(webhook["secret"].as_str().unwrap()));
        assert_eq!(hook.header("x-api-key"), "hush-hush");
        assert!(hook.json()["data"]["payment"].is_null());
        assert!(hook.json()["data"]["payment_id"].is_string());
    }
    let shown = app.get(&format!("/v1/webhooks/{}", id_of(&webhook))).await;
    assert_eq!(shown.json()["header_name"], "X-Api-Key");
    assert!(!shown.text().contains("hush-hush") && !shown.text().contains("whsec_"));
    assert!(!webhook.to_string().contains("hush-hush"));
}

#[tokio::test]
async fn what_was_processed_but_not_answered_comes_again_with_the_same_id() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    receiver.then([Behave::Cut, Behave::Hang, Behave::status(500), Behave::status(204)]);
    let webhook = hook(&app, &receiver, json!({"events": ["payment.paid"]})).await;
    app.create_paid(json!({})).await;
    for minutes in [1, 1, 5, 60] {
        app.advance(minutes * 60_000).await;
    }
    let seen = receiver.seen();
    assert_eq!(seen.len(), 4, "until a 2xx, and not once more");
    assert!(seen.iter().all(|hook| hook.id() == seen[0].id() && hook.body == seen[0].body));
    let secret = webhook["secret"].as_str().unwrap();
    assert!(seen.iter().all(|hook| hook.is_signed_with(secret)));
    let times: Vec<i64> =
        seen.iter().map(|hook| hook.header("webhook-timestamp").parse().unwrap()).collect();
    assert!(times.is_sorted() && times[0] < times[3], "the time is the attempt's: {times:?}");
    let list = deliveries(&app, &webhook).await;
    assert_eq!((&list[0]["status"], &list[0]["attempts"]), (&json!("delivered"), &json!(4)));
    let one = app.get(&format!("/v1/deliveries/{}", id_of(&list[0]))).await.expect(200);
    let history = one["history"].as_array().unwrap();
    let answers: Vec<&Value> = history.iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(answers, [&json!(null), &json!(null), &json!(500), &json!(204)]);
    assert!(history[1]["error"].as_str().unwrap().contains("no answer in time"));
}

#[tokio::test]
async fn during_a_rotation_both_secrets_verify() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    let path = format!("/v1/webhooks/{}/rotate", id_of(&webhook));
    let rotated = app.post(&path, json!({"overlap_hours": 2})).await.expect(200);
    let (old, new) = (webhook["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    assert!(old != new && rotated["old_secret_until"].is_string());
    app.create(json!({})).await;
    app.advance(0).await;
    app.advance(3 * 3_600_000).await;
    app.create(json!({})).await;
    app.advance(0).await;
    let seen = receiver.seen();
    assert!(seen[0].is_signed_with(old) && seen[0].is_signed_with(new));
    assert!(!seen[1].is_signed_with(old) && seen[1].is_signed_with(new));
    let shown = app.get(&format!("/v1/webhooks/{}", id_of(&webhook))).await.expect(200);
    assert!(shown["old_secret_until"].is_null());
    app.post(&path, json!({"overlap_hours": 169})).await.expect_error(422, "param_invalid");
}

#[tokio::test]
async fn of_an_ordered_webhook_only_the_same_payment_waits() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let ordered = json!({"ordered": true, "events": ["payment.created", "payment.opened"]});
    hook(&app, &receiver, ordered).await;
    receiver.then([Behave::status(500)]);
    let first = app.create(json!({})).await;
    app.advance(0).await;
    let second = app.create(json!({})).await;
    app.advance(0).await;
    app.advance(60_000).await;
    let seen = receiver.seen();
    let told: Vec<(String, bool)> = seen
        .iter()
        .map(|hook| {
            let said = hook.json();
            (said["type"].as_str().unwrap().to_owned(), said["data"]["payment_id"] == first["id"])
        })
        .collect();
    let of = |is_first| {
        let mine = told.iter().filter(move |(_, mine)| *mine == is_first);
        mine.map(|(kind, _)| kind.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(true), ["payment.created", "payment.created", "payment.opened"]);
    assert_eq!(of(false), ["payment.created", "payment.opened"]);
    let second_at = told.iter().position(|(_, mine)| !mine).unwrap();
    assert!(second_at == 1, "the other payment did not wait: {told:?} {second}");
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_leaves_no_delivery() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({})).await;
    let path = format!("/v1/webhooks/{}/test", id_of(&webhook));
    let good = app.post(&path, json!({})).await.expect(200);
    assert_eq!((&good["ok"], &good["status"]), (&json!(true), &json!(200)));
    receiver.then([Behave::status(401)]);
    assert_eq!(app.post(&path, json!({})).await.expect(200)["ok"], false);
    let seen = receiver.seen();
    assert!(seen[0].is_signed_with(webhook["secret"].as_str().unwrap()));
    assert_eq!(seen[0].json()["type"], "webhook.test");
    let port = receiver.stop();
    let silent = app.post(&path, json!({})).await.expect(200);
    assert!(silent["status"].is_null() && silent["error"].is_string(), "{silent} at {port}");
    assert!(deliveries(&app, &webhook).await.is_empty());
}
