//! `kopeck demo --once`: the whole story without a person. Any step that fails ends it with an
//! error, so it is also the quickest proof that an installation works.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use serde_json::json;

use super::{Stage, order};
use crate::{
    cli::{
        context::Globals, fail::Fail, find, init::steps::Steps, link, payment::refund_now,
        serve::bind, timeline,
    },
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
    let made = link::create(world, order("4711")?).await;
    let payment = steps.check("The link is not made", made)?;
    let bank_url = payment.facts.bank_url.clone().unwrap_or_default();
    steps.good(&format!("A link over {} is made: {bank_url}", payment.amount.to_human()))?;

    let client = Client::new(&stage.bank_url)?;
    let paid = client.pay(&payment.reference, Some("card"), None).await.map_err(Fail::from);
    steps.check("The emulator does not take the money", paid)?;
    steps.good("The payer paid by card at the bank")?;

    let noticed = wait_for_notice(stage, &payment).await;
    let payment = steps.check("The bank's notice did not make it paid", noticed)?;
    steps.good("The bank's signed notice came, its signature is good: the payment is paid")?;

    let part = link::parse_money("1000").map_err(|error| Fail::usage(error, ""))?;
    let reason = Some("One item came back".to_owned());
    let refunded = refund_now(world, payment, Some(part), reason).await;
    let (payment, refund) = steps.check("The refund failed", refunded)?;
    if refund.state.is_pending() || payment.status() != Status::PartiallyRefunded {
        let message = format!("the refund is {}", refund.state.as_str());
        return steps.check("The refund is not done", Err(unfinished(&message)));
    }
    steps.good(&format!("{} are refunded", refund.amount.to_human()))?;
    let entries = timeline::read(world, &payment).await?;
    Ok((payment, entries))
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
