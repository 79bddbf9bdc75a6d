//! Payers known to a bank and the cards they left there to pay again.

/// About payers and their cards. Card numbers never pass through here: a card is entered at the
/// bank's own page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardOp {
    AddPayer {
        payer_id: String,
        email: Option<String>,
        phone: Option<String>,
    },
    ShowPayer {
        payer_id: String,
    },
    RemovePayer {
        payer_id: String,
    },
    /// Asks for the bank's page at which the payer saves a card without paying.
    Bind {
        payer_id: String,
        check: CardCheck,
        success_url: Option<String>,
        fail_url: Option<String>,
        notice_url: Option<String>,
    },
    ShowBinding {
        request_key: String,
    },
    List {
        payer_id: String,
    },
    Remove {
        payer_id: String,
        card_id: String,
    },
    /// Takes a payment, opened with [`crate::op::CreateLink::saved_charge`], from a saved card.
    Charge {
        bank_id: String,
        charge_id: String,
        /// Where the bank sends its letter about it.
        email: Option<String>,
    },
}

/// How the bank makes sure that a card is the payer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardCheck {
    /// Not at all; such a card may be offered to the payer but not charged without them.
    #[default]
    None,
    Hold,
    ThreeDs,
    ThreeDsHold,
}

/// On whose behalf a saved card is charged, as the card schemes want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedCharge {
    /// The payer chose the card now.
    Payer,
    /// The merchant, again and again, without a schedule.
    Recurring,
    /// The merchant, by a schedule of instalments.
    Instalment,
    /// The merchant, for something already delivered.
    Delayed,
    /// The merchant, since the payer did not come.
    NoShow,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payer {
    pub payer_id: String,
    pub email: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedCard {
    pub card_id: Option<String>,
    /// With it the card can be charged without the payer.
    pub charge_id: Option<String>,
    /// The number with its middle hidden.
    pub masked: Option<String>,
    /// Four digits, month and year: `1230`.
    pub expires: Option<String>,
    /// `false` once it was removed; `None` when not told.
    pub is_active: Option<bool>,
    pub kind: Option<CardKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardKind {
    Pays,
    Receives,
    Both,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardBinding {
    pub request_key: String,
    pub payer_id: Option<String>,
    /// The bank's page where the card is entered.
    pub url: Option<String>,
    pub status: BindingStatus,
    pub card: Option<SavedCard>,
    pub decline: Option<crate::op::Decline>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingStatus {
    /// Nothing final yet, or a word of the bank that we do not know.
    Pending,
    Active,
    /// Not saved, or removed since.
    Inactive,
}
