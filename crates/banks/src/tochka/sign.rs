//! Compact JWS with RS256: how Tochka signs its notices, and how its emulator does.
//!
//! Must never trust a word of a body before its signature is checked. The keys are text that
//! someone else fetched: see [`crate::op::BankOp::FetchNoticeKeys`].

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// The header of every notice seen from the bank, byte for byte: no `kid`.
const HEADER: &str = r#"{"typ":"JWT","alg":"RS256"}"#;

/// A key page with more keys than this is no key page. Each key costs one RSA check per notice.
const MAX_KEYS: usize = 16;

/// Why a body is not a notice signed by the bank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("{0}")]
    Malformed(String),
    #[error("the signature does not match any key of the bank")]
    BadSignature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// RFC 7515 §4.1.11: extensions that a reader must understand. We understand none.
    crit: Option<serde::de::IgnoredAny>,
}

/// A public key as the bank's key page writes it.
#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JwkPage {
    Set { keys: Vec<Jwk> },
    Array(Vec<Jwk>),
    One(Jwk),
}

/// Checks the signature of a compact JWS against published keys (one JWK, an array, or `keys`)
/// and returns the payload's bytes.
///
/// A body that is not three parts of base64url is [`SignError::Malformed`]; everything else that is
/// wrong is [`SignError::BadSignature`], unreadable or absent keys included. Only RS256 is taken:
/// an `alg` chosen by the sender (`none`, `HS256`) is the classic forgery.
pub fn verify(body: &[u8], keys: &str) -> Result<Vec<u8>, SignError> {
    let malformed = |why: &str| SignError::Malformed(why.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not text"))?.trim();
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("the body is not a signed token of three parts"));
    };
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    // An unsigned token ends in an empty part: that is a forgery, not a misformed body.
    if header.is_empty() || payload.is_empty() || !text.bytes().all(|b| is_word(b) || b == b'.') {
        return Err(malformed("the body is not base64url text"));
    }
    let bad = |_| SignError::BadSignature;
    let header_json = URL_SAFE_NO_PAD.decode(header).map_err(bad)?;
    let read: Header = serde_json::from_slice(&header_json).map_err(|_| SignError::BadSignature)?;
    if read.alg != "RS256" || read.crit.is_some() {
        return Err(SignError::BadSignature);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(bad)?;
    let signed = &text.as_bytes()[..header.len() + 1 + payload.len()];
    let keys = parse_keys(keys);
    if !keys.iter().any(|key| key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, &signature).is_ok()) {
        return Err(SignError::BadSignature);
    }
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed("the signed part is not base64url"))
}

/// The RSA keys of a key page; other kinds of keys and unreadable ones are left out.
pub(super) fn parse_keys(text: &str) -> Vec<PublicKeyComponents<Vec<u8>>> {
    let page = match serde_json::from_str(text.trim()) {
        Ok(JwkPage::Set { keys } | JwkPage::Array(keys)) => keys,
        Ok(JwkPage::One(key)) => vec![key],
        Err(_) => Vec::new(),
    };
    page.iter().take(MAX_KEYS).filter_map(parse_key).collect()
}

/// How many keys a key page holds that a notice could be verified with.
pub fn count_keys(text: &str) -> usize {
    parse_keys(text).len()
}

fn parse_key(key: &Jwk) -> Option<PublicKeyComponents<Vec<u8>>> {
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec()).filter(|bytes| !bytes.is_empty())
    };
    if key.kty != "RSA" {
        return None;
    }
    Some(PublicKeyComponents { n: number(&key.n)?, e: number(&key.e)? })
}

/// An RSA key that signs notices: the emulator's own.
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// Takes a PKCS#8 DER document, or says why it is none.
    pub fn from_pkcs8(der: &[u8]) -> Result<SigningKey, String> {
        KeyPair::from_pkcs8(der).map(SigningKey).map_err(|e| e.to_string())
    }

    /// The compact JWS of `payload`, header exactly `{"typ":"JWT","alg":"RS256"}`.
    pub fn sign(&self, payload: &[u8]) -> Result<String, String> {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload));
        let mut signature = vec![0; self.0.public_modulus_len()];
        // PKCS#1 v1.5 is deterministic: the random source is asked for by the type only.
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the key cannot sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as one JWK, as the bank publishes it.
    pub fn public_jwk(&self) -> String {
        let der = self.0.public_key().as_ref();
        // aws-lc always writes a whole RSAPublicKey, so the empty key is never seen.
        let (n, e) = read_public_der(der).unwrap_or_default();
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        format!(r#"{{"kty":"RSA","e":"{e}","n":"{n}"}}"#)
    }
}

/// Modulus and exponent of RFC 8017's `RSAPublicKey ::= SEQUENCE { n INTEGER, e INTEGER }`.
fn read_public_der(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = read_der(der, 0x30)?;
    let (n, rest) = read_der(sequence, 0x02)?;
    let (e, _) = read_der(rest, 0x02)?;
    // DER puts a zero before a number whose first bit is set; JWK does not.
    let bare = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((&n[bare(n)..], &e[bare(e)..]))
}

/// The content of the first DER element, which must have this tag, and what follows it.
fn read_der(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, mut rest) = rest.split_first()?;
    let mut size = usize::from(length);
    if length >= 0x80 {
        let (bytes, after) = rest.split_at_checked(usize::from(length & 0x7f))?;
        size = bytes.iter().try_fold(0usize, |sum, b| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(*b)))
        })?;
        rest = after;
    }
    (first == tag).then_some(())?;
    rest.split_at_checked(size)
}
