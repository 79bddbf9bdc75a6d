//! One request to what becomes of its message, without sending anything: the server (or a test)
//! carries the bytes. Here lives the rule that silence is never taken for a failure and never
//! simply repeated.

use kopeck_banks::{
    exchange::{Heard, Silence},
    http::HttpRequest,
};

use crate::{
    integration::{Duplicate, Integration, Progress, Reading, Settings, Unheard},
    message::Message,
    problem::Broken,
};

/// How many requests one message may take, renewals of tokens not counted.
pub const MAX_STEPS: usize = 12;

/// What becomes of a message after a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Done for good.
    Delivered { remote_id: Option<String> },
    /// Save the progress, then make its request.
    More(Progress),
    /// The same request again, not before that wait; without one, by your own backoff.
    Retry { after_ms: Option<u64>, why: String },
    /// Perhaps it came, perhaps not, and nobody can be asked. Never sent again by itself: a person
    /// looks and decides.
    Unknown { why: String, duplicate: &'static str },
    /// Save the new address, then the same request for it.
    Moved { to: String },
    /// Get new tokens first: [`Integration::renewal`].
    Renew,
    /// Given up; [`crate::problem::Scope`] says what else ends with it.
    Broken(Broken),
}

/// What of a message is known besides its settings: how far it has come, and for how long the
/// service may have known of this step.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    pub progress: &'a Progress,
    /// Since this step's request first left.
    pub since_ms: u64,
}

/// What becomes of the message after what was heard.
pub fn after(
    integration: &dyn Integration,
    settings: &Settings,
    message: &Message,
    sent: Sent<'_>,
    heard: &Heard,
) -> Fate {
    let reading = match heard {
        Ok(reply) => integration.read(settings, message, sent.progress, reply),
        // The connection was never made, so that nothing has happened.
        Err(Silence::NotSent(why)) => Reading::retry(why),
        Err(Silence::Lost(why)) => Reading::unclear(why),
    };
    match reading {
        Reading::Delivered { remote_id } => Fate::Delivered { remote_id },
        Reading::More(progress) => Fate::More(progress),
        Reading::Retry { after_ms, why } => Fate::Retry { after_ms, why },
        Reading::Moved { to } => Fate::Moved { to },
        Reading::Renew => Fate::Renew,
        Reading::Broken(broken) => Fate::Broken(broken),
        Reading::Unclear { why } => unclear(integration, message, sent, why),
    }
}

/// Repeating is allowed where nobody minds, where the service knows the message, or where it can be
/// asked first.
fn unclear(integration: &dyn Integration, message: &Message, sent: Sent<'_>, why: String) -> Fate {
    match integration.duplicate(message, sent.progress) {
        Duplicate::Harmless(_) => Fate::Retry { after_ms: None, why },
        Duplicate::Known { for_ms } if sent.since_ms < for_ms => {
            // At once: the service soon forgets.
            Fate::Retry { after_ms: Some(0), why }
        }
        Duplicate::Known { .. } => {
            Fate::Unknown { why, duplicate: "the service no longer recognises it" }
        }
        Duplicate::Findable(look) => Fate::More(look),
        Duplicate::Harmful(duplicate) => Fate::Unknown { why, duplicate },
    }
}

/// The same when so many requests of this step had no answer, the last one among them: what is
/// harmless once or twice, a reader minds who gets it all day long.
pub fn bounded(integration: &dyn Integration, fate: Fate, lost: u32) -> Fate {
    let Unheard { most, wait_ms } = integration.unheard();
    match fate {
        Fate::Retry { why, .. } if most.is_some_and(|most| lost >= most) => {
            Fate::Unknown { why, duplicate: "it left several times without an answer" }
        }
        Fate::Retry { after_ms: None, why } => Fate::Retry { after_ms: wait_ms, why },
        Fate::Retry { .. }
        | Fate::Delivered { .. }
        | Fate::More(_)
        | Fate::Unknown { .. }
        | Fate::Moved { .. }
        | Fate::Renew
        | Fate::Broken(_) => fate,
    }
}

/// Carries a message over a synchronous carrier, such as a stand-in in memory, until it is
/// delivered, broken or unknown, or has to wait. Tokens are not renewed.
pub fn run(
    integration: &dyn Integration,
    settings: &Settings,
    message: &Message,
    mut carry: impl FnMut(HttpRequest) -> Heard,
) -> Fate {
    let mut progress = Progress::start();
    for _ in 0..MAX_STEPS {
        let request = match integration.request(settings, message, &progress) {
            Ok(request) => request,
            Err(broken) => return Fate::Broken(broken),
        };
        let heard = carry(request);
        let sent = Sent { progress: &progress, since_ms: 0 };
        match after(integration, settings, message, sent, &heard) {
            Fate::More(next) => progress = next,
            end @ (Fate::Delivered { .. }
            | Fate::Retry { .. }
            | Fate::Unknown { .. }
            | Fate::Moved { .. }
            | Fate::Renew
            | Fate::Broken(_)) => return end,
        }
    }
    Fate::Unknown {
        why: format!("no end after {MAX_STEPS} requests"),
        duplicate: "its steps would begin anew",
    }
}
