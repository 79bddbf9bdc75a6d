//! Codes that are paid again and again: every payment by them, once, however it is heard of.

use std::collections::BTreeSet;

use kopeck::{kit::db::DbError, places::flow::hear};
use kopeck_banks::{
    Money,
    emulator::FaultKind,
    op::{BankStatus, SbpPayment},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    harness::{
        app::TestApp,
        databases::on_each,
        sbp::{app, fault, pay, pay_as, register, subscribe},
    },
    qr::eye::Gray,
};

const MINUTE: i64 = 60_000;

async fn create(app: &TestApp, body: Value) -> Value {
    let place = app.post("/v1/places", body).await.expect(201);
    assert_eq!(place["status"], "active", "{place}");
    place
}

async fn place(app: &TestApp, place: &Value) -> Value {
    app.get(&format!("/v1/places/{}", place["id"].as_str().unwrap())).await.expect(200)
}

/// Oldest first.
async fn payments(app: &TestApp, place: &Value) -> Vec<Value> {
    let path = format!("/v1/payments?limit=100&place_id={}", place["id"].as_str().unwrap());
    let mut list = app.get(&path).await.expect(200)["data"].as_array().unwrap().clone();
    list.reverse();
    list
}

async fn events(app: &TestApp, kind: &str) -> usize {
    let list = app.get(&format!("/v1/events?limit=100&type={kind}")).await.expect(200);
    list["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn two_payers_of_one_sum_in_one_minute_are_two_payments() {
    let app = app().await;
    let place = create(&app, json!({"name": "ресепшен, Тверская", "amount": "350.00"})).await;
    assert!(place["purpose"].as_str().unwrap().starts_with("ресепшен, Тверская №"));
    pay_as(&app, &place, None, "Иван Иванович И.");
    pay_as(&app, &place, None, "Анна Петровна К.");
    app.advance(5_000).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 2, "{paid:?}");
    for payment in &paid {
        assert_eq!(payment["status"], "paid");
        assert_eq!(payment["paid_kopecks"], 35_000);
        assert_eq!(payment["place_id"], place["id"]);
        assert_eq!(payment["customer"]["phone"], "***4567");
    }
    assert_eq!(paid[0]["customer"]["name"], "Иван Иванович И.");
    assert_eq!(paid[1]["customer"]["name"], "Анна Петровна К.");
    assert_eq!(events(&app, "payment.paid").await, 2);
    assert_eq!(events(&app, "payment.created").await, 2);
    // The list tells of the same two.
    app.advance(3 * MINUTE).await;
    assert_eq!(payments(&app, &place).await.len(), 2);
    assert_eq!(events(&app, "payment.paid").await, 2);
    let shown = self::place(&app, &place).await;
    assert_eq!((&shown["payments_count"], &shown["paid_kopecks"]), (&json!(2), &json!(70_000)));
}

#[tokio::test]
async fn a_doubled_notice_is_one_payment() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса"})).await;
    fault(&app, FaultKind::NoticeDoubled, 1, "");
    pay(&app, &place, Some("120.50"));
    app.advance(MINUTE).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0]["amount"], "120.50");
    assert_eq!(events(&app, "payment.paid").await, 1);
}

#[tokio::test]
async fn without_notices_the_list_finds_it_and_the_statement_tells_the_sum() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса"})).await;
    fault(&app, FaultKind::NoticeLost, 3, "");
    for sum in ["100.00", "250.00", "100.00"] {
        pay(&app, &place, Some(sum));
    }
    app.advance(MINUTE).await;
    let waiting = self::place(&app, &place).await;
    assert_eq!((&waiting["payments_count"], &waiting["unsummed_count"]), (&json!(0), &json!(3)));
    for _ in 0..4 {
        app.advance(MINUTE).await;
    }
    let paid = payments(&app, &place).await;
    let mut sums: Vec<i64> = paid.iter().map(|it| it["paid_kopecks"].as_i64().unwrap()).collect();
    sums.sort_unstable();
    assert_eq!(sums, [10_000, 10_000, 25_000]);
    assert_eq!(events(&app, "payment.paid").await, 3);
    let asked = app.bank.count("/statements");
    app.advance(10 * MINUTE).await;
    assert_eq!(app.bank.count("/statements"), asked, "nothing is open any more");
    assert_eq!(self::place(&app, &place).await["unsummed_count"], 0);
}

#[tokio::test]
async fn the_sum_of_a_code_needs_no_statement() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса", "amount": "75.00"})).await;
    fault(&app, FaultKind::NoticeLost, 1, "");
    pay(&app, &place, None);
    app.advance(MINUTE).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 1);
    assert_eq!((&paid[0]["status"], &paid[0]["paid_kopecks"]), (&json!("paid"), &json!(7_500)));
    assert_eq!(app.bank.count("/statements"), 0);
}

#[tokio::test]
async fn a_notice_after_the_list_is_the_same_payment_and_tells_who_paid() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса", "amount": "75.00"})).await;
    fault(&app, FaultKind::NoticeDelayed { ms: 200_000 }, 1, "");
    pay(&app, &place, None);
    app.advance(MINUTE).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0]["customer"], Value::Null);
    app.advance(4 * MINUTE).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0]["customer"]["name"], "Иван Иванович И.");
    assert_eq!(events(&app, "payment.paid").await, 1);
}

#[tokio::test]
async fn a_notice_after_the_statement_is_the_same_payment() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса"})).await;
    fault(&app, FaultKind::NoticeDelayed { ms: 600_000 }, 2, "");
    pay_as(&app, &place, Some("300.00"), "Первый П.");
    pay_as(&app, &place, Some("500.00"), "Второй В.");
    for _ in 0..5 {
        app.advance(MINUTE).await;
    }
    assert_eq!(payments(&app, &place).await.len(), 2);
    app.advance(10 * MINUTE).await;
    let paid = payments(&app, &place).await;
    assert_eq!(paid.len(), 2);
    for payment in &paid {
        let name =
            if payment["paid_kopecks"] == 30_000 { "Первый П." } else { "Второй В." };
        assert_eq!(payment["customer"]["name"], name, "{payment}");
    }
    assert_eq!(events(&app, "payment.paid").await, 2);
}

#[tokio::test]
async fn a_suspended_place_gives_no_picture_and_records_what_still_comes() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса", "amount": "75.00"})).await;
    let path = format!("/v1/places/{}", place["id"].as_str().unwrap());
    for picture in ["qr.svg", "qr.png", "poster?size=a6&per_sheet=4", "poster?format=svg"] {
        let reply = app.get(&format!("{path}/{picture}")).await;
        assert_eq!(reply.status, 200, "{picture}: {}", reply.bytes.len());
    }
    let suspended = app.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    assert_eq!(suspended["status"], "suspended");
    app.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    for picture in ["qr.svg", "qr.png", "poster"] {
        app.get(&format!("{path}/{picture}")).await.expect_error(409, "place_suspended");
    }
    pay(&app, &place, None);
    app.advance(5_000).await;
    assert_eq!(payments(&app, &place).await.len(), 1);
    assert_eq!(self::place(&app, &place).await["late_count"], 1);
    let resumed = app.post(&format!("{path}/resume"), json!({})).await.expect(200);
    assert_eq!(resumed["status"], "active");
    assert_eq!(app.get(&format!("{path}/qr.svg")).await.status, 200);
}

#[tokio::test]
async fn bad_input_is_named_and_nothing_is_created() {
    let app = app().await;
    let bad = [
        (json!({}), "param_missing", "name"),
        (json!({"name": "  "}), "param_missing", "name"),
        (json!({"name": "x".repeat(81)}), "param_invalid", "name"),
        (json!({"name": "4111 1111 1111 1111"}), "card_number_refused", "name"),
        (json!({"name": "Касса", "amount": "0"}), "amount_invalid", "amount"),
        (json!({"name": "Касса", "amount": "1.001"}), "amount_invalid", "amount"),
        (json!({"name": "Касса", "amount": "1000000.01"}), "sbp_amount_invalid", "amount"),
        (json!({"name": "Касса", "purpose": "x".repeat(133)}), "param_invalid", "purpose"),
        (json!({"name": "Касса", "sum": "1"}), "param_unknown", "sum"),
        (json!({"name": "Касса", "bank": "sber"}), "bank_unknown", "bank"),
    ];
    for (body, code, param) in bad {
        let error = app.post("/v1/places", body.clone()).await.expect_error(422, code);
        assert_eq!(error["param"], param, "{body}");
    }
    let invoices = [
        (json!({"purpose": "Счёт 7"}), "param_missing", "amount"),
        (json!({"amount": "10"}), "param_missing", "purpose"),
        (json!({"amount": "10", "purpose": "Счёт 7", "vat": "10"}), "amount_invalid", "vat"),
        (
            json!({"amount": "10", "purpose": "Счёт 7", "ttl_minutes": 0}),
            "param_invalid",
            "ttl_minutes",
        ),
    ];
    for (body, code, param) in invoices {
        let error = app.post("/v1/invoices", body.clone()).await.expect_error(422, code);
        assert_eq!(error["param"], param, "{body}");
    }
    assert_eq!(app.rows("places").await, 0);
    let unknown = "/v1/places/plc_00000000000000000000000000000000";
    app.get(unknown).await.expect_error(404, "place_not_found");
    app.post(&format!("{unknown}/suspend"), json!({})).await.expect_error(404, "place_not_found");
    let place = create(&app, json!({"name": "Касса"})).await;
    let path = format!("/v1/places/{}/poster", place["id"].as_str().unwrap());
    for (query, param) in [
        ("size=a3", "size"),
        ("per_sheet=3", "per_sheet"),
        ("per_sheet=x", "per_sheet"),
        ("format=png", "format"),
        ("lang=fr", "lang"),
    ] {
        let reply = app.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.status, 422, "{query}");
        assert_eq!(reply.json()["error"]["param"], param, "{query}");
    }
}

#[tokio::test]
async fn what_the_bank_refuses_leaves_nothing_behind() {
    // No company in SBP.
    let app = TestApp::new().await;
    app.post("/v1/places", json!({"name": "Касса"})).await.expect_error(409, "sbp_company_missing");
    assert_eq!(app.rows("places").await, 0);
    // A bank without such codes.
    let app = TestApp::at("tbank").await;
    let reply = app.post("/v1/places", json!({"name": "Касса"})).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert_eq!(app.rows("places").await, 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_a_code_that_nobody_was_shown() {
    let app = TestApp::impatient().await;
    register(&app).await;
    subscribe(&app).await;
    fault(&app, FaultKind::ReplyLost, 1, "/sbp/v1.0/qr-code/merchant");
    let place = app.post("/v1/places", json!({"name": "Касса"})).await.expect(201);
    assert_eq!(place["status"], "opening");
    let path = format!("/v1/places/{}/qr.svg", place["id"].as_str().unwrap());
    app.get(&path).await.expect_error(409, "place_not_ready");
    app.advance(10_000).await;
    let place = self::place(&app, &place).await;
    assert_eq!(place["status"], "active");
    assert_eq!(app.bank.count("/sbp/v1.0/qr-code/merchant"), 2);
    pay(&app, &place, Some("10"));
    app.advance(5_000).await;
    assert_eq!(payments(&app, &place).await.len(), 1);
}

#[tokio::test]
async fn an_invoice_is_paid_once_by_notice_or_by_asking() {
    let app = app().await;
    let body = json!({"amount": "1200.00", "vat": "216.39", "purpose": "Счёт 7"});
    let heard = app.post("/v1/invoices", body.clone()).await.expect(201);
    assert_eq!((&heard["kind"], &heard["vat_kopecks"]), (&json!("invoice"), &json!(21_639)));
    pay(&app, &heard, None);
    app.advance(20_000).await;
    assert_eq!(payments(&app, &heard).await.len(), 1);
    let asked = app.post("/v1/invoices", body).await.expect(201);
    fault(&app, FaultKind::NoticeLost, 1, "");
    pay(&app, &asked, None);
    app.advance(2 * MINUTE).await;
    let paid = payments(&app, &asked).await;
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0]["paid_kopecks"], 120_000);
    assert_eq!(payments(&app, &heard).await.len(), 1);
    // Three days after the end of the last code nobody asks any more.
    app.advance(7 * 24 * 60 * MINUTE).await;
    let list_reads = app.bank.count("/get-sbp-payments");
    app.advance(10 * MINUTE).await;
    assert_eq!(app.bank.count("/get-sbp-payments"), list_reads);
    let list = app.get("/v1/places?kind=invoice").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn posters_and_pictures_are_read_back() {
    let app = app().await;
    let place = create(&app, json!({"name": "Столик 7"})).await;
    let payload = place["payload"].as_str().unwrap();
    let path = format!("/v1/places/{}", place["id"].as_str().unwrap());
    let svg = app.get(&format!("{path}/qr.svg")).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    Gray::from_svg(&svg.text(), 8.0, 0.0).must_read(payload, "the code");
    let png = app.get(&format!("{path}/qr.png")).await;
    Gray::from_png(&png.bytes).must_read(payload, "the picture");
    for (size, per_sheet, columns, rows) in
        [("a4", 1, 1, 1), ("a5", 2, 2, 1), ("a6", 4, 2, 2), ("tent", 1, 1, 2)]
    {
        let query = format!("size={size}&per_sheet={per_sheet}");
        let pdf = app.get(&format!("{path}/poster?{query}")).await;
        assert_eq!(pdf.header("content-type"), "application/pdf");
        for card in Gray::from_pdf(&pdf.bytes, 150).cut(columns, rows) {
            card.must_read(payload, size);
        }
    }
    // The page shows the same code and offers the posters to whoever has its address.
    let page = format!("/places/{}", place["id"].as_str().unwrap());
    let html = app.get(&page).await.text();
    assert!(html.contains("Столик 7") && html.contains("Сумму вводит покупатель"), "{html}");
    let shown = app.get(&format!("{page}/code.svg")).await;
    Gray::from_svg(&shown.text(), 8.0, 0.0).must_read(payload, "the page's code");
    let pdf = app.get(&format!("{page}/tent.pdf?lang=en")).await;
    assert!(pdf.status == 200 && pdf.bytes.starts_with(b"%PDF"), "{}", pdf.status);
    for (poster, columns, rows) in [("a4", 1, 1), ("a6", 2, 2), ("a7", 4, 2), ("tent", 1, 2)] {
        assert!(html.contains(&format!("{page}/{poster}.svg")), "{html}");
        let pdf = app.get(&format!("{page}/{poster}.pdf")).await;
        let svg = app.get(&format!("{page}/{poster}.svg")).await;
        let drawn =
            [Gray::from_pdf(&pdf.bytes, 150), Gray::from_svg(&svg.text(), 150.0 / 96.0, 0.0)];
        for card in drawn.iter().flat_map(|sheet| sheet.cut(columns, rows)) {
            card.must_read(payload, &format!("{poster} from the page"));
        }
    }
    assert_eq!(app.get(&format!("{page}/a4.png")).await.status, 404);
    assert_eq!(app.get(&format!("{page}/a3.pdf")).await.status, 404);
    assert_eq!(app.get("/places/plc_1").await.status, 404);
    app.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    assert!(app.get(&page).await.text().contains("приостановлен"));
    app.get(&format!("{page}/a4.pdf")).await.expect_error(409, "place_suspended");
}

#[tokio::test]
async fn what_came_by_a_static_code_goes_back_in_the_bank_only() {
    let app = app().await;
    let place = create(&app, json!({"name": "Касса", "amount": "75.00"})).await;
    pay(&app, &place, None);
    app.advance(5_000).await;
    let paid = payments(&app, &place).await;
    let path = format!("/v1/payments/{}/refunds", paid[0]["id"].as_str().unwrap());
    app.post(&path, json!({"amount": "10"})).await.expect_error(422, "refund_unsupported");
    assert_eq!(app.rows("refunds").await, 0);
    // Nothing waits for the bank because of it.
    app.advance(10 * MINUTE).await;
    assert_eq!(payments(&app, &place).await[0]["status"], "paid");
}

/// A day of a place on each database, and the same transfer told by many at once.
#[tokio::test]
async fn both_databases_keep_the_same_books() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        register(&app).await;
        subscribe(&app).await;
        let place = create(&app, json!({"name": "Касса"})).await;
        fault(&app, FaultKind::NoticeLost, 1, "");
        pay(&app, &place, Some("100.00"));
        fault(&app, FaultKind::NoticeDoubled, 1, "");
        pay(&app, &place, Some("100.00"));
        for _ in 0..5 {
            app.advance(MINUTE).await;
        }
        assert_eq!(payments(&app, &place).await.len(), 2);
        let seen = SbpPayment {
            code_id: place["code_id"].as_str().unwrap().to_owned(),
            ref_id: Some("5f0c1c52-5d0d-4d7e-8a55-52b3d3a4c111".into()),
            status: Some(BankStatus::Paid),
            amount: Some(Money::parse_rubles("70").unwrap()),
            ..SbpPayment::default()
        };
        let mut all = JoinSet::new();
        for _ in 0..8 {
            let (ctx, id, seen) = (app.ctx.clone(), app.connection.id.clone(), seen.clone());
            all.spawn(async move {
                let inner = ctx.clone();
                let heard: Result<Option<String>, DbError> =
                    ctx.db.write(move |tx| hear(tx, &inner, &id, &seen)).await;
                heard.unwrap().expect("a payment")
            });
        }
        let ids: BTreeSet<String> = all.join_all().await.into_iter().collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(payments(&app, &place).await.len(), 3);
        assert_eq!(events(&app, "payment.paid").await, 3);
        let shown = self::place(&app, &place).await;
        assert_eq!((&shown["payments_count"], &shown["unsummed_count"]), (&json!(3), &json!(0)));
        let page = app.get("/v1/places?limit=1").await.expect(200);
        assert_eq!(page["has_more"], false);
    })
    .await;
}
