//! The OAuth server: tokens of the application, the person's yes or no, codes and refreshes.

use serde_json::{Value, json};

use super::{
    TochkaEmulator, directory,
    json::{Obj, quote},
    state::{ConsentStatus, Token, TokenKind, TokenState},
    time::{DAY_MS, MINUTE_MS},
};
use crate::{
    emulator::hosted,
    http::{HttpReply, HttpRequest, encode_query, html_escape, parse_query},
};

const ACCESS_MS: i64 = DAY_MS;
const REFRESH_MS: i64 = 30 * DAY_MS;
const CODE_MS: i64 = 5 * MINUTE_MS;
const SCOPES: [&str; 9] = [
    "accounts",
    "balances",
    "customers",
    "statements",
    "sbp",
    "payments",
    "acquiring",
    "cards",
    "special",
];

/// Form or query fields; the last of a name wins.
struct Form(Vec<(String, String)>);

impl Form {
    fn of_body(request: &HttpRequest) -> Form {
        Form(parse_query(&String::from_utf8_lossy(&request.body)))
    }

    fn get(&self, name: &str) -> &str {
        let pair = self.0.iter().rev().find(|(key, _)| key == name);
        pair.map_or("", |(_, value)| value.as_str())
    }
}

fn oauth_error(status: u16, error: &str, description: &str) -> HttpReply {
    HttpReply::json(status, &json!({ "error": error, "error_description": description }))
}

fn is_scope(text: &str) -> bool {
    text.split_whitespace().all(|word| SCOPES.contains(&word))
}

/// Where a browser may be sent with a code: https, or this very machine by its number. The bank
/// refuses `localhost`.
fn is_redirect_uri(text: &str) -> bool {
    let is_safe = super::fields::is_web_address(text) && text.is_ascii();
    let rest = text.strip_prefix("http://").unwrap_or("");
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or("");
    is_safe && (text.starts_with("https://") || host == "127.0.0.1")
}

impl TochkaEmulator {
    pub(super) fn token(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let form = Form::of_body(request);
        if form.get("client_id") != directory::CLIENT_ID
            || form.get("client_secret") != directory::CLIENT_SECRET
        {
            return oauth_error(401, "invalid_client", "Unknown client_id or wrong client_secret");
        }
        if !is_scope(form.get("scope")) {
            return oauth_error(400, "invalid_scope", "A word of scope is unknown");
        }
        match form.get("grant_type") {
            "client_credentials" => {
                let access = self.issue(TokenKind::Client, now_ms + ACCESS_MS, None, "");
                HttpReply::json(200, &token_body(&access, ACCESS_MS))
            }
            "authorization_code" => self.exchange(now_ms, &form),
            "refresh_token" => self.refresh(now_ms, &form),
            _ => oauth_error(400, "unsupported_grant_type", "grant_type is unknown"),
        }
    }

    fn issue(
        &mut self,
        kind: TokenKind,
        expires_ms: i64,
        consent_id: Option<String>,
        scope: &str,
    ) -> String {
        let name = self.state.mint.token("token");
        let token = Token {
            kind,
            state: TokenState::Valid,
            expires_ms: Some(expires_ms),
            consent_id,
            redirect_uri: None,
            oauth_state: None,
            scope: scope.to_owned(),
        };
        self.state.tokens.insert(name.clone(), token);
        name
    }

    /// A code or a refresh token, used up by being taken.
    fn spend(&mut self, now_ms: i64, name: &str, kind: TokenKind) -> Option<Token> {
        let token = self.state.tokens.get_mut(name).filter(|token| token.kind == kind)?;
        let is_live = token.state == TokenState::Valid && !token.is_expired(now_ms);
        token.state = TokenState::Revoked;
        is_live.then(|| token.clone())
    }

    fn exchange(&mut self, now_ms: i64, form: &Form) -> HttpReply {
        let Some(code) = self.spend(now_ms, form.get("code"), TokenKind::Code) else {
            return oauth_error(400, "invalid_grant", "The code is unknown, used or expired");
        };
        if code.redirect_uri.as_deref() != Some(form.get("redirect_uri")) {
            return oauth_error(400, "invalid_grant", "redirect_uri differs from the code's");
        }
        let state = code.oauth_state.clone().map_or(Value::Null, Value::String);
        self.user_tokens(now_ms, &code, state)
    }

    fn refresh(&mut self, now_ms: i64, form: &Form) -> HttpReply {
        match self.spend(now_ms, form.get("refresh_token"), TokenKind::Refresh) {
            Some(token) => self.user_tokens(now_ms, &token, Value::Null),
            None => {
                oauth_error(400, "invalid_grant", "The refresh token is unknown, used or expired")
            }
        }
    }

    fn user_tokens(&mut self, now_ms: i64, from: &Token, state: Value) -> HttpReply {
        let consent_id = from.consent_id.clone();
        let access =
            self.issue(TokenKind::User, now_ms + ACCESS_MS, consent_id.clone(), &from.scope);
        let refresh = self.issue(TokenKind::Refresh, now_ms + REFRESH_MS, consent_id, &from.scope);
        let mut body = token_body(&access, ACCESS_MS);
        body["refresh_token"] = Value::String(refresh);
        body["state"] = state;
        body["user_id"] = Value::String(directory::PERSONAL_CODE.to_owned());
        HttpReply::json(200, &body)
    }

    /// Checks what both the page and its form carry. The answer is the consent's id.
    fn check_authorize(&self, now_ms: i64, form: &Form) -> Result<String, String> {
        if form.get("client_id") != directory::CLIENT_ID {
            return Err("Неизвестное приложение: client_id".to_owned());
        }
        if !matches!(form.get("response_type"), "code" | "code id_token") {
            return Err("response_type должен быть code".to_owned());
        }
        if !is_redirect_uri(form.get("redirect_uri")) {
            return Err("redirect_uri: нужен https (или http://127.0.0.1)".to_owned());
        }
        if !is_scope(form.get("scope")) {
            return Err("Неизвестный scope".to_owned());
        }
        let consent = self.state.consents.get(form.get("consent_id"));
        let consent = consent.ok_or_else(|| "Неизвестное разрешение: consent_id".to_owned())?;
        let is_open = match consent.status {
            ConsentStatus::AwaitingAuthorisation | ConsentStatus::Authorised => true,
            ConsentStatus::Rejected | ConsentStatus::Revoked => false,
        };
        if !is_open || consent.expires_ms.is_some_and(|at| at <= now_ms) {
            return Err("Разрешение отклонено, отозвано или истекло".to_owned());
        }
        Ok(consent.id.clone())
    }

    pub(super) fn show_consent(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let form = Form(request.query());
        let consent_id = match self.check_authorize(now_ms, &form) {
            Ok(id) => id,
            Err(why) => return hosted::notice_page(400, "Доступ не запрошен", &why),
        };
        let consent = self.state.consents.get(&consent_id);
        let permissions = consent.map(|consent| consent.permissions.as_slice()).unwrap_or_default();
        let permissions = permissions.iter().map(|word| format!("<li>{}</li>", html_escape(word)));
        let names = ["client_id", "response_type", "redirect_uri", "scope", "state", "consent_id"];
        let hidden = names.iter().map(|name| {
            let value = html_escape(form.get(name));
            format!(r#"<input type="hidden" name="{name}" value="{value}">"#)
        });
        let body = format!(
            r#"<p class="lead">Приложение Kopeck просит доступ к компании {}:</p><ul>{}</ul>
<form method="post" action="/connect/authorize">{}
<button name="decision" value="allow">Разрешить</button>
<button class="quiet" name="decision" value="deny">Отклонить</button></form>"#,
            html_escape(directory::BUSINESS_CODE),
            permissions.collect::<String>(),
            hidden.collect::<String>(),
        );
        hosted::frame(200, "Доступ к Точке", &body)
    }

    pub(super) fn decide_consent(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let form = Form::of_body(request);
        let consent_id = match self.check_authorize(now_ms, &form) {
            Ok(id) => id,
            Err(why) => return hosted::notice_page(400, "Доступ не запрошен", &why),
        };
        let redirect_uri = form.get("redirect_uri");
        let state = form.get("state");
        let allow = match form.get("decision") {
            "allow" => true,
            "deny" => false,
            _ => return hosted::notice_page(400, "Доступ не запрошен", "Нужен ответ: да или нет"),
        };
        self.decide(now_ms, &consent_id, allow);
        if !allow {
            return redirect_with(redirect_uri, &[("error", "access_denied"), ("state", state)]);
        }
        let code =
            self.issue(TokenKind::Code, now_ms + CODE_MS, Some(consent_id), form.get("scope"));
        if let Some(token) = self.state.tokens.get_mut(&code) {
            token.redirect_uri = Some(redirect_uri.to_owned());
            token.oauth_state = Some(state.to_owned());
        }
        redirect_with(redirect_uri, &[("code", &code), ("state", state)])
    }

    /// A JSON string that holds a JWT, as the bank answers.
    pub(super) fn introspect(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let form = Form::of_body(request);
        let token = self.state.tokens.get(form.get("access_token"));
        let live = token
            .filter(|token| token.state == TokenState::Valid && !token.is_expired(now_ms))
            .filter(|token| matches!(token.kind, TokenKind::User | TokenKind::Key));
        if live.is_none() {
            return oauth_error(401, "invalid_token", "The access token is unknown or not valid");
        }
        let claims = Obj::new()
            .text("iss", "enter.tochka.com")
            .text("sub", directory::BUSINESS_CODE)
            .text("aud", directory::CLIENT_ID);
        match self.key.sign(claims.end().as_bytes()) {
            Ok(jwt) => HttpReply::new(200, "application/json", quote(&jwt)),
            Err(why) => oauth_error(500, "server_error", &why),
        }
    }
}

fn token_body(access_token: &str, life_ms: i64) -> Value {
    json!({
        "token_type": "bearer",
        "access_token": access_token,
        "expires_in": life_ms / 1_000,
    })
}

fn redirect_with(uri: &str, fields: &[(&str, &str)]) -> HttpReply {
    let (base, fragment) = match uri.split_once('#') {
        Some((base, fragment)) => (base, format!("#{fragment}")),
        None => (uri, String::new()),
    };
    let mark = if base.contains('?') { '&' } else { '?' };
    let location = format!("{base}{mark}{}{fragment}", encode_query(fields));
    HttpReply::new(302, "text/plain", "").header("location", location)
}
