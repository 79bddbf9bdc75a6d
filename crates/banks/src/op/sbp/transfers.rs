//! Money that came by codes of SBP, and money that goes back.

use std::fmt;

use jiff::Timestamp;

use crate::{
    money::Money,
    op::{BankStatus, Observation, PayMethod},
};

/// One transfer by a code. A static code gets many of them, also two of one sum in one minute:
/// each has ids of its own, and [`SbpPayment::is_same`] tells them apart. What a source does not
/// tell is `None`; the bank's list tells no sums.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SbpPayment {
    pub code_id: String,
    /// The id of the transfer in SBP, 32 characters.
    pub trx_id: Option<String>,
    /// The bank's own id of it.
    pub ref_id: Option<String>,
    /// The arming of a desk's code that it paid.
    pub arming_id: Option<String>,
    pub status: Option<BankStatus>,
    pub amount: Option<Money>,
    pub at: Option<Timestamp>,
    /// Shortened by the payer's bank: «Иван Иванович И.».
    pub payer_name: Option<String>,
    /// All but its last digits hidden, by us if not by the bank.
    pub payer_phone: Option<String>,
    pub point_id: Option<String>,
    pub purpose: Option<String>,
    /// The bank's sentence about it.
    pub message: Option<String>,
}

impl SbpPayment {
    /// What it tells of the payment that its code is, where that code is dynamic: of a fixed sum
    /// and paid once, so that a source without sums tells of the whole.
    pub fn observation(&self) -> Observation {
        let is_paid = self.status == Some(BankStatus::Paid);
        let is_failed = self.status == Some(BankStatus::Declined);
        let transfer = SbpTransfer { trx_id: self.trx_id.clone(), ref_id: self.ref_id.clone() };
        let is_named = transfer.trx_id.is_some() || transfer.ref_id.is_some();
        Observation {
            bank_id: Some(self.code_id.clone()),
            status: if is_failed { Some(BankStatus::Created) } else { self.status },
            paid: self.amount.filter(|_| is_paid),
            is_paid_whole: is_paid && self.amount.is_none(),
            paid_at: self.at.filter(|_| is_paid),
            method: is_paid.then(|| PayMethod::Sbp.as_str().to_owned()),
            transfer: Some(transfer).filter(|_| is_paid && is_named).map(Box::new),
            ..Observation::default()
        }
    }

    /// Whether both tell of one transfer. Sources name different ids of it; a notice names all, so
    /// what is kept of one should keep both. Where neither has any, the code is paid once only.
    pub fn is_same(&self, other: &SbpPayment) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).map(|(a, b)| a == b)
        };
        if self.code_id != other.code_id {
            return false;
        }
        let is_nameless = |one: &SbpPayment| one.trx_id.is_none() && one.ref_id.is_none();
        same(&self.ref_id, &other.ref_id)
            .or_else(|| same(&self.trx_id, &other.trx_id))
            .unwrap_or(is_nameless(self) && is_nameless(other))
    }
}

/// Names and phones are not for logs: only their presence is printed.
impl fmt::Debug for SbpPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |text: &Option<String>| text.as_ref().map(|_| "***");
        f.debug_struct("SbpPayment")
            .field("code_id", &self.code_id)
            .field("trx_id", &self.trx_id)
            .field("ref_id", &self.ref_id)
            .field("arming_id", &self.arming_id)
            .field("status", &self.status)
            .field("amount", &self.amount)
            .field("at", &self.at)
            .field("payer_name", &hidden(&self.payer_name))
            .field("payer_phone", &hidden(&self.payer_phone))
            .field("point_id", &self.point_id)
            .field("purpose", &self.purpose)
            .field("message", &self.message)
            .finish()
    }
}

/// The names of one transfer. Each source tells those that it knows; a notice tells both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpTransfer {
    /// The id in SBP, 32 characters.
    pub trx_id: Option<String>,
    /// The bank's own id.
    pub ref_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpPayments {
    pub items: Vec<SbpPayment>,
    pub page: u32,
    pub total_pages: u32,
}

/// Money back by SBP. Not every kind of code allows it: [`crate::Capabilities::sbp_refunds`].
///
/// Nothing of it is unique at the bank and nothing lists it, so a request without an answer is
/// never sent again: it stays unknown until the account's statement tells of it
/// ([`crate::op::StatementOp`]), or a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSbpRefund {
    pub code_id: String,
    /// The account that was paid to.
    pub account_id: String,
    pub amount: Money,
    /// Of [`SbpPayment`]: one of them is enough, both are sent when known.
    pub trx_id: Option<String>,
    pub ref_id: Option<String>,
    /// Stands in the statement: our id of the refund belongs in it, so that one whose answer was
    /// lost can be found there.
    pub purpose: String,
    /// The payer is not a resident of Russia: the purpose must say so in the bank's own form.
    pub is_abroad: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferStatus {
    /// Taken by the bank, not final: it may still fail.
    Running,
    Done,
    Failed,
}

/// A refund at the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundState {
    /// The bank's id, to ask about it.
    pub refund_id: String,
    /// `None` for a word that we do not know.
    pub status: Option<TransferStatus>,
    /// Why it failed, as the bank says it.
    pub reason: Option<String>,
}
