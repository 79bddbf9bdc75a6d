//! Ids that look like the bank's and follow from the seed and a counter: no randomness here.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

/// Where the next id comes from. Part of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mint {
    seed: u64,
    counter: u64,
}

impl Mint {
    pub(crate) fn new(seed: u64) -> Mint {
        Mint { seed, counter: 0 }
    }

    fn next(&mut self, kind: &str) -> Vec<u8> {
        self.counter += 1;
        let text = format!("{}:{}:{kind}", self.seed, self.counter);
        digest(&SHA256, text.as_bytes()).as_ref().to_vec()
    }

    /// Looks like a version 4 UUID.
    pub(crate) fn uuid(&mut self, kind: &str) -> String {
        let mut hex = to_hex(&self.next(kind));
        hex.replace_range(12..13, "4");
        hex.replace_range(16..17, "a");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
    }

    /// 64 hexadecimal digits: tokens and codes.
    pub(crate) fn token(&mut self, kind: &str) -> String {
        to_hex(&self.next(kind))
    }

    /// `prefix` and upper-case letters and digits, 32 characters in all, like an SBP id.
    pub(crate) fn sbp(&mut self, prefix: &str) -> String {
        let hex = to_hex(&self.next(prefix)).to_uppercase();
        let keep = 32usize.saturating_sub(prefix.len());
        format!("{prefix}{}", hex.get(..keep).unwrap_or(&hex))
    }

    /// A number that grows with every call: order ids, processing ids.
    pub(crate) fn number(&mut self, base: u64) -> String {
        self.counter += 1;
        (base + self.counter).to_string()
    }

    /// True three times out of four, as the seed has it.
    pub(crate) fn mostly(&mut self, kind: &str) -> bool {
        self.next(kind).first().is_some_and(|byte| byte & 3 != 0)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
