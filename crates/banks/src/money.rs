//! Money in integer kopecks: the only arithmetic on amounts in the whole product.
//!
//! No float ever holds an amount. Text becomes money digit by digit, so `0.1 + 0.2` problems cannot
//! exist, and every operation that could overflow says so.

use std::fmt;

/// The largest amount accepted anywhere: ten billion rubles. No bank takes more in one payment,
/// and sums of a million such payments still fit `i64` with room to spare.
pub const MAX_KOPECKS: i64 = 1_000_000_000_000;

/// A non-negative amount of Russian money, in kopecks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text or a number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount is empty")]
    Empty,
    #[error("the amount is not a decimal number of rubles, such as 5000 or 5000.00")]
    NotANumber,
    #[error("the amount is negative")]
    Negative,
    #[error("the amount has a fraction of a kopeck: at most two digits may follow the point")]
    FractionOfKopeck,
    #[error("the amount is larger than 10 000 000 000 rubles")]
    TooLarge,
}

impl Money {
    pub const ZERO: Money = Money(0);

    /// Takes whole kopecks; refuses negative and absurdly large amounts.
    pub fn from_kopecks(kopecks: i64) -> Result<Money, MoneyError> {
        if kopecks < 0 {
            return Err(MoneyError::Negative);
        }
        if kopecks > MAX_KOPECKS {
            return Err(MoneyError::TooLarge);
        }
        Ok(Money(kopecks))
    }

    /// Reads rubles as people and JSON write them: `5000`, `5000.5`, `5000.50`.
    ///
    /// Zeros after the second decimal are harmless and accepted (`40.000`), since banks print them;
    /// any other third decimal is refused. Exponents, signs, spaces and separators are refused:
    /// whoever sends `1e3` or `5 000` should be told, not guessed at.
    pub fn parse_rubles(text: &str) -> Result<Money, MoneyError> {
        if text.is_empty() {
            return Err(MoneyError::Empty);
        }
        if let Some(rest) = text.strip_prefix('-') {
            return Err(Money::parse_rubles(rest).err().unwrap_or(MoneyError::Negative));
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(MoneyError::NotANumber);
        }
        let (kept, rest) = fraction.split_at(fraction.len().min(2));
        if rest.bytes().any(|b| b != b'0') {
            return Err(MoneyError::FractionOfKopeck);
        }
        let whole: i64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let mut kopecks: i64 = kept.parse().map_err(|_| MoneyError::NotANumber)?;
        if kept.len() == 1 {
            kopecks *= 10;
        }
        whole
            .checked_mul(100)
            .and_then(|sum| sum.checked_add(kopecks))
            .filter(|sum| *sum <= MAX_KOPECKS)
            .map(Money)
            .ok_or(MoneyError::TooLarge)
    }

    pub const fn kopecks(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `None` when the sum leaves the range of [`Money`].
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).filter(|sum| *sum <= MAX_KOPECKS).map(Money)
    }

    /// `None` when `other` is larger: money never becomes negative.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).filter(|rest| *rest >= 0).map(Money)
    }

    /// What is left after `other`, never less than zero.
    pub fn minus_or_zero(self, other: Money) -> Money {
        self.checked_sub(other).unwrap_or(Money::ZERO)
    }

    /// `None` when the sum leaves the range of [`Money`].
    pub fn checked_sum(items: impl IntoIterator<Item = Money>) -> Option<Money> {
        items.into_iter().try_fold(Money::ZERO, Money::checked_add)
    }

    /// `5000.00`: rubles with two decimals and a point, for wires and programs.
    pub fn to_rubles(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    /// `5 000,00 ₽`: the way Russians write it, with no-break spaces so that a sum never wraps.
    pub fn to_human(self) -> String {
        let whole = (self.0 / 100).to_string();
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push('\u{a0}');
            }
            grouped.push(digit);
        }
        format!("{grouped},{:02}\u{a0}₽", self.0 % 100)
    }

    /// The amount as a JSON number of rubles (`5000.00`), exact: it is written from digits.
    pub fn to_json_number(self) -> Box<serde_json::value::RawValue> {
        // Digits, a point and two digits are always a valid JSON number.
        serde_json::value::RawValue::from_string(self.to_rubles()).unwrap_or_default()
    }

    /// Reads a JSON number or a JSON string of rubles from its raw text.
    pub fn parse_json(raw: &serde_json::value::RawValue) -> Result<Money, MoneyError> {
        let text = raw.get().trim();
        Money::parse_rubles(
            text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text),
        )
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rubles())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<i64, MoneyError>) {
        assert_eq!(Money::parse_rubles(text).map(Money::kopecks), expect, "{text:?}");
    }

    #[test]
    fn rubles_become_kopecks_digit_by_digit() {
        check("5000", Ok(500_000));
        check("5000.0", Ok(500_000));
        check("0.01", Ok(1));
        check("0.1", Ok(10));
        check("40.000", Ok(4_000));
        check("1234.56", Ok(123_456));
        check("10000000000", Ok(MAX_KOPECKS));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        check("", Err(MoneyError::Empty));
        check("NaN", Err(MoneyError::NotANumber));
        check("1e3", Err(MoneyError::NotANumber));
        check("5 000", Err(MoneyError::NotANumber));
        check("5000,00", Err(MoneyError::NotANumber));
        check(".5", Err(MoneyError::NotANumber));
        check("5.", Err(MoneyError::NotANumber));
        check("+5", Err(MoneyError::NotANumber));
        check("-5", Err(MoneyError::Negative));
        check("--5", Err(MoneyError::Negative));
        check("-x", Err(MoneyError::NotANumber));
        check("0.005", Err(MoneyError::FractionOfKopeck));
        check("1000000000000000", Err(MoneyError::TooLarge));
        check("99999999999999999999999", Err(MoneyError::TooLarge));
    }

    #[test]
    fn people_read_groups_and_a_comma() {
        let text = Money::parse_rubles("1234567.05").unwrap().to_human();
        assert_eq!(text.replace('\u{a0}', " "), "1 234 567,05 ₽");
    }

    proptest::proptest! {
        #[test]
        fn printing_and_reading_is_the_identity(kopecks in 0..=MAX_KOPECKS) {
            let money = Money::from_kopecks(kopecks).unwrap();
            proptest::prop_assert_eq!(Money::parse_rubles(&money.to_rubles()), Ok(money));
        }
    }
}
