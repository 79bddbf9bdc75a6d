//! The schedule of notices, what counts as taken, and what a notice holds.

use serde_json::{Value, json};

use super::{Bench, HOOK};
use crate::{
    emulator::{Control, Emulator as _},
    http::HttpReply,
    tbank::emulator::NOTICE_ANSWER,
};

const HOUR_MS: i64 = 3_600_000;

/// A bench with one notice under way, `CANCELED`.
fn canceled() -> (Bench, String) {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.ok("Cancel", json!({ "PaymentId": id }));
    (bench, id)
}

#[test]
fn the_plainest_notice_has_exactly_these_fields() {
    let mut bench = Bench::new();
    let id = bench.init(json!({ "PayType": "T" }));
    bench.pay(&id, "card");
    let delivery = bench.next_deliveries().remove(0);
    assert_eq!(delivery.request.url, HOOK);
    assert_eq!(delivery.request.find_header("content-type"), Some("application/json"));
    let notice = bench.read(&delivery).unwrap();
    let keys: Vec<&String> = notice.as_object().unwrap().keys().collect();
    let expect = [
        "TerminalKey",
        "OrderId",
        "Success",
        "Status",
        "PaymentId",
        "ErrorCode",
        "Amount",
        "CardId",
        "Pan",
        "ExpDate",
        "Token",
    ];
    assert_eq!(keys, expect);
    assert_eq!(notice["PaymentId"].to_string(), id, "a number");
    assert_eq!((&notice["Success"], &notice["ErrorCode"]), (&json!(true), &json!("0")));
}

#[test]
fn a_refused_notice_comes_hourly_for_a_day_then_daily_for_a_month() {
    let (mut bench, id) = canceled();
    let start = bench.now;
    let mut hours = Vec::new();
    while bench.bank.next_due().is_some() {
        let delivery = bench.next_deliveries().remove(0);
        hours.push((bench.now.as_millisecond() - start.as_millisecond()) / HOUR_MS);
        bench.answer(&delivery, Some(500));
    }
    let expect: Vec<i64> = (0..=24).chain((1..=30).map(|day| 24 + 24 * day)).collect();
    assert_eq!(hours, expect);
    assert_eq!(bench.show(&id)["notices"][0]["state"], "given_up");
    let reply = bench.ok("Resend", json!({}));
    assert_eq!(reply["Count"], 1);
    let delivery = bench.poll().remove(0);
    bench.answer(&delivery, Some(200));
    assert_eq!(bench.show(&id)["notices"][0]["state"], "delivered");
    assert_eq!(bench.ok("Resend", json!({}))["Count"], 0);
}

#[test]
fn only_200_with_the_word_counts() {
    let (mut bench, id) = canceled();
    for reply in [
        Some(HttpReply::new(200, "text/plain", "ok")),
        Some(HttpReply::new(200, "text/plain", "OK\n")),
        Some(HttpReply::new(201, "text/plain", "OK")),
        None,
    ] {
        let delivery = bench.next_deliveries().remove(0);
        bench.bank.answered(bench.now, delivery.id, reply.as_ref());
        assert_eq!(bench.show(&id)["notices"][0]["state"], "waiting");
    }
    let delivery = bench.next_deliveries().remove(0);
    let reply = HttpReply::new(200, "text/plain", NOTICE_ANSWER);
    bench.bank.answered(bench.now, delivery.id, Some(&reply));
    assert_eq!(bench.show(&id)["notices"][0]["state"], "delivered");
    assert_eq!(bench.bank.next_due(), None);
    bench.answer(&delivery, Some(500));
    assert_eq!(bench.show(&id)["notices"][0]["state"], "delivered", "late words change nothing");
}

#[test]
fn a_rejection_says_why_and_the_sbp_says_how() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.pay_card(&id, "2201382000000831");
    let notice = bench.next_deliveries().remove(0);
    let notice = bench.read(&notice).unwrap();
    assert_eq!((&notice["Success"], &notice["Status"]), (&json!(false), &json!("REJECTED")));
    assert_eq!(notice["ErrorCode"], "1051");
    assert!(notice["Message"].is_string());
    let id = bench.init(json!({}));
    bench.pay(&id, "sbp");
    let notice = bench.next_deliveries().remove(0);
    let notice = bench.read(&notice).unwrap();
    assert_eq!(
        (&notice["Status"], &notice["Data"]["Source"]),
        (&json!("CONFIRMED"), &json!("qrsbp"))
    );
    assert!(notice.get("CardId").is_none() && notice["Pan"].as_str().unwrap().starts_with("+7"));
}

#[test]
fn without_an_address_nothing_is_sent() {
    let mut bench = Bench::new();
    let id = bench.init(json!({ "NotificationURL": null }));
    bench.pay(&id, "card");
    assert_eq!(bench.bank.next_due(), None);
    bench.bank.set_notification_url(bench.terminal.key, HOOK);
    bench.control(&Control::Refund { id: id.clone(), amount: None }).unwrap();
    assert_eq!(bench.heard(), ["REFUNDED 10000"]);
    let list: Value = bench.control(&Control::List).unwrap();
    assert_eq!(list["notices"][0]["kind"], "payment REFUNDED");
}
