//! The server on a real socket: it serves, runs its jobs, and stops when told.

use std::time::Duration;

use kopeck::app::App;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::harness::app::TestApp;

#[tokio::test]
async fn it_serves_runs_jobs_and_stops() {
    let app = TestApp::new().await;
    app.bank.delay(1, Duration::from_millis(10));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(App::new(app.ctx.clone()).serve(listener, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = json!({"amount": "1.00", "purpose": "x"}).to_string();
    let request = format!(
        "POST /v1/payments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\n\r\n{body}",
        app.key,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = vec![0; 8_192];
    let read = stream.read(&mut reply).await.unwrap();
    let text = String::from_utf8_lossy(&reply[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 201") && text.contains("\"open\""), "{text}");

    // The sweep of each connection is scheduled at the start, and the runner runs it.
    let mut tries = 0;
    while app.bank.count("GET /uapi/acquiring/v1.0/payments") == 0 && tries < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
    }
    assert!(app.bank.count("GET /uapi/acquiring/v1.0/payments") > 0, "the sweep ran");

    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
    ended.expect("in time").expect("no panic").expect("no error");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
