//! `kopeck qr place`, `invoice` and `watch` against the sandbox.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop};
use crate::qr::eye::Gray;

/// In SBP, with one point of sale.
fn ready() -> Shop {
    let shop = Shop::new();
    shop.json(&["init", "--yes"]);
    let place = ["--brand", "Кофейня", "--address", "Малышева, 51", "--city", "Екатеринбург"];
    let more = ["--region", "65", "--postcode", "620075", "--yes"];
    shop.json(&[&["sbp", "setup"], &place[..], &more[..]].concat());
    shop
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn a_place_from_its_making_to_the_poster() {
    let shop = ready();
    let name = "ресепшен, Тверская";
    let made = shop.json(&["qr", "place", "create", "--name", name, "--amount", "350"]);
    assert_eq!((&made["status"], &made["amount"]), (&json!("active"), &json!("350.00")));
    let (id, payload) = (text(&made["id"]), text(&made["payload"]));
    let listed = shop.json(&["qr", "place", "list"]);
    let count = listed["places"].as_array().map(Vec::len);
    assert_eq!(listed["places"][0]["id"], made["id"]);
    let people = shop.run(&["qr", "place", "show", id]);
    assert!(people.out.contains(name) && people.out.contains("active"), "{}", people.out);

    let file = shop.path("poster.pdf");
    let out = file.to_str().expect("a path").to_owned();
    let poster = ["qr", "place", "poster", id, "--size", "a6", "--per-sheet", "4", "--out", &out];
    shop.json(&poster);
    let pdf = fs::read(&file).expect("written");
    for (at, card) in Gray::from_pdf(&pdf, 150).cut(2, 2).iter().enumerate() {
        card.must_read(payload, &format!("card {at}"));
    }
    assert_eq!(shop.json(&["qr", "place", "suspend", id])["status"], "suspended");
    shop.fails(&poster, "place_suspended");
    assert_eq!(shop.json(&["qr", "place", "resume", id])["status"], "active");
    shop.json(&poster);

    shop.fails(&["qr", "place", "show", "plc_1"], "place_not_found");
    shop.fails(&["qr", "place", "create", "--name", " "], "param_missing");
    let large = ["qr", "place", "create", "--name", "Касса", "--amount", "1000000.01"];
    shop.fails(&large, "sbp_amount_invalid");
    assert_eq!(shop.run(&["qr", "place", "create", "--name", "x", "--amount", "-1"]).code, 2);
    let after = shop.json(&["qr", "place", "list"]);
    assert_eq!(after["places"].as_array().map(Vec::len), count, "what is refused makes nothing");
}

#[test]
fn payments_are_shown_as_they_come() {
    let shop = ready();
    let made = shop.json(&["qr", "place", "create", "--name", "Касса", "--amount", "350"]);
    let other = shop.json(&["qr", "place", "create", "--name", "Другая", "--amount", "10"]);
    for code in [&other["code_id"], &made["code_id"], &made["code_id"]] {
        shop.json(&["sandbox", "pay", text(code)]);
    }
    // No server runs: the watch reads the bank's list itself.
    let mut command = shop.command(&["qr", "watch", "--place", text(&made["id"]), "--json"]);
    let mut kid = Kid(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let mut lines = BufReader::new(kid.0.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("UTF-8");
        let payment: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(payment["place_id"], made["id"]);
        assert_eq!((&payment["status"], &payment["amount"]), (&json!("paid"), &json!("350.00")));
    }
    let pid = kid.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("sent").success());
    assert!(kid.0.wait().expect("it ends").success(), "Ctrl-C is no failure");
    assert!(lines.next().is_none(), "the other place's payment is not shown");
    let shown = shop.json(&["qr", "place", "show", text(&made["id"])]);
    assert_eq!((&shown["payments_count"], &shown["paid_kopecks"]), (&json!(2), &json!(70_000)));
    shop.fails(&["qr", "watch", "--place", "plc_1"], "place_not_found");
}

#[test]
fn an_invoice_says_its_vat() {
    let shop = ready();
    let args = ["qr", "invoice", "--amount", "1200", "--purpose", "Счёт 7"];
    assert_eq!(shop.run(&args).code, 2, "with VAT or without must be said");
    let made = shop.json(&[&args[..], &["--vat", "216.39"]].concat());
    assert_eq!((&made["kind"], &made["vat_kopecks"]), (&json!("invoice"), &json!(21_639)));
    assert_eq!(shop.json(&[&args[..], &["--no-vat"]].concat())["vat_kopecks"], Value::Null);
    shop.fails(&[&args[..], &["--vat", "1200"]].concat(), "amount_invalid");
}
