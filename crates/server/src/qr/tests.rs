//! Properties of drawings that need no renderer: nothing overflows, overlaps or is lost.

use kopeck_banks::Money;
use proptest::prelude::*;

use super::{
    code::{Code, QUIET},
    logo::Logo,
    page::{Area, Card, Shape, Sheet},
    poster::{NAME_MAX_LETTERS, Poster},
    sheet::Format,
    text::Fonts,
    words::{Lang, Way},
};

const PAYLOAD: &str = "https://qr.nspk.ru/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=01&bank=1&crc=F3D0";

/// Every format with every number of cards that it allows.
const SHEETS: [(Format, u8); 12] = [
    (Format::A4, 1),
    (Format::A5, 1),
    (Format::A5, 2),
    (Format::A6, 1),
    (Format::A6, 2),
    (Format::A6, 4),
    (Format::A7, 1),
    (Format::A7, 2),
    (Format::A7, 4),
    (Format::A7, 8),
    (Format::Tent, 1),
    (Format::Tent, 2),
];

fn poster(name: &str) -> Poster {
    Poster {
        code: Code::new(PAYLOAD).unwrap(),
        name: name.to_owned(),
        place: None,
        sum: None,
        way: Way::Sbp,
        lang: Lang::Ru,
    }
}

/// The space that a shape takes, a text with the parts of its letters below and above the line.
fn space(shape: &Shape, code: &Code) -> Area {
    match shape {
        Shape::Plate { area, .. } | Shape::Frame { area, .. } => *area,
        Shape::Text { x, y, run, .. } => {
            let (above, below) = (run.size * 3 / 4, run.size / 5);
            Area { x: *x, y: y - above, width: run.width, height: above + below }
        }
        Shape::Code { x, y, module } => {
            let (quiet, side) = (QUIET * module, code.full_side() * module);
            Area { x: x - quiet, y: y - quiet, width: side, height: side }
        }
    }
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

#[track_caller]
fn check_card(card: &Card) {
    // Wide enough for any printer and for a thumb.
    let margin = card.width.min(card.height) / 15;
    let spaces: Vec<Area> = card.shapes.iter().map(|shape| space(shape, &card.code)).collect();
    for (shape, at) in card.shapes.iter().zip(&spaces) {
        let is_inside = at.x >= margin
            && at.y >= margin
            && at.right() <= card.width - margin
            && at.bottom() <= card.height - margin;
        assert!(is_inside, "{shape:?} leaves the card: {at:?}");
    }
    let is_text = |shape: &Shape| matches!(shape, Shape::Text { .. });
    let is_code = |shape: &Shape| matches!(shape, Shape::Code { .. });
    for (at, shape) in card.shapes.iter().enumerate() {
        for (other_at, other) in card.shapes.iter().enumerate().skip(at + 1) {
            let must_be_apart = (is_text(shape) && is_text(other))
                || (is_code(shape) && !matches!(other, Shape::Frame { .. }))
                || (is_text(shape) && is_code(other));
            let is_apart = !overlap(&spaces[at], &spaces[other_at]);
            assert!(!must_be_apart || is_apart, "{shape:?} and {other:?} overlap");
        }
    }
}

fn draw(poster: &Poster, (format, per_sheet): (Format, u8)) -> Sheet {
    poster
        .draw(format, per_sheet)
        .unwrap_or_else(|problem| panic!("{format:?} × {per_sheet}, «{}»: {problem}", poster.name))
}

#[test]
fn every_poster_keeps_its_grid() {
    let wide = "Щ".repeat(NAME_MAX_LETTERS);
    let long = "Общество с ограниченной ответственностью «Северо-Западная Компания» № 12".repeat(2);
    let long: String = long.chars().take(NAME_MAX_LETTERS).collect();
    let short = "Кофейня «Зерно» на Чистых прудах";
    for sheet in SHEETS {
        for name in ["Чай", short, &long, &wide] {
            for place in [None, Some("Стол 7"), Some(name)] {
                let poster = Poster { place: place.map(str::to_owned), ..poster(name) };
                check_card(&draw(&poster, sheet).card);
            }
        }
        let ways = [(Lang::Ru, Way::Sbp), (Lang::Ru, Way::Link), (Lang::En, Way::Sbp)];
        for (lang, way) in ways.into_iter().chain([(Lang::En, Way::Link)]) {
            for sum in [None, Some("0.01"), Some("1500"), Some("9999999999.99")] {
                let sum = sum.map(|sum| Money::parse_rubles(sum).unwrap());
                check_card(&draw(&Poster { sum, lang, way, ..poster(short) }, sheet).card);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_overflows(
        name in "[ШЩЮЖMWА-яёA-Za-z0-9 «»№.,-]{1,120}",
        at in 0..SHEETS.len(),
    ) {
        prop_assume!(!name.trim().is_empty());
        let poster = Poster { place: Some(name.clone()), ..poster(&name) };
        check_card(&draw(&poster, SHEETS[at]).card);
    }
}

#[test]
fn cards_lie_side_by_side_on_the_paper() {
    for (format, per_sheet) in SHEETS {
        let sheet = draw(&poster("Чай"), (format, per_sheet));
        let sides = if format == Format::Tent { 2 } else { 1 };
        assert_eq!(sheet.places.len(), usize::from(per_sheet) * sides);
        let areas: Vec<Area> = sheet
            .places
            .iter()
            .map(|place| Area {
                x: place.x,
                y: place.y,
                width: sheet.card.width,
                height: sheet.card.height,
            })
            .collect();
        for (at, area) in areas.iter().enumerate() {
            assert!(area.right() <= sheet.width && area.bottom() <= sheet.height, "{format:?}");
            let others = &areas[at + 1..];
            assert!(!others.iter().any(|other| overlap(area, other)), "{format:?} × {per_sheet}");
        }
        assert_eq!(sheet.marks.is_empty(), per_sheet == 1 && format != Format::Tent);
        let turned = sheet.places.iter().filter(|place| place.is_turned).count();
        assert_eq!(turned * sides, if sides == 2 { sheet.places.len() } else { 0 });
    }
    for (format, per_sheet) in [(Format::A4, 2), (Format::A6, 8), (Format::A7, 3), (Format::A5, 0)]
    {
        let problem = poster("Чай").draw(format, per_sheet).err().expect("too many");
        assert_eq!((problem.code, problem.param), ("per_sheet_invalid", "per_sheet"));
    }
}

#[test]
fn texts_that_cannot_be_printed_are_errors() {
    let problem_of = |name: &str| poster(name).draw(Format::A6, 1).err().expect("a problem");
    assert_eq!(problem_of("  ").code, "text_empty");
    assert_eq!(problem_of(&"я".repeat(NAME_MAX_LETTERS + 1)).code, "text_too_long");
    for name in ["茶", "Чай ☕", "Чай\u{7}", "Чай\u{202e}"] {
        assert_eq!(problem_of(name).code, "text_not_drawable", "{name:?}");
    }
    let with_place = Poster { place: Some("茶".to_owned()), ..poster("Чай") };
    assert_eq!(with_place.draw(Format::A6, 1).err().expect("a problem").param, "place");
}

#[test]
fn names_are_tidied_as_a_person_would_write_them() {
    let fonts = Fonts::load().unwrap();
    assert_eq!(fonts.tidy("name", "  Чай\n и\tкофе ").unwrap(), "Чай и кофе");
    // As some keyboards send й and ё: a letter and its mark apart.
    assert_eq!(fonts.tidy("name", "Чаи\u{306} е\u{308}ж").unwrap(), "Чай ёж");
}

#[test]
fn the_font_has_the_letters_of_all_our_words() {
    let fonts = Fonts::load().unwrap();
    let alphabet = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя\
                    ІЇЄҐіїєґЎўӘәҒғҚқҢңӨөҰұҮүҺһ₽№«»—…’“”„€·ÄÖÜßéč";
    assert!(fonts.tidy("name", alphabet).is_ok());
}

#[test]
fn nothing_and_too_much_are_no_payloads() {
    let problem = Code::new("").err().expect("empty");
    assert_eq!((problem.code, problem.param), ("payload_empty", "payload"));
    let logo = || Logo { width: 1, height: 1, rgb: vec![0; 3] };
    for (most, make) in [
        (2331, &(|text: &str| Code::new(text)) as &dyn Fn(&str) -> Result<Code, super::Problem>),
        (1273, &|text: &str| Code::with_logo(text, logo())),
    ] {
        assert!(make(&"x".repeat(most)).is_ok());
        let problem = make(&"x".repeat(most + 1)).err().expect("too long");
        assert_eq!((problem.code, problem.param), ("payload_too_long", "payload"));
    }
}

#[test]
fn a_code_too_fine_for_its_paper_is_an_error() {
    let dense = Poster { code: Code::new(&"x".repeat(1500)).unwrap(), ..poster("Чай") };
    assert_eq!(dense.draw(Format::A7, 8).err().expect("too fine").code, "payload_too_long");
    assert!(dense.draw(Format::A4, 1).is_ok());
}

#[test]
fn bars_are_the_dark_modules() {
    let code = Code::new(PAYLOAD).unwrap();
    let mut modules = 0;
    for bar in code.bars() {
        assert!((bar.x..bar.x + bar.length).all(|x| code.is_dark(x, bar.y)), "{bar:?}");
        assert!(!code.is_dark(bar.x - 1, bar.y) && !code.is_dark(bar.x + bar.length, bar.y));
        modules += bar.length;
    }
    let side = 0..code.side();
    let dark = side.clone().flat_map(|y| side.clone().map(move |x| (x, y)));
    let dark = dark.filter(|(x, y)| code.is_dark(*x, *y)).count();
    assert_eq!(usize::try_from(modules), Ok(dark));
}

#[test]
fn a_logo_covers_little_and_lies_in_the_very_middle() {
    let logo = Logo { width: 40, height: 10, rgb: vec![0; 1200] };
    for length in [1, 60, 300, 1000, 1273] {
        let code = Code::with_logo(&"x".repeat(length), logo.clone()).unwrap();
        let (at, side) = code.hole().expect("a logo");
        assert_eq!(2 * at + side, code.side());
        assert!(side * side * 100 <= 7 * code.side() * code.side(), "{side} of {}", code.side());
    }
    assert_eq!(logo.fit(100), (100, 25));
}

#[test]
fn a_terminal_gets_both_colours_and_a_quiet_zone() {
    let text = Code::new("https://pay.example.ru/pay/1").unwrap().to_terminal();
    let first = text.lines().next().expect("lines");
    assert!(first.starts_with("\u{1b}[") && first.ends_with("\u{1b}[0m"), "{first:?}");
    assert!(first.contains('█') && !first.contains('▀') && !first.contains('▄'), "{first}");
}

#[test]
fn payers_are_promised_only_what_the_code_is() {
    assert_eq!(Way::of(PAYLOAD), Way::Sbp);
    assert_eq!(Way::of("HTTPS://QR.NSPK.RU/AS1"), Way::Sbp);
    assert_eq!(Way::of("https://pay.example.ru/pay/1"), Way::Link);
    assert_eq!(Way::of("https://qr.nspk.ru.example.org/"), Way::Link);
}
