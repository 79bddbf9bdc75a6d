//! A place and what came by its code, as plain data.

use kopeck_banks::{Money, op::CodeKind};

use crate::{kit::clock::MINUTE_MS, payments::model::Failure};

/// A code that lives by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub id: String,
    pub shop_id: String,
    pub connection_id: String,
    pub bank: String,
    pub kind: CodeKind,
    /// Where it hangs, in the shop's words.
    pub name: String,
    /// `None`: the payer enters the sum.
    pub amount: Option<Money>,
    /// The VAT within the amount of an invoice; `None`: without VAT.
    pub vat: Option<Money>,
    /// What the payer and the statement read; ends in [`Place::number`].
    pub purpose: String,
    /// How long an invoice can be paid.
    pub ttl_minutes: Option<u32>,
    /// Where the code was registered: the point and the account.
    pub point_id: Option<String>,
    pub account_id: Option<String>,
    pub code_id: Option<String>,
    /// What the picture holds. Never changed by us.
    pub code_url: Option<String>,
    /// The request for the code is about to leave, or left.
    pub asked_ms: Option<i64>,
    /// Why the bank refused it.
    pub failure: Option<Failure>,
    pub suspended_ms: Option<i64>,
    pub created_ms: i64,
}

/// A place's state in one word. Derived, never set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The bank makes its code.
    Opening,
    Active,
    Suspended,
    /// The bank refused to make it.
    Failed,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Opening => "opening",
            State::Active => "active",
            State::Suspended => "suspended",
            State::Failed => "failed",
        }
    }
}

impl Place {
    pub const fn state(&self) -> State {
        match (&self.code_id, &self.failure, self.suspended_ms) {
            (None, Some(_), _) => State::Failed,
            (_, _, Some(_)) => State::Suspended,
            (Some(_), _, None) => State::Active,
            (None, None, None) => State::Opening,
        }
    }

    /// The purpose: the shop's words and, at its tail, a number of the place's own. By the number a
    /// line of the account's statement, which names no code, is known to be this place's.
    pub fn tail(words: &str, number: &str) -> String {
        format!("{words} №{number}")
    }

    /// The number, whatever the bank puts around the purpose.
    pub fn number(&self) -> &str {
        self.purpose.rfind('№').map_or(self.purpose.as_str(), |at| &self.purpose[at..])
    }

    /// When it can be paid no more; `None`: never.
    pub fn end_ms(&self) -> Option<i64> {
        self.ttl_minutes.map(|minutes| self.created_ms + i64::from(minutes) * MINUTE_MS)
    }
}

/// What came by a place's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub connection_id: String,
    /// The bank's id of the transfer; of a code that is paid once, the code's; of what only the
    /// statement told of, one of ours.
    pub key: String,
    pub place_id: String,
    /// `None`: only the bank's list told of it, which has no sums.
    pub amount: Option<Money>,
    /// It came between these two.
    pub after_ms: i64,
    pub seen_ms: i64,
    /// Only the statement told of it.
    pub is_line: bool,
    /// The place was suspended when it came.
    pub is_late: bool,
    pub payment_id: Option<String>,
}

/// What came by a place, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub payments: i64,
    pub paid: Money,
    /// Known to the bank's list, their sums not told yet.
    pub unsummed: i64,
    pub late: i64,
}

/// How far a connection's list was read, and the statement that is being made for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub connection_id: String,
    pub listed_ms: i64,
    /// Its id and its account.
    pub statement: Option<(String, String)>,
    pub statement_due_ms: i64,
    pub statement_tries: u32,
}
