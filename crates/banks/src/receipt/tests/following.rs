//! The receipts that follow a first one, by example: refunds and closings.

use jiff::civil::date;

use super::*;
use crate::receipt::{
    closing::{ClosingProblem, Days, close},
    refund::{Left, RefundProblem, Return, Returned, all_left, refund},
    vat::{ShopVat, VatPlan},
};

const DAYS: Days = Days { sold: date(2025, 12, 20), delivered: date(2026, 1, 15) };

fn goods(line: usize, quantity_milli: u64) -> Returned {
    Returned { line, quantity_milli }
}

/// Sold in 2025: the rate is the original's whatever the law says today.
fn old_receipt() -> Receipt {
    let mut old = receipt();
    old.lines[0].vat = Vat::Vat20;
    old
}

#[test]
fn goods_come_back_for_what_was_paid_for_them() {
    let original = old_receipt();
    let left = all_left(&original).unwrap();
    let part = refund(&original, &left, Return::Goods(&[goods(0, 1_000)]), None).unwrap();
    assert_eq!(part.amount, rubles("500"));
    assert_eq!(part.receipt.lines, [Line { quantity_milli: 1_000, ..original.lines[0].clone() }]);
    assert_eq!(part.receipt.email, original.email);
    // Half of the cheese, then the other half: 234.50 in all, though each half is 117.2475.
    let part = refund(&original, &part.left, Return::Goods(&[goods(1, 750)]), None).unwrap();
    assert_eq!(part.amount, rubles("117.25"));
    let part = refund(&original, &part.left, Return::Goods(&[goods(1, 750)]), None).unwrap();
    assert_eq!(part.amount, rubles("117.25"));
    let nothing = Left { quantity_milli: 0, sum: Money::ZERO };
    assert_eq!(part.left, [Left { quantity_milli: 1_000, sum: rubles("500") }, nothing]);
    let again = refund(&original, &part.left, Return::Goods(&[goods(1, 1)]), None);
    assert_eq!(again, Err(RefundProblem::TooMany { line: 1, left_milli: 0 }));
}

#[test]
fn a_share_keeps_every_line_with_its_rate_and_lowers_the_prices() {
    let original = old_receipt();
    let left = all_left(&original).unwrap();
    let part = refund(&original, &left, Return::Share(rubles("123.45")), None).unwrap();
    assert_eq!(part.amount, rubles("123.45"));
    assert_eq!(part.receipt.lines[0].vat, Vat::Vat20);
    assert_eq!(part.receipt.lines[0].price, rubles("50"));
    assert_eq!(part.receipt.lines[0].quantity_milli, 2_000);
    assert_eq!(part.receipt.total(), Some(rubles("123.45")));
    let rest = Return::Share(rubles("1111.06"));
    let too_much = refund(&original, &part.left, rest, None);
    assert_eq!(too_much, Err(RefundProblem::TooMuch { left: rubles("1111.05") }));
}

#[test]
fn a_refund_that_makes_no_sense_is_refused() {
    let original = receipt();
    let left = all_left(&original).unwrap();
    let none = refund(&original, &left, Return::Goods(&[]), None);
    assert_eq!(none, Err(RefundProblem::Nothing));
    let strange = refund(&original, &left, Return::Goods(&[goods(2, 1)]), None);
    assert_eq!(strange, Err(RefundProblem::NoSuchLine(2)));
    let twice = [goods(0, 1_500), goods(0, 1_500)];
    let too_many = refund(&original, &left, Return::Goods(&twice), None);
    assert_eq!(too_many, Err(RefundProblem::TooMany { line: 0, left_milli: 2_000 }));
    let other = refund(&original, &left[..1], Return::Share(rubles("1")), None);
    assert_eq!(other, Err(RefundProblem::OtherBooks));
}

#[test]
fn a_refund_of_a_prepayment_is_one_of_a_prepayment() {
    let mut original = receipt();
    for line in &mut original.lines {
        line.method = PaymentMethod::FullPrepayment;
    }
    let left = all_left(&original).unwrap();
    let part = refund(&original, &left, Return::Share(rubles("10")), None).unwrap();
    assert!(part.receipt.lines.iter().all(|line| line.method == PaymentMethod::FullPrepayment));
}

#[test]
fn what_was_prepaid_closes_by_the_advance_at_the_days_rate() {
    let mut first = receipt();
    first.lines[0].method = PaymentMethod::FullPrepayment;
    first.lines[0].vat = Vat::Vat120;
    let closing = close(&first, None, None, DAYS).unwrap();
    // The cheese was paid in full and delivered: it has had its receipt.
    assert_eq!(closing.lines.len(), 1);
    assert_eq!(closing.lines[0].vat, Vat::Vat22);
    assert_eq!(closing.lines[0].method, PaymentMethod::FullPayment);
    let settlement = closing.settlement.unwrap();
    assert_eq!((settlement.advance, settlement.electronic), (rubles("1000"), Money::ZERO));
    assert_eq!(settlement.total(), closing.total());
    let plan = VatPlan::always(ShopVat::Usn5);
    let closing = close(&first, None, Some(&plan), DAYS).unwrap();
    assert_eq!(closing.lines[0].vat, Vat::Vat5);
}

#[test]
fn a_closing_that_makes_no_sense_is_refused() {
    assert_eq!(close(&receipt(), None, None, DAYS), Err(ClosingProblem::NotPrepaid));
    let mut first = receipt();
    first.lines = vec![Line {
        method: PaymentMethod::Advance,
        subject: Subject::Payment,
        vat: Vat::Vat122,
        ..line("Аванс", "1000", 1_000)
    }];
    assert_eq!(close(&first, None, None, DAYS), Err(ClosingProblem::GoodsUnknown));
    let delivered = [Line { vat: Vat::Vat22, ..line("Стол", "999", 1_000) }];
    let problem = ClosingProblem::OtherSum { delivered: rubles("999"), prepaid: rubles("1000") };
    assert_eq!(close(&first, Some(&delivered), None, DAYS), Err(problem));
    let delivered = [Line { vat: Vat::Vat22, ..line("Стол", "1000", 1_000) }];
    let closing = close(&first, Some(&delivered), None, DAYS).unwrap();
    assert_eq!(closing.lines, delivered);
}
