//! A line in one text, as the command line takes it: `Курс;1;4900.00;none[;subject[;method]]`.

use super::{
    lint::{
        Finding,
        reading::{self, finding},
    },
    model::Line,
    quantity::parse_quantity,
    words::{PaymentMethod, Subject, Vat},
};
use crate::money::Money;

/// `name;quantity;price;vat[;subject[;method]]`: rubles, our words; spaces around are dropped.
pub fn parse_item(text: &str) -> Result<Line, Finding> {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let field = |value: &str| finding(&reading::FIELD, None, value);
    let (name, quantity, price, vat, rest) = match parts.as_slice() {
        [name, quantity, price, vat, rest @ ..] if rest.len() <= 2 => {
            (*name, *quantity, *price, *vat, rest)
        }
        _ => return Err(field("name;quantity;price;vat[;subject[;method]]")),
    };
    if name.is_empty() {
        return Err(field("name"));
    }
    let quantity_milli =
        parse_quantity(quantity).map_err(|_| finding(&reading::QUANTITY, None, quantity))?;
    let price = Money::parse_rubles(price).map_err(|_| finding(&reading::NUMBER, None, price))?;
    let vat = Vat::parse(vat).ok_or_else(|| finding(&reading::VAT, None, vat))?;
    let mut line = Line { quantity_milli, vat, ..Line::new(name, price) };
    let word = |value: &str| finding(&reading::WORD, None, value);
    if let Some(text) = rest.first().filter(|text| !text.is_empty()) {
        line.subject = Subject::read(text).ok_or_else(|| word(text))?;
    }
    if let Some(text) = rest.get(1).filter(|text| !text.is_empty()) {
        line.method = PaymentMethod::parse(text).ok_or_else(|| word(text))?;
    }
    Ok(line)
}
