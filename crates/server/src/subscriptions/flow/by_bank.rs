//! Subscriptions that the bank charges by a schedule of its own: which of them it can, what they
//! cannot do, and their end. Nothing is announced of a charge that failed, so that it is asked.

use kopeck_banks::{
    bank::{Capabilities, find_bank},
    op::{Schedule, SchedulePeriod},
};

use super::{Problem, act, begin::NewSubscription};
use crate::{
    instruments::{self, model::Kind, store as saved},
    kit::{
        Ctx,
        clock::DAY_MS,
        db::{DbError, Tx},
    },
    payments::model::Payment,
    shops::model::Connection,
    subscriptions::{
        model::{Attempt, How, Outcome, Period, Subscription, Terms, Version},
        schedule::{Interval, Unit},
        state::{Event, State},
        store,
    },
};

/// After the day that a charge was due, so long without one it is missed: the bank's day is
/// Moscow's, and it may charge at any hour of it.
const MARGIN_MS: i64 = DAY_MS;

/// What a shop wants of it.
#[derive(Clone, Debug, Default)]
pub struct ByBank {
    /// The first payment counted; `None`: as often as the bank can.
    pub charges: Option<u32>,
}

/// Something that such a subscription cannot do, in the words of those who have to know it.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit {
    /// Stable.
    pub code: &'static str,
    pub ru: &'static str,
    pub en: &'static str,
}

pub static FIXED_TERMS: Limit = Limit {
    code: "fixed_terms",
    ru: "Сумма, срок и количество не меняются: банк списывает одно и то же, пока расписание не \
         кончится.",
    en: "Sum, period and quantity do not change: the bank takes the same until its schedule ends.",
};
pub static FIXED_RECEIPT: Limit = Limit {
    code: "fixed_receipt",
    ru: "Чек не меняется: банк получил его вместе с расписанием.",
    en: "The receipt does not change: the bank was told it with the schedule.",
};
pub static NO_PAUSE: Limit = Limit {
    code: "no_pause",
    ru: "Её нельзя приостановить, а отмену нельзя вернуть: в банке она кончается сразу и навсегда.",
    en: "It cannot be paused, and a cancellation cannot be taken back: at the bank it ends at once \
         and for good.",
};
pub static COUNTED: Limit = Limit {
    code: "counted_charges",
    ru: "Списаний столько, сколько сказано при создании, и продлить их нельзя: потом покупатель \
         платит по ссылке.",
    en: "There are as many charges as was said at the beginning, and no more: then the customer \
         pays by a link.",
};
pub static SILENT_FAILURES: Limit = Limit {
    code: "failures_not_told",
    ru: "О неудачном списании банк не сообщает и причины не называет: Kopeck спрашивает сам и \
         через сутки считает его пропущенным.",
    en: "The bank tells neither of a charge that failed nor why: Kopeck asks, and after a day it \
         counts as missed.",
};
pub static CABINET_REFUNDS: Limit = Limit {
    code: "refunds_in_cabinet",
    ru: "Возврат — только в интернет-банке: запросом к банку его не сделать.",
    en: "Refunds are made in the internet bank only: the bank has no request for them.",
};
pub static NO_RECEIPTS: Limit = Limit {
    code: "receipts_by_hand",
    ru: "С чеком в банк уходит только первый платёж: чеки следующих списаний проверьте и сделайте \
         сами, Kopeck напомнит.",
    en: "Only the first payment takes a receipt with it: look after the receipts of later charges \
         yourself, Kopeck reminds of them.",
};

/// What this subscription cannot do; nothing where we charge.
pub fn limits(subscription: &Subscription, can: Option<&Capabilities>) -> Vec<&'static Limit> {
    let Some(own) = can.and_then(|can| can.subscriptions) else { return Vec::new() };
    let by_us = subscription.bank_count.is_none();
    let is_kept = subscription.collection == How::Charge
        && subscription.saves == Kind::Card
        && can.is_some_and(|can| !can.saves_cards);
    let checks = [
        (!by_us, &FIXED_TERMS),
        (!by_us, &FIXED_RECEIPT),
        (!by_us, &NO_PAUSE),
        (!by_us, &COUNTED),
        (!by_us && !own.tells_failures, &SILENT_FAILURES),
        (is_kept && !own.refunds, &CABINET_REFUNDS),
        (is_kept && !own.charge_receipts, &NO_RECEIPTS),
    ];
    checks.into_iter().filter(|(holds, _)| *holds).map(|(_, limit)| limit).collect()
}

/// Whether this bank charges by a schedule at all.
pub(super) fn can(connection: &Connection) -> bool {
    find_bank(&connection.bank).is_some_and(|bank| bank.capabilities().subscriptions.is_some())
}

pub(super) fn no_bank() -> Problem {
    Problem::ByBank("None of the shop's banks charges by a schedule of its own: Tochka does.")
}

/// The bank's own word for our interval; `None`: it has none.
const fn period_of(interval: Interval) -> Option<SchedulePeriod> {
    match (interval.unit, interval.count) {
        (Unit::Day, days) => Some(SchedulePeriod::Days(days)),
        (Unit::Week, weeks) => Some(SchedulePeriod::Days(weeks * 7)),
        (Unit::Month, 1) => Some(SchedulePeriod::Month),
        (Unit::Month, 3) | (Unit::Quarter, 1) => Some(SchedulePeriod::Quarter),
        (Unit::Month, 12) | (Unit::Quarter, 4) | (Unit::Year, 1) => Some(SchedulePeriod::Year),
        (Unit::Month | Unit::Quarter | Unit::Year, _) => None,
    }
}

/// How often the bank will charge; or why it cannot, told before anything is made.
pub(super) fn check(
    connection: &Connection,
    new: &NewSubscription,
    terms: &Terms,
    wish: &ByBank,
) -> Result<u32, Problem> {
    let bank = find_bank(&connection.bank).ok_or(Problem::NoBank)?;
    let limits = bank.capabilities().subscriptions.ok_or_else(no_bank)?;
    let has_trial = terms.trial_days > 0 && !new.skips_trial;
    let problems = [
        (new.collection != How::Charge, "It is for a subscription that is charged."),
        (new.saves == Some(Kind::Account), "The bank charges by its own schedule a card only."),
        (new.instrument_id.is_some(), "The bank charges only the card that pays its own link."),
        (has_trial, "The bank's schedule begins with a payment: there is no trial."),
        (
            !terms.setup_fee.is_zero(),
            "The bank takes the same sum each time: there is no set-up fee.",
        ),
        (new.coupon.is_some(), "The bank takes the same sum each time: there is no coupon."),
    ];
    if let Some((_, why)) = problems.into_iter().find(|(holds, _)| *holds) {
        return Err(Problem::ByBank(why));
    }
    let most = period_of(terms.interval).and_then(|period| limits.most(period));
    let most = most.ok_or(Problem::ByBank(
        "The bank charges by itself every few days or weeks, each month or each year.",
    ))?;
    let count = wish.charges.unwrap_or(most);
    if !(1..=most).contains(&count) {
        return Err(Problem::ByBank(
            "The bank charges by itself at most 100 times by days, 84 by months, 10 by years.",
        ));
    }
    Ok(count)
}

/// The schedule that the first payment opens.
pub(in crate::subscriptions) fn schedule(
    subscription: &Subscription,
    version: &Version,
) -> Option<Schedule> {
    let count = subscription.bank_count?;
    Some(Schedule { period: period_of(version.terms.interval)?, count })
}

/// Refuses what the bank's schedule cannot follow.
pub(super) fn refuse(subscription: &Subscription, limit: &'static Limit) -> Result<(), Problem> {
    match subscription.bank_count {
        Some(_) => Err(Problem::ByBank(limit.en)),
        None => Ok(()),
    }
}

/// The bank shall charge no more: ended there, for good.
pub(super) fn end(tx: &mut dyn Tx, ctx: &Ctx, subscription: &Subscription) -> Result<(), Problem> {
    if subscription.bank_count.is_none() {
        return Ok(());
    }
    let id = match &subscription.instrument_id {
        Some(id) => Some(id.clone()),
        None => find_opened(tx, subscription)?,
    };
    let Some(id) = id else { return Ok(()) };
    let whose = (subscription.shop_id.as_str(), subscription.customer_id.as_str());
    // One that is gone already has nothing to end.
    instruments::flow::withdraw(tx, ctx, whose, (Kind::Card, &id)).map(|_| ()).map_err(Into::into)
}

/// What the link of a subscription that was never paid would save.
fn find_opened(tx: &mut dyn Tx, subscription: &Subscription) -> Result<Option<String>, DbError> {
    for attempt in store::list_attempts(tx, &subscription.id, subscription.periods)? {
        if let Some(own) = saved::lock_by_payment(tx, &attempt.payment_id)? {
            return Ok(Some(own.id));
        }
    }
    Ok(None)
}

/// A charge of the bank's that was due, asked about since, and is not there: the period is overdue,
/// once. The bank may yet make good for it.
pub(super) fn miss(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    subscription: &mut Subscription,
    (attempt, period): (&Attempt, &Period),
    payment: &Payment,
) -> Result<bool, Problem> {
    let is_open = attempt.how == How::Bank && attempt.outcome == Outcome::Open;
    let is_current = matches!(subscription.state, State::Active { .. } | State::Trialing { .. });
    if !is_open || !is_current || payment.asked_ms < period.start_ms + MARGIN_MS {
        return Ok(false);
    }
    act(tx, ctx, subscription, &Event::Declined)?;
    Ok(true)
}
