//! What one may ask a bank ([`BankOp`]) and what one may hear back ([`Outcome`]), in the merchant's
//! words. A bank's own words stay in that bank's folder.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use crate::{money::Money, receipt::Receipt};

mod cards;
mod decline;
mod sbp;
mod statement;
mod subscription;
mod terminal;

pub use cards::{
    BindingStatus, CardBinding, CardCheck, CardKind, CardOp, Payer, SavedCard, SavedCharge,
};
pub use decline::{Decline, DeclineReason, Words};
pub use sbp::{
    AccountBinding, CodeKind, CodeLife, CodeOp, CodeState, DeskOp, DeskState, DeskStatus, Device,
    InvoiceOp, NewCode, NewInvoice, NewPoint, NewSbpRefund, Qr, QrAsked, QrForm, RefundState,
    SbpAccount, SbpBank, SbpCode, SbpCompany, SbpOp, SbpPayment, SbpPayments, SbpPoint, SbpRefund,
    SbpTransfer, SbpWord, SetupOp, TestFate, TransferStatus,
};
pub use statement::{Statement, StatementLine, StatementOp, StatementState};
pub use subscription::{
    Approval, Approvals, NewSubscription, Schedule, SchedulePeriod, Subscription,
    SubscriptionLimits, SubscriptionOp, SubscriptionPage, SubscriptionStatus, SubscriptionWord,
};
pub use terminal::{
    FiscalRecord, Letter, LetterTo, TerminalMethods, TerminalOp, TerminalWord, Wallet,
};

/// A way to pay, as the payer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayMethod {
    Card,
    Sbp,
    TPay,
    Dolyame,
}

impl PayMethod {
    pub const ALL: [PayMethod; 4] =
        [PayMethod::Card, PayMethod::Sbp, PayMethod::TPay, PayMethod::Dolyame];

    pub const fn as_str(self) -> &'static str {
        match self {
            PayMethod::Card => "card",
            PayMethod::Sbp => "sbp",
            PayMethod::TPay => "tpay",
            PayMethod::Dolyame => "dolyame",
        }
    }

    pub fn parse(text: &str) -> Option<PayMethod> {
        PayMethod::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// Whether the money is taken at once or first held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureMode {
    #[default]
    Automatic,
    Manual,
}

/// One operation at a bank. A new variant does not compile until every bank answers it.
#[derive(Clone, Debug, PartialEq)]
pub enum BankOp {
    CreateLink(CreateLink),
    GetPayment {
        bank_id: String,
    },
    ListPayments {
        from: Date,
        to: Date,
        page: u32,
    },
    /// What the bank has under our reference. A bank without a search by it reads its list of
    /// these days, page by page; whoever asks looks for the reference in the answer.
    FindPayment {
        reference: String,
        from: Date,
        to: Date,
        page: u32,
    },
    Capture {
        bank_id: String,
        amount: Money,
        authorized: Money,
        /// What is delivered, when it is less than what was ordered.
        receipt: Option<Receipt>,
    },
    Refund {
        bank_id: String,
        amount: Money,
        /// Our id of this refund: where [`crate::Capabilities::refund_by_request_id`], the same
        /// id sent again is the same refund.
        request_id: String,
        /// What is returned, for a part of a payment that had a receipt.
        receipt: Option<Receipt>,
        /// The payer's bank that SBP shall send it to, of [`SbpOp::RefundBanks`].
        sbp_member: Option<String>,
        /// What came in, where it is a transfer by a code of SBP that goes back as another one.
        transfer: Option<SbpTransfer>,
    },
    /// Releases a hold, or a link nobody paid; a part of a hold where the bank can.
    Void {
        bank_id: String,
        /// `None`: all of it.
        amount: Option<Money>,
        request_id: String,
    },
    Registry {
        merchant_id: String,
        date: Date,
    },
    Retailers,
    Customers,
    Accounts,
    Statement(StatementOp),
    ShowNotices,
    /// `replace`: an address is registered already and is to be changed.
    RegisterNotices {
        url: String,
        kinds: Vec<String>,
        replace: bool,
    },
    TestNotice {
        kind: String,
    },
    DeleteNotices,
    /// The keys that a bank's notices are verified with.
    FetchNoticeKeys,
    Auth(AuthOp),
    /// Payers known to the bank and their saved cards.
    Card(CardOp),
    /// Cards that a bank keeps as subscriptions, to be charged without the payer.
    Subscription(SubscriptionOp),
    Sbp(SbpOp),
    /// What a terminal can do and its papers.
    Terminal(TerminalOp),
}

impl BankOp {
    /// The receipt that it carries, and what is paid or returned with it where that is known.
    pub fn receipt(&self) -> Option<(&Receipt, Option<Money>)> {
        if let BankOp::CreateLink(link) = self {
            return link.receipt.as_ref().map(|receipt| (receipt, Some(link.amount)));
        }
        if let BankOp::Capture { receipt, amount, .. } | BankOp::Refund { receipt, amount, .. } =
            self
        {
            return receipt.as_ref().map(|receipt| (receipt, Some(*amount)));
        }
        if let BankOp::Terminal(TerminalOp::ClosingReceipt { receipt, .. }) = self {
            return Some((receipt, None));
        }
        if let BankOp::Subscription(SubscriptionOp::Open(new)) = self {
            return new.receipt.as_ref().map(|receipt| (receipt, Some(new.amount)));
        }
        None
    }
}

/// The OAuth way, for acting on behalf of other companies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthOp {
    /// A token of the application itself, good only for consents.
    ClientToken {
        scope: String,
    },
    CreateConsent {
        client_token: String,
        permissions: Vec<String>,
        expires: Option<Timestamp>,
    },
    ListConsents,
    ExchangeCode {
        code: String,
        redirect_uri: String,
        scope: String,
    },
    Refresh,
    Introspect,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateLink {
    /// Our own id for the payment at the bank, unique there; the payer may see it.
    pub reference: String,
    pub amount: Money,
    pub purpose: String,
    pub methods: Vec<PayMethod>,
    pub capture: CaptureMode,
    pub ttl_minutes: u32,
    /// When the link ends, for a bank that takes a moment in place of a life; `None` leaves it to
    /// the bank.
    pub expires_at: Option<Timestamp>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// Where the bank shall announce this payment, for a bank that takes it with the payment.
    pub notice_url: Option<String>,
    pub payer_id: Option<String>,
    pub save_card: bool,
    /// It will be paid by a charge of a saved card, and this is on whose behalf.
    pub saved_charge: Option<SavedCharge>,
    /// An SBP account is saved by this payment, or charged for it.
    pub sbp_account: bool,
    /// The language of the bank's page; `None` leaves it to the bank.
    pub language: Option<Language>,
    /// Further pairs that the bank keeps with the payment.
    pub extra: BTreeMap<String, String>,
    pub receipt: Option<Receipt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Russian,
    English,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done(Answer),
    /// The bank understood and said no, or we knew that it would. Nothing happened there.
    Refused(Refusal),
    /// The bank asks to come back later; nothing happened there.
    Busy {
        retry_after_s: Option<u32>,
    },
    /// The request certainly never reached the bank: it is safe to send it again.
    NotSent {
        why: String,
    },
    /// Silence, or an answer that says nothing: it may or may not have happened. Never a failure,
    /// never a reason to send again; the only way on is to ask.
    Unknown {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A link exists at the bank now.
    Link {
        bank_id: String,
        url: String,
    },
    Payment(Observation),
    Payments(Page),
    /// The bank took the capture, or the void. `false` is the bank's own "not done".
    Accepted {
        done: bool,
    },
    Refunded {
        amount: Money,
        refund_id: String,
    },
    Registry(Vec<RegistryLine>),
    Retailers(Vec<Retailer>),
    Customers(Vec<Customer>),
    Accounts(Vec<Account>),
    Statement(Statement),
    /// `None` when no address is registered.
    Notices(Option<NoticeAddress>),
    /// The bank's keys as it published them, kept as text.
    NoticeKeys(String),
    Tokens(Tokens),
    Consents(Vec<Consent>),
    Introspection {
        customer_code: String,
        client_id: String,
    },
    Payer(Payer),
    CardBinding(CardBinding),
    Cards(Vec<SavedCard>),
    Subscription(SubscriptionWord),
    Qr(Qr),
    SbpBanks(Vec<SbpBank>),
    AccountBinding(AccountBinding),
    SavedAccounts(Vec<AccountBinding>),
    SbpRefund(SbpRefund),
    Sbp(SbpWord),
    Terminal(TerminalWord),
}

/// Why a bank, or our own check before it, said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub class: RefusalClass,
    /// `noun_problem`, stable: programs may branch on it.
    pub code: &'static str,
    /// One sentence about what is wrong; may quote the bank.
    pub message: String,
    /// One sentence about what the merchant does next.
    pub hint: String,
    /// The request's field at fault, in the API's words, when there is one.
    pub param: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The request is wrong; sending it again cannot help.
    Invalid,
    /// The bank's key is wrong, expired, revoked, or lacks a permission: configuration.
    Credentials,
    /// The object does not exist at the bank.
    NotFound,
    /// The reference was used already: the object exists at the bank.
    Duplicate,
    /// The object is in a state that does not allow it.
    Conflict,
    /// The bank has no such function.
    Unsupported,
}

/// What a bank believes about one payment, wherever we heard it: reply, notice, poll, list,
/// register. Every field is a fact that stays true; what a source does not tell is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    pub bank_id: Option<String>,
    /// Our [`CreateLink::reference`] as the bank echoes it.
    pub reference: Option<String>,
    pub status: Option<BankStatus>,
    /// The payment's own amount at the bank.
    pub amount: Option<Money>,
    pub authorized: Option<Money>,
    /// Money received for the merchant, before refunds.
    pub paid: Option<Money>,
    /// At most this much of what was held or paid is still there, refunds and partial voids being
    /// gone. A bound that only falls, from banks that tell a sum and list no refunds.
    pub left: Option<Money>,
    /// Each refund that the bank lists, by the bank's id of it. Only from a source that lists all.
    pub refunds: BTreeMap<String, Money>,
    /// Whether this source lists all refunds, so that an absent one is known to be absent.
    pub lists_refunds: bool,
    /// Each sum that came in, by the bank's id of it: one for a payment, one more for every charge
    /// of a subscription. It only grows; one that is not there may still come.
    pub approvals: Approvals,
    /// Whether this source lists all of them and every one was read.
    pub lists_approvals: bool,
    pub url: Option<String>,
    pub method: Option<String>,
    pub paid_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    pub purpose: Option<String>,
    /// The bank's saved-payer id.
    pub payer_id: Option<String>,
    /// What the bank calls the card kept by this payment, to charge it again.
    pub saved_card: Option<SavedCard>,
    /// Why an attempt to pay was declined.
    pub decline: Option<Box<Decline>>,
    /// What a QR code of SBP holds, for paying this alone.
    pub qr_payload: Option<String>,
    /// The transfer that it was paid by.
    pub transfer: Option<Box<SbpTransfer>>,
    /// The whole sum that was asked for came in: from a source that tells no sum, of a way to pay
    /// that takes no other.
    pub is_paid_whole: bool,
}

/// A bank's state of a payment in the field's common words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BankStatus {
    Created,
    /// The payer is busy with it, or the bank is.
    InProgress,
    Authorized,
    Paid,
    /// A refund is running; the operation is locked.
    Refunding,
    PartiallyRefunded,
    Refunded,
    Expired,
    /// A hold was released, or a link was closed before anybody paid.
    Canceled,
    /// The payer's attempts ended in a decline and the link is closed.
    Declined,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<Observation>,
    pub page: u32,
    pub total_pages: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLine {
    pub bank_id: String,
    pub status: Option<BankStatus>,
    pub method: String,
    pub amount: Money,
    pub commission: Money,
    pub enrolled: Money,
}

/// An acquiring point of the merchant at the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retailer {
    pub name: String,
    pub merchant_id: Option<String>,
    pub terminal_id: Option<String>,
    pub is_active: bool,
    /// The bank's registration status, as it says it.
    pub status: String,
    pub methods: Vec<PayMethod>,
    /// The bank's commission as it prints it, in percent.
    pub rate: String,
    pub mcc: String,
    pub url: Option<String>,
    pub cashbox: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    pub customer_code: String,
    pub is_business: bool,
    pub name: String,
    pub tax_code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub account_id: String,
    pub customer_code: String,
    pub status: String,
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeAddress {
    pub url: String,
    pub kinds: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in_s: u64,
}

/// Tokens are secrets: only their presence is printed.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let refresh = self.refresh_token.as_ref().map(|_| "***");
        write!(f, "Tokens(***, refresh {refresh:?}, {} s)", self.expires_in_s)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub consent_id: String,
    pub status: String,
    pub permissions: Vec<String>,
    pub customer_code: Option<String>,
}
