//! SQL of receipts.

use kopeck_banks::{Money, op::FiscalRecord};
use serde_json::json;

use super::{
    defaults::DefaultsInput,
    model::{Failure, Kind, Record, State, Taken},
};
use crate::kit::db::{DbError, Row, Tx};

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
     taken, fiscal, failure, by_hand, note, due_ms, asked_ms, created_ms, changed_ms";

/// Saves a receipt, new or changed.
pub fn upsert(tx: &mut dyn Tx, record: &Record) -> Result<(), DbError> {
    let r = record;
    let sql = format!(
        "insert into receipts ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         $12, $13, $14, $15, $16, $17) on conflict (id) do update set state = excluded.state, \
         amount_kopecks = excluded.amount_kopecks, body = excluded.body, \
         taken = excluded.taken, fiscal = excluded.fiscal, failure = excluded.failure, \
         by_hand = excluded.by_hand, note = excluded.note, due_ms = excluded.due_ms, \
         asked_ms = excluded.asked_ms, changed_ms = excluded.changed_ms"
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
            r.due_ms.into(),
            r.asked_ms.into(),
            r.created_ms.into(),
            r.changed_ms.into(),
        ],
    )?;
    Ok(())
}

/// The payment's receipts in their order.
pub fn list_of_payment(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<Record>, DbError> {
    let sql =
        format!("select {COLUMNS} from receipts where payment_id = $1 order by created_ms, id");
    tx.query(&sql, &[payment_id.into()])?.iter().map(decode).collect()
}

pub fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Record>, DbError> {
    let sql = format!("select {COLUMNS} from receipts where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn find_of_refund(tx: &mut dyn Tx, refund_id: &str) -> Result<Option<Record>, DbError> {
    let sql = format!("select {COLUMNS} from receipts where refund_id = $1");
    tx.find(&sql, &[refund_id.into()])?.map(|row| decode(&row)).transpose()
}

/// What a person still has to do, the most urgent first.
pub fn list_due(tx: &mut dyn Tx, shop_id: &str, limit: i64) -> Result<Vec<Record>, DbError> {
    let sql = format!(
        "select {COLUMNS} from receipts where shop_id = $1 and due_ms is not null \
         order by due_ms, id limit $2"
    );
    tx.query(&sql, &[shop_id.into(), limit.into()])?.iter().map(decode).collect()
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
        due_ms: row.opt_int(13)?,
        asked_ms: row.opt_int(14)?,
        created_ms: row.int(15)?,
        changed_ms: row.int(16)?,
    })
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
