//! `kopeck init --bank tbank`: a terminal, its password, and a harmless question signed with both.

use jiff::tz::TimeZone;
use kopeck_banks::{
    Credentials,
    op::{Answer, BankOp},
    tbank::settings,
};
use serde_json::json;

use super::{InitArgs, api_key, next_commands, not_asked, steps::Steps};
use crate::{
    cli::{
        address::notice_url,
        connect::{self, answer_of, tbank as terminal},
        context::{Globals, World},
        fail::Fail,
    },
    gateway::flow::try_out,
    kit::clock::timestamp,
    shops::{self, model::Connection},
};

/// No shop names an order so.
const PROBE: &str = "kopeck-init-probe";

pub async fn connect(args: InitArgs, globals: &Globals, world: World) -> Result<(), Fail> {
    let mut steps = Steps::new(world.out);
    let credentials = gather(&args, &world).await?;
    let checked = check(&world, &credentials).await;
    steps.check("The bank does not accept the terminal", checked)?;
    let key = settings::terminal_key(&credentials).to_owned();
    let is_demo = settings::is_demo(&credentials);
    let kind = if is_demo { "a test terminal" } else { "a working terminal" };
    steps.good(&format!("The bank accepts {key}, {kind}, and its password"))?;
    let connection = save(&world, credentials).await?;
    steps.good(&format!("Saved as {}, its secrets encrypted", connection.id))?;
    let api_key = api_key(&world, &mut steps).await?;
    let url = notice_url(&world.ctx.public_url, &connection);
    let is_public = !settings::is_bank(&connection.credentials) || url.starts_with("https://");
    if is_public {
        steps.good(&format!("Each payment tells the bank where to send its notices: {url}"))?;
    } else {
        steps.skipped(&format!(
            "{url} is not public: payments are found by asking, within a minute; later: \
             --public-url https://…"
        ))?;
    }
    args.remember_public_url(globals, &mut steps)?;
    let shown = json!({
        "connection_id": connection.id, "bank": connection.bank, "notice_url": url,
        "notices": if is_public { "with_each_payment" } else { "skipped" },
        "terminal_key": key, "api_key": api_key, "steps": steps.into_json(),
    });
    world.out.show(&shown, || next_commands(api_key.as_deref()))
}

/// What was saved before, then the environment, then flags, then questions.
async fn gather(args: &InitArgs, world: &World) -> Result<Credentials, Fail> {
    let stored = connect::saved(world, "tbank").await?;
    let mut all = stored.map(|it| it.credentials).unwrap_or_default();
    for (name, value) in terminal::environment().unwrap_or_default().values() {
        all.set(name, value.as_str());
    }
    let flags = [
        (settings::TERMINAL_KEY, &args.terminal_key),
        (settings::PASSWORD, &args.password),
        (settings::BASE_URL, &args.base_url),
    ];
    for (name, value) in flags {
        if let Some(value) = value {
            all.set(name, value.trim());
        }
    }
    if all.find(settings::TERMINAL_KEY).is_none() && args.may_ask() {
        let asked = inquire::Text::new("The terminal's key (TerminalKey):").prompt();
        all.set(settings::TERMINAL_KEY, asked.map_err(not_asked)?.trim());
    }
    if all.find(settings::PASSWORD).is_none() && args.may_ask() {
        let asked = inquire::Password::new("Its password:").without_confirmation().prompt();
        all.set(settings::PASSWORD, asked.map_err(not_asked)?.trim());
    }
    for (name, what, env) in [
        (settings::TERMINAL_KEY, "key", "TBANK_TERMINAL_KEY or --terminal-key"),
        (settings::PASSWORD, "password", "TBANK_PASSWORD or --password"),
    ] {
        if all.find(name).is_none() {
            let hint = format!("Take it from the terminal's page in the cabinet; give it as {env}");
            let message = format!("The terminal's {what} is not given");
            return Err(Fail::new("terminal_missing", message, hint).param(name));
        }
    }
    Ok(all)
}

/// Asks about an order that nobody made: only the right signature gets a "no such order".
async fn check(world: &World, credentials: &Credentials) -> Result<(), Fail> {
    let day = timestamp(world.ctx.now_ms()).to_zoned(TimeZone::UTC).date();
    let op = BankOp::FindPayment { reference: PROBE.to_owned(), from: day, to: day, page: 1 };
    let answer = answer_of(try_out(&world.ctx, "tbank", credentials, &op).await?)?;
    if let Answer::Payments(_) = answer { Ok(()) } else { Err(connect::strange(answer)) }
}

async fn save(world: &World, credentials: Credentials) -> Result<Connection, Fail> {
    let (ctx, shop_id) = (&world.ctx, &world.shop.id);
    let stored = shops::flow::list_connections(ctx, shop_id).await?;
    let is_same = |it: &Connection| {
        it.bank == "tbank" && terminal::is_same_terminal(&it.credentials, &credentials)
    };
    Ok(match stored.into_iter().rev().find(is_same) {
        Some(known) => shops::flow::save_credentials(ctx, known, credentials, None).await?,
        None => shops::flow::create_connection(ctx, shop_id, "tbank", credentials, None).await?,
    })
}
