//! Subscriptions: what is sent, what is never sent, what a reply means and what it does not.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::{Bank, Step},
    http::HttpReply,
    op::{
        Answer, Approval, NewSubscription, Observation, Outcome, Refusal, RefusalClass, SavedCard,
        Schedule, SchedulePeriod, SubscriptionOp, SubscriptionPage, SubscriptionStatus,
        SubscriptionWord,
    },
    tochka::Tochka,
};

fn open(change: impl FnOnce(&mut NewSubscription)) -> BankOp {
    let mut new = NewSubscription {
        reference: "sub-1".to_owned(),
        amount: rubles("2450"),
        purpose: "Подписка START".to_owned(),
        ..NewSubscription::default()
    };
    change(&mut new);
    BankOp::Subscription(SubscriptionOp::Open(new))
}

fn scheduled(period: SchedulePeriod, count: u32) -> BankOp {
    open(|new| new.schedule = Some(Schedule { period, count }))
}

fn charge(amount: &str) -> BankOp {
    let bank_id = ID.to_owned();
    BankOp::Subscription(SubscriptionOp::Charge { bank_id, amount: rubles(amount) })
}

fn status() -> BankOp {
    BankOp::Subscription(SubscriptionOp::Status { bank_id: ID.to_owned() })
}

fn cancel() -> BankOp {
    BankOp::Subscription(SubscriptionOp::Cancel { bank_id: ID.to_owned() })
}

fn list() -> BankOp {
    BankOp::Subscription(SubscriptionOp::List { scheduled: false, page: 2 })
}

/// The method and the path of its request, and the body.
#[track_caller]
fn sent(op: &BankOp) -> (String, String) {
    let Step::Send(request) = Tochka.start(&credentials(), op) else { panic!("{op:?}") };
    let path = request.url.replace("https://enter.tochka.com/uapi/acquiring/v1.0/", "");
    let body = String::from_utf8(request.body).unwrap();
    (format!("{} {path}", request.method.as_str()), body)
}

#[track_caller]
fn check_sent(op: &BankOp, first: &str, body: &str) {
    assert_eq!(sent(op), (first.to_owned(), body.to_owned()));
}

fn refusal(op: &BankOp) -> Option<Refusal> {
    match Tochka.start(&credentials(), op) {
        Step::Done(Outcome::Refused(refusal)) => Some(refusal),
        Step::Done(outcome) => panic!("{outcome:?}"),
        Step::Send(_) => None,
    }
}

#[track_caller]
fn check_refused(op: &BankOp, code: &str) {
    let found = refusal(op).map_or("", |refusal| refusal.code);
    assert_eq!(found, code, "{op:?}");
}

fn heard(op: &BankOp, status: u16, body: &str) -> Outcome {
    let reply = HttpReply::new(status, "application/json", body);
    let Step::Done(outcome) = Tochka.next(&credentials(), op, &reply) else { panic!("{op:?}") };
    outcome
}

#[track_caller]
fn word(op: &BankOp, data: &str) -> SubscriptionWord {
    let outcome = heard(op, 200, &format!(r#"{{"Data":{data}}}"#));
    let Outcome::Done(Answer::Subscription(word)) = outcome else { panic!("{outcome:?}") };
    word
}

#[test]
fn one_that_we_charge_is_opened_without_options_and_without_saving_the_card() {
    check_sent(
        &open(|_| {}),
        "POST subscriptions",
        r#"{"Data":{"customerCode":"1234567ab","amount":2450.00,"purpose":"Подписка START","recurring":true,"paymentLinkId":"sub-1"}}"#,
    );
    let (path, body) = sent(&open(|new| {
        new.success_url = Some("https://shop.example.ru/ok".to_owned());
        new.fail_url = Some("https://shop.example.ru/no".to_owned());
        new.payer_id = Some("payer-1".to_owned());
        new.amount = rubles("1234.50");
        new.receipt = Some(receipt());
    }));
    assert_eq!(path, "POST subscriptions_with_receipt");
    for part in [
        r#""redirectUrl":"https://shop.example.ru/ok","failRedirectUrl":"https://shop.example.ru/no","consumerId":"payer-1","recurring":true,"#,
        r#""taxSystemCode":"usn_income","Client":{"name":"Анна","email":"buyer@example.ru"},"Items":[{"#,
    ] {
        assert!(body.contains(part), "{body}");
    }
    assert!(!body.contains("Options") && !body.contains("saveCard"), "{body}");
}

#[test]
fn one_that_the_bank_charges_has_options_and_is_not_recurring() {
    let options = |period, count| {
        let (_, body) = sent(&scheduled(period, count));
        assert!(!body.contains("recurring"), "{body}");
        let rest = body.split_once(r#""Options":"#).unwrap().1;
        rest.split_once(",\"paymentLinkId").unwrap().0.to_owned()
    };
    assert_eq!(options(SchedulePeriod::Month, 84), r#"{"trancheCount":84,"period":"Month"}"#);
    assert_eq!(options(SchedulePeriod::Year, 10), r#"{"trancheCount":10,"period":"Year"}"#);
    assert_eq!(
        options(SchedulePeriod::Days(14), 100),
        r#"{"trancheCount":100,"period":"Day","daysInPeriod":14}"#
    );
}

#[test]
fn the_other_operations_have_their_paths() {
    check_sent(
        &charge("99.9"),
        &format!("POST subscriptions/{ID}/charge"),
        r#"{"Data":{"amount":99.90}}"#,
    );
    check_sent(&status(), &format!("GET subscriptions/{ID}/status"), "");
    check_sent(
        &cancel(),
        &format!("POST subscriptions/{ID}/status"),
        r#"{"Data":{"status":"Cancelled"}}"#,
    );
    let query = "GET subscriptions?customerCode=1234567ab&recurring=true&page=2&perPage=200";
    check_sent(&list(), query, "");
    let op = BankOp::Subscription(SubscriptionOp::List { scheduled: true, page: 1 });
    assert!(sent(&op).0.contains("recurring=false"));
}

#[test]
fn what_the_bank_would_refuse_never_leaves() {
    check_refused(&open(|new| new.amount = Money::ZERO), "amount_invalid");
    check_refused(&charge("0"), "amount_invalid");
    check_refused(&open(|new| new.purpose = "я".repeat(140)), "");
    check_refused(&open(|new| new.purpose = "я".repeat(141)), "purpose_invalid");
    check_refused(&open(|new| new.reference = "x".repeat(46)), "reference_invalid");
    check_refused(&open(|new| new.success_url = Some("shop".to_owned())), "success_url_invalid");
    check_refused(&open(|new| new.fail_url = Some("shop".to_owned())), "fail_url_invalid");
    check_refused(&open(|new| new.receipt = Some(receipt())), "receipt_total_mismatch");
    for (period, most) in
        [(SchedulePeriod::Days(1), 100), (SchedulePeriod::Month, 84), (SchedulePeriod::Year, 10)]
    {
        for (count, code) in [(most, ""), (most + 1, "schedule_count_invalid"), (1, "")] {
            check_refused(&scheduled(period, count), code);
        }
        check_refused(&scheduled(period, 0), "schedule_count_invalid");
    }
    check_refused(&scheduled(SchedulePeriod::Quarter, 4), "schedule_period_unsupported");
    check_refused(&scheduled(SchedulePeriod::Days(0), 4), "schedule_days_invalid");
    for id in ["", ".", ".."] {
        let (bank_id, amount) = (id.to_owned(), rubles("1"));
        let op = SubscriptionOp::Charge { bank_id: bank_id.clone(), amount };
        check_refused(&BankOp::Subscription(op), "payment_id_invalid");
        let op = SubscriptionOp::Cancel { bank_id };
        check_refused(&BankOp::Subscription(op), "payment_id_invalid");
    }
    let op = create(|link| link.saved_charge = Some(crate::op::SavedCharge::Recurring));
    check_refused(&op, "saved_charge_unsupported");
}

#[test]
fn an_opened_one_is_a_link() {
    let data = r#"{"purpose":"p","status":"CREATED","amount":2450,"operationId":"op","paymentLink":"https://merch.example.com/order/?uuid=op","recurring":true}"#;
    let url = "https://merch.example.com/order/?uuid=op".to_owned();
    let outcome = heard(&open(|_| {}), 200, &format!(r#"{{"Data":{data},"Links":{{}}}}"#));
    assert_eq!(outcome, Outcome::Done(Answer::Link { bank_id: "op".to_owned(), url }));
}

#[test]
fn a_charge_is_only_a_yes_or_a_no() {
    // Declared without `Links` and `Meta`.
    assert_eq!(word(&charge("1"), r#"{"result":true}"#), SubscriptionWord::Charged);
    let no = word(&charge("1"), r#"{"result":false}"#);
    let SubscriptionWord::Declined(decline) = no else { panic!("{no:?}") };
    assert_eq!((decline.bank_code.as_str(), decline.reason.as_str()), ("", "unknown"));
    assert!(decline.merchant.ru.contains("причины не назвал"));
    let done = heard(&cancel(), 200, r#"{"Data":{"result":false}}"#);
    assert_eq!(done, Outcome::Done(Answer::Accepted { done: false }));
}

#[test]
fn what_leaves_a_doubt_is_unknown() {
    let doubtful = ["", "ok", "{}", r#"{"Data":null}"#, r#"{"Data":{}}"#, "<html>"];
    let strange = [r#"{"Data":{"result":"true"}}"#, r#"{"Data":{"result":null}}"#];
    for op in [open(|_| {}), charge("1"), cancel(), status(), list()] {
        for body in doubtful {
            let outcome = heard(&op, 200, body);
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{op:?} {body}: {outcome:?}");
        }
    }
    for body in strange {
        let outcome = heard(&charge("1"), 200, body);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{body}: {outcome:?}");
    }
    for (status, body) in [(500, ""), (502, "Bad Gateway"), (504, ""), (424, ""), (424, "{}")] {
        let outcome = heard(&charge("1"), status, body);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{status}: {outcome:?}");
    }
    // A general sentence without a reason may hide a service that broke halfway.
    let outcome = heard(&charge("1"), 424, r#"{"code":"424","message":"Что-то пошло не так"}"#);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[test]
fn refusals_are_typed() {
    use RefusalClass::{Conflict, Duplicate, NotFound};
    #[track_caller]
    fn check(op: &BankOp, said: &str, class: RefusalClass, code: &str) {
        let body = format!(r#"{{"code":"424","Errors":[{{"message":"{said}"}}]}}"#);
        let outcome = heard(op, 424, &body);
        let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!((refusal.class, refusal.code), (class, code));
    }
    let missing = "Subscription not found";
    check(&cancel(), missing, NotFound, "subscription_not_scheduled");
    check(&status(), missing, NotFound, "subscription_not_scheduled");
    check(&charge("1"), missing, NotFound, "subscription_missing");
    check(&open(|_| {}), "Заказ с таким номером уже существует", Duplicate, "reference_taken");
    check(&charge("1"), "Подписка не оплачена", Conflict, "bank_refused");
}

#[test]
fn a_status_is_one_of_the_banks_words_or_an_unknown_one() {
    for known in SubscriptionStatus::ALL {
        let own = crate::tochka::subscriptions::status_word(known);
        let told = word(&status(), &format!(r#"{{"status":"{own}"}}"#));
        let expect = SubscriptionWord::Status { status: Some(known), word: own.to_owned() };
        assert_eq!(told, expect);
    }
    for strange in ["ACTIVE", "Paused", ""] {
        let told = word(&status(), &format!(r#"{{"status":"{strange}"}}"#));
        let expect = SubscriptionWord::Status { status: None, word: strange.to_owned() };
        assert_eq!(told, expect);
    }
}

#[test]
fn a_list_is_read_whatever_one_of_it_holds() {
    let body = concat!(
        r#"{"Data":{"Subscription":["#,
        r#"{"operationId":"a","recurring":true,"amount":"10.50","status":"APPROVED","#,
        r#""CofToken":{"tokenCardId":"t","cardType":"MIR","maskedPan":"220000******0004"}},"#,
        r#"{"operationId":"b","Options":{"period":"Quarter","trancheCount":4},"status":"NEW"},"#,
        r#"{"operationId":"c","Options":{"period":"Day","trancheCount":"7","daysInPeriod":14}},"#,
        r#"{"operationId":"d","Options":{"period":"Decade","trancheCount":-1},"amount":{},"#,
        r#""CofToken":{"maskedPan":"2200000000000004"}},"#,
        r#"{"operationId":"e","Options":"none","recurring":"false","CofToken":7}"#,
        r#"]},"Meta":{"totalPages":3}}"#,
    );
    let outcome = heard(&list(), 200, body);
    let Outcome::Done(Answer::Subscription(SubscriptionWord::List(page))) = outcome else {
        panic!("{outcome:?}")
    };
    let SubscriptionPage { items, page, total_pages } = page;
    assert_eq!((items.len(), page, total_pages), (5, 2, 3));
    let told: Vec<_> = items.iter().map(|one| (one.is_scheduled, one.period, one.count)).collect();
    assert_eq!(
        told,
        [
            (false, None, None),
            (true, Some(SchedulePeriod::Quarter), Some(4)),
            (true, Some(SchedulePeriod::Days(14)), Some(7)),
            (true, None, None),
            (true, None, None),
        ]
    );
    let card = SavedCard {
        card_id: Some("t".to_owned()),
        masked: Some("220000******0004".to_owned()),
        ..SavedCard::default()
    };
    assert_eq!((items[0].amount, items[0].card.clone()), (Some(rubles("10.50")), Some(card)));
    // A number that is not masked is nothing to keep.
    assert!(items[1..].iter().all(|one| one.card.is_none()));
}

fn seen(operation: &str) -> Observation {
    let body = format!(r#"{{"Data":{{"Operation":[{{"operationId":"{ID}",{operation}}}]}}}}"#);
    let outcome = heard(&get(), 200, &body);
    let Outcome::Done(Answer::Payment(seen)) = outcome else { panic!("{outcome:?}") };
    seen
}

#[test]
fn each_charge_is_one_more_approval() {
    let order = |id: &str, amount: &str, day: u8| {
        format!(
            r#"{{"orderId":"{id}","type":"approval","amount":{amount},"time":"2026-11-{day:02}T10:00:00+00:00"}}"#
        )
    };
    let [first, second] = [order("1", "2450", 1), order("2", "990.5", 2)];
    let refund = r#"{"orderId":"3","type":"refund","amount":50,"time":"x"}"#;
    let one = seen(&format!(r#""status":"APPROVED","amount":2450,"Order":[{first}]"#));
    assert_eq!((one.approvals.len(), one.lists_approvals), (1, true));
    let two = seen(&format!(
        r#""status":"REFUNDED_PARTIALLY","amount":2450,"Order":[{first},{second},{second},{refund}]"#
    ));
    assert_eq!(two.paid, Some(rubles("3440.50")));
    let at = Some("2026-11-02T10:00:00Z".parse().unwrap());
    assert_eq!(two.approvals["2"], Approval { amount: rubles("990.50"), at });
    assert_eq!((two.approvals.len(), two.lists_approvals, two.lists_refunds), (2, true, true));
    assert!(one.approvals.iter().all(|(id, approval)| two.approvals[id] == *approval));
}

#[test]
fn a_list_that_is_not_whole_proves_no_absence() {
    for orders in [
        r#""status":"APPROVED","amount":1"#,
        // The bank's sandbox.
        r#""status":"APPROVED","amount":1,"Order":[]"#,
        r#""status":"APPROVED","Order":[{"type":"approval","amount":1}]"#,
        r#""status":"APPROVED","Order":[{"orderId":"1","type":"approval","amount":1},{"orderId":"2","amount":1}]"#,
        r#""status":"APPROVED","Order":[{"orderId":"1","type":"approval","amount":1},{"orderId":"2","type":"tip","amount":1}]"#,
        r#""Order":[]"#,
    ] {
        assert!(!seen(orders).lists_approvals, "{orders}");
    }
    // Nobody has paid: there is nothing to list.
    assert!(seen(r#""status":"CREATED","amount":1,"Order":[]"#).lists_approvals);
}

/// What a bank may write into `Order[]`, odd entries among it.
fn any_order() -> impl Strategy<Value = (u8, &'static str, u16)> {
    let kinds = prop::sample::select(vec!["approval", "refund", "authorized", "tip"]);
    (0..12_u8, kinds, 1..500_u16)
}

fn print_orders(orders: &[(u8, &str, u16)]) -> String {
    let print = |(id, kind, rubles): &(u8, &str, u16)| {
        format!(r#"{{"orderId":"{kind}-{id}","type":"{kind}","amount":{rubles},"time":"x"}}"#)
    };
    orders.iter().map(print).collect::<Vec<_>>().join(",")
}

proptest! {
    /// A list that grows takes nothing back: what was an approval once stays that very one, so that
    /// a charge found is found for good, and no refund or strange entry is taken for a charge.
    #[test]
    fn approvals_only_grow(orders in prop::collection::vec(any_order(), 0..12), cut in 0..12_usize) {
        let told = |orders: &[(u8, &str, u16)]| {
            seen(&format!(r#""status":"APPROVED","amount":1,"Order":[{}]"#, print_orders(orders)))
        };
        let (before, after) = (told(&orders[..cut.min(orders.len())]), told(&orders));
        for (id, approval) in &before.approvals {
            prop_assert_eq!(after.approvals.get(id), Some(approval));
        }
        prop_assert!(after.approvals.keys().all(|id| id.starts_with("approval-")));
        let sums = after.approvals.values().map(|approval| approval.amount);
        let is_told = after.lists_approvals && !after.approvals.is_empty();
        prop_assert!(!is_told || after.paid == Money::checked_sum(sums));
    }
}
