//! What receivers that hang cost those that do not: 90 good ones alone, then with 10 more that
//! answer, then with 10 that never do, several times in turns; medians of the ratios.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::ensure;
use kopeck::{
    app::App,
    events::{EventKind, NewEvent, insert_event},
    kit::{
        Ctx,
        db::DbError,
        net::{AddressPolicy, NetSettings, NetWire},
    },
    webhooks::{
        flow::{Changes, NewWebhook, create, edit},
        model::{Kinds, Payload},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::{
    report::{Report, per_second, quantile_us},
    world::World,
};

const GOOD: usize = 90;
const HANGING: usize = 10;
/// Events written at once, for the rate: each goes to every webhook.
const BURST: usize = 20;
/// Between two events of the paced part, for the times.
const PACE: Duration = Duration::from_millis(250);
/// A receiver of our own has a day's work in its head.
const BODY: &str = r#"{"object":"payment"}"#;

const RATE: &str = "deliveries, 90 receivers";
const P95: &str = "  event to receipt, p95, 90 receivers";

/// What good receivers got, and when: event and receiver to moment.
type Got = Arc<Mutex<HashMap<(String, String), Instant>>>;

pub async fn hanging(
    report: &mut Report,
    world: &World,
    (seconds, rounds): (u32, u32),
) -> anyhow::Result<()> {
    let got = Got::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let receivers = listener.local_addr()?;
    tokio::spawn(accept(listener, Arc::clone(&got)));
    let settings = NetSettings {
        policy: AddressPolicy::AllowLoopback,
        extra_ca_file: None,
        connect_timeout_ms: 5_000,
        timeout_ms: 20_000,
    };
    let courier = Arc::new(NetWire::courier(&settings)?);
    let ctx = Ctx { courier, ..world.ctx.clone() };
    let shop_id = world.connection.shop_id.as_str();

    add(&ctx, shop_id, receivers, "good", GOOD).await?;
    let more = add(&ctx, shop_id, receivers, "more", HANGING).await?;
    let hangs = add(&ctx, shop_id, receivers, "hangs", HANGING).await?;
    switch(&ctx, shop_id, &more, false).await?;
    switch(&ctx, shop_id, &hangs, false).await?;
    let mut seen = Vec::new();
    for round in 0..rounds.max(1) {
        let mut parts = [Part::default(); 3];
        // Whatever comes last in a round finds a busier machine: each of the three in its turn.
        for at in 0..parts.len() {
            let which = (at + usize::try_from(round)?) % parts.len();
            let others: &[String] = match which {
                0 => &[],
                1 => &more,
                _ => &hangs,
            };
            switch(&ctx, shop_id, others, true).await?;
            got.lock().unwrap_or_else(PoisonError::into_inner).clear();
            // First deliveries of those that hang, which take all of their places, are measured.
            parts[which] = Part::of(run(&ctx, shop_id, &got, seconds).await?);
            switch(&ctx, shop_id, others, false).await?;
        }
        let [alone, answering, hanging] = parts;
        seen.push(Round { alone, answering, hanging });
    }
    tell(report, &seen);
    Ok(())
}

/// One measured part: deliveries a second, and microseconds from an event to its receipt.
#[derive(Clone, Copy, Default)]
struct Part {
    rate: f64,
    p95: f64,
}

impl Part {
    fn of((rate, mut times): (f64, Vec<Duration>)) -> Part {
        Part { rate, p95: quantile_us(&mut times, 950) }
    }
}

/// The same within a minute or so, one after the other: what a neighbour's load does to one part it
/// does to the others too.
struct Round {
    alone: Part,
    answering: Part,
    hanging: Part,
}

fn tell(report: &mut Report, rounds: &[Round]) {
    let alone = median(rounds.iter().map(|it| it.alone.rate));
    report.add(RATE, alone, "/s");
    let answering = median(rounds.iter().map(|it| it.answering.rate / it.alone.rate));
    report.compare("  the same with 10 more that answer", alone * answering, "/s", RATE);
    let hanging = median(rounds.iter().map(|it| it.hanging.rate / it.alone.rate));
    report.compare("  the same with 10 that hang", alone * hanging, "/s", RATE);
    let alone = median(rounds.iter().map(|it| it.alone.p95));
    report.add(P95, alone, "µs");
    let answering = median(rounds.iter().map(|it| it.answering.p95 / it.alone.p95));
    report.compare("  the same with 10 more that answer, p95", alone * answering, "µs", P95);
    let hanging = median(rounds.iter().map(|it| it.hanging.p95 / it.alone.p95));
    report.compare("  the same with 10 that hang, p95", alone * hanging, "µs", P95);
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Lets these hear of what happens from now on, or of nothing.
async fn switch(ctx: &Ctx, shop_id: &str, ids: &[String], is_on: bool) -> anyhow::Result<()> {
    for id in ids {
        let changes =
            Changes { is_enabled: Some(is_on), skips_missed: is_on, ..Changes::default() };
        let done = edit(ctx, shop_id, id, changes).await;
        done.map_err(|problem| anyhow::anyhow!("a webhook was not switched: {problem:?}"))?;
    }
    Ok(())
}

async fn add(
    ctx: &Ctx,
    shop_id: &str,
    receivers: SocketAddr,
    what: &str,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for at in 0..count {
        let new = NewWebhook {
            url: format!("http://{receivers}/{what}/{at}"),
            description: None,
            kinds: Kinds::all(),
            payload: Payload::Full,
            is_ordered: false,
            header: None,
        };
        let made = create(ctx, shop_id, new, None).await;
        let made =
            made.map_err(|problem| anyhow::anyhow!("a webhook was not made: {problem:?}"))?;
        ids.push(made.0.id);
    }
    Ok(ids)
}

/// Rate of a burst, then times at an easy pace; the server runs as it does in production.
async fn run(
    ctx: &Ctx,
    shop_id: &str,
    got: &Got,
    seconds: u32,
) -> anyhow::Result<(f64, Vec<Duration>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = App::new(ctx.clone());
    let nudge = Arc::clone(&app.nudge);
    let server = tokio::spawn(app.serve(listener, async {
        // An error means that the sender is gone: the same as an order to stop.
        let _ = stopped.await;
    }));
    let mut ids = Vec::new();
    let started = Instant::now();
    for _ in 0..BURST {
        ids.push(write(ctx, shop_id).await?);
        nudge.notify_one();
    }
    wait_for(got, &ids).await?;
    let rate = per_second(BURST * GOOD, started.elapsed());

    let mut written = Vec::new();
    let (started, life) = (Instant::now(), Duration::from_secs(seconds.into()));
    while started.elapsed() < life {
        let began = Instant::now();
        let id = write(ctx, shop_id).await?;
        nudge.notify_one();
        written.push((id, began));
        tokio::time::sleep(PACE).await;
    }
    let ids: Vec<String> = written.iter().map(|(id, _)| id.clone()).collect();
    wait_for(got, &ids).await?;
    let began: HashMap<String, Instant> = written.into_iter().collect();
    let times = {
        let got = got.lock().unwrap_or_else(PoisonError::into_inner);
        let of_ours = got.iter().filter_map(|((id, _), at)| Some((began.get(id)?, at)));
        of_ours.map(|(began, at)| at.saturating_duration_since(*began)).collect()
    };
    drop(stop);
    server.await??;
    Ok((rate, times))
}

async fn write(ctx: &Ctx, shop_id: &str) -> anyhow::Result<String> {
    let (inner, shop_id) = (ctx.clone(), shop_id.to_owned());
    let id = ctx.mint.id("ev");
    let event_id = id.clone();
    let done: Result<bool, DbError> = ctx
        .db
        .write(move |tx| {
            let event = NewEvent {
                id: event_id,
                shop_id: &shop_id,
                subject_id: &inner.mint.id("pay"),
                kind: EventKind::PaymentPaid,
                about: None,
                at_ms: inner.now_ms(),
                body: BODY,
            };
            insert_event(tx, &event)
        })
        .await;
    ensure!(done?, "the event was announced before");
    Ok(id)
}

async fn wait_for(got: &Got, ids: &[String]) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let count = {
            let got = got.lock().unwrap_or_else(PoisonError::into_inner);
            got.keys().filter(|(id, _)| ids.contains(id)).count()
        };
        if count == ids.len() * GOOD {
            return Ok(());
        }
        ensure!(Instant::now() < until, "only {count} of {} came", ids.len() * GOOD);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn accept(listener: TcpListener, got: Got) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(receive(stream, Arc::clone(&got)));
    }
}

/// Answers 200 on a connection that is kept, or never.
async fn receive(mut stream: TcpStream, got: Got) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        let head = end.map(|end| String::from_utf8_lossy(&bytes[..end]).into_owned());
        let header = |name: &str| {
            let mut lines = head.as_deref().unwrap_or("").lines();
            lines.find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned()
        };
        let length: usize = header("content-length: ").parse().unwrap_or(0);
        match end {
            Some(end) if bytes.len() >= end + 4 + length => {
                let text = head.as_deref().unwrap_or("");
                let path = text.split(' ').nth(1).unwrap_or("").to_owned();
                if path.starts_with("/hangs") {
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                    return;
                }
                if path.starts_with("/good") {
                    let key = (header("webhook-id: "), path);
                    got.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Instant::now());
                }
                bytes.drain(..end + 4 + length);
                let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(reply).await.is_err() {
                    return;
                }
            }
            Some(_) | None => match stream.read_buf(&mut bytes).await {
                Ok(read) if read > 0 => {}
                Ok(_) | Err(_) => return,
            },
        }
    }
}
