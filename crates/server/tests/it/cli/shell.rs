//! Help, completions, the demo, notices explained: what needs no bank beside.

use std::{fs, path::PathBuf};

use kopeck_banks::tbank::token::{self, Scope};
use serde_json::{Value, json};

use super::bank::{Home, Shop, run_in};

/// Every command that a person may type, with a word of its help.
const COMMANDS: &[(&[&str], &str)] = &[
    (&[], "Kopeck takes payments"),
    (&["init"], "--customer-code"),
    (&["link"], "create"),
    (&["link", "create"], "--purpose"),
    (&["link", "show"], "QR"),
    (&["link", "list"], "--status"),
    (&["payment"], "timeline"),
    (&["payment", "show"], "order id"),
    (&["payment", "list"], "--limit"),
    (&["payment", "refund"], "--reason"),
    (&["payment", "capture"], "held"),
    (&["payment", "cancel"], "Release"),
    (&["payment", "timeline"], "--full"),
    (&["retailers"], "acquiring"),
    (&["customers"], "companies"),
    (&["notices"], "register"),
    (&["notices", "register"], "--url"),
    (&["notices", "show"], "address"),
    (&["notices", "test"], "--kind"),
    (&["notices", "delete"], "Delete"),
    (&["notice", "explain"], "--jwk"),
    (&["qr"], "print"),
    (&["qr", "print"], "--per-sheet"),
    (&["reconcile"], "--since"),
    (&["keys"], "revoke"),
    (&["keys", "create"], "once"),
    (&["webhook", "add"], "secret"),
    (&["webhook", "edit"], "--skip-missed"),
    (&["webhook", "rotate"], "--overlap"),
    (&["deliveries", "retry"], "--failed-of"),
    (&["events", "replay"], "--since"),
    (&["listen"], "--forward-to"),
    (&["serve"], "--listen"),
    (&["sandbox"], "fault"),
    (&["demo"], "--once"),
    (&["tochka-payment"], "--action"),
    (&["completions"], "bash"),
];

#[test]
fn every_command_explains_itself() {
    let home = Home::new();
    for (command, word) in COMMANDS {
        let mut args = command.to_vec();
        args.push("--help");
        let ran = run_in(&home, &args);
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.err);
        assert!(ran.out.contains(word), "{command:?} does not say {word}:\n{}", ran.out);
        for flag in ["--json", "--config", "--database", "--data"] {
            assert!(ran.out.contains(flag), "{command:?} does not take {flag}");
        }
    }
}

#[test]
fn a_senseless_command_line_ends_with_2_and_in_json_for_programs() {
    let home = Home::new();
    for args in [&["pay"][..], &["link", "create"], &["link", "create", "--amount", "5 000"]] {
        assert_eq!(run_in(&home, args).code, 2, "{args:?}");
        let with_json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = run_in(&home, &with_json);
        assert_eq!((ran.code, ran.fail()["code"].clone()), (2, json!("usage_invalid")), "{args:?}");
    }
}

#[test]
fn completions_know_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run_in(&home, &["completions", shell]);
        assert_eq!(ran.code, 0, "{shell}: {}", ran.err);
        assert!(ran.out.contains("tochka-payment") && ran.out.contains("reconcile"), "{shell}");
    }
}

#[test]
fn the_demo_tells_its_story_and_ends_well() {
    let home = Home::new();
    let ran = run_in(&home, &["demo", "--once"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for word in ["payment.paid", "acquiringInternetPayment", "refund.succeeded", "1\u{a0}000,00"] {
        assert!(ran.out.contains(word), "{word} is missing:\n{}", ran.out);
    }
    assert!(!home.path("kopeck-data").exists(), "the story left something behind");
    let told = run_in(&home, &["demo", "--once", "--json"]).json();
    assert_eq!(told["payment"]["status"], "partially_refunded");
    assert_eq!(told["payment"]["refundable_kopecks"], 400_000);
    let steps = told["steps"].as_array().expect("steps");
    assert!(steps.len() >= 6 && steps.iter().all(|step| step["ok"] == true), "{steps:?}");
}

fn fixture(name: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../banks/src/tochka/fixtures").join(name)
}

#[test]
fn a_real_notice_is_explained_without_a_network_or_a_database() {
    let home = Home::new();
    for (name, field, meaning) in [
        ("acquiringInternetPayment-card", "operationId", "the bank's id of the payment"),
        ("acquiringInternetPayment-sbp", "purpose", "what the payment is for"),
        ("incomingPayment", "SidePayer.name", "who paid"),
        ("incomingSbpPayment", "qrcId", "QR code"),
    ] {
        let file = fixture(&format!("{name}.jwt"));
        let file = file.to_str().expect("UTF-8");
        let ran = run_in(&home, &["notice", "explain", file]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert!(ran.out.contains("The signature is good"), "{name}: {}", ran.out);
        let told = run_in(&home, &["notice", "explain", file, "--json"]).json();
        let kind = name.split('-').next().expect("a name");
        assert_eq!((&told["signature"], &told["kind"]), (&json!("good"), &json!(kind)), "{name}");
        let fields = told["fields"].as_array().expect("fields");
        let found = fields.iter().find(|it| it["name"] == field).expect(field);
        let about = found["about"].as_str().expect("text");
        assert!(about.contains(meaning), "{name} {field}: {about}");
        let key = fixture("public-key.jwk.json");
        let with_key = ["notice", "explain", file, "--jwk", key.to_str().expect("UTF-8")];
        assert_eq!(run_in(&home, &with_key).code, 0, "{name}");
    }
    assert!(!home.path("kopeck-data").exists(), "explaining made a data folder");
}

#[test]
fn a_notice_of_tbank_is_explained_with_the_terminal_s_password() {
    let home = Home::new();
    let body = r#"{"TerminalKey":"TinkoffBankTest","OrderId":"4711-A","Success":true,
        "Status":"CONFIRMED","PaymentId":8111987112,"ErrorCode":"0","Amount":123450,
        "Pan":"430000******0777","Data":{"Route":"ACQ","Source":"cards"}}"#;
    let genuine = token::sign(body, "TinkoffBankTest", Scope::All);
    fs::write(home.path("genuine"), &genuine).expect("write");
    fs::write(home.path("forged"), genuine.replace("123450", "923450")).expect("write");
    fs::write(home.path("unsigned"), body).expect("write");
    let explain = |file: &str, password: &str, more: &[&str]| {
        let args = ["notice", "explain", "--bank", "tbank", "--password", password, file];
        run_in(&home, &[args.as_slice(), more].concat())
    };
    let ran = explain("genuine", "TinkoffBankTest", &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("The signature is good: the terminal's password"), "{}", ran.out);
    assert!(ran.out.contains("the sum in kopecks") && ran.out.contains("4711-A"), "{}", ran.out);
    let told = explain("genuine", "TinkoffBankTest", &["--json"]).json();
    assert_eq!(
        (&told["signature"], &told["kind"]),
        (&json!("good"), &json!("NotificationPayment"))
    );
    let fields = told["fields"].as_array().expect("fields");
    let value = |name: &str| fields.iter().find(|it| it["name"] == name).map(|it| &it["value"]);
    assert_eq!(value("PaymentId"), Some(&json!("8111987112")));
    assert_eq!(value("Token"), None);
    for (file, password) in
        [("forged", "TinkoffBankTest"), ("unsigned", "TinkoffBankTest"), ("genuine", "another")]
    {
        let ran = explain(file, password, &[]);
        assert_eq!(ran.code, 1, "{file} {password}");
        assert!(ran.out.contains("not good") && !ran.out.contains("is good"), "{}", ran.out);
        assert!(ran.out.contains("Anybody may have written") && ran.out.contains("4711-A"));
        assert!(ran.err.contains("the password of the terminal"), "{}", ran.err);
        let told = explain(file, password, &["--json"]);
        assert_eq!((told.code, &told.json()["signature"]), (1, &json!("bad")), "{file}");
        assert_eq!(told.fail()["code"], "notice_forged", "{file}");
        let printed = format!("{}{}", ran.out, ran.err);
        assert!(!printed.contains(password) || password == "TinkoffBankTest", "{printed}");
    }
    for garbage in ["", "hello", "[]", "eyJhbGciOiJub25lIn0.e30.", "{\"Amount\":1,\"Amount\":2}"] {
        fs::write(home.path("body"), garbage).expect("write");
        let ran = explain("body", "TinkoffBankTest", &["--json"]);
        assert_eq!((ran.code, &ran.fail()["code"]), (1, &json!("notice_malformed")), "{garbage}");
    }
    let ran = run_in(&home, &["notice", "explain", "--bank", "tbank", "genuine", "--json"]);
    assert_eq!((ran.code, &ran.fail()["code"]), (1, &json!("password_missing")));
    assert!(!home.path("kopeck-data").exists(), "explaining made a data folder");
}

#[test]
fn a_forged_notice_is_told_from_a_real_one() {
    let home = Home::new();
    let real = fs::read_to_string(fixture("acquiringInternetPayment-card.jwt")).expect("read");
    let parts: Vec<&str> = real.trim().split('.').collect();
    let other = fs::read_to_string(fixture("acquiringInternetPayment-sbp.jwt")).expect("read");
    let foreign = other.trim().split('.').nth(1).expect("a payload");
    for (name, body) in [
        ("payload", format!("{}.{foreign}.{}", parts[0], parts[2])),
        ("unsigned", format!("eyJhbGciOiJub25lIn0.{}.", parts[1])),
        ("signature", format!("{}.{}.{}", parts[0], parts[1], "A".repeat(parts[2].len()))),
    ] {
        fs::write(home.path("body"), body).expect("write");
        let ran = run_in(&home, &["notice", "explain", "body"]);
        assert_eq!(ran.code, 1, "{name}");
        assert!(ran.out.contains("not good") && !ran.out.contains("is good"), "{}", ran.out);
        assert!(ran.err.contains("hint:"), "{}", ran.err);
        let told = run_in(&home, &["notice", "explain", "body", "--json"]);
        assert_eq!(told.json()["signature"], "bad", "{name}");
        assert_eq!(told.fail()["code"], "notice_forged", "{name}");
    }
    for garbage in ["", "hello", "{\"status\":\"PAID\"}"] {
        fs::write(home.path("body"), garbage).expect("write");
        let ran = run_in(&home, &["notice", "explain", "body", "--json"]);
        assert_eq!((ran.code, &ran.fail()["code"]), (1, &Value::from("notice_malformed")));
    }
    let ran = run_in(&home, &["notice", "explain", "absent", "--json"]);
    assert_eq!(ran.fail()["code"], "file_unreadable");
    fs::write(home.path("key"), "{}").expect("write");
    let ran = run_in(&home, &["notice", "explain", "body", "--jwk", "key", "--json"]);
    assert_eq!(ran.fail()["code"], "jwk_invalid");
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let home = Home::new();
    let made = run_in(&home, &["keys", "create", "Site", "--json"]).json();
    let text = made["key"].as_str().expect("a key");
    assert!(text.starts_with("kpk_") && text.len() > 40, "{text}");
    let listed = run_in(&home, &["keys", "list", "--json"]);
    assert!(!listed.out.contains(text), "a list shows keys in clear");
    assert_eq!(listed.json()["keys"][0]["name"], "Site");
    assert_eq!(run_in(&home, &["keys", "revoke", "Site"]).code, 0);
    assert!(run_in(&home, &["keys", "list", "--json"]).json()["keys"][0]["revoked_at"].is_string());
    let again = run_in(&home, &["keys", "revoke", "Site", "--json"]);
    assert_eq!((again.code, &again.fail()["code"]), (1, &json!("key_not_found")));
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    assert_eq!(run_in(&home, &["keys", "list"]).code, 0);
    let mode = fs::metadata(home.path("kopeck-data")).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn without_a_bank_each_command_says_what_to_do() {
    let home = Home::new();
    for args in [
        &["retailers"][..],
        &["customers"],
        &["link", "create", "--amount", "1", "--purpose", "x"],
        &["notices", "show"],
        &["reconcile"],
    ] {
        let with_json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = run_in(&home, &with_json);
        assert_eq!((ran.code, &ran.fail()["code"]), (1, &json!("bank_not_connected")), "{args:?}");
        let ran = run_in(&home, args);
        assert!(ran.err.contains("error: No bank") && ran.err.contains("\nhint: "), "{}", ran.err);
        assert!(!ran.err.contains('\u{1b}'), "colour in a pipe: {}", ran.err);
    }
    let ran = run_in(&home, &["payment", "show", "pay_nothing", "--json"]);
    assert_eq!(ran.fail()["code"], "payment_not_found");
}

#[test]
fn a_fault_is_set_at_the_bank_that_is_named_and_ended_at_both() {
    let shop = Shop::new();
    let link = ["link", "create", "--amount", "100", "--purpose", "Чай", "--bank", "tbank"];
    let told = shop.json(&["sandbox", "fault", "status:400", "--bank", "tbank", "--path", "/Init"]);
    assert_eq!(told["faults"].as_array().map(Vec::len), Some(1), "{told}");
    let told = shop.json(&["sandbox", "fault", "lose-notice"]);
    assert_eq!(told["faults"].as_array().map(Vec::len), Some(1), "Tochka's own: {told}");
    shop.json(&["sandbox", "faults", "clear"]);
    assert_eq!(shop.json(&link)["bank"], "tbank");
    let ran = shop.run(&["sandbox", "fault", "clear", "--bank", "sber"]);
    assert!(ran.code != 0 && ran.err.contains("tochka and tbank"), "{}", ran.err);
}
