//! What a cash register says of a receipt, as the bank passes it on.

use kopeck_banks::op::FiscalRecord;

use super::save;
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::store,
    receipts::{
        model::{Failure, Kind, News, Record, State, find_meant, step},
        schedule::next_retry,
        store as rows,
        todo::find_todo,
    },
};

/// Takes a cash register's word. Returns the payment that it is about, if it is ours.
pub fn take_fiscal(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection_id: &str,
    word: &FiscalRecord,
) -> Result<Option<String>, DbError> {
    let (bank_id, reference) = (word.bank_id.as_deref(), word.reference.as_deref());
    let Some(payment) = store::lock_payment_of_bank(tx, connection_id, bank_id, reference)? else {
        return Ok(None);
    };
    let known = rows::list_of_payment(tx, &payment.id)?;
    let meant = find_meant(&known, word);
    if meant.is_some_and(|record| is_old(record, word)) {
        return Ok(Some(payment.id));
    }
    let is_return = word.kind.as_deref().is_some_and(|kind| kind.contains("Return"));
    let next = meant.cloned().unwrap_or_else(|| {
        let is_closed = known.iter().any(|record| record.kind == Kind::Closing);
        let (kind, note) = match is_return {
            true => (Kind::Refund, None),
            false if is_closed && word.is_prepaid != Some(true) => (Kind::Closing, Some(SECOND)),
            false => (Kind::Income, None),
        };
        let of = [payment.shop_id.as_str(), &payment.id, &payment.bank];
        let new = Record::new(ctx.mint.id("rcp"), of, kind, word.amount.unwrap_or_default());
        Record { note: note.map(str::to_owned), ..new }
    });
    let next = Record { fiscal: Some(word.clone()), ..next };
    let next = match word.is_done {
        true => Record {
            state: step(next.state, News::Registered),
            failure: None,
            // Made, and at the rates of another day all the same.
            look_ms: next.look_ms.filter(|_| next.has_old_vat()),
            retry_ms: None,
            ..next
        },
        false => {
            let message = word.problem.clone().unwrap_or_default();
            // A register that was out of reach may yet make it of its own queue, and with ours
            // there would be two: a person looks before it is sent anew.
            failed(next, NOT_MADE, message, ctx.now_ms(), false)
        }
    };
    save(tx, ctx, &payment, meant, next)?;
    Ok(Some(payment.id))
}

/// The cash register said that it did not make the receipt.
pub(super) const NOT_MADE: &str = "receipt_not_made";

const SECOND: &str = "The cash register tells of one more closing receipt than is known here: \
                      look whether it was made twice, and put it right there";

/// "Made" is the last word about a document, and what was said before is no news. A failure that
/// says neither when nor of which document may be one of a second try that looks like the first.
fn is_old(record: &Record, word: &FiscalRecord) -> bool {
    let Some(heard) = &record.fiscal else { return record.state == State::Registered };
    let is_dated = word.receipt_at.is_some() || word.document_number.is_some();
    let is_same = heard == word && (is_dated || record.state == State::Failed);
    // Bank's times are of one form, so that they compare as texts.
    let is_older = !word.is_done && word.receipt_at.is_some() && word.receipt_at < heard.receipt_at;
    // What came without its number may be told again with it.
    let is_named = heard.document_number.is_some() || word.document_number.is_none();
    let is_settled = record.state == State::Registered && (is_named || !word.is_done);
    is_settled || is_same || is_older
}

/// One that failed once more. Only a closing receipt has a request of its own that can be sent
/// anew; `may_pass`: the reason may be gone by then.
pub(super) fn failed(
    record: Record,
    code: &str,
    message: String,
    now_ms: i64,
    may_pass: bool,
) -> Record {
    let failures = record.failures.saturating_add(1);
    let can_send = record.kind == Kind::Closing && record.asks > 0 && may_pass;
    let retry_ms = next_retry(failures, now_ms).filter(|_| can_send);
    let state = step(record.state, News::Failed);
    let look_ms = Some(retry_ms.unwrap_or(now_ms));
    let next = Record { state, failures, retry_ms, look_ms, ..record };
    let hint = find_todo(&next).map_or("", |todo| todo.en).to_owned();
    Record { failure: Some(Failure { code: code.to_owned(), message, hint }), ..next }
}
