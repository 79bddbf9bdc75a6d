//! `kopeck webhook`: who is told of what happens.

use clap::{Args, Subcommand};

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{BAD, FAINT, GOOD, HINT, STRONG, WARN, moscow, paint, table},
};
use crate::{
    http::text,
    kit::db::DbError,
    webhooks::{
        api::view,
        flow::{self, Changes, NewWebhook},
        model::{Kinds, Payload, Webhook},
        request,
        sign::SigningKey,
        store,
        view::{RemovedView, TestView, WebhookView, WebhookWithSecret},
    },
};

const MAX_LISTED: i64 = flow::MAX_WEBHOOKS;

/// Addresses that are told of what happens, signed by Standard Webhooks
#[derive(Debug, Args)]
pub struct WebhookArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell an address of what happens from now on; shows its secret, once
    Add {
        /// Where events are sent to: https://shop.example.ru/kopeck
        url: String,
        /// Which events: payment.paid,refund.* ; all by default
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        events: Vec<String>,
        /// A header that goes with every request: "X-Api-Key: …"
        #[arg(long, value_name = "HEADER")]
        header: Option<String>,
        /// Send ids only, without the payment
        #[arg(long)]
        thin: bool,
        /// Send events of one payment one after the other
        #[arg(long)]
        ordered: bool,
        /// What it is, for people
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// List the webhooks
    List,
    /// Show one and how it fares
    Show {
        /// The webhook's id
        id: String,
    },
    /// Change one; what is not named stays
    Edit(EditArgs),
    /// Remove one; what waits for it is never sent
    Remove {
        /// The webhook's id
        id: String,
    },
    /// Send a signed event that did not happen, and show the answer
    Test {
        /// The webhook's id
        id: String,
    },
    /// Make a new secret; for a while the old one signs too
    Rotate {
        /// The webhook's id
        id: String,
        /// For how many hours both sign
        #[arg(long, value_name = "HOURS", default_value_t = 24,
            value_parser = clap::value_parser!(i64).range(0..=168))]
        overlap: i64,
    },
}

#[derive(Debug, Args)]
struct EditArgs {
    /// The webhook's id
    id: String,
    /// Another address
    #[arg(long)]
    url: Option<String>,
    /// Which events: payment.paid,refund.* or '*'
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events: Vec<String>,
    /// A header that goes with every request: "X-Api-Key: …"; '' takes it away
    #[arg(long, value_name = "HEADER")]
    header: Option<String>,
    /// full, or thin: ids only
    #[arg(long, value_name = "WORD", value_parser = ["full", "thin"])]
    payload: Option<String>,
    /// Whether events of one payment go one after the other
    #[arg(long, value_name = "BOOL")]
    ordered: Option<bool>,
    /// What it is, for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Go on where it stopped
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// With --enable: do not send what happened meanwhile
    #[arg(long, requires = "enable")]
    skip_missed: bool,
    /// Send nothing for now; events wait
    #[arg(long)]
    disable: bool,
}

impl WebhookArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let (ctx, shop_id) = (&world.ctx, world.shop.id.as_str());
        match self.command {
            Command::Add { url, events, header, thin, ordered, note } => {
                let new = NewWebhook {
                    url: request::url(&*ctx.courier, &url)?,
                    description: read_note(note)?,
                    kinds: read_kinds(events)?.unwrap_or_else(Kinds::all),
                    payload: if thin { Payload::Thin } else { Payload::Full },
                    is_ordered: ordered,
                    header: header.as_deref().map(read_header).transpose()?,
                };
                request::look_up(&*ctx.courier, &new.url).await?;
                let (webhook, key) = flow::create(ctx, shop_id, new, None).await?;
                show_secret(&world, &webhook, &key, "is told of what happens from now on")
            }
            Command::List => list(&world).await,
            Command::Show { id } => show(&world, &flow::get(ctx, shop_id, &id).await?),
            Command::Edit(args) => edit(&world, args).await,
            Command::Remove { id } => {
                let gone = flow::remove(ctx, shop_id, &id).await?;
                let removed = RemovedView { id: gone.id, object: "webhook", removed: true };
                world.out.show(&removed, || format!("{} {id} is removed", paint(GOOD, "✓")))
            }
            Command::Test { id } => test(&world, &flow::get(ctx, shop_id, &id).await?).await,
            Command::Rotate { id, overlap } => {
                let (webhook, key) = flow::rotate(ctx, shop_id, &id, overlap).await?;
                let what = format!("has a new secret; the old one signs for {overlap} h more");
                show_secret(&world, &webhook, &key, &what)
            }
        }
    }
}

fn read_note(note: Option<String>) -> Result<Option<String>, Fail> {
    if let Some(words) = &note {
        text::check("note", words, 200)?;
    }
    Ok(note)
}

fn read_kinds(words: Vec<String>) -> Result<Option<Kinds>, Fail> {
    if words.is_empty() { Ok(None) } else { Ok(Some(request::kinds(words)?)) }
}

fn read_header(
    text: &str,
) -> Result<(String, crate::kit::secret::Secret<String>), crate::http::ApiError> {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    request::header(name.trim(), value.trim())
}

fn show_secret(world: &World, webhook: &Webhook, key: &SigningKey, what: &str) -> Result<(), Fail> {
    let shown = WebhookWithSecret::new(view(&world.ctx, webhook)?, key);
    world.out.show(&shown, || {
        let lines = [
            format!("{} {} {what}", paint(GOOD, "✓"), webhook.id),
            format!("  {}", webhook.url),
            format!("  secret   {}", paint(STRONG, &shown.secret)),
            format!("  as text  {}", paint(STRONG, &shown.secret_text)),
            format!("  {}", paint(FAINT, "Keep it now: it is not shown again.")),
            format!("  {} tries it", paint(HINT, &format!("kopeck webhook test {}", webhook.id))),
        ];
        lines.join("\n")
    })
}

async fn list(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Webhook>, DbError> =
        world.ctx.db.read(move |tx| store::list_webhooks(tx, &shop_id, None, MAX_LISTED)).await;
    let found = found?;
    let views: Result<Vec<_>, _> = found.iter().map(|it| view(&world.ctx, it)).collect();
    let views: Vec<WebhookView> = views?;
    world.out.show(&serde_json::json!({ "webhooks": views }), || {
        let mut rows = table(&["Webhook", "Address", "Events", "State", "Last taken, Moscow"]);
        for (webhook, view) in found.iter().zip(&views) {
            let reason = view.disabled_reason.map(|why| format!(" ({why})")).unwrap_or_default();
            rows.add_row([
                webhook.id.clone(),
                webhook.url.clone(),
                webhook.kinds.0.join(", "),
                format!("{}{reason}", view.status),
                webhook.delivered_ms.map(moscow).unwrap_or_default(),
            ]);
        }
        rows.to_string()
    })
}

fn show(world: &World, webhook: &Webhook) -> Result<(), Fail> {
    let view = view(&world.ctx, webhook)?;
    world.out.show(&view, || {
        let style = match view.status {
            "enabled" => GOOD,
            "failing" => WARN,
            _ => BAD,
        };
        let mut lines = vec![
            format!("{}  {}", paint(STRONG, &webhook.id), paint(style, view.status)),
            format!("  {}", webhook.url),
            format!("  events   {}", webhook.kinds.0.join(", ")),
            format!("  payload  {}{}", view.payload, if view.ordered { ", ordered" } else { "" }),
        ];
        let mut more = |name: &str, text: Option<String>| {
            lines.extend(text.map(|text| format!("  {name:<8} {text}")));
        };
        more("header", view.header_name.as_ref().map(|name| format!("{name}: ***")));
        more("note", view.description.clone());
        more("taken", webhook.delivered_ms.map(moscow));
        more("failing", webhook.health.failing_since_ms.map(|ms| format!("since {}", moscow(ms))));
        more(
            "disabled",
            webhook.disabled.map(|(ms, why)| format!("{}, {}", why.as_str(), moscow(ms))),
        );
        lines.join("\n")
    })
}

async fn edit(world: &World, args: EditArgs) -> Result<(), Fail> {
    let url = args.url.map(|url| request::url(&*world.ctx.courier, &url)).transpose()?;
    if let Some(url) = &url {
        request::look_up(&*world.ctx.courier, url).await?;
    }
    let header = match args.header.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(read_header(text)?)),
    };
    let changes = Changes {
        url,
        description: read_note(args.note)?,
        kinds: read_kinds(args.events)?,
        payload: args.payload.as_deref().and_then(Payload::parse),
        is_ordered: args.ordered,
        header,
        is_enabled: args.enable.then_some(true).or(args.disable.then_some(false)),
        skips_missed: args.skip_missed,
    };
    let webhook = flow::edit(&world.ctx, &world.shop.id, &args.id, changes).await?;
    show(world, &webhook)
}

/// What a receiver answers is the result, so a refusal is a failure of the command too.
async fn test(world: &World, webhook: &Webhook) -> Result<(), Fail> {
    let trial = flow::test(&world.ctx, webhook).await?;
    let shown = TestView::new(&trial);
    if !shown.ok {
        let what = match (&trial.error, trial.status) {
            (Some(why), _) => format!("No answer from {}: {why}", webhook.host()),
            (None, status) => {
                format!("{} answered {}", webhook.host(), status.unwrap_or_default())
            }
        };
        let hint = match trial.reply.is_empty() {
            true => "The receiver has to answer 2xx; redirects are not followed".to_owned(),
            false => format!("It said: {}", trial.reply),
        };
        return Err(Fail::new("webhook_refused", what, hint));
    }
    world.out.show(&shown, || {
        let status = trial.status.unwrap_or_default();
        format!("{} {} answered {status} in {} ms", paint(GOOD, "✓"), webhook.host(), trial.took_ms)
    })
}
