//! The seam between Kopeck and a bank: [`Bank`] is stateless translation, [`BANKS`] lists them all.
//!
//! A bank never sends anything itself. [`Bank::start`] says what to send first, [`Bank::next`]
//! reads the reply and says what to send then, or what the outcome is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    http::{HttpReply, HttpRequest},
    op::{
        AccountBinding, BankOp, CardBinding, CodeKind, FiscalRecord, Observation, Outcome, Refusal,
        SbpPayment, SubscriptionLimits,
    },
    receipt::{Ffd, Taxation},
};

/// Every bank Kopeck knows. Adding one is a folder and a line here.
pub static BANKS: &[&dyn Bank] = &[&crate::tochka::Tochka, &crate::tbank::Tbank];

pub fn find_bank(name: &str) -> Option<&'static dyn Bank> {
    BANKS.iter().copied().find(|bank| bank.name() == name)
}

pub trait Bank: Send + Sync {
    /// The word for this bank in APIs, URLs and the database: `tochka`.
    fn name(&self) -> &'static str;
    /// The bank's name for people: «Точка».
    fn title(&self) -> &'static str;
    fn capabilities(&self) -> &'static Capabilities;
    /// What a connection to this bank consists of.
    fn settings(&self) -> &'static [Setting];
    /// The first step of an operation; a request that the bank would refuse is refused here.
    fn start(&self, credentials: &Credentials, op: &BankOp) -> Step;
    /// The step after `reply`. Only what the bank clearly says is `Done` or `Refused`.
    fn next(&self, credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Step;
    /// Whether an operation whose answer was lost may simply be sent again, since nobody will ever
    /// meet what the first one made.
    fn may_repeat(&self, _credentials: &Credentials, _op: &BankOp) -> bool {
        false
    }
    /// What can be said against the credentials before they are used, at a given time: a token that
    /// is absent, damaged or past its end.
    fn credentials_problem(&self, _credentials: &Credentials, _now: Timestamp) -> Option<Refusal> {
        None
    }
    /// What the connection says of every receipt that says nothing of it itself.
    fn receipt_terms(&self, _credentials: &Credentials) -> ReceiptTerms {
        ReceiptTerms::default()
    }
    /// Every refusal of its own that it may give before a request leaves, for docs.
    fn known_refusals(&self) -> Vec<Refusal> {
        Vec::new()
    }
    /// Verifies and reads a notice. Nothing of an unverified body may reach `Notice::Genuine`.
    fn notice(&self, credentials: &Credentials, raw: &RawNotice<'_>) -> Notice;
}

/// What a connection says of its receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptTerms {
    pub ffd: Option<Ffd>,
    pub taxation: Option<Taxation>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Send(HttpRequest),
    Done(Outcome),
}

impl Step {
    pub fn refuse(refusal: Refusal) -> Step {
        Step::Done(Outcome::Refused(refusal))
    }
}

/// What a bank can do, so that the API's errors and docs follow from data.
#[derive(Debug)]
pub struct Capabilities {
    pub partial_capture: bool,
    pub void_hold: bool,
    /// Whether an unpaid link can be closed before its time.
    pub closes_links: bool,
    /// Whether the bank lists a merchant's payments; if not, the daily sweep asks about each.
    pub lists_payments: bool,
    /// Whether what [`crate::op::BankOp::FindPayment`] finds brings the link's address with it.
    pub find_gives_url: bool,
    /// Whether an address for notices can be registered through the API.
    pub registers_notices: bool,
    /// Whether notices are verified by keys that the bank publishes.
    pub publishes_notice_keys: bool,
    /// Whether a refund without an answer may be sent again: with the same request id it happens
    /// once.
    pub refund_by_request_id: bool,
    pub max_purpose_chars: usize,
    pub max_reference_chars: usize,
    pub ttl_minutes: std::ops::RangeInclusive<u32>,
    /// The same of a payment by SBP alone, which may be a code and no link.
    pub code_ttl_minutes: std::ops::RangeInclusive<u32>,
    pub default_ttl_minutes: u32,
    /// How long after its end a link may still be paid by someone who opened it in time.
    pub grace_minutes: u32,
    pub methods: &'static [crate::op::PayMethod],
    /// The sums that SBP carries there, in kopecks.
    pub sbp_kopecks: std::ops::RangeInclusive<i64>,
    /// What of a receipt it can carry.
    pub receipts: &'static crate::receipt::Limits,
    /// The notice kinds that payments need.
    pub payment_notice_kinds: &'static [&'static str],
    /// The kinds of SBP codes that live by themselves: [`crate::op::SbpOp::Code`] and its kin.
    pub sbp_codes: &'static [CodeKind],
    /// Those of them whose payments [`crate::op::SbpOp::StartRefund`] sends back; the others in the
    /// bank's cabinet only.
    pub sbp_refunds: &'static [CodeKind],
    /// Whether payers' bank accounts can be saved and charged again: [`crate::op::SbpOp::Bind`],
    /// [`crate::op::CreateLink::sbp_account`].
    pub saves_accounts: bool,
    /// Whether a card can be saved by a payment and charged by payments of the shop's:
    /// [`crate::op::CreateLink::save_card`], [`crate::op::CardOp::Charge`].
    pub saves_cards: bool,
    /// The notice kinds that such codes need.
    pub sbp_notice_kinds: &'static [&'static str],
    /// Where a card is kept as a subscription and charged by [`crate::op::SubscriptionOp`], what
    /// that can do. `None`: there is no such thing; a card kept by a payment is charged by a
    /// payment of its own and [`crate::op::CardOp::Charge`].
    pub subscriptions: Option<&'static SubscriptionLimits>,
}

impl Capabilities {
    /// Whether a sum can be paid this way there. Of ways whose limits the bank does not tell, it
    /// says so itself.
    pub fn takes(&self, method: crate::op::PayMethod, sum: crate::Money) -> bool {
        use crate::op::PayMethod::{Card, Dolyame, Sbp, TPay};
        match method {
            Sbp => self.sbp_kopecks.contains(&sum.kopecks()),
            Card | TPay | Dolyame => true,
        }
    }
}

/// One value of a connection: described here, asked by `kopeck init`, stored encrypted.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    /// The environment variable that also sets it.
    pub env: &'static str,
    pub is_secret: bool,
    pub about: &'static str,
}

/// The values of a connection by the names of [`Bank::settings`]. Printing shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<String, String>);

impl Credentials {
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Credentials {
        Credentials(values.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// An absent value and an empty one are the same.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials{:?}", self.0.keys().collect::<Vec<_>>())
    }
}

/// A notice as it came.
#[derive(Clone, Copy, Debug)]
pub struct RawNotice<'a> {
    pub body: &'a [u8],
    /// The bank's published keys, as [`crate::op::Answer::NoticeKeys`] gave them; empty if none.
    pub keys: &'a str,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The signature is the bank's.
    Genuine(GenuineNotice),
    /// The signature is not by any known key. Fetching the keys anew may help once.
    BadSignature,
    /// Not a notice at all.
    Malformed { why: String },
}

#[derive(Clone, Debug, PartialEq)]
pub struct GenuineNotice {
    /// The bank's word for the kind.
    pub kind: String,
    /// Whose company it is about, when it says so.
    pub customer_code: Option<String>,
    /// What it says about a payment; `None` for kinds that payments do not need.
    pub observation: Option<Observation>,
    /// What it says of something else than the payment itself.
    pub news: Option<Box<NoticeNews>>,
    /// Every field for people: the bank's name of it, its value, what it means. May hold names and
    /// phones: for the terminal of whoever holds the file, never for logs.
    pub fields: Vec<(String, String, &'static str)>,
}

/// What a notice may tell besides a payment's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeNews {
    CardBinding(CardBinding),
    AccountBinding(AccountBinding),
    Fiscal(FiscalRecord),
    /// Somebody paid by a code of SBP.
    SbpPayment(SbpPayment),
}
