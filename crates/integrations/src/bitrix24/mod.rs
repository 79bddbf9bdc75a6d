//! Bitrix24: a payment's news in the card of its deal, by an incoming webhook or as a local
//! application.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings` | the two ways to a portal, and the merchant's choices |
//! | `rest` | calls, batches, refusals |
//! | `deal`, `lines` | what a deal is and what changes of it; its rows as a receipt |
//! | `steps` | a message as requests: read, write, comment, tell somebody |
//! | `card`, `funnels` | what is read of a portal before a link is made; its stages |
//! | `oauth`, `inbound`, `setup` | tokens; what a portal sends us; what an application registers |
//!
//! A deal is read before it is changed, so that the same news twice changes nothing, our own
//! changes are known when the portal tells us of them, and nobody's won or lost deal is moved. A
//! stage that the portal refuses costs the stage only: the news is written as a comment, and the
//! deal's owner is told.

pub mod card;
pub mod deal;
pub mod funnels;
pub mod inbound;
pub mod lines;
pub mod oauth;
pub mod problems;
pub mod rest;
pub mod settings;
pub mod setup;
mod stand_in;
mod steps;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest},
};
use serde_json::json;

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Renewal, Settings},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
};

pub use problems::PROBLEMS;
pub use stand_in::BitrixStandIn;

/// A deal, in the portal's numbering of what its CRM holds.
pub const DEAL: i64 = 2;

/// The portal drains two requests a second of a bucket of fifty, for all of one server's.
static LIMITS: Limits =
    Limits { gap_ms: 500, address_gap_ms: 500, max_text_chars: 4_000, is_domestic: true };

pub struct Bitrix24;

impl Integration for Bitrix24 {
    fn name(&self) -> &'static str {
        "bitrix24"
    }

    fn title(&self) -> &'static str {
        "Битрикс24"
    }

    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }

    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    /// The portal counts all that comes from one server, whichever shop it is for.
    fn shared_pace(&self, settings: &Settings) -> Option<String> {
        settings::host(settings)
    }

    fn problems(&self) -> &'static [&'static Problem] {
        PROBLEMS
    }

    fn wants(&self, kind: Kind, audience: Audience) -> bool {
        let is_told = match kind {
            Kind::Test
            | Kind::Link
            | Kind::Paid
            | Kind::Mismatch
            | Kind::Failed
            | Kind::Expired
            | Kind::Canceled
            | Kind::Refunded
            | Kind::Receipt => true,
            Kind::Reminder | Kind::Renewal | Kind::RenewalFailed | Kind::Rebind | Kind::Welcome => {
                false
            }
        };
        is_told && audience == Audience::Shop
    }

    /// A deal's number, or its address in the portal.
    fn address(&self, text: &str) -> Result<String, Broken> {
        let text = text.trim();
        let number = match text.split_once("/crm/deal/details/") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or(""),
            None => text.strip_prefix("DEAL_").unwrap_or(text),
        };
        let id = number.parse::<i64>().ok().filter(|id| *id > 0);
        id.map(|id| id.to_string()).ok_or_else(|| Broken::of(&problems::DEAL_INVALID))
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        match &message.to {
            // What the settings need anyway: the portal's funnels.
            None => rest::call(settings, "crm.category.list", json!({ "entityTypeId": DEAL })),
            Some(to) => steps::request(settings, message, to, progress),
        }
    }

    fn read(
        &self,
        settings: &Settings,
        message: &Message,
        progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        if message.to.is_some() {
            return steps::read(settings, message, progress, reply);
        }
        match rest::read(reply) {
            rest::Called::Result(_) => Reading::Delivered { remote_id: None },
            rest::Called::Refused(refusal) => {
                Reading::Broken(Broken::of(&problems::RIGHTS).because(&refusal.words))
            }
            rest::Called::Other(reading) => reading,
        }
    }

    fn duplicate(&self, message: &Message, progress: &Progress) -> Duplicate {
        match message.to {
            None => Duplicate::Harmless("the funnels are read again"),
            Some(_) => steps::duplicate(progress),
        }
    }

    fn renewal(&self, settings: &Settings) -> Option<HttpRequest> {
        oauth::refresh(settings)
    }

    fn read_renewal(&self, reply: &HttpReply) -> Renewal {
        oauth::read(reply)
    }
}
