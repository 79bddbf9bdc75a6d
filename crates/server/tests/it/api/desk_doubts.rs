//! A notice names a desk's code and no arming of it: whose the money is, is told by the number in
//! the purpose or asked at the bank, and never guessed by sum and time.

use kopeck::{desks::flow::take_news, gateway::flow::ask_now, kit::db::DbError};
use kopeck_banks::{
    Money,
    bank::NoticeNews,
    emulator::FaultKind,
    op::{BankOp, BankStatus, DeskOp, Outcome, SbpOp, SbpPayment},
};
use serde_json::{Value, json};

use super::desks::{charge, desk_of, path, payments, sale, status};
use crate::harness::{
    app::TestApp,
    sbp::{app, fault, pay},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// A sale of this sum that was canceled.
async fn canceled(app: &TestApp, desk: &Value, amount: &str) -> Value {
    let sale = charge(app, desk, amount).await;
    let ended = app.post(&path(desk, "/cancel"), json!({})).await.expect(200);
    assert_eq!((&ended["id"], &ended["status"]), (&sale["id"], &json!("canceled")));
    sale
}

/// Armed in the bank's cabinet, by somebody who knows nothing of us.
async fn arm_elsewhere(app: &TestApp, desk: &Value, kopecks: i64, purpose: Option<&str>) {
    let op = BankOp::Sbp(SbpOp::Desk(DeskOp::Arm {
        code_id: desk["code_id"].as_str().unwrap().to_owned(),
        amount: Money::from_kopecks(kopecks).unwrap(),
        purpose: purpose.map(str::to_owned),
        ttl_minutes: 5,
    }));
    let armed = ask_now(&app.ctx, &app.connection, &op).await.unwrap();
    assert!(matches!(armed, Outcome::Done(_)), "{armed:?}");
}

/// The code is paid; its notice does not come, but is given back without a purpose.
fn pay_unnamed(app: &TestApp, desk: &Value) -> SbpPayment {
    fault(app, FaultKind::NoticeLost, 1, "");
    let shown = pay(app, desk, None);
    let own = shown["payments"].as_array().unwrap().last().unwrap().clone();
    let text = |name: &str| own[name].as_str().map(str::to_owned);
    SbpPayment {
        code_id: desk["code_id"].as_str().unwrap().to_owned(),
        trx_id: text("trx_id"),
        ref_id: text("ref_id"),
        status: Some(BankStatus::Paid),
        amount: own["amount_kopecks"].as_i64().map(|it| Money::from_kopecks(it).unwrap()),
        payer_name: Some("Иван Иванович И.".to_owned()),
        ..SbpPayment::default()
    }
}

async fn hear(app: &TestApp, seen: &SbpPayment) -> Option<String> {
    let (ctx, connection) = (app.ctx.clone(), app.connection.clone());
    let news = NoticeNews::SbpPayment(seen.clone());
    let heard: Result<_, DbError> =
        app.ctx.db.write(move |tx| take_news(tx, &ctx, &connection, &news)).await;
    heard.unwrap()
}

async fn paid_events(app: &TestApp) -> usize {
    let events = app.get("/v1/events?type=payment.paid").await.expect(200);
    events["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn of_two_sales_of_one_sum_the_number_in_the_purpose_tells_which() {
    let app = app().await;
    let desk = desk_of(&app).await;
    canceled(&app, &desk, "1500").await;
    let second = charge(&app, &desk, "1500").await;
    let asked = app.bank.count("/operation");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    let shown = sale(&app, &desk).await;
    assert_eq!((&shown["id"], &shown["status"]), (&second["id"], &json!("paid")));
    assert_eq!(app.bank.count("/operation"), asked, "nothing had to be asked");
    app.advance(5 * MINUTE).await;
    assert_eq!((payments(&app, &desk).await.len(), paid_events(&app).await), (1, 1));
}

#[tokio::test]
async fn without_a_purpose_the_armings_are_asked() {
    let app = app().await;
    let desk = desk_of(&app).await;
    canceled(&app, &desk, "1500").await;
    let second = charge(&app, &desk, "1500").await;
    let seen = pay_unnamed(&app, &desk);
    assert_eq!(hear(&app, &seen).await, None, "not known yet");
    assert_eq!(hear(&app, &seen).await, None, "told twice");
    assert_eq!(app.rows("desk_doubts").await, 1);
    app.advance(0).await;
    let shown = sale(&app, &desk).await;
    assert_eq!((&shown["id"], &shown["status"]), (&second["id"], &json!("paid")));
    let paid = payments(&app, &desk).await;
    assert_eq!((paid.len(), paid_events(&app).await), (1, 1));
    assert_eq!(paid[0]["customer"]["name"], "Иван Иванович И.", "the notice told who");
    assert_eq!(app.rows("desk_doubts").await, 0);
    // Told once more, it is known.
    assert_eq!(hear(&app, &seen).await.as_deref(), paid[0]["id"].as_str());
    app.advance(5 * MINUTE).await;
    assert_eq!(payments(&app, &desk).await.len(), 1);
}

#[tokio::test]
async fn money_by_another_arming_of_the_same_sum_is_no_payment_of_a_sale() {
    for purpose in [None, Some("Заказ №15")] {
        let app = app().await;
        let desk = desk_of(&app).await;
        let sale = canceled(&app, &desk, "1500").await;
        arm_elsewhere(&app, &desk, 150_000, purpose).await;
        fault(&app, FaultKind::NoticeDoubled, 1, "");
        pay(&app, &desk, None);
        app.advance(SECOND).await;
        let paid = payments(&app, &desk).await;
        assert_eq!((paid.len(), paid_events(&app).await), (1, 1), "{purpose:?}");
        assert_eq!(
            (&paid[0]["paid_kopecks"], &paid[0]["status"]),
            (&json!(150_000), &json!("paid"))
        );
        let shown = self::sale(&app, &desk).await;
        assert_eq!((&shown["id"], &shown["status"]), (&sale["id"], &json!("canceled")));
        app.advance(5 * MINUTE).await;
        assert_eq!(payments(&app, &desk).await.len(), 1, "{purpose:?}");
        assert_eq!(app.rows("desk_doubts").await, 0);
    }
}

#[tokio::test]
async fn a_silent_bank_leaves_the_transfer_in_doubt_and_not_lost() {
    let app = app().await;
    let desk = desk_of(&app).await;
    canceled(&app, &desk, "1500").await;
    arm_elsewhere(&app, &desk, 150_000, None).await;
    fault(&app, FaultKind::Status { status: 503 }, 3, "/operation");
    pay(&app, &desk, None);
    app.advance(SECOND).await;
    assert_eq!((payments(&app, &desk).await.len(), app.rows("desk_doubts").await), (0, 1));
    for _ in 0..4 {
        app.advance(4 * SECOND).await;
    }
    let paid = payments(&app, &desk).await;
    assert_eq!((paid.len(), app.rows("desk_doubts").await), (1, 0));
    assert_eq!(status(&app, &desk).await, "canceled");
}

#[tokio::test]
async fn a_transfer_without_any_id_is_asked_about_and_never_booked() {
    let app = app().await;
    let desk = desk_of(&app).await;
    charge(&app, &desk, "1500").await;
    let seen = SbpPayment { trx_id: None, ref_id: None, ..pay_unnamed(&app, &desk) };
    assert_eq!(hear(&app, &seen).await, None);
    assert_eq!(payments(&app, &desk).await.len(), 0);
    app.advance(4 * SECOND).await;
    assert_eq!(status(&app, &desk).await, "paid");
    assert_eq!(hear(&app, &seen).await, None);
    assert_eq!((payments(&app, &desk).await.len(), paid_events(&app).await), (1, 1));
}
