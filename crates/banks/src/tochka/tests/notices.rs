//! Signed notices: the bank's own samples, forgeries, and whatever else a stranger may send.

use std::sync::LazyLock;

use aws_lc_rs::{encoding::AsDer, rsa};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::{
    bank::{Bank, GenuineNotice, Notice, RawNotice},
    http::HttpReply,
    op::{BankStatus, Observation},
    tochka::{Tochka, sign::SigningKey},
};

const KEY: &str = include_str!("../fixtures/public-key.jwk.json");
const CARD: &str = include_str!("../fixtures/acquiringInternetPayment-card.jwt");
const QR: &str = include_str!("../fixtures/acquiringInternetPayment-sbp.jwt");
const INCOMING: &str = include_str!("../fixtures/incomingPayment.jwt");
const INCOMING_SBP: &str = include_str!("../fixtures/incomingSbpPayment.jwt");

/// A key of our own, made once: signing with it must be told from the bank's.
static OURS: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    SigningKey::from_pkcs8(pair.as_der().unwrap().as_ref()).unwrap()
});

fn read(body: &[u8], keys: &str) -> Notice {
    Tochka.notice(&credentials(), &RawNotice { body, keys })
}

#[track_caller]
fn genuine(body: &str, keys: &str) -> GenuineNotice {
    let notice = read(body.as_bytes(), keys);
    let Notice::Genuine(notice) = notice else { panic!("{notice:?}") };
    notice
}

/// Our own notice with this payload.
fn signed(payload: &str) -> GenuineNotice {
    genuine(&OURS.sign(payload.as_bytes()).unwrap(), &OURS.public_jwk())
}

#[track_caller]
fn check(payload: &str, expect: Option<Observation>) {
    let payload = format!(r#"{{"webhookType":"acquiringInternetPayment",{payload}}}"#);
    assert_eq!(signed(&payload).observation, expect);
}

fn sample(method: &str, payer_id: Option<&str>) -> Observation {
    Observation {
        bank_id: Some(ID.to_owned()),
        reference: Some("12345-ab-cd".to_owned()),
        status: Some(BankStatus::Paid),
        amount: Some(rubles("0.33")),
        paid: Some(rubles("0.33")),
        method: Some(method.to_owned()),
        purpose: Some("Оплата по счету № 1 от 01.01.2021. Без НДС".to_owned()),
        payer_id: payer_id.map(str::to_owned),
        ..Observation::default()
    }
}

#[test]
fn the_banks_four_samples_are_genuine() {
    let card = genuine(CARD, KEY);
    assert_eq!(card.kind, "acquiringInternetPayment");
    assert_eq!(card.customer_code.as_deref(), Some("300123123"));
    let payer = "917ed389-a120-4291-8e73-38c6ef7d6770";
    assert_eq!(card.observation, Some(sample("card", Some(payer))));
    assert_eq!(genuine(QR, KEY).observation, Some(sample("sbp", None)));
    for (body, kind) in [(INCOMING, "incomingPayment"), (INCOMING_SBP, "incomingSbpPayment")] {
        let notice = genuine(body, KEY);
        assert_eq!((notice.kind.as_str(), notice.observation), (kind, None));
        assert_eq!(notice.customer_code.as_deref(), Some("300123123"));
    }
}

#[test]
fn every_field_of_the_samples_is_explained() {
    for body in [CARD, QR, INCOMING, INCOMING_SBP] {
        for (name, value, meaning) in genuine(body, KEY).fields {
            assert!(!value.is_empty() && !meaning.is_empty(), "{name}");
        }
    }
    let fields = genuine(INCOMING, KEY).fields;
    assert_eq!(fields[0].0, "SidePayer.bankCode");
    let payer = ("SidePayer.name".to_owned(), "ИП Тест".to_owned(), "who paid");
    assert!(fields.contains(&payer), "{fields:?}");
}

#[test]
fn keys_come_single_in_an_array_or_in_a_set() {
    let other = OURS.public_jwk();
    genuine(CARD, &format!("[{other},{KEY}]"));
    genuine(CARD, &format!(r#"{{"keys":[{{"kty":"EC","x":"AA"}},{other},{KEY}]}}"#));
    genuine(&format!("\r\n {CARD} \n"), &format!("\n{KEY}\n"));
    for keys in ["", "[]", "{}", "null", "<html>", r#"{"keys":[]}"#, other.as_str()] {
        assert_eq!(read(CARD.as_bytes(), keys), Notice::BadSignature, "{keys}");
    }
}

#[test]
fn one_changed_character_anywhere_breaks_the_signature() {
    let body = CARD.trim();
    for at in (0..body.len()).step_by(7).filter(|at| body.as_bytes()[*at] != b'.') {
        let mut forged = body.as_bytes().to_vec();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(read(&forged, KEY), Notice::BadSignature, "at {at}");
    }
}

#[test]
fn the_sender_does_not_choose_the_algorithm() {
    let payload = CARD.split('.').nth(1).unwrap();
    let ours = OURS.sign(b"{}").unwrap();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, "{}", "[]", r#"{"alg":"rs256"}"#] {
        let header = URL_SAFE_NO_PAD.encode(header);
        let unsigned = format!("{header}.{payload}.");
        assert_eq!(read(unsigned.as_bytes(), KEY), Notice::BadSignature);
        let signature = ours.rsplit('.').next().unwrap();
        let forged = format!("{header}.{payload}.{signature}");
        assert_eq!(read(forged.as_bytes(), &OURS.public_jwk()), Notice::BadSignature);
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let long = "A".repeat(64 * 1024 + 1);
    let bodies: [&[u8]; 8] =
        [b"", b"{}", b"a.b", b"a.b.c.d", b".b.c", b"a b.c.d", b"\xff\xfe", long.as_bytes()];
    for body in bodies {
        assert!(matches!(read(body, KEY), Notice::Malformed { .. }), "{body:?}");
    }
    let list = OURS.sign(b"[1]").unwrap();
    let read = read(list.as_bytes(), &OURS.public_jwk());
    assert!(matches!(read, Notice::Malformed { .. }));
}

#[test]
fn our_own_key_publishes_what_it_signs_with() {
    let jwk: serde_json::Value = serde_json::from_str(&OURS.public_jwk()).unwrap();
    assert_eq!((jwk["kty"].as_str(), jwk["e"].as_str()), (Some("RSA"), Some("AQAB")));
    let header = OURS.sign(b"{}").unwrap().split('.').next().map(str::to_owned);
    assert_eq!(header.as_deref(), CARD.split('.').next());
    assert!(SigningKey::from_pkcs8(b"nonsense").is_err());
}

#[test]
fn a_payment_notice_says_only_what_it_says() {
    let paid = Observation {
        bank_id: Some("x".to_owned()),
        status: Some(BankStatus::Paid),
        amount: Some(rubles("10")),
        paid: Some(rubles("10")),
        ..Observation::default()
    };
    let held = Observation {
        status: Some(BankStatus::Authorized),
        paid: None,
        authorized: Some(rubles("10")),
        ..paid.clone()
    };
    let unread = Observation { amount: None, paid: None, ..paid.clone() };
    let unknown = Observation { status: None, paid: None, ..paid.clone() };
    check(r#""operationId":"x","amount":"10","status":"APPROVED""#, Some(paid.clone()));
    // Success is all that the bank announces.
    check(r#""operationId":"x","amount":10.00"#, Some(paid));
    check(r#""operationId":"x","amount":"10.0","status":"AUTHORIZED""#, Some(held));
    check(r#""operationId":"x","amount":"ten","status":"APPROVED""#, Some(unread));
    check(r#""operationId":"x","amount":"10","status":"NEW-WORD""#, Some(unknown));
    check(r#""amount":"10","status":"APPROVED""#, None);
}

#[test]
fn unknown_kinds_and_fields_are_kept_for_people() {
    let notice = signed(r#"{"webhookType":"newKind","n":1.10,"deep":{"a":{"b":{"c":1}}}}"#);
    assert_eq!((notice.kind.as_str(), notice.observation), ("newKind", None));
    assert!(notice.fields.contains(&("n".to_owned(), "1.10".to_owned(), "")));
    assert!(notice.fields.contains(&("deep.a.b".to_owned(), r#"{"c":1}"#.to_owned(), "")));
    assert_eq!(signed("{}").kind, "");
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader_of_notices(body in any::<Vec<u8>>(), keys in ".{0,64}") {
        prop_assert!(!matches!(read(&body, &keys), Notice::Genuine(_)));
        prop_assert!(!matches!(read(&body, KEY), Notice::Genuine(_)));
    }

    #[test]
    fn no_signed_payload_panics_the_reader(payload in ".{0,200}") {
        read(OURS.sign(payload.as_bytes()).unwrap().as_bytes(), &OURS.public_jwk());
    }

    #[test]
    fn no_reply_panics_the_client(status in 0u16..700, body in any::<Vec<u8>>()) {
        let reply = HttpReply::new(status, "application/json", body);
        for op in [create(|_| {}), get(), list(), refund("1"), BankOp::FetchNoticeKeys] {
            Tochka.next(&credentials(), &op, &reply);
        }
    }
}
