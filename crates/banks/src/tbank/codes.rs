//! The bank's words and ours: statuses, ways to pay, words of receipts and of saved means. Data
//! only; its error codes are in `errors`.

use crate::{
    op::{
        BankOp, BankStatus, BindingStatus, CardCheck, CardOp, PayMethod, SavedCharge, SbpOp,
        TerminalOp,
    },
    receipt::{Limits, MarkKind, Measure, PaymentMethod, Subject, Vat},
};

/// The kinds of notices, by the names of the bank's schemas: the bodies themselves name none.
pub const PAYMENT_NOTICE: &str = "NotificationPayment";
pub const CARD_NOTICE: &str = "NotificationAddCard";
pub const ACCOUNT_NOTICE: &str = "NotificationQr";
pub const FISCAL_NOTICE: &str = "NotificationFiscalization";

/// A word of the bank for a payment's state; `None` for one that we do not know.
pub fn parse_status(word: &str) -> Option<BankStatus> {
    Some(match word {
        "NEW" => BankStatus::Created,
        // A failed attempt leaves the form open for another one. A capture under way is a hold
        // still, but one that must not be captured again.
        "FORM_SHOWED" | "FORMSHOWED" | "PREAUTHORIZING" | "AUTHORIZING" | "AUTH_FAIL"
        | "3DS_CHECKING" | "3DS_CHECKED" | "THREE_DS_CHECKING" | "THREE_DS_CHECKED"
        | "PAY_CHECKING" | "LOOP_CHECKING" | "CHECKING" | "CHECKED" | "PROCESSING"
        | "CONFIRMING" | "CONFIRM_CHECKING" | "COMPLETING" | "REVERSING" | "CANCEL_CHECKING" => {
            BankStatus::InProgress
        }
        "AUTHORIZED" | "PARTIAL_REVERSED" => BankStatus::Authorized,
        "CONFIRMED" | "COMPLETED" => BankStatus::Paid,
        "REFUNDING" | "ASYNC_REFUNDING" => BankStatus::Refunding,
        "PARTIAL_REFUNDED" => BankStatus::PartiallyRefunded,
        "REFUNDED" | "CANCEL_REFUNDED" => BankStatus::Refunded,
        "DEADLINE_EXPIRED" | "ATTEMPTS_EXPIRED" => BankStatus::Expired,
        "CANCELED" | "CANCELLED" | "REVERSED" => BankStatus::Canceled,
        "REJECTED" => BankStatus::Declined,
        _ => return None,
    })
}

/// `Source` of a payment in our word where we have one.
pub fn method_text(source: &str) -> String {
    match source.to_ascii_lowercase().as_str() {
        "cards" => PayMethod::Card.as_str(),
        "qrsbp" | "sbpqr" => PayMethod::Sbp.as_str(),
        "tinkoffpay" => PayMethod::TPay.as_str(),
        "bnpl" => PayMethod::Dolyame.as_str(),
        _ => source,
    }
    .to_owned()
}

/// Cards and accounts being saved; what is not final yet and what we do not know is pending.
pub fn parse_binding(word: &str) -> BindingStatus {
    match word {
        "COMPLETED" | "ACTIVE" => BindingStatus::Active,
        "REJECTED" | "INACTIVE" => BindingStatus::Inactive,
        _ => BindingStatus::Pending,
    }
}

pub const fn check_word(check: CardCheck) -> &'static str {
    match check {
        CardCheck::None => "NO",
        CardCheck::Hold => "HOLD",
        CardCheck::ThreeDs => "3DS",
        CardCheck::ThreeDsHold => "3DSHOLD",
    }
}

/// `OperationInitiatorType` of a payment by a saved card.
pub const fn charge_word(charge: SavedCharge) -> &'static str {
    match charge {
        SavedCharge::Payer => "2",
        SavedCharge::Recurring => "R",
        SavedCharge::Instalment => "I",
        SavedCharge::Delayed => "D",
        SavedCharge::NoShow => "N",
    }
}

/// What the bank's receipts can say: all that our words can.
pub static RECEIPTS: Limits = Limits {
    needs_email: false,
    needs_taxation: true,
    max_lines: Some(100),
    max_name_chars: 128,
    max_email_chars: 64,
    phone_chars: 7..=19,
    supplier_phone_chars: 7..=19,
    max_quantity_milli: 99_999_999,
    max_line_kopecks: 9_999_999_999,
    vats: Vat::ALL,
    methods: PaymentMethod::ALL,
    subjects: Subject::ALL,
    measures: Measure::ALL,
    has_formats: true,
    carries_marks: true,
    carries_agents: true,
    carries_settlement: true,
    carries_at_capture: true,
    carries_name: false,
    carries_refunds: true,
    tells: true,
    closes: true,
};

/// `PaymentObject`: two words differ from ours.
pub const fn subject_word(subject: Subject) -> &'static str {
    match subject {
        Subject::Goods => "commodity",
        Subject::Work => "job",
        Subject::Excise
        | Subject::Service
        | Subject::GamblingBet
        | Subject::GamblingPrize
        | Subject::Lottery
        | Subject::LotteryPrize
        | Subject::IntellectualActivity
        | Subject::Payment
        | Subject::AgentCommission
        | Subject::Composite
        | Subject::Contribution
        | Subject::Another
        | Subject::PropertyRights
        | Subject::Unrealization
        | Subject::TaxReduction
        | Subject::TradeFee
        | Subject::ResortTax
        | Subject::Pledge
        | Subject::IncomeDecrease
        | Subject::IePensionWithoutPayments
        | Subject::IePensionWithPayments
        | Subject::IeMedicalWithoutPayments
        | Subject::IeMedicalWithPayments
        | Subject::SocialInsurance
        | Subject::CasinoChips
        | Subject::AgentPayment
        | Subject::ExcisableUnmarked
        | Subject::ExcisableMarked
        | Subject::GoodsUnmarked
        | Subject::GoodsMarked => subject.as_str(),
    }
}

/// `MarkCodeType`.
pub fn mark_word(kind: MarkKind) -> String {
    kind.as_str().to_ascii_uppercase()
}

/// The bank's table writes days in two ways and one unit with a Latin letter.
pub fn parse_measure(word: &str) -> Option<Measure> {
    match word {
        "сут" => Some(Measure::Day),
        "cм" => Some(Measure::Centimeter),
        other => Measure::ALL.iter().copied().find(|measure| measure_word(*measure) == other),
    }
}

/// `MeasurementUnit`, of format 1.2 only.
pub const fn measure_word(measure: Measure) -> &'static str {
    match measure {
        Measure::Piece => "шт",
        Measure::Gram => "г",
        Measure::Kilogram => "кг",
        Measure::Ton => "т",
        Measure::Centimeter => "см",
        Measure::Decimeter => "дм",
        Measure::Meter => "м",
        Measure::SquareCentimeter => "см2",
        Measure::SquareDecimeter => "дм2",
        Measure::SquareMeter => "м2",
        Measure::Milliliter => "мл",
        Measure::Liter => "л",
        Measure::CubicMeter => "м3",
        Measure::KilowattHour => "кВт*ч",
        Measure::Gigacalorie => "Гкал",
        Measure::Day => "дн",
        Measure::Hour => "ч",
        Measure::Minute => "мин",
        Measure::Second => "с",
        Measure::Kilobyte => "Кбайт",
        Measure::Megabyte => "Мбайт",
        Measure::Gigabyte => "Гбайт",
        Measure::Terabyte => "Тбайт",
        Measure::Other => "-",
    }
}

/// Whether the operation moves money or makes a payment, so that an answer that leaves a doubt
/// matters.
pub const fn is_mutating(op: &BankOp) -> bool {
    match op {
        BankOp::CreateLink(_)
        | BankOp::Capture { .. }
        | BankOp::Refund { .. }
        | BankOp::Void { .. }
        | BankOp::RegisterNotices { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices
        | BankOp::Auth(_)
        | BankOp::Card(
            CardOp::AddPayer { .. }
            | CardOp::RemovePayer { .. }
            | CardOp::Bind { .. }
            | CardOp::Remove { .. }
            | CardOp::Charge { .. },
        )
        | BankOp::Sbp(SbpOp::Bind { .. } | SbpOp::Charge { .. } | SbpOp::PayTest { .. })
        | BankOp::Terminal(
            TerminalOp::ResendNotices
            | TerminalOp::ConfirmationLetter { .. }
            | TerminalOp::ClosingReceipt { .. },
        ) => true,
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
        | BankOp::Subscription(_)
        | BankOp::Card(
            CardOp::ShowPayer { .. } | CardOp::ShowBinding { .. } | CardOp::List { .. },
        )
        | BankOp::Sbp(
            SbpOp::Qr { .. }
            | SbpOp::RefundBanks { .. }
            | SbpOp::ShowRefund { .. }
            | SbpOp::ShowBinding { .. }
            | SbpOp::Accounts
            | SbpOp::Banks { .. }
            // Never sent here.
            | SbpOp::Setup(_)
            | SbpOp::Code(_)
            | SbpOp::Desk(_)
            | SbpOp::Invoice(_)
            | SbpOp::Payments { .. }
            | SbpOp::StartRefund(_)
            | SbpOp::FindRefund { .. },
        )
        | BankOp::Terminal(
            TerminalOp::Methods
            | TerminalOp::TPayState
            | TerminalOp::WalletLink { .. }
            | TerminalOp::WalletQr { .. },
        ) => false,
    }
}
