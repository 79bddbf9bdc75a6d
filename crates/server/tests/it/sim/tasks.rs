//! The executor: futures of several processes, polled by hand, dropped when their process dies.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use super::wire::SimWire;

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    process: usize,
    work: Work,
    /// Dies at this many polls from now: a crash between two lines.
    polls_left: u32,
}

#[derive(Default)]
pub struct Tasks {
    next: u64,
    all: BTreeMap<u64, Task>,
}

impl Tasks {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Starts a future and runs it until it first waits.
    pub fn spawn(
        &mut self,
        wire: &SimWire,
        process: usize,
        polls_left: u32,
        work: impl Future<Output = ()> + 'static,
    ) {
        self.next += 1;
        self.all.insert(self.next, Task { process, work: Box::pin(work), polls_left });
        self.poll(wire, self.next);
    }

    pub fn poll(&mut self, wire: &SimWire, id: u64) {
        let Some(task) = self.all.get_mut(&id) else { return };
        wire.network().current_task = id;
        let ended = task.work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        task.polls_left = task.polls_left.saturating_sub(1);
        if ended || task.polls_left == 0 {
            self.all.remove(&id);
        }
    }

    /// The process that a task belongs to, while it runs.
    pub fn process_of(&self, id: u64) -> Option<usize> {
        self.all.get(&id).map(|task| task.process)
    }

    /// All that the process was doing is gone; what it had sent goes on.
    pub fn crash(&mut self, process: usize) -> usize {
        let before = self.all.len();
        self.all.retain(|_, task| task.process != process);
        before - self.all.len()
    }
}

/// For what never waits: the database in memory answers at once.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the database in memory never waits"),
    }
}
