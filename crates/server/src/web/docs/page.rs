//! The readable page.

use askama::Template;
use kopeck_banks::tochka::emulator::TEST_CARDS;
use serde_json::Value;

use super::read::{Endpoint, Object, endpoints, objects};
use crate::{
    events::EventKind,
    http::codes::{CODES, Code},
};

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage<'a> {
    version: &'a str,
    about: Vec<String>,
    endpoints: Vec<Section>,
    objects: Vec<Object>,
    events: &'static [EventKind],
    codes: &'static [Code],
    cards: Vec<Card>,
}

struct Section {
    endpoint: Endpoint,
    /// The Russian heading.
    ru: &'static str,
}

struct Card {
    number: String,
    en: &'static str,
    ru: &'static str,
}

/// The headings in Russian, by operation.
const RUSSIAN: [(&str, &str); 8] = [
    ("create_payment", "Создать платёж"),
    ("list_payments", "Список платежей"),
    ("get_payment", "Получить платёж"),
    ("capture_payment", "Списать холд"),
    ("create_refund", "Вернуть деньги"),
    ("get_timeline", "История платежа"),
    ("get_events", "Список событий"),
    ("get_me", "Магазин и его банки"),
];

pub fn render(document: &Value, public_url: &str) -> askama::Result<String> {
    let info = |name: &str| document.pointer(&format!("/info/{name}")).and_then(Value::as_str);
    let about = info("description").unwrap_or("").replace(['`', '*'], "");
    let section = |endpoint: Endpoint| {
        let ru = RUSSIAN.iter().find(|(id, _)| *id == endpoint.id).map_or("", |(_, ru)| ru);
        Section { endpoint, ru }
    };
    let host = if public_url.is_empty() { "https://pay.example.ru" } else { public_url };
    let page = DocsPage {
        version: info("version").unwrap_or(""),
        about: about.lines().filter(|line| !line.is_empty()).map(|l| l.trim().into()).collect(),
        endpoints: endpoints(document, host).into_iter().map(section).collect(),
        objects: objects(document),
        events: &EventKind::ALL,
        codes: CODES,
        cards: TEST_CARDS.iter().map(card).collect(),
    };
    page.render()
}

/// Digits in groups of four, as they are printed on a card.
fn card(card: &kopeck_banks::tochka::emulator::TestCard) -> Card {
    let digits: Vec<char> = card.number.chars().collect();
    let groups: Vec<String> = digits.chunks(4).map(|four| four.iter().collect()).collect();
    Card { number: groups.join(" "), en: card.en, ru: card.ru }
}
