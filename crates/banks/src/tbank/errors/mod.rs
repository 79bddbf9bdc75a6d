//! The bank's error codes as data: what each means, whose matter it is, what to say of it.
//!
//! [`find`] looks a code up; its [`Cause`] decides everything else, so that a code added by the
//! bank is one line in a table. A code that is in no table is unclear, never a failure.

use crate::op::{DeclineReason, RefusalClass, Words};

/// Writes one table: code, cause, the Russian and the English sentence for the merchant.
macro_rules! codes {
    ($name:ident $($code:literal $cause:ident $ru:literal $en:literal)+) => {
        pub static $name: &[super::BankCode] = &[$(super::BankCode {
            code: $code,
            cause: super::Cause::$cause,
            merchant: crate::op::Words { ru: $ru, en: $en },
        }),+];
    };
}

mod causes;
mod issuers;
mod requests;
mod shops;

/// One code of the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankCode {
    pub code: u32,
    pub cause: Cause,
    pub merchant: Words,
}

/// Whose matter an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The payer's bank or the payer's means said no.
    Declined,
    /// The same may work later.
    Retry,
    /// The request is wrong, or too late, or about nothing.
    OurMistake,
    /// The terminal or the shop must be set up otherwise, mostly by the bank.
    Configuration,
    Unknown,
}

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    Funds,
    Expired,
    Details,
    Blocked,
    Limit,
    ThreeDs,
    Suspicion,
    Issuer,
    Foreign,
    NotPermitted,
    SavedGone,
    /// Machinery failed somewhere, perhaps after it had done the work.
    Technical,
    Busy,
    /// Enough attempts for now.
    Later,
    Field,
    Receipt,
    Amount,
    State,
    Missing,
    Duplicate,
    Token,
    Terminal,
    TerminalBlocked,
    NotEnabled,
    ShopLimit,
    Balance,
    Register,
    Unclear,
}

/// What follows from a [`Cause`].
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    pub class: Class,
    /// Whether nothing happened at the bank for certain.
    pub is_certain: bool,
    pub refusal: RefusalClass,
    /// The refusal's stable code.
    pub name: &'static str,
    /// What the merchant does next.
    pub hint: &'static str,
    pub reason: DeclineReason,
    pub payer: Words,
}

impl Cause {
    pub fn meaning(self) -> &'static Meaning {
        causes::meaning(self)
    }
}

/// Every code of the bank's table, ascending.
pub fn all() -> impl Iterator<Item = &'static BankCode> {
    [requests::REQUESTS, shops::SHOPS, issuers::ISSUERS].into_iter().flatten()
}

/// The code as the bank writes it, `"1051"`; `None` for one that is not in its table.
pub fn find(code: &str) -> Option<&'static BankCode> {
    let code: u32 = code.trim().parse().ok()?;
    let tables = [requests::REQUESTS, shops::SHOPS, issuers::ISSUERS];
    tables.into_iter().find_map(|table| {
        let at = table.binary_search_by_key(&code, |entry| entry.code).ok()?;
        table.get(at)
    })
}

/// As [`find`], with the unclear for what is not known.
pub fn meaning(code: &str) -> &'static Meaning {
    find(code).map_or(Cause::Unclear, |entry| entry.cause).meaning()
}
