//! Waiting for somebody else: a payer, or the bank. Watches only; what is seen is judged by whoever
//! waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use tokio::time::Instant;

use super::{Stage, interrupted};
use crate::cli::fail::Fail;

/// A running server may hear of it by a notice: reading our own books costs nothing.
const TICK: Duration = Duration::from_millis(300);
/// Every so many ticks the bank is asked, which is every three seconds.
const ASK_EVERY: u32 = 10;

/// Looks until there is something, or the time for it is over (`None`). `look` is told whether to
/// ask the bank this time. Ctrl-C ends the wait between two looks.
pub async fn until<T>(
    stage: &Stage<'_>,
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut(bool) -> Result<Option<T>, Fail>,
) -> Result<Option<T>, Fail> {
    let start = Instant::now();
    let mut stopping = stage.stopping.subscribe();
    let bar = bar(stage.world.out.json, what, patience);
    let mut ticks = 0;
    loop {
        if let Some(seen) = look(ticks % ASK_EVERY == 0).await? {
            return Ok(Some(seen));
        }
        if start.elapsed() >= patience {
            return Ok(None);
        }
        ticks += 1;
        bar.set_position(start.elapsed().as_secs());
        bar.tick();
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stopping.wait_for(|stops| *stops) => return Err(interrupted()),
        }
    }
}

/// On standard error, and only where somebody watches; gone when the wait is, however it ends.
fn bar(json: bool, what: &str, patience: Duration) -> ProgressBar {
    let bar = ProgressBar::new(patience.as_secs()).with_finish(ProgressFinish::AndClear);
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    bar.set_draw_target(target);
    let look = "{spinner} {msg} {bar:24} {pos} of {len} s";
    if let Ok(style) = ProgressStyle::with_template(look) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}
