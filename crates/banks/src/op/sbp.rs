//! The Faster Payments System (SBP): QR codes, saved accounts, banks.
//!
//! A bank gives codes in one of two ways, or in both: the code of a payment that it keeps
//! ([`SbpOp::Qr`]), and codes that live by themselves (`codes`), made for a point of sale that SBP
//! knows (`setup`), paid by transfers (`transfers`).

mod codes;
mod setup;
mod transfers;

use jiff::{Timestamp, civil::Date};

pub use codes::{
    CodeKind, CodeLife, CodeOp, CodeState, DeskOp, DeskState, DeskStatus, InvoiceOp, NewCode,
    NewInvoice, SbpCode,
};
pub use setup::{NewPoint, SbpAccount, SbpCompany, SbpPoint, SetupOp};
pub use transfers::{
    NewSbpRefund, RefundState, SbpPayment, SbpPayments, SbpTransfer, TransferStatus,
};

use crate::{
    money::Money,
    op::{BankStatus, BindingStatus},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SbpOp {
    /// The QR code of a payment.
    Qr {
        bank_id: String,
        asked: QrAsked,
    },
    /// The banks to which a payment may be refunded.
    RefundBanks {
        bank_id: String,
    },
    /// What became of a payment's refund.
    ShowRefund {
        bank_id: String,
    },
    /// Asks for a QR code by which the payer saves an account without paying.
    Bind {
        purpose: String,
        asked: QrAsked,
        expires_at: Option<Timestamp>,
    },
    ShowBinding {
        request_key: String,
    },
    Accounts,
    /// Takes a payment, opened with [`crate::op::CreateLink::sbp_account`], from a saved account.
    Charge {
        bank_id: String,
        account_token: String,
        /// The payer's bank, as the binding told it.
        member_id: Option<String>,
        email: Option<String>,
    },
    /// The banks whose apps can open a QR code.
    Banks {
        for_binding: bool,
        device: Device,
    },
    /// Ends a payment of a test terminal like this.
    PayTest {
        bank_id: String,
        fate: TestFate,
    },
    /// The company and its points in SBP itself.
    Setup(SetupOp),
    Code(CodeOp),
    Desk(DeskOp),
    Invoice(InvoiceOp),
    /// The payments by codes on these days, newest first.
    Payments {
        /// Of this code only.
        code_id: Option<String>,
        from: Date,
        to: Date,
        page: u32,
    },
    /// Sends back what came by a code.
    StartRefund(NewSbpRefund),
    /// What became of [`SbpOp::StartRefund`].
    FindRefund {
        refund_id: String,
    },
}

/// What a bank says of codes that live by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SbpWord {
    /// A company or a point exists now, under this id.
    Registered {
        id: String,
    },
    Company(SbpCompany),
    Accounts(Vec<SbpAccount>),
    Points(Vec<SbpPoint>),
    Point(SbpPoint),
    Code(SbpCode),
    Codes(Vec<SbpCode>),
    States(Vec<CodeState>),
    /// A desk's code waits for this sum.
    Armed {
        arming_id: String,
        amount: Money,
    },
    Desk(DeskState),
    /// `None` when nobody paid that arming.
    DeskPayment {
        status: Option<DeskStatus>,
        payment: Option<SbpPayment>,
    },
    Payments(SbpPayments),
    Refund(RefundState),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QrAsked {
    pub form: QrForm,
    /// A bank of [`SbpOp::Banks`]: the link then opens that bank's app.
    pub bank: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QrForm {
    #[default]
    Link,
    Image,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    Desktop,
    #[default]
    Mobile,
    Android,
    Ios,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestFate {
    Paid,
    Expired,
    Rejected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// The link, or the picture's text.
    pub content: String,
    pub form: QrForm,
    /// Where a saved account is asked about, when this code saves one.
    pub request_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SbpBank {
    pub id: String,
    pub name: String,
    pub logo: Option<String>,
    /// What the bank says of it: whether it received the payment in question.
    pub is_payee: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountBinding {
    pub request_key: String,
    pub status: BindingStatus,
    pub account_token: Option<String>,
    pub member_id: Option<String>,
    pub member_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SbpRefund {
    /// The payment's state as seen from its refund; `None` for a word that we do not know.
    pub status: Option<BankStatus>,
    /// SBP's own code and sentence when it failed.
    pub code: Option<String>,
    pub message: Option<String>,
    pub amount: Option<Money>,
}
