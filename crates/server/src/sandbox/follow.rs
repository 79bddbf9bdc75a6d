//! A server's side of the virtual clock: it moves when the sandbox's does, and tells the sandbox
//! when everything that was due is done.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{client::Client, clock::SandboxClock, problem::Problem};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    runner::Nudge,
    webhooks,
};

/// While something is to be done.
const BUSY: Duration = Duration::from_millis(10);
/// While nothing is, and nobody walks.
const IDLE: Duration = Duration::from_millis(200);
/// While the sandbox does not answer.
const LOST: Duration = Duration::from_secs(1);

/// Sets the clock to the sandbox's, before anything is due by it.
pub async fn catch_up(clock: &SandboxClock, client: &Client) -> Result<(), Problem> {
    set(clock, &client.clock().await?)
}

/// Forwards only.
fn set(clock: &SandboxClock, told: &Value) -> Result<(), Problem> {
    let ms = told["offset_ms"].as_i64().unwrap_or(0) - clock.offset_ms();
    if ms <= 0 {
        return Ok(());
    }
    let wrong = |message: String| Problem::new(0, "sandbox_unreachable", message, "");
    clock.advance_ms(ms).map_err(wrong)
}

/// When the next job is due; `None` while there is something to do now.
fn rest(tx: &mut dyn Tx, now_ms: i64) -> Result<Option<Option<i64>>, DbError> {
    if !jobs::is_idle(tx, now_ms)? || webhooks::flow::is_behind(tx)? {
        return Ok(None);
    }
    jobs::find_next_due(tx).map(Some)
}

/// Follows the sandbox for as long as it is polled.
pub async fn follow(ctx: Ctx, clock: Arc<SandboxClock>, client: Client, nudge: Nudge) {
    let name = ctx.mint.id("server");
    let mut is_lost = false;
    loop {
        let (now_ms, offset_ms) = (ctx.now_ms(), clock.offset_ms());
        let standing: Result<_, DbError> = ctx.db.read(move |tx| rest(tx, now_ms)).await;
        let Ok(Some(next_due_ms)) = standing else {
            tokio::time::sleep(BUSY).await;
            continue;
        };
        let told = client.rest(&name, offset_ms, next_due_ms).await;
        let moved = told.and_then(|told| set(&clock, &told).map(|()| told));
        let nap = match moved {
            Ok(_) if clock.offset_ms() > offset_ms => {
                nudge.notify_one();
                BUSY
            }
            Ok(told) if told["target_offset_ms"].as_i64() > Some(offset_ms) => BUSY,
            Ok(_) => IDLE,
            Err(_) => LOST,
        };
        if nap == LOST && !is_lost {
            tracing::warn!("the sandbox does not answer: its clock is not followed meanwhile");
        }
        is_lost = nap == LOST;
        tokio::time::sleep(nap).await;
    }
}
