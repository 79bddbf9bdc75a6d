//! The shop's owner in a real browser: from an empty folder to the first money and a refund, by
//! clicks alone; then each page as a picture, on a desktop and on a phone, light and dark.

use super::type_card;
use crate::harness::{
    browser::{Browser, Screen},
    process::{Folder, Kopeck, Process, free_port, http, until_up},
};

const PASSWORD: &str = "три синих кита";

/// A server and a bank's emulator that do not know each other yet.
struct Shop {
    kopeck: Kopeck,
    at: String,
    bank: String,
    token: String,
    _folder: Folder,
    _processes: (Process, Process),
}

impl Shop {
    async fn open() -> Shop {
        let folder = Folder::new("dashboard");
        let mut kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
        let (server, bank) = (free_port(), free_port());
        let (server, bank) = (format!("127.0.0.1:{server}"), format!("127.0.0.1:{bank}"));
        let sandbox = kopeck.start(&["sandbox", "--listen", &bank], "sandbox.log");
        until_up(&http(), &format!("http://{bank}/")).await;
        let at = format!("http://{bank}");
        let env = kopeck.json(&["sandbox", "env", "--at", &at, "--json"]);
        let text = |name: &str| env[name].as_str().expect("a variable").to_owned();
        let (bank, token) = (text("TOCHKA_BASE_URL"), text("TOCHKA_ACCESS_TOKEN"));
        kopeck.env.push(("KOPECK_NET_PRIVATE_ADDRESSES".to_owned(), "loopback".to_owned()));
        kopeck.env.push(("KOPECK_SERVER_LISTEN".to_owned(), server.clone()));
        let serve = kopeck.start(&["serve", "--listen", &server], "serve.log");
        until_up(&http(), &format!("http://{server}/healthz")).await;
        let at = format!("http://{server}");
        Shop { kopeck, at, bank, token, _folder: folder, _processes: (sandbox, serve) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_up_takes_money_and_gives_it_back() {
    let shop = Shop::open().await;
    let browser = set_up(&shop).await;
    browser.click(".head a.button").await;
    browser.see("За что").await;
    browser.fill("[name=amount]", "1 234,50").await;
    browser.fill("[name=purpose]", "Консультация").await;
    browser.fill("[name=order_id]", "4711").await;
    browser.screenshot("admin-4-link").await;
    browser.click("main form .button").await;
    browser.see("Ждёт оплаты").await;
    browser.see("1\u{a0}234,50").await;
    let payment = browser.url().await.split('?').next().expect("an address").to_owned();
    let id = payment.rsplit('/').next().expect("an id").to_owned();

    let pay_url = format!("{}/pay/{id}?lang=ru", shop.at);
    browser.open(&pay_url).await;
    browser.see("1\u{a0}234,50").await;
    browser.click("a.button").await;
    browser.see("Эмулятор банка").await;
    type_card(&browser, "2200 0000 0000 0004").await;
    browser.arrive(&format!("{}/p", shop.at)).await;
    browser.see("Оплачено").await;

    browser.open(&payment).await;
    browser.see("Оплачен").await;
    browser.see("Банк получил деньги").await;
    browser.screenshot("admin-5-paid").await;
    browser.click("main details.card summary").await;
    browser.fill("[name=amount]", "234,50").await;
    browser.click("main details.card .button").await;
    browser.see("Возврат отправлен").await;
    browser.see("Возвращён частично").await;
    browser.screenshot("admin-6-refunded").await;
    let shown = shop.kopeck.json(&["payment", "show", &id, "--json"]);
    assert_eq!(shown["refunded_kopecks"], 23_450, "{shown}");

    // The key finds it, and a new link is one key away.
    browser.open(&format!("{}/admin", shop.at)).await;
    browser.see("Поступило сегодня").await;
    browser.ask("document.dispatchEvent(new KeyboardEvent('keydown', {key: '/'}))").await;
    let focused = browser.ask("return document.activeElement.id").await;
    assert_eq!(focused, "\"find\"");
    browser.ask("document.activeElement.blur()").await;
    browser.ask("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'c'}))").await;
    browser.see("За что").await;
    every_page(&browser, &shop.at, "desktop").await;
    let phone = Browser::start_as(Screen::Phone).await;
    phone.open(&format!("{}/admin/login", shop.at)).await;
    phone.fill("[name=login]", "olga").await;
    phone.fill("[name=password]", PASSWORD).await;
    phone.screenshot("admin-login-phone").await;
    phone.click("form .button").await;
    phone.see("Поступило сегодня").await;
    every_page(&phone, &shop.at, "phone").await;
    phone.open(&payment).await;
    phone.see("История").await;
    phone.approve("admin-payment-phone").await;
}

/// Becomes the owner and connects the bank.
async fn set_up(shop: &Shop) -> Browser {
    let link = shop.kopeck.json(&["staff", "setup", "--json"]);
    let browser = Browser::start_as(Screen::Desktop).await;
    browser.open(link["url"].as_str().expect("an address")).await;
    browser.see("Добро пожаловать").await;
    browser.screenshot("admin-1-setup").await;
    browser.fill("[name=name]", "Ольга").await;
    browser.fill("[name=login]", "olga").await;
    browser.fill("[name=password]", PASSWORD).await;
    browser.click("form .button").await;

    browser.see("Шаг 1 из 2").await;
    browser.screenshot("admin-2-bank").await;
    browser.fill("[name=token]", &shop.token).await;
    browser.fill("form[action='/admin/banks/tochka'] [name=base_url]", &shop.bank).await;
    browser.click("form[action='/admin/banks/tochka'] .button").await;
    // A company of several, a point of several: a question each, where there is a choice.
    for _ in 0..3 {
        browser.see("Банки").await;
        if !browser.text().await.contains("Ещё один вопрос") {
            break;
        }
        browser.click("form[action='/admin/banks/tochka'] .button").await;
    }
    browser.see("Банк подключён: Точка").await;
    browser.screenshot("admin-3-connected").await;

    browser
}

async fn every_page(browser: &Browser, at: &str, screen: &str) {
    let pages = kopeck::web::admin::list_doors();
    let pages = pages.iter().filter(|door| !door.is_change && !door.path.contains('{'));
    for page in pages {
        browser.open(&format!("{at}{}", page.path)).await;
        let name = page.path.trim_start_matches('/').replace('/', "-");
        browser.approve(&format!("{name}-{screen}")).await;
    }
}
