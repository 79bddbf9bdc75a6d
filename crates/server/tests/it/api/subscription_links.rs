//! Links that nobody shall pay any more: closed where the bank can do that, else what comes by them
//! goes back.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    subscription_alarms::{appear, kept, sweep, todos},
    subscriptions::{
        HOUR, asked, at_bank, charged, consent, count, days, kinds, minutes, path, pay, plan,
        shown, subscribe,
    },
};
use crate::harness::{app::TestApp, databases::on_each};

async fn link(app: &TestApp) -> (Value, String) {
    plan(app, json!({})).await;
    let subscription = subscribe(app, json!({"collection": "link"})).await;
    pay(app, &subscription).await;
    days(app, 31).await;
    let id = at_bank(app, &subscription).await;
    (subscription, id)
}

#[tokio::test]
async fn the_link_of_a_period_that_nobody_waits_for_is_closed_at_the_bank() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        let (subscription, id) = link(&app).await;
        let open = asked(&app, &subscription).await;
        assert_eq!(open["status"], "open", "{open}");
        app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
        minutes(&app, 3).await;
        let at_bank = app.bank.control(&Control::Show { id });
        assert_eq!(at_bank["status"], "CANCELED", "{at_bank}");
        let payment = app.payment(&open["id"]).await;
        assert_eq!((&payment["status"], &payment["paid_kopecks"]), (&json!("canceled"), &json!(0)));
        let now = shown(&app, &subscription).await;
        assert_eq!(now["period"]["payments"][0]["outcome"], "failed", "{now}");
        assert_eq!(app.bank.count("/Cancel"), 1, "once");
    })
    .await;
}

#[tokio::test]
async fn money_that_comes_while_its_link_is_closed_goes_back_once() {
    let app = TestApp::at("tbank").await;
    let (subscription, id) = link(&app).await;
    let open = asked(&app, &subscription).await;
    // The bank is away when the link is to be closed, and its customer pays meanwhile.
    let kind = FaultKind::Status { status: 500 };
    app.bank.control(&Control::Fault(Fault { kind, times: 30, path: "/v2/".to_owned() }));
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    app.bank.control(&Control::Pay { id: id.clone(), method: Some("card".into()), card: None });
    minutes(&app, 2).await;
    app.bank.control(&Control::ClearFaults);
    minutes(&app, 60).await;
    let payment = app.payment(&open["id"]).await;
    assert_eq!(
        (&payment["paid_kopecks"], &payment["refunded_kopecks"]),
        (&json!(245_000), &json!(245_000)),
        "{payment}"
    );
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("canceled"), &json!("void")));
    assert_eq!(now["period"]["payments"][0]["outcome"], "given_back", "{now}");
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "given_back").count(), 1, "{told:?}");
    assert_eq!(todos(&app).await.len(), 0);
}

#[tokio::test]
async fn a_link_that_the_bank_cannot_close_gives_back_what_comes_for_a_period_paid_otherwise() {
    let app = TestApp::at("tochka").await;
    let (subscription, operation) = kept(&app).await;
    let token = operation.clone();
    app.bank.control(&Control::Token { token, state: "insufficient_funds".to_owned() });
    let one = kopeck::subscriptions::dunning::Rules {
        max_tries: 1,
        ..kopeck::subscriptions::dunning::Rules::default()
    };
    let shop_id = app.shop.id.clone();
    let saved: Result<(), kopeck::kit::db::DbError> = app
        .ctx
        .db
        .write(move |tx| kopeck::subscriptions::store::save_rules(tx, &shop_id, &one))
        .await;
    saved.unwrap();
    days(&app, 31).await;
    let link = asked(&app, &subscription).await;
    let id = at_bank(&app, &subscription).await;
    assert_eq!((&link["status"], &link["methods"]), (&json!("open"), &json!(["card", "sbp"])));
    // The declined charge was made after all: the period is paid, and the link lives on.
    appear(&app, &operation, "900000001", 245_000);
    sweep(&app).await;
    minutes(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
    assert_eq!(now["pay_url"], Value::Null, "nobody is sent to it any more: {now}");
    app.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
    app.advance(HOUR).await;
    minutes(&app, 90).await;
    let late = app.payment(&link["id"]).await;
    assert_eq!((&late["status"], &late["refunded_kopecks"]), (&json!("refunded"), &json!(245_000)));
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "given_back").count(), 1, "{told:?}");
    assert_eq!(shown(&app, &subscription).await["period"]["number"], 2);
}

#[tokio::test]
async fn what_tbank_refuses_to_give_back_is_a_persons_to_do_until_it_is_back() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    days(&app, 29).await;
    let fault = |kind, times, path: &str| Control::Fault(Fault { kind, times, path: path.into() });
    app.bank.control(&fault(FaultKind::ReplyLost, 1, "/ChargeQr"));
    app.bank.control(&fault(FaultKind::NoticeLost, 99, ""));
    while app.bank.count("/ChargeQr") == 0 {
        app.clock.advance_ms(60_000);
        for job in kopeck::runner::claim_due(&app.ctx, 16).await.unwrap() {
            kopeck::runner::run_and_finish(&app.ctx, job).await.unwrap();
        }
    }
    // The charge is on its way when its customer takes the consent back.
    app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    app.bank.control(&Control::ClearFaults);
    let id = at_bank(&app, &subscription).await;
    let status = || app.bank.control(&Control::Show { id: id.clone() })["status"].clone();
    let mut seconds = 0;
    while !status().as_str().unwrap().contains("REFUNDING") {
        app.advance(1_000).await;
        seconds += 1;
        assert!(seconds < 7_200, "it is never given back: {}", status());
    }
    app.bank.control(&Control::Decline { id: id.clone(), reason: None });
    minutes(&app, 90).await;
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("refund_needed")), "{open:?}");
    let charge = app.payment(&open[0]["payment_id"]).await;
    assert_eq!(
        (&charge["paid_kopecks"], &charge["refunded_kopecks"]),
        (&json!(245_000), &json!(0))
    );
    assert!(open[0]["why"]["hint"].is_string(), "{open:?}");
    // Given back in the cabinet: Kopeck sees it, and nobody has to do anything.
    app.bank.control(&Control::Refund { id, amount: None });
    minutes(&app, 30).await;
    days(&app, 1).await;
    sweep(&app).await;
    assert_eq!(app.payment(&charge["id"]).await["status"], "refunded");
    assert_eq!(todos(&app).await.len(), 0);
}

#[tokio::test]
async fn a_fee_of_a_first_period_that_was_never_charged_comes_with_the_next() {
    let app = TestApp::at("tochka").await;
    let (own, _) = kept(&app).await;
    app.post(&path(&own, "/cancel"), json!({"when": "now"})).await.expect(200);
    plan(&app, json!({"code": "trial", "trial_days": 7, "setup_fee": "100.00"})).await;
    let wish = json!({"plan": "trial", "consent": consent(), "card_id": own["card_id"]});
    let subscription = subscribe(&app, wish).await;
    let hang = Fault { kind: FaultKind::Hang { ms: 30_000 }, times: 1, path: "/charge".to_owned() };
    app.bank.control(&Control::Fault(hang));
    days(&app, 8).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["amount_kopecks"], 255_000, "the price and the fee: {now}");
    for _ in 0..40 * 12 {
        app.advance(2 * HOUR).await;
    }
    let open = todos(&app).await;
    assert_eq!(open[0]["kind"], "charge_unanswered", "{open:?}");
    let settle = format!("/v1/payments/{}/settle", open[0]["payment_id"].as_str().unwrap());
    app.post(&settle, json!({"charged": false})).await.expect(200);
    minutes(&app, 5).await;
    // The first month is not paid for; the fee is none of the month's.
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["status"], &now["period"]["amount_kopecks"]),
        (&json!("active"), &json!("paid"), &json!(255_000)),
        "{now}"
    );
    assert_eq!(now["balance_kopecks"], 0, "{now}");
    let lines = now["period"]["lines"].as_array().unwrap();
    let of = |kind: &str| -> i64 {
        let own = lines.iter().filter(|line| line["kind"] == kind);
        own.map(|line| line["amount_kopecks"].as_i64().unwrap()).sum()
    };
    assert_eq!((of("price"), of("setup_fee"), of("balance")), (245_000, 0, 10_000), "{now}");
    let paid = "select count(*) from subscription_periods where status = 'paid'";
    assert_eq!(count(&app, paid).await, 2, "the other subscription's, and this one");
}
