//! A payload as a matrix of modules. It never alters the payload.

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

use super::{logo::Logo, problem::Problem};

/// Modules of quiet zone on every side: the standard's four (ISO/IEC 18004).
pub const QUIET: i32 = 4;

/// Up to this version a logo of a quarter of the side may hit so many codewords of one block that
/// little is left for dirt; a larger code spreads the same payload over more of them.
const LEAST_VERSION_WITH_LOGO: u8 = 5;

/// A logo's square takes a quarter of the side: 6 % of the modules. Level H repairs codewords as
/// long as 30 % are damaged, and a module costs up to a whole codeword, so about half of its
/// strength is left for scratches, glare and a bad camera.
const LOGO_PART: i32 = 4;

/// A QR code, ready to be drawn.
#[derive(Clone)]
pub struct Code {
    matrix: QrCode,
    logo: Option<Logo>,
}

/// A row's neighbouring dark modules, drawn as one: fewer shapes and no seams within a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    pub x: i32,
    pub y: i32,
    pub length: i32,
}

impl Code {
    /// With at least level M, which repairs 15 %: paper gets scratched. Where the same size of
    /// code has room for a stronger level, it is taken.
    pub fn new(payload: &str) -> Result<Code, Problem> {
        Ok(Code { matrix: encode(payload, QrCodeEcc::Medium, Version::MIN)?, logo: None })
    }

    /// With a picture in the middle, and level H to make up for what it covers.
    pub fn with_logo(payload: &str, logo: Logo) -> Result<Code, Problem> {
        let least = Version::new(LEAST_VERSION_WITH_LOGO);
        Ok(Code { matrix: encode(payload, QrCodeEcc::High, least)?, logo: Some(logo) })
    }

    /// Modules on a side, without the quiet zone.
    pub fn side(&self) -> i32 {
        self.matrix.size()
    }

    /// Modules on a side, with the quiet zone.
    pub fn full_side(&self) -> i32 {
        self.side() + 2 * QUIET
    }

    /// Outside the code and behind a logo everything is light.
    pub fn is_dark(&self, x: i32, y: i32) -> bool {
        self.matrix.get_module(x, y) && !self.is_covered(x, y)
    }

    pub fn logo(&self) -> Option<&Logo> {
        self.logo.as_ref()
    }

    /// Where the logo's square begins (from left and from top alike), and its side.
    pub fn hole(&self) -> Option<(i32, i32)> {
        self.logo.as_ref()?;
        // A code's side is odd: an odd square is in its very middle.
        let side = (self.side() / LOGO_PART - 1) | 1;
        Some(((self.side() - side) / 2, side))
    }

    fn is_covered(&self, x: i32, y: i32) -> bool {
        self.hole()
            .is_some_and(|(at, side)| (at..at + side).contains(&x) && (at..at + side).contains(&y))
    }

    /// All dark modules, row by row.
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for y in 0..self.side() {
            for x in (0..self.side()).filter(|x| self.is_dark(*x, y)) {
                match bars.last_mut() {
                    Some(bar) if bar.y == y && bar.x + bar.length == x => bar.length += 1,
                    Some(_) | None => bars.push(Bar { x, y, length: 1 }),
                }
            }
        }
        bars
    }
}

fn encode(payload: &str, level: QrCodeEcc, least: Version) -> Result<QrCode, Problem> {
    if payload.is_empty() {
        return Err(Problem::new(
            "payload_empty",
            "payload",
            "A QR code of nothing leads nowhere: the payload is empty",
            "Give the link or text as the bank made it",
        ));
    }
    let segments = QrSegment::make_segments(payload);
    QrCode::encode_segments_advanced(&segments, level, least, Version::MAX, None, true).map_err(
        |_| {
            let bytes = payload.len();
            Problem::new(
                "payload_too_long",
                "payload",
                format!("The payload of {bytes} bytes is too long for a QR code"),
                "A code holds 2331 bytes, with a logo 1273; take a shorter link",
            )
        },
    )
}
