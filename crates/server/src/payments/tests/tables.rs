//! The state machine case by case.

use super::*;
use crate::payments::{
    model::{Origin, RefundState},
    state::Refused,
};

/// Applies the events and compares: status, kopecks paid and given back.
fn check(events: &[Event], status: Status, paid: i64, refunded: i64) -> Payment {
    let (payment, _) = after(created(), events);
    let ours = (payment.status(), payment.facts.paid, payment.refunded());
    assert_eq!(ours, (status, money(paid), money(refunded)), "{events:?}");
    payment
}

fn accepted(id: &str) -> Event {
    Event::RefundAccepted { id: id.into() }
}

fn not_seen(id: &str, at_ms: i64) -> Event {
    Event::RefundNotSeen { id: id.into(), at_ms }
}

/// Long and often enough asked for, in vain.
fn given_up(id: &str) -> Vec<Event> {
    (1..=5).map(|look| not_seen(id, look * 5 * 60_000)).collect()
}

fn asked(id: &str, kopecks: i64) -> [Event; 2] {
    [refund_requested(id, kopecks), refund_asked(id)]
}

#[test]
fn a_status_follows_from_what_the_bank_said() {
    use BankStatus as Bank;
    check(&[], Status::Opening, 0, 0);
    check(&[saw(Bank::Created)], Status::Open, 0, 0);
    check(&[saw(Bank::InProgress)], Status::Open, 0, 0);
    check(&[saw(Bank::Authorized)], Status::Authorized, 0, 0);
    check(&[saw(Bank::Paid)], Status::Paid, AMOUNT, 0);
    check(&[saw(Bank::Expired)], Status::Expired, 0, 0);
    check(&[saw(Bank::Authorized), saw(Bank::Expired)], Status::Expired, 0, 0);
    check(&[saw(Bank::Canceled)], Status::Canceled, 0, 0);
    check(&[saw(Bank::Declined)], Status::Failed, 0, 0);
    check(&[saw(Bank::Refunded)], Status::Refunded, AMOUNT, AMOUNT);
    check(&[listed(&[("b1", 100)])], Status::PartiallyRefunded, AMOUNT, 100);
    // A late word about the past changes nothing.
    check(&[saw(Bank::Paid), saw(Bank::Authorized), saw(Bank::Created)], Status::Paid, AMOUNT, 0);
    check(&[listed(&[("b1", 100)]), saw(Bank::Paid)], Status::PartiallyRefunded, AMOUNT, 100);
    // Paid after all, in the bank's grace.
    check(&[saw(Bank::Created), Event::Lapsed, saw(Bank::Paid)], Status::Paid, AMOUNT, 0);
}

#[test]
fn a_link_lapses_only_while_nothing_was_paid_or_held() {
    check(&[saw(BankStatus::Created), Event::Lapsed], Status::Expired, 0, 0);
    check(&[saw(BankStatus::Authorized), Event::Lapsed], Status::Authorized, 0, 0);
    check(&[saw(BankStatus::Paid), Event::Lapsed], Status::Paid, AMOUNT, 0);
}

#[test]
fn another_sum_than_asked_for_is_a_mismatch_and_never_paid() {
    let less = Observation { paid: Some(money(90_000)), ..seen(BankStatus::Paid) };
    let (payment, announced) = after(created(), &[Event::Observed(less)]);
    assert_eq!(payment.status(), Status::AmountMismatch);
    assert!(announced.contains(&(EventKind::PaymentAmountMismatch, None)));
    assert!(!announced.contains(&(EventKind::PaymentPaid, None)));
}

#[test]
fn a_refund_accepted_and_then_listed_under_another_id_counts_once() {
    let start = [saw(BankStatus::Paid)].into_iter().chain(asked("rf_1", 30_000));
    let mut events: Vec<Event> = start.chain([accepted("rf_1")]).collect();
    check(&events, Status::PartiallyRefunded, AMOUNT, 30_000);
    events.push(listed(&[("another id", 30_000)]));
    let payment = check(&events, Status::PartiallyRefunded, AMOUNT, 30_000);
    assert_eq!(payment.refunds.len(), 1);
    assert_eq!(payment.refunds[0].bank_refund_id.as_deref(), Some("another id"));
}

#[test]
fn a_refund_in_the_cabinet_becomes_a_refund_of_the_bank() {
    let payment = check(&[listed(&[("b1", 100)])], Status::PartiallyRefunded, AMOUNT, 100);
    assert_eq!(payment.refunds[0].origin, Origin::Bank);
    // One of another sum is not the shop's, either.
    let events: Vec<Event> =
        [saw(BankStatus::Paid)].into_iter().chain(asked("rf_1", 200)).collect();
    let (payment, _) = after(created(), &events);
    let (payment, _) = after(payment, &[listed(&[("b1", 100)])]);
    assert_eq!(payment.status(), Status::Refunding);
    assert_eq!((payment.refunds.len(), payment.refunded()), (2, money(100)));
}

#[test]
fn of_two_equal_refunds_one_listed_settles_one() {
    let mut events = vec![saw(BankStatus::Paid)];
    events.extend(asked("rf_1", 30_000));
    events.push(refund_requested("rf_2", 30_000));
    events.push(listed(&[("b1", 30_000)]));
    let payment = check(&events, Status::Refunding, AMOUNT, 30_000);
    assert_eq!(payment.refunds.iter().filter(|refund| refund.state.is_pending()).count(), 1);
    events.push(refund_asked("rf_2"));
    events.push(listed(&[("b1", 30_000), ("b2", 30_000)]));
    let payment = check(&events, Status::PartiallyRefunded, AMOUNT, 60_000);
    assert_eq!(payment.refunds.len(), 2);
}

#[test]
fn a_listed_refund_is_first_the_accepted_one_then_the_unanswered_one() {
    // Seed 180 of the simulation: the unanswered one took the other's place and was counted too.
    let mut events = vec![saw(BankStatus::Paid)];
    events.push(refund_requested("rf_1", 30_000));
    events.extend(asked("rf_2", 30_000));
    events.push(accepted("rf_2"));
    events.push(refund_asked("rf_1"));
    events.push(listed(&[("b1", 30_000)]));
    let payment = check(&events, Status::Refunding, AMOUNT, 30_000);
    let unanswered = payment.refunds.iter().find(|refund| refund.id == "rf_1").unwrap();
    assert!(unanswered.state.is_pending());
}

#[test]
fn a_refund_is_given_up_after_enough_looks_and_enough_time() {
    let mut events = vec![saw(BankStatus::Paid)];
    events.extend(asked("rf_1", 30_000));
    let soon: Vec<Event> = (2..=20).map(|at_ms| not_seen("rf_1", at_ms)).collect();
    check(&[events.clone(), soon].concat(), Status::Refunding, AMOUNT, 0);
    let rarely = vec![not_seen("rf_1", 60 * 60_000)];
    check(&[events.clone(), rarely].concat(), Status::Refunding, AMOUNT, 0);
    let payment = check(&[events, given_up("rf_1")].concat(), Status::Paid, AMOUNT, 0);
    assert!(matches!(&payment.refunds[0].state, RefundState::Failed(why)
        if why.code == "refund_not_found"));
}

#[test]
fn a_refund_given_up_too_early_is_healed_by_the_list() {
    let mut events = vec![saw(BankStatus::Paid)];
    events.extend(asked("rf_1", 30_000));
    events.extend(given_up("rf_1"));
    events.push(listed(&[("b1", 30_000)]));
    let payment = check(&events, Status::PartiallyRefunded, AMOUNT, 30_000);
    assert_eq!((payment.refunds.len(), &payment.refunds[0].state), (1, &RefundState::Succeeded));
}

#[test]
fn only_a_refund_that_did_not_leave_may_leave() {
    let mut events = vec![saw(BankStatus::Paid)];
    events.extend(asked("rf_1", 30_000));
    let (sent, _) = after(created(), &events);
    assert_eq!(apply(&sent, &refund_asked("rf_1")), Err(Refused::NoSuchRefund));
    let (settled, _) = after(sent.clone(), &[accepted("rf_1")]);
    assert_eq!(apply(&settled, &refund_asked("rf_1")), Err(Refused::NoSuchRefund));
    let back = Event::RefundNotSent { id: "rf_1".into() };
    after(sent, &[back, refund_asked("rf_1")]);
}

#[test]
fn no_refund_leaves_while_the_answer_to_another_is_not_known() {
    // Seed 280 of the simulation at T-Bank: a driver that had lost its lease asked for the second
    // of two equal refunds, and the one that the bank made explained both.
    let mut events = vec![saw(BankStatus::Paid), refund_requested("rf_2", 30_000)];
    events.extend(asked("rf_1", 30_000));
    let (sent, _) = after(created(), &events);
    assert_eq!(apply(&sent, &refund_asked("rf_2")), Err(Refused::NoSuchRefund));
    let refused = Event::RefundRefused { id: "rf_1".into(), failure: failure("bank_refused") };
    let back = Event::RefundNotSent { id: "rf_1".into() };
    for answer in [accepted("rf_1"), refused, back, listed(&[("b1", 30_000)])] {
        let (answered, _) = after(sent.clone(), &[answer, refund_asked("rf_2")]);
        let second = answered.refunds.iter().find(|refund| refund.id == "rf_2").unwrap();
        assert!(matches!(second.state, RefundState::Asked { .. }), "{answered:?}");
    }
}

#[test]
fn what_is_settled_stays_settled() {
    let mut events = vec![saw(BankStatus::Paid)];
    events.extend(asked("rf_1", 30_000));
    events.push(listed(&[("b1", 30_000)]));
    // The reply comes after the list told of it, and says something else.
    for late in [
        accepted("rf_1"),
        Event::RefundNotSent { id: "rf_1".into() },
        Event::RefundRefused { id: "rf_1".into(), failure: failure("bank_refused") },
        not_seen("rf_1", i64::MAX),
    ] {
        events.push(late);
        check(&events, Status::PartiallyRefunded, AMOUNT, 30_000);
    }
}

#[test]
fn a_refund_beyond_the_rest_is_refused() {
    let paid = sample(Status::Paid);
    let refuse = |payment: &Payment, kopecks| {
        apply(payment, &refund_requested("rf_9", kopecks)).unwrap_err()
    };
    let left = money(AMOUNT);
    assert_eq!(refuse(&paid, AMOUNT + 1), Refused::RefundTooLarge { left });
    assert_eq!(refuse(&paid, 0), Refused::RefundOfNothing);
    // What is under way counts as gone.
    let left = money(70_000);
    let refunding = sample(Status::Refunding);
    assert_eq!(refuse(&refunding, 70_001), Refused::RefundTooLarge { left });
    for status in [Status::Opening, Status::Open, Status::Authorized, Status::Expired] {
        assert_eq!(refuse(&sample(status), 1), Refused::NotRefundable(status));
    }
    let left = Money::ZERO;
    assert_eq!(refuse(&sample(Status::Refunded), 1), Refused::RefundTooLarge { left });
}

#[test]
fn a_capture_asked_for_twice_is_one_capture() {
    let request = Event::CaptureRequested { at_ms: 7, amount: None };
    let once = apply(&sample(Status::Authorized), &request).unwrap();
    assert_eq!(once.effects, [Effect::Drive]);
    let twice = apply(&once.next, &Event::CaptureRequested { at_ms: 8, amount: None }).unwrap();
    assert_eq!((twice.next, twice.effects), (once.next, vec![]));
    let paid = sample(Status::Paid);
    assert_eq!(apply(&paid, &request).unwrap().effects, []);
    for status in [Status::Open, Status::Expired, Status::Refunded, Status::Canceled] {
        let refused = apply(&sample(status), &request).unwrap_err();
        assert_eq!(refused, Refused::NotCapturable(status));
    }
}

#[test]
fn a_refused_capture_leaves_the_hold_and_may_be_asked_again() {
    let refused = Event::CaptureRefused(failure("bank_refused"));
    let (payment, announced) = after(sample(Status::Capturing), &[refused]);
    assert_eq!(payment.status(), Status::Authorized);
    assert!(announced.contains(&(EventKind::PaymentCaptureFailed, None)));
    let (payment, _) = after(payment, &[Event::CaptureRequested { at_ms: 9, amount: None }]);
    assert_eq!(payment.status(), Status::Capturing);
}

#[test]
fn a_failed_payment_that_the_bank_has_after_all_comes_to_life_and_is_driven() {
    let applied = apply(&sample(Status::Failed), &saw(BankStatus::Created)).unwrap();
    assert_eq!(applied.next.status(), Status::Open);
    assert!(applied.effects.contains(&Effect::Drive));
    let open = sample(Status::Open);
    let refused = Event::OpenRefused(failure("bank_token_refused"));
    assert_eq!(apply(&open, &refused).unwrap().next, open, "only the second request was refused");
}
