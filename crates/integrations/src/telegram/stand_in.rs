//! Telegram as a bot meets it: `getMe`, `sendMessage`, `sendPhoto`, `setWebhook`, with its limits
//! and its words.

use std::collections::BTreeMap;

use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use serde_json::{Value, json};

use super::{API_URL, MAX_CAPTION, MAX_TEXT, TOKEN};
use crate::{
    integration::Settings,
    multipart,
    stand_in::{Arrived, Shell, StandIn},
};

/// The chats that a fresh stand-in has: an open one, a blocked one, one that became a supergroup,
/// the supergroup, a deleted account, a group without the bot.
pub const OPEN: i64 = 700_100_200;
pub const BLOCKED: i64 = 700_100_201;
pub const MIGRATED: i64 = -500_600;
pub const SUPERGROUP: i64 = -1_001_234_567_890;
pub const DEACTIVATED: i64 = 700_100_202;
pub const KICKED: i64 = -500_601;

const GOOD_TOKEN: &str = "123456789:AAEhBP0av28fT3Dh-2mFlXcq0d8Xv1Jk5qA";

/// What a chat is to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chat {
    Open,
    Blocked,
    Deactivated,
    Kicked,
    Migrated { to: i64 },
}

pub struct TelegramStandIn {
    shell: Shell,
    pub chats: BTreeMap<i64, Chat>,
    /// What `setWebhook` was told: address and secret.
    pub webhook: Option<(String, String)>,
    /// What happened, for whoever asks.
    pub updates: Vec<Value>,
    next_message: i64,
}

impl Default for TelegramStandIn {
    fn default() -> TelegramStandIn {
        let chats = [
            (OPEN, Chat::Open),
            (BLOCKED, Chat::Blocked),
            (MIGRATED, Chat::Migrated { to: SUPERGROUP }),
            (SUPERGROUP, Chat::Open),
            (DEACTIVATED, Chat::Deactivated),
            (KICKED, Chat::Kicked),
        ];
        TelegramStandIn {
            shell: Shell::default(),
            chats: chats.into(),
            webhook: None,
            updates: Vec::new(),
            next_message: 1,
        }
    }
}

/// What of a request the methods look at, whichever way it came.
struct Call {
    fields: BTreeMap<String, Value>,
    photo: Option<Vec<u8>>,
}

impl Call {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

fn error(code: u16, description: &str) -> HttpReply {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    HttpReply::json(code, &body)
}

fn read_call(request: &HttpRequest) -> Option<Call> {
    let content_type = request.find_header("content-type").unwrap_or("");
    if content_type.starts_with("application/json") {
        let fields = serde_json::from_slice(&request.body).ok()?;
        return Some(Call { fields, photo: None });
    }
    if content_type.starts_with("multipart/form-data") {
        let mut call = Call { fields: BTreeMap::new(), photo: None };
        for part in multipart::parse(content_type, &request.body)? {
            if part.name == "photo" && part.file_name.is_some() {
                call.photo = Some(part.bytes);
                continue;
            }
            let text = String::from_utf8(part.bytes).ok()?;
            // Objects come as JSON text in a form.
            let value = match part.name.as_str() {
                "reply_markup" => serde_json::from_str(&text).ok()?,
                _ => Value::String(text),
            };
            call.fields.insert(part.name, value);
        }
        return Some(call);
    }
    request.body.is_empty().then(|| Call { fields: BTreeMap::new(), photo: None })
}

/// The text without its markup; `Err` as Telegram words it.
fn parse_html(text: &str) -> Result<String, String> {
    let cannot = |why: &str| Err(format!("Bad Request: can't parse entities: {why}"));
    let (mut plain, mut open, mut rest) = (String::new(), Vec::new(), text);
    while let Some(at) = rest.find(['<', '&']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(tag) = rest.strip_prefix('<') {
            let Some((tag, after)) = tag.split_once('>') else { return cannot("unclosed tag") };
            match tag.strip_prefix('/') {
                Some(name) if open.pop().as_deref() != Some(name) => {
                    return cannot("unmatched end tag");
                }
                Some(_) => {}
                None if ["b", "i", "u", "s", "code", "pre"].contains(&tag) => {
                    open.push(tag.to_owned());
                }
                None => return cannot("unsupported start tag"),
            }
            rest = after;
        } else {
            let entities =
                [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\""), ("&#39;", "'")];
            let found = entities.iter().find(|(entity, _)| rest.starts_with(entity));
            let (entity, letter) = found.copied().unwrap_or(("&", "&"));
            plain.push_str(letter);
            rest = &rest[entity.len()..];
        }
    }
    plain.push_str(rest);
    if open.is_empty() { Ok(plain) } else { cannot("unclosed tag at the end") }
}

/// The buttons' links, checked as Telegram checks a keyboard.
fn read_keyboard(markup: Option<&Value>) -> Result<Option<String>, String> {
    let Some(markup) = markup else { return Ok(None) };
    let rows = markup["inline_keyboard"].as_array();
    let rows = rows.ok_or("Bad Request: object expected as reply markup")?;
    let mut link = None;
    for button in rows.iter().filter_map(Value::as_array).flatten() {
        if button["text"].as_str().unwrap_or("").is_empty() {
            return Err("Bad Request: inline keyboard button text must be non-empty".to_owned());
        }
        if let Some(data) = button["callback_data"].as_str()
            && !(1..=64).contains(&data.len())
        {
            return Err("Bad Request: BUTTON_DATA_INVALID".to_owned());
        }
        match button["url"].as_str() {
            Some(url) if is_button_url(url) => link = Some(url.to_owned()),
            Some(_) => return Err("Bad Request: BUTTON_URL_INVALID".to_owned()),
            None if button["callback_data"].is_string() => {}
            None => return Err("Bad Request: BUTTON_TYPE_INVALID".to_owned()),
        }
    }
    Ok(link)
}

fn is_button_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or("");
    host.contains('.') && !url.contains(' ')
}

impl TelegramStandIn {
    fn send(&mut self, now_ms: u64, call: &Call, is_photo: bool) -> HttpReply {
        let chat_id = call.fields.get("chat_id");
        let chat_id = chat_id.and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()));
        let Some(chat_id) = chat_id else { return error(400, "Bad Request: chat_id is empty") };
        let (field, most) = if is_photo { ("caption", MAX_CAPTION) } else { ("text", MAX_TEXT) };
        let text = match call.text("parse_mode") {
            "HTML" => parse_html(call.text(field)),
            "" => Ok(call.text(field).to_owned()),
            _ => Err("Bad Request: unsupported parse_mode".to_owned()),
        };
        let text = match text {
            Ok(text) => text,
            Err(words) => return error(400, &words),
        };
        if text.chars().count() > most {
            let what = if is_photo { "message caption is too long" } else { "message is too long" };
            return error(400, &format!("Bad Request: {what}"));
        }
        if text.trim().is_empty() && !is_photo {
            return error(400, "Bad Request: message text is empty");
        }
        if is_photo && !call.photo.as_ref().is_some_and(|png| png.starts_with(b"\x89PNG")) {
            return error(400, "Bad Request: PHOTO_INVALID_DIMENSIONS");
        }
        let link = match read_keyboard(call.fields.get("reply_markup")) {
            Ok(link) => link,
            Err(words) => return error(400, &words),
        };
        match self.chats.get(&chat_id).copied() {
            None => return error(400, "Bad Request: chat not found"),
            Some(Chat::Blocked) => return error(403, "Forbidden: bot was blocked by the user"),
            Some(Chat::Deactivated) => return error(403, "Forbidden: user is deactivated"),
            Some(Chat::Kicked) => {
                return error(403, "Forbidden: bot was kicked from the group chat");
            }
            Some(Chat::Migrated { to }) => {
                let mut body = json!({ "ok": false, "error_code": 400, "description":
                    "Bad Request: group chat was upgraded to a supergroup chat" });
                body["parameters"] = json!({ "migrate_to_chat_id": to });
                return HttpReply::json(400, &body);
            }
            Some(Chat::Open) => {}
        }
        if let Err(reply) = self.count(now_ms, chat_id) {
            return reply;
        }
        let to = chat_id.to_string();
        self.shell.arrived.push(Arrived { at_ms: now_ms, to, text, link, has_picture: is_photo });
        let message_id = self.next_message;
        self.next_message += 1;
        let kind = if chat_id > 0 { "private" } else { "supergroup" };
        let result = json!({ "message_id": message_id, "chat": { "id": chat_id, "type": kind } });
        HttpReply::json(200, &json!({ "ok": true, "result": result }))
    }

    /// One a second to a chat, thirty a second in all.
    fn count(&mut self, now_ms: u64, chat_id: i64) -> Result<(), HttpReply> {
        let own = self.shell.count(&chat_id.to_string(), now_ms, 1, 1_000);
        let wait = own.and_then(|()| self.shell.count("all", now_ms, 30, 1_000));
        wait.map_err(|wait_ms| {
            let seconds = wait_ms.div_ceil(1_000);
            let words = format!("Too Many Requests: retry after {seconds}");
            let mut body = json!({ "ok": false, "error_code": 429, "description": words });
            body["parameters"] = json!({ "retry_after": seconds });
            HttpReply::json(429, &body)
        })
    }
}

impl StandIn for TelegramStandIn {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(TOKEN, GOOD_TOKEN), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let path = request.path();
        let (Some(rest), true) =
            (path.strip_prefix("/bot"), matches!(request.method, Method::Get | Method::Post))
        else {
            return error(404, "Not Found");
        };
        let (token, method) = rest.split_once('/').unwrap_or((rest, ""));
        if !token.contains(':') {
            return error(404, "Not Found");
        }
        if token != GOOD_TOKEN {
            return error(401, "Unauthorized");
        }
        let Some(call) = read_call(request) else {
            return error(400, "Bad Request: can't parse the request");
        };
        match method {
            "getMe" => {
                let me = json!({ "id": 123_456_789, "is_bot": true, "first_name": "Shop",
                    "username": "kopeck_test_bot" });
                HttpReply::json(200, &json!({ "ok": true, "result": me }))
            }
            "sendMessage" => self.send(now_ms, &call, false),
            "sendPhoto" => self.send(now_ms, &call, true),
            "setWebhook" => {
                let (url, secret) = (call.text("url"), call.text("secret_token"));
                let is_secret_char = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
                if !url.starts_with("https://") {
                    return error(400, "Bad Request: bad webhook: HTTPS url must be provided");
                }
                if !(1..=256).contains(&secret.len()) || !secret.bytes().all(is_secret_char) {
                    return error(400, "Bad Request: secret token contains unallowed characters");
                }
                self.webhook = Some((url.to_owned(), secret.to_owned()));
                HttpReply::json(200, &json!({ "ok": true, "result": true }))
            }
            "deleteWebhook" => {
                self.webhook = None;
                HttpReply::json(200, &json!({ "ok": true, "result": true }))
            }
            "getUpdates" if self.webhook.is_some() => {
                error(409, "Conflict: can't use getUpdates method while webhook is active")
            }
            "getUpdates" => {
                let query: BTreeMap<String, String> = request.query().into_iter().collect();
                let number = |name: &str| query.get(name).and_then(|it| it.parse::<i64>().ok());
                let (from, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(100));
                // What was asked beyond is confirmed and gone.
                self.updates.retain(|it| it["update_id"].as_i64().unwrap_or(0) >= from);
                let limit = usize::try_from(limit).unwrap_or(100);
                let some: Vec<&Value> = self.updates.iter().take(limit).collect();
                HttpReply::json(200, &json!({ "ok": true, "result": some }))
            }
            _ => error(404, "Not Found"),
        }
    }
}
