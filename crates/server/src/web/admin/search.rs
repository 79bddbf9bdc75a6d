//! Lists of the API as pages: what is asked in the address, the next page, all of it for a file.

use jiff::Timestamp;
use serde_json::Value;

use super::{door::form_escape, frame::Frame, guest::Guest, inner::Inner};
use crate::http::{
    ApiError,
    query::{Query, RawQuery},
};

const PAGE: usize = 50;
/// The API's largest page.
const BATCH: usize = 100;
/// Rows of a file.
const MOST: usize = 50_000;

/// What the address of a page asks.
pub struct Asked {
    query: Query,
    names: Vec<&'static str>,
}

impl Asked {
    /// `names` are the page's own filters.
    pub fn read(raw: &RawQuery, names: &[&'static str]) -> Result<Asked, ApiError> {
        let known = [names, &["after", "format", "lang", "done"]].concat();
        Ok(Asked { query: raw.read(&known)?, names: names.to_vec() })
    }

    pub fn get(&self, name: &str) -> &str {
        self.query.find(name).unwrap_or("")
    }

    /// A file is asked for, by somebody who may have it.
    pub fn format(&self, frame: &Frame) -> Option<&str> {
        self.query.find("format").filter(|_| frame.accounts())
    }

    /// The filters for the next page, or for the API.
    pub fn kept(&self) -> String {
        let pair = |name: &&str| {
            let value = self.query.find(name)?;
            Some(format!("{name}={}&", form_escape(value)))
        };
        self.names.iter().filter_map(pair).collect()
    }
}

fn with(path: &str, more: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{more}")
}

fn items(page: &Value) -> Vec<Value> {
    page["data"].as_array().cloned().unwrap_or_default()
}

/// One page of a list, and the address of the next one.
pub async fn page(
    inner: &Inner,
    guest: &Guest,
    path: &str,
    asked: &Asked,
    here: &str,
) -> Result<(Vec<Value>, String), ApiError> {
    let mut more = format!("limit={PAGE}");
    if !asked.get("after").is_empty() {
        more = format!("{more}&starting_after={}", form_escape(asked.get("after")));
    }
    let found = inner.get(guest, &with(path, &more)).await?;
    let next = found["next_cursor"]
        .as_str()
        .map(|cursor| format!("{here}?{}after={}", asked.kept(), form_escape(cursor)));
    Ok((items(&found), next.unwrap_or_default()))
}

/// All of a list.
pub async fn all(inner: &Inner, guest: &Guest, path: &str) -> Result<Vec<Value>, ApiError> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let more = format!("limit={BATCH}{after}");
        let found = inner.get(guest, &with(path, &more)).await?;
        all.extend(items(&found));
        match found["next_cursor"].as_str() {
            Some(cursor) if all.len() < MOST => {
                after = format!("&starting_after={}", form_escape(cursor));
            }
            Some(_) | None => return Ok(all),
        }
    }
}

/// A time of the API where the shop is.
pub fn moment(value: &Value, frame: &Frame) -> String {
    let at = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    at.map_or(String::new(), |at| frame.at(at.as_millisecond()))
}
