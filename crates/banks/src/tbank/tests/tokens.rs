//! The bank's own examples of Tokens: those that are real, and those that are decoration.

use serde_json::Value;

use crate::tbank::{
    fields::Fields,
    token::{Scope, is_genuine, sign, token},
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../fixtures/token_vectors.json")).unwrap()
}

fn fields(body: &str) -> Fields {
    Fields::read(body.as_bytes()).unwrap()
}

/// A body with a vector's scalars and things that must not be hashed.
fn body_of(vector: &Value, order: impl Fn(&mut Vec<String>)) -> String {
    let mut members: Vec<String> =
        vector["fields"].as_object().unwrap().iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    members
        .push(r#""DATA":{"a":"1"},"Receipt":{"Items":[1]},"Shops":[{"x":1}],"Ghost":null"#.into());
    order(&mut members);
    format!("{{{}}}", members.join(","))
}

#[test]
fn every_vector_passes_in_any_order() {
    let all = vectors();
    for vector in all["vectors"].as_array().unwrap() {
        let (password, expect) =
            (vector["password"].as_str().unwrap(), vector["token"].as_str().unwrap());
        for body in [body_of(vector, |_| ()), body_of(vector, |members| members.reverse())] {
            assert_eq!(token(&fields(&body), password, Scope::All), expect, "{}", vector["id"]);
            let open = body.strip_suffix('}').unwrap();
            let signed = |token: &str| fields(&format!("{open},\"Token\":\"{token}\"}}"));
            assert!(is_genuine(&signed(expect), password));
            assert!(is_genuine(&signed(&expect.to_uppercase()), password));
            assert!(!is_genuine(&signed(expect), "another"));
            assert!(!is_genuine(&signed(expect), ""));
        }
    }
}

#[test]
fn every_decoy_fails_with_every_body() {
    let all = vectors();
    for decoy in all["do_not_use"].as_array().unwrap() {
        for vector in all["vectors"].as_array().unwrap() {
            let body = body_of(vector, |_| ());
            let open = body.strip_suffix('}').unwrap();
            let body = format!("{open},\"Token\":{}}}", decoy["token"]);
            assert!(!is_genuine(&fields(&body), vector["password"].as_str().unwrap()));
        }
    }
}

#[test]
fn literals_are_hashed_as_they_were_written() {
    let of = |body: &str| token(&fields(body), "p", Scope::All);
    assert_eq!(of(r#"{"A":100,"B":true}"#), of(r#"{"B":"true","A":"100"}"#));
    assert_ne!(of(r#"{"A":100}"#), of(r#"{"A":100.0}"#));
    assert_ne!(of(r#"{"A":100}"#), of(r#"{"A":1e2}"#));
    assert_eq!(of(r#"{"A":"\u0429"}"#), of(r#"{"A":"Щ"}"#));
    // The order is of bytes: IP before IsRejected, lower case last.
    assert_eq!(of(r#"{"IsR":"2","IP":"1","dev":"3"}"#), of(r#"{"IA":"1","IB":"2","z":"3"}"#));
    // A text that was once `DATA` is a scalar; the real object is not.
    assert_ne!(of(r#"{"DATA":"{}"}"#), of(r#"{"DATA":{}}"#));
    // A member of the name of our secret changes nothing.
    assert_eq!(of(r#"{"A":1,"Password":"x"}"#), of(r#"{"A":1}"#));
}

#[test]
fn two_methods_hash_less() {
    let of = |body: &str, scope| token(&fields(body), "p", scope);
    assert_eq!(
        of(r#"{"TerminalKey":"T","SuccessURL":"x","FailURL":"y"}"#, Scope::WithoutUrls),
        of(r#"{"TerminalKey":"T"}"#, Scope::All)
    );
    assert_eq!(
        of(r#"{"TerminalKey":"T","CallbackUrl":"x"}"#, Scope::TerminalOnly),
        of(r#"{"TerminalKey":"T"}"#, Scope::All)
    );
}

#[test]
fn a_signed_body_is_genuine_also_when_it_ends_in_an_object() {
    for body in [r#"{"TerminalKey":"T","DATA":{"a":{"b":"c"}}}"#, r#"{"TerminalKey":"T"}"#] {
        assert!(is_genuine(&fields(&sign(body, "p", Scope::All)), "p"));
    }
}

#[test]
fn a_repeated_member_is_no_object() {
    assert!(Fields::read(br#"{"Amount":1,"Amount":2}"#).is_none());
}

proptest::proptest! {
    #[test]
    fn nothing_panics(body in "\\PC*", password in "\\PC*") {
        if let Some(fields) = Fields::read(body.as_bytes()) {
            is_genuine(&fields, &password);
        }
        sign(&body, &password, Scope::All);
    }
}
