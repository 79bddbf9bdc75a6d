//! A customer's own pages: whose they are, what they show, and what each button does.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::{
    api::subscriptions::{charged, consent, days, minutes, pay, plan, shown, subscribe},
    harness::{
        app::{PUBLIC_URL, Reply, TestApp},
        databases::on_each,
    },
};

/// As a browser asks: without a key.
pub async fn visit(app: &TestApp, path: &str) -> Reply {
    app.send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn press(app: &TestApp, path: &str, form: &str) -> Reply {
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("user-agent", "Firefox/140");
    app.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

async fn link_of(app: &TestApp, customer: &str) -> String {
    let made = app.post(&format!("/v1/customers/{customer}/portal"), json!({})).await.expect(201);
    assert_eq!(made["customer_id"], customer);
    made["url"].as_str().unwrap().strip_prefix(PUBLIC_URL).expect("ours").to_owned()
}

fn plain(reply: &Reply) -> String {
    reply.text().replace('\u{a0}', " ")
}

#[track_caller]
fn says(reply: &Reply, status: u16, parts: &[&str]) {
    let text = plain(reply);
    assert_eq!(reply.status, status, "{text}");
    for part in parts {
        assert!(text.contains(part), "no «{part}»: {text}");
    }
}

/// Where a button leads, and what stands there.
async fn follow(app: &TestApp, reply: &Reply) -> Reply {
    assert_eq!(reply.status, 303, "{}", reply.text());
    visit(app, reply.header("location")).await
}

#[tokio::test]
async fn the_page_shows_what_is_paid_for_and_what_was_paid() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        let subscription = charged(&app).await;
        let home = link_of(&app, "client-17").await;
        let page = visit(&app, &home).await;
        says(&page, 200, &["Подписка START", "Действует", "2 450,00 ₽ в месяц", "оплачен"]);
        says(&page, 200, &["Следующее списание: 21.12.2026, 2 450,00 ₽", "offer-1"]);
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(!page.text().contains("<script"), "it works without any");
        let english = visit(&app, &format!("{home}?lang=en")).await;
        says(&english, 200, &["Next charge: 21.12.2026", "every month", "Change the plan"]);
        // The link to take the consent back is the one that letters have.
        let withdraw = subscription["withdraw_url"].as_str().unwrap();
        assert!(page.text().contains(withdraw), "{withdraw}");
        let other = link_of(&app, "client-18").await;
        says(&visit(&app, &other).await, 200, &["Подписок пока нет"]);
    })
    .await;
}

#[tokio::test]
async fn a_link_is_one_customers_and_ends() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let id = subscription["id"].as_str().unwrap();
    let mine = link_of(&app, "client-17").await;
    let theirs = link_of(&app, "client-18").await;
    // Somebody else's subscription is not there, whatever is asked of it.
    for action in ["cancel", "pause", "rebind", "change", "reactivate", "resume"] {
        let tried = press(&app, &format!("{theirs}/{id}/{action}"), "plan=start&when=now").await;
        assert_eq!(tried.status, 404, "{action}");
    }
    for page in ["change", "consent.txt"] {
        assert_eq!(visit(&app, &format!("{theirs}/{id}/{page}")).await.status, 404, "{page}");
    }
    assert_eq!(shown(&app, &subscription).await["cancel_at_period_end"], false);
    // A link made up of two, a cut one, one for longer than was said.
    let parts: Vec<&str> = mine.trim_start_matches("/portal/").split('.').collect();
    let swapped: Vec<&str> = theirs.trim_start_matches("/portal/").split('.').collect();
    for token in [
        format!("{}.{}.{}.{}", parts[0], parts[1], parts[2], swapped[3]),
        format!("{}.{}.{}9.{}", parts[0], parts[1], parts[2], parts[3]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2]),
        "guessed".to_owned(),
        "%FF.%FF.1.a".to_owned(),
    ] {
        let page = visit(&app, &format!("/portal/{token}")).await;
        assert!(page.status == 404 || page.status == 400, "{token}: {}", page.status);
        assert!(!page.text().contains("START"), "{token}");
    }
    days(&app, 2).await;
    says(&visit(&app, &mine).await, 410, &["Ссылка больше не действует"]);
    let late = press(&app, &format!("{mine}/{id}/cancel"), "").await;
    assert_eq!(late.status, 410);
    assert_eq!(shown(&app, &subscription).await["cancel_at_period_end"], false);
    // The link to take a consent back opens nothing here, and this one nothing there.
    let withdraw = subscription["withdraw_url"].as_str().unwrap();
    let signature = withdraw.rsplit('/').next().unwrap();
    let forged = format!("/portal/{}.{}.{}.{signature}", parts[0], parts[1], parts[2]);
    assert_eq!(visit(&app, &forged).await.status, 404);
}

#[tokio::test]
async fn links_are_for_as_long_as_the_shop_says_and_no_longer_than_a_month() {
    let app = TestApp::at("tbank").await;
    for (hours, is_good) in [(1, true), (744, true), (0, false), (745, false), (-1, false)] {
        let asked = app.post("/v1/customers/c/portal", json!({"ttl_hours": hours})).await;
        assert_eq!(asked.status == 201, is_good, "{hours}");
    }
    app.post("/v1/customers/c/portal", json!({"ttl": 1})).await.expect_error(422, "param_unknown");
    says(&visit(&app, "/portal").await, 200, &["по ссылке с сайта магазина"]);
    // Any number of a customer's fits into an address.
    let odd = "%D0%9A%D0%BB%D0%B8%D0%B5%D0%BD%D1%82%2F17%20%3F%23";
    let made = app.post(&format!("/v1/customers/{odd}/portal"), json!({})).await.expect(201);
    assert_eq!(made["customer_id"], "Клиент/17 ?#");
    let path = made["url"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap();
    assert_eq!(visit(&app, path).await.status, 200);
}

#[tokio::test]
async fn the_end_can_be_asked_for_and_taken_back() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let home = link_of(&app, "client-17").await;
    let own = format!("{home}/{}", subscription["id"].as_str().unwrap());
    let ended = press(&app, &format!("{own}/cancel"), "").await;
    let page = follow(&app, &ended).await;
    says(&page, 200, &["Подписка отменена", "Пользоваться можно до 21.12.2026", "Снять отмену"]);
    assert_eq!(shown(&app, &subscription).await["cancel_at_period_end"], true);
    // Two tabs: the second one asks for what is so already.
    let again = press(&app, &format!("{own}/cancel"), "").await;
    assert_eq!(again.status, 303, "it is what was asked for");
    let back = press(&app, &format!("{own}/reactivate?lang=en"), "").await;
    says(&follow(&app, &back).await, 200, &["taken back", "Next charge"]);
    assert_eq!(shown(&app, &subscription).await["cancel_at_period_end"], false);
    let twice = press(&app, &format!("{own}/reactivate"), "").await;
    says(&twice, 409, &["Сейчас это невозможно", "Действует"]);
    assert_eq!(press(&app, &format!("{own}/explode"), "").await.status, 404);
}

#[tokio::test]
async fn a_pause_keeps_the_days_and_ends_when_the_customer_says() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let home = link_of(&app, "client-17").await;
    let own = format!("{home}/{}", subscription["id"].as_str().unwrap());
    let paused = press(&app, &format!("{own}/pause"), "").await;
    let page = follow(&app, &paused).await;
    says(&page, 200, &["Приостановлена", "Оплаченные дни сохранены", "Возобновить"]);
    let resumed = press(&app, &format!("{own}/resume"), "").await;
    says(&follow(&app, &resumed).await, 200, &["Действует"]);
    assert_eq!(shown(&app, &subscription).await["status"], "active");
}

#[tokio::test]
async fn another_plan_is_shown_with_its_cost_before_and_costs_no_more() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let pro = json!({"code": "pro", "name": "PRO", "amount": "4900.00"});
    app.post("/v1/plans", pro).await.expect(201);
    days(&app, 10).await;
    let home = link_of(&app, "client-17").await;
    let own = format!("{home}/{}/change", subscription["id"].as_str().unwrap());
    says(&visit(&app, &own).await, 200, &["PRO — 4 900,00 ₽ в месяц", "Посчитать"]);
    let page = visit(&app, &format!("{own}?plan=pro&when=now")).await;
    says(&page, 200, &["Неиспользованное время", "Сейчас к оплате", "Согласен, что"]);
    let due = page.text();
    let due = due.split("name=\"due\" value=\"").nth(1).and_then(|part| part.split('"').next());
    let due: i64 = due.expect("the sum").parse().expect("kopecks");
    assert!((100_000..245_000).contains(&due), "two thirds of the difference: {due}");
    // Nothing happened by looking, and nothing happens for more than was shown.
    assert_eq!(shown(&app, &subscription).await["plan"], "start");
    let version = version_on(&page);
    let form =
        |due: i64, agree: &str| format!("plan=pro&version={version}&when=now&due={due}{agree}");
    let unseen = press(&app, &own, &format!("plan=pro&when=now&due={due}&agree=1")).await;
    says(&unseen, 409, &["Сумма изменилась"]);
    let dearer = press(&app, &own, &form(due - 2, "&agree=1")).await;
    says(&dearer, 409, &["Сумма изменилась"]);
    // It is above what was agreed to.
    let silent = press(&app, &own, &form(due, "")).await;
    says(&silent, 422, &["Нужно ваше согласие"]);
    assert_eq!(shown(&app, &subscription).await["plan"], "start");
    let done = press(&app, &own, &form(due, "&agree=1")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["plan"], &now["status"]), (&json!("pro"), &json!("active")), "{now}");
    assert_eq!(now["consent"]["channel"], "portal", "{now}");
    let text = visit(&app, &own.replace("/change", "/consent.txt")).await;
    says(&text, 200, &["будет автоматически списывать 4 900,00 ₽ в месяц"]);
    assert!(text.header("content-disposition").contains("attachment"));
    // A second touch of the button asks for what is so already.
    let twice = press(&app, &own, &form(due, "&agree=1")).await;
    says(&twice, 409, &["Сейчас это невозможно"]);
    let unknown = visit(&app, &format!("{own}?plan=none&when=now")).await;
    says(&unknown, 404, &["больше не продаётся"]);
}

#[tokio::test]
async fn another_card_is_saved_by_a_link_that_is_made_once() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    let home = link_of(&app, "client-17").await;
    let own = format!("{home}/{}/rebind", subscription["id"].as_str().unwrap());
    let first = press(&app, &own, "").await;
    assert_eq!(first.status, 303, "{}", first.text());
    let to = first.header("location").to_owned();
    assert!(to.starts_with("/pay/pay_"), "{to}");
    assert_eq!(press(&app, &own, "").await.header("location"), to, "a second touch, one link");
    says(&visit(&app, &home).await, 200, &["Закончить замену карты"]);
}

/// The terms that a page shows and its form sends back.
fn version_on(page: &Reply) -> String {
    let text = page.text();
    let rest = text.split("name=\"version\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("an id").to_owned()
}

#[tokio::test]
async fn a_customer_subscribes_with_a_consent_and_without() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({"features": {"Мест": 3, "Экспорт": true}, "trial_days": 0})).await;
    let home = link_of(&app, "client-17").await;
    let page = visit(&app, &format!("{home}/plans")).await;
    says(&page, 200, &["Подписка START", "2 450,00 ₽", "Мест: 3", "Экспорт", "Подписаться"]);
    let old = version_on(&page);
    let terms = |amount: &str| json!({"name": "Подписка START", "amount": amount});
    app.post("/v1/plans/start", terms("5000.00")).await.expect(200);
    let form = |version: &str, more: &str| format!("plan=start&version={version}{more}");
    for version in [&old, ""] {
        let asked = press(&app, &format!("{home}/plans"), &form(version, "&agree=1")).await;
        says(&asked, 409, &["Условия изменились", "5 000,00 ₽"]);
    }
    assert_eq!(app.rows("subscriptions").await, 0, "nobody agrees to what was not shown");
    app.post("/v1/plans/start", terms("2450.00")).await.expect(200);
    let fresh = version_on(&visit(&app, &format!("{home}/plans")).await);
    let begun = press(&app, &format!("{home}/plans"), &form(&fresh, "&agree=1")).await;
    assert!(begun.header("location").starts_with("/pay/pay_"), "{}", begun.text());
    let twice = press(&app, &format!("{home}/plans"), &form(&fresh, "&agree=1")).await;
    assert_eq!(twice.header("location"), begun.header("location"), "one link");
    let listed = app.get("/v1/subscriptions?customer_id=client-17").await.expect(200);
    let subscription = listed["data"][0].clone();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    says(&visit(&app, &home).await, 200, &["Ждёт первой оплаты", "Оплатить"]);
    let status = format!("/subscription-status/{}", subscription["id"].as_str().unwrap());
    says(&visit(&app, &status).await, 200, &["Ждём подтверждения банка", "checkout.js"]);
    pay(&app, &subscription).await;
    says(&visit(&app, &status).await, 200, &["Подписка оформлена", "Оплачено до 21.12.2026"]);
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "active");
    let id = subscription["id"].as_str().unwrap().to_owned();
    let read = app.ctx.db.read(move |tx| kopeck::subscriptions::store::list_consents(tx, &id));
    let consents: Result<Vec<_>, kopeck::kit::db::DbError> = read.await;
    let consent = consents.unwrap().remove(0);
    assert_eq!(consent.user_agent.as_deref(), Some("Firefox/140"));
    assert!(consent.text.unwrap().contains("пока я не отменю подписку"));
    let other = link_of(&app, "client-18").await;
    let linked = press(&app, &format!("{other}/plans"), &form(&fresh, "")).await;
    assert!(linked.header("location").starts_with("/pay/pay_"), "{}", linked.text());
    let listed = app.get("/v1/subscriptions?customer_id=client-18").await.expect(200);
    assert_eq!(listed["data"][0]["consent"], Value::Null, "nothing was agreed to");
    assert_eq!(press(&app, &format!("{other}/plans"), "plan=none").await.status, 404);
}

#[tokio::test]
async fn prices_are_there_for_everybody_and_buttons_are_not() {
    let app = TestApp::at("tbank").await;
    assert_eq!(visit(&app, "/pricing").await.status, 404, "there is nothing to sell");
    plan(&app, json!({"trial_days": 7, "setup_fee": "100.00"})).await;
    for path in ["/pricing".to_owned(), format!("/pricing/{}", app.shop.id)] {
        let page = visit(&app, &path).await;
        says(&page, 200, &["Подписка START", "Бесплатно 7 дней", "Подключение 100,00 ₽"]);
        assert!(!page.text().contains("<form"), "nobody is known to look");
    }
    // Prices are for everybody to find; what is one customer's is for nobody else.
    assert!(!visit(&app, "/pricing").await.text().contains("noindex"));
    let home = link_of(&app, "client-17").await;
    for own in [home.clone(), format!("{home}/plans"), "/portal".to_owned()] {
        assert!(visit(&app, &own).await.text().contains("content=\"noindex\""), "{own}");
    }
    says(&visit(&app, "/pricing?lang=en").await, 200, &["every month", "Free for 7 days"]);
    assert_eq!(visit(&app, "/pricing/shop_guessed").await.status, 404);
}

#[tokio::test]
async fn the_status_page_believes_the_bank_and_not_the_address() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let back = json!({"consent": consent(), "success_url": "https://shop.example.ru/me?a=1"});
    let subscription = subscribe(&app, back).await;
    let id = subscription["id"].as_str().unwrap();
    let named = format!("/subscription-status?subscriptionId={id}&status=success");
    let page = visit(&app, &named).await;
    says(&page, 200, &["Ждём подтверждения банка", "http-equiv=\"refresh\""]);
    assert!(!page.text().contains("shop.example.ru"), "not before it is paid");
    let before = visit(&app, &format!("/subscription-status/{id}/state")).await.expect(200);
    pay(&app, &subscription).await;
    let after = visit(&app, &format!("/subscription-status/{id}/state")).await.expect(200);
    assert_ne!(before["version"], after["version"]);
    let page = visit(&app, &named.replace("success", "error")).await;
    says(&page, 200, &["Подписка оформлена", "data-go-on=\"https://shop.example.ru/me?a=1\""]);
    for guessed in
        ["/subscription-status", "/subscription-status/sub_x", "/subscription-status/x/state"]
    {
        assert_eq!(visit(&app, guessed).await.status, 404, "{guessed}");
    }
}
