//! VAT by date: the law's table, the shop's plan, refunds and closings.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::*;
use crate::receipt::vat::{
    Occasion, RATES, ShopVat, VatPlan, VatStep, at_closing, at_renewal, calculated,
    find_date_problem, find_rate, for_method, on_day, plain, tax_in,
};

const OLD: Date = date(2025, 12, 31);
const NEW: Date = date(2026, 1, 1);

#[test]
fn every_rate_is_in_the_table_once_with_its_law() {
    let rates: BTreeSet<&str> = RATES.iter().map(|rate| rate.vat.as_str()).collect();
    assert_eq!(rates.len(), RATES.len());
    for vat in Vat::ALL {
        let rate = find_rate(*vat).unwrap();
        assert!(rate.law.contains("НК РФ ст. 1") && rate.law.contains("тег 1199"), "{rate:?}");
        assert_eq!(rate.until.is_some(), rate.successor.is_some(), "{rate:?}");
        assert_eq!(calculated(plain(*vat)), calculated(*vat));
        assert_eq!(plain(calculated(*vat)), plain(*vat));
    }
}

#[test]
fn a_sale_bears_a_rate_of_its_day() {
    let is_due = |vat: Vat, on: Date| find_date_problem(vat, Occasion::Sale { on }).is_none();
    for vat in [Vat::Vat20, Vat::Vat120] {
        assert!(is_due(vat, OLD) && !is_due(vat, NEW), "{vat:?}");
        assert!(!is_due(vat, date(2018, 12, 31)), "{vat:?}");
    }
    for vat in [Vat::Vat22, Vat::Vat122] {
        assert!(!is_due(vat, OLD) && is_due(vat, NEW), "{vat:?}");
    }
    for vat in [Vat::Vat5, Vat::Vat7, Vat::Vat105, Vat::Vat107] {
        assert!(!is_due(vat, date(2024, 12, 31)) && is_due(vat, date(2025, 1, 1)), "{vat:?}");
    }
    for vat in [Vat::None, Vat::Vat0, Vat::Vat10, Vat::Vat110] {
        assert!(is_due(vat, OLD) && is_due(vat, NEW), "{vat:?}");
    }
}

#[test]
fn twenty_percent_stays_only_where_the_law_keeps_it() {
    let kept = [
        Occasion::Refund { sold_on: OLD },
        Occasion::Correction { of: OLD },
        Occasion::PaidLater { delivered_on: OLD },
    ];
    for occasion in kept {
        assert_eq!(find_date_problem(Vat::Vat20, occasion), None, "{occasion:?}");
        assert!(find_date_problem(Vat::Vat22, occasion).is_some(), "{occasion:?}");
    }
    assert!(find_date_problem(Vat::Vat20, Occasion::Refund { sold_on: NEW }).is_some());
}

#[test]
fn the_tax_inside_a_price_is_counted_to_the_kopeck() {
    for (gross, vat, tax) in [
        ("122", Vat::Vat22, "22"),
        ("122", Vat::Vat122, "22"),
        ("120", Vat::Vat20, "20"),
        ("110", Vat::Vat10, "10"),
        ("105", Vat::Vat105, "5"),
        ("107", Vat::Vat7, "7"),
        // 100 × 22 / 122 = 18.0327…; 0.03 × 20 / 120 = 0.005, half up.
        ("100", Vat::Vat22, "18.03"),
        ("0.03", Vat::Vat20, "0.01"),
        ("100", Vat::None, "0"),
        ("100", Vat::Vat0, "0"),
        ("10000000000", Vat::Vat22, "1803278688.52"),
    ] {
        assert_eq!(tax_in(rubles(gross), vat), rubles(tax), "{gross} {vat:?}");
    }
}

#[test]
fn a_shops_vat_follows_its_plan_by_date() {
    let steps = [(2025, 1, ShopVat::NotPayer), (2026, 4, ShopVat::Usn7), (2026, 1, ShopVat::Usn5)];
    let steps = steps.map(|(year, month, vat)| VatStep { valid_from: date(year, month, 1), vat });
    let plan = VatPlan::of(steps.to_vec());
    assert_eq!(plan.rate_on(date(2024, 12, 31)), None);
    assert_eq!(plan.rate_on(OLD), Some(Vat::None));
    assert_eq!(plan.rate_on(NEW), Some(Vat::Vat5));
    assert_eq!(plan.rate_on(date(2026, 3, 31)), Some(Vat::Vat5));
    assert_eq!(plan.rate_on(date(2026, 4, 1)), Some(Vat::Vat7));
    let general = VatPlan::always(ShopVat::General);
    assert_eq!(general.rate_on(OLD), Some(Vat::Vat20));
    assert_eq!(general.rate_on(NEW), Some(Vat::Vat22));
    // Before 5 % existed nobody had it.
    assert_eq!(VatPlan::always(ShopVat::Usn5).rate_on(date(2024, 6, 1)), None);
}

#[test]
fn an_advance_closes_at_the_rate_of_the_delivery() {
    for (prepaid, on, closed) in [
        (Vat::Vat120, NEW, Vat::Vat22),
        (Vat::Vat20, NEW, Vat::Vat22),
        (Vat::Vat120, OLD, Vat::Vat20),
        (Vat::Vat122, NEW, Vat::Vat22),
        (Vat::Vat110, NEW, Vat::Vat10),
        (Vat::Vat105, NEW, Vat::Vat5),
        (Vat::Vat107, NEW, Vat::Vat7),
        (Vat::None, NEW, Vat::None),
        (Vat::Vat0, NEW, Vat::Vat0),
    ] {
        assert_eq!(at_closing(prepaid, None, OLD, on), closed, "{prepaid:?} {on}");
    }
    // The shop has crossed a threshold since; what belongs to the goods stays.
    let plan = VatPlan::always(ShopVat::Usn7);
    assert_eq!(at_closing(Vat::Vat105, Some(&plan), OLD, NEW), Vat::Vat7);
    assert_eq!(at_closing(Vat::Vat110, Some(&plan), OLD, NEW), Vat::Vat10);
}

#[test]
fn who_pays_vat_since_the_advance_owes_it_at_the_delivery() {
    let (sold, delivered) = (date(2026, 12, 20), date(2027, 1, 10));
    let steps = vec![
        VatStep { valid_from: Date::MIN, vat: ShopVat::NotPayer },
        VatStep { valid_from: date(2027, 1, 1), vat: ShopVat::Usn5 },
    ];
    let plan = VatPlan::of(steps);
    for (prepaid, on, closed) in [
        (Vat::None, delivered, Vat::Vat5),
        (Vat::None, date(2026, 12, 31), Vat::None),
        (Vat::Vat0, delivered, Vat::Vat0),
        (Vat::Vat110, delivered, Vat::Vat10),
    ] {
        assert_eq!(at_closing(prepaid, Some(&plan), sold, on), closed, "{prepaid:?} {on}");
    }
    // Of a shop that paid VAT then, goods without it are such goods.
    let general = VatPlan::always(ShopVat::General);
    assert_eq!(at_closing(Vat::None, Some(&general), sold, delivered), Vat::None);
}

#[test]
fn the_way_of_paying_chooses_between_plain_and_calculated() {
    for method in PaymentMethod::ALL {
        let expect = if method.is_prepaid() { Vat::Vat122 } else { Vat::Vat22 };
        assert_eq!(for_method(Vat::Vat22, *method), expect, "{method:?}");
        assert_eq!(for_method(Vat::Vat122, *method), expect, "{method:?}");
    }
}

#[test]
fn a_renewal_bears_the_rate_of_its_day() {
    let steps = vec![
        VatStep { valid_from: Date::MIN, vat: ShopVat::NotPayer },
        VatStep { valid_from: date(2027, 1, 1), vat: ShopVat::Usn5 },
    ];
    let plan = VatPlan::of(steps);
    let next = date(2027, 2, 1);
    for (first, due) in [
        // The shop's own follows its plan, prepaid or not; the goods' own stays.
        (Vat::None, Vat::Vat5),
        (Vat::Vat10, Vat::Vat10),
        (Vat::Vat110, Vat::Vat10),
        (Vat::Vat0, Vat::Vat0),
    ] {
        assert_eq!(at_renewal(first, Some(&plan), NEW, next), due, "{first:?}");
    }
    // Without a plan the law alone moves it.
    assert_eq!(at_renewal(Vat::Vat20, None, OLD, NEW), Vat::Vat22);
    assert_eq!(at_renewal(Vat::Vat120, None, OLD, NEW), Vat::Vat22);
    assert_eq!(at_renewal(Vat::None, None, OLD, next), Vat::None);
    let general = VatPlan::always(ShopVat::General);
    assert_eq!(at_renewal(Vat::Vat120, Some(&general), OLD, NEW), Vat::Vat22);
}

#[test]
fn a_renewals_lines_bear_the_rate_of_their_method_and_marked_goods_are_sold_once() {
    use crate::receipt::renewal::{Days, RenewalProblem, renew};
    let kopecks = |kopecks| Money::from_kopecks(kopecks).unwrap();
    let steps = vec![
        VatStep { valid_from: Date::MIN, vat: ShopVat::NotPayer },
        VatStep { valid_from: date(2027, 1, 1), vat: ShopVat::Usn5 },
    ];
    let plan = VatPlan::of(steps);
    let method = PaymentMethod::FullPrepayment;
    let mut first = Receipt {
        lines: vec![Line { method, ..Line::new("Зал", kopecks(1_001)) }],
        closes_on: Some(date(2026, 1, 31)),
        ..Receipt::default()
    };
    let days = Days { first: NEW, charge: date(2027, 2, 1) };
    let made = renew(&first, kopecks(999), Some(&plan), days, None).unwrap();
    assert_eq!((made.lines[0].vat, made.total()), (Vat::Vat105, Some(kopecks(999))));
    assert_eq!(made.closes_on, Some(date(2027, 3, 3)));
    first.lines[0].mark = Some(Mark { kind: MarkKind::Gs1m, value: "01".into() });
    let refused = renew(&first, kopecks(999), Some(&plan), days, None);
    assert_eq!(refused, Err(RenewalProblem::Marked(1)));
}

#[test]
fn a_hold_of_the_old_year_is_taken_at_the_rates_of_the_new_one() {
    let line = |vat, method| Line { vat, method, ..Line::new("a", rubles("100")) };
    let step = |valid_from, vat| VatStep { valid_from, vat };
    let plan = VatPlan::of(vec![step(Date::MIN, ShopVat::NotPayer), step(NEW, ShopVat::Usn5)]);
    for (vat, method, plan, expect) in [
        (Vat::Vat20, PaymentMethod::FullPayment, None, Vat::Vat22),
        (Vat::Vat120, PaymentMethod::FullPrepayment, None, Vat::Vat122),
        (Vat::Vat20, PaymentMethod::CreditPayment, None, Vat::Vat20),
        (Vat::Vat10, PaymentMethod::FullPayment, None, Vat::Vat10),
        (Vat::None, PaymentMethod::FullPayment, None, Vat::None),
        (Vat::None, PaymentMethod::FullPayment, Some(&plan), Vat::Vat5),
        (Vat::None, PaymentMethod::Advance, Some(&plan), Vat::Vat105),
        (Vat::Vat10, PaymentMethod::FullPayment, Some(&plan), Vat::Vat10),
    ] {
        let sold = Receipt { lines: vec![line(vat, method)], ..Receipt::default() };
        let now = |on| on_day(&sold, &sold.lines[0], plan, OLD, on);
        assert_eq!(now(NEW), expect, "{vat:?} {method:?}");
        assert_eq!(now(OLD), vat, "nothing changed that day");
    }
    // The supplier's rate is none of the shop's.
    let supplier = Supplier { phone: "1".into(), name: "a".into(), tax_code: "2".into() };
    let sold = Receipt {
        lines: vec![line(Vat::None, PaymentMethod::FullPayment)],
        supplier: Some(supplier),
        ..Receipt::default()
    };
    assert_eq!(on_day(&sold, &sold.lines[0], Some(&plan), OLD, NEW), Vat::None);
    // Who always sells for one supplier says that supplier's rates.
    let plan = VatPlan { supplier: sold.supplier.clone(), ..plan };
    assert_eq!(on_day(&sold, &sold.lines[0], Some(&plan), OLD, NEW), Vat::Vat5);
    let respelled = Supplier { phone: "9".into(), ..sold.supplier.clone().unwrap() };
    let plan = VatPlan { supplier: Some(respelled), ..plan };
    assert_eq!(on_day(&sold, &sold.lines[0], Some(&plan), OLD, NEW), Vat::Vat5);
    let another = Supplier { tax_code: "3".into(), ..sold.supplier.clone().unwrap() };
    let plan = VatPlan { supplier: Some(another), ..plan };
    assert_eq!(on_day(&sold, &sold.lines[0], Some(&plan), OLD, NEW), Vat::None);
    // What was sold as the shop's own before it began to sell for another stays its own.
    let own = Receipt { supplier: None, ..sold };
    assert_eq!(on_day(&own, &own.lines[0], Some(&plan), OLD, NEW), Vat::None);
}

#[test]
fn a_plan_in_place_of_another_does_not_rewrite_the_past() {
    let step = |valid_from, vat| VatStep { valid_from, vat };
    let plan = |steps: &[VatStep]| VatPlan::of(steps.to_vec());
    let (none, usn5) = (ShopVat::NotPayer, ShopVat::Usn5);
    let old = plan(&[step(Date::MIN, none)]);
    let moved = VatPlan::always(usn5).after(&old, NEW);
    assert_eq!(moved, plan(&[step(Date::MIN, none), step(NEW, usn5)]));
    // Said again on a later day, it changes nothing.
    let later = date(2026, 6, 1);
    assert_eq!(VatPlan::always(usn5).after(&moved, later), moved);
    // Mended on its first day, it was never so.
    assert_eq!(VatPlan::always(none).after(&moved, NEW), old);
    // A coming step goes on; a day of the past is meant as it is said.
    let coming = plan(&[step(Date::MIN, none), step(later, usn5)]);
    assert_eq!(coming.clone().after(&old, NEW), coming);
    let told = plan(&[step(Date::MIN, none), step(OLD, usn5)]);
    assert_eq!(told.clone().after(&old, NEW), told);
    let dated = plan(&[step(NEW, usn5)]);
    assert_eq!(dated.after(&old, NEW), plan(&[step(Date::MIN, none), step(NEW, usn5)]));
    assert_eq!(plan(&[]).after(&moved, later), moved, "the self-employed say none, and come back");
    let first = plan(&[step(NEW, none)]);
    assert_eq!(VatPlan::always(usn5).after(&first, NEW), VatPlan::always(usn5));
}
