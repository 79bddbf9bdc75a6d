//! Ten years of a thousand subscriptions, five hundred at each bank, renewed by two processes that
//! die with requests under way, over a network that loses them, a bank that loses notices, sends
//! them twice or days late, and customers who run out of money, lose their cards, rest, want more or
//! less, leave and return.
//!
//! In the end the bank's own books are read: each subscription's periods follow one another by the
//! calendar, each has taken its sum once, and where they stop, it was announced why. The world's
//! time jumps from one thing that is due to the next: what nobody waits for takes no time.
//!
//! | variable | meaning |
//! |---|---|
//! | `KOPECK_SIM_PEOPLE` | customers of the great world, half of them at each bank |
//! | `KOPECK_SIM_SEEDS` | how many small worlds; a fiftieth of it |
//! | `KOPECK_SIM_SEED` | replays this small world alone, and prints what happens |

mod books;
mod network;
mod people;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kopeck::{
    ids::Mint,
    kit::{
        Ctx,
        db::DbError,
        jobs::{self, Job},
    },
    runner::{claim_due, run, run_and_finish},
};
use serde_json::json;

use super::{
    subscriptions::{HOUR, Life, MINUTE},
    tasks::Tasks,
    wire::SimWire,
};
use people::Act;

const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// Ten years, after the days in which everybody begins.
const LIFE: i64 = 3_653 * DAY;
const BEGIN: i64 = 60 * DAY;
/// In the end nothing goes wrong any more for longer than a subscription waits for its money.
const HEALING: i64 = 20 * DAY;
/// Whoever takes a job dies so often before it begins, and as often before it says that it is done.
const DEATHS: usize = 300;

/// A plan's code and interval, and how many of a hundred customers have it: ten years of a hundred
/// people are 2,420 periods.
const PLANS: [(&str, &str, i64); 3] =
    [("monthly", "month", 6), ("quarterly", "quarter", 24), ("yearly", "year", 70)];

/// Customers of the great world when nothing else is asked for: a thousand take minutes.
const PEOPLE: u64 = 20;

/// How wild the world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Requests get lost, processes die.
    Wild,
    /// Everything works from now on.
    Calm,
}

/// A bug put into the world, to see that it is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// The wire sends a charge again when its answer is lost, as careless HTTP clients do.
    ChargeRetried,
    /// A subscription's job is lost.
    JobLost,
}

struct Decade {
    life: Life,
    /// Two processes over one database.
    processes: [Ctx; 2],
    /// Processes begun so far.
    begun: u64,
    wire: SimWire,
    tasks: Tasks,
    /// Requests and replies that are held up, until when.
    held: BTreeMap<u64, i64>,
    /// What people are going to do.
    acts: BTreeSet<(i64, Act)>,
    /// Subscriptions whose customer pays no link any more.
    left: BTreeSet<String>,
    /// The last event that people heard of.
    heard: i64,
    mode: Mode,
    planted: Planted,
    is_traced: bool,
    began_ms: i64,
    /// How often each thing happened.
    stats: BTreeMap<&'static str, u64>,
}

impl Decade {
    async fn begin(bank: &str, seed: u64, people: i64, planted: Planted) -> Decade {
        let life = Life::new(bank, seed).await;
        network::register_notices(&life).await;
        for (code, interval, _) in PLANS {
            let plan = json!({"code": code, "name": "Доступ", "amount": "490.00",
                "interval": interval});
            life.app.post("/v1/plans", plan).await.expect(201);
        }
        let wire = SimWire::default();
        let ctx = Ctx { wire: Arc::new(wire.clone()), ..life.app.ctx.clone() };
        let began_ms = ctx.now_ms();
        let mut decade = Decade {
            life,
            processes: [ctx.clone(), ctx],
            begun: seed << 32,
            wire,
            tasks: Tasks::default(),
            held: BTreeMap::new(),
            acts: BTreeSet::new(),
            left: BTreeSet::new(),
            heard: 0,
            mode: Mode::Wild,
            planted,
            is_traced: false,
            began_ms,
            stats: BTreeMap::new(),
        };
        decade.restart(0);
        decade.restart(1);
        for number in 0..people {
            decade.acts.insert((began_ms + BEGIN * number / people, Act::Join(number)));
        }
        decade.acts.insert((began_ms, Act::Weather));
        decade
    }

    fn now_ms(&self) -> i64 {
        self.processes[0].now_ms()
    }

    /// Ten years after the last one began.
    const fn end_ms(&self) -> i64 {
        self.began_ms + BEGIN + LIFE
    }

    fn count(&mut self, what: &'static str) {
        *self.stats.entry(what).or_default() += 1;
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            let ms = self.now_ms() - self.began_ms;
            println!("{:>5} d {:>5} min  {}", ms / DAY, ms % DAY / MINUTE, what());
        }
    }

    /// A process begins, or begins anew: what it had in memory is gone, its chance is another.
    fn restart(&mut self, process: usize) {
        let lost = self.tasks.crash(process);
        self.begun += 1;
        let clock = self.life.app.clock.clone();
        self.processes[process].mint = Arc::new(Mint::seeded(clock, self.begun));
        self.say(|| format!("process {process} begins; {lost} of its jobs were under way"));
    }

    /// From one thing that is due to the next, to the end.
    async fn live_until(&mut self, until_ms: i64) {
        loop {
            self.drain().await;
            self.listen().await;
            let next_ms = self.next_ms().await;
            if next_ms > until_ms {
                self.life.app.clock.advance_ms(until_ms - self.now_ms());
                return;
            }
            self.life.app.clock.advance_ms((next_ms - self.now_ms()).max(1));
            self.act().await;
        }
    }

    /// When something is due next: a job, a notice, somebody's deed, a message that was held up.
    async fn next_ms(&self) -> i64 {
        let job: Result<Option<i64>, DbError> =
            self.processes[0].db.read(jobs::find_next_due).await;
        let bank = self.life.app.bank.next_due_ms();
        let act = self.acts.first().map(|(at_ms, _)| *at_ms);
        let held = self.held.values().min().copied();
        [job.unwrap(), bank, act, held].into_iter().flatten().min().unwrap_or(i64::MAX)
    }

    /// Everything that is due now, one small step of anybody at a time.
    async fn drain(&mut self) {
        for _ in 0..100_000 {
            let is_first = self.life.chance.percent(70);
            if is_first && self.move_flight() {
                continue;
            }
            if self.claim().await || self.move_flight() {
                continue;
            }
            if self.life.app.bank.deliver().await.is_empty() {
                return;
            }
        }
        panic!("jobs without end");
    }

    /// One process takes due jobs and begins them.
    async fn claim(&mut self) -> bool {
        let process = self.life.chance.below(2);
        let limit = self.life.chance.between(1, 4);
        let jobs = claim_due(&self.processes[process], limit).await.unwrap();
        let found = !jobs.is_empty();
        for job in jobs {
            self.start(process, job);
        }
        found
    }

    fn start(&mut self, process: usize, job: Job) {
        self.count(if process == 0 { "job in the first process" } else { "job in the second" });
        let ctx = self.processes[process].clone();
        let dice = match self.mode {
            Mode::Wild => self.life.chance.below(DEATHS),
            Mode::Calm => DEATHS,
        };
        if self.planted == Planted::JobLost && job.kind == "subscription" && dice == 2 {
            let work = async move |job: Job| {
                let done = jobs::After::Done;
                ctx.db.write(move |tx| jobs::finish(tx, &job, 0, &done)).await
            };
            self.tasks.spawn(&self.wire, process, u32::MAX, async move {
                let lost: Result<(), DbError> = work(job).await;
                lost.unwrap();
            });
            return;
        }
        match dice {
            0 => self.count("died before a job"),
            1 => {
                self.count("died after a job");
                self.tasks.spawn(&self.wire, process, u32::MAX, async move {
                    run(&ctx, &job).await;
                });
            }
            _ => self.tasks.spawn(&self.wire, process, u32::MAX, async move {
                run_and_finish(&ctx, job).await.unwrap();
            }),
        }
    }

    /// The whole life, and then days in which all that was begun comes to its end.
    async fn live(&mut self) {
        let end_ms = self.end_ms();
        let mut checked_ms = self.began_ms;
        while checked_ms < end_ms {
            checked_ms = (checked_ms + 180 * DAY).min(end_ms);
            self.live_until(checked_ms).await;
            self.life.check().await;
            self.entitled().await;
        }
        self.heal().await;
        self.audit().await;
    }
}

struct Lived {
    paid: usize,
    stats: BTreeMap<&'static str, u64>,
}

async fn live(bank: &str, seed: u64, people: i64, planted: Planted) -> Lived {
    let mut decade = Decade::begin(bank, seed, people, planted).await;
    decade.is_traced = super::number("KOPECK_SIM_SEED").is_some();
    decade.live().await;
    let paid = "select 1 from subscription_periods where status = 'paid' and cause <> 'change'";
    let paid = decade.life.rows(paid).await.len();
    Lived { paid, stats: decade.stats }
}

/// Periods that a hundred people have in ten years, if each of them pays each.
const PERIODS_OF_A_HUNDRED: i64 = 6 * 120 + 24 * 40 + 70 * 10;

/// What has to happen in ten years of a great world.
const HAPPENINGS: [&str; 26] = [
    "job in the first process",
    "job in the second",
    "died before a job",
    "died after a job",
    "crash",
    "crash between a charge and its answer",
    "not sent",
    "request lost",
    "request wanders",
    "request arrives after its sender gave up",
    "reply lost",
    "answer to a charge lost",
    "charge sent by the first process",
    "charge sent by the second",
    "stalled beyond its lease",
    "bank errs",
    "notice lost",
    "notice doubled",
    "notice days late",
    "charge declined",
    "paid by a link after a decline",
    "card gone",
    "ended unpaid",
    "came back",
    "paused",
    "changed",
];

/// Customers of a small world; a thousand would only take longer to show what few can.
const FEW: i64 = 10;
const SMALL_WORLDS: u64 = 3;

/// Small worlds one after the other, or the one that is to be replayed.
async fn live_in_small_worlds(bank: &str) {
    let asked = super::number("KOPECK_SIM_SEED");
    let count = super::number("KOPECK_SIM_SEEDS").map_or(SMALL_WORLDS, |count| (count / 50).max(1));
    let seeds = asked.map_or(0..count, |seed| seed..seed + 1);
    for seed in seeds {
        println!("{bank}, seed {seed}");
        let lived = live(bank, seed, FEW, Planted::Nothing).await;
        is_rich(bank, FEW, &lived);
    }
}

fn is_rich(bank: &str, people: i64, lived: &Lived) {
    let most = usize::try_from(people * PERIODS_OF_A_HUNDRED / 100).unwrap();
    let paid = lived.paid;
    assert!(paid > most * 3 / 4, "{bank}: a poor world: {paid} of {most} periods were paid");
}

async fn live_ten_years(bank: &str) {
    let people = super::number("KOPECK_SIM_PEOPLE").unwrap_or(PEOPLE) / 2;
    let people = i64::try_from(people).unwrap().max(FEW);
    let lived = live(bank, 1, people, Planted::Nothing).await;
    println!("{bank}: {people} people, {} periods paid, {:#?}", lived.paid, lived.stats);
    is_rich(bank, people, &lived);
    if people >= 50 {
        super::must_have_seen(&lived.stats, &HAPPENINGS);
    }
}

#[tokio::test]
async fn ten_years_of_accounts_at_tbank_lose_no_period_and_charge_none_twice() {
    live_ten_years("tbank").await;
}

#[tokio::test]
async fn ten_years_of_cards_at_tochka_lose_no_period_and_charge_none_twice() {
    live_ten_years("tochka").await;
}

#[tokio::test]
async fn ten_years_of_few_at_tbank_lose_no_period_in_many_worlds() {
    live_in_small_worlds("tbank").await;
}

#[tokio::test]
async fn ten_years_of_few_at_tochka_lose_no_period_in_many_worlds() {
    live_in_small_worlds("tochka").await;
}

/// Whether the end of such a world is noticed: in a thread, since it ends in a panic.
fn is_caught(planted: Planted) -> bool {
    let world = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live("tochka", 0, FEW, planted));
    });
    world.join().is_err()
}

#[test]
fn a_wire_that_retries_charges_is_caught_within_ten_years() {
    assert!(is_caught(Planted::ChargeRetried), "the simulation cannot fail");
}

#[test]
fn a_lost_renewal_is_caught_within_ten_years() {
    assert!(is_caught(Planted::JobLost), "the simulation cannot fail");
}
