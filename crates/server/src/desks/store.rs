//! SQL of sales and of clerks' links.

use kopeck_banks::{
    Money,
    op::{BankStatus, SbpPayment},
};

use super::model::{ClerkLink, Doubt, Ending, Sale};
use crate::{
    kit::{
        clock::timestamp,
        db::{DbError, Row, Tx, Value},
    },
    payments::store::{decode_failure, encode_failure},
};

const COLUMNS: &str = "id, shop_id, place_id, connection_id, amount_kopecks, purpose, \
     ttl_minutes, clerk, asked_ms, looks, looked_ms, arming_id, is_paying, cancel_ms, \
     disarm_asked_ms, until_ms, ending, ended_ms, failure, payment_id, trx_id, created_ms";

/// Refused as taken while the desk has another sale.
pub fn insert_sale(tx: &mut dyn Tx, sale: &Sale) -> Result<(), DbError> {
    let s = sale;
    tx.execute(
        "insert into sales (id, shop_id, place_id, connection_id, live_place_id, amount_kopecks, \
         purpose, ttl_minutes, clerk, until_ms, created_ms) \
         values ($1, $2, $3, $4, $3, $5, $6, $7, $8, $9, $10)",
        &[
            s.id.as_str().into(),
            s.shop_id.as_str().into(),
            s.place_id.as_str().into(),
            s.connection_id.as_str().into(),
            s.amount.into(),
            s.purpose.as_str().into(),
            s.ttl_minutes.into(),
            s.clerk.clone().into(),
            s.until_ms.into(),
            s.created_ms.into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change; a sale that is over makes room at its desk.
pub fn update_sale(tx: &mut dyn Tx, sale: &Sale) -> Result<(), DbError> {
    let s = sale;
    let live = (!s.is_over()).then(|| s.place_id.clone());
    tx.execute(
        "update sales set live_place_id = $1, asked_ms = $2, looks = $3, looked_ms = $4, \
         arming_id = $5, is_paying = $6, cancel_ms = $7, disarm_asked_ms = $8, until_ms = $9, \
         ending = $10, ended_ms = $11, failure = $12, payment_id = $13, trx_id = $14 \
         where id = $15 and shop_id = $16",
        &[
            live.into(),
            s.asked_ms.into(),
            s.looks.into(),
            s.looked_ms.into(),
            s.arming_id.clone().into(),
            s.is_paying.into(),
            s.cancel_ms.into(),
            s.disarm_asked_ms.into(),
            s.until_ms.into(),
            s.ending.map(Ending::as_str).map(str::to_owned).into(),
            s.ended_ms.into(),
            s.failure.as_ref().map(encode_failure).into(),
            s.payment_id.clone().into(),
            s.trx_id.clone().into(),
            s.id.as_str().into(),
            s.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

pub fn find_sale(tx: &mut dyn Tx, id: &str) -> Result<Option<Sale>, DbError> {
    find_one(tx, &format!("select {COLUMNS} from sales where id = $1"), &[id.into()])
}

/// The sale that goes on at the desk.
pub fn find_live(tx: &mut dyn Tx, place_id: &str) -> Result<Option<Sale>, DbError> {
    let sql = format!("select {COLUMNS} from sales where live_place_id = $1");
    find_one(tx, &sql, &[place_id.into()])
}

/// The desk's last sale, over or not.
pub fn find_last(tx: &mut dyn Tx, place_id: &str) -> Result<Option<Sale>, DbError> {
    let sql = format!("select {COLUMNS} from sales where place_id = $1 order by id desc limit 1");
    find_one(tx, &sql, &[place_id.into()])
}

pub fn find_by_arming(
    tx: &mut dyn Tx,
    place_id: &str,
    arming_id: &str,
) -> Result<Option<Sale>, DbError> {
    let sql = format!("select {COLUMNS} from sales where place_id = $1 and arming_id = $2");
    find_one(tx, &sql, &[place_id.into(), arming_id.into()])
}

pub fn find_by_transfer(
    tx: &mut dyn Tx,
    place_id: &str,
    trx_id: &str,
) -> Result<Option<Sale>, DbError> {
    let sql = format!("select {COLUMNS} from sales where place_id = $1 and trx_id = $2");
    find_one(tx, &sql, &[place_id.into(), trx_id.into()])
}

/// The desk's sales since then that a transfer may have paid, newest first: those that the bank may
/// have armed and nobody paid, and those whose transfer has no name yet.
pub fn list_meant(tx: &mut dyn Tx, place_id: &str, since_ms: i64) -> Result<Vec<Sale>, DbError> {
    let sql = format!(
        "select {COLUMNS} from sales where place_id = $1 and created_ms >= $2 \
         and asked_ms is not null and (payment_id is null or trx_id is null) \
         order by id desc limit 500"
    );
    tx.query(&sql, &[place_id.into(), since_ms.into()])?.iter().map(decode).collect()
}

/// Whether a transfer of this id became a payment of the desk already.
pub fn find_payment_of_transfer(
    tx: &mut dyn Tx,
    place_id: &str,
    trx_id: &str,
) -> Result<Option<String>, DbError> {
    let row = tx.find(
        "select id from payments where place_id = $1 and sbp_trx_id = $2 limit 1",
        &[place_id.into(), trx_id.into()],
    )?;
    row.map(|row| row.text(0)).transpose()
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Sale>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn count(row: &Row, at: usize) -> Result<u32, DbError> {
    u32::try_from(row.int(at)?).map_err(|_| DbError::Decode(format!("column {at} is no count")))
}

fn decode(row: &Row) -> Result<Sale, DbError> {
    let ending = row.opt_text(16)?;
    let parse = |word: String| {
        Ending::parse(&word).ok_or_else(|| DbError::Decode(format!("ending {word}")))
    };
    Ok(Sale {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        place_id: row.text(2)?,
        connection_id: row.text(3)?,
        amount: row.money(4)?,
        purpose: row.text(5)?,
        ttl_minutes: count(row, 6)?,
        clerk: row.opt_text(7)?,
        asked_ms: row.opt_int(8)?,
        looks: count(row, 9)?,
        looked_ms: row.int(10)?,
        arming_id: row.opt_text(11)?,
        is_paying: row.flag(12)?,
        cancel_ms: row.opt_int(13)?,
        disarm_asked_ms: row.opt_int(14)?,
        until_ms: row.int(15)?,
        ending: ending.map(parse).transpose()?,
        ended_ms: row.opt_int(17)?,
        failure: row.opt_text(18)?.as_deref().map(decode_failure).transpose()?,
        payment_id: row.opt_text(19)?,
        trx_id: row.opt_text(20)?,
        created_ms: row.int(21)?,
    })
}

pub fn insert_link(tx: &mut dyn Tx, link: &ClerkLink, hash: &str) -> Result<(), DbError> {
    tx.execute(
        "insert into clerk_links (id, place_id, name, hash, created_ms) \
         values ($1, $2, $3, $4, $5)",
        &[
            link.id.as_str().into(),
            link.place_id.as_str().into(),
            link.name.as_str().into(),
            hash.into(),
            link.created_ms.into(),
        ],
    )?;
    Ok(())
}

const LINK: &str = "id, place_id, name, created_ms, revoked_ms";

/// Revoked ones are not found.
pub fn find_link(tx: &mut dyn Tx, hash: &str) -> Result<Option<ClerkLink>, DbError> {
    let sql = format!("select {LINK} from clerk_links where hash = $1 and revoked_ms is null");
    tx.find(&sql, &[hash.into()])?.map(|row| decode_link(&row)).transpose()
}

pub fn list_links(tx: &mut dyn Tx, place_id: &str) -> Result<Vec<ClerkLink>, DbError> {
    let sql = format!("select {LINK} from clerk_links where place_id = $1 order by id");
    tx.query(&sql, &[place_id.into()])?.iter().map(decode_link).collect()
}

/// Returns whether there was such a link to revoke.
pub fn revoke_link(
    tx: &mut dyn Tx,
    place_id: &str,
    id: &str,
    now_ms: i64,
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update clerk_links set revoked_ms = $1 where id = $2 and place_id = $3 \
         and revoked_ms is null",
        &[now_ms.into(), id.into(), place_id.into()],
    )?;
    Ok(touched > 0)
}

fn decode_link(row: &Row) -> Result<ClerkLink, DbError> {
    Ok(ClerkLink {
        id: row.text(0)?,
        place_id: row.text(1)?,
        name: row.text(2)?,
        created_ms: row.int(3)?,
        revoked_ms: row.opt_int(4)?,
    })
}

pub fn insert_doubt(tx: &mut dyn Tx, doubt: &Doubt) -> Result<(), DbError> {
    let seen = &doubt.seen;
    tx.execute(
        "insert into desk_doubts (id, place_id, code_id, trx_id, ref_id, amount_kopecks, at_ms, \
         payer_name, payer_phone, purpose, seen_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            doubt.id.as_str().into(),
            doubt.place_id.as_str().into(),
            seen.code_id.as_str().into(),
            seen.trx_id.clone().into(),
            seen.ref_id.clone().into(),
            seen.amount.into(),
            seen.at.map(|at| at.as_millisecond()).into(),
            seen.payer_name.clone().into(),
            seen.payer_phone.clone().into(),
            seen.purpose.clone().into(),
            doubt.seen_ms.into(),
        ],
    )?;
    Ok(())
}

pub fn find_doubt(tx: &mut dyn Tx, id: &str) -> Result<Option<Doubt>, DbError> {
    let row = tx.find(
        "select id, place_id, code_id, trx_id, ref_id, amount_kopecks, at_ms, payer_name, \
         payer_phone, purpose, seen_ms from desk_doubts where id = $1",
        &[id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let amount: Option<Money> = row.opt_int(5)?.map(|_| row.money(5)).transpose()?;
    let seen = SbpPayment {
        code_id: row.text(2)?,
        trx_id: row.opt_text(3)?,
        ref_id: row.opt_text(4)?,
        status: Some(BankStatus::Paid),
        amount,
        at: row.opt_int(6)?.map(timestamp),
        payer_name: row.opt_text(7)?,
        payer_phone: row.opt_text(8)?,
        purpose: row.opt_text(9)?,
        ..SbpPayment::default()
    };
    Ok(Some(Doubt { id: row.text(0)?, place_id: row.text(1)?, seen, seen_ms: row.int(10)? }))
}

pub fn delete_doubt(tx: &mut dyn Tx, id: &str) -> Result<(), DbError> {
    tx.execute("delete from desk_doubts where id = $1", &[id.into()])?;
    Ok(())
}
