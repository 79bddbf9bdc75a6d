//! Webhooks and deliveries as plain data.

use crate::events::EventKind;

/// What a webhook is sent of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// With the payment as it was then.
    Full,
    /// Ids only, for receivers that ask back or must not know more.
    Thin,
}

impl Payload {
    pub const ALL: [Payload; 2] = [Payload::Full, Payload::Thin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Payload::Full => "full",
            Payload::Thin => "thin",
        }
    }

    pub fn parse(text: &str) -> Option<Payload> {
        Payload::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Why nothing is sent to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    ByHand,
    /// It answered 410: nobody is there any more.
    Gone,
    /// Nothing was taken for a week.
    Failing,
}

impl Reason {
    pub const ALL: [Reason; 3] = [Reason::ByHand, Reason::Gone, Reason::Failing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::ByHand => "by_hand",
            Reason::Gone => "gone",
            Reason::Failing => "failing",
        }
    }

    /// Behind "the webhook at …", for people.
    pub const fn about(self) -> &'static str {
        match self {
            Reason::ByHand => "was disabled by hand",
            Reason::Gone => "answered 410: nobody is there any more",
            Reason::Failing => "has taken nothing for a week",
        }
    }

    pub fn parse(text: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Which events a webhook wants: `payment.paid`, `payment.*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(pub Vec<String>);

impl Kinds {
    pub fn all() -> Kinds {
        Kinds(vec!["*".to_owned()])
    }

    pub fn want(&self, kind: &str) -> bool {
        self.0.iter().any(|word| matches(word, kind))
    }

    /// The first word that stands for no event there is.
    pub fn find_unknown(&self) -> Option<&str> {
        let is_known = |word: &str| EventKind::ALL.iter().any(|kind| matches(word, kind.as_str()));
        self.0.iter().map(String::as_str).find(|word| !is_known(word))
    }
}

fn matches(word: &str, kind: &str) -> bool {
    match word.strip_suffix('*') {
        Some("") => true,
        Some(start) => start.ends_with('.') && kind.starts_with(start),
        None => word == kind,
    }
}

/// How a webhook fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Attempts in a row that failed.
    pub streak: i64,
    pub failing_since_ms: Option<i64>,
    /// Nothing is sent before this.
    pub rest_until_ms: i64,
}

/// An address that wants to hear of events. Its secrets stay sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: String,
    pub shop_id: String,
    pub url: String,
    pub description: Option<String>,
    pub kinds: Kinds,
    pub payload: Payload,
    /// Events of one payment go one after the other.
    pub is_ordered: bool,
    /// A header that goes with every request; its value is sealed.
    pub header_name: Option<String>,
    pub sealed: Vec<u8>,
    /// The last event of the shop that was looked at for this webhook.
    pub seen_seq: i64,
    pub health: Health,
    /// When something was last taken.
    pub delivered_ms: Option<i64>,
    pub disabled: Option<(i64, Reason)>,
    pub removed_ms: Option<i64>,
    pub created_ms: i64,
}

impl Webhook {
    /// The address as it may stand in logs and stories: a path often holds a secret.
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or(rest)
    }

    pub fn is_live(&self) -> bool {
        self.disabled.is_none() && self.removed_ms.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// Refused for a week.
    Failed,
    /// Its webhook was removed.
    Dropped,
}

impl DeliveryState {
    pub const ALL: [DeliveryState; 4] = [
        DeliveryState::Pending,
        DeliveryState::Delivered,
        DeliveryState::Failed,
        DeliveryState::Dropped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Failed => "failed",
            DeliveryState::Dropped => "dropped",
        }
    }

    pub fn parse(text: &str) -> Option<DeliveryState> {
        DeliveryState::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: String,
    pub shop_id: String,
    pub webhook_id: String,
    pub event_id: String,
    pub event_seq: i64,
    pub kind: String,
    /// What the event is about: order is kept within it.
    pub subject: String,
    pub state: DeliveryState,
    /// All attempts ever.
    pub attempts: i64,
    /// Attempts since it was last sent off, and when that was.
    pub tries: i64,
    pub begun_ms: i64,
    pub due_ms: i64,
    /// Of the last attempt.
    pub status: Option<i64>,
    pub error: Option<String>,
    pub delivered_ms: Option<i64>,
    pub created_ms: i64,
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub id: String,
    pub delivery_id: String,
    pub at_ms: i64,
    pub took_ms: i64,
    pub status: Option<i64>,
    pub error: Option<String>,
    /// How the reply begins, masked.
    pub reply: String,
}
