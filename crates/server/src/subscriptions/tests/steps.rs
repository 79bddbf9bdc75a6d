//! What is next: tables over the states, and what no book may lead to.

use kopeck_banks::Money;

use crate::{
    instruments::model::Kind,
    kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS},
    subscriptions::{
        dunning::{Class, NoticeFirst, Rules},
        model::{Attempt, Cause, How, Outcome, Period, PeriodStatus, Subscription},
        state::{EndReason, State},
        steps::{Book, Notice, Step, next_step},
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
        bank_count: None,
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
        receipt: None,
        fail_url: None,
        metadata: "{}".into(),
        revision: 1,
        created_ms: 0,
    };
    Book {
        subscription,
        period: None,
        attempts: Vec::new(),
        rebound_ms: None,
        is_blocked: false,
        notice: None,
    }
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
        refunded: Money::ZERO,
        uncredited: Money::ZERO,
        unbacked: Money::ZERO,
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
    check(
        &book(State::Canceled { access_ms: NOW, reason: EndReason::Asked, in_trial: false }),
        Step::Rest,
    );
    let paused = |resumes_ms| book(State::Paused { left_ms: DAY_MS, resumes_ms });
    check(&paused(None), Step::Rest);
    check(&paused(Some(NOW + 7)), Step::Wait { until_ms: NOW + 7 });
    check(&paused(Some(NOW)), Step::Resume);
}

#[test]
fn a_charge_that_must_be_told_of_first_waits_for_it() {
    let until_ms = NOW - HOUR_MS;
    let rules = |notice_first| Rules { notice_first, ..Rules::default() };
    let due = book(State::Active { until_ms, ends: false });
    let told = |announced_ms, delivered_ms| {
        let mut book = due.clone();
        book.subscription.told_ms = Some(until_ms);
        book.notice = Some(Notice { announced_ms, delivered_ms, is_alarmed: false });
        book
    };
    let (no, announced, delivered) =
        (rules(NoticeFirst::No), rules(NoticeFirst::Announced), rules(NoticeFirst::Delivered));
    let long_ago = NOW - 72 * HOUR_MS;
    let again = Step::Wait { until_ms: NOW + 10 * MINUTE_MS };
    for (book, rules, expected) in [
        // Nobody was told: as before, or told now and charged later.
        (due.clone(), &no, Step::Due),
        (due.clone(), &announced, Step::Tell),
        (due.clone(), &delivered, Step::Tell),
        (told(long_ago, None), &announced, Step::Due),
        (told(long_ago + 1, None), &announced, Step::Wait { until_ms: NOW + 1 }),
        (told(NOW, None), &announced, Step::Wait { until_ms: NOW + 72 * HOUR_MS }),
        (told(NOW - 23 * HOUR_MS, None), &delivered, again),
        (told(long_ago, None), &delivered, Step::Alarm),
        (told(long_ago, Some(long_ago)), &delivered, Step::Due),
        (
            told(long_ago, Some(NOW - HOUR_MS)),
            &delivered,
            Step::Wait { until_ms: NOW + 71 * HOUR_MS },
        ),
        (told(NOW, None), &no, Step::Due),
    ] {
        assert_eq!(next_step(&book, rules, NOW), expected, "{book:?}");
    }
    // Of another boundary nothing was told.
    let mut other = told(long_ago, None);
    other.subscription.told_ms = Some(until_ms - DAY_MS);
    assert_eq!(next_step(&other, &announced, NOW), Step::Tell);
    // Who pays by links decides himself; what ends is charged nothing; a shop that tells nobody
    // waits for nobody.
    let mut by_links = due.clone();
    by_links.subscription.collection = How::Link;
    assert_eq!(next_step(&by_links, &announced, NOW), Step::Due);
    let mut nothing_saved = due.clone();
    nothing_saved.subscription.instrument_id = None;
    assert_eq!(next_step(&nothing_saved, &announced, NOW), Step::Due);
    let ending = book(State::Active { until_ms, ends: true });
    assert_eq!(next_step(&ending, &announced, NOW), Step::Due);
    let silent = Rules { notice_hours: 0, ..announced.clone() };
    assert_eq!(next_step(&due, &silent, NOW), Step::Due);
    let of_plan = announced.of_plan(Some(24));
    assert_eq!(next_step(&told(NOW - DAY_MS, None), &of_plan, NOW), Step::Due);
}

/// Charges of the period so many hours ago, the newest something saved so many hours ago.
fn charged(hours_ago: &[i64], rebound: Option<i64>) -> Book {
    let mut book = waiting(Some(NOW));
    for hours in hours_ago {
        let created_ms = NOW - hours * HOUR_MS;
        let failed = attempt(Outcome::Failed(Class::Later));
        book.attempts.push(Attempt { created_ms, ..failed });
    }
    Book { rebound_ms: rebound.map(|hours| NOW - hours * HOUR_MS), ..book }
}

#[test]
fn no_new_card_and_no_haste_takes_a_limit_of_the_period_away() {
    let wait = |hours: i64| Step::Wait { until_ms: NOW + hours * HOUR_MS };
    check(&charged(&[24], None), Step::Try(How::Charge));
    check(&charged(&[23], None), wait(1));
    // A new card is charged at once, and that counts.
    check(&charged(&[3], Some(1)), Step::Try(How::Charge));
    check(&charged(&[3, 1], Some(2)), wait(23));
    // A second new card on the same day waits for the next.
    check(&charged(&[3, 2], Some(1)), wait(22));
    check(&charged(&[90, 60, 30], Some(1)), Step::Try(How::Charge));
    check(&charged(&[90, 60, 30, 25], Some(1)), Step::Try(How::Link));
    // Where the next day is too late the customer pays himself.
    let mut late = charged(&[3], None);
    late.period.as_mut().unwrap().give_up_ms = NOW + 20 * HOUR_MS;
    check(&late, Step::Try(How::Link));
}

#[test]
fn a_notice_that_nobody_takes_is_told_of_once_and_before_the_day() {
    let until_ms = NOW + 48 * HOUR_MS;
    let rules = Rules { notice_first: NoticeFirst::Delivered, ..Rules::default() };
    let told = |announced_ms, delivered_ms, is_alarmed| {
        let mut book = book(State::Active { until_ms, ends: false });
        book.subscription.told_ms = Some(until_ms);
        book.notice = Some(Notice { announced_ms, delivered_ms, is_alarmed });
        next_step(&book, &rules, NOW)
    };
    let yesterday = NOW - 24 * HOUR_MS;
    assert_eq!(told(yesterday, None, false), Step::Alarm);
    assert_eq!(told(yesterday + 5, None, false), Step::Wait { until_ms: NOW + 5 });
    assert_eq!(told(yesterday, None, true), Step::Wait { until_ms });
    assert_eq!(told(yesterday, Some(NOW), false), Step::Wait { until_ms });
}

#[test]
fn a_renewal_that_nobody_was_asked_for_is_asked_for_before_it_is_given_up() {
    let over = |attempts: Vec<Attempt>, change: fn(&mut Book)| {
        let mut book = waiting(Some(NOW - DAY_MS));
        book.period.as_mut().unwrap().give_up_ms = NOW;
        book.attempts = attempts;
        change(&mut book);
        next_step(&book, &Rules::default(), NOW)
    };
    assert_eq!(over(Vec::new(), |_| ()), Step::Try(How::Charge));
    assert_eq!(over(vec![attempt(Outcome::Failed(Class::Later))], |_| ()), Step::GiveUp);
    assert_eq!(over(Vec::new(), |book| book.is_blocked = true), Step::GiveUp, "the shop was told");
    let whole = |book: &mut Book| book.period.as_mut().unwrap().end_ms = NOW;
    assert_eq!(over(Vec::new(), whole), Step::GiveUp, "there is nothing left to be paid for");
    let first = |book: &mut Book| book.period.as_mut().unwrap().cause = Cause::First;
    assert_eq!(over(Vec::new(), first), Step::GiveUp);
}
