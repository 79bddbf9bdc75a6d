//! What is next: tables over the states, and what no book may lead to.

use kopeck_banks::Money;

use crate::{
    instruments::model::Kind,
    kit::clock::{DAY_MS, HOUR_MS},
    subscriptions::{
        dunning::{Class, Rules},
        model::{Attempt, Cause, How, Outcome, Period, PeriodStatus, Subscription},
        state::{EndReason, State},
        steps::{Book, Step, next_step},
    },
};

const NOW: i64 = 100 * DAY_MS;

fn book(state: State) -> Book {
    let subscription = Subscription {
        id: "sub_1".into(),
        shop_id: "shop_1".into(),
        customer_id: "client-17".into(),
        plan_id: "plan_1".into(),
        version_id: "pv_1".into(),
        quantity: 1,
        coupon_id: None,
        coupon_left: None,
        connection_id: "con_1".into(),
        collection: How::Charge,
        instrument_id: Some("acc_1".into()),
        saves: Kind::Account,
        zone: "Europe/Moscow".into(),
        anchor_ms: 0,
        cycle: 1,
        periods: 1,
        balance_kopecks: 0,
        next_version_id: None,
        next_quantity: None,
        state,
        told_ms: None,
        contact: None,
        success_url: None,
        fail_url: None,
        metadata: "{}".into(),
        revision: 1,
        created_ms: 0,
    };
    Book { subscription, period: None, attempts: Vec::new(), notice: None }
}

fn waiting(next_try_ms: Option<i64>) -> Book {
    let period = Period {
        subscription_id: "sub_1".into(),
        number: 1,
        cause: Cause::Renewal,
        version_id: "pv_1".into(),
        quantity: 1,
        start_ms: NOW - DAY_MS,
        end_ms: NOW + 29 * DAY_MS,
        lines: Vec::new(),
        amount: Money::ZERO,
        status: PeriodStatus::Open,
        by_link: false,
        next_try_ms,
        give_up_ms: NOW + 13 * DAY_MS,
        paid_ms: None,
        created_ms: NOW - DAY_MS,
    };
    let state = State::PastDue { until_ms: NOW - DAY_MS };
    Book { period: Some(period), ..book(state) }
}

fn attempt(outcome: Outcome) -> Attempt {
    Attempt {
        payment_id: "pay_1".into(),
        subscription_id: "sub_1".into(),
        period: 1,
        number: 1,
        how: How::Charge,
        outcome,
        created_ms: NOW - DAY_MS,
    }
}

#[track_caller]
fn check(book: &Book, expected: Step) {
    assert_eq!(next_step(book, &Rules::default(), NOW), expected);
}

#[test]
fn while_an_outcome_is_not_known_nothing_else_is_asked_for() {
    let mut asking = waiting(Some(NOW));
    asking.attempts.push(attempt(Outcome::Open));
    check(&asking, Step::Wait { until_ms: NOW + HOUR_MS });
    // Not even after its time is over: first it is known.
    asking.period.as_mut().unwrap().give_up_ms = NOW - 1;
    check(&asking, Step::Wait { until_ms: NOW + HOUR_MS });
    asking.attempts[0].outcome = Outcome::Failed(Class::Later);
    check(&asking, Step::GiveUp);
}

#[test]
fn an_open_period_is_asked_for_when_its_time_has_come() {
    check(&waiting(Some(NOW)), Step::Try(How::Charge));
    check(&waiting(Some(NOW + 5)), Step::Wait { until_ms: NOW + 5 });
    check(&waiting(None), Step::Wait { until_ms: NOW + 13 * DAY_MS });
    let mut by_link = waiting(Some(NOW));
    by_link.period.as_mut().unwrap().by_link = true;
    check(&by_link, Step::Try(How::Link));
    let mut nothing_saved = waiting(Some(NOW));
    nothing_saved.subscription.instrument_id = None;
    check(&nothing_saved, Step::Try(How::Link));
}

#[test]
fn who_pays_by_links_is_never_charged() {
    let mut by_links = waiting(Some(NOW));
    by_links.subscription.collection = How::Link;
    check(&by_links, Step::Try(How::Link));
}

#[test]
fn the_customer_is_told_three_days_before_and_once() {
    let until_ms = NOW + 10 * DAY_MS;
    let mut active = book(State::Active { until_ms, ends: false });
    check(&active, Step::Wait { until_ms: until_ms - 72 * HOUR_MS });
    let tell = |book: &Book| next_step(book, &Rules::default(), until_ms - 71 * HOUR_MS);
    assert_eq!(tell(&active), Step::Tell);
    active.subscription.told_ms = Some(until_ms);
    assert_eq!(tell(&active), Step::Wait { until_ms });
    // Of what ends there is nothing to tell, and what is due is due.
    check(&book(State::Active { until_ms, ends: true }), Step::Wait { until_ms });
    check(&book(State::Active { until_ms: NOW, ends: false }), Step::Due);
    check(&book(State::Trialing { until_ms: NOW, ends: true }), Step::Due);
}

#[test]
fn what_rests_rests() {
    check(&book(State::Expired), Step::Rest);
    check(&book(State::Canceled { access_ms: NOW, reason: EndReason::Asked }), Step::Rest);
    let paused = |resumes_ms| book(State::Paused { left_ms: DAY_MS, resumes_ms });
    check(&paused(None), Step::Rest);
    check(&paused(Some(NOW + 7)), Step::Wait { until_ms: NOW + 7 });
    check(&paused(Some(NOW)), Step::Resume);
}
