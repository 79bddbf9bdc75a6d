//! A notice as it came, verified and read. Nothing of a body whose Token is wrong is looked at.

use crate::{
    bank::{Credentials, GenuineNotice, Notice, NoticeNews, RawNotice},
    op::{FiscalRecord, Observation},
    receipt::PaymentMethod,
};

use super::{
    answers, codes,
    fields::{Fields, scalar},
    observation, settings, token,
};

/// The bank's longest notice is one with a receipt of a hundred lines.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Verifies a notice by the terminal's password, then reads it.
pub fn read(credentials: &Credentials, raw: &RawNotice<'_>) -> Notice {
    let malformed = |why: &str| Notice::Malformed { why: why.to_owned() };
    if raw.body.len() > MAX_BODY_BYTES {
        return malformed(&format!("the body is longer than {MAX_BODY_BYTES} bytes"));
    }
    let Some(fields) = Fields::read(raw.body) else {
        return malformed("the body is not a JSON object");
    };
    if !token::is_genuine(&fields, settings::password(credentials)) {
        return Notice::BadSignature;
    }
    // Two terminals may have one password; the values' seams are not signed either.
    let terminal_key = fields.text("TerminalKey").unwrap_or_default();
    if terminal_key != settings::terminal_key(credentials) {
        return malformed("it is about another terminal");
    }
    Notice::Genuine(read_genuine(&fields, terminal_key))
}

/// What a body says, without asking who wrote it: for showing, never for believing, so nothing that
/// could be processed comes with it.
pub fn peek(body: &[u8]) -> Option<GenuineNotice> {
    let fields = Fields::read(body).filter(|_| body.len() <= MAX_BODY_BYTES)?;
    let notice = read_genuine(&fields, fields.text("TerminalKey").unwrap_or_default());
    Some(GenuineNotice { observation: None, news: None, ..notice })
}

fn read_genuine(fields: &Fields, terminal_key: String) -> GenuineNotice {
    let kind = kind(fields);
    let mut observation = None;
    let mut news = None;
    match kind {
        codes::ACCOUNT_NOTICE => {
            news = answers::account_binding(fields, None).ok().map(NoticeNews::AccountBinding);
        }
        codes::CARD_NOTICE => {
            news = answers::card_binding(fields, None).ok().map(NoticeNews::CardBinding);
        }
        codes::FISCAL_NOTICE => news = Some(NoticeNews::Fiscal(fiscal(fields))),
        _ => {
            let seen = observation::of(fields);
            let names_payment = seen.bank_id.is_some() || seen.reference.is_some();
            observation = Some(seen).filter(|_| names_payment).map(without_list);
        }
    }
    let shown = fields.iter().filter(|(name, _)| *name != "Token").map(|(name, raw)| {
        let value = scalar(raw).unwrap_or_else(|| raw.get().to_owned());
        (name.to_owned(), value, meaning(name))
    });
    GenuineNotice {
        kind: kind.to_owned(),
        customer_code: Some(terminal_key),
        observation,
        news: news.map(Box::new),
        fields: shown.collect(),
    }
}

/// A notice is of its moment and may come late: it does not say that there are no refunds by now.
fn without_list(seen: Observation) -> Observation {
    Observation { lists_refunds: false, ..seen }
}

/// The bodies name no kind; the schemas differ by these members.
fn kind(fields: &Fields) -> &'static str {
    if fields.text("NotificationType").as_deref() == Some("LINKACCOUNT") {
        return codes::ACCOUNT_NOTICE;
    }
    if fields.text("Status").as_deref() == Some("RECEIPT") {
        return codes::FISCAL_NOTICE;
    }
    if fields.raw("RequestKey").is_some() {
        return codes::CARD_NOTICE;
    }
    codes::PAYMENT_NOTICE
}

fn fiscal(fields: &Fields) -> FiscalRecord {
    let code = fields.text("ErrorCode").unwrap_or_default();
    let is_done = fields.flag("Success") == Some(true) && matches!(code.as_str(), "" | "0");
    let said = fields.text("ErrorMessage").or_else(|| fields.text("Message"));
    FiscalRecord {
        bank_id: fields.text("PaymentId"),
        reference: fields.text("OrderId"),
        is_done,
        problem: (!is_done).then(|| said.unwrap_or(code)),
        amount: fields.kopecks("Amount"),
        kind: fields.text("Type"),
        is_prepaid: fields.raw("Receipt").and_then(|raw| is_prepaid(raw.get())),
        fiscal_number: fields.text("FiscalNumber"),
        shift_number: fields.text("ShiftNumber"),
        receipt_at: fields.text("ReceiptDatetime"),
        storage_number: fields.text("FnNumber"),
        register_number: fields.text("EcrRegNumber"),
        document_number: fields.text("FiscalDocumentNumber"),
        document_sign: fields.text("FiscalDocumentAttribute"),
        ofd: fields.text("Ofd"),
        url: fields.text("Url"),
        qr_url: fields.text("QrCodeUrl"),
    }
}

/// Of the nested receipt's lines; `None` where they do not say how they are paid.
fn is_prepaid(receipt: &str) -> Option<bool> {
    let receipt: serde_json::Value = serde_json::from_str(receipt).ok()?;
    let items = receipt.get("Items")?.as_array()?;
    let method = |item: &serde_json::Value| {
        let word = item.get("PaymentMethod")?.as_str()?;
        PaymentMethod::ALL.iter().find(|method| method.as_str() == word).copied()
    };
    let methods: Vec<PaymentMethod> = items.iter().map(method).collect::<Option<_>>()?;
    (!methods.is_empty()).then(|| methods.iter().any(|method| method.is_prepaid()))
}

/// What a field means, in plain English; empty for one that the bank added since.
fn meaning(name: &str) -> &'static str {
    match name {
        "TerminalKey" => "the terminal that the event is about",
        "OrderId" => "the reference that the payment was made with",
        "Success" => "whether it went well",
        "Status" => "AUTHORIZED: the money is held; CONFIRMED: it is received; RECEIPT: a receipt",
        "PaymentId" => "the bank's id of the payment",
        "ErrorCode" => "why not; 0 is no error",
        "Amount" => "the sum in kopecks; after a refund, what is left",
        "CardId" => "the bank's id of the saved card",
        "RebillId" => "the id by which the card can be charged again",
        "Pan" => "the card's number with its middle hidden, or the payer's phone",
        "ExpDate" => "the card's month and year",
        "Message" | "Details" | "ErrorMessage" => "what the bank says about an error",
        "Data" | "DATA" => "how it was paid, and the shop's own pairs",
        "CustomerKey" => "the shop's id of the payer",
        "RequestKey" => "the request to save a card or an account",
        "NotificationType" => "LINKACCOUNT: an account was saved, or was not",
        "AccountToken" => "the id by which the account can be charged again",
        "BankMemberId" | "BankMemberName" => "the payer's bank in SBP",
        "FiscalNumber" => "the number of the receipt in its shift",
        "ShiftNumber" => "the number of the shift",
        "ReceiptDatetime" => "when the receipt was made",
        "FnNumber" => "the number of the fiscal storage",
        "EcrRegNumber" => "the cash register's number at the tax service",
        "FiscalDocumentNumber" => "the number of the fiscal document",
        "FiscalDocumentAttribute" => "the sign of the fiscal document",
        "Receipt" => "what was sold",
        "Type" => "sale or refund",
        "Ofd" => "the operator of fiscal data",
        "Url" => "where the receipt can be seen",
        "QrCodeUrl" => "the QR code of the receipt",
        "CalculationPlace" | "SettlePlace" => "where it was sold",
        "CashierName" => "who sold it",
        _ => "",
    }
}
