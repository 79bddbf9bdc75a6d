//! The robot and the pay system: a link for each run and each order, once, whatever comes twice.

use kopeck::kit::db::DbError;
use kopeck_integrations::stand_in::Fault;
use serde_json::{Value, json};

use super::{HOUR, Office, SECOND};

const ROWS: &str = r#"[
    {"productName":"Курс","price":1000,"quantity":1,"taxRate":null,"taxIncluded":"N"},
    {"productName":"Книга","price":166.6667,"quantity":3,"taxRate":22,"taxIncluded":"Y"}]"#;

async fn run(office: &Office, deal: i64, token: &str, properties: &[(&str, &str)]) {
    let form = office.host.service().robot_run(deal, token, properties);
    assert_eq!(office.post("robot", &form).await.status, 200);
}

fn answers(office: &Office) -> Vec<Value> {
    office.host.service().registry.answers.clone()
}

#[tokio::test]
async fn a_robot_makes_a_link_and_the_funnel_goes_on_with_it_once() {
    let office = Office::installed().await;
    run(&office, 57, "11|a", &[("amount", "1500.00"), ("description", "Заказ 57")]).await;
    // The portal's queue sends it again before anything is done, and once more afterwards.
    let form = office.host.service().robot_run(57, "11|a", &[("amount", "1500.00")]);
    assert_eq!(office.post("robot", &form).await.status, 200);
    office.wait(5).await;
    assert_eq!(office.post("robot", &form).await.status, 200);
    office.wait(10).await;
    let all = office.payments().await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["amount"], &all[0]["purpose"]), (&json!("1500.00"), &json!("Заказ 57")));
    let answers = answers(&office);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["payment_url"], all[0]["pay_url"]);
    assert_eq!(answers[0]["error"], "");
    assert_eq!(office.deal(57, "ufCrmKopeckLink"), all[0]["pay_url"], "the deal hears of it");
    // Another run is another link.
    run(&office, 57, "12|b", &[("amount", "700")]).await;
    office.wait(10).await;
    assert_eq!(office.payments().await.len(), 2);
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_a_run_has_one_link_and_one_answer() {
    for (fault, times) in
        [(Fault::ReplyLost, 1), (Fault::ReplyLost, 2), (Fault::Status(502), 3), (Fault::Hang, 2)]
    {
        let office = Office::installed().await;
        office.host.fail(fault, times);
        run(&office, 57, "11|a", &[]).await;
        for _ in 0..40 {
            office.app.advance(20 * SECOND).await;
        }
        assert_eq!(office.payments().await.len(), 1, "{fault:?} {times}");
        assert_eq!(answers(&office).len(), 1, "{fault:?} {times}");
        assert!(office.host.service().registry.waiting.is_empty());
    }
}

#[tokio::test]
async fn rows_become_the_receipt_and_a_wish_that_cannot_be_is_told_to_the_funnel() {
    let office = Office::installed().await;
    office.host.service().portal.rows.insert(57, ROWS.to_owned());
    let defaults = json!({ "taxation": "usn_income", "vat": [{ "vat": "none" }] });
    let saved = office.app.put("/v1/receipts/defaults", defaults).await;
    assert!(saved.status < 300, "{}", saved.text());
    run(&office, 57, "11|a", &[("with_receipt", "Y")]).await;
    office.wait(5).await;
    assert_eq!(office.open_errands().await, Vec::<String>::new());
    let answer = answers(&office).pop().unwrap();
    assert_eq!(answer["error"], "", "{answer}");
    let sql = "select receipt from payments";
    let kept: Result<_, DbError> = office.app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    let receipt: Value = serde_json::from_str(&kept.unwrap().unwrap().text(0).unwrap()).unwrap();
    let items = receipt["items"].as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Курс") && names.contains(&"Книга"), "{receipt}");
    let vats: Vec<&str> = items.iter().map(|it| it["vat"].as_str().unwrap()).collect();
    assert!(vats.contains(&"none") && vats.contains(&"vat22"), "{receipt}");
    assert_eq!(receipt["email"], "anna@example.ru", "the deal's contact");
    for (token, deal, properties, part) in [
        ("12|b", 57, vec![("with_receipt", "Y"), ("amount", "100")], "всю сумму"),
        ("13|c", 60, vec![("with_receipt", "Y")], "нет товаров"),
        ("14|d", 57, vec![("amount", "много")], "Сумма не прочитана"),
        ("16|f", 57, vec![("amount", "100|USD")], "Сумма не прочитана"),
        ("15|e", 58, vec![], "Такой сделки нет"),
    ] {
        run(&office, deal, token, &properties).await;
        office.wait(5).await;
        let answer = answers(&office).pop().unwrap();
        assert!(answer["error"].as_str().unwrap().contains(part), "{answer}");
        assert_eq!(answer["status"], "error", "{answer}");
    }
    assert_eq!(office.payments().await.len(), 1);
    // Whoever opens the application sees what did not come off.
    let form = office.host.service().install_page();
    let page = office.post("app", &form).await.text();
    assert!(page.contains("Запуск робота") && page.contains("Сумма не прочитана"), "{page}");
}

#[tokio::test]
async fn a_robot_sends_its_link_by_the_chosen_way() {
    use crate::integrations::host::Host;
    use kopeck_integrations::sms::SmsStandIn;
    let office = Office::installed().await;
    let sms = Host::start(SmsStandIn::default(), office.app.clock.clone());
    sms.connect(&office.app, json!({})).await;
    run(&office, 57, "11|a", &[("send_to", "sms")]).await;
    office.wait(10).await;
    assert_eq!(sms.arrived().len(), 1);
    assert!(sms.arrived()[0].to.contains("9001234567"), "the contact's own phone");
    assert_eq!(answers(&office)[0]["error"], "");
    run(&office, 57, "12|b", &[("send_to", "email")]).await;
    office.wait(10).await;
    let answer = answers(&office).pop().unwrap();
    assert!(answer["payment_url"].as_str().unwrap().contains("/pay/"), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("не отправлена"), "{answer}");
}

#[tokio::test]
async fn an_ended_token_and_a_busy_portal_are_waited_out() {
    let office = Office::installed().await;
    let before = office.host.service().issued;
    office.app.advance(2 * HOUR).await;
    run(&office, 57, "11|a", &[]).await;
    office.wait(10).await;
    assert_eq!(answers(&office).len(), 1);
    assert_eq!(office.host.service().issued, before + 1, "renewed when it had ended, once");
    // Thirty runs at once: none is lost, and the portal never has to refuse.
    for number in 0..30 {
        run(&office, 57, &format!("20|{number}"), &[("amount", "10")]).await;
    }
    office.wait(200).await;
    assert_eq!(answers(&office).len(), 31);
    assert_eq!(office.host.service().refused, 0, "no QUERY_LIMIT_EXCEEDED was provoked");
}

async fn checkout(office: &Office, payment: &str, sum: &str) -> Value {
    let handler = office.host.service().registry.handlers[0].clone();
    let uri = handler["SETTINGS"]["CHECKOUT_DATA"]["ACTION_URI"].as_str().unwrap().to_owned();
    let path = uri.strip_prefix("https://pay.example.ru").unwrap();
    let form = office.host.service().checkout(payment, sum);
    office.app.post_text(path, &form).await.expect(200)
}

#[tokio::test]
async fn a_portals_own_payment_is_paid_by_one_link_and_told_to_the_portal() {
    let office = Office::installed().await;
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    let first = checkout(&office, "91", "1500.50").await;
    assert!(first["PAYMENT_URL"].as_str().unwrap().contains("/pay/pay_"), "{first}");
    assert_eq!(checkout(&office, "91", "1500.50").await, first, "the same twice");
    let id = first["PAYMENT_ID"].clone();
    office.wait(5).await;
    let payment = office.app.payment(&id).await;
    assert_eq!(payment["amount"], "1500.50");
    office.app.pay(&payment);
    // The portal does not answer at first.
    office.app.advance(61 * SECOND).await;
    office.wait(30).await;
    assert!(office.host.service().portal.payments[&91].1, "the portal's payment is paid");
    let late = checkout(&office, "91", "1500.50").await;
    assert_eq!(late["PAYMENT_ERRORS"][0], "Этот заказ уже оплачен");
    assert_eq!(office.payments().await.len(), 1);
}

#[tokio::test]
async fn an_order_that_grew_is_not_paid_by_the_money_of_its_older_link() {
    let office = Office::installed().await;
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    let first = checkout(&office, "91", "1500.50").await;
    office.wait(5).await;
    let payment = office.app.payment(&first["PAYMENT_ID"]).await;
    office.host.service().portal.payments.insert(91, ("5000.00".to_owned(), false));
    office.app.pay(&payment);
    office.app.advance(61 * SECOND).await;
    office.wait(30).await;
    assert_eq!(office.app.payment(&payment["id"]).await["status"], "paid");
    assert!(!office.host.service().portal.payments[&91].1, "5000.00 are not paid by 1500.50");
}

#[tokio::test]
async fn a_checkout_is_believed_in_nothing_that_a_buyer_could_change() {
    let office = Office::installed().await;
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    let cheap = checkout(&office, "91", "1.00").await;
    assert!(cheap["PAYMENT_ERRORS"][0].as_str().unwrap().contains("Сумма"), "{cheap}");
    let unknown = checkout(&office, "92", "10.00").await;
    assert!(unknown["PAYMENT_ERRORS"][0].is_string(), "{unknown}");
    let form = office.host.service().checkout("91", "1500.50");
    assert_eq!(office.post("checkout/0123456789abcdef", &form).await.status, 404);
    office.host.service().portal.payments.get_mut(&91).unwrap().1 = true;
    let paid = checkout(&office, "91", "1500.50").await;
    assert_eq!(paid["PAYMENT_ERRORS"][0], "Этот заказ уже оплачен");
    assert!(office.payments().await.is_empty());
}
