//! Telegram: a bot that sends links with a button, or the QR code as a picture.
//!
//! A bot cannot begin a conversation: the payer opens [`start_link`] with a payload of
//! [`crate::binding`] and presses Start, and what comes back ([`update`]) says which chat it is.
//! Abroad, so nothing leaves but a sum, a link and numbers of our own.

mod problems;
mod stand_in;
pub mod update;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method, encode_query, html_escape},
};
use serde::{Deserialize, Serialize};

use crate::{
    binding::Bot,
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    keyed,
    message::{Audience, Kind, Message},
    multipart::{self, File},
    problem::{Broken, Problem},
    repeats,
    wording::{Sums, Words, compose},
};

pub use problems::{PROBLEMS, REFUSED, TOKEN_REFUSED};
pub use stand_in::{Chat, TelegramStandIn};

pub const TOKEN: &str = "token";
pub const API_URL: &str = "api_url";
pub const BOT: &str = "bot";
/// See [`crate::binding::is_polled`].
pub const UPDATES: &str = crate::binding::UPDATES;
const DEFAULT_API_URL: &str = "https://api.telegram.org";

static SETTINGS: &[Setting] = &[
    Setting {
        name: TOKEN,
        env: "KOPECK_TELEGRAM_TOKEN",
        is_secret: true,
        about: "The bot's token, as @BotFather gave it: 123456789:AAE….",
    },
    Setting {
        name: BOT,
        env: "KOPECK_TELEGRAM_BOT",
        is_secret: false,
        about: "The bot's name, as in its address t.me/…: for links that tie payers' chats.",
    },
    Setting {
        name: UPDATES,
        env: "KOPECK_TELEGRAM_UPDATES",
        is_secret: false,
        about: "poll: Kopeck asks Telegram what happens in the bot's chats, for a server without a \
                public address. push, or empty: Telegram tells it (kopeck integration updates).",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_TELEGRAM_API_URL",
        is_secret: false,
        about: "Where the Bot API is reached: https://api.telegram.org (the default), your own \
                Bot API server or a proxy of it.",
    },
];

/// About one message a second to a chat, thirty in all.
static LIMITS: Limits =
    Limits { gap_ms: 34, address_gap_ms: 1_000, max_text_chars: MAX_TEXT, is_domestic: false };

/// After the markup is read.
const MAX_TEXT: usize = 4_096;
const MAX_CAPTION: usize = 1_024;
/// A reply that asks for a longer wait is believed only so far.
const MAX_WAIT_S: u64 = 24 * 60 * 60;

pub struct Telegram;

pub(crate) fn token(settings: &Settings) -> &str {
    settings.get(TOKEN).trim()
}

fn api_url(settings: &Settings) -> &str {
    settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/')
}

fn method_url(settings: &Settings, method: &str) -> Result<String, Broken> {
    let token = token(settings);
    // The shape that @BotFather gives; anything else would only be a 404.
    let is_token = token.split_once(':').is_some_and(|(id, key)| {
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
            && key.len() >= 30
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    });
    if !is_token {
        return Err(Broken::of(&problems::TOKEN_MALFORMED));
    }
    Ok(format!("{}/bot{token}/{method}", api_url(settings)))
}

#[derive(Serialize)]
struct SendMessage<'a> {
    chat_id: ChatId<'a>,
    text: &'a str,
    parse_mode: &'static str,
    link_preview_options: PreviewOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_markup: Option<Keyboard<'a>>,
}

/// A number where it is one: so Telegram's own examples have it.
#[derive(Serialize)]
#[serde(untagged)]
enum ChatId<'a> {
    Number(i64),
    Name(&'a str),
}

#[derive(Serialize)]
struct PreviewOptions {
    is_disabled: bool,
}

#[derive(Serialize)]
struct Keyboard<'a> {
    inline_keyboard: [[Button<'a>; 1]; 1],
}

#[derive(Serialize)]
struct Button<'a> {
    text: &'a str,
    url: &'a str,
}

fn keyboard<'a>(words: &'a Words) -> Option<Keyboard<'a>> {
    let (url, text) = words.link.as_ref()?;
    Some(Keyboard { inline_keyboard: [[Button { text, url }]] })
}

/// The first line bold, nothing else marked.
fn html(words: &Words, max: usize) -> String {
    let text = words.body(max);
    let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let head = format!("<b>{}</b>", html_escape(head));
    if rest.is_empty() { head } else { format!("{head}\n{}", html_escape(rest)) }
}

impl Integration for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn title(&self) -> &'static str {
        "Telegram"
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

    fn wants(&self, kind: Kind, audience: Audience) -> bool {
        match kind {
            Kind::Test
            | Kind::Link
            | Kind::Reminder
            | Kind::Paid
            | Kind::Mismatch
            | Kind::Failed
            | Kind::Expired
            | Kind::Canceled
            | Kind::Refunded
            | Kind::Renewal
            | Kind::RenewalFailed
            | Kind::Rebind
            | Kind::Welcome => true,
            // A receipt names its buyer.
            Kind::Receipt => audience == Audience::Shop,
        }
    }

    /// A chat's number (`123456789`, `-1001234567890` of a group) or a channel's `@name`.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let text = text.trim();
        let is_number = text.parse::<i64>().is_ok_and(|id| id != 0) && !text.starts_with('+');
        let is_name = text.strip_prefix('@').is_some_and(|name| {
            (4..=32).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if is_number || is_name {
            Ok(text.to_owned())
        } else {
            Err(Broken::of(&problems::ADDRESS_INVALID))
        }
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let Some(to) = &message.to else {
            return Ok(HttpRequest::new(Method::Get, method_url(settings, "getMe")?));
        };
        let words = compose(message, Sums::Typographic, LIMITS.is_domestic);
        let picture = message.payment.as_ref().and_then(|payment| payment.qr_png.as_deref());
        if let Some(png) = picture.filter(|_| message.kind.asks_to_pay()) {
            let url = method_url(settings, "sendPhoto")?;
            return Ok(send_photo(url, message, to, &words, png));
        }
        let chat_id = to.parse().map_or(ChatId::Name(to), ChatId::Number);
        let body = SendMessage {
            chat_id,
            text: &html(&words, MAX_TEXT),
            parse_mode: "HTML",
            link_preview_options: PreviewOptions { is_disabled: true },
            reply_markup: keyboard(&words),
        };
        Ok(HttpRequest::new(Method::Post, method_url(settings, "sendMessage")?).json(&body))
    }

    fn read(
        &self,
        _settings: &Settings,
        _message: &Message,
        _progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        match serde_json::from_slice::<Reply>(&reply.body) {
            Ok(Reply { ok: true, result, .. }) if reply.status == 200 => {
                let id = result.and_then(|result| result.message_id);
                Reading::Delivered { remote_id: id.map(|id| id.to_string()) }
            }
            Ok(refusal) => refused(&refusal),
            Err(_) => Reading::unclear(format!("HTTP {} without Telegram's words", reply.status)),
        }
    }

    fn duplicate(&self, message: &Message, _progress: &Progress) -> Duplicate {
        repeats::of_chat(message)
    }
}

/// Whose binding links these are.
pub fn bot(settings: &Settings) -> Bot<'_> {
    Bot { service: "telegram", token: token(settings) }
}

/// The binding link for people; `name` of the bot with or without its `@`.
pub fn start_link(name: &str, payload: &str) -> String {
    format!("https://t.me/{}?start={payload}", name.trim().trim_start_matches('@'))
}

fn send_photo(url: String, message: &Message, to: &str, words: &Words, png: &[u8]) -> HttpRequest {
    let caption = html(words, MAX_CAPTION);
    let markup = keyboard(words).map(|keyboard| serde_json::to_string(&keyboard));
    let markup = markup.and_then(Result::ok).unwrap_or_default();
    let mut fields = vec![("chat_id", to), ("caption", caption.as_str()), ("parse_mode", "HTML")];
    if !markup.is_empty() {
        fields.push(("reply_markup", markup.as_str()));
    }
    let boundary =
        format!("kopeck-{}", keyed::letters(&keyed::derive(&message.id, "form", ""), 24));
    // Uploaded, not linked: our own address may be out of Telegram's reach.
    let file = File { field: "photo", name: "qr.png", content_type: "image/png", bytes: png };
    multipart::post(url, &boundary, &fields, file)
}

/// Registers the address that updates are sent to; what guards it is [`update::webhook_secret`].
pub fn set_webhook(settings: &Settings, url: &str) -> Result<HttpRequest, Broken> {
    #[derive(Serialize)]
    struct Body<'a> {
        url: &'a str,
        secret_token: String,
        allowed_updates: [&'static str; 2],
        max_connections: u8,
    }
    let body = Body {
        url,
        secret_token: update::webhook_secret(settings),
        allowed_updates: ["message", "my_chat_member"],
        // Starts are rare.
        max_connections: 2,
    };
    Ok(HttpRequest::new(Method::Post, method_url(settings, "setWebhook")?).json(&body))
}

/// Asks for what happened since; holds the line so long when nothing did. One at a time: an update
/// carries whatever its writer typed, and whoever carries replies reads only the beginning of one.
pub fn get_updates(settings: &Settings, marker: i64, wait_s: u8) -> Result<HttpRequest, Broken> {
    let (offset, wait) = (marker.to_string(), wait_s.to_string());
    let allowed = r#"["message","my_chat_member"]"#;
    let query = encode_query(&[
        ("offset", &offset),
        ("limit", "1"),
        ("timeout", &wait),
        ("allowed_updates", allowed),
    ]);
    let url = format!("{}?{query}", method_url(settings, "getUpdates")?);
    Ok(HttpRequest::new(Method::Get, url))
}

/// Telegram gives updates to whoever asks only where no address is registered.
pub fn delete_webhook(settings: &Settings) -> Result<HttpRequest, Broken> {
    Ok(HttpRequest::new(Method::Post, method_url(settings, "deleteWebhook")?))
}

#[derive(Deserialize)]
struct Reply {
    ok: bool,
    result: Option<Sent>,
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Sent {
    message_id: Option<i64>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

fn refused(reply: &Reply) -> Reading {
    let parameters = reply.parameters.as_ref();
    if let Some(chat) = parameters.and_then(|parameters| parameters.migrate_to_chat_id) {
        return Reading::Moved { to: chat.to_string() };
    }
    let words = reply.description.to_ascii_lowercase();
    let says = |part: &str| words.contains(part);
    let problem = match reply.error_code {
        Some(429) => {
            let seconds = parameters.and_then(|parameters| parameters.retry_after);
            let after_ms = seconds.map(|seconds| seconds.min(MAX_WAIT_S) * 1_000);
            return Reading::Retry { after_ms, why: "too many messages for Telegram".to_owned() };
        }
        Some(401 | 404) => &problems::TOKEN_REFUSED,
        Some(403) if says("blocked") => &problems::BLOCKED,
        Some(403) if says("deactivated") => &problems::GONE,
        Some(403) => &problems::NOT_ALLOWED,
        Some(400)
            if says("chat not found") || says("user not found") || says("peer_id_invalid") =>
        {
            &problems::CHAT_UNKNOWN
        }
        Some(400) if says("write_forbidden") || says("no rights") || says("not enough rights") => {
            &problems::NOT_ALLOWED
        }
        Some(code) if code >= 500 => return Reading::unclear(format!("Telegram answered {code}")),
        Some(_) | None => &problems::REFUSED,
    };
    Reading::Broken(Broken::of(problem).because(&reply.description))
}
