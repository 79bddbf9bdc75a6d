//! GREEN-API: `sendMessage` and `getStateInstance`. It takes any number and tells later, by a
//! notice, that nobody is there; so does this.

use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use serde_json::{Value, json};

use super::{API_URL, INSTANCE, TOKEN};
use crate::{
    integration::Settings,
    stand_in::{Arrived, Shell, StandIn},
};

const GOOD_INSTANCE: &str = "7105000001";
const GOOD_TOKEN: &str = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";
/// Requests of one method a second.
const RATE: usize = 50;

pub struct GreenApiStandIn {
    shell: Shell,
    /// `authorized`, `notAuthorized`, `blocked`, `yellowCard` …
    pub state: String,
    /// Messages left on the plan.
    pub quota: u32,
    next: u64,
}

impl Default for GreenApiStandIn {
    fn default() -> GreenApiStandIn {
        GreenApiStandIn {
            shell: Shell::default(),
            state: "authorized".to_owned(),
            quota: 10_000,
            next: 1,
        }
    }
}

impl GreenApiStandIn {
    fn send(&mut self, now_ms: u64, body: &Value) -> HttpReply {
        let refused = |words: &str| {
            let body = json!({ "statusCode": 400, "message": words });
            HttpReply::json(400, &body)
        };
        let (chat, text) = (body["chatId"].as_str(), body["message"].as_str());
        let (Some(chat), Some(text)) = (chat, text) else {
            return refused("Validation failed. Details: 'chatId' is required");
        };
        let number = chat.strip_suffix("@c.us").unwrap_or("");
        let is_number = number.len() >= 10 && number.bytes().all(|b| b.is_ascii_digit());
        if !is_number {
            return refused("Validation failed. Details: 'chatId' has wrong format");
        }
        if text.is_empty() || text.chars().count() > 20_000 {
            return refused("Validation failed. Details: 'message' length");
        }
        if self.quota == 0 {
            let status = json!({ "method": "sendMessage", "status": "QUOTE_EXCEEDED" });
            return HttpReply::json(466, &json!({ "invokeStatus": status }));
        }
        self.quota -= 1;
        self.shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: number.to_owned(),
            text: text.to_owned(),
            link: None,
            has_picture: false,
        });
        self.next += 1;
        HttpReply::json(200, &json!({ "idMessage": format!("BAE5{:012X}", self.next) }))
    }
}

impl StandIn for GreenApiStandIn {
    fn name(&self) -> &'static str {
        "greenapi"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(INSTANCE, GOOD_INSTANCE), (TOKEN, GOOD_TOKEN), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let path = request.path().trim_start_matches('/').to_owned();
        let mut parts = path.split('/');
        let (instance, method, token) = (parts.next(), parts.next(), parts.next());
        let expected = format!("waInstance{GOOD_INSTANCE}");
        if instance != Some(expected.as_str()) || token != Some(GOOD_TOKEN) {
            return HttpReply::new(401, "text/html", "");
        }
        let method = method.unwrap_or("");
        if self.shell.count(method, now_ms, RATE, 1_000).is_err() {
            return HttpReply::new(429, "text/html", "");
        }
        match (request.method, method) {
            (Method::Get, "getStateInstance") => {
                HttpReply::json(200, &json!({ "stateInstance": self.state }))
            }
            (Method::Post, "sendMessage") => match serde_json::from_slice(&request.body) {
                Ok(body) => self.send(now_ms, &body),
                Err(_) => HttpReply::json(400, &json!({ "message": "bad request data" })),
            },
            _ => HttpReply::new(404, "text/html", ""),
        }
    }
}
