//! WhatsApp by Wazzup24: one text with the link in it, recognised by its id if it comes twice.
//!
//! Abroad and mostly out of reach in Russia since 2026: off until somebody sets it up, and nothing
//! leaves but a sum, a link and numbers of our own.

mod problems;
mod stand_in;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method},
    receipt::contact::normal_phone,
};
use serde::{Deserialize, Serialize};

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
    wording::{Sums, compose},
};

pub use problems::PROBLEMS;
pub use stand_in::WazzupStandIn;

pub const API_KEY: &str = "api_key";
pub const CHANNEL_ID: &str = "channel_id";
pub const API_URL: &str = "api_url";
const DEFAULT_API_URL: &str = "https://api.wazzup24.com";

static SETTINGS: &[Setting] = &[
    Setting {
        name: API_KEY,
        env: "KOPECK_WAZZUP_API_KEY",
        is_secret: true,
        about: "The API key: Wazzup's cabinet, integration with a CRM, API.",
    },
    Setting {
        name: CHANNEL_ID,
        env: "KOPECK_WAZZUP_CHANNEL_ID",
        is_secret: false,
        about: "The channel's id, a UUID: the list of channels shows it.",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_WAZZUP_API_URL",
        is_secret: false,
        about: "https://api.wazzup24.com (the default), or a proxy of it.",
    },
];

/// 500 requests in five seconds; to one person no faster than one writes.
static LIMITS: Limits =
    Limits { gap_ms: 10, address_gap_ms: 1_000, max_text_chars: MAX_TEXT, is_domestic: false };

/// WhatsApp's own; a business account's templates have less.
const MAX_TEXT: usize = 4_096;
/// Wazzup remembers an id for a minute; a request takes a part of it.
const KNOWN_FOR_MS: u64 = 40_000;

pub struct Wazzup;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    channel_id: &'a str,
    chat_type: &'static str,
    chat_id: &'a str,
    text: &'a str,
    crm_message_id: &'a str,
    /// A message of ours is no answer of a person's.
    clear_unanswered: bool,
}

fn call(settings: &Settings, method: Method, path: &str) -> Result<HttpRequest, Broken> {
    let (key, channel) = (settings.get(API_KEY).trim(), settings.get(CHANNEL_ID).trim());
    if key.is_empty() || channel.is_empty() {
        return Err(Broken::of(&problems::SETTINGS_MISSING));
    }
    let base = settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/');
    let request = HttpRequest::new(method, format!("{base}/v3/{path}"));
    Ok(request.header("authorization", format!("Bearer {key}")))
}

impl Integration for Wazzup {
    fn name(&self) -> &'static str {
        "wazzup"
    }

    fn title(&self) -> &'static str {
        "WhatsApp (Wazzup24)"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn problems(&self) -> &'static [&'static Problem] {
        PROBLEMS
    }

    fn wants(&self, kind: Kind, _audience: Audience) -> bool {
        kind != Kind::Receipt
    }

    /// A phone, stored as digits: `79001234567`.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let invalid = || Broken::of(&problems::ADDRESS_INVALID);
        let phone = normal_phone(text).ok_or_else(invalid)?;
        let digits = phone.trim_start_matches('+');
        if (10..=15).contains(&digits.len()) { Ok(digits.to_owned()) } else { Err(invalid()) }
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let Some(to) = &message.to else { return call(settings, Method::Get, "channels") };
        let words = compose(message, Sums::Typographic, LIMITS.is_domestic);
        let body = Body {
            channel_id: settings.get(CHANNEL_ID).trim(),
            chat_type: "whatsapp",
            chat_id: to,
            text: &words.with_link(MAX_TEXT),
            crm_message_id: &message.id,
            clear_unanswered: false,
        };
        Ok(call(settings, Method::Post, "message")?.json(&body))
    }

    fn read(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        match reply.status {
            200..300 if message.to.is_none() => read_channels(settings, reply),
            200..300 => match serde_json::from_slice::<Sent>(&reply.body) {
                Ok(Sent { message_id }) => Reading::Delivered { remote_id: Some(message_id) },
                Err(_) => Reading::unclear("Wazzup's answer names no message"),
            },
            429 => Reading::retry("too many requests for Wazzup"),
            400..500 => refused(reply),
            status => Reading::unclear(format!("Wazzup answered {status}")),
        }
    }

    fn duplicate(&self, message: &Message, _progress: &Progress) -> Duplicate {
        match message.to {
            None => Duplicate::Harmless("the channels are read again"),
            Some(_) => Duplicate::Known { for_ms: KNOWN_FOR_MS },
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    channel_id: String,
    state: String,
}

fn read_channels(settings: &Settings, reply: &HttpReply) -> Reading {
    let Ok(channels) = serde_json::from_slice::<Vec<Channel>>(&reply.body) else {
        return Reading::unclear("Wazzup's answer is no list of channels");
    };
    let wanted = settings.get(CHANNEL_ID).trim();
    match channels.iter().find(|channel| channel.channel_id == wanted) {
        Some(channel) if channel.state == "active" => Reading::Delivered { remote_id: None },
        Some(channel) => {
            Reading::Broken(Broken::of(&problems::CHANNEL_DOWN).because(&channel.state))
        }
        None => Reading::Broken(Broken::of(&problems::CHANNEL_UNKNOWN)),
    }
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    code: String,
}

/// The same code is written `repeatedCrmMessageId` and `REPEATED_CRM_MESSAGE_ID`.
fn refused(reply: &HttpReply) -> Reading {
    let refusal: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = if refusal.error.is_empty() { refusal.code } else { refusal.error };
    let code: String =
        said.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let problem = match (reply.status, code.as_str()) {
        // The first one came: its answer was lost, or only late.
        (400, "repeatedcrmmessageid") => return Reading::Delivered { remote_id: None },
        (400, "messagechannelunavailable") => {
            return Reading::retry("the phone behind the channel is out of reach");
        }
        (_, "messagescannotadd" | "unknownerror" | "unknownerrorwithtraceid") => {
            return Reading::unclear(format!("Wazzup answered {said}"));
        }
        (401 | 403, _) => &problems::KEY_REFUSED,
        (_, "channelnotfound") => &problems::CHANNEL_UNKNOWN,
        (_, "channelblocked" | "channelwapirejected" | "channelrejected") => {
            &problems::CHANNEL_DOWN
        }
        (_, "channelnomoney" | "balanceisempty") => &problems::NO_MONEY,
        (_, "badcontact") => &problems::NO_WHATSAPP,
        (_, "chatnoaccess" | "messagesnottextfirst" | "24hoursexceeded") => &problems::NOT_FIRST,
        (_, "messagesisspam") => &problems::SPAM,
        (_, "channellimitexceeded") => &problems::LIMIT,
        (_, _) => &problems::REFUSED,
    };
    Reading::Broken(Broken::of(problem).because(&said))
}
