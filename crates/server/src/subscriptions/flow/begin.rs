//! A customer subscribes.

use kopeck_banks::{Money, bank::find_bank};

use super::{
    JOB, NewConsent, Problem, act, announce,
    by_bank::{self, ByBank},
    consent,
    periods::{self, Opening},
    plans::{Offer, get_offer},
};
use crate::{
    events::EventKind,
    instruments::{self, model::Kind},
    kit::{Ctx, clock::DAY_MS, db::Tx, jobs},
    receipts,
    shops::{self, model::Connection},
    subscriptions::{
        drive,
        model::{Cause, Coupon, How, OwnReceipt, PeriodStatus, Subscription, kind_of},
        schedule::find_zone,
        state::{Event, State},
        store,
    },
};

/// What a shop asks for, already read and checked for its shape.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    pub plan: String,
    pub customer_id: String,
    pub quantity: u32,
    pub coupon: Option<String>,
    pub collection: How,
    /// A saved account or card to charge.
    pub instrument_id: Option<String>,
    /// What the first payment saves, if nothing is saved yet; `None`: what the bank saves, an
    /// account rather than a card.
    pub saves: Option<Kind>,
    /// The bank shall charge by a schedule of its own.
    pub by_bank: Option<ByBank>,
    /// A bank's word or a connection's id.
    pub bank: Option<String>,
    pub zone: Option<String>,
    /// JSON: where receipts go.
    pub contact: Option<String>,
    /// What the receipts of its payments say, in place of the plan's.
    pub receipt: Option<String>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    pub metadata: String,
    pub consent: Option<NewConsent>,
    /// Without the plan's trial.
    pub skips_trial: bool,
}

/// A subscription about to be written, with its first period unless it begins with a trial.
#[derive(Clone, Debug)]
pub struct Planned {
    pub subscription: Subscription,
    pub offer: Offer,
    pub opening: Option<Opening>,
    /// What a whole period costs: the least that a consent must cover.
    pub costs: Money,
    consent: Option<NewConsent>,
}

/// Plans it without saving anything; what the bank or the receipt's rules would refuse is refused
/// here.
pub async fn plan(ctx: &Ctx, shop_id: &str, new: NewSubscription) -> Result<Planned, Problem> {
    if new.collection == How::Charge && new.consent.is_none() {
        return Err(Problem::ConsentNeeded);
    }
    if let Some(text) = &new.receipt {
        receipts::flow::check_readable(text).map_err(Problem::Receipt)?;
    }
    let zone = new.zone.clone().unwrap_or_else(|| ctx.zone.to_string());
    find_zone(&zone).ok_or(Problem::NoSuchZone)?;
    let (connection, saves) = connection_for(ctx, shop_id, &new).await?;
    let now_ms = ctx.now_ms();
    let (offer, coupon) = read_offer(ctx, shop_id, &new).await?;
    if offer.plan.is_archived {
        return Err(Problem::PlanArchived(offer.plan.code));
    }
    let terms = &offer.version.terms;
    let bank_count = match &new.by_bank {
        Some(wish) => Some(by_bank::check(&connection, &new, terms, wish)?),
        None => None,
    };
    let has_trial = terms.trial_days > 0 && !new.skips_trial;
    let trial_ms = i64::from(terms.trial_days) * DAY_MS;
    let state = match has_trial {
        true => State::Trialing { until_ms: now_ms + trial_ms, ends: false },
        false => State::Pending { until_ms: now_ms + periods::FIRST_MS },
    };
    let costs = terms.price_of(new.quantity).ok_or(Problem::SumTooLarge)?;
    let costs = costs.checked_add(terms.setup_fee).ok_or(Problem::SumTooLarge)?;
    let subscription = Subscription {
        id: ctx.mint.id("sub"),
        shop_id: shop_id.to_owned(),
        customer_id: new.customer_id,
        plan_id: offer.plan.id.clone(),
        version_id: offer.version.id.clone(),
        quantity: new.quantity,
        coupon_left: coupon.as_ref().and_then(|coupon| coupon.periods),
        coupon_id: coupon.map(|coupon| coupon.id),
        connection_id: connection.id,
        collection: new.collection,
        instrument_id: new.instrument_id,
        saves,
        bank_count,
        zone,
        anchor_ms: if has_trial { now_ms + trial_ms } else { now_ms },
        cycle: 0,
        periods: 0,
        balance_kopecks: 0,
        next_version_id: None,
        next_quantity: None,
        state,
        told_ms: None,
        contact: new.contact,
        receipt: new.receipt.map(|text| OwnReceipt::said(&offer.plan.id, text, now_ms)),
        success_url: new.success_url,
        fail_url: new.fail_url,
        metadata: new.metadata,
        revision: 1,
        created_ms: now_ms,
    };
    let opening = match has_trial {
        true => None,
        false => Some(first(&subscription, &offer)?),
    };
    let planned = Planned { subscription, offer, opening, costs, consent: new.consent };
    drive::check(ctx, &planned).await?;
    Ok(planned)
}

/// The plan as it is sold now, and the coupon that makes it cheaper.
async fn read_offer(
    ctx: &Ctx,
    shop_id: &str,
    new: &NewSubscription,
) -> Result<(Offer, Option<Coupon>), Problem> {
    let (shop, code, word) = (shop_id.to_owned(), new.plan.clone(), new.coupon.clone());
    let now_ms = ctx.now_ms();
    ctx.db
        .read(move |tx| {
            let offer = get_offer(tx, &shop, &code)?;
            let coupon = match word {
                Some(word) => Some(find_coupon(tx, &shop, &word, now_ms)?),
                None => None,
            };
            Ok((offer, coupon))
        })
        .await
}

fn find_coupon(tx: &mut dyn Tx, shop_id: &str, code: &str, now_ms: i64) -> Result<Coupon, Problem> {
    let coupon = store::find_coupon(tx, shop_id, code)?.ok_or(Problem::NoSuchCoupon)?;
    if !coupon.is_good(now_ms) {
        return Err(Problem::CouponOver(coupon.code));
    }
    Ok(coupon)
}

fn first(subscription: &Subscription, offer: &Offer) -> Result<Opening, Problem> {
    let version = offer.version.clone();
    let calendar = periods::calendar(subscription, &version)?;
    let (start_ms, end_ms) = periods::bounds(&calendar, 0)?;
    let quantity = subscription.quantity;
    let price = version.terms.price_of(quantity).ok_or(Problem::SumTooLarge)?;
    let (cause, unused) = (Cause::First, Money::ZERO);
    Ok(Opening { cause, version, quantity, start_ms, end_ms, price, unused })
}

/// Where the money comes: the account's bank, the one that is named, else the newest that can; and
/// what is saved there.
async fn connection_for(
    ctx: &Ctx,
    shop_id: &str,
    new: &NewSubscription,
) -> Result<(Connection, Kind), Problem> {
    if let Some(instrument_id) = &new.instrument_id {
        let (shop_id, id) = (shop_id.to_owned(), instrument_id.clone());
        let kind = kind_of(&id);
        let found: Result<_, crate::kit::db::DbError> = ctx
            .db
            .read(move |tx| instruments::flow::find_active(tx, &shop_id, (kind, &id), Money::ZERO))
            .await;
        let unusable = |it| Problem::Payment(crate::payments::flow::Problem::Saved(it));
        let account = found?.map_err(unusable)?;
        if account.customer_id != new.customer_id {
            return Err(unusable(instruments::flow::Unusable::Missing(kind)));
        }
        let connection = shops::flow::get_connection(ctx, &account.connection_id).await?;
        return Ok((connection, kind));
    }
    let all = shops::flow::list_connections(ctx, shop_id).await?;
    if all.is_empty() {
        return Err(Problem::NotConnected);
    }
    let is_named = |it: &Connection| match &new.bank {
        Some(word) => it.bank == *word || it.id == *word,
        None => true,
    };
    let named: Vec<Connection> = all.into_iter().rev().filter(is_named).collect();
    if new.by_bank.is_some() && new.collection == How::Charge {
        let found = named.into_iter().find(by_bank::can);
        return found.map(|it| (it, Kind::Card)).ok_or_else(by_bank::no_bank);
    }
    if new.collection == How::Link {
        let kind = new.saves.unwrap_or(Kind::Account);
        return named.into_iter().next().map(|it| (it, kind)).ok_or(Problem::NoBank);
    }
    choose(&named, new.saves)
}

/// Where a subscription goes on: to the bank that is named, else to another one than now.
pub(super) async fn connection_to(
    ctx: &Ctx,
    shop_id: &str,
    own: &Subscription,
    wish: &super::rebind::Wish,
) -> Result<(Connection, Kind), Problem> {
    let all = shops::flow::list_connections(ctx, shop_id).await?;
    let is_meant = |it: &Connection| match &wish.bank {
        Some(word) => it.bank == *word || it.id == *word,
        None => it.id != own.connection_id,
    };
    let meant: Vec<Connection> = all.into_iter().rev().filter(is_meant).collect();
    choose(&meant, wish.saves)
}

/// The first of these that saves what can be charged, an account rather than a card if nothing is
/// said.
fn choose(connections: &[Connection], saves: Option<Kind>) -> Result<(Connection, Kind), Problem> {
    let can = |it: &Connection, kind: Kind| {
        find_bank(&it.bank).is_some_and(|bank| drive::saves(bank.capabilities(), kind))
    };
    let kinds = saves.map_or(vec![Kind::Account, Kind::Card], |kind| vec![kind]);
    // A bank whose API also gives back what a card paid goes before one that keeps subscriptions.
    let gives_back =
        |it: &Connection| find_bank(&it.bank).is_some_and(|it| it.capabilities().saves_cards);
    for kind in kinds {
        let mut fitting: Vec<&Connection> = connections.iter().filter(|it| can(it, kind)).collect();
        fitting.sort_by_key(|it| kind == Kind::Card && !gives_back(it));
        if let Some(found) = fitting.first() {
            return Ok(((*found).clone(), kind));
        }
    }
    Err(Problem::NoBank)
}

/// What a link saves at this bank, if it saves anything.
pub fn choose_kind(connection: &Connection) -> Option<Kind> {
    choose(std::slice::from_ref(connection), None).ok().map(|(_, kind)| kind)
}

/// Saves what was planned, and lets the driver ask for the first money.
pub fn create(tx: &mut dyn Tx, ctx: &Ctx, planned: Planned) -> Result<Subscription, Problem> {
    let Planned { mut subscription, opening, costs, consent: agreed, .. } = planned;
    refuse_second(tx, &subscription, &subscription.plan_id)?;
    let now_ms = ctx.now_ms();
    if let Some(coupon_id) = subscription.coupon_id.as_deref()
        && !store::use_coupon(tx, coupon_id, now_ms)?
    {
        return Err(Problem::CouponOver(coupon_id.to_owned()));
    }
    store::insert_subscription(tx, &subscription)?;
    if let Some(agreed) = agreed {
        consent(tx, ctx, &subscription, agreed, costs)?;
    }
    let mut paid_until_ms = None;
    if let Some(opening) = opening {
        let rules = store::get_rules(tx, &subscription.shop_id)?;
        let period = periods::open(tx, ctx, &mut subscription, &opening, &rules)?;
        subscription.cycle = 1;
        if period.status == PeriodStatus::Paid {
            paid_until_ms = Some(period.end_ms);
        }
    }
    store::update_subscription(tx, &mut subscription)?;
    announce(tx, ctx, &subscription, EventKind::SubscriptionCreated)?;
    // A coupon paid for all of it.
    if let Some(until_ms) = paid_until_ms {
        act(tx, ctx, &mut subscription, &Event::Paid { until_ms })?;
    }
    jobs::nudge(tx, &ctx.mint, JOB, &subscription.id, now_ms)?;
    Ok(subscription)
}

/// One customer pays for one plan once: another subscription of his to it that is not over, or that
/// is about to change to it, stands against beginning one, coming back to one, and changing to it.
pub(super) fn refuse_second(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    plan_id: &str,
) -> Result<(), Problem> {
    match find_second(tx, subscription, plan_id)? {
        Some(other) => Err(Problem::Exists(Box::new(other))),
        None => Ok(()),
    }
}

/// The same where nobody can be refused.
pub(super) fn has_second(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    plan_id: &str,
) -> Result<bool, Problem> {
    Ok(find_second(tx, subscription, plan_id)?.is_some())
}

fn find_second(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    plan_id: &str,
) -> Result<Option<Subscription>, Problem> {
    let plan = store::find_plan_by_id(tx, plan_id)?.ok_or(Problem::NoSuchPlan)?;
    // Two requests for one customer and plan wait for each other here.
    store::lock_plan(tx, &subscription.shop_id, &plan.code)?.ok_or(Problem::NoSuchPlan)?;
    Ok(store::find_other_of_plan(tx, subscription, plan_id)?)
}
