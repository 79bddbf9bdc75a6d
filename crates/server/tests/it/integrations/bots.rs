//! The flat door of bots of any builder, and keys that open nothing else.

use axum::{
    body::Body,
    http::{Method, Request},
};
use kopeck::shops::{flow::create_key_of, model::Scope};
use kopeck_integrations::salebot::SalebotStandIn;
use serde_json::{Value, json};

use super::host::Host;
use crate::harness::app::{Reply, TestApp};

const SECOND: i64 = 1_000;

fn keys(flat: &Value) -> Vec<String> {
    flat.as_object().unwrap().keys().cloned().collect()
}

/// With a bare key, as bot builders send it.
async fn with_key(app: &TestApp, key: &str, (method, path): (Method, &str), body: Value) -> Reply {
    let request = Request::builder().method(method).uri(path).header("x-api-key", key);
    let request = request.header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_bot_of_any_builder_makes_a_link_and_asks_how_it_stands() {
    let app = TestApp::new().await;
    let wish = json!({ "client_id": "tg:5f3a-Ж", "amount": "1 200,50", "description": "Курс",
        "customer_email": "anna@example.ru" });
    let made = app.post("/compat/bot/link", wish.clone()).await.expect(200);
    assert_eq!((&made["ok"], &made["amount"]), (&json!(true), &json!("1200.50")), "{made}");
    let again = app.post("/compat/bot/link", wish).await.expect(200);
    assert_eq!(again["payment_id"], made["payment_id"], "a block that runs twice");
    let payment = app.payment(&made["payment_id"]).await;
    assert_eq!(payment["customer"]["id"], "tg:5f3a-Ж", "{payment}");
    let ask = json!({ "payment_id": made["payment_id"] });
    let open = app.post("/compat/bot/status", ask.clone()).await.expect(200);
    assert_eq!((&open["status"], &open["payment_url"]), (&json!("open"), &made["payment_url"]));
    app.pay(&payment);
    app.advance(61 * SECOND).await;
    let paid = app.post("/compat/bot/status", ask).await.expect(200);
    assert_eq!((&paid["ok"], &paid["status"]), (&json!(true), &json!("paid")), "{paid}");
    for (path, body, code) in [
        ("/compat/bot/link", json!({ "amount": 5 }), "salebot_client_missing"),
        ("/compat/bot/link", json!({ "client_id": "a", "amount": "#{sum}" }), "salebot_amount"),
        (
            "/compat/bot/link",
            json!({ "client_id": "x".repeat(101), "amount": 5 }),
            "salebot_client_missing",
        ),
        ("/compat/bot/status", json!({}), "salebot_payment_missing"),
        ("/compat/bot/status", json!({ "payment_id": "pay_0" }), "payment_not_found"),
    ] {
        let flat = app.post(path, body.clone()).await.expect(200);
        assert_eq!((&flat["ok"], &flat["error_code"]), (&json!(false), &json!(code)), "{body}");
        assert!(!flat["error_text"].as_str().unwrap().is_empty(), "{flat}");
        assert_eq!(keys(&flat), keys(&made));
    }
    let form = app.post_text("/compat/bot/link", "client_id=a%3Ab&amount=35").await.expect(200);
    assert_eq!((&form["ok"], keys(&form)), (&json!(true), keys(&paid)));
}

#[tokio::test]
async fn a_bots_key_opens_the_flat_doors_and_nothing_else() {
    let app = TestApp::new().await;
    let made = create_key_of(&app.ctx, &app.shop.id, "bot", Scope::Bot).await.unwrap();
    let key = made.1.as_str();
    let wish = json!({ "client_id": "a", "amount": 5 });
    let link = with_key(&app, key, (Method::POST, "/compat/bot/link"), wish.clone()).await;
    let link = link.expect(200);
    assert_eq!(link["ok"], true, "{link}");
    let me = with_key(&app, key, (Method::GET, "/v1/me"), json!({})).await.expect(200);
    assert_eq!(me["key"]["scope"], "bot");
    let payment = format!("/v1/payments/{}", link["payment_id"].as_str().unwrap());
    for (method, path) in [
        (Method::GET, payment.as_str()),
        (Method::POST, "/v1/payments"),
        (Method::GET, "/v1/integrations"),
        (Method::POST, "/compat/tochka-subscription/charge"),
    ] {
        let shut = with_key(&app, key, (method, path), json!({})).await;
        assert!([403, 404].contains(&shut.status), "{path}: {}", shut.status);
        assert_ne!(shut.json()["error"]["code"], "param_missing", "{path}");
    }
    let shut = with_key(&app, key, (Method::POST, "/v1/payments"), wish.clone()).await;
    shut.expect_error(403, "api_key_scope");
    // The bare header takes any key; a wrong one is wrong there too.
    let all = app.key.clone();
    let open = with_key(&app, &all, (Method::GET, "/v1/integrations"), json!({})).await;
    open.expect(200);
    let wrong = with_key(&app, "kpk_nobody", (Method::POST, "/compat/bot/link"), wish).await;
    wrong.expect_error(401, "api_key_invalid");
}

#[tokio::test]
async fn the_older_variables_save_the_card_where_the_shop_says_so() {
    let app = TestApp::at("tbank").await;
    let host = Host::start(SalebotStandIn::default(), app.clock.clone());
    let linked = host.connect(&app, json!({})).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let ask = async |client: i64, more: Value| {
        let mut wish = json!({ "client_id": client, "payment_sum": 499 });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let flat = app.post("/compat/salebot/link", wish).await.expect(200);
        assert_eq!(flat["ok"], true, "{flat}");
        app.advance(SECOND).await;
        app.pay(&app.payment(&flat["payment_id"]).await);
        for _ in 0..20 {
            app.advance(10 * SECOND).await;
        }
        let cards = app.get(&format!("/v1/customers/{client}/cards")).await.expect(200);
        cards["data"].as_array().unwrap().len()
    };
    let text = json!({ "settings": { "consent_version": "offer-7" } });
    app.patch(&path, text).await.expect(200);
    assert_eq!(ask(5, json!({})).await, 0, "off until it is set");
    app.patch(&path, json!({ "settings": { "recurrent": "1" } })).await.expect(200);
    assert_eq!(ask(6, json!({})).await, 1);
    assert_eq!(ask(7, json!({ "tinkoff_manual_recurrent_disable": "1" })).await, 0);
}

#[tokio::test]
async fn a_bot_of_any_builder_saves_a_card_and_charges_it_once() {
    let app = TestApp::at("tbank").await;
    let made = create_key_of(&app.ctx, &app.shop.id, "bot", Scope::Bot).await.unwrap();
    let key = made.1.as_str();
    let ask = async |path: &str, body: Value| {
        with_key(&app, key, (Method::POST, path), body).await.expect(200)
    };
    let mut wish = json!({ "client_id": "tg:5f3a", "amount": "499", "save": "1" });
    let none = ask("/compat/bot/link", wish.clone()).await;
    assert_eq!(none["error_code"], "bot_consent_missing", "{none}");
    let charge = |more: Value| {
        let mut body = json!({ "client_id": "tg:5f3a", "amount": "499", "description": "Декабрь" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask("/compat/bot/charge", body)
    };
    let early = charge(json!({})).await;
    assert_eq!(early["error_code"], "saved_means_gone", "{early}");
    wish["consent_version"] = json!("offer-7");
    wish["consent_max"] = json!("1000");
    let link = ask("/compat/bot/link", wish).await;
    assert_eq!(link["ok"], true, "{link}");
    app.advance(SECOND).await;
    app.pay(&app.payment(&link["payment_id"]).await);
    for _ in 0..20 {
        app.advance(10 * SECOND).await;
    }
    let cards = app.get("/v1/customers/tg:5f3a/cards").await.expect(200);
    let consent = &cards["data"][0]["consent"];
    assert_eq!(
        (&consent["text_version"], &consent["channel"], &consent["max_amount"]),
        (&json!("offer-7"), &json!("bot"), &json!("1000.00")),
        "{cards}"
    );
    let first = charge(json!({})).await;
    assert_eq!((&first["ok"], keys(&first)), (&json!(true), keys(&link)), "{first}");
    app.advance(2 * SECOND).await;
    assert_eq!(charge(json!({})).await["payment_id"], first["payment_id"], "it ran twice");
    for _ in 0..20 {
        app.advance(10 * SECOND).await;
    }
    assert_eq!(app.payment(&first["payment_id"]).await["status"], "paid");
    let named = charge(json!({ "external_id": "dec", "saved_id": cards["data"][0]["id"] })).await;
    assert_eq!(named["ok"], true, "{named}");
    app.advance(3_600 * SECOND).await;
    let again = charge(json!({ "external_id": "dec" })).await;
    assert_eq!(again["payment_id"], named["payment_id"], "an order is charged once for ever");
    let later = charge(json!({})).await;
    assert_ne!(later["payment_id"], first["payment_id"], "the next month's");
    let dear = charge(json!({ "amount": "1001" })).await;
    assert_eq!(dear["ok"], false, "more than was agreed to: {dear}");
    let foreign = charge(json!({ "client_id": "tg:other", "saved_id": cards["data"][0]["id"] }));
    assert_eq!(foreign.await["error_code"], "saved_means_gone");
    let path = format!("/v1/customers/tg:5f3a/cards/{}", cards["data"][0]["id"].as_str().unwrap());
    app.delete(&path).await;
    assert_eq!(charge(json!({ "external_id": "jan" })).await["error_code"], "saved_means_gone");
}
