//! Letters that nobody sends by hand: charges that are near, charges that failed, and how a reader
//! says that he wants no more of them.

use axum::http::{Method, Request};
use kopeck::{
    kit::db::DbError,
    subscriptions::{
        dunning::{NoticeFirst, Rules},
        store,
    },
};
use serde_json::{Value, json};

use super::mail::MailServer;
use crate::{
    api::subscriptions::{HOUR, consent, days, fate, minutes, pay, plan, shown, subscribe},
    harness::app::{PUBLIC_URL, Reply, TestApp},
};

const TO: &str = "anna@example.com";

async fn shop(server: &MailServer) -> TestApp {
    let app = TestApp::at("tbank").await.trusting(Some(server.folder.join("ca.pem")));
    plan(&app, json!({})).await;
    app
}

async fn subscribed(app: &TestApp) -> Value {
    let customer = json!({ "email": TO });
    let subscription = subscribe(app, json!({ "consent": consent(), "customer": customer })).await;
    minutes(app, 1).await;
    subscription
}

fn subject(letter: &Value) -> String {
    letter["headers"]["Subject"].as_str().unwrap().replace('\u{a0}', " ")
}

fn text(letter: &Value) -> &str {
    let parts = letter["parts"].as_array().unwrap();
    let plain = parts.iter().find(|part| part["type"] == "text/plain").unwrap();
    plain["text"].as_str().unwrap()
}

/// What a browser, or a mail program's own button, does at a link of ours.
async fn at(app: &TestApp, method: Method, url: &str) -> Reply {
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    app.send(request.body("List-Unsubscribe=One-Click".into()).unwrap()).await
}

#[tokio::test]
async fn a_charge_is_told_of_by_letter_and_may_wait_for_it() {
    let server = MailServer::start("starttls");
    let app = shop(&server).await;
    server.connect(&app, json!({})).await;
    let subscription = subscribed(&app).await;
    let first = server.letter(1);
    assert!(subject(&first).contains(": к оплате 2 450,00 ₽"), "{first}");
    assert!(first["headers"].get("List-Unsubscribe").is_none(), "the customer's own purchase");
    pay(&app, &subscription).await;
    let rules = Rules { notice_first: NoticeFirst::Delivered, ..Rules::default() };
    let shop_id = app.shop.id.clone();
    let saved: Result<(), DbError> =
        app.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &rules)).await;
    saved.unwrap();
    days(&app, 29).await;
    assert_eq!(server.count(), 2, "told once");
    let notice = server.letter(2);
    assert!(subject(&notice).ends_with("21.12.2026 спишется 2 450,00 ₽"), "{notice}");
    let withdraw = shown(&app, &subscription).await["withdraw_url"].clone();
    assert!(text(&notice).contains(withdraw.as_str().unwrap()), "{notice}");
    assert_eq!(notice["headers"]["Auto-Submitted"], "auto-generated");
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    days(&app, 3).await;
    assert_eq!(app.bank.count("/ChargeQr"), 1, "the letter counts as delivered");
    let evidence = app.get("/v1/customers/client-17/evidence").await.expect(200).to_string();
    assert!(evidence.contains("\"kind\":\"subscription.renewal_upcoming\""), "{evidence}");
    let told = evidence.split("subscription.renewal_upcoming").nth(1).unwrap();
    assert!(told.split('}').next().unwrap().contains("\"delivered_at\":\"2026-12-18"), "{told}");
}

#[tokio::test]
async fn a_reader_who_refuses_such_letters_gets_none_until_he_wants_them_again() {
    let server = MailServer::start("starttls");
    let app = shop(&server).await;
    server.connect(&app, json!({})).await;
    let subscription = subscribed(&app).await;
    pay(&app, &subscription).await;
    days(&app, 32).await;
    let notice = server.letter(2);
    let url = notice["headers"]["List-Unsubscribe"].as_str().unwrap();
    let url = url.trim_start_matches('<').trim_end_matches('>').to_owned();
    assert_eq!(notice["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    assert!(text(&notice).contains(&url), "{notice}");
    let page = at(&app, Method::GET, &url).await;
    assert!(page.status == 200 && page.text().contains("Не присылать"), "{}", page.text());
    assert!(!page.text().contains(TO), "the page shows no address");
    assert!(at(&app, Method::GET, &url).await.text().contains("Не присылать"), "looking is free");
    at(&app, Method::GET, &format!("{}0", &url[..url.len() - 1])).await.expect_missing();
    let left = at(&app, Method::POST, &url).await;
    assert!(left.status == 200 && left.text().contains("Снова получать"), "{}", left.text());
    let page = at(&app, Method::GET, &format!("{url}?lang=en")).await.text();
    assert!(page.contains("No more letters will come"), "{page}");
    let before = server.count();
    days(&app, 31).await;
    assert_eq!(app.bank.count("/ChargeQr"), 2, "charges go on");
    assert_eq!(server.count(), before, "and nothing is written");
    assert_eq!(at(&app, Method::POST, &format!("{url}?again=1")).await.status, 200);
    days(&app, 31).await;
    assert_eq!(server.count(), before + 1);
}

#[tokio::test]
async fn a_letter_that_waited_is_not_sent_to_who_refused_meanwhile() {
    let server = MailServer::start("starttls");
    let app = shop(&server).await;
    let linked = server.connect(&app, json!({})).await;
    let subscription = subscribed(&app).await;
    pay(&app, &subscription).await;
    days(&app, 29).await;
    assert_eq!(server.count(), 2, "the notice of the first charge");
    let notice = server.letter(2);
    let url = notice["headers"]["List-Unsubscribe"].as_str().unwrap();
    let url = url.trim_start_matches('<').trim_end_matches('>').to_owned();
    days(&app, 3).await;
    // The next one is written while the account is stopped, and waits for it.
    let stop = "update integrations set stopped_ms = 1, stopped_code = 'email_login_refused'";
    let stopped: Result<u64, DbError> = app.ctx.db.write(move |tx| tx.execute(stop, &[])).await;
    assert_eq!(stopped.unwrap(), 1);
    let waits = async || app.rows("sendings where kind = 'renewal' and state = 'pending'").await;
    for _ in 0..40 {
        if waits().await > 0 {
            break;
        }
        days(&app, 1).await;
    }
    assert_eq!(waits().await, 1);
    let before = server.count();
    assert_eq!(at(&app, Method::POST, &url).await.status, 200);
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    app.patch(&path, json!({ "lang": "ru" })).await.expect(200);
    minutes(&app, 5).await;
    assert_eq!(server.count(), before, "nothing is written to who wants no more");
    let list = app.get("/v1/sendings?status=dropped").await.expect(200);
    assert_eq!(list["data"][0]["why"], "the reader wants no more of these", "{list}");
}

#[tokio::test]
async fn a_failed_charge_is_told_of_and_then_a_link_comes() {
    let server = MailServer::start("starttls");
    let app = shop(&server).await;
    server.connect(&app, json!({})).await;
    let subscription = subscribed(&app).await;
    pay(&app, &subscription).await;
    fate(&app, "insufficient_funds").await;
    days(&app, 32).await;
    let count = server.count();
    let subjects: Vec<String> = (1..=count).map(|number| subject(&server.letter(number))).collect();
    let failed = subjects.iter().position(|it| it.contains("за подписку списать не удалось"));
    let failed = failed.unwrap_or_else(|| panic!("{subjects:?}")) + 1;
    let letter = server.letter(failed);
    assert!(letter["headers"].get("List-Unsubscribe").is_some(), "{letter}");
    days(&app, 3).await;
    let mut last = (1..=server.count()).map(|number| server.letter(number));
    let link = last.rfind(|letter| subject(letter).contains("к оплате")).unwrap();
    let now = shown(&app, &subscription).await;
    let pay_url = now["pay_url"].as_str().unwrap_or_else(|| panic!("{now}"));
    assert!(text(&link).contains(pay_url), "{link}");
    // Nobody is told of a charge that will not be.
    app.post(&crate::api::subscriptions::path(&subscription, "/cancel"), json!({"when": "now"}))
        .await
        .expect(200);
    let before = server.count();
    days(&app, 40).await;
    assert_eq!(server.count(), before);
}

#[tokio::test]
async fn what_payers_hear_is_the_shops_choice() {
    let server = MailServer::start("starttls");
    let app = TestApp::new().await.trusting(Some(server.folder.join("ca.pem")));
    let linked = server.connect(&app, json!({})).await;
    assert_eq!(linked["payer_news"], json!(["renewal", "renewal_failed"]));
    let payment = json!({ "customer": { "email": TO } });
    app.create_paid(payment.clone()).await;
    app.advance(HOUR).await;
    assert_eq!(server.count(), 0, "nothing that the shop did not choose");
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let wrong = app.patch(&path, json!({ "payer_news": ["link", "canceled"] })).await;
    assert_eq!(wrong.expect_error(422, "param_invalid")["param"], "payer_news");
    app.patch(&path, json!({ "payer_news": ["link", "paid", "receipt"] })).await.expect(200);
    let paid = app.create_paid(payment).await;
    app.advance(HOUR).await;
    let subjects: Vec<String> =
        (1..=server.count()).map(|it| subject(&server.letter(it))).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[0].contains("к оплате") && subjects[1].contains("получена"), "{subjects:?}");
    let sent = format!("/v1/payments/{}/sendings", paid["id"].as_str().unwrap());
    let sent = app.get(&sent).await.expect(200);
    assert!(sent.to_string().contains("\"audience\":\"payer\""), "{sent}");
    assert!(!sent.to_string().contains(TO), "{sent}");
    app.patch(&path, json!({ "payer_news": [] })).await.expect(200);
    app.create_paid(json!({ "customer": { "email": TO } })).await;
    app.advance(HOUR).await;
    assert_eq!(server.count(), 2);
}
