//! The tab as an employee sees it: in a frame of the portal, on a phone and at a desk.

use std::time::Duration;

use kopeck::http::listen;
use kopeck_integrations::sms::SmsStandIn;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};

use super::{Office, VIEWER};
use crate::{
    harness::browser::{Browser, Screen},
    integrations::host::Host,
};

const ROWS: &str = r#"[
    {"productName":"Курс «Основы»","price":1000,"quantity":1,"taxRate":null},
    {"productName":"Книга","price":250,"quantity":2,"taxRate":22,"taxIncluded":"Y"}]"#;

/// The server on a socket; it ends with the sender.
async fn serve(office: &Office) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    let router = office.app.router.clone();
    tokio::spawn(listen::serve(listener, router, Duration::from_secs(20), stopped));
    (at, stop)
}

/// Opens a frame as the portal does: a form that posts itself into it.
async fn open_frame(browser: &Browser, origin: &str, url: &str, form: &str) {
    browser.open(&format!("{origin}/")).await;
    let (url, form) = (json!(url), json!(form));
    let script = format!(
        "document.head.innerHTML = '<meta name=\"viewport\" content=\"width=device-width\">'; \
         document.body.innerHTML = '<iframe name=\"kopeck\" style=\"width:100%;height:780px;border:0\">\
         </iframe>'; document.body.style.margin = 0; \
         const form = document.createElement('form'); form.method = 'post'; \
         form.target = 'kopeck'; form.action = {url}; \
         for (const [name, value] of new URLSearchParams({form})) {{ \
         const field = document.createElement('input'); field.type = 'hidden'; \
         field.name = name; field.value = value; form.append(field); }} \
         document.body.append(form); form.submit(); return true"
    );
    browser.ask(&script).await;
    browser.enter_frame().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employee_makes_a_link_in_the_frame_of_the_portal() {
    for screen in [Screen::Desktop, Screen::Phone] {
        let office = Office::installed().await;
        Host::start(SmsStandIn::default(), office.app.clock.clone())
            .connect(&office.app, json!({}))
            .await;
        office.host.service().portal.rows.insert(57, ROWS.to_owned());
        let (at, _stop) = serve(&office).await;
        let name = format!("{screen:?}").to_lowercase();
        let browser = Browser::start_as(screen).await;
        let tab = office.host.service().tab(57, VIEWER);
        let url = format!("{at}/bitrix24/{}/card?LANG=ru", office.id);
        open_frame(&browser, &office.host.url, &url, &tab).await;
        browser.see("Платежей по сделке ещё нет").await;
        assert!(browser.shows("input[name=rows]").await, "the rows are a receipt");
        assert!(browser.fits().await, "the tab is wider than its frame");
        picture(&browser, &format!("bitrix24-1-empty-{name}")).await;
        browser.fill("[name=amount]", "много").await;
        browser.click("form .button").await;
        browser.see("Сумма не читается").await;
        picture(&browser, &format!("bitrix24-2-wrong-{name}")).await;
        browser.fill("[name=amount]", "1 500").await;
        browser.click("form .button").await;
        browser.see("Ссылка готова").await;
        browser.see("ждёт оплаты").await;
        assert!(browser.fits().await, "the link is wider than its frame");
        picture(&browser, &format!("bitrix24-3-made-{name}")).await;
        office.wait(10).await;
        let all = office.payments().await;
        assert_eq!(all.len(), 1);
        office.app.pay(&office.app.payment(&all[0]["id"]).await);
        office.wait(80).await;
        open_frame(&browser, &office.host.url, &url, &tab).await;
        browser.see("оплачено").await;
        picture(&browser, &format!("bitrix24-4-paid-{name}")).await;
        // The application's own page, and a site that is not the portal.
        let app = office.host.service().install_page();
        let own = format!("{at}/bitrix24/{}/app?LANG=ru", office.id);
        open_frame(&browser, &office.host.url, &own, &app).await;
        browser.see("Готово").await;
        picture(&browser, &format!("bitrix24-5-app-{name}")).await;
        let stranger = office.host.url.replace("127.0.0.1", "localhost");
        open_frame(&browser, &stranger, &url, &tab).await;
        assert!(!browser.text().await.contains("Новая ссылка"), "another site framed it");
    }
}

/// The whole window, the portal's frame in it.
async fn picture(browser: &Browser, name: &str) {
    browser.leave_frame().await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.screenshot(&format!("{name}-{scheme}")).await;
    }
    browser.enter_frame().await;
}
