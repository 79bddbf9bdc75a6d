//! What Telegram sends us: checked by its secret header, then read for the few things that matter.
//! Updates come again until they are answered 2xx: remember `update_id`s that are done.

use serde::Deserialize;

use crate::{integration::Settings, keyed};

/// The header that carries [`webhook_secret`], in lower case.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
const LABEL: &str = "kopeck telegram webhook";

/// What `setWebhook` is told and every update must bring: follows from the token, so that there is
/// nothing more to keep.
pub fn webhook_secret(settings: &Settings) -> String {
    keyed::base64_url(&keyed::derive(super::token(settings), LABEL, ""))
}

pub fn is_genuine(settings: &Settings, header: Option<&str>) -> bool {
    header.is_some_and(|given| keyed::is_same(given, &webhook_secret(settings)))
}

/// An update that means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub id: i64,
    pub news: News,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Start was pressed in a private chat; the payload is [`super::binding`]'s.
    Started { chat: String, payload: Option<String> },
    /// The person stopped the bot: write there no more.
    Stopped { chat: String },
    /// A stopped bot may write again.
    Resumed { chat: String },
    /// Words of a person, which nobody here reads.
    Other,
}

#[derive(Deserialize)]
struct RawUpdate {
    update_id: i64,
    message: Option<RawMessage>,
    my_chat_member: Option<RawMember>,
}

#[derive(Deserialize)]
struct RawMessage {
    chat: RawChat,
    text: Option<String>,
}

#[derive(Deserialize)]
struct RawChat {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct RawMember {
    chat: RawChat,
    new_chat_member: RawStatus,
}

#[derive(Deserialize)]
struct RawStatus {
    status: String,
}

/// The answer to `getUpdates`: what happened, and what to ask for next. Nothing new: all that was
/// there is confirmed, and the next ask names no number, since another bot counts from another one
/// and after a quiet week Telegram does too.
pub fn read_batch(body: &[u8]) -> Option<(Vec<News>, i64)> {
    #[derive(Deserialize)]
    struct Batch {
        ok: bool,
        #[serde(default)]
        result: Vec<RawUpdate>,
    }
    let batch: Batch = serde_json::from_slice(body).ok()?;
    let updates: Vec<Update> = batch.result.into_iter().map(of_raw).collect();
    let next = updates.iter().map(|update| update.id.saturating_add(1)).max();
    let news = updates.into_iter().map(|update| update.news).collect();
    batch.ok.then_some((news, next.unwrap_or(0)))
}

/// `None` when it is no update at all.
pub fn read(body: &[u8]) -> Option<Update> {
    Some(of_raw(serde_json::from_slice(body).ok()?))
}

fn of_raw(raw: RawUpdate) -> Update {
    let news = match (raw.message, raw.my_chat_member) {
        (Some(message), _) => of_message(&message),
        (None, Some(member)) => of_member(&member),
        (None, None) => News::Other,
    };
    Update { id: raw.update_id, news }
}

fn of_message(message: &RawMessage) -> News {
    let text = message.text.as_deref().unwrap_or("").trim();
    let (command, payload) = text.split_once(' ').unwrap_or((text, ""));
    // In a group the command names its bot: /start@shop_bot. A group is nobody's own chat.
    if command != "/start" || message.chat.kind != "private" {
        return News::Other;
    }
    let payload = payload.trim();
    let payload = (!payload.is_empty()).then(|| payload.to_owned());
    News::Started { chat: message.chat.id.to_string(), payload }
}

fn of_member(member: &RawMember) -> News {
    let chat = member.chat.id.to_string();
    match member.new_chat_member.status.as_str() {
        "kicked" | "left" => News::Stopped { chat },
        "member" | "administrator" => News::Resumed { chat },
        _ => News::Other,
    }
}
