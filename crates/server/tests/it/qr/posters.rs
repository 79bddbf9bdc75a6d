//! Posters: every format as SVG and as PDF is rendered and read; the PDF's text is real text.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kopeck::qr::{Code, Format, Lang, Poster, Way, logo::Logo};
use kopeck_banks::Money;

use super::{
    PAYLOAD,
    eye::{Gray, poppler, scratch},
};

fn poster() -> Poster {
    Poster {
        code: Code::new(PAYLOAD).unwrap(),
        name: "Кофейня «Зерно»".to_owned(),
        place: Some("Столик 7".to_owned()),
        sum: Some(Money::parse_rubles("1500").unwrap()),
        way: Way::Sbp,
        lang: Lang::Ru,
    }
}

/// Dots per inch of the renderings: no better than an office printer's draft.
const DPI: u32 = 150;
/// An SVG's unit is CSS's pixel, 96 to an inch.
const SCALE: f32 = 150.0 / 96.0;

#[test]
fn every_format_is_read_as_svg_and_as_pdf() {
    for (format, per_sheet, columns, rows) in [
        (Format::A4, 1, 1, 1),
        (Format::A5, 1, 1, 1),
        (Format::A6, 1, 1, 1),
        (Format::A7, 1, 1, 1),
        (Format::Tent, 1, 1, 2),
        (Format::A5, 2, 2, 1),
        (Format::Tent, 2, 2, 2),
        (Format::A6, 4, 2, 2),
        (Format::A7, 8, 4, 2),
    ] {
        let sheet = poster().draw(format, per_sheet).unwrap();
        assert_eq!(sheet.cards(), columns * rows);
        let what = format!("{format:?} × {per_sheet}");
        let svg = Gray::from_svg(&sheet.to_svg().unwrap(), SCALE, 0.0);
        let pdf = Gray::from_pdf(&sheet.to_pdf().unwrap(), DPI);
        for (at, card) in svg.cut(columns, rows).iter().enumerate() {
            card.must_read(PAYLOAD, &format!("{what} SVG, card {at}"));
        }
        for (at, card) in pdf.cut(columns, rows).iter().enumerate() {
            card.must_read(PAYLOAD, &format!("{what} PDF, card {at}"));
        }
        assert!(svg.width.abs_diff(pdf.width) <= 2 && svg.height.abs_diff(pdf.height) <= 2);
        if per_sheet == 1 && matches!(format, Format::A6 | Format::Tent) {
            check_alike(&svg, &pdf, &what);
        }
    }
}

/// Both draw the same page. They smooth edges in their own ways, so blurred pictures are compared.
#[track_caller]
fn check_alike(svg: &Gray, pdf: &Gray, what: &str) {
    let (svg, pdf) = (svg.blurred(2), pdf.blurred(2));
    let mut far = 0;
    for y in 0..svg.height.min(pdf.height) {
        for x in 0..svg.width.min(pdf.width) {
            let (a, b) = (svg.pixels[y * svg.width + x], pdf.pixels[y * pdf.width + x]);
            far += usize::from(a.abs_diff(b) > 96);
        }
    }
    assert!(far * 1000 <= svg.pixels.len(), "{what}: {far} pixels differ");
}

#[test]
fn a_poster_with_a_logo_is_read() {
    let (width, height) = (60, 40);
    let rgb = [30, 60, 120].repeat(width * height);
    let logo = Logo { width: 60, height: 40, rgb };
    let poster = Poster { code: Code::with_logo(PAYLOAD, logo).unwrap(), ..poster() };
    let sheet = poster.draw(Format::A6, 1).unwrap();
    let pdf = Gray::from_pdf(&sheet.to_pdf().unwrap(), DPI);
    pdf.must_read(PAYLOAD, "PDF with a logo");
    assert!(pdf.pixels.iter().filter(|gray| (50..65).contains(*gray)).count() > 1000, "no logo");
    let svg = sheet.to_svg().unwrap();
    Gray::from_svg(&svg, SCALE, 0.0).must_read(PAYLOAD, "SVG with a logo");
    // resvg as built here draws no pictures within a picture: what it would draw is looked at.
    let image = svg.split("data:image/png;base64,").nth(1).and_then(|rest| rest.split('"').next());
    let image = Gray::from_png(&STANDARD.decode(image.expect("an image")).unwrap());
    assert_eq!((image.width, image.height, image.pixels[0]), (width, height, 70));
}

/// Words as a reader sees and copies them, spaces of all widths alike.
fn text_of(pdf: &[u8]) -> String {
    let folder = scratch();
    let file = folder.0.join("sheet.pdf");
    fs::write(&file, pdf).expect("written");
    let fonts = poppler("pdffonts", &[], &file, &[]);
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert_eq!(rows.len(), 2, "{fonts}");
    for row in rows {
        // Embedded, whole, with a way back to letters.
        assert!(row.contains("CID TrueType") && row.contains(" yes no  yes "), "{fonts}");
    }
    let text = poppler("pdftotext", &[], &file, &["-".as_ref()]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_text_of_a_pdf_is_text() {
    let text = text_of(&poster().draw(Format::A6, 1).unwrap().to_pdf().unwrap());
    for words in [
        "Оплата по QR-коду",
        "Кофейня «Зерно»",
        "Столик 7",
        "К оплате",
        "1 500 ₽",
        "Проверьте сумму и подтвердите оплату",
        "СБП",
        "Система быстрых платежей",
    ] {
        assert!(text.contains(words), "no «{words}» in {text}");
    }
    assert!(!text.contains("Сумму вводит покупатель"), "{text}");

    let english = Poster { sum: None, lang: Lang::En, way: Way::Link, ..poster() };
    let text = text_of(&english.draw(Format::Tent, 1).unwrap().to_pdf().unwrap());
    for words in ["Pay by QR code", "The buyer enters the sum", "camera", "Кофейня «Зерно»"]
    {
        assert!(text.contains(words), "no «{words}» in {text}");
    }
    assert!(!text.contains("SBP") && !text.contains("Faster Payments"), "{text}");

    let kopecks = Poster { sum: Some(Money::parse_rubles("350.5").unwrap()), ..poster() };
    let text = text_of(&kopecks.draw(Format::A6, 1).unwrap().to_pdf().unwrap());
    assert!(text.contains("350,50 ₽"), "{text}");
}

#[test]
fn an_svg_needs_nothing_from_outside() {
    let svg = poster().draw(Format::A6, 4).unwrap().to_svg().unwrap();
    for word in ["<text", "font", "http:", "https:", "<script", "url("] {
        let found = svg.replace("http://www.w3.org/2000/svg", "").contains(word);
        assert!(!found, "the SVG holds {word}");
    }
    assert!(svg.contains("aria-label=\"Кофейня «Зерно» — Оплата по QR-коду\""));
}

#[test]
fn the_same_poster_is_the_same_file() {
    let draw = || poster().draw(Format::A7, 8).unwrap();
    assert_eq!(draw().to_svg().unwrap(), draw().to_svg().unwrap());
    assert_eq!(draw().to_pdf().unwrap(), draw().to_pdf().unwrap());
}
