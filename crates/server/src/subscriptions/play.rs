//! A period whose money does not come, played to its end before anybody feels it: by the very steps
//! and rules that the driver follows. Pure: nothing is read, charged or written.

use kopeck_banks::Money;

use super::{
    dunning::{Class, NoticeFirst, Rules, Verdict},
    model::{Attempt, Cause, How, Outcome, Period, PeriodStatus, Subscription},
    schedule::{Calendar, Interval, find_zone},
    state::{Event, State, apply},
    steps::{Book, MAX_LINKS, NEXT_LINK_MS, Notice, Step, next_step},
};
use crate::{
    instruments::model::Kind,
    kit::clock::{DAY_MS, HOUR_MS},
};

/// More steps than any period takes.
const MOST: usize = 2_000;

/// What the world does.
#[derive(Clone, Debug)]
pub struct Play {
    /// Why charges are declined.
    pub class: Class,
    /// The so-manieth charge succeeds, if it is made.
    pub paid_by: Option<u32>,
    /// So long after a link came the customer pays it, if it lives so long.
    pub pays_after_ms: Option<i64>,
    /// So long after the first decline the customer saves another card or account, which has money.
    pub saves_after_ms: Option<i64>,
    /// So long after a notice a webhook or a mail server takes it; `None`: nobody does.
    pub taken_after_ms: Option<i64>,
    /// The shortest and the longest life of a link.
    pub link_ms: (i64, i64),
    /// The life of the first one, where the bank knows one life only for what saves a card.
    pub first_link_ms: Option<i64>,
    pub interval: Interval,
    pub rules: Rules,
    pub zone: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The customer is told of the charge.
    Told,
    Taken,
    /// Nobody takes the notice that the charge waits for, and the shop is told.
    Untaken,
    /// And so it waits, until a person says otherwise.
    Held,
    Declined(u32),
    Charged(u32),
    /// The customer is given a link.
    Asked(u32),
    LinkOver(u32),
    LinkPaid(u32),
    /// Another card or account is saved.
    Saved,
    AccessOver,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub at_ms: i64,
    pub happening: Happening,
}

/// What is going to come from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    Taken,
    LinkOver,
    LinkPaid,
    Saved,
}

struct Course<'a> {
    play: &'a Play,
    /// When the period begins, and its money is due; when it ends.
    span_ms: (i64, i64),
    book: Book,
    now_ms: i64,
    coming: Vec<(i64, Coming)>,
    has_new: bool,
    told: Vec<Moment>,
    /// When all was over, and whether it was paid.
    end: Option<(i64, bool)>,
}

impl Play {
    /// All that happens to a period that begins at `due_ms`; `None` out of the calendar's range.
    pub fn run(&self, due_ms: i64) -> Option<Vec<Moment>> {
        let end_ms = Calendar::new(&self.zone, due_ms, self.interval)?.boundary_ms(1)?;
        let mut course = Course {
            play: self,
            span_ms: (due_ms, end_ms),
            book: book(due_ms, &self.zone),
            now_ms: due_ms - i64::from(self.rules.notice_hours) * HOUR_MS,
            coming: Vec::new(),
            has_new: false,
            told: Vec::new(),
            end: None,
        };
        for _ in 0..MOST {
            if course.end.is_some() {
                break;
            }
            course.step()?;
        }
        Some(course.finish())
    }
}

impl Course<'_> {
    fn tell(&mut self, happening: Happening) {
        self.told.push(Moment { at_ms: self.now_ms, happening });
    }

    fn is_over(&mut self, happening: Happening, is_paid: bool) {
        self.tell(happening);
        self.end = Some((self.now_ms, is_paid));
    }

    fn step(&mut self) -> Option<()> {
        self.coming.sort_by_key(|(at_ms, _)| *at_ms);
        if let Some((_, coming)) = self.coming.first().filter(|(at_ms, _)| *at_ms <= self.now_ms) {
            let coming = *coming;
            self.coming.remove(0);
            return self.comes(coming);
        }
        match next_step(&self.book, &self.play.rules, self.now_ms) {
            Step::Wait { until_ms } => self.wait(until_ms),
            Step::Tell => {
                self.tell(Happening::Told);
                self.book.subscription.told_ms = Some(self.span_ms.0);
                let announced_ms = self.now_ms;
                let notice = Notice { announced_ms, delivered_ms: None, is_alarmed: false };
                self.book.notice = Some(notice);
                if let Some(after_ms) = self.play.taken_after_ms.filter(|_| self.is_waited()) {
                    self.coming.push((self.now_ms + after_ms, Coming::Taken));
                }
            }
            Step::Alarm => {
                self.tell(Happening::Untaken);
                self.book.notice = self.book.notice.map(|it| Notice { is_alarmed: true, ..it });
            }
            Step::Due => self.begin()?,
            Step::Try(How::Charge | How::Bank) => self.charge()?,
            Step::Try(How::Link) => self.ask()?,
            Step::GiveUp => {
                self.apply(&Event::GivenUp)?;
                self.is_over(Happening::Ended, false);
            }
            Step::Resume | Step::Rest => self.end = Some((self.now_ms, false)),
        }
        Some(())
    }

    fn is_waited(&self) -> bool {
        self.play.rules.notice_first == NoticeFirst::Delivered
    }

    fn wait(&mut self, until_ms: i64) {
        let next_ms = self.coming.first().map(|(at_ms, _)| *at_ms);
        let is_untaken = self.book.notice.is_some_and(|it| it.delivered_ms.is_none());
        let is_due = self.now_ms >= self.span_ms.0 && self.book.period.is_none();
        if self.is_waited() && is_untaken && is_due && next_ms.is_none() {
            return self.is_over(Happening::Held, false);
        }
        // Of an open link only the outside tells.
        let until_ms = if self.book.is_asking() { next_ms.unwrap_or(until_ms) } else { until_ms };
        self.now_ms = next_ms.map_or(until_ms, |next_ms| next_ms.min(until_ms)).max(self.now_ms);
    }

    fn apply(&mut self, event: &Event) -> Option<()> {
        self.book.subscription.state = apply(&self.book.subscription.state, event).ok()?.next;
        Some(())
    }

    fn begin(&mut self) -> Option<()> {
        self.apply(&Event::Due { at_ms: self.now_ms })?;
        let (start_ms, end_ms) = self.span_ms;
        let rules = &self.play.rules;
        self.book.subscription.periods += 1;
        self.book.period = Some(Period {
            subscription_id: String::new(),
            number: self.book.subscription.periods,
            cause: Cause::Renewal,
            version_id: String::new(),
            quantity: 1,
            start_ms,
            end_ms,
            lines: Vec::new(),
            amount: Money::ZERO,
            status: PeriodStatus::Open,
            by_link: false,
            next_try_ms: Some(self.now_ms),
            give_up_ms: rules.give_up_ms(start_ms.max(self.now_ms - DAY_MS), end_ms),
            paid_ms: None,
            refunded: Money::ZERO,
            uncredited: Money::ZERO,
            unbacked: Money::ZERO,
            created_ms: self.now_ms,
        });
        Some(())
    }

    /// The new attempt's number, and how many there are of its kind.
    fn attempt(&mut self, how: How, outcome: Outcome) -> (u32, u32) {
        let number = self.book.attempts.last().map_or(1, |last| last.number + 1);
        self.book.attempts.push(Attempt {
            payment_id: String::new(),
            subscription_id: String::new(),
            period: self.book.subscription.periods,
            number,
            how,
            outcome,
            created_ms: self.now_ms,
        });
        (number, self.book.tries(how))
    }

    fn charge(&mut self) -> Option<()> {
        let is_paid = self.has_new || self.play.paid_by == Some(self.book.tries(How::Charge) + 1);
        if is_paid {
            let (_, count) = self.attempt(How::Charge, Outcome::Paid);
            self.is_over(Happening::Charged(count), true);
            return Some(());
        }
        let class = self.play.class;
        let (number, count) = self.attempt(How::Charge, Outcome::Failed(class));
        self.tell(Happening::Declined(count));
        if let Some(after_ms) = self.play.saves_after_ms.filter(|_| count == 1) {
            self.coming.push((self.now_ms + after_ms, Coming::Saved));
        }
        let zone = find_zone(&self.play.zone)?;
        let period = self.book.period.as_mut()?;
        let tries = (number, self.now_ms);
        match self.play.rules.next(&zone, class, tries, period.give_up_ms) {
            Verdict::TryAt(at_ms) => period.next_try_ms = Some(at_ms),
            Verdict::Ask => (period.by_link, period.next_try_ms) = (true, Some(self.now_ms)),
        }
        self.apply(&Event::Declined)
    }

    fn ask(&mut self) -> Option<()> {
        let (_, count) = self.attempt(How::Link, Outcome::Open);
        self.tell(Happening::Asked(count));
        let period = self.book.period.as_mut()?;
        period.next_try_ms = None;
        let (least_ms, most_ms) = self.play.link_ms;
        let left_ms = (period.give_up_ms - self.now_ms).clamp(least_ms, most_ms);
        let fixed_ms = self.play.first_link_ms.filter(|_| count == 1);
        let over_ms = self.now_ms + fixed_ms.unwrap_or(left_ms);
        self.coming.push((over_ms, Coming::LinkOver));
        let paid_ms = self.play.pays_after_ms.map(|after_ms| self.now_ms + after_ms);
        if let Some(paid_ms) = paid_ms.filter(|paid_ms| *paid_ms < over_ms) {
            self.coming.push((paid_ms, Coming::LinkPaid));
        }
        self.apply(&Event::Overdue)
    }

    fn comes(&mut self, coming: Coming) -> Option<()> {
        let links = self.book.tries(How::Link);
        match coming {
            Coming::Taken => {
                self.tell(Happening::Taken);
                let delivered_ms = Some(self.now_ms);
                self.book.notice = self.book.notice.map(|it| Notice { delivered_ms, ..it });
            }
            Coming::LinkPaid => self.is_over(Happening::LinkPaid(links), true),
            Coming::LinkOver => {
                self.tell(Happening::LinkOver(links));
                let link = self.book.attempts.last_mut()?;
                link.outcome = Outcome::Failed(Class::Later);
                let next_ms = self.now_ms + NEXT_LINK_MS;
                let period = self.book.period.as_mut()?;
                let is_left = link.number < MAX_LINKS && next_ms < period.give_up_ms;
                period.next_try_ms = is_left.then_some(next_ms);
            }
            Coming::Saved => {
                self.tell(Happening::Saved);
                (self.has_new, self.book.rebound_ms) = (true, Some(self.now_ms));
                let is_asking = self.book.is_asking();
                let period = self.book.period.as_mut()?;
                period.by_link = false;
                if !is_asking {
                    period.next_try_ms = Some(self.now_ms);
                }
            }
        }
        Some(())
    }

    /// With the moment at which what was paid before cannot be used any more.
    fn finish(mut self) -> Vec<Moment> {
        let grace_ms = i64::from(self.play.rules.grace_hours) * HOUR_MS;
        let last_ms = self.span_ms.0 + grace_ms;
        let (end_ms, is_paid) = self.end.unwrap_or((self.now_ms, false));
        let is_ended = self.told.last().is_some_and(|it| it.happening == Happening::Ended);
        let over_ms = if is_ended { last_ms.min(end_ms) } else { last_ms };
        if !is_paid || over_ms < end_ms {
            self.told.push(Moment { at_ms: over_ms, happening: Happening::AccessOver });
        }
        self.told.sort_by_key(|it| it.at_ms);
        self.told
    }
}

/// One that is charged and paid until then.
fn book(until_ms: i64, zone: &str) -> Book {
    let none = String::new;
    let subscription = Subscription {
        id: none(),
        shop_id: none(),
        customer_id: none(),
        plan_id: none(),
        version_id: none(),
        quantity: 1,
        coupon_id: None,
        coupon_left: None,
        connection_id: none(),
        collection: How::Charge,
        instrument_id: Some(none()),
        saves: Kind::Account,
        bank_count: None,
        zone: zone.to_owned(),
        anchor_ms: until_ms,
        cycle: 0,
        periods: 1,
        balance_kopecks: 0,
        next_version_id: None,
        next_quantity: None,
        state: State::Active { until_ms, ends: false },
        told_ms: None,
        contact: None,
        receipt: None,
        success_url: None,
        fail_url: None,
        metadata: none(),
        revision: 1,
        created_ms: 0,
    };
    let (period, attempts) = (None, Vec::new());
    Book { subscription, period, attempts, rebound_ms: None, is_blocked: false, notice: None }
}
