//! The cash register of a terminal that has one: what it makes of receipts, and the bank's word of
//! it. That refunds and closings are told of as sales are, and how a failure looks, is documented
//! nowhere; the fields are those of the one notice that is.

use serde_json::{Value, json};

use super::{
    TbankEmulator, directory,
    notices::About,
    state::{Document, DocumentKind, NoticeState, Payment},
    time,
};
use crate::{emulator::json::Obj, money::Money};

/// What the register says when it fails.
const FAILURE: (&str, &str) = ("9999", "Касса недоступна.");

impl DocumentKind {
    const fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Income => "Income",
            DocumentKind::IncomeReturn => "IncomeReturn",
            DocumentKind::Closing => "Closing",
        }
    }

    /// The settlement sign: a closing receipt is a sale's.
    const fn sign(self) -> &'static str {
        match self {
            DocumentKind::Income | DocumentKind::Closing => "Income",
            DocumentKind::IncomeReturn => "IncomeReturn",
        }
    }
}

impl TbankEmulator {
    /// The sale, once it is paid.
    pub(super) fn register_income(&mut self, now_ms: i64, id: u64) {
        let Some(payment) = self.state.payments.get(&id) else { return };
        let (amount, receipt) = (payment.captured, payment.receipt.clone());
        self.register(now_ms, id, DocumentKind::Income, (amount, receipt));
    }

    /// What went back: with its own lines, or all of it as it was sold.
    pub(super) fn register_refund(&mut self, now_ms: i64, id: u64, amount: Money) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        let own = payment.refund_receipt.take();
        let is_whole = amount == payment.captured;
        let receipt = own.or_else(|| payment.receipt.clone().filter(|_| is_whole));
        self.register(now_ms, id, DocumentKind::IncomeReturn, (amount, receipt));
    }

    /// Makes one, or fails, and tells.
    pub(super) fn register(
        &mut self,
        now_ms: i64,
        id: u64,
        kind: DocumentKind,
        (amount, receipt): (Money, Option<String>),
    ) {
        let Some(payment) = self.state.payments.get(&id) else { return };
        let terminal = directory::find_terminal(&payment.terminal);
        if payment.receipt.is_none() || !terminal.is_some_and(|terminal| terminal.cash_register) {
            return;
        }
        let is_made = !self.state.faults.take_for_receipt(kind.as_str());
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        let nth = u64::try_from(payment.documents.len()).unwrap_or_default();
        let number = payment.id % 10_000 * 100 + nth + 1;
        if kind == DocumentKind::Closing && !is_made {
            payment.awaits_closing = true;
        }
        let seen = payment.notices.len();
        let (terminal, order_id) = (payment.terminal.clone(), payment.order_id.clone());
        let document = Document { kind, amount, receipt, number, is_made, notices: Vec::new() };
        let body = body(&terminal, &order_id, (now_ms, id), &document);
        payment.documents.push(document);
        let Some(url) = self.state.terminal_urls.get(&terminal).cloned() else { return };
        let about = About { terminal: &terminal, kind: "receipt RECEIPT", payment_id: Some(id) };
        self.send(now_ms, &about, url, body);
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        let told: Vec<u64> = payment.notices.iter().skip(seen).copied().collect();
        if let Some(document) = payment.documents.last_mut() {
            document.notices = told;
        }
    }

    /// For whoever compares books.
    pub(super) fn print_documents(&self, payment: &Payment) -> Vec<Value> {
        let is_told = |id: &u64| {
            let notice = self.state.notices.get(id);
            notice.is_some_and(|notice| notice.state == NoticeState::Delivered)
        };
        let print = |document: &Document| {
            let receipt = document.receipt.as_deref();
            json!({
                "kind": document.kind.as_str(),
                "amount_kopecks": document.amount.kopecks(),
                "number": document.number.to_string(),
                "made": document.is_made,
                "told": document.notices.iter().any(is_told),
                "receipt": receipt.and_then(|text| serde_json::from_str::<Value>(text).ok()),
            })
        };
        payment.documents.iter().map(print).collect()
    }
}

fn body(terminal: &str, order_id: &str, (now_ms, id): (i64, u64), document: &Document) -> Obj {
    let Document { kind, amount, receipt, number, is_made, .. } = document;
    let (code, text) = if *is_made { ("0", None) } else { (FAILURE.0, Some(FAILURE.1)) };
    let body = Obj::new()
        .text("TerminalKey", terminal)
        .text("OrderId", order_id)
        .flag("Success", *is_made)
        .text("Status", "RECEIPT")
        .raw("PaymentId", &id.to_string())
        .text("ErrorCode", code)
        .text_if("ErrorMessage", text)
        .raw("Amount", &amount.kopecks().to_string())
        .text("ReceiptDatetime", &time::print_moscow(now_ms))
        .text("Type", kind.sign())
        .raw_if("Receipt", receipt.as_deref());
    if !is_made {
        return body;
    }
    body.raw("FiscalNumber", &number.to_string())
        .raw("ShiftNumber", "1")
        .text("FnNumber", "9999078900001341")
        .text("EcrRegNumber", "0000000400054952")
        .raw("FiscalDocumentNumber", &number.to_string())
        .raw("FiscalDocumentAttribute", "3925354353")
}
