//! A bot's request as named texts, whether it came as JSON or as a form. Numbers stay the text that
//! they were written as.

use std::collections::BTreeMap;

use jiff::civil;
use kopeck_banks::{
    Money,
    http::parse_query,
    receipt::lint::{Finding, Text},
};
use serde_json::value::RawValue;

use super::problems;
use crate::{message::Lang, problem::Problem};

/// More fields than any bot has.
const MAX_FIELDS: usize = 100;
/// The beginning of a quoted value.
const MAX_DETAIL_CHARS: usize = 60;

/// Why a bot's request is refused: for its flat answer, with HTTP 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    /// The argument at fault.
    pub param: &'static str,
    pub ru: Text,
    pub en: Text,
    pub detail: String,
}

impl Refused {
    pub(crate) fn of(problem: &'static Problem, param: &'static str, detail: &str) -> Refused {
        let detail = detail.chars().take(MAX_DETAIL_CHARS).collect();
        Refused { code: problem.code, param, ru: problem.ru, en: problem.en, detail }
    }

    pub(super) fn of_receipt(finding: &Finding, param: &'static str) -> Refused {
        let rule = finding.rule;
        let detail = finding.value.chars().take(MAX_DETAIL_CHARS).collect();
        Refused { code: rule.code, param, ru: rule.ru, en: rule.en, detail }
    }

    pub const fn text(&self, lang: Lang) -> Text {
        match lang {
            Lang::Ru => self.ru,
            Lang::En => self.en,
        }
    }
}

/// The fields of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// A JSON object, or a form by its content type.
    pub fn read(content_type: &str, body: &[u8]) -> Result<Fields, Refused> {
        let unreadable = || Refused::of(&problems::BODY, "", "");
        let fields = if content_type.starts_with("application/x-www-form-urlencoded") {
            let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
            Fields(parse_query(text).into_iter().take(MAX_FIELDS).collect())
        } else {
            let raw: BTreeMap<String, Box<RawValue>> =
                serde_json::from_slice(body).map_err(|_| unreadable())?;
            let texts = raw.into_iter().map(|(name, raw)| (name, text_of(&raw)));
            Fields(texts.take(MAX_FIELDS).collect())
        };
        fields.with_positions()
    }

    /// `args` holds the function's arguments in its order; what has a name already keeps it.
    fn with_positions(mut self) -> Result<Fields, Refused> {
        let Some(args) = self.0.remove("args") else { return Ok(self) };
        let unreadable = || Refused::of(&problems::BODY, "args", "");
        let args: Vec<Box<RawValue>> = serde_json::from_str(&args).map_err(|_| unreadable())?;
        for (name, raw) in super::link::ARGUMENTS.iter().zip(&args) {
            self.0.entry((*name).to_owned()).or_insert_with(|| text_of(raw));
        }
        Ok(self)
    }

    /// The text of a field. Salebot's ways to leave one out are absent fields: nothing, a pair of
    /// quotes, `None`, and a variable that was never set.
    pub fn find(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.trim();
        let is_absent = matches!(text, "" | "''" | "\"\"" | "None" | "none" | "null")
            || (text.starts_with("#{") && text.ends_with('}'));
        (!is_absent).then_some(text)
    }

    /// Whether a field was named at all, even to be left out.
    pub fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn detail(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.as_str())
    }

    /// Rubles as bots write them; a comma is a point, unless thousands may be meant.
    pub(crate) fn rubles(&self, name: &'static str) -> Result<Option<Money>, Refused> {
        let Some(text) = self.find(name) else { return Ok(None) };
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}')).collect();
        let is_clear = bare.split_once(',').is_none_or(|(_, rest)| rest.len() <= 2);
        let bare = if bare.contains('.') { bare } else { bare.replacen(',', ".", 1) };
        let money = Money::parse_rubles(&bare).ok();
        let money = money.filter(|money| is_clear && !money.is_zero());
        money.map(Some).ok_or_else(|| Refused::of(&problems::AMOUNT, name, text))
    }

    pub(crate) fn kopecks(&self, name: &'static str) -> Result<Option<Money>, Refused> {
        let Some(text) = self.find(name) else { return Ok(None) };
        let kopecks = text.parse().ok().and_then(|kopecks| Money::from_kopecks(kopecks).ok());
        let money = kopecks.filter(|money| !money.is_zero());
        money.map(Some).ok_or_else(|| Refused::of(&problems::AMOUNT, name, text))
    }

    pub(super) fn date(&self, name: &'static str) -> Result<Option<civil::DateTime>, Refused> {
        let Some(text) = self.find(name) else { return Ok(None) };
        let date = parse_date(text);
        date.map(Some).ok_or_else(|| Refused::of(&problems::EXPIRED, name, text))
    }
}

/// A JSON text without its quotes, anything else as it is written.
fn text_of(raw: &RawValue) -> String {
    let text = raw.get().trim();
    serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
}

/// `25.01.2027`, the beginning of that day, or `25.01.2027 12:23`.
fn parse_date(text: &str) -> Option<civil::DateTime> {
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let mut parts = date.split('.').map(|part| part.parse::<i16>().ok());
    let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    let (hour, minute) = time.trim().split_once(':')?;
    if parts.next().is_some() || year < 2000 {
        return None;
    }
    civil::DateTime::new(
        year,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        hour.parse().ok()?,
        minute.parse().ok()?,
        0,
        0,
    )
    .ok()
}
