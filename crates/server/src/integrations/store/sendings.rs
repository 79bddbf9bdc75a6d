//! SQL of sendings and of their requests.

use kopeck_integrations::{Audience, Kind, Lang, Progress};

use super::{lang_word, word};
use crate::{
    integrations::model::{Attempt, Sending, SendingState},
    kit::db::{DbError, Row, Tx, Value},
};

const SENDING: &str = "id, shop_id, integration_id, payment_id, event_id, kind, audience, lang, \
     address, address_key, progress, state, tries, due_ms, step_ms, remote_id, code, why, \
     ended_ms, created_ms, asked_ms, subscription_id, event_seq, begun_ms, lost";

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

/// `false` when the event was told there before.
pub fn insert_sending(tx: &mut dyn Tx, sending: &Sending) -> Result<bool, DbError> {
    let s = sending;
    let made = tx.execute(
        "insert into sendings (id, shop_id, integration_id, payment_id, event_id, kind, \
         audience, lang, address, address_key, progress, state, due_ms, created_ms, \
         subscription_id, event_seq, begun_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
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
            s.event_seq.into(),
            s.begun_ms.into(),
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
         ended_ms = $11, asked_ms = $12, begun_ms = $13, lost = $14 where id = $15",
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
            s.begun_ms.into(),
            s.lost.into(),
            s.id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// The next one that waits, whenever it is due. News of one payment go to one address in the order
/// of its events: a later one waits until the earlier has ended. Wishes to pay neither wait nor are
/// waited for: the moment they are not true any more they are dropped.
pub fn find_next_sending(
    tx: &mut dyn Tx,
    integration_id: &str,
) -> Result<Option<Sending>, DbError> {
    let wishes = words(Kind::asks_to_pay);
    let sql = format!(
        "select {SENDING} from sendings s where integration_id = $1 and state = 'pending' \
         and (kind in ({wishes}) or not exists (select 1 from sendings e \
         where e.integration_id = s.integration_id and e.state = 'pending' \
         and coalesce(e.payment_id, e.subscription_id, '') \
         = coalesce(s.payment_id, s.subscription_id, '') and e.event_seq < s.event_seq \
         and e.address_key = s.address_key and e.kind not in ({wishes}))) \
         order by due_ms, id limit 1"
    );
    find_sending_by(tx, &sql, &[integration_id.into()])
}

/// The kinds that are so, as SQL lists them.
fn words(is_so: impl Fn(Kind) -> bool) -> String {
    let kinds = Kind::ALL.into_iter().filter(|kind| is_so(*kind));
    kinds.map(|kind| format!("'{}'", kind.as_str())).collect::<Vec<_>>().join(", ")
}

/// Whether a later outcome of the payment has arrived there: told after it, an earlier one would
/// read as if it were the last.
pub fn is_overtaken(tx: &mut dyn Tx, sending: &Sending) -> Result<bool, DbError> {
    if !sending.kind.is_outcome() {
        return Ok(false);
    }
    let sql = format!(
        "select 1 from sendings where payment_id = $1 and integration_id = $2 \
         and address_key = $3 and event_seq > $4 and state = 'delivered' and kind <> $5 \
         and kind in ({}) limit 1",
        words(Kind::is_outcome)
    );
    let params = [
        sending.payment_id.clone().into(),
        sending.integration_id.as_str().into(),
        sending.address_key.as_str().into(),
        sending.event_seq.into(),
        sending.kind.as_str().into(),
    ];
    Ok(tx.find(&sql, &params)?.is_some())
}

/// What the integration gave up, at addresses that have not ended, after this one in their order.
pub fn list_failed(
    tx: &mut dyn Tx,
    integration_id: &str,
    after_id: &str,
    limit: i64,
) -> Result<Vec<Sending>, DbError> {
    let sql = format!(
        "select {SENDING} from sendings s where integration_id = $1 and id > $2 \
         and state = 'failed' and not exists (select 1 from ended_addresses e \
         where e.integration_id = s.integration_id and e.address_key = s.address_key) \
         order by id limit $3"
    );
    let params = [integration_id.into(), after_id.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode_sending).collect()
}

/// Which sendings to list.
#[derive(Clone, Debug, Default)]
pub struct SendingFilter {
    pub integration_id: Option<String>,
    pub payment_id: Option<String>,
    pub event_id: Option<String>,
    pub state: Option<SendingState>,
    pub before_id: Option<String>,
}

/// The shop's, the newest first.
pub fn list_sendings(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &SendingFilter,
    limit: i64,
) -> Result<Vec<Sending>, DbError> {
    let mut sql = format!("select {SENDING} from sendings where shop_id = $1");
    let mut params: Vec<Value> = vec![shop_id.into()];
    let wanted = [
        ("integration_id =", filter.integration_id.clone()),
        ("payment_id =", filter.payment_id.clone()),
        ("event_id =", filter.event_id.clone()),
        ("state =", filter.state.map(|state| state.as_str().to_owned())),
        ("id <", filter.before_id.clone()),
    ];
    for (what, value) in wanted {
        if let Some(value) = value {
            params.push(value.into());
            sql.push_str(&format!(" and {what} ${}", params.len()));
        }
    }
    params.push(limit.into());
    sql.push_str(&format!(" order by id desc limit ${}", params.len()));
    tx.query(&sql, &params)?.iter().map(decode_sending).collect()
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
        event_seq: row.int(22)?,
        begun_ms: row.int(23)?,
        lost: row.int(24)?,
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
