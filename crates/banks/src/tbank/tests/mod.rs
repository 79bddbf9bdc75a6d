//! Data in, data out: each file has one `check` and a table of cases.

mod contract;
mod errors;
mod notices;
mod quirks;
mod replies;
mod requests;
mod tokens;

use jiff::civil::date;

use crate::{
    Money,
    bank::{Bank, Credentials, Step},
    http::HttpReply,
    op::{BankOp, CaptureMode, CreateLink, Outcome, PayMethod},
    receipt::{Line, Measure, Receipt, Subject, Supplier, Taxation, Vat},
    tbank::Tbank,
};

const ID: &str = "8111987112";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn credentials() -> Credentials {
    let values = [("terminal_key", "TinkoffBankTest"), ("password", "TinkoffBankTest")];
    Credentials::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn with(name: &str, value: &str) -> Credentials {
    let mut credentials = credentials();
    credentials.set(name, value);
    credentials
}

fn create(change: impl FnOnce(&mut CreateLink)) -> BankOp {
    let mut link = CreateLink {
        reference: "order-4711".to_owned(),
        amount: rubles("1234.50"),
        purpose: "Заказ 4711".to_owned(),
        methods: vec![PayMethod::Card, PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        ttl_minutes: 60,
        ..CreateLink::default()
    };
    change(&mut link);
    BankOp::CreateLink(link)
}

/// 2 × 500.00 and 1.5 × 156.33 = 234.495, which a cash register rounds to 234.50.
fn receipt() -> Receipt {
    let tea = Line {
        quantity_milli: 2000,
        vat: Vat::Vat22,
        subject: Subject::Goods,
        ..Line::new("Чай", rubles("500"))
    };
    let supplier = Supplier {
        phone: "+79991234567".to_owned(),
        name: "ООО Поставщик".to_owned(),
        tax_code: "7707083893".to_owned(),
    };
    let cheese = Line {
        name: "Сыр".to_owned(),
        price: rubles("156.33"),
        quantity_milli: 1500,
        vat: Vat::Vat10,
        measure: Some(Measure::Kilogram),
        supplier: Some(supplier),
        ..tea.clone()
    };
    Receipt {
        email: Some("buyer@example.ru".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        lines: vec![tea, cheese],
        ..Receipt::default()
    }
}

fn create_with_receipt(change: impl FnOnce(&mut Receipt)) -> BankOp {
    let mut receipt = receipt();
    change(&mut receipt);
    create(|link| link.receipt = Some(receipt))
}

fn get() -> BankOp {
    BankOp::GetPayment { bank_id: ID.to_owned() }
}

fn find() -> BankOp {
    let reference = "order-4711".to_owned();
    BankOp::FindPayment { reference, from: date(2026, 11, 1), to: date(2026, 11, 2), page: 1 }
}

fn capture(amount: &str, authorized: &str) -> BankOp {
    let (amount, authorized) = (rubles(amount), rubles(authorized));
    BankOp::Capture { bank_id: ID.to_owned(), amount, authorized, receipt: None }
}

fn refund(amount: &str) -> BankOp {
    BankOp::Refund {
        bank_id: ID.to_owned(),
        amount: rubles(amount),
        request_id: "rf_1".to_owned(),
        receipt: None,
        sbp_member: None,
        transfer: None,
    }
}

fn void(amount: Option<&str>) -> BankOp {
    let amount = amount.map(rubles);
    BankOp::Void { bank_id: ID.to_owned(), amount, request_id: "v_1".to_owned() }
}

fn outcome(op: &BankOp, status: u16, body: &str) -> Outcome {
    match Tbank.next(&credentials(), op, &HttpReply::new(status, "application/json", body)) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("{request:?}"),
    }
}
