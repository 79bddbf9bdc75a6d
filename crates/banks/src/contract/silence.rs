//! When nothing comes back, or nothing that says anything: never a failure, never a second try.

use super::{
    bench::{Bench, DAY, rubles},
    holding::capture,
    paying::check_paid,
    refunding::{check_refunded, refund},
};
use crate::{
    emulator::FaultKind,
    http::HttpReply,
    op::{BankOp, BankStatus, Outcome, PayMethod},
};

/// Every operation about a payment, for faults that must be read alike by all.
fn all_ops(bench: &mut Bench<'_>) -> Vec<BankOp> {
    let bank_id = bench.held("5");
    vec![
        BankOp::CreateLink(bench.link("5")),
        BankOp::GetPayment { bank_id: bank_id.clone() },
        capture(&bank_id, "5", "5"),
        refund(&bank_id, "5"),
    ]
}

pub fn create_reply_lost(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&BankOp::CreateLink(link.clone()));
    let found = bench.find(&link.reference).expect("the bank did make it");
    let has_url = found.url.is_some();
    assert_eq!(has_url, bench.setup.capabilities().find_gives_url, "{found:?}");
    assert!(found.bank_id.is_some(), "{found:?}");
    assert_eq!(found.status, Some(BankStatus::Created));
}

pub fn capture_reply_lost(bench: &mut Bench<'_>) {
    let bank_id = bench.held("10");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&capture(&bank_id, "10", "10"));
    check_paid(&bench.look(&bank_id), "10");
}

pub fn refund_reply_lost(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("10");
    let before = bench.look(&bank_id);
    assert!(before.lists_refunds && before.refunds.is_empty(), "{before:?}");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&refund(&bank_id, "4"));
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::PartiallyRefunded, "10", &["4"]);
}

pub fn hang(bench: &mut Bench<'_>) {
    for op in all_ops(bench) {
        bench.fault(FaultKind::Hang { ms: 30_000 }, 1);
        bench.unknown(&op);
        if let BankOp::CreateLink(link) = &op {
            assert_eq!(bench.find(&link.reference), None, "a hanging bank made a link");
        }
        if let BankOp::Capture { bank_id, .. } = &op {
            let seen = bench.look(bank_id);
            assert_eq!((seen.status, seen.paid), (Some(BankStatus::Authorized), None));
        }
    }
}

pub fn gateway_trouble(bench: &mut Bench<'_>) {
    for op in all_ops(bench) {
        for status in [500, 502, 503, 504] {
            bench.fault(FaultKind::Status { status }, 1);
            bench.unknown(&op);
        }
    }
}

pub fn busy(bench: &mut Bench<'_>) {
    for op in all_ops(bench) {
        bench.fault(FaultKind::Status { status: 429 }, 1);
        let outcome = bench.ask(&op);
        let Outcome::Busy { retry_after_s } = outcome else { panic!("{op:?}: {outcome:?}") };
        assert!(retry_after_s.is_some(), "the bank said when to come back");
    }
}

pub fn out_of_reach(bench: &mut Bench<'_>) {
    for op in all_ops(bench) {
        bench.is_cut_off = true;
        let outcome = bench.ask(&op);
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{op:?}: {outcome:?}");
        bench.is_cut_off = false;
    }
}

/// A 200 of somebody else's (a login page, half a reply) tells nothing about what was done.
pub fn nonsense(bench: &mut Bench<'_>) {
    for op in all_ops(bench) {
        for body in ["", "{}", "null", "[]", "<html>Log in</html>", r#"{"Data":{"#] {
            bench.instead = Some(HttpReply::new(200, "text/html", body));
            let outcome = bench.ask(&op);
            let is_doubt = matches!(outcome, Outcome::Unknown { .. });
            assert!(is_doubt, "{op:?} answered {body:?}: {outcome:?}");
        }
    }
}

pub fn skewed_clock(bench: &mut Bench<'_>) {
    bench.listen();
    for skew in [DAY, -DAY] {
        bench.skew = skew;
        let link = bench.link("10");
        let bank_id = bench.open(&link);
        let found = bench.find(&link.reference).expect("a day of margin is enough");
        assert_eq!(found.bank_id.as_ref(), Some(&bank_id));
        bench.pay(&bank_id, PayMethod::Card);
        let told = bench.next_observation();
        assert_eq!((told.bank_id.as_ref(), told.paid), (Some(&bank_id), Some(rubles("10"))));
        bench.done(&refund(&bank_id, "10"));
        let seen = bench.look(&bank_id);
        check_refunded(&seen, BankStatus::Refunded, "10", &["10"]);
    }
}

pub fn restart(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = bench.paid("10");
    bench.done(&refund(&bank_id, "4"));
    let before = bench.look(&bank_id);
    let snapshot = bench.bank.snapshot();
    bench.bank = (bench.setup.emulator)();
    bench.bank.restore(&snapshot).unwrap();
    assert_eq!(bench.look(&bank_id), before);
    let told = bench.next_observation();
    assert_eq!((told.bank_id, told.paid), (Some(bank_id), Some(rubles("10"))));
}
