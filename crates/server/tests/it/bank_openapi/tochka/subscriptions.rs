//! Subscriptions before the judge: everything that our own client asks, then what other people's code
//! asks.

use jiff::SignedDuration;
use kopeck_banks::{
    Money,
    emulator::Control,
    http::Method,
    op::{
        Answer, BankOp, NewSubscription, PayMethod, RefusalClass, Schedule, SchedulePeriod,
        SubscriptionOp, SubscriptionWord,
    },
    tochka::emulator::directory,
};
use serde_json::{Value, json};

use super::{
    Court,
    ours::widest_receipt,
    strangers::{body, check},
};

const ALL: &str = "/acquiring/v1.0/subscriptions";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn new(reference: &str) -> NewSubscription {
    NewSubscription {
        reference: reference.to_owned(),
        amount: rubles("2450.50"),
        purpose: "Подписка START".to_owned(),
        ..NewSubscription::default()
    }
}

#[track_caller]
fn open(court: &mut Court, new: NewSubscription) -> String {
    let answer = court.done(&BankOp::Subscription(SubscriptionOp::Open(new)));
    let Answer::Link { bank_id, .. } = answer else { panic!("{answer:?}") };
    bank_id
}

#[track_caller]
fn word(court: &mut Court, op: SubscriptionOp) -> SubscriptionWord {
    let answer = court.done(&BankOp::Subscription(op));
    let Answer::Subscription(word) = answer else { panic!("{answer:?}") };
    word
}

pub fn ours(court: &mut Court) {
    let recurring = open(court, new("sub-1"));
    let id = || recurring.clone();
    let charge = |amount: &str| SubscriptionOp::Charge { bank_id: id(), amount: rubles(amount) };
    court.refused(&BankOp::Subscription(charge("1")), RefusalClass::Conflict);
    court.pay(&recurring, PayMethod::Card);
    assert_eq!(word(court, charge("99.90")), SubscriptionWord::Charged);
    let state = "insufficient_funds".to_owned();
    court.bank.control(court.now, &Control::Token { token: id(), state }).unwrap();
    assert!(matches!(word(court, charge("99.90")), SubscriptionWord::Declined(_)));
    let answer = court.done(&BankOp::GetPayment { bank_id: id() });
    assert!(matches!(&answer, Answer::Payment(seen) if seen.approvals.len() == 2), "{answer:?}");
    let cancel = |bank_id: String| BankOp::Subscription(SubscriptionOp::Cancel { bank_id });
    court.refused(&cancel(id()), RefusalClass::NotFound);
    let nobody = SubscriptionOp::Charge { bank_id: NOBODY.to_owned(), amount: rubles("1") };
    court.refused(&BankOp::Subscription(nobody), RefusalClass::NotFound);
    let again = BankOp::Subscription(SubscriptionOp::Open(new("sub-1")));
    court.refused(&again, RefusalClass::Duplicate);
    let receipt = widest_receipt();
    let widest = NewSubscription {
        amount: receipt.total().unwrap(),
        receipt: Some(receipt),
        success_url: Some("https://shop.example.ru/thanks?a=1&b=2".to_owned()),
        fail_url: Some("https://shop.example.ru/sorry".to_owned()),
        payer_id: Some("fedac807-078d-45ac-a43b-5c01c57edbf8".to_owned()),
        ..new("sub-2")
    };
    open(court, widest.clone());
    let periods =
        [(SchedulePeriod::Days(14), 100), (SchedulePeriod::Month, 84), (SchedulePeriod::Year, 10)];
    for (at, (period, count)) in periods.into_iter().enumerate() {
        let schedule = Some(Schedule { period, count });
        let bank_id = open(court, NewSubscription { schedule, ..new(&format!("plain-{at}")) });
        court.pay(&bank_id, PayMethod::Card);
        let reference = format!("widest-{at}");
        open(court, NewSubscription { schedule, reference, ..widest.clone() });
        word(court, SubscriptionOp::Status { bank_id: bank_id.clone() });
        court.done(&cancel(bank_id.clone()));
        word(court, SubscriptionOp::Status { bank_id });
    }
    for scheduled in [true, false] {
        let list = word(court, SubscriptionOp::List { scheduled, page: 1 });
        let count = if scheduled { 6 } else { 2 };
        let is_whole = matches!(&list, SubscriptionWord::List(page) if page.items.len() == count);
        assert!(is_whole, "{list:?}");
    }
    ended(court);
}

/// A schedule that has come to its end.
fn ended(court: &mut Court) {
    let schedule = Some(Schedule { period: SchedulePeriod::Days(1), count: 2 });
    let bank_id = open(court, NewSubscription { schedule, ..new("short") });
    court.pay(&bank_id, PayMethod::Card);
    // The register of the day before is looked at later: the clock of the trial stays.
    let later = court.now + SignedDuration::from_hours(24);
    let now = std::mem::replace(&mut court.now, later);
    word(court, SubscriptionOp::Status { bank_id });
    court.now = now;
}

fn plain() -> Value {
    json!({ "customerCode": directory::BUSINESS_CODE, "amount": 10.5, "purpose": "Чай" })
}

pub fn strangers(court: &mut Court) {
    let options = |options: Value| json!({ "Options": options });
    let post = (Method::Post, ALL);
    let cases = [
        (json!({}), true, 200),
        (json!({ "recurring": true }), true, 200),
        (json!({ "recurring": true, "saveCard": true }), true, 200),
        (json!({ "recurring": false, "saveCard": true, "Options": {} }), true, 200),
        (json!({ "recurring": true, "Options": {} }), true, 400),
        (json!({ "recurring": "yes" }), false, 400),
        (json!({ "amount": "10.50" }), false, 200),
        (json!({ "amount": 0 }), false, 400),
        (json!({ "customerCode": null }), false, 400),
        (json!({ "customerCode": "300999999" }), true, 403),
        (json!({ "purpose": "щ".repeat(141) }), false, 400),
        (json!({ "merchantId": directory::CLOSED_MERCHANT_ID }), true, 424),
        (json!({ "merchantId": "1" }), true, 400),
        (json!({ "paymentLinkId": "x".repeat(46) }), false, 400),
        (json!({ "paymentLinkId": "stranger-sub" }), true, 200),
        (json!({ "paymentLinkId": "stranger-sub" }), true, 424),
        (options(json!({ "period": "Day", "daysInPeriod": 14, "trancheCount": 3 })), true, 200),
        (options(json!({ "period": "Quarter" })), false, 400),
        (options(json!({ "period": "month" })), false, 400),
        (options(json!({ "trancheCount": 0 })), false, 400),
        (options(json!({ "trancheCount": 85 })), true, 400),
        (options(json!({ "daysInPeriod": 0 })), false, 400),
        (options(json!({ "daysInPeriod": 14 })), true, 400),
    ];
    for (over, approves, status) in &cases {
        check(court, post, &body(&plain(), over), Some(*approves), *status);
    }
    let with_receipt = json!({
        "Client": { "email": "buyer@example.ru" },
        "Items": [{ "name": "Чай", "amount": 10.5, "quantity": 1 }],
    });
    let path = (Method::Post, "/acquiring/v1.0/subscriptions_with_receipt");
    check(court, path, &body(&plain(), &with_receipt), Some(true), 200);
    check(court, path, &body(&plain(), &json!({})), Some(false), 400);
    reading(court);
    charging(court);
}

fn reading(court: &mut Court) {
    let list = format!("{ALL}?customerCode={}", directory::BUSINESS_CODE);
    let cases = [
        (ALL.to_owned(), false, 400),
        (list.clone(), true, 200),
        (format!("{list}&recurring=true&page=2&perPage=2"), true, 200),
        (format!("{list}&recurring=maybe"), false, 400),
        (format!("{list}&page=x"), false, 400),
        (format!("{ALL}?customerCode=300999999"), true, 403),
        (format!("{ALL}/{NOBODY}/status"), true, 424),
    ];
    for (path, approves, status) in &cases {
        check(court, (Method::Get, path), "", Some(*approves), *status);
    }
}

fn charging(court: &mut Court) {
    let over = json!({ "recurring": true, "paymentLinkId": "stranger-card" });
    check(court, (Method::Post, ALL), &body(&plain(), &over), Some(true), 200);
    let id = "stranger-card".to_owned();
    let pay = Control::Pay { id, method: None, card: None };
    let shown = court.bank.control(court.now, &pay).unwrap();
    let id = shown["id"].as_str().unwrap();
    let charge = format!("{ALL}/{id}/charge");
    let status = format!("{ALL}/{id}/status");
    let refund = format!("/acquiring/v1.0/payments/{id}/refund");
    let cases = [
        (&charge, r#"{"Data":{"amount":1.5}}"#, true, 200),
        (&charge, r#"{"Data":{"amount":"1"}}"#, false, 200),
        // The document sets no least sum.
        (&charge, r#"{"Data":{"amount":0}}"#, true, 400),
        (&charge, r#"{"Data":{}}"#, false, 400),
        (&charge, "", false, 400),
        (&status, r#"{"Data":{"status":"Cancelled"}}"#, true, 424),
        (&status, r#"{"Data":{"status":"Active"}}"#, false, 400),
        (&refund, r#"{"Data":{"amount":1}}"#, true, 424),
    ];
    for (path, sent, approves, status) in cases {
        check(court, (Method::Post, path), sent, Some(approves), status);
    }
}
