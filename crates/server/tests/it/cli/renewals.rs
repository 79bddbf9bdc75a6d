//! Four hundred days in a minute: a server that lives by the sandbox's clock, driven from the
//! command line; then what is printed of it.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop, wait_for_port};

pub(super) fn serve(shop: &Shop) -> Kid {
    let mut server = shop.command(&["serve", "--sandbox", &shop.at]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    wait_for_port(shop.port);
    Kid(server)
}

/// Looks until it is so: the server does its work beside us.
#[track_caller]
pub(super) fn until(what: &str, mut look: impl FnMut() -> Option<Value>) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(super) fn subscribed(shop: &Shop) -> String {
    shop.json(&["init", "--bank", "tbank", "--yes"]);
    shop.json(&["plan", "create", "start", "--amount", "2450", "--name", "Подписка START"]);
    let args = [
        "subscription",
        "create",
        "start",
        "--customer",
        "client-17",
        "--collection",
        "charge",
        "--consent",
        "offer-1",
        "--save",
        "card",
        "--bank",
        "tbank",
    ];
    let made = shop.json(&args);
    let id = made["id"].as_str().expect("an id").to_owned();
    let tries = &made["period"]["payments"];
    let payment = shop.json(&["payment", "show", tries[0]["payment_id"].as_str().expect("one")]);
    let at_bank = payment["bank_payment_id"].as_str().expect("open at the bank").to_owned();
    shop.json(&["sandbox", "pay", &at_bank, "--method", "card"]);
    id
}

#[test]
fn four_hundred_days_are_thirteen_charges_each_once_and_in_order() {
    let mut shop = Shop::new();
    let id = subscribed(&shop);
    let _server = serve(&shop);
    shop.json(&["sandbox", "clock", "advance", "10m"]);
    until("the first payment is heard of and saves the card", || {
        let shown = shop.json(&["subscription", "show", &id]);
        let now = &shown["subscription"];
        (now["status"] == "active" && now["card_id"].is_string()).then(|| shown.clone())
    });
    let from = Instant::now();
    let clock = shop.json(&["sandbox", "clock", "advance", "400d"]);
    assert_eq!(clock["offset_ms"], clock["target_offset_ms"], "{clock}");
    eprintln!("400 days in {:?}", from.elapsed());
    let evidence = shop.json(&["evidence", "client-17", "--pdf", "evidence.pdf"]);
    let payments = evidence["payments"].as_array().expect("payments");
    let charges: Vec<&Value> = payments.iter().filter(|it| it["is_charge"] == true).collect();
    assert_eq!(charges.len(), 13, "{charges:#?}");
    assert!(charges.iter().all(|it| it["status"] == "paid" && it["amount_kopecks"] == 245_000));
    let numbers: Vec<i64> = charges.iter().map(|it| it["period"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (2..=14).collect::<Vec<i64>>(), "each once, in order");
    let periods = evidence["subscriptions"][0]["periods"].as_array().expect("periods");
    assert_eq!(periods.len(), 14);
    for period in periods {
        assert_eq!(period["status"], "paid");
        assert_eq!(period["payments"].as_array().unwrap().len(), 1, "{period}");
        // Charged on its day, not when the four hundred days were over.
        let (start, paid) =
            (period["start"].as_str().unwrap(), period["paid_at"].as_str().unwrap());
        assert_eq!(start[..10], paid[..10], "{period}");
    }
    let mut paid: Vec<&str> = charges.iter().map(|it| it["paid_at"].as_str().unwrap()).collect();
    let told = paid.clone();
    paid.sort_unstable();
    paid.dedup();
    assert_eq!((paid.len(), &paid), (13, &told), "one after the other");
    let month = &charges[12]["paid_at"].as_str().unwrap()[..7];
    // By the machine's clock that is far ahead: the command lives by the sandbox's.
    shop.set("KOPECK_SERVE_SANDBOX", &shop.at.clone());
    let told = shop.json(&["subscription", "metrics"]);
    let months = told["months"].as_array().expect("months");
    assert_eq!((months.len(), &months[11]["active"]), (12, &json!(1)), "{told}");
    assert!(months.iter().all(|it| it["paid_kopecks"] == 245_000 && it["mrr_kopecks"] == 245_000));
    let table = shop.run(&["subscription", "metrics", "--to", month]);
    assert!(table.out.contains('┌') && table.out.contains(month), "{}", table.out);
    read_pdf(&shop);
}

/// The evidence as a foreign program reads it, where there is one.
fn read_pdf(shop: &Shop) {
    let pdf = fs::read(shop.path("evidence.pdf")).expect("written");
    assert!(pdf.starts_with(b"%PDF-1.7"));
    let mut read = Command::new("pdftotext");
    let read = read.arg("-layout").arg(shop.path("evidence.pdf")).arg("-").output();
    let Some(read) = read.ok().filter(|it| it.status.success()) else { return };
    let text = String::from_utf8_lossy(&read.stdout).into_owned();
    for part in ["Согласия и списания: client-17", "offer-1", "2 450,00", "Подписка продлена"]
    {
        let plain = text.replace(['\u{a0}', '\u{202f}'], " ");
        assert!(plain.contains(part), "{part} is not in the PDF:\n{text}");
    }
    assert!(text.contains("2 / "), "more than one page");
}
