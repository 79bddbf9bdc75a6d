//! A recorded body becomes exactly this outcome.

use super::*;
use crate::op::{
    Answer, BankStatus, BindingStatus, CardCheck, CardOp, DeclineReason, Device, Observation, Page,
    QrAsked, QrForm, RefusalClass, SbpOp, TerminalOp, TerminalWord, Wallet,
};

#[track_caller]
fn done(op: &BankOp, body: &str) -> Answer {
    let outcome = outcome(op, 200, body);
    let Outcome::Done(answer) = outcome else { panic!("{outcome:?}") };
    answer
}

#[track_caller]
fn check_unknown(op: &BankOp, status: u16, body: &str) {
    let outcome = outcome(op, status, body);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{body}: {outcome:?}");
}

#[track_caller]
fn check_refused(op: &BankOp, code: &str, class: RefusalClass, name: &str) -> String {
    let body = format!(
        r#"{{"Success":false,"ErrorCode":"{code}","Message":"Неверные параметры.","Details":"Особое"}}"#
    );
    let outcome = outcome(op, 200, &body);
    let Outcome::Refused(refusal) = outcome else { panic!("{code}: {outcome:?}") };
    assert_eq!((refusal.class, refusal.code), (class, name));
    assert!(refusal.message.contains("Особое"), "{}", refusal.message);
    refusal.message
}

fn state(status: &str, amount: &str) -> String {
    format!(
        r#"{{"TerminalKey":"TinkoffBankTest","Success":true,"ErrorCode":"0","Message":"OK","OrderId":"order-4711","Status":"{status}","PaymentId":"{ID}","Amount":{amount},"Params":[{{"Key":"Route","Value":"ACQ"}},{{"Key":"Source","Value":"qrsbp"}}]}}"#
    )
}

fn charge() -> BankOp {
    let (bank_id, charge_id) = (ID.to_owned(), "1".to_owned());
    BankOp::Card(CardOp::Charge { bank_id, charge_id, email: None })
}

#[test]
fn a_made_link_has_an_id_and_an_address() {
    let url = "https://securepay.tinkoff.ru/new/xoYnWrb6".to_owned();
    for id in [format!("\"{ID}\""), ID.to_owned()] {
        let body = format!(
            r#"{{"Success":true,"ErrorCode":"0","TerminalKey":"TinkoffBankTest","Status":"NEW","PaymentId":{id},"OrderId":"order-4711","Amount":123450,"PaymentURL":"{url}"}}"#
        );
        let expect = Answer::Link { bank_id: ID.to_owned(), url: url.clone() };
        assert_eq!(done(&create(|_| {}), &body), expect);
        check_unknown(&create(|_| {}), 200, &body.replace("order-4711", "another"));
        check_unknown(&create(|_| {}), 200, &body.replace("TinkoffBankTest", "Other"));
    }
}

#[test]
fn what_cannot_be_read_is_unknown_never_a_failure() {
    for op in [create(|_| {}), refund("1"), capture("1", "1"), void(None), charge(), get(), find()]
    {
        for body in ["", "OK", "[]", "{}", "<html>", r#"{"Success":true}"#, r#"{"Success":null}"#] {
            check_unknown(&op, 200, body);
        }
        for status in [100, 301, 408, 409, 418, 500, 502, 503, 504, 599] {
            check_unknown(&op, status, "Bad Gateway");
            check_unknown(&op, status.max(500), r#"{"Success":false,"ErrorCode":"204"}"#);
        }
    }
    check_unknown(&get(), 200, &state("BRAND_NEW_WORD", "1"));
    check_unknown(&get(), 200, &state("CONFIRMED", "1").replace(ID, "77"));
    let busy = outcome(&get(), 429, "");
    assert_eq!(busy, Outcome::Busy { retry_after_s: None });
}

#[test]
fn a_state_becomes_facts() {
    let Answer::Payment(seen) = done(&get(), &state("CONFIRMED", "123450")) else { panic!() };
    let sum = Some(rubles("1234.50"));
    let expect = Observation {
        bank_id: Some(ID.to_owned()),
        reference: Some("order-4711".to_owned()),
        status: Some(BankStatus::Paid),
        amount: sum,
        paid: sum,
        left: sum,
        lists_refunds: true,
        method: Some("sbp".to_owned()),
        ..Observation::default()
    };
    assert_eq!(seen, expect);
    let Answer::Payment(seen) = done(&get(), &state("PARTIAL_REFUNDED", "\"100\"")) else {
        panic!()
    };
    assert_eq!((seen.paid, seen.left, seen.lists_refunds), (None, Some(rubles("1")), false));
    // A rejected payment is told with an error, and is an answer all the same.
    let body = state("REJECTED", "1").replace("true", "false").replace(r#""0""#, r#""1051""#);
    let Answer::Payment(seen) = done(&get(), &body) else { panic!() };
    assert_eq!(seen.decline.unwrap().reason, DeclineReason::InsufficientFunds);
}

#[test]
fn a_look_up_tells_all_payments_of_a_number_and_knows_nothing_from_silence() {
    let body = r#"{"TerminalKey":"TinkoffBankTest","OrderId":"order-4711","Success":true,"ErrorCode":"0","Payments":[{"PaymentId":"1","Amount":13660,"Status":"REJECTED","Success":"false","ErrorCode":1051},{"PaymentId":2,"Amount":13660,"Status":"CONFIRMED","RRN":"1","Success":"true","ErrorCode":0},{"PaymentId":"3","Status":"NEW","Success":true,"ErrorCode":"0"}]}"#;
    let Answer::Payments(page) = done(&find(), body) else { panic!() };
    let ids: Vec<_> = page.items.iter().map(|seen| seen.bank_id.clone().unwrap()).collect();
    assert_eq!(ids, ["2", "3", "1"]);
    assert!(page.items.iter().all(|seen| seen.reference.as_deref() == Some("order-4711")));
    assert_eq!(page.items[2].decline.as_ref().unwrap().bank_code, "1051");
    let nothing = Answer::Payments(Page { items: vec![], page: 1, total_pages: 1 });
    for code in ["7", "335", "255"] {
        let body = format!(r#"{{"Success":false,"ErrorCode":"{code}"}}"#);
        assert_eq!(done(&find(), &body), nothing);
    }
    check_unknown(&find(), 200, r#"{"Success":false,"ErrorCode":"9999"}"#);
    check_unknown(&find(), 200, r#"{"Success":true,"Payments":[{"Amount":1}]}"#);
    check_unknown(&find(), 200, r#"{"Success":true,"Payments":"none"}"#);
}

#[test]
fn a_capture_is_taken_or_not() {
    let op = capture("10", "10");
    for (word, is_done) in [("CONFIRMED", true), ("CONFIRMING", true), ("AUTHORIZED", false)] {
        assert_eq!(done(&op, &state(word, "1000")), Answer::Accepted { done: is_done });
    }
}

#[test]
fn a_refund_is_what_changed() {
    let check = |status: &str, amounts: &str| {
        let body = format!(
            r#"{{"Success":true,"ErrorCode":"0","OrderId":"order-4711","PaymentId":{ID},"Status":"{status}"{amounts}}}"#
        );
        done(&refund("50"), &body)
    };
    let done_with =
        |amount: &str| Answer::Refunded { amount: rubles(amount), refund_id: "rf_1".to_owned() };
    let changed = r#","OriginalAmount":13000,"NewAmount":8000"#;
    assert_eq!(check("PARTIAL_REFUNDED", changed), done_with("50"));
    assert_eq!(check("REFUNDED", ""), done_with("50"));
    // Sent again: the state as it is.
    let same = r#","OriginalAmount":8000,"NewAmount":8000,"ExternalRequestId":"rf_1""#;
    assert_eq!(check("PARTIAL_REFUNDED", same), done_with("50"));
    let other = r#","OriginalAmount":13000,"NewAmount":12000"#;
    assert_eq!(check("PARTIAL_REFUNDED", other), done_with("10"));
    for word in ["ASYNC_REFUNDING", "REFUNDING", "REVERSED", "CANCELED"] {
        assert!(matches!(check(word, changed), Answer::Payment(_)), "{word}");
    }
}

#[test]
fn a_void_is_told_from_a_refund() {
    for word in ["REVERSED", "PARTIAL_REVERSED", "CANCELED", "REVERSING"] {
        assert_eq!(done(&void(None), &state(word, "1")), Answer::Accepted { done: true });
    }
    assert!(matches!(done(&void(None), &state("REFUNDED", "1")), Answer::Payment(_)));
}

#[test]
fn a_charge_that_is_declined_is_an_answer() {
    let body = state("REJECTED", "100").replace("true", "false").replace(r#""0""#, r#""116""#);
    let Answer::Payment(seen) = done(&charge(), &body) else { panic!() };
    assert_eq!(seen.status, Some(BankStatus::Declined));
    assert_eq!(seen.decline.unwrap().reason, DeclineReason::InsufficientFunds);
    let Answer::Payment(seen) = done(&charge(), &state("CONFIRMED", "100")) else { panic!() };
    assert_eq!(seen.paid, Some(rubles("1")));
    check_refused(&charge(), "10", RefusalClass::Unsupported, "feature_not_enabled");
}

#[test]
fn refusals_keep_their_reason() {
    use RefusalClass::{Conflict, Credentials, Duplicate, Invalid, NotFound};
    let link = create(|_| {});
    check_refused(&link, "204", Credentials, "bank_password_wrong");
    check_refused(&link, "501", Credentials, "terminal_unknown");
    check_refused(&link, "202", Credentials, "terminal_blocked");
    check_refused(&link, "334", Invalid, "receipt_refused");
    check_refused(&link, "251", Invalid, "amount_refused");
    for code in ["8", "20", "623"] {
        check_refused(&link, code, Duplicate, "reference_taken");
    }
    check_refused(&refund("1"), "8", Conflict, "payment_state_wrong");
    check_refused(&refund("1"), "3002", Conflict, "shop_balance_short");
    check_refused(&refund("1"), "3029", Conflict, "attempts_exhausted");
    check_refused(&get(), "255", NotFound, "bank_object_missing");
    for code in ["", "0", "3", "100", "402", "999", "9999", "424242"] {
        check_unknown(&refund("1"), 200, &format!(r#"{{"Success":false,"ErrorCode":"{code}"}}"#));
    }
    let body = r#"{"Success":false,"ErrorCode":119}"#;
    assert_eq!(outcome(&charge(), 200, body), Outcome::Busy { retry_after_s: None });
    let Outcome::Refused(refusal) = outcome(&link, 403, "") else { panic!() };
    assert_eq!(refusal.code, "bank_address_refused");
}

#[test]
fn cards_come_bare_and_errors_wrapped() {
    let op = BankOp::Card(CardOp::List { payer_id: "c".to_owned() });
    let body = r#"[{"CardId":"1","Pan":"518223******0036","Status":"A","RebillId":"145","CardType":0,"ExpDate":"0826"},{"CardId":2,"Status":"D","RebillId":"","CardType":"2"}]"#;
    let Answer::Cards(cards) = done(&op, body) else { panic!() };
    assert_eq!(cards[0].masked.as_deref(), Some("518223******0036"));
    assert_eq!(cards[1].card_id.as_deref(), Some("2"));
    assert_eq!((cards[1].is_active, cards[1].charge_id.clone()), (Some(false), None));
    assert_eq!(done(&op, "[]"), Answer::Cards(vec![]));
    check_refused(&op, "7", RefusalClass::NotFound, "bank_object_missing");
    let bind = BankOp::Card(CardOp::Bind {
        payer_id: "c".to_owned(),
        check: CardCheck::None,
        success_url: None,
        fail_url: None,
        notice_url: None,
    });
    let body = r#"{"Success":true,"ErrorCode":"0","PaymentId":1,"CustomerKey":"c","RequestKey":"k","PaymentURL":"https://x.ru/1"}"#;
    let Answer::CardBinding(binding) = done(&bind, body) else { panic!() };
    assert_eq!(binding.url.as_deref(), Some("https://x.ru/1"));
    assert_eq!(binding.status, BindingStatus::Pending);
}

#[test]
fn sbp_is_read_leniently() {
    let sbp = BankOp::Sbp;
    let qr = sbp(SbpOp::Qr { bank_id: ID.to_owned(), asked: QrAsked::default() });
    let body = format!(
        r#"{{"Success":true,"ErrorCode":"0","PaymentId":{ID},"Data":"https://qr.nspk.ru/A","RequestKey":211258}}"#
    );
    let Answer::Qr(code) = done(&qr, &body) else { panic!() };
    assert_eq!((code.form, code.request_key.as_deref()), (QrForm::Link, Some("211258")));
    let banks = sbp(SbpOp::Banks { for_binding: false, device: Device::Desktop });
    let body = r#"{"Success":true,"ErrorCode":"0","Banklist":[{"0":{"BankId":"a","BankName":"А","BankOrder":2},"1":{"BankId":"b","BankName":"Б","BankOrder":1}}]}"#;
    let Answer::SbpBanks(list) = done(&banks, body) else { panic!() };
    assert_eq!(list.iter().map(|bank| bank.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    let body = r#"{"Success":true,"AccountTokens":[{"RequestKey":77644,"Status":"PROCCESING"},{"RequestKey":"1","Status":"ACTIVE","AccountToken":"t","BankMemberId":"m"}]}"#;
    let Answer::SavedAccounts(list) = done(&sbp(SbpOp::Accounts), body) else { panic!() };
    assert_eq!(list[0].status, BindingStatus::Pending);
    assert_eq!(list[1].account_token.as_deref(), Some("t"));
    let body = r#"{"Success":true,"ErrorCode":"0","Status":"CONFIRMED","QrCancelCode":"I05043","QrCancelMessage":"Нет счета","Amount":10000}"#;
    let refund = sbp(SbpOp::ShowRefund { bank_id: ID.to_owned() });
    let Answer::SbpRefund(refund) = done(&refund, body) else { panic!() };
    assert_eq!((refund.status, refund.code.as_deref()), (Some(BankStatus::Paid), Some("I05043")));
}

#[test]
fn the_terminals_words() {
    let ask = |op: TerminalOp, body: &str| done(&BankOp::Terminal(op), body);
    let wallet = Wallet::TPay;
    let body = r#"{"Success":true,"Params":{"RedirectUrl":"https://o.tbank.ru/tpay/1","WebQR":"http://q"}}"#;
    let link = TerminalOp::WalletLink { bank_id: ID.to_owned(), wallet };
    let Answer::Terminal(TerminalWord::WalletLink { url, .. }) = ask(link, body) else { panic!() };
    assert_eq!(url, "https://o.tbank.ru/tpay/1");
    let picture = TerminalOp::WalletQr { bank_id: ID.to_owned(), wallet };
    let Answer::Qr(qr) = ask(picture, "<svg xmlns=\"x\"></svg>") else { panic!() };
    assert_eq!(qr.form, QrForm::Image);
    let body = r#"{"Success":true,"Params":{"Allowed":"true","Version":2.0}}"#;
    let expect = TerminalWord::TPay { is_allowed: true, version: Some("2.0".to_owned()) };
    assert_eq!(ask(TerminalOp::TPayState, body), Answer::Terminal(expect));
    let body = r#"{"Success":true,"ErrorCode":"0","TerminalInfo":{"Paymethods":[{"PayMethod":"SBP","Params":{}}],"TokenRequired":true},"TerminalInfo.AddCardScheme":false}"#;
    let Answer::Terminal(TerminalWord::Methods(methods)) = ask(TerminalOp::Methods, body) else {
        panic!()
    };
    assert_eq!(methods.methods, ["SBP"]);
    assert_eq!((methods.saves_cards, methods.needs_token), (Some(false), Some(true)));
    let body = r#"{"Success":true,"ErrorCode":"0","Count":3}"#;
    let expect = Answer::Terminal(TerminalWord::Resent { count: Some(3) });
    assert_eq!(ask(TerminalOp::ResendNotices, body), expect);
    // The document's own example of a success.
    let closing = TerminalOp::ClosingReceipt { bank_id: ID.to_owned(), receipt: receipt() };
    let body = r#"{"Success":true,"ErrorCode":"2304882"}"#;
    assert_eq!(ask(closing, body), Answer::Accepted { done: true });
}

proptest::proptest! {
    #[test]
    fn no_reply_panics(status in 100u16..600, body in "\\PC*") {
        for op in [create(|_| {}), refund("1"), capture("1", "1"), charge(), get(), find()] {
            outcome(&op, status, &body);
        }
    }

    #[test]
    fn no_envelope_panics(code in "\\PC*", word in "[A-Z_3]*", amount in "\\PC*") {
        let body = serde_json::json!({
            "Success": amount.len() % 2 == 0, "ErrorCode": code, "Status": word, "Amount": amount,
        });
        for op in [create(|_| {}), refund("1"), void(None), charge(), get(), find()] {
            outcome(&op, 200, &body.to_string());
        }
    }
}

#[test]
fn a_charge_refused_by_the_state_of_its_payment_may_have_been_taken() {
    let account = BankOp::Sbp(SbpOp::Charge {
        bank_id: ID.into(),
        account_token: "t".into(),
        member_id: None,
        email: None,
    });
    let body =
        |code: &str| format!(r#"{{"Success":false,"ErrorCode":"{code}","Message":"Ошибка."}}"#);
    // The method may not be called again: the first call is what counts.
    check_unknown(&account, 200, &body("3037"));
    check_unknown(&charge(), 200, &body("4"));
    // What certainly did not happen.
    let outcome = outcome(&account, 200, &body("3014"));
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}
