//! SQL of applications, their errands and portals' payments.

use serde_json::{Value as Json, json};

use super::model::{App, Checkout, Errand, State, What};
use crate::kit::db::{DbError, Row, Tx};

/// The installation; `None` before the first one.
pub fn find_app(tx: &mut dyn Tx, integration_id: &str) -> Result<Option<App>, DbError> {
    let sql = "select integration_id, installed_ms, uninstalled_ms, registered, looked_ms \
               from bitrix24_apps where integration_id = $1";
    let row = tx.find(sql, &[integration_id.into()])?;
    row.map(|row| decode_app(&row)).transpose()
}

fn decode_app(row: &Row) -> Result<App, DbError> {
    let registered = serde_json::from_str(&row.text(3)?)
        .map_err(|error| DbError::Decode(format!("registered: {error}")))?;
    Ok(App {
        integration_id: row.text(0)?,
        installed_ms: row.opt_int(1)?,
        uninstalled_ms: row.opt_int(2)?,
        registered,
        looked_ms: row.int(4)?,
    })
}

pub fn save_app(tx: &mut dyn Tx, app: &App) -> Result<(), DbError> {
    let registered = serde_json::to_string(&app.registered).unwrap_or_default();
    tx.execute(
        "insert into bitrix24_apps (integration_id, installed_ms, uninstalled_ms, registered, \
         looked_ms) values ($1, $2, $3, $4, $5) on conflict (integration_id) do update set \
         installed_ms = excluded.installed_ms, uninstalled_ms = excluded.uninstalled_ms, \
         registered = excluded.registered, looked_ms = excluded.looked_ms",
        &[
            app.integration_id.as_str().into(),
            app.installed_ms.into(),
            app.uninstalled_ms.into(),
            registered.into(),
            app.looked_ms.into(),
        ],
    )?;
    Ok(())
}

fn encode(what: &What) -> String {
    let value = match what {
        What::Register => json!({ "register": true }),
        What::Deal { id } => json!({ "deal": id }),
        What::Robot { deal_id, event_token, properties } => {
            json!({ "robot": deal_id, "event_token": event_token, "properties": properties })
        }
        What::Paid { portal_payment_id, pay_system_id } => {
            json!({ "paid": portal_payment_id, "pay_system": pay_system_id })
        }
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
    value["register"].as_bool().map(|_| What::Register)
}

const ERRAND: &str =
    "id, integration_id, word, what, state, tries, due_ms, why, created_ms, ended_ms";

/// `false` when it was asked for before.
pub fn insert_errand(tx: &mut dyn Tx, errand: &Errand) -> Result<bool, DbError> {
    let made = tx.execute(
        "insert into bitrix24_errands (id, integration_id, word, what, state, due_ms, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (integration_id, word) do nothing",
        &[
            errand.id.as_str().into(),
            errand.integration_id.as_str().into(),
            errand.word.as_str().into(),
            encode(&errand.what).into(),
            errand.state.as_str().into(),
            errand.due_ms.into(),
            errand.created_ms.into(),
        ],
    )?;
    Ok(made > 0)
}

/// The same thing once more: what ended is to be done again, what waits is one; what is being done
/// right now is due anew, see [`update_errand`].
pub fn repeat_errand(tx: &mut dyn Tx, errand: &Errand) -> Result<(), DbError> {
    tx.execute(
        "insert into bitrix24_errands (id, integration_id, word, what, state, due_ms, created_ms) \
         values ($1, $2, $3, $4, 'pending', $5, $6) on conflict (integration_id, word) do update \
         set what = excluded.what, state = 'pending', tries = 0, why = null, ended_ms = null, \
         due_ms = excluded.due_ms, created_ms = case when bitrix24_errands.state = 'pending' \
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

/// Saves what can change, unless it was asked for anew meanwhile. What is over holds nothing of the
/// portal any more.
pub fn update_errand(tx: &mut dyn Tx, errand: &Errand, was_due_ms: i64) -> Result<(), DbError> {
    let is_over = errand.state != State::Pending;
    let what = if is_over { "{}".to_owned() } else { encode(&errand.what) };
    tx.execute(
        "update bitrix24_errands set what = $1, state = $2, tries = $3, due_ms = $4, why = $5, \
         ended_ms = $6 where id = $7 and state = 'pending' and due_ms = $8",
        &[
            what.into(),
            errand.state.as_str().into(),
            errand.tries.into(),
            errand.due_ms.into(),
            errand.why.clone().into(),
            errand.ended_ms.into(),
            errand.id.as_str().into(),
            was_due_ms.into(),
        ],
    )?;
    Ok(())
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

/// What could not be done lately, newest first: what was wanted, why it was not, and when.
pub fn list_failed_errands(
    tx: &mut dyn Tx,
    integration_id: &str,
    limit: i64,
) -> Result<Vec<(String, String, i64)>, DbError> {
    let rows = tx.query(
        "select word, why, ended_ms from bitrix24_errands where integration_id = $1 \
         and state = 'failed' and why is not null and ended_ms is not null \
         order by ended_ms desc, id desc limit $2",
        &[integration_id.into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.int(2)?))).collect()
}

/// Nothing more is done for a portal that is gone.
pub fn drop_errands(
    tx: &mut dyn Tx,
    integration_id: &str,
    (why, now_ms): (&str, i64),
) -> Result<(), DbError> {
    tx.execute(
        "update bitrix24_errands set state = 'failed', what = '{}', why = $1, ended_ms = $2 \
         where integration_id = $3 and state = 'pending'",
        &[why.into(), now_ms.into(), integration_id.into()],
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
        state: State::ALL
            .into_iter()
            .find(|it| it.as_str() == state)
            .ok_or_else(|| wrong("state"))?,
        tries: row.int(5)?,
        due_ms: row.int(6)?,
        why: row.opt_text(7)?,
        created_ms: row.int(8)?,
        ended_ms: row.opt_int(9)?,
    })
}

/// The payments that this address hears of, newest first.
pub fn list_payments_of(
    tx: &mut dyn Tx,
    integration_id: &str,
    address_key: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "select payment_id from recipients where integration_id = $1 and address_key = $2 \
         order by payment_id desc limit $3",
        &[integration_id.into(), address_key.into(), limit.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

pub fn insert_checkout(tx: &mut dyn Tx, checkout: &Checkout) -> Result<(), DbError> {
    tx.execute(
        "insert into bitrix24_checkouts (payment_id, integration_id, portal_payment_id, \
         pay_system_id, created_ms) values ($1, $2, $3, $4, $5)",
        &[
            checkout.payment_id.as_str().into(),
            checkout.integration_id.as_str().into(),
            checkout.portal_payment_id.as_str().into(),
            checkout.pay_system_id.as_str().into(),
            checkout.created_ms.into(),
        ],
    )?;
    Ok(())
}

/// What a payment of ours pays at the portal, if it does.
pub fn find_checkout(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<Checkout>, DbError> {
    let sql = "select payment_id, integration_id, portal_payment_id, pay_system_id, created_ms \
               from bitrix24_checkouts where payment_id = $1";
    let row = tx.find(sql, &[payment_id.into()])?;
    row.map(|row| decode_checkout(&row)).transpose()
}

/// Ours for this payment of the portal's, newest first.
pub fn list_checkouts(
    tx: &mut dyn Tx,
    integration_id: &str,
    portal_payment_id: &str,
) -> Result<Vec<Checkout>, DbError> {
    let rows = tx.query(
        "select payment_id, integration_id, portal_payment_id, pay_system_id, created_ms \
         from bitrix24_checkouts where integration_id = $1 and portal_payment_id = $2 \
         order by created_ms desc, payment_id desc",
        &[integration_id.into(), portal_payment_id.into()],
    )?;
    rows.iter().map(decode_checkout).collect()
}

fn decode_checkout(row: &Row) -> Result<Checkout, DbError> {
    Ok(Checkout {
        payment_id: row.text(0)?,
        integration_id: row.text(1)?,
        portal_payment_id: row.text(2)?,
        pay_system_id: row.text(3)?,
        created_ms: row.int(4)?,
    })
}
