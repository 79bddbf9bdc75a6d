//! The table of errors against the bank's own document, and what follows from it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    op::DeclineReason,
    tbank::errors::{self, Cause, Class},
};

#[test]
fn the_table_is_complete_and_sorted() {
    let document: Value = serde_json::from_str(include_str!("../fixtures/openapi.json")).unwrap();
    let tags = document["tags"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["name"] == "Коды ошибок").unwrap();
    let rows = tag["description"].as_str().unwrap().lines();
    let documented: BTreeSet<u32> =
        rows.filter_map(|row| row.split('|').nth(1)?.trim().parse().ok()).collect();
    let ours: Vec<u32> = errors::all().map(|entry| entry.code).collect();
    assert!(documented.len() > 330);
    assert_eq!(ours.iter().copied().collect::<BTreeSet<_>>(), documented);
    assert!(ours.is_sorted());
}

#[test]
fn every_code_is_found_and_speaks_both_languages() {
    let is_russian = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
    for entry in errors::all() {
        assert_eq!(errors::find(&entry.code.to_string()), Some(entry));
        let payer = entry.cause.meaning().payer;
        for words in [entry.merchant, payer] {
            assert!(is_russian(words.ru) && !is_russian(words.en), "{}", entry.code);
            assert!(words.ru.ends_with('.') && words.en.ends_with('.'), "{}", entry.code);
        }
    }
    for code in ["", "-1", "x", "4000000000000", "424242"] {
        assert_eq!(errors::find(code), None);
        assert_eq!(errors::meaning(code).class, Class::Unknown);
    }
}

#[test]
fn what_a_shop_must_tell_apart_is_told_apart() {
    #[track_caller]
    fn check(code: &str, cause: Cause, class: Class, reason: DeclineReason) {
        let entry = errors::find(code).unwrap();
        let meaning = entry.cause.meaning();
        assert_eq!((entry.cause, meaning.class, meaning.reason), (cause, class, reason));
    }
    for code in ["103", "116", "1051", "5060"] {
        check(code, Cause::Funds, Class::Declined, DeclineReason::InsufficientFunds);
    }
    for code in ["252", "1033", "1054"] {
        check(code, Cause::Expired, Class::Declined, DeclineReason::CardExpired);
    }
    for code in ["1013", "1061", "1065", "5061"] {
        check(code, Cause::Limit, Class::Declined, DeclineReason::LimitExceeded);
    }
    for code in ["101", "511", "2014"] {
        check(code, Cause::ThreeDs, Class::Declined, DeclineReason::ThreeDsFailed);
    }
    check("202", Cause::TerminalBlocked, Class::Configuration, DeclineReason::Shop);
    check("204", Cause::Token, Class::Configuration, DeclineReason::Shop);
    check("501", Cause::Terminal, Class::Configuration, DeclineReason::Shop);
    check("9999", Cause::Technical, Class::Retry, DeclineReason::Technical);
    check("334", Cause::Receipt, Class::OurMistake, DeclineReason::Shop);
}

#[test]
fn only_the_unclear_and_the_technical_leave_a_doubt() {
    for entry in errors::all() {
        let doubt = matches!(entry.cause, Cause::Technical | Cause::Unclear);
        assert_eq!(entry.cause.meaning().is_certain, !doubt, "{}", entry.code);
    }
}
