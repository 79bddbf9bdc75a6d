//! What is wrong with a receipt, named and explained: one table of rules, each with its law or bank
//! rule and the fix, in Russian and English.
//!
//! | file | what it holds |
//! |---|---|
//! | `whole`, `sums` | rules about a receipt as a whole |
//! | `line` | rules about one line |
//! | `goods` | rules about marked goods and goods of others |
//! | `reading` | what can only be wrong in a text that a receipt is read from |
//!
//! Findings quote numbers and words of the receipt, never a buyer's address.

mod goods;
mod line;
pub mod reading;
mod sums;
mod whole;

use super::{
    limits::Limits,
    model::{Line, Receipt},
    vat::Occasion,
    words::{Ffd, Taxation},
};
use crate::{
    money::Money,
    op::{Refusal, RefusalClass},
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Neither a bank nor the tax service takes it.
    Wrong,
    /// Lawful, but this bank has no way to carry it.
    Unsupported,
    /// Taken by the bank, and perhaps a mistake.
    Doubtful,
}

/// A sentence on what is wrong and one on what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub problem: &'static str,
    pub fix: &'static str,
}

#[derive(Debug)]
pub struct Rule {
    /// `receipt_…`, stable.
    pub code: &'static str,
    pub severity: Severity,
    /// The law, the format's tag or the bank's rule.
    pub basis: &'static str,
    pub ru: Text,
    pub en: Text,
    pub check: Check,
}

impl Rule {
    fn refusal(&self) -> Refusal {
        Refusal {
            class: match self.severity {
                Severity::Wrong | Severity::Doubtful => RefusalClass::Invalid,
                Severity::Unsupported => RefusalClass::Unsupported,
            },
            code: self.code,
            message: self.en.problem.to_owned(),
            hint: self.en.fix.to_owned(),
            param: Some("receipt"),
        }
    }
}

/// How a rule is checked: the value at fault comes back, empty if there is nothing to quote.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    Whole(fn(&Context<'_>, &Receipt) -> Option<String>),
    Line(fn(&Context<'_>, &Receipt, &Line) -> Option<String>),
    /// By whoever reads the text.
    Reading,
}

/// What is known around a receipt; what is not known is not checked.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub limits: Option<&'a Limits>,
    /// The cash register's format, unless the receipt names one.
    pub ffd: Ffd,
    /// The shop's tax system, unless the receipt names one.
    pub taxation: Option<Taxation>,
    /// What is paid by this payment.
    pub amount: Option<Money>,
    pub occasion: Option<Occasion>,
}

impl Default for Context<'_> {
    fn default() -> Self {
        Context { limits: None, ffd: Ffd::V105, taxation: None, amount: None, occasion: None }
    }
}

impl Context<'_> {
    fn format(&self, receipt: &Receipt) -> Ffd {
        receipt.ffd.unwrap_or(self.ffd)
    }
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    /// From zero.
    pub line: Option<usize>,
    /// The value at fault, in no language; may be empty.
    pub value: String,
}

impl PartialEq for Finding {
    fn eq(&self, other: &Finding) -> bool {
        (self.rule.code, self.line, &self.value) == (other.rule.code, other.line, &other.value)
    }
}

impl Finding {
    pub fn ru(&self) -> String {
        self.sentence(self.rule.ru.problem, "Строка")
    }

    pub fn en(&self) -> String {
        self.sentence(self.rule.en.problem, "Line")
    }

    /// As a bank's no before its request.
    pub fn refusal(&self) -> Refusal {
        Refusal { message: self.en(), ..self.rule.refusal() }
    }

    fn sentence(&self, problem: &str, word: &str) -> String {
        let problem = match self.value.as_str() {
            "" => problem.to_owned(),
            value => format!("{} ({value}).", problem.trim_end_matches('.')),
        };
        match self.line {
            Some(at) => format!("{word} {}: {problem}", at.saturating_add(1)),
            None => problem,
        }
    }
}

/// Every rule, in the order in which a merchant should mend.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let lines = line::RULES.iter().chain(goods::RULES);
    reading::RULES.iter().chain(whole::RULES).chain(lines).chain(sums::RULES)
}

/// Everything that is wrong.
pub fn lint(context: &Context<'_>, receipt: &Receipt) -> Vec<Finding> {
    rules().flat_map(|rule| broken(rule, context, receipt)).collect()
}

/// The first reason for which the receipt would be refused; doubts are none.
pub fn find_refusal(context: &Context<'_>, receipt: &Receipt) -> Option<Finding> {
    let strict = rules().filter(|rule| rule.severity != Severity::Doubtful);
    strict.flat_map(|rule| broken(rule, context, receipt)).next()
}

/// Every refusal that [`find_refusal`] may lead to, for docs.
pub fn known_refusals() -> impl Iterator<Item = Refusal> {
    let strict = rules().filter(|rule| rule.severity != Severity::Doubtful);
    strict.filter(|rule| !matches!(rule.check, Check::Reading)).map(Rule::refusal)
}

fn broken<'a>(
    rule: &'static Rule,
    context: &'a Context<'_>,
    receipt: &'a Receipt,
) -> Box<dyn Iterator<Item = Finding> + 'a> {
    match rule.check {
        Check::Reading => Box::new(std::iter::empty()),
        Check::Whole(check) => {
            let value = check(context, receipt);
            Box::new(value.map(|value| Finding { rule, line: None, value }).into_iter())
        }
        Check::Line(check) => {
            Box::new(receipt.lines.iter().enumerate().filter_map(move |(at, line)| {
                let value = check(context, receipt, line)?;
                Some(Finding { rule, line: Some(at), value })
            }))
        }
    }
}

/// Shortens an entry: code, severity, basis, Russian and English with problem and fix, check.
const fn rule(
    code: &'static str,
    severity: Severity,
    basis: &'static str,
    [ru, ru_fix]: [&'static str; 2],
    [en, en_fix]: [&'static str; 2],
    check: Check,
) -> Rule {
    let ru = Text { problem: ru, fix: ru_fix };
    Rule { code, severity, basis, ru, en: Text { problem: en, fix: en_fix }, check }
}

/// Broken without a value to quote.
fn bare(is_broken: bool) -> Option<String> {
    is_broken.then(String::new)
}

/// A word that the bank's list lacks.
fn absent<T: PartialEq + Copy>(
    list: Option<&'static [T]>,
    word: T,
    text: &'static str,
) -> Option<String> {
    list.is_some_and(|list| !list.contains(&word)).then(|| text.to_owned())
}
