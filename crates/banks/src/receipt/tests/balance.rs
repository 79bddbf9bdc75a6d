//! Spreading by example; `baskets` does it a million times.

use super::*;
use crate::receipt::balance::{BalanceProblem, fit, shares, spread};

#[track_caller]
fn check_shares(weights: &[i64], amount: i64, expect: &[i64]) {
    let weights: Vec<Money> = weights.iter().map(|weight| kopecks(*weight)).collect();
    let shares = shares(&weights, kopecks(amount)).unwrap();
    let shares: Vec<i64> = shares.into_iter().map(Money::kopecks).collect();
    assert_eq!(shares, expect);
}

#[test]
fn kopecks_left_go_to_the_largest_fractions() {
    check_shares(&[100, 100, 100], 100, &[34, 33, 33]);
    check_shares(&[1, 1, 1], 3, &[1, 1, 1]);
    // 10.1, 20.2, 69.7: the third has the largest fraction.
    check_shares(&[101, 202, 697], 100, &[10, 20, 70]);
    check_shares(&[100, 200], 600, &[200, 400]);
}

#[test]
fn no_line_falls_to_nothing_while_there_is_a_kopeck_for_each() {
    check_shares(&[1, 1, 100_000], 10, &[1, 1, 8]);
    check_shares(&[1, 0, 100_000], 10, &[1, 0, 9]);
    check_shares(&[1, 1, 100_000], 2, &[0, 0, 2]);
}

#[test]
fn there_must_be_something_to_spread_over() {
    let free = line("Подарок", "0", 1_000);
    let paid = line("Чай", "1", 1_000);
    assert_eq!(spread(&[paid], Money::ZERO, None), Err(BalanceProblem::NoAmount));
    assert_eq!(spread(&[free], kopecks(1), None), Err(BalanceProblem::NoLines));
    assert_eq!(spread(&[], kopecks(1), None), Err(BalanceProblem::NoLines));
}

#[track_caller]
fn check_fit(price: &str, quantity_milli: u64, sum: &str, expect: &[(&str, u64)]) {
    let mut lines = Vec::new();
    fit(&line("Чай", price, quantity_milli), rubles(sum), |line| lines.push(line)).unwrap();
    let got: Vec<(String, u64)> =
        lines.iter().map(|line| (line.price.to_rubles(), line.quantity_milli)).collect();
    let expect: Vec<(String, u64)> =
        expect.iter().map(|(price, milli)| ((*price).to_owned(), *milli)).collect();
    assert_eq!(got, expect);
}

#[test]
fn a_line_is_split_only_where_no_price_makes_its_sum() {
    check_fit("100", 1_000, "99.99", &[("99.99", 1_000)]);
    check_fit("100", 2_000, "199.98", &[("99.99", 2_000)]);
    check_fit("100", 3_000, "100", &[("33.33", 2_000), ("33.34", 1_000)]);
    check_fit("100", 3_000, "299.99", &[("99.99", 1_000), ("100.00", 2_000)]);
    // Weight: 1.5 × 66.67 = 100.005, which a cash register rounds up, 0.5 of a kopeck too much.
    check_fit("70", 1_500, "100", &[("66.66", 500), ("66.67", 1_000)]);
    check_fit("70", 500, "33.33", &[("66.66", 500)]);
    // Fewer kopecks than pieces: those without any are left out.
    check_fit("100", 3_000, "0.02", &[("0.01", 2_000)]);
    // What fits already stays.
    check_fit("156.33", 1_500, "234.50", &[("156.33", 1_500)]);
}

#[test]
fn a_discount_keeps_names_rates_and_quantities() {
    let lines = spread(&receipt().lines, rubles("1000"), None).unwrap();
    assert_eq!(Receipt { lines: lines.clone(), ..receipt() }.total(), Some(rubles("1000")));
    for name in ["Чай", "Сыр"] {
        let quantity = |lines: &[Line]| -> u64 {
            lines.iter().filter(|line| line.name == name).map(|line| line.quantity_milli).sum()
        };
        assert_eq!(quantity(&lines), quantity(&receipt().lines), "{name}");
    }
    assert!(lines.iter().all(|line| (line.name == "Чай") == (line.vat == Vat::Vat22)));
}

#[test]
fn too_many_lines_give_their_odd_kopecks_to_one() {
    // A hundred lines of three pieces each: none of them can be split.
    let mut lines = vec![line("Чай", "10", 3_000); 100];
    assert!(spread(&lines, rubles("2999.50"), None).unwrap().len() > 100);
    assert_eq!(
        spread(&lines, rubles("2999.50"), Some(100)),
        Err(BalanceProblem::TooManyLines(100))
    );
    // One that is sold singly takes them all.
    lines[7].quantity_milli = 1_000;
    let spread_lines = spread(&lines, rubles("2979.50"), Some(100)).unwrap();
    assert_eq!(spread_lines.len(), 100);
    let total = Receipt { lines: spread_lines, ..Receipt::default() }.total();
    assert_eq!(total, Some(rubles("2979.50")));
    // With room for one more line, the line of most pieces is split.
    lines.pop();
    lines[3].quantity_milli = 50_000;
    let spread_lines = spread(&lines, rubles("3001.01"), Some(100)).unwrap();
    assert!(spread_lines.len() <= 100, "{}", spread_lines.len());
    let total = Receipt { lines: spread_lines, ..Receipt::default() }.total();
    assert_eq!(total, Some(rubles("3001.01")));
}
