//! SBP codes for one payment at the command line, against the sandbox: `kopeck qr create` and the
//! old script's words.

use std::fs;

use serde_json::{Value, json};

use super::{bank::Shop, sbp::PLACE};

fn shop_in_sbp() -> Shop {
    let shop = Shop::new();
    shop.json(&[&["sbp", "setup"], PLACE.as_slice()].concat());
    shop
}

fn act(shop: &Shop, action: &str, more: &[&str]) -> Value {
    shop.json(&[&["tochka-payment", "--action", action], more].concat())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_old_words_make_a_code_and_tell_of_it() {
    let shop = shop_in_sbp();
    let words = ["--amount", "5000", "--description", "Оплата по QR"];
    let made = act(&shop, "create-qr", &words);
    assert_eq!((&made["status"], &made["purpose"]), (&json!("open"), &json!("Оплата по QR")));
    assert!(text(&made["qr"], "payload").starts_with("https://qr.nspk.ru/AD"), "{made}");
    let id = text(&made, "bank_payment_id");
    assert_eq!(act(&shop, "check-qr-status", &["--qrc-id", id])["status"], "open");
    shop.json(&["sandbox", "pay", id]);
    let paid = act(&shop, "check-qr-status", &["--payment-id", id]);
    assert_eq!((&paid["status"], &paid["method"]), (&json!("paid"), &json!("sbp")));
    // A code that this folder has never seen: the bank knows it all the same.
    let there = shop.path("elsewhere");
    let there = there.to_str().expect("UTF-8");
    let seen = act(&shop, "check-qr-status", &["--qrc-id", id, "--data", there]);
    assert_eq!(seen["status"], "paid");
}

#[test]
fn a_code_is_made_drawn_paid_and_given_back() {
    let shop = shop_in_sbp();
    let (png, svg) = (shop.path("code.png"), shop.path("code.svg"));
    let made = shop.json(&[
        "qr",
        "create",
        "--amount",
        "350.50",
        "--purpose",
        "Кофе",
        "--ttl",
        "15m",
        "--order",
        "17",
        "--png",
        png.to_str().expect("UTF-8"),
        "--svg",
        svg.to_str().expect("UTF-8"),
    ]);
    assert_eq!((&made["amount_kopecks"], &made["methods"]), (&json!(35_050), &json!(["sbp"])));
    assert!(fs::read(&png).expect("a picture").starts_with(b"\x89PNG"));
    assert!(fs::read_to_string(&svg).expect("a picture").starts_with("<svg"));
    shop.json(&["sandbox", "pay", text(&made, "bank_payment_id")]);
    assert_eq!(shop.json(&["payment", "show", "17"])["status"], "paid");
    let back = shop.json(&["payment", "refund", "17", "--amount", "50.50"]);
    assert_eq!(back["refund"]["status"], "succeeded", "{back}");
    assert_eq!(back["payment"]["refundable_kopecks"], 30_000);
}

#[test]
fn what_no_code_can_be_is_refused_and_nothing_is_made() {
    let bare = Shop::new();
    let create = ["qr", "create", "--purpose", "x", "--amount", "10"];
    let fail = bare.fails(&create, "sbp_point_missing");
    assert!(text(&fail, "hint").contains("kopeck sbp setup"), "{fail}");
    let shop = shop_in_sbp();
    let create = |amount: &str, ttl: &str| {
        let args = ["qr", "create", "--purpose", "x", "--amount", amount, "--ttl", ttl, "--json"];
        let ran = shop.run(&args);
        assert_ne!(ran.code, 0, "{amount} {ttl}: {}", ran.out);
        ran.err
    };
    assert!(create("1000000.01", "15m").contains("sbp_amount_invalid"));
    assert!(create("10", "91d").contains("sbp_ttl_invalid"));
    assert!(create("10.001", "15m").contains("kopeck"), "a part of a kopeck");
    assert!(create("0", "15m").contains("amount"));
    assert!(create("-5", "15m").contains("amount"));
    assert_eq!(shop.json(&["payment", "list"])["payments"], json!([]));
}

#[test]
fn the_old_words_say_what_is_wrong_and_make_nothing() {
    let shop = shop_in_sbp();
    let act = |args: &[&str], code: &str| {
        let fail = shop.fails(&[&["tochka-payment", "--action"], args].concat(), code);
        fail["param"].as_str().unwrap_or_default().to_owned()
    };
    let whole = ["create-qr", "--amount", "10", "--description", "x"];
    assert_eq!(act(&["create-qr", "--description", "x"], "usage_invalid"), "amount");
    assert_eq!(act(&["create-qr", "--amount", "10"], "usage_invalid"), "description");
    assert_eq!(act(&["check-qr-status"], "usage_invalid"), "payment_id");
    assert_eq!(act(&[&whole[..], &["--ttl", "129601"]].concat(), "sbp_ttl_invalid"), "ttl_minutes");
    let large = ["create-qr", "--amount", "1000000.01", "--description", "x"];
    assert_eq!(act(&large, "sbp_amount_invalid"), "amount");
    act(&["create-qr", "--amount", "10.001", "--description", "x"], "usage_invalid");
    let unknown = "AD1000000000000000000000000000AA";
    let fail = shop.run(&["tochka-payment", "--action", "check-qr-status", "--qrc-id", unknown]);
    assert_ne!(fail.code, 0, "{}", fail.out);
    assert_eq!(shop.json(&["payment", "list"])["payments"], json!([]));
}

#[test]
fn the_old_words_tell_of_every_kind_of_code() {
    let shop = shop_in_sbp();
    // A life of its own, an order, where the payer goes afterwards.
    let words = ["--amount", "350.50", "--description", "Кофе", "--ttl", "15", "--order-id", "17"];
    let made = act(&shop, "create-qr", &words);
    assert_eq!((&made["order_id"], &made["amount"]), (&json!("17"), &json!("350.50")));
    let id = text(&made, "bank_payment_id");
    shop.json(&["sandbox", "pay", id]);
    // By the bank's id, by ours, by the order's.
    for known in [id, text(&made, "id"), "17"] {
        let told = act(&shop, "check-qr-status", &["--qrc-id", known]);
        assert_eq!((&told["status"], &told["id"]), (&json!("paid"), &made["id"]), "{known}");
    }
    shop.json(&["payment", "refund", "17", "--amount", "50.50"]);
    let told = act(&shop, "check-qr-status", &["--qrc-id", id]);
    assert_eq!(told["status"], "partially_refunded");
    // Money stands in words for people on a terminal, in JSON for the script's callers: here.
    let ran = shop.run(&["tochka-payment", "--action", "check-qr-status", "--qrc-id", id]);
    let printed: Value = serde_json::from_str(&ran.out).expect("a pipe gets JSON");
    assert_eq!(printed["id"], made["id"]);
    // A code on a wall has no state, but payments.
    let place = shop.json(&["qr", "place", "create", "--name", "Касса"]);
    let code = text(&place, "code_id");
    let told = act(&shop, "check-qr-status", &["--qrc-id", code]);
    assert_eq!((&told["object"], &told["status"]), (&json!("place"), &json!("active")));
    let desk = shop.json(&["desk", "create", "Касса 1"]);
    let told = act(&shop, "check-qr-status", &["--qrc-id", text(&desk, "code_id")]);
    assert_eq!(told["kind"], "desk");
}
