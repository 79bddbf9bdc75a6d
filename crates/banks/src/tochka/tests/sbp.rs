//! Codes of SBP: operation to request, recorded reply to outcome, the bank's own sample of a notice.

use super::*;
use crate::{
    bank::{Bank, Notice, NoticeNews, RawNotice, Step},
    http::HttpReply,
    op::{
        Answer, BankStatus, CodeKind, CodeLife, CodeOp, CodeState, DeskOp, DeskStatus, InvoiceOp,
        NewCode, NewInvoice, NewPoint, NewSbpRefund, Outcome, RefundState, RefusalClass, SbpCode,
        SbpOp, SbpPayment, SbpWord, SetupOp, Statement, StatementLine, StatementOp, StatementState,
        TransferStatus,
    },
    tochka::Tochka,
};

const CODE: &str = "AD10006DPRTEFPFS9HJ9SQSDSVRHJD3L";
const ACCOUNT: &str = "40702810302000000092/044525104";
const REF: &str = "cb1ef10b-39e9-4e55-aef9-d6bcc396ff0f";
const TRX: &str = "A22001100263820100000533E625FCB3";

#[track_caller]
fn check(op: SbpOp, first: &str, body: &str) {
    let step = Tochka.start(&credentials(), &BankOp::Sbp(op));
    let Step::Send(request) = step else { panic!("{step:?}") };
    let url = request.url.replace("https://enter.tochka.com/uapi/sbp/v1.0", "");
    assert_eq!(format!("{} {url}", request.method.as_str()), first);
    assert_eq!(String::from_utf8(request.body.clone()).unwrap(), body);
    assert_eq!(request.find_header("authorization"), Some("Bearer sandbox.jwt.token"));
}

fn point() -> NewPoint {
    NewPoint {
        brand: " Кофейня у Артёма ".to_owned(),
        address: "ул. Малышева, д. 51".to_owned(),
        city: "Екатеринбург".to_owned(),
        region: "65".to_owned(),
        postcode: "620075".to_owned(),
        mcc: "5814".to_owned(),
        phone: Some("79991234567".to_owned()),
        is_face_to_face: true,
        is_for_companies: false,
    }
}

fn register_point(change: impl FnOnce(&mut NewPoint)) -> SbpOp {
    let mut point = point();
    change(&mut point);
    SbpOp::Setup(SetupOp::RegisterPoint { company_id: "LF0000000001".to_owned(), point })
}

fn code(life: CodeLife) -> NewCode {
    NewCode {
        point_id: "MF0000000001".to_owned(),
        account_id: ACCOUNT.to_owned(),
        life,
        purpose: "Заказ 4711".to_owned(),
        return_url: None,
    }
}

fn register(life: CodeLife) -> SbpOp {
    SbpOp::Code(CodeOp::Register(code(life)))
}

fn refund(change: impl FnOnce(&mut NewSbpRefund)) -> SbpOp {
    let mut new = NewSbpRefund {
        code_id: CODE.to_owned(),
        account_id: ACCOUNT.to_owned(),
        amount: rubles("1234.5"),
        trx_id: None,
        ref_id: Some(REF.to_owned()),
        purpose: "Возврат rf_1".to_owned(),
        is_abroad: false,
    };
    change(&mut new);
    SbpOp::StartRefund(new)
}

#[test]
fn a_company_and_its_points_are_asked_about_and_made() {
    let company_id = || "LF0000000001".to_owned();
    let setup = SbpOp::Setup;
    check(setup(SetupOp::ShowCompany), "GET /customer/1234567ab/044525104", "");
    check(
        setup(SetupOp::RegisterCompany),
        "POST /register-sbp-legal-entity",
        r#"{"Data":{"customerCode":"1234567ab","bankCode":"044525104"}}"#,
    );
    check(
        setup(SetupOp::SetCompany { company_id: company_id(), is_active: false }),
        "POST /legal-entity/LF0000000001",
        r#"{"Data":{"status":"Suspended"}}"#,
    );
    check(setup(SetupOp::Accounts { company_id: company_id() }), "GET /account/LF0000000001", "");
    check(
        register_point(|_| {}),
        "POST /merchant/legal-entity/LF0000000001",
        concat!(
            r#"{"Data":{"address":"ул. Малышева, д. 51","city":"Екатеринбург","countryCode":"RU","#,
            r#""countrySubDivisionCode":"65","zipCode":"620075","brandName":"Кофейня у Артёма","#,
            r#""capabilities":"111","contactPhoneNumber":"79991234567","mcc":"5814","#,
            r#""scenario":"C2B","salesMode":"FACE_TO_FACE"}}"#
        ),
    );
    check(
        setup(SetupOp::SetPoint { point_id: "MF0000000001".to_owned(), is_active: true }),
        "PUT /merchant/MF0000000001",
        r#"{"Data":{"status":"Active"}}"#,
    );
}

#[test]
fn codes_are_asked_for_in_kopecks_refunds_in_rubles() {
    check(
        register(CodeLife::Dynamic { amount: rubles("1234.5"), ttl_minutes: 60 }),
        "POST /qr-code/merchant/MF0000000001/40702810302000000092%2F044525104",
        concat!(
            r#"{"Data":{"amount":123450,"currency":"RUB","paymentPurpose":"Заказ 4711","#,
            r#""qrcType":"02","sourceName":"Kopeck","ttl":60}}"#
        ),
    );
    check(
        register(CodeLife::Static { amount: None }),
        "POST /qr-code/merchant/MF0000000001/40702810302000000092%2F044525104",
        concat!(
            r#"{"Data":{"currency":"RUB","paymentPurpose":"Заказ 4711","qrcType":"01","#,
            r#""sourceName":"Kopeck"}}"#
        ),
    );
    check(
        refund(|_| {}),
        "POST /refund",
        &format!(
            r#"{{"Data":{{"bankCode":"044525104","accountCode":"40702810302000000092","amount":"1234.50","currency":"RUB","qrcId":"{CODE}","purpose":"Возврат rf_1","refTransactionId":"{REF}"}}}}"#
        ),
    );
    check(
        refund(|new| {
            new.is_abroad = true;
            new.trx_id = Some(TRX.to_owned());
        }),
        "POST /refund",
        &format!(
            r#"{{"Data":{{"bankCode":"044525104","accountCode":"40702810302000000092","amount":"1234.50","currency":"RUB","qrcId":"{CODE}","purpose":"{{VO99020}} Возврат ошибочно полученной суммы {TRX} Возврат rf_1","refTransactionId":"{REF}","trxId":"{TRX}"}}}}"#
        ),
    );
    let new = NewInvoice {
        point_id: "MF0000000001".to_owned(),
        account_id: ACCOUNT.to_owned(),
        amount: rubles("122"),
        vat: Some(rubles("22")),
        purpose: "Счёт 1".to_owned(),
        ttl_minutes: 4_320,
        reference: None,
        return_url: None,
    };
    check(
        SbpOp::Invoice(InvoiceOp::Register(new)),
        "POST /b2b-qr-code/merchant/MF0000000001/40702810302000000092%2F044525104",
        concat!(
            r#"{"Data":{"amount":12200,"paymentPurpose":"Счёт 1","sourceName":"Kopeck","#,
            r#""takeTax":true,"totalTaxAmount":2200,"ttl":4320}}"#
        ),
    );
}

#[test]
fn reads_have_their_paths() {
    let other = "AD10006DPRTEFPFS9HJ9SQSDSVRHJD4M";
    let code_ids = vec![CODE.to_owned(), other.to_owned()];
    check(
        SbpOp::Code(CodeOp::States { code_ids }),
        &format!("GET /qr-codes/{CODE},{other}/payment-status"),
        "",
    );
    let (from, to) = (date(2026, 11, 1), date(2026, 11, 2));
    check(
        SbpOp::Payments { code_id: Some(CODE.to_owned()), from, to, page: 3 },
        &format!(
            "GET /get-sbp-payments?customerCode=1234567ab&fromDate=2026-11-01&toDate=2026-11-02\
             &page=3&perPage=200&qrcId={CODE}"
        ),
        "",
    );
    let code_id = CODE.to_owned();
    let desk = |op: DeskOp| SbpOp::Desk(op);
    check(desk(DeskOp::Show { code_id }), &format!("POST /cashbox-qr-code/{CODE}"), "");
    let payment = DeskOp::Payment { code_id: CODE.to_owned(), arming_id: "AS3&1".to_owned() };
    let path = format!("GET /cashbox-qr-code/{CODE}/operation?paramsId=AS3%261");
    check(desk(payment), &path, "");
}

#[test]
fn what_sbp_would_refuse_never_leaves() {
    #[track_caller]
    fn check(op: SbpOp, code: &str) {
        let step = Tochka.start(&credentials(), &BankOp::Sbp(op));
        let Step::Done(Outcome::Refused(found)) = step else { panic!("{step:?}") };
        assert!(found.param.is_some(), "{found:?}");
        assert_eq!(found.code, code);
    }
    check(register_point(|point| point.brand = "щ".repeat(36)), "sbp_brand_invalid");
    check(register_point(|point| point.city.clear()), "sbp_address_invalid");
    check(register_point(|point| point.region = "Урал".to_owned()), "sbp_region_invalid");
    check(register_point(|point| point.postcode = "62007".to_owned()), "sbp_postcode_invalid");
    check(register_point(|point| point.mcc = "58".to_owned()), "sbp_mcc_invalid");
    check(
        register_point(|point| point.phone = Some("+79991234567".to_owned())),
        "sbp_phone_invalid",
    );
    check(refund(|new| new.ref_id = None), "sbp_payment_ids_missing");
    check(refund(|new| new.amount = Money::ZERO), "sbp_amount_invalid");
    check(refund(|new| new.purpose.clear()), "sbp_purpose_invalid");
    check(
        refund(|new| {
            // 72 characters of the bank's own come before it.
            new.purpose = "щ".repeat(100);
            new.is_abroad = true;
        }),
        "sbp_purpose_invalid",
    );
    check(refund(|new| new.code_id = "../merchant/x".to_owned()), "sbp_code_id_invalid");
    check(SbpOp::FindRefund { refund_id: "..".to_owned() }, "sbp_refund_id_invalid");
    let (from, to) = (date(2026, 11, 2), date(2026, 11, 1));
    check(SbpOp::Payments { code_id: None, from, to, page: 1 }, "period_invalid");
    let company_id = "300000092".to_owned();
    check(SbpOp::Setup(SetupOp::Points { company_id }), "sbp_company_id_invalid");
    let (code_id, arming_id) = (CODE.to_owned(), " ".to_owned());
    check(SbpOp::Desk(DeskOp::Payment { code_id, arming_id }), "sbp_arming_id_invalid");
    let bare = with("customer_code", "");
    let step = Tochka.start(&bare, &BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany)));
    let code = "customer_code_invalid";
    assert!(matches!(&step, Step::Done(Outcome::Refused(no)) if no.code == code), "{step:?}");
}

fn outcome(op: &SbpOp, status: u16, body: &str) -> Outcome {
    let reply = HttpReply::new(status, "application/json", body);
    let step = Tochka.next(&credentials(), &BankOp::Sbp(op.clone()), &reply);
    let Step::Done(outcome) = step else { panic!("{step:?}") };
    outcome
}

#[track_caller]
fn heard(op: &SbpOp, data: &str) -> SbpWord {
    let body = format!(r#"{{"Data":{data},"Links":{{"self":"https://x"}},"Meta":{{}}}}"#);
    let outcome = outcome(op, 200, &body);
    let Outcome::Done(Answer::Sbp(word)) = outcome else { panic!("{outcome:?}") };
    word
}

#[track_caller]
fn check_unknown(op: &SbpOp, data: &str) {
    let outcome = outcome(op, 200, &format!(r#"{{"Data":{data}}}"#));
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[test]
fn a_link_of_the_bank_is_never_touched() {
    // The document's own sample: no parameters, no checksum.
    let op = register(CodeLife::Static { amount: None });
    let payload = "https://qr.nspk.ru/AS1000670LSS7DN18SJQDNP4B05KLJL2";
    let data = format!(r#"{{"payload":"{payload}","qrcId":"AS1"}}"#);
    let expect = SbpCode {
        id: "AS1".to_owned(),
        kind: Some(CodeKind::Static),
        url: payload.to_owned(),
        ..SbpCode::default()
    };
    assert_eq!(heard(&op, &data), SbpWord::Code(expect));
    check_unknown(&op, r#"{"payload":"","qrcId":"AS1"}"#);
    check_unknown(&op, r#"{"payload":"https://qr.nspk.ru/AS1"}"#);
}

#[test]
fn a_state_is_believed_only_when_it_was_found_out() {
    let op = SbpOp::Code(CodeOp::States { code_ids: vec![CODE.to_owned()] });
    let data = format!(
        r#"{{"paymentList":[
            {{"qrcId":"{CODE}","code":"RQ00000","status":"Accepted","message":"ok","trxId":"{TRX}"}},
            {{"qrcId":"A","code":"RQ05014","status":"Accepted","message":"нет"}},
            {{"qrcId":"B","code":"RQ00000","status":"Received","message":"ok"}},
            {{"qrcId":"C","code":"RQ00000","status":"Invented","message":"ok"}}]}}"#
    );
    let state = |code_id: &str, status, problem: Option<&str>| CodeState {
        code_id: code_id.to_owned(),
        status,
        trx_id: None,
        problem: problem.map(str::to_owned),
    };
    let paid = state(CODE, Some(BankStatus::Paid), None);
    let expect = vec![
        CodeState { trx_id: Some(TRX.to_owned()), ..paid },
        state("A", None, Some("RQ05014: нет")),
        state("B", Some(BankStatus::InProgress), None),
        state("C", None, None),
    ];
    assert_eq!(heard(&op, &data), SbpWord::States(expect));
}

#[test]
fn an_answer_about_something_else_is_no_answer() {
    let show = SbpOp::Code(CodeOp::Show { code_id: CODE.to_owned() });
    check_unknown(&show, r#"{"payload":"https://qr.nspk.ru/A","qrcId":"A"}"#);
    let find = SbpOp::FindRefund { refund_id: "openapi-1".to_owned() };
    check_unknown(&find, r#"{"requestId":"openapi-2","status":"Accepted"}"#);
    let arm = SbpOp::Desk(DeskOp::Arm {
        code_id: CODE.to_owned(),
        amount: rubles("1"),
        purpose: None,
        ttl_minutes: 5,
    });
    check_unknown(&arm, r#"{"qrcId":"A","amount":1.5,"paramsId":"P"}"#);
    check_unknown(&arm, r#"{"qrcId":"A","amount":100,"paramsId":""}"#);
}

#[test]
fn a_refund_is_final_by_its_two_last_words_only() {
    let op = SbpOp::FindRefund { refund_id: "openapi-1".to_owned() };
    let words = [
        ("WaitingForClientConfirm", Some(TransferStatus::Running)),
        ("Initiated", Some(TransferStatus::Running)),
        ("WaitingForConfirm", Some(TransferStatus::Running)),
        ("Confirmed", Some(TransferStatus::Running)),
        ("WaitingForAccept", Some(TransferStatus::Running)),
        ("Accepted", Some(TransferStatus::Done)),
        ("Rejected", Some(TransferStatus::Failed)),
        ("Invented", None),
    ];
    for (word, status) in words {
        let data = format!(
            r#"{{"requestId":"openapi-1","status":"{word}","statusDescription":"почему"}}"#
        );
        let reason = Some("почему".to_owned());
        let refund_id = "openapi-1".to_owned();
        let expect = SbpWord::Refund(RefundState { refund_id, status, reason });
        assert_eq!(heard(&op, &data), expect, "{word}");
    }
}

#[test]
fn a_desk_and_its_payment_are_read() {
    let (code_id, arming_id) = (CODE.to_owned(), "P".to_owned());
    let op = SbpOp::Desk(DeskOp::Payment { code_id, arming_id });
    let data = format!(
        r#"{{"qrCodeStatus":"DEACTIVATED","trxStatus":"ACWP","trxId":"{TRX}","amount":100000,"dateTime":"2019-01-01T06:06:06.364+00:00","payerId":"*********6731","kzo":"F"}}"#
    );
    let payment = SbpPayment {
        code_id: CODE.to_owned(),
        trx_id: Some(TRX.to_owned()),
        arming_id: Some("P".to_owned()),
        status: Some(BankStatus::Paid),
        amount: Some(rubles("1000")),
        at: Some("2019-01-01T06:06:06.364Z".parse().unwrap()),
        payer_phone: Some("***6731".to_owned()),
        ..SbpPayment::default()
    };
    let status = Some(DeskStatus::Idle);
    let expect = SbpWord::DeskPayment { status, payment: Some(payment) };
    assert_eq!(heard(&op, &data), expect);
    let none = heard(&op, r#"{"qrCodeStatus":"IN_PROGRESS","trxStatus":"NTST"}"#);
    let status = Some(DeskStatus::InProgress);
    assert_eq!(none, SbpWord::DeskPayment { status, payment: None });
}

#[test]
fn a_statement_is_asked_for_and_read_by_its_id() {
    let account_id = || ACCOUNT.to_owned();
    let (from, to) = (date(2026, 11, 1), date(2026, 11, 2));
    let ask = BankOp::Statement(StatementOp::Ask { account_id: account_id(), from, to });
    let read = |id: &str| {
        let statement_id = id.to_owned();
        BankOp::Statement(StatementOp::Read { account_id: account_id(), statement_id })
    };
    let Step::Send(request) = Tochka.start(&credentials(), &ask) else { panic!("refused") };
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        r#"{"Data":{"Statement":{"accountId":"40702810302000000092/044525104","startDateTime":"2026-11-01","endDateTime":"2026-11-02"}}}"#
    );
    let Step::Send(request) = Tochka.start(&credentials(), &read("7")) else { panic!("refused") };
    let path = "/accounts/40702810302000000092%2F044525104/statements/7";
    assert!(request.url.ends_with(path), "{}", request.url);
    let swapped = StatementOp::Ask { account_id: account_id(), from: to, to: from };
    for (op, code) in
        [(read(".."), "statement_id_invalid"), (BankOp::Statement(swapped), "period_invalid")]
    {
        let step = Tochka.start(&credentials(), &op);
        let is_so = matches!(&step, Step::Done(Outcome::Refused(no)) if no.code == code);
        assert!(is_so, "{step:?}");
    }
    let hear = |op: &BankOp, data: &str| {
        let body = format!(r#"{{"Data":{{"Statement":{data}}}}}"#);
        let reply = HttpReply::new(200, "application/json", body);
        let step = Tochka.next(&credentials(), op, &reply);
        let Step::Done(outcome) = step else { panic!("{step:?}") };
        outcome
    };
    let seen = |state| Outcome::Done(Answer::Statement(Statement { id: "7".to_owned(), state }));
    let made = hear(&ask, r#"{"statementId":"7","status":"Created"}"#);
    assert_eq!(made, seen(StatementState::Making));
    let failed = hear(&read("7"), r#"[{"statementId":"7","status":"Error"}]"#);
    assert_eq!(failed, seen(StatementState::Failed));
    let line = |amount: &str, word: &str| {
        format!(
            r#"[{{"statementId":"7","status":"Ready","Transaction":[{{"transactionId":"1","creditDebitIndicator":"{word}","status":"Booked","documentProcessDate":"2026-11-01","description":"x","Amount":{{"amount":{amount},"currency":"RUB"}}}}]}}]"#
        )
    };
    let expect = StatementLine {
        id: Some("1".to_owned()),
        is_credit: false,
        is_booked: true,
        amount: rubles("10.50"),
        purpose: "x".to_owned(),
        day: Some(date(2026, 11, 1)),
    };
    let ready = hear(&read("7"), &line("10.5", "Debit"));
    assert_eq!(ready, seen(StatementState::Ready(vec![expect])));
    for strange in [line("10.505", "Debit"), line("10", "Sideways"), "[]".to_owned()] {
        let outcome = hear(&read("7"), &strange);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
    let other = hear(&read("8"), &line("10", "Debit"));
    assert!(matches!(other, Outcome::Unknown { .. }), "{other:?}");
}

#[test]
fn refusals_are_classed_and_name_the_permission() {
    #[track_caller]
    fn check(op: &SbpOp, status: u16, why: &str, class: RefusalClass, code: &str) -> String {
        let body = format!(
            r#"{{"code":"{status}","id":"a","message":"x","Errors":[{{"message":"{why}"}}]}}"#
        );
        let outcome = outcome(op, status, &body);
        let Outcome::Refused(no) = outcome else { panic!("{outcome:?}") };
        assert_eq!((no.class, no.code), (class, code));
        no.hint
    }
    use RefusalClass::{Conflict, Credentials, Duplicate, NotFound};
    let show = SbpOp::Setup(SetupOp::ShowCompany);
    let make = SbpOp::Setup(SetupOp::RegisterCompany);
    let code = register(CodeLife::Static { amount: None });
    let forbidden = "Forbidden by consent";
    let hint = check(&show, 403, forbidden, Credentials, "bank_permission_missing");
    assert!(hint.contains("ReadSBPData") && hint.contains("point's id in SBP"), "{hint}");
    let hint = check(&code, 403, forbidden, Credentials, "bank_permission_missing");
    assert!(hint.contains("EditSBPData"), "{hint}");
    check(&show, 404, "Not Found", NotFound, "sbp_company_missing");
    check(&show, 424, "Legal entity not found", NotFound, "sbp_company_missing");
    check(&make, 424, "Юрлицо уже существует", Duplicate, "sbp_company_taken");
    check(&code, 424, "ТСП заблокировано", Conflict, "bank_refused");
    let hint = check(&refund(|_| {}), 424, "Нельзя", Conflict, "bank_refused");
    assert!(hint.contains("internet bank"), "{hint}");
    check(&refund(|_| {}), 404, "Not Found", NotFound, "sbp_payment_missing");
    // Without a reason it may have happened.
    let outcome = outcome(&refund(|_| {}), 424, r#"{"code":"424"}"#);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[test]
fn the_banks_own_sample_of_a_notice_tells_of_one_payment() {
    let body = include_str!("../fixtures/incomingSbpPayment.jwt");
    let keys = include_str!("../fixtures/public-key.jwk.json");
    let notice = Tochka.notice(&credentials(), &RawNotice { body: body.as_bytes(), keys });
    let Notice::Genuine(notice) = notice else { panic!("{notice:?}") };
    let expect = SbpPayment {
        code_id: "AS10006DPRTEFPFS9HJ9SQSDSVRHJD3L".to_owned(),
        trx_id: Some(TRX.to_owned()),
        ref_id: Some(REF.to_owned()),
        status: Some(BankStatus::Paid),
        amount: Some(rubles("0.33")),
        payer_name: Some("Иван Иванович И.".to_owned()),
        payer_phone: Some("***4567".to_owned()),
        point_id: Some("MF0000000001".to_owned()),
        purpose: Some("Оплата по счету № 1 от 01.01.2021. Без НДС".to_owned()),
        ..SbpPayment::default()
    };
    assert_eq!(notice.news, Some(Box::new(NoticeNews::SbpPayment(expect.clone()))));
    let printed = format!("{expect:?}");
    assert!(!printed.contains("Иван") && !printed.contains("4567"), "{printed}");
    // Whoever only looks into it learns nothing that may be processed.
    let peeked = crate::tochka::peek_notice(body.as_bytes()).unwrap();
    assert_eq!((peeked.news, peeked.observation), (None, None));
}

#[test]
fn payments_are_told_apart_by_any_id_that_both_name() {
    let payment = |trx: Option<&str>, own: Option<&str>| SbpPayment {
        code_id: CODE.to_owned(),
        trx_id: trx.map(str::to_owned),
        ref_id: own.map(str::to_owned),
        amount: Some(rubles("100")),
        ..SbpPayment::default()
    };
    let both = payment(Some("T1"), Some("R1"));
    assert!(both.is_same(&payment(None, Some("R1"))));
    assert!(both.is_same(&payment(Some("T1"), None)));
    assert!(!both.is_same(&payment(None, Some("R2"))));
    assert!(!both.is_same(&payment(Some("T2"), None)));
    assert!(!both.is_same(&payment(None, None)), "a nameless one could be any");
    assert!(payment(None, None).is_same(&payment(None, None)), "an invoice is paid once");
    let elsewhere = SbpPayment { code_id: "A".to_owned(), ..payment(None, None) };
    assert!(!elsewhere.is_same(&payment(None, None)));
    // Neither names what the other does: not known to be one.
    assert!(!payment(Some("T1"), None).is_same(&payment(None, Some("R1"))));
}
