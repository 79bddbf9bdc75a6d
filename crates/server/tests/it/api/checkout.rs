//! The payer's page in each state.

use axum::{body::Body, http::Request};
use kopeck_banks::emulator::Control;
use serde_json::{Value, json};

use crate::harness::app::{Reply, TestApp};

async fn page(app: &TestApp, payment: &Value, tail: &str, lang: &str) -> Reply {
    let path = format!("/pay/{}{tail}", payment["id"].as_str().unwrap());
    let request = Request::get(path).header("accept-language", lang);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_page_of_an_open_payment_leads_to_the_bank() {
    let app = TestApp::new().await;
    let payment = app.create(json!({"order_id": "<4711>"})).await;
    let shown = page(&app, &payment, "", "").await;
    assert_eq!(shown.status, 200);
    let html = shown.text();
    assert!(html.contains("5\u{a0}000,00\u{a0}₽"), "{html}");
    assert!(html.contains("lang=\"ru\"") && html.contains("Оплатить"));
    assert!(html.contains("Булочная «Колобок»"));
    for raw in ["<b>", "<4711>"] {
        assert!(!html.contains(raw), "{raw} is escaped: {html}");
    }
    assert!(html.contains("/go\""), "{html}");
    let policy = shown.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("cache-control"), "no-store");

    let gone = page(&app, &payment, "/go", "").await;
    assert_eq!(gone.status, 303);
    assert_eq!(gone.header("location"), payment["bank_url"].as_str().unwrap());
    assert_eq!(gone.header("cache-control"), "no-store");
    let state = page(&app, &payment, "/state", "").await.expect(200);
    assert_eq!(state["status"], "open");
    assert!(html.contains(&format!("data-version=\"{}\"", state["version"].as_str().unwrap())));
}

#[tokio::test]
async fn english_for_those_who_ask() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    for (tail, accepted, word) in [
        ("", "en-GB,en;q=0.9", "Waiting for payment"),
        ("", "fr,en;q=0.5,ru;q=0.4", "Waiting for payment"),
        ("", "ru-RU,ru;q=0.9,en;q=0.8", "Ждёт оплаты"),
        ("", "fr", "Ждёт оплаты"),
        ("?lang=en&utm_source=x", "ru", "Waiting for payment"),
        ("?lang=ru", "en", "Ждёт оплаты"),
    ] {
        let html = page(&app, &payment, tail, accepted).await.text();
        assert!(html.contains(word), "{tail} {accepted}");
    }
}

#[tokio::test]
async fn every_state_is_said_in_plain_words() {
    let app = TestApp::new().await;
    let id = |payment: &Value| payment["bank_payment_id"].as_str().unwrap().to_owned();
    let back = json!({"success_url": "https://shop.example.ru/ok?a=1&b=2"});

    let paid = app.create_paid(back.clone()).await;
    let html = page(&app, &paid, "", "").await.text();
    assert!(html.contains("Оплачено") && html.contains("https://shop.example.ru/ok?a=1&#38;b=2"));
    assert!(!html.contains("/go\""));
    let gone = page(&app, &paid, "/go", "").await;
    assert_eq!(gone.header("location"), format!("/pay/{}", paid["id"].as_str().unwrap()));

    let path = format!("/v1/payments/{}/refunds", paid["id"].as_str().unwrap());
    app.post(&path, json!({"amount": 10})).await.expect(201);
    assert!(page(&app, &paid, "", "").await.text().contains("Часть денег возвращена"));
    app.post(&path, json!({})).await.expect(201);
    assert!(page(&app, &paid, "", "").await.text().contains("Деньги возвращены"));

    let held = app.create(json!({"capture": "manual"})).await;
    app.pay(&held);
    let ended = app.create(json!({})).await;
    app.bank.control(&Control::Expire { id: id(&ended) });
    app.advance(61_000).await;
    assert!(page(&app, &held, "", "").await.text().contains("Деньги зарезервированы"));
    assert!(page(&app, &ended, "", "").await.text().contains("Срок оплаты истёк"));

    app.set_credentials(|credentials| credentials.set("access_token", "wrong-token")).await;
    let failed = app.post("/v1/payments", json!({"amount": 1, "purpose": "x"})).await;
    let failed = json!({"id": failed.json()["error"]["payment_id"]});
    assert!(page(&app, &failed, "", "").await.text().contains("Оплата не прошла"));

    let absent = page(&app, &json!({"id": "pay_x"}), "", "en").await;
    assert_eq!(absent.status, 404);
    assert!(absent.text().contains("There is no such payment"));
}

#[tokio::test]
async fn the_page_works_before_the_bank_has_answered() {
    let app = TestApp::impatient().await;
    app.bank.delay(1, std::time::Duration::from_millis(400));
    let payment = app.create(json!({})).await;
    let html = page(&app, &payment, "", "").await.text();
    assert!(html.contains("Готовим оплату") && html.contains("checkout.js"));
    assert!(html.contains("http-equiv=\"refresh\""));
    let before = page(&app, &payment, "/state", "").await.expect(200)["version"].clone();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_ne!(page(&app, &payment, "/state", "").await.expect(200)["version"], before);
    for asset in ["page.css", "checkout.js"] {
        assert_eq!(app.get(&format!("/assets/{asset}")).await.status, 200);
    }
    app.get("/assets/../Cargo.toml").await.expect_error(404, "route_not_found");
}
