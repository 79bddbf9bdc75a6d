//! SQL of applications and portals' payments.

pub mod errands;

use serde_json::{Value as Json, json};

use super::model::{App, Checkout, Place};
use crate::kit::db::{DbError, Row, Tx};

/// The installation; `None` before the first one.
pub fn find_app(tx: &mut dyn Tx, integration_id: &str) -> Result<Option<App>, DbError> {
    let sql = "select integration_id, installed_ms, uninstalled_ms, registered, looked_ms, place, \
               unproven, posted, scopes from bitrix24_apps where integration_id = $1";
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
        place: row.opt_text(5)?.as_deref().and_then(decode_place),
        unproven: row.opt_bytes(6)?,
        posted: row.opt_text(7)?,
        scopes: row.opt_text(8)?,
    })
}

fn encode_place(place: &Place) -> String {
    let Place { began_ms, category, stage, after_id } = place;
    json!({ "began": began_ms, "funnel": category, "stage": stage, "after": after_id }).to_string()
}

/// One that cannot be read is none: then the look begins anew.
fn decode_place(text: &str) -> Option<Place> {
    let value: Json = serde_json::from_str(text).ok()?;
    Some(Place {
        began_ms: value["began"].as_i64()?,
        category: value["funnel"].as_i64()?,
        stage: value["stage"].as_str()?.to_owned(),
        after_id: value["after"].as_i64()?,
    })
}

pub fn save_app(tx: &mut dyn Tx, app: &App) -> Result<(), DbError> {
    let registered = serde_json::to_string(&app.registered).unwrap_or_default();
    tx.execute(
        "insert into bitrix24_apps (integration_id, installed_ms, uninstalled_ms, registered, \
         looked_ms, place, unproven, posted, scopes) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (integration_id) do update set \
         installed_ms = excluded.installed_ms, uninstalled_ms = excluded.uninstalled_ms, \
         registered = excluded.registered, looked_ms = excluded.looked_ms, \
         place = excluded.place, unproven = excluded.unproven, posted = excluded.posted, \
         scopes = excluded.scopes",
        &[
            app.integration_id.as_str().into(),
            app.installed_ms.into(),
            app.uninstalled_ms.into(),
            registered.into(),
            app.looked_ms.into(),
            app.place.as_ref().map(encode_place).into(),
            app.unproven.clone().into(),
            app.posted.clone().into(),
            app.scopes.clone().into(),
        ],
    )?;
    Ok(())
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
