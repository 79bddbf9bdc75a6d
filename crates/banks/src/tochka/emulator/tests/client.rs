//! Our own client against the emulator: both were written from the same facts, apart.

use super::{Bench, HOOK, rubles};
use crate::{
    Credentials,
    bank::{Bank as _, Notice, RawNotice},
    emulator::{Emulator as _, Served},
    exchange::run,
    op::{
        Answer, AuthOp, BankOp, BankStatus, CaptureMode, CreateLink, Outcome, PayMethod,
        RefusalClass,
    },
    tochka::{Tochka, emulator::directory},
};

fn credentials(bench: &Bench) -> Credentials {
    let values = bench.bank.test_credentials().into_iter().filter_map(|(env, value)| {
        let setting = Tochka.settings().iter().find(|setting| setting.env == env)?;
        Some((setting.name.to_owned(), value))
    });
    Credentials::new(values)
}

fn ask_as(bench: &mut Bench, credentials: &Credentials, op: &BankOp) -> Outcome {
    run(&Tochka, credentials, op, |request| match bench.bank.serve(bench.now, &request) {
        Served::Now(reply) => Ok(reply),
        Served::Later(ticket) => Ok(bench.finish(ticket, Some(200))),
        Served::Silence { .. } => Err(crate::exchange::Silence::Lost("silence".to_owned())),
    })
}

#[track_caller]
fn ask(bench: &mut Bench, op: &BankOp) -> Answer {
    let credentials = credentials(bench);
    match ask_as(bench, &credentials, op) {
        Outcome::Done(answer) => answer,
        other @ (Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. }) => panic!("{op:?}: {other:?}"),
    }
}

fn link_op(capture: CaptureMode) -> BankOp {
    BankOp::CreateLink(CreateLink {
        reference: "kp-1".to_owned(),
        amount: rubles("150.75"),
        purpose: "Чай".to_owned(),
        methods: vec![PayMethod::Card],
        capture,
        ttl_minutes: 60,
        ..CreateLink::default()
    })
}

fn refund_op(bank_id: &str, amount: &str) -> BankOp {
    BankOp::Refund {
        bank_id: bank_id.to_owned(),
        amount: rubles(amount),
        request_id: "rf_1".to_owned(),
        receipt: None,
        sbp_member: None,
        transfer: None,
    }
}

fn make_link(bench: &mut Bench, capture: CaptureMode) -> String {
    let Answer::Link { bank_id, url } = ask(bench, &link_op(capture)) else { panic!() };
    assert!(url.ends_with(&bank_id));
    bank_id
}

#[test]
fn the_client_holds_captures_refunds_and_sees_it_all() {
    let mut bench = Bench::new();
    let bank_id = make_link(&mut bench, CaptureMode::Manual);
    bench.pay(&bank_id, "card");
    let (amount, authorized) = (rubles("150.75"), rubles("150.75"));
    let capture = BankOp::Capture { bank_id: bank_id.clone(), amount, authorized, receipt: None };
    assert_eq!(ask(&mut bench, &capture), Answer::Accepted { done: true });
    let refund = refund_op(&bank_id, "50.75");
    assert!(matches!(ask(&mut bench, &refund), Answer::Refunded { .. }));
    let Answer::Payment(seen) = ask(&mut bench, &BankOp::GetPayment { bank_id }) else { panic!() };
    assert_eq!(seen.status, Some(BankStatus::PartiallyRefunded));
    assert_eq!(seen.paid, Some(rubles("150.75")));
    assert_eq!(seen.refunds.into_values().collect::<Vec<_>>(), [rubles("50.75")]);
    let day = super::super::time::day(bench.now.as_millisecond());
    let list = BankOp::ListPayments { from: day, to: day, page: 1 };
    let Answer::Payments(page) = ask(&mut bench, &list) else { panic!() };
    assert_eq!((page.items.len(), page.total_pages), (1, 1));
    bench.advance(86_400_000);
    let merchant_id = directory::MERCHANT_ID.to_owned();
    let registry = BankOp::Registry { merchant_id, date: day };
    let Answer::Registry(lines) = ask(&mut bench, &registry) else { panic!() };
    assert_eq!(lines[0].commission, rubles("3.77"));
    assert_eq!(lines[0].enrolled, rubles("146.98"));
}

#[test]
fn the_client_understands_every_refusal() {
    let mut bench = Bench::new();
    let bank_id = make_link(&mut bench, CaptureMode::Automatic);
    let mut check = |op: &BankOp, token: &str, expect: RefusalClass| {
        let mut credentials = credentials(&bench);
        credentials.set("access_token", token);
        let outcome = ask_as(&mut bench, &credentials, op);
        let Outcome::Refused(refusal) = outcome else { panic!("{op:?}: {outcome:?}") };
        assert_eq!(refusal.class, expect, "{refusal:?}");
    };
    let key = directory::access_token();
    check(&link_op(CaptureMode::Automatic), &key, RefusalClass::Duplicate);
    let refund = |bank_id: &str| refund_op(bank_id, "1");
    check(&refund(&bank_id), &key, RefusalClass::Conflict);
    let unknown = "00000000-0000-4000-8000-000000000000";
    check(&refund(unknown), &key, RefusalClass::NotFound);
    let get = BankOp::GetPayment { bank_id: unknown.to_owned() };
    check(&get, &key, RefusalClass::NotFound);
    check(&BankOp::Retailers, "no.such.key", RefusalClass::Credentials);
}

#[test]
fn the_client_reads_the_directory() {
    let mut bench = Bench::new();
    let Answer::Retailers(all) = ask(&mut bench, &BankOp::Retailers) else { panic!() };
    assert_eq!(all.iter().filter(|retailer| retailer.is_active).count(), 1);
    let Answer::Customers(all) = ask(&mut bench, &BankOp::Customers) else { panic!() };
    assert_eq!(all.iter().map(|customer| customer.is_business).collect::<Vec<_>>(), [false, true]);
    let Answer::Accounts(all) = ask(&mut bench, &BankOp::Accounts) else { panic!() };
    assert_eq!(all[1].account_id, directory::BUSINESS_ACCOUNT);
}

#[test]
fn the_client_registers_an_address_and_believes_the_notice() {
    let mut bench = Bench::new();
    let kinds = vec!["acquiringInternetPayment".to_owned()];
    assert_eq!(ask(&mut bench, &BankOp::ShowNotices), Answer::Notices(None));
    let register = BankOp::RegisterNotices { url: HOOK.to_owned(), kinds, replace: false };
    assert!(matches!(ask(&mut bench, &register), Answer::Notices(Some(_))));
    let test = BankOp::TestNotice { kind: "acquiringInternetPayment".to_owned() };
    assert_eq!(ask(&mut bench, &test), Answer::Accepted { done: true });
    let Answer::NoticeKeys(keys) = ask(&mut bench, &BankOp::FetchNoticeKeys) else { panic!() };
    let bank_id = make_link(&mut bench, CaptureMode::Automatic);
    bench.pay(&bank_id, "card");
    let delivery = bench.next_deliveries().remove(0);
    let raw = RawNotice { body: &delivery.request.body, keys: &keys };
    let Notice::Genuine(notice) = Tochka.notice(&credentials(&bench), &raw) else { panic!() };
    let seen = notice.observation.unwrap();
    assert_eq!((seen.bank_id, seen.status), (Some(bank_id), Some(BankStatus::Paid)));
    assert_eq!(ask(&mut bench, &BankOp::DeleteNotices), Answer::Accepted { done: true });
}

#[test]
fn the_client_finds_its_way_through_oauth() {
    let mut bench = Bench::new();
    let login = BankOp::Auth(AuthOp::ClientToken { scope: "acquiring".to_owned() });
    let Answer::Tokens(own) = ask(&mut bench, &login) else { panic!() };
    let ask_consent = BankOp::Auth(AuthOp::CreateConsent {
        client_token: own.access_token,
        permissions: vec!["ReadAcquiringData".to_owned()],
        expires: None,
    });
    let Answer::Consents(consents) = ask(&mut bench, &ask_consent) else { panic!() };
    let consent_id = consents[0].consent_id.clone();
    let redirect_uri = "http://127.0.0.1:1/".to_owned();
    let allowed = bench.post_form(
        "/connect/authorize",
        &[
            ("client_id", directory::CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", &redirect_uri),
            ("consent_id", &consent_id),
            ("decision", "allow"),
        ],
    );
    let location = allowed.find_header("location").unwrap().to_owned();
    let code =
        crate::http::HttpRequest::new(crate::http::Method::Get, location).query()[0].1.clone();
    let scope = "acquiring".to_owned();
    let exchange = BankOp::Auth(AuthOp::ExchangeCode { code, redirect_uri, scope });
    let Answer::Tokens(tokens) = ask(&mut bench, &exchange) else { panic!() };
    let mut user = credentials(&bench);
    user.set("access_token", tokens.access_token);
    user.set("refresh_token", tokens.refresh_token.unwrap());
    for op in [AuthOp::Introspect, AuthOp::ListConsents, AuthOp::Refresh] {
        let outcome = ask_as(&mut bench, &user, &BankOp::Auth(op));
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}
