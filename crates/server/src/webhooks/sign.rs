//! Signatures by Standard Webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! A secret of ours is printable, so that a receiver that takes its key as text (n8n's Crypto node)
//! can check a signature too. Secrets never print and are stored only sealed.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    ids::Mint,
    kit::secret::{Secret, hash_bytes, same_secret},
};

const PREFIX: &str = "whsec_";
/// What the specification asks for.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
/// What is shown of a secret's hash.
const FINGERPRINT_DIGITS: usize = 12;
/// 32 characters of 64 are 192 bits.
const CHARS: usize = 32;
/// Secrets in force at once: more than two only if somebody rotates again within the overlap.
const MAX_KEYS: usize = 3;

/// One signing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey(Secret<Vec<u8>>);

impl SigningKey {
    pub fn generate(mint: &Mint) -> SigningKey {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bytes: [u8; CHARS] = mint.bytes();
        let chars = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 64)]);
        SigningKey(Secret::new(chars.collect()))
    }

    /// `whsec_` and base64.
    pub fn parse(text: &str) -> Option<SigningKey> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        LENGTHS.contains(&bytes.len()).then(|| SigningKey(Secret::new(bytes)))
    }

    /// As receivers want it.
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(self.0.reveal())))
    }

    /// The key itself, for receivers that take it as text.
    pub fn key_text(&self) -> Secret<String> {
        Secret::new(String::from_utf8_lossy(self.0.reveal()).into_owned())
    }

    /// The same for the same secret; nobody finds the secret by it, which is 32 random characters.
    pub fn fingerprint(&self) -> String {
        let hash = hash_bytes(self.0.reveal());
        format!("sha256:{}", hash.get(..FINGERPRINT_DIGITS).unwrap_or(&hash))
    }

    /// `v1,` and base64.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.reveal());
        let mut signer = hmac::Context::with_key(&key);
        signer.update(format!("{id}.{timestamp}.").as_bytes());
        signer.update(body);
        format!("v1,{}", STANDARD.encode(signer.sign()))
    }

    /// Whether one of the header's signatures is this key's.
    pub fn verify(&self, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
        let wanted = self.sign(id, timestamp, body);
        header.split(' ').any(|given| same_secret(given.as_bytes(), wanted.as_bytes()))
    }
}

/// All that is secret about a webhook.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// The newest first, each with the time until which it still signs; the newest has no end.
    pub keys: Vec<(SigningKey, Option<i64>)>,
    pub header_value: Option<Secret<String>>,
}

/// How a [`Keyring`] lies inside its seal.
#[derive(Serialize, Deserialize)]
struct StoredKeyring {
    keys: Vec<(String, Option<i64>)>,
    header: Option<String>,
}

impl Keyring {
    pub fn new(key: SigningKey, header_value: Option<Secret<String>>) -> Keyring {
        Keyring { keys: vec![(key, None)], header_value }
    }

    /// The new key signs from now on; the others go on until their time, the last one until then.
    pub fn rotate(&mut self, key: SigningKey, now_ms: i64, until_ms: i64) {
        for (_, end) in &mut self.keys {
            *end = Some(end.unwrap_or(until_ms).min(until_ms));
        }
        self.keys.retain(|(_, end)| end.is_some_and(|end| end > now_ms));
        self.keys.insert(0, (key, None));
        self.keys.truncate(MAX_KEYS);
    }

    /// The one that signs first.
    pub fn newest(&self) -> Option<&SigningKey> {
        self.keys.first().map(|(key, _)| key)
    }

    /// All signatures in force, the newest first.
    pub fn signature(&self, now_ms: i64, id: &str, timestamp: i64, body: &[u8]) -> String {
        let live = self.keys.iter().filter(|(_, end)| end.is_none_or(|end| end > now_ms));
        let signatures: Vec<String> = live.map(|(key, _)| key.sign(id, timestamp, body)).collect();
        signatures.join(" ")
    }

    /// Until when an older secret still signs.
    pub fn overlap_until_ms(&self, now_ms: i64) -> Option<i64> {
        self.keys.iter().filter_map(|(_, end)| *end).filter(|end| *end > now_ms).max()
    }

    pub fn to_bytes(&self) -> anyhow::Result<Secret<Vec<u8>>> {
        let keys = self.keys.iter().map(|(key, end)| (key.to_text().into_revealed(), *end));
        let header = self.header_value.as_ref().map(|value| value.reveal().clone());
        let stored = StoredKeyring { keys: keys.collect(), header };
        Ok(Secret::new(serde_json::to_vec(&stored)?))
    }

    pub fn parse(bytes: &[u8]) -> anyhow::Result<Keyring> {
        // The error of a parser may quote what it read.
        let unreadable = || anyhow::anyhow!("a webhook's secrets cannot be read");
        let stored: StoredKeyring = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
        let mut keys = Vec::new();
        for (text, end) in stored.keys {
            keys.push((SigningKey::parse(&text).ok_or_else(unreadable)?, end));
        }
        Ok(Keyring { keys, header_value: stored.header.map(Secret::new) })
    }
}
