//! Walking through time in step with servers that follow the virtual clock: from one thing that is
//! due to the next, each done before the clock moves on. A leap over four hundred days would be a
//! server that was down for them; a walk is four hundred days.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{host::Sandbox, problem::Problem};
use crate::kit::clock::{Clock as _, SECOND_MS};

/// Who has not been heard for so long, in real time, is waited for no more.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server at rest: it did all that was due.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Where its clock stood then.
    offset_ms: i64,
    /// When it has something to do again.
    next_due_ms: Option<i64>,
    heard: Instant,
}

/// Where the clock is going, and who comes along.
#[derive(Debug, Default)]
pub(super) struct Walk {
    target_ms: i64,
    followers: BTreeMap<String, Rest>,
}

impl Sandbox {
    fn walk(&self) -> MutexGuard<'_, Walk> {
        self.walk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the clock is going: where it is, unless servers walk there step by step.
    pub fn target_ms(&self) -> i64 {
        self.walk().target_ms.max(self.clock().offset_ms())
    }

    /// Moves the clock at once, or sets out on a walk if servers follow it.
    pub async fn advance_ms(self: &Arc<Self>, ms: i64) -> Result<(), Problem> {
        let hint = "write `advance 3d`; to go back, start afresh without the state file";
        let target_ms = self.target_ms().checked_add(ms).filter(|_| ms >= 0);
        let may = |target_ms: &i64| self.clock().may_reach(*target_ms);
        let Some(target_ms) = target_ms.filter(may) else {
            let message = "the clock moves only forwards, ten years in all";
            return Err(Problem::invalid(message, hint));
        };
        {
            let mut walk = self.walk();
            walk.target_ms = target_ms;
            walk.followers.retain(|_, rest| rest.heard.elapsed() < PATIENCE);
            if !walk.followers.is_empty() {
                return Ok(());
            }
        }
        self.step_to(target_ms).await
    }

    /// Nobody is left to walk with: the rest of the way is a leap.
    pub async fn walk_on(self: &Arc<Self>) -> Result<(), Problem> {
        let target_ms = {
            let mut walk = self.walk();
            walk.followers.retain(|_, rest| rest.heard.elapsed() < PATIENCE);
            if !walk.followers.is_empty() {
                return Ok(());
            }
            walk.target_ms
        };
        self.step_to(target_ms).await
    }

    /// A server of this name is at rest. Once all are, and the banks have nothing on its way, the
    /// clock goes on to the next thing that is due.
    pub async fn rest(
        self: &Arc<Self>,
        name: String,
        offset_ms: i64,
        next_due_ms: Option<i64>,
    ) -> Result<(), Problem> {
        let step_ms = {
            let mut walk = self.walk();
            let here_ms = self.clock().offset_ms();
            let rest = Rest { offset_ms, next_due_ms, heard: Instant::now() };
            walk.followers.insert(name, rest);
            walk.followers.retain(|_, rest| rest.heard.elapsed() < PATIENCE);
            let is_together = walk.followers.values().all(|rest| rest.offset_ms == here_ms);
            if walk.target_ms <= here_ms || !is_together || !self.is_settled() {
                return Ok(());
            }
            let theirs = walk.followers.values().filter_map(|rest| rest.next_due_ms).min();
            // Who rested has to say so anew before the next step.
            walk.followers.values_mut().for_each(|rest| rest.offset_ms = -1);
            let ours = self.next_due().map(jiff::Timestamp::as_millisecond);
            let next_ms = theirs.into_iter().chain(ours).min();
            let now_ms = self.clock().now_ms();
            // What is due within a second is one step.
            let step = |next_ms: i64| here_ms + (next_ms - now_ms).max(SECOND_MS);
            next_ms.map_or(walk.target_ms, step).min(walk.target_ms)
        };
        self.step_to(step_ms).await
    }

    async fn step_to(self: &Arc<Self>, offset_ms: i64) -> Result<(), Problem> {
        let ms = offset_ms - self.clock().offset_ms();
        if ms <= 0 {
            return Ok(());
        }
        self.clock().advance_ms(ms).map_err(|message| Problem::invalid(message, ""))?;
        self.touched();
        self.save().await
    }
}

/// As a field of the sandbox.
pub(super) type SharedWalk = Mutex<Walk>;
