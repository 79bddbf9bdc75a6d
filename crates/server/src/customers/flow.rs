//! Use cases of saved accounts. Calls to the bank are in [`super::drive`], between transactions.

use kopeck_banks::{
    bank::{NoticeNews, find_bank},
    op::Refusal,
};

use crate::{
    instruments::{model::SavedAccount, store},
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::flow::{Problem as PaymentProblem, charge::hear_account},
    shops::{self, model::Connection},
};

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    Payment(PaymentProblem),
    /// The bank refused, or its answer is not known.
    Bank(Refusal),
    NoSuchAccount,
    NotConnected,
    /// None of the shop's banks saves accounts.
    NoBank,
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Payment(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Payment(PaymentProblem::Internal(error))
    }
}

/// The connection to save accounts with: the one that is named, else the newest that can.
pub async fn connection_for(
    ctx: &Ctx,
    shop_id: &str,
    wanted: Option<&str>,
) -> Result<Connection, Problem> {
    let all = shops::flow::list_connections(ctx, shop_id).await?;
    if all.is_empty() {
        return Err(Problem::NotConnected);
    }
    let fits = |it: &Connection| match wanted {
        Some(word) => it.bank == word || it.id == word,
        None => find_bank(&it.bank).is_some_and(|bank| bank.capabilities().saves_accounts),
    };
    all.into_iter().rev().find(fits).ok_or(Problem::NoBank)
}

/// A customer's account.
pub fn get_account(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
    id: &str,
) -> Result<SavedAccount, Problem> {
    let found = store::find_account(tx, id)?;
    let is_own = |it: &SavedAccount| it.shop_id == shop_id && it.customer_id == customer_id;
    found.filter(is_own).ok_or(Problem::NoSuchAccount)
}

/// A notice told of an account; `None` if it is none of ours.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<Option<SavedAccount>, DbError> {
    let NoticeNews::AccountBinding(heard) = news else { return Ok(None) };
    let found = store::find_by_request(tx, &connection.id, &heard.request_key)?;
    found.map(|account| hear_account(tx, ctx, &account, heard)).transpose()
}
