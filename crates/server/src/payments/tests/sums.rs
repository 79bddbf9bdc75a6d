//! Sums that differ from the order's, and refunds known only by what is left.

use super::*;
use crate::payments::{
    model::{Origin, RefundState},
    schedule::{Step, next_step},
    state::Refused,
};

fn has(announced: &Announced, kind: EventKind) -> bool {
    announced.contains(&(kind, None))
}

fn capture(kopecks: Option<i64>) -> Event {
    Event::CaptureRequested { at_ms: 7, amount: kopecks.map(money) }
}

/// Origin, kopecks and state word of each refund.
fn rows(payment: &Payment) -> Vec<(Origin, i64, &'static str)> {
    let rows = payment.refunds.iter();
    rows.map(|it| (it.origin, it.amount.kopecks(), it.state.as_str())).collect()
}

#[track_caller]
fn check(events: &[Event], status: Status, wanted: &[(Origin, i64, &'static str)]) -> Payment {
    let (payment, announced) = after(created(), events);
    assert_eq!(rows(&payment), wanted, "{events:?}");
    assert_eq!(payment.status(), status, "{events:?}");
    for refund in payment.refunds.iter().filter(|it| it.state == RefundState::Succeeded) {
        let told = (EventKind::RefundSucceeded, Some(refund.id.clone()));
        assert!(announced.contains(&told), "{refund:?}");
    }
    payment
}

#[test]
fn a_hold_of_another_sum_is_a_mismatch_and_is_taken_only_by_name() {
    for kopecks in [90_000, 110_000] {
        let (payment, announced) = after(created(), &[held(kopecks)]);
        assert_eq!(payment.status(), Status::AmountMismatch);
        assert!(has(&announced, EventKind::PaymentAmountMismatch));
        assert!(!has(&announced, EventKind::PaymentAuthorized));
        let refused = apply(&payment, &capture(None)).unwrap_err();
        assert_eq!(refused, Refused::CaptureAmountNeeded { held: money(kopecks) });
        let refused = apply(&payment, &capture(Some(kopecks + 1))).unwrap_err();
        assert_eq!(refused, Refused::CaptureTooLarge { held: money(kopecks) });
        // It is looked after like any hold, also long after.
        let late_ms = CREATED_MS + 40 * 24 * 60 * 60_000;
        assert_ne!(next_step(&payment, 60, late_ms), Step::Rest);
        let (payment, more) = after(payment, &[capture(Some(90_000))]);
        assert_eq!((payment.status(), more), (Status::Capturing, Announced::new()));
        let taken = Observation { paid: Some(money(90_000)), ..untold(BankStatus::Paid) };
        let (payment, more) = after(payment, &[Event::Observed(taken)]);
        assert_eq!(payment.status(), Status::Paid);
        assert!(has(&more, EventKind::PaymentPaid), "{more:?}");
    }
}

#[test]
fn the_order_s_sum_of_a_larger_hold_is_kept_as_it_was_asked_for() {
    let (payment, _) = after(created(), &[held(110_000), capture(Some(AMOUNT))]);
    assert_eq!(payment.intents.capture_amount, Some(money(AMOUNT)));
    let again = apply(&payment, &capture(Some(AMOUNT))).unwrap();
    assert_eq!((again.next, again.effects), (payment, vec![]));
}

#[test]
fn a_hold_of_another_sum_can_be_released() {
    let (payment, _) = after(created(), &[held(90_000), Event::VoidRequested { at_ms: 7 }]);
    assert_eq!(next_step(&payment, 60, CREATED_MS), Step::Void);
    let (payment, _) = after(payment, &[saw(BankStatus::Canceled)]);
    assert_eq!(payment.status(), Status::Canceled);
}

#[test]
fn a_hold_released_in_part_is_taken_only_by_name() {
    let rest = Observation { left: Some(money(40_000)), ..untold(BankStatus::Authorized) };
    let (payment, announced) = after(created(), &[held(AMOUNT), Event::Observed(rest)]);
    assert_eq!(payment.status(), Status::Authorized);
    assert!(!has(&announced, EventKind::PaymentAmountMismatch), "it was meant so");
    let refused = apply(&payment, &capture(None)).unwrap_err();
    assert_eq!(refused, Refused::CaptureAmountNeeded { held: money(40_000) });
    let (payment, _) = after(payment, &[capture(Some(40_000))]);
    let taken = Observation { paid: Some(money(40_000)), ..untold(BankStatus::Paid) };
    let (payment, _) = after(payment, &[Event::Observed(taken)]);
    assert_eq!((payment.status(), rows(&payment)), (Status::Paid, vec![]));
}

#[test]
fn a_smaller_sum_told_later_is_no_refund() {
    let less = Observation {
        paid: Some(money(90_000)),
        left: Some(money(90_000)),
        ..untold(BankStatus::Paid)
    };
    for events in
        [[left(AMOUNT), Event::Observed(less.clone())], [Event::Observed(less), left(AMOUNT)]]
    {
        let payment = check(&events, Status::Paid, &[]);
        assert_eq!((payment.facts.paid, payment.refunded()), (money(AMOUNT), Money::ZERO));
    }
}

#[test]
fn our_id_beside_another_reference_is_not_believed() {
    let open = sample(Status::Open);
    let other = Observation { reference: Some("K-2".into()), ..seen(BankStatus::Paid) };
    assert_eq!(apply(&open, &Event::Observed(other)).unwrap().next, open);
    let silent = Observation { reference: None, ..seen(BankStatus::Paid) };
    let paid = apply(&open, &Event::Observed(silent)).unwrap().next;
    assert_eq!(paid.status(), Status::Paid);
}

#[test]
fn what_is_gone_without_a_list_is_a_refund_of_the_cabinet() {
    use Origin::Bank;
    use Status::{PartiallyRefunded, Refunded};
    let two = [(Bank, 20_000, "succeeded"), (Bank, 30_000, "succeeded")];
    check(&[left(AMOUNT), left(70_000)], PartiallyRefunded, &two[1..]);
    check(&[left(AMOUNT), left(70_000), left(50_000), left(70_000)], PartiallyRefunded, &two);
    // Seen at once, they are one.
    let one = [(Bank, 50_000, "succeeded")];
    check(&[left(AMOUNT), left(50_000), left(70_000)], PartiallyRefunded, &one);
    check(&[left(AMOUNT), left(0)], Refunded, &[(Bank, AMOUNT, "succeeded")]);
    // Nothing was heard of it before.
    check(&[left(0)], Refunded, &[(Bank, AMOUNT, "succeeded")]);
}

#[test]
fn a_refund_without_an_answer_is_settled_before_the_cabinet_is_thought_of() {
    use Origin::{Bank, Shop};
    use Status::{PartiallyRefunded, Refunding};
    let asked = [left(AMOUNT), refund_requested("rf_1", 30_000), refund_asked("rf_1")];
    let with = |more: &[Event]| [asked.as_slice(), more].concat();
    let open = (Shop, 30_000, "asked");
    check(&with(&[left(50_000)]), Refunding, &[open]);
    let accepted = Event::RefundAccepted { id: "rf_1".into() };
    let both = [(Shop, 30_000, "succeeded"), (Bank, 20_000, "succeeded")];
    check(&with(&[left(50_000), accepted.clone()]), PartiallyRefunded, &both);
    check(&with(&[accepted.clone(), left(50_000)]), PartiallyRefunded, &both);
    check(&with(&[accepted, left(70_000)]), PartiallyRefunded, &both[..1]);
    // It was not, and all that is gone is the cabinet's.
    let refused = Event::RefundRefused { id: "rf_1".into(), failure: failure("bank_refused") };
    let failed = [(Shop, 30_000, "failed"), (Bank, 50_000, "succeeded")];
    check(&with(&[left(50_000), refused.clone()]), PartiallyRefunded, &failed);
    let failed = [(Shop, 30_000, "failed"), (Bank, 30_000, "succeeded")];
    check(&with(&[refused, left(70_000)]), PartiallyRefunded, &failed);
    // Given up too early: the sum fits, and nobody waits for a list that shows it.
    let given_up: Vec<Event> = (1..=5)
        .map(|look| Event::RefundNotSeen { id: "rf_1".into(), at_ms: look * 5 * 60_000 })
        .collect();
    let healed = with(&[given_up.as_slice(), &[left(70_000)]].concat());
    let payment = check(&healed, PartiallyRefunded, &both[..1]);
    assert!(!payment.refunds[0].is_unlisted());
}

#[test]
fn what_waits_to_be_sent_explains_nothing() {
    use Origin::{Bank, Shop};
    let waits = [left(AMOUNT), refund_requested("rf_1", 30_000), left(70_000)];
    let rows = [(Shop, 30_000, "requested"), (Bank, 30_000, "succeeded")];
    let payment = check(&waits, Status::Refunding, &rows);
    assert_eq!(payment.refundable(), money(40_000));
}

#[test]
fn a_listed_refund_is_not_taken_for_the_cabinet_s() {
    use Origin::{Bank, Shop};
    // As the driver notes a refund that a bank without a list accepted.
    let own = Observation { refunds: [("rf_1".to_owned(), money(30_000))].into(), ..untold_own() };
    let events = [
        left(AMOUNT),
        left(70_000),
        refund_requested("rf_1", 30_000),
        refund_asked("rf_1"),
        Event::RefundAccepted { id: "rf_1".into() },
        Event::Observed(own),
        left(40_000),
    ];
    let rows = [(Bank, 30_000, "succeeded"), (Shop, 30_000, "succeeded")];
    let payment = check(&events, Status::PartiallyRefunded, &rows);
    assert_eq!(payment.refunded(), money(60_000));
    assert_eq!(payment.refunds[1].bank_refund_id.as_deref(), Some("rf_1"));
}

#[test]
fn a_refund_that_the_bank_made_before_is_not_taken_for_the_next() {
    // The cabinet gave back a part; the shop's first was accepted, which says nothing of the rest.
    let events = [left(AMOUNT), left(70_000), refund_requested("rf_1", 30_000)];
    let (payment, _) = after(created(), &events);
    let (payment, _) = after(payment, &[refund_asked("rf_1")]);
    assert_eq!(payment.refunds[1].left_before, Some(money(70_000)));
    let accepted = Event::RefundAccepted { id: "rf_1".into() };
    let next = [accepted, refund_requested("rf_2", 30_000), refund_asked("rf_2")];
    let (payment, _) = after(payment, &next);
    assert_eq!(payment.facts.left, Some(money(70_000)), "not looked at since");
    let second = payment.refunds.iter().find(|refund| refund.id == "rf_2").unwrap();
    assert_eq!(second.left_before, Some(money(40_000)));
}

/// Of our payment, and nothing else.
fn untold_own() -> Observation {
    Observation { bank_id: Some("bank-1".into()), ..Observation::default() }
}
