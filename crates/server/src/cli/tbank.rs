//! `kopeck tbank`: what only T-Bank has. `terminal-tests` walks a merchant through the bank's
//! mandatory test cases; it reads no card, the payer types it at the bank's page.

mod cases;
mod paid;
mod report;
mod saved;
mod watch;

use clap::{Args, Subcommand};
use kopeck_banks::{Money, receipt::Taxation, tbank::settings};
use serde_json::json;

use self::{
    cases::{CASES, Case, Goal, parse_case},
    report::{Ending, Tally, Verdict},
};
use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    init::{not_asked, steps::Steps},
    link::{Look, parse_money},
    print::{WARN, can_ask, paint},
};
use crate::{sandbox::parse_duration_ms, shops::model::Connection};

/// What a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What only T-Bank has: the test cases of a terminal.
#[derive(Debug, Args)]
pub struct TbankArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    TerminalTests(Box<TestsArgs>),
}

/// Pass the bank's mandatory test cases at a DEMO terminal
///
/// Makes every call, shows each link and its card, waits for the payer, does what follows, and
/// tells what passed. Ctrl-C is safe: the same command goes on. With --json it prints one object
/// per line: link, result, summary.
#[derive(Debug, Args)]
pub struct TestsArgs {
    /// Only these: 1, 2, 3 (general), 5, 6 (auto-payments), 7, 8 (receipts); all by default
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = parse_case)]
    case: Vec<u8>,
    /// List the cases and stop
    #[arg(long)]
    list: bool,
    /// Run anew what has passed before
    #[arg(long)]
    again: bool,
    /// Rubles of each payment
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, default_value = "10")]
    amount: Money,
    /// The terminal takes money in two stages: hold first, then capture
    #[arg(long)]
    hold: bool,
    /// How long to wait for the payer in each case
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, default_value = "10m")]
    timeout: u64,
    /// The terminal's notices go elsewhere: do not wait for one in case 2
    #[arg(long)]
    no_notice: bool,
    /// Case 7: the receipt is for a prepayment, and the closing receipt follows it
    #[arg(long)]
    closing_receipt: bool,
    /// Tax system of the receipts; the connection's setting, else osn
    #[arg(long, value_name = "WORD", value_parser = parse_taxation)]
    taxation: Option<Taxation>,
    /// Where the receipts go
    #[arg(long, value_name = "EMAIL", default_value = "receipt@example.com")]
    email: String,
    /// Run at a working terminal, where payments are real
    #[arg(long)]
    allow_working_terminal: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    look: Look,
}

fn parse_timeout(text: &str) -> Result<u64, String> {
    let ms = parse_duration_ms(text)?;
    u64::try_from(ms).ok().filter(|ms| *ms > 0).ok_or_else(|| "more than nothing".to_owned())
}

fn parse_taxation(text: &str) -> Result<Taxation, String> {
    let words: Vec<&str> = Taxation::ALL.iter().map(|word| word.as_str()).collect();
    Taxation::parse(text).ok_or_else(|| format!("the tax systems are {}", words.join(", ")))
}

/// Everything that a case runs with.
struct Stage<'a> {
    world: &'a World,
    connection: &'a Connection,
    args: &'a TestsArgs,
    /// Turns true when Ctrl-C is pressed.
    stopping: tokio::sync::watch::Sender<bool>,
}

impl TbankArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let Command::TerminalTests(args) = self.command;
        args.run(globals).await
    }
}

impl TestsArgs {
    async fn run(self, globals: &Globals) -> Result<(), Fail> {
        if self.list {
            let views: Vec<_> = self.cases().map(report::case_view).collect();
            return globals
                .out()
                .show(&json!({ "cases": views }), || report::table_of(self.cases()));
        }
        let world = globals.open().await?;
        let connection = connect::get_of(&world, Some("tbank")).await?;
        self.check_terminal(&world, &connection)?;
        let stopping = tokio::sync::watch::Sender::new(false);
        let stage = Stage { world: &world, connection: &connection, args: &self, stopping };
        // The first Ctrl-C lets what was asked of the bank come back, so that no lease stays
        // behind; a second one does not wait, which is as safe as any other crash.
        let pressed_twice = async {
            if tokio::signal::ctrl_c().await.is_ok() {
                stage.stopping.send_replace(true);
            }
            tokio::signal::ctrl_c().await
        };
        tokio::select! {
            done = stage.run_all() => done,
            _ = pressed_twice => Err(interrupted()),
        }
    }

    fn cases(&self) -> impl Iterator<Item = &'static Case> {
        let is_wanted = |case: &&Case| self.case.is_empty() || self.case.contains(&case.number);
        CASES.iter().filter(is_wanted)
    }

    fn check_terminal(&self, world: &World, connection: &Connection) -> Result<(), Fail> {
        if settings::is_demo(&connection.credentials) {
            return Ok(());
        }
        let key = settings::terminal_key(&connection.credentials);
        if self.allow_working_terminal {
            let warning = format!("{} {key} is a working terminal", paint(WARN, "!"));
            return world.out.tell(&format!("{warning}: what is paid there is real\n"));
        }
        let hint = "The cases belong to the terminal whose key ends in DEMO: connect it with \
                    `kopeck init --bank tbank`, or by TBANK_TERMINAL_KEY and TBANK_PASSWORD; \
                    --allow-working-terminal runs them here all the same";
        let message = format!("{key} is a working terminal, not a test one");
        Err(Fail::new("terminal_not_demo", message, hint).param("terminal_key"))
    }
}

fn interrupted() -> Fail {
    let hint = "The same command goes on where this one was";
    Fail { exit: INTERRUPTED, ..Fail::new("interrupted", "Stopped by Ctrl-C", hint) }
}

impl Stage<'_> {
    fn is_emulator(&self) -> bool {
        !settings::is_bank(&self.connection.credentials)
    }

    async fn run_all(&self) -> Result<(), Fail> {
        let mut tally = Tally::default();
        for case in self.args.cases() {
            if tally.is_deserted() {
                tally.not_run.push(case.number);
                continue;
            }
            if *self.stopping.borrow() {
                return Err(interrupted());
            }
            report::open_case(self, case)?;
            let ending = self.run(case).await?;
            if *self.stopping.borrow() && ending.verdict != Verdict::Passed {
                return Err(interrupted());
            }
            report::close_case(self, case, &ending)?;
            tally.count(case, &ending.verdict);
        }
        report::sum_up(self, &tally)
    }

    /// What the bank refuses, or does not answer, is this case's failure: the next one may pass.
    async fn run(&self, case: &Case) -> Result<Ending, Fail> {
        if !self.is_wanted(case)? {
            return Ok(Ending::new(Verdict::Skipped));
        }
        let mut steps = Steps::new(self.world.out);
        let ended = match case.goal {
            Goal::Paid | Goal::Declined | Goal::Refunded => paid::run(self, case, &mut steps).await,
            Goal::CardSaved => saved::keep(self, case, &mut steps).await,
            Goal::Charged => saved::charge(self, case, &mut steps).await,
        };
        let ending = ended.unwrap_or_else(|fail| {
            Ending::new(Verdict::Failed { reason: fail.message, next: fail.hint })
        });
        Ok(Ending { steps: steps.into_json(), ..ending })
    }

    fn is_wanted(&self, case: &Case) -> Result<bool, Fail> {
        if self.args.yes || self.world.out.json || !can_ask() {
            return Ok(true);
        }
        let question = format!("Run case {}?", case.number);
        inquire::Confirm::new(&question).with_default(true).prompt().map_err(|error| {
            use inquire::InquireError as E;
            match error {
                E::OperationInterrupted | E::OperationCanceled => interrupted(),
                E::NotTTY | E::InvalidConfiguration(_) | E::IO(_) | E::Custom(_) => {
                    not_asked(error)
                }
            }
        })
    }
}
