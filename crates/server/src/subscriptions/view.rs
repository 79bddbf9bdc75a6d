//! Subscriptions and plans as the outside sees them: in the API, in events and in `--json`.

pub mod entitled;
pub mod evidence;
pub mod metrics;

use kopeck_banks::Money;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    dunning::Rules,
    flow::{by_bank::Limit, plans::Offer, withdraw::Ended},
    links::withdraw_url,
    model::{Attempt, Consent, Coupon, How, Outcome, Period, Plan, Rebind, Version, kind_of},
    pricing::{Discount, Line},
    state::State,
    steps::Book,
};
use crate::{
    instruments::model::Kind,
    kit::{
        Ctx,
        clock::{HOUR_MS, iso},
    },
    todos::{api::WhyView, model::Todo},
};

/// A subscription with all that is shown of it.
#[derive(Clone, Debug)]
pub struct Described {
    pub book: Book,
    pub version: Version,
    pub plan: Option<Plan>,
    /// The plan that begins with the next period.
    pub next_plan: Option<Plan>,
    pub coupon: Option<Coupon>,
    /// The newest one.
    pub consent: Option<Consent>,
    pub rules: Rules,
    pub next_amount: Option<Money>,
    /// What it cannot do because of how its bank charges.
    pub limits: Vec<&'static Limit>,
    /// The link by which it goes on to another card or account, while that can be paid.
    pub rebind: Option<Rebind>,
    /// Why no payment can be made for the newest period.
    pub blocked: Option<Todo>,
}

fn raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// A plan as it is sold now.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
    #[schema(example = "plan_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "plan")]
    pub object: &'static str,
    /// The shop's own word of it.
    #[schema(example = "start")]
    pub code: String,
    /// Counts its changes; who subscribed to an earlier version keeps it.
    pub version: u32,
    /// What the payer sees.
    #[schema(example = "Подписка TourConnect — START")]
    pub name: String,
    #[schema(example = "2450.00")]
    pub amount: String,
    pub amount_kopecks: i64,
    /// day, week, month, quarter, year.
    #[schema(value_type = String, example = "month")]
    pub interval: &'static str,
    /// A period is so many of them.
    pub interval_count: u32,
    pub trial_days: u32,
    pub setup_fee_kopecks: i64,
    /// What may be used, as the shop gave it.
    #[schema(value_type = Object)]
    pub features: Option<Box<RawValue>>,
    /// What receipts of its payments say.
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<Box<RawValue>>,
    /// How many hours before each charge its customer is told; null: as the shop's rules say.
    pub notice_hours: Option<u32>,
    pub archived: bool,
    pub created_at: String,
}

impl PlanView {
    pub fn new(offer: &Offer) -> PlanView {
        let (plan, version) = (&offer.plan, &offer.version);
        let terms = &version.terms;
        PlanView {
            id: plan.id.clone(),
            object: "plan",
            code: plan.code.clone(),
            version: version.number,
            name: terms.name.clone(),
            amount: terms.price.to_rubles(),
            amount_kopecks: terms.price.kopecks(),
            interval: terms.interval.unit.as_str(),
            interval_count: terms.interval.count,
            trial_days: terms.trial_days,
            setup_fee_kopecks: terms.setup_fee.kopecks(),
            features: raw(&terms.features),
            receipt: terms.receipt.as_deref().and_then(raw),
            notice_hours: terms.notice_hours,
            archived: plan.is_archived,
            created_at: iso(plan.created_ms),
        }
    }
}

/// A discount under a word.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponView {
    pub id: String,
    #[schema(value_type = String, example = "coupon")]
    pub object: &'static str,
    #[schema(example = "WINTER")]
    pub code: String,
    pub percent: Option<u32>,
    pub amount_kopecks: Option<i64>,
    /// How many periods it counts for; null: all.
    pub periods: Option<u32>,
    pub max_uses: Option<u32>,
    pub uses: u32,
    pub valid_until: Option<String>,
    pub created_at: String,
}

impl CouponView {
    pub fn new(coupon: &Coupon) -> CouponView {
        let (percent, amount_kopecks) = match coupon.discount {
            Discount::Percent(percent) => (Some(percent), None),
            Discount::Amount(amount) => (None, Some(amount.kopecks())),
        };
        CouponView {
            id: coupon.id.clone(),
            object: "coupon",
            code: coupon.code.clone(),
            percent,
            amount_kopecks,
            periods: coupon.periods,
            max_uses: coupon.max_uses,
            uses: coupon.uses,
            valid_until: coupon.until_ms.map(iso),
            created_at: iso(coupon.created_ms),
        }
    }
}

/// One reason for a period's sum.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    /// price, setup_fee, discount, unused (paid before and not used), balance.
    #[schema(value_type = String, example = "price")]
    pub kind: &'static str,
    /// Taken off when negative.
    pub amount_kopecks: i64,
}

pub fn lines(lines: &[Line]) -> Vec<LineView> {
    let line = |line: &Line| LineView { kind: line.kind.as_str(), amount_kopecks: line.kopecks };
    lines.iter().map(line).collect()
}

/// One payment by which a period's money was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct TryView {
    pub payment_id: String,
    /// charge (of what the customer saved) or link.
    #[schema(value_type = String, example = "charge")]
    pub how: &'static str,
    /// open, paid, failed, given_back.
    #[schema(value_type = String, example = "paid")]
    pub outcome: &'static str,
    /// Of a failed one: no_money, later, new_instrument, hard.
    pub decline: Option<&'static str>,
    pub created_at: String,
}

impl TryView {
    fn new(attempt: &Attempt) -> TryView {
        let (outcome, decline) = match attempt.outcome {
            Outcome::Open => ("open", None),
            Outcome::Paid => ("paid", None),
            Outcome::Failed(class) => ("failed", Some(class.as_str())),
            Outcome::GivenBack => ("given_back", None),
        };
        TryView {
            payment_id: attempt.payment_id.clone(),
            how: attempt.how.as_str(),
            outcome,
            decline,
            created_at: iso(attempt.created_ms),
        }
    }
}

/// A stretch of time and its money.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodView {
    pub number: u32,
    /// first, renewal, change.
    #[schema(value_type = String, example = "renewal")]
    pub cause: &'static str,
    pub start: String,
    pub end: String,
    #[schema(example = "2450.00")]
    pub amount: String,
    pub amount_kopecks: i64,
    /// Why the sum is what it is; they come to it.
    pub lines: Vec<LineView>,
    /// open, paid, void.
    #[schema(value_type = String, example = "paid")]
    pub status: &'static str,
    /// When its money is asked for next.
    pub next_try_at: Option<String>,
    /// How long it is waited for.
    pub waits_until: String,
    pub paid_at: Option<String>,
    pub payments: Vec<TryView>,
}

impl PeriodView {
    pub fn new(period: &Period, attempts: &[Attempt]) -> PeriodView {
        PeriodView {
            number: period.number,
            cause: period.cause.as_str(),
            start: iso(period.start_ms),
            end: iso(period.end_ms),
            amount: period.amount.to_rubles(),
            amount_kopecks: period.amount.kopecks(),
            lines: lines(&period.lines),
            status: period.status.as_str(),
            next_try_at: period.next_try_ms.map(iso),
            waits_until: iso(period.give_up_ms),
            paid_at: period.paid_ms.map(iso),
            payments: attempts.iter().map(TryView::new).collect(),
        }
    }
}

/// What a customer agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    pub id: String,
    pub text_version: String,
    pub channel: String,
    /// The most that one charge may take.
    pub max_amount_kopecks: i64,
    pub given_at: String,
    pub withdrawn_at: Option<String>,
    /// Through what it was withdrawn: api, link, bot, cli.
    pub withdrawn_by: Option<String>,
    pub subscription_id: String,
}

impl ConsentView {
    pub fn new(consent: &Consent) -> ConsentView {
        ConsentView {
            id: consent.id.clone(),
            text_version: consent.text_version.clone(),
            channel: consent.channel.clone(),
            max_amount_kopecks: consent.ceiling.kopecks(),
            given_at: iso(consent.given_ms),
            withdrawn_at: consent.withdrawn_ms.map(iso),
            withdrawn_by: consent.withdrawn_by.clone(),
            subscription_id: consent.subscription_id.clone(),
        }
    }
}

/// Something that a subscription cannot do.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitView {
    #[schema(value_type = String, example = "no_pause")]
    pub code: &'static str,
    pub ru: &'static str,
    pub en: &'static str,
}

impl LimitView {
    const fn new(limit: &Limit) -> LimitView {
        LimitView { code: limit.code, ru: limit.ru, en: limit.en }
    }
}

/// A subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionView {
    #[schema(example = "sub_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "subscription")]
    pub object: &'static str,
    /// pending, trialing, active, past_due, paused, canceled, expired.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    /// The shop's own number of the customer.
    #[schema(example = "client-17")]
    pub customer_id: String,
    /// The plan's code.
    #[schema(example = "start")]
    pub plan: String,
    pub plan_version: u32,
    pub name: String,
    pub quantity: u32,
    /// The price of a whole period, without discounts.
    pub price_kopecks: i64,
    #[schema(value_type = String, example = "month")]
    pub interval: &'static str,
    pub interval_count: u32,
    pub coupon: Option<String>,
    /// What the receipts of its payments say, where that is not the plan's.
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<Box<RawValue>>,
    /// charge (what the customer saved) or link (the customer pays each period himself).
    #[schema(value_type = String, example = "charge")]
    pub collection: &'static str,
    /// us, or bank: the bank charges by a schedule of its own.
    #[schema(value_type = String, example = "us")]
    pub charged_by: &'static str,
    /// How often the bank charges by itself, the first payment counted.
    pub bank_charges: Option<u32>,
    /// What it cannot do because of how its bank charges, for people.
    pub limits: Vec<LimitView>,
    /// The saved account that is charged.
    pub account_id: Option<String>,
    /// The saved card that is charged.
    pub card_id: Option<String>,
    /// Until when the customer may use it; while money is awaited a little longer.
    pub access_until: Option<String>,
    /// It ends when the paid or free time does.
    pub cancel_at_period_end: bool,
    /// Why it is over: asked, unpaid, consent_withdrawn.
    pub end_reason: Option<&'static str>,
    pub resumes_at: Option<String>,
    /// When the next period begins and its money is asked for, if one will.
    pub next_charge_at: Option<String>,
    pub next_amount_kopecks: Option<i64>,
    /// The plan that begins with the next period, if it is another.
    pub next_plan: Option<String>,
    pub next_quantity: Option<u32>,
    /// Positive is the customer's, negative is owed.
    pub balance_kopecks: i64,
    pub period: Option<PeriodView>,
    /// Why no payment can be made for the period: tried again every hour, mended by a person.
    pub problem: Option<WhyView>,
    /// Where the customer pays, while a link is open.
    pub pay_url: Option<String>,
    /// Where the customer saves another card or account, while that link is open.
    pub rebind_url: Option<String>,
    pub consent: Option<ConsentView>,
    /// Where the customer takes the consent back without a login, good for ever: for letters and
    /// the account's page.
    pub withdraw_url: Option<String>,
    pub time_zone: String,
    #[schema(value_type = Object)]
    pub metadata: Option<Box<RawValue>>,
    pub created_at: String,
}

impl SubscriptionView {
    pub fn new(described: &Described, ctx: &Ctx) -> SubscriptionView {
        let Described { book, version, .. } = described;
        let subscription = &book.subscription;
        let terms = &version.terms;
        let code = |plan: &Option<Plan>| plan.as_ref().map(|plan| plan.code.clone());
        let (ends, until_ms) = match subscription.state {
            State::Trialing { until_ms, ends } | State::Active { until_ms, ends } => {
                (ends, Some(until_ms).filter(|_| !ends))
            }
            State::Pending { .. }
            | State::PastDue { .. }
            | State::Paused { .. }
            | State::Canceled { .. }
            | State::Expired => (false, None),
        };
        let (end_reason, resumes_ms) = match subscription.state {
            State::Canceled { reason, .. } => (Some(reason.as_str()), None),
            State::Paused { resumes_ms, .. } => (None, resumes_ms),
            State::Pending { .. }
            | State::Trialing { .. }
            | State::Active { .. }
            | State::PastDue { .. }
            | State::Expired => (None, None),
        };
        let instrument = |kind| subscription.instrument_id.clone().filter(|id| kind_of(id) == kind);
        let price = terms.price_of(subscription.quantity).unwrap_or(terms.price);
        SubscriptionView {
            id: subscription.id.clone(),
            object: "subscription",
            status: subscription.state.status().as_str(),
            customer_id: subscription.customer_id.clone(),
            plan: code(&described.plan).unwrap_or_default(),
            plan_version: version.number,
            name: terms.name.clone(),
            quantity: subscription.quantity,
            price_kopecks: price.kopecks(),
            interval: terms.interval.unit.as_str(),
            interval_count: terms.interval.count,
            coupon: described.coupon.as_ref().map(|coupon| coupon.code.clone()),
            receipt: subscription.own_receipt(&version.plan_id).and_then(|own| raw(&own.text)),
            collection: subscription.collection.as_str(),
            charged_by: if subscription.bank_count.is_some() { "bank" } else { "us" },
            bank_charges: subscription.bank_count,
            limits: described.limits.iter().map(|limit| LimitView::new(limit)).collect(),
            account_id: instrument(Kind::Account),
            card_id: instrument(Kind::Card),
            access_until: subscription.state.access_until_ms(0).map(iso),
            cancel_at_period_end: ends,
            end_reason,
            resumes_at: resumes_ms.map(iso),
            next_charge_at: until_ms.map(iso),
            next_amount_kopecks: described.next_amount.map(Money::kopecks),
            next_plan: code(&described.next_plan),
            next_quantity: subscription.next_quantity,
            balance_kopecks: subscription.balance_kopecks,
            period: book.period.as_ref().map(|it| PeriodView::new(it, &book.attempts)),
            problem: described.blocked.as_ref().map(|todo| WhyView::new(&todo.why)),
            pay_url: open_link(book).map(|id| format!("{}/pay/{id}", ctx.public_url)),
            rebind_url: described
                .rebind
                .as_ref()
                .map(|it| format!("{}/pay/{}", ctx.public_url, it.payment_id)),
            consent: described.consent.as_ref().map(ConsentView::new),
            withdraw_url: described.consent.as_ref().map(|_| withdraw_url(ctx, subscription)),
            time_zone: subscription.zone.clone(),
            metadata: raw(&subscription.metadata),
            created_at: iso(subscription.created_ms),
        }
    }
}

/// The payment by whose link the customer can pay now.
pub fn open_link(book: &Book) -> Option<&str> {
    let is_open = |it: &&Attempt| it.how == How::Link && it.outcome == Outcome::Open;
    let found = book.attempts.iter().rev().find(is_open).filter(|_| book.is_asking());
    found.map(|it| it.payment_id.as_str())
}

/// The subscription as JSON text.
pub fn subscription_json(described: &Described, ctx: &Ctx) -> String {
    serde_json::to_string(&SubscriptionView::new(described, ctx)).unwrap_or_default()
}

/// All that a customer took back.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawalView {
    #[schema(value_type = String, example = "withdrawal")]
    pub object: &'static str,
    pub customer_id: String,
    /// Consents to subscriptions that are over.
    pub consents: Vec<ConsentView>,
    /// Accounts that are never charged again.
    pub account_ids: Vec<String>,
    /// Cards that are never charged again.
    pub card_ids: Vec<String>,
}

impl WithdrawalView {
    pub fn new(customer_id: &str, ended: &Ended) -> WithdrawalView {
        let of = |kind: Kind| {
            let all = ended.instruments.iter().filter(|it| kind.means(it.kind));
            all.map(|it| it.id.clone()).collect()
        };
        WithdrawalView {
            object: "withdrawal",
            customer_id: customer_id.to_owned(),
            consents: ended.consents.iter().map(ConsentView::new).collect(),
            account_ids: of(Kind::Account),
            card_ids: of(Kind::Card),
        }
    }
}

/// What a customer may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntitlementView {
    #[schema(value_type = String, example = "entitlement")]
    pub object: &'static str,
    pub customer_id: String,
    #[schema(example = "start")]
    pub plan: String,
    pub quantity: u32,
    #[schema(value_type = Object)]
    pub features: Option<Box<RawValue>>,
    /// Whether it may be used now.
    pub active: bool,
    /// How long it lasts; once what was paid is over, to the end of the grace.
    pub until: Option<String>,
    /// To the end of what was paid, or free.
    pub paid_until: Option<String>,
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    pub subscription_id: String,
}

impl EntitlementView {
    pub fn new(described: &Described, now_ms: i64) -> EntitlementView {
        let Described { book, version, .. } = described;
        let subscription = &book.subscription;
        let grace_ms = i64::from(described.rules.grace_hours) * HOUR_MS;
        let until_ms = subscription.state.usable_until_ms(grace_ms, now_ms);
        EntitlementView {
            object: "entitlement",
            customer_id: subscription.customer_id.clone(),
            plan: described.plan.as_ref().map(|plan| plan.code.clone()).unwrap_or_default(),
            quantity: subscription.quantity,
            features: raw(&version.terms.features),
            active: until_ms.is_some_and(|until_ms| now_ms < until_ms),
            until: until_ms.map(iso),
            paid_until: subscription.state.access_until_ms(0).map(iso),
            status: subscription.state.status().as_str(),
            subscription_id: subscription.id.clone(),
        }
    }
}
