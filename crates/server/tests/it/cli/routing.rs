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
fn a_wrong_rule_is_explained() {
    let shop = Shop::new();
    shop.json(&["link", "create", "--amount", "100", "--purpose", "Чай"]);
    let fail = shop.fails(&["routing", "set", "--order", "sber"], "bank_unknown");
    assert!(fail["hint"].as_str().is_some_and(|hint| hint.contains("tochka")), "{fail}");
    shop.fails(&["routing", "set"], "usage_invalid");
}
