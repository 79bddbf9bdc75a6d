//! The simulation of cash desks: clerks who charge at the same desks, charge twice and cancel,
//! payers who pay at the last moment, notices and answers lost, doubled and late, processes that
//! crash in the middle of a sale; in the end each payer's money is one payment, and each sale that
//! was paid says so, once.

use std::collections::{BTreeMap, BTreeSet};

use kopeck::{
    desks::{
        self,
        flow::{NewSale, Problem},
        model::Sale,
        submit::Done,
    },
    kit::db::DbError,
    payments::{
        idempotency::{self, Key},
        model::{Payment, Status},
        store::find_payment_by_id,
    },
    places::{
        self,
        flow::NewPlace,
        model::{Place, State as PlaceState},
    },
};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
    op::CodeKind,
};
use serde_json::Value;

use super::{
    Planted, Stats,
    rest::{Resting, Worlds, come_to_rest},
    world::{HOUR_MS, Mix, World},
};

const DESKS: usize = 2;
/// Sales of one seed.
const MAX_SALES: usize = 14;
/// Few sums: two sales of one sum at one desk are the rule here.
const AMOUNTS: [i64; 3] = [10_000, 10_000, 35_000];
const CLERKS: [&str; 2] = ["Anna", "Boris"];
const MAX_ROUNDS: usize = 6_000;
/// Longer than anything that a sale which is over still waits for.
const QUIET_MS: i64 = 2 * HOUR_MS;

/// Seeds that once failed, each with what was wrong.
const REGRESSIONS: [(u64, &str); 1] =
    [(8, "a bank that did not say what an arming brought was believed to say: nothing")];

struct Counters {
    world: World,
    desks: Vec<String>,
    /// What clerks wanted: each wish has a key, and is sent once or twice.
    wishes: Vec<(String, i64, &'static str)>,
    /// Codes are armed in the bank's cabinet, too. Of their money nothing tells but the notice, so
    /// in these worlds each notice comes in the end.
    has_cabinet: bool,
}

/// A transfer as the bank knows it.
#[derive(Debug)]
struct Truth {
    trx_id: String,
    amount: i64,
    arming_id: String,
}

impl Counters {
    fn new(seed: u64, is_traced: bool) -> Counters {
        let mut world = World::new(seed, Mix::Codes, Planted::Nothing, is_traced);
        let has_cabinet = world.chance.percent(40);
        let desks = (0..DESKS).map(|at| create(&world, at)).collect();
        Counters { world, desks, wishes: Vec::new(), has_cabinet }
    }

    fn step(&mut self) {
        let dice = self.world.chance.below(100);
        match dice {
            0..7 if self.wishes.len() < MAX_SALES => self.wish(),
            7..9 => self.wish_again(),
            9..15 => self.pay(),
            15..18 => self.cancel(),
            18..20 if !self.has_cabinet => self.err(),
            20..21 if self.has_cabinet => self.arm_elsewhere(),
            21..36 => self.world.run_jobs(),
            36..40 => self.world.wake_all(),
            40..78 => self.world.move_flight(),
            78..86 => self.world.move_mail(),
            86..96 => self.world.advance(),
            96..98 => {
                let process = self.world.chance.below(2);
                self.world.count("crash");
                self.world.restart(process);
            }
            _ => self.world.run_jobs(),
        }
        self.world.collect();
    }

    /// A clerk charges at one of the desks.
    fn wish(&mut self) {
        let desk = self.world.chance.pick(&self.desks).clone();
        let amount = *self.world.chance.pick(&AMOUNTS);
        let clerk = *self.world.chance.pick(&CLERKS);
        self.wishes.push((desk, amount, clerk));
        self.charge(self.wishes.len() - 1);
    }

    /// The answer did not reach the clerk, who sends the same again.
    fn wish_again(&mut self) {
        if !self.wishes.is_empty() {
            let at = self.world.chance.below(self.wishes.len());
            self.charge(at);
        }
    }

    /// What the API does with a charge, up to its answer.
    fn charge(&mut self, at: usize) {
        let (desk_id, amount, clerk) = self.wishes[at].clone();
        let desk = self.place(&desk_id);
        if desk.state() != PlaceState::Active {
            return;
        }
        let new = NewSale {
            amount: Money::from_kopecks(amount).unwrap(),
            purpose: self.world.chance.percent(50).then(|| "Coffee №1".to_owned()),
            ttl_minutes: *self.world.chance.pick(&[5, 5, 20]),
            clerk: Some(clerk.to_owned()),
        };
        let process = self.world.chance.below(2);
        let ctx = self.world.ctx(process);
        let sale = desks::flow::plan(&ctx, &self.world.banks[0].connection, &desk, new).unwrap();
        let key = Key::of(&format!("wish {at}"), &[desk_id.as_bytes()]).unwrap();
        let id = sale.id.clone();
        let done: Result<bool, Problem> = self.world.write(move |tx| {
            let work = Done::Sale(sale.id.clone());
            if !idempotency::take(tx, &sale.shop_id, Some(&key), &work, ctx.now_ms())? {
                return Ok(false);
            }
            desks::flow::start(tx, &ctx, &sale).map(|()| true)
        });
        let what = match done {
            Ok(true) => "charged",
            Ok(false) => "charged before",
            Err(Problem::Busy(_)) => "busy",
            Err(problem) => panic!("{problem:?}"),
        };
        self.world.count(what);
        self.world.say(|| format!("{clerk} charges {amount}: {what} {id}"));
    }

    fn cancel(&mut self) {
        let desk = self.world.chance.pick(&self.desks).clone();
        let desk = self.place(&desk);
        let ctx = self.world.ctx(0);
        let done: Result<Sale, Problem> =
            self.world.write(move |tx| desks::flow::cancel(tx, &ctx, &desk.shop_id, &desk.id));
        if let Ok(sale) = done {
            self.world.say(|| format!("cancel {}", sale.id));
            self.world.count("cancel");
        }
    }

    /// Somebody pays what the desk's code is armed with, or tries to in vain.
    fn pay(&mut self) {
        let desk = self.world.chance.pick(&self.desks).clone();
        let desk = self.place(&desk);
        let Some(id) = desk.code_id.clone() else { return };
        let pays = self.world.chance.percent(90);
        let control = if pays {
            Control::PayCode { id, amount: None, payer_name: None, payer_phone: None }
        } else {
            Control::Decline { id, reason: None }
        };
        let now = self.world.now();
        if self.world.banks[0].emulator.control(now, &control).is_ok() {
            self.world.say(|| format!("somebody pays at {}: {pays}", desk.id));
            self.world.count(if pays { "paid" } else { "attempt failed" });
        }
    }

    /// A sum of ours, past us: in the bank's cabinet nobody says whose it is.
    fn arm_elsewhere(&mut self) {
        let desk = self.world.chance.pick(&self.desks).clone();
        let desk = self.place(&desk);
        let Some(code_id) = desk.code_id.clone() else { return };
        let amount = Money::from_kopecks(AMOUNTS[0]).unwrap();
        let op = kopeck_banks::op::BankOp::Sbp(kopeck_banks::op::SbpOp::Desk(
            kopeck_banks::op::DeskOp::Arm { code_id, amount, purpose: None, ttl_minutes: 5 },
        ));
        let outcome = super::places::ask(&mut self.world, &op);
        if matches!(outcome, kopeck_banks::op::Outcome::Done(_)) {
            self.world.say(|| format!("armed elsewhere: {}", desk.id));
            self.world.count("armed elsewhere");
        }
    }

    fn err(&mut self) {
        let kind = self.world.chance.weighted(&[
            (4, FaultKind::NoticeLost),
            (2, FaultKind::NoticeDoubled),
            (2, FaultKind::NoticeDelayed { ms: 900_000 }),
            (3, FaultKind::ReplyLost),
            (2, FaultKind::Hang { ms: 30_000 }),
            (2, FaultKind::Status { status: 503 }),
        ]);
        let path = if kind.is_of_notices() {
            "incomingSbp"
        } else {
            self.world.chance.pick(&["/activate", "/deactivate", "/operation", "/sbp/"])
        };
        let times = u32::try_from(self.world.chance.between(1, 4)).unwrap();
        let fault = Fault { kind, times, path: path.to_owned() };
        let now = self.world.now();
        self.world.banks[0].emulator.control(now, &Control::Fault(fault)).unwrap();
        self.world.count("fault");
    }

    fn place(&self, id: &str) -> Place {
        let id = id.to_owned();
        let found: Result<_, DbError> =
            self.world.write(move |tx| places::store::find_place_by_id(tx, &id));
        found.unwrap().expect("a desk stays")
    }

    fn sales(&self) -> Vec<Sale> {
        let found: Result<Vec<Sale>, DbError> = self.world.write(|tx| {
            let rows = tx.query("select id from sales order by id", &[])?;
            let mut all = Vec::new();
            for row in rows {
                all.extend(desks::store::find_sale(tx, &row.text(0)?)?);
            }
            Ok(all)
        });
        found.unwrap()
    }

    fn payments(&self) -> Vec<Payment> {
        let found: Result<Vec<Payment>, DbError> = self.world.write(|tx| {
            let rows = tx.query("select id from payments order by id", &[])?;
            let mut all = Vec::new();
            for row in rows {
                all.extend(find_payment_by_id(tx, &row.text(0)?)?);
            }
            Ok(all)
        });
        found.unwrap()
    }

    /// What came by all the desks, as the bank knows it.
    fn truth(&mut self) -> Vec<Truth> {
        let now = self.world.now();
        let mut all = Vec::new();
        for id in self.desks.clone() {
            let Some(id) = self.place(&id).code_id else { continue };
            let shown = self.world.banks[0].emulator.control(now, &Control::Show { id }).unwrap();
            let list = shown["payments"].as_array().unwrap().iter();
            let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
            all.extend(list.filter(|it| it["rejected"].is_null()).map(|it| Truth {
                trx_id: text(it, "trx_id"),
                amount: it["amount_kopecks"].as_i64().unwrap(),
                arming_id: text(it, "arming"),
            }));
        }
        all
    }

    fn check(&mut self, is_end: bool) -> Result<(), String> {
        let (truth, payments, sales) = (self.truth(), self.payments(), self.sales());
        let by_trx: BTreeMap<&str, &Truth> =
            truth.iter().map(|own| (own.trx_id.as_str(), own)).collect();
        let mut told = BTreeSet::new();
        for payment in &payments {
            let trx_id = payment.facts.transfer.as_ref().and_then(|own| own.trx_id.clone());
            let own = trx_id.as_deref().and_then(|id| by_trx.get(id));
            if own.is_none_or(|own| own.amount != payment.facts.paid.kopecks()) {
                return Err(format!("not what the bank has under this id: {payment:#?}"));
            }
            if payment.status() != Status::Paid || !told.insert(trx_id) {
                return Err(format!("a transfer is paid twice, or not at all: {payment:#?}"));
            }
        }
        if is_end && told.len() != truth.len() {
            let is_known = |own: &&Truth| told.contains(&Some(own.trx_id.clone()));
            let lost: Vec<&Truth> = truth.iter().filter(|own| !is_known(own)).collect();
            return Err(format!("the bank has what we do not: {lost:#?} {sales:#?}"));
        }
        self.check_sales(is_end, (&truth, &payments), &sales)?;
        self.world.check_received()
    }

    fn check_sales(
        &self,
        is_end: bool,
        (truth, payments): (&[Truth], &[Payment]),
        sales: &[Sale],
    ) -> Result<(), String> {
        let jobs = self.world.jobs();
        let mut claimed = BTreeSet::new();
        for sale in sales {
            let payment = sale.payment_id.as_ref();
            let payment = payment.map(|id| payments.iter().find(|own| own.id == *id));
            if let Some(payment) = payment {
                let payment = payment.ok_or_else(|| format!("no such payment: {sale:#?}"))?;
                if !claimed.insert(&payment.id) {
                    return Err(format!("two sales are paid by one payment: {sale:#?}"));
                }
                if payment.facts.paid != sale.amount {
                    return Err(format!("paid with another sum: {sale:#?} {payment:#?}"));
                }
            }
            if let Some(arming_id) = &sale.arming_id {
                let paid = truth.iter().find(|own| own.arming_id == *arming_id);
                if paid.is_none() && sale.payment_id.is_some() {
                    return Err(format!("paid, and not at the bank: {sale:#?}"));
                }
                if is_end && paid.is_some() && sale.payment_id.is_none() {
                    return Err(format!("paid at the bank alone: {sale:#?}"));
                }
            }
            let has_job = jobs.iter().any(|(_, subject, _)| *subject == sale.id);
            if !sale.is_over() && (is_end || !has_job) {
                return Err(format!("nobody drives {sale:#?}"));
            }
        }
        let live = sales.iter().filter(|sale| !sale.is_over());
        let mut desks: Vec<&String> = live.map(|sale| &sale.place_id).collect();
        desks.sort();
        let count = desks.len();
        desks.dedup();
        if desks.len() != count {
            return Err(format!("two sales at one desk: {sales:#?}"));
        }
        Ok(())
    }

    /// No request armed a code twice for one sale: each has a purpose of its own.
    fn check_armings(&self) -> Result<(), String> {
        let memory = self.world.banks[0].emulator.snapshot().to_string();
        for sale in self.sales() {
            let purpose = serde_json::to_string(&sale.purpose).unwrap();
            let armed = memory.matches(&format!("\"purpose\":{purpose},\"ttl_minutes\"")).count();
            if armed > 1 {
                return Err(format!("armed {armed} times: {sale:#?}"));
            }
        }
        Ok(())
    }

    fn heal(&mut self) -> Result<(), String> {
        come_to_rest(self, QUIET_MS, MAX_ROUNDS)?;
        self.check(true)?;
        self.check_armings()?;
        let of_sales: BTreeSet<String> =
            self.sales().into_iter().filter_map(|sale| sale.payment_id).collect();
        for payment in self.payments() {
            let is_sale = of_sales.contains(&payment.id);
            self.world.count(if is_sale { "paid a sale" } else { "paid no sale" });
        }
        for sale in self.sales() {
            self.world.count(match sale.state().as_str() {
                "paid" if sale.ending.is_some() => "ended paid after all",
                "paid" => "ended paid",
                "canceled" => "ended canceled",
                "expired" => "ended expired",
                _ => "ended failed",
            });
        }
        Ok(())
    }
}

impl Resting for Counters {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn is_work(kind: &str) -> bool {
        [desks::flow::JOB, desks::flow::DOUBT_JOB].contains(&kind)
    }

    fn may_be_deaf(&self) -> bool {
        !self.has_cabinet
    }
}

/// A desk whose code is made before anything goes wrong.
fn create(world: &World, at: usize) -> String {
    let new = NewPlace {
        kind: CodeKind::Desk,
        name: format!("Till {at}"),
        amount: None,
        vat: None,
        purpose: None,
        ttl_minutes: None,
    };
    let ctx = world.ctx(0);
    let place = places::flow::plan(&ctx, &world.banks[0].connection, new).unwrap();
    let id = place.id.clone();
    let saved: Result<(), DbError> = world.write(move |tx| places::flow::create(tx, &ctx, &place));
    saved.unwrap();
    id
}

fn run(seed: u64, is_traced: bool) -> Result<Stats, String> {
    let mut counters = Counters::new(seed, is_traced);
    for at in 0..counters.world.chance.between(200, 400) {
        counters.step();
        counters.check(false).map_err(|why| format!("after step {at}: {why}"))?;
    }
    counters.heal()?;
    Ok(counters.world.stats)
}

#[test]
fn each_sale_at_a_desk_is_paid_once() {
    Worlds {
        test: "sim::desks",
        regressions: &REGRESSIONS,
        // Every sale is asked about each three seconds.
        max: 300,
        run,
        enough: 100,
        seen: &[
            "crash",
            "stalled",
            "reply lost",
            "request wanders",
            "notice lost",
            "notice doubled",
            "busy",
            "charged before",
            "cancel",
            "attempt failed",
            "armed elsewhere",
            "paid a sale",
            "paid no sale",
            "ended paid",
            "ended canceled",
            "ended expired",
            "ended failed",
        ],
    }
    .run();
}
