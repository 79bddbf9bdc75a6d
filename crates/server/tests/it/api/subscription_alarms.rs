//! What of subscriptions needs a person: payments that cannot be made, money that nobody expected,
//! charges without an answer, notices that nobody takes.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::subscriptions::{
    DAY, HOUR, charged, consent, count, days, kinds, minutes, path, pay, plan, shown, subscribe,
};
use crate::harness::{app::TestApp, databases::on_each};

pub async fn execute(app: &TestApp, sql: &'static str) {
    let done: Result<u64, kopeck::kit::db::DbError> =
        app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    done.unwrap();
}

pub async fn todos(app: &TestApp) -> Vec<Value> {
    let listed = app.get("/v1/todos").await.expect(200);
    listed["data"].as_array().expect("a list").clone()
}

pub async fn events(app: &TestApp, kind: &str) -> usize {
    let listed = app.get(&format!("/v1/events?type={kind}")).await.expect(200);
    listed["data"].as_array().expect("a list").len()
}

/// A subscription whose card Tochka keeps; with the payment that opened its operation.
pub async fn kept(app: &TestApp) -> (Value, String) {
    plan(app, json!({})).await;
    let made = subscribe(app, json!({"consent": consent()})).await;
    pay(app, &made).await;
    let now = shown(app, &made).await;
    assert_eq!(now["status"], "active", "{now}");
    let opening = app.payment(&now["period"]["payments"][0]["payment_id"]).await;
    (now, opening["bank_payment_id"].as_str().expect("open").to_owned())
}

/// The bank shows one charge more of the operation, of this sum.
pub fn appear(app: &TestApp, operation: &str, id: &str, kopecks: i64) {
    let now_ms = app.ctx.now_ms();
    app.bank.edit(|memory| {
        let orders = memory["operations"][operation]["orders"].as_array_mut().expect("orders");
        let mut more = orders[0].clone();
        more["id"] = json!(id);
        more["amount"] = json!(kopecks);
        more["at_ms"] = json!(now_ms);
        orders.push(more);
    });
}

pub async fn sweep(app: &TestApp) {
    let since_ms = app.ctx.now_ms() - 90 * DAY;
    kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
}

#[tokio::test]
async fn a_period_for_which_no_payment_can_be_made_is_told_once_and_mended_by_a_person() {
    let app = TestApp::at("tochka").await;
    let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(&app, json!({"receipt": {"preset": "service"}})).await;
    let contact = json!({"email": "a@example.ru"});
    let subscription = subscribe(&app, json!({"customer": contact, "collection": "link"})).await;
    pay(&app, &subscription).await;
    // The receipt of the next payment cannot be made: nobody knows where it goes.
    execute(&app, "update subscriptions set contact = null").await;
    days(&app, 33).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["number"], 2, "{now}");
    let problem = &now["problem"];
    assert!(problem["code"].is_string() && problem["hint"].is_string(), "{now}");
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "blocked").count(), 1, "{told:?}");
    let open = todos(&app).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(
        (&open[0]["kind"], &open[0]["subscription_id"], &open[0]["why"]["code"]),
        (&json!("subscription_blocked"), &subscription["id"], &problem["code"])
    );
    execute(&app, "update subscriptions set contact = '{\"email\":\"a@example.ru\"}'").await;
    minutes(&app, 65).await;
    let now = shown(&app, &subscription).await;
    assert!(now["pay_url"].is_string() && now["problem"].is_null(), "{now}");
    assert_eq!(todos(&app).await.len(), 0);
    let all = app.get("/v1/todos?status=all").await.expect(200);
    assert_eq!(all["data"][0]["done_by"], "kopeck", "{all}");
}

#[tokio::test]
async fn one_that_nobody_mends_ends_with_its_reason_told_before() {
    let app = TestApp::at("tochka").await;
    let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(&app, json!({"receipt": {"preset": "service"}})).await;
    let contact = json!({"email": "a@example.ru"});
    let subscription = subscribe(&app, json!({"customer": contact, "collection": "link"})).await;
    pay(&app, &subscription).await;
    execute(&app, "update subscriptions set contact = null").await;
    days(&app, 46).await;
    let told = kinds(&app, &subscription).await;
    assert_eq!(told[told.len() - 2..], ["blocked".to_owned(), "canceled".to_owned()], "{told:?}");
    assert_eq!(todos(&app).await.len(), 1, "and is there for who looks");
    let id = todos(&app).await[0]["id"].as_str().unwrap().to_owned();
    let closed = app.post(&format!("/v1/todos/{id}/done"), json!({})).await.expect(200);
    assert_eq!(closed["done_by"], "api");
    assert_eq!(todos(&app).await.len(), 0);
    app.post("/v1/todos/todo_x/done", json!({})).await.expect_error(404, "todo_not_found");
}

#[tokio::test]
async fn a_decline_that_was_none_pays_its_period_when_the_money_shows() {
    let app = TestApp::at("tochka").await;
    let (subscription, operation) = kept(&app).await;
    let fate = |state: &str| Control::Token { token: operation.clone(), state: state.to_owned() };
    app.bank.control(&fate("expired"));
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["number"]), (&json!("past_due"), &json!(2)));
    // The bank had said no, and took the money all the same.
    appear(&app, &operation, "900000001", 245_000);
    sweep(&app).await;
    minutes(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
    assert_eq!((events(&app, "charge.unexpected").await, todos(&app).await.len()), (0, 0));
    assert_eq!(app.bank.count("/charge"), 2, "both said no, and both are of this period");
    // Of a third approval nobody knows whose money it is: it is never the period's a second time.
    appear(&app, &operation, "900000002", 245_000);
    sweep(&app).await;
    minutes(&app, 3).await;
    let given = kinds(&app, &subscription).await.iter().filter(|it| *it == "given_back").count();
    assert_eq!(given + events(&app, "charge.unexpected").await, 1);
}

#[tokio::test]
async fn money_that_nobody_expected_is_told_and_assigned_or_given_back() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let (subscription, operation) = kept(&app).await;
        days(&app, 10).await;
        appear(&app, &operation, "900000001", 100_000);
        appear(&app, &operation, "900000002", 245_000);
        sweep(&app).await;
        minutes(&app, 3).await;
        sweep(&app).await;
        assert_eq!(events(&app, "charge.unexpected").await, 2, "each once");
        let open = todos(&app).await;
        assert_eq!(open.len(), 2, "{open:?}");
        let payment_of = |kopecks: i64| {
            let (app, open) = (&app, open.clone());
            async move {
                for todo in &open {
                    let payment = app.payment(&todo["payment_id"]).await;
                    if payment["paid_kopecks"] == kopecks {
                        return payment;
                    }
                }
                panic!("no such payment");
            }
        };
        let (other, whole) = (payment_of(100_000).await, payment_of(245_000).await);
        assert_eq!(whole["card_id"], subscription["card_id"]);
        let assign = path(&subscription, "/assign");
        let with = |payment: &Value| json!({"payment_id": payment["id"]});
        // The next period waits for its money.
        let fate = Control::Token { token: operation.clone(), state: "expired".to_owned() };
        app.bank.control(&fate);
        days(&app, 20).await;
        assert_eq!(shown(&app, &subscription).await["status"], "past_due");
        for wrong in
            [&other, &app.payment(&subscription["period"]["payments"][0]["payment_id"]).await]
        {
            let refused = app.post(&assign, with(wrong)).await;
            refused.expect_error(409, "payment_not_assignable");
        }
        app.post(&assign, with(&whole)).await.expect(200);
        minutes(&app, 2).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
        let refused = app.post(&assign, with(&whole)).await;
        refused.expect_error(409, "payment_not_assignable");
        assert_eq!(app.bank.count("/charge"), 1, "the period is charged no more");
        // The other one goes back in the cabinet, and that settles it.
        assert_eq!(todos(&app).await.len(), 1);
        let amount = Some(kopeck_banks::Money::from_kopecks(100_000).unwrap());
        app.bank.control(&Control::Refund { id: operation.clone(), amount });
        sweep(&app).await;
        assert_eq!(app.payment(&other["id"]).await["status"], "refunded");
        assert_eq!(todos(&app).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_charge_without_an_answer_is_never_charged_again_until_a_person_settles_it() {
    let app = TestApp::at("tochka").await;
    let (subscription, _) = kept(&app).await;
    let hang = Fault { kind: FaultKind::Hang { ms: 30_000 }, times: 1, path: "/charge".to_owned() };
    app.bank.control(&Control::Fault(hang));
    days(&app, 31).await;
    for _ in 0..20 * 24 {
        app.advance(HOUR).await;
    }
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["period"]["number"], &now["period"]["status"]), (&json!(2), &json!("open")));
    assert_eq!(app.bank.count("/charge"), 1, "silence is no decline");
    assert_eq!(events(&app, "charge.unanswered").await, 1);
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("charge_unanswered")), "{open:?}");
    assert!(open[0]["ru"].as_str().unwrap().contains("интернет-банке"), "{open:?}");
    let settle = format!("/v1/payments/{}/settle", open[0]["payment_id"].as_str().unwrap());
    app.post(&settle, json!({"charged": false})).await.expect(200);
    assert_eq!(todos(&app).await.len(), 0);
    minutes(&app, 5).await;
    // The time of the period was over, and the customer was asked for nothing yet: he is now.
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["payments"][0]["outcome"], "failed", "{now}");
    assert_eq!((&now["status"], app.bank.count("/charge")), (&json!("past_due"), 1));
    days(&app, 2).await;
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    assert_eq!(app.bank.count("/charge"), 2);
    assert_eq!(
        count(&app, "select cast(sum(paid_kopecks) as bigint) from payments").await,
        2 * 245_000
    );
}

#[tokio::test]
async fn a_notice_that_nobody_takes_is_told_once_and_charged_when_it_is_not_waited_for() {
    use kopeck::subscriptions::{
        dunning::{NoticeFirst, Rules},
        store,
    };
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let set = |notice_first| {
        let (app, shop_id) = (&app, app.shop.id.clone());
        let rules = Rules { notice_first, ..Rules::default() };
        async move {
            let saved: Result<(), kopeck::kit::db::DbError> =
                app.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &rules)).await;
            saved.unwrap();
        }
    };
    set(NoticeFirst::Delivered).await;
    days(&app, 27).await;
    assert_eq!(todos(&app).await.len(), 0);
    days(&app, 1).await;
    minutes(&app, 60).await;
    // Two days before the charge: time to mend it.
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("notice_undelivered")), "{open:?}");
    days(&app, 5).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "notice_undelivered").count(), 1, "{told:?}");
    set(NoticeFirst::No).await;
    days(&app, 1).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}
