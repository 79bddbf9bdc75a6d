//! Codes of SBP that stand for one payment: at Tochka a code by itself, at T-Bank the code of a
//! payment that the bank keeps.

use kopeck::{gateway::flow::ask_now, kit::clock::iso};
use kopeck_banks::{
    emulator::{Control, Fault, FaultKind},
    op::{Answer, BankOp, NewPoint, Outcome, SbpOp, SbpWord, SetupOp},
    tochka::settings,
};
use serde_json::{Value, json};

use crate::harness::app::{PUBLIC_URL, TestApp};

/// A shop at Tochka whose connection names a point in SBP, with notices of codes on their way.
pub async fn with_sbp() -> TestApp {
    let app = TestApp::new().await;
    let registered = async |op: SetupOp| {
        let outcome = ask_now(&app.ctx, &app.connection, &BankOp::Sbp(SbpOp::Setup(op))).await;
        let outcome = outcome.unwrap();
        let Outcome::Done(Answer::Sbp(SbpWord::Registered { id })) = outcome else {
            panic!("{outcome:?}")
        };
        id
    };
    let company_id = registered(SetupOp::RegisterCompany).await;
    let point = NewPoint {
        brand: "Колобок".to_owned(),
        address: "ул. Малышева, д. 51".to_owned(),
        city: "Екатеринбург".to_owned(),
        region: "65".to_owned(),
        postcode: "620075".to_owned(),
        mcc: "5499".to_owned(),
        ..NewPoint::default()
    };
    let point_id = registered(SetupOp::RegisterPoint { company_id, point }).await;
    let show = BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany));
    let shown = ask_now(&app.ctx, &app.connection, &show).await.unwrap();
    let Outcome::Done(Answer::Sbp(SbpWord::Company(company))) = shown else { panic!("{shown:?}") };
    app.set_credentials(|credentials| {
        credentials.set(settings::SBP_MERCHANT_ID, point_id.as_str());
        credentials.set(settings::SBP_ACCOUNT_ID, company.accounts[0].account_id.as_str());
    })
    .await;
    let url = format!("{PUBLIC_URL}{}", app.notice_path());
    let kinds = vec!["acquiringInternetPayment".to_owned(), "incomingSbpPayment".to_owned()];
    let op = BankOp::RegisterNotices { url, kinds, replace: false };
    assert!(matches!(ask_now(&app.ctx, &app.connection, &op).await.unwrap(), Outcome::Done(_)));
    app
}

async fn create(app: &TestApp) -> Value {
    app.create(json!({"methods": ["sbp"], "order_id": "4711", "ttl_minutes": 30})).await
}

fn id(payment: &Value) -> String {
    payment["bank_payment_id"].as_str().expect("open").to_owned()
}

fn pay(app: &TestApp, payment: &Value) {
    app.bank.control(&Control::Pay { id: id(payment), method: None, card: None });
}

fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}

async fn refund(app: &TestApp, payment: &Value, amount: &str) -> Value {
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    app.post(&path, json!({"amount": amount})).await.expect(201)
}

async fn count(app: &TestApp, kind: &str) -> usize {
    let events = app.get("/v1/events?limit=100").await.expect(200);
    events["data"].as_array().unwrap().iter().filter(|event| event["type"] == kind).count()
}

async fn create_paid(app: &TestApp) -> Value {
    let payment = create(app).await;
    pay(app, &payment);
    app.advance(10_000).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "paid", "{payment}");
    payment
}

#[tokio::test]
async fn a_notice_tells_that_the_code_was_paid() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    assert_eq!(payment["status"], "open", "{payment}");
    let payload = payment["qr"]["payload"].as_str().unwrap();
    assert!(payload.starts_with("https://qr.nspk.ru/AD"), "{payload}");
    assert_eq!(payment["bank_url"], payload);
    assert_eq!(app.bank.count("/acquiring/"), 0);
    pay(&app, &payment);
    app.advance(10_000).await;
    let paid = app.payment(&payment["id"]).await;
    assert_eq!((&paid["status"], &paid["method"]), (&json!("paid"), &json!("sbp")), "{paid}");
    assert_eq!(paid["paid_kopecks"], 500_000);
    // Neither notice nor state tells when: it is dated when it was heard of, in the event too.
    assert_eq!(paid["paid_at"], iso(app.ctx.now_ms()));
    let events = app.get("/v1/events?type=payment.paid").await.expect(200);
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    assert_eq!(events["data"][0]["payment"]["paid_at"], paid["paid_at"], "{events}");
    app.advance(3_600_000).await;
    assert_eq!(app.payment(&payment["id"]).await["paid_at"], paid["paid_at"], "and stays so");
}

#[tokio::test]
async fn of_two_codes_of_one_sum_a_notice_pays_its_own() {
    let app = with_sbp().await;
    let (first, second) = (create(&app).await, create(&app).await);
    fault(&app, FaultKind::Status { status: 503 }, 1_000, "payment-status");
    pay(&app, &second);
    app.advance(10_000).await;
    assert_eq!(app.payment(&second["id"]).await["status"], "paid");
    assert_eq!(app.payment(&first["id"]).await["status"], "open");
    pay(&app, &first);
    app.advance(10_000).await;
    assert_eq!(app.payment(&first["id"]).await["status"], "paid");
    assert_eq!(count(&app, "payment.paid").await, 2);
}

#[tokio::test]
async fn a_doubled_notice_and_a_late_one_change_nothing() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    let tests = app.rows("notices").await;
    fault(&app, FaultKind::NoticeDoubled, 1, "incomingSbpPayment");
    pay(&app, &payment);
    app.advance(10_000).await;
    app.advance(600_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!((count(&app, "payment.paid").await, app.rows("notices").await), (1, tests + 1));
    let late = create(&app).await;
    fault(&app, FaultKind::NoticeDelayed { ms: 3 * 3_600_000 }, 1, "incomingSbpPayment");
    pay(&app, &late);
    app.advance(61_000).await;
    assert_eq!(app.payment(&late["id"]).await["status"], "paid", "found by asking");
    app.advance(4 * 3_600_000).await;
    assert_eq!(count(&app, "payment.paid").await, 2);
}

#[tokio::test]
async fn a_lost_notice_is_made_up_for_by_asking() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    fault(&app, FaultKind::NoticeLost, 50, "");
    pay(&app, &payment);
    app.advance(61_000).await;
    let paid = app.payment(&payment["id"]).await;
    assert_eq!((&paid["status"], &paid["paid_kopecks"]), (&json!("paid"), &json!(500_000)));
}

#[tokio::test]
async fn many_open_codes_are_asked_about_together() {
    let app = with_sbp().await;
    let mut payments = Vec::new();
    for _ in 0..60 {
        payments.push(create(&app).await);
    }
    fault(&app, FaultKind::NoticeLost, 100, "");
    pay(&app, &payments[7]);
    pay(&app, &payments[55]);
    app.advance(61_000).await;
    let asked = app.bank.count("payment-status");
    assert_eq!((asked, app.bank.count("/qr-codes/")), (2, 2), "fifty and ten");
    for (at, payment) in payments.iter().enumerate() {
        let status = app.payment(&payment["id"]).await["status"].clone();
        assert_eq!(status, if [7, 55].contains(&at) { "paid" } else { "open" }, "{at}");
    }
    assert_eq!(app.rows("events").await, 60 * 2 + 2, "created, opened; two were paid");
    app.advance(61_000).await;
    assert!(app.bank.count("/payment-status") <= 6);
}

#[tokio::test]
async fn a_payment_that_the_bank_no_longer_tells_of_is_found_in_its_list() {
    let app = with_sbp().await;
    let payment = app.create(json!({"methods": ["sbp"], "ttl_minutes": 129_600})).await;
    fault(&app, FaultKind::NoticeLost, 50, "");
    pay(&app, &payment);
    // Two days without us: the state of a code is told for one.
    app.clock.advance_ms(2 * 86_400_000);
    app.advance(0).await;
    let paid = app.payment(&payment["id"]).await;
    assert_eq!((&paid["status"], &paid["paid_kopecks"]), (&json!("paid"), &json!(500_000)));
    assert!(app.bank.count("/get-sbp-payments") > 0);
    // The list names the transfer too, so it can be sent back.
    refund(&app, &paid, "10.00").await;
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["refunded_kopecks"], 1_000);
}

#[tokio::test]
async fn a_code_that_nobody_paid_expires_soon_after_its_end() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    app.advance(31 * 60_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "open", "a transfer may be on its way");
    app.advance(5 * 60_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "expired");
    assert_eq!(count(&app, "payment.expired").await, 1);
}

#[tokio::test]
async fn a_failed_attempt_leaves_the_code_open() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    app.bank.control(&Control::Decline { id: id(&payment), reason: None });
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
    pay(&app, &payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn a_lost_registration_makes_another_code() {
    let app = with_sbp().await;
    fault(&app, FaultKind::ReplyLost, 1, "/qr-code/");
    let payment = create(&app).await;
    assert_eq!(payment["status"], "opening");
    app.advance(10_000).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "open");
    assert_eq!(app.bank.count("/qr-code/merchant/"), 2);
    pay(&app, &payment);
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn refunds_by_parts_end_when_their_transfers_do() {
    let app = with_sbp().await;
    let payment = create_paid(&app).await;
    let first = refund(&app, &payment, "1000.00").await;
    assert_eq!(first["status"], "asked", "accepted is not done: {first}");
    assert_eq!(app.payment(&payment["id"]).await["status"], "refunding");
    app.advance(10_000).await;
    let part = app.payment(&payment["id"]).await;
    assert_eq!(
        (&part["status"], &part["refundable_kopecks"]),
        (&json!("partially_refunded"), &json!(400_000)),
        "{part}"
    );
    refund(&app, &payment, "4000.00").await;
    app.advance(10_000).await;
    let whole = app.payment(&payment["id"]).await;
    assert_eq!((&whole["status"], &whole["refundable_kopecks"]), (&json!("refunded"), &json!(0)));
    assert_eq!(count(&app, "refund.succeeded").await, 2);
    assert_eq!(app.bank.count("/sbp/v1.0/refund "), 0, "each was asked about by its id");
}

#[tokio::test]
async fn a_refund_may_fail_after_it_was_taken() {
    let app = with_sbp().await;
    let payment = create_paid(&app).await;
    let reason = Some("Счёт получателя закрыт".to_owned());
    app.bank.control(&Control::Decline { id: id(&payment), reason });
    refund(&app, &payment, "1000.00").await;
    app.advance(10_000).await;
    let after = app.payment(&payment["id"]).await;
    let failure = &after["refunds"][0]["failure"];
    assert_eq!(failure["code"], "refund_transfer_failed", "{after}");
    assert!(failure["message"].as_str().unwrap().contains("Счёт получателя закрыт"), "{failure}");
    assert_eq!((&after["status"], &after["refundable_kopecks"]), (&json!("paid"), &json!(500_000)));
    assert_eq!(count(&app, "refund.failed").await, 1);
    refund(&app, &payment, "1000.00").await;
    app.advance(10_000).await;
    let after = app.payment(&payment["id"]).await;
    assert_eq!(
        (&after["status"], count(&app, "refund.succeeded").await),
        (&json!("partially_refunded"), 1)
    );
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_never_sent_again() {
    let app = with_sbp().await;
    let payment = create_paid(&app).await;
    fault(&app, FaultKind::ReplyLost, 1, "/sbp/v1.0/refund");
    refund(&app, &payment, "1000.00").await;
    for _ in 0..10 {
        app.advance(60_000).await;
    }
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunds"][0]["status"], "succeeded", "the statement shows it: {after}");
    assert_eq!(app.bank.count("POST /uapi/sbp/v1.0/refund"), 1);
}

#[tokio::test]
async fn a_refund_that_never_arrived_is_given_up_after_a_day() {
    let app = with_sbp().await;
    let payment = create_paid(&app).await;
    fault(&app, FaultKind::Hang { ms: 60_000 }, 1, "/sbp/v1.0/refund");
    let reason = Some("Счёт закрыт".to_owned());
    app.bank.control(&Control::Decline { id: id(&payment), reason });
    refund(&app, &payment, "1000.00").await;
    for _ in 0..20 {
        app.advance(3_600_000).await;
    }
    assert_eq!(app.payment(&payment["id"]).await["status"], "refunding");
    for _ in 0..10 {
        app.advance(3_600_000).await;
    }
    let after = app.payment(&payment["id"]).await;
    assert_eq!(after["refunds"][0]["failure"]["code"], "refund_not_found", "{after}");
    assert_eq!(after["refundable_kopecks"], 500_000);
    assert_eq!(app.bank.count("POST /uapi/sbp/v1.0/refund"), 1);
}

#[tokio::test]
async fn the_page_shows_the_code_and_opens_the_bank() {
    let app = with_sbp().await;
    let payment = create(&app).await;
    let path = format!("/pay/{}", payment["id"].as_str().unwrap());
    let payload = payment["qr"]["payload"].as_str().unwrap();
    let page = app.get(&path).await.text();
    // The code is a part of the page.
    let drawn = app.get(&format!("{path}/qr.svg")).await.text();
    let modules = drawn.split("<path d=\"").nth(1).and_then(|part| part.split('"').next()).unwrap();
    assert!(page.contains(modules), "{page}");
    let short = app.get(&path.replace("/pay/", "/p/")).await;
    assert_eq!((short.status, short.text()), (200, page.clone()));
    assert!(page.contains(&payload.replace('&', "&#38;")), "{page}");
    assert!(!page.contains(&format!("{path}/go")), "a code has no bank's page: {page}");
    assert_eq!(payment["qr"]["svg"], format!("{PUBLIC_URL}{path}/qr.svg"));
    let svg = app.get(&format!("{path}/qr.svg")).await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    assert!(svg.header("cache-control").contains("immutable"));
    assert!(app.get(&format!("{path}/qr.png")).await.bytes.starts_with(b"\x89PNG"));
    let banks = app.get(&format!("{path}/banks")).await.text();
    assert!(
        banks.contains("Сбербанк") && banks.contains(&format!("{path}/banks/bank100000000111"))
    );
    let open = app.get(&format!("{path}/banks/bank100000000111")).await;
    assert_eq!(
        (open.status, open.header("location").to_owned()),
        (303, payload.replace("https", "bank100000000111"))
    );
    let unknown = app.get(&format!("{path}/banks/javascript:alert(1)")).await;
    assert_eq!(unknown.header("location"), path);
    assert_eq!(app.bank.count("c2bmembers"), 1, "asked once a day");
    pay(&app, &payment);
    app.advance(10_000).await;
    assert!(!app.get(&path).await.text().contains(modules));
    let over = app.get(&format!("{path}/banks")).await;
    assert_eq!((over.status, over.header("location")), (303, path.as_str()));
}

#[tokio::test]
async fn bad_input_makes_nothing() {
    let app = with_sbp().await;
    let cases = [
        (json!({"amount": "1000000.01"}), "amount"),
        (json!({"amount": "0"}), "amount"),
        (json!({"amount": "10.001"}), "amount"),
        (json!({"amount_kopecks": "10.5"}), "amount_kopecks"),
        (json!({"amount": "10", "ttl_minutes": 0}), "ttl_minutes"),
        (json!({"amount": "10", "ttl_minutes": 129_601}), "ttl_minutes"),
        (json!({"amount": "10", "purpose": "я".repeat(141)}), "purpose"),
    ];
    for (mut body, param) in cases {
        let rest = json!({"methods": ["sbp"], "purpose": "Чай"});
        for (key, value) in rest.as_object().unwrap() {
            body.as_object_mut().unwrap().entry(key).or_insert_with(|| value.clone());
        }
        let reply = app.post("/v1/payments", body.clone()).await;
        assert!((400..500).contains(&reply.status), "{body}: {}", reply.text());
        assert_eq!(reply.json()["error"]["param"], param, "{body}: {}", reply.text());
    }
    assert_eq!((app.rows("payments").await, app.bank.count("/qr-code/")), (0, 0));
}

#[tokio::test]
async fn tbank_gives_the_code_of_a_payment_that_it_keeps() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(json!({"methods": ["sbp"]})).await;
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    app.advance(0).await;
    let payment = app.payment(&payment["id"]).await;
    let payload = payment["qr"]["payload"].as_str().unwrap_or_else(|| panic!("{payment}"));
    assert!(payload.starts_with("https://qr.nspk.ru/"), "{payload}");
    assert_ne!(payment["bank_url"], payload);
    let path = format!("/pay/{}", payment["id"].as_str().unwrap());
    let page = app.get(&path).await.text();
    assert!(page.contains("id=\"code\"") && page.contains(&format!("{path}/go")), "{page}");
    let banks = app.get(&format!("{path}/banks")).await.text();
    let choice = banks.split("href=\"").find(|part| part.contains("/banks/")).unwrap();
    let open = app.get(choice.split('"').next().unwrap()).await;
    assert!(open.header("location").starts_with("bank1000000000"), "{}", open.header("location"));
    let both = app.create(json!({"methods": ["card", "sbp"]})).await;
    app.advance(0).await;
    assert_eq!(app.payment(&both["id"]).await["qr"], Value::Null);
    app.bank.control(&Control::Pay { id: id(&payment), method: Some("sbp".into()), card: None });
    app.advance(10_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}
