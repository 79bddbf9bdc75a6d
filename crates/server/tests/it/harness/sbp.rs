//! A shop whose company is in SBP, with one point of sale.

use kopeck::gateway::flow::ask_now;
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
    op::{Answer, BankOp, NewPoint, Outcome, SbpOp, SbpWord, SetupOp},
};
use serde_json::Value;

use super::app::{PUBLIC_URL, TestApp};

async fn registered(app: &TestApp, op: SetupOp) -> String {
    let outcome = ask_now(&app.ctx, &app.connection, &BankOp::Sbp(SbpOp::Setup(op))).await;
    let outcome = outcome.unwrap();
    let Outcome::Done(Answer::Sbp(SbpWord::Registered { id })) = outcome else {
        panic!("{outcome:?}");
    };
    id
}

/// The point's id.
pub async fn register(app: &TestApp) -> String {
    let company_id = registered(app, SetupOp::RegisterCompany).await;
    let point = NewPoint {
        brand: "Колобок".into(),
        address: "Тверская, 1".into(),
        city: "Москва".into(),
        region: "45".into(),
        postcode: "125009".into(),
        mcc: "5462".into(),
        is_face_to_face: true,
        ..NewPoint::default()
    };
    registered(app, SetupOp::RegisterPoint { company_id, point }).await
}

/// A shop in SBP, the bank's notices on their way to it.
pub async fn app() -> TestApp {
    let app = TestApp::new().await;
    register(&app).await;
    subscribe(&app).await;
    app
}

pub async fn subscribe(app: &TestApp) {
    let url = format!("{PUBLIC_URL}{}", app.notice_path());
    let kinds = ["acquiringInternetPayment", "incomingSbpPayment", "incomingSbpB2BPayment"];
    let kinds = kinds.map(str::to_owned).to_vec();
    let op = BankOp::RegisterNotices { url, kinds, replace: false };
    let outcome = ask_now(&app.ctx, &app.connection, &op).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// Somebody pays the place's code.
#[track_caller]
pub fn pay(app: &TestApp, place: &Value, amount: Option<&str>) -> Value {
    pay_as(app, place, amount, "Иван Иванович И.")
}

#[track_caller]
pub fn pay_as(app: &TestApp, place: &Value, amount: Option<&str>, name: &str) -> Value {
    app.bank.control(&Control::PayCode {
        id: place["code_id"].as_str().expect("a code").to_owned(),
        amount: amount.map(|amount| Money::parse_rubles(amount).unwrap()),
        payer_name: Some(name.to_owned()),
        payer_phone: Some("+79161234567".to_owned()),
    })
}

pub fn fault(app: &TestApp, kind: FaultKind, times: u32, path: &str) {
    app.bank.control(&Control::Fault(Fault { kind, times, path: path.to_owned() }));
}
