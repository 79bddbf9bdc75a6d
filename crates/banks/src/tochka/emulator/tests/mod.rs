//! The emulator tested through its own doors, in memory, with a clock that we move.

mod chaos;
mod client;
mod faults;
mod links;
mod money;
mod notices;
mod oauth;
mod page;
mod reading;
mod sbp;
mod subscriptions;
mod webhooks;

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{TochkaEmulator, directory};
use crate::{
    Money,
    emulator::{Control, Delivery, Emulator as _, Served},
    http::{HttpReply, HttpRequest, Method},
    tochka::sign::verify,
};

const ORIGIN: &str = "http://127.0.0.1:9900";
const HOOK: &str = "http://127.0.0.1:8000/notices/tochka";

static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    use aws_lc_rs::{
        encoding::{AsDer as _, Pkcs8V1Der},
        rsa::{KeyPair, KeySize},
    };
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
});

/// An emulator, its clock and the token that we come with.
struct Bench {
    bank: TochkaEmulator,
    now: Timestamp,
    token: String,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            bank: TochkaEmulator::new(ORIGIN, &KEY, 7).unwrap(),
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            token: directory::access_token(),
        }
    }

    /// With an address registered for notices of payments.
    fn listening() -> Bench {
        let mut bench = Bench::new();
        let reply = bench.register(HOOK, &["acquiringInternetPayment"], Some(200));
        assert_eq!(reply.status, 200);
        bench
    }

    fn advance(&mut self, ms: i64) {
        self.now += SignedDuration::from_millis(ms);
    }

    fn send(&mut self, request: &HttpRequest) -> HttpReply {
        match self.bank.serve(self.now, request) {
            Served::Now(reply) => reply,
            other @ (Served::Later(_) | Served::Silence { .. }) => panic!("not at once: {other:?}"),
        }
    }

    fn request(&self, method: Method, path: &str, body: &str) -> HttpRequest {
        let request = HttpRequest::new(method, format!("{ORIGIN}{path}"))
            .header("authorization", format!("Bearer {}", self.token));
        HttpRequest { body: body.as_bytes().to_vec(), ..request }
    }

    /// Status and JSON of one call.
    fn call(&mut self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let reply = self.send(&self.request(method, path, body));
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.call(Method::Get, path, "")
    }

    fn post(&mut self, path: &str, body: &str) -> (u16, Value) {
        self.call(Method::Post, path, body)
    }

    fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> HttpReply {
        self.send(&HttpRequest::new(Method::Post, format!("{ORIGIN}{path}")).form(fields))
    }

    /// A link, one day long, with these fields over the usual ones; the answer is its id.
    fn link(&mut self, over: Value) -> String {
        let (status, reply) = self.post("/uapi/acquiring/v1.0/payments", &link_body(over));
        assert_eq!(status, 200, "{reply}");
        reply["Data"]["operationId"].as_str().unwrap().to_owned()
    }

    /// The operation as the API shows it.
    fn operation(&mut self, id: &str) -> Value {
        let (status, reply) = self.get(&format!("/uapi/acquiring/v1.0/payments/{id}"));
        assert_eq!(status, 200, "{reply}");
        reply["Data"]["Operation"][0].clone()
    }

    fn status(&mut self, id: &str) -> String {
        self.operation(id)["status"].as_str().unwrap().to_owned()
    }

    fn capture(&mut self, id: &str) -> (u16, Value) {
        self.post(&format!("/uapi/acquiring/v1.0/payments/{id}/capture"), "{}")
    }

    fn refund(&mut self, id: &str, amount: &str) -> (u16, Value) {
        let body = format!(r#"{{"Data":{{"amount":{amount}}}}}"#);
        self.post(&format!("/uapi/acquiring/v1.0/payments/{id}/refund"), &body)
    }

    fn pay(&mut self, id: &str, method: &str) -> Value {
        let (id, method) = (id.to_owned(), Some(method.to_owned()));
        self.control(&Control::Pay { id, method, card: None }).unwrap()
    }

    fn control(&mut self, control: &Control) -> Result<Value, String> {
        self.bank.control(self.now, control)
    }

    fn show(&mut self, id: &str) -> Value {
        self.control(&Control::Show { id: id.to_owned() }).unwrap()
    }

    fn poll(&mut self) -> Vec<Delivery> {
        self.bank.poll(self.now)
    }

    fn answer(&mut self, delivery: &Delivery, status: Option<u16>) {
        self.bank.delivered(self.now, delivery.id, status);
    }

    /// Goes to the next due time and takes what is due.
    fn next_deliveries(&mut self) -> Vec<Delivery> {
        self.now = self.bank.next_due().unwrap();
        self.poll()
    }

    /// The signed payload of a delivery, or `None` when the signature is not the bank's.
    fn read(&mut self, delivery: &Delivery) -> Option<Value> {
        let keys = self.get("/doc/openapi/static/keys/public").1.to_string();
        let payload = verify(&delivery.request.body, &keys).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// PUTs a webhook and answers its test notices.
    fn register(&mut self, url: &str, kinds: &[&str], answer: Option<u16>) -> HttpReply {
        let body = json!({ "webhooksList": kinds, "url": url }).to_string();
        let path = format!("/uapi/webhook/v1.0/{}", directory::CLIENT_ID);
        let request = self.request(Method::Put, &path, &body);
        match self.bank.serve(self.now, &request) {
            Served::Now(reply) => reply,
            Served::Later(ticket) => self.finish(ticket, answer),
            Served::Silence { .. } => panic!("silence"),
        }
    }

    /// Answers all that is due, then takes the reply that waited for it.
    fn finish(&mut self, ticket: u64, answer: Option<u16>) -> HttpReply {
        for delivery in self.poll() {
            assert_eq!(self.bank.take_reply(ticket), None, "the reply came too early");
            self.answer(&delivery, answer);
        }
        self.bank.take_reply(ticket).unwrap()
    }
}

fn link_body(over: Value) -> String {
    let mut data = json!({
        "customerCode": directory::BUSINESS_CODE,
        "amount": "100.00",
        "purpose": "Чай и плюшки",
        "paymentMode": ["card", "sbp"],
        "ttl": 1440,
    });
    let fields = data.as_object_mut().unwrap();
    for (key, value) in over.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    fields.retain(|_, value| !value.is_null());
    json!({ "Data": data }).to_string()
}

/// The bank's error shape; the answer is `Errors[0].message`.
#[track_caller]
fn error_message(status: u16, body: &Value) -> &str {
    assert_eq!(body["code"], status.to_string(), "{body}");
    assert_eq!(body["id"].as_str().map(str::len), Some(36), "{body}");
    assert!(body["message"].is_string(), "{body}");
    let error = &body["Errors"][0];
    assert!(error["errorCode"].is_string() && error["url"].is_string(), "{body}");
    error["message"].as_str().unwrap()
}

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

/// `type amount` of each item of `Order[]`, from the raw JSON so that amounts stay text.
fn orders(operation: &Value) -> Vec<String> {
    let items = operation["Order"].as_array().unwrap();
    let print = |item: &Value| format!("{} {}", item["type"].as_str().unwrap(), item["amount"]);
    items.iter().map(print).collect()
}

#[test]
fn everything_survives_a_snapshot_but_the_key() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({ "preAuthorization": true, "paymentLinkId": "A-1" }));
    bench.pay(&id, "card");
    bench.advance(500);
    let delivery = bench.poll().remove(0);
    let snapshot = bench.bank.snapshot();
    let mut other = Bench::new();
    other.now = bench.now;
    other.bank.restore(&snapshot).unwrap();
    assert_eq!(other.bank.snapshot(), snapshot);
    assert_eq!(other.show("A-1"), bench.show("A-1"));
    // The delivery that nobody answered before the crash comes again after ten seconds.
    other.advance(9_999);
    assert_eq!(other.poll(), []);
    other.advance(1);
    let again = other.poll().remove(0);
    assert_eq!(again.request, delivery.request);
    assert_ne!(again.id, delivery.id);
    assert!(other.bank.restore(&json!({ "operations": 1 })).is_err());
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes() {
    let run = || {
        let mut bench = Bench::listening();
        let id = bench.link(json!({ "saveCard": true }));
        bench.pay(&id, "sbp");
        bench.bank.snapshot()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_test_credentials_open_the_bank() {
    let mut bench = Bench::new();
    let credentials: std::collections::BTreeMap<_, _> =
        bench.bank.test_credentials().into_iter().collect();
    assert_eq!(credentials["TOCHKA_BASE_URL"], format!("{ORIGIN}/uapi"));
    bench.token = credentials["TOCHKA_ACCESS_TOKEN"].clone();
    let (status, reply) = bench.get("/uapi/open-banking/v1.0/customers");
    let customers = reply["Data"]["Customer"].as_array().unwrap();
    assert_eq!(status, 200);
    assert_eq!(customers[0]["customerType"], "Personal");
    assert_eq!(customers[1]["customerType"], "Business");
    assert_eq!(customers[1]["customerCode"], credentials["TOCHKA_CUSTOMER_CODE"]);
}
