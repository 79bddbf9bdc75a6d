//! SQL of shops, API keys and connections. Credentials pass through sealed.

use std::collections::BTreeMap;

use kopeck_banks::op::PayMethod;
use serde::{Deserialize, Serialize};

use super::{
    brand::{Brand, Color, Logo, LogoKind},
    model::{ApiKey, Routing, Scope, Shop},
};
use crate::kit::db::{DbError, Row, Tx};

/// A connection as it lies in the database: its credentials still sealed.
#[derive(Clone, Debug)]
pub struct SealedConnection {
    pub id: String,
    pub shop_id: String,
    pub bank: String,
    pub name: String,
    pub sealed: Vec<u8>,
    pub token_expires_ms: Option<i64>,
    pub notice_keys: String,
    pub notice_keys_ms: i64,
    pub swept_ms: i64,
    pub created_ms: i64,
}

pub fn insert_shop(tx: &mut dyn Tx, shop: &Shop) -> Result<(), DbError> {
    tx.execute(
        "insert into shops (id, name, created_ms) values ($1, $2, $3)",
        &[shop.id.as_str().into(), shop.name.as_str().into(), shop.created_ms.into()],
    )?;
    Ok(())
}

pub fn list_shops(tx: &mut dyn Tx) -> Result<Vec<Shop>, DbError> {
    let rows = tx.query("select id, name, created_ms from shops order by created_ms, id", &[])?;
    rows.iter()
        .map(|row| Ok(Shop { id: row.text(0)?, name: row.text(1)?, created_ms: row.int(2)? }))
        .collect()
}

pub fn rename_shop(tx: &mut dyn Tx, shop_id: &str, name: &str) -> Result<(), DbError> {
    tx.execute("update shops set name = $1 where id = $2", &[name.into(), shop_id.into()])?;
    Ok(())
}

pub fn find_shop(tx: &mut dyn Tx, shop_id: &str) -> Result<Option<Shop>, DbError> {
    let sql = "select id, name, created_ms from shops where id = $1";
    let row = tx.find(sql, &[shop_id.into()])?;
    row.map(|row| Ok(Shop { id: row.text(0)?, name: row.text(1)?, created_ms: row.int(2)? }))
        .transpose()
}

const KEY_COLUMNS: &str = "id, shop_id, name, prefix, created_ms, revoked_ms, scope";

fn decode_key(row: &Row) -> Result<ApiKey, DbError> {
    let scope = row.text(6)?;
    Ok(ApiKey {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        name: row.text(2)?,
        prefix: row.text(3)?,
        created_ms: row.int(4)?,
        revoked_ms: row.opt_int(5)?,
        scope: Scope::parse(&scope)
            .ok_or_else(|| DbError::Decode(format!("the scope {scope} of a key")))?,
    })
}

pub fn insert_key(tx: &mut dyn Tx, key: &ApiKey, hash: &str) -> Result<(), DbError> {
    tx.execute(
        "insert into api_keys (id, shop_id, name, hash, prefix, created_ms, scope) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            key.id.as_str().into(),
            key.shop_id.as_str().into(),
            key.name.as_str().into(),
            hash.into(),
            key.prefix.as_str().into(),
            key.created_ms.into(),
            key.scope.as_str().into(),
        ],
    )?;
    Ok(())
}

/// The key with this hash, revoked or not.
pub fn find_key_by_hash(tx: &mut dyn Tx, hash: &str) -> Result<Option<ApiKey>, DbError> {
    let sql = format!("select {KEY_COLUMNS} from api_keys where hash = $1");
    tx.find(&sql, &[hash.into()])?.map(|row| decode_key(&row)).transpose()
}

pub fn list_keys(tx: &mut dyn Tx, shop_id: &str) -> Result<Vec<ApiKey>, DbError> {
    let sql =
        format!("select {KEY_COLUMNS} from api_keys where shop_id = $1 order by created_ms, id");
    tx.query(&sql, &[shop_id.into()])?.iter().map(decode_key).collect()
}

/// `false` when there is no such key, or it was revoked before.
pub fn revoke_key(
    tx: &mut dyn Tx,
    shop_id: &str,
    key_id: &str,
    now_ms: i64,
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update api_keys set revoked_ms = $1 where shop_id = $2 and id = $3 and revoked_ms is null",
        &[now_ms.into(), shop_id.into(), key_id.into()],
    )?;
    Ok(touched > 0)
}

const CONNECTION_COLUMNS: &str = "id, shop_id, bank, name, sealed, token_expires_ms, notice_keys, \
     notice_keys_ms, swept_ms, created_ms";

fn decode_connection(row: &Row) -> Result<SealedConnection, DbError> {
    Ok(SealedConnection {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        bank: row.text(2)?,
        name: row.text(3)?,
        sealed: row.bytes(4)?,
        token_expires_ms: row.opt_int(5)?,
        notice_keys: row.text(6)?,
        notice_keys_ms: row.int(7)?,
        swept_ms: row.int(8)?,
        created_ms: row.int(9)?,
    })
}

pub fn insert_connection(tx: &mut dyn Tx, connection: &SealedConnection) -> Result<(), DbError> {
    let c = connection;
    tx.execute(
        "insert into connections (id, shop_id, bank, name, sealed, token_expires_ms, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            c.id.as_str().into(),
            c.shop_id.as_str().into(),
            c.bank.as_str().into(),
            c.name.as_str().into(),
            c.sealed.clone().into(),
            c.token_expires_ms.into(),
            c.created_ms.into(),
        ],
    )?;
    Ok(())
}

pub fn update_credentials(
    tx: &mut dyn Tx,
    connection_id: &str,
    sealed: Vec<u8>,
    token_expires_ms: Option<i64>,
) -> Result<(), DbError> {
    tx.execute(
        "update connections set sealed = $1, token_expires_ms = $2, refresh_lease_ms = 0 \
         where id = $3",
        &[sealed.into(), token_expires_ms.into(), connection_id.into()],
    )?;
    Ok(())
}

/// Takes the right to refresh the token until `until_ms`; `false` when somebody else has it.
pub fn lease_refresh(
    tx: &mut dyn Tx,
    connection_id: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update connections set refresh_lease_ms = $1 where id = $2 and refresh_lease_ms <= $3",
        &[until_ms.into(), connection_id.into(), now_ms.into()],
    )?;
    Ok(touched > 0)
}

pub fn update_notice_keys(
    tx: &mut dyn Tx,
    connection_id: &str,
    keys: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "update connections set notice_keys = $1, notice_keys_ms = $2 where id = $3",
        &[keys.into(), now_ms.into(), connection_id.into()],
    )?;
    Ok(())
}

/// Takes the turn to fetch the keys, once per interval among all processes.
pub fn lease_notice_keys(
    tx: &mut dyn Tx,
    connection_id: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update connections set notice_keys_ms = $1 where id = $2 and notice_keys_ms <= $3",
        &[now_ms.into(), connection_id.into(), until_ms.into()],
    )?;
    Ok(touched > 0)
}

pub fn update_swept(tx: &mut dyn Tx, connection_id: &str, now_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "update connections set swept_ms = $1 where id = $2",
        &[now_ms.into(), connection_id.into()],
    )?;
    Ok(())
}

/// By its id alone: for jobs and for the notice address, whose id cannot be guessed.
pub fn find_connection(
    tx: &mut dyn Tx,
    connection_id: &str,
) -> Result<Option<SealedConnection>, DbError> {
    let sql = format!(
        "select {CONNECTION_COLUMNS} from connections where id = $1 and disabled_ms is null"
    );
    tx.find(&sql, &[connection_id.into()])?.map(|row| decode_connection(&row)).transpose()
}

/// The shop's connections, oldest first.
pub fn list_connections(tx: &mut dyn Tx, shop_id: &str) -> Result<Vec<SealedConnection>, DbError> {
    let sql = format!(
        "select {CONNECTION_COLUMNS} from connections where shop_id = $1 \
         and disabled_ms is null order by created_ms, id"
    );
    tx.query(&sql, &[shop_id.into()])?.iter().map(decode_connection).collect()
}

/// Every live connection of every shop, for the daily sweep.
pub fn list_all_connections(tx: &mut dyn Tx) -> Result<Vec<SealedConnection>, DbError> {
    let sql = format!(
        "select {CONNECTION_COLUMNS} from connections where disabled_ms is null order by id"
    );
    tx.query(&sql, &[])?.iter().map(decode_connection).collect()
}

/// How a [`Routing`] lies in its column.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredRouting {
    order: Vec<String>,
    by_method: BTreeMap<String, Vec<String>>,
}

pub fn get_routing(tx: &mut dyn Tx, shop_id: &str) -> Result<Routing, DbError> {
    let row = tx.find("select routing from shops where id = $1", &[shop_id.into()])?;
    let text = row.map_or_else(|| Ok("{}".to_owned()), |row| row.text(0))?;
    let stored: StoredRouting =
        serde_json::from_str(&text).map_err(|e| DbError::Decode(format!("routing: {e}")))?;
    // A way to pay of a later version is left out rather than failing the shop.
    let known = stored.by_method.into_iter();
    let known = known.filter_map(|(word, banks)| Some((PayMethod::parse(&word)?, banks)));
    Ok(Routing { order: stored.order, by_method: known.collect() })
}

pub fn update_routing(tx: &mut dyn Tx, shop_id: &str, rule: &Routing) -> Result<(), DbError> {
    let words = rule.by_method.iter();
    let by_method = words.map(|(method, banks)| (method.as_str().to_owned(), banks.clone()));
    let stored = StoredRouting { order: rule.order.clone(), by_method: by_method.collect() };
    let text = serde_json::to_string(&stored).unwrap_or_default();
    tx.execute("update shops set routing = $1 where id = $2", &[text.into(), shop_id.into()])?;
    Ok(())
}

/// How the shop looks, without the picture itself.
pub fn get_brand(tx: &mut dyn Tx, shop_id: &str) -> Result<Brand, DbError> {
    let sql = "select accent, logo_kind, logo_hash from brands where shop_id = $1";
    let Some(row) = tx.find(sql, &[shop_id.into()])? else { return Ok(Brand::default()) };
    let accent = row.opt_text(0)?;
    let kind = row.opt_text(1)?.as_deref().and_then(LogoKind::parse);
    Ok(Brand { accent: accent.as_deref().and_then(Color::parse), logo: kind.zip(row.opt_text(2)?) })
}

pub fn find_logo(tx: &mut dyn Tx, shop_id: &str) -> Result<Option<Logo>, DbError> {
    let sql = "select logo_kind, logo from brands where shop_id = $1";
    let Some(row) = tx.find(sql, &[shop_id.into()])? else { return Ok(None) };
    let kind = row.opt_text(0)?.as_deref().and_then(LogoKind::parse);
    Ok(kind.zip(row.opt_bytes(1)?).map(|(kind, bytes)| Logo { kind, bytes }))
}

pub fn upsert_accent(
    tx: &mut dyn Tx,
    shop_id: &str,
    accent: Option<Color>,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into brands (shop_id, accent, changed_ms) values ($1, $2, $3) \
         on conflict (shop_id) do update set accent = excluded.accent, \
         changed_ms = excluded.changed_ms",
        &[shop_id.into(), accent.map(Color::to_css).into(), now_ms.into()],
    )?;
    Ok(())
}

/// `hash` is what the picture's content is known by.
pub fn upsert_logo(
    tx: &mut dyn Tx,
    shop_id: &str,
    logo: Option<(&Logo, &str)>,
    now_ms: i64,
) -> Result<(), DbError> {
    let kind = logo.map(|(logo, _)| logo.kind.as_str().to_owned());
    tx.execute(
        "insert into brands (shop_id, logo_kind, logo_hash, logo, changed_ms) \
         values ($1, $2, $3, $4, $5) \
         on conflict (shop_id) do update set logo_kind = excluded.logo_kind, \
         logo_hash = excluded.logo_hash, logo = excluded.logo, changed_ms = excluded.changed_ms",
        &[
            shop_id.into(),
            kind.into(),
            logo.map(|(_, hash)| hash.to_owned()).into(),
            logo.map(|(logo, _)| logo.bytes.clone()).into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}
