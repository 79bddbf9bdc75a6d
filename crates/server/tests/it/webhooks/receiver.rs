//! A receiver of webhooks on a real socket, that does with each request what it is told.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// What was received.
#[derive(Clone, Debug)]
pub struct Hook {
    pub head: String,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub enum Behave {
    /// Processes and answers with this status and these further header lines.
    Answer(u16, String),
    /// Reads the request and never answers.
    Hang,
    /// Processes, and cuts the connection before it answers.
    Cut,
}

impl Behave {
    pub fn status(status: u16) -> Behave {
        Behave::Answer(status, String::new())
    }
}

#[derive(Default)]
struct State {
    seen: Vec<Hook>,
    script: VecDeque<Behave>,
    /// An event that is always refused.
    refused: Option<String>,
}

pub struct Receiver {
    pub port: u16,
    state: Arc<Mutex<State>>,
    is_gone: Arc<AtomicBool>,
}

impl Hook {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
        found.last().unwrap_or("")
    }

    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    /// As the specification has it, without any code of ours.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mut said =
            format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"))
                .into_bytes();
        said.extend_from_slice(&self.body);
        let wanted = format!("v1,{}", STANDARD.encode(hmac::sign(&key, &said)));
        self.header("webhook-signature").split(' ').any(|one| one == wanted)
    }
}

impl Receiver {
    /// Answers 200 unless told otherwise.
    pub fn start() -> Receiver {
        Receiver::at(0)
    }

    /// On this port, as a machine that comes back.
    pub fn at(port: u16) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, is_gone) =
            (Arc::new(Mutex::new(State::default())), Arc::<AtomicBool>::default());
        let (inner, over) = (Arc::clone(&state), Arc::clone(&is_gone));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, inner) = (stream.unwrap(), Arc::clone(&inner));
                thread::spawn(move || serve(stream, &inner));
            }
        });
        Receiver { port, state, is_gone }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?from=kopeck", self.port)
    }

    /// What to do with the next requests; afterwards 200 again.
    pub fn then(&self, script: impl IntoIterator<Item = Behave>) {
        self.state.lock().unwrap().script.extend(script);
    }

    /// This event is never taken.
    pub fn refuse(&self, event_id: &str) {
        self.state.lock().unwrap().refused = Some(event_id.to_owned());
    }

    pub fn seen(&self) -> Vec<Hook> {
        self.state.lock().unwrap().seen.clone()
    }

    pub fn count(&self) -> usize {
        self.seen().len()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.seen().iter().map(|hook| hook.json()["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Nobody listens there any more.
    pub fn stop(self) -> u16 {
        self.is_gone.store(true, Ordering::SeqCst);
        // The thread sees it with the next connection.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        thread::sleep(Duration::from_millis(20));
        self.port
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line == "\r\n" => break,
            Ok(_) => head.push_str(&line),
        }
    }
    let mut hook = Hook { head, body: Vec::new() };
    let length: usize = hook.header("content-length").parse().unwrap_or(0);
    hook.body = vec![0; length];
    reader.read_exact(&mut hook.body).unwrap();
    let behave = {
        let mut state = state.lock().unwrap();
        let is_refused = state.refused.as_ref().is_some_and(|id| *id == hook.id());
        state.seen.push(hook);
        match is_refused {
            true => Behave::status(400),
            false => state.script.pop_front().unwrap_or(Behave::status(200)),
        }
    };
    match behave {
        Behave::Answer(status, more) => {
            let text = "thanks, +7 912 345-67-89";
            let reply = format!(
                "HTTP/1.1 {status} Said\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{text}",
                text.len()
            );
            // A client that has gone is no matter of ours.
            let _ = (&stream).write_all(reply.as_bytes());
        }
        Behave::Hang => thread::sleep(Duration::from_secs(30)),
        Behave::Cut => {}
    }
}
