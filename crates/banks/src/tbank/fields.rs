//! A JSON object of the bank's as it was written: in its order, numbers and booleans with their own
//! literals. What the bank signs is text, so nothing here may be normalised; and its types change
//! from method to method, so every reading is lenient about quotes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::money::Money;

/// The members of an object, none twice.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// `None` when it is no JSON object, or names a member twice.
    pub fn read(body: &[u8]) -> Option<Fields> {
        serde_json::from_slice(body).ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), raw.as_ref()))
    }

    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        self.iter().find(|(key, _)| *key == name).map(|(_, raw)| raw)
    }

    /// A string, number or boolean as text; `None` for null, an empty text, an object or an array.
    pub fn text(&self, name: &str) -> Option<String> {
        scalar(self.raw(name)?).filter(|text| !text.is_empty())
    }

    /// `true`, `"true"`, `1`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "y" => Some(true),
            "false" | "0" | "n" => Some(false),
            _ => None,
        }
    }

    /// Whole kopecks, quoted or not; `100.00` is still a hundred of them.
    pub fn kopecks(&self, name: &str) -> Option<Money> {
        let text = self.text(name)?;
        let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
        let is_whole = rest.bytes().all(|b| b == b'0');
        let is_number = !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit());
        let kopecks = whole.parse().ok().filter(|_| is_whole && is_number)?;
        Money::from_kopecks(kopecks).ok()
    }

    /// An object, also one written into a string.
    pub fn object(&self, name: &str) -> Option<Fields> {
        let raw = self.raw(name)?;
        serde_json::from_str(raw.get()).ok().or_else(|| {
            let text = scalar(raw)?;
            serde_json::from_str(&text).ok()
        })
    }

    /// An array of objects; the documents also show `[{"0": {…}, "1": {…}}]`. `None` when there is
    /// no array, or one of something else.
    pub fn list(&self, name: &str) -> Option<Vec<Fields>> {
        let items = Fields::read_list(self.raw(name)?.get().as_bytes())?;
        let is_numbered = |item: &Fields| {
            item.0.iter().all(|(key, _)| key.bytes().all(|b| b.is_ascii_digit()))
                && !item.0.is_empty()
        };
        let spread = items.into_iter().flat_map(|item| {
            if !is_numbered(&item) {
                return vec![item];
            }
            let inner = item.0.iter().filter_map(|(_, raw)| serde_json::from_str(raw.get()).ok());
            inner.collect()
        });
        Some(spread.collect())
    }

    /// A bare array of objects.
    pub fn read_list(body: &[u8]) -> Option<Vec<Fields>> {
        serde_json::from_slice(body).ok()
    }
}

/// The text of a string, number or boolean; `None` for null, an object or an array.
pub fn scalar(raw: &RawValue) -> Option<String> {
    let text = raw.get().trim();
    match text.bytes().next()? {
        b'"' => serde_json::from_str(text).ok(),
        b'{' | b'[' => None,
        _ if text == "null" => None,
        _ => Some(text.to_owned()),
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                let mut names = std::collections::HashSet::new();
                while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    // Two readers of such an object could see two different things.
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a member is repeated"));
                    }
                    fields.push((name, raw));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Reader)
    }
}
