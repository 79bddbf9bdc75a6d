//! `kopeck integration`: who else is told of payments.

use std::{collections::BTreeMap, time::Duration};

use clap::{Args, Subcommand};

use super::{
    context::{Globals, World},
    fail::Fail,
    find,
    print::{BAD, FAINT, GOOD, HINT, STRONG, WARN, paint, table},
};
use crate::{
    integrations::{
        api::{tested, view},
        catalog::{self, Applied},
        chats, flow,
        model::{Linked, Sending, SendingState},
        request, sharing, store,
        updates::InvitationView,
        view::{GoneView, IntegrationView, SendingView, ShareView, SharesView, TestedView},
    },
    kit::{db::DbError, jobs},
    runner,
};

/// How long `link send` waits for the service.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Messengers, SMS, bots and CRMs that are told of payments
#[derive(Debug, Args)]
pub struct IntegrationArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up a service: email, max, telegram, sms, wazzup, greenapi, salebot, bitrix24
    Add {
        /// Which one
        service: String,
        /// A setting: token=123456789:AAE…; what is not given is looked for in the environment
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// Your own address there, to hear of payments: a chat, a phone
        #[arg(long, value_name = "ADDRESS")]
        news_to: Option<String>,
        /// What you hear of: paid,mismatch,refunded by default
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        news: Vec<String>,
        /// What payers hear of by itself, by e-mail or in their chats: renewal,renewal_failed by
        /// default; also link, paid, refunded, receipt; none for nothing
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        payer_news: Vec<String>,
        /// In which language it writes, where nothing is known of the reader's
        #[arg(long, value_name = "LANG", value_parser = ["ru", "en"])]
        lang: Option<String>,
    },
    /// List what is set up
    List,
    /// Change one, a new token say; what is not named stays, what was stopped goes on
    Edit {
        /// The integration's id
        id: String,
        /// A setting: token=123456789:AAE…
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// Your own address there, to hear of payments: a chat, a phone
        #[arg(long, value_name = "ADDRESS")]
        news_to: Option<String>,
        /// What you hear of
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        news: Vec<String>,
        /// What payers hear of by itself; none for nothing
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        payer_news: Vec<String>,
        /// In which language it writes, where nothing is known of the reader's
        #[arg(long, value_name = "LANG", value_parser = ["ru", "en"])]
        lang: Option<String>,
    },
    /// Ask the service whether the account is in order; shows nobody anything
    Test {
        /// The integration's id
        id: String,
    },
    /// Have Telegram or MAX send what happens in the bot's chats to this server
    Updates {
        /// The integration's id
        id: String,
    },
    /// A link by which a customer ties his chat with your bot to himself
    Invite {
        /// telegram or max
        service: String,
        /// Your own number of the customer
        #[arg(long, value_name = "ID")]
        customer: String,
    },
    /// Remove one; what waits for it is never sent
    Remove {
        /// The integration's id
        id: String,
    },
}

/// A link to be sent.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Payment id, order id, or the bank's id
    pub id: String,
    /// The service and the address there: email:anna@example.com, telegram:700100200,
    /// sms:+79001234567, bitrix24:57; share (also share:+79001234567) shows addresses by which you
    /// send it yourself
    #[arg(long, value_name = "WHERE")]
    pub to: String,
    /// Send it as a reminder
    #[arg(long)]
    pub reminder: bool,
    /// ru or en
    #[arg(long, value_name = "LANG", value_parser = ["ru", "en"], default_value = "ru")]
    pub lang: String,
}

impl IntegrationArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let (ctx, shop_id) = (&world.ctx, world.shop.id.as_str());
        match self.command {
            Command::Add { service, set, news_to, news, payer_news, lang } => {
                let service = request::service(&service)?;
                let values = read_settings(service, &set)?;
                let words = words(news, payer_news, lang);
                let new = request::new_integration(service, values, news_to, words)?;
                show(&world, &flow::add(ctx, shop_id, new).await?)
            }
            Command::Edit { id, set, news_to, news, payer_news, lang } => {
                let service = flow::service_of(&flow::get(ctx, shop_id, &id).await?)?;
                let words = words(news, payer_news, lang);
                let changes = request::changes(service, read_pairs(&set)?, news_to, words)?;
                show(&world, &flow::edit(ctx, shop_id, &id, changes).await?)
            }
            Command::List => list(&world).await,
            Command::Test { id } => test(&world, &flow::get(ctx, shop_id, &id).await?).await,
            Command::Updates { id } => {
                let linked = flow::get(ctx, shop_id, &id).await?;
                let shown = tested(&linked, chats::register(ctx, &linked).await)?;
                settled(&world, &shown, "its updates come here from now on")
            }
            Command::Invite { service, customer } => {
                let service = request::service(&service)?.name();
                let invitation = chats::invite(ctx, shop_id, &customer, service).await?;
                let view = InvitationView::new(&customer, invitation);
                world.out.show(&view, || view.url.clone())
            }
            Command::Remove { id } => {
                let gone = flow::remove(ctx, shop_id, &id).await?;
                let removed = GoneView { id: gone.id, object: "integration", removed: true };
                world.out.show(&removed, || format!("{} {id} is removed", paint(GOOD, "✓")))
            }
        }
    }
}

/// Without a word it stays as it is; `none` is an empty list.
fn words(news: Vec<String>, payer_news: Vec<String>, lang: Option<String>) -> request::Words {
    let given = |words: Vec<String>| match words.as_slice() {
        [] => None,
        [one] if one == "none" => Some(Vec::new()),
        _ => Some(words),
    };
    request::Words { news: given(news), payer_news: given(payer_news), lang }
}

/// As given; else from the variables that the settings name.
fn read_settings(
    service: &dyn kopeck_integrations::Integration,
    set: &[String],
) -> Result<BTreeMap<String, String>, Fail> {
    let mut values = BTreeMap::new();
    for known in service.settings().iter().filter(|known| !known.env.is_empty()) {
        if let Ok(value) = std::env::var(known.env) {
            values.insert(known.name.to_owned(), value);
        }
    }
    values.extend(read_pairs(set)?);
    Ok(values)
}

fn read_pairs(set: &[String]) -> Result<BTreeMap<String, String>, Fail> {
    let pair = |text: &String| {
        let pair = text.split_once('=');
        let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let hint = "write --set token=123456789:AAE…";
        pair.ok_or_else(|| Fail::usage("a setting is NAME=VALUE", hint))
    };
    set.iter().map(pair).collect()
}

fn show(world: &World, linked: &Linked) -> Result<(), Fail> {
    let view = view(&world.ctx, linked)?;
    world.out.show(&view, || {
        let mut lines = vec![format!(
            "{} {} is set up: {}",
            paint(GOOD, "✓"),
            view.title,
            paint(STRONG, &view.id)
        )];
        if view.tells_shop {
            lines.push(format!("  you hear there of: {}", view.news.join(", ")));
        }
        if !view.payer_news.is_empty() {
            lines.push(format!("  payers hear of: {}", view.payer_news.join(", ")));
        }
        if let Some(prefix) = &view.callback_prefix {
            lines.push(format!(
                "  conditions of your blocks begin with {}",
                paint(STRONG, &format!("{prefix}_success"))
            ));
        }
        let test = format!("kopeck integration test {}", view.id);
        lines.push(format!("  {} asks whether it is in order", paint(HINT, &test)));
        lines.join("\n")
    })
}

async fn list(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Linked>, DbError> =
        world.ctx.db.read(move |tx| store::list_integrations(tx, &shop_id)).await;
    let views: Result<Vec<IntegrationView>, _> =
        found?.iter().map(|linked| view(&world.ctx, linked)).collect();
    let views = views?;
    world.out.show(&serde_json::json!({ "integrations": views }), || {
        let mut rows = table(&["Integration", "Service", "News", "State"]);
        for view in &views {
            let news = if view.tells_shop { view.news.join(", ") } else { String::new() };
            let code = view.stopped_code.as_ref().map(|code| format!(" ({code})"));
            rows.add_row([
                view.id.clone(),
                view.title.clone(),
                news,
                format!("{}{}", view.status, code.unwrap_or_default()),
            ]);
        }
        rows.to_string()
    })
}

/// What the service says is the result, so a refusal is a failure of the command too.
async fn test(world: &World, linked: &Linked) -> Result<(), Fail> {
    let shown = tested(linked, flow::test(&world.ctx, linked).await)?;
    settled(world, &shown, "in order")
}

fn settled(world: &World, shown: &TestedView, good: &str) -> Result<(), Fail> {
    if let (Some(code), Some(message)) = (&shown.code, &shown.message) {
        let hint = shown.hint.clone().unwrap_or_default();
        return Err(Fail::new(code, message.clone(), hint));
    }
    world.out.show(shown, || format!("{} {good}", paint(GOOD, "✓")))
}

/// Sends it and waits a little for what becomes of it.
pub async fn send(world: &World, args: SendArgs) -> Result<(), Fail> {
    let payment = find::payment(world, &args.id).await?;
    let kind = if args.reminder { "reminder" } else { "link" };
    let shared = request::new_share(&payment.id, &args.to, Some(kind), Some(&args.lang))?;
    if let Some(new) = shared {
        let links = sharing::links(&world.ctx, &world.shop.id, new).await?;
        let view = SharesView::new(&payment.id, links);
        return world.out.show(&view, || {
            let line = |it: &ShareView| format!("{:<9} {}", it.title, it.url);
            view.links.iter().map(line).collect::<Vec<_>>().join("\n")
        });
    }
    let new = request::new_sending(&payment.id, &args.to, Some(kind), Some(&args.lang))?;
    let sending = flow::send(&world.ctx, &world.shop.id, new).await?;
    let sending = watch(world, sending).await?;
    let view = SendingView::new(&sending);
    if sending.state == SendingState::Failed {
        let code = sending.code.clone().unwrap_or_default();
        let what = format!("It was not sent ({code})");
        return Err(Fail::new(&code, what, sending.why.clone().unwrap_or_default()));
    }
    world.out.show(&view, || {
        let (style, words) = match sending.state {
            SendingState::Delivered => (GOOD, "sent"),
            SendingState::Pending => (WARN, "on its way; the server goes on with it"),
            SendingState::Unknown => (WARN, "no answer: perhaps it came, look before you repeat"),
            SendingState::Failed | SendingState::Dropped => (BAD, "not sent"),
        };
        let why = sending.why.as_ref().map(|why| format!("  {}", paint(FAINT, why)));
        format!("{} {}{}", paint(style, words), sending.id, why.unwrap_or_default())
    })
}

/// Does the integration's work here, unless a server is at it.
pub async fn watch(world: &World, sending: Sending) -> Result<Sending, Fail> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let (ctx, mut now) = (&world.ctx, sending);
    while now.state == SendingState::Pending && tokio::time::Instant::now() < until {
        let (inner, id) = (ctx.clone(), now.integration_id.clone());
        let is_due = now.due_ms <= ctx.now_ms();
        let job: Result<_, DbError> = ctx
            .db
            .write(move |tx| jobs::claim(tx, &inner.mint, flow::JOB, &id, inner.now_ms()))
            .await;
        match job?.filter(|_| is_due) {
            Some(job) => {
                runner::run_and_finish(ctx, job).await?;
            }
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
        let (shop_id, id) = (now.shop_id.clone(), now.id.clone());
        let found: Result<_, DbError> =
            ctx.db.read(move |tx| store::sendings::find_sending(tx, &shop_id, &id)).await;
        now = found?.unwrap_or(now);
    }
    Ok(now)
}

/// Makes the integrations what the settings say; what changed by it. Again is no change.
pub async fn apply_settings(world: &World) -> Result<Vec<(&'static str, Applied)>, Fail> {
    let table = |one| match serde_json::to_value(one) {
        Ok(serde_json::Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err(anyhow::anyhow!("[[integrations]]: each of them is a table")),
    };
    let tables: anyhow::Result<Vec<_>> =
        world.config.integrations.reveal().iter().map(table).collect();
    let wanted = catalog::read(tables?, |name| std::env::var(name).ok()).map_err(|error| {
        let fail = Fail::from(error);
        Fail { code: "settings_invalid".to_owned(), ..fail }
    })?;
    let mut news = Vec::new();
    for new in wanted {
        let service = new.service;
        let applied = catalog::apply(&world.ctx, &world.shop.id, new).await?;
        if applied != Applied::Same {
            news.push((service, applied));
        }
    }
    Ok(news)
}

pub const fn applied_word(applied: Applied) -> &'static str {
    match applied {
        Applied::New => "new",
        Applied::Changed => "changed",
        Applied::Same => "same",
    }
}
