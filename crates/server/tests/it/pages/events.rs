//! The stream that tells a page of news.

use std::{
    future::poll_fn,
    pin::Pin,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody as _},
    http::{Request, Response},
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::harness::app::TestApp;

/// What is said of the payment now, as a page shows it.
async fn version(app: &TestApp, payment: &Value) -> String {
    let path = format!("/pay/{}/state", payment["id"].as_str().unwrap());
    app.get(&path).await.expect(200)["version"].as_str().unwrap().to_owned()
}

async fn open(app: &TestApp, payment: &Value, version: &str) -> Response<Body> {
    let path = format!("/pay/{}/events?v={version}", payment["id"].as_str().unwrap());
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.router.clone().oneshot(request).await.unwrap()
}

/// The next part of the stream; `None` at its end.
async fn next(stream: &mut Response<Body>) -> Option<String> {
    let part = poll_fn(|context| Pin::new(stream.body_mut()).poll_frame(context));
    let part = timeout(Duration::from_secs(5), part).await.expect("news within five seconds");
    let bytes = part?.expect("a part").into_data().expect("data");
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_page_hears_within_two_seconds_of_the_notice_that_it_is_paid() {
    let app = TestApp::with_notices().await;
    let payment = app.create(json!({})).await;
    let shown = version(&app, &payment).await;
    let mut stream = open(&app, &payment, &shown).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-store");
    assert_eq!(next(&mut stream).await.unwrap(), "retry: 1000\n\n");
    app.pay(&payment);
    app.clock.advance_ms(1_000);
    let began = Instant::now();
    assert_eq!(app.bank.deliver().await, [200]);
    assert_eq!(next(&mut stream).await.unwrap(), "data: news\n\n");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(next(&mut stream).await, None, "the page asks anew");
    assert_ne!(version(&app, &payment).await, shown);
}

#[tokio::test]
async fn a_page_that_shows_what_was_is_told_at_once_and_one_that_shows_what_is_waits() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    let mut old = open(&app, &payment, "before").await;
    next(&mut old).await.unwrap();
    assert_eq!(next(&mut old).await.unwrap(), "data: news\n\n");
    let now = version(&app, &payment).await;
    let mut current = open(&app, &payment, &now).await;
    next(&mut current).await.unwrap();
    let quiet = timeout(Duration::from_millis(1_500), next(&mut current)).await;
    assert!(quiet.is_err(), "nothing happened: {quiet:?}");
}

#[tokio::test]
async fn another_process_is_heard_within_its_second() {
    let app = TestApp::with_notices().await;
    // Over the same database, as another process would be.
    let other = kopeck::app::router(
        app.ctx.clone(),
        kopeck::runner::Nudge::default(),
        app.refused.clone(),
        app.limits,
    );
    let payment = app.create(json!({})).await;
    let shown = version(&app, &payment).await;
    let path = format!("/pay/{}/events?v={shown}", payment["id"].as_str().unwrap());
    let request = Request::get(path).body(Body::empty()).unwrap();
    let mut stream = other.oneshot(request).await.unwrap();
    next(&mut stream).await.unwrap();
    app.pay(&payment);
    app.clock.advance_ms(1_000);
    assert_eq!(app.bank.deliver().await, [200]);
    assert_eq!(next(&mut stream).await.unwrap(), "data: news\n\n");
}

#[tokio::test]
async fn there_are_so_many_streams_and_a_place_is_free_again_when_its_page_closes() {
    let app = TestApp::new().await;
    let payment = app.create(json!({})).await;
    let now = version(&app, &payment).await;
    let mut open_ones = Vec::new();
    for _ in 0..200 {
        let stream = open(&app, &payment, &now).await;
        assert_eq!(stream.status(), 200);
        open_ones.push(stream);
    }
    assert_eq!(open(&app, &payment, &now).await.status(), 503, "the page polls instead");
    drop(open_ones);
    let mut tries = 0;
    while open(&app, &payment, &now).await.status() != 200 {
        tries += 1;
        assert!(tries < 100, "no place came free");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let unknown = json!({"id": "pay_guessed"});
    assert_eq!(open(&app, &unknown, "").await.status(), 404);
}
