//! Everything the emulator remembers, ready to be written into a snapshot and read back.
//! Times are milliseconds UTC, amounts are integer kopecks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    ids::Mint, sbp::state::Sbp, statements::Statement, subscriptions::state::Subscription,
};
use crate::{emulator::faults::Faults, money::Money};

/// The bank's word for a way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Mode {
    Sbp,
    Card,
    Tinkoff,
    Dolyame,
}

impl Mode {
    pub(super) const ALL: [Mode; 4] = [Mode::Sbp, Mode::Card, Mode::Tinkoff, Mode::Dolyame];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Mode::Sbp => "sbp",
            Mode::Card => "card",
            Mode::Tinkoff => "tinkoff",
            Mode::Dolyame => "dolyame",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// `WAIT_FULL_PAYMENT` is never entered: what leads to it is unknown. It can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Created,
    Authorized,
    Approved,
    OnRefund,
    Refunded,
    RefundedPartially,
    Expired,
    WaitFullPayment,
}

impl Status {
    pub(super) const ALL: [Status; 8] = [
        Status::Created,
        Status::Authorized,
        Status::Approved,
        Status::OnRefund,
        Status::Refunded,
        Status::RefundedPartially,
        Status::Expired,
        Status::WaitFullPayment,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Status::Created => "CREATED",
            Status::Authorized => "AUTHORIZED",
            Status::Approved => "APPROVED",
            Status::OnRefund => "ON-REFUND",
            Status::Refunded => "REFUNDED",
            Status::RefundedPartially => "REFUNDED_PARTIALLY",
            Status::Expired => "EXPIRED",
            Status::WaitFullPayment => "WAIT_FULL_PAYMENT",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OrderKind {
    Approval,
    Authorized,
    Refund,
}

impl OrderKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            OrderKind::Approval => "approval",
            OrderKind::Authorized => "authorized",
            OrderKind::Refund => "refund",
        }
    }
}

/// One movement of money inside an operation: an item of `Order[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) kind: OrderKind,
    #[serde(with = "kopecks")]
    pub(super) amount: Money,
    pub(super) at_ms: i64,
}

/// A refund that was accepted and is not final yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunningRefund {
    #[serde(with = "kopecks")]
    pub(super) amount: Money,
    pub(super) order_id: String,
    pub(super) until_ms: i64,
}

/// The receipt's parts, checked and kept as JSON text to be echoed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    pub(super) tax_system: Option<String>,
    pub(super) client: String,
    pub(super) items: String,
    pub(super) supplier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) client_id: String,
    pub(super) customer_code: String,
    pub(super) merchant_id: String,
    #[serde(with = "kopecks")]
    pub(super) amount: Money,
    pub(super) purpose: String,
    pub(super) modes: Vec<Mode>,
    pub(super) redirect_url: Option<String>,
    pub(super) fail_redirect_url: Option<String>,
    pub(super) consumer_id: Option<String>,
    pub(super) pre_authorization: bool,
    pub(super) ttl_minutes: u32,
    pub(super) receipt: Option<Receipt>,
    pub(super) created_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) status: Status,
    pub(super) paid_by: Option<Mode>,
    pub(super) paid_ms: Option<i64>,
    pub(super) payment_id: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) qrc_id: Option<String>,
    pub(super) orders: Vec<Order>,
    pub(super) running_refund: Option<RunningRefund>,
    /// Why attempts to pay failed, oldest first. The bank shows none of it; the controls do.
    pub(super) declines: Vec<String>,
    pub(super) notices: Vec<u64>,
    /// Of a link that opens one. Absent from snapshots that are older than it.
    #[serde(default)]
    pub(super) subscription: Option<Box<Subscription>>,
}

impl Operation {
    fn sum_of(&self, kind: OrderKind) -> Money {
        let orders = self.orders.iter().filter(|order| order.kind == kind);
        // Orders never exceed the operation's own amount, and charges are refused beforehand, so
        // that the sum stays in range.
        Money::checked_sum(orders.map(|order| order.amount)).unwrap_or(self.amount)
    }

    pub(super) fn paid(&self) -> Money {
        self.sum_of(OrderKind::Approval)
    }

    pub(super) fn refunded(&self) -> Money {
        self.sum_of(OrderKind::Refund)
    }

    /// What may still be refunded.
    pub(super) fn rest(&self) -> Money {
        self.paid().minus_or_zero(self.refunded())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TokenKind {
    /// The company's own JWT key: every permission, both customers.
    Key,
    /// An application's token from `client_credentials`: consents only.
    Client,
    User,
    Refresh,
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TokenState {
    Valid,
    Expired,
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) state: TokenState,
    pub(super) expires_ms: Option<i64>,
    pub(super) consent_id: Option<String>,
    /// Of a code: where it was sent and what for.
    pub(super) redirect_uri: Option<String>,
    pub(super) oauth_state: Option<String>,
    pub(super) scope: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConsentStatus {
    AwaitingAuthorisation,
    Authorised,
    Rejected,
    Revoked,
}

impl ConsentStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            ConsentStatus::AwaitingAuthorisation => "AwaitingAuthorisation",
            ConsentStatus::Authorised => "Authorised",
            ConsentStatus::Rejected => "Rejected",
            ConsentStatus::Revoked => "Revoked",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consent {
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    pub(super) status: ConsentStatus,
    pub(super) permissions: Vec<String>,
    pub(super) created_ms: i64,
    pub(super) changed_ms: i64,
    pub(super) expires_ms: Option<i64>,
    /// Known once a person has allowed it.
    pub(super) customer_code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) kinds: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NoticeState {
    Waiting,
    Delivered,
    /// All tries were used up, or a test notice was not taken.
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
    pub(super) kind: String,
    pub(super) operation_id: Option<String>,
    /// Of a test notice: the reply that waits for it.
    pub(super) ticket: Option<u64>,
    pub(super) url: String,
    /// Unsigned: signed at each try.
    pub(super) payload: String,
    pub(super) state: NoticeState,
    pub(super) due_ms: i64,
    /// The next try goes out with a broken signature.
    pub(super) corrupted: bool,
    pub(super) tries: Vec<Try>,
}

/// A reply that waits for test notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) client_id: String,
    pub(super) self_url: String,
    /// What to save when all goes well; `None` for `test_send`.
    pub(super) webhook: Option<Webhook>,
    pub(super) left: BTreeSet<u64>,
    pub(super) failed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadyReply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// How long things take. Part of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// From a payment to the first try of its notice. The bank takes 5 to 10 s; half a second is
    /// long enough for the API's reply to come first, and short enough for a person who waits.
    pub notice_delay_ms: i64,
    /// How long a refund stays `ON-REFUND`. Zero: it is final at once.
    pub refund_lock_ms: i64,
    /// How long after a charge of a subscription was answered it comes to stand in `Order[]`.
    /// Zero: it is there at once.
    #[serde(default)]
    pub charge_ms: i64,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing { notice_delay_ms: 500, refund_lock_ms: 0, charge_ms: 0 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) mint: Mint,
    pub(super) timing: Timing,
    pub(super) next_reference: u64,
    pub(super) operations: BTreeMap<String, Operation>,
    /// Ids in the order of creation.
    pub(super) sequence: Vec<String>,
    /// `paymentLinkId` to operation.
    pub(super) references: BTreeMap<String, String>,
    /// When an operation changes by itself: it expires, or its refund becomes final.
    pub(super) alarms: BTreeSet<(i64, String)>,
    /// When something of a subscription is due: a charge by schedule, or one to be shown.
    #[serde(default)]
    pub(super) charges: BTreeSet<(i64, String)>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) consents: BTreeMap<String, Consent>,
    pub(super) webhooks: BTreeMap<String, Webhook>,
    pub(super) notices: BTreeMap<u64, Notice>,
    pub(super) next_notice: u64,
    pub(super) next_delivery: u64,
    pub(super) next_ticket: u64,
    /// Notices to be tried, by time.
    pub(super) queue: BTreeSet<(i64, u64)>,
    /// Deliveries that were given out, to their notices.
    pub(super) in_flight: BTreeMap<u64, u64>,
    /// A notice that lets the next one overtake it.
    pub(super) held_back: Option<u64>,
    pub(super) waiting: BTreeMap<u64, Waiting>,
    pub(super) ready: BTreeMap<u64, ReadyReply>,
    pub(super) faults: Faults,
    /// Absent from snapshots that are older than it.
    #[serde(default)]
    pub(super) sbp: Sbp,
    #[serde(default)]
    pub(super) statements: Vec<Statement>,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            mint: Mint::new(seed),
            timing: Timing::default(),
            next_reference: 1,
            operations: BTreeMap::new(),
            sequence: Vec::new(),
            references: BTreeMap::new(),
            alarms: BTreeSet::new(),
            charges: BTreeSet::new(),
            tokens: BTreeMap::new(),
            consents: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            notices: BTreeMap::new(),
            next_notice: 1,
            next_delivery: 1,
            next_ticket: 1,
            queue: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            held_back: None,
            waiting: BTreeMap::new(),
            ready: BTreeMap::new(),
            faults: Faults::default(),
            sbp: Sbp::default(),
            statements: Vec::new(),
        }
    }
}

/// Money as its kopecks: exact in any JSON.
pub(super) mod kopecks {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::money::Money;

    pub(in crate::tochka::emulator) fn serialize<S: Serializer>(
        money: &Money,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.serialize_i64(money.kopecks())
    }

    pub(in crate::tochka::emulator) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Money, D::Error> {
        Money::from_kopecks(i64::deserialize(input)?).map_err(D::Error::custom)
    }
}
