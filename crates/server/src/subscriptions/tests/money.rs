//! Sums: parts of periods, coupons, balances. Not a kopeck is lost or made.

use kopeck_banks::Money;
use proptest::prelude::*;

use crate::subscriptions::{
    pricing::{Costs, Discount, LineKind, MIN_CHARGE_KOPECKS, quote},
    proration::{Change, rest_of},
};

fn money(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks).unwrap()
}

#[test]
fn a_part_of_a_period_is_worth_its_time() {
    let period = (0, 30_000);
    assert_eq!(rest_of(money(300_000), period, 0), money(300_000));
    assert_eq!(rest_of(money(300_000), period, 10_000), money(200_000));
    assert_eq!(rest_of(money(300_000), period, 30_000), Money::ZERO);
    assert_eq!(rest_of(money(300_000), period, -5), money(300_000));
    assert_eq!(rest_of(money(300_000), period, 40_000), Money::ZERO);
    assert_eq!(rest_of(money(100), (5, 5), 5), Money::ZERO, "no time is worth nothing");
    // A third of a ruble, and half a kopeck that goes up.
    assert_eq!(rest_of(money(100), (0, 3), 2), money(33));
    assert_eq!(rest_of(money(1), (0, 2), 1), money(1));
}

#[test]
fn the_same_price_for_the_same_time_costs_nothing() {
    let change = Change::new(money(249_000), money(249_000), (0, 2_592_000_000), 1_234_567_890);
    assert_eq!(change.credit, change.charge);
}

#[test]
fn a_discount_never_gives_more_than_the_price() {
    assert_eq!(Discount::Percent(15).of(money(99_999)), money(15_000));
    assert_eq!(Discount::Percent(100).of(money(99_999)), money(99_999));
    assert_eq!(Discount::Percent(250).of(money(99_999)), money(99_999));
    assert_eq!(Discount::Amount(money(500)).of(money(300)), money(300));
}

#[test]
fn a_sum_too_small_to_charge_waits_on_the_balance() {
    let small = Costs { price: money(900), ..Costs::default() };
    let told = quote(&small).unwrap();
    assert_eq!((told.due, told.balance_kopecks), (Money::ZERO, -900));
    let next = Costs { balance_kopecks: told.balance_kopecks, ..small };
    let told = quote(&next).unwrap();
    assert_eq!((told.due, told.balance_kopecks), (money(1_800), 0));
    assert_eq!(told.lines.last().unwrap().kind, LineKind::Balance);
}

proptest! {
    #[test]
    fn what_was_used_and_what_is_left_are_what_was_paid(
        paid in 0i64..1_000_000_000_000,
        length in 1i64..100_000_000_000,
        at in 0i64..100_000_000_000,
    ) {
        let at = at.min(length);
        let left = rest_of(money(paid), (0, length), at);
        let used = paid - left.kopecks();
        prop_assert!((0..=paid).contains(&used));
        // No further off than half a kopeck.
        let exact = i128::from(paid) * i128::from(length - at);
        let got = i128::from(left.kopecks()) * i128::from(length);
        prop_assert!((got - exact).abs() * 2 <= i128::from(length));
    }

    #[test]
    fn later_is_never_worth_more(
        paid in 0i64..1_000_000_000,
        length in 1i64..10_000_000_000,
        a in 0i64..10_000_000_000,
        b in 0i64..10_000_000_000,
    ) {
        let (a, b) = (a.min(b), a.max(b));
        prop_assert!(rest_of(money(paid), (0, length), a) >= rest_of(money(paid), (0, length), b));
    }

    #[test]
    fn lines_come_to_the_sum_and_no_kopeck_leaves_the_balance_unseen(
        price in 0i64..1_000_000_000,
        setup in 0i64..1_000_000,
        percent in 0u32..=100,
        unused in 0i64..1_000_000_000,
        balance in -1_000_000i64..1_000_000_000,
    ) {
        let discount = Some(Discount::Percent(percent));
        let costs = Costs {
            price: money(price),
            setup_fee: money(setup),
            discount,
            unused: money(unused),
            balance_kopecks: balance,
        };
        let told = quote(&costs).unwrap();
        let sum: i64 = told.lines.iter().map(|line| line.kopecks).sum();
        prop_assert_eq!(sum, told.due.kopecks());
        prop_assert!(told.due.is_zero() || told.due.kopecks() >= MIN_CHARGE_KOPECKS);
        let off = Discount::Percent(percent).of(money(price)).kopecks();
        // What is owed before and what comes anew is what is charged and what stays.
        prop_assert_eq!(price + setup - off - unused - balance,
            told.due.kopecks() - told.balance_kopecks);
    }

    #[test]
    fn a_year_of_periods_costs_what_a_year_costs(
        prices in prop::collection::vec(0i64..5_000, 1..40),
    ) {
        // Periods so cheap that some wait: in the end nothing is lost.
        let (mut balance, mut charged) = (0, 0);
        for price in &prices {
            let costs = Costs { price: money(*price), balance_kopecks: balance, ..Costs::default() };
            let told = quote(&costs).unwrap();
            charged += told.due.kopecks();
            balance = told.balance_kopecks;
        }
        prop_assert_eq!(charged - balance, prices.iter().sum::<i64>());
        prop_assert!(balance > -MIN_CHARGE_KOPECKS);
    }
}
