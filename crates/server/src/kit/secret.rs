//! Encryption at rest, values that never print, and masks for what is stored or logged.
//!
//! Bank credentials are stored sealed; the key lives outside the database, so that a stolen backup
//! opens no bank account.

mod mask;

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time, digest, hmac, rand,
};

pub use mask::{contains_card_number, mask_text};

/// The variable that holds the key when it is not in a file.
pub const KEY_VARIABLE: &str = "KOPECK_SECRET_KEY";
const KEY_LEN: usize = 32;
/// The first byte of everything sealed: AES-256-GCM, then 12 bytes of nonce, then text and tag.
const VERSION: u8 = 1;
/// What the signing key is derived for: no other use of the installation's key ends in it.
const SIGNING: &[u8] = b"kopeck: signatures of links";
/// Bytes of a signature: enough that nobody guesses one in the life of a shop.
const SIGNATURE_LEN: usize = 16;

/// Seals and opens small secrets with a key kept outside the database.
pub struct Vault {
    key: LessSafeKey,
    signing: hmac::Key,
    /// Where the key came from, for the one error that matters.
    source: String,
}

impl Vault {
    /// The key as 64 hex digits, from [`KEY_VARIABLE`].
    pub fn from_key_text(text: &str) -> anyhow::Result<Vault> {
        Vault::new(text, format!("the variable {KEY_VARIABLE}"))
    }

    /// The key from its file; the first start makes one that only its owner may read.
    pub fn load_or_create(path: &Path) -> anyhow::Result<Vault> {
        let source = format!("the key file {}", path.display());
        match fs::read_to_string(path) {
            Ok(text) => return Vault::new(&text, source),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {source}")),
        }
        let mut key = [0; KEY_LEN];
        rand::fill(&mut key).context("the system gives no random bytes")?;
        match create(path, &hex(&key)) {
            Ok(()) => {}
            // Another process was first: its key counts.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot write {source}")),
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {source}"))?;
        Vault::new(&text, source)
    }

    fn new(text: &str, source: String) -> anyhow::Result<Vault> {
        let Some(key) = unhex(text.trim()).filter(|key| key.len() == KEY_LEN) else {
            bail!("{source} must hold {} hex digits", 2 * KEY_LEN);
        };
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), SIGNING);
        let signing = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        let key = UnboundKey::new(&AES_256_GCM, &key).context("the key is unusable")?;
        Ok(Vault { key: LessSafeKey::new(key), signing, source })
    }

    /// A signature of these parts for a link that is good for ever, as hex digits. The parts are
    /// signed with their lengths: no two lists of parts read alike.
    pub fn sign(&self, parts: &[&str]) -> String {
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let tag = hmac::sign(&self.signing, &text);
        let (kept, _) = tag.as_ref().split_at(SIGNATURE_LEN);
        hex(kept)
    }

    /// Whether [`Vault::sign`] made this signature of these parts.
    pub fn is_signed(&self, parts: &[&str], signature: &str) -> bool {
        same_secret(self.sign(parts).as_bytes(), signature.as_bytes())
    }

    /// `nonce` comes from [`crate::ids::Mint::bytes`] and is never used twice. `context` says whose
    /// secret it is (`shop_…/tbank`): a sealed value copied to another row does not open there.
    pub fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
        context: &str,
    ) -> anyhow::Result<Vec<u8>> {
        let mut text = plain.to_vec();
        let aad = Aad::from(context.as_bytes());
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, aad, &mut text).context("cannot seal")?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// What was sealed with this key for this `context`.
    pub fn open(&self, sealed: &[u8], context: &str) -> anyhow::Result<Vec<u8>> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            bail!("a sealed value is empty or of a format this version does not know");
        };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE_LEN>() else {
            bail!("a sealed value is cut short");
        };
        let mut text = text.to_vec();
        let aad = Aad::from(context.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match self.key.open_in_place(nonce, aad, &mut text) {
            Ok(plain) => Ok(plain.to_vec()),
            Err(_) => bail!(
                "`{context}` was sealed with another key or changed since: check that {} \
                 (or {KEY_VARIABLE}) is the one this database was made with",
                self.source
            ),
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.source)
    }
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    // Values sealed with a key that a power cut took would be lost.
    file.sync_all()
}

/// A value that never prints.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value itself; each call is a place to look at in a review.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// As [`Secret::reveal`], by value.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Secret<T> {
        Secret(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// SHA-256 in hex: how an API key is stored. Plain hashing is enough, because keys are random and
/// long; passwords need argon2.
pub fn hash_token(token: &str) -> String {
    hash_bytes(token.as_bytes())
}

/// SHA-256 in hex, to recognise the same bytes again.
pub fn hash_bytes(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Compares in a time that says nothing about where the difference is.
pub fn same_secret(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The reverse of [`hex`]; `None` for anything but pairs of hex digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(digit: &str) -> Vault {
        Vault::from_key_text(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_context_only() {
        let sealed = vault("a").seal([7; 12], b"password", "shop_1/tbank").unwrap();
        assert_eq!(vault("a").open(&sealed, "shop_1/tbank").unwrap(), b"password");
        assert!(vault("a").open(&sealed, "shop_2/tbank").is_err());
        let wrong = vault("b").open(&sealed, "shop_1/tbank").unwrap_err().to_string();
        assert!(wrong.contains(KEY_VARIABLE), "{wrong}");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault("a").open(&changed, "shop_1/tbank").is_err(), "byte {at}");
            assert!(vault("a").open(&sealed[..at], "shop_1/tbank").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_64_hex_digits() {
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            assert!(Vault::from_key_text(text).is_err(), "{text}");
        }
        assert!(Vault::from_key_text(&format!(" {}\n", "0F".repeat(32))).is_ok());
    }

    #[test]
    fn the_key_file_is_made_once_and_only_its_owner_may_read_it() {
        let folder = std::env::temp_dir().join(format!("kopeck_key_{}", std::process::id()));
        let path = folder.join("secret.key");
        let sealed = Vault::load_or_create(&path).unwrap().seal([1; 12], b"x", "c").unwrap();
        assert_eq!(Vault::load_or_create(&path).unwrap().open(&sealed, "c").unwrap(), b"x");
        #[cfg(unix)]
        {
            let metadata = fs::metadata(&path).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "f".repeat(64)).unwrap();
        let wrong = Vault::load_or_create(&path).unwrap().open(&sealed, "c").unwrap_err();
        assert!(wrong.to_string().contains("secret.key"), "{wrong}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(*secret.reveal(), "hunter2");
    }

    #[test]
    fn tokens_are_hashed_and_compared() {
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_token("abc"), wanted);
        assert!(same_secret(b"abc", b"abc"));
        assert!(!same_secret(b"abc", b"abd") && !same_secret(b"abc", b"ab"));
        assert_eq!(unhex(&hex(b"\x00\xff\x10")).unwrap(), b"\x00\xff\x10");
    }

    #[test]
    fn a_signature_is_of_its_parts_and_of_this_key_alone() {
        let vault = Vault::from_key_text(&"5a".repeat(32)).unwrap();
        let signature = vault.sign(&["withdraw", "sub_1"]);
        assert_eq!(signature.len(), 32);
        assert!(vault.is_signed(&["withdraw", "sub_1"], &signature));
        for other in [&["withdraw", "sub_2"][..], &["withdrawsub_1"], &["withdraw", "sub_1", ""]] {
            assert!(!vault.is_signed(other, &signature), "{other:?}");
        }
        assert_ne!(vault.sign(&["ab", "c"]), vault.sign(&["a", "bc"]));
        for wrong in ["", "0", &signature[1..], &signature.to_uppercase()] {
            assert!(!vault.is_signed(&["withdraw", "sub_1"], wrong), "{wrong}");
        }
        let other = Vault::from_key_text(&"5b".repeat(32)).unwrap();
        assert!(!other.is_signed(&["withdraw", "sub_1"], &signature));
    }
}
