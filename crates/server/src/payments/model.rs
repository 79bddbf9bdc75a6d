//! A payment and its refunds as plain data. Decisions about them are in `state.rs`.

use std::collections::BTreeMap;

use kopeck_banks::{
    Money,
    op::{CaptureMode, Decline, PayMethod, Refusal, SbpTransfer, Schedule},
};

use super::route::Route;
use crate::instruments::model::Kind;

/// One order on its way to a final state.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    pub id: String,
    pub shop_id: String,
    pub connection_id: String,
    /// The bank's word: `tochka`.
    pub bank: String,
    /// The banks that may carry it, the best first; empty when the shop named one.
    pub routes: Vec<Route>,
    /// How often it went on to another bank.
    pub moves: u32,
    /// The link that this is another try of; such a row is shown only as a part of its link.
    pub attempt_of: Option<String>,
    /// The link's other tries, in a few words.
    pub attempts: Vec<Attempt>,
    /// The place whose code it was paid by: a static code, a desk.
    pub place_id: Option<String>,
    /// What it is paid with: whatever its payer chooses, or what he saved earlier.
    pub means: Means,
    /// The bank charges the card by this schedule: of the payment that opens it, and of each
    /// charge, which nobody sends.
    pub schedule: Option<Schedule>,
    /// The shop's own order number; not unique, a shop may try again with a new payment.
    pub order_id: Option<String>,
    /// Our number at the bank, unique there.
    pub reference: String,
    pub amount: Money,
    pub purpose: String,
    pub methods: Vec<PayMethod>,
    /// Those of them that the bank is asked to offer.
    pub bank_methods: Vec<PayMethod>,
    pub capture: CaptureMode,
    pub ttl_minutes: u32,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// JSON texts, kept as the shop gave them.
    pub customer: Option<String>,
    pub receipt: Option<String>,
    pub metadata: String,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub intents: Intents,
    pub facts: Facts,
    /// In the order they were requested or found.
    pub refunds: Vec<Refund>,
    /// When the bank was last asked about this payment; 0 if never.
    pub asked_ms: i64,
    /// Until then the bank is asked every minute.
    pub dense_until_ms: i64,
}

/// What a payment is paid with, and what of it is kept to be charged again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// Whatever the payer chooses.
    #[default]
    Payer,
    /// The payer pays, and what he pays with is saved for this customer, an account if he agrees.
    /// `id` once it is.
    Save { kind: Kind, customer_id: String, id: Option<String> },
    /// What was saved, without its payer.
    Saved { kind: Kind, id: String },
}

/// What we asked of the bank. Saved before the request leaves, so that a restart knows that the
/// bank may have heard it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intents {
    pub open_asked_ms: Option<i64>,
    pub open_tries: u32,
    pub capture_requested_ms: Option<i64>,
    pub capture_asked_ms: Option<i64>,
    /// How much of the hold was asked for; `None`: all of it.
    pub capture_amount: Option<Money>,
    pub void_requested_ms: Option<i64>,
    pub void_asked_ms: Option<i64>,
    /// When the bank was last asked for the QR code of the payment, and how often.
    pub qr_asked_ms: Option<i64>,
    pub qr_tries: u32,
    /// When the charge of what was saved was sent; it is sent once.
    pub charge_asked_ms: Option<i64>,
    /// The approvals that stood in the kept card's operation before the charge was sent.
    pub approvals_before: Vec<String>,
    /// The bank said that it took the charge of a kept card; its approval may be shown later.
    pub is_charge_taken: bool,
    /// The payer wants to pay elsewhere: a place in [`Payment::routes`].
    pub move_to: Option<usize>,
    /// The bank refused to open the payment, and nothing exists there; or to charge what was saved,
    /// and nothing was taken.
    pub failure: Option<Failure>,
    /// The bank refused the capture; the hold is still there.
    pub capture_failure: Option<Failure>,
    /// The bank refused to release the hold; it is still there.
    pub void_failure: Option<Failure>,
}

/// Another try of a link, as the link shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub id: String,
    pub bank: String,
    pub reference: String,
    pub bank_id: Option<String>,
    pub status: Status,
    pub paid: Money,
    pub refunded: Money,
}

/// What the bank said. Facts only ever grow: joining them in any order gives the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub bank_id: Option<String>,
    /// Of a card that its bank keeps as a subscription: the operation and which of its approvals
    /// is this payment's money. No other payment has it.
    pub approval: Option<String>,
    pub bank_url: Option<String>,
    pub authorized: Money,
    pub paid: Money,
    /// The bank told of refunds before it told what was paid: `paid` is what we expected.
    pub is_paid_guessed: bool,
    /// The least that the bank ever said was left of what was held or paid.
    pub left: Option<Money>,
    /// The bank's own list of refunds, by its ids.
    pub refunds: BTreeMap<String, Money>,
    /// The bank said "refunded in full" without listing the refunds.
    pub fully_refunded: bool,
    pub expired: bool,
    pub canceled: bool,
    pub declined: bool,
    /// Why, where the bank tells.
    pub decline: Option<Failure>,
    pub method: Option<String>,
    /// When it was paid, as the bank tells it; not every source does.
    pub paid_ms: Option<i64>,
    /// When we first heard that it was paid: our own word, kept beside the bank's and never joined.
    pub heard_paid_ms: Option<i64>,
    pub payer_id: Option<String>,
    /// What a QR code of SBP holds, for paying this alone.
    pub qr_payload: Option<String>,
    /// The transfer that it was paid by, where it goes back as another one.
    pub transfer: Option<SbpTransfer>,
}

impl Facts {
    /// When it was paid: the bank's time if it told one, else when we heard of it.
    pub fn paid_at_ms(&self) -> Option<i64> {
        self.paid_ms.or(self.heard_paid_ms)
    }
}

/// A refusal as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Failure {
        Failure {
            code: refusal.code.to_owned(),
            message: refusal.message.clone(),
            hint: refusal.hint.clone(),
        }
    }
}

impl From<&Decline> for Failure {
    fn from(decline: &Decline) -> Failure {
        Failure {
            code: format!("declined_{}", decline.reason.as_str()),
            message: format!("{} (the bank's code {})", decline.merchant.en, decline.bank_code),
            hint: decline.payer.en.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Refund {
    pub id: String,
    pub amount: Money,
    pub reason: Option<String>,
    pub origin: Origin,
    pub state: RefundState,
    /// Set once the refund is found in the bank's own list.
    pub bank_refund_id: Option<String>,
    /// What the bank calls the request while it is under way, where it can be asked about by that.
    pub bank_request_id: Option<String>,
    /// The account's statement being made, in which one without an answer shall be found.
    pub statement_id: Option<String>,
    /// What was left when the request left, by the bank's word and by the refunds then known: the
    /// sign by which a refund is known that no list shows.
    pub left_before: Option<Money>,
    pub created_ms: i64,
}

impl Refund {
    /// Whether the bank accepted it and does not list it yet. One that is known only by what is
    /// left will never be listed.
    pub fn is_unlisted(&self) -> bool {
        let is_accepted = self.origin == Origin::Shop && self.state == RefundState::Succeeded;
        is_accepted && self.bank_refund_id.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Requested through Kopeck.
    Shop,
    /// Made in the bank's cabinet and found by us.
    Bank,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RefundState {
    /// Wanted; the bank has certainly not heard of it.
    Requested,
    /// The request left, its answer is not known. One exit: ask. `asks` counts the bank's lists
    /// seen since that did not show it.
    Asked {
        at_ms: i64,
        asks: u32,
    },
    Succeeded,
    /// The bank refused it, or never had it.
    Failed(Failure),
}

impl RefundState {
    pub const fn is_pending(&self) -> bool {
        match self {
            RefundState::Requested | RefundState::Asked { .. } => true,
            RefundState::Succeeded | RefundState::Failed(_) => false,
        }
    }

    /// The word in the API and in the database.
    pub const fn as_str(&self) -> &'static str {
        match self {
            RefundState::Requested => "requested",
            RefundState::Asked { .. } => "asked",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed(_) => "failed",
        }
    }
}

/// A payment's state in one word. Derived from intents and facts, never set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The link is being made at the bank; our own page works already.
    Opening,
    Open,
    /// Money is held on the payer's card.
    Authorized,
    Capturing,
    Paid,
    Refunding,
    PartiallyRefunded,
    Refunded,
    Expired,
    Canceled,
    Failed,
    /// The bank holds or received another sum than was asked for: a person must look.
    AmountMismatch,
}

impl Status {
    pub const ALL: [Status; 12] = [
        Status::Opening,
        Status::Open,
        Status::Authorized,
        Status::Capturing,
        Status::Paid,
        Status::Refunding,
        Status::PartiallyRefunded,
        Status::Refunded,
        Status::Expired,
        Status::Canceled,
        Status::Failed,
        Status::AmountMismatch,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Opening => "opening",
            Status::Open => "open",
            Status::Authorized => "authorized",
            Status::Capturing => "capturing",
            Status::Paid => "paid",
            Status::Refunding => "refunding",
            Status::PartiallyRefunded => "partially_refunded",
            Status::Refunded => "refunded",
            Status::Expired => "expired",
            Status::Canceled => "canceled",
            Status::Failed => "failed",
            Status::AmountMismatch => "amount_mismatch",
        }
    }

    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Payment {
    /// What should come in: the part of the hold that was asked for, else the whole amount.
    pub fn expected(&self) -> Money {
        self.intents.capture_amount.unwrap_or(self.amount)
    }

    /// What is held, as far as we know: less than was authorized after a partial release.
    pub fn held(&self) -> Money {
        let held = self.facts.authorized;
        self.facts.left.map_or(held, |left| left.min(held))
    }

    /// Whether it is a code of SBP and nothing else at the bank: without a page there, a list of
    /// refunds or time after its end.
    pub fn is_code(&self) -> bool {
        self.facts.qr_payload.is_some() && self.facts.qr_payload == self.facts.bank_url
    }

    /// The bank keeps a page for it, and SBP is the only way to pay there: its QR code is wanted.
    /// Not where nobody will scan it; asking for it would keep a saved account from being charged.
    pub fn wants_qr(&self) -> bool {
        let is_wanted = self.facts.qr_payload.is_none() && !self.is_charge();
        is_wanted && self.bank_methods == [PayMethod::Sbp]
    }

    /// Whether it is taken from what its payer saved, without him.
    pub fn is_charge(&self) -> bool {
        match self.means {
            Means::Saved { .. } => true,
            Means::Payer | Means::Save { .. } => false,
        }
    }

    /// Whether it is taken from a card that its bank keeps as a subscription: nothing of its own is
    /// opened at the bank.
    pub fn is_kept_charge(&self) -> bool {
        matches!(self.means, Means::Saved { kind: Kind::Kept, .. })
    }

    /// Whether such a charge was sent, by us, and nobody knows what became of it.
    pub fn is_silent(&self) -> bool {
        let is_ours = self.is_kept_charge() && self.schedule.is_none();
        is_ours && self.intents.charge_asked_ms.is_some() && self.status() == Status::Open
    }

    /// Whether it opens such a subscription: one operation, to which each charge adds.
    pub fn opens_kept(&self) -> bool {
        matches!(self.means, Means::Save { kind: Kind::Kept, .. })
    }

    /// Whether the bank has its money in an operation that it shares with other payments.
    pub fn shares_operation(&self) -> bool {
        self.is_kept_charge() || self.opens_kept()
    }

    /// What it is taken from, or what it saved.
    pub fn instrument(&self) -> Option<(Kind, &str)> {
        match &self.means {
            Means::Saved { kind, id } => Some((*kind, id)),
            Means::Save { kind, id, .. } => id.as_deref().map(|id| (*kind, id)),
            Means::Payer => None,
        }
    }

    /// The instrument of this kind, as a shop means it.
    pub fn instrument_id(&self, kind: Kind) -> Option<&str> {
        self.instrument().filter(|(own, _)| kind.means(*own)).map(|(_, id)| id)
    }

    /// Why it failed, if it did. A charge that was not taken within the time that the bank had for
    /// it was not made.
    pub fn failure(&self) -> Option<Failure> {
        let is_over = self.status() == Status::Failed;
        let declined = self.facts.decline.clone().filter(|_| is_over && self.facts.declined);
        let lapsed = || {
            let is_lapsed = is_over && self.facts.expired;
            let not_charged = || match self.schedule {
                Some(_) => not_charged_by_bank(),
                None => not_charged(self.intents.charge_asked_ms.is_some()),
            };
            is_lapsed.then(not_charged)
        };
        self.intents.failure.clone().or(declined).or_else(lapsed)
    }

    /// Whether it is held first, and taken when the shop says so.
    pub fn is_hold(&self) -> bool {
        self.capture == CaptureMode::Manual
    }

    /// Whether to release it is to close a link that nobody shall pay: of a hold it is the shop's
    /// word about its money.
    pub fn may_close(&self) -> bool {
        self.attempt_of.is_some() || !self.is_hold()
    }

    /// Whether money is held that waits for the shop to take or release it, right or wrong.
    pub fn is_held(&self) -> bool {
        match self.status() {
            Status::Authorized => true,
            Status::AmountMismatch => self.facts.paid.is_zero(),
            Status::Opening
            | Status::Open
            | Status::Capturing
            | Status::Paid
            | Status::Refunding
            | Status::PartiallyRefunded
            | Status::Refunded
            | Status::Expired
            | Status::Canceled
            | Status::Failed => false,
        }
    }

    /// Whether another sum was authorized than the order's. Less may be held by now, since a part
    /// of a hold can be released on purpose.
    pub fn holds_other_sum(&self) -> bool {
        let authorized = self.facts.authorized;
        self.is_hold() && !authorized.is_zero() && authorized != self.amount
    }

    /// Whether the release of the hold was asked for and nothing came of it yet.
    pub const fn is_voiding(&self) -> bool {
        self.intents.void_requested_ms.is_some() && self.intents.void_failure.is_none()
    }

    /// Refunded for certain: the bank's own list, plus ours that the bank accepted but has not
    /// listed yet; or what is missing, where the bank tells the rest. Never more than was paid.
    pub fn refunded(&self) -> Money {
        if self.facts.fully_refunded {
            return self.facts.paid;
        }
        let gone = self.facts.left.map_or(Money::ZERO, |left| self.facts.paid.minus_or_zero(left));
        let listed = self.facts.refunds.values().copied();
        let unlisted = self.refunds.iter().filter(|refund| refund.is_unlisted());
        let sum = Money::checked_sum(listed.chain(unlisted.map(|refund| refund.amount)));
        sum.map_or(self.facts.paid, |sum| sum.max(gone).min(self.facts.paid))
    }

    /// What may still be asked back: refunds under way count as gone.
    pub fn refundable(&self) -> Money {
        let pending = self.refunds.iter().filter(|refund| refund.state.is_pending());
        let pending = Money::checked_sum(pending.map(|refund| refund.amount));
        let rest = self.facts.paid.minus_or_zero(self.refunded());
        pending.map_or(Money::ZERO, |pending| rest.minus_or_zero(pending))
    }

    /// When the bank's link ends. Its time runs from the request that made it, which leaves later
    /// than the shop asked when the bank is out of reach. Of a charge of a kept card: until when
    /// its approval is asked for.
    pub fn link_end_ms(&self) -> i64 {
        let life_ms = i64::from(self.ttl_minutes) * 60_000;
        let asked_ms = match self.is_kept_charge() {
            true => self.intents.charge_asked_ms,
            false => self.intents.open_asked_ms,
        };
        asked_ms.map_or(self.expires_ms, |asked_ms| asked_ms + life_ms)
    }

    pub fn status(&self) -> Status {
        let facts = &self.facts;
        let refund_pending = self.refunds.iter().any(|refund| refund.state.is_pending());
        if !facts.paid.is_zero() {
            let refunded = self.refunded();
            return match () {
                () if refunded >= facts.paid => Status::Refunded,
                () if refund_pending => Status::Refunding,
                () if facts.paid != self.expected() => Status::AmountMismatch,
                () if !refunded.is_zero() => Status::PartiallyRefunded,
                () => Status::Paid,
            };
        }
        let is_refused = self.intents.failure.is_some() || facts.declined || facts.expired;
        match () {
            // Nobody pays it later: what ends a charge is a failure to take it.
            () if self.is_charge() && is_refused => Status::Failed,
            () if facts.canceled => Status::Canceled,
            () if facts.expired => Status::Expired,
            () if facts.declined => Status::Failed,
            () if !facts.authorized.is_zero() => {
                match (self.intents.capture_requested_ms, &self.intents.capture_failure) {
                    (Some(_), None) => Status::Capturing,
                    (Some(_) | None, Some(_)) | (None, None) if self.holds_other_sum() => {
                        Status::AmountMismatch
                    }
                    (Some(_) | None, Some(_)) | (None, None) => Status::Authorized,
                }
            }
            // Its operation was there before it.
            () if facts.bank_id.is_some() || self.is_kept_charge() => Status::Open,
            () if self.intents.failure.is_some() => Status::Failed,
            () => Status::Opening,
        }
    }
}

/// The bank was to charge by its own schedule; it announces no failure, so only asking tells.
fn not_charged_by_bank() -> Failure {
    Failure {
        code: "bank_did_not_charge".into(),
        message: "The bank did not charge the card by its schedule".into(),
        hint:
            "The bank tells no reason: ask the customer to pay, or to subscribe with another card"
                .into(),
    }
}

/// The bank was asked for a charge or could not be, and took nothing until its time was over.
fn not_charged(is_asked: bool) -> Failure {
    if is_asked {
        return Failure {
            code: "charge_unanswered".into(),
            message: "The bank did not answer the charge, and says that nothing was taken".into(),
            hint: "Nothing was charged: make another payment if the sum is still due".into(),
        };
    }
    Failure {
        code: "bank_unavailable".into(),
        message: "The bank could not be asked for the charge before its time was over".into(),
        hint: "Nothing was charged: make another payment if the sum is still due".into(),
    }
}
