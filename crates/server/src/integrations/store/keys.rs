//! SQL of keys of addresses that older versions made: each is moved once, and where the new one is
//! there already, the old one goes.

use crate::kit::db::{DbError, Row, Tx};

/// Plain hashes were longer than what takes their place.
const IS_OLD: &str = "length(address_key) = 64";

/// A sending under an older key.
pub struct OldSending {
    pub id: String,
    pub shop_id: String,
    pub integration_id: String,
    pub address: Vec<u8>,
    pub address_key: String,
}

/// An address under an older key.
pub struct OldAddress {
    pub integration_id: String,
    pub address: Vec<u8>,
    pub address_key: String,
}

pub fn list_old_sendings(
    tx: &mut dyn Tx,
    after_id: &str,
    limit: i64,
) -> Result<Vec<OldSending>, DbError> {
    let sql = format!(
        "select id, shop_id, integration_id, address, address_key from sendings \
         where id > $1 and {IS_OLD} order by id limit $2"
    );
    let decode = |row: &Row| {
        Ok(OldSending {
            id: row.text(0)?,
            shop_id: row.text(1)?,
            integration_id: row.text(2)?,
            address: row.bytes(3)?,
            address_key: row.text(4)?,
        })
    };
    tx.query(&sql, &[after_id.into(), limit.into()])?.iter().map(decode).collect()
}

/// Of chats, and of those who hear of a payment and were sent nothing yet.
pub fn list_old_addresses(tx: &mut dyn Tx) -> Result<Vec<OldAddress>, DbError> {
    let sql = format!(
        "select integration_id, address, address_key from chats where {IS_OLD} \
         union select integration_id, address, address_key from recipients where {IS_OLD}"
    );
    let decode = |row: &Row| {
        Ok(OldAddress {
            integration_id: row.text(0)?,
            address: row.bytes(1)?,
            address_key: row.text(2)?,
        })
    };
    tx.query(&sql, &[])?.iter().map(decode).collect()
}

/// One that told the same event under the new key already keeps its old one: it is history.
pub fn move_sending(tx: &mut dyn Tx, id: &str, key: &str) -> Result<(), DbError> {
    tx.execute(
        "update sendings set address_key = $1 where id = $2 and not exists (select 1 \
         from sendings o where o.integration_id = sendings.integration_id \
         and o.event_id = sendings.event_id and o.address_key = $1)",
        &[key.into(), id.into()],
    )?;
    Ok(())
}

/// Wherever else the address stands.
pub fn move_address(
    tx: &mut dyn Tx,
    integration_id: &str,
    (old, new): (&str, &str),
) -> Result<(), DbError> {
    for (table, same) in [
        ("ended_addresses", ""),
        ("chats", ""),
        ("recipients", "and o.payment_id = recipients.payment_id"),
    ] {
        let moving = format!(
            "update {table} set address_key = $1 where integration_id = $2 and address_key = $3 \
             and not exists (select 1 from {table} o where o.integration_id = $2 \
             and o.address_key = $1 {same})"
        );
        tx.execute(&moving, &[new.into(), integration_id.into(), old.into()])?;
        let rest = format!("delete from {table} where integration_id = $1 and address_key = $2");
        tx.execute(&rest, &[integration_id.into(), old.into()])?;
    }
    Ok(())
}

pub fn move_opt_out(
    tx: &mut dyn Tx,
    (shop_id, service): (&str, &str),
    (old, new): (&str, &str),
) -> Result<(), DbError> {
    tx.execute(
        "update opt_outs set address_key = $1 where shop_id = $2 and service = $3 \
         and address_key = $4 and not exists (select 1 from opt_outs o where o.shop_id = $2 \
         and o.service = $3 and o.address_key = $1)",
        &[new.into(), shop_id.into(), service.into(), old.into()],
    )?;
    tx.execute(
        "delete from opt_outs where shop_id = $1 and service = $2 and address_key = $3",
        &[shop_id.into(), service.into(), old.into()],
    )?;
    Ok(())
}
