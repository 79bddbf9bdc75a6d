//! The tab in the card of a deal: who may see it, what it makes, once.

use kopeck_banks::http::encode_query;
use serde_json::json;

use super::{HOUR, Office, VIEWER};

fn field(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split(&mark).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The form as a browser would send it.
fn form(page: &str, more: &[(&str, &str)]) -> String {
    let known = ["deal", "until", "signature", "form"].map(|name| (name, field(page, name)));
    let mut fields: Vec<(&str, &str)> = known.iter().map(|(k, v)| (*k, v.as_str())).collect();
    fields.extend(more);
    encode_query(&fields)
}

async fn open(office: &Office, deal: i64, viewer: &str) -> String {
    let tab = office.host.service().tab(deal, viewer);
    office.post("card", &tab).await.text()
}

#[tokio::test]
async fn the_tab_shows_the_deal_makes_its_link_and_is_framed_by_its_portal_only() {
    let office = Office::installed().await;
    let tab = office.host.service().tab(57, VIEWER);
    let reply = office.post("card", &tab).await;
    assert_eq!(reply.status, 200);
    let own = format!("frame-ancestors 'self' {}", office.host.url);
    assert!(reply.header("content-security-policy").contains(&own));
    assert!(reply.header("content-security-policy").contains("script-src 'self';"));
    assert_eq!((reply.header("x-frame-options"), reply.header("cache-control")), ("", "no-store"));
    let page = reply.text();
    assert!(page.contains("Платежей по сделке ещё нет"), "{page}");
    assert_eq!((field(&page, "deal"), field(&page, "until").len()), ("57".to_owned(), 13));
    assert!(page.contains("value=\"1500.00\"") && page.contains("value=\"Сделка 57\""), "{page}");
    let sent = form(&page, &[("amount", "1 500,00"), ("purpose", "Заказ <b>57</b>")]);
    let made = office.post("link", &sent).await.text();
    assert!(made.contains("Ссылка готова") && made.contains("/pay/pay_"), "{made}");
    assert!(made.contains("Заказ &#60;b&#62;57") && !made.contains("<b>57"), "{made}");
    // What the link asks for already is not in the next form; nothing is left to be asked for.
    assert!(made.contains("required value=\"\""), "{made}");
    // The same form by a second touch is the same link.
    let again = office.post("link", &sent).await.text();
    assert!(again.contains("Ссылка готова"), "{again}");
    let all = office.payments().await;
    assert_eq!(all.len(), 1, "{all:?}");
    office.wait(10).await;
    assert_eq!(office.deal(57, "ufCrmKopeckLink"), all[0]["pay_url"]);
    // Paid, it is shown so, and nothing is left to ask for.
    office.app.pay(&office.app.payment(&all[0]["id"]).await);
    office.wait(80).await;
    let page = open(&office, 57, VIEWER).await;
    assert!(page.contains("оплачено") && !page.contains("value=\"1500.00\""), "{page}");
    let english = office.host.service().tab(57, VIEWER);
    let path = format!("/bitrix24/{}/card?LANG=en", office.id);
    let page = office.app.post_text(&path, &english).await.text();
    assert!(page.contains("A new link") && page.contains("paid"), "{page}");
}

#[tokio::test]
async fn whoever_may_not_see_the_deal_sees_nothing_and_makes_nothing() {
    let office = Office::installed().await;
    office.host.service().viewers.insert("viewer-token-of-boris".to_owned(), vec![57]);
    let page = open(&office, 57, "viewer-token-of-boris").await;
    assert!(page.contains("bitrix24_deal_closed") && !page.contains("<form"), "{page}");
    let page = open(&office, 57, "somebody-elses-token").await;
    assert!(page.contains("bitrix24_access_lost") && !page.contains("<form"), "{page}");
    let tab = office.host.service().tab(57, VIEWER);
    let forged = tab.replace("51856fefc120afa4b628cc82d3935cce", "0");
    let page = office.post("card", &forged).await.text();
    assert!(page.contains("bitrix24_access_lost") && !page.contains("<form"), "{page}");
    // A form for another deal, one without a signature, and one of yesterday.
    let page = open(&office, 57, VIEWER).await;
    let good = form(&page, &[("amount", "10")]);
    for bad in [good.replace("deal=57", "deal=62"), good.replace("signature=", "x=")] {
        let reply = office.post("link", &bad).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
    }
    office.app.advance(HOUR).await;
    assert_eq!(office.post("link", &good).await.status, 403);
    assert!(office.payments().await.is_empty());
}

#[tokio::test]
async fn what_was_typed_wrongly_is_told_beside_the_form_and_kept_in_it() {
    let office = Office::installed().await;
    let page = open(&office, 57, VIEWER).await;
    let typed =
        office.post("link", &form(&page, &[("amount", "много"), ("purpose", "Торт")])).await;
    let text = typed.text();
    assert!(text.contains("Сумма не читается") && text.contains("value=\"Торт\""), "{text}");
    assert!(text.contains("value=\"много\""), "{text}");
    let rows = office.post("link", &form(&page, &[("amount", "10"), ("rows", "1")])).await.text();
    assert!(rows.contains("нет товаров"), "{rows}");
    office.set_deal(62, "currencyId", json!("USD"));
    let page = open(&office, 62, VIEWER).await;
    let text = office.post("link", &form(&page, &[("amount", "10")])).await.text();
    assert!(text.contains("не в рублях"), "{text}");
    assert!(office.payments().await.is_empty());
}

#[tokio::test]
async fn a_link_goes_into_the_chat_that_the_deals_buyer_tied_to_himself() {
    use axum::http::{Method, Request};
    use kopeck_integrations::telegram::{TelegramStandIn, update};

    use crate::integrations::host::Host;
    const CHAT: i64 = 700_100_200;
    let office = Office::installed().await;
    let host = Host::start(TelegramStandIn::default(), office.app.clock.clone());
    let settings = json!({ "settings": { "bot": "kopeck_test_bot" } });
    let bot = host.connect(&office.app, json!({})).await;
    let page = open(&office, 57, VIEWER).await;
    assert!(page.contains("Позвать покупателя в чат"), "{page}");
    let ask = form(&page, &[("service", "telegram")]);
    let nameless = office.post("invite", &ask).await.text();
    assert!(nameless.contains("Не указано имя бота"), "{nameless}");
    let path = format!("/v1/integrations/{}", bot["id"].as_str().unwrap());
    office.app.patch(&path, settings).await.expect(200);
    let invited = office.post("invite", &ask).await.text();
    let link = invited.split("?start=").nth(1).unwrap_or_else(|| panic!("{invited}"));
    let payload = link.split(['"', '<']).next().unwrap().to_owned();
    // The buyer opens it and presses Start.
    let told = json!({ "update_id": 7, "message": { "chat": { "id": CHAT, "type": "private" },
        "text": format!("/start {payload}") } });
    let request = Request::builder().method(Method::POST);
    let request = request.uri(format!("/updates/{}", bot["id"].as_str().unwrap()));
    let secret = update::webhook_secret(&host.settings());
    let request = request.header(update::SECRET_HEADER, secret);
    let heard = office.app.send(request.body(told.to_string().into()).unwrap()).await;
    assert_eq!(heard.status, 200);
    office.wait(3).await;
    let before = host.arrived().len();
    let page = open(&office, 57, VIEWER).await;
    assert!(page.contains("option value=\"telegram\""), "{page}");
    assert!(!page.contains("Позвать покупателя"), "{page}");
    let sent = form(&page, &[("amount", "1500"), ("send_to", "telegram")]);
    let made = office.post("link", &sent).await.text();
    assert!(made.contains("отправляется: Telegram"), "{made}");
    office.wait(5).await;
    let arrived = host.arrived();
    assert_eq!(arrived.len(), before + 1, "{arrived:?}");
    assert_eq!(arrived.last().unwrap().to, CHAT.to_string());
    // Another deal's buyer is the same contact; one without a buyer has no chat.
    office.set_deal(62, "contactId", json!(0));
    let page = open(&office, 62, VIEWER).await;
    assert!(!page.contains("option value=\"telegram\"") && !page.contains("Позвать"), "{page}");
}
