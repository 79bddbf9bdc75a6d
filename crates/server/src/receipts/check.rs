//! What is wrong with a receipt's text: what cannot be read, then every rule that the rest breaks.
//! It stops at the first mistake of no more than one field or line, and never changes anything.

use jiff::{civil::Date, tz::TimeZone};
use kopeck_banks::{
    Money,
    receipt::{
        Ffd, Limits, Line, PaymentMethod, Receipt, Supplier, Taxation,
        lint::{Context, Finding, Severity, lint},
        vat::Occasion,
    },
};

use super::{
    form::{Form, read_any},
    request::ReceiptProblem,
};
use crate::kit::clock::timestamp;

/// What is known around the receipt.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// What the bank carries; none: only the law is asked.
    pub limits: Option<&'static Limits>,
    pub amount: Option<Money>,
    pub on: Option<Date>,
    pub ffd: Option<Ffd>,
    pub taxation: Option<Taxation>,
    /// For whom the shop sells what names no other supplier.
    pub supplier: Option<Supplier>,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub form: Form,
    pub lines: usize,
    pub total: Option<Money>,
    pub findings: Vec<Finding>,
}

impl Report {
    /// Of a text that was not read so far as to be a receipt.
    pub fn unread(form: Form, problems: Vec<ReceiptProblem>) -> Report {
        let findings = problems.into_iter().map(|problem| problem.finding).collect();
        Report { form, lines: 0, total: None, findings }
    }

    /// Whether it would be taken; doubts do not count.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.rule.severity == Severity::Doubtful)
    }
}

/// The day in Moscow, where banks and their cash registers count days.
pub fn moscow_day(ms: i64) -> Date {
    timestamp(ms).to_zoned(TimeZone::fixed(jiff::tz::offset(3))).date()
}

/// When that day begins.
pub fn moscow_midnight(day: Date) -> Option<i64> {
    let zone = TimeZone::fixed(jiff::tz::offset(3));
    Some(day.to_zoned(zone).ok()?.timestamp().as_millisecond())
}

pub fn check(text: &str, around: &Around) -> Report {
    let (form, reading) = read_any(text);
    let is_whole = reading.problems.is_empty();
    let mut receipt = reading.receipt;
    // What cannot be read is not there to add up.
    let amount = around.amount.filter(|_| is_whole);
    if !is_whole {
        receipt.settlement = None;
    }
    receipt.supplier = receipt.supplier.or_else(|| around.supplier.clone());
    let context = Context {
        limits: around.limits,
        ffd: around.ffd.unwrap_or(Ffd::V105),
        taxation: around.taxation,
        amount,
        occasion: around.on.map(|on| Occasion::Sale { on }),
    };
    let mut findings: Vec<Finding> =
        reading.problems.into_iter().map(|problem| problem.finding).collect();
    // A text of which not one line could be read tells nothing of a receipt.
    if is_whole || !receipt.lines.is_empty() {
        let found = lint(&context, &receipt).into_iter();
        let found = found.filter(|finding| !is_paid_later(&receipt, finding));
        findings.extend(found.map(|finding| Finding {
            line: finding.line.map(|at| reading.places.get(at).copied().unwrap_or(at)),
            ..finding
        }));
    }
    let total = receipt.total().filter(|_| is_whole);
    Report { form, lines: receipt.lines.len(), total, findings }
}

const WRONG_DAY: &str = "receipt_vat_date_mismatch";

/// A line whose VAT the law does not have on the day of the sale.
pub fn find_wrong_day(receipt: &Receipt, on: Date) -> Option<Finding> {
    let context = Context { occasion: Some(Occasion::Sale { on }), ..Context::default() };
    let mut found = lint(&context, receipt).into_iter();
    found.find(|finding| finding.rule.code == WRONG_DAY && !is_paid_later(receipt, finding))
}

/// Why no receipt could name the supplier, whoever makes it.
pub fn find_supplier_problem(supplier: &Supplier) -> Option<Finding> {
    let line = Line { supplier: Some(supplier.clone()), ..Line::new("-", Money::ZERO) };
    let receipt = Receipt { lines: vec![line], ..Receipt::default() };
    let found = lint(&Context::default(), &receipt);
    let found = found.into_iter().find(|finding| finding.rule.code.starts_with(SUPPLIER))?;
    // The line is none of the shop's.
    Some(Finding { line: None, ..found })
}

const SUPPLIER: &str = "receipt_supplier_";

/// What was delivered on credit bears the rate of its delivery, and that day is not known here.
fn is_paid_later(receipt: &Receipt, finding: &Finding) -> bool {
    let line = finding.line.and_then(|at| receipt.lines.get(at));
    finding.rule.code == WRONG_DAY
        && line.is_some_and(|line| line.method == PaymentMethod::CreditPayment)
}
