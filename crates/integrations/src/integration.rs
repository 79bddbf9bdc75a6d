//! The seam between Kopeck and those it tells of payments: [`Integration`] is stateless
//! translation, [`INTEGRATIONS`] lists them all.
//!
//! An integration never sends anything. [`Integration::request`] writes the bytes,
//! [`Integration::read`] says what a reply means, and [`Integration::duplicate`] what it would do
//! to send them twice. The way from one to the next is [`crate::exchange`]'s.

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest},
};

use crate::{
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
};

/// The values of one integration by the names of [`Integration::settings`]. Printing shows names
/// only. The same type as a bank's, so that it is stored and sealed the same way.
pub use kopeck_banks::Credentials as Settings;

/// Every integration Kopeck knows. Adding one is a file and a line here.
pub static INTEGRATIONS: &[&dyn Integration] = &[
    &crate::email::Email,
    &crate::max::Max,
    &crate::telegram::Telegram,
    &crate::sms::Sms,
    &crate::wazzup::Wazzup,
    &crate::greenapi::GreenApi,
    &crate::salebot::Salebot,
    &crate::bitrix24::Bitrix24,
];

pub fn find_integration(name: &str) -> Option<&'static dyn Integration> {
    INTEGRATIONS.iter().copied().find(|integration| integration.name() == name)
}

pub trait Integration: Send + Sync {
    /// The word for it in APIs, addresses (`telegram:…`) and the database.
    fn name(&self) -> &'static str;
    /// Its name for people.
    fn title(&self) -> &'static str;
    /// What it must be told to work.
    fn settings(&self) -> &'static [Setting];
    fn limits(&self) -> &'static Limits;
    /// What the service counts requests by, where that is more than one integration of ours: the
    /// same word, the same count. Without it each integration keeps its own pace.
    fn shared_pace(&self, _settings: &Settings) -> Option<String> {
        None
    }
    /// Everything that it may give up with, for docs and tests.
    fn problems(&self) -> &'static [&'static Problem];
    /// Whether it tells anything of this kind to these people.
    fn wants(&self, kind: Kind, audience: Audience) -> bool;
    /// An address as people write it, in the one form that is stored and given to [`Message::to`].
    fn address(&self, text: &str) -> Result<String, Broken>;
    /// The request of this step. `Err` when no request can be made of these settings or of this
    /// message: nothing has left.
    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
    ) -> Result<HttpRequest, Broken>;
    /// What a reply to that request means.
    fn read(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
        reply: &HttpReply,
    ) -> Reading;
    /// What sending this step's request once more would do, when it is not known whether the first
    /// one was heard.
    fn duplicate(&self, message: &Message, progress: &Progress) -> Duplicate;
    /// How a message is repeated whose answer was lost, where that is harmless.
    fn unheard(&self) -> Unheard {
        Unheard { most: None, wait_ms: None }
    }
    /// The request for new tokens, where tokens come to an end: see [`Reading::Renew`].
    fn renewal(&self, _settings: &Settings) -> Option<HttpRequest> {
        None
    }
    /// What the reply to [`Integration::renewal`] changes of the settings.
    fn read_renewal(&self, _reply: &HttpReply) -> Renewal {
        Renewal::Retry { why: "nothing is renewed here".to_owned() }
    }
}

/// How fast requests may leave. The service counts too; this is to never hear of it.
#[derive(Debug)]
pub struct Limits {
    /// Between two requests of one integration, whoever they are for.
    pub gap_ms: u64,
    /// Between two requests for one address.
    pub address_gap_ms: u64,
    /// The longest text it carries, in characters.
    pub max_text_chars: usize,
    /// Whether what is sent stays in Russia. If not, nothing but a sum, a link and numbers of our
    /// own leaves: no purpose, no receipt, nothing about a person.
    pub is_domestic: bool,
}

/// How far the requests of one message have come. Most messages take one request; of those that
/// take more, each begins where the last one ended, so that nothing is done twice after a crash.
/// Save it with the delivery, as [`Progress::to_text`], before the request leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Empty before the first request.
    pub step: String,
    /// What an earlier step found out.
    pub note: String,
}

impl Progress {
    pub fn start() -> Progress {
        Progress::default()
    }

    pub fn at(step: &str) -> Progress {
        Progress { step: step.to_owned(), note: String::new() }
    }

    #[must_use]
    pub fn with(self, note: impl Into<String>) -> Progress {
        Progress { note: note.into(), ..self }
    }

    /// `step` or `step:note`.
    pub fn to_text(&self) -> String {
        let Progress { step, note } = self;
        if note.is_empty() { step.clone() } else { format!("{step}:{note}") }
    }

    pub fn parse(text: &str) -> Progress {
        let (step, note) = text.split_once(':').unwrap_or((text, ""));
        Progress { step: step.to_owned(), note: note.to_owned() }
    }
}

/// What a reply means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The service has taken it; what it calls the message, if it said so.
    Delivered {
        remote_id: Option<String>,
    },
    /// This step is done; the message needs another request.
    More(Progress),
    /// The service did nothing and asks to come again.
    Retry {
        /// The least wait, when the service named one.
        after_ms: Option<u64>,
        why: String,
    },
    /// It cannot be told whether the service did it: a gateway's error, a broken reply.
    /// [`crate::exchange::after`] decides by [`Integration::duplicate`].
    Unclear {
        why: String,
    },
    /// The recipient has another address now: save it, then send the same message there.
    Moved {
        to: String,
    },
    /// A token is at its end: [`Integration::renewal`], save what it gives, then the same request.
    Renew,
    Broken(Broken),
}

impl Reading {
    pub fn retry(why: impl Into<String>) -> Reading {
        Reading::Retry { after_ms: None, why: why.into() }
    }

    pub fn unclear(why: impl Into<String>) -> Reading {
        Reading::Unclear { why: why.into() }
    }
}

/// What the same request once more would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// Nothing that anybody notices or minds; says what.
    Harmless(&'static str),
    /// The service recognises the message by its id for that long, and sends it once.
    Known { for_ms: u64 },
    /// It can be asked whether it happened: the step that asks.
    Findable(Progress),
    /// Somebody sees it twice, pays for it twice, or does something twice; says what.
    Harmful(&'static str),
}

/// How often and how far apart what had no answer leaves again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unheard {
    /// Requests of one step in all; without it, as long as the message is worth sending.
    pub most: Option<u32>,
    /// The wait between them; without it, the driver's own backoff.
    pub wait_ms: Option<u64>,
}

/// What a request for new tokens brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Settings to save, all in one transaction, before anything else is sent.
    Changed(Vec<(&'static str, String)>),
    Retry {
        why: String,
    },
    Broken(Broken),
}
