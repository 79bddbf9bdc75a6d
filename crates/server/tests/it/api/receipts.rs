//! Receipts: checked, made by the shop's defaults, and followed.

use axum::{body::Body, http::Request};
use kopeck::{kit::db::DbError, receipts::store};
use kopeck_banks::{
    emulator::{Control, Fault, FaultKind},
    tbank::{
        emulator::directory,
        settings,
        token::{self, Scope},
    },
};
use serde_json::{Value, json};

use super::tbank::{kinds, path, settle};
use crate::harness::{
    app::TestApp,
    databases::{ALL, TestDb},
};

pub(super) fn item(change: Value) -> Value {
    let mut item = json!({"name": "Курс", "price": "5000.00", "vat": "none"});
    for (name, value) in change.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

fn found(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_check_names_everything_in_two_languages() {
    let app = TestApp::new().await;
    let lines: Vec<Value> = (0..101).map(|_| item(json!({"price": "1"}))).collect();
    let marked = json!({"quantity": 2, "subject": "goods_with_marking_code",
        "mark": {"kind": "gs1m", "value": "4111111111111111"}});
    for (receipt, code) in [
        (json!({"email": "a@example.ru", "items": lines}), "receipt_lines_many"),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"name": "я".repeat(300)}))]}),
            "receipt_name_invalid",
        ),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"quantity": 0.0001}))]}),
            "receipt_quantity_unreadable",
        ),
        (json!({"email": "a@example.ru", "items": [item(marked)]}), "receipt_mark_quantity"),
        (json!({"phone": "позвоните", "items": [item(json!({}))]}), "receipt_phone_invalid"),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"vat": "vat20"}))]}),
            "receipt_vat_date_mismatch",
        ),
        (
            json!({"email": "a@example.ru", "items": [item(json!({"price": 1}))]}),
            "receipt_total_mismatch",
        ),
        (
            json!({"email": "a@example.ru", "taxation": "envd", "items": []}),
            "receipt_taxation_abolished",
        ),
    ] {
        let body = json!({"receipt": receipt, "bank": "tbank", "amount": "5000", "ffd": "1.2",
            "taxation": "usn_income"});
        let report = app.post("/v1/receipts/check", body).await.expect(200);
        assert_eq!(report["ok"], false, "{report}");
        assert!(found(&report).contains(&code), "{code} in {report}");
        for finding in report["findings"].as_array().unwrap() {
            for text in [&finding["ru"]["problem"], &finding["en"]["fix"], &finding["basis"]] {
                assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{finding}");
            }
        }
    }
    let salebot = json!([{"name": "Курс", "quantity": 1, "price": 4900, "vat_code": 1}]);
    let report = app.post("/v1/receipts/check", json!({"receipt": salebot})).await.expect(200);
    assert_eq!((&report["form"], &report["total"]), (&json!("salebot"), &json!("4900.00")));
    for (body, param) in [
        (json!({}), "receipt"),
        (json!({"receipt": {}, "bank": "sber"}), "bank"),
        (json!({"receipt": {}, "on": "вчера"}), "on"),
        (json!({"receipt": {}, "ffd": "2"}), "ffd"),
    ] {
        let error = app.post("/v1/receipts/check", body).await.expect(422);
        assert_eq!(error["error"]["param"], param, "{error}");
    }
    let card = json!({"receipt": {"email": "4111 1111 1111 1111", "items": []}});
    let refused = app.post("/v1/receipts/check", card).await;
    refused.expect_error(422, "card_number_refused");
}

#[tokio::test]
async fn the_check_names_each_field_and_knows_what_the_shop_said() {
    let app = TestApp::new().await;
    // A field that cannot be read hides no other, and a line no other line.
    let many = json!({"email": "a@example.ru", "colour": "red", "ffd": 1.2, "items": [
        {"name": "Чай"}, item(json!({"vat": "vat21"})), item(json!({"price": "4,9"}))]});
    let report = app.post("/v1/receipts/check", json!({"receipt": many})).await.expect(200);
    for code in [
        "receipt_value_invalid",
        "receipt_field_unknown",
        "receipt_field_missing",
        "receipt_vat_unknown",
        "receipt_number_invalid",
    ] {
        assert!(found(&report).contains(&code), "{code}: {report}");
    }
    let short = json!({"preset": "tea", "vat": "vat20x", "closes_on": "завтра"});
    let report = app.post("/v1/receipts/check", json!({"receipt": short})).await.expect(200);
    let codes = ["receipt_word_unknown", "receipt_vat_unknown", "receipt_word_unknown"];
    assert_eq!(found(&report), codes, "each of its words: {report}");
    let coming = json!({"vat": [{"vat": "usn5", "valid_from": "2027-01-01"}]});
    let refused = app.put("/v1/receipts/defaults", coming).await;
    assert_eq!(refused.expect_error(422, "param_invalid")["param"], "vat");
    let agent = json!({"kind": "another"});
    let agents = json!({"email": "a@example.ru", "items": [item(json!({"agent": agent}))]});
    let ask = json!({"receipt": agents, "bank": "tbank", "taxation": "osn"});
    let alone = app.post("/v1/receipts/check", ask.clone()).await.expect(200);
    assert_eq!(found(&alone), ["receipt_supplier_missing"]);
    let with = |phone: &str| {
        json!({"vat": "none",
        "supplier": {"name": "ООО Мир", "phone": phone, "inn": "7707083893"}})
    };
    let wrong = app.put("/v1/receipts/defaults", with("номер")).await;
    assert_eq!(wrong.expect_error(422, "param_invalid")["param"], "supplier");
    app.put("/v1/receipts/defaults", with("+79991234567")).await.expect(200);
    let known = app.post("/v1/receipts/check", ask).await.expect(200);
    assert_eq!(known["ok"], true, "the supplier of the defaults: {known}");
}

#[tokio::test]
async fn defaults_of_before_a_rule_stop_no_payment() {
    let app = TestApp::at("tochka").await;
    let supplier = json!({"name": "ООО Мир", "phone": "номер", "inn": "7"});
    let saved = json!({"vat": [{"vat": "none"}], "supplier": supplier});
    let (saved, shop_id) = (serde_json::from_value(saved).unwrap(), app.shop.id.clone());
    let done: Result<(), DbError> =
        app.ctx.db.write(move |tx| store::update_defaults(tx, &shop_id, &saved)).await;
    done.unwrap();
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    app.advance(61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    let shown = app.get("/v1/receipts/defaults").await.expect(200);
    let again = json!({"vat": shown["vat"], "supplier": shown["supplier"]});
    let refused = app.put("/v1/receipts/defaults", again).await;
    assert_eq!(refused.expect_error(422, "param_invalid")["param"], "supplier");
}

#[tokio::test]
async fn the_check_knows_the_connections_tax_system() {
    let app = TestApp::at("tbank").await;
    let goods = json!({"email": "a@example.ru", "items": [item(json!({}))]});
    let ask = json!({"receipt": goods, "bank": "tbank"});
    app.set_credentials(|credentials| credentials.set(settings::TAXATION, "")).await;
    let bare = app.post("/v1/receipts/check", ask.clone()).await.expect(200);
    assert_eq!(found(&bare), ["receipt_taxation_missing"], "{bare}");
    app.set_credentials(|credentials| {
        credentials.set(settings::TAXATION, "usn_income");
        credentials.set(settings::FFD_VERSION, "1.2");
    })
    .await;
    let known = app.post("/v1/receipts/check", ask).await.expect(200);
    assert!(!found(&known).contains(&"receipt_taxation_missing"), "{known}");
}

#[tokio::test]
async fn vat_is_judged_by_the_day_of_the_payment() {
    let app = TestApp::at("tbank").await;
    let body = |vat: &str| {
        json!({"amount": "5000.00", "purpose": "Курс", "receipt": {"email": "a@example.ru",
            "taxation": "osn", "items": [item(json!({"vat": vat}))]}})
    };
    let refused = app.post("/v1/payments", body("vat20")).await;
    refused.expect_error(422, "receipt_vat_date_mismatch");
    app.post("/v1/payments", body("vat22")).await.expect(201);
}

#[tokio::test]
async fn one_field_makes_a_receipt_once_the_shop_said_its_vat() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        let body = json!({"amount": "5000.00", "purpose": "Курс",
            "receipt": {"preset": "online_course", "email": "a@example.ru"}});
        let error = app.post("/v1/payments", body.clone()).await;
        error.expect_error(422, "receipt_defaults_missing");
        let shown = app.get("/v1/receipts/defaults").await.expect(200);
        assert_eq!(shown["saved"], false);
        let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let shown = app.get("/v1/receipts/defaults").await.expect(200);
        assert_eq!((&shown["saved"], &shown["vat"][0]["vat"]), (&json!(true), &json!("none")));
        app.post("/v1/payments", body).await.expect(201);
        let bare = json!({"amount": "5000.00", "purpose": "Курс",
            "customer": {"email": "b@example.ru"}});
        app.post("/v1/payments", bare).await.expect(201);
        let plain = json!({"amount": "5000.00", "purpose": "Курс"});
        app.post("/v1/payments", plain).await.expect(201);
        let sent: i64 = match bank {
            "tochka" => 2,
            _ => 0,
        };
        let with_receipt = app.bank.count("POST /uapi/acquiring/v1.0/payments_with_receipt");
        assert_eq!(i64::try_from(with_receipt).unwrap(), sent);
        let wrong = json!({"amount": "5000.00", "purpose": "Курс",
            "receipt": {"preset": "tea", "email": "a@example.ru"}});
        let error = app.post("/v1/payments", wrong).await.expect_error(422, "receipt_invalid");
        assert_eq!(error["param"], "receipt.preset");
    }
}

/// What a cash register says of a receipt, as T-Bank forwards it.
pub(super) async fn fiscal(app: &TestApp, payment: &Value, change: Value) {
    let id: u64 = payment["bank_payment_id"].as_str().unwrap().parse().unwrap();
    let mut body = json!({
        "TerminalKey": directory::DEMO_KEY, "OrderId": payment["reference"], "Success": true,
        "Status": "RECEIPT", "PaymentId": id, "ErrorCode": "0", "Amount": 500_000,
        "FiscalNumber": 7, "ShiftNumber": 1, "FnNumber": "9999078900001341",
        "FiscalDocumentNumber": 20_123, "FiscalDocumentAttribute": 3_925_354_353_u64,
        "Type": "Income", "Url": "https://ofd.example.ru/20123",
        "QrCodeUrl": "https://ofd.example.ru/20123.png", "Receipt": {"Email": "a@example.ru"},
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let body = token::sign(&body.to_string(), directory::DEMO_PASSWORD, Scope::All);
    let request = Request::post(app.notice_path()).body(Body::from(body)).unwrap();
    assert_eq!(app.send(request).await.status, 200);
}

pub(super) async fn receipts(app: &TestApp, payment: &Value) -> Vec<Value> {
    let list = app.get(&path(payment, "receipts")).await.expect(200);
    list["data"].as_array().unwrap().clone()
}

pub async fn due(app: &TestApp) -> Vec<Value> {
    let list = app.get("/v1/receipts/due").await.expect(200);
    list["data"].as_array().unwrap().clone()
}

pub(super) async fn count(app: &TestApp, kind: &str) -> usize {
    kinds(app).await.iter().filter(|own| *own == kind).count()
}

/// Whether the bank was sent a receipt with this kind of request.
async fn carried(app: &TestApp, payment: &Value, op: &str) -> bool {
    let story = app.get(&path(payment, "timeline")).await.expect(200);
    let entries = story["data"].as_array().unwrap().iter().filter(|entry| entry["name"] == op);
    let with =
        |entry: &Value| entry["request"].as_str().is_some_and(|it| it.contains("\"Receipt\""));
    let found: Vec<bool> = entries.map(with).collect();
    assert!(!found.is_empty(), "no {op} in {story}");
    found.into_iter().any(|is| is)
}

/// Two lines of 3000 and 2000.
pub fn basket(method: &str) -> Value {
    json!({"receipt": {"email": "a@example.ru", "taxation": "usn_income", "items": [
        {"name": "Торт", "price": "1500", "quantity": 2, "vat": "none", "method": method},
        {"name": "Свечи", "price": "2000.00", "vat": "none", "method": method}]}})
}

#[tokio::test]
async fn the_cash_registers_word_moves_a_receipt_and_never_the_payment() {
    let app = TestApp::at("tbank").await;
    let payment = app.create(basket("full_payment")).await;
    assert_eq!(receipts(&app, &payment).await[0]["status"], "queued");
    app.pay(&payment);
    app.advance(61_000).await;
    let sent = &receipts(&app, &payment).await[0];
    assert_eq!((&sent["status"], &sent["amount"]), (&json!("sent"), &json!("5000.00")));
    let problem = json!({"Success": false, "ErrorCode": "12", "ErrorMessage": "Касса недоступна"});
    fiscal(&app, &payment, problem).await;
    let failed = &receipts(&app, &payment).await[0];
    assert_eq!(
        (&failed["status"], &failed["failure"]["message"]),
        (&json!("failed"), &json!("Касса недоступна"))
    );
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    for _ in 0..2 {
        fiscal(&app, &payment, json!({})).await;
    }
    // What comes late changes nothing.
    fiscal(&app, &payment, json!({"Success": false, "ErrorCode": "12"})).await;
    let all = receipts(&app, &payment).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["status"], "registered");
    assert_eq!(all[0]["fiscal"]["document_number"], "20123");
    assert_eq!(all[0]["fiscal"]["qr_url"], "https://ofd.example.ru/20123.png");
    let page = app.get(&format!("/pay/{}?lang=ru", payment["id"].as_str().unwrap())).await.text();
    let leads = page.contains("href=\"https://ofd.example.ru/20123\"");
    assert!(leads && page.contains("Открыть чек"), "{page}");
    assert_eq!(all[0]["failure"], Value::Null);
    for kind in ["receipt.sent", "receipt.failed", "receipt.registered"] {
        assert_eq!(count(&app, kind).await, 1, "{kind}");
    }
    let events = app.get("/v1/events?type=receipt.registered").await.expect(200);
    assert_eq!(events["data"][0]["receipt_id"], all[0]["id"]);
    assert_eq!(events["data"][0]["refund_id"], Value::Null);
}

#[tokio::test]
async fn nothing_is_made_of_what_nobody_pays() {
    let app = TestApp::new().await;
    let wish = json!({"ttl_minutes": 5});
    let mut body = basket("full_payment");
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let payment = app.create(body).await;
    app.advance(7_200_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "expired");
    assert_eq!(receipts(&app, &payment).await[0]["status"], "none");
    assert_eq!(count(&app, "receipt.sent").await, 0);
}

#[tokio::test]
async fn a_refunds_receipt_mirrors_what_goes_back() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        let payment = app.create_paid(basket("full_payment")).await;
        let refund = app.post(&path(&payment, "refunds"), json!({"amount": "1000"})).await;
        refund.expect(201);
        settle(&app, 5_000).await;
        let share = receipts(&app, &payment).await[1].clone();
        assert_eq!((&share["kind"], &share["status"]), (&json!("refund"), &json!("sent")));
        let prices: Vec<&Value> =
            share["receipt"]["items"].as_array().unwrap().iter().map(|it| &it["price"]).collect();
        assert_eq!(prices, [&json!("300.00"), &json!("400.00")]);
        // One cake of two: half of the 2400 that are left of that line.
        let goods = json!({"items": [{"line": 1, "quantity": "1"}]});
        let other = json!({"amount": "5", "items": [{"line": 1, "quantity": "1"}]});
        let refused = app.post(&path(&payment, "refunds"), other).await;
        assert_eq!(refused.expect_error(422, "param_invalid")["param"], "items");
        let made = app.post(&path(&payment, "refunds"), goods).await.expect(201);
        assert_eq!(made["amount"], "1200.00");
        settle(&app, 5_000).await;
        let all = receipts(&app, &payment).await;
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[2]["receipt"]["items"].as_array().unwrap().len(), 1);
        assert_eq!(all[2]["refund_id"], made["id"]);
        for wrong in [json!([{"line": 1, "quantity": "2"}]), json!([{"line": 3}]), json!([])] {
            let refused = app.post(&path(&payment, "refunds"), json!({"items": wrong})).await;
            assert_eq!(refused.expect_error(422, "param_invalid")["param"], "items");
        }
        assert_eq!(receipts(&app, &payment).await.len(), 3, "a refused refund leaves no receipt");
        let rest = app.post(&path(&payment, "refunds"), json!({})).await.expect(201);
        assert_eq!(rest["amount"], "2800.00");
        settle(&app, 5_000).await;
        assert_eq!(app.payment(&payment["id"]).await["status"], "refunded");
        let last = receipts(&app, &payment).await[3].clone();
        assert_eq!((&last["amount"], &last["status"]), (&json!("2800.00"), &json!("sent")));
        if bank == "tbank" {
            assert!(carried(&app, &payment, "refund").await);
            let back = |kopecks: u64, number: u64| json!({"Type": "IncomeReturn", "Amount": kopecks, "FiscalDocumentNumber": number});
            fiscal(&app, &payment, back(120_000, 2)).await;
            // Of a refund that we know nothing of, such as one made in the cabinet.
            fiscal(&app, &payment, back(100_000, 1)).await;
            fiscal(&app, &payment, back(280_000, 3)).await;
            fiscal(&app, &payment, back(100, 4)).await;
            let all = receipts(&app, &payment).await;
            let numbers: Vec<&Value> =
                all.iter().map(|it| &it["fiscal"]["document_number"]).collect();
            assert_eq!(numbers, [&Value::Null, &json!("1"), &json!("2"), &json!("3"), &json!("4")]);
        }
    }
}

#[tokio::test]
async fn a_part_of_a_hold_has_a_receipt_of_that_part() {
    let app = TestApp::at("tbank").await;
    let mut body = basket("full_payment");
    body["capture"] = json!("manual");
    let payment = app.create_paid(body).await;
    assert_eq!(payment["status"], "authorized");
    app.post(&path(&payment, "capture"), json!({"amount": "3000"})).await.expect(200);
    settle(&app, 61_000).await;
    assert_eq!(app.payment(&payment["id"]).await["paid_kopecks"], 300_000);
    assert!(carried(&app, &payment, "capture").await);
    let made = receipts(&app, &payment).await[0].clone();
    assert_eq!((&made["amount"], &made["status"]), (&json!("3000.00"), &json!("sent")));
    let items = made["receipt"]["items"].as_array().unwrap();
    assert_eq!((&items[0]["price"], &items[1]["price"]), (&json!("900.00"), &json!("1200.00")));
}

#[tokio::test]
async fn a_prepayment_is_closed_once() {
    let app = TestApp::at("tbank").await;
    let plain = app.create_paid(basket("full_payment")).await;
    let refused = app.post(&path(&plain, "receipts/close"), json!({})).await;
    refused.expect_error(409, "receipt_not_closable");
    assert!(due(&app).await.is_empty());
    let payment = app.create_paid(basket("full_prepayment")).await;
    assert_eq!(due(&app).await[0]["payment_id"], payment["id"]);
    app.advance(31 * 86_400_000).await;
    assert_eq!(count(&app, "receipt.due").await, 1);
    let closing = app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    assert_eq!((&closing["kind"], &closing["status"]), (&json!("closing"), &json!("queued")));
    assert_eq!(closing["receipt"]["settlement"]["advance"], "5000.00");
    app.advance(1_000).await;
    let again = app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&closing["id"], &json!("sent")));
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    // The cash register has said nothing of the sales for a month.
    assert!(due(&app).await.iter().all(|it| it["todo"]["code"] == "late"));
    fiscal(&app, &payment, json!({})).await;
    fiscal(&app, &payment, json!({"FiscalDocumentNumber": 20_124})).await;
    let all = receipts(&app, &payment).await;
    assert!(all.iter().all(|it| it["status"] == "registered"), "{all:?}");
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_told_and_nothing_is_sent_again() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let (kind, path_) = (FaultKind::ReplyLost, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_ }));
    app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    app.advance(3_600_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    let lost = receipts(&app, &payment).await[1].clone();
    assert_eq!(lost["status"], "sent");
    assert!(lost["note"].as_str().is_some_and(|note| note.contains("not sent again")), "{lost}");
    // The bank has it, so that another one is refused, and the refusal is a task for a person.
    let anew = app.post(&path(&payment, "receipts/close"), json!({"again": true})).await;
    assert_ne!(anew.expect(200)["id"], lost["id"]);
    app.advance(1_000).await;
    let refused = receipts(&app, &payment).await[2].clone();
    assert_eq!(refused["status"], "failed");
    assert_eq!(due(&app).await[0]["id"], refused["id"]);
    assert_eq!(count(&app, "receipt.failed").await, 1);
    let noted = json!({"kind": "closing", "document_number": "20124", "note": "в кассе он есть"});
    app.post(&path(&payment, "receipts"), noted).await.expect(201);
    assert!(due(&app).await.is_empty());
}

#[tokio::test]
async fn what_a_bank_cannot_make_a_person_notes() {
    for kind in ALL {
        let db = TestDb::new(kind);
        let app = TestApp::over(db.db.clone()).await;
        let payment = app.create_paid(basket("full_prepayment")).await;
        let refused = app.post(&path(&payment, "receipts/close"), json!({})).await;
        refused.expect_error(409, "receipt_by_hand");
        assert_eq!(due(&app).await.len(), 1);
        let summary = app.get("/v1/receipts/summary").await.expect(200);
        assert_eq!((&summary["upcoming"], &summary["ok"]), (&json!(1), &json!(true)), "{summary}");
        let listed = app.get("/v1/receipts?due=true&kind=income&status=sent&limit=1").await;
        assert_eq!(listed.expect(200)["data"][0]["payment_id"], payment["id"]);
        let noted = json!({"kind": "closing", "document_number": "1", "url": "https://ofd.ru/1"});
        let noted = app.post(&path(&payment, "receipts"), noted).await.expect(201);
        assert_eq!((&noted["status"], &noted["by_hand"]), (&json!("registered"), &json!(true)));
        assert!(due(&app).await.is_empty());
        let correction = json!({"kind": "correction", "note": "ставка"});
        app.post(&path(&payment, "receipts"), correction).await.expect(201);
        let made = receipts(&app, &payment).await;
        let made: Vec<&Value> = made.iter().map(|it| &it["kind"]).collect();
        assert_eq!(made, [&json!("income"), &json!("closing"), &json!("correction")]);
        for body in [json!({}), json!({"kind": "x"})] {
            let wrong = app.post(&path(&payment, "receipts"), body).await.expect(422);
            assert_eq!(wrong["error"]["param"], "kind");
        }
        let npd = json!({"taxpayer": "npd"});
        app.put("/v1/receipts/defaults", npd).await.expect(200);
        let before = app.bank.count("payments_with_receipt");
        let payment = app.create_paid(basket("full_payment")).await;
        assert_eq!(app.bank.count("payments_with_receipt"), before, "no receipt by the bank");
        let reminder = due(&app).await[0].clone();
        assert_eq!(
            (&reminder["payment_id"], &reminder["status"]),
            (&payment["id"], &json!("none"))
        );
        assert_eq!(reminder["receipt"]["name"], "Торт");
        assert_eq!(count(&app, "receipt.due").await, 1);
        assert_eq!(app.get("/healthz").await.expect(200)["receipts"]["due"], 1);
        let made = json!({"kind": "income", "url": "https://lknpd.nalog.ru/1"});
        app.post(&path(&payment, "receipts"), made).await.expect(201);
        app.advance(86_400_000).await;
        assert!(due(&app).await.is_empty());
    }
}

#[tokio::test]
async fn a_run_that_died_after_asking_leaves_a_question_and_no_second_request() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    let asked: Result<u64, DbError> = app
        .ctx
        .db
        .write(|tx| tx.execute("update receipts set asked_ms = 1 where kind = 'closing'", &[]))
        .await;
    assert_eq!(asked.unwrap(), 1);
    app.advance(1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 0);
    let closing = receipts(&app, &payment).await[1].clone();
    assert_eq!(closing["status"], "sent");
    assert!(closing["note"].as_str().is_some_and(|note| note.contains("did not answer")));
}

#[tokio::test]
async fn a_closing_receipt_that_never_left_is_tried_again() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let (kind, path_) = (FaultKind::Status { status: 429 }, "SendClosingReceipt".to_owned());
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: path_ }));
    app.post(&path(&payment, "receipts/close"), json!({})).await.expect(200);
    app.advance(1_000).await;
    assert_eq!(receipts(&app, &payment).await[1]["status"], "queued");
    app.advance(60_000).await;
    assert_eq!(receipts(&app, &payment).await[1]["status"], "sent");
}

#[tokio::test]
async fn what_stays_after_a_refund_is_a_persons_to_close() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_prepayment")).await;
    let goods = json!({"items": [{"line": 1, "quantity": "1"}]});
    app.post(&path(&payment, "refunds"), goods).await.expect(201);
    settle(&app, 5_000).await;
    // The bank closes only what is CONFIRMED, which a payment is no more after a refund: nothing is
    // sent, and the person is told the lines.
    let refused = app.post(&path(&payment, "receipts/close"), json!({})).await;
    let refused = refused.expect_error(409, "receipt_by_hand");
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("«Торт» 1 × 1500.00, none; «Свечи» 1 × 2000.00, none"), "{hint}");
    assert!(hint.contains("3500.00 by the advance"), "{hint}");
    assert_eq!(app.bank.count("SendClosingReceipt"), 0);
    assert_eq!(due(&app).await[0]["payment_id"], payment["id"]);
    let noted = json!({"kind": "closing", "document_number": "20125"});
    app.post(&path(&payment, "receipts"), noted).await.expect(201);
    assert!(due(&app).await.is_empty());
    // All of it back: nothing is due any more.
    let other = app.create_paid(basket("full_prepayment")).await;
    assert_eq!(due(&app).await.len(), 1);
    app.post(&path(&other, "refunds"), json!({})).await.expect(201);
    settle(&app, 5_000).await;
    assert!(due(&app).await.is_empty());
}
