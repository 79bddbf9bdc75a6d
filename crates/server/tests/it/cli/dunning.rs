//! Rules of asking again at the command line: played before anybody feels them.

use serde_json::{Value, json};

use super::bank::Shop;

fn days(told: &Value) -> Vec<String> {
    let steps = told.as_array().expect("steps").iter();
    let number = |it: &Value| it["number"].as_u64().map_or(String::new(), |at| format!(" {at}"));
    steps
        .map(|it| {
            let (day, step) = (&it["at"].as_str().unwrap()[..10], it["step"].as_str().unwrap());
            format!("{day} {step}{}", number(it))
        })
        .collect()
}

fn play(shop: &Shop, args: &[&str]) -> Vec<String> {
    let own = ["dunning", "simulate", "--due", "2026-12-21"];
    days(&shop.json(&own.iter().chain(args).copied().collect::<Vec<_>>()))
}

#[test]
fn a_month_without_money_is_played_by_the_rules_that_the_driver_follows() {
    let shop = Shop::new();
    assert_eq!(
        play(&shop, &["--decline", "no-money"]),
        [
            "2026-12-18 notice",
            "2026-12-21 charge_declined 1",
            "2026-12-24 access_over",
            "2026-12-25 charge_declined 2",
            "2026-12-25 payment_needed 1",
            "2027-01-04 link_over 1",
            "2027-01-04 canceled",
        ],
    );
    let paid = play(&shop, &["--decline", "later", "--paid-by", "2"]);
    assert_eq!(paid.last().unwrap(), "2026-12-22 charge_paid 2");
    assert!(!paid.iter().any(|step| step.contains("access_over")), "within its grace: {paid:?}");
    // Nothing was saved by playing; what is set is played from then on.
    assert_eq!(shop.json(&["dunning", "show"])["max_tries"], 4);
    let set = ["dunning", "set", "--max-tries", "1", "--notice-hours", "24"];
    assert_eq!(shop.json(&set)["max_tries"], 1);
    let told = play(&shop, &[]);
    assert_eq!(told[0], "2026-12-20 notice");
    assert_eq!(told[2], "2026-12-21 payment_needed 1");
    let table = shop.run(&["dunning", "simulate", "--due", "2026-12-21"]);
    assert!(table.out.contains("What the customer feels"), "{}", table.out);
    let help = shop.run(&["dunning", "simulate", "--help"]);
    assert!(help.out.contains("nothing is changed or charged"), "{}", help.out);
    assert_eq!(shop.run(&["dunning", "set", "--notice-first", "perhaps"]).code, 2);
    assert_eq!(shop.json(&["dunning", "show"])["notice_hours"], json!(24));
}

#[test]
fn links_new_cards_and_notices_that_nobody_takes_are_played_to_the_end() {
    let shop = Shop::new();
    // A card that is gone: at Tochka the first link takes cards alone, and lives for seven days.
    let told = play(&shop, &["--decline", "new-instrument", "--bank", "tochka"]);
    assert_eq!(
        told,
        [
            "2026-12-18 notice",
            "2026-12-21 charge_declined 1",
            "2026-12-21 payment_needed 1",
            "2026-12-24 access_over",
            "2026-12-28 link_over 1",
            "2026-12-28 payment_needed 2",
            "2027-01-04 link_over 2",
            "2027-01-04 canceled",
        ],
    );
    let args = ["dunning", "simulate", "--due", "2026-12-21", "--decline", "new-instrument"];
    let at = |bank: &'static str| args.iter().copied().chain(["--bank", bank]).collect::<Vec<_>>();
    let steps = shop.json(&at("tochka"));
    let whats: Vec<&str> =
        steps.as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert!(whats[2].starts_with("link 1 (card)"), "{whats:?}");
    assert!(whats[5].starts_with("link 2 (card, SBP)"), "{whats:?}");
    // The customer pays the link on the fifth day, when the grace is over.
    let told = play(&shop, &["--decline", "hard", "--pays-link", "5"]);
    let wanted =
        ["2026-12-21 payment_needed 1", "2026-12-24 access_over", "2026-12-26 link_paid 1"];
    assert_eq!(told[2..], wanted);
    // Another card, saved on the next day, is charged at once: no link was open.
    let told = play(&shop, &["--decline", "no-money", "--new-card", "1"]);
    assert_eq!(told[2..], ["2026-12-22 saved", "2026-12-22 charge_paid 2"]);
    // A notice that is taken late holds the charge up for as long.
    let told =
        play(&shop, &["--notice-first", "delivered", "--notice-taken", "48", "--paid-by", "1"]);
    assert_eq!(
        told,
        [
            "2026-12-18 notice",
            "2026-12-19 notice_undelivered",
            "2026-12-20 notice_taken",
            "2026-12-23 charge_paid 1",
        ],
    );
    let told = play(&shop, &["--notice-first", "delivered", "--notice-refused"]);
    assert_eq!(
        told,
        [
            "2026-12-18 notice",
            "2026-12-19 notice_undelivered",
            "2026-12-21 held",
            "2026-12-24 access_over",
        ],
    );
    let russian = shop.run(&["dunning", "simulate", "--due", "2026-12-21", "--lang", "ru"]).out;
    assert!(russian.contains("Что замечает покупатель"), "{russian}");
    assert!(russian.contains("доступ закончился"), "{russian}");
    let strange = shop.run(&["dunning", "simulate", "--bank", "sberbank"]);
    assert_eq!(strange.code, 2, "{}", strange.err);
}
