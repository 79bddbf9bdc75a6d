//! Bots and CRMs: who asked for a link hears of all that becomes of it.

use kopeck_integrations::{
    bitrix24::BitrixStandIn,
    salebot::{SalebotStandIn, callback::prefix},
    stand_in::Fault,
};
use serde_json::{Value, json};

use super::host::Host;
use crate::harness::app::TestApp;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const CLIENT: i64 = 836_058_546;

async fn send(app: &TestApp, payment: &Value, to: &str) -> Value {
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "to": to })).await.expect(202)
}

async fn pay(app: &TestApp, payment: &Value) {
    app.pay(payment);
    for _ in 0..20 {
        app.advance(10 * SECOND).await;
    }
}

#[tokio::test]
async fn a_bot_gets_its_variables_and_one_callback() {
    let app = TestApp::new().await;
    let host = Host::start(SalebotStandIn::default(), app.clock.clone());
    let linked = host.connect(&app, json!({})).await;
    let expected = prefix(host.settings().get("callback_secret"));
    assert_eq!(linked["callback_prefix"], expected);
    let payment = app.create(json!({})).await;
    send(&app, &payment, "salebot:836058546").await;
    app.advance(SECOND).await;
    let variable = |name: &str| host.service().clients[&CLIENT].get(name).cloned();
    assert_eq!(variable("tinkoff_pay_url"), Some(payment["pay_url"].clone()));
    assert!(host.arrived().is_empty(), "a link has no callback");
    pay(&app, &payment).await;
    assert_eq!(variable("tinkoff_payment_completed"), Some(json!("True")));
    assert_eq!(variable("tinkoff_payment_id"), Some(payment["bank_payment_id"].clone()));
    let texts: Vec<String> = host.arrived().into_iter().map(|one| one.text).collect();
    assert_eq!(texts, [format!("{expected}_success 5000")]);
}

#[tokio::test]
async fn a_callback_without_an_answer_runs_no_block_twice() {
    let app = TestApp::new().await;
    let host = Host::start(SalebotStandIn::default(), app.clock.clone());
    host.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    send(&app, &payment, "salebot:836058546").await;
    app.advance(SECOND).await;
    app.pay(&payment);
    // The variables' answer is lost, then the callback's.
    host.fail(Fault::ReplyLost, 1);
    app.advance(61 * SECOND).await;
    host.fail(Fault::ReplyLost, 1);
    for _ in 0..10 {
        app.advance(HOUR).await;
    }
    assert!(host.arrived().len() <= 1, "{:?}", host.arrived());
    let path = format!("/v1/payments/{}/sendings", payment["id"].as_str().unwrap());
    let list = app.get(&path).await.expect(200);
    let paid = list["data"].as_array().unwrap().iter().find(|one| one["kind"] == "paid").unwrap();
    let ended = paid["status"].as_str().unwrap();
    assert!(["delivered", "unknown"].contains(&ended), "{paid}");
}

fn portal(app: &TestApp) -> Host<BitrixStandIn> {
    let host = Host::start(BitrixStandIn::app(), app.clock.clone());
    host.service().endpoint = format!("{}/rest/", host.url);
    host
}

#[tokio::test]
async fn a_deal_gets_its_link_and_moves_when_it_is_paid() {
    let app = TestApp::new().await;
    let host = portal(&app);
    host.service().portal.deals.get_mut(&57).unwrap()["opportunity"] = json!(5000);
    host.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    send(&app, &payment, "bitrix24:https://p.bitrix24.ru/crm/deal/details/57/").await;
    for _ in 0..5 {
        app.advance(SECOND).await;
    }
    let field = |name: &str| host.service().portal.deals[&57][name].clone();
    assert_eq!(field("ufCrmKopeckLink"), payment["pay_url"]);
    // The token ends; it is renewed once, and the news goes on.
    host.service().expire();
    pay(&app, &payment).await;
    assert_eq!(field("stageId"), "WON");
    assert_eq!(field("ufCrmKopeckStatus"), "оплачено");
    assert_eq!(host.service().portal.comments.len(), 2);
    assert_eq!(host.service().access, "access-token-0001-6f5e4d3c2b1a");
    // The new pair was kept: it serves the next one too.
    let other = app.create(json!({})).await;
    send(&app, &other, "bitrix24:62").await;
    for _ in 0..5 {
        app.advance(SECOND).await;
    }
    assert_eq!(host.service().portal.comments.len(), 3);
}

#[tokio::test]
async fn whatever_reply_of_a_portal_is_lost_a_deal_has_one_comment_of_each_news() {
    for (fault, wait) in [(Fault::ReplyLost, 1), (Fault::ReplyLost, 2), (Fault::Status(502), 3)] {
        let app = TestApp::new().await;
        let host = portal(&app);
        host.connect(&app, json!({})).await;
        let payment = app.create(json!({})).await;
        send(&app, &payment, "bitrix24:57").await;
        for step in 0..30 {
            if step == wait {
                host.fail(fault, 1);
            }
            app.advance(600).await;
        }
        for _ in 0..5 {
            app.advance(HOUR / 10).await;
        }
        let comments = host.service().portal.comments.len();
        assert_eq!(comments, 1, "{fault:?} at {wait}");
        assert_eq!(host.service().portal.deals[&57]["ufCrmKopeckLink"], payment["pay_url"]);
    }
}

#[tokio::test]
async fn a_bot_asks_for_a_link_by_salebots_own_arguments() {
    let app = TestApp::new().await;
    let host = Host::start(SalebotStandIn::default(), app.clock.clone());
    host.connect(&app, json!({})).await;
    let wish = json!({ "client_id": CLIENT.to_string(), "amount": 1200, "description": "Купи меня",
        "customer_email": "anna@example.ru", "expired": "28.11.2026 14:25",
        "products_for_receipt": [{ "name": "ТОВАР1", "price": "1200", "quantity": "1",
            "amount": "1200", "vat_code": "1", "method": "full_payment", "object": "service" }] });
    let flat = app.post("/compat/salebot/link", wish.clone()).await.expect(200);
    assert_eq!(flat["ok"], true, "{flat}");
    assert_eq!(flat["amount"], "1200.00");
    assert_eq!(flat["expires_text"], "28.11.2026 14:25");
    assert_eq!(flat["tinkoff_pay_url"], flat["payment_url"]);
    // A block that runs twice gets the same link.
    let again = app.post("/compat/salebot/link", wish).await.expect(200);
    assert_eq!(again["payment_id"], flat["payment_id"]);
    assert_eq!(app.rows("payments").await, 1);
    app.advance(SECOND).await;
    let payment = app.payment(&flat["payment_id"]).await;
    pay(&app, &payment).await;
    let expected = prefix(host.settings().get("callback_secret"));
    let texts: Vec<String> = host.arrived().into_iter().map(|one| one.text).collect();
    assert_eq!(texts, [format!("{expected}_success 1200")]);
    let variables = host.service().clients[&CLIENT].clone();
    assert_eq!(variables["tinkoff_pay_url"], flat["payment_url"]);
}

#[tokio::test]
async fn a_bots_mistakes_are_answered_flat_with_200() {
    let app = TestApp::new().await;
    let ask = |body: Value| app.post("/compat/salebot/link", body);
    let table = [
        (json!({ "client_id": 5, "amount": "#{sum}" }), "salebot_amount"),
        (json!({ "client_id": 5, "amount": 10, "payment_sum": 10 }), "salebot_two_amounts"),
        (json!({ "client_id": 5, "amount": 10, "recurrent": "1" }), "salebot_recurrent_consent"),
        (json!({ "client_id": 5, "amount": 10, "expired": "01.01.2020" }), "ttl_out_of_range"),
    ];
    let keys = |flat: &Value| flat.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let good = ask(json!({ "client_id": 5, "amount": "10,50" })).await.expect(200);
    assert_eq!((&good["ok"], &good["amount"]), (&json!(true), &json!("10.50")), "{good}");
    for (body, code) in table {
        let flat = ask(body.clone()).await.expect(200);
        assert_eq!(flat["ok"], false, "{body}: {flat}");
        if code != "ttl_out_of_range" {
            assert_eq!(flat["error_code"], code, "{body}");
        }
        assert!(!flat["error_text"].as_str().unwrap().is_empty());
        assert_eq!(keys(&flat), keys(&good));
    }
    let order = |sum: &str| json!({ "client_id": 5, "amount": sum, "external_id": "17" });
    let first = ask(order("20")).await.expect(200);
    assert_eq!(ask(order("20")).await.expect(200)["payment_id"], first["payment_id"]);
    let other = ask(order("30")).await.expect(200);
    assert_eq!(other["error_code"], "idempotency_key_reused", "{other}");
    let form = app.post_text("/compat/salebot/link", "client_id=5&payment_sum=35").await;
    assert_eq!(form.expect(200)["ok"], true);
    let lost = app.post_text("/compat/salebot/link", "{").await.expect(200);
    assert_eq!(lost["error_code"], "salebot_body_unreadable");
}

#[tokio::test]
async fn a_bot_saves_a_card_under_a_named_text_and_charges_it() {
    let app = TestApp::at("tbank").await;
    let host = Host::start(SalebotStandIn::default(), app.clock.clone());
    let linked = host.connect(&app, json!({})).await;
    let wish = json!({ "client_id": CLIENT, "amount": 499, "recurrent": "1" });
    let none = app.post("/compat/salebot/link", wish.clone()).await.expect(200);
    assert_eq!(none["error_code"], "salebot_recurrent_consent", "{none}");
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    let text = json!({ "settings": { "consent_version": "offer-7", "consent_max": "1000" } });
    app.patch(&path, text).await.expect(200);
    let flat = app.post("/compat/salebot/link", wish).await.expect(200);
    assert_eq!(flat["ok"], true, "{flat}");
    app.advance(SECOND).await;
    pay(&app, &app.payment(&flat["payment_id"]).await).await;
    let cards = format!("/v1/customers/{CLIENT}/cards");
    let saved = app.get(&cards).await.expect(200)["data"][0].clone();
    let consent = &saved["consent"];
    assert_eq!(
        (&consent["text_version"], &consent["channel"], &consent["max_amount"]),
        (&json!("offer-7"), &json!("bot"), &json!("1000.00")),
        "{saved}"
    );
    let rebill = host.service().clients[&CLIENT]["tinkoff_rebill_id"].clone();
    assert_eq!(rebill, saved["id"], "what the bot was told is what it charges by");
    let charge = |client: i64, sum: &str, order: &str| {
        let body = json!({ "client_id": client, "sum": sum, "description": "Декабрь",
            "tinkoff_rebill_id": rebill, "external_id": order });
        app.post("/compat/salebot/charge", body)
    };
    let first = charge(CLIENT, "499", "dec").await.expect(200);
    assert_eq!(first["ok"], true, "{first}");
    assert_eq!(charge(CLIENT, "499", "dec").await.expect(200)["payment_id"], first["payment_id"]);
    for _ in 0..20 {
        app.advance(10 * SECOND).await;
    }
    assert_eq!(app.payment(&first["payment_id"]).await["status"], "paid");
    let expected = prefix(host.settings().get("callback_secret"));
    let texts: Vec<String> = host.arrived().into_iter().map(|one| one.text).collect();
    assert_eq!(texts, vec![format!("{expected}_success 499"); 2], "each once");
    // A block that names no order and runs twice, once before a full ten minutes and once after.
    let unnamed = async |sum: &str| {
        let body = json!({ "client_id": CLIENT, "sum": sum, "tinkoff_rebill_id": rebill });
        app.post("/compat/salebot/charge", body).await.expect(200)
    };
    let ten = 600 * SECOND;
    app.advance(ten - app.ctx.now_ms() % ten - SECOND).await;
    let made = unnamed("100").await;
    app.advance(2 * SECOND).await;
    assert_eq!(unnamed("100").await["payment_id"], made["payment_id"], "one charge");
    let other = unnamed("101").await;
    assert!(other["ok"] == true && other["payment_id"] != made["payment_id"], "{other}");
    app.advance(ten).await;
    assert_ne!(unnamed("100").await["payment_id"], made["payment_id"], "the next month's");
    // Another client's card, more than was agreed to, and a consent taken back.
    let foreign = charge(CLIENT + 1, "499", "x").await.expect(200);
    assert_eq!(foreign["error_code"], "saved_means_gone", "{foreign}");
    let dear = charge(CLIENT, "1001", "y").await.expect(200);
    assert_eq!(dear["ok"], false, "{dear}");
    app.delete(&format!("{cards}/{}", saved["id"].as_str().unwrap())).await;
    let late = charge(CLIENT, "499", "z").await.expect(200);
    assert_eq!(late["ok"], false, "{late}");
    assert_eq!(app.rows("payments").await, 5, "nothing of these was asked of the bank");
}
