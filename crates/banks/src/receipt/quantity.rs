//! Quantities in whole thousandths, from text to text, digit by digit.

/// One unit.
pub const ONE_MILLI: u64 = 1_000;

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    #[error("not a decimal number such as 1 or 1.500")]
    NotANumber,
    #[error("finer than a thousandth, which no cash register counts")]
    TooFine,
    #[error("not more than zero")]
    NotPositive,
    #[error("too large")]
    TooLarge,
}

/// Thousandths from text such as `1.5`. Zeros after the third decimal are harmless.
pub fn parse_quantity(text: &str) -> Result<u64, QuantityError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(QuantityError::NotPositive);
    }
    if !digits(whole) || !digits(fraction) {
        return Err(QuantityError::NotANumber);
    }
    let (kept, rest) = fraction.split_at(fraction.len().min(3));
    if rest.bytes().any(|b| b != b'0') {
        return Err(QuantityError::TooFine);
    }
    let fraction: u64 = format!("{kept:0<3}").parse().map_err(|_| QuantityError::NotANumber)?;
    let whole: u64 = whole.parse().map_err(|_| QuantityError::TooLarge)?;
    let milli = whole
        .checked_mul(ONE_MILLI)
        .and_then(|milli| milli.checked_add(fraction))
        .ok_or(QuantityError::TooLarge)?;
    if milli == 0 { Err(QuantityError::NotPositive) } else { Ok(milli) }
}

/// Without needless zeros: 1500 is `1.5`, 2000 is `2`. Always a valid JSON number.
pub fn quantity_text(milli: u64) -> String {
    let text = format!("{}.{:03}", milli / ONE_MILLI, milli % ONE_MILLI);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
