//! SQL of the outbox.

use super::{NewEvent, StoredEvent};
use crate::kit::db::{DbError, Row, Tx};

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only events numbered after this one.
    pub after_seq: i64,
    pub kind: Option<String>,
    pub subject_id: Option<String>,
}

const COLUMNS: &str = "id, seq, kind, subject_id, once, at_ms, body";

/// Writes the event unless this cause was announced before; says whether it wrote.
///
/// Taking the number locks the shop's row until the commit, so numbers become visible in order and
/// a reader that remembers the last one never misses any.
pub fn insert_event(tx: &mut dyn Tx, event: &NewEvent<'_>) -> Result<bool, DbError> {
    let once = match event.about {
        Some(about) => format!("{}:{about}", event.kind.as_str()),
        None => event.kind.as_str().to_owned(),
    };
    let seen = tx.find(
        "select 1 from events where subject_id = $1 and once = $2",
        &[event.subject_id.into(), once.as_str().into()],
    )?;
    if seen.is_some() {
        return Ok(false);
    }
    let row = tx.find(
        "update shops set event_seq = event_seq + 1 where id = $1 returning event_seq",
        &[event.shop_id.into()],
    )?;
    let seq = row.ok_or_else(|| DbError::Decode("no such shop".into()))?.int(0)?;
    tx.execute(
        "insert into events (id, shop_id, seq, kind, subject_id, once, at_ms, body) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            event.id.as_str().into(),
            event.shop_id.into(),
            seq.into(),
            event.kind.as_str().into(),
            event.subject_id.into(),
            once.into(),
            event.at_ms.into(),
            event.body.into(),
        ],
    )?;
    Ok(true)
}

/// The number of the shop's last event; 0 if there is none.
pub fn find_last_seq(tx: &mut dyn Tx, shop_id: &str) -> Result<i64, DbError> {
    let row = tx.find("select event_seq from shops where id = $1", &[shop_id.into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

fn decode(row: &Row) -> Result<StoredEvent, DbError> {
    let once = row.text(4)?;
    // What happens again to the same receipt has its number after a space.
    let about = once.split_once(':').map(|(_, about)| about.split(' ').next().unwrap_or(about));
    Ok(StoredEvent {
        id: row.text(0)?,
        seq: row.int(1)?,
        kind: row.text(2)?,
        subject_id: row.text(3)?,
        about: about.map(str::to_owned),
        at_ms: row.int(5)?,
        body: row.text(6)?,
    })
}

pub fn find_event(
    tx: &mut dyn Tx,
    shop_id: &str,
    event_id: &str,
) -> Result<Option<StoredEvent>, DbError> {
    let sql = format!("select {COLUMNS} from events where shop_id = $1 and id = $2");
    tx.find(&sql, &[shop_id.into(), event_id.into()])?.map(|row| decode(&row)).transpose()
}

/// At most `limit` events in the order they happened.
pub fn list_events(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<StoredEvent>, DbError> {
    let sql = format!(
        "select {COLUMNS} from events where shop_id = $1 and seq > $2 \
         and ($3 = '' or kind = $3) and ($4 = '' or subject_id = $4) order by seq limit $5"
    );
    let params = [
        shop_id.into(),
        filter.after_seq.into(),
        filter.kind.as_deref().unwrap_or("").into(),
        filter.subject_id.as_deref().unwrap_or("").into(),
        limit.into(),
    ];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

pub fn list_events_of_payment(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Vec<StoredEvent>, DbError> {
    let filter = EventFilter { subject_id: Some(payment_id.to_owned()), ..Default::default() };
    list_events(tx, shop_id, &filter, 1_000)
}
