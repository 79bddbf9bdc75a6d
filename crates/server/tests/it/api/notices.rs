//! Notices of the bank: durable before the 200, refused when they are not the bank's.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::harness::app::{Reply, TestApp};

async fn deliver(app: &TestApp, path: &str, body: Vec<u8>) -> Reply {
    app.send(Request::post(path).body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_genuine_notice_makes_the_payment_paid_and_is_kept_once() {
    let app = TestApp::with_notices().await;
    let before = app.rows("notices").await;
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    app.clock.advance_ms(1_000);
    let notices = app.bank.take_notices();
    assert_eq!(notices.len(), 1);
    for _ in 0..3 {
        let reply = deliver(&app, &app.notice_path(), notices[0].body.clone()).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "OK"));
    }
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    assert_eq!(app.rows("notices").await, before + 1);
    let paid = app.get("/v1/events?type=payment.paid").await.expect(200);
    assert_eq!(paid["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_genuine_notice_about_nobody_we_know_is_kept() {
    let app = TestApp::with_notices().await;
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    app.clock.advance_ms(1_000);
    let notice = app.bank.take_notices().remove(0);
    let stranger = TestApp::new().await;
    // The same bank, another database: genuine, and about no payment of this one.
    let stranger = TestApp { ctx: stranger.ctx, ..stranger };
    let reply = deliver(&stranger, &stranger.notice_path(), notice.body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(stranger.rows("notices").await, 1);
}

#[tokio::test]
async fn a_notice_that_is_not_the_banks_is_refused_and_counted() {
    let app = TestApp::with_notices().await;
    let payment = app.create(json!({})).await;
    app.pay(&payment);
    app.clock.advance_ms(1_000);
    let kept = app.rows("notices").await;
    let genuine = String::from_utf8(app.bank.take_notices().remove(0).body).unwrap();
    let (head, signature) = genuine.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{first}{}", &signature[1..]);
    let cases = [forged.as_str(), "", "{}", "a.b.c", &genuine[..40]];
    for body in cases {
        let reply = deliver(&app, &app.notice_path(), body.as_bytes().to_vec()).await;
        assert_eq!(reply.status, 403, "{body}");
    }
    assert_eq!(app.refused.total(), cases.len() as u64);
    assert_eq!(app.rows("notices").await, kept);
    assert_eq!(app.payment(&payment["id"]).await["status"], "open");
}

#[tokio::test]
async fn large_notices_and_unknown_addresses_are_refused() {
    let app = TestApp::with_notices().await;
    let large = deliver(&app, &app.notice_path(), vec![b'a'; 64 * 1024 + 1]).await;
    large.expect_error(413, "body_too_large");
    let limit = deliver(&app, &app.notice_path(), vec![b'a'; 64 * 1024]).await;
    assert_eq!(limit.status, 403);
    for path in ["/notices/tochka/con_x", &app.notice_path().replace("tochka", "tbank")] {
        assert_eq!(deliver(&app, path, b"a.b.c".to_vec()).await.status, 404, "{path}");
    }
}
