//! SQL of deliveries and of their attempts.

use crate::{
    kit::db::{DbError, Row, Tx, Value},
    webhooks::model::{Attempt, Delivery, DeliveryState},
};

const COLUMNS: &str = "id, shop_id, webhook_id, event_id, event_seq, kind, subject, state, \
     attempts, tries, begun_ms, due_ms, status, error, delivered_ms, created_ms";

/// `false` when the webhook has a delivery of this event already.
pub fn insert_delivery(tx: &mut dyn Tx, delivery: &Delivery) -> Result<bool, DbError> {
    let d = delivery;
    let touched = tx.execute(
        "insert into deliveries (id, shop_id, webhook_id, event_id, event_seq, kind, subject, \
         state, begun_ms, due_ms, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (webhook_id, event_id) do nothing",
        &[
            d.id.as_str().into(),
            d.shop_id.as_str().into(),
            d.webhook_id.as_str().into(),
            d.event_id.as_str().into(),
            d.event_seq.into(),
            d.kind.as_str().into(),
            d.subject.as_str().into(),
            d.state.as_str().into(),
            d.begun_ms.into(),
            d.due_ms.into(),
            d.created_ms.into(),
        ],
    )?;
    Ok(touched > 0)
}

/// Saves what can change.
pub fn update_delivery(tx: &mut dyn Tx, delivery: &Delivery) -> Result<(), DbError> {
    let d = delivery;
    tx.execute(
        "update deliveries set state = $1, attempts = $2, tries = $3, begun_ms = $4, \
         due_ms = $5, status = $6, error = $7, delivered_ms = $8 where id = $9",
        &[
            d.state.as_str().into(),
            d.attempts.into(),
            d.tries.into(),
            d.begun_ms.into(),
            d.due_ms.into(),
            d.status.into(),
            d.error.clone().into(),
            d.delivered_ms.into(),
            d.id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Whether nothing about the same subject is still to be sent before it.
const IN_TURN: &str = "($2 = 0 or not exists (select 1 from deliveries e \
     where e.webhook_id = d.webhook_id and e.subject = d.subject and e.state = 'pending' \
     and e.event_seq < d.event_seq))";

/// What is due for the webhook by then, oldest first.
pub fn list_due(
    tx: &mut dyn Tx,
    webhook_id: &str,
    is_ordered: bool,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let sql = format!(
        "select {COLUMNS} from deliveries d where webhook_id = $1 and state = 'pending' \
         and due_ms <= $3 and {IN_TURN} order by due_ms, event_seq limit $4"
    );
    let params = [webhook_id.into(), is_ordered.into(), now_ms.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// When the next one may leave, if any is left.
pub fn find_next_due(
    tx: &mut dyn Tx,
    webhook_id: &str,
    is_ordered: bool,
) -> Result<Option<i64>, DbError> {
    let sql = format!(
        "select due_ms from deliveries d where webhook_id = $1 and state = 'pending' \
         and {IN_TURN} order by due_ms limit 1"
    );
    let row = tx.find(&sql, &[webhook_id.into(), is_ordered.into()])?;
    row.map(|row| row.int(0)).transpose()
}

/// What waits for the webhook may leave now.
pub fn hasten(tx: &mut dyn Tx, webhook_id: &str, now_ms: i64) -> Result<u64, DbError> {
    tx.execute(
        "update deliveries set due_ms = $1 \
         where webhook_id = $2 and state = 'pending' and due_ms > $1",
        &[now_ms.into(), webhook_id.into()],
    )
}

/// What waits for the webhook may leave now, as if nothing had been tried yet.
pub fn restart_pending(tx: &mut dyn Tx, webhook_id: &str, now_ms: i64) -> Result<u64, DbError> {
    tx.execute(
        "update deliveries set tries = 0, begun_ms = $1, due_ms = $1 \
         where webhook_id = $2 and state = 'pending'",
        &[now_ms.into(), webhook_id.into()],
    )
}

/// What waits for the webhook is never sent.
pub fn drop_pending(tx: &mut dyn Tx, webhook_id: &str) -> Result<u64, DbError> {
    tx.execute(
        "update deliveries set state = 'dropped' where webhook_id = $1 and state = 'pending'",
        &[webhook_id.into()],
    )
}

pub fn find_delivery(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Option<Delivery>, DbError> {
    let sql = format!("select {COLUMNS} from deliveries where shop_id = $1 and id = $2");
    find_one(tx, &sql, &[shop_id.into(), id.into()])
}

/// The delivery of an event to a webhook.
pub fn find_of_event(
    tx: &mut dyn Tx,
    webhook_id: &str,
    event_id: &str,
) -> Result<Option<Delivery>, DbError> {
    let sql = format!("select {COLUMNS} from deliveries where webhook_id = $1 and event_id = $2");
    find_one(tx, &sql, &[webhook_id.into(), event_id.into()])
}

/// Which deliveries to list. Empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub webhook_id: Option<String>,
    pub event_id: Option<String>,
    pub subject: Option<String>,
    pub state: Option<DeliveryState>,
    pub before_id: Option<String>,
}

/// The shop's deliveries, newest first.
pub fn list_deliveries(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let text = |text: &Option<String>| Value::from(text.as_deref().unwrap_or(""));
    let sql = format!(
        "select {COLUMNS} from deliveries where shop_id = $1 \
         and ($2 = '' or webhook_id = $2) and ($3 = '' or event_id = $3) \
         and ($4 = '' or subject = $4) and ($5 = '' or state = $5) \
         and ($6 = '' or id < $6) order by id desc limit $7"
    );
    let params = [
        shop_id.into(),
        text(&filter.webhook_id),
        text(&filter.event_id),
        text(&filter.subject),
        filter.state.map_or("", DeliveryState::as_str).into(),
        text(&filter.before_id),
        limit.into(),
    ];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// The deliveries of the events about one subject, oldest first.
pub fn list_of_subject(
    tx: &mut dyn Tx,
    shop_id: &str,
    subject: &str,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let sql = format!(
        "select {COLUMNS} from deliveries where subject = $1 and shop_id = $2 \
         order by event_seq, id limit $3"
    );
    let params = [subject.into(), shop_id.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// The webhook's failed deliveries after this event, in the order of their events.
pub fn list_failed(
    tx: &mut dyn Tx,
    webhook_id: &str,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let sql = format!(
        "select {COLUMNS} from deliveries where webhook_id = $1 and state = 'failed' \
         and event_seq > $2 order by event_seq limit $3"
    );
    let params = [webhook_id.into(), after_seq.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// How many of the webhook's deliveries wait.
pub fn count_pending(tx: &mut dyn Tx, webhook_id: &str) -> Result<i64, DbError> {
    let sql = "select count(*) from deliveries where webhook_id = $1 and state = 'pending'";
    tx.find(sql, &[webhook_id.into()])?.map_or(Ok(0), |row| row.int(0))
}

pub fn insert_attempt(tx: &mut dyn Tx, attempt: &Attempt) -> Result<(), DbError> {
    let a = attempt;
    tx.execute(
        "insert into delivery_attempts (id, delivery_id, at_ms, took_ms, status, error, reply) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            a.id.as_str().into(),
            a.delivery_id.as_str().into(),
            a.at_ms.into(),
            a.took_ms.into(),
            a.status.into(),
            a.error.clone().into(),
            a.reply.as_str().into(),
        ],
    )?;
    Ok(())
}

const ATTEMPT: &str = "a.id, a.delivery_id, a.at_ms, a.took_ms, a.status, a.error, a.reply";

/// The last attempts, oldest first.
/// Forgets some attempts from before that time.
pub fn delete_old_attempts(tx: &mut dyn Tx, before_ms: i64, limit: i64) -> Result<u64, DbError> {
    // Several webhooks sweep at once: none waits for what another forgets.
    let skip = tx.dialect().for_update_skip_locked();
    let sql = format!(
        "delete from delivery_attempts where id in (select id from delivery_attempts \
         where at_ms < $1 order by at_ms limit $2{skip})"
    );
    tx.execute(&sql, &[before_ms.into(), limit.into()])
}

pub fn list_attempts(
    tx: &mut dyn Tx,
    delivery_id: &str,
    limit: i64,
) -> Result<Vec<Attempt>, DbError> {
    let sql = format!(
        "select {ATTEMPT} from delivery_attempts a where delivery_id = $1 \
         order by at_ms desc, id desc limit $2"
    );
    let rows = tx.query(&sql, &[delivery_id.into(), limit.into()])?;
    rows.iter().rev().map(decode_attempt).collect()
}

fn decode_attempt(row: &Row) -> Result<Attempt, DbError> {
    Ok(Attempt {
        id: row.text(0)?,
        delivery_id: row.text(1)?,
        at_ms: row.int(2)?,
        took_ms: row.int(3)?,
        status: row.opt_int(4)?,
        error: row.opt_text(5)?,
        reply: row.text(6)?,
    })
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Delivery>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn decode(row: &Row) -> Result<Delivery, DbError> {
    let state = row.text(7)?;
    Ok(Delivery {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        webhook_id: row.text(2)?,
        event_id: row.text(3)?,
        event_seq: row.int(4)?,
        kind: row.text(5)?,
        subject: row.text(6)?,
        state: DeliveryState::parse(&state)
            .ok_or_else(|| DbError::Decode(format!("delivery state {state}")))?,
        attempts: row.int(8)?,
        tries: row.int(9)?,
        begun_ms: row.int(10)?,
        due_ms: row.int(11)?,
        status: row.opt_int(12)?,
        error: row.opt_text(13)?,
        delivered_ms: row.opt_int(14)?,
        created_ms: row.int(15)?,
    })
}
