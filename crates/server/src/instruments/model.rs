//! What a payer saved, as plain data.

use kopeck_banks::{
    Money,
    op::{AccountBinding, BindingStatus, SavedCard},
};

use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// How long a payer may take to agree, and a bank to tell of it.
pub const PATIENCE_MS: i64 = 3 * DAY_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bank account, charged through SBP.
    Account,
    /// A card, charged by a payment of its own at the bank.
    Card,
    /// A card that its bank keeps as a subscription: one operation that every charge adds to.
    Kept,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::Card => "card",
            Kind::Kept => "kept_card",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        [Kind::Account, Kind::Card, Kind::Kept].into_iter().find(|kind| kind.as_str() == text)
    }

    /// How its ids begin.
    pub const fn prefix(self) -> &'static str {
        match self {
            Kind::Account => "acc",
            Kind::Card | Kind::Kept => "card",
        }
    }

    /// What a shop calls it. How a bank keeps a card is of no concern to a shop.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::Card | Kind::Kept => "card",
        }
    }

    /// Whether it is what a shop means by this kind.
    pub const fn means(self, own: Kind) -> bool {
        match self {
            Kind::Account => matches!(own, Kind::Account),
            Kind::Card => matches!(own, Kind::Card | Kind::Kept),
            Kind::Kept => matches!(own, Kind::Kept),
        }
    }
}

/// A bank account or a card that a customer saved, or is asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct Instrument {
    pub id: String,
    pub kind: Kind,
    pub shop_id: String,
    /// The shop's own number of the customer.
    pub customer_id: String,
    pub connection_id: String,
    pub bank: String,
    pub purpose: String,
    /// The payment that saves it; `None` for an account that is saved without paying.
    pub payment_id: Option<String>,
    /// Since when the bank is asked about it: since its payment ended, if it has one.
    pub watched_ms: Option<i64>,
    /// Where the bank is asked about it: an account's binding, or the customer that the bank keeps
    /// the card for. Each card has a customer of its own there, so that none is taken for another.
    pub request_key: String,
    /// What the payer opens or scans; empty for a card.
    pub link: String,
    pub status: InstrumentStatus,
    /// The bank's token to charge it by, sealed; gone once the consent is.
    pub sealed: Option<Vec<u8>>,
    /// The payer's bank in SBP, or the bank's id of the card.
    pub member_id: Option<String>,
    /// The name of that bank, or the card's number with its middle hidden.
    pub member_name: Option<String>,
    /// Of a card: month and year, MMYY.
    pub expires: Option<String>,
    /// The bank charges it by a schedule of its own, and nobody else can.
    pub is_scheduled: bool,
    pub withdrawn_ms: Option<i64>,
    /// When the bank forgot it, too.
    pub removed_ms: Option<i64>,
    pub created_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentStatus {
    /// The payer has not agreed yet.
    Pending,
    Active,
    /// Not saved, or taken back since.
    Inactive,
}

impl InstrumentStatus {
    pub const ALL: [InstrumentStatus; 3] =
        [InstrumentStatus::Pending, InstrumentStatus::Active, InstrumentStatus::Inactive];

    pub const fn as_str(self) -> &'static str {
        match self {
            InstrumentStatus::Pending => "pending",
            InstrumentStatus::Active => "active",
            InstrumentStatus::Inactive => "inactive",
        }
    }

    pub fn parse(text: &str) -> Option<InstrumentStatus> {
        InstrumentStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// What follows from what the bank says. There is no way back from inactive.
    fn next(self, heard: BindingStatus, has_token: bool) -> InstrumentStatus {
        use InstrumentStatus::{Active, Inactive, Pending};
        match (self, heard) {
            (Inactive, _) | (_, BindingStatus::Inactive) => Inactive,
            (Pending, BindingStatus::Active) if has_token => Active,
            (Pending, BindingStatus::Active | BindingStatus::Pending) => Pending,
            (Active, BindingStatus::Active | BindingStatus::Pending) => Active,
        }
    }
}

/// What the bank says of an instrument.
#[derive(Clone, PartialEq, Eq)]
pub struct Heard {
    status: BindingStatus,
    token: Option<String>,
    member_id: Option<String>,
    member_name: Option<String>,
    expires: Option<String>,
}

impl From<&AccountBinding> for Heard {
    fn from(heard: &AccountBinding) -> Heard {
        Heard {
            status: heard.status,
            token: heard.account_token.clone(),
            member_id: heard.member_id.clone(),
            member_name: heard.member_name.clone(),
            expires: None,
        }
    }
}

impl Heard {
    /// A card that the bank keeps as a subscription: charged by the operation that opened it.
    pub fn kept(operation_id: &str, card: Option<&SavedCard>) -> Heard {
        Heard {
            status: BindingStatus::Active,
            token: Some(operation_id.to_owned()),
            member_id: card.and_then(|card| card.card_id.clone()),
            member_name: card.and_then(|card| card.masked.clone()),
            expires: card.and_then(|card| card.expires.clone()),
        }
    }
}

impl From<&SavedCard> for Heard {
    fn from(card: &SavedCard) -> Heard {
        Heard {
            status: match (card.is_active, &card.charge_id) {
                (Some(false), _) => BindingStatus::Inactive,
                (Some(true) | None, Some(_)) => BindingStatus::Active,
                (Some(true) | None, None) => BindingStatus::Pending,
            },
            token: card.charge_id.clone(),
            member_id: card.card_id.clone(),
            member_name: card.masked.clone(),
            expires: card.expires.clone(),
        }
    }
}

impl Instrument {
    /// Takes in what the bank says; `seal` keeps its token. Of what was taken back no token is
    /// kept, only what the bank needs to forget it.
    pub fn hear<E>(
        &self,
        heard: &Heard,
        seal: impl FnOnce(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Instrument, E> {
        let token = heard.token.as_deref().filter(|token| !token.is_empty());
        let has_token = token.is_some() || self.sealed.is_some();
        let mut next = self.clone();
        next.status = self.status.next(heard.status, has_token);
        let is_kept = next.status != InstrumentStatus::Inactive && self.sealed.is_none();
        if let Some(token) = token.filter(|_| is_kept) {
            next.sealed = Some(seal(token)?);
        }
        next.member_id = self.member_id.clone().or(heard.member_id.clone());
        next.member_name = self.member_name.clone().or(heard.member_name.clone());
        next.expires = self.expires.clone().or(heard.expires.clone());
        Ok(next)
    }

    /// The payer takes his consent back: at once, and for ever.
    #[must_use]
    pub fn withdraw(&self, now_ms: i64) -> Instrument {
        Instrument {
            status: InstrumentStatus::Inactive,
            sealed: None,
            withdrawn_ms: self.withdrawn_ms.or(Some(now_ms)),
            ..self.clone()
        }
    }

    /// Whether the bank still keeps what was taken back. Accounts saved through SBP, and cards that
    /// are kept as subscriptions, are forgotten by being charged no more: the bank has no request
    /// for it. One that the bank charges by itself has to be ended there.
    pub fn must_be_forgotten(&self) -> bool {
        let is_at_bank = match self.kind {
            Kind::Account => false,
            Kind::Card => self.member_id.is_some(),
            Kind::Kept => self.is_scheduled,
        };
        is_at_bank && self.withdrawn_ms.is_some() && self.removed_ms.is_none()
    }

    /// When the bank is asked next; `None` when nothing can change by itself any more. Nobody can
    /// have agreed to save what nobody paid: until its payment ends there is nothing to ask. Of a
    /// card that is kept as a subscription its payment tells all.
    pub fn next_look_ms(&self, now_ms: i64) -> Option<i64> {
        let (since_ms, max_ms) = match &self.payment_id {
            // It is decided; only the bank may be late to say so.
            Some(_) => (self.watched_ms?, 6 * HOUR_MS),
            None => (self.created_ms, 5 * MINUTE_MS),
        };
        let age_ms = now_ms - since_ms;
        let is_asked = self.status == InstrumentStatus::Pending && self.kind != Kind::Kept;
        let is_waiting = is_asked && age_ms < PATIENCE_MS;
        let wait_ms = (age_ms / 4).clamp(5 * SECOND_MS, max_ms);
        is_waiting.then_some(now_ms + wait_ms)
    }
}

/// The link lets anybody save an account in this customer's name: it is not for logs.
impl std::fmt::Debug for Instrument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instrument({}, {})", self.id, self.status.as_str())
    }
}

/// What a payer agreed to, as he was shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: String,
    pub shop_id: String,
    pub customer_id: String,
    /// The payment that it was given with, or the account that was saved without one.
    pub subject_id: String,
    pub terms: Terms,
    pub given_ms: i64,
}

/// The shop's word on what the payer agreed to and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which text he was shown.
    pub text_version: String,
    /// Where: web, bot, phone.
    pub channel: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The most that one charge may take.
    pub max: Option<Money>,
    pub period: Option<String>,
}
