//! One turn of a subscription inside one transaction: what became of its payments is heard, else
//! the next step is taken that needs no bank.

use kopeck_banks::op::DeclineReason;

use super::{
    Problem, act, announce, begin, blocked, by_bank, close_links, credits, drop_unsent, load,
    notice, periods, rebind,
};
use crate::{
    events::EventKind,
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        self,
        flow::{doubt, kept},
        model::{Payment, Status as PaymentStatus},
    },
    subscriptions::{
        dunning::{Class, NoticeFirst, Rules, Verdict},
        model::{Attempt, Cause, How, Outcome, Period, PeriodStatus, Subscription, kind_of},
        pricing::LineKind,
        schedule::find_zone,
        state::{self, Effect, Event, State},
        steps::{Book, MAX_LINKS, NEXT_LINK_MS, Step, next_step},
        store,
    },
};

/// What a turn came to.
#[derive(Debug)]
pub enum Turn {
    /// Something changed: look again.
    Again,
    /// The open period's money is to be asked for.
    Try(Box<Book>, How),
    Wait {
        until_ms: i64,
    },
    Rest,
}

/// Takes one turn.
pub fn turn(tx: &mut dyn Tx, ctx: &Ctx, id: &str) -> Result<Turn, Problem> {
    let Some(mut subscription) = store::lock_by_id(tx, id)? else { return Ok(Turn::Rest) };
    let is_news = settle(tx, ctx, &mut subscription)?
        || credits::hear(tx, &mut subscription)?
        || rebind::settle(tx, ctx, &mut subscription)?
        || adopt(tx, ctx, &mut subscription)?;
    if is_news {
        return Ok(Turn::Again);
    }
    let rules = rules_of(tx, &subscription)?;
    let mut book = load(tx, subscription)?;
    if rules.notice_first != NoticeFirst::No {
        book.notice = notice::find(tx, ctx, &book.subscription, &rules)?;
    }
    let now_ms = ctx.now_ms();
    if let Some(period) = book.open_period().filter(|it| book.is_untried(it, now_ms)) {
        book.is_blocked = blocked::find(tx, &book.subscription, period)?.is_some();
    }
    let step = next_step(&book, &rules, now_ms);
    let mut subscription = book.subscription.clone();
    match step {
        Step::Wait { until_ms } => return Ok(Turn::Wait { until_ms }),
        Step::Rest => {
            let rest_ms = rebind::rest_ms(tx, &subscription, now_ms)?;
            return Ok(rest_ms.map_or(Turn::Rest, |until_ms| Turn::Wait { until_ms }));
        }
        Step::Try(how) => return Ok(Turn::Try(Box::new(book), how)),
        Step::Resume => resume(tx, ctx, &mut subscription, now_ms)?,
        Step::Due => {
            notice::settle(tx, ctx, &subscription)?;
            begin_next(tx, ctx, &mut subscription, &rules)?;
        }
        Step::Alarm => {
            let Some(notice) = book.notice else { return Ok(Turn::Rest) };
            notice::alarm(tx, ctx, &mut subscription, notice)?;
        }
        Step::Tell => {
            let (State::Active { until_ms, .. } | State::Trialing { until_ms, .. }) =
                subscription.state
            else {
                return Ok(Turn::Rest);
            };
            subscription.told_ms = Some(until_ms);
            store::update_subscription(tx, &mut subscription)?;
            announce(tx, ctx, &subscription, EventKind::SubscriptionRenewalUpcoming)?;
        }
        Step::GiveUp => give_up(tx, ctx, &mut subscription, book.period)?,
    }
    Ok(Turn::Again)
}

/// The shop's rules, with the plan's own time to tell of a charge: the plan's that is charged next.
fn rules_of(tx: &mut dyn Tx, subscription: &Subscription) -> Result<Rules, DbError> {
    let rules = store::get_rules(tx, &subscription.shop_id)?;
    let next = subscription.next_version_id.as_ref().unwrap_or(&subscription.version_id);
    let version = periods::get_version(tx, next)?;
    Ok(rules.of_plan(version.terms.notice_hours))
}

/// A pause keeps what was paid: the calendar begins anew where that is used up, whether the pause
/// ends by going on or by the end of all, after which somebody may come back.
pub(super) fn end_pause(
    tx: &mut dyn Tx,
    subscription: &mut Subscription,
    end_ms: i64,
) -> Result<(), DbError> {
    (subscription.anchor_ms, subscription.cycle) = (end_ms, 0);
    if let Some(period) = store::find_last_paid(tx, &subscription.id)? {
        let start_ms = period.start_ms + end_ms - period.end_ms;
        store::update_period(tx, &Period { start_ms, end_ms, ..period })?;
    }
    Ok(())
}

/// Goes on after a pause; one that goes on already does so once.
pub fn resume(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    at_ms: i64,
) -> Result<(), Problem> {
    let was_paused = matches!(subscription.state, State::Paused { .. });
    act(tx, ctx, subscription, &Event::Resume { at_ms })?;
    if was_paused {
        jobs::nudge(tx, &ctx.mint, super::JOB, &subscription.id, ctx.now_ms())?;
    }
    Ok(())
}

/// The paid or free time is over: the next period begins, or all ends.
fn begin_next(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    rules: &Rules,
) -> Result<(), Problem> {
    let now_ms = ctx.now_ms();
    let (State::Active { until_ms, .. } | State::Trialing { until_ms, .. }) = subscription.state
    else {
        return Ok(());
    };
    let event = Event::Due { at_ms: now_ms };
    let applied = state::apply(&subscription.state, &event).map_err(Problem::Refused)?;
    if !applied.effects.contains(&Effect::OpenPeriod) {
        act(tx, ctx, subscription, &event)?;
        return Ok(());
    }
    let (opening, mut next) = periods::renewal(tx, subscription, until_ms, now_ms)?;
    let period = periods::open(tx, ctx, &mut next, &opening, rules)?;
    *subscription = next;
    if period.status == PeriodStatus::Paid {
        act(tx, ctx, subscription, &Event::Paid { until_ms: period.end_ms })?;
        return Ok(());
    }
    Ok(store::update_subscription(tx, subscription)?)
}

/// The open period's time to be paid is over.
fn give_up(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    period: Option<Period>,
) -> Result<(), Problem> {
    if let Some(mut period) = period.filter(|it| it.cause == Cause::Change) {
        return drop_change(tx, ctx, subscription, &mut period);
    }
    act(tx, ctx, subscription, &Event::GivenUp)?;
    Ok(())
}

/// A change that was not paid did not happen.
fn drop_change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    period: &mut Period,
) -> Result<(), Problem> {
    blocked::unblock(tx, ctx, period)?;
    periods::void(tx, subscription, period)?;
    store::update_subscription(tx, subscription)?;
    Ok(announce(tx, ctx, subscription, EventKind::SubscriptionRenewalFailed)?)
}

/// Its only charge was not made, as is known after the period's end: meanwhile the customer was
/// asked for nothing and could use nothing. As for any time in which nobody could be charged, the
/// money of that time is not asked for; the period that holds this moment begins.
fn skip(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    period: &mut Period,
) -> Result<(), Problem> {
    periods::void(tx, subscription, period)?;
    // A fee for the set-up is not for the time.
    let fees = period.lines.iter().filter(|line| line.kind == LineKind::SetupFee);
    subscription.balance_kopecks -= fees.map(|line| line.kopecks).sum::<i64>();
    store::update_subscription(tx, subscription)?;
    Ok(announce(tx, ctx, subscription, EventKind::SubscriptionRenewalFailed)?)
}

/// What a payment says of its attempt.
pub(super) enum Word {
    Waiting,
    Paid,
    Failed(Class),
}

/// The reason's class, from the code that a failed charge keeps.
fn class_of(code: &str) -> Class {
    let gone = ["account_not_active", "card_not_active", "saved_means_gone", "bank_object_missing"];
    if gone.contains(&code) {
        return Class::NewInstrument;
    }
    let reason = code.strip_prefix("declined_").unwrap_or("");
    let found = DeclineReason::ALL.into_iter().find(|it| it.as_str() == reason);
    found.map_or(Class::Later, Class::of)
}

pub(super) fn word(payment: &Payment) -> Word {
    match payment.status() {
        PaymentStatus::Paid
        | PaymentStatus::Refunding
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded => Word::Paid,
        PaymentStatus::Failed | PaymentStatus::Expired | PaymentStatus::Canceled => {
            let code = payment.failure().map(|failure| failure.code).unwrap_or_default();
            Word::Failed(class_of(&code))
        }
        // Of another sum than was asked for a person decides.
        PaymentStatus::Opening
        | PaymentStatus::Open
        | PaymentStatus::Authorized
        | PaymentStatus::Capturing
        | PaymentStatus::AmountMismatch => Word::Waiting,
    }
}

/// Hears what became of one attempt; one in a transaction, since a refund locks its payment, and
/// whatever is announced before would keep others from it.
fn settle(tx: &mut dyn Tx, ctx: &Ctx, subscription: &mut Subscription) -> Result<bool, Problem> {
    for attempt in store::list_unsettled(tx, &subscription.id)? {
        let found = payments::store::find_payment_by_id(tx, &attempt.payment_id)?;
        let Some(payment) = found else { continue };
        let period = store::find_period(tx, &subscription.id, attempt.period)?;
        let Some(period) = period else { continue };
        match (word(&payment), attempt.outcome) {
            (Word::Waiting, _) => {
                if by_bank::miss(tx, ctx, subscription, (&attempt, &period), &payment)? {
                    return Ok(true);
                }
            }
            // What was saved was taken back meanwhile; its money goes back by itself.
            (Word::Paid, _) if is_going_back(&payment) => {
                given_back(tx, ctx, subscription, (attempt, period))?;
                return Ok(true);
            }
            (Word::Paid, _) => {
                paid(tx, ctx, subscription, (attempt, period), &payment)?;
                return Ok(true);
            }
            (Word::Failed(class), Outcome::Open) => {
                let is_of_other = is_of_other(subscription, &attempt, &payment);
                failed(tx, ctx, subscription, (attempt, period), (class, is_of_other))?;
                return Ok(true);
            }
            (Word::Failed(_), Outcome::Paid | Outcome::Failed(_) | Outcome::GivenBack) => {}
        }
    }
    Ok(false)
}

/// The money came: the period is paid, or, if nobody waits for it, it goes back.
fn paid(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    (attempt, mut period): (Attempt, Period),
    payment: &Payment,
) -> Result<(), Problem> {
    let now_ms = ctx.now_ms();
    let is_newest = period.number == subscription.periods;
    let is_first = matches!(subscription.state, State::Pending { .. } | State::Expired);
    let may_count = match period.status {
        PeriodStatus::Open => true,
        // A link of a subscription that expired for want of it.
        PeriodStatus::Void => is_newest && subscription.state == State::Expired,
        PeriodStatus::Paid => false,
    };
    if is_first && may_count {
        let version = periods::get_version(tx, &period.version_id)?;
        let told_ms = payment.facts.paid_ms.unwrap_or(now_ms);
        subscription.anchor_ms = told_ms.clamp(period.created_ms, now_ms.max(period.created_ms));
        subscription.cycle = 1;
        let calendar = periods::calendar(subscription, &version)?;
        (period.start_ms, period.end_ms) = periods::bounds(&calendar, 0)?;
    }
    let event = match period.cause {
        Cause::First | Cause::Renewal => Event::Paid { until_ms: period.end_ms },
        Cause::Change => Event::Changed { until_ms: period.end_ms },
    };
    let applied = state::apply(&subscription.state, &event).map_err(Problem::Refused)?;
    // He waited no longer, and subscribed to the plan anew: it is paid once.
    let is_second = matches!(subscription.state, State::Expired)
        && begin::has_second(tx, subscription, &subscription.plan_id)?;
    if !may_count || is_second || applied.effects.contains(&Effect::GiveBack) {
        return give_back(tx, ctx, subscription, attempt, payment);
    }
    // Money of an earlier try came when the next one was about to be sent.
    drop_unsent(tx, ctx, subscription, period.number)?;
    if period.status == PeriodStatus::Void {
        periods::revive(subscription, &period);
    }
    if period.cause == Cause::Change {
        take_over(tx, subscription, &period)?;
    }
    period.status = PeriodStatus::Paid;
    period.paid_ms = Some(now_ms);
    period.next_try_ms = None;
    store::update_period(tx, &period)?;
    store::update_attempt(tx, &Attempt { outcome: Outcome::Paid, ..attempt })?;
    close_links(tx, ctx, subscription, period.number)?;
    act(tx, ctx, subscription, &event)?;
    Ok(())
}

/// The subscription is from now on what its change was paid for.
pub fn take_over(
    tx: &mut dyn Tx,
    subscription: &mut Subscription,
    period: &Period,
) -> Result<(), Problem> {
    let before = periods::get_version(tx, &subscription.version_id)?;
    let version = periods::get_version(tx, &period.version_id)?;
    subscription.version_id.clone_from(&version.id);
    subscription.plan_id.clone_from(&version.plan_id);
    subscription.quantity = period.quantity;
    (subscription.next_version_id, subscription.next_quantity) = (None, None);
    // Who was told of the next charge was told of another sum.
    subscription.told_ms = None;
    if version.terms.interval != before.terms.interval {
        (subscription.anchor_ms, subscription.cycle) = (period.start_ms, 1);
    }
    Ok(())
}

/// What was saved was taken back while it was charged: its money goes back, by the bank or, where
/// the bank has no request for it, by a person.
fn is_going_back(payment: &Payment) -> bool {
    payment.refundable().is_zero() || kept::is_given_back_by_hand(payment)
}

/// Nobody may keep it: its refund is asked for, and the shop is told.
fn give_back(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    attempt: Attempt,
    payment: &Payment,
) -> Result<(), Problem> {
    let whose = (subscription.shop_id.as_str(), payment.id.as_str());
    payments::flow::give_back(tx, ctx, whose, doubt::SECOND).map_err(Problem::Payment)?;
    store::update_attempt(tx, &Attempt { outcome: Outcome::GivenBack, ..attempt })?;
    store::update_subscription(tx, subscription)?;
    Ok(announce(tx, ctx, subscription, EventKind::SubscriptionGivenBack)?)
}

/// Its money went back already: the customer is asked to pay himself, if the period waits for it.
fn given_back(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    (attempt, mut period): (Attempt, Period),
) -> Result<(), Problem> {
    store::update_attempt(tx, &Attempt { outcome: Outcome::GivenBack, ..attempt })?;
    if period.status == PeriodStatus::Open {
        period.by_link = true;
        period.next_try_ms = Some(ctx.now_ms());
        store::update_period(tx, &period)?;
        return Ok(store::update_subscription(tx, subscription)?);
    }
    store::update_subscription(tx, subscription)?;
    // Nobody waits for the period any more: its customer took back the consent meanwhile.
    Ok(announce(tx, ctx, subscription, EventKind::SubscriptionGivenBack)?)
}

/// Whether it was charged from what the subscription had before it went on to another card or
/// account.
fn is_of_other(subscription: &Subscription, attempt: &Attempt, payment: &Payment) -> bool {
    let charged = payment.instrument().map(|(_, id)| id);
    let has = subscription.instrument_id.as_deref();
    attempt.how == How::Charge && has.is_some() && charged != has
}

/// An attempt failed for certain: when is the next, and how.
fn failed(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    (attempt, mut period): (Attempt, Period),
    (class, is_of_other): (Class, bool),
) -> Result<(), Problem> {
    let now_ms = ctx.now_ms();
    let how = attempt.how;
    store::update_attempt(tx, &Attempt { outcome: Outcome::Failed(class), ..attempt.clone() })?;
    if period.status != PeriodStatus::Open {
        return Ok(store::update_subscription(tx, subscription)?);
    }
    if period.cause == Cause::Change && how == How::Charge && !is_of_other {
        return drop_change(tx, ctx, subscription, &mut period);
    }
    if how == How::Charge && now_ms >= period.end_ms && subscription.state.awaits_charge() {
        return skip(tx, ctx, subscription, &mut period);
    }
    match how {
        How::Charge => {
            // The bank said nothing until the time was over: so far the customer was asked for
            // nothing.
            if now_ms >= period.give_up_ms {
                period.give_up_ms = (now_ms + periods::FIRST_MS).min(period.end_ms);
            }
            let rules = store::get_rules(tx, &subscription.shop_id)?;
            let zone = find_zone(&subscription.zone).ok_or(Problem::NoSuchZone)?;
            let tries = (attempt.number, now_ms.max(attempt.created_ms));
            let verdict = match is_of_other {
                // What it says of the old card says nothing of the one that came in its place.
                true => Verdict::TryAt(now_ms),
                false => rules.next(&zone, class, tries, period.give_up_ms),
            };
            match verdict {
                Verdict::TryAt(at_ms) => period.next_try_ms = Some(at_ms),
                Verdict::Ask => {
                    period.by_link = true;
                    period.next_try_ms = Some(now_ms);
                }
            }
        }
        // The bank has no more tries, and another payment would be a second one.
        How::Bank => period.next_try_ms = None,
        How::Link => {
            let next_ms = now_ms + NEXT_LINK_MS;
            let is_left = attempt.number < MAX_LINKS && next_ms < period.give_up_ms;
            period.next_try_ms = is_left.then_some(next_ms);
        }
    }
    store::update_period(tx, &period)?;
    match how {
        How::Charge | How::Bank => {
            act(tx, ctx, subscription, &Event::Declined)?;
        }
        // A link that ran out is no news: the next one is made, or the time is over.
        How::Link => store::update_subscription(tx, subscription)?,
    }
    Ok(())
}

/// A link's payment saved the customer's account: from now on that is charged.
fn adopt(tx: &mut dyn Tx, ctx: &Ctx, subscription: &mut Subscription) -> Result<bool, Problem> {
    let is_over = subscription.state.status().is_over();
    if subscription.collection != How::Charge || is_over || subscription.periods == 0 {
        return Ok(false);
    }
    let attempts = store::list_attempts(tx, &subscription.id, subscription.periods)?;
    // What it went on to since counts more than what an older link saves.
    let since_ms = store::rebinds::last_rebound_ms(tx, &subscription.id)?.unwrap_or(i64::MIN);
    let links = attempts.iter().filter(|it| it.how == How::Link && it.created_ms > since_ms);
    // The last one that saved an account is the one that counts.
    for attempt in links.rev() {
        let found = payments::store::find_payment_by_id(tx, &attempt.payment_id)?;
        let saved = found.as_ref().and_then(Payment::instrument).map(|(_, id)| id.to_owned());
        if saved.is_none() {
            continue;
        }
        if saved == subscription.instrument_id {
            return Ok(false);
        }
        subscription.saves = saved.as_deref().map_or(subscription.saves, kind_of);
        subscription.instrument_id = saved;
        store::update_subscription(tx, subscription)?;
        announce(tx, ctx, subscription, EventKind::SubscriptionChanged)?;
        return Ok(true);
    }
    Ok(false)
}
