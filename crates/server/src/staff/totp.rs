//! Codes of an authenticator program (RFC 6238): SHA-1, six digits, half a minute, which is what
//! every such program knows. Pure: the clock and the chance come from outside.

use aws_lc_rs::hmac;

use crate::kit::secret::same_secret;

/// Bytes of a secret, as RFC 4226 advises.
pub const SECRET_LEN: usize = 20;
const STEP_MS: i64 = 30_000;
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// Clocks of telephones are wrong by so many steps.
const DRIFT: i64 = 1;

/// The step of which this code is, if it is one that may be used now: not before, not twice.
pub fn find_step(secret: &[u8], code: &str, now_ms: i64, last_step: i64) -> Option<i64> {
    let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = now_ms.div_euclid(STEP_MS);
    (now - DRIFT..=now + DRIFT)
        .filter(|step| *step > last_step)
        .find(|step| same_secret(code_at(secret, *step).as_bytes(), typed.as_bytes()))
}

/// The code of one step.
pub fn code_at(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = bytes.last().map_or(0, |last| usize::from(last & 15));
    let four = bytes.iter().skip(offset).take(4);
    let number = four.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7FFF_FFFF;
    format!("{:0DIGITS$}", number % MODULUS)
}

/// The step at this time.
pub const fn step_at(now_ms: i64) -> i64 {
    now_ms.div_euclid(STEP_MS)
}

/// As programs take it by hand: base 32 without padding.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// What the program scans. Names are escaped by whoever knows how addresses are.
pub fn address(secret: &[u8], issuer: &str, login: &str) -> String {
    let secret = base32(secret);
    format!("otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the eight digits there end in our six.
    #[test]
    fn the_standard_has_these_codes() {
        let secret = b"12345678901234567890";
        let rows = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in rows {
            let now_ms = seconds * 1000;
            assert_eq!(code_at(secret, step_at(now_ms)), code, "{seconds}");
            assert_eq!(find_step(secret, code, now_ms, 0), Some(step_at(now_ms)));
        }
    }

    #[test]
    fn a_code_counts_once_and_for_about_a_minute() {
        let secret = b"12345678901234567890";
        let (now_ms, step) = (1_234_567_890_000, step_at(1_234_567_890_000));
        assert_eq!(find_step(secret, " 005 924 ", now_ms, step - 1), Some(step));
        assert_eq!(find_step(secret, "005924", now_ms, step), None, "used");
        assert_eq!(find_step(secret, "005924", now_ms + STEP_MS, 0), Some(step));
        assert_eq!(find_step(secret, "005924", now_ms + 2 * STEP_MS, 0), None, "too late");
        assert_eq!(find_step(secret, "", now_ms, 0), None);
    }

    /// RFC 4648, section 10.
    #[test]
    fn a_secret_is_read_aloud_in_base_32() {
        let rows =
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")];
        for (plain, text) in rows {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }
}
