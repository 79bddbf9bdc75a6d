//! Receipts as the outside sees them.

use kopeck_banks::{
    Money,
    op::FiscalRecord,
    receipt::lint::{Finding, Severity},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    check::Report,
    model::Record,
    store::Standing,
    todo::{Todo, find_todo, find_todo_at},
};
use crate::kit::clock::iso;

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

/// A fiscal receipt and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptView {
    #[schema(example = "rcp_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "receipt")]
    pub object: &'static str,
    pub payment_id: String,
    pub refund_id: Option<String>,
    /// income (the payment's own), refund, closing, correction.
    #[schema(value_type = String, example = "income")]
    pub kind: &'static str,
    /// none (the bank makes none), queued (the money has not moved), sent (the cash register is at
    /// it; Tochka never tells more), registered, failed.
    #[schema(value_type = String, example = "registered")]
    pub status: &'static str,
    pub amount: String,
    pub amount_kopecks: i64,
    /// Whether a person makes it, or made it.
    pub by_hand: bool,
    pub note: Option<String>,
    /// Until when a person has to do something about it: close a prepayment, or make a receipt.
    pub due_at: Option<String>,
    /// What that is; null where nothing is to be done.
    pub todo: Option<TodoView>,
    /// How often it failed, and when it is tried again by itself.
    pub failures: u32,
    pub retry_at: Option<String>,
    /// Why it was tried again.
    pub retry_reason: Option<String>,
    /// By when the bank should tell what the cash register says; null where it never does.
    pub expected_at: Option<String>,
    /// The receipt itself, in our form.
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<Box<RawValue>>,
    /// What the cash register said of it.
    pub fiscal: Option<FiscalView>,
    pub failure: Option<ReceiptFailureView>,
    pub created_at: String,
    pub changed_at: String,
}

/// A task, in two languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoView {
    /// close, close_by_hand, make_by_hand, make_npd, annul_npd, make_charge, make_no_contact,
    /// make_refund_by_hand, correct_vat, make_unmirrored, retrying, retry, make_income,
    /// make_refund, look, unsent, late.
    #[schema(value_type = String, example = "make_income")]
    pub code: &'static str,
    #[schema(value_type = String)]
    pub ru: &'static str,
    #[schema(value_type = String)]
    pub en: &'static str,
}

impl From<&'static Todo> for TodoView {
    fn from(todo: &'static Todo) -> TodoView {
        let Todo { code, ru, en } = *todo;
        TodoView { code, ru, en }
    }
}

/// How the shop's receipts stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingView {
    #[schema(value_type = String, example = "receipt_summary")]
    pub object: &'static str,
    /// Nothing failed, nothing is late, nothing is due.
    pub ok: bool,
    /// A person has to do something about so many now: GET /v1/receipts/due.
    pub due: i64,
    /// Prepayments to be closed later.
    pub upcoming: i64,
    /// Failed, and not settled yet.
    pub failed: i64,
    /// Of these, tried again by themselves.
    pub retrying: i64,
    /// No word of the cash register for a day, though the bank passes it on. If these are all,
    /// look at the notification address in the terminal's settings.
    pub late: i64,
    pub oldest_due_at: Option<String>,
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> StandingView {
        let Standing { due, upcoming, failed, retrying, late, oldest_ms } = standing;
        StandingView {
            object: "receipt_summary",
            ok: due == 0 && failed == 0 && late == 0,
            due,
            upcoming,
            failed,
            retrying,
            late,
            oldest_due_at: oldest_ms.map(iso),
        }
    }
}

/// The numbers by which the tax service knows a receipt, and where it can be seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiscalView {
    pub number: Option<String>,
    pub shift_number: Option<String>,
    /// As the bank wrote it.
    pub made_at: Option<String>,
    pub storage_number: Option<String>,
    pub register_number: Option<String>,
    pub document_number: Option<String>,
    pub document_sign: Option<String>,
    pub ofd: Option<String>,
    pub url: Option<String>,
    pub qr_url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptFailureView {
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl From<&FiscalRecord> for FiscalView {
    fn from(fiscal: &FiscalRecord) -> FiscalView {
        let fiscal = fiscal.clone();
        FiscalView {
            number: fiscal.fiscal_number,
            shift_number: fiscal.shift_number,
            made_at: fiscal.receipt_at,
            storage_number: fiscal.storage_number,
            register_number: fiscal.register_number,
            document_number: fiscal.document_number,
            document_sign: fiscal.document_sign,
            ofd: fiscal.ofd,
            url: fiscal.url,
            qr_url: fiscal.qr_url,
        }
    }
}

impl ReceiptView {
    /// As it is at this moment, when the cash register's word may be late.
    pub fn at(record: &Record, now_ms: i64) -> ReceiptView {
        let todo = find_todo_at(record, now_ms).map(TodoView::from);
        ReceiptView { todo, ..ReceiptView::from(record) }
    }
}

impl From<&Record> for ReceiptView {
    fn from(record: &Record) -> ReceiptView {
        let failure = record.failure.as_ref();
        ReceiptView {
            id: record.id.clone(),
            object: "receipt",
            payment_id: record.payment_id.clone(),
            refund_id: record.refund_id.clone(),
            kind: record.kind.as_str(),
            status: record.state.as_str(),
            amount: record.amount.to_rubles(),
            amount_kopecks: record.amount.kopecks(),
            by_hand: record.is_by_hand,
            note: record.note.clone(),
            due_at: record.due_ms().map(iso),
            todo: find_todo(record).map(TodoView::from),
            failures: record.failures,
            retry_at: record.retry_ms.map(iso),
            retry_reason: record.retry_reason.clone(),
            expected_at: record.expected_ms.map(iso),
            receipt: record.body.clone().and_then(|text| RawValue::from_string(text).ok()),
            fiscal: record.fiscal.as_ref().map(FiscalView::from),
            failure: failure.map(|failure| ReceiptFailureView {
                code: failure.code.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
            }),
            created_at: iso(record.created_ms),
            changed_at: iso(record.changed_ms),
        }
    }
}
