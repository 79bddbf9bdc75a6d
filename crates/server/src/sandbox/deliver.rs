//! Carries the emulators' notices to their receivers, when the virtual time for it has come.
//!
//! Never retries by itself: how often and when is the bank's rule, hence the emulator's.

use std::{sync::Arc, time::Duration};

use kopeck_banks::{
    emulator::Delivery,
    http::{HttpReply, HttpRequest, Method},
};
use tokio::sync::Semaphore;

use super::host::Sandbox;

/// A bank does not wait for ever; no bank says how long, and ten seconds is what they retry at.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Enough to show a receiver what a burst is, few enough for a small machine.
const MAX_IN_FLIGHT: usize = 32;
/// The clock below the virtual one may jump without a word, so it is looked at this often.
const MAX_NAP: Duration = Duration::from_secs(1);
/// A receiver must not fill our memory.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// When something is due but nothing is given: no busy loop.
const MIN_NAP: Duration = Duration::from_millis(20);

impl Sandbox {
    /// The delivery loop; ends after [`Sandbox::close`].
    pub async fn carry_notices(self: Arc<Self>) -> anyhow::Result<()> {
        let client = reqwest::Client::builder()
            .timeout(DELIVERY_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // A receiver on this machine must not be looked for behind a company proxy.
            .no_proxy()
            .user_agent("kopeck-sandbox")
            .build()?;
        let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        tokio::select! {
            () = self.closed() => Ok(()),
            ended = self.carry_all(&client, &slots) => ended,
        }
    }

    async fn carry_all(
        self: &Arc<Self>,
        client: &reqwest::Client,
        slots: &Arc<Semaphore>,
    ) -> anyhow::Result<()> {
        loop {
            let changed = self.changed.notified();
            let due = self.take_due();
            let nap = if due.is_empty() { self.nap() } else { Duration::ZERO };
            if !due.is_empty() {
                self.save_or_log().await;
            }
            for (bank, delivery) in due {
                let slot = slots.clone().acquire_owned().await?;
                let (sandbox, client) = (self.clone(), client.clone());
                tokio::spawn(async move {
                    let reply = send(&client, &delivery.request).await;
                    sandbox.report(bank, delivery.id, reply).await;
                    drop(slot);
                });
            }
            let _ = tokio::time::timeout(nap, changed).await;
        }
    }

    /// Counts what it takes as in flight under the same lock, so that nobody sees a moment in which
    /// a notice is neither due nor on its way.
    fn take_due(&self) -> Vec<(&'static str, Delivery)> {
        let now = self.now();
        let mut due = Vec::new();
        for bank in self.banks().iter_mut() {
            let name = bank.emulator.name();
            let polled = bank.emulator.poll(now);
            self.in_flight().extend(polled.iter().map(|delivery| (name, delivery.id)));
            due.extend(polled.into_iter().map(|delivery| (name, delivery)));
        }
        if !due.is_empty() {
            self.touched();
        }
        due
    }

    async fn report(self: &Arc<Self>, bank: &'static str, id: u64, reply: Option<HttpReply>) {
        let now = self.now();
        let status = reply.as_ref().map(|reply| reply.status);
        tracing::debug!(bank, id, ?status, "notice carried");
        self.find_bank(bank, |hosted| {
            hosted.emulator.answered(now, id, reply.as_ref());
            self.in_flight().remove(&(bank, id));
        });
        self.touched();
        self.save_or_log().await;
    }

    /// A notice goes out even when the disk is full: `save` has logged why, and requests say so.
    async fn save_or_log(self: &Arc<Self>) {
        let _ = self.save().await;
    }

    fn nap(&self) -> Duration {
        let Some(due) = self.next_due() else { return MAX_NAP };
        let wait_ms = due.as_millisecond().saturating_sub(self.now().as_millisecond());
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        wait.clamp(MIN_NAP, MAX_NAP)
    }
}

/// The receiver's answer, or `None` when it did not answer in time or at all.
async fn send(client: &reqwest::Client, request: &HttpRequest) -> Option<HttpReply> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut call = client.request(method, &request.url).body(request.body.clone());
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    match hear(call).await {
        Ok(reply) => Some(reply),
        Err(error) => {
            tracing::info!("notice not delivered: {}", error.without_url());
            None
        }
    }
}

/// Of the body only the beginning: the longest word that a bank waits for is short.
async fn hear(call: reqwest::RequestBuilder) -> reqwest::Result<HttpReply> {
    let mut response = call.send().await?;
    let (status, mut body) = (response.status().as_u16(), Vec::new());
    while body.len() < MAX_ANSWER_BYTES {
        let Some(chunk) = response.chunk().await? else { break };
        body.extend_from_slice(&chunk);
    }
    Ok(HttpReply::new(status, "text/plain", body))
}
