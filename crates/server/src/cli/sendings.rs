//! `kopeck sendings`: what integrations told whom, and telling it again.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    find,
    integration::watch,
    print::{BAD, FAINT, GOOD, STRONG, WARN, moscow, paint, right, table},
};
use crate::{
    integrations::{
        again,
        api::sendings::MAX_ATTEMPTS,
        flow,
        model::{Attempt, Sending, SendingState},
        store::sendings::{SendingFilter, find_sending, list_attempts, list_sendings},
        view::{ResentView, SendingView},
    },
    kit::{db::DbError, jobs},
    runner,
};

/// What integrations (messengers, SMS, letters, bots, CRMs) told whom and what became of it
#[derive(Debug, Args)]
pub struct SendingsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List messages, newest first
    List {
        /// Of one integration
        #[arg(long, value_name = "ID")]
        integration: Option<String>,
        /// About one payment: its id, order id, or the bank's id
        #[arg(long, value_name = "ID")]
        payment: Option<String>,
        /// pending, delivered, unknown, failed, dropped
        #[arg(long, value_name = "WORD", value_parser = parse_state)]
        status: Option<SendingState>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show one with its requests
    Show {
        /// The message's id
        id: String,
    },
    /// Send again one that failed or is not known to have come, or all that an integration gave up
    Retry {
        /// The message's id
        #[arg(required_unless_present = "failed_of")]
        id: Option<String>,
        /// All that this integration gave up
        #[arg(long, value_name = "INTEGRATION", conflicts_with = "id")]
        failed_of: Option<String>,
    },
}

fn parse_state(text: &str) -> Result<SendingState, String> {
    let words = SendingState::ALL.map(SendingState::as_str).join(", ");
    SendingState::parse(text).ok_or_else(|| format!("takes one of: {words}"))
}

impl SendingsArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::List { integration, payment, status, limit } => {
                let payment_id = match payment {
                    Some(id) => Some(find::payment(&world, &id).await?.id),
                    None => None,
                };
                let filter = SendingFilter {
                    integration_id: integration,
                    payment_id,
                    state: status,
                    ..Default::default()
                };
                list(&world, filter, limit).await
            }
            Command::Show { id } => show(&world, &id).await,
            Command::Retry { id: Some(id), .. } => {
                let sending = again::retry(&world.ctx, &world.shop.id, &id).await?;
                watch(&world, sending).await?;
                show(&world, &id).await
            }
            Command::Retry { id: None, failed_of } => {
                let id = failed_of.unwrap_or_default();
                let count = again::retry_failed(&world.ctx, &world.shop.id, &id).await?;
                drive(&world, &id).await?;
                world.out.show(&ResentView::new(&id, count), || {
                    let (sent, skipped) = (count.sent, count.skipped);
                    let rest = format!("{skipped} left out: newer news came, or nobody needs them");
                    let rest = Some(rest).filter(|_| skipped > 0).unwrap_or_default();
                    format!("{} {sent} sent again  {}", paint(GOOD, "✓"), paint(FAINT, &rest))
                })
            }
        }
    }
}

/// Makes the first request here, unless a server is at it, which goes on with the rest.
async fn drive(world: &World, id: &str) -> Result<(), Fail> {
    let (ctx, id) = (world.ctx.clone(), id.to_owned());
    let claimed: Result<_, DbError> = world
        .ctx
        .db
        .write(move |tx| jobs::claim(tx, &ctx.mint, flow::JOB, &id, ctx.now_ms()))
        .await;
    if let Some(job) = claimed? {
        runner::run_and_finish(&world.ctx, job).await?;
    }
    Ok(())
}

async fn list(world: &World, filter: SendingFilter, limit: i64) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Sending>, DbError> =
        world.ctx.db.read(move |tx| list_sendings(tx, &shop_id, &filter, limit)).await;
    let found = found?;
    let views: Vec<SendingView> = found.iter().map(SendingView::new).collect();
    world.out.show(&json!({ "sendings": views }), || {
        let mut rows = table(&["Message", "Kind", "About", "State", "Tries", "Why", "Since"]);
        for it in &found {
            let about = it.payment_id.clone().or_else(|| it.subscription_id.clone());
            rows.add_row(vec![
                it.id.clone().into(),
                it.kind.as_str().into(),
                about.unwrap_or_default().into(),
                it.state.as_str().into(),
                right(it.tries),
                it.code.clone().or_else(|| it.why.clone()).unwrap_or_default().into(),
                moscow(it.created_ms).into(),
            ]);
        }
        rows.to_string()
    })
}

async fn show(world: &World, id: &str) -> Result<(), Fail> {
    let (shop_id, id) = (world.shop.id.clone(), id.to_owned());
    let found: Result<(Option<Sending>, Vec<Attempt>), DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let sending = find_sending(tx, &shop_id, &id)?;
            Ok((sending, list_attempts(tx, &id, MAX_ATTEMPTS)?))
        })
        .await;
    let (sending, attempts) = found?;
    let sending = sending.ok_or(flow::Problem::NoSuchSending)?;
    world.out.show(&SendingView::new(&sending).with(&attempts), || text(&sending, &attempts))
}

fn text(sending: &Sending, attempts: &[Attempt]) -> String {
    let style = match sending.state {
        SendingState::Delivered => GOOD,
        SendingState::Pending | SendingState::Unknown => WARN,
        SendingState::Failed | SendingState::Dropped => BAD,
    };
    let about = sending.payment_id.as_ref().or(sending.subscription_id.as_ref());
    let mut lines = vec![
        format!(
            "{}  {} {}  {}",
            paint(STRONG, &sending.id),
            sending.kind.as_str(),
            about.map_or("", String::as_str),
            paint(style, sending.state.as_str())
        ),
        format!("  by {}", sending.integration_id),
    ];
    for it in attempts {
        let answer = it.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let took = paint(FAINT, &format!("{} ms", it.took_ms));
        lines.push(format!("  {}  {answer}  {took}", moscow(it.at_ms)));
        lines.extend(it.reply.lines().take(3).map(|line| format!("      {}", paint(FAINT, line))));
    }
    match sending.state {
        SendingState::Pending => lines.push(format!("  next at {}", moscow(sending.due_ms))),
        SendingState::Delivered | SendingState::Dropped => {}
        SendingState::Unknown | SendingState::Failed => {
            let why = [sending.code.as_deref(), sending.why.as_deref()];
            let why = why.into_iter().flatten().collect::<Vec<_>>().join(": ");
            lines.push(format!("  {why}"));
        }
    }
    lines.join("\n")
}
