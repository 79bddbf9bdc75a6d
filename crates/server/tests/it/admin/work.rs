//! What is done in the dashboard: links, refunds, captures, files; each once, each in the audit.

use kopeck::staff::model::Role;
use serde_json::json;

use super::{member, owner};
use crate::{
    api::{
        receipts::{basket, due},
        subscriptions::{consent, pay, plan, shown, subscribe},
    },
    harness::app::TestApp,
};

/// The number of the payment that an answer leads to.
fn led_to(location: &str) -> String {
    let rest = location.strip_prefix("/admin/payments/").expect("a payment");
    rest.split('?').next().expect("an id").to_owned()
}

#[tokio::test]
async fn a_link_is_made_paid_and_given_back_by_clicks_that_count_once() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let fields = [
        ("amount", "1 234,50 ₽"),
        ("purpose", "Консультация"),
        ("order_id", "4711"),
        ("contact", "buyer@example.ru"),
        ("methods", "card"),
        ("key", "form_1-1"),
    ];
    let made = owner.post("/admin/links", &fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let id = led_to(made.header("location"));
    // A second click, another tab: the same payment.
    let twin = owner.post("/admin/links", &fields).await;
    assert_eq!(led_to(twin.header("location")), id);
    assert_eq!(app.rows("payments").await, 1);
    let page = owner.see(&format!("/admin/payments/{id}")).await;
    for text in ["1\u{a0}234,50\u{a0}₽", "Ждёт оплаты", "4711", "buyer@example.ru"] {
        assert!(page.contains(text), "no {text}: {page}");
    }
    app.pay(&app.payment(&json!(id)).await);
    app.advance(61_000).await;
    let page = owner.see(&format!("/admin/payments/{id}")).await;
    for text in ["Оплачен", "Банк получил деньги", "Можно вернуть до 1\u{a0}234,50\u{a0}₽"]
    {
        assert!(page.contains(text), "no {text}: {page}");
    }
    let path = format!("/admin/payments/{id}/refund");
    let back = [("amount", "234,50"), ("reason", "Половина"), ("key", "form_2-1")];
    for _ in 0..2 {
        let reply = owner.post(&path, &back).await;
        assert_eq!(reply.header("location"), format!("/admin/payments/{id}?done=refund"));
    }
    app.advance(61_000).await;
    assert_eq!(app.payment(&json!(id)).await["refunded_kopecks"], 23_450, "once");
    // More than is left: told in the page's language, with the code for whoever looks it up.
    let refused = owner.post(&path, &[("amount", "5000"), ("key", "form_3-1")]).await;
    assert!(refused.status == 409 || refused.status == 422, "{}", refused.status);
    assert!(refused.text().contains("Не получилось"), "{}", refused.text());
    let english = owner.get(&format!("/admin/payments/{id}?lang=en")).await.text();
    assert!(english.contains("The bank received the money"), "{english}");
    let audit = owner.see("/admin/audit?lang=ru").await;
    for text in ["payment.create", "payment.refund", &id, "amount: 234,50", "Отказано"] {
        assert!(audit.contains(text), "no {text}: {audit}");
    }
    let asked = audit.matches("Начато").count();
    assert_eq!(asked, 0, "each change has its outcome");
}

#[tokio::test]
async fn a_payment_is_found_by_whatever_somebody_remembers() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let wanted = app
        .create(json!({
            "amount": "1234.50", "purpose": "Курс «Торты»", "order_id": "A-4711",
            "customer": {"phone": "+79991234567", "email": "anna@example.ru"},
        }))
        .await;
    app.create(json!({"amount": "99.00", "purpose": "Другое_дело", "order_id": "B-1"})).await;
    let id = wanted["id"].as_str().expect("an id");
    let bank = wanted["bank_payment_id"].as_str().expect("open");
    for text in [
        "A-4711",
        "A-47",
        "курс",
        "КУРС",
        "торты",
        "1234,5",
        "1 234.50 ₽",
        "45-67",
        "4567",
        "8 (999) 123-45-67",
        "anna@",
        id,
        bank,
    ] {
        let page = owner.see(&format!("/admin/payments?search={}", super::escaped(text))).await;
        assert!(page.contains(id), "{text} finds it");
        assert!(!page.contains("Другое_дело"), "{text} finds nothing else");
    }
    let page = owner.see("/admin/payments?search=%25").await;
    assert!(page.contains("Ничего не нашлось"), "a sign is a sign, no pattern");
    let found = app.get("/v1/payments?search=A-47").await.expect(200);
    assert_eq!(found["data"].as_array().expect("a list").len(), 1);
    let wrong = owner.get("/admin/payments?status=nonsense").await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
}

#[tokio::test]
async fn a_hold_is_captured_by_a_part_or_whole_as_its_bank_can() {
    let app = TestApp::at("tbank").await;
    let owner = owner(&app).await;
    let hold = app.create(json!({"capture": "manual", "methods": ["card"]})).await;
    app.pay(&hold);
    app.advance(61_000).await;
    let id = hold["id"].as_str().expect("an id");
    let page = owner.see(&format!("/admin/payments/{id}")).await;
    assert!(page.contains("Удержано 5\u{a0}000,00\u{a0}₽. Можно списать меньше"), "{page}");
    let path = format!("/admin/payments/{id}/capture");
    let reply = owner.post(&path, &[("amount", "4 000"), ("key", "form_1-1")]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    app.advance(61_000).await;
    assert_eq!(app.payment(&hold["id"]).await["paid_kopecks"], 400_000);
}

#[tokio::test]
async fn a_table_goes_home_as_a_file_for_those_who_account() {
    let app = TestApp::new().await;
    owner(&app).await;
    let accountant = member(&app, Role::Accountant).await;
    app.create(json!({"purpose": "=cmd()", "order_id": "4711"})).await;
    let csv = accountant.get("/admin/payments?format=csv").await;
    assert_eq!(csv.status, 200);
    assert!(csv.header("content-disposition").contains("payments.csv"));
    let text = csv.text();
    assert!(text.starts_with("\u{feff}Создан;Сумма;") && text.contains(";5000,00;"), "{text}");
    assert!(text.contains(";'=cmd();"), "no formula: {text}");
    let xlsx = accountant.get("/admin/payments?format=xlsx").await;
    assert!(xlsx.header("content-type").contains("spreadsheetml"));
    assert!(xlsx.bytes.starts_with(b"PK"));
    // The audit of a reader's wishes: no file for who only looks is offered.
    let reader = member(&app, Role::Reader).await;
    assert!(!reader.see("/admin/payments").await.contains("format=csv"));
    for list in ["payments", "receipts", "subscriptions", "deliveries"] {
        let reply = reader.get(&format!("/admin/{list}?format=csv")).await;
        assert!(reply.header("content-type").starts_with("text/html"), "{list} is no file");
        let reply = accountant.get(&format!("/admin/{list}?format=csv")).await;
        assert!(reply.header("content-type").starts_with("text/csv"), "{list}");
    }
}

#[tokio::test]
async fn keys_and_webhooks_are_made_shown_once_and_taken_away() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let made = owner.post("/admin/keys", &[("name", "Сайт"), ("scope", "bot")]).await;
    let page = made.text();
    let key = page.split("data-copy=\"").nth(1).and_then(|rest| rest.split('"').next());
    let key = key.expect("a key").to_owned();
    assert!(key.starts_with("kpk_"), "{key}");
    let list = owner.see("/admin/keys").await;
    assert!(list.contains("Сайт") && !list.contains(&key), "shown once");
    let fields = [("url", "https://shop.example.ru/hook"), ("events", "payment.paid, refund.*")];
    let hook = owner.post("/admin/webhooks", &fields).await.text();
    assert!(hook.contains("Секрет подписи") && hook.contains("payment.paid, refund.*"), "{hook}");
    let audit = owner.see("/admin/audit").await;
    assert!(audit.contains("key.create") && audit.contains("webhook.create"));
    assert!(!audit.contains(&key), "no secret in the audit");
}

#[tokio::test]
async fn settings_change_what_they_name_and_leave_the_rest() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let save = async |vat: &str, taxation: &str, days: &str| {
        let fields = [("vat", vat), ("taxation", taxation), ("close_after_days", days)];
        let reply = owner.post("/admin/settings/receipts", &fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        app.get("/v1/receipts/defaults").await.expect(200)
    };
    let first = save("none", "usn_income", "14").await;
    assert_eq!(first["taxation"], "usn_income", "{first}");
    assert_eq!((&first["vat"][0]["vat"], &first["close_after_days"]), (&json!("none"), &json!(14)));
    let second = save("", "patent", "").await;
    assert_eq!((&second["vat"], &second["taxation"]), (&first["vat"], &json!("patent")));
    let routing = owner.post("/admin/settings/routing", &[("order", "tochka")]).await;
    assert_eq!(routing.status, 303, "{}", routing.text());
    assert_eq!(app.get("/v1/routing").await.expect(200)["order"], json!(["tochka"]));
    let wrong = owner.post("/admin/settings/routing", &[("order", "sber")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("sber"), "it names the bank at fault");
    let named = owner.post("/admin/settings/name", &[("name", "Пекарня")]).await;
    assert_eq!(named.status, 303);
    assert_eq!(app.get("/v1/me").await.expect(200)["name"], "Пекарня");
}

#[tokio::test]
async fn a_prepayment_is_closed_and_a_receipt_by_hand_is_noted() {
    let app = TestApp::at("tbank").await;
    let owner = owner(&app).await;
    app.create_paid(basket("full_prepayment")).await;
    let open = due(&app).await[0].clone();
    let at = format!("/admin/receipts/{}", open["id"].as_str().expect("an id"));
    assert!(owner.see("/admin/receipts").await.contains(&at), "it is listed");
    let page = owner.see(&at).await;
    let path = page.split("action=\"").find(|rest| rest.starts_with("/admin/receipts/close/"));
    let path = path.and_then(|rest| rest.split('"').next()).expect("a form").to_owned();
    assert_eq!(owner.post(&path, &[]).await.status, 303);
    app.advance(1_000).await;
    assert_eq!(app.bank.count("SendClosingReceipt"), 1);
    assert!(due(&app).await.is_empty());
}

#[tokio::test]
async fn a_subscription_is_looked_at_and_ended_by_a_click() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({"consent": consent()})).await;
    pay(&app, &subscription).await;
    let id = subscription["id"].as_str().expect("an id");
    let page = owner.see(&format!("/admin/subscriptions/{id}")).await;
    for text in
        ["client-17", "Подписка START", "Действует", "Следующее списание", "/admin/payments/pay_"]
    {
        assert!(page.contains(text), "no {text}: {page}");
    }
    assert!(owner.see("/admin/subscriptions").await.contains(id));
    let numbers = owner.see("/admin/subscriptions/numbers").await;
    assert!(numbers.contains("MRR") && numbers.contains("2\u{a0}450,00"), "{numbers}");
    let paused = owner.post(&format!("/admin/subscriptions/{id}/pause"), &[]).await;
    assert_eq!(paused.status, 303, "{}", paused.text());
    let resumed = owner.post(&format!("/admin/subscriptions/{id}/resume"), &[]).await;
    assert_eq!(resumed.status, 303, "{}", resumed.text());
    let path = format!("/admin/subscriptions/{id}/cancel");
    let ended = owner.post(&path, &[("when", "period_end")]).await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    assert_eq!(shown(&app, &subscription).await["cancel_at_period_end"], true);
    let back = owner.post(&format!("/admin/subscriptions/{id}/reactivate"), &[]).await;
    assert_eq!(back.status, 303, "{}", back.text());
    let ended = owner.post(&path, &[("when", "now")]).await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    assert_eq!(shown(&app, &subscription).await["status"], "canceled");
}
