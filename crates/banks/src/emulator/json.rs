//! JSON as the bank writes and reads it: amounts go out digit by digit and come in as raw text,
//! so that no float ever holds one.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::value::RawValue;

use crate::money::Money;

/// A JSON object being written, its keys in the given order.
#[derive(Debug, Default)]
pub(crate) struct Obj(String);

impl Obj {
    pub(crate) fn new() -> Obj {
        Obj::default()
    }

    /// A value that is JSON already.
    #[must_use]
    pub(crate) fn raw(mut self, key: &str, json: &str) -> Obj {
        let comma = if self.0.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}{}:{json}", quote(key));
        self
    }

    #[must_use]
    pub(crate) fn text(self, key: &str, value: &str) -> Obj {
        let json = quote(value);
        self.raw(key, &json)
    }

    #[must_use]
    pub(crate) fn text_if(self, key: &str, value: Option<&str>) -> Obj {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    #[must_use]
    pub(crate) fn raw_if(self, key: &str, json: Option<&str>) -> Obj {
        match json {
            Some(json) => self.raw(key, json),
            None => self,
        }
    }

    #[must_use]
    pub(crate) fn flag(self, key: &str, value: bool) -> Obj {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// An amount as a JSON number of rubles.
    #[must_use]
    pub(crate) fn money(self, key: &str, value: Money) -> Obj {
        self.raw(key, &value.to_rubles())
    }

    #[must_use]
    pub(crate) fn words<'a>(self, key: &str, words: impl IntoIterator<Item = &'a str>) -> Obj {
        self.raw(key, &array(words.into_iter().map(quote)))
    }

    pub(crate) fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// A JSON string.
pub(crate) fn quote(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// A JSON array of items that are JSON already.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// A JSON object as received: each value still raw text.
pub(crate) type RawObject = BTreeMap<String, Box<RawValue>>;

pub(crate) fn parse_object(text: &str) -> Option<RawObject> {
    serde_json::from_str(text).ok()
}

pub(crate) fn parse_string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

pub(crate) fn parse_array(raw: &RawValue) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(raw.get()).ok()
}

/// A positive decimal, written as a number or as numeric text; comes back as number text.
pub(crate) fn parse_positive_decimal(raw: &RawValue) -> Option<String> {
    let text = parse_string(raw).unwrap_or_else(|| raw.get().trim().to_owned());
    let is_number = serde_json::from_str::<serde_json::Number>(&text).is_ok();
    let mantissa = text.split(['e', 'E']).next().unwrap_or("");
    let positive = !text.starts_with('-') && mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
    (is_number && positive).then_some(text)
}

/// No amount needs more zeros than this; anything beyond is out of range anyway.
const MAX_EXPONENT: usize = 30;

/// `1.5e3` as plain digits with a point: people do not write exponents, but JSON allows them.
/// `None` when there is none, or one too large to matter.
pub(crate) fn parse_exponent(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.trim().split_once(['e', 'E'])?;
    let exponent: isize = exponent.parse().ok()?;
    if exponent.unsigned_abs() > MAX_EXPONENT {
        return None;
    }
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Enough zeros on both sides that the point always falls between digits.
    let zeros = "0".repeat(MAX_EXPONENT);
    let digits = format!("{zeros}{whole}{fraction}{zeros}");
    let point = (MAX_EXPONENT + whole.len()).checked_add_signed(exponent)?;
    let (left, right) = digits.split_at_checked(point)?;
    let left = left.trim_start_matches('0');
    Some(format!("{sign}0{left}.{right}0"))
}
