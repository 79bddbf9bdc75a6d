//! Letters through a real mail server: encrypted, logged in, refused, silent; and what a mail
//! program reads in them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use kopeck::kit::net::{AddressPolicy, NetSettings, NetWire};
use kopeck_banks::exchange::Silence;
use kopeck_integrations::{Audience, Integration as _, Kind, Message, Progress, email::Email};
use serde_json::{Value, json};

use crate::harness::app::TestApp;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const PYTHON: &str = "/usr/bin/python3";

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/integrations/mail/server.py")
}

/// A mail server in a folder of its own, until it is dropped.
pub struct MailServer {
    process: Child,
    pub folder: PathBuf,
    pub port: u16,
    mode: &'static str,
}

impl MailServer {
    pub fn start(mode: &'static str) -> MailServer {
        let name = format!("kopeck_mail_{}_{mode}_{:x}", std::process::id(), rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        make_certificates(&folder);
        let mut command = Command::new(PYTHON);
        command.arg(script()).args(["serve", mode]).arg(&folder);
        if mode != "none" {
            command.args([folder.join("cert.pem"), folder.join("key.pem")]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server tells its port");
        MailServer { process, folder, port, mode }
    }

    pub fn settings(&self) -> Value {
        let mut settings = json!({
            "host": "127.0.0.1", "port": self.port.to_string(), "tls": self.mode,
            "from": "pay@example.ru",
        });
        if self.mode != "none" {
            settings["user"] = json!("pay@example.ru");
            settings["password"] = json!("correct-horse-battery");
        }
        settings
    }

    /// A server of ours that trusts this one.
    pub async fn trusted(&self) -> TestApp {
        TestApp::new().await.trusting(Some(self.folder.join("ca.pem")))
    }

    pub async fn connect(&self, app: &TestApp, more: Value) -> Value {
        let mut settings = self.settings();
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({ "service": "email", "settings": settings });
        app.post("/v1/integrations", body).await.expect(201)
    }

    pub fn count(&self) -> usize {
        (1..).take_while(|number| self.path(*number, "eml").exists()).count()
    }

    fn path(&self, number: usize, kind: &str) -> PathBuf {
        self.folder.join(format!("{number}.{kind}"))
    }

    pub fn envelope(&self, number: usize) -> Value {
        serde_json::from_slice(&fs::read(self.path(number, "json")).unwrap()).unwrap()
    }

    /// The letter as Python's parser reads it.
    pub fn letter(&self, number: usize) -> Value {
        let file = self.path(number, "eml");
        let out = Command::new(PYTHON).arg(script()).arg("read").arg(file).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An authority and a certificate of it for this machine.
fn make_certificates(folder: &Path) {
    let steps = "\
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -keyout ca.key -out ca.pem -subj '/CN=A test authority' && \
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -keyout key.pem -out request.pem -subj '/CN=mail.test' && \
        printf 'subjectAltName=IP:127.0.0.1' >names && \
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out cert.pem";
    let out = Command::new("sh").args(["-c", steps]).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

async fn send(app: &TestApp, payment: &Value, to: &str) -> Value {
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "to": format!("email:{to}") })).await.expect(202)
}

async fn sendings(app: &TestApp, payment: &Value) -> Vec<Value> {
    let path = format!("/v1/payments/{}/sendings", payment["id"].as_str().unwrap());
    app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_link_arrives_as_text_html_and_a_code_that_leads_there() {
    for mode in ["starttls", "tls", "none"] {
        let server = MailServer::start(mode);
        let app = server.trusted().await;
        server.connect(&app, json!({ "reply_to": "Касса <desk@example.ru>" })).await;
        let payment = app.create(json!({ "order_id": "A-17" })).await;
        send(&app, &payment, "anna@example.com").await;
        app.advance(SECOND).await;
        let list = sendings(&app, &payment).await;
        assert_eq!(list[0]["status"], "delivered", "{mode}: {list:?}");
        assert_eq!(server.count(), 1);
        let envelope = server.envelope(1);
        assert_eq!(envelope["to"], json!(["anna@example.com"]));
        assert_eq!(envelope["encrypted"], mode != "none", "{envelope}");
        assert_eq!(envelope["login"].is_string(), mode != "none", "{envelope}");
        assert_eq!(envelope["hello"], "example.ru");
        check_letter(&app, &server.letter(1), &payment, &list[0]);
    }
}

fn check_letter(app: &TestApp, letter: &Value, payment: &Value, sending: &Value) {
    assert_eq!(letter["defects"], json!([]), "{letter}");
    assert_eq!(letter["to"], json!(["anna@example.com"]));
    assert_eq!(letter["from"], json!([app.shop.name, "pay@example.ru"]));
    let headers = &letter["headers"];
    let subject = headers["Subject"].as_str().unwrap().replace('\u{a0}', " ");
    assert_eq!(subject, format!("{}: к оплате 5 000,00 ₽ (заказ A-17)", app.shop.name));
    let id = sending["id"].as_str().unwrap();
    assert_eq!(headers["Message-ID"], format!("<{id}@example.ru>"));
    assert_eq!(sending["remote_id"], headers["Message-ID"]);
    assert_eq!(headers["Reply-To"], "Касса <desk@example.ru>");
    assert!(headers.get("List-Unsubscribe").is_none(), "a link somebody asked for: {headers}");
    let date = headers["Date"].as_str().unwrap();
    assert_eq!(date, "Sat, 21 Nov 2026 12:00:00 +0000");
    let parts = letter["parts"].as_array().unwrap();
    let types: Vec<&str> = parts.iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    );
    let link = payment["pay_url"].as_str().unwrap();
    let (text, html) = (parts[1]["text"].as_str().unwrap(), parts[3]["text"].as_str().unwrap());
    assert!(text.contains(&format!("Оплатить: {link}")), "{text}");
    assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
    assert!(html.contains("cid:qr") && html.contains("Булочная «Колобок» &lt;b&gt;"), "{html}");
    for outside in ["src=\"http", "url(http", "<script", "<link"] {
        assert!(!html.contains(outside), "nothing is loaded from outside: {html}");
    }
    assert_eq!((&parts[4]["id"], &parts[4]["disposition"]), (&json!("<qr>"), &json!("inline")));
    let hex = parts[4]["hex"].as_str().unwrap();
    let png = kopeck::kit::secret::unhex(hex).unwrap();
    crate::qr::eye::Gray::from_png(&png).must_read(link, "the code in the letter");
}

#[tokio::test]
async fn each_refusal_has_its_name_and_ends_only_what_it_is_about() {
    let server = MailServer::start("starttls");
    let app = server.trusted().await;
    let linked = server.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    for (to, code) in [
        ("unknown@example.com", "email_address_unknown"),
        ("full@example.com", "email_mailbox_full"),
        ("spam@example.com", "email_content_refused"),
    ] {
        let sending = send(&app, &payment, to).await;
        app.advance(2 * SECOND).await;
        let list = sendings(&app, &payment).await;
        let one = list.iter().find(|one| one["id"] == sending["id"]).unwrap();
        assert_eq!((&one["status"], &one["code"]), (&json!("failed"), &json!(code)), "{one}");
        assert!(!one.to_string().contains(to), "an address is shown: {one}");
    }
    // The mailbox that is none is not even tried again by news; given anew, it is.
    send(&app, &payment, "later@example.com").await;
    app.advance(2 * SECOND).await;
    let list = sendings(&app, &payment).await;
    assert_eq!(list[3]["status"], "pending", "greylisted: {list:?}");
    assert!(list[3]["why"].as_str().unwrap().contains("451 RCPT TO: 4.7.1"), "{list:?}");
    app.advance(HOUR).await;
    assert_eq!(sendings(&app, &payment).await[3]["status"], "delivered");
    assert_eq!(server.count(), 1);
    send(&app, &payment, "relay@example.com").await;
    app.advance(HOUR).await;
    let path = format!("/v1/integrations/{}", linked["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.expect(200)["stopped_code"], "email_relay_denied");
}

#[tokio::test]
async fn a_silence_after_the_letter_repeats_a_link_with_the_same_id() {
    let server = MailServer::start("starttls");
    let app = server.trusted().await;
    server.connect(&app, json!({})).await;
    let payment = app.create(json!({})).await;
    send(&app, &payment, "cut@example.com").await;
    app.advance(SECOND).await;
    app.advance(9 * 60 * SECOND).await;
    assert_eq!(server.count(), 1, "a slow server is given time");
    for _ in 0..40 {
        app.advance(HOUR / 2).await;
    }
    assert_eq!(server.count(), 3, "harmless three times, not all day long");
    let list = sendings(&app, &payment).await;
    assert_eq!(list[0]["status"], "unknown", "{list:?}");
    let id = |number| server.letter(number)["headers"]["Message-ID"].clone();
    assert_eq!(id(1), id(2));
    let one = fs::read(server.path(1, "eml")).unwrap();
    assert_eq!(one, fs::read(server.path(2, "eml")).unwrap(), "the same bytes");
    let story = format!("/v1/payments/{}/timeline", payment["id"].as_str().unwrap());
    let story = app.get(&story).await.expect(200).to_string();
    assert!(story.contains("Kopeck told email (link); no answer"), "{story}");
    assert!(!story.contains("cut@example.com") && !story.contains("battery"), "{story}");
}

#[tokio::test]
async fn what_is_wrong_with_the_account_is_named_by_the_test() {
    let server = MailServer::start("starttls");
    let app = server.trusted().await;
    let plain = MailServer::start("none");
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent = silent.local_addr().unwrap().port().to_string();
    for (settings, code) in [
        (json!({}), None),
        (json!({ "password": "wrong" }), Some("email_password_refused")),
        (json!({ "port": plain.port.to_string() }), Some("email_no_tls")),
        (json!({ "tls": "none" }), Some("email_password_in_clear")),
        (json!({ "port": silent }), Some("integration_unanswered")),
        (json!({ "port": "9" }), Some("integration_unanswered")),
        (json!({ "host": "10.0.0.1" }), Some("integration_unanswered")),
    ] {
        let linked = server.connect(&app, settings.clone()).await;
        let path = format!("/v1/integrations/{}/test", linked["id"].as_str().unwrap());
        let tested = app.post(&path, json!({})).await.expect(200);
        assert_eq!(tested["code"], json!(code), "{settings}: {tested}");
        assert_eq!(tested["ok"], code.is_none(), "{tested}");
        assert!(!tested.to_string().contains("battery"), "{tested}");
    }
    assert_eq!((server.count(), plain.count()), (0, 0), "a test shows nobody anything");
    let stranger = TestApp::new().await.trusting(None);
    let linked = server.connect(&stranger, json!({})).await;
    let path = format!("/v1/integrations/{}/test", linked["id"].as_str().unwrap());
    let tested = stranger.post(&path, json!({})).await.expect(200);
    assert_eq!(tested["code"], "email_certificate", "{tested}");
    for mode in ["tls", "starttls"] {
        let other = MailServer::start(mode);
        let linked = other.connect(&app, json!({})).await;
        let path = format!("/v1/integrations/{}/test", linked["id"].as_str().unwrap());
        let tested = app.post(&path, json!({})).await.expect(200);
        assert_eq!(tested["code"], "email_certificate", "{mode}: {tested}");
    }
}

/// The moment decides: before the letter nothing has happened, after it everything may have.
#[tokio::test]
async fn a_hang_before_the_letter_is_not_sent_and_one_after_it_is_lost() {
    let server = MailServer::start("starttls");
    let settings = NetSettings {
        policy: AddressPolicy::AllowLoopback,
        extra_ca_file: Some(server.folder.join("ca.pem")),
        connect_timeout_ms: 2_000,
        timeout_ms: 1_000,
    };
    let courier: Arc<dyn kopeck::kit::net::Wire> = Arc::new(NetWire::courier(&settings).unwrap());
    let values: std::collections::BTreeMap<String, String> =
        serde_json::from_value(server.settings()).unwrap();
    let mut settings = kopeck_integrations::Settings::new(values);
    let message = |to: &str| Message {
        id: "msg_019a7a3e5c7d7e0f8a1b2c3d4e5f6071".to_owned(),
        kind: Kind::Test,
        audience: Audience::Shop,
        lang: kopeck_integrations::Lang::Ru,
        to: Some(to.to_owned()),
        shop: "Школа".to_owned(),
        written_ms: 0,
        unsubscribe_url: None,
        payment: None,
    };
    let write = |settings: &_, to| Email.request(settings, &message(to), &Progress::start());
    let after = courier.send(write(&settings, "hang@example.com").unwrap()).await;
    assert!(matches!(after, Err(Silence::Lost(_))), "{after:?}");
    assert_eq!(server.count(), 1, "it came all the same");
    // Three answers' time: a server that looks for viruses first is waited for.
    let slow = courier.send(write(&settings, "slow@example.com").unwrap()).await;
    assert!(slow.as_ref().is_ok_and(|reply| reply.status == 250), "{slow:?}");
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    settings.set("port", silent.local_addr().unwrap().port().to_string());
    let before = courier.send(write(&settings, "anna@example.com").unwrap()).await;
    assert!(matches!(before, Err(Silence::NotSent(_))), "{before:?}");
    // Only couriers hand in letters: a bank's wire must never.
    let bank = NetWire::new(&NetSettings {
        policy: AddressPolicy::AllowLoopback,
        extra_ca_file: None,
        connect_timeout_ms: 500,
        timeout_ms: Duration::from_secs(1).as_millis().try_into().unwrap(),
    });
    let wire: Arc<dyn kopeck::kit::net::Wire> = Arc::new(bank.unwrap());
    let refused = wire.send(write(&settings, "anna@example.com").unwrap()).await;
    assert!(matches!(refused, Err(Silence::NotSent(_))), "{refused:?}");
}
