//! Consents taken back by a signed link without a login, by a bot that knows the customer alone,
//! and what becomes of a charge that is on its way.

use axum::{body::Body, http::Request};
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::subscriptions::{
    DAY, MINUTE, asked, charged, consent, days, kinds, minutes, path, pay, plan, shown, subscribe,
};
use crate::harness::app::{PUBLIC_URL, Reply, TestApp};

/// As a browser or a mail scanner asks: without a key.
async fn open(app: &TestApp, method: &str, path: &str) -> Reply {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    app.send(request).await
}

fn link_of(subscription: &Value) -> String {
    let url = subscription["withdraw_url"].as_str().expect("a link");
    url.strip_prefix(PUBLIC_URL).expect("ours").to_owned()
}

#[tokio::test]
async fn looking_at_the_link_withdraws_nothing_and_the_button_does_at_once() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let link = link_of(&subscription);
    for method in ["GET", "HEAD", "GET"] {
        let page = open(&app, method, &link).await;
        assert_eq!(page.status, 200, "{method}");
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert_eq!(shown(&app, &subscription).await["consent"]["withdrawn_at"], Value::Null);
    let page = open(&app, "GET", &link).await.text();
    for part in ["Подписка START", "2 450,00 ₽ в месяц", "offer-1", "Отозвать согласие"]
    {
        assert!(page.replace('\u{a0}', " ").contains(part), "{part}: {page}");
    }
    assert!(page.contains(r#"<form method="post""#) && !page.contains("<script"), "{page}");
    let english = open(&app, "GET", &format!("{link}?lang=en")).await.text();
    assert!(english.contains("Withdraw my consent"), "{english}");
    let done = open(&app, "POST", &format!("{link}?lang=en")).await;
    assert_eq!((done.status, done.header("location")), (303, &*format!("{link}?lang=en")));
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["consent"]["withdrawn_by"]),
        (&json!("canceled"), &json!("link")),
        "{now}"
    );
    let after = open(&app, "GET", &link).await.text();
    assert!(after.contains("Согласие отозвано") && !after.contains("<form"), "{after}");
    // What was charged may be charged for nothing else either, and again is no error.
    let account =
        format!("/v1/customers/client-17/accounts/{}", now["account_id"].as_str().unwrap());
    assert_eq!(app.get(&account).await.expect(200)["status"], "inactive");
    assert_eq!(open(&app, "POST", &link).await.status, 303);
    days(&app, 70).await;
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "consent_withdrawn").count(), 1, "{told:?}");
    assert_eq!(open(&app, "GET", &link).await.status, 200, "the link is good for ever");
}

#[tokio::test]
async fn a_guessed_link_and_somebody_elses_are_the_same_plain_page() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let mine = subscribe(&app, json!({"consent": consent()})).await;
    let other = json!({"customer_id": "client-18", "consent": consent()});
    let other = subscribe(&app, other).await;
    let (link, theirs) = (link_of(&mine), link_of(&other));
    let (head, signature) = link.rsplit_once('/').unwrap();
    let foreign = theirs.rsplit_once('/').unwrap().1;
    let wrong = [
        format!("{head}/{foreign}"),
        format!("{head}/{}", "0".repeat(signature.len())),
        format!("{head}/{}", signature.to_uppercase()),
        format!("{head}/{}", &signature[1..]),
        format!("/withdraw/sub_0/{signature}"),
    ];
    let plain = open(&app, "GET", &wrong[4]).await;
    assert_eq!(plain.status, 404);
    let plain = plain.text();
    for path in &wrong {
        for method in ["GET", "POST"] {
            let reply = open(&app, method, path).await;
            assert_eq!((reply.status, reply.text()), (404, plain.clone()), "{method} {path}");
        }
    }
    for it in [&mine, &other] {
        let now = shown(&app, it).await;
        assert_eq!(
            (&now["status"], &now["consent"]["withdrawn_at"]),
            (&json!("pending"), &json!(null))
        );
    }
}

#[tokio::test]
async fn a_bot_takes_back_all_that_its_customer_agreed_to() {
    let app = TestApp::at("tbank").await;
    let first = charged(&app).await;
    let pro = json!({"code": "pro", "name": "Подписка PRO", "amount": "4900.00"});
    app.post("/v1/plans", pro).await.expect(201);
    let second = json!({"plan": "pro", "consent": consent(), "save": "card"});
    let second = subscribe(&app, second).await;
    pay(&app, &second).await;
    let by_link = json!({"code": "box", "name": "Коробка", "amount": "500.00"});
    app.post("/v1/plans", by_link).await.expect(201);
    let paid_by_link = subscribe(&app, json!({"plan": "box"})).await;
    let at = "/v1/customers/client-17/withdraw";
    let said = json!({"channel": "bot"});
    let done = app.post_with_key(at, "bot-1", said.clone()).await.expect(200);
    assert_eq!(done["consents"].as_array().unwrap().len(), 2, "{done}");
    assert!(done["consents"].as_array().unwrap().iter().all(|it| it["withdrawn_by"] == "bot"));
    assert_eq!(done["account_ids"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(app.post_with_key(at, "bot-1", said.clone()).await.expect(200), done);
    app.post_with_key(at, "bot-1", json!({"channel": "phone"}))
        .await
        .expect_error(422, "idempotency_key_reused");
    for it in [&first, &second] {
        assert_eq!(shown(&app, it).await["end_reason"], "consent_withdrawn");
    }
    assert_eq!(shown(&app, &paid_by_link).await["status"], "pending", "it charges nothing");
    days(&app, 40).await;
    assert_eq!((app.bank.count("/ChargeQr"), app.bank.count("/Charge")), (0, 0));
    let nobody = app.post("/v1/customers/nobody/withdraw", json!({})).await.expect(200);
    assert_eq!(nobody["consents"], json!([]));
    app.post(at, json!({"channel": 5})).await.expect_error(422, "param_invalid");
}

#[tokio::test]
async fn a_charge_in_flight_when_the_button_is_pressed_is_refunded_and_told_of() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let link = link_of(&subscription);
    days(&app, 29).await;
    // The charge leaves, and its answer is lost: nobody knows yet what became of it.
    let lost = Fault { kind: FaultKind::ReplyLost, times: 1, path: "/ChargeQr".to_owned() };
    app.bank.control(&Control::Fault(lost));
    let silent = Fault { kind: FaultKind::NoticeLost, times: 99, path: String::new() };
    app.bank.control(&Control::Fault(silent));
    while app.bank.count("/ChargeQr") == 0 {
        app.clock.advance_ms(MINUTE);
        for job in kopeck::runner::claim_due(&app.ctx, 16).await.unwrap() {
            kopeck::runner::run_and_finish(&app.ctx, job).await.unwrap();
        }
        assert!(app.ctx.now_ms() < crate::harness::app::START_MS + 40 * DAY, "no charge came");
    }
    assert_eq!(asked(&app, &subscription).await["status"], "open", "in flight");
    assert_eq!(open(&app, "POST", &link).await.status, 303);
    app.bank.control(&Control::ClearFaults);
    minutes(&app, 90).await;
    let payment = asked(&app, &subscription).await;
    assert_eq!(payment["refunded_kopecks"], 245_000, "{payment}");
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["end_reason"]),
        (&json!("canceled"), &json!("consent_withdrawn"))
    );
    assert_eq!(now["period"]["payments"][0]["outcome"], "given_back", "{now}");
    let told = kinds(&app, &subscription).await;
    assert_eq!(told.iter().filter(|kind| *kind == "given_back").count(), 1, "{told:?}");
    assert!(!told.contains(&"renewed".to_owned()), "{told:?}");
    assert_eq!(path(&subscription, ""), path(&now, ""));
}
