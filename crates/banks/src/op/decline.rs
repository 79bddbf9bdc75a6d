//! Why a payer's attempt was declined, in words for the payer and for the merchant.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The bank's own code: `1051`.
    pub bank_code: String,
    pub reason: DeclineReason,
    /// What to show the payer: what happened and what to do.
    pub payer: Words,
    pub merchant: Words,
}

/// One sentence in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    pub ru: &'static str,
    pub en: &'static str,
}

/// The kinds of decline that a shop may treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclineReason {
    InsufficientFunds,
    CardExpired,
    /// A wrong number, date or code was typed.
    CardDetails,
    /// Lost, blocked, closed: another one is needed.
    CardBlocked,
    LimitExceeded,
    ThreeDsFailed,
    Suspicion,
    /// The payer's bank gave no other reason.
    IssuerDeclined,
    ForeignCard,
    /// The card or account is not meant for such payments.
    NotPermitted,
    /// The saved card or account is no longer good; the payer must save it anew.
    SavedGone,
    /// Somebody's machinery failed; the same may work later.
    Technical,
    /// The shop's own set-up is in the way; the payer cannot help it.
    Shop,
    Unknown,
}

impl DeclineReason {
    pub const ALL: [DeclineReason; 14] = [
        DeclineReason::InsufficientFunds,
        DeclineReason::CardExpired,
        DeclineReason::CardDetails,
        DeclineReason::CardBlocked,
        DeclineReason::LimitExceeded,
        DeclineReason::ThreeDsFailed,
        DeclineReason::Suspicion,
        DeclineReason::IssuerDeclined,
        DeclineReason::ForeignCard,
        DeclineReason::NotPermitted,
        DeclineReason::SavedGone,
        DeclineReason::Technical,
        DeclineReason::Shop,
        DeclineReason::Unknown,
    ];

    /// The word in APIs: `insufficient_funds`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeclineReason::InsufficientFunds => "insufficient_funds",
            DeclineReason::CardExpired => "card_expired",
            DeclineReason::CardDetails => "card_details",
            DeclineReason::CardBlocked => "card_blocked",
            DeclineReason::LimitExceeded => "limit_exceeded",
            DeclineReason::ThreeDsFailed => "three_ds_failed",
            DeclineReason::Suspicion => "suspicion",
            DeclineReason::IssuerDeclined => "issuer_declined",
            DeclineReason::ForeignCard => "foreign_card",
            DeclineReason::NotPermitted => "not_permitted",
            DeclineReason::SavedGone => "saved_gone",
            DeclineReason::Technical => "technical",
            DeclineReason::Shop => "shop",
            DeclineReason::Unknown => "unknown",
        }
    }
}
