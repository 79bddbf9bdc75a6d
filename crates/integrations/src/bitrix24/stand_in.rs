//! A portal: deals, their rows, timeline and owners, a webhook or an application, its bucket of
//! requests, its plan and rights, its words.

mod portal;
mod registry;
mod sends;

use std::collections::BTreeMap;

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
use portal::number;
pub use registry::Registry;

const SECRET: &str = "xcp3ng1c2pbg7ef0";
const ID: &str = "local.65f0a1b2c3d4e5.12345678";
const CLIENT_KEY: &str = "k3gV5Vv0Yh8XJ2mB7nQwErTyUiOpAsDfGhJkLzXcVbNm";
const TOKEN: &str = "51856fefc120afa4b628cc82d3935cce";
const MEMBER: &str = "a223c6b3710f85df22e9377d6c4f7553";
/// How long an access token lives.
const TOKEN_MS: u64 = 3_600_000;
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
    /// When the access token ends.
    access_until_ms: u64,
    /// Tokens of employees who have the application open, and the deals that each may not see.
    pub viewers: BTreeMap<String, Vec<i64>>,
    /// Whether the application's own token is an administrator's.
    pub is_admin: bool,
    pub registry: Registry,
    /// Where the portal is, as its server tells applications.
    pub endpoint: String,
    /// How many pairs of tokens were given out.
    pub issued: u32,
    /// When requests came, and how many were too many.
    pub seen: Vec<u64>,
    pub refused: u32,
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
            scopes: ["crm", "im", "placement", "bizproc", "pay_system", "sale"]
                .map(str::to_owned)
                .into(),
            access: "access-token-0000-6f5e4d3c2b1a".to_owned(),
            refresh: "refresh-token-0000-a1b2c3d4e5f6".to_owned(),
            access_until_ms: u64::MAX,
            viewers: BTreeMap::new(),
            is_admin: true,
            registry: Registry::default(),
            endpoint: "https://stand-in.test/rest/".to_owned(),
            issued: 0,
            seen: Vec::new(),
            refused: 0,
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

    /// Others have filled the bucket: so many more requests are taken at this moment.
    pub fn fill(&mut self, now_ms: u64, left: u64) {
        self.bucket_ms = BUCKET_MS - left * DRAIN_MS;
        self.seen_ms = now_ms;
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

    fn oauth(&mut self, now_ms: u64, query: &[(String, String)]) -> HttpReply {
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
        self.access_until_ms = now_ms + TOKEN_MS;
        self.access = format!("access-token-{:04}-6f5e4d3c2b1a", self.issued);
        self.refresh = format!("refresh-token-{:04}-a1b2c3d4e5f6", self.issued);
        let body = json!({ "access_token": self.access, "refresh_token": self.refresh,
            "expires_in": 3600, "client_endpoint": self.endpoint,
            "member_id": MEMBER, "status": "L" });
        HttpReply::json(200, &body)
    }

    /// The method and its parameters, if the caller may call at all; whose token it is, if it is
    /// an employee's who only looks.
    fn open(&self, now_ms: u64, request: &HttpRequest) -> Result<Call, HttpReply> {
        let path = request.path();
        let rest = path.strip_prefix("/rest/").ok_or_else(|| refused(404, "NOT_FOUND", ""))?;
        if request.find_header("content-type") != Some("application/json") {
            return Err(refused(400, "INVALID_REQUEST", "JSON is required"));
        }
        let body: Map<String, Value> = serde_json::from_slice(&request.body)
            .map_err(|_| refused(400, "INVALID_REQUEST", "JSON is required"))?;
        let mut viewer = None;
        let method = if self.is_app {
            let token = body.get("auth").and_then(Value::as_str).unwrap_or("");
            viewer = self.viewers.get_key_value(token).map(|(token, _)| token.clone());
            let is_own = token == self.access && now_ms < self.access_until_ms;
            if !is_own && viewer.is_none() && token.starts_with("access-token") {
                return Err(refused(401, "expired_token", "The access token has expired."));
            }
            if !is_own && viewer.is_none() {
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
        Ok(Call { method: method.to_owned(), params: body, viewer })
    }

    fn run(&mut self, now_ms: u64, call: &Call) -> HttpReply {
        let Call { method, params, viewer } = call;
        if method == "batch" {
            return self.batch(now_ms, call);
        }
        let scope = match method.split('.').next().unwrap_or("") {
            "profile" | "event" => "",
            "im" => "im",
            "placement" => "placement",
            "bizproc" => "bizproc",
            "sale" if method.starts_with("sale.paysystem") => "pay_system",
            "sale" => "sale",
            _ => "crm",
        };
        if !scope.is_empty() && !self.scopes.iter().any(|known| known == scope) {
            let words = "The request requires higher privileges than provided by the token";
            return refused(403, "insufficient_scope", words);
        }
        if let Err(reply) = self.check_context(method, viewer.is_some()) {
            return reply;
        }
        let hidden = viewer.as_ref().and_then(|token| self.viewers.get(token));
        let is_own = method.starts_with("crm.item.");
        if is_own && hidden.is_some_and(|deals| deals.contains(&number(params.get("id")))) {
            return refused(400, "ACCESS_DENIED", "Доступ запрещён");
        }
        let result = match method.as_str() {
            "profile" => {
                let is_admin = self.is_admin && viewer.is_none();
                Ok(json!({ "ID": "12", "ADMIN": is_admin, "NAME": "Анна" }))
            }
            "crm.automation.trigger.execute" => self.execute(params),
            _ => match self.registry.call(method, params) {
                Some(result) => result,
                None => self.portal.call(now_ms, &mut self.shell, method, params),
            },
        };
        match result {
            Ok(result) => {
                let time = json!({ "start": 1_795_255_200.1, "finish": 1_795_255_200.2 });
                HttpReply::json(200, &json!({ "result": result, "time": time }))
            }
            Err(reply) => reply,
        }
    }

    /// What only an application may, and of those what only an administrator's token may.
    fn check_context(&self, method: &str, is_viewer: bool) -> Result<(), HttpReply> {
        let is_of_apps = ["placement.", "event.", "bizproc.", "crm.automation.trigger."];
        let is_of_app = is_of_apps.iter().any(|part| method.starts_with(part));
        if is_of_app && !self.is_app {
            return Err(refused(403, "ACCESS_DENIED", "Application context required"));
        }
        let is_free = ["bizproc.event.send", "crm.automation.trigger.execute"].contains(&method);
        if is_of_app && !is_free && (!self.is_admin || is_viewer) {
            return Err(refused(403, "ACCESS_DENIED", "Access denied! Admin permissions required"));
        }
        Ok(())
    }

    fn execute(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let code = params.get("CODE").and_then(Value::as_str).unwrap_or("");
        if number(params.get("OWNER_TYPE_ID")) != super::DEAL {
            return Err(refused(400, "", "Empty owner type!"));
        }
        if !self.registry.triggers.iter().any(|(known, _)| known == code) {
            return Err(refused(400, "", "Trigger not found!"));
        }
        self.portal.triggers.push(format!("DEAL_{} {code}", number(params.get("OWNER_ID"))));
        Ok(json!(true))
    }

    fn batch(&mut self, now_ms: u64, call: &Call) -> HttpReply {
        let Some(commands) = call.params.get("cmd").and_then(Value::as_object) else {
            return refused(400, "ERROR_BATCH_METHOD_NOT_ALLOWED", "cmd");
        };
        if commands.len() > 50 {
            return refused(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded");
        }
        let (mut results, mut errors, mut totals) = (Map::new(), Map::new(), Map::new());
        for (name, command) in commands {
            let command = command.as_str().unwrap_or("");
            let (method, query) = command.split_once('?').unwrap_or((command, ""));
            if method == "batch" {
                return refused(400, "ERROR_BATCH_METHOD_NOT_ALLOWED", "No batch within a batch");
            }
            let viewer = call.viewer.clone();
            let lists_rows = method == "crm.item.productrow.list";
            let inner = Call { method: method.to_owned(), params: nested(query), viewer };
            let reply = self.run(now_ms, &inner);
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            if lists_rows {
                totals.insert(name.clone(), json!(self.portal.count_rows(&inner.params)));
            }
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
            "result_total": map(totals), "result_next": [], "result_time": [] });
        HttpReply::json(200, &json!({ "result": result }))
    }
}

/// One call that the caller may make.
struct Call {
    method: String,
    params: Map<String, Value>,
    viewer: Option<String>,
}

/// `fields[LABEL][ru]=…` as PHP makes of it: maps within maps; `[]` is the next number.
fn nested(query: &str) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in parse_query(query) {
        let parts: Vec<&str> = key.split('[').map(|part| part.trim_end_matches(']')).collect();
        put(&mut out, &parts, value);
    }
    out
}

fn put(map: &mut Map<String, Value>, parts: &[&str], value: String) {
    let Some((first, rest)) = parts.split_first() else { return };
    let name = if first.is_empty() { map.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        map.insert(name, json!(value));
        return;
    }
    let inner = map.entry(name).or_insert_with(|| json!({}));
    // A text under this name gives way to what comes later, as in PHP.
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, value);
    }
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
                (APPLICATION_TOKEN, TOKEN),
                (MEMBER_ID, MEMBER),
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
            return self.oauth(now_ms, &request.query());
        }
        self.seen.push(now_ms);
        if self.is_full(now_ms) {
            self.refused += 1;
            return refused(503, "QUERY_LIMIT_EXCEEDED", "Too many requests");
        }
        match self.open(now_ms, request) {
            Ok(call) => self.run(now_ms, &call),
            Err(reply) => reply,
        }
    }
}
