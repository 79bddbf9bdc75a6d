//! Routes of a payment's receipts.

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use kopeck_banks::receipt::closing::ClosingProblem;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    close::{self, CloseProblem, Closing},
    hand::{self, ByHand, Document, HandProblem},
    list_all,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::{self, Raw, invalid, missing},
        page::Page,
        query::RawQuery,
        text,
    },
    kit::db::DbError,
    payments::store,
    receipts::{
        api::receipt_text,
        flow, form,
        model::{self, Kind, Record},
        request::ItemInput,
        store::{self as rows, DueCursor, Filter},
        view::{ReceiptView, StandingView},
    },
};

/// As many as fit a person's day.
const MAX_DUE: i64 = 500;
const MAX_NOTE_CHARS: usize = 500;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(list_receipts, note_receipt))
        .routes(routes!(close_receipt))
        .routes(routes!(list_due))
        .routes(routes!(summarize))
        .routes(routes!(list_all_receipts))
        .routes(routes!(get_receipt))
        .routes(routes!(retry_receipt))
        .routes(routes!(settle_receipt))
}

/// List a payment's receipts
///
/// Its own, those of its refunds, the closing one and corrections, with what the cash register said
/// of each; then those of money that came twice, at another bank.
#[utoipa::path(get, path = "/v1/payments/{id}/receipts", tag = "receipts",
    params(("id" = String, Path, description = "The payment's id")),
    responses(
        (status = 200, description = "The receipts in their order", body = Page<ReceiptView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody)))]
async fn list_receipts(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Option<Vec<Record>>, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let payment = store::find_payment(tx, &caller.shop_id, &id)?;
            payment.map(|payment| list_all(tx, &payment)).transpose()
        })
        .await;
    let found = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    let now_ms = server.ctx.now_ms();
    let view = |record: &Record| ReceiptView::at(record, now_ms);
    Answer::json(200, &Page::whole(found.iter().map(view).collect()))
}

/// List what is due
///
/// Prepayments to close, receipts to make in «Мой налог», and those that a bank could not make: the
/// most urgent first.
#[utoipa::path(get, path = "/v1/receipts/due", tag = "receipts",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 100; 500 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "What a person has to do", body = Page<ReceiptView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_due(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let now_ms = server.ctx.now_ms();
    let query = query.read(&["limit", "starting_after"])?;
    let limit = if query.find("limit").is_some() { query.limit()? } else { MAX_DUE };
    let wrong = || ApiError::of(codes::CURSOR_INVALID).param("starting_after");
    let after = query.find("starting_after").map(|text| DueCursor::parse(text).ok_or_else(wrong));
    let after = after.transpose()?;
    let found: Result<Vec<Record>, DbError> = server
        .ctx
        .db
        .read(move |tx| rows::list_due(tx, &caller.shop_id, now_ms, after.as_ref(), limit + 1))
        .await;
    let page = Page::new(found?, limit, |record| DueCursor::of(record).text());
    Answer::json(200, &page.map(|record| ReceiptView::at(record, now_ms)))
}

/// Summarize the receipts
///
/// How many failed, are late or wait for a person: for a dashboard or a monitor.
#[utoipa::path(get, path = "/v1/receipts/summary", tag = "receipts",
    responses(
        (status = 200, description = "How they stand", body = StandingView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn summarize(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let standing = flow::stand(&server.ctx, &caller.shop_id).await?;
    Answer::json(200, &StandingView::from(standing))
}

/// List receipts
///
/// Of all payments, the newest first.
#[utoipa::path(get, path = "/v1/receipts", tag = "receipts",
    params(
        ("status" = Option<String>, Query,
            description = "none, queued, sent, registered or failed"),
        ("kind" = Option<String>, Query, description = "income, refund, closing or correction"),
        ("payment_id" = Option<String>, Query, description = "Of one payment"),
        ("due" = Option<bool>, Query, description = "true: only those with something to do"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<ReceiptView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_all_receipts(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let known = ["status", "kind", "payment_id", "due", "limit", "starting_after"];
    let query = query.read(&known)?;
    let limit = query.limit()?;
    let now_ms = server.ctx.now_ms();
    let flag = |text: &str| ["false", "true"].iter().position(|word| *word == text);
    let filter = Filter {
        state: query.word(
            "status",
            model::State::parse,
            &model::State::ALL.map(model::State::as_str),
        )?,
        kind: query.word("kind", Kind::parse, &Kind::ALL.map(Kind::as_str))?,
        payment_id: query.find("payment_id").map(str::to_owned),
        due_at_ms: query
            .word("due", flag, &["false", "true"])?
            .filter(|at| *at == 1)
            .map(|_| now_ms),
        before_id: query.id("starting_after", "rcp_")?,
    };
    let found: Result<Vec<Record>, DbError> =
        server.ctx.db.read(move |tx| rows::list(tx, &caller.shop_id, &filter, limit + 1)).await;
    let data: Vec<ReceiptView> = found?.iter().map(|it| ReceiptView::at(it, now_ms)).collect();
    Answer::json(200, &Page::new(data, limit, |receipt| receipt.id.clone()))
}

/// Get a receipt
#[utoipa::path(get, path = "/v1/receipts/{id}", tag = "receipts",
    params(("id" = String, Path, description = "The receipt's id")),
    responses(
        (status = 200, description = "The receipt", body = ReceiptView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such receipt", body = ErrorBody)))]
async fn get_receipt(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Option<Record>, DbError> =
        server.ctx.db.read(move |tx| rows::find(tx, &id)).await;
    let found = found?.filter(|record| record.shop_id == caller.shop_id);
    let found = found.ok_or_else(|| ApiError::of(codes::RECEIPT_NOT_FOUND))?;
    Answer::json(200, &ReceiptView::at(&found, server.ctx.now_ms()))
}

/// One more try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryReceipt {
    /// Why it may succeed now; kept with the receipt.
    #[schema(value_type = String, example = "кассу включили")]
    reason: Raw,
}

/// Retry a failed receipt
///
/// Sends a closing receipt anew that the bank refused or the cash register did not make. A bank has
/// no such request for the receipts of payments and refunds: the error says what to do by hand.
#[utoipa::path(post, path = "/v1/receipts/{id}/retry", tag = "receipts",
    params(("id" = String, Path, description = "The receipt's id")),
    request_body = RetryReceipt,
    responses(
        (status = 200, description = "The receipt, `queued` again", body = ReceiptView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such receipt", body = ErrorBody),
        (status = 409, description = "It cannot be asked for again", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn retry_receipt(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked: RetryReceipt = json::read(&body)?;
    let reason = note_text("reason", &asked.reason)?.ok_or_else(|| missing("reason"))?;
    let ctx = server.ctx.clone();
    let done: Result<Record, HandProblem> =
        server.ctx.db.write(move |tx| hand::retry(tx, &ctx, &caller.shop_id, &id, reason)).await;
    server.nudge.notify_one();
    Answer::json(200, &ReceiptView::from(&done?))
}

/// What became of a receipt that a person had to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleReceipt {
    /// The number of the fiscal document that was made by hand, or found in the cash register.
    #[schema(value_type = Option<String>, example = "20123")]
    document_number: Raw,
    /// The day that is printed on it.
    #[schema(value_type = Option<String>, example = "2026-11-22")]
    date: Raw,
    /// Where it can be seen.
    #[schema(value_type = Option<String>)]
    url: Raw,
    /// Why nothing is to be done, where there is no document; for the shop's own books.
    #[schema(value_type = Option<String>)]
    note: Raw,
}

/// Settle a receipt by hand
///
/// Takes it off the list of what is due: with a document it is `registered`, made by hand; with a
/// note alone it stays as it is. Nothing is sent.
#[utoipa::path(post, path = "/v1/receipts/{id}/settle", tag = "receipts",
    params(("id" = String, Path, description = "The receipt's id")),
    request_body = SettleReceipt,
    responses(
        (status = 200, description = "The receipt as settled", body = ReceiptView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such receipt", body = ErrorBody),
        (status = 409, description = "Nothing is to be done about it", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn settle_receipt(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked: SettleReceipt = json::read(&body)?;
    let document = Document {
        number: note_text("document_number", &asked.document_number)?,
        date: note_text("date", &asked.date)?,
        url: note_text("url", &asked.url)?,
        note: note_text("note", &asked.note)?,
    };
    let ctx = server.ctx.clone();
    let done: Result<Record, HandProblem> = server
        .ctx
        .db
        .write(move |tx| hand::settle_by_hand(tx, &ctx, &caller.shop_id, &id, document))
        .await;
    Answer::json(200, &ReceiptView::from(&done?))
}

/// A text for the books, within its size; an empty one is none.
fn note_text(param: &str, raw: &Raw) -> Result<Option<String>, ApiError> {
    let text = json::string(param, raw)?.filter(|text| !text.trim().is_empty());
    text.iter().try_for_each(|text| text::check(param, text, MAX_NOTE_CHARS))?;
    Ok(text)
}

/// The closing of a prepayment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseReceipt {
    /// What was delivered, where the first receipt took an advance that named no goods.
    #[schema(value_type = Option<Vec<ItemInput>>)]
    items: Raw,
    /// Send it anew after its answer was lost and the cash register does not show it.
    #[schema(value_type = Option<bool>)]
    again: Raw,
}

/// Close a prepayment
///
/// Sends the closing receipt: what was prepaid is delivered. T-Bank makes it; at Tochka a person
/// does, which the error says. Asking again is no error and no second receipt.
#[utoipa::path(post, path = "/v1/payments/{id}/receipts/close", tag = "receipts",
    params(("id" = String, Path, description = "The payment's id")),
    request_body = Option<CloseReceipt>,
    responses(
        (status = 200, description = "The closing receipt", body = ReceiptView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 409, description = "Nothing to close, or a person has to", body = ErrorBody),
        (status = 422, description = "What was delivered does not fit", body = ErrorBody)))]
async fn close_receipt(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked: CloseReceipt = json::read(&body)?;
    let again = match asked.again.as_deref().map(|raw| raw.get()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("again", "takes true or false")),
    };
    let delivered = match receipt_text(&asked.items)? {
        None => None,
        Some(items) => {
            let read = form::parse_any(&format!("{{\"items\": {items}}}")).map_err(|problem| {
                let error = ApiError::new(codes::RECEIPT_INVALID, problem.message);
                error.param("items").hint(problem.hint)
            })?;
            Some(read.lines)
        }
    };
    let asked = Closing { delivered, again };
    let record = close::request(&server.ctx, &caller.shop_id, &id, asked).await?;
    server.nudge.notify_one();
    Answer::json(200, &ReceiptView::from(&record))
}

/// A receipt that a person made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteReceipt {
    /// income, refund, closing, correction.
    #[schema(value_type = String, example = "correction")]
    kind: Raw,
    /// Which of the payment's receipts it answers, where several of the kind are open.
    #[schema(value_type = Option<String>, example = "rcp_01jd3m9fkq8s7w6v5t4r3p2n1m")]
    receipt_id: Raw,
    /// The number of the fiscal document, or of the receipt in «Мой налог».
    #[schema(value_type = Option<String>, example = "20123")]
    document_number: Raw,
    /// The day that is printed on it.
    #[schema(value_type = Option<String>, example = "2026-11-22")]
    date: Raw,
    /// Where it can be seen.
    #[schema(value_type = Option<String>)]
    url: Raw,
    /// Why, for the shop's own books.
    #[schema(value_type = Option<String>)]
    note: Raw,
}

/// Note a receipt made by hand
///
/// A correction, a closing receipt at a bank that makes none, a receipt in «Мой налог»: nothing is
/// sent. What it answers is off the list of what is due. Noting it again adds nothing: it is known
/// by its number, or by its day and words where it has none.
#[utoipa::path(post, path = "/v1/payments/{id}/receipts", tag = "receipts",
    params(("id" = String, Path, description = "The payment's id")),
    request_body = NoteReceipt,
    responses(
        (status = 201, description = "The receipt as noted", body = ReceiptView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such payment", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn note_receipt(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked: NoteReceipt = json::read(&body)?;
    let word = json::string("kind", &asked.kind)?.ok_or_else(|| missing("kind"))?;
    let kind = Kind::parse(&word);
    let all = "takes income, refund, closing or correction";
    let made = ByHand {
        kind: kind.ok_or_else(|| invalid("kind", all))?,
        answers: note_text("receipt_id", &asked.receipt_id)?,
        document: Document {
            number: note_text("document_number", &asked.document_number)?,
            date: note_text("date", &asked.date)?,
            url: note_text("url", &asked.url)?,
            note: note_text("note", &asked.note)?,
        },
    };
    let ctx = server.ctx.clone();
    let noted: Result<Record, HandProblem> = server
        .ctx
        .db
        .write(move |tx| {
            let payment = store::lock_payment(tx, &caller.shop_id, &id)?;
            let payment = payment.filter(|payment| payment.attempt_of.is_none());
            hand::note(tx, &ctx, &payment.ok_or(HandProblem::NoSuchPayment)?, made)
        })
        .await;
    Answer::json(201, &ReceiptView::from(&noted?))
}

impl From<CloseProblem> for ApiError {
    fn from(problem: CloseProblem) -> ApiError {
        match problem {
            CloseProblem::NoSuchPayment => ApiError::of(codes::PAYMENT_NOT_FOUND),
            CloseProblem::NothingPaid
            | CloseProblem::Receipt(ClosingProblem::NotPrepaid)
            | CloseProblem::Books(_) => ApiError::of(codes::RECEIPT_NOT_CLOSABLE),
            CloseProblem::ByHand { message, lines } => {
                let error = ApiError::new(codes::RECEIPT_BY_HAND, message);
                if lines.is_empty() {
                    return error;
                }
                error.hint(format!(
                    "Make it at your cash register: {lines}. Then note it: \
                     POST /v1/payments/{{id}}/receipts."
                ))
            }
            CloseProblem::Settled => {
                let message = "The closing receipt failed, and a person has settled it.";
                let error = ApiError::new(codes::RECEIPT_NOT_CLOSABLE, message);
                error.hint("If the cash register has none after all, close with `again`.")
            }
            CloseProblem::Unmade(why) => {
                let message = format!("The cash register did not make the closing receipt: {why}");
                let error = ApiError::new(codes::RECEIPT_NOT_CLOSABLE, message);
                error.hint(
                    "Look in the cash register's cabinet whether it was made later. If not, retry \
                     it, or close with `again`; else settle it.",
                )
            }
            CloseProblem::RefundUnderWay => {
                let message = "A refund is under way: what stays to close is not known yet.";
                let error = ApiError::new(codes::RECEIPT_NOT_CLOSABLE, message);
                error.hint("Close it when the refund is settled.")
            }
            CloseProblem::Receipt(
                problem @ (ClosingProblem::GoodsUnknown
                | ClosingProblem::OtherSum { .. }
                | ClosingProblem::TooLarge),
            ) => {
                let error = ApiError::new(codes::RECEIPT_INVALID, format!("{problem}."));
                error.param("items").hint("Send what was delivered in `items`, at what was prepaid")
            }
            CloseProblem::Bank(refusal) => refusal.into(),
            CloseProblem::Internal(error) => ApiError::internal(&error),
        }
    }
}

impl From<HandProblem> for ApiError {
    fn from(problem: HandProblem) -> ApiError {
        match problem {
            HandProblem::NoSuchPayment => ApiError::of(codes::PAYMENT_NOT_FOUND),
            HandProblem::Ambiguous(ids) => {
                let ids = ids.join(", ");
                let message = format!("Several receipts of the kind are open: {ids}.");
                let hint = "Name the one that was made by hand in `receipt_id`.";
                ApiError::new(codes::PARAM_INVALID, message).param("receipt_id").hint(hint)
            }
            HandProblem::NoSuchReceipt => ApiError::of(codes::RECEIPT_NOT_FOUND),
            HandProblem::NothingDue => ApiError::of(codes::RECEIPT_NOT_DUE),
            HandProblem::NothingSaid => missing("note"),
            HandProblem::NotRetryable { why, hint } => {
                ApiError::new(codes::RECEIPT_NOT_RETRYABLE, why).hint(hint)
            }
            HandProblem::Internal(error) => error.into(),
        }
    }
}
