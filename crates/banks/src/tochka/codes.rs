//! The bank's words and ours: statuses, ways to pay, receipt words, permissions; and how its errors
//! are read. Data only; what to do about an error is decided in `reply.rs`.

use crate::{
    op::{AuthOp, BankOp, BankStatus, PayMethod},
    receipt::{Limits, Measure, PaymentMethod, Subject, Vat},
};

use super::{sbp, subscriptions, wire};

/// The notice about a payment by link; the other kinds are about accounts and plain SBP.
pub const PAYMENT_NOTICE: &str = "acquiringInternetPayment";

/// The notices about a payment by a code of SBP, of a person and of a company.
pub const SBP_NOTICE: &str = "incomingSbpPayment";
pub const SBP_B2B_NOTICE: &str = "incomingSbpB2BPayment";

/// The longest error text kept of the bank's: it documents 603 characters.
const MAX_ERROR_CHARS: usize = 603;

/// `AcquiringPaymentStatus`. The bank has no word for a declined attempt (the link stays CREATED)
/// and none for a released hold (it becomes EXPIRED). `None` for a word we do not know.
pub fn parse_status(word: &str) -> Option<BankStatus> {
    Some(match word {
        "CREATED" => BankStatus::Created,
        "AUTHORIZED" => BankStatus::Authorized,
        "APPROVED" => BankStatus::Paid,
        "ON-REFUND" => BankStatus::Refunding,
        "REFUNDED" => BankStatus::Refunded,
        "REFUNDED_PARTIALLY" => BankStatus::PartiallyRefunded,
        "EXPIRED" => BankStatus::Expired,
        // Listed and counted in the register, nowhere explained; probably Dolyame's instalments.
        "WAIT_FULL_PAYMENT" => BankStatus::InProgress,
        _ => return None,
    })
}

/// `AcquiringPaymentMode`.
pub const fn method_word(method: PayMethod) -> &'static str {
    match method {
        PayMethod::Card => "card",
        PayMethod::Sbp => "sbp",
        PayMethod::TPay => "tinkoff",
        PayMethod::Dolyame => "dolyame",
    }
}

pub fn parse_method(word: &str) -> Option<PayMethod> {
    PayMethod::ALL.into_iter().find(|method| method_word(*method) == word)
}

/// How a payment was made, in our word where we have one; `digitalRuble` and what comes after it
/// stays as the bank says it.
pub fn method_text(word: &str) -> String {
    parse_method(word).map(PayMethod::as_str).unwrap_or(word).to_owned()
}

/// What the bank's receipts can say. Nothing of its document limits the number of lines.
pub static RECEIPTS: Limits = Limits {
    needs_email: true,
    needs_taxation: false,
    max_lines: None,
    max_name_chars: 256,
    max_email_chars: 64,
    phone_chars: 7..=19,
    supplier_phone_chars: 11..=15,
    max_quantity_milli: 99_999_999,
    max_line_kopecks: 9_999_999_999,
    vats: &[
        Vat::None,
        Vat::Vat0,
        Vat::Vat5,
        Vat::Vat7,
        Vat::Vat10,
        Vat::Vat22,
        Vat::Vat105,
        Vat::Vat107,
        Vat::Vat110,
        Vat::Vat122,
    ],
    methods: &[PaymentMethod::FullPayment, PaymentMethod::FullPrepayment],
    subjects: &[Subject::Goods, Subject::Service, Subject::Work],
    measures: MEASURES,
    has_formats: false,
    carries_marks: false,
    carries_agents: false,
    carries_settlement: false,
    carries_at_capture: false,
    carries_name: true,
    carries_refunds: false,
    tells: false,
    closes: false,
};

/// All but the last of ours, which is no unit.
const MEASURES: &[Measure] = match Measure::ALL.split_last() {
    Some((_, units)) => units,
    None => &[],
};

pub fn parse_measure(word: &str) -> Option<Measure> {
    MEASURES.iter().copied().find(|measure| measure_word(*measure) == word)
}

/// `Measure`: only cubic metres are written without a point.
pub const fn measure_word(measure: Measure) -> &'static str {
    match measure {
        Measure::Piece => "шт.",
        Measure::Gram => "г.",
        Measure::Kilogram => "кг.",
        Measure::Ton => "т.",
        Measure::Centimeter => "см.",
        Measure::Decimeter => "дм.",
        Measure::Meter => "м.",
        Measure::SquareCentimeter => "см2.",
        Measure::SquareDecimeter => "дм2.",
        Measure::SquareMeter => "м2.",
        Measure::Milliliter => "мл.",
        Measure::Liter => "л.",
        Measure::CubicMeter => "м3",
        Measure::KilowattHour => "кВт.ч.",
        Measure::Gigacalorie => "Гкал.",
        Measure::Day => "дн.",
        Measure::Hour => "ч.",
        Measure::Minute => "мин.",
        Measure::Second => "сек.",
        Measure::Kilobyte => "Кб.",
        Measure::Megabyte => "Мб.",
        Measure::Gigabyte => "Гб.",
        Measure::Terabyte => "Тб.",
        // Not in the bank's list: refused before it is written.
        Measure::Other => "",
    }
}

/// The key's permission that an operation needs, by the bank's name; `None` where none is asked.
pub const fn permission(op: &BankOp) -> Option<&'static str> {
    match op {
        BankOp::CreateLink(_)
        | BankOp::Capture { .. }
        | BankOp::Refund { .. }
        | BankOp::Void { .. } => Some("MakeAcquiringOperation"),
        BankOp::GetPayment { .. }
        | BankOp::ListPayments { .. }
        | BankOp::FindPayment { .. }
        | BankOp::Registry { .. }
        | BankOp::Retailers => Some("ReadAcquiringData"),
        BankOp::Customers => Some("ReadCustomerData"),
        BankOp::Accounts => Some("ReadAccountsBasic and ReadAccountsDetail"),
        BankOp::Statement(_) => Some("ReadStatements"),
        BankOp::ShowNotices
        | BankOp::RegisterNotices { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices => Some("ManageWebhookData"),
        BankOp::Sbp(op) => sbp::codes::permission(op),
        BankOp::Subscription(op) => Some(subscriptions::permission(op)),
        BankOp::FetchNoticeKeys
        | BankOp::Card(_)
        | BankOp::Terminal(_)
        | BankOp::Auth(
            AuthOp::ClientToken { .. }
            | AuthOp::CreateConsent { .. }
            | AuthOp::ListConsents
            | AuthOp::ExchangeCode { .. }
            | AuthOp::Refresh
            | AuthOp::Introspect,
        ) => None,
    }
}

/// Whether the operation changes something at the bank, so that an unreadable answer matters.
pub const fn is_mutating(op: &BankOp) -> bool {
    match op {
        BankOp::CreateLink(_)
        | BankOp::Capture { .. }
        | BankOp::Refund { .. }
        | BankOp::Void { .. }
        | BankOp::RegisterNotices { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices
        | BankOp::Auth(
            AuthOp::CreateConsent { .. } | AuthOp::ExchangeCode { .. } | AuthOp::Refresh,
        ) => true,
        BankOp::Sbp(op) => sbp::codes::is_change(op),
        BankOp::Subscription(op) => subscriptions::is_change(op),
        BankOp::GetPayment { .. }
        | BankOp::ListPayments { .. }
        | BankOp::FindPayment { .. }
        | BankOp::Registry { .. }
        | BankOp::Retailers
        | BankOp::Customers
        | BankOp::Accounts
        | BankOp::Statement(_)
        | BankOp::ShowNotices
        | BankOp::FetchNoticeKeys
        | BankOp::Card(_)
        | BankOp::Terminal(_)
        | BankOp::Auth(AuthOp::ClientToken { .. } | AuthOp::ListConsents | AuthOp::Introspect) => {
            false
        }
    }
}

/// What an error body says, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankError {
    /// `Errors[0].message`, where the bank puts what matters; empty when it gave none.
    pub detail: String,
    /// The general sentence («Что-то пошло не так»), or OAuth's `error_description`.
    pub general: String,
    /// The audit id to quote to the bank's support.
    pub audit_id: String,
}

impl BankError {
    /// Never fails: a gateway's page of HTML is an error that says nothing.
    pub fn read(body: &[u8]) -> BankError {
        let body: wire::ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let detail = body.errors.unwrap_or_default().into_iter().find_map(|error| error.message);
        let general = body.message.or(body.error_description).or(body.error);
        BankError {
            detail: clean(&detail.unwrap_or_default()),
            general: clean(&general.unwrap_or_default()),
            audit_id: clean(&body.id.unwrap_or_default()),
        }
    }

    /// The most telling text, empty when the bank gave none.
    pub fn text(&self) -> &str {
        if self.detail.is_empty() { &self.general } else { &self.detail }
    }

    /// `The bank says: «…» (its audit id …).`, or that it said nothing.
    pub fn quote(&self, status: u16) -> String {
        let audit = if self.audit_id.is_empty() {
            String::new()
        } else {
            format!(" (its audit id {})", self.audit_id)
        };
        match self.text() {
            "" => format!("The bank answered {status} and gave no reason{audit}."),
            text => format!("The bank answered {status}: «{text}»{audit}."),
        }
    }

    /// «заказ с таким номером уже существует»; a denial of existence is not that.
    pub fn says_exists(&self) -> bool {
        let text = self.text().to_lowercase();
        (text.contains("существует") || text.contains("exist")) && !self.says_missing()
    }

    /// "Operation not found", «Операция не найдена», "does not exist".
    pub fn says_missing(&self) -> bool {
        let text = self.text().to_lowercase();
        let words = ["not found", "не найден", "not exist", "не существует"];
        words.iter().any(|word| text.contains(word))
    }
}

/// One line, bounded, without control characters: it will stand in logs and on screens.
fn clean(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    kept.take(MAX_ERROR_CHARS).collect::<String>().trim().to_owned()
}
