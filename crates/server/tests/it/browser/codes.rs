//! The page of a code, as a payer at a desk sees it and as one with a phone in the hand does; the
//! page of a place, with its posters.

use serde_json::Value;

use super::Counter;
use crate::{
    harness::{
        browser::{Browser, Screen},
        process::http,
    },
    qr::eye::Gray,
};

async fn code(counter: &Counter, amount: &str) -> (Value, String) {
    let args = ["qr", "create", "--amount", amount, "--purpose", "Консультация", "--json"];
    let made = counter.kopeck.json(&args);
    let url = made["pay_url"].as_str().expect("an address").to_owned();
    (made, format!("{url}?lang=ru"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

/// A payer may be on a slow line: the page with its code, its style, its script and its icon come in 20 KB, and
/// nothing else is asked for but the stream of its news.
async fn weigh(browser: &Browser) {
    let script = "return performance.getEntriesByType('navigation')\
                  .concat(performance.getEntriesByType('resource'))\
                  .map(it => [new URL(it.name).pathname, it.encodedBodySize, it.transferSize])";
    let loaded: Vec<(String, u64, u64)> =
        serde_json::from_str(&browser.ask(script).await).expect("sizes");
    let own = |(path, ..): &&(String, u64, u64)| !path.ends_with("/events");
    let paths: Vec<&str> = loaded.iter().filter(own).map(|(path, ..)| path.as_str()).collect();
    assert_eq!(
        paths[1..],
        ["/assets/page.css", "/assets/checkout.js", "/assets/icon.svg"],
        "{loaded:?}"
    );
    let bytes: u64 = loaded.iter().filter(own).map(|(_, body, wire)| (*body).max(*wire)).sum();
    assert!(bytes > 5_000 && bytes <= 20_000, "{bytes} bytes: {loaded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_desk_the_code_is_shown_and_the_page_watches() {
    let counter = Counter::open().await;
    let (payment, url) = code(&counter, "5000").await;
    let payload = text(&payment["qr"], "payload").to_owned();
    let browser = Browser::start_as(Screen::Desktop).await;
    browser.open(&url).await;
    browser.see("5\u{a0}000,00").await;
    assert!(browser.shows(".by-hand svg").await, "the code is there to be scanned");
    assert!(!browser.shows(".by-phone").await, "nobody opens an app at a desk");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        // What a camera before the screen would read, in either light.
        let seen = browser.screenshot(&format!("code-1-desktop-{scheme}")).await;
        Gray::from_png(&seen).must_read(&payload, scheme);
    }
    weigh(&browser).await;
    counter.pay(text(&payment, "bank_payment_id")).await;
    // Nobody touches the page.
    browser.see("Оплачено").await;
    assert!(!browser.shows(".code svg").await, "a paid code is not shown");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("code-2-desktop-paid-{scheme}")).await;
    }
    // A code that ended is not shown either.
    let (late, url) = code(&counter, "700").await;
    browser.open(&url).await;
    browser.see("700,00").await;
    let id = text(&late, "bank_payment_id");
    counter.kopeck.json(&["sandbox", "expire", id, "--at", &counter.sandbox(), "--json"]);
    assert!(browser.shows(".by-hand svg").await, "a transfer may be on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_the_bank_is_opened_and_the_page_watches() {
    let counter = Counter::open().await;
    let (payment, url) = code(&counter, "350.50").await;
    let payload = text(&payment["qr"], "payload").to_owned();
    let browser = Browser::start_as(Screen::Phone).await;
    browser.open(&url).await;
    browser.see("350,50").await;
    browser.see("Открыть приложение банка").await;
    assert!(browser.ask("return navigator.userAgent").await.contains("Mobile"), "no phone");
    assert!(!browser.shows(".by-hand").await, "nobody scans his own screen");
    let opens = browser.ask("return document.querySelector('.by-phone a').href").await;
    assert_eq!(opens, format!("\"{payload}\""), "the link is the code itself, letter for letter");
    assert!(browser.fits().await, "the page is wider than a phone");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("code-3-phone-{scheme}")).await;
    }
    // Another phone may scan it all the same.
    browser.click(".by-phone summary").await;
    let seen = browser.screenshot("code-4-phone-code").await;
    Gray::from_png(&seen).must_read(&payload, "unfolded");
    // The list of banks, and the way from a choice to that bank's app.
    browser.click(".by-phone .button.plain").await;
    browser.see("Сбербанк").await;
    assert!(browser.fits().await, "the list is wider than a phone");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("code-5-banks-{scheme}")).await;
    }
    let choice = browser.ask("return document.querySelector('.banks a').href").await;
    let choice: String = serde_json::from_str(&choice).expect("an address");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.no_proxy().build().expect("a client");
    let led = client.get(&choice).send().await.expect("an answer");
    let app = led.headers()["location"].to_str().expect("text").to_owned();
    let bank = choice.rsplit('/').next().expect("a bank").split('?').next().expect("a bank");
    assert_eq!(app, payload.replacen("https", bank, 1));
    browser.open(&url).await;
    browser.see("Открыть приложение банка").await;
    counter.pay(text(&payment, "bank_payment_id")).await;
    browser.see("Оплачено").await;
    assert!(!browser.shows(".by-phone").await);
    browser.screenshot("code-6-phone-paid-dark").await;
    assert_eq!(http().get(&url).send().await.expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_shows_its_code_and_its_posters() {
    let counter = Counter::open().await;
    let args = ["qr", "place", "create", "--name", "ресепшен, Тверская", "--json"];
    let place = counter.kopeck.json(&args);
    let browser = Browser::start_as(Screen::Desktop).await;
    browser.open(&format!("{}?lang=ru", text(&place, "page_url"))).await;
    browser.see("Сумму вводит покупатель").await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("place-1-desktop-{scheme}")).await;
    }
    let posters = browser.ask("return document.querySelectorAll('.poster a').length").await;
    assert_eq!(posters, "10", "five sizes, as PDF and as SVG");
    let phone = Browser::start_as(Screen::Phone).await;
    phone.open(&format!("{}?lang=ru", text(&place, "page_url"))).await;
    phone.see("Плакат A4").await;
    assert!(phone.fits().await, "the page is wider than a phone");
    phone.screenshot("place-2-phone").await;
}
