//! Use cases of what customers saved. Calls to the bank are in [`super::drive`], between
//! transactions.

use kopeck_banks::{
    bank::{NoticeNews, find_bank},
    op::Refusal,
};

use crate::{
    instruments::{
        model::{Consent, Heard, Instrument, Kind},
        store,
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::flow::{Problem as PaymentProblem, charge::hear},
    shops::{self, model::Connection},
};

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    Payment(PaymentProblem),
    /// The bank refused, or its answer is not known.
    Bank(Refusal),
    Missing(Kind),
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

/// An instrument with what its payer agreed to.
pub type Shown = (Instrument, Option<Consent>);

/// What a customer saved, by its id.
pub fn get_saved(
    tx: &mut dyn Tx,
    (shop_id, customer_id): (&str, &str),
    (kind, id): (Kind, &str),
) -> Result<Shown, Problem> {
    let found = store::find_instrument(tx, id)?;
    let is_own = |it: &Instrument| it.shop_id == shop_id && it.customer_id == customer_id;
    let own =
        found.filter(|it| kind.means(it.kind)).filter(is_own).ok_or(Problem::Missing(kind))?;
    let consent = store::find_consent(tx, &own)?;
    Ok((own, consent))
}

/// All that a customer saved of this kind, the newest first.
pub fn list_saved(
    tx: &mut dyn Tx,
    (shop_id, customer_id): (&str, &str),
    kind: Kind,
) -> Result<Vec<Shown>, DbError> {
    let all = store::list_saved(tx, shop_id, customer_id, kind)?;
    let shown = |own: Instrument| {
        let consent = store::find_consent(tx, &own)?;
        Ok((own, consent))
    };
    all.into_iter().map(shown).collect()
}

/// A notice told of an account; `None` if it is none of ours.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<Option<Instrument>, DbError> {
    let NoticeNews::AccountBinding(heard) = news else { return Ok(None) };
    let found = store::find_by_request(tx, &connection.id, &heard.request_key)?;
    found.map(|own| hear(tx, ctx, &own, &Heard::from(heard))).transpose()
}
