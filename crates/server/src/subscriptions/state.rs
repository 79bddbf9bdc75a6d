//! The state machine of a subscription: pure. [`apply`] takes what it is and what happened and
//! gives what it becomes and what follows; what follows is data, for the flow to carry out in the
//! same transaction.

use crate::events::EventKind;

/// What a subscription is, with what only that state knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its first payment.
    Pending { until_ms: i64 },
    /// Used without money until then; `ends`: and over then.
    Trialing { until_ms: i64, ends: bool },
    /// Paid until then; `ends`: and over then.
    Active { until_ms: i64, ends: bool },
    /// A period began whose money did not come; paid until then.
    PastDue { until_ms: i64 },
    /// Not used and not charged; so much paid time is kept for later.
    Paused { left_ms: i64, resumes_ms: Option<i64> },
    /// Over; what was paid, or was free (`in_trial`), may still be used until then.
    Canceled { access_ms: i64, reason: EndReason, in_trial: bool },
    /// The first payment never came.
    Expired,
}

/// A state's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Pending,
    Trialing,
    Active,
    PastDue,
    Paused,
    Canceled,
    Expired,
}

impl Status {
    pub const ALL: [Status; 7] = [
        Status::Pending,
        Status::Trialing,
        Status::Active,
        Status::PastDue,
        Status::Paused,
        Status::Canceled,
        Status::Expired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Trialing => "trialing",
            Status::Active => "active",
            Status::PastDue => "past_due",
            Status::Paused => "paused",
            Status::Canceled => "canceled",
            Status::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing happens to it any more by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Status::Canceled | Status::Expired)
    }
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The shop or the customer ended it.
    Asked,
    /// The money of a period did not come.
    Unpaid,
    /// The customer took back the consent to be charged.
    Withdrawn,
}

impl EndReason {
    pub const ALL: [EndReason; 3] = [EndReason::Asked, EndReason::Unpaid, EndReason::Withdrawn];

    pub const fn as_str(self) -> &'static str {
        match self {
            EndReason::Asked => "asked",
            EndReason::Unpaid => "unpaid",
            EndReason::Withdrawn => "consent_withdrawn",
        }
    }

    pub fn parse(text: &str) -> Option<EndReason> {
        EndReason::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl State {
    pub const fn status(&self) -> Status {
        match self {
            State::Pending { .. } => Status::Pending,
            State::Trialing { .. } => Status::Trialing,
            State::Active { .. } => Status::Active,
            State::PastDue { .. } => Status::PastDue,
            State::Paused { .. } => Status::Paused,
            State::Canceled { .. } => Status::Canceled,
            State::Expired => Status::Expired,
        }
    }

    /// Whether a charge will follow that its customer is told of before.
    pub const fn awaits_charge(&self) -> bool {
        match self {
            State::Trialing { ends, .. } | State::Active { ends, .. } => !*ends,
            State::Pending { .. }
            | State::PastDue { .. }
            | State::Paused { .. }
            | State::Canceled { .. }
            | State::Expired => false,
        }
    }

    /// How long the access lasts that is there now: to the end of what was paid, and from then on
    /// to the end of the grace.
    pub const fn usable_until_ms(&self, grace_ms: i64, now_ms: i64) -> Option<i64> {
        match self.access_until_ms(0) {
            Some(until_ms) if until_ms <= now_ms => self.access_until_ms(grace_ms),
            until_ms => until_ms,
        }
    }

    /// Until when the customer may use what was taken; `grace_ms` is added while money is awaited.
    pub const fn access_until_ms(&self, grace_ms: i64) -> Option<i64> {
        match self {
            // At the boundary itself the next period's money is on its way.
            State::Trialing { until_ms, ends: false }
            | State::Active { until_ms, ends: false }
            | State::PastDue { until_ms } => Some(*until_ms + grace_ms),
            State::Trialing { until_ms, ends: true } | State::Active { until_ms, ends: true } => {
                Some(*until_ms)
            }
            State::Canceled { access_ms, .. } => Some(*access_ms),
            State::Pending { .. } | State::Paused { .. } | State::Expired => None,
        }
    }
}

/// Something that happened to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The money of its newest period came; the period ends then.
    Paid {
        until_ms: i64,
    },
    /// A change in the middle of a period is paid; it lasts until then.
    Changed {
        until_ms: i64,
    },
    /// A charge was declined; another one, or a link, follows.
    Declined,
    /// A period began, and the customer is asked to pay it himself.
    Overdue,
    /// A period's time to be paid is over.
    GivenUp,
    /// The time that was paid, or free, is over.
    Due {
        at_ms: i64,
    },
    /// The shop wants it over now.
    Cancel {
        at_ms: i64,
    },
    /// The shop wants it over at the end of what was paid.
    CancelAtEnd {
        at_ms: i64,
    },
    /// The shop takes a cancellation back.
    Reactivate {
        at_ms: i64,
    },
    Pause {
        at_ms: i64,
        resumes_ms: Option<i64>,
    },
    Resume {
        at_ms: i64,
    },
    /// The customer took back the consent to be charged.
    Withdrawn {
        at_ms: i64,
    },
}

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Announce(EventKind),
    /// The next period begins: it is written down, then charged.
    OpenPeriod,
    /// Whatever is not charged yet must not be.
    StopCharging,
    /// Money came that nobody may keep.
    GiveBack,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub next: State,
    pub effects: Vec<Effect>,
}

/// Why something asked of a subscription cannot be done. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Only an active one can be paused.
    NotPausable(Status),
    NotPaused(Status),
    /// Only one that is going to end, or that was canceled and is still paid, can be taken back.
    NotReactivatable(Status),
    /// It is over.
    Over(Status),
    /// No period of it can begin now.
    NotDue(Status),
}

pub fn apply(state: &State, event: &Event) -> Result<Applied, Refused> {
    match event {
        Event::Paid { until_ms } => Ok(paid(state, *until_ms)),
        Event::Changed { until_ms } => Ok(changed(state, *until_ms)),
        Event::Declined => Ok(declined(state)),
        Event::Overdue => Ok(overdue(state)),
        Event::GivenUp => Ok(given_up(state)),
        Event::Due { at_ms } => due(state, *at_ms),
        Event::Cancel { at_ms } => cancel(state, *at_ms, EndReason::Asked),
        Event::CancelAtEnd { at_ms } => cancel_at_end(state, *at_ms),
        Event::Reactivate { at_ms } => reactivate(state, *at_ms),
        Event::Pause { at_ms, resumes_ms } => pause(state, *at_ms, *resumes_ms),
        Event::Resume { at_ms } => resume(state, *at_ms),
        Event::Withdrawn { at_ms } => match state {
            State::Canceled { access_ms, in_trial, .. } => {
                // Whatever ended it: from now on it cannot be taken back.
                let (access_ms, in_trial, reason) = (*access_ms, *in_trial, EndReason::Withdrawn);
                Ok(Applied {
                    next: State::Canceled { access_ms, reason, in_trial },
                    effects: vec![Effect::StopCharging],
                })
            }
            State::Expired => Ok(same(state)),
            State::Pending { .. }
            | State::Trialing { .. }
            | State::Active { .. }
            | State::PastDue { .. }
            | State::Paused { .. } => cancel(state, *at_ms, EndReason::Withdrawn),
        },
    }
}

fn same(state: &State) -> Applied {
    Applied { next: state.clone(), effects: Vec::new() }
}

fn to(next: State, announced: &[EventKind]) -> Applied {
    Applied { next, effects: announced.iter().copied().map(Effect::Announce).collect() }
}

fn paid(state: &State, until_ms: i64) -> Applied {
    let active = State::Active { until_ms, ends: false };
    match state {
        // Whoever paid a link late has paid.
        State::Pending { .. } | State::Trialing { ends: false, .. } | State::Expired => {
            to(active, &[EventKind::SubscriptionActivated])
        }
        State::Active { ends, .. } => {
            to(State::Active { until_ms, ends: *ends }, &[EventKind::SubscriptionRenewed])
        }
        State::PastDue { .. } => to(active, &[EventKind::SubscriptionRenewed]),
        State::Trialing { ends: true, .. } | State::Paused { .. } | State::Canceled { .. } => {
            Applied { next: state.clone(), effects: vec![Effect::GiveBack] }
        }
    }
}

fn changed(state: &State, until_ms: i64) -> Applied {
    match state {
        State::Active { ends, .. } => {
            to(State::Active { until_ms, ends: *ends }, &[EventKind::SubscriptionChanged])
        }
        // Nothing is paid in a trial: only what comes after it is another.
        State::Trialing { .. } => to(state.clone(), &[EventKind::SubscriptionChanged]),
        State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => Applied { next: state.clone(), effects: vec![Effect::GiveBack] },
    }
}

fn declined(state: &State) -> Applied {
    let failed = EventKind::SubscriptionRenewalFailed;
    match state {
        State::Trialing { until_ms, ends: false } | State::Active { until_ms, ends: false } => {
            to(State::PastDue { until_ms: *until_ms }, &[failed, EventKind::SubscriptionPastDue])
        }
        State::Pending { .. } | State::PastDue { .. } => to(state.clone(), &[failed]),
        State::Trialing { ends: true, .. }
        | State::Active { ends: true, .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => same(state),
    }
}

fn overdue(state: &State) -> Applied {
    match state {
        State::Trialing { until_ms, ends: false } | State::Active { until_ms, ends: false } => {
            to(State::PastDue { until_ms: *until_ms }, &[EventKind::SubscriptionPastDue])
        }
        State::Trialing { ends: true, .. }
        | State::Active { ends: true, .. }
        | State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => same(state),
    }
}

fn given_up(state: &State) -> Applied {
    match state {
        State::Pending { .. } => Applied {
            next: State::Expired,
            effects: vec![Effect::StopCharging, Effect::Announce(EventKind::SubscriptionExpired)],
        },
        State::Trialing { until_ms, .. } => over_in_trial(*until_ms, EndReason::Unpaid),
        State::PastDue { until_ms } | State::Active { until_ms, .. } => {
            over(*until_ms, EndReason::Unpaid)
        }
        State::Paused { .. } | State::Canceled { .. } | State::Expired => same(state),
    }
}

fn over(access_ms: i64, reason: EndReason) -> Applied {
    ended(State::Canceled { access_ms, reason, in_trial: false })
}

fn over_in_trial(access_ms: i64, reason: EndReason) -> Applied {
    ended(State::Canceled { access_ms, reason, in_trial: true })
}

fn ended(next: State) -> Applied {
    Applied {
        next,
        effects: vec![Effect::StopCharging, Effect::Announce(EventKind::SubscriptionCanceled)],
    }
}

fn due(state: &State, at_ms: i64) -> Result<Applied, Refused> {
    match state {
        State::Trialing { until_ms, ends } | State::Active { until_ms, ends } => {
            if at_ms < *until_ms {
                return Err(Refused::NotDue(state.status()));
            }
            if *ends {
                let in_trial = matches!(state, State::Trialing { .. });
                let (access_ms, reason) = (*until_ms, EndReason::Asked);
                return Ok(ended(State::Canceled { access_ms, reason, in_trial }));
            }
            Ok(Applied { next: state.clone(), effects: vec![Effect::OpenPeriod] })
        }
        State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => Err(Refused::NotDue(state.status())),
    }
}

fn cancel(state: &State, at_ms: i64, reason: EndReason) -> Result<Applied, Refused> {
    match state {
        State::Pending { .. } => Ok(over(at_ms, reason)),
        State::Trialing { until_ms, .. } => Ok(over_in_trial(*until_ms, reason)),
        State::Active { until_ms, .. } | State::PastDue { until_ms } => Ok(over(*until_ms, reason)),
        State::Paused { left_ms, .. } => Ok(over(at_ms + left_ms, reason)),
        State::Canceled { .. } => Ok(same(state)),
        State::Expired => Err(Refused::Over(Status::Expired)),
    }
}

fn cancel_at_end(state: &State, at_ms: i64) -> Result<Applied, Refused> {
    let ending = [EventKind::SubscriptionEnding];
    match state {
        State::Trialing { ends: true, .. } | State::Active { ends: true, .. } => Ok(same(state)),
        State::Trialing { until_ms, ends: false } if *until_ms > at_ms => {
            Ok(to(State::Trialing { until_ms: *until_ms, ends: true }, &ending))
        }
        State::Active { until_ms, ends: false } if *until_ms > at_ms => {
            Ok(to(State::Active { until_ms: *until_ms, ends: true }, &ending))
        }
        // Nothing is paid that it could wait for.
        State::Trialing { .. }
        | State::Active { .. }
        | State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => cancel(state, at_ms, EndReason::Asked),
    }
}

fn reactivate(state: &State, at_ms: i64) -> Result<Applied, Refused> {
    let back = [EventKind::SubscriptionReactivated];
    match state {
        State::Trialing { until_ms, ends: true } => {
            Ok(to(State::Trialing { until_ms: *until_ms, ends: false }, &back))
        }
        State::Active { until_ms, ends: true } => {
            Ok(to(State::Active { until_ms: *until_ms, ends: false }, &back))
        }
        State::Canceled { access_ms, reason: EndReason::Asked, in_trial } if *access_ms > at_ms => {
            let (until_ms, ends) = (*access_ms, false);
            let next = match in_trial {
                true => State::Trialing { until_ms, ends },
                false => State::Active { until_ms, ends },
            };
            Ok(to(next, &back))
        }
        State::Trialing { ends: false, .. }
        | State::Active { ends: false, .. }
        | State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => Err(Refused::NotReactivatable(state.status())),
    }
}

fn pause(state: &State, at_ms: i64, resumes_ms: Option<i64>) -> Result<Applied, Refused> {
    match state {
        // One that ends has nothing to come back to; a pause would forget that it does.
        State::Active { until_ms, ends: false } if *until_ms > at_ms => Ok(to(
            State::Paused { left_ms: until_ms - at_ms, resumes_ms },
            &[EventKind::SubscriptionPaused],
        )),
        State::Paused { left_ms, .. } => {
            Ok(to(State::Paused { left_ms: *left_ms, resumes_ms }, &[]))
        }
        State::Active { .. }
        | State::Pending { .. }
        | State::Trialing { .. }
        | State::PastDue { .. }
        | State::Canceled { .. }
        | State::Expired => Err(Refused::NotPausable(state.status())),
    }
}

fn resume(state: &State, at_ms: i64) -> Result<Applied, Refused> {
    match state {
        State::Paused { left_ms, .. } => Ok(to(
            State::Active { until_ms: at_ms + left_ms, ends: false },
            &[EventKind::SubscriptionResumed],
        )),
        State::Active { .. } => Ok(same(state)),
        State::Pending { .. }
        | State::Trialing { .. }
        | State::PastDue { .. }
        | State::Canceled { .. }
        | State::Expired => Err(Refused::NotPaused(state.status())),
    }
}
