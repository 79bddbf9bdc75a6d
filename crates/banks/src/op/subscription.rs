//! A card that a bank keeps as a subscription: opened by a link that the payer pays once, then
//! charged without the payer, by us or by the bank's own schedule.
//!
//! The seam to charge by, for whoever keeps the books:
//!
//! 1. `GetPayment` before: remember the ids of [`crate::op::Observation::approvals`].
//! 2. [`SubscriptionOp::Charge`] once. A bank that keeps cards so has no idempotency key: sent
//!    twice, it charges twice, so that an answer that was lost is never a reason to send again.
//! 3. `GetPayment` until an approval is there that was not: its id is the charge. One that is not
//!    there yet may still come; only time and [`SubscriptionWord::Declined`] speak against it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    money::Money,
    op::{BankStatus, Decline, SavedCard},
    receipt::Receipt,
};

#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionOp {
    /// Answered by [`crate::op::Answer::Link`]: the payer pays there once, by card.
    Open(NewSubscription),
    List {
        /// Those that the bank charges by itself, or those that we charge: a bank keeps two lists.
        scheduled: bool,
        page: u32,
    },
    Status {
        bank_id: String,
    },
    /// Ends one that the bank charges by itself, for good.
    Cancel {
        bank_id: String,
    },
    /// Takes a sum from the kept card, of one that the bank does not charge by itself.
    Charge {
        bank_id: String,
        amount: Money,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewSubscription {
    /// Our own id for it at the bank, unique there among links too; the payer may see it.
    pub reference: String,
    /// The first payment; of a scheduled one each payment.
    pub amount: Money,
    pub purpose: String,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    pub payer_id: Option<String>,
    /// `None`: the bank keeps the card and charges nothing by itself.
    pub schedule: Option<Schedule>,
    pub receipt: Option<Receipt>,
}

/// When the bank charges by itself. The first payment is one of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub period: SchedulePeriod,
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulePeriod {
    /// Every so many days.
    Days(u32),
    Month,
    Quarter,
    Year,
}

/// What a bank's subscriptions can do and cannot: see [`crate::Capabilities::subscriptions`].
#[derive(Debug)]
pub struct SubscriptionLimits {
    /// How long its link may be paid; nobody can choose.
    pub link_minutes: u32,
    /// The most charges of a schedule by each period; one that is `None` is refused.
    pub max_by_days: Option<u32>,
    pub max_by_months: Option<u32>,
    pub max_by_quarters: Option<u32>,
    pub max_by_years: Option<u32>,
    /// Whether one without a schedule can be ended at the bank; if not, we charge it no more.
    pub cancels_unscheduled: bool,
    /// Whether its payments are refunded through the API; if not, in the bank's cabinet only.
    pub refunds: bool,
    /// Whether a charge may have a receipt of its own; if not, the bank has the one of the opening.
    pub charge_receipts: bool,
    /// Whether a failed charge of a schedule is announced; if not, only asking tells.
    pub tells_failures: bool,
}

impl SubscriptionLimits {
    /// The most charges of a schedule by this period, `None` where there is no such period.
    pub const fn most(&self, period: SchedulePeriod) -> Option<u32> {
        match period {
            SchedulePeriod::Days(_) => self.max_by_days,
            SchedulePeriod::Month => self.max_by_months,
            SchedulePeriod::Quarter => self.max_by_quarters,
            SchedulePeriod::Year => self.max_by_years,
        }
    }
}

/// Money that came into one operation: a payment, a capture, a charge of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval {
    pub amount: Money,
    pub at: Option<Timestamp>,
}

/// By the bank's id of each.
pub type Approvals = BTreeMap<String, Approval>;

/// The answers to [`SubscriptionOp`]; opening is a link, canceling is accepted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionWord {
    List(SubscriptionPage),
    Status {
        /// `None` for a word that we do not know.
        status: Option<SubscriptionStatus>,
        /// As the bank says it.
        word: String,
    },
    /// The bank took the money. Which payment it is, the new approval tells.
    Charged,
    /// The bank says that it took nothing.
    Declined(Box<Decline>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionPage {
    pub items: Vec<Subscription>,
    pub page: u32,
    pub total_pages: u32,
}

/// One of a list: what it is. What was paid by it is told by `GetPayment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    pub bank_id: String,
    pub reference: Option<String>,
    /// Of its payment, which is not its own: see [`SubscriptionOp::Status`].
    pub payment_status: Option<BankStatus>,
    pub amount: Option<Money>,
    pub purpose: Option<String>,
    pub url: Option<String>,
    pub created_at: Option<Timestamp>,
    pub payer_id: Option<String>,
    pub is_scheduled: bool,
    /// `None` for a word that we do not know, and where there is no schedule.
    pub period: Option<SchedulePeriod>,
    pub count: Option<u32>,
    pub card: Option<SavedCard>,
}

/// The life of a subscription. What a bank means by each is its own; none of them says that a
/// charge happened or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Preparing,
    Trial,
    Active,
    PastDue,
    Suspended,
    Canceled,
    Completed,
    Expired,
    Failed,
    Refused,
    Rejected,
}

impl SubscriptionStatus {
    pub const ALL: [SubscriptionStatus; 11] = [
        SubscriptionStatus::Preparing,
        SubscriptionStatus::Trial,
        SubscriptionStatus::Active,
        SubscriptionStatus::PastDue,
        SubscriptionStatus::Suspended,
        SubscriptionStatus::Canceled,
        SubscriptionStatus::Completed,
        SubscriptionStatus::Expired,
        SubscriptionStatus::Failed,
        SubscriptionStatus::Refused,
        SubscriptionStatus::Rejected,
    ];

    /// The word in APIs: `past_due`.
    pub const fn as_str(self) -> &'static str {
        match self {
            SubscriptionStatus::Preparing => "preparing",
            SubscriptionStatus::Trial => "trial",
            SubscriptionStatus::Active => "active",
            SubscriptionStatus::PastDue => "past_due",
            SubscriptionStatus::Suspended => "suspended",
            SubscriptionStatus::Canceled => "canceled",
            SubscriptionStatus::Completed => "completed",
            SubscriptionStatus::Expired => "expired",
            SubscriptionStatus::Failed => "failed",
            SubscriptionStatus::Refused => "refused",
            SubscriptionStatus::Rejected => "rejected",
        }
    }
}
