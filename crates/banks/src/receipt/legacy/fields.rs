//! JSON objects read field by field: values stay text until their digits are read, since strangers
//! write numbers as text and text as numbers.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{
    money::Money,
    receipt::{
        lint::{
            Finding, Rule,
            reading::{self, finding},
        },
        quantity::parse_quantity,
    },
};

/// No quoted value is longer: it stands in a sentence.
const MAX_QUOTED_CHARS: usize = 40;

pub(super) struct Object {
    fields: BTreeMap<String, Box<RawValue>>,
    /// Which line of the receipt it is.
    line: Option<usize>,
}

impl Object {
    pub(super) fn parse(text: &str, line: Option<usize>) -> Result<Object, Finding> {
        let fields = serde_json::from_str(text);
        let fields = fields.map_err(|_| finding(&reading::UNREADABLE, line, ""))?;
        Ok(Object { fields, line })
    }

    pub(super) fn list(text: &str) -> Result<Vec<Object>, Finding> {
        let items: Vec<Box<RawValue>> =
            serde_json::from_str(text).map_err(|_| finding(&reading::UNREADABLE, None, ""))?;
        items.iter().enumerate().map(|(at, raw)| Object::parse(raw.get(), Some(at))).collect()
    }

    /// Refuses a field that nobody reads: it must not vanish from a receipt in silence. An empty
    /// one says nothing.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Finding> {
        let is_empty = |raw: &str| matches!(raw, "null" | "\"\"" | "[]" | "{}");
        let mut unknown = self
            .fields
            .iter()
            .filter(|(key, raw)| !known.contains(&key.as_str()) && !is_empty(raw.get().trim()));
        match unknown.next() {
            Some((key, _)) => Err(self.problem(&reading::UNCARRIED, key)),
            None => Ok(()),
        }
    }

    /// Whether it says anything: an empty value does not.
    pub(super) fn says(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| !matches!(raw, "\"\"" | "[]" | "{}"))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    fn raw(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(|raw| raw.get().trim()).filter(|text| *text != "null")
    }

    pub(super) fn problem(&self, rule: &'static Rule, value: &str) -> Finding {
        finding(rule, self.line, value.chars().take(MAX_QUOTED_CHARS).collect::<String>())
    }

    /// Text, or a number as it is written; an empty one is an absent one.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Finding> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        let text = if raw.starts_with('"') {
            serde_json::from_str(raw).map_err(|_| self.problem(&reading::UNREADABLE, key))?
        } else if raw.starts_with(['{', '[']) {
            return Err(self.problem(&reading::WORD, key));
        } else {
            raw.to_owned()
        };
        let text = text.trim().to_owned();
        Ok((!text.is_empty()).then_some(text))
    }

    /// The first of several names that a field has had.
    pub(super) fn first(&self, keys: &[&str]) -> Result<Option<String>, Finding> {
        for key in keys {
            if let Some(text) = self.text(key)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    pub(super) fn required(&self, key: &str) -> Result<String, Finding> {
        self.text(key)?.ok_or_else(|| self.problem(&reading::FIELD, key))
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Object>, Finding> {
        self.raw(key).map(|raw| Object::parse(raw, self.line)).transpose()
    }

    pub(super) fn objects(&self, key: &str) -> Result<Option<Vec<Object>>, Finding> {
        self.raw(key).map(Object::list).transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Finding> {
        let Some(raw) = self.raw(key) else { return Ok(Vec::new()) };
        serde_json::from_str(raw).map_err(|_| self.problem(&reading::UNREADABLE, key))
    }

    pub(super) fn quantity(&self, key: &str) -> Result<Option<u64>, Finding> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let milli = parse_quantity(&text);
        milli.map(Some).map_err(|_| self.problem(&reading::QUANTITY, &text))
    }

    pub(super) fn money(&self, key: &str, unit: Unit) -> Result<Option<Money>, Finding> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let money = match unit {
            Unit::Rubles => Money::parse_rubles(&text).ok(),
            Unit::Kopecks => parse_kopecks(&text),
        };
        money.map(Some).ok_or_else(|| self.problem(&reading::NUMBER, &format!("{key}: {text}")))
    }

    /// A word of a closed list, `FullPrepayment` being `full_prepayment`.
    pub(super) fn word<T>(
        &self,
        text: Option<String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Finding> {
        let Some(text) = text else { return Ok(None) };
        let word = parse(&snake(&text));
        word.map(Some).ok_or_else(|| self.problem(&reading::WORD, &text))
    }
}

/// What a form counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Rubles,
    Kopecks,
}

/// Digits only: a point would mean that somebody counts in rubles here.
fn parse_kopecks(text: &str) -> Option<Money> {
    let is_whole = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let kopecks = is_whole.then(|| text.parse().ok()).flatten()?;
    Money::from_kopecks(kopecks).ok()
}

fn snake(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    for (at, c) in text.chars().enumerate() {
        if c.is_ascii_uppercase() && at > 0 {
            word.push('_');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}
