//! A code alone: PNG, SVG, terminal; scaled, blurred, turned, with a logo, of any text.

use kopeck::qr::{Code, logo::Logo};
use proptest::prelude::*;

use super::{PAYLOAD, eye::Gray};

/// A dark disc-like picture with a transparent corner, as a PNG.
fn logo_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| if x + y < 20 { [0, 0, 0, 0] } else { [20, 90, 40, 255] })
        .collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// The characters back to pixels, four to a module.
fn from_terminal(text: &str) -> Gray {
    let mut rows: Vec<Vec<u8>> = Vec::new();
    for line in text.lines() {
        let cells = line.split('m').nth(1).expect("after the colour").trim_end_matches("\u{1b}[0");
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        for cell in cells.chars() {
            let (is_upper_light, is_lower_light) = match cell {
                '█' => (true, true),
                '▀' => (true, false),
                '▄' => (false, true),
                ' ' => (false, false),
                other => panic!("{other:?} in {line:?}"),
            };
            upper.extend([if is_upper_light { 255 } else { 0 }; 4]);
            lower.extend([if is_lower_light { 255 } else { 0 }; 4]);
        }
        rows.extend(vec![upper; 4]);
        rows.extend(vec![lower; 4]);
    }
    Gray { width: rows[0].len(), height: rows.len(), pixels: rows.concat() }
}

#[test]
fn pictures_of_every_size_are_read() {
    let code = Code::new(PAYLOAD).unwrap();
    for least in [0, 300, 1024, 2000] {
        let picture = Gray::from_png(&code.to_png(least).unwrap());
        let full = usize::try_from(code.full_side()).unwrap();
        let least = usize::try_from(least).unwrap();
        assert!(picture.width >= least.max(4 * full) && picture.width.is_multiple_of(full));
        assert!(picture.width < least.max(4 * full) + full, "the smallest that is large enough");
        picture.must_read(PAYLOAD, &format!("{least} pixels"));
    }
    let problem = code.to_png(8193).unwrap_err();
    assert_eq!((problem.code, problem.param), ("pixels_invalid", "pixels"));
}

#[test]
fn blurred_and_turned_pictures_are_read() {
    let code = Code::new(PAYLOAD).unwrap();
    let sharp = Gray::from_png(&code.to_png(600).unwrap());
    for radius in [1, 3, 5] {
        sharp.blurred(radius).must_read(PAYLOAD, &format!("blurred by {radius}"));
    }
    let svg = code.to_svg("Оплата");
    for scale in [3.0, 4.7, 10.0] {
        for degrees in [0.0, 7.0, 45.0, 90.0, 180.0, 291.5] {
            let what = format!("{scale} pixels, {degrees}°");
            Gray::from_svg(&svg, scale, degrees).must_read(PAYLOAD, &what);
        }
    }
    for degrees in [13.0, 120.0, 307.0] {
        let picture = Gray::from_svg(&svg, 10.0, degrees).blurred(2);
        picture.must_read(PAYLOAD, &format!("turned by {degrees}° and blurred"));
    }
}

#[test]
fn a_quiet_zone_of_four_modules_is_white() {
    let code = Code::new(PAYLOAD).unwrap();
    let picture = Gray::from_png(&code.to_png(0).unwrap());
    let is_dark = |x: usize, y: usize| picture.pixels[y * picture.width + x] < 255;
    let quiet = 4 * 4;
    for at in 0..picture.width {
        for near in 0..quiet {
            let far = picture.width - 1 - near;
            let dark = [(at, near), (at, far), (near, at), (far, at)];
            assert!(!dark.into_iter().any(|(x, y)| is_dark(x, y)), "a mark at {at}, {near}");
        }
    }
    assert!(is_dark(quiet, quiet), "the finder begins right after it");
}

#[test]
fn codes_with_a_logo_are_read_also_when_blurred() {
    for (width, height) in [(64, 64), (300, 80), (50, 200)] {
        let logo = Logo::read(&logo_png(width, height)).unwrap();
        for payload in ["x", PAYLOAD, &PAYLOAD.repeat(6)] {
            let code = Code::with_logo(payload, logo.clone()).unwrap();
            let picture = Gray::from_png(&code.to_png(700).unwrap());
            let what = format!("{width} × {height}, {} bytes", payload.len());
            picture.must_read(payload, &what);
            // The decoder cannot read large codes out of focus, with a logo or without.
            if payload.len() <= PAYLOAD.len() {
                picture.blurred(2).must_read(payload, &format!("{what}, blurred"));
            }
            let svg = code.to_svg("QR");
            Gray::from_svg(&svg, 6.0, 0.0).must_read(payload, &format!("{what}, SVG"));
            let middle = picture.width / 2 * picture.width + picture.width / 2;
            assert!((20..200).contains(&picture.pixels[middle]), "the logo is in the middle");
        }
    }
}

#[test]
fn only_a_png_of_sane_size_is_a_logo() {
    for bytes in [&b""[..], b"<svg/>", &logo_png(2049, 1), &logo_png(64, 64)[..60]] {
        let problem = Logo::read(bytes).unwrap_err();
        assert_eq!((problem.code, problem.param), ("logo_invalid", "logo"), "{problem}");
    }
}

#[test]
fn a_label_cannot_break_out_of_the_svg() {
    let svg = Code::new(PAYLOAD).unwrap().to_svg("\"/><script>&\u{1}");
    assert!(!svg.contains("<script"), "{svg}");
    Gray::from_svg(&svg, 4.0, 0.0).must_read(PAYLOAD, "with a hostile label");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Byte for byte: spaces at the ends, lower case, line feeds, all alphabets.
    #[test]
    fn what_goes_in_comes_out(payload in prop_oneof![
        "[0-9]{1,200}",
        "[0-9A-Z $%*+./:-]{1,200}",
        "[ -~]{1,300}",
        "https://qr\\.nspk\\.ru/[A-Z0-9]{32}\\?type=0[12]&bank=[0-9]{12}&crc=[0-9A-F]{4}",
        "\\PC{1,100}",
        "[ \\n\\r\\tа-я]{1,60}",
    ]) {
        let code = Code::new(&payload).unwrap();
        let wanted = vec![payload.clone().into_bytes()];
        prop_assert_eq!(Gray::from_png(&code.to_png(0).unwrap()).read(), wanted.clone());
        prop_assert_eq!(Gray::from_svg(&code.to_svg("QR"), 4.0, 0.0).read(), wanted.clone());
        prop_assert_eq!(from_terminal(&code.to_terminal()).read(), wanted);
    }
}
