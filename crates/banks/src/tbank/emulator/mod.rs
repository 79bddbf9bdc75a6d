//! T-Bank's mirror: the API under `/v2`, the closing receipt, the hosted page and the notices, in
//! memory.
//!
//! It follows the public facts about the bank; where they leave something open, it is lenient, or
//! one of its terminals is awkward (see [`directory`]). It holds no clock, no randomness and no
//! sockets: see [`crate::emulator::Emulator`]. Ids follow from the seed and a counter.
//!
//! The path of a request: faults may spoil it, `route` finds the method and checks the token, then
//! `init`, `acquiring`, `receipts`, `customers`, `sbp` or `wallets` do the work; `payments` alone
//! moves money. `notices` delivers, `control` is the person at the controls, `page` is what the
//! payer sees. Card numbers are typed on that page only: the methods that carry them are refused.
//!
//! Choices where the bank's behaviour is unknown:
//! - `Amount` of answers and notices is the present sum: what is held or kept, after partial
//!   reversals and refunds; once all is given back, the whole of it;
//! - a wrong token is 204, an unknown terminal 501, an unknown payment 255, an unknown order 335,
//!   an impossible change 4, a sum beyond the rest 330, a missing field 201, a wrong word 64;
//! - `OrderId` may repeat, except at the strict terminal (20);
//! - SBP payments announce `CONFIRMED` alone; `DEADLINE_EXPIRED` is not announced (opt-in);
//! - DEMO terminals reject at the first declined attempt, working ones at the third;
//! - a terminal's own address for notices is the last `NotificationURL` of its Inits, since
//!   nobody fills in its settings; [`TbankEmulator::set_notification_url`] does;
//! - a hold that nobody takes is `REVERSED` after seven days, and that is announced;
//! - an SBP refund that fails leaves the payment `CONFIRMED` or `PARTIAL_REFUNDED`, unannounced;
//! - `ExternalRequestId` is ignored for the SBP, where refunds are limited instead (3029, 3030).

mod acquiring;
mod cards;
mod control;
mod customers;
pub mod directory;
mod faults;
mod fields;
mod init;
mod notices;
mod page;
mod payments;
mod problem;
mod qr;
pub(crate) mod receipts;
mod register;
mod route;
mod sbp;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod wallets;

use jiff::Timestamp;
use serde_json::Value;

use self::state::State;
pub use self::{
    cards::{ACS_PASSWORD, CardFate, TEST_CARDS, TestCard, find_test_card},
    notices::NOTICE_ANSWER,
    state::Timing,
};
use crate::{
    emulator::{Control, Delivery, Emulator, Served, faults::Verdict},
    http::{HttpReply, HttpRequest},
};

pub struct TbankEmulator {
    origin: String,
    state: State,
}

impl TbankEmulator {
    /// `origin` is where payers and clients reach it, such as `http://127.0.0.1:9900`.
    pub fn new(origin: &str, seed: u64) -> Result<TbankEmulator, String> {
        let origin = origin.trim_end_matches('/').to_owned();
        if !fields::is_web_address(&origin) {
            return Err(format!("The origin {origin} is no http or https address."));
        }
        Ok(TbankEmulator { origin, state: State::new(seed) })
    }

    /// What to put into the environment of whoever uses it, as names and values.
    pub fn test_credentials(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TBANK_BASE_URL", format!("{}/v2", self.origin)),
            ("TBANK_TERMINAL_KEY", directory::DEMO_KEY.to_owned()),
            ("TBANK_PASSWORD", directory::DEMO_PASSWORD.to_owned()),
        ]
    }

    pub fn timing(&self) -> Timing {
        self.state.timing
    }

    pub fn set_timing(&mut self, timing: Timing) {
        self.state.timing = timing;
    }

    /// The address in a terminal's settings: notices of accounts and receipts go only there.
    pub fn set_notification_url(&mut self, terminal: &str, url: &str) {
        self.state.terminal_urls.insert(terminal.to_owned(), url.to_owned());
    }
}

impl Emulator for TbankEmulator {
    fn name(&self) -> &'static str {
        "tbank"
    }

    fn serve(&mut self, now: Timestamp, request: &HttpRequest) -> Served {
        let now_ms = now.as_millisecond();
        self.ring_alarms(now_ms);
        let path = request.path();
        let call = format!("{} {path}", request.method.as_str());
        match self.state.faults.judge(&call, path.starts_with("/new")) {
            Verdict::Serve => Served::Now(self.route(now_ms, request)),
            Verdict::Refuse { status } => Served::Now(faults::faulty_reply(status)),
            Verdict::Hang { ms } => Served::Silence { hold_ms: ms },
            Verdict::Mute => {
                self.route(now_ms, request);
                Served::Silence { hold_ms: 0 }
            }
        }
    }

    fn poll(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.ring_alarms(now.as_millisecond());
        self.take_due_notices(now.as_millisecond())
    }

    fn delivered(&mut self, now: Timestamp, id: u64, status: Option<u16>) {
        self.settle_delivery(now.as_millisecond(), id, status, status == Some(200));
    }

    fn answered(&mut self, now: Timestamp, id: u64, reply: Option<&HttpReply>) {
        self.hear_answer(now.as_millisecond(), id, reply);
    }

    /// The ends of transients and of holds count too: notices follow from them, but none from the
    /// end of a link. By time, so that years of payments are not looked through.
    fn next_due(&self) -> Option<Timestamp> {
        let notice = self.state.queue.first().map(|(due_ms, _)| *due_ms);
        let is_told = |(at_ms, id): &&(i64, u64)| {
            self.state.payments.get(id).is_some_and(|payment| {
                let is_step = payment.step.is_some_and(|step| step.due_ms == *at_ms);
                is_step || (payment.status.is_held() && payment.hold_ends_ms == Some(*at_ms))
            })
        };
        let alarm = self.state.alarms.iter().find(is_told).map(|(at_ms, _)| *at_ms);
        notice.into_iter().chain(alarm).min().map(time::from_ms)
    }

    fn take_reply(&mut self, _: u64) -> Option<HttpReply> {
        None
    }

    fn control(&mut self, now: Timestamp, control: &Control) -> Result<Value, String> {
        self.ring_alarms(now.as_millisecond());
        self.apply_control(now.as_millisecond(), control)
    }

    fn snapshot(&self) -> Value {
        // The state has string keys and plain values only, so that this cannot fail.
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    fn restore(&mut self, snapshot: &Value) -> Result<(), String> {
        use serde::Deserialize as _;
        self.state = State::deserialize(snapshot)
            .map_err(|e| format!("The snapshot is not one of the T-Bank emulator: {e}"))?;
        Ok(())
    }
}
