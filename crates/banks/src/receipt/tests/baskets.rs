//! Random baskets: zero kopecks off, and both emulators take every one.
//!
//! A million baskets are spread in every run, and sent through both banks' checks and both
//! emulators, which parse JSON and so take most of the time: all of them where `test.sh` runs
//! (`KOPECK_BASKETS_SENT=1`), the first thousand and every two hundredth in a narrow run.

use super::*;
use crate::{
    bank::{Bank, Credentials, Step},
    op::{BankOp, CreateLink, PayMethod, TerminalOp},
    receipt::{
        balance::spread,
        closing::{Days, close},
        lint::{Context, find_refusal},
        refund::{RefundProblem, Return, Returned, all_left, refund},
    },
    tbank::Tbank,
    tochka::Tochka,
};
use jiff::civil::{Date, date};

const BASKETS: u64 = 1_000_000;
/// T-Bank's largest payment.
const MOST: i64 = 9_999_999_999;

/// A basket as shops have them: most of a few lines of one piece, some long, some by weight.
fn basket(chance: &mut Chance, is_2026: bool) -> Vec<Line> {
    const NEW: [Vat; 4] = [Vat::None, Vat::Vat10, Vat::Vat22, Vat::Vat5];
    const OLD: [Vat; 4] = [Vat::None, Vat::Vat10, Vat::Vat20, Vat::Vat0];
    let count = match chance.below(100) {
        0 => 51 + chance.below(50),
        1..10 => 6 + chance.below(20),
        _ => 1 + chance.below(5),
    };
    let mut lines = Vec::with_capacity(usize::try_from(count).unwrap());
    for _ in 0..count {
        let most = chance.pick(&[100, 10_000, 1_000_000, 50_000_000]);
        let quantity_milli = match chance.below(10) {
            0..5 => 1_000,
            5..8 => 1_000 * (1 + chance.below(50)),
            _ => 1 + chance.below(20_000),
        };
        lines.push(Line {
            price: kopecks(i64::try_from(1 + chance.below(most)).unwrap()),
            quantity_milli,
            vat: chance.pick(if is_2026 { &NEW } else { &OLD }),
            // No allocation of a name per line: a million baskets are mostly allocations.
            ..Line::new(String::new(), Money::ZERO)
        });
    }
    lines
}

/// What is paid for it: a discount, all of it, or delivery on top.
fn asked(chance: &mut Chance, total: i64) -> Money {
    let share = match chance.below(4) {
        0 => 1 + chance.below(100),
        1 => 90 + chance.below(10),
        2 => 100,
        _ => 100 + chance.below(50),
    };
    let share = i64::try_from(share).unwrap();
    let odd = i64::try_from(chance.below(100)).unwrap();
    kopecks((total / 100 * share + odd).max(1))
}

/// Long baskets go in format 1.2, which wants a unit for a fraction.
fn named(lines: Vec<Line>) -> Receipt {
    let name = |line: Line| Line {
        name: "Чай".to_owned(),
        measure: (!line.quantity_milli.is_multiple_of(ONE_MILLI)).then_some(Measure::Kilogram),
        ..line
    };
    let lines: Vec<Line> = lines.into_iter().map(name).collect();
    Receipt {
        ffd: Some(if lines.len() > 3 { Ffd::V12 } else { Ffd::V105 }),
        email: Some("buyer@example.ru".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        lines,
        ..Receipt::default()
    }
}

fn credentials() -> Credentials {
    let values = [
        ("access_token", "sandbox.jwt.token"),
        ("customer_code", "300000092"),
        ("terminal_key", "TinkoffBankTest"),
        ("password", "TinkoffBankTest"),
    ];
    Credentials::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// The body that a bank's client sends, or why it sends none.
fn body(bank: &dyn Bank, credentials: &Credentials, op: &BankOp) -> Vec<u8> {
    match bank.start(credentials, op) {
        Step::Send(request) => request.body,
        Step::Done(outcome) => panic!("{outcome:?}"),
    }
}

#[derive(serde::Deserialize)]
struct InitBody {
    #[serde(rename = "Receipt")]
    receipt: Box<serde_json::value::RawValue>,
}

/// Through both clients' own rules and both emulators' checks; 20 % goes to T-Bank only, which
/// still takes it.
fn send(credentials: &Credentials, receipt: &Receipt, amount: Money) {
    let link = CreateLink {
        reference: "order-1".to_owned(),
        amount,
        purpose: "Заказ".to_owned(),
        methods: vec![PayMethod::Card],
        ttl_minutes: 60,
        receipt: Some(receipt.clone()),
        ..CreateLink::default()
    };
    let op = BankOp::CreateLink(link);
    let is_old = |line: &Line| matches!(line.vat, Vat::Vat20 | Vat::Vat120);
    if !receipt.lines.iter().any(is_old) {
        let body = body(&Tochka, credentials, &op);
        let refusal = crate::tochka::emulator::receipts::find_refusal(&body);
        assert_eq!(refusal, None, "{}", String::from_utf8_lossy(&body));
    }
    // A ruble is the least that T-Bank takes.
    if (100..=MOST).contains(&amount.kopecks()) && receipt.lines.len() <= 100 {
        let body = body(&Tbank, credentials, &op);
        check_tbank(&body, amount, false);
    }
}

fn check_tbank(body: &[u8], amount: Money, is_closing: bool) {
    let init: InitBody = serde_json::from_slice(body).unwrap();
    let refusal =
        crate::tbank::emulator::receipts::find_refusal(init.receipt.get(), amount, is_closing);
    assert_eq!(refusal, None, "{}", init.receipt.get());
}

fn sends_every() -> u64 {
    let every = std::env::var("KOPECK_BASKETS_SENT").ok();
    every.and_then(|every| every.parse().ok()).unwrap_or(200)
}

#[test]
fn a_million_baskets_add_up_to_the_kopeck_and_are_taken() {
    let (credentials, every) = (credentials(), sends_every());
    let mut chance = Chance(20_261_121);
    let (mut split, mut sent) = (0_u64, 0_u64);
    for at in 0..BASKETS {
        // Both years: the million is half and half.
        let lines = basket(&mut chance, at % 2 == 0);
        let total: i64 = lines.iter().map(|line| line.sum().unwrap().kopecks()).sum();
        if total == 0 {
            continue;
        }
        let amount = asked(&mut chance, total);
        let spread_lines = spread(&lines, amount, None).unwrap();
        let mut sum = 0;
        for line in &spread_lines {
            let own = line.sum().unwrap().kopecks();
            assert!(own > 0, "{lines:?} {amount}");
            sum += own;
        }
        assert_eq!(sum, amount.kopecks(), "{lines:?}");
        assert!(spread_lines.len() <= lines.len() * 2, "{lines:?} {amount}");
        split += u64::from(spread_lines.len() > lines.len());
        if at < 1_000 || at % every == 0 {
            sent += 1;
            send(&credentials, &named(spread_lines), amount);
        }
    }
    assert!(split > BASKETS / 10, "only {split} baskets were split");
    assert!(sent >= BASKETS / 200, "only {sent} baskets were sent");
}

/// Long baskets are kept within a hundred lines; only one that has no single piece may fail.
#[test]
fn long_baskets_stay_within_the_banks_lines() {
    let credentials = credentials();
    let mut chance = Chance(7);
    let mut taken = 0;
    for _ in 0..300 {
        let mut lines = Vec::new();
        while lines.len() < 60 + usize::try_from(chance.below(41)).unwrap() {
            lines.extend(basket(&mut chance, true));
        }
        lines.truncate(100);
        lines.retain(|line| !line.sum().unwrap().is_zero());
        let total: i64 = lines.iter().map(|line| line.sum().unwrap().kopecks()).sum();
        let amount = kopecks(total / 100 * 93 + 7);
        let spread_lines = spread(&lines, amount, Some(100)).unwrap();
        assert!(spread_lines.len() <= 100);
        let receipt = named(spread_lines);
        assert_eq!(receipt.total(), Some(amount));
        let amount_fits = amount.kopecks() <= MOST;
        let context = Context {
            limits: Some(Tbank.capabilities().receipts),
            amount: Some(amount),
            ..Context::default()
        };
        if amount_fits && find_refusal(&context, &receipt).is_none() {
            taken += 1;
            send(&credentials, &receipt, amount);
        }
    }
    assert!(taken > 250, "{taken}");
}

/// Any row of refunds, by goods and by share, gives back exactly what was paid, and every receipt
/// of it is one that the bank takes with the rates of the sale.
#[test]
fn refunds_in_any_order_give_back_all_and_no_more() {
    let credentials = credentials();
    let mut chance = Chance(54);
    for at in 0..3_000 {
        let lines = basket(&mut chance, at % 2 == 0);
        let total: i64 = lines.iter().map(|line| line.sum().unwrap().kopecks()).sum();
        let amount = asked(&mut chance, total);
        let Ok(lines) = spread(&lines, amount, Some(100)) else { continue };
        let original = named(lines);
        let mut left = all_left(&original).unwrap();
        let mut returned = 0;
        while returned < amount.kopecks() {
            let rest = amount.kopecks() - returned;
            let mut goods = Vec::new();
            for (line, left) in left.iter().enumerate() {
                if chance.below(2) == 0 {
                    let quantity_milli = chance.below(left.quantity_milli + 1);
                    goods.push(Returned { line, quantity_milli });
                }
            }
            let share = kopecks(1 + i64::try_from(chance.below(rest.unsigned_abs())).unwrap());
            let what = match chance.below(4) {
                0 => Return::Goods(&goods),
                1 => Return::Share(share),
                _ => Return::Share(kopecks(rest)),
            };
            let part = match refund(&original, &left, what, None) {
                Ok(part) => part,
                // Nothing was picked, or so little that it comes to nothing.
                Err(RefundProblem::Nothing) => continue,
                Err(problem) => panic!("{problem}: {original:?} {left:?} {what:?}"),
            };
            assert_eq!(part.receipt.total(), Some(part.amount));
            assert!(part.amount.kopecks() <= rest, "{original:?} {left:?} {what:?}");
            for (line, left) in left.iter().zip(&part.left) {
                assert!(left.sum <= line.sum && left.quantity_milli <= line.quantity_milli);
            }
            let rates = |receipt: &Receipt| -> Vec<Vat> {
                Vat::ALL.iter().copied().filter(|vat| has(receipt, *vat)).collect()
            };
            assert!(rates(&part.receipt).iter().all(|vat| has(&original, *vat)));
            if at % 10 == 0 {
                send_refund(&credentials, &part.receipt, part.amount);
            }
            returned += part.amount.kopecks();
            left = part.left;
        }
        let gone: i64 = left.iter().map(|left| left.sum.kopecks()).sum();
        assert_eq!((gone, returned), (0, amount.kopecks()), "{original:?}");
    }
}

fn has(receipt: &Receipt, vat: Vat) -> bool {
    receipt.lines.iter().any(|line| line.vat == vat)
}

fn send_refund(credentials: &Credentials, receipt: &Receipt, amount: Money) {
    let context = Context {
        limits: Some(Tbank.capabilities().receipts),
        amount: Some(amount),
        ..Context::default()
    };
    if find_refusal(&context, receipt).is_some() {
        // More lines or a larger line than the bank takes, as in the original.
        return;
    }
    let op = BankOp::Refund {
        bank_id: "8111000001".to_owned(),
        amount,
        request_id: "r".to_owned(),
        receipt: Some(receipt.clone()),
        sbp_member: None,
        transfer: None,
    };
    check_tbank(&body(&Tbank, credentials, &op), amount, false);
}

#[test]
fn prepaid_baskets_of_2025_close_in_2026() {
    let credentials = credentials();
    let mut chance = Chance(2025);
    let on: Date = date(2026, 2, 1);
    for _ in 0..1_000 {
        let method = PaymentMethod::FullPrepayment;
        let prepaid = basket(&mut chance, false).into_iter().map(|line| Line {
            method,
            vat: crate::receipt::vat::calculated(line.vat),
            ..line
        });
        let first = named(prepaid.filter(|line| !line.sum().unwrap().is_zero()).collect());
        let Some(total) = first.total().filter(|total| !total.is_zero()) else { continue };
        if total.kopecks() > MOST {
            continue;
        }
        let closing = close(&first, None, None, Days { sold: on, delivered: on }).unwrap();
        assert_eq!(closing.total(), Some(total));
        assert!(!closing.is_prepaid());
        assert!(!has(&closing, Vat::Vat20) && !has(&closing, Vat::Vat120));
        let context = Context { limits: Some(Tbank.capabilities().receipts), ..Context::default() };
        if find_refusal(&context, &closing).is_none() {
            let bank_id = "8111000001".to_owned();
            let op = BankOp::Terminal(TerminalOp::ClosingReceipt { bank_id, receipt: closing });
            check_tbank(&body(&Tbank, &credentials, &op), total, true);
        }
    }
}
