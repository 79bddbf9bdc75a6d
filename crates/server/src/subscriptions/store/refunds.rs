//! SQL of periods whose money went back to the customer.

use kopeck_banks::Money;

use super::{PERIOD_COLUMNS, count, decode_period};
use crate::{
    kit::db::{DbError, Tx},
    subscriptions::model::{Period, PeriodStatus},
};

/// What of a period's money was given back.
pub fn refunded_for(tx: &mut dyn Tx, subscription_id: &str, period: u32) -> Result<Money, DbError> {
    let row = tx.find(
        "select cast(coalesce(sum(p.refunded_kopecks), 0) as bigint) \
         from subscription_attempts a join payments p on p.id = a.payment_id \
         where a.subscription_id = $1 and a.period = $2 and a.outcome = 'paid'",
        &[subscription_id.into(), period.into()],
    )?;
    row.map_or(Ok(Money::ZERO), |row| row.money(0))
}

/// Periods of whose money more went back than is accounted for, the oldest first, with how much of
/// it went back.
pub fn list_refunded(tx: &mut dyn Tx, subscription_id: &str) -> Result<Vec<(u32, Money)>, DbError> {
    let rows = tx.query(
        "select a.period, cast(sum(p.refunded_kopecks) as bigint) \
         from subscription_attempts a join payments p on p.id = a.payment_id \
         join subscription_periods r \
         on r.subscription_id = a.subscription_id and r.number = a.period \
         where a.subscription_id = $1 and a.outcome = 'paid' \
         and p.refunded_kopecks > r.refunded_kopecks group by a.period order by a.period",
        &[subscription_id.into()],
    )?;
    rows.iter().map(|row| Ok((count(row, 0)?, row.money(1)?))).collect()
}

/// What was paid after the period of this number, the oldest first.
pub fn list_paid_after(
    tx: &mut dyn Tx,
    subscription_id: &str,
    number: u32,
) -> Result<Vec<Period>, DbError> {
    let sql = format!(
        "select {PERIOD_COLUMNS} from subscription_periods where subscription_id = $1 \
         and number > $2 and status = $3 order by number"
    );
    let params = [subscription_id.into(), number.into(), PeriodStatus::Paid.as_str().into()];
    tx.query(&sql, &params)?.iter().map(decode_period).collect()
}
