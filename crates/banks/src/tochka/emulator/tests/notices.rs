//! Notices of payments: what they say, when they come, how long they are tried.

use serde_json::{Value, json};

use super::{Bench, HOOK};
use crate::{emulator::Emulator as _, tochka::emulator::directory};

fn keys(payload: &Value) -> Vec<&str> {
    payload.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_card_payment_is_announced_half_a_second_later() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({ "consumerId": "c-1", "paymentLinkId": "A-1" }));
    bench.pay(&id, "card");
    bench.advance(499);
    assert_eq!(bench.poll(), []);
    bench.advance(1);
    let delivery = bench.poll().remove(0);
    assert_eq!(delivery.request.url, HOOK);
    assert_eq!(
        bench.read(&delivery).unwrap(),
        json!({
            "customerCode": directory::BUSINESS_CODE,
            "amount": "100.00",
            "paymentType": "card",
            "operationId": id,
            "purpose": "Чай и плюшки",
            "webhookType": "acquiringInternetPayment",
            "merchantId": directory::MERCHANT_ID,
            "consumerId": "c-1",
            "status": "APPROVED",
            "paymentLinkId": "A-1",
        })
    );
    bench.answer(&delivery, Some(200));
    assert_eq!(bench.bank.next_due(), None);
    let shown = bench.show("A-1");
    assert_eq!(shown["notices"][0]["state"], "delivered");
    assert_eq!(shown["notices"][0]["tries"][0]["status"], 200);
}

#[test]
fn each_method_has_its_own_fields() {
    let sbp = "customerCode amount paymentType operationId transactionId purpose qrcId payerName \
               webhookType merchantId status paymentLinkId";
    let plain = "customerCode amount paymentType operationId purpose webhookType merchantId \
                 status paymentLinkId";
    for (method, expect) in [("sbp", sbp), ("dolyame", plain), ("tpay", plain)] {
        let mut bench = Bench::listening();
        let id = bench.link(json!({ "paymentMode": ["sbp", "dolyame", "tinkoff"] }));
        bench.pay(&id, method);
        let delivery = bench.next_deliveries().remove(0);
        let payload = bench.read(&delivery).unwrap();
        assert_eq!(keys(&payload), expect.split_whitespace().collect::<Vec<_>>(), "{method}");
    }
}

#[test]
fn a_hold_and_its_capture_are_two_notices() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({ "preAuthorization": true }));
    bench.pay(&id, "card");
    let held = bench.next_deliveries().remove(0);
    assert_eq!(bench.read(&held).unwrap()["status"], "AUTHORIZED");
    bench.answer(&held, Some(200));
    bench.capture(&id);
    let taken = bench.next_deliveries().remove(0);
    assert_eq!(bench.read(&taken).unwrap()["status"], "APPROVED");
    bench.answer(&taken, Some(200));
    bench.refund(&id, "5");
    assert_eq!(bench.bank.next_due(), None, "refunds are not announced");
}

#[test]
fn thirty_tries_ten_seconds_apart_and_no_more() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    let mut times = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    while bench.bank.next_due().is_some() {
        let deliveries = bench.next_deliveries();
        assert_eq!(deliveries.len(), 1);
        assert_eq!(bench.poll(), [], "a delivery under way is not given twice");
        times.push(bench.now);
        assert!(ids.insert(deliveries[0].id));
        let status = [None, Some(500), Some(204)][times.len() % 3];
        bench.answer(&deliveries[0], status);
    }
    assert_eq!(times.len(), 30);
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_millis() == 10_000));
    let notice = &bench.show(&id)["notices"][0];
    assert_eq!(notice["state"], "given_up");
    assert_eq!(notice["tries"].as_array().unwrap().len(), 30);
}

#[test]
fn a_late_answer_to_an_earlier_try_still_counts() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    let first = bench.next_deliveries().remove(0);
    let second = bench.next_deliveries().remove(0);
    bench.answer(&first, Some(200));
    assert_eq!(bench.bank.next_due(), None);
    bench.answer(&second, Some(500));
    bench.answer(&second, Some(500));
    assert_eq!(bench.bank.next_due(), None, "delivered is delivered");
}

#[test]
fn nobody_is_told_who_did_not_ask() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    assert_eq!(bench.bank.next_due(), None, "no address");
    assert_eq!(bench.register(HOOK, &["incomingPayment"], Some(200)).status, 200);
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    assert_eq!(bench.bank.next_due(), None, "not subscribed");
}
