//! The bank's signature, on the raw JSON: each root scalar as it stands in the text, the password
//! among them, values in the order of their keys, SHA-256. What is nested is left out.

use aws_lc_rs::digest::{SHA256, digest};

use crate::emulator::json::{RawObject, parse_string};

/// `AddCard` ignores these three, although it takes them (seen on live terminals).
pub(super) const ADD_CARD_UNSIGNED: [&str; 3] = ["SuccessURL", "FailURL", "NotificationURL"];

/// What of a value enters the hash: text without its quotes, numbers and booleans letter by
/// letter; nothing of objects, lists and null.
fn scalar(raw: &serde_json::value::RawValue) -> Option<String> {
    let text = raw.get().trim();
    match text.bytes().next() {
        Some(b'"') => parse_string(raw),
        Some(b'{' | b'[') | None => None,
        Some(_) => (text != "null").then(|| text.to_owned()),
    }
}

/// The token of these fields, leaving out the ones that `is_signed` denies.
pub(super) fn compute(
    object: &RawObject,
    password: &str,
    is_signed: impl Fn(&str) -> bool,
) -> String {
    let mut fields: Vec<(&str, String)> = object
        .iter()
        .filter(|(key, _)| *key != "Token" && *key != "Password" && is_signed(key))
        .filter_map(|(key, raw)| scalar(raw).map(|value| (key.as_str(), value)))
        .collect();
    fields.push(("Password", password.to_owned()));
    fields.sort();
    let text: String = fields.into_iter().map(|(_, value)| value).collect();
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bank takes either case of letters.
pub(super) fn is_right(given: &str, right: &str) -> bool {
    given.eq_ignore_ascii_case(right)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::emulator::json::parse_object;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../fixtures/token_vectors.json")).unwrap()
    }

    fn all(_: &str) -> bool {
        true
    }

    #[test]
    fn every_published_vector_passes() {
        let vectors = vectors();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 10);
        for vector in vectors {
            let mut body = vector["fields"].clone();
            for nested in vector["ignored"].as_array().into_iter().flatten() {
                body[nested.as_str().unwrap()] = serde_json::json!({ "Phone": "+79001112233" });
            }
            body["Token"] = vector["token"].clone();
            let object = parse_object(&body.to_string()).unwrap();
            let token = compute(&object, vector["password"].as_str().unwrap(), all);
            assert_eq!(token, vector["token"], "{}", vector["id"]);
            assert!(is_right(&token.to_uppercase(), &token));
        }
    }

    #[test]
    fn every_decoy_fails() {
        let (vectors, document) = (vectors(), include_str!("../fixtures/openapi.json"));
        let document: Value = serde_json::from_str(document).unwrap();
        let decoys: Vec<&str> = vectors["do_not_use"]
            .as_array()
            .unwrap()
            .iter()
            .map(|decoy| decoy["token"].as_str().unwrap())
            .collect();
        let mut bodies = Vec::new();
        collect_signed(&document, &mut bodies);
        let mut seen = 0;
        for body in bodies {
            let given = body["Token"].as_str().unwrap();
            if decoys.contains(&given) {
                seen += 1;
                let object = parse_object(&body.to_string()).unwrap();
                assert!(!is_right(given, &compute(&object, "TinkoffBankTest", all)), "{body}");
            }
        }
        assert!(seen >= 5, "the document prints them: {seen}");
    }

    /// All objects of the document that carry a text `Token`.
    fn collect_signed<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
        if value["Token"].is_string() {
            out.push(value);
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|v| collect_signed(v, out)),
            Value::Array(items) => items.iter().for_each(|v| collect_signed(v, out)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn numbers_keep_their_letters_and_what_is_nested_or_null_is_left_out() {
        let body = r#"{"B":1.50,"A":true,"C":null,"D":{"x":1},"E":[1],"TerminalKey":"T","Z":""}"#;
        let object = parse_object(body).unwrap();
        let plain = r#"{"A":"true","B":"1.50","TerminalKey":"T"}"#;
        let same = parse_object(plain).unwrap();
        assert_eq!(compute(&object, "p", all), compute(&same, "p", all));
        let fewer = compute(&object, "p", |key| key != "B");
        assert_ne!(fewer, compute(&object, "p", all));
    }
}
