//! Receipts as the outside sees them.

use kopeck_banks::{
    Money,
    receipt::lint::{Finding, Severity},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::check::Report;

/// What is wrong with a receipt.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    #[schema(value_type = String, example = "receipt_check")]
    pub object: &'static str,
    /// Whether it would be taken; doubts do not count.
    pub ok: bool,
    /// The form it was read as: kopeck, salebot, bank.
    #[schema(value_type = String, example = "kopeck")]
    pub form: &'static str,
    pub lines: usize,
    /// Rubles; null when it cannot be told.
    #[schema(example = "4900.00")]
    pub total: Option<String>,
    pub findings: Vec<FindingView>,
}

/// One finding, with its reason and its remedy.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView {
    #[schema(value_type = String, example = "receipt_total_mismatch")]
    pub code: &'static str,
    /// wrong, unsupported (lawful, but the bank cannot carry it), doubtful (stops nothing).
    #[schema(value_type = String, example = "wrong")]
    pub severity: &'static str,
    /// The line's number, from 1.
    pub line: Option<usize>,
    /// The value at fault.
    pub value: String,
    /// The law or the bank's rule.
    #[schema(value_type = String)]
    pub basis: &'static str,
    pub ru: ExplainedView,
    pub en: ExplainedView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedView {
    pub problem: String,
    #[schema(value_type = String)]
    pub fix: &'static str,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> FindingView {
        let rule = finding.rule;
        FindingView {
            code: rule.code,
            severity: match rule.severity {
                Severity::Wrong => "wrong",
                Severity::Unsupported => "unsupported",
                Severity::Doubtful => "doubtful",
            },
            line: finding.line.map(|at| at.saturating_add(1)),
            value: finding.value.clone(),
            basis: rule.basis,
            ru: ExplainedView { problem: finding.ru(), fix: rule.ru.fix },
            en: ExplainedView { problem: finding.en(), fix: rule.en.fix },
        }
    }
}

impl From<&Report> for CheckView {
    fn from(report: &Report) -> CheckView {
        CheckView {
            object: "receipt_check",
            ok: report.is_good(),
            form: report.form.as_str(),
            lines: report.lines,
            total: report.total.map(Money::to_rubles),
            findings: report.findings.iter().map(FindingView::from).collect(),
        }
    }
}
