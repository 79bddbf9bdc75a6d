//! What a person says of receipts: one was made by hand, the matter is settled, try it once more.

use kopeck_banks::op::FiscalRecord;

use super::{JOB, again, close::of_today, save, settle_due};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{model::Payment, store},
    receipts::{
        check::{self, moscow_day},
        form,
        model::{Kind, Reason, Record, State},
        store as rows,
        todo::find_todo,
    },
};

/// What was made by hand: it closes the matter that it answers, or is a receipt of its own.
#[derive(Clone, Debug)]
pub struct ByHand {
    pub kind: Kind,
    /// The receipt of ours that it answers; without it the only open one of its kind.
    pub answers: Option<String>,
    pub document: Document,
}

/// A receipt outside of the bank, by what can be found again.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub number: Option<String>,
    /// As it is printed on the receipt.
    pub date: Option<String>,
    pub url: Option<String>,
    pub note: Option<String>,
}

impl Document {
    fn fiscal(&self) -> FiscalRecord {
        FiscalRecord {
            is_done: true,
            document_number: self.number.clone(),
            receipt_at: self.date.clone(),
            url: self.url.clone(),
            ..FiscalRecord::default()
        }
    }

    fn is_named(&self) -> bool {
        self.number.is_some() || self.url.is_some()
    }
}

/// Why nothing was done about a receipt.
#[derive(Debug)]
pub enum HandProblem {
    NoSuchPayment,
    NoSuchReceipt,
    /// Nothing is to be done about it.
    NothingDue,
    /// Several receipts of the kind are open.
    Ambiguous(Vec<String>),
    /// Neither a document nor a reason.
    NothingSaid,
    /// It cannot be asked for again: why, and what to do.
    NotRetryable {
        why: &'static str,
        hint: &'static str,
    },
    Internal(DbError),
}

impl From<DbError> for HandProblem {
    fn from(error: DbError) -> HandProblem {
        HandProblem::Internal(error)
    }
}

/// Notes a receipt that a person made. Saying it again adds nothing: it is known by its number, or
/// by its day and words where it has none.
pub fn note(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    made: ByHand,
) -> Result<Record, HandProblem> {
    let known = rows::list_of_payment(tx, &payment.id)?;
    let now_ms = ctx.now_ms();
    if let Some(noted) = known.iter().find(|record| is_noted(record, &made, now_ms)) {
        return Ok(noted.clone());
    }
    let is_open = |record: &&Record| record.kind == made.kind && record.state != State::Registered;
    if let Some(id) = &made.answers {
        known.iter().find(|record| record.id == *id).ok_or(HandProblem::NoSuchReceipt)?;
    }
    // Which of two refunds it is, nobody but the caller knows.
    let waiting: Vec<String> = known.iter().filter(is_open).map(|it| it.id.clone()).collect();
    if made.answers.is_none() && made.kind == Kind::Refund && waiting.len() > 1 {
        return Err(HandProblem::Ambiguous(waiting));
    }
    // The closing receipt ends the reminder of the first one.
    if made.kind == Kind::Closing {
        settle_due(tx, ctx, payment, &known, None)?;
    }
    let known = rows::list_of_payment(tx, &payment.id)?;
    let is_meant = |record: &&Record| made.answers.as_ref().is_none_or(|id| record.id == *id);
    let open = known.iter().rev().filter(is_open).find(is_meant);
    let open = open.filter(|_| made.kind != Kind::Correction);
    if made.answers.is_some() && open.is_none() && made.kind != Kind::Correction {
        return Err(HandProblem::NothingDue);
    }
    let fresh = || {
        let of = [payment.shop_id.as_str(), &payment.id, &payment.bank];
        Record::new(ctx.mint.id("rcp"), of, made.kind, payment.facts.paid)
    };
    let next = made_by_hand(open.cloned().unwrap_or_else(fresh), &made.document);
    // What a correction puts right is done.
    let is_corrected = |record: &&Record| {
        let is_meant = made.answers.as_ref().is_none_or(|id| record.id == *id);
        made.kind == Kind::Correction && record.has_old_vat() && is_meant
    };
    for record in known.iter().filter(is_corrected) {
        let done = Record { look_ms: None, ..record.clone() };
        save(tx, ctx, payment, Some(record), done)?;
    }
    Ok(save(tx, ctx, payment, open, next)?)
}

fn is_noted(record: &Record, made: &ByHand, now_ms: i64) -> bool {
    // A correction is a row of its own, whatever it puts right.
    let is_other = made.answers.as_ref().is_some_and(|id| record.id != *id);
    if is_other && made.kind != Kind::Correction {
        return false;
    }
    let said = &made.document;
    let Some(fiscal) = record.fiscal.as_ref().filter(|_| record.is_by_hand) else { return false };
    let is_same_day = said.date.is_none() || said.date == fiscal.receipt_at;
    let is_same = match (&said.number, &fiscal.document_number) {
        (Some(number), Some(own)) => number == own,
        (None, None) => {
            let is_today = moscow_day(record.changed_ms) == moscow_day(now_ms);
            let is_same_note = said.note.is_none() || said.note == record.note;
            is_same_note && said.url == fiscal.url && (said.date.is_some() || is_today)
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    record.kind == made.kind && is_same_day && is_same
}

fn made_by_hand(record: Record, document: &Document) -> Record {
    Record {
        state: State::Registered,
        fiscal: Some(document.fiscal()),
        failure: None,
        is_by_hand: true,
        look_ms: None,
        retry_ms: None,
        note: document.note.clone().or(record.note),
        ..record
    }
}

/// The shop's receipt with its payment, locked.
fn lock(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<(Record, Payment), HandProblem> {
    let found = rows::find(tx, id)?.filter(|record| record.shop_id == shop_id);
    let payment_id = found.ok_or(HandProblem::NoSuchReceipt)?.payment_id;
    let payment = store::lock_payment(tx, shop_id, &payment_id)?;
    let payment = payment.ok_or(HandProblem::NoSuchReceipt)?;
    let record = rows::find(tx, id)?.ok_or(HandProblem::NoSuchReceipt)?;
    Ok((record, payment))
}

/// Takes a receipt off the list: it was made by hand, or why there is nothing to do.
pub fn settle_by_hand(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    document: Document,
) -> Result<Record, HandProblem> {
    let (record, payment) = lock(tx, shop_id, id)?;
    if !document.is_named() && document.note.is_none() {
        return Err(HandProblem::NothingSaid);
    }
    let said = ByHand { kind: record.kind, answers: None, document: document.clone() };
    if is_noted(&record, &said, ctx.now_ms()) {
        return Ok(record);
    }
    let now_ms = ctx.now_ms();
    let is_late = record.is_late(now_ms);
    // The document puts the receipt right; it is not that receipt.
    let is_old = record.reason == Some(Reason::OldVat) && record.state != State::Failed;
    if is_old && document.is_named() {
        let answers = Some(record.id.clone());
        let made = ByHand { kind: Kind::Correction, answers, document: document.clone() };
        let known = rows::list_of_payment(tx, &payment.id)?;
        let is_told = known.iter().any(|record| is_noted(record, &made, now_ms));
        if record.has_old_vat() || is_told {
            return note(tx, ctx, &payment, made);
        }
    }
    if record.due_ms().is_none() && !is_late {
        return Err(HandProblem::NothingDue);
    }
    if record.look_ms.is_some() || record.closes_ms.is_none() || is_late && !record.is_due(now_ms) {
        let next = match document.is_named() {
            true => made_by_hand(record.clone(), &document),
            false => {
                let note = document.note;
                let expected_ms = record.expected_ms.filter(|_| !is_late);
                Record { look_ms: None, retry_ms: None, expected_ms, note, ..record.clone() }
            }
        };
        return Ok(save(tx, ctx, &payment, Some(&record), next)?);
    }
    if document.is_named() {
        return note(tx, ctx, &payment, ByHand { kind: Kind::Closing, answers: None, document });
    }
    let next = Record { closes_ms: None, note: document.note, ..record.clone() };
    Ok(save(tx, ctx, &payment, Some(&record), next)?)
}

/// Asks once more for a receipt that failed, where that can help.
pub fn retry(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    reason: String,
) -> Result<Record, HandProblem> {
    let (record, payment) = lock(tx, shop_id, id)?;
    let refuse = |why, hint| Err(HandProblem::NotRetryable { why, hint });
    let todo = find_todo(&record).map_or("Nothing is to be done about it.", |todo| todo.en);
    match (record.state, record.kind) {
        (State::Failed, Kind::Closing) if record.is_settled() => {
            let hint = "If it is not made after all: `kopeck receipt close --again`.";
            return refuse("A person has settled it.", hint);
        }
        (State::Failed, Kind::Closing) => {}
        (State::Failed, _) => return refuse("No request to the bank makes it again.", todo),
        (State::Sent, Kind::Closing) if record.is_lost() => {
            return refuse("Whether it is made is not known, and two would be worse.", todo);
        }
        (State::Registered, _) => return refuse("It is registered.", "Nothing is to be done."),
        (State::Queued | State::Sent, _) => {
            let hint = "Wait; if it fails, the event `receipt.failed` tells.";
            return refuse("It has not failed: it is under way.", hint);
        }
        (State::None, _) => return refuse("The bank makes none.", todo),
    }
    let before = record.clone();
    let record = of_today(tx, ctx, &payment, record)?;
    let body = record.body.as_deref().and_then(|body| form::parse_any(body).ok());
    if body.is_some_and(|body| check::find_wrong_day(&body, moscow_day(ctx.now_ms())).is_some()) {
        let hint = "Close the payment again: `kopeck receipt close`.";
        return refuse("Its VAT is of another day than today.", hint);
    }
    let next = again(record.clone(), reason);
    let next = save(tx, ctx, &payment, Some(&before), next)?;
    jobs::nudge(tx, &ctx.mint, JOB, &next.id, ctx.now_ms())?;
    Ok(next)
}
