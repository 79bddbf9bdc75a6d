//! SQL of integrations, their recipients and sendings.

pub mod chats;
pub mod shared;

use kopeck_integrations::{Audience, Kind, Lang, Progress};

use super::model::{Attempt, Linked, Sending, SendingState};
use crate::kit::db::{DbError, Row, Tx, Value};

const COLUMNS: &str = "id, shop_id, service, sealed, news_to, news, seen_seq, sent_ms, \
     stopped_ms, stopped_code, removed_ms, created_ms, payer_news";

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
         sent_ms = $5, stopped_ms = $6, stopped_code = $7, removed_ms = $8, payer_news = $9 \
         where id = $10",
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

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Linked>, DbError> {
    tx.find(sql, params)?.map(|row| decode(&row)).transpose()
}

fn encode_news(news: &[Kind]) -> String {
    let words: Vec<&str> = news.iter().map(|kind| kind.as_str()).collect();
    serde_json::to_string(&words).unwrap_or_default()
}

fn word<T>(text: &str, value: Option<T>) -> Result<T, DbError> {
    value.ok_or_else(|| DbError::Decode(format!("the word {text}")))
}

fn decode_news(text: &str) -> Result<Vec<Kind>, DbError> {
    let news: Vec<String> =
        serde_json::from_str(text).map_err(|error| DbError::Decode(format!("news: {error}")))?;
    news.iter().map(|text| word(text, Kind::parse(text))).collect()
}

fn decode(row: &Row) -> Result<Linked, DbError> {
    Ok(Linked {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        service: row.text(2)?,
        sealed: row.bytes(3)?,
        news_to: row.opt_bytes(4)?,
        news: decode_news(&row.text(5)?)?,
        payer_news: decode_news(&row.text(12)?)?,
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

/// Whether the payment's link went there before.
pub fn has_link(
    tx: &mut dyn Tx,
    payment_id: &str,
    integration_id: &str,
    key: &str,
) -> Result<bool, DbError> {
    let sql = "select 1 from sendings where payment_id = $1 and integration_id = $2 \
               and address_key = $3 and kind = 'link' limit 1";
    Ok(tx.find(sql, &[payment_id.into(), integration_id.into(), key.into()])?.is_some())
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

pub fn is_opted_out(
    tx: &mut dyn Tx,
    shop_id: &str,
    service: &str,
    key: &str,
) -> Result<bool, DbError> {
    let sql = "select 1 from opt_outs where shop_id = $1 and service = $2 and address_key = $3";
    Ok(tx.find(sql, &[shop_id.into(), service.into(), key.into()])?.is_some())
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
    key: &str,
) -> Result<(), DbError> {
    tx.execute(
        "delete from opt_outs where shop_id = $1 and service = $2 and address_key = $3",
        &[shop_id.into(), service.into(), key.into()],
    )?;
    Ok(())
}

const SENDING: &str = "id, shop_id, integration_id, payment_id, event_id, kind, audience, lang, \
     address, address_key, progress, state, tries, due_ms, step_ms, remote_id, code, why, \
     ended_ms, created_ms, asked_ms, subscription_id";

/// `false` when the event was told there before.
pub fn insert_sending(tx: &mut dyn Tx, sending: &Sending) -> Result<bool, DbError> {
    let s = sending;
    let made = tx.execute(
        "insert into sendings (id, shop_id, integration_id, payment_id, event_id, kind, \
         audience, lang, address, address_key, progress, state, due_ms, created_ms, \
         subscription_id) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         on conflict do nothing",
        &[
            s.id.as_str().into(),
            s.shop_id.as_str().into(),
            s.integration_id.as_str().into(),
            s.payment_id.clone().into(),
            s.event_id.clone().into(),
            s.kind.as_str().into(),
            audience_word(s.audience).into(),
            lang_word(s.lang).into(),
            s.address.clone().into(),
            s.address_key.as_str().into(),
            s.progress.to_text().into(),
            s.state.as_str().into(),
            s.due_ms.into(),
            s.created_ms.into(),
            s.subscription_id.clone().into(),
        ],
    )?;
    Ok(made > 0)
}

/// Saves what can change.
pub fn update_sending(tx: &mut dyn Tx, sending: &Sending) -> Result<(), DbError> {
    let s = sending;
    tx.execute(
        "update sendings set address = $1, address_key = $2, progress = $3, state = $4, \
         tries = $5, due_ms = $6, step_ms = $7, remote_id = $8, code = $9, why = $10, \
         ended_ms = $11, asked_ms = $12 where id = $13",
        &[
            s.address.clone().into(),
            s.address_key.as_str().into(),
            s.progress.to_text().into(),
            s.state.as_str().into(),
            s.tries.into(),
            s.due_ms.into(),
            s.step_ms.into(),
            s.remote_id.clone().into(),
            s.code.clone().into(),
            s.why.clone().into(),
            s.ended_ms.into(),
            s.asked_ms.into(),
            s.id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// The next one that waits, whenever it is due.
pub fn find_next_sending(
    tx: &mut dyn Tx,
    integration_id: &str,
) -> Result<Option<Sending>, DbError> {
    let sql = format!(
        "select {SENDING} from sendings where integration_id = $1 and state = 'pending' \
         order by due_ms, id limit 1"
    );
    find_sending_by(tx, &sql, &[integration_id.into()])
}

pub fn find_sending(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Option<Sending>, DbError> {
    let sql = format!("select {SENDING} from sendings where shop_id = $1 and id = $2");
    find_sending_by(tx, &sql, &[shop_id.into(), id.into()])
}

/// Of any shop, for a link that names it.
pub fn find_sending_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Sending>, DbError> {
    find_sending_by(tx, &format!("select {SENDING} from sendings where id = $1"), &[id.into()])
}

/// The same message that is still on its way there.
pub fn find_twin(tx: &mut dyn Tx, sending: &Sending) -> Result<Option<Sending>, DbError> {
    let sql = format!(
        "select {SENDING} from sendings where payment_id = $1 and integration_id = $2 \
         and address_key = $3 and kind = $4 and state = 'pending' and event_id is null \
         order by id limit 1"
    );
    let params = [
        sending.payment_id.clone().into(),
        sending.integration_id.as_str().into(),
        sending.address_key.as_str().into(),
        sending.kind.as_str().into(),
    ];
    find_sending_by(tx, &sql, &params)
}

/// The payment's sendings in their order, at most `limit`.
pub fn list_of_payment(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
    limit: i64,
) -> Result<Vec<Sending>, DbError> {
    let sql = format!(
        "select {SENDING} from sendings where shop_id = $1 and payment_id = $2 \
         order by id limit $3"
    );
    let params = [shop_id.into(), payment_id.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode_sending).collect()
}

/// What waits for the address does not leave before that.
pub fn delay_address(
    tx: &mut dyn Tx,
    integration_id: &str,
    key: &str,
    until_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "update sendings set due_ms = $1 where integration_id = $2 and address_key = $3 \
         and state = 'pending' and due_ms < $1",
        &[until_ms.into(), integration_id.into(), key.into()],
    )?;
    Ok(())
}

/// Nothing that waits is sent any more.
pub fn drop_pending(tx: &mut dyn Tx, integration_id: &str, now_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "update sendings set state = 'dropped', ended_ms = $1 \
         where integration_id = $2 and state = 'pending'",
        &[now_ms.into(), integration_id.into()],
    )?;
    Ok(())
}

fn find_sending_by(
    tx: &mut dyn Tx,
    sql: &str,
    params: &[Value],
) -> Result<Option<Sending>, DbError> {
    tx.find(sql, params)?.map(|row| decode_sending(&row)).transpose()
}

const fn audience_word(audience: Audience) -> &'static str {
    match audience {
        Audience::Payer => "payer",
        Audience::Shop => "shop",
    }
}

const fn lang_word(lang: Lang) -> &'static str {
    match lang {
        Lang::Ru => "ru",
        Lang::En => "en",
    }
}

fn decode_sending(row: &Row) -> Result<Sending, DbError> {
    let (kind, audience, lang, state) = (row.text(5)?, row.text(6)?, row.text(7)?, row.text(11)?);
    let is_audience = |one: &Audience| audience_word(*one) == audience;
    Ok(Sending {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        integration_id: row.text(2)?,
        payment_id: row.opt_text(3)?,
        subscription_id: row.opt_text(21)?,
        event_id: row.opt_text(4)?,
        kind: word(&kind, Kind::parse(&kind))?,
        audience: word(&audience, [Audience::Payer, Audience::Shop].into_iter().find(is_audience))?,
        lang: word(&lang, Lang::parse(&lang))?,
        address: row.bytes(8)?,
        address_key: row.text(9)?,
        progress: Progress::parse(&row.text(10)?),
        state: word(&state, SendingState::parse(&state))?,
        tries: row.int(12)?,
        due_ms: row.int(13)?,
        step_ms: row.opt_int(14)?,
        remote_id: row.opt_text(15)?,
        code: row.opt_text(16)?,
        why: row.opt_text(17)?,
        ended_ms: row.opt_int(18)?,
        created_ms: row.int(19)?,
        asked_ms: row.opt_int(20)?,
    })
}

pub fn insert_attempt(tx: &mut dyn Tx, attempt: &Attempt) -> Result<(), DbError> {
    tx.execute(
        "insert into sending_attempts (id, sending_id, at_ms, took_ms, request, status, reply) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        &[
            attempt.id.as_str().into(),
            attempt.sending_id.as_str().into(),
            attempt.at_ms.into(),
            attempt.took_ms.into(),
            attempt.request.as_str().into(),
            attempt.status.into(),
            attempt.reply.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Forgets at most `limit` attempts from before that.
pub fn delete_old_attempts(tx: &mut dyn Tx, before_ms: i64, limit: i64) -> Result<u64, DbError> {
    // Several integrations sweep at once: none waits for what another forgets.
    let skip = tx.dialect().for_update_skip_locked();
    let sql = format!(
        "delete from sending_attempts where id in (select id from sending_attempts \
         where at_ms < $1 order by at_ms limit $2{skip})"
    );
    tx.execute(&sql, &[before_ms.into(), limit.into()])
}

/// In their order, at most `limit`.
pub fn list_attempts(
    tx: &mut dyn Tx,
    sending_id: &str,
    limit: i64,
) -> Result<Vec<Attempt>, DbError> {
    let rows = tx.query(
        "select id, sending_id, at_ms, took_ms, request, status, reply from sending_attempts \
         where sending_id = $1 order by at_ms, id limit $2",
        &[sending_id.into(), limit.into()],
    )?;
    let decode = |row: &Row| {
        Ok(Attempt {
            id: row.text(0)?,
            sending_id: row.text(1)?,
            at_ms: row.int(2)?,
            took_ms: row.int(3)?,
            request: row.text(4)?,
            status: row.opt_int(5)?,
            reply: row.text(6)?,
        })
    };
    rows.iter().map(decode).collect()
}
