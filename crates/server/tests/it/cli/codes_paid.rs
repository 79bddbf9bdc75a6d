//! Codes of SBP paid from the command line, as phones would: places, desks, invoices; and attempts
//! that fail.

use serde_json::{Value, json};

use super::{bank::Shop, sbp::PLACE};

fn ready() -> Shop {
    let shop = Shop::new();
    shop.json(&["init", "--yes"]);
    shop.json(&[&["sbp", "setup", "--no-code"], PLACE.as_slice()].concat());
    shop
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{value}"))
}

/// What the sandbox says no with.
fn refused(shop: &Shop, args: &[&str]) -> String {
    let ran = shop.run(args);
    assert_ne!(ran.code, 0, "{args:?}: {}", ran.out);
    ran.err
}

#[test]
fn a_place_is_paid_with_the_sum_that_its_payer_enters() {
    let shop = ready();
    let place = shop.json(&["qr", "place", "create", "--name", "Касса"]);
    let code = text(&place, "code_id");
    let why = refused(&shop, &["sandbox", "pay", code]);
    assert!(why.contains("no sum"), "{why}");
    let paid = shop.json(&["sandbox", "pay", code, "--amount", "350.50", "--payer", "Анна П."]);
    assert_eq!(paid["paid_kopecks"], 35_050);
    // As a phone reads it off the poster.
    let paid = shop.json(&["sandbox", "pay", text(&place, "payload"), "--amount", "10"]);
    assert_eq!(paid["paid_kopecks"], 36_050);
    assert_eq!(paid["payments"][0]["payer"], "Анна П.");
    for amount in ["0", "1000000.01", "12x"] {
        refused(&shop, &["sandbox", "pay", code, "--amount", amount]);
    }
    // Somebody has not enough money: nothing comes.
    let failed = shop.json(&["sandbox", "decline", code, "--reason", "insufficient_funds"]);
    assert_eq!(failed["paid_kopecks"], 36_050);
    assert_eq!(failed["payments"][2]["rejected"], "insufficient_funds");
    let people = shop.run(&["sandbox", "show", code]);
    assert!(people.out.contains("static") && people.out.contains("360.50"), "{}", people.out);
    let people = shop.run(&["sandbox", "list"]);
    assert!(people.out.contains(code) && people.out.contains("2 ×"), "{}", people.out);
}

#[test]
fn a_code_with_a_sum_of_its_own_takes_no_other() {
    let shop = ready();
    let place = shop.json(&["qr", "place", "create", "--name", "Касса", "--amount", "350"]);
    let code = text(&place, "code_id");
    let why = refused(&shop, &["sandbox", "pay", code, "--amount", "10"]);
    assert!(why.contains("35000 kopecks"), "{why}");
    assert_eq!(shop.json(&["sandbox", "pay", code])["paid_kopecks"], 35_000);
    let args = ["qr", "invoice", "--amount", "1200", "--no-vat", "--purpose", "Счёт 7"];
    let invoice = shop.json(&args);
    let id = text(&invoice, "code_id");
    assert_eq!(shop.json(&["sandbox", "pay", id])["paid_kopecks"], 120_000);
    refused(&shop, &["sandbox", "pay", id]);
}

#[test]
fn a_desk_is_paid_only_while_it_is_armed() {
    let shop = ready();
    let desk = shop.json(&["desk", "create", "Касса 1"]);
    let code = text(&desk, "code_id");
    let why = refused(&shop, &["sandbox", "pay", code]);
    assert!(why.contains("not armed"), "{why}");
    let charge = ["desk", "charge", "1500", "--idempotency-key", "k"];
    shop.json(&[&charge[..], &["--no-wait"]].concat());
    let failed = shop.json(&["sandbox", "decline", code]);
    assert_eq!((&failed["paid_kopecks"], failed["arming"].is_string()), (&json!(0), true));
    let paid = shop.json(&["sandbox", "pay", code, "--payer", "Анна П."]);
    assert_eq!((&paid["paid_kopecks"], &paid["arming"]), (&json!(150_000), &Value::Null));
    assert_eq!(shop.json(&charge)["sale"]["status"], "paid");
    // The next sale's arming ends at the bank.
    shop.json(&["desk", "charge", "20", "--no-wait"]);
    assert_eq!(shop.json(&["sandbox", "expire", code])["arming"], Value::Null);
    refused(&shop, &["sandbox", "pay", code]);
    refused(&shop, &["sandbox", "pay", code, "--method", "card"]);
    refused(&shop, &["sandbox", "pay", "AS10000000000000000000000000000A"]);
}
