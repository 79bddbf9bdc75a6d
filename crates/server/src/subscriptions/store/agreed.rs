//! SQL of consents, and of what a customer may use.

use super::{COLUMNS, decode};
use crate::{
    events::EventKind,
    kit::db::{DbError, Row, Tx},
    subscriptions::{
        model::{Consent, Subscription},
        steps::Notice,
    },
};

const CONSENT_COLUMNS: &str = "id, shop_id, customer_id, subscription_id, text_version, wording, \
     channel, ip, user_agent, ceiling_kopecks, given_ms, withdrawn_ms, withdrawn_by";

pub fn insert_consent(tx: &mut dyn Tx, consent: &Consent) -> Result<(), DbError> {
    let c = consent;
    tx.execute(
        "insert into subscription_consents (id, shop_id, customer_id, subscription_id, \
         text_version, wording, channel, ip, user_agent, ceiling_kopecks, given_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            c.id.as_str().into(),
            c.shop_id.as_str().into(),
            c.customer_id.as_str().into(),
            c.subscription_id.as_str().into(),
            c.text_version.as_str().into(),
            c.text.clone().into(),
            c.channel.as_str().into(),
            c.ip.clone().into(),
            c.user_agent.clone().into(),
            c.ceiling.into(),
            c.given_ms.into(),
        ],
    )?;
    Ok(())
}

/// The newest consent that stands. Locked: a withdrawal waits for whoever charges by it, and
/// whoever charges sees every withdrawal before.
pub fn find_consent(tx: &mut dyn Tx, subscription_id: &str) -> Result<Option<Consent>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!(
        "select {CONSENT_COLUMNS} from subscription_consents \
         where subscription_id = $1 and withdrawn_ms is null order by id desc limit 1{lock}"
    );
    tx.find(&sql, &[subscription_id.into()])?.map(|row| decode_consent(&row)).transpose()
}

/// All of a subscription, the newest first.
pub fn list_consents(tx: &mut dyn Tx, subscription_id: &str) -> Result<Vec<Consent>, DbError> {
    let sql = format!(
        "select {CONSENT_COLUMNS} from subscription_consents where subscription_id = $1 \
         order by id desc limit 100"
    );
    tx.query(&sql, &[subscription_id.into()])?.iter().map(decode_consent).collect()
}

/// Withdraws what stands; says how many did. A withdrawal is never undone.
pub fn withdraw_consents(
    tx: &mut dyn Tx,
    subscription_id: &str,
    (now_ms, by): (i64, &str),
) -> Result<u64, DbError> {
    tx.execute(
        "update subscription_consents set withdrawn_ms = $1, withdrawn_by = $2 \
         where subscription_id = $3 and withdrawn_ms is null",
        &[now_ms.into(), by.into(), subscription_id.into()],
    )
}

fn decode_consent(row: &Row) -> Result<Consent, DbError> {
    Ok(Consent {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        customer_id: row.text(2)?,
        subscription_id: row.text(3)?,
        text_version: row.text(4)?,
        text: row.opt_text(5)?,
        channel: row.text(6)?,
        ip: row.opt_text(7)?,
        user_agent: row.opt_text(8)?,
        ceiling: row.money(9)?,
        given_ms: row.int(10)?,
        withdrawn_ms: row.opt_int(11)?,
        withdrawn_by: row.opt_text(12)?,
    })
}

/// The newest word to a customer on the next charge, and when a webhook, or the mail server of a
/// letter to him, first took it.
pub fn find_notice(tx: &mut dyn Tx, subscription_id: &str) -> Result<Option<Notice>, DbError> {
    let kind = EventKind::SubscriptionRenewalUpcoming.as_str();
    let row = tx.find(
        "select id, at_ms from events where subject_id = $1 and kind = $2 \
         order by seq desc limit 1",
        &[subscription_id.into(), kind.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let event_id = row.text(0)?;
    let taken = tx.find(
        "select min(delivered_ms) from deliveries \
         where subject = $1 and event_id = $2 and state = 'delivered'",
        &[subscription_id.into(), event_id.as_str().into()],
    )?;
    let by_webhook_ms = taken.map_or(Ok(None), |row| row.opt_int(0))?;
    let taken = tx.find(
        "select min(ended_ms) from sendings \
         where subscription_id = $1 and event_id = $2 and state = 'delivered'",
        &[subscription_id.into(), event_id.as_str().into()],
    )?;
    let by_letter_ms = taken.map_or(Ok(None), |row| row.opt_int(0))?;
    let delivered_ms = by_webhook_ms.into_iter().chain(by_letter_ms).min();
    Ok(Some(Notice { announced_ms: row.int(1)?, delivered_ms, is_alarmed: false }))
}

/// A customer's subscriptions, the newest first: what may be used follows from each.
pub fn list_entitled(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<Vec<Subscription>, DbError> {
    let sql = format!(
        "select {COLUMNS} from subscriptions where shop_id = $1 and customer_id = $2 \
         order by id desc limit 100"
    );
    tx.query(&sql, &[shop_id.into(), customer_id.into()])?.iter().map(decode).collect()
}
