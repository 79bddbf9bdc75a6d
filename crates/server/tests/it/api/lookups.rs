//! Small questions of programs: one refund, the words of events, a customer's payments.

use kopeck::{kit::db::DbError, shops::flow::create_key};
use serde_json::{Value, json};

use super::subscriptions::{charged, consent, days, plan, subscribe};
use crate::harness::{app::TestApp, databases::on_each};

#[tokio::test]
async fn a_refund_is_found_by_its_id_and_only_by_its_shop() {
    let app = TestApp::new().await;
    let payment = app.create_paid(json!({})).await;
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    let made = app.post(&path, json!({ "amount": "1200.50" })).await.expect(201);
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    let found = app.get(&path).await.expect(200);
    assert_eq!((&found["id"], &found["amount"]), (&made["id"], &json!("1200.50")));
    assert_eq!((&found["object"], &found["payment_id"]), (&json!("refund"), &payment["id"]));
    assert_eq!(found["payment"]["id"], payment["id"]);
    app.get("/v1/refunds/ref_0").await.expect_error(404, "refund_unknown");
    let made: Result<_, DbError> = app
        .ctx
        .db
        .write(|tx| {
            tx.execute("insert into shops (id, name, created_ms) values ('shop_x', 'X', 0)", &[])
        })
        .await;
    made.unwrap();
    let (_, key) = create_key(&app.ctx, "shop_x", "other").await.unwrap();
    let stranger = TestApp { key, ..app };
    stranger.get(&path).await.expect_error(404, "refund_unknown");
}

#[tokio::test]
async fn the_words_of_events_are_all_there() {
    let app = TestApp::new().await;
    let listed = app.get("/v1/events/types").await.expect(200);
    let words: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(words.len(), kopeck::events::EventKind::ALL.len());
    for word in ["payment.paid", "subscription.renewal_upcoming", "webhook.disabled"] {
        assert!(words.contains(&word), "{words:?}");
        app.get(&format!("/v1/events?type={word}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_customers_payments_are_those_of_his_subscriptions_and_of_what_he_saved() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        charged(&app).await;
        days(&app, 32).await;
        plan(&app, json!({ "code": "other", "name": "Другой" })).await;
        let other = json!({ "plan": "other", "customer_id": "client-18", "consent": consent() });
        subscribe(&app, other).await;
        app.create(json!({})).await;
        let count = |found: Value| found["data"].as_array().unwrap().len();
        let mine = app.get("/v1/payments?customer_id=client-17").await.expect(200);
        assert_eq!(count(mine.clone()), 2, "the first and its renewal: {mine}");
        let paid = app.get("/v1/payments?customer_id=client-17&limit=1").await.expect(200);
        let next = paid["next_cursor"].as_str().unwrap();
        let path = format!("/v1/payments?customer_id=client-17&starting_after={next}");
        assert_eq!(app.get(&path).await.expect(200)["data"][0]["id"], mine["data"][1]["id"]);
        assert_eq!(count(app.get("/v1/payments?customer_id=client-18").await.expect(200)), 1);
        assert_eq!(count(app.get("/v1/payments?customer_id=nobody").await.expect(200)), 0);
        assert_eq!(count(app.get("/v1/payments").await.expect(200)), 4);
    })
    .await;
}
