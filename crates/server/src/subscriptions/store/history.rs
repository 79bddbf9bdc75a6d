//! SQL of what happened: to a whole shop's subscriptions for its numbers, to one customer for the
//! evidence.

use std::collections::BTreeMap;

use super::count;
use crate::{
    kit::db::{DbError, Row, Tx},
    subscriptions::metrics::Paid,
};

/// Something that was announced of a subscription, as it was then.
#[derive(Clone, Debug)]
pub struct Told {
    pub seq: i64,
    pub subject_id: String,
    pub at_ms: i64,
    pub body: String,
}

/// What was announced of the shop's subscriptions after this number, in its order.
pub fn list_told(
    tx: &mut dyn Tx,
    shop_id: &str,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<Told>, DbError> {
    let rows = tx.query(
        "select seq, subject_id, at_ms, body from events \
         where shop_id = $1 and seq > $2 and kind like 'subscription.%' order by seq limit $3",
        &[shop_id.into(), after_seq.into(), limit.into()],
    )?;
    let told = |row: &Row| {
        Ok(Told {
            seq: row.int(0)?,
            subject_id: row.text(1)?,
            at_ms: row.int(2)?,
            body: row.text(3)?,
        })
    };
    rows.iter().map(told).collect()
}

/// Periods of the shop whose money came in this time.
pub fn list_paid(
    tx: &mut dyn Tx,
    shop_id: &str,
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<Paid>, DbError> {
    let rows = tx.query(
        "select p.paid_ms, p.amount_kopecks, (select count(*) from subscription_attempts a \
             where a.subscription_id = p.subscription_id and a.period = p.number \
             and a.how = 'charge' and a.outcome = 'failed') \
         from subscription_periods p join subscriptions s on s.id = p.subscription_id \
         where s.shop_id = $1 and p.status = 'paid' and p.paid_ms >= $2 and p.paid_ms < $3",
        &[shop_id.into(), from_ms.into(), to_ms.into()],
    )?;
    let paid = |row: &Row| {
        let (at_ms, kopecks) = (row.int(0)?, row.int(1)?);
        Ok(Paid { at_ms, kopecks, is_recovered: row.int(2)? > 0 })
    };
    rows.iter().map(paid).collect()
}

/// An event of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub id: String,
    pub kind: String,
    pub subject_id: String,
    pub at_ms: i64,
    /// When a webhook, or the mail server of a letter to the customer, first took it.
    pub delivered_ms: Option<i64>,
}

/// All that happened to a subscription or a payment, in its order.
pub fn list_happened(tx: &mut dyn Tx, subject_id: &str) -> Result<Vec<Happened>, DbError> {
    let taken = tx.query(
        "select event_id, min(at_ms) from (\
         select event_id, delivered_ms at_ms from deliveries \
         where subject = $1 and state = 'delivered' \
         union all select event_id, ended_ms at_ms from sendings \
         where subscription_id = $1 and audience = 'payer' and state = 'delivered' \
         and event_id is not null) taken group by event_id",
        &[subject_id.into()],
    )?;
    let mut delivered = BTreeMap::new();
    for row in taken {
        delivered.insert(row.text(0)?, row.opt_int(1)?);
    }
    let rows = tx.query(
        "select id, kind, at_ms from events where subject_id = $1 order by seq",
        &[subject_id.into()],
    )?;
    let happened = |row: &Row| {
        let id = row.text(0)?;
        let delivered_ms = delivered.get(&id).copied().flatten();
        let (kind, subject_id, at_ms) = (row.text(1)?, subject_id.to_owned(), row.int(2)?);
        Ok(Happened { id, kind, subject_id, at_ms, delivered_ms })
    };
    rows.iter().map(happened).collect()
}

/// A payment of a customer, and for what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub payment_id: String,
    pub subscription_id: Option<String>,
    pub period: Option<u32>,
}

/// Every payment by which a customer was asked for money of a subscription, that saved what is
/// charged, or that was taken from it; the oldest first.
pub fn list_asked(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<Vec<Asked>, DbError> {
    let params = [shop_id.into(), customer_id.into()];
    let mut rows = tx.query(
        "select a.payment_id, a.subscription_id, a.period from subscription_attempts a \
         join subscriptions s on s.id = a.subscription_id \
         where s.shop_id = $1 and s.customer_id = $2",
        &params,
    )?;
    for sql in [
        "select payment_id, cast(null as text), cast(null as bigint) from instruments \
         where shop_id = $1 and customer_id = $2 and payment_id is not null",
        "select p.id, cast(null as text), cast(null as bigint) from instruments i \
         join payments p on p.account_id = i.id where i.shop_id = $1 and i.customer_id = $2",
        "select p.id, cast(null as text), cast(null as bigint) from instruments i \
         join payments p on p.card_id = i.id where i.shop_id = $1 and i.customer_id = $2",
    ] {
        rows.extend(tx.query(sql, &params)?);
    }
    let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
    for row in &rows {
        let (payment_id, subscription_id) = (row.text(0)?, row.opt_text(1)?);
        let period = subscription_id.as_ref().map(|_| count(row, 2)).transpose()?;
        // The first query knows the most of a payment.
        asked.entry(payment_id.clone()).or_insert(Asked { payment_id, subscription_id, period });
    }
    Ok(asked.into_values().collect())
}
