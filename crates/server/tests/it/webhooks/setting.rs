//! Webhooks made, changed and removed; and whose they are.

use kopeck::{kit::db::DbError, shops::flow::create_key};
use serde_json::json;

use super::{
    deliveries::{deliveries, hook, id_of},
    receiver::Receiver,
};
use crate::harness::{app::TestApp, databases::on_each};

#[tokio::test]
async fn a_webhook_lives_on_every_database() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        let receiver = Receiver::start();
        let webhook = hook(&app, &receiver, json!({"ordered": true, "description": "CRM"})).await;
        app.create_paid(json!({})).await;
        assert_eq!(receiver.kinds(), ["payment.created", "payment.opened", "payment.paid"]);
        let path = format!("/v1/webhooks/{}", id_of(&webhook));
        let changes = json!({"events": ["refund.*"], "description": "", "payload": "thin"});
        let changed = app.patch(&path, changes).await.expect(200);
        assert_eq!(changed["events"], json!(["refund.*"]));
        assert!(changed["description"].is_null() && changed["ordered"] == true);
        app.create(json!({})).await;
        app.advance(0).await;
        assert_eq!(receiver.count(), 3);
        let list = app.get("/v1/webhooks").await.expect(200);
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
        assert_eq!(app.delete(&path).await.expect(200)["removed"], true);
        app.get(&path).await.expect_error(404, "webhook_not_found");
        let kept = deliveries(&app, &webhook).await;
        assert_eq!(kept.len(), 3, "what was sent stays known");
        let retry = format!("/v1/deliveries/{}/retry", id_of(&kept[0]));
        app.post(&retry, json!({})).await.expect_error(409, "webhook_removed");
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_removed_webhook_is_dropped() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({})).await;
    let port = receiver.stop();
    app.create(json!({})).await;
    app.advance(0).await;
    app.delete(&format!("/v1/webhooks/{}", id_of(&webhook))).await.expect(200);
    let receiver = Receiver::at(port);
    app.advance(86_400_000).await;
    assert_eq!(receiver.count(), 0);
    let list = deliveries(&app, &webhook).await;
    assert!(list.iter().all(|delivery| delivery["status"] == "dropped"), "{list:?}");
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let app = TestApp::new().await;
    let url = "https://shop.example.ru/kopeck";
    for (body, code, param) in [
        (json!({}), "param_missing", "url"),
        (json!({"url": 7}), "param_invalid", "url"),
        (json!({"url": "shop.example.ru"}), "webhook_url_invalid", "url"),
        (json!({"url": url, "events": []}), "param_invalid", "events"),
        (json!({"url": url, "events": ["payment.payed"]}), "param_invalid", "events"),
        (json!({"url": url, "events": "payment.paid"}), "param_invalid", "events"),
        (json!({"url": url, "payload": "huge"}), "param_invalid", "payload"),
        (json!({"url": url, "ordered": "yes"}), "param_invalid", "ordered"),
        (
            json!({"url": url, "header": {"name": "a b", "value": "c"}}),
            "webhook_header_invalid",
            "header",
        ),
        (
            json!({"url": url, "header": {"name": "Host", "value": "c"}}),
            "webhook_header_invalid",
            "header",
        ),
        (
            json!({"url": url, "header": {"name": "X-A", "value": "b\r\nc"}}),
            "webhook_header_invalid",
            "header",
        ),
        (json!({"url": url, "header": "X-A: b"}), "webhook_header_invalid", "header"),
        (
            json!({"url": url, "description": "4111 1111 1111 1111"}),
            "card_number_refused",
            "description",
        ),
        (json!({"url": url, "secret": "x"}), "param_unknown", "secret"),
    ] {
        let error = app.post("/v1/webhooks", body.clone()).await.expect_error(422, code);
        assert_eq!(error["param"], param, "{body}");
    }
    app.get("/v1/deliveries?status=lost").await.expect_error(422, "param_invalid");
}

#[tokio::test]
async fn another_shop_sees_none_of_it_and_the_database_holds_no_secret() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let header = json!({"name": "X-Api-Key", "value": "hush-hush"});
    let webhook = hook(&app, &receiver, json!({"header": header})).await;
    app.create(json!({})).await;
    app.advance(0).await;
    let delivery = deliveries(&app, &webhook).await[0].clone();
    let made: Result<(), DbError> = app
        .ctx
        .db
        .write(|tx| {
            tx.execute("insert into shops (id, name, created_ms) values ('shop_x', 'X', 0)", &[])?;
            Ok(())
        })
        .await;
    made.unwrap();
    let (_, key) = create_key(&app.ctx, "shop_x", "other").await.unwrap();
    let other = TestApp { key, ..app };
    let path = format!("/v1/webhooks/{}", id_of(&webhook));
    other.get(&path).await.expect_error(404, "webhook_not_found");
    other.patch(&path, json!({"enabled": false})).await.expect_error(404, "webhook_not_found");
    other.delete(&path).await.expect_error(404, "webhook_not_found");
    let replay = format!("{path}/replay");
    other.post(&replay, json!({"failed": true})).await.expect_error(404, "webhook_not_found");
    let rotate = format!("{path}/rotate");
    other.post(&rotate, json!({})).await.expect_error(404, "webhook_not_found");
    let path = format!("/v1/deliveries/{}", id_of(&delivery));
    other.get(&path).await.expect_error(404, "delivery_not_found");
    other.post(&format!("{path}/retry"), json!({})).await.expect_error(404, "delivery_not_found");
    assert_eq!(other.get("/v1/deliveries").await.expect(200)["data"], json!([]));
    assert_eq!(other.get("/v1/webhooks").await.expect(200)["data"], json!([]));

    let row: Result<_, DbError> =
        other.ctx.db.read(|tx| tx.find("select sealed from webhooks", &[])).await;
    let sealed = row.unwrap().unwrap().bytes(0).unwrap();
    let sealed = String::from_utf8_lossy(&sealed).into_owned();
    assert!(!sealed.contains("hush") && !sealed.contains("whsec_"), "{sealed}");
}

#[tokio::test]
async fn a_webhook_asked_for_twice_is_one_and_its_secret_is_stored_nowhere() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        let receiver = Receiver::start();
        let wish = json!({ "url": receiver.url(), "events": ["payment.paid"] });
        let made = app.post_with_key("/v1/webhooks", "hook-1", wish.clone()).await.expect(201);
        let again = app.post_with_key("/v1/webhooks", "hook-1", wish.clone()).await.expect(201);
        assert_eq!((&again["id"], &again["secret"]), (&made["id"], &made["secret"]));
        assert_eq!(app.get("/v1/webhooks").await.expect(200)["data"].as_array().unwrap().len(), 1);
        let other = json!({ "url": receiver.url() });
        let reused = app.post_with_key("/v1/webhooks", "hook-1", other).await;
        assert_eq!(reused.json()["error"]["code"], "idempotency_key_reused");
        let rows: Result<_, DbError> =
            app.ctx.db.read(|tx| tx.query("select subject, reply from idempotency", &[])).await;
        for row in rows.unwrap() {
            assert!(row.opt_bytes(1).unwrap().is_none(), "no answer with a secret is stored");
        }
        // Without a key each request is a webhook of its own.
        app.post("/v1/webhooks", wish.clone()).await.expect(201);
        app.post("/v1/webhooks", wish).await.expect(201);
        assert_eq!(app.get("/v1/webhooks").await.expect(200)["data"].as_array().unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn secrets_are_told_apart_without_being_shown() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let wish = json!({ "url": receiver.url() });
    let made = app.post("/v1/webhooks", wish.clone()).await.expect(201);
    let other = app.post("/v1/webhooks", wish).await.expect(201);
    assert_ne!(made["secret_fingerprint"], other["secret_fingerprint"]);
    let text = made["secret_text"].as_str().unwrap();
    let hash = kopeck::kit::secret::hash_bytes(text.as_bytes());
    assert_eq!(made["secret_fingerprint"], format!("sha256:{}", &hash[..12]));
    let path = format!("/v1/webhooks/{}", id_of(&made));
    assert_eq!(app.get(&path).await.expect(200)["secret_fingerprint"], made["secret_fingerprint"]);
    let rotated = app.post(&format!("{path}/rotate"), json!({})).await.expect(200);
    assert_ne!(rotated["secret_fingerprint"], made["secret_fingerprint"]);
    let list = app.get("/v1/webhooks").await.expect(200).to_string();
    assert!(!list.contains(text), "{list}");
}
