//! What was: numbers by months counted over real histories, and a customer's evidence.

use kopeck::{kit::db::DbError, subscriptions::store};
use serde_json::{Value, json};

use super::subscriptions::{
    charged, consent, days, fate, minutes, path, pay, plan, shown, subscribe,
};
use crate::harness::{app::TestApp, databases::on_each};

async fn months(app: &TestApp, query: &str) -> Vec<Value> {
    let told = app.get(&format!("/v1/subscriptions/metrics{query}")).await.expect(200);
    assert_eq!(told["object"], "subscription_metrics");
    told["months"].as_array().unwrap().clone()
}

#[tokio::test]
async fn months_tell_who_came_who_went_and_what_asking_again_brought_back() {
    // From the 21st of November 2026.
    let app = TestApp::at("tbank").await;
    let first = charged(&app).await;
    let yearly = json!({"code": "year", "name": "Год", "amount": "12000.00", "interval": "year"});
    app.post("/v1/plans", yearly).await.expect(201);
    let second = json!({"plan": "year", "customer_id": "b"});
    let second = subscribe(&app, second).await;
    pay(&app, &second).await;
    let trial = json!({"code": "try", "name": "Проба", "amount": "100.00", "trial_days": 90});
    app.post("/v1/plans", trial).await.expect(201);
    subscribe(&app, json!({"plan": "try", "customer_id": "c"})).await;
    // The first one's December charge is declined once, and paid by the next payday.
    fate(&app, "insufficient_funds").await;
    days(&app, 31).await;
    assert_eq!(shown(&app, &first).await["status"], "past_due");
    fate(&app, "valid").await;
    days(&app, 5).await;
    assert_eq!(shown(&app, &first).await["status"], "active");
    // In January the yearly one rests; in February the first one goes.
    days(&app, 12).await;
    app.post(&path(&second, "/pause"), json!({})).await.expect(200);
    days(&app, 35).await;
    app.post(&path(&second, "/resume"), json!({})).await.expect(200);
    app.post(&path(&first, "/cancel"), json!({"when": "now"})).await.expect(200);
    let told = months(&app, "?from=2026-10&to=2027-02").await;
    let of = |name: &str| -> Vec<i64> {
        told.iter().map(|month| month[name].as_i64().unwrap()).collect()
    };
    assert_eq!(of("active"), [0, 2, 2, 1, 1], "{told:#?}");
    assert_eq!(of("new"), [0, 2, 0, 0, 0]);
    assert_eq!(of("paused"), [0, 0, 0, 1, 0]);
    assert_eq!(of("returned"), [0, 0, 0, 0, 1]);
    assert_eq!(of("churned"), [0, 0, 0, 0, 1]);
    assert_eq!(of("mrr_kopecks"), [0, 345_000, 345_000, 245_000, 100_000]);
    assert_eq!(of("recovered"), [0, 0, 1, 0, 0]);
    assert_eq!(of("recovered_kopecks"), [0, 0, 245_000, 0, 0]);
    assert_eq!(of("paid_kopecks"), [0, 1_445_000, 245_000, 245_000, 0]);
    let default = months(&app, "").await;
    assert_eq!((default.len(), &default[11]["month"]), (12, &json!("2027-02")), "{default:#?}");
    for wrong in ["?from=2026", "?from=2026-13", "?from=2027-03&to=2027-02", "?time_zone=Mars"] {
        let refused = app.get(&format!("/v1/subscriptions/metrics{wrong}")).await;
        refused.expect_error(422, "param_invalid");
    }
}

#[tokio::test]
async fn evidence_holds_all_that_was_agreed_to_taken_and_given_back() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        plan(&app, json!({})).await;
        let wanted = json!({"consent": {
            "text_version": "offer-1", "text": "Согласен на списания.", "channel": "bot",
            "ip": "203.0.113.7", "user_agent": "Mozilla", "max_amount": "3000.00",
        }});
        let subscription = subscribe(&app, wanted).await;
        pay(&app, &subscription).await;
        minutes(&app, 20).await;
        days(&app, 32).await;
        minutes(&app, 20).await;
        let payment = super::subscriptions::asked(&app, &subscription).await;
        let refund = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
        app.post(&refund, json!({"amount": "450.00", "reason": "Жалоба"})).await.expect(201);
        minutes(&app, 5).await;
        app.post(&path(&subscription, "/withdraw"), json!({"channel": "phone"})).await.expect(200);
        let other = json!({"customer_id": "other", "consent": consent()});
        subscribe(&app, other).await;
        let told = app.get("/v1/customers/client-17/evidence").await.expect(200);
        assert_eq!(told["customer_id"], "client-17");
        let agreed = &told["consents"][0];
        assert_eq!(
            (&agreed["text"], &agreed["channel"], &agreed["max_amount_kopecks"]),
            (&json!("Согласен на списания."), &json!("bot"), &json!(300_000)),
            "{agreed}"
        );
        assert_eq!(agreed["withdrawn_by"], "phone");
        assert_eq!(told["instruments"][0]["status"], "inactive", "{told}");
        assert_eq!(told["subscriptions"][0]["periods"].as_array().unwrap().len(), 2);
        let payments = told["payments"].as_array().unwrap();
        assert_eq!(payments.len(), 2, "{payments:#?}");
        assert_eq!(
            (&payments[0]["is_charge"], &payments[1]["is_charge"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(
            (&payments[1]["period"], &payments[1]["refunded_kopecks"]),
            (&json!(2), &json!(45_000))
        );
        assert_eq!(payments[1]["refunds"][0]["reason"], "Жалоба");
        let events = told["events"].as_array().unwrap();
        let words: Vec<&str> = events.iter().map(|it| it["kind"].as_str().unwrap()).collect();
        for word in [
            "subscription.created",
            "subscription.renewal_upcoming",
            "subscription.renewed",
            "payment.paid",
            "refund.succeeded",
            "subscription.consent_withdrawn",
        ] {
            assert!(words.contains(&word), "{word}: {words:?}");
        }
        assert!(events.windows(2).all(|pair| pair[0]["at"].as_str() <= pair[1]["at"].as_str()));
        let text = told.to_string();
        assert!(!text.contains("other") && !text.contains("token"), "{text}");
        let id = subscription["id"].as_str().unwrap().to_owned();
        let notice: Result<_, DbError> =
            app.ctx.db.read(move |tx| store::find_notice(tx, &id)).await;
        let notice = notice.unwrap().expect("a notice");
        assert!(notice.announced_ms < app.ctx.now_ms() && notice.delivered_ms.is_none());
        let nobody = app.get("/v1/customers/nobody/evidence").await.expect(200);
        assert_eq!((&nobody["consents"], &nobody["events"]), (&json!([]), &json!([])));
        let counted = months(&app, "?from=2026-11&to=2026-12").await;
        assert_eq!((&counted[0]["new"], &counted[1]["churned"]), (&json!(1), &json!(1)));
    })
    .await;
}
