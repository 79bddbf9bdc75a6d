//! Two-stage payments: held, captured, run out, released.

use jiff::SignedDuration;

use super::{
    bench::{Bench, check_class, rubles},
    paying::check_paid,
};
use crate::{
    emulator::Control,
    op::{Answer, BankOp, BankStatus, Outcome, RefusalClass},
};

pub fn capture(bank_id: &str, amount: &str, authorized: &str) -> BankOp {
    let (amount, authorized) = (rubles(amount), rubles(authorized));
    BankOp::Capture { bank_id: bank_id.to_owned(), amount, authorized, receipt: None }
}

fn void_all(bank_id: &str) -> BankOp {
    let request_id = "contract-void".to_owned();
    BankOp::Void { bank_id: bank_id.to_owned(), amount: None, request_id }
}

#[track_caller]
fn check_held(bench: &mut Bench<'_>, bank_id: &str, amount: &str) {
    let seen = bench.look(bank_id);
    assert_eq!(seen.status, Some(BankStatus::Authorized), "{seen:?}");
    assert_eq!((seen.authorized, seen.paid), (Some(rubles(amount)), None), "{seen:?}");
}

pub fn hold_and_capture(bench: &mut Bench<'_>) {
    let bank_id = bench.held("99.99");
    check_held(bench, &bank_id, "99.99");
    let answer = bench.done(&capture(&bank_id, "99.99", "99.99"));
    assert_eq!(answer, Answer::Accepted { done: true });
    let seen = bench.look(&bank_id);
    check_paid(&seen, "99.99");
    // Where one sum is told, it is the present one.
    if seen.left.is_none() {
        assert_eq!(seen.authorized, Some(rubles("99.99")), "the hold is still told of");
    }
}

pub fn capture_twice(bench: &mut Bench<'_>) {
    let bank_id = bench.held("50");
    let op = capture(&bank_id, "50", "50");
    bench.done(&op);
    // "Already there" and "no" are both good; money taken twice is not.
    match bench.ask(&op) {
        Outcome::Done(_) => {}
        Outcome::Refused(refusal) => check_class(&refusal, &[RefusalClass::Conflict]),
        other @ (Outcome::Busy { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. }) => {
            panic!("{other:?}")
        }
    }
    check_paid(&bench.look(&bank_id), "50");
}

pub fn a_hold_runs_out(bench: &mut Bench<'_>) {
    bench.listen();
    let begun = bench.now;
    let bank_id = bench.held("50");
    bench.next_notices();
    bench.now = begun + bench.setup.hold_life - SignedDuration::from_secs(1);
    check_held(bench, &bank_id, "50");
    bench.now = begun + bench.setup.hold_life;
    let seen = bench.look(&bank_id);
    let ends = [Some(BankStatus::Expired), Some(BankStatus::Canceled)];
    assert!(ends.contains(&seen.status), "{seen:?}");
    assert_eq!(seen.paid, None);
    check_release_is_told(bench, &bank_id);
    let refusal = bench.refused(&capture(&bank_id, "50", "50"));
    check_class(&refusal, &[RefusalClass::Conflict]);
    assert_eq!(bench.look(&bank_id).paid, None);
}

/// Where the bank tells it, once; elsewhere nothing is told.
#[track_caller]
fn check_release_is_told(bench: &mut Bench<'_>, bank_id: &str) {
    let told = bench.told();
    let told: Vec<_> = told.iter().map(|seen| (seen.bank_id.as_deref(), seen.status)).collect();
    let word = [(Some(bank_id), Some(BankStatus::Canceled))];
    let expect = if bench.setup.tells_releases { &word[..] } else { &[] };
    assert_eq!(told, expect);
}

pub fn capture_of_what_is_not_held(bench: &mut Bench<'_>) {
    let link = bench.link("50");
    let bank_id = bench.open(&link);
    let refusal = bench.refused(&capture(&bank_id, "50", "50"));
    check_class(&refusal, &[RefusalClass::Conflict]);
    assert_eq!(bench.look(&bank_id).paid, None);
}

pub fn partial_is_not_sent(bench: &mut Bench<'_>) {
    let bank_id = bench.held("50");
    for amount in ["49.99", "50.01"] {
        let refusal = bench.refused_unsent(&capture(&bank_id, amount, "50"));
        check_class(&refusal, &[RefusalClass::Unsupported]);
    }
    check_held(bench, &bank_id, "50");
}

pub fn capture_a_part(bench: &mut Bench<'_>) {
    let bank_id = bench.held("50");
    bench.done(&capture(&bank_id, "20", "50"));
    let seen = bench.look(&bank_id);
    assert_eq!((seen.status, seen.paid), (Some(BankStatus::Paid), Some(rubles("20"))));
}

pub fn void_is_not_sent(bench: &mut Bench<'_>) {
    let bank_id = bench.held("50");
    let refusal = bench.refused_unsent(&void_all(&bank_id));
    check_class(&refusal, &[RefusalClass::Unsupported]);
    check_held(bench, &bank_id, "50");
}

pub fn void(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = bench.held("50");
    bench.next_notices();
    let answer = bench.done(&void_all(&bank_id));
    assert_eq!(answer, Answer::Accepted { done: true });
    let seen = bench.look(&bank_id);
    assert_eq!((seen.status, seen.paid), (Some(BankStatus::Canceled), None));
    check_release_is_told(bench, &bank_id);
}

pub fn close_a_link(bench: &mut Bench<'_>) {
    bench.listen();
    let link = bench.link("50");
    let bank_id = bench.open(&link);
    let answer = bench.done(&void_all(&bank_id));
    assert_eq!(answer, Answer::Accepted { done: true });
    let seen = bench.look(&bank_id);
    assert_eq!((seen.status, seen.paid), (Some(BankStatus::Canceled), None));
    check_release_is_told(bench, &bank_id);
    let late = Control::Pay { id: bank_id.clone(), method: None, card: None };
    assert!(bench.control(&late).is_err(), "a closed link was paid");
}
