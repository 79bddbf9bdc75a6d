//! Codes of SBP: what notice, state and list tell of one payment, in any order; refunds that end
//! after the bank took them.

use kopeck_banks::op::{CodeState, SbpPayment};

use super::*;

pub const CODE: &str = "AD10006M8KH234K782OQM0L13JI31LQD";

fn words() -> [Observation; 3] {
    let paid = Some(BankStatus::Paid);
    let code_id = || CODE.to_owned();
    let notice = SbpPayment {
        code_id: code_id(),
        trx_id: Some("A".repeat(32)),
        ref_id: Some("b-1".to_owned()),
        status: paid,
        amount: Some(money(AMOUNT)),
        ..SbpPayment::default()
    };
    let listed = SbpPayment { trx_id: None, amount: None, ..notice.clone() };
    let trx_id = notice.trx_id.clone();
    let state = CodeState { code_id: code_id(), status: paid, trx_id, problem: None };
    [notice.observation(), listed.observation(), state.observation()]
}

pub fn open_code() -> Payment {
    let url = Some(format!("https://qr.nspk.ru/{CODE}"));
    let opened = Observation {
        bank_id: Some(CODE.to_owned()),
        url: url.clone(),
        qr_payload: url,
        ..Observation::default()
    };
    after(created(), &[Event::Observed(opened)]).0
}

#[test]
fn every_order_of_the_three_words_ends_in_the_same_payment() {
    let [a, b, c] = words().map(Event::Observed);
    let orders =
        [[&a, &b, &c], [&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]];
    let ends: Vec<Payment> =
        orders.iter().map(|order| after(open_code(), &order.map(Clone::clone)).0).collect();
    for end in &ends {
        assert_eq!((end.status(), end.facts.paid), (Status::Paid, money(AMOUNT)));
        assert_eq!(end, &ends[0]);
    }
    let transfer = ends[0].facts.transfer.clone().unwrap();
    assert_eq!((transfer.trx_id, transfer.ref_id), (Some("A".repeat(32)), Some("b-1".to_owned())));
}

#[test]
fn each_word_alone_is_enough_and_a_failed_attempt_is_none() {
    for word in words() {
        let paid = after(open_code(), &[Event::Observed(word)]).0;
        assert_eq!((paid.status(), paid.facts.paid), (Status::Paid, money(AMOUNT)));
    }
    let failed = CodeState {
        code_id: CODE.to_owned(),
        status: Some(BankStatus::Declined),
        trx_id: Some("C".repeat(32)),
        problem: None,
    };
    let open = after(open_code(), &[Event::Observed(failed.observation())]).0;
    assert_eq!((open.status(), open.facts.transfer), (Status::Open, None));
}

#[test]
fn a_refund_that_fails_after_it_was_taken_leaves_the_money() {
    let [notice, ..] = words();
    let id = || "rf_1".to_owned();
    let events = [
        Event::Observed(notice),
        refund_requested("rf_1", 30_000),
        refund_asked("rf_1"),
        Event::RefundTaken { id: id(), bank_request_id: "openapi-1".to_owned() },
    ];
    let running = after(open_code(), &events).0;
    assert_eq!(
        (running.status(), running.refundable()),
        (Status::Refunding, money(AMOUNT - 30_000))
    );
    let failed = Event::RefundRefused { id: id(), failure: failure("refund_transfer_failed") };
    let (end, announced) = after(running, &[failed]);
    assert_eq!((end.status(), end.refundable()), (Status::Paid, money(AMOUNT)));
    assert!(announced.iter().any(|(kind, _)| *kind == EventKind::RefundFailed));
}
