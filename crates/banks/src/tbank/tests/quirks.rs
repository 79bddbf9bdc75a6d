//! What the bank would refuse is refused before it leaves.

use std::collections::BTreeSet;

use super::*;
use crate::op::{CardOp, SavedCharge, SbpOp, TerminalOp, Wallet};

fn code(credentials: &Credentials, op: &BankOp) -> Option<&'static str> {
    match Tbank.start(credentials, op) {
        Step::Send(_) => None,
        Step::Done(Outcome::Refused(refusal)) => Some(refusal.code),
        Step::Done(outcome) => panic!("{outcome:?}"),
    }
}

#[track_caller]
fn check(op: &BankOp, expect: &str) {
    assert_eq!(code(&credentials(), op), Some(expect));
}

#[test]
fn good_operations_pass() {
    let ops = [create(|_| {}), create_with_receipt(|_| {}), get(), find(), refund("1"), void(None)];
    for op in ops {
        assert_eq!(code(&credentials(), &op), None, "{op:?}");
    }
}

#[test]
fn every_rule_about_a_link_bites() {
    let long = "x".repeat(251);
    check(&create(|link| link.amount = rubles("0.99")), "amount_invalid");
    check(&create(|link| link.amount = rubles("100000000")), "amount_invalid");
    check(&create(|link| link.purpose = " ".to_owned()), "purpose_invalid");
    check(&create(|link| link.purpose = "я".repeat(141)), "purpose_invalid");
    check(&create(|link| link.ttl_minutes = 129_601), "ttl_invalid");
    check(&create(|link| link.reference = "r".repeat(37)), "reference_invalid");
    check(&create(|link| link.methods.clear()), "methods_empty");
    check(&create(|link| link.capture = CaptureMode::Manual), "capture_method_unsupported");
    check(&create(|link| link.success_url = Some("ok".to_owned())), "success_url_invalid");
    check(&create(|link| link.fail_url = Some(format!("https://{long}"))), "fail_url_invalid");
    let notice = "https://pay.example.ru:8443/n".to_owned();
    check(&create(|link| link.notice_url = Some(notice.clone())), "notice_url_invalid");
    let emulator = with("base_url", "http://127.0.0.1:8080/emulators/tbank/v2");
    assert_eq!(code(&emulator, &create(|link| link.notice_url = Some(notice))), None);
    check(&create(|link| link.save_card = true), "payer_id_invalid");
    check(
        &create(|link| {
            link.sbp_account = true;
            link.saved_charge = Some(SavedCharge::Recurring);
        }),
        "saved_charge_conflict",
    );
    for (key, value) in [("QR", "true"), (&long[..21], "1"), ("", "1"), ("a", &long[..101])] {
        let op = create(|link| {
            link.extra.insert(key.to_owned(), value.to_owned());
        });
        check(&op, "extra_invalid");
    }
    let many = create(|link| {
        link.extra.extend((0..20).map(|n| (n.to_string(), "1".to_owned())));
    });
    check(&many, "extra_invalid");
}

#[test]
fn every_rule_about_a_receipt_bites() {
    check(&create_with_receipt(|r| r.email = None), "receipt_contact_missing");
    check(&create_with_receipt(|r| r.phone = Some("x".to_owned())), "receipt_phone_invalid");
    check(&create_with_receipt(|r| r.email = Some("x".to_owned())), "receipt_email_invalid");
    check(&create_with_receipt(|r| r.taxation = None), "receipt_taxation_missing");
    check(&create_with_receipt(|r| r.lines.clear()), "receipt_lines_empty");
    check(&create_with_receipt(|r| r.lines[0].name = "n".repeat(129)), "receipt_name_invalid");
    check(&create_with_receipt(|r| r.lines[0].quantity_milli = 0), "receipt_quantity_invalid");
    check(&create_with_receipt(|r| r.lines[0].price = Money::ZERO), "receipt_price_invalid");
    check(&create_with_receipt(|r| r.lines[0].quantity_milli = 1), "receipt_total_mismatch");
    let bad = |r: &mut Receipt| r.lines[1].supplier.as_mut().unwrap().tax_code = "1".to_owned();
    check(&create_with_receipt(bad), "receipt_supplier_tax_code_invalid");
    let part = BankOp::Capture {
        bank_id: ID.to_owned(),
        amount: rubles("1"),
        authorized: rubles("2"),
        receipt: Some(receipt()),
    };
    check(&part, "receipt_total_mismatch");
}

#[test]
fn the_bank_keeps_no_subscriptions() {
    use crate::op::SubscriptionOp;
    let (bank_id, amount) = (ID.to_owned(), rubles("10"));
    let ops = [
        SubscriptionOp::Open(crate::op::NewSubscription::default()),
        SubscriptionOp::List { scheduled: true, page: 1 },
        SubscriptionOp::Status { bank_id: bank_id.clone() },
        SubscriptionOp::Cancel { bank_id: bank_id.clone() },
        SubscriptionOp::Charge { bank_id, amount },
    ];
    for op in ops {
        check(&BankOp::Subscription(op), "subscription_unsupported");
    }
}

#[test]
fn every_rule_about_other_operations_bites() {
    check(&BankOp::GetPayment { bank_id: "a/../b".to_owned() }, "payment_id_invalid");
    let letter = TerminalOp::ConfirmationLetter {
        bank_ids: vec![],
        to: crate::op::LetterTo::Url("https://x.ru".to_owned()),
    };
    check(&BankOp::Terminal(letter), "payment_id_invalid");
    check(&capture("2", "1"), "capture_too_large");
    check(&refund("0"), "amount_invalid");
    let op = BankOp::Void { bank_id: ID.to_owned(), amount: None, request_id: String::new() };
    check(&op, "request_id_invalid");
    let op = TerminalOp::WalletQr { bank_id: ID.to_owned(), wallet: Wallet::MirPay };
    check(&BankOp::Terminal(op), "wallet_qr_unsupported");
    let payer_id = String::new();
    check(&BankOp::Card(CardOp::List { payer_id }), "payer_id_invalid");
    for op in [BankOp::Retailers, BankOp::ShowNotices, BankOp::Customers] {
        check(&op, "operation_unsupported");
    }
}

#[test]
fn every_rule_about_the_connection_bites() {
    let check = |name: &str, value: &str, expect: &str| {
        assert_eq!(code(&with(name, value), &get()), Some(expect), "{name}");
    };
    check("base_url", "securepay.tinkoff.ru", "base_url_invalid");
    check("terminal_key", "", "terminal_key_invalid");
    check("password", &"p".repeat(21), "password_invalid");
    check("ffd_version", "2", "ffd_version_invalid");
    let test_host = with("base_url", "https://rest-api-test.tinkoff.ru/v2/");
    assert_eq!(code(&test_host, &BankOp::Sbp(SbpOp::Accounts)), Some("sbp_host_unsupported"));
    assert_eq!(code(&test_host, &get()), None);
}

#[test]
fn rules_have_names_of_their_own_and_whole_sentences() {
    let mut names = BTreeSet::new();
    for quirk in crate::tbank::quirks::all() {
        assert!(names.insert(quirk.code), "{}", quirk.code);
        assert!(quirk.message.ends_with('.') && quirk.hint.ends_with('.'), "{}", quirk.code);
    }
}
