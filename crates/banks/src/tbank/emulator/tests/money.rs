//! Lives of a payment: one stage, two stages, cancels, refunds, and what each announces.

use jiff::SignedDuration;
use serde_json::json;

use super::Bench;
use crate::{
    Money,
    emulator::{Control, Emulator as _},
    tbank::emulator::directory,
};

#[test]
fn one_stage_passes_every_status_and_announces_two_at_once() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    assert_eq!(bench.status(&id), "NEW");
    bench.pay(&id, "card");
    assert_eq!(bench.status(&id), "CONFIRMED");
    assert_eq!(bench.history(&id), "NEW FORM_SHOWED AUTHORIZING AUTHORIZED CONFIRMING CONFIRMED");
    let mut heard = bench.heard();
    heard.sort();
    assert_eq!(heard, ["AUTHORIZED 10000", "CONFIRMED 10000"]);
}

#[test]
fn the_seed_decides_which_of_the_two_comes_first() {
    let mut bench = Bench::new();
    let mut firsts: Vec<String> = Vec::new();
    for _ in 0..16 {
        let id = bench.init(json!({}));
        bench.pay(&id, "card");
        firsts.push(bench.heard().remove(0));
    }
    assert!(firsts.iter().any(|first| first.starts_with("AUTHORIZED")));
    assert!(firsts.iter().any(|first| first.starts_with("CONFIRMED")));
}

#[test]
fn two_stages_hold_and_confirm_a_part() {
    let mut bench = Bench::new();
    let id = bench.init(json!({ "PayType": "T" }));
    bench.pay(&id, "card");
    assert_eq!(bench.heard(), ["AUTHORIZED 10000"]);
    bench.refused("Confirm", json!({ "PaymentId": id, "Amount": 10_001 }), "330");
    let reply = bench.ok("Confirm", json!({ "PaymentId": id, "Amount": 6_000 }));
    assert_eq!(reply["Status"], "CONFIRMED");
    assert_eq!(reply["PaymentId"], id.as_str(), "text");
    assert_eq!(bench.heard(), ["CONFIRMED 6000"]);
    bench.refused("Confirm", json!({ "PaymentId": id }), "4");
    let shown = bench.show(&id);
    assert_eq!((&shown["paid_kopecks"], &shown["held_kopecks"]), (&json!(6_000), &json!(0)));
}

#[test]
fn a_hold_is_released_whole_or_in_part() {
    let mut bench = Bench::at(directory::TWO_STAGE_KEY);
    let id = bench.init(json!({}));
    bench.pay(&id, "card");
    bench.heard();
    let reply = bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 4_000 }));
    assert_eq!(reply["Status"], "PARTIAL_REVERSED");
    assert_eq!((&reply["OriginalAmount"], &reply["NewAmount"]), (&json!(10_000), &json!(6_000)));
    assert_eq!(bench.heard(), ["PARTIAL_REVERSED 6000"]);
    assert_eq!(bench.ok("Confirm", json!({ "PaymentId": id }))["Status"], "CONFIRMED");
    assert_eq!(bench.heard(), ["CONFIRMED 6000"]);
    let other = bench.init(json!({ "OrderId": "A-2" }));
    bench.pay(&other, "card");
    assert_eq!(bench.ok("Cancel", json!({ "PaymentId": other }))["Status"], "REVERSED");
    assert!(bench.history(&other).ends_with("AUTHORIZED REVERSING REVERSED"));
    bench.refused("Cancel", json!({ "PaymentId": other }), "4");
}

#[test]
fn an_unpaid_payment_is_cancelled_whatever_the_amount_says() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    let reply = bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 5 }));
    assert_eq!((&reply["Status"], &reply["NewAmount"]), (&json!("CANCELED"), &json!(0)));
    assert_eq!(bench.heard(), ["CANCELED 10000"]);
}

#[test]
fn refunds_add_up_to_what_was_paid_and_no_further() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.pay(&id, "card");
    bench.heard();
    let reply = bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 3_000 }));
    assert_eq!(reply["Status"], "PARTIAL_REFUNDED");
    assert_eq!(bench.heard(), ["PARTIAL_REFUNDED 7000"]);
    assert_eq!(bench.ok_or_failed(&id)["Amount"], 7_000);
    bench.refused("Cancel", json!({ "PaymentId": id, "Amount": 7_001 }), "330");
    bench.refused("Cancel", json!({ "PaymentId": id, "Amount": 0 }), "620");
    let reply = bench.ok("Cancel", json!({ "PaymentId": id }));
    assert_eq!((&reply["Status"], &reply["NewAmount"]), (&json!("REFUNDED"), &json!(0)));
    assert_eq!(bench.heard(), ["REFUNDED 10000"]);
    bench.refused("Cancel", json!({ "PaymentId": id }), "4");
}

#[test]
fn an_external_request_id_refunds_once() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.pay(&id, "card");
    let body = json!({ "PaymentId": id, "Amount": 3_000, "ExternalRequestId": "r-1" });
    let first = bench.ok("Cancel", body.clone());
    assert_eq!(first["ExternalRequestId"], "r-1");
    assert_eq!(bench.ok("Cancel", body), first);
    assert_eq!(bench.show(&id)["refunded_kopecks"], 3_000);
    let other = json!({ "PaymentId": id, "Amount": 3_000, "ExternalRequestId": "r-2" });
    bench.ok("Cancel", other);
    bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 3_000 }));
    assert_eq!(bench.show(&id)["refunded_kopecks"], 9_000, "without a key each call counts");
}

#[test]
fn transients_last_as_long_as_they_are_told_to() {
    let mut bench = Bench::new();
    bench.time(|timing| timing.transient_ms = 2_000);
    let id = bench.init(json!({}));
    bench.pay(&id, "card");
    assert_eq!(bench.status(&id), "AUTHORIZING");
    bench.refused("Cancel", json!({ "PaymentId": id }), "4");
    bench.advance(2_000);
    assert_eq!(bench.status(&id), "CONFIRMING");
    bench.advance(2_000);
    assert_eq!(bench.status(&id), "CONFIRMED");
    assert_eq!(bench.ok("Cancel", json!({ "PaymentId": id }))["Status"], "REFUNDING");
    bench.now = bench.bank.next_due().unwrap();
    bench.poll();
    bench.advance(2_000);
    assert_eq!(bench.status(&id), "REFUNDED");
}

#[test]
fn links_and_questions_end_in_time() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    let id = bench.init(json!({ "RedirectDueDate": "2026-11-21T13:10:00+03:00" }));
    bench.advance(600_000 - 1);
    assert_eq!(bench.status(&id), "NEW");
    bench.advance(1);
    assert_eq!(bench.status(&id), "DEADLINE_EXPIRED");
    assert_eq!(bench.heard(), [] as [&str; 0]);
    let asked = bench.init(json!({ "OrderId": "A-2" }));
    bench.pay_card(&asked, "2201382000000047");
    assert_eq!(bench.status(&asked), "3DS_CHECKING");
    bench.advance(36 * 3_600_000);
    assert_eq!(bench.status(&asked), "DEADLINE_EXPIRED");
    let pressed = Control::Pay { id: asked, method: None, card: None };
    assert!(bench.control(&pressed).is_err());
}

#[test]
fn the_controls_decline_expire_and_refund() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    let reason = Some("insufficient_funds".to_owned());
    let shown = bench.control(&Control::Decline { id: id.clone(), reason }).unwrap();
    assert_eq!((&shown["status"], &shown["declines"]), (&json!("REJECTED"), &json!(["1051"])));
    assert_eq!(bench.heard(), ["REJECTED 10000"]);
    assert!(bench.control(&Control::Decline { id: id.clone(), reason: None }).is_err());
    let reply = bench.ok_or_failed(&id);
    assert_eq!((&reply["Status"], &reply["ErrorCode"]), (&json!("REJECTED"), &json!("1051")));
    let id = bench.init(json!({ "OrderId": "A-2" }));
    assert_eq!(bench.control(&Control::Expire { id }).unwrap()["status"], "DEADLINE_EXPIRED");
    let id = bench.init(json!({ "OrderId": "A-3" }));
    bench.pay(&id, "tpay");
    let amount = Some(Money::from_kopecks(1).unwrap());
    let shown = bench.control(&Control::Refund { id: "A-3".to_owned(), amount }).unwrap();
    assert_eq!((&shown["id"], &shown["refunded_kopecks"]), (&json!(id), &json!(1)));
    let rest = Control::Refund { id: id.clone(), amount: None };
    assert_eq!(bench.control(&rest).unwrap()["status"], "REFUNDED");
    assert!(bench.control(&rest).is_err());
    assert!(bench.control(&Control::Show { id: "none".to_owned() }).is_err());
}

/// Seven days, as the card schemes have it; what is taken or asked for in time is not lost.
#[test]
fn a_hold_that_nobody_takes_is_given_back_and_announced() {
    let mut bench = Bench::new();
    let held = |bench: &mut Bench, order: &str| {
        let id = bench.init(json!({ "OrderId": order, "PayType": "T" }));
        bench.pay(&id, "card");
        id
    };
    let ids = ["A-1", "A-2", "A-3"].map(|order| held(&mut bench, order));
    let end = bench.now + SignedDuration::from_hours(7 * 24);
    bench.ok("Cancel", json!({ "PaymentId": ids[1], "Amount": 1_000 }));
    bench.ok("Confirm", json!({ "PaymentId": ids[2] }));
    assert_eq!(bench.heard().len(), 5);
    assert_eq!(bench.bank.next_due(), Some(end), "somebody must look then");
    bench.now = end - SignedDuration::from_millis(1);
    assert_eq!(bench.status(&ids[0]), "AUTHORIZED");
    bench.advance(1);
    for id in &ids[..2] {
        assert_eq!(bench.status(id), "REVERSED");
        assert_eq!(bench.show(id)["held_kopecks"], 0);
        bench.refused("Confirm", json!({ "PaymentId": id }), "4");
    }
    assert_eq!(bench.status(&ids[2]), "CONFIRMED");
    assert_eq!(bench.heard(), ["REVERSED 10000", "REVERSED 10000"]);
    assert_eq!(bench.bank.next_due(), None);
    let id = held(&mut bench, "A-4");
    assert_eq!(bench.control(&Control::Expire { id }).unwrap()["status"], "REVERSED");
}

#[test]
fn a_change_under_way_outlives_the_hold() {
    for (method, body, history) in [
        ("Confirm", json!({}), "CONFIRMING CONFIRMED"),
        ("Cancel", json!({ "Amount": 1_000 }), "REVERSING PARTIAL_REVERSED REVERSED"),
    ] {
        let mut bench = Bench::new();
        bench.time(|timing| (timing.transient_ms, timing.hold_ms) = (100, 1_000));
        let id = bench.init(json!({ "PayType": "T" }));
        bench.pay(&id, "card");
        bench.advance(1_050);
        bench.ok(method, super::merge(json!({ "PaymentId": id }), body));
        bench.advance(5_000);
        let seen = bench.history(&id);
        assert!(seen.ends_with(&format!("AUTHORIZED {history}")), "{seen}");
    }
}

#[test]
fn instalments_are_given_back_under_a_uuid_only() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.pay(&id, "dolyame");
    let params = bench.ok_or_failed(&id)["Params"].clone();
    assert_eq!((&params[0]["Value"], &params[1]["Value"]), (&json!("BNPL"), &json!("BNPL")));
    let part = |key: &str| json!({ "PaymentId": id, "Amount": 100, "ExternalRequestId": key });
    bench.refused("Cancel", part(""), "201");
    for key in
        ["rf_1", "3fa85f64-5717-1562-b3fc-2c963f66afa6", "3fa85f64-5717-4562-b3fc-xxxxxxxxxxxx"]
    {
        bench.refused("Cancel", part(key), "64");
    }
    let reply = bench.ok("Cancel", part("3fa85f64-5717-4562-b3fc-2c963f66afa6"));
    assert_eq!(reply["Status"], "PARTIAL_REFUNDED");
}
