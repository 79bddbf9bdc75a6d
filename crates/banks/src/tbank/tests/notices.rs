//! A notice becomes exactly this, and a changed one becomes nothing.

use super::*;
use crate::{
    bank::{GenuineNotice, Notice, NoticeNews, RawNotice},
    op::{BankStatus, BindingStatus, DeclineReason, Observation},
    tbank::token::{Scope, sign},
};

fn read(body: &str) -> Notice {
    Tbank.notice(&credentials(), &RawNotice { body: body.as_bytes(), keys: "" })
}

fn signed(body: &str) -> String {
    sign(body, "TinkoffBankTest", Scope::All)
}

#[track_caller]
fn genuine(body: &str) -> GenuineNotice {
    let notice = read(&signed(body));
    let Notice::Genuine(notice) = notice else { panic!("{notice:?}") };
    notice
}

const PAID: &str = r#"{"TerminalKey":"TinkoffBankTest","OrderId":"order-4711","Success":true,"Status":"CONFIRMED","PaymentId":8111987112,"ErrorCode":"0","Amount":123450,"CardId":322264,"Pan":"430000******0777","ExpDate":"1230","RebillId":1732900000001,"Data":{"Route":"ACQ","Source":"cards"}}"#;

#[test]
fn the_banks_own_example_is_genuine() {
    let mut credentials = with("terminal_key", "1321054611234DEMO");
    credentials.set("password", "Dfsfh56dgKl");
    let body = r#"{"TerminalKey":"1321054611234DEMO","OrderId":"201709","Success":true,"Status":"AUTHORIZED","PaymentId":8742591,"ErrorCode":"0","Amount":9855,"CardId":322264,"Pan":"430000******0777","ExpDate":"1122","RebillId":101709,"Token":"b906d28e76c6428e37b25fcf86c0adc52c63d503013fdd632e300593d165766b"}"#;
    let notice = Tbank.notice(&credentials, &RawNotice { body: body.as_bytes(), keys: "" });
    let Notice::Genuine(notice) = notice else { panic!("{notice:?}") };
    let seen = notice.observation.unwrap();
    assert_eq!(seen.status, Some(BankStatus::Authorized));
    assert_eq!(seen.authorized, Some(rubles("98.55")));
}

#[test]
fn a_payment_notice_tells_what_was_paid_and_which_card_was_kept() {
    let notice = genuine(PAID);
    assert_eq!(notice.kind, "NotificationPayment");
    assert_eq!(notice.customer_code.as_deref(), Some("TinkoffBankTest"));
    let seen = notice.observation.unwrap();
    let sum = Some(rubles("1234.50"));
    assert_eq!(seen.bank_id.as_deref(), Some(ID));
    assert_eq!(seen.reference.as_deref(), Some("order-4711"));
    assert_eq!((seen.status, seen.paid, seen.left), (Some(BankStatus::Paid), sum, sum));
    assert_eq!(seen.method.as_deref(), Some("card"));
    let card = seen.saved_card.unwrap();
    assert_eq!(card.charge_id.as_deref(), Some("1732900000001"));
    assert_eq!(card.masked.as_deref(), Some("430000******0777"));
    assert!(!seen.lists_refunds, "a late notice must not deny refunds");
    assert!(notice.fields.iter().all(|(name, _, _)| name != "Token"));
}

#[test]
fn each_state_has_its_sums() {
    #[track_caller]
    fn check(word: &str, expect: (Option<&str>, Option<&str>, Option<&str>)) {
        let seen = genuine(&PAID.replace("CONFIRMED", word)).observation.unwrap();
        let money = |text: Option<&str>| text.map(rubles);
        let sums = (seen.authorized, seen.paid, seen.left);
        assert_eq!(sums, (money(expect.0), money(expect.1), money(expect.2)), "{word}");
    }
    let sum = Some("1234.50");
    check("AUTHORIZED", (sum, None, sum));
    check("CONFIRMED", (None, sum, sum));
    check("PARTIAL_REFUNDED", (None, None, sum));
    check("PARTIAL_REVERSED", (None, None, sum));
    check("REFUNDED", (None, None, Some("0")));
    check("CONFIRMING", (sum, None, None));
    for word in ["REVERSED", "CANCELED", "DEADLINE_EXPIRED", "REJECTED", "BRAND_NEW_WORD"] {
        check(word, (None, None, None));
    }
}

#[test]
fn a_rejection_keeps_its_reason() {
    let body = PAID.replace("CONFIRMED", "REJECTED").replace("true", "false");
    let seen = genuine(&body.replace(r#""ErrorCode":"0""#, r#""ErrorCode":"1051""#));
    let seen = seen.observation.unwrap();
    assert_eq!(seen.status, Some(BankStatus::Declined));
    let decline = seen.decline.unwrap();
    assert_eq!(decline.bank_code, "1051");
    assert_eq!(decline.reason, DeclineReason::InsufficientFunds);
    assert!(decline.payer.ru.contains("Недостаточно"));
    let unlisted = body.replace(r#""ErrorCode":"0""#, r#""ErrorCode":"77777""#);
    let decline = genuine(&unlisted).observation.unwrap().decline.unwrap();
    assert_eq!(decline.reason, DeclineReason::Unknown);
}

#[test]
fn any_change_spoils_the_token() {
    let body = signed(PAID);
    for (from, to) in [
        ("123450", "123451"),
        ("CONFIRMED", "AUTHORIZED"),
        ("order-4711", "order-4712"),
        ("true", "false"),
        ("\"CardId\"", "\"Card1d\""),
        ("8111987112", "8111987113"),
        ("\"TerminalKey\"", "\"New\":1,\"TerminalKey\""),
    ] {
        assert!(body.contains(from));
        // A renamed member keeps its value, and its place in the order here.
        let is_same = from == "\"CardId\"";
        let outcome = read(&body.replacen(from, to, 1));
        assert_eq!(outcome == Notice::BadSignature, !is_same, "{from}: {outcome:?}");
    }
    assert_eq!(read(PAID), Notice::BadSignature);
    let other = sign(PAID, "another", Scope::All);
    assert_eq!(read(&other), Notice::BadSignature);
    // What is nested is not hashed, and a new scalar is.
    assert!(matches!(read(&body.replace("cards", "qrsbp")), Notice::Genuine(_)));
    let new = PAID.replacen('{', r#"{"SpAccumulationId":12,"#, 1);
    assert!(matches!(read(&signed(&new)), Notice::Genuine(_)));
}

#[test]
fn no_password_verifies_nothing() {
    let body = sign(PAID, "", Scope::All);
    let notice =
        Tbank.notice(&with("password", ""), &RawNotice { body: body.as_bytes(), keys: "" });
    assert_eq!(notice, Notice::BadSignature);
}

#[test]
fn another_terminal_and_no_json_are_malformed() {
    let other = signed(&PAID.replace("TinkoffBankTest", "Other"));
    for body in [other.as_str(), "", "[]", "null", "OK", r#"{"Token":1,"Token":2}"#] {
        assert!(matches!(read(body), Notice::Malformed { .. }), "{body}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(300_000));
    assert!(matches!(read(&long), Notice::Malformed { .. }));
}

#[test]
fn a_text_of_data_is_hashed_and_read() {
    let body = PAID.replace(
        r#""Data":{"Route":"ACQ","Source":"cards"}"#,
        r#""DATA":"{\"Source\":\"TinkoffPay\"}""#,
    );
    assert_eq!(genuine(&body).observation.unwrap().method.as_deref(), Some("tpay"));
}

#[test]
fn a_card_binding_is_told_by_its_request() {
    let body = r#"{"TerminalKey":"TinkoffBankTest","CustomerKey":"c1","RequestKey":"13021e10","Success":true,"Status":"COMPLETED","PaymentId":13660,"ErrorCode":"0","RebillId":"3207469334","CardId":"10452089","Pan":"430000******0777","ExpDate":"0229"}"#;
    let notice = genuine(body);
    assert_eq!(notice.kind, "NotificationAddCard");
    assert_eq!(notice.observation, None);
    let Some(NoticeNews::CardBinding(binding)) = notice.news.map(|news| *news) else { panic!() };
    assert_eq!(binding.status, BindingStatus::Active);
    assert_eq!(binding.payer_id.as_deref(), Some("c1"));
    assert_eq!(binding.card.unwrap().charge_id.as_deref(), Some("3207469334"));
    let body = body.replace("COMPLETED", "REJECTED").replace(r#""0""#, r#""508""#);
    let news = *genuine(&body).news.unwrap();
    let NoticeNews::CardBinding(binding) = news else { panic!() };
    assert_eq!(binding.status, BindingStatus::Inactive);
    assert_eq!(binding.decline.unwrap().reason, DeclineReason::CardDetails);
}

#[test]
fn an_account_binding_is_told_by_its_type() {
    let notice = genuine(
        r#"{"TerminalKey":"TinkoffBankTest","RequestKey":"13021e10","AccountToken":"70LSS","BankMemberId":"100000000004","BankMemberName":"Т-Банк","NotificationType":"LINKACCOUNT","Success":true,"ErrorCode":"0","Message":"","Status":"ACTIVE"}"#,
    );
    assert_eq!((notice.kind.as_str(), notice.observation), ("NotificationQr", None));
    let Some(NoticeNews::AccountBinding(binding)) = notice.news.map(|news| *news) else { panic!() };
    assert_eq!(binding.status, BindingStatus::Active);
    assert_eq!(binding.account_token.as_deref(), Some("70LSS"));
    assert_eq!(binding.member_id.as_deref(), Some("100000000004"));
}

#[test]
fn a_receipt_is_told_by_its_status() {
    let notice = genuine(
        r#"{"TerminalKey":"TinkoffBankTest","OrderId":"21050","Success":true,"Status":"RECEIPT","PaymentId":13660,"ErrorCode":"0","ErrorMessage":"","Amount":100000,"FiscalNumber":12,"ShiftNumber":3,"FnNumber":"9999","FiscalDocumentNumber":44,"FiscalDocumentAttribute":1234567890,"Receipt":{"Items":[]},"Type":"Income","Url":"https://ofd.example/1"}"#,
    );
    assert_eq!((notice.kind.as_str(), notice.observation), ("NotificationFiscalization", None));
    let Some(NoticeNews::Fiscal(record)) = notice.news.map(|news| *news) else { panic!() };
    assert!(record.is_done);
    assert_eq!(record.amount, Some(rubles("1000")));
    assert_eq!(record.document_sign.as_deref(), Some("1234567890"));
}

#[test]
fn both_notices_of_one_payment_say_facts_that_join_in_any_order() {
    let of = |word: &str| genuine(&PAID.replace("CONFIRMED", word)).observation.unwrap();
    let (held, paid): (Observation, Observation) = (of("AUTHORIZED"), of("CONFIRMED"));
    assert_eq!((held.paid, paid.authorized), (None, None));
    assert_eq!((held.authorized, paid.paid), (Some(rubles("1234.50")), Some(rubles("1234.50"))));
}

proptest::proptest! {
    #[test]
    fn no_body_panics(body in "\\PC*", status in "\\PC*", amount in "\\PC*") {
        read(&body);
        let members = serde_json::json!({
            "TerminalKey": "TinkoffBankTest", "Status": status, "Amount": amount, "PaymentId": 1,
        });
        let is_genuine = matches!(read(&signed(&members.to_string())), Notice::Genuine(_));
        proptest::prop_assert!(is_genuine);
    }
}
