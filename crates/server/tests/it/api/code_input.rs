//! Bad input about codes of SBP, whatever makes them: a code, a message, a hint and the field; the
//! bank is not asked and nothing is saved.

use serde_json::{Value, json};

use super::{codes::with_sbp, desks::desk_of};
use crate::harness::app::TestApp;

/// Every way to ask for a code, with the rest of a good request.
fn ways(desk: &Value) -> [(String, Value); 4] {
    let charge = format!("/v1/desks/{}/charge", desk["id"].as_str().unwrap());
    [
        ("/v1/payments".to_owned(), json!({"methods": ["sbp"], "purpose": "Чай"})),
        ("/v1/places".to_owned(), json!({"name": "Касса"})),
        ("/v1/invoices".to_owned(), json!({"purpose": "Счёт 7"})),
        (charge, json!({})),
    ]
}

async fn rows(app: &TestApp) -> [i64; 4] {
    let mut all = [0; 4];
    for (at, table) in ["payments", "places", "sales", "jobs"].into_iter().enumerate() {
        all[at] = app.rows(table).await;
    }
    all
}

#[tokio::test]
async fn a_sum_that_no_code_takes_is_named_by_every_way() {
    let app = with_sbp().await;
    let desk = desk_of(&app).await;
    let (before, asked) = (rows(&app).await, app.bank.count("/sbp/"));
    let sums = [
        // Over a million rubles; often a sum in kopecks where rubles belong.
        (json!({"amount": "1000000.01"}), "sbp_amount_invalid", "amount"),
        (json!({"amount": 500_000_000}), "sbp_amount_invalid", "amount"),
        (json!({"amount_kopecks": 100_000_001}), "sbp_amount_invalid", "amount"),
        // Less than the bank's least: a kopeck.
        (json!({"amount": "0"}), "amount_invalid", "amount"),
        (json!({"amount": "0.004"}), "amount_invalid", "amount"),
        (json!({"amount": "-1"}), "amount_invalid", "amount"),
        // Rubles where kopecks belong, and both at odds.
        (json!({"amount_kopecks": "10.50"}), "amount_invalid", "amount_kopecks"),
        (json!({"amount": "10", "amount_kopecks": 10}), "amount_conflict", "amount_kopecks"),
        (json!({"amount": "десять"}), "amount_invalid", "amount"),
    ];
    for (path, good) in ways(&desk) {
        for (bad, code, param) in &sums {
            let mut body = good.clone();
            body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
            let error = app.post(&path, body.clone()).await.expect_error(422, code);
            assert_eq!(error["param"], *param, "{path} {body}");
            if *code == "sbp_amount_invalid" {
                let hint = error["hint"].as_str().unwrap();
                assert!(hint.contains("`amount_kopecks` kopecks"), "{path}: {hint}");
            }
        }
    }
    assert_eq!((rows(&app).await, app.bank.count("/sbp/")), (before, asked));
}

#[tokio::test]
async fn a_life_that_no_code_has_is_named() {
    let app = with_sbp().await;
    let desk = desk_of(&app).await;
    let (before, asked) = (rows(&app).await, app.bank.count("/sbp/"));
    let [payment, _, invoice, charge] = ways(&desk);
    for ((path, good), lives) in [
        (payment, vec![json!(0), json!(-1), json!(129_601), json!("15m"), json!(1.5)]),
        (invoice, vec![json!(0), json!(-1), json!(129_601), json!("15m"), json!(1.5)]),
        (charge, vec![json!(0), json!(4), json!(21), json!("5m")]),
    ] {
        for ttl in lives {
            let mut body = good.clone();
            body["amount"] = json!("10");
            body["ttl_minutes"] = ttl;
            let reply = app.post(&path, body.clone()).await;
            assert_eq!(reply.status, 422, "{path} {body}: {}", reply.text());
            let error = reply.json()["error"].clone();
            assert_eq!(error["param"], "ttl_minutes", "{path} {body}: {error}");
            assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
        }
    }
    // A code on a wall lives without end.
    let place = json!({"name": "Касса", "ttl_minutes": 5});
    app.post("/v1/places", place).await.expect_error(422, "param_unknown");
    assert_eq!((rows(&app).await, app.bank.count("/sbp/")), (before, asked));
}

#[tokio::test]
async fn at_tbank_a_code_is_of_ten_rubles_at_least() {
    let app = TestApp::at("tbank").await;
    // Less than a ruble no way to pay takes there.
    let cases = [
        ("9.99", "sbp_amount_invalid"),
        ("1000000.01", "sbp_amount_invalid"),
        ("0.99", "amount_invalid"),
    ];
    for (amount, code) in cases {
        let body = json!({"amount": amount, "purpose": "Чай", "methods": ["sbp"]});
        let error = app.post("/v1/payments", body).await.expect_error(422, code);
        assert_eq!(error["param"], "amount", "{amount}");
        let (message, hint) = (error["message"].as_str(), error["hint"].as_str());
        assert!([message, hint].iter().flatten().any(|it| it.contains("from 10 ")), "{error}");
    }
    assert_eq!((app.rows("payments").await, app.bank.count("/Init")), (0, 0));
}

#[tokio::test]
async fn unknown_and_suspended_codes_are_told() {
    let app = with_sbp().await;
    let desk = desk_of(&app).await;
    let place = app.post("/v1/places", json!({"name": "Стена"})).await.expect(201);
    let asked = app.bank.count("/sbp/");
    let path = |id: &str, rest: &str| format!("/v1/places/{id}{rest}");
    for rest in ["", "/qr.svg", "/qr.png", "/poster"] {
        app.get(&path("plc_1", rest)).await.expect_error(404, "place_not_found");
    }
    for rest in ["/suspend", "/resume"] {
        app.post(&path("plc_1", rest), json!({})).await.expect_error(404, "place_not_found");
    }
    let charge = |id: &str| format!("/v1/desks/{id}/charge");
    let sum = json!({"amount": "10"});
    app.post(&charge("plc_1"), sum.clone()).await.expect_error(404, "desk_not_found");
    for id in [&desk["id"], &place["id"]].map(|id| id.as_str().unwrap()) {
        app.post(&path(id, "/suspend"), json!({})).await.expect(200);
        for rest in ["/qr.svg", "/qr.png", "/poster"] {
            app.get(&path(id, rest)).await.expect_error(409, "place_suspended");
        }
    }
    let desk = desk["id"].as_str().unwrap();
    app.post(&charge(desk), sum.clone()).await.expect_error(409, "place_suspended");
    app.post(&charge(place["id"].as_str().unwrap()), sum).await.expect_error(404, "desk_not_found");
    assert_eq!((app.rows("sales").await, app.bank.count("/sbp/")), (0, asked));
}
