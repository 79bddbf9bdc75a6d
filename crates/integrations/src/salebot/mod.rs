//! Salebot: bots built there get their links from us by the same arguments as from Salebot's own
//! T-Bank functions, and hear of payments by the same callbacks and variables.
//!
//! | file | what it holds |
//! |---|---|
//! | `link`, `recurrent`, `fields` | what a bot asks, read as it is written |
//! | `answer` | the flat answer that a bot maps to variables |
//! | `callback` | the texts that a bot's blocks match |
//!
//! News of a payment takes two requests: first the variables, then the callback, so that the block
//! that the callback opens finds them set.

pub mod answer;
pub mod callback;
pub mod fields;
pub mod link;
pub(crate) mod problems;
pub mod recurrent;
mod stand_in;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, Method, percent_encode},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
};
use callback::Scheme;

pub use problems::PROBLEMS;
pub use stand_in::SalebotStandIn;

pub const API_KEY: &str = "api_key";
pub const CALLBACK_SECRET: &str = "callback_secret";
pub const API_URL: &str = "api_url";
pub const CONSENT_VERSION: &str = "consent_version";
pub const RECURRENT: &str = "recurrent";
pub const CONSENT_MAX: &str = "consent_max";
const DEFAULT_API_URL: &str = "https://chatter.salebot.pro";

static SETTINGS: &[Setting] = &[
    Setting {
        name: API_KEY,
        env: "KOPECK_SALEBOT_API_KEY",
        is_secret: true,
        about: "The project's API key: Settings of the project, API. It must allow `callback`, \
                `save_variables` and `connected_channels`.",
    },
    Setting {
        name: CALLBACK_SECRET,
        env: "KOPECK_SALEBOT_CALLBACK_SECRET",
        is_secret: true,
        about: "Any long random text, made for this and used nowhere else: the ten characters \
                before `_success` follow from it. Never the bank's password.",
    },
    Setting {
        name: CONSENT_VERSION,
        env: "KOPECK_SALEBOT_CONSENT_VERSION",
        is_secret: false,
        about: "Your name of the text that your bot shows before a link with recurrent=1 and that \
                its client agrees to, such as offer-2026-11. Without it no card is saved.",
    },
    Setting {
        name: CONSENT_MAX,
        env: "KOPECK_SALEBOT_CONSENT_MAX",
        is_secret: false,
        about: "The most that one charge may take by that text, in rubles; empty: any sum.",
    },
    Setting {
        name: RECURRENT,
        env: "KOPECK_SALEBOT_RECURRENT",
        is_secret: false,
        about: "1: links by the older variable payment_sum save the card too, as with Salebot's \
                own switch for autopay on, unless tinkoff_manual_recurrent_disable is set.",
    },
    Setting {
        name: API_URL,
        env: "KOPECK_SALEBOT_API_URL",
        is_secret: false,
        about: "https://chatter.salebot.pro (the default) or https://chatter.salebot.ai.",
    },
];

/// Salebot publishes no numbers; five requests a second have been harmless.
static LIMITS: Limits =
    Limits { gap_ms: 200, address_gap_ms: 200, max_text_chars: 4_000, is_domestic: true };

/// Fewer characters than this can be guessed.
const MIN_SECRET_CHARS: usize = 16;
/// The step after the variables.
const CALLBACK: &str = "callback";

pub struct Salebot;

pub(crate) fn callback_secret(settings: &Settings) -> Result<&str, Broken> {
    let secret = settings.get(CALLBACK_SECRET).trim();
    if secret.len() < MIN_SECRET_CHARS {
        return Err(Broken::of(&problems::SECRET_SHORT));
    }
    Ok(secret)
}

fn method_url(settings: &Settings, method: &str) -> Result<String, Broken> {
    // A space sneaks into what is copied from Salebot's page.
    let key: String =
        settings.get(API_KEY).chars().filter(|c| !c.is_whitespace() && *c != '/').collect();
    if key.is_empty() {
        return Err(Broken::of(&problems::KEY_MISSING));
    }
    let base = settings.find(API_URL).unwrap_or(DEFAULT_API_URL).trim().trim_end_matches('/');
    Ok(format!("{base}/api/{}/{method}", percent_encode(&key)))
}

/// A bot's client and by which of the two ways he was given his link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Client {
    id: i64,
    scheme: Scheme,
}

impl Client {
    fn parse(text: &str) -> Result<Client, Broken> {
        let (id, scheme) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let id = id.parse::<i64>().ok().filter(|id| *id > 0);
        let scheme = match scheme {
            "" => Some(Scheme::Function),
            callback::VARIABLE => Some(Scheme::Variable),
            _ => None,
        };
        match (id, scheme) {
            (Some(id), Some(scheme)) => Ok(Client { id, scheme }),
            (None, _) | (_, None) => Err(Broken::of(&problems::ADDRESS_INVALID)),
        }
    }
}

#[derive(Serialize)]
struct SaveVariables {
    client_id: i64,
    variables: Map<String, Value>,
}

#[derive(Serialize)]
struct Callback {
    client_id: i64,
    message: String,
    #[serde(flatten)]
    variables: Map<String, Value>,
}

impl Integration for Salebot {
    fn name(&self) -> &'static str {
        "salebot"
    }

    fn title(&self) -> &'static str {
        "Salebot"
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

    /// A bot is the shop's; the client reads only what its blocks say.
    fn wants(&self, kind: Kind, audience: Audience) -> bool {
        let is_told = match kind {
            Kind::Test
            | Kind::Link
            | Kind::Paid
            | Kind::Mismatch
            | Kind::Failed
            | Kind::Expired
            | Kind::Canceled
            | Kind::Refunded
            | Kind::Receipt => true,
            Kind::Reminder | Kind::Renewal | Kind::RenewalFailed | Kind::Rebind | Kind::Welcome => {
                false
            }
        };
        is_told && audience == Audience::Shop
    }

    /// `client_id`, or `client_id:payment_sum` of a client whose link came by variables.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let Client { id, scheme } = Client::parse(text)?;
        Ok(match scheme {
            Scheme::Function => id.to_string(),
            Scheme::Variable => format!("{id}:{}", callback::VARIABLE),
        })
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let Some(to) = &message.to else {
            return Ok(HttpRequest::new(Method::Get, method_url(settings, "connected_channels")?));
        };
        let client = Client::parse(to)?;
        let prefix = callback::prefix(callback_secret(settings)?);
        let post = |method: &str| {
            method_url(settings, method).map(|url| HttpRequest::new(Method::Post, url))
        };
        if progress.step == CALLBACK {
            let text = callback::text(&prefix, client.scheme, message);
            let text = text.ok_or_else(|| Broken::of(&problems::NOTHING_TO_SAY))?;
            let variables = callback::own_variables(message);
            let body = Callback { client_id: client.id, message: text, variables };
            return Ok(post("callback")?.json(&body));
        }
        let variables = callback::all_variables(message);
        Ok(post("save_variables")?.json(&SaveVariables { client_id: client.id, variables }))
    }

    fn read(
        &self,
        _settings: &Settings,
        message: &Message,
        progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        if let Err(reading) = read_reply(message, reply) {
            return reading;
        }
        let is_first = progress.step.is_empty() && message.to.is_some();
        if is_first && callback::outcome(message.kind).is_some() {
            return Reading::More(Progress::at(CALLBACK));
        }
        Reading::Delivered { remote_id: None }
    }

    fn duplicate(&self, _message: &Message, progress: &Progress) -> Duplicate {
        if progress.step == CALLBACK {
            Duplicate::Harmful("the bot's block runs twice and may hand out the goods twice")
        } else {
            Duplicate::Harmless("the same variables with the same values")
        }
    }
}

/// `Ok` when Salebot did it. It answers with an object that has a `status`, with the bare word
/// `ok`, or, where something is read, with what is read.
fn read_reply(message: &Message, reply: &HttpReply) -> Result<(), Reading> {
    let text = reply.text();
    let text = text.trim().trim_matches('"');
    let value: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let said = value.as_ref().and_then(|value| value["status"].as_str());
    let words = value.as_ref().and_then(|value| {
        ["message", "error", "description"].into_iter().find_map(|key| value[key].as_str())
    });
    let words = words.unwrap_or("");
    let broken = |problem| Err(Reading::Broken(Broken::of(problem).because(words)));
    match reply.status {
        200..300 => {}
        401 | 404 => return broken(&problems::KEY_REFUSED),
        402 => return broken(&problems::PLAN),
        403 => return broken(&problems::KEY_RIGHTS),
        429 => {
            let seconds = reply.find_header("retry-after").and_then(|text| text.parse().ok());
            let after_ms = seconds.map(|seconds: u64| seconds.saturating_mul(1_000));
            return Err(Reading::Retry { after_ms, why: "too many requests for Salebot".into() });
        }
        400..500 => return broken(&problems::REFUSED),
        status => return Err(Reading::unclear(format!("Salebot answered {status}"))),
    }
    match said {
        Some("success" | "ok") => Ok(()),
        Some(_) if words.to_lowercase().contains("client") => broken(&problems::CLIENT_UNKNOWN),
        Some(_) => broken(&problems::REFUSED),
        None if text == "ok" => Ok(()),
        // Channels are a list, or an object of lists.
        None if message.to.is_none() && value.is_some() => Ok(()),
        None => Err(Reading::unclear("Salebot's answer has no status")),
    }
}
