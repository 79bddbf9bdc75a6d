//! Cash desks: one sale at a time, paid once, whatever is lost on the way.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use kopeck::{
    desks::links,
    gateway::flow::ask_now,
    kit::{clock::iso, db::DbError},
    places::{model::Place, store::find_place_by_id},
};
use kopeck_banks::{
    Money,
    emulator::FaultKind,
    op::{BankOp, DeskOp, Outcome, SbpOp},
};
use serde_json::{Value, json};

use crate::harness::{
    app::{Reply, TestApp},
    sbp::{app, fault, pay},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

pub async fn desk_of(app: &TestApp) -> Value {
    let desk = app.post("/v1/desks", json!({"name": "Касса 1"})).await.expect(201);
    assert_eq!((&desk["status"], &desk["sale"]), (&json!("active"), &Value::Null), "{desk}");
    desk
}

pub fn path(desk: &Value, action: &str) -> String {
    format!("/v1/desks/{}{action}", desk["id"].as_str().unwrap())
}

pub async fn charge(app: &TestApp, desk: &Value, amount: &str) -> Value {
    // Of one millisecond no sale is the later one.
    app.clock.advance_ms(1);
    app.post(&path(desk, "/charge"), json!({ "amount": amount, "clerk": "Анна" })).await.expect(201)
}

/// The last sale.
pub async fn sale(app: &TestApp, desk: &Value) -> Value {
    app.get(&path(desk, "")).await.expect(200)["sale"].clone()
}

pub async fn status(app: &TestApp, desk: &Value) -> String {
    sale(app, desk).await["status"].as_str().unwrap().to_owned()
}

pub async fn payments(app: &TestApp, desk: &Value) -> Vec<Value> {
    let path = format!("/v1/payments?place_id={}", desk["id"].as_str().unwrap());
    app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_sale_is_armed_and_paid_by_a_notice() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let sale = charge(&app, &desk, "1500.00").await;
    assert_eq!((&sale["status"], &sale["amount_kopecks"]), (&json!("waiting"), &json!(150_000)));
    assert!(sale["purpose"].as_str().unwrap().starts_with("Касса 1 №"), "{sale}");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    let sale = self::sale(&app, &desk).await;
    assert_eq!(sale["status"], "paid");
    let paid = payments(&app, &desk).await;
    assert_eq!(paid.len(), 1, "{paid:?}");
    assert_eq!((&paid[0]["id"], &paid[0]["status"]), (&sale["payment_id"], &json!("paid")));
    assert_eq!(paid[0]["paid_kopecks"], 150_000);
    assert_eq!(paid[0]["customer"]["name"], "Иван Иванович И.");
    assert_eq!(paid[0]["paid_at"], iso(app.ctx.now_ms()), "the notice tells no time");
    // The bank's list and later looks tell of the same one.
    app.advance(10 * MINUTE).await;
    assert_eq!(payments(&app, &desk).await.len(), 1);
    let events = app.get("/v1/events?type=payment.paid").await.expect(200);
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    // The desk is free for the next one.
    assert_eq!(charge(&app, &desk, "10").await["status"], "waiting");
}

#[tokio::test]
async fn two_clerks_cannot_arm_one_code_at_once() {
    let app = app().await;
    let desk = desk_of(&app).await;
    app.bank.delay(2, Duration::from_millis(50));
    let at = path(&desk, "/charge");
    let ask = |clerk: &'static str| app.post(&at, json!({ "amount": "1500", "clerk": clerk }));
    let (first, second) = tokio::join!(ask("Анна"), ask("Борис"));
    let (won, lost) = if first.status == 201 { (first, second) } else { (second, first) };
    let won = won.expect(201);
    let error = lost.expect_error(409, "desk_busy");
    let message = error["message"].as_str().unwrap();
    let expected =
        [won["clerk"].as_str().unwrap(), "1\u{a0}500,00", won["expires_at"].as_str().unwrap()];
    for part in expected {
        assert!(message.contains(part), "no {part} in {message}");
    }
    assert_eq!(app.bank.count("/activate"), 1);
    assert_eq!(app.rows("sales").await, 1);
}

#[tokio::test]
async fn without_a_notice_the_arming_is_asked_about() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    fault(&app, FaultKind::NoticeLost, 9, "");
    pay(&app, &desk, None);
    let at = iso(app.ctx.now_ms() / SECOND * SECOND);
    app.advance(4 * SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    let paid = payments(&app, &desk).await;
    assert_eq!(paid[0]["paid_kopecks"], 150_000);
    assert_eq!(paid[0]["paid_at"], at, "the arming's answer tells when");
}

#[tokio::test]
async fn an_arming_whose_answer_was_lost_is_found() {
    let app = app().await;
    let desk = desk_of(&app).await;
    fault(&app, FaultKind::ReplyLost, 1, "/activate");
    assert_eq!(charge(&app, &desk, "1500").await["status"], "arming");
    app.advance(4 * SECOND).await;
    assert_eq!(status(&app, &desk).await, "waiting");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    // Lost again, and paid before anybody looked, without a notice.
    fault(&app, FaultKind::ReplyLost, 1, "/activate");
    fault(&app, FaultKind::NoticeLost, 9, "");
    charge(&app, &desk, "700").await;
    pay(&app, &desk, None);
    app.advance(4 * SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    assert_eq!(app.bank.count("/activate"), 2, "an arming is sent once");
    let sums: Vec<i64> =
        payments(&app, &desk).await.iter().filter_map(|it| it["paid_kopecks"].as_i64()).collect();
    assert_eq!(sums, [70_000, 150_000]);
}

#[tokio::test]
async fn an_arming_that_never_arrived_frees_the_desk() {
    let app = app().await;
    let desk = desk_of(&app).await;
    fault(&app, FaultKind::Hang { ms: 1 }, 1, "/activate");
    assert_eq!(charge(&app, &desk, "1500").await["status"], "arming");
    for _ in 0..12 {
        app.advance(4 * SECOND).await;
    }
    let sale = self::sale(&app, &desk).await;
    assert_eq!(sale["failure"]["code"], "desk_unanswered", "{sale}");
    assert_eq!(charge(&app, &desk, "1500").await["status"], "waiting");
    assert_eq!(app.bank.count("/activate"), 2);
}

#[tokio::test]
async fn nobody_pays_and_the_desk_is_free_again() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    for _ in 0..4 {
        app.advance(MINUTE).await;
    }
    assert_eq!(status(&app, &desk).await, "waiting");
    app.advance(2 * MINUTE).await;
    assert_eq!(status(&app, &desk).await, "expired");
    assert_eq!(payments(&app, &desk).await, Vec::<Value>::new());
    charge(&app, &desk, "1500").await;
}

#[tokio::test]
async fn what_was_paid_while_we_were_down_is_paid() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    fault(&app, FaultKind::NoticeLost, 9, "");
    pay(&app, &desk, None);
    // Nothing runs for an hour.
    app.clock.advance_ms(60 * MINUTE);
    app.advance(SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    // A process that died before its request left leaves the mark and nothing at the bank.
    fault(&app, FaultKind::Hang { ms: 1 }, 1, "/activate");
    charge(&app, &desk, "20").await;
    app.clock.advance_ms(60 * MINUTE);
    for _ in 0..4 {
        app.advance(4 * SECOND).await;
    }
    assert_eq!(status(&app, &desk).await, "failed");
}

#[tokio::test]
async fn a_cancel_disarms_the_code() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    let canceled = app.post(&path(&desk, "/cancel"), json!({})).await.expect(200);
    assert_eq!(canceled["status"], "canceled");
    app.post(&path(&desk, "/cancel"), json!({})).await.expect_error(409, "desk_idle");
    // The same sum again: the notice means the second sale, since the first cannot be paid.
    charge(&app, &desk, "1500").await;
    pay(&app, &desk, None);
    app.advance(4 * SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    assert_eq!(payments(&app, &desk).await.len(), 1);
    // A cancel whose answer was lost, and one that did not arrive.
    for kind in [FaultKind::ReplyLost, FaultKind::Status { status: 503 }] {
        charge(&app, &desk, "10").await;
        fault(&app, kind, 1, "/deactivate");
        app.post(&path(&desk, "/cancel"), json!({})).await.expect(200);
        for _ in 0..4 {
            app.advance(4 * SECOND).await;
        }
        assert_eq!(status(&app, &desk).await, "canceled", "{kind:?}");
    }
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_is_a_payment() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    fault(&app, FaultKind::NoticeLost, 9, "");
    pay(&app, &desk, None);
    let ended = app.post(&path(&desk, "/cancel"), json!({})).await.expect(200);
    assert_eq!(ended["status"], "paid");
    assert_eq!(payments(&app, &desk).await.len(), 1);
}

#[tokio::test]
async fn a_code_armed_elsewhere_is_told_and_its_money_is_kept() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let op = BankOp::Sbp(SbpOp::Desk(DeskOp::Arm {
        code_id: desk["code_id"].as_str().unwrap().to_owned(),
        amount: Money::from_kopecks(9_900).unwrap(),
        purpose: None,
        ttl_minutes: 5,
    }));
    let armed = ask_now(&app.ctx, &app.connection, &op).await.unwrap();
    assert!(matches!(armed, Outcome::Done(_)), "{armed:?}");
    let refused = app.post(&path(&desk, "/charge"), json!({"amount": "1500"})).await;
    refused.expect_error(409, "desk_armed");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    let paid = payments(&app, &desk).await;
    assert_eq!((paid.len(), &paid[0]["paid_kopecks"]), (1, &json!(9_900)));
    assert_eq!(status(&app, &desk).await, "failed", "another sum is no payment of the sale");
    charge(&app, &desk, "1500").await;
}

#[tokio::test]
async fn bad_input_is_named() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let at = path(&desk, "/charge");
    let bad = [
        (json!({}), "param_missing", "amount"),
        (json!({"amount": "0"}), "amount_invalid", "amount"),
        (json!({"amount": "1", "ttl_minutes": 4}), "param_invalid", "ttl_minutes"),
        (json!({"amount": "1", "sum": 1}), "param_unknown", "sum"),
        (json!({"amount": "1000000.01"}), "sbp_amount_invalid", "amount"),
        (json!({"amount": "1", "clerk": "4111111111111111"}), "card_number_refused", "clerk"),
    ];
    for (body, code, param) in bad {
        let error = app.post(&at, body.clone()).await;
        let status = error.status;
        let error = error.expect_error(status, code);
        assert_eq!((status, &error["param"]), (422, &json!(param)), "{body}");
    }
    app.post("/v1/desks", json!({})).await.expect_error(422, "param_missing");
    app.post("/v1/desks/plc_0/charge", json!({"amount": "1"}))
        .await
        .expect_error(404, "desk_not_found");
    // A code on a wall is no desk.
    let place = app.post("/v1/places", json!({"name": "Стена"})).await.expect(201);
    app.get(&path(&place, "")).await.expect_error(404, "desk_not_found");
    let id = desk["id"].as_str().unwrap();
    app.post(&format!("/v1/places/{id}/suspend"), json!({})).await.expect(200);
    app.post(&at, json!({"amount": "1"})).await.expect_error(409, "place_suspended");
    let listed = app.get("/v1/desks").await.expect(200);
    assert_eq!(
        (listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]),
        (1, &desk["id"])
    );
    assert_eq!(app.bank.count("/activate"), 0);
}

pub async fn page(app: &TestApp, method: Method, path: &str, body: &str) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let kind = "application/x-www-form-urlencoded";
    let request = request.header("content-type", kind).header("accept-language", "ru");
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

pub async fn place_of(app: &TestApp, desk: &Value) -> Place {
    let id = desk["id"].as_str().unwrap().to_owned();
    let found: Result<_, DbError> = app.ctx.db.read(move |tx| find_place_by_id(tx, &id)).await;
    found.unwrap().expect("a desk")
}

#[tokio::test]
async fn a_clerk_charges_by_a_link_until_it_is_revoked() {
    let app = app().await;
    let desk = desk_of(&app).await;
    let place = place_of(&app, &desk).await;
    let (link, token) = links::make(&app.ctx, &place, "Анна <b>").await.unwrap();
    let at = format!("/desk/{token}");
    let shown = page(&app, Method::GET, &at, "").await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, "no-store"));
    let text = shown.text();
    assert!(text.contains("Касса свободна") && text.contains("Анна &#60;b&#62;"), "{text}");
    // What cannot be read is told, with what was typed.
    let wrong =
        page(&app, Method::POST, &format!("{at}/charge"), "amount=12x&purpose=%D0%A7").await;
    assert_eq!(wrong.status, 422);
    let text = wrong.text();
    assert!(text.contains("Сумма не читается") && text.contains("value=\"12x\""), "{text}");
    // As people type sums.
    let sent =
        page(&app, Method::POST, &format!("{at}/charge"), "amount=1+500%2C50&purpose=").await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    assert!(sent.header("location").starts_with(&at));
    let text = page(&app, Method::GET, &at, "").await.text();
    assert!(text.contains("Ждёт оплаты") && text.contains("1\u{a0}500,50"), "{text}");
    let state = page(&app, Method::GET, &format!("{at}/state"), "").await.expect(200);
    assert_eq!(state["status"], "waiting");
    let code = page(&app, Method::GET, &format!("{at}/code.svg"), "").await;
    assert_eq!((code.status, code.header("content-type")), (200, "image/svg+xml"));
    let busy = page(&app, Method::POST, &format!("{at}/charge"), "amount=1").await;
    assert_eq!(busy.status, 409);
    assert!(busy.text().contains("Касса занята"), "{}", busy.text());
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    let text = page(&app, Method::GET, &at, "").await.text();
    assert!(text.contains("Оплачено") && text.contains("Иван Иванович И. ***4567"), "{text}");
    let newer = page(&app, Method::GET, &format!("{at}/state"), "").await.expect(200);
    assert_ne!(newer["version"], state["version"]);
    // Armed and canceled; then the link ends.
    page(&app, Method::POST, &format!("{at}/charge"), "amount=5").await;
    assert_eq!(page(&app, Method::POST, &format!("{at}/cancel"), "").await.status, 303);
    assert_eq!(status(&app, &desk).await, "canceled");
    assert!(links::revoke(&app.ctx, &place.id, &link.id).await.unwrap());
    for (method, path) in [
        (Method::GET, at.clone()),
        (Method::GET, format!("{at}/state")),
        (Method::GET, format!("{at}/code.svg")),
        (Method::POST, format!("{at}/charge")),
        (Method::POST, format!("{at}/cancel")),
        (Method::GET, "/desk/plc_1".to_owned()),
    ] {
        assert_eq!(page(&app, method, &path, "amount=1").await.status, 404, "{path}");
    }
    assert_eq!(app.bank.count("/activate"), 2);
}
