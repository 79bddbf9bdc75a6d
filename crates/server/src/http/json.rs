//! Reading a JSON body into a shape whose fields are raw texts, and each field with its name at
//! hand, so that every error names the field at fault.

use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, value::RawValue};

use super::{ApiError, codes};

/// A field as it came; `None` for absent and for `null`.
pub type Raw = Option<Box<RawValue>>;

/// For a field of which `null` says something else than its absence: then it is `Some(None)`.
pub fn nullable<'de, D: Deserializer<'de>>(given: D) -> Result<Option<Raw>, D::Error> {
    Raw::deserialize(given).map(Some)
}

/// Reads the body. An empty one is an empty object, since everything may be optional.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    // First the grammar, so that what fails afterwards is a field.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        let (line, column) = (error.line(), error.column());
        let message = format!("The body is not JSON: line {line}, column {column}.");
        return Err(ApiError::new(codes::MALFORMED_JSON, message));
    }
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::new(codes::MALFORMED_JSON, "The body is JSON, but not an object."));
    }
    serde_json::from_slice(body).map_err(|error| explain(&error.to_string()))
}

/// What serde says of an object's fields: the only things left to go wrong.
fn explain(said: &str) -> ApiError {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let name = quoted.next().unwrap_or("").to_owned();
    if said.starts_with("unknown field") {
        return unknown_param(&name, quoted);
    }
    if said.starts_with("duplicate field") {
        let message = format!("`{name}` is given twice.");
        return ApiError::new(codes::PARAM_DUPLICATE, message).param(name);
    }
    if said.starts_with("missing field") {
        return missing(&name);
    }
    ApiError::new(codes::PARAM_INVALID, format!("The body cannot be read: {said}."))
}

/// Says which name was probably meant.
pub fn unknown_param<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ApiError {
    let shown: String = name.chars().take(60).collect();
    let known: Vec<&str> = known.collect();
    let nearest = known.iter().map(|word| (distance(&shown, word), *word)).min();
    let error = ApiError::new(codes::PARAM_UNKNOWN, format!("There is no `{shown}` here."));
    let error = error.param(shown);
    match nearest {
        // Half of the letters wrong is another word.
        Some((steps, word)) if steps * 2 <= word.len() => {
            error.hint(format!("Did you mean `{word}`?"))
        }
        Some(_) | None => error.hint(format!("Known here: {}.", known.join(", "))),
    }
}

/// Letters to change, add or drop (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let swap = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

pub fn missing(param: &str) -> ApiError {
    ApiError::new(codes::PARAM_MISSING, format!("`{param}` is missing.")).param(param)
}

pub fn invalid(param: &str, what: &str) -> ApiError {
    ApiError::new(codes::PARAM_INVALID, format!("`{param}` {what}.")).param(param)
}

/// A string.
pub fn string(param: &str, raw: &Raw) -> Result<Option<String>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    serde_json::from_str(raw.get()).map(Some).map_err(|_| invalid(param, "is not a string"))
}

/// Yes or no; absent is no.
pub fn flag(param: &str, raw: &Raw) -> Result<bool, ApiError> {
    let Some(raw) = raw else { return Ok(false) };
    serde_json::from_str(raw.get()).map_err(|_| invalid(param, "is neither true nor false"))
}

/// A whole number, read from its digits.
pub fn whole(param: &str, raw: &Raw) -> Result<Option<i64>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get().trim();
    text.parse().map(Some).map_err(|_| invalid(param, "is not a whole number, or is too large"))
}

/// A list of strings, at most `max`.
pub fn strings(param: &str, raw: &Raw, max: usize) -> Result<Option<Vec<String>>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let list: Vec<String> =
        serde_json::from_str(raw.get()).map_err(|_| invalid(param, "is not a list of strings"))?;
    if list.len() > max {
        return Err(invalid(param, &format!("takes at most {max} items")));
    }
    Ok(Some(list))
}

/// Any value, with all its texts decoded; deeper than 128 levels is refused.
pub fn value(param: &str, raw: &RawValue) -> Result<Value, ApiError> {
    serde_json::from_str(raw.get()).map_err(|_| invalid(param, "is not valid JSON, or too deep"))
}
