//! A terminal of a bank: what it offers, wallets' links, letters and receipts.

use crate::{money::Money, receipt::Receipt};

#[derive(Clone, Debug, PartialEq)]
pub enum TerminalOp {
    /// Which ways to pay are switched on.
    Methods,
    /// Whether T-Pay is, and in which version.
    TPayState,
    /// The link that opens a wallet for a payment.
    WalletLink { bank_id: String, wallet: Wallet },
    /// The QR code of a wallet for a payment, as a picture.
    WalletQr { bank_id: String, wallet: Wallet },
    /// Sends anew the notices that were not delivered.
    ResendNotices,
    /// The bank's confirmation of payments, for people.
    ConfirmationLetter { bank_ids: Vec<String>, to: LetterTo },
    /// The receipt at delivery, after one for a prepayment.
    ClosingReceipt { bank_id: String, receipt: Receipt },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wallet {
    TPay,
    SberPay,
    MirPay,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterTo {
    Emails(Vec<String>),
    Url(String),
}

/// The answers to [`TerminalOp`]; a closing receipt is just accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalWord {
    Methods(TerminalMethods),
    TPay {
        is_allowed: bool,
        version: Option<String>,
    },
    WalletLink {
        url: String,
        /// Where the picture of its QR code is, if the bank says.
        qr_url: Option<String>,
    },
    /// How many notices will be sent again, when the bank counts them.
    Resent {
        count: Option<u32>,
    },
    Letters(Vec<Letter>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalMethods {
    /// The bank's words: `TinkoffPay`, `SBP`.
    pub methods: Vec<String>,
    pub saves_cards: Option<bool>,
    pub needs_token: Option<bool>,
    pub needs_token_to_open: Option<bool>,
}

/// What became of the letter about one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub bank_id: String,
    pub is_taken: bool,
    pub message: String,
}

/// A receipt that the cash register made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiscalRecord {
    pub bank_id: Option<String>,
    pub reference: Option<String>,
    pub is_done: bool,
    pub problem: Option<String>,
    pub amount: Option<Money>,
    /// The bank's word for sale or refund: `Income`, `IncomeReturn`.
    pub kind: Option<String>,
    /// Whether something on it is paid before delivery, where its lines are told: it tells the
    /// closing receipt from the first one.
    pub is_prepaid: Option<bool>,
    pub fiscal_number: Option<String>,
    pub shift_number: Option<String>,
    pub receipt_at: Option<String>,
    pub storage_number: Option<String>,
    pub register_number: Option<String>,
    pub document_number: Option<String>,
    pub document_sign: Option<String>,
    pub ofd: Option<String>,
    pub url: Option<String>,
    pub qr_url: Option<String>,
}
