//! A place's picture: the code alone, or a poster around it. Refused while nobody should pay by it.

use super::{
    flow::Problem,
    model::{Place, State},
};
use crate::qr::{Code, Format, Lang, Poster, Sheet, Way};

/// How it is to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    pub format: Format,
    pub per_sheet: u8,
    pub lang: Lang,
}

pub const SIZES: [&str; 5] = ["a4", "a5", "a6", "a7", "tent"];

pub fn parse_size(text: &str) -> Option<Format> {
    Some(match text {
        "a4" => Format::A4,
        "a5" => Format::A5,
        "a6" => Format::A6,
        "a7" => Format::A7,
        "tent" => Format::Tent,
        _ => return None,
    })
}

pub fn parse_lang(text: &str) -> Option<Lang> {
    Some(match text {
        "ru" => Lang::Ru,
        "en" => Lang::En,
        _ => return None,
    })
}

/// The code alone.
pub fn code(place: &Place) -> Result<Code, Problem> {
    match place.state() {
        State::Active => {}
        State::Suspended => return Err(Problem::Suspended),
        State::Opening | State::Failed => return Err(Problem::NoCode),
    }
    let payload = place.code_url.as_deref().ok_or(Problem::NoCode)?;
    Ok(Code::new(payload)?)
}

/// The poster: shop, place, sum or «сумму вводит покупатель», steps.
pub fn draw(place: &Place, shop: &str, print: Print) -> Result<Sheet, Problem> {
    let code = code(place)?;
    let payload = place.code_url.as_deref().unwrap_or_default();
    let poster = Poster {
        name: shop.to_owned(),
        place: Some(place.name.clone()),
        sum: place.amount,
        way: Way::of(payload),
        lang: print.lang,
        code,
    };
    Ok(poster.draw(print.format, print.per_sheet)?)
}
