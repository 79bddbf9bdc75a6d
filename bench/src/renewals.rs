//! Renewals that are found and planned a second: among a thousand subscriptions, then among as many
//! as asked for. Were any step of one to read a whole table, the second row would tell.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};
use kopeck::{
    ids::Mint,
    kit::{
        Ctx,
        clock::{DAY_MS, HOUR_MS, ManualClock},
        db::{DbError, Dialect},
        jobs::{self, Job},
    },
    subscriptions::{
        drive::drive,
        flow::{
            JOB, Problem,
            begin::{self, NewSubscription},
            plans,
        },
        model::{How, Terms},
        schedule::{Interval, Unit},
        store,
    },
};
use kopeck_banks::Money;
use tokio::task::JoinSet;

use crate::{
    report::{Report, per_second, quantile_us},
    world::World,
};

/// Due at once in both rows, so that both do the same work.
const DUE: u64 = 1_000;
/// Rows copied in one transaction.
const CHUNK: u64 = 50_000;
/// As many as the server's own runner has at work.
const PARALLEL: i64 = 32;
const LOOKS: u64 = 500;

const RATE: &str = "renewals planned, of 1000 subscriptions";
const FOUND: &str = "  32 of them found, p95";
const LOOK: &str = "  what a customer may use, p95";

pub async fn due(report: &mut Report, world: &World, total: u64) -> anyhow::Result<()> {
    ensure!(total > DUE, "--subscriptions takes more than {DUE}");
    let original = begin_trial(world).await?;
    copy(&world.ctx, &original, 1, DUE).await?;
    let mut small = measure(world, DUE).await?;
    let began = Instant::now();
    copy(&world.ctx, &original, DUE + 1, total).await?;
    let filled = per_second(usize::try_from(total - DUE)?, began.elapsed());
    make_due(&world.ctx, &original, total).await?;
    let mut large = measure(world, total).await?;

    report.add("subscriptions in the database", f64::from(u32::try_from(total)?), "");
    report.add("  rows of one written while filling it", filled, "/s");
    report.add(RATE, small.rate, "/s");
    report.compare("  of all of them", large.rate, "/s", RATE);
    report.add(FOUND, quantile_us(&mut small.finds, 950), "µs");
    report.compare("  the same of all", quantile_us(&mut large.finds, 950), "µs", FOUND);
    report.add(LOOK, quantile_us(&mut small.looks, 950), "µs");
    report.compare("  the same of all of them", quantile_us(&mut large.looks, 950), "µs", LOOK);
    report.add("peak memory of the process", f64::from(peak_mib()?), "MiB");
    Ok(())
}

/// A trial that ended an hour ago: its next turn opens the first period and asks for its money.
async fn begin_trial(world: &World) -> anyhow::Result<String> {
    let clock = ManualClock::new(world.ctx.now_ms() - DAY_MS - HOUR_MS);
    let then = Ctx { clock: clock.clone(), mint: Arc::new(Mint::new(clock)), ..world.ctx.clone() };
    let shop_id = world.connection.shop_id.clone();
    let terms = Terms {
        name: "Доступ".to_owned(),
        price: Money::from_kopecks(49_000).context("a price")?,
        interval: Interval::new(Unit::Month, 1).context("a month")?,
        trial_days: 1,
        setup_fee: Money::ZERO,
        features: "{}".to_owned(),
        receipt: None,
        notice_hours: None,
    };
    let (inner, shop) = (then.clone(), shop_id.clone());
    let made: Result<(), Problem> =
        then.db.write(move |tx| plans::create(tx, &inner, &shop, "start", terms).map(drop)).await;
    made.map_err(|problem| anyhow!("{problem:?}"))?;
    let new = NewSubscription {
        plan: "start".to_owned(),
        customer_id: "c".to_owned(),
        quantity: 1,
        coupon: None,
        collection: How::Link,
        instrument_id: None,
        saves: None,
        by_bank: None,
        bank: None,
        zone: None,
        contact: None,
        success_url: None,
        receipt: None,
        fail_url: None,
        metadata: "{}".to_owned(),
        consent: None,
        skips_trial: false,
    };
    let planned = begin::plan(&then, &shop_id, new).await;
    let planned = planned.map_err(|problem| anyhow!("{problem:?}"))?;
    let inner = then.clone();
    let begun = then.db.write(move |tx| begin::create(tx, &inner, planned)).await;
    Ok(begun.map_err(|problem| anyhow!("{problem:?}"))?.id)
}

/// Copies the subscription and its job, due as it is, under the numbers `from..=to`; those after
/// the first thousand are due in a year.
async fn copy(ctx: &Ctx, original: &str, from: u64, to: u64) -> anyhow::Result<()> {
    let far_ms = ctx.now_ms() + 365 * DAY_MS;
    let far = if from > DUE { format!("{far_ms} + n.i") } else { "t.due_ms".to_owned() };
    let own = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), numbered(name))).collect::<Vec<_>>()
    };
    let mut job = own(&["id", "subject"]);
    job.push(("due_ms".to_owned(), far));
    let tables = [("subscriptions", "id", own(&["id", "customer_id"])), ("jobs", "subject", job)];
    for (table, key, changed) in tables {
        let columns = columns(ctx, table).await?;
        let named = |name: &String| changed.iter().find(|(own, _)| own == name);
        let values: Vec<String> = columns
            .iter()
            .map(|name| named(name).map_or_else(|| format!("t.{name}"), |(_, sql)| sql.clone()))
            .collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let mut at = from;
        while at <= to {
            let last = to.min(at + CHUNK - 1);
            let sql = format!(
                "insert into {table} ({columns}) with recursive n(i) as (select {at} union all \
                 select i + 1 from n where i < {last}) select {values} from {table} t, n \
                 where t.{key} = '{original}'"
            );
            let done: Result<u64, DbError> = ctx.db.write(move |tx| tx.execute(&sql, &[])).await;
            done?;
            at = last + 1;
        }
    }
    Ok(())
}

fn numbered(name: &str) -> String {
    format!("t.{name} || '-' || cast(n.i as text)")
}

async fn columns(ctx: &Ctx, table: &'static str) -> anyhow::Result<Vec<String>> {
    let found: Result<Vec<String>, DbError> = ctx
        .db
        .read(move |tx| {
            let sql = match tx.dialect() {
                Dialect::Sqlite => format!("select name from pragma_table_info('{table}')"),
                Dialect::Postgres => format!(
                    "select column_name::text from information_schema.columns \
                     where table_schema = current_schema() and table_name = '{table}'"
                ),
            };
            tx.query(&sql, &[])?.iter().map(|row| row.text(0)).collect()
        })
        .await;
    Ok(found?)
}

/// A thousand of all, spread evenly, are due now.
async fn make_due(ctx: &Ctx, original: &str, total: u64) -> anyhow::Result<()> {
    let step = (total - DUE) / DUE;
    let due_ms = ctx.now_ms() - HOUR_MS;
    let names: Vec<String> =
        (1..=DUE).map(|at| format!("{original}-{}", DUE + at * step)).collect();
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            names.iter().try_for_each(|name| {
                let sql = "update jobs set due_ms = $1 where kind = $2 and subject = $3";
                tx.execute(sql, &[due_ms.into(), JOB.into(), name.into()]).map(drop)
            })
        })
        .await;
    Ok(done?)
}

struct Measured {
    rate: f64,
    finds: Vec<Duration>,
    looks: Vec<Duration>,
}

/// Takes all due subscriptions' turns as the server's runner does, without asking the bank; then
/// looks at what customers may use.
async fn measure(world: &World, total: u64) -> anyhow::Result<Measured> {
    let ctx = &world.ctx;
    let (mut planned, mut finds) = (0, Vec::new());
    let began = Instant::now();
    loop {
        let (inner, now_ms) = (ctx.clone(), ctx.now_ms());
        let looked = Instant::now();
        let found: Result<Vec<Job>, DbError> =
            ctx.db.write(move |tx| jobs::claim_due(tx, &inner.mint, now_ms, PARALLEL)).await;
        finds.push(looked.elapsed());
        // The payments that were planned are due now, too, after what was due an hour ago.
        let due: Vec<Job> = found?.into_iter().filter(|job| job.kind == JOB).collect();
        if due.is_empty() {
            break;
        }
        planned += due.len();
        let mut running = JoinSet::new();
        for job in due {
            let ctx = ctx.clone();
            running.spawn(async move {
                let after = drive(&ctx, &job).await?;
                let now_ms = ctx.now_ms();
                let done: Result<(), DbError> =
                    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await;
                anyhow::Ok(done?)
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
    }
    let rate = per_second(planned, began.elapsed());
    ensure!(planned >= usize::try_from(DUE)?, "only {planned} renewals were due");
    Ok(Measured { rate, finds, looks: looks(world, total).await? })
}

async fn looks(world: &World, total: u64) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for at in 0..LOOKS {
        let (shop_id, customer) =
            (world.connection.shop_id.clone(), format!("c-{}", 1 + at * (total / LOOKS)));
        let began = Instant::now();
        let found: Result<usize, DbError> = world
            .ctx
            .db
            .read(move |tx| Ok(store::list_entitled(tx, &shop_id, &customer)?.len()))
            .await;
        times.push(began.elapsed());
        ensure!(found? == 1, "a customer has no subscription");
    }
    Ok(times)
}

/// The kernel's own count; Linux only, as the bench's machines are.
fn peak_mib() -> anyhow::Result<u32> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading the peak memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().split(' ').next());
    let kib: u32 = kib.context("no VmHWM")?.parse()?;
    Ok(kib / 1_024)
}
