//! Use cases of subscriptions, each inside one transaction. Payments are planned and made by
//! [`super::drive`], between transactions.

pub mod assign;
pub mod begin;
pub mod blocked;
pub mod by_bank;
pub mod change;
mod credits;
pub mod evidence;
pub mod metrics;
mod notice;
pub mod periods;
pub mod plans;
pub mod rebind;
pub mod receipt;
pub mod turn;
pub mod withdraw;

use kopeck_banks::{
    bank::{Capabilities, find_bank},
    op::Refusal,
};

use super::{
    dunning::Class,
    model::{Attempt, Consent, How, Outcome, PeriodStatus, Plan, RebindOutcome, Subscription},
    state::{self, Effect, Event, Refused, State, Status},
    steps::Book,
    store,
    view::{self, Described},
};
use crate::{
    events::{EventKind, NewEvent, insert_event},
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::flow::{Problem as PaymentProblem, charge, close},
    receipts::flow::ComposeProblem,
    shops,
};

/// The kind of the job that drives a subscription; its subject is the subscription's id.
pub const JOB: &str = "subscription";

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    Refused(Refused),
    NoSuchPlan,
    PlanArchived(String),
    PlanExists(String),
    NoSuchCoupon,
    /// The shop has none of that code, and it was asked for by it.
    CouponMissing,
    /// It is used up, or its time is over.
    CouponOver(String),
    CouponExists(String),
    NoSuchSubscription,
    /// The customer has one of that plan already.
    Exists(Box<Subscription>),
    /// A payment or a change of it is under way.
    Busy,
    /// Only an active one, or one in its trial, can be changed.
    NotChangeable(Status),
    SameTerms,
    /// What the time under way cost was paid elsewhere, and is not known.
    PaidElsewhere,
    /// Charging needs what the customer agreed to, or agreed to less.
    ConsentNeeded,
    NoSuchZone,
    SumTooLarge,
    NotConnected,
    /// None of the shop's banks saves what can be charged.
    NoBank,
    /// The payment cannot pay its period.
    NotAssignable(assign::Unassignable),
    /// The bank's own schedule cannot do it.
    ByBank(&'static str),
    Payment(PaymentProblem),
    Receipt(ComposeProblem),
    Bank(Refusal),
    Internal(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Internal(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Internal(error)
    }
}

/// The shop's subscription, locked.
pub fn lock_own(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Subscription, Problem> {
    store::lock_subscription(tx, shop_id, id)?.ok_or(Problem::NoSuchSubscription)
}

/// What is decided over.
pub fn load(tx: &mut dyn Tx, subscription: Subscription) -> Result<Book, DbError> {
    let (id, number) = (subscription.id.clone(), subscription.periods);
    let period = store::find_period(tx, &id, number)?;
    let attempts = store::list_attempts(tx, &id, number)?;
    let is_charged = attempts.iter().any(|it| it.how == How::Charge);
    let rebound_ms = if is_charged { store::rebinds::last_rebound_ms(tx, &id)? } else { None };
    let book = Book { subscription, period, attempts, rebound_ms, is_blocked: false, notice: None };
    Ok(book)
}

/// Applies the event, saves what it makes of the subscription, and announces it. What else follows
/// is the caller's: a period that begins, money that goes back.
pub fn act(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    event: &Event,
) -> Result<Vec<Effect>, Problem> {
    let applied = state::apply(&subscription.state, event).map_err(Problem::Refused)?;
    let was_paused = matches!(subscription.state, State::Paused { .. });
    subscription.state = applied.next;
    if let (
        true,
        State::Active { until_ms: end_ms, .. } | State::Canceled { access_ms: end_ms, .. },
    ) = (was_paused, &subscription.state)
    {
        turn::end_pause(tx, subscription, *end_ms)?;
    }
    if !subscription.state.awaits_charge() {
        notice::settle(tx, ctx, subscription)?;
    }
    if applied.effects.contains(&Effect::StopCharging) {
        // Of one that ended for want of its money a person shall see why.
        if *event != Event::GivenUp {
            blocked::settle(tx, ctx, subscription)?;
        }
        stop(tx, ctx, subscription)?;
        by_bank::end(tx, ctx, subscription)?;
    }
    store::update_subscription(tx, subscription)?;
    for effect in &applied.effects {
        match effect {
            Effect::Announce(kind) => announce(tx, ctx, subscription, *kind)?,
            Effect::OpenPeriod | Effect::StopCharging | Effect::GiveBack => {}
        }
    }
    Ok(applied.effects)
}

/// Whatever is not asked for yet is not asked for any more: neither the period's money, nor what a
/// charge that has not left would take.
fn stop(tx: &mut dyn Tx, ctx: &Ctx, subscription: &mut Subscription) -> Result<(), DbError> {
    let found = store::find_period(tx, &subscription.id, subscription.periods)?;
    let Some(mut period) = found.filter(|period| period.status == PeriodStatus::Open) else {
        return Ok(());
    };
    drop_unsent(tx, ctx, subscription, period.number)?;
    close_links(tx, ctx, subscription, period.number)?;
    periods::void(tx, subscription, &mut period)
}

/// Nobody shall pay the period's open links any more: closed where the bank can do that, else they
/// end by themselves. Whatever comes by one after all goes back. It locks their payments: before
/// anything is announced.
fn close_links(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    period: u32,
) -> Result<(), DbError> {
    for attempt in store::list_attempts(tx, &subscription.id, period)? {
        if attempt.outcome == Outcome::Open && attempt.how == How::Link {
            close::close_link(tx, ctx, (&subscription.shop_id, &attempt.payment_id))?;
        }
    }
    Ok(())
}

/// A charge of the period that has not left never leaves, and its attempt is over. It locks its
/// payment: before anything is announced.
fn drop_unsent(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    period: u32,
) -> Result<(), DbError> {
    for attempt in store::list_attempts(tx, &subscription.id, period)? {
        let is_open = attempt.outcome == Outcome::Open && attempt.how == How::Charge;
        let whose = (subscription.shop_id.as_str(), attempt.payment_id.as_str());
        if is_open && charge::drop_unsent(tx, ctx, whose.0, whose.1)? {
            // Nobody was asked for anything: it is no decline.
            let outcome = Outcome::Failed(Class::Later);
            store::update_attempt(tx, &Attempt { outcome, ..attempt })?;
        }
    }
    Ok(())
}

/// Tells the shop, with the subscription as it is now.
pub fn announce(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    kind: EventKind,
) -> Result<(), DbError> {
    let described = describe(tx, subscription)?;
    let event = NewEvent {
        id: ctx.mint.id("ev"),
        shop_id: &subscription.shop_id,
        subject_id: &subscription.id,
        kind,
        // The same may happen again, but not to the same revision.
        about: Some(&subscription.revision.to_string()),
        at_ms: ctx.now_ms(),
        body: &view::subscription_json(&described, ctx),
    };
    insert_event(tx, &event).map(|_| ())
}

/// The subscription with what the outside wants to see beside it.
pub fn describe(tx: &mut dyn Tx, subscription: &Subscription) -> Result<Described, DbError> {
    let version = periods::get_version(tx, &subscription.version_id)?;
    let plan: Option<Plan> = store::find_plan_by_id(tx, &version.plan_id)?;
    let next_version = match &subscription.next_version_id {
        Some(id) => Some(periods::get_version(tx, id)?),
        None => None,
    };
    let next_plan = match &next_version {
        Some(next) => store::find_plan_by_id(tx, &next.plan_id)?,
        None => None,
    };
    let coupon = match &subscription.coupon_id {
        Some(id) => store::find_coupon_by_id(tx, id)?,
        None => None,
    };
    let consents = store::list_consents(tx, &subscription.id)?;
    let rules = store::get_rules(tx, &subscription.shop_id)?;
    let next_amount = next_amount(tx, subscription);
    let rebinds = store::rebinds::list_rebinds(tx, &subscription.id)?;
    let book = load(tx, subscription.clone())?;
    let blocked = match book.open_period() {
        Some(period) if !book.is_asking() => blocked::find(tx, subscription, period)?,
        Some(_) | None => None,
    };
    Ok(Described {
        blocked: blocked.filter(|todo| todo.done_ms.is_none()),
        book,
        version,
        plan,
        next_plan,
        coupon,
        consent: consents.into_iter().next(),
        rules,
        next_amount,
        limits: by_bank::limits(subscription, find_can(tx, subscription)?),
        rebind: rebinds.into_iter().rfind(|it| it.outcome == RebindOutcome::Open),
    })
}

/// What the bank of its connection can.
fn find_can(
    tx: &mut dyn Tx,
    subscription: &Subscription,
) -> Result<Option<&'static Capabilities>, DbError> {
    let found = shops::store::find_connection(tx, &subscription.connection_id)?;
    Ok(found.and_then(|found| find_bank(&found.bank)).map(|bank| bank.capabilities()))
}

/// What the next period will cost, if one will begin.
fn next_amount(tx: &mut dyn Tx, subscription: &Subscription) -> Option<kopeck_banks::Money> {
    let until_ms = match subscription.state {
        state::State::Active { until_ms, ends: false }
        | state::State::Trialing { until_ms, ends: false } => until_ms,
        state::State::Active { .. }
        | state::State::Trialing { .. }
        | state::State::Pending { .. }
        | state::State::PastDue { .. }
        | state::State::Paused { .. }
        | state::State::Canceled { .. }
        | state::State::Expired => return None,
    };
    let (opening, next) = periods::renewal(tx, subscription, until_ms, until_ms).ok()?;
    periods::price(tx, &next, &opening).ok().map(|quote| quote.due)
}

/// Applies what the shop wants and lets the driver look.
pub fn request(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    event: &Event,
) -> Result<Subscription, Problem> {
    let mut subscription = lock_own(tx, shop_id, id)?;
    let book = load(tx, subscription.clone())?;
    match event {
        // What is under way would be paid for a time that is not used.
        Event::Pause { .. } if book.is_asking() || book.open_period().is_some() => {
            return Err(Problem::Busy);
        }
        Event::Reactivate { .. } => {
            by_bank::refuse(&subscription, &by_bank::NO_PAUSE)?;
            check_consent(tx, &subscription)?;
            begin::refuse_second(tx, &subscription, &subscription.plan_id)?;
        }
        Event::Pause { .. } => by_bank::refuse(&subscription, &by_bank::NO_PAUSE)?,
        Event::Paid { .. }
        | Event::Changed { .. }
        | Event::Declined
        | Event::Overdue
        | Event::GivenUp
        | Event::Due { .. }
        | Event::Cancel { .. }
        | Event::CancelAtEnd { .. }
        | Event::Resume { .. }
        | Event::Withdrawn { .. } => {}
    }
    if let Event::Resume { at_ms } = event {
        turn::resume(tx, ctx, &mut subscription, *at_ms)?;
    } else {
        act(tx, ctx, &mut subscription, event)?;
    }
    // The bank would go on: there it ends now, here with what was paid.
    if matches!(event, Event::CancelAtEnd { .. }) {
        by_bank::end(tx, ctx, &subscription)?;
    }
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    Ok(subscription)
}

/// Whether it may be charged again, if charges are how it is paid.
fn check_consent(tx: &mut dyn Tx, subscription: &Subscription) -> Result<(), Problem> {
    let is_charged = subscription.collection == super::model::How::Charge;
    if is_charged && store::find_consent(tx, &subscription.id)?.is_none() {
        return Err(Problem::ConsentNeeded);
    }
    Ok(())
}

/// What the shop says of what its customer agreed to.
#[derive(Clone, Debug)]
pub struct NewConsent {
    pub text_version: String,
    pub text: Option<String>,
    pub channel: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The most that one charge may take; `None`: what the subscription costs now.
    pub ceiling: Option<kopeck_banks::Money>,
}

impl NewConsent {
    /// As somebody wrote it down at a terminal.
    pub fn by_cli(text_version: String) -> NewConsent {
        NewConsent {
            text_version,
            text: None,
            channel: "cli".to_owned(),
            ip: None,
            user_agent: None,
            ceiling: None,
        }
    }
}

/// Writes down what the customer agreed to.
pub fn consent(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &Subscription,
    new: NewConsent,
    costs: kopeck_banks::Money,
) -> Result<(), Problem> {
    let ceiling = new.ceiling.unwrap_or(costs);
    if ceiling < costs {
        return Err(Problem::ConsentNeeded);
    }
    let consent = Consent {
        id: ctx.mint.id("cons"),
        shop_id: subscription.shop_id.clone(),
        customer_id: subscription.customer_id.clone(),
        subscription_id: subscription.id.clone(),
        text_version: new.text_version,
        text: new.text,
        channel: new.channel,
        ip: new.ip,
        user_agent: new.user_agent,
        ceiling,
        given_ms: ctx.now_ms(),
        withdrawn_ms: None,
        withdrawn_by: None,
    };
    Ok(store::insert_consent(tx, &consent)?)
}
