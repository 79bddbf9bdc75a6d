//! What may be asked for in a body, with the name of the field at fault in every error.

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    flow::{Changes, NewWebhook},
    model::{Kinds, Payload},
    replay::{Range, Wanted},
};
use crate::{
    http::{
        ApiError, codes,
        json::{self, Raw, invalid, missing},
        query::moment_ms,
        text,
    },
    kit::{
        net::{UrlProblem, Wire},
        secret::Secret,
    },
};

const MAX_URL_CHARS: usize = 1_000;
const MAX_DESCRIPTION_CHARS: usize = 200;
const MAX_KINDS: usize = 50;
const MAX_HEADER_CHARS: usize = 500;
/// How long two secrets may both sign: a week.
const MAX_OVERLAP_HOURS: i64 = 168;
const DEFAULT_OVERLAP_HOURS: i64 = 24;
/// Headers that belong to the request itself or to the signature.
const OUR_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where events are sent to.
    #[schema(value_type = String, example = "https://shop.example.ru/kopeck")]
    pub url: Raw,
    /// Which events: their names, `payment.*`, or `*`; all if absent.
    #[schema(value_type = Option<Vec<String>>, example = json!(["payment.paid", "refund.*"]))]
    pub events: Raw,
    /// A header that goes with every request, for receivers that want a key.
    #[schema(value_type = Option<Object>, example = json!({"name": "X-Api-Key", "value": "…"}))]
    pub header: Raw,
    /// `full`, with the payment as it was then, or `thin`, ids only; `full` if absent.
    #[schema(value_type = Option<String>, example = "full")]
    pub payload: Raw,
    /// Whether events of one payment go one after the other, each only when the one before was
    /// taken or given up.
    #[schema(value_type = Option<bool>)]
    pub ordered: Raw,
    /// For people: at most 200 characters.
    #[schema(value_type = Option<String>)]
    pub description: Raw,
}

/// What to change of a webhook. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditWebhook {
    #[schema(value_type = Option<String>)]
    pub url: Raw,
    #[schema(value_type = Option<Vec<String>>)]
    pub events: Raw,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "json::nullable")]
    #[schema(value_type = Option<Object>)]
    pub header: Option<Raw>,
    #[schema(value_type = Option<String>)]
    pub payload: Raw,
    #[schema(value_type = Option<bool>)]
    pub ordered: Raw,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "json::nullable")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Raw>,
    /// `false`: nothing is sent, events wait. `true`: it goes on where it stopped.
    #[schema(value_type = Option<bool>)]
    pub enabled: Raw,
    /// With `"enabled": true`: what happened meanwhile is not sent.
    #[schema(value_type = Option<bool>)]
    pub skip_missed: Raw,
}

/// How to change the secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// For how long the old secret signs too: 0 to 168; 24 if absent.
    #[schema(value_type = Option<i64>, example = 24)]
    pub overlap_hours: Raw,
}

/// What to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayEvents {
    /// All deliveries that were given up.
    #[schema(value_type = Option<bool>)]
    pub failed: Raw,
    /// One event, even one that the webhook does not ask for.
    #[schema(value_type = Option<String>)]
    pub event_id: Raw,
    /// Events from this time on: 2026-11-21T19:47:00Z, or a day in Moscow.
    #[schema(value_type = Option<String>, example = "2026-11-21T00:00:00+03:00")]
    pub since: Raw,
    /// Events until this time.
    #[schema(value_type = Option<String>)]
    pub until: Raw,
    /// Events from this number on.
    #[schema(value_type = Option<i64>)]
    pub from_seq: Raw,
    /// Events up to this number.
    #[schema(value_type = Option<i64>)]
    pub to_seq: Raw,
}

type Header = (String, Secret<String>);

/// Checks an address as far as it can be known before something is sent there.
pub fn url(wire: &dyn Wire, text: &str) -> Result<String, ApiError> {
    let bad = |message: &str| ApiError::new(codes::WEBHOOK_URL_INVALID, message).param("url");
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let rest = rest.ok_or_else(|| bad("The address does not begin with https:// or http://."))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if text.chars().count() > MAX_URL_CHARS {
        return Err(bad("The address is longer than 1000 characters."));
    }
    if authority.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("The address has no host, or holds spaces."));
    }
    if authority.contains('@') {
        return Err(bad("The address holds a name and a password."));
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_here = host == "localhost" || host.ends_with(".localhost");
    match wire.refuse(text) {
        Some(UrlProblem::Bad(why)) => Err(bad(&format!("The address cannot be used: {why}."))),
        Some(UrlProblem::Private(why)) => Err(private(&why)),
        // Names are checked when they are resolved; this one can be known before.
        None if is_here && wire.refuse("http://127.0.0.1/").is_some() => {
            Err(private("`localhost` is this machine"))
        }
        None => Ok(text.to_owned()),
    }
}

/// The same, after a look at where its name leads: a mistake is told to whoever makes it, and not a
/// week of failures later.
pub async fn look_up(wire: &dyn Wire, url: &str) -> Result<(), ApiError> {
    match wire.look_up(url).await {
        Some(UrlProblem::Private(why)) => Err(private(&why)),
        // What is wrong with its text was told before.
        Some(UrlProblem::Bad(_)) | None => Ok(()),
    }
}

fn private(why: &str) -> ApiError {
    let message = format!("Webhooks may not go there: {why}.");
    ApiError::new(codes::WEBHOOK_URL_PRIVATE, message).param("url")
}

pub fn kinds(words: Vec<String>) -> Result<Kinds, ApiError> {
    if words.is_empty() {
        return Err(invalid("events", "names no event; leave it out for all"));
    }
    let kinds = Kinds(words);
    match kinds.find_unknown() {
        Some(word) => {
            let shown: String = word.chars().take(60).collect();
            let error = invalid("events", &format!("names `{shown}`, which is no event"));
            Err(error.hint("Events are listed in the guide to webhooks and in GET /v1/events."))
        }
        None => Ok(kinds),
    }
}

/// The name and the value of a header that we may send.
pub fn header(name: &str, value: &str) -> Result<Header, ApiError> {
    let bad = |message: &str| ApiError::new(codes::WEBHOOK_HEADER_INVALID, message).param("header");
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return Err(bad("The header's name is not one."));
    }
    if OUR_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(bad("Kopeck sets this header itself."));
    }
    let is_printable = value.bytes().all(|b| (0x20..0x7f).contains(&b));
    if value.trim().is_empty() || value.len() > MAX_HEADER_CHARS || !is_printable {
        return Err(bad("The header's value is empty, too long or not printable ASCII."));
    }
    Ok((name.to_owned(), Secret::new(value.to_owned())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    name: String,
    #[serde(default)]
    value: String,
}

/// `Some(None)`: taken away.
fn read_header(raw: &Raw) -> Result<Option<Option<Header>>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let parsed: Result<RawHeader, _> = serde_json::from_str(raw.get());
    // The parser's words may quote the value.
    let given = parsed.map_err(|_| ApiError::of(codes::WEBHOOK_HEADER_INVALID).param("header"))?;
    if given.name.is_empty() && given.value.is_empty() {
        return Ok(Some(None));
    }
    header(&given.name, &given.value).map(|header| Some(Some(header)))
}

fn read_kinds(raw: &Raw) -> Result<Option<Kinds>, ApiError> {
    json::strings("events", raw, MAX_KINDS)?.map(kinds).transpose()
}

fn read_payload(raw: &Raw) -> Result<Option<Payload>, ApiError> {
    let Some(word) = json::string("payload", raw)? else { return Ok(None) };
    let parsed = Payload::parse(&word);
    parsed.map(Some).ok_or_else(|| invalid("payload", "takes `full` or `thin`"))
}

fn read_description(raw: &Raw) -> Result<Option<String>, ApiError> {
    let found = json::string("description", raw)?;
    if let Some(words) = &found {
        text::check("description", words, MAX_DESCRIPTION_CHARS)?;
    }
    Ok(found)
}

fn flag(param: &str, raw: &Option<Box<RawValue>>) -> Result<Option<bool>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let parsed = serde_json::from_str(raw.get());
    parsed.map(Some).map_err(|_| invalid(param, "is not true or false"))
}

impl CreateWebhook {
    pub fn read(&self, wire: &dyn Wire) -> Result<NewWebhook, ApiError> {
        let given = json::string("url", &self.url)?.ok_or_else(|| missing("url"))?;
        Ok(NewWebhook {
            url: url(wire, &given)?,
            description: read_description(&self.description)?.filter(|text| !text.is_empty()),
            kinds: read_kinds(&self.events)?.unwrap_or_else(Kinds::all),
            payload: read_payload(&self.payload)?.unwrap_or(Payload::Full),
            is_ordered: flag("ordered", &self.ordered)?.unwrap_or(false),
            header: read_header(&self.header)?.flatten(),
        })
    }
}

impl EditWebhook {
    pub fn read(&self, wire: &dyn Wire) -> Result<Changes, ApiError> {
        let given = json::string("url", &self.url)?;
        Ok(Changes {
            url: given.map(|given| url(wire, &given)).transpose()?,
            description: match &self.description {
                None => None,
                Some(raw) => Some(read_description(raw)?.unwrap_or_default()),
            },
            kinds: read_kinds(&self.events)?,
            payload: read_payload(&self.payload)?,
            is_ordered: flag("ordered", &self.ordered)?,
            header: match &self.header {
                None => None,
                Some(raw) => Some(read_header(raw)?.flatten()),
            },
            is_enabled: flag("enabled", &self.enabled)?,
            skips_missed: flag("skip_missed", &self.skip_missed)?.unwrap_or(false),
        })
    }
}

impl RotateSecret {
    pub fn read(&self) -> Result<i64, ApiError> {
        let hours = json::whole("overlap_hours", &self.overlap_hours)?;
        let hours = hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
        if !(0..=MAX_OVERLAP_HOURS).contains(&hours) {
            return Err(invalid("overlap_hours", "takes 0 to 168"));
        }
        Ok(hours)
    }
}

impl ReplayEvents {
    pub fn read(&self) -> Result<Wanted, ApiError> {
        let time = |name: &str, raw: &Raw| {
            let given = json::string(name, raw)?;
            given.map(|given| moment_ms(name, &given)).transpose()
        };
        let number = |name: &str, raw: &Raw| {
            let given = json::whole(name, raw)?;
            match given {
                Some(number) if number < 1 => Err(invalid(name, "takes 1 and more")),
                Some(_) | None => Ok(given),
            }
        };
        let range = Range {
            from_seq: number("from_seq", &self.from_seq)?,
            to_seq: number("to_seq", &self.to_seq)?,
            from_ms: time("since", &self.since)?,
            to_ms: time("until", &self.until)?,
        };
        let failed = flag("failed", &self.failed)?.unwrap_or(false);
        let event_id = json::string("event_id", &self.event_id)?;
        match (failed, event_id, range != Range::default()) {
            (true, None, false) => Ok(Wanted::Failed),
            (false, Some(id), false) => Ok(Wanted::Event(id)),
            (false, None, true) => Ok(Wanted::Range(range)),
            (false, None, false) => {
                let error = missing("since");
                Err(error.hint("Say what to send again: `failed`, `event_id`, or a range."))
            }
            _ => Err(invalid("failed", "does not go with `event_id` or with a range")),
        }
    }
}
