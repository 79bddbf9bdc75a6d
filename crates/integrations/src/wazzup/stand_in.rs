//! Wazzup24 v3: `message` and `channels`, its minute of memory and its codes.

use std::collections::BTreeMap;

use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use serde_json::{Value, json};

use super::{API_KEY, API_URL, CHANNEL_ID};
use crate::{
    integration::Settings,
    stand_in::{Arrived, Shell, StandIn},
};

const GOOD_KEY: &str = "c8cf90444023482f909520d454368d27";
const CHANNEL: &str = "e0629e11-0f67-4567-92a9-2237e91ec1b9";
const MEMORY_MS: u64 = 60_000;

pub struct WazzupStandIn {
    shell: Shell,
    /// The channel's state: `active`, `qridle`, `notEnoughMoney` …
    pub state: String,
    /// Numbers that WhatsApp does not know.
    pub unknown: Vec<String>,
    /// Numbers that must write first.
    pub closed: Vec<String>,
    seen: BTreeMap<String, u64>,
    next: u64,
}

impl Default for WazzupStandIn {
    fn default() -> WazzupStandIn {
        WazzupStandIn {
            shell: Shell::default(),
            state: "active".to_owned(),
            unknown: vec!["79001110002".to_owned()],
            closed: vec!["79001110003".to_owned()],
            seen: BTreeMap::new(),
            next: 1,
        }
    }
}

fn refused(status: u16, code: &str) -> HttpReply {
    HttpReply::json(status, &json!({ "error": code, "description": "…" }))
}

impl WazzupStandIn {
    fn send(&mut self, now_ms: u64, body: &Value) -> HttpReply {
        let text = |name: &str| body[name].as_str().unwrap_or("");
        if text("channelId") != CHANNEL {
            return refused(400, "CHANNEL_NOT_FOUND");
        }
        match self.state.as_str() {
            "active" => {}
            "notEnoughMoney" => return refused(400, "CHANNEL_NO_MONEY"),
            "phoneUnavailable" => return refused(400, "MESSAGE_CHANNEL_UNAVAILABLE"),
            _ => return refused(400, "CHANNEL_BLOCKED"),
        }
        let to = text("chatId");
        let is_number = (10..=15).contains(&to.len()) && to.bytes().all(|b| b.is_ascii_digit());
        if text("chatType") != "whatsapp" || !is_number {
            return refused(400, "VALIDATION_ERROR");
        }
        match (text("text").chars().count(), body.get("contentUri")) {
            (0, None) => return refused(400, "MESSAGE_NOTHING_TO_SEND"),
            (10_001.., _) => return refused(400, "MESSAGE_TEXT_TOO_LONG"),
            (1.., Some(_)) => return refused(400, "MESSAGE_ONLY_TEXT_OR_CONTENT"),
            (_, _) => {}
        }
        if self.unknown.iter().any(|number| number == to) {
            return refused(400, "BAD_CONTACT");
        }
        if self.closed.iter().any(|number| number == to) {
            return refused(400, "MESSAGES_NOT_TEXT_FIRST");
        }
        let id = text("crmMessageId").to_owned();
        let is_known = self.seen.get(&id).is_some_and(|at| now_ms < at + MEMORY_MS);
        if !id.is_empty() && is_known {
            return refused(400, "repeatedCrmMessageId");
        }
        self.seen.insert(id, now_ms);
        self.shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: to.to_owned(),
            text: text("text").to_owned(),
            link: None,
            has_picture: false,
        });
        self.next += 1;
        let id = format!("61e5a375-1760-452f-ad73-{:012x}", self.next);
        HttpReply::json(201, &json!({ "messageId": id, "chatId": to }))
    }
}

impl StandIn for WazzupStandIn {
    fn name(&self) -> &'static str {
        "wazzup"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(API_KEY, GOOD_KEY), (CHANNEL_ID, CHANNEL), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let expected = format!("Bearer {GOOD_KEY}");
        if request.find_header("authorization") != Some(expected.as_str()) {
            return refused(401, "UNAUTHORIZED");
        }
        if self.shell.count("key", now_ms, 500, 5_000).is_err() {
            return refused(429, "TOO_MANY_REQUESTS");
        }
        match (request.method, request.path()) {
            (Method::Get, "/v3/channels") => {
                let channel = json!({ "channelId": CHANNEL, "transport": "whatsapp",
                    "plainId": "79865784457", "state": self.state });
                HttpReply::json(200, &json!([channel]))
            }
            (Method::Post, "/v3/message") => match serde_json::from_slice(&request.body) {
                Ok(body) => self.send(now_ms, &body),
                Err(_) => refused(400, "VALIDATION_ERROR"),
            },
            _ => refused(404, "NOT_FOUND"),
        }
    }
}
