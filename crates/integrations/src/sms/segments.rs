//! How many parts a text takes as an SMS, and texts cut to fit without touching their link.
//!
//! A part holds 160 letters of the GSM alphabet, or 70 of any other (one Cyrillic letter makes the
//! whole text other); in a text of several parts each holds 153 or 67. A letter of two units is
//! never divided between parts. Each part is paid for.

/// The GSM 03.38 alphabet, one unit each.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                   ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its second table, two units each.
const GSM_TWO: &str = "^{}\\[~]|€\u{c}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    Gsm,
    /// UTF-16.
    Ucs2,
}

impl Alphabet {
    /// The narrowest that has all of the text's letters.
    pub fn of(text: &str) -> Alphabet {
        let is_gsm = |c: char| GSM.contains(c) || GSM_TWO.contains(c);
        if text.chars().all(is_gsm) { Alphabet::Gsm } else { Alphabet::Ucs2 }
    }

    const fn alone(self) -> usize {
        match self {
            Alphabet::Gsm => 160,
            Alphabet::Ucs2 => 70,
        }
    }

    const fn joined(self) -> usize {
        match self {
            Alphabet::Gsm => 153,
            Alphabet::Ucs2 => 67,
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Alphabet::Gsm if GSM_TWO.contains(c) => 2,
            Alphabet::Gsm => 1,
            Alphabet::Ucs2 => c.len_utf16(),
        }
    }
}

/// How many parts the text takes; an empty one takes one.
pub fn parts(text: &str) -> usize {
    let alphabet = Alphabet::of(text);
    let units: usize = text.chars().map(|c| alphabet.units(c)).sum();
    if units <= alphabet.alone() {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for c in text.chars() {
        let units = alphabet.units(c);
        if used + units > alphabet.joined() {
            parts += 1;
            used = 0;
        }
        used += units;
    }
    parts
}

/// A text of three pieces: the first says it all, the second may be shortened or left out, the link
/// is whole or the text is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces<'a> {
    pub lead: &'a str,
    pub middle: &'a str,
    pub link: &'a str,
}

impl Pieces<'_> {
    fn join(&self, lead: &str, middle: &str) -> String {
        let words = [lead, middle, self.link].into_iter().filter(|piece| !piece.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The most words that fit into so many parts, with the link; `None` when even the link alone
    /// does not fit.
    pub fn fit(&self, max_parts: usize) -> Option<String> {
        let is_fit = |text: &String| parts(text) <= max_parts;
        let whole = self.join(self.lead, self.middle);
        if is_fit(&whole) {
            return Some(whole);
        }
        shortest(self.middle, |middle| Some(self.join(self.lead, middle)).filter(is_fit))
            .or_else(|| shortest(self.lead, |lead| Some(self.join(lead, "")).filter(is_fit)))
    }
}

/// Tries ever shorter beginnings of a text until one passes; the last is nothing.
fn shortest(text: &str, pass: impl Fn(&str) -> Option<String>) -> Option<String> {
    // No SMS holds more: longer texts are tried from there.
    const MOST: usize = 8 * 160;
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).take(MOST).collect();
    let beginnings = ends.iter().rev().filter_map(|end| text.get(..*end));
    beginnings.chain(std::iter::once("")).find_map(|start| pass(start.trim_end()))
}

/// Typographic characters that would turn a Latin text into UCS-2, and no-break spaces, as every
/// phone has them.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t' | '\n' | '\r' => out.push(' '),
            '«' | '»' | '“' | '”' | '„' => out.push('"'),
            '’' | '‘' => out.push('\''),
            '–' | '—' | '−' => out.push('-'),
            '…' => out.push_str("..."),
            '₽' => out.push_str("р."),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
