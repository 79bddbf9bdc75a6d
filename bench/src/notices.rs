//! Durable notices per second: signature checked, payment observed, event and outbox written,
//! synced to disk, and only then answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};
use kopeck::{
    app,
    app::take_news,
    http::Limits,
    kit::db::DbError,
    payments::{
        flow::{self, NewPayment, Problem},
        model::{Means, Payment},
        notices::{RefusedCount, Taken, take},
    },
    runner::Nudge,
};
use kopeck_banks::{
    Bank as _, Money,
    op::{CaptureMode, PayMethod},
    tochka::Tochka,
};
use tokio::task::JoinSet;

use crate::{
    baseline::{INSERTS, VERIFICATIONS},
    http::Client,
    report::{Report, per_second, quantile_us},
    world::World,
};

/// A bank that catches up after a pause; group commit lives from company.
const SENDERS: usize = 64;
/// How many to prepare for one second. What is left over is not sent.
const PREPARED_PER_SECOND: usize = 12_000;
const PREPARED_MAX: usize = 40_000;
/// Payments made in one transaction of the preparation.
const BATCH: usize = 500;

const ALONE: &str = "durable notices, one sender";
const TOGETHER: &str = "durable notices, 64 senders";

/// What one sender saw.
type Times = anyhow::Result<Vec<Duration>>;

pub async fn taken(report: &mut Report, world: &World, seconds: u32) -> anyhow::Result<()> {
    let life = Duration::from_secs(seconds.into());
    let rows = [(1, ALONE, "  of one sender, p50"), (SENDERS, TOGETHER, "  of 64, p99")];
    for (senders, name, slow) in rows {
        let mut shares = prepare(world, senders, seconds).await?;
        let refused = Arc::new(RefusedCount::default());
        let started = Instant::now();
        let mut running = JoinSet::new();
        for share in shares.drain(..) {
            let (ctx, refused) = (world.ctx.clone(), Arc::clone(&refused));
            let connection_id = world.connection.id.clone();
            running.spawn(async move {
                let mut times = Vec::with_capacity(share.len());
                for body in share {
                    let began = Instant::now();
                    if began - started >= life {
                        break;
                    }
                    let taken =
                        take(&ctx, (&refused, take_news), "tochka", &connection_id, body).await?;
                    ensure!(taken == Taken::Kept, "a notice was answered {taken:?}");
                    times.push(began.elapsed());
                }
                Ok(times)
            });
        }
        let mut times = gather(running).await?;
        let rate = per_second(times.len(), started.elapsed());
        report.compare(name, rate, "/s", INSERTS);
        if senders > 1 {
            report.compare("  of 64, against verifications alone", rate, "/s", VERIFICATIONS);
        }
        let permille = if senders > 1 { 990 } else { 500 };
        report.add(slow, quantile_us(&mut times, permille), "µs");
    }
    Ok(())
}

/// The same through the server's routes and a socket each. The runner does not run: what follows
/// from a notice is not what the bank waits for.
pub async fn over_http(report: &mut Report, world: &World, seconds: u32) -> anyhow::Result<()> {
    let shares = prepare(world, SENDERS, seconds).await?;
    let refused = Arc::new(RefusedCount::default());
    let router = app::router(world.ctx.clone(), Nudge::default(), refused, Limits::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let path = format!("/notices/tochka/{}", world.connection.id);
    let (started, life) = (Instant::now(), Duration::from_secs(seconds.into()));
    let mut running = JoinSet::new();
    for share in shares {
        let path = path.clone();
        running.spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut times = Vec::with_capacity(share.len());
            for body in share {
                let began = Instant::now();
                if began - started >= life {
                    break;
                }
                let (status, _) = client.post(&path, "content-type: text/plain\r\n", &body).await?;
                ensure!(status == 200, "a notice was answered {status}");
                times.push(began.elapsed());
            }
            Ok(times)
        });
    }
    let mut times = gather(running).await?;
    let rate = per_second(times.len(), started.elapsed());
    server.abort();
    report.compare("durable notices over HTTP, 64 senders", rate, "/s", TOGETHER);
    report.add("  of 64 over HTTP, p99", quantile_us(&mut times, 990), "µs");
    Ok(())
}

async fn gather(mut running: JoinSet<Times>) -> Times {
    let mut all = Vec::new();
    while let Some(ended) = running.join_next().await {
        all.extend(ended.context("a sender broke")??);
    }
    Ok(all)
}

/// Open payments and a signed notice of each, dealt out to the senders.
async fn prepare(world: &World, senders: usize, seconds: u32) -> anyhow::Result<Vec<Vec<Vec<u8>>>> {
    // One sender waits for each fsync: it never gets through more.
    let per_second = if senders == 1 { PREPARED_PER_SECOND / 4 } else { PREPARED_PER_SECOND };
    let count = (per_second * usize::try_from(seconds)?).min(PREPARED_MAX);
    let payments = (0..count).map(|number| open_payment(world, number));
    let payments: Vec<Payment> = payments.collect::<anyhow::Result<_>>()?;
    for batch in payments.chunks(BATCH) {
        let (batch, ctx) = (batch.to_vec(), world.ctx.clone());
        let saved: Result<(), DbError> = world
            .ctx
            .db
            .write(move |tx| batch.iter().try_for_each(|one| flow::create(tx, &ctx, one)))
            .await;
        saved?;
    }
    let half = payments.len().div_ceil(2).max(1);
    let sign = |part: &[Payment]| -> anyhow::Result<Vec<Vec<u8>>> {
        part.iter().map(|payment| notice(world, payment)).collect()
    };
    // On two cores: signing is forty times slower than checking.
    let signed = std::thread::scope(|scope| {
        let parts: Vec<_> = payments.chunks(half).map(|p| scope.spawn(move || sign(p))).collect();
        let joined =
            parts.into_iter().map(|part| part.join().map_err(|_| anyhow!("signing broke")));
        joined.map(|part| part?).collect::<anyhow::Result<Vec<_>>>()
    })?;
    let mut shares = vec![Vec::new(); senders];
    for (at, body) in signed.into_iter().flatten().enumerate() {
        shares[at % senders].push(body);
    }
    Ok(shares)
}

fn open_payment(world: &World, number: usize) -> anyhow::Result<Payment> {
    let new = NewPayment {
        amount: Money::parse_rubles("1234.50")?,
        purpose: "Чай и плюшки".to_owned(),
        methods: vec![PayMethod::Card, PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        order_id: Some(format!("bench-{number}")),
        ttl_minutes: Tochka.capabilities().default_ttl_minutes,
        success_url: None,
        fail_url: None,
        customer: None,
        receipt: None,
        rates_until_ms: None,
        metadata: "{}".to_owned(),
        means: Means::Payer,
        consent: None,
        schedule: None,
    };
    let planned = flow::plan(&world.ctx, &Tochka, &world.connection, new);
    let mut payment = planned.map_err(|problem: Problem| anyhow!("{problem:?}"))?;
    let bank_id = format!("bench-{}", payment.id);
    payment.facts.bank_url = Some(format!("https://bank.invalid/order/?uuid={bank_id}"));
    payment.facts.bank_id = Some(bank_id);
    payment.intents.open_asked_ms = Some(payment.created_ms);
    payment.intents.open_tries = 1;
    Ok(payment)
}

/// As the bank writes and signs it.
fn notice(world: &World, payment: &Payment) -> anyhow::Result<Vec<u8>> {
    let payload = serde_json::json!({
        "customerCode": world.connection.credentials.get("customer_code"),
        "amount": payment.amount.to_rubles(),
        "paymentType": "card",
        "operationId": payment.facts.bank_id,
        "purpose": payment.purpose,
        "webhookType": "acquiringInternetPayment",
        "merchantId": world.connection.credentials.get("merchant_id"),
        "status": "APPROVED",
        "paymentLinkId": payment.reference,
    });
    let signed = world.signer.sign(payload.to_string().as_bytes());
    Ok(signed.map_err(anyhow::Error::msg)?.into_bytes())
}
