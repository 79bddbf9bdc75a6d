//! SQL of places and of what came by them.

use kopeck_banks::{Money, op::CodeKind};

use super::model::{Listing, Place, Totals, Transfer};
use crate::{
    kit::db::{DbError, Row, Tx, Value},
    payments::store::{decode_failure, encode_failure},
};

const COLUMNS: &str = "id, shop_id, connection_id, bank, kind, name, amount_kopecks, vat_kopecks, \
     purpose, ttl_minutes, point_id, account_id, code_id, code_url, asked_ms, failure, \
     suspended_ms, created_ms";

pub fn insert_place(tx: &mut dyn Tx, place: &Place) -> Result<(), DbError> {
    let p = place;
    tx.execute(
        "insert into places (id, shop_id, connection_id, bank, kind, name, amount_kopecks, \
         vat_kopecks, purpose, ttl_minutes, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            p.id.as_str().into(),
            p.shop_id.as_str().into(),
            p.connection_id.as_str().into(),
            p.bank.as_str().into(),
            p.kind.as_str().into(),
            p.name.as_str().into(),
            p.amount.into(),
            p.vat.into(),
            p.purpose.as_str().into(),
            p.ttl_minutes.into(),
            p.created_ms.into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change.
pub fn update_place(tx: &mut dyn Tx, place: &Place) -> Result<(), DbError> {
    let p = place;
    tx.execute(
        "update places set point_id = $1, account_id = $2, code_id = $3, code_url = $4, \
         asked_ms = $5, failure = $6, suspended_ms = $7 where id = $8 and shop_id = $9",
        &[
            p.point_id.clone().into(),
            p.account_id.clone().into(),
            p.code_id.clone().into(),
            p.code_url.clone().into(),
            p.asked_ms.into(),
            p.failure.as_ref().map(encode_failure).into(),
            p.suspended_ms.into(),
            p.id.as_str().into(),
            p.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Forgets a place that the bank never made.
pub fn delete_place(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<(), DbError> {
    tx.execute(
        "delete from places where id = $1 and shop_id = $2 and code_id is null \
         and failure is not null",
        &[id.into(), shop_id.into()],
    )?;
    Ok(())
}

pub fn find_place(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Option<Place>, DbError> {
    let sql = format!("select {COLUMNS} from places where id = $1 and shop_id = $2");
    find_one(tx, &sql, &[id.into(), shop_id.into()])
}

pub fn find_place_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Place>, DbError> {
    find_one(tx, &format!("select {COLUMNS} from places where id = $1"), &[id.into()])
}

/// The shop's place with this code at its bank.
pub fn find_by_code(
    tx: &mut dyn Tx,
    shop_id: &str,
    code_id: &str,
) -> Result<Option<Place>, DbError> {
    let sql = format!("select {COLUMNS} from places where shop_id = $1 and code_id = $2");
    find_one(tx, &sql, &[shop_id.into(), code_id.into()])
}

pub fn lock_place(tx: &mut dyn Tx, id: &str) -> Result<Option<Place>, DbError> {
    let lock = tx.dialect().for_update();
    find_one(tx, &format!("select {COLUMNS} from places where id = $1{lock}"), &[id.into()])
}

/// The place with this code; whoever holds it is alone with its transfers.
pub fn lock_place_of_code(
    tx: &mut dyn Tx,
    connection_id: &str,
    code_id: &str,
) -> Result<Option<Place>, DbError> {
    let lock = tx.dialect().for_update();
    let sql =
        format!("select {COLUMNS} from places where connection_id = $1 and code_id = $2{lock}");
    find_one(tx, &sql, &[connection_id.into(), code_id.into()])
}

/// The shop's places, newest first, at most `limit`.
pub fn list_places(
    tx: &mut dyn Tx,
    shop_id: &str,
    kind: Option<CodeKind>,
    before_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Place>, DbError> {
    let sql = format!(
        "select {COLUMNS} from places where shop_id = $1 and ($2 = '' or kind = $2) \
         and ($3 = '' or id < $3) order by id desc limit $4"
    );
    let kind = kind.map_or("", CodeKind::as_str);
    let params = [shop_id.into(), kind.into(), before_id.unwrap_or("").into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// When the first of the connection's codes was made that did not end before then, if it has any.
pub fn find_first_code(
    tx: &mut dyn Tx,
    connection_id: &str,
    before_ms: i64,
) -> Result<Option<i64>, DbError> {
    let row = tx.find(
        "select min(created_ms) from places where connection_id = $1 and code_id is not null \
         and (ttl_minutes is null or created_ms + ttl_minutes * 60000 >= $2)",
        &[connection_id.into(), before_ms.into()],
    )?;
    row.map_or(Ok(None), |row| row.opt_int(0))
}

/// The connections that have codes.
pub fn list_connections(tx: &mut dyn Tx) -> Result<Vec<String>, DbError> {
    let rows =
        tx.query("select distinct connection_id from places where code_id is not null", &[])?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Places with more transfers without a sum than lines that may be theirs, the longest waiting
/// first: with the moment since when, and the one before which nothing of that came.
pub fn list_waiting(
    tx: &mut dyn Tx,
    connection_id: &str,
    limit: i64,
) -> Result<Vec<(String, i64, i64)>, DbError> {
    let rows = tx.query(
        "select place_id, min(case when amount_kopecks is null then seen_ms end), \
         min(case when amount_kopecks is null then after_ms end) from transfers \
         where connection_id = $1 and (amount_kopecks is null or is_line = 1) group by place_id \
         having sum(case when amount_kopecks is null then 1 else -1 end) > 0 order by 2 limit $2",
        &[connection_id.into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?, row.int(2)?))).collect()
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Place>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn money(row: &Row, at: usize) -> Result<Option<Money>, DbError> {
    row.opt_int(at)?.map(|_| row.money(at)).transpose()
}

fn decode(row: &Row) -> Result<Place, DbError> {
    let kind = row.text(4)?;
    let ttl = row.opt_int(9)?.map(u32::try_from).transpose();
    Ok(Place {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        connection_id: row.text(2)?,
        bank: row.text(3)?,
        kind: CodeKind::parse(&kind).ok_or_else(|| DbError::Decode(format!("kind {kind}")))?,
        name: row.text(5)?,
        amount: money(row, 6)?,
        vat: money(row, 7)?,
        purpose: row.text(8)?,
        ttl_minutes: ttl.map_err(|_| DbError::Decode("ttl_minutes is no count".into()))?,
        point_id: row.opt_text(10)?,
        account_id: row.opt_text(11)?,
        code_id: row.opt_text(12)?,
        code_url: row.opt_text(13)?,
        asked_ms: row.opt_int(14)?,
        failure: row.opt_text(15)?.as_deref().map(decode_failure).transpose()?,
        suspended_ms: row.opt_int(16)?,
        created_ms: row.int(17)?,
    })
}

const TRANSFER: &str = "connection_id, key, place_id, amount_kopecks, after_ms, seen_ms, is_line, \
     is_late, payment_id";

/// Saves a transfer: a new one, or what is known of it now.
pub fn upsert_transfer(tx: &mut dyn Tx, transfer: &Transfer) -> Result<(), DbError> {
    let t = transfer;
    tx.execute(
        "insert into transfers (connection_id, key, place_id, amount_kopecks, after_ms, seen_ms, \
         is_line, is_late, payment_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         on conflict (connection_id, key) do update set \
         amount_kopecks = excluded.amount_kopecks, payment_id = excluded.payment_id",
        &[
            t.connection_id.as_str().into(),
            t.key.as_str().into(),
            t.place_id.as_str().into(),
            t.amount.into(),
            t.after_ms.into(),
            t.seen_ms.into(),
            t.is_line.into(),
            t.is_late.into(),
            t.payment_id.clone().into(),
        ],
    )?;
    Ok(())
}

pub fn delete_transfer(tx: &mut dyn Tx, transfer: &Transfer) -> Result<(), DbError> {
    tx.execute(
        "delete from transfers where connection_id = $1 and key = $2",
        &[transfer.connection_id.as_str().into(), transfer.key.as_str().into()],
    )?;
    Ok(())
}

/// Whether the transfer is a payment already.
pub fn is_payment(tx: &mut dyn Tx, connection_id: &str, key: &str) -> Result<bool, DbError> {
    let found = find_transfer(tx, connection_id, key)?;
    Ok(found.is_some_and(|transfer| transfer.payment_id.is_some()))
}

pub fn find_transfer(
    tx: &mut dyn Tx,
    connection_id: &str,
    key: &str,
) -> Result<Option<Transfer>, DbError> {
    let sql = format!("select {TRANSFER} from transfers where connection_id = $1 and key = $2");
    tx.find(&sql, &[connection_id.into(), key.into()])?.map(|row| decode_transfer(&row)).transpose()
}

/// A payment of this sum that only the statement told of, the oldest.
pub fn find_line(
    tx: &mut dyn Tx,
    place_id: &str,
    amount: Money,
) -> Result<Option<Transfer>, DbError> {
    let sql = format!(
        "select {TRANSFER} from transfers where place_id = $1 and is_line = 1 \
         and amount_kopecks = $2 order by seen_ms, key limit 1"
    );
    tx.find(&sql, &[place_id.into(), amount.into()])?.map(|row| decode_transfer(&row)).transpose()
}

/// The place's transfers since then, and those whose sums nobody told, whatever their age.
pub fn list_transfers(
    tx: &mut dyn Tx,
    place_id: &str,
    since_ms: i64,
) -> Result<Vec<Transfer>, DbError> {
    let sql = format!(
        "select {TRANSFER} from transfers where place_id = $1 \
         and (seen_ms >= $2 or amount_kopecks is null or is_line = 1) order by seen_ms, key"
    );
    tx.query(&sql, &[place_id.into(), since_ms.into()])?.iter().map(decode_transfer).collect()
}

fn decode_transfer(row: &Row) -> Result<Transfer, DbError> {
    Ok(Transfer {
        connection_id: row.text(0)?,
        key: row.text(1)?,
        place_id: row.text(2)?,
        amount: money(row, 3)?,
        after_ms: row.int(4)?,
        seen_ms: row.int(5)?,
        is_line: row.flag(6)?,
        is_late: row.flag(7)?,
        payment_id: row.opt_text(8)?,
    })
}

pub fn count_totals(tx: &mut dyn Tx, place_id: &str) -> Result<Totals, DbError> {
    let row = tx.find(
        "select count(payment_id), cast(coalesce(sum(amount_kopecks), 0) as bigint), \
         cast(coalesce(sum(case when amount_kopecks is null then 1 else -is_line end), 0) \
         as bigint), cast(coalesce(sum(is_late), 0) as bigint) from transfers where place_id = $1",
        &[place_id.into()],
    )?;
    let Some(row) = row else { return Ok(Totals::default()) };
    Ok(Totals {
        payments: row.int(0)?,
        paid: row.money(1)?,
        unsummed: row.int(2)?.max(0),
        late: row.int(3)?,
    })
}

pub fn find_listing(tx: &mut dyn Tx, connection_id: &str) -> Result<Option<Listing>, DbError> {
    let row = tx.find(
        "select connection_id, listed_ms, statement_id, statement_account, statement_due_ms, \
         statement_tries from listings where connection_id = $1",
        &[connection_id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Listing {
        connection_id: row.text(0)?,
        listed_ms: row.int(1)?,
        statement: row.opt_text(2)?.zip(row.opt_text(3)?),
        statement_due_ms: row.int(4)?,
        statement_tries: u32::try_from(row.int(5)?).unwrap_or_default(),
    }))
}

pub fn upsert_listing(tx: &mut dyn Tx, listing: &Listing) -> Result<(), DbError> {
    let l = listing;
    let (id, account) = l.statement.clone().unzip();
    tx.execute(
        "insert into listings (connection_id, listed_ms, statement_id, statement_account, \
         statement_due_ms, statement_tries) values ($1, $2, $3, $4, $5, $6) \
         on conflict (connection_id) do update set listed_ms = excluded.listed_ms, \
         statement_id = excluded.statement_id, statement_account = excluded.statement_account, \
         statement_due_ms = excluded.statement_due_ms, statement_tries = excluded.statement_tries",
        &[
            l.connection_id.as_str().into(),
            l.listed_ms.into(),
            id.into(),
            account.into(),
            l.statement_due_ms.into(),
            l.statement_tries.into(),
        ],
    )?;
    Ok(())
}
