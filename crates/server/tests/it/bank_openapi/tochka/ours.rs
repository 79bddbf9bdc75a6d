//! Everything that our own client asks of Tochka, in every shape that it can.

use jiff::{SignedDuration, civil::date};
use kopeck_banks::{
    Bank, Money,
    http::{HttpRequest, Method},
    op::{
        Answer, AuthOp, BankOp, CaptureMode, Consent, CreateLink, PayMethod, RefusalClass, Tokens,
    },
    receipt::{Line, PaymentMethod, Receipt, Subject, Supplier, Taxation},
    tochka::{Tochka, emulator::directory},
};

use super::{Court, HOOK, ORIGIN};

const BACK: &str = "https://pay.example.ru/connect/tochka";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn link(reference: &str) -> CreateLink {
    CreateLink {
        reference: reference.to_owned(),
        amount: rubles("1234.50"),
        purpose: "Чай и плюшки".to_owned(),
        methods: vec![PayMethod::Card],
        capture: CaptureMode::Automatic,
        ttl_minutes: 1_440,
        ..CreateLink::default()
    }
}

fn refund(bank_id: String, amount: &str) -> BankOp {
    BankOp::Refund {
        bank_id,
        amount: rubles(amount),
        request_id: "rf_1".to_owned(),
        receipt: None,
        sbp_member: None,
        transfer: None,
    }
}

/// Every word that a receipt may hold at Tochka, over many lines of one ruble.
pub fn widest_receipt() -> Receipt {
    let supplier = Supplier {
        phone: "+79991234567".to_owned(),
        name: "ООО Поставщик".to_owned(),
        tax_code: "7707083893".to_owned(),
    };
    let line = Line { subject: Subject::Goods, ..Line::new("Чай", rubles("1")) };
    let limits = Tochka.capabilities().receipts;
    let vats = limits.vats.iter().map(|vat| Line { vat: *vat, ..line.clone() });
    let subjects = limits.subjects.iter().map(|subject| Line { subject: *subject, ..line.clone() });
    let measures =
        limits.measures.iter().map(|measure| Line { measure: Some(*measure), ..line.clone() });
    let others = [
        Line { method: PaymentMethod::FullPrepayment, ..line.clone() },
        Line { supplier: Some(supplier.clone()), quantity_milli: 1_500, ..line.clone() },
    ];
    Receipt {
        email: Some("buyer@example.ru".to_owned()),
        phone: Some("+79991234567".to_owned()),
        buyer_name: Some("Анна".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        lines: vats.chain(subjects).chain(measures).chain(others).collect(),
        supplier: Some(supplier),
        ..Receipt::default()
    }
}

pub fn payments(court: &mut Court) {
    for method in PayMethod::ALL {
        let bank_id = court.open(CreateLink { methods: vec![method], ..link(method.as_str()) });
        court.done(&BankOp::GetPayment { bank_id: bank_id.clone() });
        court.pay(&bank_id, method);
        court.done(&BankOp::GetPayment { bank_id: bank_id.clone() });
        court.done(&refund(bank_id.clone(), "234.50"));
        court.done(&refund(bank_id, "1000"));
    }
    court.open(CreateLink {
        methods: PayMethod::ALL.to_vec(),
        success_url: Some("https://shop.example.ru/thanks?a=1&b=2".to_owned()),
        fail_url: Some("https://shop.example.ru/sorry".to_owned()),
        payer_id: Some("fedac807-078d-45ac-a43b-5c01c57edbf8".to_owned()),
        save_card: true,
        ..link("widest")
    });
    for taxation in Taxation::ALL {
        let receipt = Receipt { taxation: Some(*taxation), ..widest_receipt() };
        let amount = receipt.total().unwrap();
        let receipt = Some(receipt);
        let reference = taxation.as_str();
        let bank_id = court.open(CreateLink { receipt, amount, ..link(reference) });
        court.done(&BankOp::GetPayment { bank_id });
    }
    let held = court.open(CreateLink { capture: CaptureMode::Manual, ..link("held") });
    let amount = rubles("1234.50");
    let capture =
        BankOp::Capture { bank_id: held.clone(), amount, authorized: amount, receipt: None };
    court.refused(&capture, RefusalClass::Conflict);
    court.pay(&held, PayMethod::Card);
    court.done(&capture);
    let void = BankOp::Void { bank_id: held.clone(), amount: None, request_id: String::new() };
    court.refused(&void, RefusalClass::Unsupported);
    court.refused(&refund(held, "9999"), RefusalClass::Conflict);
    court.refused(&BankOp::CreateLink(link("held")), RefusalClass::Duplicate);
    let bank_id = "00000000-0000-4000-8000-000000000000".to_owned();
    court.refused(&BankOp::GetPayment { bank_id }, RefusalClass::NotFound);
    let (from, to) = (date(2026, 11, 20), date(2026, 11, 22));
    court.done(&BankOp::ListPayments { from, to, page: 1 });
    let reference = "held".to_owned();
    court.done(&BankOp::FindPayment { reference, from, to, page: 1 });
    court.now += SignedDuration::from_hours(24);
    let merchant_id = directory::MERCHANT_ID.to_owned();
    let answer = court.done(&BankOp::Registry { merchant_id, date: date(2026, 11, 21) });
    assert!(matches!(&answer, Answer::Registry(lines) if lines.len() == 5), "{answer:?}");
}

pub fn notices(court: &mut Court) {
    let kinds = ["acquiringInternetPayment", "incomingPayment", "incomingSbpPayment"];
    let register = |replace| BankOp::RegisterNotices {
        url: HOOK.to_owned(),
        kinds: kinds.map(str::to_owned).to_vec(),
        replace,
    };
    assert_eq!(court.done(&BankOp::ShowNotices), Answer::Notices(None));
    court.refused(&register(true), RefusalClass::NotFound);
    court.done(&register(false));
    court.done(&register(true));
    court.done(&BankOp::ShowNotices);
    court.done(&BankOp::TestNotice { kind: "incomingPayment".to_owned() });
    court.done(&BankOp::DeleteNotices);
    court.refused(&BankOp::DeleteNotices, RefusalClass::NotFound);
    court.done(&BankOp::FetchNoticeKeys);
}

#[track_caller]
fn tokens(court: &mut Court, op: AuthOp) -> Tokens {
    let answer = court.done(&BankOp::Auth(op));
    let Answer::Tokens(tokens) = answer else { panic!("{answer:?}") };
    tokens
}

/// The answer is the consent.
pub fn oauth(court: &mut Court) -> Consent {
    let scope = "acquiring".to_owned();
    let own = tokens(court, AuthOp::ClientToken { scope: scope.clone() });
    let answer = court.done(&BankOp::Auth(AuthOp::CreateConsent {
        client_token: own.access_token,
        permissions: vec!["ReadAcquiringData".to_owned()],
        expires: Some("2027-11-21T10:00:00Z".parse().unwrap()),
    }));
    let Answer::Consents(consents) = answer else { panic!("{answer:?}") };
    let url = format!("{ORIGIN}/connect/authorize");
    let form = HttpRequest::new(Method::Post, url).form(&[
        ("client_id", directory::CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("consent_id", &consents[0].consent_id),
        ("decision", "allow"),
    ]);
    let location = court.carry(&form).0.unwrap().find_header("location").unwrap().to_owned();
    let code = HttpRequest::new(Method::Get, location).query()[0].1.clone();
    let redirect_uri = BACK.to_owned();
    let user = tokens(court, AuthOp::ExchangeCode { code, redirect_uri, scope });
    let mut credentials = court.credentials.clone();
    credentials.set("access_token", user.access_token);
    credentials.set("refresh_token", user.refresh_token.unwrap());
    let company = std::mem::replace(&mut court.credentials, credentials);
    court.done(&BankOp::Auth(AuthOp::Introspect));
    court.done(&BankOp::Auth(AuthOp::ListConsents));
    court.done(&BankOp::Auth(AuthOp::Refresh));
    court.credentials = company;
    consents[0].clone()
}

/// Each of our requests once more, with a token that opens nothing: every call can say no.
pub fn refusals(court: &mut Court) {
    for mut request in std::mem::take(&mut court.ours) {
        let header = request.headers.iter_mut().find(|(name, _)| name == "authorization");
        let Some((_, value)) = header else { continue };
        *value = "Bearer no.such.key".to_owned();
        let (heard, _) = court.carry(&request);
        assert_eq!(heard.unwrap().status, 403, "{request:?}");
    }
}
