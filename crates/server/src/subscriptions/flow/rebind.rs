//! Going on to another card or account, at the same bank or another: a link saves it, and once it
//! is saved it is what is charged. What the link takes is the customer's, for periods to come.

use kopeck_banks::Money;

use super::{
    JOB, NewConsent, Problem, announce, begin, by_bank, consent,
    credits::{self, Gone},
    drop_unsent,
    periods::get_version,
    turn::{Word, word},
};
use crate::{
    events::EventKind,
    instruments::model::Kind,
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        self,
        flow::{charge, doubt},
        model::{Payment, Status as PaymentStatus},
    },
    subscriptions::{
        drive,
        model::{Consent, How, Outcome, Period, PeriodStatus, Rebind, RebindOutcome, Subscription},
        state::{EndReason, Refused, State},
        store,
    },
};

/// What a shop wants.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// A bank's word or a connection's id; `None`: another one than now.
    pub bank: Option<String>,
    /// `None`: what the bank saves, an account rather than a card.
    pub saves: Option<Kind>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// Needed where none stands.
    pub consent: Option<NewConsent>,
}

/// A link about to be written; or the one that waits already.
#[derive(Debug)]
pub struct Planned {
    subscription_id: String,
    saves: Kind,
    payment: Box<Payment>,
    consent: Option<NewConsent>,
}

/// Plans the link; what the bank would refuse is refused here.
pub async fn plan(ctx: &Ctx, shop_id: &str, id: &str, wish: Wish) -> Result<Planned, Problem> {
    let (shop, subject) = (shop_id.to_owned(), id.to_owned());
    let agreed = wish.consent.is_some();
    let found: Result<_, Problem> = ctx
        .db
        .read(move |tx| {
            let found = store::find_subscription(tx, &shop, &subject)?;
            let own = found.ok_or(Problem::NoSuchSubscription)?;
            // Read without holding it: the transaction that writes the link looks again.
            let agreed = agreed || stands(&store::list_consents(tx, &own.id)?);
            check(&own, agreed)?;
            let version = get_version(tx, &own.version_id)?;
            Ok((own, version))
        })
        .await;
    let (own, version) = found?;
    let (connection, saves) = begin::connection_to(ctx, shop_id, &own, &wish).await?;
    let own = Subscription {
        success_url: wish.success_url.clone().or(own.success_url),
        fail_url: wish.fail_url.clone().or(own.fail_url),
        ..own
    };
    let payment = drive::plan_rebind(ctx, (&own, &version), &connection, saves).await?;
    let payment = Box::new(payment);
    Ok(Planned { subscription_id: own.id, saves, payment, consent: wish.consent })
}

/// Only what will be charged again can be charged elsewhere, and only with a consent.
fn check(own: &Subscription, agreed: bool) -> Result<(), Problem> {
    let status = own.state.status();
    if status.is_over() {
        return Err(Problem::Refused(Refused::Over(status)));
    }
    if agreed { Ok(()) } else { Err(Problem::ConsentNeeded) }
}

fn stands(consents: &[Consent]) -> bool {
    consents.iter().any(|consent| consent.withdrawn_ms.is_none())
}

/// Writes the link down. One to the same bank that waits already is the one.
pub fn create(tx: &mut dyn Tx, ctx: &Ctx, shop_id: &str, planned: Planned) -> Result<(), Problem> {
    let Planned { subscription_id, saves, payment, consent: agreed } = planned;
    let mut own = super::lock_own(tx, shop_id, &subscription_id)?;
    let is_agreed = agreed.is_some() || store::find_consent(tx, &own.id)?.is_some();
    check(&own, is_agreed)?;
    if let Some(agreed) = agreed {
        let version = get_version(tx, &own.version_id)?;
        let costs = version.terms.price_of(own.quantity).ok_or(Problem::SumTooLarge)?;
        consent(tx, ctx, &own, agreed, costs)?;
    }
    for rebind in store::rebinds::list_rebinds(tx, &own.id)? {
        let is_same = rebind.connection_id == payment.connection_id && rebind.saves == saves;
        if is_same && rebind.outcome == RebindOutcome::Open {
            return Ok(store::update_subscription(tx, &mut own)?);
        }
    }
    charge::create_any(tx, ctx, &payment, None).map_err(Problem::Payment)?;
    let rebind = Rebind {
        payment_id: payment.id.clone(),
        subscription_id: own.id.clone(),
        connection_id: payment.connection_id.clone(),
        saves,
        outcome: RebindOutcome::Open,
        credited_kopecks: 0,
        created_ms: ctx.now_ms(),
        done_ms: None,
    };
    store::rebinds::insert_rebind(tx, &rebind)?;
    jobs::wait_for(tx, (JOB, &own.id), &payment.id)?;
    Ok(store::update_subscription(tx, &mut own)?)
}

/// Hears what became of one such link; one in a transaction, as of attempts.
pub(super) fn settle(tx: &mut dyn Tx, ctx: &Ctx, own: &mut Subscription) -> Result<bool, Problem> {
    for rebind in store::rebinds::list_rebinds(tx, &own.id)? {
        let found = payments::store::find_payment_by_id(tx, &rebind.payment_id)?;
        let Some(payment) = found else { continue };
        let left = left_of(&payment);
        if rebind.credited_kopecks > left && take_back(tx, own, &rebind, left)? {
            return Ok(true);
        }
        match (word(&payment), rebind.outcome) {
            (Word::Paid, RebindOutcome::Open | RebindOutcome::Over) => {
                if paid(tx, ctx, own, rebind, &payment)? {
                    return Ok(true);
                }
            }
            (Word::Paid, RebindOutcome::Paid) => {
                let Some((_, saved)) = payment.instrument() else { continue };
                // What the bank charges by itself may be under way: first what became of it.
                if is_bank_at_it(tx, own)? {
                    continue;
                }
                go_over(tx, ctx, own, rebind, saved)?;
                return Ok(true);
            }
            (Word::Failed(_), RebindOutcome::Open) => {
                let rebind = Rebind { outcome: RebindOutcome::Over, ..rebind };
                store::rebinds::update_rebind(tx, &rebind)?;
                store::update_subscription(tx, own)?;
                return Ok(true);
            }
            (Word::Waiting | Word::Failed(_) | Word::Paid, _) => {}
        }
    }
    give_rest(tx, ctx, own)
}

/// What of its money nobody gave back.
fn left_of(payment: &Payment) -> i64 {
    payment.facts.paid.minus_or_zero(payment.refunded()).kopecks()
}

/// Money of the link went back to the customer, so that it leaves the balance; but only what is
/// there still, or comes back there from a period that is not paid after all. `false` when there is
/// nothing to do yet.
fn take_back(
    tx: &mut dyn Tx,
    own: &mut Subscription,
    rebind: &Rebind,
    left: i64,
) -> Result<bool, DbError> {
    let awaited = credits::awaited(tx, own)?;
    let gone = Gone::new(rebind.credited_kopecks - left, own.balance_kopecks, awaited);
    let credited_kopecks = left + gone.awaited;
    if credited_kopecks == rebind.credited_kopecks {
        return Ok(false);
    }
    store::rebinds::update_rebind(tx, &Rebind { credited_kopecks, ..rebind.clone() })?;
    credits::unback(tx, own, gone.used)?;
    credits::take(tx, own, gone.taken)?;
    Ok(true)
}

/// Whether no period can ever use what stands on the balance.
fn is_final(own: &Subscription, now_ms: i64) -> bool {
    match own.state {
        State::Canceled { access_ms, reason: EndReason::Asked, .. } => access_ms <= now_ms,
        State::Canceled { reason: EndReason::Unpaid | EndReason::Withdrawn, .. }
        | State::Expired => true,
        State::Pending { .. }
        | State::Trialing { .. }
        | State::Active { .. }
        | State::PastDue { .. }
        | State::Paused { .. } => false,
    }
}

/// What a link's money still stands for on the balance goes back, once nothing can use it.
fn give_rest(tx: &mut dyn Tx, ctx: &Ctx, own: &mut Subscription) -> Result<bool, Problem> {
    if own.balance_kopecks <= 0 || !is_final(own, ctx.now_ms()) {
        return Ok(false);
    }
    for rebind in store::rebinds::list_credited(tx, &own.id)? {
        let found = payments::store::find_payment_by_id(tx, &rebind.payment_id)?;
        let Some(payment) = found else { continue };
        let rest = rebind.credited_kopecks.min(left_of(&payment)).min(own.balance_kopecks);
        let rest = Money::from_kopecks(rest).unwrap_or(Money::ZERO).min(payment.refundable());
        if rest.is_zero() {
            continue;
        }
        let whose = (own.shop_id.as_str(), payment.id.as_str());
        let given = payments::flow::give_back_part(tx, ctx, whose, (rest, doubt::OVER));
        given.map_err(Problem::Payment)?;
        let credited_kopecks = rebind.credited_kopecks - rest.kopecks();
        store::rebinds::update_rebind(tx, &Rebind { credited_kopecks, ..rebind })?;
        credits::take(tx, own, rest.kopecks())?;
        announce(tx, ctx, own, EventKind::SubscriptionGivenBack)?;
        return Ok(true);
    }
    Ok(false)
}

/// When what is left of a link's money will go back, of one that is canceled and may be taken back
/// until then.
pub(super) fn rest_ms(
    tx: &mut dyn Tx,
    own: &Subscription,
    now_ms: i64,
) -> Result<Option<i64>, DbError> {
    let State::Canceled { access_ms, reason: EndReason::Asked, .. } = own.state else {
        return Ok(None);
    };
    let has_rest =
        own.balance_kopecks > 0 && !store::rebinds::list_credited(tx, &own.id)?.is_empty();
    Ok(has_rest.then_some(access_ms).filter(|access_ms| *access_ms > now_ms))
}

/// Its money is the customer's from now on; of a subscription that is over it goes back. `false`
/// when there is nothing to do.
fn paid(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &mut Subscription,
    rebind: Rebind,
    payment: &Payment,
) -> Result<bool, Problem> {
    let is_over = own.state.status().is_over();
    // Asked for once: a bank that refuses it leaves it to a person.
    let is_left = payment.status() == PaymentStatus::Paid && !doubt::is_over(payment);
    if rebind.outcome == RebindOutcome::Over && !is_left {
        return Ok(false);
    }
    if is_over && is_left {
        let whose = (own.shop_id.as_str(), payment.id.as_str());
        payments::flow::give_back(tx, ctx, whose, doubt::OVER).map_err(Problem::Payment)?;
        let rebind = Rebind { outcome: RebindOutcome::Over, ..rebind };
        store::rebinds::update_rebind(tx, &rebind)?;
        store::update_subscription(tx, own)?;
        announce(tx, ctx, own, EventKind::SubscriptionGivenBack)?;
        return Ok(true);
    }
    let next = match is_over {
        true => Rebind { outcome: RebindOutcome::Over, ..rebind },
        false => {
            let credited_kopecks = left_of(payment);
            own.balance_kopecks += credited_kopecks;
            Rebind { outcome: RebindOutcome::Paid, credited_kopecks, ..rebind }
        }
    };
    store::rebinds::update_rebind(tx, &next)?;
    store::update_subscription(tx, own)?;
    Ok(true)
}

/// It is saved: the subscription is charged from it, and from nothing else.
fn go_over(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &mut Subscription,
    rebind: Rebind,
    saved: &str,
) -> Result<(), Problem> {
    let now_ms = ctx.now_ms();
    let done = Rebind { outcome: RebindOutcome::Done, done_ms: Some(now_ms), ..rebind };
    store::rebinds::update_rebind(tx, &done)?;
    if own.state.status().is_over() {
        return Ok(store::update_subscription(tx, own)?);
    }
    by_bank::end(tx, ctx, own)?;
    own.bank_count = None;
    own.instrument_id = Some(saved.to_owned());
    own.connection_id.clone_from(&done.connection_id);
    own.saves = done.saves;
    own.collection = How::Charge;
    // What would still leave would take it from the old one.
    drop_unsent(tx, ctx, own, own.periods)?;
    wait_no_more(tx, own, now_ms)?;
    store::update_subscription(tx, own)?;
    Ok(announce(tx, ctx, own, EventKind::SubscriptionChanged)?)
}

fn is_bank_at_it(tx: &mut dyn Tx, own: &Subscription) -> Result<bool, DbError> {
    let attempts = store::list_attempts(tx, &own.id, own.periods)?;
    Ok(attempts.iter().any(|it| it.how == How::Bank && it.outcome == Outcome::Open))
}

/// A period whose money the customer was asked for is charged from what he saved, unless a link
/// that he has may still be paid: then that comes first. No limit goes with the card that is gone:
/// they are the period's.
fn wait_no_more(tx: &mut dyn Tx, own: &Subscription, now_ms: i64) -> Result<(), DbError> {
    let found = store::find_period(tx, &own.id, own.periods)?;
    let Some(period) = found.filter(|it| it.status == PeriodStatus::Open) else { return Ok(()) };
    let attempts = store::list_attempts(tx, &own.id, period.number)?;
    let is_asking = attempts.iter().any(|it| it.outcome == Outcome::Open);
    let next_try_ms = if is_asking { period.next_try_ms } else { Some(now_ms) };
    store::update_period(tx, &Period { by_link: false, next_try_ms, ..period })
}
