//! The same key gives the same bytes and one call to the bank.

use std::time::Duration;

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{
    app::TestApp,
    databases::{Kind, TestDb},
};

fn cake() -> Value {
    json!({"amount": "5000.00", "purpose": "Торт"})
}

async fn twins(app: TestApp) {
    let app = std::sync::Arc::new(app);
    app.bank.delay(1, Duration::from_millis(300));
    let mut all = JoinSet::new();
    for _ in 0..12 {
        let app = app.clone();
        all.spawn(async move { app.post_with_key("/v1/payments", "order-1", cake()).await });
    }
    let replies = all.join_all().await;
    let first = replies[0].bytes.clone();
    for reply in &replies {
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.bytes, first);
    }
    assert_eq!(replies[0].json()["status"], "open");
    assert_eq!(app.bank.count("POST /uapi/acquiring/v1.0/payments"), 1);
    assert_eq!(app.rows("payments").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_twins_make_one_call_to_the_bank() {
    for kind in [Kind::SqliteFile, Kind::Postgres] {
        let test = TestDb::new(kind);
        twins(TestApp::over(test.db.clone()).await).await;
    }
}

#[tokio::test]
async fn a_key_is_remembered_for_ever_with_the_same_bytes() {
    let app = TestApp::new().await;
    let first = app.post_with_key("/v1/payments", "k", cake()).await;
    assert_eq!(first.status, 201);
    app.pay(&first.json());
    app.advance(61_000).await;
    app.advance(400 * 24 * 3_600_000).await;
    let again = app.post_with_key("/v1/payments", "k", cake()).await;
    assert_eq!((again.status, &again.bytes), (201, &first.bytes));
    assert_eq!(app.payment(&first.json()["id"]).await["status"], "paid");
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test]
async fn another_body_with_the_same_key_is_refused() {
    let app = TestApp::new().await;
    let payment = app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
    let other = json!({"amount": "1.00", "purpose": "Торт"});
    let reply = app.post_with_key("/v1/payments", "k", other).await;
    reply.expect_error(422, "idempotency_key_reused");
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    let reply = app.post_with_key(&path, "k", cake()).await;
    reply.expect_error(422, "idempotency_key_reused");
    assert_eq!(app.rows("payments").await, 1);
}

#[tokio::test]
async fn a_refused_request_may_be_mended_under_its_key() {
    let app = TestApp::new().await;
    let bad = json!({"amount": "0", "purpose": "Торт"});
    app.post_with_key("/v1/payments", "k", bad).await.expect_error(422, "amount_invalid");
    app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
}

#[tokio::test]
async fn a_refusal_of_the_bank_is_remembered_but_a_dead_bank_key_is_not() {
    let app = TestApp::new().await;
    let kind = FaultKind::Status { status: 400 };
    app.bank.control(&Control::Fault(Fault { kind, times: 1, path: "/payments".into() }));
    let first = app.post_with_key("/v1/payments", "refused", cake()).await;
    assert_eq!(first.status, 422);
    let again = app.post_with_key("/v1/payments", "refused", cake()).await;
    assert_eq!((again.status, again.bytes), (422, first.bytes));

    app.set_credentials(|credentials| credentials.set("access_token", "wrong-token")).await;
    let first = app.post_with_key("/v1/payments", "k", cake()).await;
    first.expect_error(502, "bank_permission_missing");
    app.set_credentials(|_| {}).await;
    let mended = app.post_with_key("/v1/payments", "k", cake()).await;
    let again = app.post_with_key("/v1/payments", "k", cake()).await;
    assert_eq!(mended.bytes, again.bytes);
    assert_eq!(mended.expect(201)["status"], "open");
}

#[tokio::test]
async fn keys_are_printable_and_short() {
    let app = TestApp::new().await;
    for key in ["", &"k".repeat(256), "a\tb"] {
        let reply = app.post_with_key("/v1/payments", key, cake()).await;
        reply.expect_error(400, "idempotency_key_invalid");
    }
    app.post_with_key("/v1/payments", &"k".repeat(255), cake()).await.expect(201);
}

#[tokio::test]
async fn two_shops_may_use_the_same_key() {
    let app = TestApp::new().await;
    let first = app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
    let row =
        kopeck::shops::model::Shop { id: app.ctx.mint.id("shop"), name: "B".into(), created_ms: 1 };
    let shop_id = row.id.clone();
    let insert =
        move |tx: &mut dyn kopeck::kit::db::Tx| kopeck::shops::store::insert_shop(tx, &row);
    app.ctx.db.write(insert).await.unwrap();
    let credentials = app.connection.credentials.clone();
    let create = kopeck::shops::flow::create_connection;
    create(&app.ctx, &shop_id, "tochka", credentials, None).await.unwrap();
    let (_, key) = kopeck::shops::flow::create_key(&app.ctx, &shop_id, "k").await.unwrap();
    let app = TestApp { key, ..app };
    let second = app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_slow_bank_does_not_keep_the_shop_waiting() {
    let app = TestApp::impatient().await;
    app.bank.delay(1, Duration::from_millis(400));
    let started = tokio::time::Instant::now();
    let first = app.post_with_key("/v1/payments", "k", cake()).await;
    assert!(started.elapsed() < Duration::from_millis(350), "{:?}", started.elapsed());
    assert_eq!(kopeck::http::Limits::default().bank_wait.as_secs(), 4);
    let payment = first.json();
    assert_eq!((first.status, &payment["status"]), (201, &json!("opening")));
    assert_eq!(payment["bank_url"], json!(null));
    assert!(payment["pay_url"].as_str().unwrap().starts_with("https://pay.example.ru/pay/pay_"));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(app.payment(&payment["id"]).await["status"], "open", "the call was not cut off");
    let again = app.post_with_key("/v1/payments", "k", cake()).await;
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(app.bank.count("POST /uapi/acquiring/v1.0/payments"), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_changes_nothing() {
    let app = TestApp::impatient().await;
    app.bank.delay(1, Duration::from_millis(50));
    let posting = app.post_with_key("/v1/payments", "k", cake());
    assert!(tokio::time::timeout(Duration::from_millis(20), posting).await.is_err());
    let again = app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
    assert_eq!(again["status"], "open");
    assert_eq!(app.bank.count("POST /uapi/acquiring/v1.0/payments"), 1);
}

#[tokio::test]
async fn an_answer_whose_process_died_is_composed_from_the_rows() {
    let app = TestApp::impatient().await;
    let first = app.post_with_key("/v1/payments", "k", cake()).await.expect(201);
    let forget = "update idempotency set status = null, reply = null where key = $1";
    let done = app.ctx.db.write(move |tx| tx.execute(forget, &["k".into()])).await;
    done.unwrap_or_else(|e: kopeck::kit::db::DbError| panic!("{e}"));
    let again = app.post_with_key("/v1/payments", "k", cake()).await;
    let third = app.post_with_key("/v1/payments", "k", cake()).await;
    assert_eq!(again.json()["id"], first["id"]);
    assert_eq!(third.bytes, again.bytes);
    assert_eq!(app.rows("payments").await, 1);
}
