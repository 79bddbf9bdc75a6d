//! The robot and the pay system: a link for each run and each order, once, whatever comes twice.

use kopeck::kit::db::DbError;
use kopeck_integrations::stand_in::Fault;
use serde_json::{Value, json};

use super::{HOUR, Office, SECOND};
use crate::harness::app::TestApp;

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

/// Where our own page leads.
async fn leads_to(office: &Office, payment: &Value) -> String {
    let path = format!("/pay/{}", payment["id"].as_str().unwrap());
    let reply = office.app.get(&path).await;
    if reply.status == 200 { String::new() } else { reply.header("location").to_owned() }
}

#[tokio::test]
async fn an_older_link_of_an_order_gives_way_to_the_one_of_the_sum_that_is_due() {
    let office = Office::installed().await;
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    let first = checkout(&office, "91", "1500.50").await;
    office.wait(5).await;
    let first = office.app.payment(&first["PAYMENT_ID"]).await;
    assert_eq!(leads_to(&office, &first).await, "");
    let state = format!("/pay/{}/state", first["id"].as_str().unwrap());
    let before = office.app.get(&state).await.expect(200);
    office.host.service().portal.payments.insert(91, ("5000.00".to_owned(), false));
    let second = checkout(&office, "91", "5000.00").await;
    office.wait(5).await;
    let second = office.app.payment(&second["PAYMENT_ID"]).await;
    assert_ne!(second["id"], first["id"]);
    let newer = format!("/pay/{}", second["id"].as_str().unwrap());
    assert_eq!(leads_to(&office, &first).await, newer);
    let go = office.app.get(&format!("/pay/{}/go", first["id"].as_str().unwrap())).await;
    assert_eq!(go.header("location"), newer, "and never to the bank");
    assert_ne!(office.app.get(&state).await.expect(200)["version"], before["version"]);
    assert_eq!(leads_to(&office, &second).await, "");
    // Whoever was at the bank's page already may still pay there: then a person decides.
    office.app.pay(&first);
    office.app.advance(61 * SECOND).await;
    office.wait(30).await;
    assert!(!office.host.service().portal.payments[&91].1);
    assert_eq!(leads_to(&office, &first).await, "", "what is paid is shown");
    assert_eq!(office.app.rows("todos where kind = 'errand_given_up'").await, 1);
}

#[tokio::test]
async fn a_bank_that_can_closes_the_older_link_of_an_order() {
    let office = Office::over(TestApp::at("tbank").await, json!({})).await.install().await;
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    let first = checkout(&office, "91", "1500.50").await;
    office.wait(5).await;
    office.host.service().portal.payments.insert(91, ("5000.00".to_owned(), false));
    let second = checkout(&office, "91", "5000.00").await;
    for _ in 0..12 {
        office.app.advance(10 * SECOND).await;
    }
    assert_eq!(office.app.payment(&first["PAYMENT_ID"]).await["status"], "canceled");
    assert_eq!(office.app.payment(&second["PAYMENT_ID"]).await["status"], "open");
}

#[tokio::test]
async fn a_robots_link_takes_the_place_of_older_ones_when_it_asks_for_all_that_is_due() {
    let office = Office::installed().await;
    run(&office, 57, "11|a", &[]).await;
    office.wait(10).await;
    run(&office, 57, "12|b", &[("amount", "700")]).await;
    office.wait(10).await;
    let all = office.payments().await;
    assert_eq!(all.len(), 2, "{all:?}");
    let (part, whole) = (all[0].clone(), all[1].clone());
    assert_eq!((&part["amount"], &whole["amount"]), (&json!("700.00"), &json!("1500.00")));
    assert_eq!(leads_to(&office, &whole).await, "", "a part leaves the other as it is");
    office.set_deal(57, "opportunity", json!(2000));
    run(&office, 57, "13|c", &[]).await;
    office.wait(10).await;
    let newest = office.payments().await.remove(0);
    assert_eq!(newest["amount"], "2000.00");
    let newer = format!("/pay/{}", newest["id"].as_str().unwrap());
    assert_eq!(leads_to(&office, &whole).await, newer);
    assert_eq!(leads_to(&office, &part).await, newer);
}

#[tokio::test]
async fn money_that_a_bank_holds_for_a_deal_is_not_asked_for_twice() {
    let office = Office::installed().await;
    let held = office.app.create(json!({ "amount": "1500.00", "capture": "manual" })).await;
    let path = format!("/v1/payments/{}/send", held["id"].as_str().unwrap());
    office.app.post(&path, json!({ "to": "bitrix24:57" })).await.expect(202);
    office.app.pay(&held);
    office.app.advance(61 * SECOND).await;
    office.wait(10).await;
    assert_eq!(office.app.payment(&held["id"]).await["status"], "authorized");
    run(&office, 57, "11|a", &[]).await;
    office.wait(10).await;
    let answer = answers(&office).pop().unwrap();
    assert!(answer["error"].as_str().unwrap().contains("удержаны"), "{answer}");
    office.edit(json!({ "link_stages": "0=PREPARATION" })).await;
    office.set_deal(57, "stageId", json!("PREPARATION"));
    office.set_deal(57, "ufCrmKopeckLink", json!(""));
    let event = office.host.service().deal_event("ONCRMDEALUPDATE", 57);
    assert_eq!(office.post("events", &event).await.status, 200);
    office.wait(10).await;
    assert_eq!(office.payments().await.len(), 1, "the stage makes no second link either");
}

#[tokio::test]
async fn a_robot_asks_for_what_is_left_and_not_for_what_came() {
    let office = Office::installed().await;
    run(&office, 57, "11|a", &[("amount", "500")]).await;
    office.wait(10).await;
    let part = office.payments().await.remove(0);
    office.app.pay(&part);
    office.app.advance(61 * SECOND).await;
    office.wait(10).await;
    assert_eq!(office.app.payment(&part["id"]).await["status"], "paid");
    run(&office, 57, "12|b", &[]).await;
    office.wait(10).await;
    let rest = office.payments().await.remove(0);
    assert_eq!(rest["amount"], "1000.00", "1500 less what came");
    office.app.pay(&rest);
    office.app.advance(61 * SECOND).await;
    office.wait(10).await;
    run(&office, 57, "13|c", &[]).await;
    office.wait(10).await;
    assert_eq!(office.payments().await.len(), 2);
    let answer = answers(&office).pop().unwrap();
    assert!(answer["error"].as_str().unwrap().contains("уже оплачена"), "{answer}");
    // As if the process had died between the first link and its answer: it is known still.
    office.host.service().registry.answers.clear();
    office.host.service().registry.waiting.push("12|b".to_owned());
    let word = format!("robot {}", kopeck::kit::secret::hash_bytes(b"12|b"));
    let sql = r#"update bitrix24_errands set state = 'pending', due_ms = 0,
        what = '{"robot":57,"event_token":"12|b","properties":{}}' where word = $1"#;
    let again = move |tx: &mut dyn kopeck::kit::db::Tx| tx.execute(sql, &[word.into()]);
    let done: Result<u64, DbError> = office.app.ctx.db.write(again).await;
    assert_eq!(done.unwrap(), 1);
    office.edit(json!({})).await;
    office.wait(10).await;
    let answer = answers(&office).pop().unwrap();
    assert_eq!(answer["payment_id"], rest["id"], "{answer}");
}

#[tokio::test]
async fn a_second_try_after_an_edit_of_the_deal_still_knows_its_link() {
    let office = Office::installed().await;
    run(&office, 57, "11|a", &[]).await;
    office.wait(10).await;
    assert_eq!(answers(&office).len(), 1);
    // As if the process had died between the link and the answer.
    office.host.service().registry.answers.clear();
    office.host.service().registry.waiting.push("11|a".to_owned());
    let sql = r#"update bitrix24_errands set state = 'pending', due_ms = 0,
        what = '{"robot":57,"event_token":"11|a","properties":{}}'"#;
    let done: Result<u64, DbError> = office.app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    assert_eq!(done.unwrap(), 1);
    office.set_deal(57, "opportunity", json!(1700));
    office.set_deal(57, "title", json!("Другое название"));
    office.edit(json!({})).await;
    office.wait(10).await;
    let all = office.payments().await;
    assert_eq!(all.len(), 1, "{all:?}");
    let answer = answers(&office).pop().unwrap();
    assert_eq!((&answer["payment_url"], &answer["error"]), (&all[0]["pay_url"], &json!("")));
}

#[tokio::test]
async fn a_deal_of_four_hundred_rows_is_answered_for() {
    let office = Office::installed().await;
    // As long as portals write a row.
    let row = format!(
        r#"{{"productName":"Болт М8 оцинкованный","price":3.75,"quantity":1,"taxRate":null,
        "xmlId":"{}"}}"#,
        "0123456789abcdef".repeat(50)
    );
    let rows = format!("[{}]", vec![row; 400].join(","));
    assert!(rows.len() > 300_000);
    office.host.service().portal.rows.insert(57, rows);
    let defaults = json!({ "taxation": "usn_income", "vat": [{ "vat": "none" }] });
    assert!(office.app.put("/v1/receipts/defaults", defaults).await.status < 300);
    run(&office, 57, "11|a", &[("with_receipt", "Y")]).await;
    office.wait(10).await;
    let answer = answers(&office).pop().expect("the deal was read");
    let error = answer["error"].as_str().unwrap();
    assert!(error.is_empty() || error.contains("receipt"), "{answer}");
    let page = office.host.service().tab(57, super::VIEWER);
    let page = office.post("card", &page).await.text();
    assert!(page.contains("строк: 400"), "{page}");
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
