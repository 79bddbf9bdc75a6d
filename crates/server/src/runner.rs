//! Runs due jobs: claims them, runs each outside any transaction, confirms.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    customers, desks, instruments,
    integrations::{self, keys::REKEY_JOB, poll::POLL_JOB},
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS},
        db::DbError,
        jobs::{self, After, Job, Lane},
    },
    payments, places, reconcile, shops, subscriptions, webhooks,
};

/// Jobs running at once in one process: enough to keep a bank's API busy, few enough for a server
/// with one core.
const PARALLEL: usize = 32;
/// Webhooks driven at once. One that hangs holds its place for the time of a request, then rests.
const PARALLEL_WEBHOOKS: usize = 128;
/// Jobs that tell somebody outside: in a lane of their own.
const TOLD: &[&str] = &[
    webhooks::flow::JOB,
    integrations::flow::JOB,
    integrations::bitrix24::drive::JOB,
    POLL_JOB,
    REKEY_JOB,
];
/// Jobs claimed at once; no more than can run soon, since a claimed job is on its lease.
const CLAIM: i64 = 16;
/// How often an idle runner looks: another process may have made a job due.
const IDLE: Duration = Duration::from_millis(500);
/// Waits after a failure of our own, by the number of tries in a row.
const FAILURE_WAIT_MS: [i64; 5] = [2_000, 10_000, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS];

/// Wakes the runner of this process when something became due.
pub type Nudge = Arc<Notify>;

/// One job to its end, by its kind. Never panics, never returns an error: what went wrong is in
/// the `After`.
pub async fn run(ctx: &Ctx, job: &Job) -> After {
    let result = match job.kind.as_str() {
        payments::flow::JOB => payments::drive::drive(ctx, job).await,
        places::flow::JOB => places::drive::drive(ctx, job).await,
        desks::flow::JOB => desks::drive::drive(ctx, job).await,
        desks::flow::DOUBT_JOB => desks::doubts::run(ctx, job).await,
        instruments::flow::JOB => customers::drive::look(ctx, job).await,
        places::flow::LISTING_JOB => places::listing::run(ctx, job).await,
        payments::receipts::JOB => payments::receipts::close::drive(ctx, job).await,
        subscriptions::flow::JOB => subscriptions::drive::drive(ctx, job).await,
        reconcile::flow::JOB => run_sweep(ctx, job).await,
        webhooks::flow::JOB => webhooks::drive::drive(ctx, job).await,
        integrations::flow::JOB => integrations::drive::drive(ctx, job).await,
        POLL_JOB => integrations::poll::run(ctx, job).await,
        REKEY_JOB => integrations::keys::rekey(ctx, job).await,
        integrations::bitrix24::drive::JOB => integrations::bitrix24::drive::drive(ctx, job).await,
        unknown => {
            tracing::error!(
                unknown,
                "a job of the unknown kind {unknown}; made by a newer version?"
            );
            Ok(After::At(ctx.now_ms() + DAY_MS))
        }
    };
    result.unwrap_or_else(|error| {
        tracing::error!(kind = job.kind, subject = job.subject, "job failed: {error:#}");
        let tries = usize::try_from(job.tries - 1).unwrap_or_default();
        let wait_ms = FAILURE_WAIT_MS[tries.min(FAILURE_WAIT_MS.len() - 1)];
        After::Retry { at_ms: ctx.now_ms() + wait_ms, why: format!("{error:#}") }
    })
}

async fn run_sweep(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let connection_id = job.subject.as_str();
    let Some(connection) = shops::flow::find_connection(ctx, connection_id).await? else {
        return Ok(After::Done);
    };
    let report = reconcile::flow::daily(ctx, &connection, job).await?;
    let (known, healed) = (report.known, report.healed.len());
    tracing::info!(connection_id, known, healed, "swept {connection_id}: healed {healed}");
    Ok(After::At(ctx.now_ms() + DAY_MS))
}

/// Runs the job and confirms it.
pub async fn run_and_finish(ctx: &Ctx, job: Job) -> Result<After, DbError> {
    let after = run(ctx, &job).await;
    let (kept, now_ms) = (after.clone(), ctx.now_ms());
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await;
    saved.map(|()| kept)
}

/// Claims due jobs of every lane, at most `limit`; new events are spread over webhooks first.
pub async fn claim_due(ctx: &Ctx, limit: i64) -> Result<Vec<Job>, DbError> {
    spread(ctx).await?;
    claim(ctx, Lane::All, limit).await
}

async fn claim(ctx: &Ctx, lane: Lane, limit: i64) -> Result<Vec<Job>, DbError> {
    let inner = ctx.clone();
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::claim_due_of(tx, &inner.mint, lane, now_ms, limit)).await
}

/// Spreads new events over webhooks and integrations. A read first, as in [`claim_if_due`].
async fn spread(ctx: &Ctx) -> Result<(), DbError> {
    // What keeps one of the two from being told is no reason for the other.
    let news = spread_news(ctx).await;
    while ctx.db.read(webhooks::flow::is_behind).await? {
        let inner = ctx.clone();
        ctx.db.write(move |tx| webhooks::flow::fan_out(tx, &inner)).await?;
    }
    if let Err(error) = news {
        tracing::error!(%error, "what integrations want to hear of cannot be told from what is");
    }
    Ok(())
}

async fn spread_news(ctx: &Ctx) -> Result<(), DbError> {
    while ctx.db.read(integrations::flow::is_behind).await? {
        let inner = ctx.clone();
        ctx.db.write(move |tx| integrations::flow::fan_out(tx, &inner)).await?;
    }
    Ok(())
}

/// What is the bank's and what is the webhooks' in one process, each in its own lane, so that
/// receivers that hang never take a place from the bank's jobs.
pub async fn run_both(ctx: Ctx, nudge: Nudge, stopped: watch::Receiver<bool>) {
    let webhooks_nudge = Nudge::default();
    let (rest, webhooks) = (Lane::Except(TOLD), Lane::Only(TOLD));
    let end = async |mut stopped: watch::Receiver<bool>| {
        // An error means that the sender is gone: the same as an order to stop.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let first = Runner { lane: rest, parallel: PARALLEL, next: Some(webhooks_nudge.clone()) };
    let second = Runner { lane: webhooks, parallel: PARALLEL_WEBHOOKS, next: None };
    tokio::join!(
        first.run_until(&ctx, nudge, end(stopped.clone())),
        second.run_until(&ctx, webhooks_nudge, end(stopped)),
    );
}

/// Runs the jobs of one lane.
struct Runner {
    lane: Lane,
    parallel: usize,
    /// Whom to wake when something was done here, or somebody woke us: events come of it.
    next: Option<Nudge>,
}

impl Runner {
    /// Runs due jobs until `stop` resolves, then lets the running ones end.
    async fn run_until(&self, ctx: &Ctx, nudge: Nudge, stop: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        tokio::pin!(stop);
        loop {
            while running.try_join_next().is_some() {}
            let claimed = self.claim_if_due(ctx, running.len()).await.unwrap_or_else(|error| {
                tracing::error!("jobs cannot be claimed: {error}");
                Vec::new()
            });
            let got_some = !claimed.is_empty();
            for job in claimed {
                let ctx = ctx.clone();
                running.spawn(async move {
                    if let Err(error) = run_and_finish(&ctx, job).await {
                        tracing::error!("a job's end was not saved: {error}");
                    }
                });
            }
            if got_some {
                continue;
            }
            let is_busy = !running.is_empty();
            tokio::select! {
                () = &mut stop => break,
                () = nudge.notified() => {}
                _ = running.join_next(), if is_busy => {}
                () = tokio::time::sleep(IDLE) => {}
            }
            if let Some(next) = &self.next {
                next.notify_one();
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// A read first: an idle server must not write and sync twice a second.
    async fn claim_if_due(&self, ctx: &Ctx, running: usize) -> Result<Vec<Job>, DbError> {
        if self.next.is_none() {
            spread(ctx).await?;
        }
        let free = self.parallel.saturating_sub(running);
        let limit = i64::try_from(free).unwrap_or(CLAIM).min(CLAIM);
        let (lane, now_ms) = (self.lane, ctx.now_ms());
        let is_due = limit > 0 && ctx.db.read(move |tx| jobs::is_due_of(tx, lane, now_ms)).await?;
        if is_due { claim(ctx, lane, limit).await } else { Ok(Vec::new()) }
    }
}
