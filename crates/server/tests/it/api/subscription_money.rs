//! Money of subscriptions at the edges: what stands on a balance, coupons of what was paid late,
//! limits of charging, and one plan once.

use kopeck_banks::emulator::Control;
use serde_json::{Value, json};

use super::subscriptions::{
    HOUR, asked, consent, count, days, minutes, path, pay, plan, shown, subscribe,
};
use crate::harness::{app::TestApp, databases::on_each};

async fn execute(app: &TestApp, sql: &'static str) {
    let done: Result<u64, kopeck::kit::db::DbError> =
        app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    done.unwrap();
}

/// The payment of the link at this address, once it is open at its bank.
async fn opened(app: &TestApp, subscription: &Value, link: &str) -> Value {
    for _ in 0..200 {
        app.advance(1_000).await;
        let now = shown(app, subscription).await;
        if let Some(url) = now[link].as_str() {
            let id = url.rsplit('/').next().unwrap();
            let payment = app.payment(&json!(id)).await;
            if payment["bank_payment_id"].is_string() {
                return payment;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it was never opened");
}

fn pay_second(app: &TestApp, payment: &Value, method: &str) {
    let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
    app.bank.control_second(&Control::Pay { id, method: Some(method.into()), card: None });
}

/// A subscription of Tochka's kept card at a shop that has both banks.
async fn kept(app: &TestApp, more: Value) -> Value {
    plan(app, json!({})).await;
    let mut body = json!({"consent": consent(), "bank": "tochka"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = subscribe(app, body).await;
    let payment = opened(app, &made, "pay_url").await;
    app.pay(&payment);
    minutes(app, 3).await;
    let now = shown(app, &made).await;
    assert_eq!(now["status"], "active", "{now}");
    now
}

fn kept_fate(app: &TestApp, opening: &Value, state: &str) {
    let token = opening["bank_payment_id"].as_str().expect("open").to_owned();
    app.bank.control(&Control::Token { token, state: state.to_owned() });
}

#[tokio::test]
async fn what_the_bank_charges_by_itself_it_charges_whole_whatever_stands_on_the_balance() {
    let app = TestApp::at_both().await;
    let subscription = kept(&app, json!({"charged_by": "bank"})).await;
    // The link is paid, and its payer does not agree to have the account saved.
    let wish = json!({"bank": "tbank", "save": "account"});
    app.post(&path(&subscription, "/rebind"), wish).await.expect(200);
    let link = opened(&app, &subscription, "rebind_url").await;
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    let at_bank = app.bank.control_second(&Control::Show { id });
    let key = at_bank["request_key"].as_str().expect("a binding").to_owned();
    app.bank.control_second(&Control::Decline { id: key, reason: None });
    pay_second(&app, &link, "sbp");
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["balance_kopecks"], &now["charged_by"]), (&json!(1_000), &json!("bank")));
    assert_eq!(now["next_amount_kopecks"], 245_000, "{now}");
    days(&app, 32).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["period"]["number"], &now["period"]["amount_kopecks"], &now["period"]["status"]),
        (&json!(2), &json!(245_000), &json!("paid")),
        "{now}"
    );
    assert_eq!(now["balance_kopecks"], 1_000, "kept for what Kopeck charges: {now}");
}

#[tokio::test]
async fn a_first_period_that_is_paid_late_uses_its_coupon_once() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let coupon = json!({"code": "WINTER", "percent": 20, "periods": 1});
    app.post("/v1/coupons", coupon).await.expect(201);
    let subscription = subscribe(&app, json!({"coupon": "WINTER"})).await;
    let link = asked(&app, &subscription).await;
    days(&app, 4).await;
    assert_eq!(shown(&app, &subscription).await["status"], "expired");
    // The bank takes the money of a link that had run out.
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    let now_ms = app.ctx.now_ms();
    app.bank.edit(|memory| {
        let operation = &mut memory["operations"][&id];
        operation["status"] = json!("Approved");
        operation["paid_by"] = operation["modes"][0].clone();
        operation["paid_ms"] = json!(now_ms);
    });
    let since_ms = now_ms - 5 * 24 * HOUR;
    kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
    minutes(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["amount_kopecks"]),
        (&json!("active"), &json!(196_000)),
        "{now}"
    );
    assert_eq!(now["next_amount_kopecks"], 245_000, "the coupon counted for one period: {now}");
    days(&app, 31).await;
    assert_eq!(shown(&app, &subscription).await["period"]["amount_kopecks"], 245_000);
}

#[tokio::test]
async fn money_of_a_rebind_that_goes_back_leaves_the_balance_but_not_what_was_used() {
    on_each(|db| async move {
        let app = TestApp::at_both_over(db).await;
        let subscription = kept(&app, json!({})).await;
        let refund =
            |payment: &Value| format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
        for (wait, left, paid) in [(0, 0, 245_000), (32, 0, 244_000)] {
            let wish = json!({"bank": "tbank", "save": "card"});
            app.post(&path(&subscription, "/rebind"), wish).await.expect(200);
            let link = opened(&app, &subscription, "rebind_url").await;
            pay_second(&app, &link, "card");
            minutes(&app, 5).await;
            assert_eq!(shown(&app, &subscription).await["balance_kopecks"], 1_000);
            days(&app, wait).await;
            app.post(&refund(&link), json!({})).await.expect(201);
            minutes(&app, 5).await;
            let now = shown(&app, &subscription).await;
            assert_eq!(now["balance_kopecks"], left, "{now}");
            days(&app, 32 - wait).await;
            let now = shown(&app, &subscription).await;
            assert_eq!(
                (&now["status"], &now["period"]["amount_kopecks"]),
                (&json!("active"), &json!(paid)),
                "{now}"
            );
            assert_eq!(now["balance_kopecks"], 0, "{now}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_period_that_has_no_try_left_is_paid_by_a_link_whatever_card_comes() {
    let app = TestApp::at_both().await;
    let subscription = kept(&app, json!({})).await;
    let opening = app.payment(&subscription["period"]["payments"][0]["payment_id"]).await;
    kept_fate(&app, &opening, "insufficient_funds");
    execute(
        &app,
        "insert into subscription_rules (shop_id, max_tries, paydays, hour, keep_days, \
         notice_hours, grace_hours, notice_first) \
         select id, 1, '5', 10, 14, 72, 72, 'no' from shops",
    )
    .await;
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert!(now["pay_url"].is_string(), "no try is left: {now}");
    let wish = json!({"bank": "tbank", "save": "card"});
    app.post(&path(&subscription, "/rebind"), wish).await.expect(200);
    let link = opened(&app, &subscription, "rebind_url").await;
    pay_second(&app, &link, "card");
    days(&app, 9).await;
    let now = shown(&app, &subscription).await;
    assert!(now["pay_url"].is_string(), "{now}");
    assert_eq!((app.bank.count("/charge"), app.bank.count("/v2/Charge")), (1, 0));
}

#[tokio::test]
async fn a_change_that_waits_for_its_money_stands_against_another_of_that_plan() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        plan(&app, json!({})).await;
        plan(&app, json!({"code": "pro", "amount": "9900.00"})).await;
        let first = subscribe(&app, json!({})).await;
        pay(&app, &first).await;
        let change = json!({"plan": "pro"});
        app.post(&path(&first, "/change"), change.clone()).await.expect(200);
        let to_pro = super::subscriptions::wanted(json!({"plan": "pro"}));
        let refused = app.post("/v1/subscriptions", to_pro.clone()).await;
        refused.expect_error(409, "subscription_exists");
        assert_eq!(app.rows("subscriptions").await, 1);
        // Unpaid it did not happen, and stands against nothing any more.
        days(&app, 3).await;
        assert_eq!(shown(&app, &first).await["plan"], "start");
        app.post("/v1/subscriptions", to_pro.clone()).await.expect(201);
        // And the other way round.
        app.post(&path(&first, "/change"), change.clone())
            .await
            .expect_error(409, "subscription_exists");
        // One that begins with the next period, too.
        let other = json!({"customer_id": "b"});
        let second = subscribe(&app, other).await;
        pay(&app, &second).await;
        let later = json!({"plan": "pro", "when": "period_end"});
        app.post(&path(&second, "/change"), later).await.expect(200);
        let to_pro = json!({"plan": "pro", "customer_id": "b"});
        let refused = app.post("/v1/subscriptions", to_pro).await;
        refused.expect_error(409, "subscription_exists");
    })
    .await;
}

#[tokio::test]
async fn who_subscribed_anew_pays_the_link_that_had_run_out_for_nothing() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({})).await;
    let link = asked(&app, &subscription).await;
    days(&app, 4).await;
    let again = subscribe(&app, json!({})).await;
    pay(&app, &again).await;
    assert_eq!(shown(&app, &again).await["status"], "active");
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    let now_ms = app.ctx.now_ms();
    app.bank.edit(|memory| {
        let operation = &mut memory["operations"][&id];
        operation["status"] = json!("Approved");
        operation["paid_by"] = operation["modes"][0].clone();
        operation["paid_ms"] = json!(now_ms);
    });
    let since_ms = now_ms - 5 * 24 * HOUR;
    kopeck::reconcile::flow::sweep(&app.ctx, &app.connection, since_ms, |_| {}).await.unwrap();
    days(&app, 1).await;
    assert_eq!(shown(&app, &subscription).await["status"], "expired");
    let told = super::subscriptions::kinds(&app, &subscription).await;
    assert_eq!(told.last().map(String::as_str), Some("given_back"), "{told:?}");
    let active = "select count(*) from subscriptions where status = 'active'";
    assert_eq!(count(&app, active).await, 1);
}

/// A link to another card at T-Bank, paid: its ten rubles stand on the balance.
async fn rebound(app: &TestApp, subscription: &Value) -> Value {
    let wish = json!({"bank": "tbank", "save": "card"});
    app.post(&path(subscription, "/rebind"), wish).await.expect(200);
    let link = opened(app, subscription, "rebind_url").await;
    pay_second(app, &link, "card");
    minutes(app, 5).await;
    assert_eq!(shown(app, subscription).await["balance_kopecks"], 1_000);
    link
}

#[tokio::test]
async fn money_of_a_rebind_that_went_back_does_not_come_back_with_a_period_that_is_void() {
    let app = TestApp::at_both().await;
    let subscription = kept(&app, json!({})).await;
    let link = rebound(&app, &subscription).await;
    // The new card is dead: the next period waits for its link, less by what is on the balance.
    let id = link["bank_payment_id"].as_str().unwrap().to_owned();
    let card = app.bank.control_second(&Control::Show { id });
    let token = card["rebill_id"].as_str().expect("a token").to_owned();
    app.bank.control_second(&Control::Token { token, state: "expired".to_owned() });
    days(&app, 32).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["amount_kopecks"]),
        (&json!("past_due"), &json!(244_000)),
        "{now}"
    );
    let refund = format!("/v1/payments/{}/refunds", link["id"].as_str().unwrap());
    app.post(&refund, json!({})).await.expect(201);
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["balance_kopecks"], &now["period"]["status"]), (&json!(0), &json!("open")));
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["period"]["status"], &now["balance_kopecks"]), (&json!("void"), &json!(0)));
}

#[tokio::test]
async fn ten_rubles_that_no_period_uses_go_back_at_the_end() {
    on_each(|db| async move {
        let app = TestApp::at_both_over(db).await;
        let subscription = kept(&app, json!({})).await;
        let link = rebound(&app, &subscription).await;
        app.post(&path(&subscription, "/cancel"), json!({})).await.expect(200);
        app.post(&path(&subscription, "/reactivate"), json!({})).await.expect(200);
        app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
        days(&app, 20).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(now["balance_kopecks"], 1_000, "it may be taken back until its end: {now}");
        assert_eq!(app.payment(&link["id"]).await["status"], "paid");
        days(&app, 12).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["balance_kopecks"]), (&json!("canceled"), &json!(0)));
        let payment = app.payment(&link["id"]).await;
        assert_eq!(
            (&payment["status"], &payment["refunded_kopecks"]),
            (&json!("refunded"), &json!(1_000))
        );
        let told = super::subscriptions::kinds(&app, &subscription).await;
        assert_eq!(told.iter().filter(|kind| *kind == "given_back").count(), 1, "{told:?}");
    })
    .await;
}
