//! The statement of an account: what money came and went, booked by the bank. The last witness of a
//! movement whose answer was lost and that nothing else lists.

use jiff::civil::Date;

use crate::money::Money;

/// A bank makes a statement in its own time: it is asked for, then read until it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementOp {
    /// Asked for twice, it is made twice; nothing else happens.
    Ask {
        /// Number and BIK.
        account_id: String,
        from: Date,
        to: Date,
    },
    Read {
        account_id: String,
        statement_id: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub id: String,
    pub state: StatementState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementState {
    Making,
    /// The bank could not make it: ask for another.
    Failed,
    Ready(Vec<StatementLine>),
}

/// One movement. Who stands on the other side is left out: nobody here needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementLine {
    pub id: Option<String>,
    /// Money came; else it went.
    pub is_credit: bool,
    /// Final; else it is still pending.
    pub is_booked: bool,
    pub amount: Money,
    pub purpose: String,
    pub day: Option<Date>,
}
