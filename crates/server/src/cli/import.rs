//! `kopeck import`: plans, saved cards and subscriptions from another system.

mod progress;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    print::{BAD, FAINT, GOOD, paint, table},
};
use crate::{
    kit::db::Tx,
    shops::{self, model::Connection},
    subscriptions::{
        catalog::{Listed, read_plans},
        flow::{Problem, plans},
        import::{
            Mode, Verdict,
            saved::{self, Saved},
            subscribed::{self, Subscribed},
            table::{Row, read_rows},
        },
    },
};

const PLANS: [&str; 11] = [
    "code",
    "name",
    "amount",
    "interval",
    "interval_count",
    "trial_days",
    "setup_fee",
    "features",
    "receipt",
    "notice_hours",
    "amount_kopecks",
];
/// Columns of a plan that are numbers or objects, not text.
const RAW: [&str; 6] =
    ["interval_count", "trial_days", "features", "receipt", "notice_hours", "amount_kopecks"];

const ABOUT: &str = "Files are CSV with a head, or a JSON list of objects. Again is no harm: what \
                     is here already stays as it is.
  customers: customer, rebill_id (or account_token), masked, consent_version, consent_at …
  plans: code, name, amount, interval, interval_count, trial_days, setup_fee
  subscriptions: customer, plan, next_charge_at, amount, consent_version, consent_at …
docs/guides/subscriptions.md tells of every column.";

/// Take plans, saved cards and subscriptions over from another system
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub struct ImportArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Source {
    /// CSV or JSON
    file: PathBuf,
    /// Only tell what would be done, line by line
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What customers saved at T-Bank: its RebillIds, with the evidence that they agreed
    Customers(Source),
    /// Plans; a plan with other terms gets a new version
    Plans(Source),
    /// Running subscriptions: paid until their next charge
    Subscriptions(Source),
    /// How many customers saved anew what could not be taken over, and by what link the others do
    Progress {
        /// Make a link for each who waits for one; who has one keeps it
        #[arg(long)]
        links: bool,
        /// At which bank they save; the subscription's own by default
        #[arg(long, requires = "links")]
        bank: Option<String>,
    },
}

/// What became of one line.
#[derive(Serialize)]
struct Told {
    line: usize,
    name: String,
    result: &'static str,
    reason: Option<String>,
}

impl ImportArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Customers(from) => {
                let rows = rows(&from.file, "customers", &saved::COLUMNS)?;
                // A bank that only the environment names is a connection from now on.
                let _ = connect::get_of(&world, Some("tbank")).await;
                let take = |row: &Row| Saved::read(row).map(One::Saved);
                go(&world, rows, "customer", from.dry_run, take).await
            }
            Command::Plans(from) => {
                let rows = rows(&from.file, "plans", &PLANS)?;
                go(&world, rows, "code", from.dry_run, |row| plan(row).map(One::Plan)).await
            }
            Command::Subscriptions(from) => {
                let rows = rows(&from.file, "subscriptions", &subscribed::COLUMNS)?;
                let take =
                    |row: &Row| Subscribed::read(row).map(|it| One::Subscribed(Box::new(it)));
                go(&world, rows, "customer", from.dry_run, take).await
            }
            Command::Progress { links, bank } => progress::run(&world, links, bank).await,
        }
    }
}

fn rows(file: &Path, list: &str, known: &[&str]) -> Result<Vec<Row>, Fail> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Fail::new("file_unreadable", message, "Check the name")
    })?;
    read_rows(&text, list, known).map_err(|why| {
        let message = format!("{}: {why}", file.display());
        Fail::new("file_invalid", message, "`kopeck import --help` names the columns")
    })
}

fn plan(row: &Row) -> Result<Listed, String> {
    let mut fields = Map::new();
    for (name, text) in row.fields() {
        let value = if RAW.contains(&name) {
            let read: Result<Value, _> = serde_json::from_str(text);
            read.map_err(|_| format!("`{name}` cannot be read"))?
        } else {
            Value::String(text.to_owned())
        };
        fields.insert(name.to_owned(), value);
    }
    let mut read = read_plans(vec![fields]).map_err(saved::said)?;
    read.pop().ok_or_else(|| "it is no plan".to_owned())
}

/// What one line asks for.
enum One {
    Saved(Saved),
    Plan(Listed),
    Subscribed(Box<Subscribed>),
}

/// Line by line, each in a transaction of its own: what is done stays done.
async fn go(
    world: &World,
    rows: Vec<Row>,
    named_by: &str,
    dry_run: bool,
    read: impl Fn(&Row) -> Result<One, String>,
) -> Result<(), Fail> {
    let banks = shops::flow::list_connections(&world.ctx, &world.shop.id).await?;
    let mode = if dry_run { Mode::DryRun } else { Mode::Write };
    let bar = bar(world.out.json, rows.len());
    let mut told = Vec::new();
    for row in &rows {
        let verdict = match read(row) {
            Ok(one) => take(world, banks.clone(), one, mode).await?,
            Err(why) => Verdict::Refused(why),
        };
        let result = verdict.as_str();
        let reason = if let Verdict::Refused(why) = verdict { Some(why) } else { None };
        let name = row.find(named_by).unwrap_or("").to_owned();
        told.push(Told { line: row.line, name, result, reason });
        bar.inc(1);
    }
    bar.finish_and_clear();
    show(world, &told, dry_run)
}

async fn take(
    world: &World,
    banks: Vec<Connection>,
    one: One,
    mode: Mode,
) -> Result<Verdict, Fail> {
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let work = move |tx: &mut dyn Tx| match one {
        One::Saved(saved) => {
            let connection = banks.iter().rev().find(|it| it.bank == saved.bank);
            let Some(connection) = connection else {
                return Ok(Verdict::Refused(format!("{} is not connected", saved.bank)));
            };
            saved.take(tx, &ctx, connection, mode)
        }
        One::Plan(Listed { code, terms }) => {
            let made = match mode {
                Mode::DryRun => plans::compare(tx, &ctx, &shop_id, &code, terms)?,
                Mode::Write => plans::apply(tx, &ctx, &shop_id, &code, terms)?,
            };
            Ok(match made.1 {
                plans::Made::New => Verdict::New,
                plans::Made::Version => Verdict::Changed,
                plans::Made::Same => Verdict::Same,
            })
        }
        One::Subscribed(subscribed) => subscribed.take(tx, &ctx, (&shop_id, &banks), mode),
    };
    let done: Result<Verdict, Problem> = match mode {
        Mode::DryRun => world.ctx.db.read(work).await,
        Mode::Write => world.ctx.db.write(work).await,
    };
    Ok(done?)
}

fn bar(json: bool, count: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(0));
    // Short work needs no bar.
    if json || count < 50 {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} · {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(world: &World, told: &[Told], dry_run: bool) -> Result<(), Fail> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    told.iter().for_each(|it| *counts.entry(it.result).or_default() += 1);
    let shown = json!({ "lines": told, "counts": counts, "dry_run": dry_run });
    world.out.show(&shown, || {
        let mut rows = table(&["Line", "", "Result", "Why"]);
        for it in told.iter().filter(|it| dry_run || it.reason.is_some()) {
            let result = match it.result {
                "refused" => paint(BAD, it.result),
                "same" => paint(FAINT, it.result),
                other => paint(GOOD, other),
            };
            let reason = it.reason.as_deref().unwrap_or("");
            rows.add_row(vec![&it.line.to_string(), &it.name, &result, reason]);
        }
        let all: Vec<String> =
            counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let head = if dry_run { "Would be" } else { "Done" };
        let foot = format!("{head}: {}.", all.join(", "));
        if rows.is_empty() { foot } else { format!("{rows}\n{foot}") }
    })?;
    match counts.get("refused") {
        Some(count) => {
            let message = format!("{count} of {} lines were refused.", told.len());
            let hint = "mend them and import the file again: the others stay as they are";
            Err(Fail::new("import_refused", message, hint))
        }
        None => Ok(()),
    }
}
