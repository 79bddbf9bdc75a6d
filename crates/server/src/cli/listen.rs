//! `kopeck listen`: events for a developer or a bot without a public address.

mod deed;
mod place;
mod source;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use serde_json::json;

use super::{
    context::Globals,
    fail::Fail,
    print::{FAINT, GOOD, STRONG, err_line, note, paint},
};
use crate::{
    kit::clock::{Clock as _, SystemClock},
    webhooks::{model::Kinds, request},
};
use deed::Deed;
use place::Place;
use source::{Event, Source};

/// Waits after a failure, the last one again and again: an event is offered until it is taken.
const WAITS_S: [u64; 5] = [1, 2, 5, 10, 30];

/// Hand events to a program on this machine, one after the other, each until it is taken
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Post each event there, signed like a webhook: http://localhost:3000/hook
    #[arg(long, value_name = "URL", required_unless_present = "exec", conflicts_with = "exec")]
    forward_to: Option<String>,
    /// Run this for each event: the event on its standard input, the headers in WEBHOOK_ID,
    /// WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE; taken if it ends with 0
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Which events: payment.paid,refund.* ; all by default
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    events: Vec<String>,
    /// Who listens: each name has its own place in the list of events, and its own secret
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = parse_name)]
    name: String,
    /// When the name is new: begin with the first event there is, not with the next one
    #[arg(long)]
    from_start: bool,
    /// Hand over what is there, then stop
    #[arg(long)]
    once: bool,
    /// Ask a server instead of the database: https://pay.example.ru
    #[arg(long, value_name = "URL", requires = "key")]
    server: Option<String>,
    /// The API key for --server
    #[arg(long, value_name = "KEY", env = "KOPECK_API_KEY", hide_env_values = true)]
    key: Option<String>,
}

fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > 60 || !text.chars().all(is_plain) {
        return Err("takes letters, digits, - and _".to_owned());
    }
    Ok(text.to_owned())
}

impl ListenArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let kinds = match self.events.is_empty() {
            true => Kinds::all(),
            false => request::kinds(self.events.clone())?,
        };
        let deed = match (&self.forward_to, &self.exec) {
            (Some(url), _) => Deed::forward(url)?,
            (None, command) => Deed::Run(command.clone().unwrap_or_default()),
        };
        let config = globals.settings(&[])?;
        let file: PathBuf = config.data.dir.join("listen").join(format!("{}.json", self.name));
        let source = match (&self.server, &self.key) {
            (Some(url), Some(key)) => Source::server(url, key, &config)?,
            _ => Source::database(globals).await?,
        };
        let mut place = match Place::load(&file)? {
            Some(place) => place,
            None => {
                let cursor = if self.from_start { None } else { source.last().await? };
                Place::new(file, cursor)
            }
        };
        place.save()?;
        self.greet(globals, &place)?;
        tokio::select! {
            done = self.follow(globals, &source, &deed, &kinds, &mut place) => done,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }

    fn greet(&self, globals: &Globals, place: &Place) -> Result<(), Fail> {
        let secret = place.key()?.to_text().into_revealed();
        if globals.json {
            return globals.out().write_json_line(&json!({
                "object": "listener", "name": self.name, "secret": secret,
            }));
        }
        err_line(&format!("Signing secret of `{}`: {}", self.name, paint(STRONG, &secret)));
        err_line(&paint(
            FAINT,
            "Waiting for events; Ctrl-C ends it, the next start goes on there.",
        ));
        Ok(())
    }

    async fn follow(
        &self,
        globals: &Globals,
        source: &Source,
        deed: &Deed,
        kinds: &Kinds,
        place: &mut Place,
    ) -> Result<(), Fail> {
        let mut failures = 0;
        loop {
            let batch = match source.after(place.cursor(), self.once).await {
                Ok(batch) => batch,
                Err(fail) if self.once || fail.code != source::UNREACHABLE => return Err(fail),
                Err(fail) => {
                    note(&fail.message);
                    wait(&mut failures).await;
                    continue;
                }
            };
            if batch.is_empty() && self.once {
                return Ok(());
            }
            for event in batch {
                if kinds.want(&event.kind) {
                    self.hand_over(globals, deed, place, &event).await?;
                }
                // Only now: a crash before this offers the event again.
                place.move_to(&event.id)?;
            }
            failures = 0;
        }
    }

    /// Until it is taken; with --once, one failure ends the command.
    async fn hand_over(
        &self,
        globals: &Globals,
        deed: &Deed,
        place: &Place,
        event: &Event,
    ) -> Result<(), Fail> {
        let mut failures = 0;
        let key = place.key()?;
        loop {
            let now_ms = SystemClock.now_ms();
            match deed.hand(event, &key, now_ms).await {
                Ok(what) => {
                    let out = globals.out();
                    if out.json {
                        return out.write_json_line(&json!({
                            "id": event.id, "type": event.kind, "taken": true,
                        }));
                    }
                    let (mark, id) = (paint(GOOD, "✓"), paint(FAINT, &event.id));
                    return out.line(&format!("{mark} {:<24} {id}  {what}", event.kind));
                }
                Err(why) if self.once => {
                    let hint = "Mend the receiver and start again: the event is offered again";
                    let message = format!("{} was not taken: {why}", event.kind);
                    return Err(Fail::new("event_not_taken", message, hint));
                }
                Err(why) => {
                    note(&format!("{} ({}) was not taken: {why}", event.kind, event.id));
                    wait(&mut failures).await;
                }
            }
        }
    }
}

async fn wait(failures: &mut usize) {
    let seconds = WAITS_S[(*failures).min(WAITS_S.len() - 1)];
    *failures += 1;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
