//! `kill -9` under load: a real server process against a real sandbox process with two banks,
//! killed and started again twenty times while shops create, capture, release and refund at one
//! bank and the other, and payers pay; then all books are compared kopeck by kopeck.

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

/// Each shop sells through one and the other in turn.
const BANKS: [&str; 2] = ["tochka", "tbank"];
/// As often as the server is killed, each time while it works with every bank.
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

    /// Creates payments one after the other; most are paid, some captured by parts, released or
    /// refunded.
    async fn trade(self: Arc<Self>, number: u64) {
        for turn in 0..PAYMENTS_MAX {
            if turn >= PAYMENTS_MIN && !self.killing.load(Ordering::Relaxed) {
                break;
            }
            let bank = BANKS[usize::from((number + turn) % 2 == 1)];
            // Only this bank releases holds, and captures them by parts.
            let is_hold = bank == "tbank" && turn % 7 >= 5;
            let name = format!("{number}-{turn}");
            let kopecks = 10_000 + number * 10_000 + turn;
            let body = json!({
                "amount_kopecks": kopecks, "purpose": format!("Заказ {name}"), "bank": bank,
                "methods": if is_hold { json!(["card"]) } else { json!(["card", "sbp"]) },
                "capture": if is_hold { "manual" } else { "automatic" }, "order_id": name,
            });
            let (status, made) = self.post("/v1/payments", &format!("create-{name}"), &body).await;
            assert_eq!(status, 201, "{made}");
            self.created.fetch_add(1, Ordering::Relaxed);
            let path = format!("/v1/payments/{}", made["id"].as_str().expect("an id"));
            match turn % 7 {
                0 => continue,
                1 => {
                    let reference = made["reference"].as_str().expect("a reference");
                    let _ = self.sandbox.decline(reference, None).await;
                    continue;
                }
                _ => self.pay(&path, is_hold).await,
            }
            match turn % 7 {
                4 => {
                    let body =
                        json!({"amount_kopecks": 3_000 + turn, "reason": "просил покупатель"});
                    self.insist(&format!("{path}/refunds"), &name, &body).await;
                }
                5 if is_hold => {
                    self.insist(&format!("{path}/cancel"), &name, &json!({})).await;
                }
                6 if is_hold => {
                    let body = json!({"amount_kopecks": kopecks - 5_000});
                    self.insist(&format!("{path}/capture"), &name, &body).await;
                    let body = json!({"amount_kopecks": 1_000 + turn});
                    self.insist(&format!("{path}/refunds"), &name, &body).await;
                }
                _ => {}
            }
        }
    }

    /// The payer comes when the link is open, and pays for what we say is ours: a link whose
    /// address was lost with the server is not, and nobody knows it.
    async fn pay(&self, path: &str, is_hold: bool) {
        loop {
            let request = self.http.get(format!("{}{path}", self.server)).bearer_auth(&self.key);
            if let Ok(reply) = request.send().await
                && let Ok(text) = reply.text().await
                && let Ok(payment) = serde_json::from_str::<Value>(&text)
                && let Some(id) = payment["bank_payment_id"].as_str()
                && payment["bank_url"].is_string()
            {
                // By card and by SBP in turn.
                let is_sbp =
                    !is_hold && payment["amount_kopecks"].as_i64().expect("kopecks") % 4 < 2;
                let method = if is_sbp { "sbp" } else { "card" };
                self.sandbox.pay(id, Some(method), None).await.expect("it is open");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Refused until the payment is known to be paid or held; that answer is not remembered. A
    /// payment that was driven when the server died rests until its lease ends, so this may take
    /// as long as any calm does; given up sooner, a hold would stay for ever.
    async fn insist(&self, path: &str, name: &str, body: &Value) {
        let verb = path.rsplit('/').next().unwrap_or_default();
        let deadline = tokio::time::Instant::now() + CALM;
        loop {
            let (status, answer) = self.post(path, &format!("{verb}-{name}"), body).await;
            if status < 300 {
                return;
            }
            let is_late = tokio::time::Instant::now() > deadline;
            assert!(!is_late, "{path} is refused for ever: {answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every payment in our books, by its bank and the id it has there, or our own until it has one.
    async fn books(&self) -> Books {
        let (mut books, mut cursor) = (Books::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/payments?limit=100{cursor}")).await;
            for payment in page["data"].as_array().expect("a list") {
                let text = |name: &str| payment[name].as_str().map(str::to_owned);
                let id = text("bank_payment_id").or_else(|| text("id"));
                let sums = Sums {
                    paid: payment["paid_kopecks"].as_i64().expect("kopecks"),
                    refunded: payment["refunded_kopecks"].as_i64().expect("kopecks"),
                    status: text("status").expect("text"),
                };
                let key = (text("bank").expect("text"), id.expect("an id"));
                assert_eq!(books.insert(key, sums), None, "one row per payment at a bank");
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&starting_after={next}"),
                None => return books,
            }
        }
    }

    /// The same as the banks have it.
    async fn bank_books(&self) -> Books {
        let list = self.sandbox.list().await.expect("the sandbox answers");
        let mut books = Books::new();
        for payment in list["payments"].as_array().expect("a list") {
            let text = |name: &str| payment[name].as_str().expect("text").to_owned();
            let sums = Sums {
                paid: payment["paid_kopecks"].as_i64().expect("kopecks"),
                refunded: payment["refunded_kopecks"].as_i64().expect("kopecks"),
                status: text("status"),
            };
            let before = books.insert((text("bank"), text("id")), sums);
            assert_eq!(before, None, "a bank has {payment} twice");
        }
        books
    }
}

/// By bank and id at the bank.
type Books = BTreeMap<(String, String), Sums>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sums {
    paid: i64,
    refunded: i64,
    status: String,
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
    for bank in BANKS {
        kopeck.json(&["init", "--bank", bank, "--yes", "--json"]);
    }
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
        let (books, banks) = (shop.books().await, shop.bank_books().await);
        let differs = |(key, ours): &(&(String, String), &Sums)| {
            // A refund whose request was killed on its way waits a quarter of an hour for proof
            // that it never arrived; the kopecks must agree all the same.
            let half_done = ["opening", "authorized", "capturing"].contains(&ours.status.as_str());
            let is_same = |bank: &Sums| {
                let is_released = (bank.status == "REVERSED") == (ours.status == "canceled");
                (bank.paid, bank.refunded) == (ours.paid, ours.refunded) && is_released
            };
            half_done || !banks.get(*key).is_some_and(is_same)
        };
        let differing: Vec<_> = books.iter().filter(differs).collect();
        let created = shop.created.load(Ordering::Relaxed);
        if differing.is_empty() {
            assert_eq!(books.len() as u64, created, "every payment asked for, once");
            compare_orphans(&books, &banks);
            return BANKS.iter().for_each(|bank| check_rich(bank, &banks));
        }
        let late = tokio::time::Instant::now() > deadline;
        let lines = differing
            .iter()
            .map(|(key, ours)| format!("\n  {key:?}: {ours:?}, the bank {:?}", banks.get(*key)));
        assert!(!late, "of {created} payments:{}", lines.collect::<String>());
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Tochka takes a reference once, so nothing is there that we do not know. T-Bank does not say where
/// to pay for what it has: what was opened by an answer that we did not live to hear is given up,
/// and nobody may have paid for it.
fn compare_orphans(books: &Books, banks: &Books) {
    for ((bank, id), sums) in banks.iter().filter(|(key, _)| !books.contains_key(*key)) {
        let is_given_up = bank == "tbank" && sums.paid == 0 && sums.status != "AUTHORIZED";
        assert!(is_given_up, "{bank} has {id}, which we have not: {sums:?}");
    }
}

/// That it was a day worth surviving.
fn check_rich(bank: &str, banks: &Books) {
    let own = || banks.iter().filter(|((name, _), _)| name == bank).map(|(_, sums)| sums);
    assert!(own().any(|sums| sums.refunded > 0), "nothing was refunded at {bank}");
    assert!(own().any(|sums| sums.paid > 0 && sums.refunded == 0), "nothing was paid at {bank}");
    if bank == "tbank" {
        assert!(own().any(|sums| sums.status == "REVERSED"), "no hold was released");
        // The part that was not taken, of all the sums that a payment may have.
        assert!(own().any(|sums| (5_000..10_000).contains(&(sums.paid % 10_000))), "no part taken");
    }
}
