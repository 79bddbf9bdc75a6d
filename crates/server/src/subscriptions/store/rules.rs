//! SQL of a shop's rules of dunning and notices.

use super::{count, word};
use crate::{
    kit::db::{DbError, Row, Tx},
    subscriptions::dunning::{NoticeFirst, Rules},
};

/// The shop's own rules, or the default ones.
pub fn get_rules(tx: &mut dyn Tx, shop_id: &str) -> Result<Rules, DbError> {
    let row = tx.find(
        "select max_tries, paydays, hour, keep_days, notice_hours, grace_hours, notice_first, \
         notice_wait_hours from subscription_rules where shop_id = $1",
        &[shop_id.into()],
    )?;
    row.map_or_else(|| Ok(Rules::default()), |row| decode(&row))
}

pub fn save_rules(tx: &mut dyn Tx, shop_id: &str, rules: &Rules) -> Result<(), DbError> {
    let days: Vec<String> = rules.paydays.iter().map(i8::to_string).collect();
    tx.execute(
        "insert into subscription_rules (shop_id, max_tries, paydays, hour, keep_days, \
         notice_hours, grace_hours, notice_first, notice_wait_hours) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         on conflict (shop_id) do update set max_tries = excluded.max_tries, \
         paydays = excluded.paydays, hour = excluded.hour, keep_days = excluded.keep_days, \
         notice_hours = excluded.notice_hours, grace_hours = excluded.grace_hours, \
         notice_first = excluded.notice_first, \
         notice_wait_hours = excluded.notice_wait_hours",
        &[
            shop_id.into(),
            rules.max_tries.into(),
            days.join(",").into(),
            i64::from(rules.hour).into(),
            rules.keep_days.into(),
            rules.notice_hours.into(),
            rules.grace_hours.into(),
            rules.notice_first.as_str().into(),
            rules.notice_wait_hours.into(),
        ],
    )?;
    Ok(())
}

fn decode(row: &Row) -> Result<Rules, DbError> {
    let days = row.text(1)?;
    let days: Result<Vec<i8>, _> =
        days.split(',').filter(|day| !day.is_empty()).map(str::parse).collect();
    let wrong = |what| DbError::Decode(format!("{what} of the rules"));
    Ok(Rules {
        max_tries: count(row, 0)?,
        paydays: days.map_err(|_| wrong("paydays"))?,
        hour: i8::try_from(row.int(2)?).map_err(|_| wrong("hour"))?,
        keep_days: count(row, 3)?,
        notice_hours: count(row, 4)?,
        grace_hours: count(row, 5)?,
        notice_first: word(row, 6, NoticeFirst::parse)?,
        notice_wait_hours: count(row, 7)?,
    })
}
