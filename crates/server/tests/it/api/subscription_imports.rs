//! Subscriptions taken over from another system: the day of the month that they are charged on, and
//! what cannot be known of what was paid there.

use kopeck::subscriptions::{
    flow::Problem,
    import::{
        Mode, Verdict,
        subscribed::{COLUMNS, Subscribed},
        table::read_rows,
    },
};
use serde_json::{Value, json};

use super::subscriptions::{HOUR, asked, days, path, pay, plan, shown};
use crate::harness::app::TestApp;

async fn take(app: &TestApp, head: &str, row: &str, mode: Mode) -> Result<Verdict, Problem> {
    let rows = read_rows(&format!("{head}\n{row}\n"), "subscriptions", &COLUMNS);
    let read = Subscribed::read(&rows.unwrap().remove(0)).unwrap();
    let (ctx, shop_id, banks) = (app.ctx.clone(), app.shop.id.clone(), [app.connection.clone()]);
    app.ctx.db.write(move |tx| read.take(tx, &ctx, (&shop_id, &banks), mode)).await
}

async fn taken(app: &TestApp, head: &str, row: &str) -> Value {
    let taken = take(app, head, row, Mode::Write).await;
    assert!(matches!(taken, Ok(Verdict::New)), "{taken:?}");
    app.get("/v1/subscriptions").await.expect(200)["data"][0].clone()
}

#[tokio::test]
async fn who_pays_on_the_31st_elsewhere_pays_on_the_31st_here_whatever_month_it_is_taken_over_in() {
    for (column, value, wanted) in [
        ("started_at", "2025-10-31T10:00:00Z", "2027-03-31T09:00:00Z"),
        ("charge_day", "31", "2027-03-31T09:00:00Z"),
        ("charge_day", "28", "2027-03-28T09:00:00Z"),
        ("started_at", "2025-10-28T10:00:00Z", "2027-03-28T09:00:00Z"),
        ("started_at", "2025-10-17T10:00:00Z", "2027-03-28T09:00:00Z"),
    ] {
        let app = TestApp::at("tochka").await;
        plan(&app, json!({})).await;
        let head = format!("customer,plan,next_charge_at,collection,{column}");
        let row = format!("client-17,start,2027-02-28T09:00:00Z,link,{value}");
        let subscription = taken(&app, &head, &row).await;
        assert_eq!(subscription["next_charge_at"], "2027-02-28T09:00:00Z");
        days(&app, 100).await;
        let now = shown(&app, &subscription).await;
        assert_eq!(now["period"]["start"], "2027-02-28T09:00:00Z", "{now}");
        assert_eq!(now["period"]["end"], wanted, "{column} {value}: {now}");
    }
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    let head = "customer,plan,next_charge_at,collection,charge_day";
    let refused = take(&app, head, "c,start,2027-02-27T09:00:00Z,link,31", Mode::DryRun).await;
    let is_told = matches!(&refused, Ok(Verdict::Refused(why)) if why.contains("charge_day"));
    assert!(is_told, "{refused:?}");
}

#[tokio::test]
async fn what_was_paid_elsewhere_is_credited_by_no_change_until_a_period_is_paid_here() {
    let app = TestApp::at("tochka").await;
    plan(&app, json!({})).await;
    plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
    let head = "customer,plan,next_charge_at,collection,started_at";
    let row = "client-17,start,2026-12-10T09:00:00Z,link,2026-11-10T09:00:00Z";
    let subscription = taken(&app, head, row).await;
    for action in ["/preview", "/change"] {
        let refused = app.post(&path(&subscription, action), json!({"plan": "pro"})).await;
        let error = &refused.json()["error"];
        assert_eq!(
            (refused.status, &error["code"], &error["param"]),
            (409, &json!("subscription_state"), &json!("when")),
            "{error}"
        );
        assert!(error["message"].as_str().unwrap().contains("another system"), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("period_end"), "{error}");
    }
    let more = app.post(&path(&subscription, "/change"), json!({"quantity": 2})).await;
    more.expect_error(409, "subscription_state");
    let later = json!({"plan": "pro", "when": "period_end"});
    app.post(&path(&subscription, "/change"), later).await.expect(200);
    days(&app, 20).await;
    assert_eq!(asked(&app, &subscription).await["amount_kopecks"], 490_000);
    pay(&app, &subscription).await;
    app.advance(HOUR).await;
    assert_eq!(shown(&app, &subscription).await["plan"], "pro");
    // What was paid here is known: a change credits it.
    let told = app.post(&path(&subscription, "/preview"), json!({"plan": "start"})).await;
    let lines = told.expect(200)["lines"].clone();
    let unused = lines.as_array().unwrap().iter().find(|line| line["kind"] == "unused");
    assert!(unused.is_some_and(|line| line["amount_kopecks"].as_i64() < Some(-300_000)), "{lines}");
}
