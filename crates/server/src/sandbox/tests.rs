//! The sandbox over real TCP, with the real emulator and a clock that moves only when told.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    Client, KeyBits, Options, Problem, Sandbox, clock::parse_duration_ms, notices_of, payments_of,
    serve,
};
use crate::kit::clock::{DAY_MS, ManualClock};

struct Running {
    sandbox: Arc<Sandbox>,
    origin: String,
    http: reqwest::Client,
    control: Client,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
    builder.build().unwrap()
}

fn options(origin: &str, state_file: Option<&Path>) -> Options {
    Options {
        origin: origin.to_owned(),
        seed: 7,
        clock: ManualClock::new(1_790_000_000_000),
        state_file: state_file.map(Path::to_owned),
        key_bits: KeyBits::Rsa2048,
        control_from_anywhere: false,
    }
}

async fn start(state_file: Option<&Path>) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Sandbox::open(options(&origin, state_file)).unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let ended = tokio::spawn(serve(sandbox.clone(), listener, axum::Router::new(), shutdown));
    let control = Client::new(&origin).unwrap();
    Running { sandbox, origin, http: http(), control, stop, ended }
}

impl Running {
    fn env(&self, name: &str) -> String {
        let found = self.sandbox.env().into_iter().find(|(key, _)| *key == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    }

    fn call(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/uapi{path}", self.origin);
        self.http.request(method, url).bearer_auth(self.env("TOCHKA_ACCESS_TOKEN"))
    }

    fn create(&self, reference: &str) -> reqwest::RequestBuilder {
        let data = json!({ "Data": {
            "customerCode": self.env("TOCHKA_CUSTOMER_CODE"),
            "amount": "1234.50",
            "purpose": "Кофе <script>",
            "paymentMode": ["card", "sbp"],
            "paymentLinkId": reference,
        }});
        self.call(reqwest::Method::POST, "/acquiring/v1.0/payments").body(data.to_string())
    }

    async fn register(&self, receiver: &Receiver) -> u16 {
        let path = format!("/webhook/v1.0/{}", self.env("TOCHKA_CLIENT_ID"));
        let body = json!({ "url": receiver.url, "webhooksList": ["acquiringInternetPayment"] });
        let call = self.call(reqwest::Method::PUT, &path).body(body.to_string());
        call.send().await.unwrap().status().as_u16()
    }

    async fn status_of(&self, id: &str) -> String {
        payments_of(&self.control.show(id).await.unwrap()).remove(0).status
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

/// A shop's address for notices: keeps the bodies, answers what it is told to; 0 is no answer.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start() -> Receiver {
        let status = Arc::new(AtomicU16::new(200));
        let got = Arc::new(Mutex::new(Vec::new()));
        let (answer, keep) = (status.clone(), got.clone());
        let take = move |body: String| async move {
            keep.lock().unwrap().push(body);
            match answer.load(Ordering::SeqCst) {
                0 => std::future::pending().await,
                status => axum::http::StatusCode::from_u16(status).unwrap(),
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notices", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Receiver { url, status, got }
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

/// A folder of the test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("kopeck-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn state(&self) -> PathBuf {
        self.0.join("sandbox.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_payment_is_made_declined_paid_and_refunded_at_the_controls() {
    let running = start(None).await;
    let created = running.create("order-1").send().await.unwrap();
    assert_eq!(created.status(), 200);
    let created: Value = serde_json::from_slice(&created.bytes().await.unwrap()).unwrap();
    let id = created["Data"]["operationId"].as_str().unwrap();
    let link = created["Data"]["paymentLink"].as_str().unwrap();
    let page = running.http.get(link).send().await.unwrap();
    assert_eq!(page.status(), 200, "the pay page is on the same port");

    let control = &running.control;
    let declined = control.decline(id, Some("insufficient_funds")).await.unwrap();
    assert_eq!(payments_of(&declined)[0].decline, "insufficient_funds");
    control.pay("order-1", Some("sbp"), None).await.unwrap();
    assert_eq!(running.status_of(id).await, "APPROVED");
    control.refund("order-1", Some("34.50")).await.unwrap();
    let shown = payments_of(&control.list().await.unwrap()).remove(0);
    assert_eq!((shown.bank.as_str(), shown.amount.as_str()), ("tochka", "1234.50"));
    assert_eq!(shown.refunded, "34.50");

    let refused = |result: Result<Value, Problem>| {
        let problem = result.unwrap_err();
        (problem.status, problem.code)
    };
    let gone = refused(control.pay("nobody/knows", None, None).await);
    assert_eq!(gone, (404, "payment_not_found".to_owned()));
    let late = refused(control.expire(id).await);
    assert_eq!(late, (409, "payment_state_problem".to_owned()));
    let wrong = refused(control.refund(id, Some("0.001")).await);
    assert_eq!(wrong, (400, "request_invalid".to_owned()));
    running.stop().await;
}

#[tokio::test]
async fn a_code_of_sbp_is_paid_at_the_controls() {
    let running = start(None).await;
    let make = async |path: &str, data: Value| {
        let call = running.call(reqwest::Method::POST, &format!("/sbp/v1.0/{path}"));
        let reply = call.body(json!({ "Data": data }).to_string()).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
        let reply: Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
        reply["Data"].clone()
    };
    let customer = running.env("TOCHKA_CUSTOMER_CODE");
    let company = json!({ "customerCode": customer, "bankCode": "044525104" });
    let company = make("register-sbp-legal-entity", company).await;
    let point = json!({
        "address": "ул. Малышева, 51", "city": "Екатеринбург", "countryCode": "RU",
        "countrySubDivisionCode": "65", "zipCode": "620075", "brandName": "Чайная",
        "capabilities": "111", "mcc": "5499",
    });
    let path = format!("merchant/legal-entity/{}", company["legalId"].as_str().unwrap());
    let point = make(&path, point).await["merchantId"].as_str().unwrap().to_owned();
    let path = format!("qr-code/merchant/{point}/{}", running.env("TOCHKA_ACCOUNT_ID"));
    let code = make(&path, json!({ "paymentPurpose": "Чай", "qrcType": "01" })).await;
    let id = code["qrcId"].as_str().unwrap();
    let pay = async |body: Value| {
        let url = format!("{}/_control/codes/{id}/pay", running.origin);
        let call = running.http.post(url).header("content-type", "application/json");
        let reply = call.body(body.to_string()).send().await.unwrap();
        let status = reply.status().as_u16();
        let reply: Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
        (status, reply)
    };
    let (status, shown) = pay(json!({ "amount": "7.50", "payer_name": "Пётр П." })).await;
    assert_eq!((status, &shown["paid_kopecks"]), (200, &json!(750)), "{shown}");
    assert_eq!(shown["payments"][0]["payer"], "Пётр П.");
    assert_eq!(pay(json!({ "amount": "0.001" })).await.0, 400);
    assert_eq!(pay(json!({ "sum": 1 })).await.0, 400);
    assert_eq!(pay(json!({})).await.0, 409, "the payer must give the sum");
    let list = running.control.list().await.unwrap();
    assert_eq!(
        (&list["codes"][0]["id"], &list["codes"][0]["bank"]),
        (&json!(id), &json!("tochka"))
    );
    running.stop().await;
}

#[tokio::test]
async fn a_notice_is_tried_again_until_it_is_taken() {
    let (running, receiver) = (start(None).await, Receiver::start().await);
    assert_eq!(running.register(&receiver).await, 200);
    assert_eq!(receiver.count(), 1, "the test notice");
    running.create("order-1").send().await.unwrap();
    receiver.answer(500);
    running.control.pay("order-1", None, None).await.unwrap();
    running.control.advance_ms(1_000).await.unwrap();
    running.sandbox.settled().await;
    assert_eq!(receiver.count(), 2);
    let notice = notices_of(&running.control.show("order-1").await.unwrap()).remove(0);
    assert_eq!((notice.state.as_str(), notice.last.as_str()), ("waiting", "500"));

    receiver.answer(200);
    running.control.advance_ms(10_000).await.unwrap();
    running.sandbox.settled().await;
    running.control.advance_ms(60_000).await.unwrap();
    running.sandbox.settled().await;
    let notice = notices_of(&running.control.show("order-1").await.unwrap()).remove(0);
    assert_eq!((notice.state.as_str(), notice.tries), ("delivered", 2));
    assert_eq!(receiver.count(), 3);
    running.stop().await;
}

#[tokio::test]
async fn an_address_that_does_not_take_the_test_notice_is_not_registered() {
    let (running, receiver) = (start(None).await, Receiver::start().await);
    receiver.answer(404);
    assert_ne!(running.register(&receiver).await, 200);
    assert_eq!(receiver.count(), 1);
    running.stop().await;
}

#[track_caller]
fn is_cut(result: Result<reqwest::Response, reqwest::Error>) {
    let error = result.unwrap_err();
    assert!(error.is_request() && !error.is_timeout() && !error.is_connect(), "{error:?}");
    assert!(format!("{error:?}").contains("IncompleteMessage"), "{error:?}");
}

#[tokio::test]
async fn silence_looks_like_a_cut_connection_and_the_work_may_be_done() {
    let running = start(None).await;
    running.control.fault("lose-reply", 1, "/payments").await.unwrap();
    is_cut(running.create("order-1").send().await);
    assert_eq!(running.status_of("order-1").await, "CREATED", "done, not told");

    running.control.fault("hang:300", 1, "/payments").await.unwrap();
    let from = Instant::now();
    is_cut(running.create("order-2").send().await);
    assert!(from.elapsed() >= Duration::from_millis(300));
    assert!(running.control.show("order-2").await.is_err(), "not done");
    assert_eq!(running.create("order-2").send().await.unwrap().status(), 200);

    running.control.fault("status:429", 9, "").await.unwrap();
    assert_eq!(running.create("order-3").send().await.unwrap().status(), 429);
    running.control.clear_faults().await.unwrap();
    assert_eq!(running.create("order-3").send().await.unwrap().status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn stopping_cuts_what_hangs() {
    let running = start(None).await;
    running.control.fault("hang:60000", 1, "").await.unwrap();
    let hanging = tokio::spawn(running.create("order-1").send());
    while running.control.fault("status:500", 1, "never").await.unwrap()["faults"][0]["kind"]
        .to_string()
        .contains("Hang")
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let from = Instant::now();
    running.stop().await;
    is_cut(hanging.await.unwrap());
    assert!(from.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_clock_moves_forwards_and_takes_links_with_it() {
    let running = start(None).await;
    running.create("order-1").send().await.unwrap();
    let before = running.control.clock().await.unwrap();
    assert_eq!(before["now"], "2026-09-21T14:13:20Z");
    let url = format!("{}/_control/clock", running.origin);
    let move_by = |body: &'static str| {
        let json = running.http.post(&url).header("content-type", "application/json");
        json.body(body).send()
    };
    assert_eq!(move_by(r#"{"advance":"8d"}"#).await.unwrap().status(), 200);
    let after = running.control.clock().await.unwrap();
    assert_eq!(after["offset_ms"], 8 * DAY_MS);
    assert_eq!(running.status_of("order-1").await, "EXPIRED");
    for wrong in [r#"{"advance_ms":-1}"#, r#"{}"#, r#"{"advance":"8"}"#, r#"{"advance":"9999d"}"#] {
        assert_eq!(move_by(wrong).await.unwrap().status(), 400, "{wrong}");
    }
    running.stop().await;
}

#[tokio::test]
async fn servers_that_follow_are_walked_with_from_one_thing_due_to_the_next() {
    let running = start(None).await;
    let (control, now_ms) = (&running.control, running.sandbox.now().as_millisecond());
    let at = |told: serde_json::Value| {
        (told["offset_ms"].as_i64().unwrap(), told["target_offset_ms"].as_i64().unwrap())
    };
    control.rest("first", 0, Some(now_ms + DAY_MS)).await.unwrap();
    control.rest("second", 0, None).await.unwrap();
    let target_ms = 5 * DAY_MS;
    assert_eq!(at(control.advance_ms(target_ms).await.unwrap()), (0, target_ms), "no leap");
    assert_eq!(at(control.clock().await.unwrap()), (0, target_ms), "looking moves nothing");
    // Once both have nothing to do: to the day on which the first one has.
    control.rest("first", 0, Some(now_ms + DAY_MS)).await.unwrap();
    let told = control.rest("second", 0, Some(now_ms + 9 * DAY_MS)).await.unwrap();
    assert_eq!(at(told), (DAY_MS, target_ms));
    // One who stands elsewhere, or has not said so anew, is waited for.
    assert_eq!(at(control.rest("second", 0, None).await.unwrap()).0, DAY_MS);
    assert_eq!(at(control.rest("second", DAY_MS, None).await.unwrap()).0, DAY_MS);
    assert_eq!(at(control.rest("second", DAY_MS, None).await.unwrap()).0, DAY_MS);
    // What is due in a moment is a step of a second; with nothing due it is the rest of the way.
    let soon = Some(now_ms + DAY_MS + 1);
    let told = control.rest("first", DAY_MS, soon).await.unwrap();
    assert_eq!(at(told).0, DAY_MS + 1_000);
    control.rest("first", DAY_MS + 1_000, None).await.unwrap();
    let told = control.rest("second", DAY_MS + 1_000, None).await.unwrap();
    assert_eq!(at(told), (target_ms, target_ms));
    // Further walks begin where this one ended.
    assert_eq!(at(control.advance_ms(DAY_MS).await.unwrap()), (target_ms, 6 * DAY_MS));
    assert!(control.advance_ms(9_999 * DAY_MS).await.is_err());
    running.stop().await;
}

#[tokio::test]
async fn a_state_file_survives_a_restart_and_belongs_to_one() {
    let (folder, receiver) = (Folder::new(), Receiver::start().await);
    let running = start(Some(&folder.state())).await;
    running.register(&receiver).await;
    running.create("order-1").send().await.unwrap();
    running.control.pay("order-1", None, None).await.unwrap();
    running.control.advance_ms(100).await.unwrap();
    let jwk = format!("{}/doc/openapi/static/keys/public", running.origin);
    let key = running.http.get(&jwk).send().await.unwrap().bytes().await.unwrap();
    let taken = Sandbox::open(options("http://x", Some(&folder.state()))).err().unwrap();
    assert!(taken.to_string().contains("another sandbox"), "{taken}");
    let is_same = Arc::downgrade(&running.sandbox);
    running.stop().await;
    while is_same.strong_count() > 0 {
        // Its connections end a moment after the listener.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let again = start(Some(&folder.state())).await;
    assert_eq!(again.status_of("order-1").await, "APPROVED");
    assert_eq!(again.control.clock().await.unwrap()["offset_ms"], 100);
    let jwk = format!("{}/doc/openapi/static/keys/public", again.origin);
    assert_eq!(again.http.get(&jwk).send().await.unwrap().bytes().await.unwrap(), key);
    again.control.advance_ms(1_000).await.unwrap();
    again.sandbox.settled().await;
    assert_eq!(receiver.count(), 2, "the notice that was due");
    again.stop().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = std::fs::metadata(folder.0.join("sandbox-key.der")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_notice_that_was_on_its_way_when_the_process_died_is_tried_again() {
    let (folder, copy, receiver) = (Folder::new(), Folder::new(), Receiver::start().await);
    let running = start(Some(&folder.state())).await;
    running.register(&receiver).await;
    running.create("order-1").send().await.unwrap();
    running.control.pay("order-1", None, None).await.unwrap();
    receiver.answer(0);
    running.control.advance_ms(1_000).await.unwrap();
    while receiver.count() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What a crash leaves behind is what the files hold at this moment.
    std::fs::copy(folder.state(), copy.state()).unwrap();
    let key = "sandbox-key.der";
    std::fs::copy(folder.0.join(key), copy.0.join(key)).unwrap();

    receiver.answer(200);
    let again = start(Some(&copy.state())).await;
    let shown = again.control.show("order-1").await.unwrap();
    assert_eq!(shown["notices"][0]["tries"][0]["answered"], true, "as not answered: {shown}");
    again.control.advance_ms(10_000).await.unwrap();
    again.sandbox.settled().await;
    let notice = notices_of(&again.control.show("order-1").await.unwrap()).remove(0);
    assert_eq!((notice.state.as_str(), notice.tries), ("delivered", 2));
    again.stop().await;
    running.stop().await;
}

#[tokio::test]
async fn controls_refuse_a_strangers_web_page() {
    let running = start(None).await;
    running.create("order-1").send().await.unwrap();
    let url = format!("{}/_control/payments/order-1/pay", running.origin);
    let post = || running.http.post(&url).body("{}");
    let json = "application/json; charset=utf-8";
    let refused = [
        post().header("content-type", "text/plain"),
        post().header("content-type", json).header("origin", "https://evil.example"),
        post().header("content-type", json).header("origin", "null"),
        post().header("content-type", json).header("sec-fetch-site", "cross-site"),
        post().header("content-type", json).header("host", "evil.example"),
        post().header("content-type", json).header("x-forwarded-for", "203.0.113.5"),
        running.http.get(format!("{}/_control/env", running.origin)).header("host", "evil.example"),
        running.http.get(&running.origin).header("x-forwarded-for", "203.0.113.5"),
    ];
    for request in refused {
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(running.status_of("order-1").await, "CREATED");
    let own = post().header("origin", &running.origin).send().await.unwrap();
    assert_eq!(own.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn the_page_shows_payments_escaped_and_paths_come_through_as_sent() {
    let running = start(None).await;
    running.create("order-1").send().await.unwrap();
    let page = running.http.get(&running.origin).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("order-1") && page.contains("TOCHKA_BASE_URL"));
    assert!(page.contains("2200000000000004") && !page.contains("Кофе <script>"));

    let path = "/open-banking/v1.0/accounts/40702810302000000092%2F044525104?a=%2F+b";
    let reply = running.call(reqwest::Method::GET, path).send().await.unwrap();
    assert!(reply.text().await.unwrap().contains(path));
    let status = |path: &str, method: reqwest::Method, body: Vec<u8>| {
        running.http.request(method, format!("{}{path}", running.origin)).body(body).send()
    };
    let large = status("/uapi/x", reqwest::Method::POST, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(large.unwrap().status(), 413);
    let patch = status("/uapi/x", reqwest::Method::PATCH, Vec::new()).await;
    assert_eq!(patch.unwrap().status(), 405);
    assert_eq!(status("/orders", reqwest::Method::GET, Vec::new()).await.unwrap().status(), 404);
    running.stop().await;
}

#[tokio::test]
async fn a_client_without_a_sandbox_says_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let problem = Client::new(&at).unwrap().list().await.unwrap_err();
    assert_eq!(problem.code, "sandbox_unreachable");
    assert!(problem.to_string().contains("\nhint: start it with `kopeck sandbox`"));
}

#[test]
fn durations_are_whole_numbers_with_units() {
    let ok = [("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("1d12h", DAY_MS * 3 / 2)];
    for (text, ms) in ok {
        assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
    }
    for text in ["", "5", "d", "1.5h", "-1s", "3w", "1d 2", "9999999999999999d"] {
        assert!(parse_duration_ms(text).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn messengers_are_played_with_their_own_refusals() {
    let running = start(None).await;
    let (api, token) =
        (running.env("KOPECK_TELEGRAM_API_URL"), running.env("KOPECK_TELEGRAM_TOKEN"));
    assert_eq!(api, format!("{}/services/telegram", running.origin));
    let call = |chat: i64| {
        let body = json!({ "chat_id": chat, "text": "Оплатите" }).to_string();
        let request = running.http.post(format!("{api}/bot{token}/sendMessage"));
        request.header("content-type", "application/json").body(body).send()
    };
    assert_eq!(call(700_100_200).await.unwrap().status(), 200);
    assert_eq!(call(1).await.unwrap().status(), 400, "nobody there");
    let told = running.control.messages().await.unwrap();
    assert_eq!(told["messages"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["messages"][0]["text"], "Оплатите");
    let nowhere = running.http.get(format!("{}/services/icq/x", running.origin));
    assert_eq!(nowhere.send().await.unwrap().status(), 404);
}
