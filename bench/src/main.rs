//! Measures Kopeck on this machine and prints what it measured; keeps nothing.
//!
//! `kopeck-bench [--seconds N] [--database URL] [--json]`, and of one part alone
//! `--subscriptions N` or `--deliveries ROUNDS`; `bench/README.md` says how to read it.
#![expect(clippy::float_arithmetic, reason = "statistics are printed, no money is counted here")]

mod baseline;
mod create;
mod http;
mod notices;
mod renewals;
mod report;
mod webhooks;
mod world;

use anyhow::{Context as _, bail};

use report::Report;
use world::{Place, World};

/// Long enough to see past the first fsyncs, short enough to be run often.
const DEFAULT_SECONDS: u32 = 3;

struct Asked {
    seconds: u32,
    database: Option<String>,
    is_json: bool,
    /// Renewals among so many, and nothing else: filling the database takes minutes.
    subscriptions: Option<u64>,
    /// Deliveries and nothing else, in so many rounds.
    deliveries: Option<u32>,
}

fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Asked> {
    let mut asked = Asked {
        seconds: DEFAULT_SECONDS,
        database: None,
        is_json: false,
        subscriptions: None,
        deliveries: None,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--seconds" => asked.seconds = value()?.parse().context("--seconds needs a number")?,
            "--database" => asked.database = Some(value()?),
            "--subscriptions" => {
                let count = value()?.parse().context("--subscriptions needs a number")?;
                asked.subscriptions = Some(count);
            }
            "--deliveries" => {
                let rounds = value()?.parse().context("--deliveries needs a number")?;
                asked.deliveries = Some(rounds);
            }
            "--json" => asked.is_json = true,
            _ => bail!(
                "{word}? Usage: kopeck-bench [--seconds N] [--database URL] [--json] \
                 [--subscriptions N | --deliveries ROUNDS]"
            ),
        }
    }
    Ok(Asked { seconds: asked.seconds.clamp(1, 60), ..asked })
}

fn main() -> anyhow::Result<()> {
    let asked = parse(std::env::args().skip(1))?;
    let place = Place::new(asked.database.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(measure(&place, &asked))?;
    print!("{}", if asked.is_json { report.json() } else { report.table() });
    Ok(())
}

async fn measure(place: &Place, asked: &Asked) -> anyhow::Result<Report> {
    let mut report = Report::new(place.what());
    if let Some(total) = asked.subscriptions {
        renewals::due(&mut report, &World::new(place).await?, total).await?;
        return Ok(report);
    }
    let seconds = asked.seconds;
    if let Some(rounds) = asked.deliveries {
        webhooks::hanging(&mut report, &World::new(place).await?, (seconds, rounds)).await?;
        return Ok(report);
    }
    baseline::inserts(&mut report, place, seconds)?;
    baseline::verifications(&mut report, seconds)?;
    let world = World::new(place).await?;
    // First, while its runner finds no other payments' jobs to do.
    create::overhead(&mut report, &world, seconds).await?;
    notices::taken(&mut report, &world, seconds).await?;
    notices::over_http(&mut report, &world, seconds).await?;
    webhooks::hanging(&mut report, &world, (seconds, 1)).await?;
    Ok(report)
}
