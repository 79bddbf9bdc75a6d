//! The whole server in this process: routes, database, clock, bank. No sleeping, no sockets.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request},
};
use kopeck::{
    app,
    gateway::flow::ask_now,
    http::Limits,
    ids::Mint,
    kit::{
        Ctx,
        clock::ManualClock,
        db::{Db, DbError},
        net::{AddressPolicy, NetSettings, NetWire, SharedWire},
        secret::Vault,
    },
    payments::notices::RefusedCount,
    runner::{Nudge, claim_due, run_and_finish},
    shops::{
        flow::{create_connection, create_key, default_shop, save_credentials},
        model::{Connection, Shop},
    },
};
use kopeck_banks::{
    Credentials,
    emulator::Control,
    op::{BankOp, Outcome},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::bank::TestBank;

/// 2026-11-21 12:00 UTC.
pub const START_MS: i64 = 1_795_262_400_000;
/// To receivers of the tests on this machine; impatient.
static COURIER: LazyLock<SharedWire> = LazyLock::new(|| {
    let settings = NetSettings {
        policy: AddressPolicy::AllowLoopback,
        extra_ca_file: None,
        connect_timeout_ms: 500,
        timeout_ms: 500,
    };
    Arc::new(NetWire::courier(&settings).unwrap())
});

/// How long a request waits for what it began at a bank that may be silent …
const IMPATIENT: Duration = Duration::from_millis(100);
/// … and at one that answers, over a database with threads and sockets. Whatever is still under way
/// after the answer would meet a clock that the test has moved on by minutes, and lose its lease.
const PATIENT: Duration = Duration::from_secs(20);

pub const PUBLIC_URL: &str = "https://pay.example.ru";

pub struct TestApp {
    pub ctx: Ctx,
    pub clock: Arc<ManualClock>,
    pub bank: TestBank,
    pub router: Router,
    pub shop: Shop,
    pub key: String,
    pub connection: Connection,
    pub refused: Arc<RefusedCount>,
    pub limits: Limits,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// A page that is not there.
    #[track_caller]
    pub fn expect_missing(self) {
        assert_eq!(self.status, 404, "{}", self.text());
    }

    /// The error, if it is this one.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        for part in ["message", "hint", "request_id"] {
            assert!(body["error"][part].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
        body["error"].clone()
    }
}

fn memory() -> Db {
    let db = Db::memory().unwrap();
    db.migrate().unwrap();
    db
}

fn waits(bank_wait: Duration) -> Limits {
    Limits { bank_wait, ..Limits::default() }
}

impl TestApp {
    pub async fn new() -> TestApp {
        TestApp::over(memory()).await
    }

    pub async fn over(db: Db) -> TestApp {
        TestApp::with("tochka", db, Limits::default()).await
    }

    /// With a shop at this bank, and little patience.
    pub async fn at(bank: &str) -> TestApp {
        TestApp::with(bank, memory(), waits(IMPATIENT)).await
    }

    /// Over a real database, on a machine that may have other things to do.
    pub async fn at_over(bank: &str, db: Db) -> TestApp {
        TestApp::with(bank, db, waits(PATIENT)).await
    }

    /// A shop at Tochka that then connected T-Bank too; no rule yet.
    pub async fn at_both() -> TestApp {
        TestApp::with_both(memory(), waits(IMPATIENT)).await
    }

    pub async fn at_both_over(db: Db) -> TestApp {
        TestApp::with_both(db, waits(PATIENT)).await
    }

    async fn with_both(db: Db, limits: Limits) -> TestApp {
        let app = TestApp::with("tochka", db, limits).await;
        let credentials = app.bank.add("tbank");
        app.clock.advance_ms(1);
        create_connection(&app.ctx, &app.shop.id, "tbank", credentials, None).await.unwrap();
        app
    }

    /// Waits for the bank a tenth of a second, and twins three tenths.
    pub async fn impatient() -> TestApp {
        let twin_wait = Duration::from_millis(300);
        TestApp::with("tochka", memory(), Limits { twin_wait, ..waits(IMPATIENT) }).await
    }

    /// With a courier that trusts this authority too, and waits for slow programs.
    pub fn trusting(self, extra_ca_file: Option<PathBuf>) -> TestApp {
        let mut app = self;
        let settings = NetSettings {
            policy: AddressPolicy::AllowLoopback,
            extra_ca_file,
            connect_timeout_ms: 5_000,
            timeout_ms: 5_000,
        };
        app.ctx.courier = Arc::new(NetWire::courier(&settings).unwrap());
        let (nudge, refused) = (Nudge::default(), app.refused.clone());
        app.router = app::router(app.ctx.clone(), nudge, refused, app.limits);
        app
    }

    async fn with(name: &str, db: Db, limits: Limits) -> TestApp {
        let clock = ManualClock::new(START_MS);
        let (bank, credentials) = TestBank::new(name, clock.clone());
        let ctx = Ctx {
            db,
            clock: clock.clone(),
            mint: Arc::new(Mint::seeded(clock.clone(), 1)),
            wire: Arc::new(bank.clone()),
            courier: COURIER.clone(),
            vault: Arc::new(Vault::from_key_text(&"5a".repeat(32)).unwrap()),
            public_url: PUBLIC_URL.into(),
            zone: "Europe/Moscow".into(),
        };
        let shop = default_shop(&ctx, "Булочная «Колобок» <b>").await.unwrap();
        let (_, key) = create_key(&ctx, &shop.id, "test").await.unwrap();
        let connection = create_connection(&ctx, &shop.id, name, credentials, None).await.unwrap();
        let refused = Arc::new(RefusedCount::default());
        let router = app::router(ctx.clone(), Nudge::default(), refused.clone(), limits);
        bank.connect(router.clone());
        TestApp { ctx, clock, bank, router, shop, key, connection, refused, limits }
    }

    /// The shop is somewhere else from now on.
    pub fn move_to(&mut self, zone: &str) {
        self.ctx.zone = zone.into();
        let (nudge, limits) = (Nudge::default(), Limits::default());
        self.router = app::router(self.ctx.clone(), nudge, self.refused.clone(), limits);
    }

    /// With the bank's notices on their way to us.
    pub async fn with_notices() -> TestApp {
        let app = TestApp::new().await;
        let url = format!("{PUBLIC_URL}{}", app.notice_path());
        let kinds = vec!["acquiringInternetPayment".to_owned()];
        let op = BankOp::RegisterNotices { url, kinds, replace: false };
        let outcome = ask_now(&app.ctx, &app.connection, &op).await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        app
    }

    pub fn notice_path(&self) -> String {
        format!("/notices/{}/{}", self.connection.bank, self.connection.id)
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    pub fn request(&self, method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", self.key));
        request.body(body.into()).unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, Body::empty())).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path, body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path, body.to_string())).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PATCH, path, body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path, Body::empty())).await
    }

    pub async fn post_text(&self, path: &str, body: &str) -> Reply {
        self.send(self.request(Method::POST, path, body.to_owned())).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Reply {
        let mut request = self.request(Method::POST, path, body.to_string());
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        self.send(request).await
    }

    /// A payment that is open at the bank.
    pub async fn create(&self, extra: Value) -> Value {
        let mut body = json!({"amount": "5000.00", "purpose": "Торт <b>\"Прага\"</b>"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.post("/v1/payments", body).await.expect(201)
    }

    pub async fn payment(&self, id: &Value) -> Value {
        self.get(&format!("/v1/payments/{}", id.as_str().unwrap())).await.expect(200)
    }

    /// The payer pays at the bank; nothing of it has reached us yet.
    pub fn pay(&self, payment: &Value) {
        let id = payment["bank_payment_id"].as_str().expect("open").to_owned();
        self.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
    }

    /// A payment that is paid, as far as we know too.
    pub async fn create_paid(&self, extra: Value) -> Value {
        let payment = self.create(extra).await;
        self.pay(&payment);
        self.advance(61_000).await;
        self.payment(&payment["id"]).await
    }

    /// Moves the clock and does what is due then: jobs and notices, until there is none.
    pub async fn advance(&self, ms: i64) {
        self.clock.advance_ms(ms);
        for _ in 0..1_000 {
            let delivered = self.bank.deliver().await;
            let jobs = claim_due(&self.ctx, 16).await.unwrap();
            if jobs.is_empty() && delivered.is_empty() {
                return;
            }
            for job in jobs {
                run_and_finish(&self.ctx, job).await.unwrap();
            }
        }
        panic!("jobs without end");
    }

    pub async fn set_credentials(&self, change: impl FnOnce(&mut Credentials)) {
        let mut credentials = self.connection.credentials.clone();
        change(&mut credentials);
        save_credentials(&self.ctx, self.connection.clone(), credentials, None).await.unwrap();
    }

    /// Rows of a table.
    pub async fn rows(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        let row: Result<_, DbError> = self.ctx.db.read(move |tx| tx.find(&sql, &[])).await;
        row.unwrap().expect("a count").int(0).unwrap()
    }
}
