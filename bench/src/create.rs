//! What Kopeck adds to the bank's own time when a payment is made.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kopeck::app::App;
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    baseline::{INSERTS, ONE_INSERT},
    http::Client,
    report::{Report, per_second, quantile_us},
    world::World,
};

/// One client makes payments one after another through the whole server, its runner included.
pub async fn overhead(report: &mut Report, world: &World, seconds: u32) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = App::new(world.ctx.clone());
    let server = tokio::spawn(app.serve(listener, async {
        // An error means that the sender is gone: the same as an order to stop.
        let _ = stopped.await;
    }));
    let mut client = Client::connect(address).await?;
    let headers =
        format!("content-type: application/json\r\nauthorization: Bearer {}\r\n", world.api_key);
    let body = json!({ "amount": "1234.50", "purpose": "Чай и плюшки" }).to_string();
    let (mut ours, mut banks) = (Vec::new(), Vec::new());
    let (started, life) = (Instant::now(), Duration::from_secs(seconds.into()));
    while started.elapsed() < life {
        world.bank.take_spent();
        let began = Instant::now();
        let (status, reply) = client.post("/v1/payments", &headers, body.as_bytes()).await?;
        let took = began.elapsed();
        ensure!(status == 201, "a payment was answered {status}: {}", show(&reply));
        ensure!(show(&reply).contains("https://bank.invalid/"), "no link: {}", show(&reply));
        let bank = world.bank.take_spent();
        ours.push(took.saturating_sub(bank));
        banks.push(bank);
    }
    let rate = per_second(ours.len(), started.elapsed());
    drop(stop);
    server.await??;
    report.compare("payments made, one client", rate, "/s", INSERTS);
    report.compare("  our own time, p50", quantile_us(&mut ours, 500), "µs", ONE_INSERT);
    report.compare("  our own time, p99", quantile_us(&mut ours, 990), "µs", ONE_INSERT);
    report.add("  the emulated bank's time, p50", quantile_us(&mut banks, 500), "µs");
    Ok(())
}

fn show(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
