//! The server on a real socket: it serves, runs its jobs, and stops when told.

use std::time::Duration;

use kopeck::{app::App, http::Limits};
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

/// Reads until the other side ends the connection.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut heard));
    ended.await.expect("it is let go").expect("read");
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn who_opens_a_connection_and_says_nothing_is_let_go() {
    let app = TestApp::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { head_wait: Duration::from_millis(300), ..Limits::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = App { limits, ..App::new(app.ctx.clone()) };
    let serving = tokio::spawn(served.serve(listener, async {
        let _ = stopped.await;
    }));
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.unwrap();
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

    assert_eq!(until_closed(&mut silent).await, "");
    assert!(!until_closed(&mut slow).await.contains("200"), "half a head is no request");
    let reply = until_closed(&mut kept).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "answered, then let go as well: {reply}");

    stop.send(()).unwrap();
    serving.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_connection_that_is_kept_open_does_not_hold_up_the_end() {
    let app = TestApp::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(App::new(app.ctx.clone()).serve(listener, async {
        let _ = stopped.await;
    }));
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut reply = vec![0; 8_192];
    let read = kept.read(&mut reply).await.unwrap();
    assert!(String::from_utf8_lossy(&reply[..read]).starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
    ended.expect("in time").expect("no panic").expect("no error");
}
