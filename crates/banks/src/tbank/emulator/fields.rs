//! A request's JSON read field by field. Names are case-sensitive, unknown fields are ignored,
//! numbers may come as text and text as numbers: strangers' clients do both.

use serde_json::value::RawValue;

use super::problem::Problem;
use crate::{
    emulator::json::{RawObject, parse_array, parse_object, parse_string},
    money::Money,
};

#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) RawObject);

impl Fields {
    pub(super) fn of_body(body: &[u8]) -> Option<Fields> {
        std::str::from_utf8(body).ok().and_then(parse_object).map(Fields)
    }

    fn of_raw(raw: &RawValue) -> Option<Fields> {
        parse_object(raw.get()).map(Fields)
    }

    /// A value that is there: null counts as absent.
    pub(super) fn raw(&self, key: &str) -> Option<&RawValue> {
        self.0.get(key).map(|raw| &**raw).filter(|raw| raw.get().trim() != "null")
    }

    /// Text, or a number or boolean as it stands; nothing for what is nested.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        scalar_text(self.raw(key)?)
    }

    /// As [`Fields::text`], with empty text as absent.
    pub(super) fn filled(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, key: &str) -> Result<String, Problem> {
        self.filled(key).ok_or_else(|| Problem::empty_field(key))
    }

    /// Required text of at most `most` characters.
    pub(super) fn sized(&self, key: &str, most: usize, code: &str) -> Result<String, Problem> {
        let text = self.required(key)?;
        self.size(key, &text, most, code).map(|()| text)
    }

    pub(super) fn sized_if(
        &self,
        key: &str,
        most: usize,
        code: &str,
    ) -> Result<Option<String>, Problem> {
        let Some(text) = self.filled(key) else { return Ok(None) };
        self.size(key, &text, most, code).map(|()| Some(text))
    }

    fn size(&self, key: &str, text: &str, most: usize, code: &str) -> Result<(), Problem> {
        if text.chars().count() <= most {
            return Ok(());
        }
        let details = format!("Размер поля {key} должен быть от 0 до {most}.");
        Err(Problem::field(code, details))
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.text(key).is_some_and(|text| text == "true")
    }

    /// Whole kopecks.
    pub(super) fn kopecks(&self, key: &str) -> Result<Option<Money>, Problem> {
        let Some(text) = self.filled(key) else {
            return match self.raw(key) {
                Some(raw) if !raw.get().starts_with('"') => Err(bad_number(key)),
                Some(_) | None => Ok(None),
            };
        };
        parse_kopecks(&text).map(Some).ok_or_else(|| bad_number(key))
    }

    pub(super) fn object(&self, key: &str) -> Option<Fields> {
        self.raw(key).and_then(Fields::of_raw)
    }

    pub(super) fn array(&self, key: &str) -> Option<Vec<Box<RawValue>>> {
        self.raw(key).and_then(parse_array)
    }

    /// The list's objects; `None` when it is no list of objects.
    pub(super) fn objects(&self, key: &str) -> Option<Vec<Fields>> {
        self.array(key)?.iter().map(|raw| Fields::of_raw(raw)).collect()
    }

    /// The scalar fields as text, in order.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let pairs = self.0.iter();
        pairs.filter_map(|(key, raw)| scalar_text(raw).map(|text| (key.clone(), text))).collect()
    }
}

pub(super) fn scalar_text(raw: &RawValue) -> Option<String> {
    let text = raw.get().trim();
    match text.bytes().next() {
        Some(b'"') => parse_string(raw),
        Some(b'{' | b'[') | None => None,
        Some(_) => Some(text.to_owned()),
    }
}

fn bad_number(key: &str) -> Problem {
    let details = format!("Поле {key} числовое значение должно укладываться в формат (10.0).");
    Problem::field("240", details)
}

/// Ten digits of kopecks at most.
fn parse_kopecks(text: &str) -> Option<Money> {
    let is_number = text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    let kopecks = is_number.then(|| text.parse().ok()).flatten()?;
    Money::from_kopecks(kopecks).ok()
}

/// Only the two schemes of the web: anything else (`javascript:`) would run on the pay page.
pub(super) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or("");
    !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"')
}
