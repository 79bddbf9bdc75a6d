//! What is done with an event: posted somewhere on this machine, or given to a command.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use kopeck_banks::{
    exchange::Silence,
    http::{HttpRequest, Method},
};

use super::source::Event;
use crate::{
    cli::fail::Fail,
    kit::{
        clock::SECOND_MS,
        net::{AddressPolicy, NetSettings, NetWire, UrlProblem, Wire as _},
    },
    webhooks::sign::SigningKey,
};

/// How long a receiver may take: a developer may stand at a breakpoint.
const FORWARD_WAIT_MS: u64 = 20_000;

pub enum Deed {
    Forward { wire: NetWire, url: String },
    Run(String),
}

impl Deed {
    /// The person at the terminal chose the address, so it may be anywhere.
    pub fn forward(url: &str) -> Result<Deed, Fail> {
        let settings = NetSettings {
            policy: AddressPolicy::OperatorChosen,
            extra_ca_file: None,
            connect_timeout_ms: FORWARD_WAIT_MS,
            timeout_ms: FORWARD_WAIT_MS,
        };
        let wire = NetWire::courier(&settings)?;
        match wire.refuse(url) {
            Some(UrlProblem::Bad(why) | UrlProblem::Private(why)) => {
                let hint = "--forward-to http://localhost:3000/hook";
                Err(Fail::usage(format!("Cannot forward to {url}: {why}"), hint))
            }
            None => Ok(Deed::Forward { wire, url: url.to_owned() }),
        }
    }

    /// What was answered, or why the event was not taken.
    pub async fn hand(
        &self,
        event: &Event,
        key: &SigningKey,
        now_ms: i64,
    ) -> Result<String, String> {
        let timestamp = now_ms.div_euclid(SECOND_MS);
        let signature = key.sign(&event.id, timestamp, &event.body);
        match self {
            Deed::Forward { wire, url } => {
                let mut request = HttpRequest::new(Method::Post, url.clone())
                    .header("content-type", "application/json")
                    .header("webhook-id", event.id.clone())
                    .header("webhook-timestamp", timestamp.to_string())
                    .header("webhook-signature", signature);
                request.body = event.body.clone();
                match wire.send(request).await {
                    Ok(reply) if (200..300).contains(&reply.status) => Ok(reply.status.to_string()),
                    Ok(reply) => Err(format!("the receiver answered {}", reply.status)),
                    Err(Silence::NotSent(why) | Silence::Lost(why)) => Err(why),
                }
            }
            Deed::Run(line) => {
                let mut command = Command::new("sh");
                command
                    .args(["-c", line])
                    .env("WEBHOOK_ID", &event.id)
                    .env("WEBHOOK_TIMESTAMP", timestamp.to_string())
                    .env("WEBHOOK_SIGNATURE", signature)
                    .env("KOPECK_EVENT_TYPE", &event.kind)
                    .stdin(Stdio::piped());
                let body = event.body.clone();
                let run = tokio::task::spawn_blocking(move || run(&mut command, &body));
                run.await.unwrap_or_else(|_| Err("the command could not be run".to_owned()))
            }
        }
    }
}

fn run(command: &mut Command, body: &[u8]) -> Result<String, String> {
    let mut child = command.spawn().map_err(|error| format!("it cannot be run: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is no worse for it.
        let _ = stdin.write_all(body);
    }
    let ended = child.wait().map_err(|error| error.to_string())?;
    if ended.success() { Ok("ran".to_owned()) } else { Err(format!("the command ended: {ended}")) }
}
