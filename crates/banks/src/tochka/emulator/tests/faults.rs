//! Each fault once: what it does, that it is used up, and what it leaves alone.

use serde_json::json;

use super::{Bench, ORIGIN, error_message, link_body};
use crate::{
    emulator::{Control, Emulator as _, Fault, FaultKind, Served},
    http::{HttpRequest, Method},
};

const PATH: &str = "/uapi/acquiring/v1.0/payments";

fn set(bench: &mut Bench, word: &str, path: &str) {
    let kind = FaultKind::parse(word).unwrap();
    let fault = Fault { kind, times: 1, path: path.to_owned() };
    bench.control(&Control::Fault(fault)).unwrap();
}

/// A paid link with this fault set on its notice.
fn paid_with(word: &str) -> (Bench, String) {
    let mut bench = Bench::listening();
    set(&mut bench, word, "acquiring");
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    (bench, id)
}

#[test]
fn a_status_answers_without_doing_anything() {
    for status in [400, 401, 403, 404, 424, 429, 500, 501] {
        let mut bench = Bench::new();
        set(&mut bench, &format!("status:{status}"), "/payments");
        assert_eq!(bench.get("/uapi/open-banking/v1.0/customers").0, 200, "another path");
        let (got, reply) = bench.post(PATH, &link_body(json!({})));
        assert_eq!(got, status);
        error_message(status, &reply);
        let list = bench.control(&Control::List).unwrap();
        assert_eq!(list["payments"], json!([]));
        assert_eq!(bench.post(PATH, &link_body(json!({}))).0, 200, "used up");
    }
}

#[test]
fn gateways_speak_plain_text_and_429_says_when() {
    let mut bench = Bench::new();
    for status in [502, 503] {
        set(&mut bench, &format!("status:{status}"), "");
        let reply = bench.send(&bench.request(Method::Get, PATH, ""));
        assert_eq!(reply.status, status);
        assert_eq!(reply.find_header("content-type"), Some("text/plain"));
    }
    set(&mut bench, "status:429", "");
    let reply = bench.send(&bench.request(Method::Get, PATH, ""));
    assert_eq!(reply.find_header("retry-after"), Some("1"));
}

#[test]
fn a_lost_reply_did_the_work_and_a_hang_did_not() {
    let mut bench = Bench::new();
    let request = bench.request(Method::Post, PATH, &link_body(json!({ "paymentLinkId": "A" })));
    set(&mut bench, "hang:30000", "");
    let served = bench.bank.serve(bench.now, &request);
    assert_eq!(served, Served::Silence { hold_ms: 30_000 });
    assert!(bench.control(&Control::Show { id: "A".to_owned() }).is_err());
    set(&mut bench, "lose-reply", "");
    let served = bench.bank.serve(bench.now, &request);
    assert_eq!(served, Served::Silence { hold_ms: 0 });
    assert_eq!(bench.show("A")["status"], "CREATED");
    assert_eq!(bench.send(&request).status, 424, "the second attempt is a duplicate");
}

#[test]
fn faults_count_down_are_shown_and_cleared() {
    let mut bench = Bench::new();
    let fault = Fault { kind: FaultKind::ReplyLost, times: 2, path: "x".to_owned() };
    let shown = bench.control(&Control::Fault(fault)).unwrap();
    assert_eq!(shown["faults"][0]["times"], 2);
    bench.control(&Control::ClearFaults).unwrap();
    assert_eq!(bench.get("/uapi/x").0, 501);
    let none = Fault { kind: FaultKind::ReplyLost, times: 0, path: String::new() };
    assert_eq!(bench.control(&Control::Fault(none)).unwrap(), json!({ "faults": [] }));
}

#[test]
fn a_fault_of_everything_spares_the_pay_page() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    set(&mut bench, "status:503", "");
    let page = HttpRequest::new(Method::Get, format!("{ORIGIN}/order/?uuid={id}"));
    assert_eq!(bench.send(&page).status, 200);
    set(&mut bench, "status:500", "/order");
    assert_eq!(bench.send(&page).status, 500);
}

#[test]
fn a_lost_notice_never_comes() {
    let (mut bench, id) = paid_with("lose-notice");
    assert_eq!(bench.bank.next_due(), None);
    assert_eq!(bench.show(&id)["notices"][0]["state"], "lost");
    let next = bench.link(json!({}));
    bench.pay(&next, "card");
    assert_eq!(bench.next_deliveries().len(), 1, "only one was lost");
}

#[test]
fn a_delayed_notice_comes_later() {
    let (mut bench, _) = paid_with("delay-notice:60000");
    bench.advance(60_499);
    assert_eq!(bench.poll(), []);
    bench.advance(1);
    assert_eq!(bench.poll().len(), 1);
}

#[test]
fn a_doubled_notice_comes_twice_word_for_word() {
    let (mut bench, id) = paid_with("double-notice");
    let both = bench.next_deliveries();
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].request, both[1].request);
    assert_ne!(both[0].id, both[1].id);
    assert_eq!(bench.show(&id)["notices"].as_array().unwrap().len(), 2);
}

#[test]
fn a_reordered_notice_lets_the_next_one_pass() {
    let mut bench = Bench::listening();
    set(&mut bench, "reorder-notice", "");
    let id = bench.link(json!({ "preAuthorization": true }));
    bench.pay(&id, "card");
    bench.advance(1_000);
    assert_eq!(bench.poll(), []);
    bench.capture(&id);
    let first = bench.next_deliveries();
    assert_eq!(first.len(), 1);
    assert_eq!(bench.read(&first[0]).unwrap()["status"], "APPROVED");
    bench.answer(&first[0], Some(200));
    let second = bench.next_deliveries();
    assert_eq!(bench.read(&second[0]).unwrap()["status"], "AUTHORIZED");
}

#[test]
fn a_reordered_notice_without_a_next_one_still_comes() {
    let (mut bench, _) = paid_with("reorder-notice");
    assert_eq!(bench.next_deliveries().len(), 1);
}

#[test]
fn a_corrupted_notice_is_good_at_the_next_try() {
    let (mut bench, _) = paid_with("corrupt-notice");
    let bad = bench.next_deliveries().remove(0);
    assert_eq!(bench.read(&bad), None);
    bench.answer(&bad, Some(401));
    let good = bench.next_deliveries().remove(0);
    assert!(bench.read(&good).is_some());
    let differ = bad.request.body.iter().zip(&good.request.body).filter(|(a, b)| a != b).count();
    assert_eq!(differ, 1, "one byte was changed");
}
