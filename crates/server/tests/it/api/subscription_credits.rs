//! What stands on the balance and whose it is: credits of changes whose money went back, and money
//! of the bank's own making that came before its period.

use kopeck_banks::emulator::Control;
use serde_json::{Value, json};

use super::{
    subscription_alarms::{appear, kept, sweep, todos},
    subscriptions::{DAY, asked, days, minutes, path, pay, plan, shown, subscribe},
};
use crate::harness::{app::TestApp, databases::on_each};

async fn refund(app: &TestApp, payment: &Value, body: Value) {
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    app.post(&path, body).await.expect(201);
    minutes(app, 3).await;
}

async fn balance(app: &TestApp, subscription: &Value) -> i64 {
    shown(app, subscription).await["balance_kopecks"].as_i64().unwrap()
}

/// What a change to this plan would credit for time that will not be used.
async fn credit(app: &TestApp, subscription: &Value, code: &str) -> i64 {
    let wish = json!({"plan": code});
    let told = app.post(&path(subscription, "/preview"), wish).await.expect(200);
    let lines = told["lines"].as_array().expect("lines").iter();
    let unused = lines.filter(|line| line["kind"] == "unused");
    unused.map(|line| -line["amount_kopecks"].as_i64().unwrap()).sum()
}

/// Paid for the dearest plan, and changed to the cheapest a day later: the payment, and what the
/// change put on the balance.
async fn cheaper(app: &TestApp) -> (Value, Value, i64) {
    plan(app, json!({})).await;
    plan(app, json!({"code": "pro", "amount": "4900.00"})).await;
    plan(app, json!({"code": "max", "amount": "9800.00"})).await;
    let subscription = subscribe(app, json!({"plan": "max"})).await;
    pay(app, &subscription).await;
    let first = asked(app, &subscription).await;
    days(app, 1).await;
    app.post(&path(&subscription, "/change"), json!({"plan": "start"})).await.expect(200);
    let credited = balance(app, &subscription).await;
    // Twenty-nine thirtieths of the difference.
    assert!((700_000..720_000).contains(&credited), "{credited}");
    (subscription, first, credited)
}

#[tokio::test]
async fn what_a_change_took_from_the_balance_is_no_credit_once_the_money_went_back() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let (subscription, first, credited) = cheaper(&app).await;
        // Up again on the same day: half of what came back is used for it.
        app.post(&path(&subscription, "/change"), json!({"plan": "pro"})).await.expect(200);
        let left = balance(&app, &subscription).await;
        assert!(0 < left && left < credited, "{left} of {credited}");
        refund(&app, &first, json!({})).await;
        assert_eq!(balance(&app, &subscription).await, 0);
        assert_eq!(credit(&app, &subscription, "start").await, 0, "nobody paid for it any more");
    })
    .await;
}

#[tokio::test]
async fn money_that_went_back_is_on_no_balance() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let (subscription, first, credited) = cheaper(&app).await;
        let worth = credit(&app, &subscription, "pro").await;
        assert!((236_000..=237_000).contains(&worth), "{worth}");
        // What was bought for nothing yet goes back first; the time stays what it is worth.
        refund(&app, &first, json!({"amount": "1000.00"})).await;
        assert_eq!(balance(&app, &subscription).await, credited - 100_000);
        let same = credit(&app, &subscription, "pro").await;
        assert!((worth - 100..=worth).contains(&same), "{worth} {same}");
        refund(&app, &first, json!({})).await;
        assert_eq!(balance(&app, &subscription).await, 0);
        assert_eq!(credit(&app, &subscription, "pro").await, 0);
        let now = shown(&app, &subscription).await;
        assert_eq!(now["next_amount_kopecks"], 245_000, "{now}");
    })
    .await;
}

#[tokio::test]
async fn what_a_period_used_of_a_balance_that_went_back_no_change_credits_again() {
    let app = TestApp::new().await;
    let (subscription, first, credited) = cheaper(&app).await;
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["period"]["cause"], &now["period"]["status"], &now["balance_kopecks"]),
        (&json!("renewal"), &json!("paid"), &json!(credited - 245_000)),
        "{now}"
    );
    assert!(credit(&app, &subscription, "pro").await > 220_000);
    refund(&app, &first, json!({})).await;
    assert_eq!(balance(&app, &subscription).await, 0);
    assert_eq!(credit(&app, &subscription, "pro").await, 0);
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
}

#[tokio::test]
async fn a_refund_before_a_change_makes_its_credit_less_and_leaves_the_balance_alone() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    plan(&app, json!({"code": "max", "amount": "9800.00"})).await;
    let subscription = subscribe(&app, json!({"plan": "max"})).await;
    pay(&app, &subscription).await;
    let first = asked(&app, &subscription).await;
    let path_of = format!("/v1/payments/{}/refunds", first["id"].as_str().unwrap());
    app.post(&path_of, json!({"amount": "4900.00"})).await.expect(201);
    minutes(&app, 1).await;
    app.post(&path(&subscription, "/change"), json!({"plan": "start"})).await.expect(200);
    let credited = balance(&app, &subscription).await;
    assert!((244_000..=246_000).contains(&credited), "{credited}");
    days(&app, 2).await;
    assert_eq!(balance(&app, &subscription).await, credited, "it counted once");
}

#[tokio::test]
async fn money_of_the_banks_own_making_counts_for_the_period_that_begins_after_it() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let (subscription, operation) = kept(&app).await;
        days(&app, 10).await;
        appear(&app, &operation, "900000001", 345_000);
        sweep(&app).await;
        let money = json!({"payment_id": todos(&app).await[0]["payment_id"]});
        let assign = path(&subscription, "/assign");
        let told = app.post(&assign, money.clone()).await.expect(200);
        assert_eq!(told["balance_kopecks"], 345_000, "{told}");
        assert_eq!(todos(&app).await.len(), 0);
        app.post(&assign, money).await.expect_error(409, "payment_not_assignable");
        days(&app, 22).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(
            (&now["period"]["number"], &now["period"]["status"], &now["balance_kopecks"]),
            (&json!(2), &json!("paid"), &json!(100_000)),
            "{now}"
        );
        assert_eq!(app.bank.count("/charge"), 0, "the period is paid by what came before it");
        // What is given back in the cabinet leaves the balance.
        let amount = Some(kopeck_banks::Money::from_kopecks(345_000).unwrap());
        app.bank.control(&Control::Refund { id: operation.clone(), amount });
        sweep(&app).await;
        minutes(&app, 3).await;
        assert_eq!(balance(&app, &subscription).await, 0);
    })
    .await;
}

#[tokio::test]
async fn money_that_fits_no_period_is_refused_with_its_sums_and_a_way_on() {
    let app = TestApp::at("tochka").await;
    let (subscription, operation) = kept(&app).await;
    let token = operation.clone();
    app.bank.control(&Control::Token { token, state: "expired".to_owned() });
    days(&app, 31).await;
    appear(&app, &operation, "900000001", 100_000);
    sweep(&app).await;
    let money = json!({"payment_id": todos(&app).await[0]["payment_id"]});
    let assign = path(&subscription, "/assign");
    let other = app.post(&assign, money.clone()).await;
    let error = &other.json()["error"];
    assert_eq!((other.status, &error["code"]), (409, &json!("payment_not_assignable")), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("2450.00") && message.contains("1000.00"), "{message}");
    assert!(error["hint"].as_str().unwrap().contains("counts for the next"), "{error}");
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    let over = app.post(&assign, money).await;
    let error = &over.json()["error"];
    assert!(error["message"].as_str().unwrap().contains("canceled"), "{error}");
    assert_eq!(todos(&app).await.len(), 1, "it waits still: {}", app.ctx.now_ms() / DAY);
}
