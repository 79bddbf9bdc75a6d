//! SQL of integrations, of who hears by them, and of addresses that have ended.

pub mod chats;
pub mod keys;
pub mod replaced;
pub mod sendings;
pub mod shared;

use kopeck_integrations::{Kind, Lang};

use super::model::Linked;
use crate::kit::db::{DbError, Row, Tx, Value};

const COLUMNS: &str = "id, shop_id, service, sealed, news_to, news, seen_seq, sent_ms, \
     stopped_ms, stopped_code, removed_ms, created_ms, payer_news, lang";

pub fn insert_integration(tx: &mut dyn Tx, linked: &Linked) -> Result<(), DbError> {
    tx.execute(
        "insert into integrations (id, shop_id, service, sealed, news, payer_news, seen_seq, \
         created_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            linked.id.as_str().into(),
            linked.shop_id.as_str().into(),
            linked.service.as_str().into(),
            linked.sealed.clone().into(),
            encode_news(&linked.news).into(),
            encode_news(&linked.payer_news).into(),
            linked.seen_seq.into(),
            linked.created_ms.into(),
        ],
    )?;
    update_integration(tx, linked)
}

/// Saves what can change.
pub fn update_integration(tx: &mut dyn Tx, linked: &Linked) -> Result<(), DbError> {
    tx.execute(
        "update integrations set sealed = $1, news_to = $2, news = $3, seen_seq = $4, \
         sent_ms = $5, stopped_ms = $6, stopped_code = $7, removed_ms = $8, payer_news = $9, \
         lang = $10 where id = $11",
        &[
            linked.sealed.clone().into(),
            linked.news_to.clone().into(),
            encode_news(&linked.news).into(),
            linked.seen_seq.into(),
            linked.sent_ms.into(),
            linked.stopped.as_ref().map(|(at_ms, _)| *at_ms).into(),
            linked.stopped.as_ref().map(|(_, code)| code.clone()).into(),
            linked.removed_ms.into(),
            encode_news(&linked.payer_news).into(),
            lang_word(linked.lang).into(),
            linked.id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Removed ones are not found.
pub fn find_integration(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Option<Linked>, DbError> {
    let sql = format!(
        "select {COLUMNS} from integrations where shop_id = $1 and id = $2 and removed_ms is null"
    );
    find_one(tx, &sql, &[shop_id.into(), id.into()])
}

/// For the story of what was sent: removed ones too.
pub fn find_any_integration(tx: &mut dyn Tx, id: &str) -> Result<Option<Linked>, DbError> {
    find_one(tx, &format!("select {COLUMNS} from integrations where id = $1"), &[id.into()])
}

/// Holds the row until the transaction ends.
pub fn lock_integration(tx: &mut dyn Tx, id: &str) -> Result<Option<Linked>, DbError> {
    let lock = tx.dialect().for_update();
    let sql =
        format!("select {COLUMNS} from integrations where id = $1 and removed_ms is null{lock}");
    find_one(tx, &sql, &[id.into()])
}

/// The shop's integrations, newest first.
pub fn list_integrations(tx: &mut dyn Tx, shop_id: &str) -> Result<Vec<Linked>, DbError> {
    let sql = format!(
        "select {COLUMNS} from integrations where shop_id = $1 and removed_ms is null \
         order by id desc"
    );
    tx.query(&sql, &[shop_id.into()])?.iter().map(decode).collect()
}

/// Integrations that have not looked at all of their shop's events.
pub fn list_behind(tx: &mut dyn Tx, limit: i64) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "select i.id from integrations i join shops s on s.id = i.shop_id \
         where i.seen_seq < s.event_seq and i.removed_ms is null order by i.id limit $1",
        &[limit.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Up to where a messenger's updates were heard.
pub fn find_marker(tx: &mut dyn Tx, id: &str) -> Result<i64, DbError> {
    let sql = "select updates_marker from integrations where id = $1";
    tx.find(sql, &[id.into()])?.map_or(Ok(0), |row| row.int(0))
}

pub fn update_marker(tx: &mut dyn Tx, id: &str, marker: i64) -> Result<(), DbError> {
    let sql = "update integrations set updates_marker = $1 where id = $2";
    tx.execute(sql, &[marker.into(), id.into()]).map(|_| ())
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Linked>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn encode_news(news: &[Kind]) -> String {
    let words: Vec<&str> = news.iter().map(|kind| kind.as_str()).collect();
    serde_json::to_string(&words).unwrap_or_default()
}

pub(super) fn word<T>(text: &str, value: Option<T>) -> Result<T, DbError> {
    value.ok_or_else(|| DbError::Decode(format!("the word {text}")))
}

fn decode_news(text: &str) -> Result<Vec<Kind>, DbError> {
    let news: Vec<String> =
        serde_json::from_str(text).map_err(|error| DbError::Decode(format!("news: {error}")))?;
    news.iter().map(|text| word(text, Kind::parse(text))).collect()
}

const fn lang_word(lang: Lang) -> &'static str {
    match lang {
        Lang::Ru => "ru",
        Lang::En => "en",
    }
}

fn decode(row: &Row) -> Result<Linked, DbError> {
    let lang = row.text(13)?;
    Ok(Linked {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        service: row.text(2)?,
        sealed: row.bytes(3)?,
        news_to: row.opt_bytes(4)?,
        news: decode_news(&row.text(5)?)?,
        payer_news: decode_news(&row.text(12)?)?,
        lang: word(&lang, Lang::parse(&lang))?,
        seen_seq: row.int(6)?,
        sent_ms: row.int(7)?,
        stopped: row.opt_int(8)?.zip(row.opt_text(9)?),
        removed_ms: row.opt_int(10)?,
        created_ms: row.int(11)?,
    })
}

/// Whoever hears of one payment: his address, its key, and the shop's last event when he came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub address_key: String,
    /// Sealed.
    pub address: Vec<u8>,
    pub since_seq: i64,
}

/// The address hears of all that becomes of the payment; telling it twice is once.
pub fn insert_recipient(
    tx: &mut dyn Tx,
    payment_id: &str,
    integration_id: &str,
    recipient: &Recipient,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into recipients (payment_id, integration_id, address_key, address, since_seq, \
         created_ms) values ($1, $2, $3, $4, $5, $6) \
         on conflict (payment_id, integration_id, address_key) do nothing",
        &[
            payment_id.into(),
            integration_id.into(),
            recipient.address_key.as_str().into(),
            recipient.address.clone().into(),
            recipient.since_seq.into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// The address has become another one.
pub fn delete_recipient(
    tx: &mut dyn Tx,
    payment_id: &str,
    integration_id: &str,
    key: &str,
) -> Result<(), DbError> {
    tx.execute(
        "delete from recipients where payment_id = $1 and integration_id = $2 \
         and address_key = $3",
        &[payment_id.into(), integration_id.into(), key.into()],
    )?;
    Ok(())
}

pub fn list_recipients(
    tx: &mut dyn Tx,
    payment_id: &str,
    integration_id: &str,
) -> Result<Vec<Recipient>, DbError> {
    let rows = tx.query(
        "select address_key, address, since_seq from recipients where payment_id = $1 \
         and integration_id = $2 order by address_key",
        &[payment_id.into(), integration_id.into()],
    )?;
    let decode = |row: &Row| {
        Ok(Recipient { address_key: row.text(0)?, address: row.bytes(1)?, since_seq: row.int(2)? })
    };
    rows.iter().map(decode).collect()
}

pub fn insert_ended_address(
    tx: &mut dyn Tx,
    integration_id: &str,
    key: &str,
    code: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into ended_addresses (integration_id, address_key, code, ended_ms) \
         values ($1, $2, $3, $4) on conflict (integration_id, address_key) do update \
         set code = excluded.code, ended_ms = excluded.ended_ms",
        &[integration_id.into(), key.into(), code.into(), now_ms.into()],
    )?;
    Ok(())
}

/// Somebody gave the address anew.
pub fn delete_ended_address(
    tx: &mut dyn Tx,
    integration_id: &str,
    key: &str,
) -> Result<(), DbError> {
    tx.execute(
        "delete from ended_addresses where integration_id = $1 and address_key = $2",
        &[integration_id.into(), key.into()],
    )?;
    Ok(())
}

/// The code that ended it.
pub fn find_ended_address(
    tx: &mut dyn Tx,
    integration_id: &str,
    key: &str,
) -> Result<Option<String>, DbError> {
    let sql = "select code from ended_addresses where integration_id = $1 and address_key = $2";
    tx.find(sql, &[integration_id.into(), key.into()])?.map(|row| row.text(0)).transpose()
}

/// Under its key, or under the one that older versions made.
pub fn is_opted_out(
    tx: &mut dyn Tx,
    shop_id: &str,
    service: &str,
    [new, old]: &[String; 2],
) -> Result<bool, DbError> {
    let sql = "select 1 from opt_outs where shop_id = $1 and service = $2 \
               and address_key in ($3, $4) limit 1";
    let params = [shop_id.into(), service.into(), new.as_str().into(), old.as_str().into()];
    Ok(tx.find(sql, &params)?.is_some())
}

pub fn insert_opt_out(
    tx: &mut dyn Tx,
    shop_id: &str,
    service: &str,
    key: &str,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into opt_outs (shop_id, service, address_key, created_ms) \
         values ($1, $2, $3, $4) on conflict (shop_id, service, address_key) do nothing",
        &[shop_id.into(), service.into(), key.into(), now_ms.into()],
    )?;
    Ok(())
}

pub fn delete_opt_out(
    tx: &mut dyn Tx,
    shop_id: &str,
    service: &str,
    [new, old]: &[String; 2],
) -> Result<(), DbError> {
    tx.execute(
        "delete from opt_outs where shop_id = $1 and service = $2 and address_key in ($3, $4)",
        &[shop_id.into(), service.into(), new.as_str().into(), old.as_str().into()],
    )?;
    Ok(())
}
