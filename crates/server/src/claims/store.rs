//! SQL of claims.

use super::model::Claim;
use crate::kit::db::{DbError, Tx};

/// `false` when it is claimed already, by whomever.
pub fn insert_claim(tx: &mut dyn Tx, claim: &Claim) -> Result<bool, DbError> {
    let c = claim;
    let touched = tx.execute(
        "insert into claims (payment_id, purpose, shop_id, claimer, claimed_ms) \
         values ($1, $2, $3, $4, $5) on conflict (payment_id, purpose) do nothing",
        &[
            c.payment_id.as_str().into(),
            c.purpose.as_str().into(),
            c.shop_id.as_str().into(),
            c.claimer.as_str().into(),
            c.claimed_ms.into(),
        ],
    )?;
    Ok(touched > 0)
}

pub fn find_claim(
    tx: &mut dyn Tx,
    payment_id: &str,
    purpose: &str,
) -> Result<Option<Claim>, DbError> {
    let row = tx.find(
        "select payment_id, purpose, shop_id, claimer, claimed_ms from claims \
         where payment_id = $1 and purpose = $2",
        &[payment_id.into(), purpose.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claim {
        payment_id: row.text(0)?,
        purpose: row.text(1)?,
        shop_id: row.text(2)?,
        claimer: row.text(3)?,
        claimed_ms: row.int(4)?,
    }))
}
