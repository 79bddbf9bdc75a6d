//! PostgreSQL: a few threads, each with its own connection and one closure at a time.
//!
//! The driver is synchronous and runs its own small runtime, so a connection is made, used and
//! dropped on its thread only.

mod link;
mod types;

use std::{
    sync::{Arc, Mutex, mpsc as std_mpsc},
    thread,
};

use anyhow::{Context as _, anyhow};
use link::{Link, Target};
use tokio::sync::mpsc;

use super::{
    DbError,
    address::PostgresSettings,
    work::{self, Job},
};

/// Waiting closures: about a second of work; beyond that callers wait in line.
const QUEUE: usize = 1024;

/// A handle to the threads.
pub(super) struct Pool {
    target: Arc<Target>,
    jobs: mpsc::Sender<Job>,
}

impl Pool {
    /// Returns once the first connection stands, so that a wrong password is known at the start.
    pub fn open(settings: PostgresSettings) -> anyhow::Result<Pool> {
        let threads = settings.pool;
        let target = Arc::new(Target::new(settings)?);
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let (ready, first) = std_mpsc::channel();
        for n in 0..threads {
            let (target, queue) = (Arc::clone(&target), Arc::clone(&queue));
            let ready = (n == 0).then(|| ready.clone());
            thread::Builder::new().name(format!("postgres-{n}")).spawn(move || {
                let mut link = Link::new(target);
                if let Some(ready) = ready {
                    // The receiver is gone only if opening failed, and then the queue ends too.
                    let _ = ready.send(link.connect());
                }
                while let Some(job) = work::take(&queue) {
                    link.serve(job);
                }
            })?;
        }
        first.recv()?.context("cannot connect to PostgreSQL")?;
        Ok(Pool { target, jobs })
    }

    pub async fn send(&self, job: Job) -> Result<(), DbError> {
        let sent = self.jobs.send(job).await;
        sent.map_err(|_| DbError::Unavailable("the database threads have ended".into()))
    }

    pub fn migrate(&self) -> anyhow::Result<Vec<&'static str>> {
        let target = Arc::clone(&self.target);
        let done = thread::spawn(move || link::migrate(&target)).join();
        done.map_err(|_| anyhow!("the migration panicked"))?
    }
}
