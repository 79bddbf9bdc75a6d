//! The bank's words for where a payment is and what it was paid with.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    New,
    FormShowed,
    Authorizing,
    ThreeDsChecking,
    ThreeDsChecked,
    AuthFail,
    Authorized,
    Confirming,
    Confirmed,
    Reversing,
    PartialReversed,
    Reversed,
    Refunding,
    AsyncRefunding,
    PartialRefunded,
    Refunded,
    Canceled,
    DeadlineExpired,
    Rejected,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Status::New => "NEW",
            Status::FormShowed => "FORM_SHOWED",
            Status::Authorizing => "AUTHORIZING",
            Status::ThreeDsChecking => "3DS_CHECKING",
            Status::ThreeDsChecked => "3DS_CHECKED",
            Status::AuthFail => "AUTH_FAIL",
            Status::Authorized => "AUTHORIZED",
            Status::Confirming => "CONFIRMING",
            Status::Confirmed => "CONFIRMED",
            Status::Reversing => "REVERSING",
            Status::PartialReversed => "PARTIAL_REVERSED",
            Status::Reversed => "REVERSED",
            Status::Refunding => "REFUNDING",
            Status::AsyncRefunding => "ASYNC_REFUNDING",
            Status::PartialRefunded => "PARTIAL_REFUNDED",
            Status::Refunded => "REFUNDED",
            Status::Canceled => "CANCELED",
            Status::DeadlineExpired => "DEADLINE_EXPIRED",
            Status::Rejected => "REJECTED",
        }
    }

    /// The payer may still pay.
    pub(super) const fn is_payable(self) -> bool {
        match self {
            Status::New | Status::FormShowed | Status::AuthFail => true,
            Status::Authorizing
            | Status::ThreeDsChecking
            | Status::ThreeDsChecked
            | Status::Authorized
            | Status::Confirming
            | Status::Confirmed
            | Status::Reversing
            | Status::PartialReversed
            | Status::Reversed
            | Status::Refunding
            | Status::AsyncRefunding
            | Status::PartialRefunded
            | Status::Refunded
            | Status::Canceled
            | Status::DeadlineExpired
            | Status::Rejected => false,
        }
    }

    /// Money is held and may be taken or given back.
    pub(super) fn is_held(self) -> bool {
        self == Status::Authorized || self == Status::PartialReversed
    }

    /// A refund is on its way.
    pub(super) fn is_refunding(self) -> bool {
        self == Status::Refunding || self == Status::AsyncRefunding
    }

    /// The payer has not paid yet, but is at it.
    pub(super) fn is_open(self) -> bool {
        self.is_payable() || self == Status::ThreeDsChecking
    }
}

/// What a payment was paid with, in the bank's words of `Params` and `Data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Source {
    Cards,
    Sbp,
    TinkoffPay,
    SberPay,
    MirPay,
    /// Instalments named Dolyame: the payer pays in parts, the shop gets all at once.
    Bnpl,
}

impl Source {
    pub(super) const ALL: [Source; 6] = [
        Source::Cards,
        Source::Sbp,
        Source::TinkoffPay,
        Source::SberPay,
        Source::MirPay,
        Source::Bnpl,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Source::Cards => "cards",
            Source::Sbp => "qrsbp",
            Source::TinkoffPay => "TinkoffPay",
            Source::SberPay => "SberPay",
            Source::MirPay => "MirPay",
            Source::Bnpl => "BNPL",
        }
    }

    pub(super) const fn route(self) -> &'static str {
        match self {
            Source::SberPay => "SBER",
            Source::Bnpl => "BNPL",
            Source::Cards | Source::Sbp | Source::TinkoffPay | Source::MirPay => "ACQ",
        }
    }

    /// The word of the controls and of the page's forms.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Source::Cards => "card",
            Source::Sbp => "sbp",
            Source::TinkoffPay => "tpay",
            Source::SberPay => "sberpay",
            Source::MirPay => "mirpay",
            Source::Bnpl => "dolyame",
        }
    }

    /// The bank's words and the merchant's.
    pub(super) fn parse(text: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|own| own.method() == text || own.as_str() == text)
    }
}
