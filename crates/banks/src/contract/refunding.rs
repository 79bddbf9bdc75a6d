//! Money that goes back.

use std::sync::atomic::{AtomicU32, Ordering};

use super::bench::{Bench, check_class, rubles};
use crate::{
    Money,
    emulator::Control,
    op::{Answer, BankOp, BankStatus, CreateLink, Observation, Outcome, PayMethod, RefusalClass},
};

/// A new refund each time.
pub fn refund(bank_id: &str, amount: &str) -> BankOp {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    BankOp::Refund {
        bank_id: bank_id.to_owned(),
        amount: rubles(amount),
        request_id: format!("rf_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        receipt: None,
        sbp_member: None,
        transfer: None,
    }
}

/// Both sums, and that the list of refunds is whole.
#[track_caller]
pub fn check_refunded(seen: &Observation, status: BankStatus, paid: &str, refunds: &[&str]) {
    if let Some(left) = seen.left {
        // A bank that lists none tells what is left.
        let gone = Money::checked_sum(refunds.iter().map(|text| rubles(text))).unwrap();
        assert_eq!((seen.status, left.checked_add(gone)), (Some(status), Some(rubles(paid))));
        return;
    }
    assert_eq!((seen.status, seen.paid), (Some(status), Some(rubles(paid))), "{seen:?}");
    let mut told: Vec<Money> = seen.refunds.values().copied().collect();
    told.sort_unstable();
    let expect: Vec<Money> = refunds.iter().map(|text| rubles(text)).collect();
    assert_eq!(told, expect, "{seen:?}");
    assert!(seen.lists_refunds, "{seen:?}");
}

#[track_caller]
fn send(bench: &mut Bench<'_>, bank_id: &str, sum: &str) {
    let answer = bench.done(&refund(bank_id, sum));
    let Answer::Refunded { amount, refund_id } = answer else { panic!("{answer:?}") };
    assert_eq!(amount, rubles(sum));
    assert!(!refund_id.is_empty());
}

pub fn full(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("100.10");
    send(bench, &bank_id, "100.10");
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::Refunded, "100.10", &["100.10"]);
}

pub fn twice(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("100.10");
    send(bench, &bank_id, "30.05");
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::PartiallyRefunded, "100.10", &["30.05"]);
    // The same sum again is another refund, not a repetition.
    send(bench, &bank_id, "30.05");
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::PartiallyRefunded, "100.10", &["30.05", "30.05"]);
    send(bench, &bank_id, "40");
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::Refunded, "100.10", &["30.05", "30.05", "40"]);
    let refusal = bench.refused(&refund(&bank_id, "0.01"));
    check_class(&refusal, &[RefusalClass::Conflict]);
}

pub fn too_much(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("100");
    let refusal = bench.refused(&refund(&bank_id, "100.01"));
    check_class(&refusal, &[RefusalClass::Conflict, RefusalClass::Invalid]);
    send(bench, &bank_id, "60");
    let refusal = bench.refused(&refund(&bank_id, "40.01"));
    check_class(&refusal, &[RefusalClass::Conflict, RefusalClass::Invalid]);
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::PartiallyRefunded, "100", &["60"]);
}

/// Refused, or read by the bank as closing the link: in no case money, in no case a refund.
pub fn of_an_unpaid(bench: &mut Bench<'_>) {
    let link = bench.link("100");
    let bank_id = bench.open(&link);
    match bench.ask(&refund(&bank_id, "100")) {
        Outcome::Refused(refusal) => check_class(&refusal, &[RefusalClass::Conflict]),
        Outcome::Done(answer) => {
            let Answer::Payment(told) = answer else { panic!("{answer:?}") };
            assert_eq!((told.status, told.paid), (Some(BankStatus::Canceled), None), "{told:?}");
        }
        other @ (Outcome::Busy { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. }) => {
            panic!("{other:?}")
        }
    }
    let seen = bench.look(&bank_id);
    let ends = [BankStatus::Created, BankStatus::InProgress, BankStatus::Canceled];
    assert!(seen.status.is_some_and(|status| ends.contains(&status)), "{seen:?}");
    assert!(seen.refunds.is_empty() && seen.paid.is_none() && seen.left.is_none(), "{seen:?}");
}

/// The SBP has scenarios of its own.
pub fn by_each_method(bench: &mut Bench<'_>) {
    for method in bench.setup.methods.iter().filter(|method| **method != PayMethod::Sbp) {
        let link = CreateLink { methods: vec![*method], ..bench.link("100") };
        let bank_id = bench.open(&link);
        bench.pay(&bank_id, *method);
        send(bench, &bank_id, "40");
        let seen = bench.look(&bank_id);
        check_refunded(&seen, BankStatus::PartiallyRefunded, "100", &["40"]);
        send(bench, &bank_id, "60");
        check_refunded(&bench.look(&bank_id), BankStatus::Refunded, "100", &["40", "60"]);
    }
}

pub fn of_nothing(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("100");
    let refusal = bench.refused_unsent(&refund(&bank_id, "0"));
    check_class(&refusal, &[RefusalClass::Invalid]);
}

pub fn in_the_cabinet(bench: &mut Bench<'_>) {
    let bank_id = bench.paid("100");
    let amount = Some(rubles("25"));
    bench.control(&Control::Refund { id: bank_id.clone(), amount }).unwrap();
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::PartiallyRefunded, "100", &["25"]);
    bench.control(&Control::Refund { id: bank_id.clone(), amount: None }).unwrap();
    let seen = bench.look(&bank_id);
    check_refunded(&seen, BankStatus::Refunded, "100", &["25", "75"]);
}
