//! A payment as the outside sees it: the shape in the API, in events and in `--json`.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::model::{Attempt, Failure, Origin, Payment, Refund, RefundState};
use crate::{instruments::model::Kind, kit::clock::iso};

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    #[schema(example = "pay_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "payment")]
    pub object: &'static str,
    /// opening, open, authorized, capturing, paid, refunding, partially_refunded, refunded,
    /// expired, canceled, failed, amount_mismatch.
    #[schema(value_type = String, example = "open")]
    pub status: &'static str,
    /// Rubles with two decimals.
    #[schema(example = "5000.00")]
    pub amount: String,
    #[schema(example = 500_000)]
    pub amount_kopecks: i64,
    pub authorized_kopecks: i64,
    /// What the bank received, before refunds.
    pub paid_kopecks: i64,
    pub refunded_kopecks: i64,
    /// What may still be refunded: refunds under way count as gone.
    pub refundable_kopecks: i64,
    #[schema(value_type = String, example = "RUB")]
    pub currency: &'static str,
    pub purpose: String,
    /// card, sbp, tpay, dolyame.
    #[schema(value_type = Vec<String>)]
    pub methods: Vec<&'static str>,
    /// automatic or manual.
    #[schema(value_type = String, example = "automatic")]
    pub capture: &'static str,
    pub order_id: Option<String>,
    /// The place whose code it was paid by, when it was.
    pub place_id: Option<String>,
    /// The saved account that it is taken from, without its payer; or, once its payer agreed, the
    /// one that it saved.
    pub account_id: Option<String>,
    /// The same of a saved card.
    pub card_id: Option<String>,
    /// Our number of the payment at the bank; the payer may see it.
    pub reference: String,
    pub bank: String,
    /// The bank's id of the payment, once it is open there.
    pub bank_payment_id: Option<String>,
    /// Our page: always usable, shows the state, leads to the bank.
    pub pay_url: String,
    /// The bank's own page, once it is open there.
    pub bank_url: Option<String>,
    /// The QR code of SBP, when SBP is the only way to pay it and the bank has made one.
    pub qr: Option<QrView>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// How it was paid, as the bank says.
    pub method: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub customer: Option<Box<RawValue>>,
    #[schema(value_type = Object)]
    pub metadata: Option<Box<RawValue>>,
    /// Why it failed, when it did.
    pub failure: Option<FailureView>,
    pub capture_failure: Option<FailureView>,
    pub refunds: Vec<RefundView>,
    /// What this link left behind at other banks; money that comes there too is given back.
    pub attempts: Vec<AttemptView>,
    #[schema(example = "2026-11-21T19:47:00Z")]
    pub created_at: String,
    pub expires_at: String,
    /// The bank's time if it told one, else when Kopeck heard of it.
    pub paid_at: Option<String>,
}

/// A QR code of SBP for one payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct QrView {
    /// What the code holds; on a phone, as a link, it opens the bank's app.
    #[schema(example = "https://qr.nspk.ru/AD10006M8KH234K782OQM0L13JI31LQD?type=02")]
    pub payload: String,
    /// Addresses of the picture.
    pub svg: String,
    pub png: String,
}

impl QrView {
    fn new(payment: &Payment, public_url: &str) -> Option<QrView> {
        let picture = |kind: &str| format!("{public_url}/pay/{}/qr.{kind}", payment.id);
        let payload = payment.facts.qr_payload.clone()?;
        Some(QrView { payload, svg: picture("svg"), png: picture("png") })
    }
}

/// A refund of a payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    pub id: String,
    #[schema(value_type = String, example = "refund")]
    pub object: &'static str,
    /// requested, asked (the bank's answer is not known yet), succeeded, failed.
    #[schema(value_type = String, example = "succeeded")]
    pub status: &'static str,
    #[schema(example = "1000.00")]
    pub amount: String,
    pub amount_kopecks: i64,
    pub reason: Option<String>,
    /// shop, or bank for a refund made in the bank's own cabinet.
    #[schema(value_type = String, example = "shop")]
    pub origin: &'static str,
    pub failure: Option<FailureView>,
    pub created_at: String,
}

/// Another try of the same link, at this bank or another. Its money is no part of the payment's.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    pub id: String,
    #[schema(value_type = String, example = "attempt")]
    pub object: &'static str,
    pub bank: String,
    /// Its number at the bank.
    pub reference: String,
    pub bank_payment_id: Option<String>,
    /// As a payment's.
    #[schema(value_type = String, example = "canceled")]
    pub status: &'static str,
    pub paid_kopecks: i64,
    pub refunded_kopecks: i64,
}

impl AttemptView {
    fn new(attempt: &Attempt) -> AttemptView {
        AttemptView {
            id: attempt.id.clone(),
            object: "attempt",
            bank: attempt.bank.clone(),
            reference: attempt.reference.clone(),
            bank_payment_id: attempt.bank_id.clone(),
            status: attempt.status.as_str(),
            paid_kopecks: attempt.paid.kopecks(),
            refunded_kopecks: attempt.refunded.kopecks(),
        }
    }
}

/// Why something failed and what to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureView {
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> FailureView {
        let Failure { code, message, hint } = failure.clone();
        FailureView { code, message, hint }
    }
}

impl RefundView {
    pub fn new(refund: &Refund) -> RefundView {
        RefundView {
            id: refund.id.clone(),
            object: "refund",
            status: refund.state.as_str(),
            amount: refund.amount.to_rubles(),
            amount_kopecks: refund.amount.kopecks(),
            reason: refund.reason.clone(),
            origin: match refund.origin {
                Origin::Shop => "shop",
                Origin::Bank => "bank",
            },
            failure: match &refund.state {
                RefundState::Failed(failure) => Some(failure.into()),
                RefundState::Requested | RefundState::Asked { .. } | RefundState::Succeeded => None,
            },
            created_at: iso(refund.created_ms),
        }
    }
}

impl PaymentView {
    pub fn new(payment: &Payment, public_url: &str) -> PaymentView {
        let raw = |text: &String| RawValue::from_string(text.clone()).ok();
        PaymentView {
            id: payment.id.clone(),
            object: "payment",
            status: payment.status().as_str(),
            amount: payment.amount.to_rubles(),
            amount_kopecks: payment.amount.kopecks(),
            authorized_kopecks: payment.facts.authorized.kopecks(),
            paid_kopecks: payment.facts.paid.kopecks(),
            refunded_kopecks: payment.refunded().kopecks(),
            refundable_kopecks: payment.refundable().kopecks(),
            currency: "RUB",
            purpose: payment.purpose.clone(),
            methods: payment.methods.iter().map(|method| method.as_str()).collect(),
            capture: match payment.capture {
                kopeck_banks::op::CaptureMode::Automatic => "automatic",
                kopeck_banks::op::CaptureMode::Manual => "manual",
            },
            order_id: payment.order_id.clone(),
            place_id: payment.place_id.clone(),
            account_id: payment.instrument_id(Kind::Account).map(str::to_owned),
            card_id: payment.instrument_id(Kind::Card).map(str::to_owned),
            reference: payment.reference.clone(),
            bank: payment.bank.clone(),
            bank_payment_id: payment.facts.bank_id.clone().or(payment.facts.approval.clone()),
            pay_url: format!("{public_url}/pay/{}", payment.id),
            bank_url: payment.facts.bank_url.clone(),
            qr: QrView::new(payment, public_url),
            success_url: payment.success_url.clone(),
            fail_url: payment.fail_url.clone(),
            method: payment.facts.method.clone(),
            customer: payment.customer.as_ref().and_then(raw),
            metadata: raw(&payment.metadata),
            failure: payment.failure().as_ref().map(Into::into),
            capture_failure: payment.intents.capture_failure.as_ref().map(Into::into),
            refunds: payment.refunds.iter().map(RefundView::new).collect(),
            attempts: payment.attempts.iter().map(AttemptView::new).collect(),
            created_at: iso(payment.created_ms),
            expires_at: iso(payment.expires_ms),
            paid_at: payment.facts.paid_at_ms().map(iso),
        }
    }
}

/// The payment as JSON text.
pub fn payment_json(payment: &Payment, public_url: &str) -> String {
    serde_json::to_string(&PaymentView::new(payment, public_url)).unwrap_or_default()
}
