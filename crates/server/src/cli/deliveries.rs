//! `kopeck deliveries` and `kopeck events`: what happened, who was told, and telling again.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{BAD, FAINT, GOOD, STRONG, WARN, moscow, paint, right, table},
};
use crate::{
    events::{EventFilter, EventKind, StoredEvent, api::EventView, list_events},
    http::query::moment_ms,
    kit::{db::DbError, jobs},
    runner::run_and_finish,
    webhooks::{
        flow,
        model::{Attempt, Delivery, DeliveryState, Webhook},
        replay::{Range, Wanted, replay, retry},
        store::{
            self,
            deliveries::{DeliveryFilter, find_delivery, list_attempts, list_deliveries},
        },
        view::{DeliveryView, ReplayView},
    },
};

const MAX_ATTEMPTS: i64 = 50;

/// What was sent to webhooks and what became of it
#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    #[command(subcommand)]
    command: Deliveries,
}

#[derive(Debug, Subcommand)]
enum Deliveries {
    /// List deliveries, newest first
    List {
        /// Of one webhook
        #[arg(long, value_name = "ID")]
        webhook: Option<String>,
        /// Of one payment's events
        #[arg(long, value_name = "ID")]
        payment: Option<String>,
        /// pending, delivered, failed, dropped
        #[arg(long, value_name = "WORD", value_parser = parse_state)]
        status: Option<DeliveryState>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show one with its attempts
    Show {
        /// The delivery's id
        id: String,
    },
    /// Send one again now, or all of a webhook that were given up
    Retry {
        /// The delivery's id
        #[arg(required_unless_present = "failed_of")]
        id: Option<String>,
        /// All failed deliveries of this webhook
        #[arg(long, value_name = "WEBHOOK", conflicts_with = "id")]
        failed_of: Option<String>,
    },
}

/// What happened, and telling webhooks of it again
#[derive(Debug, Args)]
pub struct EventsArgs {
    #[command(subcommand)]
    command: Events,
}

#[derive(Debug, Subcommand)]
enum Events {
    /// List events in their order
    List {
        /// One type: payment.paid
        #[arg(long = "type", value_name = "WORD", value_parser = parse_kind)]
        kind: Option<EventKind>,
        /// Of one payment
        #[arg(long, value_name = "ID")]
        payment: Option<String>,
        /// Only events numbered after this one
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: i64,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Send events to webhooks again: one, or a range by time or by number
    Replay {
        /// One event's id
        #[arg(required_unless_present_any = ["since", "until", "from", "to", "failed"],
            conflicts_with_all = ["since", "until", "from", "to", "failed"])]
        id: Option<String>,
        /// To this webhook only; to all by default
        #[arg(long, value_name = "ID")]
        webhook: Option<String>,
        /// From this time on: 2026-11-21T19:47:00Z, or a day in Moscow
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Until this time
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// From this number on
        #[arg(long, value_name = "SEQ")]
        from: Option<i64>,
        /// Up to this number
        #[arg(long, value_name = "SEQ")]
        to: Option<i64>,
        /// All deliveries that were given up
        #[arg(long, conflicts_with_all = ["since", "until", "from", "to"])]
        failed: bool,
    },
}

fn parse_state(text: &str) -> Result<DeliveryState, String> {
    let words = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
    DeliveryState::parse(text).ok_or_else(|| format!("takes one of: {words}"))
}

fn parse_kind(text: &str) -> Result<EventKind, String> {
    let words = EventKind::ALL.map(EventKind::as_str).join(", ");
    EventKind::parse(text).ok_or_else(|| format!("takes one of: {words}"))
}

impl DeliveriesArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Deliveries::List { webhook, payment, status, limit } => {
                let filter = DeliveryFilter {
                    webhook_id: webhook,
                    subject: payment,
                    state: status,
                    ..Default::default()
                };
                list(&world, filter, limit).await
            }
            Deliveries::Show { id } => show(&world, &id).await,
            Deliveries::Retry { id: Some(id), .. } => {
                let delivery = retry(&world.ctx, &world.shop.id, &id).await?;
                drive(&world, &delivery.webhook_id).await?;
                show(&world, &id).await
            }
            Deliveries::Retry { id: None, failed_of } => {
                let webhook_id = failed_of.unwrap_or_default();
                again(&world, &[webhook_id], &Wanted::Failed).await
            }
        }
    }
}

impl EventsArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Events::List { kind, payment, after, limit } => {
                let kind = kind.map(|kind| kind.as_str().to_owned());
                let filter = EventFilter { after_seq: after, kind, subject_id: payment };
                list_all(&world, filter, limit).await
            }
            Events::Replay { id, webhook, since, until, from, to, failed } => {
                let time = |name: &str, text: Option<String>| {
                    text.map(|text| moment_ms(name, &text)).transpose()
                };
                let wanted = match id {
                    Some(id) => Wanted::Event(id),
                    None if failed => Wanted::Failed,
                    None => Wanted::Range(Range {
                        from_seq: from,
                        to_seq: to,
                        from_ms: time("since", since)?,
                        to_ms: time("until", until)?,
                    }),
                };
                let ids = match webhook {
                    Some(id) => vec![id],
                    None => live(&world).await?,
                };
                again(&world, &ids, &wanted).await
            }
        }
    }
}

/// All webhooks that take anything.
async fn live(world: &World) -> Result<Vec<String>, Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Webhook>, DbError> = world
        .ctx
        .db
        .read(move |tx| store::list_webhooks(tx, &shop_id, None, flow::MAX_WEBHOOKS))
        .await;
    let ids: Vec<String> = found?.into_iter().filter(Webhook::is_live).map(|it| it.id).collect();
    if ids.is_empty() {
        let hint = "`kopeck webhook add URL` makes one";
        return Err(Fail::new("webhook_not_found", "No webhook is enabled", hint));
    }
    Ok(ids)
}

async fn again(world: &World, ids: &[String], wanted: &Wanted) -> Result<(), Fail> {
    let mut views = Vec::new();
    for id in ids {
        let count = replay(&world.ctx, &world.shop.id, id, wanted.clone()).await?;
        drive(world, id).await?;
        views.push(ReplayView { object: "replay", webhook_id: id.clone(), deliveries: count });
    }
    world.out.show(&json!({ "replays": views }), || {
        let line = |view: &ReplayView| {
            format!("{} {}: {} sent again", paint(GOOD, "✓"), view.webhook_id, view.deliveries)
        };
        views.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// Where a server is at it, it goes on; else the sending is done here.
async fn drive(world: &World, webhook_id: &str) -> Result<(), Fail> {
    let (ctx, id) = (world.ctx.clone(), webhook_id.to_owned());
    let claimed: Result<_, DbError> = world
        .ctx
        .db
        .write(move |tx| jobs::claim(tx, &ctx.mint, flow::JOB, &id, ctx.now_ms()))
        .await;
    if let Some(job) = claimed? {
        run_and_finish(&world.ctx, job).await?;
    }
    Ok(())
}

async fn list(world: &World, filter: DeliveryFilter, limit: i64) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Delivery>, DbError> =
        world.ctx.db.read(move |tx| list_deliveries(tx, &shop_id, &filter, limit)).await;
    let found = found?;
    let views: Vec<DeliveryView> = found.iter().map(DeliveryView::new).collect();
    world.out.show(&json!({ "deliveries": views }), || {
        let mut rows =
            table(&["Delivery", "Event", "No", "State", "Tries", "Answer", "Since, Moscow"]);
        for it in &found {
            let answer = it.status.map(|status| status.to_string()).or_else(|| it.error.clone());
            rows.add_row(vec![
                it.id.clone().into(),
                it.kind.clone().into(),
                right(it.event_seq),
                it.state.as_str().into(),
                right(it.attempts),
                answer.unwrap_or_default().into(),
                moscow(it.created_ms).into(),
            ]);
        }
        rows.to_string()
    })
}

async fn show(world: &World, id: &str) -> Result<(), Fail> {
    let (shop_id, id) = (world.shop.id.clone(), id.to_owned());
    let found: Result<(Option<Delivery>, Vec<Attempt>), DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let delivery = find_delivery(tx, &shop_id, &id)?;
            Ok((delivery, list_attempts(tx, &id, MAX_ATTEMPTS)?))
        })
        .await;
    let (delivery, attempts) = found?;
    let delivery = delivery.ok_or(flow::Problem::NoSuchDelivery)?;
    let view = DeliveryView::new(&delivery).with(&attempts);
    world.out.show(&view, || {
        let style = match delivery.state {
            DeliveryState::Delivered => GOOD,
            DeliveryState::Pending => WARN,
            DeliveryState::Failed | DeliveryState::Dropped => BAD,
        };
        let state = paint(style, delivery.state.as_str());
        let mut lines = vec![
            format!(
                "{}  {} №{}  {state}",
                paint(STRONG, &delivery.id),
                delivery.kind,
                delivery.event_seq
            ),
            format!("  to {}", delivery.webhook_id),
        ];
        for it in &attempts {
            let answer = it.status.map(|status| status.to_string()).or_else(|| it.error.clone());
            let (at, answer) = (moscow(it.at_ms), answer.unwrap_or_default());
            lines
                .push(format!("  {at}  {answer}  {}", paint(FAINT, &format!("{} ms", it.took_ms))));
            let reply =
                it.reply.lines().take(3).map(|line| format!("      {}", paint(FAINT, line)));
            lines.extend(reply);
        }
        if delivery.state == DeliveryState::Pending {
            lines.push(format!("  next at {}", moscow(delivery.due_ms)));
        }
        lines.join("\n")
    })
}

async fn list_all(world: &World, filter: EventFilter, limit: i64) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<StoredEvent>, DbError> =
        world.ctx.db.read(move |tx| list_events(tx, &shop_id, &filter, limit)).await;
    let views: Vec<EventView> = found?.into_iter().map(EventView::from).collect();
    world.out.show(&json!({ "events": views }), || {
        let mut rows = table(&["No", "Event", "Type", "About", "When, UTC"]);
        for it in &views {
            let subjects = [&it.refund_id, &it.receipt_id, &it.subscription_id, &it.payment_id];
            let about = subjects.into_iter().flatten().next().cloned().unwrap_or_default();
            rows.add_row(vec![
                right(it.seq),
                it.id.clone().into(),
                it.kind.clone().into(),
                about.into(),
                it.created_at.clone().into(),
            ]);
        }
        rows.to_string()
    })
}
