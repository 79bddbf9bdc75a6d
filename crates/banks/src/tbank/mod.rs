//! The bank T-Bank (formerly Tinkoff): its internet acquiring as translation.
//!
//! ```text
//! BankOp ── quirks ──> request, token ──> HttpRequest    HttpReply ──> reply, refusal ──> Outcome
//!          (refused)                                     JSON text ──> token, notice ──> Notice
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what a connection consists of; the addresses that follow |
//! | `token` | the signature of requests and notices |
//! | `codes` | the bank's words and ours |
//! | `errors` | its table of error codes as data |
//! | `quirks` | what the bank would refuse, as named checks before it leaves |
//! | `wire`, `fields` | its JSON: written, and read as it was written |
//! | `request`, `receipt` | operation to request |
//! | `reply`, `answers`, `refusal` | reply to outcome |
//! | `observation` | its payment, reply or notice, as facts |
//! | `notice` | signed notices |
//!
//! The bank's ways to remember: all is HTTP 200, `Success` and `ErrorCode` say what happened; sums
//! are kopecks; a payment is opened (`Init`) before it is charged, so a charge without an answer is
//! asked about by its id; a refund sent again with the same `ExternalRequestId` (a UUID, as
//! instalments want it) happens once; several payments may have one `OrderId`; what `CheckOrder`
//! finds has no address to pay at; `Cancel` voids what is held and refunds what was received,
//! whichever it is by then.

pub mod answers;
pub mod codes;
pub mod emulator;
pub mod errors;
pub mod fields;
mod notice;
mod observation;
pub mod quirks;
mod receipt;
mod refusal;
mod reply;
mod request;
pub mod settings;
pub mod token;
mod wire;

#[cfg(test)]
mod tests;

use crate::{
    bank::{Bank, Capabilities, Credentials, Notice, RawNotice, ReceiptTerms, Setting, Step},
    http::HttpReply,
    op::{BankOp, PayMethod, Refusal},
    receipt::lint,
};

pub use notice::peek as peek_notice;

/// The translation itself: stateless, so that one static value serves every shop.
#[derive(Debug)]
pub struct Tbank;

static CAPABILITIES: Capabilities = Capabilities {
    partial_capture: true,
    void_hold: true,
    closes_links: true,
    lists_payments: false,
    find_gives_url: false,
    registers_notices: false,
    publishes_notice_keys: false,
    refund_by_request_id: true,
    max_purpose_chars: 140,
    max_reference_chars: 36,
    ttl_minutes: 1..=129_600,
    code_ttl_minutes: 1..=129_600,
    default_ttl_minutes: 1_440,
    grace_minutes: 60,
    methods: &PayMethod::ALL,
    sbp_kopecks: quirks::MIN_SBP_KOPECKS..=quirks::MAX_SBP_KOPECKS,
    receipts: &codes::RECEIPTS,
    payment_notice_kinds: &[codes::PAYMENT_NOTICE],
    sbp_codes: &[],
    sbp_refunds: &[],
    saves_accounts: true,
    saves_cards: true,
    sbp_notice_kinds: &[],
    subscriptions: None,
};

impl Bank for Tbank {
    fn name(&self) -> &'static str {
        "tbank"
    }
    fn title(&self) -> &'static str {
        "Т-Банк"
    }
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }
    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }
    fn start(&self, credentials: &Credentials, op: &BankOp) -> Step {
        request::start(credentials, op)
    }
    fn next(&self, credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Step {
        Step::Done(reply::read(credentials, op, reply))
    }
    fn receipt_terms(&self, credentials: &Credentials) -> ReceiptTerms {
        let taxation = settings::taxation(credentials);
        ReceiptTerms { ffd: Some(settings::ffd(credentials)), taxation }
    }
    fn known_refusals(&self) -> Vec<Refusal> {
        let own = quirks::all().map(quirks::Quirk::refusal);
        own.chain(lint::known_refusals()).collect()
    }
    fn notice(&self, credentials: &Credentials, raw: &RawNotice<'_>) -> Notice {
        notice::read(credentials, raw)
    }
}
