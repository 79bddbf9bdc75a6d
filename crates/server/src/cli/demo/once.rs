//! `kopeck demo --once`: the whole story without a person. Any step that fails ends it with an
//! error, so it is also the quickest proof that an installation works.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use kopeck_banks::{
    exchange::Silence,
    http::{HttpRequest, Method},
};
use serde_json::{Value, json};

use super::Stage;
use crate::{
    cli::{context::Globals, fail::Fail, find, init::steps::Steps, serve::bind, timeline},
    kit::{clock::SystemClock, secret::hex},
    payments::{
        model::{Payment, Status},
        timeline::TimelineEntry,
    },
    sandbox::{Client, KeyBits},
};

/// The bank sends its notice at once; this is for a slow and busy machine.
const NOTICE_WAIT: Duration = Duration::from_secs(20);

pub async fn run(globals: &Globals) -> Result<(), Fail> {
    let dir = Scratch::make()?;
    let free = "127.0.0.1:0".parse().context("an address")?;
    let (listener, bank) = (bind(free, "--listen").await?, bind(free, "--listen").await?);
    let mut steps = Steps::new(globals.out());
    let stage = Stage::start(globals, &dir.0, listener, bank, KeyBits::Rsa2048).await;
    let stage = steps.check("Server and emulator do not start", stage)?;
    steps.good(&format!("Kopeck runs at {}", stage.world.ctx.public_url))?;
    steps.good(&format!("The bank's emulator runs at {}", stage.bank_url))?;
    steps.good("The bank tested the notice address and sends signed notices there")?;
    let told = story(&stage, &mut steps).await;
    let stopped = stage_end(stage, told, steps).await;
    drop(dir);
    stopped
}

async fn story(stage: &Stage, steps: &mut Steps) -> Result<(Payment, Vec<TimelineEntry>), Fail> {
    let world = &stage.world;
    let key = stage.make_key("Demo").await?;
    let body = json!({ "amount": "5000.00", "purpose": "Заказ 4711", "order_id": "4711" });
    let made = call(stage, &key, "/v1/payments", &body).await;
    let made = steps.check("The link is not made", made)?;
    let payment = find::payment(world, made["id"].as_str().unwrap_or_default()).await?;
    let bank_url = payment.facts.bank_url.clone().unwrap_or_default();
    steps.good(&format!("A link over {} is made: {bank_url}", payment.amount.to_human()))?;

    let client = Client::new(&stage.bank_url)?;
    let paid = client.pay(&payment.reference, Some("card"), None).await.map_err(Fail::from);
    steps.check("The emulator does not take the money", paid)?;
    steps.good("The payer paid by card at the bank")?;

    let noticed = wait_for_notice(stage, &payment).await;
    let payment = steps.check("The bank's notice did not make it paid", noticed)?;
    steps.good("The bank's signed notice came, its signature is good: the payment is paid")?;

    let path = format!("/v1/payments/{}/refunds", payment.id);
    let body = json!({ "amount": "1000.00", "reason": "One item came back" });
    let refunded = call(stage, &key, &path, &body).await;
    steps.check("The refund is refused", refunded)?;
    let is_settled = |payment: &Payment| payment.status() != Status::Refunding;
    let payment = find::wait_for(world, &payment, is_settled).await?;
    if payment.status() != Status::PartiallyRefunded {
        let message = format!("the payment is {}", payment.status().as_str());
        return steps.check("The refund is not done", Err(unfinished(&message)));
    }
    steps.good(&format!("{} went back to the payer", payment.refunded().to_human()))?;
    let entries = timeline::read(world, &payment).await?;
    Ok((payment, entries))
}

/// One call of the shop's API, as a shop's program makes it.
async fn call(stage: &Stage, key: &str, path: &str, body: &Value) -> Result<Value, Fail> {
    let url = format!("{}{path}", stage.world.ctx.public_url);
    let request = HttpRequest::new(Method::Post, url)
        .header("authorization", format!("Bearer {key}"))
        .json(body);
    let reply = match stage.world.ctx.wire.send(request).await {
        Ok(reply) => reply,
        Err(Silence::NotSent(why) | Silence::Lost(why)) => return Err(unfinished(&why)),
    };
    if !(200..300).contains(&reply.status) {
        let text = reply.text();
        return Err(unfinished(&format!("{path} answered {}: {text}", reply.status)));
    }
    serde_json::from_slice(&reply.body).map_err(|error| unfinished(&error.to_string()))
}

/// Waits for the notice itself, not for the poll that would find the payment anyway: nobody
/// drives the payment meanwhile, and its own next look is a minute away.
async fn wait_for_notice(stage: &Stage, payment: &Payment) -> Result<Payment, Fail> {
    let deadline = tokio::time::Instant::now() + NOTICE_WAIT;
    loop {
        let current = find::again(&stage.world, payment).await?;
        let entries = timeline::read(&stage.world, &current).await?;
        let noticed = entries.iter().any(|entry| entry.kind == "notice");
        if noticed && current.status() == Status::Paid {
            return Ok(current);
        }
        if tokio::time::Instant::now() >= deadline {
            let came = if noticed { "came" } else { "did not come" };
            let status = current.status().as_str();
            return Err(unfinished(&format!("the notice {came}, the payment is {status}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn unfinished(what: &str) -> Fail {
    Fail::new("demo_failed", format!("The demo did not end well: {what}"), "Report it, please")
}

async fn stage_end(
    stage: Stage,
    told: Result<(Payment, Vec<TimelineEntry>), Fail>,
    steps: Steps,
) -> Result<(), Fail> {
    stage.sandbox.settled().await;
    let (out, public_url) = (stage.world.out, stage.world.ctx.public_url.clone());
    let stopped = stage.stop().await;
    let (payment, entries) = told?;
    stopped?;
    let view = crate::payments::view::PaymentView::new(&payment, &public_url);
    let shown = json!({ "steps": steps.into_json(), "payment": view, "timeline": entries });
    out.show(&shown, || format!("\n{}", timeline::text(&payment, &entries, false)))
}

/// A folder that goes away with the story.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Scratch, Fail> {
        let mint = crate::ids::Mint::new(std::sync::Arc::new(SystemClock));
        let bytes: [u8; 8] = mint.bytes();
        let path = std::env::temp_dir().join(format!("kopeck-demo-{}", hex(&bytes)));
        crate::cli::context::make_private_dir(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder left behind in the temporary directory hurts nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
