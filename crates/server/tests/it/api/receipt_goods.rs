//! What comes back by a receipt of its own, which of several receipts a person made, and the days
//! on which VAT changes.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    receipts::{basket, count, due, fiscal, receipts},
    tbank::{path, settle},
};
use crate::harness::app::{START_MS, TestApp};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Pays no VAT until the end of the day after the tests' own, 5 % from then on.
async fn pays_vat_soon(app: &TestApp) {
    let plan = json!([{"vat": "none"}, {"vat": "usn5", "valid_from": "2026-11-23"}]);
    let defaults = json!({"taxation": "usn_income", "vat": plan});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
}

#[tokio::test]
async fn a_refund_takes_a_receipt_of_its_own_in_any_form() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        let payment = app.create_paid(basket("full_payment")).await;
        let refund = async |receipt: Value| {
            app.post(&path(&payment, "refunds"), json!({"receipt": receipt})).await
        };
        let ours = json!({"email": "b@example.ru", "items": [
            {"name": "Торт", "price": "1500", "quantity": 1, "vat": "none"}]});
        let theirs = json!({"Taxation": "usn_income", "Email": "a@example.ru", "Items": [
            {"Name": "Свечи", "Price": 200_000, "Quantity": 1, "Amount": 200_000, "Tax": "none"}]});
        let item = |name: &str, quantity: u64, price: &str, vat: &str| json!({"items": [{"name": name, "price": price, "quantity": quantity, "vat": vat}]});
        for (wrong, word) in [
            (item("Пирог", 1, "1500", "none"), "no line «Пирог»"),
            (item("Торт", 1, "1500", "vat22"), "was sold with none, not with vat22"),
            (item("Торт", 3, "1500", "none"), "of «Торт» 2 are left"),
            (item("Торт", 1, "1400", "none"), "come to 1500.00, not to 1400.00"),
        ] {
            let refused = refund(wrong).await;
            let refused = refused.expect_error(422, "param_invalid");
            assert_eq!(refused["param"], "receipt");
            assert!(refused["message"].as_str().unwrap().contains(word), "{refused}");
        }
        let both = json!({"receipt": ours, "items": [{"line": 1}]});
        let refused = app.post(&path(&payment, "refunds"), both).await;
        assert_eq!(refused.expect_error(422, "param_invalid")["param"], "receipt");
        let unread = refund(json!({"items": [{"name": "Торт"}]})).await;
        assert_eq!(unread.expect_error(422, "receipt_invalid")["param"], "receipt");
        assert_eq!(receipts(&app, &payment).await.len(), 1, "a refused refund leaves no receipt");
        assert_eq!(refund(ours).await.expect(201)["amount"], "1500.00");
        settle(&app, 5_000).await;
        assert_eq!(refund(theirs).await.expect(201)["amount"], "2000.00");
        settle(&app, 5_000).await;
        let all = receipts(&app, &payment).await;
        assert_eq!(all[1]["receipt"]["items"][0]["name"], "Торт");
        assert_eq!(all[1]["receipt"]["items"][0]["quantity"], "1");
        assert_eq!(all[1]["receipt"]["email"], "b@example.ru");
        assert_eq!(all[2]["receipt"]["items"][0]["name"], "Свечи");
        assert_eq!(app.payment(&payment["id"]).await["refunded_kopecks"], 350_000);
    }
}

#[tokio::test]
async fn a_link_ends_before_its_vat_changes() {
    let app = TestApp::at("tochka").await;
    let wish = json!({"receipt": {"preset": "service", "email": "a@example.ru"}});
    let life = |payment: &Value| payment["expires_at"].as_str().unwrap().to_owned();
    let days = |days: i64| kopeck::kit::clock::iso(START_MS + days * DAY_MS);
    // Nothing was said of a change: a week, as the bank has it.
    app.put("/v1/receipts/defaults", json!({"taxation": "usn_income", "vat": [{"vat": "none"}]}))
        .await
        .expect(200);
    assert_eq!(life(&app.create(wish.clone()).await), days(7));
    pays_vat_soon(&app).await;
    // Midnight in Moscow.
    assert_eq!(life(&app.create(wish.clone()).await), "2026-11-22T21:00:00Z");
    // The rate of the goods is not the shop's own; one that ends earlier stays.
    let goods = json!({"receipt": {"taxation": "osn", "email": "a@example.ru", "items": [
        {"name": "Книга", "price": "5000", "vat": "vat10"}]}});
    assert_eq!(life(&app.create(goods).await), days(7));
    let mut short = wish.clone();
    short["ttl_minutes"] = json!(60);
    let short = life(&app.create(short).await);
    assert_eq!(short, kopeck::kit::clock::iso(START_MS + 60 * MINUTE_MS));
    // After the change a link is of the new rate, and lives its time.
    app.advance(2 * DAY_MS).await;
    let later = app.create(wish).await;
    assert_eq!(life(&later), days(9));
    assert_eq!(receipts(&app, &later).await[0]["receipt"]["items"][0]["vat"], "vat5");
}

#[tokio::test]
async fn a_closing_bears_the_rates_of_the_day_on_which_it_is_sent() {
    for by_itself in [true, false] {
        let app = TestApp::at("tbank").await;
        pays_vat_soon(&app).await;
        let payment = app.create_paid(basket("full_prepayment")).await;
        app.advance(32 * 60 * MINUTE_MS).await;
        // Half past eleven in the evening, and the bank is away past midnight.
        let kind = if by_itself { FaultKind::Status { status: 429 } } else { FaultKind::ReplyLost };
        let fault = |times| Fault { kind, times, path: "SendClosingReceipt".into() };
        app.bank.control(&Control::Fault(fault(if by_itself { 60 } else { 1 })));
        app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
        let before = receipts(&app, &payment).await[1].clone();
        assert_eq!(before["receipt"]["items"][0]["vat"], "none");
        app.advance(90 * MINUTE_MS).await;
        if !by_itself {
            app.post(&path(&payment, "receipts/close"), json!({"again": true})).await.expect(200);
        }
        app.advance(30 * MINUTE_MS).await;
        let now = receipts(&app, &payment).await.last().unwrap().clone();
        assert_eq!(now["receipt"]["items"][0]["vat"], "vat5", "{now}");
    }
}

#[tokio::test]
async fn of_two_receipts_made_by_hand_the_named_one_is_noted() {
    let app = TestApp::at("tbank").await;
    app.put("/v1/receipts/defaults", json!({"taxpayer": "npd"})).await.expect(200);
    let payment = app.create_paid(json!({"receipt": {"title": "Урок"}})).await;
    for amount in ["1000", "500"] {
        app.post(&path(&payment, "refunds"), json!({"amount": amount})).await.expect(201);
        settle(&app, 5_000).await;
    }
    let open = due(&app).await;
    let of_kind = |it: &&Value| it["kind"] == "refund";
    let open: Vec<&Value> = open.iter().filter(of_kind).collect();
    assert_eq!(open.len(), 2, "{open:?}");
    let said = json!({"kind": "refund", "document_number": "5"});
    let unclear = app.post(&path(&payment, "receipts"), said.clone()).await;
    let unclear = unclear.expect_error(422, "param_invalid");
    assert_eq!(unclear["param"], "receipt_id");
    assert!(unclear["message"].as_str().unwrap().contains(open[1]["id"].as_str().unwrap()));
    let named = |id: &Value| {
        let mut said = said.clone();
        said["receipt_id"] = id.clone();
        said
    };
    let foreign = app.post(&path(&payment, "receipts"), named(&json!("rcp_other"))).await;
    foreign.expect_error(404, "receipt_not_found");
    for _ in 0..2 {
        let noted = app.post(&path(&payment, "receipts"), named(&open[0]["id"])).await.expect(201);
        assert_eq!((&noted["id"], &noted["status"]), (&open[0]["id"], &json!("registered")));
    }
    // One is left, so that nothing is unclear.
    let rest = json!({"kind": "refund", "document_number": "6"});
    let noted = app.post(&path(&payment, "receipts"), rest).await.expect(201);
    assert_eq!(noted["id"], open[1]["id"]);
}

#[tokio::test]
async fn a_prepayment_of_which_the_cash_register_says_nothing_is_late_first() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    app.advance(2 * DAY_MS).await;
    let late = due(&app).await[0].clone();
    assert_eq!(late["todo"]["code"], "late");
    let settle = format!("/v1/receipts/{}/settle", late["id"].as_str().unwrap());
    app.post(&settle, json!({"document_number": "9"})).await.expect(200);
    let all = receipts(&app, &payment).await;
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("registered")), "{all:?}");
    assert_eq!(all[0]["todo"]["code"], "close", "it is still to be delivered");
}

#[tokio::test]
async fn a_closing_is_sent_again_only_where_it_may_be_missing() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let close = async |asked: Value| app.post(&path(&payment, "receipts/close"), asked).await;
    let first = close(json!({})).await.expect(200);
    settle(&app, 1_000).await;
    // The bank took it: a caller who did not hear of that asks once more.
    let again = close(json!({"again": true})).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("sent")));
    settle(&app, 1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    // The register may yet make it of its own queue: somebody looks first.
    fiscal(&app, &payment, json!({})).await;
    let unmade = json!({"Success": false, "ErrorCode": "12", "ErrorMessage": "Нет связи с ОФД",
        "FiscalDocumentNumber": null, "FiscalDocumentAttribute": 1});
    fiscal(&app, &payment, unmade).await;
    let refused = close(json!({})).await;
    let refused = refused.expect_error(409, "receipt_not_closable");
    assert!(refused["message"].as_str().unwrap().contains("Нет связи с ОФД"), "{refused}");
    settle(&app, 1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    let again = close(json!({"again": true})).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&first["id"], &json!("queued")));
    settle(&app, 1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 2);
}

#[tokio::test]
async fn goods_that_the_shop_names_at_the_closing_keep_their_vat() {
    let app = TestApp::at("tbank").await;
    let item = |vat: &str| json!({"name": "Книга", "price": "5000", "vat": vat});
    let prepaid = json!({"receipt": {"taxation": "osn", "email": "a@example.ru", "items": [
        {"name": "Книга", "price": "5000", "vat": "vat122", "method": "full_prepayment"}]}});
    let payment = app.create_paid(prepaid).await;
    let old = app.post(&path(&payment, "receipts/close"), json!({"items": [item("vat20")]})).await;
    old.expect_error(422, "receipt_vat_date_mismatch");
    let named = json!({"items": [item("vat10")]});
    app.post(&path(&payment, "receipts/close"), named).await.expect(200);
    app.advance(1_000).await;
    let closing = receipts(&app, &payment).await[1].clone();
    assert_eq!(closing["status"], "sent");
    assert_eq!(closing["receipt"]["items"][0]["vat"], "vat10");
}

#[tokio::test]
async fn each_thing_that_becomes_due_has_reminders_of_its_own() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let broken = json!({"Success": false, "ErrorCode": "12", "ErrorMessage": "Касса недоступна"});
    fiscal(&app, &payment, broken).await;
    app.advance(4 * DAY_MS).await;
    for _ in 0..2 {
        app.advance(5 * DAY_MS).await;
    }
    let told = count(&app, "receipt.due").await;
    assert!(told >= 3, "{told}");
    let failed = due(&app).await[0].clone();
    let settle = format!("/v1/receipts/{}/settle", failed["id"].as_str().unwrap());
    app.post(&settle, json!({"document_number": "9"})).await.expect(200);
    // The delivery becomes due on the thirtieth day: its first reminder is one.
    app.advance(17 * DAY_MS).await;
    assert_eq!(count(&app, "receipt.due").await, told + 1);
}

#[tokio::test]
async fn lines_of_a_shops_own_take_what_it_said_once() {
    let app = TestApp::at("tbank").await;
    let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    let bare = json!({"receipt": {"email": "a@example.ru", "items": [
        {"name": "Чай", "price": "5000", "vat": "none"}]}});
    let made = receipts(&app, &app.create(bare).await).await[0].clone();
    assert_eq!(made["receipt"]["taxation"], "usn_income");
    let theirs = json!({"amount": "10", "purpose": "Чай", "receipt": {"Taxation": "osn",
        "Email": "a@example.ru", "Items": [{"Name": "Чай", "Price": 1_000, "Quantity": 1,
        "Amount": 1_000, "Tax": "none", "Ean13": "0123456789012"}]}});
    let refused = app.post("/v1/payments", theirs).await;
    let refused = refused.expect_error(422, "receipt_invalid");
    assert!(refused["message"].as_str().unwrap().contains("Ean13"), "{refused}");
}
