//! Passwords: argon2id with the parameters that OWASP names for a small server.
//!
//! Never in a log, never in an error; slow on purpose, so callers leave the async threads first.

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::kit::secret::{hex, same_secret, unhex};

/// 19 MiB, two passes, one lane: a server of 1 GB checks several at once.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
const SCHEME: &str = "argon2id";

/// The shortest that is taken: length is what counts (NIST SP 800-63B).
pub const MIN_CHARS: usize = 10;
/// Longer ones only cost time.
pub const MAX_CHARS: usize = 200;
/// Of the lists that are tried first; those shorter than [`MIN_CHARS`] need no mention.
const WELL_KNOWN: [&str; 12] = [
    "1234567890",
    "0123456789",
    "12345678910",
    "qwertyuiop",
    "password123",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "qwerty12345",
    "qwerty123456",
    "йцукенгшщз",
    "пароль1234",
    "kopeckkopeck",
];

/// What is wrong with a new password, before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    Short,
    Long,
    WellKnown,
}

/// Nothing is asked about kinds of characters: that makes passwords worse.
pub fn find_weakness(password: &str, login: &str) -> Option<Weakness> {
    let count = password.chars().count();
    let plain = password.to_lowercase();
    let mut letters = plain.chars();
    let first = letters.next();
    let is_one_letter = letters.all(|letter| Some(letter) == first);
    match count {
        0..MIN_CHARS => Some(Weakness::Short),
        _ if count > MAX_CHARS => Some(Weakness::Long),
        _ if is_one_letter || plain == login || WELL_KNOWN.contains(&plain.as_str()) => {
            Some(Weakness::WellKnown)
        }
        _ => None,
    }
}

/// `argon2id:19456:2:1:<salt>:<hash>`.
pub fn hash(password: &str, salt: [u8; SALT_LEN]) -> anyhow::Result<String> {
    let derived = derive(password, &salt, MEMORY_KIB, PASSES, LANES)?;
    let (salt, hash) = (hex(&salt), hex(&derived));
    Ok(format!("{SCHEME}:{MEMORY_KIB}:{PASSES}:{LANES}:{salt}:{hash}"))
}

/// Whether `stored` was made of this password. With nothing stored it takes as long and is false:
/// the time tells nobody which logins there are.
pub fn is_right(password: &str, stored: Option<&str>) -> anyhow::Result<bool> {
    let Some(stored) = stored else {
        derive(password, &[0; SALT_LEN], MEMORY_KIB, PASSES, LANES)?;
        return Ok(false);
    };
    let parts: Vec<&str> = stored.split(':').collect();
    let [SCHEME, memory, passes, lanes, salt, hash] = parts.as_slice() else {
        anyhow::bail!("a stored password has a form that this version does not know");
    };
    let salt = unhex(salt).context("the salt of a stored password")?;
    let hash = unhex(hash).context("the hash of a stored password")?;
    let derived = derive(password, &salt, memory.parse()?, passes.parse()?, lanes.parse()?)?;
    Ok(same_secret(&derived, &hash))
}

fn derive(
    password: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> anyhow::Result<[u8; HASH_LEN]> {
    let params = Params::new(memory_kib, passes, lanes, Some(HASH_LEN));
    let params = params.map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    let mut hash = [0; HASH_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_what_was_made_of_it_alone() {
        let stored = hash("верный пароль", [7; SALT_LEN]).unwrap();
        assert!(stored.starts_with("argon2id:19456:2:1:0707"), "{stored}");
        assert!(is_right("верный пароль", Some(&stored)).unwrap());
        for wrong in ["верный парол", "Верный пароль", ""] {
            assert!(!is_right(wrong, Some(&stored)).unwrap(), "{wrong}");
        }
        assert!(!is_right("верный пароль", None).unwrap());
        assert_ne!(stored, hash("верный пароль", [8; SALT_LEN]).unwrap());
        assert!(is_right("x", Some("plain")).is_err());
    }

    /// Made by argon2-cffi 25.1 with the same parameters: `low_level.hash_secret_raw`.
    #[test]
    fn another_implementation_derives_the_same() {
        let expected = "argon2id:19456:2:1:30313233343536373839616263646566:\
                        c95be53d6d9b90bea4996808747128be07750d0de3a4aece7c293d406552aec3";
        assert_eq!(hash("kopeck", *b"0123456789abcdef").unwrap(), expected);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        assert_eq!(find_weakness("короткий", "anna"), Some(Weakness::Short));
        assert_eq!(find_weakness("Qwerty12345", "anna"), Some(Weakness::WellKnown));
        assert_eq!(find_weakness("anna@shop.example", "anna@shop.example"), {
            Some(Weakness::WellKnown)
        });
        assert_eq!(find_weakness("ааааааааааа", "anna"), Some(Weakness::WellKnown));
        assert_eq!(find_weakness(&"ab".repeat(101), "anna"), Some(Weakness::Long));
        assert_eq!(find_weakness("три синих кита", "anna"), None);
    }
}
