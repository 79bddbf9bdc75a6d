//! A payer in a real browser: opens the demo's link, goes to the bank, pays by a test card, comes
//! back. The server is killed on the way, as life does.

use std::time::Duration;

use crate::harness::{
    browser::Browser,
    process::{Folder, Kopeck, free_port, http, log_of, until_up},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_pays_in_a_browser_and_the_books_survive_a_kill() {
    let folder = Folder::new("browser");
    let kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
    let (server, bank) = (free_port(), free_port());
    let (server, bank) = (format!("127.0.0.1:{server}"), format!("127.0.0.1:{bank}"));
    let args = ["demo", "--data", "books", "--listen", &server, "--sandbox-listen", &bank];
    let mut demo = kopeck.start(&args, "demo.log");
    until_up(&http(), &format!("http://{server}/healthz")).await;
    let link = link_in(&kopeck, "demo.log").await;
    let pay_url = format!("{link}?lang=ru");

    let browser = Browser::start().await;
    browser.open(&pay_url).await;
    browser.see("5\u{a0}000,00").await;
    browser.screenshot("1-checkout").await;
    browser.click("a.button").await;
    browser.see("Эмулятор банка").await;
    browser.screenshot("2-bank").await;

    type_card(&browser, "2200 0000 0000 0020").await;
    // The bank announces no declines: it sends the payer back, and the link can be tried again.
    browser.see("Ждёт оплаты").await;
    assert!(browser.url().await.starts_with(&link), "back on our page");
    browser.screenshot("3-declined").await;

    // The server dies while the payer types, and is back before the card is charged.
    demo.kill();
    let mut demo = kopeck.start(&args, "demo.log");
    until_up(&http(), &format!("http://{server}/healthz")).await;
    until_up(&http(), &format!("http://{bank}/")).await;

    browser.open(&pay_url).await;
    browser.click("a.button").await;
    type_card(&browser, "2200 0000 0000 0004").await;
    browser.open(&pay_url).await;
    browser.see("Оплачено").await;
    browser.screenshot("4-paid").await;

    let id = link.rsplit('/').next().expect("an id");
    let shown = kopeck.json(&["payment", "show", id, "--json", "--data", "books"]);
    assert_eq!(shown["status"], "paid", "{shown}");
    assert_eq!(shown["paid_kopecks"], 500_000);
    let mut paid_events = 0;
    let timeline = kopeck.json(&["payment", "timeline", id, "--json", "--data", "books"]);
    let entries = timeline["timeline"].as_array().expect("entries");
    for entry in entries {
        paid_events += usize::from(entry["name"] == "payment.paid");
    }
    assert_eq!(paid_events, 1, "{timeline}");
    assert!(demo.is_alive(), "{}", log_of(&folder.0, "demo.log"));

    browser.open(&format!("http://{server}/docs")).await;
    browser.see("/v1/payments").await;
    browser.screenshot("5-docs").await;
    browser.open(&format!("http://{bank}/")).await;
    browser.see("2200").await;
    browser.screenshot("6-sandbox").await;
}

async fn type_card(browser: &Browser, number: &str) {
    browser.fill("#card [name=card]", number).await;
    browser.fill("#card [name=expiry]", "12/30").await;
    browser.fill("#card [name=cvc]", "123").await;
    browser.click("#card button").await;
}

/// The pay page that the demo prints.
async fn link_in(kopeck: &Kopeck, log: &str) -> String {
    for _ in 0..100 {
        let said = log_of(&kopeck.folder, log);
        let line = said.lines().find(|line| line.contains("/pay/pay_"));
        if let Some(url) = line.and_then(|line| line.split_whitespace().last()) {
            return url.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no link\n{}", log_of(&kopeck.folder, log));
}
