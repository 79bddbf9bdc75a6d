//! SQL of what portals asked of us.

use serde_json::{Value as Json, json};

use crate::{
    integrations::bitrix24::model::{Errand, State, What},
    kit::db::{DbError, Row, Tx, Value},
};

fn encode(what: &What) -> String {
    let value = match what {
        What::Register => json!({ "register": true }),
        What::Prove => json!({ "prove": true }),
        What::Deal { id } => json!({ "deal": id }),
        What::Robot { deal_id, event_token, properties } => {
            json!({ "robot": deal_id, "event_token": event_token, "properties": properties })
        }
        What::Paid { portal_payment_id, pay_system_id } => {
            json!({ "paid": portal_payment_id, "pay_system": pay_system_id })
        }
        What::Forgotten => json!({}),
    };
    value.to_string()
}

fn decode_what(text: &str) -> Option<What> {
    let value: Json = serde_json::from_str(text).ok()?;
    let word = |name: &str| value[name].as_str().map(str::to_owned);
    if let Some(id) = value["deal"].as_i64() {
        return Some(What::Deal { id });
    }
    if let Some(portal_payment_id) = word("paid") {
        return Some(What::Paid { portal_payment_id, pay_system_id: word("pay_system")? });
    }
    if let Some(deal_id) = value["robot"].as_i64() {
        let properties = serde_json::from_value(value["properties"].clone()).ok()?;
        return Some(What::Robot { deal_id, event_token: word("event_token")?, properties });
    }
    match (value["register"].as_bool(), value["prove"].as_bool()) {
        (Some(_), _) => Some(What::Register),
        (None, Some(_)) => Some(What::Prove),
        (None, None) => value.as_object().map(|_| What::Forgotten),
    }
}

const ERRAND: &str = "id, integration_id, word, what, state, tries, due_ms, why, created_ms, \
                      ended_ms, code, payment_id, begun_ms";

/// `false` when it was asked for before.
pub fn insert_errand(tx: &mut dyn Tx, errand: &Errand) -> Result<bool, DbError> {
    let made = tx.execute(
        "insert into bitrix24_errands (id, integration_id, word, what, state, due_ms, created_ms, \
         begun_ms, payment_id) values ($1, $2, $3, $4, $5, $6, $7, $7, $8) \
         on conflict (integration_id, word) do nothing",
        &[
            errand.id.as_str().into(),
            errand.integration_id.as_str().into(),
            errand.word.as_str().into(),
            encode(&errand.what).into(),
            errand.state.as_str().into(),
            errand.due_ms.into(),
            errand.created_ms.into(),
            errand.payment_id.clone().into(),
        ],
    )?;
    Ok(made > 0)
}

/// The same thing once more: what ended is to be done again, what waits is one; what is being done
/// right now is due anew, see [`update_errand`].
pub fn repeat_errand(tx: &mut dyn Tx, errand: &Errand) -> Result<(), DbError> {
    tx.execute(
        "insert into bitrix24_errands (id, integration_id, word, what, state, due_ms, created_ms, \
         begun_ms) values ($1, $2, $3, $4, 'pending', $5, $6, $6) \
         on conflict (integration_id, word) do update set what = excluded.what, \
         state = 'pending', tries = 0, why = null, code = null, ended_ms = null, \
         due_ms = excluded.due_ms, begun_ms = case when bitrix24_errands.state = 'pending' \
         then bitrix24_errands.begun_ms else excluded.begun_ms end, \
         created_ms = case when bitrix24_errands.state = 'pending' \
         then bitrix24_errands.created_ms else excluded.created_ms end",
        &[
            errand.id.as_str().into(),
            errand.integration_id.as_str().into(),
            errand.word.as_str().into(),
            encode(&errand.what).into(),
            errand.due_ms.into(),
            errand.created_ms.into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change, unless it was asked for anew meanwhile: `false`. What is done holds
/// nothing of the portal any more; what was given up can be tried anew.
pub fn update_errand(tx: &mut dyn Tx, errand: &Errand, was_due_ms: i64) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update bitrix24_errands set what = $1, state = $2, tries = $3, due_ms = $4, why = $5, \
         ended_ms = $6, code = $7, payment_id = $8, begun_ms = $9 \
         where id = $10 and state = 'pending' and due_ms = $11",
        &[
            kept(errand).into(),
            errand.state.as_str().into(),
            errand.tries.into(),
            errand.due_ms.into(),
            errand.why.clone().into(),
            errand.ended_ms.into(),
            errand.code.clone().into(),
            errand.payment_id.clone().into(),
            errand.begun_ms.into(),
            errand.id.as_str().into(),
            was_due_ms.into(),
        ],
    )?;
    Ok(touched > 0)
}

fn kept(errand: &Errand) -> String {
    match errand.state {
        State::Pending | State::Failed => encode(&errand.what),
        State::Done => encode(&What::Forgotten),
    }
}

/// What was given up waits anew; `false` when it is not given up any more.
pub fn restart_errand(tx: &mut dyn Tx, errand: &Errand) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update bitrix24_errands set state = 'pending', tries = 0, due_ms = $1, begun_ms = $2, \
         code = null, why = null, ended_ms = null where id = $3 and state = 'failed'",
        &[errand.due_ms.into(), errand.begun_ms.into(), errand.id.as_str().into()],
    )?;
    Ok(touched > 0)
}

/// The next one that waits, whenever it is due.
pub fn find_next_errand(tx: &mut dyn Tx, integration_id: &str) -> Result<Option<Errand>, DbError> {
    let sql = format!(
        "select {ERRAND} from bitrix24_errands where integration_id = $1 and state = 'pending' \
         order by due_ms, id limit 1"
    );
    let row = tx.find(&sql, &[integration_id.into()])?;
    row.map(|row| decode_errand(&row)).transpose()
}

/// The earliest moment when one of them is due; at the end of time there is none.
pub fn find_next_due(tx: &mut dyn Tx, integration_id: &str) -> Result<i64, DbError> {
    let next = find_next_errand(tx, integration_id)?;
    Ok(next.map_or(i64::MAX, |errand| errand.due_ms))
}

/// The one of this word, if it waits.
pub fn find_waiting(
    tx: &mut dyn Tx,
    integration_id: &str,
    word: &str,
) -> Result<Option<Errand>, DbError> {
    let sql = format!(
        "select {ERRAND} from bitrix24_errands where integration_id = $1 and word = $2 \
         and state = 'pending'"
    );
    let row = tx.find(&sql, &[integration_id.into(), word.into()])?;
    row.map(|row| decode_errand(&row)).transpose()
}

pub fn find_errand(tx: &mut dyn Tx, id: &str) -> Result<Option<Errand>, DbError> {
    let sql = format!("select {ERRAND} from bitrix24_errands where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode_errand(&row)).transpose()
}

/// Which errands to list.
#[derive(Clone, Debug, Default)]
pub struct ErrandFilter {
    pub state: Option<State>,
    pub before_id: Option<String>,
}

/// An integration's, the newest first.
pub fn list_errands(
    tx: &mut dyn Tx,
    integration_id: &str,
    filter: &ErrandFilter,
    limit: i64,
) -> Result<Vec<Errand>, DbError> {
    let mut sql = format!("select {ERRAND} from bitrix24_errands where integration_id = $1");
    let mut params: Vec<Value> = vec![integration_id.into()];
    let state = filter.state.map(|state| state.as_str().to_owned());
    for (what, value) in [("state =", state), ("id <", filter.before_id.clone())] {
        if let Some(value) = value {
            params.push(value.into());
            sql.push_str(&format!(" and {what} ${}", params.len()));
        }
    }
    params.push(limit.into());
    sql.push_str(&format!(" order by id desc limit ${}", params.len()));
    tx.query(&sql, &params)?.iter().map(decode_errand).collect()
}

/// What was given up, after this one in their order.
pub fn list_failed_after(
    tx: &mut dyn Tx,
    integration_id: &str,
    after_id: &str,
    limit: i64,
) -> Result<Vec<Errand>, DbError> {
    let sql = format!(
        "select {ERRAND} from bitrix24_errands where integration_id = $1 and id > $2 \
         and state = 'failed' order by id limit $3"
    );
    let params = [integration_id.into(), after_id.into(), limit.into()];
    tx.query(&sql, &params)?.iter().map(decode_errand).collect()
}

/// What portals asked about a payment, in its order.
pub fn list_of_payment(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<Errand>, DbError> {
    let sql = format!("select {ERRAND} from bitrix24_errands where payment_id = $1 order by id");
    tx.query(&sql, &[payment_id.into()])?.iter().map(decode_errand).collect()
}

/// Nothing more is done for a portal that is gone, unless it comes back.
pub fn drop_errands(
    tx: &mut dyn Tx,
    integration_id: &str,
    (code, now_ms): (&str, i64),
) -> Result<(), DbError> {
    tx.execute(
        "update bitrix24_errands set state = 'failed', code = $1, ended_ms = $2 \
         where integration_id = $3 and state = 'pending'",
        &[code.into(), now_ms.into(), integration_id.into()],
    )?;
    Ok(())
}

/// Errands that are over are forgotten by and by.
pub fn delete_old_errands(
    tx: &mut dyn Tx,
    integration_id: &str,
    before_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "delete from bitrix24_errands where integration_id = $1 and state <> 'pending' \
         and ended_ms < $2",
        &[integration_id.into(), before_ms.into()],
    )?;
    Ok(())
}

fn decode_errand(row: &Row) -> Result<Errand, DbError> {
    let (what, state) = (row.text(3)?, row.text(4)?);
    let wrong = |part: &str| DbError::Decode(format!("errand {part}"));
    Ok(Errand {
        id: row.text(0)?,
        integration_id: row.text(1)?,
        word: row.text(2)?,
        what: decode_what(&what).ok_or_else(|| wrong("what"))?,
        state: State::parse(&state).ok_or_else(|| wrong("state"))?,
        tries: row.int(5)?,
        due_ms: row.int(6)?,
        why: row.opt_text(7)?,
        created_ms: row.int(8)?,
        ended_ms: row.opt_int(9)?,
        code: row.opt_text(10)?,
        payment_id: row.opt_text(11)?,
        begun_ms: row.int(12)?,
    })
}
