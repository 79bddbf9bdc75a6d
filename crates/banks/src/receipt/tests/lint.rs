//! Every rule bites, names itself and tells what to do in two languages.

use std::collections::BTreeSet;

use jiff::civil::date;

use super::*;
use crate::{
    bank::{Bank, find_bank},
    receipt::{
        lint::{Check, Context, Severity, find_refusal, lint, rules},
        vat::Occasion,
    },
};

fn limits(bank: &str) -> Option<&'static Limits> {
    find_bank(bank).map(|bank: &dyn Bank| bank.capabilities().receipts)
}

fn context(bank: &str) -> Context<'static> {
    Context {
        limits: limits(bank),
        occasion: Some(Occasion::Sale { on: date(2026, 11, 21) }),
        ..Context::default()
    }
}

fn codes(context: &Context<'_>, receipt: &Receipt) -> Vec<&'static str> {
    lint(context, receipt).iter().map(|finding| finding.rule.code).collect()
}

/// A change and the codes that it leads to at each bank.
#[track_caller]
fn check(change: impl Fn(&mut Receipt), tochka: &[&str], tbank: &[&str]) {
    let mut changed = receipt();
    change(&mut changed);
    assert_eq!(codes(&context("tochka"), &changed), tochka, "tochka");
    assert_eq!(codes(&context("tbank"), &changed), tbank, "tbank");
}

#[track_caller]
fn check_both(change: impl Fn(&mut Receipt), expect: &[&str]) {
    check(change, expect, expect);
}

fn supplier() -> Supplier {
    Supplier {
        phone: "+79991234567".to_owned(),
        name: "ООО Поставщик".to_owned(),
        tax_code: "7707083893".to_owned(),
    }
}

fn agent(kind: AgentKind) -> Agent {
    let phones = vec!["+79991234567".to_owned()];
    Agent { kind, phones, receiver_phones: Vec::new(), operation: None, operator: None }
}

#[test]
fn a_good_receipt_has_no_findings() {
    check_both(|_| {}, &[]);
    assert_eq!(codes(&Context::default(), &receipt()), [""; 0]);
}

#[test]
fn the_buyers_address() {
    let phone = |text: &str| Some(text.to_owned());
    check(|r| (r.email, r.phone) = (None, phone("+79001234567")), &["receipt_email_invalid"], &[]);
    check(
        |r| (r.email, r.phone) = (None, phone("")),
        &["receipt_email_invalid", "receipt_contact_missing"],
        &["receipt_contact_missing"],
    );
    for email in ["x", "a@b@example.ru", "@example.ru", "a b@example.ru", "a@example"] {
        check_both(|r| r.email = Some(email.to_owned()), &["receipt_email_invalid"]);
    }
    check_both(
        |r| r.email = Some(format!("{}@example.ru", "x".repeat(54))),
        &["receipt_email_invalid"],
    );
    for wrong in ["x", "123", "+7900123456789012345", "+7 900 123-45-67"] {
        check_both(|r| r.phone = phone(wrong), &["receipt_phone_invalid"]);
    }
}

#[test]
fn addresses_of_buyers_are_never_quoted() {
    let mut changed = receipt();
    changed.email = Some("secret-address".to_owned());
    changed.phone = Some("secret-phone".to_owned());
    for finding in lint(&context("tbank"), &changed) {
        assert!(!format!("{}{}", finding.ru(), finding.en()).contains("secret"), "{finding:?}");
    }
}

#[test]
fn the_whole_receipt() {
    check(|r| r.taxation = None, &[], &["receipt_taxation_missing"]);
    check_both(|r| r.lines.clear(), &["receipt_lines_empty"]);
    check(|r| r.lines = vec![r.lines[0].clone(); 101], &[], &["receipt_lines_many"]);
    let amount = Some(rubles("1234.49"));
    let context = Context { amount, ..context("tbank") };
    let finding = find_refusal(&context, &receipt()).unwrap();
    assert_eq!(finding.rule.code, "receipt_total_mismatch");
    assert!(finding.en().ends_with("(1234.50 ≠ 1234.49)."), "{}", finding.en());
    // Bonus points pay a part: the payment is the rest.
    let mut paid = receipt();
    paid.settlement = Some(Settlement {
        electronic: rubles("1234.49"),
        advance: rubles("0.01"),
        ..Settlement::default()
    });
    assert_eq!(codes(&context, &paid), [""; 0]);
    let half = Settlement { electronic: rubles("1000"), ..Settlement::default() };
    check(
        |r| r.settlement = Some(half),
        &["receipt_settlement_unsupported", "receipt_settlement_mismatch"],
        &["receipt_settlement_mismatch"],
    );
}

#[test]
fn names_and_numbers() {
    let name = |chars: usize| move |r: &mut Receipt| r.lines[1].name = "ы".repeat(chars);
    check_both(name(128), &[]);
    check(name(200), &["receipt_name_long"], &["receipt_name_invalid", "receipt_name_long"]);
    check_both(name(300), &["receipt_name_invalid", "receipt_name_long"]);
    check_both(|r| r.lines[0].name = " ".to_owned(), &["receipt_name_invalid"]);
    check_both(
        |r| r.lines[0].price = Money::ZERO,
        &["receipt_price_invalid", "receipt_sum_invalid"],
    );
    check_both(
        |r| r.lines[0].quantity_milli = 0,
        &["receipt_quantity_invalid", "receipt_sum_invalid"],
    );
    check_both(|r| r.lines[1].quantity_milli = 100_000_000, &["receipt_quantity_invalid"]);
    // A thousandth of a kopeck's worth.
    check_both(
        |r| (r.lines[1].price, r.lines[1].quantity_milli) = (kopecks(1), 1),
        &["receipt_sum_invalid"],
    );
    check_both(|r| r.lines[0].price = rubles("50000000"), &["receipt_sum_invalid"]);
    let finding = lint(&context("tbank"), &{
        let mut long = receipt();
        name(300)(&mut long);
        long
    });
    assert_eq!(
        finding[0].ru(),
        "Строка 2: Название строки пустое или слишком длинное (300, 1–128)."
    );
}

#[test]
fn vat_of_the_day() {
    check(
        |r| r.lines[0].vat = Vat::Vat20,
        &["receipt_vat_date_mismatch", "receipt_vat_unsupported"],
        &["receipt_vat_date_mismatch"],
    );
    let mut old = receipt();
    old.lines[0].vat = Vat::Vat20;
    let sold_on = date(2025, 12, 1);
    let refund = Context { occasion: Some(Occasion::Refund { sold_on }), ..context("tbank") };
    assert_eq!(codes(&refund, &old), [""; 0]);
    // A day that is not known is not judged.
    assert_eq!(codes(&Context { occasion: None, ..context("tbank") }, &old), [""; 0]);
    check_both(|r| r.lines[0].vat = Vat::Vat122, &["receipt_vat_calculated"]);
    check_both(|r| r.lines[0].method = PaymentMethod::FullPrepayment, &["receipt_vat_prepayment"]);
    check_both(|r| r.lines[0].vat = Vat::Vat5, &["receipt_vat_taxation"]);
    check_both(|r| r.taxation = Some(Taxation::Patent), &["receipt_vat_taxation"; 2]);
}

#[test]
fn words_that_a_bank_does_not_carry() {
    for method in PaymentMethod::ALL {
        let change = |r: &mut Receipt| {
            r.lines[0].method = *method;
            r.lines[0].vat = crate::receipt::vat::for_method(Vat::Vat22, *method);
        };
        let is_carried = ["full_payment", "full_prepayment"].contains(&method.as_str());
        let expect: &[&str] = if is_carried { &[] } else { &["receipt_method_unsupported"] };
        check(change, expect, &[]);
    }
    for subject in Subject::ALL {
        let is_carried = ["goods", "service", "work"].contains(&subject.as_str());
        let tochka: &[&str] = if is_carried { &[] } else { &["receipt_subject_unsupported"] };
        let mut changed = receipt();
        changed.lines[0].subject = *subject;
        let marks = if subject.is_marked() { vec!["receipt_mark_missing"] } else { vec![] };
        let expect: Vec<&str> = tochka.iter().copied().chain(marks.clone()).collect();
        assert_eq!(codes(&context("tochka"), &changed), expect, "{subject:?}");
        for ffd in Ffd::ALL {
            let context = Context { ffd: *ffd, ..context("tbank") };
            changed.lines[1].measure = Some(Measure::Kilogram);
            let odd: &[&str] = if subject.fits(*ffd) { &[] } else { &["receipt_subject_format"] };
            let expect: Vec<&str> = odd.iter().copied().chain(marks.clone()).collect();
            assert_eq!(codes(&context, &changed), expect, "{subject:?} {ffd:?}");
        }
    }
    check(|r| r.lines[0].measure = Some(Measure::Other), &["receipt_measure_unsupported"], &[]);
    check_both(|r| (r.lines[1].measure) = Some(Measure::Piece), &["receipt_measure_piece"]);
    let change = |r: &mut Receipt| {
        r.ffd = Some(Ffd::V12);
        r.lines[1].measure = None;
    };
    check(change, &[], &["receipt_measure_missing"]);
}

#[test]
fn marked_goods() {
    let marked = |quantity_milli: u64, value: &str| {
        let value = value.to_owned();
        move |r: &mut Receipt| {
            r.ffd = Some(Ffd::V12);
            r.lines[0].subject = Subject::GoodsMarked;
            r.lines[0].quantity_milli = quantity_milli;
            r.lines[0].mark = Some(Mark { kind: MarkKind::Gs1m, value: value.clone() });
        }
    };
    let no = ["receipt_subject_unsupported", "receipt_mark_unsupported"];
    check(marked(1_000, "0104"), &no, &[]);
    check(
        marked(2_000, "0104"),
        &[no[0], no[1], "receipt_mark_quantity"],
        &["receipt_mark_quantity"],
    );
    check(marked(1_000, " "), &[no[0], no[1], "receipt_mark_missing"], &["receipt_mark_missing"]);
    let mut changed = receipt();
    marked(1_000, "0104")(&mut changed);
    changed.lines[0].subject = Subject::Goods;
    assert_eq!(codes(&context("tbank"), &changed), ["receipt_mark_subject"]);
    changed.lines[0].subject = Subject::GoodsMarked;
    changed.ffd = None;
    let expect = ["receipt_subject_format", "receipt_mark_format"];
    assert_eq!(codes(&context("tbank"), &changed), expect);
}

#[test]
fn goods_of_others() {
    let with = |supplier: Supplier| move |r: &mut Receipt| r.supplier = Some(supplier.clone());
    check_both(with(supplier()), &[]);
    check_both(
        with(Supplier { phone: "8 999".to_owned(), ..supplier() }),
        &["receipt_supplier_phone_invalid"; 2],
    );
    check(
        with(Supplier { phone: "+3725551".to_owned(), ..supplier() }),
        &["receipt_supplier_phone_invalid"; 2],
        &[],
    );
    check_both(
        with(Supplier { tax_code: "77070838931".to_owned(), ..supplier() }),
        &["receipt_supplier_tax_code_invalid"; 2],
    );
    for name in [String::new(), "ы".repeat(230)] {
        check_both(with(Supplier { name, ..supplier() }), &["receipt_supplier_name_invalid"; 2]);
    }
    check(
        |r| r.lines[0].agent = Some(agent(AgentKind::CommissionAgent)),
        &["receipt_agent_unsupported", "receipt_supplier_missing"],
        &["receipt_supplier_missing"],
    );
}

#[test]
fn an_agents_role_decides_what_must_be_known() {
    #[track_caller]
    fn check(agent: Agent, expect: &[&str]) {
        let mut changed = receipt();
        changed.lines[0].supplier = Some(supplier());
        changed.lines[0].agent = Some(agent);
        assert_eq!(codes(&context("tbank"), &changed), expect);
    }
    let incomplete = ["receipt_agent_incomplete"];
    for kind in [AgentKind::Attorney, AgentKind::CommissionAgent, AgentKind::Another] {
        check(Agent { phones: Vec::new(), ..agent(kind) }, &[]);
    }
    let receiver_phones = vec!["+79221210697".to_owned()];
    for kind in [AgentKind::PayingAgent, AgentKind::PayingSubagent] {
        check(agent(kind), &incomplete);
        check(Agent { receiver_phones: receiver_phones.clone(), ..agent(kind) }, &[]);
    }
    let operator = TransferOperator {
        name: "АО Оператор".to_owned(),
        address: "г. Тольятти".to_owned(),
        tax_code: "7710140679".to_owned(),
        phones: receiver_phones,
    };
    for kind in [AgentKind::BankPayingAgent, AgentKind::BankPayingSubagent] {
        check(agent(kind), &incomplete);
        let (operation, operator) = (Some("Приём платежей".to_owned()), Some(operator.clone()));
        check(Agent { operation, operator, ..agent(kind) }, &[]);
    }
}

#[test]
fn doubts_do_not_refuse() {
    let mut changed = receipt();
    changed.lines[0].vat = Vat::Vat122;
    assert_eq!(codes(&context("tbank"), &changed), ["receipt_vat_calculated"]);
    assert_eq!(find_refusal(&context("tbank"), &changed), None);
}

/// Each rule has a case above; this one is about their texts.
#[test]
fn rules_explain_themselves_in_both_languages() {
    let mut names = BTreeSet::new();
    let is_russian = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
    for rule in rules() {
        assert!(names.insert(rule.code), "{}", rule.code);
        assert!(rule.code.starts_with("receipt_") && !rule.basis.is_empty(), "{}", rule.code);
        for text in [rule.ru.problem, rule.ru.fix] {
            assert!(text.ends_with('.') && is_russian(text), "{}: {text}", rule.code);
        }
        for text in [rule.en.problem, rule.en.fix] {
            assert!(text.ends_with('.') && !is_russian(text), "{}: {text}", rule.code);
        }
        let is_read = matches!(rule.check, Check::Reading);
        assert!(!is_read || rule.severity == Severity::Wrong, "{}", rule.code);
    }
    assert!(names.len() > 35, "{}", names.len());
}

#[test]
fn a_name_that_the_bank_drops_is_told() {
    let name = |r: &mut Receipt| r.buyer_name = Some("Анна".to_owned());
    check(name, &[], &["receipt_name_uncarried"]);
    let mut named = receipt();
    name(&mut named);
    assert!(find_refusal(&context("tbank"), &named).is_none(), "it stops nothing");
}
