//! Each fault once: what it does, that it is used up, and what it leaves alone.

use serde_json::{Value, json};

use super::{Bench, ORIGIN, sign};
use crate::{
    emulator::{Control, Emulator as _, Fault, FaultKind, Served},
    http::{HttpRequest, Method},
};

fn set(bench: &mut Bench, word: &str, path: &str) {
    let kind = FaultKind::parse(word).unwrap();
    let fault = Fault { kind, times: 1, path: path.to_owned() };
    bench.control(&Control::Fault(fault)).unwrap();
}

/// A cancelled payment with this fault set on its notice.
fn canceled_with(word: &str) -> (Bench, String) {
    let mut bench = Bench::new();
    set(&mut bench, word, "CANCELED");
    let id = bench.init(json!({}));
    bench.ok("Cancel", json!({ "PaymentId": id }));
    (bench, id)
}

fn init_request(bench: &Bench) -> HttpRequest {
    let body = json!({ "TerminalKey": bench.terminal.key, "Amount": 1_000, "OrderId": "F" });
    let body = sign(body, bench.terminal.password).into_bytes();
    HttpRequest { body, ..HttpRequest::new(Method::Post, format!("{ORIGIN}/v2/Init")) }
}

#[test]
fn a_status_answers_without_doing_anything() {
    let mut bench = Bench::new();
    let request = init_request(&bench);
    for status in [403, 429, 500, 503] {
        set(&mut bench, &format!("status:{status}"), "/Init");
        assert_eq!(bench.post_raw("/v2/GetState", "").status, 200, "another path");
        assert_eq!(bench.send(&request).status, status);
        assert_eq!(bench.control(&Control::List).unwrap()["payments"], json!([]));
    }
    assert_eq!(bench.send(&request).status, 200, "used up");
}

#[test]
fn a_lost_reply_did_the_work_and_a_hang_did_not() {
    let mut bench = Bench::new();
    let request = init_request(&bench);
    set(&mut bench, "hang:30000", "");
    assert_eq!(bench.bank.serve(bench.now, &request), Served::Silence { hold_ms: 30_000 });
    assert!(bench.control(&Control::Show { id: "F".to_owned() }).is_err());
    set(&mut bench, "lose-reply", "");
    assert_eq!(bench.bank.serve(bench.now, &request), Served::Silence { hold_ms: 0 });
    assert_eq!(bench.show("F")["status"], "NEW");
}

#[test]
fn a_fault_of_everything_spares_the_pay_page() {
    let mut bench = Bench::new();
    let url = bench.init_reply(json!({}))["PaymentURL"].as_str().unwrap().to_owned();
    set(&mut bench, "status:503", "");
    let page = HttpRequest::new(Method::Get, url);
    assert_eq!(bench.send(&page).status, 200);
    bench.control(&Control::ClearFaults).unwrap();
    set(&mut bench, "status:500", "/new");
    assert_eq!(bench.send(&page).status, 500);
}

#[test]
fn a_lost_notice_never_comes() {
    let (bench, _) = canceled_with("lose-notice");
    assert_eq!(bench.bank.next_due(), None);
}

#[test]
fn a_delayed_notice_comes_later() {
    let (mut bench, _) = canceled_with("delay-notice:60000");
    bench.advance(60_499);
    assert_eq!(bench.poll(), []);
    bench.advance(1);
    assert_eq!(bench.poll().len(), 1);
}

#[test]
fn a_doubled_notice_comes_twice_word_for_word() {
    let (mut bench, id) = canceled_with("double-notice");
    let both = bench.next_deliveries();
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].request, both[1].request);
    assert_eq!(bench.show(&id)["notices"].as_array().unwrap().len(), 2);
}

#[test]
fn a_reordered_notice_lets_the_next_one_pass() {
    let mut bench = Bench::new();
    set(&mut bench, "reorder-notice", "AUTHORIZED");
    let id = bench.init(json!({ "PayType": "T" }));
    bench.pay(&id, "card");
    bench.advance(1_000);
    assert_eq!(bench.poll(), []);
    bench.ok("Confirm", json!({ "PaymentId": id }));
    let status = |bench: &mut Bench| -> Value {
        let delivery = bench.next_deliveries().remove(0);
        bench.answer(&delivery, Some(200));
        bench.read(&delivery).unwrap()["Status"].clone()
    };
    assert_eq!((status(&mut bench), status(&mut bench)), (json!("CONFIRMED"), json!("AUTHORIZED")));
}

#[test]
fn a_corrupted_notice_is_good_at_the_next_try() {
    let (mut bench, _) = canceled_with("corrupt-notice");
    let bad = bench.next_deliveries().remove(0);
    assert_eq!(bench.read(&bad), None);
    bench.answer(&bad, Some(401));
    let good = bench.next_deliveries().remove(0);
    assert!(bench.read(&good).is_some());
}
