//! Every page of payers, subscribers and clerks, in each of its states, by day and by night, on a
//! phone and at a desk: seen by a machine that knows the rules of access, and kept as pictures.
//! A subscriber does all that one can do.

use serde_json::Value;

use super::Counter;
use crate::harness::browser::{Browser, Screen};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

/// A shop with looks of its own.
async fn shop() -> Counter {
    let counter = Counter::open().await;
    counter.kopeck.json(&["shop", "brand", "--accent", "#0a6b5c", "--json"]);
    counter
}

const SCREENS: [(Screen, &str); 2] = [(Screen::Phone, "phone"), (Screen::Desktop, "desktop")];

#[tokio::test(flavor = "multi_thread")]
async fn the_pay_page_can_be_used_by_everybody_in_each_state() {
    let counter = shop().await;
    let link = |amount: &str| {
        let args = ["link", "create", "--amount", amount, "--purpose", "Консультация", "--json"];
        counter.kopeck.json(&args)
    };
    let code = |amount: &str| {
        let args = ["qr", "create", "--amount", amount, "--purpose", "Кофе", "--json"];
        counter.kopeck.json(&args)
    };
    let (open, paid, back, ended) = (link("1234.50"), link("100"), link("200"), link("300"));
    let (shown, bank) = (code("350.50"), counter.sandbox());
    for one in [&paid, &back] {
        let id = text(one, "bank_payment_id");
        counter.kopeck.json(&["sandbox", "pay", id, "--at", &bank, "--json"]);
    }
    let id = text(&ended, "bank_payment_id");
    counter.kopeck.json(&["sandbox", "expire", id, "--at", &bank, "--json"]);
    for one in [&paid, &back, &ended] {
        counter.kopeck.json(&["payment", "show", text(one, "id"), "--json"]);
    }
    counter.kopeck.json(&["payment", "refund", text(&back, "id"), "--json"]);
    for (screen, name) in SCREENS {
        let browser = Browser::start_as(screen).await;
        for (payment, state, words) in [
            (&open, "open", "Ждёт оплаты"),
            (&paid, "paid", "Оплачено"),
            (&back, "refunded", "возвращен"),
            (&ended, "expired", "Срок оплаты истёк"),
            (&shown, "code", "Ждёт оплаты"),
        ] {
            browser.open(&format!("{}?lang=ru", text(payment, "pay_url"))).await;
            browser.see(words).await;
            browser.approve(&format!("pay-{state}-{name}")).await;
            // The language is a link, and the page is whole in the other one.
            browser.open(&format!("{}?lang=en", text(payment, "pay_url"))).await;
            let seen = browser.text().await;
            let is_ours = |line: &&str| !line.contains("Консультация") && !line.contains("Кофе");
            let russian = seen.lines().filter(is_ours).find(|line| {
                line.chars().any(|c| ('а'..='я').contains(&c)) && !line.contains("По-русски")
            });
            assert_eq!(russian, None, "{state}");
        }
        browser.open(&format!("{}/banks?lang=ru", text(&shown, "pay_url"))).await;
        browser.see("Сбербанк").await;
        browser.approve(&format!("pay-banks-{name}")).await;
        let url = text(&open, "pay_url");
        let guessed = format!("{}pay_guessed", url.split("pay_").next().expect("a start"));
        browser.open(&guessed).await;
        browser.see("Такого платежа нет").await;
        browser.approve(&format!("pay-missing-{name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_desks_and_all_parts_can_be_used_by_everybody() {
    let counter = shop().await;
    let desk = counter.kopeck.json(&["desk", "create", "Касса 1", "--json"]);
    let link = counter.kopeck.json(&["desk", "link", "--name", "Анна", "--json"]);
    let place = counter.kopeck.json(&["qr", "place", "create", "--name", "ресепшен", "--json"]);
    for (screen, name) in SCREENS {
        let browser = Browser::start_as(screen).await;
        browser.open(&format!("{}?lang=ru", text(&place, "page_url"))).await;
        browser.see("Сумму вводит покупатель").await;
        browser.approve(&format!("place-{name}")).await;
        browser.open(&format!("{}?lang=ru", text(&link, "url"))).await;
        browser.fill("[name=amount]", "много").await;
        browser.approve(&format!("desk-free-{name}")).await;
        browser.click("form .button").await;
        browser.see("Сумма не читается").await;
        browser.approve(&format!("desk-wrong-{name}")).await;
        browser.fill("[name=amount]", "1 500,50").await;
        browser.click("form .button").await;
        browser.see("Ждёт оплаты").await;
        browser.approve(&format!("desk-waiting-{name}")).await;
        counter.pay(text(&desk, "code_id")).await;
        browser.see("Оплачено").await;
        browser.approve(&format!("desk-paid-{name}")).await;
        browser.open(&format!("{}/_components", counter.sandbox())).await;
        browser.see("Элементы страниц").await;
        browser.approve(&format!("components-{name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_subscribes_upgrades_cancels_and_withdraws_in_a_browser() {
    let counter = shop().await;
    let kopeck = &counter.kopeck;
    let plan = |code: &str, name: &str, amount: &str| {
        kopeck.json(&["plan", "create", code, "--name", name, "--amount", amount, "--json"]);
    };
    plan("start", "Подписка START", "2450");
    plan("pro", "Подписка PRO", "4900");
    let link = kopeck.json(&["customer", "portal", "client-17", "--json"]);
    let home = format!("{}?lang=ru", text(&link, "url"));
    let browser = Browser::start_as(Screen::Phone).await;
    browser.open(&home).await;
    browser.see("Подписок пока нет").await;
    browser.approve("portal-1-empty-phone").await;
    browser.click("a.button").await;
    browser.see("Подписаться").await;
    browser.approve("portal-2-plans-phone").await;
    browser.click("section:first-of-type [name=agree]").await;
    browser.click("section:first-of-type button").await;
    browser.see("2\u{a0}450,00").await;
    browser.click("a.button").await;
    browser.fill("#card [name=card]", "2200 0000 0000 0004").await;
    browser.fill("#card [name=expiry]", "12/30").await;
    browser.fill("#card [name=cvc]", "123").await;
    browser.click("#card button").await;
    // What the bank says, and not what the address says.
    browser.see("Подписка оформлена").await;
    browser.approve("portal-3-status-phone").await;
    browser.open(&home).await;
    browser.see("Следующее списание").await;
    browser.approve("portal-4-active-phone").await;

    upgrade(&browser, &home).await;
    browser.click(".ask summary").await;
    browser.approve("portal-6-ask-phone").await;
    browser.click(".ask button").await;
    browser.see("Подписка отменена").await;
    browser.approve("portal-7-canceled-phone").await;
    browser.click("form[action*='reactivate'] button").await;
    browser.see("Отмена снята").await;
    withdraw(&home).await;
    browser.open(&home).await;
    browser.see("отозвано").await;
    browser.approve("portal-10-over-phone").await;
    let pricing = format!("{}/pricing?lang=ru", home.split("/portal").next().expect("a start"));
    browser.open(&pricing).await;
    browser.see("войдите на сайт магазина").await;
    browser.approve("pricing-phone").await;
    let listed = kopeck.json(&["subscription", "list", "--customer", "client-17", "--json"]);
    assert_eq!(listed["subscriptions"][0]["status"], "canceled", "{listed}");
}

/// To the dearer plan at once, with what it costs seen before.
async fn upgrade(browser: &Browser, home: &str) {
    browser.click("a[href*='/change']").await;
    let pro = "document.querySelector('#plan').value = 'pro'; return 1";
    browser.ask(pro).await;
    browser.click("form[method=get] button").await;
    browser.see("Сейчас к оплате").await;
    browser.approve("portal-5-change-phone").await;
    browser.click("[name=agree]").await;
    browser.click("form[method=post] button").await;
    browser.see("Мои подписки").await;
    // The card is charged by itself; a page that is opened later says so.
    for tries in 0.. {
        browser.open(home).await;
        if browser.text().await.contains("Подписка PRO") {
            break;
        }
        assert!(tries < 100, "{}", browser.text().await);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// At a desk, by the link that letters have too.
async fn withdraw(home: &str) {
    let desk = Browser::start_as(Screen::Desktop).await;
    desk.open(home).await;
    desk.see("Подписка PRO").await;
    desk.approve("portal-8-active-desktop").await;
    desk.click("a[href*='/plans']").await;
    desk.see("Подписка START").await;
    desk.approve("portal-9-plans-desktop").await;
    desk.open(home).await;
    desk.click("a[href*='/withdraw/']").await;
    desk.see("Отозвать согласие").await;
    desk.approve("withdraw-1-asked-desktop").await;
    desk.click("form button").await;
    desk.see("Списаний больше не будет").await;
    desk.approve("withdraw-2-done-desktop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_only_a_keyboard_sees_where_he_is() {
    let counter = shop().await;
    let args = ["link", "create", "--amount", "10", "--purpose", "Чай", "--json"];
    let payment = counter.kopeck.json(&args);
    let browser = Browser::start_as(Screen::Desktop).await;
    browser.open(&format!("{}?lang=ru", text(&payment, "pay_url"))).await;
    browser.see("Оплатить").await;
    let mut met = Vec::new();
    for _ in 0..3 {
        let (thing, is_seen) = browser.tab().await;
        assert!(is_seen, "{thing} has the focus, and nobody sees it");
        met.push(thing);
    }
    assert_eq!(met, ["A К содержанию", "A Оплатить", "A In English"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_page_pays_and_flips_all_the_same() {
    let counter = shop().await;
    let args = ["qr", "create", "--amount", "15", "--purpose", "Чай", "--json"];
    let payment = counter.kopeck.json(&args);
    let browser = Browser::start_as(Screen::Scriptless).await;
    browser.open(&format!("{}?lang=ru", text(&payment, "pay_url"))).await;
    browser.see("Отсканируйте код").await;
    assert!(browser.shows(".code svg").await);
    counter.pay(text(&payment, "bank_payment_id")).await;
    browser.see("Оплачено").await;
}
