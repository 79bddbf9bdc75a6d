//! Money that came from a customer's card and that nobody waited for pays the period that it is
//! for; before that one begins it stands on the balance for it.

use kopeck_banks::Money;

use super::{JOB, Problem, drop_unsent, load, lock_own};
use crate::{
    instruments::{model::Instrument, store as saved},
    kit::{Ctx, db::Tx, jobs},
    payments::{
        self,
        model::{Payment, Status as PaymentStatus},
    },
    subscriptions::{
        model::{Attempt, How, Outcome, Rebind, RebindOutcome, Subscription},
        state::Status,
        store,
    },
    todos::{self, Kind},
};

/// Why a payment cannot pay a subscription's period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unassignable {
    /// No period of it will ever wait for money.
    Over(Status),
    /// It will be over with the period under way.
    Ending,
    /// The bank charges by itself what each period costs, and knows no balance.
    ByBank,
    /// It is for something already, or was given back.
    Taken,
    /// It is not the customer's, or is not paid.
    NotHis,
    /// The period that waits costs another sum.
    OtherSum { wanted: Money, came: Money },
}

/// The shop says what the money is for. It is looked at like any attempt's: the period is paid by
/// it, once. Where none waits it is the customer's, for periods to come. `by`: through what it was
/// said.
pub fn assign(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    (payment_id, by): (&str, &str),
) -> Result<(), Problem> {
    let mut own = lock_own(tx, shop_id, id)?;
    let book = load(tx, own.clone())?;
    let found = payments::store::lock_payment(tx, shop_id, payment_id)?;
    let payment = found.ok_or(Problem::Payment(payments::flow::Problem::NoSuchPayment))?;
    let of = (Kind::ChargeUnexpected, payment.id.as_str(), "");
    let waits = todos::find(tx, of)?.is_some_and(|todo| todo.done_ms.is_none());
    if !waits || store::is_attempt(tx, &payment.id)? {
        return Err(Problem::NotAssignable(Unassignable::Taken));
    }
    let card = payment.instrument().map(|(_, id)| id.to_owned()).unwrap_or_default();
    let card = saved::find_instrument(tx, &card)?
        .filter(|card| card.shop_id == own.shop_id && card.customer_id == own.customer_id)
        .filter(|_| is_whole(&payment))
        .ok_or(Problem::NotAssignable(Unassignable::NotHis))?;
    match book.open_period() {
        Some(period) if payment.facts.paid != period.amount => {
            let (wanted, came) = (period.amount, payment.facts.paid);
            return Err(Problem::NotAssignable(Unassignable::OtherSum { wanted, came }));
        }
        Some(period) => pay(tx, ctx, &own, (period.number, &book.attempts), &payment)?,
        None => credit(tx, ctx, &mut own, (&payment, &card))?,
    }
    todos::settle(tx, of, (ctx.now_ms(), by))?;
    jobs::wait_for(tx, (JOB, &own.id), &payment.id)?;
    store::update_subscription(tx, &mut own)?;
    Ok(jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?)
}

/// It is the open period's.
fn pay(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &Subscription,
    (period, known): (u32, &[Attempt]),
    payment: &Payment,
) -> Result<(), Problem> {
    // What has not left stays; what an open link still brings goes back. Of a charge that has left
    // nobody knows: this money may be its.
    drop_unsent(tx, ctx, own, period)?;
    let now = store::list_attempts(tx, &own.id, period)?;
    if now.iter().any(|it| it.outcome == Outcome::Open && it.how != How::Link) {
        return Err(Problem::Busy);
    }
    let attempt = Attempt {
        payment_id: payment.id.clone(),
        subscription_id: own.id.clone(),
        period,
        number: known.last().map_or(1, |last| last.number + 1),
        how: How::Charge,
        outcome: Outcome::Open,
        created_ms: ctx.now_ms(),
    };
    Ok(store::insert_attempt(tx, &attempt)?)
}

/// It came before its period: that one is the cheaper, and what is left counts for the next.
fn credit(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &mut Subscription,
    (payment, card): (&Payment, &Instrument),
) -> Result<(), Problem> {
    let status = own.state.status();
    let why = match status {
        Status::Canceled | Status::Expired => Some(Unassignable::Over(status)),
        Status::Active | Status::Trialing if !own.state.awaits_charge() => {
            Some(Unassignable::Ending)
        }
        Status::Active | Status::Trialing | Status::Pending | Status::PastDue | Status::Paused => {
            own.bank_count.map(|_| Unassignable::ByBank)
        }
    };
    if let Some(why) = why {
        return Err(Problem::NotAssignable(why));
    }
    let credited_kopecks = payment.facts.paid.kopecks();
    let row = Rebind {
        payment_id: payment.id.clone(),
        subscription_id: own.id.clone(),
        connection_id: payment.connection_id.clone(),
        saves: card.kind,
        outcome: RebindOutcome::Credited,
        credited_kopecks,
        created_ms: ctx.now_ms(),
        done_ms: None,
    };
    store::rebinds::insert_rebind(tx, &row)?;
    own.balance_kopecks += credited_kopecks;
    // Who was told of the next charge was told of another sum.
    own.told_ms = None;
    Ok(())
}

fn is_whole(payment: &Payment) -> bool {
    payment.status() == PaymentStatus::Paid && payment.facts.paid == payment.amount
}
