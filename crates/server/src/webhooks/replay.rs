//! Sending again: one delivery, all that failed, a range of events.

use super::{
    flow::{JOB, Problem, delivery_of},
    model::{Delivery, DeliveryState, Webhook},
    store::{self, deliveries},
};
use crate::{
    events::{EventFilter, StoredEvent, list_events},
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
};

/// Deliveries of one transaction.
const BATCH: i64 = 200;

/// What to send again to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Deliveries that were given up.
    Failed,
    /// These events, whether they were delivered or not; by number or by time, both ends included.
    Range(Range),
    /// One event.
    Event(String),
}

/// Empty ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub from_seq: Option<i64>,
    pub to_seq: Option<i64>,
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
}

impl Range {
    fn holds(&self, event: &StoredEvent) -> bool {
        self.from_ms.is_none_or(|from| event.at_ms >= from)
            && self.to_ms.is_none_or(|to| event.at_ms <= to)
    }

    fn is_past(&self, event: &StoredEvent) -> bool {
        self.to_seq.is_some_and(|to| event.seq > to)
    }
}

/// Sends one delivery again, whatever became of it; the same event with the same id.
pub async fn retry(ctx: &Ctx, shop_id: &str, delivery_id: &str) -> Result<Delivery, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), delivery_id.to_owned());
    ctx.db
        .write(move |tx| {
            let found = deliveries::find_delivery(tx, &shop_id, &id)?;
            let mut delivery = found.ok_or(Problem::NoSuchDelivery)?;
            let webhook = live(tx, &shop_id, &delivery.webhook_id)?;
            restart(tx, &inner, &mut delivery)?;
            wake(tx, &inner, &webhook)?;
            Ok(delivery)
        })
        .await
}

/// Sends again what is wanted, as far as the webhook wants such events; returns how many.
pub async fn replay(
    ctx: &Ctx,
    shop_id: &str,
    webhook_id: &str,
    wanted: Wanted,
) -> Result<i64, Problem> {
    // The last event that was looked at; a range may be longer than one transaction should be.
    let mut after_seq = match &wanted {
        Wanted::Range(Range { from_seq: Some(from), .. }) => from - 1,
        Wanted::Range(_) | Wanted::Failed | Wanted::Event(_) => 0,
    };
    let mut total = 0;
    loop {
        let (inner, wanted) = (ctx.clone(), wanted.clone());
        let (shop_id, id) = (shop_id.to_owned(), webhook_id.to_owned());
        let done: Result<(i64, Option<i64>), Problem> = ctx
            .db
            .write(move |tx| {
                let webhook = live(tx, &shop_id, &id)?;
                let done = match &wanted {
                    Wanted::Failed => again(tx, &inner, &webhook, after_seq)?,
                    Wanted::Range(range) => spread(tx, &inner, &webhook, range, after_seq)?,
                    Wanted::Event(event_id) => one(tx, &inner, &webhook, event_id)?,
                };
                wake(tx, &inner, &webhook)?;
                Ok(done)
            })
            .await;
        let (count, next) = done?;
        total += count;
        let Some(next) = next else { return Ok(total) };
        after_seq = next;
    }
}

/// The webhook, if anything can be sent to it.
fn live(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Webhook, Problem> {
    let webhook = store::lock_webhook(tx, id)?.filter(|it| it.shop_id == shop_id);
    let webhook = match webhook {
        Some(webhook) => webhook,
        // A delivery tells of a webhook that is gone.
        None if store::find_any_webhook(tx, id)?.is_some_and(|it| it.shop_id == shop_id) => {
            return Err(Problem::Removed);
        }
        None => return Err(Problem::NoSuchWebhook),
    };
    match webhook.disabled {
        Some((_, reason)) => Err(Problem::Disabled(reason)),
        None => Ok(webhook),
    }
}

/// Somebody looks at it now, so it need not rest.
fn wake(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook) -> Result<(), DbError> {
    let mut webhook = webhook.clone();
    webhook.health.rest_until_ms = 0;
    store::update_webhook(tx, &webhook)?;
    jobs::nudge(tx, &ctx.mint, JOB, &webhook.id, ctx.now_ms())
}

fn restart(tx: &mut dyn Tx, ctx: &Ctx, delivery: &mut Delivery) -> Result<(), DbError> {
    let now_ms = ctx.now_ms();
    delivery.state = DeliveryState::Pending;
    delivery.tries = 0;
    delivery.begun_ms = now_ms;
    delivery.due_ms = now_ms;
    deliveries::update_delivery(tx, delivery)
}

type Done = (i64, Option<i64>);

fn again(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook, after_seq: i64) -> Result<Done, Problem> {
    let failed = deliveries::list_failed(tx, &webhook.id, after_seq, BATCH)?;
    let (mut count, mut last) = (0, None);
    for mut delivery in failed {
        last = Some(delivery.event_seq);
        restart(tx, ctx, &mut delivery)?;
        count += 1;
    }
    Ok((count, last))
}

fn spread(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    webhook: &Webhook,
    range: &Range,
    after_seq: i64,
) -> Result<Done, Problem> {
    let filter = EventFilter { after_seq, ..Default::default() };
    let (mut count, mut last) = (0, None);
    for event in list_events(tx, &webhook.shop_id, &filter, BATCH)? {
        if range.is_past(&event) {
            return Ok((count, None));
        }
        last = Some(event.seq);
        if range.holds(&event) && webhook.kinds.want(&event.kind) {
            send(tx, ctx, webhook, &event)?;
            count += 1;
        }
    }
    Ok((count, last))
}

fn one(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook, event_id: &str) -> Result<Done, Problem> {
    let found = crate::events::find_event(tx, &webhook.shop_id, event_id)?;
    let event = found.ok_or(Problem::NoSuchEvent)?;
    send(tx, ctx, webhook, &event)?;
    Ok((1, None))
}

fn send(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook, event: &StoredEvent) -> Result<(), DbError> {
    match deliveries::find_of_event(tx, &webhook.id, &event.id)? {
        Some(mut delivery) => restart(tx, ctx, &mut delivery),
        None => {
            deliveries::insert_delivery(tx, &delivery_of(ctx, webhook, event))?;
            Ok(())
        }
    }
}
