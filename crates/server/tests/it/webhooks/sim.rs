//! A simulation: receivers that fail, hang, disappear and process without answering; two processes
//! that crash at any await. Whatever happens, each event reaches each webhook that wants it, and in
//! its order where that was asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use kopeck::{
    events::{EventFilter, EventKind, NewEvent, StoredEvent, insert_event, list_events},
    ids::Mint,
    kit::{
        Ctx,
        clock::{Clock as _, ManualClock},
        db::{Db, DbError},
        net::{BoxFuture, Wire},
        secret::Vault,
    },
    runner::{claim_due, run_and_finish},
    shops::flow::default_shop,
    webhooks::{
        flow::{self, Changes, NewWebhook},
        model::{Kinds, Payload, Webhook},
        replay::{Wanted, replay},
        store,
    },
};
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
};

use crate::{harness::app::START_MS, sim::chance::Chance};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    Refusing(u16),
    /// 429 with this many seconds.
    Busy(i64),
    Hanging,
    /// Nobody listens.
    Away,
    /// Processes, and the answer is lost.
    Forgetful,
}

struct Receiver {
    mood: Mood,
    /// What it processed, in order.
    seen: Vec<String>,
}

#[derive(Clone)]
struct Network(Arc<Mutex<Inner>>);

struct Inner {
    clock: Arc<ManualClock>,
    chance: Chance,
    receivers: BTreeMap<String, Receiver>,
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Wire for Network {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        let mut inner = self.lock();
        let now_ms = inner.clock.now_ms();
        let quick = now_ms + inner.chance.between(1, 900);
        let id = request.find_header("webhook-id").unwrap().to_owned();
        let receiver = inner.receivers.get_mut(&request.url).expect("a receiver");
        let reply = |status, headers| Ok(HttpReply { status, headers, body: Vec::new() });
        let (at_ms, heard, takes) = match receiver.mood {
            Mood::Fine => (quick, reply(200, Vec::new()), true),
            Mood::Refusing(status) => (quick, reply(status, Vec::new()), false),
            Mood::Busy(seconds) => {
                let header = ("retry-after".to_owned(), seconds.to_string());
                (quick, reply(429, vec![header]), false)
            }
            Mood::Hanging => (now_ms + 20_000, Err(Silence::Lost("no answer".into())), false),
            Mood::Away => (now_ms, Err(Silence::NotSent("refused".into())), false),
            Mood::Forgetful => (quick, Err(Silence::Lost("cut".into())), true),
        };
        if takes {
            receiver.seen.push(id);
        }
        let (clock, mut heard) = (inner.clock.clone(), Some(heard));
        Box::pin(std::future::poll_fn(move |_| {
            if clock.now_ms() < at_ms { Poll::Pending } else { Poll::Ready(heard.take().unwrap()) }
        }))
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the database in memory never waits"),
    }
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct World {
    ctx: Ctx,
    clock: Arc<ManualClock>,
    chance: Chance,
    network: Network,
    shop_id: String,
    webhooks: Vec<String>,
    /// Running jobs, by process.
    tasks: Vec<(usize, Work)>,
    payments: Vec<(String, usize)>,
    stats: BTreeMap<&'static str, u64>,
}

impl World {
    fn new(seed: u64) -> World {
        let clock = ManualClock::new(START_MS);
        let inner =
            Inner { clock: clock.clone(), chance: Chance::new(!seed), receivers: BTreeMap::new() };
        let network = Network(Arc::new(Mutex::new(inner)));
        let db = Db::memory().unwrap();
        db.migrate().unwrap();
        let ctx = Ctx {
            db,
            clock: clock.clone(),
            mint: Arc::new(Mint::seeded(clock.clone(), seed)),
            wire: Arc::new(network.clone()),
            courier: Arc::new(network.clone()),
            vault: Arc::new(Vault::from_key_text(&"5a".repeat(32)).unwrap()),
            public_url: "https://pay.example.ru".into(),
            zone: "Europe/Moscow".into(),
        };
        let shop_id = now(default_shop(&ctx, "Sim")).unwrap().id;
        World {
            ctx,
            clock,
            chance: Chance::new(seed),
            network,
            shop_id,
            webhooks: Vec::new(),
            tasks: Vec::new(),
            payments: Vec::new(),
            stats: BTreeMap::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.stats.entry(what).or_default() += 1;
    }

    fn add_webhook(&mut self) {
        let url = format!("https://receiver-{}.example.ru/hook", self.webhooks.len());
        let kinds = self.chance.weighted(&[(6, "*"), (3, "payment.*"), (2, "payment.paid")]);
        let new = NewWebhook {
            url: url.clone(),
            description: None,
            kinds: Kinds(vec![kinds.to_owned()]),
            payload: if self.chance.percent(50) { Payload::Full } else { Payload::Thin },
            is_ordered: self.chance.percent(50),
            header: None,
        };
        let (webhook, _) = now(flow::create(&self.ctx, &self.shop_id, new, None)).unwrap();
        self.network.lock().receivers.insert(url, Receiver { mood: Mood::Fine, seen: Vec::new() });
        self.webhooks.push(webhook.id);
    }

    /// The next thing happens to a payment.
    fn add_event(&mut self) {
        if self.payments.is_empty() || self.chance.percent(30) {
            self.payments.push((self.ctx.mint.id("pay"), 0));
        }
        let at = self.chance.below(self.payments.len());
        let (payment_id, next) = &mut self.payments[at];
        let Some(kind) = EventKind::ALL.get(*next).copied() else { return };
        *next += 1;
        let (ctx, shop_id, payment_id) =
            (self.ctx.clone(), self.shop_id.clone(), payment_id.clone());
        let done: Result<bool, DbError> = now(self.ctx.db.write(move |tx| {
            let event = NewEvent {
                id: ctx.mint.id("ev"),
                shop_id: &shop_id,
                subject_id: &payment_id,
                kind,
                about: None,
                at_ms: ctx.now_ms(),
                body: "{}",
            };
            insert_event(tx, &event)
        }));
        assert!(done.unwrap());
        self.count("events");
    }

    fn change_mood(&mut self) {
        let mood = self.chance.weighted(&[
            (8, Mood::Fine),
            (3, Mood::Refusing(500)),
            (2, Mood::Refusing(301)),
            (1, Mood::Refusing(410)),
            (2, Mood::Busy(300)),
            (3, Mood::Hanging),
            (3, Mood::Away),
            (3, Mood::Forgetful),
        ]);
        let at = self.chance.below(self.webhooks.len());
        let mut inner = self.network.lock();
        inner.receivers.values_mut().nth(at).unwrap().mood = mood;
    }

    fn claim(&mut self, process: usize) {
        let limit = self.chance.between(1, 8);
        for job in now(claim_due(&self.ctx, limit)).unwrap() {
            let ctx = self.ctx.clone();
            let work: Work = Box::pin(async move {
                run_and_finish(&ctx, job).await.unwrap();
            });
            self.tasks.push((process, work));
            self.count("runs");
        }
    }

    /// A process may be slow: then its tasks are not polled.
    fn poll(&mut self, process: usize) {
        let mut cx = Context::from_waker(Waker::noop());
        self.tasks.retain_mut(|(owner, work)| {
            *owner != process || work.as_mut().poll(&mut cx).is_pending()
        });
    }

    fn step(&mut self) {
        match self.chance.below(100) {
            0..25 => self.add_event(),
            25..45 => {
                let process = self.chance.below(2);
                self.claim(process);
            }
            45..80 => {
                let ms = self.chance.weighted(&[
                    (10, 100),
                    (10, 1_500),
                    (5, 30_000),
                    (3, 5 * MINUTE),
                    (1, 3 * HOUR),
                ]);
                self.clock.advance_ms(ms);
                let process = self.chance.below(2);
                self.poll(process);
            }
            80..93 => self.change_mood(),
            93..97 => {
                // Dropped between two awaits, as a kill does it.
                let process = self.chance.below(2);
                let before = self.tasks.len();
                self.tasks.retain(|(owner, _)| *owner != process);
                if self.tasks.len() < before {
                    self.count("crashes");
                }
            }
            97..98 if self.webhooks.len() < 8 => self.add_webhook(),
            _ => {
                let at = self.chance.below(self.webhooks.len());
                let is_enabled = Some(self.chance.percent(70));
                let changes = Changes { is_enabled, ..Default::default() };
                now(flow::edit(&self.ctx, &self.shop_id, &self.webhooks[at], changes)).unwrap();
            }
        }
    }

    /// Everything is well again and has time.
    fn heal(&mut self) {
        for receiver in self.network.lock().receivers.values_mut() {
            receiver.mood = Mood::Fine;
        }
        for id in self.webhooks.clone() {
            let changes = Changes { is_enabled: Some(true), ..Default::default() };
            now(flow::edit(&self.ctx, &self.shop_id, &id, changes)).unwrap();
            now(replay(&self.ctx, &self.shop_id, &id, Wanted::Failed)).unwrap();
        }
        for _ in 0..300 {
            self.claim(0);
            self.clock.advance_ms(1_000);
            self.poll(0);
            self.poll(1);
        }
        for _ in 0..150 {
            self.claim(0);
            self.clock.advance_ms(15 * MINUTE);
            self.poll(0);
            self.poll(1);
        }
    }

    fn events(&self) -> Vec<StoredEvent> {
        let shop_id = self.shop_id.clone();
        let filter = EventFilter::default();
        let found: Result<_, DbError> =
            now(self.ctx.db.read(move |tx| list_events(tx, &shop_id, &filter, 100_000)));
        found.unwrap()
    }

    fn webhook(&self, id: &str) -> Webhook {
        let id = id.to_owned();
        let found: Result<_, DbError> =
            now(self.ctx.db.read(move |tx| store::find_any_webhook(tx, &id)));
        found.unwrap().unwrap()
    }

    /// What is wrong.
    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let events = self.events();
        let by_id: BTreeMap<&str, &StoredEvent> =
            events.iter().map(|event| (event.id.as_str(), event)).collect();
        let inner = self.network.lock();
        for id in &self.webhooks {
            let webhook = self.webhook(id);
            let seen = &inner.receivers[&webhook.url].seen;
            let all: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
            // Of those of the same moment nobody knows which was first.
            let wanted = events.iter().filter(|event| {
                event.at_ms > webhook.created_ms && webhook.kinds.want(&event.kind)
            });
            for event in wanted {
                if !all.contains(event.id.as_str()) {
                    findings.push(format!("{id} never heard of {} №{}", event.kind, event.seq));
                }
            }
            if let Some(event) = all.iter().find(|id| !webhook.kinds.want(&by_id[**id].kind)) {
                findings.push(format!("{id} heard of {event}, which it did not ask for"));
            }
            let (mut first, mut last) = (BTreeSet::new(), BTreeMap::new());
            for event in seen.iter().map(|id| by_id[id.as_str()]) {
                if !webhook.is_ordered || !first.insert(&event.id) {
                    continue;
                }
                let before = last.insert(&event.subject_id, event.seq).unwrap_or(0);
                if before > event.seq {
                    findings.push(format!("{id} heard of №{} after №{before}", event.seq));
                }
            }
        }
        let left: Result<i64, DbError> = now(self.ctx.db.read(|tx| {
            let sql = "select count(*) from deliveries where state <> 'delivered'";
            tx.find(sql, &[])?.unwrap().int(0)
        }));
        if left.unwrap() > 0 {
            findings.push("some deliveries did not end".to_owned());
        }
        findings
    }
}

fn live(seed: u64, steps: usize) -> World {
    let mut world = World::new(seed);
    for _ in 0..1 + world.chance.below(4) {
        world.add_webhook();
    }
    for _ in 0..steps {
        world.step();
    }
    world
}

#[test]
fn every_event_reaches_every_webhook_whatever_dies() {
    let mut stats: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..100 {
        let mut world = live(seed, 400);
        world.heal();
        let findings = world.findings();
        assert!(findings.is_empty(), "seed {seed}:\n  {}\n", findings.join("\n  "));
        let seen: usize = world.network.lock().receivers.values().map(|it| it.seen.len()).sum();
        *stats.entry("processed").or_default() += u64::try_from(seen).unwrap();
        for (what, count) in &world.stats {
            *stats.entry(what).or_default() += count;
        }
    }
    // The world has to be rich, or it proves nothing.
    assert!(stats["crashes"] > 500 && stats["processed"] > stats["events"], "{stats:?}");
}

#[test]
fn a_delivery_that_is_lost_is_noticed() {
    let caught = (0..20).filter(|seed| {
        let mut world = live(*seed, 200);
        let lost: Result<u64, DbError> = now(world.ctx.db.write(|tx| {
            tx.execute("update deliveries set state = 'delivered' where state = 'pending'", &[])
        }));
        world.heal();
        lost.unwrap() > 0 && !world.findings().is_empty()
    });
    assert!(caught.count() > 5);
}
