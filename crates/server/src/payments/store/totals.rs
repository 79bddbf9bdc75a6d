//! Sums over a shop's payments: what a day brought.

use kopeck_banks::Money;

use super::super::model::Status;
use crate::kit::db::{DbError, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Money of some time, and how many payments it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub sum: Money,
    pub count: i64,
}

/// When it was paid, as the index of it says.
const PAID_AT: &str = "coalesce(paid_ms, heard_paid_ms)";

/// What came in from one time to another, before refunds. A second payment of one link, which goes
/// back, is not in it.
pub fn paid(
    tx: &mut dyn Tx,
    shop_id: &str,
    (from_ms, to_ms): (i64, i64),
) -> Result<Total, DbError> {
    let sql = format!(
        "select cast(coalesce(sum(paid_kopecks), 0) as bigint), count(*) from payments \
         where shop_id = $1 and {PAID_AT} >= $2 and {PAID_AT} < $3 and attempt_of is null"
    );
    let row = tx.find(&sql, &[shop_id.into(), from_ms.into(), to_ms.into()])?;
    row.map_or(Ok(Total::default()), |row| Ok(Total { sum: row.money(0)?, count: row.int(1)? }))
}

/// The same for each day, as its number since the epoch by a clock that is `offset_ms` ahead.
pub fn paid_by_day(
    tx: &mut dyn Tx,
    shop_id: &str,
    (from_ms, to_ms, offset_ms): (i64, i64, i64),
) -> Result<Vec<(i64, Total)>, DbError> {
    let sql = format!(
        "select ({PAID_AT} + $4) / {DAY_MS}, cast(sum(paid_kopecks) as bigint), count(*) \
         from payments where shop_id = $1 and {PAID_AT} >= $2 and {PAID_AT} < $3 \
         and attempt_of is null group by 1 order by 1"
    );
    let params = [shop_id.into(), from_ms.into(), to_ms.into(), offset_ms.into()];
    let rows = tx.query(&sql, &params)?;
    rows.iter()
        .map(|row| Ok((row.int(0)?, Total { sum: row.money(1)?, count: row.int(2)? })))
        .collect()
}

/// Refunds that the bank accepted, by when they were asked for; not of what [`paid`] leaves out.
pub fn refunded(
    tx: &mut dyn Tx,
    shop_id: &str,
    (from_ms, to_ms): (i64, i64),
) -> Result<Total, DbError> {
    let row = tx.find(
        "select cast(coalesce(sum(r.amount_kopecks), 0) as bigint), count(*) from refunds r \
         join payments p on p.id = r.payment_id where r.shop_id = $1 and r.state = 'succeeded' \
         and r.created_ms >= $2 and r.created_ms < $3 and p.attempt_of is null",
        &[shop_id.into(), from_ms.into(), to_ms.into()],
    )?;
    row.map_or(Ok(Total::default()), |row| Ok(Total { sum: row.money(0)?, count: row.int(1)? }))
}

/// How many of the payments made since then are in each state.
pub fn by_status(
    tx: &mut dyn Tx,
    shop_id: &str,
    from_ms: i64,
) -> Result<Vec<(Status, i64)>, DbError> {
    let rows = tx.query(
        "select status, count(*) from payments where shop_id = $1 and created_ms >= $2 \
         and attempt_of is null group by status",
        &[shop_id.into(), from_ms.into()],
    )?;
    rows.iter()
        .map(|row| {
            let word = row.text(0)?;
            let status = Status::parse(&word);
            let status = status.ok_or_else(|| DbError::Decode(format!("the status {word}")))?;
            Ok((status, row.int(1)?))
        })
        .collect()
}
