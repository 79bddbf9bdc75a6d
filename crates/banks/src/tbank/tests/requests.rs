//! An operation becomes exactly this request.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    http::HttpRequest,
    op::{
        Answer, CardCheck, CardOp, Device, Language, LetterTo, QrAsked, QrForm, SavedCharge, SbpOp,
        TerminalOp, TestFate, Wallet,
    },
    tbank::{fields::Fields, token},
};

const BASE: &str = "https://securepay.tinkoff.ru";

fn request(credentials: &Credentials, op: &BankOp) -> HttpRequest {
    match Tbank.start(credentials, op) {
        Step::Send(request) => request,
        Step::Done(outcome) => panic!("{outcome:?}"),
    }
}

/// Method and path, and the body without its terminal and its Token.
#[track_caller]
fn check(op: &BankOp, line: &str, body: &str) {
    check_with(&credentials(), op, line, body);
}

#[track_caller]
fn check_with(credentials: &Credentials, op: &BankOp, line: &str, body: &str) {
    let request = request(credentials, op);
    let sent = format!("{} {}", request.method.as_str(), request.url.replace(BASE, ""));
    assert_eq!(sent, line);
    let text = String::from_utf8(request.body).unwrap();
    if request.method == crate::http::Method::Get {
        assert_eq!(text, body);
        return;
    }
    let own = text.strip_prefix(r#"{"TerminalKey":"TinkoffBankTest""#).unwrap();
    let (own, token) = own.split_once(r#","Token":""#).unwrap();
    assert_eq!(own.trim_start_matches(','), body);
    let fields = Fields::read(text.as_bytes()).unwrap();
    let is_whole = !text.contains("CallbackUrl") && !line.contains("AddCard");
    assert_eq!(token.len(), 66);
    assert!(!is_whole || token::is_genuine(&fields, "TinkoffBankTest"));
}

#[test]
fn a_link_is_asked_for_in_kopecks() {
    check(
        &create(|_| {}),
        "POST /v2/Init",
        r#""Amount":123450,"OrderId":"order-4711","Description":"Заказ 4711","PayType":"O","DATA":{"OperationInitiatorType":"0"}"#,
    );
}

#[test]
fn every_field_of_a_link_reaches_the_bank() {
    let op = create(|link| {
        link.methods = vec![PayMethod::Card];
        link.capture = CaptureMode::Manual;
        link.success_url = Some("https://shop.example.ru/ok".to_owned());
        link.fail_url = Some("https://shop.example.ru/no".to_owned());
        link.notice_url = Some("https://pay.example.ru/notices/tbank/c".to_owned());
        link.payer_id = Some("payer-1".to_owned());
        link.save_card = true;
        link.language = Some(Language::English);
        // A fraction of a second must not reach the bank.
        link.expires_at = Some("2026-11-21T20:47:05.987Z".parse().unwrap());
        link.extra.insert("Email".to_owned(), "a@b.ru".to_owned());
    });
    check(
        &op,
        "POST /v2/Init",
        r#""Amount":123450,"OrderId":"order-4711","Description":"Заказ 4711","CustomerKey":"payer-1","Recurrent":"Y","PayType":"T","Language":"en","NotificationURL":"https://pay.example.ru/notices/tbank/c","SuccessURL":"https://shop.example.ru/ok","FailURL":"https://shop.example.ru/no","RedirectDueDate":"2026-11-21T23:47:05+03:00","DATA":{"Email":"a@b.ru","OperationInitiatorType":"1"}"#,
    );
}

#[test]
fn the_initiator_follows_from_what_is_saved_or_charged() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut CreateLink), data: &str, is_recurrent: bool) {
        let text = request(&credentials(), &create(change)).body;
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!(r#""DATA":{{{data}}}"#)), "{text}");
        assert_eq!(text.contains(r#""Recurrent":"Y""#), is_recurrent);
    }
    for (charge, word) in [
        (SavedCharge::Payer, "2"),
        (SavedCharge::Recurring, "R"),
        (SavedCharge::Instalment, "I"),
        (SavedCharge::Delayed, "D"),
        (SavedCharge::NoShow, "N"),
    ] {
        let data = format!(r#""OperationInitiatorType":"{word}""#);
        check(|link| link.saved_charge = Some(charge), &data, false);
    }
    check(|link| link.sbp_account = true, r#""QR":"true""#, true);
}

#[test]
fn a_receipt_goes_in_either_format() {
    let body = |ffd: &str, unit: [&str; 2]| {
        format!(
            r#""Amount":123450,"OrderId":"order-4711","Description":"Заказ 4711","PayType":"O","DATA":{{"OperationInitiatorType":"0"}},"Receipt":{{"FfdVersion":"{ffd}","Email":"buyer@example.ru","Taxation":"usn_income","Items":[{{"Name":"Чай","Price":50000,"Quantity":2,"Amount":100000,"Tax":"vat22","PaymentMethod":"full_payment","PaymentObject":"commodity"{}}},{{"Name":"Сыр","Price":15633,"Quantity":1.5,"Amount":23450,"Tax":"vat10","PaymentMethod":"full_payment","PaymentObject":"commodity"{},"AgentData":{{"AgentSign":"another"}},"SupplierInfo":{{"Phones":["+79991234567"],"Name":"ООО Поставщик","Inn":"7707083893"}}}}]}}"#,
            unit[0], unit[1]
        )
    };
    let op = create_with_receipt(|_| {});
    check(&op, "POST /v2/Init", &body("1.05", ["", ""]));
    let units = [r#","MeasurementUnit":"шт""#, r#","MeasurementUnit":"кг""#];
    check_with(&with("ffd_version", "1.2"), &op, "POST /v2/Init", &body("1.2", units));
    // The connection's tax system stands in.
    let op = create_with_receipt(|receipt| receipt.taxation = None);
    check_with(&with("taxation", "usn_income"), &op, "POST /v2/Init", &body("1.05", ["", ""]));
}

/// `rf_1` and `v_1` as the UUIDs that instalments want.
const REFUND_UUID: &str = "8274b63e-0bc3-43b2-aefc-fd07d84b815a";
const VOID_UUID: &str = "3565225c-19d3-4c52-a5ea-3e05a9cf4c4a";

#[test]
fn payments_are_read_and_changed() {
    let id = format!(r#""PaymentId":"{ID}""#);
    check(&get(), "POST /v2/GetState", &id);
    check(&find(), "POST /v2/CheckOrder", r#""OrderId":"order-4711""#);
    check(&capture("10", "20"), "POST /v2/Confirm", &format!(r#"{id},"Amount":1000"#));
    let body = format!(r#"{id},"Amount":50,"ExternalRequestId":"{REFUND_UUID}""#);
    check(&refund("0.5"), "POST /v2/Cancel", &body);
    check(&void(None), "POST /v2/Cancel", &format!(r#"{id},"ExternalRequestId":"{VOID_UUID}""#));
    let body = format!(r#"{id},"Amount":300,"ExternalRequestId":"{VOID_UUID}""#);
    check(&void(Some("3")), "POST /v2/Cancel", &body);
    let op = BankOp::Refund {
        bank_id: ID.to_owned(),
        amount: rubles("1"),
        request_id: "rf_1".to_owned(),
        receipt: None,
        sbp_member: Some("77892".to_owned()),
        transfer: None,
    };
    let body =
        format!(r#"{id},"Amount":100,"QrMemberId":"77892","ExternalRequestId":"{REFUND_UUID}""#);
    check(&op, "POST /v2/Cancel", &body);
}

#[test]
fn payers_and_cards() {
    let payer_id = || "c1".to_owned();
    let key = r#""CustomerKey":"c1""#;
    let card = |op: CardOp, path: &str, body: &str| {
        check(&BankOp::Card(op), &format!("POST /v2/{path}"), body);
    };
    let (email, phone) = (Some("a@b.ru".to_owned()), Some("+79031234567".to_owned()));
    card(
        CardOp::AddPayer { payer_id: payer_id(), email, phone },
        "AddCustomer",
        &format!(r#"{key},"Email":"a@b.ru","Phone":"+79031234567""#),
    );
    card(CardOp::ShowPayer { payer_id: payer_id() }, "GetCustomer", key);
    card(CardOp::RemovePayer { payer_id: payer_id() }, "RemoveCustomer", key);
    card(CardOp::List { payer_id: payer_id() }, "GetCardList", key);
    let card_id = "156516516".to_owned();
    let body = format!(r#"{key},"CardId":"156516516""#);
    card(CardOp::Remove { payer_id: payer_id(), card_id }, "RemoveCard", &body);
    card(
        CardOp::Bind {
            payer_id: payer_id(),
            check: CardCheck::ThreeDsHold,
            success_url: Some("https://shop.example.ru/ok".to_owned()),
            fail_url: None,
            notice_url: None,
        },
        "AddCard",
        &format!(r#"{key},"CheckType":"3DSHOLD","SuccessURL":"https://shop.example.ru/ok""#),
    );
    let request_key = "13021e10".to_owned();
    let body = r#""RequestKey":"13021e10""#;
    card(CardOp::ShowBinding { request_key }, "GetAddCardState", body);
    let email = Some("a@b.ru".to_owned());
    card(
        CardOp::Charge { bank_id: ID.to_owned(), charge_id: "145919".to_owned(), email },
        "Charge",
        &format!(r#""PaymentId":"{ID}","RebillId":"145919","SendEmail":true,"InfoEmail":"a@b.ru""#),
    );
}

#[test]
fn sbp() {
    let sbp = |op: SbpOp, path: &str, body: &str| {
        check(&BankOp::Sbp(op), &format!("POST /v2/{path}"), body);
    };
    let bank_id = || ID.to_owned();
    let id = format!(r#""PaymentId":"{ID}""#);
    let asked = QrAsked { form: QrForm::Image, bank: None };
    let body = format!(r#"{id},"DataType":"IMAGE""#);
    sbp(SbpOp::Qr { bank_id: bank_id(), asked }, "GetQr", &body);
    let asked = QrAsked { form: QrForm::Link, bank: Some("77aa00bb".to_owned()) };
    sbp(
        SbpOp::Bind {
            purpose: "Подписка".to_owned(),
            asked,
            expires_at: Some("2026-11-21T20:47:05Z".parse().unwrap()),
        },
        "AddAccountQr",
        r#""Description":"Подписка","DataType":"PAYLOAD","BankId":"77aa00bb","RedirectDueDate":"2026-11-21T23:47:05+03:00""#,
    );
    sbp(SbpOp::RefundBanks { bank_id: bank_id() }, "QrMembersList", &id);
    sbp(SbpOp::ShowRefund { bank_id: bank_id() }, "GetQrState", &id);
    let request_key = "211258".to_owned();
    let body = r#""RequestKey":"211258""#;
    sbp(SbpOp::ShowBinding { request_key }, "GetAddAccountQrState", body);
    sbp(SbpOp::Accounts, "GetAccountQrList", "");
    sbp(
        SbpOp::Charge {
            bank_id: bank_id(),
            account_token: "70LSS".to_owned(),
            member_id: Some("100000000004".to_owned()),
            email: None,
        },
        "ChargeQr",
        &format!(r#"{id},"AccountToken":"70LSS","BankMemberId":"100000000004""#),
    );
    sbp(
        SbpOp::Banks { for_binding: true, device: Device::Ios },
        "GetQrBankList",
        r#""ScenarioType":"sub","Device":{"Os":"iOS","Type":"mobile"}"#,
    );
    sbp(SbpOp::PayTest { bank_id: bank_id(), fate: TestFate::Paid }, "SbpPayTest", &id);
    let body = format!(r#"{id},"IsRejected":true"#);
    sbp(SbpOp::PayTest { bank_id: bank_id(), fate: TestFate::Rejected }, "SbpPayTest", &body);
}

#[test]
fn the_terminal() {
    let ask = |op: TerminalOp, line: &str, body: &str| check(&BankOp::Terminal(op), line, body);
    let link = |wallet| TerminalOp::WalletLink { bank_id: ID.to_owned(), wallet };
    let query = "TerminalKey=TinkoffBankTest&Paysource=API";
    ask(TerminalOp::Methods, &format!("GET /v2/GetTerminalPayMethods?{query}"), "");
    ask(TerminalOp::TPayState, "GET /v2/TinkoffPay/terminals/TinkoffBankTest/status", "");
    let line = format!("GET /v2/TinkoffPay/transactions/{ID}/versions/2.0/link");
    ask(link(Wallet::TPay), &line, "");
    ask(link(Wallet::SberPay), &format!("GET /v2/SberPay/transactions/{ID}/link"), "");
    let body = format!(r#""PaymentId":"{ID}""#);
    ask(link(Wallet::MirPay), "POST /v2/MirPay/GetDeepLink", &body);
    let qr = TerminalOp::WalletQr { bank_id: ID.to_owned(), wallet: Wallet::SberPay };
    ask(qr, &format!("GET /v2/SberPay/{ID}/QR"), "");
    ask(TerminalOp::ResendNotices, "POST /v2/Resend", "");
    let to = LetterTo::Url("https://shop.example.ru/letters".to_owned());
    ask(
        TerminalOp::ConfirmationLetter { bank_ids: vec![ID.to_owned()], to },
        "POST /v2/getConfirmOperation",
        &format!(r#""CallbackUrl":"https://shop.example.ru/letters","PaymentIdList":[{ID}]"#),
    );
    let op = TerminalOp::ClosingReceipt { bank_id: ID.to_owned(), receipt: receipt() };
    let request = request(&credentials(), &BankOp::Terminal(op));
    assert_eq!(request.url, format!("{BASE}/cashbox/SendClosingReceipt"));
}

#[test]
fn keys_of_notices_are_the_password_itself() {
    let step = Tbank.start(&credentials(), &BankOp::FetchNoticeKeys);
    assert_eq!(step, Step::Done(Outcome::Done(Answer::NoticeKeys(String::new()))));
}

/// Every field we send to the main methods is in the bank's own schema, but those it never wrote
/// down.
#[test]
fn bodies_hold_only_fields_of_the_banks_openapi_document() {
    let document: Value = serde_json::from_str(include_str!("../fixtures/openapi.json")).unwrap();
    fn names(document: &Value, schema: &Value, into: &mut BTreeSet<String>) {
        if let Some(path) = schema["$ref"].as_str() {
            return names(document, document.pointer(&path[1..]).unwrap(), into);
        }
        for name in schema["properties"].as_object().into_iter().flat_map(|map| map.keys()) {
            into.insert(name.clone());
        }
        for kind in ["allOf", "oneOf", "anyOf"] {
            schema[kind].as_array().into_iter().flatten().for_each(|s| names(document, s, into));
        }
    }
    let full = create(|link| {
        link.payer_id = Some("p".to_owned());
        link.save_card = true;
        link.notice_url = Some("https://pay.example.ru/n".to_owned());
        link.expires_at = Some("2026-11-21T20:47:05Z".parse().unwrap());
        link.receipt = Some(receipt());
    });
    let binding = BankOp::Sbp(SbpOp::Bind {
        purpose: "p".to_owned(),
        asked: QrAsked::default(),
        expires_at: None,
    });
    for op in [full, get(), find(), capture("1", "1"), refund("1"), binding] {
        let request = request(&credentials(), &op);
        let path = request.path().to_owned();
        let schema = &document["paths"][&path]["post"]["requestBody"]["content"]["application/json"]
            ["schema"];
        let mut known = BTreeSet::new();
        names(&document, schema, &mut known);
        for (name, _) in Fields::read(&request.body).unwrap().iter() {
            assert!(known.contains(name), "{path} has no {name}");
        }
    }
}
