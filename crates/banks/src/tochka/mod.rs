//! The bank Tochka: its Open API as translation. See `docs/banks/tochka.md` for facts and quirks.
//!
//! ```text
//! BankOp ── quirks ──> request ──> HttpRequest          HttpReply ──> reply, errors ──> Outcome
//!          (refused)                                    signed text ──> sign, notice ──> Notice
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what a connection consists of; the addresses that follow |
//! | `token` | what an access token says about itself |
//! | `codes` | the bank's words and ours; reading its errors |
//! | `quirks` | what the bank would refuse, as named checks before a request leaves |
//! | `wire` | its JSON as structs |
//! | `request` | operation to request |
//! | `reply`, `errors` | reply to outcome: 2xx, and everything else |
//! | `observation` | its operation or notice as facts about a payment |
//! | `notice`, `sign` | signed notices |
//! | `subscriptions` | the same roles for cards that are kept and charged again |
//! | `sbp` | the same roles for codes of SBP beside the payment links |
//! | `emulator` | the mirror of all this, for trying and testing without the bank |
//!
//! The bank's ways to remember: it has no idempotency keys, but `paymentLinkId` is unique; business
//! refusals are 424; a hold is captured whole or runs out; only success is announced.

pub mod codes;
pub mod emulator;
mod errors;
mod notice;
mod observation;
pub mod quirks;
mod reply;
mod request;
mod sbp;
pub mod settings;
pub mod sign;
mod subscriptions;
pub mod token;
mod wire;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::{
    bank::{Bank, Capabilities, Credentials, Notice, RawNotice, Setting, Step},
    http::HttpReply,
    op::{BankOp, CodeKind, PayMethod, Refusal},
    receipt::lint,
};

pub use notice::peek as peek_notice;
pub use request::authorize_url;
pub use token::token_problem;

/// The translation itself: stateless, so that one static value serves every shop.
#[derive(Debug)]
pub struct Tochka;

/// The bank's key page as it was in 2026-11, for looking into a notice without a network. What is
/// processed is judged by a key fetched then: see [`BankOp::FetchNoticeKeys`].
pub const BANK_KEY: &str = include_str!("fixtures/public-key.jwk.json");

static CAPABILITIES: Capabilities = Capabilities {
    partial_capture: false,
    void_hold: false,
    closes_links: false,
    lists_payments: true,
    find_gives_url: true,
    registers_notices: true,
    publishes_notice_keys: true,
    refund_by_request_id: false,
    max_purpose_chars: 140,
    max_reference_chars: 45,
    ttl_minutes: 1..=44_640,
    code_ttl_minutes: 1..=129_600,
    default_ttl_minutes: 10_080,
    grace_minutes: 60,
    methods: &PayMethod::ALL,
    sbp_kopecks: 1..=100_000_000,
    receipts: &codes::RECEIPTS,
    payment_notice_kinds: &[codes::PAYMENT_NOTICE],
    sbp_codes: &CodeKind::ALL,
    sbp_refunds: &[CodeKind::Dynamic],
    saves_accounts: false,
    saves_cards: false,
    sbp_notice_kinds: &[codes::SBP_NOTICE, codes::SBP_B2B_NOTICE],
    subscriptions: Some(&subscriptions::LIMITS),
};

impl Bank for Tochka {
    fn name(&self) -> &'static str {
        "tochka"
    }
    fn title(&self) -> &'static str {
        "Точка"
    }
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }
    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }
    fn start(&self, credentials: &Credentials, op: &BankOp) -> Step {
        let as_code = sbp::payment::find(credentials, op);
        request::start(credentials, as_code.as_ref().unwrap_or(op))
    }
    fn next(&self, credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Step {
        Step::Done(match sbp::payment::find(credentials, op) {
            Some(inner) => sbp::payment::outcome(op, reply::read(credentials, &inner, reply)),
            None => reply::read(credentials, op, reply),
        })
    }
    fn may_repeat(&self, credentials: &Credentials, op: &BankOp) -> bool {
        // A code of which nobody heard is a code that nobody was shown.
        matches!(op, BankOp::CreateLink(_)) && sbp::payment::find(credentials, op).is_some()
    }
    fn credentials_problem(&self, credentials: &Credentials, now: Timestamp) -> Option<Refusal> {
        // A token that can be refreshed is, by the gateway, before it ends.
        let renewable = credentials.find(settings::REFRESH_TOKEN).is_some();
        let token = credentials.get(settings::ACCESS_TOKEN);
        if renewable { None } else { token_problem(token, now) }
    }
    fn known_refusals(&self) -> Vec<Refusal> {
        let own = quirks::all().map(quirks::Quirk::refusal);
        own.chain(lint::known_refusals()).collect()
    }
    fn notice(&self, _credentials: &Credentials, raw: &RawNotice<'_>) -> Notice {
        notice::read(raw)
    }
}
