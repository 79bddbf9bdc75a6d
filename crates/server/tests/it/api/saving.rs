//! Accounts saved by paying at T-Bank, and payments taken from them: whatever is lost on the way,
//! nothing is charged twice and nothing that was saved is forgotten.

use kopeck::{
    kit::db::DbError,
    payments::{flow::charge, store::find_payment_by_id},
};
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const ACCOUNTS: &str = "/v1/customers/client-17/accounts";

fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}

fn order() -> Value {
    json!({
        "amount": "499.00", "purpose": "Подписка, ноябрь", "save_account": true,
        "customer": {"id": "client-17"},
    })
}

fn at_bank(app: &TestApp, payment: &Value) -> Value {
    let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
    app.bank.control(&Control::Show { id })
}

/// The payer scans the code and pays; the bank's app asks whether to save the account.
fn pay(app: &TestApp, payment: &Value, agrees: bool) {
    let shown = at_bank(app, payment);
    if !agrees {
        let key = shown["request_key"].as_str().expect("a binding").to_owned();
        app.bank.control(&Control::Decline { id: key, reason: None });
    }
    let id = shown["id"].as_str().unwrap().to_owned();
    app.bank.control(&Control::Pay { id, method: Some("sbp".into()), card: None });
}

/// An account that is saved, as far as we know too.
async fn saved(app: &TestApp) -> Value {
    let payment = app.post("/v1/payments", order()).await.expect(201);
    pay(app, &payment, true);
    app.advance(2 * MINUTE).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "paid", "{payment}");
    assert!(payment["account_id"].is_string(), "{payment}");
    payment["account_id"].clone()
}

fn taken_from(account_id: &Value) -> Value {
    json!({"amount": "499.00", "purpose": "Подписка, декабрь", "account_id": account_id})
}

async fn events(app: &TestApp, kind: &str) -> usize {
    let listed = app.get(&format!("/v1/events?type={kind}")).await.expect(200);
    listed["data"].as_array().expect("a list").len()
}

async fn minutes(app: &TestApp, count: usize) {
    for _ in 0..count {
        app.advance(MINUTE).await;
    }
}

#[tokio::test]
async fn paying_saves_the_account_and_the_account_pays_the_next_time() {
    let app = TestApp::at("tbank").await;
    let payment = app.post("/v1/payments", order()).await.expect(201);
    assert_eq!((&payment["methods"], &payment["account_id"]), (&json!(["sbp"]), &Value::Null));
    assert!(payment["qr"]["payload"].is_string(), "{payment}");
    assert_eq!(app.get(ACCOUNTS).await.expect(200)["data"], json!([]), "nobody has paid yet");
    pay(&app, &payment, true);
    app.advance(2 * MINUTE).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "paid", "{payment}");
    let listed = app.get(ACCOUNTS).await.expect(200);
    let account = &listed["data"][0];
    assert_eq!((&account["id"], &account["status"]), (&payment["account_id"], &json!("active")));
    assert_eq!(account["payment_id"], payment["id"]);
    assert!(account["payer_bank"].is_string() && account["link"].is_null(), "{account}");
    assert_eq!(events(&app, "account.saved").await, 1);

    let next = app.post("/v1/payments", taken_from(&account["id"])).await.expect(201);
    assert_eq!(next["account_id"], account["id"]);
    app.advance(2 * MINUTE).await;
    let next = app.payment(&next["id"]).await;
    assert_eq!((&next["status"], &next["paid_kopecks"]), (&json!("paid"), &json!(49_900)));
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(app.bank.count("/GetQr"), 1, "a charge needs no code");
    assert_eq!(events(&app, "account.saved").await, 1, "a charge saves nothing anew");
}

#[tokio::test]
async fn who_pays_without_agreeing_has_paid_all_the_same() {
    let app = TestApp::at("tbank").await;
    let payment = app.post("/v1/payments", order()).await.expect(201);
    pay(&app, &payment, false);
    minutes(&app, 3).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!((&payment["status"], &payment["account_id"]), (&json!("paid"), &Value::Null));
    assert_eq!(app.get(ACCOUNTS).await.expect(200)["data"], json!([]));
    assert_eq!(events(&app, "account.saved").await, 0);
}

#[tokio::test]
async fn whatever_is_lost_or_doubled_the_account_is_saved_once() {
    let faults = [
        (FaultKind::NoticeLost, 99, ""),
        (FaultKind::NoticeLost, 1, "account"),
        (FaultKind::NoticeDoubled, 99, ""),
        (FaultKind::NoticeReordered, 9, ""),
        (FaultKind::ReplyLost, 1, "/GetQr"),
        (FaultKind::ReplyLost, 3, "/GetAddAccountQrState"),
        (FaultKind::Status { status: 500 }, 2, "/GetAddAccountQrState"),
        (FaultKind::ReplyLost, 1, "/Init"),
    ];
    for (kind, times, path) in faults {
        let app = TestApp::at("tbank").await;
        fault(&app, kind, times, path);
        if path == "/GetAddAccountQrState" {
            fault(&app, FaultKind::NoticeLost, 99, "");
        }
        let payment = app.post("/v1/payments", order()).await.expect(201);
        minutes(&app, 1).await;
        let payment = app.payment(&payment["id"]).await;
        assert!(payment["qr"]["payload"].is_string(), "{kind:?} {path}: {payment}");
        pay(&app, &payment, true);
        minutes(&app, 6).await;
        let payment = app.payment(&payment["id"]).await;
        assert_eq!(payment["status"], "paid", "{kind:?} {path}");
        let listed = app.get(ACCOUNTS).await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{kind:?} {path}: {listed}");
        assert_eq!(listed["data"][0]["id"], payment["account_id"], "{kind:?} {path}");
        assert_eq!(events(&app, "account.saved").await, 1, "{kind:?} {path}");
    }
}

#[tokio::test]
async fn nobody_asks_about_an_account_before_its_payment_is_over() {
    let app = TestApp::at("tbank").await;
    app.post("/v1/payments", order()).await.expect(201);
    minutes(&app, 20).await;
    assert_eq!(app.bank.count("/GetAddAccountQrState"), 0);
}

#[tokio::test]
async fn one_key_is_one_charge_by_either_way() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    let body = taken_from(&account);
    let first = app.post_with_key("/v1/payments", "december", body.clone()).await.expect(201);
    let again = app.post_with_key("/v1/payments", "december", body.clone()).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    let at = format!("{ACCOUNTS}/{}/charge", account.as_str().unwrap());
    let other = json!({"amount": "499.00", "purpose": "Подписка, декабрь"});
    let reused = app.post_with_key(&at, "december", other).await;
    reused.expect_error(422, "idempotency_key_reused");
    minutes(&app, 2).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(app.payment(&first["id"]).await["status"], "paid");
}

#[tokio::test]
async fn a_refused_charge_fails_at_once_and_says_why() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    // The payer took it back at his bank, which tells nobody.
    app.bank.edit(|memory| {
        for account in memory["accounts"].as_object_mut().unwrap().values_mut() {
            account["status"] = json!("Inactive");
        }
    });
    let refused = app.post("/v1/payments", taken_from(&account)).await;
    let error = refused.expect_error(409, "declined_saved_gone");
    let payment = app.payment(&error["payment_id"]).await;
    assert_eq!((&payment["status"], &payment["paid_kopecks"]), (&json!("failed"), &json!(0)));
    assert_eq!(payment["failure"]["code"], "declined_saved_gone");
    assert_eq!(events(&app, "payment.failed").await, 1);
    minutes(&app, 90).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(app.payment(&error["payment_id"]).await["status"], "failed");
}

#[tokio::test]
async fn a_charge_that_the_payers_bank_declines_fails_with_its_reason() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    let key: String = at_accounts(&app, "token");
    app.bank.control(&Control::Token { token: key, state: "insufficient_funds".into() });
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    minutes(&app, 2).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "failed", "{payment}");
    assert_eq!(payment["failure"]["code"], "declined_insufficient_funds", "{payment}");
}

/// A field of the one account that the bank keeps.
fn at_accounts(app: &TestApp, field: &str) -> String {
    let mut found = String::new();
    app.bank.edit(|memory| {
        let mut accounts = memory["accounts"].as_object().unwrap().values();
        found = accounts.next().unwrap()[field].as_str().unwrap().to_owned();
    });
    found
}

#[tokio::test]
async fn a_charge_in_silence_is_asked_about_and_never_repeated() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    fault(&app, FaultKind::NoticeLost, 99, "");
    // It arrived: the answer alone was lost.
    fault(&app, FaultKind::ReplyLost, 1, "/ChargeQr");
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    minutes(&app, 2).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    // It never arrived: while it still might, nothing is known.
    fault(&app, FaultKind::Hang { ms: 1 }, 1, "/ChargeQr");
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    minutes(&app, 59).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
    minutes(&app, 10).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "failed", "{payment}");
    assert_eq!(payment["failure"]["code"], "charge_unanswered");
    assert_eq!(app.bank.count("/ChargeQr"), 2);
    assert_eq!(events(&app, "payment.expired").await, 0);
}

#[tokio::test]
async fn a_crash_between_the_mark_and_the_request_ends_in_a_known_state() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    // The bank is busy, so the charge waits; then another process marks it and dies.
    fault(&app, FaultKind::Status { status: 429 }, 1, "/ChargeQr");
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    assert_eq!(payment["status"], "open");
    let id = payment["id"].as_str().unwrap().to_owned();
    let found: Result<_, DbError> = app.ctx.db.read(move |tx| find_payment_by_id(tx, &id)).await;
    let marked = charge::mark(&app.ctx, &found.unwrap().unwrap(), Vec::new()).await.unwrap();
    assert!(matches!(marked, charge::Asked::Send { .. }));
    minutes(&app, 70).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!((&payment["status"], &payment["paid_kopecks"]), (&json!("failed"), &json!(0)));
    assert_eq!(payment["failure"]["code"], "charge_unanswered", "{payment}");
    assert_eq!(app.bank.count("/ChargeQr"), 1, "only the one that the bank was too busy for");
}

#[tokio::test]
async fn a_bank_out_of_reach_is_charged_as_soon_as_it_is_back() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    fault(&app, FaultKind::Status { status: 429 }, 3, "/ChargeQr");
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    minutes(&app, 5).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
}

#[tokio::test]
async fn an_account_that_ends_before_the_charge_left_is_not_charged() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    fault(&app, FaultKind::Status { status: 429 }, 1, "/ChargeQr");
    let payment = app.post("/v1/payments", taken_from(&account)).await.expect(201);
    let sql = "update instruments set status = 'inactive'";
    let ended: Result<_, DbError> = app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    ended.unwrap();
    minutes(&app, 2).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!(payment["status"], "failed", "{payment}");
    assert_eq!(payment["failure"]["code"], "account_not_active");
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    // And no other is begun.
    let refused = app.post("/v1/payments", taken_from(&account)).await;
    refused.expect_error(409, "account_not_active");
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_field() {
    let app = TestApp::at("tbank").await;
    let account = saved(&app).await;
    let with = |more: Value| {
        let mut body = json!({"amount": "499.00", "purpose": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let his = json!({"id": "client-17"});
    let table = [
        (json!({"save_account": true}), 422, "param_missing", "customer.id"),
        (
            json!({"save_account": true, "customer": {"email": "a@b.ru"}}),
            422,
            "param_missing",
            "customer.id",
        ),
        (json!({"save_account": "yes", "customer": his}), 422, "param_invalid", "save_account"),
        (
            json!({"save_account": true, "customer": his, "methods": ["card"]}),
            422,
            "param_invalid",
            "methods",
        ),
        (
            json!({"save_account": true, "customer": his, "methods": ["card", "sbp"]}),
            422,
            "param_invalid",
            "methods",
        ),
        (
            json!({"save_account": true, "customer": his, "capture": "manual"}),
            422,
            "param_invalid",
            "capture",
        ),
        (
            json!({"save_account": true, "customer": his, "account_id": account}),
            422,
            "param_invalid",
            "save_account",
        ),
        (
            json!({"save_account": true, "customer": his, "bank": "tochka"}),
            422,
            "bank_unknown",
            "bank",
        ),
        (json!({"account_id": account, "ttl_minutes": 60}), 422, "param_invalid", "ttl_minutes"),
        (json!({"account_id": account, "methods": ["card"]}), 422, "param_invalid", "methods"),
        (json!({"account_id": account, "capture": "manual"}), 422, "param_invalid", "capture"),
        (
            json!({"account_id": account, "customer": {"id": "other"}}),
            404,
            "account_not_found",
            "account_id",
        ),
        (json!({"account_id": "acc_nobody"}), 404, "account_not_found", "account_id"),
        (json!({"account_id": 5}), 422, "param_invalid", "account_id"),
    ];
    let before = app.rows("payments").await;
    for (more, status, code, param) in table {
        let error = app.post("/v1/payments", with(more.clone())).await;
        let error = error.expect_error(status, code);
        assert_eq!(error["param"], param, "{more}: {error}");
    }
    assert_eq!(app.rows("payments").await, before);
}

#[tokio::test]
async fn a_bank_that_saves_no_accounts_is_told() {
    let tochka = TestApp::new().await;
    let wish = order();
    let error = tochka.post("/v1/payments", wish).await.expect_error(422, "account_unsupported");
    assert_eq!(error["param"], "save_account");
    let strange = tochka.post("/v1/payments", taken_from(&json!("acc_1"))).await;
    strange.expect_error(404, "account_not_found");
    assert_eq!(tochka.rows("payments").await, 0);
}

#[tokio::test]
async fn of_two_banks_the_one_that_saves_accounts_is_taken() {
    let app = TestApp::at_both().await;
    let payment = app.post("/v1/payments", order()).await.expect(201);
    assert_eq!(payment["bank"], "tbank");
}
