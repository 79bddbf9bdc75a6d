//! The demo as its reader tries it: the printed link is opened and paid in a browser.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::bank::{Home, Kid, command, free_port, run_in};
use crate::harness::browser::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_link_is_paid_in_a_browser() {
    let (home, own, bank) = (Home::new(), free_port(), free_port());
    let (own, bank) = (format!("127.0.0.1:{own}"), format!("127.0.0.1:{bank}"));
    let args = ["demo", "--listen", &own, "--sandbox-listen", &bank, "--data", "d"];
    let demo = command(&home, &args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut demo = Kid(demo.expect("the demo starts"));
    let mut lines = BufReader::new(demo.0.stdout.take().expect("piped")).lines();
    let mut link = |word: &str| {
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains(word));
        let line = line.expect("the link is printed");
        line.split_whitespace().last().expect("an address").to_owned()
    };
    let page = link("/pay/");
    let bank_page = link("/order/?uuid=");
    let browser = Browser::start().await;
    browser.open(&page).await;
    browser.see("5\u{a0}000,00").await;
    browser.open(&bank_page).await;
    browser.fill("#card [name=card]", "2200 0000 0000 0004").await;
    browser.fill("#card [name=expiry]", "12/30").await;
    browser.fill("#card [name=cvc]", "123").await;
    browser.click("#card button").await;
    // Our own page follows the bank's notice by itself.
    browser.open(&format!("{page}?lang=ru")).await;
    browser.see("Оплачено").await;
    browser.screenshot("demo-paid").await;
    assert!(browser.url().await.starts_with(&page));
    let listed = run_in(&home, &["payment", "list", "--data", "d", "--json"]).json();
    assert_eq!(listed["payments"][0]["status"], "paid");
}
