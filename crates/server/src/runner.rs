//! Runs due jobs: claims them, runs each outside any transaction, confirms.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};

use crate::{
    customers, desks, instruments,
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS},
        db::DbError,
        jobs::{self, After, Job},
    },
    payments, places, reconcile, shops, subscriptions,
};

/// Jobs running at once in one process: enough to keep a bank's API busy, few enough for a server
/// with one core.
const PARALLEL: usize = 32;
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

/// Claims due jobs, at most `limit`.
pub async fn claim_due(ctx: &Ctx, limit: i64) -> Result<Vec<Job>, DbError> {
    let inner = ctx.clone();
    ctx.db.write(move |tx| jobs::claim_due(tx, &inner.mint, inner.now_ms(), limit)).await
}

/// Runs due jobs until `stop` resolves, then lets the running ones end.
pub async fn run_until(ctx: Ctx, nudge: Nudge, stop: impl Future<Output = ()>) {
    let mut running = JoinSet::new();
    tokio::pin!(stop);
    loop {
        while running.try_join_next().is_some() {}
        let free = PARALLEL.saturating_sub(running.len());
        let limit = i64::try_from(free).unwrap_or(CLAIM).min(CLAIM);
        let claimed = if free > 0 { claim_if_due(&ctx, limit).await } else { Ok(Vec::new()) };
        let claimed = claimed.unwrap_or_else(|error| {
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
    }
    while running.join_next().await.is_some() {}
}

/// A read first: an idle server must not write and sync twice a second.
async fn claim_if_due(ctx: &Ctx, limit: i64) -> Result<Vec<Job>, DbError> {
    let next: Result<Option<i64>, DbError> = ctx.db.read(jobs::find_next_due).await;
    match next? {
        Some(due_ms) if due_ms <= ctx.now_ms() => claim_due(ctx, limit).await,
        Some(_) | None => Ok(Vec::new()),
    }
}
