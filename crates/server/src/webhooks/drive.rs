//! One webhook's deliveries, sent under the lease of its job: some at once while it answers, one at
//! a time while it is down. Requests are made between transactions.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use kopeck_banks::{exchange::Silence, http::HttpReply};

use super::{
    flow::{apply, excerpt, open, request},
    model::{Attempt, Delivery, DeliveryState, Webhook},
    payload,
    sign::Keyring,
    state::{Fate, Heard, settle},
    store::{self, deliveries},
    view::WebhookView,
};
use crate::{
    events::{EventKind, NewEvent, StoredEvent, find_event, insert_event},
    http::{ApiError, codes},
    kit::{
        Ctx,
        clock::{DAY_MS, SECOND_MS},
        db::{DbError, Tx},
        jobs::{self, After, Job, LEASE_MS},
    },
    todos::{self, Kind, NewTodo, Why},
};

/// Requests to one webhook at a time: enough for a busy shop, few enough for a small receiver.
const AT_ONCE: usize = 8;

/// How long attempts are kept, and how many older ones each new one sweeps away: more than one, so
/// that they become fewer.
const KEPT_MS: i64 = 90 * DAY_MS;
const SWEPT: i64 = 4;

/// A delivery with its event, about to leave.
struct Due {
    delivery: Delivery,
    event: StoredEvent,
}

/// What to do next.
struct Plan {
    webhook: Option<Webhook>,
    due: Vec<Due>,
    /// When nothing is in the air.
    after: After,
}

/// What came of a request.
struct Landed {
    delivery: Delivery,
    attempt: Attempt,
    heard: Heard,
}

type Flight = Pin<Box<dyn Future<Output = Landed> + Send>>;

/// Sends what is due until nothing is, or until the webhook has to rest.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let mut renewed_ms = ctx.now_ms();
    let (inner, id) = (ctx.clone(), job.subject.clone());
    let mut plan: Plan = ctx.db.read(move |tx| look(tx, &inner, &id, &[])).await?;
    let mut flying: Vec<(String, Flight)> = Vec::new();
    loop {
        if let Some(webhook) = &plan.webhook
            && !plan.due.is_empty()
        {
            let target = Arc::new((open(ctx, webhook)?, webhook.clone()));
            for due in std::mem::take(&mut plan.due) {
                let id = due.delivery.id.clone();
                flying.push((id, Box::pin(fly(ctx.clone(), Arc::clone(&target), due))));
            }
        }
        if flying.is_empty() {
            return Ok(plan.after);
        }
        let landed = land(&mut flying).await;
        let ids: Vec<String> = flying.iter().map(|(id, _)| id.clone()).collect();
        let (inner, job) = (ctx.clone(), job.clone());
        let is_old = ctx.now_ms() - renewed_ms > LEASE_MS / 4;
        let next: Result<Plan, DbError> = ctx
            .db
            .write(move |tx| {
                landed.iter().try_for_each(|landed| record(tx, &inner, landed))?;
                if is_old && !jobs::renew(tx, &job, inner.now_ms())? {
                    // Somebody else is at it now; what is in the air lands and is written down.
                    return Ok(Plan { webhook: None, due: Vec::new(), after: After::Done });
                }
                look(tx, &inner, &job.subject, &ids)
            })
            .await;
        plan = next?;
        if is_old {
            renewed_ms = ctx.now_ms();
        }
    }
}

/// What may leave now beside what is in the air.
fn look(tx: &mut dyn Tx, ctx: &Ctx, id: &str, flying: &[String]) -> Result<Plan, DbError> {
    let now_ms = ctx.now_ms();
    let idle = |after| Plan { webhook: None, due: Vec::new(), after };
    let Some(webhook) = store::find_any_webhook(tx, id)?.filter(Webhook::is_live) else {
        return Ok(idle(After::Done));
    };
    let Some(next_ms) = deliveries::find_next_due(tx, id, webhook.is_ordered)? else {
        return Ok(idle(After::Done));
    };
    let (rest_until_ms, is_down) = (webhook.health.rest_until_ms, webhook.health.is_down());
    // A webhook that is down is tried when it has rested, whatever its deliveries wait for.
    let after = After::At(if is_down { rest_until_ms } else { next_ms.max(rest_until_ms) });
    if rest_until_ms > now_ms {
        return Ok(idle(after));
    }
    let (room, until_ms) = if is_down { (1, i64::MAX) } else { (AT_ONCE, now_ms) };
    let room = room.saturating_sub(flying.len());
    if room == 0 {
        return Ok(idle(after));
    }
    let limit = i64::try_from(room + flying.len()).unwrap_or_default();
    let mut due = Vec::new();
    let listed = deliveries::list_due(tx, id, webhook.is_ordered, until_ms, limit)?;
    for delivery in listed.into_iter().filter(|it| !flying.contains(&it.id)).take(room) {
        let found = find_event(tx, &webhook.shop_id, &delivery.event_id)?;
        let missing = || DbError::Decode(format!("{} has no event", delivery.id));
        let event = found.ok_or_else(missing)?;
        due.push(Due { delivery, event });
    }
    Ok(Plan { webhook: Some(webhook), due, after })
}

/// Waits until some have ended. Polled by hand, so that it needs no runtime.
async fn land(flying: &mut Vec<(String, Flight)>) -> Vec<Landed> {
    poll_fn(|cx| {
        let mut landed = Vec::new();
        flying.retain_mut(|(_, flight)| match flight.as_mut().poll(cx) {
            Poll::Ready(done) => {
                landed.push(done);
                false
            }
            Poll::Pending => true,
        });
        if landed.is_empty() { Poll::Pending } else { Poll::Ready(landed) }
    })
    .await
}

/// One request.
async fn fly(ctx: Ctx, target: Arc<(Keyring, Webhook)>, due: Due) -> Landed {
    let (keyring, webhook) = &*target;
    let Due { delivery, event } = due;
    let at_ms = ctx.now_ms();
    let event_id = event.id.clone();
    let heard = match payload::render(event, webhook.payload) {
        Ok(body) => {
            let request = request(webhook, keyring, &event_id, at_ms, body);
            ctx.courier.send(request).await
        }
        Err(error) => Err(Silence::NotSent(format!("the event cannot be written: {error}"))),
    };
    let now_ms = ctx.now_ms();
    let (status, error, reply) = match &heard {
        Ok(reply) => (Some(i64::from(reply.status)), None, excerpt(reply)),
        Err(Silence::NotSent(why) | Silence::Lost(why)) => (None, Some(why.clone()), String::new()),
    };
    let attempt = Attempt {
        id: ctx.mint.id("att"),
        delivery_id: delivery.id.clone(),
        at_ms,
        took_ms: now_ms - at_ms,
        status,
        error,
        reply,
    };
    Landed { delivery, attempt, heard: read(heard.as_ref().ok(), now_ms) }
}

fn read(reply: Option<&HttpReply>, now_ms: i64) -> Heard {
    match reply {
        Some(reply) if (200..300).contains(&reply.status) => Heard::Taken,
        Some(reply) => {
            let wait = reply.find_header("retry-after");
            let retry_after_ms = wait.and_then(|text| retry_after_ms(text, now_ms));
            Heard::Refused { status: reply.status, retry_after_ms }
        }
        None => Heard::Silence,
    }
}

/// Seconds, or a date as HTTP has it.
pub fn retry_after_ms(text: &str, now_ms: i64) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds) * SECOND_MS);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some((at.timestamp().as_millisecond() - now_ms).max(0))
}

/// Writes down what came of an attempt, and what it means.
fn record(tx: &mut dyn Tx, ctx: &Ctx, landed: &Landed) -> Result<(), DbError> {
    let Landed { delivery, attempt, heard } = landed;
    let locked = store::lock_webhook(tx, &delivery.webhook_id)?;
    deliveries::insert_attempt(tx, attempt)?;
    deliveries::delete_old_attempts(tx, attempt.at_ms - KEPT_MS, SWEPT)?;
    let found = deliveries::find_delivery(tx, &delivery.shop_id, &delivery.id)?;
    // Of one that was removed meanwhile, the attempt is kept and nothing else.
    let Some((mut webhook, mut delivery)) = locked.zip(found) else { return Ok(()) };
    let now_ms = ctx.now_ms();
    delivery.attempts += 1;
    delivery.status = attempt.status;
    delivery.error = attempt.error.clone();
    if delivery.state == DeliveryState::Pending {
        delivery.tries += 1;
        let history = (delivery.tries, delivery.begun_ms);
        let chance = u64::from_le_bytes(ctx.mint.bytes());
        let settled = settle(webhook.health, history, heard, now_ms, chance);
        match settled.fate {
            Fate::Delivered => {
                delivery.state = DeliveryState::Delivered;
                delivery.delivered_ms = Some(now_ms);
            }
            Fate::Again { due_ms } => delivery.due_ms = due_ms,
            Fate::Failed => delivery.state = DeliveryState::Failed,
        }
        let was_live = webhook.is_live();
        apply(&mut webhook, &settled, heard, now_ms);
        store::update_webhook(tx, &webhook)?;
        if was_live && !webhook.is_live() {
            announce_disabled(tx, ctx, &webhook)?;
        }
        if settled.is_back {
            deliveries::hasten(tx, &webhook.id, now_ms)?;
        }
    }
    deliveries::update_delivery(tx, &delivery)
}

/// Tells those that listen, and whoever looks after them, that one does not any more.
fn announce_disabled(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook) -> Result<(), DbError> {
    let decode = |error: anyhow::Error| DbError::Decode(format!("{error:#}"));
    let at_ms = ctx.now_ms();
    let view = WebhookView::new(webhook, &open(ctx, webhook).map_err(decode)?, at_ms);
    let body = serde_json::to_string(&view).map_err(|error| decode(error.into()))?;
    let event = NewEvent {
        id: ctx.mint.id("ev"),
        shop_id: &webhook.shop_id,
        subject_id: &webhook.id,
        kind: EventKind::WebhookDisabled,
        about: Some(&at_ms.to_string()),
        at_ms,
        body: &body,
    };
    insert_event(tx, &event)?;
    let error = ApiError::of(codes::WEBHOOK_DISABLED);
    let reason = webhook.disabled.map_or("", |(_, reason)| reason.about());
    let message = format!("The webhook at {} {reason}.", webhook.host());
    let todo = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &webhook.shop_id,
        kind: Kind::WebhookDisabled,
        subject_id: &webhook.id,
        about: &at_ms.to_string(),
        why: &Why { code: error.code, message, hint: error.hint },
        at_ms,
    };
    todos::raise(tx, &todo)?;
    Ok(())
}
