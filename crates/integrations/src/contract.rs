//! What every integration must do against its own stand-in: the same scenarios for each. A new one
//! passes them by one call of [`run`] with its [`Setup`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use kopeck_banks::{
    Money,
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
};

use crate::{
    exchange::{self, Fate},
    integration::{Duplicate, Integration, Progress, Reading, Settings},
    journal,
    message::{Audience, Kind, Lang, Message, Payment},
    problem::Scope,
    stand_in::{Fault, StandIn},
};

pub const LINK: &str = "https://pay.example.ru/p/AbC123";
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\x01\x02\xff the rest of a picture";

/// An integration on the bench. Each scenario gets a fresh stand-in.
pub struct Setup {
    pub integration: &'static dyn Integration,
    pub stand_in: fn() -> Box<dyn StandIn>,
    pub audience: Audience,
    /// Somebody who reads.
    pub address: &'static str,
    /// A well-formed address that the service refuses, and the code for it.
    pub refused: &'static [(&'static str, &'static str)],
    /// What is no address at all.
    pub no_address: &'static [&'static str],
    /// A setting, a wrong value of it, and the code for it.
    pub wrong: &'static [(&'static str, &'static str, &'static str)],
    /// Whether people see [`Kind::Link`], and with it the link.
    pub shows_links: bool,
    /// More messages in one moment than the service takes.
    pub flood: usize,
}

pub struct Bench<'a> {
    pub setup: &'a Setup,
    pub service: Box<dyn StandIn>,
    pub settings: Settings,
    pub now_ms: u64,
    pub requests: Vec<HttpRequest>,
}

pub fn payment() -> Payment {
    Payment {
        id: "pay_019a7a3e5c7d7e0f8a1b2c3d4e5f6071".to_owned(),
        order: Some("A-17".to_owned()),
        amount: Money::parse_rubles("1500").unwrap(),
        purpose: "Курс «Основы <HTML> & \"кавычки\"»".to_owned(),
        pay_url: Some(LINK.to_owned()),
        until: Some("30.11.2026 14:05".to_owned()),
        at: Some("2026-11-21T13:00:00+03:00".to_owned()),
        ..Payment::default()
    }
}

pub fn message(kind: Kind, audience: Audience, to: &str) -> Message {
    Message {
        id: format!("dlv_019a7a3e5c7d7e0f8a1b2c3d4e5f{:04x}", kind as u8),
        kind,
        audience,
        lang: Lang::Ru,
        to: Some(to.to_owned()),
        shop: "Школа «Вектор»".to_owned(),
        written_ms: 1_795_255_200_000,
        unsubscribe_url: None,
        payment: Some(payment()),
    }
}

impl<'a> Bench<'a> {
    pub fn new(setup: &'a Setup) -> Bench<'a> {
        let service = (setup.stand_in)();
        let settings = service.settings("https://stand-in.test");
        Bench { setup, service, settings, now_ms: 1_795_255_200_000, requests: Vec::new() }
    }

    pub fn carry(&mut self, request: &HttpRequest) -> Heard {
        self.requests.push(request.clone());
        let reply = self.service.serve(self.now_ms, request);
        reply.ok_or_else(|| Silence::Lost("timed out".to_owned()))
    }

    pub fn message(&self, kind: Kind) -> Message {
        message(kind, self.setup.audience, self.setup.address)
    }

    /// One message to its end; requests keep the distance that the limits ask for.
    pub fn send(&mut self, message: &Message) -> Fate {
        let (integration, settings) = (self.setup.integration, self.settings.clone());
        exchange::run(integration, &settings, message, |request| {
            let heard = self.carry(&request);
            let limits = integration.limits();
            self.now_ms += limits.gap_ms.max(limits.address_gap_ms);
            heard
        })
    }

    #[track_caller]
    pub fn delivered(&mut self, message: &Message) {
        let fate = self.send(message);
        assert!(matches!(fate, Fate::Delivered { .. }), "{:?}: {fate:?}", message.kind);
    }

    /// The code of a delivery that ended for good.
    #[track_caller]
    pub fn broken(&mut self, message: &Message) -> (&'static str, Scope) {
        let fate = self.send(message);
        let Fate::Broken(broken) = fate else { panic!("{:?}: {fate:?}", message.kind) };
        assert!(self.setup.integration.problems().contains(&broken.problem), "{broken:?}");
        (broken.code(), broken.scope())
    }

    fn wanted(&self) -> impl Iterator<Item = Kind> {
        let (integration, audience) = (self.setup.integration, self.setup.audience);
        Kind::ALL.into_iter().filter(move |kind| integration.wants(*kind, audience))
    }
}

type Scenario = (&'static str, fn(&mut Bench<'_>));

const SCENARIOS: &[Scenario] = &[
    ("every kind that it wants is delivered", every_kind),
    ("a link arrives once, whole", link_arrives),
    ("a test without an address asks for the account and shows nobody anything", trial),
    ("wrong settings end the whole integration, with a code", wrong_settings),
    ("an address that is none is refused before anything leaves", no_address),
    ("an address that the service refuses ends alone", refused_address),
    ("a flood is told to wait, and what waits passes later", flood),
    ("at the pace of its limits nothing is told to wait", pace),
    ("a gateway's error never counts as delivered or refused", gateways),
    ("a lost reply is repeated only where nobody minds", lost_reply),
    ("a connection that was never made is simply tried again", not_sent),
    ("the longest texts are cut, and the link is not", long_texts),
    ("the same message gives the same bytes", same_bytes),
    ("the journal shows no secret and no address", discretion),
    ("any reply is read without harm", any_reply),
];

/// Runs them all; the message names those that failed.
pub fn run(setup: &Setup) {
    let mut failed = Vec::new();
    for (name, scenario) in SCENARIOS {
        let run = catch_unwind(AssertUnwindSafe(|| scenario(&mut Bench::new(setup))));
        if run.is_err() {
            failed.push(*name);
        }
    }
    let name = setup.integration.name();
    assert!(failed.is_empty(), "{name} failed:\n  {}", failed.join("\n  "));
}

fn every_kind(bench: &mut Bench<'_>) {
    for kind in bench.wanted().collect::<Vec<_>>() {
        for lang in [Lang::Ru, Lang::En] {
            let message = Message { lang, ..bench.message(kind) };
            bench.delivered(&message);
        }
    }
}

fn link_arrives(bench: &mut Bench<'_>) {
    if !bench.setup.shows_links {
        return;
    }
    let mut message = bench.message(Kind::Link);
    bench.delivered(&message);
    message.id.push('2');
    message.payment = Some(Payment { qr_png: Some(PNG.to_vec()), ..payment() });
    bench.delivered(&message);
    let arrived = &bench.service.shell().arrived;
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    for one in arrived {
        let has_link = one.link.as_deref() == Some(LINK) || one.text.contains(LINK);
        assert!(has_link, "{one:?}");
        assert!(
            one.text.replace('\u{a0}', " ").contains("1500") || one.text.contains("1\u{a0}500")
        );
    }
}

fn trial(bench: &mut Bench<'_>) {
    let message = Message { to: None, payment: None, ..bench.message(Kind::Test) };
    bench.delivered(&message);
    assert!(bench.service.shell().arrived.is_empty());
}

fn wrong_settings(bench: &mut Bench<'_>) {
    let good = bench.settings.clone();
    for (name, value, code) in bench.setup.wrong {
        bench.settings = good.clone();
        bench.settings.set(name, *value);
        for to in [None, Some(bench.setup.address.to_owned())] {
            let message = Message { to, ..bench.message(Kind::Test) };
            let got = bench.broken(&message);
            assert_eq!(got, (*code, Scope::Account), "{name}={value}");
        }
    }
    assert!(bench.service.shell().arrived.is_empty());
}

fn no_address(bench: &mut Bench<'_>) {
    let integration = bench.setup.integration;
    for text in bench.setup.no_address {
        let broken = integration.address(text).expect_err(text);
        assert!(integration.problems().contains(&broken.problem), "{broken:?}");
        assert!(!broken.detail.contains(text) || text.is_empty(), "an address is quoted");
    }
    let stored = integration.address(bench.setup.address).expect("the good address");
    assert_eq!(integration.address(&stored), Ok(stored.clone()), "stored as it is read");
}

fn refused_address(bench: &mut Bench<'_>) {
    for (address, code) in bench.setup.refused {
        let message = Message { to: Some((*address).to_owned()), ..bench.message(Kind::Test) };
        let got = bench.broken(&message);
        assert_eq!(got, (*code, Scope::Address), "{address}");
    }
    let message = bench.message(Kind::Test);
    bench.delivered(&message);
}

fn flood(bench: &mut Bench<'_>) {
    let integration = bench.setup.integration;
    let settings = bench.settings.clone();
    let mut waits = Vec::new();
    for number in 0..bench.setup.flood {
        let message = Message { id: format!("flood{number}"), ..bench.message(Kind::Test) };
        let fate = exchange::run(integration, &settings, &message, |request| bench.carry(&request));
        match fate {
            Fate::Retry { after_ms, .. } => waits.push(after_ms),
            Fate::Delivered { .. } => {}
            other @ (Fate::More(_)
            | Fate::Unknown { .. }
            | Fate::Moved { .. }
            | Fate::Renew
            | Fate::Broken(_)) => panic!("{other:?}"),
        }
    }
    assert!(!waits.is_empty(), "the flood was let through");
    let longest = waits.into_iter().flatten().max().unwrap_or(60_000);
    bench.now_ms += longest.max(1_000);
    let message = Message { id: "after".to_owned(), ..bench.message(Kind::Test) };
    bench.delivered(&message);
}

fn pace(bench: &mut Bench<'_>) {
    for number in 0..50 {
        let message = Message { id: format!("pace{number}"), ..bench.message(Kind::Test) };
        bench.delivered(&message);
    }
}

fn gateways(bench: &mut Bench<'_>) {
    for fault in [Fault::Status(500), Fault::Status(502), Fault::Status(504), Fault::Garbage] {
        for kind in bench.wanted().collect::<Vec<_>>() {
            bench.service.shell().fail(fault, 1);
            let message = bench.message(kind);
            let settings = bench.settings.clone();
            let integration = bench.setup.integration;
            let request = integration.request(&settings, &message, &Progress::start());
            let request = request.expect("a request");
            let heard = bench.carry(&request).expect("a gateway answers");
            let reading = integration.read(&settings, &message, &Progress::start(), &heard);
            let is_open = matches!(reading, Reading::Unclear { .. } | Reading::Retry { .. });
            assert!(is_open, "{fault:?} {kind:?}: {reading:?}");
        }
    }
}

fn lost_reply(bench: &mut Bench<'_>) {
    for kind in bench.wanted().collect::<Vec<_>>() {
        for fault in [Fault::ReplyLost, Fault::Hang] {
            let message = bench.message(kind);
            bench.service.shell().fail(fault, 1);
            bench.now_ms += 60_000;
            let fate = bench.send(&message);
            let duplicate = bench.setup.integration.duplicate(&message, &Progress::start());
            match duplicate {
                Duplicate::Harmless(_) | Duplicate::Known { .. } => {
                    assert!(matches!(fate, Fate::Retry { .. }), "{kind:?}: {fate:?}");
                    let before = bench.service.shell().arrived.len();
                    bench.delivered(&message);
                    let after = bench.service.shell().arrived.len();
                    let is_known = matches!(duplicate, Duplicate::Known { .. });
                    if is_known && fault == Fault::ReplyLost {
                        assert_eq!(after, before, "{kind:?} was sent twice");
                    }
                }
                Duplicate::Findable(_) => {
                    assert!(matches!(fate, Fate::Delivered { .. }), "{kind:?}: {fate:?}");
                }
                Duplicate::Harmful(_) => {
                    assert!(matches!(fate, Fate::Unknown { .. }), "{kind:?}: {fate:?}");
                }
            }
        }
    }
}

fn not_sent(bench: &mut Bench<'_>) {
    let message = bench.message(Kind::Test);
    let no_route = |_| Err(Silence::NotSent("no route".to_owned()));
    let fate = exchange::run(bench.setup.integration, &bench.settings, &message, no_route);
    assert!(matches!(fate, Fate::Retry { .. }), "{fate:?}");
}

fn long_texts(bench: &mut Bench<'_>) {
    for kind in bench.wanted().collect::<Vec<_>>() {
        for qr_png in [None, Some(PNG.to_vec())] {
            let message = Message {
                shop: "Ы & <b>".repeat(300),
                payment: Some(Payment { purpose: "Ж«&>".repeat(5_000), qr_png, ..payment() }),
                ..bench.message(kind)
            };
            bench.delivered(&message);
        }
    }
    if bench.setup.shows_links {
        let arrived = &bench.service.shell().arrived;
        let with_link = |one: &&crate::stand_in::Arrived| {
            one.link.as_deref() == Some(LINK) || one.text.contains(LINK)
        };
        assert!(arrived.iter().filter(with_link).count() >= 2, "the link was cut");
    }
}

fn same_bytes(bench: &mut Bench<'_>) {
    let integration = bench.setup.integration;
    for kind in bench.wanted().collect::<Vec<_>>() {
        let message = bench.message(kind);
        let write = || integration.request(&bench.settings, &message, &Progress::start());
        assert_eq!(write(), write());
    }
}

fn discretion(bench: &mut Bench<'_>) {
    let message = bench.message(Kind::Link);
    bench.send(&message);
    let trial = Message { to: None, ..bench.message(Kind::Test) };
    bench.send(&trial);
    let integration = bench.setup.integration;
    let to = message.to.as_deref();
    for request in &bench.requests {
        let text = journal::describe_request(integration, &bench.settings, to, request);
        for setting in integration.settings().iter().filter(|setting| setting.is_secret) {
            let secret = bench.settings.get(setting.name);
            assert!(secret.is_empty() || !text.contains(secret), "{}: {text}", setting.name);
        }
        let address = bench.setup.address;
        assert!(address.len() < 5 || !text.contains(address), "{text}");
    }
    let shown = format!("{:?}", bench.settings);
    for setting in integration.settings().iter().filter(|setting| setting.is_secret) {
        if let Some(secret) = bench.settings.find(setting.name) {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

fn any_reply(bench: &mut Bench<'_>) {
    let bodies = [
        "",
        "null",
        "[]",
        "{}",
        "true",
        "\"\"",
        "0",
        "{\"ok\":",
        "<html>",
        "{\"result\":[]}",
        "{\"ok\":true}",
        "{\"error\":\"\",\"error_description\":\"x\"}",
        "{\"status\":[]}",
        "{\"status\":\"OK\",\"sms\":{}}",
        "{\"message\":{}}",
        "{\"code\":7}",
        "\u{feff}{}",
        // Good answers, under statuses that no service gives them.
        "{\"ok\":true,\"result\":{\"message_id\":1}}",
        "{\"status\":\"success\"}",
        "{\"message\":{\"body\":{\"mid\":\"1\"}}}",
        "{\"messageId\":\"1\"}",
        "{\"idMessage\":\"1\"}",
        "{\"status_code\":100,\"sms\":{\"79001234567\":{\"status_code\":100}}}",
        "{\"result\":{\"item\":{\"id\":1}}}",
    ];
    let integration = bench.setup.integration;
    let message = bench.message(Kind::Link);
    for status in [100, 199, 200, 201, 204, 301, 400, 401, 403, 404, 418, 429, 466, 503, 599] {
        for body in bodies {
            let reply = HttpReply::new(status, "application/json", body);
            let progress = Progress::start();
            let reading = integration.read(&bench.settings, &message, &progress, &reply);
            if status >= 300 {
                let is_done = matches!(reading, Reading::Delivered { .. } | Reading::More(_));
                assert!(!is_done, "{status} {body}: {reading:?}");
            }
        }
    }
}
