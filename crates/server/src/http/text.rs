//! Checks of free text: its length, its characters, and that it holds no card number.

use serde_json::Value;

use super::{ApiError, codes, json::invalid};
use crate::kit::secret::contains_card_number;

/// Text of at most `max_chars`. Control characters are refused: they break logs, receipts and
/// banks' forms, and PostgreSQL cannot store NUL.
pub fn check(param: &str, text: &str, max_chars: usize) -> Result<(), ApiError> {
    if text.chars().count() > max_chars {
        return Err(invalid(param, &format!("takes at most {max_chars} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(param, "holds control characters"));
    }
    check_no_card(param, text)
}

pub fn check_no_card(param: &str, text: &str) -> Result<(), ApiError> {
    if contains_card_number(text) {
        let message = format!("`{param}` holds what looks like a card number.");
        return Err(ApiError::new(codes::CARD_NUMBER_REFUSED, message).param(param));
    }
    Ok(())
}

/// Every text, name and number inside a JSON value.
pub fn check_no_card_inside(param: &str, value: &Value) -> Result<(), ApiError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => check_no_card(param, &number.to_string()),
        Value::String(text) => check_no_card(param, text),
        Value::Array(items) => items.iter().try_for_each(|item| check_no_card_inside(param, item)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, item)| {
            check_no_card(param, name)?;
            check_no_card_inside(param, item)
        }),
    }
}
