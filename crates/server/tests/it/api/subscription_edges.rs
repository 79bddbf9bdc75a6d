//! Subscriptions at their edges: what a change may credit, what a charge that waits for a notice needs
//! to go on, links after a decline, imported ones that save nothing yet, charges known too late.

use kopeck::{
    kit::db::DbError,
    subscriptions::{
        dunning::{NoticeFirst, Rules},
        flow::Problem,
        import::{
            Mode, Verdict,
            subscribed::{COLUMNS, Subscribed},
            table::read_rows,
        },
        store,
    },
};
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    subscription_alarms::{appear, execute, kept, sweep, todos},
    subscriptions::{
        DAY, HOUR, asked, at_bank, charged, consent, count, days, fate, kinds, minutes, path, pay,
        plan, shown, subscribe,
    },
};
use crate::harness::app::TestApp;

async fn rules(app: &TestApp, rules: Rules) {
    let shop_id = app.shop.id.clone();
    let saved: Result<(), DbError> =
        app.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &rules)).await;
    saved.unwrap();
}

async fn preview(app: &TestApp, subscription: &Value, wish: Value) -> Value {
    app.post(&path(subscription, "/preview"), wish).await.expect(200)
}

/// What of the preview is credited for time that will not be used.
fn credit(preview: &Value) -> i64 {
    let lines = preview["lines"].as_array().expect("lines").iter();
    let unused = lines.filter(|line| line["kind"] == "unused");
    unused.map(|line| -line["amount_kopecks"].as_i64().unwrap()).sum()
}

fn pay_by(app: &TestApp, id: &str, method: &str) {
    let (id, method) = (id.to_owned(), Some(method.to_owned()));
    app.bank.control(&Control::Pay { id, method, card: None });
}

#[tokio::test]
async fn a_change_credits_no_money_that_went_back_before_it() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
    plan(&app, json!({"code": "max", "amount": "9800.00"})).await;
    let subscription = subscribe(&app, json!({})).await;
    pay(&app, &subscription).await;
    let first = asked(&app, &subscription).await;
    days(&app, 10).await;
    app.post(&path(&subscription, "/change"), json!({"plan": "pro"})).await.expect(200);
    pay(&app, &subscription).await;
    let second = asked(&app, &subscription).await;
    let rest = second["paid_kopecks"].as_i64().unwrap();
    let whole = preview(&app, &subscription, json!({"plan": "max"})).await;
    // Two thirds of both months: what was credited is worth what was paid for it.
    assert!((2 * rest - 200..=2 * rest).contains(&credit(&whole)), "{rest} {whole}");
    let refund = |id: &Value| format!("/v1/payments/{}/refunds", id.as_str().unwrap());
    let half = json!({"amount": "1225.00"});
    app.post(&refund(&first["id"]), half).await.expect(201);
    minutes(&app, 3).await;
    let less = preview(&app, &subscription, json!({"plan": "max"})).await;
    let left = rest + rest / 2;
    assert!((left - 200..=left + 1).contains(&credit(&less)), "{rest} {less}");
    app.post(&refund(&first["id"]), json!({})).await.expect(201);
    minutes(&app, 3).await;
    let none = preview(&app, &subscription, json!({"plan": "max"})).await;
    assert!((rest - 200..=rest).contains(&credit(&none)), "what the change cost: {rest} {none}");
    app.post(&refund(&second["id"]), json!({})).await.expect(201);
    minutes(&app, 3).await;
    let none = preview(&app, &subscription, json!({"plan": "max"})).await;
    assert_eq!(credit(&none), 0, "nothing is left: {none}");
}

#[tokio::test]
async fn a_change_that_was_not_paid_takes_no_credit_from_the_next_one() {
    let app = TestApp::new().await;
    plan(&app, json!({})).await;
    plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
    let subscription = subscribe(&app, json!({})).await;
    pay(&app, &subscription).await;
    days(&app, 5).await;
    let before = preview(&app, &subscription, json!({"plan": "pro"})).await;
    app.post(&path(&subscription, "/change"), json!({"plan": "pro"})).await.expect(200);
    // The link is not paid: the change did not happen.
    days(&app, 2).await;
    let after = preview(&app, &subscription, json!({"plan": "pro"})).await;
    let two_days = 2 * 245_000 / 30;
    let expected = credit(&before) - two_days;
    assert!((expected - 300..=expected + 300).contains(&credit(&after)), "{before} {after}");
    // And a pause keeps what is left of the month, not of the change.
    app.post(&path(&subscription, "/pause"), json!({})).await.expect(200);
    days(&app, 20).await;
    app.post(&path(&subscription, "/resume"), json!({})).await.expect(200);
    let resumed = preview(&app, &subscription, json!({"plan": "pro"})).await;
    assert!((credit(&after) - 10..=credit(&after)).contains(&credit(&resumed)), "{resumed}");
}

#[tokio::test]
async fn an_imported_subscription_saves_a_card_at_tochka_by_the_link_of_its_next_period() {
    for was_wrong in [false, true] {
        let app = TestApp::at("tochka").await;
        plan(&app, json!({})).await;
        let next = kopeck::kit::clock::iso(app.ctx.now_ms() + 5 * DAY);
        let file = format!(
            "customer,plan,next_charge_at,consent_version,consent_channel,consent_at\n\
             client-17,start,{next},offer-1,site,2026-01-01T00:00:00Z\n"
        );
        let row = read_rows(&file, "subscriptions", &COLUMNS).unwrap().remove(0);
        let read = Subscribed::read(&row).unwrap();
        let (ctx, shop_id) = (app.ctx.clone(), app.shop.id.clone());
        let banks = [app.connection.clone()];
        let taken: Result<Verdict, Problem> =
            app.ctx.db.write(move |tx| read.take(tx, &ctx, (&shop_id, &banks), Mode::Write)).await;
        assert!(matches!(taken, Ok(Verdict::New)), "{taken:?}");
        if was_wrong {
            // As older versions wrote it.
            execute(&app, "update subscriptions set saves = 'account'").await;
        }
        let listed = app.get("/v1/subscriptions").await.expect(200);
        let subscription = listed["data"][0].clone();
        days(&app, 6).await;
        assert_eq!(asked(&app, &subscription).await["methods"], json!(["card"]));
        pay(&app, &subscription).await;
        app.advance(HOUR).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], now["card_id"].is_string()), (&json!("active"), true), "{now}");
        days(&app, 31).await;
        assert_eq!(app.bank.count("/charge"), 1, "from now on it is charged");
    }
}

#[tokio::test]
async fn who_had_no_money_on_the_card_may_pay_by_sbp_and_is_charged_again_next_time() {
    let app = TestApp::at("tochka").await;
    rules(&app, Rules { max_tries: 1, ..Rules::default() }).await;
    let (subscription, token) = kept(&app).await;
    let state = |state: &str| Control::Token { token: token.clone(), state: state.to_owned() };
    app.bank.control(&state("insufficient_funds"));
    days(&app, 31).await;
    let link = asked(&app, &subscription).await;
    assert_eq!(link["methods"], json!(["card", "sbp"]), "{link}");
    pay_by(&app, &at_bank(&app, &subscription).await, "sbp");
    app.advance(HOUR).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["card_id"]), (&json!("active"), &subscription["card_id"]));
    app.bank.control(&state("valid"));
    days(&app, 31).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["period"]["number"], &now["status"]), (&json!(3), &json!("active")), "{now}");
    assert_eq!(app.bank.count("/charge"), 2);
}

#[tokio::test]
async fn a_card_that_is_gone_is_asked_for_anew_and_sbp_is_offered_beside_it() {
    let app = TestApp::at("tbank").await;
    plan(&app, json!({})).await;
    let subscription = subscribe(&app, json!({"consent": consent(), "save": "card"})).await;
    let opening = at_bank(&app, &subscription).await;
    pay_by(&app, &opening, "card");
    minutes(&app, 3).await;
    let card = shown(&app, &subscription).await["card_id"].clone();
    let shown_there = app.bank.control(&Control::Show { id: opening });
    let token = shown_there["rebill_id"].as_str().expect("a token").to_owned();
    app.bank.control(&Control::Token { token, state: "expired".to_owned() });
    days(&app, 31).await;
    let link = asked(&app, &subscription).await;
    assert_eq!(link["methods"], json!(["card", "sbp"]), "{link}");
    pay_by(&app, &at_bank(&app, &subscription).await, "card");
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["status"], "active", "{now}");
    assert!(now["card_id"].is_string() && now["card_id"] != card, "another one is saved: {now}");
}

#[tokio::test]
async fn a_charge_known_not_to_be_made_after_its_period_ends_nothing() {
    let app = TestApp::at("tochka").await;
    let (subscription, _) = kept(&app).await;
    let hang = Fault { kind: FaultKind::Hang { ms: 30_000 }, times: 1, path: "/charge".to_owned() };
    app.bank.control(&Control::Fault(hang));
    days(&app, 31).await;
    for _ in 0..40 * 12 {
        app.advance(2 * HOUR).await;
    }
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["period"]["number"], &now["period"]["status"]), (&json!(2), &json!("open")));
    let open = todos(&app).await;
    let settle = format!("/v1/payments/{}/settle", open[0]["payment_id"].as_str().unwrap());
    app.post(&settle, json!({"charged": false})).await.expect(200);
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["period"]["number"], &now["period"]["status"]),
        (&json!("active"), &json!(3), &json!("paid")),
        "the time in which nobody could be charged is not paid for: {now}"
    );
    assert_eq!(app.bank.count("/charge"), 2);
    let sum = "select cast(sum(paid_kopecks) as bigint) from payments";
    assert_eq!(count(&app, sum).await, 2 * 245_000);
    assert_eq!(now["period"]["start"], "2027-01-21T12:00:00Z", "{now}");
}

#[tokio::test]
async fn who_told_the_customer_otherwise_says_so_and_the_charge_goes_on() {
    let app = TestApp::at("tbank").await;
    let subscription = charged(&app).await;
    rules(&app, Rules { notice_first: NoticeFirst::Delivered, ..Rules::default() }).await;
    days(&app, 33).await;
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("notice_undelivered")), "{open:?}");
    assert_eq!(app.bank.count("/ChargeQr"), 0);
    let done = format!("/v1/todos/{}/done", open[0]["id"].as_str().unwrap());
    app.post(&done, json!({})).await.expect(200);
    for _ in 0..71 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.bank.count("/ChargeQr"), 0, "told, but not for three days");
    for _ in 0..3 {
        app.advance(HOUR).await;
    }
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    let evidence = app.get("/v1/customers/client-17/evidence").await.expect(200);
    let events = evidence["events"].as_array().unwrap();
    assert!(events.iter().any(|it| it["kind"] == "notice.told_by_shop"), "{evidence}");
    // What was said of one charge says nothing of the next.
    days(&app, 32).await;
    assert_eq!(todos(&app).await.len(), 1);
    assert_eq!(app.bank.count("/ChargeQr"), 1);
    assert_eq!(kinds(&app, &subscription).await.iter().filter(|it| *it == "canceled").count(), 0);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_nobodys_to_do() {
    for (action, body) in [
        ("/cancel", json!({"when": "now"})),
        ("/cancel", json!({})),
        ("/pause", json!({})),
        ("/withdraw", json!({})),
    ] {
        let app = TestApp::at("tbank").await;
        let subscription = charged(&app).await;
        rules(&app, Rules { notice_first: NoticeFirst::Delivered, ..Rules::default() }).await;
        days(&app, 29).await;
        assert_eq!(todos(&app).await.len(), 1);
        app.post(&path(&subscription, action), body).await.expect(200);
        assert_eq!(todos(&app).await.len(), 0, "{action}");
    }
    // Charged without it: settled too.
    let app = TestApp::at("tbank").await;
    charged(&app).await;
    rules(&app, Rules { notice_first: NoticeFirst::Delivered, ..Rules::default() }).await;
    days(&app, 33).await;
    assert_eq!(todos(&app).await.len(), 1);
    rules(&app, Rules::default()).await;
    days(&app, 1).await;
    assert_eq!((app.bank.count("/ChargeQr"), todos(&app).await.len()), (1, 0));
    // A period for which no payment can be made, of a subscription that its shop ends.
    let app = TestApp::at("tochka").await;
    let defaults = json!({"taxation": "usn_income", "vat": [{"vat": "none"}]});
    app.put("/v1/receipts/defaults", defaults).await.expect(200);
    plan(&app, json!({"receipt": {"preset": "service"}})).await;
    let contact = json!({"email": "a@example.ru"});
    let subscription = subscribe(&app, json!({"customer": contact, "collection": "link"})).await;
    pay(&app, &subscription).await;
    execute(&app, "update subscriptions set contact = null").await;
    days(&app, 33).await;
    assert_eq!(todos(&app).await.len(), 1);
    let cancel = path(&subscription, "/cancel");
    app.post(&cancel, json!({"when": "now"})).await.expect(200);
    assert_eq!(todos(&app).await.len(), 0);
}

#[tokio::test]
async fn access_goes_on_while_the_first_charge_after_a_trial_is_under_way() {
    let app = TestApp::at("tochka").await;
    let (own, _) = kept(&app).await;
    plan(&app, json!({"code": "trial", "trial_days": 7})).await;
    let wish = json!({"plan": "trial", "consent": consent(), "card_id": own["card_id"]});
    let subscription = subscribe(&app, wish).await;
    app.bank.edit(|memory| memory["timing"]["charge_ms"] = json!(6 * HOUR));
    days(&app, 7).await;
    app.advance(HOUR).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("trialing"), &json!("open")));
    let used = app.get("/v1/entitlements?customer=client-17&plan=trial").await.expect(200);
    assert_eq!(used["data"][0]["active"], true, "{used}");
}

#[tokio::test]
async fn unexpected_money_pays_a_period_whose_link_is_open_or_whose_charge_has_not_left() {
    for is_link in [true, false] {
        let app = TestApp::at("tochka").await;
        rules(&app, Rules { max_tries: 1, ..Rules::default() }).await;
        let (subscription, operation) = kept(&app).await;
        days(&app, 10).await;
        appear(&app, &operation, "900000001", 245_000);
        sweep(&app).await;
        let money = todos(&app).await[0]["payment_id"].clone();
        if is_link {
            let token = operation.clone();
            app.bank.control(&Control::Token { token, state: "expired".to_owned() });
        } else {
            let kind = FaultKind::Status { status: 500 };
            let path = "/payments/".to_owned();
            app.bank.control(&Control::Fault(Fault { kind, times: 5_000, path }));
        }
        days(&app, 21).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((now["pay_url"].is_string(), &now["period"]["number"]), (is_link, &json!(2)));
        let assign = path(&subscription, "/assign");
        app.post(&assign, json!({"payment_id": money})).await.expect(200);
        minutes(&app, 2).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
        assert_eq!(now["pay_url"], Value::Null, "{now}");
        let charges = app.bank.count("/charge");
        app.bank.control(&Control::ClearFaults);
        days(&app, 3).await;
        assert_eq!(app.bank.count("/charge"), charges, "the period is charged no more");
        assert_eq!(todos(&app).await.len(), 0);
    }
}

#[tokio::test]
async fn a_decline_by_want_of_money_asks_for_no_other_account() {
    let app = TestApp::at("tbank").await;
    rules(&app, Rules { max_tries: 1, ..Rules::default() }).await;
    let subscription = charged(&app).await;
    fate(&app, "insufficient_funds").await;
    days(&app, 31).await;
    let link = asked(&app, &subscription).await;
    assert_eq!(link["methods"], json!(["card", "sbp"]), "{link}");
    pay_by(&app, &at_bank(&app, &subscription).await, "card");
    minutes(&app, 3).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(
        (&now["status"], &now["account_id"]),
        (&json!("active"), &subscription["account_id"]),
        "{now}"
    );
}

#[tokio::test]
async fn a_trial_that_comes_back_after_its_end_is_a_trial() {
    let app = TestApp::new().await;
    plan(&app, json!({"trial_days": 14, "setup_fee": "100.00"})).await;
    let subscription = subscribe(&app, json!({})).await;
    days(&app, 2).await;
    app.post(&path(&subscription, "/cancel"), json!({"when": "now"})).await.expect(200);
    let back = app.post(&path(&subscription, "/reactivate"), json!({})).await.expect(200);
    assert_eq!(back["status"], "trialing", "{back}");
    days(&app, 12).await;
    minutes(&app, 5).await;
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["amount"], "2550.00", "the first money, with its fee: {now}");
}

#[tokio::test]
async fn a_set_up_fee_that_went_back_is_none_of_the_times() {
    let app = TestApp::new().await;
    plan(&app, json!({"setup_fee": "500.00"})).await;
    plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
    let subscription = subscribe(&app, json!({})).await;
    pay(&app, &subscription).await;
    let first = asked(&app, &subscription).await;
    let before = credit(&preview(&app, &subscription, json!({"plan": "pro"})).await);
    let refund = format!("/v1/payments/{}/refunds", first["id"].as_str().unwrap());
    app.post(&refund, json!({"amount": "500.00"})).await.expect(201);
    minutes(&app, 3).await;
    let after = credit(&preview(&app, &subscription, json!({"plan": "pro"})).await);
    assert!((before - 100..=before).contains(&after), "{before} {after}");
    app.post(&refund, json!({"amount": "1000.00"})).await.expect(201);
    minutes(&app, 3).await;
    let less = credit(&preview(&app, &subscription, json!({"plan": "pro"})).await);
    assert!((before - 100_200..=before - 99_800).contains(&less), "{before} {less}");
}
