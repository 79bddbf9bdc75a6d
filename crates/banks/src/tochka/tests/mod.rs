//! Data in, data out: each file has one `check` and a table of cases.

mod contract;
mod notices;
mod quirks;
mod replies;
mod requests;
mod sbp;
mod subscriptions;

use jiff::civil::date;

use crate::{
    Money,
    bank::Credentials,
    op::{BankOp, CaptureMode, CreateLink, PayMethod},
    receipt::{Line, Measure, PaymentMethod, Receipt, Subject, Supplier, Taxation, Vat},
};

const ID: &str = "beeac8a4-6047-3f38-8922-a664e6b5c43b";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn credentials() -> Credentials {
    let values = [
        ("access_token", "sandbox.jwt.token"),
        ("client_id", "test_app"),
        ("customer_code", "1234567ab"),
    ];
    Credentials::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn with(name: &str, value: &str) -> Credentials {
    let mut credentials = credentials();
    credentials.set(name, value);
    credentials
}

fn link() -> CreateLink {
    CreateLink {
        reference: "order-4711".to_owned(),
        amount: rubles("1234.50"),
        purpose: "Заказ 4711".to_owned(),
        methods: vec![PayMethod::Card, PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        ttl_minutes: 60,
        ..CreateLink::default()
    }
}

fn supplier() -> Supplier {
    Supplier {
        phone: "+79991234567".to_owned(),
        name: "ООО Поставщик".to_owned(),
        tax_code: "7707083893".to_owned(),
    }
}

/// 2 × 500.00 and 1.5 × 156.33 = 234.495, which a cash register rounds to 234.50.
fn receipt() -> Receipt {
    let tea = Line {
        quantity_milli: 2000,
        vat: Vat::Vat22,
        subject: Subject::Goods,
        ..Line::new("Чай", rubles("500"))
    };
    let cheese = Line {
        name: "Сыр".to_owned(),
        price: rubles("156.33"),
        quantity_milli: 1500,
        vat: Vat::Vat10,
        measure: Some(Measure::Kilogram),
        supplier: Some(supplier()),
        ..tea.clone()
    };
    Receipt {
        email: Some("buyer@example.ru".to_owned()),
        buyer_name: Some("Анна".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        lines: vec![tea, cheese],
        ..Receipt::default()
    }
}

fn create(change: impl FnOnce(&mut CreateLink)) -> BankOp {
    let mut link = link();
    change(&mut link);
    BankOp::CreateLink(link)
}

fn create_with_receipt(change: impl FnOnce(&mut Receipt)) -> BankOp {
    let mut receipt = receipt();
    change(&mut receipt);
    create(|link| link.receipt = Some(receipt))
}

fn get() -> BankOp {
    BankOp::GetPayment { bank_id: ID.to_owned() }
}

fn list() -> BankOp {
    BankOp::ListPayments { from: date(2026, 11, 1), to: date(2026, 11, 2), page: 3 }
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

fn capture(amount: &str, authorized: &str) -> BankOp {
    let (amount, authorized) = (rubles(amount), rubles(authorized));
    BankOp::Capture { bank_id: ID.to_owned(), amount, authorized, receipt: None }
}

fn register(url: &str) -> BankOp {
    let kinds = vec!["acquiringInternetPayment".to_owned()];
    BankOp::RegisterNotices { url: url.to_owned(), kinds, replace: false }
}
