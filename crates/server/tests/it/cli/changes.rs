//! Changes of subscriptions shown before they happen, coupons, and what needs a person, at the
//! command line.

use serde_json::json;

use super::{
    bank::Shop,
    renewals::{serve, subscribed, until},
};

#[test]
fn a_change_shows_its_credit_and_its_charge_before_it_happens() {
    let shop = Shop::new();
    let id = subscribed(&shop);
    let _server = serve(&shop);
    shop.json(&["sandbox", "clock", "advance", "10m"]);
    until("the first payment is heard of and saves the card", || {
        let shown = shop.json(&["subscription", "show", &id]);
        let now = &shown["subscription"];
        (now["status"] == "active" && now["card_id"].is_string()).then(|| shown.clone())
    });
    shop.json(&["plan", "create", "pro", "--amount", "4900", "--name", "Подписка PRO"]);
    let ask = ["subscription", "change", id.as_str(), "--plan", "pro"];
    let preview = shop.json(&[&ask[..], &["--preview"]].concat());
    let of = |kind: &str| {
        let lines = preview["lines"].as_array().expect("lines").iter();
        lines.filter(|it| it["kind"] == kind).map(|it| it["amount_kopecks"].as_i64().unwrap()).sum()
    };
    let (price, unused): (i64, i64) = (of("price"), of("unused"));
    assert!(price > 480_000 && unused < -240_000, "{preview:#}");
    assert_eq!(preview["due_kopecks"], price + unused);
    assert_eq!(preview["price_kopecks"], 490_000);
    for (lang, due, credit) in [
        ("ru", "к оплате сейчас", "уже оплачено и не использовано"),
        ("en", "to be paid now", "paid and not used"),
    ] {
        let told = shop.run(&[&ask[..], &["--preview", "--lang", lang]].concat()).out;
        assert!(told.contains(due) && told.contains(credit), "{told}");
    }
    let shown = shop.json(&["subscription", "show", &id]);
    assert_eq!(shown["subscription"]["plan"], "start", "looking changes nothing");
    let refused = shop.run(&[&ask[..], &["--json"]].concat());
    assert!(refused.err.contains("consent_missing"), "{}", refused.err);
    shop.json(&[&ask[..], &["--consent", "offer-2"]].concat());
    shop.json(&["sandbox", "clock", "advance", "10m"]);
    until("the difference is charged, and the plan is another", || {
        let shown = shop.json(&["subscription", "show", &id]);
        (shown["subscription"]["plan"] == "pro").then(|| shown.clone())
    });
    let later = shop.json(&[
        "subscription",
        "change",
        &id,
        "--quantity",
        "2",
        "--when",
        "period-end",
        "--consent",
        "offer-3",
    ]);
    assert_eq!(later["next_quantity"], 2, "{later:#}");
    let entitled = shop.json(&["subscription", "entitlements", "client-17"]);
    assert_eq!((&entitled["active"], &entitled["features"]), (&json!(true), &json!({})));
    assert_eq!(shop.json(&["todo", "list"])["todos"], json!([]));
    assert!(shop.run(&["todo", "list", "--lang", "ru"]).out.contains("Ничего"));
    let strange = shop.run(&["todo", "done", "todo_x", "--json"]);
    assert!(strange.err.contains("todo_not_found"), "{}", strange.err);
    let early = shown["subscription"]["period"]["payments"][0]["payment_id"].as_str().unwrap();
    let refused = shop.run(&["payment", "settle", early, "--not-charged", "--json"]);
    assert!(refused.err.contains("charge_not_settleable"), "{}", refused.err);
    let refused = shop.run(&["subscription", "assign", &id, early, "--json"]);
    assert!(refused.err.contains("payment_not_assignable"), "{}", refused.err);
}

#[test]
fn coupons_are_made_listed_shown_and_ended() {
    let mut shop = Shop::new();
    shop.json(&["init", "--bank", "tbank", "--yes"]);
    let made = shop.json(&["coupon", "create", "WINTER", "--percent", "20", "--periods", "2"]);
    assert_eq!((&made["code"], &made["percent"]), (&json!("WINTER"), &json!(20)), "{made:#}");
    let again = shop.run(&["coupon", "create", "WINTER", "--percent", "5", "--json"]);
    assert!(again.err.contains("coupon_exists"), "{}", again.err);
    let wrong = shop.run(&["coupon", "create", "X", "--percent", "101", "--json"]);
    assert!(wrong.err.contains("param_invalid"), "{}", wrong.err);
    shop.json(&["coupon", "create", "TEN", "--amount", "10", "--max-uses", "5"]);
    let listed = shop.json(&["coupon", "list"]);
    assert_eq!(listed["coupons"].as_array().map(Vec::len), Some(2), "{listed:#}");
    let table = shop.run(&["coupon", "list", "--lang", "ru"]).out;
    assert!(table.contains("Скидка") && table.contains("−20 %"), "{table}");
    assert_eq!(shop.json(&["coupon", "show", "TEN"])["amount_kopecks"], 1_000);
    assert!(shop.run(&["coupon", "show", "TEN", "--lang", "ru"]).out.contains("действует"));
    let ended = shop.json(&["coupon", "end", "TEN"]);
    assert!(ended["valid_until"].is_string(), "{ended:#}");
    assert!(shop.run(&["coupon", "show", "TEN"]).out.contains("over"));
    assert_eq!(shop.json(&["coupon", "end", "TEN"])["valid_until"], ended["valid_until"]);
    let strange = shop.run(&["coupon", "end", "NOPE", "--json"]);
    assert!(strange.err.contains("coupon_not_found"), "{}", strange.err);
    // A place that is none is refused before anything is done.
    shop.set("KOPECK_SHOP_TIME_ZONE", "Mars/Base");
    let nowhere = shop.run(&["coupon", "list", "--json"]);
    assert!(nowhere.err.contains("settings_invalid"), "{}", nowhere.err);
    assert!(nowhere.err.contains("Mars/Base"), "{}", nowhere.err);
}

#[test]
fn what_a_subscriptions_receipts_say_changes_by_flags() {
    let shop = Shop::new();
    let id = subscribed(&shop);
    shop.json(&["receipt", "defaults", "set", "--vat", "none", "--taxation", "usn_income"]);
    let own = |more: &[&str]| {
        let said = shop.json(&[&["subscription", "receipt", id.as_str()], more].concat());
        said["receipt"]["items"][0]["name"].clone()
    };
    let item = "Доступ для ООО;1;2450.00;none";
    assert_eq!(own(&["--item", item, "--email", "a@example.ru"]), "Доступ для ООО");
    let moved = shop.run(&["subscription", "receipt", &id, "--email", "b@example.ru"]);
    assert!(moved.out.contains("✓"), "{}", moved.err);
    assert_eq!(own(&["--by-plan"]), json!(null));
    shop.fails(&["subscription", "receipt", &id], "usage_invalid");
    shop.fails(&["subscription", "receipt", &id, "--preset", "tea"], "receipt_invalid");
}
