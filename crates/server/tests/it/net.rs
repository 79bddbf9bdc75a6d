//! Outgoing HTTP against small servers that misbehave.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use kopeck::kit::net::{AddressPolicy, NetSettings, NetWire, REPLY_MAX_BYTES, Wire as _};
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::{HttpRequest, Method},
};

fn wire(policy: AddressPolicy) -> NetWire {
    let settings =
        NetSettings { policy, extra_ca_file: None, connect_timeout_ms: 2000, timeout_ms: 2500 };
    NetWire::new(&settings).unwrap()
}

/// Serves each connection with `behave`, which gets the request as text; counts connections.
fn server(behave: impl Fn(&mut TcpStream, &str) + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap_or(0);
            behave(&mut stream, &String::from_utf8_lossy(&buffer[..read]));
        }
    });
    (port, count)
}

async fn post(url: String, policy: AddressPolicy) -> Heard {
    let request = HttpRequest::new(Method::Post, url).header("x-one", "1").form(&[("a", "b")]);
    wire(policy).send(request).await
}

async fn heard_from(behave: impl Fn(&mut TcpStream, &str) + Send + 'static) -> Heard {
    let (port, _) = server(behave);
    post(format!("http://127.0.0.1:{port}/path?q=1"), AddressPolicy::AllowLoopback).await
}

#[tokio::test]
async fn a_reply_comes_back_whole() {
    let heard = heard_from(|stream, request| {
        let head = request.to_ascii_lowercase();
        assert!(head.starts_with("post /path?q=1 http/1.1"), "{request}");
        assert!(head.contains("user-agent: kopeck/") && head.contains("x-one: 1"), "{request}");
        assert!(head.ends_with("\r\n\r\na=b"), "{request}");
        let reply = b"HTTP/1.1 201 Created\r\nX-Two: 2\r\nContent-Length: 4\r\n\r\nbody";
        stream.write_all(reply).unwrap();
    });
    let reply = heard.await.unwrap();
    assert_eq!((reply.status, &*reply.body), (201, &b"body"[..]));
    assert_eq!(reply.find_header("x-two"), Some("2"));
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for url in [
        format!("http://127.0.0.1:{port}/"),
        "http://no-such-host.invalid/".to_owned(),
        "not a url".to_owned(),
        "ftp://example.ru/".to_owned(),
    ] {
        let heard = post(url.clone(), AddressPolicy::AllowLoopback).await;
        assert!(matches!(heard, Err(Silence::NotSent(_))), "{url}: {heard:?}");
    }
}

#[tokio::test]
async fn a_failed_tls_handshake_was_not_sent() {
    let (port, _) = server(|stream, _| stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").unwrap());
    let heard = post(format!("https://127.0.0.1:{port}/"), AddressPolicy::AllowLoopback).await;
    assert!(matches!(heard, Err(Silence::NotSent(_))), "{heard:?}");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_lost() {
    let heard = heard_from(|_, _| {}).await;
    assert!(matches!(heard, Err(Silence::Lost(_))), "{heard:?}");
}

#[tokio::test]
async fn a_server_that_hangs_is_lost() {
    let heard = heard_from(|_, _| thread::sleep(Duration::from_secs(60))).await;
    assert!(matches!(&heard, Err(Silence::Lost(why)) if why.contains("in time")), "{heard:?}");
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_lost() {
    let heard = heard_from(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this").unwrap();
    });
    let heard = heard.await;
    assert!(matches!(&heard, Err(Silence::Lost(why)) if why.contains("broke off")), "{heard:?}");
}

#[tokio::test]
async fn a_reply_that_is_too_large_is_lost() {
    let heard = heard_from(|stream, _| {
        let length = REPLY_MAX_BYTES + 1;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        // The client hangs up in the middle.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&vec![b'x'; length]);
    });
    let heard = heard.await;
    assert!(matches!(&heard, Err(Silence::Lost(why)) if why.contains("larger")), "{heard:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (port, elsewhere) = server(|_, _| {});
    let heard = heard_from(move |stream, _| {
        let to = format!("http://127.0.0.1:{port}/");
        let head = format!("HTTP/1.1 307 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
    });
    assert_eq!(heard.await.unwrap().status, 307);
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_before_connecting() {
    let (port, count) = server(|_, _| {});
    for host in
        ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0"]
    {
        let url = format!("http://{host}:{port}/");
        let heard = post(url, AddressPolicy::PublicOnly).await;
        let refused = matches!(&heard, Err(Silence::NotSent(why)) if why.contains("private"));
        assert!(refused, "{host}: {heard:?}");
    }
    let metadata = "http://169.254.169.254/latest/meta-data/".to_owned();
    let heard = post(metadata, AddressPolicy::AllowLoopback).await;
    assert!(matches!(&heard, Err(Silence::NotSent(why)) if why.contains("private")), "{heard:?}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let named = post(format!("http://localhost:{port}/"), AddressPolicy::AllowLoopback).await;
    assert!(matches!(named, Err(Silence::Lost(_))), "{named:?}");
}

#[test]
fn a_wrong_ca_file_is_named() {
    let path = std::env::temp_dir().join(format!("kopeck_ca_{}.pem", std::process::id()));
    std::fs::write(&path, "nothing here").unwrap();
    for file in [path.clone(), "/no/such/file.pem".into()] {
        let settings = NetSettings {
            policy: AddressPolicy::PublicOnly,
            extra_ca_file: Some(file.clone()),
            connect_timeout_ms: 1,
            timeout_ms: 1,
        };
        let wrong = format!("{:#}", NetWire::new(&settings).unwrap_err());
        assert!(wrong.contains(&file.display().to_string()), "{wrong}");
    }
    std::fs::remove_file(path).unwrap();
}
