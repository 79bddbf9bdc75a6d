//! SBP before the judge: everything that our own client asks of codes that live by themselves, then
//! what other people's code asks.

use jiff::{SignedDuration, civil::date};
use kopeck_banks::{
    Money,
    emulator::Control,
    http::{HttpRequest, Method},
    op::{
        Answer, BankOp, CodeLife, CodeOp, DeskOp, InvoiceOp, NewCode, NewInvoice, NewPoint,
        NewSbpRefund, RefusalClass, SbpOp, SbpPayment, SbpWord, SetupOp, Statement, StatementOp,
        StatementState,
    },
    tochka::emulator::directory,
};
use serde_json::{Value, json};

use super::{Court, strangers::check};

const ACCOUNT: &str = directory::BUSINESS_ACCOUNT;
/// No such code, of the right form.
const NOBODY: &str = "AD00000000000000000000000000000X";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

#[track_caller]
fn word(court: &mut Court, op: SbpOp) -> SbpWord {
    let answer = court.done(&BankOp::Sbp(op));
    let Answer::Sbp(word) = answer else { panic!("{answer:?}") };
    word
}

#[track_caller]
fn registered(court: &mut Court, op: SetupOp) -> String {
    let word = word(court, SbpOp::Setup(op));
    let SbpWord::Registered { id } = word else { panic!("{word:?}") };
    id
}

#[track_caller]
fn made(court: &mut Court, op: SbpOp) -> String {
    let word = word(court, op);
    let SbpWord::Code(code) = word else { panic!("{word:?}") };
    code.id
}

fn pay(court: &mut Court, id: &str, amount: Option<Money>) {
    let pay = Control::PayCode { id: id.to_owned(), amount, payer_name: None, payer_phone: None };
    court.bank.control(court.now, &pay).unwrap();
}

/// The point that all codes below are made for.
fn set_up(court: &mut Court) -> String {
    court.refused(&BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany)), RefusalClass::NotFound);
    let id = registered(court, SetupOp::RegisterCompany);
    let again = BankOp::Sbp(SbpOp::Setup(SetupOp::RegisterCompany));
    court.refused(&again, RefusalClass::Duplicate);
    let plain = NewPoint {
        brand: "Чайная".to_owned(),
        address: "ул. Малышева, д. 51".to_owned(),
        city: "Екатеринбург".to_owned(),
        region: "65".to_owned(),
        postcode: "620075".to_owned(),
        mcc: "5499".to_owned(),
        ..NewPoint::default()
    };
    let widest = NewPoint {
        phone: Some("79991234567".to_owned()),
        is_face_to_face: true,
        is_for_companies: true,
        ..plain.clone()
    };
    let register = |point| SetupOp::RegisterPoint { company_id: id.clone(), point };
    registered(court, register(widest));
    let point_id = registered(court, register(plain));
    let company_id = || id.clone();
    let ops = [
        SetupOp::ShowCompany,
        SetupOp::FindCompany { company_id: company_id() },
        SetupOp::SetCompany { company_id: company_id(), is_active: false },
        SetupOp::SetCompany { company_id: company_id(), is_active: true },
        SetupOp::Accounts { company_id: company_id() },
        SetupOp::Points { company_id: company_id() },
        SetupOp::ShowPoint { point_id: point_id.clone() },
        SetupOp::SetPoint { point_id: point_id.clone(), is_active: false },
        SetupOp::SetPoint { point_id: point_id.clone(), is_active: true },
    ];
    for op in ops {
        court.done(&BankOp::Sbp(SbpOp::Setup(op)));
    }
    word(court, SbpOp::Code(CodeOp::List { company_id: id }));
    point_id
}

fn new_code(point_id: &str, life: CodeLife) -> NewCode {
    NewCode {
        point_id: point_id.to_owned(),
        account_id: ACCOUNT.to_owned(),
        life,
        purpose: "Чай и плюшки".to_owned(),
        return_url: Some("https://shop.example.ru/thanks?a=1".to_owned()),
    }
}

fn codes(court: &mut Court, point_id: &str) {
    let dynamic = CodeLife::Dynamic { amount: rubles("100"), ttl_minutes: 60 };
    let lives = [
        dynamic,
        dynamic,
        CodeLife::Static { amount: None },
        CodeLife::Static { amount: Some(rubles("5")) },
    ];
    let ids = lives.map(|life| {
        let new = new_code(point_id, life);
        let plain = NewCode { return_url: None, ..new.clone() };
        made(court, SbpOp::Code(CodeOp::Register(plain)));
        made(court, SbpOp::Code(CodeOp::Register(new)))
    });
    pay(court, &ids[0], None);
    let decline = Control::Decline { id: ids[1].clone(), reason: None };
    court.bank.control(court.now, &decline).unwrap();
    pay(court, &ids[2], Some(rubles("7.50")));
    for id in &ids {
        word(court, SbpOp::Code(CodeOp::Show { code_id: id.clone() }));
    }
    let code_ids = ids.iter().cloned().chain([NOBODY.to_owned()]).collect();
    word(court, SbpOp::Code(CodeOp::States { code_ids }));
    let nobody = BankOp::Sbp(SbpOp::Code(CodeOp::Show { code_id: NOBODY.to_owned() }));
    court.refused(&nobody, RefusalClass::NotFound);
    let (from, to) = (date(2026, 11, 20), date(2026, 11, 22));
    word(court, SbpOp::Payments { code_id: None, from, to, page: 1 });
    let code_id = Some(ids[0].clone());
    let list = word(court, SbpOp::Payments { code_id, from, to, page: 1 });
    let SbpWord::Payments(list) = list else { panic!("{list:?}") };
    refunds(court, &list.items[0]);
}

fn refunds(court: &mut Court, payment: &SbpPayment) {
    let refund = |amount: &str, is_abroad| {
        SbpOp::StartRefund(NewSbpRefund {
            code_id: payment.code_id.clone(),
            account_id: ACCOUNT.to_owned(),
            amount: rubles(amount),
            trx_id: payment.trx_id.clone(),
            ref_id: payment.ref_id.clone(),
            purpose: "Возврат rf_1".to_owned(),
            is_abroad,
        })
    };
    for (amount, is_abroad) in [("30.50", false), ("60", true)] {
        let started = word(court, refund(amount, is_abroad));
        let SbpWord::Refund(state) = started else { panic!("{started:?}") };
        let refund_id = state.refund_id;
        word(court, SbpOp::FindRefund { refund_id: refund_id.clone() });
        court.now += SignedDuration::from_secs(2);
        word(court, SbpOp::FindRefund { refund_id });
    }
    court.refused(&BankOp::Sbp(refund("30", false)), RefusalClass::Conflict);
    let refund_id = "openapi-nobody".to_owned();
    court.refused(&BankOp::Sbp(SbpOp::FindRefund { refund_id }), RefusalClass::NotFound);
}

fn desks(court: &mut Court, point_id: &str) {
    let register = |return_url| DeskOp::Register {
        point_id: point_id.to_owned(),
        account_id: ACCOUNT.to_owned(),
        return_url,
    };
    made(court, SbpOp::Desk(register(None)));
    let url = Some("https://shop.example.ru/".to_owned());
    let id = made(court, SbpOp::Desk(register(url)));
    let arm = |purpose, ttl_minutes| {
        SbpOp::Desk(DeskOp::Arm { code_id: id.clone(), amount: rubles("9"), purpose, ttl_minutes })
    };
    let look = |court: &mut Court, arming_id: &str| {
        let code_id = id.clone();
        let ops = [
            DeskOp::Show { code_id: id.clone() },
            DeskOp::State { code_id: id.clone() },
            DeskOp::Payment { code_id, arming_id: arming_id.to_owned() },
            DeskOp::List { point_id: point_id.to_owned(), account_id: ACCOUNT.to_owned() },
        ];
        for op in ops {
            word(court, SbpOp::Desk(op));
        }
    };
    let armed = word(court, arm(Some("Чек 7".to_owned()), 20));
    let SbpWord::Armed { arming_id, .. } = armed else { panic!("{armed:?}") };
    look(court, &arming_id);
    court.refused(&BankOp::Sbp(arm(None, 5)), RefusalClass::Conflict);
    pay(court, &id, None);
    look(court, &arming_id);
    word(court, arm(None, 5));
    court.done(&BankOp::Sbp(SbpOp::Desk(DeskOp::Disarm { code_id: id.clone() })));
    let (code_id, account_id) = (id.clone(), ACCOUNT.to_owned());
    court.done(&BankOp::Sbp(SbpOp::Desk(DeskOp::Move { code_id, account_id })));
}

fn invoices(court: &mut Court, point_id: &str) {
    let new = NewInvoice {
        point_id: point_id.to_owned(),
        account_id: ACCOUNT.to_owned(),
        amount: rubles("122"),
        vat: Some(rubles("22")),
        purpose: "Оплата по счёту № 1".to_owned(),
        ttl_minutes: 129_600,
        reference: Some("INV1".to_owned()),
        return_url: Some("https://shop.example.ru/".to_owned()),
    };
    let plain = NewInvoice { vat: None, reference: None, return_url: None, ..new.clone() };
    for new in [new, plain] {
        let code_id = made(court, SbpOp::Invoice(InvoiceOp::Register(new)));
        word(court, SbpOp::Invoice(InvoiceOp::Show { code_id }));
    }
}

/// The answer is the point.
pub fn ours(court: &mut Court) -> String {
    let point_id = set_up(court);
    codes(court, &point_id);
    desks(court, &point_id);
    invoices(court, &point_id);
    statement(court);
    point_id
}

fn statement(court: &mut Court) {
    let (from, to) = (date(2026, 11, 20), date(2026, 11, 22));
    let ask = StatementOp::Ask { account_id: ACCOUNT.to_owned(), from, to };
    let answer = court.done(&BankOp::Statement(ask));
    let Answer::Statement(asked) = answer else { panic!("{answer:?}") };
    let account_id = ACCOUNT.to_owned();
    let read = BankOp::Statement(StatementOp::Read { account_id, statement_id: asked.id.clone() });
    assert_eq!(court.done(&read), Answer::Statement(asked));
    court.now += SignedDuration::from_secs(2);
    let answer = court.done(&read);
    let Answer::Statement(Statement { state: StatementState::Ready(lines), .. }) = answer else {
        panic!("{answer:?}")
    };
    // One dynamic code, one static, one desk's; two refunds.
    assert_eq!(lines.iter().filter(|line| line.is_credit).count(), 3, "{lines:?}");
    assert_eq!(lines.len(), 5, "{lines:?}");
}

fn body(base: &Value, over: &Value) -> String {
    let mut data = base.clone();
    let fields = data.as_object_mut().unwrap();
    for (key, value) in over.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    fields.retain(|_, value| !value.is_null());
    json!({ "Data": data }).to_string()
}

/// What other people's code sends, and what it should not.
pub fn strangers(court: &mut Court, point_id: &str) {
    let account = ACCOUNT.replace('/', "%2F");
    let place = format!("{point_id}/{account}");
    let qr = format!("/sbp/v1.0/qr-code/merchant/{place}");
    let code = json!({ "paymentPurpose": "Чай", "qrcType": "02", "amount": 1000 });
    let picture = |side: u32, media: &str| json!({ "imageParams": { "width": side, "height": side, "mediaType": media } });
    let cases = [
        (json!({}), true, 200),
        // Whoever checks it with pydantic takes numbers as text, and so may the bank.
        (json!({ "amount": "1000" }), false, 200),
        (json!({ "amount": 10.5 }), false, 400),
        (json!({ "amount": 0 }), true, 400),
        (json!({ "amount": 100_000_001 }), true, 400),
        (json!({ "amount": null }), true, 400),
        (json!({ "qrcType": "01", "amount": null }), true, 200),
        (json!({ "qrcType": "01", "ttl": 5 }), true, 200),
        (json!({ "qrcType": "03" }), false, 400),
        (json!({ "paymentPurpose": null }), false, 400),
        (json!({ "paymentPurpose": "щ".repeat(141) }), false, 400),
        (json!({ "ttl": 0 }), true, 400),
        (json!({ "currency": "USD" }), true, 400),
        (json!({ "redirectUrl": "shop" }), false, 400),
        (picture(300, "image/png"), true, 200),
        (picture(200, "image/svg+xml"), true, 200),
        (picture(199, "image/png"), false, 400),
        (picture(300, "image/gif"), false, 400),
    ];
    for (over, approves, status) in &cases {
        check(court, (Method::Post, &qr), &body(&code, over), Some(*approves), *status);
    }
    let foreign = format!("/sbp/v1.0/qr-code/merchant/MA0000000000/{account}");
    check(court, (Method::Post, &foreign), &body(&code, &json!({})), Some(true), 403);
    let b2b = format!("/sbp/v1.0/b2b-qr-code/merchant/{place}");
    let invoice = json!({
        "amount": 100, "paymentPurpose": "Счёт", "sourceName": "1C", "takeTax": false,
    });
    let cases = [
        (json!({}), true, 200),
        (json!({ "takeTax": true, "totalTaxAmount": 20 }), true, 200),
        (json!({ "takeTax": true }), true, 400),
        (json!({ "takeTax": null }), false, 400),
        (json!({ "sourceName": null }), false, 400),
        (json!({ "amount": 0 }), false, 400),
        (json!({ "amount": 100_000_001 }), false, 400),
        (json!({ "ttl": 129_601 }), false, 400),
        (json!({ "uip": "1".repeat(36) }), false, 400),
    ];
    for (over, approves, status) in &cases {
        check(court, (Method::Post, &b2b), &body(&invoice, over), Some(*approves), *status);
    }
    desks_of_strangers(court, point_id);
    reads_of_strangers(court, point_id);
}

fn desks_of_strangers(court: &mut Court, point_id: &str) {
    let all = "/sbp/v1.0/cashbox-qr-code";
    let desk = json!({ "merchantId": point_id, "accountId": ACCOUNT });
    let cases = [
        (json!({}), true, 200),
        (json!({ "imageParams": { "width": 300, "height": 300 } }), true, 200),
        (json!({ "merchantId": null }), false, 400),
        (json!({ "accountId": "40702810300000000000/044525104" }), true, 403),
    ];
    for (over, approves, status) in &cases {
        check(court, (Method::Post, all), &body(&desk, over), Some(*approves), *status);
    }
    let request = HttpRequest::new(Method::Post, format!("{}/uapi{all}", super::ORIGIN))
        .header("authorization", format!("Bearer {}", directory::access_token()))
        .json(&json!({ "Data": desk }));
    let reply = court.carry(&request).0.unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    let one = format!("{all}/{}", reply["Data"]["qrcId"].as_str().unwrap());
    let (post, activate) = (Method::Post, format!("{one}/activate"));
    let picture = r#"{"Data":{"imageParams":{"width":300,"height":300}}}"#;
    let cases = [
        (post, one.clone(), "", true, 200),
        (post, one.clone(), picture, true, 200),
        (post, activate.clone(), r#"{"Data":{"amount":0}}"#, false, 400),
        (post, activate.clone(), r#"{"Data":{"amount":100,"ttl":4}}"#, false, 400),
        (post, activate.clone(), r#"{"Data":{"amount":100}}"#, true, 200),
        (post, activate, r#"{"Data":{"amount":100}}"#, true, 424),
        (Method::Get, format!("{one}/operation"), "", false, 400),
        (Method::Get, format!("{one}/operation?paramsId=x"), "", true, 404),
        (post, format!("{one}/deactivate"), "", true, 200),
        (post, format!("{one}/deactivate"), "", true, 424),
        (post, format!("{all}/{NOBODY}/deactivate"), "", true, 404),
        (post, format!("{one}/account"), r#"{"Data":{}}"#, false, 400),
    ];
    for (method, path, sent, approves, status) in &cases {
        check(court, (*method, path), sent, Some(*approves), *status);
    }
}

fn reads_of_strangers(court: &mut Court, point_id: &str) {
    let business = directory::BUSINESS_CODE;
    let register = json!({ "customerCode": business, "bankCode": "044525104" });
    let path = "/sbp/v1.0/register-sbp-legal-entity";
    let personal = json!({ "customerCode": directory::PERSONAL_CODE });
    let cases = [
        (json!({}), true, 424),
        (personal, true, 424),
        (json!({ "customerCode": "300999999" }), true, 403),
        (json!({ "bankCode": "04452510" }), false, 400),
    ];
    for (over, approves, status) in &cases {
        check(court, (Method::Post, path), &body(&register, over), Some(*approves), *status);
    }
    let all = format!("/sbp/v1.0/get-sbp-payments?customerCode={business}");
    let refund = |over: Value| {
        let base = json!({
            "bankCode": "044525104", "accountCode": "40702810302000000092", "amount": "10",
            "qrcId": NOBODY, "refTransactionId": "48232c9a-ce82-1593-3cb6-5c85a1ffef8f",
        });
        body(&base, &over)
    };
    let refunds = "/sbp/v1.0/refund".to_owned();
    let merchant = format!("/sbp/v1.0/merchant/{point_id}");
    let statements = "/open-banking/v1.0/statements".to_owned();
    let read =
        format!("/open-banking/v1.0/accounts/{}/statements/nobody", ACCOUNT.replace('/', "%2F"));
    let ask = |over: Value| {
        let base = json!({
            "accountId": ACCOUNT, "startDateTime": "2026-11-01", "endDateTime": "2026-11-02",
        });
        let inner: Value = serde_json::from_str(&body(&base, &over)).unwrap();
        json!({ "Data": { "Statement": inner["Data"] } }).to_string()
    };
    let cases = [
        (Method::Post, statements.clone(), ask(json!({})), true, 200),
        (Method::Post, statements.clone(), ask(json!({ "endDateTime": "2026-10-01" })), true, 400),
        (Method::Post, statements, ask(json!({ "endDateTime": "today" })), false, 400),
        (Method::Get, read, String::new(), true, 404),
        (Method::Get, all.clone(), String::new(), true, 200),
        (Method::Get, format!("{all}&page=2&perPage=1"), String::new(), true, 200),
        (Method::Get, format!("{all}&page=0"), String::new(), true, 400),
        (Method::Get, format!("{all}&fromDate=yesterday"), String::new(), true, 400),
        (Method::Get, "/sbp/v1.0/get-sbp-payments".to_owned(), String::new(), false, 400),
        (Method::Post, refunds.clone(), refund(json!({})), true, 404),
        (Method::Post, refunds.clone(), refund(json!({ "refTransactionId": null })), true, 400),
        (Method::Post, refunds, refund(json!({ "amount": null })), false, 400),
        (Method::Put, merchant.clone(), r#"{"Data":{"status":"Deleted"}}"#.to_owned(), false, 400),
        (Method::Put, merchant, r#"{"Data":{"status":"Active"}}"#.to_owned(), true, 200),
        (Method::Get, format!("/sbp/v1.0/b2b-qr-code/{NOBODY}?width=1"), String::new(), true, 400),
        (Method::Get, format!("/sbp/v1.0/customer/{business}/04"), String::new(), false, 400),
    ];
    for (method, path, sent, approves, status) in &cases {
        check(court, (*method, path), sent, Some(*approves), *status);
    }
}
