//! What a customer's money is still worth: for the period under way, when it changes; and on the
//! balance, once the money that was credited there went back to him. Nobody has both.

use kopeck_banks::Money;

use super::Problem;
use crate::{
    kit::db::{DbError, Tx},
    payments,
    subscriptions::{
        model::{Cause, Outcome, Period, Subscription},
        pricing::{Line, LineKind},
        proration::rest_of,
        store,
    },
};

/// What the customer has given for the period's time and not got back. What a change took over from
/// the period before it counts only as far as that one's money is here still.
pub fn left_of(tx: &mut dyn Tx, period: &Period) -> Result<Money, Problem> {
    let chain = chain_of(tx, period.clone())?;
    let mut left = Money::ZERO;
    let mut before: Option<&Period> = None;
    for it in chain.iter().rev() {
        let lost = match before {
            Some(before) => {
                // A pause since may have moved its start.
                let at_ms = it.start_ms.min(it.created_ms);
                let still = rest_of(left, (before.start_ms, before.end_ms), at_ms);
                taken_over(it).minus_or_zero(still)
            }
            None => Money::ZERO,
        };
        let refunded = store::refunded_for(tx, &it.subscription_id, it.number)?;
        // What left the balance, and what went back of the fee for the set-up, is none of the
        // time's.
        let refunded = refunded.minus_or_zero(it.uncredited).minus_or_zero(fee(it));
        let worth = worth(it).minus_or_zero(it.unbacked);
        left = worth.minus_or_zero(lost).minus_or_zero(refunded);
        before = Some(it);
    }
    Ok(left)
}

/// The period and those that its changes took over from, the newest first.
fn chain_of(tx: &mut dyn Tx, period: Period) -> Result<Vec<Period>, DbError> {
    let id = period.subscription_id.clone();
    let mut chain = vec![period];
    while let Some(last) = chain.last()
        && last.cause == Cause::Change
        && let Some(before) = store::find_paid_before(tx, &id, last.number)?
    {
        chain.push(before);
    }
    Ok(chain)
}

fn sum(period: &Period, is_meant: impl Fn(LineKind) -> bool) -> i64 {
    let lines = period.lines.iter().filter(|line: &&Line| is_meant(line.kind));
    lines.map(|line| line.kopecks).sum()
}

fn money(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks.max(0)).unwrap_or(Money::ZERO)
}

/// What of the period before was credited to this one.
fn taken_over(period: &Period) -> Money {
    money(-sum(period, |kind| kind == LineKind::Unused))
}

/// What the set-up cost.
fn fee(period: &Period) -> Money {
    money(sum(period, |kind| kind == LineKind::SetupFee))
}

/// What was paid for the period's time, in whatever way: a fee for the set-up is not.
fn worth(period: &Period) -> Money {
    money(sum(period, |kind| matches!(kind, LineKind::Price | LineKind::Discount)))
}

/// What was paid for the time under way stays as it is until the transaction ends. Before anything
/// is announced.
pub(super) fn hold(tx: &mut dyn Tx, own: &Subscription) -> Result<(), DbError> {
    let Some(newest) = store::find_last_paid(tx, &own.id)? else { return Ok(()) };
    for period in chain_of(tx, newest)? {
        for attempt in store::list_attempts(tx, &own.id, period.number)? {
            if attempt.outcome == Outcome::Paid {
                payments::store::lock_payment(tx, &own.shop_id, &attempt.payment_id)?;
            }
        }
    }
    Ok(())
}

/// Money of one period went back: what a change had credited of it leaves the balance first, since
/// nothing was bought for it yet; only the rest is what its time is worth less.
pub(super) fn hear(tx: &mut dyn Tx, own: &mut Subscription) -> Result<bool, DbError> {
    for (number, refunded) in store::list_refunded(tx, &own.id)? {
        let Some(period) = store::find_period(tx, &own.id, number)? else { continue };
        // The fee for the set-up goes back first: no change ever credits it.
        let news = refunded.minus_or_zero(period.refunded.max(fee(&period))).kopecks();
        let credited = credited_of(tx, &period)?;
        let gone = Gone::new(news.min(credited), own.balance_kopecks, awaited(tx, own)?);
        let heard = refunded.minus_or_zero(money(gone.awaited));
        if heard <= period.refunded {
            continue;
        }
        let uncredited = money(period.uncredited.kopecks() + gone.taken + gone.used);
        let period = Period { refunded: heard, uncredited, ..period };
        store::update_period(tx, &period)?;
        unback(tx, own, gone.used)?;
        take(tx, own, gone.taken)?;
        return Ok(true);
    }
    Ok(false)
}

/// What of money that went back is where.
pub(super) struct Gone {
    /// It stood on the balance still.
    pub taken: i64,
    /// The period that waits for its money uses it: should that be void, it comes back.
    pub awaited: i64,
    /// A period that is paid has used it.
    pub used: i64,
}

impl Gone {
    pub(super) fn new(gone: i64, balance_kopecks: i64, awaited_kopecks: i64) -> Gone {
        let taken = gone.min(balance_kopecks.max(0));
        let awaited = (gone - taken).min(awaited_kopecks);
        Gone { taken, awaited, used: gone - taken - awaited }
    }
}

/// What the period that waits for its money uses of the balance.
pub(super) fn awaited(tx: &mut dyn Tx, own: &Subscription) -> Result<i64, DbError> {
    let newest = store::find_period(tx, &own.id, own.periods)?;
    let open = newest.filter(|it| it.status == super::PeriodStatus::Open);
    Ok(open.map_or(0, |it| it.used_kopecks()))
}

/// What left the balance.
pub(super) fn take(tx: &mut dyn Tx, own: &mut Subscription, kopecks: i64) -> Result<(), DbError> {
    own.balance_kopecks -= kopecks;
    if kopecks > 0 {
        // Who was told of the next charge was told of another sum.
        own.told_ms = None;
    }
    store::update_subscription(tx, own)
}

/// A paid period used it. It is not charged anew: that would be more than the customer was told of,
/// and maybe more than he agreed to; but no change credits it.
pub(super) fn unback(tx: &mut dyn Tx, own: &Subscription, kopecks: i64) -> Result<(), DbError> {
    let mut left = kopecks;
    let Some(newest) = store::find_last_paid(tx, &own.id)?.filter(|_| left > 0) else {
        return Ok(());
    };
    for it in chain_of(tx, newest)? {
        let part = left.min(it.used_kopecks() - it.unbacked.kopecks()).max(0);
        left -= part;
        if part > 0 {
            let unbacked = money(it.unbacked.kopecks() + part);
            store::update_period(tx, &Period { unbacked, ..it })?;
        }
    }
    Ok(())
}

/// What changes of this period's time put on the balance and nobody took from there for want of its
/// money.
fn credited_of(tx: &mut dyn Tx, period: &Period) -> Result<i64, DbError> {
    let after = store::list_paid_after(tx, &period.subscription_id, period.number)?;
    let changes: Vec<Period> =
        after.into_iter().take_while(|it| it.cause == Cause::Change).collect();
    let credited: i64 = changes.iter().map(Period::credited_kopecks).sum();
    let own = chain_of(tx, period.clone())?;
    let taken: i64 = own.iter().chain(&changes).map(|it| it.uncredited.kopecks()).sum();
    Ok((credited - taken).max(0))
}
