//! Subscriptions: opened, kept, charged by call and by schedule, and what they cannot do.

use serde_json::{Value, json};

use super::{Bench, ORIGIN, error_message, link_body, orders};
use crate::{
    emulator::{Control, Emulator as _, Fault, FaultKind, Served},
    http::{HttpRequest, Method},
    tochka::emulator::{Timing, directory},
};

const ALL: &str = "/uapi/acquiring/v1.0/subscriptions";
const DAY_MS: i64 = 86_400_000;

fn body(over: Value) -> String {
    let mut own = json!({ "paymentMode": null, "ttl": null, "purpose": "Подписка START" });
    own.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    link_body(own)
}

fn open(bench: &mut Bench, over: Value) -> String {
    let (status, reply) = bench.post(ALL, &body(over));
    assert_eq!(status, 200, "{reply}");
    reply["Data"]["operationId"].as_str().unwrap().to_owned()
}

/// One that we charge, paid.
fn kept(bench: &mut Bench) -> String {
    let id = open(bench, json!({ "recurring": true }));
    bench.pay(&id, "card");
    id
}

fn charge(bench: &mut Bench, id: &str, amount: &str) -> (u16, Value) {
    bench.post(&format!("{ALL}/{id}/charge"), &format!(r#"{{"Data":{{"amount":{amount}}}}}"#))
}

fn set_card(bench: &mut Bench, id: &str, state: &str) -> Result<Value, String> {
    bench.control(&Control::Token { token: id.to_owned(), state: state.to_owned() })
}

fn status(bench: &mut Bench, id: &str) -> String {
    let (status, reply) = bench.get(&format!("{ALL}/{id}/status"));
    assert_eq!(status, 200, "{reply}");
    reply["Data"]["status"].as_str().unwrap().to_owned()
}

fn cancel(bench: &mut Bench, id: &str) -> (u16, Value) {
    bench.post(&format!("{ALL}/{id}/status"), r#"{"Data":{"status":"Cancelled"}}"#)
}

/// Amounts of the notices that wait, in order.
fn told(bench: &mut Bench) -> Vec<String> {
    let due = bench.poll();
    let mut told = Vec::new();
    for delivery in due {
        let notice = bench.read(&delivery).unwrap();
        assert_eq!(notice["webhookType"], "acquiringInternetPayment");
        assert_eq!(notice["status"], "APPROVED");
        told.push(notice["amount"].as_str().unwrap().to_owned());
        bench.answer(&delivery, Some(200));
    }
    told
}

#[test]
fn a_kept_card_is_charged_any_sum_and_each_is_one_approval() {
    let mut bench = Bench::listening();
    let id = open(&mut bench, json!({ "recurring": true, "paymentLinkId": "SUB-1" }));
    assert_eq!(charge(&mut bench, &id, "1").0, 424, "nobody has paid yet");
    bench.pay(&id, "card");
    for amount in ["250.5", "\"10.00\"", "9999"] {
        let (status, reply) = charge(&mut bench, &id, amount);
        // Neither `Links` nor `Meta`.
        assert_eq!((status, reply), (200, json!({ "Data": { "result": true } })));
    }
    let operation = bench.operation(&id);
    let expect = ["approval 100.0", "approval 250.5", "approval 10.0", "approval 9999.0"];
    assert_eq!(orders(&operation), expect);
    assert_eq!(operation["status"], "APPROVED");
    assert_eq!(operation["CofToken"]["maskedPan"], "220000******0004");
    bench.advance(500);
    assert_eq!(told(&mut bench), ["100.00", "250.50", "10.00", "9999.00"]);
    let shown = bench.show("SUB-1");
    assert_eq!(shown["subscription"]["kind"], "recurring");
    assert_eq!(
        (&shown["subscription"]["charged"], &shown["paid_kopecks"]),
        (&json!(4), &json!(1_035_950))
    );
    for wrong in ["0", "-1", "\"x\"", "null"] {
        assert_eq!(charge(&mut bench, &id, wrong).0, 400, "{wrong}");
    }
}

#[test]
fn a_declined_charge_takes_nothing_and_tells_nobody() {
    let mut bench = Bench::listening();
    let id = kept(&mut bench);
    bench.advance(500);
    assert_eq!(told(&mut bench).len(), 1);
    for state in ["insufficient_funds", "expired", "revoked"] {
        set_card(&mut bench, &id, state).unwrap();
        let (status, reply) = charge(&mut bench, &id, "50");
        assert_eq!((status, reply), (200, json!({ "Data": { "result": false } })), "{state}");
    }
    bench.advance(500);
    assert_eq!(told(&mut bench), Vec::<String>::new());
    assert_eq!(orders(&bench.operation(&id)), ["approval 100.0"]);
    let declines = bench.show(&id)["declines"].clone();
    assert_eq!(declines, json!(["insufficient_funds", "expired", "revoked"]));
    set_card(&mut bench, &id, "valid").unwrap();
    assert_eq!(charge(&mut bench, &id, "50").1["Data"]["result"], true);
    assert!(set_card(&mut bench, &id, "lost").is_err());
    let plain = bench.link(json!({}));
    assert!(set_card(&mut bench, &plain, "valid").is_err(), "it keeps no card");
}

#[test]
fn saving_the_card_spoils_one_that_we_charge() {
    let mut bench = Bench::new();
    let id = open(&mut bench, json!({ "recurring": true, "saveCard": true }));
    bench.pay(&id, "card");
    assert_eq!(charge(&mut bench, &id, "1").1["Data"]["result"], false);
}

#[test]
fn a_lost_reply_may_hide_a_charge_and_a_slow_one_comes_later() {
    let mut bench = Bench::listening();
    let id = kept(&mut bench);
    let path = "/charge".to_owned();
    bench.control(&Control::Fault(Fault { kind: FaultKind::ReplyLost, times: 1, path })).unwrap();
    let url = format!("{ALL}/{id}/charge");
    let request = bench.request(Method::Post, &url, r#"{"Data":{"amount":7}}"#);
    let served = bench.bank.serve(bench.now, &request);
    assert!(matches!(served, Served::Silence { .. }), "{served:?}");
    assert_eq!(orders(&bench.operation(&id)), ["approval 100.0", "approval 7.0"]);
    bench.bank.set_timing(Timing { charge_ms: 60_000, ..bench.bank.timing() });
    bench.advance(1_000);
    told(&mut bench);
    assert_eq!(charge(&mut bench, &id, "8").1["Data"]["result"], true);
    bench.advance(59_999);
    assert_eq!((orders(&bench.operation(&id)).len(), told(&mut bench).len()), (2, 0));
    let snapshot = bench.bank.snapshot();
    bench.bank.restore(&snapshot).unwrap();
    bench.advance(1);
    let operation = bench.operation(&id);
    assert_eq!(operation["Order"][2]["time"], "2026-11-21T10:01:01+00:00");
    bench.advance(500);
    assert_eq!(told(&mut bench), ["8.00"]);
}

#[test]
fn the_same_charge_sent_twice_is_two_charges() {
    let mut bench = Bench::new();
    let id = kept(&mut bench);
    for _ in 0..2 {
        assert_eq!(charge(&mut bench, &id, "30").0, 200);
    }
    let operation = bench.operation(&id);
    assert_eq!(orders(&operation), ["approval 100.0", "approval 30.0", "approval 30.0"]);
    assert_ne!(operation["Order"][1]["orderId"], operation["Order"][2]["orderId"]);
}

#[test]
fn a_notice_of_a_charge_may_come_twice_or_not_at_all() {
    let mut bench = Bench::listening();
    let id = kept(&mut bench);
    bench.advance(500);
    told(&mut bench);
    for (kind, expect) in [(FaultKind::NoticeDoubled, 2), (FaultKind::NoticeLost, 0)] {
        bench.control(&Control::Fault(Fault { kind, times: 1, path: String::new() })).unwrap();
        charge(&mut bench, &id, "5");
        bench.advance(500);
        assert_eq!(told(&mut bench), vec!["5.00"; expect]);
    }
}

#[test]
fn a_schedule_charges_by_the_clock_until_its_count() {
    let mut bench = Bench::listening();
    bench.now = "2027-01-31T08:00:00Z".parse().unwrap();
    let options = json!({ "period": "Month", "trancheCount": 4 });
    let id = open(&mut bench, json!({ "Options": options }));
    assert_eq!(status(&mut bench, &id), "Preparing");
    bench.pay(&id, "card");
    assert_eq!(status(&mut bench, &id), "Active");
    // Of its own accord: nobody asks in between.
    assert_eq!(bench.bank.next_due().unwrap().to_string(), "2027-01-31T08:00:00.5Z");
    bench.advance(500);
    assert_eq!(told(&mut bench), ["100.00"]);
    assert_eq!(bench.bank.next_due().unwrap().to_string(), "2027-02-28T08:00:00.5Z");
    bench.advance(400 * DAY_MS);
    assert_eq!(told(&mut bench), ["100.00"; 3]);
    let operation = bench.operation(&id);
    let times = operation["Order"].as_array().unwrap().iter();
    let times: Vec<&str> = times.map(|order| order["time"].as_str().unwrap()).collect();
    // The 31st stands where a month has one.
    assert_eq!(
        times,
        [
            "2027-01-31T08:00:00+00:00",
            "2027-02-28T08:00:00+00:00",
            "2027-03-31T08:00:00+00:00",
            "2027-04-30T08:00:00+00:00",
        ]
    );
    assert_eq!(status(&mut bench, &id), "Completed");
    assert_eq!(bench.bank.next_due(), None);
    let (code, reply) = charge(&mut bench, &id, "1");
    assert_eq!((code, error_message(424, &reply)), (424, "Subscription not found"));
}

#[test]
fn a_schedule_by_days_and_by_years_and_the_one_of_no_options() {
    let mut bench = Bench::new();
    for (options, next, count) in [
        (json!({ "period": "Day", "daysInPeriod": 14, "trancheCount": 2 }), "2026-12-05", 2),
        (json!({ "period": "Day" }), "2026-11-22", 12),
        (json!({ "period": "Year", "trancheCount": 10 }), "2027-11-21", 10),
        (Value::Null, "2026-12-21", 12),
    ] {
        let id = open(&mut bench, json!({ "Options": options }));
        bench.pay(&id, "card");
        let own = bench.show(&id)["subscription"].clone();
        assert!(own["next_charge_at"].as_str().unwrap().starts_with(next), "{own}");
        assert_eq!(own["count"], count);
    }
}

#[test]
fn a_failed_tranche_is_tried_again_in_silence_then_the_schedule_has_failed() {
    let mut bench = Bench::listening();
    let options = json!({ "period": "Month", "trancheCount": 3 });
    let id = open(&mut bench, json!({ "Options": options }));
    bench.pay(&id, "card");
    bench.advance(500);
    told(&mut bench);
    set_card(&mut bench, &id, "insufficient_funds").unwrap();
    bench.advance(30 * DAY_MS);
    assert_eq!((status(&mut bench, &id), told(&mut bench)), ("PastDue".to_owned(), vec![]));
    set_card(&mut bench, &id, "valid").unwrap();
    bench.advance(DAY_MS);
    assert_eq!(told(&mut bench), ["100.00"]);
    assert_eq!(status(&mut bench, &id), "Active");
    // A late charge moves no later one.
    let next = bench.show(&id)["subscription"]["next_charge_at"].clone();
    assert_eq!(next, "2027-01-21T10:00:00+00:00");
    set_card(&mut bench, &id, "revoked").unwrap();
    bench.advance(60 * DAY_MS);
    assert_eq!((status(&mut bench, &id), told(&mut bench)), ("Failed".to_owned(), vec![]));
    assert_eq!(bench.show(&id)["declines"].as_array().unwrap().len(), 4);
    assert_eq!(orders(&bench.operation(&id)), ["approval 100.0", "approval 100.0"]);
}

#[test]
fn only_one_with_a_schedule_is_canceled_and_only_once() {
    let mut bench = Bench::new();
    let recurring = kept(&mut bench);
    for id in [recurring.as_str(), "nobody"] {
        let (code, reply) = cancel(&mut bench, id);
        assert_eq!((code, error_message(424, &reply)), (424, "Subscription not found"));
        assert_eq!(bench.get(&format!("{ALL}/{id}/status")).0, 424);
    }
    let paid = open(&mut bench, json!({}));
    bench.pay(&paid, "card");
    let (code, reply) = cancel(&mut bench, &paid);
    assert_eq!((code, &reply["Data"]), (200, &json!({ "result": true })));
    assert_eq!(cancel(&mut bench, &paid).0, 424);
    bench.advance(400 * DAY_MS);
    assert_eq!(status(&mut bench, &paid), "Cancelled");
    assert_eq!(orders(&bench.operation(&paid)), ["approval 100.0"]);
    let unpaid = open(&mut bench, json!({}));
    assert_eq!(cancel(&mut bench, &unpaid).0, 200);
    let pay = Control::Pay { id: unpaid, method: None, card: None };
    assert!(bench.control(&pay).is_err());
    let wrong = bench.post(&format!("{ALL}/{paid}/status"), r#"{"Data":{"status":"Active"}}"#);
    assert_eq!(wrong.0, 400);
}

#[test]
fn a_link_of_a_subscription_lives_a_week() {
    let mut bench = Bench::new();
    let id = open(&mut bench, json!({}));
    bench.advance(7 * DAY_MS - 1);
    assert_eq!(status(&mut bench, &id), "Preparing");
    bench.advance(1);
    assert_eq!((status(&mut bench, &id), bench.status(&id)), ("Expired".into(), "EXPIRED".into()));
}

#[test]
fn its_payments_are_refunded_in_the_cabinet_only() {
    let mut bench = Bench::new();
    let id = kept(&mut bench);
    charge(&mut bench, &id, "50");
    let (code, reply) = bench.refund(&id, "1");
    assert!(error_message(code, &reply).contains("интернет-банке"), "{reply}");
    let refund = |amount| Control::Refund { id: id.clone(), amount };
    bench.control(&refund(Some(super::rubles("30")))).unwrap();
    assert_eq!(bench.status(&id), "REFUNDED_PARTIALLY");
    bench.control(&refund(None)).unwrap();
    assert_eq!(bench.status(&id), "REFUNDED");
    // The card is still kept.
    charge(&mut bench, &id, "20");
    assert_eq!(bench.status(&id), "REFUNDED_PARTIALLY");
    let expect =
        ["approval 100.0", "approval 50.0", "refund 30.0", "refund 120.0", "approval 20.0"];
    assert_eq!(orders(&bench.operation(&id)), expect);
}

#[test]
fn the_two_kinds_are_listed_apart_and_are_payments_besides() {
    let mut bench = Bench::new();
    let recurring = [kept(&mut bench), kept(&mut bench)];
    let scheduled = open(&mut bench, json!({}));
    bench.link(json!({}));
    let ids = |bench: &mut Bench, query: &str| -> Vec<String> {
        let (status, reply) =
            bench.get(&format!("{ALL}?customerCode={}{query}", directory::BUSINESS_CODE));
        assert_eq!(status, 200, "{reply}");
        let items = reply["Data"]["Subscription"].as_array().unwrap();
        items.iter().map(|one| one["operationId"].as_str().unwrap().to_owned()).collect()
    };
    let newest_first = [recurring[1].clone(), recurring[0].clone()];
    assert_eq!(ids(&mut bench, "&recurring=true"), newest_first);
    assert_eq!(ids(&mut bench, "&recurring=true&page=2&perPage=1"), newest_first[1..]);
    assert_eq!(ids(&mut bench, ""), [scheduled]);
    let path = format!("{ALL}?customerCode={}&recurring=maybe", directory::BUSINESS_CODE);
    assert_eq!(bench.get(&path).0, 400);
    let all = format!("/uapi/acquiring/v1.0/payments?customerCode={}", directory::BUSINESS_CODE);
    assert_eq!(bench.get(&all).1["Data"]["Operation"].as_array().unwrap().len(), 4);
}

#[test]
fn a_wrong_request_opens_nothing() {
    let mut bench = Bench::new();
    let taken = open(&mut bench, json!({ "paymentLinkId": "S" }));
    for (over, code) in [
        (json!({ "recurring": true, "Options": {} }), 400),
        (json!({ "recurring": "yes" }), 400),
        (json!({ "amount": 0 }), 400),
        (json!({ "purpose": "щ".repeat(141) }), 400),
        (json!({ "merchantId": "1" }), 400),
        (json!({ "merchantId": directory::CLOSED_MERCHANT_ID }), 424),
        (json!({ "customerCode": directory::PERSONAL_CODE }), 424),
        (json!({ "paymentLinkId": "S" }), 424),
        (json!({ "Options": 7 }), 400),
        (json!({ "Options": { "period": "Quarter" } }), 400),
        (json!({ "Options": { "period": "month" } }), 400),
        (json!({ "Options": { "trancheCount": 0 } }), 400),
        (json!({ "Options": { "trancheCount": 85 } }), 400),
        (json!({ "Options": { "period": "Day", "trancheCount": 101 } }), 400),
        (json!({ "Options": { "period": "Year", "trancheCount": 11 } }), 400),
        (json!({ "Options": { "daysInPeriod": 3 } }), 400),
    ] {
        let (status, reply) = bench.post(ALL, &body(over.clone()));
        assert_eq!(status, code, "{over}: {reply}");
        error_message(status, &reply);
    }
    // Links and subscriptions share their numbers.
    let link = link_body(json!({ "paymentLinkId": "S" }));
    assert_eq!(bench.post("/uapi/acquiring/v1.0/payments", &link).0, 424);
    let list = bench.get(&format!("{ALL}?customerCode={}", directory::BUSINESS_CODE)).1;
    assert_eq!(list["Data"]["Subscription"][0]["operationId"], taken.as_str());
    assert_eq!(list["Data"]["Subscription"].as_array().unwrap().len(), 1);
}

#[test]
fn the_page_says_that_it_keeps_the_card_and_keeps_it() {
    let mut bench = Bench::new();
    let id = open(&mut bench, json!({ "recurring": true }));
    let page = bench.send(&HttpRequest::new(Method::Get, format!("{ORIGIN}/order/?uuid={id}")));
    assert!(page.text().contains("Оплатить и привязать карту"), "{}", page.text());
    assert!(!page.text().contains("id=\"sbp\""), "cards only");
    let fields = [("uuid", id.as_str()), ("method", "card"), ("card", "2200000000000020")];
    bench.post_form("/order/pay", &fields);
    assert_eq!(charge(&mut bench, &id, "1").0, 424, "the card that declined is not kept");
    let fields = [("uuid", id.as_str()), ("method", "card"), ("card", "2200000000000004")];
    bench.post_form("/order/pay", &fields);
    assert_eq!(charge(&mut bench, &id, "1").1["Data"]["result"], true);
}

#[test]
fn the_register_has_each_charge_on_its_day() {
    let mut bench = Bench::new();
    let id = kept(&mut bench);
    bench.advance(DAY_MS);
    charge(&mut bench, &id, "50");
    charge(&mut bench, &id, "20");
    bench.advance(DAY_MS);
    for (date, sums) in [("2026-11-21", &["100.0"][..]), ("2026-11-22", &["50.0", "20.0"])] {
        let path = format!(
            "/uapi/acquiring/v1.0/registry?customerCode={}&merchantId={}&date={date}",
            directory::BUSINESS_CODE,
            directory::MERCHANT_ID
        );
        let (_, reply) = bench.get(&path);
        let lines = reply["Data"]["Registry"][0]["payments"].as_array().unwrap();
        let told: Vec<String> = lines.iter().map(|line| line["amount"].to_string()).collect();
        assert_eq!(told, sums);
        assert!(lines.iter().all(|line| line["operationId"] == id.as_str()));
    }
}
