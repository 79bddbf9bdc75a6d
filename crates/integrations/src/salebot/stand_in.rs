//! Salebot as we meet it: `callback`, `save_variables`, `connected_channels`. What it answers to
//! mistakes is published nowhere; the shapes here are those of its clients' code.

use std::collections::BTreeMap;

use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use serde_json::{Map, Value, json};

use super::{API_KEY, API_URL, CALLBACK_SECRET};
use crate::{
    integration::Settings,
    stand_in::{Arrived, Shell, StandIn},
};

pub const CLIENT: i64 = 836_058_546;
const GOOD_KEY: &str = "0f3c9b6ad0e14c2fa7d25b1c9e8f7a60";
const SECRET: &str = "a secret of its own, made for callbacks";

/// A client of the bot.
pub struct SalebotStandIn {
    shell: Shell,
    /// Clients and their variables.
    pub clients: BTreeMap<i64, Map<String, Value>>,
    /// Whether the project's plan has an API.
    pub has_api: bool,
}

impl Default for SalebotStandIn {
    fn default() -> SalebotStandIn {
        let clients = [(CLIENT, Map::new())].into();
        SalebotStandIn { shell: Shell::default(), clients, has_api: true }
    }
}

fn failed(words: &str) -> HttpReply {
    HttpReply::json(200, &json!({ "status": "fail", "message": words }))
}

impl SalebotStandIn {
    fn save(&mut self, body: &Map<String, Value>) -> HttpReply {
        let client = body.get("client_id").and_then(Value::as_i64);
        let Some(variables) = client.and_then(|id| self.clients.get_mut(&id)) else {
            return failed("Client not found");
        };
        let Some(given) = body.get("variables").and_then(Value::as_object) else {
            return failed("variables is required");
        };
        variables.extend(given.clone());
        HttpReply::json(200, &json!({ "status": "success" }))
    }

    fn call_back(&mut self, now_ms: u64, body: &Map<String, Value>) -> HttpReply {
        let client = body.get("client_id").and_then(Value::as_i64);
        let message = body.get("message").and_then(Value::as_str).unwrap_or("");
        if message.is_empty() {
            return failed("message is required");
        }
        let Some((id, variables)) = client.and_then(|id| Some((id, self.clients.get_mut(&id)?)))
        else {
            return failed("Client not found");
        };
        let extra = body.iter().filter(|(name, _)| !["client_id", "message"].contains(&&***name));
        variables.extend(extra.map(|(name, value)| (name.clone(), value.clone())));
        self.shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: id.to_string(),
            text: message.to_owned(),
            link: None,
            has_picture: false,
        });
        HttpReply::new(200, "application/json", "\"ok\"")
    }
}

impl StandIn for SalebotStandIn {
    fn name(&self) -> &'static str {
        "salebot"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(API_KEY, GOOD_KEY), (CALLBACK_SECRET, SECRET), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let path = request.path();
        let Some((key, action)) = path.strip_prefix("/api/").and_then(|rest| rest.split_once('/'))
        else {
            return HttpReply::new(404, "text/html", "<h1>Not Found</h1>");
        };
        if key != GOOD_KEY {
            return HttpReply::json(401, &json!({ "status": "fail", "message": "bad api key" }));
        }
        if !self.has_api {
            return HttpReply::json(402, &json!({ "status": "fail", "message": "upgrade plan" }));
        }
        if let Err(wait_ms) = self.shell.count("key", now_ms, 5, 1_000) {
            return HttpReply::json(429, &json!({ "status": "fail", "message": "slow down" }))
                .header("retry-after", wait_ms.div_ceil(1_000).to_string());
        }
        if (request.method, action) == (Method::Get, "connected_channels") {
            let channels = json!({ "telegram": [{ "name": "kopeck_test_bot" }] });
            return HttpReply::json(200, &channels);
        }
        let is_json = request.find_header("content-type") == Some("application/json");
        let body = serde_json::from_slice::<Map<String, Value>>(&request.body).ok();
        let Some(body) = body.filter(|_| is_json && request.method == Method::Post) else {
            return failed("JSON is required");
        };
        match action {
            "save_variables" => self.save(&body),
            "callback" => self.call_back(now_ms, &body),
            _ => HttpReply::json(404, &json!({ "status": "fail", "message": "no such method" })),
        }
    }
}
