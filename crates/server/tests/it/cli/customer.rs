//! `kopeck customer accounts` against the sandbox: bind, list, charge, and a charge run again.

use serde_json::{Value, json};

use super::bank::Shop;

/// A shop at T-Bank alone.
fn shop() -> Shop {
    let mut shop = Shop::new();
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    shop
}

/// What the person at the bank's controls does there, or sees.
fn control(shop: &Shop, path: &str, body: Option<&str>) -> Value {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("{}/_control/{path}?bank=tbank", shop.at);
        let request = match body {
            Some(body) => client.post(url).body(body.to_owned()),
            None => client.get(url),
        };
        let request = request.header("content-type", "application/json");
        let reply = request.send().await.expect("an answer");
        let status = reply.status();
        let text = reply.text().await.expect("text");
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    })
}

/// The bank's own number of the binding behind this link.
fn binding_of(shop: &Shop, account: &Value) -> String {
    let all = control(shop, "payments", None);
    let mut bindings = all["bindings"].as_array().expect("bindings").iter();
    let own = bindings.find(|own| own["link"] == account["link"]).expect("this binding");
    own["id"].as_str().expect("an id").to_owned()
}

fn accounts(shop: &Shop, customer: &str) -> Vec<Value> {
    let listed = shop.json(&["customer", "accounts", "list", customer]);
    listed["accounts"].as_array().expect("accounts").clone()
}

/// An account that the payer agreed to save.
fn bound(shop: &Shop, customer: &str) -> Value {
    let account = shop.json(&["customer", "accounts", "bind", customer, "--purpose", "Подписка"]);
    assert_eq!(
        (&account["status"], &account["customer_id"]),
        (&json!("pending"), &json!(customer))
    );
    let id = binding_of(shop, &account);
    control(shop, &format!("payments/{id}/pay"), Some("{}"));
    let listed = accounts(shop, customer);
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&account["id"], &json!("active")));
    listed[0].clone()
}

/// Arguments of a charge of five hundred rubles.
fn charge<'a>(customer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = ["customer", "accounts", "charge", customer, "500", "--purpose", "Декабрь"];
    args.iter().chain(more).copied().collect()
}

/// The payments at the bank, with what was taken for each.
fn taken(shop: &Shop) -> Vec<i64> {
    let all = control(shop, "payments", None);
    let payments = all["payments"].as_array().expect("payments").iter();
    payments.map(|own| own["paid_kopecks"].as_i64().expect("kopecks")).collect()
}

#[test]
fn an_account_is_bound_listed_and_charged() {
    let shop = shop();
    assert!(accounts(&shop, "client-17").is_empty());
    let ran = shop.run(&["customer", "accounts", "bind", "client-17", "--purpose", "Подписка"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("https://") && ran.out.contains("acc_"), "{}", ran.out);
    assert_eq!(accounts(&shop, "client-17")[0]["status"], "pending");
    // Pending ones cannot be charged, with or without being named.
    shop.fails(&charge("client-17", &[]), "account_not_found");
    let pending = accounts(&shop, "client-17")[0]["id"].as_str().expect("an id").to_owned();
    shop.fails(&charge("client-17", &["--account", &pending]), "account_not_active");

    let account = bound(&shop, "client-17");
    assert!(account["payer_bank"].is_string() && account["link"].is_null(), "{account}");
    let payment = shop.json(&charge("client-17", &["--order", "s-12"]));
    assert_eq!((&payment["status"], &payment["account_id"]), (&json!("paid"), &account["id"]));
    assert_eq!((&payment["paid_kopecks"], &payment["order_id"]), (&json!(50_000), &json!("s-12")));
    assert_eq!(taken(&shop), [50_000]);
    let ran = shop.run(&["customer", "accounts", "list", "client-17"]);
    assert!(ran.out.contains("active") && ran.out.contains("Подписка"), "{}", ran.out);
}

#[test]
fn a_charge_run_again_for_one_order_is_one_charge() {
    let shop = shop();
    bound(&shop, "client-17");
    let first = shop.json(&charge("client-17", &["--order", "s-12"]));
    // A newer account is no other order.
    bound(&shop, "client-17");
    let again = shop.json(&charge("client-17", &["--order", "s-12"]));
    assert_eq!(first["id"], again["id"]);
    assert_eq!(taken(&shop), [50_000]);
    // The same order for another sum is a mistake, and nothing is taken.
    let other = ["customer", "accounts", "charge", "client-17", "501", "--purpose", "Декабрь"];
    let other: Vec<&str> = other.into_iter().chain(["--order", "s-12"]).collect();
    let fail = shop.fails(&other, "idempotency_key_reused");
    assert_eq!(fail["param"], "key");
    assert_eq!(taken(&shop), [50_000]);
    // Another customer's order of that number is another one.
    bound(&shop, "client-18");
    let his = shop.json(&charge("client-18", &["--order", "s-12"]));
    assert_ne!(his["id"], first["id"]);
    // A key that is named goes before the order; without both, every run is a charge.
    let keyed = shop.json(&charge("client-17", &["--order", "s-12", "--key", "second try"]));
    assert_ne!(keyed["id"], first["id"]);
    let same = shop.json(&charge("client-17", &["--order", "s-12", "--key", "second try"]));
    assert_eq!(keyed["id"], same["id"]);
    assert_ne!(
        shop.json(&charge("client-17", &[]))["id"],
        shop.json(&charge("client-17", &[]))["id"]
    );
    assert_eq!(taken(&shop), [50_000; 5]);
}

#[test]
fn a_charge_without_an_answer_is_told_and_not_repeated() {
    let shop = shop();
    bound(&shop, "client-17");
    let fault = r#"{"fault": "lose-reply", "times": 1, "path": "/ChargeQr"}"#;
    control(&shop, "faults", Some(fault));
    // The bank took it; asking tells.
    let payment = shop.json(&charge("client-17", &["--order", "s-12"]));
    assert_eq!(payment["status"], "paid", "{payment}");
    let again = shop.json(&charge("client-17", &["--order", "s-12"]));
    assert_eq!(again["id"], payment["id"]);
    assert_eq!(taken(&shop), [50_000]);
}

#[test]
fn a_declined_charge_is_told_with_its_reason() {
    let shop = shop();
    bound(&shop, "client-17");
    let all = control(&shop, "payments", None);
    let token = all["bindings"][0]["account_token"].as_str().expect("a token").to_owned();
    let body = json!({ "token": token, "state": "insufficient_funds" }).to_string();
    control(&shop, "tokens", Some(&body));
    let order = ["--order", "s-13"];
    let fail = shop.fails(&charge("client-17", &order), "declined_insufficient_funds");
    assert!(fail["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{fail}");
    // The same run again tells the same; money that came meanwhile is taken by another key.
    let body = json!({ "token": token, "state": "valid" }).to_string();
    control(&shop, "tokens", Some(&body));
    shop.fails(&charge("client-17", &order), "declined_insufficient_funds");
    let paid = shop.json(&charge("client-17", &["--order", "s-13", "--key", "s-13 again"]));
    assert_eq!(paid["status"], "paid");
    assert!(!shop.run(&["customer", "accounts", "list", "client-17"]).out.contains(&token));
}

#[test]
fn what_cannot_be_is_told_before_anything_is_asked() {
    let shop = shop();
    shop.fails(&["customer", "accounts", "bind", " ", "--purpose", "x"], "param_invalid");
    shop.fails(
        &["customer", "accounts", "charge", "c", "0.001", "--purpose", "x"],
        "usage_invalid",
    );
    shop.fails(&["customer", "accounts", "charge", "c", "-5", "--purpose", "x"], "usage_invalid");
    let card = "Карта 4300 0000 0000 0777";
    let fail = ["customer", "accounts", "bind", "c", "--purpose", card];
    shop.fails(&fail, "card_number_refused");
    shop.fails(&charge("c", &["--account", "acc_nobody"]), "account_not_found");
    assert!(taken(&shop).is_empty());
    let tochka = Shop::new();
    let bind = ["customer", "accounts", "bind", "c", "--purpose", "x", "--bank", "tochka"];
    let fail = tochka.run(&bind);
    assert_ne!(fail.code, 0, "{}", fail.out);
}

#[test]
fn an_account_that_is_taken_back_is_never_charged_again() {
    let shop = shop();
    let account = bound(&shop, "client-17");
    let id = account["id"].as_str().expect("an id");
    shop.fails(&["customer", "accounts", "remove", "client-18", id], "account_not_found");
    shop.fails(&["customer", "cards", "remove", "client-17", id], "card_not_found");
    let gone = shop.json(&["customer", "accounts", "remove", "client-17", id]);
    assert_eq!(gone["status"], "inactive");
    assert!(gone["withdrawn_at"].is_string(), "{gone}");
    shop.fails(&charge("client-17", &[]), "account_not_found");
    shop.fails(&charge("client-17", &["--account", id]), "account_not_active");
    let again = shop.json(&["customer", "accounts", "remove", "client-17", id]);
    assert_eq!(again["withdrawn_at"], gone["withdrawn_at"]);
    assert!(taken(&shop).is_empty());
    assert_eq!(shop.json(&["customer", "cards", "list", "client-17"])["cards"], json!([]));
    let card = ["customer", "cards", "charge", "client-17", "5", "--purpose", "x"];
    shop.fails(&card, "card_not_found");
}
