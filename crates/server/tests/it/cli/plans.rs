//! Plans kept as code: what the server makes of `[[plans]]` at its start, and what it says of a
//! plan that is wrong.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use super::bank::{Kid, Shop, wait_for_port};

/// Starts a server with these settings, looks at the plans, stops it.
fn plans_after(shop: &Shop, settings: &str) -> Vec<Value> {
    fs::write(shop.path("kopeck.toml"), settings).expect("written");
    let mut server = shop.command(&["serve"]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let server = Kid(server);
    wait_for_port(shop.port);
    // The plans are made before the server greets, so whoever reaches it finds them.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while reqwest_ok(shop).is_none() {
        assert!(std::time::Instant::now() < deadline, "the server does not answer");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(server);
    let listed = shop.json(&["plan", "list"]);
    listed["plans"].as_array().expect("plans").clone()
}

/// Whether it answers HTTP: the port alone is taken before anything is done.
fn reqwest_ok(shop: &Shop) -> Option<()> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", shop.port)).ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.starts_with("HTTP/1.1 200").then_some(())
}

const START: &str = "[[plans]]\ncode = \"start\"\nname = \"START\"\namount = \"2450.00\"\n\
                     trial_days = 14\nsetup_fee = \"100.00\"\nfeatures = { seats = 3 }\n\
                     receipt = { preset = \"service\" }\n";

#[test]
fn the_server_makes_the_plans_of_its_settings_and_keeps_what_the_file_forgets() {
    let shop = Shop::new();
    let team = "[[plans]]\ncode = \"team\"\nname = \"TEAM\"\namount = \"12000.00\"\n\
                interval = \"quarter\"\ninterval_count = 2\n";
    let made = plans_after(&shop, &format!("{START}{team}"));
    let codes: Vec<&str> = made.iter().filter_map(|plan| plan["code"].as_str()).collect();
    assert_eq!(codes, ["start", "team"]);
    assert_eq!((&made[0]["version"], &made[0]["trial_days"]), (&json!(1), &json!(14)));
    assert_eq!(
        (&made[0]["setup_fee_kopecks"], &made[0]["features"]),
        (&json!(10_000), &json!({"seats": 3}))
    );
    assert_eq!((&made[1]["interval"], &made[1]["interval_count"]), (&json!("quarter"), &json!(2)));
    // Again is no change; another price is another version; what is left out goes on.
    assert_eq!(plans_after(&shop, &format!("{START}{team}"))[0]["version"], 1);
    let dearer = plans_after(&shop, &START.replace("2450.00", "2990.00"));
    assert_eq!((&dearer[0]["version"], &dearer[0]["amount"]), (&json!(2), &json!("2990.00")));
    assert_eq!((&dearer[1]["code"], &dearer[1]["archived"]), (&json!("team"), &json!(false)));
    let applied = shop.json(&["plan", "apply", "kopeck.toml"]);
    assert_eq!(applied["not_in_file"], json!(["team"]), "{applied}");
    assert_eq!(applied["plans"], json!([{"code": "start", "result": "same"}]));
    shop.json(&["plan", "archive", "team"]);
    let applied = shop.json(&["plan", "apply", "kopeck.toml", "--dry-run"]);
    assert_eq!(applied["not_in_file"], json!([]));
}

#[test]
fn a_plan_that_is_wrong_is_named_with_its_key_and_nothing_starts() {
    let shop = Shop::new();
    let named = |more: &str| format!("[[plans]]\ncode = \"start\"\nname = \"S\"\n{more}\n");
    for (settings, plan, key) in [
        (named("amount = \"9.99\""), "`start`", "amount"),
        (named("amount = \"100\"\ninterval = \"moon\""), "`start`", "interval"),
        (named("amount = \"100\"\ntrial_dayz = 3"), "`start`", "trial_dayz"),
        (named("amount = \"100\"\nreceipt = { preset = \"nothing\" }"), "`start`", "receipt"),
        (format!("{START}[[plans]]\nname = \"X\"\namount = \"100\""), "number 2", "code"),
        (format!("{START}{START}"), "`start`", "code"),
    ] {
        fs::write(shop.path("kopeck.toml"), &settings).expect("written");
        for command in ["serve", "init"] {
            let args: &[&str] = if command == "init" { &["init", "--yes"] } else { &["serve"] };
            let fail = shop.fails(args, "settings_invalid");
            let message = fail["message"].as_str().expect("text");
            assert!(message.contains(plan), "{settings}: {message}");
            let param = fail["param"].as_str().unwrap_or("");
            assert!(param.starts_with(key), "{settings}: {fail}");
        }
        assert_eq!(shop.json(&["plan", "list"])["plans"], json!([]), "{settings}");
    }
}

#[test]
fn where_a_receipt_goes_says_nothing_of_what_is_on_it() {
    let shop = Shop::new();
    let book = "[[plans]]\ncode = \"book\"\nname = \"Книга\"\namount = \"450.00\"\n\
                receipt = { items = [{ name = \"Книга\", price = \"450.00\", \
                vat = \"vat10\" }] }\n";
    fs::write(shop.path("kopeck.toml"), book).expect("written");
    shop.json(&["plan", "apply", "kopeck.toml"]);
    // Defaults of another rate, which a receipt of its own would be made by.
    shop.json(&["receipt", "defaults", "set", "--vat", "none", "--taxation", "usn_income"]);
    let line = |customer: &str, more: &[&str]| {
        let create = ["subscription", "create", "book", "--collection", "link"];
        let to = ["--customer", customer, "--email", "a@example.ru"];
        shop.json(&[&create[..], &to, more].concat());
        let newest = shop.json(&["payment", "list"])["payments"][0]["id"].clone();
        let listed = shop.json(&["receipt", "list", newest.as_str().expect("a payment")]);
        listed["receipts"][0]["receipt"]["items"][0].clone()
    };
    let of_plan = line("client-1", &[]);
    assert_eq!((&of_plan["name"], &of_plan["vat"]), (&json!("Книга"), &json!("vat10")));
    let own = line("client-2", &["--item", "Подарок;1;450;none"]);
    assert_eq!((&own["name"], &own["vat"]), (&json!("Подарок"), &json!("none")));
}

#[test]
fn a_plan_made_at_the_command_line_may_say_all_that_one_of_the_settings_does() {
    let shop = Shop::new();
    let make = |code: &str, more: &[&str]| {
        let mut args = vec!["plan", "create", code, "--name", "START", "--amount", "2450"];
        args.extend(more);
        args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<String>>()
    };
    let all = make(
        "start",
        &["--features", "{\"seats\": 3}", "--preset", "service", "--notice-hours", "24"],
    );
    let made = shop.json(&all.iter().map(String::as_str).collect::<Vec<&str>>());
    assert_eq!(
        (&made["features"], &made["notice_hours"], &made["receipt"]),
        (&json!({"seats": 3}), &json!(24), &json!({"preset": "service"})),
        "{made}"
    );
    let line = json!({"name": "Курс", "price": "2450.00", "vat": "none"});
    let receipt = json!({"email": "a@example.ru", "items": [line]});
    fs::write(shop.path("r.json"), receipt.to_string()).expect("written");
    let from_file = make("course", &["--receipt", "r.json"]);
    let made = shop.json(&from_file.iter().map(String::as_str).collect::<Vec<&str>>());
    assert_eq!(made["receipt"]["items"][0]["name"], "Курс", "{made}");
    for (more, code) in [
        (["--notice-hours", "721"], "param_invalid"),
        (["--preset", "nonsense"], "receipt_invalid"),
        (["--receipt", "nowhere.json"], "receipt_invalid"),
    ] {
        let wrong = make("other", &more);
        shop.fails(&wrong.iter().map(String::as_str).collect::<Vec<&str>>(), code);
    }
}
