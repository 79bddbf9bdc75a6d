//! The ends of subscriptions: what is not charged any more, what was paid and is kept, and who may
//! not have the same plan twice.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::subscriptions::{asked, charged, consent, days, minutes, path, plan, shown, wanted};
use crate::harness::app::TestApp;

async fn ask(app: &TestApp, subscription: &Value, action: &str, body: Value) -> Value {
    app.post(&path(subscription, action), body).await.expect(200)
}

#[tokio::test]
async fn a_charge_that_has_not_left_never_leaves_after_the_end() {
    for (action, body) in [("/cancel", json!({"when": "now"})), ("/withdraw", json!({}))] {
        let app = TestApp::at("tbank").await;
        let subscription = charged(&app).await;
        let sent = app.bank.count("/ChargeQr");
        // The bank is away when the renewal is due, so that its charge waits.
        let kind = FaultKind::Status { status: 500 };
        app.bank.control(&Control::Fault(Fault { kind, times: 5_000, path: "/Init".into() }));
        days(&app, 29).await;
        while shown(&app, &subscription).await["period"]["cause"] != "renewal" {
            minutes(&app, 5).await;
        }
        let waiting = asked(&app, &subscription).await;
        assert!(["opening", "open"].contains(&waiting["status"].as_str().unwrap()), "{waiting}");
        ask(&app, &subscription, action, body).await;
        app.bank.control(&Control::ClearFaults);
        days(&app, 2).await;
        let now = app.payment(&waiting["id"]).await;
        assert_eq!((&now["status"], &now["paid_kopecks"]), (&json!("failed"), &json!(0)), "{now}");
        assert_eq!(now["failure"]["code"], "charge_dropped", "{now}");
        assert_eq!(app.bank.count("/ChargeQr"), sent, "{action}");
    }
}

#[tokio::test]
async fn what_a_pause_kept_is_not_paid_for_again_by_who_comes_back() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    days(&app, 10).await;
    ask(&app, &subscription, "/pause", json!({})).await;
    days(&app, 10).await;
    ask(&app, &subscription, "/cancel", json!({"when": "now"})).await;
    let canceled = shown(&app, &subscription).await;
    let until = canceled["access_until"].clone();
    ask(&app, &subscription, "/reactivate", json!({})).await;
    let back = shown(&app, &subscription).await;
    assert_eq!((&back["status"], &back["access_until"]), (&json!("active"), &until), "{back}");
    days(&app, 23).await;
    let renewed = shown(&app, &subscription).await;
    assert_eq!(renewed["period"]["cause"], "renewal", "{renewed}");
    assert_eq!(renewed["period"]["start"], until, "the new month begins where the old one ended");
}

#[tokio::test]
async fn a_second_change_in_the_rest_of_a_resumed_month_costs_what_the_first_did() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    days(&app, 5).await;
    ask(&app, &subscription, "/pause", json!({})).await;
    days(&app, 3).await;
    ask(&app, &subscription, "/resume", json!({})).await;
    days(&app, 15).await;
    let mut sums = Vec::new();
    for quantity in [2, 3] {
        let body = json!({"quantity": quantity, "consent": consent()});
        ask(&app, &subscription, "/change", body).await;
        minutes(&app, 3).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(
            (&now["quantity"], &now["status"]),
            (&json!(quantity), &json!("active")),
            "{now}"
        );
        sums.push(now["period"]["amount_kopecks"].as_i64().unwrap());
    }
    let [first, second] = sums[..] else { panic!("{sums:?}") };
    assert!(first < 245_000 / 2, "the rest of a month is no half of it: {first}");
    assert!((first - second).abs() < 100, "one more costs the same: {sums:?}");
}

#[tokio::test]
async fn nobody_comes_back_to_a_plan_that_he_has_or_changes_to_it() {
    let app = TestApp::at("tbank").await;
    let first = charged(&app).await;
    ask(&app, &first, "/cancel", json!({"when": "now"})).await;
    let second = json!({"consent": consent(), "account_id": first["account_id"]});
    let second = app.post("/v1/subscriptions", wanted(second)).await.expect(201);
    let again = app.post(&path(&first, "/reactivate"), json!({})).await;
    again.expect_error(409, "subscription_exists");
    plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
    let pro =
        wanted(json!({"plan": "pro", "consent": consent(), "account_id": first["account_id"]}));
    app.post("/v1/subscriptions", pro).await.expect(201);
    minutes(&app, 5).await;
    let change = json!({"plan": "pro", "consent": consent()});
    let change = app.post(&path(&second, "/change"), change).await;
    change.expect_error(409, "subscription_exists");
}

#[tokio::test]
async fn one_that_ends_is_not_paused_into_going_on() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    ask(&app, &subscription, "/cancel", json!({})).await;
    let paused = app.post(&path(&subscription, "/pause"), json!({})).await;
    paused.expect_error(409, "subscription_state");
    days(&app, 40).await;
    assert_eq!(shown(&app, &subscription).await["status"], "canceled");
}

#[tokio::test]
async fn who_uses_it_by_grace_is_told_how_long_that_lasts() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let paid = subscription["access_until"].clone();
    let rows = || async {
        let used = app.get("/v1/entitlements?customer=client-17").await.expect(200);
        let (row, merged) = (used["data"][0].clone(), used["merged"].clone());
        assert_eq!((&row["paid_until"], &row["active"]), (&paid, &merged["active"]), "{used}");
        (row["active"].clone(), row["until"].clone(), merged["until"].clone())
    };
    assert_eq!(rows().await, (json!(true), paid.clone(), paid.clone()));
    super::subscriptions::fate(&app, "insufficient_funds").await;
    days(&app, 31).await;
    let end: jiff::Timestamp = paid.as_str().unwrap().parse().unwrap();
    let grace = json!(kopeck::kit::clock::iso(end.as_millisecond() + 72 * 3_600_000));
    assert_eq!(rows().await, (json!(true), grace.clone(), grace.clone()));
    days(&app, 3).await;
    assert_eq!(rows().await, (json!(false), grace, Value::Null));
}
