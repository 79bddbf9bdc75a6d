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
    ByHand,
    close::{self, CloseProblem, Closing},
    note,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::{self, Raw, invalid, missing},
        page::Page,
        text,
    },
    kit::db::DbError,
    payments::{flow::Problem, store},
    receipts::{
        api::receipt_text,
        form,
        model::{Kind, Record},
        request::ItemInput,
        store as rows,
        view::ReceiptView,
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
}

/// List a payment's receipts
///
/// Its own, those of its refunds, the closing one and corrections, with what the cash register said
/// of each.
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
            if store::find_payment(tx, &caller.shop_id, &id)?.is_none() {
                return Ok(None);
            }
            rows::list_of_payment(tx, &id).map(Some)
        })
        .await;
    let found = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    Answer::json(200, &Page::whole(found.iter().map(ReceiptView::from).collect()))
}

/// List what is due
///
/// Prepayments to close, receipts to make in «Мой налог», and those that a bank could not make: the
/// most urgent first.
#[utoipa::path(get, path = "/v1/receipts/due", tag = "receipts",
    responses(
        (status = 200, description = "What a person has to do", body = Page<ReceiptView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_due(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<Vec<Record>, DbError> =
        server.ctx.db.read(move |tx| rows::list_due(tx, &caller.shop_id, MAX_DUE)).await;
    Answer::json(200, &Page::whole(found?.iter().map(ReceiptView::from).collect()))
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
    /// The number of the fiscal document, or of the receipt in «Мой налог».
    #[schema(value_type = Option<String>, example = "20123")]
    document_number: Raw,
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
/// sent. What it answers is off the list of what is due.
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
    let read = |param: &str, raw: &Raw| -> Result<Option<String>, ApiError> {
        let text = json::string(param, raw)?.filter(|text| !text.trim().is_empty());
        text.iter().try_for_each(|text| text::check(param, text, MAX_NOTE_CHARS))?;
        Ok(text)
    };
    let made = ByHand {
        kind: kind.ok_or_else(|| invalid("kind", all))?,
        document_number: read("document_number", &asked.document_number)?,
        url: read("url", &asked.url)?,
        note: read("note", &asked.note)?,
    };
    let ctx = server.ctx.clone();
    let noted: Result<Record, Problem> = server
        .ctx
        .db
        .write(move |tx| {
            let payment = store::lock_payment(tx, &caller.shop_id, &id)?;
            let payment = payment.filter(|payment| payment.attempt_of.is_none());
            Ok(note(tx, &ctx, &payment.ok_or(Problem::NoSuchPayment)?, made)?)
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
            CloseProblem::ByHand { bank } => {
                let message = format!("{bank} has no request for a closing receipt.");
                ApiError::new(codes::RECEIPT_BY_HAND, message)
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
