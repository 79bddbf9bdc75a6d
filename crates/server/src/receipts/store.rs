//! SQL of receipts.

use kopeck_banks::{Money, op::FiscalRecord};
use serde_json::json;

use super::{
    defaults::DefaultsInput,
    model::{Failure, Kind, Reason, Record, State, Taken},
};
use crate::kit::db::{DbError, Row, Tx, Value};

/// What the shop said of its receipts, if it did.
pub fn find_defaults(tx: &mut dyn Tx, shop_id: &str) -> Result<Option<DefaultsInput>, DbError> {
    let row = tx.find("select receipt_defaults from shops where id = $1", &[shop_id.into()])?;
    let text = row.map(|row| row.opt_text(0)).transpose()?.flatten();
    let decode = |text: String| {
        serde_json::from_str(&text).map_err(|e| DbError::Decode(format!("receipt_defaults: {e}")))
    };
    text.map(decode).transpose()
}

pub fn update_defaults(
    tx: &mut dyn Tx,
    shop_id: &str,
    defaults: &DefaultsInput,
) -> Result<(), DbError> {
    let text = serde_json::to_string(defaults)
        .map_err(|e| DbError::Other(format!("receipt_defaults: {e}")))?;
    let sql = "update shops set receipt_defaults = $1 where id = $2";
    tx.execute(sql, &[text.into(), shop_id.into()])?;
    Ok(())
}

const COLUMNS: &str = "id, shop_id, payment_id, refund_id, kind, state, amount_kopecks, body, \
     taken, fiscal, failure, by_hand, note, due_ms, asked_ms, created_ms, changed_ms, closes_ms, \
     look_ms, reminders, asks, failures, retry_ms, retry_reason, expected_ms, sold_ms, reason";

/// As they are read: with the bank that the payment is at now.
fn read_columns() -> String {
    let bank = "(select bank from payments where payments.id = receipts.payment_id)";
    format!("{COLUMNS}, {bank}")
}

/// Saves a receipt, new or changed.
pub fn upsert(tx: &mut dyn Tx, record: &Record) -> Result<(), DbError> {
    let r = record;
    let sql = format!(
        "insert into receipts ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27) \
         on conflict (id) do update set state = excluded.state, \
         amount_kopecks = excluded.amount_kopecks, body = excluded.body, \
         taken = excluded.taken, fiscal = excluded.fiscal, failure = excluded.failure, \
         by_hand = excluded.by_hand, note = excluded.note, due_ms = excluded.due_ms, \
         asked_ms = excluded.asked_ms, changed_ms = excluded.changed_ms, \
         closes_ms = excluded.closes_ms, look_ms = excluded.look_ms, \
         reminders = excluded.reminders, asks = excluded.asks, failures = excluded.failures, \
         retry_ms = excluded.retry_ms, retry_reason = excluded.retry_reason, \
         expected_ms = excluded.expected_ms, sold_ms = excluded.sold_ms, \
         reason = excluded.reason"
    );
    tx.execute(
        &sql,
        &[
            r.id.as_str().into(),
            r.shop_id.as_str().into(),
            r.payment_id.as_str().into(),
            r.refund_id.clone().into(),
            r.kind.as_str().into(),
            r.state.as_str().into(),
            r.amount.into(),
            r.body.clone().into(),
            encode_taken(&r.taken).into(),
            r.fiscal.as_ref().map(encode_fiscal).into(),
            r.failure.as_ref().map(encode_failure).into(),
            r.is_by_hand.into(),
            r.note.clone().into(),
            r.due_ms().into(),
            r.asked_ms.into(),
            r.created_ms.into(),
            r.changed_ms.into(),
            r.closes_ms.into(),
            r.look_ms.into(),
            i64::from(r.reminders).into(),
            i64::from(r.asks).into(),
            i64::from(r.failures).into(),
            r.retry_ms.into(),
            r.retry_reason.clone().into(),
            r.expected_ms.into(),
            r.sold_ms.into(),
            r.reason.map(|reason| reason.as_str().to_owned()).into(),
        ],
    )?;
    Ok(())
}

/// One change of a receipt's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub receipt_id: String,
    pub kind: String,
    pub at_ms: i64,
    pub state: String,
    pub why: Option<String>,
}

pub fn insert_step(
    tx: &mut dyn Tx,
    id: &str,
    record: &Record,
    why: Option<&str>,
) -> Result<(), DbError> {
    let sql = "insert into receipt_steps (id, receipt_id, at_ms, state, why) \
               values ($1, $2, $3, $4, $5)";
    let (state, why) = (record.state.as_str(), why.map(str::to_owned));
    let of = record.id.as_str();
    tx.execute(sql, &[id.into(), of.into(), record.changed_ms.into(), state.into(), why.into()])?;
    Ok(())
}

/// What became of a payment's receipts, in its order.
pub fn list_steps(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<Change>, DbError> {
    let sql = "select s.receipt_id, r.kind, s.at_ms, s.state, s.why from receipt_steps s \
               join receipts r on r.id = s.receipt_id where r.payment_id = $1 \
               order by s.at_ms, s.id";
    let read = |row: &Row| {
        Ok(Change {
            receipt_id: row.text(0)?,
            kind: row.text(1)?,
            at_ms: row.int(2)?,
            state: row.text(3)?,
            why: row.opt_text(4)?,
        })
    };
    tx.query(sql, &[payment_id.into()])?.iter().map(read).collect()
}

/// The payment's receipts in their order.
pub fn list_of_payment(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<Record>, DbError> {
    let sql = format!(
        "select {} from receipts where payment_id = $1 order by created_ms, \
             case kind when 'income' then 0 when 'closing' then 1 when 'refund' then 2 else 3 end, \
             id",
        read_columns()
    );
    tx.query(&sql, &[payment_id.into()])?.iter().map(decode).collect()
}

pub fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Record>, DbError> {
    let sql = format!("select {} from receipts where id = $1", read_columns());
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn find_of_refund(tx: &mut dyn Tx, refund_id: &str) -> Result<Option<Record>, DbError> {
    let sql = format!("select {} from receipts where refund_id = $1", read_columns());
    tx.find(&sql, &[refund_id.into()])?.map(|row| decode(&row)).transpose()
}

/// Which receipts of a shop.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub kind: Option<Kind>,
    pub payment_id: Option<String>,
    /// Only those that a person has something to do about at this moment or later.
    pub due_at_ms: Option<i64>,
    pub before_id: Option<String>,
}

/// The newest first.
pub fn list(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Record>, DbError> {
    let mut sql = format!("select {} from receipts where shop_id = $1", read_columns());
    let mut values: Vec<Value> = vec![shop_id.into()];
    let mut add = |condition: &str, value: Option<&str>| {
        if let Some(value) = value {
            values.push(value.into());
            sql.push_str(&format!(" and {condition} ${}", values.len()));
        }
    };
    add("state =", filter.state.map(State::as_str));
    add("kind =", filter.kind.map(Kind::as_str));
    add("payment_id =", filter.payment_id.as_deref());
    add("id <", filter.before_id.as_deref());
    if let Some(now_ms) = filter.due_at_ms {
        values.push(now_ms.into());
        sql.push_str(&format!(" and (due_ms is not null or expected_ms <= ${})", values.len()));
    }
    values.push(limit.into());
    sql.push_str(&format!(" order by id desc limit ${}", values.len()));
    tx.query(&sql, &values)?.iter().map(decode).collect()
}

/// How a shop's receipts stand; of all shops where none is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// A person has to do something about them now.
    pub due: i64,
    /// Something to do is coming: prepayments to close later.
    pub upcoming: i64,
    /// Failed, and nobody has said yet what became of it.
    pub failed: i64,
    /// Of these, tried again by themselves.
    pub retrying: i64,
    /// The bank should have told of them by now.
    pub late: i64,
    /// The longest due.
    pub oldest_ms: Option<i64>,
}

pub fn stand(tx: &mut dyn Tx, shop_id: Option<&str>, now_ms: i64) -> Result<Standing, DbError> {
    // Only rows that wait for something: an index of each keeps this cheap.
    let own = if shop_id.is_some() { "shop_id = $2 and" } else { "" };
    let sum =
        |condition: &str| format!("coalesce(sum(case when {condition} then 1 else 0 end), 0)");
    let sql = format!(
        "select {}, {}, {}, {}, {}, min(case when due_ms <= $1 then due_ms end) from receipts \
         where {own} (due_ms is not null or expected_ms is not null)",
        sum("due_ms <= $1"),
        sum("due_ms > $1"),
        sum("state = 'failed' and look_ms is not null"),
        sum("retry_ms is not null"),
        sum("expected_ms <= $1"),
    );
    let mut values: Vec<Value> = vec![now_ms.into()];
    values.extend(shop_id.map(Value::from));
    let Some(row) = tx.find(&sql, &values)? else { return Ok(Standing::default()) };
    Ok(Standing {
        due: row.int(0)?,
        upcoming: row.int(1)?,
        failed: row.int(2)?,
        retrying: row.int(3)?,
        late: row.int(4)?,
        oldest_ms: row.opt_int(5)?,
    })
}

/// A link and its attempt change sides: what belongs to a bank goes with it.
pub fn trade_payments(tx: &mut dyn Tx, one: &str, other: &str) -> Result<(), DbError> {
    let sql = "update receipts set payment_id = case when payment_id = $1 then $2 else $1 end \
               where payment_id in ($1, $2)";
    tx.execute(sql, &[one.into(), other.into()])?;
    Ok(())
}

/// Where a page of what is due ended: as it was then, since whoever works through the list settles
/// what was on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCursor {
    pub due_ms: i64,
    pub id: String,
}

impl DueCursor {
    pub fn of(record: &Record) -> DueCursor {
        DueCursor { due_ms: record.due_ms().unwrap_or(i64::MAX), id: record.id.clone() }
    }

    pub fn parse(text: &str) -> Option<DueCursor> {
        let (due_ms, id) = text.split_once('-')?;
        let is_id = id.starts_with("rcp_");
        is_id.then_some(DueCursor { due_ms: due_ms.parse().ok()?, id: id.to_owned() })
    }

    pub fn text(&self) -> String {
        format!("{}-{}", self.due_ms, self.id)
    }
}

/// What a person still has to do, the most urgent first; what is late, after it. `after`: where a
/// page before it ended.
pub fn list_due(
    tx: &mut dyn Tx,
    shop_id: &str,
    now_ms: i64,
    after: Option<&DueCursor>,
    limit: i64,
) -> Result<Vec<Record>, DbError> {
    // What has no day is later than any.
    let due = format!("coalesce(due_ms, {})", i64::MAX);
    let mut values: Vec<Value> = vec![shop_id.into(), now_ms.into(), limit.into()];
    let mut page = String::new();
    if let Some(DueCursor { due_ms, id }) = after {
        values.push((*due_ms).into());
        values.push(id.as_str().into());
        page = format!(" and ({due} > $4 or {due} = $4 and id > $5)");
    }
    let sql = format!(
        "select {} from receipts where shop_id = $1 and (due_ms is not null or expected_ms <= $2)\
         {page} order by {due}, id limit $3",
        read_columns()
    );
    tx.query(&sql, &values)?.iter().map(decode).collect()
}

/// Links that may be paid after this moment, with a receipt that the bank knows.
pub fn count_outliving(tx: &mut dyn Tx, shop_id: &str, at_ms: i64) -> Result<i64, DbError> {
    let sql = "select count(*) from payments where shop_id = $1 and receipt is not null \
               and status in ('opening', 'open', 'authorized') and expires_ms > $2 \
               and attempt_of is null and receipt not like '{\"by_hand\"%' \
               and receipt not like '{\"npd\"%'";
    let row = tx.find(sql, &[shop_id.into(), at_ms.into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

fn decode(row: &Row) -> Result<Record, DbError> {
    let (kind, state) = (row.text(4)?, row.text(5)?);
    let strange = |what: &str, text: &str| DbError::Decode(format!("receipt {what} {text}"));
    Ok(Record {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        payment_id: row.text(2)?,
        refund_id: row.opt_text(3)?,
        kind: Kind::parse(&kind).ok_or_else(|| strange("kind", &kind))?,
        state: State::parse(&state).ok_or_else(|| strange("state", &state))?,
        amount: row.money(6)?,
        body: row.opt_text(7)?,
        taken: decode_taken(&row.text(8)?)?,
        fiscal: row.opt_text(9)?.as_deref().map(decode_fiscal).transpose()?,
        failure: row.opt_text(10)?.as_deref().map(decode_failure).transpose()?,
        is_by_hand: row.flag(11)?,
        note: row.opt_text(12)?,
        asked_ms: row.opt_int(14)?,
        created_ms: row.int(15)?,
        changed_ms: row.int(16)?,
        closes_ms: row.opt_int(17)?,
        look_ms: row.opt_int(18)?,
        reminders: small(row, 19)?,
        asks: small(row, 20)?,
        failures: small(row, 21)?,
        retry_ms: row.opt_int(22)?,
        retry_reason: row.opt_text(23)?,
        expected_ms: row.opt_int(24)?,
        sold_ms: row.opt_int(25)?,
        reason: match row.opt_text(26)? {
            Some(word) => Some(Reason::parse(&word).ok_or_else(|| strange("reason", &word))?),
            None => None,
        },
        bank: row.opt_text(27)?.unwrap_or_default(),
    })
}

/// A count that nobody brings to the end of its range.
fn small(row: &Row, at: usize) -> Result<u32, DbError> {
    let value = row.int(at)?;
    u32::try_from(value).map_err(|_| DbError::Decode(format!("receipt count {value}")))
}

fn encode_taken(taken: &[Taken]) -> String {
    let pairs: Vec<(u64, i64)> =
        taken.iter().map(|taken| (taken.quantity_milli, taken.sum.kopecks())).collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

fn decode_taken(text: &str) -> Result<Vec<Taken>, DbError> {
    let wrong = |e: &dyn std::fmt::Display| DbError::Decode(format!("receipt taken: {e}"));
    let pairs: Vec<(u64, i64)> = serde_json::from_str(text).map_err(|e| wrong(&e))?;
    let taken = pairs.into_iter().map(|(quantity_milli, kopecks)| {
        let sum = Money::from_kopecks(kopecks).map_err(|e| wrong(&e))?;
        Ok(Taken { quantity_milli, sum })
    });
    taken.collect()
}

fn encode_failure(failure: &Failure) -> String {
    json!({ "code": failure.code, "message": failure.message, "hint": failure.hint }).to_string()
}

fn decode_failure(text: &str) -> Result<Failure, DbError> {
    let mut field = text_fields(text)?;
    Ok(Failure { code: field("code"), message: field("message"), hint: field("hint") })
}

fn encode_fiscal(fiscal: &FiscalRecord) -> String {
    let FiscalRecord { bank_id, reference, is_done, problem, amount, kind, .. } = fiscal;
    json!({
        "bank_id": bank_id, "reference": reference, "problem": problem, "kind": kind,
        "is_done": is_done.then_some("yes"),
        "is_prepaid": fiscal.is_prepaid.map(|is| if is { "yes" } else { "no" }),
        "amount": amount.map(Money::to_rubles), "fiscal_number": fiscal.fiscal_number,
        "shift_number": fiscal.shift_number, "receipt_at": fiscal.receipt_at,
        "storage_number": fiscal.storage_number, "register_number": fiscal.register_number,
        "document_number": fiscal.document_number, "document_sign": fiscal.document_sign,
        "ofd": fiscal.ofd, "url": fiscal.url, "qr_url": fiscal.qr_url,
    })
    .to_string()
}

fn decode_fiscal(text: &str) -> Result<FiscalRecord, DbError> {
    let mut field = text_fields(text)?;
    let mut some = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
    Ok(FiscalRecord {
        bank_id: some("bank_id"),
        reference: some("reference"),
        is_done: some("is_done").is_some(),
        is_prepaid: some("is_prepaid").map(|word| word == "yes"),
        problem: some("problem"),
        amount: some("amount").and_then(|text| Money::parse_rubles(&text).ok()),
        kind: some("kind"),
        fiscal_number: some("fiscal_number"),
        shift_number: some("shift_number"),
        receipt_at: some("receipt_at"),
        storage_number: some("storage_number"),
        register_number: some("register_number"),
        document_number: some("document_number"),
        document_sign: some("document_sign"),
        ofd: some("ofd"),
        url: some("url"),
        qr_url: some("qr_url"),
    })
}

/// A JSON object's texts by name; what is absent is empty.
fn text_fields(text: &str) -> Result<impl FnMut(&str) -> String, DbError> {
    let mut fields: std::collections::BTreeMap<String, Option<String>> =
        serde_json::from_str(text).map_err(|e| DbError::Decode(format!("receipt: {e}")))?;
    Ok(move |name: &str| fields.remove(name).flatten().unwrap_or_default())
}
