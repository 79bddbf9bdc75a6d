//! `kopeck sbp setup` against the sandbox: from nothing to the first code, run again, with lost
//! answers, and with keys that lack a permission.

use serde_json::{Value, json};

use super::bank::Shop;

pub const PLACE: [&str; 11] = [
    "--brand",
    "Кофейня",
    "--address",
    "ул. Малышева, д. 51",
    "--city",
    "Екатеринбург",
    "--region",
    "65",
    "--postcode",
    "620075",
    "--yes",
];

fn setup(shop: &Shop, more: &[&str]) -> Value {
    shop.json(&[&["sbp", "setup"], more].concat())
}

fn status(shop: &Shop) -> Value {
    setup(shop, &["--status"])
}

#[test]
fn a_shop_gets_from_nothing_to_its_first_code() {
    let shop = Shop::new();
    let before = status(&shop);
    assert_eq!((&before["is_ready"], &before["company"]), (&json!(false), &Value::Null));
    // The company is registered; what the point needs is asked for by name.
    let fail = shop.fails(&["sbp", "setup", "--yes"], "sbp_point_missing");
    let hint = fail["hint"].as_str().expect("a hint");
    assert!(hint.contains("--brand") && hint.contains("--postcode"), "{hint}");
    assert!(!hint.contains("--mcc"), "internet acquiring knows the MCC: {hint}");

    let made = setup(&shop, &PLACE);
    assert_eq!(made["account_id"], "40702810302000000092/044525104");
    assert_eq!(
        (&made["point"]["brand"], &made["point"]["mcc"]),
        (&json!("Кофейня"), &json!("5111"))
    );
    let url = made["code"]["url"].as_str().expect("a link");
    assert!(url.starts_with("https://qr.nspk.ru/"), "{url}");
    let after = status(&shop);
    assert_eq!((&after["is_ready"], &after["missing"]), (&json!(true), &json!([])));
    assert_eq!(after["point_id"], made["point"]["id"]);

    // Again: everything is found and nothing is made.
    let again = setup(&shop, &["--yes"]);
    for key in ["connection_id", "company_id", "account_id", "point", "code"] {
        let strip = |value: &Value| match key {
            "code" => value["id"].clone(),
            _ => value.clone(),
        };
        assert_eq!(strip(&again[key]), strip(&made[key]), "{key}");
    }
    assert_eq!(setup(&shop, &PLACE)["point"]["id"], made["point"]["id"], "a second point");
    assert_eq!(status(&shop)["points"].as_array().map(Vec::len), Some(1));
    // For people the code is drawn.
    let ran = shop.run(&["sbp", "setup", "--yes"]);
    assert!(ran.out.contains("█▀▀▀▀▀") || ran.out.contains("▄▄▄▄▄"), "no code:\n{}", ran.out);
}

#[test]
fn what_is_wrong_is_told_by_its_flag() {
    let shop = Shop::new();
    let wrong = |flag: &'static str, value: &'static str| {
        let mut args = vec!["sbp", "setup"];
        args.extend(PLACE.iter().copied());
        let at = args.iter().position(|it| *it == flag);
        match at {
            Some(at) => args[at + 1] = value,
            None => args.extend([flag, value]),
        }
        args
    };
    let fail = shop.fails(&wrong("--postcode", "62007"), "sbp_postcode_invalid");
    assert_eq!(fail["param"], "postcode");
    shop.fails(&wrong("--mcc", "58"), "sbp_mcc_invalid");
    shop.fails(&wrong("--account", "1"), "sbp_account_wrong");
    setup(&shop, &PLACE);
    shop.fails(&["sbp", "setup", "--point", "MA0000000000"], "sbp_point_wrong");
    // A second point, and then which of them is not said.
    let mut second = PLACE;
    second[1] = "Пекарня";
    let bakery = setup(&shop, &second);
    assert_eq!(bakery["point"]["brand"], "Пекарня");
    assert_eq!(setup(&shop, &["--yes"])["point"]["id"], bakery["point"]["id"], "the saved one");
}

#[test]
fn lost_answers_are_looked_up() {
    let shop = Shop::new();
    for path in ["register-sbp-legal-entity", "qr-code/merchant"] {
        shop.json(&["sandbox", "fault", "lose-reply", "--path", path]);
    }
    let made = setup(&shop, &PLACE);
    assert!(made["code"]["url"].as_str().is_some_and(|url| url.contains("qr.nspk.ru")), "{made}");
    let again = setup(&shop, &["--yes"]);
    assert_eq!(
        (&again["company_id"], &again["code"]["id"]),
        (&made["company_id"], &made["code"]["id"])
    );
}

/// A token by OAuth whose consent has these permissions alone.
fn token_with(shop: &Shop, permissions: &[&str]) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let (id, secret) = (shop.var("TOCHKA_CLIENT_ID"), shop.var("TOCHKA_CLIENT_SECRET"));
        let back = "http://127.0.0.1:1/back";
        let token = |body: String| {
            let request = client.post(format!("{}/connect/token", shop.at)).body(format!(
                "client_id={id}&client_secret={secret}&scope=sbp&redirect_uri={back}&{body}"
            ));
            let kind = "application/x-www-form-urlencoded";
            let request = request.header("content-type", kind);
            async move { request.send().await.expect("an answer").text().await.expect("text") }
        };
        let field = |text: &str, name: &str| -> String {
            let value: Value = serde_json::from_str(text).expect("JSON");
            value[name].as_str().unwrap_or_else(|| panic!("no {name}: {text}")).to_owned()
        };
        let own = field(&token("grant_type=client_credentials".to_owned()).await, "access_token");
        let wanted = json!({ "Data": { "permissions": permissions } }).to_string();
        let request = client.post(format!("{}/uapi/v1.0/consents", shop.at)).bearer_auth(own);
        let request = request.header("content-type", "application/json").body(wanted);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        let made: Value = serde_json::from_str(&text).expect("JSON");
        let consent = made["Data"]["consentId"].as_str().unwrap_or_else(|| panic!("{text}"));
        let form = format!(
            "client_id={id}&response_type=code&redirect_uri={back}&scope=sbp&state=x\
             &consent_id={consent}&decision=allow"
        );
        let request = client.post(format!("{}/connect/authorize", shop.at)).body(form);
        let kind = "application/x-www-form-urlencoded";
        let went = request.header("content-type", kind).send().await.expect("an answer");
        let to = went.headers()["location"].to_str().expect("text").to_owned();
        let code = to.split("code=").nth(1).and_then(|rest| rest.split('&').next());
        let code = code.expect("a code").to_owned();
        field(&token(format!("grant_type=authorization_code&code={code}")).await, "access_token")
    })
}

#[test]
fn a_missing_permission_is_named() {
    let mut shop = Shop::new();
    let none = token_with(&shop, &["ReadCustomerData"]);
    let reads = token_with(&shop, &["ReadCustomerData", "ReadSBPData"]);
    let all = token_with(&shop, &["ReadCustomerData", "ReadSBPData", "EditSBPData"]);
    for (token, permission) in [(none, "ReadSBPData"), (reads, "EditSBPData")] {
        shop.set("TOCHKA_ACCESS_TOKEN", &token);
        let args: Vec<&str> = ["sbp", "setup"].into_iter().chain(PLACE).collect();
        let fail = shop.fails(&args, "sbp_permission_missing");
        assert_eq!(fail["param"], permission);
        for text in ["message", "hint"] {
            assert!(fail[text].as_str().is_some_and(|it| it.contains(permission)), "{fail}");
        }
        assert!(fail["hint"].as_str().is_some_and(|it| it.contains("Интеграции и API")), "{fail}");
    }
    // Without the permission to read internet acquiring the MCC has to be given.
    shop.set("TOCHKA_ACCESS_TOKEN", &all);
    let args: Vec<&str> = ["sbp", "setup"].into_iter().chain(PLACE).collect();
    let fail = shop.fails(&args, "sbp_point_missing");
    assert_eq!(fail["hint"], "Give --mcc");
    let made = setup(&shop, &[&PLACE[..], &["--mcc", "5111"]].concat());
    assert!(made["code"]["url"].is_string(), "{made}");
}

#[test]
fn a_point_whose_answer_was_lost_is_found_and_not_made_twice() {
    let shop = Shop::new();
    shop.fails(&["sbp", "setup", "--yes"], "sbp_point_missing");
    // The point is made and the answer lost: found at once.
    shop.json(&["sandbox", "fault", "lose-reply", "--path", "POST /uapi/sbp/v1.0/merchant"]);
    let made = setup(&shop, &PLACE);
    assert_eq!(made["point"]["brand"], "Кофейня");
    assert_eq!(status(&shop)["points"].as_array().map(Vec::len), Some(1));
    assert_eq!(setup(&shop, &PLACE)["point"]["id"], made["point"]["id"]);
}

#[test]
fn a_point_that_may_still_come_is_not_asked_for_again() {
    let shop = Shop::new();
    shop.fails(&["sbp", "setup", "--yes"], "sbp_point_missing");
    // Nothing answers, and the list does not have it.
    shop.json(&["sandbox", "fault", "hang:10", "--path", "POST /uapi/sbp/v1.0/merchant"]);
    let args: Vec<&str> = ["sbp", "setup"].into_iter().chain(PLACE).collect();
    let first = shop.fails(&args, "sbp_point_unknown");
    assert!(first["message"].as_str().is_some_and(|it| it.contains("Кофейня")), "{first}");
    // The way is free again: it would be made now, but the first request may be on its way.
    for _ in 0..2 {
        let again = shop.fails(&args, "sbp_point_unknown");
        let hint = again["hint"].as_str().expect("a hint");
        assert!(hint.contains("looks first") && hint.contains("only after"), "{hint}");
    }
    assert_eq!(status(&shop)["points"], json!([]));
    // It came through meanwhile, or somebody made it in the internet bank: it is taken.
    let other = Shop::beside(&shop);
    let made = setup(&other, &PLACE);
    let found = setup(&shop, &PLACE);
    assert_eq!(found["point"]["id"], made["point"]["id"]);
    assert_eq!(status(&shop)["points"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_key_that_may_only_read_is_refused_before_anything_is_asked() {
    let mut shop = Shop::new();
    let reads = token_with(&shop, &["ReadCustomerData", "ReadSBPData"]);
    // The company is there, the point is not.
    shop.fails(&["sbp", "setup", "--yes"], "sbp_point_missing");
    let full = shop.var("TOCHKA_ACCESS_TOKEN").to_owned();
    shop.set("TOCHKA_ACCESS_TOKEN", &reads);
    // Not "give --brand": no answer would help.
    let fail = shop.fails(&["sbp", "setup", "--yes"], "sbp_permission_missing");
    assert_eq!(fail["param"], "EditSBPData");
    let hint = fail["hint"].as_str().expect("a hint");
    for permission in ["ReadSBPData", "EditSBPData", "ReadStatements"] {
        assert!(hint.contains(permission), "{permission} is not explained: {hint}");
    }
    assert_eq!(status(&shop)["points"], json!([]));
    // Company and point are there: nothing has to be registered, but no code can be made.
    shop.set("TOCHKA_ACCESS_TOKEN", &full);
    setup(&shop, &[&PLACE[..], &["--no-code"]].concat());
    shop.set("TOCHKA_ACCESS_TOKEN", &reads);
    setup(&shop, &["--yes", "--no-code"]);
    let fail = shop.fails(&["sbp", "setup", "--yes"], "sbp_permission_missing");
    assert_eq!(fail["param"], "EditSBPData");
    let made = ["qr", "place", "create", "--name", "Касса"];
    let fail = shop.fails(&made, "bank_permission_missing");
    assert!(fail["hint"].as_str().is_some_and(|it| it.contains("EditSBPData")), "{fail}");
    assert_eq!(shop.json(&["qr", "place", "list"])["places"], json!([]), "nothing is left behind");
}
