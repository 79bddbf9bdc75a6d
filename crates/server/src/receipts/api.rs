//! Routes of receipts.

use axum::{body::Bytes, extract::State};
use kopeck_banks::{
    Money,
    bank::{ReceiptTerms, find_bank},
    receipt::{Ffd, Taxation},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    check::{Around, moscow_day},
    defaults::{DefaultsInput, DefaultsProblem},
    flow::{self, ComposeProblem, Outliving},
    form::without_marks,
    request::ReceiptInput,
    store,
    view::CheckView,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server, codes,
        error::ErrorBody,
        json::{self, Raw, invalid, missing},
        text,
    },
    kit::db::DbError,
};

/// What a hundred lines with suppliers take.
pub const MAX_RECEIPT_BYTES: usize = 64 * 1024;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(check_receipt)).routes(routes!(get_defaults, put_defaults))
}

/// A receipt to look at, and what is known around it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckReceipt {
    /// In our form; in Salebot's, a list; or in a bank's own, with `Items`.
    #[schema(value_type = ReceiptInput)]
    receipt: Raw,
    /// Which bank's limits to ask: tochka or tbank. Absent: only the law's.
    #[schema(value_type = Option<String>, example = "tbank")]
    bank: Raw,
    /// What is paid; absent: the sums are not compared with it.
    #[schema(value_type = Option<String>, example = "4900.00")]
    amount: Raw,
    /// The day of the sale, such as 2026-11-22; today in Moscow when absent.
    #[schema(value_type = Option<String>, example = "2026-11-22")]
    on: Raw,
    /// The cash register's format, 1.05 or 1.2; absent: the shop's, else that of the connection to
    /// `bank`, else 1.05.
    #[schema(value_type = Option<String>, example = "1.2")]
    ffd: Raw,
    /// The shop's tax system; absent: the one it saved, else that of the connection to `bank`.
    #[schema(value_type = Option<String>, example = "usn_income")]
    taxation: Raw,
}

/// Check a receipt
///
/// Names everything that is wrong with it, in Russian and in English, with the law or the bank's
/// rule and the way to mend it. Nothing is saved or sent.
#[utoipa::path(post, path = "/v1/receipts/check", tag = "receipts",
    request_body = CheckReceipt,
    responses(
        (status = 200, description = "What was found", body = CheckView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A field around the receipt is wrong", body = ErrorBody)))]
async fn check_receipt(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let asked: CheckReceipt = json::read(&body)?;
    let text = receipt_text(&asked.receipt)?.ok_or_else(|| missing("receipt"))?;
    let shop = flow::find_defaults(&server.ctx, &caller.shop_id).await?;
    let bank = json::string("bank", &asked.bank)?
        .map(|word| find_bank(&word).ok_or_else(|| invalid("bank", "takes tochka or tbank")));
    let on = json::string("on", &asked.on)?
        .map(|day| day.parse().map_err(|_| invalid("on", "is no day; write it as 2026-11-22")));
    let amount = asked.amount.as_deref().map(|raw| {
        let wrong = |e| ApiError::new(codes::AMOUNT_INVALID, format!("{e}.")).param("amount");
        Money::parse_json(raw).map_err(wrong)
    });
    let ffd = json::string("ffd", &asked.ffd)?
        .map(|word| Ffd::parse(&word).ok_or_else(|| invalid("ffd", "takes 1.05 or 1.2")));
    let taxation = json::string("taxation", &asked.taxation)?.map(|word| {
        let all = "takes osn, usn_income, usn_income_outcome, esn or patent";
        Taxation::parse(&word).ok_or_else(|| invalid("taxation", all))
    });
    let bank = bank.transpose()?;
    let day = on.transpose()?.unwrap_or_else(|| moscow_day(server.ctx.now_ms()));
    let terms = match bank {
        Some(bank) => flow::find_terms(&server.ctx, &caller.shop_id, bank).await?,
        None => ReceiptTerms::default(),
    };
    let around = Around {
        limits: bank.map(|bank| bank.capabilities().receipts),
        amount: amount.transpose()?,
        on: Some(day),
        ffd: ffd.transpose()?,
        taxation: taxation.transpose()?,
        supplier: None,
    };
    let report = flow::look(shop, terms, &text, (day, around))?;
    let nobody = || invalid("receipt", "is made by no bank: the self-employed make it themselves");
    Answer::json(200, &CheckView::from(&report.ok_or_else(nobody)?))
}

/// The text of a receipt as it came, within its size and without card numbers.
pub fn receipt_text(raw: &Raw) -> Result<Option<String>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get();
    if text.len() > MAX_RECEIPT_BYTES {
        return Err(invalid("receipt", &format!("takes at most {MAX_RECEIPT_BYTES} bytes")));
    }
    let value = without_marks(&json::value("receipt", raw)?);
    text::check_no_card_inside("receipt", &value)?;
    Ok(Some(text.to_owned()))
}

/// What the shop said once of its receipts.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefaultsView {
    #[schema(value_type = String, example = "receipt_defaults")]
    pub object: &'static str,
    /// Whether anything was saved.
    pub saved: bool,
    #[serde(flatten)]
    pub defaults: DefaultsInput,
    /// Links made before that may be paid after the shop's VAT changes; null where there are none.
    pub outliving: Option<OutlivingView>,
}

/// Links whose receipts the bank knows at a rate that ends before they do.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutlivingView {
    #[schema(example = 3)]
    pub links: i64,
    /// The first day of the other rate.
    #[schema(example = "2026-07-01")]
    pub changes_on: String,
    pub ru: String,
    pub en: String,
}

impl From<Outliving> for OutlivingView {
    fn from(Outliving { links, changes_on }: Outliving) -> OutlivingView {
        OutlivingView {
            links,
            changes_on: changes_on.to_string(),
            ru: format!(
                "Ссылок, которые ещё можно оплатить после {changes_on} с прежней ставкой НДС: \
                 {links}. Отмените их и создайте новые; чеку той, что оплатят, нужен чек \
                 коррекции."
            ),
            en: format!(
                "{links} link(s) may be paid after {changes_on} with the VAT of before. Cancel \
                 them and make new ones; the receipt of one that is paid needs a correction."
            ),
        }
    }
}

impl From<Option<DefaultsInput>> for DefaultsView {
    fn from(saved: Option<DefaultsInput>) -> DefaultsView {
        let object = "receipt_defaults";
        let (is_saved, defaults) = (saved.is_some(), saved.unwrap_or_default());
        DefaultsView { object, saved: is_saved, defaults, outliving: None }
    }
}

/// Get the receipt defaults
#[utoipa::path(get, path = "/v1/receipts/defaults", tag = "receipts",
    responses(
        (status = 200, description = "The defaults", body = DefaultsView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn get_defaults(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| store::find_defaults(tx, &caller.shop_id)).await;
    Answer::json(200, &DefaultsView::from(found?))
}

/// Replace the receipt defaults
///
/// From then on every payment that names no items gets a receipt of one line made of them. Of one
/// whose buyer left no address that the bank takes, a person makes it: it is on the list of what is
/// due.
#[utoipa::path(put, path = "/v1/receipts/defaults", tag = "receipts",
    request_body = DefaultsInput,
    responses(
        (status = 200, description = "The defaults", body = DefaultsView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn put_defaults(
    State(server): State<Server>,
    caller: Caller,
    body: Bytes,
) -> Result<Answer, ApiError> {
    let input: DefaultsInput = json::read(&body)?;
    let saved = flow::save_defaults(&server.ctx, &caller.shop_id, input).await?;
    let (saved, outliving) = saved?;
    let outliving = outliving.map(OutlivingView::from);
    Answer::json(200, &DefaultsView { outliving, ..DefaultsView::from(Some(saved)) })
}

impl From<DefaultsProblem> for ApiError {
    fn from(problem: DefaultsProblem) -> ApiError {
        let error = ApiError::new(codes::PARAM_INVALID, problem.message);
        error.param(problem.param).hint(problem.hint)
    }
}

impl From<ComposeProblem> for ApiError {
    fn from(problem: ComposeProblem) -> ApiError {
        match problem {
            ComposeProblem::Receipt(problem) => {
                let error = ApiError::new(codes::RECEIPT_INVALID, problem.message);
                let of = |field| format!("receipt.{field}");
                let param = problem.field.map_or_else(|| "receipt".to_owned(), of);
                error.param(param).hint(problem.hint)
            }
            ComposeProblem::Renewal(problem) => {
                let error = ApiError::new(codes::RECEIPT_INVALID, format!("{problem}."));
                error.param("receipt").hint("Give the renewal a receipt of its own")
            }
            ComposeProblem::NoDefaults { hint } => {
                let error = ApiError::of(codes::RECEIPT_DEFAULTS_MISSING);
                error.param("receipt").hint(hint)
            }
            ComposeProblem::NoAmount => {
                missing("amount").hint("A receipt that names no items is made for a sum.")
            }
            ComposeProblem::Internal(error) => error.into(),
        }
    }
}
