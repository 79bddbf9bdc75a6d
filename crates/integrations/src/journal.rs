//! Requests and replies as the journal keeps them: readable, without secrets and without the
//! recipient's address. The server masks cards, phones and e-mails in texts besides.

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest, percent_encode},
};

use crate::integration::{Integration, Settings};

/// What stands for a secret, and for an address.
const SECRET: &str = "***";
const ADDRESS: &str = "<address>";
/// What is kept of a body.
const MAX_CHARS: usize = 2_000;
/// Shorter values are no secrets and no addresses, and stand in every text.
const MIN_SECRET_CHARS: usize = 4;
const MIN_ADDRESS_CHARS: usize = 5;

/// `POST https://…` and the body.
pub fn describe_request(
    integration: &dyn Integration,
    settings: &Settings,
    to: Option<&str>,
    request: &HttpRequest,
) -> String {
    let body = describe_body(&request.body);
    let text = format!("{} {}\n{body}", request.method.as_str(), request.url);
    mask(&text, integration.settings(), settings, to)
}

pub fn describe_reply(
    integration: &dyn Integration,
    settings: &Settings,
    to: Option<&str>,
    reply: &HttpReply,
) -> String {
    mask(&describe_body(&reply.body), integration.settings(), settings, to)
}

/// Text is shown, anything else only counted.
fn describe_body(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.chars().take(MAX_CHARS).collect(),
        Err(_) => format!("({} bytes)", body.len()),
    }
}

/// The text without the values of secret settings and without the address, in the spellings that
/// URLs and JSON have of them.
fn mask(text: &str, known: &[Setting], settings: &Settings, to: Option<&str>) -> String {
    let mut text = text.to_owned();
    let secrets = known.iter().filter(|setting| setting.is_secret);
    let secrets = secrets.filter_map(|setting| settings.find(setting.name)).map(str::trim);
    let mut parts: Vec<&str> = secrets.flat_map(parts).collect();
    // The longest first: a part of a secret must not be what keeps its whole from being found.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    for part in parts {
        text = text.replace(part, SECRET).replace(&percent_encode(part), SECRET);
    }
    let digits: String = to.unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    for address in [to.unwrap_or(""), digits.as_str()] {
        if address.chars().count() >= MIN_ADDRESS_CHARS {
            text = text.replace(address, ADDRESS).replace(&percent_encode(address), ADDRESS);
        }
    }
    text
}

/// A secret, and where it is an address, each of its parts that may stand alone.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    let path = secret.split_once("://").map_or("", |(_, rest)| rest);
    let segments = path.split('/').skip(1).filter(|part| *part != "rest");
    std::iter::once(secret).chain(segments).filter(|part| part.len() >= MIN_SECRET_CHARS)
}
