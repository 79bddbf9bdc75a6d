//! sms.ru's codes: of a request, and of each number in it. Codes of other meanings (100 to 108 are
//! also states of a sent message) never stand here.

use super::problems;
use crate::{
    integration::Reading,
    problem::{Broken, Problem},
};

pub(super) const ACCEPTED: u16 = 100;
/// After which the same text passes again.
const MINUTE_MS: u64 = 60_000;
/// The day's limit ends some time: asked again now and then.
const HOUR_MS: u64 = 3_600_000;

enum Meaning {
    Ends(&'static Problem),
    Wait(Option<u64>),
}

/// What a code says; anything unknown ends the message, with the code beside.
pub(super) fn read(code: u16, words: &str) -> Reading {
    let meaning = match code {
        200 | 300 | 301 => Meaning::Ends(&problems::KEY_REFUSED),
        201 => Meaning::Ends(&problems::NO_MONEY),
        202 | 207 => Meaning::Ends(&problems::NUMBER_REFUSED),
        203 | 205 | 212 => Meaning::Ends(&problems::TEXT_REFUSED),
        204 => Meaning::Ends(&problems::SENDER_REFUSED),
        206 => Meaning::Wait(Some(HOUR_MS)),
        209 => Meaning::Ends(&problems::STOP_LIST),
        220 => Meaning::Wait(None),
        230 | 232 => Meaning::Ends(&problems::NUMBER_LIMIT),
        231 => Meaning::Wait(Some(MINUTE_MS)),
        302 => Meaning::Ends(&problems::NOT_CONFIRMED),
        _ => Meaning::Ends(&problems::REFUSED),
    };
    match meaning {
        Meaning::Ends(problem) => {
            Reading::Broken(Broken::of(problem).because(format!("{code} {words}").trim()))
        }
        Meaning::Wait(after_ms) => {
            Reading::Retry { after_ms, why: format!("sms.ru answered {code}") }
        }
    }
}
