//! Payments that share one operation at their bank: the one that keeps a card, and its charges.

use proptest::prelude::*;

use super::*;
use crate::{
    instruments::model::Kind,
    payments::{
        schedule::{Step, next_step},
        state::{Refused, Shared},
    },
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const GRACE_MINUTES: u32 = 60;

fn charge() -> Payment {
    Payment {
        means: Means::Saved { kind: Kind::Kept, id: "card_1".into() },
        capture: CaptureMode::Automatic,
        ttl_minutes: 24 * 60,
        expires_ms: CREATED_MS + 24 * HOUR,
        ..created()
    }
}

fn opening() -> Payment {
    let customer_id = "client-17".to_owned();
    Payment {
        means: Means::Save { kind: Kind::Kept, customer_id, id: None },
        capture: CaptureMode::Automatic,
        ..created()
    }
}

fn asked(at_ms: i64) -> Event {
    Event::ChargeAsked { at_ms, known: vec!["1".into()] }
}

fn approved(id: &str, kopecks: i64) -> Event {
    let approval = format!("op/{id}");
    Event::Shared(Shared::Approved { approval, amount: money(kopecks), paid_ms: Some(1) })
}

/// What the bank says of the whole operation after so many charges of 2 500 rubles.
fn whole(charges: usize) -> Event {
    let sums = (0..=charges).map(|number| if number == 0 { AMOUNT } else { 250_000 });
    let approval = |amount| kopeck_banks::op::Approval { amount: money(amount), at: None };
    let approvals =
        sums.enumerate().map(|(number, sum)| (number.to_string(), approval(sum))).collect();
    let sum = AMOUNT + 250_000 * i64::try_from(charges).unwrap();
    let looked = Observation { paid: Some(money(sum)), approvals, ..seen(BankStatus::Paid) };
    Event::Observed(Observation { lists_approvals: true, ..looked })
}

#[test]
fn a_kept_charge_is_open_from_the_first_moment_and_ends_by_its_approval_or_a_clear_no() {
    let check = |events: &[Event], status: Status, why: Option<&str>| {
        let (payment, _) = after(charge(), events);
        let failure = payment.failure().map(|failure| failure.code);
        assert_eq!((payment.status(), failure.as_deref()), (status, why), "{events:?}");
    };
    let no = Event::ChargeRefused(failure("declined_unknown"));
    let taken = Event::Shared(Shared::Taken);
    check(&[], Status::Open, None);
    check(&[asked(1)], Status::Open, None);
    check(&[asked(1), taken.clone()], Status::Open, None);
    check(&[asked(1), approved("2", AMOUNT)], Status::Paid, None);
    check(&[asked(1), no], Status::Failed, Some("declined_unknown"));
    check(&[asked(1), Event::Lapsed], Status::Failed, Some("charge_unanswered"));
    check(&[Event::Lapsed], Status::Failed, Some("bank_unavailable"));
    check(&[asked(1), Event::Lapsed, approved("2", AMOUNT)], Status::Paid, None);
}

#[test]
fn a_kept_charge_is_sent_once_and_asked_about_until_its_fate_is_known() {
    let step = |payment: &Payment, at_ms: i64| next_step(payment, GRACE_MINUTES, at_ms);
    assert_eq!(step(&charge(), CREATED_MS), Step::Charge);
    let (sent, _) = after(charge(), &[asked(CREATED_MS + HOUR)]);
    let again = apply(&sent, &asked(CREATED_MS + 2 * HOUR)).unwrap_err();
    assert_eq!(again, Refused::NotChargeable(Status::Open));
    assert_eq!(step(&sent, CREATED_MS + 24 * HOUR), Step::Ask, "a day from the request on");
    let (unsent, _) = after(charge(), &[]);
    assert_eq!(step(&unsent, CREATED_MS + 26 * HOUR), Step::Lapse, "it never left");
    for hours in [26, 1_000, 20_000] {
        assert_eq!(step(&sent, CREATED_MS + hours * HOUR), Step::Ask, "silence is no failure");
    }
    // A year later it is asked about a few times a day.
    let old = Payment { asked_ms: CREATED_MS + 8_760 * HOUR, ..sent.clone() };
    assert_eq!(
        step(&old, CREATED_MS + 8_761 * HOUR),
        Step::Wait { until_ms: CREATED_MS + 8_766 * HOUR }
    );
    let (taken, _) = after(sent, &[Event::Shared(Shared::Taken)]);
    assert_eq!(step(&taken, CREATED_MS + 1_000 * HOUR), Step::Ask);
}

#[test]
fn a_charge_of_the_banks_own_schedule_is_never_sent() {
    let schedule =
        kopeck_banks::op::Schedule { period: kopeck_banks::op::SchedulePeriod::Month, count: 12 };
    let intents = Intents { charge_asked_ms: Some(CREATED_MS), ..Intents::default() };
    let awaited = Payment { schedule: Some(schedule), intents, ..charge() };
    for minute in 0..=24 * 60 + 10 {
        let step = next_step(&awaited, GRACE_MINUTES, CREATED_MS + minute * MINUTE);
        assert_ne!(step, Step::Charge, "{minute}");
    }
    let (missed, _) = after(awaited, &[Event::Lapsed]);
    assert_eq!(missed.failure().unwrap().code, "bank_did_not_charge");
}

#[test]
fn charges_and_refunds_of_the_operation_are_none_of_the_first_payments() {
    let told = |sum: i64| {
        let notice = Observation { paid: Some(money(sum)), ..seen(BankStatus::Paid) };
        Event::Observed(Observation { lists_refunds: false, ..notice })
    };
    let refunded = Observation {
        refunds: [("9".to_owned(), money(250_000))].into(),
        ..seen(BankStatus::PartiallyRefunded)
    };
    let refunded = Event::Observed(Observation { paid: Some(money(350_000)), ..refunded });
    let paid = [told(AMOUNT), approved("0", AMOUNT)];
    for more in [vec![told(250_000)], vec![whole(1)], vec![whole(3), refunded]] {
        let (payment, announced) = after(opening(), &[&paid[..], &more].concat());
        assert_eq!(
            (payment.status(), payment.facts.paid),
            (Status::Paid, money(AMOUNT)),
            "{more:?}"
        );
        assert!(!announced.contains(&(EventKind::PaymentAmountMismatch, None)), "{more:?}");
    }
}

proptest! {
    /// Whatever is heard first, twice or in between: the same payment with the same events.
    #[test]
    fn what_is_heard_of_an_operation_ends_in_the_same_payment(
        order in Just(vec![0usize, 1, 2, 3, 4]).prop_shuffle(),
        twice in 0usize..5,
    ) {
        let given_back =
            Event::Shared(Shared::PartGivenBack { refunds: [("9".to_owned(), money(100))].into() });
        let all = [
            approved("0", AMOUNT),
            whole(2),
            whole(1),
            given_back,
            // An approval that is another payment's is never taken.
            approved("0", AMOUNT),
        ];
        let first = [approved("0", AMOUNT)];
        let mixed: Vec<Event> = order.iter().map(|at| all[*at].clone()).collect();
        let repeated = [&mixed[..], &[all[twice].clone(), approved("7", 5)]].concat();
        let (straight, told) = after(opening(), &[&first[..], &all].concat());
        let (other, heard) = after(opening(), &[&first[..], &repeated].concat());
        prop_assert_eq!(other.status(), Status::PartiallyRefunded);
        prop_assert_eq!(straight.facts, other.facts);
        prop_assert_eq!(told, heard);
    }
}
