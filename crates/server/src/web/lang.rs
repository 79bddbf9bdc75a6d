//! The two languages of our pages. Every text is written in both, side by side.

use axum::http::{HeaderMap, header};

use crate::http::query::RawQuery;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Ru,
    En,
}

impl Lang {
    pub const fn as_str(self) -> &'static str {
        match self {
            Lang::Ru => "ru",
            Lang::En => "en",
        }
    }

    pub fn parse(text: &str) -> Option<Lang> {
        let main = text.trim().split(['-', '_', ';']).next().unwrap_or("");
        match main.to_ascii_lowercase().as_str() {
            "ru" => Some(Lang::Ru),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// As asked for in the address, else the first of the browser's that we speak, else Russian.
    /// Browsers send their languages in order, so the weights add nothing.
    pub fn choose(asked: Option<&str>, accepted: &str) -> Lang {
        let asked = asked.and_then(Lang::parse);
        asked.or_else(|| accepted.split(',').find_map(Lang::parse)).unwrap_or(Lang::Ru)
    }

    /// The same of a request. Banks and mail programs add parameters of their own to a link: they
    /// do not matter here.
    pub fn of(query: &RawQuery, headers: &HeaderMap) -> Lang {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Lang::choose(query.find_any("lang").as_deref(), accepted.unwrap_or(""))
    }

    pub const fn pick(self, ru: &'static str, en: &'static str) -> &'static str {
        match self {
            Lang::Ru => ru,
            Lang::En => en,
        }
    }

    pub const fn other(self) -> Lang {
        match self {
            Lang::Ru => Lang::En,
            Lang::En => Lang::Ru,
        }
    }

    /// What the link to this language says, in it.
    pub const fn name(self) -> &'static str {
        self.pick("По-русски", "In English")
    }
}
