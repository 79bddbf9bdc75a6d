//! Registering an address: the tests that it must pass first.

use serde_json::json;

use super::{Bench, HOOK, error_message};
use crate::{
    emulator::{Emulator as _, Served},
    http::Method,
    tochka::emulator::directory,
};

fn path() -> String {
    format!("/uapi/webhook/v1.0/{}", directory::CLIENT_ID)
}

#[test]
fn an_address_is_saved_after_each_kind_was_tested() {
    let mut bench = Bench::new();
    let (status, reply) = bench.get(&path());
    assert_eq!(status, 404);
    assert_eq!(error_message(404, &reply), "Object of Webhooks does not exists");
    let kinds = ["incomingPayment", "incomingSbpPayment", "acquiringInternetPayment"];
    let body = json!({ "webhooksList": kinds, "url": HOOK }).to_string();
    let request = bench.request(Method::Put, &path(), &body);
    let Served::Later(ticket) = bench.bank.serve(bench.now, &request) else { panic!("now") };
    let tests = bench.poll();
    assert_eq!(tests.len(), 3);
    for (delivery, kind) in tests.iter().zip(kinds) {
        assert_eq!(delivery.request.url, HOOK);
        assert_eq!(delivery.request.find_header("content-type"), Some("text/plain"));
        let payload = bench.read(delivery).unwrap();
        assert_eq!(payload["webhookType"], kind);
        assert_eq!(bench.get(&path()).0, 404, "nothing is saved before all answered");
        bench.answer(delivery, Some(200));
    }
    assert_eq!(bench.bank.take_reply(ticket).unwrap().status, 200);
    assert_eq!(bench.bank.take_reply(ticket), None);
    let (_, shown) = bench.get(&path());
    assert_eq!(shown["Data"], json!({ "webhooksList": kinds, "url": HOOK }));
}

#[test]
fn one_test_not_answered_with_200_refuses_all() {
    for answer in [None, Some(201), Some(301), Some(500)] {
        let mut bench = Bench::new();
        let kinds = ["outgoingPayment", "incomingSbpB2BPayment"];
        let reply = bench.register(HOOK, &kinds, answer);
        assert_eq!(reply.status, 400, "{answer:?}");
        assert_eq!(bench.get(&path()).0, 404);
    }
}

#[test]
fn put_replaces_post_edits_delete_forgets() {
    let mut bench = Bench::new();
    let kinds = ["acquiringInternetPayment"];
    let edit = json!({ "webhooksList": kinds, "url": HOOK }).to_string();
    assert_eq!(bench.post(&path(), &edit).0, 404, "nothing to edit");
    assert_eq!(bench.register(HOOK, &kinds, Some(200)).status, 200);
    let other = "https://shop.example/notices";
    assert_eq!(bench.register(other, &kinds, Some(200)).status, 200);
    assert_eq!(bench.get(&path()).1["Data"]["url"], other);
    let request = bench.request(Method::Post, &path(), &edit);
    let Served::Later(ticket) = bench.bank.serve(bench.now, &request) else { panic!("now") };
    assert_eq!(bench.finish(ticket, Some(500)).status, 400);
    assert_eq!(bench.get(&path()).1["Data"]["url"], other, "a failed edit changes nothing");
    let Served::Later(ticket) = bench.bank.serve(bench.now, &request) else { panic!("now") };
    assert_eq!(bench.finish(ticket, Some(200)).status, 200);
    assert_eq!(bench.get(&path()).1["Data"]["url"], HOOK);
    let (status, reply) = bench.call(Method::Delete, &path(), "");
    assert_eq!((status, &reply["Data"]["result"]), (200, &json!(true)));
    assert_eq!(bench.call(Method::Delete, &path(), "").0, 404);
}

#[test]
fn only_https_443_and_this_very_machine_are_called() {
    #[track_caller]
    fn check(url: &str, expect: u16) {
        let reply = Bench::new().register(url, &["incomingPayment"], Some(200));
        assert_eq!(reply.status, expect, "{url}: {}", reply.text());
    }
    check("https://shop.example/hook", 200);
    check("https://shop.example:443/hook", 200);
    check("http://localhost:8080/hook", 200);
    check("http://127.9.9.9/hook", 200);
    check("http://[::1]:3000/hook", 200);
    check("https://127.0.0.1:8443/hook", 200);
    check("http://shop.example/hook", 400);
    check("https://shop.example:8443/hook", 400);
    check("https://shop.example:port/hook", 400);
    check("http://127.0.0.1.evil.example/hook", 400);
    check("http://localhost@evil.example/hook", 400);
    check("http://192.168.0.1/hook", 400);
    check("ftp://127.0.0.1/hook", 400);
    check("", 400);
}

#[test]
fn wrong_bodies_and_foreign_clients_are_refused() {
    let mut bench = Bench::new();
    for body in
        ["", "{}", r#"{"url":"https://a.ru"}"#, r#"{"webhooksList":["x"],"url":"https://a.ru"}"#]
    {
        assert_eq!(bench.call(Method::Put, &path(), body).0, 400, "{body}");
    }
    assert_eq!(bench.get("/uapi/webhook/v1.0/somebody").0, 403);
    let reply = bench.register("https://a.ru", &[], None);
    assert_eq!(reply.status, 200, "an empty list needs no test");
}

#[test]
fn a_test_notice_says_whether_it_was_taken() {
    let mut bench = Bench::listening();
    for (answer, expect) in [(Some(200), true), (Some(404), false), (None, false)] {
        let body = r#"{"webhookType":"acquiringInternetPayment"}"#;
        let request = bench.request(Method::Post, &format!("{}/test_send", path()), body);
        let Served::Later(ticket) = bench.bank.serve(bench.now, &request) else { panic!("now") };
        let reply = bench.finish(ticket, answer);
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &body["Data"]["result"]), (200, &json!(expect)));
    }
    let wrong = bench.post(&format!("{}/test_send", path()), r#"{"webhookType":"x"}"#);
    assert_eq!(wrong.0, 400);
}

#[test]
fn a_test_notice_that_nobody_ever_answers_fails_in_the_end() {
    let mut bench = Bench::new();
    let body = json!({ "webhooksList": ["incomingPayment"], "url": HOOK }).to_string();
    let request = bench.request(Method::Put, &path(), &body);
    let Served::Later(ticket) = bench.bank.serve(bench.now, &request) else { panic!("now") };
    for _ in 0..3 {
        assert_eq!(bench.next_deliveries().len(), 1);
    }
    assert_eq!(bench.next_deliveries(), []);
    assert_eq!(bench.bank.take_reply(ticket).unwrap().status, 400);
    assert_eq!(bench.bank.next_due(), None);
}
