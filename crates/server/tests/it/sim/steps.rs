//! What may happen next: one random step of a merchant, a payer, a bank, the network, a machine.

use kopeck::{
    app,
    kit::db::DbError,
    payments::{self, flow, flow::NewPayment, model::Means, notices::Taken},
    runner,
    shops::model::Connection,
};
use kopeck_banks::{
    Money,
    bank::find_bank,
    emulator::{Control, Fault, FaultKind, Served},
    exchange::Silence,
    op::{CaptureMode, PayMethod},
};

use super::{
    tasks,
    wire::{Stage, TIMEOUT_MS, WANDER_MS},
    world::{self, DAY_MS, HOUR_MS, MINUTE_MS, Mail, Order, Planted, SECOND_MS, World},
};

/// Few sums, as of refunds.
const AMOUNTS: [i64; 3] = [10_000, 30_000, 100_000];

/// What a payer may choose from at T-Bank.
const METHODS: [&[PayMethod]; 3] =
    [&[PayMethod::Card], &[PayMethod::Sbp], &[PayMethod::Card, PayMethod::Sbp]];

#[derive(Clone, Copy)]
enum Step {
    Create,
    Pay,
    Decline,
    Expire,
    CabinetRefund,
    Capture,
    Refund,
    RunJobs,
    Wake,
    Flight,
    Mail,
    Forge,
    Fault,
    Clock,
    Crash,
    AllCrash,
}

const WEIGHTS: [(usize, Step); 16] = [
    (8, Step::Create),
    (10, Step::Pay),
    (1, Step::Decline),
    (1, Step::Expire),
    (5, Step::CabinetRefund),
    (6, Step::Capture),
    (12, Step::Refund),
    (16, Step::RunJobs),
    (4, Step::Wake),
    (60, Step::Flight),
    (8, Step::Mail),
    (1, Step::Forge),
    (3, Step::Fault),
    (9, Step::Clock),
    (2, Step::Crash),
    (1, Step::AllCrash),
];

/// Payments of one seed: enough to get into each other's way, few enough for many steps each.
const MAX_ORDERS: usize = 4;

impl World {
    pub fn step(&mut self) {
        if self.has_receipts && self.chance.percent(10) {
            self.receipt_step();
            return self.collect();
        }
        let step = self.chance.weighted(&WEIGHTS);
        match step {
            Step::Create if self.orders.len() < MAX_ORDERS => self.create(),
            Step::Create | Step::RunJobs => self.run_jobs(),
            Step::Pay => self.pay(),
            Step::Decline => self.decline(),
            Step::Expire => self.expire(),
            Step::CabinetRefund => self.cabinet_refund(),
            Step::Capture => self.request_capture(),
            Step::Refund => self.request_refund(),
            Step::Wake => self.wake_all(),
            Step::Flight => self.move_flight(),
            Step::Mail => self.move_mail(),
            Step::Forge => self.forge(),
            Step::Fault => self.set_fault(),
            Step::Clock => self.advance(),
            Step::Crash => {
                let process = self.chance.below(2);
                self.count("crash");
                self.restart(process);
            }
            Step::AllCrash => {
                self.restart(0);
                self.restart(1);
            }
        }
        self.collect();
    }

    fn create(&mut self) {
        let bank = self.chance.below(self.banks.len());
        let amount = *self.chance.pick(&AMOUNTS);
        if self.saves {
            return self.create_saving(bank, amount);
        }
        let is_hold = self.chance.percent(35);
        let minutes = *self.chance.pick(&[5, 30, 60, 60, 3 * 60, 24 * 60]);
        let new = NewPayment {
            schedule: None,
            amount: Money::from_kopecks(amount).unwrap(),
            purpose: "An order".into(),
            methods: vec![if is_hold { PayMethod::Card } else { PayMethod::Sbp }],
            capture: if is_hold { CaptureMode::Manual } else { CaptureMode::Automatic },
            order_id: Some("17".into()),
            ttl_minutes: minutes,
            success_url: None,
            fail_url: None,
            customer: None,
            receipt: self.has_receipts.then(|| self.draw_receipt(amount)),
            rates_until_ms: None,
            metadata: "{}".into(),
            means: Means::Payer,
            consent: None,
        };
        let ctx = self.ctx(self.orders.len() % 2);
        let connection = &self.banks[bank].connection;
        let bank_of = find_bank(&connection.bank).unwrap();
        let new = if connection.bank == "tbank" && !is_hold {
            let methods = *self.chance.pick(&METHODS);
            NewPayment { methods: methods.to_vec(), ..new }
        } else {
            new
        };
        let methods = new.methods.clone();
        let payment = flow::plan(&ctx, bank_of, connection, new).unwrap();
        let reference = payment.reference.clone();
        let order = Order {
            bank,
            payment_id: payment.id.clone(),
            reference,
            amount,
            methods,
            bank_id: None,
        };
        self.say(|| format!("create {}, {amount} kopecks, hold: {is_hold}", order.reference));
        let saved: Result<(), DbError> = self.write(move |tx| flow::create(tx, &ctx, &payment));
        saved.unwrap();
        self.orders.push(order);
    }

    pub fn pick_order(&mut self) -> Option<Order> {
        if self.orders.is_empty() {
            return None;
        }
        Some(self.chance.pick(&self.orders).clone())
    }

    /// Mostly an order whose operation at the bank is in one of these states, sometimes any.
    pub fn pick_order_at(&mut self, statuses: &[&str]) -> Option<Order> {
        let is_at = |order: &&Order| {
            let mut operations = self.banks[order.bank].truth.iter();
            let own = operations.find(|own| own.reference == order.reference);
            own.is_some_and(|own| statuses.contains(&own.status.as_str()))
        };
        let fit: Vec<Order> = self.orders.iter().filter(is_at).cloned().collect();
        if fit.is_empty() || self.chance.percent(10) {
            return self.pick_order();
        }
        Some(self.chance.pick(&fit).clone())
    }

    /// A process takes some of the due jobs.
    pub fn run_jobs(&mut self) {
        let process = self.chance.below(2);
        let limit = self.chance.between(1, 4);
        let polls = if self.chance.percent(12) { self.chance.between(1, 6) } else { i64::MAX };
        self.claim(process, limit, u32::try_from(polls).unwrap_or(u32::MAX));
    }

    /// Claims and starts due jobs; says how many.
    pub fn claim(&mut self, process: usize, limit: i64, polls: u32) -> usize {
        let ctx = self.ctx(process);
        let jobs = tasks::now(runner::claim_due(&ctx, limit)).unwrap();
        let count = jobs.len();
        for job in jobs {
            self.say(|| format!("process {process} runs {} {}", job.kind, job.subject));
            let ctx = ctx.clone();
            self.tasks.spawn(&self.wire, process, polls, async move {
                runner::run_and_finish(&ctx, job).await.unwrap();
            });
        }
        count
    }

    /// Lets a task go on, or its machine stall.
    fn resume(&mut self, task: u64) {
        if self.chance.percent(6) {
            self.stalled.push(task);
            self.count("stalled");
        } else {
            self.tasks.poll(&self.wire, task);
        }
    }

    pub fn wake_all(&mut self) {
        for task in std::mem::take(&mut self.stalled) {
            self.tasks.poll(&self.wire, task);
        }
    }

    /// Something happens to one request on the network.
    pub fn move_flight(&mut self) {
        let ids: Vec<u64> = self.wire.network().flights.keys().copied().collect();
        if ids.is_empty() {
            return self.run_jobs();
        }
        let id = *self.chance.pick(&ids);
        let dice = self.chance.below(100);
        let stage = self.wire.network().flights.get(&id).map(|flight| match flight.stage {
            Stage::Leaving => 0,
            Stage::OnWay => 1,
            Stage::Answered(_) => 2,
        });
        let task = match stage {
            Some(0) if dice < 5 => {
                self.count("not sent");
                self.wire.network().answer(id, Err(Silence::NotSent("no route".into())))
            }
            Some(0) => {
                if let Some(flight) = self.wire.network().flights.get_mut(&id) {
                    flight.stage = Stage::OnWay;
                }
                None
            }
            Some(1) if dice < 4 => {
                self.count("request lost");
                self.wire.network().answer(id, Err(Silence::Lost("cut".into())))
            }
            Some(1) if dice < 8 => {
                self.count("request wanders");
                self.wire.network().time_out(id)
            }
            Some(1) => self.arrive(id),
            Some(_) if dice < 10 => {
                self.count("reply lost");
                self.lose_reply(id)
            }
            Some(_) => self.bring_reply(id),
            None => None,
        };
        if let Some(task) = task {
            self.resume(task);
        }
    }

    /// The request reaches its bank.
    pub fn arrive(&mut self, id: u64) -> Option<u64> {
        let request = self.wire.network().flights.get(&id)?.request.clone();
        let now = self.now();
        let at = self.bank_of(&request);
        let served = self.banks[at].emulator.serve(now, &request);
        self.banks[at].is_changed = true;
        self.note_charge(&request, &served);
        self.say(|| {
            let answer = match &served {
                Served::Now(reply) => reply.status.to_string(),
                Served::Later(_) | Served::Silence { .. } => "silence".into(),
            };
            format!("bank {at} {} {} -> {answer}", request.method.as_str(), request.path())
        });
        let mut network = self.wire.network();
        match served {
            Served::Now(reply) => {
                let flight = network.flights.get_mut(&id)?;
                flight.stage = Stage::Answered(reply);
                if flight.is_orphan {
                    network.forget(id);
                }
                None
            }
            Served::Later(_) | Served::Silence { .. } => {
                network.answer(id, Err(Silence::Lost("the connection was cut".into())))
            }
        }
    }

    pub fn bring_reply(&mut self, id: u64) -> Option<u64> {
        let mut network = self.wire.network();
        let Stage::Answered(reply) = &network.flights.get(&id)?.stage else { return None };
        let heard = Ok(reply.clone());
        network.answer(id, heard)
    }

    fn lose_reply(&mut self, id: u64) -> Option<u64> {
        let request = self.wire.network().flights.get(&id)?.request.clone();
        if self.planted == Planted::RefundRetried && request.path().ends_with("/refund") {
            let (now, at) = (self.now(), self.bank_of(&request));
            self.banks[at].emulator.serve(now, &request);
            self.banks[at].is_changed = true;
        }
        self.wire.network().answer(id, Err(Silence::Lost("the reply was lost".into())))
    }

    pub fn set_fault(&mut self) {
        let bank = self.chance.below(self.banks.len());
        let kind = self.chance.weighted(&[
            (4, FaultKind::Status { status: 500 }),
            (4, FaultKind::Status { status: 502 }),
            (3, FaultKind::Status { status: 429 }),
            (1, FaultKind::Status { status: 403 }),
            (1, FaultKind::Status { status: 401 }),
            (6, FaultKind::ReplyLost),
            (3, FaultKind::Hang { ms: 30_000 }),
            (4, FaultKind::NoticeLost),
            (3, FaultKind::NoticeDelayed { ms: 40_000 }),
            (3, FaultKind::NoticeDoubled),
            (3, FaultKind::NoticeReordered),
            (3, FaultKind::NoticeCorrupted),
        ]);
        let path = if kind.is_of_notices() {
            ""
        } else {
            self.chance.pick(&["", "", "/payments", "/refund", "/refund", "/capture"])
        };
        let path = match path {
            "/payments" if self.banks[bank].is_tbank() => "/Init",
            "/refund" if self.banks[bank].is_tbank() => "/Cancel",
            "/capture" if self.banks[bank].is_tbank() => "/Confirm",
            path => path,
        };
        let times = u32::try_from(self.chance.between(1, 3)).unwrap();
        let fault = Fault { kind, times, path: path.into() };
        self.say(|| format!("bank {bank} will err: {fault:?}"));
        let now = self.now();
        self.banks[bank].emulator.control(now, &Control::Fault(fault)).unwrap();
    }

    pub fn advance(&mut self) {
        let ms = match self.chance.below(100) {
            0..68 => self.chance.between(1, 20) * SECOND_MS,
            68..86 => self.chance.between(1, 10) * MINUTE_MS,
            86..96 => self.chance.between(10, 180) * MINUTE_MS,
            96..99 => self.chance.between(3, 30) * HOUR_MS,
            _ => self.chance.between(1, 5) * DAY_MS,
        };
        self.advance_by(ms);
    }

    pub fn advance_by(&mut self, ms: i64) {
        self.clock.advance_ms(ms);
        let now_ms = self.now_ms();
        let mut network = self.wire.network();
        network.now_ms = now_ms;
        let ids: Vec<u64> = network.flights.keys().copied().collect();
        let mut waiting = Vec::new();
        for id in ids {
            let Some(flight) = network.flights.get(&id) else { continue };
            let (age_ms, stage) = (now_ms - flight.sent_ms, &flight.stage);
            let has_left = matches!(stage, Stage::OnWay);
            if flight.is_orphan && age_ms > WANDER_MS {
                network.forget(id);
            } else if !flight.is_orphan && age_ms >= TIMEOUT_MS {
                waiting.extend(network.time_out(id));
                if !has_left || age_ms > WANDER_MS {
                    network.forget(id);
                }
            }
        }
        drop(network);
        self.say(|| "…".to_owned());
        waiting.into_iter().for_each(|task| self.resume(task));
    }

    /// Takes what the banks want delivered, and tells them what was answered.
    pub fn collect(&mut self) {
        let now = self.now();
        for (bank, delivery, status) in self.answers.take() {
            self.banks[bank].emulator.delivered(now, delivery, Some(status));
        }
        for (at, bank) in self.banks.iter_mut().enumerate() {
            for delivery in bank.emulator.poll(now) {
                let body = delivery.request.body;
                self.mail.push(Mail { bank: at, delivery: delivery.id, body });
            }
        }
    }

    /// Something happens to one notice: it arrives, once or twice, in whatever order, or not.
    pub fn move_mail(&mut self) {
        if self.mail.is_empty() {
            return self.run_jobs();
        }
        let at = self.chance.below(self.mail.len());
        let mail = self.mail.swap_remove(at);
        let process = self.chance.below(2);
        match self.chance.below(100) {
            0..15 => {
                let now = self.now();
                self.banks[mail.bank].emulator.delivered(now, mail.delivery, None);
                self.count("notice lost");
            }
            15..25 => {
                self.count("notice doubled");
                let twin = Mail { body: mail.body.clone(), ..mail };
                self.take_notice(process, twin);
                self.take_notice(1 - process, mail);
            }
            25..30 => {
                let mut body = mail.body;
                let at = self.chance.below(body.len());
                body[at] ^= 1;
                self.count("notice corrupted");
                self.take_notice(process, Mail { body, ..mail });
            }
            _ => self.take_notice(process, mail),
        }
    }

    /// Another customer of the bank gives a payment of his own our reference, pays it to himself and
    /// sends us the notice that the bank signed for him.
    fn forge(&mut self) {
        if self.saves {
            return self.spoil_account();
        }
        let Some(order) = self.pick_order() else { return };
        if self.banks[order.bank].is_tbank() {
            return;
        }
        let body = world::sign_foreign(&order);
        self.count("foreign notice");
        self.say(|| format!("a foreign notice about {}", order.reference));
        self.take_notice(0, Mail { bank: order.bank, delivery: u64::MAX, body });
    }

    pub fn take_notice(&mut self, process: usize, mail: Mail) {
        self.say(|| format!("a notice of bank {} reaches process {process}", mail.bank));
        let own = &self.processes[process];
        let (ctx, refused) = (own.ctx.clone(), own.refused.clone());
        let (answers, news) = (self.answers.clone(), app::take_news);
        let Connection { id, bank, .. } = self.banks[mail.bank].connection.clone();
        self.tasks.spawn(&self.wire, process, u32::MAX, async move {
            let taken =
                payments::notices::take(&ctx, (&refused, news), &bank, &id, mail.body).await;
            let status = match taken {
                Ok(Taken::Kept) => 200,
                Ok(Taken::Refused) => 400,
                Ok(Taken::NoSuchConnection) => 404,
                Ok(Taken::TryAgain) | Err(_) => 503,
            };
            answers.borrow_mut().push((mail.bank, mail.delivery, status));
        });
    }
}
