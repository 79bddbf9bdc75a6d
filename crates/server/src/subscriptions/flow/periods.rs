//! Periods: what the next one costs, writing it down, taking it back.

use kopeck_banks::Money;

use super::Problem;
use crate::{
    kit::{
        Ctx,
        clock::{DAY_MS, HOUR_MS},
        db::{DbError, Tx},
    },
    subscriptions::{
        dunning::Rules,
        model::{Cause, How, Period, PeriodStatus, Subscription, Version},
        pricing::{Costs, Discount, LineKind, Quote, quote},
        schedule::Calendar,
        store,
    },
};

/// How long a change waits for its money: longer than a bank takes over a charge, and shorter than
/// a customer would wonder what he has.
const CHANGE_CHARGE_MS: i64 = 2 * HOUR_MS;
const CHANGE_LINK_MS: i64 = DAY_MS;
/// How long a first payment is waited for.
pub const FIRST_MS: i64 = 3 * DAY_MS;

/// A period about to begin.
#[derive(Clone, Debug)]
pub struct Opening {
    pub cause: Cause,
    pub version: Version,
    pub quantity: u32,
    pub start_ms: i64,
    pub end_ms: i64,
    /// Of the period, or of the rest of it.
    pub price: Money,
    /// Given back for what a change leaves unused.
    pub unused: Money,
}

/// The calendar of the subscription as it is.
pub fn calendar(subscription: &Subscription, version: &Version) -> Result<Calendar, Problem> {
    let s = subscription;
    let calendar = Calendar::new(&s.zone, s.anchor_ms, version.terms.interval);
    calendar.ok_or(Problem::NoSuchZone)
}

/// When the calendar's period `cycle` begins and ends.
pub fn bounds(calendar: &Calendar, cycle: u32) -> Result<(i64, i64), Problem> {
    let start_ms = calendar.boundary_ms(cycle);
    let end_ms = cycle.checked_add(1).and_then(|next| calendar.boundary_ms(next));
    start_ms.zip(end_ms).ok_or(Problem::NoSuchZone)
}

/// The version that a subscription has, or will have from its next period on.
pub fn get_version(tx: &mut dyn Tx, id: &str) -> Result<Version, DbError> {
    store::find_version(tx, id)?.ok_or_else(|| DbError::Decode(format!("{id} is gone")))
}

fn discount(tx: &mut dyn Tx, subscription: &Subscription) -> Result<Option<Discount>, DbError> {
    let Some(id) = subscription.coupon_id.as_deref() else { return Ok(None) };
    if subscription.coupon_left == Some(0) {
        return Ok(None);
    }
    Ok(store::find_coupon_by_id(tx, id)?.map(|coupon| coupon.discount))
}

/// What a period would cost.
pub fn price(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    opening: &Opening,
) -> Result<Quote, Problem> {
    let is_first = subscription.periods == 0;
    // What the bank charges by itself it charges whole: it has never heard of a balance.
    let usable = if is_charged_by_bank(subscription) { 0 } else { subscription.balance_kopecks };
    let costs = Costs {
        price: opening.price,
        setup_fee: if is_first { opening.version.terms.setup_fee } else { Money::ZERO },
        // A change is no period of its own: what a coupon takes off, it takes off once.
        discount: match opening.cause {
            Cause::First | Cause::Renewal => discount(tx, subscription)?,
            Cause::Change => None,
        },
        unused: opening.unused,
        balance_kopecks: usable,
    };
    let told = quote(&costs).ok_or(Problem::SumTooLarge)?;
    let kept = subscription.balance_kopecks - usable;
    let balance_kopecks = told.balance_kopecks.checked_add(kept).ok_or(Problem::SumTooLarge)?;
    Ok(Quote { balance_kopecks, ..told })
}

/// Whether the bank takes the next period's money by its own schedule.
fn is_charged_by_bank(subscription: &Subscription) -> bool {
    subscription.bank_count.is_some_and(|count| subscription.periods < count)
}

/// What begins when the paid or free time is over. Time that went by while nobody could be charged
/// is not charged afterwards: the period is the one that holds this moment.
pub fn renewal(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    from_ms: i64,
    now_ms: i64,
) -> Result<(Opening, Subscription), Problem> {
    let mut next = subscription.clone();
    let before = get_version(tx, &next.version_id)?;
    if let Some(version_id) = next.next_version_id.take() {
        next.version_id = version_id;
    }
    next.quantity = next.next_quantity.take().unwrap_or(next.quantity);
    let version = get_version(tx, &next.version_id)?;
    next.plan_id.clone_from(&version.plan_id);
    if version.terms.interval != before.terms.interval {
        (next.anchor_ms, next.cycle) = (from_ms, 0);
    }
    let calendar = calendar(&next, &version)?;
    let (_, end_ms) = bounds(&calendar, next.cycle)?;
    if end_ms <= now_ms {
        next.cycle = calendar.cycle_at(next.cycle, now_ms).unwrap_or(next.cycle);
    }
    let (start_ms, end_ms) = bounds(&calendar, next.cycle)?;
    let price = version.terms.price_of(next.quantity).ok_or(Problem::SumTooLarge)?;
    let cause = if next.periods == 0 { Cause::First } else { Cause::Renewal };
    let quantity = next.quantity;
    let unused = Money::ZERO;
    next.cycle += 1;
    Ok((Opening { cause, version, quantity, start_ms, end_ms, price, unused }, next))
}

/// Writes the period down, before anybody is asked for its money. One that costs nothing is paid.
pub fn open(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    opening: &Opening,
    rules: &Rules,
) -> Result<Period, Problem> {
    let now_ms = ctx.now_ms();
    let Quote { lines, due, balance_kopecks } = price(tx, subscription, opening)?;
    subscription.periods += 1;
    subscription.balance_kopecks = balance_kopecks;
    if lines.iter().any(|line| line.kind == LineKind::Discount) {
        subscription.coupon_left = subscription.coupon_left.map(|left| left.saturating_sub(1));
    }
    let give_up_ms = match (opening.cause, subscription.collection) {
        (Cause::First, _) if subscription.state.status() == super::Status::Pending => {
            now_ms + FIRST_MS
        }
        (Cause::Change, How::Charge) => now_ms + CHANGE_CHARGE_MS,
        (Cause::Change, How::Link | How::Bank) => now_ms + CHANGE_LINK_MS,
        (Cause::First | Cause::Renewal, _) => {
            rules.give_up_ms(opening.start_ms.max(now_ms - DAY_MS), opening.end_ms)
        }
    };
    let period = Period {
        subscription_id: subscription.id.clone(),
        number: subscription.periods,
        cause: opening.cause,
        version_id: opening.version.id.clone(),
        quantity: opening.quantity,
        start_ms: opening.start_ms,
        end_ms: opening.end_ms,
        lines,
        amount: due,
        status: if due.is_zero() { PeriodStatus::Paid } else { PeriodStatus::Open },
        by_link: false,
        next_try_ms: (!due.is_zero()).then_some(now_ms),
        give_up_ms,
        paid_ms: due.is_zero().then_some(now_ms),
        refunded: Money::ZERO,
        uncredited: Money::ZERO,
        unbacked: Money::ZERO,
        created_ms: now_ms,
    };
    store::insert_period(tx, &period)?;
    Ok(period)
}

/// Nobody waits for its money any more: what it took from the balance and the coupon goes back.
pub fn void(
    tx: &mut dyn Tx,
    subscription: &mut Subscription,
    period: &mut Period,
) -> Result<(), DbError> {
    let of = |kind: LineKind| period.lines.iter().find(|line| line.kind == kind);
    subscription.balance_kopecks -= of(LineKind::Balance).map_or(0, |line| line.kopecks);
    if of(LineKind::Discount).is_some() {
        subscription.coupon_left = subscription.coupon_left.map(|left| left + 1);
    }
    period.status = PeriodStatus::Void;
    period.next_try_ms = None;
    store::update_period(tx, period)
}

/// Its money came after all: what it gave back to the balance and the coupon it takes again, so
/// that both are used once.
pub fn revive(subscription: &mut Subscription, period: &Period) {
    let of = |kind: LineKind| period.lines.iter().find(|line| line.kind == kind);
    subscription.balance_kopecks += of(LineKind::Balance).map_or(0, |line| line.kopecks);
    if of(LineKind::Discount).is_some() {
        subscription.coupon_left = subscription.coupon_left.map(|left| left.saturating_sub(1));
    }
}
