//! SQL of subscriptions, their periods and attempts.

mod agreed;
mod history;
mod others;
mod plans;
pub mod rebinds;
mod refunds;
mod rules;
mod state_columns;

pub use agreed::{
    find_consent, find_notice, insert_consent, list_consents, list_entitled, withdraw_consents,
};
pub use history::{Asked, Happened, Told, list_asked, list_happened, list_paid, list_told};
pub use others::{find_other_of_plan, is_attempt};
pub use plans::{
    archive_plan, end_coupon, find_coupon, find_coupon_by_id, find_plan, find_plan_by_id,
    find_version, insert_coupon, insert_plan, insert_version, latest_version, list_coupons,
    list_plans, list_versions, lock_plan, use_coupon,
};
pub use refunds::{list_paid_after, list_refunded, refunded_for};
pub use rules::{get_rules, save_rules};

use serde::{Deserialize, Serialize};

use self::state_columns::{Columns, decode_state, encode_state};
use super::{
    dunning::Class,
    model::{Attempt, Cause, How, Outcome, OwnReceipt, Period, PeriodStatus, Subscription},
    pricing::{Line, LineKind},
    state::Status,
};
use crate::{
    instruments::model::Kind,
    kit::db::{DbError, Row, Tx, Value},
};

const COLUMNS: &str = "id, shop_id, customer_id, plan_id, version_id, quantity, coupon_id, \
     coupon_left, connection_id, instrument_id, zone, anchor_ms, cycle, periods, balance_kopecks, \
     next_version_id, next_quantity, status, until_ms, ends, resumes_ms, reason, told_ms, contact, \
     success_url, fail_url, metadata, revision, created_ms, collection, saves, bank_count, \
     receipt, receipt_plan_id, receipt_said_ms";

/// Which subscriptions to list. Empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    pub status: Option<Status>,
    pub customer_id: Option<String>,
    pub plan_id: Option<String>,
    /// Only subscriptions older than this id: the last one of the page before.
    pub before_id: Option<String>,
}

pub(super) fn count(row: &Row, at: usize) -> Result<u32, DbError> {
    u32::try_from(row.int(at)?).map_err(|_| DbError::Decode(format!("column {at} is no count")))
}

pub(super) fn opt_count(row: &Row, at: usize) -> Result<Option<u32>, DbError> {
    let number = row.opt_int(at)?.map(u32::try_from).transpose();
    number.map_err(|_| DbError::Decode(format!("column {at} is no count")))
}

/// A word of a closed list.
pub(super) fn word<T>(
    row: &Row,
    at: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, DbError> {
    let text = row.text(at)?;
    parse(&text).ok_or_else(|| DbError::Decode(format!("column {at}: {text}")))
}

pub fn insert_subscription(tx: &mut dyn Tx, subscription: &Subscription) -> Result<(), DbError> {
    let s = subscription;
    let state: Columns = encode_state(&s.state);
    tx.execute(
        "insert into subscriptions (id, shop_id, customer_id, plan_id, version_id, quantity, \
         coupon_id, coupon_left, connection_id, instrument_id, zone, anchor_ms, cycle, periods, \
         balance_kopecks, next_version_id, next_quantity, status, until_ms, ends, resumes_ms, \
         reason, told_ms, contact, success_url, fail_url, metadata, revision, created_ms, \
         collection, saves, bank_count, receipt, receipt_plan_id, receipt_said_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)",
        &[
            s.id.as_str().into(),
            s.shop_id.as_str().into(),
            s.customer_id.as_str().into(),
            s.plan_id.as_str().into(),
            s.version_id.as_str().into(),
            s.quantity.into(),
            s.coupon_id.clone().into(),
            s.coupon_left.into(),
            s.connection_id.as_str().into(),
            s.instrument_id.clone().into(),
            s.zone.as_str().into(),
            s.anchor_ms.into(),
            s.cycle.into(),
            s.periods.into(),
            s.balance_kopecks.into(),
            s.next_version_id.clone().into(),
            s.next_quantity.into(),
            state.status.into(),
            state.until_ms.into(),
            state.ends.into(),
            state.resumes_ms.into(),
            state.reason.into(),
            s.told_ms.into(),
            s.contact.clone().into(),
            s.success_url.clone().into(),
            s.fail_url.clone().into(),
            s.metadata.as_str().into(),
            s.revision.into(),
            s.created_ms.into(),
            s.collection.as_str().into(),
            s.saves.as_str().into(),
            s.bank_count.into(),
            s.receipt.as_ref().map(|own| own.text.clone()).into(),
            s.receipt.as_ref().map(|own| own.plan_id.clone()).into(),
            s.receipt.as_ref().map(|own| own.said_ms).into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change, and counts the change.
pub fn update_subscription(
    tx: &mut dyn Tx,
    subscription: &mut Subscription,
) -> Result<(), DbError> {
    subscription.revision += 1;
    let s = subscription;
    let state: Columns = encode_state(&s.state);
    tx.execute(
        "update subscriptions set version_id = $1, quantity = $2, coupon_id = $3, \
         coupon_left = $4, connection_id = $5, instrument_id = $6, anchor_ms = $7, cycle = $8, \
         periods = $9, balance_kopecks = $10, next_version_id = $11, next_quantity = $12, \
         status = $13, until_ms = $14, ends = $15, resumes_ms = $16, reason = $17, told_ms = $18, \
         contact = $19, revision = $20, plan_id = $21, collection = $22, \
         saves = $23, bank_count = $24, receipt = $25, receipt_plan_id = $26, \
         receipt_said_ms = $27 where id = $28 and shop_id = $29",
        &[
            s.version_id.as_str().into(),
            s.quantity.into(),
            s.coupon_id.clone().into(),
            s.coupon_left.into(),
            s.connection_id.as_str().into(),
            s.instrument_id.clone().into(),
            s.anchor_ms.into(),
            s.cycle.into(),
            s.periods.into(),
            s.balance_kopecks.into(),
            s.next_version_id.clone().into(),
            s.next_quantity.into(),
            state.status.into(),
            state.until_ms.into(),
            state.ends.into(),
            state.resumes_ms.into(),
            state.reason.into(),
            s.told_ms.into(),
            s.contact.clone().into(),
            s.revision.into(),
            s.plan_id.as_str().into(),
            s.collection.as_str().into(),
            s.saves.as_str().into(),
            s.bank_count.into(),
            s.receipt.as_ref().map(|own| own.text.clone()).into(),
            s.receipt.as_ref().map(|own| own.plan_id.clone()).into(),
            s.receipt.as_ref().map(|own| own.said_ms).into(),
            s.id.as_str().into(),
            s.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// By its id alone: for the job that drives it.
pub fn find_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Subscription>, DbError> {
    let sql = format!("select {COLUMNS} from subscriptions where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn lock_by_id(tx: &mut dyn Tx, id: &str) -> Result<Option<Subscription>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from subscriptions where id = $1{lock}");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn find_subscription(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Option<Subscription>, DbError> {
    Ok(find_by_id(tx, id)?.filter(|found| found.shop_id == shop_id))
}

pub fn lock_subscription(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Option<Subscription>, DbError> {
    Ok(lock_by_id(tx, id)?.filter(|found| found.shop_id == shop_id))
}

/// At most `limit` subscriptions, the newest first.
pub fn list_subscriptions(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &SubscriptionFilter,
    limit: i64,
) -> Result<Vec<Subscription>, DbError> {
    let mut sql = format!("select {COLUMNS} from subscriptions where shop_id = $1");
    let mut params: Vec<Value> = vec![shop_id.into()];
    let status = filter.status.map(|status| status.as_str().to_owned());
    let wanted = [
        ("status =", status),
        ("customer_id =", filter.customer_id.clone()),
        ("plan_id =", filter.plan_id.clone()),
        ("id <", filter.before_id.clone()),
    ];
    for (test, value) in wanted {
        let Some(value) = value else { continue };
        params.push(value.into());
        sql.push_str(&format!(" and {test} ${}", params.len()));
    }
    params.push(limit.into());
    sql.push_str(&format!(" order by id desc limit ${}", params.len()));
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

fn own_receipt(row: &Row, from: usize, created_ms: i64) -> Result<Option<OwnReceipt>, DbError> {
    let (text, plan_id) = (row.opt_text(from)?, row.opt_text(from + 1)?);
    // What was written before that day was kept was said with the subscription.
    let said_ms = row.opt_int(from + 2)?.unwrap_or(created_ms);
    Ok(text.zip(plan_id).map(|(text, plan_id)| OwnReceipt { plan_id, text, said_ms }))
}

fn decode(row: &Row) -> Result<Subscription, DbError> {
    Ok(Subscription {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        customer_id: row.text(2)?,
        plan_id: row.text(3)?,
        version_id: row.text(4)?,
        quantity: count(row, 5)?,
        coupon_id: row.opt_text(6)?,
        coupon_left: opt_count(row, 7)?,
        connection_id: row.text(8)?,
        instrument_id: row.opt_text(9)?,
        zone: row.text(10)?,
        anchor_ms: row.int(11)?,
        cycle: count(row, 12)?,
        periods: count(row, 13)?,
        balance_kopecks: row.int(14)?,
        next_version_id: row.opt_text(15)?,
        next_quantity: opt_count(row, 16)?,
        state: decode_state(row, 17)?,
        told_ms: row.opt_int(22)?,
        contact: row.opt_text(23)?,
        success_url: row.opt_text(24)?,
        fail_url: row.opt_text(25)?,
        metadata: row.text(26)?,
        revision: row.int(27)?,
        created_ms: row.int(28)?,
        collection: word(row, 29, How::parse)?,
        saves: word(row, 30, Kind::parse)?,
        bank_count: opt_count(row, 31)?,
        receipt: own_receipt(row, 32, row.int(28)?)?,
    })
}

/// How a [`Line`] lies in its column.
#[derive(Serialize, Deserialize)]
struct StoredLine {
    kind: String,
    kopecks: i64,
}

fn encode_lines(lines: &[Line]) -> String {
    let stored = lines
        .iter()
        .map(|line| StoredLine { kind: line.kind.as_str().to_owned(), kopecks: line.kopecks });
    serde_json::to_string(&stored.collect::<Vec<_>>()).unwrap_or_default()
}

fn decode_lines(text: &str) -> Result<Vec<Line>, DbError> {
    let stored: Vec<StoredLine> =
        serde_json::from_str(text).map_err(|e| DbError::Decode(format!("lines: {e}")))?;
    let line = |stored: StoredLine| {
        let kind = LineKind::parse(&stored.kind);
        let kind = kind.ok_or_else(|| DbError::Decode(format!("line {}", stored.kind)))?;
        Ok(Line { kind, kopecks: stored.kopecks })
    };
    stored.into_iter().map(line).collect()
}

const PERIOD_COLUMNS: &str = "subscription_id, number, cause, version_id, quantity, start_ms, \
     end_ms, lines, amount_kopecks, status, by_link, next_try_ms, give_up_ms, paid_ms, created_ms, \
     refunded_kopecks, uncredited_kopecks, unbacked_kopecks";

/// Fails when the subscription has a period of that number: nobody begins one twice.
pub fn insert_period(tx: &mut dyn Tx, period: &Period) -> Result<(), DbError> {
    let p = period;
    let sum: i64 = p.lines.iter().map(|line| line.kopecks).sum();
    if sum != p.amount.kopecks() {
        return Err(DbError::Other(format!("{}: lines are not the sum", p.subscription_id)));
    }
    tx.execute(
        "insert into subscription_periods (subscription_id, number, cause, version_id, quantity, \
         start_ms, end_ms, lines, amount_kopecks, status, by_link, next_try_ms, give_up_ms, \
         paid_ms, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &[
            p.subscription_id.as_str().into(),
            p.number.into(),
            p.cause.as_str().into(),
            p.version_id.as_str().into(),
            p.quantity.into(),
            p.start_ms.into(),
            p.end_ms.into(),
            encode_lines(&p.lines).into(),
            p.amount.into(),
            p.status.as_str().into(),
            p.by_link.into(),
            p.next_try_ms.into(),
            p.give_up_ms.into(),
            p.paid_ms.into(),
            p.created_ms.into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change; never the sum.
pub fn update_period(tx: &mut dyn Tx, period: &Period) -> Result<(), DbError> {
    let p = period;
    tx.execute(
        "update subscription_periods set start_ms = $1, end_ms = $2, status = $3, by_link = $4, \
         next_try_ms = $5, give_up_ms = $6, paid_ms = $7, refunded_kopecks = $8, \
         uncredited_kopecks = $9, unbacked_kopecks = $10 \
         where subscription_id = $11 and number = $12",
        &[
            p.start_ms.into(),
            p.end_ms.into(),
            p.status.as_str().into(),
            p.by_link.into(),
            p.next_try_ms.into(),
            p.give_up_ms.into(),
            p.paid_ms.into(),
            p.refunded.into(),
            p.uncredited.into(),
            p.unbacked.into(),
            p.subscription_id.as_str().into(),
            p.number.into(),
        ],
    )?;
    Ok(())
}

pub fn find_period(
    tx: &mut dyn Tx,
    subscription_id: &str,
    number: u32,
) -> Result<Option<Period>, DbError> {
    let sql = format!(
        "select {PERIOD_COLUMNS} from subscription_periods \
         where subscription_id = $1 and number = $2"
    );
    tx.find(&sql, &[subscription_id.into(), number.into()])?
        .map(|row| decode_period(&row))
        .transpose()
}

/// The newest that is paid: a change that was not paid may have come after it.
pub fn find_last_paid(tx: &mut dyn Tx, subscription_id: &str) -> Result<Option<Period>, DbError> {
    find_paid_before(tx, subscription_id, u32::MAX)
}

/// The one that was paid before the period of this number.
pub fn find_paid_before(
    tx: &mut dyn Tx,
    subscription_id: &str,
    number: u32,
) -> Result<Option<Period>, DbError> {
    let sql = format!(
        "select {PERIOD_COLUMNS} from subscription_periods where subscription_id = $1 \
         and number < $2 and status = $3 order by number desc limit 1"
    );
    let params = [subscription_id.into(), number.into(), PeriodStatus::Paid.as_str().into()];
    tx.find(&sql, &params)?.map(|row| decode_period(&row)).transpose()
}

/// The newest first.
pub fn list_periods(
    tx: &mut dyn Tx,
    subscription_id: &str,
    limit: i64,
) -> Result<Vec<Period>, DbError> {
    let sql = format!(
        "select {PERIOD_COLUMNS} from subscription_periods where subscription_id = $1 \
         order by number desc limit $2"
    );
    tx.query(&sql, &[subscription_id.into(), limit.into()])?.iter().map(decode_period).collect()
}

fn decode_period(row: &Row) -> Result<Period, DbError> {
    Ok(Period {
        subscription_id: row.text(0)?,
        number: count(row, 1)?,
        cause: word(row, 2, Cause::parse)?,
        version_id: row.text(3)?,
        quantity: count(row, 4)?,
        start_ms: row.int(5)?,
        end_ms: row.int(6)?,
        lines: decode_lines(&row.text(7)?)?,
        amount: row.money(8)?,
        status: word(row, 9, PeriodStatus::parse)?,
        by_link: row.flag(10)?,
        next_try_ms: row.opt_int(11)?,
        give_up_ms: row.int(12)?,
        paid_ms: row.opt_int(13)?,
        created_ms: row.int(14)?,
        refunded: row.money(15)?,
        uncredited: row.money(16)?,
        unbacked: row.money(17)?,
    })
}

const ATTEMPT_COLUMNS: &str =
    "payment_id, subscription_id, period, number, how, outcome, class, created_ms";

const fn outcome_word(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Open => ("open", None),
        Outcome::Paid => ("paid", None),
        Outcome::Failed(class) => ("failed", Some(class.as_str())),
        Outcome::GivenBack => ("given_back", None),
    }
}

/// Fails when the period has an attempt of that number.
pub fn insert_attempt(tx: &mut dyn Tx, attempt: &Attempt) -> Result<(), DbError> {
    let a = attempt;
    let (outcome, class) = outcome_word(a.outcome);
    tx.execute(
        "insert into subscription_attempts (payment_id, subscription_id, period, number, how, \
         outcome, class, created_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            a.payment_id.as_str().into(),
            a.subscription_id.as_str().into(),
            a.period.into(),
            a.number.into(),
            a.how.as_str().into(),
            outcome.into(),
            class.into(),
            a.created_ms.into(),
        ],
    )?;
    Ok(())
}

pub fn update_attempt(tx: &mut dyn Tx, attempt: &Attempt) -> Result<(), DbError> {
    let (outcome, class) = outcome_word(attempt.outcome);
    tx.execute(
        "update subscription_attempts set outcome = $1, class = $2 where payment_id = $3",
        &[outcome.into(), class.into(), attempt.payment_id.as_str().into()],
    )?;
    Ok(())
}

/// A period's attempts in their order.
pub fn list_attempts(
    tx: &mut dyn Tx,
    subscription_id: &str,
    period: u32,
) -> Result<Vec<Attempt>, DbError> {
    let sql = format!(
        "select {ATTEMPT_COLUMNS} from subscription_attempts \
         where subscription_id = $1 and period = $2 order by number"
    );
    tx.query(&sql, &[subscription_id.into(), period.into()])?.iter().map(decode_attempt).collect()
}

/// Attempts of which something is still to be heard: those whose outcome is not known, and those
/// taken for failed by which money came all the same.
pub fn list_unsettled(tx: &mut dyn Tx, subscription_id: &str) -> Result<Vec<Attempt>, DbError> {
    let columns: Vec<String> =
        ATTEMPT_COLUMNS.split(", ").map(|column| format!("a.{column}")).collect();
    let sql = format!(
        "select {} from subscription_attempts a join payments p on p.id = a.payment_id \
         where a.subscription_id = $1 \
         and (a.outcome = 'open' or (a.outcome = 'failed' and p.paid_kopecks > 0)) \
         order by a.period, a.number",
        columns.join(", ")
    );
    tx.query(&sql, &[subscription_id.into()])?.iter().map(decode_attempt).collect()
}

fn decode_attempt(row: &Row) -> Result<Attempt, DbError> {
    let class = row.opt_text(6)?;
    let text = row.text(5)?;
    let class = class.as_deref().and_then(Class::parse);
    let outcome = match (text.as_str(), class) {
        ("open", _) => Outcome::Open,
        ("paid", _) => Outcome::Paid,
        ("failed", Some(class)) => Outcome::Failed(class),
        ("given_back", _) => Outcome::GivenBack,
        _ => return Err(DbError::Decode(format!("outcome {text}"))),
    };
    Ok(Attempt {
        payment_id: row.text(0)?,
        subscription_id: row.text(1)?,
        period: count(row, 2)?,
        number: count(row, 3)?,
        how: word(row, 4, How::parse)?,
        outcome,
        created_ms: row.int(7)?,
    })
}
