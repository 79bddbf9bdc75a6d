//! Money of subscriptions that comes when nobody thinks of it any more: by a charge that was taken
//! for refused, from a card that another took the place of, after the consent ended. A period is
//! paid once, and what nobody may keep is somebody's to give back.

use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    subscription_alarms::{appear, events, kept, sweep, todos},
    subscriptions::{
        DAY, HOUR, asked, consent, count, days, minutes, path, plan, shown, subscribe,
    },
};
use crate::harness::{app::TestApp, databases::on_each};

const PAID: &str = "select cast(sum(paid_kopecks) as bigint) from payments";

fn fault(kind: FaultKind, times: u32, path: &str) -> Control {
    Control::Fault(Fault { kind, times, path: path.to_owned() })
}

/// The payment of the link at this address, once it is open at its bank.
async fn opened(app: &TestApp, subscription: &Value, link: &str) -> String {
    for _ in 0..200 {
        app.advance(1_000).await;
        let now = shown(app, subscription).await;
        if let Some(url) = now[link].as_str() {
            let payment = app.payment(&json!(url.rsplit('/').next().unwrap())).await;
            if let Some(id) = payment["bank_payment_id"].as_str() {
                return id.to_owned();
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it was never opened");
}

/// Goes on to a card at the other bank.
async fn rebound(app: &TestApp, subscription: &Value, wish: Value) {
    let is_second = wish["bank"] == "tbank";
    app.post(&path(subscription, "/rebind"), wish).await.expect(200);
    let id = opened(app, subscription, "rebind_url").await;
    let pay = Control::Pay { id, method: Some("card".into()), card: None };
    if is_second {
        app.bank.control_second(&pay);
    } else {
        app.bank.control(&pay);
    }
    minutes(app, 3).await;
}

/// Until so many charges of kept cards were sent.
async fn until_charged(app: &TestApp, times: usize) {
    for _ in 0..40 * 24 {
        if app.bank.count("/charge") >= times {
            return;
        }
        app.advance(HOUR).await;
    }
    panic!("it is never charged");
}

#[tokio::test]
async fn a_charge_whose_period_was_paid_by_the_one_before_is_never_sent() {
    on_each(|db| async move {
        let app = TestApp::at_over("tochka", db).await;
        let (subscription, operation) = kept(&app).await;
        let fate = |state: &str| Control::Token { token: operation.clone(), state: state.into() };
        app.bank.control(&fate("expired"));
        until_charged(&app, 1).await;
        minutes(&app, 2).await;
        assert_eq!(shown(&app, &subscription).await["status"], "past_due");
        // The bank had said no, and took the money: seen when the next charge is about to be sent.
        appear(&app, &operation, "900000001", 245_000);
        app.bank.control(&fate("valid"));
        days(&app, 2).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
        assert_eq!(app.bank.count("/charge"), 1, "the second one is never sent");
        assert_eq!(count(&app, PAID).await, 2 * 245_000);
        let tries = now["period"]["payments"].as_array().unwrap();
        assert_eq!(
            (&tries[0]["outcome"], &tries[1]["outcome"]),
            (&json!("paid"), &json!("failed")),
            "{now}"
        );
        let dropped = app.payment(&tries[1]["payment_id"]).await;
        assert_eq!(dropped["failure"]["code"], "charge_dropped", "{dropped}");
        days(&app, 31).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["period"]["number"], &now["status"]), (&json!(3), &json!("active")));
        assert_eq!(app.bank.count("/charge"), 2);
    })
    .await;
}

#[tokio::test]
async fn the_notice_of_a_charge_that_was_settled_by_hand_pays_its_period_at_once() {
    let app = TestApp::with_notices().await;
    let (subscription, _) = kept(&app).await;
    // So long the bank shows nothing of what it takes.
    app.bank.edit(|memory| memory["timing"]["charge_ms"] = json!(40 * HOUR));
    until_charged(&app, 1).await;
    for _ in 0..26 {
        app.advance(HOUR).await;
    }
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("charge_unanswered")), "{open:?}");
    let settle = format!("/v1/payments/{}/settle", open[0]["payment_id"].as_str().unwrap());
    app.post(&settle, json!({"charged": false})).await.expect(200);
    minutes(&app, 3).await;
    assert_eq!(shown(&app, &subscription).await["status"], "past_due");
    for _ in 0..15 {
        app.advance(HOUR).await;
    }
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
    assert_eq!(app.bank.count("/charge"), 1, "the notice alone told of it");
    assert_eq!(events(&app, "charge.unexpected").await, 0);
    assert_eq!(count(&app, PAID).await, 2 * 245_000);
}

#[tokio::test]
async fn the_notice_of_a_charge_that_nobody_heard_of_for_days_ends_the_wait_for_it() {
    let app = TestApp::with_notices().await;
    let (subscription, operation) = kept(&app).await;
    app.bank.edit(|memory| memory["timing"]["charge_ms"] = json!(100 * HOUR));
    until_charged(&app, 1).await;
    let show = || app.bank.control(&Control::Show { id: operation.clone() });
    let is_taken = || show()["orders"].as_array().expect("orders").len() > 1;
    let mut hours = 0;
    while !is_taken() {
        assert_eq!(shown(&app, &subscription).await["period"]["status"], "open");
        app.advance(HOUR / 6).await;
        hours += 1;
        assert!(hours < 6 * 110, "the bank never takes it");
    }
    // The next look by itself is hours away.
    minutes(&app, 2).await;
    let now = shown(&app, &subscription).await;
    assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
    assert_eq!(app.bank.count("/charge"), 1);
    assert_eq!(count(&app, PAID).await, 2 * 245_000);
}

#[tokio::test]
async fn the_notice_of_money_that_nobody_asked_for_is_looked_into_at_once() {
    let app = TestApp::with_notices().await;
    let (_, operation) = kept(&app).await;
    days(&app, 10).await;
    // As the first payment's: one notice more of the same operation, and money more in it.
    appear(&app, &operation, "900000001", 245_000);
    let now_ms = app.ctx.now_ms();
    app.bank.edit(|memory| {
        let notices = memory["notices"].as_object_mut().expect("notices");
        let (id, notice) = notices.iter().next_back().expect("the first payment's");
        let id = id.clone();
        let mut again = notice.clone();
        again["due_ms"] = json!(now_ms);
        again["state"] = json!("Waiting");
        again["tries"] = json!([]);
        notices.insert(id.clone(), again);
        let queue = memory["queue"].as_array_mut().expect("a queue");
        queue.push(json!([now_ms, id.parse::<u64>().expect("a number")]));
    });
    minutes(&app, 3).await;
    assert_eq!(events(&app, "charge.unexpected").await, 1);
    let looks = app.bank.count(&operation);
    for _ in 0..24 {
        app.advance(HOUR).await;
    }
    assert!(app.bank.count(&operation) <= looks + 2, "and not for ever");
}

#[tokio::test]
async fn money_that_only_a_person_can_give_back_is_somebodys_to_do_until_it_is_back() {
    let app = TestApp::at("tochka").await;
    let (subscription, operation) = kept(&app).await;
    app.bank.edit(|memory| memory["timing"]["charge_ms"] = json!(2 * HOUR));
    until_charged(&app, 1).await;
    app.post(&path(&subscription, "/withdraw"), json!({})).await.expect(200);
    for _ in 0..8 {
        app.advance(HOUR / 2).await;
    }
    let open = todos(&app).await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("refund_needed")), "{open:?}");
    assert_eq!(open[0]["why"]["code"], "refund_unsupported", "{open:?}");
    assert!(open[0]["ru"].as_str().unwrap().contains("интернет-банке"), "{open:?}");
    let charge = app.payment(&open[0]["payment_id"]).await;
    assert_eq!(charge["paid_kopecks"], 245_000, "{charge}");
    let amount = Some(kopeck_banks::Money::from_kopecks(245_000).unwrap());
    app.bank.control(&Control::Refund { id: operation, amount });
    sweep(&app).await;
    assert_eq!(app.payment(&charge["id"]).await["status"], "refunded");
    assert_eq!(todos(&app).await.len(), 0);
    let all = app.get("/v1/todos?status=all").await.expect(200);
    assert_eq!(all["data"][0]["done_by"], "kopeck", "{all}");
}

#[tokio::test]
async fn what_has_not_left_is_never_taken_from_the_card_that_another_took_the_place_of() {
    on_each(|db| async move {
        let app = TestApp::at_both_over(db).await;
        plan(&app, json!({})).await;
        let wish = json!({"consent": consent(), "bank": "tochka"});
        let subscription = subscribe(&app, wish).await;
        let id = opened(&app, &subscription, "pay_url").await;
        app.bank.control(&Control::Pay { id, method: Some("card".into()), card: None });
        minutes(&app, 3).await;
        // Tochka is away when the renewal is due.
        app.bank.control(&fault(FaultKind::Status { status: 500 }, 5_000, "/payments/"));
        days(&app, 29).await;
        while shown(&app, &subscription).await["period"]["cause"] != "renewal" {
            minutes(&app, 5).await;
        }
        let waiting = asked(&app, &subscription).await;
        assert_eq!(waiting["status"], "open", "{waiting}");
        rebound(&app, &subscription, json!({"bank": "tbank", "save": "card"})).await;
        app.bank.control(&Control::ClearFaults);
        minutes(&app, 30).await;
        let now = shown(&app, &subscription).await;
        assert_eq!((&now["status"], &now["period"]["status"]), (&json!("active"), &json!("paid")));
        let dropped = app.payment(&waiting["id"]).await;
        assert_eq!(dropped["failure"]["code"], "charge_dropped", "{dropped}");
        days(&app, 2).await;
        assert_eq!((app.bank.count("/charge"), app.bank.count("/v2/Charge")), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn a_late_decline_of_the_old_card_says_nothing_of_the_new_one() {
    let app = TestApp::at_both().await;
    plan(&app, json!({})).await;
    let wish = json!({"consent": consent(), "bank": "tbank", "save": "card"});
    let subscription = subscribe(&app, wish).await;
    let id = opened(&app, &subscription, "pay_url").await;
    app.bank.control_second(&Control::Pay { id, method: Some("card".into()), card: None });
    minutes(&app, 3).await;
    let opening = asked(&app, &subscription).await;
    assert_eq!(shown(&app, &subscription).await["status"], "active");
    // The charge is declined, and for an hour nobody hears of it.
    let token = app.bank.control_second(&Control::Show {
        id: opening["bank_payment_id"].as_str().unwrap().to_owned(),
    });
    let token = token["rebill_id"].as_str().expect("a token").to_owned();
    app.bank.control_second(&Control::Token { token, state: "expired".to_owned() });
    app.bank.control_second(&fault(FaultKind::ReplyLost, 1, "/v2/Charge"));
    app.bank.control_second(&fault(FaultKind::NoticeLost, 200, ""));
    app.bank.control_second(&fault(FaultKind::Status { status: 500 }, 200, "/v2/GetState"));
    days(&app, 29).await;
    while app.bank.count("/v2/Charge") == 0 {
        minutes(&app, 5).await;
    }
    rebound(&app, &subscription, json!({"bank": "tochka", "save": "card"})).await;
    app.bank.control_second(&Control::ClearFaults);
    for _ in 0..24 {
        app.advance(HOUR / 2).await;
    }
    let now = shown(&app, &subscription).await;
    assert_eq!(now["period"]["payments"][0]["outcome"], "failed", "{now}");
    assert_eq!(
        (&now["status"], &now["period"]["status"]),
        (&json!("active"), &json!("paid")),
        "{now}"
    );
    assert_eq!(now["pay_url"], Value::Null, "nobody is asked to pay himself: {now}");
    assert_eq!((app.bank.count("/charge"), app.bank.count("/v2/Charge")), (1, 1));
    app.advance(DAY).await;
}
