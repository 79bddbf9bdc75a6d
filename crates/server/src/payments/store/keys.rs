//! SQL of the Idempotency-Keys: which request took one, and what it was answered.

use crate::kit::db::{DbError, Tx};

/// A request that came with an Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub fingerprint: String,
    /// What it was about.
    pub subject: String,
    /// Status and body, once there was an answer.
    pub reply: Option<(i64, Vec<u8>)>,
}

/// Takes the key for this request; `false` when it was taken before. Waits for a twin that is
/// taking it in another transaction.
pub fn insert_key(
    tx: &mut dyn Tx,
    shop_id: &str,
    key: &str,
    request: (&str, &str),
    now_ms: i64,
) -> Result<bool, DbError> {
    let (fingerprint, subject) = request;
    let touched = tx.execute(
        "insert into idempotency (shop_id, key, fingerprint, subject, created_ms) \
         values ($1, $2, $3, $4, $5) on conflict (shop_id, key) do nothing",
        &[shop_id.into(), key.into(), fingerprint.into(), subject.into(), now_ms.into()],
    )?;
    Ok(touched > 0)
}

pub fn find_key(tx: &mut dyn Tx, shop_id: &str, key: &str) -> Result<Option<Remembered>, DbError> {
    let row = tx.find(
        "select fingerprint, subject, status, reply from idempotency \
         where shop_id = $1 and key = $2",
        &[shop_id.into(), key.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let reply = row.opt_int(2)?.zip(row.opt_bytes(3)?);
    Ok(Some(Remembered { fingerprint: row.text(0)?, subject: row.text(1)?, reply }))
}

/// Whether the key was taken at this moment or later.
pub fn is_taken_since(
    tx: &mut dyn Tx,
    shop_id: &str,
    key: &str,
    since_ms: i64,
) -> Result<bool, DbError> {
    let sql = "select 1 from idempotency where shop_id = $1 and key = $2 and created_ms >= $3";
    Ok(tx.find(sql, &[shop_id.into(), key.into(), since_ms.into()])?.is_some())
}

/// Frees a key whose work failed for a reason that passes; an answered one stays.
pub fn delete_key(tx: &mut dyn Tx, shop_id: &str, key: &str) -> Result<(), DbError> {
    tx.execute(
        "delete from idempotency where shop_id = $1 and key = $2 and reply is null",
        &[shop_id.into(), key.into()],
    )?;
    Ok(())
}

/// Keeps the first answer; later ones change nothing.
pub fn update_reply(
    tx: &mut dyn Tx,
    shop_id: &str,
    key: &str,
    status: u16,
    body: &[u8],
) -> Result<(), DbError> {
    tx.execute(
        "update idempotency set status = $1, reply = $2 \
         where shop_id = $3 and key = $4 and reply is null",
        &[i64::from(status).into(), body.into(), shop_id.into(), key.into()],
    )?;
    Ok(())
}
