//! What is next for a subscription: pure. The driver reads what is stored, asks here, does it.

use super::{
    dunning::{NoticeFirst, Rules},
    model::{Attempt, Cause, How, Outcome, Period, PeriodStatus, Subscription},
    state::State,
};
use crate::kit::clock::{HOUR_MS, MINUTE_MS};

/// How long after the last look an attempt under way is looked at, though every news of its
/// payment makes the job due at once.
const LOOK_MS: i64 = HOUR_MS;
/// How often it is looked whether a webhook took the notice that a charge waits for.
const NOTICE_LOOK_MS: i64 = 10 * MINUTE_MS;
/// Before the next link, after one that ended unpaid.
pub const NEXT_LINK_MS: i64 = HOUR_MS;
/// Links of one period: each lives as long as the bank lets it.
pub const MAX_LINKS: u32 = 12;

/// What is decided over: a subscription, its newest period, and that period's attempts.
#[derive(Clone, Debug)]
pub struct Book {
    pub subscription: Subscription,
    pub period: Option<Period>,
    pub attempts: Vec<Attempt>,
    /// When it last went on to another card or account.
    pub rebound_ms: Option<i64>,
    /// No payment could be made for the open period; looked up only when its time is over.
    pub is_blocked: bool,
    /// The newest notice of a charge; looked up only for rules that a charge waits for it.
    pub notice: Option<Notice>,
}

/// What the customer was told of the next charge, and when it was taken by a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub announced_ms: i64,
    pub delivered_ms: Option<i64>,
    /// The shop was told that nobody takes it.
    pub is_alarmed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A pause is over.
    Resume,
    /// The paid or free time is over.
    Due,
    /// The customer is told of the next charge.
    Tell,
    /// Nobody takes the notice that the charge waits for: the shop is told.
    Alarm,
    /// The open period's money is asked for.
    Try(How),
    /// Its time to be paid is over.
    GiveUp,
    Wait {
        until_ms: i64,
    },
    /// Nothing happens any more by itself.
    Rest,
}

impl Book {
    pub fn open_period(&self) -> Option<&Period> {
        self.period.as_ref().filter(|period| period.status == PeriodStatus::Open)
    }

    /// Whether an attempt's outcome is not known: then there is no other. Of a period that is paid
    /// nothing is waited for: what an older link still brings goes back.
    pub fn is_asking(&self) -> bool {
        let is_paid = self.period.as_ref().is_some_and(|it| it.status == PeriodStatus::Paid);
        !is_paid && self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Open)
    }

    /// So many times the period's money was asked for in this way.
    pub fn tries(&self, how: How) -> u32 {
        let count = self.attempts.iter().filter(|attempt| attempt.how == how).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// When it was charged.
    fn charges_ms(&self) -> Vec<i64> {
        let charges = self.attempts.iter().filter(|attempt| attempt.how == How::Charge);
        charges.map(|attempt| attempt.created_ms).collect()
    }

    /// Its time is over, and nobody was asked for its money, because we were away: once he is.
    pub fn is_untried(&self, period: &Period, now_ms: i64) -> bool {
        let is_renewal = period.cause == Cause::Renewal && now_ms < period.end_ms;
        is_renewal && self.attempts.is_empty() && !self.is_blocked
    }

    /// How the open period's money is asked for.
    pub fn how(&self, period: &Period) -> How {
        let has_saved = self.subscription.instrument_id.is_some();
        match self.subscription.collection {
            How::Charge if has_saved && !period.by_link => match self.subscription.bank_count {
                None => How::Charge,
                Some(count) if period.number <= count => How::Bank,
                // Its schedule is over, and cannot be prolonged.
                Some(_) => How::Link,
            },
            How::Charge | How::Link | How::Bank => How::Link,
        }
    }
}

/// When the customer is to be told of the charge at `until_ms`; `None` if that was done.
fn tell_ms(subscription: &Subscription, until_ms: i64, rules: &Rules) -> Option<i64> {
    let is_told = subscription.told_ms == Some(until_ms);
    (!is_told && rules.notice_hours > 0).then(|| until_ms - i64::from(rules.notice_hours) * HOUR_MS)
}

/// When the shop is told that nobody takes the notice, if it was not and nobody does.
fn alarm_ms(notice: &Notice, rules: &Rules) -> Option<i64> {
    let is_waited = rules.notice_first == NoticeFirst::Delivered && notice.delivered_ms.is_none();
    let wait_ms = i64::from(rules.notice_wait_hours) * HOUR_MS;
    (is_waited && !notice.is_alarmed).then_some(notice.announced_ms + wait_ms)
}

/// Until the day of the charge: a notice that nobody takes is told of before that.
fn before_due(book: &Book, until_ms: i64, rules: &Rules, now_ms: i64) -> Step {
    let told = book.notice.filter(|_| book.subscription.told_ms == Some(until_ms));
    match told.and_then(|notice| alarm_ms(&notice, rules)) {
        Some(at_ms) if at_ms <= now_ms => Step::Alarm,
        Some(at_ms) => Step::Wait { until_ms: at_ms.min(until_ms) },
        None => Step::Wait { until_ms },
    }
}

/// What a charge at `until_ms` still waits for; `None`: nothing. A customer who pays by a link
/// decides himself.
fn notice_step(book: &Book, until_ms: i64, rules: &Rules, now_ms: i64) -> Option<Step> {
    let subscription = &book.subscription;
    let is_charged = subscription.collection == How::Charge && subscription.instrument_id.is_some();
    // What the bank takes by its own schedule nobody holds up.
    let is_ours = subscription.bank_count.is_none();
    if !is_charged || !is_ours || rules.notice_hours == 0 || rules.notice_first == NoticeFirst::No {
        return None;
    }
    let notice = book.notice.filter(|_| subscription.told_ms == Some(until_ms));
    // Nobody was told, or of another sum: told now, charged when it was long enough known.
    let Some(notice) = notice else { return Some(Step::Tell) };
    let since_ms = match rules.notice_first {
        NoticeFirst::No | NoticeFirst::Announced => Some(notice.announced_ms),
        NoticeFirst::Delivered => notice.delivered_ms,
    };
    let Some(since_ms) = since_ms else {
        let alarm = alarm_ms(&notice, rules);
        return Some(match alarm {
            Some(at_ms) if at_ms <= now_ms => Step::Alarm,
            Some(_) | None => Step::Wait { until_ms: now_ms + NOTICE_LOOK_MS },
        });
    };
    let from_ms = since_ms + i64::from(rules.notice_hours) * HOUR_MS;
    (now_ms < from_ms).then_some(Step::Wait { until_ms: from_ms })
}

/// A charge that is due, within the limits that no new card and no other way to pay takes away;
/// what may not be charged any more the customer pays himself.
fn try_step(book: &Book, period: &Period, rules: &Rules, now_ms: i64) -> Step {
    match book.how(period) {
        How::Charge => match rules.again_ms(&book.charges_ms(), book.rebound_ms, now_ms) {
            Some(at_ms) if at_ms <= now_ms => Step::Try(How::Charge),
            Some(until_ms) if until_ms < period.give_up_ms => Step::Wait { until_ms },
            Some(_) | None => Step::Try(How::Link),
        },
        how @ (How::Link | How::Bank) => Step::Try(how),
    }
}

pub fn next_step(book: &Book, rules: &Rules, now_ms: i64) -> Step {
    if book.is_asking() {
        return Step::Wait { until_ms: now_ms + LOOK_MS };
    }
    let subscription = &book.subscription;
    if subscription.state.status().is_over() {
        return Step::Rest;
    }
    if let Some(period) = book.open_period() {
        if now_ms >= period.give_up_ms {
            return if book.is_untried(period, now_ms) {
                Step::Try(book.how(period))
            } else {
                Step::GiveUp
            };
        }
        return match period.next_try_ms {
            Some(at_ms) if at_ms <= now_ms => try_step(book, period, rules, now_ms),
            Some(at_ms) => Step::Wait { until_ms: at_ms.min(period.give_up_ms) },
            None => Step::Wait { until_ms: period.give_up_ms },
        };
    }
    match subscription.state {
        State::Trialing { until_ms, ends } | State::Active { until_ms, ends } => {
            if until_ms <= now_ms {
                let waits = notice_step(book, until_ms, rules, now_ms).filter(|_| !ends);
                return waits.unwrap_or(Step::Due);
            }
            match tell_ms(subscription, until_ms, rules).filter(|_| !ends) {
                Some(at_ms) if at_ms <= now_ms => Step::Tell,
                Some(at_ms) => Step::Wait { until_ms: at_ms },
                None if ends => Step::Wait { until_ms },
                None => before_due(book, until_ms, rules, now_ms),
            }
        }
        State::Paused { resumes_ms: Some(at_ms), .. } if at_ms <= now_ms => Step::Resume,
        State::Paused { resumes_ms: Some(until_ms), .. } => Step::Wait { until_ms },
        State::Paused { resumes_ms: None, .. } => Step::Rest,
        // Without a period whose money is awaited there is nothing to wait for.
        State::Pending { .. } | State::PastDue { .. } => Step::GiveUp,
        State::Canceled { .. } | State::Expired => Step::Rest,
    }
}
