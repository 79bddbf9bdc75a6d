//! SQL of the journal and of the notices received.

use crate::kit::db::{DbError, Tx};

/// One request to a bank and what came back, masked.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub id: String,
    pub connection_id: String,
    pub op: &'static str,
    pub at_ms: i64,
    pub took_ms: i64,
    pub request: String,
    /// `None` when nothing came back.
    pub status: Option<u16>,
    pub reply: String,
}

/// An exchange as the timeline shows it.
#[derive(Clone, Debug)]
pub struct StoredExchange {
    pub op: String,
    pub at_ms: i64,
    pub took_ms: i64,
    pub request: String,
    pub status: Option<i64>,
    pub reply: String,
}

pub fn insert_exchange(
    tx: &mut dyn Tx,
    exchange: &Exchange,
    payment_id: Option<&str>,
) -> Result<(), DbError> {
    tx.execute(
        "insert into exchanges (id, connection_id, payment_id, op, at_ms, took_ms, request, \
         status, reply) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            exchange.id.as_str().into(),
            exchange.connection_id.as_str().into(),
            payment_id.into(),
            exchange.op.into(),
            exchange.at_ms.into(),
            exchange.took_ms.into(),
            exchange.request.as_str().into(),
            exchange.status.map(i64::from).into(),
            exchange.reply.as_str().into(),
        ],
    )?;
    Ok(())
}

/// How often the bank answered since then, and how often it was silent.
pub fn count_answers(
    tx: &mut dyn Tx,
    connection_id: &str,
    since_ms: i64,
) -> Result<(i64, i64), DbError> {
    let row = tx.find(
        "select count(status), count(*) from exchanges \
         where connection_id = $1 and at_ms >= $2",
        &[connection_id.into(), since_ms.into()],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)? - row.int(0)?)))
}

/// Forgets looks, lists and registers older than that; what moved money or made a link stays.
pub fn delete_polls(tx: &mut dyn Tx, before_ms: i64) -> Result<u64, DbError> {
    tx.execute(
        "delete from exchanges where at_ms < $1 and op in \
         ('get_payment', 'list_payments', 'registry', 'fetch_notice_keys', 'subscription_list', \
         'subscription_status')",
        &[before_ms.into()],
    )
}

/// The payment's exchanges in order, at most `limit`.
pub fn list_exchanges(
    tx: &mut dyn Tx,
    payment_id: &str,
    limit: i64,
) -> Result<Vec<StoredExchange>, DbError> {
    let rows = tx.query(
        "select op, at_ms, took_ms, request, status, reply from exchanges \
         where payment_id = $1 order by id limit $2",
        &[payment_id.into(), limit.into()],
    )?;
    let decode = |row: &crate::kit::db::Row| {
        Ok(StoredExchange {
            op: row.text(0)?,
            at_ms: row.int(1)?,
            took_ms: row.int(2)?,
            request: row.text(3)?,
            status: row.opt_int(4)?,
            reply: row.text(5)?,
        })
    };
    rows.iter().map(decode).collect()
}

/// How the connection's last requests for links since then ended, the latest first: their status,
/// if there was an answer. Looks do not count: a bank may answer them and make no link.
pub fn list_statuses(
    tx: &mut dyn Tx,
    connection_id: &str,
    since_ms: i64,
    limit: i64,
) -> Result<Vec<Option<i64>>, DbError> {
    let rows = tx.query(
        "select status from exchanges where connection_id = $1 and at_ms >= $2 \
         and op = 'create_link' order by at_ms desc, id desc limit $3",
        &[connection_id.into(), since_ms.into(), limit.into()],
    )?;
    rows.iter().map(|row| row.opt_int(0)).collect()
}

/// A verified notice to be kept as it came.
#[derive(Clone, Debug)]
pub struct NewNotice {
    pub id: String,
    pub connection_id: String,
    /// SHA-256 of the body, in hex: the bank repeats a notice byte for byte.
    pub hash: String,
    pub body: Vec<u8>,
    pub kind: String,
    pub received_ms: i64,
}

#[derive(Clone, Debug)]
pub struct StoredNotice {
    pub id: String,
    pub kind: String,
    pub received_ms: i64,
    /// How often the bank sent it.
    pub times: i64,
}

/// Keeps the notice, or counts it once more.
pub fn upsert_notice(
    tx: &mut dyn Tx,
    notice: &NewNotice,
    payment_id: Option<&str>,
) -> Result<(), DbError> {
    tx.execute(
        "insert into notices (id, connection_id, hash, body, kind, payment_id, received_ms) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (connection_id, hash) do update set \
         times = notices.times + 1, payment_id = coalesce(notices.payment_id, excluded.payment_id)",
        &[
            notice.id.as_str().into(),
            notice.connection_id.as_str().into(),
            notice.hash.as_str().into(),
            notice.body.clone().into(),
            notice.kind.as_str().into(),
            payment_id.into(),
            notice.received_ms.into(),
        ],
    )?;
    Ok(())
}

pub fn list_notices(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<StoredNotice>, DbError> {
    let rows = tx.query(
        "select id, kind, received_ms, times from notices where payment_id = $1 \
         order by received_ms, id limit 200",
        &[payment_id.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(StoredNotice {
                id: row.text(0)?,
                kind: row.text(1)?,
                received_ms: row.int(2)?,
                times: row.int(3)?,
            })
        })
        .collect()
}
