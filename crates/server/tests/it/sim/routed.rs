//! The simulation of one link at two banks: banks fail, payers change their minds and pay in two
//! tabs, processes crash; in the end each order was paid once and the rest went back.

use std::collections::{BTreeMap, BTreeSet};

use kopeck::{
    kit::db::DbError,
    payments::{
        self,
        flow::{self, NewPayment, attempts::request_move, routing::plan_routed},
        model::{Means, Origin, Payment, Status},
        store::find_payment_by_id,
    },
};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
    op::{CaptureMode, PayMethod},
};

use super::{
    Planted, Stats,
    rest::{Resting, Worlds, come_to_rest},
    tasks,
    truth::{self, Operation},
    world::{DAY_MS, HOUR_MS, Mix, World},
};

const MAX_LINKS: usize = 3;
/// A check reads every row of both banks and of ours.
const CHECK_EVERY: i64 = 4;
const MAX_ROUNDS: usize = 4_000;
const QUIET_MS: i64 = 5 * DAY_MS + HOUR_MS;

/// A link, and the pages at the banks that its payer has been shown.
struct Link {
    id: String,
    amount: i64,
    pages: BTreeSet<(usize, String)>,
}

struct Routed {
    world: World,
    links: Vec<Link>,
    /// Kinds of events announced, with their payment, and how often.
    said: BTreeMap<(String, String), usize>,
}

impl Routed {
    fn new(seed: u64, is_traced: bool) -> Routed {
        let world = World::new(seed, Mix::Routed, Planted::Nothing, is_traced);
        Routed { world, links: Vec::new(), said: BTreeMap::new() }
    }

    fn step(&mut self) {
        let dice = self.world.chance.below(100);
        match dice {
            0..6 if self.links.len() < MAX_LINKS => self.create(),
            6..18 => self.pay(),
            18..22 => self.wish(),
            22..24 => self.break_bank(),
            24..25 => self.refund(),
            25..28 => self.capture(),
            28..38 => self.world.run_jobs(),
            38..42 => self.world.wake_all(),
            42..82 => self.world.move_flight(),
            82..89 => self.world.move_mail(),
            89..91 => self.world.set_fault(),
            91..98 => self.world.advance(),
            98 => {
                let process = self.world.chance.below(2);
                self.world.restart(process);
            }
            _ => self.world.run_jobs(),
        }
        self.world.collect();
    }

    fn create(&mut self) {
        let amount = *self.world.chance.pick(&[10_000, 30_000]);
        let is_hold = self.world.chance.percent(30);
        let new = NewPayment {
            schedule: None,
            amount: Money::from_kopecks(amount).unwrap(),
            purpose: "An order".into(),
            methods: vec![PayMethod::Card],
            capture: if is_hold { CaptureMode::Manual } else { CaptureMode::Automatic },
            order_id: None,
            ttl_minutes: *self.world.chance.pick(&[60, 60, 180]),
            success_url: None,
            fail_url: None,
            customer: None,
            receipt: None,
            rates_until_ms: None,
            metadata: "{}".into(),
            means: Means::Payer,
            consent: None,
        };
        let ctx = self.world.ctx(self.links.len() % 2);
        let shop_id = self.world.banks[0].connection.shop_id.clone();
        let payment = tasks::now(plan_routed(&ctx, &shop_id, new)).unwrap();
        let id = payment.id.clone();
        self.world.say(|| format!("create {id} at {}", payment.bank));
        let saved: Result<(), DbError> =
            self.world.write(move |tx| flow::create(tx, &ctx, &payment));
        saved.unwrap();
        self.links.push(Link { id, amount, pages: BTreeSet::new() });
    }

    /// A payer pays on any page ever shown for the link, whatever the link says today.
    fn pay(&mut self) {
        let pages: Vec<_> = self.links.iter().flat_map(|link| link.pages.iter()).cloned().collect();
        if pages.is_empty() {
            return self.world.run_jobs();
        }
        let (bank, id) = self.world.chance.pick(&pages).clone();
        if self.control(bank, &Control::Pay { id, method: None, card: None }) {
            self.world.count("paid");
        }
    }

    fn control(&mut self, bank: usize, control: &Control) -> bool {
        let now = self.world.now();
        let is_done = self.world.banks[bank].emulator.control(now, control).is_ok();
        if is_done {
            self.world.say(|| format!("at bank {bank}: {control:?}"));
        }
        is_done
    }

    /// The payer wants to pay elsewhere.
    fn wish(&mut self) {
        let Some(id) = self.pick() else { return };
        let Some(payment) = self.find(&id) else { return };
        let to = self.world.chance.below(2);
        let ctx = self.world.ctx(0);
        self.world.say(|| format!("the payer of {id} wants route {to}"));
        tasks::now(request_move(&ctx, &payment, to)).unwrap();
        self.world.count("wish");
    }

    /// A bank is out of order for a while.
    fn break_bank(&mut self) {
        let bank = self.world.chance.below(2);
        let kind = self.world.chance.weighted(&[
            (3, FaultKind::Status { status: 502 }),
            (2, FaultKind::Status { status: 403 }),
            (3, FaultKind::ReplyLost),
            (2, FaultKind::Hang { ms: 30_000 }),
        ]);
        let times = u32::try_from(self.world.chance.between(2, 8)).unwrap();
        self.control(bank, &Control::Fault(Fault { kind, times, path: String::new() }));
        self.world.count("outage");
    }

    /// The shop gives a part back.
    fn refund(&mut self) {
        let Some(id) = self.pick() else { return };
        let ctx = self.world.ctx(1);
        let shop_id = self.world.banks[0].connection.shop_id.clone();
        let (refund_id, amount) = (ctx.mint.id("rf"), Money::from_kopecks(3_000).unwrap());
        let asked = self.world.write(move |tx| {
            flow::request_refund(tx, &ctx, &shop_id, &id, (&refund_id, amount, None))
        });
        if asked.is_ok() {
            self.world.count("refund requested");
        }
    }

    /// The shop takes what is held.
    fn capture(&mut self) {
        let Some(id) = self.pick() else { return };
        let ctx = self.world.ctx(0);
        let shop_id = self.world.banks[0].connection.shop_id.clone();
        let asked =
            self.world.write(move |tx| flow::request_capture(tx, &ctx, &shop_id, &id, None));
        if asked.is_ok() {
            self.world.count("capture requested");
        }
    }

    fn pick(&mut self) -> Option<String> {
        let ids: Vec<String> = self.links.iter().map(|link| link.id.clone()).collect();
        (!ids.is_empty()).then(|| self.world.chance.pick(&ids).clone())
    }

    fn find(&self, id: &str) -> Option<Payment> {
        let id = id.to_owned();
        let found: Result<_, DbError> = self.world.write(move |tx| find_payment_by_id(tx, &id));
        found.unwrap()
    }

    /// The link's row and its attempts'.
    fn rows(&self, link: &str) -> Vec<Payment> {
        let payment = self.find(link).expect("a link stays");
        let attempts: Vec<Payment> = payment
            .attempts
            .iter()
            .map(|it| self.find(&it.id).expect("an attempt stays"))
            .collect();
        [vec![payment], attempts].concat()
    }

    /// What the payer is shown now, he may keep in a tab.
    fn remember_pages(&mut self) {
        for at in 0..self.links.len() {
            let Some(payment) = self.find(&self.links[at].id) else { continue };
            let bank = usize::from(payment.connection_id != self.world.banks[0].connection.id);
            if payment.facts.bank_url.is_some()
                && let Some(id) = payment.facts.bank_id
            {
                self.links[at].pages.insert((bank, id));
            }
        }
    }

    fn operations(&mut self, bank: usize) -> Vec<Operation> {
        let now_ms = self.world.now_ms();
        truth::read(self.world.banks[bank].emulator.as_mut(), now_ms)
    }

    /// After each step: no more is believed than is so, and each unfinished row has its job.
    fn check(&mut self) -> Result<(), String> {
        let truth = [self.operations(0), self.operations(1)];
        let jobs = self.world.jobs();
        for link in &self.links {
            for row in self.rows(&link.id) {
                let bank = usize::from(row.connection_id != self.world.banks[0].connection.id);
                let own =
                    truth[bank].iter().find(|own| Some(&own.id) == row.facts.bank_id.as_ref());
                let paid = own.map_or(0, |own| own.paid);
                if row.facts.paid.kopecks() > paid {
                    return Err(format!("more paid than at the bank: {row:#?}"));
                }
                let is_over = matches!(
                    row.status(),
                    Status::Expired | Status::Canceled | Status::Failed | Status::Refunded
                ) || row.attempt_of.is_some() && row.status() == Status::Opening;
                let is_paid = !row.facts.paid.is_zero();
                let has_job = jobs.iter().any(|(_, subject, _)| *subject == row.id);
                if !is_over && !is_paid && !has_job {
                    return Err(format!("nobody drives {row:#?}"));
                }
            }
        }
        self.read_events()
    }

    fn read_events(&mut self) -> Result<(), String> {
        let rows: Result<Vec<(String, String)>, DbError> = self.world.write(|tx| {
            let rows = tx.query("select subject_id, kind from events order by seq", &[])?;
            rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
        });
        let mut said = BTreeMap::new();
        for (payment, kind) in rows.unwrap() {
            if !self.links.iter().any(|link| link.id == payment) {
                return Err(format!("{kind} was announced of {payment}, which is no link"));
            }
            *said.entry((payment, kind)).or_default() += 1;
        }
        if let Some(((id, kind), _)) =
            said.iter().find(|((_, kind), count)| kind.starts_with("payment.") && **count > 1)
        {
            return Err(format!("{kind} of {id} was announced twice"));
        }
        self.said = said;
        Ok(())
    }

    fn heal(&mut self) -> Result<(), String> {
        come_to_rest(self, QUIET_MS, MAX_ROUNDS)?;
        self.check()?;
        self.compare()
    }

    /// The shop wants none of what is still held; Tochka's holds run out by themselves.
    fn release_holds(&mut self) {
        for link in &self.links {
            let (ctx, id) = (self.world.ctx(0), link.id.clone());
            let shop_id = self.world.banks[0].connection.shop_id.clone();
            // Refused where there is no hold.
            let _ = self.world.write(move |tx| flow::request_void(tx, &ctx, &shop_id, &id));
        }
    }

    /// Every kopeck at both banks has its row; of each link one row at most kept its money.
    fn compare(&mut self) -> Result<(), String> {
        let truth = [self.operations(0), self.operations(1)];
        let mut known = BTreeSet::new();
        for at in 0..self.links.len() {
            let rows = self.rows(&self.links[at].id);
            for row in &rows {
                let bank = usize::from(row.connection_id != self.world.banks[0].connection.id);
                let own =
                    truth[bank].iter().find(|own| Some(&own.id) == row.facts.bank_id.as_ref());
                known.extend(own.map(|own| own.id.clone()));
                let held = own.map_or((0, 0), |own| (own.paid, own.refunded()));
                let ours = (row.facts.paid.kopecks(), row.refunded().kopecks());
                if ours != held {
                    return Err(format!("we say {ours:?}, the bank {held:?}: {own:#?} {row:#?}"));
                }
            }
            self.compare_link(at, &rows)?;
        }
        let strange = truth.iter().flatten().find(|own| own.paid > 0 && !known.contains(&own.id));
        strange.map_or(Ok(()), |own| Err(format!("paid, and nobody's: {own:#?}")))
    }

    fn compare_link(&mut self, at: usize, rows: &[Payment]) -> Result<(), String> {
        let (link, amount) = (self.links[at].id.clone(), self.links[at].amount);
        let (own, attempts) = rows.split_first().expect("the link itself");
        let paid_rows = rows.iter().filter(|row| !row.facts.paid.is_zero()).count();
        for attempt in attempts.iter().filter(|attempt| !attempt.facts.paid.is_zero()) {
            if attempt.refunded() != attempt.facts.paid {
                return Err(format!("paid twice and not given back: {rows:#?}"));
            }
        }
        if paid_rows > 0 && own.facts.paid.kopecks() != amount {
            return Err(format!("paid somewhere, and not the link: {rows:#?}"));
        }
        let said = |kind: &str| self.said.get(&(link.clone(), kind.to_owned())).copied();
        let (paid, twice) = (said("payment.paid"), said("duplicate.paid"));
        if paid != (paid_rows > 0).then_some(1) {
            return Err(format!("payment.paid was said {paid:?} times: {rows:#?}"));
        }
        // A link closed while it was being paid gives that money back by itself: no duplicate.
        let is_ours = |row: &&Payment| row.refunds.iter().any(|it| it.origin == Origin::Shop);
        let given = attempts.iter().filter(is_ours).count();
        let back = said("duplicate.refunded").unwrap_or(0);
        if back != given {
            return Err(format!("duplicate.refunded was said {back} times: {rows:#?}"));
        }
        if twice.unwrap_or(0) != given {
            return Err(format!("duplicate.paid was said {twice:?} times: {rows:#?}"));
        }
        let ended: &'static str = match (paid_rows, attempts.len()) {
            (0, 0) => "ended unpaid",
            (0, _) => "ended unpaid after a move",
            (1, 0) => "ended paid at the first",
            (1, _) => "ended paid after a move",
            _ => "ended paid twice",
        };
        self.world.count(ended);
        Ok(())
    }
}

impl Resting for Routed {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn is_work(kind: &str) -> bool {
        kind == payments::flow::JOB
    }

    fn check_round(&mut self, round: usize) -> Result<(), String> {
        if round.is_multiple_of(20) { self.check() } else { Ok(()) }
    }

    fn before_waiting(&mut self) {
        self.release_holds();
    }
}

fn run(seed: u64, is_traced: bool) -> Result<Stats, String> {
    let mut routed = Routed::new(seed, is_traced);
    for at in 0..routed.world.chance.between(150, 300) {
        routed.step();
        routed.remember_pages();
        if at % CHECK_EVERY == 0 {
            routed.check().map_err(|why| format!("after step {at}: {why}"))?;
        }
    }
    routed.heal()?;
    Ok(routed.world.stats)
}

#[test]
fn one_link_at_two_banks_is_paid_once() {
    Worlds {
        test: "sim::routed",
        regressions: &[],
        // Three rows of each link are driven to their end.
        max: 250,
        run,
        enough: 200,
        seen: &[
            "wish",
            "outage",
            "capture requested",
            "ended paid after a move",
            "ended paid twice",
        ],
    }
    .run();
}
