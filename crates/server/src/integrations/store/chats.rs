//! SQL of customers' chats and of the links by which they begin.

use crate::{
    integrations::model::{Chat, StartLink},
    kit::db::{DbError, Row, Tx},
};

const COLUMNS: &str = "integration_id, address_key, shop_id, customer_id, address, bound_ms, \
     ended_ms, ended_code";

/// A chat is one customer's: whoever binds it last.
pub fn bind(tx: &mut dyn Tx, chat: &Chat) -> Result<(), DbError> {
    tx.execute(
        "insert into chats (integration_id, address_key, shop_id, customer_id, address, bound_ms) \
         values ($1, $2, $3, $4, $5, $6) on conflict (integration_id, address_key) do update \
         set customer_id = excluded.customer_id, address = excluded.address, \
         bound_ms = excluded.bound_ms, ended_ms = null, ended_code = null",
        &[
            chat.integration_id.as_str().into(),
            chat.address_key.as_str().into(),
            chat.shop_id.as_str().into(),
            chat.customer_id.as_str().into(),
            chat.address.clone().into(),
            chat.bound_ms.into(),
        ],
    )?;
    Ok(())
}

/// The shop's word that nothing goes there any more outlasts the reader's own.
pub fn unbind(
    tx: &mut dyn Tx,
    (integration_id, address_key): (&str, &str),
    (now_ms, code): (i64, &str),
) -> Result<(), DbError> {
    tx.execute(
        "update chats set ended_ms = coalesce(ended_ms, $1), ended_code = $2 \
         where integration_id = $3 and address_key = $4",
        &[now_ms.into(), code.into(), integration_id.into(), address_key.into()],
    )?;
    Ok(())
}

/// Nothing goes there any more; of one that has ended the first reason stays.
pub fn end(
    tx: &mut dyn Tx,
    (integration_id, address_key): (&str, &str),
    (now_ms, code): (i64, &str),
) -> Result<(), DbError> {
    tx.execute(
        "update chats set ended_ms = $1, ended_code = $2 \
         where integration_id = $3 and address_key = $4 and ended_ms is null",
        &[now_ms.into(), code.into(), integration_id.into(), address_key.into()],
    )?;
    Ok(())
}

/// The reader lets the bot write again; what the shop ended stays ended.
pub fn resume(
    tx: &mut dyn Tx,
    (integration_id, address_key): (&str, &str),
    kept_code: &str,
) -> Result<(), DbError> {
    tx.execute(
        "update chats set ended_ms = null, ended_code = null \
         where integration_id = $1 and address_key = $2 and ended_code <> $3",
        &[integration_id.into(), address_key.into(), kept_code.into()],
    )?;
    Ok(())
}

/// A customer's chats with bots that are still set up, the newest first.
pub fn list(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<Vec<(Chat, String)>, DbError> {
    let columns = COLUMNS.split(", ").map(|it| format!("c.{}", it.trim()));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select {columns}, i.service from chats c join integrations i on i.id = c.integration_id \
         where c.shop_id = $1 and c.customer_id = $2 and i.removed_ms is null \
         order by c.bound_ms desc, c.address_key limit 100"
    );
    let decode = |row: &Row| Ok((decode(row)?, row.text(8)?));
    tx.query(&sql, &[shop_id.into(), customer_id.into()])?.iter().map(decode).collect()
}

fn decode(row: &Row) -> Result<Chat, DbError> {
    Ok(Chat {
        integration_id: row.text(0)?,
        address_key: row.text(1)?,
        shop_id: row.text(2)?,
        customer_id: row.text(3)?,
        address: row.bytes(4)?,
        bound_ms: row.int(5)?,
        ended: row.opt_int(6)?.zip(row.opt_text(7)?),
    })
}

pub fn insert_start_link(tx: &mut dyn Tx, link: &StartLink, now_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "insert into start_links (id, integration_id, shop_id, customer_id, until_ms, created_ms) \
         values ($1, $2, $3, $4, $5, $6)",
        &[
            link.id.as_str().into(),
            link.integration_id.as_str().into(),
            link.shop_id.as_str().into(),
            link.customer_id.as_str().into(),
            link.until_ms.into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// Uses it up; `None` for one that was used or is none of this bot's.
pub fn use_start_link(
    tx: &mut dyn Tx,
    integration_id: &str,
    id: &str,
    now_ms: i64,
) -> Result<Option<StartLink>, DbError> {
    let used = tx.execute(
        "update start_links set used_ms = $1 \
         where id = $2 and integration_id = $3 and used_ms is null",
        &[now_ms.into(), id.into(), integration_id.into()],
    )?;
    if used == 0 {
        return Ok(None);
    }
    let row = tx.find(
        "select id, integration_id, shop_id, customer_id, until_ms from start_links where id = $1",
        &[id.into()],
    )?;
    let decode = |row: Row| {
        Ok(StartLink {
            id: row.text(0)?,
            integration_id: row.text(1)?,
            shop_id: row.text(2)?,
            customer_id: row.text(3)?,
            until_ms: row.int(4)?,
        })
    };
    row.map(decode).transpose()
}
