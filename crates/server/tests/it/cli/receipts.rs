//! `kopeck receipt`, and the receipts of links.

use super::bank::{Home, Shop, run_in};
use crate::harness::receipts::bad;

const GOOD: &str = r#"{"email": "a@example.ru", "items": [
    {"name": "Курс", "price": "4900.00", "vat": "none"}]}"#;

#[test]
fn a_file_is_checked_without_a_shop() {
    let shop = Shop::new();
    std::fs::write(shop.path("good.json"), GOOD).unwrap();
    let report = shop.json(&["receipt", "check", "good.json", "--bank", "tochka"]);
    assert_eq!((&report["ok"], &report["total"]), (&true.into(), &"4900.00".into()));
    shop.fails(&["receipt", "check", "good.json", "--amount", "1"], "receipt_invalid");
    shop.fails(&["receipt", "check", "absent.json"], "receipt_invalid");
}

#[test]
fn lines_presets_and_old_forms_make_a_links_receipt() {
    let shop = Shop::new();
    let link = |more: &[&str]| {
        let create = ["link", "create", "--amount", "4900", "--purpose", "Курс"];
        [&create[..], more].concat().iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let run = |more: &[&str]| {
        let args = link(more);
        shop.json(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let fails = |more: &[&str], code: &str| {
        let args = link(more);
        shop.fails(&args.iter().map(String::as_str).collect::<Vec<_>>(), code)
    };
    run(&["--item", "Курс;1;4900.00;none", "--email", "a@example.ru"]);
    let less = ["--discount", "450", "--delivery", "350"];
    run(&[&["--item", "Курс;1;5000.00;none", "--email", "a@example.ru"][..], &less].concat());
    let wrong = ["--item", "Курс;1;4800.00;none", "--email", "a@example.ru"];
    fails(&wrong, "receipt_total_mismatch");
    fails(&["--preset", "service", "--email", "a@example.ru"], "receipt_defaults_missing");
    let saved = shop.json(&["receipt", "defaults", "set", "--vat", "none,usn5@2027-01-01"]);
    assert_eq!(saved["defaults"]["vat"][1]["valid_from"], "2027-01-01");
    run(&["--preset", "service", "--email", "a@example.ru"]);
    run(&["--email", "a@example.ru"]);
    let old = r#"[{"name": "Курс", "quantity": 1, "price": 4900, "vat_code": 1}]"#;
    std::fs::write(shop.path("old.json"), old).unwrap();
    run(&["--receipt", "old.json", "--email", "a@example.ru"]);
    shop.fails(&["receipt", "defaults", "set", "--vat", "22"], "receipt_invalid");
    // A flag changes what it names.
    let set = |more: &[&str]| {
        shop.json(&[&["receipt", "defaults", "set"], more].concat())["defaults"].clone()
    };
    let supplier = "ООО Мир;+79991234567;7707083893";
    set(&["--counter-register", "--supplier", supplier, "--close-after-days", "10"]);
    let now = set(&["--taxation", "usn_income"]);
    assert_eq!((&now["counter_register"], &now["close_after_days"]), (&true.into(), &10.into()));
    assert_eq!(
        (&now["supplier"]["name"], &now["vat"][0]["vat"]),
        (&"ООО Мир".into(), &"none".into())
    );
    let now = set(&["--no-counter-register", "--no-supplier"]);
    assert_eq!((&now["counter_register"], &now["supplier"]), (&().into(), &().into()));
    assert_eq!(
        (set(&["--npd"])["taxpayer"].clone(), set(&["--no-npd"])["taxpayer"].clone()),
        ("npd".into(), ().into())
    );
}

#[test]
fn a_prepayment_is_listed_as_due_and_noted() {
    let shop = Shop::new();
    let item = "Курс;1;4900.00;none;service;full_prepayment";
    let create = ["link", "create", "--amount", "4900", "--purpose", "Курс", "--bank", "tochka"];
    let more = ["--item", item, "--email", "a@example.ru"];
    let link = shop.json(&[&create[..], &more].concat());
    let id = link["id"].as_str().unwrap();
    let list = |id: &str| shop.json(&["receipt", "list", id])["receipts"].clone();
    assert_eq!(list(id)[0]["status"], "queued");
    shop.fails(&["receipt", "close", id], "receipt_not_closable");
    shop.json(&["sandbox", "pay", link["bank_payment_id"].as_str().unwrap()]);
    let shown = shop.json(&["payment", "show", id]);
    assert_eq!(
        (&shown["status"], &shown["receipts"][0]["status"]),
        (&"paid".into(), &"sent".into())
    );
    assert_eq!(shop.json(&["receipt", "due"])["receipts"][0]["payment_id"], id);
    shop.fails(&["receipt", "close", id], "receipt_by_hand");
    shop.fails(&["receipt", "note", id, "--kind", "bill"], "usage_invalid");
    let noted = shop.json(&["receipt", "note", id, "--kind", "closing", "--number", "20124"]);
    assert_eq!(noted["fiscal"]["document_number"], "20124");
    assert_eq!(shop.json(&["receipt", "due"])["receipts"], serde_json::json!([]));
    let text = shop.run(&["payment", "show", id]).out;
    assert!(text.contains("closing receipt of"), "{text}");
}

#[test]
fn goods_come_back_by_name_and_what_is_due_is_settled() {
    let shop = Shop::new();
    let item = "Курс;2;2450.00;none;service;full_prepayment";
    let create = ["tochka-payment", "--action", "create-link", "--amount", "4900"];
    let more = ["--description", "Курс", "--item", item, "--email", "a@example.ru"];
    let more = [&more[..], &["--closes-on", "2030-01-31"]].concat();
    let link = shop.json(&[&create[..], &more].concat());
    let id = link["id"].as_str().unwrap();
    let shown = shop.json(&["payment", "show", id]);
    assert_eq!(shown["receipts"][0]["receipt"]["items"][0]["quantity"], "2");
    shop.json(&["sandbox", "pay", link["bank_payment_id"].as_str().unwrap()]);
    shop.json(&["payment", "show", id]);
    let due = shop.json(&["receipt", "due"])["receipts"][0].clone();
    assert_eq!(due["due_at"], "2030-01-31T06:00:00Z");
    shop.fails(&["payment", "refund", id, "--item", "Чай;1"], "param_invalid");
    let made = shop.json(&["payment", "refund", id, "--item", "курс;1", "--reason", "болезнь"]);
    assert_eq!(made["refund"]["amount"], "2450.00");
    let shown = shop.json(&["payment", "show", id]);
    assert_eq!(shown["receipts"][1]["receipt"]["items"][0]["quantity"], "1");
    let closing = shop.run(&["receipt", "close", id]);
    assert!(closing.err.contains("«Курс» 1 × 2450.00"), "{}", closing.err);
    assert_eq!(shop.json(&["receipt", "summary"])["upcoming"], 1);
    let receipt = due["id"].as_str().unwrap();
    shop.fails(&["receipt", "retry", receipt, "--reason", "x"], "receipt_not_retryable");
    shop.fails(&["receipt", "settle", receipt], "param_missing");
    let settled = shop.json(&["receipt", "settle", receipt, "--note", "курс не состоится"]);
    assert_eq!(settled["due_at"], serde_json::Value::Null);
    let text = shop.run(&["receipt", "summary"]).out;
    assert!(text.contains("No receipt needs anybody"), "{text}");
}

#[test]
fn the_check_names_what_the_api_refuses() {
    let home = Home::new();
    let around = ["--bank", "tbank", "--amount", "5000", "--on", "2026-11-21", "--ffd", "1.2"];
    for (code, receipt) in bad() {
        std::fs::write(home.path("bad.json"), receipt.to_string()).unwrap();
        let args = [&["receipt", "check", "bad.json", "--taxation", "usn_income"], &around[..]];
        let ran = run_in(&home, &args.concat());
        assert_eq!(ran.code, 1, "{code}: {}", ran.out);
        assert!(ran.out.contains(code), "{code}: {}", ran.out);
        let json = [&args.concat()[..], &["--json"]].concat();
        let report = run_in(&home, &json).json();
        let finding = report["findings"].as_array().unwrap().iter().find(|it| it["code"] == code);
        let finding = finding.unwrap_or_else(|| panic!("{code}: {report}"));
        for text in [&finding["ru"]["fix"], &finding["en"]["fix"], &finding["basis"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
    }
}
