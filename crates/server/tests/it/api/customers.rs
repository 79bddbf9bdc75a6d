//! Saved accounts at T-Bank: bound without paying, charged once, whatever is lost.

use kopeck::kit::db::DbError;
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const AT: &str = "/v1/customers/client-17/accounts";

fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}

async fn text_of(app: &TestApp, column: &str) -> String {
    let sql = format!("select {column} from instruments order by id desc limit 1");
    let row: Result<_, DbError> = app.ctx.db.read(move |tx| tx.find(&sql, &[])).await;
    row.unwrap().expect("an account").text(0).unwrap()
}

/// An account that the payer has just agreed to; we have not heard of it.
async fn agreed(app: &TestApp) -> Value {
    let account = app.post(AT, json!({"purpose": "Подписка"})).await.expect(201);
    assert_eq!(account["status"], "pending", "{account}");
    assert!(account["link"].as_str().is_some_and(|link| link.starts_with("https://")), "{account}");
    let id = text_of(app, "request_key").await;
    app.bank.control(&Control::Pay { id, method: None, card: None });
    account
}

fn path(account: &Value, action: &str) -> String {
    format!("{AT}/{}{action}", account["id"].as_str().unwrap())
}

async fn active(app: &TestApp) -> Value {
    let account = agreed(app).await;
    app.advance(6 * SECOND).await;
    let shown = app.get(&path(&account, "")).await.expect(200);
    assert_eq!((&shown["status"], &shown["link"]), (&json!("active"), &Value::Null), "{shown}");
    shown
}

async fn charge(app: &TestApp, account: &Value) -> Value {
    let body = json!({"amount": "499.00", "purpose": "Декабрь", "order_id": "s-12"});
    app.post(&path(account, "/charge"), body).await.expect(201)
}

#[tokio::test]
async fn an_account_is_saved_without_paying_and_charged() {
    let app = TestApp::at("tbank").await;
    let account = active(&app).await;
    assert!(account["payer_bank"].is_string(), "{account}");
    // Its token is sealed: nothing of ours shows it.
    let listed = app.get(AT).await.expect(200);
    assert_eq!(listed["data"][0]["id"], account["id"]);
    assert!(!listed.to_string().contains("token"), "{listed}");
    let payment = charge(&app, &account).await;
    assert_eq!(payment["account_id"], account["id"]);
    app.advance(2 * MINUTE).await;
    let payment = app.payment(&payment["id"]).await;
    assert_eq!((&payment["status"], &payment["paid_kopecks"]), (&json!("paid"), &json!(49_900)));
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(app.bank.count("/GetQr"), 0, "the code would keep the account from being charged");
}

#[tokio::test]
async fn without_notices_a_binding_is_asked_about() {
    let app = TestApp::at("tbank").await;
    fault(&app, FaultKind::NoticeLost, 9, "");
    active(&app).await;
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_asked_about_and_never_repeated() {
    let app = TestApp::at("tbank").await;
    let account = active(&app).await;
    fault(&app, FaultKind::ReplyLost, 1, "/ChargeQr");
    fault(&app, FaultKind::NoticeLost, 9, "");
    let payment = charge(&app, &account).await;
    for _ in 0..4 {
        app.advance(MINUTE).await;
    }
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}

#[tokio::test]
async fn a_charge_repeated_with_its_key_is_one_charge() {
    let app = TestApp::at("tbank").await;
    let account = active(&app).await;
    let body = json!({"amount": "499.00", "purpose": "Декабрь"});
    let at = path(&account, "/charge");
    let first = app.post_with_key(&at, "december", body.clone()).await.expect(201);
    let again = app.post_with_key(&at, "december", body.clone()).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    let other = json!({"amount": "500.00", "purpose": "Декабрь"});
    let reused = app.post_with_key(&at, "december", other).await;
    reused.expect_error(422, "idempotency_key_reused");
    app.advance(2 * MINUTE).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1);
}

#[tokio::test]
async fn what_cannot_be_charged_is_told() {
    let app = TestApp::at("tbank").await;
    let pending = app.post(AT, json!({"purpose": "Подписка"})).await.expect(201);
    let body = json!({"amount": "1", "purpose": "x"});
    app.post(&path(&pending, "/charge"), body.clone())
        .await
        .expect_error(409, "account_not_active");
    let strange = format!("/v1/customers/other/accounts/{}", pending["id"].as_str().unwrap());
    app.get(&strange).await.expect_error(404, "account_not_found");
    app.post(&format!("{strange}/charge"), body).await.expect_error(404, "account_not_found");
    app.post(AT, json!({})).await.expect_error(422, "param_missing");
    app.post(&path(&pending, "/charge"), json!({})).await.expect_error(422, "param_missing");
    assert_eq!(app.rows("payments").await, 0);
    let tochka = TestApp::new().await;
    tochka.post(AT, json!({"purpose": "x"})).await.expect_error(422, "bank_unknown");
}
