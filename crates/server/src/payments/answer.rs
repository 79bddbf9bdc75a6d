//! The answer to a request, composed from what is stored: so it can be given again after a crash.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    idempotency::Subject,
    model::{Failure, Payment, RefundState, Status},
    store,
    view::{PaymentView, RefundView},
};
use crate::{
    http::{Answer, ApiError, codes},
    kit::{Ctx, db::DbError},
};

/// A refund with the payment it belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundReply {
    #[serde(flatten)]
    pub refund: RefundView,
    pub payment_id: String,
    /// The payment after it.
    pub payment: PaymentView,
}

impl RefundReply {
    pub fn new(payment: Payment, id: &str, public_url: &str) -> Result<RefundReply, ApiError> {
        let refund = payment.refunds.iter().find(|refund| refund.id == id);
        let refund = refund.map(RefundView::new);
        Ok(RefundReply {
            refund: refund.ok_or_else(|| ApiError::of(codes::REFUND_NOT_FOUND))?,
            payment: PaymentView::new(&payment, public_url),
            payment_id: payment.id,
        })
    }
}

/// What is to be said about the subject as it is now.
pub async fn compose(
    ctx: &Ctx,
    shop_id: &str,
    subject: &Subject,
    request_id: &str,
) -> Result<Answer, ApiError> {
    let (shop, id) = (shop_id.to_owned(), subject.payment_id().to_owned());
    let found: Result<_, DbError> =
        ctx.db.read(move |tx| store::find_payment(tx, &shop, &id)).await;
    let payment = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    let said = match subject {
        Subject::Create { .. } => created(&payment, &ctx.public_url),
        Subject::Capture { .. } => captured(&payment, &ctx.public_url),
        Subject::Cancel { .. } => canceled(&payment, &ctx.public_url),
        Subject::Refund { refund_id, .. } => refunded(payment, refund_id, &ctx.public_url),
    };
    Ok(said.unwrap_or_else(|error| Answer::refused(&error, request_id)))
}

fn created(payment: &Payment, public_url: &str) -> Result<Answer, ApiError> {
    match payment.failure() {
        Some(failure) if payment.status() == Status::Failed => Err(refusal(payment, &failure)),
        Some(_) | None => Answer::json(201, &PaymentView::new(payment, public_url)),
    }
}

fn captured(payment: &Payment, public_url: &str) -> Result<Answer, ApiError> {
    match &payment.intents.capture_failure {
        Some(failure) if payment.is_held() => Err(refusal(payment, failure)),
        Some(_) | None => Answer::json(200, &PaymentView::new(payment, public_url)),
    }
}

fn canceled(payment: &Payment, public_url: &str) -> Result<Answer, ApiError> {
    match &payment.intents.void_failure {
        Some(failure) if payment.is_held() => Err(refusal(payment, failure)),
        Some(_) | None => Answer::json(200, &PaymentView::new(payment, public_url)),
    }
}

fn refunded(payment: Payment, refund_id: &str, public_url: &str) -> Result<Answer, ApiError> {
    let refund = payment.refunds.iter().find(|refund| refund.id == refund_id);
    let Some(refund) = refund else { return Err(ApiError::of(codes::REFUND_NOT_FOUND)) };
    if let RefundState::Failed(failure) = &refund.state {
        let error = refusal(&payment, failure);
        return Err(ApiError { refund_id: Some(refund.id.clone()), ..error });
    }
    Answer::json(201, &RefundReply::new(payment, refund_id, public_url)?)
}

/// What the bank said no to, with the payment that stays to be looked at.
fn refusal(payment: &Payment, failure: &Failure) -> ApiError {
    let error = ApiError::stored(&failure.code, &failure.message, &failure.hint);
    ApiError { payment_id: Some(payment.id.clone()), ..error }
}
