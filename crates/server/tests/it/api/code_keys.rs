//! Idempotency-Keys of requests that make codes and charge at desks: a request that is repeated
//! after a lost answer is one code, and one sale.

use std::time::Duration;

use axum::http::Method;
use kopeck::{desks::links, kit::db::DbError};
use kopeck_banks::emulator::FaultKind;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::desks::{desk_of, page, path, payments, place_of, sale, status};
use crate::harness::{
    app::TestApp,
    databases::on_each,
    sbp::{app, fault, pay, register, subscribe},
};

const SECOND: i64 = 1_000;

fn bodies() -> [(&'static str, Value, Value); 3] {
    let invoice = json!({"amount": "1200", "vat": "216.39", "purpose": "Счёт 7"});
    [
        ("/v1/places", json!({"name": "Касса"}), json!({"name": "Стена"})),
        ("/v1/invoices", invoice, json!({"amount": "1201", "purpose": "Счёт 7"})),
        ("/v1/desks", json!({"name": "Касса 1"}), json!({"name": "Касса 2"})),
    ]
}

/// The answers that were given are forgotten, as if the process had died before it gave them.
async fn forget_answers(app: &TestApp) {
    let sql = "update idempotency set status = null, reply = null";
    let done: Result<u64, DbError> = app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    assert!(done.unwrap() > 0);
}

#[tokio::test]
async fn a_code_is_made_once_for_a_key() {
    let app = app().await;
    for (path, body, other) in bodies() {
        let made = app.rows("places").await;
        let first = app.post_with_key(path, path, body.clone()).await;
        assert_eq!((first.status, &first.json()["status"]), (201, &json!("active")), "{path}");
        let again = app.post_with_key(path, path, body.clone()).await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes), "{path}");
        let reply = app.post_with_key(path, path, other).await;
        reply.expect_error(422, "idempotency_key_reused");
        assert_eq!(app.rows("places").await, made + 1, "{path}");
        // Without a key it is another code.
        let more = app.post(path, body).await.expect(201);
        assert_ne!(more["id"], first.json()["id"], "{path}");
    }
}

#[tokio::test]
async fn twins_make_one_code_on_both_databases() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        register(&app).await;
        let app = std::sync::Arc::new(app);
        app.bank.delay(1, Duration::from_millis(200));
        let mut all = JoinSet::new();
        for _ in 0..6 {
            let app = app.clone();
            let body = json!({"name": "Касса"});
            all.spawn(async move { app.post_with_key("/v1/places", "k", body).await });
        }
        let replies = all.join_all().await;
        for reply in &replies {
            assert_eq!((reply.status, &reply.bytes), (201, &replies[0].bytes));
        }
        assert_eq!(app.rows("places").await, 1);
        assert_eq!(app.bank.count("/qr-code/merchant"), 1);
    })
    .await;
}

#[tokio::test]
async fn the_answer_of_a_process_that_died_is_composed_anew() {
    let app = TestApp::impatient().await;
    register(&app).await;
    subscribe(&app).await;
    for (path, body, _) in bodies() {
        let first = app.post_with_key(path, path, body.clone()).await.expect(201);
        forget_answers(&app).await;
        let again = app.post_with_key(path, path, body.clone()).await.expect(201);
        assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("active")), "{path}");
    }
    let desk = desk_of(&app).await;
    app.clock.advance_ms(1);
    let (at, body) = (path(&desk, "/charge"), json!({"amount": "1500"}));
    let first = app.post_with_key(&at, "sale", body.clone()).await.expect(201);
    forget_answers(&app).await;
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    // What is said now is how it stands now.
    let again = app.post_with_key(&at, "sale", body).await.expect(201);
    assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("paid")));
    assert_eq!(app.rows("sales").await, 1);
}

#[tokio::test]
async fn a_refusal_is_remembered_and_leaves_no_place() {
    // No company in SBP.
    let app = TestApp::new().await;
    for (path, body, _) in bodies() {
        let first = app.post_with_key(path, path, body.clone()).await;
        assert_eq!(first.status, 409, "{}", first.text());
        let again = app.post_with_key(path, path, body.clone()).await;
        assert_eq!((again.status, &again.bytes), (409, &first.bytes), "{path}");
    }
    assert_eq!(app.rows("places").await, 0);
}

#[tokio::test]
async fn a_charge_repeated_is_one_sale() {
    let app = app().await;
    let desk = desk_of(&app).await;
    app.clock.advance_ms(1);
    let (at, body) = (path(&desk, "/charge"), json!({"amount": "1500", "clerk": "Анна"}));
    let first = app.post_with_key(&at, "order-1", body.clone()).await;
    assert_eq!((first.status, &first.json()["status"]), (201, &json!("waiting")));
    // Neither busy nor another one, while it waits and when it is over.
    let again = app.post_with_key(&at, "order-1", body.clone()).await;
    assert_eq!((again.status, &again.bytes), (201, &first.bytes));
    let other = app.post_with_key(&at, "order-2", body.clone()).await;
    other.expect_error(409, "desk_busy");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    let late = app.post_with_key(&at, "order-1", body.clone()).await;
    assert_eq!((late.status, &late.bytes), (201, &first.bytes));
    assert_eq!(status(&app, &desk).await, "paid");
    assert_eq!((app.rows("sales").await, app.bank.count("/activate")), (1, 1));
    // What was refused as busy may come again with its key.
    let mended = app.post_with_key(&at, "order-2", body).await.expect(201);
    assert_eq!(mended["status"], "waiting");
    let sum = json!({"amount": "1501", "clerk": "Анна"});
    app.post_with_key(&at, "order-2", sum).await.expect_error(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_charge_that_did_not_reach_the_bank_may_come_again_with_its_key() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let (at, body) = (path(&desk, "/charge"), json!({"amount": "1500"}));
    fault(&app, FaultKind::Status { status: 503 }, 1, "/activate");
    let first = app.post_with_key(&at, "k", body.clone()).await;
    app.clock.advance_ms(1);
    if first.status == 201 {
        // A 503 says nothing of what became of the request: it is looked for.
        assert_eq!(first.json()["status"], "arming");
        let again = app.post_with_key(&at, "k", body).await;
        assert_eq!(again.bytes, first.bytes);
        assert_eq!(app.rows("sales").await, 1);
        return;
    }
    first.expect_error(503, "bank_unavailable");
    let again = app.post_with_key(&at, "k", body).await.expect(201);
    assert_eq!(again["status"], "waiting");
}

/// The hidden number of the form that the page shows.
fn form_of(html: &str) -> String {
    let rest = html.split("name=\"form\" value=\"").nth(1).unwrap_or_else(|| panic!("{html}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_clerks_form_sent_twice_is_one_sale() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let place = place_of(&app, &desk).await;
    let (_, token) = links::make(&app.ctx, &place, "Анна").await.unwrap();
    let at = format!("/desk/{token}");
    let form = form_of(&page(&app, Method::GET, &at, "").await.text());
    assert_ne!(form, form_of(&page(&app, Method::GET, &at, "").await.text()));
    let send = async |sum: &str| {
        let body = format!("form={form}&amount={sum}&purpose=");
        page(&app, Method::POST, &format!("{at}/charge"), &body).await
    };
    app.clock.advance_ms(1);
    assert_eq!(send("1500").await.status, 303);
    assert_eq!(send("1500").await.status, 303, "the same sale is shown");
    let busy = send("20").await;
    assert!(busy.status == 409 && busy.text().contains("Касса занята"), "{}", busy.text());
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    // Sent once more when it is over: not taken for a new payer's silently.
    let over = send("1500").await;
    assert_eq!(over.status, 409);
    let text = over.text();
    assert!(text.contains("уже принималась") && text.contains("value=\"1500\""), "{text}");
    assert!(text.contains("Оплачено"), "how it ended: {text}");
    assert_ne!(form_of(&text), form, "the next one is new");
    assert_eq!(payments(&app, &desk).await.len(), 1);
    // Another sum from the same page is another sale.
    app.clock.advance_ms(1);
    assert_eq!(send("20").await.status, 303);
    assert_eq!(sale(&app, &desk).await["amount"], "20.00");
    assert_eq!((app.rows("sales").await, app.bank.count("/activate")), (2, 2));
}
