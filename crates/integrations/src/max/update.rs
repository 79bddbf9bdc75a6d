//! What MAX sends us: checked by its secret header, then read for starts and stops. Updates come
//! again for hours until they are answered 200.

use serde::Deserialize;

use crate::{integration::Settings, keyed};

/// The header that carries [`webhook_secret`], in lower case.
pub const SECRET_HEADER: &str = "x-max-bot-api-secret";
const LABEL: &str = "kopeck max webhook";

/// What the subscription is made with and every update must bring: follows from the token.
pub fn webhook_secret(settings: &Settings) -> String {
    keyed::base64_url(&keyed::derive(super::token(settings), LABEL, ""))
}

pub fn is_genuine(settings: &Settings, header: Option<&str>) -> bool {
    header.is_some_and(|given| keyed::is_same(given, &webhook_secret(settings)))
}

/// What happened, with the address as [`super::Max`] stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The payload is [`crate::binding`]'s.
    Started {
        user: String,
        payload: Option<String>,
    },
    Stopped {
        user: String,
    },
    Other,
}

#[derive(Deserialize)]
struct RawUpdate {
    update_type: String,
    user: Option<RawUser>,
    payload: Option<String>,
}

#[derive(Deserialize)]
struct RawUser {
    user_id: i64,
}

/// The answer to `/updates`: what happened, and what to ask for next.
pub fn read_batch(body: &[u8], marker: i64) -> Option<(Vec<News>, i64)> {
    #[derive(Deserialize)]
    struct Batch {
        updates: Vec<RawUpdate>,
        marker: Option<i64>,
    }
    let batch: Batch = serde_json::from_slice(body).ok()?;
    let news = batch.updates.into_iter().map(of_raw).collect();
    Some((news, batch.marker.unwrap_or(marker)))
}

/// `None` when it is no update at all.
pub fn read(body: &[u8]) -> Option<News> {
    Some(of_raw(serde_json::from_slice(body).ok()?))
}

fn of_raw(raw: RawUpdate) -> News {
    let user = raw.user.map(|user| user.user_id.to_string());
    let payload = raw.payload.filter(|payload| !payload.is_empty());
    match (raw.update_type.as_str(), user) {
        ("bot_started", Some(user)) => News::Started { user, payload },
        ("bot_stopped", Some(user)) => News::Stopped { user },
        _ => News::Other,
    }
}
