//! Rules of asking again at the command line: played before anybody feels them.

use serde_json::{Value, json};

use super::bank::Shop;

fn days(told: &Value) -> Vec<String> {
    let steps = told.as_array().expect("steps").iter();
    steps
        .map(|it| format!("{} {}", &it["at"].as_str().unwrap()[..10], it["what"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_month_without_money_is_played_by_the_rules_that_the_driver_follows() {
    let shop = Shop::new();
    let told = shop.json(&["dunning", "simulate", "--decline", "no-money", "--due", "2026-12-21"]);
    assert_eq!(
        days(&told),
        [
            "2026-12-18 event subscription.renewal_upcoming",
            "2026-12-21 charge 1: declined (no_money)",
            "2026-12-24 grace is over",
            "2026-12-25 charge 2: declined (no_money)",
            "2026-12-25 no more charges: event subscription.payment_needed",
            "2027-01-04 unpaid: canceled",
        ],
        "{told:#}"
    );
    let paid =
        ["dunning", "simulate", "--decline", "later", "--due", "2026-12-21", "--paid-by", "2"];
    let told = shop.json(&paid);
    assert_eq!(days(&told).last().unwrap(), "2026-12-22 charge 2: paid");
    // Nothing was saved by playing; what is set is played from then on.
    assert_eq!(shop.json(&["dunning", "show"])["max_tries"], 4);
    let set = [
        "dunning",
        "set",
        "--max-tries",
        "1",
        "--notice-hours",
        "24",
        "--notice-first",
        "announced",
    ];
    assert_eq!(shop.json(&set)["notice_first"], "announced");
    let told = shop.json(&["dunning", "simulate", "--due", "2026-12-21"]);
    assert_eq!(days(&told)[0], "2026-12-20 event subscription.renewal_upcoming");
    assert_eq!(days(&told)[2], "2026-12-21 no more charges: event subscription.payment_needed");
    let table = shop.run(&["dunning", "simulate", "--due", "2026-12-21"]);
    assert!(table.out.contains("What the customer feels"), "{}", table.out);
    let help = shop.run(&["dunning", "simulate", "--help"]);
    assert!(help.out.contains("nothing is changed or charged"), "{}", help.out);
    assert_eq!(shop.run(&["dunning", "set", "--notice-first", "perhaps"]).code, 2);
    assert_eq!(shop.json(&["dunning", "show"])["notice_hours"], json!(24));
}
