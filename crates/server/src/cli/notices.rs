//! `kopeck notices`: where the bank sends its notices.

use clap::{Args, Subcommand};
use kopeck_banks::op::{Answer, BankOp};
use serde_json::json;

use super::{
    address::{self, Registered, StandIn, ask, notice_url},
    connect,
    context::{Globals, World},
    fail::Fail,
    print::{GOOD, WARN, paint},
};
use crate::{gateway::flow::get_bank, shops::model::Connection};

/// Register, show, test and delete the address that the bank sends notices to.
#[derive(Debug, Args)]
pub struct NoticesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register this server's address at the bank; the bank tests it at once
    Register {
        /// Another address than the public one of this server
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Show the address that the bank has
    Show,
    /// Let the bank send a test notice
    Test {
        /// The bank's word for the kind
        #[arg(long, default_value = "acquiringInternetPayment")]
        kind: String,
    },
    /// Delete the address: payments are then found by asking alone
    Delete,
}

impl NoticesArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let connection = connect::get_of(&world, Some("tochka")).await?;
        match self.command {
            Command::Register { url } => register(&world, &connection, url).await,
            Command::Show => show(&world, &connection).await,
            Command::Test { kind } => test(&world, &connection, kind).await,
            Command::Delete => delete(&world, &connection).await,
        }
    }
}

async fn register(world: &World, connection: &Connection, url: Option<String>) -> Result<(), Fail> {
    let url = url.unwrap_or_else(|| notice_url(&world.ctx.public_url, connection));
    let registered = address::register(world, connection, &url).await?;
    let shown = json!({ "url": url, "state": word(&registered) });
    world.out.show(&shown, || describe(&registered, &url))
}

pub const fn word(registered: &Registered) -> &'static str {
    match registered {
        Registered::New => "registered",
        Registered::Again => "registered_again",
        Registered::Instead { .. } => "replaced",
    }
}

pub fn describe(registered: &Registered, url: &str) -> String {
    let done = format!("{} The bank tested {url} and sends notices there", paint(GOOD, "✓"));
    match registered {
        Registered::New | Registered::Again => done,
        Registered::Instead { of } => {
            format!("{done}\n{} It no longer sends them to {of}", paint(WARN, "!"))
        }
    }
}

async fn show(world: &World, connection: &Connection) -> Result<(), Fail> {
    let found = address::shown(world, connection).await?;
    let own = notice_url(&world.ctx.public_url, connection);
    let shown = json!({
        "url": found.as_ref().map(|it| &it.url), "kinds": found.as_ref().map(|it| &it.kinds),
        "own_url": own, "is_ours": found.as_ref().is_some_and(|it| it.url == own),
    });
    world.out.show(&shown, || match &found {
        None => {
            format!("The bank has no address. This server's is {own}: `kopeck notices register`.")
        }
        Some(it) if it.url == own => {
            format!("{} {} ({})", paint(GOOD, "✓"), it.url, it.kinds.join(", "))
        }
        Some(it) => format!(
            "{} The bank sends notices to {} ({}), not to this server's {own}",
            paint(WARN, "!"),
            it.url,
            it.kinds.join(", ")
        ),
    })
}

async fn test(world: &World, connection: &Connection, kind: String) -> Result<(), Fail> {
    let found = address::shown(world, connection).await?;
    let Some(found) = found else {
        let hint = "Run `kopeck notices register` first";
        return Err(Fail::new("notices_unregistered", "The bank has no address yet", hint));
    };
    let can = get_bank(&connection.bank)?.capabilities();
    let mut known = can.payment_notice_kinds.iter().chain(can.sbp_notice_kinds);
    if !found.kinds.contains(&kind) && !known.any(|known| *known == kind) {
        let hint = format!("Registered are: {}", found.kinds.join(", "));
        let message = format!("No notice of the kind {kind} is registered");
        return Err(Fail::new("notice_kind_unknown", message, hint).param("kind"));
    }
    let stand_in = StandIn::start(world, &found.url).await;
    let answer = ask(world, connection, &BankOp::TestNotice { kind: kind.clone() }).await;
    stand_in.stop().await;
    let answer = answer?;
    let Answer::Accepted { done } = answer else { return Err(connect::strange(answer)) };
    if !done {
        let message = format!("The bank's test notice to {} was not answered with 200", found.url);
        let hint = "Is the server running and reachable from the internet over https on port 443?";
        return Err(Fail::new("notice_test_failed", message, hint));
    }
    let shown = json!({ "url": found.url, "kind": kind, "delivered": true });
    let text = || format!("{} The test notice arrived at {}", paint(GOOD, "✓"), found.url);
    world.out.show(&shown, text)
}

async fn delete(world: &World, connection: &Connection) -> Result<(), Fail> {
    ask(world, connection, &BankOp::DeleteNotices).await?;
    let text = "The bank has no address any more; payments are found by asking the bank.";
    world.out.show(&json!({ "deleted": true }), || format!("{} {text}", paint(GOOD, "✓")))
}
