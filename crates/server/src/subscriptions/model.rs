//! Plans, subscriptions and what belongs to them, as plain data. Decisions are in `state.rs`,
//! `schedule.rs`, `dunning.rs` and `pricing.rs`.

use kopeck_banks::Money;

use super::{
    dunning::Class,
    pricing::{Discount, Line, LineKind},
    schedule::Interval,
    state::State,
};
use crate::instruments::model::Kind;

/// Something that a shop sells again and again, under its own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub id: String,
    pub shop_id: String,
    /// The shop's word: `start`.
    pub code: String,
    /// Nobody can subscribe any more; those who did go on.
    pub is_archived: bool,
    pub created_ms: i64,
}

/// What a plan is from some day on. A version never changes: who subscribed to one keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    pub plan_id: String,
    /// 1, 2, 3 …
    pub number: u32,
    pub terms: Terms,
    pub created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the payer sees.
    pub name: String,
    pub price: Money,
    pub interval: Interval,
    pub trial_days: u32,
    /// Once, with the first period that is charged.
    pub setup_fee: Money,
    /// What may be used, a JSON object of the shop's own making.
    pub features: String,
    /// What receipts of its payments say, in the API's short form (JSON).
    pub receipt: Option<String>,
    /// How long before a charge its customer is told; `None`: as the shop's rules say.
    pub notice_hours: Option<u32>,
}

/// One customer's agreement to one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: String,
    pub shop_id: String,
    /// The shop's own number of the customer.
    pub customer_id: String,
    pub plan_id: String,
    pub version_id: String,
    pub quantity: u32,
    pub coupon_id: Option<String>,
    /// Periods that the coupon still counts for; `None`: all.
    pub coupon_left: Option<u32>,
    pub connection_id: String,
    /// How its money is asked for by default.
    pub collection: How,
    /// What is charged, a saved account or card; `None` until a payment saves it.
    pub instrument_id: Option<String>,
    /// What a link's payment saves.
    pub saves: Kind,
    /// The bank charges by a schedule of its own, so many times, the first payment counted; `None`:
    /// we charge.
    pub bank_count: Option<u32>,
    pub zone: String,
    /// The calendar's anchor, and the number of its boundary at which the newest period ends.
    pub anchor_ms: i64,
    pub cycle: u32,
    /// The number of the newest period; 0 before the first.
    pub periods: u32,
    /// Positive is the customer's, negative is owed.
    pub balance_kopecks: i64,
    /// Taken on at the next period.
    pub next_version_id: Option<String>,
    pub next_quantity: Option<u32>,
    pub state: State,
    /// The boundary of which the customer was told before.
    pub told_ms: Option<i64>,
    /// JSON: where receipts go.
    pub contact: Option<String>,
    /// What the receipts of its payments say, in place of the plan's.
    pub receipt: Option<OwnReceipt>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// JSON, kept as the shop gave it.
    pub metadata: String,
    /// Counts changes: whoever decided over an older one decides again.
    pub revision: i64,
    pub created_ms: i64,
}

/// A receipt of the subscription's own: of the plan for which it was said, and of no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReceipt {
    pub plan_id: String,
    /// In any form that a payment's is taken in.
    pub text: String,
    /// The day of whose rates it speaks.
    pub said_ms: i64,
}

impl OwnReceipt {
    pub fn said(plan_id: &str, text: String, said_ms: i64) -> OwnReceipt {
        OwnReceipt { plan_id: plan_id.to_owned(), text, said_ms }
    }
}

impl Subscription {
    /// What its receipts say while it is on this plan, if it has a word of its own.
    pub fn own_receipt(&self, plan_id: &str) -> Option<&OwnReceipt> {
        self.receipt.as_ref().filter(|own| own.plan_id == plan_id)
    }
}

/// Why a period began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    First,
    Renewal,
    /// Another plan or quantity in the middle of a period.
    Change,
}

impl Cause {
    pub const ALL: [Cause; 3] = [Cause::First, Cause::Renewal, Cause::Change];

    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::First => "first",
            Cause::Renewal => "renewal",
            Cause::Change => "change",
        }
    }

    pub fn parse(text: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodStatus {
    /// Its money is awaited.
    Open,
    Paid,
    /// Its money never came, or nobody wants it any more.
    Void,
}

impl PeriodStatus {
    pub const ALL: [PeriodStatus; 3] = [PeriodStatus::Open, PeriodStatus::Paid, PeriodStatus::Void];

    pub const fn as_str(self) -> &'static str {
        match self {
            PeriodStatus::Open => "open",
            PeriodStatus::Paid => "paid",
            PeriodStatus::Void => "void",
        }
    }

    pub fn parse(text: &str) -> Option<PeriodStatus> {
        PeriodStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One period of a subscription. Its row, unique by its number, is there before any bank is asked
/// for its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub subscription_id: String,
    pub number: u32,
    pub cause: Cause,
    pub version_id: String,
    pub quantity: u32,
    pub start_ms: i64,
    pub end_ms: i64,
    /// Why the sum is what it is.
    pub lines: Vec<Line>,
    pub amount: Money,
    pub status: PeriodStatus,
    /// Charges failed for good or are not allowed: the customer is given a link.
    pub by_link: bool,
    /// When to try next; `None` while a try is under way or none will follow.
    pub next_try_ms: Option<i64>,
    /// How long its money is waited for.
    pub give_up_ms: i64,
    pub paid_ms: Option<i64>,
    /// What of its money went back to the customer and is accounted for.
    pub refunded: Money,
    /// Of that, what left the balance, where a change had put it.
    pub uncredited: Money,
    /// What it used of a balance whose money went back.
    pub unbacked: Money,
    pub created_ms: i64,
}

impl Period {
    /// What it used of the balance.
    pub fn used_kopecks(&self) -> i64 {
        (-self.balance_kopecks()).max(0)
    }

    /// What a change put on the balance with it.
    pub fn credited_kopecks(&self) -> i64 {
        let is_change = self.cause == Cause::Change && self.status == PeriodStatus::Paid;
        if is_change { self.balance_kopecks().max(0) } else { 0 }
    }

    fn balance_kopecks(&self) -> i64 {
        let is_balance = |line: &&Line| line.kind == LineKind::Balance;
        self.lines.iter().filter(is_balance).map(|line| line.kopecks).sum()
    }
}

/// How a period's money is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Taken from what the customer saved.
    Charge,
    /// The customer pays by a link.
    Link,
    /// The bank takes it by its own schedule: it is asked whether it did.
    Bank,
}

impl How {
    pub const ALL: [How; 3] = [How::Charge, How::Link, How::Bank];

    pub const fn as_str(self) -> &'static str {
        match self {
            How::Charge => "charge",
            How::Link => "link",
            How::Bank => "bank",
        }
    }

    pub fn parse(text: &str) -> Option<How> {
        How::ALL.into_iter().find(|how| how.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not known yet: asked about, never repeated.
    Open,
    Paid,
    Failed(Class),
    /// Paid, but nobody may keep it: a refund was asked for.
    GivenBack,
}

/// One payment by which a period's money was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub payment_id: String,
    pub subscription_id: String,
    pub period: u32,
    /// 1, 2, 3 … within its period.
    pub number: u32,
    pub how: How,
    pub outcome: Outcome,
    pub created_ms: i64,
}

/// A link by which a subscription goes on to another card or account; or other money that stands
/// for periods to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebind {
    pub payment_id: String,
    pub subscription_id: String,
    pub connection_id: String,
    pub saves: Kind,
    pub outcome: RebindOutcome,
    /// So much of its money is on the balance, or was used from there.
    pub credited_kopecks: i64,
    pub created_ms: i64,
    pub done_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebindOutcome {
    /// The customer has not paid it yet.
    Open,
    /// Paid; that something is saved is not known yet.
    Paid,
    /// What it saved is charged from now on.
    Done,
    /// It ended unpaid, or its money went back.
    Over,
    /// No link, but money that came before any period waited for it: it is on the balance.
    Credited,
}

impl RebindOutcome {
    pub const ALL: [RebindOutcome; 5] = [
        RebindOutcome::Open,
        RebindOutcome::Paid,
        RebindOutcome::Done,
        RebindOutcome::Over,
        RebindOutcome::Credited,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RebindOutcome::Open => "open",
            RebindOutcome::Paid => "paid",
            RebindOutcome::Done => "done",
            RebindOutcome::Over => "over",
            RebindOutcome::Credited => "credited",
        }
    }

    pub fn parse(text: &str) -> Option<RebindOutcome> {
        RebindOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What a customer agreed to. Only its withdrawal is ever written into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: String,
    pub shop_id: String,
    pub customer_id: String,
    pub subscription_id: String,
    /// Which text was shown, by the shop's own numbering, and the text itself if it was given.
    pub text_version: String,
    pub text: Option<String>,
    /// Where it was given: site, app, bot, paper …
    pub channel: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The most that one charge may take.
    pub ceiling: Money,
    pub given_ms: i64,
    pub withdrawn_ms: Option<i64>,
    /// Through what it was withdrawn.
    pub withdrawn_by: Option<String>,
}

/// A discount under a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    pub id: String,
    pub shop_id: String,
    pub code: String,
    pub discount: Discount,
    /// How many periods it counts for; `None`: all.
    pub periods: Option<u32>,
    pub max_uses: Option<u32>,
    pub uses: u32,
    pub until_ms: Option<i64>,
    pub created_ms: i64,
}

impl Coupon {
    /// Whether somebody may still use it.
    pub fn is_good(&self, now_ms: i64) -> bool {
        let is_left = self.max_uses.is_none_or(|max| self.uses < max);
        is_left && self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }
}

impl Terms {
    /// The price of a period for so many; `None` beyond the range of money.
    pub fn price_of(&self, quantity: u32) -> Option<Money> {
        let kopecks = self.price.kopecks().checked_mul(i64::from(quantity))?;
        Money::from_kopecks(kopecks).ok()
    }
}

/// What an instrument is, by how its id begins.
pub fn kind_of(instrument_id: &str) -> Kind {
    let card = Kind::Card.prefix();
    let is_card = instrument_id.strip_prefix(card).is_some_and(|rest| rest.starts_with('_'));
    if is_card { Kind::Card } else { Kind::Account }
}
