//! SQL of webhooks.

pub mod deliveries;

use super::model::{Health, Kinds, Payload, Reason, Webhook};
use crate::kit::db::{DbError, Row, Tx, Value};

const COLUMNS: &str = "id, shop_id, url, description, kinds, payload, is_ordered, header_name, \
     sealed, seen_seq, streak, failing_since_ms, rest_until_ms, delivered_ms, disabled_ms, \
     disabled_reason, removed_ms, created_ms";

pub fn insert_webhook(tx: &mut dyn Tx, webhook: &Webhook) -> Result<(), DbError> {
    let w = webhook;
    tx.execute(
        "insert into webhooks (id, shop_id, url, kinds, payload, sealed, seen_seq, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            w.id.as_str().into(),
            w.shop_id.as_str().into(),
            w.url.as_str().into(),
            encode_kinds(&w.kinds).into(),
            w.payload.as_str().into(),
            w.sealed.clone().into(),
            w.seen_seq.into(),
            w.created_ms.into(),
        ],
    )?;
    update_webhook(tx, webhook)
}

/// Saves what can change.
pub fn update_webhook(tx: &mut dyn Tx, webhook: &Webhook) -> Result<(), DbError> {
    let w = webhook;
    tx.execute(
        "update webhooks set url = $1, description = $2, kinds = $3, payload = $4, \
         is_ordered = $5, header_name = $6, sealed = $7, seen_seq = $8, streak = $9, \
         failing_since_ms = $10, rest_until_ms = $11, delivered_ms = $12, disabled_ms = $13, \
         disabled_reason = $14, removed_ms = $15 where id = $16",
        &[
            w.url.as_str().into(),
            w.description.clone().into(),
            encode_kinds(&w.kinds).into(),
            w.payload.as_str().into(),
            w.is_ordered.into(),
            w.header_name.clone().into(),
            w.sealed.clone().into(),
            w.seen_seq.into(),
            w.health.streak.into(),
            w.health.failing_since_ms.into(),
            w.health.rest_until_ms.into(),
            w.delivered_ms.into(),
            w.disabled.map(|(at_ms, _)| at_ms).into(),
            w.disabled.map(|(_, reason)| reason.as_str().to_owned()).into(),
            w.removed_ms.into(),
            w.id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Removed ones are not found.
pub fn find_webhook(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Option<Webhook>, DbError> {
    let sql = format!(
        "select {COLUMNS} from webhooks where shop_id = $1 and id = $2 and removed_ms is null"
    );
    find_one(tx, &sql, &[shop_id.into(), id.into()])
}

/// For the story of what was sent: removed ones too.
pub fn find_any_webhook(tx: &mut dyn Tx, id: &str) -> Result<Option<Webhook>, DbError> {
    find_one(tx, &format!("select {COLUMNS} from webhooks where id = $1"), &[id.into()])
}

/// Holds the row until the transaction ends, so that changes come one after the other.
pub fn lock_webhook(tx: &mut dyn Tx, id: &str) -> Result<Option<Webhook>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from webhooks where id = $1 and removed_ms is null{lock}");
    find_one(tx, &sql, &[id.into()])
}

/// The shop's webhooks, newest first.
pub fn list_webhooks(
    tx: &mut dyn Tx,
    shop_id: &str,
    before_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Webhook>, DbError> {
    let sql = format!(
        "select {COLUMNS} from webhooks where shop_id = $1 and removed_ms is null \
         and ($2 = '' or id < $2) order by id desc limit $3"
    );
    let params = [shop_id.into(), before_id.unwrap_or("").into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

pub fn count_webhooks(tx: &mut dyn Tx, shop_id: &str) -> Result<i64, DbError> {
    let sql = "select count(*) from webhooks where shop_id = $1 and removed_ms is null";
    tx.find(sql, &[shop_id.into()])?.map_or(Ok(0), |row| row.int(0))
}

/// Webhooks that have not looked at all of their shop's events.
pub fn list_behind(tx: &mut dyn Tx, limit: i64) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "select w.id from webhooks w join shops s on s.id = w.shop_id \
         where w.seen_seq < s.event_seq and w.disabled_ms is null and w.removed_ms is null \
         order by w.id limit $1",
        &[limit.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Webhook>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn encode_kinds(kinds: &Kinds) -> String {
    serde_json::to_string(&kinds.0).unwrap_or_default()
}

fn decode(row: &Row) -> Result<Webhook, DbError> {
    let kinds: Vec<String> = serde_json::from_str(&row.text(4)?)
        .map_err(|error| DbError::Decode(format!("kinds: {error}")))?;
    let payload = row.text(5)?;
    let reason = row
        .opt_text(15)?
        .map(|word| Reason::parse(&word).ok_or_else(|| DbError::Decode(format!("reason {word}"))));
    Ok(Webhook {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        url: row.text(2)?,
        description: row.opt_text(3)?,
        kinds: Kinds(kinds),
        payload: Payload::parse(&payload)
            .ok_or_else(|| DbError::Decode(format!("payload {payload}")))?,
        is_ordered: row.flag(6)?,
        header_name: row.opt_text(7)?,
        sealed: row.bytes(8)?,
        seen_seq: row.int(9)?,
        health: Health {
            streak: row.int(10)?,
            failing_since_ms: row.opt_int(11)?,
            rest_until_ms: row.int(12)?,
        },
        delivered_ms: row.opt_int(13)?,
        disabled: row.opt_int(14)?.zip(reason.transpose()?),
        removed_ms: row.opt_int(16)?,
        created_ms: row.int(17)?,
    })
}
