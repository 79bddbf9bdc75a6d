//! `kopeck sandbox`: runs the banks' emulators, and drives those that run.

mod print;
mod walk;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use clap::{Args, Subcommand, ValueEnum};
use kopeck_banks::BANKS;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::print::{
    cards_table, codes_table, messages_table, notices_table, payments_table, print, print_json,
    shell,
};
use crate::{
    kit::clock::{Clock as _, SystemClock},
    sandbox::{
        Client, KeyBits, Options, Sandbox, codes_of, notices_of, parse_duration_ms, serve,
        test_cards,
    },
    web::components,
};

/// Run the banks' emulators, for an integration in any language; without a subcommand it serves.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SandboxArgs {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9900")]
    listen: SocketAddr,
    /// Remember payments, clock and notices in this file; without it all is forgotten at the end
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How clients reach it, when not by the address it listens on
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Make the same ids in every run (for tests); by default each run has its own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Let other machines use the controls and see the page
    #[arg(long)]
    control_from_anywhere: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print base addresses and test credentials: eval "$(kopeck sandbox env)"
    Env(Remote),
    /// Show what the sandbox's messengers, SMS and bots brought to somebody
    Messages(Remote),
    /// Pay a payment, or a code of SBP: a place's, an invoice's, that of a desk that is armed
    #[command(after_help = PAY_EXAMPLES)]
    Pay {
        /// The bank's id of the payment or of the code, the code's link, or your own reference
        id: String,
        /// card, sbp, tpay or dolyame; the link's first method by default
        #[arg(long)]
        method: Option<String>,
        /// A test card's number; see `kopeck sandbox cards`
        #[arg(long)]
        card: Option<String>,
        /// Rubles, such as 100.00, by a code whose payer enters the sum
        #[arg(long, value_name = "RUBLES", conflicts_with_all = ["method", "card"])]
        amount: Option<String>,
        /// Who pays by a code, as the payer's bank shortens it: «Иван Иванович И.»
        #[arg(long, value_name = "NAME", conflicts_with_all = ["method", "card"])]
        payer: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let an attempt to pay fail
    Decline {
        /// The bank's id of the payment or of the code, the code's link, or your own reference
        id: String,
        /// Such as insufficient_funds
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let a payment link expire
    Expire {
        /// The bank's id of the payment or of the code, the code's link, or your own reference
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Refund in the bank's own cabinet
    Refund {
        /// The bank's id of the payment or of the code, the code's link, or your own reference
        id: String,
        /// Rubles, such as 100.00; all that is left by default
        #[arg(long)]
        amount: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one payment with its notices
    Show {
        /// The bank's id of the payment or of the code, the code's link, or your own reference
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List payments and notices
    List(Remote),
    /// Show the virtual clock, or move it: a server that runs as `kopeck serve --sandbox` lives
    /// through the time step by step
    #[command(args_conflicts_with_subcommands = true)]
    Clock {
        /// How far: 90s, 15m, 2h, 3d, 1d12h
        #[arg(long, value_name = "DURATION", value_parser = parse_duration_ms)]
        advance: Option<i64>,
        #[command(flatten)]
        remote: Remote,
        #[command(subcommand)]
        command: Option<Clock>,
    },
    /// Break something: lose-notice, delay-notice:5000, double-notice, reorder-notice,
    /// corrupt-notice, status:503, lose-reply, hang:30000, fail-receipt; `clear` ends all
    Fault {
        /// The fault, or `clear`
        kind: String,
        /// How many times
        #[arg(long, default_value_t = 1)]
        times: u32,
        /// Only requests whose path contains this; of notices, only those of this kind
        #[arg(long, default_value = "", hide_default_value = true)]
        path: String,
        /// At which bank: tochka or tbank; `clear` without it ends the faults of both
        #[arg(long)]
        bank: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Plural of `fault`, for `kopeck sandbox faults clear`
    #[command(hide = true)]
    Faults {
        #[command(subcommand)]
        command: Faults,
    },
    /// Say what an access token is worth
    Token {
        token: String,
        #[arg(long)]
        state: TokenState,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the test cards
    Cards {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const PAY_EXAMPLES: &str = "Examples:
  kopeck sandbox pay 4711                                 # an order's payment, by its first method
  kopeck sandbox pay AD10… --method sbp                   # a code for one payment
  kopeck sandbox pay AS10… --amount 350 --payer \"Анна П.\"  # a place whose payer enters the sum
  kopeck sandbox pay AS10…                                # a place with a sum, a desk that is armed
  kopeck sandbox pay \"https://qr.nspk.ru/AS10…\"           # what a phone reads off the poster";

/// What stands in a code's link is the code's id, as a phone reads it.
fn code_of(id: &str) -> &str {
    let Some(rest) = id.strip_prefix("https://qr.nspk.ru/") else { return id };
    rest.split(['?', '/', '#']).next().unwrap_or(rest)
}

/// Where a fault goes that names no bank.
const FIRST_BANK: &str = "tochka";

#[derive(Debug, Subcommand)]
enum Clock {
    /// Move it forwards
    Advance {
        /// How far: 90s, 15m, 2h, 3d, 1d12h
        #[arg(value_name = "DURATION", value_parser = parse_duration_ms)]
        duration: i64,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
enum Faults {
    /// End all faults
    Clear(Remote),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TokenState {
    Valid,
    Expired,
    Revoked,
}

impl TokenState {
    const fn as_str(self) -> &'static str {
        match self {
            TokenState::Valid => "valid",
            TokenState::Expired => "expired",
            TokenState::Revoked => "revoked",
        }
    }
}

/// Where the running sandbox is, and for whom to print.
#[derive(Debug, Args)]
struct Remote {
    /// The sandbox's address
    #[arg(
        long,
        value_name = "URL",
        env = "KOPECK_SANDBOX_URL",
        default_value = "http://127.0.0.1:9900"
    )]
    at: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl SandboxArgs {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Some(command) => command.run().await,
            None => self.run.serve().await,
        }
    }
}

impl RunArgs {
    async fn serve(self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.listen).await.map_err(|e| self.explain(e))?;
        let listens = listener.local_addr()?;
        let origin = self.origin.clone().unwrap_or_else(|| origin_of(listens));
        let clock = Arc::new(SystemClock);
        let sandbox = Sandbox::open(Options {
            origin: origin.trim_end_matches('/').to_owned(),
            seed: self.seed.unwrap_or_else(|| clock.now_ms().unsigned_abs()),
            clock,
            state_file: self.state.clone(),
            key_bits: KeyBits::Rsa3072,
            control_from_anywhere: self.control_from_anywhere,
        })?;
        self.greet(&origin)?;
        serve(sandbox, listener, components::routes(), stopped()).await
    }

    fn explain(&self, error: io::Error) -> anyhow::Error {
        let (listen, ip) = (self.listen, self.listen.ip());
        if error.kind() != io::ErrorKind::AddrInUse {
            return anyhow::Error::from(error).context(format!("cannot listen on {listen}"));
        }
        let next = SocketAddr::new(ip, listen.port().checked_add(1).unwrap_or(9901));
        anyhow::anyhow!("the address {listen} is taken already\nhint: --listen {next}")
    }

    fn greet(&self, origin: &str) -> anyhow::Result<()> {
        let at = if origin == "http://127.0.0.1:9900" {
            String::new()
        } else {
            format!(" --at {origin}")
        };
        let kept = match &self.state {
            Some(path) => format!("remembers in {}", path.display()),
            None => "forgets everything when it stops; --state FILE remembers".to_owned(),
        };
        let text = format!(
            "The sandbox listens at {origin} ({kept}).\n\n\
             Page:        {origin}/\n\
             Credentials: eval \"$(kopeck sandbox env{at})\"\n\
             Pay:         kopeck sandbox pay ID{at}\n\n\
             {}\n\nCtrl-C stops it.",
            cards_table()
        );
        print(&text)
    }
}

/// What a client on this machine calls the address.
fn origin_of(listens: SocketAddr) -> String {
    let port = listens.port();
    match listens {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{port}"),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{port}"),
        SocketAddr::V4(_) | SocketAddr::V6(_) => format!("http://{listens}"),
    }
}

/// Ctrl-C, or what service managers send.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a signal handler the process simply dies of the signal.
    let _ = tokio::signal::ctrl_c().await;
}

impl Command {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Env(remote) => {
                let env = remote.client()?.env().await?;
                if remote.json { print_json(&env) } else { print(&shell(&env)?) }
            }
            Command::Messages(remote) => {
                let told = remote.client()?.messages().await?;
                if remote.json { print_json(&told) } else { print(&messages_table(&told)) }
            }
            Command::Pay { id, method: None, card: None, amount, payer, remote }
                if amount.is_some() || payer.is_some() =>
            {
                let client = remote.client()?;
                let (amount, payer) = (amount.as_deref(), payer.as_deref());
                remote.tell(&client.pay_code(code_of(&id), amount, payer).await?)
            }
            Command::Pay { id, method, card, remote, .. } => {
                let client = remote.client()?;
                let told = client.pay(code_of(&id), method.as_deref(), card.as_deref()).await;
                remote.tell(&told?)
            }
            Command::Decline { id, reason, remote } => {
                remote.tell(&remote.client()?.decline(code_of(&id), reason.as_deref()).await?)
            }
            Command::Expire { id, remote } => {
                remote.tell(&remote.client()?.expire(code_of(&id)).await?)
            }
            Command::Refund { id, amount, remote } => {
                remote.tell(&remote.client()?.refund(&id, amount.as_deref()).await?)
            }
            Command::Show { id, remote } => {
                remote.tell(&remote.client()?.show(code_of(&id)).await?)
            }
            Command::List(remote) => remote.tell(&remote.client()?.list().await?),
            Command::Clock { command: Some(Clock::Advance { duration, remote }), .. } => {
                remote.clock(Some(duration)).await
            }
            Command::Clock { advance, remote, command: None } => remote.clock(advance).await,
            Command::Fault { kind, bank, remote, .. } if kind == "clear" => {
                remote.clear_faults(bank.as_deref()).await
            }
            Command::Fault { kind, times, path, bank, remote } => {
                let bank = bank.as_deref().unwrap_or(FIRST_BANK);
                let told = remote.client()?.fault_at(bank, &kind, times, &path).await?;
                remote.tell_faults(&told)
            }
            Command::Faults { command: Faults::Clear(remote) } => remote.clear_faults(None).await,
            Command::Token { token, state, remote } => {
                let told = remote.client()?.token(&token, state.as_str()).await?;
                let line = format!("The token is {} now.", state.as_str());
                if remote.json { print_json(&told) } else { print(&line) }
            }
            Command::Cards { json: true } => print_json(&json!({ "cards": test_cards() })),
            Command::Cards { json: false } => print(&cards_table().to_string()),
        }
    }
}

impl Remote {
    fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(&self.at)?)
    }

    /// Payments, and notices if there are any.
    fn tell(&self, told: &Value) -> anyhow::Result<()> {
        if self.json {
            return print_json(told);
        }
        let (has_codes, is_code) = (!codes_of(told).is_empty(), told.get("kind").is_some());
        let mut text = if is_code { String::new() } else { payments_table(told) };
        if has_codes {
            let gap = if is_code { "" } else { "\n\n" };
            text.push_str(&format!("{gap}{}", codes_table(told)));
        }
        if !notices_of(told).is_empty() {
            text.push_str(&format!("\n\n{}", notices_table(told)));
        }
        print(&text)
    }

    async fn clock(&self, advance: Option<i64>) -> anyhow::Result<()> {
        let client = self.client()?;
        let told = match advance {
            Some(ms) => walk::advance(&client, ms, self.json).await?,
            None => client.clock().await?,
        };
        if self.json {
            return print_json(&told);
        }
        print(&format!(
            "It is {} in the sandbox.",
            told["now"].as_str().unwrap_or("an unknown time")
        ))
    }

    async fn clear_faults(&self, bank: Option<&str>) -> anyhow::Result<()> {
        let client = self.client()?;
        let mut told = Value::Null;
        for own in BANKS.iter().map(|own| own.name()).filter(|own| bank.is_none_or(|it| it == *own))
        {
            told = client.clear_faults_at(own).await?;
        }
        if told.is_null() {
            let known: Vec<&str> = BANKS.iter().map(|own| own.name()).collect();
            anyhow::bail!("there is no such bank; the sandbox has {}", known.join(" and "));
        }
        if self.json { print_json(&told) } else { print("No fault is set.") }
    }

    fn tell_faults(&self, told: &Value) -> anyhow::Result<()> {
        if self.json { print_json(told) } else { print("The fault is set; `fault clear` ends it.") }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        sandbox: super::SandboxArgs,
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let parses = |line: &str| Cli::try_parse_from(line.split(' ')).is_ok();
        assert!(parses("sandbox --listen 127.0.0.1:9901 --state x.json"));
        assert!(parses("sandbox clock --advance 1d12h --json"));
        assert!(parses("sandbox clock advance 400d --json"));
        assert!(!parses("sandbox clock --advance 1d advance 400d"));
        assert!(parses("sandbox fault hang:30000 --times 2 --path refund --at http://x"));
        assert!(parses("sandbox faults clear"));
        assert!(parses("sandbox pay AS10 --amount 100 --payer Anna"));
        assert!(!parses("sandbox pay AS10 --amount 100 --card 2200000000000004"));
        assert!(!parses("sandbox --listen 127.0.0.1:9901 list"));
        assert!(!parses("sandbox token abc"));
    }
}
