//! The emulator tested through its own doors, in memory, with a clock that we move.

mod chaos;
mod document;
mod faults;
mod money;
mod notices;
mod page;
mod recurrents;
mod register;
mod requests;
mod sbp;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{TbankEmulator, Timing, directory, token};
use crate::{
    emulator::{Control, Delivery, Emulator as _, Served, json::parse_object},
    http::{HttpReply, HttpRequest, Method},
};

const ORIGIN: &str = "http://127.0.0.1:9900";
const HOOK: &str = "http://127.0.0.1:8000/notices/tbank";

/// An emulator, its clock and the terminal that we come with.
struct Bench {
    bank: TbankEmulator,
    now: Timestamp,
    terminal: &'static directory::Terminal,
}

/// The body signed as the bank wants it.
fn sign(mut body: Value, password: &str) -> String {
    let object = parse_object(&body.to_string()).unwrap();
    body["Token"] = token::compute(&object, password, |_| true).into();
    body.to_string()
}

/// These fields over the others; null removes one.
fn merge(mut body: Value, over: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    for (key, value) in over.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    fields.retain(|_, value| !value.is_null());
    body
}

impl Bench {
    fn new() -> Bench {
        Bench::at(directory::DEMO_KEY)
    }

    fn at(key: &str) -> Bench {
        Bench {
            bank: TbankEmulator::new(ORIGIN, 7).unwrap(),
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            terminal: directory::find_terminal(key).unwrap(),
        }
    }

    fn advance(&mut self, ms: i64) {
        self.now += SignedDuration::from_millis(ms);
    }

    fn time(&mut self, change: impl Fn(&mut Timing)) {
        let mut timing = self.bank.timing();
        change(&mut timing);
        self.bank.set_timing(timing);
    }

    fn send(&mut self, request: &HttpRequest) -> HttpReply {
        match self.bank.serve(self.now, request) {
            Served::Now(reply) => reply,
            other @ (Served::Later(_) | Served::Silence { .. }) => panic!("not at once: {other:?}"),
        }
    }

    fn post_raw(&mut self, path: &str, body: &str) -> HttpReply {
        let request = HttpRequest::new(Method::Post, format!("{ORIGIN}{path}"));
        self.send(&HttpRequest { body: body.as_bytes().to_vec(), ..request })
    }

    fn get(&mut self, path: &str) -> HttpReply {
        self.send(&HttpRequest::new(Method::Get, format!("{ORIGIN}{path}")))
    }

    /// One signed call, whatever comes of it.
    fn call(&mut self, method: &str, body: Value) -> Value {
        let body = merge(json!({ "TerminalKey": self.terminal.key }), body);
        let path =
            if method == "SendClosingReceipt" { "/cashbox/".to_owned() } else { "/v2/".to_owned() };
        let reply = self.post_raw(&(path + method), &sign(body, self.terminal.password));
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).unwrap()
    }

    #[track_caller]
    fn ok(&mut self, method: &str, body: Value) -> Value {
        let reply = self.call(method, body);
        assert_eq!(reply["Success"], true, "{reply}");
        assert_eq!(reply["ErrorCode"], "0", "{reply}");
        reply
    }

    #[track_caller]
    fn refused(&mut self, method: &str, body: Value, code: &str) {
        let reply = self.call(method, body);
        assert_eq!(reply["Success"], false, "{reply}");
        assert_eq!(reply["ErrorCode"], code, "{reply}");
        assert!(reply["Message"].is_string() && reply["Details"].is_string(), "{reply}");
    }

    fn init_reply(&mut self, over: Value) -> Value {
        let body = json!({ "Amount": 10_000, "OrderId": "A-1", "NotificationURL": HOOK });
        self.ok("Init", merge(body, over))
    }

    /// A new payment's id.
    fn init(&mut self, over: Value) -> String {
        self.init_reply(over)["PaymentId"].as_str().unwrap().to_owned()
    }

    fn status(&mut self, id: &str) -> String {
        let reply = self.ok_or_failed(id);
        reply["Status"].as_str().unwrap().to_owned()
    }

    fn ok_or_failed(&mut self, id: &str) -> Value {
        let reply = self.call("GetState", json!({ "PaymentId": id }));
        assert_eq!(reply["Success"], true, "{reply}");
        reply
    }

    fn control(&mut self, control: &Control) -> Result<Value, String> {
        self.bank.control(self.now, control)
    }

    fn pay(&mut self, id: &str, method: &str) -> Value {
        let (id, method) = (id.to_owned(), Some(method.to_owned()));
        self.control(&Control::Pay { id, method, card: None }).unwrap()
    }

    fn pay_card(&mut self, id: &str, number: &str) -> Value {
        let (id, card) = (id.to_owned(), Some(number.to_owned()));
        self.control(&Control::Pay { id, method: None, card }).unwrap()
    }

    fn show(&mut self, id: &str) -> Value {
        self.control(&Control::Show { id: id.to_owned() }).unwrap()
    }

    /// The statuses that it went through.
    fn history(&mut self, id: &str) -> String {
        let shown = self.show(id);
        let steps = shown["history"].as_array().unwrap().iter();
        let words: Vec<&str> = steps.map(|step| step["status"].as_str().unwrap()).collect();
        words.join(" ")
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

    /// All notices of the next second, answered: `STATUS amount` of each.
    fn heard(&mut self) -> Vec<String> {
        self.advance(1_000);
        let deliveries = self.poll();
        deliveries
            .iter()
            .map(|delivery| {
                let notice = self.read(delivery).unwrap();
                self.answer(delivery, Some(200));
                format!("{} {}", notice["Status"].as_str().unwrap(), notice["Amount"])
            })
            .collect()
    }

    /// The notice, or `None` when its token is wrong.
    fn read(&self, delivery: &Delivery) -> Option<Value> {
        let text = std::str::from_utf8(&delivery.request.body).unwrap();
        let notice: Value = serde_json::from_str(text).unwrap();
        let right = token::compute(&parse_object(text).unwrap(), self.terminal.password, |_| true);
        (notice["Token"] == right).then_some(notice)
    }
}

#[test]
fn everything_survives_a_snapshot() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    bench.time(|timing| timing.transient_ms = 100);
    let id = bench.init(json!({ "Recurrent": "Y", "CustomerKey": "c", "PayType": "T" }));
    bench.pay_card(&id, "2201382000000047");
    bench.pay(&id, "card");
    bench.ok("AddAccountQr", json!({ "Description": "Подписка" }));
    bench.ok("AddCard", json!({ "CustomerKey": "c" }));
    bench.advance(700);
    let delivery = bench.poll().remove(0);
    let snapshot = bench.bank.snapshot();
    let mut other = Bench::at(directory::WORKING_KEY);
    other.now = bench.now;
    other.bank.restore(&snapshot).unwrap();
    assert_eq!(other.bank.snapshot(), snapshot);
    assert_eq!(other.show("A-1"), bench.show("A-1"));
    // The delivery that nobody answered before the crash comes again after an hour.
    let again = other.next_deliveries().remove(0);
    assert_eq!(again.request, delivery.request);
    assert_ne!(again.id, delivery.id);
    assert!(other.bank.restore(&json!({ "payments": 1 })).is_err());
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes() {
    let run = || {
        let mut bench = Bench::new();
        let id = bench.init(json!({ "CustomerKey": "c" }));
        bench.pay(&id, "card");
        bench.bank.snapshot()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_test_credentials_open_the_bank() {
    let bench = Bench::new();
    let credentials: std::collections::BTreeMap<_, _> =
        bench.bank.test_credentials().into_iter().collect();
    assert_eq!(credentials["TBANK_BASE_URL"], format!("{ORIGIN}/v2"));
    let terminal = directory::find_terminal(&credentials["TBANK_TERMINAL_KEY"]).unwrap();
    assert_eq!(terminal.password, credentials["TBANK_PASSWORD"]);
    for terminal in &directory::TERMINALS {
        assert!(terminal.key.len() <= 20 && terminal.password.len() <= 20);
    }
    assert!(TbankEmulator::new("ftp://x", 1).is_err());
}

/// What was added since has a default.
#[test]
fn an_older_snapshot_is_restored() {
    let mut bench = Bench::new();
    let id = bench.init(json!({ "PayType": "T" }));
    bench.pay(&id, "card");
    let mut snapshot = bench.bank.snapshot();
    for (place, key) in [
        ("", "blocked_terminals"),
        ("/timing", "hold_ms"),
        (&*format!("/payments/{id}"), "hold_ends_ms"),
        (&*format!("/payments/{id}"), "refund_error"),
    ] {
        let object = snapshot.pointer_mut(place).unwrap().as_object_mut().unwrap();
        assert!(object.remove(key).is_some(), "{place}/{key}");
    }
    let mut other = Bench::new();
    other.bank.restore(&snapshot).unwrap();
    assert_eq!(other.bank.timing(), Timing::default());
    assert_eq!(other.status(&id), "AUTHORIZED");
}
