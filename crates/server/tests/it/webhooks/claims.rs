//! Claims: handed out once, to one.

use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

fn ask(payment: &Value, claimer: &str) -> Value {
    json!({"payment_id": payment["id"], "purpose": "access", "claimer": claimer})
}

#[tokio::test]
async fn of_many_claimers_one_is_told_yes_and_again_yes() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        let payment = app.create_paid(json!({})).await;
        let claim = |bot: &'static str| app.post("/v1/claims", ask(&payment, bot));
        let (one, two, three, four) =
            tokio::join!(claim("bot-1"), claim("bot-2"), claim("bot-3"), claim("bot-4"));
        let replies = [one, two, three, four];
        let granted: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(granted.len(), 1);
        let holder = granted[0].json()["claimer"].as_str().unwrap().to_owned();
        app.clock.advance_ms(60_000);
        let again = app.post("/v1/claims", ask(&payment, &holder)).await;
        assert_eq!((again.status, again.text()), (200, granted[0].text()), "the same bytes");
        let other = if holder == "bot-1" { "bot-2" } else { "bot-1" };
        let error = app.post("/v1/claims", ask(&payment, other)).await;
        let error = error.expect_error(409, "already_claimed");
        assert!(error["message"].as_str().unwrap().contains(&holder), "{error}");
        let goods = json!({"payment_id": payment["id"], "purpose": "goods"});
        let by_key = app.post("/v1/claims", goods).await.expect(200);
        assert!(by_key["claimer"].as_str().unwrap().starts_with("key_"), "{by_key}");
        assert_eq!(app.rows("claims").await, 2);
    })
    .await;
}

#[tokio::test]
async fn only_money_that_is_here_entitles() {
    let app = TestApp::new().await;
    let open = app.create(json!({})).await;
    let error =
        app.post("/v1/claims", ask(&open, "bot")).await.expect_error(409, "payment_not_paid");
    assert!(error["message"].as_str().unwrap().contains("`open`"), "{error}");

    let back = app.create_paid(json!({})).await;
    let path = format!("/v1/payments/{}/refunds", back["id"].as_str().unwrap());
    app.post(&path, json!({})).await.expect(201);
    app.advance(120_000).await;
    app.post("/v1/claims", ask(&back, "bot")).await.expect_error(409, "payment_not_paid");

    // What was granted before the money went back stays granted, and is still nobody else's.
    let kept = app.create_paid(json!({})).await;
    app.post("/v1/claims", ask(&kept, "bot")).await.expect(200);
    let path = format!("/v1/payments/{}/refunds", kept["id"].as_str().unwrap());
    app.post(&path, json!({})).await.expect(201);
    app.advance(120_000).await;
    app.post("/v1/claims", ask(&kept, "bot")).await.expect(200);
    app.post("/v1/claims", ask(&kept, "other")).await.expect_error(409, "already_claimed");

    let part = app.create_paid(json!({})).await;
    let path = format!("/v1/payments/{}/refunds", part["id"].as_str().unwrap());
    app.post(&path, json!({"amount": "100.00"})).await.expect(201);
    app.advance(120_000).await;
    app.post("/v1/claims", ask(&part, "bot")).await.expect(200);
    let error = app.post("/v1/claims", json!({"payment_id": "pay_no", "purpose": "x"})).await;
    error.expect_error(404, "payment_not_found");
    for (body, param) in [
        (json!({"purpose": "x"}), "payment_id"),
        (json!({"payment_id": part["id"]}), "purpose"),
        (json!({"payment_id": part["id"], "purpose": " "}), "purpose"),
        (json!({"payment_id": part["id"], "purpose": "x", "claimer": ""}), "claimer"),
    ] {
        let reply = app.post("/v1/claims", body).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.json()["error"]["param"], param);
    }
}
