//! `kopeck desk` against the sandbox: charge, paid, canceled, busy, links.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop};

/// A shop in SBP with one desk.
fn shop() -> (Shop, Value) {
    let shop = Shop::new();
    let fields = [
        ("--brand", "Кофейня"),
        ("--address", "ул. Малышева, д. 51"),
        ("--city", "Екатеринбург"),
        ("--region", "65"),
        ("--postcode", "620075"),
    ];
    let mut args = vec!["sbp", "setup", "--yes", "--no-code"];
    args.extend(fields.iter().flat_map(|(flag, value)| [*flag, *value]));
    shop.json(&args);
    let desk = shop.json(&["desk", "create", "Касса 1"]);
    assert_eq!((&desk["name"], &desk["status"]), (&json!("Касса 1"), &json!("active")));
    (shop, desk)
}

/// Somebody scans the desk's code and pays what it is armed with.
fn pay(shop: &Shop, desk: &Value) {
    let id = desk["code_id"].as_str().expect("a code");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("{}/_control/codes/{id}/pay?bank=tochka", shop.at);
        let body = r#"{"payer_name":"Иван Иванович И.","payer_phone":"+79161234567"}"#;
        let request = client.post(url).header("content-type", "application/json").body(body);
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{}", reply.text().await.expect("text"));
    });
}

fn sale(shop: &Shop) -> Value {
    shop.json(&["desk", "list"])["desks"][0]["sale"].clone()
}

#[test]
fn a_charge_waits_until_it_is_paid() {
    let (shop, desk) = shop();
    let args = ["desk", "charge", "1500", "--clerk", "Анна", "--json"];
    let child = shop.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut charging = Kid(child.expect("starts"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while sale(&shop)["status"] != "waiting" {
        assert!(Instant::now() < deadline, "it is not armed: {}", sale(&shop));
        std::thread::sleep(Duration::from_millis(100));
    }
    // The second clerk is told who has the desk.
    let fail = shop.fails(&["desk", "charge", "20", "--clerk", "Борис"], "desk_busy");
    assert!(fail["message"].as_str().is_some_and(|text| text.contains("Анна")), "{fail}");
    pay(&shop, &desk);
    let mut out = String::new();
    std::io::Read::read_to_string(&mut charging.0.stdout.take().expect("piped"), &mut out)
        .expect("readable");
    assert!(charging.0.wait().expect("it ends").success(), "{out}");
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(told["sale"]["status"], "paid");
    // Nobody takes notices here; asking about the arming tells the payer's phone alone.
    assert_eq!(told["payer"]["phone"], "***4567", "{told}");
    let id = told["sale"]["payment_id"].as_str().expect("a payment");
    let payment = shop.json(&["payment", "show", id]);
    assert_eq!((&payment["status"], &payment["place_id"]), (&json!("paid"), &desk["id"]));
}

#[test]
fn a_charge_that_nobody_pays_ends_with_a_code_of_its_own() {
    let (shop, _) = shop();
    shop.fails(&["desk", "cancel"], "desk_idle");
    let armed = shop.json(&["desk", "charge", "10", "--no-wait"]);
    assert_eq!(armed["sale"]["status"], "waiting");
    assert_eq!(shop.json(&["desk", "cancel"])["status"], "canceled");
    // Canceled by somebody else while one waits.
    let args = ["desk", "charge", "10", "--json"];
    let child = shop.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut charging = Kid(child.expect("starts"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while shop.run(&["desk", "cancel"]).code != 0 {
        assert!(Instant::now() < deadline, "there is nothing to cancel");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(charging.0.wait().expect("it ends").code(), Some(3));
    let ran = shop.run(&["desk", "list"]);
    assert!(ran.out.contains("Касса 1") && ran.out.contains("free"), "{}", ran.out);
    for amount in ["0.001", "-5", "abc"] {
        shop.fails(&["desk", "charge", amount], "usage_invalid");
    }
    shop.fails(&["desk", "charge", "5", "--desk", "Касса 7"], "desk_not_found");
    shop.json(&["desk", "create", "Касса 2"]);
    shop.fails(&["desk", "charge", "5"], "desk_ambiguous");
    shop.json(&["desk", "charge", "5", "--desk", "Касса 2", "--no-wait"]);
}

#[test]
fn a_link_is_made_listed_and_revoked() {
    let (shop, _) = shop();
    let link = shop.json(&["desk", "link", "--name", "Анна"]);
    let url = link["url"].as_str().expect("an address");
    assert!(url.rsplit('/').next().is_some_and(|token| token.len() == 32), "{url}");
    let id = link["id"].as_str().expect("an id");
    let listed = shop.json(&["desk", "links"]);
    assert_eq!(listed["links"][0], json!({"id": id, "name": "Анна", "revoked": false}));
    assert!(!listed.to_string().contains(url.rsplit('/').next().expect("a token")), "{listed}");
    shop.json(&["desk", "unlink", id]);
    assert_eq!(shop.json(&["desk", "links"])["links"][0]["revoked"], true);
    shop.fails(&["desk", "unlink", id], "desk_link_not_found");
}

#[test]
fn a_charge_with_a_key_is_one_sale_however_often_it_is_run() {
    let (shop, desk) = shop();
    let charge = |sum: &'static str, key: &'static str| {
        ["desk", "charge", sum, "--idempotency-key", key, "--no-wait"]
    };
    let first = shop.json(&charge("1500", "receipt-1"));
    assert_eq!(first["sale"]["status"], "waiting");
    assert_eq!(shop.json(&charge("1500", "receipt-1"))["sale"]["id"], first["sale"]["id"]);
    shop.fails(&charge("1501", "receipt-1"), "idempotency_key_reused");
    shop.fails(&charge("1500", "receipt-2"), "desk_busy");
    pay(&shop, &desk);
    // A run that waits goes on with the sale of the run that was cut off.
    let waited = shop.json(&["desk", "charge", "1500", "--idempotency-key", "receipt-1"]);
    assert_eq!(
        (&waited["sale"]["id"], &waited["sale"]["status"]),
        (&first["sale"]["id"], &json!("paid"))
    );
    assert_eq!(shop.json(&charge("1500", "receipt-1"))["sale"]["status"], "paid");
    let next = shop.json(&charge("1500", "receipt-2"));
    assert_ne!(next["sale"]["id"], first["sale"]["id"]);
    shop.fails(&charge("1", ""), "idempotency_key_invalid");
}
