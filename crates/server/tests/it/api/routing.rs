//! One link, two banks: the shop's rule, going on when a bank fails or the payer asks, and money
//! that comes twice.

use std::time::Duration;

use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
};
use serde_json::{Value, json};

use crate::harness::{
    app::TestApp,
    databases::{ALL, TestDb},
};

fn fail(app: &TestApp, kind: FaultKind, times: u32) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: "/acquiring".into() }));
}

async fn rule(app: &TestApp, rule: Value) -> Value {
    app.put("/v1/routing", rule).await.expect(200)
}

async fn tochka_first() -> TestApp {
    prefer_tochka(TestApp::at_both().await).await
}

async fn prefer_tochka(app: TestApp) -> TestApp {
    rule(&app, json!({"order": ["tochka", "tbank"]})).await;
    app
}

async fn kinds(app: &TestApp, payment: &Value) -> Vec<String> {
    let id = payment["id"].as_str().unwrap();
    let events = app.get(&format!("/v1/events?limit=100&payment_id={id}")).await.expect(200);
    let list = events["data"].as_array().unwrap().iter();
    list.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

async fn settle(app: &TestApp, ms: i64) {
    tokio::time::sleep(Duration::from_millis(150)).await;
    app.advance(ms).await;
}

async fn go_elsewhere(app: &TestApp, payment: &Value, route: usize) {
    let path = format!("/pay/{}/elsewhere/{route}", payment["id"].as_str().unwrap());
    assert_eq!(app.post_text(&path, "").await.status, 303);
    settle(app, 1_000).await;
}

fn pay_second(app: &TestApp, id: &str) {
    let id = id.to_owned();
    app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
}

#[tokio::test]
async fn the_rule_chooses_and_a_named_bank_overrides_it() {
    let app = TestApp::at_both().await;
    assert_eq!(app.create(json!({})).await["bank"], "tbank", "the one connected last");
    let kept = rule(&app, json!({"order": ["tochka"], "methods": {"sbp": ["tbank"]}})).await;
    assert_eq!((&kept["order"], &kept["methods"]["sbp"]), (&json!(["tochka"]), &json!(["tbank"])));
    assert_eq!(app.get("/v1/routing").await.expect(200), kept);
    assert_eq!(app.create(json!({"methods": ["card"]})).await["bank"], "tochka");
    assert_eq!(app.create(json!({"methods": ["sbp"]})).await["bank"], "tbank");
    let named = app.create(json!({"methods": ["sbp"], "bank": "tochka"})).await;
    assert_eq!(named["bank"], "tochka");
}

#[tokio::test]
async fn a_wrong_rule_changes_nothing() {
    let app = tochka_first().await;
    for (body, param) in [
        (json!({"order": ["sber"]}), "order"),
        (json!({"order": "tochka"}), "order"),
        (json!({"methods": {"cash": ["tochka"]}}), "methods.cash"),
        (json!({"methods": {"sbp": []}}), "methods.sbp"),
        (json!({"methods": {"sbp": ["alfa"]}}), "methods.sbp"),
        (json!({"methods": []}), "methods"),
        (json!({"prefer": []}), "prefer"),
    ] {
        let reply = app.put("/v1/routing", body.clone()).await.expect(422);
        assert_eq!(reply["error"]["param"], param, "{body}: {reply}");
    }
    assert_eq!(app.get("/v1/routing").await.expect(200)["order"], json!(["tochka", "tbank"]));
}

#[tokio::test]
async fn a_bank_that_refuses_is_passed_over_at_once() {
    let app = tochka_first().await;
    fail(&app, FaultKind::Status { status: 403 }, 9);
    let payment = app.create(json!({"order_id": "4711"})).await;
    assert_eq!((&payment["status"], &payment["bank"]), (&json!("open"), &json!("tbank")));
    assert_eq!(payment["attempts"], json!([]), "nothing is left behind at the first");
    pay_second(&app, payment["bank_payment_id"].as_str().unwrap());
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    let kinds = kinds(&app, &payment).await;
    assert!(!kinds.contains(&"payment.failed".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_bank_that_refuses_at_both_ends_the_payment() {
    let app = tochka_first().await;
    fail(&app, FaultKind::Status { status: 403 }, 9);
    let kind = FaultKind::Status { status: 403 };
    app.bank.control_second(&Control::Fault(Fault { kind, times: 9, path: String::new() }));
    let body = json!({"amount": "5000.00", "purpose": "Торт"});
    let reply = app.post("/v1/payments", body).await;
    let error = reply.expect_error(409, "bank_address_refused");
    assert_eq!(app.payment(&error["payment_id"]).await["status"], "failed");
}

#[tokio::test]
async fn a_bank_that_says_nothing_is_left_behind_and_watched() {
    let app = tochka_first().await;
    // The link is made there, and neither that answer nor any look comes through.
    fail(&app, FaultKind::ReplyLost, 4);
    let payment = app.create(json!({})).await;
    assert_eq!(payment["status"], "opening");
    settle(&app, 3_000).await;
    settle(&app, 8_000).await;
    settle(&app, 16_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("open"), &json!("tbank")), "{after}");
    assert_eq!(after["attempts"][0]["bank"], "tochka");
    // What cannot happen, as nobody has its address, happens: it is paid there, and here later.
    settle(&app, 5 * 60_000).await;
    let left = app.payment(&payment["id"]).await["attempts"][0]["bank_payment_id"].clone();
    let id = left.as_str().expect("found there since").to_owned();
    app.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
    settle(&app, 31 * 60_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("paid"), &json!("tochka")), "{after}");
    // What is at the second is closed.
    assert_eq!(after["attempts"][0]["status"], "canceled", "{after}");
}

#[tokio::test]
async fn an_ill_bank_goes_behind_by_itself() {
    let app = tochka_first().await;
    fail(&app, FaultKind::Status { status: 502 }, 2);
    let kept = app.create(json!({"bank": "tochka"})).await;
    assert_eq!(kept["status"], "opening");
    // A lost answer alone is chance.
    settle(&app, 3_000).await;
    settle(&app, 8_000).await;
    fail(&app, FaultKind::Status { status: 502 }, 1);
    app.create(json!({"bank": "tochka"})).await;
    assert_eq!(app.create(json!({})).await["bank"], "tbank");
    // Forgiven when nothing bad was heard for a while.
    settle(&app, 6 * 60_000).await;
    assert_eq!(app.create(json!({})).await["bank"], "tochka");
}

#[tokio::test]
async fn the_payer_goes_to_the_other_bank_and_back() {
    let app = TestApp::at_both().await;
    rule(&app, json!({"order": ["tochka"], "methods": {"sbp": ["tbank"]}})).await;
    let payment = app.create(json!({"methods": ["card", "sbp"]})).await;
    assert_eq!(
        (&payment["bank"], &payment["methods"]),
        (&json!("tochka"), &json!(["card", "sbp"]))
    );
    let page = app.get(&format!("/pay/{}?lang=ru", payment["id"].as_str().unwrap())).await.text();
    assert!(page.contains("через СБП"), "{page}");
    go_elsewhere(&app, &payment, 1).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("open"), &json!("tbank")), "{after}");
    // Tochka cannot close a link: it stays open and is watched.
    assert_eq!(after["attempts"][0]["status"], "open");
    go_elsewhere(&app, &payment, 0).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("open"), &json!("tochka")), "{after}");
    let statuses: Vec<&str> = after["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["open", "canceled"], "T-Bank's was closed first: {after}");
    let kinds = kinds(&app, &payment).await;
    assert!(!kinds.contains(&"payment.canceled".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn what_was_paid_at_the_first_bank_is_not_opened_at_the_second() {
    let app = tochka_first().await;
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    go_elsewhere(&app, &payment, 1).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("paid"), &json!("tochka")));
    assert_eq!(after["attempts"], json!([]));
}

#[tokio::test]
async fn paid_at_both_the_second_goes_back_and_the_event_says_so() {
    for kind in ALL {
        let test = TestDb::new(kind);
        let app = TestApp::at_both_over(test.db.clone()).await;
        pay_at_both(prefer_tochka(app).await).await;
    }
}

async fn pay_at_both(app: TestApp) {
    let payment = app.create(json!({})).await;
    let first = payment["bank_payment_id"].as_str().unwrap().to_owned();
    go_elsewhere(&app, &payment, 1).await;
    let open = app.payment(&payment["id"]).await;
    pay_second(&app, open["bank_payment_id"].as_str().unwrap());
    settle(&app, 61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    // The first bank's page was still open in another tab.
    app.bank.control(&Control::Pay { id: first, method: Some("card".into()), card: None });
    settle(&app, 61 * 60_000).await;
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("paid"), &json!("tbank")), "{after}");
    assert_eq!((&after["paid_kopecks"], &after["refunded_kopecks"]), (&json!(500_000), &json!(0)));
    let left = &after["attempts"][0];
    assert_eq!((&left["status"], &left["refunded_kopecks"]), (&json!("refunded"), &json!(500_000)));
    let kinds = kinds(&app, &payment).await;
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!((count("payment.paid"), count("duplicate.paid")), (1, 1), "{kinds:?}");
    assert_eq!((count("duplicate.refunded"), count("refund.succeeded")), (1, 0), "{kinds:?}");
    let list = app.get("/v1/payments").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "an attempt is no payment of its own");
    let own = left["id"].as_str().unwrap();
    app.get(&format!("/v1/payments/{own}")).await.expect_error(404, "payment_not_found");
}

#[tokio::test]
async fn refunds_of_the_shop_go_to_the_bank_that_was_paid() {
    for kind in ALL {
        let test = TestDb::new(kind);
        let app = TestApp::at_both_over(test.db.clone()).await;
        refund_at_the_first(prefer_tochka(app).await).await;
    }
}

async fn refund_at_the_first(app: TestApp) {
    let payment = app.create(json!({})).await;
    let first = payment["bank_payment_id"].as_str().unwrap().to_owned();
    go_elsewhere(&app, &payment, 1).await;
    app.bank.control(&Control::Pay { id: first, method: Some("card".into()), card: None });
    settle(&app, 61 * 60_000).await;
    let paid = app.payment(&payment["id"]).await;
    assert_eq!((&paid["status"], &paid["bank"]), (&json!("paid"), &json!("tochka")), "{paid}");
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    app.post(&path, json!({"amount": "10.00"})).await.expect(201);
    settle(&app, 61_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunded_kopecks"], 1_000, "{after}");
    assert_eq!(Money::from_kopecks(1_000).unwrap().to_rubles(), after["refunds"][0]["amount"]);
}

#[tokio::test]
async fn a_bank_that_makes_no_links_is_left_though_it_answers_looks() {
    let app = tochka_first().await;
    // The next request alone fails: it makes the link, those after it look.
    fail(&app, FaultKind::Status { status: 502 }, 1);
    let payment = app.create(json!({})).await;
    assert_eq!(payment["status"], "opening");
    settle(&app, 3_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("open"), &json!("tbank")), "{after}");
}

#[tokio::test]
async fn attempts_cannot_be_acted_upon() {
    let app = tochka_first().await;
    let payment = app.create(json!({})).await;
    go_elsewhere(&app, &payment, 1).await;
    let attempt = app.payment(&payment["id"]).await["attempts"][0]["id"].clone();
    let id = attempt.as_str().unwrap();
    for action in ["refunds", "capture", "cancel"] {
        let reply = app.post(&format!("/v1/payments/{id}/{action}"), json!({})).await;
        reply.expect_error(404, "payment_not_found");
    }
    assert_eq!(app.get(&format!("/pay/{id}")).await.status, 404);
}

#[tokio::test]
async fn nobody_goes_elsewhere_after_the_links_time() {
    let app = tochka_first().await;
    let payment = app.create(json!({"ttl_minutes": 5})).await;
    settle(&app, 6 * 60_000).await;
    go_elsewhere(&app, &payment, 1).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["bank"], &after["attempts"]), (&json!("tochka"), &json!([])), "{after}");
}

#[tokio::test]
async fn a_bank_that_refuses_the_way_back_is_told_once_and_waits_for_a_person() {
    let app = tochka_first().await;
    let payment = app.create(json!({"methods": ["card"]})).await;
    let first = payment["bank_payment_id"].as_str().unwrap().to_owned();
    go_elsewhere(&app, &payment, 1).await;
    let open = app.payment(&payment["id"]).await;
    pay_second(&app, open["bank_payment_id"].as_str().unwrap());
    settle(&app, 61_000).await;
    app.bank.control(&Control::Pay { id: first, method: Some("card".into()), card: None });
    let (kind, path) = (FaultKind::Status { status: 400 }, "/refund".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 50, path }));
    settle(&app, 61 * 60_000).await;
    settle(&app, 60 * 60_000).await;
    let kinds = kinds(&app, &payment).await;
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!((count("duplicate.paid"), count("duplicate.refund_failed")), (1, 1), "{kinds:?}");
    assert!(app.bank.count("/refund") <= 2, "it is not asked for ever");
}

#[tokio::test]
async fn held_at_both_banks_the_second_hold_is_left_to_run_out() {
    let app = tochka_first().await;
    let payment = app.create(json!({"capture": "manual"})).await;
    let first = payment["bank_payment_id"].as_str().unwrap().to_owned();
    go_elsewhere(&app, &payment, 1).await;
    let open = app.payment(&payment["id"]).await;
    pay_second(&app, open["bank_payment_id"].as_str().unwrap());
    settle(&app, 61_000).await;
    app.bank.control(&Control::Pay { id: first, method: Some("card".into()), card: None });
    settle(&app, 61 * 60_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!((&after["status"], &after["bank"]), (&json!("authorized"), &json!("tbank")));
    // Tochka cannot release it: it is held there and not asked about all the time.
    assert_eq!(after["attempts"][0]["status"], "authorized", "{after}");
}
