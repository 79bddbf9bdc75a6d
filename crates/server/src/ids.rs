//! Ids: a prefix that says what a thing is, then a time-ordered UUID (version 7) in hex.
//!
//! Clock and chance come from the kit, so a seeded run mints the same ids again.

use std::sync::{Mutex, PoisonError};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::kit::clock::SharedClock;

/// Makes ids and other random values.
#[derive(Debug)]
pub struct Mint {
    clock: SharedClock,
    chance: Mutex<StdRng>,
}

impl Mint {
    /// Seeded from the operating system.
    pub fn new(clock: SharedClock) -> Mint {
        Mint { clock, chance: Mutex::new(rand::make_rng()) }
    }

    /// For tests and the simulator: the same seed and clock give the same ids.
    pub fn seeded(clock: SharedClock, seed: u64) -> Mint {
        Mint { clock, chance: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// `pay_0199…`: 32 hex digits after the prefix, later ids sort after earlier ones.
    pub fn id(&self, prefix: &str) -> String {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(ms, &self.bytes()).into_uuid();
        format!("{prefix}_{}", id.simple())
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }

    /// `len` characters of an alphabet without look-alikes, five bits each: for what people read.
    pub fn code(&self, len: usize) -> String {
        const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let bytes: [u8; 64] = self.bytes();
        let letters = bytes.iter().take(len.min(64));
        letters.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
    }
}
