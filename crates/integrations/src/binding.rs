//! The link that ties a chat to a payer: a messenger's `?start={payload}`, at most 64 characters of
//! `A-Za-z0-9_-` (Telegram's limit, the strictest).
//!
//! The payload is whom it is for, until when it holds, and a signature, so that nobody can tie his
//! own chat to somebody else's payments. Without it a stranger would only have to guess an id. The
//! key is the bot's token under a label of its own.

use crate::{integration::Settings, keyed};

/// The longest id that fits: ours have a prefix and 32 digits.
pub const MAX_ID_CHARS: usize = 36;
const TIME_CHARS: usize = 6;
const MAC_BYTES: usize = 16;
/// 16 bytes in base64 without padding.
const MAC_CHARS: usize = 22;
const MINUTE_MS: i64 = 60_000;
const LABEL: &str = "kopeck start";

/// The setting of a messenger that says how its updates are heard, and its one word.
pub(crate) const UPDATES: &str = "updates";
const POLL: &str = "poll";

/// Whether the shop asks for updates instead of being told: where nobody outside reaches it.
pub fn is_polled(settings: &Settings) -> bool {
    settings.find(UPDATES).is_some_and(|word| word.trim() == POLL)
}

/// Whose payload it is.
#[derive(Clone, Copy)]
pub struct Bot<'a> {
    /// The integration's name.
    pub(crate) service: &'static str,
    pub(crate) token: &'a str,
}

/// Why a payload is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingProblem {
    #[error("the start link is not one of this shop's")]
    NotOurs,
    #[error("the start link is out of date; make a new one")]
    Expired,
    #[error("only ids of at most 36 letters, digits, _ and - fit into a start link")]
    IdDoesNotFit,
}

fn is_payload_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The payload for a customer (or a payment) that holds until a moment, rounded up to a minute.
pub fn sign(bot: Bot<'_>, id: &str, until_ms: i64) -> Result<String, BindingProblem> {
    if id.is_empty() || id.len() > MAX_ID_CHARS || !id.chars().all(is_payload_char) {
        return Err(BindingProblem::IdDoesNotFit);
    }
    let minutes = until_ms.max(0) / MINUTE_MS + i64::from(until_ms.rem_euclid(MINUTE_MS) > 0);
    let time = to_base36(u64::try_from(minutes).unwrap_or_default());
    if time.len() > TIME_CHARS {
        return Err(BindingProblem::IdDoesNotFit);
    }
    let signed = format!("{id}{time:0>TIME_CHARS$}");
    let mac = mac(bot, &signed);
    Ok(format!("{signed}{mac}"))
}

/// Whom a payload is for.
pub fn open(bot: Bot<'_>, payload: &str, now_ms: i64) -> Result<String, BindingProblem> {
    // Only ASCII can be cut at any place.
    if !payload.chars().all(is_payload_char) {
        return Err(BindingProblem::NotOurs);
    }
    let at = payload.len().checked_sub(MAC_CHARS).ok_or(BindingProblem::NotOurs)?;
    let (signed, given) = payload.split_at(at);
    if !keyed::is_same(given, &mac(bot, signed)) {
        return Err(BindingProblem::NotOurs);
    }
    let at = signed.len().checked_sub(TIME_CHARS).ok_or(BindingProblem::NotOurs)?;
    let (id, time) = signed.split_at(at);
    let minutes = i64::from_str_radix(time, 36).map_err(|_| BindingProblem::NotOurs)?;
    if now_ms > minutes.saturating_mul(MINUTE_MS) {
        return Err(BindingProblem::Expired);
    }
    Ok(id.to_owned())
}

fn mac(bot: Bot<'_>, signed: &str) -> String {
    let whole = keyed::derive(bot.token, LABEL, &format!("{}/{signed}", bot.service));
    keyed::base64_url(&whole[..MAC_BYTES])
}

fn to_base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from(DIGITS[usize::try_from(number % 36).unwrap_or_default()]));
        number /= 36;
    }
    digits.iter().rev().collect()
}
