//! When the state is saved: before anybody is told what it holds.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use super::{
    banks::Hosted,
    host::Sandbox,
    problem::Problem,
    state_file::{Saved, VERSION},
};

impl Sandbox {
    /// After every change of what a snapshot holds.
    pub(super) fn touched(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Returns when what happened before this call is in the state file. Those who wait at the same
    /// time share one write.
    pub(super) async fn save(self: &Arc<Self>) -> Result<(), Problem> {
        if self.file.is_none() {
            return Ok(());
        }
        let wanted = self.changes.load(Ordering::SeqCst);
        let sandbox = self.clone();
        let written = tokio::task::spawn_blocking(move || sandbox.save_now(wanted)).await;
        written.map_err(anyhow::Error::from).flatten().map_err(|error| {
            tracing::error!("{error:#}");
            let hint = "the state file's disk may be full or read-only";
            Problem::new(500, "state_unsaved", format!("The sandbox cannot save: {error}."), hint)
        })
    }

    fn save_now(&self, wanted: u64) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.holds >= wanted {
            return Ok(());
        }
        // Read before the snapshot: a change in between is in the file and saved once more.
        let holds = self.changes.load(Ordering::SeqCst);
        let each = |bank: &Hosted| (bank.emulator.name().to_owned(), bank.emulator.snapshot());
        let (banks, in_flight) = (self.banks(), self.in_flight());
        let saved = Saved {
            version: VERSION,
            clock_offset_ms: self.clock().offset_ms(),
            seed: self.seed,
            banks: banks.iter().map(each).collect(),
            in_flight: in_flight.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect(),
        };
        drop((banks, in_flight));
        file.file.write(serde_json::to_vec(&saved)?)?;
        file.holds = holds;
        Ok(())
    }
}
