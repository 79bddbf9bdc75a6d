//! Money that came from a customer's card and that nobody waited for pays the period that it is
//! for.

use super::{JOB, Problem, drop_unsent, load, lock_own};
use crate::{
    instruments::store as saved,
    kit::{Ctx, db::Tx, jobs},
    payments::{
        self,
        model::{Payment, Status as PaymentStatus},
    },
    subscriptions::{
        model::{Attempt, How, Outcome},
        store,
    },
    todos::{self, Kind},
};

/// The shop says what the money is for. It is looked at like any attempt's: the period is paid by
/// it, once. `by`: through what it was said.
pub fn assign(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    (payment_id, by): (&str, &str),
) -> Result<(), Problem> {
    let mut own = lock_own(tx, shop_id, id)?;
    let book = load(tx, own.clone())?;
    let Some(period) = book.open_period() else {
        return Err(Problem::NotAssignable("no period of it waits for its money"));
    };
    let number = period.number;
    let found = payments::store::lock_payment(tx, shop_id, payment_id)?;
    let payment = found.ok_or(Problem::Payment(payments::flow::Problem::NoSuchPayment))?;
    let of = (Kind::ChargeUnexpected, payment.id.as_str(), "");
    if todos::find(tx, of)?.is_none() || store::is_attempt(tx, &payment.id)? {
        return Err(Problem::NotAssignable("it is for something already"));
    }
    let card = payment.instrument().map(|(_, id)| id.to_owned()).unwrap_or_default();
    let is_his = saved::find_instrument(tx, &card)?
        .is_some_and(|card| card.shop_id == own.shop_id && card.customer_id == own.customer_id);
    if !is_his || !is_whole(&payment) {
        return Err(Problem::NotAssignable("it is another customer's, or is not paid"));
    }
    if payment.facts.paid != period.amount {
        return Err(Problem::NotAssignable("the period costs another sum"));
    }
    // What has not left stays; what an open link still brings goes back. Of a charge that has left
    // nobody knows: this money may be its.
    drop_unsent(tx, ctx, &own, number)?;
    let now = store::list_attempts(tx, &own.id, number)?;
    if now.iter().any(|it| it.outcome == Outcome::Open && it.how != How::Link) {
        return Err(Problem::Busy);
    }
    let attempt = Attempt {
        payment_id: payment.id.clone(),
        subscription_id: own.id.clone(),
        period: number,
        number: book.attempts.last().map_or(1, |last| last.number + 1),
        how: How::Charge,
        outcome: Outcome::Open,
        created_ms: ctx.now_ms(),
    };
    store::insert_attempt(tx, &attempt)?;
    todos::settle(tx, of, (ctx.now_ms(), by))?;
    jobs::wait_for(tx, (JOB, &own.id), &payment.id)?;
    store::update_subscription(tx, &mut own)?;
    Ok(jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?)
}

fn is_whole(payment: &Payment) -> bool {
    payment.status() == PaymentStatus::Paid && payment.facts.paid == payment.amount
}
