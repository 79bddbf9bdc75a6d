//! The shape of a customer's evidence: what he agreed to, what was taken, what was given back.

use serde::Serialize;
use utoipa::ToSchema;

use super::PeriodView;
use crate::{
    instruments::model::{Consent as SavedConsent, Instrument, Kind},
    kit::clock::iso,
    payments::model::{Payment, Refund},
    subscriptions::{
        model::Consent,
        store::{Asked, Happened},
    },
    todos::model::Todo,
};

/// What a customer agreed to, as it was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentProof {
    pub id: String,
    /// To what: subscription, account, card.
    #[schema(value_type = String, example = "subscription")]
    pub of: &'static str,
    /// The subscription, the account or the card.
    pub subject_id: String,
    /// Which text, by the shop's own numbering, and the text itself if it was given.
    pub text_version: String,
    pub text: Option<String>,
    /// Where: site, app, bot, phone, paper …
    pub channel: String,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// The most that one charge may take; null: no ceiling was agreed.
    pub max_amount_kopecks: Option<i64>,
    pub given_at: String,
    pub withdrawn_at: Option<String>,
    /// Through what it was withdrawn.
    pub withdrawn_by: Option<String>,
}

impl From<&Consent> for ConsentProof {
    fn from(consent: &Consent) -> ConsentProof {
        ConsentProof {
            id: consent.id.clone(),
            of: "subscription",
            subject_id: consent.subscription_id.clone(),
            text_version: consent.text_version.clone(),
            text: consent.text.clone(),
            channel: consent.channel.clone(),
            ip: consent.ip.clone(),
            user_agent: consent.user_agent.clone(),
            max_amount_kopecks: Some(consent.ceiling.kopecks()),
            given_at: iso(consent.given_ms),
            withdrawn_at: consent.withdrawn_ms.map(iso),
            withdrawn_by: consent.withdrawn_by.clone(),
        }
    }
}

impl ConsentProof {
    /// What was agreed to when an account or a card was saved; its end is the instrument's.
    pub fn of_saved(own: &Instrument, consent: &SavedConsent) -> ConsentProof {
        let terms = &consent.terms;
        ConsentProof {
            id: consent.id.clone(),
            of: own.kind.word(),
            subject_id: own.id.clone(),
            text_version: terms.text_version.clone(),
            text: None,
            channel: terms.channel.clone(),
            ip: terms.ip.clone(),
            user_agent: terms.user_agent.clone(),
            max_amount_kopecks: terms.max.map(kopeck_banks::Money::kopecks),
            given_at: iso(consent.given_ms),
            withdrawn_at: own.withdrawn_ms.map(iso),
            withdrawn_by: None,
        }
    }
}

/// What a customer saved to be charged. Its token is in no evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentProof {
    pub id: String,
    /// account, card.
    #[schema(value_type = String, example = "card")]
    pub kind: &'static str,
    pub bank: String,
    /// The payer's bank, or the card's number with its middle hidden.
    pub name: Option<String>,
    /// pending, active, inactive.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    pub created_at: String,
    pub withdrawn_at: Option<String>,
    /// When the bank forgot it, too.
    pub removed_at: Option<String>,
}

impl From<&Instrument> for InstrumentProof {
    fn from(own: &Instrument) -> InstrumentProof {
        InstrumentProof {
            id: own.id.clone(),
            kind: own.kind.word(),
            bank: own.bank.clone(),
            name: own.member_name.clone(),
            status: own.status.as_str(),
            created_at: iso(own.created_ms),
            withdrawn_at: own.withdrawn_ms.map(iso),
            removed_at: own.removed_ms.map(iso),
        }
    }
}

/// A subscription with all its periods.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionProof {
    pub id: String,
    /// The plan's code and name as the customer saw them.
    pub plan: String,
    pub name: String,
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    pub created_at: String,
    /// The newest first.
    pub periods: Vec<PeriodView>,
}

/// Money given back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundProof {
    pub id: String,
    pub amount_kopecks: i64,
    /// requested, asked, succeeded, failed.
    #[schema(value_type = String, example = "succeeded")]
    pub status: &'static str,
    pub reason: Option<String>,
    pub created_at: String,
}

impl From<&Refund> for RefundProof {
    fn from(refund: &Refund) -> RefundProof {
        RefundProof {
            id: refund.id.clone(),
            amount_kopecks: refund.amount.kopecks(),
            status: refund.state.as_str(),
            reason: refund.reason.clone(),
            created_at: iso(refund.created_ms),
        }
    }
}

/// A charge, or a payment by a link, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentProof {
    pub id: String,
    pub subscription_id: Option<String>,
    /// The period's number.
    pub period: Option<u32>,
    /// The account or card that it was taken from, or that it saved.
    pub instrument_id: Option<String>,
    /// Whether it was taken without the payer.
    pub is_charge: bool,
    pub bank: String,
    /// Its number at the bank.
    pub bank_payment_id: Option<String>,
    pub purpose: String,
    #[schema(value_type = String, example = "paid")]
    pub status: &'static str,
    pub amount_kopecks: i64,
    pub paid_kopecks: i64,
    pub refunded_kopecks: i64,
    /// Why it was not paid.
    pub failure: Option<String>,
    pub created_at: String,
    pub paid_at: Option<String>,
    pub refunds: Vec<RefundProof>,
}

impl PaymentProof {
    pub fn new(asked: &Asked, payment: &Payment) -> PaymentProof {
        PaymentProof {
            id: payment.id.clone(),
            subscription_id: asked.subscription_id.clone(),
            period: asked.period,
            instrument_id: payment.instrument().map(|(_, id): (Kind, &str)| id.to_owned()),
            is_charge: payment.is_charge(),
            bank: payment.bank.clone(),
            bank_payment_id: payment.facts.bank_id.clone(),
            purpose: payment.purpose.clone(),
            status: payment.status().as_str(),
            amount_kopecks: payment.amount.kopecks(),
            paid_kopecks: payment.facts.paid.kopecks(),
            refunded_kopecks: payment.refunded().kopecks(),
            failure: payment.failure().map(|failure| failure.code),
            created_at: iso(payment.created_ms),
            paid_at: payment.facts.paid_at_ms().map(iso),
            refunds: payment.refunds.iter().map(RefundProof::from).collect(),
        }
    }
}

/// One line of the history.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventProof {
    pub at: String,
    #[serde(skip)]
    pub at_ms: i64,
    pub id: String,
    #[schema(example = "subscription.renewal_upcoming")]
    pub kind: String,
    /// The subscription or the payment.
    pub subject_id: String,
    /// When one of the shop's systems took it, if it was sent there.
    pub delivered_at: Option<String>,
}

impl From<&Happened> for EventProof {
    fn from(happened: &Happened) -> EventProof {
        EventProof {
            at: iso(happened.at_ms),
            at_ms: happened.at_ms,
            id: happened.id.clone(),
            kind: happened.kind.clone(),
            subject_id: happened.subject_id.clone(),
            delivered_at: happened.delivered_ms.map(iso),
        }
    }
}

impl EventProof {
    /// The shop said that it told the customer of a charge itself.
    pub fn of_shops_word(todo: &Todo) -> EventProof {
        let at_ms = todo.done_ms.unwrap_or(todo.created_ms);
        EventProof {
            at: iso(at_ms),
            at_ms,
            id: todo.id.clone(),
            kind: "notice.told_by_shop".to_owned(),
            subject_id: todo.subject_id.clone(),
            delivered_at: None,
        }
    }
}

/// All of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceView {
    #[schema(value_type = String, example = "evidence")]
    pub object: &'static str,
    pub shop: String,
    pub customer_id: String,
    /// When it was put together.
    pub made_at: String,
    pub consents: Vec<ConsentProof>,
    pub instruments: Vec<InstrumentProof>,
    pub subscriptions: Vec<SubscriptionProof>,
    /// The oldest first.
    pub payments: Vec<PaymentProof>,
    /// What happened, in its order.
    pub events: Vec<EventProof>,
}
