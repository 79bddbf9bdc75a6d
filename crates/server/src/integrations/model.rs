//! Integrations of a shop and their sendings as plain data.

use kopeck_integrations::{Audience, Kind, Lang, Progress};

/// What is read of a service's reply: a deal with hundreds of rows, a timeline with long comments,
/// far more than any of them writes in one go.
pub const REPLY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A service that the shop has set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub id: String,
    pub shop_id: String,
    /// The integration's name: `telegram`.
    pub service: String,
    /// Its settings.
    pub sealed: Vec<u8>,
    /// The shop's own address there.
    pub news_to: Option<Vec<u8>>,
    /// What is told there.
    pub news: Vec<Kind>,
    /// What payers hear of by it without anybody sending it.
    pub payer_news: Vec<Kind>,
    /// In which language it writes of itself, where nothing is known of the reader's.
    pub lang: Lang,
    pub seen_seq: i64,
    pub sent_ms: i64,
    /// Since when and by which problem nothing is sent.
    pub stopped: Option<(i64, String)>,
    pub removed_ms: Option<i64>,
    pub created_ms: i64,
}

impl Linked {
    pub fn is_live(&self) -> bool {
        self.stopped.is_none() && self.removed_ms.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendingState {
    Pending,
    Delivered,
    /// Perhaps it came.
    Unknown,
    Failed,
    /// Its integration was removed.
    Dropped,
}

impl SendingState {
    pub const ALL: [SendingState; 5] = [
        SendingState::Pending,
        SendingState::Delivered,
        SendingState::Unknown,
        SendingState::Failed,
        SendingState::Dropped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            SendingState::Pending => "pending",
            SendingState::Delivered => "delivered",
            SendingState::Unknown => "unknown",
            SendingState::Failed => "failed",
            SendingState::Dropped => "dropped",
        }
    }

    pub fn parse(text: &str) -> Option<SendingState> {
        SendingState::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// One message on its way to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    pub id: String,
    pub shop_id: String,
    pub integration_id: String,
    /// Of one of the two; a period's link has both.
    pub payment_id: Option<String>,
    pub subscription_id: Option<String>,
    pub event_id: Option<String>,
    /// The event's number, or the shop's last one when somebody sent it: news of one payment go to
    /// one address in this order.
    pub event_seq: i64,
    pub kind: Kind,
    pub audience: Audience,
    pub lang: Lang,
    /// Sealed.
    pub address: Vec<u8>,
    /// Tells the same address again without opening it.
    pub address_key: String,
    pub progress: Progress,
    pub state: SendingState,
    /// Requests of this step.
    pub tries: i64,
    pub due_ms: i64,
    /// Those of them that had no answer.
    pub lost: i64,
    /// When this step's request first left.
    pub step_ms: Option<i64>,
    /// When the request left whose answer is not known yet.
    pub asked_ms: Option<i64>,
    pub remote_id: Option<String>,
    pub code: Option<String>,
    pub why: Option<String>,
    pub ended_ms: Option<i64>,
    pub created_ms: i64,
    /// When its day began: when it was made, or sent again.
    pub begun_ms: i64,
}

/// One request of a sending and what came back, masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub id: String,
    pub sending_id: String,
    pub at_ms: i64,
    pub took_ms: i64,
    pub request: String,
    pub status: Option<i64>,
    pub reply: String,
}

/// A customer's chat with one of the shop's bots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    pub integration_id: String,
    pub address_key: String,
    pub shop_id: String,
    /// The shop's own number of the customer.
    pub customer_id: String,
    /// Sealed.
    pub address: Vec<u8>,
    pub bound_ms: i64,
    /// Since when and why nothing goes there.
    pub ended: Option<(i64, String)>,
}

/// A link by which a customer ties one chat to himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartLink {
    pub id: String,
    pub integration_id: String,
    pub shop_id: String,
    pub customer_id: String,
    pub until_ms: i64,
}
