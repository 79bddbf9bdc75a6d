//! The simulation of codes on a wall: many payers, the same sums, notices lost, doubled and late,
//! processes that crash; in the end each transfer at the bank is one payment, and no other is.

use std::collections::BTreeMap;

use kopeck::{
    kit::db::DbError,
    payments::{
        model::{Payment, Status},
        store::find_payment_by_id,
    },
    places::{
        self,
        flow::{self, NewPlace},
        model::Place,
        store,
    },
};
use kopeck_banks::{
    Money,
    bank::find_bank,
    emulator::{Control, Fault, FaultKind, Served},
    exchange::{self, Silence},
    op::{Answer, BankOp, CodeKind, NewPoint, Outcome, SbpOp, SbpWord, SetupOp},
};

use super::{
    Planted, Stats,
    rest::{Resting, Worlds, come_to_rest},
    world::{HOUR_MS, Mix, World},
};

const MAX_PLACES: usize = 3;
/// Payers of one seed.
const MAX_PAID: usize = 14;
/// Few sums: two payers of one sum in one minute are the rule here.
const AMOUNTS: [i64; 3] = [10_000, 10_000, 35_000];
const MAX_ROUNDS: usize = 6_000;
/// Longer than the longest wait for another statement.
const QUIET_MS: i64 = 3 * HOUR_MS;

/// Seeds that once failed, each with what was wrong.
const REGRESSIONS: [(u64, &str); 1] =
    [(421, "a driver that lost its lease put another code in the place of one that was paid")];

struct Walls {
    world: World,
    places: Vec<String>,
    paid: usize,
}

/// A transfer as the bank knows it.
struct Truth {
    ref_id: String,
    amount: i64,
}

/// Asks bank 0 past the network.
pub fn ask(world: &mut World, op: &BankOp) -> Outcome {
    let now = world.now();
    let bank = &mut world.banks[0];
    let (emulator, connection) = (&mut bank.emulator, &bank.connection);
    let tochka = find_bank("tochka").unwrap();
    exchange::run(tochka, &connection.credentials, op, |request| {
        let ticket = match emulator.serve(now, &request) {
            Served::Now(reply) => return Ok(reply),
            Served::Later(ticket) => ticket,
            Served::Silence { .. } => return Err(Silence::Lost("silence".into())),
        };
        for delivery in emulator.poll(now) {
            emulator.delivered(now, delivery.id, Some(200));
        }
        Ok(emulator.take_reply(ticket).unwrap())
    })
}

fn register(world: &mut World, op: SetupOp) -> String {
    let outcome = ask(world, &BankOp::Sbp(SbpOp::Setup(op)));
    let Outcome::Done(Answer::Sbp(SbpWord::Registered { id })) = outcome else {
        panic!("{outcome:?}")
    };
    id
}

impl Walls {
    fn new(seed: u64, is_traced: bool) -> Walls {
        let mut world = World::new(seed, Mix::Tochka, Planted::Nothing, is_traced);
        let company_id = register(&mut world, SetupOp::RegisterCompany);
        let point = NewPoint {
            brand: "Kolobok".into(),
            address: "Tverskaya 1".into(),
            city: "Moscow".into(),
            region: "45".into(),
            postcode: "125009".into(),
            mcc: "5462".into(),
            ..NewPoint::default()
        };
        register(&mut world, SetupOp::RegisterPoint { company_id, point });
        let id = &world.banks[0].connection.id;
        let kinds = ["acquiringInternetPayment", "incomingSbpPayment", "incomingSbpB2BPayment"];
        let op = BankOp::RegisterNotices {
            url: format!("https://pay.example.ru/notices/tochka/{id}"),
            kinds: kinds.map(str::to_owned).to_vec(),
            replace: true,
        };
        let outcome = ask(&mut world, &op);
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        Walls { world, places: Vec::new(), paid: 0 }
    }

    fn step(&mut self) {
        let dice = self.world.chance.below(100);
        match dice {
            0..4 if self.places.len() < MAX_PLACES => self.create(),
            4..16 if self.paid < MAX_PAID => self.pay(),
            16..18 => self.suspend(),
            18..22 => self.lose_notices(),
            22..40 => self.world.run_jobs(),
            40..44 => self.world.wake_all(),
            44..76 => self.world.move_flight(),
            76..86 => self.world.move_mail(),
            86..89 => self.world.set_fault(),
            89..97 => self.world.advance(),
            97..99 => {
                let process = self.world.chance.below(2);
                self.world.count("crash");
                self.world.restart(process);
            }
            _ => self.world.run_jobs(),
        }
        self.world.collect();
    }

    fn create(&mut self) {
        let kind = self.world.chance.weighted(&[(3, CodeKind::Static), (1, CodeKind::Invoice)]);
        let has_sum = kind == CodeKind::Invoice || self.world.chance.percent(35);
        let new = NewPlace {
            kind,
            name: format!("Place {}", self.places.len()),
            amount: has_sum.then(|| Money::from_kopecks(10_000).unwrap()),
            vat: None,
            purpose: None,
            // Whoever pays may come late; a code that ended takes no money.
            ttl_minutes: (kind == CodeKind::Invoice).then_some(100_000),
        };
        let ctx = self.world.ctx(self.places.len() % 2);
        let place = flow::plan(&ctx, &self.world.banks[0].connection, new).unwrap();
        let id = place.id.clone();
        self.world.say(|| format!("create {} {id}, sum: {has_sum}", kind.as_str()));
        let saved: Result<(), DbError> = self.world.write(move |tx| flow::create(tx, &ctx, &place));
        saved.unwrap();
        self.places.push(id);
    }

    fn find(&self, id: &str) -> Place {
        let id = id.to_owned();
        let found: Result<_, DbError> =
            self.world.write(move |tx| store::find_place_by_id(tx, &id));
        found.unwrap().expect("a place stays")
    }

    fn open_places(&self) -> Vec<Place> {
        let all = self.places.iter().map(|id| self.find(id));
        all.filter(|place| place.code_id.is_some()).collect()
    }

    /// One to three payers, in the same second.
    fn pay(&mut self) {
        let open = self.open_places();
        if open.is_empty() {
            return self.world.run_jobs();
        }
        let place = self.world.chance.pick(&open).clone();
        for _ in 0..self.world.chance.between(1, 3) {
            let sum = *self.world.chance.pick(&AMOUNTS);
            let amount = place.amount.is_none().then(|| Money::from_kopecks(sum).unwrap());
            let id = place.code_id.clone().unwrap();
            let now = self.world.now();
            let control = Control::PayCode { id, amount, payer_name: None, payer_phone: None };
            if self.world.banks[0].emulator.control(now, &control).is_ok() {
                self.world.say(|| format!("somebody pays {} by {}", sum, place.id));
                self.paid += 1;
                self.world.count("paid");
            }
        }
    }

    fn suspend(&mut self) {
        let open = self.open_places();
        if open.is_empty() {
            return;
        }
        let place = self.world.chance.pick(&open).clone();
        let (ctx, to) = (self.world.ctx(0), place.suspended_ms.is_none());
        let done: Result<Place, flow::Problem> =
            self.world.write(move |tx| flow::suspend(tx, &ctx, &place.shop_id, &place.id, to));
        assert!(done.is_ok());
        self.world.count("suspended or resumed");
    }

    fn lose_notices(&mut self) {
        let kind = self.world.chance.weighted(&[
            (4, FaultKind::NoticeLost),
            (2, FaultKind::NoticeDoubled),
            (2, FaultKind::NoticeDelayed { ms: 900_000 }),
            (2, FaultKind::ReplyLost),
        ]);
        let path = if kind.is_of_notices() { "incomingSbp" } else { "/sbp/" };
        let times = u32::try_from(self.world.chance.between(1, 4)).unwrap();
        let fault = Fault { kind, times, path: path.to_owned() };
        let now = self.world.now();
        self.world.banks[0].emulator.control(now, &Control::Fault(fault)).unwrap();
    }

    /// What came by the code, as the bank knows it.
    fn truth(&mut self, place: &Place) -> Vec<Truth> {
        let Some(id) = place.code_id.clone() else { return Vec::new() };
        let now = self.world.now();
        let shown = self.world.banks[0].emulator.control(now, &Control::Show { id }).unwrap();
        let list = shown["payments"].as_array().unwrap().iter();
        list.filter(|it| it["rejected"].is_null())
            .map(|it| Truth {
                ref_id: it["ref_id"].as_str().unwrap().to_owned(),
                amount: it["amount_kopecks"].as_i64().unwrap(),
            })
            .collect()
    }

    /// Payments by the place.
    fn ours(&self, place: &Place) -> Vec<Payment> {
        let id = place.id.clone();
        let found: Result<Vec<Payment>, DbError> = self.world.write(move |tx| {
            let sql = "select id from payments where place_id = $1 order by id";
            let rows = tx.query(sql, &[id.into()])?;
            let mut all = Vec::new();
            for row in rows {
                all.extend(find_payment_by_id(tx, &row.text(0)?)?);
            }
            Ok(all)
        });
        found.unwrap()
    }

    fn check(&mut self, is_end: bool) -> Result<(), String> {
        for id in self.places.clone() {
            let place = self.find(&id);
            let (truth, ours) = (self.truth(&place), self.ours(&place));
            let mut left: BTreeMap<i64, i64> = BTreeMap::new();
            for transfer in &truth {
                *left.entry(transfer.amount).or_default() += 1;
            }
            for payment in &ours {
                let paid = payment.facts.paid.kopecks();
                *left.entry(paid).or_default() -= 1;
                if payment.status() != Status::Paid {
                    return Err(format!("came and is not paid: {payment:#?}"));
                }
                let named = payment.facts.transfer.as_ref().and_then(|own| own.ref_id.as_ref());
                let own = named.map(|named| truth.iter().find(|own| own.ref_id == *named));
                if own.is_some_and(|own| own.is_none_or(|own| own.amount != paid)) {
                    return Err(format!("not what the bank has under this id: {payment:#?}"));
                }
            }
            if left.values().any(|count| *count < 0) {
                return Err(format!("more payments than transfers: {left:?} {ours:#?}"));
            }
            if is_end && left.values().any(|count| *count > 0) {
                return Err(format!("{} lacks {left:?}: {ours:#?}", place.id));
            }
        }
        self.world.check_received()
    }

    fn heal(&mut self) -> Result<(), String> {
        come_to_rest(self, QUIET_MS, MAX_ROUNDS)?;
        self.check(true)?;
        self.count_ends()
    }

    fn count_ends(&mut self) -> Result<(), String> {
        for place in self.open_places() {
            for payment in self.ours(&place) {
                let is_named = payment.facts.transfer.is_some();
                let is_told = payment.customer.is_some();
                self.world.count(match (is_named, is_told) {
                    (true, true) => "known by a notice",
                    (true, false) => "known by the list",
                    (false, _) => "known by the statement",
                });
            }
        }
        Ok(())
    }
}

impl Resting for Walls {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn is_work(kind: &str) -> bool {
        kind == places::flow::JOB
    }
}

fn run(seed: u64, is_traced: bool) -> Result<Stats, String> {
    let mut walls = Walls::new(seed, is_traced);
    for at in 0..walls.world.chance.between(120, 260) {
        walls.step();
        walls.check(false).map_err(|why| format!("after step {at}: {why}"))?;
    }
    walls.heal()?;
    Ok(walls.world.stats)
}

#[test]
fn each_transfer_by_a_code_is_one_payment() {
    Worlds {
        test: "sim::places",
        regressions: &REGRESSIONS,
        // The list is read each minute until everything has come to rest.
        max: 300,
        run,
        enough: 100,
        seen: &[
            "crash",
            "notice lost",
            "known by a notice",
            "known by the list",
            "known by the statement",
            "suspended or resumed",
        ],
    }
    .run();
}
