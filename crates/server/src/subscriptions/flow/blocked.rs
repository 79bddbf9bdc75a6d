//! A period whose payment cannot even be planned: written down for a person and told, once.

use super::{Problem, announce};
use crate::{
    events::EventKind,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    subscriptions::{
        model::{Period, PeriodStatus, Subscription},
        store,
    },
    todos::{self, Kind, NewTodo, Why, model::Todo},
};

/// Nothing was asked of the customer, and only a person can mend why.
pub fn block(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (id, number): (&str, u32),
    why: &Why,
) -> Result<(), Problem> {
    let Some(mut own) = store::lock_by_id(tx, id)? else { return Ok(()) };
    let period = store::find_period(tx, id, number)?;
    if period.is_none_or(|it| it.status != PeriodStatus::Open) {
        return Ok(());
    }
    let new = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &own.shop_id,
        kind: Kind::SubscriptionBlocked,
        subject_id: id,
        about: &number.to_string(),
        why,
        at_ms: ctx.now_ms(),
    };
    if todos::raise(tx, &new)? {
        store::update_subscription(tx, &mut own)?;
        announce(tx, ctx, &own, EventKind::SubscriptionBlocked)?;
    }
    Ok(())
}

/// A payment is made: nothing stands in the way any more.
pub fn unblock(tx: &mut dyn Tx, ctx: &Ctx, period: &Period) -> Result<(), DbError> {
    let (id, number) = (period.subscription_id.as_str(), period.number.to_string());
    let of = (Kind::SubscriptionBlocked, id, number.as_str());
    todos::settle(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}

/// No period of it waits for a payment any more.
pub fn settle(tx: &mut dyn Tx, ctx: &Ctx, own: &Subscription) -> Result<(), DbError> {
    let of = (Kind::SubscriptionBlocked, own.id.as_str());
    todos::settle_all(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}

/// What stood in the period's way, whatever became of it.
pub fn find(tx: &mut dyn Tx, own: &Subscription, period: &Period) -> Result<Option<Todo>, DbError> {
    let number = period.number.to_string();
    todos::find(tx, (Kind::SubscriptionBlocked, own.id.as_str(), number.as_str()))
}
