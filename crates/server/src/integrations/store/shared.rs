//! SQL of what several integrations, or several processes, share: buckets of requests, and who
//! renews tokens.

use crate::kit::db::{DbError, Tx};

/// When the bucket is empty again; holds its row until the transaction ends.
pub fn lock_pace(tx: &mut dyn Tx, word: &str) -> Result<i64, DbError> {
    tx.execute(
        "insert into paces (word, empty_ms) values ($1, 0) on conflict (word) do nothing",
        &[word.into()],
    )?;
    let lock = tx.dialect().for_update();
    let sql = format!("select empty_ms from paces where word = $1{lock}");
    let row = tx.find(&sql, &[word.into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

pub fn update_pace(tx: &mut dyn Tx, word: &str, empty_ms: i64) -> Result<(), DbError> {
    tx.execute("update paces set empty_ms = $1 where word = $2", &[empty_ms.into(), word.into()])?;
    Ok(())
}

/// Until when somebody is at an integration's tokens. Under the integration's lock.
pub fn find_renewal(tx: &mut dyn Tx, integration_id: &str) -> Result<i64, DbError> {
    let sql = "select until_ms from token_renewals where integration_id = $1";
    let row = tx.find(sql, &[integration_id.into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

pub fn save_renewal(tx: &mut dyn Tx, integration_id: &str, until_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "insert into token_renewals (integration_id, until_ms) values ($1, $2) \
         on conflict (integration_id) do update set until_ms = excluded.until_ms",
        &[integration_id.into(), until_ms.into()],
    )?;
    Ok(())
}
