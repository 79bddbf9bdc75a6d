//! Use cases of webhooks: made, changed, removed; events spread over them.

use kopeck_banks::{
    exchange::Silence,
    http::{HttpReply, HttpRequest, Method},
};

use super::{
    model::{Delivery, DeliveryState, Kinds, Payload, Reason, Webhook},
    payload,
    replies::Made,
    sign::{Keyring, SigningKey},
    state::{Heard, Settled},
    store::{self, deliveries},
};
use crate::{
    events::{EventFilter, StoredEvent, find_last_seq, list_events},
    kit::{
        Ctx,
        clock::{HOUR_MS, SECOND_MS, iso},
        db::{DbError, Tx},
        jobs,
        secret::{Secret, mask_text},
    },
    payments::idempotency::{self, Key},
    todos,
};

/// The kind of the job that drives a webhook's deliveries; its subject is the webhook's id.
pub const JOB: &str = "webhook";
/// More receivers than a shop has systems.
pub const MAX_WEBHOOKS: i64 = 200;
/// Events spread in one transaction over one webhook.
const BATCH: i64 = 200;
/// Webhooks that events are spread over in one look.
const BEHIND: i64 = 50;
/// What is kept of a reply.
const EXCERPT_CHARS: usize = 1_000;

/// A webhook to be made, already read and checked.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    pub url: String,
    pub description: Option<String>,
    pub kinds: Kinds,
    pub payload: Payload,
    pub is_ordered: bool,
    pub header: Option<(String, Secret<String>)>,
}

/// What to change of a webhook. Empty fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub url: Option<String>,
    pub description: Option<String>,
    pub kinds: Option<Kinds>,
    pub payload: Option<Payload>,
    pub is_ordered: Option<bool>,
    /// `Some(None)` takes it away.
    pub header: Option<Option<(String, Secret<String>)>>,
    pub is_enabled: Option<bool>,
    /// On enabling: what happened meanwhile is not sent.
    pub skips_missed: bool,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    NoSuchWebhook,
    NoSuchDelivery,
    NoSuchEvent,
    TooMany,
    /// Nothing is sent to it.
    Disabled(Reason),
    /// It was removed.
    Removed,
    /// A request with the same key came first.
    Twin,
    Internal(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Internal(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Internal(error)
    }
}

fn context_of(webhook_id: &str) -> String {
    format!("{webhook_id}/keyring")
}

fn seal(ctx: &Ctx, webhook_id: &str, keyring: &Keyring) -> anyhow::Result<Vec<u8>> {
    let plain = keyring.to_bytes()?;
    ctx.vault.seal(ctx.mint.bytes(), plain.reveal(), &context_of(webhook_id))
}

/// The webhook's secrets.
pub fn open(ctx: &Ctx, webhook: &Webhook) -> anyhow::Result<Keyring> {
    Keyring::parse(&ctx.vault.open(&webhook.sealed, &context_of(&webhook.id))?)
}

/// Makes a webhook that hears of what happens from now on; returns its secret. With a key, a
/// request that comes again makes no second one: it is shown the first.
pub async fn create(
    ctx: &Ctx,
    shop_id: &str,
    new: NewWebhook,
    once: Option<Key>,
) -> Result<(Webhook, SigningKey), Problem> {
    let key = SigningKey::generate(&ctx.mint);
    let id = ctx.mint.id("wh");
    let (header_name, header_value) = new.header.unzip();
    let sealed = seal(ctx, &id, &Keyring::new(key.clone(), header_value))?;
    let webhook = Webhook {
        id,
        shop_id: shop_id.to_owned(),
        url: new.url,
        description: new.description,
        kinds: new.kinds,
        payload: new.payload,
        is_ordered: new.is_ordered,
        header_name,
        sealed,
        seen_seq: 0,
        health: Default::default(),
        delivered_ms: None,
        disabled: None,
        removed_ms: None,
        created_ms: ctx.now_ms(),
    };
    let (work, now_ms) = (Made { id: webhook.id.clone() }, ctx.now_ms());
    let made: Result<Webhook, Problem> = ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &webhook.shop_id, once.as_ref(), &work, now_ms)? {
                return Err(Problem::Twin);
            }
            if store::count_webhooks(tx, &webhook.shop_id)? >= MAX_WEBHOOKS {
                return Err(Problem::TooMany);
            }
            let seen_seq = find_last_seq(tx, &webhook.shop_id)?;
            let webhook = Webhook { seen_seq, ..webhook };
            store::insert_webhook(tx, &webhook)?;
            Ok(webhook)
        })
        .await;
    Ok((made?, key))
}

/// A webhook of the shop.
pub async fn get(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Webhook, Problem> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    let found: Result<_, DbError> =
        ctx.db.read(move |tx| store::find_webhook(tx, &shop_id, &id)).await;
    found?.ok_or(Problem::NoSuchWebhook)
}

/// Changes a webhook of the shop as it is now.
async fn change(
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    work: impl FnOnce(&mut dyn Tx, &Ctx, &mut Webhook) -> Result<(), Problem> + Send + 'static,
) -> Result<Webhook, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            let found = store::lock_webhook(tx, &id)?.filter(|it| it.shop_id == shop_id);
            let mut webhook = found.ok_or(Problem::NoSuchWebhook)?;
            work(tx, &inner, &mut webhook)?;
            store::update_webhook(tx, &webhook)?;
            Ok(webhook)
        })
        .await
}

pub async fn edit(
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    changes: Changes,
) -> Result<Webhook, Problem> {
    change(ctx, shop_id, id, move |tx, ctx, webhook| {
        if let Some(header) = changes.header {
            let mut keyring = open(ctx, webhook)?;
            let (name, value) = header.unzip();
            webhook.header_name = name;
            keyring.header_value = value;
            webhook.sealed = seal(ctx, &webhook.id, &keyring)?;
        }
        let w = webhook;
        w.url = changes.url.unwrap_or_else(|| w.url.clone());
        if let Some(text) = changes.description {
            w.description = Some(text).filter(|text| !text.is_empty());
        }
        w.kinds = changes.kinds.unwrap_or_else(|| w.kinds.clone());
        w.payload = changes.payload.unwrap_or(w.payload);
        w.is_ordered = changes.is_ordered.unwrap_or(w.is_ordered);
        match changes.is_enabled {
            Some(true) if w.disabled.is_some() => enable(tx, ctx, w, changes.skips_missed)?,
            Some(false) if w.disabled.is_none() => {
                w.disabled = Some((ctx.now_ms(), Reason::ByHand));
            }
            Some(_) | None => {}
        }
        // Another address or another order of things may make what waits due.
        Ok(jobs::nudge(tx, &ctx.mint, JOB, &w.id, ctx.now_ms())?)
    })
    .await
}

/// It goes on where it stopped, unless it is to skip what it missed.
fn enable(tx: &mut dyn Tx, ctx: &Ctx, webhook: &mut Webhook, skip: bool) -> Result<(), DbError> {
    settle(tx, ctx, webhook)?;
    webhook.disabled = None;
    webhook.health = Default::default();
    if skip {
        webhook.seen_seq = find_last_seq(tx, &webhook.shop_id)?;
        deliveries::drop_pending(tx, &webhook.id)?;
    } else {
        let now_ms = ctx.now_ms();
        deliveries::restart_pending(tx, &webhook.id, now_ms)?;
    }
    Ok(())
}

/// Somebody has looked after it.
fn settle(tx: &mut dyn Tx, ctx: &Ctx, webhook: &Webhook) -> Result<(), DbError> {
    let of = (todos::Kind::WebhookDisabled, webhook.id.as_str());
    todos::settle_all(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}

/// Nothing more is sent to it; its secrets are forgotten, what was sent stays known.
pub async fn remove(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Webhook, Problem> {
    change(ctx, shop_id, id, |tx, ctx, webhook| {
        deliveries::drop_pending(tx, &webhook.id)?;
        settle(tx, ctx, webhook)?;
        webhook.sealed = Vec::new();
        webhook.removed_ms = Some(ctx.now_ms());
        Ok(())
    })
    .await
}

/// A new secret; the old one signs too for so many hours.
pub async fn rotate(
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    overlap_hours: i64,
) -> Result<(Webhook, SigningKey), Problem> {
    let key = SigningKey::generate(&ctx.mint);
    let fresh = key.clone();
    let webhook = change(ctx, shop_id, id, move |_, ctx, webhook| {
        let mut keyring = open(ctx, webhook)?;
        let now_ms = ctx.now_ms();
        keyring.rotate(fresh, now_ms, now_ms + overlap_hours * HOUR_MS);
        webhook.sealed = seal(ctx, &webhook.id, &keyring)?;
        Ok(())
    })
    .await?;
    Ok((webhook, key))
}

/// What an event is about: order is kept within it.
pub fn subject_of(event: &StoredEvent) -> String {
    event.subject_id.clone()
}

/// A delivery of the event, due now.
pub fn delivery_of(ctx: &Ctx, webhook: &Webhook, event: &StoredEvent) -> Delivery {
    let now_ms = ctx.now_ms();
    Delivery {
        id: ctx.mint.id("del"),
        shop_id: webhook.shop_id.clone(),
        webhook_id: webhook.id.clone(),
        event_id: event.id.clone(),
        event_seq: event.seq,
        kind: event.kind.clone(),
        subject: subject_of(event),
        state: DeliveryState::Pending,
        attempts: 0,
        tries: 0,
        begun_ms: now_ms,
        due_ms: now_ms,
        status: None,
        error: None,
        delivered_ms: None,
        created_ms: now_ms,
    }
}

/// Spreads new events over the webhooks that want them, some at a time; says whether anything was
/// left to spread.
pub fn fan_out(tx: &mut dyn Tx, ctx: &Ctx) -> Result<bool, DbError> {
    let behind = store::list_behind(tx, BEHIND)?;
    for id in &behind {
        let Some(mut webhook) = store::lock_webhook(tx, id)?.filter(Webhook::is_live) else {
            continue;
        };
        let filter = EventFilter { after_seq: webhook.seen_seq, ..Default::default() };
        let mut is_new = false;
        for event in list_events(tx, &webhook.shop_id, &filter, BATCH)? {
            webhook.seen_seq = event.seq;
            if webhook.kinds.want(&event.kind) {
                is_new |= deliveries::insert_delivery(tx, &delivery_of(ctx, &webhook, &event))?;
            }
        }
        store::update_webhook(tx, &webhook)?;
        if is_new {
            jobs::nudge(tx, &ctx.mint, JOB, &webhook.id, ctx.now_ms())?;
        }
    }
    Ok(!behind.is_empty())
}

/// Whether there are events to spread.
pub fn is_behind(tx: &mut dyn Tx) -> Result<bool, DbError> {
    Ok(!store::list_behind(tx, 1)?.is_empty())
}

/// A signed request. `at_ms` is the time of this attempt.
pub fn request(
    webhook: &Webhook,
    keyring: &Keyring,
    id: &str,
    at_ms: i64,
    body: Vec<u8>,
) -> HttpRequest {
    let timestamp = at_ms.div_euclid(SECOND_MS);
    let signature = keyring.signature(at_ms, id, timestamp, &body);
    let mut request = HttpRequest::new(Method::Post, webhook.url.clone())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature);
    if let Some((name, value)) = webhook.header_name.as_ref().zip(keyring.header_value.as_ref()) {
        request = request.header(name, value.reveal().clone());
    }
    request.body = body;
    request
}

/// How a reply begins, without what must not be stored.
pub fn excerpt(reply: &HttpReply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    // PostgreSQL stores no NUL.
    mask_text(&text).chars().filter(|c| *c != '\0').take(EXCERPT_CHARS).collect()
}

/// What a trial brought.
#[derive(Clone, Debug)]
pub struct Trial {
    pub took_ms: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub reply: String,
}

/// Sends a signed event that did not happen, now, also to a webhook that is disabled.
pub async fn test(ctx: &Ctx, webhook: &Webhook) -> Result<Trial, Problem> {
    let keyring = open(ctx, webhook)?;
    let began_ms = ctx.now_ms();
    let body = payload::render_test(&webhook.id, &iso(began_ms))?;
    let request = request(webhook, &keyring, &ctx.mint.id("test"), began_ms, body);
    let heard = ctx.courier.send(request).await;
    let took_ms = ctx.now_ms() - began_ms;
    Ok(match heard {
        Ok(reply) => {
            let (status, reply) = (Some(reply.status), excerpt(&reply));
            Trial { took_ms, status, error: None, reply }
        }
        Err(Silence::NotSent(why) | Silence::Lost(why)) => {
            Trial { took_ms, status: None, error: Some(why), reply: String::new() }
        }
    })
}

/// Writes what the answer means into the webhook.
pub fn apply(webhook: &mut Webhook, settled: &Settled, heard: &Heard, now_ms: i64) {
    webhook.health = settled.health;
    if *heard == Heard::Taken {
        webhook.delivered_ms = Some(now_ms);
    }
    if let Some(reason) = settled.disable
        && webhook.disabled.is_none()
    {
        let (webhook_id, host) = (&webhook.id, webhook.host());
        tracing::warn!(webhook_id, "the webhook at {host} is disabled: {}", reason.as_str());
        webhook.disabled = Some((now_ms, reason));
    }
}
