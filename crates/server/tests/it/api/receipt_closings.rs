//! Closings that must not be sent twice, that cannot leave, and that a person made.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    receipts::{basket, count, due, fiscal, receipts},
    tbank::{path, settle},
};
use crate::harness::app::TestApp;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn of(receipt: &Value, action: &str) -> String {
    format!("/v1/receipts/{}/{action}", receipt["id"].as_str().unwrap())
}

async fn close(app: &TestApp, payment: &Value, asked: Value) -> Value {
    app.post(&path(payment, "receipts/close"), asked).await.expect(200)
}

/// A basket at the general rate, prepaid.
fn prepaid_with_vat() -> Value {
    let mut body = basket("full_prepayment");
    body["receipt"]["taxation"] = json!("osn");
    for item in body["receipt"]["items"].as_array_mut().unwrap() {
        item["vat"] = json!("vat122");
    }
    body
}

#[tokio::test]
async fn what_a_person_settled_is_sent_again_only_on_purpose() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    // The bank has one whose answer was lost, and refuses the other.
    let (kind, path_) = (FaultKind::ReplyLost, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_ }));
    close(&app, &payment, json!({})).await;
    app.advance(1_000).await;
    close(&app, &payment, json!({"again": true})).await;
    app.advance(1_000).await;
    let failed = due(&app).await[0].clone();
    assert_eq!(failed["status"], "failed");
    let note = json!({"note": "касса сделала его, 20125"});
    let settled = app.post(&of(&failed, "settle"), note).await.expect(200);
    assert_eq!((&settled["status"], &settled["todo"]), (&json!("failed"), &Value::Null));
    assert!(due(&app).await.is_empty());
    let reason = json!({"reason": "на всякий случай"});
    let refused = app.post(&of(&failed, "retry"), reason).await;
    refused.expect_error(409, "receipt_not_retryable");
    let refused = app.post(&path(&payment, "receipts/close"), json!({})).await;
    refused.expect_error(409, "receipt_not_closable");
    app.advance(DAY_MS).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 2);
    let anew = close(&app, &payment, json!({"again": true})).await;
    assert_eq!((&anew["id"], &anew["status"]), (&failed["id"], &json!("queued")));
    app.advance(1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 3);
}

#[tokio::test]
async fn a_prepayment_whose_first_receipt_was_made_by_hand_can_be_closed() {
    for bank in ["tbank", "tochka"] {
        let app = TestApp::at(bank).await;
        let payment = app.create_paid(basket("full_prepayment")).await;
        let noted = json!({"kind": "income", "document_number": "7"});
        app.post(&path(&payment, "receipts"), noted).await.expect(201);
        let open = due(&app).await;
        assert_eq!((open.len(), &open[0]["by_hand"]), (1, &json!(true)), "{open:?}");
        if bank == "tbank" {
            close(&app, &payment, json!({})).await;
        } else {
            let noted = json!({"document_number": "8"});
            app.post(&of(&open[0], "settle"), noted).await.expect(200);
        }
        app.advance(40 * DAY_MS).await;
        let open = receipts(&app, &payment).await;
        assert!(open.iter().all(|receipt| receipt["due_at"].is_null()), "{open:?}");
        assert_eq!(count(&app, "receipt.due").await, 0);
    }
}

#[tokio::test]
async fn a_closing_that_cannot_leave_is_told_of() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let (kind, path_) = (FaultKind::Status { status: 429 }, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 2, path: path_ }));
    close(&app, &payment, json!({})).await;
    app.advance(1_000).await;
    let waiting = due(&app).await[0].clone();
    assert_eq!(
        (&waiting["status"], &waiting["todo"]["code"]),
        (&json!("queued"), &json!("unsent"))
    );
    assert_eq!(count(&app, "receipt.due").await, 0);
    app.advance(2 * HOUR_MS).await;
    assert_eq!(count(&app, "receipt.due").await, 1);
    assert_eq!(app.get("/v1/receipts/summary").await.expect(200)["ok"], false);
    app.advance(MINUTE_MS).await;
    assert_eq!(receipts(&app, &payment).await[1]["status"], "sent");
    assert!(due(&app).await.is_empty());
}

#[tokio::test]
async fn what_comes_back_after_a_closing_by_hand_is_mirrored_as_delivered() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(prepaid_with_vat()).await;
    let goods = json!({"items": [{"line": 1, "quantity": "1"}]});
    app.post(&path(&payment, "refunds"), goods).await.expect(201);
    settle(&app, 5_000).await;
    let noted = json!({"kind": "closing", "document_number": "20124"});
    app.post(&path(&payment, "receipts"), noted).await.expect(201);
    let goods = json!({"items": [{"line": 1, "quantity": "1"}, {"line": 2}]});
    let rest = app.post(&path(&payment, "refunds"), goods).await.expect(201);
    assert_eq!(rest["amount"], "3500.00");
    settle(&app, 5_000).await;
    let all = receipts(&app, &payment).await;
    let told = |receipt: &Value| {
        let items = receipt["receipt"]["items"].as_array().unwrap().clone();
        items.iter().map(|it| format!("{} {}", it["method"], it["vat"])).collect::<Vec<_>>()
    };
    assert_eq!(told(&all[1]), [r#""full_prepayment" "vat122""#]);
    assert_eq!(told(&all[3]), [r#""full_payment" "vat22""#; 2], "{all:?}");
}

#[tokio::test]
async fn goods_whose_receipt_the_bank_would_refuse_stop_nothing_but_the_asking() {
    let app = TestApp::at("tbank").await;
    let mut body = basket("full_payment");
    body["receipt"]["ffd"] = json!("1.2");
    let payment = app.create_paid(body).await;
    let half = json!({"items": [{"line": 1, "quantity": "0.5"}]});
    let refused = app.post(&path(&payment, "refunds"), half).await;
    assert_eq!(refused.expect_error(422, "param_invalid")["param"], "items");
    assert_eq!(receipts(&app, &payment).await.len(), 1);
    let whole = json!({"items": [{"line": 1, "quantity": "1"}]});
    app.post(&path(&payment, "refunds"), whole).await.expect(201);
}

#[tokio::test]
async fn a_phone_alone_is_enough_where_the_bank_takes_one() {
    for (bank, is_made) in [("tbank", true), ("tochka", false)] {
        let app = TestApp::at(bank).await;
        let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let body = json!({"amount": "5000.00", "purpose": "Курс",
            "customer": {"phone": "8 900 123-45-67"}});
        let payment = app.post("/v1/payments", body).await.expect(201);
        let all = receipts(&app, &payment).await;
        assert_eq!(all.len(), 1, "{bank}: {all:?}");
        assert_eq!(all[0]["by_hand"], !is_made, "{bank}: {all:?}");
        if is_made {
            assert_eq!(all[0]["receipt"]["phone"], "+79001234567");
        }
    }
}

#[tokio::test]
async fn what_the_register_failed_to_close_a_person_looks_at_before_it_is_sent_anew() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    close(&app, &payment, json!({})).await;
    app.advance(1_000).await;
    fiscal(&app, &payment, json!({})).await;
    let why = json!({"Success": false, "ErrorCode": "12", "ErrorMessage": "Касса недоступна",
        "FiscalDocumentNumber": 20_124});
    fiscal(&app, &payment, why).await;
    let failed = due(&app).await[0].clone();
    assert_eq!(
        (&failed["kind"], &failed["todo"]["code"], &failed["retry_at"]),
        (&json!("closing"), &json!("retry"), &Value::Null)
    );
    app.advance(DAY_MS).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    // The register made it of its own queue, and a second one: that is no sale.
    fiscal(&app, &payment, json!({"FiscalDocumentNumber": 20_124})).await;
    fiscal(&app, &payment, json!({"FiscalDocumentNumber": 20_125})).await;
    let all = receipts(&app, &payment).await;
    let kinds: Vec<&Value> = all.iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, [&json!("income"), &json!("closing"), &json!("closing")]);
    assert!(all.iter().all(|it| it["status"] == "registered"), "{all:?}");
    assert!(all[2]["note"].as_str().unwrap().contains("one more"), "{all:?}");
}

#[tokio::test]
async fn what_is_late_is_listed_and_settled() {
    let app = TestApp::at("tbank").await;
    app.create_paid(basket("full_payment")).await;
    assert!(due(&app).await.is_empty());
    app.advance(DAY_MS + MINUTE_MS).await;
    let late = due(&app).await[0].clone();
    assert_eq!((&late["todo"]["code"], &late["due_at"]), (&json!("late"), &Value::Null));
    let listed = app.get("/v1/receipts?due=true").await.expect(200);
    assert_eq!(listed["data"][0]["id"], late["id"]);
    let made = json!({"document_number": "77"});
    let settled = app.post(&of(&late, "settle"), made).await.expect(200);
    assert_eq!((&settled["status"], &settled["by_hand"]), (&json!("registered"), &json!(true)));
    let other = app.create_paid(basket("full_payment")).await;
    app.advance(DAY_MS + MINUTE_MS).await;
    let late = due(&app).await[0].clone();
    assert_eq!(late["payment_id"], other["id"]);
    let note = json!({"note": "есть в кассе"});
    let settled = app.post(&of(&late, "settle"), note.clone()).await.expect(200);
    assert_eq!((&settled["status"], &settled["todo"]), (&json!("sent"), &Value::Null));
    assert_eq!(app.get("/v1/receipts/summary").await.expect(200)["ok"], true);
    app.post(&of(&late, "settle"), note).await.expect_error(409, "receipt_not_due");
}

#[tokio::test]
async fn a_closing_that_waits_is_not_sent_once_a_part_went_back() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let (kind, path_) = (FaultKind::Status { status: 429 }, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_ }));
    close(&app, &payment, json!({})).await;
    app.advance(1_000).await;
    assert_eq!(receipts(&app, &payment).await[1]["status"], "queued");
    let goods = json!({"items": [{"line": 2}]});
    app.post(&path(&payment, "refunds"), goods).await.expect(201);
    settle(&app, 5_000).await;
    app.advance(MINUTE_MS).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    let dropped = due(&app).await[0].clone();
    assert_eq!(
        (&dropped["kind"], &dropped["failure"]["code"]),
        (&json!("closing"), &json!("receipt_by_hand")),
        "{dropped}"
    );
    let refused = app.post(&path(&payment, "receipts/close"), json!({})).await;
    let refused = refused.expect_error(409, "receipt_by_hand");
    assert!(refused["hint"].as_str().unwrap().contains("3000.00 by the advance"), "{refused}");
    let noted = json!({"kind": "closing", "document_number": "20125"});
    app.post(&path(&payment, "receipts"), noted).await.expect(201);
    assert!(due(&app).await.is_empty());
}
