//! Another plan or another quantity: what it would cost, and doing it.

use kopeck_banks::Money;

use super::{
    JOB, NewConsent, Problem, act, announce, begin, by_bank, check_consent, consent, credits, load,
    lock_own,
    periods::{self, Opening},
    plans::get_offer,
    turn::take_over,
};
use crate::{
    events::EventKind,
    kit::{Ctx, db::Tx, jobs},
    subscriptions::{
        model::{Cause, How, Period, PeriodStatus, Subscription, Version},
        pricing::Line,
        proration::{Change, rest_of},
        schedule::Calendar,
        state::{Event, State},
        store,
    },
};

/// When a change begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Now,
    /// With the next period, at its price.
    PeriodEnd,
}

impl When {
    pub const ALL: [When; 2] = [When::Now, When::PeriodEnd];

    pub const fn as_str(self) -> &'static str {
        match self {
            When::Now => "now",
            When::PeriodEnd => "period_end",
        }
    }

    pub fn parse(text: &str) -> Option<When> {
        When::ALL.into_iter().find(|when| when.as_str() == text)
    }
}

/// What a shop wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// A plan's code, at its newest version; the same plan's newest version too.
    pub plan: Option<String>,
    pub quantity: Option<u32>,
    pub when: When,
    pub consent: Option<NewConsent>,
}

/// What a change costs, shown before it happens.
#[derive(Clone, Debug)]
pub struct Preview {
    pub version: Version,
    pub quantity: u32,
    pub when: When,
    /// Asked for at once, and why.
    pub due: Money,
    pub lines: Vec<Line>,
    pub balance_kopecks: i64,
    /// From then on the new price holds.
    pub from_ms: i64,
    /// A whole period from then on.
    pub price: Money,
    opening: Option<Opening>,
}

/// What a change would cost now.
pub fn preview(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    wish: &Wish,
) -> Result<Preview, Problem> {
    by_bank::refuse(subscription, &by_bank::FIXED_TERMS)?;
    let book = load(tx, subscription.clone())?;
    if book.is_asking() || book.open_period().is_some() {
        return Err(Problem::Busy);
    }
    let version = match &wish.plan {
        Some(code) => {
            let offer = get_offer(tx, &subscription.shop_id, code)?;
            if offer.plan.is_archived {
                return Err(Problem::PlanArchived(offer.plan.code));
            }
            offer.version
        }
        None => periods::get_version(tx, &subscription.version_id)?,
    };
    let quantity = wish.quantity.unwrap_or(subscription.quantity);
    let is_same = version.id == subscription.version_id && quantity == subscription.quantity;
    let is_scheduled =
        subscription.next_version_id.is_some() || subscription.next_quantity.is_some();
    if is_same && !is_scheduled {
        return Err(Problem::SameTerms);
    }
    let price = version.terms.price_of(quantity).ok_or(Problem::SumTooLarge)?;
    let now_ms = ctx.now_ms();
    let free = |from_ms, when| Preview {
        version: version.clone(),
        quantity,
        when,
        due: Money::ZERO,
        lines: Vec::new(),
        balance_kopecks: subscription.balance_kopecks,
        from_ms,
        price,
        opening: None,
    };
    match subscription.state {
        // Nothing is paid yet: what comes after the trial is another.
        State::Trialing { until_ms, .. } => Ok(free(until_ms, When::PeriodEnd)),
        State::Active { until_ms, .. } if wish.when == When::PeriodEnd || is_same => {
            Ok(free(until_ms, When::PeriodEnd))
        }
        State::Active { until_ms, .. } if until_ms > now_ms => {
            if book.period.as_ref().is_some_and(|period| period.lines.is_empty()) {
                return Err(Problem::PaidElsewhere);
            }
            let before = periods::get_version(tx, &subscription.version_id)?;
            let whole = (before, until_ms);
            // The newest may be a change that was not paid.
            let paid = store::find_last_paid(tx, &subscription.id)?;
            let opening = opening(tx, subscription, paid, whole, (&version, quantity), now_ms)?;
            let told = periods::price(tx, subscription, &opening)?;
            Ok(Preview {
                due: told.due,
                lines: told.lines,
                balance_kopecks: told.balance_kopecks,
                from_ms: now_ms,
                opening: Some(opening),
                ..free(now_ms, When::Now)
            })
        }
        State::Active { .. }
        | State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => Err(Problem::NotChangeable(subscription.state.status())),
    }
}

/// The period that the change begins: to the end of the one under way if the interval stays, else
/// a whole new one.
fn opening(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    period: Option<Period>,
    (before, until_ms): (Version, i64),
    (version, quantity): (&Version, u32),
    now_ms: i64,
) -> Result<Opening, Problem> {
    let price = version.terms.price_of(quantity).ok_or(Problem::SumTooLarge)?;
    let worth = match &period {
        Some(period) => credits::left_of(tx, period)?,
        None => Money::ZERO,
    };
    let since_ms = period.as_ref().map_or(now_ms, |period| period.start_ms);
    let cause = Cause::Change;
    if version.terms.interval != before.terms.interval {
        let calendar = Calendar::new(&subscription.zone, now_ms, version.terms.interval);
        let (start_ms, end_ms) = periods::bounds(&calendar.ok_or(Problem::NoSuchZone)?, 0)?;
        let unused = rest_of(worth, (since_ms, until_ms), now_ms);
        let version = version.clone();
        return Ok(Opening { cause, version, quantity, start_ms, end_ms, price, unused });
    }
    // The new price is that of a whole period, of which the one under way may be the rest.
    let calendar = periods::calendar(subscription, &before)?;
    let whole_from_ms = match subscription.cycle.checked_sub(1) {
        Some(cycle) => calendar.boundary_ms(cycle),
        // What is under way ends at the anchor: the whole of it would have begun before that.
        None => calendar.before_anchor_ms(),
    };
    let whole = (whole_from_ms.unwrap_or(since_ms), until_ms);
    let charge = rest_of(price, whole, now_ms);
    let Change { credit, .. } = Change::new(worth, price, (since_ms, until_ms), now_ms);
    Ok(Opening {
        cause,
        version: version.clone(),
        quantity,
        start_ms: now_ms,
        end_ms: until_ms,
        price: charge,
        unused: credit,
    })
}

/// Does what the preview shows. A sum that is due is asked for; the change happens once it is paid.
pub fn change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    wish: Wish,
) -> Result<Subscription, Problem> {
    let mut subscription = lock_own(tx, shop_id, id)?;
    // What went back until now makes the credit less; what goes back later leaves the balance.
    credits::hold(tx, &subscription)?;
    while credits::hear(tx, &mut subscription)? {}
    let preview = preview(tx, ctx, &subscription, &wish)?;
    if preview.version.plan_id != subscription.plan_id {
        begin::refuse_second(tx, &subscription, &preview.version.plan_id)?;
    }
    let costs = preview.price.max(preview.due);
    agree(tx, ctx, &subscription, wish.consent, costs)?;
    let Some(opening) = preview.opening else {
        let is_other = preview.version.id != subscription.version_id;
        subscription.next_version_id = is_other.then(|| preview.version.id.clone());
        let is_more = preview.quantity != subscription.quantity;
        subscription.next_quantity = is_more.then_some(preview.quantity);
        // Who was told of the charge was told of another sum.
        subscription.told_ms = None;
        store::update_subscription(tx, &mut subscription)?;
        announce(tx, ctx, &subscription, EventKind::SubscriptionChanged)?;
        jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
        return Ok(subscription);
    };
    let rules = store::get_rules(tx, shop_id)?;
    let period = periods::open(tx, ctx, &mut subscription, &opening, &rules)?;
    if period.status == PeriodStatus::Paid {
        take_over(tx, &mut subscription, &period)?;
        act(tx, ctx, &mut subscription, &Event::Changed { until_ms: period.end_ms })?;
    } else {
        store::update_subscription(tx, &mut subscription)?;
    }
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    Ok(subscription)
}

/// A higher price than was agreed to needs a new consent; one that comes anyway is kept.
fn agree(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    new: Option<NewConsent>,
    costs: Money,
) -> Result<(), Problem> {
    if let Some(new) = new {
        return consent(tx, ctx, subscription, new, costs);
    }
    check_consent(tx, subscription)?;
    let is_charged = subscription.collection == How::Charge;
    let known = store::find_consent(tx, &subscription.id)?;
    let is_covered = known.is_some_and(|consent| costs <= consent.ceiling);
    if is_charged && !is_covered {
        return Err(Problem::ConsentNeeded);
    }
    Ok(())
}
