//! MAX as a bot meets it: `/me`, `/messages`, `/subscriptions`, with its limits and codes.

use std::collections::BTreeMap;

use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use serde_json::{Value, json};

use super::{API_URL, MAX_TEXT, TOKEN};
use crate::{
    integration::Settings,
    multipart,
    stand_in::{Arrived, Shell, StandIn},
};

const GOOD_TOKEN: &str = "f9LHodD0cOLm8YQyVxQ2n3bW5aTt7rZk1sXc4vBn6mAs";

/// What a person is to the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialogue {
    Open,
    Suspended,
}

pub struct MaxStandIn {
    shell: Shell,
    pub people: BTreeMap<i64, Dialogue>,
    /// Groups with the bot in them.
    pub chats: Vec<i64>,
    /// Groups where it may not write.
    pub closed_chats: Vec<i64>,
    pub subscription: Option<(String, String)>,
    pub refuses_pictures: bool,
    /// What happened, for whoever asks.
    pub updates: Vec<Value>,
    next: u64,
}

impl Default for MaxStandIn {
    fn default() -> MaxStandIn {
        MaxStandIn {
            shell: Shell::default(),
            people: [(228_532_008, Dialogue::Open), (228_532_009, Dialogue::Suspended)].into(),
            chats: vec![-70_010_020],
            closed_chats: vec![-70_010_021],
            subscription: None,
            refuses_pictures: false,
            updates: Vec::new(),
            next: 1,
        }
    }
}

fn refused(status: u16, code: &str, message: &str) -> HttpReply {
    HttpReply::json(status, &json!({ "code": code, "message": message }))
}

/// The token of a picture that was uploaded.
const PHOTO: &str = "photo-token-0001";
/// Where pictures are put: an address of its own, which `/uploads` names and which asks for no key.
const PICTURES: &str = "/pictures";

/// Where we were reached, behind a proxy too.
fn base_of(request: &HttpRequest) -> String {
    if let Some((scheme, rest)) = request.url.split_once("://") {
        return format!("{scheme}://{}", rest.split('/').next().unwrap_or(rest));
    }
    let header = |name: &str| request.find_header(name).unwrap_or("").to_owned();
    format!("http://{}{}", header("host"), header("x-forwarded-prefix"))
}

/// The token of a picture, if it is one.
fn take_picture(request: &HttpRequest) -> HttpReply {
    let parts = multipart::parse(request.find_header("content-type").unwrap_or(""), &request.body);
    let parts = parts.unwrap_or_default();
    let data = parts.iter().find(|part| part.name == "data" && part.file_name.is_some());
    match data.filter(|part| part.bytes.starts_with(b"\x89PNG")) {
        Some(_) => HttpReply::json(200, &json!({ "photos": { "qr": { "token": PHOTO } } })),
        None => refused(400, "upload.error", "No picture"),
    }
}

/// The button's link and whether there is a picture; `Err` holds MAX's words.
fn read_attachments(body: &Value) -> Result<(Option<String>, bool), String> {
    let (mut link, mut has_picture) = (None, false);
    for attachment in body["attachments"].as_array().into_iter().flatten() {
        if attachment["type"] == "image" {
            let photos = attachment["payload"]["photos"].as_object();
            let tokens = photos.into_iter().flatten().map(|(_, photo)| &photo["token"]);
            if !tokens.into_iter().any(|token| token == PHOTO) {
                return Err("attachments[0].payload: no such photo".to_owned());
            }
            has_picture = true;
            continue;
        }
        if attachment["type"] != "inline_keyboard" {
            return Err("attachments[0].type: unknown".to_owned());
        }
        let rows = attachment["payload"]["buttons"].as_array();
        let rows = rows.filter(|rows| !rows.is_empty()).ok_or("buttons: must not be empty")?;
        for button in rows.iter().filter_map(Value::as_array).flatten() {
            let (text, url) = (button["text"].as_str(), button["url"].as_str().unwrap_or(""));
            if !text.is_some_and(|text| (1..=128).contains(&text.chars().count())) {
                return Err("button.text: size must be between 1 and 128".to_owned());
            }
            if button["type"] != "link" || !url.starts_with("http") || url.len() > 2_048 {
                return Err("button.url: invalid".to_owned());
            }
            link = Some(url.to_owned());
        }
    }
    Ok((link, has_picture))
}

impl MaxStandIn {
    fn send(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let query: BTreeMap<String, String> = request.query().into_iter().collect();
        let id = |name: &str| query.get(name).and_then(|text| text.parse::<i64>().ok());
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return refused(400, "proto.payload", "Invalid request body");
        };
        let text = body["text"].as_str().unwrap_or("");
        let (link, has_picture) = match read_attachments(&body) {
            Ok(read) => read,
            Err(words) => return refused(400, "proto.payload", &words),
        };
        if text.chars().count() > MAX_TEXT {
            return refused(400, "proto.payload", "text: size must be between 0 and 4000");
        }
        if text.is_empty() && link.is_none() {
            return refused(400, "proto.payload", "Empty message");
        }
        let to = match (id("user_id"), id("chat_id")) {
            (Some(user), None) => match self.people.get(&user) {
                Some(Dialogue::Open) => user,
                Some(Dialogue::Suspended) => {
                    let words = format!("Key: error.dialog.suspended, args: [{user},].");
                    return refused(403, "chat.denied", &words);
                }
                None => return refused(404, "dialog.not.found", "error.dialog.notfound"),
            },
            (None, Some(chat)) if self.chats.contains(&chat) => chat,
            (None, Some(chat)) if self.closed_chats.contains(&chat) => {
                return refused(403, "chat.denied", "No permission to write");
            }
            (None, Some(_)) => return refused(404, "chat.not.found", "Chat not found"),
            (Some(_), Some(_)) | (None, None) => {
                return refused(400, "proto.payload", "user_id or chat_id is required");
            }
        };
        let own = self.shell.count(&to.to_string(), now_ms, 2, 1_000);
        if own.and_then(|()| self.shell.count("all", now_ms, 30, 1_000)).is_err() {
            return refused(429, "too.many.requests", "Too many requests");
        }
        let (text, to) = (text.to_owned(), to.to_string());
        self.shell.arrived.push(Arrived { at_ms: now_ms, to, text, link, has_picture });
        self.next += 1;
        let mid = format!("mid.{:016x}", self.next);
        HttpReply::json(200, &json!({ "message": { "body": { "mid": mid, "seq": self.next } } }))
    }
}

impl MaxStandIn {
    /// By marker: the place in the list. None while an address is subscribed.
    fn give_updates(&self, request: &HttpRequest) -> HttpReply {
        if self.subscription.is_some() {
            return HttpReply::json(200, &json!({ "updates": [], "marker": null }));
        }
        let query: BTreeMap<String, String> = request.query().into_iter().collect();
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let (from, limit) = (number("marker").unwrap_or(0), number("limit").unwrap_or(100));
        let some: Vec<&Value> = self.updates.iter().skip(from).take(limit).collect();
        let marker = from + some.len();
        HttpReply::json(200, &json!({ "updates": some, "marker": marker }))
    }
}

impl StandIn for MaxStandIn {
    fn name(&self) -> &'static str {
        "max"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(TOKEN, GOOD_TOKEN), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        if (request.method, request.path()) == (Method::Post, PICTURES) {
            return take_picture(request);
        }
        if request.find_header("authorization") != Some(GOOD_TOKEN) {
            return refused(401, "verify.token", "Invalid access_token");
        }
        match (request.method, request.path()) {
            (Method::Get, "/me") => HttpReply::json(
                200,
                &json!({ "user_id": 10_002, "first_name": "Shop", "is_bot": true,
                    "username": "kopeck_test_bot" }),
            ),
            (Method::Post, "/messages") => self.send(now_ms, request),
            (Method::Post, "/uploads") => {
                let is_image = request.query().contains(&("type".to_owned(), "image".to_owned()));
                if self.refuses_pictures || !is_image {
                    return refused(400, "proto.payload", "type: no such uploads");
                }
                let url = format!("{}{PICTURES}", base_of(request));
                HttpReply::json(200, &json!({ "url": url }))
            }
            (Method::Get, "/updates") => self.give_updates(request),
            (Method::Delete, "/subscriptions") => {
                self.subscription = None;
                HttpReply::json(200, &json!({ "success": true }))
            }
            (Method::Post, "/subscriptions") => {
                let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                let (url, secret) = (body["url"].as_str(), body["secret"].as_str());
                let is_good = secret.is_some_and(|secret| (5..=256).contains(&secret.len()));
                match url.filter(|url| url.starts_with("https://") && is_good) {
                    Some(url) => {
                        let secret = secret.unwrap_or_default().to_owned();
                        self.subscription = Some((url.to_owned(), secret));
                        HttpReply::json(200, &json!({ "success": true }))
                    }
                    None => refused(400, "proto.payload", "url or secret is invalid"),
                }
            }
            _ => refused(404, "not.found", "Path not found"),
        }
    }
}
