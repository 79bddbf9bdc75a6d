//! A payer in a real browser: opens the demo's link, goes to the bank, pays by a test card, comes
//! back. The server is killed on the way, as life does.

mod access;
mod codes;
mod dashboard;

use std::time::Duration;

use crate::harness::{
    browser::Browser,
    process::{Folder, Kopeck, Process, free_port, http, log_of, until_up},
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
    browser.arrive(&link).await;
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

/// A shop in SBP with one desk, served beside the sandbox.
struct Counter {
    kopeck: Kopeck,
    bank: String,
    _folder: Folder,
    _processes: (Process, Process),
}

impl Counter {
    async fn open() -> Counter {
        let folder = Folder::new("desk-browser");
        let mut kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
        let (server, bank) = (free_port(), free_port());
        let (server, bank) = (format!("127.0.0.1:{server}"), format!("127.0.0.1:{bank}"));
        let sandbox = kopeck.start(&["sandbox", "--listen", &bank], "sandbox.log");
        until_up(&http(), &format!("http://{bank}/")).await;
        let at = format!("http://{bank}");
        let env = kopeck.json(&["sandbox", "env", "--at", &at, "--json"]);
        let env = env.as_object().expect("variables").iter();
        kopeck.env = env
            .filter(|(name, _)| name.starts_with("TOCHKA_"))
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()))
            .collect();
        kopeck.env.push(("KOPECK_SERVER_LISTEN".to_owned(), server.clone()));
        let place = ["--brand", "Кофейня", "--address", "Мира, 1", "--city", "Пермь"];
        let more = ["--region", "57", "--postcode", "614000", "--yes", "--no-code", "--json"];
        kopeck.json(&[&["sbp", "setup"], &place[..], &more[..]].concat());
        let serve = kopeck.start(&["serve", "--listen", &server], "serve.log");
        until_up(&http(), &format!("http://{server}/healthz")).await;
        kopeck.json(&["notices", "register", "--json"]);
        Counter { kopeck, bank, _folder: folder, _processes: (sandbox, serve) }
    }

    fn sandbox(&self) -> String {
        format!("http://{}", self.bank)
    }

    async fn pay(&self, code_id: &str) {
        let url = format!("http://{}/_control/codes/{code_id}/pay?bank=tochka", self.bank);
        let body = r#"{"payer_name":"Иван Иванович И.","payer_phone":"+79161234567"}"#;
        let request = http().post(url).header("content-type", "application/json").body(body);
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{}", reply.text().await.expect("text"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_charges_in_a_browser() {
    let counter = Counter::open().await;
    let desk = counter.kopeck.json(&["desk", "create", "Касса 1", "--json"]);
    let link = counter.kopeck.json(&["desk", "link", "--name", "Анна", "--json"]);
    let browser = Browser::start().await;
    browser.open(link["url"].as_str().expect("an address")).await;
    browser.see("Касса свободна").await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("desk-1-free-{scheme}")).await;
    }
    browser.fill("[name=amount]", "много").await;
    browser.click("form .button").await;
    browser.see("Сумма не читается").await;
    browser.screenshot("desk-2-wrong-dark").await;
    browser.fill("[name=amount]", "1 500,50").await;
    browser.fill("[name=purpose]", "Кофе и торт").await;
    browser.click("form .button").await;
    browser.see("Ждёт оплаты").await;
    browser.see("1\u{a0}500,50").await;
    for scheme in ["dark", "light"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("desk-3-waiting-{scheme}")).await;
    }
    counter.pay(desk["code_id"].as_str().expect("a code")).await;
    // The page hears of it by itself and sounds once.
    browser.see("Оплачено").await;
    browser.see("***4567").await;
    let rang = browser.ask("return document.documentElement.dataset.rang").await;
    assert_eq!(rang, "\"1\"");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("desk-4-paid-{scheme}")).await;
    }
    browser.fill("[name=amount]", "20").await;
    browser.click("form .button").await;
    browser.see("Ждёт оплаты").await;
    browser.click("form .button.plain").await;
    browser.see("Отменено").await;
    browser.screenshot("desk-5-canceled-dark").await;
    assert!(browser.fits().await, "the page is wider than a phone");
    // The form sent twice by a hasty finger is one sale.
    browser.fill("[name=amount]", "35").await;
    let twice = "const form = document.querySelector('form'); const send = () => fetch(form.action, \
                 {method: 'POST', body: new URLSearchParams(new FormData(form))}); \
                 return Promise.all([send(), send()]).then(all => all.map(it => it.status).join())";
    assert_eq!(browser.ask(twice).await, "\"200,200\"");
    let sales = counter.kopeck.json(&["desk", "list", "--json"]);
    assert_eq!(sales["desks"][0]["sale"]["amount"], "35.00");
    browser.see("Ждёт оплаты").await;
    // Switched off, and remembered when the page is opened again, it stays silent.
    let silent = "return document.documentElement.dataset.rang || '0'";
    let before = browser.ask(silent).await;
    browser.click("[data-sound] button").await;
    counter.pay(desk["code_id"].as_str().expect("a code")).await;
    browser.see("Оплачено").await;
    assert_eq!(browser.ask(silent).await, before);
    browser.open(link["url"].as_str().expect("an address")).await;
    let pressed = "return document.querySelector('[data-sound] button').ariaPressed";
    assert_eq!(browser.ask(pressed).await, "\"false\"");
}
