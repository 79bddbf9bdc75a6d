//! Dunning: what follows when a charge was declined. Pure, and all of it data: which decline
//! means what, how often and on which days to try again, when to give up.
//!
//! People whose money is out get it on known days of the month, so they are tried then; a card
//! that is gone stays gone, so its owner is asked for another one at once.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use kopeck_banks::op::DeclineReason;

use crate::kit::clock::DAY_MS;

/// What a decline means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// There will be money on another day.
    NoMoney,
    /// Somebody's machinery failed; the same may work tomorrow.
    Later,
    /// The card or account is over; only its owner can give another one.
    NewInstrument,
    /// Trying again would be wrong: the payer's bank, or the law, says no.
    Hard,
}

impl Class {
    pub const ALL: [Class; 4] = [Class::NoMoney, Class::Later, Class::NewInstrument, Class::Hard];

    pub const fn as_str(self) -> &'static str {
        match self {
            Class::NoMoney => "no_money",
            Class::Later => "later",
            Class::NewInstrument => "new_instrument",
            Class::Hard => "hard",
        }
    }

    pub fn parse(text: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.as_str() == text)
    }

    pub const fn of(reason: DeclineReason) -> Class {
        match reason {
            DeclineReason::InsufficientFunds | DeclineReason::LimitExceeded => Class::NoMoney,
            DeclineReason::Technical | DeclineReason::Shop | DeclineReason::Unknown => Class::Later,
            // A payer's bank that says no more than "no" often says yes tomorrow.
            DeclineReason::IssuerDeclined => Class::Later,
            DeclineReason::CardExpired
            | DeclineReason::CardDetails
            | DeclineReason::CardBlocked
            | DeclineReason::SavedGone => Class::NewInstrument,
            DeclineReason::Suspicion
            | DeclineReason::ThreeDsFailed
            | DeclineReason::ForeignCard
            | DeclineReason::NotPermitted => Class::Hard,
        }
    }
}

/// Whether a charge waits until its customer was told of it for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeFirst {
    /// The charge comes on its day, told of or not.
    No,
    /// Counted from the event.
    Announced,
    /// Counted from when a webhook took the event.
    Delivered,
}

impl NoticeFirst {
    pub const ALL: [NoticeFirst; 3] =
        [NoticeFirst::No, NoticeFirst::Announced, NoticeFirst::Delivered];

    pub const fn as_str(self) -> &'static str {
        match self {
            NoticeFirst::No => "no",
            NoticeFirst::Announced => "announced",
            NoticeFirst::Delivered => "delivered",
        }
    }

    pub fn parse(text: &str) -> Option<NoticeFirst> {
        NoticeFirst::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// When to try again, and when not. Every number may be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Charges of one period, the first one included.
    pub max_tries: u32,
    /// Days of the month on which people have money: advances and wages.
    pub paydays: Vec<i8>,
    /// The local hour of a try: people are awake, and yesterday's wages have arrived.
    pub hour: i8,
    /// How long a subscription waits for its money before it ends.
    pub keep_days: u32,
    /// How long before a charge its customer is told of it; 0: never.
    pub notice_hours: u32,
    /// Whether the charge waits for that.
    pub notice_first: NoticeFirst,
    /// How long a notice that a charge waits for may be taken by nobody before the shop is told.
    pub notice_wait_hours: u32,
    /// How long what was paid may be used on while the next money is awaited.
    pub grace_hours: u32,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            max_tries: 4,
            paydays: vec![5, 10, 20, 25],
            hour: 10,
            keep_days: 14,
            // The most that any law asks for.
            notice_hours: 72,
            notice_first: NoticeFirst::No,
            notice_wait_hours: 24,
            grace_hours: 72,
        }
    }
}

/// What is done after a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Charge again then.
    TryAt(i64),
    /// No more charges by themselves: the payer is shown a link until the time is over.
    Ask,
}

impl Rules {
    /// As they are for a plan that has a time of its own to tell of charges.
    #[must_use]
    pub fn of_plan(self, notice_hours: Option<u32>) -> Rules {
        Rules { notice_hours: notice_hours.unwrap_or(self.notice_hours), ..self }
    }

    /// When the period's time to be paid is over: a period that is over itself is not waited for.
    pub fn give_up_ms(&self, start_ms: i64, end_ms: i64) -> i64 {
        (start_ms + i64::from(self.keep_days) * DAY_MS).min(end_ms)
    }

    /// After a decline of class `class` at `last_ms`, the `tries`-th charge of the period.
    pub fn next(
        &self,
        zone: &TimeZone,
        class: Class,
        (tries, last_ms): (u32, i64),
        give_up_ms: i64,
    ) -> Verdict {
        if tries >= self.max_tries {
            return Verdict::Ask;
        }
        let at_ms = match class {
            Class::NewInstrument | Class::Hard => None,
            Class::Later => self.find_day(zone, last_ms, |_| true),
            Class::NoMoney => self.find_day(zone, last_ms, |day| self.paydays.contains(&day)),
        };
        match at_ms.filter(|at_ms| *at_ms < give_up_ms) {
            Some(at_ms) => Verdict::TryAt(at_ms),
            None => Verdict::Ask,
        }
    }

    /// When a period that was charged at these times may be charged again, whatever is charged: a
    /// day after the charge before. Something new, saved since (`new_ms`), is charged at once,
    /// since its owner saved it to be charged; but that counts, and once in a day. `None`: the
    /// period has no try left.
    pub fn again_ms(&self, charges: &[i64], new_ms: Option<i64>, now_ms: i64) -> Option<i64> {
        let is_left = u32::try_from(charges.len()).is_ok_and(|tries| tries < self.max_tries);
        let last_ms = charges.iter().copied().max().filter(|_| is_left);
        let Some(last_ms) = last_ms else { return is_left.then_some(now_ms) };
        let is_new = new_ms.is_some_and(|new_ms| new_ms > last_ms);
        let today = charges.iter().filter(|at_ms| **at_ms + DAY_MS > now_ms).count();
        Some(if is_new && today < 2 { now_ms } else { now_ms.max(last_ms + DAY_MS) })
    }

    /// The first fitting day of the month, at the hour of a try, a whole day after the last one.
    fn find_day(&self, zone: &TimeZone, last_ms: i64, fits: impl Fn(i8) -> bool) -> Option<i64> {
        let earliest_ms = last_ms + DAY_MS;
        let mut day = zone.to_datetime(Timestamp::from_millisecond(earliest_ms).ok()?).date();
        let hour = Time::new(self.hour, 0, 0, 0).ok()?;
        // Two months hold every day of the month.
        for _ in 0..62 {
            if fits(day.day()) {
                let at = day.to_datetime(hour).to_zoned(zone.clone()).ok()?;
                let at_ms = at.timestamp().as_millisecond().max(earliest_ms);
                let is_same_day =
                    zone.to_datetime(Timestamp::from_millisecond(at_ms).ok()?).date() == day;
                if is_same_day {
                    return Some(at_ms);
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }
}
