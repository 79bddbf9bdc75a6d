//! `kopeck routing`, and what it does to links.

use super::bank::Shop;

#[test]
fn the_rule_is_set_shown_and_obeyed() {
    let shop = Shop::new();
    let create = ["link", "create", "--amount", "100", "--purpose", "Чай"];
    for bank in ["tochka", "tbank"] {
        let link = shop.json(&[&create[..], &["--bank", bank]].concat());
        assert_eq!(link["bank"], bank);
    }
    assert_eq!(shop.json(&["routing", "show"])["order"], serde_json::json!([]));
    shop.json(&["routing", "set", "--order", "tochka,tbank", "--card", "tbank"]);
    let shown = shop.json(&["routing", "show"]);
    assert_eq!(shown["order"], serde_json::json!(["tochka", "tbank"]));
    assert_eq!(shown["methods"]["card"], serde_json::json!(["tbank"]));
    let link = shop.json(&[&create[..], &["--methods", "card"]].concat());
    assert_eq!(link["bank"], "tbank");
    assert_eq!(shop.json(&[&create[..], &["--methods", "sbp"]].concat())["bank"], "tochka");
    shop.json(&["routing", "reset"]);
    assert_eq!(shop.json(&["routing", "show"])["methods"], serde_json::json!({}));
}

#[test]
fn a_shop_gets_looks_of_its_own_and_loses_them() {
    let shop = Shop::new();
    assert_eq!(shop.json(&["shop", "show"])["accent"], serde_json::Value::Null);
    let logo = shop.home.path("logo.png");
    std::fs::write(&logo, b"\x89PNG\r\n\x1a\n....").expect("written");
    let logo = logo.display().to_string();
    let args = ["shop", "brand", "--accent", "#0a7a3d", "--logo", &logo];
    let shown = shop.json(&args);
    assert_eq!(shown["accent"], "#0a7a3d");
    assert!(shown["logo_url"].as_str().is_some_and(|url| url.contains("/brand/shop_")), "{shown}");
    let shown = shop.json(&["shop", "brand", "--no-logo"]);
    assert_eq!((shown["accent"].as_str(), shown["logo_url"].as_str()), (Some("#0a7a3d"), None));
    shop.fails(&["shop", "brand"], "usage_invalid");
    shop.fails(&["shop", "brand", "--accent", "green"], "usage_invalid");
    std::fs::write(&logo, b"<svg/>").expect("written");
    let fail = shop.fails(&["shop", "brand", "--no-accent", "--logo", &logo], "usage_invalid");
    assert!(fail["hint"].as_str().is_some_and(|hint| hint.contains("PNG")), "{fail}");
    assert_eq!(shop.json(&["shop", "show"])["accent"], "#0a7a3d", "nothing by halves");
}

#[test]
fn a_wrong_rule_is_explained() {
    let shop = Shop::new();
    shop.json(&["link", "create", "--amount", "100", "--purpose", "Чай"]);
    let fail = shop.fails(&["routing", "set", "--order", "sber"], "bank_unknown");
    assert!(fail["hint"].as_str().is_some_and(|hint| hint.contains("tochka")), "{fail}");
    shop.fails(&["routing", "set"], "usage_invalid");
}
