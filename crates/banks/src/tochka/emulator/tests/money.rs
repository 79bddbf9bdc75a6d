//! The life of a payment: paid, held, captured, refunded, expired; and no kopeck too many.

use serde_json::json;

use super::{Bench, error_message, orders, rubles};
use crate::{
    emulator::Control,
    tochka::emulator::{Timing, directory},
};

const DAY_MS: i64 = 86_400_000;

#[test]
fn one_stage_created_approved_refunded() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    assert_eq!(bench.status(&id), "CREATED");
    bench.advance(1_000);
    bench.pay(&id, "sbp");
    let paid = bench.operation(&id);
    assert_eq!(paid["status"], "APPROVED");
    assert_eq!(paid["paymentType"], "sbp");
    assert_eq!(paid["paidAt"], "2026-11-21T10:00:01+00:00");
    assert!(paid["transactionId"].is_string());
    assert_eq!(orders(&paid), ["approval 100.0"]);
    assert_eq!(bench.refund(&id, "30").0, 200);
    assert_eq!(bench.status(&id), "REFUNDED_PARTIALLY");
    assert_eq!(bench.refund(&id, "\"70.00\"").0, 200);
    let refunded = bench.operation(&id);
    assert_eq!(refunded["status"], "REFUNDED");
    assert_eq!(orders(&refunded), ["approval 100.0", "refund 30.0", "refund 70.0"]);
    let (status, reply) = bench.refund(&id, "0.01");
    assert_eq!(status, 424, "{reply}");
}

#[test]
fn two_stages_authorized_then_approved_once() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "preAuthorization": true }));
    assert_eq!(bench.capture(&id).0, 424, "not paid yet");
    bench.pay(&id, "card");
    let held = bench.operation(&id);
    assert_eq!(held["status"], "AUTHORIZED");
    assert!(held["paidAt"].is_null());
    assert_eq!(bench.refund(&id, "1").0, 424, "a hold is not refundable");
    let path = format!("/uapi/acquiring/v1.0/payments/{id}/capture");
    let (status, reply) = bench.post(&path, "");
    assert_eq!((status, &reply["Data"]), (200, &json!({ "result": true })));
    let (status, reply) = bench.capture(&id);
    assert_eq!(status, 424);
    error_message(status, &reply);
    assert_eq!(orders(&bench.operation(&id)), ["authorized 100.0", "approval 100.0"]);
    assert_eq!(bench.show(&id)["paid_kopecks"], 10_000);
}

#[test]
fn only_cards_are_held() {
    for (method, expect) in [("card", "AUTHORIZED"), ("sbp", "APPROVED"), ("tpay", "APPROVED")] {
        let mut bench = Bench::new();
        let modes = json!(["card", "sbp", "tinkoff"]);
        let id = bench.link(json!({ "preAuthorization": true, "paymentMode": modes }));
        bench.pay(&id, method);
        assert_eq!(bench.status(&id), expect, "{method}");
    }
}

#[test]
fn a_refund_never_exceeds_what_is_left() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    assert_eq!(bench.refund(&id, "1").0, 424, "not paid");
    bench.pay(&id, "card");
    for (amount, expect) in
        [("100.01", 424), ("0", 400), ("-1", 400), ("0.001", 400), ("99.99", 200), ("0.02", 424)]
    {
        assert_eq!(bench.refund(&id, amount).0, expect, "{amount}");
    }
    assert_eq!(bench.show(&id)["refunded_kopecks"], 9_999);
}

#[test]
fn a_running_refund_locks_the_payment() {
    let mut bench = Bench::new();
    bench.bank.set_timing(Timing { refund_lock_ms: 5_000, ..bench.bank.timing() });
    let id = bench.link(json!({}));
    bench.pay(&id, "card");
    let (status, reply) = bench.refund(&id, "40");
    assert_eq!((status, &reply["Data"]["isRefund"]), (200, &json!(true)));
    assert_eq!(bench.status(&id), "ON-REFUND");
    assert_eq!(bench.refund(&id, "40").0, 424);
    assert_eq!(orders(&bench.operation(&id)), ["approval 100.0"]);
    bench.advance(5_000);
    let done = bench.operation(&id);
    assert_eq!(done["status"], "REFUNDED_PARTIALLY");
    assert_eq!(done["Order"][1]["time"], "2026-11-21T10:00:05+00:00");
    assert_eq!(bench.refund(&id, "60").0, 200);
}

#[test]
fn the_refund_reply_names_mostly_another_order_than_the_list() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "amount": 100 }));
    bench.pay(&id, "card");
    let answered: Vec<String> = (0..20)
        .map(|_| bench.refund(&id, "1").1["Data"]["orderId"].as_str().unwrap().to_owned())
        .collect();
    let operation = bench.operation(&id);
    let listed = operation["Order"].as_array().unwrap();
    let same = listed.iter().skip(1).zip(&answered).filter(|(l, a)| l["orderId"] == a.as_str());
    let same = same.count();
    assert!((1..=12).contains(&same), "{same} of 20 are the same");
}

#[test]
fn time_ends_links_and_holds_but_not_payments() {
    let mut bench = Bench::new();
    let unpaid = bench.link(json!({}));
    let held = bench.link(json!({ "preAuthorization": true }));
    let paid = bench.link(json!({}));
    bench.pay(&held, "card");
    bench.pay(&paid, "card");
    bench.advance(DAY_MS - 1);
    assert_eq!(bench.status(&unpaid), "CREATED");
    bench.advance(1);
    assert_eq!(bench.status(&unpaid), "EXPIRED");
    assert_eq!(bench.status(&held), "EXPIRED");
    assert_eq!(bench.status(&paid), "APPROVED");
    assert_eq!(bench.capture(&held).0, 424);
    let pay = Control::Pay { id: unpaid, method: None, card: None };
    assert!(bench.control(&pay).unwrap_err().contains("EXPIRED"));
}

#[test]
fn the_controls_pay_decline_expire_and_refund() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "paymentLinkId": "A-7" }));
    let by_reference = || "A-7".to_owned();
    let card = |number: &str| Control::Pay {
        id: by_reference(),
        method: None,
        card: Some(number.to_owned()),
    };
    let shown = bench.control(&card("2200000000000020")).unwrap();
    assert_eq!(shown["declines"], json!(["insufficient_funds"]));
    bench.control(&Control::Decline { id: by_reference(), reason: None }).unwrap();
    assert!(bench.control(&card("4111111111111111")).is_err());
    let shown = bench.control(&card("2200 0000 0000 0004")).unwrap();
    assert_eq!((&shown["id"], &shown["status"]), (&json!(id), &json!("APPROVED")));
    assert_eq!(shown["amount_kopecks"], 10_000);
    let expire = Control::Expire { id: by_reference() };
    assert!(bench.control(&expire).unwrap_err().contains("APPROVED"));
    let refund = |amount| Control::Refund { id: by_reference(), amount };
    bench.control(&refund(Some(rubles("10")))).unwrap();
    assert!(bench.control(&refund(Some(rubles("90.01")))).unwrap_err().contains("90.00"));
    let shown = bench.control(&refund(None)).unwrap();
    assert_eq!(shown["refunded_kopecks"], 10_000);
    assert!(bench.control(&refund(None)).is_err());
    let fresh = bench.link(json!({}));
    let shown = bench.control(&Control::Expire { id: fresh }).unwrap();
    assert_eq!(shown["status"], "EXPIRED");
    let list = bench.control(&Control::List).unwrap();
    assert_eq!(list["payments"].as_array().unwrap().len(), 2);
    assert!(bench.control(&Control::Show { id: "none".to_owned() }).is_err());
}

#[test]
fn the_register_counts_commission_in_kopecks_and_hides_todays_cards() {
    let mut bench = Bench::new();
    for (amount, method) in [("100.10", "card"), ("33.33", "sbp"), ("50", "sbp")] {
        let id = bench.link(json!({ "amount": amount }));
        bench.pay(&id, method);
    }
    let unpaid = bench.link(json!({}));
    let path = format!(
        "/uapi/acquiring/v1.0/registry?customerCode={}&merchantId={}&date=2026-11-21",
        directory::BUSINESS_CODE,
        directory::MERCHANT_ID
    );
    let raw = |bench: &mut Bench| {
        let reply = bench.send(&bench.request(crate::http::Method::Get, &path, ""));
        (reply.status, reply.text().into_owned())
    };
    let (status, today) = raw(&mut bench);
    assert_eq!(status, 200);
    assert!(!today.contains(r#""paymentType":"card""#) && today.contains("\"sbp\""), "{today}");
    bench.advance(DAY_MS);
    let (_, later) = raw(&mut bench);
    // 2.5 % of 100.10 is 2.5025, 0.7 % of 33.33 is 0.23331.
    assert!(later.contains(r#""commission":2.50,"enrollmentAmount":97.60"#), "{later}");
    assert!(later.contains(r#""commission":0.23,"enrollmentAmount":33.10"#), "{later}");
    assert!(later.contains(r#""totalAmount":83.33"#), "{later}");
    assert!(!later.contains(&unpaid));
    let (status, _) = bench.get(&path.replace("200000000001056", "200000000009999"));
    assert_eq!(status, 403);
    assert_eq!(bench.get(&path.replace("2026-11-21", "21.11.2026")).0, 400);
    assert_eq!(bench.get(&path.replace("&date=2026-11-21", "")).0, 400);
}
