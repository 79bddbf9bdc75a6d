//! SMS by sms.ru: a sum, the shop and the link, in as few paid parts as hold them.

mod codes;
mod problems;
pub mod segments;
mod stand_in;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method},
    receipt::contact::normal_phone,
};
use serde::Deserialize;

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
    wording::{Sums, compose},
};
use segments::Pieces;

pub use problems::PROBLEMS;
pub use stand_in::SmsStandIn;

pub const API_ID: &str = "api_id";
pub const SENDER: &str = "sender";
pub const MAX_PARTS: &str = "max_parts";
pub const API_URL: &str = "api_url";
const DEFAULT_API_URL: &str = "https://sms.ru";

static SETTINGS: &[Setting] = &[
    Setting {
        name: API_ID,
        env: "KOPECK_SMS_API_ID",
        is_secret: true,
        about: "The api_id of sms.ru: its cabinet, section API.",
    },
    Setting {
        name: SENDER,
        env: "KOPECK_SMS_SENDER",
        is_secret: false,
        about: "The sender's name that sms.ru has approved; empty for its own.",
    },
    Setting {
        name: MAX_PARTS,
        env: "KOPECK_SMS_MAX_PARTS",
        is_secret: false,
        about: "How many paid parts a text may take, 1 to 8; 2 if absent. The link is never cut.",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_SMS_API_URL",
        is_secret: false,
        about: "https://sms.ru (the default), or a proxy of it.",
    },
];

/// sms.ru lets the same text through to one number once a minute.
static LIMITS: Limits = Limits {
    gap_ms: 200,
    address_gap_ms: 60_000,
    max_text_chars: MOST_PARTS * 67,
    is_domestic: true,
};

const DEFAULT_PARTS: usize = 2;
/// The longest text that sms.ru takes.
const MOST_PARTS: usize = 8;

pub struct Sms;

fn method_url(settings: &Settings, method: &str) -> String {
    let base = settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/');
    format!("{base}/{method}")
}

fn api_id(settings: &Settings) -> Result<&str, Broken> {
    let id = settings.get(API_ID).trim();
    if id.is_empty() { Err(Broken::of(&problems::KEY_MISSING)) } else { Ok(id) }
}

/// The text, cut to its parts.
fn text(settings: &Settings, message: &Message) -> Result<String, Broken> {
    let words = compose(message, Sums::Plain, LIMITS.is_domestic);
    // A shop's name may be long, and comes first elsewhere: here the sum must survive.
    let shop = format!("{}: ", message.shop);
    let lead = words.head.strip_prefix(&shop).unwrap_or(&words.head);
    let lead = segments::plain(&capital(lead));
    let middle = match (&message.payment, message.audience) {
        (Some(_), Audience::Payer) => segments::plain(&message.shop),
        (Some(_), Audience::Shop) => segments::plain(&words.rest.join(" ")),
        (None, _) => String::new(),
    };
    let link = words.link.as_ref().map_or("", |(link, _)| link.as_str());
    if message.kind.asks_to_pay() && link.is_empty() {
        return Err(Broken::of(&problems::NO_LINK));
    }
    let max = settings.find(MAX_PARTS).and_then(|text| text.trim().parse().ok());
    let max = max.filter(|max| (1..=MOST_PARTS).contains(max)).unwrap_or(DEFAULT_PARTS);
    let pieces = Pieces { lead: &lead, middle: &middle, link };
    // A long link is worth more parts than words are.
    let text = pieces.fit(max).or_else(|| pieces.fit(MOST_PARTS));
    text.ok_or_else(|| Broken::of(&problems::LINK_LONG))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

impl Integration for Sms {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn title(&self) -> &'static str {
        "SMS (sms.ru)"
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

    /// Each is paid for: only what people wait for.
    fn wants(&self, kind: Kind, audience: Audience) -> bool {
        match kind {
            Kind::Test | Kind::Link | Kind::Reminder | Kind::Paid | Kind::Mismatch => true,
            Kind::Refunded | Kind::Receipt | Kind::Renewal | Kind::RenewalFailed | Kind::Rebind => {
                audience == Audience::Payer
            }
            // A phone is nobody's chat.
            Kind::Failed | Kind::Expired | Kind::Canceled | Kind::Welcome => false,
        }
    }

    /// A Russian mobile number in any spelling, stored as `79001234567`.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let phone = normal_phone(text).ok_or_else(|| Broken::of(&problems::ADDRESS_INVALID))?;
        let digits = phone.trim_start_matches('+');
        // +7 6… and +7 7… are Kazakhstan's.
        let is_kazakh = digits.starts_with("76") || digits.starts_with("77");
        if !digits.starts_with('7') || digits.len() != 11 || is_kazakh {
            return Err(Broken::of(&problems::FOREIGN));
        }
        if !digits.starts_with("79") {
            return Err(Broken::of(&problems::NOT_MOBILE));
        }
        Ok(digits.to_owned())
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let id = api_id(settings)?;
        // In the body, not in the address: addresses end in logs.
        let mut fields = vec![("api_id", id), ("json", "1")];
        let Some(to) = &message.to else {
            let url = method_url(settings, "my/balance");
            return Ok(HttpRequest::new(Method::Post, url).form(&fields));
        };
        let text = text(settings, message)?;
        fields.extend([("to", to.as_str()), ("msg", text.as_str())]);
        if let Some(sender) = settings.find(SENDER) {
            fields.push(("from", sender.trim()));
        }
        Ok(HttpRequest::new(Method::Post, method_url(settings, "sms/send")).form(&fields))
    }

    fn read(
        &self,
        _settings: &Settings,
        message: &Message,
        _progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        let read: Option<Reply> = serde_json::from_slice(&reply.body).ok();
        let Some(read) = read.filter(|_| reply.status == 200) else {
            return match reply.status {
                429 => Reading::retry("too many requests for sms.ru"),
                400..500 => Reading::Broken(
                    Broken::of(&problems::REFUSED).because(&format!("HTTP {}", reply.status)),
                ),
                status => Reading::unclear(format!("HTTP {status} without sms.ru's words")),
            };
        };
        if read.status_code != codes::ACCEPTED {
            return codes::read(read.status_code, &read.status_text);
        }
        let Some(to) = &message.to else { return Reading::Delivered { remote_id: None } };
        // Two levels: the request was good, and then each number has an answer of its own.
        match read.sms.get(to) {
            Some(sms) if sms.status_code == codes::ACCEPTED => {
                Reading::Delivered { remote_id: sms.sms_id.clone() }
            }
            Some(sms) => codes::read(sms.status_code, &sms.status_text),
            None => Reading::unclear("sms.ru's answer does not name the number"),
        }
    }

    fn duplicate(&self, message: &Message, _progress: &Progress) -> Duplicate {
        match message.to {
            None => Duplicate::Harmless("the balance is read again"),
            Some(_) => Duplicate::Harmful("a second SMS, which is paid for too"),
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    status_code: u16,
    #[serde(default)]
    status_text: String,
    #[serde(default)]
    sms: BTreeMap<String, One>,
}

#[derive(Deserialize)]
struct One {
    status_code: u16,
    #[serde(default)]
    status_text: String,
    sms_id: Option<String>,
}
