//! Cards that Tochka keeps as subscriptions: one operation at the bank, a payment for each approval of
//! it, and nothing that is charged twice.

use kopeck::{
    kit::db::DbError,
    payments::{flow::charge, store::find_payment_by_id},
};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
};
use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const CARDS: &str = "/v1/customers/client-17/cards";

fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}

fn order(more: Value) -> Value {
    let mut body = json!({
        "amount": "499.00", "purpose": "Подписка, ноябрь", "save_card": true,
        "customer": {"id": "client-17"},
        "consent": {"text_version": "offer-1", "channel": "web", "max_amount": "1000.00"},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn taken_from(payment: &Value, amount: &str) -> Value {
    json!({"amount": amount, "purpose": "Подписка, декабрь", "card_id": payment["card_id"]})
}

async fn minutes(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(MINUTE).await;
    }
}

async fn events(app: &TestApp, kind: &str) -> usize {
    let listed = app.get(&format!("/v1/events?type={kind}")).await.expect(200);
    listed["data"].as_array().expect("a list").len()
}

fn operation(payment: &Value) -> String {
    payment["bank_payment_id"].as_str().expect("open").to_owned()
}

/// The payment that opened the operation, paid.
async fn saved_with(app: &TestApp, more: Value) -> Value {
    let payment = app.post("/v1/payments", order(more)).await.expect(201);
    app.pay(&settled(app, &payment).await);
    minutes(app, 2).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "paid", "{payment}");
    assert!(payment["card_id"].is_string(), "{payment}");
    payment
}

async fn saved(app: &TestApp) -> Value {
    saved_with(app, json!({})).await
}

/// What happens when the kept card is charged next.
fn fate(app: &TestApp, opening: &Value, state: &str) {
    let control = Control::Token { token: operation(opening), state: state.to_owned() };
    app.bank.control(&control);
}

/// So long the bank shows nothing of a charge that it took.
fn slow(app: &TestApp, ms: i64) {
    app.bank.edit(|memory| memory["timing"]["charge_ms"] = json!(ms));
}

/// The payment once it is open or over: a database may be slower than a caller likes to wait.
async fn settled(app: &TestApp, payment: &Value) -> Value {
    for _ in 0..200 {
        let now = app.payment(&payment["id"]).await;
        if now["bank_payment_id"].is_string() {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        app.advance(1_000).await;
    }
    panic!("nothing became of {payment}");
}

/// What the bank's list shows of older payments.
async fn sweep(app: &TestApp) {
    let since_ms = app.ctx.now_ms() - 24 * HOUR;
    kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
}

async fn card(app: &TestApp, opening: &Value) -> Value {
    let path = format!("{CARDS}/{}", opening["card_id"].as_str().unwrap());
    app.get(&path).await.expect(200)
}

async fn take_back(app: &TestApp, opening: &Value) -> Value {
    let path = format!("{CARDS}/{}", opening["card_id"].as_str().unwrap());
    app.delete(&path).await.expect(200)
}

/// On each database: the whole life of a kept card.
#[tokio::test]
async fn the_first_payment_keeps_the_card_and_each_charge_takes_its_own_approval() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let opening = saved(&app).await;
        assert_eq!(opening["expires_at"], "2026-11-28T12:00:00Z", "the bank's own week");
        assert_eq!(app.bank.count("/acquiring/v1.0/subscriptions"), 1);
        let own = card(&app, &opening).await;
        assert_eq!(
            (&own["status"], &own["masked"]),
            (&json!("active"), &json!("220000******0004"))
        );
        assert_eq!(app.get(CARDS).await.expect(200)["data"][0]["id"], own["id"]);
        for amount in ["250.50", "999.99", "10.00"] {
            let next = app.post("/v1/payments", taken_from(&opening, amount)).await.expect(201);
            let next = settled(&app, &next).await;
            assert_eq!(
                (&next["status"], &next["amount"]),
                (&json!("paid"), &json!(amount)),
                "{next}"
            );
            assert_eq!(next["card_id"], opening["card_id"]);
            let (id, whole) = (operation(&next), operation(&opening));
            assert!(id.starts_with(&format!("{whole}/")), "{id}");
        }
        minutes(&app, 20).await;
        let opening = app.payment(&opening["id"]).await;
        assert_eq!(
            (&opening["status"], &opening["paid_kopecks"]),
            (&json!("paid"), &json!(49_900)),
            "what was charged later is none of it: {opening}"
        );
        assert_eq!(app.bank.count("/charge"), 3);
        assert_eq!((events(&app, "payment.paid").await, events(&app, "card.saved").await), (4, 1));
        let refused = app.post("/v1/payments", taken_from(&opening, "1000.01")).await;
        refused.expect_error(409, "consent_exceeded");
    })
    .await;
}

/// The bank's notices speak of the operation with the charge's own sum.
#[tokio::test]
async fn a_notice_of_a_larger_charge_changes_nothing_of_the_first_payment() {
    let app = TestApp::with_notices().await;
    let opening = saved(&app).await;
    slow(&app, 2 * HOUR);
    let next = app.post("/v1/payments", taken_from(&opening, "999.99")).await.expect(201);
    assert_eq!(next["status"], "open", "{next}");
    app.advance(2 * HOUR).await;
    minutes(&app, 2).await;
    assert_eq!(app.payment(&next["id"]).await["status"], "paid");
    let opening = app.payment(&opening["id"]).await;
    assert_eq!((&opening["status"], &opening["paid_kopecks"]), (&json!("paid"), &json!(49_900)));
    assert_eq!(events(&app, "payment.amount_mismatch").await, 0);
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_settled_by_asking_and_sent_once() {
    for slow_ms in [0, 10 * MINUTE] {
        let app = TestApp::at("tochka").await;
        let opening = saved(&app).await;
        slow(&app, slow_ms);
        fault(&app, FaultKind::ReplyLost, 1, "/charge");
        let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
        let next = app.payment(&next["id"]).await;
        assert_ne!(next["status"], "failed");
        minutes(&app, 15).await;
        let next = app.payment(&next["id"]).await;
        assert_eq!((&next["status"], &next["paid_kopecks"]), (&json!("paid"), &json!(49_900)));
        assert_eq!((app.bank.count("/charge"), events(&app, "payment.paid").await), (1, 2));
    }
}

/// Nothing was done, and nobody says so: the bank is asked on and on, another charge of the card
/// waits, and a person who looked in the cabinet settles it.
#[tokio::test]
async fn silence_is_no_failure_and_no_second_charge_leaves_meanwhile() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    fault(&app, FaultKind::Hang { ms: 30_000 }, 1, "/charge");
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    minutes(&app, 30).await;
    let other = app.post("/v1/payments", taken_from(&opening, "300.00")).await.expect(201);
    minutes(&app, 30).await;
    assert_eq!(app.payment(&next["id"]).await["status"], "open");
    assert_eq!(app.payment(&other["id"]).await["status"], "open", "one at a time");
    assert_eq!(app.bank.count("/charge"), 1);
    let settle = format!("/v1/payments/{}/settle", next["id"].as_str().unwrap());
    let no = || json!({"charged": false});
    app.post(&settle, no()).await.expect_error(409, "charge_not_settleable");
    assert_eq!(todos(&app).await, Vec::<String>::new());
    for _ in 0..23 {
        app.advance(HOUR).await;
    }
    minutes(&app, 10).await;
    assert_eq!(app.payment(&next["id"]).await["status"], "open", "silence is no failure");
    for _ in 0..72 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.payment(&next["id"]).await["status"], "open");
    assert_eq!(app.bank.count("/charge"), 1);
    assert_eq!(events(&app, "charge.unanswered").await, 1, "told once");
    assert_eq!(todos(&app).await, ["charge_unanswered"]);
    for wrong in [json!({}), json!({"charged": true}), json!({"charged": "no"})] {
        assert_eq!(app.post(&settle, wrong).await.status, 422);
    }
    app.post(&settle, no()).await.expect(200);
    let next = app.post(&settle, no()).await.expect(200);
    assert_eq!((&next["status"], &next["paid_kopecks"]), (&json!("failed"), &json!(0)), "{next}");
    assert_eq!(next["failure"]["code"], "charge_unanswered");
    assert_eq!(todos(&app).await, Vec::<String>::new(), "settled by what was said");
    // What waited for it had a day to be sent in, and that is over.
    assert_eq!(app.payment(&other["id"]).await["failure"]["code"], "bank_unavailable");
    let third = app.post("/v1/payments", taken_from(&opening, "300.00")).await.expect(201);
    assert_eq!(third["status"], "paid");
    app.post(&format!("/v1/payments/{}/settle", third["id"].as_str().unwrap()), no())
        .await
        .expect_error(409, "charge_not_settleable");
}

/// The kinds of what needs a person.
async fn todos(app: &TestApp) -> Vec<String> {
    let listed = app.get("/v1/todos").await.expect(200);
    let all = listed["data"].as_array().expect("a list").iter();
    all.map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_approval_that_comes_after_all_time_is_its_charges_and_no_others() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    slow(&app, 30 * HOUR);
    fault(&app, FaultKind::ReplyLost, 1, "/charge");
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    for _ in 0..26 {
        app.advance(HOUR).await;
    }
    // The cabinet does not show it yet, and somebody says that nothing was taken.
    let settle = format!("/v1/payments/{}/settle", next["id"].as_str().unwrap());
    app.post(&settle, json!({"charged": false})).await.expect(200);
    for _ in 0..5 {
        app.advance(HOUR).await;
    }
    slow(&app, 0);
    // The next charge reads what is there before it is sent.
    let other = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    minutes(&app, 2).await;
    let (next, other) = (app.payment(&next["id"]).await, app.payment(&other["id"]).await);
    assert_eq!((&next["status"], &other["status"]), (&json!("paid"), &json!("paid")));
    assert_ne!(next["bank_payment_id"], other["bank_payment_id"]);
    assert_eq!(app.bank.count("/charge"), 2);
}

/// The bank said that it took the money: that is never a failure, however late it shows it.
#[tokio::test]
async fn what_the_bank_says_it_took_is_awaited_as_long_as_it_takes() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    slow(&app, 50 * HOUR);
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    for _ in 0..49 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.payment(&next["id"]).await["status"], "open");
    for _ in 0..3 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.payment(&next["id"]).await["status"], "paid");
    assert_eq!((app.bank.count("/charge"), events(&app, "payment.failed").await), (1, 0));
}

#[tokio::test]
async fn a_crash_between_the_mark_and_the_request_sends_nothing_twice() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    fault(&app, FaultKind::Status { status: 429 }, 1, "/charge");
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    let id = next["id"].as_str().unwrap().to_owned();
    let found: Result<_, DbError> = app.ctx.db.read(move |tx| find_payment_by_id(tx, &id)).await;
    let found = found.unwrap().unwrap();
    let marked = charge::mark(&app.ctx, &found, vec!["1".to_owned()]).await.unwrap();
    assert!(matches!(marked, charge::Asked::Send { .. }));
    // Whoever marks it again has nothing to send.
    let again = charge::mark(&app.ctx, &found, Vec::new()).await.unwrap();
    assert!(matches!(again, charge::Asked::Nothing(_)));
    for _ in 0..26 {
        app.advance(HOUR).await;
    }
    let next = app.payment(&next["id"]).await;
    assert_eq!((&next["status"], &next["failure"]), (&json!("open"), &Value::Null));
    assert_eq!(todos(&app).await, ["charge_unanswered"]);
    assert_eq!(app.bank.count("/charge"), 1, "only the one that the bank was too busy for");
}

#[tokio::test]
async fn a_decline_is_an_end_with_a_reason_and_is_not_repeated() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    fate(&app, &opening, "insufficient_funds");
    let refused = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(409);
    let failed = app.payment(&refused["error"]["payment_id"]).await;
    assert_eq!(
        (&failed["status"], &failed["failure"]["code"]),
        (&json!("failed"), &json!("declined_unknown"))
    );
    for _ in 0..26 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.bank.count("/charge"), 1);
    fate(&app, &opening, "valid");
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    assert_eq!(next["status"], "paid");
    assert_eq!(app.payment(&failed["id"]).await["status"], "failed", "it takes no other's money");
}

#[tokio::test]
async fn refunds_are_made_in_the_cabinet_told_beforehand_and_seen_there() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    let next = app.post("/v1/payments", taken_from(&opening, "250.00")).await.expect(201);
    for payment in [&opening, &next] {
        let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
        let error = app.post(&path, json!({})).await.expect_error(422, "refund_unsupported");
        assert!(error["hint"].as_str().unwrap().contains("internet bank"), "{error}");
    }
    let part = Control::Refund {
        id: operation(&opening),
        amount: Some(Money::from_kopecks(25_000).unwrap()),
    };
    app.bank.control(&part);
    sweep(&app).await;
    let (first, second) = (app.payment(&opening["id"]).await, app.payment(&next["id"]).await);
    assert_eq!((&first["status"], &second["status"]), (&json!("paid"), &json!("refunded")));
    assert_eq!(second["refunds"][0]["origin"], "bank");
    app.bank.control(&Control::Refund { id: operation(&opening), amount: None });
    sweep(&app).await;
    assert_eq!(app.payment(&opening["id"]).await["status"], "refunded");
    assert_eq!(events(&app, "payment.refunded").await, 2);
}

#[tokio::test]
async fn taken_back_nothing_leaves_and_what_was_on_its_way_is_told_to_a_person() {
    let app = TestApp::at("tochka").await;
    let opening = saved(&app).await;
    slow(&app, HOUR);
    let next = app.post("/v1/payments", taken_from(&opening, "499.00")).await.expect(201);
    take_back(&app, &opening).await;
    app.advance(HOUR).await;
    minutes(&app, 31).await;
    let next = app.payment(&next["id"]).await;
    assert_eq!(next["status"], "paid", "{next}");
    let refund = &next["refunds"][0];
    assert_eq!(
        (&refund["status"], &refund["failure"]["code"]),
        (&json!("failed"), &json!("refund_unsupported")),
        "{next}"
    );
    assert_eq!(
        (events(&app, "charge.unwanted").await, events(&app, "refund.failed").await),
        (1, 1)
    );
    let refused = app.post("/v1/payments", taken_from(&opening, "499.00")).await;
    refused.expect_error(409, "card_not_active");
    assert_eq!(app.bank.count("/charge"), 1);
}

#[tokio::test]
async fn a_charge_without_a_receipt_of_its_own_is_a_receipt_to_make_by_hand() {
    let app = TestApp::at("tochka").await;
    let receipt = json!({
        "email": "a@example.ru",
        "items": [{"name": "Подписка", "price": "499.00", "quantity": "1", "vat": "none"}],
    });
    let opening = saved_with(&app, json!({"receipt": receipt})).await;
    assert_eq!(app.bank.count("/acquiring/v1.0/subscriptions_with_receipt"), 1);
    let mut body = taken_from(&opening, "499.00");
    body["receipt"] = receipt;
    let next = app.post("/v1/payments", body).await.expect(201);
    assert_eq!(next["status"], "paid", "{next}");
    let path = format!("/v1/payments/{}/receipts", next["id"].as_str().unwrap());
    let made = app.get(&path).await.expect(200);
    let made = &made["data"][0];
    assert_eq!(
        (&made["by_hand"], &made["todo"]["code"]),
        (&json!(true), &json!("make_charge")),
        "{made}"
    );
}
