//! What is done with bytes from the internet, and what must hold whatever they are. Included by the
//! fuzz targets and by `crates/banks/tests/fuzz.rs`, which runs it over a small seeded corpus.

use std::{collections::BTreeMap, sync::LazyLock};

use aws_lc_rs::{encoding::AsDer as _, rsa};
use jiff::{Timestamp, civil::date};
use kopeck_banks::{
    Bank as _, Credentials, Money,
    bank::{Notice, RawNotice, Step},
    emulator::{Emulator as _, Served},
    http::{HttpReply, HttpRequest, Method},
    op::{
        Answer, AuthOp, BankOp, CaptureMode, CodeOp, CreateLink, DeskOp, NewSubscription, Outcome,
        PayMethod, SbpOp, SetupOp, SubscriptionOp, SubscriptionWord,
    },
    tochka::{
        Tochka,
        emulator::{TochkaEmulator, directory},
        sign::SigningKey,
    },
};

/// The bank's production key, and all that it is known to have signed.
pub const KEY: &str = include_str!("../crates/banks/src/tochka/fixtures/public-key.jwk.json");
pub const SIGNED: [&str; 4] = [
    include_str!("../crates/banks/src/tochka/fixtures/acquiringInternetPayment-card.jwt"),
    include_str!("../crates/banks/src/tochka/fixtures/acquiringInternetPayment-sbp.jwt"),
    include_str!("../crates/banks/src/tochka/fixtures/incomingPayment.jwt"),
    include_str!("../crates/banks/src/tochka/fixtures/incomingSbpPayment.jwt"),
];

const CODE: &str = "AD10006DPRTEFPFS9HJ9SQSDSVRHJD3L";
const ORIGIN: &str = "http://127.0.0.1:9900";

/// A key of our own, so that what stands behind a good signature is tried as well.
static OWN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    pair.as_der().unwrap().as_ref().to_vec()
});
static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_pkcs8(&OWN).unwrap());

fn credentials() -> Credentials {
    let values = [
        ("base_url", "http://127.0.0.1:9900/uapi"),
        ("access_token", "sandbox.jwt.token"),
        ("refresh_token", "refresh"),
        ("client_id", "test_app"),
        ("client_secret", "secret"),
        ("customer_code", "1234567ab"),
    ];
    Credentials::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Nobody but the bank makes a genuine notice; and a payload that the bank did sign is read.
pub fn tochka_notice(data: &[u8]) {
    let credentials = credentials();
    if let Notice::Genuine(_) = Tochka.notice(&credentials, &RawNotice { body: data, keys: KEY }) {
        let text = std::str::from_utf8(data).unwrap().trim();
        assert!(SIGNED.iter().any(|known| known.trim() == text), "a forgery was believed");
    }
    // As text for keys: whatever a key page says, it opens nothing.
    let keys = String::from_utf8_lossy(data);
    let raw = RawNotice { body: SIGNED[0].as_bytes(), keys: &keys };
    let opened = matches!(Tochka.notice(&credentials, &raw), Notice::Genuine(_));
    assert!(!opened || keys.contains("\"n\""), "no key opened a notice");
    let Ok(body) = SIGNER.sign(data) else { return };
    let raw = RawNotice { body: body.as_bytes(), keys: &SIGNER.public_jwk() };
    let notice = Tochka.notice(&credentials, &raw);
    // Too long or empty is no notice at all; all else has a signature, which is good.
    assert_ne!(notice, Notice::BadSignature);
    if let Notice::Genuine(notice) = notice {
        let is_object = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(data).is_ok();
        assert!(is_object, "what is not an object was read");
        let paid = notice.observation.and_then(|seen| seen.paid);
        assert!(paid.is_none_or(|paid| paid.kopecks() >= 0));
    }
}

/// Every operation, for the index that a reply's first byte is.
pub fn ops() -> Vec<BankOp> {
    let mut ops = other_ops();
    ops.extend(subscription_ops());
    ops
}

fn subscription_ops() -> Vec<BankOp> {
    let bank_id = "beeac8a4-6047-3f38-8922-a664e6b5c43b".to_owned();
    let amount = Money::parse_rubles("10.50").unwrap();
    vec![
        BankOp::Subscription(SubscriptionOp::Open(NewSubscription {
            reference: "sub-1".to_owned(),
            amount,
            purpose: "Подписка".to_owned(),
            ..NewSubscription::default()
        })),
        BankOp::Subscription(SubscriptionOp::List { scheduled: false, page: 1 }),
        BankOp::Subscription(SubscriptionOp::Status { bank_id: bank_id.clone() }),
        BankOp::Subscription(SubscriptionOp::Cancel { bank_id: bank_id.clone() }),
        BankOp::Subscription(SubscriptionOp::Charge { bank_id, amount }),
    ]
}

fn other_ops() -> Vec<BankOp> {
    let bank_id = "beeac8a4-6047-3f38-8922-a664e6b5c43b".to_owned();
    let amount = Money::parse_rubles("10.50").unwrap();
    vec![
        BankOp::CreateLink(CreateLink {
            reference: "order-4711".to_owned(),
            amount,
            purpose: "Чай".to_owned(),
            methods: vec![PayMethod::Card],
            capture: CaptureMode::Automatic,
            ttl_minutes: 60,
            ..CreateLink::default()
        }),
        BankOp::GetPayment { bank_id: bank_id.clone() },
        BankOp::ListPayments { from: date(2026, 11, 1), to: date(2026, 11, 2), page: 1 },
        BankOp::Capture { bank_id: bank_id.clone(), amount, authorized: amount, receipt: None },
        BankOp::Refund {
            bank_id: bank_id.clone(),
            amount,
            request_id: "rf_1".to_owned(),
            receipt: None,
            sbp_member: None,
            transfer: None,
        },
        BankOp::Void { bank_id, amount: None, request_id: "void_1".to_owned() },
        BankOp::Registry {
            merchant_id: directory::MERCHANT_ID.to_owned(),
            date: date(2026, 11, 1),
        },
        BankOp::Retailers,
        BankOp::Customers,
        BankOp::Accounts,
        BankOp::ShowNotices,
        BankOp::RegisterNotices {
            url: "https://pay.example.ru/n".to_owned(),
            kinds: vec!["acquiringInternetPayment".to_owned()],
            replace: false,
        },
        BankOp::TestNotice { kind: "acquiringInternetPayment".to_owned() },
        BankOp::DeleteNotices,
        BankOp::FetchNoticeKeys,
        BankOp::Auth(AuthOp::ClientToken { scope: "acquiring".to_owned() }),
        BankOp::Auth(AuthOp::CreateConsent {
            client_token: "token".to_owned(),
            permissions: vec!["ReadAcquiringData".to_owned()],
            expires: None,
        }),
        BankOp::Auth(AuthOp::ListConsents),
        BankOp::Auth(AuthOp::ExchangeCode {
            code: "code".to_owned(),
            redirect_uri: "https://pay.example.ru/".to_owned(),
            scope: "acquiring".to_owned(),
        }),
        BankOp::Auth(AuthOp::Refresh),
        BankOp::Auth(AuthOp::Introspect),
        BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany)),
        BankOp::Sbp(SbpOp::Code(CodeOp::Show { code_id: CODE.to_owned() })),
        BankOp::Sbp(SbpOp::Code(CodeOp::States { code_ids: vec![CODE.to_owned()] })),
        BankOp::Sbp(SbpOp::Desk(DeskOp::State { code_id: CODE.to_owned() })),
        BankOp::Sbp(SbpOp::Payments {
            code_id: None,
            from: date(2026, 11, 1),
            to: date(2026, 11, 2),
            page: 1,
        }),
        BankOp::Sbp(SbpOp::FindRefund { refund_id: "openapi-1".to_owned() }),
    ]
}

/// Operation, status (two bytes), body. Only 2xx may be "done" and only what is no doubt "refused".
pub fn tochka_reply(data: &[u8]) {
    let [op, high, low, body @ ..] = data else { return };
    let ops = ops();
    let op = &ops[usize::from(*op) % ops.len()];
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let reply = HttpReply::new(status, "application/json", body);
    let credentials = credentials();
    let step = Tochka.next(&credentials, op, &reply);
    assert_eq!(step, Tochka.next(&credentials, op, &reply), "the same reply reads the same");
    let Step::Done(outcome) = step else { panic!("one request is all") };
    match outcome {
        Outcome::Done(Answer::Notices(None)) => assert_eq!(status, 404),
        Outcome::Done(Answer::Link { bank_id, url }) => {
            assert!((200..300).contains(&status) && !bank_id.is_empty() && !url.is_empty());
        }
        Outcome::Done(Answer::Payment(seen)) => {
            let BankOp::GetPayment { bank_id } = op else { panic!("{op:?} tells of a payment") };
            let asked = seen.bank_id.as_ref() == Some(bank_id);
            assert!(asked && (200..300).contains(&status), "about another payment");
            let sums = seen.approvals.values().map(|approval| approval.amount);
            let is_whole = seen.lists_approvals && !seen.approvals.is_empty();
            assert!(!is_whole || seen.paid == Money::checked_sum(sums), "{seen:?}");
        }
        Outcome::Done(Answer::Subscription(
            SubscriptionWord::Charged | SubscriptionWord::Declined(_),
        )) => {
            let charge = matches!(op, BankOp::Subscription(SubscriptionOp::Charge { .. }));
            assert!(charge && (200..300).contains(&status), "nothing else charges");
        }
        Outcome::Done(_) => assert!((200..300).contains(&status)),
        Outcome::Refused(refusal) => {
            assert!(status < 500 || status == 501, "{status} says nothing for certain");
            assert!(!refusal.message.is_empty() && !refusal.hint.is_empty());
        }
        Outcome::Busy { .. } => assert_eq!(status, 429),
        Outcome::NotSent { .. } => panic!("something was heard"),
        Outcome::Unknown { .. } => {}
    }
}

/// Text to money and back, as text and as JSON.
pub fn money(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Money::parse_rubles(text);
    if let Ok(money) = read {
        assert_eq!(Money::parse_rubles(&money.to_rubles()), Ok(money));
        assert_eq!(Money::parse_json(&money.to_json_number()), Ok(money));
        assert_eq!(Money::from_kopecks(money.kopecks()), Ok(money));
        assert!(money.to_human().ends_with('₽'));
    }
    if let Ok(raw) = serde_json::value::RawValue::from_string(text.to_owned()) {
        let from_json = Money::parse_json(&raw);
        assert!(read.is_err() || from_json == read, "JSON reads {text} otherwise");
    }
}

/// Method, then a line with path and query, then the body. The emulator never breaks, answers the
/// API in JSON, and what it remembers can be written down and read back.
pub fn emulator_request(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
    let text = String::from_utf8_lossy(rest);
    let (path, body) = text.split_once('\n').unwrap_or((&text, ""));
    let mut bank = TochkaEmulator::new(ORIGIN, &OWN, 7).unwrap();
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let request = HttpRequest::new(methods[usize::from(*first) % 4], format!("/{path}"))
        .header("authorization", format!("Bearer {}", directory::access_token()));
    let request = HttpRequest { body: body.as_bytes().to_vec(), ..request };
    let is_api = ["/uapi/", "/sandbox/v2/"].iter().any(|mount| request.path().starts_with(mount));
    if let Served::Now(reply) = bank.serve(now, &request) {
        assert!((200..600).contains(&reply.status));
        let is_json = serde_json::from_slice::<serde_json::Value>(&reply.body).is_ok();
        assert!(is_json || !is_api, "{}", reply.text());
    }
    let snapshot = bank.snapshot();
    bank.restore(&snapshot).unwrap();
    assert_eq!(bank.snapshot(), snapshot);
}
