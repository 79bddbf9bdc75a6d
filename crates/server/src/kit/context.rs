//! The bundle of instances that flows take as their first argument.

use std::sync::Arc;

use super::{clock::SharedClock, db::Db, net::SharedWire, secret::Vault};
use crate::ids::Mint;

/// Everything of the outside world that a flow may use. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub db: Db,
    pub clock: SharedClock,
    pub mint: Arc<Mint>,
    pub wire: SharedWire,
    /// To addresses that the shop's people typed: guarded, impatient, reads little of a reply.
    pub courier: SharedWire,
    pub vault: Arc<Vault>,
    /// Where payers and banks reach this server: `https://pay.example.ru`, no trailing slash.
    pub public_url: Arc<str>,
    /// Where the shop is, as the IANA database names it: days and months begin there at midnight.
    pub zone: Arc<str>,
}

impl Ctx {
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
