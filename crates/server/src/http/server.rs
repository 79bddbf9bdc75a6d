//! What handlers work with.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};

use crate::kit::Ctx;

/// Sizes and times of the HTTP face.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A payment with the largest metadata and a receipt of a hundred lines is below 100 KiB.
    pub api_body_bytes: usize,
    /// A bank's notice is below 4 KiB.
    pub notice_body_bytes: usize,
    /// How long a request waits for the bank before it answers with what is known.
    pub bank_wait: Duration,
    /// How long a repeated request waits for the answer of the first one: longer than that one
    /// waits for the bank.
    pub twin_wait: Duration,
    /// How long the head of a request may take to come, and a connection may say nothing.
    pub head_wait: Duration,
    /// How long the body of a request may take to come.
    pub body_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            api_body_bytes: 256 * 1024,
            notice_body_bytes: 64 * 1024,
            bank_wait: Duration::from_secs(4),
            twin_wait: Duration::from_secs(6),
            head_wait: Duration::from_secs(20),
            body_wait: Duration::from_secs(20),
        }
    }
}

/// The state of every route. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    pub ctx: Ctx,
    pub limits: Limits,
    /// Wakes the job runner of this process.
    pub nudge: Arc<Notify>,
    /// Tells pages that watch a payment to look again: something came of one just now.
    pub news: Arc<Notify>,
    /// Becomes true when the server is told to stop: what never ends by itself ends then.
    closing: Arc<watch::Sender<bool>>,
    /// Work that must not be cut off when its request goes away holds a receiver of this.
    tasks: Arc<watch::Sender<()>>,
}

impl Server {
    pub fn new(ctx: Ctx, nudge: Arc<Notify>, limits: Limits) -> Server {
        Server {
            ctx,
            limits,
            nudge,
            news: Arc::new(Notify::new()),
            closing: Arc::new(watch::channel(false).0),
            tasks: Arc::new(watch::channel(()).0),
        }
    }

    /// Runs the work to its end whatever becomes of the request. `None` if it panicked.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.spawn(work).await.ok()
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let running = self.tasks.subscribe();
        tokio::spawn(async move {
            let done = work.await;
            drop(running);
            done
        })
    }

    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Resolves once the server is told to stop.
    pub async fn closed(&self) {
        // An error means that the sender is gone: the same as an order to stop.
        let _ = self.closing.subscribe().wait_for(|is_closing| *is_closing).await;
    }

    /// Resolves once no such work is running.
    pub async fn idle(&self) {
        self.tasks.closed().await;
    }
}
