//! Receipts that failed, are late or wait for a person: told again and again until it is done,
//! tried again where a bank has a request for that, settled by hand elsewhere.

use kopeck::receipts::flow::{Renewal, compose_renewal};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
};
use serde_json::{Value, json};

use super::{
    receipts::{basket, count, due, fiscal, item, receipts},
    tbank::{path, settle},
};
use crate::harness::{
    app::TestApp,
    databases::{ALL, TestDb},
    receipts::bad,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn of(receipt: &Value, action: &str) -> String {
    format!("/v1/receipts/{}/{action}", receipt["id"].as_str().unwrap())
}

async fn standing(app: &TestApp) -> Value {
    app.get("/v1/receipts/summary").await.expect(200)
}

async fn pay_page(app: &TestApp, payment: &Value) -> String {
    let id = payment["id"].as_str().unwrap();
    app.get(&format!("/pay/{id}?lang=ru")).await.text()
}

fn broken(why: &str) -> Value {
    json!({"Success": false, "ErrorCode": "12", "ErrorMessage": why})
}

#[tokio::test]
async fn a_failed_receipt_of_a_payment_is_told_of_until_a_person_settles_it() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_payment")).await;
    assert_eq!(standing(&app).await["ok"], true);
    assert!(pay_page(&app, &payment).await.contains("Чек делает касса"));
    fiscal(&app, &payment, broken("Касса недоступна")).await;
    // The same notice again is no second failure; another one is.
    fiscal(&app, &payment, broken("Касса недоступна")).await;
    assert_eq!(count(&app, "receipt.failed").await, 1);
    fiscal(&app, &payment, broken("Закончилась смена")).await;
    assert_eq!(count(&app, "receipt.failed").await, 2);
    let failed = due(&app).await[0].clone();
    assert_eq!((&failed["status"], &failed["failures"]), (&json!("failed"), &json!(2)));
    assert_eq!(failed["todo"]["code"], "make_income");
    assert_eq!(failed["failure"]["hint"], failed["todo"]["en"]);
    let summary = standing(&app).await;
    assert_eq!((&summary["ok"], &summary["failed"]), (&json!(false), &json!(1)), "{summary}");
    let health = app.get("/healthz").await.expect(200);
    assert_eq!(health["receipts"]["failed"], 1, "{health}");
    assert!(pay_page(&app, &payment).await.contains("Чек придёт позже"));
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    // No bank makes it again, and the error says what to do.
    let reason = json!({"reason": "кассу включили"});
    let refused = app.post(&of(&failed, "retry"), reason).await;
    let refused = refused.expect_error(409, "receipt_not_retryable");
    assert!(refused["hint"].as_str().unwrap().contains("settle"), "{refused}");
    // Reminded at once, after a day, after three.
    for days in [0, 1, 2] {
        app.advance(days * DAY_MS + MINUTE_MS).await;
    }
    assert_eq!(count(&app, "receipt.due").await, 3);
    let empty = app.post(&of(&failed, "settle"), json!({})).await;
    assert_eq!(empty.expect_error(422, "param_missing")["param"], "note");
    let made = json!({"document_number": "77", "date": "2026-11-24", "note": "чек коррекции"});
    let settled = app.post(&of(&failed, "settle"), made.clone()).await.expect(200);
    assert_eq!((&settled["status"], &settled["by_hand"]), (&json!("registered"), &json!(true)));
    assert_eq!(settled["fiscal"]["made_at"], "2026-11-24");
    // Said twice, done once.
    app.post(&of(&failed, "settle"), made).await.expect(200);
    let other = app.post(&of(&failed, "settle"), json!({"document_number": "78"})).await;
    other.expect_error(409, "receipt_not_due");
    app.advance(30 * DAY_MS).await;
    assert_eq!(count(&app, "receipt.due").await, 3);
    assert_eq!(standing(&app).await["ok"], true);
    assert!(pay_page(&app, &payment).await.contains("№ 77"));
    let story = app.get(&path(&payment, "timeline")).await.expect(200).to_string();
    assert!(story.contains("Закончилась смена") && story.contains("Касса недоступна"), "{story}");
}

#[tokio::test]
async fn a_refused_closing_receipt_is_tried_again_by_itself_and_by_a_person() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    // The first one arrives and its answer is lost, so that the bank refuses every other.
    let (kind, path_) = (FaultKind::ReplyLost, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_ }));
    app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    app.advance(1_000).await;
    let lost = due(&app).await[0].clone();
    assert_eq!((&lost["status"], &lost["todo"]["code"]), (&json!("sent"), &json!("look")));
    let reason = json!({"reason": "на всякий случай"});
    let refused = app.post(&of(&lost, "retry"), reason.clone()).await;
    refused.expect_error(409, "receipt_not_retryable");
    let again = app.post(&path(&payment, "receipts/close"), json!({"again": true})).await;
    let again = again.expect(200);
    app.advance(1_000).await;
    let failed = due(&app).await[0].clone();
    assert_eq!(failed["id"], again["id"], "the lost one is no task any more");
    assert_eq!(
        (&failed["status"], &failed["todo"]["code"]),
        (&json!("failed"), &json!("retrying"))
    );
    assert_eq!(standing(&app).await["retrying"], 1);
    assert_eq!(count(&app, "receipt.due").await, 0, "nobody is called while it goes on by itself");
    for (wait_ms, tries) in [(15 * MINUTE_MS, 3), (2 * HOUR_MS, 4), (12 * HOUR_MS, 5)] {
        app.advance(wait_ms).await;
        assert_eq!(app.bank.count("SendClosingReceipt"), tries);
        assert_eq!(count(&app, "receipt.failed").await, tries - 1);
    }
    let last = app.get(&format!("/v1/receipts/{}", failed["id"].as_str().unwrap())).await;
    let last = last.expect(200);
    assert_eq!((&last["todo"]["code"], &last["retry_at"]), (&json!("retry"), &Value::Null));
    assert_eq!(count(&app, "receipt.due").await, 1);
    app.post(&of(&failed, "retry"), json!({})).await.expect_error(422, "param_missing");
    let asked = app.post(&of(&failed, "retry"), reason.clone()).await.expect(200);
    assert_eq!((&asked["status"], &asked["retry_reason"]), (&json!("queued"), &reason["reason"]));
    let early = app.post(&of(&failed, "retry"), reason).await;
    early.expect_error(409, "receipt_not_retryable");
    app.advance(1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 6);
    let story = app.get(&path(&payment, "timeline")).await.expect(200);
    let retried = story["data"].as_array().unwrap().iter();
    let retried: Vec<&Value> = retried.filter(|it| it["name"] == "receipt.retried").collect();
    assert_eq!(retried.len(), 4, "{story}");
    // The last two are of one millisecond.
    assert!(retried[2..].iter().any(|it| it["text"].to_string().contains("на всякий случай")));
    let nothing = app.post(&of(&lost, "settle"), json!({"note": "нашли в кассе"})).await;
    nothing.expect_error(409, "receipt_not_due");
    let gone = app.post("/v1/receipts/rcp_0/retry", json!({"reason": "x"})).await;
    gone.expect_error(404, "receipt_not_found");
}

#[tokio::test]
async fn the_shop_says_when_a_prepayment_is_to_be_closed() {
    let app = TestApp::at("tbank").await;
    let mut body = basket("full_prepayment");
    body["receipt"]["closes_on"] = json!("2026-12-01");
    let named = app.create_paid(body.clone()).await;
    assert_eq!(due(&app).await[0]["due_at"], "2026-12-01T06:00:00Z");
    assert_eq!(due(&app).await[0]["todo"]["code"], "close");
    let vat = json!([{"vat": "none"}]);
    let taxation = "usn_income";
    let defaults = json!({"taxation": taxation, "vat": vat, "close_after_days": 3});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    let wish = json!({"receipt": {"preset": "membership", "email": "a@example.ru"}});
    let by_days = app.create_paid(wish).await;
    assert_eq!(due(&app).await[0]["payment_id"], by_days["id"]);
    let wish = json!({"receipt": {"preset": "membership", "email": "a@example.ru",
        "closes_on": "2027-03-01"}});
    app.create_paid(wish).await;
    let days: Vec<Value> = due(&app).await.iter().map(|it| it["due_at"].clone()).collect();
    assert_eq!(days[1..], [json!("2026-12-01T06:00:00Z"), json!("2027-03-01T06:00:00Z")]);
    assert_eq!(standing(&app).await["upcoming"], 3);
    app.advance(4 * DAY_MS).await;
    assert_eq!(count(&app, "receipt.due").await, 1);
    // Once a day passed and nothing was done, again; what was closed by hand, no more.
    let made = json!({"document_number": "5"});
    app.post(&of(&due(&app).await[0], "settle"), made).await.expect(200);
    let closed = receipts(&app, &by_days).await;
    assert_eq!(
        (&closed[1]["kind"], &closed[1]["status"]),
        (&json!("closing"), &json!("registered"))
    );
    app.advance(6 * DAY_MS).await;
    app.advance(DAY_MS).await;
    assert_eq!(count(&app, "receipt.due").await, 3);
    app.post(&path(&named, "receipts/close"), json!({})).await.expect(200);
    for wrong in ["soon", "2026-13-01"] {
        body["receipt"]["closes_on"] = json!(wrong);
        body["amount"] = json!("5000.00");
        body["purpose"] = json!("Торт");
        app.post("/v1/payments", body.clone()).await.expect_error(422, "receipt_invalid");
    }
    let defaults = json!({"vat": vat, "close_after_days": 9_999});
    let refused = app.put("/v1/receipts/defaults", defaults).await.expect(422);
    assert_eq!(refused["error"]["param"], "close_after_days");
    let check = json!({"receipt": {"email": "a@example.ru", "closes_on": "2026-12-01",
        "items": [item(json!({}))]}});
    let report = app.post("/v1/receipts/check", check).await.expect(200);
    assert_eq!(report["findings"][0]["code"], "receipt_closing_day");
}

#[tokio::test]
async fn a_note_repeated_adds_nothing() {
    let app = TestApp::new().await;
    let payment = app.create_paid(basket("full_payment")).await;
    let numbered = json!({"kind": "correction", "document_number": "9", "date": "2026-11-20"});
    let bare = json!({"kind": "correction", "note": "ставка"});
    for body in [&numbered, &numbered, &bare, &bare] {
        app.post(&path(&payment, "receipts"), body.clone()).await.expect(201);
    }
    assert_eq!(receipts(&app, &payment).await.len(), 3);
    let other = json!({"kind": "correction", "document_number": "9", "date": "2026-11-21"});
    app.post(&path(&payment, "receipts"), other).await.expect(201);
    // Without a number the day counts: tomorrow's is another one.
    app.advance(DAY_MS).await;
    app.post(&path(&payment, "receipts"), bare).await.expect(201);
    assert_eq!(receipts(&app, &payment).await.len(), 5);
    let kinds = app.get("/v1/receipts?kind=correction&limit=3").await.expect(200);
    assert_eq!((kinds["data"].as_array().unwrap().len(), &kinds["has_more"]), (3, &json!(true)));
    let cursor = kinds["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/v1/receipts?kind=correction&starting_after={cursor}")).await;
    assert_eq!(rest.expect(200)["data"].as_array().unwrap().len(), 1);
    let wrong = app.get("/v1/receipts?status=lost").await;
    wrong.expect(422);
}

#[tokio::test]
async fn what_the_bank_never_tells_is_not_late_and_what_it_should_is() {
    for (bank, late) in [("tochka", 0), ("tbank", 1)] {
        let app = TestApp::at(bank).await;
        let payment = app.create_paid(basket("full_payment")).await;
        app.advance(DAY_MS + MINUTE_MS).await;
        let summary = standing(&app).await;
        assert_eq!((&summary["late"], &summary["ok"]), (&json!(late), &json!(late == 0)), "{bank}");
        assert_eq!(pay_page(&app, &payment).await.contains("Чек придёт позже"), late == 1);
        // Tochka's request for a refund has no place for lines, and the row says so.
        app.post(&path(&payment, "refunds"), json!({"amount": "1000"})).await.expect(201);
        settle(&app, 5_000).await;
        let note = receipts(&app, &payment).await[1]["note"].clone();
        let is_told = note.as_str().is_some_and(|note| note.contains("no place for lines"));
        assert_eq!(is_told, bank == "tochka", "{note}");
    }
}

#[tokio::test]
async fn what_comes_back_after_closing_is_mirrored_as_delivered() {
    let app = TestApp::at("tbank").await;
    let mut body = basket("full_prepayment");
    body["receipt"]["taxation"] = json!("osn");
    for item in body["receipt"]["items"].as_array_mut().unwrap() {
        item["vat"] = json!("vat122");
    }
    let payment = app.create_paid(body).await;
    app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    app.advance(1_000).await;
    let goods = json!({"items": [{"line": 2}]});
    app.post(&path(&payment, "refunds"), goods).await.expect(201);
    settle(&app, 5_000).await;
    let back = receipts(&app, &payment).await[2].clone();
    let line = &back["receipt"]["items"][0];
    assert_eq!(
        (&line["method"], &line["vat"]),
        (&json!("full_payment"), &json!("vat22")),
        "{back}"
    );
    let wrong = json!({"items": [{"line": 3}]});
    let refused = app.post(&path(&payment, "refunds"), wrong).await.expect(422);
    assert!(refused["error"]["message"].as_str().unwrap().contains("line 3"), "{refused}");
}

#[tokio::test]
async fn a_renewal_has_a_receipt_by_the_vat_of_its_day() {
    let app = TestApp::new().await;
    let plan = json!([{"vat": "none"}, {"vat": "usn5", "valid_from": "2027-01-01"}]);
    let defaults = json!({"taxation": "usn_income", "vat": plan, "preset": "membership"});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    // 2026-11-21 and a day of February 2027.
    let (first_ms, charge_ms) = (1_795_262_400_000, 1_802_000_000_000);
    let renew = async |first: Option<&str>, kopecks: i64| {
        let renewal = Renewal {
            first: first.map(str::to_owned),
            first_ms,
            amount: Money::from_kopecks(kopecks).unwrap(),
            charge_ms,
            email: Some("b@example.ru".into()),
            phone: None,
            is_phone_enough: false,
            max_lines: None,
        };
        let made = compose_renewal(&app.ctx, &app.shop.id, renewal).await.unwrap();
        serde_json::from_str::<Value>(&made.unwrap()).unwrap()
    };
    let by_defaults = renew(None, 100_000).await;
    let line = &by_defaults["items"][0];
    assert_eq!((&line["vat"], &line["method"]), (&json!("vat105"), &json!("full_prepayment")));
    assert_eq!(
        (&line["price"], &by_defaults["email"]),
        (&json!("1000.00"), &json!("b@example.ru"))
    );
    let preset = renew(Some(r#"{"preset": "service", "title": "Тренер"}"#), 50_000).await;
    assert_eq!(preset["items"][0]["vat"], "vat5");
    // The first receipt as it is stored: what was the shop's own rate follows its plan, the goods'
    // own stays, another sum is spread, the closing day keeps its distance.
    let first = r#"{"email": "a@example.ru", "closes_on": "2026-12-21", "items": [
        {"name": "Зал", "price": "800", "vat": "none", "method": "full_prepayment"},
        {"name": "Книга", "price": "200", "vat": "vat10"}]}"#;
    let renewed = renew(Some(first), 50_000).await;
    let lines = renewed["items"].as_array().unwrap();
    let vats: Vec<&Value> = lines.iter().map(|line| &line["vat"]).collect();
    assert_eq!(vats, [&json!("vat105"), &json!("vat10")]);
    assert_eq!((&lines[0]["price"], &lines[1]["price"]), (&json!("400.00"), &json!("100.00")));
    assert_eq!(
        (&renewed["closes_on"], &renewed["email"]),
        (&json!("2027-03-09"), &json!("a@example.ru"))
    );
    // The self-employed get their reminder in place of it.
    app.put("/v1/receipts/defaults", json!({"taxpayer": "npd"})).await.expect(200);
    assert_eq!(renew(Some(first), 50_000).await["npd"], "Зал");
    assert_eq!(renew(Some(r#"{"npd": "Урок"}"#), 50_000).await["npd"], "Урок");
}

#[tokio::test]
async fn money_that_came_twice_has_receipts_of_its_own() {
    for kind in ALL {
        let test = TestDb::new(kind);
        pay_twice(TestApp::at_both_over(test.db.clone()).await).await;
    }
}

async fn pay_twice(app: TestApp) {
    app.put("/v1/routing", json!({"order": ["tochka", "tbank"]})).await.expect(200);
    let payment = app.create(basket("full_prepayment")).await;
    let first = payment["bank_payment_id"].as_str().unwrap().to_owned();
    let elsewhere = path(&payment, "elsewhere/1").replace("/v1/payments/", "/pay/");
    assert_eq!(app.post_text(&elsewhere, "").await.status, 303);
    settle(&app, 1_000).await;
    let second = app.payment(&payment["id"]).await["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control_second(&Control::Pay { id: second, method: None, card: None });
    settle(&app, 61_000).await;
    // The first bank's page was still open in another tab.
    app.bank.control(&Control::Pay { id: first, method: Some("card".into()), card: None });
    settle(&app, 61_000).await;
    settle(&app, 61_000).await;
    let paid = app.payment(&payment["id"]).await;
    assert_eq!(paid["attempts"][0]["refunded_kopecks"], 500_000, "{paid}");
    let all = receipts(&app, &payment).await;
    let attempt = &paid["attempts"][0]["id"];
    let of = |record: &Value| (record["kind"].clone(), record["payment_id"].clone());
    let expected = [("income", &payment["id"]), ("income", attempt), ("refund", attempt)];
    let expected: Vec<(Value, Value)> =
        expected.iter().map(|(kind, id)| (json!(kind), (*id).clone())).collect();
    assert_eq!(all.iter().map(of).collect::<Vec<_>>(), expected, "{all:?}");
    assert!(all.iter().all(|record| record["status"] == "sent"), "{all:?}");
    assert_eq!(all[2]["amount"], "5000.00");
    // What was paid twice is never delivered: only the link's own is to be closed.
    let due = due(&app).await;
    assert_eq!((due.len(), &due[0]["payment_id"]), (1, &payment["id"]));
    let events = app.get("/v1/events?limit=100&type=receipt.sent").await.expect(200);
    let events = events["data"].as_array().unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event["payment_id"] == payment["id"]), "{events:?}");
}

#[tokio::test]
async fn a_bad_receipt_is_named_by_the_check_and_refused_with_the_payment() {
    let app = TestApp::at("tbank").await;
    for (code, mut receipt) in bad() {
        receipt["ffd"] = json!("1.2");
        if receipt["taxation"].is_null() {
            receipt["taxation"] = json!("usn_income");
        }
        let body = json!({"receipt": receipt, "bank": "tbank", "amount": "5000"});
        let report = app.post("/v1/receipts/check", body).await.expect(200);
        let codes: Vec<&str> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        assert!(report["ok"] == false && codes.contains(&code), "{code}: {report}");
        let body = json!({"amount": "5000.00", "purpose": "Курс", "receipt": receipt});
        let refused = app.post("/v1/payments", body).await;
        let said = refused.expect(422)["error"].clone();
        // What cannot be read is `receipt_invalid`; what breaks a rule has the rule's code.
        let is_own = said["code"] == code || said["code"] == "receipt_invalid";
        assert!(is_own && said["param"] == "receipt", "{code}: {said}");
        assert!(!said["hint"].as_str().unwrap().is_empty(), "{said}");
    }
    assert_eq!(app.bank.count("POST"), 0, "nothing was sent");
    assert_eq!(app.rows("payments").await, 0);
    // A plan that begins later says no VAT for today, and one that has begun none for before.
    let save = async |from: &str| {
        let plan = json!([{"vat": "usn5", "valid_from": from}]);
        let defaults = json!({"taxation": "usn_income", "vat": plan});
        app.put("/v1/receipts/defaults", defaults).await
    };
    let refused = save("2027-01-01").await.expect_error(422, "param_invalid");
    assert_eq!(refused["param"], "vat");
    let short = json!({"preset": "service", "email": "a@example.ru"});
    let body = json!({"amount": "5000.00", "purpose": "Курс", "receipt": short});
    app.post("/v1/payments", body.clone()).await.expect_error(422, "receipt_defaults_missing");
    save("2026-11-01").await.expect(200);
    let ask = json!({"receipt": short, "amount": "5000.00", "on": "2026-10-31"});
    let unknown = app.post("/v1/receipts/check", ask).await;
    unknown.expect_error(422, "receipt_defaults_missing");
    app.post("/v1/payments", body).await.expect(201);
}
