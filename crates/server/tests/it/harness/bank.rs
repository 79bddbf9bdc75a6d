//! A bank in memory: its emulator at the end of a wire that never touches a network.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use aws_lc_rs::{encoding::AsDer as _, rsa};
use axum::{Router, body::Body};
use kopeck::kit::{
    clock::{Clock as _, ManualClock, timestamp},
    net::{BoxFuture, Wire},
};
use kopeck_banks::{
    Credentials,
    bank::find_bank,
    emulator::{Control, Delivery, Emulator, Served},
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
    tbank::emulator::TbankEmulator,
    tochka::emulator::TochkaEmulator,
};
use serde_json::Value;
use tower::ServiceExt as _;

/// Made once: a key takes a tenth of a second.
pub static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let der = pair.as_der().unwrap();
    der.as_ref().to_vec()
});

/// The origin of the second bank.
const SECOND: &str = "https://second.test";

/// The bank and the wire to it.
#[derive(Clone)]
pub struct TestBank(Arc<Inner>);

struct Inner {
    emulator: Mutex<Box<dyn Emulator>>,
    /// The bank at [`SECOND`], where a shop has two.
    second: Mutex<Option<Box<dyn Emulator>>>,
    clock: Arc<ManualClock>,
    router: OnceLock<Router>,
    /// `POST /uapi/acquiring/v1.0/payments`, in order.
    calls: Mutex<Vec<String>>,
    /// How long each coming request waits before it arrives.
    delays: Mutex<VecDeque<Duration>>,
}

impl TestBank {
    pub fn new(name: &str, clock: Arc<ManualClock>) -> (TestBank, Credentials) {
        let (emulator, credentials) = emulate(name, "https://bank.test");
        let inner = Inner {
            emulator: Mutex::new(emulator),
            second: Mutex::default(),
            clock,
            router: OnceLock::new(),
            calls: Mutex::default(),
            delays: Mutex::default(),
        };
        (TestBank(Arc::new(inner)), credentials)
    }

    /// Puts another bank on the same wire.
    pub fn add(&self, name: &str) -> Credentials {
        let (emulator, credentials) = emulate(name, SECOND);
        *self.0.second.lock().unwrap() = Some(emulator);
        credentials
    }

    /// At the second bank.
    #[track_caller]
    pub fn control_second(&self, control: &Control) -> Value {
        let now = timestamp(self.0.clock.now_ms());
        let mut second = self.0.second.lock().unwrap();
        second.as_mut().expect("a second bank").control(now, control).unwrap()
    }

    /// Where notices are delivered to.
    pub fn connect(&self, router: Router) {
        assert!(self.0.router.set(router).is_ok(), "connected once");
    }

    fn emulator(&self) -> MutexGuard<'_, Box<dyn Emulator>> {
        self.0.emulator.lock().unwrap()
    }

    #[track_caller]
    pub fn control(&self, control: &Control) -> Value {
        let now = timestamp(self.0.clock.now_ms());
        self.emulator().control(now, control).unwrap()
    }

    /// Changes what the bank remembers, in a way that no control allows.
    pub fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut emulator = self.emulator();
        let mut memory = emulator.snapshot();
        change(&mut memory);
        emulator.restore(&memory).unwrap();
    }

    /// How often a request whose text contains this was made.
    pub fn count(&self, what: &str) -> usize {
        self.0.calls.lock().unwrap().iter().filter(|call| call.contains(what)).count()
    }

    /// One request at the bank, for a wire that decides itself what becomes of the reply.
    pub fn serve(&self, request: &HttpRequest) -> Served {
        let now = timestamp(self.0.clock.now_ms());
        self.emulator().serve(now, request)
    }

    /// When the bank next has a notice to carry, if ever.
    pub fn next_due_ms(&self) -> Option<i64> {
        self.emulator().next_due().map(|due| due.as_millisecond())
    }

    /// The next requests arrive so late.
    pub fn delay(&self, times: usize, delay: Duration) {
        self.0.delays.lock().unwrap().extend(std::iter::repeat_n(delay, times));
    }

    /// Carries the notices that are due; returns the statuses they were answered with.
    pub async fn deliver(&self) -> Vec<u16> {
        let mut statuses = Vec::new();
        loop {
            let now = timestamp(self.0.clock.now_ms());
            let due = self.emulator().poll(now);
            let theirs = self.0.second.lock().unwrap().as_mut().map(|bank| bank.poll(now));
            let theirs = theirs.unwrap_or_default();
            if due.is_empty() && theirs.is_empty() {
                return statuses;
            }
            for Delivery { id, request } in theirs {
                let reply = self.carry(request).await;
                statuses.push(reply.status);
                let now = timestamp(self.0.clock.now_ms());
                let mut second = self.0.second.lock().unwrap();
                second.as_mut().expect("a second bank").answered(now, id, Some(&reply));
            }
            for Delivery { id, request } in due {
                let reply = self.carry(request).await;
                statuses.push(reply.status);
                let now = timestamp(self.0.clock.now_ms());
                self.emulator().answered(now, id, Some(&reply));
            }
        }
    }

    /// The notices that are due, not delivered.
    pub fn take_notices(&self) -> Vec<HttpRequest> {
        let now = timestamp(self.0.clock.now_ms());
        self.emulator().poll(now).into_iter().map(|delivery| delivery.request).collect()
    }

    async fn carry(&self, request: HttpRequest) -> HttpReply {
        let path = request.path().to_owned();
        let call = axum::http::Request::post(path).body(Body::from(request.body)).unwrap();
        let router = self.0.router.get().expect("connected").clone();
        let response = router.oneshot(call).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await.unwrap();
        HttpReply::new(status, "text/plain", body.to_vec())
    }
}

fn emulate(name: &str, origin: &str) -> (Box<dyn Emulator>, Credentials) {
    let (emulator, env): (Box<dyn Emulator>, _) = if name == "tbank" {
        let emulator = TbankEmulator::new(origin, 7).unwrap();
        let env = emulator.test_credentials();
        (Box::new(emulator), env)
    } else {
        let emulator = TochkaEmulator::new(origin, &KEY, 7).unwrap();
        let env = emulator.test_credentials();
        (Box::new(emulator), env)
    };
    let settings = find_bank(name).unwrap().settings();
    let values = env.into_iter().filter_map(|(env, value)| {
        let setting = settings.iter().find(|setting| setting.env == env)?;
        Some((setting.name.to_owned(), value))
    });
    (emulator, Credentials::new(values))
}

impl Wire for TestBank {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        let bank = self.clone();
        Box::pin(async move {
            let call = format!("{} {}", request.method.as_str(), request.path());
            bank.0.calls.lock().unwrap().push(call);
            let delay = bank.0.delays.lock().unwrap().pop_front();
            // Even no time takes a millisecond and the order of things.
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            let now = timestamp(bank.0.clock.now_ms());
            let served = if request.url.starts_with(SECOND) {
                bank.0.second.lock().unwrap().as_mut().unwrap().serve(now, &request)
            } else {
                bank.emulator().serve(now, &request)
            };
            match served {
                Served::Now(reply) => Ok(reply),
                Served::Silence { hold_ms } => {
                    // No test has half a minute.
                    tokio::time::sleep(Duration::from_millis(hold_ms.min(20))).await;
                    Err(Silence::Lost("cut".into()))
                }
                Served::Later(ticket) => {
                    bank.deliver().await;
                    let reply = bank.emulator().take_reply(ticket);
                    reply.ok_or_else(|| Silence::Lost("no reply".into()))
                }
            }
        })
    }
}
