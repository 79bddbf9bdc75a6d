//! `kopeck qr watch`: payments by codes as they come, until Ctrl-C.

use std::time::Duration;

use clap::Args;
use kopeck_banks::Money;
use serde_json::Value;
use tokio::time::Instant;

use super::place::find;
use crate::{
    cli::{
        context::{Globals, World},
        fail::Fail,
        print::{FAINT, GOOD, err_line, moscow, paint},
    },
    events::{EventFilter, EventKind, StoredEvent, find_last_seq, list_events},
    kit::db::DbError,
    places::{listing::run_now, store},
};

/// A running server hears of a payment by a notice: reading our own books costs nothing.
const TICK: Duration = Duration::from_millis(500);
/// Where no server runs, the bank's list is read here.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// Events of one look; the next look reads on.
const BATCH: i64 = 200;

/// Money that came, also in another sum than the code's.
const SHOWN: [EventKind; 2] = [EventKind::PaymentPaid, EventKind::PaymentAmountMismatch];

/// Show payments by codes as they come
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Only those of this place
    #[arg(long, value_name = "ID")]
    place: Option<String>,
}

impl WatchArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        if let Some(id) = &self.place {
            find(&world, id).await?;
        }
        let shop_id = world.shop.id.clone();
        let last: Result<i64, DbError> =
            world.ctx.db.read(move |tx| find_last_seq(tx, &shop_id)).await;
        let mut after_seq = last?;
        if !globals.json {
            err_line(&paint(FAINT, "Waiting for payments; Ctrl-C ends it."));
        }
        let mut listed: Option<Instant> = None;
        let stop = tokio::signal::ctrl_c();
        tokio::pin!(stop);
        // Listened to from now on, also while the first lists are read.
        tokio::select! {
            biased;
            _ = &mut stop => return Ok(()),
            () = std::future::ready(()) => {}
        }
        loop {
            // A look that was begun ends: a lease left behind would rest for a minute.
            if listed.is_none_or(|at| at.elapsed() >= LIST_EVERY) {
                listed = Some(Instant::now());
                read_lists(&world).await?;
            }
            after_seq = self.look(&world, after_seq).await?;
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = &mut stop => return Ok(()),
            }
        }
    }

    /// Shows what came after this event; returns the last one seen.
    async fn look(&self, world: &World, mut after_seq: i64) -> Result<i64, Fail> {
        let shop_id = world.shop.id.clone();
        let filter = EventFilter { after_seq, kind: None, subject_id: None };
        let found: Result<Vec<StoredEvent>, DbError> =
            world.ctx.db.read(move |tx| list_events(tx, &shop_id, &filter, BATCH)).await;
        for event in found? {
            after_seq = event.seq;
            if !SHOWN.iter().any(|kind| kind.as_str() == event.kind) {
                continue;
            }
            let Ok(payment) = serde_json::from_str::<Value>(&event.body) else { continue };
            let Some(place_id) = payment["place_id"].as_str() else { continue };
            if self.place.as_deref().is_some_and(|wanted| wanted != place_id) {
                continue;
            }
            if world.out.json {
                world.out.write_json_line(&payment)?;
            } else {
                world.out.line(&describe(world, place_id, &event, &payment).await?)?;
            }
        }
        Ok(after_seq)
    }
}

async fn describe(
    world: &World,
    place_id: &str,
    event: &StoredEvent,
    payment: &Value,
) -> Result<String, Fail> {
    let id = place_id.to_owned();
    let place: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::find_place_by_id(tx, &id)).await;
    let name = place?.map_or_else(|| place_id.to_owned(), |place| place.name);
    let kopecks = payment["paid_kopecks"].as_i64().unwrap_or_default();
    let sum = Money::from_kopecks(kopecks).unwrap_or_default().to_human();
    let who = payment["customer"]["name"].as_str().unwrap_or("");
    let phone = payment["customer"]["phone"].as_str().unwrap_or("");
    let is_other = event.kind == EventKind::PaymentAmountMismatch.as_str();
    let phone =
        if is_other { format!("{phone}  (не та сумма)") } else { phone.to_owned() };
    let (sum, at) = (paint(GOOD, &sum), paint(FAINT, &moscow(event.at_ms)));
    Ok(format!("{at}  {sum}  {name}  {who} {phone}").trim_end().to_owned())
}

/// Where a server runs, it is at it; whoever holds the lease reads.
async fn read_lists(world: &World) -> Result<(), Fail> {
    let found: Result<Vec<String>, DbError> = world.ctx.db.read(store::list_connections).await;
    for connection_id in found? {
        run_now(&world.ctx, &connection_id).await?;
    }
    Ok(())
}
