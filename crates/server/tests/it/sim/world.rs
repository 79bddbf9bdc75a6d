//! The world of one seed: shops, banks, payers, two processes of Kopeck over one database, and a
//! clock that moves when told.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::{encoding::AsDer as _, rsa::KeyPair, rsa::KeySize};
use jiff::Timestamp;
use kopeck::{
    ids::Mint,
    kit::{
        Ctx,
        clock::{Clock as _, ManualClock},
        db::{Db, DbError, Tx},
        secret::Vault,
    },
    payments::notices::RefusedCount,
    reconcile, shops,
    shops::model::Connection,
};
use kopeck_banks::{
    Credentials,
    bank::find_bank,
    emulator::{Emulator, Served},
    exchange::{self, Silence},
    http::HttpRequest,
    op::{Answer, BankOp, Outcome, PayMethod},
    tbank::emulator::{self as tbank, TbankEmulator, directory},
    tochka::{
        emulator::{Timing, TochkaEmulator},
        sign::SigningKey,
    },
};

use super::{chance::Chance, checks::Books, codes, tasks, tasks::Tasks, truth, wire::SimWire};

/// 2026-11-02 09:00 UTC.
const START_MS: i64 = 1_793_610_000_000;
pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A bug put into the world, to see that it is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    Nothing,
    /// The wire sends a refund again when its answer is lost, as careless HTTP clients do.
    RefundRetried,
    /// Events are thrown away after they were announced.
    EventDeleted,
}

pub struct Process {
    pub ctx: Ctx,
    pub refused: Arc<RefusedCount>,
}

/// Which banks the shops of a world have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    Tochka,
    Tbank,
    Both,
    /// Tochka with a point in SBP: payments by SBP are codes.
    Codes,
    /// One shop with both, its links routed.
    Routed,
    /// T-Bank, where payers save their accounts by paying and shops charge them.
    Saved,
    /// T-Bank's terminal with a cash register: every payment has a receipt.
    Receipts,
}

pub struct Bank {
    pub emulator: Box<dyn Emulator>,
    pub connection: Connection,
    pub truth: Vec<truth::Operation>,
    /// The truth has to be read again.
    pub is_changed: bool,
}

/// A payment that a shop made.
#[derive(Clone)]
pub struct Order {
    pub bank: usize,
    pub payment_id: String,
    pub reference: String,
    pub amount: i64,
    pub methods: Vec<PayMethod>,
    /// Where a reference may have several payments, the payer knows only ours.
    pub bank_id: Option<String>,
}

/// A notice that a bank has given out, on its way to us.
pub struct Mail {
    pub bank: usize,
    pub delivery: u64,
    pub body: Vec<u8>,
}

/// What was answered to a notice: bank, delivery, status.
pub type Answers = Rc<RefCell<Vec<(usize, u64, u16)>>>;

pub struct World {
    pub seed: u64,
    pub planted: Planted,
    pub is_traced: bool,
    pub chance: Chance,
    pub clock: Arc<ManualClock>,
    pub wire: SimWire,
    pub tasks: Tasks,
    /// Tasks that could go on, in a process that the machine does not let run.
    pub stalled: Vec<u64>,
    pub processes: Vec<Process>,
    starts: u64,
    pub banks: Vec<Bank>,
    pub orders: Vec<Order>,
    /// Whether payers save their accounts.
    pub saves: bool,
    /// How often the bank heard of a charge, by its number of the payment.
    pub charges: BTreeMap<String, usize>,
    /// Refunds made in a bank's cabinet, by reference and amount.
    pub cabinet: BTreeMap<(String, i64), usize>,
    pub mail: Vec<Mail>,
    pub answers: Answers,
    pub books: Books,
    pub has_receipts: bool,
    /// No notice is heard any more.
    pub is_deaf: bool,
    /// How often each thing happened, to see that the world is rich.
    pub stats: BTreeMap<&'static str, u64>,
}

/// Making an RSA key takes longer than a whole seed.
fn signing_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        key.as_der().unwrap().as_ref().to_vec()
    })
}

/// A notice that the bank signed, about a payment to somebody else.
pub fn sign_foreign(order: &Order) -> Vec<u8> {
    let (rubles, cents) = (order.amount / 100, order.amount % 100);
    let notice = serde_json::json!({
        "webhookType": "acquiringInternetPayment",
        "customerCode": "300000666",
        "operationId": "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f",
        "paymentLinkId": order.reference,
        "amount": format!("{rubles}.{cents:02}"),
        "paymentType": "sbp",
        "status": "APPROVED",
    });
    let key = SigningKey::from_pkcs8(signing_key()).unwrap();
    key.sign(notice.to_string().as_bytes()).unwrap().into_bytes()
}

impl Bank {
    /// Whether payments by SBP are codes there.
    pub fn has_codes(&self) -> bool {
        self.connection.credentials.find("sbp_merchant_id").is_some()
    }

    pub fn is_tbank(&self) -> bool {
        self.connection.bank == "tbank"
    }
}

impl World {
    pub fn new(seed: u64, mix: Mix, planted: Planted, is_traced: bool) -> World {
        let db = Db::memory().unwrap();
        db.migrate().unwrap();
        let clock = ManualClock::new(START_MS);
        let wire = SimWire::default();
        wire.network().now_ms = START_MS;
        let key = "0f".repeat(32);
        let vault = Arc::new(Vault::from_key_text(&key).unwrap());
        let ctx = Ctx {
            db,
            mint: Arc::new(Mint::seeded(clock.clone(), seed)),
            clock: clock.clone(),
            wire: Arc::new(wire.clone()),
            courier: Arc::new(wire.clone()),
            vault,
            public_url: "https://pay.example.ru".into(),
            zone: "Europe/Moscow".into(),
        };
        let mut chance = Chance::new(seed);
        let count = if chance.percent(40) { 2 } else { 1 };
        let (count, first) = match mix {
            Mix::Tochka | Mix::Codes => (count, "tochka"),
            Mix::Tbank | Mix::Saved => (count, "tbank"),
            Mix::Receipts => (1, "tbank"),
            Mix::Both | Mix::Routed => (2, "tochka"),
        };
        let is_second = |at| matches!(mix, Mix::Both | Mix::Routed) && at == 1;
        let name = |at| if is_second(at) { "tbank" } else { first };
        let mut banks: Vec<Bank> = Vec::new();
        for at in 0..count {
            let shop = banks.first().filter(|_| mix == Mix::Routed);
            let shop_id = shop.map(|bank| bank.connection.shop_id.clone());
            let name = if mix == Mix::Receipts { "tbank with a register" } else { name(at) };
            let mut bank = open_bank(&ctx, &mut chance, (seed, at), name, shop_id);
            if mix == Mix::Codes {
                codes::open_point(&ctx, &mut bank);
            }
            banks.push(bank);
        }
        let process = |ctx: &Ctx| Process { ctx: ctx.clone(), refused: Arc::default() };
        let processes = vec![process(&ctx), process(&ctx)];
        World {
            seed,
            planted,
            is_traced,
            chance,
            clock,
            wire,
            tasks: Tasks::default(),
            stalled: Vec::new(),
            processes,
            starts: 0,
            banks,
            orders: Vec::new(),
            saves: mix == Mix::Saved,
            charges: BTreeMap::new(),
            cabinet: BTreeMap::new(),
            mail: Vec::new(),
            answers: Answers::default(),
            has_receipts: mix == Mix::Receipts,
            is_deaf: false,
            books: Books::default(),
            stats: BTreeMap::new(),
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap()
    }

    pub fn ctx(&self, process: usize) -> Ctx {
        self.processes[process].ctx.clone()
    }

    pub fn count(&mut self, what: &'static str) {
        *self.stats.entry(what).or_default() += 1;
    }

    pub fn say(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            let ms = self.now_ms() - START_MS;
            println!("{:>5} h {:>4} s  {}", ms / HOUR_MS, ms % HOUR_MS / SECOND_MS, what());
        }
    }

    /// Reads or writes the database as a shop's request would, at once.
    pub fn write<T: Send + 'static, E: From<DbError> + Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        tasks::now(self.processes[0].ctx.db.write(work))
    }

    /// A process dies and starts again: what it had in memory is gone, its chance is another.
    pub fn restart(&mut self, process: usize) {
        let lost = self.tasks.crash(process);
        self.starts += 1;
        let seed = self.seed ^ (self.starts << 32) ^ 0xA5A5;
        let own = &mut self.processes[process];
        own.ctx.mint = Arc::new(Mint::seeded(self.clock.clone(), seed));
        own.refused = Arc::default();
        self.say(|| format!("process {process} crashes, {lost} tasks lost"));
    }

    /// The bank whose host the request names.
    pub fn bank_of(&self, request: &HttpRequest) -> usize {
        let host = request.url.strip_prefix("https://bank").unwrap();
        host[..1].parse().unwrap()
    }
}

/// A shop with its account at a bank of its own, notices registered, the daily sweep set up.
fn open_bank(
    ctx: &Ctx,
    chance: &mut Chance,
    (seed, at): (u64, usize),
    name: &str,
    shop_id: Option<String>,
) -> Bank {
    let origin = format!("https://bank{at}.example.ru");
    let bank_seed = seed.wrapping_mul(2) + u64::try_from(at).unwrap();
    if name.starts_with("tbank") {
        let has_register = name != "tbank";
        return open_tbank(ctx, chance, &origin, (bank_seed, at), (shop_id, has_register));
    }
    let mut emulator = TochkaEmulator::new(&origin, signing_key(), bank_seed).unwrap();
    let refund_lock_ms =
        chance.weighted(&[(10, 0), (6, 20 * SECOND_MS), (3, 12 * HOUR_MS), (1, 3 * DAY_MS)]);
    let notice_delay_ms = *chance.pick(&[500, 7 * SECOND_MS]);
    emulator.set_timing(Timing { notice_delay_ms, refund_lock_ms, ..Timing::default() });
    // A sweep with registers is 32 requests: now and then is enough.
    let has_registers = chance.percent(6);
    let settings = emulator
        .test_credentials()
        .into_iter()
        .map(|(name, value)| (name.trim_start_matches("TOCHKA_").to_ascii_lowercase(), value));
    let settings = settings.filter(|(name, _)| has_registers || name != "merchant_id");
    let credentials = Credentials::new(settings);
    let connection = open_shop(ctx, at, name, credentials, shop_id);
    register(ctx, &mut emulator, &connection);
    Bank { emulator: Box::new(emulator), connection, truth: Vec::new(), is_changed: false }
}

/// What the bank takes its time over, it passes at once in some worlds and in a day in others.
fn open_tbank(
    ctx: &Ctx,
    chance: &mut Chance,
    origin: &str,
    (seed, at): (u64, usize),
    (shop_id, has_register): (Option<String>, bool),
) -> Bank {
    let mut emulator = TbankEmulator::new(origin, seed).unwrap();
    let times =
        [(6, 0), (4, 5 * SECOND_MS), (4, 90 * SECOND_MS), (3, 20 * MINUTE_MS), (2, 5 * HOUR_MS)];
    emulator.set_timing(tbank::Timing {
        notice_delay_ms: *chance.pick(&[500, 7 * SECOND_MS]),
        transient_ms: chance.weighted(&times),
        sbp_ms: chance.weighted(&times),
        sbp_refund_gap_ms: *chance.pick(&[0, 0, HOUR_MS]),
        ..emulator.timing()
    });
    // A working terminal asks by 3-D Secure and lets the payer try three times.
    let is_working = chance.percent(40);
    let keys = if has_register {
        (directory::REGISTER_KEY, directory::REGISTER_PASSWORD)
    } else if is_working {
        (directory::WORKING_KEY, directory::WORKING_PASSWORD)
    } else {
        (directory::DEMO_KEY, directory::DEMO_PASSWORD)
    };
    let settings = [
        ("base_url".to_owned(), format!("{origin}/v2")),
        ("terminal_key".to_owned(), keys.0.to_owned()),
        ("password".to_owned(), keys.1.to_owned()),
    ];
    let connection = open_shop(ctx, at, "tbank", Credentials::new(settings), shop_id);
    if has_register {
        let url = format!("https://pay.example.ru/notices/tbank/{}", connection.id);
        emulator.set_notification_url(keys.0, &url);
    }
    Bank { emulator: Box::new(emulator), connection, truth: Vec::new(), is_changed: false }
}

/// Connects a shop of its own, or one that there is.
fn open_shop(
    ctx: &Ctx,
    at: usize,
    bank: &str,
    credentials: Credentials,
    shop_id: Option<String>,
) -> Connection {
    let shop_id = shop_id.unwrap_or_else(|| insert_shop(ctx, at));
    let made = shops::flow::create_connection(ctx, &shop_id, bank, credentials, None);
    let connection = tasks::now(made).unwrap();
    let (inner, id) = (ctx.clone(), connection.id.clone());
    let saved: Result<(), DbError> = tasks::now(ctx.db.write(move |tx| {
        reconcile::flow::schedule(tx, &inner.mint, &id, inner.now_ms() + HOUR_MS)
    }));
    saved.unwrap();
    connection
}

fn insert_shop(ctx: &Ctx, at: usize) -> String {
    let shop = shops::model::Shop {
        id: ctx.mint.id("shop"),
        name: format!("Shop {at}"),
        created_ms: ctx.now_ms(),
    };
    let shop_id = shop.id.clone();
    let saved: Result<(), DbError> =
        tasks::now(ctx.db.write(move |tx| shops::store::insert_shop(tx, &shop)));
    saved.unwrap();
    shop_id
}

fn register(ctx: &Ctx, emulator: &mut TochkaEmulator, connection: &Connection) {
    let kinds = vec!["acquiringInternetPayment".into(), "incomingSbpPayment".into()];
    let url = format!("https://pay.example.ru/notices/tochka/{}", connection.id);
    let op = BankOp::RegisterNotices { url, kinds, replace: false };
    ask(ctx, emulator, &connection.credentials, &op);
}

/// Asks a bank before anything goes wrong.
pub fn ask(
    ctx: &Ctx,
    emulator: &mut dyn Emulator,
    credentials: &Credentials,
    op: &BankOp,
) -> Answer {
    let now = Timestamp::from_millisecond(ctx.now_ms()).unwrap();
    let bank = find_bank("tochka").unwrap();
    let outcome = exchange::run(bank, credentials, op, |request| {
        let ticket = match emulator.serve(now, &request) {
            Served::Now(reply) => return Ok(reply),
            Served::Later(ticket) => ticket,
            Served::Silence { .. } => return Err(Silence::Lost("silence".into())),
        };
        for delivery in emulator.poll(now) {
            emulator.delivered(now, delivery.id, Some(200));
        }
        Ok(emulator.take_reply(ticket).unwrap())
    });
    let Outcome::Done(answer) = outcome else { panic!("{outcome:?}") };
    answer
}
