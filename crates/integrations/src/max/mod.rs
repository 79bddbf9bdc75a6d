//! MAX: a bot of the Russian messenger, with a button that opens the link.
//!
//! Like Telegram's, a bot cannot begin: the payer opens [`start_link`] and presses Start.

mod problems;
mod stand_in;
pub mod update;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method, encode_query},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    binding::Bot,
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    keyed,
    message::{Audience, Kind, Message},
    multipart::{self, File},
    problem::{Broken, Problem, Scope},
    repeats,
    wording::{Sums, compose},
};

pub use problems::{PROBLEMS, REFUSED, TOKEN_REFUSED};
pub use stand_in::MaxStandIn;

pub const TOKEN: &str = "token";
pub const BOT: &str = "bot";
/// See [`crate::binding::is_polled`].
pub const UPDATES: &str = crate::binding::UPDATES;
pub const API_URL: &str = "api_url";
/// The host that also asks for the Russian Trusted Root CA; the older ones are being switched off.
const DEFAULT_API_URL: &str = "https://platform-api2.max.ru";

static SETTINGS: &[Setting] = &[
    Setting {
        name: TOKEN,
        env: "KOPECK_MAX_TOKEN",
        is_secret: true,
        about: "The bot's token: business.max.ru, chat-bots, the bot's settings.",
    },
    Setting {
        name: BOT,
        env: "KOPECK_MAX_BOT",
        is_secret: false,
        about: "The bot's name, as in its address max.ru/…: for links that tie payers' chats.",
    },
    Setting {
        name: UPDATES,
        env: "KOPECK_MAX_UPDATES",
        is_secret: false,
        about: "poll: Kopeck asks MAX what happens in the bot's chats, for a server without a \
                public address. push, or empty: MAX tells it (kopeck integration updates).",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_MAX_API_URL",
        is_secret: false,
        about: "https://platform-api2.max.ru (the default), or a proxy of it.",
    },
];

/// Thirty requests a second in all, two messages a second to one chat.
static LIMITS: Limits =
    Limits { gap_ms: 34, address_gap_ms: 500, max_text_chars: MAX_TEXT, is_domestic: true };

const MAX_TEXT: usize = 4_000;
/// A reply that asks for a longer wait is believed only so far.
const MAX_WAIT_S: u64 = 24 * 60 * 60;
/// A group's address: `chat:-700100`.
const CHAT: &str = "chat:";

/// The steps of a message with a picture: where it may be put, the bytes, the message; or the
/// message alone, where there is no way for the picture.
const UPLOAD: &str = "upload";
const SEND: &str = "send";
const PLAIN: &str = "plain";

pub struct Max;

pub(crate) fn token(settings: &Settings) -> &str {
    settings.get(TOKEN).trim()
}

/// Whose binding links these are.
pub fn bot(settings: &Settings) -> Bot<'_> {
    Bot { service: "max", token: token(settings) }
}

/// The binding link for people.
pub fn start_link(name: &str, payload: &str) -> String {
    format!("https://max.ru/{}?start={payload}", name.trim().trim_start_matches('@'))
}

fn call(settings: &Settings, method: Method, path: &str) -> Result<HttpRequest, Broken> {
    let token = token(settings);
    if token.is_empty() {
        return Err(Broken::of(&problems::TOKEN_MISSING));
    }
    let base = settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/');
    // The token as it is: MAX wants no `Bearer` before it.
    Ok(HttpRequest::new(method, format!("{base}{path}")).header("authorization", token))
}

#[derive(Serialize)]
struct NewMessage<'a> {
    text: &'a str,
    attachments: Vec<Attachment<'a>>,
    notify: bool,
}

#[derive(Serialize)]
struct Attachment<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Keyboard(Keyboard<'a>),
    Picture { photos: &'a RawValue },
}

#[derive(Serialize)]
struct Keyboard<'a> {
    buttons: [[Button<'a>; 1]; 1],
}

#[derive(Serialize)]
struct Button<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    url: &'a str,
}

impl Integration for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn title(&self) -> &'static str {
        "MAX"
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

    fn wants(&self, _kind: Kind, _audience: Audience) -> bool {
        true
    }

    /// A person's number, or `chat:` and a group's.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let text = text.trim();
        let (is_chat, number) = match text.strip_prefix(CHAT) {
            Some(number) => (true, number),
            None => (false, text),
        };
        let id = number.parse::<i64>().ok().filter(|id| *id != 0 && (is_chat || *id > 0));
        match id {
            Some(id) if is_chat => Ok(format!("{CHAT}{id}")),
            Some(id) => Ok(id.to_string()),
            None => Err(Broken::of(&problems::ADDRESS_INVALID)),
        }
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let Some(to) = &message.to else { return call(settings, Method::Get, "/me") };
        match (progress.step.as_str(), picture(message)) {
            ("", Some(_)) => return call(settings, Method::Post, "/uploads?type=image"),
            (UPLOAD, Some(png)) => return Ok(upload(message, &progress.note, png)),
            _ => {}
        }
        let words = compose(message, Sums::Typographic, LIMITS.is_domestic);
        let to = to.strip_prefix(CHAT).map_or(("user_id", to.as_str()), |id| ("chat_id", id));
        let query = encode_query(&[to, ("disable_link_preview", "true")]);
        let button = words.link.as_ref().map(|(url, text)| Button { kind: "link", text, url });
        let keyboard = button.map(|button| Attachment {
            kind: "inline_keyboard",
            payload: Payload::Keyboard(Keyboard { buttons: [[button]] }),
        });
        let photos = Some(progress.note.as_str()).filter(|_| progress.step == SEND);
        let photos = photos.and_then(|note| serde_json::from_str::<&RawValue>(note).ok());
        let photo =
            photos.map(|photos| Attachment { kind: "image", payload: Payload::Picture { photos } });
        let body = NewMessage {
            text: &words.body(MAX_TEXT),
            attachments: photo.into_iter().chain(keyboard).collect(),
            notify: true,
        };
        Ok(call(settings, Method::Post, &format!("/messages?{query}"))?.json(&body))
    }

    fn read(
        &self,
        _settings: &Settings,
        message: &Message,
        progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        let has_picture = message.to.is_some() && picture(message).is_some();
        match progress.step.as_str() {
            "" if has_picture => return uploading(reply),
            UPLOAD => return uploaded(reply),
            _ => {}
        }
        if reply.status == 200 {
            return match serde_json::from_slice::<Sent>(&reply.body) {
                Ok(Sent { message: Some(sent), .. }) => {
                    Reading::Delivered { remote_id: Some(sent.body.mid) }
                }
                // Of the bot itself.
                Ok(Sent { user_id: Some(_), .. }) if message.to.is_none() => {
                    Reading::Delivered { remote_id: None }
                }
                Ok(_) | Err(_) => Reading::unclear("MAX's answer names no message"),
            };
        }
        refused(reply)
    }

    fn duplicate(&self, message: &Message, progress: &Progress) -> Duplicate {
        let is_upload =
            progress.step == UPLOAD || (progress.step.is_empty() && picture(message).is_some());
        if is_upload {
            return Duplicate::Harmless("a picture that no message shows");
        }
        repeats::of_chat(message)
    }
}

/// The code to scan, of what asks to pay.
fn picture(message: &Message) -> Option<&[u8]> {
    let png = message.payment.as_ref()?.qr_png.as_deref()?;
    Some(png).filter(|_| message.kind.asks_to_pay())
}

/// The picture's bytes to where MAX said. Uploaded, not linked: our own address may be out of MAX's
/// reach.
fn upload(message: &Message, url: &str, png: &[u8]) -> HttpRequest {
    let boundary =
        format!("kopeck-{}", keyed::letters(&keyed::derive(&message.id, "form", ""), 24));
    let file = File { field: "data", name: "qr.png", content_type: "image/png", bytes: png };
    multipart::post(url.to_owned(), &boundary, &[], file)
}

/// Where the picture goes. A link without its picture is better than none, so whatever MAX says
/// instead of an address, the message goes on; a dead token is a dead token.
fn uploading(reply: &HttpReply) -> Reading {
    #[derive(Deserialize)]
    struct Place {
        url: String,
    }
    if let (200, Ok(Place { url })) = (reply.status, serde_json::from_slice(&reply.body)) {
        return Reading::More(Progress::at(UPLOAD).with(url));
    }
    let reading = refused(reply);
    let is_of_picture = matches!(&reading, Reading::Broken(it) if it.scope() != Scope::Account);
    if is_of_picture { Reading::More(Progress::at(PLAIN)) } else { reading }
}

/// The tokens by which a message shows it: kept as MAX wrote them.
fn uploaded(reply: &HttpReply) -> Reading {
    #[derive(Deserialize)]
    struct Tokens<'a> {
        #[serde(borrow)]
        photos: &'a RawValue,
    }
    let tokens = serde_json::from_slice::<Tokens<'_>>(&reply.body).ok();
    match tokens.filter(|tokens| reply.status == 200 && tokens.photos.get().starts_with('{')) {
        Some(tokens) => Reading::More(Progress::at(SEND).with(tokens.photos.get())),
        None if reply.status == 429 => later(reply),
        None => Reading::More(Progress::at(PLAIN)),
    }
}

/// Registers the address that updates are sent to.
pub fn subscribe(settings: &Settings, url: &str) -> Result<HttpRequest, Broken> {
    #[derive(Serialize)]
    struct Body<'a> {
        url: &'a str,
        update_types: [&'static str; 2],
        secret: String,
    }
    let secret = update::webhook_secret(settings);
    let body = Body { url, update_types: ["bot_started", "bot_stopped"], secret };
    Ok(call(settings, Method::Post, "/subscriptions")?.json(&body))
}

/// Asks for starts and stops since; holds the line so long when there were none.
pub fn get_updates(settings: &Settings, marker: i64, wait_s: u8) -> Result<HttpRequest, Broken> {
    let (from, wait) = (marker.to_string(), wait_s.to_string());
    let mut query = vec![("limit", "20"), ("timeout", &wait), ("types", "bot_started,bot_stopped")];
    // Without a marker MAX begins with what nobody has asked for yet.
    if marker > 0 {
        query.push(("marker", &from));
    }
    call(settings, Method::Get, &format!("/updates?{}", encode_query(&query)))
}

/// MAX gives updates to whoever asks only where no address is subscribed.
pub fn unsubscribe(settings: &Settings, url: &str) -> Result<HttpRequest, Broken> {
    let query = encode_query(&[("url", url)]);
    call(settings, Method::Delete, &format!("/subscriptions?{query}"))
}

#[derive(Deserialize)]
struct Sent {
    message: Option<SentMessage>,
    user_id: Option<i64>,
}

#[derive(Deserialize)]
struct SentMessage {
    body: SentBody,
}

#[derive(Deserialize)]
struct SentBody {
    mid: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// As long as MAX asks for, believed up to a day.
fn later(reply: &HttpReply) -> Reading {
    let seconds = reply.find_header("retry-after").and_then(|text| text.trim().parse::<u64>().ok());
    let after_ms = seconds.map(|seconds| seconds.min(MAX_WAIT_S) * 1_000);
    Reading::Retry { after_ms, why: "too many messages for MAX".to_owned() }
}

fn refused(reply: &HttpReply) -> Reading {
    let Ok(Refusal { code, message }) = serde_json::from_slice::<Refusal>(&reply.body) else {
        return match reply.status {
            401 => Reading::Broken(Broken::of(&problems::TOKEN_REFUSED)),
            429 => later(reply),
            status => Reading::unclear(format!("HTTP {status} without MAX's words")),
        };
    };
    let words = format!("{code} {message}").to_ascii_lowercase();
    let says = |part: &str| words.contains(part);
    let problem = match reply.status {
        429 => return later(reply),
        400 if says("attachment.not.ready") => {
            return Reading::retry("MAX still reads the picture");
        }
        401 => &problems::TOKEN_REFUSED,
        403 if says("suspended") => &problems::BLOCKED,
        403 => &problems::NOT_ALLOWED,
        404 if says("chat") || says("dialog") || says("user") => &problems::CHAT_UNKNOWN,
        404 | 405 => &problems::API_URL_WRONG,
        status if status >= 500 => return Reading::unclear(format!("MAX answered {status}")),
        400..500 => &problems::REFUSED,
        status => return Reading::unclear(format!("MAX answered {status}")),
    };
    // Its words of a refusal name the chat in brackets: only the code is kept.
    Reading::Broken(Broken::of(problem).because(&code))
}
