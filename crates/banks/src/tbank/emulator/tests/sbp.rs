//! The SBP: QR, its test, refunds with their limits, bound accounts and their charges.

use serde_json::{Value, json};

use super::{Bench, HOOK, ORIGIN};
use crate::{
    emulator::Control,
    http::{HttpRequest, Method},
    tbank::emulator::{directory, qr},
};

fn with_qr(bench: &mut Bench, over: Value) -> (String, Value) {
    let id = bench.init(over);
    let reply = bench.ok("GetQr", json!({ "PaymentId": id }));
    (id, reply)
}

#[test]
fn a_qr_is_a_link_with_a_right_checksum_or_a_picture() {
    let mut bench = Bench::new();
    let (id, reply) = with_qr(&mut bench, json!({}));
    let link = reply["Data"].as_str().unwrap();
    assert!(link.starts_with("https://qr.nspk.ru/AD") && link.contains("&sum=10000&cur=RUB&crc="));
    assert_eq!(reply["PaymentId"].to_string(), id, "a number");
    let number: u64 = id.parse().unwrap();
    let again = bench.ok("GetQr", json!({ "PaymentId": number, "DataType": "PAYLOAD" }));
    assert_eq!(again["Data"], link, "one payment keeps its link");
    let picture = bench.ok("GetQr", json!({ "PaymentId": id, "DataType": "IMAGE" }));
    assert_eq!(picture["Data"], qr::picture(link));
    assert!(picture["Data"].as_str().unwrap().starts_with("<svg "));
    let bank = directory::MEMBERS[2];
    let deep = bench.ok("GetQr", json!({ "PaymentId": id, "BankId": bank.uuid }));
    assert!(deep["Data"].as_str().unwrap().starts_with("bank100000000284://qr.nspk.ru/"));
    bench.refused("GetQr", json!({ "PaymentId": id, "BankId": "no" }), "3044");
    assert_eq!(bench.status(&id), "FORM_SHOWED");
    for amount in [999, 100_000_001] {
        let id = bench.init(json!({ "Amount": amount }));
        bench.refused("GetQr", json!({ "PaymentId": id }), "3016");
    }
}

#[test]
fn the_test_method_pays_rejects_or_expires() {
    for (flags, status, notice) in [
        (json!({}), "CONFIRMED", Some("CONFIRMED 10000")),
        (json!({ "IsRejected": true }), "REJECTED", Some("REJECTED 10000")),
        (json!({ "IsDeadlineExpired": true }), "DEADLINE_EXPIRED", None),
    ] {
        let mut bench = Bench::new();
        let (id, _) = with_qr(&mut bench, json!({}));
        let body = super::merge(json!({ "PaymentId": id }), flags);
        bench.ok("SbpPayTest", body.clone());
        assert_eq!(bench.status(&id), status);
        assert_eq!(bench.heard(), notice.into_iter().collect::<Vec<_>>());
        bench.refused("SbpPayTest", body, "8");
    }
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.refused("SbpPayTest", json!({ "PaymentId": id }), "8");
    let mut bench = Bench::at(directory::WORKING_KEY);
    let (id, _) = with_qr(&mut bench, json!({}));
    bench.refused("SbpPayTest", json!({ "PaymentId": id }), "9999");
}

#[test]
fn refunds_take_their_time_and_are_limited_as_in_life() {
    let mut bench = Bench::new();
    let (id, _) = with_qr(&mut bench, json!({}));
    bench.pay(&id, "sbp");
    let members = bench.ok("QrMembersList", json!({ "PaymentId": id }));
    let member = members["Members"][0]["MemberId"].clone();
    let part = json!({ "PaymentId": id, "Amount": 1_000, "QrMemberId": member });
    assert_eq!(bench.ok("Cancel", part.clone())["Status"], "ASYNC_REFUNDING");
    bench.advance(1_000);
    assert_eq!(bench.status(&id), "PARTIAL_REFUNDED");
    bench.refused("Cancel", part.clone(), "3029");
    for _ in 0..4 {
        bench.advance(3_600_000);
        bench.ok("Cancel", part.clone());
    }
    bench.advance(3_600_000);
    bench.refused("Cancel", part.clone(), "3030");
    bench.advance(86_400_000);
    bench.refused("Cancel", json!({ "PaymentId": id, "QrMemberId": "1" }), "3008");
    bench.ok("Cancel", json!({ "PaymentId": id }));
    bench.advance(1_000);
    assert_eq!(bench.ok("GetQrState", json!({ "PaymentId": id }))["Status"], "REFUNDED");
}

#[test]
fn the_limits_can_be_lifted_and_the_key_does_not_help() {
    let mut bench = Bench::new();
    bench.time(|timing| (timing.sbp_refund_gap_ms, timing.sbp_ms) = (0, 0));
    let (id, _) = with_qr(&mut bench, json!({}));
    bench.pay(&id, "sbp");
    let body = json!({ "PaymentId": id, "Amount": 1_000, "ExternalRequestId": "r" });
    for _ in 0..6 {
        assert_eq!(bench.ok("Cancel", body.clone())["Status"], "PARTIAL_REFUNDED");
    }
    assert_eq!(bench.show(&id)["refunded_kopecks"], 6_000);
}

/// A bound account: its token.
fn bound(bench: &mut Bench) -> String {
    bench.bank.set_notification_url(bench.terminal.key, HOOK);
    let reply = bench.ok("AddAccountQr", json!({ "Description": "Подписка" }));
    assert!(reply["Data"].as_str().unwrap().starts_with("https://sub.nspk.ru/AB"));
    let key = reply["RequestKey"].as_str().unwrap().to_owned();
    let asked = json!({ "RequestKey": key });
    assert_eq!(bench.ok("GetAddAccountQrState", asked.clone())["Status"], "NEW");
    bench.control(&Control::Pay { id: key, method: None, card: None }).unwrap();
    bench.advance(500);
    let delivery = bench.poll().remove(0);
    let notice = bench.read(&delivery).unwrap();
    assert_eq!(notice["NotificationType"], "LINKACCOUNT");
    bench.answer(&delivery, Some(200));
    let reply = bench.ok("GetAddAccountQrState", asked);
    assert_eq!(reply["AccountToken"], notice["AccountToken"]);
    let list = bench.ok("GetAccountQrList", json!({}));
    assert_eq!(list["AccountTokens"][0]["Status"], "ACTIVE");
    notice["AccountToken"].as_str().unwrap().to_owned()
}

const CHILD: &str = r#"{"Recurrent":"Y","DATA":{"QR":"true"},"Description":"Чай"}"#;

fn child(bench: &mut Bench) -> String {
    bench.init(serde_json::from_str(CHILD).unwrap())
}

#[test]
fn a_bound_account_is_charged_without_its_owner() {
    let mut bench = Bench::new();
    let token = bound(&mut bench);
    let id = child(&mut bench);
    let body = json!({ "PaymentId": id, "AccountToken": token });
    let reply = bench.ok("ChargeQr", body.clone());
    assert_eq!((&reply["Status"], &reply["Currency"]), (&json!("FORM_SHOWED"), &json!(643)));
    bench.refused("ChargeQr", body, "3037");
    bench.advance(1_000);
    assert_eq!(bench.status(&id), "CONFIRMED");
    assert_eq!(bench.heard(), ["CONFIRMED 10000"]);
    let other = child(&mut bench);
    bench.refused("ChargeQr", json!({ "PaymentId": other, "AccountToken": "x" }), "3014");
    let state = "insufficient_funds".to_owned();
    bench.control(&Control::Token { token: token.clone(), state }).unwrap();
    bench.ok("ChargeQr", json!({ "PaymentId": other, "AccountToken": token }));
    bench.advance(1_000);
    let reply = bench.ok_or_failed(&other);
    assert_eq!((&reply["Status"], &reply["ErrorCode"]), (&json!("REJECTED"), &json!("5060")));
    let plain = bench.init(json!({}));
    bench.refused("ChargeQr", json!({ "PaymentId": plain, "AccountToken": token }), "9999");
}

#[test]
fn the_awkward_terminal_wants_the_bank_member() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    let token = bound(&mut bench);
    let id = child(&mut bench);
    let body = json!({ "PaymentId": id, "AccountToken": token });
    bench.refused("ChargeQr", body.clone(), "5031");
    bench.ok("ChargeQr", super::merge(body, json!({ "BankMemberId": "100000000111" })));
}

#[test]
fn a_charge_that_was_cancelled_in_time_stays_cancelled() {
    for state in ["valid", "insufficient_funds"] {
        let mut bench = Bench::new();
        let token = bound(&mut bench);
        let state = state.to_owned();
        bench.control(&Control::Token { token: token.clone(), state }).unwrap();
        let id = child(&mut bench);
        bench.ok("ChargeQr", json!({ "PaymentId": id, "AccountToken": token }));
        bench.ok("Cancel", json!({ "PaymentId": id }));
        bench.advance(5_000);
        assert_eq!(bench.status(&id), "CANCELED");
    }
}

#[test]
fn paying_by_qr_can_bring_the_account() {
    let mut bench = Bench::new();
    let id = child(&mut bench);
    let reply = bench.ok("GetQr", json!({ "PaymentId": id }));
    let key = reply["RequestKey"].as_str().unwrap().to_owned();
    bench.ok("SbpPayTest", json!({ "PaymentId": id }));
    let state = bench.ok("GetAddAccountQrState", json!({ "RequestKey": key }));
    assert_eq!(state["Status"], "ACTIVE");
    assert!(state["AccountToken"].is_string());
    bench.refused("GetAddAccountQrState", json!({ "RequestKey": "x" }), "3012");
}

#[test]
fn at_the_page_a_payer_may_pay_and_keep_his_account() {
    for (keep, status) in [("no", "INACTIVE"), ("", "ACTIVE")] {
        let mut bench = Bench::new();
        let id = child(&mut bench);
        let url = bench.show(&id)["url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(ORIGIN).unwrap().to_owned();
        assert_eq!(bench.get(&path).text().matches("привязывая").count(), 0);
        let reply = bench.ok("GetQr", json!({ "PaymentId": id }));
        let key = reply["RequestKey"].as_str().unwrap().to_owned();
        assert_eq!(bench.get(&path).text().matches("привязывая").count(), 1);
        let form = [("method", "sbp"), ("keep", keep)];
        let pressed = bench.send(&HttpRequest::new(Method::Post, &path).form(&form));
        assert_eq!(pressed.status, 303);
        assert_eq!(bench.status(&id), "CONFIRMED");
        let state = bench.ok("GetAddAccountQrState", json!({ "RequestKey": key }));
        assert_eq!(state["Status"], status);
        assert_eq!(state["AccountToken"].is_string(), status == "ACTIVE");
    }
}

#[test]
fn a_terminal_without_the_sbp_says_so() {
    let mut bench = Bench::at(directory::STRICT_KEY);
    let id = bench.init(json!({}));
    bench.refused("GetQr", json!({ "PaymentId": id }), "3001");
    bench.refused("AddAccountQr", json!({ "Description": "x" }), "3001");
    let mut bench = Bench::new();
    let late = json!({ "Description": "x", "RedirectDueDate": "2027-11-21T13:10:00+03:00" });
    bench.refused("AddAccountQr", late, "3017");
    bench.refused("GetQrBankList", json!({}), "201");
    let banks = bench.ok("GetQrBankList", json!({ "Device": { "Type": "mobile" } }));
    assert_eq!(banks["BankList"].as_array().map(Vec::len), Some(directory::MEMBERS.len()));
}

#[test]
fn a_running_refund_may_fail_and_says_why() {
    let mut bench = Bench::new();
    bench.time(|timing| (timing.sbp_refund_gap_ms, timing.sbp_ms) = (0, 60_000));
    let (id, _) = with_qr(&mut bench, json!({}));
    bench.pay(&id, "sbp");
    bench.heard();
    let asked = json!({ "PaymentId": id });
    let fail = |bench: &mut Bench, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        bench.control(&Control::Decline { id: "A-1".to_owned(), reason }).unwrap()
    };
    bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 4_000 }));
    assert_eq!(fail(&mut bench, None)["status"], "CONFIRMED");
    let reply = bench.ok("GetQrState", asked.clone());
    assert_eq!((&reply["Status"], &reply["QrCancelCode"]), (&json!("CONFIRMED"), &json!("I05043")));
    assert!(reply["QrCancelMessage"].is_string());
    bench.advance(60_000);
    assert_eq!(bench.show(&id)["refunded_kopecks"], 0, "it never comes back");
    bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 4_000 }));
    assert!(bench.ok("GetQrState", asked.clone())["QrCancelCode"].is_null(), "a new one runs");
    bench.advance(59_999);
    assert_eq!(bench.status(&id), "ASYNC_REFUNDING", "as long as it is told to");
    bench.advance(1);
    assert_eq!(bench.heard(), ["PARTIAL_REFUNDED 6000"]);
    bench.ok("Cancel", asked.clone());
    let of_payments = Some("declined".to_owned());
    assert!(bench.control(&Control::Decline { id: id.clone(), reason: of_payments }).is_err());
    assert_eq!(fail(&mut bench, Some("I05001"))["status"], "PARTIAL_REFUNDED");
    assert_eq!(bench.ok("GetQrState", asked)["QrCancelCode"], "I05001");
    assert!(bench.control(&Control::Decline { id, reason: None }).is_err(), "nothing runs");
}

#[test]
fn a_failed_attempt_leaves_the_form_open_until_the_third() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    let (id, _) = with_qr(&mut bench, json!({}));
    for status in ["FORM_SHOWED", "FORM_SHOWED", "REJECTED"] {
        assert_eq!(bench.heard(), [] as [&str; 0]);
        let control = Control::Decline { id: id.clone(), reason: None };
        assert_eq!(bench.control(&control).unwrap()["status"], status);
    }
    assert_eq!(bench.heard(), ["REJECTED 10000"]);
    let seen = bench.history(&id);
    let attempt = "AUTHORIZING FORM_SHOWED";
    assert_eq!(seen, format!("NEW FORM_SHOWED {attempt} {attempt} AUTHORIZING REJECTED"));
    assert_eq!(bench.ok_or_failed(&id)["ErrorCode"], "5043");
}
