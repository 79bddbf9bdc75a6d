//! Tochka's mirror: the bank's API, OAuth server, key page, hosted pay page and notices, in memory.
//!
//! It follows the public facts about the bank (`docs/banks/tochka.md`); where they leave something
//! open, it is as awkward as the bank may be. It holds no clock, no randomness and no sockets:
//! see [`crate::emulator::Emulator`]. Ids follow from the seed and a counter.
//!
//! The path of a request: `route` finds the call, `faults` may spoil it, `grants` checks the
//! token, then `create`, `acquiring`, `registry`, `openbanking`, `statements`, `consents`,
//! `webhooks`, `oauth`, `subscriptions` or `sbp` do the work; `payments`, `subscriptions::charges`
//! and `sbp::transfers` alone move money.
//! `notices` delivers, `control` is the person at the controls, `page` is what the payer sees.
//!
//! What stands firm, for tests and guides: the customers, accounts, acquiring points and the
//! credentials in [`directory`], and the cards in [`TEST_CARDS`].
//!
//! Choices where the bank's behaviour is unknown:
//! - days (`fromDate`, `toDate`, `date`) are Moscow days; times are printed in UTC;
//! - lists show the newest first;
//! - a hold ends with the link's `ttl` as `EXPIRED`;
//! - the `orderId` that a refund answers is, for three refunds of four, not the one in `Order[]`;
//! - the register leaves out card payments of the running day, as documented;
//! - a known path with another method is an unknown route (501).

mod acquiring;
mod cards;
mod consents;
mod control;
mod create;
pub mod directory;
mod faults;
mod fields;
mod grants;
mod notices;
mod oauth;
mod openbanking;
mod page;
mod payments;
mod problem;
pub(crate) mod receipts;
mod registry;
mod route;
mod sbp;
mod state;
mod statements;
mod subscriptions;
#[cfg(test)]
mod tests;
mod time;
mod webhooks;

use jiff::Timestamp;
use serde_json::Value;

use self::state::State;
pub use self::{
    cards::{CardFate, TEST_CARDS, TestCard, find_test_card},
    state::Timing,
};
use crate::{
    emulator::{Control, Delivery, Emulator, Served},
    emulator::{faults::Verdict, ids, json},
    http::{HttpReply, HttpRequest},
    tochka::sign::SigningKey,
};

pub struct TochkaEmulator {
    origin: String,
    /// Supplied by the host at every start; never part of a snapshot.
    key: SigningKey,
    state: State,
}

impl TochkaEmulator {
    /// `origin` is where payers and clients reach it, such as `http://127.0.0.1:9900`;
    /// `signing_key_pkcs8` is an RSA key (PKCS#8 DER) that signs the notices.
    pub fn new(
        origin: &str,
        signing_key_pkcs8: &[u8],
        seed: u64,
    ) -> Result<TochkaEmulator, String> {
        let key = SigningKey::from_pkcs8(signing_key_pkcs8)?;
        let origin = origin.trim_end_matches('/').to_owned();
        let mut state = State::new(seed);
        grants::issue_keys(&mut state);
        Ok(TochkaEmulator { origin, key, state })
    }

    /// What to put into the environment of whoever uses it, as names and values.
    pub fn test_credentials(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TOCHKA_BASE_URL", format!("{}/uapi", self.origin)),
            ("TOCHKA_ACCESS_TOKEN", directory::access_token()),
            ("TOCHKA_CLIENT_ID", directory::CLIENT_ID.to_owned()),
            ("TOCHKA_CLIENT_SECRET", directory::CLIENT_SECRET.to_owned()),
            ("TOCHKA_CUSTOMER_CODE", directory::BUSINESS_CODE.to_owned()),
            ("TOCHKA_MERCHANT_ID", directory::MERCHANT_ID.to_owned()),
            ("TOCHKA_ACCOUNT_ID", directory::BUSINESS_ACCOUNT.to_owned()),
        ]
    }

    pub fn timing(&self) -> Timing {
        self.state.timing
    }

    pub fn set_timing(&mut self, timing: Timing) {
        self.state.timing = timing;
    }
}

impl Emulator for TochkaEmulator {
    fn name(&self) -> &'static str {
        "tochka"
    }

    fn serve(&mut self, now: Timestamp, request: &HttpRequest) -> Served {
        self.ring_alarms(now.as_millisecond());
        let path = request.path();
        let call = format!("{} {path}", request.method.as_str());
        match self.state.faults.judge(&call, path.starts_with("/order")) {
            Verdict::Serve => self.route(now, request),
            Verdict::Refuse { status } => Served::Now(self.faulty_reply(status, path)),
            Verdict::Hang { ms } => Served::Silence { hold_ms: ms },
            Verdict::Mute => {
                self.route(now, request);
                Served::Silence { hold_ms: 0 }
            }
        }
    }

    fn poll(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.ring_alarms(now.as_millisecond());
        self.take_due_notices(now.as_millisecond())
    }

    fn delivered(&mut self, now: Timestamp, id: u64, status: Option<u16>) {
        self.settle_delivery(now.as_millisecond(), id, status);
    }

    fn next_due(&self) -> Option<Timestamp> {
        // What a schedule will charge is told a moment after.
        let delay_ms = self.state.timing.notice_delay_ms;
        let charge = self.state.charges.first().map(|(at_ms, _)| at_ms.saturating_add(delay_ms));
        let notice = self.state.queue.first().map(|(due_ms, _)| *due_ms);
        notice.into_iter().chain(charge).min().map(time::from_ms)
    }

    fn take_reply(&mut self, ticket: u64) -> Option<HttpReply> {
        let ready = self.state.ready.remove(&ticket)?;
        Some(HttpReply::new(ready.status, "application/json", ready.body))
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
            .map_err(|e| format!("The snapshot is not one of the Tochka emulator: {e}"))?;
        Ok(())
    }
}
