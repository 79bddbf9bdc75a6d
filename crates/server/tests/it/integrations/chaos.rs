//! Random faults and deaths: whatever happens to replies and to processes, a deal has one comment of
//! each news, a phone no SMS twice, and everything ends.

use kopeck::{
    kit::db::DbError,
    runner::{claim_due, run},
};
use kopeck_integrations::{
    bitrix24::BitrixStandIn, sms::SmsStandIn, stand_in::Fault, telegram::TelegramStandIn,
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::host::Host;
use crate::harness::app::TestApp;

const SEEDS: u64 = 30;
const MINUTE: i64 = 60_000;
/// A lost reply to work that is done is what makes doubles, so it comes most often.
const FAULTS: [Fault; 5] =
    [Fault::ReplyLost, Fault::ReplyLost, Fault::Hang, Fault::Status(502), Fault::Garbage];

/// Numbers that follow from a seed.
fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    move |below| (0..below).new_tree(&mut runner).unwrap().current()
}

/// A job whose process dies after it worked: nothing confirms it, and its lease runs out.
async fn die(app: &TestApp) {
    for job in claim_due(&app.ctx, 1).await.unwrap() {
        run(&app.ctx, &job).await;
    }
    app.clock.advance_ms(2 * MINUTE);
}

async fn live(app: &TestApp, seed: u64) {
    let mut chance = chance(seed);
    let deal = Host::start(BitrixStandIn::app(), app.clock.clone());
    let endpoint = format!("{}/rest/", deal.url);
    deal.service().endpoint = endpoint;
    let phone = Host::start(SmsStandIn::default(), app.clock.clone());
    let chat = Host::start(TelegramStandIn::default(), app.clock.clone());
    deal.connect(app, json!({})).await;
    phone.connect(app, json!({})).await;
    chat.connect(app, json!({ "news_to": "700100200" })).await;
    let payment = app.create(json!({ "ttl_minutes": 5_000 })).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    for to in ["bitrix24:57", "sms:+79001234567"] {
        app.post(&path, json!({ "to": to })).await.expect(202);
    }
    for step in 0..30 {
        if chance(2) == 0 {
            let fault = FAULTS[chance(FAULTS.len())];
            match chance(4) {
                0 | 1 => deal.fail(fault, 1 + chance(2)),
                2 => phone.fail(fault, 1),
                _ => chat.fail(fault, 1),
            }
        }
        match chance(8) {
            0 => die(app).await,
            1 => deal.service().expire(),
            _ => app.advance(1_000 * i64::try_from(1 + chance(90)).unwrap()).await,
        }
        if step == 15 {
            app.pay(&payment);
        }
    }
    for _ in 0..40 {
        app.advance(45 * MINUTE).await;
    }
    let path = format!("/v1/payments/{}/sendings", payment["id"].as_str().unwrap());
    let list = app.get(&path).await.expect(200);
    let open: Vec<&Value> =
        list["data"].as_array().unwrap().iter().filter(|it| it["status"] == "pending").collect();
    assert!(open.is_empty(), "seed {seed}: {open:?}");
    let mut marks: Vec<String> = deal
        .service()
        .portal
        .comments
        .iter()
        .map(|(_, _, text)| text.rsplit('\n').next().unwrap().to_owned())
        .collect();
    let all = marks.len();
    marks.sort();
    marks.dedup();
    assert_eq!(marks.len(), all, "seed {seed}: a comment twice");
    assert!(phone.arrived().len() <= 1, "seed {seed}: {:?}", phone.arrived());
    assert_eq!(app.payment(&payment["id"]).await["status"], "paid");
    let jobs: Result<_, DbError> = app
        .ctx
        .db
        .read(|tx| tx.query("select subject from jobs where kind = 'integration'", &[]))
        .await;
    assert!(jobs.unwrap().is_empty(), "seed {seed}: a job is left");
}

#[tokio::test]
async fn whatever_is_lost_and_whoever_dies_nothing_is_told_twice() {
    for seed in 0..SEEDS {
        let app = TestApp::new().await;
        live(&app, seed).await;
    }
}
