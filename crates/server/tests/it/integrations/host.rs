//! A stand-in behind a real socket, with the test's clock.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use kopeck::kit::clock::{Clock as _, ManualClock};
use kopeck_banks::http::{HttpReply, HttpRequest, Method};
use kopeck_integrations::{
    Settings,
    stand_in::{Arrived, Fault, StandIn},
};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

pub struct Host<S> {
    service: Arc<Mutex<S>>,
    pub url: String,
}

impl<S: StandIn + 'static> Host<S> {
    pub fn start(service: S, clock: Arc<ManualClock>) -> Host<S> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let service = Arc::new(Mutex::new(service));
        let inner = Arc::clone(&service);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (inner, clock) = (Arc::clone(&inner), Arc::clone(&clock));
                thread::spawn(move || talk(&stream.unwrap(), &inner, &clock));
            }
        });
        Host { service, url }
    }

    pub fn service(&self) -> MutexGuard<'_, S> {
        self.service.lock().unwrap()
    }

    pub fn fail(&self, fault: Fault, times: usize) {
        self.service().shell().fail(fault, times);
    }

    pub fn heal(&self) {
        self.service().shell().heal();
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.service().shell().arrived.clone()
    }

    pub fn settings(&self) -> Settings {
        self.service().settings(&self.url)
    }

    /// Sets it up in the shop.
    pub async fn connect(&self, app: &TestApp, more: Value) -> Value {
        let service = self.service().name();
        let mut body = json!({ "service": service, "settings": self.settings().values() });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.post("/v1/integrations", body).await.expect(201)
    }
}

/// One request on one connection.
fn talk<S: StandIn>(stream: &TcpStream, service: &Mutex<S>, clock: &ManualClock) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut line) = (String::new(), String::new());
    let mut headers = Vec::new();
    loop {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line == "\r\n" => break,
            Ok(_) if first.is_empty() => first.clone_from(&line),
            Ok(_) => {
                let (name, value) = line.trim_end().split_once(": ").unwrap();
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
    }
    let mut words = first.split(' ');
    let method = Method::parse(words.next().unwrap()).unwrap();
    let mut request = HttpRequest::new(method, words.next().unwrap());
    request.headers = headers;
    let length = request.find_header("content-length").map_or(0, |text| text.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).unwrap();
    let now_ms = u64::try_from(clock.now_ms()).unwrap();
    let reply = service.lock().unwrap().serve(now_ms, &request);
    // No reply is a cut connection.
    if let Some(reply) = reply {
        answer(stream, &reply);
    }
}

fn answer(mut stream: &TcpStream, reply: &HttpReply) {
    let mut head = format!("HTTP/1.1 {} Said\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
    // A client that has gone is no matter of ours.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body));
}
