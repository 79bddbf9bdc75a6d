//! Everything the emulator remembers, ready to be written into a snapshot and read back.
//! Times are milliseconds UTC, amounts are integer kopecks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    status::{Source, Status},
    time::{DAY_MS, HOUR_MS},
};
use crate::{
    emulator::{faults::Faults, ids::Mint},
    money::Money,
};

/// The change that a transient status leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Next {
    Authorize,
    Capture {
        #[serde(with = "kopecks")]
        amount: Money,
    },
    Reverse {
        #[serde(with = "kopecks")]
        amount: Money,
    },
    Refund {
        #[serde(with = "kopecks")]
        amount: Money,
    },
    /// An account is charged: the SBP answers later.
    SettleSbp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) next: Next,
    pub(super) due_ms: i64,
}

/// The card that a payment was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CardUse {
    pub(super) card_id: String,
    pub(super) pan: String,
    pub(super) expiry: String,
    pub(super) rebill_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payment {
    pub(super) id: u64,
    pub(super) terminal: String,
    pub(super) order_id: String,
    #[serde(with = "kopecks")]
    pub(super) amount: Money,
    #[serde(with = "kopecks")]
    pub(super) held: Money,
    #[serde(with = "kopecks")]
    pub(super) captured: Money,
    #[serde(with = "kopecks")]
    pub(super) refunded: Money,
    pub(super) status: Status,
    /// Every status it ever had, transients too, with the time.
    pub(super) history: Vec<(i64, Status)>,
    pub(super) step: Option<Step>,
    pub(super) description: String,
    pub(super) customer_key: Option<String>,
    pub(super) recurrent: bool,
    pub(super) two_stage: bool,
    pub(super) notification_url: Option<String>,
    pub(super) success_url: Option<String>,
    pub(super) fail_url: Option<String>,
    /// The last part of `PaymentURL`.
    pub(super) code: String,
    pub(super) created_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) paid_ms: Option<i64>,
    /// When a hold that nobody takes is given back by the card's bank.
    pub(super) hold_ends_ms: Option<i64>,
    pub(super) data: BTreeMap<String, String>,
    pub(super) receipt: Option<String>,
    /// The receipt has an item that is not yet fully settled, and no closing receipt came.
    pub(super) awaits_closing: bool,
    /// Of the refund that runs.
    #[serde(default)]
    pub(super) refund_receipt: Option<String>,
    /// What the cash register was given, oldest first.
    #[serde(default)]
    pub(super) documents: Vec<Document>,
    pub(super) source: Option<Source>,
    pub(super) card: Option<CardUse>,
    /// Of the card whose 3-D Secure question waits for an answer: masked number and expiry.
    pub(super) challenged: Option<(String, String)>,
    pub(super) rrn: Option<String>,
    pub(super) sbp_payment_id: Option<String>,
    pub(super) qr_link: Option<String>,
    /// The binding that comes with paying by QR.
    pub(super) qr_request_key: Option<String>,
    pub(super) charged_token: Option<String>,
    pub(super) error_code: String,
    /// Why attempts failed, oldest first, as the bank's codes.
    pub(super) declines: Vec<String>,
    /// Answered cancels by `ExternalRequestId`: original and new amount in kopecks.
    pub(super) cancels: BTreeMap<String, (i64, i64)>,
    /// When refunds through the SBP were asked for.
    pub(super) sbp_refunds_ms: Vec<i64>,
    /// Why the last refund through the SBP failed, as its own code.
    pub(super) refund_error: Option<String>,
    pub(super) notices: Vec<u64>,
}

/// A receipt at the cash register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) kind: DocumentKind,
    #[serde(with = "kopecks")]
    pub(super) amount: Money,
    /// As it was sent; nobody sends one for a refund in the cabinet.
    pub(super) receipt: Option<String>,
    pub(super) number: u64,
    pub(super) is_made: bool,
    /// That tell of it.
    pub(super) notices: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DocumentKind {
    Income,
    IncomeReturn,
    Closing,
}

impl Payment {
    /// What may still be given back.
    pub(super) fn rest(&self) -> Money {
        self.captured.minus_or_zero(self.refunded)
    }

    /// The bank's "current sum": what is held or kept now; the whole of it once all is gone.
    pub(super) fn current(&self) -> Money {
        match self.status {
            Status::PartialReversed | Status::Authorized | Status::Confirming => self.held,
            Status::PartialRefunded | Status::Refunding | Status::AsyncRefunding => self.rest(),
            Status::Confirmed | Status::Refunded => self.captured,
            Status::New
            | Status::FormShowed
            | Status::Authorizing
            | Status::ThreeDsChecking
            | Status::ThreeDsChecked
            | Status::AuthFail
            | Status::Reversing
            | Status::Reversed
            | Status::Canceled
            | Status::DeadlineExpired
            | Status::Rejected => self.amount,
        }
    }

    pub(super) fn wants_account(&self) -> bool {
        self.recurrent && self.data.get("QR").is_some_and(|word| word == "true")
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Customer {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
}

/// What a saved card or account does when it is charged: set by the controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChargeFate {
    Valid,
    Expired,
    Revoked,
    InsufficientFunds,
}

impl ChargeFate {
    pub(super) fn parse(text: &str) -> Option<ChargeFate> {
        Some(match text {
            "valid" => ChargeFate::Valid,
            "expired" => ChargeFate::Expired,
            "revoked" => ChargeFate::Revoked,
            "insufficient_funds" => ChargeFate::InsufficientFunds,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedCard {
    pub(super) id: String,
    pub(super) terminal: String,
    pub(super) customer_key: String,
    pub(super) pan: String,
    pub(super) expiry: String,
    pub(super) rebill_id: Option<String>,
    pub(super) is_deleted: bool,
    pub(super) fate: ChargeFate,
}

/// A card being bound by `AddCard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Binding {
    pub(super) request_key: String,
    pub(super) payment_id: u64,
    pub(super) terminal: String,
    pub(super) customer_key: String,
    pub(super) check_type: String,
    pub(super) status: BindingStatus,
    pub(super) code: String,
    pub(super) success_url: Option<String>,
    pub(super) fail_url: Option<String>,
    pub(super) notification_url: Option<String>,
    pub(super) expires_ms: i64,
    pub(super) challenged: Option<(String, String)>,
    pub(super) card_id: Option<String>,
    pub(super) rebill_id: Option<String>,
    pub(super) error_code: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum BindingStatus {
    New,
    FormShowed,
    ThreeDsChecking,
    Completed,
    Rejected,
}

impl BindingStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            BindingStatus::New => "NEW",
            BindingStatus::FormShowed => "FORM_SHOWED",
            BindingStatus::ThreeDsChecking => "THREE_DS_CHECKING",
            BindingStatus::Completed => "COMPLETED",
            BindingStatus::Rejected => "REJECTED",
        }
    }

    pub(super) const fn is_open(self) -> bool {
        match self {
            BindingStatus::New | BindingStatus::FormShowed | BindingStatus::ThreeDsChecking => true,
            BindingStatus::Completed | BindingStatus::Rejected => false,
        }
    }
}

/// An account being bound in the SBP, or bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) request_key: String,
    pub(super) terminal: String,
    pub(super) description: String,
    pub(super) status: AccountStatus,
    pub(super) code: Option<String>,
    pub(super) link: String,
    pub(super) expires_ms: i64,
    pub(super) token: Option<String>,
    pub(super) fate: ChargeFate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AccountStatus {
    New,
    Active,
    Inactive,
}

impl AccountStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            AccountStatus::New => "NEW",
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Inactive => "INACTIVE",
        }
    }
}

/// What a code of the hosted page stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Target {
    Payment(u64),
    Binding(String),
    Account(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NoticeState {
    Waiting,
    Delivered,
    /// All tries were used up; `Resend` may revive it.
    GivenUp,
    /// Dropped by a fault, never sent.
    Lost,
}

impl NoticeState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            NoticeState::Waiting => "waiting",
            NoticeState::Delivered => "delivered",
            NoticeState::GivenUp => "given_up",
            NoticeState::Lost => "lost",
        }
    }
}

/// One attempt to deliver a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Try {
    pub(super) delivery_id: u64,
    pub(super) at_ms: i64,
    pub(super) answered: bool,
    pub(super) status: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) id: u64,
    /// `payment CONFIRMED`, `card COMPLETED`, `account ACTIVE`, `receipt RECEIPT`.
    pub(super) kind: String,
    pub(super) terminal: String,
    pub(super) payment_id: Option<u64>,
    pub(super) url: String,
    /// The body with its token.
    pub(super) body: String,
    pub(super) state: NoticeState,
    pub(super) due_ms: i64,
    /// The next try goes out with a wrong token.
    pub(super) corrupted: bool,
    pub(super) tries: Vec<Try>,
}

/// How long things take. Part of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// From a change to the first try of its notice: half a second is long enough for the API's
    /// reply to come first, and short enough for a person who waits.
    pub notice_delay_ms: i64,
    /// The bank's "once an hour", 24 times.
    pub notice_hour_ms: i64,
    /// The bank's "once a day", for a month after that.
    pub notice_day_ms: i64,
    /// How long `AUTHORIZING`, `CONFIRMING`, `REVERSING` and `REFUNDING` last. Zero: they are
    /// passed at once and seen in the history only.
    pub transient_ms: i64,
    /// How long an SBP refund stays `ASYNC_REFUNDING` and a charged account `FORM_SHOWED`.
    pub sbp_ms: i64,
    /// One SBP refund in this time per payment (3029); NSPK wants an hour. Zero: no limit, and no
    /// limit of five a day (3030) either.
    pub sbp_refund_gap_ms: i64,
    /// How long money is held: the card schemes' seven days.
    pub hold_ms: i64,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            notice_delay_ms: 500,
            notice_hour_ms: HOUR_MS,
            notice_day_ms: DAY_MS,
            transient_ms: 0,
            sbp_ms: 1_000,
            sbp_refund_gap_ms: HOUR_MS,
            hold_ms: 7 * DAY_MS,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) mint: Mint,
    pub(super) timing: Timing,
    pub(super) payments: BTreeMap<u64, Payment>,
    /// `terminal order` to its payments, oldest first.
    pub(super) orders: BTreeMap<String, Vec<u64>>,
    pub(super) codes: BTreeMap<String, Target>,
    /// When a payment may change by time alone.
    pub(super) alarms: BTreeSet<(i64, u64)>,
    /// By `terminal customer`.
    pub(super) customers: BTreeMap<String, Customer>,
    pub(super) cards: BTreeMap<String, SavedCard>,
    pub(super) bindings: BTreeMap<String, Binding>,
    pub(super) accounts: BTreeMap<String, Account>,
    /// The address in a terminal's settings.
    pub(super) terminal_urls: BTreeMap<String, String>,
    /// Terminals that the bank blocked: set by the controls.
    #[serde(default)]
    pub(super) blocked_terminals: BTreeSet<String>,
    pub(super) notices: BTreeMap<u64, Notice>,
    pub(super) next_notice: u64,
    pub(super) next_delivery: u64,
    /// Notices to be tried, by time.
    pub(super) queue: BTreeSet<(i64, u64)>,
    /// Deliveries that were given out, to their notices.
    pub(super) in_flight: BTreeMap<u64, u64>,
    /// A notice that lets the next one overtake it.
    pub(super) held_back: Option<u64>,
    pub(super) faults: Faults,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            mint: Mint::new(seed),
            timing: Timing::default(),
            payments: BTreeMap::new(),
            orders: BTreeMap::new(),
            codes: BTreeMap::new(),
            alarms: BTreeSet::new(),
            customers: BTreeMap::new(),
            cards: BTreeMap::new(),
            bindings: BTreeMap::new(),
            accounts: BTreeMap::new(),
            terminal_urls: BTreeMap::new(),
            blocked_terminals: BTreeSet::new(),
            notices: BTreeMap::new(),
            next_notice: 1,
            next_delivery: 1,
            queue: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            held_back: None,
            faults: Faults::default(),
        }
    }
}

/// A key of two words: no terminal has a space in its own.
pub(super) fn pair(terminal: &str, own: &str) -> String {
    format!("{terminal} {own}")
}

/// Money as its kopecks: exact in any JSON.
mod kopecks {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::money::Money;

    pub(super) fn serialize<S: Serializer>(money: &Money, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_i64(money.kopecks())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Money, D::Error> {
        Money::from_kopecks(i64::deserialize(input)?).map_err(D::Error::custom)
    }
}
