//! Bad input about codes of SBP at the command line: named, and nothing is made of it.

use serde_json::{Value, json};

use super::{bank::Shop, sbp::PLACE};

/// Arguments, the error's code, and the field at fault where it is one.
type Case = (Vec<&'static str>, &'static str, &'static str);

fn with_amount(amount: &'static str) -> [Vec<&'static str>; 3] {
    [
        vec!["qr", "create", "--purpose", "x", "--amount", amount],
        vec!["qr", "place", "create", "--name", "x", "--amount", amount],
        vec!["qr", "invoice", "--purpose", "x", "--no-vat", "--amount", amount],
    ]
}

fn rows(shop: &Shop) -> Value {
    let count = |list: Value, name: &str| list[name].as_array().map(Vec::len);
    json!({
        "payments": count(shop.json(&["payment", "list"]), "payments"),
        "places": count(shop.json(&["qr", "place", "list"]), "places"),
        "sale": shop.json(&["desk", "list"])["desks"][0]["sale"],
        "codes": count(shop.json(&["sandbox", "list"]), "codes"),
    })
}

#[test]
fn what_no_code_can_be_is_named_and_nothing_is_made() {
    let shop = Shop::new();
    shop.json(&[&["sbp", "setup", "--no-code"], PLACE.as_slice()].concat());
    shop.json(&["desk", "create", "Касса 1"]);
    let before = rows(&shop);
    assert_eq!(before["sale"], Value::Null);
    let mut cases: Vec<Case> = Vec::new();
    // Over a million; a sum in kopecks where rubles belong is most often that.
    for amount in ["1000000.01", "500000000"] {
        cases.extend(with_amount(amount).map(|args| (args, "sbp_amount_invalid", "amount")));
        let charge = vec!["desk", "charge", amount, "--no-wait"];
        cases.push((charge, "sbp_amount_invalid", "amount"));
    }
    // Less than the bank's least, a part of a kopeck, no sum at all.
    for amount in ["0.001", "10.505", "-5", "abc", "1e3", ""] {
        cases.extend(with_amount(amount).map(|args| (args, "usage_invalid", "")));
        cases.push((vec!["desk", "charge", amount, "--no-wait"], "usage_invalid", ""));
    }
    let life = |args: &[&'static str], ttl: &'static str| [args, &["--ttl", ttl]].concat();
    let create = ["qr", "create", "--purpose", "x", "--amount", "10"];
    let invoice = ["qr", "invoice", "--purpose", "x", "--no-vat", "--amount", "10"];
    let charge = ["desk", "charge", "10", "--no-wait"];
    cases.push((life(&create, "91d"), "sbp_ttl_invalid", "ttl_minutes"));
    cases.push((life(&invoice, "91d"), "param_invalid", "ttl_minutes"));
    cases.push((life(&create, "30s"), "usage_invalid", ""));
    cases.push((life(&invoice, "0m"), "usage_invalid", ""));
    cases.push((life(&charge, "4"), "usage_invalid", ""));
    cases.push((life(&charge, "21"), "usage_invalid", ""));
    for (args, code, param) in cases {
        let fail = shop.fails(&args, code);
        if !param.is_empty() {
            assert_eq!(fail["param"], param, "{args:?}: {fail}");
        }
    }
    let fail = shop.fails(&with_amount("500000000")[0], "sbp_amount_invalid");
    assert!(fail["hint"].as_str().is_some_and(|hint| hint.contains("kopecks")), "{fail}");
    assert_eq!(rows(&shop), before);
}

#[test]
fn unknown_and_suspended_codes_are_told_and_nothing_is_made() {
    let shop = Shop::new();
    shop.json(&[&["sbp", "setup", "--no-code"], PLACE.as_slice()].concat());
    let desk = shop.json(&["desk", "create", "Касса 1"]);
    let place = shop.json(&["qr", "place", "create", "--name", "Стена"]);
    for verb in ["show", "suspend", "resume"] {
        shop.fails(&["qr", "place", verb, "plc_1"], "place_not_found");
    }
    let out = shop.path("poster.pdf");
    let out = out.to_str().expect("a path");
    shop.fails(&["qr", "place", "poster", "plc_1", "--out", out], "place_not_found");
    shop.fails(&["qr", "watch", "--place", "plc_1"], "place_not_found");
    shop.fails(&["desk", "charge", "10", "--desk", "plc_1"], "desk_not_found");
    let ids = [&desk["id"], &place["id"]].map(|id| id.as_str().expect("an id"));
    for id in ids {
        assert_eq!(shop.json(&["qr", "place", "suspend", id])["status"], "suspended");
        shop.fails(&["qr", "place", "poster", id, "--out", out], "place_suspended");
    }
    shop.fails(&["desk", "charge", "10"], "place_suspended");
    assert!(!shop.path("poster.pdf").exists(), "no poster of a code that nobody should pay");
    assert_eq!(shop.json(&["desk", "list"])["desks"][0]["sale"], Value::Null);
}
