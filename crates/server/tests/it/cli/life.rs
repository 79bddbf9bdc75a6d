//! A merchant's whole life at the command line, against the sandbox over real HTTP.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop, free_port, wait_for_port};

/// Makes a link and lets the payer pay it at the bank.
fn paid_link(shop: &Shop, amount: &str, order: &str) -> Value {
    let args = ["link", "create", "--amount", amount, "--purpose", "Заказ", "--order", order];
    let link = shop.json(&args);
    shop.json(&["sandbox", "pay", link["bank_payment_id"].as_str().expect("open at the bank")]);
    link
}

#[test]
fn from_init_to_the_timeline() {
    let shop = Shop::new();
    let made = shop.json(&["init", "--yes"]);
    assert_eq!((&made["bank"], &made["customer_code"]), (&json!("tochka"), &json!("300000092")));
    assert_eq!(
        (&made["merchant_id"], &made["notices"]),
        (&json!("200000000001056"), &json!("registered"))
    );
    assert!(made["api_key"].as_str().is_some_and(|key| key.starts_with("kpk_")), "{made}");
    // Again: the same connection, no second key, and the address is tested anew.
    let again = shop.json(&["init", "--yes"]);
    assert_eq!(again["connection_id"], made["connection_id"]);
    assert_eq!((&again["api_key"], &again["notices"]), (&Value::Null, &json!("registered_again")));

    let link = paid_link(&shop, "5000", "4711");
    let id = link["id"].as_str().expect("an id");
    assert_eq!((&link["status"], &link["amount_kopecks"]), (&json!("open"), &json!(500_000)));
    assert!(link["bank_url"].as_str().is_some_and(|url| url.starts_with(&shop.at)), "{link}");

    let report = shop.json(&["reconcile", "--since", "30d"]);
    let healed = &report["reconciled"][0]["report"]["healed"];
    assert_eq!((&healed[0]["payment_id"], &healed[0]["status"]), (&json!(id), &json!("paid")));
    let report = shop.json(&["reconcile", "--since", "30d"]);
    assert_eq!(report["reconciled"][0]["report"]["healed"], json!([]), "healed twice");

    // By its own id, by the order's, by the bank's and by the reference.
    let bank_id = link["bank_payment_id"].as_str().expect("an id");
    for name in [id, "4711", bank_id, link["reference"].as_str().expect("text")] {
        assert_eq!(shop.json(&["payment", "show", name])["status"], "paid", "{name}");
    }
    let back = shop.json(&["payment", "refund", "4711", "--amount", "1000", "--reason", "Брак"]);
    assert_eq!(
        (&back["refund"]["status"], &back["refund"]["reason"]),
        (&json!("succeeded"), &json!("Брак"))
    );
    assert_eq!(back["payment"]["refundable_kopecks"], 400_000);
    let fail =
        shop.fails(&["payment", "refund", "4711", "--amount", "4000.01"], "refund_too_large");
    assert_eq!(fail["param"], "amount");
    shop.json(&["payment", "refund", "4711"]);
    assert_eq!(shop.json(&["payment", "show", "4711"])["status"], "refunded");
    shop.fails(&["payment", "refund", "4711"], "refund_too_large");

    let story = shop.json(&["payment", "timeline", id]);
    let names: Vec<&str> = story["timeline"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|l| l["name"].as_str())
        .collect();
    for name in ["payment.created", "create_link", "payment.paid", "refund", "payment.refunded"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let text = shop.run(&["payment", "timeline", id, "--full"]).out;
    assert!(text.contains("acquiring/v1.0/payments"), "{text}");
    assert!(!text.contains(shop.var("TOCHKA_ACCESS_TOKEN")), "the token is in the timeline");
    let listed = shop.json(&["payment", "list", "--status", "refunded"]);
    assert_eq!(listed["payments"][0]["id"], id);
    assert_eq!(shop.json(&["link", "list", "--status", "open"])["payments"], json!([]));
    let tables = shop.run(&["payment", "list"]);
    assert!(tables.out.contains("refunded") && tables.out.contains('┌'), "{}", tables.out);
}

#[test]
fn a_link_is_shown_with_its_qr_code() {
    let shop = Shop::new();
    let ran = shop.run(&["link", "create", "--amount", "12.50", "--purpose", "Кофе", "--qr"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("12,50") && ran.out.contains("/order/?uuid="), "{}", ran.out);
    assert!(ran.out.contains("████ ▄▄▄▄▄ █"), "no QR code:\n{}", ran.out);
    let ran = shop.run(&["link", "create", "--amount", "1", "--purpose", "x"]);
    assert!(!ran.out.contains("████"), "a QR code in a pipe");
}

#[test]
fn a_hold_is_captured() {
    let shop = Shop::new();
    let args =
        ["link", "create", "--amount", "300", "--purpose", "Залог", "--hold", "--order", "h1"];
    let link = shop.json(&args);
    assert_eq!((&link["capture"], &link["methods"]), (&json!("manual"), &json!(["card"])));
    shop.fails(&["payment", "capture", "h1"], "payment_not_capturable");
    shop.json(&["sandbox", "pay", link["bank_payment_id"].as_str().expect("an id")]);
    assert_eq!(shop.json(&["payment", "show", "h1"])["status"], "authorized");
    assert_eq!(shop.json(&["payment", "capture", "h1"])["status"], "paid");
    assert_eq!(shop.json(&["payment", "capture", "h1"])["status"], "paid", "again is no error");
}

#[test]
fn wrong_amounts_and_words_are_refused_with_a_reason() {
    let shop = Shop::new();
    for amount in ["0.001", "5 000", "5000,00", "1e3", "-5", "NaN", "99999999999999"] {
        let args = ["link", "create", "--amount", amount, "--purpose", "x"];
        let fail = shop.fails(&args, "usage_invalid");
        assert!(fail["message"].as_str().is_some_and(|text| text.contains("amount")), "{fail}");
    }
    let create = |more: &[&'static str]| -> Vec<&'static str> {
        let base = ["link", "create", "--amount", "10", "--purpose", "x"];
        base.iter().chain(more).copied().collect()
    };
    shop.fails(&["link", "create", "--amount", "0", "--purpose", "x"], "amount_invalid");
    shop.fails(&["link", "create", "--amount", "1", "--purpose", ""], "purpose_invalid");
    shop.fails(&create(&["--ttl", "32d"]), "ttl_invalid");
    shop.fails(&create(&["--ttl", "30s"]), "usage_invalid");
    shop.fails(&create(&["--methods", "cash"]), "usage_invalid");
    shop.fails(&create(&["--success-url", "shop"]), "success_url_invalid");
    shop.fails(&create(&["--receipt", "absent.json"]), "receipt_invalid");
    shop.fails(&create(&["--order", "4111111111111111"]), "card_number_refused");
    fs::write(
        shop.path("receipt.json"),
        r#"{"email":"a@example.ru","items":[{"name":"Чай","price":"9.00","vat":"none"}]}"#,
    )
    .expect("write");
    shop.fails(&create(&["--receipt", "receipt.json"]), "receipt_total_mismatch");
    assert_eq!(shop.json(&["payment", "list"])["payments"], json!([]), "something was saved");
}

#[test]
fn two_payments_of_one_order_are_told_apart() {
    let shop = Shop::new();
    let first = paid_link(&shop, "10", "7");
    let second = paid_link(&shop, "10", "7");
    let fail = shop.fails(&["payment", "show", "7"], "payment_ambiguous");
    for link in [&first, &second] {
        let id = link["id"].as_str().expect("an id");
        assert!(fail["message"].as_str().is_some_and(|text| text.contains(id)), "{fail}");
        assert_eq!(shop.json(&["payment", "show", id])["status"], "paid");
    }
}

#[test]
fn the_old_script_changes_its_programs_name_only() {
    let mut shop = Shop::new();
    // As the script's users have it: SBP's merchant id, and no company.
    shop.set("TOCHKA_MERCHANT_ID", "MF0000000001");
    shop.set("TOCHKA_CUSTOMER_CODE", "");
    let act = |shop: &Shop, action: &str, more: &[&str]| {
        let mut args = vec!["tochka-payment", "--action", action];
        args.extend_from_slice(more);
        shop.run(&args)
    };
    let auth = act(&shop, "auth", &[]);
    assert_eq!((auth.code, auth.json()["usable"].clone()), (0, json!(true)));
    let retailers = act(&shop, "retailers", &[]).json();
    assert_eq!(retailers["retailers"].as_array().map(Vec::len), Some(3), "{retailers}");
    let made = act(
        &shop,
        "create-link",
        &[
            "--amount",
            "5000",
            "--description",
            "Оплата консультации",
            "--payment-mode",
            "card",
            "tinkoff",
        ],
    );
    assert_eq!(made.code, 0, "{}", made.err);
    let made = made.json();
    assert_eq!(
        (&made["purpose"], &made["methods"]),
        (&json!("Оплата консультации"), &json!(["card", "tpay"]))
    );
    let bank_id = made["bank_payment_id"].as_str().expect("an id");
    shop.json(&["sandbox", "pay", bank_id]);
    let status = act(&shop, "check-status", &["--payment-id", bank_id]).json();
    assert_eq!(status["status"], "paid");
    let listed = act(&shop, "list-payments", &[]).json();
    assert_eq!(listed["payments"][0]["bank_payment_id"], bank_id);
    assert_eq!(listed["payments"][0]["status"], "paid");
    assert_eq!(act(&shop, "create-link", &["--amount", "5"]).code, 2);
    assert_eq!(act(&shop, "create-qr", &["--amount", "5"]).code, 2);
    assert_eq!(act(&shop, "check-status", &[]).code, 2);
    // A payment that Kopeck has never seen, in an empty folder: the bank knows it.
    let there = shop.path("elsewhere");
    let there = there.to_str().expect("UTF-8");
    let seen = act(&shop, "check-status", &["--payment-id", bank_id, "--data", there]).json();
    assert_eq!((&seen["status"], &seen["amount"]), (&json!("paid"), &json!("5000.00")));
}

#[test]
fn a_new_token_in_the_environment_is_taken_up() {
    let mut shop = Shop::new();
    paid_link(&shop, "10", "1");
    let good = shop.var("TOCHKA_ACCESS_TOKEN").to_owned();
    shop.set("TOCHKA_ACCESS_TOKEN", "mistyped-token");
    shop.fails(&["retailers"], "bank_permission_missing");
    let link = ["link", "create", "--amount", "10", "--purpose", "x"];
    // Its own date is over: told without asking the bank.
    let ended = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4IiwiZXhwIjoxfQ.c2ln";
    shop.set("TOCHKA_ACCESS_TOKEN", ended);
    shop.fails(&link, "bank_token_expired");
    shop.set("TOCHKA_ACCESS_TOKEN", "eyJhbGciOiJSUzI1NiJ9.eyJpc3");
    shop.fails(&link, "bank_token_malformed");
    shop.set("TOCHKA_ACCESS_TOKEN", &good);
    // The refund goes through the connection that the payment was made with.
    shop.json(&["payment", "refund", "1"]);
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    shop.json(&["retailers"]);
}

#[test]
fn init_says_what_is_wrong_with_a_token() {
    let mut shop = Shop::new();
    let good = shop.var("TOCHKA_ACCESS_TOKEN").to_owned();
    let fail = shop.fails(&["init", "--yes", "--token", "wrong-token"], "bank_permission_missing");
    assert!(fail["hint"].as_str().is_some_and(|hint| hint.contains("revoked")), "{fail}");
    for state in ["expired", "revoked"] {
        shop.json(&["sandbox", "token", &good, "--state", state]);
        let ran = shop.run(&["init", "--yes"]);
        assert_eq!(ran.code, 1, "{state}: {}", ran.out);
        assert!(ran.out.contains("✗ The bank does not accept the token"), "{}", ran.out);
        assert!(ran.err.contains("error: ") && ran.err.contains("\nhint: "), "{}", ran.err);
        assert!(!ran.err.contains(&good), "the token is printed");
    }
    shop.json(&["sandbox", "token", &good, "--state", "valid"]);
    shop.fails(&["init", "--yes", "--token", &good[..40]], "bank_token_malformed");
    shop.fails(&["init", "--yes", "--token", &format!("Bearer {good}")], "bank_token_malformed");
    // {"exp": 1000000000}
    let ended = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjEwMDAwMDAwMDB9.c2ln";
    let fail = shop.fails(&["init", "--yes", "--token", ended], "bank_token_expired");
    assert!(fail["message"].as_str().is_some_and(|text| text.contains("2001")), "{fail}");
    let code = ["init", "--yes", "--customer-code"];
    shop.fails(&[&code[..], &["300000001"]].concat(), "customer_code_wrong");
    shop.fails(&[&code[..], &["399999999"]].concat(), "customer_code_wrong");
    let point = ["init", "--yes", "--merchant-id", "200000000001097"];
    shop.fails(&point, "merchant_id_wrong");
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    shop.fails(&["init", "--yes"], "bank_token_missing");
    assert_eq!(shop.json(&["keys", "list"])["keys"], json!([]), "a failed init saved something");
}

#[test]
fn init_finds_company_and_point_by_itself() {
    let mut shop = Shop::new();
    for name in ["TOCHKA_CUSTOMER_CODE", "TOCHKA_MERCHANT_ID", "TOCHKA_CLIENT_ID"] {
        shop.set(name, "");
    }
    let made = shop.json(&["init", "--yes", "--no-notices"]);
    assert_eq!(made["customer_code"], "300000092");
    assert_eq!(made["merchant_id"], "200000000001056");
    assert_eq!(made["notices"], "skipped");
}

#[test]
fn notices_are_registered_shown_tested_and_deleted() {
    let shop = Shop::new();
    let none = shop.json(&["notices", "show"]);
    assert_eq!((&none["url"], &none["is_ours"]), (&Value::Null, &json!(false)));
    shop.fails(&["notices", "test"], "notices_unregistered");
    let done = shop.json(&["notices", "register"]);
    assert_eq!(done["state"], "registered");
    let shown = shop.json(&["notices", "show"]);
    assert_eq!((&shown["url"], &shown["is_ours"]), (&done["url"], &json!(true)));
    assert_eq!(shop.json(&["notices", "test"])["delivered"], true);
    // Nobody answers there.
    let dead = format!("http://127.0.0.1:{}/x", free_port());
    let fail = shop.run(&["notices", "register", "--url", &dead, "--json"]);
    assert_eq!(fail.code, 1, "{}", fail.out);
    assert_eq!(shop.json(&["notices", "show"])["url"], done["url"], "the old address is lost");
    shop.json(&["notices", "delete"]);
    assert_eq!(shop.json(&["notices", "show"])["url"], Value::Null);
}

#[test]
fn the_server_and_the_commands_share_the_books() {
    let shop = Shop::new();
    shop.json(&["init", "--yes"]);
    let mut server = shop.command(&["serve"]);
    let mut server =
        Kid(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts"));
    wait_for_port(shop.port);
    let second = shop.run(&["serve", "--json"]);
    assert_eq!(second.fail()["code"], "address_taken");
    assert!(second.fail()["hint"].as_str().is_some_and(|hint| hint.contains("--listen")));
    let link = paid_link(&shop, "77", "s1");
    let id = link["id"].as_str().expect("an id");
    let deadline = Instant::now() + Duration::from_secs(20);
    // The sweep at the server's start may be first to see it paid; the notice comes all the same.
    loop {
        let story = shop.json(&["payment", "timeline", id]);
        let lines = story["timeline"].as_array().expect("lines");
        if lines.iter().any(|line| line["kind"] == "notice") {
            break;
        }
        assert!(Instant::now() < deadline, "the notice did not come: {story}");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(shop.json(&["payment", "list"])["payments"][0]["status"], "paid");
    shop.json(&["payment", "refund", "s1"]);
    #[cfg(unix)]
    {
        let pid = server.0.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().is_ok());
        let ended = server.0.wait().expect("it ends");
        assert!(ended.success(), "SIGTERM ended it with {ended}");
    }
}

#[test]
fn oauth_goes_through_the_banks_page() {
    let mut shop = Shop::new();
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    let redirect = format!("http://127.0.0.1:{}/back", free_port());
    let args = ["init", "--yes", "--oauth", "--no-notices", "--redirect-uri", &redirect, "--json"];
    let mut init = shop.command(&args);
    let init = init.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut init = Kid(init);
    let lines = BufReader::new(init.0.stderr.take().expect("piped")).lines();
    let url = lines.map_while(Result::ok).find(|line| line.contains("/connect/authorize?"));
    let url = url.expect("the page's address");
    // What the bank's page sends when the person agrees.
    let (page, query) = url.trim().split_once('?').expect("a query");
    let form = format!("{query}&decision=allow");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.post(page).body(form);
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).send().await.expect("an answer").text().await
    });
    assert!(answer.expect("text").contains("connected"), "the browser did not come back");
    let mut out = String::new();
    std::io::Read::read_to_string(&mut init.0.stdout.take().expect("piped"), &mut out)
        .expect("readable");
    assert!(init.0.wait().expect("it ends").success(), "{out}");
    let made: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(made["customer_code"], "300000092");
    shop.json(&["retailers"]);
    shop.json(&["link", "create", "--amount", "1", "--purpose", "x"]);
}

#[test]
fn demo_keeps_its_books_through_a_kill() {
    let shop = Shop::new();
    let (listen, bank) = (free_port(), free_port());
    let (at, bank_at) = (format!("127.0.0.1:{listen}"), format!("127.0.0.1:{bank}"));
    let start = || {
        let args = ["demo", "--listen", &at, "--sandbox-listen", &bank_at, "--data", "d"];
        let mut demo = shop.command(&args);
        let mut demo =
            Kid(demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts"));
        let lines = BufReader::new(demo.0.stdout.take().expect("piped")).lines();
        let mut text = String::new();
        for line in lines.map_while(Result::ok) {
            text.push_str(&line);
            text.push('\n');
            if line.contains("Ctrl-C") {
                break;
            }
        }
        (demo, text)
    };
    let (demo, text) = start();
    assert!(
        text.contains("/order/?uuid=") && text.contains("Authorization: Bearer kpk_"),
        "{text}"
    );
    let listed = shop.json(&["payment", "list", "--data", "d"]);
    let bank_id = listed["payments"][0]["bank_payment_id"].as_str().expect("an id").to_owned();
    shop.json(&["sandbox", "pay", &bank_id, "--at", &format!("http://{bank_at}")]);
    drop(demo);
    let (_demo, again) = start();
    let key = |text: &str| text.split("Bearer ").nth(1).map(|rest| rest[..44].to_owned());
    assert_eq!(key(&text), key(&again), "the key changed");
    // Paid before the kill: whatever became of the notice, the books are right.
    let shown = shop.json(&["payment", "show", &bank_id, "--data", "d"]);
    assert_eq!(shown["status"], "paid");
}

#[test]
fn the_same_life_at_the_other_bank() {
    let mut shop = Shop::new();
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    let good = shop.var("TBANK_PASSWORD").to_owned();
    shop.set("TBANK_PASSWORD", "another");
    assert_eq!(shop.run(&["init", "--bank", "tbank", "--yes"]).code, 1);
    shop.set("TBANK_PASSWORD", &good);
    let made = shop.json(&["init", "--bank", "tbank", "--yes"]);
    assert_eq!((&made["bank"], &made["notices"]), (&json!("tbank"), &json!("with_each_payment")));
    let again = shop.json(&["init", "--bank", "tbank", "--yes"]);
    assert_eq!(again["connection_id"], made["connection_id"]);
    let args = ["link", "create", "--amount", "5000", "--purpose", "Заказ", "--order", "4711"];
    let link = shop.json(&[&args[..], &["--bank", "tbank", "--hold"]].concat());
    let id = link["bank_payment_id"].as_str().expect("open at the bank");
    shop.json(&["sandbox", "pay", id]);
    let taken = shop.json(&["payment", "capture", "4711", "--amount", "3000"]);
    assert_eq!((&taken["status"], &taken["paid_kopecks"]), (&json!("paid"), &json!(300_000)));
    let back = shop.json(&["payment", "refund", "4711", "--amount", "1000"]);
    assert_eq!(back["refund"]["status"], "succeeded");
    let report = shop.json(&["reconcile", "--since", "30d"]);
    assert_eq!(report["reconciled"][0]["report"]["healed"], json!([]));
    let args = ["link", "create", "--amount", "50", "--purpose", "Заказ", "--order", "4712"];
    let link = shop.json(&[&args[..], &["--hold"]].concat());
    shop.json(&["sandbox", "pay", link["bank_payment_id"].as_str().expect("open")]);
    assert_eq!(shop.json(&["payment", "cancel", "4712"])["status"], "canceled");
}
