//! SQL of what payers saved and agreed to.

use kopeck_banks::Money;

use super::model::{Consent, Instrument, InstrumentStatus, Kind, Terms};
use crate::kit::db::{DbError, Row, Tx};

const COLUMNS: &str = "id, shop_id, customer_id, connection_id, bank, purpose, request_key, link, \
     status, sealed, member_id, member_name, created_ms, payment_id, watched_ms, \
     kind, expires, withdrawn_ms, removed_ms, scheduled";

/// A payment has one account: asked for its code again, a bank may give the binding another key.
pub fn insert_instrument(tx: &mut dyn Tx, account: &Instrument) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "insert into instruments (id, shop_id, customer_id, connection_id, bank, purpose, \
         request_key, link, status, created_ms, payment_id, kind, scheduled) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         on conflict (payment_id) do update set request_key = excluded.request_key, \
         link = excluded.link where instruments.status = 'pending'",
        &[
            a.id.as_str().into(),
            a.shop_id.as_str().into(),
            a.customer_id.as_str().into(),
            a.connection_id.as_str().into(),
            a.bank.as_str().into(),
            a.purpose.as_str().into(),
            a.request_key.as_str().into(),
            a.link.as_str().into(),
            a.status.as_str().into(),
            a.created_ms.into(),
            a.payment_id.clone().into(),
            a.kind.as_str().into(),
            a.is_scheduled.into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change.
pub fn update_instrument(tx: &mut dyn Tx, account: &Instrument) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "update instruments set status = $1, sealed = $2, member_id = $3, member_name = $4, \
         watched_ms = $5, expires = $6, withdrawn_ms = $7, removed_ms = $8 \
         where id = $9 and shop_id = $10",
        &[
            a.status.as_str().into(),
            a.sealed.clone().into(),
            a.member_id.clone().into(),
            a.member_name.clone().into(),
            a.watched_ms.into(),
            a.expires.clone().into(),
            a.withdrawn_ms.into(),
            a.removed_ms.into(),
            a.id.as_str().into(),
            a.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

pub fn find_instrument(tx: &mut dyn Tx, id: &str) -> Result<Option<Instrument>, DbError> {
    let sql = format!("select {COLUMNS} from instruments where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn lock_instrument(tx: &mut dyn Tx, id: &str) -> Result<Option<Instrument>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from instruments where id = $1{lock}");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn find_by_request(
    tx: &mut dyn Tx,
    connection_id: &str,
    request_key: &str,
) -> Result<Option<Instrument>, DbError> {
    let sql =
        format!("select {COLUMNS} from instruments where connection_id = $1 and request_key = $2");
    tx.find(&sql, &[connection_id.into(), request_key.into()])?.map(|row| decode(&row)).transpose()
}

/// The account that a payment saves; held until the transaction ends.
pub fn lock_by_payment(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<Instrument>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from instruments where payment_id = $1{lock}");
    tx.find(&sql, &[payment_id.into()])?.map(|row| decode(&row)).transpose()
}

/// What a customer saved of this kind, the newest first. Not what payments were to save that were
/// never paid, or whose payers did not agree: nobody asked for anything but to be paid.
pub fn list_saved(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
    kind: Kind,
) -> Result<Vec<Instrument>, DbError> {
    let sql = format!(
        "select {COLUMNS} from instruments where shop_id = $1 and customer_id = $2 \
         and (kind = $3 or kind = $4) \
         and (payment_id is null or sealed is not null or member_name is not null) \
         order by id desc limit 100"
    );
    let other = if kind.means(Kind::Kept) { Kind::Kept } else { kind };
    let kinds = [kind.as_str(), other.as_str()];
    let params = [shop_id.into(), customer_id.into(), kinds[0].into(), kinds[1].into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

fn decode(row: &Row) -> Result<Instrument, DbError> {
    let status = row.text(8)?;
    Ok(Instrument {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        customer_id: row.text(2)?,
        connection_id: row.text(3)?,
        bank: row.text(4)?,
        purpose: row.text(5)?,
        request_key: row.text(6)?,
        link: row.text(7)?,
        status: InstrumentStatus::parse(&status)
            .ok_or_else(|| DbError::Decode(format!("status {status}")))?,
        sealed: row.opt_bytes(9)?,
        member_id: row.opt_text(10)?,
        member_name: row.opt_text(11)?,
        created_ms: row.int(12)?,
        payment_id: row.opt_text(13)?,
        watched_ms: row.opt_int(14)?,
        kind: Kind::parse(&row.text(15)?)
            .ok_or_else(|| DbError::Decode("no such kind of instrument".into()))?,
        expires: row.opt_text(16)?,
        withdrawn_ms: row.opt_int(17)?,
        removed_ms: row.opt_int(18)?,
        is_scheduled: row.flag(19)?,
    })
}

const CONSENT_COLUMNS: &str = "id, shop_id, customer_id, subject_id, text_version, channel, ip, \
     user_agent, max_kopecks, period, given_ms";

pub fn insert_consent(tx: &mut dyn Tx, consent: &Consent) -> Result<(), DbError> {
    let (c, terms) = (consent, &consent.terms);
    let sql = format!(
        "insert into consents ({CONSENT_COLUMNS}) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    tx.execute(
        &sql,
        &[
            c.id.as_str().into(),
            c.shop_id.as_str().into(),
            c.customer_id.as_str().into(),
            c.subject_id.as_str().into(),
            terms.text_version.as_str().into(),
            terms.channel.as_str().into(),
            terms.ip.clone().into(),
            terms.user_agent.clone().into(),
            terms.max.map(Money::kopecks).into(),
            terms.period.clone().into(),
            c.given_ms.into(),
        ],
    )?;
    Ok(())
}

/// What the payer agreed to when he saved it.
pub fn find_consent(tx: &mut dyn Tx, instrument: &Instrument) -> Result<Option<Consent>, DbError> {
    let subject_id = instrument.payment_id.as_ref().unwrap_or(&instrument.id);
    let sql = format!("select {CONSENT_COLUMNS} from consents where subject_id = $1");
    let row = tx.find(&sql, &[subject_id.as_str().into()])?;
    let Some(row) = row else { return Ok(None) };
    let max = row.opt_int(8)?.map(Money::from_kopecks).transpose();
    Ok(Some(Consent {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        customer_id: row.text(2)?,
        subject_id: row.text(3)?,
        terms: Terms {
            text_version: row.text(4)?,
            channel: row.text(5)?,
            ip: row.opt_text(6)?,
            user_agent: row.opt_text(7)?,
            max: max.map_err(|e| DbError::Decode(format!("max_kopecks: {e}")))?,
            period: row.opt_text(9)?,
        },
        given_ms: row.int(10)?,
    }))
}
