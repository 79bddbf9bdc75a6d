//! SQL of links that gave way to newer ones.

use crate::kit::db::{DbError, Tx};

/// Whoever opens the older link is led to the newer one from now on.
pub fn insert_replaced(
    tx: &mut dyn Tx,
    (older_id, newer_id): (&str, &str),
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into replaced_links (payment_id, by_id, at_ms) values ($1, $2, $3) \
         on conflict (payment_id) do update set by_id = excluded.by_id, at_ms = excluded.at_ms",
        &[older_id.into(), newer_id.into(), now_ms.into()],
    )?;
    Ok(())
}

/// The link that this one gave way to.
pub fn find_newer(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<String>, DbError> {
    let sql = "select by_id from replaced_links where payment_id = $1";
    let row = tx.find(sql, &[payment_id.into()])?;
    row.map(|row| row.text(0)).transpose()
}
