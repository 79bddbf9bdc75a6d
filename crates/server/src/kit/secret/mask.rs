//! Takes card numbers, secrets, e-mails and phones out of text that is stored or logged.
//!
//! One pass over bytes. All that is looked for is delimited by ASCII, so cutting there never
//! splits a letter. When in doubt it masks, except for what the journal exists to show: ids,
//! account numbers, amounts and dates.

/// What stands in for a secret.
const MASK: &str = "***";
/// A field with one of these in its name holds a secret.
const SECRET_NAMES: [&str; 13] = [
    "token",
    "rebillid",
    "secret",
    "password",
    "passwd",
    "authorization",
    "api_key",
    "api-key",
    "apikey",
    "private_key",
    "carddata",
    "cvv",
    "cvc",
];
/// Tochka's word for a hold: nothing secret, and wanted in the journal.
const HARMLESS_NAME: &str = "preauthorization";
/// `code` is both OAuth's one-time secret, which is long, and a bank's error code, which is short
/// and wanted in the journal.
const CODE_MIN: usize = 12;

/// Longer names are no names; without a limit `a-a-a-…` would be read again from each letter.
const NAME_MAX: usize = 64;

/// The text without secrets: `{"token":"***"}`, `Bearer ***`, `***1111`, `i***@***`, `***67`.
pub fn mask_text(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut mail_checked) = (0, 0);
    while at < bytes.len() {
        let starts_word = at == 0 || !is_word(bytes[at - 1]);
        let mut hit = None;
        if starts_word {
            hit = uuid(bytes, at)
                .map(|end| (end, text[at..end].to_owned()))
                .or_else(|| secret_field(text, at))
                .or_else(|| bearer(text, at))
                .or_else(|| jwt(bytes, at).map(|end| (end, MASK.to_owned())))
                .or_else(|| phone(bytes, at).map(|end| (end, ending(&bytes[at..end], 2))));
            if hit.is_none() && at >= mail_checked {
                mail_checked = run(bytes, at, is_mail);
                hit = mail(text, at, mail_checked);
            }
        }
        let starts_digits = bytes[at].is_ascii_digit() && (at == 0 || !is_digit(bytes[at - 1]));
        if hit.is_none() && starts_digits {
            hit = card(bytes, at).map(|end| (end, ending(&bytes[at..end], 4)));
        }
        let (end, masked) = hit.unwrap_or_else(|| {
            let end = plain_end(bytes, at);
            (end, text[at..end].to_owned())
        });
        out.push_str(&masked);
        at = end;
    }
    out
}

/// Whether a payer or merchant typed a card number into free text: 13–19 digits in one piece or
/// in groups with single spaces or dashes, beginning as cards do, with a right check digit.
pub fn contains_card_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts_word = at == 0 || !is_word(bytes[at - 1]);
        let starts_digits = is_digit(bytes[at]) && (at == 0 || !is_digit(bytes[at - 1]));
        at = match uuid(bytes, at) {
            Some(end) if starts_word => end,
            _ if starts_digits && card(bytes, at).is_some() => return true,
            _ => plain_end(bytes, at),
        };
    }
    false
}

/// The end of a piece that nothing can begin in the middle of.
fn plain_end(bytes: &[u8], at: usize) -> usize {
    let first = bytes[at];
    if is_digit(first) {
        run(bytes, at, is_digit)
    } else if is_word(first) {
        run(bytes, at, |byte| is_word(byte) && !is_digit(byte))
    } else {
        at + 1
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Letters of any language, digits, underscore.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_mail(byte: u8) -> bool {
    is_word(byte) || b".%+-@".contains(&byte)
}

/// The end of the run of such bytes from here on.
fn run(bytes: &[u8], at: usize, kind: impl Fn(u8) -> bool) -> usize {
    let length = bytes[at..].iter().take_while(|byte| kind(**byte)).count();
    at + length
}

/// `***` and the last `keep` digits, so that people recognise their own.
fn ending(bytes: &[u8], keep: usize) -> String {
    let digits = bytes.iter().rev().filter(|byte| is_digit(**byte)).take(keep);
    let digits: Vec<u8> = digits.copied().collect();
    MASK.chars().chain(digits.iter().rev().map(|digit| char::from(*digit))).collect()
}

/// Ids pass as they are, even when their groups happen to look like a card.
fn uuid(bytes: &[u8], at: usize) -> Option<usize> {
    const LEN: usize = 36;
    let text = bytes.get(at..at + LEN)?;
    let fits = text.iter().enumerate().all(|(n, byte)| match n {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = bytes.get(at + LEN).is_none_or(|byte| !is_word(*byte));
    (fits && ends).then_some(at + LEN)
}

/// `"token": "…"`, `token=…&`, `\"token\":\"…\"` (JSON inside JSON), `Authorization: …`.
fn secret_field(text: &str, at: usize) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let name_end = run(&bytes[..bytes.len().min(at + NAME_MAX)], at, is_base64);
    let name = text[at..name_end].to_ascii_lowercase();
    let is_code = name == "code";
    let is_secret = name != HARMLESS_NAME && SECRET_NAMES.iter().any(|it| name.contains(it));
    if !is_code && !is_secret {
        return None;
    }
    let colon = run(bytes, name_end, |byte| b"\\\"' \t".contains(&byte));
    if !bytes.get(colon).is_some_and(|byte| b":=".contains(byte)) {
        return None;
    }
    let value = run(bytes, colon + 1, |byte| byte == b' ' || byte == b'\t');
    let quote = run(bytes, value, |byte| byte == b'\\');
    let quoted = bytes.get(quote).is_some_and(|byte| b"\"'".contains(byte));
    let (start, end) = if quoted {
        (quote + 1, value_end(bytes, quote + 1, &bytes[value..=quote]))
    } else if name.contains("authorization") {
        (value, run(bytes, value, |byte| !b"\r\n\"'".contains(&byte)))
    } else {
        (value, run(bytes, value, |byte| !b"&,;}] \t\r\n\"'<".contains(&byte)))
    };
    let opens_more = !quoted && bytes.get(start).is_some_and(|byte| b"{[".contains(byte));
    let too_short = end == start || (is_code && end - start < CODE_MIN);
    (!opens_more && !too_short).then(|| (end, format!("{}{MASK}", &text[at..start])))
}

/// Where a quoted value ends: at its own quote (`"`, or `\"` inside JSON inside JSON), which is
/// not itself escaped; at the end of the text if it was cut off.
fn value_end(bytes: &[u8], start: usize, quote: &[u8]) -> usize {
    let mut at = start;
    while at < bytes.len() {
        let slashes_end = run(bytes, at, |byte| byte == b'\\');
        let slashes = slashes_end - at;
        if bytes.get(slashes_end) == quote.last() && slashes < quote.len() {
            return at;
        }
        at = slashes_end + 1;
    }
    bytes.len()
}

fn bearer(text: &str, at: usize) -> Option<(usize, String)> {
    const NAME: &[u8] = b"bearer ";
    let bytes = text.as_bytes();
    let start = at + NAME.len();
    if !bytes.get(at..start)?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let end = run(bytes, start, |byte| is_base64(byte) || b".~+/=".contains(&byte));
    (end > start).then(|| (end, format!("{}{MASK}", &text[at..start])))
}

/// Two or three base64 parts, the first an encoded `{"`.
fn jwt(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes[at..].starts_with(b"eyJ") || (at > 0 && is_base64(bytes[at - 1])) {
        return None;
    }
    let mut end = run(bytes, at, is_base64);
    for part in 0..2 {
        let next = run(bytes, (end + 1).min(bytes.len()), is_base64);
        if bytes.get(end) != Some(&b'.') || next == end + 1 {
            return (part > 0).then_some(end);
        }
        end = next;
    }
    Some(end)
}

/// `ivan@example.ru`, and `ivan%40example.ru` in forms.
fn mail(text: &str, at: usize, end: usize) -> Option<(usize, String)> {
    let whole = &text[at..end];
    let (local, domain) = whole.split_once('@').or_else(|| whole.split_once("%40"))?;
    let end = end - domain.len() + domain.trim_end_matches(['.', '-']).len();
    let first = local.chars().next()?;
    domain.trim_end_matches('.').contains('.').then(|| (end, format!("{first}{MASK}@{MASK}")))
}

/// `+7 (916) 123-45-67`, `8 916 1234567`, `79161234567`. Without a plus only mobile numbers in one
/// piece, or any with separators: a bank's ids have eleven digits too.
fn phone(bytes: &[u8], at: usize) -> Option<usize> {
    const DIGITS: usize = 11;
    let signs = [&b"+"[..], b"%2B"];
    let sign = signs.iter().find(|sign| bytes[at..].starts_with(sign)).map_or(0, |sign| sign.len());
    let (plus, start) = (sign > 0, at + sign);
    let country = *bytes.get(start)?;
    if country != b'7' && (plus || country != b'8') {
        return None;
    }
    let (mut end, mut digits, mut separators, mut gap) = (start, 0, 0, 0);
    while let Some(byte) = bytes.get(end) {
        if is_digit(*byte) {
            (digits, gap) = (digits + 1, 0);
        } else if b" -()".contains(byte) && gap < 2 && digits < DIGITS {
            (separators, gap) = (separators + 1, gap + 1);
        } else {
            break;
        }
        end += 1;
    }
    let mobile = bytes.get(start + 1) == Some(&b'9');
    let known = plus || mobile || (separators >= 3 && !bytes[start..end].starts_with(b"800"));
    let ends = bytes.get(end).is_none_or(|byte| !is_word(*byte));
    (digits == DIGITS && known && ends).then_some(end)
}

/// The end of a card number that begins here.
fn card(bytes: &[u8], at: usize) -> Option<usize> {
    const MAX: usize = 19;
    if is_part_of_id(bytes[..at].iter().rev()) {
        return None;
    }
    let (mut digits, mut end, mut found) = (Vec::with_capacity(MAX), at, None);
    loop {
        let group = end;
        end = run(bytes, group, is_digit);
        if end == group || digits.len() + (end - group) > MAX {
            return found;
        }
        digits.extend(bytes[group..end].iter().map(|digit| digit - b'0'));
        let whole = !is_part_of_id(bytes[end..].iter());
        if whole && begins_as_card(&digits) && luhn(&digits) {
            found = Some(end);
        }
        // Cards are grouped by four or more; shorter groups are dates, phones, amounts.
        if end - group < 3 || !bytes.get(end).is_some_and(|byte| b" -".contains(byte)) {
            return found;
        }
        end += 1;
    }
}

/// Whether hex letters or an underscore touch the digits: `pay_0199…`, `3f41…`. A word such as
/// `card4111…` touches them too but is no hex.
fn is_part_of_id<'a>(neighbours: impl Iterator<Item = &'a u8>) -> bool {
    let mut touching = neighbours.take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_');
    let Some(first) = touching.next() else { return false };
    *first == b'_' || (first.is_ascii_hexdigit() && touching.all(u8::is_ascii_hexdigit))
}

/// Ranges and lengths that card schemes issue (ISO/IEC 7812 registry). They keep out what
/// merchants do write: OGRN and OGRNIP, times in milliseconds, tax numbers side by side.
fn begins_as_card(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    match (prefix, digits.len()) {
        // Mir, Mastercard.
        (2200..=2205 | 2221..=2720, 16..=19) => true,
        // Diners Club, American Express, JCB.
        (3000..=3059 | 3600..=3699 | 3800..=3999, 14) => true,
        (3400..=3499 | 3700..=3799, 15) => true,
        (3528..=3589, 16..=19) => true,
        // Visa; Mastercard and Maestro; Maestro, UnionPay, Discover.
        (4000..=4999, 13..=19) => true,
        (5000..=5999, 16..=19) => true,
        (6000..=6999, 13..=19) => true,
        // Uzcard, Humo, Belkart.
        (8600 | 9860 | 9112, 16) => true,
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| match (n % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for (text, wanted) in [
            ("4111111111111111", "***1111"),
            ("карта 4111 1111 1111 1111, спасибо", "карта ***1111, спасибо"),
            ("№4711 4111-1111-1111-1111", "№4711 ***1111"),
            ("card4111111111111111.", "card***1111."),
            ("карта4111111111111111", "карта***1111"),
            (r#"{"Pan":"2200000000000004"}"#, r#"{"Pan":"***0004"}"#),
            ("amex 3782 822463 10005", "amex ***0005"),
            ("мир 2200 0000 0000 0000 012", "мир ***0012"),
            (r#"{"token":"abc","Amount":100}"#, r#"{"token":"***","Amount":100}"#),
            (r#"{"Password" : "a\"b", "x":1}"#, r#"{"Password" : "***", "x":1}"#),
            (r#""{\"access_token\":\"a\",\"b\":1}""#, r#""{\"access_token\":\"***\",\"b\":1}""#),
            (r#"{"client_secret":"cut of"#, r#"{"client_secret":"***"#),
            (r#"{"refresh_token":null}"#, r#"{"refresh_token":***}"#),
            ("code=0123456789abcdef&state=1", "code=***&state=1"),
            (r#"{"code":"424","message":"dup"}"#, r#"{"code":"424","message":"dup"}"#),
            ("grant=x&client_secret=s%20s&a=b", "grant=x&client_secret=***&a=b"),
            ("Authorization: Basic abc def\nhost: x", "Authorization: ***\nhost: x"),
            ("sent Bearer abc.DEF-1 to", "sent Bearer *** to"),
            ("x eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln y", "x *** y"),
            ("mail ivan.p+x@mail.example.ru.", "mail i***@***."),
            ("почта иван@пример.рф", "почта и***@***"),
            ("email=ivan%40example.ru&a=1", "email=i***@***&a=1"),
            ("тел +7 (916) 123-45-67!", "тел ***67!"),
            ("79161234567", "***67"),
            ("8 (495) 123-45-67", "***67"),
            (r#"{"Phone":"+79161234567"}"#, r#"{"Phone":"***67"}"#),
        ] {
            assert_eq!(mask_text(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_the_journal_must_show_is_left_alone() {
        for text in [
            "",
            "40702810900000000001",
            "40702810900000000001 044525999 30101810145250000974",
            "41111111-1111-4111-8111-111111111111",
            "операция 41111111-1111-1111-1111-111111111111, ok",
            "pay_01993e4111111111111111aaaaaaaaaa",
            "pay_4111111111111111",
            "4111111111111111aa",
            "1732218420000",
            "ОГРН 1027700132195 ОГРНИП 304500116000157",
            "2026-11-21 19:47:00.123 amount 1999.00",
            "2026-11-21T19:47:00+03:00",
            r#"{"PaymentId":"13660480451","Amount":100000,"ErrorCode":"0"}"#,
            "https://securepay.tinkoff.ru/v2/Init?a=b",
            "0000000000000000",
            "4111111111111112",
            "цена 100 руб. @ 5 шт",
            "пароль не меняли",
        ] {
            assert_eq!(mask_text(text), text);
            assert!(!contains_card_number(text), "{text}");
        }
    }

    #[test]
    fn card_numbers_are_found_in_free_text() {
        for text in [
            "4111111111111111",
            "оплата с 4111 1111 1111 1111 и 2 яблока",
            "5555-5555-5555-4444",
            "4222222222222",
            "6304000000000000",
            "заказ 4711 4111 1111 1111 1111",
        ] {
            assert!(contains_card_number(text), "{text}");
            assert_ne!(mask_text(text), text);
        }
    }

    #[test]
    fn long_hostile_text_takes_no_longer_than_its_length() {
        let started = std::time::Instant::now();
        for piece in ["a.", "a-", "token\"", "4111 ", "\\\"", "eyJ.", "eyJ-", "+", "+7", "code="] {
            let text = piece.repeat(100_000);
            assert!(!mask_text(&text).is_empty());
            let _ = contains_card_number(&text);
        }
        assert!(started.elapsed().as_secs() < 30, "not linear");
    }
}
