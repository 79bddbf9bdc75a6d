//! A sale at a desk, as plain data.

use kopeck_banks::{Money, op::SbpPayment};

use crate::payments::model::Failure;

/// One arming of a desk's code with a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    pub id: String,
    pub shop_id: String,
    pub place_id: String,
    pub connection_id: String,
    pub amount: Money,
    /// What the payer reads. Its number is this sale's alone.
    pub purpose: String,
    pub ttl_minutes: u32,
    /// Who armed the desk.
    pub clerk: Option<String>,
    /// The request that arms the code is about to leave, or left.
    pub asked_ms: Option<i64>,
    /// How often the fate of a request without an answer was looked for in vain.
    pub looks: u32,
    pub looked_ms: i64,
    pub arming_id: Option<String>,
    pub is_paying: bool,
    pub cancel_ms: Option<i64>,
    /// The request that disarms the code is about to leave, or left.
    pub disarm_asked_ms: Option<i64>,
    pub until_ms: i64,
    pub ending: Option<Ending>,
    pub ended_ms: Option<i64>,
    pub failure: Option<Failure>,
    pub payment_id: Option<String>,
    /// The transfer that paid it, by its id in SBP.
    pub trx_id: Option<String>,
    pub created_ms: i64,
}

/// How a sale ended that nobody paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Canceled,
    Expired,
    /// The code was not armed.
    Failed,
}

impl Ending {
    pub const ALL: [Ending; 3] = [Ending::Canceled, Ending::Expired, Ending::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Ending::Canceled => "canceled",
            Ending::Expired => "expired",
            Ending::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Ending> {
        Ending::ALL.into_iter().find(|ending| ending.as_str() == text)
    }
}

/// A sale's state in one word. Derived, never set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The bank is being asked to arm the code.
    Arming,
    Waiting,
    /// Somebody is paying.
    Paying,
    Paid,
    Canceled,
    Expired,
    Failed,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Arming => "arming",
            State::Waiting => "waiting",
            State::Paying => "paying",
            State::Paid => "paid",
            State::Canceled => "canceled",
            State::Expired => "expired",
            State::Failed => "failed",
        }
    }

    pub const fn is_over(self) -> bool {
        match self {
            State::Arming | State::Waiting | State::Paying => false,
            State::Paid | State::Canceled | State::Expired | State::Failed => true,
        }
    }
}

impl Sale {
    pub const fn state(&self) -> State {
        if self.payment_id.is_some() {
            return State::Paid;
        }
        match self.ending {
            Some(Ending::Canceled) => State::Canceled,
            Some(Ending::Expired) => State::Expired,
            Some(Ending::Failed) => State::Failed,
            None if self.arming_id.is_none() => State::Arming,
            None if self.is_paying => State::Paying,
            None => State::Waiting,
        }
    }

    pub const fn is_over(&self) -> bool {
        self.state().is_over()
    }

    /// The number at the purpose's end, whatever the bank puts around it.
    pub fn number(&self) -> &str {
        self.purpose.rfind('№').map_or(self.purpose.as_str(), |at| &self.purpose[at..])
    }
}

/// A transfer by a desk's code of which it is not known yet whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub id: String,
    pub place_id: String,
    pub seen: SbpPayment,
    pub seen_ms: i64,
}

/// A link by which a clerk reaches a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClerkLink {
    pub id: String,
    pub place_id: String,
    /// Whose link it is.
    pub name: String,
    pub created_ms: i64,
    pub revoked_ms: Option<i64>,
}
