//! SQL of links by which a subscription goes on to another card or account.

use super::word;
use crate::{
    instruments::model::Kind,
    kit::db::{DbError, Row, Tx},
    subscriptions::model::{Rebind, RebindOutcome},
};

const COLUMNS: &str = "r.payment_id, r.subscription_id, r.connection_id, r.saves, r.outcome, \
     r.created_ms, r.done_ms, r.credited_kopecks";

pub fn insert_rebind(tx: &mut dyn Tx, rebind: &Rebind) -> Result<(), DbError> {
    let r = rebind;
    tx.execute(
        "insert into subscription_rebinds (payment_id, subscription_id, connection_id, saves, \
         outcome, created_ms, credited_kopecks) values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            r.payment_id.as_str().into(),
            r.subscription_id.as_str().into(),
            r.connection_id.as_str().into(),
            r.saves.as_str().into(),
            r.outcome.as_str().into(),
            r.created_ms.into(),
            r.credited_kopecks.into(),
        ],
    )?;
    Ok(())
}

pub fn update_rebind(tx: &mut dyn Tx, rebind: &Rebind) -> Result<(), DbError> {
    tx.execute(
        "update subscription_rebinds set outcome = $1, done_ms = $2, credited_kopecks = $3 \
         where payment_id = $4",
        &[
            rebind.outcome.as_str().into(),
            rebind.done_ms.into(),
            rebind.credited_kopecks.into(),
            rebind.payment_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Those of which something is still to be heard, the oldest first: links that wait, money that was
/// given back since, and money of a link that was taken for over.
pub fn list_rebinds(tx: &mut dyn Tx, subscription_id: &str) -> Result<Vec<Rebind>, DbError> {
    let sql = format!(
        "select {COLUMNS} from subscription_rebinds r join payments p on p.id = r.payment_id \
         where r.subscription_id = $1 and (r.outcome in ('open', 'paid') \
             or (r.outcome in ('done', 'credited') \
                 and r.credited_kopecks > p.paid_kopecks - p.refunded_kopecks) \
             or (r.outcome = 'over' and p.status = 'paid')) order by r.payment_id"
    );
    tx.query(&sql, &[subscription_id.into()])?.iter().map(decode).collect()
}

/// Those of whose money something is on the balance, or was used from there; the newest first.
pub fn list_credited(tx: &mut dyn Tx, subscription_id: &str) -> Result<Vec<Rebind>, DbError> {
    let sql = format!(
        "select {COLUMNS} from subscription_rebinds r \
         where r.subscription_id = $1 and r.credited_kopecks > 0 order by r.payment_id desc"
    );
    tx.query(&sql, &[subscription_id.into()])?.iter().map(decode).collect()
}

/// When the subscription last went on to something that a link of these saved.
pub fn last_rebound_ms(tx: &mut dyn Tx, subscription_id: &str) -> Result<Option<i64>, DbError> {
    let sql = "select max(done_ms) from subscription_rebinds where subscription_id = $1";
    tx.find(sql, &[subscription_id.into()])?.map_or(Ok(None), |row| row.opt_int(0))
}

fn decode(row: &Row) -> Result<Rebind, DbError> {
    Ok(Rebind {
        payment_id: row.text(0)?,
        subscription_id: row.text(1)?,
        connection_id: row.text(2)?,
        saves: word(row, 3, Kind::parse)?,
        outcome: word(row, 4, RebindOutcome::parse)?,
        created_ms: row.int(5)?,
        done_ms: row.opt_int(6)?,
        credited_kopecks: row.int(7)?,
    })
}
