//! What becomes of the requests on their way to the bank, and of the processes that sent them.

use kopeck_banks::{
    emulator::{Control, Fault, FaultKind, Served},
    exchange::Silence,
    http::HttpRequest,
    op::BankOp,
};

use super::{Decade, Life, MINUTE, Mode, Planted};
use crate::{
    harness::app::PUBLIC_URL,
    sim::wire::{Stage, WANDER_MS},
};

/// Longer than any lease.
const STALL_MS: i64 = 15 * MINUTE;
/// What the bank takes over a charge that it said it took.
const CHARGE_MS: i64 = 90_000;

/// Both banks tell of what they did; Tochka shows a charge only after a while.
pub(super) async fn register_notices(life: &Life) {
    if life.is_tbank() {
        return;
    }
    life.app.bank.edit(|memory| memory["timing"]["charge_ms"] = CHARGE_MS.into());
    let url = format!("{PUBLIC_URL}{}", life.app.notice_path());
    let kinds = vec!["acquiringInternetPayment".to_owned()];
    let op = BankOp::RegisterNotices { url, kinds, replace: false };
    kopeck::gateway::flow::ask_now(&life.app.ctx, &life.app.connection, &op).await.unwrap();
}

/// Whether the request takes money without its owner.
fn is_charge(request: &HttpRequest) -> bool {
    let path = request.path();
    path.ends_with("/ChargeQr") || path.ends_with("/charge")
}

impl Decade {
    /// Something happens to one request; `false` when none can move now.
    pub(super) fn move_flight(&mut self) -> bool {
        let now_ms = self.now_ms();
        self.held.retain(|_, until_ms| *until_ms > now_ms);
        let mut network = self.wire.network();
        network.now_ms = now_ms;
        let known = network.flights.iter();
        let free: Vec<_> = known
            .filter(|(id, _)| !self.held.contains_key(id))
            .map(|(id, flight)| (*id, flight.task, is_charge(&flight.request), flight.is_orphan))
            .collect();
        drop(network);
        if free.is_empty() {
            return false;
        }
        let (id, task, is_charge, is_orphan) = *self.life.chance.pick(&free);
        let dice = match self.mode {
            Mode::Wild => self.life.chance.below(1_000),
            Mode::Calm => 999,
        };
        let stage = self.wire.network().flights.get(&id).map(|flight| match flight.stage {
            Stage::Leaving => 0,
            Stage::OnWay => 1,
            Stage::Answered(_) => 2,
        });
        let woken = match stage {
            Some(0) => self.leave(id, dice, (task, is_charge)),
            Some(1) if is_orphan => {
                self.count("request arrives after its sender gave up");
                self.arrive(id)
            }
            Some(1) => self.go_on(id, dice),
            Some(_) => self.come_back(id, dice, (task, is_charge)),
            None => None,
        };
        if let Some(task) = woken {
            self.tasks.poll(&self.wire, task);
        }
        true
    }

    /// It was decided to send it.
    fn leave(&mut self, id: u64, dice: usize, (task, is_charge): (u64, bool)) -> Option<u64> {
        if dice < 8 {
            self.count("not sent");
            return self.wire.network().answer(id, Err(Silence::NotSent("no route".into())));
        }
        if dice < 10 {
            self.crash_of(task);
            return None;
        }
        if is_charge {
            self.count(match self.tasks.process_of(task) {
                Some(0) => "charge sent by the first process",
                _ => "charge sent by the second",
            });
        }
        if let Some(flight) = self.wire.network().flights.get_mut(&id) {
            flight.stage = Stage::OnWay;
        }
        None
    }

    /// It is on its way to the bank.
    fn go_on(&mut self, id: u64, dice: usize) -> Option<u64> {
        if dice < 8 {
            self.count("request lost");
            return self.wire.network().answer(id, Err(Silence::Lost("cut".into())));
        }
        if dice < 16 {
            self.count("request wanders");
            self.held.insert(id, self.now_ms() + self.life.chance.between(1, WANDER_MS));
            return self.wire.network().time_out(id);
        }
        self.arrive(id)
    }

    /// The bank has answered.
    fn come_back(&mut self, id: u64, dice: usize, (task, is_charge): (u64, bool)) -> Option<u64> {
        let dice = if is_charge { dice / 3 } else { dice };
        if dice < 12 {
            self.count(if is_charge { "answer to a charge lost" } else { "reply lost" });
            self.retry_if_careless(id);
            return self.wire.network().answer(id, Err(Silence::Lost("cut".into())));
        }
        if dice < 15 {
            self.count("stalled beyond its lease");
            self.held.insert(id, self.now_ms() + self.life.chance.between(MINUTE, STALL_MS));
            return None;
        }
        if dice < 17 {
            if is_charge {
                self.count("crash between a charge and its answer");
            }
            self.crash_of(task);
            return None;
        }
        let mut network = self.wire.network();
        let Stage::Answered(reply) = &network.flights.get(&id)?.stage else { return None };
        let heard = Ok(reply.clone());
        network.answer(id, heard)
    }

    /// The request reaches its bank.
    fn arrive(&mut self, id: u64) -> Option<u64> {
        let request = self.wire.network().flights.get(&id)?.request.clone();
        let served = self.life.app.bank.serve(&request);
        self.say(|| {
            let answer = match &served {
                Served::Now(reply) => reply.status.to_string(),
                Served::Later(_) | Served::Silence { .. } => "silence".into(),
            };
            format!("bank: {} {} -> {answer}", request.method.as_str(), request.path())
        });
        let mut network = self.wire.network();
        let Served::Now(reply) = served else {
            return network.answer(id, Err(Silence::Lost("the connection was cut".into())));
        };
        let flight = network.flights.get_mut(&id)?;
        flight.stage = Stage::Answered(reply);
        if flight.is_orphan {
            network.forget(id);
        }
        None
    }

    fn retry_if_careless(&mut self, id: u64) {
        let request = self.wire.network().flights.get(&id).map(|flight| flight.request.clone());
        if let Some(request) = request.filter(is_charge)
            && self.planted == Planted::ChargeRetried
        {
            self.life.app.bank.serve(&request);
        }
    }

    /// The process of this task dies with all that it was doing.
    fn crash_of(&mut self, task: u64) {
        self.count("crash");
        if let Some(process) = self.tasks.process_of(task) {
            self.restart(process);
        }
    }

    /// A week of another kind: notices that are lost, doubled, late; a bank that errs.
    pub(super) fn change_weather(&mut self, people: usize) {
        let times = u32::try_from(people / 100 + 1).unwrap();
        let kinds = [
            ("notice lost", FaultKind::NoticeLost),
            ("notice doubled", FaultKind::NoticeDoubled),
            ("notice hours late", FaultKind::NoticeDelayed { ms: 7_200_000 }),
            ("notice days late", FaultKind::NoticeDelayed { ms: 4 * 86_400_000 }),
            ("notice reordered", FaultKind::NoticeReordered),
            ("notice corrupted", FaultKind::NoticeCorrupted),
            ("bank errs", FaultKind::Status { status: 500 }),
            ("bank errs", FaultKind::Status { status: 429 }),
        ];
        let (what, kind) = *self.life.chance.pick(&kinds);
        self.count(what);
        let fault = Fault { kind, times, path: String::new() };
        self.life.app.bank.control(&Control::Fault(fault));
    }

    /// From now on nothing is lost.
    pub(super) fn calm(&mut self) {
        self.mode = Mode::Calm;
        self.life.app.bank.control(&Control::ClearFaults);
    }
}
