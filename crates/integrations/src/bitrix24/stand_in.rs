//! A portal: deals, their rows, timeline and owners, a webhook or an application, its bucket of
//! requests, its plan and rights, its words.

mod portal;

use kopeck_banks::http::{HttpReply, HttpRequest, parse_query};
use serde_json::{Map, Value, json};

use super::settings::{
    ACCESS_TOKEN, APPLICATION_TOKEN, CLIENT_ID, CLIENT_SECRET, ENDPOINT, LINK_FIELD, MEMBER_ID,
    OAUTH_URL, PAID_STAGES, REFRESH_TOKEN, STATUS_FIELD, WEBHOOK_URL,
};
use crate::{
    integration::Settings,
    stand_in::{Shell, StandIn},
};
pub use portal::Portal;

const SECRET: &str = "xcp3ng1c2pbg7ef0";
const ID: &str = "local.65f0a1b2c3d4e5.12345678";
const CLIENT_KEY: &str = "k3gV5Vv0Yh8XJ2mB7nQwErTyUiOpAsDfGhJkLzXcVbNm";
/// Each request fills the bucket by what drains in half a second.
const DRAIN_MS: u64 = 500;
const BUCKET_MS: u64 = 50 * DRAIN_MS;

/// The portal and how it is reached.
pub struct BitrixStandIn {
    shell: Shell,
    pub portal: Portal,
    /// Reached as an application, not by a webhook.
    pub is_app: bool,
    /// Whether the plan has REST.
    pub has_rest: bool,
    pub scopes: Vec<String>,
    /// The access token that is good now, and the refresh token.
    pub access: String,
    pub refresh: String,
    /// Where the portal is, as its server tells applications.
    pub endpoint: String,
    issued: u32,
    /// How full the bucket was, and when.
    bucket_ms: u64,
    seen_ms: u64,
}

impl Default for BitrixStandIn {
    fn default() -> BitrixStandIn {
        BitrixStandIn {
            shell: Shell::default(),
            portal: Portal::default(),
            is_app: false,
            has_rest: true,
            scopes: ["crm", "im", "placement", "bizproc", "pay_system"].map(str::to_owned).into(),
            access: "access-token-0000-6f5e4d3c2b1a".to_owned(),
            refresh: "refresh-token-0000-a1b2c3d4e5f6".to_owned(),
            endpoint: "https://stand-in.test/rest/".to_owned(),
            issued: 0,
            bucket_ms: 0,
            seen_ms: 0,
        }
    }
}

pub(super) fn refused(status: u16, code: &str, words: &str) -> HttpReply {
    HttpReply::json(status, &json!({ "error": code, "error_description": words }))
}

impl BitrixStandIn {
    pub fn app() -> BitrixStandIn {
        BitrixStandIn { is_app: true, ..BitrixStandIn::default() }
    }

    /// The access token ends, as after an hour.
    pub fn expire(&mut self) {
        self.access = "nobody has it yet".to_owned();
    }

    fn is_full(&mut self, now_ms: u64) -> bool {
        let drained = now_ms.saturating_sub(self.seen_ms);
        self.bucket_ms = self.bucket_ms.saturating_sub(drained);
        self.seen_ms = now_ms;
        if self.bucket_ms + DRAIN_MS > BUCKET_MS {
            return true;
        }
        self.bucket_ms += DRAIN_MS;
        false
    }

    fn oauth(&mut self, query: &[(String, String)]) -> HttpReply {
        let field = |name: &str| {
            query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        if (field("client_id"), field("client_secret")) != (ID, CLIENT_KEY) {
            return refused(401, "invalid_client", "Client is invalid");
        }
        let is_good = match field("grant_type") {
            "refresh_token" => field("refresh_token") == self.refresh,
            "authorization_code" => field("code") == "code-of-thirty-seconds",
            _ => return refused(400, "invalid_request", "grant_type"),
        };
        if !is_good {
            return refused(400, "invalid_grant", "Grant is invalid");
        }
        self.issued += 1;
        self.access = format!("access-token-{:04}-6f5e4d3c2b1a", self.issued);
        self.refresh = format!("refresh-token-{:04}-a1b2c3d4e5f6", self.issued);
        let body = json!({ "access_token": self.access, "refresh_token": self.refresh,
            "expires_in": 3600, "client_endpoint": self.endpoint,
            "member_id": "a223c6b3710f85df22e9377d6c4f7553", "status": "L" });
        HttpReply::json(200, &body)
    }

    /// The method and its parameters, if the caller may call at all.
    fn open(&self, request: &HttpRequest) -> Result<(String, Map<String, Value>), HttpReply> {
        let path = request.path();
        let rest = path.strip_prefix("/rest/").ok_or_else(|| refused(404, "NOT_FOUND", ""))?;
        if request.find_header("content-type") != Some("application/json") {
            return Err(refused(400, "INVALID_REQUEST", "JSON is required"));
        }
        let body: Map<String, Value> = serde_json::from_slice(&request.body)
            .map_err(|_| refused(400, "INVALID_REQUEST", "JSON is required"))?;
        let method = if self.is_app {
            let token = body.get("auth").and_then(Value::as_str).unwrap_or("");
            if token.starts_with("access-token") && token != self.access {
                return Err(refused(401, "expired_token", "The access token has expired."));
            }
            if token != self.access {
                return Err(refused(401, "NO_AUTH_FOUND", "Wrong authorization data"));
            }
            rest
        } else {
            let own = format!("1/{SECRET}/");
            rest.strip_prefix(&own).ok_or_else(|| refused(401, "NO_AUTH_FOUND", "Wrong data"))?
        };
        if !self.has_rest {
            let words = "REST API is available only on commercial plans";
            return Err(refused(403, "ACCESS_DENIED", words));
        }
        Ok((method.to_owned(), body))
    }

    fn run(&mut self, now_ms: u64, method: &str, params: &Map<String, Value>) -> HttpReply {
        let scope = match method.split('.').next().unwrap_or("") {
            "im" => "im",
            "placement" => "placement",
            "bizproc" => "bizproc",
            "sale" => "pay_system",
            _ => "crm",
        };
        if !self.scopes.iter().any(|known| known == scope) {
            let words = "The request requires higher privileges than provided by the token";
            return refused(403, "insufficient_scope", words);
        }
        let is_of_apps = ["placement.bind", "bizproc.robot.add", "crm.automation.trigger.add"];
        if is_of_apps.contains(&method) && !self.is_app {
            return refused(403, "ACCESS_DENIED", "Application context required");
        }
        if method == "batch" {
            return self.batch(now_ms, params);
        }
        match self.portal.call(now_ms, &mut self.shell, method, params) {
            Ok(result) => {
                let time = json!({ "start": 1_795_255_200.1, "finish": 1_795_255_200.2 });
                HttpReply::json(200, &json!({ "result": result, "time": time }))
            }
            Err(reply) => reply,
        }
    }

    fn batch(&mut self, now_ms: u64, params: &Map<String, Value>) -> HttpReply {
        let Some(commands) = params.get("cmd").and_then(Value::as_object) else {
            return refused(400, "ERROR_BATCH_METHOD_NOT_ALLOWED", "cmd");
        };
        if commands.len() > 50 {
            return refused(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded");
        }
        let (mut results, mut errors) = (Map::new(), Map::new());
        for (name, command) in commands {
            let command = command.as_str().unwrap_or("");
            let (method, query) = command.split_once('?').unwrap_or((command, ""));
            let reply = self.run(now_ms, method, &nested(query));
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            match body.get("result") {
                Some(result) => results.insert(name.clone(), result.clone()),
                None => errors.insert(name.clone(), body),
            };
        }
        // PHP's way of an empty map.
        let map = |map: Map<String, Value>| {
            if map.is_empty() { json!([]) } else { Value::Object(map) }
        };
        let result = json!({ "result": map(results), "result_error": map(errors),
            "result_total": [], "result_next": [], "result_time": [] });
        HttpReply::json(200, &json!({ "result": result }))
    }
}

/// `filter[ENTITY_ID]=57` as PHP makes of it.
fn nested(query: &str) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in parse_query(query) {
        let parts: Vec<&str> = key.split(['[', ']']).filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [name] => {
                out.insert((*name).to_owned(), json!(value));
            }
            [name, inner] => {
                let map = out.entry((*name).to_owned()).or_insert_with(|| json!({}));
                map[*inner] = json!(value);
            }
            _ => {}
        }
    }
    out
}

impl StandIn for BitrixStandIn {
    fn name(&self) -> &'static str {
        "bitrix24"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let webhook = format!("{base_url}/rest/1/{SECRET}/");
        let endpoint = format!("{base_url}/rest/");
        let mut values = vec![
            (PAID_STAGES, "0=WON; 3=C3:WON"),
            (LINK_FIELD, "ufCrmKopeckLink"),
            (STATUS_FIELD, "ufCrmKopeckStatus"),
        ];
        if self.is_app {
            values.extend([
                (CLIENT_ID, ID),
                (CLIENT_SECRET, CLIENT_KEY),
                (ENDPOINT, endpoint.as_str()),
                (ACCESS_TOKEN, self.access.as_str()),
                (REFRESH_TOKEN, self.refresh.as_str()),
                (APPLICATION_TOKEN, "51856fefc120afa4b628cc82d3935cce"),
                (MEMBER_ID, "a223c6b3710f85df22e9377d6c4f7553"),
                (OAUTH_URL, base_url),
            ]);
        } else {
            values.push((WEBHOOK_URL, webhook.as_str()));
        }
        Settings::new(values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        if request.path() == "/oauth/token/" {
            return self.oauth(&request.query());
        }
        if self.is_full(now_ms) {
            return refused(503, "QUERY_LIMIT_EXCEEDED", "Too many requests");
        }
        match self.open(request) {
            Ok((method, params)) => self.run(now_ms, &method, &params),
            Err(reply) => reply,
        }
    }
}
