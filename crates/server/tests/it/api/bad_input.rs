//! Whatever is wrong is said with a code, a message, a hint and the field; nothing is half-done.

use serde_json::{Value, json};

use crate::harness::app::TestApp;

/// A good request with one thing changed; `null` takes a field away.
fn body(change: Value) -> Value {
    let mut body = json!({"amount": "5000.00", "purpose": "Торт"});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

const CARD: &str = "4111 1111 1111 1111";

fn many(count: usize) -> Value {
    (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into()
}

fn deep(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn bad_fields_are_named_and_nothing_is_saved() {
    let app = TestApp::new().await;
    let long = "x".repeat(2_100);
    let cases = [
        (json!({"amount": null}), "param_missing", "amount"),
        (json!({"purpose": null}), "param_missing", "purpose"),
        (json!({"purpose": "  "}), "param_missing", "purpose"),
        (json!({"amount": 0}), "amount_invalid", "amount"),
        (json!({"amount": "0.00"}), "amount_invalid", "amount"),
        (json!({"amount": -5}), "amount_invalid", "amount"),
        (json!({"amount": "-5"}), "amount_invalid", "amount"),
        (json!({"amount": "5000.005"}), "amount_invalid", "amount"),
        (json!({"amount": "NaN"}), "amount_invalid", "amount"),
        (json!({"amount": "Infinity"}), "amount_invalid", "amount"),
        (json!({"amount": "5 000"}), "amount_invalid", "amount"),
        (json!({"amount": "5000,00"}), "amount_invalid", "amount"),
        (json!({"amount": "1e3"}), "amount_invalid", "amount"),
        (json!({"amount": "1000000000000000"}), "amount_invalid", "amount"),
        (json!({"amount": 1_000_000_000_000_000_i64}), "amount_invalid", "amount"),
        (json!({"amount": true}), "amount_invalid", "amount"),
        (json!({"amount": {}}), "amount_invalid", "amount"),
        (json!({"amount": ""}), "amount_invalid", "amount"),
        (json!({"amount": null, "amount_kopecks": 0}), "amount_invalid", "amount_kopecks"),
        (json!({"amount": null, "amount_kopecks": -1}), "amount_invalid", "amount_kopecks"),
        (json!({"amount": null, "amount_kopecks": "100"}), "amount_invalid", "amount_kopecks"),
        (json!({"amount_kopecks": 499_999}), "amount_conflict", "amount_kopecks"),
        (json!({"purpose": 5}), "param_invalid", "purpose"),
        (json!({"purpose": "a\u{0}b"}), "param_invalid", "purpose"),
        (json!({"purpose": "x".repeat(141)}), "purpose_invalid", "purpose"),
        (json!({"methods": ["cash"]}), "param_invalid", "methods"),
        (json!({"methods": []}), "param_invalid", "methods"),
        (json!({"methods": "card"}), "param_invalid", "methods"),
        (json!({"capture": "later"}), "param_invalid", "capture"),
        (json!({"capture": "manual", "methods": ["sbp"]}), "capture_method_unsupported", "capture"),
        (json!({"order_id": "x".repeat(101)}), "param_invalid", "order_id"),
        (json!({"order_id": 4711}), "param_invalid", "order_id"),
        (json!({"ttl_minutes": 0}), "param_invalid", "ttl_minutes"),
        (json!({"ttl_minutes": 44_641}), "param_invalid", "ttl_minutes"),
        (json!({"ttl_minutes": 1.5}), "param_invalid", "ttl_minutes"),
        (json!({"success_url": "ftp://x"}), "param_invalid", "success_url"),
        (json!({"success_url": "javascript:alert(1)"}), "param_invalid", "success_url"),
        (json!({"fail_url": format!("https://x/{long}")}), "param_invalid", "fail_url"),
        (json!({"metadata": []}), "param_invalid", "metadata"),
        (json!({"metadata": many(51)}), "param_invalid", "metadata"),
        (json!({"metadata": {"a": "x".repeat(16 * 1024)}}), "param_invalid", "metadata"),
        (json!({"customer": "Иван"}), "param_invalid", "customer"),
        (json!({"customer": {"mail": "a@b.ru"}}), "param_unknown", "customer.mail"),
        (json!({"customer": {"phone": 7}}), "param_invalid", "customer.phone"),
        (json!({"bank": "sber"}), "bank_unknown", "bank"),
        (json!({"receipt": {}}), "receipt_defaults_missing", "receipt"),
        (json!({"receipt": {"items": []}}), "receipt_email_invalid", "receipt"),
        (json!({"ammount": "1"}), "param_unknown", "ammount"),
        (json!({"purpose": format!("card {CARD}")}), "card_number_refused", "purpose"),
        (json!({"order_id": CARD}), "card_number_refused", "order_id"),
        (json!({"metadata": {"a": [{"b": CARD}]}}), "card_number_refused", "metadata"),
        (json!({"metadata": {CARD: 1}}), "card_number_refused", "metadata"),
        (json!({"metadata": {"a": 4_111_111_111_111_111_u64}}), "card_number_refused", "metadata"),
        (json!({"customer": {"name": CARD}}), "card_number_refused", "customer.name"),
    ];
    for (change, code, param) in cases {
        let sent = body(change);
        let reply = app.post("/v1/payments", sent.clone()).await;
        let status = reply.status;
        assert!([422, 409].contains(&status), "{sent}: {}", reply.text());
        let error = reply.expect_error(status, code);
        assert_eq!(error["param"], param, "{sent}: {error}");
    }
    assert_eq!(app.rows("payments").await, 0);
    assert_eq!(app.rows("events").await, 0);
    assert_eq!(app.rows("idempotency").await, 0);
    assert_eq!(app.bank.count(""), 0, "the bank was not asked");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_with_its_place() {
    let app = TestApp::new().await;
    let cases = [
        "{\"amount\": NaN}",
        "{\"amount\": 5000.00,}",
        "{\"amount\": \"5",
        "[]",
        "5",
        "null",
        "\u{feff}{}",
        "{\"purpose\": \"\u{1}\"}",
    ];
    for text in cases {
        let reply = app.post_text("/v1/payments", text).await;
        reply.expect_error(400, "malformed_json");
    }
    let error = app.post_text("/v1/payments", "{\n \"amount\": NaN}").await;
    let error = error.expect_error(400, "malformed_json");
    assert!(error["message"].as_str().unwrap().contains("line 2, column"), "{error}");
    let twice = app.post_text("/v1/payments", r#"{"amount": 1, "amount": 2}"#).await;
    assert_eq!(twice.expect_error(422, "param_duplicate")["param"], "amount");
    let deep = format!("{{\"amount\":1,\"purpose\":\"x\",\"metadata\":{{\"a\":{}}}}}", deep(300));
    let reply = app.post_text("/v1/payments", &deep).await;
    reply.expect_error(422, "param_invalid");
    let surrogate = r#"{"amount":1,"purpose":"x","metadata":{"a":"\ud800"}}"#;
    let reply = app.post_text("/v1/payments", surrogate).await;
    reply.expect_error(422, "param_invalid");
    let hidden = r#"{"amount":1,"purpose":"x","metadata":{"a":"\u0034111111111111111"}}"#;
    let reply = app.post_text("/v1/payments", hidden).await;
    reply.expect_error(422, "card_number_refused");
    assert_eq!(app.rows("payments").await, 0);
}

#[tokio::test]
async fn a_misspelt_field_is_told_what_was_meant() {
    let app = TestApp::new().await;
    let reply = app.post("/v1/payments", body(json!({"succes_url": "https://x"}))).await;
    let error = reply.expect_error(422, "param_unknown");
    assert_eq!(error["hint"], "Did you mean `success_url`?");
    let error = app.post("/v1/payments", body(json!({"zzz": 1}))).await;
    let error = error.expect_error(422, "param_unknown");
    assert!(error["hint"].as_str().unwrap().contains("amount_kopecks"), "{error}");
}

#[tokio::test]
async fn a_body_of_a_megabyte_is_413() {
    let app = TestApp::new().await;
    let big = body(json!({"purpose": "x".repeat(1 << 20)}));
    app.post("/v1/payments", big).await.expect_error(413, "body_too_large");
    assert_eq!(app.rows("payments").await, 0);
}

#[tokio::test]
async fn without_a_good_key_nothing_is_told() {
    let app = TestApp::new().await;
    let cases = [
        (None, "api_key_missing"),
        (Some("Basic a2V5"), "api_key_missing"),
        (Some("Bearer "), "api_key_invalid"),
        (Some("Bearer kpk_wrong"), "api_key_invalid"),
    ];
    for (header, code) in cases {
        for path in ["/v1/payments", "/v1/me", "/v1/events", "/v1/payments/pay_x"] {
            let mut request = app.request(axum::http::Method::GET, path, "");
            request.headers_mut().remove("authorization");
            if let Some(text) = header {
                request.headers_mut().insert("authorization", text.parse().unwrap());
            }
            let reply = app.send(request).await;
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            reply.expect_error(401, code);
        }
    }
    let keys: Vec<_> = {
        let shop_id = app.shop.id.clone();
        let read = app.ctx.db.read(move |tx| kopeck::shops::store::list_keys(tx, &shop_id));
        read.await.unwrap_or_else(|e: kopeck::kit::db::DbError| panic!("{e}"))
    };
    let (shop_id, key_id) = (app.shop.id.clone(), keys[0].id.clone());
    let revoke = move |tx: &mut dyn kopeck::kit::db::Tx| {
        kopeck::shops::store::revoke_key(tx, &shop_id, &key_id, 1)
    };
    assert!(app.ctx.db.write(revoke).await.unwrap());
    app.get("/v1/me").await.expect_error(401, "api_key_revoked");
}

#[tokio::test]
async fn another_shops_payment_is_as_absent() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    let other = kopeck::shops::model::Shop {
        id: app.ctx.mint.id("shop"),
        name: "Другой".into(),
        created_ms: 0,
    };
    let row = other.clone();
    let insert =
        move |tx: &mut dyn kopeck::kit::db::Tx| kopeck::shops::store::insert_shop(tx, &row);
    app.ctx.db.write(insert).await.unwrap();
    let (_, key) = kopeck::shops::flow::create_key(&app.ctx, &other.id, "k").await.unwrap();
    let app = TestApp { key, ..app };
    let foreign = payment["id"].as_str().unwrap();
    for id in [foreign, "pay_0123456789abcdef0123456789abcdef", "x", "%00"] {
        let path = format!("/v1/payments/{id}");
        app.get(&path).await.expect_error(404, "payment_not_found");
        app.get(&format!("{path}/timeline")).await.expect_error(404, "payment_not_found");
        for action in ["capture", "refunds"] {
            let reply = app.post(&format!("{path}/{action}"), json!({})).await;
            reply.expect_error(404, "payment_not_found");
        }
    }
    let none = app.get("/v1/payments").await.expect(200);
    assert_eq!(none["data"], json!([]));
    assert_eq!(app.get("/v1/events").await.expect(200)["data"], json!([]));
    let reply = app.post("/v1/payments", body(json!({}))).await;
    let error = reply.expect_error(409, "bank_not_connected");
    assert!(error["hint"].as_str().unwrap().contains("kopeck init"));
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_json_too() {
    let app = TestApp::new().await;
    app.get("/v1/nothing").await.expect_error(404, "route_not_found");
    app.get("/").await.expect_error(404, "route_not_found");
    let request = app.request(axum::http::Method::DELETE, "/v1/payments", "");
    let reply = app.send(request).await;
    assert!(reply.header("x-request-id").starts_with("req_"));
    let id = reply.header("x-request-id").to_owned();
    assert_eq!(reply.expect_error(405, "method_not_allowed")["request_id"], id.as_str());
    app.get("/v1/payments/%ff").await.expect_error(404, "route_not_found");
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_bad_token_of_the_bank_says_which_and_what_to_do() {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let app = TestApp::new().await;
    let ended = format!("{}.{}.x", encode("{\"alg\":\"RS256\"}"), encode("{\"exp\":1700000000}"));
    let local = [
        ("bank_token_expired", ended.as_str()),
        ("bank_token_expired", ""),
        ("bank_token_malformed", "Bearer abc"),
        ("bank_token_malformed", "eyJhbGciOiJSUzI1NiJ9.cut"),
    ];
    for (code, token) in local {
        app.set_credentials(|credentials| credentials.set("access_token", token)).await;
        let error = app.post("/v1/payments", body(json!({}))).await.expect_error(502, code);
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("internet bank"), "{hint}");
    }
    assert_eq!(app.rows("payments").await, 0, "told before anything is saved");
    assert_eq!(app.bank.count(""), 0);

    app.set_credentials(|credentials| credentials.set("access_token", "wrong-token")).await;
    let error = app.post("/v1/payments", body(json!({}))).await;
    let error = error.expect_error(502, "bank_permission_missing");
    assert!(error["hint"].as_str().unwrap().contains("revoked"), "{error}");
    let stored = app.payment(&error["payment_id"]).await;
    assert_eq!(stored["status"], "failed");
    assert_eq!(stored["failure"]["code"], "bank_permission_missing");

    let token = app.connection.credentials.get("access_token").to_owned();
    app.set_credentials(|_| {}).await;
    for (state, code) in [("revoked", "bank_permission_missing"), ("expired", "bank_token_refused")]
    {
        let (token, state) = (token.clone(), state.to_owned());
        app.bank.control(&kopeck_banks::emulator::Control::Token { token, state });
        let error = app.post("/v1/payments", body(json!({}))).await.expect_error(502, code);
        assert!(error["hint"].as_str().unwrap().len() > 40, "{error}");
        assert_eq!(app.payment(&error["payment_id"]).await["status"], "failed");
    }
}
