//! `Success: false` as an outcome: what certainly did not happen is refused, the rest is unknown.

use crate::op::{BankOp, Outcome, Refusal, RefusalClass};

use super::{
    errors::{self, Cause, Class},
    fields::Fields,
};

/// The longest text kept of the bank's.
const MAX_CHARS: usize = 300;

/// Whether a code says that the payer's side declined.
pub fn is_decline(code: &str) -> bool {
    errors::find(code).is_some_and(|entry| entry.cause.meaning().class == Class::Declined)
}

/// Whether a code says no more than that the payment's state does not allow it.
pub fn is_about_state(code: &str) -> bool {
    errors::find(code).is_some_and(|entry| entry.cause == Cause::State)
}

/// Reads an error envelope: `Message` is general, `Details` says what is wrong.
pub fn read(op: &BankOp, fields: &Fields) -> Outcome {
    let code = fields.text("ErrorCode").unwrap_or_default();
    let own = own_words(fields);
    let Some(entry) = errors::find(&code) else {
        let code = if code.is_empty() { "no code" } else { "a code that is not in its table" };
        return Outcome::Unknown { why: format!("the bank said no with {code}{own}") };
    };
    let meaning = entry.cause.meaning();
    let english = entry.merchant.en;
    if !meaning.is_certain {
        let why = format!("the bank said no with code {}: {english}{own}", entry.code);
        return Outcome::Unknown { why };
    }
    if entry.cause == Cause::Busy {
        return Outcome::Busy { retry_after_s: None };
    }
    // A new payment has no state yet: such a code is about an older one of the same number.
    let is_taken = matches!(op, BankOp::CreateLink(_)) && entry.cause == Cause::State;
    let meaning = if is_taken { Cause::Duplicate.meaning() } else { meaning };
    Outcome::Refused(Refusal {
        class: meaning.refusal,
        code: meaning.name,
        message: format!("The bank refused with code {}: {english}{own}", entry.code),
        hint: meaning.hint.to_owned(),
        param: find_param(entry.code, meaning.refusal, entry.cause),
    })
}

/// ` («…»)`, or nothing when the bank says nothing of its own.
fn own_words(fields: &Fields) -> String {
    let texts = [fields.text("Message"), fields.text("Details")];
    let mut kept: Vec<String> = Vec::new();
    for text in texts.into_iter().flatten() {
        let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let line = line.take(MAX_CHARS).collect::<String>().trim().to_owned();
        // The documents' examples of «nothing».
        let is_empty = matches!(line.as_str(), "" | "0" | "None" | "OK");
        if !is_empty && !kept.contains(&line) {
            kept.push(line);
        }
    }
    if kept.is_empty() { String::new() } else { format!(" («{}»)", kept.join(" ")) }
}

/// The request's field at fault, in the API's words.
fn find_param(code: u32, class: RefusalClass, cause: Cause) -> Option<&'static str> {
    if class != RefusalClass::Invalid {
        return None;
    }
    match code {
        12 | 3017 => Some("ttl_minutes"),
        212 => Some("reference"),
        213 => Some("purpose"),
        216 => Some("payer_id"),
        207..=209 | 250 | 419 | 1119 => Some("extra"),
        _ if cause == Cause::Amount => Some("amount"),
        _ if cause == Cause::Receipt => Some("receipt"),
        _ => None,
    }
}
