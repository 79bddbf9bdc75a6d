//! Links paid through SBP: their codes, and refunds that take their time.

use super::{
    bench::{Bench, check_class, rubles},
    paying::check_paid,
    refunding,
};
use crate::{
    emulator::Control,
    op::{
        Answer, BankOp, BankStatus, CreateLink, PayMethod, Qr, QrAsked, QrForm, RefusalClass,
        SbpOp, TestFate,
    },
};

#[track_caller]
fn open(bench: &mut Bench<'_>, amount: &str) -> String {
    let link = CreateLink { methods: vec![PayMethod::Sbp], ..bench.link(amount) };
    bench.open(&link)
}

#[track_caller]
fn paid(bench: &mut Bench<'_>, amount: &str) -> String {
    let bank_id = open(bench, amount);
    bench.pay(&bank_id, PayMethod::Sbp);
    check_paid(&bench.look(&bank_id), amount);
    bank_id
}

fn ways<'a>(bench: &Bench<'a>) -> &'a super::Sbp {
    bench.setup.sbp.as_ref().expect("checked by the list")
}

/// Where refunds run, it is seen running, and the next one waits for its time.
#[track_caller]
fn give_back(bench: &mut Bench<'_>, bank_id: &str, sum: &str) {
    let ways = ways(bench);
    let answer = bench.done(&refunding::refund(bank_id, sum));
    if ways.refund_runs.is_zero() {
        assert!(matches!(answer, Answer::Refunded { .. }), "{answer:?}");
        return;
    }
    let Answer::Payment(told) = answer else { panic!("{answer:?}") };
    for seen in [told, bench.look(bank_id)] {
        assert_eq!(seen.status, Some(BankStatus::Refunding), "{seen:?}");
        // It may still fail: nothing is said of sums, and not that there are no refunds.
        assert_eq!((seen.left, seen.lists_refunds), (None, false), "{seen:?}");
    }
    bench.now += ways.refund_runs;
}

pub fn refund(bench: &mut Bench<'_>) {
    let bank_id = paid(bench, "100");
    let mut gone = Vec::new();
    for sum in ["30", "30", "40"] {
        gone.push(sum);
        give_back(bench, &bank_id, sum);
        let is_all = gone.len() == 3;
        let part = BankStatus::PartiallyRefunded;
        let status = if is_all { BankStatus::Refunded } else { part };
        refunding::check_refunded(&bench.look(&bank_id), status, "100", &gone);
        let pause = ways(bench).refund_pause;
        if !is_all && !pause.is_zero() {
            let refusal = bench.refused(&refunding::refund(&bank_id, "10"));
            check_class(&refusal, &[RefusalClass::Conflict]);
        }
        bench.now += pause;
    }
    let refusal = bench.refused(&refunding::refund(&bank_id, "0.01"));
    check_class(&refusal, &[RefusalClass::Conflict]);
}

pub fn a_refund_fails(bench: &mut Bench<'_>) {
    let bank_id = paid(bench, "100");
    bench.done(&refunding::refund(&bank_id, "30"));
    let refusal = bench.refused(&refunding::refund(&bank_id, "10"));
    check_class(&refusal, &[RefusalClass::Conflict]);
    assert_eq!(bench.look(&bank_id).status, Some(BankStatus::Refunding));
    bench.control(&Control::Decline { id: bank_id.clone(), reason: None }).unwrap();
    let asked = BankOp::Sbp(SbpOp::ShowRefund { bank_id: bank_id.clone() });
    let answer = bench.done(&asked);
    let Answer::SbpRefund(word) = answer else { panic!("{answer:?}") };
    assert_eq!(word.status, Some(BankStatus::Paid));
    assert!(word.code.is_some() && word.message.is_some(), "{word:?}");
    // Its time passes, and nothing of it comes back.
    bench.now += ways(bench).refund_runs;
    let seen = bench.look(&bank_id);
    check_paid(&seen, "100");
    assert!(seen.lists_refunds, "{seen:?}");
    bench.now += ways(bench).refund_pause;
    give_back(bench, &bank_id, "100");
    refunding::check_refunded(&bench.look(&bank_id), BankStatus::Refunded, "100", &["100"]);
    let Answer::SbpRefund(word) = bench.done(&asked) else { panic!("no word of the refund") };
    assert_eq!((word.status, word.code), (Some(BankStatus::Refunded), None));
}

fn ask_code(bank_id: &str, form: QrForm) -> BankOp {
    let asked = QrAsked { form, bank: None };
    BankOp::Sbp(SbpOp::Qr { bank_id: bank_id.to_owned(), asked })
}

#[track_caller]
fn show_code(bench: &mut Bench<'_>, bank_id: &str, form: QrForm) -> Qr {
    let answer = bench.done(&ask_code(bank_id, form));
    let Answer::Qr(code) = answer else { panic!("{answer:?}") };
    assert_eq!(code.form, form);
    code
}

pub fn code(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = open(bench, "100.50");
    let link = show_code(bench, &bank_id, QrForm::Link);
    assert!(link.content.starts_with("https://qr.nspk.ru/"), "{link:?}");
    assert!(link.content.contains("sum=10050&"), "{link:?}");
    assert_eq!(show_code(bench, &bank_id, QrForm::Link), link, "one payment has one code");
    let picture = show_code(bench, &bank_id, QrForm::Image);
    assert!(picture.content.starts_with("<svg "), "{picture:?}");
    bench.pay(&bank_id, PayMethod::Sbp);
    let seen = bench.look(&bank_id);
    check_paid(&seen, "100.50");
    assert_eq!(seen.method.as_deref(), Some("sbp"));
    let told = bench.told();
    assert!(told.iter().any(|seen| seen.paid == Some(rubles("100.50"))), "{told:?}");
    let refusal = bench.refused(&ask_code(&bank_id, QrForm::Link));
    check_class(&refusal, &[RefusalClass::Conflict]);
}

pub fn test_payer(bench: &mut Bench<'_>) {
    for (fate, status) in [
        (TestFate::Paid, BankStatus::Paid),
        (TestFate::Rejected, BankStatus::Declined),
        (TestFate::Expired, BankStatus::Expired),
    ] {
        let bank_id = open(bench, "10");
        let test = BankOp::Sbp(SbpOp::PayTest { bank_id: bank_id.clone(), fate });
        let refusal = bench.refused(&test);
        check_class(&refusal, &[RefusalClass::Conflict]);
        show_code(bench, &bank_id, QrForm::Link);
        assert_eq!(bench.done(&test), Answer::Accepted { done: true });
        let seen = bench.look(&bank_id);
        let is_paid = status == BankStatus::Paid;
        assert_eq!((seen.status, seen.paid.is_some()), (Some(status), is_paid), "{seen:?}");
    }
}
