//! The network between Kopeck and the banks. A request waits here until the world decides what
//! becomes of it: it never leaves, gets lost, reaches the bank, is answered or not.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};

use kopeck::kit::net::{BoxFuture, Wire};
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
};

/// How long Kopeck waits for a reply, as its real wire does.
pub const TIMEOUT_MS: i64 = 30_000;
/// How long a request may wander about after its sender gave up: a bank's queue, a proxy.
pub const WANDER_MS: i64 = 10 * 60_000;

/// Where a request is.
#[derive(Debug)]
pub enum Stage {
    /// Decided, not yet on the network: a crash now means that the bank never hears of it.
    Leaving,
    OnWay,
    /// The bank has dealt with it; this is on its way back.
    Answered(HttpReply),
}

#[derive(Debug)]
pub struct Flight {
    /// Whose request it is, as numbered by the executor.
    pub task: u64,
    pub request: HttpRequest,
    pub sent_ms: i64,
    pub stage: Stage,
    /// Nobody waits any more: the sender timed out or died.
    pub is_orphan: bool,
}

#[derive(Debug, Default)]
pub struct Network {
    next: u64,
    /// The task that is being polled.
    pub current_task: u64,
    pub now_ms: i64,
    pub flights: BTreeMap<u64, Flight>,
    heard: BTreeMap<u64, Heard>,
}

impl Network {
    /// What the sender hears, if it still listens; returns the task that can go on.
    pub fn answer(&mut self, id: u64, heard: Heard) -> Option<u64> {
        let flight = self.flights.remove(&id)?;
        if flight.is_orphan {
            return None;
        }
        self.heard.insert(id, heard);
        Some(flight.task)
    }

    /// The sender gives up; the request may go on wandering.
    pub fn time_out(&mut self, id: u64) -> Option<u64> {
        let flight = self.flights.get_mut(&id).filter(|flight| !flight.is_orphan)?;
        flight.is_orphan = true;
        self.heard.insert(id, Err(Silence::Lost("timed out".into())));
        Some(flight.task)
    }

    pub fn forget(&mut self, id: u64) {
        self.flights.remove(&id);
    }

    fn abandon(&mut self, id: u64) {
        self.heard.remove(&id);
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.is_orphan = true;
        if !matches!(flight.stage, Stage::OnWay) {
            self.flights.remove(&id);
        }
    }
}

/// The wire of every process in the world.
#[derive(Clone, Default)]
pub struct SimWire(Arc<Mutex<Network>>);

impl SimWire {
    pub fn network(&self) -> MutexGuard<'_, Network> {
        self.0.lock().unwrap()
    }
}

impl Wire for SimWire {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        Box::pin(Parked { wire: self.clone(), request: Some(request), id: None })
    }
}

struct Parked {
    wire: SimWire,
    request: Option<HttpRequest>,
    id: Option<u64>,
}

impl Future for Parked {
    type Output = Heard;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Heard> {
        let wire = self.wire.clone();
        let mut network = wire.network();
        if let Some(request) = self.request.take() {
            let id = network.next;
            network.next += 1;
            let (task, sent_ms) = (network.current_task, network.now_ms);
            let stage = Stage::Leaving;
            network.flights.insert(id, Flight { task, request, sent_ms, stage, is_orphan: false });
            self.id = Some(id);
            return Poll::Pending;
        }
        let id = self.id.unwrap();
        let Some(heard) = network.heard.remove(&id) else { return Poll::Pending };
        self.id = None;
        Poll::Ready(heard)
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.wire.network().abandon(id);
        }
    }
}
