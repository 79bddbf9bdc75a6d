//! Driving a subscription: what became of its payments is heard, and what is due is asked for. The
//! bank is called by the payments' own driver; here their rows are written, each once. This is also
//! the recovery: after a crash the next run reads the same rows.

use kopeck_banks::{
    Money,
    bank::{Capabilities, find_bank},
    op::{CaptureMode, PayMethod},
};

use super::{
    dunning::Class,
    flow::{
        self, JOB, Problem, act, announce,
        begin::Planned,
        by_bank, periods,
        turn::{Turn, turn},
    },
    model::{Attempt, Cause, How, Outcome, Period, Subscription, Version, kind_of},
    pricing::MIN_CHARGE_KOPECKS,
    state::Event,
    steps::Book,
    store,
};
use crate::{
    events::EventKind,
    instruments::{flow::find_active, model::Kind},
    kit::{
        Ctx,
        clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
        db::{DbError, Tx},
        jobs::{self, After, Job},
    },
    payments::{
        self,
        flow::{
            NewPayment, Problem as PaymentProblem,
            charge::{self, Saved},
            kept,
            routing::plan_at,
        },
        model::{Means, Payment},
        receipts,
    },
    shops::{self, model::Connection},
    todos::Why,
};

/// Turns of one run. More than any subscription takes at once; a run that needs more goes on in
/// the next one.
const MAX_TURNS: usize = 24;
/// After a failure of our own.
const TRY_AGAIN_MS: i64 = 5 * SECOND_MS;
/// While a payment cannot even be planned: a person has to mend the shop's set-up.
const REFUSED_MS: i64 = HOUR_MS;

/// Takes the subscription's turns until it has to wait or is over.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    for _ in 0..MAX_TURNS {
        let (inner, id) = (ctx.clone(), job.subject.clone());
        let taken: Result<Turn, Problem> = ctx.db.write(move |tx| turn(tx, &inner, &id)).await;
        let (book, how) = match taken.map_err(internal)? {
            Turn::Again => continue,
            Turn::Wait { until_ms } => return Ok(After::At(until_ms)),
            Turn::Rest => return Ok(After::Done),
            Turn::Try(book, how) => (book, how),
        };
        let number = book.subscription.periods;
        match ask_for(ctx, *book, how).await {
            Ok(()) => {}
            Err(Problem::Payment(PaymentProblem::Internal(error)) | Problem::Internal(error)) => {
                return Err(error);
            }
            Err(problem) => {
                let why = format!("{problem:?}");
                tracing::error!(subscription = job.subject, "no payment can be made: {why}");
                block(ctx, (&job.subject, number), problem).await?;
                return Ok(After::Retry { at_ms: ctx.now_ms() + REFUSED_MS, why });
            }
        }
    }
    Ok(After::At(ctx.now_ms()))
}

/// Told to the shop, which alone can mend it.
async fn block(ctx: &Ctx, (id, number): (&str, u32), problem: Problem) -> anyhow::Result<()> {
    let (inner, id, why) = (ctx.clone(), id.to_owned(), Why::from(problem));
    let written: Result<(), Problem> =
        ctx.db.write(move |tx| flow::blocked::block(tx, &inner, (&id, number), &why)).await;
    written.map_err(internal)
}

fn internal(problem: Problem) -> anyhow::Error {
    let told = format!("{problem:?}");
    if let Problem::Internal(error) | Problem::Payment(PaymentProblem::Internal(error)) = problem {
        return error;
    }
    anyhow::anyhow!(told)
}

/// Drives one now and confirms its job, unless somebody is at it.
pub async fn drive_now(ctx: &Ctx, id: &str) -> Result<(), DbError> {
    let (inner, subject) = (ctx.clone(), id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, JOB, &subject, inner.now_ms())).await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = drive(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(id, "driving a subscription failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + TRY_AGAIN_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await
}

/// Asks for the open period's money: one payment, written together with its attempt, unless the
/// subscription changed since it was decided.
async fn ask_for(ctx: &Ctx, book: Book, how: How) -> Result<(), Problem> {
    let Some(period) = book.open_period().cloned() else { return Ok(()) };
    let subscription = book.subscription;
    let version_id = period.version_id.clone();
    let version: Result<Version, DbError> =
        ctx.db.read(move |tx| periods::get_version(tx, &version_id)).await;
    let version = version?;
    let offer = match how {
        How::Link => offer(ctx, &subscription, &book.attempts).await?,
        How::Charge | How::Bank => Offer::SaveOnly,
    };
    let planned = match plan_payment(ctx, &subscription, (&period, &version), (how, offer)).await {
        Ok(payment) => Some(payment),
        // What was saved is gone: the customer pays himself.
        Err(Problem::Payment(PaymentProblem::Saved(_))) => None,
        Err(problem) => return Err(problem),
    };
    let inner = ctx.clone();
    ctx.db
        .write(move |tx| {
            let locked = store::lock_by_id(tx, &subscription.id)?;
            let Some(mut now) = locked.filter(|it| it.revision == subscription.revision) else {
                return Ok(());
            };
            let may_charge = how == How::Link || may_charge(tx, &now, &period)?;
            let Some(payment) = planned.filter(|_| may_charge) else {
                return by_link(tx, &inner, &mut now, period);
            };
            write(tx, &inner, (&mut now, period), &payment, how)
        })
        .await
}

/// Whether the customer's consent stands and covers the sum. Read in the transaction that writes
/// the attempt: a withdrawal comes before it or after it, never between.
fn may_charge(
    tx: &mut dyn Tx,
    subscription: &Subscription,
    period: &Period,
) -> Result<bool, DbError> {
    let consent = store::find_consent(tx, &subscription.id)?;
    Ok(consent.is_some_and(|consent| period.amount <= consent.ceiling))
}

fn by_link(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    mut period: Period,
) -> Result<(), Problem> {
    period.by_link = true;
    period.next_try_ms = Some(ctx.now_ms());
    store::update_period(tx, &period)?;
    Ok(store::update_subscription(tx, subscription)?)
}

fn write(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (subscription, mut period): (&mut Subscription, Period),
    payment: &Payment,
    how: How,
) -> Result<(), Problem> {
    let known = store::list_attempts(tx, &subscription.id, period.number)?;
    if known.iter().any(|attempt| attempt.outcome == Outcome::Open) {
        return Ok(());
    }
    match charge::create_any(tx, ctx, payment, None) {
        Err(PaymentProblem::Saved(_)) => return by_link(tx, ctx, subscription, period),
        Err(problem) => return Err(Problem::Payment(problem)),
        Ok(()) => {}
    }
    let attempt = Attempt {
        payment_id: payment.id.clone(),
        subscription_id: subscription.id.clone(),
        period: period.number,
        number: known.last().map_or(1, |last| last.number + 1),
        how,
        outcome: Outcome::Open,
        created_ms: ctx.now_ms(),
    };
    store::insert_attempt(tx, &attempt)?;
    flow::blocked::unblock(tx, ctx, &period)?;
    jobs::wait_for(tx, (JOB, &subscription.id), &payment.id)?;
    period.next_try_ms = None;
    store::update_period(tx, &period)?;
    if how != How::Link {
        return Ok(store::update_subscription(tx, subscription)?);
    }
    match period.cause {
        Cause::First | Cause::Renewal => {
            act(tx, ctx, subscription, &Event::Overdue)?;
        }
        Cause::Change => store::update_subscription(tx, subscription)?,
    }
    Ok(announce(tx, ctx, subscription, EventKind::SubscriptionPaymentNeeded)?)
}

/// Refuses at once what could never be paid: the bank's limits, a receipt that cannot be made.
pub async fn check(ctx: &Ctx, planned: &Planned) -> Result<(), Problem> {
    let Some(opening) = planned.opening.clone() else { return Ok(()) };
    let subscription = planned.subscription.clone();
    let inner = subscription.clone();
    let wanted = opening.clone();
    let told: Result<Money, Problem> =
        ctx.db.read(move |tx| Ok(periods::price(tx, &inner, &wanted)?.due)).await;
    let amount = told?;
    if amount.is_zero() {
        return Ok(());
    }
    let give_up_ms = ctx.now_ms() + periods::FIRST_MS;
    let wish = Wish { amount, give_up_ms, period: 1, offer: Offer::SaveOnly };
    let has_saved = subscription.instrument_id.is_some();
    let how = if has_saved { How::Charge } else { How::Link };
    plan_any(ctx, &subscription, &opening.version, wish, how).await.map(|_| ())
}

/// The same of the receipts of the charges to come.
pub async fn check_receipt(
    ctx: &Ctx,
    subscription: &Subscription,
    version: &Version,
) -> Result<(), Problem> {
    let amount = version.terms.price_of(subscription.quantity).ok_or(Problem::SumTooLarge)?;
    let give_up_ms = ctx.now_ms() + periods::FIRST_MS;
    let period = subscription.periods + 1;
    let wish = Wish { amount, give_up_ms, period, offer: Offer::SaveOnly };
    plan_any(ctx, subscription, version, wish, How::Link).await.map(|_| ())
}

/// What a payment is to be.
struct Wish {
    amount: Money,
    give_up_ms: i64,
    period: u32,
    offer: Offer,
}

/// What a link lets its payer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// Pay by what is then saved: there is nothing yet.
    SaveOnly,
    /// Pay by what is saved in place of what is gone, or otherwise, if the bank has both on a page.
    SaveFirst,
    /// That was asked for in vain: pay in any way, and save where the bank has both on a page.
    SaveOrPay,
    /// Pay in any way: what is saved can be charged for the next period.
    PayOnly,
}

/// A link after a decline: who has no money on the card may have it in an account, and what can be
/// charged again need not be saved again. What is gone is asked for anew first.
async fn offer(
    ctx: &Ctx,
    subscription: &Subscription,
    attempts: &[Attempt],
) -> Result<Offer, DbError> {
    let Some(id) = subscription.instrument_id.clone() else { return Ok(Offer::SaveOnly) };
    let charge = attempts.iter().rfind(|it| it.how == How::Charge);
    let is_gone = charge.is_some_and(|it| it.outcome == Outcome::Failed(Class::NewInstrument));
    let was_asked = attempts.iter().any(|it| it.how == How::Link);
    let shop_id = subscription.shop_id.clone();
    let found: Result<_, DbError> =
        ctx.db.read(move |tx| find_active(tx, &shop_id, (kind_of(&id), &id), Money::ZERO)).await;
    let is_gone = is_gone || found?.is_err();
    Ok(match (is_gone, was_asked) {
        (true, false) => Offer::SaveFirst,
        (true, true) => Offer::SaveOrPay,
        (false, _) => Offer::PayOnly,
    })
}

async fn plan_payment(
    ctx: &Ctx,
    subscription: &Subscription,
    (period, version): (&Period, &Version),
    (how, offer): (How, Offer),
) -> Result<Payment, Problem> {
    let (amount, give_up_ms) = (period.amount, period.give_up_ms);
    let wish = Wish { amount, give_up_ms, period: period.number, offer };
    plan_any(ctx, subscription, version, wish, how).await
}

async fn plan_any(
    ctx: &Ctx,
    subscription: &Subscription,
    version: &Version,
    wish: Wish,
    how: How,
) -> Result<Payment, Problem> {
    let shop_id = &subscription.shop_id;
    let connection = shops::flow::get_connection(ctx, &subscription.connection_id).await?;
    let about = serde_json::json!({ "subscription_id": subscription.id, "period": wish.period });
    let new = new_payment(ctx, (subscription, version), &connection, (wish.amount, about)).await?;
    let schedule = by_bank::schedule(subscription, version);
    if let (How::Bank, Some(card_id)) = (how, subscription.instrument_id.as_deref()) {
        let left = (wish.give_up_ms - ctx.now_ms()) / MINUTE_MS;
        let ttl_minutes = u32::try_from(left.max(1)).unwrap_or(1);
        let new = NewPayment { success_url: None, fail_url: None, schedule, ttl_minutes, ..new };
        let planned = kept::plan_awaited(ctx, shop_id, card_id, new).await;
        return planned.map_err(Problem::Payment);
    }
    if let (How::Charge, Some(instrument_id)) = (how, subscription.instrument_id.clone()) {
        let customer_id = Some(subscription.customer_id.clone());
        let kind = kind_of(&instrument_id);
        let from = Saved { kind, id: instrument_id, customer_id, bank: None };
        // Nobody comes back from a bank's page.
        let new = NewPayment { success_url: None, fail_url: None, ..new };
        return charge::plan(ctx, shop_id, &from, new).await.map_err(Problem::Payment);
    }
    let bank = find_bank(&connection.bank);
    let can = bank.map(|bank| bank.capabilities());
    // The bank's schedule begins with its first payment, and only with that.
    let schedule = schedule.filter(|_| wish.period == 1);
    let may_save = subscription.bank_count.is_none() || schedule.is_some();
    let may_save = may_save && subscription.collection == How::Charge;
    let saves = can.filter(|_| may_save).and_then(|can| saved_here(can, subscription.saves));
    let (saves, methods) = ways(can, saves, wish.offer);
    let (min, max) =
        can.map_or((5, 7 * 24 * 60), |can| (*can.ttl_minutes.start(), *can.ttl_minutes.end()));
    let left_ms = match wish.give_up_ms - ctx.now_ms() {
        // Asked for late, since nothing could be asked for in time.
        left_ms if left_ms <= 0 => DAY_MS,
        left_ms => left_ms,
    };
    let left = left_ms / MINUTE_MS;
    let new = NewPayment {
        methods,
        capture: CaptureMode::Automatic,
        ttl_minutes: u32::try_from(left).unwrap_or(min).clamp(min, max),
        schedule,
        means: match saves {
            Some(kind) => {
                Means::Save { kind, customer_id: subscription.customer_id.clone(), id: None }
            }
            None => Means::Payer,
        },
        ..new
    };
    plan_at(ctx, &connection, new).map_err(Problem::Payment)
}

/// What is saved at this bank: what was wished for, else what it has. An imported subscription
/// never asked.
fn saved_here(can: &Capabilities, wished: Kind) -> Option<Kind> {
    [wished, Kind::Account, Kind::Card].into_iter().find(|kind| saves(can, *kind))
}

/// What a link saves, and how it may be paid. A card that the bank itself keeps comes with a page
/// for cards alone, and an account with a code for accounts alone; beside another card the page has
/// SBP, too.
fn ways(
    can: Option<&Capabilities>,
    saves: Option<Kind>,
    offer: Offer,
) -> (Option<Kind>, Vec<PayMethod>) {
    let Some(can) = can else { return (None, vec![PayMethod::Card]) };
    let both = [PayMethod::Card, PayMethod::Sbp];
    let all = || both.into_iter().filter(|method| can.methods.contains(method)).collect();
    let has_both = saves == Some(Kind::Card) && can.saves_cards;
    match (saves, offer) {
        (Some(kind), Offer::SaveFirst | Offer::SaveOrPay) if has_both => (Some(kind), all()),
        (Some(kind), Offer::SaveOnly | Offer::SaveFirst) => {
            (Some(kind), vec![charge::method_of(kind)])
        }
        (Some(_), Offer::SaveOrPay | Offer::PayOnly) | (None, _) => (None, all()),
    }
}

/// How the links may be paid that follow a decline, the first one and the others; `is_gone`: what
/// was charged is over.
pub fn links_after(can: &Capabilities, is_gone: bool) -> (Vec<PayMethod>, Vec<PayMethod>) {
    let saves = saved_here(can, Kind::Account);
    let (first, others) = match is_gone {
        true => (Offer::SaveFirst, Offer::SaveOrPay),
        false => (Offer::PayOnly, Offer::PayOnly),
    };
    let methods = |offer| ways(Some(can), saves, offer).1;
    (methods(first), methods(others))
}

/// What any payment of a subscription is, with the receipt that it or its plan says.
async fn new_payment(
    ctx: &Ctx,
    (subscription, version): (&Subscription, &Version),
    connection: &Connection,
    (amount, metadata): (Money, serde_json::Value),
) -> Result<NewPayment, Problem> {
    let own = subscription.own_receipt(&version.plan_id);
    let said_ms = own.map_or(version.created_ms, |own| own.said_ms);
    let new = NewPayment {
        amount,
        purpose: version.terms.name.clone(),
        success_url: subscription.success_url.clone(),
        fail_url: subscription.fail_url.clone(),
        customer: subscription.contact.clone(),
        receipt: own.map(|own| own.text.clone()).or_else(|| version.terms.receipt.clone()),
        metadata: metadata.to_string(),
        ..NewPayment::default()
    };
    let banks = std::slice::from_ref(connection);
    let shop_id = &subscription.shop_id;
    let new = receipts::fill_again(ctx, shop_id, new, banks, said_ms).await;
    new.map_err(Problem::Receipt)
}

/// The link by which the customer saves another card or account at this bank.
pub(super) async fn plan_rebind(
    ctx: &Ctx,
    of: (&Subscription, &Version),
    connection: &Connection,
    saves: Kind,
) -> Result<Payment, Problem> {
    let (subscription, _) = of;
    let least = Money::from_kopecks(MIN_CHARGE_KOPECKS).map_err(|_| Problem::SumTooLarge)?;
    let about = serde_json::json!({ "subscription_id": subscription.id, "rebind": true });
    let new = new_payment(ctx, of, connection, (least, about)).await?;
    let bank = find_bank(&connection.bank).ok_or(Problem::NoBank)?;
    let (min, max) =
        (*bank.capabilities().ttl_minutes.start(), *bank.capabilities().ttl_minutes.end());
    let new = NewPayment {
        methods: vec![charge::method_of(saves)],
        capture: CaptureMode::Automatic,
        ttl_minutes: u32::try_from(periods::FIRST_MS / MINUTE_MS).unwrap_or(min).clamp(min, max),
        means: Means::Save { kind: saves, customer_id: subscription.customer_id.clone(), id: None },
        ..new
    };
    plan_at(ctx, connection, new).map_err(Problem::Payment)
}

/// Whether a bank can keep what is paid with, to be charged later.
pub const fn saves(can: &Capabilities, kind: Kind) -> bool {
    match kind {
        Kind::Account => can.saves_accounts,
        Kind::Card => kept::saves_cards(can),
        Kind::Kept => can.subscriptions.is_some(),
    }
}

/// Drives the subscription and the payment that it waits for, so that an answer has its link.
pub async fn settle_now(ctx: &Ctx, id: &str) -> Result<(), DbError> {
    drive_now(ctx, id).await?;
    let subject = id.to_owned();
    let waiting: Result<Vec<String>, DbError> = ctx
        .db
        .read(move |tx| {
            let attempts = store::list_unsettled(tx, &subject)?.into_iter();
            let rebinds = store::rebinds::list_rebinds(tx, &subject)?.into_iter();
            Ok(attempts.map(|it| it.payment_id).chain(rebinds.map(|it| it.payment_id)).collect())
        })
        .await;
    for payment_id in waiting? {
        payments::drive::drive_now(ctx, &payment_id).await?;
    }
    drive_now(ctx, id).await
}

/// The subscription as it is now.
pub async fn find(
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
) -> Result<Option<super::view::Described>, DbError> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    ctx.db
        .read(move |tx| {
            let found = store::find_subscription(tx, &shop_id, &id)?;
            found.map(|found| flow::describe(tx, &found)).transpose()
        })
        .await
}
