//! Sending again.

use serde_json::json;

use super::{
    deliveries::{deliveries, hook, id_of},
    receiver::Receiver,
};
use crate::harness::app::TestApp;

#[tokio::test]
async fn one_delivery_is_sent_again_with_the_same_id() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.create(json!({})).await;
    app.advance(0).await;
    let delivery = deliveries(&app, &webhook).await[0].clone();
    let path = format!("/v1/deliveries/{}/retry", id_of(&delivery));
    assert_eq!(app.post(&path, json!({})).await.expect(200)["status"], "pending");
    app.advance(0).await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].id() == seen[1].id() && seen[0].body == seen[1].body);
    assert_eq!(deliveries(&app, &webhook).await.len(), 1, "the same delivery");
    app.post("/v1/deliveries/del_no/retry", json!({}))
        .await
        .expect_error(404, "delivery_not_found");
}

#[tokio::test]
async fn a_range_reaches_a_webhook_that_was_made_later() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        app.create(json!({})).await;
        app.advance(3_600_000).await;
    }
    let receiver = Receiver::start();
    let webhook = hook(&app, &receiver, json!({"events": ["payment.created"]})).await;
    app.advance(0).await;
    assert_eq!(receiver.count(), 0, "it hears of what happens from now on");
    let path = format!("/v1/webhooks/{}/replay", id_of(&webhook));
    // 12:00, 13:00 and 14:00 UTC: created and opened each.
    let again = json!({"since": "2026-11-21T12:30:00Z", "until": "2026-11-21T13:30:00Z"});
    assert_eq!(app.post(&path, again).await.expect(200)["deliveries"], 1);
    app.advance(0).await;
    assert_eq!(receiver.seen()[0].json()["data"]["seq"], 3);
    assert_eq!(app.post(&path, json!({"from_seq": 1})).await.expect(200)["deliveries"], 3);
    app.advance(0).await;
    assert_eq!(receiver.count(), 4);
    assert_eq!(deliveries(&app, &webhook).await.len(), 3);
    let event = app.get("/v1/events?type=payment.opened").await.expect(200)["data"][0].clone();
    let one = json!({"event_id": event["id"]});
    assert_eq!(app.post(&path, one).await.expect(200)["deliveries"], 1);
    app.advance(0).await;
    assert_eq!(receiver.kinds()[4], "payment.opened", "even one it does not ask for");

    app.post(&path, json!({})).await.expect_error(422, "param_missing");
    let both = json!({"failed": true, "from_seq": 1});
    app.post(&path, both).await.expect_error(422, "param_invalid");
    app.post(&path, json!({"event_id": "ev_no"})).await.expect_error(404, "event_not_found");
    app.post(&path, json!({"since": "yesterday"})).await.expect_error(422, "param_invalid");
}
