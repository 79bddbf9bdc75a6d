//! Taking over from another system at the command line: what would be done, line by line, then
//! done once, however often it is asked for.

use std::fs;

use serde_json::{Value, json};

use super::bank::Shop;

fn results(told: &Value) -> Vec<&str> {
    told["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|it| it["result"].as_str().unwrap())
        .collect()
}

fn reason(told: &Value, at: usize) -> &str {
    told["lines"][at]["reason"].as_str().unwrap_or("")
}

/// Runs it with `--json` where some lines are refused: the document stands beside the error.
fn refused(shop: &Shop, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let ran = shop.run(&args);
    assert_ne!(ran.code, 0, "{}", ran.out);
    assert_eq!(ran.fail()["code"], "import_refused", "{}", ran.err);
    ran.json()
}

const CUSTOMERS: &str = "\u{feff}customer;rebill_id;masked;expires;consent_version;consent_at;max_amount\r\n\
    client-1;1234500001;430000******0777;1228;offer-1;2026-01-15;5000.00\r\n\
    \"client;2\";1234500002;;;\"offer \"\"2\"\"\";2026-02-01T10:00:00+03:00;\r\n\
    client-3;1234500003;4300000000000777;1228;offer-1;2026-01-15;\r\n\
    client-4;1234500004;;;;2026-01-15;\r\n\
    client-5;1234500001;;;offer-1;2026-01-15;\r\n\
    client-6;1234500006;;;offer-1;2099-01-15;\r\n";

#[test]
fn cards_come_with_their_evidence_or_not_at_all() {
    let shop = Shop::new();
    shop.json(&["init", "--bank", "tbank", "--yes"]);
    fs::write(shop.path("c.csv"), CUSTOMERS).expect("written");
    let dry = refused(&shop, &["import", "customers", "c.csv", "--dry-run"]);
    assert_eq!(results(&dry), ["new", "new", "refused", "refused", "new", "refused"]);
    assert!(reason(&dry, 2).contains("card number"), "{dry}");
    assert!(reason(&dry, 3).contains("consent"), "{dry}");
    assert!(reason(&dry, 5).contains("future"), "{dry}");
    assert_eq!(shop.json(&["customer", "cards", "list", "client-1"])["cards"], json!([]));
    let done = refused(&shop, &["import", "customers", "c.csv"]);
    assert_eq!(results(&done), ["new", "new", "refused", "refused", "refused", "refused"]);
    assert!(reason(&done, 4).contains("another customer"), "{done}");
    let cards = shop.json(&["customer", "cards", "list", "client-1"]);
    let card = &cards["cards"][0];
    assert_eq!((&card["status"], &card["masked"]), (&json!("active"), &json!("430000******0777")));
    let again = refused(&shop, &["import", "customers", "c.csv"]);
    assert_eq!(results(&again)[..2], ["same", "same"]);
    // The token is sealed and stands nowhere in sight.
    let shown = shop.run(&["import", "customers", "c.csv"]);
    assert!(!format!("{}{}", shown.out, shown.err).contains("1234500001"), "{}", shown.out);
    for file in fs::read_dir(shop.path("kopeck-data")).expect("data").flatten() {
        let bytes = fs::read(file.path()).unwrap_or_default();
        let is_open = bytes.windows(10).any(|part| part == b"1234500001");
        assert!(!is_open, "{} holds the token", file.path().display());
    }
    // What was taken back stays so, whatever the file says.
    shop.json(&["customer", "withdraw", "client-1"]);
    let after = refused(&shop, &["import", "customers", "c.csv"]);
    assert!(reason(&after, 0).contains("took it back"), "{after}");
    let evidence = shop.json(&["evidence", "client;2"]);
    assert_eq!(evidence["consents"][0]["text_version"], "offer \"2\"");
    assert_eq!(evidence["consents"][0]["given_at"], "2026-02-01T07:00:00Z");
}

#[test]
fn running_subscriptions_go_on_at_their_own_price_from_their_next_charge() {
    let shop = Shop::new();
    shop.json(&["init", "--bank", "tbank", "--yes"]);
    let plans = json!([
        {"code": "start", "name": "START", "amount": "1990.00", "setup_fee": "500.00"},
        {"code": "bad", "name": "B", "amount": "1.00"},
    ]);
    fs::write(shop.path("p.json"), plans.to_string()).expect("written");
    let told = refused(&shop, &["import", "plans", "p.json"]);
    assert_eq!(results(&told), ["new", "refused"]);
    assert!(reason(&told, 1).contains("`bad`"), "{told}");
    let dearer =
        json!([{"code": "start", "name": "START", "amount": "2450.00", "setup_fee": "500.00"}]);
    fs::write(shop.path("p.json"), dearer.to_string()).expect("written");
    assert_eq!(results(&shop.json(&["import", "plans", "p.json"])), ["changed"]);
    assert_eq!(results(&shop.json(&["import", "plans", "p.json"])), ["same"]);
    fs::write(shop.path("c.csv"), CUSTOMERS).expect("written");
    refused(&shop, &["import", "customers", "c.csv"]);

    let head = "customer,plan,amount,next_charge_at,consent_version,consent_at,bank";
    let rows = [
        "client-1,start,1990.00,2099-03-31,offer-1,2026-01-15,tbank",
        "client-9,start,2450.00,2099-04-01,offer-1,2026-01-15,tbank",
        "client-8,start,,2099-04-01,,,",
        "client-7,start,1.00,2099-04-01,offer-1,2026-01-15,tbank",
        "client-7,nope,,2099-04-01,offer-1,2026-01-15,tbank",
        "client-7,start,,2020-04-01,offer-1,2026-01-15,tbank",
        "client-7,start,,2099-04-01,offer-1,2026-01-15,sberbank",
    ];
    fs::write(shop.path("s.csv"), format!("{head}\n{}\n", rows.join("\n"))).expect("written");
    let dry = refused(&shop, &["import", "subscriptions", "s.csv", "--dry-run"]);
    let wanted = ["new", "new", "new", "refused", "refused", "refused", "refused"];
    assert_eq!(results(&dry), wanted, "{dry:#}");
    assert_eq!(shop.json(&["subscription", "list"])["subscriptions"], json!([]));
    let done = refused(&shop, &["import", "subscriptions", "s.csv"]);
    assert_eq!(results(&done), wanted);
    let again = refused(&shop, &["import", "subscriptions", "s.csv"]);
    assert_eq!(results(&again)[..3], ["same", "same", "same"], "{again:#}");
    let listed = shop.json(&["subscription", "list", "--customer", "client-1"]);
    let own = &listed["subscriptions"][0];
    assert_eq!((&own["status"], &own["plan_version"]), (&json!("active"), &json!(1)), "{own:#}");
    assert_eq!(
        (&own["next_charge_at"], &own["next_amount_kopecks"]),
        (&json!("2099-03-30T21:00:00Z"), &json!(199_000)),
        "no set-up fee once more"
    );
    assert!(own["card_id"].is_string() && own["consent"]["given_at"] == "2026-01-14T21:00:00Z");
    let by_link = shop.json(&["subscription", "list", "--customer", "client-8"]);
    assert_eq!(by_link["subscriptions"][0]["collection"], "link");
    // Who has nothing to charge yet is waited for.
    let progress = shop.json(&["import", "progress"]);
    assert_eq!((&progress["imported"], &progress["saved"]), (&json!(2), &json!(1)), "{progress:#}");
    assert_eq!(progress["waiting"][0]["customer_id"], "client-9");
    // One that ended here is not brought to life by the file.
    let id = own["id"].as_str().unwrap();
    shop.json(&["subscription", "cancel", id, "--now"]);
    let after = refused(&shop, &["import", "subscriptions", "s.csv"]);
    assert_eq!(results(&after)[0], "same");
    let listed = shop.json(&["subscription", "list", "--customer", "client-1"]);
    assert_eq!(listed["subscriptions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_makes_no_sense_changes_nothing() {
    let shop = Shop::new();
    for (text, part) in [
        ("customer,colour\na,b\n", "`colour`"),
        ("customer,customer\na,b\n", "twice"),
        ("customer,rebill_id\na\n", "line 2"),
        ("customer,rebill_id\n\"a,b\n", "never ends"),
        ("{\"people\": []}", "`customers`"),
        ("[1]", "row 1"),
        ("[", "EOF"),
        ("", "empty"),
    ] {
        fs::write(shop.path("c.csv"), text).expect("written");
        let fail = shop.fails(&["import", "customers", "c.csv"], "file_invalid");
        assert!(fail["message"].as_str().unwrap().contains(part), "{text}: {fail}");
    }
    shop.fails(&["import", "customers", "nowhere.csv"], "file_unreadable");
}

#[test]
fn who_could_not_be_taken_over_is_sent_a_link_and_is_counted_when_it_is_paid() {
    let shop = Shop::new();
    shop.json(&["init", "--bank", "tbank", "--yes"]);
    shop.json(&["plan", "create", "start", "--amount", "1990", "--name", "START"]);
    let rows = "customer,plan,next_charge_at,consent_version,consent_at\n\
                client-1,start,2099-03-31,offer-1,2026-01-15\n\
                client-2,start,2099-04-01,offer-1,2026-01-15\n";
    fs::write(shop.path("s.csv"), rows).expect("written");
    shop.json(&["import", "subscriptions", "s.csv"]);
    let told = shop.json(&["import", "progress", "--links"]);
    assert_eq!((&told["imported"], &told["saved"]), (&json!(2), &json!(0)), "{told:#}");
    let urls: Vec<&str> =
        told["waiting"].as_array().unwrap().iter().filter_map(|it| it["url"].as_str()).collect();
    assert_eq!(urls.len(), 2, "{told:#}");
    assert_ne!(urls[0], urls[1]);
    // Again: the same links, not others beside them.
    assert_eq!(shop.json(&["import", "progress", "--links"])["waiting"], told["waiting"]);
    let payment = shop.json(&["payment", "show", urls[0].rsplit('/').next().unwrap()]);
    assert_eq!(payment["amount"], "10.00", "{payment}");
    shop.json(&["sandbox", "pay", payment["bank_payment_id"].as_str().expect("open")]);
    // No server runs here: the books are brought up to date by hand.
    shop.json(&["reconcile", "--since", "30d"]);
    let id = payment["id"].as_str().unwrap();
    assert_eq!(shop.json(&["payment", "show", id])["status"], "paid");
    let wrong = shop.json(&["import", "progress", "--links", "--bank", "sberbank"]);
    assert_eq!(wrong["waiting"].as_array().unwrap().len(), 2, "nothing is lost: {wrong:#}");
}
