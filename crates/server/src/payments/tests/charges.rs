//! Payments that are taken from what was saved: sent once, ended by what the bank says.

use proptest::prelude::*;

use super::*;
use crate::payments::{
    schedule::{Step, next_step},
    state::{Refused, announcements},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
/// The bank's grace for its pages, which a charge has none of.
const GRACE_MINUTES: u32 = 60;

pub(super) fn charge() -> Payment {
    Payment {
        means: Means::Saved { kind: crate::instruments::model::Kind::Account, id: "acc_1".into() },
        methods: vec![PayMethod::Sbp],
        bank_methods: vec![PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        ..created()
    }
}

fn asked(at_ms: i64) -> Event {
    Event::ChargeAsked { at_ms, known: vec![] }
}

fn refused() -> Event {
    Event::ChargeRefused(failure("declined_saved_gone"))
}

fn declined() -> Observation {
    let decline = kopeck_banks::op::Decline {
        bank_code: "5060".into(),
        reason: kopeck_banks::op::DeclineReason::InsufficientFunds,
        payer: kopeck_banks::op::Words { ru: "", en: "" },
        merchant: kopeck_banks::op::Words { ru: "", en: "" },
    };
    Observation { decline: Some(Box::new(decline)), ..seen(BankStatus::Declined) }
}

fn check(events: &[Event], status: Status, why: Option<&str>) -> Announced {
    let (payment, announced) = after(charge(), events);
    let failure = payment.failure().map(|failure| failure.code);
    assert_eq!((payment.status(), failure.as_deref()), (status, why), "{events:?}");
    announced
}

#[test]
fn a_charge_ends_by_what_the_bank_says_and_with_a_reason() {
    use BankStatus as Bank;
    check(&[], Status::Opening, None);
    check(&[saw(Bank::Created)], Status::Open, None);
    check(&[saw(Bank::Created), asked(1)], Status::Open, None);
    check(&[saw(Bank::Created), asked(1), saw(Bank::InProgress)], Status::Open, None);
    check(&[saw(Bank::Created), asked(1), saw(Bank::Paid)], Status::Paid, None);
    let sent = [saw(Bank::Created), asked(1)];
    let with = |more: &[Event]| [&sent, more].concat();
    check(&with(&[refused()]), Status::Failed, Some("declined_saved_gone"));
    let told = with(&[Event::Observed(declined())]);
    check(&told, Status::Failed, Some("declined_insufficient_funds"));
    check(&with(&[saw(Bank::Expired)]), Status::Failed, Some("charge_unanswered"));
    check(&with(&[Event::Lapsed]), Status::Failed, Some("charge_unanswered"));
    let unsent = [saw(Bank::Created), Event::Lapsed];
    check(&unsent, Status::Failed, Some("bank_unavailable"));
    // What was taken after all is known all the same.
    check(&with(&[Event::Lapsed, saw(Bank::Paid)]), Status::Paid, None);
}

#[test]
fn a_charge_that_failed_is_announced_once_and_never_as_expired() {
    let open = [saw(BankStatus::Created), asked(1)];
    let ends: [&[Event]; 4] = [
        &[refused()],
        &[Event::Lapsed],
        &[Event::Lapsed, saw(BankStatus::Expired), refused()],
        &[Event::Observed(declined()), Event::Lapsed],
    ];
    for end in ends {
        let announced = check_announced(&[&open, end].concat());
        assert!(announced.contains(&(EventKind::PaymentFailed, None)), "{end:?}");
        assert!(!announced.contains(&(EventKind::PaymentExpired, None)), "{end:?}");
    }
    // A link that nobody paid expires as ever.
    let (_, announced) = after(created(), &[saw(BankStatus::Created), Event::Lapsed]);
    assert!(announced.contains(&(EventKind::PaymentExpired, None)));
}

fn check_announced(events: &[Event]) -> Announced {
    after(charge(), events).1
}

#[test]
fn a_charge_leaves_once_and_only_while_it_is_open() {
    let refused = |payment: &Payment| apply(payment, &asked(2)).unwrap_err();
    assert_eq!(refused(&charge()), Refused::NotChargeable(Status::Opening));
    let (open, _) = after(charge(), &[saw(BankStatus::Created)]);
    let (sent, _) = after(open.clone(), &[asked(1)]);
    assert_eq!(refused(&sent), Refused::NotChargeable(Status::Open));
    let (paid, _) = after(sent.clone(), &[saw(BankStatus::Paid)]);
    assert_eq!(refused(&paid), Refused::NotChargeable(Status::Paid));
    // What certainly did not arrive may leave again.
    after(sent, &[Event::ChargeNotSent, asked(2)]);
    // A payment that its payer pays is no charge.
    assert_eq!(refused(&sample(Status::Open)), Refused::NotChargeable(Status::Open));
    let (kept, _) = after(sample(Status::Open), &[self::refused()]);
    assert_eq!(kept, sample(Status::Open));
}

fn step(payment: &Payment, age_ms: i64) -> Step {
    next_step(payment, GRACE_MINUTES, CREATED_MS + age_ms)
}

fn wait(age_ms: i64) -> Step {
    Step::Wait { until_ms: CREATED_MS + age_ms }
}

#[test]
fn a_charge_is_sent_once_it_is_open_and_asked_about_within_seconds() {
    assert_eq!(step(&charge(), 0), Step::Open);
    let (open, _) = after(charge(), &[saw(BankStatus::Created)]);
    assert_eq!(step(&open, 0), Step::Charge);
    assert_eq!(step(&open, 59 * MINUTE), Step::Charge);
    let (mut sent, _) = after(open, &[asked(CREATED_MS)]);
    let mut looked = Vec::new();
    for _ in 0..7 {
        let Step::Wait { until_ms } = step(&sent, 0) else { panic!("it was just asked") };
        looked.push((until_ms - CREATED_MS) / SECOND);
        assert_eq!(next_step(&sent, GRACE_MINUTES, until_ms), Step::Ask);
        sent.asked_ms = until_ms;
    }
    assert_eq!(looked, [2, 5, 15, 30, 60, 120, 180]);
}

#[test]
fn a_charge_ends_soon_after_the_bank_s_time_for_it() {
    let (open, _) = after(charge(), &[saw(BankStatus::Created)]);
    // It could not be sent in time: it is not sent any more.
    assert_eq!(step(&open, 60 * MINUTE), wait(65 * MINUTE));
    assert_eq!(step(&open, 65 * MINUTE), Step::Lapse);
    let (mut sent, _) = after(open, &[asked(CREATED_MS)]);
    sent.asked_ms = CREATED_MS + 64 * MINUTE;
    assert_eq!(step(&sent, 64 * MINUTE), wait(65 * MINUTE));
    assert_eq!(step(&sent, 65 * MINUTE), Step::Lapse);
    let (failed, _) = after(sent, &[Event::Lapsed]);
    assert_eq!(step(&failed, 65 * MINUTE), Step::Rest);
}

/// A thousand renewals come in one hour, and each look is a request of the bank.
#[test]
fn a_paid_charge_is_looked_at_no_more_unless_its_money_goes_back() {
    let (open, _) = after(charge(), &[saw(BankStatus::Created), asked(CREATED_MS)]);
    let (paid, _) = after(open, &[saw(BankStatus::Paid)]);
    assert_eq!(step(&paid, MINUTE), Step::Rest);
    let back = [refund_requested("rf_1", AMOUNT), refund_asked("rf_1")];
    let (back, _) = after(paid, &back);
    assert!(matches!(step(&back, 5 * MINUTE), Step::SettleRefund { .. }));
    // What a payer paid at a page is looked at for a while: he may be at it still.
    let (by_link, _) = after(created(), &[saw(BankStatus::Created), saw(BankStatus::Paid)]);
    assert_eq!(step(&by_link, MINUTE), Step::Ask);
}

/// Everything that may be heard and done after a charge was sent.
fn news() -> Vec<Event> {
    vec![
        saw(BankStatus::Created),
        saw(BankStatus::InProgress),
        saw(BankStatus::Paid),
        saw(BankStatus::Expired),
        Event::Observed(declined()),
        Event::Observed(seen(BankStatus::Declined)),
        refused(),
        Event::Lapsed,
    ]
}

proptest! {
    #[test]
    fn the_order_of_news_does_not_matter(picks in prop::collection::vec(0..8_usize, 0..12)) {
        let start = after(charge(), &[saw(BankStatus::Created), asked(1)]).0;
        let heard: Vec<Event> = picks.iter().map(|at| news()[*at].clone()).collect();
        // Our own "its time is over" is said only of what is not known to be paid.
        let is_paid = heard.contains(&saw(BankStatus::Paid));
        let heard: Vec<Event> =
            heard.into_iter().filter(|event| !is_paid || *event != Event::Lapsed).collect();
        let (one, _) = after(start.clone(), &heard);
        let backwards: Vec<Event> = heard.iter().rev().cloned().collect();
        let (two, _) = after(start, &[backwards.clone(), backwards].concat());
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(announcements(&one), announcements(&two));
        prop_assert_eq!(is_paid, one.status() == Status::Paid);
    }
}
