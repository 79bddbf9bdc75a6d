//! A request's JSON read field by field, as strictly as the bank's OpenAPI document has it.
//! Unknown fields are ignored; the first wrong one is named.

use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::{
    json::{self, RawObject},
    problem::Problem,
};
use crate::money::Money;

/// The document's limit for addresses.
const MAX_URL_CHARS: usize = 2_083;

/// One JSON object and where it sits (`Items.0.`).
#[derive(Debug)]
pub(super) struct Fields {
    object: RawObject,
    place: String,
}

impl Fields {
    /// The whole body as an object.
    pub(super) fn of_body(body: &[u8]) -> Result<Fields, Problem> {
        let text = std::str::from_utf8(body).ok();
        let object = text
            .and_then(json::parse_object)
            .ok_or_else(|| Problem::invalid("body", "the body is not a JSON object"))?;
        Ok(Fields { object, place: String::new() })
    }

    /// The object inside `{"Data":{…}}`.
    pub(super) fn of_data(body: &[u8]) -> Result<Fields, Problem> {
        let outer = Fields::of_body(body)?;
        let raw = outer.object.get("Data").ok_or_else(|| outer.problem("Data", REQUIRED))?;
        let object = json::parse_object(raw.get())
            .ok_or_else(|| outer.problem("Data", "value is not an object"))?;
        Ok(Fields { object, place: String::new() })
    }

    fn of_raw(raw: &RawValue, place: String) -> Result<Fields, Problem> {
        let object = json::parse_object(raw.get()).ok_or_else(|| {
            Problem::invalid(place.trim_end_matches('.'), "value is not an object")
        })?;
        Ok(Fields { object, place })
    }

    pub(super) fn problem(&self, key: &str, what: &str) -> Problem {
        Problem::invalid(&format!("{}{key}", self.place), what)
    }

    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| self.problem(key, REQUIRED))
    }

    /// Text with a number of characters in `chars`.
    pub(super) fn text(
        &self,
        key: &str,
        chars: RangeInclusive<usize>,
    ) -> Result<Option<String>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let text = json::parse_string(raw).ok_or_else(|| self.problem(key, "str type expected"))?;
        if !chars.contains(&text.chars().count()) {
            let (least, most) = (chars.start(), chars.end());
            let what = format!("length must be from {least} to {most} characters");
            return Err(self.problem(key, &what));
        }
        Ok(Some(text))
    }

    pub(super) fn any_text(&self, key: &str) -> Result<Option<String>, Problem> {
        self.text(key, 0..=usize::MAX)
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        match raw.get() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.problem(key, "value could not be parsed to a boolean")),
        }
    }

    pub(super) fn integer(
        &self,
        key: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let value: Option<u32> = raw.get().parse().ok();
        match value.filter(|value| range.contains(value)) {
            Some(value) => Ok(Some(value)),
            None => {
                let (least, most) = (range.start(), range.end());
                let what = format!("value must be an integer from {least} to {most}");
                Err(self.problem(key, &what))
            }
        }
    }

    /// Rubles above zero, as a number or as numeric text.
    pub(super) fn amount(&self, key: &str) -> Result<Option<Money>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let plain = json::parse_exponent(raw.get());
        let money = match &plain {
            Some(text) => Money::parse_rubles(text),
            None => Money::parse_json(raw),
        };
        let money = money.map_err(|e| self.problem(key, &e.to_string()))?;
        if money.is_zero() {
            return Err(self.problem(key, "ensure this value is greater than 0"));
        }
        Ok(Some(money))
    }

    /// Whole kopecks above zero, as a number or as numeric text.
    pub(super) fn kopecks(&self, key: &str, most: i64) -> Result<Option<i64>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let text = json::parse_string(raw).unwrap_or_else(|| raw.get().to_owned());
        let value: Option<i64> = text.trim().parse().ok();
        match value.filter(|value| (1..=most).contains(value)) {
            Some(value) => Ok(Some(value)),
            None => {
                let what = format!("value must be an integer from 1 to {most}");
                Err(self.problem(key, &what))
            }
        }
    }

    /// A decimal above zero of any precision, kept as text.
    pub(super) fn positive_decimal(&self, key: &str) -> Result<Option<String>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        json::parse_positive_decimal(raw)
            .map(Some)
            .ok_or_else(|| self.problem(key, "ensure this value is a number greater than 0"))
    }

    /// One word of a closed list.
    pub(super) fn word(&self, key: &str, words: &[&str]) -> Result<Option<String>, Problem> {
        let Some(text) = self.any_text(key)? else { return Ok(None) };
        if words.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let what = format!("value is not one of {}", words.join(", "));
        Err(self.problem(key, &what))
    }

    /// A list of words, each read by `parse`.
    pub(super) fn word_list<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let items =
            json::parse_array(raw).ok_or_else(|| self.problem(key, "value is not a list"))?;
        let read = |raw: &RawValue| json::parse_string(raw).and_then(|text| parse(&text));
        let words: Option<Vec<T>> = items.iter().map(|raw| read(raw)).collect();
        words.map(Some).ok_or_else(|| self.problem(key, "value is not a valid enumeration member"))
    }

    /// An address that a browser may be sent to.
    pub(super) fn url(&self, key: &str) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(key, 1..=MAX_URL_CHARS)? else { return Ok(None) };
        if is_web_address(&text) {
            return Ok(Some(text));
        }
        Err(self.problem(key, "invalid or missing URL scheme or host"))
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Fields>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        Fields::of_raw(raw, format!("{}{key}.", self.place)).map(Some)
    }

    pub(super) fn objects(&self, key: &str) -> Result<Option<Vec<Fields>>, Problem> {
        let Some(raw) = self.object.get(key) else { return Ok(None) };
        let items =
            json::parse_array(raw).ok_or_else(|| self.problem(key, "value is not a list"))?;
        let read =
            |at: usize, raw: &RawValue| Fields::of_raw(raw, format!("{}{key}.{at}.", self.place));
        items
            .iter()
            .enumerate()
            .map(|(at, raw)| read(at, raw))
            .collect::<Result<Vec<_>, _>>()
            .map(Some)
    }
}

pub(super) const REQUIRED: &str = "field required";

/// Only the two schemes of the web: anything else (`javascript:`) would run on the pay page.
pub(super) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or("");
    !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"')
}
