//! What is done next, and when.

use super::*;
use crate::payments::schedule::{Step, may_lapse, next_step};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// As Tochka's.
const GRACE_MINUTES: u32 = 60;

/// What is to be done at this age of the payment; waits are shown as ages, too.
fn check(payment: &Payment, age_ms: i64, expected: &Step) {
    let step = next_step(payment, GRACE_MINUTES, CREATED_MS + age_ms);
    let step = if let Step::Wait { until_ms } = step { wait(until_ms - CREATED_MS) } else { step };
    assert_eq!(&step, expected, "{age_ms} ms after {:?}", payment.status());
}

fn wait(until_ms: i64) -> Step {
    Step::Wait { until_ms }
}

#[test]
fn a_new_payment_is_opened_at_once_and_looked_up_after_silence() {
    let mut payment = created();
    check(&payment, 0, &Step::Open);
    payment.intents.open_asked_ms = Some(CREATED_MS);
    for (tries, wait_ms) in [(1, 2), (2, 5), (3, 15), (4, 30), (5, 60), (6, 300), (9, 300)] {
        payment.intents.open_tries = tries;
        check(&payment, 0, &wait(wait_ms * SECOND));
        check(&payment, wait_ms * SECOND, &Step::LookUp);
    }
}

#[test]
fn a_payment_that_never_reached_the_bank_ends_with_its_time() {
    let mut payment = created();
    let life_ms = payment.expires_ms - CREATED_MS;
    check(&payment, life_ms - 1, &Step::Open);
    check(&payment, life_ms, &Step::Lapse);
    // One that may have reached it is looked up first.
    payment.intents.open_asked_ms = Some(CREATED_MS);
    check(&payment, life_ms, &Step::LookUp);
}

#[test]
fn an_open_payment_is_asked_about_once_a_minute_for_a_quarter_of_an_hour() {
    let mut payment = sample(Status::Open);
    for minute in 0..15 {
        payment.asked_ms = CREATED_MS + minute * MINUTE;
        check(&payment, minute * MINUTE, &wait((minute + 1) * MINUTE));
        check(&payment, (minute + 1) * MINUTE, &Step::Ask);
    }
}

#[test]
fn then_the_gaps_grow_to_half_an_hour_and_no_further() {
    let mut payment = sample(Status::Open);
    payment.expires_ms = CREATED_MS + 100 * HOUR;
    for (asked, next) in [(15, 16), (19, 20), (35, 40), (55, 65), (135, 165), (600, 630)] {
        payment.asked_ms = CREATED_MS + asked * MINUTE;
        check(&payment, asked * MINUTE, &wait(next * MINUTE));
    }
}

#[test]
fn a_link_lapses_after_the_banks_grace() {
    let mut payment = sample(Status::Open);
    payment.asked_ms = CREATED_MS + 119 * MINUTE;
    check(&payment, 119 * MINUTE, &wait(2 * HOUR));
    check(&payment, 2 * HOUR, &Step::Lapse);
    // The bank was out of reach for three hours: its link lives that much longer.
    payment.intents.open_asked_ms = Some(CREATED_MS + 3 * HOUR);
    check(&payment, 2 * HOUR, &wait(145 * MINUTE));
    check(&payment, 5 * HOUR, &Step::Lapse);
}

#[test]
fn a_hold_is_looked_at_until_its_end_and_captured_once_a_minute_when_asked() {
    let mut payment = sample(Status::Authorized);
    payment.asked_ms = CREATED_MS + 50 * HOUR;
    check(&payment, 50 * HOUR, &wait(50 * HOUR + 30 * MINUTE));
    let mut payment = sample(Status::Capturing);
    check(&payment, 50 * HOUR, &Step::Capture);
    payment.intents.capture_asked_ms = Some(CREATED_MS);
    check(&payment, 0, &wait(MINUTE));
    check(&payment, MINUTE, &Step::Capture);
}

#[test]
fn what_is_settled_rests_once_it_is_no_longer_young() {
    for status in [Status::Paid, Status::PartiallyRefunded, Status::Refunded] {
        check(&sample(status), 5 * MINUTE, &Step::Ask);
        check(&sample(status), 15 * MINUTE, &Step::Rest);
    }
    for status in [Status::Expired, Status::Canceled, Status::Failed] {
        check(&sample(status), 0, &Step::Rest);
    }
}

#[test]
fn an_accepted_refund_is_looked_for_until_the_bank_lists_it() {
    let at_ms = CREATED_MS;
    let request =
        Event::RefundRequested { id: "rf_1".into(), amount: money(100), reason: None, at_ms };
    let accepted = Event::RefundAccepted { id: "rf_1".into() };
    let events = [request, Event::RefundAsked { id: "rf_1".into(), at_ms }, accepted];
    let (mut payment, _) = after(sample(Status::Paid), &events);
    payment.asked_ms = CREATED_MS + 40 * HOUR;
    check(&payment, 40 * HOUR, &wait(46 * HOUR));
    check(&payment, 46 * HOUR, &Step::Ask);
    check(&payment, 45 * 24 * HOUR, &Step::Rest);
    let (payment, _) = after(payment, &[listed(&[("b1", 100)])]);
    check(&payment, 46 * HOUR, &Step::Rest);
}

#[test]
fn an_unanswered_refund_is_settled_before_another_is_sent() {
    let (payment, _) = after(
        sample(Status::Paid),
        &[refund_requested("rf_1", 100), refund_requested("rf_2", 100)],
    );
    check(&payment, 0, &Step::SendRefund { id: "rf_1".into() });
    let asked = Event::RefundAsked { id: "rf_2".into(), at_ms: CREATED_MS };
    let (payment, _) = after(payment, &[asked]);
    check(&payment, 0, &wait(2 * SECOND));
    check(&payment, 2 * SECOND, &Step::SettleRefund { id: "rf_2".into() });
    let unseen = Event::RefundNotSeen { id: "rf_2".into(), at_ms: CREATED_MS + SECOND };
    let (mut payment, _) = after(payment, &[unseen]);
    payment.asked_ms = CREATED_MS + 2 * SECOND;
    check(&payment, 2 * SECOND, &wait(7 * SECOND));
}

#[test]
fn a_payer_who_is_at_a_bank_s_question_keeps_the_link_alive() {
    use kopeck_banks::op::BankStatus::{Created, Expired, InProgress};
    // T-Bank's 3-D Secure question stands for 36 hours.
    let table = [
        (Some(Created), 0, true),
        (Some(Expired), 0, true),
        (None, 0, true),
        (Some(InProgress), 0, false),
        (Some(InProgress), 36 * HOUR, false),
        (Some(InProgress), 73 * HOUR, true),
    ];
    for (seen, over_ms, expected) in table {
        assert_eq!(may_lapse(seen, over_ms), expected, "{seen:?} {over_ms} ms after its end");
    }
}
