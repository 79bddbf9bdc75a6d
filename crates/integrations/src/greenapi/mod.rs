//! WhatsApp by GREEN-API: a phone of the shop's own, driven from outside. WhatsApp does not approve
//! of it and may close the number; off until somebody sets it up.

mod problems;
mod stand_in;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method, percent_encode},
    receipt::contact::normal_phone,
};
use serde::{Deserialize, Serialize};

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
    repeats,
    wording::{Sums, compose},
};

pub use problems::PROBLEMS;
pub use stand_in::GreenApiStandIn;

pub const INSTANCE: &str = "id_instance";
pub const TOKEN: &str = "api_token";
pub const API_URL: &str = "api_url";
const DEFAULT_API_URL: &str = "https://api.green-api.com";

static SETTINGS: &[Setting] = &[
    Setting {
        name: INSTANCE,
        env: "KOPECK_GREENAPI_INSTANCE",
        is_secret: false,
        about: "idInstance of the cabinet: a number.",
    },
    Setting {
        name: TOKEN,
        env: "KOPECK_GREENAPI_TOKEN",
        is_secret: true,
        about: "apiTokenInstance of the cabinet.",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_GREENAPI_API_URL",
        is_secret: false,
        about: "apiUrl of the cabinet, such as https://7105.api.greenapi.com.",
    },
];

/// Its queue sends one message after the other with a pause of the cabinet's.
static LIMITS: Limits =
    Limits { gap_ms: 100, address_gap_ms: 1_000, max_text_chars: MAX_TEXT, is_domestic: false };

const MAX_TEXT: usize = 4_096;

pub struct GreenApi;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    chat_id: String,
    message: &'a str,
    link_preview: bool,
}

fn method_url(settings: &Settings, method: &str) -> Result<String, Broken> {
    let (instance, token) = (settings.get(INSTANCE).trim(), settings.get(TOKEN).trim());
    let is_number = !instance.is_empty() && instance.bytes().all(|b| b.is_ascii_digit());
    if !is_number || token.is_empty() {
        return Err(Broken::of(&problems::SETTINGS_MISSING));
    }
    let base = settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/');
    Ok(format!("{base}/waInstance{instance}/{method}/{}", percent_encode(token)))
}

impl Integration for GreenApi {
    fn name(&self) -> &'static str {
        "greenapi"
    }

    fn title(&self) -> &'static str {
        "WhatsApp (GREEN-API)"
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

    fn wants(&self, kind: Kind, _audience: Audience) -> bool {
        kind != Kind::Receipt
    }

    /// A phone, stored as digits: `79001234567`.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let invalid = || Broken::of(&problems::ADDRESS_INVALID);
        let phone = normal_phone(text).ok_or_else(invalid)?;
        let digits = phone.trim_start_matches('+');
        if (10..=15).contains(&digits.len()) { Ok(digits.to_owned()) } else { Err(invalid()) }
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let Some(to) = &message.to else {
            return Ok(HttpRequest::new(Method::Get, method_url(settings, "getStateInstance")?));
        };
        let words = compose(message, Sums::Typographic, LIMITS.is_domestic);
        let text = words.with_link(MAX_TEXT);
        let body = Body { chat_id: format!("{to}@c.us"), message: &text, link_preview: false };
        Ok(HttpRequest::new(Method::Post, method_url(settings, "sendMessage")?).json(&body))
    }

    fn read(
        &self,
        _settings: &Settings,
        message: &Message,
        _progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        let said: Option<Said> = serde_json::from_slice(&reply.body).ok();
        match (reply.status, said) {
            (200, Some(Said { id_message: Some(id), .. })) => {
                Reading::Delivered { remote_id: Some(id) }
            }
            (200, Some(Said { state_instance: Some(state), .. })) if message.to.is_none() => {
                read_state(&state)
            }
            (200, _) => Reading::unclear("GREEN-API's answer names no message"),
            (401 | 403, _) => Reading::Broken(Broken::of(&problems::KEY_REFUSED)),
            (466, _) => Reading::Broken(Broken::of(&problems::QUOTA)),
            (429, _) => Reading::retry("too many requests for GREEN-API"),
            (400..500, said) => {
                let words = said.and_then(|said| said.message).unwrap_or_default();
                Reading::Broken(Broken::of(&problems::REFUSED).because(&words))
            }
            (status, _) => Reading::unclear(format!("GREEN-API answered {status}")),
        }
    }

    fn duplicate(&self, message: &Message, _progress: &Progress) -> Duplicate {
        repeats::of_chat(message)
    }
}

fn read_state(state: &str) -> Reading {
    let problem = match state {
        "authorized" => return Reading::Delivered { remote_id: None },
        "starting" | "sleepMode" => return Reading::retry(format!("the instance is {state}")),
        "blocked" | "yellowCard" => &problems::NUMBER_BLOCKED,
        _ => &problems::NOT_AUTHORIZED,
    };
    Reading::Broken(Broken::of(problem).because(state))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id_message: Option<String>,
    state_instance: Option<String>,
    message: Option<String>,
}
