//! What the bank would not take never leaves.

use super::*;
use crate::{
    bank::{Bank, Step},
    op::{AuthOp, Outcome, Refusal, RefusalClass},
    tochka::{Tochka, quirks, token_problem},
};

fn refusal(credentials: &Credentials, op: &BankOp) -> Option<Refusal> {
    match Tochka.start(credentials, op) {
        Step::Done(Outcome::Refused(refusal)) => Some(refusal),
        Step::Done(outcome) => panic!("{outcome:?}"),
        Step::Send(_) => None,
    }
}

#[track_caller]
fn check_with(credentials: &Credentials, op: &BankOp, code: &str) {
    let refusal = refusal(credentials, op);
    let found = refusal.as_ref().map_or("", |refusal| refusal.code);
    assert_eq!(found, code, "{refusal:?}");
}

#[track_caller]
fn check(op: &BankOp, code: &str) {
    check_with(&credentials(), op, code);
}

#[test]
fn a_hold_is_captured_whole_or_runs_out() {
    check(
        &BankOp::Void { bank_id: ID.to_owned(), amount: None, request_id: "v".to_owned() },
        "hold_void_unsupported",
    );
    check(&capture("9.99", "10"), "capture_partial_unsupported");
    check(&capture("10", "10"), "");
}

#[test]
fn an_id_that_would_change_the_path_is_no_id() {
    for id in ["", " ", ".", ".."] {
        check(&BankOp::GetPayment { bank_id: id.to_owned() }, "payment_id_invalid");
    }
}

#[test]
fn amounts_are_positive() {
    check(&create(|link| link.amount = Money::ZERO), "amount_invalid");
    check(&refund("0"), "amount_invalid");
    check(&refund("0.01"), "");
}

#[test]
fn texts_and_times_stay_within_the_banks_limits() {
    // Characters are counted, not bytes.
    check(&create(|link| link.purpose = "я".repeat(140)), "");
    check(&create(|link| link.purpose = "я".repeat(141)), "purpose_invalid");
    check(&create(|link| link.purpose = " ".to_owned()), "purpose_invalid");
    check(&create(|link| link.ttl_minutes = 0), "ttl_invalid");
    check(&create(|link| link.ttl_minutes = 44_640), "");
    check(&create(|link| link.ttl_minutes = 44_641), "ttl_invalid");
    check(&create(|link| link.reference = String::new()), "reference_invalid");
    check(&create(|link| link.reference = "x".repeat(45)), "");
    check(&create(|link| link.reference = "x".repeat(46)), "reference_invalid");
}

#[test]
fn a_hold_is_for_cards_only() {
    check(&create(|link| link.methods.clear()), "methods_empty");
    check(&create(|link| link.capture = CaptureMode::Manual), "capture_method_unsupported");
    let card = |link: &mut CreateLink| {
        link.capture = CaptureMode::Manual;
        link.methods = vec![PayMethod::Card];
    };
    check(&create(card), "");
}

#[test]
fn return_addresses_are_urls() {
    for url in ["shop.example.ru", "ftp://x", "https://", "https:///x", "https://a b"] {
        check(&create(|link| link.success_url = Some(url.to_owned())), "success_url_invalid");
        check(&create(|link| link.fail_url = Some(url.to_owned())), "fail_url_invalid");
    }
    let long = format!("https://shop.example.ru/{}", "x".repeat(2083));
    check(&create(|link| link.success_url = Some(long)), "success_url_invalid");
    check(&create(|link| link.fail_url = Some("http://127.0.0.1:8080/no".to_owned())), "");
}

#[test]
fn a_receipt_is_one_that_the_bank_can_make() {
    let check = |code: &str, change: fn(&mut Receipt)| check(&create_with_receipt(change), code);
    check("", |_| {});
    check("receipt_email_invalid", |receipt| receipt.email = None);
    check("receipt_email_invalid", |receipt| receipt.email = Some("@example.ru".to_owned()));
    check("receipt_email_invalid", |receipt| receipt.email = Some("a@b@example.ru".to_owned()));
    check("receipt_lines_empty", |receipt| receipt.lines.clear());
    check("receipt_name_invalid", |receipt| receipt.lines[0].name = "ы".repeat(257));
    check("receipt_name_invalid", |receipt| receipt.lines[0].name.clear());
    check("receipt_price_invalid", |receipt| receipt.lines[0].price = Money::ZERO);
    check("receipt_quantity_invalid", |receipt| receipt.lines[0].quantity_milli = 0);
    check("receipt_total_mismatch", |receipt| receipt.lines[0].price = rubles("500.01"));
    check("receipt_quantity_invalid", |receipt| receipt.lines[0].quantity_milli = u64::MAX);
    check("receipt_vat_unsupported", |receipt| receipt.lines[1].vat = Vat::Vat20);
    check("receipt_vat_unsupported", |receipt| receipt.lines[1].vat = Vat::Vat120);
    check("receipt_subject_unsupported", |receipt| receipt.lines[0].subject = Subject::Excise);
    let prepayment = |receipt: &mut Receipt| receipt.lines[0].method = PaymentMethod::Prepayment;
    check("receipt_method_unsupported", prepayment);
    check("", |receipt| receipt.lines[0].method = PaymentMethod::FullPrepayment);
    let phone = |receipt: &mut Receipt| {
        receipt.supplier = Some(Supplier { phone: "8 999 123".to_owned(), ..supplier() });
    };
    check("receipt_supplier_phone_invalid", phone);
    let tax_code = |receipt: &mut Receipt| {
        receipt.lines[0].supplier = Some(Supplier { tax_code: "770".to_owned(), ..supplier() });
    };
    check("receipt_supplier_tax_code_invalid", tax_code);
    let name = |receipt: &mut Receipt| {
        receipt.supplier = Some(Supplier { name: String::new(), ..supplier() });
    };
    check("receipt_supplier_name_invalid", name);
}

#[test]
fn the_bank_notifies_only_https_on_443_and_an_emulator_anything() {
    check(&register("http://pay.example.ru/n"), "notice_url_invalid");
    check(&register("https://pay.example.ru:8443/n"), "notice_url_invalid");
    check(&register("https://pay.example.ru:443/n"), "");
    let emulator = with("base_url", "http://127.0.0.1:8080/uapi");
    check_with(&emulator, &register("http://127.0.0.1:3000/n"), "");
    check_with(&emulator, &register("nonsense"), "notice_url_invalid");
    let url = "https://pay.example.ru/n".to_owned();
    let none = BankOp::RegisterNotices { url, kinds: Vec::new(), replace: false };
    check(&none, "notice_kinds_empty");
}

#[test]
fn a_connection_is_checked_before_it_is_used() {
    let op = create(|_| {});
    check_with(&with("base_url", "enter.tochka.com"), &op, "base_url_invalid");
    check_with(&with("customer_code", "12345678"), &op, "customer_code_invalid");
    check_with(&with("customer_code", "12345678я"), &BankOp::Retailers, "customer_code_invalid");
    // The SBP id, as older instructions had it.
    check_with(&with("merchant_id", "MF0000000001"), &op, "merchant_id_invalid");
    let hint = refusal(&with("merchant_id", "MF0000000001"), &op).unwrap().hint;
    assert!(hint.contains("15 digits") && hint.contains("12 characters"), "{hint}");
    let registry = BankOp::Registry { merchant_id: "1".to_owned(), date: date(2026, 1, 1) };
    check(&registry, "merchant_id_invalid");
    check_with(&with("client_id", ""), &BankOp::ShowNotices, "client_id_missing");
    check_with(&with("merchant_id", ""), &op, "");
    check(&BankOp::Auth(AuthOp::Refresh), "client_secret_missing");
    check_with(
        &with("client_secret", "s"),
        &BankOp::Auth(AuthOp::Refresh),
        "refresh_token_missing",
    );
}

#[test]
fn a_token_is_refused_only_for_what_is_certain() {
    #[track_caller]
    fn check(token: &str, code: &str) {
        let now = jiff::Timestamp::from_second(1_000).unwrap();
        let problem = token_problem(token, now);
        assert_eq!(problem.map_or("", |refusal| refusal.code), code, "{token}");
    }
    check("", "bank_token_expired");
    check("sandbox.jwt.token", "");
    check("opaque-oauth-token", "");
    check("eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjEwMDF9.c2ln", "");
    check("eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjEwMDB9.c2ln", "bank_token_expired");
    check("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "");
    check("eyJhbGciOiJSUzI1NiJ9.eyJleH", "bank_token_malformed");
    check("Bearer abc", "bank_token_malformed");
    check("abc\ndef", "bank_token_malformed");
    check_with(&with("access_token", ""), &get(), "bank_token_expired");
    check_with(&with("access_token", "a b"), &get(), "bank_token_malformed");
    check_with(&with("access_token", ""), &BankOp::FetchNoticeKeys, "");
}

#[test]
fn every_rule_tells_what_to_do_under_its_own_code() {
    let mut codes: Vec<&str> = quirks::all().map(|quirk| quirk.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), quirks::all().count());
    for quirk in quirks::all() {
        assert!(quirk.message.ends_with('.') && quirk.hint.ends_with('.'), "{}", quirk.code);
        let is_request =
            quirk.class == RefusalClass::Invalid && !quirk.code.ends_with("_id_invalid");
        assert!(quirk.param.is_some() || !is_request, "{}", quirk.code);
    }
}
