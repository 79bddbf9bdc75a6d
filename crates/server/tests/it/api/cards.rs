//! Cards saved by paying at T-Bank, what their payers agreed to, and its end.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::{app::TestApp, databases::on_each};

const MINUTE: i64 = 60_000;
const CARDS: &str = "/v1/customers/client-17/cards";

fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}

fn order() -> Value {
    json!({
        "amount": "499.00", "purpose": "Подписка, ноябрь", "save_card": true,
        "customer": {"id": "client-17"},
        "consent": {
            "text_version": "offer-2026-11", "channel": "web", "ip": "203.0.113.7",
            "max_amount": "1000.00", "period": "month",
        },
    })
}

fn taken_from(card_id: &Value) -> Value {
    json!({"amount": "499.00", "purpose": "Подписка, декабрь", "card_id": card_id})
}

async fn minutes(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(MINUTE).await;
    }
}

async fn events(app: &TestApp, kind: &str) -> usize {
    let listed = app.get(&format!("/v1/events?type={kind}")).await.expect(200);
    listed["data"].as_array().expect("a list").len()
}

fn show(app: &TestApp, payment: &Value) -> Value {
    let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
    app.bank.control(&Control::Show { id })
}

/// A paid payment that saved its payer's card.
async fn saved(app: &TestApp) -> Value {
    let payment = app.post("/v1/payments", order()).await.expect(201);
    app.pay(&payment);
    minutes(app, 2).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "paid", "{payment}");
    assert!(payment["card_id"].is_string(), "{payment}");
    payment
}

async fn delete(app: &TestApp, id: &Value) -> crate::harness::app::Reply {
    let path = format!("{CARDS}/{}", id.as_str().unwrap());
    let request = app.request(axum::http::Method::DELETE, &path, axum::body::Body::empty());
    app.send(request).await
}

async fn card(app: &TestApp, id: &Value) -> Value {
    app.get(&format!("{CARDS}/{}", id.as_str().unwrap())).await.expect(200)
}

#[tokio::test]
async fn paying_saves_the_card_with_its_consent_and_the_card_pays_the_next_time() {
    let app = TestApp::at("tbank").await;
    let payment = app.post("/v1/payments", order()).await.expect(201);
    assert_eq!((&payment["methods"], &payment["card_id"]), (&json!(["card"]), &Value::Null));
    assert_eq!(app.get(CARDS).await.expect(200)["data"], json!([]), "nobody has paid yet");
    app.pay(&payment);
    minutes(&app, 2).await;
    let payment = app.payment(&payment["id"]).await;
    let listed = app.get(CARDS).await.expect(200);
    let own = &listed["data"][0];
    assert_eq!((&own["id"], &own["status"]), (&payment["card_id"], &json!("active")), "{own}");
    assert_eq!((&own["masked"], &own["expires"]), (&json!("430000******0777"), &json!("1230")));
    assert_eq!(own["payment_id"], payment["id"]);
    let consent = &own["consent"];
    assert_eq!(
        (&consent["text_version"], &consent["channel"], &consent["max_amount"]),
        (&json!("offer-2026-11"), &json!("web"), &json!("1000.00"))
    );
    assert_eq!((&consent["ip"], &consent["period"]), (&json!("203.0.113.7"), &json!("month")));
    assert_eq!(events(&app, "card.saved").await, 1);
    // What it is charged by is shown nowhere.
    let rebill = show(&app, &payment)["rebill_id"].as_str().expect("a RebillId").to_owned();
    assert!(!listed.to_string().contains(&rebill), "{listed}");

    let next = app.post("/v1/payments", taken_from(&own["id"])).await.expect(201);
    assert_eq!(next["card_id"], own["id"]);
    minutes(&app, 2).await;
    let next = app.payment(&next["id"]).await;
    assert_eq!((&next["status"], &next["paid_kopecks"]), (&json!("paid"), &json!(49_900)));
    assert_eq!(app.bank.count("/v2/Charge"), 1);
    assert_eq!(events(&app, "card.saved").await, 1, "a charge saves nothing anew");
}

#[tokio::test]
async fn whatever_is_lost_or_doubled_the_card_is_saved_once() {
    let faults = [
        (FaultKind::NoticeLost, 99, ""),
        (FaultKind::NoticeDoubled, 99, ""),
        (FaultKind::NoticeReordered, 9, ""),
        (FaultKind::ReplyLost, 1, "/Init"),
        (FaultKind::ReplyLost, 3, "/GetCardList"),
        (FaultKind::Status { status: 500 }, 2, "/GetCardList"),
    ];
    for (kind, times, path) in faults {
        let app = TestApp::at("tbank").await;
        fault(&app, kind, times, path);
        if path == "/GetCardList" {
            fault(&app, FaultKind::NoticeLost, 99, "");
        }
        let payment = app.post("/v1/payments", order()).await.expect(201);
        minutes(&app, 1).await;
        let payment = app.payment(&payment["id"]).await;
        app.pay(&payment);
        minutes(&app, 6).await;
        let payment = app.payment(&payment["id"]).await;
        assert_eq!(payment["status"], "paid", "{kind:?} {path}");
        let listed = app.get(CARDS).await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{kind:?} {path}: {listed}");
        assert_eq!(listed["data"][0]["id"], payment["card_id"], "{kind:?} {path}");
        assert_eq!(events(&app, "card.saved").await, 1, "{kind:?} {path}");
    }
}

/// The whole life of what is saved, on each database.
#[tokio::test]
async fn both_databases_save_charge_and_forget() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        let payment = saved(&app).await;
        let next = app.post("/v1/payments", taken_from(&payment["card_id"])).await.expect(201);
        minutes(&app, 2).await;
        assert_eq!(app.payment(&next["id"]).await["status"], "paid");
        delete(&app, &payment["card_id"]).await.expect(200);
        minutes(&app, 1).await;
        assert!(card(&app, &payment["card_id"]).await["removed_at"].is_string());
        // An account, too.
        let wish = json!({
            "amount": "499.00", "purpose": "x", "save_account": true,
            "customer": {"id": "client-17"},
            "consent": {"text_version": "1", "channel": "bot", "amount": "499.00"},
        });
        let payment = app.post("/v1/payments", wish).await.expect(201);
        let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
        app.bank.control(&Control::Pay { id, method: Some("sbp".into()), card: None });
        minutes(&app, 2).await;
        let payment = app.payment(&payment["id"]).await;
        let mut body = json!({"amount": "499.01", "purpose": "x"});
        body["account_id"] = payment["account_id"].clone();
        app.post("/v1/payments", body.clone()).await.expect_error(409, "consent_exceeded");
        body["amount"] = json!("499.00");
        let next = app.post("/v1/payments", body).await.expect(201);
        minutes(&app, 2).await;
        assert_eq!(app.payment(&next["id"]).await["status"], "paid");
    })
    .await;
}

#[tokio::test]
async fn two_payments_with_one_card_are_two_cards_with_a_consent_each() {
    let app = TestApp::at("tbank").await;
    let (first, second) = (saved(&app).await, saved(&app).await);
    assert_ne!(first["card_id"], second["card_id"]);
    delete(&app, &first["card_id"]).await.expect(200);
    minutes(&app, 1).await;
    let next = app.post("/v1/payments", taken_from(&second["card_id"])).await.expect(201);
    minutes(&app, 2).await;
    assert_eq!(app.payment(&next["id"]).await["status"], "paid", "the other one stands");
}

#[tokio::test]
async fn a_declined_charge_tells_why_and_is_not_repeated() {
    let words = [
        ("insufficient_funds", "declined_insufficient_funds"),
        ("expired", "declined_card_expired"),
        ("revoked", "declined_issuer_declined"),
    ];
    for (state, code) in words {
        let app = TestApp::at("tbank").await;
        let payment = saved(&app).await;
        let token = show(&app, &payment)["rebill_id"].as_str().unwrap().to_owned();
        app.bank.control(&Control::Token { token, state: state.into() });
        let refused = app.post("/v1/payments", taken_from(&payment["card_id"])).await;
        let body = refused.expect(409);
        let error = &body["error"];
        let failed = app.payment(&error["payment_id"]).await;
        assert_eq!((&failed["status"], &failed["paid_kopecks"]), (&json!("failed"), &json!(0)));
        let told = failed["failure"]["code"].as_str().unwrap();
        assert!(told.starts_with("declined_"), "{state}: {failed}");
        if state != "revoked" {
            assert_eq!(told, code, "{state}");
        }
        // The payer reads it in his own language, with what to do.
        let page = format!("/pay/{}?lang=ru", error["payment_id"].as_str().unwrap());
        let page = app.get(&page).await.text();
        let words = match state {
            "insufficient_funds" => "На карте не хватило денег",
            "expired" => "Срок действия карты истёк",
            _ => "Почему не прошло",
        };
        assert!(page.contains(words) && page.contains("Оплата не прошла"), "{state}: {page}");
        minutes(&app, 70).await;
        assert_eq!(app.bank.count("/v2/Charge"), 1);
        assert_eq!(events(&app, "payment.failed").await, 1);
    }
}

#[tokio::test]
async fn a_charge_of_a_card_in_silence_is_asked_about_and_never_repeated() {
    let app = TestApp::at("tbank").await;
    let payment = saved(&app).await;
    fault(&app, FaultKind::NoticeLost, 99, "");
    fault(&app, FaultKind::ReplyLost, 1, "/Charge");
    let next = app.post("/v1/payments", taken_from(&payment["card_id"])).await.expect(201);
    minutes(&app, 2).await;
    assert_eq!(app.payment(&next["id"]).await["status"], "paid");
    fault(&app, FaultKind::Hang { ms: 1 }, 1, "/Charge");
    let lost = app.post("/v1/payments", taken_from(&payment["card_id"])).await.expect(201);
    minutes(&app, 70).await;
    let lost = app.payment(&lost["id"]).await;
    assert_eq!((&lost["status"], &lost["paid_kopecks"]), (&json!("failed"), &json!(0)));
    assert_eq!(lost["failure"]["code"], "charge_unanswered");
    assert_eq!(app.bank.count("/v2/Charge"), 2);
}

#[tokio::test]
async fn more_than_was_agreed_is_not_charged() {
    let app = TestApp::at("tbank").await;
    let payment = saved(&app).await;
    let mut body = taken_from(&payment["card_id"]);
    body["amount"] = json!("1000.01");
    let error = app.post("/v1/payments", body.clone()).await.expect_error(409, "consent_exceeded");
    assert_eq!(error["param"], "amount");
    body["amount"] = json!("1000.00");
    app.post("/v1/payments", body).await.expect(201);
    minutes(&app, 1).await;
    assert_eq!(app.bank.count("/v2/Charge"), 1);
}

#[tokio::test]
async fn a_consent_taken_back_ends_at_once_for_ever_and_the_bank_forgets_the_card() {
    let app = TestApp::at("tbank").await;
    let payment = saved(&app).await;
    let id = payment["card_id"].clone();
    // The bank does not answer at first, and once it answers it does not tell us.
    fault(&app, FaultKind::Status { status: 500 }, 2, "/RemoveCard");
    fault(&app, FaultKind::ReplyLost, 1, "/RemoveCard");
    let gone = delete(&app, &id).await.expect(200);
    assert_eq!(gone["status"], "inactive");
    assert!(gone["withdrawn_at"].is_string() && gone["removed_at"].is_null(), "{gone}");
    let refused = app.post("/v1/payments", taken_from(&id)).await;
    refused.expect_error(409, "card_not_active");
    assert_eq!(delete(&app, &id).await.expect(200)["withdrawn_at"], gone["withdrawn_at"]);
    minutes(&app, 9).await;
    let shown = card(&app, &id).await;
    assert!(shown["removed_at"].is_string(), "{shown}");
    assert_eq!(shown["consent"]["text_version"], "offer-2026-11", "what was agreed stays known");
    assert_eq!(events(&app, "consent.withdrawn").await, 1);
    // An old notice or list makes nothing of it.
    let calls = app.bank.count("/RemoveCard");
    minutes(&app, 60).await;
    assert_eq!(app.bank.count("/RemoveCard"), calls);
    assert_eq!(card(&app, &id).await["status"], "inactive");
    assert_eq!(app.bank.count("/v2/Charge"), 0);
}

#[tokio::test]
async fn a_charge_under_way_when_its_consent_ends_goes_back() {
    let app = TestApp::at("tbank").await;
    let payment = saved(&app).await;
    fault(&app, FaultKind::NoticeLost, 99, "");
    fault(&app, FaultKind::ReplyLost, 1, "/Charge");
    let next = app.post("/v1/payments", taken_from(&payment["card_id"])).await.expect(201);
    assert_eq!(next["status"], "open");
    delete(&app, &payment["card_id"]).await.expect(200);
    minutes(&app, 3).await;
    let next = app.payment(&next["id"]).await;
    assert_eq!(next["status"], "refunded", "{next}");
    assert_eq!(next["refunds"][0]["reason"], "consent withdrawn");
    assert_eq!(events(&app, "charge.unwanted").await, 1);
    // What was paid by the payer himself, and earlier, stays.
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn a_charge_that_has_not_left_when_its_consent_ends_never_leaves() {
    let app = TestApp::at("tbank").await;
    let payment = saved(&app).await;
    fault(&app, FaultKind::Status { status: 429 }, 1, "/Charge");
    let next = app.post("/v1/payments", taken_from(&payment["card_id"])).await.expect(201);
    delete(&app, &payment["card_id"]).await.expect(200);
    minutes(&app, 2).await;
    let next = app.payment(&next["id"]).await;
    assert_eq!((&next["status"], &next["paid_kopecks"]), (&json!("failed"), &json!(0)));
    assert_eq!(next["failure"]["code"], "card_not_active");
    assert_eq!(app.bank.count("/v2/Charge"), 1, "only the one that the bank was too busy for");
}

#[tokio::test]
async fn a_card_taken_back_before_its_payment_is_paid_is_not_kept() {
    let app = TestApp::at("tbank").await;
    fault(&app, FaultKind::NoticeLost, 99, "");
    let payment = app.post("/v1/payments", order()).await.expect(201);
    let sql = "select id from instruments";
    let row: Result<_, kopeck::kit::db::DbError> =
        app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    let id = json!(row.unwrap().expect("a row").text(0).unwrap());
    delete(&app, &id).await.expect(200);
    app.pay(&payment);
    minutes(&app, 5).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!((&payment["status"], &payment["card_id"]), (&json!("paid"), &Value::Null));
    assert_eq!(card(&app, &id).await["status"], "inactive");
    assert_eq!(events(&app, "card.saved").await, 0);
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_field() {
    let app = TestApp::at("tbank").await;
    let id = saved(&app).await["card_id"].clone();
    let with = |more: Value| {
        let mut body = json!({"amount": "499.00", "purpose": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let saving = |consent: Value| json!({"save_card": true, "customer": {"id": "client-17"}, "consent": consent});
    let table = [
        (json!({"save_card": true, "customer": {"id": "c"}}), "param_missing", "consent"),
        (json!({"save_card": true}), "param_missing", "customer.id"),
        (saving(json!({})), "param_missing", "consent.text_version"),
        (saving(json!({"text_version": "1"})), "param_missing", "consent.channel"),
        (saving(json!("yes")), "param_invalid", "consent"),
        (
            saving(json!({"text_version": "1", "channel": "web", "sum": 5})),
            "param_unknown",
            "consent.sum",
        ),
        (
            saving(json!({"text_version": "1", "channel": "web", "max_amount": "0"})),
            "amount_invalid",
            "consent.max_amount",
        ),
        (
            saving(json!({
                "text_version": "1", "channel": "web", "amount": "5", "max_amount": "6",
            })),
            "param_invalid",
            "consent.max_amount",
        ),
        (json!({"consent": {"text_version": "1", "channel": "web"}}), "param_invalid", "consent"),
        (json!({"card_id": id, "account_id": "acc_1"}), "param_invalid", "account_id"),
        (json!({"card_id": id, "methods": ["sbp"]}), "param_invalid", "methods"),
    ];
    let before = app.rows("payments").await;
    for (more, code, param) in table {
        let error = app.post("/v1/payments", with(more.clone())).await.expect_error(422, code);
        assert_eq!(error["param"], param, "{more}: {error}");
    }
    // An account's id is no card's, nor is another customer's card one's own.
    let strange = app.post("/v1/payments", with(json!({"account_id": id}))).await;
    strange.expect_error(404, "account_not_found");
    let other = json!({"card_id": id, "customer": {"id": "other"}});
    app.post("/v1/payments", with(other)).await.expect_error(404, "card_not_found");
    delete(&app, &json!("card_nobody")).await.expect_error(404, "card_not_found");
    assert_eq!(app.rows("payments").await, before);
}
