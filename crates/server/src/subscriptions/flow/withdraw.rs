//! A customer takes back the consent to be charged: at once and for good, whatever way it comes.

use super::{JOB, Problem, act, announce, lock_own};
use crate::{
    events::EventKind,
    instruments::{
        self,
        flow::Unusable,
        model::{Instrument, InstrumentStatus, Kind},
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::flow::{Problem as PaymentProblem, charge},
    subscriptions::{
        model::{Consent, How, Subscription, kind_of},
        state::Event,
        store::{self, SubscriptionFilter},
    },
};

/// More subscriptions than any customer has.
const MANY: i64 = 1_000;

/// Nothing is charged from this moment on: the consent is over, and what it let be charged is
/// taken back, whatever else might have been charged by it. What was paid may be used to its end,
/// and a charge that is on its way goes back. `by`: the API, a link, a bot. Again is no error.
pub fn withdraw(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    by: &str,
) -> Result<Subscription, Problem> {
    let mut subscription = lock_own(tx, shop_id, id)?;
    let at_ms = ctx.now_ms();
    let ended = store::withdraw_consents(tx, id, (at_ms, by))?;
    if let Some(instrument_id) = subscription.instrument_id.clone() {
        let own = (kind_of(&instrument_id), instrument_id.as_str());
        take_back(tx, ctx, (shop_id, &subscription.customer_id), own)?;
    }
    act(tx, ctx, &mut subscription, &Event::Withdrawn { at_ms })?;
    if ended > 0 {
        announce(tx, ctx, &subscription, EventKind::SubscriptionConsentWithdrawn)?;
    }
    jobs::nudge(tx, &ctx.mint, JOB, id, at_ms)?;
    Ok(subscription)
}

/// What was saved is charged for nothing any more. What is gone cannot be charged anyway.
fn take_back(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    owner: (&str, &str),
    own: (Kind, &str),
) -> Result<(), Problem> {
    match charge::withdraw(tx, ctx, owner, own) {
        Ok(_) | Err(PaymentProblem::Saved(Unusable::Missing(_))) => Ok(()),
        Err(problem) => Err(Problem::Payment(problem)),
    }
}

/// All that a customer agreed to ends: each subscription that charges, each account and card. One
/// by one, each durable: a driver holds a subscription while it announces, so two in one
/// transaction would wait for each other. After a crash the same request does the rest.
pub async fn withdraw_all(
    ctx: &Ctx,
    shop_id: &str,
    customer_id: &str,
    by: &str,
) -> Result<Ended, Problem> {
    let owner = (shop_id.to_owned(), customer_id.to_owned());
    let (shop, customer) = owner.clone();
    let standing: Result<Standing, DbError> =
        ctx.db.read(move |tx| list_standing(tx, &shop, &customer)).await;
    let standing = standing?;
    for id in standing.subscriptions {
        let (inner, shop, by) = (ctx.clone(), shop_id.to_owned(), by.to_owned());
        let done: Result<Subscription, Problem> =
            ctx.db.write(move |tx| withdraw(tx, &inner, (&shop, &id), &by)).await;
        done?;
    }
    for (kind, id) in standing.instruments {
        let (inner, (shop, customer)) = (ctx.clone(), owner.clone());
        let done: Result<(), Problem> =
            ctx.db.write(move |tx| take_back(tx, &inner, (&shop, &customer), (kind, &id))).await;
        done?;
    }
    let (shop, customer) = owner;
    Ok(ctx.db.read(move |tx| list_ended(tx, &shop, &customer)).await?)
}

/// What could still be charged.
struct Standing {
    subscriptions: Vec<String>,
    instruments: Vec<(Kind, String)>,
}

pub fn of_customer(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<(Vec<Subscription>, Vec<Instrument>), DbError> {
    let customer = Some(customer_id.to_owned());
    let filter = SubscriptionFilter { customer_id: customer, ..SubscriptionFilter::default() };
    let subscriptions = store::list_subscriptions(tx, shop_id, &filter, MANY)?;
    let mut saved = instruments::store::list_saved(tx, shop_id, customer_id, Kind::Account)?;
    saved.extend(instruments::store::list_saved(tx, shop_id, customer_id, Kind::Card)?);
    Ok((subscriptions, saved))
}

fn list_standing(tx: &mut dyn Tx, shop_id: &str, customer_id: &str) -> Result<Standing, DbError> {
    let (all, saved) = of_customer(tx, shop_id, customer_id)?;
    let mut subscriptions = Vec::new();
    for it in all {
        let is_charged = it.collection == How::Charge && !it.state.status().is_over();
        let given = store::list_consents(tx, &it.id)?;
        if is_charged || given.iter().any(|consent| consent.withdrawn_ms.is_none()) {
            subscriptions.push(it.id);
        }
    }
    let is_standing = |it: &Instrument| it.status != InstrumentStatus::Inactive;
    let instruments = saved.into_iter().filter(is_standing).map(|it| (it.kind, it.id)).collect();
    Ok(Standing { subscriptions, instruments })
}

/// All that a customer ever took back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub consents: Vec<Consent>,
    pub instruments: Vec<Instrument>,
}

pub fn list_ended(tx: &mut dyn Tx, shop_id: &str, customer_id: &str) -> Result<Ended, DbError> {
    let (all, saved) = of_customer(tx, shop_id, customer_id)?;
    let mut consents = Vec::new();
    for it in all {
        let given = store::list_consents(tx, &it.id)?.into_iter();
        consents.extend(given.filter(|consent| consent.withdrawn_ms.is_some()));
    }
    let instruments = saved.into_iter().filter(|it| it.withdrawn_ms.is_some()).collect();
    Ok(Ended { consents, instruments })
}
