//! What no bank makes and a person has to: nothing of it is lost in silence.

use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
};
use serde_json::{Value, json};

use super::{
    receipts::{basket, count, due, fiscal, receipts},
    tbank::{path, settle},
};
use crate::harness::{
    app::{START_MS, TestApp},
    sbp,
};

const DAY_MS: i64 = 24 * 60 * 60_000;

async fn save(app: &TestApp, vat: Value) -> Value {
    let defaults = json!({"taxation": "usn_income", "vat": vat});
    app.put("/v1/receipts/defaults", defaults).await.expect(200)
}

/// No VAT until the end of the day after the tests' own, 5 % from then on.
fn vat_soon() -> Value {
    json!([{"vat": "none"}, {"vat": "usn5", "valid_from": "2026-11-23"}])
}

fn todos(list: &[Value]) -> Vec<&str> {
    list.iter().map(|it| it["todo"]["code"].as_str().unwrap()).collect()
}

fn vats(receipt: &Value) -> Vec<&str> {
    let items = receipt["receipt"]["items"].as_array().unwrap();
    items.iter().map(|item| item["vat"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_buyer_without_an_address_is_not_forgotten() {
    for (bank, buyer) in [
        ("tochka", json!({})),
        ("tochka", json!({"customer": {"phone": "+79001234567"}})),
        ("tbank", json!({})),
    ] {
        let app = TestApp::at(bank).await;
        // One word is a plan too.
        assert_eq!(
            save(&app, json!("none")).await["vat"],
            json!([{"vat": "none", "valid_from": null}])
        );
        let payment = app.create(buyer.clone()).await;
        assert_eq!(due(&app).await.len(), 0, "nothing is sold yet");
        app.pay(&payment);
        app.advance(61_000).await;
        let list = due(&app).await;
        assert_eq!(todos(&list), ["make_no_contact"], "{bank} {buyer}");
        assert_eq!(list[0]["receipt"]["items"][0]["price"], "5000.00");
        assert_eq!((&list[0]["by_hand"], &list[0]["status"]), (&json!(true), &json!("none")));
        let part = app.post(&path(&payment, "refunds"), json!({"amount": "1000"})).await;
        part.expect(201);
        settle(&app, 5_000).await;
        assert_eq!(app.payment(&payment["id"]).await["refunded_kopecks"], 100_000);
        let goods = json!({"items": [{"line": 1, "quantity": "1"}]});
        app.post(&path(&payment, "refunds"), goods).await.expect(201);
        settle(&app, 5_000).await;
        assert_eq!(app.payment(&payment["id"]).await["status"], "refunded");
        let list = due(&app).await;
        let expect = ["make_no_contact", "make_refund_by_hand", "make_refund_by_hand"];
        assert_eq!(todos(&list), expect, "{bank} {buyer}");
        for (nth, receipt) in list.iter().enumerate() {
            let id = receipt["id"].as_str().unwrap();
            let said = json!({"document_number": nth.to_string()});
            app.post(&format!("/v1/receipts/{id}/settle"), said).await.expect(200);
        }
        assert_eq!(due(&app).await.len(), 0);
        // With an address the bank makes it.
        let payment = app.create_paid(json!({"customer": {"email": "a@example.ru"}})).await;
        assert_eq!(receipts(&app, &payment).await[0]["status"], "sent");
        assert_eq!(due(&app).await.len(), 0);
    }
}

#[tokio::test]
async fn what_a_person_made_a_person_closes() {
    let app = TestApp::at("tbank").await;
    let defaults = json!({"taxation": "usn_income", "vat": "none", "preset": "prepayment"});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    let payment = app.create_paid(json!({})).await;
    let id = due(&app).await[0]["id"].as_str().unwrap().to_owned();
    let said = json!({"document_number": "1"});
    app.post(&format!("/v1/receipts/{id}/settle"), said).await.expect(200);
    assert_eq!(todos(&due(&app).await), ["close_by_hand"]);
    let refused = app.post(&path(&payment, "receipts/close"), json!({})).await;
    refused.expect_error(409, "receipt_by_hand");
    let said = json!({"kind": "closing", "document_number": "2"});
    app.post(&path(&payment, "receipts"), said).await.expect(201);
    assert_eq!(due(&app).await.len(), 0);
}

#[tokio::test]
async fn a_hold_is_taken_at_the_rates_of_the_day_on_which_it_is_taken() {
    for part in [json!({}), json!({"amount": "2500.00"})] {
        let app = TestApp::at("tbank").await;
        save(&app, vat_soon()).await;
        let mut wish = basket("full_payment");
        wish["capture"] = json!("manual");
        let payment = app.create(wish).await;
        app.pay(&payment);
        app.advance(61_000).await;
        assert_eq!(vats(&receipts(&app, &payment).await[0]), ["none", "none"]);
        app.advance(3 * DAY_MS).await;
        app.post(&path(&payment, "capture"), part).await.expect(200);
        settle(&app, 61_000).await;
        assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
        let receipt = receipts(&app, &payment).await[0].clone();
        assert_eq!(vats(&receipt), ["vat5", "vat5"], "{receipt}");
        let story = app.get(&path(&payment, "timeline")).await.expect(200);
        let told = story.to_string().matches("\\\\\\\"Tax\\\\\\\":\\\\\\\"vat5").count()
            + story.to_string().matches("\\\"Tax\\\":\\\"vat5").count();
        assert_eq!(told, 2, "the bank is told so with the capture: {story}");
        assert_eq!(due(&app).await.len(), 0);
    }
}

#[tokio::test]
async fn a_capture_asked_for_on_both_sides_of_midnight_is_looked_at() {
    let app = TestApp::at("tbank").await;
    save(&app, vat_soon()).await;
    let mut wish = basket("full_payment");
    wish["capture"] = json!("manual");
    let payment = app.create(wish).await;
    app.pay(&payment);
    app.advance(61_000).await;
    // Half a minute before the day on which 5 % begins.
    let begins_ms = START_MS + DAY_MS + 9 * 60 * 60_000;
    app.advance(begins_ms - 30_000 - app.ctx.now_ms()).await;
    let kind = FaultKind::Hang { ms: 1 };
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: "/Confirm".to_owned() }));
    app.post(&path(&payment, "capture"), json!({})).await.expect(200);
    settle(&app, 5_000).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "capturing");
    for _ in 0..20 {
        app.advance(61_000).await;
    }
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!(app.bank.count("/v2/Confirm"), 2);
    assert_eq!(vats(&receipts(&app, &payment).await[0]), ["vat5", "vat5"]);
    assert_eq!(todos(&due(&app).await), ["correct_vat"], "which of the two it took, who knows");
}

#[tokio::test]
async fn what_the_bank_was_told_of_another_day_needs_a_correction() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        assert_eq!(save(&app, json!("none")).await["outliving"], Value::Null);
        let mut wish = basket("full_payment");
        wish["ttl_minutes"] = json!(3 * 24 * 60);
        let payment = app.create(wish).await;
        // Said when the link was out already.
        let saved = save(&app, vat_soon()).await;
        assert_eq!(
            saved["vat"],
            json!([{"vat": "none", "valid_from": null},
            {"vat": "usn5", "valid_from": "2026-11-23"}])
        );
        let outliving = (&saved["outliving"]["links"], &saved["outliving"]["changes_on"]);
        assert_eq!(outliving, (&json!(1), &json!("2026-11-23")), "{saved}");
        app.advance(2 * DAY_MS).await;
        app.pay(&payment);
        app.advance(DAY_MS / 24).await;
        assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
        assert_eq!(todos(&due(&app).await), ["correct_vat"], "{bank}");
        if bank == "tbank" {
            fiscal(&app, &payment, json!({})).await;
            assert_eq!(receipts(&app, &payment).await[0]["status"], "registered");
            assert_eq!(todos(&due(&app).await), ["correct_vat"], "made, and wrong all the same");
        }
        let id = due(&app).await[0]["id"].clone();
        let said = json!({"kind": "correction", "receipt_id": id, "document_number": "77"});
        for _ in 0..2 {
            app.post(&path(&payment, "receipts"), said.clone()).await.expect(201);
        }
        assert_eq!(due(&app).await.len(), 0);
        let all = receipts(&app, &payment).await;
        let kinds: Vec<&Value> = all.iter().map(|it| &it["kind"]).collect();
        assert_eq!(kinds, [&json!("income"), &json!("correction")]);
    }
}

#[tokio::test]
async fn a_correction_may_settle_what_it_corrects() {
    let app = TestApp::at("tochka").await;
    save(&app, json!("none")).await;
    let mut wish = basket("full_payment");
    wish["capture"] = json!("manual");
    wish["methods"] = json!(["card"]);
    let payment = app.create(wish).await;
    app.pay(&payment);
    app.advance(61_000).await;
    save(&app, vat_soon()).await;
    // Tochka takes no receipt with a capture: what it makes is of the link's day.
    app.advance(2 * DAY_MS).await;
    app.post(&path(&payment, "capture"), json!({})).await.expect(200);
    settle(&app, 61_000).await;
    let list = due(&app).await;
    assert_eq!(todos(&list), ["correct_vat"]);
    let id = list[0]["id"].as_str().unwrap();
    let said = json!({"document_number": "78"});
    for _ in 0..2 {
        let noted = app.post(&format!("/v1/receipts/{id}/settle"), said.clone()).await;
        assert_eq!(noted.expect(200)["kind"], "correction");
    }
    assert_eq!(receipts(&app, &payment).await.len(), 2);
    assert_eq!(due(&app).await.len(), 0);
    assert_eq!(receipts(&app, &payment).await[0]["fiscal"], Value::Null);
}

#[tokio::test]
async fn a_late_word_of_the_cash_register_is_told_once() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_payment")).await;
    app.advance(DAY_MS - 120_000).await;
    assert_eq!(count(&app, "receipt.late").await, 0);
    for _ in 0..3 {
        app.advance(DAY_MS).await;
        assert_eq!(count(&app, "receipt.late").await, 1);
    }
    assert_eq!(todos(&due(&app).await), ["late"]);
    fiscal(&app, &payment, json!({})).await;
    assert_eq!(due(&app).await.len(), 0);
}

#[tokio::test]
async fn what_is_due_is_listed_by_pages() {
    let app = TestApp::at("tochka").await;
    save(&app, json!("none")).await;
    for _ in 0..5 {
        app.create_paid(json!({})).await;
    }
    let whole = due(&app).await;
    assert_eq!(whole.len(), 5);
    let mut paged = Vec::new();
    let mut next = "/v1/receipts/due?limit=2".to_owned();
    loop {
        let page = app.get(&next).await.expect(200);
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("/v1/receipts/due?limit=2&starting_after={cursor}");
    }
    assert_eq!(paged, whole);
    let wrong = app.get("/v1/receipts/due?starting_after=rcp_0").await;
    wrong.expect_error(422, "cursor_invalid");
}

#[tokio::test]
async fn a_discount_and_the_delivery_add_up_to_the_kopeck() {
    for bank in ["tochka", "tbank"] {
        let app = TestApp::at(bank).await;
        let receipt = json!({"email": "a@example.ru", "taxation": "osn", "items": [
                {"name": "Чай", "price": "333.33", "quantity": 3, "vat": "vat22"},
                {"name": "Книга", "price": "1000", "vat": "vat10"}],
            "discount": "99.99", "delivery": {"price": "350", "vat": "vat22"}});
        let wish = json!({"amount": "2250.00", "purpose": "Заказ", "receipt": receipt.clone()});
        let payment = app.post("/v1/payments", wish).await.expect(201);
        app.pay(&payment);
        app.advance(61_000).await;
        let sent = receipts(&app, &payment).await[0].clone();
        assert_eq!((&sent["status"], &sent["amount"]), (&json!("sent"), &json!("2250.00")));
        let items = sent["receipt"]["items"].as_array().unwrap();
        let shown: Vec<String> = items
            .iter()
            .map(|it| format!("{} {} × {}", it["name"], it["quantity"], it["price"]))
            .collect();
        let expect = [
            "\"Чай\" \"1\" × \"316.66\"",
            "\"Чай\" \"2\" × \"316.67\"",
            "\"Книга\" \"1\" × \"950.00\"",
            "\"Доставка\" \"1\" × \"350.00\"",
        ];
        assert_eq!(shown.join("\n"), expect.join("\n"));
        for (change, code) in [
            (json!({"discount": "5000"}), "receipt_number_invalid"),
            (json!({"discount": "1,5"}), "receipt_number_invalid"),
            (json!({"delivery": {"price": "1", "vat": "vat18"}}), "receipt_word_unknown"),
            (json!({"delivery": {"price": "1"}}), "receipt_field_missing"),
            (json!({"delivery": {"price": "0"}, "discount": "x"}), "receipt_number_invalid"),
            (json!({"discont": "1"}), "receipt_field_unknown"),
        ] {
            let mut wrong = receipt.clone();
            wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let report = app.post("/v1/receipts/check", json!({"receipt": wrong})).await;
            let report = report.expect(200);
            assert_eq!(report["findings"][0]["code"], code, "{report}");
        }
    }
}

#[tokio::test]
async fn all_of_a_sale_goes_back_to_its_own_buyer() {
    let app = TestApp::at("tbank").await;
    let payment = app.create_paid(basket("full_payment")).await;
    let back = |email: &str| {
        let mut back = basket("full_payment");
        back["receipt"]["email"] = json!(email);
        back
    };
    let refused = app.post(&path(&payment, "refunds"), back("b@example.ru")).await;
    let refused = refused.expect_error(422, "param_invalid");
    assert!(refused["message"].as_str().unwrap().contains("the buyer of the sale"), "{refused}");
    app.post(&path(&payment, "refunds"), back("a@example.ru")).await.expect(201);
}

#[tokio::test]
async fn a_part_that_the_lines_cannot_make_is_refused_when_it_is_asked_for() {
    let app = TestApp::at("tbank").await;
    // A hundred lines of which none can be split without being one too many.
    let items: Vec<Value> = (0..100)
        .map(|nth| json!({"name": format!("Т{nth}"), "price": "1.00", "quantity": "3", "vat": "none"}))
        .collect();
    let wish = json!({"amount": "300.00", "purpose": "Много", "capture": "manual",
        "receipt": {"email": "a@example.ru", "taxation": "usn_income", "items": items}});
    let payment = app.post("/v1/payments", wish).await.expect(201);
    let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
    app.advance(61_000).await;
    let refused = app.post(&path(&payment, "capture"), json!({"amount": "299.98"})).await;
    let refused = refused.expect_error(422, "param_invalid");
    assert_eq!(refused["param"], "amount");
    app.post(&path(&payment, "capture"), json!({"amount": "297.00"})).await.expect(200);
    settle(&app, 61_000).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!((&payment["status"], &payment["paid_kopecks"]), (&json!("paid"), &json!(29_700)));
}

#[tokio::test]
async fn the_part_of_a_hold_that_is_taken_is_the_part_to_be_made() {
    for (defaults, todo) in [
        (json!({"taxpayer": "npd"}), "make_npd"),
        (json!({"taxation": "usn_income", "vat": "none"}), "make_no_contact"),
    ] {
        let app = TestApp::at("tbank").await;
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let payment = app.create_paid(json!({"capture": "manual"})).await;
        app.post(&path(&payment, "capture"), json!({"amount": "2500.00"})).await.expect(200);
        settle(&app, 61_000).await;
        let list = due(&app).await;
        assert_eq!(todos(&list), [todo]);
        assert_eq!(list[0]["amount"], "2500.00");
        if todo == "make_no_contact" {
            assert_eq!(list[0]["receipt"]["items"][0]["price"], "2500.00");
        }
        // Given back behind our back: nobody but the shop mirrors it.
        let id = payment["bank_payment_id"].as_str().unwrap().to_owned();
        let amount = Some(Money::parse_rubles("1000").unwrap());
        app.bank.control(&Control::Refund { id, amount });
        app.advance(DAY_MS).await;
        assert_eq!(app.payment(&payment["id"]).await["refunded_kopecks"], 100_000);
        assert_eq!(due(&app).await.len(), 2, "{todo}");
    }
}

#[tokio::test]
async fn a_plan_said_anew_on_the_day_of_the_change_keeps_what_held_before() {
    let app = TestApp::at("tbank").await;
    save(&app, json!("none")).await;
    let mut wish = basket("full_prepayment");
    wish["ttl_minutes"] = json!(3 * 24 * 60);
    let prepaid = app.create_paid(wish.clone()).await;
    let open = app.create(wish).await;
    app.advance(DAY_MS).await;
    let saved = save(&app, json!("usn5")).await;
    assert_eq!(saved["vat"][1], json!({"vat": "usn5", "valid_from": "2026-11-22"}));
    assert_eq!(saved["outliving"]["links"], 1, "{saved}");
    app.pay(&open);
    app.advance(DAY_MS / 24).await;
    assert!(todos(&due(&app).await).contains(&"correct_vat"));
    let closing = app.post(&path(&prepaid, "receipts/close"), json!({})).await.expect(200);
    assert_eq!(vats(&closing), ["vat5", "vat5"]);
}

#[tokio::test]
async fn a_page_of_what_is_due_outlives_its_settling() {
    let app = TestApp::at("tochka").await;
    save(&app, json!("none")).await;
    for _ in 0..3 {
        app.create_paid(json!({})).await;
    }
    let page = app.get("/v1/receipts/due?limit=2").await.expect(200);
    for receipt in page["data"].as_array().unwrap() {
        let id = receipt["id"].as_str().unwrap();
        let said = json!({"note": "сделан"});
        app.post(&format!("/v1/receipts/{id}/settle"), said).await.expect(200);
    }
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/v1/receipts/due?starting_after={cursor}")).await.expect(200);
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest["has_more"], false);
}

#[tokio::test]
async fn the_short_form_is_checked_as_the_receipt_that_it_makes() {
    let app = TestApp::at("tbank").await;
    let check = async |receipt: Value, amount: Value| {
        let body = json!({"receipt": receipt, "bank": "tbank", "amount": amount});
        app.post("/v1/receipts/check", body).await
    };
    let short = json!({"preset": "service", "email": "a@example.ru"});
    check(short.clone(), json!("5000")).await.expect_error(422, "receipt_defaults_missing");
    save(&app, json!("none")).await;
    let report = check(short.clone(), json!("5000")).await.expect(200);
    assert_eq!((&report["ok"], &report["total"]), (&json!(true), &json!("5000.00")), "{report}");
    let refused = check(short, Value::Null).await;
    assert_eq!(refused.expect(422)["error"]["param"], "amount");
    let report = check(json!({"item": []}), json!("5000")).await.expect(200);
    assert_eq!(report["findings"][0]["code"], "receipt_field_unknown", "{report}");
    let report = check(json!({"preset": "service"}), json!("5000")).await.expect(200);
    assert_eq!(report["findings"][0]["code"], "receipt_contact_missing");
}

#[tokio::test]
async fn points_are_not_paid_out_as_money() {
    let app = TestApp::at("tbank").await;
    let wish = json!({"amount": "700.00", "purpose": "Заказ", "receipt": {
        "email": "a@example.ru", "taxation": "osn",
        "settlement": {"electronic": "700", "advance": "300"},
        "items": [{"name": "А", "price": "600", "vat": "vat22"},
            {"name": "Б", "price": "400", "vat": "vat22"}]}});
    let payment = app.post("/v1/payments", wish).await.expect(201);
    app.pay(&payment);
    app.advance(61_000).await;
    let goods = app.post(&path(&payment, "refunds"), json!({"items": [{"line": 1}]})).await;
    let goods = goods.expect_error(422, "param_invalid");
    assert!(goods["message"].as_str().unwrap().contains("points"), "{goods}");
    app.post(&path(&payment, "refunds"), json!({"amount": "420"})).await.expect(201);
    settle(&app, 5_000).await;
    assert_eq!(app.payment(&payment["id"]).await["refunded_kopecks"], 42_000);
}

#[tokio::test]
async fn money_by_a_code_on_the_wall_is_listed_unless_the_counter_has_its_register() {
    for (defaults, todo) in [
        (json!({"taxpayer": "npd"}), Some("make_npd")),
        (json!({"vat": "none"}), Some("make_no_contact")),
        (json!({"vat": "none", "counter_register": true}), None),
    ] {
        let app = sbp::app().await;
        app.put("/v1/receipts/defaults", defaults).await.expect(200);
        let wish = json!({"name": "касса", "amount": "350.00"});
        let place = app.post("/v1/places", wish).await.expect(201);
        sbp::pay(&app, &place, None);
        app.advance(5_000).await;
        let list = due(&app).await;
        assert_eq!(todos(&list), Vec::from_iter(todo));
        assert!(list.iter().all(|it| it["amount"] == "350.00"), "{list:?}");
    }
}
