//! Tokens of a local application: exchanged once, renewed only when the portal says that one has
//! ended (hourly renewals may get the application blocked). The secret goes to Bitrix24's own
//! server and never to the portal.

use kopeck_banks::http::{HttpReply, HttpRequest, Method, encode_query};
use serde::Deserialize;

use super::{
    problems,
    settings::{
        ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, ENDPOINT, MEMBER_ID, REFRESH_TOKEN, oauth_url,
    },
};
use crate::{
    integration::{Renewal, Settings},
    problem::Broken,
};

/// How long the code of [`authorize_url`] lives.
pub const CODE_LIFE_S: u32 = 30;
/// How long a refresh token lives that nobody uses.
pub const REFRESH_LIFE_DAYS: u32 = 180;

/// Where the merchant's browser goes to let the application in; `state` comes back unchanged.
pub fn authorize_url(portal: &str, settings: &Settings, state: &str) -> String {
    let portal = portal.trim().trim_start_matches("https://").trim_end_matches('/');
    let query = encode_query(&[("client_id", settings.get(CLIENT_ID).trim()), ("state", state)]);
    format!("https://{portal}/oauth/authorize/?{query}")
}

/// The first pair of tokens for a code.
pub fn exchange(settings: &Settings, code: &str) -> HttpRequest {
    token_request(settings, "authorization_code", ("code", code))
}

/// A new pair; `None` when this is no application.
pub(super) fn refresh(settings: &Settings) -> Option<HttpRequest> {
    let token = settings.find(REFRESH_TOKEN)?;
    Some(token_request(settings, "refresh_token", ("refresh_token", token.trim())))
}

fn token_request(settings: &Settings, grant: &str, what: (&str, &str)) -> HttpRequest {
    let query = encode_query(&[
        ("grant_type", grant),
        ("client_id", settings.get(CLIENT_ID).trim()),
        ("client_secret", settings.get(CLIENT_SECRET).trim()),
        what,
    ]);
    HttpRequest::new(Method::Get, format!("{}/oauth/token/?{query}", oauth_url(settings)))
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    refresh_token: Option<String>,
    client_endpoint: Option<String>,
    member_id: Option<String>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

/// The settings that the answer changes, of an exchange and of a renewal alike.
pub fn read(reply: &HttpReply) -> Renewal {
    let Ok(tokens) = serde_json::from_slice::<Tokens>(&reply.body) else {
        return Renewal::Retry { why: format!("HTTP {} without tokens", reply.status) };
    };
    if let Some(error) = tokens.error {
        let problem = match error.as_str() {
            "invalid_grant" | "invalid_token" => &problems::REFRESH_DEAD,
            "PAYMENT_REQUIRED" => &problems::PLAN,
            "insufficient_scope" | "invalid_scope" => &problems::SCOPE_MISSING,
            _ if reply.status >= 500 => {
                return Renewal::Retry { why: format!("Bitrix24's server answered {error}") };
            }
            _ => &problems::ACCESS_LOST,
        };
        let words = format!("{error} {}", tokens.error_description);
        return Renewal::Broken(Broken::of(problem).because(&words));
    }
    let (Some(access), Some(refresh)) = (tokens.access_token, tokens.refresh_token) else {
        return Renewal::Retry { why: "an answer without tokens".to_owned() };
    };
    let mut changed = vec![(ACCESS_TOKEN, access), (REFRESH_TOKEN, refresh)];
    // A portal may have moved; who it is stays.
    changed.extend(tokens.client_endpoint.map(|endpoint| (ENDPOINT, endpoint)));
    changed.extend(tokens.member_id.map(|member| (MEMBER_ID, member)));
    Renewal::Changed(changed)
}
