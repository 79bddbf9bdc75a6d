//! SQL of plans, their versions, and coupons.

use kopeck_banks::Money;

use super::{count, opt_count, word};
use crate::{
    kit::db::{DbError, Row, Tx},
    subscriptions::{
        model::{Coupon, Plan, Terms, Version},
        pricing::Discount,
        schedule::{Interval, Unit},
    },
};

const PLAN_COLUMNS: &str = "id, shop_id, code, is_archived, created_ms";
const VERSION_COLUMNS: &str = "id, plan_id, number, name, price_kopecks, unit, unit_count, \
     trial_days, setup_fee_kopecks, features, created_ms, receipt, notice_hours";
const COUPON_COLUMNS: &str = "id, shop_id, code, percent, amount_kopecks, periods, max_uses, uses, \
     until_ms, created_ms";

/// `false` when the shop has a plan of that code.
pub fn insert_plan(tx: &mut dyn Tx, plan: &Plan) -> Result<bool, DbError> {
    let touched = tx.execute(
        "insert into plans (id, shop_id, code, is_archived, created_ms) \
         values ($1, $2, $3, $4, $5) on conflict (shop_id, code) do nothing",
        &[
            plan.id.as_str().into(),
            plan.shop_id.as_str().into(),
            plan.code.as_str().into(),
            plan.is_archived.into(),
            plan.created_ms.into(),
        ],
    )?;
    Ok(touched > 0)
}

pub fn archive_plan(tx: &mut dyn Tx, plan_id: &str, is_archived: bool) -> Result<(), DbError> {
    tx.execute(
        "update plans set is_archived = $1 where id = $2",
        &[is_archived.into(), plan_id.into()],
    )?;
    Ok(())
}

pub fn find_plan(tx: &mut dyn Tx, shop_id: &str, code: &str) -> Result<Option<Plan>, DbError> {
    let sql = format!("select {PLAN_COLUMNS} from plans where shop_id = $1 and code = $2");
    tx.find(&sql, &[shop_id.into(), code.into()])?.map(|row| decode_plan(&row)).transpose()
}

/// Keeps the plan as it is until the transaction ends, so that versions get their numbers in turn.
pub fn lock_plan(tx: &mut dyn Tx, shop_id: &str, code: &str) -> Result<Option<Plan>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {PLAN_COLUMNS} from plans where shop_id = $1 and code = $2{lock}");
    tx.find(&sql, &[shop_id.into(), code.into()])?.map(|row| decode_plan(&row)).transpose()
}

pub fn find_plan_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Plan>, DbError> {
    let sql = format!("select {PLAN_COLUMNS} from plans where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode_plan(&row)).transpose()
}

/// By their codes; no shop has more than a page of them.
pub fn list_plans(tx: &mut dyn Tx, shop_id: &str, limit: i64) -> Result<Vec<Plan>, DbError> {
    let sql = format!("select {PLAN_COLUMNS} from plans where shop_id = $1 order by code limit $2");
    tx.query(&sql, &[shop_id.into(), limit.into()])?.iter().map(decode_plan).collect()
}

fn decode_plan(row: &Row) -> Result<Plan, DbError> {
    Ok(Plan {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        code: row.text(2)?,
        is_archived: row.flag(3)?,
        created_ms: row.int(4)?,
    })
}

pub fn insert_version(tx: &mut dyn Tx, version: &Version) -> Result<(), DbError> {
    let (v, terms) = (version, &version.terms);
    tx.execute(
        "insert into plan_versions (id, plan_id, number, name, price_kopecks, unit, unit_count, \
         trial_days, setup_fee_kopecks, features, created_ms, receipt, notice_hours) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            v.id.as_str().into(),
            v.plan_id.as_str().into(),
            v.number.into(),
            terms.name.as_str().into(),
            terms.price.into(),
            terms.interval.unit.as_str().into(),
            terms.interval.count.into(),
            terms.trial_days.into(),
            terms.setup_fee.into(),
            terms.features.as_str().into(),
            v.created_ms.into(),
            terms.receipt.clone().into(),
            terms.notice_hours.into(),
        ],
    )?;
    Ok(())
}

pub fn find_version(tx: &mut dyn Tx, id: &str) -> Result<Option<Version>, DbError> {
    let sql = format!("select {VERSION_COLUMNS} from plan_versions where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode_version(&row)).transpose()
}

/// All that a plan ever was, the newest first.
pub fn list_versions(tx: &mut dyn Tx, plan_id: &str) -> Result<Vec<Version>, DbError> {
    let sql = format!(
        "select {VERSION_COLUMNS} from plan_versions where plan_id = $1 order by number desc"
    );
    tx.query(&sql, &[plan_id.into()])?.iter().map(decode_version).collect()
}

pub fn latest_version(tx: &mut dyn Tx, plan_id: &str) -> Result<Option<Version>, DbError> {
    let sql = format!(
        "select {VERSION_COLUMNS} from plan_versions where plan_id = $1 \
         order by number desc limit 1"
    );
    tx.find(&sql, &[plan_id.into()])?.map(|row| decode_version(&row)).transpose()
}

fn decode_version(row: &Row) -> Result<Version, DbError> {
    let unit = word(row, 5, Unit::parse)?;
    let interval = Interval::new(unit, count(row, 6)?);
    Ok(Version {
        id: row.text(0)?,
        plan_id: row.text(1)?,
        number: count(row, 2)?,
        terms: Terms {
            name: row.text(3)?,
            price: row.money(4)?,
            interval: interval.ok_or_else(|| DbError::Decode("no such interval".into()))?,
            trial_days: count(row, 7)?,
            setup_fee: row.money(8)?,
            features: row.text(9)?,
            receipt: row.opt_text(11)?,
            notice_hours: opt_count(row, 12)?,
        },
        created_ms: row.int(10)?,
    })
}

/// `false` when the shop has a coupon of that code.
pub fn insert_coupon(tx: &mut dyn Tx, coupon: &Coupon) -> Result<bool, DbError> {
    let (percent, amount) = match coupon.discount {
        Discount::Percent(percent) => (Some(percent), None),
        Discount::Amount(amount) => (None, Some(amount)),
    };
    let touched = tx.execute(
        "insert into coupons (id, shop_id, code, percent, amount_kopecks, periods, max_uses, uses, \
         until_ms, created_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (shop_id, code) do nothing",
        &[
            coupon.id.as_str().into(),
            coupon.shop_id.as_str().into(),
            coupon.code.as_str().into(),
            percent.into(),
            amount.into(),
            coupon.periods.into(),
            coupon.max_uses.into(),
            coupon.uses.into(),
            coupon.until_ms.into(),
            coupon.created_ms.into(),
        ],
    )?;
    Ok(touched > 0)
}

/// Nobody can take it from now on.
pub fn end_coupon(
    tx: &mut dyn Tx,
    (shop_id, code): (&str, &str),
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "update coupons set until_ms = $1 where shop_id = $2 and code = $3 \
         and (until_ms is null or until_ms > $1)",
        &[now_ms.into(), shop_id.into(), code.into()],
    )?;
    Ok(())
}

/// Counts one use; `false` when it was used up meanwhile or its time is over.
pub fn use_coupon(tx: &mut dyn Tx, coupon_id: &str, now_ms: i64) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update coupons set uses = uses + 1 where id = $1 \
         and (max_uses is null or uses < max_uses) and (until_ms is null or until_ms > $2)",
        &[coupon_id.into(), now_ms.into()],
    )?;
    Ok(touched > 0)
}

pub fn find_coupon(tx: &mut dyn Tx, shop_id: &str, code: &str) -> Result<Option<Coupon>, DbError> {
    let sql = format!("select {COUPON_COLUMNS} from coupons where shop_id = $1 and code = $2");
    tx.find(&sql, &[shop_id.into(), code.into()])?.map(|row| decode_coupon(&row)).transpose()
}

pub fn find_coupon_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Coupon>, DbError> {
    let sql = format!("select {COUPON_COLUMNS} from coupons where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode_coupon(&row)).transpose()
}

pub fn list_coupons(tx: &mut dyn Tx, shop_id: &str, limit: i64) -> Result<Vec<Coupon>, DbError> {
    let sql =
        format!("select {COUPON_COLUMNS} from coupons where shop_id = $1 order by code limit $2");
    tx.query(&sql, &[shop_id.into(), limit.into()])?.iter().map(decode_coupon).collect()
}

fn decode_coupon(row: &Row) -> Result<Coupon, DbError> {
    let amount = row.opt_int(4)?.map(Money::from_kopecks).transpose();
    let amount = amount.map_err(|e| DbError::Decode(format!("amount: {e}")))?;
    let discount = match (opt_count(row, 3)?, amount) {
        (Some(percent), None) => Discount::Percent(percent),
        (None, Some(amount)) => Discount::Amount(amount),
        (Some(_), Some(_)) | (None, None) => {
            return Err(DbError::Decode("a coupon takes off a part or a sum".into()));
        }
    };
    Ok(Coupon {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        code: row.text(2)?,
        discount,
        periods: opt_count(row, 5)?,
        max_uses: opt_count(row, 6)?,
        uses: count(row, 7)?,
        until_ms: row.opt_int(8)?,
        created_ms: row.int(9)?,
    })
}
