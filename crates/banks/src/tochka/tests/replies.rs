//! A recorded body becomes exactly this outcome.

use super::*;
use crate::{
    bank::{Bank, Step},
    http::HttpReply,
    op::{
        Account, Answer, AuthOp, BankStatus, Consent, Customer, NoticeAddress, Observation,
        Outcome, Page, RefusalClass, RegistryLine, Retailer, Tokens,
    },
    tochka::Tochka,
};

fn outcome(op: &BankOp, reply: &HttpReply) -> Outcome {
    match Tochka.next(&credentials(), op, reply) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("{request:?}"),
    }
}

fn reply(status: u16, body: &str) -> HttpReply {
    HttpReply::new(status, "application/json", body)
}

/// A 2xx whose `Data` is this means this.
#[track_caller]
fn check(op: &BankOp, data: &str, expect: Answer) {
    let body = format!(
        r#"{{"Data":{data},"Links":{{"self":"https://x"}},"Meta":{{"totalPages":7}},"New":1}}"#
    );
    assert_eq!(outcome(op, &reply(200, &body)), Outcome::Done(expect));
}

#[track_caller]
fn check_unknown(op: &BankOp, status: u16, body: &str) {
    let outcome = outcome(op, &reply(status, body));
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

/// The bank's error with this status and reason means this.
#[track_caller]
fn check_refused(
    op: &BankOp,
    status: u16,
    detail: &str,
    class: RefusalClass,
    code: &str,
) -> String {
    let body = format!(
        r#"{{"code":"{status}","id":"audit-1","message":"Что-то пошло не так","Errors":[{{"errorCode":"Something going wrong","message":"{detail}","url":"http://x"}}]}}"#
    );
    let outcome = outcome(op, &reply(status, &body));
    let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!((refusal.class, refusal.code), (class, code));
    assert!(refusal.message.contains(detail), "{}", refusal.message);
    assert!(refusal.message.contains("audit-1"), "{}", refusal.message);
    refusal.hint
}

#[test]
fn a_made_link_has_an_id_and_an_address() {
    let data = r#"{"purpose":"p","status":"CREATED","amount":1234.5,"operationId":"op","paymentLink":"https://merch.securepaytb.ru/order/?uuid=op","paymentMode":["card"]}"#;
    let url = "https://merch.securepaytb.ru/order/?uuid=op".to_owned();
    check(&create(|_| {}), data, Answer::Link { bank_id: "op".to_owned(), url });
}

#[test]
fn an_unreadable_success_is_unknown_never_a_failure() {
    for op in [create(|_| {}), refund("1"), capture("1", "1"), get(), list()] {
        for body in ["", "ok", "{}", r#"{"Data":null}"#, r#"{"Data":{}}"#, "<html>"] {
            check_unknown(&op, 200, body);
        }
    }
    check_unknown(&create(|_| {}), 200, r#"{"Data":{"operationId":"","paymentLink":"x"}}"#);
    check_unknown(&refund("1"), 200, r#"{"Data":{"isRefund":true,"orderId":"1"}}"#);
    check_unknown(&refund("1"), 200, r#"{"Data":{"isRefund":true,"amount":1}}"#);
    check_unknown(&get(), 200, r#"{"Data":{"Operation":[]}}"#);
    check_unknown(&get(), 200, r#"{"Data":{"Operation":[{"operationId":"another"}]}}"#);
}

#[test]
fn gateway_trouble_and_redirects_are_unknown() {
    for status in [100, 301, 408, 409, 418, 500, 502, 503, 504, 599] {
        check_unknown(&create(|_| {}), status, "Bad Gateway");
    }
}

#[test]
fn a_busy_bank_says_when_to_come_back() {
    #[track_caller]
    fn check(header: &str, expect: Option<u32>) {
        let reply = reply(429, "").header("Retry-After", header);
        assert_eq!(outcome(&get(), &reply), Outcome::Busy { retry_after_s: expect });
    }
    check("30", Some(30));
    check("999999", Some(3600));
    check("Wed, 21 Oct 2026 07:28:00 GMT", None);
}

#[test]
fn refusals_keep_their_reason_and_say_what_to_do() {
    use RefusalClass::{Conflict, Credentials, Duplicate, Invalid, NotFound, Unsupported};
    let link = create(|_| {});
    check_refused(&link, 400, "Field amount : invalid", Invalid, "bank_validation_failed");
    check_refused(&link, 401, "dead", Credentials, "bank_token_refused");
    let forbidden = "Forbidden by consent";
    let hint = check_refused(&link, 403, forbidden, Credentials, "bank_permission_missing");
    assert!(hint.contains("MakeAcquiringOperation") && hint.contains("revoked"), "{hint}");
    let hint = check_refused(&get(), 403, forbidden, Credentials, "bank_permission_missing");
    assert!(hint.contains("ReadAcquiringData") && hint.contains("customer_code"), "{hint}");
    check_refused(&get(), 404, "no", NotFound, "bank_object_missing");
    check_refused(&link, 501, "Not Implemented", Unsupported, "bank_route_unknown");
    let taken = "Заказ с таким номером уже существует";
    check_refused(&link, 424, taken, Duplicate, "reference_taken");
    check_refused(&link, 424, "paymentLinkId already exists", Duplicate, "reference_taken");
    // A denial of existence is no duplicate, and only links have a reference.
    check_refused(&link, 424, "Merchant does not exist", NotFound, "bank_object_missing");
    check_refused(&refund("1"), 424, taken, Conflict, "bank_refused");
    check_refused(&get(), 424, "Operation not found", NotFound, "bank_object_missing");
    check_refused(&get(), 424, "Операция не найдена", NotFound, "bank_object_missing");
    check_refused(&refund("1"), 424, "Сумма больше", Conflict, "bank_refused");
    let hint = check_refused(&register("https://x.ru"), 424, "no 200", Conflict, "bank_refused");
    assert!(hint.contains("443"), "{hint}");
}

#[test]
fn a_broken_service_without_a_reason_is_not_a_refusal() {
    check_unknown(&refund("1"), 424, "");
    check_unknown(&refund("1"), 424, r#"{"code":"424","message":"Что-то пошло не так"}"#);
    check_unknown(&get(), 424, "<html>");
}

#[test]
fn a_cut_token_is_named_as_the_likely_cause() {
    let mut credentials = credentials();
    credentials.set("access_token", "eyJhbGciOiJSUzI1NiJ9.eyJ");
    let Step::Done(Outcome::Refused(refusal)) =
        Tochka.next(&credentials, &get(), &reply(403, "{}"))
    else {
        panic!()
    };
    assert!(refusal.hint.contains("cut when copied"), "{}", refusal.hint);
}

#[test]
fn captures_and_refunds_are_taken_at_their_word() {
    check(&capture("1", "1"), r#"{"result":true}"#, Answer::Accepted { done: true });
    check(&capture("1", "1"), r#"{"result":false}"#, Answer::Accepted { done: false });
    check(
        &refund("1"),
        r#"{"isRefund":true,"operationId":"x","amount":"1.00","date":"2026-11-01","orderId":20}"#,
        Answer::Refunded { amount: rubles("1"), refund_id: "20".to_owned() },
    );
    let no = reply(200, r#"{"Data":{"isRefund":false,"amount":1,"orderId":"20"}}"#);
    let Outcome::Refused(refusal) = outcome(&refund("1"), &no) else { panic!() };
    assert_eq!((refusal.class, refusal.code), (RefusalClass::Conflict, "refund_refused"));
}

/// An operation with these fields is this observation; its approvals are judged in `subscriptions`.
#[track_caller]
fn check_payment(fields: &str, expect: Observation) {
    let data = format!(r#"{{"Operation":[{{"operationId":"{ID}",{fields}}}]}}"#);
    let expect = Observation { bank_id: Some(ID.to_owned()), ..expect };
    let outcome = outcome(&get(), &reply(200, &format!(r#"{{"Data":{data}}}"#)));
    let Outcome::Done(Answer::Payment(seen)) = outcome else { panic!("{outcome:?}") };
    let (approvals, lists_approvals) = Default::default();
    assert_eq!(Observation { approvals, lists_approvals, ..seen }, expect);
}

fn observed(status: BankStatus) -> Observation {
    Observation {
        status: Some(status),
        amount: Some(rubles("10")),
        lists_refunds: true,
        ..Observation::default()
    }
}

fn paid(status: BankStatus) -> Observation {
    Observation { paid: Some(rubles("10")), ..observed(status) }
}

#[test]
fn an_operation_is_read_in_full() {
    check_payment(
        r#""customerCode":"1234567ab","paymentType":"tinkoff","paymentId":"12965545","createdAt":"2026-11-01T10:00:00+03:00","paidAt":"2026-11-01T10:05:00+0300","amount":10,"status":"APPROVED","purpose":"p","paymentLink":"https://l","consumerId":"c","paymentLinkId":"order-4711","CofToken":{"maskedPan":"2"},"Order":[{"orderId":"1","type":"approval","amount":10.00,"time":"2026-11-01T10:04:59+03:00"}]"#,
        Observation {
            reference: Some("order-4711".to_owned()),
            url: Some("https://l".to_owned()),
            method: Some("tpay".to_owned()),
            paid_at: Some("2026-11-01T07:05:00Z".parse().unwrap()),
            created_at: Some("2026-11-01T07:00:00Z".parse().unwrap()),
            purpose: Some("p".to_owned()),
            payer_id: Some("c".to_owned()),
            ..paid(BankStatus::Paid)
        },
    );
}

#[test]
fn a_status_without_orders_tells_of_the_money() {
    use BankStatus::{Authorized, Created, Expired, InProgress, Paid, Refunded, Refunding};
    let check = |word: &str, expect: Observation| {
        check_payment(&format!(r#""status":"{word}","amount":10,"Order":[]"#), expect);
    };
    check("CREATED", observed(Created));
    check("EXPIRED", observed(Expired));
    check("WAIT_FULL_PAYMENT", observed(InProgress));
    check("APPROVED", paid(Paid));
    let authorized = Some(rubles("10"));
    check("AUTHORIZED", Observation { authorized, ..observed(Authorized) });
    // Refunds happened, and the empty list does not tell which.
    let silent = |status| Observation { lists_refunds: false, ..paid(status) };
    check("ON-REFUND", silent(Refunding));
    check("REFUNDED", silent(Refunded));
    check("REFUNDED_PARTIALLY", silent(BankStatus::PartiallyRefunded));
    let unknown = Observation { status: None, lists_refunds: false, ..observed(Created) };
    check("BRAND_NEW", unknown);
}

fn order(id: &str, kind: &str, amount: &str) -> String {
    format!(r#"{{"orderId":"{id}","type":"{kind}","amount":{amount},"time":"x"}}"#)
}

#[test]
fn orders_tell_what_was_held_paid_and_refunded() {
    let check = |status: &str, orders: &[String], expect: Observation| {
        let orders = orders.join(",");
        let fields = format!(r#""status":"{status}","amount":10,"Order":[{orders}]"#);
        check_payment(&fields, expect);
    };
    let held = order("1", "authorized", "10");
    let taken = order("2", "approval", "10");
    let back = order("3", "refund", "4.50");
    let authorized = Some(rubles("10"));
    let refunds: std::collections::BTreeMap<_, _> = [("3".to_owned(), rubles("4.50"))].into();
    // A hold that ran out: held once, never paid.
    let expired = Observation { authorized, ..observed(BankStatus::Expired) };
    check("EXPIRED", std::slice::from_ref(&held), expired);
    let captured = Observation { authorized, ..paid(BankStatus::Paid) };
    check("APPROVED", &[held.clone(), taken.clone()], captured);
    let partly = Observation { refunds, ..paid(BankStatus::PartiallyRefunded) };
    check("REFUNDED_PARTIALLY", &[taken.clone(), back.clone()], partly.clone());
    // Listed twice is refunded and paid once.
    let doubled = [&taken, &taken, &back, &back].map(String::clone);
    check("REFUNDED_PARTIALLY", &doubled, partly.clone());
    // The refund is seen before its approval.
    check("REFUNDED_PARTIALLY", &[back], partly);
    // 0.1 + 0.2: sums are of kopecks.
    let parts = [order("5", "approval", "0.1"), order("6", "approval", "\"0.2\"")];
    let summed = Observation { paid: Some(rubles("0.30")), ..observed(BankStatus::Paid) };
    check("APPROVED", &parts, summed);
    // What cannot be read is not known: neither that nothing was paid nor that nothing was refunded.
    let unread = Observation { lists_refunds: false, paid: None, ..paid(BankStatus::Paid) };
    check("APPROVED", &[taken.clone(), order("7", "approval", "1e1")], unread);
    let strange = Observation { lists_refunds: false, ..paid(BankStatus::Paid) };
    check("APPROVED", &[taken, order("8", "chargeback", "10")], strange);
}

#[test]
fn the_banks_sandbox_tells_of_one_operation_whatever_is_asked() {
    let body = r#"{"Data":{"Operation":[{"operationId":"canned","status":"APPROVED"}]}}"#;
    let credentials = with("base_url", "https://enter.tochka.com/sandbox/v2");
    let step = Tochka.next(&credentials, &get(), &reply(200, body));
    let Step::Done(Outcome::Done(Answer::Payment(payment))) = step else { panic!("{step:?}") };
    assert_eq!(payment.bank_id.as_deref(), Some("canned"));
}

#[test]
fn an_operation_without_orders_lists_no_refunds() {
    let expect = Observation { lists_refunds: false, ..paid(BankStatus::Paid) };
    check_payment(r#""status":"APPROVED","amount":"10.00","paidAt":"yesterday""#, expect);
}

#[test]
fn a_page_keeps_what_it_can_read() {
    let data = r#"{"Operation":[{"operationId":"a","status":"CREATED","amount":0.005},{"operationId":"b","status":"EXPIRED","amount":"2","Order":[]}]}"#;
    let a = Observation {
        bank_id: Some("a".to_owned()),
        status: Some(BankStatus::Created),
        ..Observation::default()
    };
    let b = Observation {
        bank_id: Some("b".to_owned()),
        amount: Some(rubles("2")),
        lists_approvals: true,
        ..observed(BankStatus::Expired)
    };
    check(&list(), data, Answer::Payments(Page { items: vec![a, b], page: 3, total_pages: 7 }));
}

#[test]
fn the_register_is_read_whole_or_not_at_all() {
    let op = BankOp::Registry { merchant_id: "1".repeat(15), date: date(2026, 11, 1) };
    let line = r#"{"purpose":"p","status":"APPROVED","amount":100,"operationId":"a","paymentLink":"l","time":"t","number":"1","commission":2.6,"enrollmentAmount":97.40}"#;
    let body = |line: &str| {
        format!(
            r#"{{"Registry":[{{"paymentType":"card","totalAmount":100,"payments":[{line}]}}]}}"#
        )
    };
    let expect = RegistryLine {
        bank_id: "a".to_owned(),
        status: Some(BankStatus::Paid),
        method: "card".to_owned(),
        amount: rubles("100"),
        commission: rubles("2.60"),
        enrolled: rubles("97.40"),
    };
    check(&op, &body(line), Answer::Registry(vec![expect]));
    let broken = line.replace("2.6", "2.601");
    check_unknown(&op, 200, &format!(r#"{{"Data":{}}}"#, body(&broken)));
}

#[test]
fn points_customers_and_accounts_are_listed() {
    let retailer = Retailer {
        name: "ООО Альтер".to_owned(),
        merchant_id: Some("200000000001056".to_owned()),
        terminal_id: None,
        is_active: true,
        status: "REG".to_owned(),
        methods: vec![PayMethod::Sbp, PayMethod::TPay],
        rate: "2.60".to_owned(),
        mcc: "5111".to_owned(),
        url: None,
        cashbox: Some("businessRu".to_owned()),
    };
    for active in ["true", "\"true\""] {
        let data = format!(
            r#"{{"Retailer":[{{"status":"REG","isActive":{active},"mcc":"5111","rate":2.60,"name":"ООО Альтер","url":"","merchantId":"200000000001056","paymentModes":["sbp","tinkoff","new"],"cashbox":"businessRu"}}]}}"#
        );
        check(&BankOp::Retailers, &data, Answer::Retailers(vec![retailer.clone()]));
    }
    check(
        &BankOp::Customers,
        r#"{"Customer":[{"customerCode":"300123123","customerType":"Business","isResident":true,"taxCode":"7707083893","fullName":"ООО Альтер"}]}"#,
        Answer::Customers(vec![Customer {
            customer_code: "300123123".to_owned(),
            is_business: true,
            name: "ООО Альтер".to_owned(),
            tax_code: Some("7707083893".to_owned()),
        }]),
    );
    check(
        &BankOp::Accounts,
        r#"{"Account":[{"customerCode":"300123123","accountId":"1/044525104","status":"Enabled","currency":"RUB"}]}"#,
        Answer::Accounts(vec![Account {
            account_id: "1/044525104".to_owned(),
            customer_code: "300123123".to_owned(),
            status: "Enabled".to_owned(),
            currency: "RUB".to_owned(),
        }]),
    );
}

#[test]
fn no_notice_address_is_an_answer() {
    let body = r#"{"code":"404","message":"x","Errors":[{"message":"Object of Webhooks does not exists"}]}"#;
    let none = outcome(&BankOp::ShowNotices, &reply(404, body));
    assert_eq!(none, Outcome::Done(Answer::Notices(None)));
    let address = NoticeAddress {
        url: "https://x.ru/n".to_owned(),
        kinds: vec!["incomingPayment".to_owned()],
    };
    let data = r#"{"webhooksList":["incomingPayment"],"url":"https://x.ru/n"}"#;
    check(&BankOp::ShowNotices, data, Answer::Notices(Some(address.clone())));
    check(&register("https://x.ru/n"), data, Answer::Notices(Some(address)));
    check(&BankOp::DeleteNotices, r#"{"result":true}"#, Answer::Accepted { done: true });
    let test = BankOp::TestNotice { kind: "incomingPayment".to_owned() };
    check(&test, r#"{"result":false}"#, Answer::Accepted { done: false });
}

#[test]
fn only_a_page_with_a_key_is_a_key_page() {
    let key = include_str!("../fixtures/public-key.jwk.json");
    let keys = outcome(&BankOp::FetchNoticeKeys, &reply(200, key));
    assert_eq!(keys, Outcome::Done(Answer::NoticeKeys(key.trim().to_owned())));
    check_unknown(&BankOp::FetchNoticeKeys, 200, "<html>maintenance</html>");
    check_unknown(&BankOp::FetchNoticeKeys, 200, "{}");
}

#[test]
fn tokens_are_read_from_a_bare_body() {
    let body = r#"{"access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":86400,"state":null}"#;
    let tokens = Tokens {
        access_token: "a".to_owned(),
        refresh_token: Some("r".to_owned()),
        expires_in_s: 86_400,
    };
    let refresh = BankOp::Auth(AuthOp::Refresh);
    let done = Outcome::Done(Answer::Tokens(tokens));
    assert_eq!(outcome(&refresh, &reply(200, body)), done);
    check_unknown(&refresh, 200, "{}");
    let refused = reply(400, r#"{"error":"invalid_grant","error_description":"expired"}"#);
    let Outcome::Refused(refusal) = outcome(&refresh, &refused) else { panic!() };
    assert_eq!(refusal.code, "bank_login_refused");
    assert!(refusal.message.contains("expired"), "{}", refusal.message);
}

#[test]
fn a_consent_is_read_in_both_documented_shapes() {
    let consent =
        r#"{"status":"AwaitingAuthorisation","permissions":["ReadAcquiringData"],"consentId":"c"}"#;
    let expect = Answer::Consents(vec![Consent {
        consent_id: "c".to_owned(),
        status: "AwaitingAuthorisation".to_owned(),
        permissions: vec!["ReadAcquiringData".to_owned()],
        customer_code: None,
    }]);
    let op = BankOp::Auth(AuthOp::CreateConsent {
        client_token: "t".to_owned(),
        permissions: Vec::new(),
        expires: None,
    });
    check(&op, consent, expect.clone());
    check(&op, &format!("[{consent}]"), expect.clone());
    check(&op, &format!(r#"{{"Consent":[{consent}]}}"#), expect.clone());
    let listed = format!(r#"{{"Consent":[{consent}]}}"#);
    check(&BankOp::Auth(AuthOp::ListConsents), &listed, expect);
}

#[test]
fn an_introspection_is_a_jwt_in_a_json_string() {
    // {"iss":"enter.tochka.com","sub":"300123123","aud":"test_app"}
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJlbnRlci50b2Noa2EuY29tIiwic3ViIjoiMzAwMTIzMTIzIiwiYXVkIjoidGVzdF9hcHAifQ.c2ln";
    let op = BankOp::Auth(AuthOp::Introspect);
    let (customer_code, client_id) = ("300123123".to_owned(), "test_app".to_owned());
    let done = Outcome::Done(Answer::Introspection { customer_code, client_id });
    assert_eq!(outcome(&op, &reply(200, &format!("\"{jwt}\""))), done);
    check_unknown(&op, 200, "\"nonsense\"");
}
