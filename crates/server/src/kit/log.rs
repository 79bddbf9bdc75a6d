//! Log set-up. Logs never hold secrets, card data, phones, e-mails or raw bodies.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use serde::Deserialize;
use tracing_subscriber::{EnvFilter, fmt};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Text,
    /// One object per line, for log collectors.
    Json,
}

/// Starts logging to standard error. `level` is `info` or, per part,
/// `info,kopeck::gateway=debug`. Only the first call has an effect, so tests may call it too.
pub fn init(level: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .with_context(|| format!("`{level}` is not a log level; try `info`"))?;
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    // The only failure is that a subscriber is set already.
    drop(started);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_is_harmless_and_a_wrong_level_is_named() {
        init("warn", LogFormat::Text).unwrap();
        init("info,kopeck=debug", LogFormat::Json).unwrap();
        let wrong = init("kopeck=loud", LogFormat::Text).unwrap_err().to_string();
        assert!(wrong.contains("loud"), "{wrong}");
    }
}
