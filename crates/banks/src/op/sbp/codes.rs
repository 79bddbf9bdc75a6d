//! Codes that are registered in SBP by themselves, without a payment at the bank behind them:
//! static, dynamic, of a cash desk, for companies.

use jiff::Timestamp;

use crate::{
    money::Money,
    op::{BankStatus, Observation, PayMethod, SbpTransfer},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeKind {
    /// Printed once, paid any number of times, without end.
    Static,
    /// One payment of a given sum.
    Dynamic,
    /// Printed once, armed with a sum for each payment.
    Desk,
    /// One payment of a given sum by a company.
    Invoice,
}

impl CodeKind {
    pub const ALL: [CodeKind; 4] =
        [CodeKind::Static, CodeKind::Dynamic, CodeKind::Desk, CodeKind::Invoice];

    pub const fn as_str(self) -> &'static str {
        match self {
            CodeKind::Static => "static",
            CodeKind::Dynamic => "dynamic",
            CodeKind::Desk => "desk",
            CodeKind::Invoice => "invoice",
        }
    }

    pub fn parse(text: &str) -> Option<CodeKind> {
        CodeKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether at most one payment ever comes by it.
    pub const fn is_paid_once(self) -> bool {
        match self {
            CodeKind::Dynamic | CodeKind::Invoice => true,
            CodeKind::Static | CodeKind::Desk => false,
        }
    }
}

/// Nothing here is unique at the bank: a registration without an answer is not repeated blindly.
/// What it may leave behind is a code that nobody was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOp {
    Register(NewCode),
    Show {
        code_id: String,
    },
    /// Static and dynamic codes of all points.
    List {
        company_id: String,
    },
    /// Whether these dynamic codes were paid. A bank forgets soon: when the code ends, or a day
    /// after the payment. Then [`super::SbpOp::Payments`] tells.
    States {
        code_ids: Vec<String>,
    },
}

/// A static code or a dynamic one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCode {
    pub point_id: String,
    /// Where the money goes: number and BIK.
    pub account_id: String,
    pub life: CodeLife,
    /// What the payer reads.
    pub purpose: String,
    /// Where the payer's bank sends him afterwards.
    pub return_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLife {
    /// `None`: the payer enters the sum.
    Static {
        amount: Option<Money>,
    },
    Dynamic {
        amount: Money,
        ttl_minutes: u32,
    },
}

impl CodeLife {
    pub const fn amount(self) -> Option<Money> {
        match self {
            CodeLife::Static { amount } => amount,
            CodeLife::Dynamic { amount, .. } => Some(amount),
        }
    }
}

/// A cash desk's code: one sum at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskOp {
    Register {
        point_id: String,
        account_id: String,
        return_url: Option<String>,
    },
    List {
        point_id: String,
        account_id: String,
    },
    Show {
        code_id: String,
    },
    /// Refused while it is armed already.
    Arm {
        code_id: String,
        amount: Money,
        purpose: Option<String>,
        ttl_minutes: u32,
    },
    Disarm {
        code_id: String,
    },
    /// Its money goes to another account of the same company from now on.
    Move {
        code_id: String,
        account_id: String,
    },
    State {
        code_id: String,
    },
    /// What came of one arming: at most one payment. The only source that tells armings apart.
    Payment {
        code_id: String,
        arming_id: String,
    },
}

/// A code that only companies pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvoiceOp {
    Register(NewInvoice),
    Show { code_id: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvoice {
    pub point_id: String,
    pub account_id: String,
    pub amount: Money,
    /// The VAT within the amount; `None`: without VAT.
    pub vat: Option<Money>,
    pub purpose: String,
    pub ttl_minutes: u32,
    /// The recipient's own id of the payment (УИП), which travels with it.
    pub reference: Option<String>,
    pub return_url: Option<String>,
}

/// A code as the bank knows it. What a source does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpCode {
    pub id: String,
    pub kind: Option<CodeKind>,
    /// What the picture holds and phones open. Never changed by us, whatever its checksum.
    pub url: String,
    pub is_active: Option<bool>,
    pub point_id: Option<String>,
    pub company_id: Option<String>,
    pub account_id: Option<String>,
    pub amount: Option<Money>,
    pub vat: Option<Money>,
    pub purpose: Option<String>,
    pub ttl_minutes: Option<u32>,
    pub created_at: Option<Timestamp>,
    /// Of a desk's code that is armed.
    pub arming_id: Option<String>,
    pub reference: Option<String>,
    pub return_url: Option<String>,
}

/// Whether a dynamic code was paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeState {
    pub code_id: String,
    /// `None`: the bank says nothing of a payment, for the reason in `problem`. That it knows no
    /// such code is said alike of one that never was, has ended, or was paid long ago.
    pub status: Option<BankStatus>,
    pub trx_id: Option<String>,
    /// SBP's own code and sentence.
    pub problem: Option<String>,
}

impl CodeState {
    /// What it tells of the payment that this code is. The code's sum is fixed, so a payment by it
    /// is of the whole; a failed attempt leaves it open to another one.
    pub fn observation(&self) -> Observation {
        let is_paid = self.status == Some(BankStatus::Paid);
        let is_failed = self.status == Some(BankStatus::Declined);
        let transfer = SbpTransfer { trx_id: self.trx_id.clone(), ref_id: None };
        Observation {
            bank_id: Some(self.code_id.clone()),
            status: if is_failed { Some(BankStatus::Created) } else { self.status },
            method: is_paid.then(|| PayMethod::Sbp.as_str().to_owned()),
            transfer: Some(transfer).filter(|own| is_paid && own.trx_id.is_some()).map(Box::new),
            is_paid_whole: is_paid,
            ..Observation::default()
        }
    }
}

/// What a desk's code does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskStatus {
    Idle,
    /// Armed, nobody paid yet.
    Waiting,
    /// Somebody is paying.
    InProgress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskState {
    /// `None` for a word that we do not know.
    pub status: Option<DeskStatus>,
    pub arming_id: Option<String>,
}
