//! Integrations and sendings as the outside sees them: never a secret, never an address.

use std::collections::BTreeMap;

use kopeck_integrations::{Audience, Settings, find_integration, salebot, share::Share};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    again::Count,
    model::{Attempt, Linked, Sending, SendingState},
    payers,
};
use crate::kit::clock::iso;

/// A service that the shop has set up.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntegrationView {
    #[schema(example = "int_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "integration")]
    pub object: &'static str,
    /// email, max, telegram, sms, wazzup, greenapi, salebot, bitrix24.
    #[schema(example = "telegram")]
    pub service: String,
    pub title: String,
    /// What is set; secrets as `***`.
    pub settings: BTreeMap<String, String>,
    /// Whether the shop hears of payments by it, and of what.
    pub tells_shop: bool,
    #[schema(example = json!(["paid", "refunded"]))]
    pub news: Vec<&'static str>,
    /// What payers hear of by it without anybody sending it.
    #[schema(example = json!(["renewal", "renewal_failed"]))]
    pub payer_news: Vec<&'static str>,
    /// In which language it writes, where nothing is known of the reader's: ru or en.
    #[schema(value_type = String, example = "ru")]
    pub lang: &'static str,
    /// active, or stopped: nothing is sent until it is mended and tested.
    #[schema(value_type = String, example = "active")]
    pub status: &'static str,
    /// The problem that stopped it.
    pub stopped_code: Option<String>,
    pub stopped_at: Option<String>,
    /// Of Salebot, the ten characters before `_success`.
    pub callback_prefix: Option<String>,
    pub created_at: String,
}

impl IntegrationView {
    pub fn new(linked: &Linked, settings: &Settings) -> IntegrationView {
        let service = find_integration(&linked.service);
        let known = service.map(|service| service.settings()).unwrap_or_default();
        let is_secret = |name: &str| known.iter().all(|it| it.name != name || it.is_secret);
        let shown = settings.values().iter().map(|(name, value)| {
            let value = if is_secret(name) { "***".to_owned() } else { value.clone() };
            (name.clone(), value)
        });
        let secret = settings.find(salebot::CALLBACK_SECRET);
        let is_told = service.is_some_and(payers::is_told_by);
        let payer_news = linked.payer_news.iter().filter(|_| is_told);
        let prefix = secret.filter(|_| linked.service == "salebot").map(str::trim);
        IntegrationView {
            id: linked.id.clone(),
            object: "integration",
            service: linked.service.clone(),
            title: service.map_or("", |service| service.title()).to_owned(),
            settings: shown.collect(),
            tells_shop: linked.news_to.is_some(),
            news: linked.news.iter().map(|kind| kind.as_str()).collect(),
            payer_news: payer_news.map(|kind| kind.as_str()).collect(),
            lang: linked.lang.pick("ru", "en"),
            status: if linked.stopped.is_some() { "stopped" } else { "active" },
            stopped_code: linked.stopped.as_ref().map(|(_, code)| code.clone()),
            stopped_at: linked.stopped.as_ref().map(|(at_ms, _)| iso(*at_ms)),
            callback_prefix: prefix.map(salebot::callback::prefix),
            created_at: iso(linked.created_ms),
        }
    }
}

/// One message on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendingView {
    #[schema(example = "msg_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub id: String,
    #[schema(value_type = String, example = "sending")]
    pub object: &'static str,
    /// What it is about: a payment, a subscription, or both.
    pub payment_id: Option<String>,
    pub subscription_id: Option<String>,
    pub integration_id: String,
    /// The event that it tells of; of a link that somebody sent, none.
    pub event_id: Option<String>,
    /// link, reminder, paid, refunded …
    #[schema(value_type = String, example = "link")]
    pub kind: &'static str,
    /// payer or shop.
    #[schema(value_type = String, example = "payer")]
    pub audience: &'static str,
    /// pending, delivered, unknown (no answer; perhaps it came), failed, dropped (nobody needs it
    /// any more).
    #[schema(value_type = String, example = "pending")]
    pub status: &'static str,
    pub tries: i64,
    /// What the service calls the message.
    pub remote_id: Option<String>,
    /// The problem's code, and what was heard.
    pub code: Option<String>,
    pub why: Option<String>,
    /// When it is tried next, if earlier news of the same payment have ended; null if it is over.
    pub next_attempt_at: Option<String>,
    pub created_at: String,
    pub ended_at: Option<String>,
    /// What was sent and heard, without addresses and secrets; the first fifty. Only of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<RequestView>>,
}

/// One request of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestView {
    pub at: String,
    pub took_ms: i64,
    pub request: String,
    pub status: Option<i64>,
    /// How the reply begins, or why there was none.
    pub reply: String,
}

impl RequestView {
    fn new(attempt: &Attempt) -> RequestView {
        RequestView {
            at: iso(attempt.at_ms),
            took_ms: attempt.took_ms,
            request: attempt.request.clone(),
            status: attempt.status,
            reply: attempt.reply.clone(),
        }
    }
}

/// How much of what failed is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResentView {
    #[schema(value_type = String, example = "resent")]
    pub object: &'static str,
    pub integration_id: String,
    /// Messages that are on their way again.
    pub sendings: i64,
    /// Left out: a later outcome of the same payment has arrived there, or what they say is not
    /// true any more.
    pub skipped: i64,
    /// What a portal asked for and could not be done, tried anew.
    pub errands: i64,
}

impl ResentView {
    pub fn new(integration_id: &str, count: Count) -> ResentView {
        ResentView {
            object: "resent",
            integration_id: integration_id.to_owned(),
            sendings: count.sent,
            skipped: count.skipped,
            errands: count.errands,
        }
    }
}

impl SendingView {
    pub fn new(sending: &Sending) -> SendingView {
        let is_pending = sending.state == SendingState::Pending;
        SendingView {
            id: sending.id.clone(),
            object: "sending",
            payment_id: sending.payment_id.clone(),
            subscription_id: sending.subscription_id.clone(),
            integration_id: sending.integration_id.clone(),
            event_id: sending.event_id.clone(),
            kind: sending.kind.as_str(),
            audience: match sending.audience {
                Audience::Payer => "payer",
                Audience::Shop => "shop",
            },
            status: sending.state.as_str(),
            tries: sending.tries,
            remote_id: sending.remote_id.clone(),
            code: sending.code.clone(),
            why: sending.why.clone(),
            next_attempt_at: is_pending.then(|| iso(sending.due_ms)),
            created_at: iso(sending.created_ms),
            ended_at: sending.ended_ms.map(iso),
            history: None,
        }
    }

    #[must_use]
    pub fn with(self, attempts: &[Attempt]) -> SendingView {
        SendingView { history: Some(attempts.iter().map(RequestView::new).collect()), ..self }
    }
}

/// What a test came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedView {
    pub integration_id: String,
    #[schema(value_type = String, example = "integration_test")]
    pub object: &'static str,
    pub ok: bool,
    /// When it is not: a code, what is wrong, what to do.
    pub code: Option<String>,
    pub message: Option<String>,
    pub hint: Option<String>,
}

/// A removed integration.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoneView {
    pub id: String,
    #[schema(value_type = String, example = "integration")]
    pub object: &'static str,
    pub removed: bool,
}

/// Ways to send a link by one's own hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharesView {
    pub payment_id: String,
    #[schema(value_type = String, example = "shares")]
    pub object: &'static str,
    pub links: Vec<ShareView>,
}

/// One of them: it opens with the text already written, and the person presses Send.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareView {
    /// telegram, whatsapp, viber, email, sms.
    #[schema(value_type = String, example = "whatsapp")]
    pub service: &'static str,
    pub title: &'static str,
    #[schema(example = "https://wa.me/79001234567?text=…")]
    pub url: String,
}

impl SharesView {
    pub fn new(payment_id: &str, shares: Vec<Share>) -> SharesView {
        let view = |it: Share| ShareView { service: it.service, title: it.title, url: it.url };
        SharesView {
            payment_id: payment_id.to_owned(),
            object: "shares",
            links: shares.into_iter().map(view).collect(),
        }
    }
}
