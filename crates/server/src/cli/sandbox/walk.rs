//! Moving the sandbox's clock, and watching it walk while servers follow.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::{kit::clock::HOUR_MS, sandbox::Client};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Moves it and returns when it is there.
pub async fn advance(client: &Client, ms: i64, json: bool) -> anyhow::Result<Value> {
    let from_ms = offset(&client.clock().await?, "offset_ms");
    let mut told = client.advance_ms(ms).await?;
    let target_ms = offset(&told, "target_offset_ms");
    let bar = bar(json, target_ms - from_ms);
    while offset(&told, "offset_ms") < target_ms {
        bar.set_position(hours(offset(&told, "offset_ms") - from_ms));
        bar.set_message(told["now"].as_str().unwrap_or("").to_owned());
        tokio::time::sleep(LOOK).await;
        told = client.clock().await?;
    }
    bar.finish_and_clear();
    Ok(told)
}

fn offset(told: &Value, name: &str) -> i64 {
    told[name].as_i64().unwrap_or(0)
}

fn hours(ms: i64) -> u64 {
    u64::try_from(ms / HOUR_MS).unwrap_or(0)
}

fn bar(json: bool, ms: i64) -> ProgressBar {
    let bar = ProgressBar::new(hours(ms));
    if json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {percent} % · {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
