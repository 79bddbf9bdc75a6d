//! `kill -9` under load: a real server process against a real sandbox process, killed and started
//! again twenty times while shops create and refund and payers pay; then the books of both are
//! compared kopeck by kopeck.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::{
    databases::{Kind, TestDb},
    process::{Folder, Kopeck, free_port, http, log_of, until_up},
};

/// As often as the server is killed.
const KILLS: u64 = 20;
/// Shops that create payments side by side.
const SHOPS: u64 = 4;
/// Each shop trades until the last kill is over, and makes at least so many payments …
const PAYMENTS_MIN: u64 = 30;
/// … and at most so many, should the kills take for ever.
const PAYMENTS_MAX: u64 = 3_000;
/// After the last kill: a notice comes again within ten seconds, a look within a minute.
const CALM: Duration = Duration::from_secs(100);

struct Shop {
    http: reqwest::Client,
    server: String,
    sandbox: kopeck::sandbox::Client,
    key: String,
    created: AtomicU64,
    killing: AtomicBool,
}

impl Shop {
    /// Asks until there is an answer: the server may be dead just now. The key makes that safe.
    async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        loop {
            let request = self.http.post(format!("{}{path}", self.server));
            let request = request.bearer_auth(&self.key).header("idempotency-key", key);
            let request = request.header("content-type", "application/json");
            if let Ok(reply) = request.body(body.to_string()).send().await {
                let status = reply.status().as_u16();
                if let Ok(text) = reply.text().await
                    && status < 500
                {
                    return (status, serde_json::from_str(&text).expect("JSON"));
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.server)).bearer_auth(&self.key);
        let text = request.send().await.expect("up").text().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Creates payments one after the other; most are paid, some of them refunded.
    async fn trade(self: Arc<Self>, number: u64) {
        for turn in 0..PAYMENTS_MAX {
            if turn >= PAYMENTS_MIN && !self.killing.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("{number}-{turn}");
            let kopecks = 10_000 + number * 10_000 + turn;
            let body = json!({
                "amount_kopecks": kopecks, "purpose": format!("Заказ {name}"),
                "methods": ["card", "sbp"], "order_id": name,
            });
            let (status, made) = self.post("/v1/payments", &format!("create-{name}"), &body).await;
            assert_eq!(status, 201, "{made}");
            self.created.fetch_add(1, Ordering::Relaxed);
            let id = made["id"].as_str().expect("an id").to_owned();
            let reference = made["reference"].as_str().expect("a reference").to_owned();
            match turn % 5 {
                0 => continue,
                1 => {
                    let _ = self.sandbox.decline(&reference, None).await;
                    continue;
                }
                _ => {}
            }
            // The link may not be open at the bank yet; the payer comes when it is.
            while self.sandbox.pay(&reference, None, None).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if turn % 5 == 4 {
                let body = json!({"amount_kopecks": 3_000 + turn, "reason": "просил покупатель"});
                let path = format!("/v1/payments/{id}/refunds");
                // Refused until the payment is known to be paid; that answer is not remembered.
                for _ in 0..50 {
                    let (status, _) = self.post(&path, &format!("refund-{name}"), &body).await;
                    if status == 201 {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Every payment in our books: reference → (paid, refunded, status).
    async fn books(&self) -> BTreeMap<String, (i64, i64, String)> {
        let (mut books, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/payments?limit=100{cursor}")).await;
            for payment in page["data"].as_array().expect("a list") {
                let reference = payment["reference"].as_str().expect("text").to_owned();
                let status = payment["status"].as_str().expect("text").to_owned();
                let paid = payment["paid_kopecks"].as_i64().expect("kopecks");
                let refunded = payment["refunded_kopecks"].as_i64().expect("kopecks");
                let before = books.insert(reference, (paid, refunded, status));
                assert_eq!(before, None, "one row per reference");
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&starting_after={next}"),
                None => return books,
            }
        }
    }

    /// The same as the bank has it: reference → (paid, refunded, was it declined only).
    async fn bank_books(&self) -> BTreeMap<String, (i64, i64)> {
        let list = self.sandbox.list().await.expect("the sandbox answers");
        let mut books = BTreeMap::new();
        for payment in list["payments"].as_array().expect("a list") {
            let reference = payment["reference"].as_str().expect("text").to_owned();
            let paid = payment["paid_kopecks"].as_i64().expect("kopecks");
            let refunded = payment["refunded_kopecks"].as_i64().expect("kopecks");
            let before = books.insert(reference.clone(), (paid, refunded));
            assert_eq!(before, None, "the bank has {reference} twice");
        }
        books
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn books_agree_after_twenty_kills_on_sqlite() {
    survive(Kind::SqliteFile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books_agree_after_twenty_kills_on_postgres() {
    survive(Kind::Postgres).await;
}

async fn survive(kind: Kind) {
    let folder = Folder::new(&format!("kill-{kind:?}"));
    let database = TestDb::empty(kind);
    let (bank_port, port) = (free_port(), free_port());
    let mut kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
    let listen = format!("127.0.0.1:{bank_port}");
    let _bank = kopeck.start(&["sandbox", "--listen", &listen], "sandbox.log");
    let http = http();
    let bank_url = format!("http://{listen}");
    until_up(&http, &bank_url).await;

    let server = format!("http://127.0.0.1:{port}");
    let sandbox = kopeck::sandbox::Client::new(&bank_url).expect("a client");
    let env = sandbox.env().await.expect("credentials");
    kopeck.env.extend(
        env.as_object().expect("a map").iter().filter_map(|(name, value)| {
            value.as_str().map(|value| (name.clone(), value.to_owned()))
        }),
    );
    kopeck.env.push(("KOPECK_DATABASE_URL".into(), database.url.clone()));
    kopeck.env.push(("KOPECK_SERVER_LISTEN".into(), format!("127.0.0.1:{port}")));
    kopeck.env.push(("KOPECK_SERVER_PUBLIC_URL".into(), server.clone()));
    kopeck.env.push(("KOPECK_NET_PRIVATE_ADDRESSES".into(), "loopback".into()));
    kopeck.json(&["init", "--yes", "--json"]);
    let key = kopeck.json(&["keys", "create", "kill", "--json"]);
    let key = key["key"].as_str().expect("a key").to_owned();

    let shop = Arc::new(Shop {
        http,
        server: server.clone(),
        sandbox,
        key,
        created: AtomicU64::new(0),
        killing: AtomicBool::new(true),
    });
    let trades: Vec<_> =
        (0..SHOPS).map(|number| tokio::spawn(Arc::clone(&shop).trade(number))).collect();
    let mut process = kopeck.start(&["serve"], "serve.log");
    for kill in 0..KILLS {
        // Not in step with anything: from "hardly up" to "in full swing".
        tokio::time::sleep(Duration::from_millis(250 + (kill * 137) % 700)).await;
        assert!(process.is_alive(), "it died by itself\n{}", log_of(&folder.0, "serve.log"));
        process.kill();
        process = kopeck.start(&["serve"], "serve.log");
    }
    shop.killing.store(false, Ordering::Relaxed);
    for trade in trades {
        trade.await.expect("a shop's day ends");
    }
    until_up(&shop.http, &format!("{}/healthz", shop.server)).await;
    assert!(process.is_alive(), "{}", log_of(&folder.0, "serve.log"));
    compare(&shop).await;
}

/// Waits until both books say the same, and nothing is half-done; then says so, or what differs.
async fn compare(shop: &Shop) {
    let deadline = tokio::time::Instant::now() + CALM;
    loop {
        let (books, bank) = (shop.books().await, shop.bank_books().await);
        let mut differing = Vec::new();
        for (reference, (paid, refunded, status)) in &books {
            let at_bank = bank.get(reference).copied();
            // A refund whose request was killed on its way waits a quarter of an hour for proof
            // that it never arrived; the kopecks must agree all the same.
            let half_done = ["opening", "capturing"].contains(&status.as_str());
            if at_bank != Some((*paid, *refunded)) || half_done {
                differing
                    .push(format!("{reference}: {status} {paid}/{refunded}, bank {at_bank:?}"));
            }
        }
        let created = shop.created.load(Ordering::Relaxed);
        if differing.is_empty() {
            assert_eq!(books.len() as u64, created, "every payment asked for, once");
            assert_eq!(bank.len(), books.len(), "the bank has no payment that we have not");
            assert!(books.values().any(|(_, refunded, _)| *refunded > 0), "some were refunded");
            return;
        }
        let late = tokio::time::Instant::now() > deadline;
        assert!(!late, "of {created} payments:\n  {}", differing.join("\n  "));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
